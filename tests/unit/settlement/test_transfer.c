#include "settlement/transfer.h"

#include "settlement/state.h"
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

/* What waits is the account's to take back, once; the sums are what they were. */
TEST(transfer, a_withdrawal_that_is_taken_back_is_released)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    const __int128 users = btc().users;
    custody_withdraw(&custody, 9000);
    for (int told = 0; told < 2; told++) {
        custody_cancel(&custody, 1);
        assert_true(btc().users == users && btc().in_flight == 0);
        assert_int_equal(settlement_held(world->settlement, 3, BTC).units, 0);
    }
    close_agreed();
}

/* A route of USDT before BTC's, over the same chain, with a connector each. */
static void two_routes(uint16_t usdt_connector, uint16_t btc_connector)
{
    struct params *params = &world->settlement->params;
    params->routes[1] = params->routes[0];
    params->routes[0].asset = USDT;
    params->routes[0].connector = usdt_connector;
    params->routes[1].connector = btc_connector;
    params->route_count = 2;
}

/* Operator 0 tells that a deposit of BTC is gone. */
static void btc_gone(bool releases, uint16_t usdt_connector, uint16_t btc_connector)
{
    open_custody();
    if (releases) custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    custody_told(&custody, deposit, 3, 7000);
    two_routes(usdt_connector, btc_connector);
    deposit.credited.units = 0;
    deposit.confirmations = 0;
    deposit.state = DEPOSIT_REORGED;
    custody_gone(&custody, deposit, 7000, false);
}

/* A deposit is taken back by the connector of its own asset's route; up to rules 2 by that of the chain's first. */
TEST(transfer, only_its_assets_connector_takes_a_deposit_back)
{
    btc_gone(true, 1, 0);
    close_agreed();
    btc_gone(true, 0, 1);
    close_differing("connector");
    btc_gone(false, 0, 1);
    close_agreed();
    btc_gone(false, 1, 0);
    close_differing("connector");
}

/* ---- An engine that lies. */

/* What is approved may be with the connector: an engine that gives it back is stopped. */
TEST(transfer, an_approved_withdrawal_taken_back_stops_the_node)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, 4000);
    custody_cancel(&custody, 1);
    close_differing("state of a withdrawal");
}

static void of_another(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->withdrawal = 2;
}

/* One taken back under rules that do not have it, and another than the one that was named. */
TEST(transfer, a_withdrawal_taken_back_otherwise_stops_the_node)
{
    open_custody();
    custody_withdraw(&custody, 9000);
    custody_cancel(&custody, 1);
    close_differing("rules");

    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 9000);
    custody.lie_withdrawal = of_another;
    custody_cancel(&custody, 1);
    close_differing("withdrawal");
}

/* Another account's key does not take it back, whatever the engine says. */
TEST(transfer, a_withdrawal_taken_back_by_another_account_stops_the_node)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, 9000);
    custody_key(&custody, 1);
    custody_cancel_by(&custody, 1, 1);
    close_differing("withdrawal of another account");
}

/* Connectors are numbered as they come. */
TEST(transfer, a_connector_with_another_number_stops_the_node)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST + 1);
    close_differing("listing");
}

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

static void without_fee(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->paid = withdrawal->amount;
    withdrawal->fee.units = 0;
}

static void less_is_paid(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->paid.units--;
    withdrawal->fee.units++;
}

static void more_is_paid(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->paid.units++;
}

/* What goes to the chain is settlement's to say too: no engine leaves the fee out, raises it, or pays what it does not take. */
TEST(transfer, a_fee_that_is_not_the_routes_stops_the_node)
{
    void (*const lies[])(struct withdrawal_moved_event *) = {without_fee, less_is_paid,
                                                             more_is_paid};
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        open_custody();
        custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
        custody_charges(&custody, 70);
        custody.lie_withdrawal = lies[i];
        custody_withdraw(&custody, 4000);
        close_differing("withdrawal");
    }
}

/* The fee is fixed when it is asked for: one that the engine changes later is a lie. */
TEST(transfer, a_fee_that_changes_on_the_way_stops_the_node)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_charges(&custody, 70);
    custody_withdraw(&custody, 9000);
    custody_charges(&custody, 90);
    custody_approve(&custody, 1);
    close_agreed();

    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_charges(&custody, 70);
    custody_withdraw(&custody, 9000);
    custody_charges(&custody, 71);
    custody.lie_withdrawal = less_is_paid;
    custody_approve(&custody, 1);
    close_differing("withdrawal");
}

/* In flight whole; when it is final, the fee is in fees and the rest left. Failed, all of it comes back. */
TEST(transfer, a_fee_is_earned_when_it_is_final)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_charges(&custody, 70);
    const struct totals before = btc();
    custody_withdraw(&custody, 4000);
    custody_withdraw(&custody, 3000);
    assert_true(btc().in_flight == before.in_flight + 7000 && btc().fees == before.fees);
    assert_int_equal(world_seal(world), STATUS_OK);
    for (uint64_t number = 1; number <= 2; number++)
        custody_tell(&custody, number, WITHDRAWAL_BROADCAST);
    for (int told = 0; told < 2; told++) {
        custody_tell(&custody, 1, WITHDRAWAL_FINAL);
        custody_tell(&custody, 2, WITHDRAWAL_FAILED);
        assert_true(btc().in_flight == before.in_flight);
        assert_true(btc().fees == before.fees + 70);
        assert_true(btc().external == before.external - 3930);
        assert_true(btc().users == before.users - 4000);
    }
    close_agreed();
}

static void another_address(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->address[0] = 'x';
}

static void another_amount(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->amount.units++;
}

static void approved_at_once(struct withdrawal_moved_event *withdrawal)
{
    withdrawal->state = WITHDRAWAL_APPROVED;
    withdrawal->block = 1;
}

TEST(transfer, a_withdrawal_that_is_not_what_was_signed_stops_the_node)
{
    void (*const lies[])(struct withdrawal_moved_event *) = {another_address, another_amount,
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

/* ---- Rules 4. */

static void open_charges(int64_t fee)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_charges(&custody, fee);
}

static void deny(uint64_t number)
{
    struct withdrawal_moved_event *now = &custody.withdrawals[number];
    const int64_t back = now->state == WITHDRAWAL_HELD ? now->amount.units : 0;
    const struct withdrawal_deny_command said = {.nonce = ++world->nonce, .withdrawal = number};
    uint8_t payload[64];
    char text[64];
    withdrawal_deny_command_put(payload, &said);
    now->state = WITHDRAWAL_DENIED;
    custody_changed(&custody, number, back, -back);
    snprintf(text, sizeof(text), "action=withdrawal-deny&withdrawal=%u", (unsigned)number);
    world_operate(world, T_WITHDRAWAL_DENY, payload, text);
}

/* What was undone on its day is there for it again, to the unit and once; from midnight of log time on it gives nothing. */
TEST(transfer, what_was_undone_does_not_count_for_its_day)
{
    open_charges(0);
    custody_withdraw(&custody, 1000000);
    custody_withdraw(&custody, 500000);
    deny(1);
    deny(1);
    custody_withdraw(&custody, 1000000);
    close_agreed();

    open_charges(0);
    custody_withdraw(&custody, 1000000);
    custody_withdraw(&custody, 500000);
    deny(1);
    deny(1);
    custody_withdraw(&custody, 999999);
    custody_withdraw(&custody, 1000);
    close_differing("withdrawals of a day");
}

TEST(transfer, undone_after_its_day_it_gives_the_next_one_nothing)
{
    for (int over = 0; over < 2; over++) {
        open_charges(0);
        world->stamp_ns = (world->stamp_ns / WORLD_DAY_NS + 1) * WORLD_DAY_NS - 1;
        custody_withdraw(&custody, 1000000);
        world->stamp_ns++;
        custody_withdraw(&custody, 1000000);
        deny(1);
        custody_withdraw(&custody, 500000 + over);
        if (over == 0) close_agreed();
    }
    close_differing("withdrawals of a day");

    open_charges(0); /* and in its last nanosecond it does */
    world->stamp_ns = (world->stamp_ns / WORLD_DAY_NS + 1) * WORLD_DAY_NS - 2;
    custody_withdraw(&custody, 1000000);
    world->stamp_ns++;
    deny(1);
    custody_withdraw(&custody, 1000000);
    custody_withdraw(&custody, 500000);
    close_agreed();
}

/* Asked for under rules 3, it counts whatever becomes of it. */
TEST(transfer, what_was_undone_of_earlier_rules_counts)
{
    open_custody();
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, 1000000);
    custody_charges(&custody, 10);
    deny(1);
    custody_withdraw(&custody, 500001);
    close_differing("withdrawals of a day");
}

/* A unit must be left for the address. */
TEST(transfer, a_fee_that_leaves_nothing_stops_the_node)
{
    open_charges(999);
    custody_withdraw(&custody, 1000);
    close_agreed();
    open_charges(1000);
    custody_withdraw(&custody, 1000);
    close_differing("amount of a withdrawal");
}

static void at_once(struct route_fee_changed_event *changed)
{
    changed->from_ns--;
}

static void another_before(struct route_fee_changed_event *changed)
{
    changed->fee_before.units++;
}

static void another_fee(struct route_fee_changed_event *changed)
{
    changed->fee.units++;
}

static void another_asset(struct route_fee_changed_event *changed)
{
    changed->asset = USDT;
}

/* What a route costs, and from when on, is what its operator signed and nothing else. */
TEST(transfer, a_fee_that_nobody_set_stops_the_node)
{
    void (*const lies[])(struct route_fee_changed_event *) = {at_once, another_before, another_fee,
                                                              another_asset};
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        open_charges(70);
        custody.lie_fee = lies[i];
        custody_charges(&custody, 80);
        close_differing("listing");
    }
}

/* The smallest withdrawal of the route is 1000 here. */
TEST(transfer, a_fee_above_the_smallest_withdrawal_stops_the_node)
{
    open_charges(1000);
    close_agreed();
    open_charges(1001);
    close_differing("listing");
    open_charges(0);
    custody_charges(&custody, 3999); /* of 4000 one would be left */
    close_differing("listing");
}

/* No lie where the route's delay is a minute. */
static void in_a_minute(struct route_fee_changed_event *changed)
{
    changed->from_ns += UINT64_C(60000000000);
}

/* Nor does the fee get there by the smallest going below it. */
TEST(transfer, a_smallest_withdrawal_below_the_fee_stops_the_node)
{
    open_charges(70);
    custody_route(world, 70, 0);
    close_agreed();
    open_charges(70);
    custody_route(world, 69, 0);
    close_differing("listing");

    /* And for a minute more it is 70, though 60 are to come. */
    open_charges(70);
    custody_route(world, 1000, 60);
    custody.lie_fee = in_a_minute;
    custody_charges(&custody, 60);
    custody_route(world, 70, 60);
    close_agreed();
    open_charges(70);
    custody_route(world, 1000, 60);
    custody.lie_fee = in_a_minute;
    custody_charges(&custody, 60);
    custody_route(world, 69, 60);
    close_differing("listing");
}

/* Each of the rules has its own event: the earlier one would hide a fee. */
TEST(transfer, a_withdrawal_told_as_of_other_rules_stops_the_node)
{
    open_charges(0);
    const struct withdrawal_moved_event now = {.withdrawal = 1,
                                               .block = world->height + 1,
                                               .amount = {4000},
                                               .paid = {4000},
                                               .account = 3,
                                               .asset = BTC,
                                               .state = WITHDRAWAL_APPROVED,
                                               .chain = "ETH",
                                               .address = "w3",
                                               .client_id = "1"};
    uint8_t payload[256];
    const struct withdraw_command ask = {.amount = {4000},
                                         .account = 3,
                                         .asset = BTC,
                                         .client_id = "1",
                                         .chain = "ETH",
                                         .address = "w3"};
    withdraw_command_put(payload, &ask);
    withdrawal_event_write(&world->out, PARAMS_RULES_RELEASE, &now);
    world_move(world, 3, BTC, -4000, 0);
    world_report(world);
    custody_own(&custody, T_WITHDRAW, payload,
                "action=withdraw&chain=ETH&asset=BTC&amount=0.00004&address=w3&withdrawOrderId=1"
                "&timestamp=" CUSTODY_TIME);
    close_differing("withdrawal");
}

/* ---- Whatever comes in whatever order. ---- */

#define WALK_DEPOSITS    12
#define WALK_WITHDRAWALS 7

/* Plain books of what one walk moved, and how far each transfer has come. */
static struct {
    uint64_t seed;
    __int128 external, in_flight, users, fees;
    struct deposit_changed_event deposits[WALK_DEPOSITS + 1]; /* by number */
    uint64_t deposit_count;
} walk;

static uint32_t dice(uint32_t bound)
{
    walk.seed = walk.seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((walk.seed >> 32) * bound >> 32);
}

/* A new deposit, or one that there is with as many confirmations or more; credited ones stay as they are. */
static void walk_deposit(void)
{
    const bool is_new =
        walk.deposit_count == 0 || (walk.deposit_count < WALK_DEPOSITS && dice(3) == 0);
    const uint64_t number = is_new ? ++walk.deposit_count : 1 + dice((uint32_t)walk.deposit_count);
    struct deposit_changed_event *now = &walk.deposits[number];
    if (now->state == DEPOSIT_REORGED) return;
    const bool was_credited = now->state == DEPOSIT_CREDITED;
    const uint32_t confirmations = now->confirmations + dice(3);
    if (!was_credited)
        *now =
            custody_deposit_of(number, is_new ? 1 + dice(90000) : now->amount.units, confirmations);
    const int64_t moved = was_credited ? 0 : now->credited.units;
    custody_told(&custody, *now, confirmations, moved);
    walk.external += moved;
    walk.users += moved;
}

/* The chain does not show it any more; told again it moves nothing. The account has enough left. */
static void walk_reorg(void)
{
    if (walk.deposit_count == 0) return;
    struct deposit_changed_event *now = &walk.deposits[1 + dice((uint32_t)walk.deposit_count)];
    const int64_t taken = now->credited.units;
    now->credited.units = 0;
    now->confirmations = 0;
    now->state = DEPOSIT_REORGED;
    custody_gone(&custody, *now, taken, false);
    walk.external -= taken;
    walk.users -= taken;
}

static void walk_ask(void)
{
    if (custody.withdrawal_count == WALK_WITHDRAWALS) return;
    const int64_t units = 1000 + dice(9000);
    custody_withdraw(&custody, units);
    if (units > 5000) return;
    walk.users -= units;
    walk.in_flight += units;
}

/* One step of a withdrawal, or its last report once more. */
static void walk_withdrawal(void)
{
    if (custody.withdrawal_count == 0) return;
    const uint64_t number = 1 + dice((uint32_t)custody.withdrawal_count);
    const struct withdrawal_moved_event *now = &custody.withdrawals[number];
    const int64_t units = now->amount.units;
    if (now->state == WITHDRAWAL_HELD) {
        custody_approve(&custody, number);
        walk.users -= units;
        walk.in_flight += units;
    } else if (now->state == WITHDRAWAL_APPROVED) {
        if (world_seal(world) == STATUS_OK) custody_tell(&custody, number, WITHDRAWAL_BROADCAST);
    } else if (now->state == WITHDRAWAL_BROADCAST && dice(2) == 0) {
        custody_tell(&custody, number, dice(3) == 0 ? WITHDRAWAL_FAILED : WITHDRAWAL_FINAL);
        walk.in_flight -= units;
        if (now->state == WITHDRAWAL_FAILED) walk.users += units;
        if (now->state == WITHDRAWAL_FINAL) walk.external -= now->paid.units;
        if (now->state == WITHDRAWAL_FINAL) walk.fees += now->fee.units;
    } else {
        custody_tell(&custody, number, now->state);
    }
}

/* Deposits and withdrawals in any order, told once or often: after every command the totals are those of plain
 * books, in which a thing that was told moved money once. */
TEST(transfer, whatever_is_told_however_often_moves_money_once)
{
    static void (*const steps[])(void) = {walk_deposit,   walk_deposit,    walk_reorg,
                                          walk_ask,       walk_withdrawal, walk_withdrawal,
                                          walk_withdrawal};
    const char *given = getenv("QUOREX_SEED");
    const uint64_t seed = given == NULL ? 0x7e11 : strtoull(given, NULL, 0);
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (uint64_t round = 0; round < 40; round++) {
        open_custody();
        memset(&walk, 0, sizeof(walk));
        walk.seed = seed + round;
        walk.external = btc().external;
        walk.users = btc().users;
        walk.fees = btc().fees;
        if (round % 2 == 1) {
            custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
            custody_charges(&custody, 1 + dice(900));
        }
        for (int i = 0; i < 120; i++) {
            steps[dice(sizeof(steps) / sizeof(*steps))]();
            const struct totals totals = btc();
            if (totals.external != walk.external || totals.in_flight != walk.in_flight ||
                totals.users != walk.users || totals.fees != walk.fees ||
                world->status != STATUS_OK)
                fail_msg("round %llu, step %d: %s", (unsigned long long)round, i,
                         world->status != STATUS_OK ? settlement_mismatch(world->settlement)->what
                                                    : "totals");
        }
        close_agreed();
    }
}
