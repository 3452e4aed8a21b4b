#include "engine/place.h"

#include "common/command_rules.h"
#include "engine/done.h"
#include "engine/holds.h"
#include "engine/walk.h"
#include "engine/work.h"

#include <string.h>

static const struct roster *roster_of(const struct engine *engine, uint32_t account,
                                      uint16_t market)
{
    return directory_roster(&engine->directory, account, market);
}

struct place_counts place_count(const struct engine *engine, uint32_t account, uint16_t market)
{
    const struct order_pool *pool = &engine->books.orders;
    const struct roster *roster = roster_of(engine, account, market);
    struct place_counts counts = {.open = 0};
    if (roster == NULL) return counts;

    counts.open = roster->open;
    counts.buy_lots = roster->buy_lots;
    for (uint32_t slot = roster->oldest; slot != NO_SLOT; slot = pool->orders[slot].roster_newer) {
        const struct order *order = &pool->orders[slot];
        const struct list *list = lists_of(&engine->lists, pool, slot);
        counts.algos += filters_is_stop(order->type);
        counts.icebergs += (order->flags & ORDER_ICEBERG) != 0;
        if (list == NULL) continue;
        uint32_t first = 0;
        while (list->legs[first] == NO_SLOT)
            first++;
        counts.lists += list->legs[first] == slot; /* once a list */
    }
    return counts;
}

enum reject place_position(const struct engine *engine, uint32_t account, uint16_t market_index,
                           int64_t open_lots, int64_t lots)
{
    const struct market *market = &engine->params.markets[market_index];
    const int64_t most = market->filters.position_max.units;
    if (most == 0) return REJECT_NONE;
    const struct balance *base = accounts_balance(&engine->accounts, account, market->base);
    const __int128 position = (__int128)base->available.units + base->held.units +
                              ((__int128)open_lots + lots) * market->lot_units;
    return position > most ? REJECT_MAX_POSITION : REJECT_NONE;
}

static enum reject price_check(struct engine *engine, const struct market *market,
                               const struct order_place_command *place)
{
    if (place->price.ticks == 0 || !filters_price_matters(market, place->side)) return REJECT_NONE;
    const price_t last = averages_last(&engine->averages, place->market);
    const price_t average = averages_price(&engine->averages, place->market,
                                           market->filters.average_minutes, engine->stamp_ns);
    struct filters_window *window = &engine->ids[place->market].window;
    if (window->average.ticks != average.ticks || window->last.ticks != last.ticks)
        *window = filters_window_of(market, average, last);
    if (place->price.ticks >= window->lowest[place->side].ticks &&
        place->price.ticks <= window->highest[place->side].ticks)
        return REJECT_NONE;
    return filters_price(market, place, average, last);
}

enum reject place_check_tags(const struct engine *engine, const struct command *command,
                             uint32_t count)
{
    const uint16_t type = command->header.type;
    if (!command_rules_allow(engine->params.rules, type)) return REJECT_RULES;
    for (uint32_t leg = 0; leg < count; leg++)
        if (!order_tag_valid(type, order_tag_of(type, command->payload, leg)))
            return REJECT_COMBINATION;
    return REJECT_NONE;
}

enum reject place_check(struct engine *engine, const struct order_place_command *place)
{
    if (!accounts_exists(&engine->accounts, place->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (place->market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    if (accounts_frozen(&engine->accounts, place->account)) return REJECT_ACCOUNT_FROZEN;
    const struct market *market = &engine->params.markets[place->market];
    if (market->status != MARKET_TRADING) return REJECT_MARKET_CLOSED;

    if (!filters_plain(market, place)) {
        enum reject reject = filters_form(market, place);
        if (reject == REJECT_NONE) reject = filters_bounds(market, place);
        if (reject != REJECT_NONE) return reject;
    }
    return price_check(engine, market, place);
}

static bool is_iceberg(const struct order_place_command *place)
{
    return place->iceberg_qty.lots != 0 && place->iceberg_qty.lots < place->qty.lots;
}

/* Whether the account may have one more open order like this here. */
static enum reject count_check(const struct engine *engine, const struct market *market,
                               const struct order_place_command *place, const struct roster *roster)
{
    if (roster->open >= market->account_orders_max &&
        filters_may_rest(place->type, place->time_in_force))
        return REJECT_MAX_NUM_ORDERS;
    const bool stop = filters_is_stop(place->type), iceberg = is_iceberg(place);
    const bool position = place->side == BUY && market->filters.position_max.units != 0;
    if (!stop && !iceberg && !position) return REJECT_NONE;

    struct place_counts counts = {.open = 0};
    if (stop || iceberg) counts = place_count(engine, place->account, place->market);
    if (stop && counts.algos >= market->filters.algo_orders_max) return REJECT_MAX_NUM_ALGO_ORDERS;
    if (iceberg && counts.icebergs >= market->filters.iceberg_orders_max)
        return REJECT_MAX_NUM_ICEBERG_ORDERS;
    if (!position) return REJECT_NONE;
    return place_position(engine, place->account, place->market, roster->buy_lots, place->qty.lots);
}

/* Whether there is room for the order to rest, by counts alone: taken before the match, so that it
 * does not depend on what the match would free. */
static enum reject room_check(const struct engine *engine, const struct order_place_command *place)
{
    const struct books *books = &engine->books;
    if (!filters_may_rest(place->type, place->time_in_force)) return REJECT_NONE;
    if (books->orders.count >= engine->params.orders_max) return REJECT_ORDERS_FULL;
    /* A stop's level is for the price at which it will rest, if it does: counted, not looked for. */
    const price_t price = filters_is_stop(place->type) ? (price_t){INT64_MAX} : place->price;
    return book_levels_full(books, place->market, (enum side)place->side, price,
                            engine->dormant_count)
               ? REJECT_ORDERS_FULL
               : REJECT_NONE;
}

static bool would_take(const struct engine *engine, const struct order_place_command *place)
{
    const enum side makers = opposite((enum side)place->side);
    const price_t best = book_best_price(&engine->books, place->market, makers);
    return best.ticks != 0 && walk_reaches(place->price, makers, best);
}

static enum reject stop_check(const struct engine *engine, const struct order_place_command *place,
                              struct place_plan *plan)
{
    const price_t last = averages_last(&engine->averages, place->market);
    if (!filters_has_price(place->type) && place->side == BUY) {
        plan->hold_price = place->stop_price.ticks != 0 ? place->stop_price : last;
        if (plan->hold_price.ticks == 0) return REJECT_NO_LAST_PRICE;
    }
    if (place->stop_price.ticks == 0 || last.ticks == 0) return REJECT_NONE;
    return filters_fires(place->type, place->side, place->stop_price, last) ? REJECT_WOULD_TRIGGER
                                                                            : REJECT_NONE;
}

static struct walk_terms terms_of(const struct engine *engine,
                                  const struct order_place_command *place, price_t reach)
{
    return (struct walk_terms){
        .books = &engine->books,
        .market = &engine->params.markets[place->market],
        .market_index = place->market,
        .makers = opposite((enum side)place->side),
        .limit = reach,
        .own = place->self_trade == SELF_TRADE_NONE ? 0 : place->account,
    };
}

/* A buyer holds what the walk costs; a seller the whole quantity, even where the book is short. */
static enum reject plan_market_by_quantity(const struct engine *engine, const struct market *market,
                                           const struct order_place_command *place,
                                           struct place_plan *plan)
{
    const struct walk_terms terms = terms_of(engine, place, plan->reach);
    const struct walk walk = walk_by_quantity(&terms, place->qty);
    plan->hold = place->side == BUY ? walk.quote : market_base_amount(market, place->qty);
    return filters_notional(market, walk.quote);
}

static void plan_market_by_quote(const struct engine *engine, const struct market *market,
                                 const struct order_place_command *place, struct place_plan *plan)
{
    const struct walk_terms terms = terms_of(engine, place, plan->reach);
    const struct walk walk = walk_by_quote(&terms, place->quote_qty, market->qty_max);
    plan->qty = walk.qty;
    plan->content = walk.stopped && walk.qty.lots > 0;
    plan->hold = place->side == BUY ? place->quote_qty : market_base_amount(market, walk.qty);
}

static enum reject plan_market(const struct engine *engine, const struct market *market,
                               const struct order_place_command *place, struct place_plan *plan)
{
    plan->reach = take_band(engine, place->market, (enum side)place->side);
    if (place->quote_qty.units == 0) return plan_market_by_quantity(engine, market, place, plan);
    plan_market_by_quote(engine, market, place, plan);
    return REJECT_NONE;
}

/* The hold of an order with a price, or of a stop; and whether the book can fill a FOK. */
static void plan_limit(const struct engine *engine, const struct market *market,
                       const struct order_place_command *place, struct place_plan *plan)
{
    const bool priced = filters_has_price(place->type);
    plan->reach = place->price;
    plan->hold =
        holds_of(market, place->side, priced ? place->price : plan->hold_price, place->qty);
    if (place->time_in_force != FOK || place->type != LIMIT) return;
    const struct walk_terms terms = terms_of(engine, place, place->price);
    plan->kill = !walk_fills(&terms, place->self_trade, place->qty);
}

enum reject place_decide(const struct engine *engine, const struct order_place_command *place,
                         struct place_plan *plan)
{
    const struct market *market = &engine->params.markets[place->market];
    *plan = (struct place_plan){.qty = place->qty};
    if (order_has_client_id(place->client_id)) {
        plan->client_hash =
            engine->ahead_hash != 0
                ? engine->ahead_hash
                : directory_client_hash(place->account, place->market, place->client_id);
        if (directory_find_client_hashed(&engine->directory, place->account, place->market,
                                         place->client_id, plan->client_hash) != NO_SLOT)
            return REJECT_DUPLICATE_ORDER;
    }
    plan->roster = directory_place(&engine->directory, place->account, place->market);
    enum reject reject = count_check(engine, market, place, plan->roster);
    if (reject == REJECT_NONE) reject = room_check(engine, place);
    if (reject == REJECT_NONE && filters_is_stop(place->type))
        reject = stop_check(engine, place, plan);
    if (reject == REJECT_NONE && place->type == LIMIT_MAKER && would_take(engine, place))
        reject = REJECT_WOULD_TAKE;
    if (reject != REJECT_NONE) return reject;

    if (place->type != MARKET)
        plan_limit(engine, market, place, plan);
    else
        reject = plan_market(engine, market, place, plan);
    if (reject != REJECT_NONE) return reject;

    const struct balance *balance =
        accounts_balance(&engine->accounts, place->account, holds_asset(market, place->side));
    return balance->available.units < plan->hold.units ? REJECT_INSUFFICIENT_BALANCE : REJECT_NONE;
}

void place_tier(struct engine *engine, uint32_t account, struct event_writer *out)
{
    struct account_terms *terms = &engine->accounts.terms[account];
    if (!engine->volumes_counted || terms->tier_day == engine->day + 1) return;
    terms->tier_day = engine->day + 1;
    const uint16_t tier =
        volumes_tier(&engine->params, &engine->volumes, account, engine->day, terms->floor);
    if (tier == terms->tier) return;
    terms->tier = tier;
    const struct tier_changed_event changed = {.account = account, .tier = tier};
    event_write_tier_changed(out, &changed);
}

static void bound_join(struct engine *engine, uint32_t slot, uint32_t session)
{
    struct order *order = state_order(engine, slot);
    struct order_extra *extra = state_extra(engine, order);
    order->flags |= ORDER_BOUND;
    extra->session = session;
    extra->origin = engine->origin;
    extra->bound_older = engine->bound_newest;
    if (engine->bound_newest == NO_SLOT)
        engine->bound_oldest = slot;
    else
        state_extra(engine, state_order(engine, engine->bound_newest))->bound_newer = slot;
    engine->bound_newest = slot;
}

/* What a plain order has not. */
static void extra_fill(struct engine *engine, uint32_t slot,
                       const struct order_place_command *place, struct order_tag tag)
{
    struct order *order = state_order(engine, slot);
    struct order_extra *extra = order_extra_take(&engine->books.orders, slot);
    extra->stop_price = place->stop_price;
    extra->trailing_delta = place->trailing_delta;
    extra->strategy_id = tag.strategy_id;
    extra->strategy_type = tag.strategy_type;
    if (is_iceberg(place)) {
        order->flags |= ORDER_ICEBERG;
        extra->iceberg_qty = place->iceberg_qty;
    }
    if (place->session != 0) bound_join(engine, slot, place->session);
}

uint32_t place_order(struct engine *engine, const struct order_place_command *place,
                     struct order_tag tag, qty_t qty)
{
    const uint32_t slot = order_pool_take(&engine->books.orders);
    struct order *order = state_order(engine, slot);
    order->id = ++engine->books.markets[place->market].last_order;
    order->price = place->price;
    order->qty = qty;
    order->left = qty;
    order->quote_executed.units = 0;
    order->account = place->account;
    order->older = NO_SLOT;
    order->newer = NO_SLOT;
    order->level = NO_SLOT;
    order->market = place->market;
    order->side = place->side;
    order->type = place->type;
    order->time_in_force = filters_time_in_force(place->type, place->time_in_force);
    order->self_trade = place->self_trade;
    order->flags = 0;
    order->tag_flags = tag.flags & ORDER_TAG_NUMBERS;
    order->created_ns = engine->stamp_ns;
    order->client_hash = 0;
    order->extra = NO_SLOT;
    memcpy(order->client_id, place->client_id, CLIENT_ID_BYTES);
    if (filters_is_stop(place->type) || place->iceberg_qty.lots != 0 || place->session != 0 ||
        order->tag_flags != 0)
        extra_fill(engine, slot, place, tag);
    return slot;
}

void place_write_accepted(struct engine *engine, uint32_t slot, amount_t hold, amount_t quote_qty,
                          struct event_writer *out)
{
    const struct order *order = state_order(engine, slot);
    struct order_accepted_event accepted = {
        .order_id = order->id,
        .price = order->price,
        .qty = order->qty,
        .quote_qty = quote_qty,
        .hold = hold,
        .account = order->account,
        .market = order->market,
        .hold_asset = holds_asset(state_market(engine, order), order->side),
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
    };
    /* By quote, the quantity is an outcome, not a wish. */
    if (quote_qty.units != 0) accepted.qty.lots = 0;
    memcpy(accepted.client_id, order->client_id, CLIENT_ID_BYTES);
    event_write_order_accepted(out, &accepted);
    if (order->extra == NO_SLOT) return;
    done_write_terms(engine, order, out);
    done_write_tag(engine, order, out);
}

void place_accept(struct engine *engine, const struct order_place_command *place,
                  struct order_tag tag, const struct place_plan *plan, struct event_writer *out)
{
    const struct market *market = &engine->params.markets[place->market];
    place_tier(engine, place->account, out);
    const bool held = accounts_hold(&engine->accounts, place->account,
                                    holds_asset(market, place->side), plan->hold);
    ASSERT(held); /* place_decide has looked */

    const uint32_t slot = place_order(engine, place, tag, plan->qty);
    state_order(engine, slot)->client_hash = plan->client_hash;
    place_write_accepted(engine, slot, plan->hold, place->quote_qty, out);
    if (filters_is_stop(place->type)) {
        state_extra(engine, state_order(engine, slot))->hold_price = plan->hold_price;
        (void)directory_add(&engine->directory, slot);
        state_order(engine, slot)->flags |= ORDER_DORMANT;
        engine->dormant_count++;
        work_sleep(engine, slot);
        return;
    }
    struct taker taker = {
        .slot = slot,
        .hold = plan->hold,
        .quote_qty = place->quote_qty,
        .reach = plan->reach,
        .kill = plan->kill,
        .content = plan->content,
        .roster = plan->roster,
    };
    take(engine, &taker, out);
    work_drain(engine, out);
}
