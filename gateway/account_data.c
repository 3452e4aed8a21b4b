#include "gateway/recall.h"
#include "gateway/reply_custody.h"
#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

#define DAY_NS        86400000000000ull
#define RATE_DECIMALS 6 /* parts per million */

/* ---- orders ---- */

/* What GET order names: an id, a client id, or both. */
struct order_choice {
    uint16_t market;
    uint64_t order_id; /* 0: not given */
    uint8_t client_id[36];
};

static bool read_order_choice(struct request *request, const struct facts *facts,
                              struct order_choice *choice)
{
    choice->order_id = 0;
    return request_market(request, facts, &choice->market) &&
           request_u64(request, "orderId", &choice->order_id, NULL) &&
           parameter_client_id(request->form, "origClientOrderId", choice->client_id,
                               &request->refusal);
}

static bool choice_fits(const struct order_choice *choice, const struct view_order *order)
{
    if (order->market != choice->market) return false;
    if (choice->order_id != 0) return order->order_id == choice->order_id;
    return memcmp(order->client_id, choice->client_id, 36) == 0;
}

/* The order in memory, by its id when that was given: open before done, newest done first; or NULL. */
static const struct view_order *order_in_memory(const struct view *view, uint32_t account,
                                                const struct order_choice *choice)
{
    const struct view_order *order =
        choice->order_id != 0 ? view_open_order(view, account, choice->market, choice->order_id)
                              : view_open_client(view, account, choice->market, choice->client_id);
    if (order != NULL) return order;
    while ((order = view_next_done(view, account, order)) != NULL) {
        if (choice_fits(choice, order)) return order;
    }
    return NULL;
}

static bool is_called(const struct view_order *order, const uint8_t client_id[36])
{
    return client_id[0] == 0 || memcmp(order->client_id, client_id, 36) == 0;
}

enum outcome account_data_order(struct request *request, const struct facts *facts)
{
    struct order_choice choice;
    if (!read_order_choice(request, facts, &choice)) return OUTCOME_REFUSED;
    if (choice.order_id == 0 && choice.client_id[0] == 0)
        return request_refuse(request, REJECT_MANDATORY_EITHER, "origClientOrderId", "orderId");

    const struct view_order *order = order_in_memory(facts->view, request->account, &choice);
    if (order != NULL) {
        if (!is_called(order, choice.client_id))
            return request_refuse(request, REJECT_CLIENT_ORDER_ID, NULL, NULL);
        const struct printing printing = request_printing(request, facts);
        reply_order(&request->json, &printing, order);
        return OUTCOME_ANSWERED;
    }
    request->history = (struct history_query){
        .kind = choice.order_id != 0 ? HISTORY_ORDERS : HISTORY_CLIENT,
        .newest = true,
        .single = true,
        .market = choice.market,
        .account = request->account,
        .limit = 1,
        .id_min = choice.order_id,
        .id_max = choice.order_id,
        .end_ns = INT64_MAX,
    };
    memcpy(request->history.client_id, choice.client_id, sizeof(choice.client_id));
    return OUTCOME_HISTORY;
}

enum outcome account_data_open_orders(struct request *request, const struct facts *facts)
{
    uint16_t market = 0;
    const bool one = form_find(request->form, "symbol") != NULL;
    if (one && !request_market(request, facts, &market)) return OUTCOME_REFUSED;
    request->weight = one ? 6 : 80;

    const struct printing printing = request_printing(request, facts);
    const struct view_order *order = NULL;
    writer_array(&request->json);
    while ((order = view_next_open(facts->view, request->account, order)) != NULL) {
        if (!one || order->market == market) reply_order(&request->json, &printing, order);
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* startTime and endTime may be a day apart; one alone is open on the other side. */
static bool read_day(struct request *request, struct history_query *query, bool *has_start,
                     bool *has_end)
{
    if (!request_range(request, &query->start_ns, has_start, &query->end_ns, has_end)) return false;
    if (*has_start && *has_end && query->end_ns > query->start_ns &&
        query->end_ns - query->start_ns > DAY_NS + 999999)
        return parameter_refuse(&request->refusal, REJECT_TIME_RANGE, "24", NULL);
    return true;
}

enum outcome account_data_all_orders(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    bool has_id, has_start, has_end;
    *query = (struct history_query){
        .kind = HISTORY_ORDERS, .account = request->account, .id_max = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "orderId", &query->id_min, &has_id) ||
        !read_day(request, query, &has_start, &has_end) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    query->newest = !has_id && !has_start;
    return OUTCOME_HISTORY;
}

enum outcome account_data_fills(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    bool has_order, has_from, has_start, has_end;
    *query = (struct history_query){
        .kind = HISTORY_FILLS, .account = request->account, .id_max = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "orderId", &query->order_id, &has_order) ||
        !request_u64(request, "fromId", &query->id_min, &has_from) ||
        !read_day(request, query, &has_start, &has_end) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if ((has_from || has_order) && (has_start || has_end))
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    request->weight = has_order ? 5 : 20;
    query->newest = !has_from && !has_start;
    return OUTCOME_HISTORY;
}

/* Orders meet in their own book alone: nothing is allocated to them from elsewhere. */
enum outcome account_data_allocations(struct request *request, const struct facts *facts)
{
    struct history_query unused = {0};
    bool has_start, has_end;
    if (!request_market(request, facts, &unused.market) ||
        !read_day(request, &unused, &has_start, &has_end) ||
        !request_u64(request, "fromAllocationId", &unused.id_min, NULL) ||
        !request_u64(request, "orderId", &unused.order_id, NULL) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &unused.limit))
        return OUTCOME_REFUSED;
    writer_array(&request->json);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* ---- balances and fees ---- */

static struct fee_tier tier_of(const struct facts *facts, uint32_t account)
{
    const struct view_account *owner = view_account(facts->view, account);
    ASSERT(owner != NULL && owner->tier < facts->params->tier_count);
    return facts->params->tiers[owner->tier];
}

static void put_rates(struct writer *json, const char *name, struct fee_tier tier)
{
    writer_key(json, name);
    writer_object(json);
    writer_key_decimal(json, "maker", tier.maker_ppm, RATE_DECIMALS);
    writer_key_decimal(json, "taker", tier.taker_ppm, RATE_DECIMALS);
    writer_key_decimal(json, "buyer", 0, RATE_DECIMALS);
    writer_key_decimal(json, "seller", 0, RATE_DECIMALS);
    writer_object_end(json);
}

/* Whether anything may leave. */
static bool has_open_route(const struct params *params)
{
    for (uint16_t route = 0; route < params->route_count; route++)
        if (params->routes[route].status == ROUTE_OPEN) return true;
    return false;
}

enum outcome account_data_balances(struct request *request, const struct facts *facts)
{
    const struct form_field *omit;
    struct writer *json = &request->json;
    if (!parameter_optional(request->form, "omitZeroBalances", &omit, &request->refusal))
        return OUTCOME_REFUSED;
    const struct fee_tier tier = tier_of(facts, request->account);
    const struct view_account *account = view_account(facts->view, request->account);

    writer_object(json);
    writer_key_i64(json, "makerCommission", tier.maker_ppm / 100);
    writer_key_i64(json, "takerCommission", tier.taker_ppm / 100);
    writer_key_u64(json, "buyerCommission", 0);
    writer_key_u64(json, "sellerCommission", 0);
    put_rates(json, "commissionRates", tier);
    writer_key_bool(json, "canTrade", !account->frozen && !account->pending);
    writer_key_bool(json, "canWithdraw",
                    !account->frozen && !account->pending && has_open_route(facts->params));
    writer_key_bool(json, "canDeposit", facts->params->route_count > 0);
    writer_key_bool(json, "brokered", false);
    writer_key_bool(json, "requireSelfTradePrevention", false);
    writer_key_bool(json, "preventSor", false);
    writer_key_u64(json, "updateTime", account->updated_ns / request->time_unit_ns);
    writer_key_string(json, "accountType", "SPOT");
    request_put_balances(request, facts, omit != NULL && strcmp(omit->value, "true") == 0);
    writer_key(json, "permissions");
    writer_array(json);
    writer_string(json, "SPOT");
    writer_array_end(json);
    writer_key_u64(json, "uid", request->account);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome account_data_commission(struct request *request, const struct facts *facts)
{
    uint16_t market;
    struct writer *json = &request->json;
    if (!request_market(request, facts, &market)) return OUTCOME_REFUSED;
    writer_object(json);
    writer_key_string(json, "symbol", facts->params->markets[market].symbol);
    put_rates(json, "standardCommission", tier_of(facts, request->account));
    put_rates(json, "specialCommission", (struct fee_tier){0});
    put_rates(json, "taxCommission", (struct fee_tier){0});
    writer_key(json, "discount");
    writer_object(json);
    writer_key_bool(json, "enabledForAccount", false);
    writer_key_bool(json, "enabledForSymbol", false);
    writer_key(json, "discountAsset");
    writer_null(json);
    writer_key_decimal(json, "discount", 0, 8);
    writer_object_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome account_data_trade_fees(struct request *request, const struct facts *facts)
{
    uint16_t market = 0;
    struct writer *json = &request->json;
    const bool one = form_find(request->form, "symbol") != NULL;
    if (one && !request_market(request, facts, &market)) return OUTCOME_REFUSED;
    const struct fee_tier tier = tier_of(facts, request->account);
    const uint16_t end = one ? (uint16_t)(market + 1) : facts->params->market_count;

    writer_array(json);
    for (; market < end; market++) {
        writer_object(json);
        writer_key_string(json, "symbol", facts->params->markets[market].symbol);
        writer_key_decimal(json, "makerCommission", tier.maker_ppm, RATE_DECIMALS);
        writer_key_decimal(json, "takerCommission", tier.taker_ppm, RATE_DECIMALS);
        writer_object_end(json);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}

/* Whether the asset has a way; with `open`, one that withdrawals may go. */
static bool has_route(const struct params *params, uint16_t asset, bool open)
{
    for (uint16_t i = 0; i < params->route_count; i++)
        if (params->routes[i].asset == asset && (!open || params->routes[i].status == ROUTE_OPEN))
            return true;
    return false;
}

static void put_networks(struct request *request, const struct facts *facts, uint16_t asset)
{
    const struct params *params = facts->params;
    const struct printing printing = request_printing(request, facts);
    struct writer *json = &request->json;
    writer_key(json, "networkList");
    writer_array(json);
    for (uint16_t i = 0; i < params->route_count; i++)
        if (params->routes[i].asset == asset) reply_network(json, &printing, i, request->now_ns);
    writer_array_end(json);
}

static void put_coin(struct request *request, const struct facts *facts, uint16_t asset)
{
    static const char *const nothing[] = {"freeze", "withdrawing", "ipoing", "ipoable", "storage"};
    const struct view_balance balance = view_balance(facts->view, request->account, asset);
    const char *symbol = facts->params->assets[asset].symbol;
    const int decimals = facts->params->assets[asset].decimals;
    struct writer *json = &request->json;
    writer_object(json);
    writer_key_string(json, "coin", symbol);
    writer_key_string(json, "name", symbol);
    writer_key_bool(json, "depositAllEnable", has_route(facts->params, asset, false));
    writer_key_bool(json, "withdrawAllEnable", has_route(facts->params, asset, true));
    writer_key_decimal(json, "free", balance.available.units, decimals);
    writer_key_decimal(json, "locked", balance.held.units, decimals);
    for (size_t index = 0; index < sizeof(nothing) / sizeof(nothing[0]); index++)
        writer_key_decimal(json, nothing[index], 0, decimals);
    writer_key_bool(json, "isLegalMoney", false);
    writer_key_bool(json, "trading", true);
    put_networks(request, facts, asset);
    writer_object_end(json);
}

enum outcome account_data_coins(struct request *request, const struct facts *facts)
{
    writer_array(&request->json);
    for (uint16_t asset = 0; asset < facts->params->asset_count; asset++)
        put_coin(request, facts, asset);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
