#include "common/log.h"
#include "ledger/block.h"
#include "ledger/certificate.h"
#include "ledger/chain_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* A file with a record that is not what was written, in memory. */
struct wound {
    const char *directory;
    int folder;
    uint32_t segment; /* as in a place */
    char name[CHAIN_FILE_NAME_MAX];
    uint8_t behind[CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES]; /* front of the next file */
    uint8_t *bytes;
    size_t byte_count;
    size_t from, to; /* the damaged bytes: up to the next whole record */
    uint64_t last;   /* the block before them */
    /* What takes their place. */
    uint8_t record_header[CHAIN_RECORD_HEADER_BYTES];
    size_t kept; /* bytes of the payload, as they lie there; 0: no record */
};

static enum status failed(const struct wound *wound, const char *what)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" file=\"%s\" error=\"%s\"", wound->directory,
              wound->name, strerror(errno));
    return status;
}

static enum status read_file(struct wound *wound)
{
    struct stat facts;
    const int file = openat(wound->folder, wound->name, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    enum status status = file >= 0 && fstat(file, &facts) == 0
                             ? STATUS_OK
                             : failed(wound, "chain file cannot be read");
    if (status == STATUS_OK) {
        wound->byte_count = (size_t)facts.st_size;
        wound->bytes = malloc(wound->byte_count + 1);
        if (wound->bytes == NULL) status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK &&
        chain_read_at(file, wound->bytes, wound->byte_count, 0) != (int64_t)wound->byte_count)
        status = failed(wound, "chain file cannot be read");
    if (file >= 0) close(file);
    return status;
}

static bool record_at(const struct wound *wound, size_t at, struct chain_record *record)
{
    return chain_record_get(wound->bytes + at, wound->byte_count - at, record);
}

/* The next whole record that can follow: bytes of a body may look like one, but not of these heights. None: height 0,
 * and the damage goes to the file's end. */
static void find_next(struct wound *wound, struct chain_record *next)
{
    wound->to = wound->byte_count;
    for (size_t at = wound->from + 1; at + CHAIN_RECORD_HEADER_BYTES < wound->byte_count; at++) {
        if (chain_record_length(wound->bytes + at) == 0 || !record_at(wound, at, next)) continue;
        const uint64_t lowest = next->type == CHAIN_CERTIFICATE ? 1 : wound->last + 1;
        if (next->height < lowest || next->height > wound->last + 2) continue;
        wound->to = at;
        return;
    }
    *next = (struct chain_record){0};
}

/* The block that the next file begins with, not checked but for its place: what it names is. */
static struct chain_record block_of_next_file(struct wound *wound)
{
    const struct chain_record none = {0};
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name((wound->segment & ~CHAIN_HEADERS_FILE) + 1, name);
    int file = openat(wound->folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        chain_segment_name((wound->segment + 1) | CHAIN_HEADERS_FILE, name);
        file = openat(wound->folder, name, O_RDONLY | O_CLOEXEC);
    }
    if (file < 0) return none;
    const int64_t got = chain_read_at(file, wound->behind, sizeof(wound->behind), 0);
    close(file);
    struct block_header header;
    const uint8_t *payload = wound->behind + CHAIN_RECORD_HEADER_BYTES;
    if (got != sizeof(wound->behind) || !block_header_decode(payload, &header)) return none;
    return (struct chain_record){.height = header.height, .payload = payload};
}

/* The first block at or behind the place where whole records go on; its height is 0 when there is none. */
static struct chain_record next_block(struct wound *wound)
{
    struct chain_record record;
    for (size_t at = wound->to; record_at(wound, at, &record);
         at += CHAIN_RECORD_HEADER_BYTES + record.length)
        if (record.type != CHAIN_CERTIFICATE) return record;
    return block_of_next_file(wound);
}

/* The hash of the block after the last, as a record that is whole says: the block that follows it, or its own
 * certificate. */
static bool named_hash(const struct wound *wound, const struct chain_record *next,
                       const struct chain_record *block, hash_t *hash)
{
    struct block_header header;
    struct certificate certificate;
    if (block->height == wound->last + 2 && block_header_decode(block->payload, &header)) {
        *hash = header.prev_hash;
        return true;
    }
    if (next->type != CHAIN_CERTIFICATE || next->height != wound->last + 1 ||
        !certificate_decode(next->payload, next->length, &certificate))
        return false;
    *hash = certificate.header_hash;
    return true;
}

/* Makes the header at `bytes` the one with this hash, if at most one of its bytes is wrong. The hash proves it; all
 * there are to try are 114,240. */
static bool restore_header(uint8_t *bytes, hash_t hash)
{
    if (hash_equal(block_header_hash(bytes), hash)) return true;
    for (size_t at = 0; at < BLOCK_HEADER_BYTES; at++) {
        const uint8_t was = bytes[at];
        for (unsigned other = 1; other < 256; other++) {
            bytes[at] = (uint8_t)(was ^ other);
            if (hash_equal(block_header_hash(bytes), hash)) return true;
        }
        bytes[at] = was;
    }
    return false;
}

/* Keeps of the damaged block what is proved. */
static bool keep_block(struct wound *wound, const struct chain_record *next,
                       const struct chain_record *block)
{
    struct block_header header;
    struct block_fault fault;
    hash_t hash;
    uint8_t *payload = wound->bytes + wound->from + CHAIN_RECORD_HEADER_BYTES;
    if (wound->to - wound->from < CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES) return false;
    if (!named_hash(wound, next, block, &hash) || !restore_header(payload, hash) ||
        !block_header_decode(payload, &header) || header.height != wound->last + 1)
        return false;
    const size_t room = wound->to - wound->from - CHAIN_RECORD_HEADER_BYTES - BLOCK_HEADER_BYTES;
    const bool whole = room > 0 && header.body_length == room &&
                       block_body_check(&header, payload + BLOCK_HEADER_BYTES, room, &fault);
    wound->kept = BLOCK_HEADER_BYTES + (whole ? room : 0);
    const struct chain_record record = {.type = whole ? CHAIN_BLOCK : CHAIN_HEADER,
                                        .length = (uint32_t)wound->kept,
                                        .height = header.height,
                                        .payload = payload};
    chain_record_put(wound->record_header, &record, payload, 0);
    return true;
}

/* What was lost, by what follows it. STATUS_NOT_FOUND: it cannot be made good here. */
static enum status judge(struct wound *wound)
{
    struct chain_record next, damaged;
    if (record_at(wound, wound->from, &damaged)) return STATUS_NOT_FOUND; /* it is another fault */
    find_next(wound, &next);
    const struct chain_record block = next_block(wound);
    if (block.height == wound->last + 1) return STATUS_OK; /* a certificate */
    if (block.height == 0 && next.height > 0 && next.height <= wound->last) return STATUS_OK;
    return keep_block(wound, &next, &block) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* The file as it was stays in the quarantine under its first free name; the mended one takes its place in one step.
 * The index goes first: it knows other places. */
static enum status replace(const struct wound *wound)
{
    char to[CHAIN_FILE_NAME_MAX + 32];
    unsigned number = 0;
    if (mkdirat(wound->folder, CHAIN_QUARANTINE, 0700) != 0 && errno != EEXIST)
        return failed(wound, "chain has no quarantine");
    do
        snprintf(to, sizeof(to), CHAIN_QUARANTINE "/%s.%u", wound->name, ++number);
    while (linkat(wound->folder, wound->name, wound->folder, to, 0) != 0 && errno == EEXIST);
    if (faccessat(wound->folder, to, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return failed(wound, "chain file cannot be kept aside");

    const int file =
        openat(wound->folder, CHAIN_UNFINISHED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct iovec pieces[4] = {{wound->bytes, wound->from},
                              {(void *)(uintptr_t)wound->record_header, CHAIN_RECORD_HEADER_BYTES},
                              {wound->bytes + wound->from + CHAIN_RECORD_HEADER_BYTES, wound->kept},
                              {wound->bytes + wound->to, wound->byte_count - wound->to}};
    if (wound->kept == 0) pieces[1].iov_len = 0;
    const bool good = file >= 0 && chain_files_write(file, pieces, 4, 0) && fsync(file) == 0 &&
                      (unlinkat(wound->folder, "index", 0) == 0 || errno == ENOENT) &&
                      renameat(wound->folder, CHAIN_UNFINISHED, wound->folder, wound->name) == 0 &&
                      fsync(wound->folder) == 0;
    const enum status status = good ? STATUS_OK : failed(wound, "chain file cannot be mended");
    if (file >= 0) close(file);
    if (good)
        log_warn("ledger", "a damaged record of the chain was mended",
                 "directory=\"%s\" file=\"%s\" offset=%zu after=%" PRIu64 " lost=\"%s\"",
                 wound->directory, wound->name, wound->from, wound->last,
                 wound->kept == 0                   ? "a certificate"
                 : wound->kept > BLOCK_HEADER_BYTES ? "nothing"
                                                    : "the body of the block after it");
    return status;
}

static enum status mend_one(const char *directory, int folder, const struct chain_scan *scan,
                            uint64_t below)
{
    struct wound wound = {.directory = directory,
                          .folder = folder,
                          .segment = scan->file_segment,
                          .from = scan->file_offset,
                          .last = scan->tip};
    if (wound.last >= below) return STATUS_NOT_FOUND; /* the log gives it again */
    chain_segment_name(scan->file_segment, wound.name);
    enum status status = read_file(&wound);
    if (status == STATUS_OK && wound.from >= wound.byte_count) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK) status = judge(&wound);
    if (status == STATUS_OK) status = replace(&wound);
    free(wound.bytes);
    return status;
}

/* Ends: each pass makes one record whole, or leaves one out, and the next damage is behind it. */
static enum status mend_all(const char *directory, int folder, uint64_t below)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        struct chain_scan scan;
        status = chain_scan(directory, &scan);
        chain_scan_end(&scan);
        if (status != STATUS_DAMAGED) return status;
        log_warn("ledger", "the chain is damaged", "file=\"%s\" offset=%" PRIu64 " what=\"%s\"",
                 scan.file, scan.file_offset, scan.fault);
        status = mend_one(directory, folder, &scan, below);
    }
    return status;
}

/* The index at once: whoever starts looks into it for bodies that were lost. */
static enum status make_index(const char *directory)
{
    struct chain *chain;
    const enum status status = chain_open(directory, &chain);
    if (status == STATUS_OK) chain_close(chain);
    return status;
}

enum status chain_mend(const char *directory, uint64_t below, uint64_t *tip)
{
    const struct wound nothing = {.directory = directory, .name = "."};
    *tip = 0;
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return failed(&nothing, "chain cannot be opened");
    const int index = openat(folder, "index", O_RDWR | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (index >= 0 && flock(index, LOCK_EX | LOCK_NB) != 0) {
        log_error("ledger", "chain is written by another process", "directory=\"%s\"", directory);
        status = STATUS_EXISTS;
    }
    if (status == STATUS_OK) status = mend_all(directory, folder, below);
    if (index >= 0) close(index);
    close(folder);
    /* What cannot be mended goes, and what is left decides where the chain ends. */
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = chain_quarantine(directory, false, tip);
    if (status == STATUS_OK && *tip > 0) status = make_index(directory);
    return status;
}
