#include "settlement/account_proof.h"

#include "settlement/account_tree.h"

static_assert(PROOF_DEPTH_MAX >= ACCOUNT_TREE_DEPTH_MAX, "every path fits");
static_assert(PROOF_ASSETS_MAX >= ACCOUNT_LEAF_ASSETS_MAX, "every leaf fits");

static hash_t leaf_of(const struct proof_account *account)
{
    struct account_leaf leaf = {
        .salt = account->salt, .public_key = account->public_key, .count = account->count};
    for (uint16_t i = 0; i < account->count; i++)
        leaf.balances[i] = (struct account_leaf_balance){account->balances[i].asset,
                                                         {account->balances[i].available},
                                                         {account->balances[i].held}};
    return account_tree_leaf_hash(&leaf);
}

hash_t account_proof_root(const struct proof_account *account)
{
    hash_t hash = leaf_of(account);
    uint32_t place = account->position;
    for (uint32_t level = 0; level < account->depth; level++, place /= 2) {
        const hash_t *sibling = &account->siblings[level];
        hash = place % 2 == 0 ? account_tree_node_hash(&hash, sibling)
                              : account_tree_node_hash(sibling, &hash);
    }
    return hash;
}

const char *account_proof_fault(const struct proof_account *account, hash_t state_root,
                                const uint8_t *public_key)
{
    if (public_key != NULL && memcmp(public_key, account->public_key, PUBLIC_KEY_BYTES) != 0)
        return "its leaf is another account's";
    if (!hash_equal(account_proof_root(account), state_root))
        return "its path does not lead to state_root";
    return NULL;
}
