#include "settlement/account_proof.h"

#include "common/arena.h"
#include "settlement/account_tree.h"
#include "tests/harness.h"

#define ACCOUNTS 100

static const uint8_t secret[32] = "thirty-two bytes of tree secret!";
static struct arena arena;
static struct account_tree *tree;
static hash_t root;
static struct proof_account proof;

static void leaf_set(uint32_t account, uint64_t height, struct proof_account *out)
{
    memset(out, 0, sizeof(*out));
    out->salt = account_tree_salt(tree, account, height);
    memset(out->public_key, (int)account, PUBLIC_KEY_BYTES);
    out->count = 2;
    out->balances[0] = (struct proof_balance){0, 100 + account, 7};
    out->balances[1] = (struct proof_balance){3, 0, (int64_t)height};
    struct account_leaf leaf = {.salt = out->salt, .public_key = out->public_key, .count = 2};
    for (int i = 0; i < 2; i++)
        leaf.balances[i] = (struct account_leaf_balance){
            out->balances[i].asset, {out->balances[i].available}, {out->balances[i].held}};
    account_tree_set(tree, account, account_tree_leaf_hash(&leaf));
}

static void path_of(uint32_t account, struct proof_account *out)
{
    out->position = account_tree_position(tree, account);
    out->depth = account_tree_depth(tree);
    account_tree_path(tree, account, out->siblings);
}

/* A hundred accounts at height 9, and the proof of number 42. */
static void hundred(void)
{
    struct proof_account other;
    assert_true(hash_start() && arena_map(&arena, account_tree_bytes(ACCOUNTS)));
    tree = account_tree_new(&arena, ACCOUNTS, secret);
    for (uint32_t account = 1; account <= ACCOUNTS; account++)
        leaf_set(account, 9, account == 42 ? &proof : &other);
    root = account_tree_root(tree);
    path_of(42, &proof);
}

TEST(account_proof, of_the_tree_is_right)
{
    hundred();
    assert_null(account_proof_fault(&proof, root, proof.public_key));
    assert_null(account_proof_fault(&proof, root, NULL));
    arena_unmap(&arena);
}

/* Two holders shown one leaf: whoever is not its owner sees it at once; and the leaf with his own key in the place of
 * the owner's is not in the tree. */
TEST(account_proof, two_accounts_cannot_be_shown_one_leaf)
{
    hundred();
    uint8_t mine[PUBLIC_KEY_BYTES];
    memset(mine, 17, sizeof(mine));
    assert_string_equal(account_proof_fault(&proof, root, mine), "its leaf is another account's");
    memcpy(proof.public_key, mine, sizeof(mine));
    assert_string_equal(account_proof_fault(&proof, root, mine),
                        "its path does not lead to state_root");
    arena_unmap(&arena);
}

/* A leaf of then is not one of now, although every hash of it is real. */
TEST(account_proof, of_another_height_is_refused)
{
    hundred();
    struct proof_account later;
    leaf_set(42, 10, &later);
    const hash_t now = account_tree_root(tree);
    assert_string_equal(account_proof_fault(&proof, now, NULL),
                        "its path does not lead to state_root");
    path_of(42, &later);
    assert_null(account_proof_fault(&later, now, NULL));
    arena_unmap(&arena);
}

/* A balance more, a balance fewer, an asset for another, another place: each leads elsewhere. */
TEST(account_proof, with_another_figure_is_refused)
{
    hundred();
    const struct proof_account right = proof;
    proof.balances[0].available++;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    proof = right;
    proof.balances[1].asset++;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    proof = right;
    proof.count = 1;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    proof = right;
    proof.position ^= 4;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    proof = right;
    proof.depth--;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    proof = right;
    proof.siblings[3].bytes[31] ^= 1;
    assert_non_null(account_proof_fault(&proof, root, NULL));
    arena_unmap(&arena);
}
