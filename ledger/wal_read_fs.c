#include "ledger/wal_files.h"

#include "common/log.h"

#include <inttypes.h>

/* Bytes of a file that the log has written or may have. */
static uint64_t readable_end(const struct wal *wal, uint32_t file)
{
    return file == wal->active ? wal->offset : wal->files[file].bytes;
}

void wal_files_stop_reading(struct wal *wal)
{
    if (wal->reader.file >= 0) wal->disk->close(wal->disk->context, wal->reader.file);
    wal->reader.file = -1;
    wal->reader.window_bytes = 0;
    wal->reader.next_index = 0;
}

static enum status reader_open(struct wal *wal, uint32_t file)
{
    if (wal->reader.file >= 0 && wal->reader.file_index == file) return STATUS_OK;
    if (wal->reader.file >= 0) wal->disk->close(wal->disk->context, wal->reader.file);
    wal->reader.window_bytes = 0;

    char name[WAL_NAME_BYTES];
    wal_files_segment_name(wal, file, name);
    wal->reader.file = wal->disk->open(wal->disk->context, name, WAL_DISK_READ);
    wal->reader.file_index = file;
    if (wal->reader.file < 0) return wal_files_fail(wal, "open", name, wal->reader.file);
    return STATUS_OK;
}

/* Makes the window hold as much as it can from `offset` of `file` on, and at least `byte_count` bytes
 * if the file has them. */
static enum status reader_fetch(struct wal *wal, uint32_t file, uint64_t offset, size_t byte_count)
{
    enum status status = reader_open(wal, file);
    if (status != STATUS_OK) return status;
    if (wal->reader.window_bytes > 0 && offset >= wal->reader.window_offset &&
        offset + byte_count <= wal->reader.window_offset + wal->reader.window_bytes)
        return STATUS_OK;

    const uint64_t from = offset & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
    const uint64_t left = readable_end(wal, file) - from;
    const size_t wanted = left < WAL_WINDOW_BYTES ? (size_t)left : WAL_WINDOW_BYTES;
    const int64_t got =
        wal->disk->read(wal->disk->context, wal->reader.file, from, wal->reader.window, wanted);
    if (got != (int64_t)wanted) {
        char name[WAL_NAME_BYTES];
        wal_files_segment_name(wal, file, name);
        return wal_files_fail(wal, "read", name, got);
    }
    wal->reader.window_offset = from;
    wal->reader.window_bytes = wanted;
    return STATUS_OK;
}

/* Looks at what lies at a place. `found` is not a record when nothing more lies in the file. */
static enum status reader_look(struct wal *wal, uint32_t file, uint64_t offset,
                               struct wal_record *record, enum wal_finding *found)
{
    *found = WAL_IS_ZERO;
    const uint64_t end = readable_end(wal, file);
    if (offset + WAL_RECORD_HEADER_BYTES > end) return STATUS_OK;

    /* Twice: the header tells how much the whole record takes. */
    size_t wanted = WAL_RECORD_HEADER_BYTES;
    for (int pass = 0; pass < 2; pass++) {
        const enum status status = reader_fetch(wal, file, offset, wanted);
        if (status != STATUS_OK) return status;
        const size_t before = (size_t)(offset - wal->reader.window_offset);
        *found =
            wal_record_get(wal->reader.window + before, offset, wal->reader.window_bytes - before,
                           wal->files[file].segment.generation, record);
        if (*found != WAL_IS_BROKEN) return STATUS_OK;
        const uint64_t span = wal_record_span(offset, record->length, true);
        if (offset + span > end || span > WAL_WINDOW_BYTES - WAL_BLOCK_BYTES) return STATUS_OK;
        wanted = (size_t)span;
    }
    return STATUS_OK;
}

static enum status damaged(struct wal *wal, uint64_t index, uint32_t file, uint64_t offset)
{
    wal->failure = STATUS_DAMAGED;
    log_error("ledger", "the log is damaged, stopping",
              "file=\"%012" PRIu64 ".wal\" offset=%" PRIu64 " index=%" PRIu64
              " what=\"a record that was good at start cannot be read\"",
              wal->files[file].segment.sequence, offset, index);
    return wal->failure;
}

/* The mark from which walking leads to `index`. */
static const struct wal_mark *mark_before(const struct wal *wal, uint64_t index)
{
    uint32_t low = 0, high = wal->mark_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (wal->marks[middle].index <= index)
            low = middle;
        else
            high = middle;
    }
    ASSERT(wal->mark_count > 0 && wal->marks[low].index <= index);
    return &wal->marks[low];
}

enum status wal_files_read(struct wal *wal, uint64_t index, struct wal_record *record)
{
    /* Behind the entry read last, unless the entry has a mark: what lies there may be replaced. */
    const struct wal_mark *mark = mark_before(wal, index);
    const bool next = wal->reader.next_index == index && mark->index != index;
    uint32_t file = next ? wal->reader.next_file : mark->file;
    uint64_t offset = next ? wal->reader.next_offset : mark->offset;
    /* Ends: each pass moves on, and the log ends at the active file. */
    for (;;) {
        enum wal_finding found;
        const enum status status = reader_look(wal, file, offset, record, &found);
        if (status != STATUS_OK) return status;
        if (found != WAL_IS_RECORD) {
            /* Behind a cut the next block, behind a segment's last write the next segment. */
            if (found == WAL_IS_BROKEN) return damaged(wal, index, file, offset);
            if (offset % WAL_BLOCK_BYTES != 0) {
                offset += WAL_BLOCK_BYTES - offset % WAL_BLOCK_BYTES;
            } else if (file < wal->active) {
                file++;
                offset = WAL_RECORDS_OFFSET;
            } else {
                return damaged(wal, index, file, offset);
            }
            continue;
        }
        const uint64_t begin = offset;
        offset += wal_record_span(offset, record->length, (record->flags & WAL_RECORD_LAST) != 0);
        if (record->type == WAL_CUT || record->index < index) continue;
        if (record->index > index) return damaged(wal, index, file, begin);
        wal->reader.next_index = index + 1;
        wal->reader.next_file = file;
        wal->reader.next_offset = offset;
        return STATUS_OK;
    }
}

static enum status entry_read(struct wal *wal, uint64_t index, struct wal_entry *entry)
{
    struct wal_record record;
    const enum status status = wal_files_read(wal, index, &record);
    if (status != STATUS_OK) return status;
    *entry = (struct wal_entry){
        .index = record.index,
        .term = record.term,
        .type = record.type,
        .length = record.length,
        .bytes = record.payload,
    };
    return STATUS_OK;
}

enum status wal_read(struct wal *wal, uint64_t index, struct wal_entry *entry)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    if (index <= wal->base.index || index > wal->last.index) return STATUS_NOT_FOUND;
    return entry_read(wal, index, entry);
}

enum status wal_read_configuration(struct wal *wal, uint64_t index, struct wal_entry *entry)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    const uint64_t at = wal_configuration_index(wal, index);
    if (at == 0) return STATUS_NOT_FOUND;
    if (at != wal->base.configuration_index) return entry_read(wal, at, entry);
    *entry = (struct wal_entry){
        .index = at,
        .type = WAL_CONFIGURATION,
        .length = wal->base.configuration_bytes,
        .bytes = wal->base.configuration,
    };
    return STATUS_OK;
}

enum status wal_files_hash(struct wal *wal, uint64_t index, hash_t *hash, uint64_t *term)
{
    *hash = wal->last.hash;
    *term = wal->last.term;
    if (index == wal->last.index) return STATUS_OK;
    if (index < wal->lowest && index == wal->base.index) {
        *hash = wal->base.hash;
        *term = wal->base.term;
        return STATUS_OK;
    }
    if (index < wal->lowest && wal->older != NULL)
        return wal_files_hash(wal->older, index, hash, term);
    const struct wal_known *known = &wal->known[index % WAL_HASHES];
    *hash = known->hash;
    *term = known->term;
    if (known->index == index) return STATUS_OK;

    struct wal_record record;
    const enum status status = wal_files_read(wal, index, &record);
    if (status != STATUS_OK) return status;
    *hash = record.hash;
    *term = record.term;
    return STATUS_OK;
}

enum status wal_hash(struct wal *wal, uint64_t index, uint64_t *term, hash_t *hash)
{
    if (wal->failure != STATUS_OK) return wal->failure;
    if (index < wal->base.index || index > wal->last.index) return STATUS_NOT_FOUND;
    return wal_files_hash(wal, index, hash, term);
}
