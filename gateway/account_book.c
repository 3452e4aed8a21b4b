#include "gateway/account_book.h"

#include "gateway/reply_custody.h"
#include "gateway/text.h"

/* By enum posting_kind of settlement, which SQL's column has. */
static const char *const kinds[] = {"",       "CREDIT", "DEBIT",  "HOLD",    "RELEASE",
                                    "TRADE",  "FEE",    "REBATE", "DEPOSIT", "REVERSAL",
                                    "DEPART", "ARRIVE", "RETURN"};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

bool account_book_has(enum history_kind kind)
{
    return kind == HISTORY_LEDGER || kind == HISTORY_DEPOSIT_CHANGES ||
           kind == HISTORY_WITHDRAWAL_CHANGES || kind == HISTORY_ADDRESS_CHANGES;
}

/* ---- ids ---- */

static bool read_part(const char **at, const char *end, uint64_t max, uint64_t *value)
{
    const char *const begin = *at;
    *value = 0;
    for (; *at < end && **at >= '0' && **at <= '9' && *at - begin < 19; (*at)++)
        *value = *value * 10 + (uint64_t)(**at - '0');
    return *at > begin && *value <= max;
}

bool account_book_read_id(const char *text, size_t text_bytes, uint64_t *height, uint64_t *place)
{
    const char *at = text, *const end = text + text_bytes;
    uint64_t asset, kind;
    if (!read_part(&at, end, INT64_MAX, height) || at == end || *at++ != '-') return false;
    if (!read_part(&at, end, UINT16_MAX, &asset) || at == end || *at++ != '-') return false;
    if (!read_part(&at, end, UINT16_MAX, &kind)) return false;
    *place = query_place((uint16_t)asset, (uint16_t)kind);
    return at == end;
}

static void put_id(struct writer *json, const struct ledger_entry *entry)
{
    char bytes[ACCOUNT_BOOK_ID_MAX];
    struct text text = text_over(bytes, sizeof(bytes));
    text_u64(&text, entry->height);
    text_add(&text, "-");
    text_u64(&text, entry->asset);
    text_add(&text, "-");
    text_u64(&text, entry->kind);
    writer_key_text(json, "id", bytes, text.used);
}

/* ---- rows ---- */

static bool put_entry(struct writer *json, const struct printing *printing,
                      const struct history_rows *rows, uint32_t row)
{
    struct ledger_entry entry;
    if (!query_read_entry(rows, row, &entry) || entry.asset >= printing->params->asset_count ||
        entry.kind == 0 || entry.kind >= KIND_COUNT)
        return false;
    const struct asset *asset = &printing->params->assets[entry.asset];
    writer_object(json);
    put_id(json, &entry);
    writer_key_u64(json, "height", entry.height);
    writer_key_u64(json, "time", entry.time_ns / printing->time_unit_ns);
    writer_key_string(json, "asset", asset->symbol);
    writer_key_string(json, "kind", kinds[entry.kind]);
    writer_key_decimal(json, "free", entry.available, asset->decimals);
    writer_key_decimal(json, "locked", entry.held, asset->decimals);
    writer_key_u64(json, "count", entry.event_count);
    writer_object_end(json);
    return true;
}

static bool put_change(struct writer *json, const struct printing *printing,
                       const struct history_rows *rows, uint32_t row, enum history_kind kind)
{
    struct ledger_change change;
    const struct deposit_changed_event *deposit = &change.deposit;
    if (!query_read_change(rows, row, kind, &change)) return false;
    if (kind == HISTORY_DEPOSIT_CHANGES &&
        (deposit->asset >= printing->params->asset_count || deposit->state < DEPOSIT_CONFIRMING ||
         deposit->state > DEPOSIT_OWED))
        return false;
    if (kind == HISTORY_WITHDRAWAL_CHANGES && (change.withdrawal.state < WITHDRAWAL_HELD ||
                                               change.withdrawal.state > WITHDRAWAL_CANCELED))
        return false;
    writer_object(json);
    writer_key_u64(json, "command", change.command);
    writer_key_u64(json, "time", change.time_ns / printing->time_unit_ns);
    if (kind == HISTORY_DEPOSIT_CHANGES)
        reply_deposit_change(json, printing, deposit);
    else if (kind == HISTORY_WITHDRAWAL_CHANGES)
        reply_withdrawal_change(json, &change.withdrawal);
    else
        reply_address_change(json, printing, &change.address);
    writer_object_end(json);
    return true;
}

bool account_book_answer(const struct history_query *query, const struct history_rows *rows,
                         const struct printing *printing, struct writer *json)
{
    const bool is_ledger = query->kind == HISTORY_LEDGER;
    bool good = true;
    writer_object(json);
    if (query->subject != 0) writer_key_u64(json, "id", query->subject);
    writer_key_u64(json, "toCommand", rows->cursor);
    writer_key_u64(json, "toTime", rows->cursor_time_ns / printing->time_unit_ns);
    writer_key(json, is_ledger ? "entries" : "changes");
    writer_array(json);
    for (uint32_t row = 0; row < rows->row_count && good; row++)
        good = is_ledger ? put_entry(json, printing, rows, row)
                         : put_change(json, printing, rows, row, query->kind);
    writer_array_end(json);
    writer_object_end(json);
    return good;
}
