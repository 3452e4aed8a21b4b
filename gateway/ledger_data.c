#include "gateway/account_book.h"
#include "gateway/recall.h"
#include "gateway/route.h"

#include "common/parameter.h"

/* `after` and `before`: the id of an entry, with which a page ended. */
static bool read_place(struct request *request, const char *name, uint64_t *height, uint64_t *place,
                       bool *is_sent)
{
    const struct form_field *field;
    if (!parameter_optional(request->form, name, &field, &request->refusal)) return false;
    *is_sent = field != NULL;
    return field == NULL || account_book_read_id(field->value, field->value_bytes, height, place) ||
           parameter_refuse(&request->refusal, REJECT_DATA, name, NULL);
}

/* Oldest first from a height, a time or an entry on; without any of them the newest, and `before` goes back from there. */
enum outcome ledger_data_entries(struct request *request, const struct facts *facts)
{
    (void)facts;
    struct history_query *query = &request->history;
    uint64_t after = 0, before = 0, place = HISTORY_NO_PLACE;
    bool has_from, has_start, has_end, has_after, has_before;
    *query = (struct history_query){
        .kind = HISTORY_LEDGER, .account = request->account, .id_max = INT64_MAX};
    if (!request_u64(request, "fromHeight", &query->id_min, &has_from) ||
        !request_u64(request, "toHeight", &query->id_max, NULL) ||
        !read_place(request, "after", &after, &place, &has_after) ||
        !read_place(request, "before", &before, &place, &has_before) ||
        !request_range(request, &query->start_ns, &has_start, &query->end_ns, &has_end) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (has_after && has_before)
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    query->newest = has_before || (!has_from && !has_start && !has_after);
    /* A place counts at its own height only: a bound beyond it leaves nothing to pass over. */
    if (has_after && after >= query->id_min) {
        query->id_min = after;
        query->place = place;
    } else if (has_before && before <= query->id_max) {
        query->id_max = before;
        query->place = place;
    } else {
        query->place = HISTORY_NO_PLACE;
    }
    return OUTCOME_HISTORY;
}

static enum outcome changes_of(struct request *request, enum history_kind kind)
{
    struct history_query *query = &request->history;
    *query = (struct history_query){.kind = kind, .account = request->account};
    if (!request_path_u64(request, "id", &query->subject) ||
        !request_u64(request, "fromCommand", &query->id_min, NULL) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    return OUTCOME_HISTORY;
}

enum outcome ledger_data_deposit(struct request *request, const struct facts *facts)
{
    (void)facts;
    return changes_of(request, HISTORY_DEPOSIT_CHANGES);
}

enum outcome ledger_data_withdrawal(struct request *request, const struct facts *facts)
{
    (void)facts;
    return changes_of(request, HISTORY_WITHDRAWAL_CHANGES);
}

enum outcome ledger_data_addresses(struct request *request, const struct facts *facts)
{
    (void)facts;
    struct history_query *query = &request->history;
    bool has_from;
    *query = (struct history_query){
        .kind = HISTORY_ADDRESS_CHANGES, .account = request->account, .id_max = INT64_MAX};
    if (!request_u64(request, "fromCommand", &query->id_min, &has_from) ||
        !request_u64(request, "toCommand", &query->id_max, NULL) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    query->newest = !has_from;
    return OUTCOME_HISTORY;
}
