#include "common/log.h"
#include "ledger/chain_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAME_BYTES 64

static void name_of(uint64_t height, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, CHAIN_FILLED "/%lu", height);
}

static enum status read_file(struct chain *chain, int file, const char *name,
                             struct chain_record *record)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return chain_files_io_failed(chain, "chain file cannot be read", name);
    const size_t byte_count = (size_t)facts.st_size;
    const enum status status = chain_files_reserve(chain, byte_count + 1);
    if (status != STATUS_OK) return status;
    const int64_t got = chain_read_at(file, chain->buffer, byte_count, 0);
    if (got < 0) return chain_files_io_failed(chain, "chain file cannot be read", name);
    if (!chain_record_get(chain->buffer, (size_t)got, record) || record->type != CHAIN_BLOCK)
        return chain_files_damaged(chain, name, 0, "a record is not what was written");
    return STATUS_OK;
}

enum status chain_files_read_filled(struct chain *chain, uint64_t height,
                                    const uint8_t header[BLOCK_HEADER_BYTES],
                                    struct chain_block *block)
{
    char name[NAME_BYTES];
    uint8_t own[BLOCK_HEADER_BYTES]; /* `header` may lie where the file is read to */
    struct chain_record record;
    memcpy(own, header, sizeof(own));
    name_of(height, name);
    const int file = openat(chain->folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    if (file < 0) return chain_files_io_failed(chain, "chain file cannot be opened", name);
    const enum status status = read_file(chain, file, name, &record);
    close(file);
    if (status != STATUS_OK) return status;
    if (record.height != height || record.length <= BLOCK_HEADER_BYTES ||
        memcmp(record.payload, own, sizeof(own)) != 0)
        return chain_files_damaged(chain, name, 0, "it is of another block");
    *block = (struct chain_block){.header = record.payload,
                                  .body = record.payload + BLOCK_HEADER_BYTES,
                                  .body_bytes = record.length - BLOCK_HEADER_BYTES};
    return STATUS_OK;
}

enum body { BODY_HERE, BODY_LOST, BODY_TAKEN_AWAY };

static enum body body_of(struct chain *chain, uint64_t height)
{
    struct chain_place place;
    struct chain_block block;
    uint8_t header[BLOCK_HEADER_BYTES];
    if (chain_files_place(chain, height, CHAIN_BLOCK, &place) != STATUS_OK ||
        (place.segment & CHAIN_HEADERS_FILE) != 0)
        return BODY_TAKEN_AWAY;
    if (place.length > BLOCK_HEADER_BYTES) return BODY_HERE;
    if (chain_read_header(chain, height, header) == STATUS_OK &&
        chain_files_read_filled(chain, height, header, &block) == STATUS_OK)
        return BODY_HERE;
    return BODY_LOST;
}

uint64_t chain_files_first_body(struct chain *chain, uint64_t from)
{
    uint64_t lowest = chain->lowest_body;
    /* What was found before holds, unless more was lost or taken away since. */
    if (chain->lowest_from != from || body_of(chain, lowest) != BODY_HERE) lowest = from;
    while (lowest > chain->base + 1 && body_of(chain, lowest - 1) == BODY_HERE)
        lowest--;
    chain->lowest_from = from;
    chain->lowest_body = lowest;
    return lowest;
}

uint64_t chain_kept_from(struct chain *chain)
{
    struct chain_place place;
    uint64_t low = chain->base + 1, high = chain_tip(chain) + 1;
    /* Bodies go from below. An entry that cannot be read may have one. Ends: what is left halves. */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (chain_files_place(chain, middle, CHAIN_BLOCK, &place) == STATUS_OK &&
            (place.segment & CHAIN_HEADERS_FILE) != 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t chain_hole(struct chain *chain)
{
    if (chain_tip(chain) == 0) return 0;
    const uint64_t lowest = chain_first_body(chain);
    return lowest > chain->base + 1 && body_of(chain, lowest - 1) == BODY_LOST ? lowest - 1 : 0;
}

static enum status write_filled(const struct chain *chain, const char *name, struct iovec *pieces)
{
    if (mkdirat(chain->folder, CHAIN_FILLED, 0700) != 0 && errno != EEXIST)
        return chain_files_io_failed(chain, "chain file cannot be written", CHAIN_FILLED);
    const int file = openat(chain->folder, CHAIN_FILLED "/" CHAIN_UNFINISHED,
                            O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int folder = openat(chain->folder, CHAIN_FILLED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good =
        file >= 0 && folder >= 0 && chain_files_write(file, pieces, 3, 0) && fsync(file) == 0 &&
        renameat(chain->folder, CHAIN_FILLED "/" CHAIN_UNFINISHED, chain->folder, name) == 0 &&
        fsync(folder) == 0 && fsync(chain->folder) == 0;
    const enum status status =
        good ? STATUS_OK : chain_files_io_failed(chain, "chain file cannot be written", name);
    if (file >= 0) close(file);
    if (folder >= 0) close(folder);
    return status;
}

enum status chain_fill_hole(struct chain *chain, uint64_t height,
                            const uint8_t header[BLOCK_HEADER_BYTES], const uint8_t *body,
                            size_t body_bytes)
{
    char name[NAME_BYTES];
    uint8_t record_header[CHAIN_RECORD_HEADER_BYTES];
    ASSERT(body_bytes > 0 && body_bytes <= CHAIN_PAYLOAD_MAX - BLOCK_HEADER_BYTES);
    const struct chain_record record = {
        .type = CHAIN_BLOCK, .length = BLOCK_HEADER_BYTES, .height = height, .payload = header};
    chain_record_put(record_header, &record, body, (uint32_t)body_bytes);
    struct iovec pieces[3] = {{record_header, sizeof(record_header)},
                              {(void *)(uintptr_t)header, BLOCK_HEADER_BYTES},
                              {(void *)(uintptr_t)body, body_bytes}};
    name_of(height, name);
    const enum status status = write_filled(chain, name, pieces);
    if (status == STATUS_OK)
        log_info("ledger", "a lost body is here again", "directory=\"%s\" height=%lu bytes=%zu",
                 chain->directory, height, body_bytes);
    return status;
}

void chain_files_take_filled_away(const struct chain *chain, uint64_t lowest, uint64_t highest)
{
    if (faccessat(chain->folder, CHAIN_FILLED, F_OK, AT_SYMLINK_NOFOLLOW) != 0) return;
    for (uint64_t height = lowest; height <= highest; height++) {
        char name[NAME_BYTES];
        name_of(height, name);
        (void)unlinkat(chain->folder, name, 0); /* mostly there is none */
    }
}
