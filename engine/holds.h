/* Holds: what an order sets aside before it may match, and what a fill takes from it.
 *
 *     BUY   LIMIT, LIMIT_MAKER   limit x quantity of quote
 *     BUY   MARKET by quantity   what the walk says it costs
 *     BUY   MARKET by quote      the quote amount
 *     SELL  any                  the quantity of base; MARKET by quote: what the walk says it sells
 *
 * Pure arithmetic; balances are accounts.h's. A resting order's hold is always holds_resting of it, so
 * it is not stored anywhere.
 */

#ifndef ENGINE_HOLDS_H
#define ENGINE_HOLDS_H

#include "common/market.h"
#include "engine/order.h"

/* The asset that an order of this side holds and pays with, and the one it receives. */
static inline uint16_t holds_asset(const struct market *market, enum side side)
{
    return side == BUY ? market->quote : market->base;
}

static inline uint16_t holds_received_asset(const struct market *market, enum side side)
{
    return side == BUY ? market->base : market->quote;
}

/* What an order with a limit holds for what it has left. Needs: it is a LIMIT or LIMIT_MAKER order
 * within the market's bounds. */
amount_t holds_resting(const struct market *market, const struct order *order);

/* What one match at `price` does to an order's hold: it pays `paid`, gets `received` of the other asset
 * before fees, and `freed` is no longer needed because the price was better than its limit. */
struct holds_fill {
    amount_t paid;
    amount_t received;
    amount_t freed;
};

struct holds_fill holds_of_fill(const struct market *market, const struct order *order,
                                price_t price, qty_t qty);

#endif /* ENGINE_HOLDS_H */
