#include "common/log.h"
#include "ledger/wal_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_DIGITS 12

enum kind { KIND_SEGMENT, KIND_PATCH, KIND_SPARE, KIND_BEGUN, KIND_VOTE, KIND_VOTE_BEGUN };

static const char *const suffixes[] = {
    [KIND_SEGMENT] = ".wal",
    [KIND_PATCH] = ".patch",
    [KIND_SPARE] = ".spare",
    [KIND_BEGUN] = ".new",
};

struct found {
    uint64_t number;
    enum kind kind;
};

/* What the directory holds. */
struct listing {
    struct found *found;
    uint32_t count, capacity;
    bool no_memory;
};

/* ---- The directory ---- */

static void listing_add(struct listing *listing, struct found found)
{
    if (listing->count == listing->capacity) {
        const uint32_t capacity = listing->capacity == 0 ? 64 : 2 * listing->capacity;
        struct found *grown = realloc(listing->found, capacity * sizeof(*grown));
        if (grown == NULL) {
            listing->no_memory = true;
            return;
        }
        listing->found = grown;
        listing->capacity = capacity;
    }
    listing->found[listing->count++] = found;
}

static void on_name(void *visitor, const char *name)
{
    struct found found = {0, KIND_VOTE};
    if (strcmp(name, WAL_VOTE_NAME) == 0) listing_add(visitor, found);
    found.kind = KIND_VOTE_BEGUN;
    if (strcmp(name, "vote.new") == 0) listing_add(visitor, found);

    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return;
        found.number = found.number * 10 + (uint64_t)(name[i] - '0');
    }
    for (enum kind kind = KIND_SEGMENT; kind <= KIND_BEGUN; kind++) {
        if (strcmp(name + NUMBER_DIGITS, suffixes[kind]) != 0 || found.number == 0) continue;
        found.kind = kind;
        listing_add(visitor, found);
    }
}

static int by_number(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static void found_name(const struct found *found, char name[WAL_NAME_BYTES])
{
    wal_files_name(found->number, suffixes[found->kind] + 1, name);
}

static bool has(const struct listing *listing, enum kind kind)
{
    for (uint32_t i = 0; i < listing->count; i++)
        if (listing->found[i].kind == kind) return true;
    return false;
}

static bool has_segment(const struct listing *listing, uint64_t number)
{
    for (uint32_t i = 0; i < listing->count; i++)
        if (listing->found[i].kind == KIND_SEGMENT && listing->found[i].number == number)
            return true;
    return false;
}

static enum status file_remove(struct wal *wal, const char *name)
{
    const int result = wal->disk->remove(wal->disk->context, name);
    return result < 0 ? wal_files_fail(wal, "remove", name, result) : STATUS_OK;
}

static enum status file_quarantine(struct wal *wal, const char *name, const char *why)
{
    const int result = wal->disk->quarantine(wal->disk->context, name);
    if (result < 0) return wal_files_fail(wal, "quarantine", name, result);
    log_warn("ledger", "a file of the log was put into quarantine", "file=\"%s\" why=\"%s\"", name,
             why);
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

static enum status amnesiac(struct wal *wal, const char *what)
{
    log_error("ledger", "the log's vote file is lost: this node does not know what it voted for",
              "file=\"%s\" what=\"%s\"", WAL_VOTE_NAME, what);
    return wal->failure = STATUS_AMNESIAC;
}

static enum status vote_read(struct wal *wal)
{
    const int opened = wal->disk->open(wal->disk->context, WAL_VOTE_NAME, WAL_DISK_LOG);
    if (opened < 0) return wal_files_fail(wal, "open", WAL_VOTE_NAME, opened);
    wal->vote_file = opened;
    uint8_t *slots = wal->buffer;
    memset(slots, 0, WAL_VOTE_BYTES);
    const int64_t got =
        wal->disk->read(wal->disk->context, wal->vote_file, 0, slots, WAL_VOTE_BYTES);
    if (got < 0) return wal_files_fail(wal, "read", WAL_VOTE_NAME, got);

    bool repair;
    if (!wal_vote_choose(slots, &wal->vote, &repair))
        return amnesiac(wal, "neither slot can be read");
    if (repair)
        log_warn("ledger", "one slot of the vote file is made again from the other",
                 "term=%" PRIu64, wal->vote.term);
    if (hash_equal(wal->vote.chain_id, wal->chain_id) && wal->vote.node == wal->node)
        return STATUS_OK;
    log_error("ledger", "the log is another chain's or another node's",
              "node=%" PRIu32 " log_node=%" PRIu32 " same_chain=%d", wal->node, wal->vote.node,
              hash_equal(wal->vote.chain_id, wal->chain_id));
    return wal->failure = STATUS_MISMATCH;
}

static enum status vote_settle(struct wal *wal, const struct listing *listing,
                               enum wal_directory_use use)
{
    const bool has_log = has(listing, KIND_SEGMENT) || has(listing, KIND_PATCH);
    const bool has_vote = has(listing, KIND_VOTE);
    if (use == WAL_DIRECTORY_NEW && (has_vote || has_log)) return STATUS_EXISTS;
    if (!has_vote && (has_log || use == WAL_DIRECTORY_OPEN)) return amnesiac(wal, "it is missing");
    enum status status = STATUS_OK;
    if (has(listing, KIND_VOTE_BEGUN)) status = file_remove(wal, "vote.new");
    if (status == STATUS_OK && !has_vote) status = vote_make(wal);
    return status == STATUS_OK ? vote_read(wal) : status;
}

/* ---- Headers ---- */

static const char *header_fault(const struct wal *wal, const uint8_t *header, uint64_t sequence,
                                struct wal_segment *segment)
{
    const char *what = wal_segment_get(header, segment);
    if (what != NULL) return what;
    if (segment->sequence != sequence) return "the header is another segment's";
    if (segment->segment_bytes < WAL_SEGMENT_BYTES_MIN ||
        segment->segment_bytes % WAL_BLOCK_BYTES != 0)
        return "the header's size is not one";
    if (!hash_equal(segment->chain_id, wal->chain_id) || segment->node != wal->node)
        return "the segment is another chain's or another node's";
    return NULL;
}

/* Writes the copy that rotted again, from the other. */
static enum status header_mend(struct wal *wal, const char *name, uint32_t rotten)
{
    const int file = wal->disk->open(wal->disk->context, name, WAL_DISK_LOG);
    if (file < 0) return wal_files_fail(wal, "open", name, file);
    const uint8_t *good = wal->buffer + (rotten == 0 ? WAL_HEADER_BYTES : 0);
    const enum status status = wal_files_write(wal, file, name, (uint64_t)rotten * WAL_HEADER_BYTES,
                                               good, WAL_HEADER_BYTES);
    wal->disk->close(wal->disk->context, file);
    if (status == STATUS_OK)
        log_warn("ledger", "one copy of a log segment's header was made again from the other",
                 "file=\"%s\" copy=%u", name, rotten + 1);
    return status;
}

/* Reads the header of a file; it stays in the buffer. `file->bad` when neither copy can be read. */
static enum status header_read(struct wal *wal, const struct found *found, struct wal_file *file)
{
    char name[WAL_NAME_BYTES];
    found_name(found, name);
    const int opened = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
    if (opened < 0) return wal_files_fail(wal, "open", name, opened);
    memset(wal->buffer, 0, WAL_RECORDS_OFFSET);
    const int64_t got =
        wal->disk->read(wal->disk->context, opened, 0, wal->buffer, WAL_RECORDS_OFFSET);
    wal->disk->close(wal->disk->context, opened);
    if (got < 0) return wal_files_fail(wal, "read", name, got);

    *file = (struct wal_file){0};
    struct wal_segment second;
    const char *first = header_fault(wal, wal->buffer, found->number, &file->segment);
    const char *other = header_fault(wal, wal->buffer + WAL_HEADER_BYTES, found->number, &second);
    if (first != NULL && other != NULL) {
        *file = (struct wal_file){.bad = true, .segment = {.sequence = found->number}};
        return STATUS_OK;
    }
    if (first != NULL) file->segment = second;
    file->bytes = file->segment.segment_bytes;
    if ((first == NULL && other == NULL) || wal->tolerant) return STATUS_OK;
    return header_mend(wal, name, first != NULL ? 0 : 1);
}

/* ---- What a cut of the power left half done ---- */

/* Segments of a repair: the first of them has its name when the repair counts. */
static enum status patch_settle(struct wal *wal, const struct listing *listing, struct found *found)
{
    char name[WAL_NAME_BYTES], segment[WAL_NAME_BYTES];
    struct wal_file file;
    const bool tolerant = wal->tolerant;
    wal->tolerant = true; /* a rotten copy waits until the file has its name */
    const enum status status = header_read(wal, found, &file);
    wal->tolerant = tolerant;
    if (status != STATUS_OK) return status;

    found_name(found, name);
    if (file.bad) return file_quarantine(wal, name, "a segment of a repair without a header");
    if (!has_segment(listing, file.segment.patch)) return file_remove(wal, name);
    found->kind = KIND_SEGMENT;
    found_name(found, segment);
    const int result = wal->disk->rename(wal->disk->context, name, segment);
    return result < 0 ? wal_files_fail(wal, "rename", name, result) : STATUS_OK;
}

/* A spare is whole, and of the size of today's segments. */
static enum status spare_settle(struct wal *wal, const struct found *found)
{
    char name[WAL_NAME_BYTES];
    found_name(found, name);
    const int file = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
    if (file < 0) return wal_files_fail(wal, "open", name, file);
    const int64_t bytes = wal->disk->size(wal->disk->context, file);
    wal->disk->close(wal->disk->context, file);
    if (bytes < 0) return wal_files_fail(wal, "size", name, bytes);
    const bool fits = found->number <= WAL_SPARES_MAX && bytes == (int64_t)wal->segment_bytes;
    if (!fits) return file_remove(wal, name);
    wal->spares[found->number - 1] = true;
    return STATUS_OK;
}

static enum status found_settle(struct wal *wal, const struct listing *listing, struct found *found)
{
    char name[WAL_NAME_BYTES];
    struct wal_file file;
    enum status status = STATUS_OK;
    if (found->kind == KIND_PATCH) status = patch_settle(wal, listing, found);
    if (status != STATUS_OK) return status;
    switch (found->kind) {
    case KIND_SEGMENT:
        found_name(found, name);
        if (found->number < wal->vote.begins) return file_remove(wal, name);
        status = header_read(wal, found, &file);
        return status == STATUS_OK ? wal_files_add(wal, &file) : status;
    case KIND_SPARE:
        return spare_settle(wal, found);
    case KIND_BEGUN:
        found_name(found, name);
        return file_remove(wal, name);
    default:
        return STATUS_OK;
    }
}

/* Puts segments aside that a later one replaces. */
static enum status dead_settle(struct wal *wal)
{
    uint64_t below = UINT64_MAX; /* of what is not looked at yet, all from here on is dead */
    uint32_t kept = wal->file_count;
    for (uint32_t i = wal->file_count; i > 0; i--) {
        const struct wal_file *file = &wal->files[i - 1];
        if (file->segment.sequence >= below) {
            char name[WAL_NAME_BYTES];
            wal_files_name(file->segment.sequence, "wal", name);
            const enum status status = file_quarantine(wal, name, "a later segment replaces it");
            if (status != STATUS_OK) return status;
            continue;
        }
        if (file->segment.replaces > 0) below = file->segment.replaces;
        wal->files[--kept] = *file;
    }
    wal->file_count -= kept;
    memmove(wal->files, wal->files + kept, wal->file_count * sizeof(*wal->files));
    return STATUS_OK;
}

/* The oldest segment says where the log begins. */
static enum status base_read(struct wal *wal)
{
    if (wal->file_count == 0 || wal->files[0].bad) return STATUS_OK;
    const struct found oldest = {wal->files[0].segment.sequence, KIND_SEGMENT};
    struct wal_file file;
    const enum status status = header_read(wal, &oldest, &file);
    if (status == STATUS_OK && !file.bad) wal_files_set_base(wal, &file.segment.base);
    return status;
}

enum status wal_directory_read(struct wal *wal, enum wal_directory_use use)
{
    struct listing listing = {0};
    const int result = wal->disk->list(wal->disk->context, on_name, &listing);
    enum status status = STATUS_OK;
    if (result < 0) status = wal_files_fail(wal, "list", ".", result);
    if (listing.no_memory) status = wal_files_no_memory(wal);
    if (listing.count > 1) qsort(listing.found, listing.count, sizeof(*listing.found), by_number);

    if (status == STATUS_OK) status = vote_settle(wal, &listing, use);
    for (uint32_t i = 0; i < listing.count && status == STATUS_OK; i++)
        status = found_settle(wal, &listing, &listing.found[i]);
    free(listing.found);
    if (status == STATUS_OK && wal->file_count > 0) status = dead_settle(wal);
    return status == STATUS_OK ? base_read(wal) : status;
}
