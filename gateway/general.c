#include "gateway/market_choice.h"
#include "gateway/reply_limit.h"
#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

static const char *const market_status_names[] = {
    [MARKET_TRADING] = "TRADING",
    [MARKET_HALT] = "HALT",
    [MARKET_BREAK] = "BREAK",
};

enum outcome general_ping(struct request *request, const struct facts *facts)
{
    (void)facts;
    writer_object(&request->json);
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

static void put_server_time(struct request *request)
{
    writer_key_u64(&request->json, "serverTime", request->now_ns / request->time_unit_ns);
}

enum outcome general_time(struct request *request, const struct facts *facts)
{
    (void)facts;
    writer_object(&request->json);
    put_server_time(request);
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome general_system_status(struct request *request, const struct facts *facts)
{
    (void)facts;
    writer_object(&request->json);
    writer_key_u64(&request->json, "status", 0);
    writer_key_string(&request->json, "msg", "normal");
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* Clients ask for margin pairs before they trade spot; there are none here. */
enum outcome general_empty_list(struct request *request, const struct facts *facts)
{
    (void)facts;
    writer_array(&request->json);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* The same for futures. */
enum outcome general_no_symbols(struct request *request, const struct facts *facts)
{
    (void)facts;
    struct writer *json = &request->json;
    writer_object(json);
    writer_key_string(json, "timezone", "UTC");
    put_server_time(request);
    writer_key(json, "rateLimits");
    writer_array(json);
    writer_array_end(json);
    writer_key(json, "exchangeFilters");
    writer_array(json);
    writer_array_end(json);
    writer_key(json, "assets");
    writer_array(json);
    writer_array_end(json);
    writer_key(json, "symbols");
    writer_array(json);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- exchangeInfo ---- */

static void open_filter(struct writer *json, const char *type)
{
    writer_object(json);
    writer_key_string(json, "filterType", type);
}

static void put_count_filter(struct writer *json, const char *type, const char *name,
                             uint64_t count)
{
    open_filter(json, type);
    writer_key_u64(json, name, count);
    writer_object_end(json);
}

static void put_price_and_lots(struct writer *json, const struct params *params, uint16_t index)
{
    const struct market *market = &params->markets[index];
    open_filter(json, "PRICE_FILTER");
    reply_price(json, params, index, "minPrice", market->price_min);
    reply_price(json, params, index, "maxPrice", market->price_max);
    reply_price(json, params, index, "tickSize", (price_t){1});
    writer_object_end(json);
    open_filter(json, "LOT_SIZE");
    reply_qty(json, params, index, "minQty", market->qty_min);
    reply_qty(json, params, index, "maxQty", market->qty_max);
    reply_qty(json, params, index, "stepSize", (qty_t){1});
    writer_object_end(json);
    open_filter(json, "MARKET_LOT_SIZE");
    reply_qty(json, params, index, "minQty", market->filters.market_qty_min);
    reply_qty(json, params, index, "maxQty", market->filters.market_qty_max);
    reply_qty(json, params, index, "stepSize", (qty_t){1});
    writer_object_end(json);
}

static void put_multiplier(struct writer *json, const char *name, uint32_t ten_thousandths)
{
    writer_key(json, name);
    writer_fixed(json, ten_thousandths, 4);
}

/* Above any price there can be: what a client reads where a market has no upper bound. */
#define NO_MULTIPLIER_UP 1000000000u

static void put_percent_price(struct writer *json, const struct market_filters *filters)
{
    const uint32_t any = filters->bid_up | filters->bid_down | filters->ask_up | filters->ask_down;
    if (any == 0) return;
    open_filter(json, "PERCENT_PRICE_BY_SIDE");
    put_multiplier(json, "bidMultiplierUp",
                   filters->bid_up != 0 ? filters->bid_up : NO_MULTIPLIER_UP);
    put_multiplier(json, "bidMultiplierDown", filters->bid_down);
    put_multiplier(json, "askMultiplierUp",
                   filters->ask_up != 0 ? filters->ask_up : NO_MULTIPLIER_UP);
    put_multiplier(json, "askMultiplierDown", filters->ask_down);
    writer_key_u64(json, "avgPriceMins", filters->average_minutes);
    writer_object_end(json);
}

static void put_notional(struct writer *json, const struct params *params, uint16_t index)
{
    const struct market *market = &params->markets[index];
    const amount_t most = market->filters.notional_max;
    const amount_t largest = market_notional(market, market->price_max, market->qty_max);
    open_filter(json, "NOTIONAL");
    reply_quote(json, params, index, "minNotional", market->notional_min.units);
    writer_key_bool(json, "applyMinToMarket", true);
    reply_quote(json, params, index, "maxNotional", most.units != 0 ? most.units : largest.units);
    writer_key_bool(json, "applyMaxToMarket", most.units != 0);
    writer_key_u64(json, "avgPriceMins", 0);
    writer_object_end(json);
}

static void put_trailing(struct writer *json, const struct market_filters *filters)
{
    open_filter(json, "TRAILING_DELTA");
    writer_key_u64(json, "minTrailingAboveDelta", filters->trailing_min);
    writer_key_u64(json, "maxTrailingAboveDelta", filters->trailing_max);
    writer_key_u64(json, "minTrailingBelowDelta", filters->trailing_min);
    writer_key_u64(json, "maxTrailingBelowDelta", filters->trailing_max);
    writer_object_end(json);
}

/* The array's elements. PRICE_BAND is ours; clients pass over filters that they do not know. */
static void put_filters(struct writer *json, const struct params *params, uint16_t index)
{
    const struct market *market = &params->markets[index];
    const struct market_filters *filters = &market->filters;
    put_price_and_lots(json, params, index);
    put_count_filter(json, "ICEBERG_PARTS", "limit", filters->iceberg_parts_max);
    put_trailing(json, filters);
    put_percent_price(json, filters);
    if (filters->band_ppm != 0) put_count_filter(json, "PRICE_BAND", "bandPpm", filters->band_ppm);
    put_notional(json, params, index);
    put_count_filter(json, "MAX_NUM_ORDERS", "maxNumOrders", market->account_orders_max);
    put_count_filter(json, "MAX_NUM_ORDER_LISTS", "maxNumOrderLists", filters->order_lists_max);
    put_count_filter(json, "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", filters->algo_orders_max);
    put_count_filter(json, "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders",
                     filters->iceberg_orders_max);
    if (filters->position_max.units == 0) return;
    open_filter(json, "MAX_POSITION");
    writer_key_decimal(json, "maxPosition", filters->position_max.units,
                       params->assets[market->base].decimals);
    writer_object_end(json);
}

static void put_words(struct writer *json, const char *name, const char *const *words, size_t count)
{
    writer_key(json, name);
    writer_array(json);
    for (size_t index = 0; index < count; index++)
        writer_string(json, words[index]);
    writer_array_end(json);
}

static void put_abilities(struct writer *json)
{
    static const char *const order_types[] = {
        "LIMIT",           "LIMIT_MAKER", "MARKET",           "STOP_LOSS",
        "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"};
    put_words(json, "orderTypes", order_types, sizeof(order_types) / sizeof(order_types[0]));
    writer_key_bool(json, "icebergAllowed", true);
    writer_key_bool(json, "ocoAllowed", true);
    writer_key_bool(json, "otoAllowed", true);
    writer_key_bool(json, "opoAllowed", false);
    writer_key_bool(json, "quoteOrderQtyMarketAllowed", true);
    writer_key_bool(json, "allowTrailingStop", true);
    writer_key_bool(json, "cancelReplaceAllowed", true);
    writer_key_bool(json, "amendAllowed", true);
    writer_key_bool(json, "pegInstructionsAllowed", false);
    writer_key_bool(json, "isSpotTradingAllowed", true);
    writer_key_bool(json, "isMarginTradingAllowed", false);
}

static void put_self_trade(struct writer *json, const struct market_filters *filters)
{
    writer_key_string(json, "defaultSelfTradePreventionMode",
                      intent_self_trade_name(filters->self_trade_default));
    writer_key(json, "allowedSelfTradePreventionModes");
    writer_array(json);
    for (uint8_t mode = 0; mode <= SELF_TRADE_TRANSFER; mode++)
        if ((filters->self_trade_modes >> mode & 1) != 0)
            writer_string(json, intent_self_trade_name(mode));
    writer_array_end(json);
}

static void put_permissions(struct writer *json, bool show_sets)
{
    writer_key(json, "permissions");
    writer_array(json);
    writer_array_end(json);
    if (show_sets) {
        writer_key(json, "permissionSets");
        writer_array(json);
        writer_array(json);
        writer_string(json, "SPOT");
        writer_array_end(json);
        writer_array_end(json);
    }
}

static void put_symbol(struct writer *json, const struct params *params, uint16_t index,
                       bool show_sets)
{
    const struct market *market = &params->markets[index];
    writer_object(json);
    writer_key_string(json, "symbol", market->symbol);
    writer_key_string(json, "status", market_status_names[market->status]);
    writer_key_string(json, "baseAsset", params->assets[market->base].symbol);
    writer_key_u64(json, "baseAssetPrecision", 8);
    writer_key_string(json, "quoteAsset", params->assets[market->quote].symbol);
    writer_key_u64(json, "quotePrecision", 8);
    writer_key_u64(json, "quoteAssetPrecision", 8);
    writer_key_u64(json, "baseCommissionPrecision", 8);
    writer_key_u64(json, "quoteCommissionPrecision", 8);
    put_abilities(json);
    writer_key(json, "filters");
    writer_array(json);
    put_filters(json, params, index);
    writer_array_end(json);
    put_permissions(json, show_sets);
    put_self_trade(json, &market->filters);
    writer_object_end(json);
}

/* What of exchangeInfo was asked for. */
struct symbol_choice {
    uint16_t markets[PARAMS_MARKETS_LIMIT];
    uint32_t count;
    uint8_t status; /* 0: any */
    bool show_sets;
    bool none; /* of permissions nobody has */
};

static bool read_choice(struct request *request, const struct facts *facts,
                        struct symbol_choice *choice)
{
    const struct form *form = request->form;
    const struct form_field *permissions, *show;
    bool single;
    if (!request_markets(request, facts, choice->markets, &choice->count, &single)) return false;
    if (!parameter_optional(form, "permissions", &permissions, &request->refusal) ||
        !market_choice_read_status(request, &choice->status) ||
        !parameter_optional(form, "showPermissionSets", &show, &request->refusal))
        return false;
    const bool named = single || form_find(form, "symbols") != NULL;
    if (named && (permissions != NULL || choice->status != 0))
        return parameter_refuse(&request->refusal, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    /* A name, or a JSON array of names: one of them must be SPOT. */
    choice->none = permissions != NULL && strstr(permissions->value, "SPOT") == NULL;
    choice->show_sets = show == NULL || strcmp(show->value, "false") != 0;
    return true;
}

enum outcome general_exchange_info(struct request *request, const struct facts *facts)
{
    struct symbol_choice choice;
    struct writer *json = &request->json;
    if (!read_choice(request, facts, &choice)) return OUTCOME_REFUSED;

    writer_object(json);
    writer_key_string(json, "timezone", "UTC");
    put_server_time(request);
    writer_key(json, "rateLimits");
    reply_limits(json);
    writer_key(json, "exchangeFilters");
    writer_array(json);
    writer_array_end(json);
    writer_key(json, "symbols");
    writer_array(json);
    for (uint32_t index = 0; index < choice.count && !choice.none; index++) {
        const struct market *market = &facts->params->markets[choice.markets[index]];
        if (choice.status != 0 && market->status != choice.status) continue;
        put_symbol(json, facts->params, choice.markets[index], choice.show_sets);
    }
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- execution rules ---- */

/* What an order without a price reaches, around the last one: the same on either side. */
static void put_execution_rules(struct writer *json, const struct market *market)
{
    static const char *const ups[] = {"bidLimitMultUp", "askLimitMultUp"};
    static const char *const downs[] = {"bidLimitMultDown", "askLimitMultDown"};
    const uint32_t band_ppm = market->filters.band_ppm;
    writer_object(json);
    writer_key_string(json, "symbol", market->symbol);
    writer_key(json, "rules");
    writer_array(json);
    if (band_ppm != 0) {
        writer_object(json);
        writer_key_string(json, "ruleType", "PRICE_RANGE");
        for (int side = 0; side < 2; side++) {
            writer_key(json, ups[side]);
            writer_fixed(json, 1000000 + (int64_t)band_ppm, 6);
            writer_key(json, downs[side]);
            writer_fixed(json, 1000000 - (int64_t)band_ppm, 6);
        }
        writer_object_end(json);
    }
    writer_array_end(json);
    writer_object_end(json);
}

enum outcome general_execution_rules(struct request *request, const struct facts *facts)
{
    struct market_choice choice;
    struct writer *json = &request->json;
    if (form_find(request->form, "symbolStatus") != NULL &&
        (form_find(request->form, "symbol") != NULL || form_find(request->form, "symbols") != NULL))
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (!market_choice_read(request, facts, &choice)) return OUTCOME_REFUSED;
    request->weight = choice.is_all || choice.asked_count > 20 ? 40 : 2 * choice.asked_count;

    writer_object(json);
    writer_key(json, "symbolRules");
    writer_array(json);
    for (uint32_t index = 0; index < choice.count; index++)
        put_execution_rules(json, &facts->params->markets[choice.markets[index]]);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Every account has the market's filters, and no others. */
enum outcome general_account_filters(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    uint16_t market;
    if (!request_market(request, facts, &market)) return OUTCOME_REFUSED;
    writer_object(json);
    writer_key(json, "exchangeFilters");
    writer_array(json);
    writer_array_end(json);
    writer_key(json, "symbolFilters");
    writer_array(json);
    put_filters(json, facts->params, market);
    writer_array_end(json);
    writer_key(json, "assetFilters");
    writer_array(json);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}
