#include "ledger/wal.h"

#include "common/le.h"
#include "common/log.h"
#include "ledger/wal_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t block_up(uint64_t value)
{
    return (value + WAL_BLOCK_BYTES - 1) & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
}

enum status wal_files_fail(struct wal *wal, const char *what, const char *name, int64_t result)
{
    const bool is_short = result >= 0;
    const int error = is_short ? 0 : (int)-result;
    wal->failure = status_of_errno(error);
    log_error("ledger", "the log's disk failed, stopping",
              "call=\"%s\" file=\"%s\" error=\"%s\" last_index=%" PRIu64 " status=%s", what, name,
              is_short ? "short count" : strerror(error), wal->last.index,
              status_name(wal->failure));
    return wal->failure;
}

enum status wal_files_no_memory(struct wal *wal)
{
    wal->failure = STATUS_NO_MEMORY;
    log_error("ledger", "no memory for the log's index, stopping", "last_index=%" PRIu64,
              wal->last.index);
    return wal->failure;
}

/* Makes room for one more item in a growing array. */
static bool grow(void **items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return true;
    const uint32_t larger = *capacity == 0 ? 64 : *capacity * 2;
    void *moved = realloc(*items, larger * item_bytes);
    if (moved == NULL) return false;
    *items = moved;
    *capacity = larger;
    return true;
}

enum status wal_files_add(struct wal *wal, const struct wal_file *file)
{
    if (!grow((void **)&wal->files, wal->file_count, &wal->file_capacity, sizeof(*file)))
        return wal_files_no_memory(wal);
    wal->files[wal->file_count++] = *file;
    return STATUS_OK;
}

enum status wal_files_bury(struct wal *wal, const struct wal_file *file)
{
    if (!grow((void **)&wal->dead, wal->dead_count, &wal->dead_capacity, sizeof(*file)))
        return wal_files_no_memory(wal);
    wal->dead[wal->dead_count++] = *file;
    return STATUS_OK;
}

enum status wal_files_add_gap(struct wal *wal, const struct wal_gap *gap)
{
    struct wal_gap *before = wal->gap_count > 0 ? &wal->gaps[wal->gap_count - 1] : NULL;
    if (before != NULL && before->last + 1 == gap->first) {
        before->last = gap->last;
        before->tail = gap->tail;
        return STATUS_OK;
    }
    if (!grow((void **)&wal->gaps, wal->gap_count, &wal->gap_capacity, sizeof(*gap)))
        return wal_files_no_memory(wal);
    wal->gaps[wal->gap_count++] = *gap;
    return STATUS_OK;
}

void wal_files_forget(struct wal *wal, uint64_t index)
{
    while (wal->gap_count > 0 && wal->gaps[wal->gap_count - 1].first >= index)
        wal->gap_count--;
    if (wal->gap_count > 0 && wal->gaps[wal->gap_count - 1].last >= index)
        wal->gaps[wal->gap_count - 1].last = index - 1;
    while (wal->mark_count > 0 && wal->marks[wal->mark_count - 1].index >= index)
        wal->mark_count--;
    while (wal->configuration_count > 0 &&
           wal->configurations[wal->configuration_count - 1] >= index)
        wal->configuration_count--;
    wal->reader.next_index = 0;
}

static bool mark_due(const struct wal *wal, uint64_t index, uint32_t file, bool apart)
{
    if (apart || wal->mark_count == 0) return true;
    const struct wal_mark *mark = &wal->marks[wal->mark_count - 1];
    return mark->file != file || index - mark->index >= WAL_MARK_ENTRIES;
}

enum status wal_files_take(struct wal *wal, const struct wal_record *record, uint32_t file,
                           uint64_t offset, bool apart)
{
    if (record->write > wal->write_max) wal->write_max = record->write;
    if (record->type == WAL_CUT) {
        wal_scan_take(&wal->last, record);
        return STATUS_OK;
    }
    const bool replaces = record->index <= wal->last.index;
    if (replaces) wal_files_forget(wal, record->index);
    if (mark_due(wal, record->index, file, replaces || apart)) {
        if (!grow((void **)&wal->marks, wal->mark_count, &wal->mark_capacity, sizeof(*wal->marks)))
            return wal_files_no_memory(wal);
        wal->marks[wal->mark_count++] = (struct wal_mark){record->index, offset, file};
    }
    if (record->type == WAL_CONFIGURATION) {
        if (!grow((void **)&wal->configurations, wal->configuration_count,
                  &wal->configuration_capacity, sizeof(*wal->configurations)))
            return wal_files_no_memory(wal);
        wal->configurations[wal->configuration_count++] = record->index;
    }
    if (record->index < wal->lowest) wal->lowest = record->index;
    wal->known[record->index % WAL_HASHES] =
        (struct wal_known){record->index, record->term, record->hash};
    wal_scan_take(&wal->last, record);
    return STATUS_OK;
}

/* ---- Writing ---- */

enum status wal_files_write(struct wal *wal, int file, const char *name, uint64_t offset,
                            const void *bytes, size_t byte_count)
{
    const int64_t put = wal->disk->write(wal->disk->context, file, offset, bytes, byte_count);
    if (put != (int64_t)byte_count) return wal_files_fail(wal, "write", name, put);
    return STATUS_OK;
}

/* How many of `entries` fit one write at the present place, and the bytes they take. */
static uint32_t entries_that_fit(const struct wal *wal, const struct wal_entry *entries,
                                 uint32_t count)
{
    const uint64_t left = wal->files[wal->active].bytes - wal->offset;
    const uint64_t room = left < wal->buffer_bytes ? left : wal->buffer_bytes;
    uint64_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (used + wal_record_span(used, entries[i].length, true) > room) return i;
        used += wal_record_span(used, entries[i].length, false);
    }
    return count;
}

/* Writes `count` entries, which fit, as one write. */
static enum status write_entries(struct wal *wal, const struct wal_entry *entries, uint32_t count,
                                 uint64_t commit, hash_t hash)
{
    const uint64_t first_offset = wal->offset;
    const uint64_t below = entries[0].index - 1;
    const uint64_t durable_index = wal->last.index < below ? wal->last.index : below;
    struct wal_record record = {
        .generation = wal->files[wal->active].segment.generation,
        .write = wal->last.write + 1,
        .durable_write = wal->last.write,
        .durable_index = durable_index,
        .commit = commit < durable_index ? commit : durable_index,
    };
    uint64_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        record.flags = i + 1 == count ? WAL_RECORD_LAST : 0;
        record.index = entries[i].index;
        record.term = entries[i].term;
        record.type = entries[i].type;
        record.length = entries[i].length;
        record.payload = entries[i].bytes;
        hash = wal_record_put(wal->buffer + used, first_offset + used, &record, hash);
        used += wal_record_span(first_offset + used, record.length, i + 1 == count);
    }

    char name[WAL_NAME_BYTES];
    wal_files_segment_name(wal, wal->active, name);
    enum status status =
        wal_files_write(wal, wal->active_file, name, first_offset, wal->buffer, used);
    if (status != STATUS_OK) return status;

    /* Durable: from here on the entries count. */
    for (uint64_t at = 0; at < used && status == STATUS_OK;) {
        const enum wal_finding found = wal_record_get(wal->buffer + at, first_offset + at,
                                                      used - at, record.generation, &record);
        ASSERT(found == WAL_IS_RECORD);
        status = wal_files_take(wal, &record, wal->active, first_offset + at, false);
        at += wal_record_span(first_offset + at, record.length,
                              (record.flags & WAL_RECORD_LAST) != 0);
    }
    wal->offset = first_offset + used;
    if (wal->metrics != NULL) {
        metric_add(&wal->metrics->wal_writes_total, 1);
        metric_add(&wal->metrics->wal_bytes_total, used);
    }
    return status;
}

/* ---- Appending ---- */

static void check_order(const struct wal *wal, const struct wal_entry *entries, uint32_t count)
{
    ASSERT(count > 0 && entries[0].index > 0 && entries[0].index <= wal->last.index + 1);
    ASSERT(entries[0].index > wal->last.commit);
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(entries[i].index == entries[0].index + i);
        ASSERT(entries[i].type != WAL_CUT);
        ASSERT(entries[i].length <= wal_entry_bytes_max(wal));
        ASSERT(entries[i].type != WAL_CONFIGURATION ||
               entries[i].length <= WAL_CONFIGURATION_BYTES_MAX);
    }
}

enum status wal_append(struct wal *wal, const struct wal_entry *entries, uint32_t count,
                       uint64_t commit)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    check_order(wal, entries, count);

    hash_t hash;
    uint64_t term;
    enum status status = wal_files_hash(wal, entries[0].index - 1, &hash, &term);
    if (status == STATUS_OK && wal->file_count == 0) status = wal_files_switch(wal);
    while (status == STATUS_OK && count > 0) {
        const uint32_t fit = entries_that_fit(wal, entries, count);
        if (fit == 0) {
            status = wal_files_switch(wal);
            continue;
        }
        status = write_entries(wal, entries, fit, commit, hash);
        hash = wal->last.hash;
        entries += fit;
        count -= fit;
    }
    return status;
}

enum status wal_files_cut(struct wal *wal, uint64_t lost)
{
    uint8_t payload[8];
    le_put_u64(payload, lost);
    wal->offset = block_up(wal->offset);
    if (wal->offset + WAL_BLOCK_BYTES > wal->files[wal->active].bytes) {
        const enum status status = wal_files_switch(wal);
        if (status != STATUS_OK) return status;
    }
    const struct wal_record record = {
        .generation = wal->files[wal->active].segment.generation,
        .write = wal->last.write + 1,
        .durable_write = wal->last.write,
        .durable_index = wal->last.index,
        .flags = WAL_RECORD_LAST,
        .index = wal->last.index,
        .type = WAL_CUT,
        .length = sizeof(payload),
        .payload = payload,
    };
    wal_record_put(wal->buffer, wal->offset, &record, wal->last.hash);
    char name[WAL_NAME_BYTES];
    wal_files_segment_name(wal, wal->active, name);
    const enum status status =
        wal_files_write(wal, wal->active_file, name, wal->offset, wal->buffer, WAL_BLOCK_BYTES);
    if (status != STATUS_OK) return status;
    wal->offset += WAL_BLOCK_BYTES;
    return wal_files_take(wal, &record, wal->active, wal->offset - WAL_BLOCK_BYTES, false);
}

/* ---- The vote ---- */

enum status wal_files_vote(struct wal *wal)
{
    wal->vote.serial++;
    wal->vote.durable_write = wal->last.write;
    wal->vote.durable_index = wal->last.index;
    wal->vote.durable_hash = wal->last.hash;
    for (uint64_t slot = 0; slot < WAL_VOTE_SLOTS; slot++) {
        wal_vote_put(wal->buffer, &wal->vote);
        const enum status status =
            wal_files_write(wal, wal->vote_file, WAL_VOTE_NAME, slot * WAL_BLOCK_BYTES, wal->buffer,
                            WAL_BLOCK_BYTES);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    ASSERT(term >= wal->vote.term);
    wal->vote.term = term;
    wal->vote.voted_for = voted_for;
    return wal_files_vote(wal);
}

uint64_t wal_term(const struct wal *wal)
{
    return wal->vote.term;
}

uint64_t wal_voted_for(const struct wal *wal)
{
    return wal->vote.voted_for;
}

/* ---- What it holds ---- */

const struct wal_base *wal_base(const struct wal *wal)
{
    return &wal->base;
}

uint64_t wal_base_index(const struct wal *wal)
{
    return wal->base.index;
}

uint64_t wal_cut_index(const struct wal *wal)
{
    return wal->last.lost;
}

uint64_t wal_last_index(const struct wal *wal)
{
    return wal->last.index;
}

uint64_t wal_commit_index(const struct wal *wal)
{
    return wal->last.commit;
}

hash_t wal_last_hash(const struct wal *wal)
{
    return wal->last.hash;
}

uint32_t wal_entry_bytes_max(const struct wal *wal)
{
    return (uint32_t)(wal->buffer_bytes - WAL_BLOCK_BYTES);
}

uint64_t wal_configuration_index(const struct wal *wal, uint64_t index)
{
    for (uint32_t i = wal->configuration_count; i > 0; i--)
        if (wal->configurations[i - 1] <= index) return wal->configurations[i - 1];
    return wal->base.configuration_index <= index ? wal->base.configuration_index : 0;
}

bool wal_check(const struct wal *wal)
{
    for (uint32_t i = 0; i < wal->mark_count; i++) {
        ASSERT(wal->marks[i].index > wal->base.index && wal->marks[i].index <= wal->last.index);
        ASSERT(i == 0 || wal->marks[i - 1].index < wal->marks[i].index);
        ASSERT(i == 0 || wal->marks[i - 1].file <= wal->marks[i].file);
        ASSERT(wal->marks[i].file <= wal->active);
    }
    for (uint32_t i = 1; i < wal->file_count; i++) {
        const struct wal_segment *segment = &wal->files[i].segment;
        const uint64_t before = segment->replaces > 0 ? segment->replaces : segment->sequence;
        ASSERT(wal->files[i - 1].segment.sequence + 1 == before);
        ASSERT(wal->files[i - 1].segment.write <= segment->write);
    }
    ASSERT(wal->offset % WAL_BLOCK_BYTES == 0);
    ASSERT(wal->offset <= wal->files[wal->active].bytes && wal->active + 1 == wal->file_count);
    ASSERT(wal->last.commit <= wal->last.index && wal->base.index <= wal->last.commit);
    ASSERT(wal->base.index == wal->files[0].segment.base.index);
    return true;
}

/* ---- Opening and closing ---- */

void wal_files_set_base(struct wal *wal, const struct wal_base *base)
{
    ASSERT(base->configuration_bytes <= WAL_CONFIGURATION_BYTES_MAX);
    wal->base = *base;
    wal->base.configuration = wal->base_configuration;
    if (base->configuration_bytes > 0)
        memmove(wal->base_configuration, base->configuration, base->configuration_bytes);
}

void wal_files_free(struct wal *wal)
{
    if (wal->active_file >= 0) wal->disk->close(wal->disk->context, wal->active_file);
    if (wal->next.file >= 0) wal->disk->close(wal->disk->context, wal->next.file);
    if (wal->vote_file >= 0) wal->disk->close(wal->disk->context, wal->vote_file);
    wal_files_stop_reading(wal);
    free(wal->files);
    free(wal->dead);
    free(wal->marks);
    free(wal->configurations);
    free(wal->gaps);
    free(wal->buffer);
    free((void *)wal->zeros);
    free(wal->reader.window);
    free(wal);
}

struct wal *wal_files_new(const struct wal_options *options)
{
    ASSERT(options->segment_bytes % WAL_BLOCK_BYTES == 0);
    ASSERT(options->segment_bytes == 0 || options->segment_bytes >= WAL_SEGMENT_BYTES_MIN);
    struct wal *wal = calloc(1, sizeof(*wal));
    if (wal == NULL) return NULL;
    wal->disk = options->disk;
    wal->metrics = options->metrics;
    wal->chain_id = options->chain_id;
    wal->node = options->node;
    wal->segment_bytes =
        options->segment_bytes == 0 ? WAL_SEGMENT_BYTES_DEFAULT : options->segment_bytes;
    wal->active_file = wal->next.file = wal->reader.file = wal->vote_file = -1;
    wal->last.hash = options->chain_id;
    wal->lowest = UINT64_MAX;
    const struct wal_base base = {.hash = options->chain_id};
    wal_files_set_base(wal, &base);

    const uint64_t largest = wal->segment_bytes - WAL_RECORDS_OFFSET;
    wal->buffer_bytes = largest < WAL_WRITE_BYTES ? (size_t)largest : WAL_WRITE_BYTES;
    wal->buffer = aligned_alloc(WAL_BLOCK_BYTES, wal->buffer_bytes);
    uint8_t *zeros = aligned_alloc(WAL_BLOCK_BYTES, WAL_PIECE_BYTES);
    wal->zeros = zeros;
    wal->reader.window = aligned_alloc(WAL_BLOCK_BYTES, WAL_WINDOW_BYTES);
    if (wal->buffer == NULL || zeros == NULL || wal->reader.window == NULL) {
        wal_files_free(wal);
        return NULL;
    }
    memset(zeros, 0, WAL_PIECE_BYTES);
    return wal;
}

enum status wal_create(const struct wal_options *options)
{
    struct wal *wal = wal_files_new(options);
    if (wal == NULL) return STATUS_NO_MEMORY;
    const enum status status = wal_directory_read(wal, WAL_DIRECTORY_NEW);
    wal_files_free(wal);
    return status;
}

enum status wal_open(const struct wal_options *options, struct wal **opened,
                     struct wal_damage *damage)
{
    *opened = NULL;
    *damage = (struct wal_damage){0};
    struct wal *wal = wal_files_new(options);
    if (wal == NULL) return STATUS_NO_MEMORY;

    enum status status =
        wal_scan_files(wal, options->create ? WAL_DIRECTORY_MAKE : WAL_DIRECTORY_OPEN, damage);
    if (status == STATUS_OK && wal->file_count == 0) status = wal_files_switch(wal);
    if (status == STATUS_OK) {
        wal->vote.begins = wal->files[0].segment.sequence;
        status = wal_files_vote(wal);
    }
    if (status != STATUS_OK) {
        wal_files_free(wal);
        return status;
    }
    INVARIANT(wal_check(wal));
    log_info("ledger", "log opened",
             "base=%" PRIu64 " last_index=%" PRIu64 " commit=%" PRIu64 " term=%" PRIu64
             " segments=%u",
             wal->base.index, wal->last.index, wal->last.commit, wal->vote.term, wal->file_count);
    *opened = wal;
    return STATUS_OK;
}

void wal_close(struct wal *wal)
{
    if (wal == NULL) return;
    /* The last write has no later record to prove it; the vote file does after a clean stop. When
     * this fails it was logged, and nothing is lost but that proof. */
    if (wal->failure == STATUS_OK) {
        const enum status noted = wal_files_vote(wal);
        (void)noted;
    }
    wal_files_free(wal);
}
