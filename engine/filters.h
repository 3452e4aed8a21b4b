/* What is wrong with an order in itself: its form, and its market's filters.
 *
 * The order of checks is that of docs/matching.md. filters_form and filters_bounds need nothing but the
 * market; filters_price compares with prices that trading has left behind. What depends on the book, on
 * balances or on other orders is place.c's.
 */

#ifndef ENGINE_FILTERS_H
#define ENGINE_FILTERS_H

#include "common/market.h"
#include "common/reject.h"

/* SIDE to TIME_IN_FORCE. */
enum reject filters_form(const struct market *market, const struct order_place_command *place);

/* ZERO_VALUE to NOTIONAL. Needs: the form is right. */
enum reject filters_bounds(const struct market *market, const struct order_place_command *place);

/* PERCENT_PRICE and PRICE_BAND. A price of 0 is one that there is not. Needs: the form is right. */
enum reject filters_price(const struct market *market, const struct order_place_command *place,
                          price_t average, price_t last);

/* The limits that filters_price passes, for one average and one last price. */
struct filters_window {
    price_t average, last;
    price_t lowest[2], highest[2]; /* by side */
};

/* The window of these prices. */
struct filters_window filters_window_of(const struct market *market, price_t average, price_t last);

/* Whether filters_price has anything to compare. */
static inline bool filters_price_matters(const struct market *market, uint8_t side)
{
    const struct market_filters *filters = &market->filters;
    return (side == BUY ? filters->bid_up | filters->bid_down
                        : filters->ask_up | filters->ask_down) != 0 ||
           filters->band_ppm != 0;
}

/* Whether form and bounds of an order of the commonest kind are plainly right: a LIMIT with nothing beside
 * price and quantity. False decides nothing. */
static inline bool filters_plain(const struct market *market,
                                 const struct order_place_command *place)
{
    const int64_t beside = place->quote_qty.units | place->stop_price.ticks |
                           place->iceberg_qty.lots | place->trailing_delta;
    if (place->type != LIMIT || beside != 0 || place->side > SELL) return false;
    if (place->time_in_force < GTC || place->time_in_force > FOK) return false;
    if (place->self_trade > SELF_TRADE_TRANSFER ||
        (market->filters.self_trade_modes >> place->self_trade & 1) == 0)
        return false;
    if (place->price.ticks < market->price_min.ticks ||
        place->price.ticks > market->price_max.ticks || place->qty.lots < market->qty_min.lots ||
        place->qty.lots > market->qty_max.lots)
        return false;
    const amount_t quote = market_notional(market, place->price, place->qty);
    const int64_t most = market->filters.notional_max.units;
    return quote.units >= market->notional_min.units && (most == 0 || quote.units <= most);
}

/* LOT_SIZE for a quantity, NOTIONAL for an amount of quote; nothing at all (0) passes NOTIONAL. */
enum reject filters_lots(const struct market *market, qty_t qty);
enum reject filters_notional(const struct market *market, amount_t quote);

static inline bool filters_is_stop(uint8_t type)
{
    return type >= STOP_LOSS && type <= TAKE_PROFIT_LIMIT;
}

/* Whether orders of this type name the price they trade at. */
static inline bool filters_has_price(uint8_t type)
{
    return type == LIMIT || type == LIMIT_MAKER || type == STOP_LOSS_LIMIT ||
           type == TAKE_PROFIT_LIMIT;
}

/* The time in force as it is recorded: GTC where the type has none of its own. */
static inline uint8_t filters_time_in_force(uint8_t type, uint8_t time_in_force)
{
    return filters_has_price(type) && type != LIMIT_MAKER ? time_in_force : (uint8_t)GTC;
}

/* Whether what such an order does not match at once waits somewhere: in the book or as a stop. */
static inline bool filters_may_rest(uint8_t type, uint8_t time_in_force)
{
    return filters_is_stop(type) || type == LIMIT_MAKER || (type == LIMIT && time_in_force == GTC);
}

/* Whether it waits for a price to rise (or else to fall). Needs: it is a stop. */
static inline bool filters_rises(uint8_t type, uint8_t side)
{
    const bool loss = type == STOP_LOSS || type == STOP_LOSS_LIMIT;
    return loss == (side == BUY);
}

/* Whether a trade at `price` meets the stop's condition. */
static inline bool filters_fires(uint8_t type, uint8_t side, price_t stop, price_t price)
{
    return filters_rises(type, side) ? price.ticks >= stop.ticks : price.ticks <= stop.ticks;
}

#endif /* ENGINE_FILTERS_H */
