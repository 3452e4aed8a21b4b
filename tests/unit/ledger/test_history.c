#include "ledger/history.h"

#include "tests/harness.h"

/* history_root of the first header covers nothing, and that has a root too. */
TEST(history, is_the_hash_of_nothing_before_the_first_header)
{
    struct history history;
    history_begin(&history);
    assert_true(hash_equal(history_root(&history), hash_of("", 0)));
    assert_int_equal(history_height(&history), 0);
}

/* Each header's root covers exactly the headers below it: the tree of three, by hand. */
TEST(history, covers_the_headers_added)
{
    hash_t headers[3];
    struct history history;
    history_begin(&history);
    for (uint8_t i = 0; i < 3; i++) {
        headers[i] = hash_of(&i, 1);
        history_add(&history, i + 1u, headers[i]);
    }
    const hash_t left = merkle_node(history_leaf(headers[0]), history_leaf(headers[1]));
    assert_true(hash_equal(history_root(&history), merkle_node(left, history_leaf(headers[2]))));
    assert_int_equal(history_height(&history), 3);
}
