#include "common/params.h"

#include "common/fee.h"
#include "common/le.h"
#include "common/wide.h"

#include <string.h>

static int32_t lowest_taker_rate(const struct params *params)
{
    int32_t lowest = FEE_RATE_ONE;
    for (uint16_t i = 0; i < params->tier_count; i++)
        if (params->tiers[i].taker_ppm < lowest) lowest = params->tiers[i].taker_ppm;
    return lowest;
}

static bool tiers_valid(const struct params *params)
{
    if (params->tier_count == 0 || params->tier_count > PARAMS_TIERS_LIMIT) return false;
    const int32_t rebate_max = lowest_taker_rate(params);
    int64_t volume = 0;
    for (uint16_t i = 0; i < params->tier_count; i++) {
        const struct fee_tier *tier = &params->tiers[i];
        if (tier->taker_ppm < 0 || tier->taker_ppm >= FEE_RATE_ONE) return false;
        if (tier->maker_ppm < -rebate_max || tier->maker_ppm >= FEE_RATE_ONE) return false;
        if (tier->volume_min.units < volume || (i == 0 && tier->volume_min.units != 0))
            return false;
        volume = tier->volume_min.units;
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
        *reason =
            "tiers: 1 to 8, rates below 100%, volumes rising from 0, no rebate above the lowest "
            "taker fee";
    else if (params->volume_asset >= params->assets_max)
        *reason = "volume_asset: below assets_max";
    else if (params->asset_count > params->assets_max || params->market_count > params->markets_max)
        *reason = "more assets or markets than their bounds";
    else if (params->route_count > PARAMS_ROUTES_LIMIT ||
             (params->rules < PARAMS_RULES_CUSTODY && params->route_count != 0))
        *reason = "more routes than there may be";
    else if (params->connector_count > PARAMS_CONNECTORS_LIMIT ||
             (params->rules < PARAMS_RULES_RELEASE && params->connector_count != 0))
        *reason = "more connectors than there may be";
    else if (params->rules < PARAMS_RULES_OPENING &&
             (params->open_per_hour != 0 || params->open_approval))
        *reason = "accounts that open themselves: from rules 8 on";
    return *reason == NULL;
}

bool params_bounds_equal(const struct params *left, const struct params *right)
{
    return left->accounts_max == right->accounts_max && left->keys_max == right->keys_max &&
           left->orders_max == right->orders_max && left->levels_max == right->levels_max &&
           left->assets_max == right->assets_max && left->markets_max == right->markets_max;
}

static uint8_t *asset_put(uint8_t *at, const struct asset *asset)
{
    at = le_put_u8(at, asset->decimals);
    return le_put_bytes(at, asset->symbol, ASSET_SYMBOL_BYTES);
}

/* The event that would give a market these filters. */
static struct market_filtered_event filtered_of(uint16_t market, const struct market_filters *f)
{
    return (struct market_filtered_event){
        .market_qty_min = f->market_qty_min,
        .market_qty_max = f->market_qty_max,
        .notional_max = f->notional_max,
        .position_max = f->position_max,
        .bid_up = f->bid_up,
        .bid_down = f->bid_down,
        .ask_up = f->ask_up,
        .ask_down = f->ask_down,
        .band_ppm = f->band_ppm,
        .average_minutes = f->average_minutes,
        .algo_orders_max = f->algo_orders_max,
        .iceberg_orders_max = f->iceberg_orders_max,
        .iceberg_parts_max = f->iceberg_parts_max,
        .order_lists_max = f->order_lists_max,
        .trailing_min = f->trailing_min,
        .trailing_max = f->trailing_max,
        .market = market,
        .self_trade_modes = f->self_trade_modes,
        .self_trade_default = f->self_trade_default,
    };
}

struct market_filters params_filters_of(const struct market_filtered_event *filtered)
{
    return (struct market_filters){
        .market_qty_min = filtered->market_qty_min,
        .market_qty_max = filtered->market_qty_max,
        .notional_max = filtered->notional_max,
        .position_max = filtered->position_max,
        .bid_up = filtered->bid_up,
        .bid_down = filtered->bid_down,
        .ask_up = filtered->ask_up,
        .ask_down = filtered->ask_down,
        .average_minutes = filtered->average_minutes,
        .band_ppm = filtered->band_ppm,
        .algo_orders_max = filtered->algo_orders_max,
        .iceberg_orders_max = filtered->iceberg_orders_max,
        .iceberg_parts_max = filtered->iceberg_parts_max,
        .order_lists_max = filtered->order_lists_max,
        .trailing_min = filtered->trailing_min,
        .trailing_max = filtered->trailing_max,
        .self_trade_modes = filtered->self_trade_modes,
        .self_trade_default = filtered->self_trade_default,
    };
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
    at = le_put_bytes(at, market->symbol, MARKET_SYMBOL_BYTES);
    const struct market_filtered_event filtered = filtered_of(0, &market->filters);
    return market_filtered_event_put(at, &filtered);
}

/* Chains of older rules have none, and their hash is what it was. */
static uint8_t *routes_put(uint8_t *at, const struct params *params)
{
    if (params->rules < PARAMS_RULES_CUSTODY) return at;
    at = le_put_u16(at, params->route_count);
    for (uint16_t i = 0; i < params->route_count; i++)
        at = route_changed_event_put(at, &params->routes[i]);
    return at;
}

static uint8_t *route_fees_put(uint8_t *at, const struct params *params)
{
    if (params->rules < PARAMS_RULES_CHARGES) return at;
    for (uint16_t i = 0; i < params->route_count; i++) {
        at = le_put_u64(at, params->route_fees[i].from_ns);
        at = le_put_i64(at, params->route_fees[i].before.units);
        at = le_put_i64(at, params->route_fees[i].fee.units);
    }
    return at;
}

static uint8_t *connectors_put(uint8_t *at, const struct params *params)
{
    if (params->rules < PARAMS_RULES_RELEASE) return at;
    at = le_put_u16(at, params->connector_count);
    return le_put_bytes(at, params->connectors, (size_t)params->connector_count * PUBLIC_KEY_BYTES);
}

static uint8_t *opening_put(uint8_t *at, const struct params *params)
{
    if (params->rules < PARAMS_RULES_OPENING) return at;
    at = le_put_u32(at, params->open_per_hour);
    return le_put_u8(at, params->open_approval);
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
    at = le_put_u32(at, params->checkpoint_blocks);
    at = le_put_u32(at, params->origin_lost_ms);
    at = le_put_u16(at, params->gateway_secret_version);
    at = le_put_u16(at, params->tree_secret_version);
    at = le_put_u16(at, params->volume_asset);
    at = le_put_u16(at, params->tier_count);
    for (uint16_t i = 0; i < params->tier_count; i++) {
        at = le_put_u32(at, (uint32_t)params->tiers[i].maker_ppm);
        at = le_put_u32(at, (uint32_t)params->tiers[i].taker_ppm);
        at = le_put_i64(at, params->tiers[i].volume_min.units);
    }
    at = le_put_u16(at, params->asset_count);
    for (uint16_t i = 0; i < params->asset_count; i++)
        at = asset_put(at, &params->assets[i]);
    at = le_put_u16(at, params->market_count);
    for (uint16_t i = 0; i < params->market_count; i++)
        at = market_put(at, &params->markets[i]);
    at = connectors_put(at, params);
    at = routes_put(at, params);
    at = route_fees_put(at, params);
    at = opening_put(at, params);
    ASSERT(at - bytes <= PARAMS_BYTES_MAX);
    return (size_t)(at - bytes);
}

#define HEAD_NUMBERS 13
#define HEAD_BYTES   (HEAD_NUMBERS * 4 + 4 * 2)
#define TIER_BYTES   (4 + 4 + 8)
#define ASSET_BYTES  (1 + ASSET_SYMBOL_BYTES)
#define MARKET_BYTES (2 + 2 + 1 + 7 * 8 + 4 + MARKET_SYMBOL_BYTES + (size_t)MARKET_FILTERED_BYTES)

/* The next `byte_count` bytes, or NULL. */
static const uint8_t *bytes_next(const uint8_t **at, const uint8_t *end, size_t byte_count)
{
    const uint8_t *bytes = *at;
    if ((size_t)(end - bytes) < byte_count) return NULL;
    *at = bytes + byte_count;
    return bytes;
}

static bool head_get(const uint8_t **at, const uint8_t *end, struct params *params)
{
    const uint8_t *bytes = bytes_next(at, end, HEAD_BYTES);
    if (bytes == NULL) return false;
    uint32_t *const numbers[HEAD_NUMBERS] = {&params->rules,
                                             &params->accounts_max,
                                             &params->keys_max,
                                             &params->orders_max,
                                             &params->levels_max,
                                             &params->assets_max,
                                             &params->markets_max,
                                             &params->block_ms,
                                             &params->idle_block_ms,
                                             &params->stamp_step_ms,
                                             &params->uncertified_blocks_max,
                                             &params->checkpoint_blocks,
                                             &params->origin_lost_ms};
    for (size_t i = 0; i < HEAD_NUMBERS; i++)
        *numbers[i] = le_get_u32(bytes + 4 * i);
    bytes += HEAD_NUMBERS * 4;
    params->gateway_secret_version = le_get_u16(bytes);
    params->tree_secret_version = le_get_u16(bytes + 2);
    params->volume_asset = le_get_u16(bytes + 4);
    params->tier_count = le_get_u16(bytes + 6);
    if (params->tier_count > PARAMS_TIERS_LIMIT) return false;
    for (uint16_t i = 0; i < params->tier_count; i++) {
        if ((bytes = bytes_next(at, end, TIER_BYTES)) == NULL) return false;
        params->tiers[i] = (struct fee_tier){.maker_ppm = (int32_t)le_get_u32(bytes),
                                             .taker_ppm = (int32_t)le_get_u32(bytes + 4),
                                             .volume_min = {le_get_i64(bytes + 8)}};
    }
    return true;
}

/* Whether a symbol is padded with zeros, and nothing comes after them. */
static bool symbol_padded(const uint8_t *symbol, size_t symbol_max)
{
    const size_t length = strnlen((const char *)symbol, symbol_max);
    for (size_t i = length; i < symbol_max; i++)
        if (symbol[i] != 0) return false;
    return true;
}

static bool asset_get(const uint8_t *at, struct params *params)
{
    struct asset asset = {.decimals = le_get_u8(at)};
    memcpy(asset.symbol, at + 1, ASSET_SYMBOL_BYTES);
    if (asset.decimals > ASSET_DECIMALS_MAX ||
        !market_symbol_valid(asset.symbol, ASSET_SYMBOL_BYTES) ||
        !symbol_padded(at + 1, ASSET_SYMBOL_BYTES) ||
        params_find_asset(params, asset.symbol, strlen(asset.symbol)) >= 0)
        return false;
    params->assets[params->asset_count++] = asset;
    return true;
}

static bool market_get(const uint8_t *at, struct params *params)
{
    struct market_create_command listing = {
        .base = le_get_u16(at),
        .quote = le_get_u16(at + 2),
        .tick_units = le_get_i64(at + 5),
        .lot_units = le_get_i64(at + 13),
        .price_min = {le_get_i64(at + 21)},
        .price_max = {le_get_i64(at + 29)},
        .qty_min = {le_get_i64(at + 37)},
        .qty_max = {le_get_i64(at + 45)},
        .notional_min = {le_get_i64(at + 53)},
        .account_orders_max = le_get_u32(at + 61),
    };
    const uint8_t status = le_get_u8(at + 4), *const symbol = at + 65;
    struct market *market = &params->markets[params->market_count];
    struct market_filtered_event filtered;
    memcpy(listing.symbol, symbol, MARKET_SYMBOL_BYTES);
    market_filtered_event_get(symbol + MARKET_SYMBOL_BYTES, &filtered);
    if (listing.base >= params->asset_count || listing.quote >= params->asset_count ||
        !symbol_padded(symbol, MARKET_SYMBOL_BYTES) ||
        !market_list(&listing, params->assets, market) ||
        params_find_market(params, market->symbol, strlen(market->symbol)) >= 0)
        return false;
    market->status = status;
    market->filters = params_filters_of(&filtered);
    params->market_count++;
    return status >= MARKET_TRADING && status <= MARKET_BREAK && filtered.market == 0 &&
           market_filters_valid(market, &market->filters);
}

static bool route_get(const uint8_t *at, struct params *params)
{
    struct route_changed_event *route = &params->routes[params->route_count];
    route_changed_event_get(at, route);
    if (!params_route_valid(params, route) ||
        params_find_route(params, route->chain, route->asset) >= 0)
        return false;
    params->route_count++;
    return true;
}

static bool is_key(const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    return memcmp(public_key, none, PUBLIC_KEY_BYTES) != 0;
}

static bool connector_get(const uint8_t *at, struct params *params)
{
    if (!is_key(at) || params_find_connector(params, at) >= 0) return false;
    memcpy(params->connectors[params->connector_count++], at, PUBLIC_KEY_BYTES);
    return true;
}

/* A count, and as many items of one size. */
static bool items_get(const uint8_t **at, const uint8_t *end, struct params *params,
                      size_t item_bytes, uint16_t limit,
                      bool (*get)(const uint8_t *at, struct params *params))
{
    const uint8_t *bytes = bytes_next(at, end, 2);
    if (bytes == NULL) return false;
    const uint16_t count = le_get_u16(bytes);
    if (count > limit) return false;
    for (uint16_t i = 0; i < count; i++)
        if ((bytes = bytes_next(at, end, item_bytes)) == NULL || !get(bytes, params)) return false;
    return true;
}

#define ROUTE_FEE_BYTES (8 + 8 + 8)

/* What counts or is to come is not above the smallest withdrawal. What was before may be, when it counts no more: the
 * smallest may have been lowered since. */
static bool is_route_fee_bounded(const struct params *params, int route, amount_t fee)
{
    return params_route_fee_valid(params, route, fee) &&
           fee.units <= params->routes[route].withdrawal_min.units;
}

static bool route_fees_get(const uint8_t **at, const uint8_t *end, struct params *params)
{
    for (uint16_t i = 0; i < params->route_count; i++) {
        const uint8_t *bytes = bytes_next(at, end, ROUTE_FEE_BYTES);
        if (bytes == NULL) return false;
        params->route_fees[i] = (struct route_fee){.from_ns = le_get_u64(bytes),
                                                   .before = {le_get_i64(bytes + 8)},
                                                   .fee = {le_get_i64(bytes + 16)}};
        if (!params_route_fee_valid(params, i, params->route_fees[i].before) ||
            !is_route_fee_bounded(params, i, params->route_fees[i].fee))
            return false;
    }
    return true;
}

#define OPENING_BYTES (4 + 1)

static bool opening_get(const uint8_t **at, const uint8_t *end, struct params *params)
{
    const uint8_t *bytes = bytes_next(at, end, OPENING_BYTES);
    if (bytes == NULL || bytes[4] > 1) return false;
    params->open_per_hour = le_get_u32(bytes);
    params->open_approval = bytes[4] != 0;
    return true;
}

bool params_decode(const uint8_t *bytes, size_t byte_count, struct params *params)
{
    const uint8_t *const end = bytes + byte_count;
    const char *reason;
    memset(params, 0, sizeof(*params));
    return head_get(&bytes, end, params) &&
           items_get(&bytes, end, params, ASSET_BYTES, PARAMS_ASSETS_LIMIT, asset_get) &&
           items_get(&bytes, end, params, MARKET_BYTES, PARAMS_MARKETS_LIMIT, market_get) &&
           (params->rules < PARAMS_RULES_RELEASE ||
            items_get(&bytes, end, params, PUBLIC_KEY_BYTES, PARAMS_CONNECTORS_LIMIT,
                      connector_get)) &&
           (params->rules < PARAMS_RULES_CUSTODY ||
            items_get(&bytes, end, params, ROUTE_CHANGED_BYTES, PARAMS_ROUTES_LIMIT, route_get)) &&
           (params->rules < PARAMS_RULES_CHARGES || route_fees_get(&bytes, end, params)) &&
           (params->rules < PARAMS_RULES_OPENING || opening_get(&bytes, end, params)) &&
           bytes == end && params_valid(params, &reason);
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

static bool route_follows(const struct params *params, const struct route_changed_event *changed)
{
    const int known = params_find_route(params, changed->chain, changed->asset);
    return params->rules >= PARAMS_RULES_CUSTODY && params_route_valid(params, changed) &&
           (known >= 0 ? params->route_fees[known].fee.units <= changed->withdrawal_min.units
                       : params->route_count < PARAMS_ROUTES_LIMIT);
}

static bool route_fee_follows(const struct params *params,
                              const struct route_fee_changed_event *changed)
{
    const int route = params_find_route(params, changed->chain, changed->asset);
    return params->rules >= PARAMS_RULES_CHARGES && route >= 0 &&
           is_route_fee_bounded(params, route, changed->fee_before) &&
           is_route_fee_bounded(params, route, changed->fee);
}

static bool connector_follows(const struct params *params,
                              const struct connector_added_event *added)
{
    return params->rules >= PARAMS_RULES_RELEASE &&
           params->connector_count < PARAMS_CONNECTORS_LIMIT &&
           added->connector == PARAMS_CONNECTOR_FIRST + params->connector_count &&
           is_key(added->public_key) && params_find_connector(params, added->public_key) < 0;
}

bool params_follows(const struct params *params, const struct event *event)
{
    if (event->type == T_OPENING_CHANGED) {
        struct opening_changed_event changed;
        opening_changed_event_get(event->payload, &changed);
        return params->rules >= PARAMS_RULES_OPENING && changed.approval <= 1;
    }
    if (event->type == T_CONNECTOR_ADDED) {
        struct connector_added_event added;
        connector_added_event_get(event->payload, &added);
        return connector_follows(params, &added);
    }
    if (event->type == T_RULES_CHANGED) {
        struct rules_changed_event changed;
        rules_changed_event_get(event->payload, &changed);
        return changed.rules == params->rules + 1 && changed.rules <= PARAMS_RULES;
    }
    if (event->type == T_ROUTE_CHANGED) {
        struct route_changed_event changed;
        route_changed_event_get(event->payload, &changed);
        return route_follows(params, &changed);
    }
    if (event->type == T_ROUTE_FEE_CHANGED) {
        struct route_fee_changed_event changed;
        route_fee_changed_event_get(event->payload, &changed);
        return route_fee_follows(params, &changed);
    }
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
    if (event->type == T_MARKET_FILTERED) {
        struct market_filtered_event filtered;
        market_filtered_event_get(event->payload, &filtered);
        const struct market_filters filters = params_filters_of(&filtered);
        return filtered.market < params->market_count &&
               market_filters_valid(&params->markets[filtered.market], &filters);
    }
    return true;
}

static void apply_route(struct params *params, const struct event *event)
{
    struct route_changed_event changed;
    route_changed_event_get(event->payload, &changed);
    int index = params_find_route(params, changed.chain, changed.asset);
    ASSERT(index >= 0 || params->route_count < PARAMS_ROUTES_LIMIT);
    if (index < 0) index = params->route_count++;
    params->routes[index] = changed;
}

static void apply_route_fee(struct params *params, const struct event *event)
{
    struct route_fee_changed_event changed;
    route_fee_changed_event_get(event->payload, &changed);
    const int route = params_find_route(params, changed.chain, changed.asset);
    ASSERT(route >= 0);
    params->route_fees[route] = (struct route_fee){
        .before = changed.fee_before, .fee = changed.fee, .from_ns = changed.from_ns};
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
    } else if (event->type == T_MARKET_FILTERED) {
        struct market_filtered_event filtered;
        market_filtered_event_get(event->payload, &filtered);
        ASSERT(filtered.market < params->market_count);
        params->markets[filtered.market].filters = params_filters_of(&filtered);
    } else if (event->type == T_ROUTE_CHANGED) {
        apply_route(params, event);
    } else if (event->type == T_ROUTE_FEE_CHANGED) {
        apply_route_fee(params, event);
    } else if (event->type == T_CONNECTOR_ADDED) {
        struct connector_added_event added;
        connector_added_event_get(event->payload, &added);
        ASSERT(params->connector_count < PARAMS_CONNECTORS_LIMIT);
        memcpy(params->connectors[params->connector_count++], added.public_key, PUBLIC_KEY_BYTES);
    } else if (event->type == T_OPENING_CHANGED) {
        struct opening_changed_event changed;
        opening_changed_event_get(event->payload, &changed);
        params->open_per_hour = changed.per_hour;
        params->open_approval = changed.approval != 0;
    } else if (event->type == T_RULES_CHANGED) {
        params->rules = le_get_u32(event->payload);
    }
}

#define ROUTE_DECIMALS_MAX      36
#define ROUTE_APPROVALS_MAX     16
#define ROUTE_ADDRESS_DELAY_MAX (30 * 24 * 3600)

/* An operator, of whom the genesis knows how many there are, or a connector that was added. */
static bool connector_known(const struct params *params, uint16_t number)
{
    return number < PARAMS_CONNECTOR_FIRST || params_connector(params, number) != NULL;
}

bool params_route_valid(const struct params *params, const struct route_changed_event *route)
{
    char chain[CHAIN_BYTES + 1] = {0};
    memcpy(chain, route->chain, CHAIN_BYTES);
    return route->asset < params->asset_count && market_symbol_valid(chain, CHAIN_BYTES) &&
           symbol_padded(route->chain, CHAIN_BYTES) && route->decimals <= ROUTE_DECIMALS_MAX &&
           route->withdrawal_min.units > 0 &&
           route->withdrawal_max.units >= route->withdrawal_min.units &&
           route->day_max.units >= route->withdrawal_max.units &&
           route->approval_above.units >= 0 && route->confirmations > 0 &&
           route->address_delay_s <= ROUTE_ADDRESS_DELAY_MAX &&
           connector_known(params, route->connector) && route->approvals > 0 &&
           route->approvals <= ROUTE_APPROVALS_MAX &&
           (route->status == ROUTE_OPEN || route->status == ROUTE_CLOSED);
}

int params_find_route(const struct params *params, const uint8_t chain[CHAIN_BYTES], uint16_t asset)
{
    for (int i = 0; i < params->route_count; i++)
        if (params->routes[i].asset == asset &&
            memcmp(params->routes[i].chain, chain, CHAIN_BYTES) == 0)
            return i;
    return -1;
}

bool params_route_fee_valid(const struct params *params, int route, amount_t fee)
{
    const struct route_changed_event *way = &params->routes[route];
    uint8_t wide[WIDE_BYTES];
    return fee.units >= 0 &&
           wide_of_units(fee, params->assets[way->asset].decimals, way->decimals, wide);
}

amount_t params_route_fee(const struct params *params, int route, uint64_t stamp_ns)
{
    ASSERT(route >= 0 && route < params->route_count);
    const struct route_fee *fee = &params->route_fees[route];
    return stamp_ns < fee->from_ns ? fee->before : fee->fee;
}

int params_default_route(const struct params *params, uint16_t asset)
{
    for (int i = 0; i < params->route_count; i++)
        if (params->routes[i].asset == asset) return i;
    return -1;
}

int params_find_chain(const struct params *params, const uint8_t chain[CHAIN_BYTES])
{
    for (int i = 0; i < params->route_count; i++)
        if (memcmp(params->routes[i].chain, chain, CHAIN_BYTES) == 0) return i;
    return -1;
}

const uint8_t *params_connector(const struct params *params, uint16_t number)
{
    const uint32_t index = (uint32_t)number - PARAMS_CONNECTOR_FIRST;
    return number >= PARAMS_CONNECTOR_FIRST && index < params->connector_count
               ? params->connectors[index]
               : NULL;
}

int params_find_connector(const struct params *params, const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    for (int i = 0; i < params->connector_count; i++)
        if (memcmp(params->connectors[i], public_key, PUBLIC_KEY_BYTES) == 0)
            return PARAMS_CONNECTOR_FIRST + i;
    return -1;
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
