#include "engine/match.h"

#include "engine/cancel.h"
#include "engine/done.h"
#include "engine/holds.h"
#include "engine/operator.h"
#include "engine/place.h"
#include "engine/walk.h"

#include <string.h>

static const struct fee_tier *tier_of(const struct engine *engine, uint32_t account)
{
    return &engine->params.tiers[engine->accounts.accounts[account].tier];
}

/* One side of a match: the order pays from its hold and receives the other asset, less its fee.
 * Returns what left the hold. */
static amount_t side_settle(struct engine *engine, const struct market *market,
                            const struct order *order, price_t price, qty_t qty, int32_t rate_ppm)
{
    const enum side side = (enum side)order->side;
    const struct holds_fill fill = holds_of_fill(market, order, price, qty);
    const struct fee fee = fee_of(fill.received, rate_ppm);

    accounts_spend(&engine->accounts, order->account, holds_asset(market, side), fill.paid);
    if (fill.freed.units > 0)
        accounts_release(&engine->accounts, order->account, holds_asset(market, side), fill.freed);
    accounts_receive(&engine->accounts, order->account, holds_received_asset(market, side),
                     fill.received, fee.charged);
    return (amount_t){fill.paid.units + fill.freed.units};
}

/* Buyer first, whoever of the two takes: the order of BALANCE events follows from it. */
static void both_settle(struct engine *engine, const struct market *market, struct taker *taker,
                        const struct order *maker, const struct fill_event *fill)
{
    const price_t price = fill->price;
    amount_t from_hold;
    if (taker->order.side == BUY) {
        from_hold =
            side_settle(engine, market, &taker->order, price, fill->qty, fill->taker_rate_ppm);
        (void)side_settle(engine, market, maker, price, fill->qty, fill->maker_rate_ppm);
    } else {
        (void)side_settle(engine, market, maker, price, fill->qty, fill->maker_rate_ppm);
        from_hold =
            side_settle(engine, market, &taker->order, price, fill->qty, fill->taker_rate_ppm);
    }
    taker->hold.units -= from_hold.units;
    ASSERT(taker->hold.units >= 0);
}

/* The facts of a match. Consecutive fills of one taker at one price share an aggregate id. */
static struct fill_event fill_of(struct engine *engine, const struct taker *taker,
                                 const struct order *maker, qty_t qty)
{
    struct book *book = &engine->books.markets[maker->market];
    if (taker->fill_price.ticks != maker->price.ticks) book->last_aggregate++;
    return (struct fill_event){
        .trade_id = ++book->last_trade,
        .aggregate_id = book->last_aggregate,
        .maker_order = maker->id,
        .taker_order = taker->order.id,
        /* The maker's price, always: the taker agreed to anything up to its limit. */
        .price = maker->price,
        .qty = qty,
        .maker_account = maker->account,
        .taker_account = taker->order.account,
        .maker_rate_ppm = tier_of(engine, maker->account)->maker_ppm,
        .taker_rate_ppm = tier_of(engine, taker->order.account)->taker_ppm,
        .market = maker->market,
        .taker_side = taker->order.side,
    };
}

static void order_executes(struct order *order, amount_t quote)
{
    order->quote_executed.units += quote.units; /* at most qty x a price within bounds */
}

/* Matches `qty` of the taker with the maker at the front of its queue. The maker's slot is free after
 * it when nothing of it is left. */
static void match_pair(struct engine *engine, const struct market *market, struct taker *taker,
                       uint32_t maker_slot, struct event_writer *out)
{
    struct order *maker = &engine->books.orders.orders[maker_slot];
    const qty_t qty = qty_min(taker->order.left, maker->left);
    const struct fill_event fill = fill_of(engine, taker, maker, qty);
    const amount_t quote = market_notional(market, fill.price, qty);

    event_write_fill(out, &fill);
    engine->counts.fills++;
    both_settle(engine, market, taker, maker, &fill);

    taker->fill_price = fill.price;
    taker->order.left = qty_less(taker->order.left, qty);
    order_executes(&taker->order, quote);
    order_executes(maker, quote);
    book_fill(&engine->books, maker_slot, qty);
    if (maker->left.lots == 0) done_close(engine, maker_slot, ORDER_FILLED, DONE_FILLED, out);
}

static void match_taker(struct engine *engine, struct taker *taker, struct event_writer *out)
{
    const struct market *market = &engine->params.markets[taker->order.market];
    const enum side makers = opposite((enum side)taker->order.side);

    /* Ends: each pass fills the taker or removes the front maker. */
    while (taker->order.left.lots > 0) {
        const price_t price = book_best_price(&engine->books, taker->order.market, makers);
        if (price.ticks == 0 || !walk_reaches(taker->order.price, makers, price)) break;
        match_pair(engine, market, taker, book_front(&engine->books, taker->order.market, makers),
                   out);
    }
}

static void accepted_write(const struct engine *engine, const struct taker *taker,
                           struct event_writer *out)
{
    const struct order *order = &taker->order;
    const struct market *market = &engine->params.markets[order->market];
    struct order_accepted_event accepted = {
        .order_id = order->id,
        .price = order->price,
        .qty = order->qty,
        .quote_qty = taker->quote_qty,
        .hold = taker->hold,
        .account = order->account,
        .market = order->market,
        .hold_asset = holds_asset(market, (enum side)order->side),
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
    };
    /* By quote, the quantity is an outcome, not a wish. */
    if (taker->quote_qty.units != 0) accepted.qty.lots = 0;
    memcpy(accepted.client_id, order->client_id, CLIENT_ID_BYTES);
    event_write_order_accepted(out, &accepted);
}

static void taker_rest(struct engine *engine, const struct taker *taker)
{
    const struct market *market = &engine->params.markets[taker->order.market];
    ASSERT(taker->hold.units == holds_resting(market, &taker->order).units);

    const uint32_t slot = order_pool_take(&engine->books.orders);
    engine->books.orders.orders[slot] = taker->order;
    (void)directory_add(&engine->directory, slot);
    book_add(&engine->books, slot);
}

static enum done_reason unfilled_reason(const struct order *order)
{
    if (order->type == MARKET) return DONE_NO_LIQUIDITY;
    return order->time_in_force == FOK ? DONE_FOK_UNFILLED : DONE_IOC_UNFILLED;
}

static void taker_done(struct engine *engine, const struct taker *taker, struct event_writer *out)
{
    const struct order *order = &taker->order;
    const bool by_quote = taker->quote_qty.units != 0;
    const bool filled = by_quote ? taker->content : order->left.lots == 0;

    if (taker->hold.units > 0) {
        const struct market *market = &engine->params.markets[order->market];
        accounts_release(&engine->accounts, order->account,
                         holds_asset(market, (enum side)order->side), taker->hold);
    }
    done_write(order, qty_less(order->qty, order->left), taker->quote_qty,
               filled ? ORDER_FILLED : ORDER_EXPIRED, filled ? DONE_FILLED : unfilled_reason(order),
               out);
}

static enum reject order_place(struct engine *engine, const struct command *command,
                               uint64_t stamp_ns, struct event_writer *out)
{
    struct order_place_command place;
    order_place_command_get(command->payload, &place);

    struct taker taker;
    const enum reject reject = place_plan(engine, &place, stamp_ns, &taker);
    if (reject != REJECT_NONE) return reject;

    taker.order.id = ++engine->books.markets[place.market].last_order;
    accepted_write(engine, &taker, out);
    if (!taker.kill) match_taker(engine, &taker, out);

    if (taker.order.left.lots > 0 && place_may_rest(taker.order.type, taker.order.time_in_force))
        taker_rest(engine, &taker);
    else
        taker_done(engine, &taker, out);
    done_write_levels(engine, out);
    return REJECT_NONE;
}

static enum reject hello(struct engine *engine, const struct command *command, uint64_t number,
                         struct event_writer *out)
{
    struct hello_command said;
    hello_command_get(command->payload, &said);
    if (!origins_hello(&engine->origins, said.node, number)) return REJECT_STALE_SEQUENCE;

    const struct hello_accepted_event accepted = {.epoch = number, .node = said.node};
    event_write_hello_accepted(out, &accepted);
    return REJECT_NONE;
}

static enum reject seal(struct engine *engine, const struct command *command, uint64_t number,
                        struct event_writer *out)
{
    struct seal_command asked;
    seal_command_get(command->payload, &asked);
    if (asked.height != engine->sealed_height + 1) return REJECT_OTHER_HEIGHT;

    const struct sealed_event sealed = {.height = asked.height,
                                        .first_command = engine->sealed_command + 1};
    event_write_sealed(out, &sealed);
    engine->sealed_height = asked.height;
    engine->sealed_command = number;
    return REJECT_NONE;
}

static enum reject order_cancel(struct engine *engine, const struct command *command,
                                struct event_writer *out)
{
    struct order_cancel_command cancel;
    order_cancel_command_get(command->payload, &cancel);
    return cancel_order(engine, &cancel, out);
}

static enum reject orders_cancel(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    struct cancel_all_command cancel;
    cancel_all_command_get(command->payload, &cancel);
    return cancel_all(engine, &cancel, out);
}

static enum reject command_apply(struct engine *engine, const struct command *command,
                                 uint64_t number, uint64_t stamp_ns, struct event_writer *out)
{
    switch (command->header.type) {
    case T_HELLO:
        return hello(engine, command, number, out);
    case T_SEAL:
        return seal(engine, command, number, out);
    case T_VOTE:
        engine->counts.votes++; /* settlement checks and keeps it */
        return REJECT_NONE;
    case T_CHECKPOINT_VOTE:
        return REJECT_LATER_VERSION;
    case T_ORDER_PLACE:
        return order_place(engine, command, stamp_ns, out);
    case T_ORDER_CANCEL:
        return order_cancel(engine, command, out);
    case T_CANCEL_ALL:
        return orders_cancel(engine, command, out);
    default:
        return operator_step(engine, command, out);
    }
}

/* Nobody waits for an answer to a node's own commands. */
static bool is_answered(uint16_t type)
{
    return type >= T_ASSET_CREATE;
}

static void noop_write(struct engine *engine, enum reject reject, struct event_writer *out)
{
    const struct noop_event noop = {.reject = (uint16_t)reject};
    event_write_noop(out, &noop);
    engine->counts.noops++;
}

static void refused_write(struct engine *engine, enum reject reject, struct event_writer *out)
{
    const struct refused_event refused = {.reject = (uint16_t)reject};
    event_write_refused(out, &refused);
    engine->counts.refusals++;
}

static enum reject deadline_check(const struct command *command, uint64_t stamp_ns)
{
    const uint64_t deadline_ns = command->header.deadline_ns;
    return deadline_ns != 0 && stamp_ns > deadline_ns ? REJECT_TOO_LATE : REJECT_NONE;
}

void match_step(struct engine *engine, const struct command *command, uint64_t number,
                uint64_t stamp_ns, struct event_writer *out)
{
    ASSERT(number == engine->last_command + 1);
    engine->last_command = number;
    engine->counts.commands++;
    accounts_begin(&engine->accounts, number);

    if (!origins_advance(&engine->origins, &command->header)) {
        noop_write(engine, REJECT_STALE_SEQUENCE, out);
        return;
    }
    if (command->header.group != 0) {
        noop_write(engine, REJECT_LATER_VERSION, out);
        return;
    }
    enum reject reject = deadline_check(command, stamp_ns);
    if (reject == REJECT_NONE) reject = command_apply(engine, command, number, stamp_ns, out);

    if (reject == REJECT_NONE)
        accounts_write_touched(&engine->accounts, out);
    else if (is_answered(command->header.type))
        refused_write(engine, reject, out);
    else
        noop_write(engine, reject, out);
}
