#include "node/demo.h"

#include <string.h>

#define DECIMALS 8

const char *const demo_assets[DEMO_ASSET_COUNT] = {"BTC", "ETH", "USDT"};

const struct demo_market demo_markets[DEMO_MARKET_COUNT] = {
    {
        .symbol = "BTCUSDT",
        .base = 0,
        .quote = 2,
        .tick_units = 1000000,        /* 0.01 */
        .lot_units = 1000,            /* 0.00001 */
        .price_max_ticks = 100000000, /* 1,000,000 */
        .qty_max_lots = 900000000,    /* 9,000 */
        .notional_min = 500000000,    /* 5 USDT */
        .price_ticks = 6000000,       /* 60,000 */
        .order_lots = 20000,          /* 0.2 */
    },
    {
        .symbol = "ETHUSDT",
        .base = 1,
        .quote = 2,
        .tick_units = 1000000,        /* 0.01 */
        .lot_units = 10000,           /* 0.0001 */
        .price_max_ticks = 100000000, /* 1,000,000 */
        .qty_max_lots = 90000000,     /* 9,000 */
        .notional_min = 500000000,    /* 5 USDT */
        .price_ticks = 300000,        /* 3,000 */
        .order_lots = 40000,          /* 4 */
    },
    {
        .symbol = "ETHBTC",
        .base = 1,
        .quote = 0,
        .tick_units = 1000,           /* 0.00001 */
        .lot_units = 100000,          /* 0.001 */
        .price_max_ticks = 100000000, /* 1,000 */
        .qty_max_lots = 100000000,    /* 100,000 */
        .notional_min = 10000,        /* 0.0001 BTC */
        .price_ticks = 5000,          /* 0.05 */
        .order_lots = 3000,           /* 3 */
    },
};

const struct demo_way demo_ways[DEMO_WAY_COUNT] = {
    {"BTC", 0, 8, 2, "0.001", "10"},
    {"ETH", 1, 18, 12, "0.01", "100"},
    {"ETH", 2, 6, 12, "10", "100000"},
};

const struct demo_account demo_accounts[DEMO_ACCOUNT_COUNT] = {
    {"ann", false, {"1000", "10000", "100000000"}},
    {"bob", false, {"1000", "10000", "100000000"}},
    {"maker-1", true, {"10000", "100000", "1000000000"}},
    {"maker-2", true, {"10000", "100000", "1000000000"}},
};

static void list_market(struct params *params, const struct demo_market *demo)
{
    struct market_create_command listing = {
        .base = demo->base,
        .quote = demo->quote,
        .tick_units = demo->tick_units,
        .lot_units = demo->lot_units,
        .price_min = {1},
        .price_max = {demo->price_max_ticks},
        .qty_min = {1},
        .qty_max = {demo->qty_max_lots},
        .notional_min = {demo->notional_min},
        .account_orders_max = 200,
    };
    memcpy(listing.symbol, demo->symbol, strlen(demo->symbol));
    const bool listed =
        market_list(&listing, params->assets, &params->markets[params->market_count]);
    ASSERT(listed);
    params->market_count++;
}

void demo_list(struct params *params)
{
    ASSERT(params->asset_count == 0 && params->market_count == 0);
    for (int i = 0; i < DEMO_ASSET_COUNT; i++) {
        struct asset *asset = &params->assets[params->asset_count++];
        memcpy(asset->symbol, demo_assets[i], strlen(demo_assets[i]));
        asset->decimals = DECIMALS;
    }
    for (int i = 0; i < DEMO_MARKET_COUNT; i++)
        list_market(params, &demo_markets[i]);
}
