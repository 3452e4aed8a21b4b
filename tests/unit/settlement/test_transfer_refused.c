/* All that transfer.c refuses, one by one, with an engine that let it pass: the command is as its signer signed it, and
 * the event what the engine would have written if there were no such rule. Settlement stops, and names the rule; beside
 * each rule what is just allowed by it. */

#include "settlement/transfer.h"

#include "common/share.h"
#include "settlement/state.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world_custody.h"

static struct world *world;
static struct custody custody;

static struct settlement *settled(void)
{
    return world->settlement;
}

static struct route_changed_event *route(void)
{
    return &settled()->params.routes[0];
}

static void freeze(uint32_t account)
{
    balance_sheet_owner(settled()->accounts, account)->is_frozen = true;
}

static struct withdrawal_moved_event *known_withdrawal(uint64_t number)
{
    return &custody_book_withdrawal(settled()->custody, number)->facts;
}

/* ---- What is told, whatever it is. */

struct address {
    uint8_t bytes[CHAIN_ADDRESS_BYTES];
};

static struct address address_of(const char *text)
{
    struct address address = {0};
    memcpy(address.bytes, text, strlen(text));
    return address;
}

/* The chain's connector gives the account an address to deposit to. */
static void give(uint32_t account, const char *chain, const char *text)
{
    uint8_t payload[256];
    char line[256];
    struct deposit_address_command given = {.nonce = ++world->nonce, .account = account};
    struct address_changed_event changed = {
        .active_ns = world->stamp_ns, .account = account, .kind = ADDRESS_DEPOSIT};
    memcpy(given.chain, chain, strlen(chain));
    memcpy(changed.chain, chain, strlen(chain));
    memcpy(given.address, text, strlen(text));
    memcpy(changed.address, text, strlen(text));
    deposit_address_command_put(payload, &given);
    event_write_address_changed(&world->out, &changed);
    snprintf(line, sizeof(line), "action=deposit-address&account=%u&chain=%s&address=%s", account,
             chain, text);
    world_operate(world, T_DEPOSIT_ADDRESS, payload, line);
}

/* Account 3 puts an address on its list, from `active_ns` on, or takes it off (0). */
static void allow(const char *chain, const char *text, uint64_t active_ns)
{
    uint8_t payload[256];
    char line[256];
    struct address_allow_command asked = {.account = 3, .allowed = active_ns != 0};
    struct address_changed_event changed = {
        .active_ns = active_ns, .account = 3, .kind = ADDRESS_WITHDRAWAL};
    memcpy(asked.chain, chain, strlen(chain));
    memcpy(changed.chain, chain, strlen(chain));
    memcpy(asked.address, text, strlen(text));
    memcpy(changed.address, text, strlen(text));
    address_allow_command_put(payload, &asked);
    event_write_address_changed(&world->out, &changed);
    snprintf(line, sizeof(line), "action=address-%s&chain=%s&address=%s&timestamp=" CUSTODY_TIME,
             active_ns != 0 ? "allow" : "forbid", chain, text);
    custody_own(&custody, T_ADDRESS_ALLOW, payload, line);
}

/* An operator freezes one account, or frees it; the engine says `frozen`. */
static void order_freeze(uint32_t account, bool asked, struct account_frozen_event frozen)
{
    uint8_t payload[256];
    char line[128];
    const struct account_freeze_command order = {
        .nonce = ++world->nonce, .account = account, .frozen = asked};
    account_freeze_command_put(payload, &order);
    event_write_account_frozen(&world->out, &frozen);
    snprintf(line, sizeof(line), "action=account-freeze&account=%u&frozen=%s", account,
             asked ? "true" : "false");
    world_operate(world, T_ACCOUNT_FREEZE, payload, line);
}

/* An operator's word for a withdrawal of so many units to this address; the engine has it approved. */
static void approve(uint64_t number, int64_t units, const char *text)
{
    uint8_t payload[256];
    char line[256], amount[DECIMAL_TEXT_MAX];
    struct withdrawal_approve_command said = {
        .nonce = ++world->nonce, .withdrawal = number, .amount = {units}};
    const struct address address = address_of(text);
    memcpy(said.address, address.bytes, sizeof(said.address));
    withdrawal_approve_command_put(payload, &said);
    struct withdrawal_moved_event *now = &custody.withdrawals[number];
    const int64_t departs = now->state == WITHDRAWAL_HELD ? now->amount.units : 0;
    now->state = WITHDRAWAL_APPROVED;
    now->approvers = 1;
    now->block = world->height + 1;
    custody_changed(&custody, number, 0, -departs);
    amount[decimal_format(units, 8, amount)] = '\0';
    snprintf(line, sizeof(line),
             "action=withdrawal-approve&withdrawal=%u&asset=BTC&amount=%s&address=%s",
             (unsigned)number, amount, text);
    world_operate(world, T_WITHDRAWAL_APPROVE, payload, line);
}

static void deny(uint64_t number)
{
    uint8_t payload[256];
    char line[128];
    const struct withdrawal_deny_command said = {.nonce = ++world->nonce, .withdrawal = number};
    withdrawal_deny_command_put(payload, &said);
    struct withdrawal_moved_event *now = &custody.withdrawals[number];
    const int64_t back = now->state == WITHDRAWAL_HELD ? now->amount.units : 0;
    now->state = WITHDRAWAL_DENIED;
    custody_changed(&custody, number, back, -back);
    snprintf(line, sizeof(line), "action=withdrawal-deny&withdrawal=%u", (unsigned)number);
    world_operate(world, T_WITHDRAWAL_DENY, payload, line);
}

/* The event of a deposit that is new and credited, of 7,000 units. */
static void tell_deposit(void)
{
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
}

/* ---- What each row says, and what settlement must answer: NULL, nothing. */

struct row {
    const char *name;
    void (*say)(int64_t given);
    int64_t given;
    const char *what;
};

static void few_places(struct genesis *genesis)
{
    genesis->params.accounts_max = 4; /* 16 addresses */
    genesis->params.orders_max = 2;   /* 2 deposits and 2 withdrawals are remembered */
}

static void try_row(const struct row *row, void (*adjust)(struct genesis *))
{
    world = world_new_with(adjust);
    custody_open(&custody, world);
    assert_int_equal(world->status, STATUS_OK);
    row->say(row->given);
    if (world->status == STATUS_OK) (void)world_seal(world);
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    const char *what = found == NULL ? "agreed" : found->what;
    if (strcmp(what, row->what == NULL ? "agreed" : row->what) != 0)
        fail_msg("%s (%lld): %s", row->name, (long long)row->given, what);
    world_free(world);
}

#define TRY(rows, adjust) \
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) \
    try_row(&rows[i], adjust)

/* ---- Accounts that are frozen. */

static void freezes(int64_t frozen)
{
    order_freeze(3, true, (struct account_frozen_event){.account = 3, .frozen = 1});
    if (frozen == 0)
        order_freeze(3, false, (struct account_frozen_event){.account = 3, .frozen = 0});
}

static void freezes_another(int64_t account)
{
    order_freeze(3, true, (struct account_frozen_event){.account = (uint32_t)account, .frozen = 1});
}

static void freezes_for_frees(int64_t asked)
{
    order_freeze(3, asked != 0, (struct account_frozen_event){.account = 3, .frozen = asked == 0});
}

static void freezes_nobody(int64_t account)
{
    const struct account_frozen_event frozen = {.account = (uint32_t)account, .frozen = 1};
    order_freeze((uint32_t)account, true, frozen);
}

static void freezes_twice(int64_t account)
{
    const struct account_frozen_event frozen = {.account = (uint32_t)account, .frozen = 1};
    event_write_account_frozen(&world->out, &frozen);
    order_freeze((uint32_t)account, true, frozen);
}

/* By a credit whose bytes would read as an order to freeze: asset 1 stands where `frozen` would. */
static void freezes_unasked(int64_t account)
{
    const struct account_frozen_event frozen = {.account = (uint32_t)account, .frozen = 1};
    event_write_account_frozen(&world->out, &frozen);
    world_credit(world, (uint32_t)account, USDT, 5);
}

static void freezes_by_old_rules(int64_t rules)
{
    settled()->params.rules = (uint32_t)rules;
    freezes(1);
}

/* A deposit that is gone, of which the account still had all but `spent`. */
static void gone(int64_t spent, bool freezes_owner)
{
    tell_deposit();
    if (spent > 0)
        world_debit(world, 1, BTC, settlement_available(settled(), 1, BTC).units - 7000 + spent);
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    deposit.credited.units = spent;
    deposit.confirmations = 0;
    deposit.state = spent > 0 ? DEPOSIT_OWED : DEPOSIT_REORGED;
    custody_gone(&custody, deposit, 7000 - spent, freezes_owner);
}

static void gone_and_frozen(int64_t spent)
{
    gone(spent, true);
}

static void gone_and_not_frozen(int64_t spent)
{
    gone(spent, false);
}

/* Who is frozen by a reorg is who owes, and nobody else; who owes already was frozen then. */
static void gone_and_another_frozen(int64_t other)
{
    const struct account_frozen_event wrong = {.account = other == 0 ? 1 : (uint32_t)other,
                                               .frozen = other != 0};
    uint8_t payload[256];
    char line[256], txid[65];
    tell_deposit();
    world_debit(world, 1, BTC, settlement_available(settled(), 1, BTC).units - 5000);
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 3);
    deposit.credited.units = 2000;
    deposit.confirmations = 0;
    deposit.state = DEPOSIT_OWED;
    deposit.moved.units = -5000;
    struct deposit_reorg_command reorg = {.nonce = ++world->nonce, .chain = "ETH"};
    memcpy(reorg.txid, deposit.txid, sizeof(reorg.txid));
    deposit_reorg_command_put(payload, &reorg);
    event_write_deposit_changed(&world->out, &deposit);
    event_write_account_frozen(&world->out, &wrong);
    world_move(world, 1, BTC, -5000, 0);
    world_report(world);
    hash_hex(reorg.txid, 32, txid);
    snprintf(line, sizeof(line), "action=deposit-reorg&chain=ETH&txid=%s&output=0", txid);
    world_operate(world, T_DEPOSIT_REORG, payload, line);
}

TEST(transfer_refused, nobody_is_frozen_but_by_order_or_for_a_debt)
{
    static const struct row rows[] = {
        {"frozen by order", freezes, 1, NULL},
        {"and freed", freezes, 0, NULL},
        {"another account than was ordered", freezes_another, 2, "account frozen"},
        {"freed where frozen was ordered", freezes_for_frees, 1, "account frozen"},
        {"frozen where freed was ordered", freezes_for_frees, 0, "account frozen"},
        {"an account that is not there", freezes_nobody, 77, "account frozen"},
        {"account 0", freezes_nobody, 0, "account frozen"},
        {"twice by one order", freezes_twice, 3, "account frozen"},
        {"by a credit", freezes_unasked, 3, "account frozen"},
        {"by rules without custody", freezes_by_old_rules, 1, "account frozen"},
        {"who owes", gone_and_frozen, 2000, NULL},
        {"who owes nothing", gone_and_frozen, 0, "account frozen"},
        {"nobody, though one owes", gone_and_not_frozen, 1, "account not frozen"},
        {"another than who owes", gone_and_another_frozen, 2, "account frozen"},
        {"freed for a debt", gone_and_another_frozen, 0, "account frozen"},
    };
    TRY(rows, NULL);
}

/* ---- Addresses. */

static void gives(int64_t account)
{
    give((uint32_t)account, "ETH", "d2");
}

static void gives_known(int64_t account)
{
    give((uint32_t)account, "ETH", "d1");
}

static void gives_on_no_chain(int64_t account)
{
    give((uint32_t)account, "XRP", "d2");
}

static void gives_by_another(int64_t connector)
{
    route()->connector = (uint16_t)connector;
    give(2, "ETH", "d2");
}

static void gives_twice(int64_t account)
{
    const struct address_changed_event changed = {.active_ns = world->stamp_ns,
                                                  .account = (uint32_t)account,
                                                  .kind = ADDRESS_DEPOSIT,
                                                  .chain = "ETH",
                                                  .address = "d2"};
    event_write_address_changed(&world->out, &changed);
    give((uint32_t)account, "ETH", "d2");
}

static void gives_unasked(int64_t account)
{
    const struct address_changed_event changed = {.active_ns = world->stamp_ns,
                                                  .account = (uint32_t)account,
                                                  .kind = ADDRESS_DEPOSIT,
                                                  .chain = "ETH",
                                                  .address = "d2"};
    event_write_address_changed(&world->out, &changed);
    world_credit(world, 1, BTC, 5);
}

static void gives_by_old_rules(int64_t rules)
{
    settled()->params.rules = (uint32_t)rules;
    give(2, "ETH", "d2");
}

/* An address that counts so many seconds after it was put on the list, where an hour is asked for. */
static void allows_after(int64_t seconds)
{
    route()->address_delay_s = 3600;
    allow("ETH", "w4", world->stamp_ns + (uint64_t)seconds * 1000000000u);
}

/* Of two routes over a chain the one that asks for more counts, wherever it stands. */
static void allows_by_the_shorter(int64_t longer)
{
    struct params *params = &settled()->params;
    params->routes[1] = params->routes[0];
    params->routes[1].asset = USDT;
    params->route_count = 2;
    params->routes[longer].address_delay_s = 3600;
    allow("ETH", "w4", world->stamp_ns);
}

static void allows_for_a_frozen(int64_t frozen)
{
    if (frozen != 0) freeze(3);
    allow("ETH", "w4", world->stamp_ns);
}

static void allows_on_no_chain(int64_t given)
{
    (void)given;
    allow("XRP", "w4", world->stamp_ns);
}

/* What is on the list stays good from when it was. */
static void allows_again(int64_t later_ns)
{
    const uint64_t before = world->stamp_ns;
    world->stamp_ns += 5000000000;
    allow("ETH", "w3", before + (uint64_t)later_ns);
}

static void forbids(int64_t known)
{
    allow("ETH", known != 0 ? "w3" : "w4", 0);
}

/* custody_open has two; 14 more have a place. */
static void allows_many(int64_t count)
{
    char text[8];
    for (int64_t i = 0; i < count && world->status == STATUS_OK; i++) {
        snprintf(text, sizeof(text), "m%d", (int)i);
        allow("ETH", text, world->stamp_ns);
    }
}

/* The same under rules 8. */
static void allows_its_share(int64_t count)
{
    world_rules(world, PARAMS_RULES_SHARES);
    allows_many(count);
}

/* One more where so many others are listed, of account 1; one is its own. */
static void allows_beside(int64_t count)
{
    struct address_changed_event other = {
        .active_ns = 1, .account = 1, .kind = ADDRESS_WITHDRAWAL, .chain = "ETH"};
    world_rules(world, PARAMS_RULES_SHARES);
    for (other.address[0] = 1; other.address[0] <= count; other.address[0]++)
        assert_true(custody_book_add_address(world->settlement->custody, &other));
    allow("ETH", "m", world->stamp_ns);
}

TEST(transfer_refused, an_address_is_given_or_listed_by_whom_it_concerns)
{
    static const struct row rows[] = {
        {"a new one to account 2", gives, 2, NULL},
        {"to an account that is not there", gives, 77, "address"},
        {"its own once more", gives_known, 1, NULL},
        {"another's", gives_known, 2, "owner of an address"},
        {"on a chain without a route", gives_on_no_chain, 2, "address"},
        {"by who is not the connector", gives_by_another, 1, "address"},
        {"twice by one command", gives_twice, 2, "address"},
        {"by a credit", gives_unasked, 2, "address"},
        {"by rules without custody", gives_by_old_rules, 1, "address"},
        {"good after an hour", allows_after, 3600, NULL},
        {"good at once", allows_after, 0, "address"},
        {"good a second early", allows_after, 3599, "address"},
        {"good a second late", allows_after, 3601, "address"},
        {"by the shorter delay, the first route's", allows_by_the_shorter, 1, "address"},
        {"by the shorter delay, the second route's", allows_by_the_shorter, 0, "address"},
        {"of an account", allows_for_a_frozen, 0, NULL},
        {"of a frozen account", allows_for_a_frozen, 1, "address"},
        {"listed on a chain without a route", allows_on_no_chain, 0, "address"},
        {"listed again, good as it was", allows_again, 0, NULL},
        {"listed again, good from now", allows_again, 5000000000, "address"},
        {"taken off", forbids, 1, NULL},
        {"taken off, though it never was on", forbids, 0, "address"},
    };
    static const struct row many[] = {
        {"as many as there is room for", allows_many, 14, NULL},
        {"one more", allows_many, 15, "addresses in use"},
        {"as many as come first of eight", allows_its_share, 3, NULL},
        {"one more than that", allows_its_share, 4, "addresses in use"},
        {"the last that comes first", allows_beside, 2, NULL},
        {"where it has its share", allows_beside, 3, "addresses in use"},
    };
    TRY(rows, NULL);
    TRY(many, few_places);
}

/* ---- Deposits. */

static void deposits_over(int64_t asset)
{
    route()->asset = (uint16_t)asset;
    tell_deposit();
}

static void deposits_by(int64_t connector)
{
    route()->connector = (uint16_t)connector;
    tell_deposit();
}

/* The address it came to is nobody's: the one that was given has another name by now. */
static void deposits_to(int64_t letter)
{
    struct address_changed_event *given =
        custody_book_address(settled()->custody, ADDRESS_DEPOSIT, 0,
                             (const uint8_t *)"ETH\0\0\0\0\0\0\0\0", address_of("d1").bytes);
    given->address[0] = (uint8_t)letter;
    tell_deposit();
}

/* So much in the chain's own unit; the engine has it as so many units of ours. */
static void deposits_wide(uint64_t wide, int64_t units)
{
    uint8_t payload[256];
    char line[512], txid[65];
    struct deposit_changed_event deposit = custody_deposit_of(1, units, 3);
    struct deposit_report_command report = {.nonce = ++world->nonce,
                                            .height = deposit.height,
                                            .confirmations = 3,
                                            .asset = BTC,
                                            .chain = "ETH",
                                            .address = "d1"};
    memcpy(report.txid, deposit.txid, sizeof(report.txid));
    le_put_u64(report.amount, wide);
    deposit_report_command_put(payload, &report);
    deposit.moved = deposit.credited;
    event_write_deposit_changed(&world->out, &deposit);
    world_move(world, 1, BTC, units, 0);
    world_report(world);
    hash_hex(report.txid, 32, txid);
    snprintf(line, sizeof(line),
             "action=deposit-report&chain=ETH&txid=%s&output=0&asset=BTC&amount=%llu&address=d1"
             "&height=%llu&confirmations=3",
             txid, (unsigned long long)wide, (unsigned long long)deposit.height);
    world_operate(world, T_DEPOSIT_REPORT, payload, line);
}

/* The chain counts with 18 decimals, the asset has 8. */
static void deposits_units(int64_t units)
{
    deposits_wide((uint64_t)units * 10000000000, units);
}

/* 7 * 10^13 of the chain's unit are so many units of ours by its decimals, and with one more no whole number. */
static void deposits_decimals(int64_t decimals)
{
    static const int64_t units[] = {[8] = 70000000000000, [18] = 7000, [21] = 7, [22] = 1};
    route()->decimals = (uint8_t)decimals;
    deposits_wide(70000000000000, units[decimals]);
}

/* 10^10 with no decimals are 10^18 units; with ten times as many there is no number for them. */
static void deposits_large(int64_t wide)
{
    route()->decimals = 0;
    deposits_wide((uint64_t)wide, wide == 10000000000 ? 1000000000000000000 : INT64_MAX / 2);
}

/* The second report says otherwise than what is known of the first. */
static void deposits_otherwise(int64_t what)
{
    custody_told(&custody, custody_deposit_of(1, 7000, 2), 2, 0);
    struct deposit_changed_event *known = custody_book_deposit_at(settled()->custody, 1);
    if (what == 1) known->account = 2;
    if (what == 2) known->asset = USDT;
    if (what == 3) known->amount.units++;
    tell_deposit();
}

static void deposits_twice(int64_t count)
{
    struct deposit_changed_event deposit = custody_deposit_of(1, 7000, 2);
    for (int64_t i = 1; i < count; i++)
        event_write_deposit_changed(&world->out, &deposit);
    custody_told(&custody, deposit, 2, 0);
}

static void deposits_unasked(int64_t confirmations)
{
    const struct deposit_changed_event deposit =
        custody_deposit_of(1, 7000, (uint32_t)confirmations);
    event_write_deposit_changed(&world->out, &deposit);
    world_credit(world, 1, BTC, 5);
}

static void deposits_by_old_rules(int64_t rules)
{
    settled()->params.rules = (uint32_t)rules;
    tell_deposit();
}

static void takes_back_unknown(int64_t number)
{
    tell_deposit();
    struct deposit_changed_event deposit = custody_deposit_of((uint64_t)number, 7000, 3);
    deposit.credited.units = 0;
    deposit.confirmations = 0;
    deposit.state = DEPOSIT_REORGED;
    custody_gone(&custody, deposit, 7000, false);
}

TEST(transfer_refused, a_deposit_is_what_its_connector_saw_arrive)
{
    static const struct row rows[] = {
        {"over its route", deposits_over, BTC, NULL},
        {"of an asset without a route", deposits_over, USDT, "route of a deposit"},
        {"by its connector", deposits_by, 0, NULL},
        {"by another operator", deposits_by, 1, "connector"},
        {"to a given address", deposits_to, 'd', NULL},
        {"to nobody's address", deposits_to, 'e', "address of a deposit"},
        {"of one unit", deposits_units, 1, NULL},
        {"of nothing", deposits_units, 0, "amount of a deposit"},
        {"of as many decimals as the asset", deposits_decimals, 8, NULL},
        {"of more decimals, a whole number of units", deposits_decimals, 21, NULL},
        {"of more decimals, a part of a unit", deposits_decimals, 22, "amount of a deposit"},
        {"of fewer decimals", deposits_large, 10000000000, NULL},
        {"of fewer decimals, more than there is a number for", deposits_large, 100000000000,
         "amount of a deposit"},
        {"told again", deposits_otherwise, 0, NULL},
        {"told again, of another account", deposits_otherwise, 1, "deposit told before"},
        {"told again, of another asset", deposits_otherwise, 2, "deposit told before"},
        {"told again, of another amount", deposits_otherwise, 3, "deposit told before"},
        {"once by one report", deposits_twice, 1, NULL},
        {"twice by one report", deposits_twice, 2, "deposit that nobody told"},
        {"by a credit", deposits_unasked, 2, "deposit that nobody told"},
        {"by rules without custody", deposits_by_old_rules, 1, "deposit that nobody told"},
        {"taken back", takes_back_unknown, 1, NULL},
        {"taken back, of nobody", takes_back_unknown, 2, "deposit of nobody"},
    };
    TRY(rows, NULL);
}

/* Of two that are remembered the first, told with so many confirmations, is put out by a third. */
static void deposits_three(int64_t confirmations)
{
    custody_told(&custody, custody_deposit_of(1, 7000, (uint32_t)confirmations),
                 (uint32_t)confirmations, confirmations == 3 ? 7000 : 0);
    for (uint64_t number = 2; number <= 3; number++)
        custody_told(&custody, custody_deposit_of(number, 7000, 3), 3, 7000);
}

/* And the one that is put out was in force again, in one of its other states. */
static void deposits_three_beside(int64_t state)
{
    for (uint64_t number = 1; number <= 3; number++) {
        if (number == 3) custody_book_deposit_at(settled()->custody, 1)->state = (uint8_t)state;
        custody_told(&custody, custody_deposit_of(number, 7000, 3), 3, 7000);
    }
}

/* The third put out one of height 901: so many above that, a fourth is new. */
static void deposits_above(int64_t above)
{
    deposits_three(3);
    struct deposit_changed_event deposit = custody_deposit_of(4, 7000, 3);
    deposit.height = 901 + (uint64_t)above;
    custody_told(&custody, deposit, 3, 7000);
}

/* What is put out comes back under another number: the chain's floor is above it. */
static void deposits_forgotten(int64_t number)
{
    deposits_three(3);
    struct deposit_changed_event deposit = custody_deposit_of((uint64_t)number, 7000, 3);
    deposit.deposit = 4;
    custody_told(&custody, deposit, 3, 7000);
}

TEST(transfer_refused, what_is_forgotten_of_deposits_is_over_and_stays_so)
{
    static const struct row rows[] = {
        {"a credited one is put out", deposits_three, 3, NULL},
        {"one that waits is put out", deposits_three, 2, "deposits in use"},
        {"one that was taken back is put out", deposits_three_beside, DEPOSIT_REORGED, NULL},
        {"one that is owed is put out", deposits_three_beside, DEPOSIT_OWED, "deposits in use"},
        {"a new one above the floor", deposits_above, 1, NULL},
        {"a new one at the floor", deposits_above, 0, "deposit below the floor"},
        {"a new one below the floor", deposits_above, -1, "deposit below the floor"},
        {"the one that was put out, as new", deposits_forgotten, 1, "deposit below the floor"},
    };
    TRY(rows, few_places);
}

/* ---- Withdrawals: what is asked for. */

static void asks(int64_t units)
{
    custody_withdraw(&custody, units);
}

static void asks_frozen(int64_t units)
{
    freeze(3);
    custody_withdraw(&custody, units);
}

static void asks_over(int64_t status)
{
    route()->status = (uint8_t)status;
    custody_withdraw(&custody, 4000);
}

static void asks_for(int64_t asset)
{
    route()->asset = (uint16_t)asset;
    custody_withdraw(&custody, 4000);
}

/* To an address that counts so many nanoseconds from now on. */
static void asks_to(int64_t from_now)
{
    allow("ETH", "w3", world->stamp_ns);
    custody_book_address(settled()->custody, ADDRESS_WITHDRAWAL, 3,
                         (const uint8_t *)"ETH\0\0\0\0\0\0\0\0", address_of("w3").bytes)
        ->active_ns = world->stamp_ns + (uint64_t)from_now;
    custody_withdraw(&custody, 4000);
}

static void asks_to_removed(int64_t again)
{
    custody_allow(&custody, false);
    if (again != 0) custody_allow(&custody, true);
    custody_withdraw(&custody, 4000);
}

/* On the list of the account with this number. */
static void asks_to_the_list_of(int64_t account)
{
    uint8_t payload[256];
    if (account != 3) custody_key(&custody, (uint32_t)account);
    struct withdraw_command ask = {.amount = {4000},
                                   .account = (uint32_t)account,
                                   .asset = BTC,
                                   .client_id = "1",
                                   .chain = "ETH",
                                   .address = "w3"};
    struct withdrawal_moved_event now = {.withdrawal = 1,
                                         .block = world->height + 1,
                                         .amount = {4000},
                                         .account = (uint32_t)account,
                                         .asset = BTC,
                                         .state = WITHDRAWAL_APPROVED,
                                         .chain = "ETH",
                                         .address = "w3",
                                         .client_id = "1"};
    withdraw_command_put(payload, &ask);
    withdrawal_event_write(&world->out, settlement_rules(world->settlement), &now);
    world_move(world, (uint32_t)account, BTC, -4000, 0);
    world_report(world);
    custody_own(&custody, T_WITHDRAW, payload,
                "action=withdraw&chain=ETH&asset=BTC&amount=0.00004&address=w3&withdrawOrderId=1"
                "&timestamp=" CUSTODY_TIME);
}

static void asks_decimals(int64_t units)
{
    route()->decimals = 6; /* two fewer than the asset */
    custody_withdraw(&custody, units);
}

static void asks_twice(int64_t count)
{
    const struct withdrawal_moved_event now = {.withdrawal = 1,
                                               .block = world->height + 1,
                                               .amount = {4000},
                                               .account = 3,
                                               .asset = BTC,
                                               .state = WITHDRAWAL_APPROVED,
                                               .chain = "ETH",
                                               .address = "w3",
                                               .client_id = "1"};
    for (int64_t i = 1; i < count; i++)
        withdrawal_event_write(&world->out, settlement_rules(world->settlement), &now);
    custody_withdraw(&custody, 4000);
}

static void asks_nothing(int64_t units)
{
    const struct withdrawal_moved_event now = {.withdrawal = 1,
                                               .block = world->height + 1,
                                               .amount = {units},
                                               .account = 3,
                                               .asset = BTC,
                                               .state = WITHDRAWAL_APPROVED,
                                               .chain = "ETH",
                                               .address = "w3",
                                               .client_id = "1"};
    withdrawal_event_write(&world->out, settlement_rules(world->settlement), &now);
    world_credit(world, 1, BTC, 5);
}

static void asks_by_old_rules(int64_t rules)
{
    settled()->params.rules = (uint32_t)rules;
    custody_withdraw(&custody, 4000);
}

TEST(transfer_refused, a_withdrawal_is_within_its_routes_and_its_accounts_limits)
{
    static const struct row rows[] = {
        {"the least of one", asks, 1000, NULL},
        {"less", asks, 999, "amount of a withdrawal"},
        {"the most of one", asks, 1000000, NULL},
        {"more", asks, 1000001, "amount of a withdrawal"},
        {"of a frozen account", asks_frozen, 4000, "withdrawal of a frozen account"},
        {"over an open route", asks_over, ROUTE_OPEN, NULL},
        {"over a closed one", asks_over, ROUTE_CLOSED, "route of a withdrawal"},
        {"over no route", asks_for, USDT, "route of a withdrawal"},
        {"to an address as it begins to count", asks_to, 0, NULL},
        {"a nanosecond before", asks_to, 1, "address of a withdrawal"},
        {"to one that was taken off and put on", asks_to_removed, 1, NULL},
        {"to one that was taken off", asks_to_removed, 0, "address of a withdrawal"},
        {"to one on its list", asks_to_the_list_of, 3, NULL},
        {"to one on another's list", asks_to_the_list_of, 1, "address of a withdrawal"},
        {"what the chain can count", asks_decimals, 1100, NULL},
        {"what it cannot", asks_decimals, 1101, "amount of a withdrawal"},
        {"once by one command", asks_twice, 1, NULL},
        {"twice by one command", asks_twice, 2, "withdrawal that nobody asked for"},
        {"by a credit", asks_nothing, 4000, "withdrawal that nobody asked for"},
        {"by rules without custody", asks_by_old_rules, 1, "withdrawal that nobody asked for"},
    };
    TRY(rows, NULL);
}

/* The first of two that are remembered is in this state when a third comes, before its deadline or after. */
static void asks_three(int64_t state)
{
    for (int i = 0; i < 2; i++)
        custody_withdraw(&custody, 4000);
    known_withdrawal(1)->state = (uint8_t)state;
    world->stamp_ns = UINT64_C(1700000005000000001);
    custody_withdraw(&custody, 4000);
}

static void asks_three_soon(int64_t before_ns)
{
    for (int i = 0; i < 2; i++)
        custody_withdraw(&custody, 4000);
    known_withdrawal(1)->state = WITHDRAWAL_FINAL;
    world->stamp_ns = UINT64_C(1700000005000000001) - (uint64_t)before_ns;
    custody_withdraw(&custody, 4000);
}

/* Only what settlement answers to the third counts: the sums of the states that are set here are not true. */
static void try_before_the_end(const struct row *row)
{
    world = world_new_with(few_places);
    custody_open(&custody, world);
    row->say(row->given);
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    const char *what = found == NULL ? "agreed" : found->what;
    if (strcmp(what, row->what == NULL ? "agreed" : row->what) != 0)
        fail_msg("%s: %s", row->name, what);
    world_free(world);
}

TEST(transfer_refused, what_is_forgotten_of_withdrawals_is_over_and_cannot_come_again)
{
    static const struct row rows[] = {
        {"a held one is put out", asks_three, WITHDRAWAL_HELD, "withdrawals in use"},
        {"an approved one", asks_three, WITHDRAWAL_APPROVED, "withdrawals in use"},
        {"one that is under way", asks_three, WITHDRAWAL_BROADCAST, "withdrawals in use"},
        {"one that came", asks_three, WITHDRAWAL_FINAL, NULL},
        {"one that failed", asks_three, WITHDRAWAL_FAILED, NULL},
        {"one that was denied", asks_three, WITHDRAWAL_DENIED, NULL},
        {"one that was taken back", asks_three, WITHDRAWAL_CANCELED, NULL},
        {"one whose request is over", asks_three_soon, 0, NULL},
        {"one that could be sent again", asks_three_soon, 1, "withdrawals in use"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        try_before_the_end(&rows[i]);
}

/* ---- Withdrawals: what becomes of them. */

static void approves(int64_t units)
{
    custody_withdraw(&custody, 9000);
    approve(1, units, "w3");
}

static void approves_to(int64_t letter)
{
    char text[] = "w3";
    text[0] = (char)letter;
    custody_withdraw(&custody, 9000);
    approve(1, 9000, text);
}

static void approves_frozen(int64_t account)
{
    custody_withdraw(&custody, 9000);
    freeze((uint32_t)account);
    approve(1, 9000, "w3");
}

/* One word where so many are asked for. */
static void approves_alone(int64_t needed)
{
    route()->approvals = (uint8_t)needed;
    custody_withdraw(&custody, 9000);
    approve(1, 9000, "w3");
}

static void approves_again(int64_t times)
{
    custody_withdraw(&custody, 9000);
    for (int64_t i = 0; i < times; i++)
        approve(1, 9000, "w3");
}

/* What needed no word, or was denied or taken back before one came. */
static void approves_late(int64_t state)
{
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, state == WITHDRAWAL_APPROVED ? 4000 : 9000);
    if (state == WITHDRAWAL_DENIED) deny(1);
    if (state == WITHDRAWAL_CANCELED) custody_cancel(&custody, 1);
    approve(1, custody.withdrawals[1].amount.units, "w3");
}

static void approves_nobodys(int64_t number)
{
    custody_withdraw(&custody, 9000);
    custody.withdrawals[number] = custody.withdrawals[1];
    custody.withdrawals[number].withdrawal = (uint64_t)number;
    custody.before[number] = WITHDRAWAL_HELD;
    approve((uint64_t)number, 9000, "w3");
}

static void denies(int64_t units)
{
    custody_withdraw(&custody, units);
    deny(1);
    deny(1);
}

static void cancels_denied(int64_t denied)
{
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_withdraw(&custody, 9000);
    if (denied != 0) deny(1);
    custody_cancel(&custody, 1);
}

static void tells_by(int64_t connector)
{
    custody_withdraw(&custody, 4000);
    route()->connector = (uint16_t)connector;
    custody_tell(&custody, 1, WITHDRAWAL_FAILED);
}

TEST(transfer_refused, a_withdrawal_is_approved_or_denied_while_it_waits)
{
    static const struct row rows[] = {
        {"approved", approves, 9000, NULL},
        {"with another amount", approves, 9001, "approval of another withdrawal"},
        {"to another address", approves_to, 'v', "approval of another withdrawal"},
        {"while another account is frozen", approves_frozen, 2, NULL},
        {"for a frozen account", approves_frozen, 3, "approval for a frozen account"},
        {"by one of two that are needed", approves_alone, 2, "withdrawal"},
        {"said twice by one operator", approves_again, 2, NULL},
        {"what needed no word", approves_late, WITHDRAWAL_APPROVED, "approval too late"},
        {"what was denied", approves_late, WITHDRAWAL_DENIED, "approval too late"},
        {"what was taken back", approves_late, WITHDRAWAL_CANCELED, "approval too late"},
        {"of nobody", approves_nobodys, 2, "withdrawal of nobody"},
        {"denied, and once more", denies, 9000, NULL},
        {"denied after it was approved", denies, 4000, "state of a withdrawal"},
        {"taken back", cancels_denied, 0, NULL},
        {"taken back after it was denied", cancels_denied, 1, "state of a withdrawal"},
        {"told of by its connector", tells_by, 0, NULL},
        {"told of by another operator", tells_by, 1, "connector"},
    };
    TRY(rows, NULL);
}

/* What a connector may say of a withdrawal, by where it is, with the transaction that is known and with another one. */
TEST(transfer_refused, a_report_follows_from_the_one_before)
{
    static const struct {
        uint8_t from, to;
        bool same, other; /* whether it may, with the known transaction and with another */
    } steps[] = {
        {WITHDRAWAL_HELD, WITHDRAWAL_BROADCAST, false, false},
        {WITHDRAWAL_HELD, WITHDRAWAL_FINAL, false, false},
        {WITHDRAWAL_HELD, WITHDRAWAL_FAILED, false, false},
        {WITHDRAWAL_APPROVED, WITHDRAWAL_BROADCAST, true, true},
        {WITHDRAWAL_APPROVED, WITHDRAWAL_FINAL, false, false},
        {WITHDRAWAL_APPROVED, WITHDRAWAL_FAILED, true, true},
        {WITHDRAWAL_BROADCAST, WITHDRAWAL_BROADCAST, true, false},
        {WITHDRAWAL_BROADCAST, WITHDRAWAL_FINAL, true, false},
        {WITHDRAWAL_BROADCAST, WITHDRAWAL_FAILED, true, true},
        {WITHDRAWAL_FINAL, WITHDRAWAL_BROADCAST, false, false},
        {WITHDRAWAL_FINAL, WITHDRAWAL_FINAL, true, false},
        {WITHDRAWAL_FINAL, WITHDRAWAL_FAILED, false, false},
        {WITHDRAWAL_FAILED, WITHDRAWAL_BROADCAST, false, false},
        {WITHDRAWAL_FAILED, WITHDRAWAL_FINAL, false, false},
        {WITHDRAWAL_FAILED, WITHDRAWAL_FAILED, true, false},
        {WITHDRAWAL_DENIED, WITHDRAWAL_BROADCAST, false, false},
        {WITHDRAWAL_DENIED, WITHDRAWAL_FINAL, false, false},
        {WITHDRAWAL_DENIED, WITHDRAWAL_FAILED, false, false},
        {WITHDRAWAL_CANCELED, WITHDRAWAL_BROADCAST, false, false},
        {WITHDRAWAL_CANCELED, WITHDRAWAL_FINAL, false, false},
        {WITHDRAWAL_CANCELED, WITHDRAWAL_FAILED, false, false},
    };
    for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(*steps); i++) {
        const bool is_other = i % 2 != 0;
        const uint8_t from = steps[i / 2].from, to = steps[i / 2].to;
        world = world_new();
        custody_open(&custody, world);
        custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
        custody_withdraw(&custody, from == WITHDRAWAL_HELD || from == WITHDRAWAL_DENIED ||
                                           from == WITHDRAWAL_CANCELED
                                       ? 9000
                                       : 4000);
        assert_int_equal(world_seal(world), STATUS_OK);
        if (from == WITHDRAWAL_BROADCAST || from == WITHDRAWAL_FINAL)
            custody_tell(&custody, 1, WITHDRAWAL_BROADCAST);
        if (from == WITHDRAWAL_FINAL || from == WITHDRAWAL_FAILED) custody_tell(&custody, 1, from);
        if (from == WITHDRAWAL_DENIED) deny(1);
        if (from == WITHDRAWAL_CANCELED) custody_cancel(&custody, 1);
        assert_int_equal(world->status, STATUS_OK);
        assert_int_equal(known_withdrawal(1)->state, from);

        known_withdrawal(1)->txid[0] = is_other ? 6 : 5; /* custody_tell's begins with 5 */
        custody_tell(&custody, 1, to);
        const struct settle_mismatch *found = settlement_mismatch(world->settlement);
        const char *what = found == NULL ? "agreed" : found->what;
        const bool may = is_other ? steps[i / 2].other : steps[i / 2].same;
        if (strcmp(what, may ? "agreed" : "state of a withdrawal") != 0)
            fail_msg("%u to %u, %s transaction: %s", from, to, is_other ? "another" : "the same",
                     what);
        world_free(world);
    }
}
