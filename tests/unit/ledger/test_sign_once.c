#include "ledger/sign_once.h"

#include "tests/harness.h"

#include <fcntl.h>
#include <unistd.h>

static char path[64];

static void new_file(void)
{
    char folder[] = "/tmp/sign-once-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sign-once", folder);
}

static void remove_file(void)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static struct sign_once_record record_of(uint64_t epoch, uint64_t height, const char *text)
{
    return (struct sign_once_record){epoch, height, hash_of(text, strlen(text)), false};
}

static enum status claim(struct sign_once *once, uint64_t epoch, uint64_t height, const char *text)
{
    const struct sign_once_record wanted = record_of(epoch, height, text);
    return sign_once_claim(once, &wanted);
}

static void flip(off_t offset)
{
    uint8_t byte;
    const int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0);
    assert_int_equal(pread(descriptor, &byte, 1, offset), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(descriptor, &byte, 1, offset), 1);
    close(descriptor);
}

/* The rule itself: a height once, rising; the same header as often as one likes. */
TEST(sign_once, decides_by_the_last_record)
{
    const struct sign_once_record last = record_of(1, 10, "a");
    const struct {
        struct sign_once_record wanted;
        enum status decision;
    } cases[] = {
        {record_of(1, 11, "b"), STATUS_OK},       {record_of(2, 1, "b"), STATUS_OK},
        {record_of(1, 10, "a"), STATUS_EXISTS},   {record_of(1, 10, "b"), STATUS_MISMATCH},
        {record_of(1, 9, "b"), STATUS_NOT_FOUND}, {record_of(0, 11, "b"), STATUS_NOT_FOUND}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sign_once_decide(&last, &cases[i].wanted), cases[i].decision);
}

/* Also after a restart, and after many. */
TEST(sign_once, refuses_a_second_hash_for_a_height)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    for (uint64_t height = 1; height <= 5; height++) {
        assert_int_equal(claim(&once, 0, height, "ours"), STATUS_OK);
        assert_int_equal(claim(&once, 0, height, "theirs"), STATUS_MISMATCH);
        sign_once_close(&once);
        assert_int_equal(sign_once_open(&once, path), STATUS_OK);
        assert_int_equal(once.last.height, height);
        assert_int_equal(claim(&once, 0, height, "theirs"), STATUS_MISMATCH);
        assert_int_equal(claim(&once, 0, height, "ours"), STATUS_OK);
        assert_int_equal(claim(&once, 0, height - 1, "ours"), STATUS_NOT_FOUND);
    }
    sign_once_close(&once);
    remove_file();
}

/* Nothing is made up: without its file a node does not know what it signed. */
TEST(sign_once, that_is_missing_is_not_made_by_opening_it)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_open(&once, path), STATUS_NOT_FOUND);
    assert_int_not_equal(access(path, F_OK), 0);
    remove_file();
}

TEST(sign_once, is_for_one_process)
{
    new_file();
    struct sign_once first, second;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&first, path), STATUS_OK);
    assert_int_equal(sign_once_open(&second, path), STATUS_EXISTS);
    sign_once_close(&first);
    assert_int_equal(sign_once_open(&second, path), STATUS_OK);
    sign_once_close(&second);
    remove_file();
}

/* Any one slot may be damaged, in any byte: the other holds the record, and both are whole again
 * afterwards. With both damaged the file is refused. */
TEST(sign_once, outlives_one_damaged_slot_and_refuses_two)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(claim(&once, 0, 9, "ours"), STATUS_OK);
    sign_once_close(&once);
    for (off_t offset = 0; offset < SIGN_ONCE_FILE_BYTES; offset += 7) {
        flip(offset);
        assert_int_equal(sign_once_open(&once, path), STATUS_OK);
        assert_int_equal(once.last.height, 9);
        sign_once_close(&once);
    }
    flip(20);
    flip(SIGN_ONCE_SLOT_BYTES + 20);
    assert_int_equal(sign_once_open(&once, path), STATUS_AMNESIAC);
    assert_int_equal(sign_once_open(&once, path), STATUS_AMNESIAC);
    remove_file();
}

/* A power cut between the two slots: the newer record stands, for its vote may not have left but may
 * not be contradicted either. */
TEST(sign_once, takes_the_newer_of_two_whole_slots)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(claim(&once, 0, 9, "ours"), STATUS_OK);
    sign_once_close(&once);
    for (off_t slot = 0; slot < 2; slot++) {
        uint8_t bytes[SIGN_ONCE_RECORD_BYTES];
        const struct sign_once_record newer = record_of(0, 10 + (uint64_t)slot, "new");
        sign_once_encode(&newer, bytes);
        const int descriptor = open(path, O_RDWR);
        assert_int_equal(pwrite(descriptor, bytes, sizeof(bytes), slot * SIGN_ONCE_SLOT_BYTES),
                         sizeof(bytes));
        close(descriptor);
        assert_int_equal(sign_once_open(&once, path), STATUS_OK);
        assert_int_equal(once.last.height, newer.height);
        sign_once_close(&once);
    }
    remove_file();
}

/* No byte of a record is unguarded. */
TEST(sign_once, record_with_any_bit_flipped_is_no_record)
{
    uint8_t bytes[SIGN_ONCE_RECORD_BYTES];
    const struct sign_once_record record = record_of(3, 12345, "ours");
    struct sign_once_record decoded;
    sign_once_encode(&record, bytes);
    assert_true(sign_once_decode(bytes, &decoded));
    assert_int_equal(decoded.epoch, record.epoch);
    assert_int_equal(decoded.height, record.height);
    assert_true(hash_equal(decoded.header_hash, record.header_hash));
    assert_int_equal(decoded.closed, record.closed);
    for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(sign_once_decode(bytes, &decoded));
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

/* What was signed is never forgotten: a file that is there stays. */
TEST(sign_once, is_made_once)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(once.last.height, 0);
    assert_int_equal(claim(&once, 0, 3, "ours"), STATUS_OK);
    sign_once_close(&once);
    assert_int_equal(sign_once_create(path), STATUS_EXISTS);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(once.last.height, 3);
    sign_once_close(&once);
    remove_file();
}

/* A later epoch begins anew, and the older one is over for good. */
TEST(sign_once, heights_may_be_signed_again_in_a_later_epoch)
{
    new_file();
    struct sign_once once;
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(claim(&once, 0, 9, "ours"), STATUS_OK);
    assert_int_equal(claim(&once, 1, 9, "theirs"), STATUS_OK);
    assert_int_equal(claim(&once, 1, 9, "ours"), STATUS_MISMATCH);
    assert_int_equal(claim(&once, 0, 10, "ours"), STATUS_NOT_FOUND);
    sign_once_close(&once);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(once.last.epoch, 1);
    assert_int_equal(claim(&once, 0, 10, "ours"), STATUS_NOT_FOUND);
    sign_once_close(&once);
    remove_file();
}

/* A closed epoch: nothing of it is signed again, not even what was; what was signed last stays known, over a restart
 * too; the next epoch is open. One damaged slot changes nothing, and an older epoch is not closed over a later. */
TEST(sign_once, a_closed_epoch_is_signed_in_no_more)
{
    struct sign_once once;
    new_file();
    assert_int_equal(sign_once_create(path), STATUS_OK);
    assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    assert_int_equal(claim(&once, 2, 7, "a"), STATUS_OK);
    assert_int_equal(sign_once_close_epoch(&once, 1), STATUS_NOT_FOUND);
    assert_int_equal(claim(&once, 2, 8, "b"), STATUS_OK);
    assert_int_equal(sign_once_close_epoch(&once, 2), STATUS_OK);
    for (int round = 0; round < 4; round++) {
        assert_int_equal(claim(&once, 2, 9, "c"), STATUS_NOT_FOUND);
        assert_int_equal(claim(&once, 2, 8, "b"), STATUS_NOT_FOUND);
        assert_int_equal(claim(&once, 1, 99, "c"), STATUS_NOT_FOUND);
        assert_true(once.last.closed && once.last.height == 8);
        assert_true(hash_equal(once.last.header_hash, hash_of("b", 1)));
        assert_int_equal(sign_once_close_epoch(&once, 2), STATUS_OK);
        sign_once_close(&once);
        if (round > 0) flip(20 + (round % 2) * SIGN_ONCE_SLOT_BYTES);
        assert_int_equal(sign_once_open(&once, path), STATUS_OK);
    }
    assert_int_equal(claim(&once, 3, 1, "d"), STATUS_OK);
    assert_false(once.last.closed);
    assert_int_equal(sign_once_close_epoch(&once, 5), STATUS_OK); /* nothing was signed in it */
    assert_int_equal(once.last.height, 0);
    assert_int_equal(claim(&once, 5, 1, "d"), STATUS_NOT_FOUND);
    sign_once_close(&once);
    remove_file();
}
