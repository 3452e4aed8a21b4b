#include "settlement/liability_split.h"

#include "common/arena.h"
#include "settlement/account_tree.h"
#include "settlement/liability_leaf.h"
#include "tests/harness.h"

static hash_t secret_of(const char *text)
{
    assert_true(hash_start());
    return hash_of(text, strlen(text));
}

/* Nothing is lost or made, however odd the amount; the same for everybody who has the secret. */
TEST(liability_split, parts_add_up)
{
    const hash_t secret = secret_of("a height");
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
        liability_split_parts(&secret, 2, account, amount, &parts);
        liability_split_parts(&secret, 2, account, amount, &again);
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

/* Another account, asset or secret: other parts. */
TEST(liability_split, parts_say_nothing_of_others)
{
    const hash_t secret = secret_of("a height"), later = secret_of("a later one");
    struct liability_parts one, two;
    uint32_t same_account = 0, same_asset = 0, same_height = 0;
    for (uint32_t account = 1; account <= 300; account++) {
        liability_split_parts(&secret, 0, account, 1000000007, &one);
        liability_split_parts(&secret, 0, account + 1, 1000000007, &two);
        same_account += one.count > 1 && one.amounts[0] == two.amounts[0];
        liability_split_parts(&secret, 1, account, 1000000007, &two);
        same_asset += one.count > 1 && one.amounts[0] == two.amounts[0];
        liability_split_parts(&later, 0, account, 1000000007, &two);
        same_height += one.count > 1 && one.amounts[0] == two.amounts[0];
    }
    assert_true(same_account + same_asset + same_height < 3);
}

/* Every ordinal has a place and every place an ordinal: none is shown twice, none is left out. */
TEST(liability_split, the_order_is_a_permutation)
{
    static bool taken[5000];
    const hash_t secret = secret_of("a height");
    const uint64_t counts[] = {2, 16, 17, 32, 48, 1008, 1024, 4999};
    for (uint32_t i = 0; i < 8; i++) {
        struct liability_order order;
        uint32_t stayed = 0;
        memset(taken, 0, sizeof(taken));
        liability_split_order(&secret, 5, counts[i], &order);
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
    const hash_t secret = secret_of("a height"), later = secret_of("a later one");
    struct liability_order one, two, three;
    uint32_t same = 0;
    liability_split_order(&secret, 0, 1024, &one);
    liability_split_order(&secret, 1, 1024, &two);
    liability_split_order(&later, 0, 1024, &three);
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

/* The secret of a height is not that of another, nor of another tree; a nonce is of one ordinal alone. */
TEST(liability_split, secrets_and_nonces_are_their_own)
{
    uint8_t secret[HASH_BYTES] = "a tree secret of thirty-two byte";
    struct arena arena;
    assert_true(hash_start() && arena_map(&arena, 2 * account_tree_bytes(16) + 4096));
    const struct account_tree *tree = account_tree_new(&arena, 16, secret);
    secret[0] ^= 1;
    const struct account_tree *other = account_tree_new(&arena, 16, secret);
    const hash_t seven = liability_split_secret(tree, 7), eight = liability_split_secret(tree, 8);
    const hash_t others = liability_split_secret(other, 7);
    assert_true(hash_equal(seven, liability_split_secret(tree, 7)));
    assert_false(hash_equal(seven, eight) || hash_equal(seven, others));
    const hash_t nonce = liability_split_nonce(&seven, 1, 5);
    assert_false(hash_equal(nonce, liability_split_nonce(&seven, 1, 6)) ||
                 hash_equal(nonce, liability_split_nonce(&seven, 2, 5)) ||
                 hash_equal(nonce, liability_split_nonce(&eight, 1, 5)));
    const uint8_t none[PUBLIC_KEY_BYTES] = {0};
    assert_true(hash_equal(liability_split_nobody(&seven, 1, 5),
                           liability_leaf_commitment(&nonce, none, 1, 0, 0)));
    arena_unmap(&arena);
}
