#include "gateway/rehearse.h"

#define MINUTE_NS 60000000000ull

/* What is asked, of whom and where. */
struct rehearsal {
    const struct order_place_command *order;
    const struct market *listing;
    const struct market_view *market;
    const struct view *view;
    price_t last; /* 0: no trade yet */
    price_t best; /* of the other side; 0: empty */
    uint64_t now_ns;
};

static bool is_stop(uint8_t type)
{
    return type >= STOP_LOSS;
}

static bool has_price(uint8_t type)
{
    return type == LIMIT || type == LIMIT_MAKER || type == STOP_LOSS_LIMIT ||
           type == TAKE_PROFIT_LIMIT;
}

price_t rehearse_average(const struct market_view *market, const struct market *listing,
                         uint32_t minutes, uint64_t now_ns)
{
    const struct candle_series *series = &market->series[INTERVAL_1M];
    const struct trade *last = trades_last(&market->trades);
    __int128 quote = 0, lots = 0;
    if (last == NULL) return (price_t){0};
    for (uint32_t i = candle_series_count(series); i-- > 0;) {
        const struct candle *candle = candle_series_at(series, i);
        if (now_ns / MINUTE_NS - candle->open_ns / MINUTE_NS >= minutes) break;
        quote += candle->quote_units;
        lots += candle->volume_lots;
    }
    if (lots == 0) return last->price;
    return (price_t){(int64_t)(quote / listing->units_per_step / lots)};
}

static bool in_price_filter(const struct market *listing, price_t price)
{
    return price.ticks == 0 ||
           (price.ticks >= listing->price_min.ticks && price.ticks <= listing->price_max.ticks);
}

static enum reject check_qty(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market *listing = rehearsal->listing;
    const struct market_filters *filters = &listing->filters;
    const int64_t lots = order->qty.lots, shown = order->iceberg_qty.lots;
    if (lots == 0) return REJECT_NONE;
    if (lots < listing->qty_min.lots || lots > listing->qty_max.lots) return REJECT_LOT_SIZE;
    if (order->type == MARKET &&
        (lots < filters->market_qty_min.lots || lots > filters->market_qty_max.lots))
        return REJECT_MARKET_LOT_SIZE;
    if (shown == 0) return REJECT_NONE;
    if (shown < listing->qty_min.lots || shown > lots) return REJECT_LOT_SIZE;
    if ((lots - 1) / shown + 1 > filters->iceberg_parts_max) return REJECT_ICEBERG_PARTS;
    return REJECT_NONE;
}

static enum reject check_notional(const struct market *listing, amount_t notional)
{
    const amount_t most = listing->filters.notional_max;
    if (notional.units < listing->notional_min.units) return REJECT_NOTIONAL;
    return most.units != 0 && notional.units > most.units ? REJECT_NOTIONAL : REJECT_NONE;
}

static enum reject check_value(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market *listing = rehearsal->listing;
    const uint32_t delta = order->trailing_delta;
    if (delta != 0 &&
        (delta < listing->filters.trailing_min || delta > listing->filters.trailing_max))
        return REJECT_TRAILING_DELTA;
    if (order->quote_qty.units > 0) return check_notional(listing, order->quote_qty);
    if (!has_price(order->type)) return REJECT_NONE;
    return check_notional(listing, market_notional(listing, order->price, order->qty));
}

/* The price against the average and against the last one. */
static enum reject check_distance(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market_filters *filters = &rehearsal->listing->filters;
    const price_t average = rehearse_average(rehearsal->market, rehearsal->listing,
                                             filters->average_minutes, rehearsal->now_ns);
    const uint32_t up = order->side == BUY ? filters->bid_up : filters->ask_up;
    const uint32_t down = order->side == BUY ? filters->bid_down : filters->ask_down;
    const __int128 price = order->price.ticks, last = rehearsal->last.ticks;
    if (!has_price(order->type)) return REJECT_NONE;
    if (average.ticks != 0 && ((up != 0 && price * 10000 > (__int128)average.ticks * up) ||
                               price * 10000 < (__int128)average.ticks * down))
        return REJECT_PERCENT_PRICE;
    const __int128 distance = price > last ? price - last : last - price;
    if (filters->band_ppm != 0 && last != 0 && distance * 1000000 > last * filters->band_ppm)
        return REJECT_PRICE_BAND;
    return REJECT_NONE;
}

/* What the account has open in the market. */
struct open_counts {
    uint32_t orders, stops, icebergs;
    __int128 buy_lots;
};

static struct open_counts count_open(const struct rehearsal *rehearsal)
{
    struct open_counts counts = {0};
    const struct view_order *order = NULL;
    while ((order = view_next_open(rehearsal->view, rehearsal->order->account, order)) != NULL) {
        if (order->market != rehearsal->order->market) continue;
        counts.orders++;
        counts.stops += is_stop(order->type) && order->working_ns == 0;
        counts.icebergs += order->iceberg_qty.lots != 0;
        if (order->side == BUY)
            counts.buy_lots += order->qty.lots - order->executed.lots - order->prevented.lots;
    }
    return counts;
}

static enum reject check_counts(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market *listing = rehearsal->listing;
    const struct market_filters *filters = &listing->filters;
    const struct open_counts counts = count_open(rehearsal);
    const bool may_rest =
        is_stop(order->type) || (has_price(order->type) && order->time_in_force == GTC);
    const bool hides = order->iceberg_qty.lots != 0 && order->iceberg_qty.lots < order->qty.lots;
    if (order->client_id[0] != 0 &&
        view_open_client(rehearsal->view, order->account, order->market, order->client_id) != NULL)
        return REJECT_DUPLICATE_ORDER;
    if (may_rest && counts.orders >= listing->account_orders_max) return REJECT_MAX_NUM_ORDERS;
    if (is_stop(order->type) && counts.stops >= filters->algo_orders_max)
        return REJECT_MAX_NUM_ALGO_ORDERS;
    if (hides && counts.icebergs >= filters->iceberg_orders_max)
        return REJECT_MAX_NUM_ICEBERG_ORDERS;
    if (order->side != BUY || filters->position_max.units == 0) return REJECT_NONE;
    const struct view_balance has = view_balance(rehearsal->view, order->account, listing->base);
    const __int128 position = (__int128)has.available.units + has.held.units +
                              (counts.buy_lots + order->qty.lots) * listing->lot_units;
    return position > filters->position_max.units ? REJECT_MAX_POSITION : REJECT_NONE;
}

/* Whether the last price meets the stop already. */
static bool would_trigger(const struct order_place_command *order, price_t last)
{
    const bool loses = order->type == STOP_LOSS || order->type == STOP_LOSS_LIMIT;
    const bool rises = loses == (order->side == BUY);
    if (!is_stop(order->type) || order->stop_price.ticks == 0 || last.ticks == 0) return false;
    return rises ? last.ticks >= order->stop_price.ticks : last.ticks <= order->stop_price.ticks;
}

static enum reject check_prices(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const price_t best = rehearsal->best;
    const bool unpriced_stop =
        is_stop(order->type) && !has_price(order->type) && order->stop_price.ticks == 0;
    if (unpriced_stop && order->side == BUY && rehearsal->last.ticks == 0)
        return REJECT_NO_LAST_PRICE;
    if (would_trigger(order, rehearsal->last)) return REJECT_WOULD_TRIGGER;
    if (order->type == LIMIT_MAKER && best.ticks > 0 &&
        (order->side == BUY ? order->price.ticks >= best.ticks : order->price.ticks <= best.ticks))
        return REJECT_WOULD_TAKE;
    return REJECT_NONE;
}

static enum reject check_hold(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market *listing = rehearsal->listing;
    const uint16_t asset = order->side == BUY ? listing->quote : listing->base;
    price_t price = has_price(order->type)         ? order->price
                    : !is_stop(order->type)        ? rehearsal->best
                    : order->stop_price.ticks != 0 ? order->stop_price
                                                   : rehearsal->last;
    amount_t hold = {0};
    if (order->side == SELL)
        hold = market_base_amount(listing, order->qty);
    else if (order->quote_qty.units > 0)
        hold = order->quote_qty;
    else
        hold = market_notional(listing, price, order->qty);
    const amount_t has = view_balance(rehearsal->view, order->account, asset).available;
    return has.units < hold.units ? REJECT_INSUFFICIENT_BALANCE : REJECT_NONE;
}

static enum reject judge(const struct rehearsal *rehearsal)
{
    const struct order_place_command *order = rehearsal->order;
    const struct market *listing = rehearsal->listing;
    const struct view_account *account = view_account(rehearsal->view, order->account);
    if (account != NULL && account->pending) return REJECT_ACCOUNT_PENDING;
    if (account != NULL && account->frozen) return REJECT_ACCOUNT_FROZEN;
    if (listing->status != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    if ((listing->filters.self_trade_modes >> order->self_trade & 1) == 0)
        return REJECT_SELF_TRADE_MODE;
    if (!in_price_filter(listing, order->price) || !in_price_filter(listing, order->stop_price))
        return REJECT_PRICE_FILTER;

    static enum reject (*const checks[])(const struct rehearsal *) = {
        check_qty, check_value, check_distance, check_counts, check_prices, check_hold,
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const enum reject reject = checks[i](rehearsal);
        if (reject != REJECT_NONE) return reject;
    }
    return REJECT_NONE;
}

bool rehearse_order(const struct order_place_command *order, const struct params *params,
                    const struct view *view, const struct market_view *market, uint64_t now_ns,
                    struct refusal *refusal)
{
    const struct trade *last = trades_last(&market->trades);
    struct depth_level best = {0};
    const bool has_best = depth_best(&market->depth, opposite((enum side)order->side), &best);
    const struct rehearsal rehearsal = {
        .order = order,
        .listing = &params->markets[order->market],
        .market = market,
        .view = view,
        .last = last == NULL ? (price_t){0} : last->price,
        .best = has_best ? best.price : (price_t){0},
        .now_ns = now_ns,
    };
    const enum reject reject = judge(&rehearsal);
    if (reject == REJECT_NONE) return true;
    *refusal = refusal_of(reject, NULL, NULL);
    return false;
}
