#include "gateway/view_amended.h"

#include "tests/harness.h"

/* An entry has both names and both quantities, and when it was. */
TEST(view_amended, an_entry_says_what_became_of_the_order)
{
    struct arena arena;
    struct account_tail tail;
    const struct params params = {.accounts_max = 2};
    const struct applied applied = {.number = 70, .stamp_ns = 7};
    const struct order_amended_event amended = {.order_id = 3,
                                                .qty_before = {9},
                                                .qty = {4},
                                                .account = 2,
                                                .market = 1,
                                                .client_id = "new"};
    assert_true(arena_map(&arena, account_tail_bytes(&params, 4, sizeof(struct view_amended))));
    assert_true(account_tail_init(&tail, &arena, &params, 4, sizeof(struct view_amended)));
    view_amended_add(&tail, &amended, (const uint8_t[36]){"old"}, &applied);
    const struct view_amended *entry = account_tail_next(&tail, 2, NULL);
    assert_int_equal(entry->link.command, 70);
    assert_int_equal(entry->time_ns, 7);
    assert_int_equal(entry->order_id, 3);
    assert_int_equal(entry->market, 1);
    assert_int_equal(entry->qty_before.lots, 9);
    assert_int_equal(entry->qty.lots, 4);
    assert_memory_equal(entry->former_client_id, "old", 4);
    assert_memory_equal(entry->client_id, "new", 4);
    arena_unmap(&arena);
}
