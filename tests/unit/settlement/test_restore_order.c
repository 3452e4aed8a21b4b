#include "settlement/restore_order.h"

#include "tests/harness.h"
#include "tests/unit/settlement/snapshots.h"

/* The place of an order in its section. */
static uint64_t place_of(const struct lying *lying, uint64_t id)
{
    struct settled_order order;
    for (uint64_t i = 0; i < snapshots_count(&lying->snapshot, SETTLED_ORDERS); i++) {
        settled_order_get(snapshots_record(&lying->snapshot, SETTLED_ORDERS, i), &order);
        if (order.id == id) return i;
    }
    fail_msg("order %llu is not open", (unsigned long long)id);
    return 0;
}

/* The first open order like this. */
static uint64_t place_like(const struct lying *lying, uint8_t type, uint8_t state)
{
    struct settled_order order;
    for (uint64_t i = 0; i < snapshots_count(&lying->snapshot, SETTLED_ORDERS); i++) {
        settled_order_get(snapshots_record(&lying->snapshot, SETTLED_ORDERS, i), &order);
        if (order.type == type && order.state == state) return i;
    }
    fail_msg("no order of type %d in state %d is open", type, state);
    return 0;
}

TEST(restore_order, ids_that_cannot_be_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    LIE(MARKETS, market, 0, record.last_order = 1);
    LIE(MARKETS, market, 0, record.last_order = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_trade = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_trade = 0);
    LIE(MARKETS, market, 0, record.last_aggregate = record.last_trade + 1);
    LIE(MARKETS, market, 0, record.last_aggregate = 0);
    LIE(MARKETS, market, 0, record.last_update = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_prevented = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_list = 0);
    LIE(MARKETS, market, 0, record.last_list = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_price.ticks = 0);
    LIE(MARKETS, market, 0, record.last_price.ticks = INT64_MAX);
    LIE(MARKETS, market, 0, record.orders--);
    LIE(MARKETS, market, 0, record.orders = UINT32_MAX);
    LIE(MARKETS, market, 0, record.lists--);
    LIE(MARKETS, market, 0, record.lists++);
    LIE(ORDERS, order, 1, record.id = 0);
    LIE(ORDERS, order, 1, record.id = UINT64_MAX);
    lying_close(&lying);
}

TEST(restore_order, orders_that_cannot_be_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    const uint64_t limit = place_like(&lying, LIMIT, HOLD_WORKING);
    const uint64_t stop = place_like(&lying, STOP_LOSS, HOLD_ASLEEP);
    LIE(ORDERS, order, limit, record.account = 0);
    LIE(ORDERS, order, limit, record.account = 5);
    LIE(ORDERS, order, limit, record.account = record.account % 4 + 1); /* holds for another */
    LIE(ORDERS, order, limit, record.side = 2);
    LIE(ORDERS, order, limit, record.side ^= 1);
    LIE(ORDERS, order, limit, record.type = 0);
    LIE(ORDERS, order, limit, record.type = MARKET);
    LIE(ORDERS, order, limit, record.type = STOP_LOSS_LIMIT); /* stops at no price */
    LIE(ORDERS, order, limit, record.type = 99);
    LIE(ORDERS, order, limit, record.time_in_force = 0);
    LIE(ORDERS, order, limit, record.time_in_force = IOC); /* cannot rest */
    LIE(ORDERS, order, limit, record.self_trade = 99);
    LIE(ORDERS, order, limit, record.state = 0);
    LIE(ORDERS, order, limit, record.state = HOLD_PENDING);
    LIE(ORDERS, order, limit, record.state = HOLD_ASLEEP);
    LIE(ORDERS, order, limit, record.state = HOLD_FIRED);
    LIE(ORDERS, order, limit, record.has = 8);
    LIE(ORDERS, order, limit, record.has ^= SETTLED_HAS_EXTRA);
    LIE(ORDERS, order, limit, record.has ^= SETTLED_HAS_FOLLOWER);
    LIE(ORDERS, order, limit, record.has ^= SETTLED_HAS_SESSION);
    LIE(ORDERS, order, limit, record.created_ns = UINT64_MAX);
    LIE(ORDERS, order, stop, record.state = HOLD_WORKING);
    LIE(ORDERS, order, stop, record.price.ticks = SNAPSHOTS_PRICE);
    LIE(ORDERS, order, stop, record.time_in_force = FOK);
    LIE(ORDERS, order, stop, record.has ^= SETTLED_HAS_EXTRA);
    lying_close(&lying);
}

TEST(restore_order, quantities_that_do_not_add_up_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    const uint64_t limit = place_like(&lying, LIMIT, HOLD_WORKING);
    const uint64_t stop = place_like(&lying, STOP_LOSS, HOLD_ASLEEP);
    LIE(ORDERS, order, limit, record.qty.lots++); /* holds more than there is */
    LIE(ORDERS, order, limit, record.qty.lots = 0);
    LIE(ORDERS, order, limit, record.qty.lots = INT64_MIN);
    LIE(ORDERS, order, limit, record.qty.lots = INT64_MAX);
    LIE(ORDERS, order, limit, record.executed.lots = record.qty.lots);
    LIE(ORDERS, order, limit, record.executed.lots = -1);
    LIE(ORDERS, order, limit, record.executed.lots = INT64_MIN);
    LIE(ORDERS, order, limit, record.quote_executed.units = -1);
    LIE(ORDERS, order, limit, record.quote_executed.units = 1);
    LIE(ORDERS, order, limit, record.quote_executed.units = INT64_MAX);
    LIE(ORDERS, order, limit, record.price.ticks++);
    LIE(ORDERS, order, limit, record.price.ticks = 0);
    LIE(ORDERS, order, limit, record.price.ticks = INT64_MAX);
    LIE(ORDERS, order, limit, record.price.ticks = INT64_MIN);
    /* Nobody was met by who sleeps. */
    LIE(ORDERS, order, stop, record.executed.lots = 1; record.qty.lots++);
    lying_close(&lying);
}

TEST(restore_order, what_only_some_have_must_fit)
{
    struct lying lying;
    lying_open(&lying);
    for (uint64_t i = 0; i < snapshots_count(&lying.snapshot, SETTLED_EXTRAS); i++) {
        struct settled_extra extra;
        settled_extra_get(snapshots_record(&lying.snapshot, SETTLED_EXTRAS, i), &extra);
        LIE(EXTRAS, extra, i, memset(&record, 0, sizeof(record)));
        LIE(EXTRAS, extra, i, record.stop_price.ticks = -1);
        LIE(EXTRAS, extra, i, record.stop_price.ticks = INT64_MAX);
        LIE(EXTRAS, extra, i, record.iceberg_qty.lots = -1);
        LIE(EXTRAS, extra, i, record.iceberg_qty.lots = INT64_MAX);
        LIE(EXTRAS, extra, i, record.shown.lots = -1);
        LIE(EXTRAS, extra, i, record.shown.lots = INT64_MAX);
        LIE(EXTRAS, extra, i, record.prevented.lots++);
        LIE(EXTRAS, extra, i, record.prevented.lots = -1);
        LIE(EXTRAS, extra, i, record.trailing_delta = 10000);
        if (extra.shown.lots != 0) /* as if it was not known: written as 0 */
            LIE(EXTRAS, extra, i, record.shown = record.iceberg_qty);
    }
    for (uint64_t i = 0; i < snapshots_count(&lying.snapshot, SETTLED_FOLLOWERS); i++) {
        LIE(FOLLOWERS, follower, i, record.first_trade = 0);
        LIE(FOLLOWERS, follower, i, record.first_trade = UINT64_MAX);
        LIE(FOLLOWERS, follower, i, record.extreme.ticks = -1);
        LIE(FOLLOWERS, follower, i, record.extreme.ticks = INT64_MAX);
        LIE(FOLLOWERS, follower, i, record.hold_price.ticks++);
        LIE(FOLLOWERS, follower, i, record.hold_price.ticks = -1);
    }
    LIE(SESSIONS, session, 0, record.session = 0);
    lying_close(&lying);
}

TEST(restore_order, lists_that_cannot_be_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    /* An OCO, an OTO and an OTOCO that wait, and an OTOCO whose pair is in force. */
    static const uint8_t kinds[] = {LIST_OCO, LIST_OTO, LIST_OTOCO, LIST_OTOCO};
    static const uint8_t legs[] = {3, 3, 7, 6};
    assert_int_equal(snapshots_count(&lying.snapshot, SETTLED_LISTS), 4);
    for (uint64_t i = 0; i < 4; i++) {
        struct settled_list list;
        settled_list_get(snapshots_record(&lying.snapshot, SETTLED_LISTS, i), &list);
        assert_int_equal(list.kind, kinds[i]);
        assert_int_equal(list.legs, legs[i]);
        LIE(LISTS, list, i, record.id = 0);
        LIE(LISTS, list, i, record.id = UINT64_MAX);
        LIE(LISTS, list, i, record.first = 0);
        LIE(LISTS, list, i, record.first = UINT64_MAX);
        LIE(LISTS, list, i, record.first++);
        LIE(LISTS, list, i, record.kind = 0);
        LIE(LISTS, list, i, record.kind = 9);
        LIE(LISTS, list, i, record.kind = record.kind % 3 + 1);
        LIE(LISTS, list, i, record.legs = 0);
        LIE(LISTS, list, i, record.legs |= 8);
        LIE(LISTS, list, i, record.legs |= (uint8_t)(record.legs + 1));
        LIE(LISTS, list, i, record.legs &= (uint8_t)(record.legs - 1)); /* holds for itself */
        const uint64_t leg = place_of(&lying, list.first + 1);
        LIE(ORDERS, order, leg, record.account = record.account % 4 + 1);
        LIE(ORDERS, order, leg,
            record.state = record.state == HOLD_PENDING ? HOLD_WORKING : HOLD_PENDING);
    }
    LIE(LISTS, list, 1, record.id--); /* twice */
    lying_close(&lying);
}

TEST(restore_order, prices_that_nobody_can_have_seen_are_refused)
{
    struct lying lying;
    struct settled_market market;
    lying_open(&lying);
    settled_market_get(snapshots_record(&lying.snapshot, SETTLED_MARKETS, 0), &market);
    assert_true(market.highs > 1 && market.lows > 1);
    const uint32_t high = market.highs - 1, low = market.highs + market.lows - 1;
    LIE(MARKS, mark, 0, record.trade = 0);
    LIE(MARKS, mark, 1, record.trade = 1);
    LIE(MARKS, mark, high, record.trade = market.last_trade + 1);
    LIE(MARKS, mark, high, record.trade++);
    LIE(MARKS, mark, high, record.price.ticks = 0);
    LIE(MARKS, mark, high, record.price.ticks = INT64_MAX);
    LIE(MARKS, mark, high, record.price.ticks += 500); /* above the one before */
    LIE(MARKS, mark, low, record.price.ticks -= 500);
    LIE(MARKS, mark, low, record.price.ticks--);
    LIE(MARKETS, market, 0, record.highs++);
    LIE(MARKETS, market, 0, record.highs--);
    LIE(MARKETS, market, 0, record.lows = UINT32_MAX);
    lying_close(&lying);
}
