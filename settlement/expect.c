#include "settlement/expect.h"

#include "settlement/state.h"

#define CELLS_A_LINE (64 / sizeof(struct balance_cell))
#define NAMED_MAX    16

/* What a record names, as far as there is room: asked for a second time, one step further. */
struct named {
    uint32_t account_count, order_count;
    uint32_t accounts[NAMED_MAX];
    struct {
        uint64_t order_id;
        uint16_t market;
    } orders[NAMED_MAX];
};

static bool has_key(const struct command *command)
{
    const uint16_t kind = command->header.auth_kind;
    return (kind == AUTH_HMAC || kind == AUTH_ED25519) && command->header.auth_length >= 32;
}

static void name_account(const struct settlement *s, struct named *named, uint32_t account)
{
    __builtin_prefetch(balance_sheet_owner(s->accounts, account), 1);
    account_tree_expect_place(s->tree, account);
    if (named->account_count < NAMED_MAX) named->accounts[named->account_count++] = account;
}

static void on_balance(const struct settlement *s, struct named *named, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    if (!balance_sheet_has(s->accounts, balance.account) || balance.asset >= s->params.asset_count)
        return;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset += CELLS_A_LINE)
        __builtin_prefetch(balance_sheet_cell(s->accounts, balance.account, asset), 1);
    name_account(s, named, balance.account);
}

static void on_fill(const struct settlement *s, struct named *named, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    hold_book_expect(s->orders, fill.market, fill.maker_order);
    if (named->order_count == NAMED_MAX) return;
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

/* What the places that were asked for lead to: they have come in the time that the events took. */
static void expect_named(const struct settlement *s, const struct named *named)
{
    for (uint32_t i = 0; i < named->order_count; i++)
        hold_book_expect_entry(s->orders, named->orders[i].market, named->orders[i].order_id);
    for (uint32_t i = 0; i < named->account_count; i++)
        expect_leaf(s, named->accounts[i]);
}

void expect_record(const struct settlement *s, const struct command *command, const uint8_t *events,
                   size_t events_bytes)
{
    const uint8_t *at = events, *const end = events + events_bytes;
    struct named named;
    struct event event;
    named.account_count = named.order_count = 0;
    if (has_key(command)) keyring_expect(s->keys, command->auth);
    while (event_next(&at, end, &event)) {
        if (event.type == T_BALANCE)
            on_balance(s, &named, &event);
        else if (event.type == T_FILL)
            on_fill(s, &named, &event);
        else if (event.type == T_ORDER_ACCEPTED)
            on_accepted(s, &event);
    }
    expect_named(s, &named);
    if (has_key(command)) keyring_expect_key(s->keys, command->auth);
}

void expect_account(const struct settlement *s, uint32_t account)
{
    __builtin_prefetch(balance_sheet_owner(s->accounts, account), 1);
    for (uint16_t asset = 0; asset < s->params.asset_count; asset += CELLS_A_LINE)
        __builtin_prefetch(balance_sheet_cell(s->accounts, account, asset));
    account_tree_expect_place(s->tree, account);
}

void expect_leaf(const struct settlement *s, uint32_t account)
{
    const uint32_t place = account_tree_expect_leaf(s->tree, account);
    if (s->journal != NULL && place != UINT32_MAX) proof_journal_expect(s->journal, place);
}
