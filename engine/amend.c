#include "engine/amend.h"

#include "engine/cancel.h"
#include "engine/done.h"
#include "engine/holds.h"

#include <string.h>

static enum reject qty_check(const struct engine *engine, uint32_t slot, qty_t qty)
{
    const struct order_pool *pool = &engine->books.orders;
    const struct order *order = &pool->orders[slot];
    const struct market *market = state_market(engine, order);
    const int64_t hidden = order->extra == NO_SLOT ? 0 : pool->extras[order->extra].hidden.lots;
    const int64_t gone = order->qty.lots - order->left.lots - hidden; /* executed or prevented */

    if (qty.lots <= 0) return REJECT_ZERO_VALUE;
    if (qty.lots > order->qty.lots) return REJECT_AMEND_INCREASE;
    if (qty.lots == order->qty.lots) return REJECT_AMEND_NO_CHANGE;
    if (qty.lots <= gone) return REJECT_AMEND_EXECUTED;
    const enum reject reject = filters_lots(market, qty);
    if (reject != REJECT_NONE || !filters_has_price(order->type)) return reject;
    return filters_notional(market, market_notional(market, order->price, qty));
}

static enum reject client_id_check(const struct engine *engine, uint32_t slot,
                                   const uint8_t client_id[CLIENT_ID_BYTES])
{
    const struct order *order = &engine->books.orders.orders[slot];
    if (!order_has_client_id(client_id)) return REJECT_NONE;
    const uint32_t other =
        directory_find_client(&engine->directory, order->account, order->market, client_id);
    return other == NO_SLOT || other == slot ? REJECT_NONE : REJECT_DUPLICATE_ORDER;
}

/* Takes `by` off what is open, hidden first. */
static void open_reduce(struct engine *engine, uint32_t slot, qty_t by)
{
    struct order *order = state_order(engine, slot);
    const bool rests = (order->flags & ORDER_DORMANT) == 0;
    order->qty = qty_less(order->qty, by);
    directory_reduce(&engine->directory, order, by.lots);
    if ((order->flags & ORDER_ICEBERG) != 0 && rests) {
        struct order_extra *extra = state_extra(engine, order);
        const qty_t unseen = qty_min(extra->hidden, by);
        extra->hidden = qty_less(extra->hidden, unseen);
        by = qty_less(by, unseen);
        if (unseen.lots > 0) book_hide(&engine->books, slot, -unseen.lots);
    }
    if (by.lots == 0) return;
    if (rests)
        book_reduce(&engine->books, slot, by);
    else
        order->left = qty_less(order->left, by);
}

static void apply(struct engine *engine, uint32_t slot, const struct order_amend_command *amend,
                  struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    const struct market *market = state_market(engine, order);
    const amount_t held = done_hold(engine, slot);
    struct order_amended_event amended = {
        .order_id = order->id,
        .qty_before = order->qty,
        .qty = amend->qty,
        .account = order->account,
        .market = order->market,
    };
    open_reduce(engine, slot, qty_less(order->qty, amend->qty));
    accounts_release(&engine->accounts, order->account, holds_asset(market, order->side),
                     (amount_t){held.units - done_hold(engine, slot).units});
    if (order_has_client_id(amend->client_id))
        directory_rename(&engine->directory, slot, amend->client_id);
    memcpy(amended.client_id, order->client_id, CLIENT_ID_BYTES);
    event_write_order_amended(out, &amended);
}

enum reject amend_order(struct engine *engine, const struct command *command,
                        struct event_writer *out)
{
    struct order_amend_command amend;
    order_amend_command_get(command->payload, &amend);
    enum reject reject = cancel_check_parties(engine, amend.account, amend.market);
    if (reject != REJECT_NONE) return reject;
    if (accounts_frozen(&engine->accounts, amend.account)) return REJECT_ACCOUNT_FROZEN;
    if (engine->params.markets[amend.market].status != MARKET_TRADING) return REJECT_MARKET_CLOSED;

    const struct cancel_name name = {amend.order_id, amend.account, amend.market,
                                     amend.orig_client_id};
    const uint32_t slot = cancel_find(engine, &name);
    if (slot == NO_SLOT) return REJECT_UNKNOWN_ORDER;
    if ((state_order(engine, slot)->flags & ORDER_PENDING) != 0 ||
        lists_sibling(&engine->lists, &engine->books.orders, slot) != NO_SLOT)
        return REJECT_AMEND_IN_LIST;
    reject = qty_check(engine, slot, amend.qty);
    if (reject == REJECT_NONE) reject = client_id_check(engine, slot, amend.client_id);
    if (reject == REJECT_NONE) apply(engine, slot, &amend, out);
    return reject;
}
