/* Candles: what a market did in each of Binance's 16 intervals, in log time.
 *
 * Intervals start at whole multiples since 1970 (UTC), weeks on Monday, months on their first day.
 */

#ifndef SETTLEMENT_CANDLE_H
#define SETTLEMENT_CANDLE_H

#include "common/assert.h"
#include "common/money.h"

#include <stdbool.h>
#include <stdint.h>

/* 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M, in this order. */
#define CANDLE_INTERVALS 16

struct candle {
    uint16_t market;
    uint16_t interval;
    uint64_t open_ns;
    price_t open, high, low, close;
    __int128 volume;       /* lots */
    __int128 quote_volume; /* units of the quote asset */
    __int128 taker_volume; /* of it, bought by takers */
    __int128 taker_quote_volume;
    uint64_t fill_count; /* 0: nothing yet */
};

/* Start of the interval that holds `time_ns`. Needs: interval < CANDLE_INTERVALS. */
uint64_t candle_open_ns(uint32_t interval, uint64_t time_ns);

/* Adds one fill to a candle. Needs: `candle` covers its time. */
void candle_add(struct candle *candle, price_t price, qty_t qty, amount_t notional,
                enum side taker_side);

#endif /* SETTLEMENT_CANDLE_H */
