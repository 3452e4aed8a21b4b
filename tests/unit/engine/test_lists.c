#include "tests/harness.h"

#include "common/arena.h"
#include "engine/lists.h"

#include <sys/wait.h>
#include <unistd.h>

#define ORDERS 8

struct lists_world {
    struct arena arena;
    struct order_pool pool;
    struct lists lists;
};

static void lists_open(struct lists_world *world)
{
    assert_true(arena_map(&world->arena, order_pool_bytes(ORDERS) + lists_bytes(ORDERS)));
    assert_true(order_pool_init(&world->pool, &world->arena, ORDERS));
    assert_true(lists_init(&world->lists, &world->arena, ORDERS));
}

/* An order that is this leg of the list. */
static uint32_t leg_add(struct lists_world *world, uint32_t list_slot, uint32_t leg)
{
    const uint32_t slot = order_pool_take(&world->pool);
    struct order *order = &world->pool.orders[slot];
    *order = (struct order){.id = slot, .flags = ORDER_LISTED};
    struct order_extra *extra = order_extra_take(&world->pool, slot);
    extra->list = list_slot;
    extra->leg = leg;
    world->lists.lists[list_slot].legs[leg] = slot;
    world->lists.lists[list_slot].open++;
    return slot;
}

static uint32_t list_add(struct lists_world *world, uint8_t kind)
{
    const uint32_t slot = lists_take(&world->lists);
    world->lists.lists[slot].id = slot;
    world->lists.lists[slot].kind = kind;
    for (uint32_t leg = 0; leg < (kind == LIST_OTOCO ? 3u : 2u); leg++)
        leg_add(world, slot, leg);
    return slot;
}

static uint32_t sibling(const struct lists_world *world, uint32_t order)
{
    return lists_sibling(&world->lists, &world->pool, order);
}

/* Both legs of an OCO, from the start; b and c of an OTOCO, once they are no longer pending; of an OTO
 * none, and the working order never. */
TEST(lists, siblings_are_pairs_in_force)
{
    struct lists_world world;
    lists_open(&world);
    const uint32_t *oco = world.lists.lists[list_add(&world, LIST_OCO)].legs;
    assert_int_equal(sibling(&world, oco[0]), oco[1]);
    assert_int_equal(sibling(&world, oco[1]), oco[0]);

    const uint32_t *otoco = world.lists.lists[list_add(&world, LIST_OTOCO)].legs;
    world.pool.orders[otoco[1]].flags |= ORDER_PENDING;
    world.pool.orders[otoco[2]].flags |= ORDER_PENDING;
    for (uint32_t leg = 0; leg < 3; leg++)
        assert_int_equal(sibling(&world, otoco[leg]), NO_SLOT);
    world.pool.orders[otoco[1]].flags &= (uint8_t)~ORDER_PENDING;
    world.pool.orders[otoco[2]].flags &= (uint8_t)~ORDER_PENDING;
    assert_int_equal(sibling(&world, otoco[0]), NO_SLOT);
    assert_int_equal(sibling(&world, otoco[1]), otoco[2]);
    assert_int_equal(sibling(&world, otoco[2]), otoco[1]);

    const uint32_t *oto = world.lists.lists[list_add(&world, LIST_OTO)].legs;
    assert_int_equal(sibling(&world, oto[0]), NO_SLOT);
    assert_int_equal(sibling(&world, oto[1]), NO_SLOT);
    assert_true(lists_check(&world.lists, &world.pool));
    arena_unmap(&world.arena);
}

/* One that has ended is nobody's sibling; an order of no list has none. */
TEST(lists, the_last_of_a_pair_is_alone)
{
    struct lists_world world;
    lists_open(&world);
    struct list *list = &world.lists.lists[list_add(&world, LIST_OCO)];
    list->legs[0] = NO_SLOT;
    list->open--;
    assert_int_equal(sibling(&world, list->legs[1]), NO_SLOT);
    const uint32_t plain = order_pool_take(&world.pool);
    world.pool.orders[plain] = (struct order){.id = 9};
    assert_int_equal(sibling(&world, plain), NO_SLOT);
    assert_null(lists_of(&world.lists, &world.pool, plain));
    assert_ptr_equal(lists_of(&world.lists, &world.pool, list->legs[1]), list);
    arena_unmap(&world.arena);
}

/* As many as there is room for; what was given back comes again, all zero. */
TEST(lists, slots_come_back_empty)
{
    struct lists_world world;
    lists_open(&world);
    uint32_t slots[ORDERS + 1];
    const uint32_t capacity = world.lists.capacity;
    assert_true(capacity >= ORDERS / 2 && capacity <= ORDERS + 1);
    for (uint32_t i = 0; i < capacity; i++) {
        slots[i] = lists_take(&world.lists);
        world.lists.lists[slots[i]].id = i + 1;
        memset(world.lists.lists[slots[i]].client_id, 'x', CLIENT_ID_BYTES);
    }
    assert_int_equal(world.lists.count, capacity);
    lists_give(&world.lists, slots[1]);
    lists_give(&world.lists, slots[3]);
    assert_int_equal(lists_take(&world.lists), slots[3]);
    assert_int_equal(lists_take(&world.lists), slots[1]);
    static const struct list none;
    assert_memory_equal(&world.lists.lists[slots[1]], &none, sizeof(none));
    arena_unmap(&world.arena);
}

static bool check_stops(void (*damage)(struct lists_world *))
{
    struct lists_world world;
    lists_open(&world);
    (void)list_add(&world, LIST_OCO);
    (void)list_add(&world, LIST_OTO);
    assert_true(lists_check(&world.lists, &world.pool));
    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        damage(&world);
        lists_check(&world.lists, &world.pool);
        _exit(0);
    }
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    arena_unmap(&world.arena);
    return WIFSIGNALED(state);
}

static void nothing(struct lists_world *world)
{
    (void)world;
}
static void a_leg_is_forgotten(struct lists_world *world)
{
    world->lists.lists[1].legs[0] = NO_SLOT;
}
static void a_leg_is_of_another_list(struct lists_world *world)
{
    world->lists.lists[1].legs[0] = world->lists.lists[2].legs[0];
}
static void a_leg_changes_places(struct lists_world *world)
{
    world->pool.extras[world->pool.orders[1].extra].leg = 1;
}
static void an_order_denies_its_list(struct lists_world *world)
{
    world->pool.orders[1].flags = 0;
}
static void a_list_is_lost(struct lists_world *world)
{
    world->lists.lists[2].id = 0;
}
static void a_list_is_empty(struct lists_world *world)
{
    struct list *list = &world->lists.lists[1];
    list->legs[0] = list->legs[1] = NO_SLOT;
    list->open = 0;
}

TEST(lists, check_stops_for_every_kind_of_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(a_leg_is_forgotten));
    assert_true(check_stops(a_leg_is_of_another_list));
    assert_true(check_stops(a_leg_changes_places));
    assert_true(check_stops(an_order_denies_its_list));
    assert_true(check_stops(a_list_is_lost));
    assert_true(check_stops(a_list_is_empty));
}
