/* A log in a directory of its own, filled with entries that can be told apart: for the tests of the
 * write-ahead log. */

#ifndef TESTS_UNIT_LEDGER_WAL_FILES_MADE_H
#define TESTS_UNIT_LEDGER_WAL_FILES_MADE_H

#include "common/log.h"
#include "ledger/wal.h"
#include "tests/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

struct made {
    char directory[64];
    struct wal_disk *disk;
    struct wal_options options;
    struct wal *wal;
    struct wal_damage damage;
};

static inline struct made made_new(const char *parent)
{
    assert_true(hash_start());
    log_set_level((enum log_level)(LOG_ERROR + 1));
    struct made made = {0};
    snprintf(made.directory, sizeof(made.directory), "%s/quorex-wal-XXXXXX", parent);
    assert_non_null(mkdtemp(made.directory));
    made.disk = wal_disk_directory(made.directory);
    assert_non_null(made.disk);
    made.options = (struct wal_options){.disk = made.disk,
                                        .segment_bytes = WAL_SEGMENT_BYTES_MIN,
                                        .chain_id = hash_of("chain", 5),
                                        .node = 7,
                                        .create = true};
    return made;
}

static inline enum status made_open(struct made *made)
{
    return wal_open(&made->options, &made->wal, &made->damage);
}

static inline void made_close(struct made *made)
{
    wal_close(made->wal);
    made->wal = NULL;
}

static inline void made_remove(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.') unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    rmdir(path);
}

static inline void made_free(struct made *made)
{
    made_close(made);
    wal_disk_free(made->disk);
    char quarantine[128];
    snprintf(quarantine, sizeof(quarantine), "%s/quarantine", made->directory);
    made_remove(quarantine);
    made_remove(made->directory);
}

/* Bytes of the entry `index` of `term`. */
static inline const uint8_t *made_bytes(uint64_t index, uint64_t term, uint32_t length)
{
    static uint8_t bytes[65536];
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(index * 7 + term * 31 + i);
    return bytes;
}

static inline enum status made_append(struct made *made, uint64_t index, uint64_t term,
                                      uint32_t length, uint64_t commit)
{
    const struct wal_entry entry = {index, term, WAL_COMMANDS, length,
                                    made_bytes(index, term, length)};
    return wal_append(made->wal, &entry, 1, commit);
}

static inline void made_fill(struct made *made, uint64_t first, uint64_t last, uint32_t length)
{
    for (uint64_t i = first; i <= last; i++) {
        assert_int_equal(made_append(made, i, 1, length, 0), STATUS_OK);
        assert_int_equal(wal_prepare(made->wal), STATUS_OK);
    }
}

static inline bool made_has(struct made *made, uint64_t index, uint64_t term, uint32_t length)
{
    struct wal_entry entry;
    if (wal_read(made->wal, index, &entry) != STATUS_OK) return false;
    return entry.index == index && entry.term == term && entry.length == length &&
           memcmp(entry.bytes, made_bytes(index, term, length), length) == 0;
}

/* Changes bytes of a file behind the log's back. */
static inline void made_write(struct made *made, const char *name, uint64_t offset,
                              const void *bytes, size_t byte_count)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", made->directory, name);
    const int file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, byte_count, (off_t)offset), byte_count);
    close(file);
}

static inline void made_flip(struct made *made, const char *name, uint64_t offset)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", made->directory, name);
    const int file = open(path, O_RDWR);
    uint8_t byte;
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
    close(file);
}

#endif /* TESTS_UNIT_LEDGER_WAL_FILES_MADE_H */
