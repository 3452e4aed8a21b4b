#include "engine/done.h"

#include "engine/holds.h"

#include <string.h>

void done_write(const struct order *order, const struct order_terms *terms,
                enum order_status status, enum done_reason reason, struct event_writer *out)
{
    struct order_done_event done = {
        .order_id = order->id,
        .created_ns = terms->created_ns,
        .price = order->price,
        .qty = order->qty,
        .executed = order_executed(order),
        .quote_qty = terms->quote_qty,
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
    memcpy(done.client_id, terms->client_id, CLIENT_ID_BYTES);
    event_write_order_done(out, &done);
}

void done_close(struct engine *engine, uint32_t slot, enum order_status status,
                enum done_reason reason, struct event_writer *out)
{
    const struct order *order = &engine->books.orders.orders[slot];
    const struct market *market = &engine->params.markets[order->market];
    const amount_t hold = holds_resting(market, order);

    book_remove(&engine->books, slot);
    directory_remove(&engine->directory, slot);
    if (hold.units > 0)
        accounts_release(&engine->accounts, order->account,
                         holds_asset(market, (enum side)order->side), hold);
    done_write(order, &engine->books.orders.terms[slot], status, reason, out);
    order_pool_give(&engine->books.orders, slot);
}
