#include "gateway/query_read.h"

#include <string.h>

#define FIRST_COLUMN     2  /* the cursor comes before */
#define DEPOSIT_CELLS    11 /* of a row, before its times */
#define WITHDRAWAL_CELLS 12

/* A whole number as PostgreSQL prints it; a numeric beyond 36 digits is not one of ours. */
static bool read_number(const char *text, __int128 *value)
{
    if (text == NULL) return false;
    const bool negative = *text == '-';
    if (negative) text++;
    __int128 size = 0;
    int digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 36; text++, digits++)
        size = size * 10 + (*text - '0');
    if (digits == 0 || *text != 0) return false;
    *value = negative ? -size : size;
    return true;
}

/* Reads the cells of one row from left to right; remembers if one was wrong. */
struct cells {
    const struct history_rows *rows;
    uint32_t row;
    uint32_t column;
    bool good;
};

static struct cells cells_of(const struct history_rows *rows, uint32_t row, uint32_t column)
{
    return (struct cells){rows, row, column, true};
}

static const char *next_text(struct cells *cells)
{
    const char *text = cells->rows->cell(cells->rows->context, cells->row, cells->column++);
    if (text == NULL) cells->good = false;
    return text == NULL ? "" : text;
}

static __int128 next_wide(struct cells *cells)
{
    __int128 value = 0;
    if (!read_number(next_text(cells), &value)) cells->good = false;
    return value;
}

static int64_t next_i64(struct cells *cells)
{
    const __int128 value = next_wide(cells);
    if (value < INT64_MIN || value > INT64_MAX) cells->good = false;
    return (int64_t)value;
}

static uint64_t next_u64(struct cells *cells)
{
    return (uint64_t)next_i64(cells);
}

bool query_read_cursor(struct history_rows *rows)
{
    if (rows->row_count == 0) return false;
    struct cells cells = cells_of(rows, 0, 0);
    const int64_t cursor = next_i64(&cells);
    rows->gone = cursor < 0;
    rows->cursor = (uint64_t)(rows->gone ? -cursor : cursor);
    rows->cursor_time_ns = next_u64(&cells);
    if (rows->cell(rows->context, 0, FIRST_COLUMN) == NULL) rows->row_count = 0;
    return cells.good;
}

bool query_read_order(const struct history_rows *rows, uint32_t row,
                      const struct history_query *query, struct view_order *order)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *order = (struct view_order){.account = query->account, .market = query->market};
    order->order_id = next_u64(&cells);
    order->command = next_u64(&cells);
    const char *client_id = next_text(&cells);
    memcpy(order->client_id, client_id, strnlen(client_id, sizeof(order->client_id)));
    order->side = (uint8_t)next_i64(&cells);
    order->type = (uint8_t)next_i64(&cells);
    order->time_in_force = (uint8_t)next_i64(&cells);
    order->status = (uint8_t)next_i64(&cells);
    order->reason = (uint8_t)next_i64(&cells);
    order->price.ticks = next_i64(&cells);
    order->qty.lots = next_i64(&cells);
    order->executed.lots = next_i64(&cells);
    order->quote_qty.units = next_i64(&cells);
    order->quote_executed.units = next_i64(&cells);
    order->created_ns = next_u64(&cells);
    order->updated_ns = next_u64(&cells);
    order->self_trade = (uint8_t)next_i64(&cells);
    order->list_id = next_u64(&cells);
    order->stop_price.ticks = next_i64(&cells);
    order->iceberg_qty.lots = next_i64(&cells);
    order->prevented.lots = next_i64(&cells);
    order->trailing_delta = (uint32_t)next_i64(&cells);
    order->prevented_id = next_u64(&cells);
    order->strategy_id = next_u64(&cells);
    order->strategy_type = (uint32_t)next_i64(&cells);
    order->tag_flags = (uint8_t)next_i64(&cells);
    /* When a stop fired or a pending order was released is not kept. */
    if (order->type < STOP_LOSS && order->list_id == 0) order->working_ns = order->created_ns;
    return cells.good;
}

static void next_client_id(struct cells *cells, uint8_t client_id[36])
{
    const char *text = next_text(cells);
    memset(client_id, 0, 36);
    memcpy(client_id, text, strnlen(text, 36));
}

bool query_read_list(const struct history_rows *rows, uint32_t row,
                     const struct history_query *query, struct view_list *list)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *list = (struct view_list){.account = query->account, .command = rows->cursor};
    list->list_id = next_u64(&cells);
    list->market = (uint16_t)next_i64(&cells);
    list->kind = (uint8_t)next_i64(&cells);
    next_client_id(&cells, list->client_id);
    for (int i = 0; i < LIST_ORDERS_MAX; i++)
        list->orders[i].order_id = next_u64(&cells);
    for (int i = 0; i < LIST_ORDERS_MAX; i++)
        next_client_id(&cells, list->orders[i].client_id);
    list->order_count = list->orders[2].order_id == 0 ? 2 : 3;
    list->created_ns = next_u64(&cells);
    list->updated_ns = next_u64(&cells);
    return cells.good;
}

bool query_read_prevented(const struct history_rows *rows, uint32_t row,
                          const struct history_query *query, struct view_prevented *prevented)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *prevented = (struct view_prevented){.market = query->market};
    prevented->prevented_id = next_u64(&cells);
    prevented->link.command = next_u64(&cells);
    prevented->time_ns = next_u64(&cells);
    prevented->price.ticks = next_i64(&cells);
    prevented->maker_order = next_u64(&cells);
    prevented->taker_order = next_u64(&cells);
    prevented->maker_qty.lots = next_i64(&cells);
    prevented->taker_qty.lots = next_i64(&cells);
    prevented->mode = (uint8_t)next_i64(&cells);
    return cells.good;
}

bool query_read_amended(const struct history_rows *rows, uint32_t row,
                        const struct history_query *query, struct view_amended *amended)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *amended = (struct view_amended){.market = query->market, .order_id = query->order_id};
    amended->link.command = next_u64(&cells);
    amended->time_ns = next_u64(&cells);
    next_client_id(&cells, amended->former_client_id);
    next_client_id(&cells, amended->client_id);
    amended->qty_before.lots = next_i64(&cells);
    amended->qty.lots = next_i64(&cells);
    return cells.good;
}

bool query_read_fill(const struct history_rows *rows, uint32_t row,
                     const struct history_query *query, struct view_fill *fill)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *fill = (struct view_fill){.market = query->market};
    fill->trade_id = next_u64(&cells);
    fill->command = next_u64(&cells);
    fill->aggregate_id = next_u64(&cells);
    fill->time_ns = next_u64(&cells);
    fill->price.ticks = next_i64(&cells);
    fill->qty.lots = next_i64(&cells);
    fill->maker_order = next_u64(&cells);
    fill->taker_order = next_u64(&cells);
    fill->maker_account = (uint32_t)next_i64(&cells);
    fill->taker_account = (uint32_t)next_i64(&cells);
    fill->maker_fee.units = next_i64(&cells);
    fill->taker_fee.units = next_i64(&cells);
    fill->taker_side = (uint8_t)next_i64(&cells);
    fill->maker_list = next_u64(&cells);
    fill->taker_list = next_u64(&cells);
    return cells.good;
}

bool query_read_aggregate(const struct history_rows *rows, uint32_t row,
                          struct aggregate_trade *aggregate)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *aggregate = (struct aggregate_trade){0};
    aggregate->id = next_u64(&cells);
    aggregate->first_id = next_u64(&cells);
    aggregate->last_id = next_u64(&cells);
    aggregate->stamp_ns = next_u64(&cells);
    aggregate->price.ticks = next_i64(&cells);
    aggregate->qty.lots = next_i64(&cells);
    aggregate->buyer_is_maker = next_i64(&cells) == SELL;
    return cells.good;
}

bool query_read_candle(const struct history_rows *rows, uint32_t row, struct candle *candle)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *candle = (struct candle){0};
    candle->open_ns = next_u64(&cells);
    candle->open.ticks = next_i64(&cells);
    candle->high.ticks = next_i64(&cells);
    candle->low.ticks = next_i64(&cells);
    candle->close.ticks = next_i64(&cells);
    candle->volume_lots = next_wide(&cells);
    candle->quote_units = next_wide(&cells);
    candle->fill_count = next_u64(&cells);
    candle->taker_volume_lots = next_wide(&cells);
    candle->taker_quote_units = next_wide(&cells);
    return cells.good;
}

/* Text into a field padded with zero bytes. */
static void next_padded(struct cells *cells, uint8_t *field, size_t field_bytes)
{
    const char *text = next_text(cells);
    const size_t text_bytes = strlen(text);
    memset(field, 0, field_bytes);
    if (text_bytes > field_bytes) cells->good = false;
    memcpy(field, text, text_bytes < field_bytes ? text_bytes : field_bytes);
}

static void next_txid(struct cells *cells, uint8_t txid[TXID_BYTES])
{
    const char *text = next_text(cells);
    if (!hash_from_hex(text, strlen(text), txid, TXID_BYTES)) cells->good = false;
}

/* A number that is to fit into a field of so many bits. */
static uint32_t next_u32(struct cells *cells, uint32_t max)
{
    const int64_t value = next_i64(cells);
    if (value < 0 || value > (int64_t)max) cells->good = false;
    return (uint32_t)value;
}

bool query_read_deposit(const struct history_rows *rows, uint32_t row,
                        struct deposit_changed_event *deposit)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *deposit = (struct deposit_changed_event){0};
    deposit->deposit = next_u64(&cells);
    deposit->account = next_u32(&cells, UINT32_MAX);
    deposit->asset = (uint16_t)next_u32(&cells, UINT16_MAX);
    next_padded(&cells, deposit->chain, sizeof(deposit->chain));
    next_txid(&cells, deposit->txid);
    deposit->output = next_u32(&cells, UINT32_MAX);
    deposit->amount.units = next_i64(&cells);
    deposit->credited.units = next_i64(&cells);
    deposit->height = next_u64(&cells);
    deposit->confirmations = next_u32(&cells, UINT32_MAX);
    deposit->state = (uint8_t)next_u32(&cells, UINT8_MAX);
    return cells.good;
}

bool query_read_withdrawal(const struct history_rows *rows, uint32_t row,
                           struct withdrawal_moved_event *withdrawal)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *withdrawal = (struct withdrawal_moved_event){0};
    withdrawal->withdrawal = next_u64(&cells);
    withdrawal->account = next_u32(&cells, UINT32_MAX);
    withdrawal->asset = (uint16_t)next_u32(&cells, UINT16_MAX);
    next_padded(&cells, withdrawal->chain, sizeof(withdrawal->chain));
    next_padded(&cells, withdrawal->address, sizeof(withdrawal->address));
    next_padded(&cells, withdrawal->client_id, sizeof(withdrawal->client_id));
    withdrawal->amount.units = next_i64(&cells);
    withdrawal->state = (uint8_t)next_u32(&cells, UINT8_MAX);
    withdrawal->approvers = (uint16_t)next_u32(&cells, UINT16_MAX);
    withdrawal->block = next_u64(&cells);
    next_txid(&cells, withdrawal->txid);
    withdrawal->fee.units = next_i64(&cells);
    withdrawal->paid.units = withdrawal->amount.units - withdrawal->fee.units;
    return cells.good;
}

bool query_read_times(const struct history_rows *rows, uint32_t row, enum history_kind kind,
                      struct transfer_times *times)
{
    const uint32_t columns = kind == HISTORY_DEPOSITS ? DEPOSIT_CELLS : WITHDRAWAL_CELLS;
    struct cells cells = cells_of(rows, row, FIRST_COLUMN + columns);
    times->created_ns = next_u64(&cells);
    times->changed_ns = next_u64(&cells);
    return cells.good;
}

bool query_read_entry(const struct history_rows *rows, uint32_t row, struct ledger_entry *entry)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *entry = (struct ledger_entry){0};
    entry->height = next_u64(&cells);
    entry->asset = (uint16_t)next_u32(&cells, UINT16_MAX);
    entry->kind = (uint16_t)next_u32(&cells, UINT16_MAX);
    entry->available = next_wide(&cells);
    entry->held = next_wide(&cells);
    entry->event_count = next_u64(&cells);
    entry->time_ns = next_u64(&cells);
    return cells.good;
}

static void read_deposit_change(struct cells *cells, struct deposit_changed_event *deposit)
{
    deposit->deposit = next_u64(cells);
    deposit->account = next_u32(cells, UINT32_MAX);
    deposit->asset = (uint16_t)next_u32(cells, UINT16_MAX);
    deposit->state = (uint8_t)next_u32(cells, UINT8_MAX);
    deposit->confirmations = next_u32(cells, UINT32_MAX);
    deposit->height = next_u64(cells);
    deposit->credited.units = next_i64(cells);
    deposit->moved.units = next_i64(cells);
}

static void read_withdrawal_change(struct cells *cells, struct withdrawal_moved_event *withdrawal)
{
    withdrawal->withdrawal = next_u64(cells);
    withdrawal->account = next_u32(cells, UINT32_MAX);
    withdrawal->state = (uint8_t)next_u32(cells, UINT8_MAX);
    withdrawal->approvers = (uint16_t)next_u32(cells, UINT16_MAX);
    withdrawal->block = next_u64(cells);
    next_txid(cells, withdrawal->txid);
}

bool query_read_change(const struct history_rows *rows, uint32_t row, enum history_kind kind,
                       struct ledger_change *change)
{
    struct cells cells = cells_of(rows, row, FIRST_COLUMN);
    *change = (struct ledger_change){0};
    change->command = next_u64(&cells);
    change->time_ns = next_u64(&cells);
    if (kind == HISTORY_DEPOSIT_CHANGES) {
        read_deposit_change(&cells, &change->deposit);
    } else if (kind == HISTORY_WITHDRAWAL_CHANGES) {
        read_withdrawal_change(&cells, &change->withdrawal);
    } else {
        change->address.account = next_u32(&cells, UINT32_MAX);
        change->address.kind = (uint8_t)next_u32(&cells, UINT8_MAX);
        next_padded(&cells, change->address.chain, sizeof(change->address.chain));
        next_padded(&cells, change->address.address, sizeof(change->address.address));
        change->address.active_ns = next_u64(&cells);
    }
    return cells.good;
}
