/* A disk in memory for the log; what was written survives. */

#ifndef TESTS_UNIT_LEDGER_MEMORY_DISK_H
#define TESTS_UNIT_LEDGER_MEMORY_DISK_H

#include "ledger/wal_disk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 256

struct memory_file {
    char name[48];
    uint8_t *bytes;
    size_t size, capacity;
};

struct memory_disk {
    struct memory_file files[FILES_MAX];
    struct wal_disk table;
    uint64_t writes;
    int fail_with; /* a negative errno for every write */
    bool tears;    /* the next write stops behind its first bytes, and the power goes */
};

static inline int memory_find(struct memory_disk *disk, const char *name)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (strcmp(disk->files[i].name, name) == 0) return i;
    return -2; /* ENOENT */
}

static inline int memory_open(void *context, const char *name, enum wal_disk_mode mode)
{
    struct memory_disk *disk = context;
    int file = memory_find(disk, name);
    if (mode != WAL_DISK_NEW) return file;
    if (file < 0) {
        for (file = 0; disk->files[file].name[0] != '\0'; file++)
            ASSERT(file + 1 < FILES_MAX);
        snprintf(disk->files[file].name, sizeof(disk->files[file].name), "%s", name);
    }
    disk->files[file].size = 0;
    return file;
}

static inline void memory_close(void *context, int file)
{
    (void)context;
    (void)file;
}

static inline int64_t memory_size(void *context, int file)
{
    return (int64_t)((struct memory_disk *)context)->files[file].size;
}

static inline int64_t memory_read(void *context, int file, uint64_t offset, void *bytes,
                                  size_t byte_count)
{
    const struct memory_file *at = &((struct memory_disk *)context)->files[file];
    if (offset >= at->size) return 0;
    const size_t left = at->size - offset;
    if (byte_count > left) byte_count = left;
    memcpy(bytes, at->bytes + offset, byte_count);
    return (int64_t)byte_count;
}

static inline int64_t memory_write(void *context, int file, uint64_t offset, const void *bytes,
                                   size_t byte_count)
{
    struct memory_disk *disk = context;
    struct memory_file *at = &disk->files[file];
    disk->writes++;
    if (disk->fail_with != 0) return disk->fail_with;
    if (disk->tears) {
        disk->fail_with = -5;
        byte_count = 100;
    }
    if (offset + byte_count > at->capacity) {
        at->capacity = 2 * (offset + byte_count);
        at->bytes = realloc(at->bytes, at->capacity);
        ASSERT(at->bytes != NULL);
    }
    if (offset > at->size) memset(at->bytes + at->size, 0, offset - at->size);
    memcpy(at->bytes + offset, bytes, byte_count);
    if (offset + byte_count > at->size) at->size = offset + byte_count;
    return disk->fail_with != 0 ? disk->fail_with : (int64_t)byte_count;
}

static inline int memory_sync(void *context, int file)
{
    (void)context;
    (void)file;
    return 0;
}

static inline int memory_remove(void *context, const char *name)
{
    struct memory_disk *disk = context;
    const int file = memory_find(disk, name);
    if (file < 0) return file;
    free(disk->files[file].bytes);
    memset(&disk->files[file], 0, sizeof(disk->files[file]));
    return 0;
}

static inline int memory_rename(void *context, const char *from, const char *to)
{
    struct memory_disk *disk = context;
    if (memory_find(disk, to) >= 0) memory_remove(context, to);
    const int file = memory_find(disk, from);
    if (file < 0) return file;
    snprintf(disk->files[file].name, sizeof(disk->files[file].name), "%s", to);
    return 0;
}

static inline int memory_quarantine(void *context, const char *name)
{
    return memory_remove(context, name);
}

static inline int memory_list(void *context, void (*each)(void *visitor, const char *name),
                              void *visitor)
{
    struct memory_disk *disk = context;
    char names[FILES_MAX][48];
    int count = 0;
    for (int i = 0; i < FILES_MAX; i++)
        if (disk->files[i].name[0] != '\0') memcpy(names[count++], disk->files[i].name, 48);
    for (int i = 0; i < count; i++)
        each(visitor, names[i]);
    return 0;
}

static inline void memory_start(struct memory_disk *disk)
{
    disk->table = (struct wal_disk){
        .context = disk,
        .open = memory_open,
        .close = memory_close,
        .size = memory_size,
        .read = memory_read,
        .write = memory_write,
        .sync = memory_sync,
        .rename = memory_rename,
        .remove = memory_remove,
        .quarantine = memory_quarantine,
        .list = memory_list,
    };
}

static inline void memory_clear(struct memory_disk *disk)
{
    for (int i = 0; i < FILES_MAX; i++)
        free(disk->files[i].bytes);
    memset(disk->files, 0, sizeof(disk->files));
}

#endif /* TESTS_UNIT_LEDGER_MEMORY_DISK_H */
