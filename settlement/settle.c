#include "settlement/settle.h"

#include "common/arena.h"
#include "settlement/account_tree.h"
#include "settlement/authority.h"
#include "settlement/balance_sheet.h"
#include "settlement/hold_book.h"
#include "settlement/keyring.h"
#include "settlement/posting.h"

#include <string.h>

/* Where a market's ids have come to. */
struct market_ids {
    uint64_t order;
    uint64_t trade;
    uint64_t aggregate;
    uint64_t aggregate_order; /* its taker's order */
    int64_t aggregate_ticks;  /* and its price */
};

struct settlement {
    const struct genesis *genesis;
    struct params params;
    struct balance_sheet *accounts;
    struct hold_book *orders;
    struct keyring *keys;
    struct account_tree *tree;
    struct totals *totals;  /* by asset */
    struct market_ids *ids; /* by market */
    hash_t params_hash;     /* of `params`, unless they moved */
    bool params_moved;
    bool has_mismatch;
    struct settle_mismatch mismatch;

    /* The command begun last. */
    uint64_t number;
    uint16_t type;
    uint32_t actor; /* whose orders it may touch; 0: nobody's */
    uint16_t taker_market;
    uint64_t taker_order; /* accepted by it; 0: none */
    uint8_t payload[COMMAND_PAYLOAD_MAX];
};

size_t settlement_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return sizeof(struct settlement) +
           balance_sheet_bytes(params->accounts_max, params->assets_max) +
           hold_book_bytes(params->orders_max) + keyring_bytes(params->keys_max) +
           account_tree_bytes(params->accounts_max) + params->assets_max * sizeof(struct totals) +
           params->markets_max * sizeof(struct market_ids) + 1024;
}

struct settlement *settlement_new(struct arena *arena, const struct genesis *genesis,
                                  const uint8_t tree_secret[32])
{
    const struct params *params = &genesis->params;
    struct settlement *s = arena_take(arena, sizeof(*s));
    if (s == NULL) return NULL;
    s->genesis = genesis;
    s->params = *params;
    s->params_moved = true;
    s->accounts = balance_sheet_new(arena, params->accounts_max, params->assets_max);
    s->orders = hold_book_new(arena, params->orders_max);
    s->keys = keyring_new(arena, params->keys_max);
    s->tree = account_tree_new(arena, params->accounts_max, tree_secret);
    s->totals = arena_take_array(arena, params->assets_max, sizeof(struct totals));
    s->ids = arena_take_array(arena, params->markets_max, sizeof(struct market_ids));
    if (s->accounts == NULL || s->orders == NULL || s->keys == NULL || s->tree == NULL ||
        s->totals == NULL || s->ids == NULL)
        return NULL;
    return s;
}

/* Keeps the first difference: it is the one that explains the rest. */
static enum status differ(struct settlement *s, const struct settle_mismatch *found)
{
    if (!s->has_mismatch) {
        s->mismatch = *found;
        if (s->mismatch.command == 0) s->mismatch.command = s->number;
        s->has_mismatch = true;
    }
    return STATUS_MISMATCH;
}

static enum status differ_order(struct settlement *s, const char *what, uint16_t market,
                                uint64_t order_id, uint32_t account, int64_t ours, int64_t theirs)
{
    return differ(s, &(struct settle_mismatch){.what = what,
                                               .market = market,
                                               .order_id = order_id,
                                               .account = account,
                                               .ours = ours,
                                               .theirs = theirs});
}

static enum status differ_count(struct settlement *s, const char *what, int64_t ours,
                                int64_t theirs)
{
    return differ(s, &(struct settle_mismatch){.what = what, .ours = ours, .theirs = theirs});
}

const struct settle_mismatch *settlement_mismatch(const struct settlement *s)
{
    return s->has_mismatch ? &s->mismatch : NULL;
}

enum status settle_command(struct settlement *s, uint64_t number, uint64_t stamp_ns,
                           const struct command *command)
{
    (void)stamp_ns;
    ASSERT(number == s->number + 1);
    const size_t payload_bytes = message_payload_bytes(command->header.type);
    ASSERT(payload_bytes > 0 && payload_bytes <= sizeof(s->payload));

    s->number = number;
    s->type = command->header.type;
    s->actor = authority_account(command);
    s->taker_order = 0;
    memcpy(s->payload, command->payload, payload_bytes);
    if (s->has_mismatch) return STATUS_MISMATCH;

    const struct authority authority = {s->genesis, &s->params, s->keys, s->accounts};
    const char *objection = authority_objection(&authority, command);
    if (objection == NULL) return STATUS_OK;
    return differ(s, &(struct settle_mismatch){.what = objection, .account = s->actor});
}

static void apply_house(struct settlement *s, const struct posting *posting)
{
    struct totals *totals = &s->totals[posting->asset];
    switch (posting->account) {
    case POSTING_FEES:
        totals->fees += posting->amount.units;
        return;
    case POSTING_ROUNDING:
        totals->rounding += posting->amount.units;
        return;
    default:
        ASSERT(posting->account == POSTING_EXTERNAL);
        totals->external -= posting->amount.units; /* what came in is a debt of the house */
    }
}

static enum status apply_user(struct settlement *s, const struct posting *posting)
{
    const uint32_t account = (uint32_t)posting->account;
    struct balance_cell *cell = balance_sheet_cell(s->accounts, account, posting->asset);
    const bool held = posting->place == POSTING_HELD;
    amount_t *balance = held ? &cell->held : &cell->available;
    struct settle_mismatch found = {.what = held ? "held balance" : "available balance",
                                    .account = account,
                                    .asset = posting->asset,
                                    .ours = balance->units};

    balance_sheet_touch(s->accounts, account, s->number);
    if (!amount_add(*balance, posting->amount, balance)) return differ(s, &found);
    s->totals[posting->asset].users += posting->amount.units;
    return STATUS_OK;
}

/* No balance may be below zero after a set; within one it may pass through it. */
static enum status check_not_negative(struct settlement *s, const struct posting *posting)
{
    if (posting->account < 0) return STATUS_OK;
    const struct balance_cell *cell =
        balance_sheet_cell(s->accounts, (uint32_t)posting->account, posting->asset);
    if (cell->available.units >= 0 && cell->held.units >= 0) return STATUS_OK;
    const bool held = cell->held.units < 0;
    return differ(s, &(struct settle_mismatch){
                         .what = held ? "held balance below zero" : "available balance below zero",
                         .account = (uint32_t)posting->account,
                         .asset = posting->asset,
                         .ours = held ? cell->held.units : cell->available.units});
}

static enum status apply(struct settlement *s, const struct posting_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        if (posting->account < 0) {
            apply_house(s, posting);
            continue;
        }
        const enum status status = apply_user(s, posting);
        if (status != STATUS_OK) return status;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const enum status status = check_not_negative(s, &set->items[i]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status on_asset(struct settlement *s, const struct event *event)
{
    struct asset_created_event created;
    asset_created_event_get(event->payload, &created);
    if (s->type != T_ASSET_CREATE || !params_follows(&s->params, event))
        return differ_count(s, "asset listed", s->params.asset_count, created.asset);
    params_apply(&s->params, event);
    s->params_moved = true;
    return STATUS_OK;
}

static enum status on_market(struct settlement *s, const struct event *event)
{
    struct market_created_event created;
    market_created_event_get(event->payload, &created);
    if (s->type != T_MARKET_CREATE || !params_follows(&s->params, event))
        return differ_count(s, "market listed", s->params.market_count, created.market);
    params_apply(&s->params, event);
    s->params_moved = true;
    return STATUS_OK;
}

static enum status on_market_status(struct settlement *s, const struct event *event)
{
    struct market_status_changed_event changed;
    struct market_status_command asked;
    market_status_changed_event_get(event->payload, &changed);
    market_status_command_get(s->payload, &asked);
    if (s->type != T_MARKET_STATUS || !params_follows(&s->params, event) ||
        changed.market != asked.market || changed.status != asked.status)
        return differ_count(s, "market status", asked.status, changed.status);
    params_apply(&s->params, event);
    s->params_moved = true;
    return STATUS_OK;
}

static enum status on_account(struct settlement *s, const struct event *event)
{
    struct account_created_event created;
    struct account_create_command asked;
    account_created_event_get(event->payload, &created);
    account_create_command_get(s->payload, &asked);
    const uint32_t next = balance_sheet_count(s->accounts) + 1;
    if (s->type != T_ACCOUNT_CREATE || created.account != next)
        return differ_count(s, "account number", next, created.account);
    if (created.tier >= s->params.tier_count || created.tier != asked.tier)
        return differ_count(s, "fee tier", asked.tier, created.tier);
    if (memcmp(created.public_key, asked.public_key, PUBLIC_KEY_BYTES) != 0)
        return differ_count(s, "owner's public key", next, created.account);
    if (balance_sheet_open(s->accounts, created.public_key, created.tier) == 0)
        return differ_count(s, "accounts in use", s->params.accounts_max, created.account);
    balance_sheet_touch(s->accounts, created.account, s->number);
    return STATUS_OK;
}

static enum status on_key(struct settlement *s, const struct event *event)
{
    struct key_added_event added;
    struct key_add_command asked;
    key_added_event_get(event->payload, &added);
    key_add_command_get(s->payload, &asked);
    if (s->type != T_KEY_ADD || added.account != asked.account ||
        added.permissions != asked.permissions || added.secret_version != asked.secret_version ||
        memcmp(added.key_id, asked.key_id, sizeof(added.key_id)) != 0 ||
        memcmp(added.public_key, asked.public_key, sizeof(added.public_key)) != 0)
        return differ_count(s, "key", asked.account, added.account);
    if (!balance_sheet_has(s->accounts, added.account) || !keyring_add(s->keys, &added))
        return differ_count(s, "keys in use", keyring_count(s->keys), added.account);
    return STATUS_OK;
}

static enum status on_credited(struct settlement *s, const struct event *event)
{
    struct credited_event credited;
    struct credit_command asked;
    credited_event_get(event->payload, &credited);
    credit_command_get(s->payload, &asked);
    if (s->type != T_CREDIT || credited.account != asked.account || credited.asset != asked.asset ||
        credited.amount.units != asked.amount.units || credited.amount.units <= 0 ||
        credited.asset >= s->params.asset_count ||
        !balance_sheet_has(s->accounts, credited.account))
        return differ(s, &(struct settle_mismatch){.what = "credit",
                                                   .account = credited.account,
                                                   .asset = credited.asset,
                                                   .ours = asked.amount.units,
                                                   .theirs = credited.amount.units});
    const struct posting_set set =
        posting_credit(credited.account, credited.asset, credited.amount);
    return apply(s, &set);
}

static enum status on_debited(struct settlement *s, const struct event *event)
{
    struct debited_event debited;
    struct debit_command asked;
    debited_event_get(event->payload, &debited);
    debit_command_get(s->payload, &asked);
    if (s->type != T_DEBIT || debited.account != asked.account || debited.asset != asked.asset ||
        debited.amount.units != asked.amount.units || debited.amount.units <= 0 ||
        debited.asset >= s->params.asset_count || !balance_sheet_has(s->accounts, debited.account))
        return differ(s, &(struct settle_mismatch){.what = "debit",
                                                   .account = debited.account,
                                                   .asset = debited.asset,
                                                   .ours = asked.amount.units,
                                                   .theirs = debited.amount.units});
    const struct posting_set set = posting_debit(debited.account, debited.asset, debited.amount);
    return apply(s, &set);
}

static bool is_limit(uint8_t type)
{
    return type == LIMIT || type == LIMIT_MAKER;
}

/* Whether the engine accepted the order that was sent. */
static bool accepted_as_asked(const struct settlement *s,
                              const struct order_accepted_event *accepted)
{
    struct order_place_command asked;
    if (s->type != T_ORDER_PLACE || s->taker_order != 0) return false;
    order_place_command_get(s->payload, &asked);
    return accepted->account == asked.account && accepted->market == asked.market &&
           accepted->side == asked.side && accepted->type == asked.type &&
           accepted->price.ticks == asked.price.ticks && accepted->qty.lots == asked.qty.lots &&
           accepted->quote_qty.units == asked.quote_qty.units &&
           memcmp(accepted->client_id, asked.client_id, sizeof(asked.client_id)) == 0;
}

/* What an accepted order must hold. A MARKET order whose hold depends on the book is priced by the
 * engine's dry walk: `known` is false, and the hold is checked by what its fills consume. */
static bool hold_due(const struct market *market, const struct order_accepted_event *accepted,
                     amount_t *due, bool *known)
{
    const bool by_quote = accepted->type == MARKET && accepted->quote_qty.units > 0;
    *due = accepted->hold;
    *known = is_limit(accepted->type) || by_quote == (accepted->side == BUY);
    if (!*known) return accepted->hold.units >= 0;
    if (by_quote) {
        *due = accepted->quote_qty;
        return true;
    }
    return posting_hold_needed(market, accepted->side, accepted->price, accepted->qty, due);
}

static enum status on_accepted(struct settlement *s, const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    const uint16_t market_index = accepted.market;
    const uint64_t id = accepted.order_id;

    if (market_index >= s->params.market_count || accepted.side > SELL ||
        !balance_sheet_has(s->accounts, accepted.account) || !accepted_as_asked(s, &accepted))
        return differ_order(s, "order accepted", market_index, id, accepted.account, 0, 0);
    if (id != s->ids[market_index].order + 1)
        return differ_order(s, "order id", market_index, id, accepted.account,
                            (int64_t)s->ids[market_index].order + 1, (int64_t)id);

    const struct market *market = &s->params.markets[market_index];
    const uint16_t asset = accepted.side == BUY ? market->quote : market->base;
    amount_t due;
    bool known;
    if (!hold_due(market, &accepted, &due, &known) || due.units != accepted.hold.units)
        return differ_order(s, "hold", market_index, id, accepted.account, due.units,
                            accepted.hold.units);
    if (accepted.hold_asset != asset)
        return differ_order(s, "asset held", market_index, id, accepted.account, asset,
                            accepted.hold_asset);

    const struct hold_entry entry = {.order_id = id,
                                     .account = accepted.account,
                                     .market = market_index,
                                     .asset = asset,
                                     .side = accepted.side,
                                     .type = accepted.type,
                                     .price = accepted.price,
                                     .qty = accepted.qty,
                                     .left = due};
    if (hold_book_add(s->orders, &entry) == NULL)
        return differ_order(s, "open orders", market_index, id, accepted.account,
                            hold_book_count(s->orders), 0);
    s->ids[market_index].order = id;
    s->taker_market = market_index;
    s->taker_order = id;
    const struct posting_set set = posting_hold(accepted.account, asset, due);
    return apply(s, &set);
}

static enum status check_trade_ids(struct settlement *s, const struct fill_event *fill)
{
    struct market_ids *ids = &s->ids[fill->market];
    if (fill->trade_id != ids->trade + 1)
        return differ_order(s, "trade id", fill->market, fill->taker_order, fill->taker_account,
                            (int64_t)ids->trade + 1, (int64_t)fill->trade_id);
    ids->trade++;

    /* An aggregate is one taker's fills at one price, one after the other. */
    const bool same = ids->aggregate_order == fill->taker_order &&
                      ids->aggregate_ticks == fill->price.ticks && ids->aggregate > 0;
    const uint64_t due = same ? ids->aggregate : ids->aggregate + 1;
    if (fill->aggregate_id != due)
        return differ_order(s, "aggregate id", fill->market, fill->taker_order, fill->taker_account,
                            (int64_t)due, (int64_t)fill->aggregate_id);
    ids->aggregate = due;
    ids->aggregate_order = fill->taker_order;
    ids->aggregate_ticks = fill->price.ticks;
    return STATUS_OK;
}

static enum status check_rate(struct settlement *s, const struct fill_event *fill,
                              const struct hold_entry *entry, bool is_maker)
{
    const struct fee_tier *tier =
        &s->params.tiers[balance_sheet_owner(s->accounts, entry->account)->tier];
    const int32_t ours = is_maker ? tier->maker_ppm : tier->taker_ppm;
    const int32_t theirs = is_maker ? fill->maker_rate_ppm : fill->taker_rate_ppm;
    if (ours == theirs) return STATUS_OK;
    return differ_order(s, is_maker ? "maker's fee rate" : "taker's fee rate", fill->market,
                        entry->order_id, entry->account, ours, theirs);
}

/* Whether the two orders may meet like this: the taker is the command's own, on the other side, and
 * the price is the maker's limit and within the taker's. */
static bool parties_agree(const struct settlement *s, const struct fill_event *fill,
                          const struct hold_entry *maker, const struct hold_entry *taker)
{
    if (maker == NULL || taker == NULL || maker == taker) return false;
    if (s->taker_order != fill->taker_order || s->taker_market != fill->market) return false;
    if (maker->account != fill->maker_account || taker->account != fill->taker_account)
        return false;
    if (taker->side != fill->taker_side || maker->side != opposite(taker->side)) return false;
    if (!is_limit(maker->type) || maker->price.ticks != fill->price.ticks) return false;
    if (!is_limit(taker->type)) return true;
    return taker->side == BUY ? fill->price.ticks <= taker->price.ticks
                              : fill->price.ticks >= taker->price.ticks;
}

/* Takes a fill's part out of an order. False when the order has not that much. */
static bool consume(struct hold_entry *entry, const struct posting_fill *moved, qty_t qty)
{
    const amount_t part = entry->side == BUY ? moved->quote : moved->base;
    if (part.units > entry->left.units) return false;
    if (entry->qty.lots > 0 && qty.lots > entry->qty.lots - entry->executed.lots) return false;
    entry->left.units -= part.units;
    entry->executed.lots += qty.lots;
    return amount_add(entry->quote_executed, moved->quote, &entry->quote_executed);
}

/* What a buyer's hold is above what the rest of its limit order needs; it is let go at once. */
static bool surplus(const struct market *market, struct hold_entry *buyer, amount_t *release)
{
    amount_t needed;
    *release = (amount_t){0};
    if (!is_limit(buyer->type)) return true;
    const qty_t rest = qty_less(buyer->qty, buyer->executed);
    if (!posting_hold_needed(market, BUY, buyer->price, rest, &needed)) return false;
    if (needed.units > buyer->left.units) return false;
    release->units = buyer->left.units - needed.units;
    buyer->left = needed;
    return true;
}

static enum status on_fill(struct settlement *s, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    if (fill.market >= s->params.market_count)
        return differ_order(s, "market", fill.market, fill.taker_order, fill.taker_account, 0, 0);

    const struct market *market = &s->params.markets[fill.market];
    struct hold_entry *maker = hold_book_find(s->orders, fill.market, fill.maker_order);
    struct hold_entry *taker = hold_book_find(s->orders, fill.market, fill.taker_order);
    struct posting_fill moved;
    if (!posting_fill_of(market, &fill, &moved) || !parties_agree(s, &fill, maker, taker))
        return differ_order(s, "parties of a fill", fill.market, fill.taker_order,
                            fill.taker_account, 0, fill.price.ticks);

    enum status status = check_trade_ids(s, &fill);
    if (status == STATUS_OK) status = check_rate(s, &fill, maker, true);
    if (status == STATUS_OK) status = check_rate(s, &fill, taker, false);
    if (status != STATUS_OK) return status;

    struct hold_entry *buyer = fill.taker_side == BUY ? taker : maker;
    if (!consume(maker, &moved, fill.qty))
        return differ_order(s, "maker's hold", fill.market, maker->order_id, maker->account,
                            maker->left.units, fill.qty.lots);
    if (!consume(taker, &moved, fill.qty))
        return differ_order(s, "taker's hold", fill.market, taker->order_id, taker->account,
                            taker->left.units, fill.qty.lots);
    if (!surplus(market, buyer, &moved.release))
        return differ_order(s, "buyer's hold", fill.market, buyer->order_id, buyer->account,
                            buyer->left.units, 0);
    const struct posting_set set = posting_fill_set(market, &moved);
    return apply(s, &set);
}

/* An order ends because it is filled, or by its own account's command. */
static bool may_end(const struct settlement *s, const struct hold_entry *entry)
{
    const bool filled = entry->qty.lots > 0 && entry->executed.lots == entry->qty.lots;
    return filled || entry->account == s->actor;
}

static enum status on_done(struct settlement *s, const struct event *event)
{
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    struct hold_entry *entry = hold_book_find(s->orders, done.market, done.order_id);
    if (entry == NULL || entry->account != done.account || entry->side != done.side ||
        entry->type != done.type || entry->price.ticks != done.price.ticks || !may_end(s, entry))
        return differ_order(s, "order done", done.market, done.order_id, done.account, 0, 0);

    /* Ordered by quote amount, the quantity is an outcome: what was executed. */
    const int64_t qty = entry->qty.lots > 0 ? entry->qty.lots : entry->executed.lots;
    if (qty != done.qty.lots)
        return differ_order(s, "order's quantity", done.market, done.order_id, done.account, qty,
                            done.qty.lots);
    if (entry->executed.lots != done.executed.lots)
        return differ_order(s, "executed quantity", done.market, done.order_id, done.account,
                            entry->executed.lots, done.executed.lots);
    if (entry->quote_executed.units != done.quote_executed.units)
        return differ_order(s, "executed quote", done.market, done.order_id, done.account,
                            entry->quote_executed.units, done.quote_executed.units);

    const struct posting_set set = posting_release(entry->account, entry->asset, entry->left);
    hold_book_remove(s->orders, entry);
    return apply(s, &set);
}

static enum status compare(struct settlement *s, uint32_t account, uint16_t asset)
{
    const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
    struct settle_mismatch found = {
        .account = account,
        .asset = asset,
        .command = balance_sheet_owner(s->accounts, account)->last_command,
    };
    if (cell->available.units != cell->engine_available.units) {
        found.what = "available balance";
        found.ours = cell->available.units;
        found.theirs = cell->engine_available.units;
        return differ(s, &found);
    }
    if (cell->held.units != cell->engine_held.units) {
        found.what = "held balance";
        found.ours = cell->held.units;
        found.theirs = cell->engine_held.units;
        return differ(s, &found);
    }
    return STATUS_OK;
}

/* The engine reports after all that a command moved, so the figures must agree at once. */
static enum status on_balance(struct settlement *s, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    if (balance.asset >= s->params.asset_count || !balance_sheet_has(s->accounts, balance.account))
        return differ(s, &(struct settle_mismatch){.what = "balance of nobody",
                                                   .account = balance.account,
                                                   .asset = balance.asset});
    struct balance_cell *cell = balance_sheet_cell(s->accounts, balance.account, balance.asset);
    cell->engine_available = balance.available;
    cell->engine_held = balance.held;
    balance_sheet_touch(s->accounts, balance.account, s->number);
    return compare(s, balance.account, balance.asset);
}

enum status settle_event(struct settlement *s, const struct event *event)
{
    if (s->has_mismatch) return STATUS_MISMATCH;
    switch (event->type) {
    case T_ASSET_CREATED:
        return on_asset(s, event);
    case T_MARKET_CREATED:
        return on_market(s, event);
    case T_MARKET_STATUS_CHANGED:
        return on_market_status(s, event);
    case T_ACCOUNT_CREATED:
        return on_account(s, event);
    case T_KEY_ADDED:
        return on_key(s, event);
    case T_CREDITED:
        return on_credited(s, event);
    case T_DEBITED:
        return on_debited(s, event);
    case T_ORDER_ACCEPTED:
        return on_accepted(s, event);
    case T_FILL:
        return on_fill(s, event);
    case T_ORDER_DONE:
        return on_done(s, event);
    case T_BALANCE:
        return on_balance(s, event);
    default:
        return STATUS_OK; /* moves nothing */
    }
}

/* Compares every balance of the account and, if all agree, puts its leaf into the tree. */
static enum status close_account(struct settlement *s, uint32_t account, uint64_t height)
{
    struct account_leaf leaf = {
        .salt = account_tree_salt(s->tree, account, height),
        .public_key = balance_sheet_owner(s->accounts, account)->public_key,
    };
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const enum status status = compare(s, account, asset);
        if (status != STATUS_OK) return status;
        const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
        if (cell->available.units == 0 && cell->held.units == 0) continue;
        leaf.balances[leaf.count++] =
            (struct account_leaf_balance){asset, cell->available, cell->held};
    }
    account_tree_set(s->tree, account, account_tree_leaf_hash(&leaf));
    return STATUS_OK;
}

static enum status check_totals(struct settlement *s)
{
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const struct totals *totals = &s->totals[asset];
        if (totals_conserved(totals)) continue;
        return differ(s, &(struct settle_mismatch){
                             .what = "totals",
                             .asset = asset,
                             .ours = (int64_t)(totals->users + totals->fees + totals->rounding),
                             .theirs = (int64_t)totals->external});
    }
    return STATUS_OK;
}

enum status settle_block(struct settlement *s, uint64_t height, struct settle_roots *roots)
{
    if (s->has_mismatch) {
        s->mismatch.height = height;
        return STATUS_MISMATCH;
    }
    uint32_t dirty_count;
    const uint32_t *dirty = balance_sheet_dirty(s->accounts, &dirty_count);
    enum status status = check_totals(s);
    for (uint32_t i = 0; i < dirty_count && status == STATUS_OK; i++)
        status = close_account(s, dirty[i], height);
    if (status != STATUS_OK) {
        s->mismatch.height = height;
        return status;
    }
    balance_sheet_forget_dirty(s->accounts);
    INVARIANT(settle_check(s));

    if (s->params_moved) s->params_hash = params_hash(&s->params);
    s->params_moved = false;
    roots->state_root = account_tree_root(s->tree);
    roots->totals_root = totals_root(s->totals, s->params.asset_count);
    roots->params_hash = s->params_hash;
    return STATUS_OK;
}

amount_t settlement_available(const struct settlement *s, uint32_t account, uint16_t asset)
{
    return balance_sheet_cell(s->accounts, account, asset)->available;
}

amount_t settlement_held(const struct settlement *s, uint32_t account, uint16_t asset)
{
    return balance_sheet_cell(s->accounts, account, asset)->held;
}

struct totals settlement_totals(const struct settlement *s, uint16_t asset)
{
    ASSERT(asset < s->params.asset_count);
    return s->totals[asset];
}

/* S2: what the orders hold in one asset. */
static __int128 held_by_orders(const struct settlement *s, uint16_t asset)
{
    __int128 held = 0;
    size_t slot = 0;
    const struct hold_entry *entry;
    while ((entry = hold_book_next(s->orders, &slot)) != NULL)
        if (entry->asset == asset) held += entry->left.units;
    return held;
}

bool settle_check(const struct settlement *s)
{
    const uint32_t account_count = balance_sheet_count(s->accounts);
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        __int128 users = 0, held = 0;
        for (uint32_t account = 1; account <= account_count; account++) {
            const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
            ASSERT(cell->available.units >= 0 && cell->held.units >= 0); /* S3 */
            users += (__int128)cell->available.units + cell->held.units;
            held += cell->held.units;
        }
        ASSERT(users == s->totals[asset].users);
        ASSERT(totals_conserved(&s->totals[asset])); /* S1 */
        ASSERT(held == held_by_orders(s, asset));    /* S2 */
    }
    return true;
}
