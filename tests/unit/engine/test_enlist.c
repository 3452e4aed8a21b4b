/* The stories are in the golden scripts about lists; here is what they do not tell: that a refused
 * list has changed nothing, fields that no story has a word for, and lists at random. */

#include "tests/harness.h"

#include <inttypes.h>

#include "common/reject.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

struct enlist_world {
    struct world world;
    uint32_t ann, bob;
};

static void enlist_open(struct enlist_world *enlist)
{
    world_prepare(&enlist->world);
    world_open(&enlist->world);
    enlist->ann = world_account(&enlist->world, 1, 100, 10000);
    enlist->bob = world_account(&enlist->world, 1, 100, 10000);
}

/* The next list is the first, its orders are the next orders: nothing was used up. */
static void is_untouched(struct enlist_world *enlist, uint64_t next_order)
{
    struct world *world = &enlist->world;
    assert_true(engine_check(world->engine));
    assert_int_equal(world_list_place(world, world_oco(enlist->ann, 1, 500, 10)), REJECT_NONE);
    struct event event;
    struct list_accepted_event accepted;
    assert_true(world_event(world, 0, &event));
    assert_int_equal(event.type, T_LIST_ACCEPTED);
    list_accepted_event_get(event.payload, &accepted);
    assert_int_equal(accepted.list_id, 1);
    assert_int_equal(accepted.a_order, next_order);
    assert_int_equal(accepted.b_order, next_order + 1);
    assert_int_equal(accepted.c_order, 0);
    assert_true(engine_check(world->engine));
}

/* A field of the third leg that is not zero, each by itself: an OCO or OTO has no third leg. */
TEST(enlist, a_third_leg_is_none_or_all_zero)
{
    struct enlist_world enlist;
    enlist_open(&enlist);
    struct world *world = &enlist.world;
#define REFUSES_FIELD(assignment) \
    do { \
        struct list_place_command list = world_oco(enlist.ann, 1, 500, 10); \
        list.assignment; \
        assert_int_equal(world_list_place(world, list), REJECT_COMBINATION); \
        list = world_oto(enlist.ann, 1, 50, 500); \
        list.assignment; \
        assert_int_equal(world_list_place(world, list), REJECT_COMBINATION); \
    } while (0)
    REFUSES_FIELD(c_price.ticks = 1);
    REFUSES_FIELD(c_qty.lots = 1);
    REFUSES_FIELD(c_stop_price.ticks = 1);
    REFUSES_FIELD(c_iceberg_qty.lots = 1);
    REFUSES_FIELD(c_trailing_delta = 1);
    REFUSES_FIELD(c_side = 1);
    REFUSES_FIELD(c_type = 1);
    REFUSES_FIELD(c_time_in_force = 1);
    REFUSES_FIELD(c_client_id[35] = 1);
    is_untouched(&enlist, 1);
    world_close(world);
}

/* Refused for the last of all reasons, funds: no id, no hold, no order, no dormant count. */
TEST(enlist, a_refused_list_changes_nothing)
{
    struct enlist_world enlist;
    enlist_open(&enlist);
    struct world *world = &enlist.world;
    assert_int_equal(world_list_place(world, world_oco(enlist.ann, 101, 500, 10)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(world_list_place(world, world_oto(enlist.ann, 100, 101, 500)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(engine_counts(world->engine).open_orders, 0);
    assert_int_equal(world->engine->dormant_count, 0);
    is_untouched(&enlist, 1);
    world_close(world);
}

/* A list of as many orders as are left is taken, one of one more is not; then every order of it ends and
 * as many may come again. */
TEST(enlist, the_last_orders_may_be_a_list)
{
    struct enlist_world enlist;
    world_prepare(&enlist.world);
    enlist.world.genesis.params.orders_max = 5;
    enlist.world.genesis.params.levels_max = 50;
    world_open(&enlist.world);
    struct world *world = &enlist.world;
    enlist.ann = world_account(world, 1, 100, 10000);
    struct list_place_command otoco = world_oto(enlist.ann, 1, 50, 500);
    otoco.kind = LIST_OTOCO;
    otoco.b_type = LIMIT_MAKER;
    otoco.b_time_in_force = 0;
    otoco.c_type = STOP_LOSS;
    otoco.c_side = SELL;
    otoco.c_qty.lots = 1;
    otoco.c_stop_price.ticks = 10;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(world_list_place(world, otoco), REJECT_NONE);
        assert_int_equal(world_list_place(world, otoco), REJECT_ORDERS_FULL);
        assert_int_equal(world_list_place(world, world_oco(enlist.ann, 1, 500, 10)), REJECT_NONE);
        assert_int_equal(engine_counts(world->engine).open_orders, 5);
        assert_int_equal(world_order_place(world, world_limit(enlist.ann, SELL, 1, 500)),
                         REJECT_ORDERS_FULL);
        assert_true(engine_check(world->engine));
        assert_int_equal(
            world_cancel_all(world, (struct cancel_all_command){.account = enlist.ann}),
            REJECT_NONE);
        assert_int_equal(world_events_of(world, T_LIST_DONE), 2);
        assert_int_equal(engine_counts(world->engine).open_orders, 0);
        assert_true(engine_check(world->engine));
    }
    world_close(world);
}

static int64_t near(uint64_t *seed)
{
    return 95 + (int64_t)world_below(seed, 11);
}

static struct list_place_command list_at_random(uint32_t account, uint64_t *seed)
{
    struct list_place_command list = {.account = account,
                                      .kind = (uint8_t)(1 + world_below(seed, 3)),
                                      .self_trade = (uint8_t)world_below(seed, 5)};
    const bool sells = world_below(seed, 2) == 0;
    const int64_t lots = 1 + (int64_t)world_below(seed, 4);
    const uint8_t above = (uint8_t)(sells ? LIMIT_MAKER : STOP_LOSS + world_below(seed, 2));
    const uint8_t below = (uint8_t)(sells ? STOP_LOSS + world_below(seed, 2) : TAKE_PROFIT);
    struct {
        uint8_t type;
        int64_t lots, price, stop;
        bool sells;
    } legs[3];
    for (int i = 0; i < 3; i++) {
        const bool pair = list.kind != LIST_OTO && (list.kind == LIST_OCO || i > 0);
        const bool first = i == (list.kind == LIST_OCO ? 0 : 1);
        legs[i].type = pair ? (first ? above : below) : (uint8_t)LIMIT;
        legs[i].sells = pair || i == 0 ? sells : !sells;
        legs[i].lots = pair ? lots : 1 + (int64_t)world_below(seed, 4);
        const bool priced =
            legs[i].type == LIMIT || legs[i].type == LIMIT_MAKER || legs[i].type == STOP_LOSS_LIMIT;
        legs[i].price = priced ? near(seed) : 0;
        legs[i].stop = legs[i].type >= STOP_LOSS ? near(seed) : 0;
    }
    const uint8_t third = list.kind == LIST_OTOCO;
#define LEG(letter, i) \
    list.letter##_type = legs[i].type, list.letter##_qty.lots = legs[i].lots, \
    list.letter##_price.ticks = legs[i].price, list.letter##_stop_price.ticks = legs[i].stop, \
    list.letter##_side = legs[i].sells ? SELL : BUY, \
    list.letter##_time_in_force = \
        legs[i].type == LIMIT || legs[i].type == STOP_LOSS_LIMIT ? (uint8_t)GTC : 0
    LEG(a, 0);
    LEG(b, 1);
    if (third) LEG(c, 2);
    return list;
}

/* Lists of all kinds among orders that fill them, at ten prices and with hardly any funds: the invariants
 * hold after every command, and at the end nothing is open and nothing held. */
TEST(enlist, random_lists_keep_the_invariants)
{
    struct enlist_world enlist;
    enlist_open(&enlist);
    struct world *world = &enlist.world;
    uint64_t seed = world_seed(0x11575);
    printf("seed 0x%" PRIx64 "\n", seed);
    uint32_t accepted = 0, done = 0, released = 0, fired = 0;
    for (int i = 0; i < 20000; i++) {
        const uint32_t account = world_below(&seed, 2) == 0 ? enlist.ann : enlist.bob;
        if (world_below(&seed, 2) == 0) {
            accepted += world_list_place(world, list_at_random(account, &seed)) == REJECT_NONE;
        } else {
            struct order_place_command place =
                world_limit(account, world_below(&seed, 2) == 0 ? BUY : SELL,
                            1 + (int64_t)world_below(&seed, 4), near(&seed));
            place.self_trade = (uint8_t)world_below(&seed, 5);
            (void)world_order_place(world, place);
        }
        done += world_events_of(world, T_LIST_DONE);
        released += world_events_of(world, T_ORDER_RELEASED);
        fired += world_events_of(world, T_ORDER_TRIGGERED);
        assert_true(engine_check(world->engine));
        if (i % 100 == 99) {
            (void)world_cancel_all(world, (struct cancel_all_command){.account = account});
            done += world_events_of(world, T_LIST_DONE);
        }
    }
    (void)world_cancel_all(world, (struct cancel_all_command){.account = enlist.ann});
    done += world_events_of(world, T_LIST_DONE);
    (void)world_cancel_all(world, (struct cancel_all_command){.account = enlist.bob});
    done += world_events_of(world, T_LIST_DONE);
    printf("%u lists, %u released orders, %u fired\n", accepted, released, fired);
    assert_int_equal(done, accepted);
    assert_true(accepted > 500 && released > 100 && fired > 100);
    assert_int_equal(engine_counts(world->engine).open_orders, 0);
    assert_true(engine_check(world->engine));
    world_close(world);
}
