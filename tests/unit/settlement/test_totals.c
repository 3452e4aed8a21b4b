#include "settlement/totals.h"

#include "tests/harness.h"

/* One unit too many on either side is seen, however large the figures. */
TEST(totals, conserved_to_the_last_unit)
{
    const __int128 large = (__int128)INT64_MAX * 1000;
    struct totals totals = {large, 7, 3, 0, large + 10};
    assert_true(totals_conserved(&totals));
    totals.rounding++;
    assert_false(totals_conserved(&totals));
    totals.external++;
    assert_true(totals_conserved(&totals));
    totals.in_flight++;
    assert_false(totals_conserved(&totals));
}

/* RFC 9162: three leaves split 2 and 1, no leaf doubled; each figure and its place count. */
TEST(totals, root_is_the_tree_hash_of_its_leaves)
{
    if (!hash_start()) abort();
    struct totals totals[3] = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}, {-1, 0, 0, 0, -1}};
    hash_t leaf[3];
    for (uint8_t i = 0; i < 3; i++)
        leaf[i] = totals_root(&totals[i], 1);
    /* A leaf binds its index: only the first of these is the same as in the tree. */
    uint8_t bytes[83] = {0x00, 1, 0};
    const __int128 second[] = {6, 7, 8, 9, 10};
    memcpy(bytes + 3, second, 80);
    leaf[1] = hash_of(bytes, 83);
    const __int128 third[] = {-1, 0, 0, 0, -1};
    bytes[1] = 2;
    memcpy(bytes + 3, third, 80);
    leaf[2] = hash_of(bytes, 83);

    uint8_t node[65] = {0x01};
    memcpy(node + 1, leaf[0].bytes, 32);
    memcpy(node + 33, leaf[1].bytes, 32);
    const hash_t left = hash_of(node, 65);
    memcpy(node + 1, left.bytes, 32);
    memcpy(node + 33, leaf[2].bytes, 32);
    const hash_t expected = hash_of(node, 65);
    const hash_t root = totals_root(totals, 3);
    assert_memory_equal(&root, &expected, 32);

    const hash_t none = totals_root(totals, 0), empty = hash_of("", 0);
    assert_memory_equal(&none, &empty, 32);
    totals[1].fees++;
    assert_false(hash_equal(totals_root(totals, 3), root));
}
