#include "common/le.h"
#include "common/log.h"
#include "ledger/chain_files.h"
#include "ledger/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A segment on its way to be headers and certificates only. */
struct pruning {
    struct chain *chain;
    uint32_t segment;
    char name[CHAIN_FILE_NAME_MAX];
    int from; /* the segment's file */
    uint64_t from_bytes;
    uint8_t *bytes; /* what is kept */
    size_t used, capacity;
    uint64_t lowest, highest; /* heights of its records */
    uint64_t highest_block;
};

static enum status room_for(struct pruning *pruning, size_t byte_count)
{
    if (pruning->used + byte_count <= pruning->capacity) return STATUS_OK;
    const size_t wanted = 2 * pruning->capacity + byte_count + (1u << 20);
    uint8_t *grown = realloc(pruning->bytes, wanted);
    if (grown == NULL) {
        log_error("ledger", "no memory for a chain file", "bytes=%zu", wanted);
        return STATUS_NO_MEMORY;
    }
    pruning->bytes = grown;
    pruning->capacity = wanted;
    return STATUS_OK;
}

static enum status not_right(const struct pruning *pruning, uint64_t offset)
{
    return chain_files_damaged(pruning->chain, pruning->name, offset,
                               "a record is not what was written");
}

/* Whether the record just read is one that the index knows here, as far as what is kept goes. */
static bool known_here(struct pruning *pruning, const struct chain_record *record, uint64_t offset)
{
    struct chain_place place;
    const enum status status =
        chain_files_place(pruning->chain, record->height, record->type, &place);
    if (status != STATUS_OK || place.segment != pruning->segment || place.offset != offset)
        return false;
    return record->type == CHAIN_CERTIFICATE ||
           place.header_crc == crc32c_add(0, record->payload, BLOCK_HEADER_BYTES);
}

/* Keeps the record at `*offset`, a block without its body, and moves past it. */
static enum status keep_record(struct pruning *pruning, uint64_t *offset)
{
    uint8_t header[CHAIN_RECORD_HEADER_BYTES];
    int64_t got = chain_read_at(pruning->from, header, sizeof(header), *offset);
    if (got < 0)
        return chain_files_io_failed(pruning->chain, "chain cannot be read", pruning->name);
    const uint32_t length = got == sizeof(header) ? chain_record_length(header) : 0;
    if (length == 0) return not_right(pruning, *offset);

    struct chain_record record = {.type = le_get_u32(header + 8),
                                  .height = le_get_u64(header + 16)};
    const bool is_certificate = record.type == CHAIN_CERTIFICATE;
    record.length = is_certificate ? length : BLOCK_HEADER_BYTES;
    const enum status status = room_for(pruning, sizeof(header) + record.length);
    if (status != STATUS_OK) return status;
    uint8_t *at = pruning->bytes + pruning->used, *payload = at + sizeof(header);
    got = chain_read_at(pruning->from, payload, record.length, *offset + sizeof(header));
    if (got < 0)
        return chain_files_io_failed(pruning->chain, "chain cannot be read", pruning->name);
    record.payload = payload;
    memcpy(at, header, sizeof(header));
    struct chain_record whole;
    const bool right =
        (size_t)got == record.length && known_here(pruning, &record, *offset) &&
        (!is_certificate || chain_record_get(at, sizeof(header) + record.length, &whole));
    if (!right) return not_right(pruning, *offset);

    if (record.type == CHAIN_BLOCK) record.type = CHAIN_HEADER;
    chain_record_put(at, &record, payload, 0);
    pruning->used += sizeof(header) + record.length;
    if (!is_certificate) pruning->highest_block = record.height;
    if (pruning->lowest == 0 || record.height < pruning->lowest) pruning->lowest = record.height;
    if (record.height > pruning->highest) pruning->highest = record.height;
    *offset += sizeof(header) + (uint64_t)length;
    return STATUS_OK;
}

static enum status read_segment(struct pruning *pruning)
{
    struct stat stat;
    chain_segment_name(pruning->segment, pruning->name);
    pruning->from = openat(pruning->chain->folder, pruning->name, O_RDONLY | O_CLOEXEC);
    if (pruning->from < 0 || fstat(pruning->from, &stat) != 0)
        return chain_files_io_failed(pruning->chain, "chain cannot be read", pruning->name);
    enum status status = STATUS_OK;
    for (uint64_t offset = 0; offset < (uint64_t)stat.st_size && status == STATUS_OK;)
        status = keep_record(pruning, &offset);
    return status;
}

/* Writes the headers file, whole on disk before it has its name. */
static enum status write_headers(const struct pruning *pruning)
{
    const struct chain *chain = pruning->chain;
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(pruning->segment | CHAIN_HEADERS_FILE, name);
    const int file =
        openat(chain->folder, CHAIN_UNFINISHED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool good =
        file >= 0 && chain_files_write_bytes(file, pruning->bytes, pruning->used, 0) &&
        fsync(file) == 0 && renameat(chain->folder, CHAIN_UNFINISHED, chain->folder, name) == 0 &&
        fsync(chain->folder) == 0;
    const enum status status =
        good ? STATUS_OK : chain_files_io_failed(chain, "chain cannot be written", name);
    if (file >= 0) close(file);
    return status;
}

/* Makes the index point into the headers file: what it held of these heights, with the new places. */
static enum status write_index(const struct pruning *pruning)
{
    struct chain *chain = pruning->chain;
    const uint64_t from = chain_entry_offset(chain->base, pruning->lowest);
    size_t bytes = (size_t)(pruning->highest - pruning->lowest + 1) * CHAIN_ENTRY_BYTES;
    uint8_t *entries = malloc(bytes);
    if (entries == NULL) {
        log_error("ledger", "no memory for the chain's index", "bytes=%zu", bytes);
        return STATUS_NO_MEMORY;
    }
    const int64_t got = chain_read_at(chain->index, entries, bytes, from);
    bytes = got < 0 ? 0 : (size_t)got; /* the last entry may lack its second half */
    struct chain_record record;
    for (size_t at = 0; at < pruning->used; at += CHAIN_RECORD_HEADER_BYTES + record.length) {
        const bool right = chain_record_get(pruning->bytes + at, pruning->used - at, &record);
        ASSERT(right);
        const struct chain_place place =
            chain_place_of(&record, pruning->segment | CHAIN_HEADERS_FILE, (uint32_t)at);
        size_t entry = (size_t)(chain_entry_offset(chain->base, record.height) - from);
        if (record.type == CHAIN_CERTIFICATE) entry += CHAIN_PLACE_BYTES;
        if (entry + CHAIN_PLACE_BYTES <= bytes) chain_place_put(entries + entry, &place);
    }
    /* Who asks for a body that goes is told so before it does. */
    if (pruning->highest_block >= chain->first_body) chain->first_body = pruning->highest_block + 1;
    const bool good = got >= 0 && chain_files_put_header(chain) &&
                      chain_files_write_bytes(chain->index, entries, bytes, from) &&
                      fdatasync(chain->index) == 0;
    free(entries);
    return good ? STATUS_OK : chain_files_io_failed(chain, "chain cannot be written", "index");
}

static enum status prune_segment(struct chain *chain, uint32_t segment)
{
    struct pruning pruning = {.chain = chain, .segment = segment, .from = -1};
    enum status status = read_segment(&pruning);
    if (status == STATUS_OK) status = write_headers(&pruning);
    if (status == STATUS_OK) status = write_index(&pruning);
    if (status == STATUS_OK && unlinkat(chain->folder, pruning.name, 0) != 0)
        status = chain_files_io_failed(chain, "chain file cannot be removed", pruning.name);
    if (status == STATUS_OK)
        chain_files_take_filled_away(chain, pruning.lowest, pruning.highest_block);
    if (pruning.from >= 0) close(pruning.from);
    free(pruning.bytes);
    if (status == STATUS_OK)
        log_info("ledger", "bodies of a chain segment were taken away",
                 "segment=%u highest=%lu bytes_left=%zu", segment, pruning.highest_block,
                 pruning.used);
    return status;
}

enum status chain_prune_bodies(struct chain *chain, uint64_t below, bool *more)
{
    ASSERT(chain->writes);
    *more = false;
    if (chain->failed) return STATUS_IO;
    uint32_t end = chain->segment_number; /* the first segment that stays */
    struct chain_place place;
    if (below <= chain->tip) {
        if (below <= chain->base || below == 0) return STATUS_OK;
        const enum status status = chain_files_place(chain, below, CHAIN_BLOCK, &place);
        if (status != STATUS_OK) return status;
        end = place.segment & ~CHAIN_HEADERS_FILE;
    }
    if (chain->whole >= end) return STATUS_OK;
    /* What the index calls synchronised lies in the last segment from here on. */
    enum status status = chain_sync(chain);
    if (status == STATUS_OK) status = prune_segment(chain, chain->whole);
    if (status != STATUS_OK) return status;
    chain->whole++;
    *more = chain->whole < end;
    return STATUS_OK;
}
