#include "ledger/release_shelf.h"

#include "common/le.h"
#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/crc32c.h"
#include "ledger/release.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD ((off_t)RELEASE_SHELF_RECORD_BYTES)

struct kept {
    uint64_t height, offset;
    uint32_t length, crc;
};

struct shelf {
    const char *directory;
    int index, leaves;
};

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

static enum status no_memory(size_t byte_count)
{
    log_error("ledger", "no memory for a block's releases", "bytes=%zu", byte_count);
    return STATUS_NO_MEMORY;
}

static void record_put(uint8_t at[RELEASE_SHELF_RECORD_BYTES], const struct kept *kept)
{
    uint8_t *next = le_put_u64(at, kept->height);
    next = le_put_u64(next, kept->offset);
    next = le_put_u32(next, kept->length);
    next = le_put_u32(next, kept->crc);
    next = le_put_u32(next, 0);
    le_put_u32(next, crc32c_add(0, at, RELEASE_SHELF_RECORD_BYTES - 4));
}

/* False: there is none that is whole. */
static bool record_at(int index, uint64_t number, struct kept *kept)
{
    uint8_t at[RELEASE_SHELF_RECORD_BYTES];
    if (pread(index, at, sizeof(at), (off_t)number * RECORD) != RECORD ||
        le_get_u32(at + 28) != crc32c_add(0, at, RELEASE_SHELF_RECORD_BYTES - 4))
        return false;
    *kept = (struct kept){.height = le_get_u64(at),
                          .offset = le_get_u64(at + 8),
                          .length = le_get_u32(at + 16),
                          .crc = le_get_u32(at + 20)};
    return true;
}

/* Where a height is in the index, or would be. */
struct place {
    uint64_t number, count; /* of records; there are `count` places */
    bool found;
    bool damaged; /* what lies here cannot be read: it may be this height's */
};

/* The first whole record of `from` and those behind it, below `to`; `to`: none. */
static uint64_t next_whole(int index, uint64_t from, uint64_t to, struct kept *kept)
{
    while (from < to && !record_at(index, from, kept))
        from++;
    return from;
}

/* By halving. What cannot be read is stepped over, so that it hides nothing but itself. */
static enum status look_up(const struct shelf *shelf, uint64_t height, struct place *place,
                           struct kept *kept)
{
    struct stat found;
    if (fstat(shelf->index, &found) != 0)
        return io_failed("the releases cannot be read", shelf->directory);
    uint64_t low = 0, high = (uint64_t)(found.st_size / RECORD);
    *place = (struct place){.count = high};
    /* Before low all that is whole is lower, from high on none is. Ends: what is left shrinks. */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const uint64_t whole = next_whole(shelf->index, middle, high, kept);
        if (whole < high && kept->height < height)
            low = whole + 1;
        else
            high = middle;
    }
    place->number = low;
    const uint64_t whole = next_whole(shelf->index, low, place->count, kept);
    place->found = whole < place->count && kept->height == height;
    place->damaged = !place->found && whole > low;
    if (place->found) place->number = whole;
    return STATUS_OK;
}

static int open_file(const char *directory, const char *name, int flags)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length > 0 && length < PATH_MAX) return open(path, flags | O_CLOEXEC, 0600);
    errno = ENAMETOOLONG;
    return -1;
}

static void shelf_close(const struct shelf *shelf)
{
    if (shelf->index >= 0) close(shelf->index);
    if (shelf->leaves >= 0) close(shelf->leaves);
}

/* That the files are there, and their folder is, outlives a power cut. */
static bool sync_folders(const char *directory)
{
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = parent >= 0 && fsync(folder) == 0 && fsync(parent) == 0;
    const int error = errno;
    if (parent >= 0) close(parent);
    close(folder);
    errno = error;
    return synced;
}

/* The folders are synchronised each time: whoever made them may have died before he did. */
static enum status shelf_open(struct shelf *shelf)
{
    if (mkdir(shelf->directory, 0700) != 0 && errno != EEXIST)
        return io_failed("the releases cannot be kept", shelf->directory);
    shelf->index = open_file(shelf->directory, "index", O_RDWR | O_CREAT);
    if (shelf->index >= 0) shelf->leaves = open_file(shelf->directory, "leaves", O_RDWR | O_CREAT);
    if (shelf->leaves >= 0 && sync_folders(shelf->directory)) return STATUS_OK;
    return io_failed("the releases cannot be kept", shelf->directory);
}

static bool write_all(int file, const uint8_t *bytes, size_t byte_count, uint64_t offset)
{
    while (byte_count > 0) {
        const ssize_t put = pwrite(file, bytes, byte_count, (off_t)offset);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes += put;
        byte_count -= (size_t)put;
        offset += (uint64_t)put;
    }
    return true;
}

static bool copy_records(int from, int to, uint64_t first, uint64_t end, uint64_t shift)
{
    uint8_t bytes[256 * RELEASE_SHELF_RECORD_BYTES];
    const uint64_t stop = end * (uint64_t)RECORD;
    for (uint64_t at = first * (uint64_t)RECORD; at < stop;) {
        const size_t wanted = stop - at < sizeof(bytes) ? (size_t)(stop - at) : sizeof(bytes);
        const ssize_t got = pread(from, bytes, wanted, (off_t)at);
        if (got <= 0 || !write_all(to, bytes, (size_t)got, at + shift * (uint64_t)RECORD))
            return false;
        at += (uint64_t)got;
    }
    return true;
}

/* Between two records there is no room: the index is made anew, beside the old one until it is whole. Seldom: a body that
 * was lost came back. */
static bool insert_record(struct shelf *shelf, const struct place *place,
                          const uint8_t record[RELEASE_SHELF_RECORD_BYTES])
{
    char from[PATH_MAX], to[PATH_MAX];
    const int longest = snprintf(from, sizeof(from), "%s/index.new", shelf->directory);
    if (longest < 0 || longest >= PATH_MAX) return false;
    memcpy(to, from, sizeof(to));
    to[longest - 4] = '\0';
    const int made = open(from, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (made < 0) return false;
    if (copy_records(shelf->index, made, 0, place->number, 0) &&
        write_all(made, record, RELEASE_SHELF_RECORD_BYTES, place->number * (uint64_t)RECORD) &&
        copy_records(shelf->index, made, place->number, place->count, 1) && fsync(made) == 0 &&
        rename(from, to) == 0) {
        close(shelf->index);
        shelf->index = made;
        return sync_folders(shelf->directory);
    }
    const int error = errno;
    close(made);
    errno = error;
    return false;
}

/* What may not be on the disk is taken back: the next try would find it, and believe that it is. */
static bool put_record(struct shelf *shelf, const struct place *place,
                       const uint8_t record[RELEASE_SHELF_RECORD_BYTES])
{
    static const uint8_t nothing[RELEASE_SHELF_RECORD_BYTES];
    const uint64_t offset = place->number * (uint64_t)RECORD;
    if (place->number < place->count && !place->damaged) return insert_record(shelf, place, record);
    if (write_all(shelf->index, record, RELEASE_SHELF_RECORD_BYTES, offset) &&
        fdatasync(shelf->index) == 0)
        return true;
    const int error = errno;
    (void)write_all(shelf->index, nothing, sizeof(nothing), offset);
    errno = error;
    return false;
}

/* The leaves behind all others, on the disk before the record that names them. What is there of this height stays: it is of
 * the same block, which is certified. In place of what is damaged the lowest height that lacks comes first, as they rose
 * when they were written. */
static enum status add(struct shelf *shelf, uint64_t height, const uint8_t *bytes,
                       size_t byte_count)
{
    uint8_t record[RELEASE_SHELF_RECORD_BYTES];
    struct place place;
    struct stat leaves;
    struct kept kept;
    const enum status status = look_up(shelf, height, &place, &kept);
    if (status != STATUS_OK || place.found) return status;
    if (fstat(shelf->leaves, &leaves) != 0)
        return io_failed("the releases cannot be kept", shelf->directory);
    kept = (struct kept){.height = height,
                         .offset = (uint64_t)leaves.st_size,
                         .length = (uint32_t)byte_count,
                         .crc = crc32c_add(0, bytes, byte_count)};
    record_put(record, &kept);
    if (write_all(shelf->leaves, bytes, byte_count, kept.offset) && fdatasync(shelf->leaves) == 0 &&
        put_record(shelf, &place, record))
        return STATUS_OK;
    return io_failed("the releases cannot be kept", shelf->directory);
}

/* One block's, if it approves anything and its body is here. */
static enum status take_block(struct shelf *shelf, struct chain *chain, uint64_t height)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    struct chain_block block;
    size_t byte_count;
    enum status status = chain_read_header(chain, height, bytes);
    if (status == STATUS_NOT_FOUND || status == STATUS_DAMAGED) return STATUS_OK;
    if (status != STATUS_OK) return status;
    if (!block_header_decode(bytes, &header) || (header.flags & BLOCK_RELEASES) == 0)
        return STATUS_OK;
    status = chain_read_block(chain, height, &block);
    if (status == STATUS_NOT_FOUND || status == STATUS_DAMAGED) return STATUS_OK;
    if (status != STATUS_OK) return status;
    uint8_t *kept = malloc(release_kept_bytes_max(&header));
    if (kept == NULL) return no_memory(release_kept_bytes_max(&header));
    status = release_keep(&header, block.body, block.body_bytes, kept, &byte_count);
    if (status == STATUS_OK) status = add(shelf, height, kept, byte_count);
    free(kept);
    if (status != STATUS_DAMAGED) return status;
    log_error("ledger", "a body is not its header's: its releases are not kept", "height=%lu",
              height);
    return STATUS_OK;
}

enum status release_shelf_take(const char *directory, struct chain *chain, uint64_t *shelved,
                               uint64_t below)
{
    struct shelf shelf = {.directory = directory, .index = -1, .leaves = -1};
    if (*shelved + 1 >= below) return STATUS_OK;
    enum status status = shelf_open(&shelf);
    uint64_t next = *shelved + 1;
    for (uint32_t i = 0; i < RELEASE_SHELF_BLOCKS && next < below && status == STATUS_OK; i++)
        if ((status = take_block(&shelf, chain, next)) == STATUS_OK) next++;
    if (status == STATUS_OK && fdatasync(shelf.index) != 0)
        status = io_failed("the releases cannot be kept", directory);
    if (status == STATUS_OK) *shelved = next - 1;
    shelf_close(&shelf);
    return status;
}

static bool earlier_path(const char *directory, char path[PATH_MAX])
{
    const int length = snprintf(path, PATH_MAX, "%s/" CHAIN_EARLIER, directory);
    return length > 0 && length < PATH_MAX;
}

enum status release_shelf_take_earlier(const char *directory, struct chain *earlier,
                                       uint64_t *shelved, uint64_t below)
{
    char path[PATH_MAX];
    const bool fits = earlier_path(directory, path);
    if (!fits) errno = ENAMETOOLONG;
    if (!fits || (mkdir(directory, 0700) != 0 && errno != EEXIST))
        return io_failed("the releases cannot be kept", directory);
    const enum status status = release_shelf_take(path, earlier, shelved, below);
    if (status == STATUS_OK && !sync_folders(directory))
        return io_failed("the releases cannot be kept", directory);
    return status;
}

static enum status read_leaves(const struct shelf *shelf, const struct kept *kept, uint8_t **bytes)
{
    *bytes = malloc(kept->length > 0 ? kept->length : 1);
    if (*bytes == NULL) return no_memory(kept->length);
    const ssize_t got = pread(shelf->leaves, *bytes, kept->length, (off_t)kept->offset);
    if (got == (ssize_t)kept->length && crc32c_add(0, *bytes, kept->length) == kept->crc)
        return STATUS_OK;
    free(*bytes);
    *bytes = NULL;
    log_error("ledger", "what was kept of a block's releases is damaged",
              "path=\"%s/leaves\" height=%lu offset=%lu", shelf->directory, kept->height,
              kept->offset);
    return STATUS_DAMAGED;
}

static enum status read_kept(const struct shelf *shelf, uint64_t height, struct kept *kept,
                             uint8_t **bytes)
{
    struct place place;
    const enum status status = look_up(shelf, height, &place, kept);
    if (status != STATUS_OK) return status;
    if (place.found) return read_leaves(shelf, kept, bytes);
    if (!place.damaged) return STATUS_NOT_FOUND;
    log_error("ledger", "what was kept of a block's releases is damaged",
              "path=\"%s/index\" height=%lu record=%lu", shelf->directory, height, place.number);
    return STATUS_DAMAGED;
}

static enum status read_folder(const char *directory, uint64_t height, uint8_t **bytes,
                               size_t *byte_count)
{
    struct shelf shelf = {.directory = directory, .index = -1, .leaves = -1};
    struct kept kept = {0};
    enum status status = STATUS_NOT_FOUND;
    shelf.index = open_file(directory, "index", O_RDONLY);
    if (shelf.index >= 0) shelf.leaves = open_file(directory, "leaves", O_RDONLY);
    if (shelf.leaves >= 0)
        status = read_kept(&shelf, height, &kept, bytes);
    else if (errno != ENOENT)
        status = io_failed("the releases cannot be read", directory);
    *byte_count = status == STATUS_OK ? kept.length : 0;
    shelf_close(&shelf);
    return status;
}

enum status release_shelf_read(const char *directory, uint64_t height, uint8_t **bytes,
                               size_t *byte_count)
{
    char earlier[PATH_MAX];
    *bytes = NULL;
    const enum status status = read_folder(directory, height, bytes, byte_count);
    if (status == STATUS_OK || !earlier_path(directory, earlier)) return status;
    const enum status below = read_folder(earlier, height, bytes, byte_count);
    return below == STATUS_OK || status == STATUS_NOT_FOUND ? below : status;
}
