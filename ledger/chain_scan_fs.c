#include "common/le.h"
#include "common/log.h"
#include "ledger/chain_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One scan under way. */
struct scanner {
    struct chain_scan *out;
    int folder;
    uint32_t segment_count;
    uint8_t *known; /* the index file as it was when the scan began */
    size_t known_bytes;
    struct chain_index said; /* what its header says; all zero when it cannot be read */
    size_t index_capacity;   /* of out->index, in entries */
    uint8_t *buffer;
    size_t buffer_bytes;
    uint64_t unindexed; /* records that the index does not hold yet */
    bool moved;         /* it knows some in the other file of their segment */
};

void chain_segment_name(uint32_t segment, char name[CHAIN_FILE_NAME_MAX])
{
    snprintf(name, CHAIN_FILE_NAME_MAX, "%08u.%s", segment & ~CHAIN_HEADERS_FILE,
             (segment & CHAIN_HEADERS_FILE) != 0 ? "headers" : "segment");
}

uint32_t chain_segment_number(const char *name)
{
    char same[CHAIN_FILE_NAME_MAX];
    const unsigned long number = strtoul(name, NULL, 10);
    if (number == 0 || number >= CHAIN_HEADERS_FILE) return 0;
    for (uint32_t kind = 0;; kind = CHAIN_HEADERS_FILE) {
        chain_segment_name((uint32_t)number | kind, same);
        if (strcmp(name, same) == 0) return (uint32_t)number | kind;
        if (kind != 0) return 0;
    }
}

int64_t chain_read_at(int descriptor, uint8_t *bytes, size_t byte_count, uint64_t offset)
{
    size_t done = 0;
    while (done < byte_count) {
        const ssize_t got =
            pread(descriptor, bytes + done, byte_count - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

static enum status io_failed(const char *file)
{
    log_error("ledger", "chain file cannot be read", "file=\"%s\" error=\"%s\"", file,
              strerror(errno));
    return STATUS_IO;
}

static enum status no_memory(size_t byte_count)
{
    log_error("ledger", "no memory for a chain file", "bytes=%zu", byte_count);
    return STATUS_NO_MEMORY;
}

static enum status damaged(struct scanner *scanner, uint32_t segment, uint64_t offset,
                           const char *what)
{
    chain_segment_name(segment, scanner->out->file);
    scanner->out->file_segment = segment;
    scanner->out->file_offset = offset;
    scanner->out->fault = what;
    return STATUS_DAMAGED;
}

static void index_wrong(struct scanner *scanner, uint64_t offset, const char *what)
{
    if (scanner->out->index_fault != NULL) return;
    scanner->out->index_fault = what;
    scanner->out->index_offset = offset;
}

/* The place at `offset` of the index file; NULL when the file does not reach there, or has nothing. */
static const uint8_t *known_place(const struct scanner *scanner, uint64_t offset)
{
    if (offset + CHAIN_PLACE_BYTES > scanner->known_bytes) return NULL;
    const uint8_t *at = scanner->known + offset;
    return chain_place_empty(at) ? NULL : at;
}

static enum status reserve(struct scanner *scanner, size_t byte_count)
{
    if (byte_count <= scanner->buffer_bytes) return STATUS_OK;
    size_t wanted = scanner->buffer_bytes == 0 ? 1u << 20 : scanner->buffer_bytes;
    while (wanted < byte_count)
        wanted *= 2;
    uint8_t *grown = realloc(scanner->buffer, wanted);
    if (grown == NULL) return no_memory(wanted);
    scanner->buffer = grown;
    scanner->buffer_bytes = wanted;
    return STATUS_OK;
}

static enum status read_index(struct scanner *scanner)
{
    const int descriptor = openat(scanner->folder, "index", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? STATUS_OK : io_failed("index");
    enum status status = STATUS_OK;
    struct stat stat;
    int64_t got = -1;
    if (fstat(descriptor, &stat) != 0) {
        status = io_failed("index");
    } else if ((scanner->known = malloc((size_t)stat.st_size + 1)) == NULL) {
        status = no_memory((size_t)stat.st_size);
    } else if ((got = chain_read_at(descriptor, scanner->known, (size_t)stat.st_size, 0)) < 0) {
        status = io_failed("index");
    } else {
        scanner->known_bytes = (size_t)got;
    }
    close(descriptor);
    if (status != STATUS_OK || scanner->known_bytes == 0) return status;
    if (scanner->known_bytes < CHAIN_INDEX_HEADER_BYTES ||
        !chain_index_get(scanner->known, &scanner->said))
        index_wrong(scanner, 0, "its header is not right");
    return STATUS_OK;
}

/* The highest segment number among the directory's files. */
static enum status count_segments(struct scanner *scanner)
{
    const int copy = openat(scanner->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (listing == NULL) return io_failed(".");
    const struct dirent *found;
    while ((found = readdir(listing)) != NULL) {
        const uint32_t number = chain_segment_number(found->d_name) & ~CHAIN_HEADERS_FILE;
        if (number > scanner->segment_count) scanner->segment_count = number;
    }
    closedir(listing);
    return STATUS_OK;
}

static enum status grow_index(struct scanner *scanner)
{
    if (scanner->out->entries < scanner->index_capacity) return STATUS_OK;
    const size_t capacity = scanner->index_capacity == 0 ? 1024 : scanner->index_capacity * 2;
    uint8_t *grown = realloc(scanner->out->index, capacity * CHAIN_ENTRY_BYTES);
    if (grown == NULL) return no_memory(capacity * CHAIN_ENTRY_BYTES);
    scanner->out->index = grown;
    scanner->index_capacity = capacity;
    return STATUS_OK;
}

/* Whether the index knows the record in the other file of its segment: bodies are on their way out. */
static bool known_in_other_file(const uint8_t *known, const struct chain_place *place)
{
    struct chain_place other;
    return chain_place_get(known, &other) && other.height == place->height &&
           other.header_crc == place->header_crc &&
           (other.segment ^ place->segment) == CHAIN_HEADERS_FILE;
}

/* Writes the record's place into the index being made, and compares it with the file's. */
static void index_record(struct scanner *scanner, const struct chain_record *record,
                         uint32_t segment, uint32_t offset)
{
    const struct chain_place place = chain_place_of(record, segment, offset);
    uint64_t known_at = chain_entry_offset(scanner->out->base, record->height);
    if (record->type == CHAIN_CERTIFICATE) known_at += CHAIN_PLACE_BYTES;
    uint8_t *entry = scanner->out->index + (known_at - CHAIN_INDEX_HEADER_BYTES);
    chain_place_put(entry, &place);

    const uint8_t *known = known_place(scanner, known_at);
    if (known == NULL)
        scanner->unindexed++;
    else if (memcmp(known, entry, CHAIN_PLACE_BYTES) != 0 && known_in_other_file(known, &place))
        scanner->moved = true;
    else if (memcmp(known, entry, CHAIN_PLACE_BYTES) != 0)
        index_wrong(scanner, known_at, "an entry is not the place of its record");
    else if (scanner->unindexed > 0)
        index_wrong(scanner, known_at, "an entry before this one is missing");
}

/* A block, or what is left of one. */
static enum status take_block(struct scanner *scanner, const struct chain_record *record,
                              uint32_t segment, uint32_t offset)
{
    struct chain_scan *out = scanner->out;
    const bool is_first = out->entries == 0 && offset == 0;
    if (record->type == CHAIN_BASE && is_first)
        out->base = record->height;
    else if (record->type == CHAIN_BASE || record->height != out->tip + 1)
        return damaged(scanner, segment, offset, "a block is not the one after the last");
    const enum status status = grow_index(scanner);
    if (status != STATUS_OK) return status;
    memset(out->index + out->entries * CHAIN_ENTRY_BYTES, 0, CHAIN_ENTRY_BYTES);
    out->entries++;
    out->tip = record->height;
    if (record->type != CHAIN_BLOCK) out->first_body = record->height + 1;
    return STATUS_OK;
}

static enum status take_record(struct scanner *scanner, const struct chain_record *record,
                               uint32_t segment, uint32_t offset)
{
    struct chain_scan *out = scanner->out;
    if (record->type != CHAIN_CERTIFICATE) {
        const enum status status = take_block(scanner, record, segment, offset);
        if (status != STATUS_OK) return status;
    } else {
        if (record->height <= out->certified || record->height > out->tip ||
            record->height < out->base)
            return damaged(scanner, segment, offset, "a certificate is not after the last");
        out->certified = record->height;
    }
    index_record(scanner, record, segment, offset);
    return STATUS_OK;
}

/* Whether the index knows a record of this segment, at `offset` or behind it, that ends within
 * `file_bytes`: the file was once whole up to there. */
static bool index_knows(const struct scanner *scanner, uint32_t segment, uint64_t offset,
                        uint64_t file_bytes)
{
    struct chain_place place;
    for (uint64_t at = CHAIN_INDEX_HEADER_BYTES; at + CHAIN_PLACE_BYTES <= scanner->known_bytes;
         at += CHAIN_PLACE_BYTES)
        if (chain_place_get(scanner->known + at, &place) && place.segment == segment &&
            place.offset >= offset &&
            (uint64_t)place.offset + CHAIN_RECORD_HEADER_BYTES + place.length <= file_bytes)
            return true;
    return false;
}

/* Whether a whole record lies anywhere in `bytes`. Cost: a checksum for each place that looks like
 * the start of a record of a height near ours. */
static bool holds_record(const uint8_t *bytes, size_t byte_count, uint64_t tip)
{
    struct chain_record record;
    for (size_t i = 1; i + CHAIN_RECORD_HEADER_BYTES < byte_count; i++) {
        const uint32_t length = chain_record_length(bytes + i);
        if (length == 0 || length > byte_count - i) continue;
        if (le_get_u64(bytes + i + 16) > tip + byte_count) continue;
        if (chain_record_get(bytes + i, byte_count - i, &record)) return true;
    }
    return false;
}

/* There is no whole record at `offset`: a torn tail, or damage? */
static enum status judge_bad(struct scanner *scanner, int descriptor, uint32_t segment,
                             uint64_t offset, uint64_t file_bytes)
{
    static const char what[] = "a record is not what was written";
    /* Also for a headers file: it was whole before it had its name. */
    if (segment != scanner->segment_count) return damaged(scanner, segment, offset, what);
    if (segment < scanner->said.synced_segment ||
        (segment == scanner->said.synced_segment && offset < scanner->said.synced_offset))
        return damaged(scanner, segment, offset, what);
    if (index_knows(scanner, segment, offset, file_bytes))
        return damaged(scanner, segment, offset, what);

    const size_t rest = (size_t)(file_bytes - offset);
    const enum status status = reserve(scanner, rest);
    if (status != STATUS_OK) return status;
    const int64_t got = chain_read_at(descriptor, scanner->buffer, rest, offset);
    if (got < 0) return io_failed("segment");
    if (holds_record(scanner->buffer, (size_t)got, scanner->out->tip))
        return damaged(scanner, segment, offset, what);
    scanner->out->torn_bytes = rest;
    return STATUS_OK;
}

/* Reads the record at `offset`. STATUS_NOT_FOUND when no whole one is there. */
static enum status read_record(struct scanner *scanner, int descriptor, uint64_t offset,
                               uint64_t file_bytes, struct chain_record *record)
{
    uint8_t header[CHAIN_RECORD_HEADER_BYTES];
    const int64_t got = chain_read_at(descriptor, header, sizeof(header), offset);
    if (got < 0) return io_failed("segment");
    if (got != CHAIN_RECORD_HEADER_BYTES) return STATUS_NOT_FOUND;
    const uint32_t length = chain_record_length(header);
    const uint64_t span = CHAIN_RECORD_HEADER_BYTES + (uint64_t)length;
    if (length == 0 || offset + span > file_bytes) return STATUS_NOT_FOUND;

    const enum status status = reserve(scanner, (size_t)span);
    if (status != STATUS_OK) return status;
    const int64_t read = chain_read_at(descriptor, scanner->buffer, (size_t)span, offset);
    if (read < 0) return io_failed("segment");
    return chain_record_get(scanner->buffer, (size_t)read, record) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Opens the file of a segment that there is; -1: errno says why. */
static int open_segment(struct scanner *scanner, uint32_t *segment)
{
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(*segment, name);
    int descriptor = openat(scanner->folder, name, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        if (*segment < scanner->out->whole) scanner->out->whole = *segment;
        return descriptor;
    }
    if (errno != ENOENT) return -1;
    chain_segment_name(*segment | CHAIN_HEADERS_FILE, name);
    descriptor = openat(scanner->folder, name, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) *segment |= CHAIN_HEADERS_FILE;
    return descriptor;
}

static enum status scan_segment(struct scanner *scanner, uint32_t segment)
{
    const int descriptor = open_segment(scanner, &segment);
    if (descriptor < 0 && errno == ENOENT)
        return damaged(scanner, segment, 0, "the file is missing");
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(segment, name);
    if (descriptor < 0) return io_failed(name);

    struct stat stat = {0};
    enum status status = fstat(descriptor, &stat) == 0 ? STATUS_OK : io_failed(name);
    const uint64_t file_bytes = (uint64_t)stat.st_size;
    uint64_t offset = 0;
    while (status == STATUS_OK && offset < file_bytes) {
        struct chain_record record;
        status = read_record(scanner, descriptor, offset, file_bytes, &record);
        if (status == STATUS_OK && offset <= UINT32_MAX) {
            status = take_record(scanner, &record, segment, (uint32_t)offset);
            offset += CHAIN_RECORD_HEADER_BYTES + (uint64_t)record.length;
        } else if (status == STATUS_NOT_FOUND) {
            status = judge_bad(scanner, descriptor, segment, offset, file_bytes);
            break;
        }
    }
    close(descriptor);
    scanner->out->segment = segment;
    scanner->out->offset = (uint32_t)offset;
    return status;
}

/* What the index file holds beyond the segments' records, once they are all known. */
static void check_index(struct scanner *scanner)
{
    const struct chain_scan *out = scanner->out;
    const uint64_t end = CHAIN_INDEX_HEADER_BYTES + out->entries * CHAIN_ENTRY_BYTES;
    if (scanner->known_bytes > 0 && scanner->said.base != out->base)
        index_wrong(scanner, 0, "it begins above another block");
    if (scanner->known_bytes > end) index_wrong(scanner, end, "it holds more than the segments");
    for (uint64_t i = 0; i < 2 * out->entries; i++) {
        const uint64_t at = CHAIN_INDEX_HEADER_BYTES + i * CHAIN_PLACE_BYTES;
        if (chain_place_empty(out->index + i * CHAIN_PLACE_BYTES) &&
            known_place(scanner, at) != NULL)
            index_wrong(scanner, at, "an entry has no record");
    }
    /* The file ends with the last block's place until that block has a certificate; half of another would stay. */
    scanner->out->index_current =
        scanner->out->index_fault == NULL && scanner->unindexed == 0 && !scanner->moved &&
        scanner->said.base == out->base &&
        (scanner->known_bytes == end || scanner->known_bytes + CHAIN_PLACE_BYTES == end);
}

/* What was synchronised is there, whole records and all. */
static enum status check_synced(struct scanner *scanner)
{
    const struct chain_scan *out = scanner->out;
    const uint32_t last = out->segment & ~CHAIN_HEADERS_FILE;
    if (last > scanner->said.synced_segment) return STATUS_OK;
    if (last == scanner->said.synced_segment && out->offset >= scanner->said.synced_offset)
        return STATUS_OK;
    return damaged(scanner, out->segment, out->offset, "it ends before its synchronised place");
}

enum status chain_scan(const char *directory, struct chain_scan *scan)
{
    *scan = (struct chain_scan){.first_body = 1, .whole = UINT32_MAX};
    struct scanner scanner = {.out = scan};
    scanner.folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (scanner.folder < 0) return io_failed(directory);

    /* The index first: what it holds now, the segments hold as well when they are read. */
    enum status status = read_index(&scanner);
    if (status == STATUS_OK) status = count_segments(&scanner);
    for (uint32_t i = 1; i <= scanner.segment_count && status == STATUS_OK; i++)
        status = scan_segment(&scanner, i);
    if (status == STATUS_OK) status = check_synced(&scanner);
    if (status == STATUS_OK) check_index(&scanner);
    if (scan->whole > scanner.segment_count) scan->whole = scanner.segment_count + 1;

    free(scanner.buffer);
    free(scanner.known);
    close(scanner.folder);
    return status;
}

void chain_scan_end(struct chain_scan *scan)
{
    free(scan->index);
    scan->index = NULL;
}
