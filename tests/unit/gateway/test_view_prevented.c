#include "gateway/view_prevented.h"

#include "tests/harness.h"

/* An entry has what the event says, and when it was. */
TEST(view_prevented, an_entry_says_what_was_prevented)
{
    struct arena arena;
    struct account_tail tail;
    const struct params params = {.accounts_max = 2};
    const struct applied applied = {.number = 70, .stamp_ns = 7};
    const struct prevented_event prevented = {.prevented_id = 9,
                                              .maker_order = 3,
                                              .taker_order = 4,
                                              .price = {5},
                                              .maker_qty = {6},
                                              .taker_qty = {8},
                                              .maker_account = 2,
                                              .taker_account = 2,
                                              .market = 1,
                                              .mode = SELF_TRADE_DECREMENT};
    assert_true(arena_map(&arena, account_tail_bytes(&params, 4, sizeof(struct view_prevented))));
    assert_true(account_tail_init(&tail, &arena, &params, 4, sizeof(struct view_prevented)));
    view_prevented_add(&tail, &prevented, &applied);
    const struct view_prevented *entry = account_tail_next(&tail, 2, NULL);
    assert_int_equal(entry->link.command, 70);
    assert_int_equal(entry->time_ns, 7);
    assert_int_equal(entry->prevented_id, 9);
    assert_int_equal(entry->maker_order, 3);
    assert_int_equal(entry->taker_order, 4);
    assert_int_equal(entry->price.ticks, 5);
    assert_int_equal(entry->maker_qty.lots, 6);
    assert_int_equal(entry->taker_qty.lots, 8);
    assert_int_equal(entry->market, 1);
    assert_int_equal(entry->mode, SELF_TRADE_DECREMENT);
    arena_unmap(&arena);
}
