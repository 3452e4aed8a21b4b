#include "engine/filters.h"

/* A stop needs a price to wait for, and nothing else has one. */
static bool stop_fields_fit(const struct order_place_command *place)
{
    const bool given = place->stop_price.ticks != 0 || place->trailing_delta != 0;
    return given == filters_is_stop(place->type);
}

static bool price_fields_fit(const struct order_place_command *place)
{
    if (filters_has_price(place->type)) {
        if (place->iceberg_qty.lots == 0) return true;
        return filters_time_in_force(place->type, place->time_in_force) == GTC;
    }
    return place->price.ticks == 0 && place->iceberg_qty.lots == 0;
}

static bool quote_fits(const struct order_place_command *place)
{
    if (place->quote_qty.units == 0) return true;
    return place->type == MARKET && place->qty.lots == 0;
}

enum reject filters_form(const struct market *market, const struct order_place_command *place)
{
    if (place->side != BUY && place->side != SELL) return REJECT_SIDE;
    if (place->type < LIMIT || place->type > TAKE_PROFIT_LIMIT) return REJECT_ORDER_TYPE_DISABLED;
    if (place->self_trade > SELF_TRADE_TRANSFER ||
        (market->filters.self_trade_modes >> place->self_trade & 1) == 0)
        return REJECT_SELF_TRADE_MODE;
    if (!stop_fields_fit(place) || !price_fields_fit(place) || !quote_fits(place))
        return REJECT_COMBINATION;

    const uint8_t force = place->time_in_force;
    const bool own = filters_has_price(place->type) && place->type != LIMIT_MAKER;
    if (own ? force < GTC || force > FOK : force != 0 && force != GTC) return REJECT_TIME_IN_FORCE;
    return REJECT_NONE;
}

static bool price_within(const struct market *market, price_t price)
{
    return price.ticks >= market->price_min.ticks && price.ticks <= market->price_max.ticks;
}

enum reject filters_lots(const struct market *market, qty_t qty)
{
    return qty.lots < market->qty_min.lots || qty.lots > market->qty_max.lots ? REJECT_LOT_SIZE
                                                                              : REJECT_NONE;
}

enum reject filters_notional(const struct market *market, amount_t quote)
{
    const int64_t most = market->filters.notional_max.units;
    if (quote.units == 0) return REJECT_NONE;
    if (quote.units < market->notional_min.units) return REJECT_NOTIONAL;
    return most != 0 && quote.units > most ? REJECT_NOTIONAL : REJECT_NONE;
}

static enum reject values_check(const struct order_place_command *place)
{
    const bool by_quote = place->quote_qty.units != 0;
    if (place->price.ticks < 0 || place->qty.lots < 0 || place->quote_qty.units < 0 ||
        place->stop_price.ticks < 0 || place->iceberg_qty.lots < 0)
        return REJECT_ZERO_VALUE;
    if (filters_has_price(place->type) && place->price.ticks == 0) return REJECT_ZERO_VALUE;
    return !by_quote && place->qty.lots == 0 ? REJECT_ZERO_VALUE : REJECT_NONE;
}

static enum reject lots_check(const struct market *market, const struct order_place_command *place)
{
    if (place->quote_qty.units != 0) return REJECT_NONE;
    const enum reject reject = filters_lots(market, place->qty);
    if (reject != REJECT_NONE) return reject;
    if (place->type == MARKET && (place->qty.lots < market->filters.market_qty_min.lots ||
                                  place->qty.lots > market->filters.market_qty_max.lots))
        return REJECT_MARKET_LOT_SIZE;
    return REJECT_NONE;
}

static enum reject iceberg_check(const struct market *market,
                                 const struct order_place_command *place)
{
    const int64_t shown = place->iceberg_qty.lots;
    if (shown == 0) return REJECT_NONE;
    if (shown < market->qty_min.lots || shown > place->qty.lots) return REJECT_LOT_SIZE;
    const int64_t parts = (place->qty.lots - 1) / shown + 1;
    return parts > market->filters.iceberg_parts_max ? REJECT_ICEBERG_PARTS : REJECT_NONE;
}

enum reject filters_bounds(const struct market *market, const struct order_place_command *place)
{
    enum reject reject = values_check(place);
    if (reject != REJECT_NONE) return reject;
    if (place->price.ticks != 0 && !price_within(market, place->price)) return REJECT_PRICE_FILTER;
    if (place->stop_price.ticks != 0 && !price_within(market, place->stop_price))
        return REJECT_PRICE_FILTER;
    reject = lots_check(market, place);
    if (reject == REJECT_NONE) reject = iceberg_check(market, place);
    if (reject != REJECT_NONE) return reject;

    const uint32_t delta = place->trailing_delta;
    if (delta != 0 &&
        (delta < market->filters.trailing_min || delta > market->filters.trailing_max))
        return REJECT_TRAILING_DELTA;
    if (place->price.ticks != 0)
        return filters_notional(market, market_notional(market, place->price, place->qty));
    return filters_notional(market, place->quote_qty);
}

/* Whether price x 10000 lies within [average x down, average x up]; a bound of 0 is none. */
static bool percent_within(price_t price, price_t average, uint32_t up, uint32_t down)
{
    const __int128 asked = (__int128)price.ticks * 10000;
    if (up != 0 && asked > (__int128)average.ticks * up) return false;
    return down == 0 || asked >= (__int128)average.ticks * down;
}

static bool band_within(price_t price, price_t last, uint32_t band_ppm)
{
    const int64_t apart =
        price.ticks > last.ticks ? price.ticks - last.ticks : last.ticks - price.ticks;
    return (__int128)apart * 1000000 <= (__int128)last.ticks * band_ppm;
}

enum reject filters_price(const struct market *market, const struct order_place_command *place,
                          price_t average, price_t last)
{
    const struct market_filters *filters = &market->filters;
    if (place->price.ticks == 0) return REJECT_NONE;

    const bool buys = place->side == BUY;
    const uint32_t up = buys ? filters->bid_up : filters->ask_up;
    const uint32_t down = buys ? filters->bid_down : filters->ask_down;
    if (average.ticks != 0 && !percent_within(place->price, average, up, down))
        return REJECT_PERCENT_PRICE;
    if (filters->band_ppm != 0 && last.ticks != 0 &&
        !band_within(place->price, last, filters->band_ppm))
        return REJECT_PRICE_BAND;
    return REJECT_NONE;
}

static int64_t clamped(__int128 ticks)
{
    return ticks > INT64_MAX ? INT64_MAX : (int64_t)ticks;
}

/* Narrows to [average x down / 10000 rounded up, average x up / 10000 rounded down]. */
static void window_percent(struct filters_window *window, int side, uint32_t up, uint32_t down)
{
    const __int128 average = window->average.ticks;
    if (up != 0) window->highest[side].ticks = clamped(average * up / 10000);
    if (down != 0) window->lowest[side].ticks = clamped((average * down + 9999) / 10000);
}

static void window_band(struct filters_window *window, int side, uint32_t band_ppm)
{
    const __int128 last = window->last.ticks, reach = last * band_ppm / 1000000;
    const int64_t low = (int64_t)(last - reach), high = clamped(last + reach);
    if (low > window->lowest[side].ticks) window->lowest[side].ticks = low;
    if (high < window->highest[side].ticks) window->highest[side].ticks = high;
}

struct filters_window filters_window_of(const struct market *market, price_t average, price_t last)
{
    const struct market_filters *filters = &market->filters;
    struct filters_window window = {
        .average = average, .last = last, .highest = {{INT64_MAX}, {INT64_MAX}}};
    if (average.ticks != 0) {
        window_percent(&window, BUY, filters->bid_up, filters->bid_down);
        window_percent(&window, SELL, filters->ask_up, filters->ask_down);
    }
    if (filters->band_ppm != 0 && last.ticks != 0)
        for (int side = BUY; side <= SELL; side++)
            window_band(&window, side, filters->band_ppm);
    return window;
}
