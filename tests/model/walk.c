#include "tests/model/parts.h"

bool model_price_reached(uint8_t taker_side, int64_t bound, int64_t maker_price)
{
    return taker_side == BUY ? maker_price <= bound : maker_price >= bound;
}

/* The worst price the order takes: its own, or the market's band; any when there is neither. */
int64_t model_price_bound(struct model *model, const struct model_order *taker)
{
    if (has_price(taker->type)) return taker->price;
    const int64_t last = model->markets[taker->market].last_price;
    const __int128 band = market_of(model, taker->market)->filters.band_ppm;
    if (last == 0 || band == 0) return taker->side == BUY ? INT64_MAX : 0;
    if (taker->side == BUY) return (int64_t)(last * (1000000 + band) / 1000000);
    return (int64_t)((last * (1000000 - band) + 999999) / 1000000);
}

bool model_would_take(struct model *model, uint16_t market, uint8_t side, int64_t price)
{
    const struct model_market *book = &model->markets[market];
    const enum side other = opposite((enum side)side);
    return book->queue_counts[other] > 0 &&
           model_price_reached(side, price, book->queues[other][0]->price);
}

/* Lot by lot, or as good as: what `taker` would get of at most `lots` within `bound` for at most
 * `quote_max`. It never steps over a price. With self-trade prevention its account's own orders are not
 * there. */
struct walk model_dry_walk(struct model *model, const struct model_order *taker, int64_t bound,
                           int64_t lots, int64_t quote_max)
{
    const struct model_market *book = &model->markets[taker->market];
    const enum side other = opposite((enum side)taker->side);
    struct walk walk = {0};
    for (int i = 0; i < book->queue_counts[other]; i++) {
        const struct model_order *maker = book->queues[other][i];
        if (!model_price_reached(taker->side, bound, maker->price)) break;
        if (maker->account == taker->account && taker->self_trade != SELF_TRADE_NONE) continue;
        const int64_t lot_quote = model_quote_of(model, taker->market, maker->price, 1);
        const int64_t affordable = (quote_max - walk.quote) / lot_quote;
        const int64_t taken = least(least(maker->left, lots - walk.lots), affordable);
        walk.lots += taken;
        walk.quote += taken * lot_quote;
        if (taken == maker->left) continue;
        walk.next_price = maker->price;
        break;
    }
    return walk;
}

/* Whether a FOK order is filled whole: enough lots of others within its price; and with a mode that would
 * take from the taker, no order of its own in a level that it needs. */
bool model_fok_fills(struct model *model, const struct model_order *taker, int64_t bound)
{
    const struct model_market *book = &model->markets[taker->market];
    const enum side other = opposite((enum side)taker->side);
    const bool own_spoils =
        taker->self_trade != SELF_TRADE_NONE && taker->self_trade != SELF_TRADE_EXPIRE_MAKER;
    int64_t lots = 0, level = 0;
    for (int i = 0; i < book->queue_counts[other]; i++) {
        const struct model_order *maker = book->queues[other][i];
        if (!model_price_reached(taker->side, bound, maker->price)) break;
        if (lots >= taker->left && maker->price != level) break;
        level = maker->price;
        const bool own = maker->account == taker->account;
        if (own && own_spoils) return false;
        if (!own || taker->self_trade == SELF_TRADE_NONE) lots += maker->left;
    }
    return lots >= taker->left;
}
