#include "engine/outcome.h"

#include "engine/directory.h"
#include "engine/filters.h"

#include <string.h>

/* ---- What the order's own events say, in the order in which they come. */

static void accepted_read(struct order_repeated_event *outcome, const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    if (accepted.order_id != outcome->order_id || accepted.market != outcome->market) return;
    outcome->price = accepted.price;
    outcome->qty = accepted.qty;
    outcome->quote_qty = accepted.quote_qty;
    outcome->side = accepted.side;
    outcome->type = accepted.type;
    outcome->time_in_force = accepted.time_in_force;
    outcome->self_trade = accepted.self_trade;
    memcpy(outcome->client_id, accepted.client_id, sizeof(outcome->client_id));
}

static void terms_read(struct order_repeated_event *outcome, const struct event *event)
{
    struct order_terms_event terms;
    order_terms_event_get(event->payload, &terms);
    if (terms.order_id != outcome->order_id || terms.market != outcome->market) return;
    outcome->stop_price = terms.stop_price;
    outcome->iceberg_qty = terms.iceberg_qty;
    outcome->prevented = terms.prevented;
    outcome->trailing_delta = terms.trailing_delta;
}

static void tagged_read(struct order_repeated_event *outcome, const struct event *event)
{
    struct order_tagged_event tagged;
    order_tagged_event_get(event->payload, &tagged);
    if (tagged.order_id != outcome->order_id || tagged.market != outcome->market) return;
    outcome->strategy_id = tagged.strategy_id;
    outcome->strategy_type = tagged.strategy_type;
    outcome->flags = tagged.flags;
}

static void done_read(struct order_repeated_event *outcome, const struct event *event)
{
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    if (done.order_id != outcome->order_id || done.market != outcome->market) return;
    outcome->qty = done.qty;
    outcome->executed = done.executed;
    outcome->quote_executed = done.quote_executed;
    outcome->status = done.status;
    outcome->reason = done.reason;
}

static void event_read(struct order_repeated_event *outcome, const struct event *event)
{
    switch (event->type) {
    case T_ORDER_ACCEPTED:
        accepted_read(outcome, event);
        break;
    case T_ORDER_TERMS:
        terms_read(outcome, event);
        break;
    case T_ORDER_TAGGED:
        tagged_read(outcome, event);
        break;
    case T_ORDER_DONE:
        done_read(outcome, event);
        break;
    default:
        break;
    }
}

/* An order that is open has no last word yet. */
static void open_read(struct engine *engine, struct order_repeated_event *outcome, uint32_t slot)
{
    const struct order *order = state_order(engine, slot);
    outcome->executed = order_executed(&engine->books.orders, slot);
    outcome->quote_executed = order->quote_executed;
    outcome->status = outcome->executed.lots > 0 ? ORDER_PARTIALLY_FILLED : ORDER_NEW;
    if (order->extra != NO_SLOT) outcome->prevented = state_extra(engine, order)->prevented;
}

void outcome_remember(struct engine *engine, const struct order_place_command *place, size_t mark,
                      const struct event_writer *out)
{
    struct order_repeated_event outcome = {
        .command = engine->last_command,
        .stamp_ns = engine->stamp_ns,
        .order_id = engine->books.markets[place->market].last_order,
        .account = place->account,
        .market = place->market,
    };
    struct event event;
    const uint8_t *at = event_writer_at_mark(out, mark);
    while (event_next(&at, out->at, &event))
        event_read(&outcome, &event);
    const uint32_t slot = directory_find(&engine->directory, place->market, outcome.order_id);
    if (slot != NO_SLOT) open_read(engine, &outcome, slot);
    ASSERT(outcome.status != 0);
    repeats_add(&engine->repeats, &outcome, repeats_share_of(engine->params.rules));
}

/* ---- And whether another asks for the same. */

static bool tag_is_of(const struct order_repeated_event *outcome, struct order_tag tag)
{
    return outcome->strategy_id == tag.strategy_id && outcome->strategy_type == tag.strategy_type &&
           outcome->flags == (tag.flags & ORDER_TAG_NUMBERS);
}

/* By quote, the quantity is an outcome; and an iceberg that shows all of it is none. */
static bool amounts_are_of(const struct order_repeated_event *outcome,
                           const struct order_place_command *place)
{
    const bool by_quote = place->quote_qty.units != 0;
    const bool hides = place->iceberg_qty.lots < place->qty.lots;
    return outcome->quote_qty.units == place->quote_qty.units &&
           place->qty.lots == (by_quote ? 0 : outcome->qty.lots) &&
           outcome->iceberg_qty.lots == (hides ? place->iceberg_qty.lots : 0);
}

bool outcome_is_of(const struct order_repeated_event *outcome,
                   const struct order_place_command *place, struct order_tag tag)
{
    return outcome->side == place->side && outcome->type == place->type &&
           outcome->price.ticks == place->price.ticks &&
           outcome->stop_price.ticks == place->stop_price.ticks &&
           outcome->trailing_delta == place->trailing_delta &&
           outcome->time_in_force == filters_time_in_force(place->type, place->time_in_force) &&
           outcome->self_trade == place->self_trade && amounts_are_of(outcome, place) &&
           tag_is_of(outcome, tag);
}
