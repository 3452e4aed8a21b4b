#include "common/le.h"
#include "common/log.h"
#include "ledger/chain_files.h"
#include "ledger/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum status chain_files_io_failed(const struct chain *chain, const char *what, const char *file)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" file=\"%s\" error=\"%s\"", chain->directory, file,
              strerror(errno));
    return status;
}

enum status chain_files_damaged(const struct chain *chain, const char *file, uint64_t offset,
                                const char *what)
{
    log_error("ledger", "chain file is damaged",
              "directory=\"%s\" file=\"%s\" offset=%lu what=\"%s\"", chain->directory, file, offset,
              what);
    return STATUS_DAMAGED;
}

bool chain_files_write(int descriptor, struct iovec *pieces, int piece_count, uint64_t offset)
{
    while (piece_count > 0) {
        ssize_t written = pwritev(descriptor, pieces, piece_count, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        offset += (uint64_t)written;
        while (piece_count > 0 && (size_t)written >= pieces->iov_len) {
            written -= (ssize_t)pieces->iov_len;
            pieces++;
            piece_count--;
        }
        if (piece_count > 0) {
            pieces->iov_base = (uint8_t *)pieces->iov_base + written;
            pieces->iov_len -= (size_t)written;
        }
    }
    return true;
}

bool chain_files_write_bytes(int descriptor, const uint8_t *bytes, size_t byte_count,
                             uint64_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, byte_count};
    return chain_files_write(descriptor, &piece, byte_count > 0 ? 1 : 0, offset);
}

/* ---- Opening ---- */

static enum status chain_new(const char *directory, bool writes, struct chain **chain)
{
    struct chain *made = calloc(1, sizeof(*made));
    char *copy = made == NULL ? NULL : strdup(directory);
    *chain = NULL;
    if (copy == NULL) {
        free(made);
        log_error("ledger", "no memory for a chain", "directory=\"%s\"", directory);
        return STATUS_NO_MEMORY;
    }
    *made = (struct chain){.folder = -1,
                           .index = -1,
                           .segment = -1,
                           .writes = writes,
                           .directory = copy,
                           .segment_bytes = CHAIN_SEGMENT_BYTES};
    *chain = made;
    return STATUS_OK;
}

/* Opens `number` as the segment at hand; `create`: makes it. STATUS_NOT_FOUND, not logged, when there is none. */
static enum status open_segment(struct chain *chain, uint32_t number, bool create)
{
    if (chain->segment >= 0 && chain->segment_number == number) return STATUS_OK;
    if (chain->segment >= 0) close(chain->segment);
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(number, name);
    const int flags = (create ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC;
    chain->segment = openat(chain->folder, name, flags, 0600);
    chain->segment_number = number;
    if (chain->segment >= 0) return STATUS_OK;
    if (errno == ENOENT) return STATUS_NOT_FOUND;
    return chain_files_io_failed(chain, "chain file cannot be opened", name);
}

/* Cuts what a crash left unfinished. The index comes first: a reader never looks for a record that the
 * index does not hold. */
static enum status cut_tail(struct chain *chain, const struct chain_scan *scan)
{
    if (!scan->index_current) {
        const uint64_t entries = scan->entries * CHAIN_ENTRY_BYTES;
        if (ftruncate(chain->index, (off_t)(CHAIN_INDEX_HEADER_BYTES + entries)) != 0 ||
            !chain_files_put_header(chain) ||
            !chain_files_write_bytes(chain->index, scan->index, entries, CHAIN_INDEX_HEADER_BYTES))
            return chain_files_io_failed(chain, "chain index cannot be written", "index");
        if (scan->index_fault != NULL)
            log_warn("ledger", "chain index was not right and is made anew",
                     "directory=\"%s\" file=\"index\" offset=%lu what=\"%s\"", chain->directory,
                     scan->index_offset, scan->index_fault);
    }
    if (scan->torn_bytes == 0) return STATUS_OK;
    log_warn("ledger", "torn tail of the chain is cut",
             "directory=\"%s\" segment=%u offset=%u bytes=%lu height=%lu", chain->directory,
             scan->segment, scan->offset, scan->torn_bytes, scan->tip);
    if (ftruncate(chain->segment, (off_t)scan->offset) != 0)
        return chain_files_io_failed(chain, "chain file cannot be cut", "segment");
    return STATUS_OK;
}

/* Removes what a cut left unfinished: the index no longer points there. */
static enum status remove_leftovers(struct chain *chain, uint32_t last)
{
    if (unlinkat(chain->folder, CHAIN_UNFINISHED, 0) != 0 && errno != ENOENT)
        return chain_files_io_failed(chain, "chain file cannot be removed", CHAIN_UNFINISHED);
    for (uint32_t number = chain->whole; number <= last; number++) {
        char name[CHAIN_FILE_NAME_MAX];
        chain_segment_name(number | CHAIN_HEADERS_FILE, name);
        if (unlinkat(chain->folder, name, 0) != 0 && errno != ENOENT)
            return chain_files_io_failed(chain, "chain file cannot be removed", name);
    }
    return STATUS_OK;
}

static enum status take_over(struct chain *chain, const struct chain_scan *scan)
{
    const bool in_headers = (scan->segment & CHAIN_HEADERS_FILE) != 0;
    const uint32_t last = scan->segment & ~CHAIN_HEADERS_FILE;
    chain->base = scan->base;
    chain->tip = scan->tip;
    chain->certified = scan->certified;
    chain->first_body = scan->first_body;
    chain->whole = scan->whole;
    enum status status = open_segment(chain, last == 0 || in_headers ? last + 1 : last, true);
    if (status == STATUS_OK) status = cut_tail(chain, scan);
    if (status == STATUS_OK) status = remove_leftovers(chain, last);
    if (status != STATUS_OK) return status;
    chain->offset = in_headers ? 0 : scan->offset;
    return chain_sync(chain);
}

enum status chain_open(const char *directory, struct chain **chain)
{
    enum status status = chain_new(directory, true, chain);
    if (status != STATUS_OK) return status;
    struct chain *made = *chain;
    struct chain_scan scan = {0};

    made->folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made->folder >= 0)
        made->index = openat(made->folder, "index", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made->folder < 0 || made->index < 0) {
        status = chain_files_io_failed(made, "chain cannot be opened", "index");
    } else if (flock(made->index, LOCK_EX | LOCK_NB) != 0) {
        log_error("ledger", "chain is written by another process", "directory=\"%s\"", directory);
        status = STATUS_EXISTS;
    } else {
        status = chain_scan(directory, &scan);
        if (status == STATUS_DAMAGED)
            chain_files_damaged(made, scan.file, scan.file_offset, scan.fault);
        if (status == STATUS_OK) status = take_over(made, &scan);
    }
    chain_scan_end(&scan);
    if (status == STATUS_OK) return STATUS_OK;
    made->failed = true; /* nothing to synchronise */
    chain_close(made);
    *chain = NULL;
    return status;
}

enum status chain_open_reader(const char *directory, struct chain **chain)
{
    return chain_new(directory, false, chain);
}

void chain_close(struct chain *chain)
{
    if (chain == NULL) return;
    if (chain->writes && !chain->failed) {
        const enum status status = chain_sync(chain);
        (void)status; /* logged; the log still has everything */
    }
    if (chain->segment >= 0) close(chain->segment);
    if (chain->index >= 0) close(chain->index);
    if (chain->folder >= 0) close(chain->folder);
    chain_close(chain->earlier);
    free(chain->buffer);
    free(chain->directory);
    free(chain);
}

/* ---- Appending ---- */

bool chain_files_put_header(const struct chain *chain)
{
    uint8_t header[CHAIN_INDEX_HEADER_BYTES];
    const struct chain_index index = {
        .synced_segment = chain->synced_segment,
        .synced_offset = chain->synced_offset,
        .base = chain->base,
        .first_body = chain->first_body,
    };
    chain_index_put(header, &index);
    return chain_files_write_bytes(chain->index, header, sizeof(header), 0);
}

enum status chain_sync(struct chain *chain)
{
    ASSERT(chain->writes);
    if (fdatasync(chain->segment) != 0 || fsync(chain->folder) != 0)
        return chain_files_io_failed(chain, "chain cannot be synchronised", "segment");
    /* Only what is on disk may be called so: the header is written after the segment's sync. */
    chain->synced_segment = chain->segment_number;
    chain->synced_offset = chain->offset;
    if (!chain_files_put_header(chain) || fdatasync(chain->index) != 0)
        return chain_files_io_failed(chain, "chain cannot be synchronised", "index");
    chain->unsynced_blocks = 0;
    return STATUS_OK;
}

/* Makes room in the segment, or begins the next; a segment is whole on disk before there is one. */
static enum status make_room(struct chain *chain, uint64_t span)
{
    if (chain->offset == 0 || chain->offset + span <= chain->segment_bytes) return STATUS_OK;
    enum status status = chain_sync(chain);
    if (status == STATUS_OK) status = open_segment(chain, chain->segment_number + 1, true);
    if (status == STATUS_OK) chain->offset = 0;
    return status;
}

static enum status append(struct chain *chain, const struct chain_record *record,
                          const uint8_t *second, size_t second_length)
{
    if (chain->failed) return STATUS_IO;
    if (record->length + second_length > CHAIN_PAYLOAD_MAX) {
        log_error("ledger", "a block is too large for the chain", "height=%lu bytes=%zu",
                  record->height, second_length);
        return STATUS_UNSUPPORTED;
    }
    uint8_t header[CHAIN_RECORD_HEADER_BYTES], entry[CHAIN_PLACE_BYTES];
    chain_record_put(header, record, second, (uint32_t)second_length);
    const uint32_t length = record->length + (uint32_t)second_length;
    const uint64_t span = CHAIN_RECORD_HEADER_BYTES + (uint64_t)length;
    enum status status = make_room(chain, span);

    struct iovec pieces[3] = {{header, sizeof(header)},
                              {(void *)(uintptr_t)record->payload, record->length},
                              {(void *)(uintptr_t)second, second_length}};
    if (status == STATUS_OK &&
        !chain_files_write(chain->segment, pieces, second_length > 0 ? 3 : 2, chain->offset))
        status = chain_files_io_failed(chain, "chain cannot be written", "segment");

    /* Only now the index: what it holds is whole. */
    struct chain_place place = chain_place_of(record, chain->segment_number, chain->offset);
    place.length = length;
    chain_place_put(entry, &place);
    uint64_t entry_at = chain_entry_offset(chain->base, record->height);
    if (record->type == CHAIN_CERTIFICATE) entry_at += CHAIN_PLACE_BYTES;
    if (status == STATUS_OK &&
        !chain_files_write_bytes(chain->index, entry, sizeof(entry), entry_at))
        status = chain_files_io_failed(chain, "chain cannot be written", "index");
    if (status == STATUS_OK)
        chain->offset += (uint32_t)span;
    else
        chain->failed = true; /* the tail may be torn: it is cut at the next open */
    return status;
}

enum status chain_append_block(struct chain *chain, const uint8_t header[BLOCK_HEADER_BYTES],
                               const uint8_t *body, size_t body_bytes)
{
    struct block_header decoded;
    ASSERT(chain->writes && block_header_decode(header, &decoded));
    ASSERT(decoded.height == chain->tip + 1 && decoded.body_length == body_bytes);
    const struct chain_record record = {.type = CHAIN_BLOCK,
                                        .length = BLOCK_HEADER_BYTES,
                                        .height = decoded.height,
                                        .payload = header};
    enum status status = append(chain, &record, body, body_bytes);
    if (status != STATUS_OK) return status;
    chain->tip = decoded.height;
    if (++chain->unsynced_blocks >= CHAIN_SYNC_BLOCKS) status = chain_sync(chain);
    return status;
}

enum status chain_append_header(struct chain *chain, const uint8_t header[BLOCK_HEADER_BYTES])
{
    struct block_header decoded;
    ASSERT(chain->writes && block_header_decode(header, &decoded));
    ASSERT(decoded.height == chain->tip + 1);
    const struct chain_record record = {.type = CHAIN_HEADER,
                                        .length = BLOCK_HEADER_BYTES,
                                        .height = decoded.height,
                                        .payload = header};
    enum status status = append(chain, &record, header, 0);
    if (status != STATUS_OK) return status;
    chain->tip = decoded.height;
    chain->first_body = decoded.height + 1;
    /* Readers learn of it at once: nobody is to believe that there is a body. */
    if (!chain_files_put_header(chain)) {
        chain->failed = true;
        return chain_files_io_failed(chain, "chain cannot be written", "index");
    }
    if (++chain->unsynced_blocks >= CHAIN_SYNC_BLOCKS) status = chain_sync(chain);
    return status;
}

enum status chain_append_certificate(struct chain *chain, uint64_t height, const uint8_t *bytes,
                                     size_t byte_count)
{
    ASSERT(chain->writes && height > chain->certified && height <= chain->tip);
    ASSERT(byte_count > 0 && byte_count <= CHAIN_PAYLOAD_MAX);
    const struct chain_record record = {.type = CHAIN_CERTIFICATE,
                                        .length = (uint32_t)byte_count,
                                        .height = height,
                                        .payload = bytes};
    const enum status status = append(chain, &record, bytes, 0);
    if (status == STATUS_OK) chain->certified = height;
    return status;
}

/* ---- Reading ---- */

/* Reads the index's header; half written, another look settles it. */
static enum status read_index_header(struct chain *chain, struct chain_index *index)
{
    uint8_t bytes[CHAIN_INDEX_HEADER_BYTES];
    for (int attempt = 0; attempt < 100; attempt++) {
        const int64_t got = chain_read_at(chain->index, bytes, sizeof(bytes), 0);
        if (got < 0) return chain_files_io_failed(chain, "chain cannot be read", "index");
        if (got < CHAIN_INDEX_HEADER_BYTES || le_get_u32(bytes) == 0) return STATUS_NOT_FOUND;
        if (chain_index_get(bytes, index)) return STATUS_OK;
    }
    return chain_files_damaged(chain, "index", 0, "its header is not what was written");
}

static enum status open_index(struct chain *chain)
{
    if (chain->writes || chain->known) return STATUS_OK;
    if (chain->folder < 0)
        chain->folder = open(chain->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (chain->folder >= 0 && chain->index < 0)
        chain->index = openat(chain->folder, "index", O_RDONLY | O_CLOEXEC);
    if (chain->index < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    if (chain->index < 0) return chain_files_io_failed(chain, "chain cannot be opened", "index");
    struct chain_index index;
    const enum status status = read_index_header(chain, &index);
    chain->known = status == STATUS_OK;
    if (chain->known) chain->base = index.base;
    return status;
}

enum status chain_files_place(struct chain *chain, uint64_t height, uint32_t type,
                              struct chain_place *place)
{
    if (height == 0) return STATUS_NOT_FOUND;
    const enum status opened = open_index(chain);
    if (opened != STATUS_OK) return opened;
    if (height < chain->base) return STATUS_NOT_FOUND;

    uint8_t bytes[CHAIN_PLACE_BYTES];
    uint64_t offset = chain_entry_offset(chain->base, height);
    if (type == CHAIN_CERTIFICATE) offset += CHAIN_PLACE_BYTES;
    for (int attempt = 0; attempt < 100; attempt++) {
        const int64_t got = chain_read_at(chain->index, bytes, sizeof(bytes), offset);
        if (got < 0) return chain_files_io_failed(chain, "chain cannot be read", "index");
        if (got < CHAIN_PLACE_BYTES || chain_place_empty(bytes)) return STATUS_NOT_FOUND;
        if (chain_place_get(bytes, place) && place->height == height) return STATUS_OK;
    }
    return chain_files_damaged(chain, "index", offset, "an entry is not what was written");
}

enum status chain_files_reserve(struct chain *chain, size_t byte_count)
{
    if (byte_count <= chain->buffer_bytes) return STATUS_OK;
    size_t wanted = chain->buffer_bytes == 0 ? 1u << 16 : chain->buffer_bytes;
    while (wanted < byte_count)
        wanted *= 2;
    uint8_t *grown = realloc(chain->buffer, wanted);
    if (grown == NULL) {
        log_error("ledger", "no memory for a block", "bytes=%zu", wanted);
        return STATUS_NO_MEMORY;
    }
    chain->buffer = grown;
    chain->buffer_bytes = wanted;
    return STATUS_OK;
}

/* Reads `byte_count` bytes of a record from `skip` on into the buffer. */
static enum status read_part(struct chain *chain, const struct chain_place *place, size_t skip,
                             size_t byte_count)
{
    enum status status = chain_files_reserve(chain, byte_count);
    if (status == STATUS_OK) status = open_segment(chain, place->segment, false);
    if (status != STATUS_OK) return status;
    const int64_t got =
        chain_read_at(chain->segment, chain->buffer, byte_count, place->offset + skip);
    if (got < 0) return chain_files_io_failed(chain, "chain cannot be read", "segment");
    return (size_t)got == byte_count ? STATUS_OK : STATUS_DAMAGED;
}

/* The writer keeps its own segment at hand while it reads an older one. */
struct writer_place {
    int segment;
    uint32_t number;
};

static struct writer_place keep_segment(struct chain *chain)
{
    const struct writer_place kept = {chain->segment, chain->segment_number};
    if (chain->writes) chain->segment = -1;
    return kept;
}

static void restore_segment(struct chain *chain, struct writer_place kept)
{
    if (!chain->writes) return;
    if (chain->segment >= 0) close(chain->segment);
    chain->segment = kept.segment;
    chain->segment_number = kept.number;
}

/* A record that is not right although the index holds it is damage, unless the writer has just cut it, or its
 * body: then the index does not hold it any more, or elsewhere: `*moved`. */
static enum status judge(struct chain *chain, const struct chain_place *place, uint32_t type,
                         bool *moved)
{
    struct chain_place now;
    char name[CHAIN_FILE_NAME_MAX];
    *moved = false;
    const enum status status = chain_files_place(chain, place->height, type, &now);
    if (status != STATUS_OK) return status;
    *moved = now.segment != place->segment || now.offset != place->offset;
    if (*moved) return STATUS_OK;
    chain_segment_name(place->segment, name);
    return chain_files_damaged(chain, name, place->offset, "a record is not what was written");
}

static bool is_what_was_asked(const struct chain_record *record, const struct chain_place *place,
                              uint32_t type)
{
    return record->length == place->length && record->height == place->height &&
           (record->type == CHAIN_CERTIFICATE) == (type == CHAIN_CERTIFICATE);
}

/* Reads a whole record into the buffer: a certificate, or a block or what is left of it. */
static enum status read_record(struct chain *chain, uint64_t height, uint32_t type,
                               struct chain_record *record)
{
    bool moved = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && moved) {
        struct chain_place place;
        status = chain_files_place(chain, height, type, &place);
        if (status != STATUS_OK) return status;
        const size_t span = CHAIN_RECORD_HEADER_BYTES + (size_t)place.length;
        const struct writer_place kept = keep_segment(chain);
        status = read_part(chain, &place, 0, span);
        restore_segment(chain, kept);
        if (status == STATUS_OK && chain_record_get(chain->buffer, span, record) &&
            is_what_was_asked(record, &place, type))
            return STATUS_OK;
        if (status == STATUS_IO || status == STATUS_NO_MEMORY) return status;
        status = judge(chain, &place, type, &moved);
    }
    return status;
}

/* ---- The earlier one ---- */

/* A reader of what is below the base; NULL when there is no base, or no memory. */
static struct chain *earlier_of(struct chain *chain)
{
    char path[PATH_MAX];
    if (open_index(chain) != STATUS_OK || chain->base == 0) return NULL;
    if (chain->earlier != NULL) return chain->earlier;
    const int length = snprintf(path, sizeof(path), "%s/" CHAIN_EARLIER, chain->directory);
    if (length < 0 || (size_t)length >= sizeof(path)) return NULL;
    if (chain_new(path, false, &chain->earlier) != STATUS_OK) return NULL;
    return chain->earlier;
}

/* It, when this height is for it to answer. */
static struct chain *earlier_for(struct chain *chain, uint64_t height)
{
    struct chain *earlier = earlier_of(chain);
    return earlier != NULL && height <= chain->base ? earlier : NULL;
}

/* Whether the earlier one has come up to the base. */
static bool earlier_reaches(struct chain *chain)
{
    struct chain *earlier = earlier_of(chain);
    return earlier != NULL && chain_tip(earlier) >= chain->base;
}

static enum status read_own_header(struct chain *chain, uint64_t height,
                                   uint8_t header[BLOCK_HEADER_BYTES])
{
    bool moved = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && moved) {
        struct chain_place place;
        status = chain_files_place(chain, height, CHAIN_BLOCK, &place);
        if (status != STATUS_OK) return status;
        const struct writer_place kept = keep_segment(chain);
        status = read_part(chain, &place, CHAIN_RECORD_HEADER_BYTES, BLOCK_HEADER_BYTES);
        restore_segment(chain, kept);
        if (status == STATUS_OK &&
            crc32c_add(0, chain->buffer, BLOCK_HEADER_BYTES) == place.header_crc) {
            memcpy(header, chain->buffer, BLOCK_HEADER_BYTES);
            return STATUS_OK;
        }
        if (status == STATUS_IO || status == STATUS_NO_MEMORY) return status;
        status = judge(chain, &place, CHAIN_BLOCK, &moved);
    }
    return status;
}

enum status chain_read_header(struct chain *chain, uint64_t height,
                              uint8_t header[BLOCK_HEADER_BYTES])
{
    struct chain *earlier = earlier_for(chain, height);
    if (earlier != NULL) {
        const enum status status = read_own_header(earlier, height, header);
        if (status != STATUS_NOT_FOUND) return status;
    }
    return read_own_header(chain, height, header);
}

enum status chain_read_block(struct chain *chain, uint64_t height, struct chain_block *block)
{
    struct chain *earlier = earlier_for(chain, height);
    if (earlier != NULL) return chain_read_block(earlier, height, block);
    struct chain_record record;
    const enum status status = read_record(chain, height, CHAIN_BLOCK, &record);
    if (status != STATUS_OK) return status;
    if (record.type != CHAIN_BLOCK) /* its body is not there */
        return chain_files_read_filled(chain, height, record.payload, block);
    block->header = record.payload;
    block->body = record.payload + BLOCK_HEADER_BYTES;
    block->body_bytes = record.length - BLOCK_HEADER_BYTES;
    return STATUS_OK;
}

enum status chain_read_certificate(struct chain *chain, uint64_t height, const uint8_t **bytes,
                                   size_t *byte_count)
{
    struct chain *earlier = earlier_for(chain, height);
    if (earlier != NULL) {
        const enum status given = chain_read_certificate(earlier, height, bytes, byte_count);
        if (given != STATUS_NOT_FOUND) return given;
    }
    struct chain_record record;
    const enum status status = read_record(chain, height, CHAIN_CERTIFICATE, &record);
    if (status != STATUS_OK) return status;
    *bytes = record.payload;
    *byte_count = record.length;
    return STATUS_OK;
}

uint64_t chain_tip(struct chain *chain)
{
    if (chain->writes) return chain->tip;
    struct stat stat;
    if (open_index(chain) != STATUS_OK || fstat(chain->index, &stat) != 0) return 0;
    if (stat.st_size <= CHAIN_INDEX_HEADER_BYTES) return 0;
    /* The last entry is half as long until its block has a certificate. */
    const uint64_t below = chain->base > 0 ? chain->base - 1 : 0;
    uint64_t height =
        below +
        ((uint64_t)stat.st_size - CHAIN_INDEX_HEADER_BYTES + CHAIN_PLACE_BYTES) / CHAIN_ENTRY_BYTES;
    struct chain_place place;
    while (height > below && chain_files_place(chain, height, CHAIN_BLOCK, &place) != STATUS_OK)
        height--;
    return height > below ? height : 0;
}

uint64_t chain_certified(struct chain *chain)
{
    if (chain->writes) return chain->certified;
    uint64_t height = chain_tip(chain);
    struct chain_place place;
    while (height > 0 && height >= chain->base &&
           chain_files_place(chain, height, CHAIN_CERTIFICATE, &place) != STATUS_OK)
        height--;
    return height >= chain->base ? height : 0;
}

enum status chain_read_base(const char *directory, uint8_t header[BLOCK_HEADER_BYTES])
{
    char path[PATH_MAX], name[CHAIN_FILE_NAME_MAX];
    uint8_t bytes[CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES];
    struct chain_record record;
    chain_segment_name(1 | CHAIN_HEADERS_FILE, name);
    const int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof(path)) return STATUS_MALFORMED;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    const int64_t got = file < 0 ? -1 : chain_read_at(file, bytes, sizeof(bytes), 0);
    if (file >= 0) close(file);
    if (got < 0) {
        log_error("ledger", "chain file cannot be read", "file=\"%s\" error=\"%s\"", path,
                  strerror(errno));
        return STATUS_IO;
    }
    if (!chain_record_get(bytes, (size_t)got, &record)) {
        log_error("ledger", "chain file is damaged", "file=\"%s\" offset=0", path);
        return STATUS_DAMAGED;
    }
    if (record.type != CHAIN_BASE) return STATUS_NOT_FOUND;
    memcpy(header, record.payload, BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

static uint64_t own_base(struct chain *chain)
{
    return open_index(chain) == STATUS_OK ? chain->base : 0;
}

uint64_t chain_base(struct chain *chain)
{
    return earlier_reaches(chain) ? 0 : own_base(chain);
}

static uint64_t own_first_body(struct chain *chain)
{
    if (chain->writes) return chain->first_body;
    struct chain_index index;
    if (open_index(chain) != STATUS_OK || read_index_header(chain, &index) != STATUS_OK) return 1;
    return chain_files_first_body(chain, index.first_body);
}

uint64_t chain_first_body(struct chain *chain)
{
    const uint64_t own = own_first_body(chain);
    if (own_base(chain) == 0 || own != chain->base + 1 || !earlier_reaches(chain)) return own;
    const uint64_t earlier = own_first_body(chain->earlier);
    return earlier <= chain->base ? earlier : own;
}
