#include "settlement/liability_check.h"

#include "common/le.h"
#include "tests/harness.h"

#define ASSETS 3

static struct liabilities_head head;
static struct proof_totals totals;
static uint8_t leaves[64][LIABILITIES_LEAF_BYTES]; /* of all assets */
static uint32_t leaf_count;
static const uint32_t counts[ASSETS] = {5, 1, 16};

static void put_leaf(uint32_t index, uint64_t amount, const void *of, size_t of_bytes)
{
    const hash_t commitment = hash_of(of, of_bytes);
    le_put_bytes(le_put_u64(leaves[index], amount), commitment.bytes, HASH_BYTES);
}

/* The head that the leaves have. */
static void add_up(void)
{
    uint32_t at = 0;
    for (uint16_t asset = 0; asset < ASSETS; asset++) {
        struct liability_tree tree;
        liability_leaf_tree_begin(&tree);
        for (uint32_t i = 0; i < counts[asset]; i++, at++) {
            hash_t commitment;
            memcpy(commitment.bytes, leaves[at] + 8, HASH_BYTES);
            const struct liabilities_node leaf =
                liability_leaf_node(asset, le_get_u64(leaves[at]), &commitment);
            liability_leaf_tree_add(&tree, &leaf);
        }
        const struct liabilities_node root = liability_leaf_tree_root(&tree);
        head.assets[asset] = (struct liabilities_row){asset, counts[asset], root.sum, root.hash};
        totals.assets[asset] = (struct proof_total){.asset = asset, .users = (__int128)root.sum};
    }
}

static void begin(void)
{
    assert_true(hash_start());
    head = (struct liabilities_head){.height = 9, .asset_count = ASSETS};
    totals = (struct proof_totals){.count = ASSETS};
    leaf_count = 22;
    for (uint32_t i = 0; i < leaf_count; i++)
        put_leaf(i, i == 7 ? INT64_MAX : 100 + i, &i, sizeof(i));
    add_up();
}

static const char *fault(void)
{
    struct liability_check check;
    const char *found = liability_check_totals(&head, &totals);
    liability_check_begin(&check, &head);
    for (uint32_t i = 0; i < leaf_count && found == NULL; i++)
        found = liability_check_leaf(&check, leaves[i]);
    return found != NULL ? found : liability_check_end(&check);
}

TEST(liability_check, what_is_right_is_right)
{
    begin();
    assert_null(fault());
}

/* A balance below zero makes a sum smaller than what is owed: as a number without a sign it is one that no leaf may
 * have, whatever the sums are made to be. */
TEST(liability_check, a_negative_balance_is_refused)
{
    begin();
    le_put_u64(leaves[8], (uint64_t)-1000);
    head.assets[2].sum -= 1108;
    totals.assets[2].users -= 1108;
    assert_string_equal(fault(), "a leaf is below zero");
    begin();
    le_put_u64(leaves[8], (uint64_t)INT64_MAX + 1);
    assert_string_equal(fault(), "a leaf is below zero");
}

/* An account taken out, with its sum; or a smaller amount. */
TEST(liability_check, an_omitted_account_is_missed)
{
    begin();
    le_put_u64(leaves[3], 0);
    assert_string_equal(fault(), "an asset's leaves do not add up to its sum");
    begin();
    le_put_u64(leaves[3], 0);
    add_up(); /* the exchange signs what is left */
    totals.assets[0].users += 103;
    assert_string_equal(fault(), "an asset's sum is not what users are owed of it");
    begin();
    leaf_count--;
    assert_string_equal(fault(), "it lacks leaves of an asset");
    leaf_count += 2;
    assert_string_equal(fault(), "it has leaves of no asset");
}

TEST(liability_check, a_forged_total_is_refused)
{
    begin();
    head.assets[0].sum--;
    totals.assets[0].users--;
    assert_string_equal(fault(), "an asset's leaves do not add up to its sum");
    begin();
    head.assets[1].sum++;
    assert_string_equal(fault(), "an asset's sum is not what users are owed of it");
    begin();
    totals.assets[1].users = -1;
    assert_string_equal(fault(), "an asset's sum is not what users are owed of it");
}

TEST(liability_check, an_asset_that_is_left_out_is_missed)
{
    begin();
    head.asset_count--;
    assert_string_equal(fault(), "an asset is left out");
}

/* A leaf moved to another place, another asset, or with another commitment. */
TEST(liability_check, a_leaf_stays_where_it_is)
{
    uint8_t leaf[LIABILITIES_LEAF_BYTES];
    begin();
    memcpy(leaf, leaves[1], sizeof(leaf));
    memcpy(leaves[1], leaves[4], sizeof(leaf));
    memcpy(leaves[4], leaf, sizeof(leaf));
    assert_string_equal(fault(), "an asset's leaves do not lead to its root");
    begin();
    leaves[6][8] ^= 1;
    assert_string_equal(fault(), "an asset's leaves do not lead to its root");
    begin();
    le_put_u64(leaves[2], 101);
    le_put_u64(leaves[1], 102); /* the same sum */
    assert_string_equal(fault(), "an asset's leaves do not lead to its root");
}
