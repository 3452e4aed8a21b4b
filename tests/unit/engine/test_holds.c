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
    assert_int_equal(need(order, (struct order_extra){.unused = 0}), 7 * 4 * 30);
    order.side = SELL;
    assert_int_equal(need(order, (struct order_extra){.unused = 0}), 40);
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

/* A fill below a buyer's limit frees the difference for what was filled; at the limit it frees nothing,
 * and after it the hold is again limit x left. */
TEST(holds, a_better_price_frees_the_difference_at_once)
{
    struct order order = {.type = LIMIT, .side = BUY, .price = {7}, .qty = {5}, .left = {5}};
    const int64_t before = need(order, (struct order_extra){.unused = 0});
    struct holds_fill fill = holds_of_fill(&market, &order, (price_t){5}, (qty_t){2});
    assert_int_equal(fill.paid.units, 5 * 2 * 30);
    assert_int_equal(fill.freed.units, 2 * 2 * 30);
    assert_int_equal(fill.received.units, 20);
    order.left.lots = 3;
    assert_int_equal(need(order, (struct order_extra){.unused = 0}),
                     before - fill.paid.units - fill.freed.units);
    fill = holds_of_fill(&market, &order, (price_t){7}, (qty_t){3});
    assert_int_equal(fill.freed.units, 0);
}

/* A MARKET order has no limit to free against; a seller pays base whatever the price. */
TEST(holds, market_orders_and_sellers_free_nothing)
{
    struct order order = {.type = MARKET, .side = BUY, .qty = {5}, .left = {5}};
    assert_int_equal(holds_of_fill(&market, &order, (price_t){9}, (qty_t){1}).freed.units, 0);
    order = (struct order){.type = LIMIT, .side = SELL, .price = {7}, .qty = {5}, .left = {5}};
    const struct holds_fill fill = holds_of_fill(&market, &order, (price_t){9}, (qty_t){2});
    assert_int_equal(fill.paid.units, 20);
    assert_int_equal(fill.received.units, 9 * 2 * 30);
    assert_int_equal(fill.freed.units, 0);
}
