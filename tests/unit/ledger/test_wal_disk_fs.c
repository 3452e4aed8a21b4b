#include "ledger/wal_disk.h"

#include "common/log.h"
#include "tests/harness.h"

#include <errno.h>
#include <unistd.h>

static bool seen;

static void on_name(void *visitor, const char *name)
{
    (void)visitor;
    if (strcmp(name, "b") == 0) seen = true;
}

/* The table's promises, on a file system that takes direct writes and on one that may not. */
static void use_disk(const char *parent)
{
    log_set_level((enum log_level)(LOG_ERROR + 1));
    char directory[64];
    snprintf(directory, sizeof(directory), "%s/quorex-disk-XXXXXX", parent);
    assert_non_null(mkdtemp(directory));
    struct wal_disk *disk = wal_disk_directory(directory);
    assert_non_null(disk);

    uint8_t *block = aligned_alloc(4096, 8192);
    memset(block, 7, 8192);
    int file = disk->open(disk->context, "a", WAL_DISK_NEW);
    assert_true(file >= 0);
    assert_int_equal(disk->write(disk->context, file, 0, block, 8192), 8192);
    assert_int_equal(disk->sync(disk->context, file), 0);
    assert_int_equal(disk->size(disk->context, file), 8192);
    disk->close(disk->context, file);
    assert_int_equal(disk->rename(disk->context, "a", "b"), 0);
    seen = false;
    assert_int_equal(disk->list(disk->context, on_name, NULL), 0);
    assert_true(seen);

    file = disk->open(disk->context, "b", WAL_DISK_LOG);
    assert_true(file >= 0);
    memset(block, 9, 4096);
    assert_int_equal(disk->write(disk->context, file, 4096, block, 4096), 4096);
    disk->close(disk->context, file);
    file = disk->open(disk->context, "b", WAL_DISK_READ);
    uint8_t bytes[10];
    assert_int_equal(disk->read(disk->context, file, 4091, bytes, 10), 10);
    assert_int_equal(bytes[4], 7);
    assert_int_equal(bytes[5], 9);
    assert_int_equal(disk->read(disk->context, file, 8190, bytes, 10), 2); /* its end */
    disk->close(disk->context, file);

    assert_int_equal(disk->open(disk->context, "none", WAL_DISK_LOG), -ENOENT);
    assert_int_equal(disk->remove(disk->context, "b"), 0);
    assert_int_equal(disk->remove(disk->context, "b"), -ENOENT);
    free(block);
    wal_disk_free(disk);
    assert_int_equal(rmdir(directory), 0);
}

TEST(wal_disk, keeps_its_promises_on_a_disk)
{
    use_disk("/tmp");
}

TEST(wal_disk, keeps_its_promises_in_memory)
{
    if (access("/dev/shm", W_OK) == 0) use_disk("/dev/shm");
}

TEST(wal_disk, a_directory_that_is_not_there_is_refused)
{
    log_set_level((enum log_level)(LOG_ERROR + 1));
    assert_null(wal_disk_directory("/nowhere/at/all"));
}
