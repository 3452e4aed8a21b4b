#include "engine/replace.h"

#include "engine/cancel.h"
#include "engine/place.h"

#include <string.h>

static struct order_place_command order_of(const struct order_replace_command *replace)
{
    struct order_place_command place = {
        .price = replace->price,
        .qty = replace->qty,
        .quote_qty = replace->quote_qty,
        .stop_price = replace->stop_price,
        .iceberg_qty = replace->iceberg_qty,
        .trailing_delta = replace->trailing_delta,
        .account = replace->account,
        .session = replace->session,
        .market = replace->market,
        .side = replace->side,
        .type = replace->type,
        .time_in_force = replace->time_in_force,
        .self_trade = replace->self_trade,
    };
    memcpy(place.client_id, replace->client_id, sizeof(place.client_id));
    return place;
}

/* COMBINATION comes after the parties and the market's status, before the order's own form. */
static enum reject order_check(struct engine *engine, const struct order_replace_command *replace,
                               const struct order_place_command *place)
{
    const enum reject parties = cancel_check_parties(engine, place->account, place->market);
    if (parties != REJECT_NONE) return parties;
    if (accounts_frozen(&engine->accounts, place->account)) return REJECT_ACCOUNT_FROZEN;
    if (engine->params.markets[place->market].status != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    if (replace->mode != REPLACE_STOP_ON_FAILURE && replace->mode != REPLACE_ALLOW_FAILURE)
        return REJECT_COMBINATION;
    return place_check(engine, place);
}

enum reject replace_order(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct order_replace_command replace;
    order_replace_command_get(command->payload, &replace);
    const struct order_place_command place = order_of(&replace);
    const struct order_tag tag = order_tag_of(command->header.type, command->payload, 0);
    enum reject reject = place_check_tags(engine, command, 1);
    if (reject == REJECT_NONE) reject = order_check(engine, &replace, &place);
    if (reject != REJECT_NONE) return reject;

    /* It comes first, and is known last: its place is kept. */
    const size_t mark = event_writer_mark(out);
    struct order_replaced_event replaced = {.attempted = 0};
    event_write_order_replaced(out, &replaced);

    const struct cancel_name name = {replace.cancel_order_id, replace.account, replace.market,
                                     replace.cancel_orig_client_id};
    const enum reject cancel_reject =
        cancel_named(engine, &name, replace.restriction, DONE_REPLACED, out);
    replaced.cancel_reject = (uint16_t)cancel_reject;
    if (cancel_reject == REJECT_NONE || replace.mode == REPLACE_ALLOW_FAILURE) {
        struct place_plan plan;
        const enum reject place_reject = place_decide(engine, &place, &plan);
        replaced.attempted = 1;
        replaced.place_reject = (uint16_t)place_reject;
        if (place_reject == REJECT_NONE) place_accept(engine, &place, tag, &plan, out);
    }
    order_replaced_event_put(event_writer_at_mark(out, mark) + EVENT_HEADER_BYTES, &replaced);
    return REJECT_NONE;
}
