#include "settlement/reconcile.h"

#include "settlement/state.h"
#include "tests/harness.h"
#include "tests/unit/settlement/slices.h"

static uint8_t bytes[4096];
static struct reconcile_pass pass;
static bool ended;

static enum status compare(struct world *world, uint32_t first, uint32_t count)
{
    struct balance_slice slice;
    const size_t byte_count = world_slice(world, first, count, 0, bytes);
    assert_true(balance_slice_get(bytes, byte_count, &slice));
    return reconcile_slice(world->settlement, &slice, &ended, &pass);
}

static void trade(struct world *world, uint64_t *seed, int actions)
{
    for (int i = 0; i < actions; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        world->stamp_ns += 1700000000;
        world_act(world, *seed >> 20);
    }
    assert_int_equal(world_seal(world), STATUS_OK);
}

static struct world *busy_world(void)
{
    struct world *world = world_new();
    uint64_t seed = 0x5eed;
    trade(world, &seed, 60);
    return world;
}

/* What the difference says: account, asset, both figures, and the command after which it was so. */
static void found(const struct world *world, const char *what, uint32_t account, uint16_t asset,
                  int64_t difference)
{
    const struct settle_mismatch *mismatch = settlement_mismatch(world->settlement);
    assert_non_null(mismatch);
    assert_string_equal(mismatch->what, what);
    assert_int_equal(mismatch->account, account);
    assert_int_equal(mismatch->asset, asset);
    assert_int_equal(mismatch->theirs - mismatch->ours, difference);
    assert_int_equal(mismatch->height, world->height);
    assert_true(account == 0 || mismatch->command > 0);
}

/* Accounts compared one a block while all of them go on trading: each pass ends, and its sums are right though
 * accounts moved after they had been looked at. */
TEST(reconcile, passes_end_while_accounts_trade)
{
    struct world *world = busy_world();
    uint64_t seed = 0xacc;
    for (uint32_t block = 0; block < 40; block++) {
        trade(world, &seed, 6);
        assert_int_equal(compare(world, block % 4 + 1, 1), STATUS_OK);
        assert_int_equal(ended, block % 4 == 3);
        if (ended) {
            assert_int_equal(pass.to_height, world->height);
            assert_int_equal(pass.from_height, world->height - 3);
            assert_int_equal(pass.accounts, 4);
            assert_int_equal(pass.balances, 8);
        }
    }
    assert_true(world->trade_id > 20);
    world_free(world);
}

/* A pass of which the first slices were missed is let be until the next begins. */
TEST(reconcile, half_a_pass_is_let_be)
{
    struct world *world = busy_world();
    assert_int_equal(compare(world, 3, 2), STATUS_OK);
    assert_false(ended);
    assert_int_equal(compare(world, 1, 4), STATUS_OK);
    assert_true(ended);
    world_free(world);
}

/* One unit more in the engine's memory than its events ever said. */
TEST(reconcile, flipped_balance_in_the_engine_is_found)
{
    struct world *world = busy_world();
    world->available[3][USDT]++;
    world->available[2][USDT]--; /* the total is as it was */
    assert_int_equal(compare(world, 1, 1), STATUS_OK);
    assert_int_equal(compare(world, 2, 2), STATUS_MISMATCH);
    found(world, "available balance in the engine's memory", 2, USDT, -1);
    assert_int_equal(compare(world, 1, 1), STATUS_MISMATCH); /* it stays */
    world_free(world);

    world = busy_world();
    world->held[1][BTC] += 2;
    world->available[1][BTC] -= 2;
    assert_int_equal(compare(world, 1, 4), STATUS_MISMATCH);
    found(world, "available balance in the engine's memory", 1, BTC, -2);
    world_free(world);
}

/* The same in settlement's own memory, in either of its two figures. */
TEST(reconcile, flipped_balance_in_settlement_is_found)
{
    struct world *world = busy_world();
    balance_sheet_cell(world->settlement->accounts, 4, BTC)->held.units += 1 << 20;
    assert_int_equal(compare(world, 1, 4), STATUS_MISMATCH);
    found(world, "held balance in the engine's memory", 4, BTC, -(1 << 20));
    world_free(world);

    world = busy_world();
    balance_sheet_cell(world->settlement->accounts, 4, BTC)->engine_held.units += 8;
    assert_int_equal(compare(world, 1, 4), STATUS_MISMATCH);
    found(world, "held balance of the engine's last event", 4, BTC, -8);
    world_free(world);
}

/* Finds these 32 bytes in settlement's memory. */
static uint8_t *find_hash(struct world *world, const uint8_t hash[HASH_BYTES])
{
    for (size_t at = 0; at + HASH_BYTES <= world->arena.used; at += 8)
        if (memcmp((uint8_t *)world->arena.bytes + at, hash, HASH_BYTES) == 0)
            return (uint8_t *)world->arena.bytes + at;
    return NULL;
}

/* The node `level` levels above the account's leaf. */
static hash_t node_above(const struct world *world, uint32_t account, uint32_t level)
{
    const struct account_tree *tree = world->settlement->tree;
    hash_t siblings[ACCOUNT_TREE_DEPTH_MAX];
    hash_t node = settle_leaf_hash(world->settlement, account);
    uint32_t position = account_tree_position(tree, account);
    account_tree_path(tree, account, siblings);
    for (uint32_t i = 0; i < level; i++, position /= 2) {
        const bool right = position % 2 == 1;
        uint8_t text[1 + 2 * HASH_BYTES] = {0x01};
        memcpy(text + 1, right ? siblings[i].bytes : node.bytes, HASH_BYTES);
        memcpy(text + 1 + HASH_BYTES, right ? node.bytes : siblings[i].bytes, HASH_BYTES);
        node = hash_of(text, sizeof(text));
    }
    return node;
}

/* A leaf that is not of the account's balances, and one bit of a node further up. */
TEST(reconcile, flipped_leaf_and_node_are_found)
{
    struct world *world = busy_world();
    const hash_t leaf = settle_leaf_hash(world->settlement, 2);
    uint8_t *at = find_hash(world, leaf.bytes);
    assert_non_null(at);
    at[31] ^= 1;
    assert_int_equal(compare(world, 1, 4), STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(world->settlement)->what,
                        "leaf or node of the account tree");
    assert_int_equal(settlement_mismatch(world->settlement)->account, 2);
    world_free(world);

    /* Every node from there up to the root is some account's to check. */
    for (uint32_t level = 1; level <= 7; level++) {
        world = busy_world();
        assert_int_equal(account_tree_depth(world->settlement->tree), 7);
        const hash_t node = node_above(world, 2, level);
        at = find_hash(world, node.bytes);
        assert_non_null(at);
        at[level] ^= 0x80;
        assert_int_equal(compare(world, 1, 4), STATUS_MISMATCH);
        assert_string_equal(settlement_mismatch(world->settlement)->what,
                            "leaf or node of the account tree");
        world_free(world);
    }
}

TEST(reconcile, totals_that_differ_are_found)
{
    struct world *world = busy_world();
    world->settlement->totals[USDT].users += 5;
    assert_int_equal(compare(world, 1, 1), STATUS_MISMATCH);
    found(world, "users' total of the engine", 0, USDT, -5);
    world_free(world);

    /* A total that the engine's is equal to, and the accounts' sum is not. */
    struct balance_slice slice;
    world = busy_world();
    world->settlement->totals[BTC].users += 7;
    const size_t byte_count = world_slice(world, 1, 4, 0, bytes);
    uint8_t *total = bytes + BALANCE_SLICE_HEADER;
    le_put_i64(total, le_get_i64(total) + 7);
    assert_true(balance_slice_get(bytes, byte_count, &slice));
    assert_int_equal(reconcile_slice(world->settlement, &slice, &ended, &pass), STATUS_MISMATCH);
    found(world, "sum of all users' balances", 0, BTC, 7);
    world_free(world);
}

TEST(reconcile, accounts_that_only_one_knows_are_found)
{
    struct world *world = busy_world();
    world->account_count++;
    assert_int_equal(compare(world, 1, 1), STATUS_MISMATCH);
    found(world, "number of accounts", 0, 0, 1);
    world_free(world);
}
