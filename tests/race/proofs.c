/* One thread settles, block after block; the other makes proofs of accounts and totals at any height that is kept
 * meanwhile. Each must be refused or lead to the root that the block had.
 *
 *     race_proofs [--late]
 *
 * `--late` asks for the height below the one whose root is compared: exit 0 only when that is noticed.
 */

#include "settlement/account_proof.h"
#include "settlement/proof_journal.h"
#include "settlement/totals_proof.h"
#include "tests/unit/settlement/world.h"

#include <pthread.h>
#include <stdatomic.h>

#define BLOCKS     1500
#define BLOCK_ACTS 8

static_assert(BLOCKS + 2 < WORLD_BLOCKS, "the world keeps them all");

static struct world *world;
static struct proof_journal *journal;
static struct settle_roots roots[BLOCKS + 3];
static _Atomic uint64_t
    sealed; /* release: the roots up to it are there. Pairs with the reader's acquire. */
static _Atomic bool done;
static uint64_t right, refused, wrong;
static bool late;

static void count(bool found, bool fits)
{
    right += found && fits;
    wrong += found && !fits;
    refused += !found;
}

static void *reader_main(void *argument)
{
    struct proof_journal_room *room = argument;
    static struct proof_account account;
    static struct proof_totals totals;
    uint64_t seed = 0x9eade9;
    while (!atomic_load_explicit(&done, memory_order_acquire)) {
        const uint64_t newest = atomic_load_explicit(&sealed, memory_order_acquire);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        /* Often the newest: little of it has changed, and that just then. */
        const uint64_t back = (seed >> 33) % ((seed >> 60) % 4 != 0 ? 1 : 48);
        if (newest <= back + 1) continue;
        const uint64_t height = newest - back, asked = late ? height - 1 : height;
        const uint32_t who = 1 + (uint32_t)(seed >> 50) % 4;
        enum status status =
            proof_journal_account(journal, world->settlement, who, asked, room, &account);
        count(status == STATUS_OK,
              status == STATUS_OK &&
                  account_proof_fault(&account, roots[height].state_root, NULL) == NULL);
        status = proof_journal_totals(journal, asked, &totals);
        count(status == STATUS_OK,
              status == STATUS_OK &&
                  totals_proof_fault(&totals, roots[height].totals_root) == NULL);
    }
    return NULL;
}

/* As few places as accounts: what one changes is on the way of others. */
static void crowded(struct genesis *genesis)
{
    genesis->params.accounts_max = WORLD_ACCOUNTS;
}

static void settle_blocks(void)
{
    uint64_t seed = 0x5e771e;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < BLOCK_ACTS; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            world_act(world, seed >> 20);
            world->stamp_ns += 1000000;
        }
        ASSERT(world_seal(world) == STATUS_OK);
        free(world->blocks[world->height - 1].body); /* nobody projects it */
        world->blocks[world->height - 1].body = NULL;
        roots[world->height] = world->roots;
        atomic_store_explicit(&sealed, world->height, memory_order_release);
    }
}

int main(int count_of_words, char **words)
{
    /* Little enough to be overwritten all the time. */
    const struct proof_journal_limits limits = {
        .blocks = 40, .kept_bytes = 32 * 1024, .row_bytes = 30 * 8 * HASH_BYTES};
    struct arena arena;
    pthread_t reader;
    late = count_of_words > 1 && strcmp(words[1], "--late") == 0;
    world = world_new_with(crowded);
    ASSERT(world_seal(world) == STATUS_OK);
    ASSERT(arena_map(&arena, proof_journal_bytes(&world->genesis.params, &limits)));
    journal = proof_journal_new(&arena, &world->genesis.params, &limits);
    struct proof_journal_room *room = calloc(1, proof_journal_room_bytes());
    ASSERT(journal != NULL && room != NULL);
    settlement_keep(world->settlement, journal);
    ASSERT(pthread_create(&reader, NULL, reader_main, room) == 0);
    settle_blocks();
    atomic_store_explicit(&done, true, memory_order_release);
    pthread_join(reader, NULL);
    printf("%llu proofs right, %llu refused, %llu wrong\n", (unsigned long long)right,
           (unsigned long long)refused, (unsigned long long)wrong);
    free(room);
    arena_unmap(&arena);
    world_free(world);
    if (late) return wrong > 0 ? 0 : 1;
    return right > 0 && wrong == 0 ? 0 : 1;
}
