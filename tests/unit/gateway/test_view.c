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
