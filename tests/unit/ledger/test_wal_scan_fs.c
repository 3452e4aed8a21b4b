#include "tests/unit/ledger/wal_files_made.h"

#define SEGMENT_1 "000000000001.wal"
#define SEGMENT_2 "000000000002.wal"

/* Where entry `index` lies when each took one block of the first segment. */
static uint64_t place_of(uint64_t index)
{
    return WAL_RECORDS_OFFSET + WAL_BLOCK_BYTES * (index - 1);
}

static struct made filled(uint64_t last)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, last, 200);
    return made;
}

/* Leaves the log as a power cut does: without the note of a clean stop. */
static void crash(struct made *made, const char *vote_before)
{
    made_close(made);
    made_write(made, "vote", 0, vote_before, 8192);
}

static void vote_save(struct made *made, char vote[8192])
{
    char path[128];
    snprintf(path, sizeof(path), "%s/vote", made->directory);
    const int file = open(path, O_RDONLY);
    assert_int_equal(read(file, vote, 8192), 8192);
    close(file);
}

/* Any changed byte of any entry that a later write proves durable is named: the file, the place, the
 * entry. The log does not open. */
TEST(wal_scan, names_damage_below_a_later_write)
{
    struct made made = filled(10);
    made_close(&made);
    for (uint64_t index = 1; index < 10; index++) {
        for (uint64_t at = 3; at < WAL_BLOCK_BYTES; at += 409) {
            made_flip(&made, SEGMENT_1, place_of(index) + at);
            assert_int_equal(made_open(&made), STATUS_DAMAGED);
            assert_string_equal(made.damage.file, SEGMENT_1);
            assert_int_equal(made.damage.offset, place_of(index));
            assert_int_equal(made.damage.index, index);
            assert_non_null(made.damage.what);
            made_flip(&made, SEGMENT_1, place_of(index) + at);
        }
    }
    assert_int_equal(made_open(&made), STATUS_OK);
    made_free(&made);
}

/* The last write is proved by the vote file after a clean stop, and by nothing after a power cut:
 * damage then, a torn tail now. */
TEST(wal_scan, last_write_is_proved_by_the_clean_stop_alone)
{
    static char vote[8192];
    struct made made = filled(10);
    vote_save(&made, vote);
    made_close(&made);
    made_flip(&made, SEGMENT_1, place_of(10) + 130);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_int_equal(made.damage.index, 10);

    made_write(&made, "vote", 0, vote, sizeof(vote));
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 9);
    made_free(&made);
}

/* A tail that was cut stays cut: new entries take its place, also when the rest of the torn write is
 * whole, and the old bytes never come back. */
TEST(wal_scan, a_cut_tail_does_not_come_back)
{
    static char vote[8192];
    struct made made = filled(5);
    vote_save(&made, vote);
    struct wal_entry group[4];
    static uint8_t bytes[4][5000];
    for (uint64_t i = 0; i < 4; i++) {
        memcpy(bytes[i], made_bytes(6 + i, 1, 5000), 5000);
        group[i] = (struct wal_entry){6 + i, 1, WAL_COMMANDS, 5000, bytes[i]};
    }
    assert_int_equal(wal_append(made.wal, group, 4, 0), STATUS_OK);
    crash(&made, vote);

    /* The second entry of the group is torn; the third and fourth are whole. */
    made_flip(&made, SEGMENT_1, place_of(6) + 5112 + 3000);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 6);
    assert_true(made_has(&made, 6, 1, 5000));
    made_close(&made);
    made_flip(&made, SEGMENT_1, place_of(6) + 5112 + 3000); /* as if the sector were good again */
    made_write(&made, SEGMENT_1, place_of(6) + 5112 + 3000, "\0", 1);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 6);
    assert_int_equal(made_append(&made, 7, 2, 100, 6), STATUS_OK);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 7);
    assert_true(made_has(&made, 6, 1, 5000));
    assert_true(made_has(&made, 7, 2, 100));
    made_free(&made);
}

/* Zeros where a record was are damage like anything else. */
TEST(wal_scan, zeros_below_a_later_write_are_damage)
{
    static const uint8_t zeros[WAL_BLOCK_BYTES];
    struct made made = filled(10);
    made_close(&made);
    made_write(&made, SEGMENT_1, place_of(4), zeros, sizeof(zeros));
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_int_equal(made.damage.index, 4);
    assert_string_equal(made.damage.what, "there are zeros where a record was");
    made_free(&made);
}

/* Damage in one segment is proved by a record in the next. */
TEST(wal_scan, names_damage_proved_by_the_next_segment)
{
    static char vote[8192];
    struct made made = filled(12);
    vote_save(&made, vote);
    made_fill(&made, 13, 20, 200); /* the first segment holds 12 blocks of records */
    crash(&made, vote);
    made_flip(&made, SEGMENT_1, place_of(12) + 120);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.file, SEGMENT_1);
    assert_int_equal(made.damage.index, 12);
    made_free(&made);
}

/* Headers, missing files and cut files are named. */
TEST(wal_scan, names_damaged_and_missing_files)
{
    struct made made = filled(40);
    made_close(&made);
    made_flip(&made, SEGMENT_2, 20);
    made_flip(&made, SEGMENT_2, WAL_HEADER_BYTES + 300);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.file, SEGMENT_2);
    assert_int_equal(made.damage.offset, 0);
    made_flip(&made, SEGMENT_2, 20);
    made_flip(&made, SEGMENT_2, WAL_HEADER_BYTES + 300);

    char path[128], hidden[128];
    snprintf(path, sizeof(path), "%s/%s", made.directory, SEGMENT_2);
    snprintf(hidden, sizeof(hidden), "%s/hidden", made.directory);
    assert_int_equal(rename(path, hidden), 0);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.file, SEGMENT_1);
    assert_string_equal(made.damage.what, "the segment after it is missing");
    assert_int_equal(rename(hidden, path), 0);

    assert_int_equal(truncate(path, 8192), 0);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.file, SEGMENT_2);
    made_free(&made);
}

/* One copy of a header that rots is made again from the other, in every segment. */
TEST(wal_scan, repairs_one_copy_of_a_header)
{
    struct made made = filled(40);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    for (uint64_t copy = 0; copy < 2; copy++) {
        made_flip(&made, SEGMENT_1, copy * WAL_HEADER_BYTES + 50);
        made_flip(&made, SEGMENT_2, copy * WAL_HEADER_BYTES + 5000);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_true(hash_equal(wal_last_hash(made.wal), hash));
        made_close(&made);
    }
    made_free(&made);
}

/* A log whose vote file is gone, or whose vote file alone is left, does not start. */
TEST(wal_scan, refuses_a_log_without_its_other_half)
{
    struct made made = filled(3);
    made_close(&made);
    char path[128], hidden[128];
    snprintf(path, sizeof(path), "%s/vote", made.directory);
    snprintf(hidden, sizeof(hidden), "%s/hidden", made.directory);
    assert_int_equal(rename(path, hidden), 0);
    assert_int_equal(made_open(&made), STATUS_AMNESIAC);
    assert_int_equal(rename(hidden, path), 0);

    for (int i = 1; i <= 2; i++) {
        snprintf(path, sizeof(path), "%s/%012d.wal", made.directory, i);
        unlink(path);
    }
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.what, "every segment is missing");
    made_free(&made);
}

/* One slot of the vote file may rot: the other one is used and both are made good. */
TEST(wal_scan, repairs_one_slot_of_the_vote_file)
{
    struct made made = filled(3);
    assert_int_equal(wal_set_vote(made.wal, 9, 2), STATUS_OK);
    made_close(&made);
    for (uint64_t slot = 0; slot < 2; slot++) {
        made_flip(&made, "vote", slot * WAL_BLOCK_BYTES + 30);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_term(made.wal), 9);
        made_close(&made);
    }
    made_flip(&made, "vote", 30);
    made_flip(&made, "vote", WAL_BLOCK_BYTES + 30);
    assert_int_equal(made_open(&made), STATUS_AMNESIAC);
    made_free(&made);
}

/* Another chain's or another node's log is refused as that, not as damage. */
TEST(wal_scan, refuses_a_log_that_is_not_ours)
{
    struct made made = filled(3);
    made_close(&made);
    made.options.node = 8;
    assert_int_equal(made_open(&made), STATUS_MISMATCH);
    made.options.node = 7;
    made.options.chain_id = hash_of("other", 5);
    assert_int_equal(made_open(&made), STATUS_MISMATCH);
    made_free(&made);
}
