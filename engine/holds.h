/* Holds: what an order sets aside before it may match, and what a fill takes from it.
 *
 *     BUY   with a price              price x what is open, of quote
 *     BUY   STOP_LOSS, TAKE_PROFIT    stop price (or last price) x what is open, until it fires
 *     BUY   MARKET, or fired          what the walk says it costs; by quote: the quote amount
 *     SELL  any                       what is open, of base; MARKET by quote: what the walk sells
 *     pending                         nothing
 *
 * Pure arithmetic; balances are accounts.h's. What an order in the book or asleep holds is always
 * holds_need of it (a pair of a list: the larger of two), so it is not stored anywhere.
 */

#ifndef ENGINE_HOLDS_H
#define ENGINE_HOLDS_H

#include "common/market.h"
#include "engine/filters.h"
#include "engine/order.h"

/* The asset that an order of this side holds and pays with, and the one it receives. */
static inline uint16_t holds_asset(const struct market *market, uint8_t side)
{
    return side == BUY ? market->quote : market->base;
}

static inline uint16_t holds_received_asset(const struct market *market, uint8_t side)
{
    return side == BUY ? market->base : market->quote;
}

/* What `qty` of an order holds that pays at most `price` each. */
static inline amount_t holds_of(const struct market *market, uint8_t side, price_t price, qty_t qty)
{
    return side == BUY ? market_notional(market, price, qty) : market_base_amount(market, qty);
}

/* What an open order needs by itself. Needs: it is no MARKET order, unless it is pending. */
static inline amount_t holds_need(const struct order_pool *pool, const struct market *market,
                                  uint32_t slot)
{
    const struct order *order = &pool->orders[slot];
    if (order->extra == NO_SLOT) return holds_of(market, order->side, order->price, order->left);
    if ((order->flags & ORDER_PENDING) != 0) return (amount_t){0};
    const struct order_extra *extra = &pool->extras[order->extra];
    const price_t price = filters_has_price(order->type) ? order->price : extra->hold_price;
    return holds_of(market, order->side, price, (qty_t){order->left.lots + extra->hidden.lots});
}

#endif /* ENGINE_HOLDS_H */
