/* Fees: the one place where money is rounded.
 *
 * A fee is charged in the asset received, at a rate in parts per million. The payer pays the exact
 * fee rounded up to a whole unit; the `fees` account gets the exact fee rounded down, and `rounding`
 * the unit between the two, if there is one. Used by the engine and by settlement.
 */

#ifndef COMMON_FEE_H
#define COMMON_FEE_H

#include "common/money.h"

#define FEE_RATE_ONE 1000000 /* a rate of 100% */

/* What a maker of a rate below 0 gets: `-rate_ppm` of what it paid, rounded down, in the asset it paid;
 * which is what the taker received, so that it comes out of the taker's fee and the fees account of
 * no asset falls below zero (params_valid: no rebate above the lowest taker fee).
 * Needs: paid >= 0, -FEE_RATE_ONE <= rate_ppm < 0. */
static inline amount_t fee_rebate(amount_t paid, int32_t rate_ppm)
{
    ASSERT(paid.units >= 0);
    ASSERT(rate_ppm < 0 && rate_ppm >= -FEE_RATE_ONE);
    return (amount_t){(int64_t)((__int128)paid.units * -rate_ppm / FEE_RATE_ONE)};
}

struct fee {
    amount_t charged;  /* what the payer pays: rounded up */
    amount_t earned;   /* what the fees account gets: rounded down */
    amount_t rounding; /* charged - earned: 0 or 1 unit */
};

/* The fee on `received` at `rate_ppm`. Never more than `received`.
 * Needs: received >= 0, 0 <= rate_ppm <= FEE_RATE_ONE. */
static inline struct fee fee_of(amount_t received, int32_t rate_ppm)
{
    ASSERT(received.units >= 0);
    ASSERT(rate_ppm >= 0 && rate_ppm <= FEE_RATE_ONE);

    int64_t floor, exact;
    if (__builtin_mul_overflow(received.units, (int64_t)rate_ppm, &exact)) {
        const __int128 wide = (__int128)received.units * rate_ppm;
        floor = (int64_t)(wide / FEE_RATE_ONE);
        exact = (int64_t)(wide % FEE_RATE_ONE);
    } else {
        floor = exact / FEE_RATE_ONE; /* the common case: no division of 128 bits */
        exact -= floor * FEE_RATE_ONE;
    }
    const int64_t rest = exact != 0;
    return (struct fee){{floor + rest}, {floor}, {rest}};
}

#endif /* COMMON_FEE_H */
