#include "tests/unit/ledger/wal_files_made.h"

#include <errno.h>

/* What was appended is there after a close and an open, over many segments, with the same hash. */
TEST(wal, keeps_entries_over_segments_and_restarts)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 0);
    made_fill(&made, 1, 100, 5000); /* 8 KiB each: seven to a segment */
    const hash_t hash = wal_last_hash(made.wal);
    assert_true(wal_check(made.wal));
    for (int life = 0; life < 3; life++) {
        made_close(&made);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_last_index(made.wal), 100);
        assert_true(hash_equal(wal_last_hash(made.wal), hash));
        for (uint64_t i = 1; i <= 100; i++)
            assert_true(made_has(&made, i, 1, 5000));
        assert_true(made_has(&made, 50, 1, 5000));
    }
    made_free(&made);
}

/* A group is one write when it fits, and arrives whole when it does not. */
TEST(wal, writes_a_group_at_once)
{
    struct metrics metrics = {0};
    struct made made = made_new("/tmp");
    made.options.metrics = &metrics;
    assert_int_equal(made_open(&made), STATUS_OK);
    struct wal_entry entries[40];
    static uint8_t bytes[40][3000];
    for (uint64_t i = 0; i < 40; i++) {
        memcpy(bytes[i], made_bytes(i + 1, 1, 3000), 3000);
        entries[i] = (struct wal_entry){i + 1, 1, WAL_COMMANDS, 3000, bytes[i]};
    }
    assert_int_equal(wal_append(made.wal, entries, 10, 0), STATUS_OK);
    assert_int_equal(metric_get(&metrics.wal_writes_total), 1);
    assert_int_equal(metric_get(&metrics.wal_bytes_total), 32768); /* 10 x 3,112, in blocks */
    assert_int_equal(wal_append(made.wal, entries + 10, 30, 0), STATUS_OK);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 40);
    for (uint64_t i = 1; i <= 40; i++)
        assert_true(made_has(&made, i, 1, 3000));
    made_free(&made);
}

/* The largest entry fits a fresh segment; empty entries are entries. */
TEST(wal, takes_entries_of_every_allowed_length)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    const uint32_t most = wal_entry_bytes_max(made.wal);
    const uint32_t lengths[] = {0, 1, most, 7, 3984, 3985, most, 0};
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(made_append(&made, i + 1, 1, lengths[i], 0), STATUS_OK);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 0; i < 8; i++)
        assert_true(made_has(&made, i + 1, 1, lengths[i]));
    made_free(&made);
}

/* An append at an earlier index replaces that entry and all after it, now and after a restart. */
TEST(wal, replaces_from_an_earlier_index)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 30, 3000);
    assert_int_equal(made_append(&made, 12, 2, 500, 5), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 12);
    assert_int_equal(made_append(&made, 13, 2, 600, 5), STATUS_OK);
    assert_int_equal(made_append(&made, 13, 3, 700, 5), STATUS_OK);
    for (int life = 0; life < 2; life++) {
        struct wal_entry entry;
        for (uint64_t i = 1; i < 12; i++)
            assert_true(made_has(&made, i, 1, 3000));
        assert_true(made_has(&made, 12, 2, 500));
        assert_true(made_has(&made, 13, 3, 700));
        assert_int_equal(wal_read(made.wal, 14, &entry), STATUS_NOT_FOUND);
        assert_int_equal(wal_commit_index(made.wal), 5);
        made_close(&made);
        assert_int_equal(made_open(&made), STATUS_OK);
    }
    made_free(&made);
}

/* Term and vote are what was last set. */
TEST(wal, remembers_term_and_vote)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_term(made.wal), 0);
    assert_int_equal(wal_set_vote(made.wal, 4, 2), STATUS_OK);
    assert_int_equal(wal_set_vote(made.wal, 5, 3), STATUS_OK);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_term(made.wal), 5);
    assert_int_equal(wal_voted_for(made.wal), 3);
    made_free(&made);
}

/* Configurations are found by the index they were in force at. */
TEST(wal, finds_the_configuration_of_an_index)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= 20; i++) {
        const uint32_t type = i == 1 || i == 9 || i == 15 ? WAL_CONFIGURATION : WAL_COMMANDS;
        const struct wal_entry entry = {i, 1, type, 10, made_bytes(i, 1, 10)};
        assert_int_equal(wal_append(made.wal, &entry, 1, 0), STATUS_OK);
    }
    for (int life = 0; life < 2; life++) {
        assert_int_equal(wal_configuration_index(made.wal, 8), 1);
        assert_int_equal(wal_configuration_index(made.wal, 9), 9);
        assert_int_equal(wal_configuration_index(made.wal, 100), 15);
        assert_int_equal(wal_configuration_index(made.wal, 0), 0);
        made_close(&made);
        assert_int_equal(made_open(&made), STATUS_OK);
    }
    assert_int_equal(made_append(&made, 9, 2, 10, 0), STATUS_OK); /* replaces 9 and 15 */
    assert_int_equal(wal_configuration_index(made.wal, 100), 1);
    made_free(&made);
}

/* ---- A disk that fails after some writes ---- */

static struct {
    struct wal_disk disk;
    const struct wal_disk *real;
    int writes_left;
    int64_t answer; /* of the write that fails */
} failing;

static int64_t failing_write(void *context, int file, uint64_t offset, const void *bytes,
                             size_t byte_count)
{
    if (failing.writes_left-- > 0)
        return failing.real->write(context, file, offset, bytes, byte_count);
    return failing.answer;
}

/* Opens, appends until it fails with `expected`, and checks that nothing acknowledged is missing on
 * the healed disk. */
static void fail_and_heal(int64_t answer, int writes, enum status expected)
{
    struct made made = made_new("/tmp");
    failing.disk = *made.disk;
    failing.real = made.disk;
    failing.disk.write = failing_write;
    failing.writes_left = writes;
    failing.answer = answer;
    made.options.disk = &failing.disk;
    assert_int_equal(made_open(&made), STATUS_OK);
    uint64_t last = 0;
    enum status status;
    while ((status = made_append(&made, last + 1, 1, 2000, 0)) == STATUS_OK) {
        assert_true(++last < 1000);
        status = wal_prepare(made.wal);
        if (status != STATUS_OK) break;
    }
    assert_int_equal(status, expected);
    /* Failed once, it stays failed, though the disk would work again. */
    failing.writes_left = 1000;
    struct wal_entry entry;
    assert_int_equal(made_append(&made, last + 1, 1, 10, 0), expected);
    assert_int_equal(wal_read(made.wal, 1, &entry), expected);
    assert_int_equal(wal_set_vote(made.wal, 99, 1), expected);
    assert_int_equal(wal_prepare(made.wal), expected);
    made_close(&made);

    assert_int_equal(made_open(&made), STATUS_OK);
    assert_true(wal_last_index(made.wal) >= last);
    for (uint64_t i = 1; i <= last; i++)
        assert_true(made_has(&made, i, 1, 2000));
    made_free(&made);
}

/* Disk full, a failing disk, a short write: the log stops with the right status, at whichever write
 * it happens, and what was acknowledged is there. */
TEST(wal, stops_at_the_first_failure_and_loses_nothing)
{
    for (int writes = 8; writes < 40; writes++) {
        fail_and_heal(-ENOSPC, writes, STATUS_NO_SPACE);
        fail_and_heal(-EIO, writes, STATUS_IO);
        fail_and_heal(512, writes, STATUS_IO);
    }
}
