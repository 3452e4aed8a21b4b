/* Assets and markets: what a price step and a lot are worth.
 *
 * An asset has at most 8 decimals. One tick is `tick_units` quote units for one whole base; one lot
 * is `lot_units` base units. tick x lot must be a whole number of quote units (units_per_step), so
 * that every notional is exact; a market where it is not is refused at listing.
 */

#ifndef COMMON_MARKET_H
#define COMMON_MARKET_H

#include "common/messages.h"

#define ASSET_DECIMALS_MAX  8
#define ASSET_SYMBOL_BYTES  12
#define MARKET_SYMBOL_BYTES 20

struct asset {
    char symbol[ASSET_SYMBOL_BYTES + 1];
    uint8_t decimals;
};

enum market_status { MARKET_TRADING = 1, MARKET_HALT = 2, MARKET_BREAK = 3 };

/* What may change while the market trades. A listing starts from market_filters_default. */
struct market_filters {
    qty_t market_qty_min, market_qty_max; /* MARKET_LOT_SIZE: orders of type MARKET by quantity */
    amount_t notional_max;                /* NOTIONAL, quote units; 0: none */
    amount_t position_max;                /* MAX_POSITION, base units; 0: none */
    /* PERCENT_PRICE_BY_SIDE: a limit against the average price, in ten-thousandths; 0: none. */
    uint32_t bid_up, bid_down, ask_up, ask_down;
    uint32_t average_minutes;    /* of the average price, whole UTC minutes; 0: the last price */
    uint32_t band_ppm;           /* a limit at most this far from the last price; 0: none */
    uint32_t algo_orders_max;    /* MAX_NUM_ALGO_ORDERS: stops of an account */
    uint32_t iceberg_orders_max; /* MAX_NUM_ICEBERG_ORDERS */
    uint32_t iceberg_parts_max;  /* ICEBERG_PARTS: ceil(quantity / shown) */
    uint32_t order_lists_max;    /* MAX_NUM_ORDER_LISTS */
    uint32_t trailing_min, trailing_max; /* TRAILING_DELTA, ten-thousandths */
    uint8_t self_trade_modes;            /* allowed: bit 1 << enum self_trade */
    uint8_t self_trade_default;
};

#define MARKET_AVERAGE_MINUTES_MAX 60
#define MARKET_TRAILING_MAX        9999
#define MARKET_ICEBERG_PARTS_MAX   100

struct market {
    char symbol[MARKET_SYMBOL_BYTES + 1];
    uint16_t base;  /* index of the asset traded */
    uint16_t quote; /* index of the asset it is priced in */
    uint8_t status; /* enum market_status */
    int64_t tick_units;
    int64_t lot_units;
    int64_t units_per_step; /* quote units of one tick x one lot */
    price_t price_min, price_max;
    qty_t qty_min, qty_max;
    amount_t notional_min;
    uint32_t account_orders_max; /* MAX_NUM_ORDERS */
    struct market_filters filters;
};

/* Fills `market` from a listing. False when tick x lot is not a whole quote unit, a bound is not
 * positive or min > max, a largest notional would overflow, or the symbol is not 1 to 20 of A-Z 0-9.
 * Needs: base and quote exist in `assets`. */
MUST_CHECK bool market_list(const struct market_create_command *listing, const struct asset *assets,
                            struct market *market);

/* Those of a new market: every mode of self-trade prevention but TRANSFER, no percent price, no band. */
struct market_filters market_filters_default(const struct market *market);

/* False when a bound lies outside what the market can count, or min > max. */
MUST_CHECK bool market_filters_valid(const struct market *market,
                                     const struct market_filters *filters);

/* Quote units of `qty` at `price`. Cannot overflow within the market's bounds (market_list). */
amount_t market_notional(const struct market *market, price_t price, qty_t qty);

/* Base units of `qty`. */
amount_t market_base_amount(const struct market *market, qty_t qty);

/* Decimals with which prices and quantities of this market are read: those of quote and base. */
MUST_CHECK bool market_price_from_units(const struct market *market, int64_t quote_units,
                                        price_t *price);
MUST_CHECK bool market_qty_from_units(const struct market *market, int64_t base_units, qty_t *qty);

/* Whether `symbol` is 1 to `symbol_max` bytes of A-Z and 0-9. */
bool market_symbol_valid(const char *symbol, size_t symbol_max);

#endif /* COMMON_MARKET_H */
