#include "tests/harness.h"

#include "common/arena.h"
#include "engine/accounts.h"

static const struct params params = {.accounts_max = 3, .orders_max = 8, .assets_max = 2};
static const uint8_t no_key[PUBLIC_KEY_BYTES];

struct accounts_world {
    struct arena arena;
    struct accounts accounts;
};

static void accounts_open(struct accounts_world *world)
{
    assert_true(arena_map(&world->arena, accounts_bytes(&params)));
    assert_true(accounts_init(&world->accounts, &world->arena, &params));
    accounts_begin(&world->accounts, 1);
    assert_int_equal(accounts_create(&world->accounts, 0, no_key), 1);
    assert_int_equal(accounts_create(&world->accounts, 0, no_key), 2);
}

static void balance_is(const struct accounts_world *world, uint32_t account, uint16_t asset,
                       int64_t available, int64_t held)
{
    const struct balance *balance = accounts_balance(&world->accounts, account, asset);
    assert_int_equal(balance->available.units, available);
    assert_int_equal(balance->held.units, held);
    assert_true(accounts_check(&world->accounts));
}

/* Exactly what is available can be held; one more cannot, and then nothing has moved. */
TEST(accounts, hold_takes_all_that_is_available_and_no_more)
{
    struct accounts_world world;
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 1, 0, (amount_t){10}));
    assert_false(accounts_hold(&world.accounts, 1, 0, (amount_t){11}));
    balance_is(&world, 1, 0, 10, 0);
    assert_true(accounts_hold(&world.accounts, 1, 0, (amount_t){10}));
    balance_is(&world, 1, 0, 0, 10);
    assert_false(accounts_debit(&world.accounts, 1, 0, (amount_t){1}));
    accounts_release(&world.accounts, 1, 0, (amount_t){4});
    balance_is(&world, 1, 0, 4, 6);
    arena_unmap(&world.arena);
}

/* The supply of an asset stays below 2^63 over all accounts; the last unit fits. */
TEST(accounts, supply_is_bounded_over_all_accounts)
{
    struct accounts_world world;
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 1, 1, (amount_t){INT64_MAX - 1}));
    assert_false(accounts_credit(&world.accounts, 2, 1, (amount_t){2}));
    balance_is(&world, 2, 1, 0, 0);
    assert_true(accounts_credit(&world.accounts, 2, 1, (amount_t){1}));
    assert_false(accounts_credit(&world.accounts, 2, 1, (amount_t){1}));
    assert_true(accounts_credit(&world.accounts, 2, 0, (amount_t){1})); /* another asset */
    assert_true(accounts_debit(&world.accounts, 1, 1, (amount_t){5}));
    assert_true(accounts_credit(&world.accounts, 2, 1, (amount_t){5}));
    balance_is(&world, 2, 1, 6, 0);
    arena_unmap(&world.arena);
}

/* What one spends another receives, and the fee stays in the supply. */
TEST(accounts, spending_and_receiving_conserve_the_asset)
{
    struct accounts_world world;
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 1, 0, (amount_t){100}));
    assert_true(accounts_hold(&world.accounts, 1, 0, (amount_t){40}));
    accounts_spend(&world.accounts, 1, 0, (amount_t){30}, (amount_t){10});
    accounts_receive(&world.accounts, 2, 0, (amount_t){30}, (amount_t){3});
    balance_is(&world, 1, 0, 70, 0);
    balance_is(&world, 2, 0, 27, 0);
    assert_int_equal(world.accounts.fees[0].units, 3);
    arena_unmap(&world.arena);
}

/* BALANCE comes once for each balance a command touched, in the order of first touch. */
TEST(accounts, a_balance_is_written_once_a_command)
{
    struct accounts_world world;
    uint8_t bytes[1024];
    struct event_writer out = {.at = bytes, .end = bytes + sizeof(bytes)};
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 2, 1, (amount_t){5}));
    assert_true(accounts_credit(&world.accounts, 1, 0, (amount_t){5}));
    assert_true(accounts_credit(&world.accounts, 2, 1, (amount_t){5}));
    accounts_write_touched(&world.accounts, &out);
    assert_int_equal(out.count, 2);
    struct balance_event first;
    balance_event_get(bytes + EVENT_HEADER_BYTES, &first);
    assert_int_equal(first.account, 2);
    assert_int_equal(first.available.units, 10);

    accounts_begin(&world.accounts, 2);
    accounts_write_touched(&world.accounts, &out);
    assert_int_equal(out.count, 2); /* nothing more */
    arena_unmap(&world.arena);
}

TEST(accounts, public_keys_find_their_account_and_zero_is_nobody)
{
    struct accounts_world world;
    uint8_t key[PUBLIC_KEY_BYTES] = {1, 2, 3};
    accounts_open(&world);
    assert_int_equal(accounts_find(&world.accounts, key), 0);
    assert_int_equal(accounts_create(&world.accounts, 0, key), 3);
    assert_int_equal(accounts_find(&world.accounts, key), 3);
    assert_int_equal(accounts_find(&world.accounts, no_key), 0);
    key[31] = 1;
    assert_int_equal(accounts_find(&world.accounts, key), 0);
    arena_unmap(&world.arena);
}

/* A rebate comes out of the fees, which never fall below zero; one of nothing touches nothing. */
TEST(accounts, a_rebate_is_paid_from_the_fees)
{
    struct accounts_world world;
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 1, 0, (amount_t){100}));
    assert_true(accounts_hold(&world.accounts, 1, 0, (amount_t){50}));
    accounts_spend(&world.accounts, 1, 0, (amount_t){50}, (amount_t){0});
    accounts_receive(&world.accounts, 2, 0, (amount_t){50}, (amount_t){5});
    accounts_rebate(&world.accounts, 1, 0, (amount_t){5});
    assert_int_equal(world.accounts.fees[0].units, 0);
    balance_is(&world, 1, 0, 55, 0);
    balance_is(&world, 2, 0, 45, 0);

    accounts_begin(&world.accounts, 2);
    accounts_rebate(&world.accounts, 1, 0, (amount_t){0});
    accounts_release(&world.accounts, 1, 0, (amount_t){0});
    assert_true(accounts_hold(&world.accounts, 1, 0, (amount_t){0}));
    assert_int_equal(world.accounts.touch_count, 0);
    arena_unmap(&world.arena);
}

/* A fee that takes all that was received leaves the receiver's balance alone. */
TEST(accounts, nothing_received_is_nothing_touched)
{
    struct accounts_world world;
    accounts_open(&world);
    assert_true(accounts_credit(&world.accounts, 1, 0, (amount_t){1}));
    assert_true(accounts_hold(&world.accounts, 1, 0, (amount_t){1}));
    accounts_begin(&world.accounts, 2);
    accounts_spend(&world.accounts, 1, 0, (amount_t){1}, (amount_t){0});
    accounts_receive(&world.accounts, 2, 0, (amount_t){1}, (amount_t){1});
    assert_int_equal(world.accounts.touch_count, 1);
    balance_is(&world, 2, 0, 0, 0);
    arena_unmap(&world.arena);
}
