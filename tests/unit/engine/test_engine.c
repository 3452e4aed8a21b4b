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
