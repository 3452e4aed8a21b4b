#include "settlement/restore_order.h"

#include "settlement/booking.h"
#include "settlement/waking.h"

#define IDS_LIMIT (UINT64_C(1) << 53)

/* A market on its way in. Its orders have the numbers first .. first + counts.orders - 1. */
struct loading {
    struct settlement *s;
    struct settled_sections *sections;
    const struct market *market;
    struct market_state *state;
    struct settled_market counts;
    uint64_t last_id, last_list;
    uint32_t first;
    uint16_t index;
};

/* ---- Numbers. */

static bool price_fits(const struct loading *loading, price_t price)
{
    return price.ticks >= loading->market->price_min.ticks &&
           price.ticks <= loading->market->price_max.ticks;
}

static bool numbers_load(struct loading *loading)
{
    const struct settled_market *counts = &loading->counts;
    if (!settled_market_next(loading->sections, &loading->counts)) return false;
    if (counts->last_order >= IDS_LIMIT || counts->last_trade >= IDS_LIMIT ||
        counts->last_aggregate > counts->last_trade || counts->last_update >= IDS_LIMIT ||
        counts->last_prevented >= IDS_LIMIT || counts->last_list >= IDS_LIMIT)
        return false;
    const bool traded = counts->last_trade != 0;
    if (traded != (counts->last_aggregate != 0) ||
        (traded ? !price_fits(loading, counts->last_price) : counts->last_price.ticks != 0))
        return false;
    *loading->state = (struct market_state){.order = counts->last_order,
                                            .trade = counts->last_trade,
                                            .aggregate = counts->last_aggregate,
                                            .prevented = counts->last_prevented,
                                            .list = counts->last_list,
                                            .update = counts->last_update,
                                            .last = counts->last_price};
    return true;
}

/* ---- Orders. */

static bool extra_load(struct loading *loading, struct hold_entry *entry)
{
    struct settled_extra extra;
    if (!settled_extra_next(loading->sections, &extra)) return false;
    entry->stop_price = extra.stop_price;
    entry->iceberg_qty = extra.iceberg_qty;
    entry->shown = extra.shown;
    entry->prevented = extra.prevented;
    entry->trailing_delta = extra.trailing_delta;
    return extra.stop_price.ticks != 0 || extra.iceberg_qty.lots != 0 ||
           extra.prevented.lots != 0 || extra.trailing_delta != 0;
}

static bool follower_load(struct loading *loading, struct hold_entry *entry)
{
    struct settled_follower follower;
    if (!settled_follower_next(loading->sections, &follower)) return false;
    entry->start_trade = follower.first_trade;
    entry->woken_price = follower.extreme;
    entry->hold_price = follower.hold_price;
    return entry->state == HOLD_ASLEEP && entry->trailing_delta != 0 && follower.first_trade != 0 &&
           follower.first_trade <= loading->counts.last_trade + 1 &&
           (follower.extreme.ticks == 0 || price_fits(loading, follower.extreme)) &&
           (order_holds_by_last(entry) ? price_fits(loading, follower.hold_price)
                                       : follower.hold_price.ticks == 0);
}

static bool session_load(struct loading *loading, struct hold_entry *entry)
{
    struct settled_session session;
    if (!settled_session_next(loading->sections, &session)) return false;
    entry->session = session.session;
    entry->origin = session.origin;
    return session.session != 0;
}

/* Whether its fields are among those that there are. */
static bool form_valid(const struct loading *loading, const struct hold_entry *entry)
{
    if (entry->order_id <= loading->last_id || entry->order_id > loading->counts.last_order ||
        !balance_sheet_has(loading->s->accounts, entry->account) ||
        entry->created_ns > loading->s->command.stamp_ns)
        return false;
    if (entry->side > SELL || entry->type < LIMIT || entry->type > TAKE_PROFIT_LIMIT ||
        entry->time_in_force < GTC || entry->time_in_force > FOK ||
        entry->self_trade >= SELF_TRADE_TRANSFER)
        return false;
    if ((!order_has_price(entry->type) || entry->type == LIMIT_MAKER) &&
        entry->time_in_force != GTC)
        return false;
    switch (entry->state) {
    case HOLD_PENDING:
        return true;
    case HOLD_ASLEEP:
        return order_is_stop(entry->type);
    default:
        return entry->state == HOLD_WORKING && order_may_rest(entry);
    }
}

static bool stop_valid(const struct loading *loading, const struct hold_entry *entry)
{
    const bool has_stop = entry->stop_price.ticks != 0;
    if (has_stop && !price_fits(loading, entry->stop_price)) return false;
    if (entry->trailing_delta > MARKET_TRAILING_MAX) return false;
    if (order_is_stop(entry->type) != (has_stop || entry->trailing_delta != 0)) return false;
    /* One without a price to wait for trails as soon as it sleeps. */
    return entry->state != HOLD_ASLEEP || has_stop || entry->start_trade != 0;
}

/* Whether what it has done and has left adds up within the market's bounds. */
static bool amounts_valid(const struct loading *loading, const struct hold_entry *entry)
{
    const struct market *market = loading->market;
    const bool met = entry->state == HOLD_WORKING; /* somebody, if it did anything */
    if (order_has_price(entry->type) ? !price_fits(loading, entry->price) : entry->price.ticks != 0)
        return false;
    if (entry->qty.lots < 1 || entry->qty.lots > market->qty_max.lots) return false;
    if (entry->executed.lots < 0 || entry->executed.lots >= entry->qty.lots ||
        entry->prevented.lots < 0 ||
        entry->prevented.lots >= entry->qty.lots - entry->executed.lots)
        return false;
    if (!met && (entry->executed.lots != 0 || entry->prevented.lots != 0)) return false;
    if (entry->quote_executed.units < 0 ||
        entry->quote_executed.units >
            market_notional(market, market->price_max, entry->executed).units)
        return false;
    const qty_t whole = qty_min(entry->iceberg_qty, order_rest(entry));
    if (entry->iceberg_qty.lots != 0 &&
        (entry->iceberg_qty.lots < 0 || entry->iceberg_qty.lots > market->qty_max.lots ||
         !order_has_price(entry->type) || entry->time_in_force != GTC))
        return false;
    return entry->shown.lots == 0 ||
           (met && entry->shown.lots > 0 && entry->shown.lots < whole.lots);
}

/* The price by which a buyer's hold is counted, unless its follower's record had it. */
static void hold_price_set(struct hold_entry *entry)
{
    if (order_follows(entry) && order_holds_by_last(entry)) return;
    entry->hold_price =
        waking_hold_price(entry->type, entry->price, entry->stop_price, (price_t){0});
}

static bool order_load(struct loading *loading)
{
    struct settled_order record;
    if (!settled_order_next(loading->sections, &record)) return false;
    const struct market *market = loading->market;
    struct hold_entry entry = {
        .order_id = record.id,
        .created_ns = record.created_ns,
        .client_hash = record.client_hash,
        .price = record.price,
        .qty = record.qty,
        .executed = record.executed,
        .quote_executed = record.quote_executed,
        .account = record.account,
        .market = loading->index,
        .asset = record.side == BUY ? market->quote : market->base,
        .side = record.side,
        .type = record.type,
        .time_in_force = record.time_in_force,
        .self_trade = record.self_trade,
        .state = record.state,
    };
    if (record.has > (SETTLED_HAS_EXTRA | SETTLED_HAS_FOLLOWER | SETTLED_HAS_SESSION) ||
        !form_valid(loading, &entry) ||
        ((record.has & SETTLED_HAS_EXTRA) != 0 && !extra_load(loading, &entry)) ||
        ((record.has & SETTLED_HAS_FOLLOWER) != 0 && !follower_load(loading, &entry)) ||
        ((record.has & SETTLED_HAS_SESSION) != 0 && !session_load(loading, &entry)) ||
        !stop_valid(loading, &entry) || !amounts_valid(loading, &entry))
        return false;
    hold_price_set(&entry);
    loading->last_id = record.id;
    return hold_book_add(loading->s->orders, &entry) != NULL;
}

/* ---- Lists. */

static bool has_leg(const struct settled_list *list, uint8_t leg)
{
    return (list->legs >> leg & 1) != 0;
}

/* Of lists of this kind: how many legs they have, and the first of the two that are a pair. */
static uint8_t leg_count(uint8_t kind)
{
    return kind == LIST_OTOCO ? 3 : 2;
}

/* While the working order is open its pending ones are too. */
static bool legs_valid(const struct settled_list *list)
{
    const uint8_t all = (uint8_t)((1 << leg_count(list->kind)) - 1);
    if (list->legs == 0 || (list->legs & ~all) != 0) return false;
    return list->kind == LIST_OCO || !has_leg(list, 0) || list->legs == all;
}

/* What an order may be as a leg of its list. */
static bool leg_valid(const struct settled_list *list, const struct hold_entry *entry)
{
    const bool waits = list->kind != LIST_OCO && entry->leg > 0 && has_leg(list, 0);
    if (waits != (entry->state == HOLD_PENDING)) return false;
    /* The working order was not one that may sleep. */
    return list->kind == LIST_OCO || entry->leg > 0 || entry->state == HOLD_WORKING;
}

/* A pair holds once: on one side, and for one account. */
static bool pair_valid(struct loading *loading, const struct settled_list *list)
{
    const struct hold_entry *before = NULL;
    for (uint8_t leg = 0; leg < leg_count(list->kind); leg++) {
        if (!has_leg(list, leg)) continue;
        const struct hold_entry *entry =
            hold_book_find(loading->s->orders, loading->index, list->first + leg);
        if (before != NULL && before->account != entry->account) return false;
        const bool paired = before != NULL && booking_sibling(loading->s, entry) == before;
        if (paired && (before->side != entry->side || before->executed.lots != 0 ||
                       entry->executed.lots != 0))
            return false;
        before = entry;
    }
    return true;
}

static bool list_load(struct loading *loading)
{
    struct settled_list list;
    if (!settled_list_next(loading->sections, &list)) return false;
    if (list.id <= loading->last_list || list.id > loading->counts.last_list || list.first == 0 ||
        list.first >= IDS_LIMIT || list.kind < LIST_OCO || list.kind > LIST_OTOCO ||
        !legs_valid(&list))
        return false;
    loading->last_list = list.id;
    for (uint8_t leg = 0; leg < leg_count(list.kind); leg++) {
        struct hold_entry *entry =
            hold_book_find(loading->s->orders, loading->index, list.first + leg);
        if (has_leg(&list, leg) != (entry != NULL)) return false; /* its ids are its orders' */
        if (entry == NULL) continue;
        if (entry->list_id != 0) return false;
        entry->list_id = list.id;
        entry->list_first = list.first;
        entry->list_client_hash = list.client_hash;
        entry->list_kind = list.kind;
        entry->leg = leg;
        if (!leg_valid(&list, entry)) return false;
    }
    return pair_valid(loading, &list);
}

/* ---- What follows from the orders: their holds, and who sleeps. */

static bool order_settle(struct loading *loading, struct hold_entry *entry)
{
    struct settlement *s = loading->s;
    if (entry->state == HOLD_PENDING && entry->list_id == 0) return false;
    if (!booking_due(s, entry, &entry->left)) return false;
    struct balance_cell *cell = balance_sheet_cell(s->accounts, entry->account, entry->asset);
    if (entry->left.units > cell->engine_held.units) return false;
    cell->engine_held.units -= entry->left.units;
    if (entry->state == HOLD_ASLEEP) waking_sleep_on(s, entry);
    return true;
}

/* ---- Prices. */

/* Prices that go one way, `sign` 1 up and -1 down; trade ids rise. */
static bool marks_load(struct loading *loading, struct price_mark *marks, uint32_t count,
                       int64_t sign)
{
    uint64_t from = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct settled_mark mark;
        if (!settled_mark_next(loading->sections, &mark)) return false;
        if (mark.trade < from || mark.trade > loading->counts.last_trade ||
            !price_fits(loading, mark.price) ||
            (i > 0 && sign * mark.price.ticks <= sign * marks[i - 1].price.ticks))
            return false;
        marks[i] = (struct price_mark){mark.trade, mark.price};
        from = mark.trade + 1;
    }
    return true;
}

/* The price kept last is both the newest high and the newest low. */
static bool ends_alike(const struct price_trail *trail)
{
    const struct price_mark *high = &trail->highs[trail->high_count - 1];
    const struct price_mark *low = &trail->lows[trail->low_count - 1];
    return high->trade_id == low->trade_id && high->price.ticks == low->price.ticks;
}

static bool trail_load(struct loading *loading)
{
    const uint32_t highs = loading->counts.highs, lows = loading->counts.lows;
    struct price_trail *trail = &loading->s->trails[loading->index];
    if (highs > PRICE_TRAIL_MAX || lows > PRICE_TRAIL_MAX || (highs == 0) != (lows == 0) ||
        (highs != 0 && loading->state->trailing_count == 0))
        return false;
    trail->high_count = highs;
    trail->low_count = lows;
    return marks_load(loading, trail->highs, highs, -1) &&
           marks_load(loading, trail->lows, lows, 1) && (highs == 0 || ends_alike(trail));
}

bool restore_orders(struct settlement *s, struct settled_sections *sections, uint16_t market)
{
    struct loading loading = {.s = s,
                              .sections = sections,
                              .market = &s->params.markets[market],
                              .state = &s->markets[market],
                              .first = hold_book_count(s->orders) + 1,
                              .index = market};
    if (!numbers_load(&loading)) return false;
    for (uint32_t i = 0; i < loading.counts.orders; i++)
        if (!order_load(&loading)) return false;
    for (uint32_t i = 0; i < loading.counts.lists; i++)
        if (!list_load(&loading)) return false;
    for (uint32_t i = 0; i < loading.counts.orders; i++)
        if (!order_settle(&loading, hold_book_at(s->orders, loading.first + i))) return false;
    return trail_load(&loading);
}
