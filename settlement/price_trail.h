/* The highest and the lowest price of a market since any of its trades.
 *
 * What a later trade has reached or passed is forgotten: what is left falls (or rises) from the oldest
 * to the newest, and the first of it that is not older than the question answers it.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 32 KiB a market, touched as prices come
 * Limits   PRICE_TRAIL_MAX prices each way. When they are full, neighbours become one: the answer to a
 *          question between the two is then the outer price, never one too near.
 * Cost     add O(1) amortised, question O(log PRICE_TRAIL_MAX)
 */

#ifndef SETTLEMENT_PRICE_TRAIL_H
#define SETTLEMENT_PRICE_TRAIL_H

#include "common/money.h"

#define PRICE_TRAIL_MAX 1024

struct price_mark {
    uint64_t trade_id;
    price_t price;
};

struct price_trail {
    uint32_t high_count;
    uint32_t low_count;
    struct price_mark highs[PRICE_TRAIL_MAX]; /* falling */
    struct price_mark lows[PRICE_TRAIL_MAX];  /* rising */
};

/* Needs: trade ids rise. */
void price_trail_add(struct price_trail *trail, uint64_t trade_id, price_t price);

/* The extreme of the trades from this one on; 0: there is none. */
price_t price_trail_high(const struct price_trail *trail, uint64_t first_trade);
price_t price_trail_low(const struct price_trail *trail, uint64_t first_trade);

void price_trail_forget(struct price_trail *trail);

#endif /* SETTLEMENT_PRICE_TRAIL_H */
