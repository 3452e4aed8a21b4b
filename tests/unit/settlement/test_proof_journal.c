#include "settlement/proof_journal.h"

#include "settlement/account_proof.h"
#include "settlement/totals_proof.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

#define HEIGHTS_MAX 512

static struct world *world;
static struct arena arena;
static struct proof_journal *journal;
static struct proof_journal_room *room;
static struct proof_account proof;
static struct proof_totals totals;

/* What the naive exchange and the headers had at each height. */
static struct past {
    hash_t state_root, totals_root;
    int64_t available[WORLD_ACCOUNTS + 1][2], held[WORLD_ACCOUNTS + 1][2];
} past[HEIGHTS_MAX];

static void note(void)
{
    struct past *now = &past[world->height];
    assert_true(world->height < HEIGHTS_MAX);
    now->state_root = world->roots.state_root;
    now->totals_root = world->roots.totals_root;
    memcpy(now->available, world->available, sizeof(now->available));
    memcpy(now->held, world->held, sizeof(now->held));
}

static void seal(void)
{
    assert_int_equal(world_seal(world), STATUS_OK);
    note();
}

static void open_journal_with(void (*adjust)(struct genesis *), struct proof_journal_limits limits)
{
    world = world_new_with(adjust);
    seal();
    assert_true(arena_map(&arena, proof_journal_bytes(&world->genesis.params, &limits)));
    journal = proof_journal_new(&arena, &world->genesis.params, &limits);
    room = calloc(1, proof_journal_room_bytes());
    assert_true(journal != NULL && room != NULL);
    settlement_keep(world->settlement, journal);
}

static void open_journal(struct proof_journal_limits limits)
{
    open_journal_with(NULL, limits);
}

static void close_journal(void)
{
    free(room);
    arena_unmap(&arena);
    world_free(world);
}

static int64_t balance_of(uint16_t asset, bool held)
{
    for (uint16_t i = 0; i < proof.count; i++)
        if (proof.balances[i].asset == asset)
            return held ? proof.balances[i].held : proof.balances[i].available;
    return 0;
}

static enum status ask(uint32_t account, uint64_t height)
{
    return proof_journal_account(journal, world->settlement, account, height, room, &proof);
}

static void expect_right(uint32_t account, uint64_t height)
{
    const struct past *then = &past[height];
    assert_int_equal(ask(account, height), STATUS_OK);
    assert_null(account_proof_fault(&proof, then->state_root, NULL));
    for (uint16_t asset = 0; asset < 2; asset++) {
        assert_int_equal(balance_of(asset, false), then->available[account][asset]);
        assert_int_equal(balance_of(asset, true), then->held[account][asset]);
    }
    assert_int_equal(proof_journal_totals(journal, height, &totals), STATUS_OK);
    assert_null(totals_proof_fault(&totals, then->totals_root));
}

static uint64_t act(uint64_t seed)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    world_act(world, seed >> 20);
    return seed;
}

static const struct proof_journal_limits roomy = {
    .blocks = HEIGHTS_MAX, .kept_bytes = 1 << 20, .row_bytes = 1 << 20};

/* For world_new_with: as few places as accounts, so that each has others beside it. */
static void crowded(struct genesis *genesis)
{
    genesis->params.rules = PARAMS_RULES_HOUSE;
    genesis->params.accounts_max = WORLD_ACCOUNTS;
}

static void half_full(struct genesis *genesis)
{
    genesis->params.accounts_max = WORLD_ACCOUNTS + 1;
}

/* At any height that is kept, for any account: what a naive exchange had then, under the root of then; also while
 * the next block is under way. Neighbours change at times when the account does not, and the other way round. */
TEST(proof_journal, every_account_at_every_height_is_what_it_was)
{
    void (*const worlds[])(struct genesis *) = {world_with_house, crowded, half_full};
    for (int i = 0; i < 3; i++) {
        uint64_t seed = 0x9007 + (uint64_t)i;
        print_message("seed 0x%llx\n", (unsigned long long)seed);
        open_journal_with(worlds[i], roomy);
        for (int block = 0; block < 60; block++) {
            for (int k = 0; k < block % 7; k++) {
                seed = act(seed);
                expect_right(1 + (uint32_t)(seed >> 40) % world->account_count, world->height);
            }
            seal();
        }
        assert_int_equal(proof_journal_first(journal), 1);
        for (uint64_t height = 1; height <= world->height; height++)
            for (uint32_t account = 1; account <= world->account_count; account++)
                expect_right(account, height);
        assert_int_equal(ask(1, world->height + 1), STATUS_NOT_FOUND);
        assert_int_equal(ask(1, 0), STATUS_NOT_FOUND);
        if (world->account_count < world->genesis.params.accounts_max) /* nobody yet */
            assert_int_equal(ask(world->account_count + 1, world->height), STATUS_NOT_FOUND);
        close_journal();
    }
}

/* A block that changes nothing has the row of the one before, and counts all the same. */
TEST(proof_journal, blocks_without_a_change_are_kept)
{
    open_journal(roomy);
    seal();
    seal();
    world_credit(world, 1, BTC, 5);
    seal();
    for (uint64_t height = 1; height <= world->height; height++)
        expect_right(1, height);
    close_journal();
}

/* An account that is opened later was not there before. */
TEST(proof_journal, an_account_is_not_there_before_it_was_opened)
{
    open_journal(roomy);
    const uint32_t account = world_account(world, 0);
    seal();
    assert_int_equal(ask(account, world->height - 1), STATUS_NOT_FOUND);
    expect_right(account, world->height);
    close_journal();
}

/* The bounds: too few blocks, rows, or bytes for what was kept. What is left is right, what is not left is refused,
 * and something is left. */
TEST(proof_journal, what_is_overwritten_is_refused_and_the_rest_is_right)
{
    const struct proof_journal_limits narrow[] = {
        {.blocks = 20, .kept_bytes = 1 << 20, .row_bytes = 1 << 20},
        {.blocks = HEIGHTS_MAX, .kept_bytes = 1, .row_bytes = 1 << 20},
        {.blocks = HEIGHTS_MAX, .kept_bytes = 1 << 20, .row_bytes = 20 * 8 * HASH_BYTES},
    };
    for (int i = 0; i < 3; i++) {
        uint64_t seed = 0x5eed + (uint64_t)i;
        print_message("seed 0x%llx\n", (unsigned long long)seed);
        open_journal(narrow[i]);
        for (int block = 0; block < 200; block++) {
            for (int k = 0; k < 6; k++)
                seed = act(seed);
            seal();
        }
        uint64_t right = 0;
        for (uint64_t height = 1; height <= world->height; height++) {
            const enum status status = ask(1, height);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
            if (status == STATUS_OK) expect_right(1, height);
            right += status == STATUS_OK;
            if (height < proof_journal_first(journal)) assert_int_equal(status, STATUS_NOT_FOUND);
        }
        print_message("%u of %u blocks\n", (unsigned)right, (unsigned)world->height);
        assert_true(right >= 2 && right < 100);
        expect_right(1, world->height);
        close_journal();
    }
}

/* What the parameters want is bounded, whatever they are. */
TEST(proof_journal, memory_follows_from_the_parameters_and_is_bounded)
{
    struct params params = {.accounts_max = 1u << 20, .assets_max = 5, .block_ms = 100};
    struct proof_journal_limits limits = proof_journal_limits_of(&params);
    assert_int_equal(limits.blocks, 6064);
    const size_t bytes = proof_journal_bytes(&params, &limits);
    assert_true(bytes > (size_t)300 << 20 && bytes < (size_t)420 << 20);
    params.accounts_max = 100;
    params.block_ms = 1;
    limits = proof_journal_limits_of(&params);
    assert_true(proof_journal_bytes(&params, &limits) < (size_t)64 << 20);
}
