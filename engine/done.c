#include "engine/done.h"

#include "engine/holds.h"
#include "engine/work.h"

#include <string.h>

static bool has_terms(const struct order *order, const struct order_extra *extra)
{
    return extra->stop_price.ticks != 0 || extra->trailing_delta != 0 ||
           extra->prevented.lots != 0 || (order->flags & (ORDER_ICEBERG | ORDER_LISTED)) != 0;
}

void done_write_terms(struct engine *engine, const struct order *order, struct event_writer *out)
{
    const struct order_extra *extra = state_extra(engine, order);
    if (!has_terms(order, extra)) return;
    const bool listed = (order->flags & ORDER_LISTED) != 0;
    const struct order_terms_event terms = {
        .order_id = order->id,
        .list_id = listed ? engine->lists.lists[extra->list].id : 0,
        .stop_price = extra->stop_price,
        .iceberg_qty.lots = (order->flags & ORDER_ICEBERG) != 0 ? extra->iceberg_qty.lots : 0,
        .prevented = extra->prevented,
        .trailing_delta = extra->trailing_delta,
        .account = order->account,
        .market = order->market,
        .pending = (order->flags & ORDER_PENDING) != 0,
    };
    event_write_order_terms(out, &terms);
}

void done_write_tag(struct engine *engine, const struct order *order, struct event_writer *out)
{
    if (order->tag_flags == 0) return;
    const struct order_extra *extra = state_extra(engine, order);
    const struct order_tagged_event tagged = {
        .order_id = order->id,
        .strategy_id = extra->strategy_id,
        .strategy_type = extra->strategy_type,
        .account = order->account,
        .market = order->market,
        .flags = order->tag_flags,
    };
    event_write_order_tagged(out, &tagged);
}

static void done_write(struct engine *engine, uint32_t slot, amount_t quote_qty,
                       enum order_status status, enum done_reason reason, struct event_writer *out)
{
    const struct order *order = state_order(engine, slot);
    if (order->extra != NO_SLOT) {
        done_write_terms(engine, order, out);
        done_write_tag(engine, order, out);
    }
    struct order_done_event done = {
        .order_id = order->id,
        .created_ns = order->created_ns,
        .price = order->price,
        .qty = order->qty,
        .executed = order_executed(&engine->books.orders, slot),
        .quote_qty = quote_qty,
        .quote_executed = order->quote_executed,
        .account = order->account,
        .market = order->market,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
        .status = (uint8_t)status,
        .reason = (uint8_t)reason,
    };
    memcpy(done.client_id, order->client_id, CLIENT_ID_BYTES);
    event_write_order_done(out, &done);
}

/* Takes a dormant order out of sleep or queue; a pending one is nowhere. */
static void dormant_leave(struct engine *engine, uint32_t slot)
{
    struct order *order = state_order(engine, slot);
    if ((order->flags & ORDER_ASLEEP) != 0) triggers_wake(&engine->triggers, order->level);
    if ((order->flags & ORDER_QUEUED) != 0) work_remove(engine, slot);
    order->flags &= (uint8_t) ~(ORDER_ASLEEP | ORDER_DORMANT);
    engine->dormant_count--;
}

static void bound_leave(struct engine *engine, const struct order *order)
{
    const struct order_extra *extra = state_extra(engine, order);
    const uint32_t older = extra->bound_older, newer = extra->bound_newer;
    if (older == NO_SLOT)
        engine->bound_oldest = newer;
    else
        state_extra(engine, state_order(engine, older))->bound_newer = newer;
    if (newer == NO_SLOT)
        engine->bound_newest = older;
    else
        state_extra(engine, state_order(engine, newer))->bound_older = older;
}

/* The order of this list's leg has ended: its others end too, are released, or stay. */
static void list_leave(struct engine *engine, uint32_t list_slot, uint32_t leg,
                       enum order_status status, enum done_reason reason, struct event_writer *out)
{
    struct list *list = &engine->lists.lists[list_slot];
    const bool working = leg == 0 && list->kind != LIST_OCO;
    list->legs[leg] = NO_SLOT;
    list->open--;

    if (status == ORDER_FILLED) {
        if (working) work_push(engine, list->legs[1]);
    } else if (reason != DONE_OCO && !list->ending) {
        list->ending = 1;
        for (uint32_t other = 0; other < LIST_LEGS; other++)
            if (list->legs[other] != NO_SLOT)
                done_close(engine, list->legs[other],
                           status == ORDER_CANCELED ? ORDER_CANCELED : ORDER_EXPIRED,
                           working ? DONE_WORKING_ENDED : DONE_LIST_CANCELED, out);
        list->ending = 0;
    }
    if (list->open > 0 || list->id == 0) return;
    const struct list_done_event done = {
        .list_id = list->id, .account = list->account, .market = list->market};
    event_write_list_done(out, &done);
    lists_give(&engine->lists, list_slot);
}

/* Forgets an order whose last word is written. */
static void order_leave(struct engine *engine, uint32_t slot, bool entered,
                        enum order_status status, enum done_reason reason, struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    const bool listed = (order->flags & ORDER_LISTED) != 0;
    uint32_t list = NO_SLOT, leg = 0;
    if (entered)
        directory_remove(&engine->directory, slot, order_open(&engine->books.orders, slot).lots);
    if (order->extra != NO_SLOT) {
        list = state_extra(engine, order)->list;
        leg = state_extra(engine, order)->leg;
        if ((order->flags & ORDER_BOUND) != 0) bound_leave(engine, order);
        order_extra_give(&engine->books.orders, slot);
    }
    order_pool_give(&engine->books.orders, slot);
    if (listed) list_leave(engine, list, leg, status, reason, out);
}

amount_t done_hold(struct engine *engine, uint32_t slot)
{
    const struct order_pool *pool = &engine->books.orders;
    const struct market *market = state_market(engine, &pool->orders[slot]);
    const amount_t need = holds_need(pool, market, slot);
    const uint32_t sibling = lists_sibling(&engine->lists, pool, slot);
    if (sibling == NO_SLOT) return need;
    const amount_t other = holds_need(pool, market, sibling);
    return need.units > other.units ? need : other;
}

/* What leaves the hold when this order goes: for one of a pair, only what the other does not need. */
static amount_t hold_freed(struct engine *engine, const struct market *market, uint32_t slot)
{
    const struct order_pool *pool = &engine->books.orders;
    const uint32_t sibling = lists_sibling(&engine->lists, pool, slot);
    const amount_t held = done_hold(engine, slot);
    if (sibling == NO_SLOT) return held;
    return (amount_t){held.units - holds_need(pool, market, sibling).units};
}

/* The end of what most orders are: nothing but a price and a quantity in the book. */
static void plain_close(struct engine *engine, uint32_t slot, enum order_status status,
                        enum done_reason reason, struct event_writer *out)
{
    const struct order *order = state_order(engine, slot);
    const struct market *market = state_market(engine, order);
    book_remove(&engine->books, slot);
    accounts_release(&engine->accounts, order->account, holds_asset(market, order->side),
                     holds_of(market, order->side, order->price, order->left));
    done_write(engine, slot, (amount_t){0}, status, reason, out);
    directory_remove(&engine->directory, slot, order->left.lots);
    order_pool_give(&engine->books.orders, slot);
}

void done_filled(struct engine *engine, uint32_t slot, qty_t last, struct event_writer *out)
{
    book_remove(&engine->books, slot);
    done_write(engine, slot, (amount_t){0}, ORDER_FILLED, DONE_FILLED, out);
    directory_remove(&engine->directory, slot, last.lots);
    order_pool_give(&engine->books.orders, slot);
}

void done_close(struct engine *engine, uint32_t slot, enum order_status status,
                enum done_reason reason, struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    if (order->extra == NO_SLOT) {
        plain_close(engine, slot, status, reason, out);
        return;
    }
    const struct market *market = state_market(engine, order);
    const amount_t freed = hold_freed(engine, market, slot);

    if ((order->flags & ORDER_DORMANT) != 0) {
        dormant_leave(engine, slot);
    } else {
        if ((order->flags & ORDER_ICEBERG) != 0)
            book_hide(&engine->books, slot, -state_extra(engine, order)->hidden.lots);
        book_remove(&engine->books, slot);
    }
    accounts_release(&engine->accounts, order->account, holds_asset(market, order->side), freed);
    done_write(engine, slot, (amount_t){0}, status, reason, out);
    order_leave(engine, slot, true, status, reason, out);
}

void done_taker(struct engine *engine, const struct taker *taker, enum order_status status,
                enum done_reason reason, struct event_writer *out)
{
    const struct order *order = state_order(engine, taker->slot);
    const struct market *market = state_market(engine, order);
    accounts_release(&engine->accounts, order->account, holds_asset(market, order->side),
                     taker->hold);
    done_write(engine, taker->slot, taker->quote_qty, status, reason, out);
    order_leave(engine, taker->slot, taker->entered, status, reason, out);
}

void done_sibling(struct engine *engine, uint32_t slot, struct event_writer *out)
{
    const uint32_t sibling = lists_sibling(&engine->lists, &engine->books.orders, slot);
    if (sibling != NO_SLOT) done_close(engine, sibling, ORDER_EXPIRED, DONE_OCO, out);
}
