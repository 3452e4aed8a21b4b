#include "settlement/expect.h"

#include "settlement/state.h"

#include <string.h>

#define CELLS_A_LINE (64 / sizeof(struct balance_cell))

static bool has_key(const struct command *command)
{
    const uint16_t kind = command->header.auth_kind;
    return (kind == AUTH_HMAC || kind == AUTH_ED25519) && command->header.auth_length >= 32;
}

/* An account's owner and places; an owner may lie in two lines. */
static void ask_account(const struct settlement *s, uint32_t account)
{
    const struct balance_owner *owner = balance_sheet_owner(s->accounts, account);
    __builtin_prefetch(owner, 1);
    __builtin_prefetch((const uint8_t *)(owner + 1) - 1, 1);
    account_tree_expect_place(s->tree, account);
}

/* Whether the account was asked for already: most have several balances in a record, one after the other. */
static bool is_named(const struct expect_named *named, uint32_t account)
{
    for (uint32_t i = named->account_count; i > 0; i--)
        if (named->accounts[i - 1] == account) return true;
    return false;
}

static void on_balance(const struct settlement *s, struct expect_named *named,
                       const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    if (!balance_sheet_has(s->accounts, balance.account) || balance.asset >= s->params.asset_count)
        return;
    if (is_named(named, balance.account)) return;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset += CELLS_A_LINE)
        __builtin_prefetch(balance_sheet_cell(s->accounts, balance.account, asset), 1);
    ask_account(s, balance.account);
    if (named->account_count < EXPECT_NAMED_MAX)
        named->accounts[named->account_count++] = balance.account;
}

static void on_fill(const struct settlement *s, struct expect_named *named,
                    const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    hold_book_expect(s->orders, fill.market, fill.maker_order);
    if (named->order_count == EXPECT_NAMED_MAX) return;
    named->orders[named->order_count].market = fill.market;
    named->orders[named->order_count++].order_id = fill.maker_order;
}

static void on_accepted(const struct settlement *s, const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    if (balance_sheet_has(s->accounts, accepted.account))
        tier_book_expect(s->tiers, accepted.account);
    hold_book_expect(s->orders, accepted.market, accepted.order_id);
}

void expect_record(const struct settlement *s, const struct command *command, const uint8_t *events,
                   size_t events_bytes, struct expect_named *named)
{
    const uint8_t *at = events, *const end = events + events_bytes;
    struct event event;
    named->account_count = named->order_count = 0;
    named->has_key = has_key(command);
    if (named->has_key) {
        memcpy(named->key_id, command->auth, sizeof(named->key_id));
        keyring_expect(s->keys, named->key_id);
    }
    while (event_next(&at, end, &event)) {
        if (event.type == T_BALANCE)
            on_balance(s, named, &event);
        else if (event.type == T_FILL)
            on_fill(s, named, &event);
        else if (event.type == T_ORDER_ACCEPTED)
            on_accepted(s, &event);
    }
}

void expect_named(const struct settlement *s, const struct expect_named *named)
{
    if (named->has_key) keyring_expect_key(s->keys, named->key_id);
    for (uint32_t i = 0; i < named->order_count; i++)
        hold_book_expect_entry(s->orders, named->orders[i].market, named->orders[i].order_id);
    for (uint32_t i = 0; i < named->account_count; i++)
        expect_leaf(s, named->accounts[i]);
}

void expect_account(const struct settlement *s, uint32_t account)
{
    ask_account(s, account);
    for (uint16_t asset = 0; asset < s->params.asset_count; asset += CELLS_A_LINE)
        __builtin_prefetch(balance_sheet_cell(s->accounts, account, asset));
}

void expect_leaf(const struct settlement *s, uint32_t account)
{
    const uint32_t place = account_tree_expect_leaf(s->tree, account);
    if (s->journal != NULL && place != UINT32_MAX) proof_journal_expect(s->journal, place);
}
