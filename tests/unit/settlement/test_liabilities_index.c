#include "settlement/liabilities_index.h"

#include "common/log.h"
#include "tests/unit/settlement/liable.h"

static struct liable liable;
static struct liabilities_index found;

static enum status ask(void)
{
    const enum status status = liabilities_index_open(&found, liable.files, liable.world->height);
    if (status == STATUS_OK) liabilities_index_close(&found);
    return status;
}

static int open_file(const char *suffix)
{
    char path[PATH_MAX];
    assert_true(liabilities_index_path(path, liable.files, liable.world->height, suffix));
    return open(path, O_RDWR);
}

TEST(liabilities_index, says_what_is_in_the_files)
{
    struct block_header header;
    size_t byte_count;
    liable_begin(&liable, world_new());
    assert_int_equal(ask(), STATUS_NOT_FOUND);
    liable_seal(&liable, 2);
    assert_int_equal(ask(), STATUS_NOT_FOUND);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(ask(), STATUS_OK);
    assert_true(block_header_decode(liable_header(&liable), &header));
    assert_int_equal(found.time_ns, header.time_ns);
    assert_int_equal(found.certified_bytes, 0);
    assert_true(hash_equal(liabilities_root(&found.head), liabilities_root(&liable.head)));
    assert_int_equal(liable_finish(&liable), STATUS_OK);
    assert_int_equal(ask(), STATUS_OK);
    uint8_t *bytes = liable_bytes(&liable, &byte_count);
    assert_int_equal(found.certified_bytes, byte_count);
    assert_true(hash_equal(found.sha256, hash_of(bytes, byte_count)));
    assert_int_equal(liabilities_index_leaves_at(&found.head, 2), byte_count - 8 - 15 - 6);
    assert_int_equal(liabilities_index_open(&found, liable.files, 0), STATUS_NOT_FOUND);
    free(bytes);
    liable_end(&liable);
}

/* Files of another length, of another height, or that are none: they are not there. */
TEST(liabilities_index, what_is_not_whole_is_not_there)
{
    char path[PATH_MAX], other[PATH_MAX];
    uint8_t byte = 0;
    struct stat size;
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_publish(&liable, 2);
    int file = open_file("");
    assert_int_equal(fstat(file, &size), 0);
    assert_int_equal(pwrite(file, &byte, 1, size.st_size), 1); /* longer than what was certified */
    assert_int_equal(ask(), STATUS_NOT_FOUND);
    assert_int_equal(ftruncate(file, size.st_size), 0);
    assert_int_equal(ask(), STATUS_OK);
    assert_int_equal(ftruncate(file, size.st_size - 1), 0);
    assert_int_equal(ask(), STATUS_NOT_FOUND);
    close(file);

    liable_publish(&liable, 3);
    for (int at = 0; at < 16; at++) { /* magic, version, height */
        file = open_file(".index");
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        assert_int_equal(ask(), STATUS_NOT_FOUND);
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        close(file);
    }
    assert_int_equal(ask(), STATUS_OK);
    assert_true(liabilities_index_path(path, liable.files, liable.world->height, ".index"));
    assert_true(liabilities_index_path(other, liable.files, liable.world->height, ".gone"));
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(ask(), STATUS_NOT_FOUND);
    liable_end(&liable);
}
