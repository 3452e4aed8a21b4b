/* What the golden scripts do not tell: origins, deadlines, seals, votes, and commands for nobody. */

#include "tests/harness.h"

#include "common/reject.h"
#include "engine/match.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

static void world_ready(struct world *world)
{
    world_prepare(world);
    world_open(world);
}

/* A command of an origin applies once: sent twice, or out of its epoch, it is a no-op that leaves the
 * sequence where it was. */
TEST(match, a_repeated_command_is_a_noop)
{
    struct world world;
    world_ready(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    assert_int_equal(world_hello(&world, (struct hello_command){.node = 7}), REJECT_NONE);
    const uint64_t epoch = world.number;

    world.header =
        (struct command_header){.origin = 7, .origin_epoch = epoch, .origin_sequence = 1};
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)),
                     REJECT_STALE_SEQUENCE);
    struct event event;
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_NOOP);
    assert_int_equal(engine_counts(world.engine).open_orders, 1);
    world.header.origin_sequence = 2;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    world_close(&world);
}

/* A refused command has used its place in the sequence: its sender has the answer, the next one counts. */
TEST(match, a_refusal_uses_its_sequence)
{
    struct world world;
    world_ready(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    assert_int_equal(world_hello(&world, (struct hello_command){.node = 1}), REJECT_NONE);
    world.header =
        (struct command_header){.origin = 1, .origin_epoch = world.number, .origin_sequence = 1};
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 11, 100)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)),
                     REJECT_STALE_SEQUENCE);
    world.header.origin_sequence = 2;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    world_close(&world);
}

/* HELLO of a node: its command number is the epoch. Of a stranger: a no-op. */
TEST(match, hello_opens_the_epoch_of_its_own_number)
{
    struct world world;
    world_ready(&world);
    world_account(&world, 0, 1, 0);
    assert_int_equal(world_hello(&world, (struct hello_command){.node = 7, .nonce = 3}), 0);
    struct event event;
    struct hello_accepted_event accepted;
    assert_true(world_event(&world, 0, &event));
    hello_accepted_event_get(event.payload, &accepted);
    assert_int_equal(accepted.epoch, world.number);
    assert_int_equal(accepted.node, 7);
    assert_int_equal(world_hello(&world, (struct hello_command){.node = 2}), REJECT_STALE_SEQUENCE);
    world_close(&world);
}

/* A block ends with its SEAL and begins after the one before; any other height is a no-op. */
TEST(match, seals_follow_each_other)
{
    struct world world;
    world_ready(&world);
    world_account(&world, 0, 1, 0); /* two commands */
    assert_int_equal(world_seal(&world, (struct seal_command){2}), REJECT_OTHER_HEIGHT);
    assert_int_equal(world_seal(&world, (struct seal_command){1}), REJECT_NONE);
    struct event event;
    struct sealed_event sealed;
    assert_true(world_event(&world, 0, &event));
    sealed_event_get(event.payload, &sealed);
    assert_int_equal(sealed.first_command, 1);
    const uint64_t last = world.number;

    assert_int_equal(world_seal(&world, (struct seal_command){1}), REJECT_OTHER_HEIGHT);
    assert_int_equal(world_seal(&world, (struct seal_command){2}), REJECT_NONE);
    assert_true(world_event(&world, 0, &event));
    sealed_event_get(event.payload, &sealed);
    assert_int_equal(sealed.first_command, last + 1);
    assert_int_equal(sealed.height, 2);
    world_close(&world);
}

/* A vote is the anchor's business: it has a number and no event. */
TEST(match, votes_pass_through)
{
    struct world world;
    world_ready(&world);
    assert_int_equal(world_vote(&world, (struct vote_command){.height = 1}), REJECT_NONE);
    assert_int_equal(world.out.count, 0);
    assert_int_equal(engine_counts(world.engine).votes, 1);
    assert_int_equal(world_checkpoint_vote(&world, (struct checkpoint_vote_command){.height = 1}),
                     REJECT_NONE);
    assert_int_equal(world.out.count, 0);
    world.header.group = 1; /* several logs are a later version's, too */
    assert_int_equal(world_vote(&world, (struct vote_command){.height = 1}), REJECT_LATER_VERSION);
    world_close(&world);
}

/* Whoever executes an old block again must find what was found then, by those who did not know the command. */
TEST(match, votes_on_liabilities_are_of_a_later_version_below_rules_3)
{
    struct world world;
    const struct liabilities_vote_command vote = {.height = 1};
    for (uint32_t rules = 2; rules <= 3; rules++) {
        world_prepare(&world);
        world.genesis.params.rules = rules;
        world_open(&world);
        assert_int_equal(world_liabilities_vote(&world, vote),
                         rules == 2 ? REJECT_LATER_VERSION : REJECT_NONE);
        assert_int_equal(world.out.count, rules == 2 ? 1 : 0); /* NOOP */
        world_close(&world);
    }
}

/* Engine time alone decides: at the deadline it is in time, a nanosecond later it is not; 0 is none. */
TEST(match, a_deadline_is_in_time_until_it_is_past)
{
    struct world world;
    world_ready(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    world.stamp_ns = 500;
    world.header.deadline_ns = 500;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    world.header.deadline_ns = 499;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_TOO_LATE);
    assert_int_equal(world_cancel_all(&world, (struct cancel_all_command){.account = ann}),
                     REJECT_TOO_LATE);
    world.header.deadline_ns = 0;
    assert_int_equal(world_cancel_all(&world, (struct cancel_all_command){.account = ann}), 0);
    world_close(&world);
}

/* Accounts are numbered from 1; markets from 0; beyond the last of either is refused by name. */
TEST(match, orders_name_an_account_and_a_market)
{
    struct world world;
    world_ready(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(0, SELL, 1, 100)),
                     REJECT_UNKNOWN_ACCOUNT);
    assert_int_equal(world_order_place(&world, world_limit(ann + 1, SELL, 1, 100)),
                     REJECT_UNKNOWN_ACCOUNT);
    struct order_place_command place = world_limit(ann, SELL, 1, 100);
    place.market = 1;
    assert_int_equal(world_order_place(&world, place), REJECT_UNKNOWN_MARKET);
    assert_int_equal(world_order_cancel(&world, (struct order_cancel_command){.order_id = 1}),
                     REJECT_UNKNOWN_ACCOUNT);
    assert_int_equal(
        world_cancel_all(&world, (struct cancel_all_command){.account = ann, .market = 9}),
        REJECT_UNKNOWN_MARKET);
    world_close(&world);
}

/* The longest command there is: one order sweeps a full book of as many levels and accounts as may be;
 * its events fit the buffer that the engine asked for. */
TEST(match, the_longest_sweep_fits_the_events_buffer)
{
    struct world world;
    world_prepare(&world);
    struct params *params = &world.genesis.params;
    params->orders_max = params->levels_max = 300;
    params->accounts_max = 400;
    params->markets[0].account_orders_max = 1;
    world_open(&world);
    for (int i = 1; i <= 300; i++) {
        const uint32_t seller = world_account(&world, 1, 1, 0);
        assert_int_equal(world_order_place(&world, world_limit(seller, SELL, 1, i)), REJECT_NONE);
    }
    const uint32_t ann = world_account(&world, 1, 0, 1000000);
    struct order_place_command sweep = world_limit(ann, BUY, 1000, 1000);
    sweep.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, sweep), REJECT_NONE);
    assert_int_equal(engine_counts(world.engine).fills, 300);
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_int_equal(engine_counts(world.engine).levels, 0);
    assert_int_equal(world.out.count, 1 + 300 * 2 + 1 + 300 + 2 + 300 * 2);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* The longest of all: one order sweeps a full book of icebergs, each in as many parts as a market can
 * allow, and each of a list of its own whose pending order it releases. */
TEST(match, a_sweep_of_icebergs_and_lists_fits_the_events_buffer)
{
    enum { LISTS = 20 };
    struct world world;
    world_prepare(&world);
    struct params *params = &world.genesis.params;
    params->orders_max = params->levels_max = 2 * LISTS;
    params->accounts_max = LISTS + 1;
    world_open(&world);
    for (int i = 1; i <= LISTS; i++) {
        const uint32_t seller = world_account(&world, 1, 1000, 0);
        struct list_place_command list = world_oto(seller, 1, 1, 2);
        list.a_side = SELL;
        list.a_qty.lots = 100;
        list.a_price.ticks = 100 + i;
        list.a_iceberg_qty.lots = 1;
        list.b_side = BUY;
        list.b_price.ticks = i;
        assert_int_equal(world_list_place(&world, list), REJECT_NONE);
    }
    const uint32_t ann = world_account(&world, 1, 0, 1000000);
    struct order_place_command sweep = world_limit(ann, BUY, 100000, 1000);
    sweep.price.ticks = 100 + LISTS;
    sweep.qty.lots = 100 * LISTS + 1;
    sweep.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, sweep), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_FILL), 100 * LISTS);
    assert_int_equal(world_events_of(&world, T_ORDER_RELEASED), LISTS);
    assert_int_equal(engine_counts(world.engine).open_orders, LISTS);
    assert_true((size_t)(world.out.at - world.events.bytes) <=
                engine_event_bytes_max(world.engine));
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* Whatever ends everything at once: cancel all, a switch, a lost node, one that begins anew, each over a full
 * exchange of lists. */
TEST(match, ending_everything_fits_the_events_buffer)
{
    enum { LISTS = 50 };
    for (int way = 0; way < 4; way++) {
        struct world world;
        world_prepare(&world);
        struct params *params = &world.genesis.params;
        params->orders_max = params->levels_max = 2 * LISTS;
        params->markets[0].filters.order_lists_max = LISTS;
        params->markets[0].filters.algo_orders_max = LISTS;
        world_open(&world);
        const uint32_t ann = world_account(&world, 1, LISTS, 0);
        assert_int_equal(world_hello(&world, (struct hello_command){.node = 7}), REJECT_NONE);
        const uint64_t epoch = world.number;
        for (uint64_t i = 1; i <= LISTS; i++) {
            world.header =
                (struct command_header){.origin = 7, .origin_epoch = epoch, .origin_sequence = i};
            struct list_place_command pair = world_oco(ann, 1, 100 + (int64_t)i, 50);
            pair.session = 3;
            assert_int_equal(world_list_place(&world, pair), REJECT_NONE);
        }
        world.header = (struct command_header){.origin = 0};
        if (way == 0) {
            assert_int_equal(world_cancel_all(&world, (struct cancel_all_command){.account = ann}),
                             REJECT_NONE);
        } else if (way == 1) {
            assert_int_equal(world_switch_set(&world, (struct switch_set_command){.timeout_ms = 1,
                                                                                  .account = ann}),
                             REJECT_NONE);
            world.stamp_ns += 1000000;
            assert_int_equal(world_seal(&world, (struct seal_command){1}), REJECT_NONE);
            assert_int_equal(world_events_of(&world, T_SWITCH_FIRED), 1);
        } else if (way == 2) {
            assert_int_equal(world_origin_lost(&world, (struct origin_lost_command){epoch, 7}),
                             REJECT_NONE);
        } else {
            assert_int_equal(world_hello(&world, (struct hello_command){.nonce = 1, .node = 7}),
                             REJECT_NONE);
            assert_int_equal(world_events_of(&world, T_HELLO_ACCEPTED), 1);
        }
        assert_int_equal(world_events_of(&world, T_ORDER_DONE), 2 * LISTS);
        assert_int_equal(world_events_of(&world, T_LIST_DONE), LISTS);
        assert_int_equal(world_events_of(&world, T_LEVEL), LISTS);
        assert_int_equal(world_events_of(&world, T_BALANCE), 1);
        assert_int_equal(engine_counts(world.engine).open_orders, 0);
        assert_true(engine_check(world.engine));
        world_close(&world);
    }
}

/* A command that switches come before has its own answer behind them, with what they changed told once. */
TEST(match, switches_come_before_a_noop_of_a_later_version)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    assert_int_equal(
        world_switch_set(&world, (struct switch_set_command){.timeout_ms = 1, .account = ann}),
        REJECT_NONE);
    world.stamp_ns += 1000000;
    world.header.group = 1;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)),
                     REJECT_LATER_VERSION);
    assert_int_equal(world.out.count, 5); /* fired, done, no-op, level, balance */
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    world_close(&world);
}

/* Switches empty a book of as many levels as may be, and the list behind them makes two more: each of them
 * has its place among the command's changes. */
TEST(match, all_changes_of_a_switch_and_a_list_have_room)
{
    enum { LEVELS = 15 }; /* with one more the places would be a whole cache line */
    struct world world;
    world_prepare(&world);
    world.genesis.params.levels_max = LEVELS;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0), bob = world_account(&world, 1, 0, 1000);
    for (int i = 1; i < LEVELS; i++)
        assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 200 + i)), 0);
    const uint32_t cat = world_account(&world, 1, 100, 0);
    assert_int_equal(world_order_place(&world, world_limit(cat, SELL, 1, 100)), 0);
    assert_int_equal(
        world_switch_set(&world, (struct switch_set_command){.timeout_ms = 1, .account = ann}), 0);
    world.stamp_ns += 1000000;

    struct list_place_command list = world_oto(bob, 1, 100, 120);
    list.kind = LIST_OTOCO;
    list.b_type = LIMIT_MAKER;
    list.c_side = SELL;
    list.c_type = STOP_LOSS_LIMIT;
    list.c_time_in_force = GTC;
    list.c_qty.lots = 1;
    list.c_stop_price.ticks = 100; /* met by the working order's own trade */
    list.c_price.ticks = 95;
    assert_int_equal(world_list_place(&world, list), REJECT_NONE);
    const struct books *books = &world.engine->books;
    const ptrdiff_t room = (const uint32_t *)books->tags - books->changed;
    assert_int_equal(world_events_of(&world, T_LEVEL), LEVELS + 2);
    assert_true(room >= LEVELS + 2);
    assert_true(engine_check(world.engine));
    world_close(&world);
}
