#include "gateway/recall.h"
#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

#define DAY_NS 86400000000000ull

/* ---- order lists ---- */

/* Lists of the account: all, of any market, the last `limit` up to now. */
static struct history_query lists_of(const struct request *request, uint32_t limit)
{
    return (struct history_query){
        .kind = HISTORY_LISTS,
        .newest = true,
        .any_market = true,
        .account = request->account,
        .limit = limit,
        .id_max = INT64_MAX,
        .end_ns = INT64_MAX,
    };
}

/* List ids are each market's own: a symbol says which, where two may match. */
enum outcome list_data_one(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    uint8_t client_id[CLIENT_ID_BYTES];
    uint64_t list_id = 0;
    *query = lists_of(request, 1);
    query->single = true;
    query->any_market = form_find(request->form, "symbol") == NULL;
    if ((!query->any_market && !request_market(request, facts, &query->market)) ||
        !request_u64(request, "orderListId", &list_id, NULL) ||
        !parameter_client_id(request->form, "origClientOrderId", client_id, &request->refusal))
        return OUTCOME_REFUSED;
    if (list_id == 0 && client_id[0] == 0)
        return request_refuse(request, REJECT_MANDATORY_EITHER, "origClientOrderId", "orderListId");
    if (list_id != 0) query->id_min = query->id_max = list_id;
    memcpy(query->client_id, client_id, sizeof(client_id));
    return OUTCOME_HISTORY;
}

enum outcome list_data_open(struct request *request, const struct facts *facts)
{
    const struct printing printing = request_printing(request, facts);
    const struct view_lists *lists = view_lists(facts->view);
    const struct view_list *list = NULL;
    writer_array(&request->json);
    while ((list = view_list_next_open(lists, request->account, list)) != NULL)
        reply_list(&request->json, &printing, list);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome list_data_all(struct request *request, const struct facts *facts)
{
    (void)facts;
    struct history_query *query = &request->history;
    bool has_id, has_start, has_end;
    *query = lists_of(request, 500);
    if (!request_u64(request, "fromId", &query->id_min, &has_id) ||
        !request_range(request, &query->start_ns, &has_start, &query->end_ns, &has_end) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (has_id && (has_start || has_end))
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (has_start && has_end && query->end_ns > query->start_ns &&
        query->end_ns - query->start_ns > DAY_NS + 999999)
        return request_refuse(request, REJECT_TIME_RANGE, "24", NULL);
    query->newest = !has_id && !has_start;
    return OUTCOME_HISTORY;
}

/* ---- prevented matches ---- */

enum outcome list_data_prevented(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    uint64_t prevented_id = 0;
    bool has_id, has_order, has_from;
    *query = (struct history_query){.kind = HISTORY_PREVENTED,
                                    .account = request->account,
                                    .id_max = INT64_MAX,
                                    .end_ns = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "preventedMatchId", &prevented_id, &has_id) ||
        !request_u64(request, "orderId", &query->order_id, &has_order) ||
        !request_u64(request, "fromPreventedMatchId", &query->id_min, &has_from) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (!has_id && !has_order)
        return request_refuse(request, REJECT_MANDATORY_EITHER, "preventedMatchId", "orderId");
    if (has_id && (has_order || has_from))
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (has_id) query->id_min = query->id_max = prevented_id;
    if (has_order) request->weight = 20;
    return OUTCOME_HISTORY;
}

/* ---- amendments ---- */

enum outcome list_data_amendments(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    bool has_order, has_from;
    *query = (struct history_query){.kind = HISTORY_AMENDMENTS,
                                    .account = request->account,
                                    .id_max = INT64_MAX,
                                    .end_ns = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "orderId", &query->order_id, &has_order) ||
        !request_u64(request, "fromExecutionId", &query->id_min, &has_from) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (!has_order) return request_refuse(request, REJECT_MANDATORY, "orderId", NULL);
    return OUTCOME_HISTORY;
}
