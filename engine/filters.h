/* What is wrong with an order in itself: its form, and its market's filters.
 *
 * Checked in this order: side, type, self-trade mode, combination of fields, time in force, zero or
 * negative values, PRICE_FILTER, LOT_SIZE, NOTIONAL. What depends on the book, on balances or on other
 * orders is match.c's.
 *
 * Limits   LIMIT, MARKET and LIMIT_MAKER; self-trade mode 0 (none). Stop prices, iceberg quantities and
 *          trailing deltas are refused as COMBINATION, further types as ORDER_TYPE_DISABLED.
 */

#ifndef ENGINE_FILTERS_H
#define ENGINE_FILTERS_H

#include "common/market.h"
#include "common/reject.h"

/* REJECT_NONE when the order may go on. */
enum reject filters_check(const struct market *market, const struct order_place_command *place);

/* The NOTIONAL filter for an amount of quote; nothing at all (0) passes. */
enum reject filters_check_notional(const struct market *market, amount_t quote);

/* The time in force as it is recorded: GTC where the type has none of its own. */
static inline uint8_t filters_time_in_force(const struct order_place_command *place)
{
    return place->type == LIMIT ? place->time_in_force : (uint8_t)GTC;
}

#endif /* ENGINE_FILTERS_H */
