#include "gateway/account_keys.h"
#include "gateway/recall.h"
#include "gateway/reply_custody.h"
#include "gateway/reply_key.h"
#include "gateway/route.h"

/* What there is of an account's past: where, how its first page is asked for, and by which parameter one goes on. */
static const struct {
    const char *of, *path, *first, *next;
    bool is_by_symbol;
} histories[] = {
    {"orders", "/api/v3/allOrders", "orderId=0", "orderId", true},
    {"fills", "/api/v3/myTrades", "fromId=0", "fromId", true},
    {"preventedMatches", "/quorex/v1/account/preventedMatches", "fromId=0", "fromId", true},
    {"orderLists", "/api/v3/allOrderList", "startTime=0", "startTime", false},
    {"ledger", "/quorex/v1/ledger", "fromHeight=0", "after", false},
    {"deposits", "/quorex/v1/deposits", "fromId=1", "toId", false},
    {"withdrawals", "/quorex/v1/withdrawals", "fromId=1", "toId", false},
    {"addresses", "/quorex/v1/addresses/history", "fromCommand=0", "fromCommand", false},
};

static void put_keys(struct writer *json, const struct view *view, uint32_t account)
{
    const struct view_key *key = NULL;
    writer_key(json, "keys");
    writer_array(json);
    while ((key = account_keys_next(view, account, key)) != NULL)
        reply_key(json, key, NULL);
    writer_array_end(json);
}

static void put_orders(struct writer *json, const struct printing *printing, uint32_t account)
{
    const struct view_order *order = NULL;
    const struct view_list *list = NULL;
    writer_key(json, "openOrders");
    writer_array(json);
    while ((order = view_next_open(printing->view, account, order)) != NULL)
        reply_order(json, printing, order);
    writer_array_end(json);
    writer_key(json, "openOrderLists");
    writer_array(json);
    while ((list = view_list_next_open(view_lists(printing->view), account, list)) != NULL)
        reply_list(json, printing, list);
    writer_array_end(json);
}

static void put_addresses(struct writer *json, const struct printing *printing, uint32_t account)
{
    const struct custody_view *view = view_custody(printing->view);
    writer_key(json, "addresses");
    writer_array(json);
    for (uint32_t i = 0; i < custody_view_address_count(view); i++)
        if (custody_view_address(view, i)->account == account)
            reply_address(json, printing, custody_view_address(view, i));
    writer_array_end(json);
}

static void put_histories(struct writer *json, const struct params *params)
{
    writer_key(json, "history");
    writer_array(json);
    for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
        writer_object(json);
        writer_key_string(json, "of", histories[i].of);
        writer_key_string(json, "path", histories[i].path);
        writer_key_string(json, "first", histories[i].first);
        writer_key_string(json, "next", histories[i].next);
        writer_key(json, "symbols");
        writer_array(json);
        for (uint16_t market = 0; histories[i].is_by_symbol && market < params->market_count;
             market++)
            writer_string(json, params->markets[market].symbol);
        writer_array_end(json);
        writer_object_end(json);
    }
    writer_array_end(json);
}

enum outcome export_data_account(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct printing printing = request_printing(request, facts);
    const struct view_account *account = view_account(facts->view, request->account);
    writer_object(json);
    writer_key_u64(json, "account", request->account);
    writer_key(json, "publicKey");
    writer_hex(json, account->public_key, sizeof(account->public_key));
    writer_key_u64(json, "tier", account->tier);
    writer_key_bool(json, "frozen", account->frozen);
    writer_key_bool(json, "pending", account->pending);
    writer_key_u64(json, "updateTime", account->updated_ns / request->time_unit_ns);
    writer_key_u64(json, "command", view_command(facts->view));
    put_keys(json, facts->view, request->account);
    request_put_balances(request, facts, false);
    put_orders(json, &printing, request->account);
    put_addresses(json, &printing, request->account);
    put_histories(json, facts->params);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* All of a market's, where the API asks for those of an order or for one. */
enum outcome export_data_prevented(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    bool has_from;
    *query = (struct history_query){.kind = HISTORY_PREVENTED,
                                    .account = request->account,
                                    .id_max = INT64_MAX,
                                    .end_ns = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "fromId", &query->id_min, &has_from) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    query->newest = !has_from;
    return OUTCOME_HISTORY;
}
