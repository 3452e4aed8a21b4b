/* Prices, quantities and amounts: three whole numbers that the compiler keeps apart.
 *
 * Text is parsed once at the gateway and printed once there; between the two there are only whole
 * numbers of ticks, lots and units. Overflow is a `false` the caller must handle.
 *
 * Limits   |value| < 2^63; decimal text of at most DECIMAL_TEXT_MAX bytes with 0 to 18 decimals
 * Cost     O(1); decimal text is linear in its length
 */

#ifndef COMMON_MONEY_H
#define COMMON_MONEY_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t ticks; /* price steps of one market */
} price_t;

typedef struct {
    int64_t lots; /* quantity steps of one market */
} qty_t;

typedef struct {
    int64_t units; /* minor units of one asset */
} amount_t;

enum side { BUY = 0, SELL = 1 };

static inline enum side opposite(enum side side)
{
    return side == BUY ? SELL : BUY;
}

/* result = left + right, or false and `result` untouched. */
MUST_CHECK static inline bool amount_add(amount_t left, amount_t right, amount_t *result)
{
    int64_t sum;
    if (__builtin_add_overflow(left.units, right.units, &sum)) return false;
    result->units = sum;
    return true;
}

/* result = left - right, or false and `result` untouched. */
MUST_CHECK static inline bool amount_subtract(amount_t left, amount_t right, amount_t *result)
{
    int64_t difference;
    if (__builtin_sub_overflow(left.units, right.units, &difference)) return false;
    result->units = difference;
    return true;
}

/* price x qty x units_per_step: the quote amount of `qty` at `price`. False on overflow. */
MUST_CHECK static inline bool amount_of(price_t price, qty_t qty, int64_t units_per_step,
                                        amount_t *result)
{
    int64_t steps, units;
    if (__builtin_mul_overflow(price.ticks, qty.lots, &steps)) return false;
    if (__builtin_mul_overflow(steps, units_per_step, &units)) return false;
    result->units = units;
    return true;
}

static inline qty_t qty_min(qty_t left, qty_t right)
{
    return left.lots < right.lots ? left : right;
}

/* Needs: right <= left. */
static inline qty_t qty_less(qty_t left, qty_t right)
{
    ASSERT(right.lots <= left.lots);
    return (qty_t){left.lots - right.lots};
}

/* The longest decimal text: sign, 19 digits, point, leading zero and the terminator. */
#define DECIMAL_TEXT_MAX 24

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_MALFORMED,   /* not digits with at most one point: 1e3, +1, -1, NaN, empty, "1." */
    DECIMAL_TOO_PRECISE, /* non-zero digits beyond `decimals` */
    DECIMAL_TOO_LARGE,   /* does not fit in 63 bits */
};

/* Reads unsigned decimal text as a whole number of 10^-decimals. Exact or refused.
 * Needs: 0 <= decimals <= 18. `value` is written only on DECIMAL_OK. */
MUST_CHECK enum decimal_result decimal_parse(const char *text, size_t text_bytes, int decimals,
                                             int64_t *value);

/* Writes value x 10^-decimals with exactly `decimals` decimals and a terminator; returns the length.
 * Needs: 0 <= decimals <= 18. */
size_t decimal_format(int64_t value, int decimals, char text[DECIMAL_TEXT_MAX]);

/* 10^exponent. Needs: 0 <= exponent <= 18. */
int64_t decimal_power(int exponent);

#endif /* COMMON_MONEY_H */
