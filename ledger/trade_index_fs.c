#include "common/log.h"
#include "ledger/trade_index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD ((off_t)TRADE_INDEX_RECORD_BYTES)

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

static bool path_of(char path[PATH_MAX], const char *directory, uint16_t market)
{
    const int length = snprintf(path, PATH_MAX, "%s/%u", directory, (unsigned)market);
    return length > 0 && length < PATH_MAX;
}

/* Record `index`; false: there is none that is whole. */
static bool record_at(int descriptor, uint64_t index, uint64_t *height, struct trade_span *span)
{
    uint8_t bytes[TRADE_INDEX_RECORD_BYTES];
    const ssize_t got = pread(descriptor, bytes, sizeof(bytes), (off_t)index * RECORD);
    return got == RECORD && trade_index_get(bytes, height, span);
}

/* Whole records up to the last that is one: behind it a power cut may have left anything. */
static uint64_t record_count(int descriptor)
{
    struct stat found;
    uint64_t height;
    struct trade_span span;
    if (fstat(descriptor, &found) != 0) return 0;
    uint64_t count = (uint64_t)(found.st_size / RECORD);
    while (count > 0 && !record_at(descriptor, count - 1, &height, &span))
        count--;
    return count;
}

/* The first record whose height, or last trade, is not below `wanted`; the count when there is none. */
static uint64_t first_from(int descriptor, uint64_t count, bool by_trade, uint64_t wanted)
{
    uint64_t low = 0, high = count, height;
    struct trade_span span;
    /* Ends: what is left halves. */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const bool whole = record_at(descriptor, middle, &height, &span);
        const uint64_t value = by_trade ? span.first + span.count - 1 : height;
        if (whole && value < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status add_span(const char *directory, uint64_t height, const struct trade_span *span)
{
    char path[PATH_MAX];
    uint8_t bytes[TRADE_INDEX_RECORD_BYTES], there[TRADE_INDEX_RECORD_BYTES];
    if (!path_of(path, directory, span->market)) return STATUS_MALFORMED;
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return io_failed("the index of trades cannot be written", path);
    const uint64_t index = first_from(descriptor, record_count(descriptor), false, height);
    const off_t offset = (off_t)index * RECORD;
    trade_index_put(bytes, height, span);
    bool written = pread(descriptor, there, sizeof(there), offset) == RECORD &&
                   memcmp(there, bytes, sizeof(bytes)) == 0;
    if (!written && ftruncate(descriptor, offset) == 0) {
        const ssize_t put = pwrite(descriptor, bytes, sizeof(bytes), offset);
        written = put == RECORD;
        if (put >= 0 && !written) errno = ENOSPC;
    }
    const enum status status =
        written ? STATUS_OK : io_failed("the index of trades cannot be written", path);
    close(descriptor);
    return status;
}

enum status trade_index_add(const char *directory, uint64_t height, const struct trade_spans *spans)
{
    if (spans->count == 0) return STATUS_OK;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return io_failed("the index of trades cannot be made", directory);
    enum status status = STATUS_OK;
    for (uint16_t i = 0; i < spans->count && status == STATUS_OK; i++)
        status = add_span(directory, height, &spans->spans[i]);
    return status;
}

enum status trade_index_sync(const char *directory)
{
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT) return STATUS_OK;
    /* Everything of this file system: many small files, rarely. */
    const bool synced = folder >= 0 && syncfs(folder) == 0;
    const enum status status =
        synced ? STATUS_OK : io_failed("the index of trades cannot be synchronised", directory);
    if (folder >= 0) close(folder);
    return status;
}

enum status trade_index_find(const char *directory, uint16_t market, uint64_t trade_id,
                             uint64_t *height)
{
    char path[PATH_MAX];
    struct trade_span span;
    if (!path_of(path, directory, market)) return STATUS_NOT_FOUND;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    if (descriptor < 0) return io_failed("the index of trades cannot be read", path);
    const uint64_t count = record_count(descriptor);
    const uint64_t index = first_from(descriptor, count, true, trade_id);
    const bool found = index < count && record_at(descriptor, index, height, &span) &&
                       trade_id >= span.first && trade_id - span.first < span.count;
    close(descriptor);
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}
