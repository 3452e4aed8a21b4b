#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

#define LIMIT_MAX 1000
#define DAY_NS    86400000000000ull

/* ---- order lists ---- */

static void put_list(struct request *request, const struct facts *facts,
                     const struct view_list *list)
{
    const struct printing printing = request_printing(request, facts);
    writer_object(&request->json);
    reply_list_members(&request->json, &printing, list, list->created_ns);
    writer_object_end(&request->json);
}

/* What GET orderList names. List ids are each market's own: a symbol says which, where two may match. */
struct list_choice {
    uint64_t list_id; /* 0: not given */
    uint8_t client_id[36];
    uint16_t market;
    bool has_market;
};

static bool read_list_choice(struct request *request, const struct facts *facts,
                             struct list_choice *choice)
{
    *choice = (struct list_choice){.has_market = form_find(request->form, "symbol") != NULL};
    return (!choice->has_market || request_market(request, facts, &choice->market)) &&
           request_u64(request, "orderListId", &choice->list_id, NULL) &&
           parameter_client_id(request->form, "origClientOrderId", choice->client_id,
                               &request->refusal);
}

static bool choice_fits(const struct list_choice *choice, const struct view_list *list)
{
    if (choice->has_market && list->market != choice->market) return false;
    if (choice->list_id != 0 && list->list_id != choice->list_id) return false;
    return choice->client_id[0] == 0 || memcmp(list->client_id, choice->client_id, 36) == 0;
}

enum outcome list_data_one(struct request *request, const struct facts *facts)
{
    const struct view_lists *lists = view_lists(facts->view);
    const struct view_list *list = NULL;
    struct list_choice choice;
    if (!read_list_choice(request, facts, &choice)) return OUTCOME_REFUSED;
    if (choice.list_id == 0 && choice.client_id[0] == 0)
        return request_refuse(request, REJECT_MANDATORY_EITHER, "origClientOrderId", "orderListId");

    while ((list = view_list_next_open(lists, request->account, list)) != NULL)
        if (choice_fits(&choice, list)) break;
    while (list == NULL || list->command != 0) {
        list = view_list_next_done(lists, request->account, list);
        if (list == NULL || choice_fits(&choice, list)) break;
    }
    if (list == NULL) {
        const bool lost = view_list_lost(lists, request->account);
        return request_refuse(request, lost ? REJECT_HISTORY_UNAVAILABLE : REJECT_NO_SUCH_LIST,
                              NULL, NULL);
    }
    put_list(request, facts, list);
    return OUTCOME_ANSWERED;
}

enum outcome list_data_open(struct request *request, const struct facts *facts)
{
    const struct view_list *list = NULL;
    writer_array(&request->json);
    while ((list = view_list_next_open(view_lists(facts->view), request->account, list)) != NULL)
        put_list(request, facts, list);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* The lists to show, oldest first: of those that fit, the first or the last `limit`. */
struct list_picks {
    const struct view_list *lists[LIMIT_MAX];
    uint32_t count, limit;
    bool newest;
    uint64_t id_min, start_ns, end_ns;
};

static bool is_older(const struct view_list *left, const struct view_list *right)
{
    if (left->created_ns != right->created_ns) return left->created_ns < right->created_ns;
    if (left->market != right->market) return left->market < right->market;
    return left->list_id < right->list_id;
}

static void pick(struct list_picks *picks, const struct view_list *list)
{
    if (list->list_id < picks->id_min || list->created_ns < picks->start_ns ||
        list->created_ns > picks->end_ns)
        return;
    uint32_t at = 0, end = picks->count;
    while (at < end) {
        const uint32_t middle = (at + end) / 2;
        if (is_older(picks->lists[middle], list))
            at = middle + 1;
        else
            end = middle;
    }
    if (picks->count == picks->limit) {
        if (picks->newest ? at == 0 : at == picks->count) return;
        if (picks->newest) {
            memmove(picks->lists, picks->lists + 1, --at * sizeof(picks->lists[0]));
            picks->lists[at] = list;
            return;
        }
        picks->count--;
    }
    memmove(picks->lists + at + 1, picks->lists + at,
            (picks->count - at) * sizeof(picks->lists[0]));
    picks->lists[at] = list;
    picks->count++;
}

static bool read_picks(struct request *request, struct list_picks *picks)
{
    bool has_id, has_start, has_end;
    picks->count = 0;
    picks->id_min = 0;
    if (!request_u64(request, "fromId", &picks->id_min, &has_id) ||
        !request_range(request, &picks->start_ns, &has_start, &picks->end_ns, &has_end) ||
        !request_limit(request, 500, LIMIT_MAX, &picks->limit))
        return false;
    if (has_id && (has_start || has_end))
        return parameter_refuse(&request->refusal, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (has_start && has_end && picks->end_ns > picks->start_ns &&
        picks->end_ns - picks->start_ns > DAY_NS + 999999)
        return parameter_refuse(&request->refusal, REJECT_TIME_RANGE, "24", NULL);
    picks->newest = !has_id && !has_start;
    return true;
}

enum outcome list_data_all(struct request *request, const struct facts *facts)
{
    const struct view_lists *lists = view_lists(facts->view);
    const struct view_list *list = NULL;
    struct list_picks picks;
    if (!read_picks(request, &picks)) return OUTCOME_REFUSED;
    /* What memory has let go would be a silent gap. */
    if (view_list_lost(lists, request->account))
        return request_refuse(request, REJECT_HISTORY_UNAVAILABLE, NULL, NULL);
    while ((list = view_list_next_open(lists, request->account, list)) != NULL)
        pick(&picks, list);
    while ((list = view_list_next_done(lists, request->account, list)) != NULL)
        pick(&picks, list);

    writer_array(&request->json);
    for (uint32_t i = 0; i < picks.count; i++)
        put_list(request, facts, picks.lists[i]);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* ---- prevented matches ---- */

struct prevented_choice {
    uint16_t market;
    uint64_t prevented_id; /* 0: any, like the next two */
    uint64_t order_id;
    uint64_t from_id;
    uint32_t limit;
};

static bool read_prevented_choice(struct request *request, const struct facts *facts,
                                  struct prevented_choice *choice)
{
    bool has_id, has_order, has_from;
    *choice = (struct prevented_choice){0};
    if (!request_market(request, facts, &choice->market) ||
        !request_u64(request, "preventedMatchId", &choice->prevented_id, &has_id) ||
        !request_u64(request, "orderId", &choice->order_id, &has_order) ||
        !request_u64(request, "fromPreventedMatchId", &choice->from_id, &has_from) ||
        !request_limit(request, 500, LIMIT_MAX, &choice->limit))
        return false;
    if (!has_id && !has_order)
        return parameter_refuse(&request->refusal, REJECT_MANDATORY_EITHER, "preventedMatchId",
                                "orderId");
    if (has_id && (has_order || has_from))
        return parameter_refuse(&request->refusal, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (has_order) request->weight = 20;
    return true;
}

static bool prevented_fits(const struct prevented_choice *choice,
                           const struct view_prevented *entry)
{
    if (entry->market != choice->market || entry->prevented_id < choice->from_id) return false;
    if (choice->prevented_id != 0) return entry->prevented_id == choice->prevented_id;
    return entry->maker_order == choice->order_id || entry->taker_order == choice->order_id;
}

static void put_prevented(struct request *request, const struct facts *facts,
                          const struct view_prevented *entry)
{
    struct writer *json = &request->json;
    const char *symbol = facts->params->markets[entry->market].symbol;
    writer_object(json);
    writer_key_string(json, "symbol", symbol);
    writer_key_u64(json, "preventedMatchId", entry->prevented_id);
    writer_key_u64(json, "takerOrderId", entry->taker_order);
    writer_key_string(json, "makerSymbol", symbol);
    writer_key_u64(json, "makerOrderId", entry->maker_order);
    writer_key_i64(json, "tradeGroupId", -1);
    writer_key_string(json, "selfTradePreventionMode", intent_self_trade_name(entry->mode));
    reply_price(json, facts->params, entry->market, "price", entry->price);
    if (entry->maker_qty.lots > 0)
        reply_qty(json, facts->params, entry->market, "makerPreventedQuantity", entry->maker_qty);
    if (entry->taker_qty.lots > 0)
        reply_qty(json, facts->params, entry->market, "takerPreventedQuantity", entry->taker_qty);
    writer_key_u64(json, "transactTime", entry->time_ns / request->time_unit_ns);
    writer_object_end(json);
}

enum outcome list_data_prevented(struct request *request, const struct facts *facts)
{
    const struct view_preventions *preventions = view_preventions(facts->view);
    const struct view_prevented *entry = NULL, *shown[LIMIT_MAX];
    struct prevented_choice choice;
    uint64_t found = 0;
    if (!read_prevented_choice(request, facts, &choice)) return OUTCOME_REFUSED;
    if (view_prevented_lost(preventions, request->account))
        return request_refuse(request, REJECT_HISTORY_UNAVAILABLE, NULL, NULL);
    /* From the newest; the last `limit` that are found are the oldest. */
    while ((entry = view_prevented_next(preventions, request->account, entry)) != NULL)
        if (prevented_fits(&choice, entry)) shown[found++ % choice.limit] = entry;

    const uint64_t count = found < choice.limit ? found : choice.limit;
    writer_array(&request->json);
    for (uint64_t i = 0; i < count; i++)
        put_prevented(request, facts, shown[(found - 1 - i) % choice.limit]);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
