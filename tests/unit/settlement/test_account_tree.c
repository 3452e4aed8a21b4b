#include "settlement/account_tree.h"

#include "common/arena.h"
#include "common/sharing.h"
#include "tests/harness.h"

static const uint8_t secret[32] = "thirty-two bytes of tree secret!";

struct fixture {
    struct arena arena;
    struct account_tree *tree;
};

static struct fixture tree_with(uint32_t accounts_max, const uint8_t tree_secret[32])
{
    struct fixture fixture;
    if (!hash_start() || !arena_map(&fixture.arena, account_tree_bytes(accounts_max))) abort();
    fixture.tree = account_tree_new(&fixture.arena, accounts_max, tree_secret);
    assert_non_null(fixture.tree);
    return fixture;
}

static struct fixture tree_of(uint32_t accounts_max)
{
    return tree_with(accounts_max, secret);
}

/* No two accounts share a place, and every place is somebody's, whatever the domain's width. */
TEST(account_tree, position_is_a_permutation)
{
    for (uint32_t depth = 0; depth <= 13; depth++) {
        const uint32_t places = 1u << depth;
        struct fixture fixture = tree_of(places);
        uint8_t *seen = calloc(places, 1);
        uint32_t in_place = 0;
        for (uint32_t account = 1; account <= places; account++) {
            const uint32_t position = account_tree_position(fixture.tree, account);
            assert_true(position < places);
            assert_int_equal(seen[position]++, 0);
            in_place += position == account - 1;
        }
        if (depth >= 8) assert_true(in_place < places / 16);
        free(seen);
        arena_unmap(&fixture.arena);
    }
}

/* How many of the tree's accounts are in the same place in both. */
static uint32_t same_places(const struct fixture *one, const struct fixture *two, uint32_t places)
{
    uint32_t same = 0;
    for (uint32_t account = 1; account <= places; account++)
        same +=
            account_tree_position(one->tree, account) == account_tree_position(two->tree, account);
    return same;
}

/* Where an account is follows from the secret, from its first byte as from its last: of 4,096 accounts about one is in
 * the same place by chance. By the same secret all are. */
TEST(account_tree, another_secret_puts_accounts_elsewhere)
{
    for (size_t changed = 0; changed < 32; changed++) {
        uint8_t other[32];
        memcpy(other, secret, 32);
        struct fixture one = tree_of(4096), two = tree_with(4096, other);
        assert_int_equal(same_places(&one, &two, 4096), 4096);
        arena_unmap(&two.arena);
        other[changed] ^= 1;
        two = tree_with(4096, other);
        assert_true(same_places(&one, &two, 4096) < 16);
        arena_unmap(&one.arena);
        arena_unmap(&two.arena);
    }
}

/* A salt is of its tree's secret, its account and its height: who knows the last two and not the first cannot try out
 * what is in a leaf. */
TEST(account_tree, a_salt_needs_the_secret)
{
    enum { SALTS = 24 };
    static const uint32_t accounts[] = {1, 2, 257, 65537};
    static const uint64_t heights[] = {0, 1, (uint64_t)1 << 40};
    uint8_t last[32];
    memcpy(last, secret, 32);
    last[31] ^= 1;
    struct fixture trees[2] = {tree_of(1 << 17), tree_with(1 << 17, last)};
    hash_t salts[SALTS];
    uint32_t count = 0;
    for (size_t tree = 0; tree < 2; tree++)
        for (size_t i = 0; i < 4; i++)
            for (size_t k = 0; k < 3; k++)
                salts[count++] = account_tree_salt(trees[tree].tree, accounts[i], heights[k]);
    assert_int_equal(count, SALTS);
    for (uint32_t i = 0; i < SALTS; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_false(hash_equal(salts[i], salts[k]));
    for (size_t tree = 0; tree < 2; tree++)
        arena_unmap(&trees[tree].arena);
}

/* RFC 9162 by the book over all places, empty ones included. */
static hash_t naive(const hash_t *leaves, uint32_t count)
{
    if (count == 1) return leaves[0];
    uint8_t bytes[65] = {0x01};
    const hash_t left = naive(leaves, count / 2), right = naive(leaves + count / 2, count / 2);
    memcpy(bytes + 1, left.bytes, 32);
    memcpy(bytes + 33, right.bytes, 32);
    return hash_of(bytes, sizeof(bytes));
}

/* Does the parts from the last to the first. */
static void backwards(void *context, sharing_part part, void *work, uint32_t count)
{
    *(uint32_t *)context += count;
    for (uint32_t i = count; i > 0; i--)
        part(work, i - 1);
}

/* With and without subtrees of their own, by few changes and by many, whoever takes the parts. */
TEST(account_tree, root_equals_naive_recomputation)
{
    const uint32_t sizes[] = {1, 2, 3, 100, 1000, 2000, 20000};
    uint32_t parts = 0;
    const struct sharing sharing = {backwards, &parts};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct fixture fixture = tree_of(sizes[i]);
        const uint32_t places = 1u << account_tree_depth(fixture.tree);
        hash_t *leaves = calloc(places, sizeof(hash_t));
        for (uint32_t k = 0; k < places; k++)
            leaves[k] = hash_of("\0", 1);
        hash_t root = account_tree_root(fixture.tree);
        hash_t expected = naive(leaves, places);
        assert_memory_equal(&root, &expected, 32);
        for (int round = 0; round < 20; round++) {
            for (uint32_t k = 0; k <= sizes[i] / 10; k++) {
                const uint32_t account = 1 + ((uint32_t)round * 7919u + k * 31u) % sizes[i];
                const hash_t leaf = hash_of(&round, sizeof(round));
                account_tree_set(fixture.tree, account, leaf);
                leaves[account_tree_position(fixture.tree, account)] = leaf;
            }
            root = account_tree_root_shared(fixture.tree, round % 2 == 0 ? &sharing : NULL);
            expected = naive(leaves, places);
            assert_memory_equal(&root, &expected, 32);
        }
        free(leaves);
        arena_unmap(&fixture.arena);
    }
    assert_int_equal(parts, 10 * 16); /* of the largest alone: the others change too little */
}

/* Two leaves of different lengths side by side are what each is alone. */
TEST(account_tree, two_leaves_are_hashed_as_one_and_one)
{
    uint8_t key[32] = {1};
    struct account_leaf leaves[2] = {{.public_key = key}, {.public_key = key}};
    for (uint16_t i = 0; i < 2 * ACCOUNT_LEAF_ASSETS_MAX; i++) {
        struct account_leaf *leaf = &leaves[i % 2];
        if (i % 3 != 0)
            leaf->balances[leaf->count++] = (struct account_leaf_balance){i, {i * 7}, {i * 5}};
        hash_t both[2];
        account_tree_leaf_hash_two((const struct account_leaf *const[2]){&leaves[0], &leaves[1]},
                                   both);
        for (int k = 0; k < 2; k++)
            assert_true(hash_equal(both[k], account_tree_leaf_hash(&leaves[k])));
    }
}

/* A path leads from the leaf to the root, and from no other leaf. */
TEST(account_tree, path_leads_from_leaf_to_root)
{
    struct fixture fixture = tree_of(300);
    for (uint32_t account = 1; account <= 200; account++)
        account_tree_set(fixture.tree, account, hash_of(&account, sizeof(account)));
    const hash_t root = account_tree_root(fixture.tree);
    for (uint32_t account = 1; account <= 300; account++) {
        hash_t path[ACCOUNT_TREE_DEPTH_MAX];
        account_tree_path(fixture.tree, account, path);
        hash_t node = account <= 200 ? hash_of(&account, sizeof(account)) : hash_of("\0", 1);
        uint32_t position = account_tree_position(fixture.tree, account);
        for (uint32_t height = 0; height < account_tree_depth(fixture.tree); height++) {
            uint8_t bytes[65] = {0x01};
            memcpy(bytes + (position & 1 ? 33 : 1), node.bytes, 32);
            memcpy(bytes + (position & 1 ? 1 : 33), path[height].bytes, 32);
            node = hash_of(bytes, sizeof(bytes));
            position /= 2;
        }
        assert_memory_equal(&node, &root, 32);
    }
    arena_unmap(&fixture.arena);
}

/* Everything in a leaf changes its hash: owner, salt, asset, available, held, and which is which. */
TEST(account_tree, leaf_binds_owner_salt_and_every_balance)
{
    struct fixture fixture = tree_of(4);
    uint8_t key[32] = {1}, other_key[32] = {2};
    const struct account_leaf leaf = {
        account_tree_salt(fixture.tree, 1, 5), key, 1, {{3, {70}, {80}}}};
    const hash_t hash = account_tree_leaf_hash(&leaf);
    struct account_leaf changed[7];
    for (size_t i = 0; i < 7; i++)
        changed[i] = leaf;
    changed[0].public_key = other_key;
    changed[1].salt = account_tree_salt(fixture.tree, 1, 6);
    changed[2].salt = account_tree_salt(fixture.tree, 2, 5);
    changed[3].balances[0].asset = 4;
    changed[4].balances[0].available.units = 71;
    changed[5].balances[0].available.units = 80, changed[5].balances[0].held.units = 70;
    changed[6].count = 0;
    for (size_t i = 0; i < 7; i++)
        assert_false(hash_equal(account_tree_leaf_hash(&changed[i]), hash));
    arena_unmap(&fixture.arena);
}
