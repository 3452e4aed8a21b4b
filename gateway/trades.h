/* The last trades of one market, and the same merged by taker order and price.
 *
 * Owner    one gateway loop
 * Memory   TRADES_KEPT of each from the arena; a pointer is good until the next trade
 * Limits   the oldest is forgotten when a ring is full
 */

#ifndef GATEWAY_TRADES_H
#define GATEWAY_TRADES_H

#include "gateway/candle.h"

#define TRADES_KEPT 1000

struct trade {
    uint64_t id;
    uint64_t aggregate_id;
    uint64_t stamp_ns;
    price_t price;
    qty_t qty;
    int64_t quote_units;
    bool buyer_is_maker;
};

struct aggregate_trade {
    uint64_t id;
    uint64_t first_id; /* trade ids */
    uint64_t last_id;
    uint64_t stamp_ns;
    price_t price;
    qty_t qty;
    bool buyer_is_maker;
};

struct trades {
    struct trade *trades; /* by count modulo TRADES_KEPT */
    struct aggregate_trade *aggregates;
    uint64_t trade_count; /* ever */
    uint64_t aggregate_count;
};

MUST_CHECK bool trades_init(struct trades *trades, struct arena *arena);
void trades_add(struct trades *trades, const struct candle_fill *fill);

/* How many are kept. */
uint32_t trades_kept(const struct trades *trades);
uint32_t trades_aggregates_kept(const struct trades *trades);

/* By age, 0 the oldest kept. Needs: index below the count. */
const struct trade *trades_at(const struct trades *trades, uint32_t index);
const struct aggregate_trade *trades_aggregate_at(const struct trades *trades, uint32_t index);

/* The newest, or NULL. */
const struct trade *trades_last(const struct trades *trades);
const struct aggregate_trade *trades_aggregate_last(const struct trades *trades);

/* Index of the first one whose id is at least `id`; the count when there is none. */
uint32_t trades_find(const struct trades *trades, uint64_t id);
uint32_t trades_aggregate_find(const struct trades *trades, uint64_t id);

#endif /* GATEWAY_TRADES_H */
