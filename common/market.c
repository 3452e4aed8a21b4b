#include "common/market.h"

#include <string.h>

bool market_symbol_valid(const char *symbol, size_t symbol_max)
{
    const size_t length = strnlen(symbol, symbol_max + 1);
    if (length == 0 || length > symbol_max) return false;
    for (size_t i = 0; i < length; i++) {
        const bool letter = symbol[i] >= 'A' && symbol[i] <= 'Z';
        const bool digit = symbol[i] >= '0' && symbol[i] <= '9';
        if (!letter && !digit) return false;
    }
    return true;
}

/* units_per_step = tick x lot / 10^base decimals, when that is whole. */
static bool units_per_step(int64_t tick_units, int64_t lot_units, int base_decimals, int64_t *units)
{
    int64_t product;
    if (tick_units <= 0 || lot_units <= 0) return false;
    if (__builtin_mul_overflow(tick_units, lot_units, &product)) return false;
    const int64_t scale = decimal_power(base_decimals);
    if (product % scale != 0) return false;
    *units = product / scale;
    return true;
}

static bool bounds_valid(const struct market *market)
{
    int64_t base_max, price_units;
    amount_t notional_max;
    return market->price_min.ticks > 0 && market->price_min.ticks <= market->price_max.ticks &&
           market->qty_min.lots > 0 && market->qty_min.lots <= market->qty_max.lots &&
           market->notional_min.units >= 0 && market->account_orders_max > 0 &&
           amount_of(market->price_max, market->qty_max, market->units_per_step, &notional_max) &&
           !__builtin_mul_overflow(market->qty_max.lots, market->lot_units, &base_max) &&
           !__builtin_mul_overflow(market->price_max.ticks, market->tick_units, &price_units);
}

struct market_filters market_filters_default(const struct market *market)
{
    return (struct market_filters){
        .market_qty_min = market->qty_min,
        .market_qty_max = market->qty_max,
        .average_minutes = 5,
        .algo_orders_max = 5,
        .iceberg_orders_max = 10,
        .iceberg_parts_max = 100,
        .order_lists_max = 20,
        .trailing_min = 10,
        .trailing_max = 2000,
        .self_trade_modes = (1 << SELF_TRADE_TRANSFER) - 1,
        .self_trade_default = SELF_TRADE_NONE,
    };
}

static bool percent_valid(uint32_t up, uint32_t down)
{
    return up <= 1000000 && down <= 10000 && (up == 0 || up >= 10000);
}

bool market_filters_valid(const struct market *market, const struct market_filters *filters)
{
    const uint8_t modes = filters->self_trade_modes, fallback = filters->self_trade_default;
    return filters->market_qty_min.lots > 0 &&
           filters->market_qty_min.lots <= filters->market_qty_max.lots &&
           filters->market_qty_max.lots <= market->qty_max.lots &&
           filters->notional_max.units >= 0 && filters->position_max.units >= 0 &&
           percent_valid(filters->bid_up, filters->bid_down) &&
           percent_valid(filters->ask_up, filters->ask_down) && filters->band_ppm <= 1000000 &&
           filters->average_minutes <= MARKET_AVERAGE_MINUTES_MAX &&
           filters->iceberg_parts_max > 0 &&
           filters->iceberg_parts_max <= MARKET_ICEBERG_PARTS_MAX && filters->trailing_min > 0 &&
           filters->trailing_min <= filters->trailing_max &&
           filters->trailing_max <= MARKET_TRAILING_MAX && modes < 1 << SELF_TRADE_TRANSFER &&
           fallback < SELF_TRADE_TRANSFER && (modes >> fallback & 1) != 0;
}

bool market_list(const struct market_create_command *listing, const struct asset *assets,
                 struct market *market)
{
    memset(market, 0, sizeof(*market));
    memcpy(market->symbol, listing->symbol, MARKET_SYMBOL_BYTES);
    market->base = listing->base;
    market->quote = listing->quote;
    market->status = MARKET_TRADING;
    market->tick_units = listing->tick_units;
    market->lot_units = listing->lot_units;
    market->price_min = listing->price_min;
    market->price_max = listing->price_max;
    market->qty_min = listing->qty_min;
    market->qty_max = listing->qty_max;
    market->notional_min = listing->notional_min;
    market->account_orders_max = listing->account_orders_max;
    market->filters = market_filters_default(market);

    return listing->base != listing->quote &&
           market_symbol_valid(market->symbol, MARKET_SYMBOL_BYTES) &&
           units_per_step(listing->tick_units, listing->lot_units, assets[listing->base].decimals,
                          &market->units_per_step) &&
           bounds_valid(market);
}

amount_t market_notional(const struct market *market, price_t price, qty_t qty)
{
    amount_t notional = {0};
    const bool fits = amount_of(price, qty, market->units_per_step, &notional);
    ASSERT(fits);
    return notional;
}

amount_t market_base_amount(const struct market *market, qty_t qty)
{
    int64_t units;
    const bool overflow = __builtin_mul_overflow(qty.lots, market->lot_units, &units);
    ASSERT(!overflow);
    return (amount_t){units};
}

bool market_price_from_units(const struct market *market, int64_t quote_units, price_t *price)
{
    if (quote_units % market->tick_units != 0) return false;
    price->ticks = quote_units / market->tick_units;
    return true;
}

bool market_qty_from_units(const struct market *market, int64_t base_units, qty_t *qty)
{
    if (base_units % market->lot_units != 0) return false;
    qty->lots = base_units / market->lot_units;
    return true;
}
