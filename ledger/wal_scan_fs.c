#include "ledger/wal_files.h"

#include "common/le.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_DIGITS 12
#define LEFTOVERS_MAX   16

/* What the directory holds. */
struct listing {
    struct wal *wal;
    enum status status;
    bool has_vote;
    uint32_t leftover_count;
    char leftovers[LEFTOVERS_MAX][WAL_NAME_BYTES]; /* begun and never finished */
};

/* One segment in memory. */
struct image {
    uint8_t *bytes;
    size_t byte_count;
    uint32_t file;
};

struct scanner {
    struct wal *wal;
    struct wal_damage *damage;
    struct image now;
    struct image ahead; /* the segment after, when it was looked at */
    uint64_t offset;
};

static enum status damaged(struct wal *wal, struct wal_damage *damage, const char *file,
                           uint64_t offset, const char *what)
{
    wal->failure = STATUS_DAMAGED;
    memcpy(damage->file, file, strnlen(file, sizeof(damage->file) - 1));
    damage->offset = offset;
    damage->index = wal->last.index + 1;
    damage->what = what;
    log_error("ledger", "the log is damaged, not starting",
              "file=\"%s\" offset=%" PRIu64 " index=%" PRIu64 " what=\"%s\"", file, offset,
              damage->index, what);
    return STATUS_DAMAGED;
}

static enum status damaged_file(struct wal *wal, struct wal_damage *damage, uint32_t file,
                                uint64_t offset, const char *what)
{
    char name[WAL_NAME_BYTES];
    wal_files_name(wal->files[file].sequence, "wal", name);
    return damaged(wal, damage, name, offset, what);
}

/* ---- The directory ---- */

static void on_name(void *visitor, const char *name)
{
    struct listing *listing = visitor;
    if (strcmp(name, WAL_VOTE_NAME) == 0) listing->has_vote = true;

    const size_t length = strlen(name);
    const bool is_new = length > 4 && strcmp(name + length - 4, ".new") == 0;
    if (is_new && length < WAL_NAME_BYTES && listing->leftover_count < LEFTOVERS_MAX)
        memcpy(listing->leftovers[listing->leftover_count++], name, length + 1);

    uint64_t sequence = 0;
    for (size_t i = 0; i < SEQUENCE_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return;
        sequence = sequence * 10 + (uint64_t)(name[i] - '0');
    }
    if (strcmp(name + SEQUENCE_DIGITS, ".wal") != 0 || listing->status != STATUS_OK) return;
    listing->status = wal_files_add(listing->wal, (struct wal_file){.sequence = sequence});
}

static int by_sequence(const void *left, const void *right)
{
    const struct wal_file *a = left, *b = right;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static enum status directory_read(struct wal *wal, struct wal_damage *damage, bool *has_vote)
{
    struct listing listing = {.wal = wal, .status = STATUS_OK};
    const int result = wal->disk->list(wal->disk->context, on_name, &listing);
    if (result < 0) return wal_files_fail(wal, "list", ".", result);
    if (listing.status != STATUS_OK) return listing.status;
    *has_vote = listing.has_vote;

    for (uint32_t i = 0; i < listing.leftover_count; i++) {
        const char *name = listing.leftovers[i];
        const int removed = wal->disk->remove(wal->disk->context, name);
        if (removed < 0) return wal_files_fail(wal, "remove", name, removed);
    }
    if (wal->file_count > 1) qsort(wal->files, wal->file_count, sizeof(*wal->files), by_sequence);
    for (uint32_t i = 0; i < wal->file_count; i++)
        if (wal->files[i].sequence != i + 1)
            return damaged_file(wal, damage, i, 0, "the segment before it is missing");
    return STATUS_OK;
}

/* ---- The vote file ---- */

static enum status vote_make(struct wal *wal)
{
    wal->vote = (struct wal_vote){.node = wal->node, .chain_id = wal->chain_id};
    const int file = wal->disk->open(wal->disk->context, "vote.new", WAL_DISK_NEW);
    if (file < 0) return wal_files_fail(wal, "create", "vote.new", file);
    wal->vote_file = file;
    const enum status status = wal_files_vote(wal);
    if (status != STATUS_OK) return status;
    int result = wal->disk->sync(wal->disk->context, file);
    if (result < 0) return wal_files_fail(wal, "sync", "vote.new", result);
    result = wal->disk->rename(wal->disk->context, "vote.new", WAL_VOTE_NAME);
    if (result < 0) return wal_files_fail(wal, "rename", "vote.new", result);
    wal->disk->close(wal->disk->context, file);
    wal->vote_file = -1;
    return STATUS_OK;
}

static enum status vote_open(struct wal *wal)
{
    wal->vote_file = wal->disk->open(wal->disk->context, WAL_VOTE_NAME, WAL_DISK_LOG);
    if (wal->vote_file >= 0) return STATUS_OK;
    const int result = wal->vote_file;
    wal->vote_file = -1;
    return wal_files_fail(wal, "open", WAL_VOTE_NAME, result);
}

static enum status vote_read(struct wal *wal, struct wal_damage *damage)
{
    const enum status status = vote_open(wal);
    if (status != STATUS_OK) return status;
    uint8_t *slots = wal->buffer;
    memset(slots, 0, WAL_VOTE_BYTES);
    const int64_t got =
        wal->disk->read(wal->disk->context, wal->vote_file, 0, slots, WAL_VOTE_BYTES);
    if (got < 0) return wal_files_fail(wal, "read", WAL_VOTE_NAME, got);

    bool repair;
    if (!wal_vote_choose(slots, &wal->vote, &repair))
        return damaged(wal, damage, WAL_VOTE_NAME, 0, "neither slot can be read");
    if (repair)
        log_warn("ledger", "one slot of the vote file was made again from the other",
                 "term=%" PRIu64, wal->vote.term);
    if (hash_equal(wal->vote.chain_id, wal->chain_id) && wal->vote.node == wal->node)
        return STATUS_OK;
    log_error("ledger", "the log is another chain's or another node's",
              "node=%" PRIu32 " log_node=%" PRIu32 " same_chain=%d", wal->node, wal->vote.node,
              hash_equal(wal->vote.chain_id, wal->chain_id));
    return wal->failure = STATUS_MISMATCH;
}

/* ---- The segments ---- */

static enum status image_load(struct scanner *scanner, uint32_t file, struct image *image)
{
    struct wal *wal = scanner->wal;
    char name[WAL_NAME_BYTES];
    wal_files_name(wal->files[file].sequence, "wal", name);
    const int opened = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
    if (opened < 0) return wal_files_fail(wal, "open", name, opened);
    const uint64_t byte_count = wal->files[file].bytes;
    if (byte_count > image->byte_count) {
        free(image->bytes);
        image->bytes = aligned_alloc(WAL_BLOCK_BYTES, byte_count);
        image->byte_count = image->bytes == NULL ? 0 : (size_t)byte_count;
    }
    enum status status = STATUS_OK;
    if (image->bytes == NULL) {
        status = wal_files_no_memory(wal);
    } else {
        const int64_t got =
            wal->disk->read(wal->disk->context, opened, 0, image->bytes, byte_count);
        if (got < 0) status = wal_files_fail(wal, "read", name, got);
        if (got >= 0 && got < (int64_t)byte_count)
            status = damaged_file(wal, scanner->damage, file, (uint64_t)got,
                                  "the file is shorter than its header says");
    }
    wal->disk->close(wal->disk->context, opened);
    image->file = file;
    return status;
}

/* Reads the header block of every segment. */
static enum status headers_read(struct wal *wal, struct wal_damage *damage)
{
    for (uint32_t i = 0; i < wal->file_count; i++) {
        char name[WAL_NAME_BYTES];
        wal_files_name(wal->files[i].sequence, "wal", name);
        const int file = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
        if (file < 0) return wal_files_fail(wal, "open", name, file);
        memset(wal->buffer, 0, WAL_BLOCK_BYTES);
        const int64_t got =
            wal->disk->read(wal->disk->context, file, 0, wal->buffer, WAL_BLOCK_BYTES);
        wal->disk->close(wal->disk->context, file);
        if (got < 0) return wal_files_fail(wal, "read", name, got);

        struct wal_segment segment;
        const char *what = wal_segment_get(wal->buffer, &segment);
        if (what == NULL && segment.sequence != wal->files[i].sequence)
            what = "the header is another segment's";
        if (what == NULL && (segment.segment_bytes < WAL_SEGMENT_BYTES_MIN ||
                             segment.segment_bytes % WAL_BLOCK_BYTES != 0))
            what = "the header's size is not one";
        if (what == NULL &&
            (!hash_equal(segment.chain_id, wal->chain_id) || segment.node != wal->node))
            what = "the segment is another chain's or another node's";
        if (what != NULL) return damaged_file(wal, damage, i, 0, what);
        wal->files[i].generation = segment.generation;
        wal->files[i].bytes = segment.segment_bytes;
    }
    return STATUS_OK;
}

/* What lies at a place of an image, and whether it is the record that comes next: then `*what` is
 * NULL, otherwise why it is not. */
static enum wal_finding look(const struct scanner *scanner, const struct image *image,
                             uint64_t offset, struct wal_record *record, const char **what)
{
    const struct wal_file *file = &scanner->wal->files[image->file];
    const enum wal_finding found = wal_record_get(
        image->bytes + offset, offset, (size_t)(file->bytes - offset), file->generation, record);
    *what = found == WAL_IS_RECORD    ? wal_scan_follows(&scanner->wal->last, record)
            : found == WAL_IS_ZERO    ? "there are zeros where a record was"
            : found == WAL_IS_FOREIGN ? "there is no record where one was"
                                      : "a record's length or checksum is wrong";
    return found;
}

/* Whether the log goes on at the next block (behind a cut) or in the next segment; moves there. */
static enum status go_on(struct scanner *scanner, bool *moved)
{
    struct wal *wal = scanner->wal;
    struct wal_record record;
    const char *what;
    *moved = false;
    if (scanner->offset % WAL_BLOCK_BYTES != 0) {
        const uint64_t block = (scanner->offset | (WAL_BLOCK_BYTES - 1)) + 1;
        look(scanner, &scanner->now, block, &record, &what);
        if (what == NULL && record.type == WAL_CUT) {
            scanner->offset = block;
            *moved = true;
            return STATUS_OK;
        }
    }
    if (scanner->now.file + 1 >= wal->file_count) return STATUS_OK;
    const enum status status = image_load(scanner, scanner->now.file + 1, &scanner->ahead);
    if (status != STATUS_OK) return status;
    look(scanner, &scanner->ahead, WAL_BLOCK_BYTES, &record, &what);
    if (what != NULL) return STATUS_OK;

    const struct image left = scanner->now;
    scanner->now = scanner->ahead;
    scanner->ahead = left;
    scanner->offset = WAL_BLOCK_BYTES;
    wal->active = scanner->now.file;
    *moved = true;
    return STATUS_OK;
}

static enum status take(struct scanner *scanner, const struct wal_record *record)
{
    struct wal *wal = scanner->wal;
    hash_t previous = wal->last.hash;
    if (record->type != WAL_CUT) {
        uint64_t term;
        const enum status status = wal_files_hash(wal, record->index - 1, &previous, &term);
        if (status != STATUS_OK) return status;
    }
    const uint8_t *at = scanner->now.bytes + scanner->offset;
    if (!hash_equal(record->hash, wal_record_hash(at, record, previous)))
        return damaged_file(wal, scanner->damage, scanner->now.file, scanner->offset,
                            "the running hash does not follow");
    const enum status status = wal_files_take(wal, record, scanner->now.file, scanner->offset);
    scanner->offset +=
        wal_record_span(scanner->offset, record->length, (record->flags & WAL_RECORD_LAST) != 0);
    wal->offset = scanner->offset;
    return status;
}

/* Whether a record in the image, from `offset` on, proves that write `missing` was durable. */
static bool proof_in(const struct wal *wal, const struct image *image, uint64_t offset,
                     uint64_t missing)
{
    const struct wal_file *file = &wal->files[image->file];
    for (; offset + WAL_RECORD_HEADER_BYTES <= file->bytes; offset += 8) {
        if (le_get_u64(image->bytes + offset) == 0) continue; /* no checksum and no magic */
        struct wal_record record;
        if (wal_record_get(image->bytes + offset, offset, (size_t)(file->bytes - offset),
                           file->generation, &record) != WAL_IS_RECORD)
            continue;
        if (record.durable_write >= missing) return true;
    }
    return false;
}

/* Overwrites what is not zero from `offset` on, whole blocks at a time. */
static enum status zero_from(struct wal *wal, const struct image *image, uint64_t offset,
                             bool *dirty)
{
    char name[WAL_NAME_BYTES];
    wal_files_name(wal->files[image->file].sequence, "wal", name);
    int file = -1;
    enum status status = STATUS_OK;
    const uint64_t end = wal->files[image->file].bytes;
    while (offset < end && status == STATUS_OK) {
        const uint64_t block = offset & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
        const size_t kept = (size_t)(offset - block), rest = WAL_BLOCK_BYTES - kept;
        if (memcmp(image->bytes + offset, wal->zeros, rest) != 0) {
            *dirty = true;
            if (file < 0) file = wal->disk->open(wal->disk->context, name, WAL_DISK_LOG);
            if (file < 0) return wal_files_fail(wal, "open", name, file);
            memcpy(wal->buffer, image->bytes + block, kept);
            memset(wal->buffer + kept, 0, rest);
            const int64_t put =
                wal->disk->write(wal->disk->context, file, block, wal->buffer, WAL_BLOCK_BYTES);
            if (put != WAL_BLOCK_BYTES) status = wal_files_fail(wal, "write", name, put);
        }
        offset = block + WAL_BLOCK_BYTES;
    }
    if (file >= 0) wal->disk->close(wal->disk->context, file);
    return status;
}

/* Decides what the end of the readable log is: damage, a clean end, or a torn tail, which it cuts. */
static enum status end_of_log(struct scanner *scanner, const char *what)
{
    struct wal *wal = scanner->wal;
    const uint64_t missing = wal_scan_missing_write(&wal->last);
    if (wal->vote.durable_write >= missing ||
        proof_in(wal, &scanner->now, scanner->offset, missing))
        return damaged_file(wal, scanner->damage, scanner->now.file, scanner->offset, what);
    for (uint32_t i = scanner->now.file + 1; i < wal->file_count; i++) {
        const enum status status = image_load(scanner, i, &scanner->ahead);
        if (status != STATUS_OK) return status;
        if (proof_in(wal, &scanner->ahead, WAL_BLOCK_BYTES, missing))
            return damaged_file(wal, scanner->damage, scanner->now.file, scanner->offset, what);
    }

    bool dirty = wal->last.write_broken;
    enum status status = zero_from(wal, &scanner->now, scanner->offset, &dirty);
    for (uint32_t i = scanner->now.file + 1; i < wal->file_count && status == STATUS_OK; i++) {
        status = image_load(scanner, i, &scanner->ahead);
        if (status == STATUS_OK) status = zero_from(wal, &scanner->ahead, WAL_BLOCK_BYTES, &dirty);
    }
    wal->reader.window_bytes = 0; /* it may hold what was just zeroed */
    if (status == STATUS_OK) status = wal_files_activate(wal);
    if (status != STATUS_OK || !dirty) return status;
    log_warn("ledger", "a torn tail was cut from the log",
             "segment=%" PRIu64 " offset=%" PRIu64 " last_index=%" PRIu64,
             wal->files[scanner->now.file].sequence, scanner->offset, wal->last.index);
    return wal_files_cut(wal);
}

static enum status scan(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    enum status status = image_load(scanner, 0, &scanner->now);
    scanner->offset = wal->offset = WAL_BLOCK_BYTES;
    wal->active = 0;
    while (status == STATUS_OK) {
        struct wal_record record;
        const char *what;
        look(scanner, &scanner->now, scanner->offset, &record, &what);
        if (what == NULL) {
            status = take(scanner, &record);
            continue;
        }
        bool moved;
        status = go_on(scanner, &moved);
        if (status == STATUS_OK && !moved) return end_of_log(scanner, what);
    }
    return status;
}

enum status wal_scan_files(struct wal *wal, struct wal_damage *damage)
{
    bool has_vote = false;
    enum status status = directory_read(wal, damage, &has_vote);
    if (status != STATUS_OK) return status;
    if (!has_vote && wal->file_count > 0)
        return damaged(wal, damage, WAL_VOTE_NAME, 0, "the vote file is missing");
    if (!has_vote) status = vote_make(wal);
    if (status != STATUS_OK) return status;

    status = vote_read(wal, damage);
    if (status != STATUS_OK) return status;
    if (wal->file_count == 0 && wal->vote.durable_write > 0)
        return damaged(wal, damage, "000000000001.wal", 0, "every segment is missing");
    if (wal->file_count == 0) return STATUS_OK;

    status = headers_read(wal, damage);
    if (status != STATUS_OK) return status;
    struct scanner scanner = {.wal = wal, .damage = damage};
    status = scan(&scanner);
    free(scanner.now.bytes);
    free(scanner.ahead.bytes);
    return status;
}
