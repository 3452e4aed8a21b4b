#include "common/log.h"
#include "ledger/wal_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void wal_files_name(uint64_t number, const char *suffix, char name[WAL_NAME_BYTES])
{
    snprintf(name, WAL_NAME_BYTES, "%012" PRIu64 ".%s", number, suffix);
}

void wal_files_segment_name(const struct wal *wal, uint32_t file, char name[WAL_NAME_BYTES])
{
    wal_files_name(wal->files[file].segment.sequence, wal->patch != 0 ? "patch" : "wal", name);
}

static enum status file_rename(struct wal *wal, const char *from, const char *to)
{
    const int result = wal->disk->rename(wal->disk->context, from, to);
    return result < 0 ? wal_files_fail(wal, "rename", from, result) : STATUS_OK;
}

/* ---- Files at hand. They are numbered 1 .. WAL_SPARES_MAX; what they hold does not matter. ---- */

/* The first spare that is there (or, with `wanted` false, that is not): its number, or 0. */
static uint32_t spare_find(const struct wal *wal, bool wanted)
{
    for (uint32_t i = 0; i < WAL_SPARES_MAX; i++)
        if (wal->spares[i] == wanted) return i + 1;
    return 0;
}

/* Nothing is at hand when a file is prepared: it becomes spare 1. */
static enum status next_begin(struct wal *wal)
{
    char name[WAL_NAME_BYTES];
    wal_files_name(1, "new", name);
    const int file = wal->disk->open(wal->disk->context, name, WAL_DISK_NEW);
    if (file < 0) return wal_files_fail(wal, "create", name, file);
    wal->next.file = file;
    wal->next.done = 0;
    return STATUS_OK;
}

/* Everything is written: a file whose blocks exist on disk, whenever its turn comes. */
static enum status next_finish(struct wal *wal, const char *name)
{
    char spare[WAL_NAME_BYTES];
    const int result = wal->disk->sync(wal->disk->context, wal->next.file);
    if (result < 0) return wal_files_fail(wal, "sync", name, result);
    wal->disk->close(wal->disk->context, wal->next.file);
    wal->next.file = -1;
    wal->next.done = 0;
    wal_files_name(1, "spare", spare);
    const enum status status = file_rename(wal, name, spare);
    wal->spares[0] = status == STATUS_OK;
    return status;
}

static enum status next_piece(struct wal *wal)
{
    if (wal->next.file < 0) return next_begin(wal);

    char name[WAL_NAME_BYTES];
    wal_files_name(1, "new", name);
    const uint64_t left = wal->segment_bytes - wal->next.done;
    if (left == 0) return next_finish(wal, name);
    const size_t piece = left < WAL_PIECE_BYTES ? (size_t)left : WAL_PIECE_BYTES;
    const enum status status =
        wal_files_write(wal, wal->next.file, name, wal->next.done, wal->zeros, piece);
    wal->next.done += piece;
    return status;
}

/* ---- Giving back ---- */

/* Keeps a segment's file to be written again, or removes it. What its records say ends with its generation. */
static enum status give_back(struct wal *wal)
{
    const struct wal_segment *segment = &wal->dead[--wal->dead_count].segment;
    char name[WAL_NAME_BYTES], spare[WAL_NAME_BYTES];
    const uint32_t number = spare_find(wal, false);
    wal_files_name(segment->sequence, "wal", name);
    if (number != 0 && segment->segment_bytes == wal->segment_bytes && wal->next.file < 0) {
        wal_files_name(number, "spare", spare);
        wal->spares[number - 1] = true;
        return file_rename(wal, name, spare);
    }
    const int result = wal->disk->remove(wal->disk->context, name);
    return result < 0 ? wal_files_fail(wal, "remove", name, result) : STATUS_OK;
}

enum status wal_prepare(struct wal *wal)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    if (wal->dead_count > 0) return give_back(wal);
    if (spare_find(wal, true) != 0) return STATUS_OK;
    /* Twice as far into the next segment as the log is into this one: ready at its middle. */
    if (wal->next.done > 2 * (wal->offset - WAL_RECORDS_OFFSET)) return STATUS_OK;
    return next_piece(wal);
}

/* ---- The next segment ---- */

/* Where the log stands: what the next segment's header says. Its configuration is good until the next read. */
static enum status segment_facts(struct wal *wal, struct wal_segment *segment)
{
    const bool first = wal->file_count == 0;
    *segment = (struct wal_segment){
        .sequence = first ? (wal->next_sequence > 0 ? wal->next_sequence : 1)
                          : wal->files[wal->file_count - 1].segment.sequence + 1,
        .segment_bytes = wal->segment_bytes,
        .replaces = wal->replaces,
        .patch = wal->patch,
        .node = wal->node,
        .chain_id = wal->chain_id,
        .write = wal->last.write,
        .commit = wal->last.commit,
        .lost = wal->last.lost,
        .base = {.index = wal->last.index, .term = wal->last.term, .hash = wal->last.hash},
    };
    do
        randombytes_buf(&segment->generation, sizeof(segment->generation));
    while (segment->generation == 0);

    struct wal_entry entry;
    const enum status status = wal_read_configuration(wal, wal->last.index, &entry);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    segment->base.configuration_index = entry.index;
    segment->base.configuration = entry.bytes;
    segment->base.configuration_bytes = entry.length;
    return STATUS_OK;
}

/* Writes both copies of the header in the buffer. */
static enum status headers_write(struct wal *wal, const char *name)
{
    return wal_files_write(wal, wal->active_file, name, 0, wal->buffer, WAL_RECORDS_OFFSET);
}

/* Makes a spare the next segment. Its header is durable before it has a segment's name. */
static enum status segment_begin(struct wal *wal, uint32_t number)
{
    struct wal_file file = {.bytes = wal->segment_bytes};
    enum status status = segment_facts(wal, &file.segment);
    if (status != STATUS_OK) return status;
    wal_segment_put(wal->buffer, &file.segment);
    wal_segment_put(wal->buffer + WAL_HEADER_BYTES, &file.segment);

    char spare[WAL_NAME_BYTES], name[WAL_NAME_BYTES];
    wal_files_name(number, "spare", spare);
    const int opened = wal->disk->open(wal->disk->context, spare, WAL_DISK_LOG);
    if (opened < 0) return wal_files_fail(wal, "open", spare, opened);
    if (wal->active_file >= 0) wal->disk->close(wal->disk->context, wal->active_file);
    wal->active_file = opened;
    wal->spares[number - 1] = false;
    file.segment.base.configuration = NULL; /* it is in the header, and in a record or wal->base */
    status = wal_files_add(wal, &file);
    if (status != STATUS_OK) return status;
    wal_files_segment_name(wal, wal->file_count - 1, name);
    status = headers_write(wal, spare);
    if (status == STATUS_OK) status = file_rename(wal, spare, name);
    wal->active = wal->file_count - 1;
    wal->offset = WAL_RECORDS_OFFSET;
    wal->replaces = 0;
    wal_scan_enter(&wal->last, &file.segment);
    return status;
}

enum status wal_files_switch(struct wal *wal)
{
    ASSERT(wal->file_count == 0 || wal->offset > WAL_RECORDS_OFFSET);
    uint32_t number;
    while ((number = spare_find(wal, true)) == 0) {
        const enum status status = wal->dead_count > 0 ? give_back(wal) : next_piece(wal);
        if (status != STATUS_OK) return status;
    }
    const enum status status = segment_begin(wal, number);
    if (status == STATUS_OK && wal->patch == 0)
        log_info("ledger", "log segment begun", "segment=%" PRIu64 " index=%" PRIu64,
                 wal->files[wal->active].segment.sequence, wal->last.index + 1);
    return status;
}

enum status wal_files_activate(struct wal *wal)
{
    char name[WAL_NAME_BYTES];
    if (wal->active_file >= 0) wal->disk->close(wal->disk->context, wal->active_file);
    wal->active_file = -1;
    wal_files_segment_name(wal, wal->active, name);
    const int file = wal->disk->open(wal->disk->context, name, WAL_DISK_LOG);
    if (file < 0) return wal_files_fail(wal, "open", name, file);
    wal->active_file = file;
    return STATUS_OK;
}

/* ---- The base rises ---- */

/* Takes what files[count]'s header says as the base, before the files below are gone. */
static enum status base_rise(struct wal *wal, uint32_t count)
{
    struct wal_base base = wal->files[count].segment.base;
    struct wal_record record = {0};
    if (base.configuration_index == wal->base.configuration_index) {
        record.payload = wal->base.configuration;
        record.length = wal->base.configuration_bytes;
    } else {
        const enum status status = wal_files_read(wal, base.configuration_index, &record);
        if (status != STATUS_OK) return status;
    }
    base.configuration = record.payload;
    base.configuration_bytes = record.length;
    wal_files_set_base(wal, &base);
    wal->lowest = base.index + 1;
    if (wal->last.commit < base.index) wal->last.commit = base.index;
    return STATUS_OK;
}

/* Takes the first `gone` of `count` items away; gives back what is left. */
static uint32_t items_drop(void *items, uint32_t count, uint32_t gone, size_t item_bytes)
{
    const uint32_t left = count - gone;
    if (gone > 0 && left > 0)
        memmove(items, (uint8_t *)items + gone * item_bytes, left * item_bytes);
    return left;
}

/* Forgets the first `count` files, and where their entries were. */
static void files_forget(struct wal *wal, uint32_t count)
{
    uint32_t marks = 0, configurations = 0;
    while (marks < wal->mark_count && wal->marks[marks].file < count)
        marks++;
    wal->mark_count = items_drop(wal->marks, wal->mark_count, marks, sizeof(*wal->marks));
    for (uint32_t i = 0; i < wal->mark_count; i++)
        wal->marks[i].file -= count;

    while (configurations < wal->configuration_count &&
           wal->configurations[configurations] <= wal->base.index)
        configurations++;
    wal->configuration_count = items_drop(wal->configurations, wal->configuration_count,
                                          configurations, sizeof(*wal->configurations));
    wal->file_count = items_drop(wal->files, wal->file_count, count, sizeof(*wal->files));
    wal->active -= count;
}

/* Whether the log may begin with files[file]: not when it, or a later one, replaced what its header calls the
 * log before it. */
static bool may_be_oldest(const struct wal *wal, uint32_t file)
{
    uint32_t low = 0, high = wal->mark_count; /* the first mark of this file or a later one */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wal->marks[middle].file < file)
            low = middle + 1;
        else
            high = middle;
    }
    return low == wal->mark_count || wal->marks[low].index > wal->files[file].segment.base.index;
}

enum status wal_recycle(struct wal *wal, uint64_t index)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    ASSERT(index <= wal->last.index);
    uint32_t count = 0;
    for (uint32_t i = 1; i <= wal->active && wal->files[i].segment.base.index <= index; i++)
        if (may_be_oldest(wal, i)) count = i;
    if (count == 0) return STATUS_OK;

    enum status status = base_rise(wal, count);
    wal_files_stop_reading(wal);
    /* From here on they count no more, whatever is left of them; wal_prepare gives them back. */
    wal->vote.begins = wal->files[count].segment.sequence;
    if (status == STATUS_OK) status = wal_files_vote(wal);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        status = wal_files_bury(wal, &wal->files[i]);
    if (status != STATUS_OK) return status;
    files_forget(wal, count);
    INVARIANT(wal_check(wal));
    log_info("ledger", "log recycled", "base=%" PRIu64 " segments_left=%u given_back=%u",
             wal->base.index, wal->file_count, count);
    return STATUS_OK;
}
