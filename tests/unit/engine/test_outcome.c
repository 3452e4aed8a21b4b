/* What is remembered of an idempotent order is how its command left it, whatever became of it later. */

#include "tests/harness.h"

#include "engine/state.h"
#include "tests/unit/engine/snapshots.h"

static void outcome_open_by(struct world *world, uint32_t rules)
{
    world_prepare(world);
    world->genesis.params.rules = rules;
    world_open(world);
    (void)world_account(world, 1, 1000, 100000);
    (void)world_account(world, 1, 1000, 100000);
}

static void outcome_open(struct world *world)
{
    outcome_open_by(world, PARAMS_RULES_API);
}

static struct order_submit_command once(enum side side, int64_t lots, int64_t ticks)
{
    return (struct order_submit_command){.account = 1,
                                         .side = (uint8_t)side,
                                         .type = LIMIT,
                                         .time_in_force = GTC,
                                         .qty = {lots},
                                         .price = {ticks},
                                         .client_id = "once",
                                         .strategy_id = 5,
                                         .strategy_type = 1000001,
                                         .flags = ORDER_TAG_NUMBERS | ORDER_TAG_IDEMPOTENT};
}

/* Asks again, of another kind at that: nothing is placed, and the answer is the first one's. */
static struct order_repeated_event again(struct world *world)
{
    struct event event;
    struct order_repeated_event repeated;
    const uint64_t orders = world->engine->books.markets[0].last_order;
    assert_int_equal(world_order_submit(world, once(BUY, 77, 77)), REJECT_NONE);
    assert_int_equal(world->out.count, 1);
    assert_true(world_event(world, 0, &event));
    assert_int_equal(event.type, T_ORDER_REPEATED);
    order_repeated_event_get(event.payload, &repeated);
    assert_int_equal(world->engine->books.markets[0].last_order, orders);
    assert_true(engine_check(world->engine));
    return repeated;
}

TEST(outcome, a_resting_order_is_told_as_it_was)
{
    struct world world;
    outcome_open(&world);
    assert_int_equal(world_order_place(&world, world_limit(2, BUY, 3, 100)), REJECT_NONE);
    world.stamp_ns = 5000;
    assert_int_equal(world_order_submit(&world, once(SELL, 10, 100)), REJECT_NONE);
    const uint64_t first = world.number;
    world.stamp_ns = 9000;
    assert_int_equal(world_order_place(&world, world_limit(2, BUY, 7, 100)), REJECT_NONE);

    const struct order_repeated_event repeated = again(&world);
    assert_int_equal(repeated.command, first);
    assert_int_equal(repeated.stamp_ns, 5000);
    assert_int_equal(repeated.order_id, 2);
    assert_int_equal(repeated.status, ORDER_PARTIALLY_FILLED);
    assert_int_equal(repeated.qty.lots, 10);
    assert_int_equal(repeated.executed.lots, 3);
    assert_int_equal(repeated.quote_executed.units, 300);
    assert_int_equal(repeated.side, SELL);
    assert_int_equal(repeated.strategy_id, 5);
    assert_int_equal(repeated.strategy_type, 1000001);
    assert_int_equal(repeated.flags, ORDER_TAG_NUMBERS);
    assert_string_equal((const char *)repeated.client_id, "once");
    world_close(&world);
}

TEST(outcome, an_order_that_ended_at_once_is_told_by_its_end)
{
    struct world world;
    outcome_open(&world);
    struct order_submit_command killed = once(SELL, 10, 100);
    killed.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, world_limit(2, BUY, 3, 100)), REJECT_NONE);
    assert_int_equal(world_order_submit(&world, killed), REJECT_NONE);
    const struct order_repeated_event repeated = again(&world);
    assert_int_equal(repeated.status, ORDER_EXPIRED);
    assert_int_equal(repeated.reason, DONE_IOC_UNFILLED);
    assert_int_equal(repeated.executed.lots, 3);
    world_close(&world);
}

/* A refused order was not placed: the next try is a first one. */
TEST(outcome, a_refused_order_may_be_tried_again)
{
    struct world world;
    outcome_open(&world);
    assert_int_equal(world_order_submit(&world, once(SELL, 5000, 100)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(world_order_submit(&world, once(SELL, 5, 100)), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_ACCEPTED), 1);
    assert_int_equal(again(&world).qty.lots, 5);
    world_close(&world);
}

/* Without a name it could not be asked for again; below rules 5 there is no such command. */
TEST(outcome, it_needs_a_name_and_its_rules)
{
    struct world world;
    outcome_open(&world);
    struct order_submit_command nameless = once(SELL, 5, 100);
    memset(nameless.client_id, 0, sizeof(nameless.client_id));
    assert_int_equal(world_order_submit(&world, nameless), REJECT_COMBINATION);
    struct order_submit_command wrong = once(SELL, 5, 100);
    wrong.flags = 8;
    assert_int_equal(world_order_submit(&world, wrong), REJECT_COMBINATION);
    world_close(&world);

    world_prepare(&world);
    world.genesis.params.rules = PARAMS_RULES_API - 1;
    world_open(&world);
    (void)world_account(&world, 1, 1000, 100000);
    assert_int_equal(world_order_submit(&world, once(SELL, 5, 100)), REJECT_RULES);
    world_close(&world);
}

/* What an order is called is told when it is accepted and when it ends; a plain one's is not. */
TEST(outcome, a_tag_is_told_at_both_ends)
{
    struct world world;
    struct event event;
    struct order_tagged_event tagged;
    outcome_open(&world);
    struct order_submit_command order = once(SELL, 5, 100);
    order.flags = ORDER_TAG_ID;
    order.strategy_type = 0;
    assert_int_equal(world_order_submit(&world, order), REJECT_NONE);
    assert_true(world_event(&world, 1, &event));
    assert_int_equal(event.type, T_ORDER_TAGGED);
    order_tagged_event_get(event.payload, &tagged);
    assert_int_equal(tagged.strategy_id, 5);
    assert_int_equal(tagged.flags, ORDER_TAG_ID);
    assert_int_equal(world_order_place(&world, world_limit(1, SELL, 5, 100)), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_TAGGED), 0);
    assert_int_equal(world_cancel_all(&world, (struct cancel_all_command){.account = 1}),
                     REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_TAGGED), 1);
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_ORDER_TAGGED); /* right before the ORDER_DONE */
    assert_true(world_event(&world, 1, &event));
    assert_int_equal(event.type, T_ORDER_DONE);
    world_close(&world);
}

/* From rules 6 on the name alone is not enough: who asks for something else is told so, and nothing happens. */
TEST(outcome, another_order_by_the_same_name_is_refused)
{
    static const struct {
        size_t offset, bytes;
    } numbers[] = {
#define NUMBER(name) \
    {offsetof(struct order_submit_command, name), \
     sizeof(((struct order_submit_command *)NULL)->name)}
        NUMBER(price),          NUMBER(qty),           NUMBER(quote_qty),   NUMBER(stop_price),
        NUMBER(trailing_delta), NUMBER(time_in_force), NUMBER(side),        NUMBER(type),
        NUMBER(iceberg_qty),    NUMBER(self_trade),    NUMBER(strategy_id), NUMBER(strategy_type),
#undef NUMBER
    };
    struct world world;
    outcome_open_by(&world, PARAMS_RULES_ONCE);
    const struct order_submit_command first = once(SELL, 10, 100);
    assert_int_equal(world_order_submit(&world, first), REJECT_NONE);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct order_submit_command other = first;
        uint8_t *number = (uint8_t *)&other + numbers[i].offset;
        number[0]++;
        assert_true(numbers[i].bytes >= 1);
        assert_int_equal(world_order_submit(&world, other), REJECT_REPEAT_DIFFERS);
        assert_int_equal(world_events_of(&world, T_ORDER_REPEATED), 0);
    }
    struct order_submit_command nameless = first;
    nameless.flags = ORDER_TAG_TYPE | ORDER_TAG_IDEMPOTENT;
    nameless.strategy_id = 0;
    assert_int_equal(world_order_submit(&world, nameless), REJECT_REPEAT_DIFFERS);
    assert_int_equal(world_order_submit(&world, first), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_REPEATED), 1);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* What says the same in other words is the same: an iceberg that shows all, a time in force where there is no choice, a
 * quantity that the market made of an amount; and who asks again may be connected anew. */
TEST(outcome, the_same_order_in_other_words_is_the_same)
{
    struct world world;
    outcome_open_by(&world, PARAMS_RULES_ONCE);
    struct order_submit_command order = once(SELL, 10, 100);
    order.session = 1;
    assert_int_equal(world_order_submit(&world, order), REJECT_NONE);
    order.session = 2;
    order.iceberg_qty = order.qty;
    assert_int_equal(world_order_submit(&world, order), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_REPEATED), 1);

    struct order_submit_command market = once(BUY, 0, 0);
    market.type = MARKET;
    market.account = 2;
    market.quote_qty.units = 500;
    assert_int_equal(world_order_submit(&world, market), REJECT_NONE);
    market.time_in_force = 0;
    assert_int_equal(world_order_submit(&world, market), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_ORDER_REPEATED), 1);
    market.qty.lots = 5; /* by both is no order at all */
    assert_int_equal(world_order_submit(&world, market), REJECT_REPEAT_DIFFERS);
    market.qty.lots = 0;
    market.quote_qty.units = 400;
    assert_int_equal(world_order_submit(&world, market), REJECT_REPEAT_DIFFERS);
    world_close(&world);
}

/* Asks for an order of this name. */
static void ask_named(struct world *world, uint32_t account, uint32_t name)
{
    struct order_submit_command order = once(SELL, 1, 100);
    order.account = account;
    memset(order.client_id, 0, sizeof(order.client_id));
    snprintf((char *)order.client_id, sizeof(order.client_id), "order%u", name);
    assert_int_equal(world_order_submit(world, order), REJECT_NONE);
    const struct cancel_all_command sweep = {.account = account}; /* of which room is made again */
    if (world_events_of(world, T_ORDER_REPEATED) == 0)
        assert_int_equal(world_cancel_all(world, sweep), REJECT_NONE);
}

/* Whose memory is full when a snapshot is made: who is restored from it makes room as the one that goes on does. */
TEST(outcome, a_full_memory_is_restored_with_its_shares)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.rules = PARAMS_RULES_ONCE;
    world.genesis.params.orders_max = 9;
    world_open(&world);
    for (uint32_t i = 0; i < 4; i++)
        (void)world_account(&world, 1, 1000, 100000);
    uint32_t drawn = 7, name = 0;
    for (; name < 40; name++) {
        drawn = drawn * 1664525u + 1013904223u;
        ask_named(&world, 1 + (drawn >> 24) % 7 % 3, name);
    }
    assert_int_equal(world.engine->repeats.count, world.engine->repeats.capacity);

    for (int round = 0; round < 30; round++) {
        const struct snapshot_bytes before = snapshots_of(world.engine, &world.genesis);
        struct world twin = world;
        assert_int_equal(snapshots_restore(&twin, &before), STATUS_OK);
        assert_true(repeats_check(&twin.engine->repeats));
        drawn = drawn * 1664525u + 1013904223u;
        const uint32_t account = 1 + (drawn >> 24) % 4;
        ask_named(&world, account, name);
        ask_named(&twin, account, name++);
        const struct snapshot_bytes one = snapshots_of(world.engine, &world.genesis);
        const struct snapshot_bytes other = snapshots_of(twin.engine, &twin.genesis);
        assert_int_equal(one.count, other.count);
        assert_memory_equal(one.bytes, other.bytes, one.count);
        world_close(&world);
        world = twin;
        free(before.bytes);
        free(one.bytes);
        free(other.bytes);
    }
    assert_true(engine_check(world.engine));
    world_close(&world);
}
