#include "tests/harness.h"

#include "common/reject.h"
#include "common/share.h"
#include "engine/cancel.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

/* The stories are in tests/golden/match/cancel_*.txt; here are the forms that no story tells. */
TEST(cancel, a_cancel_that_names_nothing_finds_nothing)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    struct order_cancel_command cancel = {.account = ann};
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    cancel.order_id = 1;
    cancel.restriction = 3;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_COMBINATION);
    cancel.restriction = CANCEL_ANY;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    world_close(&world);
}

/* An order of one market is not found in another, also when its id exists in both. */
TEST(cancel, ids_belong_to_their_market)
{
    struct world world;
    world_prepare(&world);
    world_add_market(&world.genesis.params, "OTHER");
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0), bob = world_account(&world, 0, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    struct order_place_command other = world_limit(bob, SELL, 1, 100);
    other.market = 1;
    assert_int_equal(world_order_place(&world, other), REJECT_NONE);
    struct order_cancel_command cancel = {.account = ann, .order_id = 1, .market = 1};
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    const struct cancel_all_command all = {.account = ann, .market = 1};
    assert_int_equal(world_cancel_all(&world, all), REJECT_UNKNOWN_ORDER);
    cancel.market = 0;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    world_close(&world);
}

/* A list's names are both looked at, over all its length; naming nothing names no list, though an order of
 * no list has neither. */
TEST(cancel, a_list_is_found_by_whole_names)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    struct list_place_command pair = world_oco(ann, 1, 120, 50);
    memset(pair.client_id, 'x', sizeof(pair.client_id));
    assert_int_equal(world_list_place(&world, pair), REJECT_NONE);
    pair.client_id[35] = 'y';
    assert_int_equal(world_list_place(&world, pair), REJECT_NONE); /* another name */
    struct list_cancel_command cancel = {.account = ann};
    assert_int_equal(world_list_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    memset(cancel.orig_client_id, 'x', sizeof(cancel.orig_client_id));
    cancel.list_id = 2;
    assert_int_equal(world_list_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    cancel.orig_client_id[35] = 'z';
    cancel.list_id = 0;
    assert_int_equal(world_list_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    cancel.orig_client_id[35] = 'y';
    assert_int_equal(world_list_cancel(&world, cancel), REJECT_NONE);
    struct event event;
    struct order_done_event done;
    assert_true(world_event(&world, 1, &event));
    order_done_event_get(event.payload, &done);
    assert_int_equal(done.order_id, 4);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

static void origin_set(struct world *world, uint32_t node, uint64_t epoch, uint64_t *sequence)
{
    world->header = (struct command_header){
        .origin = node, .origin_epoch = epoch, .origin_sequence = ++*sequence};
}

/* Bound orders of two nodes, among them lists and some that end by themselves: losing one node ends the
 * rest of its own in the order in which they were accepted, and leaves the other's alone; the other's next
 * process ends those. */
TEST(cancel, a_lost_origin_takes_its_own_orders_alone)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.markets[0].filters.order_lists_max = 200;
    world.genesis.params.markets[0].filters.algo_orders_max = 200;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 1000, 0), bob = world_account(&world, 1, 1000, 0);
    uint64_t epochs[2], sequences[2] = {0, 0};
    static const uint32_t nodes[2] = {1, 7};
    for (int i = 0; i < 2; i++) {
        world.header = (struct command_header){.origin = 0};
        assert_int_equal(world_hello(&world, (struct hello_command){.node = nodes[i]}), 0);
        epochs[i] = world.number;
    }
    uint64_t seed = world_seed(0x105e);
    for (int i = 0; i < 60; i++) {
        const uint64_t which = world_below(&seed, 2);
        const uint32_t account = world_below(&seed, 2) == 0 ? ann : bob;
        origin_set(&world, nodes[which], epochs[which], &sequences[which]);
        if (world_below(&seed, 3) == 0) {
            struct list_place_command pair = world_oco(account, 1, 200, 50);
            pair.session = (uint32_t)(1 + world_below(&seed, 3));
            assert_int_equal(world_list_place(&world, pair), REJECT_NONE);
        } else {
            struct order_place_command place = world_limit(account, SELL, 1, 100 + i);
            place.session = (uint32_t)(1 + world_below(&seed, 3));
            assert_int_equal(world_order_place(&world, place), REJECT_NONE);
        }
        world.header = (struct command_header){.origin = 0};
        const struct order_cancel_command cancel = {.account = account,
                                                    .order_id = 1 + world_below(&seed, 90)};
        if (world_below(&seed, 4) == 0) (void)world_order_cancel(&world, cancel);
        assert_true(engine_check(world.engine));
    }
    const uint32_t before = engine_counts(world.engine).open_orders;
    uint32_t ended[2];
    for (int i = 0; i < 2; i++) {
        const struct origin_lost_command lost = {epochs[i], nodes[i]};
        const struct hello_command again = {.nonce = 1, .node = nodes[i]};
        assert_int_equal(i == 0 ? world_origin_lost(&world, lost) : world_hello(&world, again), 0);
        ended[i] = world_events_of(&world, T_ORDER_DONE);
        assert_true(ended[i] > 10);
        uint64_t last = 0;
        struct event event;
        for (uint32_t e = 0; world_event(&world, e, &event); e++) {
            if (event.type != T_ORDER_DONE) continue;
            struct order_done_event done;
            order_done_event_get(event.payload, &done);
            assert_true(done.order_id > last); /* one market: acceptance is rising id */
            last = done.order_id;
        }
        assert_true(engine_check(world.engine));
    }
    assert_int_equal(ended[0] + ended[1], before);
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_int_equal(world.engine->bound_oldest, NO_SLOT);
    assert_int_equal(world.engine->bound_newest, NO_SLOT);
    world_close(&world);
}

static unsigned arm(struct world *world, uint32_t account, uint16_t market, uint32_t timeout_ms)
{
    return world_switch_set(world, (struct switch_set_command){.timeout_ms = timeout_ms,
                                                               .account = account,
                                                               .market = market});
}

/* Of four switches the first two are for who comes first, then each account has one; what is armed can be armed again. */
TEST(cancel, nobody_uses_up_the_switches_of_all)
{
    struct world world;
    world_prepare(&world);
    world_add_market(&world.genesis.params, "SECOND");
    world_add_market(&world.genesis.params, "THIRD");
    world.genesis.params.orders_max = 4;
    world.genesis.params.rules = PARAMS_RULES_SHARES - 1;
    world_open(&world);
    uint32_t accounts[5];
    for (int i = 0; i < 5; i++)
        accounts[i] = world_account(&world, 0, 0, 0);
    for (uint16_t market = 0; market < 3; market++)
        assert_int_equal(arm(&world, accounts[0], market, 5000), REJECT_NONE);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_SHARES};
    assert_int_equal(world_rules_set(&world, rules), 0);
    assert_int_equal(arm(&world, accounts[0], 2, 0), REJECT_NONE);
    assert_int_equal(arm(&world, accounts[0], 2, 5000), REJECT_ORDERS_FULL);
    assert_int_equal(arm(&world, accounts[0], 1, 6000), REJECT_NONE);
    assert_int_equal(arm(&world, accounts[1], 1, 5000), REJECT_NONE);
    assert_int_equal(arm(&world, accounts[1], 2, 5000), REJECT_ORDERS_FULL);
    assert_int_equal(arm(&world, accounts[2], 1, 5000), REJECT_NONE);
    assert_int_equal(arm(&world, accounts[3], 1, 5000), REJECT_ORDERS_FULL);
    assert_int_equal(arm(&world, accounts[0], 0, 0), REJECT_NONE);
    assert_int_equal(arm(&world, accounts[0], 0, 5000), REJECT_ORDERS_FULL);
    assert_int_equal(arm(&world, accounts[3], 1, 5000), REJECT_NONE);
    assert_true(engine_check(world.engine));
    world_close(&world);
}
