#include "tests/harness.h"

#include "common/reject.h"

#include "tests/unit/engine/lies.h"

TEST(restore_market, counts_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(MARKETS, market, 0, record.last_order = 5); /* there are later ones */
    LIE(MARKETS, market, 0, record.last_list = 1);
    LIE(MARKETS, market, 0, record.last_trade = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_price.ticks = 0);
    LIE(MARKETS, market, 0, record.last_price.ticks = -1);
    LIE(MARKETS, market, 0, record.minutes--);
    LIE(MARKETS, market, 0, record.orders++);
    LIE(MARKETS, market, 0, record.orders--);
    LIE(MARKETS, market, 0, record.bids--);
    LIE(MARKETS, market, 0, record.bids++; record.asks--);
    LIE(MARKETS, market, 0, record.rising--; record.falling++);
    LIE(MARKETS, market, 0, record.trailing--; record.falling++);
    LIE(MARKETS, market, 0, record.orders = UINT32_MAX);
    LIE(MINUTES, minute, 0, record.lots_low = 0);
    LIE(MINUTES, minute, 0, record.value_low = 0);
    LIE(MINUTES, minute, 0, record.value_high = UINT64_MAX);
    LIE(MINUTES, minute, 0, record.minute = UINT64_MAX);
    LIE(MINUTES, minute, 1, record.minute = 0);
    pair_close(&pair);
}

/* The orders of the world by what they are, found by their flags. */
static uint64_t order_with(const struct pair *pair, uint8_t flags, uint8_t without)
{
    const uint64_t count = snapshots_count(&pair->snapshot, SNAPSHOT_ORDERS);
    struct snapshot_order order;
    for (uint64_t i = 0; i < count; i++) {
        snapshot_order_get(snapshots_record(&pair->snapshot, SNAPSHOT_ORDERS, i), &order);
        if ((order.flags & flags) == flags && (order.flags & without) == 0) return i;
    }
    fail_msg("no order with flags %u", flags);
    return 0;
}

TEST(restore_market, orders_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    const uint64_t plain = order_with(&pair, 0, 0xff), asleep = order_with(&pair, 16, 4);
    const uint64_t iceberg = order_with(&pair, 1, 0), pending = order_with(&pair, 64, 0);
    LIE(ORDERS, order, 1, record.id = 1);
    LIE(ORDERS, order, plain, record.account = 0);
    LIE(ORDERS, order, plain, record.account = 6);
    LIE(ORDERS, order, plain, record.side = 2);
    LIE(ORDERS, order, plain, record.type = MARKET);
    LIE(ORDERS, order, plain, record.type = STOP_LOSS_LIMIT);
    LIE(ORDERS, order, plain, record.time_in_force = FOK);
    LIE(ORDERS, order, plain, record.self_trade = SELF_TRADE_TRANSFER);
    LIE(ORDERS, order, plain, record.flags |= 32);
    LIE(ORDERS, order, plain, record.flags |= 2);
    LIE(ORDERS, order, plain, record.flags |= 8);
    LIE(ORDERS, order, plain, record.price.ticks = 0);
    LIE(ORDERS, order, plain, record.price.ticks++); /* holds more, or waits elsewhere */
    LIE(ORDERS, order, plain, record.qty.lots = 0);
    LIE(ORDERS, order, plain, record.qty.lots = INT64_MAX);
    LIE(ORDERS, order, plain, record.left.lots = 0);
    LIE(ORDERS, order, plain, record.left.lots = record.qty.lots + 1);
    LIE(ORDERS, order, plain, record.quote_executed.units = -1);
    LIE(ORDERS, order, plain, record.quote_executed.units = INT64_MAX);
    LIE(ORDERS, order, plain, record.has = 4);
    LIE(ORDERS, order, asleep, record.flags &= (uint8_t)~2);
    LIE(ORDERS, order, asleep, record.flags |= 64);
    LIE(ORDERS, order, asleep, record.flags = 0);
    LIE(ORDERS, order, iceberg, record.flags = 0);
    LIE(ORDERS, order, pending, record.flags &= (uint8_t)~66);
    LIE(ORDERS, order, pending, record.qty.lots++); /* it has met nobody yet */
    LIE(ORDERS, order, asleep, record.time_in_force = IOC);
    LIE(NAMES, name, 0, memset(record.client_id, 0, 36));
    LIE(EXTRAS, extra, 0, record.hidden.lots = INT64_MAX);
    LIE(EXTRAS, extra, 0, record.prevented.lots = -1);
    LIE(EXTRAS, extra, 0, record.stop_price.ticks = -1);
    LIE(EXTRAS, extra, 0, record.trailing_delta = 10000);
    pair_close(&pair);
}

/* One client id, twice open in one account and market. */
TEST(restore_market, a_client_id_that_is_taken_is_refused)
{
    struct pair pair;
    snapshots_prepare(&pair.world);
    world_open(&pair.world);
    (void)world_account(&pair.world, 0, 100, 1000);
    for (uint8_t i = 0; i < 2; i++) {
        struct order_place_command place = world_limit(1, BUY, 1, 10);
        place.client_id[0] = (uint8_t)('a' + i);
        assert_int_equal(world_order_place(&pair.world, place), 0);
    }
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    pair.twin = pair.world;
    LIE(NAMES, name, 1, record.client_id[0] = 'a');
    assert_false(refused(&pair));
    pair_close(&pair);
}

TEST(restore_market, lists_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_count(&pair.snapshot, SNAPSHOT_LISTS), 3); /* OCO, OTO, OTOCO */
    LIE(LISTS, list, 0, record.kind = 0);
    LIE(LISTS, list, 0, record.kind = LIST_OTO);
    LIE(LISTS, list, 1, record.kind = LIST_OCO);
    LIE(LISTS, list, 2, record.kind = LIST_OTO);
    LIE(LISTS, list, 1, record.kind = LIST_OTOCO);
    LIE(LISTS, list, 1, record.id = 1);
    LIE(LISTS, list, 2, record.id = 4);
    LIE(LISTS, list, 0, record.a_order = 0; record.b_order = 0);
    LIE(LISTS, list, 0, record.a_order = 1); /* in no list */
    LIE(LISTS, list, 0, record.a_order = 0);
    LIE(LISTS, list, 0, record.a_order = UINT32_MAX);
    LIE(LISTS, list, 0, record.b_order = record.a_order);
    LIE(LISTS, list, 1, record.a_order = 0); /* nobody is left to release b */
    LIE(LISTS, list, 2, uint32_t other = record.b_order; record.b_order = record.c_order;
        record.c_order = other);
    pair_close(&pair);
}

/* Orders keep what they are called, and repeats their order, through a restart; the twin answers as the engine does. */
TEST(restore_market, names_and_repeats_come_back)
{
    struct pair pair;
    pair_open_named(&pair);
    assert_false(refused(&pair)); /* and writes the same bytes */
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    struct order_submit_command asked = {.account = 3,
                                         .side = BUY,
                                         .type = LIMIT,
                                         .time_in_force = GTC,
                                         .qty = {9},
                                         .price = {9},
                                         .client_id = {'n', 2},
                                         .flags = ORDER_TAG_IDEMPOTENT};
    assert_int_equal(world_order_submit(&pair.twin, asked), REJECT_NONE);
    assert_int_equal(world_events_of(&pair.twin, T_ORDER_REPEATED), 1);
    assert_int_equal(world_cancel_all(&pair.twin, (struct cancel_all_command){.account = 2}),
                     REJECT_NONE);
    assert_int_equal(world_events_of(&pair.twin, T_ORDER_TAGGED), 1);
    world_close(&pair.twin);
    pair_close(&pair);
}

/* What orders are called, and what is remembered of idempotent ones, is what it can be. */
TEST(restore_market, names_and_repeats_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open_named(&pair);
    struct order_repeated_event other;
    assert_int_equal(snapshots_count(&pair.snapshot, SNAPSHOT_TAGS), 3);
    assert_int_equal(snapshots_count(&pair.snapshot, SNAPSHOT_REPEATS), 2);
    LIE(TAGS, tag, 0, record.flags = 0);
    LIE(TAGS, tag, 0, record.flags |= ORDER_TAG_IDEMPOTENT);
    LIE(TAGS, tag, 0, record.strategy_id = 1); /* without its flag */
    LIE(TAGS, tag, 1, record.strategy_type = 999999);
    LIE(TAGS, tag, 1, record.strategy_id = UINT64_MAX);
    order_repeated_event_get(snapshots_record(&pair.snapshot, SNAPSHOT_REPEATS, 0), &other);
#define LIE_REPEAT(change) \
    LIE(REPEATS, repeat, 1, { \
        struct order_repeated_event result; \
        order_repeated_event_get(record.result, &result); \
        change; \
        (void)order_repeated_event_put(record.result, &result); \
    })
    LIE_REPEAT(result.account = 0);
    LIE_REPEAT(result.account = 99);
    LIE_REPEAT(result.market = 9);
    LIE_REPEAT(result.command = other.command);
    LIE_REPEAT(result.command = UINT64_MAX);
    LIE_REPEAT(result.stamp_ns = UINT64_MAX);
    LIE_REPEAT(result.order_id = 0);
    LIE_REPEAT(result.order_id = 1000);
    LIE_REPEAT(result.side = 2);
    LIE_REPEAT(result.type = 0);
    LIE_REPEAT(result.status = 0);
    LIE_REPEAT(result.flags = ORDER_TAG_IDEMPOTENT);
    LIE_REPEAT(result.client_id[0] = 0);
    LIE_REPEAT(result.account = other.account; memcpy(result.client_id, other.client_id, 36));
    assert_false(refused(&pair));
    pair_close(&pair);
}

TEST(restore_market, those_who_wait_elsewhere_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    struct snapshot_queued first, last;
    const uint64_t count = snapshots_count(&pair.snapshot, SNAPSHOT_QUEUES);
    snapshot_queued_get(snapshots_record(&pair.snapshot, SNAPSHOT_QUEUES, 0), &first);
    snapshot_queued_get(snapshots_record(&pair.snapshot, SNAPSHOT_QUEUES, count - 1), &last);
    LIE(QUEUES, queued, 0, record.order = 0);
    LIE(QUEUES, queued, 0, record.order = last.order);
    LIE(QUEUES, queued, 1, record.order = first.order);
    LIE(QUEUES, queued, 0, record.order = UINT32_MAX);
    LIE(SLEEPERS, sleeper, 1, record.order--);
    LIE(SLEEPERS, sleeper, 0, record.order = first.order);
    LIE(FOLLOWERS, follower, 0, record.order = first.order);
    LIE(FOLLOWERS, follower, 0, record.extreme.ticks = -1);
    LIE(FOLLOWERS, follower, 1, record.order--);
    LIE(BOUND, bound, 0, record.order = first.order);
    LIE(BOUND, bound, 0, record.session = 0);
    LIE(BOUND, bound, 1, record.order--);
    LIE(SWITCHES, switch, 0, record.deadline_ns = 0); /* it would have fired */
    LIE(SWITCHES, switch, 0, record.deadline_ns = UINT64_MAX);
    LIE(SWITCHES, switch, 1, record.account = 1);
    LIE(SWITCHES, switch, 0, record.market = 2);
    LIE(SWITCHES, switch, 0, record.account = 0);
    assert_false(refused(&pair));
    pair_close(&pair);
}
