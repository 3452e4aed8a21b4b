#include "common/params.h"

#include "common/fee.h"
#include "common/le.h"

#include <string.h>

static bool tiers_valid(const struct params *params)
{
    if (params->tier_count == 0 || params->tier_count > PARAMS_TIERS_LIMIT) return false;
    for (uint16_t i = 0; i < params->tier_count; i++) {
        const struct fee_tier *tier = &params->tiers[i];
        if (tier->taker_ppm < 0 || tier->taker_ppm >= FEE_RATE_ONE) return false;
        if (tier->maker_ppm < 0 || tier->maker_ppm >= FEE_RATE_ONE) return false;
    }
    return true;
}

bool params_valid(const struct params *params, const char **reason)
{
    *reason = NULL;
    if (params->rules == 0 || params->rules > PARAMS_RULES)
        *reason = "rules: this build does not know that number";
    else if (params->accounts_max == 0 || params->accounts_max > (1u << 24))
        *reason = "accounts_max: 1 to 2^24";
    else if (params->keys_max == 0 || params->keys_max > (1u << 24))
        *reason = "keys_max: 1 to 2^24";
    else if (params->orders_max == 0 || params->orders_max > (1u << 26))
        *reason = "orders_max: 1 to 2^26";
    else if (params->levels_max == 0 || params->levels_max > (1u << 26))
        *reason = "levels_max: 1 to 2^26";
    else if (params->assets_max == 0 || params->assets_max > PARAMS_ASSETS_LIMIT)
        *reason = "assets_max: 1 to 64";
    else if (params->markets_max == 0 || params->markets_max > PARAMS_MARKETS_LIMIT)
        *reason = "markets_max: 1 to 1024";
    else if (params->block_ms < 10 || params->idle_block_ms < params->block_ms)
        *reason = "block_ms: at least 10, and idle_block_ms not below it";
    else if (params->stamp_step_ms == 0)
        *reason = "stamp_step_ms: above 0";
    else if (params->uncertified_blocks_max == 0)
        *reason = "uncertified_blocks_max: above 0";
    else if (!tiers_valid(params))
        *reason = "tiers: 1 to 8, each rate from 0 to below 100%";
    else if (params->asset_count > params->assets_max || params->market_count > params->markets_max)
        *reason = "more assets or markets than their bounds";
    return *reason == NULL;
}

static uint8_t *asset_put(uint8_t *at, const struct asset *asset)
{
    at = le_put_u8(at, asset->decimals);
    return le_put_bytes(at, asset->symbol, ASSET_SYMBOL_BYTES);
}

static uint8_t *market_put(uint8_t *at, const struct market *market)
{
    at = le_put_u16(at, market->base);
    at = le_put_u16(at, market->quote);
    at = le_put_u8(at, market->status);
    at = le_put_i64(at, market->tick_units);
    at = le_put_i64(at, market->lot_units);
    at = le_put_i64(at, market->price_min.ticks);
    at = le_put_i64(at, market->price_max.ticks);
    at = le_put_i64(at, market->qty_min.lots);
    at = le_put_i64(at, market->qty_max.lots);
    at = le_put_i64(at, market->notional_min.units);
    at = le_put_u32(at, market->account_orders_max);
    return le_put_bytes(at, market->symbol, MARKET_SYMBOL_BYTES);
}

size_t params_encode(const struct params *params, uint8_t *bytes)
{
    uint8_t *at = bytes;
    at = le_put_u32(at, params->rules);
    at = le_put_u32(at, params->accounts_max);
    at = le_put_u32(at, params->keys_max);
    at = le_put_u32(at, params->orders_max);
    at = le_put_u32(at, params->levels_max);
    at = le_put_u32(at, params->assets_max);
    at = le_put_u32(at, params->markets_max);
    at = le_put_u32(at, params->block_ms);
    at = le_put_u32(at, params->idle_block_ms);
    at = le_put_u32(at, params->stamp_step_ms);
    at = le_put_u32(at, params->uncertified_blocks_max);
    at = le_put_u16(at, params->gateway_secret_version);
    at = le_put_u16(at, params->tree_secret_version);
    at = le_put_u16(at, params->tier_count);
    for (uint16_t i = 0; i < params->tier_count; i++) {
        at = le_put_u32(at, (uint32_t)params->tiers[i].maker_ppm);
        at = le_put_u32(at, (uint32_t)params->tiers[i].taker_ppm);
    }
    at = le_put_u16(at, params->asset_count);
    for (uint16_t i = 0; i < params->asset_count; i++)
        at = asset_put(at, &params->assets[i]);
    at = le_put_u16(at, params->market_count);
    for (uint16_t i = 0; i < params->market_count; i++)
        at = market_put(at, &params->markets[i]);
    ASSERT(at - bytes <= PARAMS_BYTES_MAX);
    return (size_t)(at - bytes);
}

hash_t params_hash(const struct params *params)
{
    static _Thread_local uint8_t bytes[PARAMS_BYTES_MAX];
    return hash_tagged("quorex/params/1", bytes, params_encode(params, bytes));
}

static void apply_asset(struct params *params, const struct asset_created_event *created)
{
    ASSERT(created->asset == params->asset_count && created->asset < PARAMS_ASSETS_LIMIT);
    struct asset *asset = &params->assets[params->asset_count++];
    memset(asset, 0, sizeof(*asset));
    memcpy(asset->symbol, created->symbol, ASSET_SYMBOL_BYTES);
    asset->decimals = created->decimals;
}

/* The listing that led to the event. */
static struct market_create_command listing_of(const struct market_created_event *created)
{
    struct market_create_command listing = {
        .base = created->base,
        .quote = created->quote,
        .tick_units = created->tick_units,
        .lot_units = created->lot_units,
        .price_min = created->price_min,
        .price_max = created->price_max,
        .qty_min = created->qty_min,
        .qty_max = created->qty_max,
        .notional_min = created->notional_min,
        .account_orders_max = created->account_orders_max,
    };
    memcpy(listing.symbol, created->symbol, sizeof(listing.symbol));
    return listing;
}

static void apply_market(struct params *params, const struct market_created_event *created)
{
    ASSERT(created->market == params->market_count && created->market < PARAMS_MARKETS_LIMIT);
    const struct market_create_command listing = listing_of(created);
    const bool listed = market_list(&listing, params->assets, &params->markets[created->market]);
    ASSERT(listed);
    params->market_count++;
}

static bool asset_follows(const struct params *params, const struct asset_created_event *created)
{
    char symbol[ASSET_SYMBOL_BYTES + 1] = {0};
    memcpy(symbol, created->symbol, ASSET_SYMBOL_BYTES);
    return created->asset == params->asset_count && created->asset < params->assets_max &&
           created->decimals <= ASSET_DECIMALS_MAX &&
           market_symbol_valid(symbol, ASSET_SYMBOL_BYTES);
}

static bool market_follows(const struct params *params, const struct market_created_event *created)
{
    if (created->market != params->market_count || created->market >= params->markets_max ||
        created->base >= params->asset_count || created->quote >= params->asset_count)
        return false;
    const struct market_create_command listing = listing_of(created);
    struct market market;
    return market_list(&listing, params->assets, &market);
}

bool params_follows(const struct params *params, const struct event *event)
{
    if (event->type == T_ASSET_CREATED) {
        struct asset_created_event created;
        asset_created_event_get(event->payload, &created);
        return asset_follows(params, &created);
    }
    if (event->type == T_MARKET_CREATED) {
        struct market_created_event created;
        market_created_event_get(event->payload, &created);
        return market_follows(params, &created);
    }
    if (event->type == T_MARKET_STATUS_CHANGED) {
        struct market_status_changed_event changed;
        market_status_changed_event_get(event->payload, &changed);
        return changed.market < params->market_count;
    }
    return true;
}

void params_apply(struct params *params, const struct event *event)
{
    if (event->type == T_ASSET_CREATED) {
        struct asset_created_event created;
        asset_created_event_get(event->payload, &created);
        apply_asset(params, &created);
    } else if (event->type == T_MARKET_CREATED) {
        struct market_created_event created;
        market_created_event_get(event->payload, &created);
        apply_market(params, &created);
    } else if (event->type == T_MARKET_STATUS_CHANGED) {
        struct market_status_changed_event changed;
        market_status_changed_event_get(event->payload, &changed);
        ASSERT(changed.market < params->market_count);
        params->markets[changed.market].status = changed.status;
    }
}

static bool symbol_is(const char *symbol, const char *wanted, size_t wanted_bytes)
{
    return strlen(symbol) == wanted_bytes && memcmp(symbol, wanted, wanted_bytes) == 0;
}

int params_find_asset(const struct params *params, const char *symbol, size_t symbol_bytes)
{
    for (int i = 0; i < params->asset_count; i++)
        if (symbol_is(params->assets[i].symbol, symbol, symbol_bytes)) return i;
    return -1;
}

int params_find_market(const struct params *params, const char *symbol, size_t symbol_bytes)
{
    for (int i = 0; i < params->market_count; i++)
        if (symbol_is(params->markets[i].symbol, symbol, symbol_bytes)) return i;
    return -1;
}
