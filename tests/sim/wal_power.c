/* The log against power cuts: append, acknowledge, cut, open again, many times from many seeds.
 *
 * After every cut: each acknowledged entry and vote is there, byte for byte, the running hash is the
 * one the entries give, and nothing is there that was never appended. Damage is never reported, for
 * nothing was damaged.
 *
 *     sim_wal_power [--seeds N] [--expect-loss]       QUOREX_SEED=S plays seed S alone
 *
 * --expect-loss is for the planted build (PLANT_ACK_BEFORE_WRITE): it succeeds only when an
 * acknowledged entry was found missing.
 */

#include "common/le.h"
#include "common/log.h"
#include "ledger/wal.h"
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
    const char *failure;
};

static struct {
    uint64_t cuts, appends, opens, replaced, cut_in_open;
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
    at = le_put_u32(at, WAL_COMMANDS);
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
           memcmp(entry.bytes, bytes, fact->length) == 0;
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

    hash_t hash = chain_of(game->seed);
    for (uint64_t i = 1; i <= last; i++) {
        if (!entry_is(wal, i, &game->entries[i])) return fail(game, "an entry differs");
        hash = hash_next(hash, i, &game->entries[i]);
    }
    if (!hash_equal(hash, wal_last_hash(wal))) return fail(game, "the running hash differs");
    if (wal_commit_index(wal) > game->commit) return fail(game, "a commit from nowhere");
    const uint64_t vote = wal_term(wal);
    if (vote != game->vote_term && vote != game->tried_vote_term)
        return fail(game, "an acknowledged vote is missing");
    game->vote_term = game->tried_vote_term = vote;
    return true;
}

static struct wal *open_log(struct game *game)
{
    const struct wal_options options = {.disk = power_disk_table(game->disk),
                                        .segment_bytes = SEGMENT_BYTES,
                                        .chain_id = chain_of(game->seed),
                                        .node = 1,
                                        .create = true};
    for (int attempt = 0; attempt < 20; attempt++) {
        struct wal *wal;
        struct wal_damage damage;
        const enum status status = wal_open(&options, &wal, &damage);
        totals.opens++;
        if (status == STATUS_OK) return wal;
        if (!power_disk_is_off(game->disk)) {
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
        game->tried[i] = (struct fact){game->term, game->seed * 1000003 + ++game->appended,
                                       some_length(&game->random)};
        fill(bytes[i], &game->tried[i]);
        entries[i] = (struct wal_entry){game->tried_first + i, game->term, WAL_COMMANDS,
                                        game->tried[i].length, bytes[i]};
    }
    totals.appends++;
    if (wal_append(wal, entries, (uint32_t)game->tried_count, game->commit) != STATUS_OK)
        return false;
    for (uint64_t i = 0; i < game->tried_count; i++)
        game->entries[game->tried_first + i] = game->tried[i];
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
    if (game->last > 0 && random_below(&game->random, 8) == 0) {
        const uint64_t index = 1 + random_below(&game->random, game->last);
        if (!entry_is(wal, index, &game->entries[index])) return fail(game, "a read differs");
    }
    return true;
}

static const char *play(uint64_t seed)
{
    static struct game game;
    game = (struct game){.seed = seed, .term = 1};
    random_seed(&game.random, seed);
    game.disk = power_disk_new(seed ^ 0x5eed, SEGMENT_BYTES);
    for (int cycle = 0; cycle < CYCLES && game.failure == NULL; cycle++) {
        if (random_below(&game.random, 8) != 0)
            power_disk_cut_after(game.disk, 1 + random_below(&game.random, 50));
        struct wal *wal = open_log(&game);
        if (wal == NULL) break;
        const bool good = check_log(&game, wal);
        bool going = good;
        for (int round = 0; going && round < 40; round++)
            going = play_round(&game, wal);
        if (good && !going && !power_disk_is_off(game.disk))
            fail(&game, "failed with the power on");
        wal_close(wal);
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
    return expect_loss ? failures == 0 : failures != 0;
}
