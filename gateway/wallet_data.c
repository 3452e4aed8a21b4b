#include "gateway/recall_custody.h"
#include "gateway/recall_wallet.h"
#include "gateway/reply_custody.h"
#include "gateway/reply_key.h"
#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

#define DAY_NS        86400000000000ull
#define RANGE_NS      (90 * DAY_NS) /* from start to end, and what is told when neither is named */
#define LIMIT_DEFAULT 1000
#define STATUS_MAX    8

/* The optional `coin`. */
static bool read_coin(struct request *request, const struct facts *facts, bool is_mandatory,
                      bool *has_coin, uint16_t *asset)
{
    const struct form_field *field;
    if (is_mandatory ? !parameter_mandatory(request->form, "coin", &field, &request->refusal)
                     : !parameter_optional(request->form, "coin", &field, &request->refusal))
        return false;
    *has_coin = field != NULL;
    if (field == NULL) return true;
    const int found = params_find_asset(facts->params, field->value, field->value_bytes);
    if (found < 0) return parameter_refuse(&request->refusal, REJECT_UNKNOWN_ASSET, NULL, NULL);
    *asset = (uint16_t)found;
    return true;
}

/* The last 90 days unless times are named, which may be as far apart. */
static bool read_range(struct request *request, struct history_query *query)
{
    bool has_start, has_end;
    if (!request_range(request, &query->start_ns, &has_start, &query->end_ns, &has_end))
        return false;
    if (!has_end && !has_start && request->now_ns > RANGE_NS)
        query->start_ns = request->now_ns - RANGE_NS;
    if (has_start && !has_end && query->start_ns < (uint64_t)INT64_MAX - RANGE_NS)
        query->end_ns = query->start_ns + RANGE_NS;
    if (has_end && !has_start && query->end_ns > RANGE_NS)
        query->start_ns = query->end_ns - RANGE_NS;
    if (query->end_ns > query->start_ns && query->end_ns - query->start_ns > RANGE_NS + 999999 &&
        has_start && has_end)
        return parameter_refuse(&request->refusal, REJECT_TIME_RANGE, "2160", NULL);
    return true;
}

static bool read_details(struct request *request, const struct facts *facts,
                         struct history_query *query)
{
    struct history_wallet *wallet = &query->wallet;
    const struct form_field *txid;
    uint64_t status = 0, offset = 0;
    bool has_status;
    if (!read_coin(request, facts, false, &wallet->has_asset, &wallet->asset) ||
        !request_u64(request, "status", &status, &has_status) ||
        !request_u64(request, "offset", &offset, NULL) ||
        !request_limit(request, LIMIT_DEFAULT, LIMIT_DEFAULT, &wallet->limit) ||
        !parameter_optional(request->form, "txId", &txid, &request->refusal))
        return false;
    if (status > STATUS_MAX)
        return parameter_refuse(&request->refusal, REJECT_DATA, "status", NULL);
    wallet->status = has_status ? (int)status : -1;
    wallet->offset = offset > UINT32_MAX ? UINT32_MAX : (uint32_t)offset;
    wallet->has_txid = txid != NULL;
    return txid == NULL || parameter_hex32(txid, wallet->txid, &request->refusal);
}

/* What memory has is answered at once. */
static enum outcome list_transfers(struct request *request, const struct facts *facts,
                                   enum history_kind kind)
{
    struct history_query *query = &request->history;
    *query = (struct history_query){.kind = kind,
                                    .newest = true,
                                    .account = request->account,
                                    .limit = WALLET_LOOK_MAX,
                                    .connector = -1,
                                    .state = HISTORY_ANY_STATE,
                                    .id_min = 1,
                                    .id_max = recall_custody_last(kind, facts->view),
                                    .wallet = {.is_asked = true}};
    uint8_t client_id[CLIENT_ID_BYTES] = {0};
    if (!read_range(request, query) || !read_details(request, facts, query)) return OUTCOME_REFUSED;
    if (kind == HISTORY_WITHDRAWALS &&
        !parameter_client_id(request->form, "withdrawOrderId", client_id, &request->refusal))
        return OUTCOME_REFUSED;
    memcpy(query->client_id, client_id, sizeof(client_id));
    return OUTCOME_HISTORY;
}

enum outcome wallet_data_deposits(struct request *request, const struct facts *facts)
{
    return list_transfers(request, facts, HISTORY_DEPOSITS);
}

enum outcome wallet_data_withdrawals(struct request *request, const struct facts *facts)
{
    return list_transfers(request, facts, HISTORY_WITHDRAWALS);
}

/* Whether the asset moves over the chain, and the chain is the one that is named, if one is. */
static bool is_way(const struct params *params, uint16_t asset, const uint8_t chain[CHAIN_BYTES],
                   const struct form_field *network)
{
    if (params_find_route(params, chain, asset) < 0) return false;
    return network == NULL || (network->value_bytes <= CHAIN_BYTES &&
                               strncmp((const char *)chain, network->value, CHAIN_BYTES) == 0);
}

/* The newest that the account has for the coin. */
enum outcome wallet_data_address(struct request *request, const struct facts *facts)
{
    const struct custody_view *view = view_custody(facts->view);
    const struct address_changed_event *found = NULL;
    const struct form_field *network;
    struct writer *json = &request->json;
    uint16_t asset = 0;
    bool has_coin;
    if (!read_coin(request, facts, true, &has_coin, &asset) ||
        !parameter_optional(request->form, "network", &network, &request->refusal))
        return OUTCOME_REFUSED;
    for (uint32_t i = 0; i < custody_view_address_count(view); i++) {
        const struct address_changed_event *address = custody_view_address(view, i);
        if (address->account == request->account && address->kind == ADDRESS_DEPOSIT &&
            is_way(facts->params, asset, address->chain, network))
            found = address;
    }
    if (found == NULL) return request_refuse(request, REJECT_ADDRESS, NULL, NULL);
    writer_object(json);
    writer_key(json, "address");
    writer_padded(json, found->address, CHAIN_ADDRESS_BYTES);
    writer_key_string(json, "coin", facts->params->assets[asset].symbol);
    writer_key_string(json, "tag", "");
    writer_key_string(json, "url", "");
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- what the account may do, and has ---- */

enum outcome wallet_data_status(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    writer_object(json);
    const struct view_account *account = view_account(facts->view, request->account);
    writer_key_string(json, "data", account->frozen || account->pending ? "Abnormal" : "Normal");
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Nothing but operators keeps an account from trading, and that has no end of its own. */
enum outcome wallet_data_trading_status(struct request *request, const struct facts *facts)
{
    const struct view_account *account = view_account(facts->view, request->account);
    struct writer *json = &request->json;
    writer_object(json);
    writer_key(json, "data");
    writer_object(json);
    writer_key_bool(json, "isLocked", account->frozen || account->pending);
    writer_key_u64(json, "plannedRecoverTime", 0);
    writer_key(json, "triggerCondition");
    writer_object(json);
    writer_object_end(json);
    writer_key_u64(json, "updateTime", account->updated_ns / request->time_unit_ns);
    writer_object_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Of the key that asks. When it was made is not kept. */
enum outcome wallet_data_restrictions(struct request *request, const struct facts *facts)
{
    static const char *const nothing[] = {
        "enableInternalTransfer", "enableMargin",
        "enableFutures",          "permitsUniversalTransfer",
        "enableVanillaOptions",   "enableFixApiTrade",
        "enableFixReadOnly",      "enablePortfolioMarginTrading",
    };
    struct writer *json = &request->json;
    writer_object(json);
    reply_key_ips(json, &view_key(facts->view, request->key_index)->ips);
    writer_key_u64(json, "createTime", 0);
    writer_key_bool(json, "enableReading", (request->permissions & KEY_READ) != 0);
    writer_key_bool(json, "enableSpotAndMarginTrading", (request->permissions & KEY_TRADE) != 0);
    writer_key_bool(json, "enableWithdrawals", (request->permissions & KEY_WITHDRAW) != 0);
    for (size_t index = 0; index < sizeof(nothing) / sizeof(nothing[0]); index++)
        writer_key_bool(json, nothing[index], false);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Of an asset's ways the one that is open before others, and cheaper before dearer; -1: it has none. */
static int way_out(const struct params *params, uint16_t asset, uint64_t now_ns)
{
    int found = -1;
    for (int way = 0; way < params->route_count; way++) {
        if (params->routes[way].asset != asset) continue;
        const bool is_open = params->routes[way].status == ROUTE_OPEN;
        const bool was_open = found >= 0 && params->routes[found].status == ROUTE_OPEN;
        const bool is_cheaper = found >= 0 && params_route_fee(params, way, now_ns).units <
                                                  params_route_fee(params, found, now_ns).units;
        if (found < 0 || (is_open && !was_open) || (is_open == was_open && is_cheaper)) found = way;
    }
    return found;
}

static void put_detail(struct request *request, const struct params *params, uint16_t asset)
{
    struct writer *json = &request->json;
    const int decimals = params->assets[asset].decimals;
    const int way = way_out(params, asset, request->now_ns);
    const bool is_open = way >= 0 && params->routes[way].status == ROUTE_OPEN;
    const int64_t fee = way < 0 ? 0 : params_route_fee(params, way, request->now_ns).units;
    writer_key(json, params->assets[asset].symbol);
    writer_object(json);
    writer_key_decimal(json, "minWithdrawAmount",
                       way < 0 ? 0 : reply_withdrawal_min(params, way, request->now_ns), decimals);
    writer_key_bool(json, "depositStatus", way >= 0);
    writer_key_decimal(json, "withdrawFee", fee, decimals);
    writer_key_bool(json, "withdrawStatus", is_open);
    writer_object_end(json);
}

enum outcome wallet_data_details(struct request *request, const struct facts *facts)
{
    const struct params *params = facts->params;
    const struct form_field *field;
    if (!parameter_optional(request->form, "asset", &field, &request->refusal))
        return OUTCOME_REFUSED;
    writer_object(&request->json);
    for (uint16_t asset = 0; asset < params->asset_count; asset++)
        if (field == NULL || strcmp(field->value, params->assets[asset].symbol) == 0)
            put_detail(request, params, asset);
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* There is no past of balances but the ledger's (/quorex/v1/ledger): the one snapshot there is is of now. */
enum outcome wallet_data_snapshot(struct request *request, const struct facts *facts)
{
    static const struct parameter_word types[] = {{"SPOT", 1}};
    struct history_query range;
    struct writer *json = &request->json;
    bool has_start, has_end;
    uint8_t type;
    if (!parameter_mandatory_word(request->form, "type", types, 1, REJECT_DATA, &type,
                                  &request->refusal) ||
        !request_range(request, &range.start_ns, &has_start, &range.end_ns, &has_end))
        return OUTCOME_REFUSED;
    const uint64_t now_ns = market_views_now_ns(facts->markets);
    if (range.end_ns < now_ns || range.start_ns > now_ns)
        return request_refuse(request, REJECT_DATA, has_end ? "endTime" : "startTime", NULL);

    writer_object(json);
    writer_key_u64(json, "code", 200);
    writer_key_string(json, "msg", "");
    writer_key(json, "snapshotVos");
    writer_array(json);
    writer_object(json);
    writer_key(json, "data");
    writer_object(json);
    request_put_balances(request, facts, false);
    writer_object_end(json);
    writer_key_string(json, "type", "spot");
    writer_key_u64(json, "updateTime", now_ns / request->time_unit_ns);
    writer_object_end(json);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* One asset's, or those of which there is some. */
enum outcome wallet_data_assets(struct request *request, const struct facts *facts)
{
    const struct params *params = facts->params;
    const struct form_field *field;
    struct writer *json = &request->json;
    if (!parameter_optional(request->form, "asset", &field, &request->refusal))
        return OUTCOME_REFUSED;
    writer_array(json);
    for (uint16_t asset = 0; asset < params->asset_count; asset++) {
        const struct view_balance balance = view_balance(facts->view, request->account, asset);
        const int decimals = params->assets[asset].decimals;
        const bool is_some = balance.available.units != 0 || balance.held.units != 0;
        if (field != NULL ? strcmp(field->value, params->assets[asset].symbol) != 0 : !is_some)
            continue;
        writer_object(json);
        writer_key_string(json, "asset", params->assets[asset].symbol);
        writer_key_decimal(json, "free", balance.available.units, decimals);
        writer_key_decimal(json, "locked", balance.held.units, decimals);
        writer_key_decimal(json, "freeze", 0, decimals);
        writer_key_decimal(json, "withdrawing", 0, decimals);
        writer_key_decimal(json, "ipoable", 0, decimals);
        writer_object_end(json);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}
