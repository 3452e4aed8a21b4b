/* Deposits and withdrawals in the small exchange of world.h: BTC over a chain ETH that counts it with 18
 * decimals. Operator 0 is the connector; account 3 has a key of its own that may withdraw.
 *
 * The events are what an engine owes, by plain books kept here; `lie`, when there is one, changes the event
 * before settlement sees it.
 */

#ifndef TESTS_UNIT_SETTLEMENT_WORLD_CUSTODY_H
#define TESTS_UNIT_SETTLEMENT_WORLD_CUSTODY_H

#include "common/withdrawal_event.h"
#include "tests/unit/settlement/world.h"

struct custody {
    struct world *world;
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES];
    uint8_t key_id;   /* first byte of the one that signs: the last that was added */
    const char *text; /* instead of the text that a command would be signed with; NULL: its own */
    struct withdrawal_moved_event withdrawals[8]; /* by number */
    uint8_t before[8];                            /* their states as they were told last */
    uint64_t withdrawal_count, deposit_count;
    int64_t fee; /* of withdrawals that are asked for from now on */
    void (*lie_fee)(struct route_fee_changed_event *changed);
    void (*lie_deposit)(struct deposit_changed_event *deposit);
    void (*lie_withdrawal)(struct withdrawal_moved_event *withdrawal);
};

#define CUSTODY_TIME "1700000000000"

static inline void custody_own(struct custody *custody, uint16_t type, const uint8_t *payload,
                               const char *text)
{
    uint8_t auth[COMMAND_AUTH_MAX];
    if (custody->text != NULL) text = custody->text;
    const size_t length = strlen(text);
    memset(auth, 0, 32);
    auth[0] = custody->key_id;
    hash_sign(custody->secret_key, text, length, auth + 32);
    memcpy(auth + 96, text, length);
    const struct command_header header = {.type = type,
                                          .origin = 1,
                                          .auth_kind = AUTH_ED25519,
                                          .auth_length = (uint16_t)(96 + length),
                                          .deadline_ns = UINT64_C(1700000005000000000)};
    world_apply(custody->world, &header, payload, auth);
}

/* The route of these tests, whose smallest withdrawal is so many units, and whose addresses and fees come so late. */
static inline void custody_route(struct world *world, int64_t smallest, uint32_t delay_s)
{
    uint8_t payload[256];
    char text[320], amount[DECIMAL_TEXT_MAX];
    const struct route_set_command route = {.nonce = ++world->nonce,
                                            .withdrawal_min = {smallest},
                                            .withdrawal_max = {1000000},
                                            .day_max = {1500000},
                                            .approval_above = {5000},
                                            .confirmations = 3,
                                            .address_delay_s = delay_s,
                                            .asset = BTC,
                                            .decimals = 18,
                                            .approvals = 1,
                                            .status = ROUTE_OPEN,
                                            .chain = "ETH"};
    struct route_changed_event changed;
    route_set_command_put(payload, &route);
    route_changed_event_get(payload + 10, &changed);
    event_write_route_changed(&world->out, &changed);
    amount[decimal_format(smallest, 8, amount)] = '\0';
    snprintf(text, sizeof(text),
             "action=route-set&chain=ETH&asset=BTC&decimals=18&confirmations=3&connector=0"
             "&withdrawMin=%s&withdrawMax=0.01&withdrawDayMax=0.015"
             "&approvalAbove=0.00005&approvals=1&addressDelay=%u&status=OPEN",
             amount, delay_s);
    world_operate(world, T_ROUTE_SET, payload, text);
}

static inline void custody_parameters(struct world *world)
{
    uint8_t payload[256];
    const struct rules_set_command rules = {.nonce = ++world->nonce, .rules = 2};
    const struct rules_changed_event ruled = {2};
    rules_set_command_put(payload, &rules);
    if (world->genesis.params.rules == 1) {
        event_write_rules_changed(&world->out, &ruled);
        world_operate(world, T_RULES_SET, payload, "action=rules-set&rules=2");
    }
    custody_route(world, 1000, 0);
}

/* Account 3 puts its address on its list, or takes it off. */
static inline void custody_allow(struct custody *custody, bool allowed)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    const struct address_allow_command allow = {
        .account = 3, .allowed = allowed, .chain = "ETH", .address = "w3"};
    address_allow_command_put(payload, &allow);
    const struct address_changed_event changed = {.active_ns = allowed ? world->stamp_ns : 0,
                                                  .account = 3,
                                                  .kind = ADDRESS_WITHDRAWAL,
                                                  .chain = "ETH",
                                                  .address = "w3"};
    event_write_address_changed(&world->out, &changed);
    custody_own(custody, T_ADDRESS_ALLOW, payload,
                allowed ? "action=address-allow&chain=ETH&address=w3&timestamp=" CUSTODY_TIME
                        : "action=address-forbid&chain=ETH&address=w3&timestamp=" CUSTODY_TIME);
}

static inline void custody_addresses(struct custody *custody)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    const struct deposit_address_command given = {
        .nonce = ++world->nonce, .account = 1, .chain = "ETH", .address = "d1"};
    struct address_changed_event changed = {.active_ns = world->stamp_ns,
                                            .account = 1,
                                            .kind = ADDRESS_DEPOSIT,
                                            .chain = "ETH",
                                            .address = "d1"};
    deposit_address_command_put(payload, &given);
    event_write_address_changed(&world->out, &changed);
    world_operate(world, T_DEPOSIT_ADDRESS, payload,
                  "action=deposit-address&account=1&chain=ETH&address=d1");

    custody_allow(custody, true);
}

/* A key of the account that may withdraw; from here on it signs. */
static inline void custody_key(struct custody *custody, uint32_t account)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    char text[512], hex[65], id[65];
    custody->key_id = (uint8_t)(0xeb + account);
    struct key_add_command add = {
        .nonce = ++world->nonce, .account = account, .permissions = KEY_READ | KEY_WITHDRAW};
    struct key_added_event added = {.account = account, .permissions = KEY_READ | KEY_WITHDRAW};
    add.key_id[0] = added.key_id[0] = custody->key_id;
    memcpy(add.public_key, custody->public_key, PUBLIC_KEY_BYTES);
    memcpy(added.public_key, custody->public_key, PUBLIC_KEY_BYTES);
    key_add_command_put(payload, &add);
    event_write_key_added(&world->out, &added);
    hash_hex(add.key_id, 32, id);
    hash_hex(custody->public_key, 32, hex);
    snprintf(text, sizeof(text),
             "action=key-add&account=%u&keyId=%s&publicKey=%s&permissions=READ,WITHDRAW", account,
             id, hex);
    world_operate(world, T_KEY_ADD, payload, text);
}

/* Rules, route, addresses, and the key of account 3. */
static inline void custody_open(struct custody *custody, struct world *world)
{
    const uint8_t seed[32] = "who may withdraw from account 3";
    *custody = (struct custody){.world = world};
    crypto_sign_seed_keypair(custody->public_key, custody->secret_key, seed);
    custody_parameters(world);
    custody_key(custody, 3);
    custody_addresses(custody);
}

/* Tells of a deposit of so many units to account 1, which then is `deposit`; `moved` of it came now. */
static inline void custody_told(struct custody *custody, struct deposit_changed_event deposit,
                                uint32_t confirmations, int64_t moved)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    char text[512], txid[65];
    struct deposit_report_command report = {.nonce = ++world->nonce,
                                            .height = deposit.height,
                                            .confirmations = confirmations,
                                            .asset = BTC,
                                            .chain = "ETH",
                                            .address = "d1"};
    memcpy(report.txid, deposit.txid, sizeof(report.txid));
    const __int128 wide = (__int128)deposit.amount.units * 10000000000;
    le_put_u64(report.amount, (uint64_t)wide);
    le_put_u64(report.amount + 8, (uint64_t)(wide >> 64));
    deposit_report_command_put(payload, &report);
    deposit.moved.units = moved;
    if (custody->lie_deposit != NULL) custody->lie_deposit(&deposit);
    event_write_deposit_changed(&world->out, &deposit);
    if (moved != 0) {
        world_move(world, 1, BTC, moved, 0);
        world_report(world);
    }
    hash_hex(report.txid, 32, txid);
    snprintf(text, sizeof(text),
             "action=deposit-report&chain=ETH&txid=%s&output=0&asset=BTC&amount=%lld0000000000"
             "&address=d1&height=%llu&confirmations=%u",
             txid, (long long)deposit.amount.units, (unsigned long long)deposit.height,
             confirmations);
    world_operate(world, T_DEPOSIT_REPORT, payload, text);
}

/* The deposit with this number, of so many units, as it is with so many of 3 confirmations. */
static inline struct deposit_changed_event custody_deposit_of(uint64_t number, int64_t units,
                                                              uint32_t confirmations)
{
    struct deposit_changed_event deposit = {.deposit = number,
                                            .height = 900 + number,
                                            .amount = {units},
                                            .account = 1,
                                            .confirmations = confirmations,
                                            .asset = BTC,
                                            .state = DEPOSIT_CONFIRMING,
                                            .chain = "ETH",
                                            .txid = {(uint8_t)number}};
    if (confirmations < 3) return deposit;
    deposit.credited = deposit.amount;
    deposit.state = DEPOSIT_CREDITED;
    return deposit;
}

/* The chain does not show it any more: what is left of `deposit` is as it is here, `taken` came back. */
static inline void custody_gone(struct custody *custody, struct deposit_changed_event deposit,
                                int64_t taken, bool freezes)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    char text[256], txid[65];
    struct deposit_reorg_command reorg = {.nonce = ++world->nonce, .chain = "ETH"};
    memcpy(reorg.txid, deposit.txid, sizeof(reorg.txid));
    deposit_reorg_command_put(payload, &reorg);
    deposit.moved.units = -taken;
    if (custody->lie_deposit != NULL) custody->lie_deposit(&deposit);
    event_write_deposit_changed(&world->out, &deposit);
    const struct account_frozen_event frozen = {.account = 1, .frozen = 1};
    if (freezes) event_write_account_frozen(&world->out, &frozen);
    if (taken != 0) {
        world_move(world, 1, BTC, -taken, 0);
        world_report(world);
    }
    hash_hex(reorg.txid, 32, txid);
    snprintf(text, sizeof(text), "action=deposit-reorg&chain=ETH&txid=%s&output=0", txid);
    world_operate(world, T_DEPOSIT_REORG, payload, text);
}

/* Writes what the withdrawal is now, and what that moved. */
static inline void custody_changed(struct custody *custody, uint64_t number, int64_t available,
                                   int64_t held)
{
    struct withdrawal_moved_event changed = custody->withdrawals[number];
    changed.before = custody->before[number];
    custody->before[number] = changed.state;
    if (custody->lie_withdrawal != NULL) custody->lie_withdrawal(&changed);
    withdrawal_event_write(&custody->world->out, settlement_rules(custody->world->settlement),
                           &changed);
    if (available == 0 && held == 0) return;
    world_move(custody->world, 3, BTC, available, held);
    world_report(custody->world);
}

/* Account 3 asks for so many units; up to 5,000 need no approval. */
static inline void custody_withdraw(struct custody *custody, int64_t units)
{
    const uint64_t number = ++custody->withdrawal_count;
    uint8_t payload[256];
    char text[256], amount[DECIMAL_TEXT_MAX];
    struct withdraw_command ask = {
        .amount = {units}, .account = 3, .asset = BTC, .chain = "ETH", .address = "w3"};
    ask.client_id[0] = (uint8_t)('0' + number);
    withdraw_command_put(payload, &ask);
    struct withdrawal_moved_event *now = &custody->withdrawals[number];
    *now = (struct withdrawal_moved_event){.withdrawal = number,
                                           .amount = {units},
                                           .fee = {custody->fee},
                                           .paid = {units - custody->fee},
                                           .account = 3,
                                           .asset = BTC,
                                           .state = WITHDRAWAL_HELD,
                                           .chain = "ETH",
                                           .address = "w3"};
    memcpy(now->client_id, ask.client_id, sizeof(now->client_id));
    const bool approved = units <= 5000;
    if (approved) now->state = WITHDRAWAL_APPROVED;
    if (approved) now->block = custody->world->height + 1;
    custody_changed(custody, number, -units, approved ? 0 : units);
    amount[decimal_format(units, 8, amount)] = '\0';
    snprintf(text, sizeof(text),
             "action=withdraw&chain=ETH&asset=BTC&amount=%s&address=w3&withdrawOrderId=%c"
             "&timestamp=" CUSTODY_TIME,
             amount, (char)ask.client_id[0]);
    custody_own(custody, T_WITHDRAW, payload, text);
}

static inline void custody_approve(struct custody *custody, uint64_t number)
{
    struct world *world = custody->world;
    struct withdrawal_moved_event *now = &custody->withdrawals[number];
    uint8_t payload[256];
    char text[256], amount[DECIMAL_TEXT_MAX];
    const struct withdrawal_approve_command approve = {
        .nonce = ++world->nonce, .withdrawal = number, .amount = now->amount, .address = "w3"};
    withdrawal_approve_command_put(payload, &approve);
    now->state = WITHDRAWAL_APPROVED;
    now->approvers = 1;
    now->block = world->height + 1;
    custody_changed(custody, number, 0, -now->amount.units);
    amount[decimal_format(now->amount.units, 8, amount)] = '\0';
    snprintf(text, sizeof(text),
             "action=withdrawal-approve&withdrawal=%u&asset=BTC&amount=%s&address=w3",
             (unsigned)number, amount);
    world_operate(world, T_WITHDRAWAL_APPROVE, payload, text);
}

/* Told again, it moves nothing. */
static inline void custody_tell(struct custody *custody, uint64_t number, uint8_t state)
{
    static const char *const words[] = {[WITHDRAWAL_BROADCAST] = "BROADCAST",
                                        [WITHDRAWAL_FINAL] = "FINAL",
                                        [WITHDRAWAL_FAILED] = "FAILED"};
    struct world *world = custody->world;
    struct withdrawal_moved_event *now = &custody->withdrawals[number];
    uint8_t payload[256];
    char text[256], txid[65];
    struct withdrawal_report_command report = {
        .nonce = ++world->nonce, .withdrawal = number, .state = state, .txid = {5}};
    withdrawal_report_command_put(payload, &report);
    const bool comes_back = state == WITHDRAWAL_FAILED && now->state != WITHDRAWAL_FAILED;
    now->state = state;
    memcpy(now->txid, report.txid, sizeof(now->txid));
    custody_changed(custody, number, comes_back ? now->amount.units : 0, 0);
    hash_hex(report.txid, 32, txid);
    snprintf(text, sizeof(text), "action=withdrawal-report&withdrawal=%u&status=%s&txid=%s",
             (unsigned)number, words[state], txid);
    world_operate(world, T_WITHDRAWAL_REPORT, payload, text);
}

/* The next rules, and a connector whose key nobody uses here. */
static inline void custody_releases(struct custody *custody, uint16_t number)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    char text[128], hex[65];
    const struct rules_set_command rules = {.nonce = ++world->nonce, .rules = PARAMS_RULES_RELEASE};
    const struct rules_changed_event ruled = {PARAMS_RULES_RELEASE};
    rules_set_command_put(payload, &rules);
    event_write_rules_changed(&world->out, &ruled);
    world_operate(world, T_RULES_SET, payload, "action=rules-set&rules=3");

    const struct connector_add_command add = {.nonce = ++world->nonce, .public_key = {8, 8}};
    const struct connector_added_event added = {.connector = number, .public_key = {8, 8}};
    connector_add_command_put(payload, &add);
    event_write_connector_added(&world->out, &added);
    hash_hex(add.public_key, 32, hex);
    snprintf(text, sizeof(text), "action=connector-add&publicKey=%s", hex);
    world_operate(world, T_CONNECTOR_ADD, payload, text);
}

/* The rules that have fees, and the fee of the route, which counts at once. */
static inline void custody_charges(struct custody *custody, int64_t fee)
{
    struct world *world = custody->world;
    uint8_t payload[256];
    char text[128], amount[DECIMAL_TEXT_MAX];
    if (settlement_rules(world->settlement) < PARAMS_RULES_CHARGES) {
        const struct rules_set_command rules = {.nonce = ++world->nonce,
                                                .rules = PARAMS_RULES_CHARGES};
        const struct rules_changed_event ruled = {PARAMS_RULES_CHARGES};
        rules_set_command_put(payload, &rules);
        event_write_rules_changed(&world->out, &ruled);
        world_operate(world, T_RULES_SET, payload, "action=rules-set&rules=4");
    }
    const struct route_fee_set_command set = {
        .nonce = ++world->nonce, .fee = {fee}, .asset = BTC, .chain = "ETH"};
    struct route_fee_changed_event changed = {.from_ns = world->stamp_ns,
                                              .fee_before = {custody->fee},
                                              .fee = {fee},
                                              .asset = BTC,
                                              .chain = "ETH"};
    route_fee_set_command_put(payload, &set);
    if (custody->lie_fee != NULL) custody->lie_fee(&changed);
    event_write_route_fee_changed(&world->out, &changed);
    amount[decimal_format(fee, 8, amount)] = '\0';
    snprintf(text, sizeof(text), "action=route-fee-set&chain=ETH&asset=BTC&withdrawFee=%s", amount);
    world_operate(world, T_ROUTE_FEE_SET, payload, text);
    custody->fee = fee;
}

/* The account takes it back, whatever it was until now. */
static inline void custody_cancel_by(struct custody *custody, uint64_t number, uint32_t account)
{
    struct withdrawal_moved_event *now = &custody->withdrawals[number];
    const struct withdrawal_cancel_command cancel = {.withdrawal = number, .account = account};
    const int64_t back = now->state == WITHDRAWAL_HELD ? now->amount.units : 0;
    uint8_t payload[256];
    char text[128];
    withdrawal_cancel_command_put(payload, &cancel);
    now->state = WITHDRAWAL_CANCELED;
    custody_changed(custody, number, back, -back);
    snprintf(text, sizeof(text), "action=withdraw-cancel&withdrawal=%u&timestamp=" CUSTODY_TIME,
             (unsigned)number);
    custody_own(custody, T_WITHDRAWAL_CANCEL, payload, text);
}

static inline void custody_cancel(struct custody *custody, uint64_t number)
{
    custody_cancel_by(custody, number, 3);
}

#endif /* TESTS_UNIT_SETTLEMENT_WORLD_CUSTODY_H */
