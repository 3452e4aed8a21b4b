#include "engine/done.h"

#include "engine/holds.h"

#include <string.h>

void done_write(const struct order *order, qty_t executed, amount_t quote_qty,
                enum order_status status, enum done_reason reason, struct event_writer *out)
{
    struct order_done_event done = {
        .order_id = order->id,
        .created_ns = order->created_ns,
        .price = order->price,
        .qty = order->qty,
        .executed = executed,
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
    done_write(order, order_executed(&engine->books.orders, slot), (amount_t){0}, status, reason,
               out);
    order_extra_give(&engine->books.orders, slot);
    order_pool_give(&engine->books.orders, slot);
}

void done_write_levels(struct engine *engine, struct event_writer *out)
{
    struct book_change change;
    while (book_next_change(&engine->books, &change)) {
        const struct level_event event = {
            .update_id = ++engine->books.markets[change.market].last_update,
            .price = change.price,
            .qty = change.qty,
            .market = change.market,
            .side = (uint8_t)change.side,
        };
        event_write_level(out, &event);
    }
}
