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
};

/* Fills `market` from a listing. False when tick x lot is not a whole quote unit, a bound is not
 * positive or min > max, a largest notional would overflow, or the symbol is not 1 to 20 of A-Z 0-9.
 * Needs: base and quote exist in `assets`. */
MUST_CHECK bool market_list(const struct market_create_command *listing, const struct asset *assets,
                            struct market *market);

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
