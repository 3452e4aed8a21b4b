/* The demo exchange: its assets, its markets, its accounts, in one place.
 *
 * `quorex init --demo` writes the markets into the genesis, `quorex demo-accounts` funds the
 * accounts, `quorex demo-flow` trades on the markets.
 */

#ifndef NODE_DEMO_H
#define NODE_DEMO_H

#include "common/params.h"

#define DEMO_ASSET_COUNT  3
#define DEMO_MARKET_COUNT 3

struct demo_market {
    const char *symbol;
    uint16_t base, quote;    /* places in demo_assets */
    int64_t tick_units;      /* 8 decimals of quote */
    int64_t lot_units;       /* 8 decimals of base */
    int64_t price_max_ticks; /* the lowest price is one tick */
    int64_t qty_max_lots;    /* the smallest quantity is one lot */
    int64_t notional_min;    /* units of quote */
    int64_t price_ticks;     /* where the flow begins */
    int64_t order_lots;      /* about what the flow quotes at a level */
};

struct demo_account {
    const char *name;
    bool flow; /* trades for demo-flow: listed in flow-accounts.json instead of accounts.json */
    const char *amounts[DEMO_ASSET_COUNT]; /* decimal text, one for each of demo_assets */
};

extern const char *const demo_assets[DEMO_ASSET_COUNT];
extern const struct demo_market demo_markets[DEMO_MARKET_COUNT];

struct demo_way {
    const char *chain;
    uint16_t asset; /* place in demo_assets */
    int decimals, confirmations;
    const char *withdrawal_min, *withdrawal_max; /* decimal text */
};

#define DEMO_WAY_COUNT 3
extern const struct demo_way demo_ways[DEMO_WAY_COUNT];

#define DEMO_ACCOUNT_COUNT 4
extern const struct demo_account demo_accounts[DEMO_ACCOUNT_COUNT];

/* Lists the demo's assets and markets. Needs: `params` has none yet. */
void demo_list(struct params *params);

#endif /* NODE_DEMO_H */
