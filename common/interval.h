/* The sixteen candle intervals: their names, and where in time each candle opens.
 *
 * Times are UTC. A day, and all that divides it, opens on multiples of its length since 1970; 3d on
 * multiples of three days; a week on Monday; a month on its first day. The numbers are those of the
 * `interval` column in SQL: append-only.
 */

#ifndef COMMON_INTERVAL_H
#define COMMON_INTERVAL_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

enum interval {
    INTERVAL_1S,
    INTERVAL_1M,
    INTERVAL_3M,
    INTERVAL_5M,
    INTERVAL_15M,
    INTERVAL_30M,
    INTERVAL_1H,
    INTERVAL_2H,
    INTERVAL_4H,
    INTERVAL_6H,
    INTERVAL_8H,
    INTERVAL_12H,
    INTERVAL_1D,
    INTERVAL_3D,
    INTERVAL_1W,
    INTERVAL_MONTH,
    INTERVAL_COUNT
};

/* "1s", "1m", ... "1w", "1M". */
const char *interval_name(enum interval interval);

/* Reads a name, case-sensitive. */
MUST_CHECK bool interval_parse(const char *text, size_t text_bytes, enum interval *interval);

/* 0: a calendar month, which has no length of its own. */
uint64_t interval_length_ns(enum interval interval);

/* The opening time of the candle that holds `stamp_ns`. */
uint64_t interval_open_ns(enum interval interval, uint64_t stamp_ns);

/* The opening time of the candle after the one that opens at `open_ns`. */
uint64_t interval_next_ns(enum interval interval, uint64_t open_ns);

#endif /* COMMON_INTERVAL_H */
