#include "tests/unit/ledger/wal_files_made.h"

static struct made opened(void)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    return made;
}

/* Files of the directory whose name ends like this. */
static unsigned count_of(const struct made *made, const char *suffix)
{
    unsigned count = 0;
    DIR *directory = opendir(made->directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        count += end != NULL && strcmp(end, suffix) == 0;
    }
    closedir(directory);
    return count;
}

static void recycle(struct made *made, uint64_t index)
{
    assert_int_equal(wal_recycle(made->wal, index), STATUS_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(wal_prepare(made->wal), STATUS_OK);
}

/* Needs: every entry took one block, twelve to a segment. */
static void assert_holds(struct made *made, uint64_t base, uint64_t last, hash_t hash)
{
    struct wal_entry entry;
    assert_int_equal(wal_base_index(made->wal), base);
    assert_int_equal(wal_last_index(made->wal), last);
    assert_true(hash_equal(wal_last_hash(made->wal), hash));
    assert_int_equal(wal_read(made->wal, base, &entry), STATUS_NOT_FOUND);
    for (uint64_t i = base + 1; i <= last; i++)
        assert_true(made_has(made, i, 1, 200));
    assert_true(wal_check(made->wal));
}

/* Only segments that lie wholly at or below the index go, never the one written to; what is left is all there,
 * now and after a restart, and the base says term and hash of the entry before it. */
TEST(wal_segment, gives_back_whole_segments_below_an_index)
{
    struct made made = opened();
    made_fill(&made, 1, 60, 200);
    uint64_t term, base_term;
    hash_t hash, base_hash;
    recycle(&made, 11);
    assert_holds(&made, 0, 60, wal_last_hash(made.wal));
    assert_int_equal(wal_hash(made.wal, 24, &term, &hash), STATUS_OK);
    recycle(&made, 35); /* 36 ends the third */
    assert_holds(&made, 24, 60, wal_last_hash(made.wal));
    assert_int_equal(wal_hash(made.wal, 24, &base_term, &base_hash), STATUS_OK);
    assert_true(hash_equal(hash, base_hash) && term == base_term);
    assert_int_equal(wal_hash(made.wal, 23, &term, &hash), STATUS_NOT_FOUND);
    assert_int_equal(wal_hash(made.wal, 61, &term, &hash), STATUS_NOT_FOUND);
    hash = wal_last_hash(made.wal);
    for (int life = 0; life < 2; life++) {
        made_close(&made);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_holds(&made, 24, 60, hash);
    }
    recycle(&made, 60);
    assert_holds(&made, 48, 60, hash);
    made_free(&made);
}

/* Files that were given back are written again, with what they held still in them, and none of it comes back. At
 * most WAL_SPARES_MAX are kept. */
TEST(wal_segment, writes_spare_files_again)
{
    struct made made = opened();
    made_fill(&made, 1, 120, 200);
    recycle(&made, 120);
    assert_int_equal(count_of(&made, ".spare"), WAL_SPARES_MAX);
    assert_int_equal(count_of(&made, ".wal"), 1);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 121, 150, 200);
    assert_int_equal(count_of(&made, ".new"), 0);
    assert_int_equal(count_of(&made, ".spare") + count_of(&made, ".wal"), WAL_SPARES_MAX + 1);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_holds(&made, 108, 150, hash);
    assert_int_equal(wal_cut_index(made.wal), 0); /* what an earlier life left is no torn tail */
    made_free(&made);
}

/* Files wait to be given back until there is time, or until one is needed; a start removes what waited. */
TEST(wal_segment, gives_files_back_one_at_a_time)
{
    struct made made = opened();
    made_fill(&made, 1, 120, 200);
    assert_int_equal(wal_recycle(made.wal, 120), STATUS_OK);
    assert_int_equal(wal_base_index(made.wal), 108);
    const unsigned waiting = count_of(&made, ".wal");
    assert_int_equal(waiting, 10);
    assert_int_equal(wal_prepare(made.wal), STATUS_OK);
    assert_int_equal(count_of(&made, ".wal"), waiting - 1);
    for (uint64_t i = 121; i <= 170; i++) /* without a wal_prepare between */
        assert_int_equal(made_append(&made, i, 1, 200, 0), STATUS_OK);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_holds(&made, 108, 170, hash);
    assert_int_equal(count_of(&made, ".wal"), 6);
    made_free(&made);
}

/* Spares of another size are not used: they are removed. */
TEST(wal_segment, removes_spares_of_another_size)
{
    struct made made = opened();
    made_fill(&made, 1, 60, 200);
    recycle(&made, 60);
    made_close(&made);
    made.options.segment_bytes = 2 * WAL_SEGMENT_BYTES_MIN;
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(count_of(&made, ".spare"), 0);
    made_fill(&made, 61, 120, 200);
    recycle(&made, 60); /* of the old size */
    assert_int_equal(count_of(&made, ".spare"), 0);
    made_free(&made);
}

/* The configuration in force at the base is known although its entry is gone. */
TEST(wal_segment, keeps_the_configuration_below_the_base)
{
    struct made made = opened();
    struct wal_entry entry = {1, 1, WAL_CONFIGURATION, 900, made_bytes(1, 1, 900)};
    assert_int_equal(wal_append(made.wal, &entry, 1, 0), STATUS_OK);
    made_fill(&made, 2, 30, 200);
    entry = (struct wal_entry){31, 1, WAL_CONFIGURATION, 777, made_bytes(31, 1, 777)};
    assert_int_equal(wal_append(made.wal, &entry, 1, 0), STATUS_OK);
    made_fill(&made, 32, 90, 200);
    for (uint64_t below = 15; below < 90; below += 15) {
        recycle(&made, below);
        const uint64_t base = wal_base_index(made.wal);
        const uint64_t at = base < 31 ? 1 : 31;
        const uint32_t length = base < 31 ? 900 : 777;
        assert_int_equal(wal_base(made.wal)->configuration_index, at);
        assert_int_equal(wal_base(made.wal)->configuration_bytes, length);
        assert_int_equal(wal_read_configuration(made.wal, base, &entry), STATUS_OK);
        assert_int_equal(entry.index, at);
        assert_int_equal(entry.length, length);
        assert_memory_equal(entry.bytes, made_bytes(at, 1, length), length);
        assert_int_equal(wal_read_configuration(made.wal, 90, &entry), STATUS_OK);
        assert_int_equal(entry.index, 31);
        made_close(&made);
        assert_int_equal(made_open(&made), STATUS_OK);
    }
    made_free(&made);
}

/* A segment that begins with entries in place of older ones says of the log before it what is no longer so: the
 * log does not begin with it. */
TEST(wal_segment, does_not_begin_with_a_base_that_was_replaced)
{
    struct made made = opened();
    made_fill(&made, 1, 30, 200); /* the third segment begins after 24 */
    for (uint64_t i = 20; i <= 60; i++)
        assert_int_equal(made_append(&made, i, 2, 200, i - 1), STATUS_OK);
    recycle(&made, 24);
    assert_int_equal(wal_base_index(made.wal), 12);
    uint64_t term;
    hash_t hash, base_hash;
    const uint64_t committed = wal_commit_index(made.wal);
    assert_int_equal(wal_hash(made.wal, 36, &term, &hash), STATUS_OK);
    recycle(&made, committed);
    const uint64_t base = wal_base_index(made.wal);
    assert_true(base > 24);
    assert_int_equal(wal_hash(made.wal, base, &term, &base_hash), STATUS_OK);
    assert_int_equal(term, 2);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = base + 1; i <= 60; i++)
        assert_true(made_has(&made, i, 2, 200));
    made_free(&made);
}

/* A torn tail in a file that is written again is cut for good: what the earlier life left behind it is not
 * touched and not taken. The last index that may be lost is remembered until the log has got there. */
TEST(wal_segment, cuts_a_torn_tail_between_stale_bytes)
{
    static char vote[8192];
    struct made made = opened();
    made_fill(&made, 1, 60, 200);
    recycle(&made, 60);
    made_fill(&made, 61, 75, 200); /* three entries into a file that was written before */
    char path[128];
    snprintf(path, sizeof(path), "%s/vote", made.directory);
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, vote, sizeof(vote)), sizeof(vote));
    close(file);
    struct wal_entry group[4];
    static uint8_t bytes[4][5000];
    for (uint64_t i = 0; i < 4; i++) {
        memcpy(bytes[i], made_bytes(76 + i, 1, 5000), 5000);
        group[i] = (struct wal_entry){76 + i, 1, WAL_COMMANDS, 5000, bytes[i]};
    }
    assert_int_equal(wal_append(made.wal, group, 4, 0), STATUS_OK);
    made_close(&made);
    made_write(&made, "vote", 0, vote, sizeof(vote)); /* as the power cut left it */
    made_flip(&made, "000000000007.wal", WAL_RECORDS_OFFSET + 3 * 4096 + 300);

    for (int life = 0; life < 2; life++) {
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_last_index(made.wal), 75);
        assert_int_equal(wal_cut_index(made.wal), 79);
        made_close(&made);
    }
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 76; i <= 79; i++) {
        assert_int_equal(wal_cut_index(made.wal), 79);
        assert_int_equal(made_append(&made, i, 2, 200, 75), STATUS_OK);
    }
    assert_int_equal(wal_cut_index(made.wal), 0);
    made_close(&made);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_cut_index(made.wal), 0);
    assert_int_equal(wal_last_index(made.wal), 79);
    made_free(&made);
}
