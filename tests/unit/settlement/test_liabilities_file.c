#include "settlement/liabilities_file.h"

#include "common/le.h"
#include "common/log.h"
#include "tests/unit/settlement/liable.h"

#include <signal.h>
#include <sys/resource.h>

static struct liable liable;
static struct liabilities_entry entry;

static enum status ask(void)
{
    return liabilities_file_entry(liable.files, liable.world->height, &entry);
}

/* Made, then certified: only then it is served. What is certified does not change any more. */
TEST(liabilities_file, is_served_once_it_is_certified)
{
    uint8_t bytes[64];
    size_t got, byte_count;
    liable_begin(&liable, world_new());
    assert_int_equal(liable_finish(&liable), STATUS_NOT_FOUND);
    liable_seal(&liable, 2);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(ask(), STATUS_OK);
    assert_false(entry.is_certified);
    assert_int_equal(entry.bytes, 0);
    assert_int_equal(liabilities_file_read(liable.files, liable.world->height, 0, bytes, 64, &got),
                     STATUS_NOT_FOUND);
    assert_int_equal(liable_finish(&liable), STATUS_OK);
    assert_int_equal(ask(), STATUS_OK);
    assert_true(entry.is_certified);
    assert_int_equal(liabilities_file_read(liable.files, liable.world->height, 0, bytes, 64, &got),
                     STATUS_OK);
    assert_memory_equal(bytes, "QXLB", 4);
    assert_int_equal(
        liabilities_file_finish(liable.files, liable.world->height, bytes, 64, bytes, 64),
        STATUS_OK);
    uint8_t *whole = liable_bytes(&liable, &byte_count);
    assert_int_equal(byte_count, entry.bytes);
    assert_true(hash_equal(hash_of(whole, byte_count), entry.sha256));
    free(whole);
    liable_end(&liable);
}

/* The tail is lengths, proof, certificate, to the last byte. */
TEST(liabilities_file, ends_with_proof_and_certificate)
{
    size_t byte_count;
    liable_begin(&liable, world_new());
    liable_publish(&liable, 2);
    uint8_t *bytes = liable_bytes(&liable, &byte_count);
    const uint8_t *tail = bytes + byte_count - (8 + sizeof("a totals proof") + sizeof("votes"));
    assert_int_equal(le_get_u32(tail), sizeof("a totals proof"));
    assert_int_equal(le_get_u32(tail + 4), sizeof("votes"));
    assert_string_equal((const char *)tail + 8, "a totals proof");
    assert_string_equal((const char *)tail + 8 + sizeof("a totals proof"), "votes");
    free(bytes);
    liable_end(&liable);
}

/* Pieces of any length at any place are the file; behind its end is nothing. */
TEST(liabilities_file, pieces_are_the_file)
{
    static uint8_t piece[4096];
    size_t byte_count, got;
    liable_begin(&liable, world_new());
    liable_publish(&liable, 2);
    const uint64_t height = liable.world->height;
    uint8_t *bytes = liable_bytes(&liable, &byte_count);
    for (size_t length = 1; length <= sizeof(piece); length = length * 3 + 1)
        for (size_t at = 0; at < byte_count; at += length) {
            assert_int_equal(liabilities_file_read(liable.files, height, at, piece, length, &got),
                             STATUS_OK);
            assert_int_equal(got, at + length <= byte_count ? length : byte_count - at);
            assert_memory_equal(piece, bytes + at, got);
        }
    const uint64_t past[] = {byte_count, byte_count + 1, UINT64_MAX};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(liabilities_file_read(liable.files, height, past[i], piece, 16, &got),
                         STATUS_OK);
        assert_int_equal(got, 0);
    }
    assert_int_equal(liabilities_file_read(liable.files, height + 1, 0, piece, 16, &got),
                     STATUS_NOT_FOUND);
    free(bytes);
    liable_end(&liable);
}

/* A node that died while the tail was put: whatever lies there, it is not certified, and is finished anew. */
TEST(liabilities_file, a_torn_tail_is_put_again)
{
    struct liable whole;
    char path[160];
    size_t byte_count, right_count;
    liable_begin(&whole, world_new());
    liable_publish(&whole, 2);
    uint8_t *right = liable_bytes(&whole, &right_count);
    for (off_t torn = 1; torn < 60; torn += 9) {
        liable_begin(&liable, world_new());
        liable_seal(&liable, 2);
        assert_int_equal(liable_write(&liable), STATUS_OK);
        snprintf(path, sizeof(path), "%s/%lu", liable.files, liable.world->height);
        const int file = open(path, O_WRONLY | O_APPEND);
        assert_int_equal(write(file, right, (size_t)torn), torn);
        close(file);
        assert_int_equal(ask(), STATUS_OK);
        assert_false(entry.is_certified);
        assert_int_equal(liable_finish(&liable), STATUS_OK);
        uint8_t *bytes = liable_bytes(&liable, &byte_count);
        assert_int_equal(byte_count, right_count);
        assert_memory_equal(bytes, right, byte_count);
        free(bytes);
        liable_end(&liable);
    }
    free(right);
    liable_end(&whole);
}

TEST(liabilities_file, the_list_is_newest_first)
{
    struct liabilities_entry entries[LIABILITIES_LISTED];
    liable_begin(&liable, world_new());
    assert_int_equal(liabilities_file_list(liable.files, entries), 0);
    liable_publish(&liable, 1);
    liable_publish(&liable, 2);
    liable_seal(&liable, 3);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(liabilities_file_list(liable.files, entries), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(entries[i].height, liable.world->height - i);
        assert_int_equal(entries[i].head.height, entries[i].height);
        assert_int_equal(entries[i].is_certified, i > 0);
    }
    liable_end(&liable);
}

/* A tail that the disk does not take is gone again, and may be put there once more. */
TEST(liabilities_file, a_tail_that_does_not_fit_leaves_it_as_it_was)
{
    struct rlimit before, small;
    size_t left_count, right_count;
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_seal(&liable, 1);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    uint8_t *left = liable_bytes(&liable, &left_count);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = left_count + 12;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum status status = liable_finish(&liable);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, STATUS_IO);
    assert_int_equal(ask(), STATUS_OK);
    assert_false(entry.is_certified);
    uint8_t *right = liable_bytes(&liable, &right_count);
    assert_int_equal(left_count, right_count);
    assert_memory_equal(left, right, left_count);
    assert_int_equal(liable_finish(&liable), STATUS_OK);
    free(left);
    free(right);
    liable_end(&liable);
}
