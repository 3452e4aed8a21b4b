#include "settlement/proof_shelf.h"

#include "settlement/account_proof.h"
#include "settlement/proof_journal.h"
#include "settlement/totals_proof.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct world *world;
static char directory[64], folder[128];
static struct proof_journal_room *room;
static struct proof_account proof;
static struct settle_roots roots[64];

static void begin(void (*adjust)(struct genesis *))
{
    snprintf(directory, sizeof(directory), "/tmp/shelf-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(folder, sizeof(folder), "%s/proofs", directory);
    room = calloc(1, proof_journal_room_bytes());
    world = world_new_with(adjust);
}

static void end(void)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    rmdir(folder);
    rmdir(directory);
    free(room);
    world_free(world);
}

/* Some trading, a block, and its file. */
static void shelve(uint64_t seed)
{
    for (int i = 0; i < 8; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(world, seed >> 20);
    }
    assert_int_equal(world_seal(world), STATUS_OK);
    roots[world->height] = world->roots;
    assert_int_equal(proof_shelf_write(folder, world->settlement), STATUS_OK);
}

static enum status ask(uint32_t account, uint64_t height)
{
    return proof_shelf_account(folder, world->settlement, account, height, room, &proof);
}

/* Long after, an account proves what it was at a checkpoint; older files than the last few are gone. */
TEST(proof_shelf, accounts_and_totals_at_the_newest_heights_are_proved)
{
    struct proof_totals totals;
    begin(world_with_house);
    for (uint64_t i = 0; i < 8; i++)
        shelve(i + 1);
    const uint64_t last = world->height;
    for (uint64_t height = 1; height <= last; height++) {
        const bool kept = height + PROOF_SHELF_KEPT > last;
        for (uint32_t account = 1; account <= world->account_count; account++) {
            assert_int_equal(ask(account, height), kept ? STATUS_OK : STATUS_NOT_FOUND);
            if (kept) assert_null(account_proof_fault(&proof, roots[height].state_root, NULL));
        }
        assert_int_equal(proof_shelf_totals(folder, height, &totals),
                         kept ? STATUS_OK : STATUS_NOT_FOUND);
        if (kept) assert_null(totals_proof_fault(&totals, roots[height].totals_root));
    }
    assert_int_equal(ask(99, last), STATUS_NOT_FOUND);
    assert_int_equal(ask(1, 0), STATUS_NOT_FOUND);
    end();
}

/* Whatever is in a file, nothing is read outside of it, and what it says does not lead to the root: or it is what
 * was written. */
TEST(proof_shelf, a_rotten_file_proves_nothing_else)
{
    char path[192];
    struct stat found;
    begin(NULL); /* whose house has no account */
    shelve(7);
    snprintf(path, sizeof(path), "%s/%u", folder, (unsigned)world->height);
    assert_int_equal(stat(path, &found), 0);
    const int file = open(path, O_RDWR);
    uint32_t other = 0, wrong = 0;
    for (off_t at = 0; at < found.st_size; at++) {
        uint8_t byte, changed;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        changed = byte ^ 0x40;
        assert_int_equal(pwrite(file, &changed, 1, at), 1);
        const enum status status = ask(1, world->height);
        assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
        other += status != STATUS_OK;
        wrong += status == STATUS_OK &&
                 account_proof_fault(&proof, roots[world->height].state_root, NULL) != NULL;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    assert_true(other > 20 && wrong > 200);
    assert_int_equal(ftruncate(file, found.st_size / 2), 0);
    assert_int_equal(ask(1, world->height), STATUS_NOT_FOUND);
    close(file);
    end();
}

static ino_t node_of(const char *where, uint64_t height)
{
    char path[224];
    struct stat found;
    snprintf(path, sizeof(path), "%s/%u", where, (unsigned)height);
    assert_int_equal(stat(path, &found), 0);
    return found.st_ino;
}

static bool has(const char *where, const struct settle_roots *of)
{
    return proof_shelf_has(where, 1, of->state_root, of->totals_root);
}

/* A chain that was cut comes to a height anew, with another state: its file takes the place of the old one, also under
 * the name by which that is kept. That of the same state stays as it is. */
TEST(proof_shelf, a_height_reached_anew_takes_the_place_of_the_old)
{
    char kept[192];
    begin(NULL);
    snprintf(kept, sizeof(kept), "%s/kept", directory);
    shelve(3);
    const struct settle_roots old = roots[1];
    const ino_t first = node_of(folder, 1);
    assert_int_equal(proof_shelf_keep(folder, 1, kept), STATUS_OK);
    assert_int_equal(proof_shelf_write(folder, world->settlement), STATUS_OK);
    assert_int_equal(node_of(folder, 1), first);
    assert_true(has(folder, &old) && has(kept, &old));
    for (uint64_t i = 0; i < PROOF_SHELF_KEPT; i++)
        shelve(i);
    const uint64_t last = world->height;
    /* The oldest is there no longer; it is put back, as if the last were not made yet. */
    char from[224], to[224];
    snprintf(from, sizeof(from), "%s/1", kept);
    snprintf(to, sizeof(to), "%s/1", folder);
    assert_int_equal(link(from, to), 0);

    world_free(world);
    world = world_new_with(NULL);
    shelve(4);
    assert_false(hash_equal(roots[1].state_root, old.state_root));
    assert_true(has(folder, &roots[1]) && !has(folder, &old));
    for (uint32_t account = 1; account <= world->account_count; account++) {
        assert_int_equal(ask(account, 1), STATUS_OK);
        assert_null(account_proof_fault(&proof, roots[1].state_root, NULL));
    }
    for (uint64_t height = 2; height <= last; height++)
        assert_int_equal(ask(1, height), STATUS_NOT_FOUND);
    /* Sums may differ where no account does. */
    assert_false(proof_shelf_has(folder, 1, roots[1].state_root, old.state_root));
    assert_false(proof_shelf_has(folder, 2, roots[1].state_root, roots[1].totals_root));

    assert_true(has(kept, &old));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(proof_shelf_keep(folder, 1, kept), STATUS_OK);
        assert_true(has(kept, &roots[1]));
        assert_int_equal(node_of(kept, 1), node_of(folder, 1));
    }
    unlink(from);
    rmdir(kept);
    end();
}

struct walk {
    uint32_t last, count;
    int64_t sums[2];
};

static void add(void *context, uint32_t account, const struct proof_balance *balance)
{
    struct walk *walk = context;
    assert_true(account >= walk->last && balance->asset < 2);
    walk->last = account;
    walk->count++;
    walk->sums[balance->asset] += balance->available + balance->held;
}

/* All balances of a height, once each; under another name also when the shelf has let go of it. */
TEST(proof_shelf, gives_every_balance_and_is_kept_elsewhere)
{
    struct walk walk = {0}, again = {0};
    int64_t sums[2] = {0};
    char kept[192];
    begin(NULL);
    snprintf(kept, sizeof(kept), "%s/kept", folder);
    shelve(3);
    const uint64_t height = world->height;
    for (uint32_t account = 1; account <= world->account_count; account++)
        for (uint16_t asset = 0; asset < 2; asset++)
            sums[asset] += world->available[account][asset] + world->held[account][asset];
    assert_int_equal(proof_shelf_balances(folder, height, add, &walk), STATUS_OK);
    assert_true(walk.count >= 8 && walk.sums[0] == sums[0] && walk.sums[1] == sums[1]);
    assert_int_equal(proof_shelf_balances(folder, height + 1, add, &walk), STATUS_NOT_FOUND);

    assert_int_equal(proof_shelf_keep(folder, height, kept), STATUS_OK);
    assert_int_equal(proof_shelf_keep(folder, height, kept), STATUS_OK);
    assert_int_equal(proof_shelf_keep(folder, height + 1, kept), STATUS_NOT_FOUND);
    for (uint64_t i = 0; i < 4; i++)
        shelve(i);
    assert_int_equal(proof_shelf_balances(folder, height, add, &again), STATUS_NOT_FOUND);
    assert_int_equal(proof_shelf_balances(kept, height, add, &again), STATUS_OK);
    assert_int_equal(again.count, walk.count);
    char path[224];
    snprintf(path, sizeof(path), "%s/%u", kept, (unsigned)height);
    unlink(path);
    rmdir(kept);
    end();
}
