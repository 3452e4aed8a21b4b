#include "ledger/wal_files.h"

#include "common/le.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One segment in memory. */
struct image {
    uint8_t *bytes;
    size_t capacity;
};

struct scanner {
    struct wal *wal;
    struct wal_damage *damage;
    struct image image; /* of files[file] */
    uint32_t file;
    uint64_t offset;
    bool apart; /* something that cannot be read lies before `offset` */
    bool lost;  /* and before the next entry: nobody walks to it */
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

/* Something that was durable cannot be read. Remembers where mending must begin: with this file, from where the
 * log stood when it began. */
static enum status unreadable(struct scanner *scanner, uint32_t file, uint64_t offset,
                              const char *what)
{
    struct wal *wal = scanner->wal;
    if (!wal->tolerant) {
        char name[WAL_NAME_BYTES];
        if (file < wal->file_count)
            wal_files_segment_name(wal, file, name);
        else
            wal_files_name(1, "wal", name);
        return damaged(wal, scanner->damage, name, offset, what);
    }
    scanner->apart = scanner->lost = true;
    if (wal->damaged) return STATUS_OK;
    wal->damaged = true;
    wal->patch_file = file;
    wal->patch_start = wal->last;
    if (file < wal->file_count && !wal->files[file].bad) {
        wal_scan_begin(&wal->patch_start, &wal->files[file].segment);
        if (file > 0) wal->patch_start.commit = wal->files[file].segment.commit;
    }
    return STATUS_OK;
}

/* ---- The segments ---- */

/* Reads files[scanner->file] whole. What the file is short of is zeros. */
static enum status image_load(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    struct wal_file *file = &wal->files[scanner->file];
    struct image *image = &scanner->image;
    char name[WAL_NAME_BYTES];
    wal_files_segment_name(wal, scanner->file, name);
    if (file->bytes > image->capacity) {
        free(image->bytes);
        image->bytes = aligned_alloc(WAL_BLOCK_BYTES, file->bytes);
        image->capacity = image->bytes == NULL ? 0 : (size_t)file->bytes;
        if (image->bytes == NULL) return wal_files_no_memory(wal);
    }
    const int opened = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
    if (opened < 0) return wal_files_fail(wal, "open", name, opened);
    const int64_t got = wal->disk->read(wal->disk->context, opened, 0, image->bytes, file->bytes);
    wal->disk->close(wal->disk->context, opened);
    if (got < 0) return wal_files_fail(wal, "read", name, got);
    if ((uint64_t)got == file->bytes) return STATUS_OK;
    memset(image->bytes + got, 0, (size_t)(file->bytes - (uint64_t)got));
    const enum status status = unreadable(scanner, scanner->file, (uint64_t)got,
                                          "the file is shorter than its header says");
    file->bytes = (uint64_t)got & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
    if (file->bytes < WAL_RECORDS_OFFSET) file->bytes = WAL_RECORDS_OFFSET;
    return status;
}

/* What lies at a place, and whether it is the record that comes next: then `*what` is NULL, otherwise why
 * it is not. */
static enum wal_finding look(const struct scanner *scanner, uint64_t offset,
                             struct wal_record *record, const char **what)
{
    const struct wal_file *file = &scanner->wal->files[scanner->file];
    const enum wal_finding found =
        wal_record_get(scanner->image.bytes + offset, offset, (size_t)(file->bytes - offset),
                       file->segment.generation, record);
    *what = found == WAL_IS_RECORD    ? wal_scan_follows(&scanner->wal->last, record)
            : found == WAL_IS_ZERO    ? "there are zeros where a record was"
            : found == WAL_IS_FOREIGN ? "there is no record where one was"
                                      : "a record's length or checksum is wrong";
    return found;
}

static bool in_gap(const struct wal *wal, uint64_t index)
{
    for (uint32_t i = 0; i < wal->gap_count; i++)
        if (wal->gaps[i].first <= index && index <= wal->gaps[i].last) return true;
    return false;
}

/* The running hash that the record must carry, as far as it can be known. */
static enum status expected_hash(struct scanner *scanner, const struct wal_record *record,
                                 hash_t *hash, bool *known)
{
    struct wal *wal = scanner->wal;
    uint64_t term;
    hash_t previous = wal->last.hash;
    *known = record->index - 1 == wal->last.index ||
             (record->index <= wal->last.index && record->index > wal->base.index &&
              !in_gap(wal, record->index - 1));
    if (!*known) return STATUS_OK;
    if (record->index - 1 != wal->last.index) {
        const enum status status = wal_files_hash(wal, record->index - 1, &previous, &term);
        if (status != STATUS_OK) return status;
    }
    *hash = wal_record_hash(scanner->image.bytes + scanner->offset, record, previous);
    return STATUS_OK;
}

/* ---- Behind something that cannot be read ---- */

/* The log stands at `index` with a hash that is proved there. Finds out what of the entries up to there is
 * missing. */
static enum status jump(struct scanner *scanner, uint64_t index, hash_t hash, bool tail)
{
    struct wal *wal = scanner->wal;
    const uint64_t last = wal->last.index;
    const uint64_t floor = (wal->last.commit < index ? wal->last.commit : index) + 1;
    struct wal_gap gap = {.first = last + 1, .last = index, .floor = floor, .tail = tail};
    if (index <= last && index >= wal->base.index) {
        if (!in_gap(wal, index)) {
            hash_t known;
            uint64_t term;
            const enum status status = wal_files_hash(wal, index, &known, &term);
            if (status != STATUS_OK) return status;
            if (hash_equal(known, hash)) {
                wal_files_forget(wal, index + 1);
                return STATUS_OK;
            }
        }
        gap.first = floor; /* replaced by what cannot be read, from an unknown one on */
    }
    if (tail) gap.first = floor; /* nothing behind it would tell that they were replaced */
    wal_files_forget(wal, gap.first);
    if (gap.floor > gap.first) gap.floor = gap.first;
    return gap.first > gap.last ? STATUS_OK : wal_files_add_gap(wal, &gap);
}

static enum status jump_to_segment(struct scanner *scanner, const struct wal_segment *segment)
{
    struct wal *wal = scanner->wal;
    const enum status status = jump(scanner, segment->base.index, segment->base.hash, false);
    wal->last.index = segment->base.index;
    wal->last.term = segment->base.term;
    wal->last.hash = segment->base.hash;
    if (wal->last.commit > wal->last.index) wal->last.commit = wal->last.index;
    wal_scan_enter(&wal->last, segment);
    wal->reader.next_index = 0;
    return status;
}

/* The next whole record of this segment from `offset` on, or false. */
static bool find_record(const struct scanner *scanner, uint64_t offset, uint64_t *at,
                        struct wal_record *record)
{
    const struct wal_file *file = &scanner->wal->files[scanner->file];
    const uint8_t *bytes = scanner->image.bytes;
    for (; offset + WAL_RECORD_HEADER_BYTES <= file->bytes; offset += 8) {
        if (le_get_u64(bytes + offset + 8) != file->segment.generation) continue;
        if (wal_record_get(bytes + offset, offset, (size_t)(file->bytes - offset),
                           file->segment.generation, record) != WAL_IS_RECORD)
            continue;
        *at = offset;
        return true;
    }
    return false;
}

/* ---- One record after the other ---- */

/* Takes the record at scanner->offset, which may come next. `*fits` is false when its hash says that it does
 * not. */
static enum status take(struct scanner *scanner, const struct wal_record *record, bool *fits)
{
    struct wal *wal = scanner->wal;
    *fits = true;
    hash_t expected = wal->last.hash;
    bool known = true;
    enum status status = STATUS_OK;
    if (record->type != WAL_CUT) status = expected_hash(scanner, record, &expected, &known);
    if (status != STATUS_OK) return status;
    if (known && !hash_equal(record->hash, expected)) {
        *fits = false;
        return STATUS_OK;
    }
    status = wal_files_take(wal, record, scanner->file, scanner->offset, scanner->lost);
    scanner->apart = false;
    if (record->type != WAL_CUT) scanner->lost = false;
    scanner->offset +=
        wal_record_span(scanner->offset, record->length, (record->flags & WAL_RECORD_LAST) != 0);
    wal->offset = scanner->offset;
    return status;
}

/* Takes a record behind something unreadable: whatever it says of the entries before it is so. */
static enum status take_apart(struct scanner *scanner, const struct wal_record *record)
{
    struct wal *wal = scanner->wal;
    enum status status = STATUS_OK;
    bool known = false;
    if (record->type == WAL_CUT) {
        status = jump(scanner, record->index, record->hash, false);
        wal->last.index = record->index;
        wal->last.hash = record->hash;
    } else {
        hash_t expected;
        status = expected_hash(scanner, record, &expected, &known);
        if (status == STATUS_OK && (!known || !hash_equal(expected, record->hash))) {
            const hash_t unknown = {{0}};
            status = jump(scanner, record->index - 1, unknown, false);
        }
        if (status == STATUS_OK && record->index > wal->last.index + 1)
            wal->last.index = record->index - 1;
    }
    wal->reader.next_index = 0;
    if (status != STATUS_OK) return status;
    status = wal_files_take(wal, record, scanner->file, scanner->offset, true);
    scanner->apart = false;
    if (record->type != WAL_CUT) scanner->lost = false;
    scanner->offset +=
        wal_record_span(scanner->offset, record->length, (record->flags & WAL_RECORD_LAST) != 0);
    wal->offset = scanner->offset;
    return status;
}

/* Goes on in files[scanner->file]. `reached`: the log stood where it begins. */
static enum status enter(struct scanner *scanner, bool reached)
{
    struct wal *wal = scanner->wal;
    scanner->offset = wal->offset = WAL_RECORDS_OFFSET;
    wal->active = scanner->file;
    struct wal_file *file = &wal->files[scanner->file];
    if (file->bad) {
        file->bytes = WAL_RECORDS_OFFSET;
        return unreadable(scanner, scanner->file, 0, "neither copy of the header can be read");
    }
    enum status status = STATUS_OK;
    if (reached)
        wal_scan_enter(&wal->last, &file->segment);
    else
        status = jump_to_segment(scanner, &file->segment);
    if (wal->last.write > wal->write_max) wal->write_max = wal->last.write;
    return status == STATUS_OK ? image_load(scanner) : status;
}

static enum status next_segment(struct scanner *scanner, bool reached)
{
    scanner->file++;
    return enter(scanner, reached);
}

/* Whether the next file is the next segment: none is missing between them. */
static bool next_is_there(const struct scanner *scanner)
{
    const struct wal *wal = scanner->wal;
    if (scanner->file + 1 >= wal->file_count) return false;
    const struct wal_segment *next = &wal->files[scanner->file + 1].segment;
    const uint64_t begins = next->replaces > 0 ? next->replaces : next->sequence;
    return wal->files[scanner->file].segment.sequence + 1 == begins;
}

/* Whether the log goes on in the next segment from where it stands. */
static bool reaches_next(const struct scanner *scanner)
{
    if (!next_is_there(scanner) || scanner->apart) return false;
    const struct wal_file *next = &scanner->wal->files[scanner->file + 1];
    return !next->bad && wal_scan_reaches(&scanner->wal->last, &next->segment);
}

/* ---- The end ---- */

/* Whether a record from `offset` on proves that write `missing` was durable. */
static bool proof_in(const struct scanner *scanner, uint64_t offset, uint64_t missing)
{
    struct wal_record record;
    for (; find_record(scanner, offset, &offset, &record); offset += 8)
        if (record.durable_write >= missing) return true;
    return false;
}

/* The highest index that the remains of a torn write name, or 0: a record that was begun says it, whole or
 * not. Only one write is ever under way. */
static uint64_t torn_index(const struct scanner *scanner, uint64_t end)
{
    const struct wal *wal = scanner->wal;
    const uint64_t generation = wal->files[scanner->file].segment.generation;
    uint64_t highest = 0;
    for (uint64_t at = scanner->offset; at + WAL_RECORD_HEADER_BYTES <= end; at += 8) {
        if (le_get_u64(scanner->image.bytes + at + 8) != generation) continue;
        struct wal_record record;
        const enum wal_finding found =
            wal_record_get(scanner->image.bytes + at, at, (size_t)(end - at), generation, &record);
        if (found != WAL_IS_RECORD && found != WAL_IS_BROKEN) continue;
        const uint64_t most = wal->last.index + WAL_WRITE_BYTES / WAL_RECORD_HEADER_BYTES;
        const uint64_t index = record.index <= most ? record.index : wal->last.index + 1;
        if (index > highest) highest = index;
    }
    return highest;
}

/* Overwrites `from` to `end` with zeros, whole blocks but the first. */
static enum status zero_range(struct scanner *scanner, uint64_t from, uint64_t end)
{
    struct wal *wal = scanner->wal;
    char name[WAL_NAME_BYTES];
    wal_files_segment_name(wal, scanner->file, name);
    const uint64_t block = from & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
    enum status status = STATUS_OK;
    if (block < from) {
        memset(wal->buffer, 0, WAL_BLOCK_BYTES);
        memcpy(wal->buffer, scanner->image.bytes + block, (size_t)(from - block));
        status = wal_files_write(wal, wal->active_file, name, block, wal->buffer, WAL_BLOCK_BYTES);
        from = block + WAL_BLOCK_BYTES;
    }
    while (from < end && status == STATUS_OK) {
        const size_t piece = end - from < WAL_PIECE_BYTES ? (size_t)(end - from) : WAL_PIECE_BYTES;
        status = wal_files_write(wal, wal->active_file, name, from, wal->zeros, piece);
        from += piece;
    }
    return status;
}

/* Makes the end of the log one that new writes may follow: what a torn write left is zeroed and closed. Behind
 * it may lie anything that an earlier life of the file left; it has another generation. */
static enum status cut_tail(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    enum status status = wal_files_activate(wal);
    if (status != STATUS_OK) return status;
    uint64_t end = scanner->offset + WAL_WRITE_BYTES;
    end = (end + WAL_BLOCK_BYTES - 1) & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
    if (end > wal->files[scanner->file].bytes) end = wal->files[scanner->file].bytes;
    const uint64_t torn = torn_index(scanner, end);
    if (torn == 0 && !wal->last.write_broken) return STATUS_OK;

    uint64_t lost = wal->last.index + 1;
    if (torn > lost) lost = torn;
    if (wal->last.lost > lost) lost = wal->last.lost;
    status = zero_range(scanner, scanner->offset, end);
    wal->reader.window_bytes = 0; /* it may hold what was just zeroed */
    if (status != STATUS_OK) return status;
    log_warn("ledger", "a torn tail was cut from the log",
             "segment=%" PRIu64 " offset=%" PRIu64 " last_index=%" PRIu64 " lost=%" PRIu64,
             wal->files[scanner->file].segment.sequence, scanner->offset, wal->last.index, lost);
    return wal_files_cut(wal, lost);
}

/* What the vote file proves and the segments do not show. */
static enum status tail_missing(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    const struct wal_vote *vote = &wal->vote;
    if (wal_scan_missing_write(&wal->last) > vote->durable_write) return STATUS_OK;
    const enum status status = jump(scanner, vote->durable_index, vote->durable_hash, true);
    if (wal->gap_count == 0 || !wal->gaps[wal->gap_count - 1].tail) return status;
    wal->last.index = vote->durable_index;
    return status;
}

/* ---- The whole ---- */

/* The record at hand is not one that comes next. Goes on where the log does. `over`: it ends here. */
static enum status go_on(struct scanner *scanner, const char *what, bool *over)
{
    struct wal *wal = scanner->wal;
    const bool last_file = scanner->file + 1 >= wal->file_count;
    struct wal_record record;
    *over = false;
    if (scanner->offset % WAL_BLOCK_BYTES != 0 && !scanner->apart) {
        const uint64_t block = (scanner->offset | (WAL_BLOCK_BYTES - 1)) + 1;
        const char *not_cut = "the segment ends";
        if (block < wal->files[scanner->file].bytes) look(scanner, block, &record, &not_cut);
        if (not_cut == NULL && record.type == WAL_CUT) {
            scanner->offset = wal->offset = block;
            return STATUS_OK;
        }
    }
    if (reaches_next(scanner)) return next_segment(scanner, true);

    const uint64_t missing = wal_scan_missing_write(&wal->last);
    *over = last_file && !scanner->apart && wal->vote.durable_write < missing &&
            !proof_in(scanner, scanner->offset, missing);
    if (*over) return STATUS_OK;

    if (!last_file && !next_is_there(scanner)) what = "the segment after it is missing";
    if (!last_file && wal->files[scanner->file + 1].bad && !wal->tolerant)
        return unreadable(scanner, scanner->file + 1, 0, "neither copy of the header can be read");
    enum status status = unreadable(scanner, scanner->file, scanner->offset, what);
    if (status != STATUS_OK) return status;
    if (find_record(scanner, scanner->offset, &scanner->offset, &record))
        return take_apart(scanner, &record);
    *over = last_file;
    return last_file ? STATUS_OK : next_segment(scanner, false);
}

static enum status scan(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    enum status status = STATUS_OK;
    bool over = false;
    while (status == STATUS_OK && !over) {
        struct wal_record record;
        const char *what = "the segment ends";
        const bool room = scanner->offset < wal->files[scanner->file].bytes;
        if (room) look(scanner, scanner->offset, &record, &what);
        bool fits = what == NULL;
        if (fits) status = take(scanner, &record, &fits);
        if (status != STATUS_OK || fits) continue;
        if (what == NULL) what = "the running hash does not follow";
        status = go_on(scanner, what, &over);
    }
    if (status != STATUS_OK) return status;
    if (!wal->tolerant) return cut_tail(scanner);
    return tail_missing(scanner);
}

/* Stands at the log's beginning. */
static enum status scan_begin(struct scanner *scanner)
{
    struct wal *wal = scanner->wal;
    const struct wal_base base = {.hash = wal->chain_id};
    wal->last = (struct wal_scan){.hash = wal->chain_id};
    wal->active = 0;
    scanner->offset = wal->offset = WAL_RECORDS_OFFSET;
    if (wal->file_count == 0) {
        if (wal->vote.durable_write == 0) return STATUS_OK;
        const enum status status = unreadable(scanner, 0, 0, "every segment is missing");
        return status == STATUS_OK ? tail_missing(scanner) : status;
    }
    struct wal_file *first = &wal->files[0];
    if (first->bad) {
        first->bytes = WAL_RECORDS_OFFSET;
        return unreadable(scanner, 0, 0, "neither copy of the header can be read");
    }
    const uint64_t begins = wal->vote.begins;
    if (begins != 0 && first->segment.sequence > begins &&
        (first->segment.replaces == 0 || first->segment.replaces > begins)) {
        const enum status status = unreadable(scanner, 0, 0, "the segment before it is missing");
        wal->patch_start = wal->last;
        if (status == STATUS_OK) wal_files_set_base(wal, &base);
        return status == STATUS_OK ? enter(scanner, false) : status;
    }
    wal_scan_begin(&wal->last, &first->segment);
    wal->write_max = wal->last.write;
    return image_load(scanner);
}

enum status wal_scan_files(struct wal *wal, enum wal_directory_use use, struct wal_damage *damage)
{
    enum status status = wal_directory_read(wal, use);
    if (status != STATUS_OK) return status;
    struct scanner scanner = {.wal = wal, .damage = damage};
    status = scan_begin(&scanner);
    if (status == STATUS_OK && wal->file_count > 0) status = scan(&scanner);
    free(scanner.image.bytes);
    if (wal->vote.durable_write > wal->write_max) wal->write_max = wal->vote.durable_write;
    return status;
}
