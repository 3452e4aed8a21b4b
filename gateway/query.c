#include "gateway/query.h"

#include "common/money.h"

#include <string.h>

uint32_t query_statement(const struct history_query *query)
{
    ASSERT(query->kind < HISTORY_KINDS && query->kind != HISTORY_ORDER_FILLS);
    const bool of_order = query->kind == HISTORY_FILLS && query->order_id != 0;
    const enum history_kind kind = of_order ? HISTORY_ORDER_FILLS : query->kind;
    return (uint32_t)kind * 2 + (query->newest ? 1 : 0);
}

void query_statement_name(uint32_t statement, char name[8])
{
    ASSERT(statement < QUERY_STATEMENTS && statement < 100);
    name[0] = 'h';
    name[1] = (char)('0' + statement / 10);
    name[2] = (char)('0' + statement % 10);
    name[3] = 0;
}

/* ---- parameters ---- */

static void add_u64(struct query_parameters *parameters, uint64_t value)
{
    ASSERT(parameters->count < QUERY_PARAMETERS_MAX);
    /* bigint ends at 2^63 - 1; nothing stored is above it. */
    const int64_t bounded = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    char text[DECIMAL_TEXT_MAX];
    const size_t text_bytes = decimal_format(bounded, 0, text);
    memcpy(parameters->texts[parameters->count++], text, text_bytes + 1);
}

static void add_text(struct query_parameters *parameters, const char *text)
{
    ASSERT(parameters->count < QUERY_PARAMETERS_MAX);
    char *to = parameters->texts[parameters->count++];
    const size_t text_bytes = strnlen(text, sizeof(parameters->texts[0]) - 1);
    memcpy(to, text, text_bytes);
    to[text_bytes] = 0;
}

static void add_range(struct query_parameters *parameters, const struct history_query *query)
{
    add_u64(parameters, query->id_min);
    add_u64(parameters, query->id_max);
    add_u64(parameters, query->start_ns);
    add_u64(parameters, query->end_ns);
    add_u64(parameters, query->limit);
}

static void add_transfers(struct query_parameters *parameters, const struct history_query *query)
{
    add_u64(parameters, query->account);
    add_u64(parameters, query->id_min);
    add_u64(parameters, query->id_max);
    add_u64(parameters, query->limit);
    if (query->kind != HISTORY_WITHDRAWALS) return;
    if (query->state == HISTORY_ANY_STATE)
        add_text(parameters, "-1");
    else
        add_u64(parameters, query->state);
}

static void add_i64(struct query_parameters *parameters, int64_t value)
{
    char text[DECIMAL_TEXT_MAX];
    const size_t text_bytes = decimal_format(value, 0, text);
    text[text_bytes] = 0;
    add_text(parameters, text);
}

#define DAY_NS 86400000000000

static void add_zone(struct query_parameters *parameters, const struct history_query *query)
{
    add_u64(parameters, query->market);
    add_u64(parameters, (uint64_t)query->parts);
    add_u64(parameters, query->from_ns);
    add_u64(parameters, query->cut_ns);
    add_u64(parameters, query->span_ns);
    add_i64(parameters, query->zone_ns);
    add_u64(parameters, interval_length_ns(query->interval));
    add_u64(parameters,
            query->interval == INTERVAL_1W ? 3 * DAY_NS : 0); /* 1970 began on a Thursday */
}

static void add_entries(struct query_parameters *parameters, const struct history_query *query)
{
    add_u64(parameters, query->account);
    add_range(parameters, query);
    if (query->place == HISTORY_NO_PLACE && !query->newest)
        add_text(parameters, "-1");
    else
        add_u64(parameters, query->place); /* no place: as large as can be */
}

void query_parameters_of(const struct history_query *query, struct query_parameters *parameters)
{
    parameters->count = 0;
    switch (query->kind) {
    case HISTORY_ORDERS:
        add_u64(parameters, query->account);
        add_u64(parameters, query->market);
        add_range(parameters, query);
        break;
    case HISTORY_CLIENT:
        add_u64(parameters, query->account);
        add_u64(parameters, query->market);
        add_text(parameters, query->client_id);
        break;
    case HISTORY_FILLS:
    case HISTORY_PREVENTED:
        add_u64(parameters, query->account);
        add_u64(parameters, query->market);
        add_range(parameters, query);
        if (query->kind == HISTORY_PREVENTED || query->order_id != 0)
            add_u64(parameters, query->order_id);
        break;
    case HISTORY_AMENDMENTS:
        add_u64(parameters, query->account);
        add_u64(parameters, query->market);
        add_u64(parameters, query->order_id);
        add_u64(parameters, query->id_min);
        add_u64(parameters, query->limit);
        break;
    case HISTORY_LISTS:
        add_u64(parameters, query->account);
        if (query->any_market)
            add_text(parameters, "-1");
        else
            add_u64(parameters, query->market);
        add_range(parameters, query);
        add_text(parameters, query->client_id);
        break;
    case HISTORY_TRADES:
    case HISTORY_AGGREGATES:
        add_u64(parameters, query->market);
        add_range(parameters, query);
        break;
    case HISTORY_CANDLES:
        add_u64(parameters, query->market);
        add_u64(parameters, (uint64_t)query->interval);
        add_u64(parameters, query->start_ns);
        add_u64(parameters, query->end_ns);
        add_u64(parameters, query->limit);
        break;
    case HISTORY_DEPOSITS:
    case HISTORY_WITHDRAWALS:
    case HISTORY_ADDRESS_CHANGES:
        add_transfers(parameters, query);
        break;
    case HISTORY_ZONE_CANDLES:
        add_zone(parameters, query);
        break;
    case HISTORY_LEDGER:
        add_entries(parameters, query);
        break;
    case HISTORY_DEPOSIT_CHANGES:
    case HISTORY_WITHDRAWAL_CHANGES:
        add_u64(parameters, query->account);
        add_u64(parameters, query->subject);
        add_u64(parameters, query->id_min);
        add_u64(parameters, query->limit);
        break;
    case HISTORY_ORDER_FILLS:
    case HISTORY_KINDS:
        ASSERT(query->kind < HISTORY_ORDER_FILLS);
    }
}
