#include "engine/holds.h"

amount_t holds_resting(const struct market *market, const struct order *order)
{
    ASSERT(order->type != MARKET);
    return order->side == BUY ? market_notional(market, order->price, order->left)
                              : market_base_amount(market, order->left);
}

struct holds_fill holds_of_fill(const struct market *market, const struct order *order,
                                price_t price, qty_t qty)
{
    const amount_t base = market_base_amount(market, qty);
    const amount_t quote = market_notional(market, price, qty);
    if (order->side == SELL) return (struct holds_fill){.paid = base, .received = quote};

    struct holds_fill fill = {.paid = quote, .received = base};
    if (order->type != MARKET) {
        ASSERT(price.ticks <= order->price.ticks);
        fill.freed.units = market_notional(market, order->price, qty).units - quote.units;
    }
    return fill;
}
