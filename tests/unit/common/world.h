/* A small exchange for tests of common/: BTCUSDT (tick 0.01, lot 0.00001) and ETHBTC (tick 0.00001,
 * lot 0.001) between three assets of 8 decimals, and CENTS with 2. */

#ifndef TESTS_UNIT_COMMON_WORLD_H
#define TESTS_UNIT_COMMON_WORLD_H

#include "common/params.h"

#include <string.h>

enum { BTC, USDT, ETH, CENTS };
enum { BTCUSDT, ETHBTC };

static inline void world_asset(struct params *params, const char *symbol, uint8_t decimals)
{
    struct asset *asset = &params->assets[params->asset_count++];
    memcpy(asset->symbol, symbol, strlen(symbol) + 1);
    asset->decimals = decimals;
}

static inline struct market_create_command world_listing(const char *symbol, uint16_t base,
                                                         uint16_t quote, int64_t tick, int64_t lot)
{
    struct market_create_command listing = {
        .base = base,
        .quote = quote,
        .tick_units = tick,
        .lot_units = lot,
        .price_min = {1},
        .price_max = {100000000},
        .qty_min = {1},
        .qty_max = {900000000},
        .notional_min = {500000000},
        .account_orders_max = 200,
    };
    memcpy(listing.symbol, symbol, strlen(symbol));
    return listing;
}

static inline void world_params(struct params *params)
{
    *params = (struct params){
        .rules = 1,
        .accounts_max = 1000,
        .keys_max = 1000,
        .orders_max = 1000,
        .levels_max = 1000,
        .assets_max = 8,
        .markets_max = 8,
        .block_ms = 100,
        .idle_block_ms = 1000,
        .stamp_step_ms = 1000,
        .uncertified_blocks_max = 100,
        .checkpoint_blocks = 10000,
        .origin_lost_ms = 800,
        .gateway_secret_version = 3,
        .tree_secret_version = 1,
        .tier_count = 1,
        .tiers = {{1000, 1000, {0}}},
    };
    world_asset(params, "BTC", 8);
    world_asset(params, "USDT", 8);
    world_asset(params, "ETH", 8);
    world_asset(params, "CENTS", 2);
    const struct market_create_command listings[] = {
        world_listing("BTCUSDT", BTC, USDT, 1000000, 1000),
        world_listing("ETHBTC", ETH, BTC, 1000, 100000),
    };
    for (uint16_t i = 0; i < 2; i++) {
        const bool listed = market_list(&listings[i], params->assets, &params->markets[i]);
        ASSERT(listed);
        params->market_count++;
    }
}

#endif /* TESTS_UNIT_COMMON_WORLD_H */
