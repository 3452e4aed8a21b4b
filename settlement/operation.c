#include "settlement/operation.h"

#include "common/share.h"
#include "settlement/booking.h"

#include <string.h>

#define SECOND_NS      UINT64_C(1000000000)
#define OPERATOR_BYTES 10 /* nonce and operator's index, before all that an operator asks for */
#define INDEX_BYTES    2  /* the number of what was listed, before what it is */

static uint32_t day_of(const struct settlement *s)
{
    return (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
}

/* Whether the listing's event repeats its command field by field: both lay them out alike. */
static bool repeats(const struct settlement *s, const struct event *event, size_t event_skips)
{
    const size_t byte_count = event->payload_length - event_skips;
    return message_payload_bytes(s->command.type) == OPERATOR_BYTES + byte_count &&
           memcmp(s->command.payload + OPERATOR_BYTES, event->payload + event_skips, byte_count) ==
               0;
}

/* What a withdrawal by the route costs at the command's stamp. */
static int64_t fee_now(const struct settlement *s, int route)
{
    const struct route_fee *known = &s->params.route_fees[route];
    return known->from_ns <= s->command.stamp_ns ? known->fee.units : known->before.units;
}

/* A chain's decimals stay: amounts were counted by them. No fee, of now or to come, gets above the smallest withdrawal. */
static bool route_fits(const struct settlement *s, const struct event *event)
{
    struct route_changed_event route;
    route_changed_event_get(event->payload, &route);
    const int known = params_find_route(&s->params, route.chain, route.asset);
    return (route.connector < s->genesis->operator_count ||
            params_connector(&s->params, route.connector) != NULL) &&
           route.approvals <= s->genesis->operator_count &&
           (known < 0 || (s->params.routes[known].decimals == route.decimals &&
                          fee_now(s, known) <= route.withdrawal_min.units &&
                          s->params.route_fees[known].fee.units <= route.withdrawal_min.units));
}

/* The fee that was asked for, if it may be so high, after the route's delay; the one of now until then. */
static bool is_fee_asked(const struct settlement *s, const struct event *event)
{
    struct route_fee_set_command asked;
    struct route_fee_changed_event changed;
    route_fee_set_command_get(s->command.payload, &asked);
    route_fee_changed_event_get(event->payload, &changed);
    const int route = params_find_route(&s->params, asked.chain, asked.asset);
    if (route < 0 || changed.asset != asked.asset ||
        memcmp(changed.chain, asked.chain, CHAIN_BYTES) != 0)
        return false;
    const struct route_changed_event *way = &s->params.routes[route];
    return changed.fee.units == asked.fee.units && changed.fee.units <= way->withdrawal_min.units &&
           changed.fee_before.units == fee_now(s, route) &&
           changed.from_ns == s->command.stamp_ns + way->address_delay_s * SECOND_NS;
}

static bool is_status_asked(const struct settlement *s, const struct event *event)
{
    return s->command.type == T_MARKET_STATUS && repeats(s, event, 0);
}

enum status operation_parameters(struct settlement *s, const struct event *event)
{
    const uint16_t type = s->command.type;
    const bool asked =
        (event->type == T_ASSET_CREATED && type == T_ASSET_CREATE &&
         repeats(s, event, INDEX_BYTES)) ||
        (event->type == T_MARKET_CREATED && type == T_MARKET_CREATE &&
         repeats(s, event, INDEX_BYTES)) ||
        (event->type == T_MARKET_STATUS_CHANGED && is_status_asked(s, event)) ||
        (event->type == T_MARKET_FILTERED && type == T_MARKET_FILTERS && repeats(s, event, 0)) ||
        (event->type == T_RULES_CHANGED && type == T_RULES_SET && repeats(s, event, 0)) ||
        (event->type == T_ROUTE_CHANGED && type == T_ROUTE_SET && repeats(s, event, 0) &&
         route_fits(s, event)) ||
        (event->type == T_ROUTE_FEE_CHANGED && type == T_ROUTE_FEE_SET && is_fee_asked(s, event)) ||
        (event->type == T_OPENING_CHANGED && type == T_OPENING_SET && repeats(s, event, 0)) ||
        (event->type == T_CONNECTOR_ADDED && type == T_CONNECTOR_ADD &&
         repeats(s, event, INDEX_BYTES));
    if (!asked || s->command.main_count > 1 || !params_follows(&s->params, event))
        return settle_differs_count(s, "listing", type, event->type);
    params_apply(&s->params, event);
    s->params_moved = true;
    return STATUS_OK;
}

/* Nothing of settlement's moves: they are made of what it is then. */
enum status operation_liabilities(struct settlement *s, const struct event *event)
{
    struct liabilities_ordered_event ordered;
    liabilities_ordered_event_get(event->payload, &ordered);
    const uint64_t every = s->params.checkpoint_blocks;
    const uint64_t due = every == 0 ? 0 : (s->height / every + 1) * every;
    if (s->command.type != T_LIABILITIES_ORDER || s->command.main_count > 1 ||
        s->params.rules < PARAMS_RULES_LIABILITIES || ordered.height != due || due == 0)
        return settle_differs_count(s, "height of liabilities", (int64_t)due,
                                    (int64_t)ordered.height);
    return STATUS_OK;
}

enum status operation_account(struct settlement *s, const struct event *event)
{
    struct account_created_event created;
    struct account_create_command asked;
    account_created_event_get(event->payload, &created);
    account_create_command_get(s->command.payload, &asked);
    const uint32_t next = balance_sheet_count(s->accounts) + 1;
    if (s->command.type != T_ACCOUNT_CREATE || created.account != next)
        return settle_differs_count(s, "account number", next, created.account);
    if (created.tier >= s->params.tier_count || created.tier != asked.tier)
        return settle_differs_count(s, "fee tier", asked.tier, created.tier);
    if (memcmp(created.public_key, asked.public_key, PUBLIC_KEY_BYTES) != 0)
        return settle_differs_count(s, "owner's public key", next, created.account);
    if (balance_sheet_open(s->accounts, created.public_key, created.tier) == 0)
        return settle_differs_count(s, "accounts in use", s->params.accounts_max, created.account);
    tier_book_set_floor(s->tiers, created.account, created.tier);
    settle_touch(s, created.account);
    return STATUS_OK;
}

enum status operation_key(struct settlement *s, const struct event *event)
{
    struct key_added_event added;
    key_added_event_get(event->payload, &added);
    if (s->command.type != T_KEY_ADD || !repeats(s, event, 0))
        return settle_differs_count(s, "key", 0, added.account);
    if (!balance_sheet_has(s->accounts, added.account) || !keyring_add(s->keys, &added))
        return settle_differs_count(s, "keys in use", keyring_count(s->keys), added.account);
    if (s->params.rules >= PARAMS_RULES_KEYS)
        keyring_share(s->keys, added.key_id, &(struct keyring_right){0});
    return STATUS_OK;
}

static enum status differs_amount(struct settlement *s, const char *what, uint32_t account,
                                  uint16_t asset, amount_t ours, amount_t theirs)
{
    return settle_differs(s, &(struct settle_mismatch){.what = what,
                                                       .account = account,
                                                       .asset = asset,
                                                       .ours = ours.units,
                                                       .theirs = theirs.units});
}

enum status operation_credited(struct settlement *s, const struct event *event)
{
    struct credited_event credited;
    struct credit_command asked;
    credited_event_get(event->payload, &credited);
    credit_command_get(s->command.payload, &asked);
    if (s->command.type != T_CREDIT || s->command.main_count > 1 ||
        credited.account != asked.account || credited.asset != asked.asset ||
        credited.amount.units != asked.amount.units || credited.amount.units <= 0 ||
        credited.asset >= s->params.asset_count ||
        !balance_sheet_has(s->accounts, credited.account))
        return differs_amount(s, "credit", credited.account, credited.asset, asked.amount,
                              credited.amount);
    const struct posting_set set = posting_credit(
        posting_giver(&s->genesis->params), credited.account, credited.asset, credited.amount);
    return booking_post(s, &set);
}

enum status operation_debited(struct settlement *s, const struct event *event)
{
    struct debited_event debited;
    struct debit_command asked;
    debited_event_get(event->payload, &debited);
    debit_command_get(s->command.payload, &asked);
    if (s->command.type != T_DEBIT || s->command.main_count > 1 ||
        debited.account != asked.account || debited.asset != asked.asset ||
        debited.amount.units != asked.amount.units || debited.amount.units <= 0 ||
        debited.asset >= s->params.asset_count || !balance_sheet_has(s->accounts, debited.account))
        return differs_amount(s, "debit", debited.account, debited.asset, asked.amount,
                              debited.amount);
    const struct posting_set set = posting_debit(posting_giver(&s->genesis->params),
                                                 debited.account, debited.asset, debited.amount);
    return booking_post(s, &set);
}

enum status operation_tier_set(struct settlement *s, const struct event *event)
{
    struct tier_set_event set;
    tier_set_event_get(event->payload, &set);
    if (s->command.type != T_ACCOUNT_TIER || s->command.main_count > 1 || !repeats(s, event, 0) ||
        set.tier >= s->params.tier_count || !balance_sheet_has(s->accounts, set.account))
        return settle_differs_count(s, "lowest fee tier", 0, set.tier);
    tier_book_set_floor(s->tiers, set.account, set.tier);
    s->command.tier_set = true;
    return STATUS_OK;
}

/* Comes before the account's order or list of the command is accepted, or after TIER_SET. */
static bool may_change_tier(const struct settlement *s, uint32_t account)
{
    const struct command_state *command = &s->command;
    if (command->type == T_ACCOUNT_TIER) return command->tier_set && command->main_count == 2;
    return (command->type == T_ORDER_PLACE || command->type == T_LIST_PLACE ||
            command->type == T_ORDER_REPLACE) &&
           account == command->actor && command->accepted_count == 0 && command->leg_count == 0;
}

enum status operation_tier_changed(struct settlement *s, const struct event *event)
{
    struct tier_changed_event changed;
    tier_changed_event_get(event->payload, &changed);
    if (!balance_sheet_has(s->accounts, changed.account) || !may_change_tier(s, changed.account))
        return settle_differs_count(s, "fee tier of an account", 0, changed.tier);
    struct balance_owner *owner = balance_sheet_owner(s->accounts, changed.account);
    const uint16_t due = tier_book_due(s->tiers, &s->params, changed.account, day_of(s));
    if (changed.tier != due || changed.tier == owner->tier)
        return settle_differs(s, &(struct settle_mismatch){.what = "fee tier",
                                                           .account = changed.account,
                                                           .ours = due,
                                                           .theirs = changed.tier});
    owner->tier = due;
    return STATUS_OK;
}

/* Whether the account may have one more, or has this one already. */
static bool may_arm(const struct settlement *s, const struct switch_armed_event *armed)
{
    return share_allows(&s->params, share_switches(&s->params), switch_book_count(s->switches),
                        switch_book_count_of(s->switches, armed->account)) ||
           switch_book_deadline(s->switches, armed->account, armed->market) != 0;
}

enum status operation_switch_armed(struct settlement *s, const struct event *event)
{
    struct switch_armed_event armed;
    struct switch_set_command asked;
    switch_armed_event_get(event->payload, &armed);
    switch_set_command_get(s->command.payload, &asked);
    const uint64_t due =
        asked.timeout_ms == 0 ? 0 : s->command.stamp_ns + asked.timeout_ms * 1000000ul;
    if (s->command.type != T_SWITCH_SET || s->command.main_count > 1 ||
        armed.account != asked.account || armed.market != asked.market ||
        armed.market >= s->params.market_count || !balance_sheet_has(s->accounts, armed.account) ||
        armed.deadline_ns != due || due > INT64_MAX)
        return settle_differs_order(s, "switch armed", armed.market, 0, armed.account, (int64_t)due,
                                    (int64_t)armed.deadline_ns);
    if (due == 0)
        switch_book_clear(s->switches, armed.account, armed.market);
    else if (!may_arm(s, &armed) || !switch_book_set(s->switches, armed.account, armed.market, due))
        return settle_differs_order(s, "switches in use", armed.market, 0, armed.account,
                                    s->params.orders_max, 0);
    return STATUS_OK;
}

/* The first of all that are due, in order of (deadline, account, market). */
enum status operation_switch_fired(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct switch_fired_event fired;
    switch_fired_event_get(event->payload, &fired);
    const uint64_t armed = switch_book_deadline(s->switches, fired.account, fired.market);
    const bool in_order =
        command->fired_deadline_ns < fired.deadline_ns || command->fired_account < fired.account ||
        (command->fired_account == fired.account && command->fired_market < fired.market);
    if (armed == 0 || armed != fired.deadline_ns || armed > command->stamp_ns ||
        armed != switch_book_next(s->switches) || !in_order)
        return settle_differs_order(s, "switch fired", fired.market, 0, fired.account,
                                    (int64_t)armed, (int64_t)fired.deadline_ns);
    switch_book_clear(s->switches, fired.account, fired.market);
    command->fired_deadline_ns = fired.deadline_ns;
    command->fired_account = fired.account;
    command->fired_market = fired.market;
    command->swept_order = 0;
    return STATUS_OK;
}

enum status operation_close(struct settlement *s)
{
    if (!s->command.tier_set) return STATUS_OK;
    struct account_tier_command asked;
    account_tier_command_get(s->command.payload, &asked);
    const uint16_t due = tier_book_due(s->tiers, &s->params, asked.account, day_of(s));
    const uint16_t tier = balance_sheet_owner(s->accounts, asked.account)->tier;
    if (tier == due) return STATUS_OK;
    return settle_differs(s, &(struct settle_mismatch){.what = "fee tier not changed",
                                                       .account = asked.account,
                                                       .ours = due,
                                                       .theirs = tier});
}
