#include "ledger/wal_repair.h"

#include "tests/unit/ledger/wal_files_made.h"

#define SEGMENT_1  "000000000001.wal"
#define SEGMENT_2  "000000000002.wal"
#define SEGMENT_3  "000000000003.wal"
#define IN_SEGMENT 12 /* entries of one block each */

static struct wal_hole holes[WAL_HOLES_MAX];
static uint32_t hole_count;

/* A log of `last` entries that was closed; `hashes` get the running hash after each. */
static struct made filled(uint64_t last, hash_t *hashes)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= last; i++) {
        assert_int_equal(made_append(&made, i, 1, 200, i - 1), STATUS_OK);
        hashes[i] = wal_last_hash(made.wal);
    }
    hashes[0] = made.options.chain_id;
    made_close(&made);
    return made;
}

static uint64_t place_of(uint64_t index)
{
    return WAL_RECORDS_OFFSET + WAL_BLOCK_BYTES * ((index - 1) % IN_SEGMENT);
}

static void rot(struct made *made, uint64_t index)
{
    char name[32];
    snprintf(name, sizeof(name), "%012d.wal", (int)((index - 1) / IN_SEGMENT) + 1);
    made_flip(made, name, place_of(index) + 130);
}

static void rot_header(struct made *made, const char *name)
{
    made_flip(made, name, 90);
    made_flip(made, name, WAL_HEADER_BYTES + 90);
}

static void survey(struct made *made, uint32_t expected)
{
    assert_int_equal(wal_survey(&made->options, holes, &hole_count), STATUS_DAMAGED);
    assert_int_equal(hole_count, expected);
}

static enum status add(struct wal_patch *patch, uint64_t index)
{
    const struct wal_entry entry = {index, 1, WAL_COMMANDS, 200, made_bytes(index, 1, 200)};
    return wal_patch_add(patch, &entry);
}

/* Gives every entry that is asked for, and at the tail those up to `last`; ends with the hash there. */
static void mend(struct made *made, const struct wal_base *base, uint64_t last,
                 const hash_t *hashes)
{
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made->options, base, &patch), STATUS_OK);
    while (wal_patch_needs(patch, &hole)) {
        assert_true(hash_equal(hole.previous, hashes[hole.first - 1]));
        assert_int_equal(add(patch, hole.first), STATUS_OK);
    }
    while (wal_patch_last_index(patch) < last)
        assert_int_equal(add(patch, wal_patch_last_index(patch) + 1), STATUS_OK);
    assert_int_equal(wal_patch_last_index(patch), last);
    assert_int_equal(wal_patch_end(patch, &hashes[last]), STATUS_OK);
}

static void assert_whole(struct made *made, uint64_t base, uint64_t last, const hash_t *hashes)
{
    assert_int_equal(wal_survey(&made->options, holes, &hole_count), STATUS_OK);
    assert_int_equal(hole_count, 0);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(made_open(made), STATUS_OK);
        assert_int_equal(wal_base_index(made->wal), base);
        assert_int_equal(wal_last_index(made->wal), last);
        assert_true(hash_equal(wal_last_hash(made->wal), hashes[last]));
        for (uint64_t i = base + 1; i <= last; i++)
            assert_true(made_has(made, i, 1, 200));
        assert_true(wal_check(made->wal));
        assert_int_equal(wal_term(made->wal), 0);
        made_close(made);
    }
}

static unsigned quarantined(const struct made *made)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/quarantine", made->directory);
    DIR *directory = opendir(path);
    if (directory == NULL) return 0;
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static hash_t hashes[200];

/* A log that is whole has no holes, and mending it changes nothing. */
TEST(wal_patch, leaves_a_whole_log_alone)
{
    struct made made = filled(40, hashes);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_survey(&made.options, holes, &hole_count), STATUS_OK);
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_false(wal_patch_needs(patch, &hole));
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_whole(&made, 0, 40, hashes);
    assert_int_equal(quarantined(&made), 0);
    made_free(&made);
}

/* Single entries, runs of them, and the end: each hole is told by its entries, and filled. */
TEST(wal_patch, fills_every_hole_with_the_entries_of_others)
{
    struct made made = filled(40, hashes);
    rot(&made, 5);
    rot(&made, 6);
    rot(&made, 20);
    rot(&made, 40);
    survey(&made, 3);
    assert_int_equal(holes[0].first, 5);
    assert_int_equal(holes[0].last, 6);
    assert_true(hash_equal(holes[0].previous, hashes[4]));
    assert_false(holes[0].tail);
    assert_int_equal(holes[1].first, 20);
    assert_int_equal(holes[1].last, 20);
    assert_true(holes[2].tail && holes[2].last == 40 && holes[2].first > 20);
    mend(&made, NULL, 40, hashes);
    assert_whole(&made, 0, 40, hashes);
    assert_int_equal(quarantined(&made), 4);
    made_free(&made);
}

/* A header of which both copies rotted, and a file that is gone, are holes of all their entries. */
TEST(wal_patch, fills_lost_headers_and_files)
{
    static const char *const names[] = {SEGMENT_1, SEGMENT_2, SEGMENT_3};
    for (uint64_t at = 0; at < 3; at++) {
        for (int gone = 0; gone < 2; gone++) {
            struct made made = filled(40, hashes);
            char path[128];
            snprintf(path, sizeof(path), "%s/%s", made.directory, names[at]);
            if (gone)
                assert_int_equal(unlink(path), 0);
            else
                rot_header(&made, names[at]);
            survey(&made, 1);
            assert_int_equal(holes[0].first, at * IN_SEGMENT + 1);
            assert_int_equal(holes[0].last, (at + 1) * IN_SEGMENT);
            mend(&made, NULL, 40, hashes);
            assert_whole(&made, 0, 40, hashes);
            made_free(&made);
        }
    }
}

/* Entries that do not lead to the next record get nowhere, and the log is as it was until the right ones come. */
TEST(wal_patch, refuses_entries_that_the_hash_does_not_prove)
{
    struct made made = filled(40, hashes);
    rot(&made, 15);
    rot(&made, 16);
    struct wal_patch *patch;
    struct wal_hole hole;
    struct wal_entry entry = {15, 1, WAL_COMMANDS, 200, NULL};
    for (int wrong = 0; wrong < 4; wrong++) {
        assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
        entry =
            (struct wal_entry){15, wrong == 0 ? 2 : 1, wrong == 1 ? WAL_BARRIER : WAL_COMMANDS,
                               wrong == 2 ? 199 : 200, made_bytes(wrong == 3 ? 99 : 15, 1, 200)};
        assert_int_equal(wal_patch_add(patch, &entry), STATUS_OK);
        assert_int_equal(add(patch, 17), STATUS_MALFORMED); /* not the next one */
        assert_int_equal(add(patch, 16), STATUS_MISMATCH);
        assert_true(wal_patch_needs(patch, &hole));
        assert_true(hole.first <= 15 && hole.first > 12); /* not below what was committed */
        assert_true(hash_equal(hole.previous, hashes[hole.first - 1]));
        wal_patch_drop(patch);
        assert_int_equal(made_open(&made), STATUS_DAMAGED);
    }
    /* The right ones behind the wrong ones. */
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_int_equal(wal_patch_add(patch, &entry), STATUS_OK);
    assert_int_equal(add(patch, 16), STATUS_MISMATCH);
    while (wal_patch_needs(patch, &hole))
        assert_int_equal(add(patch, hole.first), STATUS_OK);
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_whole(&made, 0, 40, hashes);
    made_free(&made);
}

/* At the tail somebody must vouch for the hash; with another one nothing changes. */
TEST(wal_patch, takes_a_tail_only_with_the_hash_that_was_vouched_for)
{
    struct made made = filled(30, hashes);
    rot(&made, 30);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_true(wal_patch_needs(patch, &hole) && hole.tail);
    while (wal_patch_needs(patch, &hole))
        assert_int_equal(add(patch, hole.first), STATUS_OK);
    assert_int_equal(wal_patch_end(patch, &hashes[29]), STATUS_MISMATCH);
    survey(&made, 1);
    mend(&made, NULL, 30, hashes);
    assert_whole(&made, 0, 30, hashes);
    made_free(&made);
}

/* A tail that nobody has is left open; the log says up to where it may have acknowledged more than it has. */
TEST(wal_patch, remembers_a_tail_that_was_not_filled)
{
    struct made made = filled(30, hashes);
    rot(&made, 29);
    rot(&made, 30);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_true(wal_patch_needs(patch, &hole) && hole.tail);
    const uint64_t last = hole.first - 1;
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_last_index(made.wal), last);
        assert_int_equal(wal_cut_index(made.wal), 30);
        made_close(&made);
    }
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = last + 1; i <= 30; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 0), STATUS_OK);
    assert_int_equal(wal_cut_index(made.wal), 0);
    made_close(&made);
    assert_whole(&made, 0, 30, hashes);
    made_free(&made);
}

/* Above a checkpoint what is lost below it is not needed, and only what lies above is asked for. */
TEST(wal_patch, begins_above_a_checkpoint)
{
    const uint64_t bases[] = {4, 5, 6, 12, 19, 20, 30, 40};
    for (size_t at = 0; at < 8; at++) {
        struct made made = filled(40, hashes);
        rot(&made, 5);
        rot(&made, 20);
        const struct wal_base base = {.index = bases[at],
                                      .term = 1,
                                      .hash = hashes[bases[at]],
                                      .configuration_index = 1,
                                      .configuration = made_bytes(1, 1, 33),
                                      .configuration_bytes = 33};
        struct wal_base other = base;
        other.hash = hashes[1];
        struct wal_patch *patch;
        struct wal_hole hole;
        if (bases[at] != 4 && bases[at] != 19 && bases[at] != 40)
            assert_int_equal(wal_patch_begin(&made.options, &other, &patch), STATUS_MISMATCH);
        assert_int_equal(wal_patch_begin(&made.options, &base, &patch), STATUS_OK);
        assert_int_equal(wal_patch_needs(patch, &hole), bases[at] < 20);
        if (bases[at] < 20) assert_int_equal(hole.first, bases[at] < 5 ? 5 : 20);
        wal_patch_drop(patch);
        mend(&made, &base, 40, hashes);
        assert_whole(&made, bases[at], 40, hashes);
        assert_int_equal(quarantined(&made), 4);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_base(made.wal)->configuration_bytes, 33);
        assert_memory_equal(wal_base(made.wal)->configuration, made_bytes(1, 1, 33), 33);
        made_free(&made);
    }
}

/* A log whose every file is gone begins at a checkpoint, or at its first entry with the entries of others. */
TEST(wal_patch, makes_a_lost_log_anew)
{
    for (int above = 0; above < 2; above++) {
        struct made made = filled(30, hashes);
        char path[128];
        for (int i = 1; i <= 3; i++) {
            snprintf(path, sizeof(path), "%s/%012d.wal", made.directory, i);
            assert_int_equal(unlink(path), 0);
        }
        survey(&made, 1);
        assert_int_equal(holes[0].first, 1);
        assert_int_equal(holes[0].last, 30);
        const struct wal_base base = {.index = 17, .term = 1, .hash = hashes[17]};
        mend(&made, above ? &base : NULL, 30, hashes);
        assert_whole(&made, above ? 17 : 0, 30, hashes);
        made_free(&made);
    }
}

/* Damage among records that later ones replaced loses nothing: no entry is asked for. */
TEST(wal_patch, asks_for_nothing_that_was_replaced)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 10, 200);
    for (uint64_t i = 6; i <= 9; i++)
        assert_int_equal(made_append(&made, i, 2, 200, 5), STATUS_OK);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    made_flip(&made, SEGMENT_1, place_of(8) + 140);
    assert_int_equal(made_open(&made), STATUS_DAMAGED);
    assert_int_equal(wal_survey(&made.options, holes, &hole_count), STATUS_DAMAGED);
    assert_int_equal(hole_count, 0);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_false(wal_patch_needs(patch, &hole));
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_true(hash_equal(wal_last_hash(made.wal), hash));
    for (uint64_t i = 1; i <= 9; i++)
        assert_true(made_has(&made, i, i <= 5 ? 1 : 2, 200));
    made_free(&made);
}

/* Records that cannot be read may have replaced what can: when the entries of others do not fit behind it, the hole
 * is asked for again from what was committed on. */
TEST(wal_patch, widens_a_hole_whose_records_replaced_others)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= 6; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 3), STATUS_OK);
    for (uint64_t i = 5; i <= 9; i++)
        assert_int_equal(made_append(&made, i, 2, 200, 3), STATUS_OK);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    for (uint64_t block = 6; block < 9; block++) /* 5, 6 and 7 of term 2 */
        made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + block * WAL_BLOCK_BYTES + 150);
    survey(&made, 1);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    enum status status = STATUS_OK;
    unsigned refused = 0;
    while (wal_patch_needs(patch, &hole)) {
        const uint64_t index = hole.first, term = index < 5 ? 1 : 2;
        const struct wal_entry entry = {index, term, WAL_COMMANDS, 200,
                                        made_bytes(index, term, 200)};
        status = wal_patch_add(patch, &entry);
        if (status == STATUS_MISMATCH) refused++;
        assert_true(status == STATUS_OK || (status == STATUS_MISMATCH && refused == 1));
    }
    assert_int_equal(refused, 1);
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_true(hash_equal(wal_last_hash(made.wal), hash));
    for (uint64_t i = 1; i <= 9; i++)
        assert_true(made_has(&made, i, i < 5 ? 1 : 2, 200));
    made_free(&made);
}

/* Above a checkpoint, too, entries that can be read may be what a hole replaced: the checkpoint's hash tells. */
TEST(wal_patch, asks_for_what_does_not_follow_from_the_checkpoint)
{
    struct made made = made_new("/tmp");
    hash_t after_four = {{0}};
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 2), STATUS_OK);
    for (uint64_t i = 4; i <= 8; i++) {
        assert_int_equal(made_append(&made, i, 2, 200, 2), STATUS_OK);
        if (i == 4) after_four = wal_last_hash(made.wal);
    }
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    for (uint64_t block = 5; block < 9; block++) /* 4 to 7 of term 2 */
        made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + block * WAL_BLOCK_BYTES + 150);
    survey(&made, 1);
    assert_int_equal(holes[0].first, 6); /* 5 of term 1 can be read */
    const struct wal_base base = {.index = 4, .term = 2, .hash = after_four};
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, &base, &patch), STATUS_OK);
    assert_true(wal_patch_needs(patch, &hole));
    assert_int_equal(hole.first, 5);
    assert_int_equal(hole.last, 7);
    while (wal_patch_needs(patch, &hole)) {
        const struct wal_entry entry = {hole.first, 2, WAL_COMMANDS, 200,
                                        made_bytes(hole.first, 2, 200)};
        assert_int_equal(wal_patch_add(patch, &entry), STATUS_OK);
    }
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_base_index(made.wal), 4);
    assert_true(hash_equal(wal_last_hash(made.wal), hash));
    made_free(&made);
}

/* Between two holes may lie the record of a cut alone, and an entry: it is read from where it lies. */
TEST(wal_patch, reads_an_entry_between_a_cut_and_a_hole)
{
    static char vote[8192];
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    char path[128];
    snprintf(path, sizeof(path), "%s/vote", made.directory);
    const int file = open(path, O_RDONLY);
    assert_int_equal(read(file, vote, sizeof(vote)), sizeof(vote));
    close(file);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 0), STATUS_OK);
    struct wal_entry group[2] = {{4, 1, WAL_COMMANDS, 200, NULL}, {5, 1, WAL_COMMANDS, 9000, NULL}};
    static uint8_t bytes[2][9000];
    for (int i = 0; i < 2; i++) {
        memcpy(bytes[i], made_bytes(4 + (uint64_t)i, 1, group[i].length), group[i].length);
        group[i].bytes = bytes[i];
    }
    assert_int_equal(wal_append(made.wal, group, 2, 0), STATUS_OK);
    made_close(&made);
    made_write(&made, "vote", 0, vote, sizeof(vote));
    made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + 3 * WAL_BLOCK_BYTES + 6000); /* tears 5 */
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 4);
    for (uint64_t i = 5; i <= 8; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 0), STATUS_OK);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    /* 4 lies before the cut's block, 5 behind it, then 6. */
    made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + 3 * WAL_BLOCK_BYTES + 150);
    made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + 6 * WAL_BLOCK_BYTES + 150);
    survey(&made, 2);
    assert_int_equal(holes[0].first, 4);
    assert_int_equal(holes[0].last, 4);
    assert_int_equal(holes[1].first, 6);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    while (wal_patch_needs(patch, &hole))
        assert_int_equal(add(patch, hole.first), STATUS_OK);
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_true(hash_equal(wal_last_hash(made.wal), hash));
    for (uint64_t i = 1; i <= 8; i++)
        assert_true(made_has(&made, i, 1, 200));
    made_free(&made);
}

/* A tail that is lost may have replaced what is left before it, and nothing behind it would tell: all that was not
 * committed is asked for again. */
TEST(wal_patch, asks_for_what_a_lost_tail_may_have_replaced)
{
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= 6; i++)
        assert_int_equal(made_append(&made, i, 1, 200, 3), STATUS_OK);
    for (uint64_t i = 5; i <= 8; i++)
        assert_int_equal(made_append(&made, i, 2, 200, 3), STATUS_OK);
    const hash_t hash = wal_last_hash(made.wal);
    made_close(&made);
    for (uint64_t block = 6; block < 10; block++)
        made_flip(&made, SEGMENT_1, WAL_RECORDS_OFFSET + block * WAL_BLOCK_BYTES + 150);
    survey(&made, 1);
    assert_true(holes[0].tail);
    assert_int_equal(holes[0].first, 4);
    assert_int_equal(holes[0].last, 8);
    struct wal_patch *patch;
    struct wal_hole hole;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    while (wal_patch_needs(patch, &hole)) {
        const uint64_t index = hole.first, term = index < 5 ? 1 : 2;
        const struct wal_entry entry = {index, term, WAL_COMMANDS, 200,
                                        made_bytes(index, term, 200)};
        assert_int_equal(wal_patch_add(patch, &entry), STATUS_OK);
    }
    assert_int_equal(wal_patch_end(patch, &hash), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_last_index(made.wal), 8);
    for (uint64_t i = 1; i <= 8; i++)
        assert_true(made_has(&made, i, i < 5 ? 1 : 2, 200));
    made_free(&made);
}

/* An empty log above a checkpoint: the vote stays, the older segments are in quarantine, and what the node may have
 * acknowledged above the checkpoint is remembered. */
TEST(wal_patch, log_begins_at_a_checkpoint_of_others)
{
    struct made made = filled(30, hashes);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_set_vote(made.wal, 7, 2), STATUS_OK);
    made_close(&made);
    const struct wal_base bases[] = {
        {.index = 1000,
         .term = 6,
         .hash = hashes[3],
         .configuration_index = 900,
         .configuration = made_bytes(9, 1, 50),
         .configuration_bytes = 50},
        {.index = 900, .term = 5, .hash = hashes[4]}, /* below the one before */
    };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wal_begin_at(&made.options, &bases[i]), STATUS_OK);
        assert_int_equal(made_open(&made), STATUS_OK);
        assert_int_equal(wal_base_index(made.wal), bases[i].index);
        assert_int_equal(wal_last_index(made.wal), bases[i].index);
        assert_int_equal(wal_commit_index(made.wal), bases[i].index);
        assert_true(hash_equal(wal_last_hash(made.wal), bases[i].hash));
        assert_int_equal(wal_term(made.wal), 7);
        assert_int_equal(wal_voted_for(made.wal), 2);
        assert_int_equal(wal_cut_index(made.wal), i == 0 ? 0 : 1001);
        assert_int_equal(wal_base(made.wal)->configuration_index, bases[i].configuration_index);
        struct wal_entry entry = {bases[i].index + 1, 8, WAL_COMMANDS, 200,
                                  made_bytes(1001, 8, 200)};
        assert_int_equal(wal_append(made.wal, &entry, 1, 0), STATUS_OK);
        assert_int_equal(wal_read(made.wal, bases[i].index + 1, &entry), STATUS_OK);
        made_close(&made);
    }
    assert_int_equal(quarantined(&made), 4);
    made_free(&made);
}

/* An identity that has never had a log begins at a checkpoint, too; without a vote file nobody does. */
TEST(wal_patch, new_log_begins_at_a_checkpoint)
{
    struct made made = made_new("/tmp");
    const struct wal_base base = {.index = 50, .term = 2, .hash = hash_of("x", 1)};
    assert_int_equal(wal_begin_at(&made.options, &base), STATUS_AMNESIAC);
    assert_int_equal(wal_create(&made.options), STATUS_OK);
    assert_int_equal(wal_begin_at(&made.options, &base), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    assert_int_equal(wal_base_index(made.wal), 50);
    made_free(&made);
}
