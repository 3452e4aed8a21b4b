#include "tests/unit/ledger/wal_files_made.h"

/* Entries are read in any order, while others are appended, across segments. */
TEST(wal_read, reads_in_any_order_while_the_log_grows)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    uint64_t random = 12345;
    for (uint64_t last = 1; last <= 400; last++) {
        assert_int_equal(made_append(&made, last, 1, (uint32_t)(last * 37 % 6000), 0), STATUS_OK);
        for (int i = 0; i < 5; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const uint64_t index = 1 + (random >> 33) % last;
            assert_true(made_has(&made, index, 1, (uint32_t)(index * 37 % 6000)));
        }
        assert_true(made_has(&made, last, 1, (uint32_t)(last * 37 % 6000)));
    }
    for (uint64_t index = 400; index > 0; index--)
        assert_true(made_has(&made, index, 1, (uint32_t)(index * 37 % 6000)));
    made_free(&made);
}

/* Index 0 and what is above the last entry are not there. */
TEST(wal_read, says_what_is_not_there)
{
    struct made made = made_new("/tmp");
    struct wal_entry entry;
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_read(made.wal, 1, &entry), STATUS_NOT_FOUND);
    made_fill(&made, 1, 3, 10);
    assert_int_equal(wal_read(made.wal, 0, &entry), STATUS_NOT_FOUND);
    assert_int_equal(wal_read(made.wal, 4, &entry), STATUS_NOT_FOUND);
    made_free(&made);
}

/* Bytes that rot while the node runs are noticed when they are read, not handed on. */
TEST(wal_read, notices_bytes_that_changed_since_the_start)
{
    struct made made = made_new("/tmp");
    struct wal_entry entry;
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 8, 200);
    made_flip(&made, "000000000001.wal", WAL_RECORDS_OFFSET + 4096 * 4 + 150);
    assert_true(made_has(&made, 4, 1, 200));
    assert_int_equal(wal_read(made.wal, 5, &entry), STATUS_DAMAGED);
    assert_int_equal(wal_read(made.wal, 4, &entry), STATUS_DAMAGED); /* the node stops */
    made_free(&made);
}
