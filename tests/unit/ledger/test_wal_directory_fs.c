#include "tests/unit/ledger/wal_files_made.h"

static void path_of(const struct made *made, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", made->directory, name);
}

/* Whoever has never voted says so once; afterwards a directory without a vote file has forgotten. */
TEST(wal_directory, an_empty_one_is_a_log_only_when_it_was_made)
{
    struct made made = made_new("/tmp");
    made.options.create = false;
    assert_int_equal(made_open(&made), STATUS_AMNESIAC);
    assert_int_equal(wal_create(&made.options), STATUS_OK);
    assert_int_equal(wal_create(&made.options), STATUS_EXISTS);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_term(made.wal), 0);
    made_fill(&made, 1, 3, 100);
    made_close(&made);
    assert_int_equal(wal_create(&made.options), STATUS_EXISTS);
    char path[128];
    path_of(&made, "vote", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(wal_create(&made.options), STATUS_EXISTS); /* there is a log */
    assert_int_equal(made_open(&made), STATUS_AMNESIAC);
    made.options.create = true;
    assert_int_equal(made_open(&made), STATUS_AMNESIAC);
    made_free(&made);
}

/* What a cut left half done is gone at the next start, and nothing else. */
TEST(wal_directory, removes_what_was_begun)
{
    static const char *const begun[] = {"000000000001.new", "vote.new", "000000000009.patch",
                                        "000000000099.spare"};
    struct made made = made_new("/tmp");
    char path[128];
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 30, 200);
    made_close(&made);
    path_of(&made, "000000000001.wal", path);
    char header[WAL_RECORDS_OFFSET];
    struct wal_segment segment;
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, header, sizeof(header)), sizeof(header));
    close(file);
    assert_null(wal_segment_get((const uint8_t *)header, &segment));
    segment.sequence = segment.patch = 9;
    static uint8_t copy[WAL_HEADER_BYTES];
    wal_segment_put(copy, &segment);
    for (size_t i = 0; i < 4; i++) {
        path_of(&made, begun[i], path);
        file = open(path, O_RDWR | O_CREAT, 0600);
        assert_int_equal(write(file, copy, sizeof(copy)), sizeof(copy));
        close(file);
    }
    assert_int_equal(made_open(&made), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        path_of(&made, begun[i], path);
        assert_int_equal(access(path, F_OK), -1);
    }
    for (uint64_t i = 1; i <= 30; i++)
        assert_true(made_has(&made, i, 1, 200));
    made_free(&made);
}

/* The vote file says with which segment the log begins: an older one that is left is removed, and a newer one in its
 * place is damage. */
TEST(wal_directory, knows_with_which_segment_the_log_begins)
{
    struct made made = made_new("/tmp");
    char path[128], kept[128];
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 40, 200);
    path_of(&made, "000000000001.wal", path);
    path_of(&made, "kept", kept);
    assert_int_equal(link(path, kept), 0);
    assert_int_equal(wal_recycle(made.wal, 30), STATUS_OK);
    made_close(&made);
    assert_int_equal(rename(kept, path), 0); /* as if the power had gone before it was given back */
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_base_index(made.wal), 24);
    assert_int_equal(access(path, F_OK), -1);
    made_close(&made);

    path_of(&made, "000000000003.wal", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_string_equal(made.damage.what, "the segment before it is missing");
    made_free(&made);
}
