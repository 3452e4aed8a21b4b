#include "ledger/merkle.h"

#include "tests/harness.h"

#define LEAVES 70

static hash_t leaves[LEAVES];

static void make_leaves(void)
{
    for (uint8_t i = 0; i < LEAVES; i++)
        leaves[i] = merkle_leaf(&i, 1);
}

/* The definition in RFC 9162 section 2.1.1, word for word. */
static hash_t root_by_definition(const hash_t *from, uint64_t count)
{
    if (count == 0) return hash_of("", 0);
    if (count == 1) return from[0];
    uint64_t split = 1;
    while (split * 2 < count)
        split *= 2;
    return merkle_node(root_by_definition(from, split),
                       root_by_definition(from + split, count - split));
}

static hash_t root_of_first(uint64_t count)
{
    struct merkle tree;
    merkle_begin(&tree);
    for (uint64_t i = 0; i < count; i++)
        merkle_add(&tree, leaves[i]);
    return merkle_root(&tree);
}

static void assert_hash(hash_t hash, const char *hex)
{
    char text[2 * HASH_BYTES + 1];
    hash_hex(hash.bytes, HASH_BYTES, text);
    assert_string_equal(text, hex);
}

/* Leaves in one go, from wherever the tree stands, are those leaves one by one. */
TEST(merkle, leaves_added_together_are_leaves_added_one_by_one)
{
    make_leaves();
    for (uint64_t before = 0; before < LEAVES; before++) {
        for (uint64_t count = 0; before + count <= LEAVES; count++) {
            struct merkle tree;
            hash_t copies[LEAVES];
            merkle_begin(&tree);
            for (uint64_t i = 0; i < before; i++)
                merkle_add(&tree, leaves[i]);
            memcpy(copies, leaves + before, count * sizeof(hash_t));
            merkle_add_all(&tree, copies, count);
            assert_int_equal(tree.leaf_count, before + count);
            assert_true(hash_equal(merkle_root(&tree), root_of_first(before + count)));
            assert_true(merkle_check(&tree));
        }
    }
}

/* Golden roots, computed from the RFC's definition by another program: eight inputs of rising length,
 * so that odd counts and the empty leaf are among them. */
TEST(merkle, roots_are_those_of_the_rfc)
{
    static const struct {
        const char *bytes;
        size_t count;
    } inputs[8] = {{"", 0},
                   {"\x00", 1},
                   {"\x10", 1},
                   {"\x20\x21", 2},
                   {"\x30\x31", 2},
                   {"\x40\x41\x42\x43", 4},
                   {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
                   {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16}};
    static const char *const roots[9] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct merkle tree;
    merkle_begin(&tree);
    assert_hash(merkle_root(&tree), roots[0]);
    for (int i = 0; i < 8; i++) {
        merkle_add(&tree, merkle_leaf(inputs[i].bytes, inputs[i].count));
        assert_hash(merkle_root(&tree), roots[i + 1]);
    }
}

/* The frontier gives the root that the recursive definition gives, at every size. */
TEST(merkle, streaming_root_is_the_defined_root)
{
    make_leaves();
    for (uint64_t count = 0; count <= LEAVES; count++)
        assert_true(hash_equal(root_of_first(count), root_by_definition(leaves, count)));
}

/* Every leaf of every tree proves itself, and nothing else: not another leaf, place, size or root, nor
 * with any hash of the path changed or dropped. */
TEST(merkle, inclusion_proofs_prove_their_leaf_only)
{
    make_leaves();
    for (uint64_t count = 1; count <= 35; count++) {
        const hash_t root = root_of_first(count);
        for (uint64_t i = 0; i < count; i++) {
            struct merkle_path path;
            merkle_prove_inclusion(leaves, count, i, &path);
            assert_true(merkle_included(leaves[i], i, count, root, &path));
            assert_false(merkle_included(leaves[i + 1], i, count, root, &path));
            assert_false(merkle_included(leaves[i], count, count, root, &path));
            assert_false(merkle_included(leaves[i], i, count, root_of_first(count + 1), &path));
            for (uint64_t other = 0; other < count; other++)
                if (other != i) assert_false(merkle_included(leaves[i], other, count, root, &path));
            for (uint32_t step = 0; step < path.count; step++) {
                path.hashes[step].bytes[31] ^= 1;
                assert_false(merkle_included(leaves[i], i, count, root, &path));
                path.hashes[step].bytes[31] ^= 1;
            }
            if (path.count > 0) {
                path.count--;
                assert_false(merkle_included(leaves[i], i, count, root, &path));
            }
        }
    }
}

/* Every tree proves that it begins with every older one, and with no other. */
TEST(merkle, consistency_proofs_prove_their_past_only)
{
    make_leaves();
    for (uint64_t count = 1; count <= 35; count++) {
        const hash_t root = root_of_first(count);
        for (uint64_t old = 1; old <= count; old++) {
            struct merkle_path path;
            const hash_t old_root = root_of_first(old);
            merkle_prove_consistency(leaves, old, count, &path);
            assert_true(merkle_consistent(old, old_root, count, root, &path));
            hash_t wrong = old_root;
            wrong.bytes[0] ^= 1;
            assert_false(merkle_consistent(old, wrong, count, root, &path));
            assert_false(merkle_consistent(old, old_root, count, wrong, &path));
            assert_false(merkle_consistent(0, old_root, count, root, &path));
            assert_false(
                merkle_consistent(count + 1, root_of_first(count + 1), count, root, &path));
            for (uint32_t step = 0; step < path.count; step++) {
                path.hashes[step].bytes[5] ^= 4;
                assert_false(merkle_consistent(old, old_root, count, root, &path));
                path.hashes[step].bytes[5] ^= 4;
            }
        }
    }
}

/* The RFC's own example (section 2.1.5): seven leaves; the proofs are these hashes, in this order. */
TEST(merkle, proofs_are_those_of_the_rfc_example)
{
    make_leaves();
    const hash_t *d = leaves;
    const hash_t g = merkle_node(d[0], d[1]), h = merkle_node(d[2], d[3]),
                 i = merkle_node(d[4], d[5]), k = merkle_node(g, h), j = d[6],
                 l = merkle_node(i, j);
    struct merkle_path path;
    merkle_prove_inclusion(leaves, 7, 0, &path); /* [b, h, l] */
    assert_int_equal(path.count, 3);
    assert_true(hash_equal(path.hashes[0], d[1]) && hash_equal(path.hashes[1], h) &&
                hash_equal(path.hashes[2], l));
    merkle_prove_inclusion(leaves, 7, 6, &path); /* [i, k] */
    assert_int_equal(path.count, 2);
    assert_true(hash_equal(path.hashes[0], i) && hash_equal(path.hashes[1], k));
    merkle_prove_consistency(leaves, 3, 7, &path); /* [c, d, g, l] */
    assert_int_equal(path.count, 4);
    assert_true(hash_equal(path.hashes[0], d[2]) && hash_equal(path.hashes[1], d[3]) &&
                hash_equal(path.hashes[2], g) && hash_equal(path.hashes[3], l));
    merkle_prove_consistency(leaves, 4, 7, &path); /* [l] */
    assert_int_equal(path.count, 1);
    assert_true(hash_equal(path.hashes[0], l));
    merkle_prove_consistency(leaves, 6, 7, &path); /* [i, j, k] */
    assert_int_equal(path.count, 3);
    assert_true(hash_equal(path.hashes[0], i) && hash_equal(path.hashes[1], j) &&
                hash_equal(path.hashes[2], k));
}
