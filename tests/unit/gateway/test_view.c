#include "gateway/view.h"

#include "tests/unit/gateway/desk_fixture.h"

static uint32_t open_of(uint32_t account)
{
    uint32_t count = 0;
    const struct view_order *order = NULL;
    while ((order = view_next_open(desk_view, account, order)) != NULL)
        count++;
    return count;
}

/* An order is open from its acceptance to its end, and shows what it has traded on the way. */
TEST(view, order_lives_from_accepted_to_done)
{
    desk_open();
    desk_one_fill();
    const struct view_order *maker = view_open_order(desk_view, 1, 0, 1);
    assert_non_null(maker);
    assert_int_equal(maker->status, ORDER_PARTIALLY_FILLED);
    assert_int_equal(maker->executed.lots, 2);
    assert_int_equal(maker->quote_executed.units, 2 * 5000000 * 10);
    assert_null(view_open_order(desk_view, 2, 0, 1)); /* not bob's */
    assert_null(view_open_order(desk_view, 2, 0, 2)); /* done */
    const struct view_order *done = view_next_done(desk_view, 2, NULL);
    assert_non_null(done);
    assert_int_equal(done->order_id, 2);
    assert_int_equal(done->command, 3);
    assert_null(view_next_done(desk_view, 2, done));
    assert_true(view_check(desk_view));
}

/* GET order by client id finds the open order of that account and market, and no other. */
TEST(view, open_order_is_found_by_client_id)
{
    uint8_t client_id[36] = "bob-2";
    desk_open();
    desk_one_fill();
    assert_int_equal(view_open_client(desk_view, 2, 0, client_id)->order_id, 3);
    assert_null(view_open_client(desk_view, 2, 1, client_id));
    assert_null(view_open_client(desk_view, 1, 0, client_id));
}

TEST(view, balances_are_the_last_ones_told)
{
    desk_open();
    desk_one_fill();
    assert_int_equal(view_balance(desk_view, 1, 0).available.units, 997000);
    assert_int_equal(view_balance(desk_view, 1, 0).held.units, 3000);
    assert_int_equal(view_balance(desk_view, 2, 0).available.units, 0);
}

/* The buyer pays his fee in base, the seller in quote, each rounded up: 0.1% of 2 lots = 2,000 units is
 * 2, of 100,000,000 units of quote 100,000. */
TEST(view, fill_carries_both_fees_in_what_each_received)
{
    desk_open();
    desk_one_fill();
    const struct view_fill *fill = view_next_fill(desk_view, 1, NULL);
    assert_non_null(fill);
    assert_int_equal(fill->taker_fee.units, 2);
    assert_int_equal(fill->maker_fee.units, 100000);
    assert_ptr_equal(view_next_fill(desk_view, 2, NULL), fill);
    assert_ptr_equal(view_next_market_fill(desk_view, 0, NULL), fill);
    assert_null(view_next_market_fill(desk_view, 1, NULL));
    assert_null(view_next_fill(desk_view, 1, fill));
}

/* A tail lets go only of what PostgreSQL has and is old enough; the line below which it is not whole
 * any more is known. */
TEST(view, tail_is_trimmed_when_projected_and_old)
{
    desk_open();
    desk_one_fill();
    const uint64_t old = desk_stamp + TAIL_GRACE_NS;
    view_trim(desk_view, 2, old);
    assert_int_equal(view_dropped(desk_view), 0);
    view_trim(desk_view, 99, old - 2 * DESK_MS_NS);
    assert_int_equal(view_dropped(desk_view), 0);
    view_trim(desk_view, 99, old - DESK_MS_NS);
    assert_int_equal(view_dropped(desk_view), 3);
    assert_null(view_next_done(desk_view, 2, NULL));
    assert_null(view_next_fill(desk_view, 1, NULL));
}

/* Beyond its bound a tail forgets the oldest, projected or not, and says so. */
TEST(view, full_tail_forgets_its_oldest)
{
    desk_open();
    desk_account(1);
    desk_apply();
    for (uint64_t id = 1; id <= VIEW_ORDERS_KEPT + 1; id++) {
        desk_accept(0, id, 1, SELL, 5000000, 1, "x");
        desk_done(0, id, 1, SELL, 5000000, 1, 0, 0, ORDER_CANCELED, "x");
        desk_apply();
    }
    assert_int_equal(view_dropped(desk_view), 2);
    uint32_t kept = 0;
    const struct view_order *order = NULL;
    while ((order = view_next_done(desk_view, 1, order)) != NULL) {
        assert_int_equal(order->order_id, VIEW_ORDERS_KEPT + 1 - kept);
        kept++;
    }
    assert_int_equal(kept, VIEW_ORDERS_KEPT);
}

/* Open orders come and go in any order, and the table finds each until it goes. Seeded. */
TEST(view, table_and_lists_agree_under_churn)
{
    static uint64_t open_ids[1024];
    uint32_t open_count = 0;
    uint64_t next_id = 1;
    uint64_t seed = 0x5eed12;
    desk_open();
    for (uint32_t account = 1; account <= 8; account++)
        desk_account(account);
    desk_apply();
    for (int round = 0; round < 20000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint32_t dice = (uint32_t)(seed >> 33);
        if (open_count < 1024 && (open_count == 0 || dice % 2 == 0)) {
            desk_accept(0, next_id, (uint32_t)(next_id % 8) + 1, BUY, 1, 1, "c");
            open_ids[open_count++] = next_id++;
        } else {
            const uint32_t victim = dice / 2 % open_count;
            const uint64_t id = open_ids[victim];
            desk_done(0, id, (uint32_t)(id % 8) + 1, BUY, 1, 1, 0, 0, ORDER_CANCELED, "c");
            open_ids[victim] = open_ids[--open_count];
        }
        desk_apply();
        if (round % 500 == 0) assert_true(view_check(desk_view));
    }
    uint32_t listed = 0;
    for (uint32_t account = 1; account <= 8; account++)
        listed += open_of(account);
    assert_int_equal(listed, open_count);
    for (uint32_t index = 0; index < open_count; index++)
        assert_non_null(
            view_open_order(desk_view, (uint32_t)(open_ids[index] % 8) + 1, 0, open_ids[index]));
}

/* Our own HELLO, not another node's, is the epoch that our tickets belong to. */
TEST(view, epoch_is_our_own_last_hello)
{
    struct hello_accepted_event hello = {.epoch = 1, .node = 7};
    desk_open();
    view_watch_node(desk_view, 7);
    event_write_hello_accepted(&desk_events, &hello);
    desk_apply();
    hello = (struct hello_accepted_event){.epoch = 2, .node = 8};
    event_write_hello_accepted(&desk_events, &hello);
    desk_apply();
    assert_int_equal(view_epoch(desk_view), 1);
    assert_int_equal(view_command(desk_view), 2);
}

/* ---- stops, lists, prevention, tiers ---- */

static const struct view_order *open_one(uint64_t id)
{
    const struct view_order *order = view_open_order(desk_view, 1, 0, id);
    assert_non_null(order);
    return order;
}

/* A stop sleeps until it fires; from then on it works. */
TEST(view, stop_works_once_it_is_triggered)
{
    desk_open();
    desk_account(1);
    desk_accept_type(1, 1, SELL, STOP_LOSS_LIMIT, 3900000, 3, "stop");
    desk_terms(0, 1, 1, 0, 4000000, false);
    desk_apply();
    assert_int_equal(open_one(1)->stop_price.ticks, 4000000);
    assert_int_equal(open_one(1)->working_ns, 0);
    assert_int_equal(open_one(1)->status, ORDER_NEW);
    const struct order_triggered_event triggered = {.order_id = 1, .account = 1};
    event_write_order_triggered(&desk_events, &triggered);
    desk_apply();
    assert_int_equal(open_one(1)->working_ns, desk_stamp);
}

/* A pending order is in force once it is released; a pending stop sleeps then. */
TEST(view, pending_orders_are_released)
{
    desk_open();
    desk_account(1);
    desk_list(1, 1, LIST_OTOCO, 1, 2, 3, "list");
    desk_accept_type(1, 1, BUY, LIMIT, 5000000, 3, "work");
    desk_terms(0, 1, 1, 1, 0, false);
    desk_accept_type(2, 1, SELL, LIMIT_MAKER, 6000000, 3, "up");
    desk_terms(0, 2, 1, 1, 0, true);
    desk_accept_type(3, 1, SELL, STOP_LOSS, 0, 3, "down");
    desk_terms(0, 3, 1, 1, 4000000, true);
    desk_apply();
    assert_int_equal(open_one(1)->working_ns, desk_stamp);
    assert_int_equal(open_one(2)->status, ORDER_PENDING_NEW);
    assert_int_equal(open_one(2)->working_ns, 0);
    for (uint64_t id = 2; id <= 3; id++) {
        const struct order_released_event released = {.order_id = id, .account = 1};
        event_write_order_released(&desk_events, &released);
    }
    desk_apply();
    assert_int_equal(open_one(2)->status, ORDER_NEW);
    assert_int_equal(open_one(2)->working_ns, desk_stamp);
    assert_int_equal(open_one(3)->status, ORDER_NEW);
    assert_int_equal(open_one(3)->working_ns, 0);
    assert_true(view_check(desk_view));
}

TEST(view, lists_know_their_orders_by_name)
{
    desk_open();
    desk_account(1);
    desk_oco();
    const struct view_list *list = view_list_next_open(view_lists(desk_view), 1, NULL);
    assert_non_null(list);
    assert_int_equal(list->order_count, 2);
    assert_string_equal((const char *)list->orders[1].client_id, "below");
    assert_int_equal(open_one(12)->list_id, 1);

    struct order_amended_event amended = {
        .order_id = 11, .qty_before = {3}, .qty = {2}, .account = 1, .client_id = "renamed"};
    event_write_order_amended(&desk_events, &amended);
    desk_apply();
    assert_int_equal(open_one(11)->qty.lots, 2);
    assert_string_equal((const char *)open_one(11)->client_id, "renamed");
    assert_string_equal((const char *)view_former_client_id(desk_view), "above");
    assert_string_equal((const char *)list->orders[0].client_id, "renamed");
    assert_true(view_check(desk_view));

    const struct view_amended *entry = account_tail_next(view_amendments(desk_view), 1, NULL);
    assert_int_equal(entry->link.command, desk_number);
    assert_int_equal(entry->order_id, 11);
    assert_int_equal(entry->qty_before.lots, 3);
    assert_int_equal(entry->qty.lots, 2);
    assert_string_equal((const char *)entry->former_client_id, "above");
    assert_string_equal((const char *)entry->client_id, "renamed");
}

/* What prevention took is neither open nor executed, and the match is remembered for its account. */
TEST(view, prevented_quantity_is_kept_apart)
{
    const struct prevented_event prevented = {.prevented_id = 4,
                                              .maker_order = 1,
                                              .taker_order = 2,
                                              .price = {5000000},
                                              .maker_qty = {1},
                                              .taker_qty = {1},
                                              .maker_account = 1,
                                              .taker_account = 1,
                                              .mode = SELF_TRADE_DECREMENT};
    desk_open();
    desk_account(1);
    desk_accept(0, 1, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 2, 1, BUY, 5000000, 3, "b");
    event_write_prevented(&desk_events, &prevented);
    desk_apply();
    for (uint64_t id = 1; id <= 2; id++) {
        assert_int_equal(open_one(id)->prevented.lots, 1);
        assert_int_equal(open_one(id)->prevented_id, 4);
        assert_int_equal(open_one(id)->executed.lots, 0);
    }
    const struct view_prevented *entry = account_tail_next(view_preventions(desk_view), 1, NULL);
    assert_non_null(entry);
    assert_int_equal(entry->prevented_id, 4);
    assert_null(account_tail_next(view_preventions(desk_view), 1, entry));
}

/* An order that gave nothing has no prevented match of its own. */
TEST(view, prevention_that_took_nothing_leaves_no_mark)
{
    const struct prevented_event prevented = {.prevented_id = 4,
                                              .maker_order = 1,
                                              .taker_order = 2,
                                              .taker_qty = {3},
                                              .maker_account = 1,
                                              .taker_account = 1,
                                              .mode = SELF_TRADE_EXPIRE_TAKER};
    desk_open();
    desk_account(1);
    desk_accept(0, 1, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 2, 1, BUY, 5000000, 3, "b");
    event_write_prevented(&desk_events, &prevented);
    desk_apply();
    assert_int_equal(open_one(1)->prevented_id, 0);
    assert_int_equal(open_one(2)->prevented_id, 4);
}

TEST(view, tier_is_the_one_that_fills_are_charged_by)
{
    desk_open();
    desk_account(1);
    desk_apply();
    assert_int_equal(view_account(desk_view, 1)->tier, 0);
    const struct tier_set_event set = {.account = 1, .tier = 2};
    event_write_tier_set(&desk_events, &set);
    desk_apply();
    assert_int_equal(view_account(desk_view, 1)->tier, 0);
    const struct tier_changed_event changed = {.account = 1, .tier = 2};
    event_write_tier_changed(&desk_events, &changed);
    desk_apply();
    assert_int_equal(view_account(desk_view, 1)->tier, 2);
}

/* A maker's rate below zero: 0.02% of the 100,000,000 units of quote that bob paid. */
TEST(view, rebate_is_a_fee_below_zero)
{
    const struct market *market = &desk_facts.params->markets[0];
    const struct fill_event fill = {.price = {5000000}, .qty = {2}, .taker_side = SELL};
    desk_open();
    assert_int_equal(view_fee(market, &fill, BUY, -200).units, -20000);
    assert_int_equal(view_fee(market, &fill, SELL, -200).units, 0); /* 0.4 of a unit of base */
    assert_int_equal(view_fee(market, &fill, BUY, 1000).units, 2);
}

/* A taker that will not rest is accepted while every place in the books is taken. */
TEST(view, a_taker_finds_room_beside_a_full_book)
{
    desk_open();
    desk_account(1);
    desk_apply();
    for (uint64_t id = 1; id <= 4096; id++) {
        desk_accept(0, id, 1, SELL, 5000000, 1, "rest");
        desk_apply();
    }
    desk_accept(0, 5000, 1, BUY, 1, 1, "ioc");
    desk_end(5000, 1, BUY, LIMIT, 1, 1, ORDER_EXPIRED, DONE_IOC_UNFILLED, "ioc");
    desk_apply();
    assert_int_equal(open_of(1), 4096);
    assert_true(view_check(desk_view));
}

/* What was accepted counts until its first fill, of maker and taker alike; the second gives nothing back. */
TEST(view, placed_orders_count_until_they_fill)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 2, 1, SELL, 5100000, 3, "b");
    desk_accept(0, 3, 2, BUY, 5000000, 2, "c");
    desk_apply();
    const struct order_tally *ann = &view_account(desk_view, 1)->tally;
    const struct order_tally *bob = &view_account(desk_view, 2)->tally;
    assert_int_equal(order_tally_placed(ann, TALLY_DAY, desk_stamp), 2);
    desk_fill(0, 1, 1, 1, 1, 3, 2, BUY, 5000000, 1);
    desk_fill(0, 2, 1, 1, 1, 3, 2, BUY, 5000000, 1);
    desk_apply();
    assert_int_equal(order_tally_placed(ann, TALLY_TEN_SECONDS, desk_stamp), 1);
    assert_int_equal(order_tally_placed(bob, TALLY_TEN_SECONDS, desk_stamp), 0);
}

/* An order is called the same from its acceptance to its place among those that are done. */
TEST(view, orders_know_what_they_are_called)
{
    const struct order_tagged_event tagged = {.order_id = 1,
                                              .strategy_id = 7,
                                              .strategy_type = 1000001,
                                              .account = 1,
                                              .flags = ORDER_TAG_NUMBERS};
    desk_open();
    desk_account(1);
    desk_accept(0, 1, 1, SELL, 5000000, 3, "a");
    event_write_order_tagged(&desk_events, &tagged);
    desk_accept(0, 2, 1, SELL, 5100000, 3, "b");
    desk_apply();
    assert_int_equal(open_one(1)->strategy_id, 7);
    assert_int_equal(open_one(1)->strategy_type, 1000001);
    assert_int_equal(open_one(1)->tag_flags, ORDER_TAG_NUMBERS);
    assert_int_equal(open_one(2)->tag_flags, 0);
    event_write_order_tagged(&desk_events, &tagged);
    desk_end(1, 1, SELL, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_CANCELED, "a");
    desk_apply();
    assert_int_equal(view_next_done(desk_view, 1, NULL)->strategy_id, 7);
}

/* A fill is of the list that its order is of, on either side of it. */
TEST(view, fills_are_of_their_orders_lists)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_list(4, 1, LIST_OCO, 1, 2, 0, "list");
    desk_accept_type(1, 1, SELL, LIMIT_MAKER, 6000000, 3, "up");
    desk_terms(0, 1, 1, 4, 0, false);
    desk_accept_type(2, 1, SELL, STOP_LOSS, 0, 3, "down");
    desk_terms(0, 2, 1, 4, 4000000, false);
    desk_apply();
    desk_accept(0, 3, 2, BUY, 6000000, 1, "taker");
    desk_fill(0, 1, 1, 1, 1, 3, 2, BUY, 6000000, 1);
    desk_apply();
    const struct view_fill *fill = view_next_fill(desk_view, 1, NULL);
    assert_int_equal(fill->maker_list, 4);
    assert_int_equal(fill->taker_list, 0);
}
