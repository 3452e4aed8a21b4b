#include "node/genesis_json.h"

#include "common/intent_filters.h"
#include "common/log.h"
#include "common/node_set.h"
#include "node/file_os.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers among the parameters, as the file names them. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    {"rules", offsetof(struct params, rules)},
    {"accountsMax", offsetof(struct params, accounts_max)},
    {"keysMax", offsetof(struct params, keys_max)},
    {"ordersMax", offsetof(struct params, orders_max)},
    {"levelsMax", offsetof(struct params, levels_max)},
    {"assetsMax", offsetof(struct params, assets_max)},
    {"marketsMax", offsetof(struct params, markets_max)},
    {"blockMs", offsetof(struct params, block_ms)},
    {"idleBlockMs", offsetof(struct params, idle_block_ms)},
    {"stampStepMs", offsetof(struct params, stamp_step_ms)},
    {"uncertifiedBlocksMax", offsetof(struct params, uncertified_blocks_max)},
    {"checkpointBlocks", offsetof(struct params, checkpoint_blocks)},
    {"originLostMs", offsetof(struct params, origin_lost_ms)},
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* Beside the numbers: two secret versions, tiers, assets, markets; volumeAsset may be left out. */
#define PARAMS_KEY_COUNT (NUMBER_COUNT + 5)
#define MARKET_KEY_COUNT 12 /* filters may be left out */

static const char *const status_names[] = {
    [MARKET_TRADING] = "TRADING", [MARKET_HALT] = "HALT", [MARKET_BREAK] = "BREAK"};

/* ---- reading: each function returns NULL, or what is wrong ---- */

static const char *read_number(const json_t *object, const char *key, uint64_t max, uint64_t *value)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number)) return key;
    const json_int_t found = json_integer_value(number);
    if (found < 0 || (uint64_t)found > max) return key;
    *value = (uint64_t)found;
    return NULL;
}

static bool read_hex(const json_t *text, uint8_t *bytes, size_t byte_count)
{
    return json_is_string(text) &&
           hash_from_hex(json_string_value(text), json_string_length(text), bytes, byte_count);
}

static bool read_text(const json_t *object, const char *key, char *text, size_t text_max)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) || !market_symbol_valid(json_string_value(value), text_max))
        return false;
    memcpy(text, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_decimal(const json_t *object, const char *key, int decimals, int64_t *units)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) &&
           decimal_parse(json_string_value(value), json_string_length(value), decimals, units) ==
               DECIMAL_OK;
}

/* A node that is alone has no peers and needs no address. */
static bool read_address(const json_t *item, bool needed, char address[NODE_ADDRESS_BYTES])
{
    const json_t *value = json_object_get(item, "address");
    if (!json_is_string(value) || json_string_length(value) >= NODE_ADDRESS_BYTES) return false;
    memset(address, 0, NODE_ADDRESS_BYTES);
    memcpy(address, json_string_value(value), json_string_length(value));
    return (address[0] == '\0' && !needed) || node_address_valid(address);
}

static const char *read_validators(const json_t *list, struct validator_set *set)
{
    const size_t count = json_array_size(list);
    if (count == 0 || count > GENESIS_VALIDATORS_LIMIT) return "validators: 1 to 64";
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct validator *member = &set->members[i];
        uint64_t node;
        if (json_object_size(item) != 3 || read_number(item, "node", UINT32_MAX, &node) != NULL ||
            !read_hex(json_object_get(item, "publicKey"), member->public_key, PUBLIC_KEY_BYTES))
            return "validators: each has node, publicKey and address";
        if (!read_address(item, count > 1, member->address))
            return "validators: address is host:port, and may be empty for a single node";
        member->node = (uint32_t)node;
        if (node == 0 || (i > 0 && member->node <= set->members[i - 1].node))
            return "validators: node ids rise from 1";
    }
    set->count = (uint32_t)count;
    return NULL;
}

static const char *read_operators(const json_t *list, struct genesis *genesis)
{
    const size_t count = json_array_size(list);
    if (count == 0 || count > GENESIS_OPERATORS_LIMIT) return "operators: 1 to 16";
    for (size_t i = 0; i < count; i++)
        if (!read_hex(json_array_get(list, i), genesis->operators[i], PUBLIC_KEY_BYTES))
            return "operators: 64 hex digits each";
    genesis->operator_count = (uint32_t)count;
    return NULL;
}

/* A key that may be left out: `value` keeps what it has then. */
static bool read_optional_decimal(const json_t *object, const char *key, int decimals,
                                  int64_t *units)
{
    return json_object_get(object, key) == NULL || read_decimal(object, key, decimals, units);
}

/* A maker's rate may be below 0. */
static bool read_rate(const json_t *object, const char *key, int32_t *ppm)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_integer(number)) return false;
    const json_int_t found = json_integer_value(number);
    if (found < INT32_MIN || found > INT32_MAX) return false;
    *ppm = (int32_t)found;
    return true;
}

static const char *read_tiers(const json_t *list, struct params *params)
{
    const size_t count = json_array_size(list);
    const int decimals = params->assets[params->volume_asset].decimals;
    if (count == 0 || count > PARAMS_TIERS_LIMIT) return "tiers: 1 to 8";
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct fee_tier *tier = &params->tiers[i];
        const size_t keys = json_object_get(item, "volumeMin") == NULL ? 2 : 3;
        if (json_object_size(item) != keys || !read_rate(item, "makerPpm", &tier->maker_ppm) ||
            !read_rate(item, "takerPpm", &tier->taker_ppm))
            return "tiers: each has makerPpm, takerPpm and, if not 0, volumeMin";
        if (!read_optional_decimal(item, "volumeMin", decimals, &tier->volume_min.units))
            return "tiers: volumeMin in whole units of the volume asset";
    }
    params->tier_count = (uint16_t)count;
    return NULL;
}

static const char *read_assets(const json_t *list, struct params *params)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count > PARAMS_ASSETS_LIMIT) return "assets: at most 64";
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct asset *asset = &params->assets[i];
        uint64_t decimals;
        if (json_object_size(item) != 2 ||
            !read_text(item, "symbol", asset->symbol, ASSET_SYMBOL_BYTES) ||
            read_number(item, "decimals", ASSET_DECIMALS_MAX, &decimals) != NULL)
            return "assets: each has symbol (A-Z 0-9) and decimals (0 to 8)";
        if (params_find_asset(params, asset->symbol, strlen(asset->symbol)) >= 0)
            return "assets: a symbol twice";
        asset->decimals = (uint8_t)decimals;
        params->asset_count = (uint16_t)(i + 1);
    }
    return NULL;
}

static bool read_asset_name(const json_t *object, const char *key, const struct params *params,
                            uint16_t *asset)
{
    const json_t *name = json_object_get(object, key);
    if (!json_is_string(name)) return false;
    const int found = params_find_asset(params, json_string_value(name), json_string_length(name));
    if (found < 0) return false;
    *asset = (uint16_t)found;
    return true;
}

static bool read_price(const json_t *item, const char *key, const struct params *params,
                       const struct market *market, price_t *price)
{
    int64_t units;
    return read_decimal(item, key, params->assets[market->quote].decimals, &units) &&
           market_price_from_units(market, units, price);
}

static bool read_qty(const json_t *item, const char *key, const struct params *params,
                     const struct market *market, qty_t *qty)
{
    int64_t units;
    return read_decimal(item, key, params->assets[market->base].decimals, &units) &&
           market_qty_from_units(market, units, qty);
}

/* Everything of a market but its status. */
static const char *read_listing(const json_t *item, const struct params *params,
                                struct market_create_command *listing)
{
    char symbol[MARKET_SYMBOL_BYTES + 1] = {0};
    struct market scale = {0};
    uint64_t orders_max;
    if (!read_text(item, "symbol", symbol, MARKET_SYMBOL_BYTES)) return "markets: symbol";
    if (!read_asset_name(item, "base", params, &scale.base)) return "markets: base";
    if (!read_asset_name(item, "quote", params, &scale.quote)) return "markets: quote";

    const int quote_decimals = params->assets[scale.quote].decimals;
    const int base_decimals = params->assets[scale.base].decimals;
    if (!read_decimal(item, "tick", quote_decimals, &scale.tick_units) || scale.tick_units == 0)
        return "markets: tick";
    if (!read_decimal(item, "lot", base_decimals, &scale.lot_units) || scale.lot_units == 0)
        return "markets: lot";
    if (!read_price(item, "minPrice", params, &scale, &listing->price_min) ||
        !read_price(item, "maxPrice", params, &scale, &listing->price_max))
        return "markets: minPrice or maxPrice";
    if (!read_qty(item, "minQty", params, &scale, &listing->qty_min) ||
        !read_qty(item, "maxQty", params, &scale, &listing->qty_max))
        return "markets: minQty or maxQty";
    if (!read_decimal(item, "minNotional", quote_decimals, &listing->notional_min.units))
        return "markets: minNotional";
    if (read_number(item, "maxOrders", UINT32_MAX, &orders_max)) return "markets: maxOrders";

    memcpy(listing->symbol, symbol, MARKET_SYMBOL_BYTES);
    listing->base = scale.base;
    listing->quote = scale.quote;
    listing->tick_units = scale.tick_units;
    listing->lot_units = scale.lot_units;
    listing->account_orders_max = (uint32_t)orders_max;
    return NULL;
}

/* Self-trade modes as a list of their words. */
static bool read_modes(const json_t *list, int64_t *modes)
{
    *modes = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *word = json_array_get(list, i);
        uint8_t mode;
        if (!json_is_string(word) ||
            !intent_self_trade(json_string_value(word), json_string_length(word), &mode))
            return false;
        *modes |= (int64_t)1 << mode;
    }
    return json_is_array(list);
}

/* One filter's value as a whole number in its unit. */
static bool read_filter(const json_t *object, const struct filter_name *filter,
                        const struct params *params, const struct market *market, int64_t *value)
{
    const json_t *given = json_object_get(object, filter->name);
    const int base = params->assets[market->base].decimals;
    const int quote = params->assets[market->quote].decimals;
    uint64_t whole = 0;
    uint8_t mode;
    qty_t qty;
    switch (filter->unit) {
    case FILTER_QTY:
        if (!read_qty(object, filter->name, params, market, &qty)) return false;
        *value = qty.lots;
        return true;
    case FILTER_BASE:
        return read_decimal(object, filter->name, base, value);
    case FILTER_QUOTE:
        return read_decimal(object, filter->name, quote, value);
    case FILTER_PERCENT:
        return read_decimal(object, filter->name, FILTER_PERCENT_DECIMALS, value);
    case FILTER_WHOLE:
        if (read_number(object, filter->name, UINT32_MAX, &whole) != NULL) return false;
        *value = (int64_t)whole;
        return true;
    case FILTER_MODES:
        return read_modes(given, value);
    default:
        if (!json_is_string(given) ||
            !intent_self_trade(json_string_value(given), json_string_length(given), &mode))
            return false;
        *value = mode;
        return true;
    }
}

/* Those that are given; a market starts with its defaults. Returns NULL, or what is wrong. */
static const char *read_filters(const json_t *object, const struct params *params,
                                struct market *market)
{
    size_t known = 0;
    if (object == NULL) return NULL;
    for (int i = 0; i < FILTER_COUNT; i++) {
        const struct filter_name *filter = intent_filter(i);
        int64_t value;
        if (json_object_get(object, filter->name) == NULL) continue;
        known++;
        if (!read_filter(object, filter, params, market, &value) ||
            !intent_filter_set(&market->filters, i, value))
            return filter->name;
    }
    if (!json_is_object(object) || json_object_size(object) != known)
        return "markets: filters: an unknown key";
    return market_filters_valid(market, &market->filters) ? NULL
                                                          : "markets: filters: out of bounds";
}

static bool read_market_status(const json_t *item, uint8_t *status)
{
    const char *name = json_string_value(json_object_get(item, "status"));
    for (uint8_t i = MARKET_TRADING; name != NULL && i <= MARKET_BREAK; i++)
        if (strcmp(name, status_names[i]) == 0) {
            *status = i;
            return true;
        }
    return false;
}

static const char *read_markets(const json_t *list, struct params *params)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count > PARAMS_MARKETS_LIMIT) return "markets: at most 1024";
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct market_create_command listing = {0};
        struct market *market = &params->markets[i];
        const json_t *filters = json_object_get(item, "filters");
        if (json_object_size(item) != MARKET_KEY_COUNT + (filters == NULL ? 0 : 1))
            return "markets: twelve keys each, and filters";
        const char *wrong = read_listing(item, params, &listing);
        if (wrong != NULL) return wrong;
        if (!market_list(&listing, params->assets, market))
            return "markets: tick x lot is no whole quote unit, or its bounds do not fit";
        if (params_find_market(params, market->symbol, strlen(market->symbol)) >= 0)
            return "markets: a symbol twice";
        if (!read_market_status(item, &market->status)) return "markets: status";
        wrong = read_filters(filters, params, market);
        if (wrong != NULL) return wrong;
        params->market_count = (uint16_t)(i + 1);
    }
    return NULL;
}

static const char *read_params(const json_t *object, struct params *params)
{
    uint64_t value = 0;
    const char *wrong = NULL;
    const bool has_volume = json_object_get(object, "volumeAsset") != NULL;
    if (json_object_size(object) != PARAMS_KEY_COUNT + (has_volume ? 1 : 0))
        return "params: a key too many or too few";
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        wrong = read_number(object, numbers[i].key, UINT32_MAX, &value);
        if (wrong != NULL) return wrong;
        const uint32_t number = (uint32_t)value;
        memcpy((uint8_t *)params + numbers[i].offset, &number, sizeof(number));
    }
    wrong = read_number(object, "gatewaySecretVersion", UINT16_MAX, &value);
    if (wrong != NULL) return wrong;
    params->gateway_secret_version = (uint16_t)value;
    wrong = read_number(object, "treeSecretVersion", UINT16_MAX, &value);
    if (wrong != NULL) return wrong;
    params->tree_secret_version = (uint16_t)value;

    wrong = read_assets(json_object_get(object, "assets"), params);
    if (wrong == NULL && has_volume &&
        !read_asset_name(object, "volumeAsset", params, &params->volume_asset))
        return "volumeAsset: one of the assets";
    if (wrong == NULL) wrong = read_tiers(json_object_get(object, "tiers"), params);
    if (wrong == NULL) wrong = read_markets(json_object_get(object, "markets"), params);
    if (wrong == NULL && !params_valid(params, &wrong)) return wrong;
    return wrong;
}

static const char *read_genesis(const json_t *root, struct genesis *genesis)
{
    memset(genesis, 0, sizeof(*genesis));
    if (json_object_size(root) != 5) return "nonce, time, validators, operators and params";
    if (!read_hex(json_object_get(root, "nonce"), genesis->nonce, sizeof(genesis->nonce)))
        return "nonce: 64 hex digits";
    const char *wrong = read_number(root, "time", INT64_MAX, &genesis->time_ns);
    if (wrong == NULL)
        wrong = read_validators(json_object_get(root, "validators"), &genesis->validators);
    if (wrong == NULL) wrong = read_operators(json_object_get(root, "operators"), genesis);
    if (wrong == NULL) wrong = read_params(json_object_get(root, "params"), &genesis->params);
    return wrong;
}

enum status genesis_read(const char *path, struct genesis *genesis)
{
    char *bytes;
    size_t byte_count;
    enum status status = file_read(path, &bytes, &byte_count);
    if (status == STATUS_NOT_FOUND)
        log_error("node", "no genesis", "path=\"%s\" remedy=\"quorex init\"", path);
    if (status != STATUS_OK) return status;

    json_error_t error;
    json_t *root = json_loadb(bytes, byte_count, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    if (root == NULL) {
        log_error("node", "genesis is not JSON", "path=\"%s\" line=%d reason=\"%s\"", path,
                  error.line, error.text);
        return STATUS_MALFORMED;
    }
    const char *wrong = read_genesis(root, genesis);
    json_decref(root);
    if (wrong == NULL) return STATUS_OK;
    log_error("node", "genesis refused", "path=\"%s\" reason=\"%s\"", path, wrong);
    return STATUS_MALFORMED;
}

/* ---- writing ---- */

static json_t *hex_json(const uint8_t *bytes, size_t byte_count)
{
    char text[2 * 64 + 1];
    ASSERT(byte_count <= 64);
    hash_hex(bytes, byte_count, text);
    return json_string(text);
}

/* The shortest text of the same number: 0.01, not 0.01000000. */
static json_t *decimal_json(int64_t units, int decimals)
{
    char text[DECIMAL_TEXT_MAX];
    size_t length = decimal_format(units, decimals, text);
    if (strchr(text, '.') != NULL) {
        while (text[length - 1] == '0')
            length--;
        if (text[length - 1] == '.') length--;
    }
    return json_stringn(text, length);
}

static json_t *validators_json(const struct validator_set *set)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < set->count; i++)
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:s}", "node", (json_int_t)set->members[i].node,
                            "publicKey", hex_json(set->members[i].public_key, PUBLIC_KEY_BYTES),
                            "address", set->members[i].address));
    return list;
}

static json_t *operators_json(const struct genesis *genesis)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < genesis->operator_count; i++)
        json_array_append_new(list, hex_json(genesis->operators[i], PUBLIC_KEY_BYTES));
    return list;
}

static json_t *modes_json(int64_t modes)
{
    json_t *list = json_array();
    for (uint8_t mode = 0; mode <= SELF_TRADE_TRANSFER; mode++)
        if ((modes >> mode & 1) != 0)
            json_array_append_new(list, json_string(intent_self_trade_name(mode)));
    return list;
}

static json_t *filter_json(const struct params *params, const struct market *market, int index)
{
    const int64_t value = intent_filter_get(&market->filters, index);
    switch (intent_filter(index)->unit) {
    case FILTER_QTY:
        return decimal_json(value * market->lot_units, params->assets[market->base].decimals);
    case FILTER_BASE:
        return decimal_json(value, params->assets[market->base].decimals);
    case FILTER_QUOTE:
        return decimal_json(value, params->assets[market->quote].decimals);
    case FILTER_PERCENT:
        return decimal_json(value, FILTER_PERCENT_DECIMALS);
    case FILTER_WHOLE:
        return json_integer(value);
    case FILTER_MODES:
        return modes_json(value);
    default:
        return json_string(intent_self_trade_name((uint8_t)value));
    }
}

static json_t *filters_json(const struct params *params, const struct market *market)
{
    json_t *object = json_object();
    for (int i = 0; i < FILTER_COUNT; i++)
        json_object_set_new(object, intent_filter(i)->name, filter_json(params, market, i));
    return object;
}

static json_t *market_json(const struct params *params, const struct market *market)
{
    const struct asset *base = &params->assets[market->base];
    const struct asset *quote = &params->assets[market->quote];
    const int64_t tick = market->tick_units, lot = market->lot_units;
    /* clang-format off */
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
        "symbol", market->symbol,
        "base", base->symbol,
        "quote", quote->symbol,
        "status", status_names[market->status],
        "tick", decimal_json(tick, quote->decimals),
        "lot", decimal_json(lot, base->decimals),
        "minPrice", decimal_json(market->price_min.ticks * tick, quote->decimals),
        "maxPrice", decimal_json(market->price_max.ticks * tick, quote->decimals),
        "minQty", decimal_json(market->qty_min.lots * lot, base->decimals),
        "maxQty", decimal_json(market->qty_max.lots * lot, base->decimals),
        "minNotional", decimal_json(market->notional_min.units, quote->decimals),
        "maxOrders", (json_int_t)market->account_orders_max,
        "filters", filters_json(params, market));
    /* clang-format on */
}

static json_t *tier_json(const struct params *params, const struct fee_tier *tier)
{
    return json_pack(
        "{s:i, s:i, s:o}", "makerPpm", (int)tier->maker_ppm, "takerPpm", (int)tier->taker_ppm,
        "volumeMin",
        decimal_json(tier->volume_min.units, params->assets[params->volume_asset].decimals));
}

static json_t *params_json(const struct params *params)
{
    json_t *object = json_object();
    json_t *tiers = json_array(), *assets = json_array(), *markets = json_array();
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        uint32_t number;
        memcpy(&number, (const uint8_t *)params + numbers[i].offset, sizeof(number));
        json_object_set_new(object, numbers[i].key, json_integer(number));
    }
    for (uint16_t i = 0; i < params->tier_count; i++)
        json_array_append_new(tiers, tier_json(params, &params->tiers[i]));
    for (uint16_t i = 0; i < params->asset_count; i++)
        json_array_append_new(assets, json_pack("{s:s, s:i}", "symbol", params->assets[i].symbol,
                                                "decimals", (int)params->assets[i].decimals));
    for (uint16_t i = 0; i < params->market_count; i++)
        json_array_append_new(markets, market_json(params, &params->markets[i]));

    json_object_set_new(object, "gatewaySecretVersion",
                        json_integer(params->gateway_secret_version));
    json_object_set_new(object, "treeSecretVersion", json_integer(params->tree_secret_version));
    if (params->asset_count > 0)
        json_object_set_new(object, "volumeAsset",
                            json_string(params->assets[params->volume_asset].symbol));
    json_object_set_new(object, "tiers", tiers);
    json_object_set_new(object, "assets", assets);
    json_object_set_new(object, "markets", markets);
    return object;
}

enum status genesis_write(const char *path, const struct genesis *genesis)
{
    json_t *root = json_pack(
        "{s:o, s:I, s:o, s:o, s:o}", "nonce", hex_json(genesis->nonce, sizeof(genesis->nonce)),
        "time", (json_int_t)genesis->time_ns, "validators", validators_json(&genesis->validators),
        "operators", operators_json(genesis), "params", params_json(&genesis->params));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL) return STATUS_NO_MEMORY;

    const enum status status = file_create(path, text, strlen(text), 0644);
    free(text);
    return status;
}
