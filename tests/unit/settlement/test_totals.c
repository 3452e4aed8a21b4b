#include "settlement/totals.h"

#include "tests/harness.h"

/* One unit too many on either side is seen, however large the figures. */
TEST(totals, conserved_to_the_last_unit)
{
    const __int128 large = (__int128)INT64_MAX * 1000;
    struct totals totals = {large, 7, 3, 0, large + 10, 0};
    assert_true(totals_conserved(&totals));
    totals.rounding++;
    assert_false(totals_conserved(&totals));
    totals.external++;
    assert_true(totals_conserved(&totals));
    totals.in_flight++;
    assert_false(totals_conserved(&totals));
    totals.house--;
    assert_true(totals_conserved(&totals));
}

/* RFC 9162: three leaves split 2 and 1, no leaf doubled; each figure and its place count. */
TEST(totals, root_is_the_tree_hash_of_its_leaves)
{
    if (!hash_start()) abort();
    struct totals totals[3] = {{1, 2, 3, 4, 5, 0}, {6, 7, 8, 9, 10, 0}, {-1, 0, 0, 0, -1, 0}};
    hash_t leaf[3];
    for (uint8_t i = 0; i < 3; i++)
        leaf[i] = totals_root(&totals[i], 1, false);
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
    const hash_t root = totals_root(totals, 3, false);
    assert_memory_equal(&root, &expected, 32);

    const hash_t none = totals_root(totals, 0, false), empty = hash_of("", 0);
    assert_memory_equal(&none, &empty, 32);
    totals[1].fees++;
    assert_false(hash_equal(totals_root(totals, 3, false), root));
}

/* Where the house has an account a leaf binds what it has, below zero too; and the same figures of a chain without one are
 * another leaf. */
TEST(totals, house_is_bound_where_it_has_an_account)
{
    if (!hash_start()) abort();
    struct totals totals = {.users = 1, .fees = 2, .rounding = 3, .in_flight = 4, .external = 5};
    const hash_t without = totals_root(&totals, 1, false);
    const hash_t nothing = totals_root(&totals, 1, true);
    assert_false(hash_equal(without, nothing));
    totals.house = -5;

    uint8_t bytes[99] = {0x00, 0, 0};
    const __int128 figures[] = {1, 2, 3, 4, 5, -5};
    memcpy(bytes + 3, figures, 96);
    const hash_t expected = hash_of(bytes, 99), root = totals_root(&totals, 1, true);
    assert_memory_equal(&root, &expected, 32);
}
