#include "engine/filters.h"

static enum reject combination_check(const struct order_place_command *place)
{
    if (place->stop_price.ticks != 0 || place->iceberg_qty.lots != 0 || place->trailing_delta != 0)
        return REJECT_COMBINATION;
    if (place->type != MARKET)
        return place->quote_qty.units == 0 ? REJECT_NONE : REJECT_COMBINATION;
    if (place->price.ticks != 0) return REJECT_COMBINATION;
    if (place->qty.lots != 0 && place->quote_qty.units != 0) return REJECT_COMBINATION;
    return REJECT_NONE;
}

static enum reject form_check(const struct order_place_command *place)
{
    if (place->side != BUY && place->side != SELL) return REJECT_SIDE;
    if (place->type != LIMIT && place->type != MARKET && place->type != LIMIT_MAKER)
        return REJECT_ORDER_TYPE_DISABLED;
    if (place->self_trade != 0) return REJECT_SELF_TRADE_MODE;

    const enum reject combination = combination_check(place);
    if (combination != REJECT_NONE) return combination;

    const uint8_t force = place->time_in_force;
    if (place->type == LIMIT && (force < GTC || force > FOK)) return REJECT_TIME_IN_FORCE;
    if (place->type != LIMIT && force != 0 && force != GTC) return REJECT_TIME_IN_FORCE;
    return REJECT_NONE;
}

static enum reject price_check(const struct market *market, price_t price)
{
    if (price.ticks < market->price_min.ticks || price.ticks > market->price_max.ticks)
        return REJECT_PRICE_FILTER;
    return REJECT_NONE;
}

static enum reject qty_check(const struct market *market, qty_t qty)
{
    if (qty.lots < market->qty_min.lots || qty.lots > market->qty_max.lots) return REJECT_LOT_SIZE;
    return REJECT_NONE;
}

enum reject filters_check_notional(const struct market *market, amount_t quote)
{
    if (quote.units > 0 && quote.units < market->notional_min.units) return REJECT_NOTIONAL;
    return REJECT_NONE;
}

static enum reject market_order_check(const struct market *market,
                                      const struct order_place_command *place)
{
    if (place->qty.lots < 0 || place->quote_qty.units < 0) return REJECT_ZERO_VALUE;
    if (place->qty.lots == 0 && place->quote_qty.units == 0) return REJECT_ZERO_VALUE;
    if (place->qty.lots != 0) return qty_check(market, place->qty);
    return filters_check_notional(market, place->quote_qty);
}

static enum reject limit_order_check(const struct market *market,
                                     const struct order_place_command *place)
{
    if (place->price.ticks <= 0 || place->qty.lots <= 0) return REJECT_ZERO_VALUE;

    enum reject reject = price_check(market, place->price);
    if (reject == REJECT_NONE) reject = qty_check(market, place->qty);
    if (reject != REJECT_NONE) return reject;
    return filters_check_notional(market, market_notional(market, place->price, place->qty));
}

enum reject filters_check(const struct market *market, const struct order_place_command *place)
{
    const enum reject form = form_check(place);
    if (form != REJECT_NONE) return form;
    return place->type == MARKET ? market_order_check(market, place)
                                 : limit_order_check(market, place);
}
