#include "settlement/liabilities_index.h"

#include "common/le.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum status liabilities_index_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("settlement", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

bool liabilities_index_path(char path[PATH_MAX], const char *directory, uint64_t height,
                            const char *suffix)
{
    const int length = snprintf(path, PATH_MAX, "%s/%" PRIu64 "%s", directory, height, suffix);
    return length > 0 && length < PATH_MAX;
}

bool liabilities_index_read(int descriptor, void *bytes, size_t byte_count, uint64_t offset)
{
    return pread(descriptor, bytes, byte_count, (off_t)offset) == (ssize_t)byte_count;
}

uint64_t liabilities_index_leaves_at(const struct liabilities_head *head, uint32_t asset)
{
    uint64_t at = LIABILITIES_HEAD_FIXED + (uint64_t)head->asset_count * LIABILITIES_ROW_BYTES;
    for (uint32_t i = 0; i < asset; i++)
        at += head->assets[i].leaf_count * LIABILITIES_LEAF_BYTES;
    return at;
}

static bool index_get(struct liabilities_index *index)
{
    uint8_t bytes[LIABILITIES_INDEX_HEADER];
    if (!liabilities_index_read(index->index, bytes, sizeof(bytes), 0)) return false;
    const uint8_t *at = bytes + LIABILITIES_INDEX_CERTIFIED;
    index->time_ns = le_get_u64(bytes + 16);
    index->certified_bytes = le_get_u64(at);
    memcpy(index->sha256.bytes, at + 8, HASH_BYTES);
    return le_get_u32(bytes) == LIABILITIES_INDEX_MAGIC &&
           le_get_u32(bytes + 4) == LIABILITIES_INDEX_VERSION &&
           le_get_u64(bytes + 8) == index->height;
}

/* As long as its head says, and as the index does. */
static bool file_get(struct liabilities_index *index)
{
    uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX];
    struct stat found;
    const ssize_t got = pread(index->file, bytes, sizeof(bytes), 0);
    if (got < 0 || liabilities_head_get(bytes, (size_t)got, &index->head) == 0) return false;
    if (fstat(index->file, &found) != 0 || index->head.height != index->height) return false;
    const uint64_t tail = liabilities_index_leaves_at(&index->head, index->head.asset_count);
    const uint64_t size = (uint64_t)found.st_size;
    return index->certified_bytes == 0 ? size >= tail
                                       : size == index->certified_bytes && size > tail;
}

enum status liabilities_index_open(struct liabilities_index *index, const char *directory,
                                   uint64_t height)
{
    char path[PATH_MAX], beside[PATH_MAX];
    if (height == 0 || !liabilities_index_path(path, directory, height, "") ||
        !liabilities_index_path(beside, directory, height, ".index"))
        return STATUS_NOT_FOUND;
    *index = (struct liabilities_index){.height = height};
    index->file = open(path, O_RDONLY | O_CLOEXEC);
    index->index = index->file < 0 ? -1 : open(beside, O_RDONLY | O_CLOEXEC);
    if (index->index >= 0 && index_get(index) && file_get(index)) return STATUS_OK;
    const bool is_there = index->index >= 0;
    liabilities_index_close(index);
    if (is_there) log_error("settlement", "liabilities are not whole", "path=\"%s\"", path);
    return STATUS_NOT_FOUND;
}

void liabilities_index_close(const struct liabilities_index *index)
{
    if (index->file >= 0) close(index->file);
    if (index->index >= 0) close(index->index);
}

static void insert(uint64_t *newest, uint32_t count, uint64_t height)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t there = newest[i];
        if (height <= there) continue;
        newest[i] = height;
        height = there;
    }
}

void liabilities_index_newest(const char *directory, struct liabilities_newest *newest)
{
    struct liabilities_index index;
    const struct dirent *name;
    DIR *listing = opendir(directory);
    *newest = (struct liabilities_newest){0};
    if (listing == NULL) return;
    while ((name = readdir(listing)) != NULL) {
        char *end;
        const uint64_t height = strtoull(name->d_name, &end, 10);
        if (*end != '\0' || liabilities_index_open(&index, directory, height) != STATUS_OK)
            continue;
        liabilities_index_close(&index);
        if (index.certified_bytes > 0)
            insert(newest->certified, LIABILITIES_KEPT, height);
        else
            insert(newest->waiting, LIABILITIES_WAITING, height);
    }
    closedir(listing);
}
