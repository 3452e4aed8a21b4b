#include "settlement/transfer.h"

#include "common/share.h"
#include "common/wide.h"
#include "common/withdrawal_event.h"
#include "settlement/booking.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

static enum status differs(struct settlement *s, const char *what, uint32_t account, uint16_t asset,
                           amount_t ours, amount_t theirs)
{
    return settle_differs(s, &(struct settle_mismatch){.what = what,
                                                       .account = account,
                                                       .asset = asset,
                                                       .ours = ours.units,
                                                       .theirs = theirs.units});
}

/* The first event of a command under rules that know it. */
static bool is_due(const struct settlement *s)
{
    return s->params.rules >= PARAMS_RULES_CUSTODY && s->command.main_count == 1;
}

static const struct route_changed_event *route_find(const struct settlement *s,
                                                    const uint8_t *chain, uint16_t asset)
{
    const int index = params_find_route(&s->params, chain, asset);
    return index < 0 ? NULL : &s->params.routes[index];
}

static bool is_frozen(const struct settlement *s, uint32_t account)
{
    return balance_sheet_owner(s->accounts, account)->is_frozen;
}

/* ---- Accounts and addresses. */

enum status transfer_frozen(struct settlement *s, const struct event *event)
{
    struct account_frozen_event frozen;
    struct account_freeze_command asked;
    account_frozen_event_get(event->payload, &frozen);
    account_freeze_command_get(s->command.payload, &asked);
    const bool by_operator = s->command.type == T_ACCOUNT_FREEZE && is_due(s) &&
                             frozen.account == asked.account &&
                             frozen.frozen == (asked.frozen != 0);
    const bool by_reorg =
        s->command.freeze_due != 0 && s->command.freeze_due == frozen.account && frozen.frozen == 1;
    if ((!by_operator && !by_reorg) || !balance_sheet_has(s->accounts, frozen.account))
        return settle_differs_count(s, "account frozen", s->command.freeze_due, frozen.account);
    balance_sheet_owner(s->accounts, frozen.account)->is_frozen = frozen.frozen != 0;
    s->command.freeze_due = 0;
    return STATUS_OK;
}

enum status transfer_close(struct settlement *s)
{
    if (s->command.freeze_due == 0) return STATUS_OK;
    return settle_differs_count(s, "account not frozen", s->command.freeze_due, 0);
}

static uint64_t delay_ns(const struct settlement *s, const uint8_t *chain)
{
    uint64_t longest = 0;
    for (uint16_t i = 0; i < s->params.route_count; i++)
        if (memcmp(s->params.routes[i].chain, chain, CHAIN_BYTES) == 0 &&
            s->params.routes[i].address_delay_s > longest)
            longest = s->params.routes[i].address_delay_s;
    return longest * SECOND_NS;
}

/* What the command makes of an address: false when it may not. */
static bool address_due(const struct settlement *s, struct address_changed_event *due)
{
    *due = (struct address_changed_event){.active_ns = s->command.stamp_ns};
    if (s->command.type == T_DEPOSIT_ADDRESS) {
        struct deposit_address_command asked;
        deposit_address_command_get(s->command.payload, &asked);
        due->kind = ADDRESS_DEPOSIT;
        due->account = asked.account;
        memcpy(due->chain, asked.chain, CHAIN_BYTES);
        memcpy(due->address, asked.address, CHAIN_ADDRESS_BYTES);
        const int chain = params_find_chain(&s->params, asked.chain);
        return chain >= 0 && s->params.routes[chain].connector == asked.operator_index;
    }
    struct address_allow_command asked;
    address_allow_command_get(s->command.payload, &asked);
    due->kind = ADDRESS_WITHDRAWAL;
    due->account = asked.account;
    memcpy(due->chain, asked.chain, CHAIN_BYTES);
    memcpy(due->address, asked.address, CHAIN_ADDRESS_BYTES);
    due->active_ns = asked.allowed == 0 ? 0 : due->active_ns + delay_ns(s, asked.chain);
    return s->command.type == T_ADDRESS_ALLOW && params_find_chain(&s->params, asked.chain) >= 0 &&
           balance_sheet_has(s->accounts, asked.account) && !is_frozen(s, asked.account);
}

/* Whether the account gets a place for it. */
static bool has_place(const struct settlement *s, const struct address_changed_event *due)
{
    return due->kind != ADDRESS_WITHDRAWAL ||
           share_allows(&s->params, share_addresses(&s->params), custody_book_listed(s->custody, 0),
                        custody_book_listed(s->custody, due->account));
}

enum status transfer_address(struct settlement *s, const struct event *event)
{
    struct address_changed_event due, changed;
    uint8_t bytes[ADDRESS_CHANGED_BYTES];
    address_changed_event_get(event->payload, &changed);
    const bool allowed = is_due(s) && address_due(s, &due) &&
                         balance_sheet_has(s->accounts, due.account) && due.address[0] != 0;
    if (!allowed) return settle_differs_count(s, "address", 0, changed.account);

    struct address_changed_event *known =
        custody_book_address(s->custody, due.kind, due.account, due.chain, due.address);
    if (known != NULL && known->account != due.account)
        return settle_differs_count(s, "owner of an address", known->account, changed.account);
    /* One that counts already counts from when it did. */
    if (known != NULL && due.active_ns != 0 && known->active_ns != 0)
        due.active_ns = known->active_ns;
    address_changed_event_put(bytes, &due);
    if (memcmp(bytes, event->payload, sizeof(bytes)) != 0 ||
        (known == NULL && due.active_ns == 0 && due.kind == ADDRESS_WITHDRAWAL))
        return settle_differs_count(s, "address", due.account, changed.account);
    if (known != NULL)
        *known = due;
    else if (!has_place(s, &due) || !custody_book_add_address(s->custody, &due))
        return settle_differs_count(s, "addresses in use", custody_book_address_count(s->custody),
                                    due.account);
    return STATUS_OK;
}

/* ---- Deposits. */

/* What a report says of a deposit that is new: NULL, or what is wrong. */
static const char *deposit_told(const struct settlement *s, struct deposit_changed_event *due)
{
    struct deposit_report_command asked;
    deposit_report_command_get(s->command.payload, &asked);
    const struct route_changed_event *route = route_find(s, asked.chain, asked.asset);
    if (route == NULL) return "route of a deposit";
    if (route->connector != asked.operator_index) return "connector";
    const struct address_changed_event *address =
        custody_book_address(s->custody, ADDRESS_DEPOSIT, 0, asked.chain, asked.address);
    if (address == NULL) return "address of a deposit";
    *due = (struct deposit_changed_event){.height = asked.height,
                                          .account = address->account,
                                          .confirmations = asked.confirmations,
                                          .output = asked.output,
                                          .asset = asked.asset,
                                          .state = DEPOSIT_CONFIRMING};
    memcpy(due->chain, asked.chain, CHAIN_BYTES);
    memcpy(due->txid, asked.txid, TXID_BYTES);
    return wide_units(asked.amount, route->decimals, s->params.assets[asked.asset].decimals,
                      &due->amount) &&
                   due->amount.units > 0
               ? NULL
               : "amount of a deposit";
}

/* A new deposit's number, and whether it may be new. */
static const char *deposit_new(struct settlement *s, struct deposit_changed_event *due)
{
    const struct deposit_changed_event *out = custody_book_deposit_put_out(s->custody);
    const int chain = params_find_chain(&s->params, due->chain);
    due->deposit = custody_book_deposits(s->custody).last + 1;
    if (due->height <= *custody_book_floor(s->custody, chain)) return "deposit below the floor";
    if (out == NULL) return NULL;
    if (out->state != DEPOSIT_CREDITED && out->state != DEPOSIT_REORGED) return "deposits in use";
    uint64_t *floor = custody_book_floor(s->custody, params_find_chain(&s->params, out->chain));
    if (*floor < out->height) *floor = out->height;
    return NULL;
}

/* The deposit as the report leaves it; NULL, or what is wrong. */
static const char *deposit_reported(struct settlement *s, struct deposit_changed_event **known,
                                    struct deposit_changed_event *due)
{
    const char *wrong = deposit_told(s, due);
    if (wrong != NULL) return wrong;
    *known = custody_book_deposit(s->custody, due->chain, due->txid, due->output);
    if (*known == NULL) {
        wrong = deposit_new(s, due);
    } else {
        const struct deposit_changed_event *before = *known;
        if (before->account != due->account || before->asset != due->asset ||
            before->amount.units != due->amount.units)
            return "deposit told before";
        due->deposit = before->deposit;
        due->credited = before->credited;
        if (before->state == DEPOSIT_CREDITED) *due = *before;
    }
    const struct route_changed_event *route = route_find(s, due->chain, due->asset);
    if (due->state == DEPOSIT_CONFIRMING && due->confirmations >= route->confirmations) {
        due->state = DEPOSIT_CREDITED;
        due->credited = due->amount;
    }
    return wrong;
}

/* The deposit as it is when the chain does not show it any more: the account gives back what it has. */
static const char *deposit_gone(struct settlement *s, struct deposit_changed_event **known,
                                struct deposit_changed_event *due)
{
    struct deposit_reorg_command asked;
    deposit_reorg_command_get(s->command.payload, &asked);
    *known = custody_book_deposit(s->custody, asked.chain, asked.txid, asked.output);
    if (*known == NULL) return "deposit of nobody";
    /* Only who could report it takes it back; before these rules it was the chain's first route. */
    const int route = s->params.rules >= PARAMS_RULES_RELEASE
                          ? params_find_route(&s->params, asked.chain, (*known)->asset)
                          : params_find_chain(&s->params, asked.chain);
    if (route < 0 || s->params.routes[route].connector != asked.operator_index) return "connector";
    *due = **known;
    const amount_t has = balance_sheet_cell(s->accounts, due->account, due->asset)->available;
    due->credited.units -= has.units < due->credited.units ? has.units : due->credited.units;
    due->confirmations = 0;
    due->state = due->credited.units > 0 ? DEPOSIT_OWED : DEPOSIT_REORGED;
    if (due->state == DEPOSIT_OWED && (*known)->state != DEPOSIT_OWED)
        s->command.freeze_due = due->account;
    return NULL;
}

enum status transfer_deposit(struct settlement *s, const struct event *event)
{
    struct deposit_changed_event due = {0}, changed, *known = NULL;
    uint8_t bytes[DEPOSIT_CHANGED_BYTES];
    deposit_changed_event_get(event->payload, &changed);
    const char *wrong = !is_due(s)                            ? "deposit that nobody told"
                        : s->command.type == T_DEPOSIT_REPORT ? deposit_reported(s, &known, &due)
                        : s->command.type == T_DEPOSIT_REORG  ? deposit_gone(s, &known, &due)
                                                              : "deposit that nobody told";
    const int64_t moved = due.credited.units - (known == NULL ? 0 : known->credited.units);
    due.moved.units = moved;
    deposit_changed_event_put(bytes, &due);
    due.moved.units = 0;
    if (wrong == NULL && memcmp(bytes, event->payload, sizeof(bytes)) != 0) wrong = "deposit";
    if (wrong != NULL)
        return differs(s, wrong, changed.account, changed.asset, due.credited, changed.credited);

    if (known == NULL)
        custody_book_add_deposit(s->custody, &due);
    else
        *known = due;
    if (moved == 0) return STATUS_OK;
    const struct posting_set set =
        moved > 0 ? posting_deposit(due.account, due.asset, (amount_t){moved})
                  : posting_reversal(due.account, due.asset, (amount_t){-moved});
    return booking_post(s, &set);
}

/* ---- Withdrawals. */

/* What a withdrawal that is asked for now costs. */
static int64_t fee_now(const struct settlement *s, const uint8_t *chain, uint16_t asset)
{
    const struct route_fee *fee =
        &s->params.route_fees[params_find_route(&s->params, chain, asset)];
    return fee->from_ns <= s->command.stamp_ns ? fee->fee.units : fee->before.units;
}

static uint32_t today_of(const struct settlement *s)
{
    return (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
}

static const char *withdrawal_allowed(const struct settlement *s,
                                      const struct withdraw_command *asked)
{
    uint8_t wide[WIDE_BYTES];
    const struct route_changed_event *route = route_find(s, asked->chain, asked->asset);
    if (!balance_sheet_has(s->accounts, asked->account)) return "account of a withdrawal";
    if (is_frozen(s, asked->account)) return "withdrawal of a frozen account";
    if (route == NULL || route->status != ROUTE_OPEN) return "route of a withdrawal";
    if (custody_book_withdrawal_of(s->custody, asked->account, asked->client_id) != NULL)
        return "withdrawal asked for twice";
    const struct address_changed_event *address = custody_book_address(
        s->custody, ADDRESS_WITHDRAWAL, asked->account, asked->chain, asked->address);
    if (address == NULL || address->active_ns == 0 || address->active_ns > s->command.stamp_ns)
        return "address of a withdrawal";
    const amount_t paid = {asked->amount.units - fee_now(s, asked->chain, asked->asset)};
    if (asked->amount.units < route->withdrawal_min.units ||
        asked->amount.units > route->withdrawal_max.units || paid.units <= 0 ||
        !wide_of_units(paid, s->params.assets[asked->asset].decimals, route->decimals, wide))
        return "amount of a withdrawal";
    const int64_t today =
        custody_book_withdrawn(s->custody, asked->account, asked->asset, today_of(s));
    return (__int128)today + asked->amount.units > route->day_max.units ? "withdrawals of a day"
                                                                        : NULL;
}

static const char *withdrawal_asked(struct settlement *s, struct custody_withdrawal *due)
{
    struct withdraw_command asked;
    withdraw_command_get(s->command.payload, &asked);
    const char *wrong = withdrawal_allowed(s, &asked);
    if (wrong != NULL) return wrong;
    const struct custody_withdrawal *out = custody_book_withdrawal_put_out(s->custody);
    if (out != NULL &&
        (out->facts.state == WITHDRAWAL_HELD || out->facts.state == WITHDRAWAL_APPROVED ||
         out->facts.state == WITHDRAWAL_BROADCAST || out->deadline_ns >= s->command.stamp_ns))
        return "withdrawals in use";

    struct withdrawal_moved_event *facts = &due->facts;
    facts->withdrawal = custody_book_withdrawals(s->custody).last + 1;
    facts->amount = asked.amount;
    facts->fee.units = fee_now(s, asked.chain, asked.asset);
    facts->paid.units = asked.amount.units - facts->fee.units;
    facts->account = asked.account;
    facts->asset = asked.asset;
    facts->state = WITHDRAWAL_HELD;
    memcpy(facts->chain, asked.chain, CHAIN_BYTES);
    memcpy(facts->address, asked.address, CHAIN_ADDRESS_BYTES);
    memcpy(facts->client_id, asked.client_id, sizeof(facts->client_id));
    due->deadline_ns = s->command.deadline_ns;
    if (s->params.rules >= PARAMS_RULES_CHARGES) due->until_day = today_of(s) + 1;
    if (asked.amount.units <= route_find(s, asked.chain, asked.asset)->approval_above.units) {
        facts->state = WITHDRAWAL_APPROVED;
        facts->block = s->height + 1;
    }
    return NULL;
}

static const char *withdrawal_approved(struct settlement *s, struct withdrawal_moved_event *due)
{
    struct withdrawal_approve_command asked;
    withdrawal_approve_command_get(s->command.payload, &asked);
    const uint16_t bit = (uint16_t)(1u << asked.operator_index);
    if (due->amount.units != asked.amount.units ||
        memcmp(due->address, asked.address, CHAIN_ADDRESS_BYTES) != 0)
        return "approval of another withdrawal";
    if (is_frozen(s, due->account)) return "approval for a frozen account";
    /* Said again, it may be enough by now: the route may ask for fewer. */
    if (due->state != WITHDRAWAL_HELD)
        return (due->approvers & bit) != 0 ? NULL : "approval too late";
    due->approvers |= bit;
    if (__builtin_popcount(due->approvers) >= route_find(s, due->chain, due->asset)->approvals) {
        due->state = WITHDRAWAL_APPROVED;
        due->block = s->height + 1;
    }
    return NULL;
}

static const char *withdrawal_told(struct settlement *s, struct withdrawal_moved_event *due)
{
    struct withdrawal_report_command asked;
    withdrawal_report_command_get(s->command.payload, &asked);
    const bool same = memcmp(due->txid, asked.txid, TXID_BYTES) == 0;
    if (route_find(s, due->chain, due->asset)->connector != asked.operator_index)
        return "connector";
    const bool follows =
        (asked.state == WITHDRAWAL_BROADCAST && due->state == WITHDRAWAL_APPROVED &&
         due->block <= s->height) ||
        (asked.state == WITHDRAWAL_FINAL && due->state == WITHDRAWAL_BROADCAST && same) ||
        (asked.state == WITHDRAWAL_FAILED &&
         (due->state == WITHDRAWAL_APPROVED || due->state == WITHDRAWAL_BROADCAST)) ||
        (asked.state >= WITHDRAWAL_BROADCAST && asked.state <= WITHDRAWAL_FAILED &&
         asked.state == due->state && same);
    if (!follows) return "state of a withdrawal";
    due->state = asked.state;
    memcpy(due->txid, asked.txid, TXID_BYTES);
    return NULL;
}

/* By its account, from where nobody has acted on it yet. */
static const char *withdrawal_canceled(const struct settlement *s,
                                       struct withdrawal_moved_event *due)
{
    struct withdrawal_cancel_command asked;
    withdrawal_cancel_command_get(s->command.payload, &asked);
    if (s->params.rules < PARAMS_RULES_RELEASE) return "rules";
    if (due->account != asked.account) return "withdrawal of another account";
    if (due->state != WITHDRAWAL_HELD && due->state != WITHDRAWAL_CANCELED)
        return "state of a withdrawal";
    due->state = WITHDRAWAL_CANCELED;
    return NULL;
}

/* Which withdrawal a command names: operators' behind their claim, the account's first. 0: none. */
static uint64_t withdrawal_named(const struct settlement *s)
{
    switch (s->command.type) {
    case T_WITHDRAWAL_APPROVE:
    case T_WITHDRAWAL_DENY:
    case T_WITHDRAWAL_REPORT:
        return le_get_u64(s->command.payload + 10);
    case T_WITHDRAWAL_CANCEL:
        return le_get_u64(s->command.payload);
    default:
        return 0;
    }
}

/* What a command makes of a withdrawal that there is. */
static const char *withdrawal_moved(struct settlement *s, struct custody_withdrawal **known,
                                    struct custody_withdrawal *due)
{
    const uint16_t type = s->command.type;
    const uint64_t number = withdrawal_named(s);
    if (number == 0) return "withdrawal that nobody asked for";
    *known = custody_book_withdrawal(s->custody, number);
    if (*known == NULL) return "withdrawal of nobody";
    *due = **known;
    if (type == T_WITHDRAWAL_APPROVE) return withdrawal_approved(s, &due->facts);
    if (type == T_WITHDRAWAL_REPORT) return withdrawal_told(s, &due->facts);
    if (type == T_WITHDRAWAL_CANCEL) return withdrawal_canceled(s, &due->facts);
    if (due->facts.state != WITHDRAWAL_HELD && due->facts.state != WITHDRAWAL_DENIED)
        return "state of a withdrawal";
    due->facts.state = WITHDRAWAL_DENIED;
    return NULL;
}

static bool is_departed(uint8_t state)
{
    return state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_BROADCAST;
}

/* Books the way from one state to another; 0: it was not there. */
static enum status withdrawal_book(struct settlement *s, const struct withdrawal_moved_event *facts,
                                   uint8_t from)
{
    const uint32_t account = facts->account;
    const uint16_t asset = facts->asset;
    const amount_t amount = facts->amount;
    const bool departs = from != WITHDRAWAL_APPROVED && !is_departed(from);
    enum status status = STATUS_OK;
    if (from == facts->state) return STATUS_OK;
    if (from == 0) {
        const struct posting_set hold = posting_hold(account, asset, amount);
        status = booking_post(s, &hold);
    }
    if (status != STATUS_OK || facts->state == WITHDRAWAL_HELD) return status;
    struct posting_set set = {0};
    if (facts->state == WITHDRAWAL_APPROVED && departs)
        set = posting_depart(account, asset, amount);
    else if (facts->state == WITHDRAWAL_DENIED || facts->state == WITHDRAWAL_CANCELED)
        set = posting_release(account, asset, amount);
    else if (facts->state == WITHDRAWAL_FINAL)
        set = posting_arrive(asset, facts->paid, facts->fee);
    else if (facts->state == WITHDRAWAL_FAILED)
        set = posting_return(account, asset, amount);
    return booking_post(s, &set);
}

static bool is_undone(uint8_t state)
{
    return state == WITHDRAWAL_DENIED || state == WITHDRAWAL_CANCELED || state == WITHDRAWAL_FAILED;
}

/* What the limit of the day has: all that was asked for today and has not come to nothing today. */
static void withdrawn_count(struct settlement *s, const struct custody_withdrawal *withdrawal,
                            uint8_t from)
{
    const struct withdrawal_moved_event *facts = &withdrawal->facts;
    int64_t counts = 0;
    if (from == 0)
        counts = facts->amount.units;
    else if (is_undone(facts->state) && !is_undone(from) &&
             withdrawal->until_day == today_of(s) + 1)
        counts = -facts->amount.units;
    if (counts != 0)
        custody_book_add_withdrawn(s->custody, facts->account, facts->asset, today_of(s),
                                   (amount_t){counts});
}

enum status transfer_withdrawal(struct settlement *s, const struct event *event)
{
    struct custody_withdrawal due = {0}, *known = NULL;
    struct withdrawal_moved_event changed;
    uint8_t bytes[WITHDRAWAL_MOVED_BYTES];
    withdrawal_event_get(event, &changed);
    const char *wrong = !is_due(s)                      ? "withdrawal that nobody asked for"
                        : s->command.type == T_WITHDRAW ? withdrawal_asked(s, &due)
                                                        : withdrawal_moved(s, &known, &due);
    const uint8_t from = known == NULL ? 0 : known->facts.state;
    due.facts.before = from;
    const uint16_t due_bytes = withdrawal_event_put(s->params.rules, &due.facts, bytes);
    due.facts.before = 0;
    if (wrong == NULL && (event->type != withdrawal_event_type(s->params.rules) ||
                          memcmp(bytes, event->payload, due_bytes) != 0))
        wrong = "withdrawal";
    if (wrong != NULL)
        return differs(s, wrong, changed.account, changed.asset, due.facts.amount, changed.amount);

    if (known == NULL)
        custody_book_add_withdrawal(s->custody, &due);
    else
        *known = due;
    withdrawn_count(s, &due, from);
    return withdrawal_book(s, &due.facts, from);
}

/* ---- Sums, for the checks. */

static __int128 sum_of(const struct settlement *s, uint16_t asset, bool (*counts)(uint8_t state))
{
    const struct custody_span span = custody_book_withdrawals(s->custody);
    __int128 sum = 0;
    for (uint64_t i = 0; i < span.count; i++) {
        const struct custody_withdrawal *withdrawal =
            custody_book_withdrawal(s->custody, span.last - i);
        if (withdrawal->facts.asset == asset && counts(withdrawal->facts.state))
            sum += withdrawal->facts.amount.units;
    }
    return sum;
}

static bool is_held(uint8_t state)
{
    return state == WITHDRAWAL_HELD;
}

__int128 transfer_held(const struct settlement *s, uint16_t asset)
{
    return sum_of(s, asset, is_held);
}

__int128 transfer_in_flight(const struct settlement *s, uint16_t asset)
{
    return sum_of(s, asset, is_departed);
}
