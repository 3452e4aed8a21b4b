#include "common/share.h"
#include "engine/state.h"
#include "tests/harness.h"
#include "tests/unit/engine/custody_world.h"

static struct world world;
static struct custody_world custody;

/* Account 2 has 100 coin, and an address that it may withdraw to. */
static void open_world(void)
{
    world_prepare(&world);
    custody = (struct custody_world){.world = &world};
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    (void)world_account(&world, 0, 100, 0);
    custody_open(&custody);
    assert_int_equal(custody_allow(&custody, 2), REJECT_NONE);
}

static void close_world(void)
{
    assert_true(engine_check(world.engine));
    world_close(&world);
}

static void assert_books(int64_t available, int64_t held, int64_t in_flight, int64_t supply)
{
    const struct accounts *accounts = &world.engine->accounts;
    assert_int_equal(accounts_balance(accounts, 2, COIN)->available.units, available);
    assert_int_equal(accounts_balance(accounts, 2, COIN)->held.units, held);
    assert_int_equal(accounts->in_flight[COIN].units, in_flight);
    assert_int_equal(accounts->supply[COIN].units, supply);
}

/* From the wish to the end, with what each step moves. */
TEST(withdrawal, it_is_held_approved_broadcast_and_gone)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(custody_state(&custody), WITHDRAWAL_HELD);
    assert_books(80, 20, 0, 100);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_WITHDRAWAL_STATE);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_NONE);
    assert_int_equal(custody_state(&custody), WITHDRAWAL_APPROVED);
    assert_books(80, 0, 20, 100);
    custody_certify(&custody);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NONE);
    assert_books(80, 0, 20, 100);
    for (int told = 0; told < 2; told++) {
        assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_FINAL), REJECT_NONE);
        assert_books(80, 0, 0, 80);
    }
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_FAILED), REJECT_WITHDRAWAL_STATE);
    close_world();
}

/* The block that holds the approval has to be certified: one of two voters is not enough, and a block
 * before it does not count. */
TEST(withdrawal, nothing_is_broadcast_before_its_approval_is_certified)
{
    open_world();
    custody_certify(&custody);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "small"), REJECT_NONE);
    assert_int_equal(custody_state(&custody), WITHDRAWAL_APPROVED);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NOT_CERTIFIED);
    assert_int_equal(world_seal(&world, (struct seal_command){2}), REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NOT_CERTIFIED);
    assert_int_equal(world_vote(&world, (struct vote_command){.height = 2, .node = 1}),
                     REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NOT_CERTIFIED);
    assert_int_equal(world_vote(&world, (struct vote_command){.height = 2, .node = 7}),
                     REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NONE);
    close_world();
}

/* The same client id is refused as long as it is remembered, whatever became of the first. */
TEST(withdrawal, a_replay_is_refused)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_DUPLICATE_WITHDRAWAL);
    assert_int_equal(
        world_withdrawal_deny(
            &world, (struct withdrawal_deny_command){.nonce = ++world.nonce, .withdrawal = 1}),
        REJECT_NONE);
    assert_books(100, 0, 0, 100);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_DUPLICATE_WITHDRAWAL);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_WITHDRAWAL_STATE);
    close_world();
}

/* Forgotten it may only be when its signed request is too old to be taken. */
TEST(withdrawal, it_is_remembered_while_its_request_is_good)
{
    world_prepare(&world);
    world.genesis.params.orders_max = 2;
    custody = (struct custody_world){.world = &world};
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    (void)world_account(&world, 0, 100, 0);
    custody_open(&custody);
    assert_int_equal(custody_allow(&custody, 2), REJECT_NONE);
    world.header.deadline_ns = world.stamp_ns + 10;
    assert_int_equal(custody_withdraw(&custody, 2, 20, "1"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "2"), REJECT_NONE);
    world.header.deadline_ns = 0;
    assert_int_equal(custody_withdraw(&custody, 2, 20, "3"), REJECT_WITHDRAWALS_FULL);
    assert_int_equal(
        world_withdrawal_deny(
            &world, (struct withdrawal_deny_command){.nonce = ++world.nonce, .withdrawal = 1}),
        REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "3"), REJECT_WITHDRAWALS_FULL);
    world.stamp_ns += 11;
    assert_int_equal(custody_withdraw(&custody, 2, 20, "3"), REJECT_NONE);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_UNKNOWN_WITHDRAWAL);
    close_world();
}

TEST(withdrawal, limits_hold_from_both_sides)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 1, "1"), REJECT_WITHDRAWAL_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 2, "2"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 101, "3"), REJECT_WITHDRAWAL_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 99, "4"), REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(custody_withdraw(&custody, 2, 98, "5"), REJECT_NONE);
    struct credit_command credit = {
        .nonce = ++world.nonce, .account = 2, .asset = COIN, .amount = {100}};
    assert_int_equal(world_credit(&world, credit), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 51, "6"), REJECT_WITHDRAWAL_DAY_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "7"), REJECT_NONE);
    world.stamp_ns += UINT64_C(86400000000000);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "8"), REJECT_NONE);
    close_world();
}

/* An address counts when its delay is over; one taken off does not, and begins anew. */
TEST(withdrawal, addresses_count_when_their_delay_is_over)
{
    open_world();
    custody.route.address_delay_s = 5;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    struct address_allow_command allow = {
        .account = 2, .allowed = 1, .chain = "ETH", .address = "new"};
    struct withdraw_command wish = custody_wish(2, 5, "a");
    memcpy(wish.address, "new", 3);
    wish.address[3] = 0;
    assert_int_equal(world_withdraw(&world, wish), REJECT_ADDRESS);
    assert_int_equal(world_address_allow(&world, allow), REJECT_NONE);
    world.stamp_ns += UINT64_C(5000000000) - 1;
    assert_int_equal(world_withdraw(&world, wish), REJECT_ADDRESS);
    world.stamp_ns += 1;
    assert_int_equal(world_address_allow(&world, allow), REJECT_NONE); /* changes nothing */
    assert_int_equal(world_withdraw(&world, wish), REJECT_NONE);
    allow.allowed = 0;
    assert_int_equal(world_address_allow(&world, allow), REJECT_NONE);
    wish.client_id[0] = 'b';
    assert_int_equal(world_withdraw(&world, wish), REJECT_ADDRESS);
    wish.account = 1; /* another account's list is not its own */
    assert_int_equal(world_withdraw(&world, wish), REJECT_ADDRESS);
    close_world();
}

/* An approval is for what the operator saw, by as many operators as the route wants, each once. */
TEST(withdrawal, approvals_are_counted_by_operator)
{
    open_world();
    custody.route.approvals = 2;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(custody_approve(&custody, 1, 21), REJECT_WITHDRAWAL_DIFFERS);
    struct withdrawal_approve_command other = {
        .nonce = ++world.nonce, .withdrawal = 1, .amount = {20}, .address = "v"};
    assert_int_equal(world_withdrawal_approve(&world, other), REJECT_WITHDRAWAL_DIFFERS);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_NONE);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_NONE);
    assert_int_equal(custody_state(&custody), WITHDRAWAL_HELD);
    other = (struct withdrawal_approve_command){
        .nonce = 1, .operator_index = 1, .withdrawal = 1, .amount = {20}, .address = "w"};
    assert_int_equal(world_withdrawal_approve(&world, other), REJECT_NONE);
    assert_int_equal(custody_state(&custody), WITHDRAWAL_APPROVED);
    close_world();
}

/* Sixteen of an account's own, on the list or off it; others are not touched by that. */
TEST(withdrawal, an_account_uses_up_its_own_addresses_only)
{
    open_world();
    struct address_allow_command allow = {.account = 2, .allowed = 1, .chain = "ETH"};
    for (uint8_t i = 1; i < CUSTODY_ADDRESSES_MAX; i++) {
        allow.address[0] = (uint8_t)('A' + i);
        assert_int_equal(world_address_allow(&world, allow), REJECT_NONE);
    }
    allow.address[0] = 'z';
    assert_int_equal(world_address_allow(&world, allow), REJECT_ADDRESSES_FULL);
    allow.account = 1;
    assert_int_equal(world_address_allow(&world, allow), REJECT_NONE);
    close_world();
}

/* Account `account` lists an address that no other row has. */
static unsigned list_one(uint32_t account, uint8_t number)
{
    return world_address_allow(
        &world, (struct address_allow_command){
                    .account = account, .allowed = 1, .chain = "ETH", .address = {'z', number}});
}

/* Of 64 addresses 32 are for deposits: of the others the first 16 are for who comes first, then each account has one. From
 * rules 8 on, and what is there before counts. */
TEST(withdrawal, lists_leave_addresses_to_others_and_to_deposits)
{
    open_world();
    for (uint8_t i = 1; i < 16; i++)
        assert_int_equal(list_one(2, i), REJECT_NONE);
    for (uint32_t rules = 3; rules <= PARAMS_RULES_SHARES; rules++) {
        const struct rules_set_command set = {.nonce = ++world.nonce, .rules = rules};
        assert_int_equal(list_one(1, (uint8_t)rules), REJECT_NONE);
        assert_int_equal(world_rules_set(&world, set), 0);
    }
    assert_int_equal(list_one(1, 99), REJECT_ADDRESSES_FULL);
    assert_int_equal(list_one(1, 3), REJECT_NONE); /* it is there */
    uint32_t account = 2;
    while (world.engine->custody.listed_count < 32) {
        account = world_account(&world, 0, 0, 0);
        assert_int_equal(list_one(account, 1), REJECT_NONE);
        assert_int_equal(list_one(account, 2), REJECT_ADDRESSES_FULL);
    }
    account = world_account(&world, 0, 0, 0);
    assert_int_equal(list_one(account, 1), REJECT_ADDRESSES_FULL);
    assert_int_equal(world_deposit_address(&world, custody_address_of(&custody, account)), 0);
    close_world();
}

TEST(withdrawal, what_failed_is_refunded_once)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 10, "small"), REJECT_NONE);
    assert_books(90, 0, 10, 100);
    for (int told = 0; told < 2; told++) {
        assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_FAILED), REJECT_NONE);
        assert_books(100, 0, 0, 100);
    }
    struct withdrawal_report_command report = {
        .nonce = 1, .operator_index = 1, .withdrawal = 1, .state = WITHDRAWAL_FAILED};
    assert_int_equal(world_withdrawal_report(&world, report), REJECT_CONNECTOR);
    close_world();
}

TEST(withdrawal, a_frozen_accounts_is_not_approved)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(world_account_freeze(&world,
                                          (struct account_freeze_command){
                                              .nonce = ++world.nonce, .account = 2, .frozen = 1}),
                     REJECT_NONE);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_ACCOUNT_FROZEN);
    assert_int_equal(custody_withdraw(&custody, 2, 5, "second"), REJECT_ACCOUNT_FROZEN);
    close_world();
}

static unsigned cancel(uint32_t account, uint64_t number)
{
    return world_withdrawal_cancel(
        &world, (struct withdrawal_cancel_command){.withdrawal = number, .account = account});
}

/* As long as it waits it is the account's to take back; said again it changes nothing. */
TEST(withdrawal, what_waits_may_be_taken_back_by_its_account)
{
    open_world();
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(cancel(2, 1), REJECT_RULES);
    custody_open_releases(&custody);
    assert_int_equal(cancel(1, 1), REJECT_UNKNOWN_WITHDRAWAL);
    assert_int_equal(cancel(2, 2), REJECT_UNKNOWN_WITHDRAWAL);
    for (int told = 0; told < 2; told++) {
        assert_int_equal(cancel(2, 1), REJECT_NONE);
        assert_int_equal(custody_state(&custody), WITHDRAWAL_CANCELED);
        assert_books(100, 0, 0, 100);
    }
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_WITHDRAWAL_STATE);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_CANCELED), REJECT_WITHDRAWAL_STATE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_DUPLICATE_WITHDRAWAL);
    close_world();
}

/* What is approved may be on its way: it is not taken back any more, nor what was denied. */
TEST(withdrawal, what_is_approved_or_denied_is_not_taken_back)
{
    open_world();
    custody_open_releases(&custody);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "small"), REJECT_NONE);
    assert_int_equal(cancel(2, 1), REJECT_WITHDRAWAL_STATE);
    assert_books(90, 0, 10, 100);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "large"), REJECT_NONE);
    assert_int_equal(
        world_withdrawal_deny(
            &world, (struct withdrawal_deny_command){.nonce = ++world.nonce, .withdrawal = 2}),
        REJECT_NONE);
    assert_int_equal(cancel(2, 2), REJECT_WITHDRAWAL_STATE);
    close_world();
}

/* It keeps its money here, so being frozen is no reason against it. */
TEST(withdrawal, a_frozen_account_may_take_back)
{
    open_world();
    custody_open_releases(&custody);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(world_account_freeze(&world,
                                          (struct account_freeze_command){
                                              .nonce = ++world.nonce, .account = 2, .frozen = 1}),
                     REJECT_NONE);
    assert_int_equal(cancel(2, 1), REJECT_NONE);
    assert_books(100, 0, 0, 100);
    close_world();
}

/* A connector's key reports of the routes that name it, by a nonce of its own, and says nothing else. */
TEST(withdrawal, a_connector_reports_and_nothing_else)
{
    open_world();
    const struct connector_add_command early = {.nonce = ++world.nonce, .public_key = {5}};
    assert_int_equal(world_connector_add(&world, early), REJECT_RULES);
    custody_open_releases(&custody);
    assert_int_equal(
        world_connector_add(&world, (struct connector_add_command){.nonce = ++world.nonce}),
        REJECT_CONNECTOR_SPEC);
    custody.route.connector = PARAMS_CONNECTOR_FIRST;
    assert_int_equal(custody_route(&custody), REJECT_ROUTE_SPEC);
    struct connector_add_command add = {.nonce = ++world.nonce, .public_key = {5}};
    assert_int_equal(world_connector_add(&world, add), REJECT_NONE);
    add.nonce = ++world.nonce;
    assert_int_equal(world_connector_add(&world, add), REJECT_ALREADY_EXISTS);
    assert_int_equal(custody_route(&custody), REJECT_NONE);

    assert_int_equal(custody_report(&custody, 1, 5, 3), REJECT_CONNECTOR); /* the operator */
    struct deposit_report_command report = custody_told(&custody, 1, 5, 3);
    report.operator_index = PARAMS_CONNECTOR_FIRST;
    report.nonce = 1;
    assert_int_equal(world_deposit_report(&world, report), REJECT_NONE);
    assert_int_equal(world_deposit_report(&world, report), REJECT_NONCE_USED);
    report.operator_index = PARAMS_CONNECTOR_FIRST + 1;
    assert_int_equal(world_deposit_report(&world, report), REJECT_UNKNOWN_OPERATOR);

    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(
        world_withdrawal_approve(
            &world, (struct withdrawal_approve_command){.nonce = 2,
                                                        .operator_index = PARAMS_CONNECTOR_FIRST,
                                                        .withdrawal = 1,
                                                        .amount = {20},
                                                        .address = "w"}),
        REJECT_UNKNOWN_OPERATOR);
    assert_int_equal(
        world_credit(&world, (struct credit_command){.nonce = 3,
                                                     .operator_index = PARAMS_CONNECTOR_FIRST,
                                                     .account = 1,
                                                     .amount = {1}}),
        REJECT_UNKNOWN_OPERATOR);
    close_world();
}

/* ---- Fees, and what was undone. */

static unsigned smallest(int64_t units)
{
    custody.route.withdrawal_min.units = units;
    return custody_route(&custody);
}

/* With a fee, fees are up to 10, which then is the smallest withdrawal. */
static void open_charges(int64_t fee)
{
    open_world();
    custody_open_charges(&custody);
    if (fee == 0) return;
    assert_int_equal(smallest(10), REJECT_NONE);
    assert_int_equal(custody_fee(&custody, fee), REJECT_NONE);
}

static int64_t fees(void)
{
    return world.engine->accounts.fees[COIN].units;
}

/* The amount asked for includes the fee: it leaves the account whole, less the fee the exchange, and the fee is earned
 * when the rest has gone, not before. */
TEST(withdrawal, its_fee_stays_when_the_rest_has_gone)
{
    open_charges(3);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).amount.units, 20);
    assert_int_equal(custody_moved(&custody).fee.units, 3);
    assert_int_equal(custody_moved(&custody).paid.units, 17);
    assert_books(80, 20, 0, 100);
    assert_int_equal(custody_approve(&custody, 1, 17), REJECT_WITHDRAWAL_DIFFERS);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_NONE);
    custody_certify(&custody);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NONE);
    assert_books(80, 0, 20, 100);
    assert_int_equal(fees(), 0);
    for (int told = 0; told < 2; told++) {
        assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_FINAL), REJECT_NONE);
        assert_books(80, 0, 0, 83);
        assert_int_equal(fees(), 3);
    }
    close_world();
}

/* Whatever comes to nothing comes back whole, and nothing is earned. */
TEST(withdrawal, its_fee_comes_back_with_the_rest)
{
    open_charges(3);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "denied"), REJECT_NONE);
    assert_int_equal(
        world_withdrawal_deny(
            &world, (struct withdrawal_deny_command){.nonce = ++world.nonce, .withdrawal = 1}),
        REJECT_NONE);
    assert_books(100, 0, 0, 100);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "canceled"), REJECT_NONE);
    assert_int_equal(cancel(2, 2), REJECT_NONE);
    assert_books(100, 0, 0, 100);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "failed"), REJECT_NONE);
    assert_books(90, 0, 10, 100);
    assert_int_equal(custody_tell(&custody, 3, WITHDRAWAL_FAILED), REJECT_NONE);
    assert_books(100, 0, 0, 100);
    assert_int_equal(fees(), 0);
    close_world();
}

/* A fee that is set later is not that of a withdrawal that was asked for. */
TEST(withdrawal, its_fee_is_that_of_when_it_was_asked_for)
{
    open_charges(3);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "first"), REJECT_NONE);
    assert_int_equal(custody_fee(&custody, 9), REJECT_NONE);
    assert_int_equal(custody_approve(&custody, 1, 20), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 3);
    assert_int_equal(custody_moved(&custody).paid.units, 17);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "second"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 9);
    custody_certify(&custody);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_BROADCAST), REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 1, WITHDRAWAL_FINAL), REJECT_NONE);
    assert_int_equal(fees(), 3);
    close_world();
}

/* One unit must go to the address, or it is below what may be withdrawn. */
TEST(withdrawal, something_is_left_of_it)
{
    open_charges(10);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "nothing"), REJECT_WITHDRAWAL_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 11, "one"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).paid.units, 1);
    close_world();
}

/* A fee comes when a new address would count, to the nanosecond; until then the one before holds, also when it is set again. */
TEST(withdrawal, a_fee_comes_with_the_delay_of_addresses)
{
    open_charges(3);
    custody.route.address_delay_s = 60;
    assert_int_equal(custody_route(&custody), REJECT_NONE);
    assert_int_equal(custody_fee(&custody, 5), REJECT_NONE);
    const uint64_t from = world.stamp_ns + UINT64_C(60000000000);
    world.stamp_ns = from - 1;
    assert_int_equal(custody_withdraw(&custody, 2, 10, "before"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 3);
    world.stamp_ns = from;
    assert_int_equal(custody_withdraw(&custody, 2, 10, "after"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 5);
    assert_int_equal(custody_fee(&custody, 7), REJECT_NONE);
    assert_int_equal(custody_fee(&custody, 8), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "again"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 5);
    close_world();
}

TEST(withdrawal, a_fee_that_cannot_be_is_refused)
{
    open_world();
    custody_open_releases(&custody);
    assert_int_equal(custody_fee(&custody, 3), REJECT_RULES);
    assert_int_equal(
        world_rules_set(&world, (struct rules_set_command){.nonce = ++world.nonce, .rules = 4}),
        REJECT_NONE);
    assert_int_equal(custody_fee(&custody, -1), REJECT_INEXACT);
    assert_int_equal(
        world_route_fee_set(&world,
                            (struct route_fee_set_command){
                                .nonce = ++world.nonce, .fee = {1}, .asset = COIN, .chain = "BTC"}),
        REJECT_ROUTE);
    close_world();
}

/* Who asks for an amount signs no fee: it can cost the smallest withdrawal and no more, however soon it counts. */
TEST(withdrawal, a_fee_is_not_above_the_smallest_withdrawal)
{
    open_charges(0);
    assert_int_equal(smallest(10), REJECT_NONE);
    assert_int_equal(custody_fee(&custody, 49), REJECT_ROUTE_SPEC);
    assert_int_equal(custody_fee(&custody, 11), REJECT_ROUTE_SPEC);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "whole"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).paid.units, 50);
    assert_int_equal(custody_fee(&custody, 10), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "charged"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).paid.units, 40);
    close_world();
}

/* Nor does it get there by the smallest withdrawal going below it: below one that counts, or one that is to come. */
TEST(withdrawal, the_smallest_is_not_below_the_fee)
{
    open_charges(7);
    assert_int_equal(smallest(6), REJECT_ROUTE_SPEC);
    custody.route.address_delay_s = 60;
    assert_int_equal(smallest(9), REJECT_NONE);
    const uint64_t now = world.stamp_ns;
    assert_int_equal(custody_fee(&custody, 9), REJECT_NONE); /* to come */
    assert_int_equal(smallest(8), REJECT_ROUTE_SPEC);
    assert_int_equal(custody_fee(&custody, 3), REJECT_NONE); /* 7 until then */
    assert_int_equal(smallest(6), REJECT_ROUTE_SPEC);
    assert_int_equal(smallest(7), REJECT_NONE);
    world.stamp_ns = now + UINT64_C(60000000000);
    assert_int_equal(smallest(2), REJECT_ROUTE_SPEC);
    assert_int_equal(smallest(3), REJECT_NONE); /* the 7 that was before is nothing any more */
    assert_int_equal(custody_withdraw(&custody, 2, 10, "after"), REJECT_NONE);
    assert_int_equal(custody_moved(&custody).fee.units, 3);
    close_world();
}

/* The world's days begin where the stamp's do. */
static void to_day(uint64_t day, uint64_t ns)
{
    world.stamp_ns = day * 86400 * UINT64_C(1000000000) + ns;
}

static void deny(uint64_t number)
{
    assert_int_equal(
        world_withdrawal_deny(
            &world, (struct withdrawal_deny_command){.nonce = ++world.nonce, .withdrawal = number}),
        REJECT_NONE);
}

/* 150 a day: what was denied, taken back or failed on its day is there to be asked for again, exactly, and once. */
TEST(withdrawal, what_is_undone_does_not_count_for_its_day)
{
    open_charges(0);
    to_day(20000, 5);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "denied"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 40, "taken back"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 10, "fails"), REJECT_NONE);
    deny(1);
    deny(1);
    assert_int_equal(cancel(2, 2), REJECT_NONE);
    assert_int_equal(cancel(2, 2), REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 3, WITHDRAWAL_FAILED), REJECT_NONE);
    assert_int_equal(custody_tell(&custody, 3, WITHDRAWAL_FAILED), REJECT_NONE);
    assert_int_equal(custody_report(&custody, 1, 5, 3), REJECT_NONE);
    const struct credit_command more = {
        .nonce = ++world.nonce, .account = 2, .asset = COIN, .amount = {100}};
    assert_int_equal(world_credit(&world, more), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 100, "most"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 51, "over"), REJECT_WITHDRAWAL_DAY_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "all"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 2, "any"), REJECT_WITHDRAWAL_DAY_LIMIT);
    close_world();
}

/* A day ends at midnight of log time: undone in its last nanosecond it counts no more; undone after it, it gives the new
 * day nothing, and the new day has its own. */
TEST(withdrawal, a_day_ends_at_its_last_nanosecond)
{
    open_charges(0);
    const uint64_t end = 86400 * UINT64_C(1000000000) - 1;
    to_day(20000, end - 1);
    assert_int_equal(custody_withdraw(&custody, 2, 90, "first"), REJECT_NONE);
    to_day(20000, end);
    deny(1);
    assert_int_equal(custody_withdraw(&custody, 2, 90, "second"), REJECT_NONE);
    const struct credit_command more = {
        .nonce = ++world.nonce, .account = 2, .asset = COIN, .amount = {1000}};
    assert_int_equal(world_credit(&world, more), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 61, "over"), REJECT_WITHDRAWAL_DAY_LIMIT);
    to_day(20001, 0);
    assert_int_equal(custody_withdraw(&custody, 2, 100, "new day"), REJECT_NONE);
    deny(2); /* of yesterday */
    assert_int_equal(custody_withdraw(&custody, 2, 51, "too much"), REJECT_WITHDRAWAL_DAY_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 50, "just"), REJECT_NONE);
    deny(3); /* of today */
    assert_int_equal(custody_withdraw(&custody, 2, 100, "again"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 2, "any"), REJECT_WITHDRAWAL_DAY_LIMIT);
    close_world();
}

/* What was asked for below rules 4 counts for its day for good, as it did then. */
TEST(withdrawal, what_is_undone_of_earlier_rules_counts)
{
    open_world();
    to_day(20000, 5);
    assert_int_equal(custody_withdraw(&custody, 2, 60, "old"), REJECT_NONE);
    custody_open_charges(&custody);
    deny(1);
    assert_int_equal(custody_moved(&custody).fee.units, 0);
    assert_int_equal(custody_moved(&custody).paid.units, 60);
    assert_int_equal(custody_withdraw(&custody, 2, 91, "over"), REJECT_WITHDRAWAL_DAY_LIMIT);
    assert_int_equal(custody_withdraw(&custody, 2, 90, "rest"), REJECT_NONE);
    close_world();
}

/* Under rules 3 the event is what it was, and knows of no fee. */
TEST(withdrawal, under_earlier_rules_its_event_is_what_it_was)
{
    struct event event;
    open_world();
    custody_open_releases(&custody);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "old"), REJECT_NONE);
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_WITHDRAWAL_CHANGED);
    assert_int_equal(
        world_rules_set(&world, (struct rules_set_command){.nonce = ++world.nonce, .rules = 4}),
        REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "new"), REJECT_NONE);
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_WITHDRAWAL_MOVED);
    close_world();
}
