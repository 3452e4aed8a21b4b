#include "settlement/transfer.h"

#include "tests/harness.h"
#include "tests/unit/settlement/world_custody.h"

static struct world *world;
static struct custody custody;

static void open_custody(void)
{
    world = world_new();
    custody_open(&custody, world);
    assert_int_equal(world->status, STATUS_OK);
}

static void close_agreed(void)
{
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    if (found != NULL)
        fail_msg("%s: command %llu", found->what, (unsigned long long)found->command);
    assert_int_equal(world_seal(world), STATUS_OK);
    assert_true(settle_check(world->settlement));
    world_free(world);
}

/* Settlement stops, and says why. */
static void close_differing(const char *what)
{
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    assert_non_null(found);
    assert_string_equal(found->what, what);
    world_free(world);
}

static struct totals btc(void)
{
    return settlement_totals(world->settlement, BTC);
}

/* What came in is external, before and after; nothing else moves. */
TEST(transfer, a_deposit_is_booked_when_it_is_credited_and_back_when_it_is_gone)
{
    open_custody();
    const __int128 before = btc().external;
    custody_told(&custody, custody_deposit_of(1, 7000, 2), 2, 0);
    assert_true(btc().external == before);
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    custody_told(&custody, deposit, 3, 7000);
    assert_true(btc().external == before + 7000);
    custody_told(&custody, deposit, 3, 0); /* told again */
    assert_true(btc().external == before + 7000);
    deposit.credited.units = 0;
    deposit.confirmations = 0;
    deposit.state = DEPOSIT_REORGED;
    custody_gone(&custody, deposit, 7000, false);
    assert_true(btc().external == before);
    close_agreed();
}

/* held, in flight, gone: external falls with the last step only. */
TEST(transfer, a_withdrawal_is_booked_step_by_step)
{
    open_custody();
    const __int128 users = btc().users, external = btc().external;
    custody_withdraw(&custody, 9000);
    assert_true(btc().users == users && btc().in_flight == 0);
    assert_int_equal(settlement_held(world->settlement, 3, BTC).units, 9000);
    custody_approve(&custody, 1);
    assert_true(btc().users == users - 9000 && btc().in_flight == 9000);
    assert_int_equal(world_seal(world), STATUS_OK);
    custody_tell(&custody, 1, WITHDRAWAL_BROADCAST);
    assert_true(btc().external == external);
    custody_tell(&custody, 1, WITHDRAWAL_FINAL);
    assert_true(btc().in_flight == 0 && btc().external == external - 9000);
    close_agreed();
}

TEST(transfer, a_withdrawal_that_failed_comes_back)
{
    open_custody();
    const __int128 users = btc().users;
    custody_withdraw(&custody, 4000);
    assert_true(btc().users == users - 4000 && btc().in_flight == 4000);
    custody_tell(&custody, 1, WITHDRAWAL_FAILED);
    assert_true(btc().users == users && btc().in_flight == 0);
    close_agreed();
}

/* ---- An engine that lies. */

static void one_unit_more(struct deposit_changed_event *deposit)
{
    deposit->credited.units++;
}

static void another_account(struct deposit_changed_event *deposit)
{
    deposit->account = 2;
}

static void early(struct deposit_changed_event *deposit)
{
    deposit->state = DEPOSIT_CREDITED;
    deposit->credited = deposit->amount;
}

TEST(transfer, a_deposit_that_is_not_what_was_told_stops_the_node)
{
    void (*const lies[])(struct deposit_changed_event *) = {one_unit_more, another_account, early};
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        open_custody();
        custody.lie_deposit = lies[i];
        custody_told(&custody, custody_deposit_of(1, 7000, 2), 2, 0);
        close_differing("deposit");
    }
}

/* The same deposit with another number is the same deposit. */
TEST(transfer, a_deposit_credited_twice_stops_the_node)
{
    open_custody();
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    custody_told(&custody, deposit, 3, 7000);
    deposit.deposit = 2;
    custody_told(&custody, deposit, 3, 7000);
    close_differing("deposit");
}

/* Who spent what is gone is frozen in the same command. */
TEST(transfer, an_account_that_owes_and_is_not_frozen_stops_the_node)
{
    open_custody();
    const int64_t all = settlement_available(world->settlement, 1, BTC).units;
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    custody_told(&custody, deposit, 3, 7000);
    world_debit(world, 1, BTC, all + 2000);
    deposit.credited.units = 2000;
    deposit.confirmations = 0;
    deposit.state = DEPOSIT_OWED;
    custody_gone(&custody, deposit, 5000, false);
    (void)world_seal(world);
    close_differing("account not frozen");
}

static void another_address(struct withdrawal_changed_event *withdrawal)
{
    withdrawal->address[0] = 'x';
}

static void another_amount(struct withdrawal_changed_event *withdrawal)
{
    withdrawal->amount.units++;
}

static void approved_at_once(struct withdrawal_changed_event *withdrawal)
{
    withdrawal->state = WITHDRAWAL_APPROVED;
    withdrawal->block = 1;
}

TEST(transfer, a_withdrawal_that_is_not_what_was_signed_stops_the_node)
{
    void (*const lies[])(struct withdrawal_changed_event *) = {another_address, another_amount,
                                                               approved_at_once};
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        open_custody();
        custody.lie_withdrawal = lies[i];
        custody_withdraw(&custody, 9000);
        close_differing("withdrawal");
    }
}

/* The signed text says another address, amount or name than the command. */
TEST(transfer, a_withdrawal_other_than_its_text_stops_the_node)
{
    static const char *const texts[] = {
        "action=withdraw&chain=ETH&asset=BTC&amount=0.00009000&address=x3&withdrawOrderId=1"
        "&timestamp=" CUSTODY_TIME,
        "action=withdraw&chain=ETH&asset=BTC&amount=0.00008999&address=w3&withdrawOrderId=1"
        "&timestamp=" CUSTODY_TIME,
        "action=withdraw&chain=ETH&asset=BTC&amount=0.00009000&address=w3&withdrawOrderId=2"
        "&timestamp=" CUSTODY_TIME,
        "chain=ETH&asset=BTC&amount=0.00009000&address=w3&withdrawOrderId=1"
        "&timestamp=" CUSTODY_TIME,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        open_custody();
        custody.text = texts[i];
        custody_withdraw(&custody, 9000);
        close_differing("signed text");
    }
}

TEST(transfer, a_withdrawal_signed_by_another_key_stops_the_node)
{
    open_custody();
    custody.secret_key[0] ^= 1;
    custody_withdraw(&custody, 9000);
    close_differing("signature");
}

/* A trading key's word, vouched for by a gateway, moves no money out. */
TEST(transfer, a_withdrawal_by_hmac_stops_the_node)
{
    open_custody();
    uint8_t payload[256];
    const struct withdraw_command ask = {
        .amount = {2000}, .account = 3, .asset = BTC, .chain = "ETH", .address = "w3"};
    withdraw_command_put(payload, &ask);
    world_trade(world, T_WITHDRAW, 3, payload);
    close_differing("kind of authentication");
}

/* One command, twice in the log: an engine that takes it again is wrong. */
TEST(transfer, a_withdrawal_replayed_stops_the_node)
{
    open_custody();
    custody_withdraw(&custody, 4000);
    custody.withdrawal_count = 0; /* the same name */
    custody_withdraw(&custody, 4000);
    close_differing("withdrawal asked for twice");
}

/* Whatever the engine believes of votes: a block that is not sealed is not certified. */
TEST(transfer, a_withdrawal_broadcast_before_its_block_is_sealed_stops_the_node)
{
    open_custody();
    custody_withdraw(&custody, 4000);
    custody_tell(&custody, 1, WITHDRAWAL_BROADCAST);
    close_differing("state of a withdrawal");
}

TEST(transfer, the_limit_of_a_day_is_counted_here_too)
{
    open_custody();
    custody_withdraw(&custody, 1000000);
    custody_withdraw(&custody, 500001);
    close_differing("withdrawals of a day");
}
