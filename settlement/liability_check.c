#include "settlement/liability_check.h"

#include "common/le.h"

void liability_check_begin(struct liability_check *check, const struct liabilities_head *head)
{
    check->head = head;
    check->asset = 0;
    liability_leaf_tree_begin(&check->tree);
}

/* The last leaf of an asset has come. */
static const char *end_asset(struct liability_check *check, const struct liabilities_row *row)
{
    const struct liabilities_node root = liability_leaf_tree_root(&check->tree);
    if (root.sum != row->sum) return "an asset's leaves do not add up to its sum";
    if (!hash_equal(root.hash, row->root)) return "an asset's leaves do not lead to its root";
    check->asset++;
    liability_leaf_tree_begin(&check->tree);
    return NULL;
}

const char *liability_check_leaf(struct liability_check *check,
                                 const uint8_t leaf[LIABILITIES_LEAF_BYTES])
{
    hash_t commitment;
    const uint64_t amount = le_get_u64(leaf);
    if (check->asset >= check->head->asset_count) return "it has leaves of no asset";
    if (amount > INT64_MAX) return "a leaf is below zero";
    const struct liabilities_row *row = &check->head->assets[check->asset];
    memcpy(commitment.bytes, leaf + 8, HASH_BYTES);
    const struct liabilities_node node = liability_leaf_node(row->asset, amount, &commitment);
    liability_leaf_tree_add(&check->tree, &node);
    return check->tree.leaf_count == row->leaf_count ? end_asset(check, row) : NULL;
}

const char *liability_check_end(const struct liability_check *check)
{
    return check->asset == check->head->asset_count ? NULL : "it lacks leaves of an asset";
}

const char *liability_check_totals(const struct liabilities_head *head,
                                   const struct proof_totals *totals)
{
    if (head->asset_count != totals->count) return "an asset is left out";
    for (uint32_t i = 0; i < totals->count; i++)
        if (totals->assets[i].users < 0 ||
            head->assets[i].sum != (unsigned __int128)totals->assets[i].users)
            return "an asset's sum is not what users are owed of it";
    return NULL;
}
