#include "common/log.h"
#include "ledger/lineage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

static bool path_of(const char *directory, const char *name, char path[PATH_MAX])
{
    const int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < PATH_MAX;
}

static bool write_at(int file, const uint8_t *bytes, size_t byte_count, off_t offset)
{
    while (byte_count > 0) {
        const ssize_t written = pwrite(file, bytes, byte_count, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        byte_count -= (size_t)written;
        offset += written;
    }
    return true;
}

static bool read_at(int file, uint8_t *bytes, size_t byte_count, off_t offset)
{
    while (byte_count > 0) {
        const ssize_t got = pread(file, bytes, byte_count, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EIO;
        if (got <= 0) return false;
        bytes += got;
        byte_count -= (size_t)got;
        offset += got;
    }
    return true;
}

/* Bytes of whole steps by rising height from the front on, and the height of the last. */
static size_t good_bytes(const uint8_t *bytes, size_t byte_count, uint64_t *height)
{
    size_t good = 0;
    struct lineage_step step;
    *height = 0;
    /* Ends: each step has a length. */
    for (size_t length; (length = lineage_step_decode(bytes + good, byte_count - good, &step)) > 0;
         good += length) {
        if (step.height <= *height) break;
        *height = step.height;
    }
    return good;
}

/* Reads a file wholly; the caller frees. */
static enum status read_file(int file, const char *path, uint8_t **bytes, size_t *byte_count)
{
    struct stat facts;
    *bytes = NULL;
    *byte_count = 0;
    if (fstat(file, &facts) != 0) return io_failed("lineage cannot be read", path);
    if (facts.st_size > LINEAGE_BYTES_MAX) {
        errno = EFBIG;
        return io_failed("lineage cannot be read", path);
    }
    *bytes = malloc((size_t)facts.st_size + 1);
    if (*bytes == NULL) {
        log_error("ledger", "no memory for a lineage", "path=\"%s\"", path);
        return STATUS_NO_MEMORY;
    }
    *byte_count = (size_t)facts.st_size;
    if (read_at(file, *bytes, *byte_count, 0)) return STATUS_OK;
    free(*bytes);
    *bytes = NULL;
    return io_failed("lineage cannot be read", path);
}

/* What is behind the good steps is kept beside, and cut. What a crash tore never counted; anything else is damage. */
static enum status cut(int file, const char *directory, const char *path, const uint8_t *bytes,
                       size_t byte_count, size_t good)
{
    char aside[PATH_MAX];
    log_warn("ledger", "lineage ends with what is no step, which is cut",
             "path=\"%s\" offset=%lu bytes=%lu", path, good, byte_count - good);
    if (!path_of(directory, "lineage.bad", aside)) return STATUS_MALFORMED;
    const int copy = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool kept = copy >= 0 && write_at(copy, bytes, byte_count, 0) && fdatasync(copy) == 0;
    if (copy >= 0) close(copy);
    if (!kept) return io_failed("lineage cannot be kept aside", aside);
    if (ftruncate(file, (off_t)good) != 0) return io_failed("lineage cannot be cut", path);
    return STATUS_OK;
}

static bool sync_folder(const char *directory)
{
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

enum status lineage_append(const char *directory, const uint8_t header[BLOCK_HEADER_BYTES],
                           const struct certificate *certificate, const struct validator_set *next)
{
    char path[PATH_MAX];
    uint8_t step[LINEAGE_STEP_BYTES_MAX];
    struct block_header facts;
    ASSERT(block_header_decode(header, &facts) && next->count > 0);
    if (!path_of(directory, "lineage", path)) return STATUS_MALFORMED;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return io_failed("lineage has no directory", directory);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return io_failed("lineage cannot be opened", path);

    uint8_t *bytes;
    size_t byte_count;
    uint64_t height = 0;
    enum status status = read_file(file, path, &bytes, &byte_count);
    const size_t good = status == STATUS_OK ? good_bytes(bytes, byte_count, &height) : 0;
    if (status == STATUS_OK && good < byte_count)
        status = cut(file, directory, path, bytes, byte_count, good);
    if (status == STATUS_OK && facts.height > height) {
        const size_t length = lineage_step_encode(header, certificate, next, step);
        if (!write_at(file, step, length, (off_t)good) || fdatasync(file) != 0 ||
            !sync_folder(directory))
            status = io_failed("lineage cannot be written", path);
    }
    free(bytes);
    close(file);
    return status;
}

/* ---- Reading ---- */

struct lineage_reader {
    char path[PATH_MAX];
    uint8_t *bytes;
    size_t byte_count; /* of whole steps */
    uint64_t height;
    struct stat seen;
};

struct lineage_reader *lineage_reader_new(const char *directory)
{
    struct lineage_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL || !path_of(directory, "lineage", reader->path)) {
        free(reader);
        return NULL;
    }
    return reader;
}

void lineage_reader_free(struct lineage_reader *reader)
{
    if (reader == NULL) return;
    free(reader->bytes);
    free(reader);
}

/* Another file, or another length of it: read again. What cannot be read is as if it were not there. */
static void refresh(struct lineage_reader *reader)
{
    struct stat now;
    if (stat(reader->path, &now) != 0) now = (struct stat){0};
    if (now.st_ino == reader->seen.st_ino && now.st_size == reader->seen.st_size) return;
    free(reader->bytes);
    reader->bytes = NULL;
    reader->byte_count = 0;
    reader->height = 0;
    reader->seen = now;
    const int file = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    size_t byte_count;
    if (read_file(file, reader->path, &reader->bytes, &byte_count) == STATUS_OK)
        reader->byte_count = good_bytes(reader->bytes, byte_count, &reader->height);
    close(file);
}

uint64_t lineage_reader_height(struct lineage_reader *reader)
{
    refresh(reader);
    return reader->height;
}

uint32_t lineage_reader_steps(struct lineage_reader *reader, uint64_t height, uint8_t *bytes,
                              uint32_t capacity)
{
    struct lineage_step step;
    uint32_t written = 0;
    size_t at = 0;
    refresh(reader);
    /* Ends: each step has a length. */
    for (size_t length; at < reader->byte_count; at += length) {
        length = lineage_step_decode(reader->bytes + at, reader->byte_count - at, &step);
        ASSERT(length > 0);
        if (step.height <= height) continue;
        if (length > capacity - written) break;
        memcpy(bytes + written, reader->bytes + at, length);
        written += (uint32_t)length;
    }
    return written;
}
