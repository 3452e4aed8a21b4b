/* The log against power cuts and rotting bytes: append, replace, recycle, begin above a checkpoint, mend; cut,
 * open again, many times from many seeds.
 *
 * After every cut: each acknowledged entry above the base and each vote is there, byte for byte, the running
 * hash and the configuration are the ones the entries give, and nothing is there that was never appended.
 * Damage is never reported when nothing was damaged. When bytes rotted behind a clean stop, the log opens with
 * everything or says that it is damaged; mended with the entries of others it has everything again, and
 * entries that are not the right ones never get in.
 *
 *     sim_wal_power [--seeds N] [--expect-loss]       QUOREX_SEED=S plays seed S alone
 *
 * --expect-loss is for the planted builds (sim.cmake): it succeeds only when something was found wrong.
 */

#include "common/le.h"
#include "common/log.h"
#include "ledger/wal_repair.h"
#include "tests/sim/power_disk.h"
#include "tests/sim/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_BYTES (64 * 1024)
#define ENTRIES_MAX   4096
#define GROUP_MAX     6
#define CYCLES        6

struct fact {
    uint64_t term;
    uint64_t content; /* seed of its bytes */
    uint32_t length;
    uint32_t type;
};

struct game {
    uint64_t seed;
    struct random random;
    struct power_disk *disk;
    struct fact entries[ENTRIES_MAX + 1]; /* acknowledged; by index */
    uint64_t last, commit, term, vote_term, tried_vote_term;
    struct fact tried[GROUP_MAX]; /* appended last, not acknowledged */
    uint64_t tried_first, tried_count;
    uint64_t appended;
    uint64_t begun; /* the highest base of a checkpoint that the log may have been given */
    hash_t hash[ENTRIES_MAX + 1]; /* running, after each acknowledged entry */
    const char *failure;
};

static struct {
    uint64_t cuts, appends, opens, replaced, cut_in_open, recycled, begun, rotten, mended, refused,
        cut_in_mending;
} totals;

static void fill(uint8_t *bytes, const struct fact *fact)
{
    struct random random;
    random_seed(&random, fact->content);
    for (uint32_t i = 0; i < fact->length; i += 8) {
        const uint64_t word = random_next(&random);
        memcpy(bytes + i, &word, fact->length - i < 8 ? fact->length - i : 8);
    }
}

static bool fail(struct game *game, const char *what)
{
    if (game->failure == NULL) game->failure = what;
    return false;
}

static hash_t chain_of(uint64_t seed)
{
    return hash_tagged("test", &seed, sizeof(seed));
}

/* The running hash, computed without the code under test. */
static hash_t hash_next(hash_t previous, uint64_t index, const struct fact *fact)
{
    static uint8_t bytes[24 + 65536];
    uint8_t *at = le_put_u64(bytes, index);
    at = le_put_u64(at, fact->term);
    at = le_put_u32(at, fact->type);
    at = le_put_u32(at, fact->length);
    fill(at, fact);
    return hash_derive(previous.bytes, "quorex/log/1", bytes, 24 + fact->length);
}

static bool entry_is(struct wal *wal, uint64_t index, const struct fact *fact)
{
    static uint8_t bytes[65536];
    struct wal_entry entry;
    if (wal_read(wal, index, &entry) != STATUS_OK) return false;
    fill(bytes, fact);
    return entry.index == index && entry.term == fact->term && entry.length == fact->length &&
           entry.type == fact->type && memcmp(entry.bytes, bytes, fact->length) == 0;
}

/* The last configuration at or below the end, wherever it lies. */
static bool check_configuration(struct game *game, struct wal *wal)
{
    static uint8_t bytes[65536];
    uint64_t at = game->last;
    while (at > 0 && game->entries[at].type != WAL_CONFIGURATION)
        at--;
    struct wal_entry entry;
    const enum status status = wal_read_configuration(wal, game->last, &entry);
    if (at == 0) return status == STATUS_NOT_FOUND;
    fill(bytes, &game->entries[at]);
    return status == STATUS_OK && entry.index == at && entry.length == game->entries[at].length &&
           memcmp(entry.bytes, bytes, entry.length) == 0;
}

static bool check_entries(struct game *game, struct wal *wal)
{
    const uint64_t base = wal_base_index(wal);
    if (base > game->commit) return fail(game, "the log begins above what is committed");
    if (!hash_equal(game->hash[base], wal_base(wal)->hash)) return fail(game, "the base differs");
    for (uint64_t i = base + 1; i <= game->last; i++) {
        if (!entry_is(wal, i, &game->entries[i])) return fail(game, "an entry differs");
        game->hash[i] = hash_next(game->hash[i - 1], i, &game->entries[i]);
    }
    struct wal_entry entry;
    if (wal_read(wal, base, &entry) != STATUS_NOT_FOUND) return fail(game, "the base was read");
    if (!hash_equal(game->hash[game->last], wal_last_hash(wal)))
        return fail(game, "the running hash differs");
    const uint64_t cut = wal_cut_index(wal);
    if (cut != 0 && cut <= game->last) return fail(game, "a cut below the end");
    if (!check_configuration(game, wal)) return fail(game, "the configuration differs");
    return true;
}

static bool check_votes(struct game *game, struct wal *wal)
{
    if (wal_commit_index(wal) > game->commit) return fail(game, "a commit from nowhere");
    const uint64_t vote = wal_term(wal);
    if (vote != game->vote_term && vote != game->tried_vote_term)
        return fail(game, "an acknowledged vote is missing");
    game->vote_term = game->tried_vote_term = vote;
    return true;
}

/* Compares the opened log with what was acknowledged and what was tried, and takes over what of the
 * latter is there. */
static bool check_log(struct game *game, struct wal *wal)
{
    const uint64_t last = wal_last_index(wal);
    if (last > ENTRIES_MAX) return fail(game, "entries from nowhere");
    uint64_t kept = 0; /* of the tried ones */
    if (game->tried_count > 0 && last >= game->tried_first) {
        const uint64_t most = last - game->tried_first + 1;
        while (kept < game->tried_count && kept < most &&
               entry_is(wal, game->tried_first + kept, &game->tried[kept]))
            kept++;
    }
    if (kept > 0) {
        for (uint64_t i = 0; i < kept; i++)
            game->entries[game->tried_first + i] = game->tried[i];
        game->last = game->tried_first + kept - 1;
    }
    game->tried_count = 0;
    if (last != game->last) return fail(game, "acknowledged entries are missing");
    return check_entries(game, wal) && check_votes(game, wal);
}

static struct wal_options options_of(struct game *game)
{
    return (struct wal_options){.disk = power_disk_table(game->disk),
                                .segment_bytes = SEGMENT_BYTES,
                                .chain_id = chain_of(game->seed),
                                .node = 1,
                                .create = game->last == 0};
}

/* Opens the log, however often the power goes meanwhile. `damaged`: it may say so, once; then NULL. */
static struct wal *open_log(struct game *game, bool *damaged)
{
    const struct wal_options options = options_of(game);
    for (int attempt = 0; attempt < 20; attempt++) {
        struct wal *wal;
        struct wal_damage damage;
        const enum status status = wal_open(&options, &wal, &damage);
        totals.opens++;
        if (status == STATUS_OK) return wal;
        if (!power_disk_is_off(game->disk)) {
            if (damaged != NULL && status == STATUS_DAMAGED)
                *damaged = true;
            else
                fail(game, status == STATUS_DAMAGED ? damage.what : status_text(status));
            return NULL;
        }
        totals.cut_in_open++;
        power_disk_restore(game->disk);
        if (attempt < 10) power_disk_cut_after(game->disk, 1 + random_below(&game->random, 12));
    }
    fail(game, "the log never opens");
    return NULL;
}

static uint32_t some_length(struct random *random)
{
    const uint64_t kind = random_below(random, 10);
    if (kind == 0) return 0;
    if (kind < 7) return (uint32_t)random_below(random, 600);
    if (kind < 9) return (uint32_t)random_below(random, 3000);
    return (uint32_t)random_below(random, 12000);
}

static struct fact some_fact(struct game *game)
{
    const bool configuration = random_below(&game->random, 40) == 0;
    const uint32_t length = configuration ? 20 + (uint32_t)random_below(&game->random, 3000)
                                          : some_length(&game->random);
    return (struct fact){.term = game->term,
                         .content = game->seed * 1000003 + ++game->appended,
                         .length = length,
                         .type = configuration ? WAL_CONFIGURATION : WAL_COMMANDS};
}

/* Appends a group, behind the last entry or in place of some that are not committed. */
static bool append_group(struct game *game, struct wal *wal)
{
    static uint8_t bytes[GROUP_MAX][65536];
    struct wal_entry entries[GROUP_MAX];
    game->tried_count = 1 + random_below(&game->random, GROUP_MAX);
    game->tried_first = game->last + 1;
    if (game->last > game->commit && random_below(&game->random, 12) == 0) {
        game->tried_first =
            game->commit + 1 + random_below(&game->random, game->last - game->commit);
        game->term++; /* what replaces is of a later term */
        totals.replaced++;
    }
    if (game->tried_first + game->tried_count > ENTRIES_MAX) return fail(game, "too many entries");
    for (uint64_t i = 0; i < game->tried_count; i++) {
        game->tried[i] = some_fact(game);
        fill(bytes[i], &game->tried[i]);
        entries[i] = (struct wal_entry){game->tried_first + i, game->term, game->tried[i].type,
                                        game->tried[i].length, bytes[i]};
    }
    totals.appends++;
    if (wal_append(wal, entries, (uint32_t)game->tried_count, game->commit) != STATUS_OK)
        return false;
    for (uint64_t i = 0; i < game->tried_count; i++) {
        const uint64_t index = game->tried_first + i;
        game->entries[index] = game->tried[i];
        game->hash[index] = hash_next(game->hash[index - 1], index, &game->tried[i]);
    }
    game->last = game->tried_first + game->tried_count - 1;
    game->tried_count = 0;
    /* What is stored may get committed. */
    if (random_below(&game->random, 3) == 0)
        game->commit += random_below(&game->random, game->last - game->commit + 1);
    return true;
}

static bool play_round(struct game *game, struct wal *wal)
{
    if (!append_group(game, wal)) return false;
    if (wal_prepare(wal) != STATUS_OK) return false;
    if (random_below(&game->random, 20) == 0) {
        game->tried_vote_term = game->vote_term + 1;
        if (wal_set_vote(wal, game->tried_vote_term, 1) != STATUS_OK) return false;
        game->vote_term = game->tried_vote_term;
    }
    const uint64_t base = wal_base_index(wal);
    if (game->last > base && random_below(&game->random, 8) == 0) {
        const uint64_t index = base + 1 + random_below(&game->random, game->last - base);
        uint64_t term;
        hash_t hash;
        if (!entry_is(wal, index, &game->entries[index])) return fail(game, "a read differs");
        if (wal_hash(wal, index, &term, &hash) != STATUS_OK || !hash_equal(hash, game->hash[index]))
            return fail(game, "a hash differs");
    }
    if (random_below(&game->random, 15) == 0) {
        const uint64_t index = random_below(&game->random, game->commit + 1);
        if (wal_recycle(wal, index) != STATUS_OK) return false;
        totals.recycled += wal_base_index(wal) > base;
        if (wal_base_index(wal) > base && wal_base_index(wal) > index)
            return fail(game, "too much was recycled");
    }
    return true;
}

/* ---- A checkpoint ---- */

/* What a checkpoint at `index` says of the log. */
static struct wal_base base_of(const struct game *game, uint64_t index)
{
    static uint8_t bytes[65536];
    uint64_t at = index;
    while (at > 0 && game->entries[at].type != WAL_CONFIGURATION)
        at--;
    if (at > 0) fill(bytes, &game->entries[at]);
    return (struct wal_base){.index = index,
                             .term = game->entries[index].term,
                             .hash = game->hash[index],
                             .configuration_index = at,
                             .configuration = bytes,
                             .configuration_bytes = at > 0 ? game->entries[at].length : 0};
}

/* Entries that this node never had are known to all the same: makes them up, and begins the log above them. */
static void begin_at(struct game *game)
{
    const uint64_t index = game->last + 1 + random_below(&game->random, 30);
    for (uint64_t i = game->last + 1; i <= index; i++) {
        game->entries[i] = some_fact(game);
        game->hash[i] = hash_next(game->hash[i - 1], i, &game->entries[i]);
    }
    const struct wal_base base = base_of(game, index);
    const struct wal_options options = options_of(game);
    const uint64_t last = game->last, commit = game->commit;
    for (int attempt = 0; attempt < 30; attempt++) {
        const enum status status = wal_begin_at(&options, &base);
        if (status == STATUS_OK) break;
        if (!power_disk_is_off(game->disk)) {
            fail(game, "a log does not begin at a checkpoint");
            return;
        }
        power_disk_restore(game->disk);
        totals.cut_in_mending++;
        if (attempt < 20) power_disk_cut_after(game->disk, 1 + random_below(&game->random, 30));
        /* The old log or the new one. */
        game->last = game->commit = index;
        struct wal_damage damage;
        struct wal *wal;
        if (wal_open(&options, &wal, &damage) != STATUS_OK) {
            if (!power_disk_is_off(game->disk)) fail(game, "neither the old log nor the new one");
            power_disk_restore(game->disk);
            continue;
        }
        if (wal_base_index(wal) != index) {
            game->last = last;
            game->commit = commit;
        }
        if (!check_log(game, wal)) return;
        game->last = game->commit = index;
        wal_close(wal);
        power_disk_restore(game->disk);
    }
    game->last = game->commit = index;
    totals.begun++;
}

/* ---- Rotting bytes ---- */

static struct wal_entry entry_of(const struct game *game, uint64_t index)
{
    static uint8_t bytes[65536];
    const struct fact *fact = &game->entries[index];
    fill(bytes, fact);
    return (struct wal_entry){index, fact->term, fact->type, fact->length, bytes};
}

/* Fills the holes with what others have; at first, now and then, with something else. */
static enum status fill_holes(struct game *game, struct wal_patch *patch, bool wrong, bool *tail)
{
    struct wal_hole hole;
    while (wal_patch_needs(patch, &hole) && hole.first <= game->last) {
        *tail |= hole.tail;
        struct wal_entry entry = entry_of(game, hole.first);
        if (wrong) entry.term++;
        const enum status status = wal_patch_add(patch, &entry);
        if (status == STATUS_MISMATCH) {
            totals.refused++;
            wrong = false;
        }
        if (status != STATUS_OK && status != STATUS_MISMATCH) return status;
    }
    return STATUS_OK;
}

static enum status mend_once(struct game *game)
{
    const struct wal_options options = options_of(game);
    struct wal_hole holes[WAL_HOLES_MAX];
    uint32_t count;
    enum status status = wal_survey(&options, holes, &count);
    if (status != STATUS_DAMAGED) return status;
    /* Now and then above a checkpoint of this node's own. */
    const bool above = game->commit > 0 && random_below(&game->random, 3) == 0;
    const struct wal_base base =
        base_of(game, above ? random_below(&game->random, game->commit) : 0);
    struct wal_patch *patch;
    status = wal_patch_begin(&options, above ? &base : NULL, &patch);
    if (status != STATUS_OK) return status;
    const bool wrong = random_below(&game->random, 3) == 0;
    bool tail = false;
    status = fill_holes(game, patch, wrong, &tail);
    /* What the end of the log held and nobody can tell any more: others have it. */
    while (status == STATUS_OK && wal_patch_last_index(patch) < game->last) {
        const struct wal_entry entry = entry_of(game, wal_patch_last_index(patch) + 1);
        tail = true;
        status = wal_patch_add(patch, &entry);
    }
    if (status != STATUS_OK) {
        wal_patch_drop(patch);
        return status;
    }
    status = wal_patch_end(patch, tail ? &game->hash[game->last] : NULL);
    if (status == STATUS_OK) totals.mended++;
    if (status != STATUS_MISMATCH) return status;
    totals
        .refused++; /* wrong entries at the tail: nothing has changed, the next attempt is right */
    return wrong ? STATUS_IO : status;
}

static struct wal *mend(struct game *game)
{
    for (int attempt = 0; attempt < 60; attempt++) {
        if (attempt < 20) power_disk_cut_after(game->disk, 1 + random_below(&game->random, 60));
        const enum status status = mend_once(game);
        const bool off = power_disk_is_off(game->disk);
        totals.cut_in_mending += off;
        power_disk_restore(game->disk);
        if (status == STATUS_OK && !off) return open_log(game, NULL);
        if (!off && status != STATUS_IO) {
            fail(game, status_text(status));
            return NULL;
        }
    }
    fail(game, "the log cannot be mended");
    return NULL;
}

/* Behind a clean stop: bytes of a segment change, and the log is opened. */
static struct wal *open_rotten(struct game *game)
{
    char name[32];
    if (!power_disk_some_segment(game->disk, random_next(&game->random), name)) return NULL;
    const uint64_t flips = 1 + random_below(&game->random, 3);
    const bool header = random_below(&game->random, 6) == 0;
    for (uint64_t i = 0; i < flips; i++)
        power_disk_flip(game->disk, name,
                        random_below(&game->random, header ? WAL_RECORDS_OFFSET : SEGMENT_BYTES));
    totals.rotten++;
    bool damaged = false;
    struct wal *wal = open_log(game, &damaged);
    return damaged ? mend(game) : wal;
}

/* ---- A game ---- */

static const char *play(uint64_t seed)
{
    static struct game game;
    game = (struct game){.seed = seed, .term = 1};
    game.hash[0] = chain_of(seed);
    random_seed(&game.random, seed);
    game.disk = power_disk_new(seed ^ 0x5eed, SEGMENT_BYTES);
    bool clean = false; /* the last life ended with a close, nothing is unacknowledged */
    for (int cycle = 0; cycle < CYCLES && game.failure == NULL; cycle++) {
        const bool rot = clean && random_below(&game.random, 2) == 0;
        if (clean && !rot && random_below(&game.random, 6) == 0) begin_at(&game);
        if (!rot && random_below(&game.random, 3) != 0)
            power_disk_cut_after(game.disk, 1 + random_below(&game.random, 50));
        struct wal *wal = rot ? open_rotten(&game) : open_log(&game, NULL);
        if (wal == NULL) break;
        if (rot && random_below(&game.random, 4) != 0)
            power_disk_cut_after(game.disk, 1 + random_below(&game.random, 50));
        const bool good = check_log(&game, wal);
        bool going = good;
        for (int round = 0; going && round < 40; round++)
            going = play_round(&game, wal);
        if (good && !going && !power_disk_is_off(game.disk))
            fail(&game, "failed with the power on");
        wal_close(wal);
        clean = going && !power_disk_is_off(game.disk);
        power_disk_restore(game.disk);
        totals.cuts++;
    }
    power_disk_free(game.disk);
    return game.failure;
}

int main(int argument_count, char **arguments)
{
    uint64_t seeds = 1000, first = 1;
    bool expect_loss = false;
    for (int i = 1; i < argument_count; i++) {
        if (strcmp(arguments[i], "--expect-loss") == 0) expect_loss = true;
        if (strcmp(arguments[i], "--seeds") == 0 && i + 1 < argument_count)
            seeds = strtoull(arguments[++i], NULL, 10);
    }
    const char *given = getenv("QUOREX_SEED");
    if (given != NULL && given[0] != '\0') {
        first = strtoull(given, NULL, 0);
        seeds = 1;
    }
    if (!hash_start()) return 2;
    if (given == NULL) log_set_level((enum log_level)(LOG_ERROR + 1)); /* a cut is no news here */

    uint64_t failures = 0;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        const char *failure = play(seed);
        if (failure == NULL) continue;
        failures++;
        if (failures <= 5) printf("seed %" PRIu64 ": %s\n", seed, failure);
    }
    printf("seeds %" PRIu64 " from %" PRIu64 ": %" PRIu64 " failed; power cuts %" PRIu64
           " (%" PRIu64 " more while opening), appends %" PRIu64 " (%" PRIu64
           " replacing), opens %" PRIu64 "\n",
           seeds, first, failures, totals.cuts, totals.cut_in_open, totals.appends, totals.replaced,
           totals.opens);
    printf("recycled %" PRIu64 ", begun at a checkpoint %" PRIu64 ", rotten %" PRIu64
           ", mended %" PRIu64 " (%" PRIu64 " cuts meanwhile, %" PRIu64 " wrong entries refused)\n",
           totals.recycled, totals.begun, totals.rotten, totals.mended, totals.cut_in_mending,
           totals.refused);
    return expect_loss ? failures == 0 : failures != 0;
}
