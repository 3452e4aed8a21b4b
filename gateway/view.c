#include "gateway/view_state.h"

#include "common/fee.h"

#include <string.h>

/* An order that does not rest needs no place in the engine's books: one more than those may be open
 * while it takes. */
static size_t open_slots(const struct params *params)
{
    return (size_t)params->orders_max + 1;
}

static size_t rounded(size_t count, size_t item_bytes)
{
    return (count * item_bytes + 63) / 64 * 64;
}

size_t view_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return rounded(1, sizeof(struct view)) +
           rounded((size_t)params->accounts_max + 1, sizeof(struct view_account)) +
           rounded(((size_t)params->accounts_max + 1) * params->assets_max,
                   sizeof(struct view_balance)) +
           view_key_bytes(params->keys_max) + view_owner_bytes(params->accounts_max) +
           rounded(open_slots(params) + 1, sizeof(struct view_order)) +
           view_index_bytes((uint32_t)open_slots(params)) + view_list_bytes(params) +
           account_tail_bytes(params, VIEW_PREVENTED_KEPT, sizeof(struct view_prevented)) +
           account_tail_bytes(params, VIEW_AMENDED_KEPT, sizeof(struct view_amended)) +
           custody_view_bytes(genesis) + rounded(open_slots(params) + 1, sizeof(uint32_t)) +
           rounded(VIEW_ORDERS_KEPT, sizeof(struct view_order)) +
           rounded(VIEW_FILLS_KEPT, sizeof(struct view_fill)) +
           2 * rounded(params->markets_max, sizeof(uint64_t));
}

struct view *view_new(struct arena *arena, const struct genesis *genesis,
                      const struct params *markets)
{
    const struct params *params = &genesis->params;
    struct view *view = arena_take(arena, sizeof(*view));
    if (view == NULL) return NULL;

    view->markets = markets;
    view->accounts_max = params->accounts_max;
    view->assets_max = params->assets_max;
    view->orders_max = (uint32_t)open_slots(params);
    view->markets_max = params->markets_max;

    const size_t accounts = (size_t)params->accounts_max + 1;
    const size_t orders = open_slots(params) + 1;
    view->accounts = arena_take_array(arena, accounts, sizeof(*view->accounts));
    view->balances =
        arena_take_array(arena, accounts * params->assets_max, sizeof(*view->balances));
    view->open = arena_take_array(arena, orders, sizeof(*view->open));
    view->free_slots = arena_take_array(arena, orders, sizeof(uint32_t));
    view->done = arena_take_array(arena, VIEW_ORDERS_KEPT, sizeof(*view->done));
    view->fills = arena_take_array(arena, VIEW_FILLS_KEPT, sizeof(*view->fills));
    view->market_fills = arena_take_array(arena, params->markets_max, sizeof(uint64_t));
    view->traded_ns = arena_take_array(arena, params->markets_max, sizeof(uint64_t));

    view->lists = view_list_new(arena, params);
    if (view->lists == NULL || !view_key_init(&view->keys, arena, params->keys_max) ||
        !view_owner_init(&view->owners, arena, params->accounts_max) ||
        !view_index_init(&view->index, arena, view->orders_max) ||
        !account_tail_init(&view->preventions, arena, params, VIEW_PREVENTED_KEPT,
                           sizeof(struct view_prevented)) ||
        !account_tail_init(&view->amendments, arena, params, VIEW_AMENDED_KEPT,
                           sizeof(struct view_amended)))
        return NULL;

    view->custody = custody_view_new(arena, genesis);
    if (view->custody == NULL) return NULL;
    members_begin(&view->members, genesis);

    const bool whole = view->accounts != NULL && view->balances != NULL && view->open != NULL &&
                       view->free_slots != NULL && view->done != NULL && view->fills != NULL &&
                       view->market_fills != NULL && view->traded_ns != NULL;
    return whole ? view : NULL;
}

/* ---- accounts, balances, keys ---- */

static void on_account_created(struct view *view, const struct applied *applied,
                               const struct event *event)
{
    struct account_created_event created;
    account_created_event_get(event->payload, &created);
    ASSERT(created.account >= 1 && created.account <= view->accounts_max);

    struct view_account *account = &view->accounts[created.account];
    memcpy(account->public_key, created.public_key, PUBLIC_KEY_BYTES);
    account->tier = created.tier;
    account->updated_ns = applied->stamp_ns;
    account->exists = true;
    view_owner_add(&view->owners, view->accounts, created.account);
}

static void on_tier_changed(struct view *view, const struct event *event)
{
    struct tier_changed_event changed;
    tier_changed_event_get(event->payload, &changed);
    ASSERT(changed.account >= 1 && changed.account <= view->accounts_max);
    view->accounts[changed.account].tier = changed.tier;
}

static void on_balance(struct view *view, const struct applied *applied, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    ASSERT(balance.account >= 1 && balance.account <= view->accounts_max);
    ASSERT(balance.asset < view->assets_max);

    view->balances[(size_t)balance.account * view->assets_max + balance.asset] =
        (struct view_balance){balance.available, balance.held};
    view->accounts[balance.account].updated_ns = applied->stamp_ns;
}

static void on_key_added(struct view *view, const struct event *event)
{
    struct key_added_event added;
    key_added_event_get(event->payload, &added);
    view_key_add(&view->keys, &added);
}

/* What an account did with a key of its own. */
static void on_key_changed(struct view *view, const struct event *event)
{
    if (event->type == T_KEY_CREATED) {
        struct key_created_event created;
        key_created_event_get(event->payload, &created);
        view_key_created(&view->keys, &created);
    } else if (event->type == T_KEY_LIMITED) {
        struct key_limited_event limited;
        key_limited_event_get(event->payload, &limited);
        view_key_limited(&view->keys, &limited);
    } else {
        struct key_removed_event removed;
        key_removed_event_get(event->payload, &removed);
        view_key_removed(&view->keys, &removed);
    }
}

uint32_t view_find_owner(const struct view *view, const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    return view_owner_find(&view->owners, view->accounts, public_key);
}

int64_t view_find_key(const struct view *view, const uint8_t key_id[32])
{
    return view_key_find(&view->keys, key_id);
}

const struct view_key *view_key(const struct view *view, uint32_t index)
{
    ASSERT(index < view->keys.key_count);
    return &view->keys.keys[index];
}

const struct view_account *view_account(const struct view *view, uint32_t account)
{
    if (account == 0 || account > view->accounts_max) return NULL;
    return view->accounts[account].exists ? &view->accounts[account] : NULL;
}

struct view_balance view_balance(const struct view *view, uint32_t account, uint16_t asset)
{
    ASSERT(account <= view->accounts_max && asset < view->assets_max);
    return view->balances[(size_t)account * view->assets_max + asset];
}

/* ---- open orders ---- */

struct view_order *view_find_open(const struct view *view, uint16_t market, uint64_t order_id)
{
    const uint32_t slot = view_index_find(&view->index, market, order_id);
    return slot == NO_SLOT ? NULL : &view->open[slot];
}

/* The same for an event, which speaks of open orders only. */
static struct view_order *open_of(const struct view *view, uint16_t market, uint64_t order_id)
{
    struct view_order *order = view_find_open(view, market, order_id);
    ASSERT(order != NULL);
    return order;
}

void view_link(struct view *view, uint32_t slot)
{
    struct view_order *order = &view->open[slot];
    struct view_account *account = &view->accounts[order->account];
    order->next_open = NO_SLOT;
    order->previous_open = account->last_open;
    if (account->last_open == NO_SLOT)
        account->first_open = slot;
    else
        view->open[account->last_open].next_open = slot;
    account->last_open = slot;
    account->open_count++;
    view->open_count++;
}

uint32_t view_take_slot(struct view *view)
{
    if (view->free_count > 0) return view->free_slots[--view->free_count];
    return view->open_used < view->orders_max ? ++view->open_used : NO_SLOT;
}

static void unlink_open(struct view *view, uint32_t slot)
{
    const struct view_order *order = &view->open[slot];
    struct view_account *account = &view->accounts[order->account];
    if (order->previous_open == NO_SLOT)
        account->first_open = order->next_open;
    else
        view->open[order->previous_open].next_open = order->next_open;
    if (order->next_open == NO_SLOT)
        account->last_open = order->previous_open;
    else
        view->open[order->next_open].previous_open = order->previous_open;
    account->open_count--;
    view->open_count--;
}

static void on_order_accepted(struct view *view, const struct applied *applied,
                              const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    ASSERT(accepted.account >= 1 && accepted.account <= view->accounts_max);

    const uint32_t slot = view_take_slot(view);
    ASSERT(slot != NO_SLOT);
    struct view_order *order = &view->open[slot];
    *order = (struct view_order){
        .order_id = accepted.order_id,
        .created_ns = applied->stamp_ns,
        .updated_ns = applied->stamp_ns,
        .price = accepted.price,
        .qty = accepted.qty,
        .quote_qty = accepted.quote_qty,
        .account = accepted.account,
        .market = accepted.market,
        .side = accepted.side,
        .type = accepted.type,
        .time_in_force = accepted.time_in_force,
        .self_trade = accepted.self_trade,
        .status = ORDER_NEW,
        .working_ns = view_is_stop(accepted.type) ? 0 : applied->stamp_ns,
    };
    memcpy(order->client_id, accepted.client_id, sizeof(order->client_id));

    view_index_add(&view->index, order->market, order->order_id, slot);
    view_link(view, slot);
    order_tally_add(&view->accounts[accepted.account].tally, applied->stamp_ns);
}

/* Comes after the acceptance, and once more before the end. */
static void on_order_terms(struct view *view, const struct event *event)
{
    struct order_terms_event terms;
    order_terms_event_get(event->payload, &terms);
    struct view_order *order = open_of(view, terms.market, terms.order_id);
    const bool is_first = order->list_id == 0;
    order->list_id = terms.list_id;
    order->stop_price = terms.stop_price;
    order->iceberg_qty = terms.iceberg_qty;
    order->prevented = terms.prevented;
    order->trailing_delta = terms.trailing_delta;
    if (terms.pending) {
        order->status = ORDER_PENDING_NEW;
        order->working_ns = 0;
    }
    if (is_first && terms.list_id != 0)
        view_list_name(view->lists, terms.market, terms.list_id, terms.order_id, order->client_id);
}

/* Comes with the terms, as often as they do. */
static void on_order_tagged(struct view *view, const struct event *event)
{
    struct order_tagged_event tagged;
    order_tagged_event_get(event->payload, &tagged);
    struct view_order *order = open_of(view, tagged.market, tagged.order_id);
    order->strategy_id = tagged.strategy_id;
    order->strategy_type = tagged.strategy_type;
    order->tag_flags = tagged.flags;
}

static void on_order_triggered(struct view *view, const struct applied *applied,
                               const struct event *event)
{
    struct order_triggered_event triggered;
    order_triggered_event_get(event->payload, &triggered);
    struct view_order *order = open_of(view, triggered.market, triggered.order_id);
    order->working_ns = applied->stamp_ns;
    order->updated_ns = applied->stamp_ns;
}

static void on_order_released(struct view *view, const struct applied *applied,
                              const struct event *event)
{
    struct order_released_event released;
    order_released_event_get(event->payload, &released);
    struct view_order *order = open_of(view, released.market, released.order_id);
    order->status = ORDER_NEW;
    order->working_ns = view_is_stop(order->type) ? 0 : applied->stamp_ns;
    order->updated_ns = applied->stamp_ns;
}

static void on_order_amended(struct view *view, const struct applied *applied,
                             const struct event *event)
{
    struct order_amended_event amended;
    order_amended_event_get(event->payload, &amended);
    struct view_order *order = open_of(view, amended.market, amended.order_id);
    memcpy(view->former_client_id, order->client_id, sizeof(order->client_id));
    view_amended_add(&view->amendments, &amended, order->client_id, applied);
    memcpy(order->client_id, amended.client_id, sizeof(order->client_id));
    order->qty = amended.qty;
    order->updated_ns = applied->stamp_ns;
    if (order->list_id != 0)
        view_list_name(view->lists, amended.market, order->list_id, amended.order_id,
                       order->client_id);
}

static void prevent_order(struct view *view, const struct prevented_event *prevented,
                          uint64_t order_id, qty_t qty, uint64_t stamp_ns)
{
    struct view_order *order = open_of(view, prevented->market, order_id);
    if (qty.lots == 0) return; /* it was the other that gave way */
    order->prevented.lots += qty.lots;
    order->prevented_id = prevented->prevented_id;
    order->updated_ns = stamp_ns;
}

static void on_prevented(struct view *view, const struct applied *applied,
                         const struct event *event)
{
    struct prevented_event prevented;
    prevented_event_get(event->payload, &prevented);
    prevent_order(view, &prevented, prevented.maker_order, prevented.maker_qty, applied->stamp_ns);
    prevent_order(view, &prevented, prevented.taker_order, prevented.taker_qty, applied->stamp_ns);
    view_prevented_add(&view->preventions, &prevented, applied);
}

/* ---- tails ---- */

static void drop_done(struct view *view)
{
    const struct view_order *order = &view->done[view->done_begin % VIEW_ORDERS_KEPT];
    if (order->command > view->dropped) view->dropped = order->command;
    view->done_begin++;
}

static void drop_fill(struct view *view)
{
    const struct view_fill *fill = &view->fills[view->fill_begin % VIEW_FILLS_KEPT];
    if (fill->command > view->dropped) view->dropped = fill->command;
    view->fill_begin++;
}

static void on_order_done(struct view *view, const struct applied *applied,
                          const struct event *event)
{
    struct order_done_event ended;
    order_done_event_get(event->payload, &ended);
    const uint32_t slot = view_index_remove(&view->index, ended.market, ended.order_id);
    unlink_open(view, slot);
    view->free_slots[view->free_count++] = slot;

    if (view->done_end - view->done_begin == VIEW_ORDERS_KEPT) drop_done(view);
    struct view_account *account = &view->accounts[ended.account];
    struct view_order *order = &view->done[view->done_end % VIEW_ORDERS_KEPT];
    *order = view->open[slot];
    order->command = applied->number;
    order->updated_ns = applied->stamp_ns;
    order->qty = ended.qty;
    order->executed = ended.executed;
    order->quote_executed = ended.quote_executed;
    order->status = ended.status;
    order->reason = ended.reason;
    order->previous = account->last_done;
    account->last_done = ++view->done_end;
}

/* What a fill did to one of its orders. */
static void fill_order(struct view *view, const struct fill_event *fill, uint64_t order_id,
                       uint64_t stamp_ns)
{
    struct view_order *order = open_of(view, fill->market, order_id);
    const struct market *market = &view->markets->markets[fill->market];
    if (order->executed.lots == 0)
        order_tally_give_back(&view->accounts[order->account].tally, stamp_ns);
    order->executed.lots += fill->qty.lots;
    order->quote_executed.units += market_notional(market, fill->price, fill->qty).units;
    order->status = ORDER_PARTIALLY_FILLED;
    order->updated_ns = stamp_ns;
}

amount_t view_fee(const struct market *market, const struct fill_event *fill, enum side side,
                  int32_t rate_ppm)
{
    const amount_t base = market_base_amount(market, fill->qty);
    const amount_t quote = market_notional(market, fill->price, fill->qty);
    if (rate_ppm < 0) return (amount_t){-fee_rebate(side == BUY ? quote : base, rate_ppm).units};
    return fee_of(side == BUY ? base : quote, rate_ppm).charged;
}

static void on_fill(struct view *view, const struct applied *applied, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    ASSERT(fill.market < view->markets_max);
    fill_order(view, &fill, fill.maker_order, applied->stamp_ns);
    fill_order(view, &fill, fill.taker_order, applied->stamp_ns);

    if (view->fill_end - view->fill_begin == VIEW_FILLS_KEPT) drop_fill(view);
    const struct market *market = &view->markets->markets[fill.market];
    const enum side taker_side = (enum side)fill.taker_side;
    struct view_account *maker = &view->accounts[fill.maker_account];
    struct view_account *taker = &view->accounts[fill.taker_account];
    view->fills[view->fill_end % VIEW_FILLS_KEPT] = (struct view_fill){
        .command = applied->number,
        .trade_id = fill.trade_id,
        .aggregate_id = fill.aggregate_id,
        .time_ns = applied->stamp_ns,
        .maker_order = fill.maker_order,
        .taker_order = fill.taker_order,
        .maker_list = open_of(view, fill.market, fill.maker_order)->list_id,
        .taker_list = open_of(view, fill.market, fill.taker_order)->list_id,
        .previous_of_maker = maker->last_fill,
        .previous_of_taker = taker->last_fill,
        .previous_of_market = view->market_fills[fill.market],
        .price = fill.price,
        .qty = fill.qty,
        .maker_fee = view_fee(market, &fill, opposite(taker_side), fill.maker_rate_ppm),
        .taker_fee = view_fee(market, &fill, taker_side, fill.taker_rate_ppm),
        .maker_account = fill.maker_account,
        .taker_account = fill.taker_account,
        .market = fill.market,
        .taker_side = fill.taker_side,
    };
    view->fill_end++;
    maker->last_fill = view->fill_end;
    taker->last_fill = view->fill_end;
    if (view->market_fills[fill.market] == 0) view->traded_ns[fill.market] = applied->stamp_ns;
    view->market_fills[fill.market] = view->fill_end;
}

void view_trim(struct view *view, uint64_t projected_command, uint64_t now_ns)
{
    while (view->done_begin != view->done_end) {
        const struct view_order *order = &view->done[view->done_begin % VIEW_ORDERS_KEPT];
        if (order->command > projected_command || order->updated_ns + TAIL_GRACE_NS > now_ns) break;
        drop_done(view);
    }
    while (view->fill_begin != view->fill_end) {
        const struct view_fill *fill = &view->fills[view->fill_begin % VIEW_FILLS_KEPT];
        if (fill->command > projected_command || fill->time_ns + TAIL_GRACE_NS > now_ns) break;
        drop_fill(view);
    }
}

/* ---- events ---- */

static void on_hello_accepted(struct view *view, const struct event *event)
{
    struct hello_accepted_event hello;
    hello_accepted_event_get(event->payload, &hello);
    if (hello.node == view->node) view->epoch = hello.epoch;
}

/* The engine has refused what cannot be. */
static void on_node_changed(struct view *view, const struct event *event)
{
    struct node_changed_event changed;
    node_changed_event_get(event->payload, &changed);
    const bool follows = members_apply(&view->members, &changed);
    ASSERT(follows);
}

static void on_account_frozen(struct view *view, const struct event *event)
{
    struct account_frozen_event frozen;
    account_frozen_event_get(event->payload, &frozen);
    ASSERT(view_account(view, frozen.account) != NULL);
    view->accounts[frozen.account].frozen = frozen.frozen != 0;
}

static void set_pending(struct view *view, uint32_t account, bool pending)
{
    ASSERT(view_account(view, account) != NULL);
    view->waiting_count += (uint32_t)pending - (uint32_t)view->accounts[account].pending;
    view->accounts[account].pending = pending;
}

static void on_account_pending(struct view *view, const struct event *event)
{
    struct account_pending_event told;
    account_pending_event_get(event->payload, &told);
    set_pending(view, told.account, told.pending != 0);
}

void view_apply(struct view *view, const struct applied *applied, const struct event *event)
{
    switch (event->type) {
    case T_ACCOUNT_CREATED:
        on_account_created(view, applied, event);
        break;
    case T_TIER_CHANGED:
        on_tier_changed(view, event);
        break;
    case T_KEY_ADDED:
        on_key_added(view, event);
        break;
    case T_KEY_CREATED:
    case T_KEY_LIMITED:
    case T_KEY_REMOVED:
        on_key_changed(view, event);
        break;
    case T_BALANCE:
        on_balance(view, applied, event);
        break;
    case T_ORDER_ACCEPTED:
        on_order_accepted(view, applied, event);
        break;
    case T_ORDER_TERMS:
        on_order_terms(view, event);
        break;
    case T_ORDER_TAGGED:
        on_order_tagged(view, event);
        break;
    case T_ORDER_TRIGGERED:
        on_order_triggered(view, applied, event);
        break;
    case T_ORDER_RELEASED:
        on_order_released(view, applied, event);
        break;
    case T_ORDER_AMENDED:
        on_order_amended(view, applied, event);
        break;
    case T_PREVENTED:
        on_prevented(view, applied, event);
        break;
    case T_FILL:
        on_fill(view, applied, event);
        break;
    case T_ORDER_DONE:
        on_order_done(view, applied, event);
        break;
    case T_LIST_ACCEPTED:
    case T_LIST_DONE:
        view_list_apply(view->lists, applied, event);
        break;
    case T_HELLO_ACCEPTED:
        on_hello_accepted(view, event);
        break;
    case T_NODE_CHANGED:
        on_node_changed(view, event);
        break;
    case T_ACCOUNT_FROZEN:
        on_account_frozen(view, event);
        break;
    case T_ACCOUNT_PENDING:
        on_account_pending(view, event);
        break;
    default:
        custody_view_apply(view->custody, applied->number, applied->stamp_ns, event);
        break;
    }
}

void view_finish(struct view *view, const struct applied *applied)
{
    ASSERT(applied->number == view->command + 1);
    view->command = applied->number;
}

void view_freeze(struct view *view, uint32_t account)
{
    ASSERT(view_account(view, account) != NULL);
    view->accounts[account].frozen = true;
}

void view_make_wait(struct view *view, uint32_t account)
{
    set_pending(view, account, true);
}

uint32_t view_waiting_count(const struct view *view)
{
    return view->waiting_count;
}

struct custody_view *view_custody(const struct view *view)
{
    return view->custody;
}

uint64_t view_command(const struct view *view)
{
    return view->command;
}

uint64_t view_epoch(const struct view *view)
{
    return view->epoch;
}

void view_watch_node(struct view *view, uint32_t node)
{
    view->node = node;
}

uint64_t view_dropped(const struct view *view)
{
    return view->dropped;
}

const uint8_t *view_former_client_id(const struct view *view)
{
    return view->former_client_id;
}

const struct members *view_members(const struct view *view)
{
    return &view->members;
}

bool view_has_traded(const struct view *view, uint16_t market)
{
    ASSERT(market < view->markets_max);
    return view->market_fills[market] != 0;
}

bool view_had_traded(const struct view *view, uint16_t market, uint64_t stamp_ns)
{
    return view_has_traded(view, market) && view->traded_ns[market] <= stamp_ns;
}

const struct view_lists *view_lists(const struct view *view)
{
    return view->lists;
}

const struct account_tail *view_preventions(const struct view *view)
{
    return &view->preventions;
}

const struct account_tail *view_amendments(const struct view *view)
{
    return &view->amendments;
}

/* ---- walks ---- */

const struct view_order *view_open_order(const struct view *view, uint32_t account, uint16_t market,
                                         uint64_t order_id)
{
    const struct view_order *order = view_find_open(view, market, order_id);
    return order != NULL && order->account == account ? order : NULL;
}

const struct view_order *view_next_open(const struct view *view, uint32_t account,
                                        const struct view_order *order)
{
    if (account == 0 || account > view->accounts_max) return NULL;
    const uint32_t slot = order == NULL ? view->accounts[account].first_open : order->next_open;
    return slot == NO_SLOT ? NULL : &view->open[slot];
}

const struct view_order *view_open_client(const struct view *view, uint32_t account,
                                          uint16_t market, const uint8_t client_id[36])
{
    const struct view_order *order = NULL;
    while ((order = view_next_open(view, account, order)) != NULL) {
        if (order->market == market && memcmp(order->client_id, client_id, 36) == 0) return order;
    }
    return NULL;
}

const struct view_order *view_next_done(const struct view *view, uint32_t account,
                                        const struct view_order *order)
{
    if (account == 0 || account > view->accounts_max) return NULL;
    const uint64_t number = order == NULL ? view->accounts[account].last_done : order->previous;
    if (number == 0 || number - 1 < view->done_begin) return NULL;
    return &view->done[(number - 1) % VIEW_ORDERS_KEPT];
}

const struct view_fill *view_next_fill(const struct view *view, uint32_t account,
                                       const struct view_fill *fill)
{
    if (account == 0 || account > view->accounts_max) return NULL;
    uint64_t number = view->accounts[account].last_fill;
    if (fill != NULL)
        number = fill->maker_account == account ? fill->previous_of_maker : fill->previous_of_taker;
    if (number == 0 || number - 1 < view->fill_begin) return NULL;
    return &view->fills[(number - 1) % VIEW_FILLS_KEPT];
}

const struct view_fill *view_next_market_fill(const struct view *view, uint16_t market,
                                              const struct view_fill *fill)
{
    ASSERT(market < view->markets_max);
    const uint64_t number = fill == NULL ? view->market_fills[market] : fill->previous_of_market;
    if (number == 0 || number - 1 < view->fill_begin) return NULL;
    return &view->fills[(number - 1) % VIEW_FILLS_KEPT];
}

bool view_check(const struct view *view)
{
    uint32_t listed = 0;
    for (uint32_t account = 1; account <= view->accounts_max; account++) {
        uint32_t own = 0;
        const struct view_order *order = NULL;
        while ((order = view_next_open(view, account, order)) != NULL) {
            ASSERT(order->account == account);
            ASSERT(view_find_open(view, order->market, order->order_id) == order);
            own++;
        }
        ASSERT(own == view->accounts[account].open_count);
        listed += own;
    }
    ASSERT(listed == view->open_count);
    ASSERT(view->open_used - view->free_count == view->open_count);
    ASSERT(view->done_end - view->done_begin <= VIEW_ORDERS_KEPT);
    ASSERT(view->fill_end - view->fill_begin <= VIEW_FILLS_KEPT);
    ASSERT(view_list_check(view->lists));
    return true;
}
