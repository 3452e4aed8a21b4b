#include "tests/harness.h"

#include "engine/state.h"
#include "tests/unit/engine/world.h"

#include <sys/wait.h>
#include <unistd.h>

/* All memory is counted before it is taken: one byte less and nothing is taken at all. */
TEST(engine, engine_new_needs_every_byte_it_names)
{
    struct world world;
    struct arena arena;
    world_prepare(&world);
    const size_t bytes = engine_bytes(&world.genesis);
    assert_true(arena_map(&arena, bytes));
    arena.capacity = bytes - 1;
    assert_null(engine_new(&arena, &world.genesis));
    assert_int_equal(arena.used, 0);
    arena.capacity = bytes;
    assert_non_null(engine_new(&arena, &world.genesis));
    assert_int_equal(arena.used, bytes);
    arena_unmap(&arena);
}

/* engine_check is what all other tests lean on: does it stop for a state that is wrong? */
static bool check_stops(void (*damage)(struct engine *))
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 10, 100);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 2, 100)), 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 3, 100)), 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, BUY, 1, 90)), 0);
    assert_int_equal(world_order_place(&world, world_stop(ann, SELL, 1, 50)), 0);
    assert_int_equal(world_list_place(&world, world_oto(ann, 1, 5, 200)), 0);
    assert_true(engine_check(world.engine));

    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        damage(world.engine);
        engine_check(world.engine);
        _exit(0);
    }
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    world_close(&world);
    return WIFSIGNALED(state);
}

static void nothing(struct engine *engine)
{
    (void)engine;
}
static void one_unit_appears(struct engine *engine)
{
    engine->accounts.balances[engine->accounts.assets_max].available.units++;
}
static void one_unit_moves_from_held(struct engine *engine)
{
    engine->accounts.balances[engine->accounts.assets_max].available.units++;
    engine->accounts.balances[engine->accounts.assets_max].held.units--;
}
static void a_level_miscounts(struct engine *engine)
{
    engine->books.levels.levels[1].qty.lots++;
}
static void the_queue_turns_round(struct engine *engine)
{
    engine->books.orders.orders[1].id = 2;
    engine->books.orders.orders[2].id = 1;
}
static void an_order_is_lost(struct engine *engine)
{
    directory_remove(&engine->directory, 2, order_open(&engine->books.orders, 2).lots);
}
static void the_book_crosses(struct engine *engine)
{
    engine->books.markets[0].sides[BUY].best = engine->books.markets[0].sides[SELL].best;
}

static void a_sleeper_is_counted_twice(struct engine *engine)
{
    engine->dormant_count++;
}
static void a_sleeper_forgets_that_it_sleeps(struct engine *engine)
{
    engine->books.orders.orders[4].flags &= (uint8_t)~ORDER_ASLEEP;
}
static void a_pending_order_is_in_force(struct engine *engine)
{
    engine->books.orders.orders[6].flags &= (uint8_t)~ORDER_PENDING;
}
static void a_queue_is_left_behind(struct engine *engine)
{
    engine->work.first = 4;
}
static void a_change_is_left_behind(struct engine *engine)
{
    engine->books.change_count = 1;
}
static void a_list_loses_a_leg(struct engine *engine)
{
    engine->lists.lists[1].legs[1] = NO_SLOT;
}
static void a_tier_is_below_its_floor(struct engine *engine)
{
    engine->accounts.terms[1].floor = 1;
}
static void a_fee_appears(struct engine *engine)
{
    engine->accounts.fees[USD].units++;
}

TEST(engine, check_stops_for_every_kind_of_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(one_unit_appears));
    assert_true(check_stops(one_unit_moves_from_held));
    assert_true(check_stops(a_level_miscounts));
    assert_true(check_stops(the_queue_turns_round));
    assert_true(check_stops(an_order_is_lost));
    assert_true(check_stops(the_book_crosses));
    assert_true(check_stops(a_sleeper_is_counted_twice));
    assert_true(check_stops(a_sleeper_forgets_that_it_sleeps));
    assert_true(check_stops(a_pending_order_is_in_force));
    assert_true(check_stops(a_queue_is_left_behind));
    assert_true(check_stops(a_change_is_left_behind));
    assert_true(check_stops(a_list_loses_a_leg));
    assert_true(check_stops(a_tier_is_below_its_floor));
    assert_true(check_stops(a_fee_appears));
}

#define RUN_COMMANDS 3000

/* A hash of all events of a run of commands of every kind; two markets, `dirt` in the memory before. */
static uint64_t run_hash(uint64_t seed, uint8_t dirt)
{
    struct world world;
    world_prepare(&world);
    world_add_market(&world.genesis.params, "OTHER");
    world.genesis.params.orders_max = 40;
    world.genesis.params.levels_max = 24;
    world_open(&world);
    memset(world.events.bytes, dirt, 4096);
    uint32_t accounts[4];
    for (int i = 0; i < 4; i++)
        accounts[i] = world_account(&world, 0, 200, 20000);
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < RUN_COMMANDS; i++) {
        const uint32_t account = accounts[world_below(&seed, 4)];
        const int64_t near = 95 + (int64_t)world_below(&seed, 11);
        const int64_t lots = 1 + (int64_t)world_below(&seed, 4);
        const uint16_t market = (uint16_t)world_below(&seed, 2);
        struct order_place_command place =
            world_limit(account, world_below(&seed, 2) == 0 ? BUY : SELL, lots, near);
        place.market = market;
        place.self_trade = (uint8_t)world_below(&seed, 5);
        world.stamp_ns += world_below(&seed, 1000000000);
        switch (world_below(&seed, 8)) {
        case 0: {
            struct list_place_command list = world_oco(account, lots, near + 10, near - 10);
            list.market = market;
            (void)world_list_place(&world, list);
            break;
        }
        case 1: {
            struct list_place_command list = world_oto(account, lots, near, near + 3);
            list.market = market;
            (void)world_list_place(&world, list);
            break;
        }
        case 2:
            (void)world_cancel_all(
                &world, (struct cancel_all_command){.account = account, .market = market});
            break;
        case 3:
            (void)world_switch_set(&world, (struct switch_set_command){.timeout_ms = 5000,
                                                                       .account = account,
                                                                       .market = market});
            break;
        case 4:
            place.type = TAKE_PROFIT;
            place.stop_price.ticks = place.side == BUY ? near - 8 : near + 8;
            place.price.ticks = 0;
            place.time_in_force = 0;
            (void)world_order_place(&world, place);
            break;
        default:
            place.iceberg_qty.lots = world_below(&seed, 3) == 0 ? 1 : 0;
            (void)world_order_place(&world, place);
        }
        for (const uint8_t *at = world.events.bytes; at < world.out.at; at++)
            hash = (hash ^ *at) * 0x100000001b3u;
        assert_true(engine_check(world.engine));
    }
    assert_true(engine_counts(world.engine).fills > 100);
    world_close(&world);
    return hash;
}

/* The same log twice gives the same bytes, whatever was in the memory before: what a restart replays. */
TEST(engine, the_same_commands_have_the_same_events)
{
    const uint64_t seed = world_seed(0x5a3e);
    assert_true(run_hash(seed, 0) == run_hash(seed, 0xff));
    assert_true(run_hash(seed, 0) != run_hash(seed + 1, 0));
}

static void leg_at_random(uint64_t *seed, struct order_place_command *leg)
{
    static const uint8_t types[] = {LIMIT,           LIMIT,       LIMIT,
                                    LIMIT_MAKER,     MARKET,      STOP_LOSS,
                                    STOP_LOSS_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT};
    leg->side = (uint8_t)world_below(seed, 2);
    leg->type = types[world_below(seed, sizeof(types))];
    leg->qty.lots = 1 + (int64_t)world_below(seed, 5);
    const bool priced = leg->type != MARKET && leg->type != STOP_LOSS && leg->type != TAKE_PROFIT;
    const bool stop = leg->type >= STOP_LOSS;
    if (priced) leg->price.ticks = 97 + (int64_t)world_below(seed, 7);
    if (stop && world_below(seed, 4) != 0)
        leg->stop_price.ticks = 97 + (int64_t)world_below(seed, 7);
    if (stop && world_below(seed, 3) == 0)
        leg->trailing_delta = 100 + (uint32_t)world_below(seed, 300);
    if (priced && leg->type != LIMIT_MAKER)
        leg->time_in_force =
            world_below(seed, 4) == 0 ? (uint8_t)(IOC + world_below(seed, 2)) : GTC;
    if (priced && leg->time_in_force <= GTC && world_below(seed, 4) == 0) leg->iceberg_qty.lots = 1;
    leg->self_trade = (uint8_t)world_below(seed, 5);
    leg->session = (uint32_t)world_below(seed, 3);
    if (world_below(seed, 3) == 0) leg->client_id[0] = (uint8_t)('a' + world_below(seed, 4));
}

static struct list_place_command pair_at_random(uint64_t *seed, uint32_t account)
{
    const int64_t lots = 1 + (int64_t)world_below(seed, 4);
    const int64_t above = 100 + (int64_t)world_below(seed, 4);
    const int64_t below = above - 1 - (int64_t)world_below(seed, 5);
    struct list_place_command list = world_oco(account, lots, above, below);
    if (world_below(seed, 2) == 0) {
        list.b_type = STOP_LOSS_LIMIT;
        list.b_time_in_force = GTC;
        list.b_price.ticks = 97 + (int64_t)world_below(seed, 7);
    }
    if (world_below(seed, 2) == 0) return list;
    /* The same pair behind a working order that buys what it sells. */
    struct list_place_command otoco = world_oto(account, lots, above - 1, 0);
    otoco.kind = LIST_OTOCO;
    otoco.b_side = list.a_side, otoco.b_type = list.a_type, otoco.b_qty = list.a_qty;
    otoco.b_price = list.a_price, otoco.b_time_in_force = 0;
    otoco.c_side = list.b_side, otoco.c_type = list.b_type, otoco.c_qty = list.b_qty;
    otoco.c_price = list.b_price, otoco.c_stop_price = list.b_stop_price;
    otoco.c_time_in_force = list.b_time_in_force;
    otoco.self_trade = (uint8_t)world_below(seed, 5);
    return otoco;
}

static void step_at_random(struct world *world, uint64_t *seed, uint32_t account)
{
    const uint16_t market = (uint16_t)world_below(seed, 2);
    struct order_place_command place = {.account = account, .market = market};
    leg_at_random(seed, &place);
    switch (world_below(seed, 12)) {
    case 0:
    case 1: {
        struct list_place_command list = pair_at_random(seed, account);
        list.market = market;
        (void)world_list_place(world, list);
        break;
    }
    case 2: {
        struct list_place_command list =
            world_oto(account, 1 + (int64_t)world_below(seed, 3),
                      97 + (int64_t)world_below(seed, 7), 97 + (int64_t)world_below(seed, 7));
        list.market = market;
        (void)world_list_place(world, list);
        break;
    }
    case 3:
        (void)world_switch_set(world, (struct switch_set_command){3, account, market});
        break;
    case 4:
        (void)world_session_end(world, (struct session_end_command){1, account, market});
        break;
    case 5:
        (void)world_order_amend(world,
                                (struct order_amend_command){
                                    .account = account,
                                    .order_id = world->engine->books.markets[market].last_order,
                                    .qty = {1 + (int64_t)world_below(seed, 3)},
                                    .market = market});
        break;
    case 6: {
        struct order_replace_command replace = {
            .account = account,
            .cancel_order_id =
                world->engine->books.markets[market].last_order - world_below(seed, 3),
            .mode = (uint8_t)(1 + world_below(seed, 2)),
            .price = place.price,
            .qty = place.qty,
            .stop_price = place.stop_price,
            .iceberg_qty = place.iceberg_qty,
            .trailing_delta = place.trailing_delta,
            .market = market,
            .side = place.side,
            .type = place.type,
            .time_in_force = place.time_in_force,
            .self_trade = place.self_trade};
        (void)world_order_replace(world, replace);
        break;
    }
    default:
        (void)world_order_place(world, place);
    }
}

/* Exchanges of a handful of orders and levels, full most of the time: whatever comes is refused or done,
 * and nothing is ever counted, written or kept beyond its bound. */
TEST(engine, no_bound_is_too_small)
{
    uint64_t seed = world_seed(0xb0d5);
    uint64_t fills = 0, refusals = 0;
    for (int round = 0; round < 150; round++) {
        struct world world;
        world_prepare(&world);
        struct params *params = &world.genesis.params;
        params->orders_max = 1 + (uint32_t)world_below(&seed, 20);
        params->levels_max = 1 + (uint32_t)world_below(&seed, 20);
        params->accounts_max = 3;
        world_add_market(params, "OTHER");
        params->markets[0].filters.algo_orders_max = 20;
        params->tiers[1].volume_min.units = (int64_t)world_below(&seed, 2) * 50;
        if (world_below(&seed, 2) == 0) params->markets[0].filters.band_ppm = 20000;
        world_open(&world);
        uint32_t accounts[3];
        for (int i = 0; i < 3; i++)
            accounts[i] = world_account(&world, (uint16_t)(i % 2), 60, 6000);
        for (int i = 0; i < 400; i++) {
            world.stamp_ns += world_below(&seed, 1500000);
            step_at_random(&world, &seed, accounts[world_below(&seed, 3)]);
            assert_true(engine_counts(world.engine).open_orders <= params->orders_max);
            assert_true(engine_counts(world.engine).levels + world.engine->dormant_count <=
                        params->levels_max);
            assert_true(engine_check(world.engine));
        }
        fills += engine_counts(world.engine).fills;
        refusals += engine_counts(world.engine).refusals;
        world_close(&world);
    }
    assert_true(fills > 1000 && refusals > 1000);
}
