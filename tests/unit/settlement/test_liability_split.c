#include "settlement/liability_split.h"

#include "common/arena.h"
#include "settlement/account_tree.h"
#include "settlement/liability_leaf.h"
#include "tests/harness.h"

static struct liability_keys keys, others;

/* Of a tree with this secret. */
static void make_keys(uint8_t secret_byte, uint64_t height, uint16_t asset,
                      struct liability_keys *made)
{
    const uint8_t secret[HASH_BYTES] = {secret_byte};
    struct arena arena;
    assert_true(hash_start() && arena_map(&arena, account_tree_bytes(16) + 4096));
    liability_split_keys(account_tree_new(&arena, 16, secret), height, asset, made);
    arena_unmap(&arena);
}

/* Nothing is lost or made, however odd the amount; the same for everybody who has the secret. */
TEST(liability_split, parts_add_up)
{
    make_keys(1, 7, 2, &keys);
    const uint64_t amounts[] = {1,
                                2,
                                3,
                                1000,
                                999999937,
                                INT64_MAX - 1,
                                INT64_MAX,
                                (uint64_t)INT64_MAX + 1,
                                (uint64_t)INT64_MAX * 2};
    uint32_t counts[LIABILITIES_PARTS_MAX + 1] = {0}, nothing = 0;
    for (uint32_t account = 1; account <= 3000; account++) {
        const uint64_t amount = amounts[account % 9];
        struct liability_parts parts, again;
        liability_split_parts(&keys, account, amount, &parts);
        liability_split_parts(&keys, account, amount, &again);
        assert_true(parts.count >= 1 && parts.count <= LIABILITIES_PARTS_MAX);
        unsigned __int128 sum = 0;
        for (uint16_t i = 0; i < parts.count; i++) {
            assert_true(parts.amounts[i] <= INT64_MAX && parts.amounts[i] == again.amounts[i]);
            sum += parts.amounts[i];
            nothing += parts.amounts[i] == 0;
        }
        assert_true(sum == amount && parts.count == again.count);
        if (amount <= INT64_MAX) counts[parts.count]++;
    }
    for (uint32_t count = 1; count <= LIABILITIES_PARTS_MAX; count++)
        assert_true(counts[count] > 600 && counts[count] < 950);
    assert_true(nothing > 100);
}

/* Another account, asset, height or secret: other parts. */
TEST(liability_split, parts_say_nothing_of_others)
{
    static const uint64_t other_keys[][3] = {
        {1, 7, 1}, {1, 8, 0}, {2, 7, 0}}; /* secret, height, asset */
    struct liability_parts one, two;
    make_keys(1, 7, 0, &keys);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t same = 0;
        make_keys((uint8_t)other_keys[i][0], other_keys[i][1], (uint16_t)other_keys[i][2], &others);
        for (uint32_t account = 1; account <= 300; account++) {
            liability_split_parts(&keys, account, 1000000007, &one);
            liability_split_parts(&others, account, 1000000007, &two);
            same += one.count > 1 && one.amounts[0] == two.amounts[0];
            liability_split_parts(&keys, account + 1, 1000000007, &two);
            same += one.count > 1 && one.amounts[0] == two.amounts[0];
        }
        assert_true(same < 3);
    }
}

/* Every ordinal has a place and every place an ordinal: none is shown twice, none is left out. */
TEST(liability_split, the_order_is_a_permutation)
{
    static bool taken[5000];
    make_keys(1, 7, 5, &keys);
    const uint64_t counts[] = {2, 16, 17, 32, 48, 1008, 1024, 4999};
    for (uint32_t i = 0; i < 8; i++) {
        struct liability_order order;
        uint32_t stayed = 0;
        memset(taken, 0, sizeof(taken));
        liability_split_order(&keys, counts[i], &order);
        for (uint32_t ordinal = 0; ordinal < counts[i]; ordinal++) {
            const uint32_t place = liability_split_place(&order, ordinal);
            assert_true(place < counts[i] && !taken[place]);
            assert_int_equal(liability_split_ordinal(&order, place), ordinal);
            taken[place] = true;
            stayed += place == ordinal;
        }
        if (counts[i] > 1000) assert_true(stayed < 12);
    }
}

TEST(liability_split, orders_of_assets_and_heights_differ)
{
    struct liability_keys later;
    struct liability_order one, two, three;
    uint32_t same = 0;
    make_keys(1, 7, 0, &keys);
    make_keys(1, 7, 1, &others);
    make_keys(1, 8, 0, &later);
    liability_split_order(&keys, 1024, &one);
    liability_split_order(&others, 1024, &two);
    liability_split_order(&later, 1024, &three);
    for (uint32_t i = 0; i < 1024; i++) {
        same += liability_split_place(&one, i) == liability_split_place(&two, i);
        same += liability_split_place(&one, i) == liability_split_place(&three, i);
    }
    assert_true(same < 20);
}

/* How many accounts there are is seen only coarsely: at most 1/8 is added, and always to a multiple of a step. */
TEST(liability_split, the_number_of_leaves_is_coarse)
{
    assert_int_equal(liability_split_leaf_count(0), 16);
    assert_int_equal(liability_split_leaf_count(1), 16);
    assert_int_equal(liability_split_leaf_count(16), 16);
    assert_int_equal(liability_split_leaf_count(17), 32);
    assert_int_equal(liability_split_leaf_count(255), 256);
    assert_int_equal(liability_split_leaf_count(257), 288);
    assert_int_equal(liability_split_leaf_count(2000000), 2097152);
    for (uint64_t parts = 256; parts < 70000; parts += 13) {
        const uint64_t count = liability_split_leaf_count(parts);
        assert_true(count >= parts && count - parts <= parts / 8);
        assert_true(count % 16 == 0);
    }
    assert_true(liability_split_leaf_count((uint64_t)3 << 24) <= LIABILITIES_LEAVES_MAX);
}

/* No key of an asset, a height or a tree is another's, none has two uses; a nonce is of one ordinal alone. */
TEST(liability_split, keys_and_nonces_are_their_own)
{
    static const uint64_t other_keys[][3] = {{1, 7, 1}, {1, 8, 0}, {2, 7, 0}};
    make_keys(1, 7, 0, &keys);
    make_keys(1, 7, 0, &others);
    assert_memory_equal(&keys, &others, sizeof(keys));
    assert_memory_not_equal(keys.split, keys.nonce.bytes, sizeof(keys.split));
    for (uint32_t i = 0; i < LIABILITY_SPLIT_ROUNDS; i++) {
        assert_memory_not_equal(keys.order[i], keys.split, sizeof(keys.split));
        for (uint32_t k = 0; k < i; k++)
            assert_memory_not_equal(keys.order[i], keys.order[k], sizeof(keys.split));
    }
    const hash_t nonce = liability_split_nonce(&keys, 5);
    assert_false(hash_equal(nonce, liability_split_nonce(&keys, 6)));
    for (uint32_t i = 0; i < 3; i++) {
        make_keys((uint8_t)other_keys[i][0], other_keys[i][1], (uint16_t)other_keys[i][2], &others);
        assert_false(hash_equal(nonce, liability_split_nonce(&others, 5)));
        assert_memory_not_equal(keys.split, others.split, sizeof(keys.split));
        assert_memory_not_equal(keys.order[0], others.order[0], sizeof(keys.split));
    }
    const uint8_t none[PUBLIC_KEY_BYTES] = {0};
    assert_true(hash_equal(liability_split_nobody(&keys, 5),
                           liability_leaf_commitment(&nonce, none, 0, 0, 0)));
}
