#include "ledger/checkpoint_files.h"

#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

#include <errno.h>

/* Names are taken only as they are written: nothing else in the directory is ever touched. */
TEST(checkpoint_files, heights_are_read_from_names_as_they_are_written)
{
    assert_int_equal(checkpoint_files_height("1", ""), 1);
    assert_int_equal(checkpoint_files_height("18446744073709551615", ""), UINT64_MAX);
    assert_int_equal(checkpoint_files_height("120.part", ".part"), 120);
    static const char *const others[] = {
        "", "0", "01", "-1", "+1", " 1", "1 ", "1.part", "x", "18446744073709551616", "1.gone"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(checkpoint_files_height(others[i], ""), 0);
    assert_int_equal(checkpoint_files_height("120", ".part"), 0);
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(UINT64_MAX, ".part.gone", name);
    assert_string_equal(name, "18446744073709551615.part.gone");
    checkpoint_files_chunk(CHECKPOINT_CHUNKS_MAX - 1, name);
    assert_string_equal(name, "65535.chunk");
}

TEST(checkpoint_files, are_read_whole_or_not_at_all)
{
    struct checkpoints folder;
    checkpoints_begin(&folder);
    const int descriptor = open(folder.path, O_RDONLY | O_DIRECTORY);
    uint8_t bytes[8] = "1234567", read[8];
    size_t byte_count = 0;
    assert_true(checkpoint_files_write(descriptor, "file", bytes, 7));
    assert_true(checkpoint_files_read(descriptor, "file", read, 8, &byte_count));
    assert_int_equal(byte_count, 7);
    assert_memory_equal(bytes, read, 7);
    assert_false(checkpoint_files_read(descriptor, "file", read, 6, &byte_count));
    assert_int_equal(errno, EFBIG);
    assert_false(checkpoint_files_read(descriptor, "none", read, 8, &byte_count));
    assert_int_equal(errno, ENOENT);
    close(descriptor);
    checkpoints_end(&folder);
}

/* A removal that a cut of the power ended half way is under a name that nothing reads, and is finished later. */
TEST(checkpoint_files, half_removed_folders_are_not_in_the_way)
{
    struct checkpoints folder;
    checkpoints_begin(&folder);
    char path[256];
    checkpoints_path(&folder, "7.gone", path);
    assert_int_equal(mkdir(path, 0700), 0);
    checkpoints_make(&folder, 7);
    const int descriptor = open(folder.path, O_RDONLY | O_DIRECTORY);
    assert_true(checkpoint_files_remove(descriptor, "7"));
    assert_true(checkpoint_files_remove(descriptor, "7"));
    assert_false(checkpoints_has(&folder, "7"));
    assert_false(checkpoints_has(&folder, "7.gone"));
    bool whole = true, certified = true;
    assert_true(checkpoint_files_whole(descriptor, "7", &whole, &certified));
    assert_false(whole || certified);
    close(descriptor);
    checkpoints_end(&folder);
}
