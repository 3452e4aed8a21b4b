#include "tests/harness.h"

#include "engine/holds.h"

/* A lot is 10 base units; a lot at one tick is 30 quote units. */
static const struct market market = {
    .base = 0, .quote = 1, .tick_units = 3, .lot_units = 10, .units_per_step = 30};

/* What an order in the book or asleep needs. */
static int64_t need(struct order order, struct order_extra extra)
{
    struct order orders[2] = {[1] = order};
    struct order_extra extras[2] = {[1] = extra};
    const struct order_pool pool = {.orders = orders, .extras = extras};
    return holds_need(&pool, &market, 1).units;
}

TEST(holds, a_buyer_holds_its_limit_and_a_seller_the_quantity)
{
    struct order order = {.type = LIMIT, .side = BUY, .price = {7}, .qty = {5}, .left = {4}};
    assert_int_equal(need(order, (struct order_extra){0}), 7 * 4 * 30);
    order.side = SELL;
    assert_int_equal(need(order, (struct order_extra){0}), 40);
    assert_int_equal(holds_asset(&market, BUY), 1);
    assert_int_equal(holds_received_asset(&market, BUY), 0);
    assert_int_equal(holds_asset(&market, SELL), 0);
}

/* What an iceberg hides is held as well; a stop without a price holds by its stop price; what is pending
 * holds nothing. */
TEST(holds, all_that_is_open_is_held)
{
    struct order order = {.type = LIMIT, .side = BUY, .price = {7}, .left = {2}, .extra = 1};
    assert_int_equal(need(order, (struct order_extra){.hidden = {3}}), 7 * 5 * 30);
    order.side = SELL;
    assert_int_equal(need(order, (struct order_extra){.hidden = {3}}), 50);
    order = (struct order){.type = STOP_LOSS, .side = BUY, .left = {2}, .extra = 1};
    assert_int_equal(need(order, (struct order_extra){.hold_price = {9}}), 9 * 2 * 30);
    order.type = STOP_LOSS_LIMIT;
    order.price.ticks = 11;
    assert_int_equal(need(order, (struct order_extra){.stop_price = {9}}), 11 * 2 * 30);
    order.flags = ORDER_PENDING | ORDER_DORMANT;
    assert_int_equal(need(order, (struct order_extra){.stop_price = {9}}), 0);
}
