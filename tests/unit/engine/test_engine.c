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

TEST(engine, check_stops_for_every_kind_of_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(one_unit_appears));
    assert_true(check_stops(one_unit_moves_from_held));
    assert_true(check_stops(a_level_miscounts));
    assert_true(check_stops(the_queue_turns_round));
    assert_true(check_stops(an_order_is_lost));
    assert_true(check_stops(the_book_crosses));
}
