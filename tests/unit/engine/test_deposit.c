#include "engine/state.h"
#include "tests/harness.h"
#include "tests/unit/engine/custody_world.h"

static struct world world;
static struct custody_world custody;

static void open_world(void)
{
    world_prepare(&world);
    custody = (struct custody_world){.world = &world};
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    (void)world_account(&world, 0, 100, 0);
    custody_open(&custody);
}

static void close_world(void)
{
    assert_true(engine_check(world.engine));
    world_close(&world);
}

static int64_t available(uint32_t account)
{
    return accounts_balance(&world.engine->accounts, account, COIN)->available.units;
}

/* Nothing is credited one confirmation short; told again with one more it is, once. */
TEST(deposit, it_is_credited_with_its_last_confirmation_and_once)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 2), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_CONFIRMING);
    assert_int_equal(available(1), 0);
    for (int told = 0; told < 3; told++) {
        assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
        assert_int_equal(custody_state(&custody), DEPOSIT_CREDITED);
        assert_int_equal(available(1), 50);
    }
    close_world();
}

/* The same told twice is answered byte by byte alike, but for what moved. */
TEST(deposit, told_twice_it_is_answered_alike)
{
    open_world();
    uint8_t first[DEPOSIT_CHANGED_BYTES];
    struct event event;
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_true(world_event(&world, 0, &event));
    memcpy(first, event.payload, sizeof(first));
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(world.out.count, 1);
    assert_true(world_event(&world, 0, &event));
    struct deposit_changed_event one, other;
    deposit_changed_event_get(first, &one);
    deposit_changed_event_get(event.payload, &other);
    assert_int_equal(one.moved.units, 50);
    assert_int_equal(other.moved.units, 0);
    one.moved.units = 0;
    deposit_changed_event_put(first, &one);
    assert_memory_equal(first, event.payload, sizeof(first));
    close_world();
}

TEST(deposit, gone_before_it_was_credited_it_moves_nothing_and_may_come_again)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 1), REJECT_NONE);
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_REORGED);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(available(1), 50);
    close_world();
}

TEST(deposit, gone_after_it_was_credited_it_is_taken_back)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_REORGED);
    assert_int_equal(available(1), 0);
    assert_false(accounts_frozen(&world.engine->accounts, 1));
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE); /* answered alike */
    assert_int_equal(custody_state(&custody), DEPOSIT_REORGED);
    close_world();
}

/* What is in an order cannot be taken back: the account is frozen, may cancel, and then owes no more. */
TEST(deposit, spent_and_gone_it_freezes_its_account)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(world_order_place(&world, world_limit(1, SELL, 40, 100)), REJECT_NONE);
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_OWED);
    assert_int_equal(world_events_of(&world, T_ACCOUNT_FROZEN), 1);
    assert_int_equal(available(1), 0);

    assert_int_equal(world_order_place(&world, world_limit(1, SELL, 1, 100)),
                     REJECT_ACCOUNT_FROZEN);
    assert_int_equal(
        world_order_amend(&world,
                          (struct order_amend_command){.account = 1, .order_id = 1, .qty = {1}}),
        REJECT_ACCOUNT_FROZEN);
    assert_int_equal(world_list_place(&world, world_oco(1, 1, 150, 70)), REJECT_ACCOUNT_FROZEN);
    assert_int_equal(custody_allow(&custody, 1), REJECT_ACCOUNT_FROZEN);
    assert_int_equal(
        world_order_cancel(&world, (struct order_cancel_command){.account = 1, .order_id = 1}),
        REJECT_NONE);
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_REORGED);
    assert_int_equal(available(1), 0);
    assert_true(accounts_frozen(&world.engine->accounts, 1)); /* until an operator says */
    assert_int_equal(
        world_account_freeze(&world,
                             (struct account_freeze_command){.nonce = ++world.nonce, .account = 1}),
        REJECT_NONE);
    assert_false(accounts_frozen(&world.engine->accounts, 1));
    close_world();
}

/* Late news of fewer confirmations takes nothing back: that takes a reorg. */
TEST(deposit, credited_it_stays_whatever_confirmations_are_told)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 50, 1), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_CREDITED);
    assert_int_equal(available(1), 50);
    close_world();
}

/* Mined again while some of it is owed, only what was taken back is credited. */
TEST(deposit, mined_again_it_is_credited_as_far_as_it_was_taken_back)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(world_order_place(&world, world_limit(1, SELL, 40, 100)), REJECT_NONE);
    assert_int_equal(custody_reorg(&custody, 1), REJECT_NONE); /* 10 of 50 come back */
    assert_int_equal(custody_report(&custody, 1, 50, 2), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_CONFIRMING);
    assert_int_equal(available(1), 0);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(available(1), 10);
    close_world();
}

TEST(deposit, what_contradicts_itself_is_refused)
{
    open_world();
    assert_int_equal(custody_report(&custody, 1, 50, 1), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 51, 3), REJECT_DEPOSIT_DIFFERS);
    struct deposit_report_command report = custody_told(&custody, 1, 50, 3);
    report.address[1] = '2';
    assert_int_equal(world_deposit_report(&world, report), REJECT_DEPOSIT_DIFFERS);
    report.address[1] = '7';
    assert_int_equal(world_deposit_report(&world, report), REJECT_ADDRESS);
    report = custody_told(&custody, 2, 50, 3);
    report.amount[0]++; /* a hundredth of a unit */
    assert_int_equal(world_deposit_report(&world, report), REJECT_INEXACT);
    report = custody_told(&custody, 2, 50, 3);
    report.amount[31] = 0x80;
    assert_int_equal(world_deposit_report(&world, report), REJECT_INEXACT);
    report = custody_told(&custody, 2, 0, 3);
    assert_int_equal(world_deposit_report(&world, report), REJECT_AMOUNT);
    report = custody_told(&custody, 2, 50, 3);
    report.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, report), REJECT_CONNECTOR);
    report = custody_told(&custody, 2, 50, 3);
    report.asset = USD;
    assert_int_equal(world_deposit_report(&world, report), REJECT_ROUTE);
    assert_int_equal(custody_reorg(&custody, 9), REJECT_UNKNOWN_DEPOSIT);
    assert_int_equal(available(1), 0);
    close_world();
}

/* Two assets of one chain, each with a connector of its own: who tells of the one takes nothing of the other back. Up to
 * rules 2 it is the chain's first who does. */
TEST(deposit, only_its_assets_connector_takes_it_back)
{
    for (int releases = 0; releases < 2; releases++) {
        open_world();
        if (releases) custody_open_releases(&custody);
        custody.route.asset = USD;
        custody.route.connector = 1;
        assert_int_equal(custody_route(&custody), REJECT_NONE);
        struct deposit_report_command report = custody_told(&custody, 1, 50, 3);
        report.asset = USD;
        report.operator_index = 1;
        assert_int_equal(world_deposit_report(&world, report), REJECT_NONE);

        struct deposit_reorg_command gone = {.chain = "ETH", .txid = {1}};
        for (int told = 0; told < 2; told++) { /* by the other one first */
            gone.nonce = ++world.nonce;
            gone.operator_index = (uint16_t)(told == releases);
            const bool is_his = told == 1;
            assert_int_equal(world_deposit_reorg(&world, gone),
                             is_his ? REJECT_NONE : REJECT_CONNECTOR);
            if (is_his) assert_int_equal(custody_state(&custody), DEPOSIT_REORGED);
        }
        close_world();
    }
}

/* Two connectors of one chain, one of them lying: a name is one deposit's whoever says it, and only its asset's connector
 * says anything of it. */
TEST(deposit, two_connectors_do_not_credit_it_twice)
{
    open_world();
    custody_open_charges(&custody);
    custody.route.asset = USD;
    custody.route.connector = 1;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);

    struct deposit_report_command lie = custody_told(&custody, 1, 50, 3);
    lie.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_CONNECTOR); /* the same, by him */
    lie = custody_told(&custody, 1, 51, 3);
    lie.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_CONNECTOR); /* more of it */
    lie = custody_told(&custody, 1, 50, 3);
    lie.operator_index = 1;
    lie.asset = USD;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_DEPOSIT_DIFFERS); /* as his own */
    assert_int_equal(available(1), 50);
    assert_int_equal(accounts_balance(&world.engine->accounts, 1, USD)->available.units, 0);

    /* The route is his now: what is known of the deposit holds against him too. */
    custody.route.asset = COIN;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_CONNECTOR); /* the one before */
    lie = custody_told(&custody, 1, 51, 3);
    lie.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_DEPOSIT_DIFFERS);
    lie = custody_told(&custody, 1, 50, 9);
    lie.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_CREDITED);
    assert_int_equal(available(1), 50);
    close_world();
}

/* n of m is one connector's word about one block: what two say does not add up, nor what one says again, and what another
 * route asks for does not count for this one. */
TEST(deposit, confirmations_do_not_add_up)
{
    open_world();
    custody_open_charges(&custody);
    assert_int_equal(custody_report(&custody, 1, 50, 2), REJECT_NONE);
    for (int told = 0; told < 5; told++)
        assert_int_equal(custody_report(&custody, 1, 50, 2), REJECT_NONE);
    struct deposit_report_command lie = custody_told(&custody, 1, 50, 1);
    lie.operator_index = 1;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_CONNECTOR);
    custody.route.asset = USD; /* one confirmation is enough there */
    custody.route.connector = 1;
    custody.route.confirmations = 1;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    lie = custody_told(&custody, 1, 50, 1);
    lie.operator_index = 1;
    lie.asset = USD;
    assert_int_equal(world_deposit_report(&world, lie), REJECT_DEPOSIT_DIFFERS);
    assert_int_equal(custody_report(&custody, 1, 50, 2), REJECT_NONE);
    assert_int_equal(custody_state(&custody), DEPOSIT_CONFIRMING);
    assert_int_equal(available(1), 0);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(available(1), 50);
    close_world();
}

/* An address is one account's; given again to the same one it is answered alike. */
TEST(deposit, an_address_is_one_accounts)
{
    open_world();
    struct deposit_address_command address = custody_address_of(&custody, 1);
    assert_int_equal(world_deposit_address(&world, address), REJECT_NONE);
    address.nonce = ++world.nonce;
    address.account = 2;
    assert_int_equal(world_deposit_address(&world, address), REJECT_ALREADY_EXISTS);
    close_world();
}

/* The ring is as long as orders_max: behind it, below the floor, nothing is taken as new. */
TEST(deposit, what_was_forgotten_is_not_credited_again)
{
    world_prepare(&world);
    world.genesis.params.orders_max = 4;
    custody = (struct custody_world){.world = &world};
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    (void)world_account(&world, 0, 0, 0);
    custody_open(&custody);
    for (uint8_t number = 1; number <= 5; number++)
        assert_int_equal(custody_report(&custody, number, 10, number == 2 ? 1 : 3), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 10, 3), REJECT_DEPOSIT_OLD);
    assert_int_equal(available(1), 40);
    /* The second is the oldest now, and has not come to an end. */
    assert_int_equal(custody_report(&custody, 6, 10, 3), REJECT_DEPOSITS_FULL);
    assert_int_equal(custody_report(&custody, 2, 10, 3), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 6, 10, 3), REJECT_NONE);
    assert_int_equal(available(1), 60);
    close_world();
}

TEST(deposit, older_rules_have_none)
{
    world_prepare(&world);
    custody = (struct custody_world){.world = &world};
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    assert_int_equal(custody_report(&custody, 1, 10, 3), REJECT_RULES);
    assert_int_equal(custody_withdraw(&custody, 1, 10, "a"), REJECT_RULES);
    assert_int_equal(
        world_rules_set(&world, (struct rules_set_command){.nonce = ++world.nonce, .rules = 3}),
        REJECT_RULES);
    close_world();
}
