#include "settlement/liability_leaf.h"

#include "common/le.h"
#include "tests/harness.h"

#define LEAVES_MAX 70

static struct liabilities_node leaves[LEAVES_MAX + 2], nodes[LEAVES_MAX];

static void make_leaves(void)
{
    assert_true(hash_start());
    for (uint32_t i = 0; i < LEAVES_MAX; i++) {
        const hash_t commitment = hash_of(&i, sizeof(i));
        leaves[i] = liability_leaf_node(3, i * 1000 + 7, &commitment);
    }
}

/* As RFC 9162 has it, straight: the left subtree is the largest power of two below the number of leaves. */
static struct liabilities_node plain_root(const struct liabilities_node *of, uint32_t count)
{
    uint8_t text[97];
    uint32_t half = 1;
    if (count == 1) return of[0];
    while (half * 2 < count)
        half *= 2;
    const struct liabilities_node left = plain_root(of, half);
    const struct liabilities_node right = plain_root(of + half, count - half);
    text[0] = 1;
    memcpy(text + 1, &left.sum, 16);
    memcpy(text + 17, left.hash.bytes, 32);
    memcpy(text + 49, &right.sum, 16);
    memcpy(text + 65, right.hash.bytes, 32);
    return (struct liabilities_node){left.sum + right.sum, hash_of(text, sizeof(text))};
}

static void assert_node(const struct liabilities_node *left, const struct liabilities_node *right)
{
    assert_true(left->sum == right->sum);
    assert_memory_equal(left->hash.bytes, right->hash.bytes, HASH_BYTES);
}

static struct liabilities_row row_of(uint32_t count)
{
    const struct liabilities_node root = plain_root(leaves, count);
    return (struct liabilities_row){3, count, root.sum, root.hash};
}

/* What is hashed, byte for byte: whoever writes another verifier has only the document. */
TEST(liability_leaf, hashes_are_of_what_the_document_says)
{
    const hash_t nonce = hash_of("nonce", 5);
    uint8_t key[PUBLIC_KEY_BYTES] = {7}, text[128];
    assert_true(hash_start());
    memcpy(text, "quorex/liability/1", 18);
    memcpy(text + 18, nonce.bytes, 32);
    memcpy(text + 50, key, 32);
    memcpy(text + 82, "\x03\x00\x01\x00\x02\x00", 6);
    const hash_t commitment = liability_leaf_commitment(&nonce, key, 3, 1, 2);
    assert_true(hash_equal(commitment, hash_of(text, 88)));
    memcpy(text, "\x00\x03\x00\x10\x27\x00\x00\x00\x00\x00\x00", 11);
    memcpy(text + 11, commitment.bytes, 32);
    const struct liabilities_node leaf = liability_leaf_node(3, 10000, &commitment);
    assert_true(hash_equal(leaf.hash, hash_of(text, 43)) && leaf.sum == 10000);
}

/* Two holders, two assets or two parts never share a commitment. */
TEST(liability_leaf, a_commitment_binds_all_of_it)
{
    const hash_t nonce = hash_of("nonce", 5), other = hash_of("other", 5);
    const uint8_t ann[PUBLIC_KEY_BYTES] = {7}, bob[PUBLIC_KEY_BYTES] = {8};
    const hash_t found[] = {liability_leaf_commitment(&nonce, ann, 3, 0, 2),
                            liability_leaf_commitment(&nonce, bob, 3, 0, 2),
                            liability_leaf_commitment(&nonce, ann, 2, 0, 2),
                            liability_leaf_commitment(&nonce, ann, 3, 1, 2),
                            liability_leaf_commitment(&nonce, ann, 3, 0, 1),
                            liability_leaf_commitment(&other, ann, 3, 0, 2)};
    for (uint32_t i = 0; i < 6; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_false(hash_equal(found[i], found[k]));
}

TEST(liability_leaf, the_tree_has_the_shape_of_rfc_9162)
{
    struct liability_tree tree;
    make_leaves();
    liability_leaf_tree_begin(&tree);
    for (uint32_t count = 1; count <= LEAVES_MAX; count++) {
        liability_leaf_tree_add(&tree, &leaves[count - 1]);
        assert_true(liability_leaf_tree_check(&tree));
        const struct liabilities_node root = liability_leaf_tree_root(&tree);
        const struct liabilities_node plain = plain_root(leaves, count);
        assert_node(&root, &plain);
    }
}

/* Every leaf of every tree, and no other leaf, place, number of leaves or root. */
TEST(liability_leaf, paths_lead_to_the_root)
{
    struct liabilities_part part;
    make_leaves();
    for (uint32_t count = 1; count <= LEAVES_MAX; count++)
        for (uint32_t index = 0; index < count; index++) {
            const struct liabilities_row row = row_of(count);
            struct liabilities_row other = row;
            memcpy(nodes, leaves, sizeof(nodes));
            part.position = index;
            part.path_count = liability_leaf_path(nodes, count, index, part.path);
            assert_true(hash_equal(nodes[0].hash, row.root));
            assert_null(liability_leaf_fault(&part, leaves[index], &row));
            if (count == 1) continue;
            assert_non_null(liability_leaf_fault(&part, leaves[(index + 1) % count], &row));
            part.position = (index + 1) % count;
            assert_non_null(liability_leaf_fault(&part, leaves[index], &row));
            part.position = index;
            other.sum++;
            assert_non_null(liability_leaf_fault(&part, leaves[index], &other));
            part.path_count--;
            assert_non_null(liability_leaf_fault(&part, leaves[index], &row));
        }
}

/* Several parts, wherever they are, in two steps: each through the four leaves about it, then together. */
TEST(liability_leaf, several_rise_at_once)
{
    static struct liabilities_node row_nodes[LEAVES_MAX];
    struct liabilities_part parts[3];
    make_leaves();
    for (uint32_t count = 1; count <= LEAVES_MAX; count++)
        for (uint32_t index = 0; index < count; index++) {
            const struct liabilities_row row = row_of(count);
            const uint32_t rows = (count + 3) / 4;
            for (uint32_t i = 0; i < rows; i++)
                row_nodes[i] = plain_root(leaves + 4 * i, count - 4 * i < 4 ? count - 4 * i : 4);
            for (uint32_t i = 0; i < 3; i++) {
                const uint32_t at = (index + i * i) % count, first = at / 4 * 4;
                memcpy(nodes, leaves + first, 4 * sizeof(*nodes));
                parts[i].position = at;
                parts[i].path_count = liability_leaf_path(
                    nodes, count - first < 4 ? count - first : 4, at % 4, parts[i].path);
            }
            liability_leaf_rise(row_nodes, rows, 4, parts, 3);
            assert_true(hash_equal(row_nodes[0].hash, row.root));
            for (uint32_t i = 0; i < 3; i++)
                assert_null(liability_leaf_fault(&parts[i], leaves[parts[i].position], &row));
        }
}

/* With so much more, modulo 2^128, at one level of the path. */
static const char *fault_with(uint32_t level, unsigned __int128 more, uint32_t count,
                              uint32_t index)
{
    struct liabilities_part part = {.position = index};
    const struct liabilities_row row = row_of(count);
    memcpy(nodes, leaves, sizeof(nodes));
    part.path_count = liability_leaf_path(nodes, count, index, part.path);
    part.path[level].sum += more;
    return liability_leaf_fault(&part, leaves[index], &row);
}

/* What a tree of sums must not allow: a side shown smaller, another larger; one below zero, which is far above. */
TEST(liability_leaf, other_sums_are_refused_and_named)
{
    make_leaves();
    struct liabilities_part part = {.position = 5};
    const struct liabilities_row row = row_of(40);
    assert_null(fault_with(0, 0, 40, 5));
    assert_string_equal(fault_with(1, -(unsigned __int128)1, 40, 5),
                        "a part's path does not lead to its asset's root");
    assert_string_equal(fault_with(1, -((unsigned __int128)1 << 90), 40, 5),
                        "a part's path has a sum above its asset's");
    assert_string_equal(fault_with(2, (unsigned __int128)1 << 127, 40, 5),
                        "a part's path has a sum above its asset's");
    memcpy(nodes, leaves, sizeof(nodes));
    part.path_count = liability_leaf_path(nodes, 40, 5, part.path);
    part.path[0].sum += 3; /* what the leaf lacks, its sibling has */
    struct liabilities_node less = leaves[5];
    less.sum -= 3;
    assert_string_equal(liability_leaf_fault(&part, less, &row),
                        "a part's path does not lead to its asset's root");
    part.position = 40;
    assert_string_equal(liability_leaf_fault(&part, leaves[5], &row),
                        "a part's place is outside of its asset's tree");
}

TEST(liability_leaf, paths_of_another_length_are_named)
{
    make_leaves();
    struct liabilities_part part = {.position = 5};
    const struct liabilities_row row = row_of(40);
    memcpy(nodes, leaves, sizeof(nodes));
    part.path_count = liability_leaf_path(nodes, 40, 5, part.path);
    part.path_count--;
    assert_string_equal(liability_leaf_fault(&part, leaves[5], &row), "a part's path is too short");
    part.path_count += 2;
    part.path[part.path_count - 1] = leaves[0];
    assert_string_equal(liability_leaf_fault(&part, leaves[5], &row), "a part's path is too long");
}
