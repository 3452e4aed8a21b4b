/* The disk under the log, as a table of functions: the real one, or a test's that loses power.
 *
 * Functions return 0 or a count when they worked, and a negative errno otherwise; a count below what
 * was asked is a short write. Names are plain, within one directory.
 *
 * Owner    one thread
 * Memory   of wal_disk_directory: freed by wal_disk_free
 */

#ifndef LEDGER_WAL_DISK_H
#define LEDGER_WAL_DISK_H

#include "common/assert.h"

#include <stdint.h>

enum wal_disk_mode {
    WAL_DISK_READ, /* an existing file, to read */
    WAL_DISK_LOG,  /* an existing file; a write is durable when it returns */
    WAL_DISK_NEW,  /* made empty; writes are durable after sync, the name after rename */
};

struct wal_disk {
    void *context;
    int (*open)(void *context, const char *name, enum wal_disk_mode mode); /* a file, from 0 */
    void (*close)(void *context, int file);
    int64_t (*size)(void *context, int file);
    int64_t (*read)(void *context, int file, uint64_t offset, void *bytes, size_t byte_count);
    /* offset, byte_count and the address of `bytes` are multiples of WAL_BLOCK_BYTES. */
    int64_t (*write)(void *context, int file, uint64_t offset, const void *bytes,
                     size_t byte_count);
    int (*sync)(void *context, int file);
    int (*rename)(void *context, const char *from, const char *to); /* durable when it returns */
    int (*remove)(void *context, const char *name);
    /* Moves a file into the folder quarantine/, which it makes if need be, under its name, a point and the first
     * number from 1 on that is free; durable when it returns. */
    int (*quarantine)(void *context, const char *name);
    /* Calls `each` for every name in the directory. */
    int (*list)(void *context, void (*each)(void *visitor, const char *name), void *visitor);
};

/* The real one, over an existing directory, or NULL (logged). Writes go past the page cache; where
 * the file system does not take that, it says so once and uses O_DSYNC alone. */
MUST_CHECK struct wal_disk *wal_disk_directory(const char *path);
void wal_disk_free(struct wal_disk *disk);

#endif /* LEDGER_WAL_DISK_H */
