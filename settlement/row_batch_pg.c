#include "settlement/row_batch.h"

#include "settlement/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where each table's rows are copied to; those of pg_temp are merged from there. */
static const char *const copy_targets[ROW_TABLES] = {
    "quorex.assets",
    "quorex.markets",
    "quorex.accounts",
    "quorex.blocks",
    "quorex.fills",
    "quorex.orders",
    "quorex.ledger_entries",
    "pg_temp.candles_in",
    "pg_temp.balances_in",
    "quorex.prevented_matches",
    "quorex.order_amendments",
    "quorex.order_lists",
    "pg_temp.list_ends_in",
    "pg_temp.deposits_in",
    "pg_temp.withdrawals_in",
    "pg_temp.addresses_in",
    "quorex.deposit_changes",
    "quorex.withdrawal_changes",
    "quorex.address_changes",
};

bool row_batch_open(struct row_batch *batch)
{
    memset(batch->sorts, 0, sizeof(batch->sorts));
    for (int table = 0; table < ROW_TABLES; table++) {
        batch->rows[table].capacity = 8 * COPY_ROW_MAX;
        batch->rows[table].bytes = malloc(batch->rows[table].capacity);
        if (batch->rows[table].bytes == NULL) return false;
    }
    row_batch_start(batch);
    return true;
}

void row_batch_close(struct row_batch *batch)
{
    for (int table = 0; table < ROW_TABLES; table++) {
        free(batch->rows[table].bytes);
        row_sort_close(&batch->sorts[table]);
    }
}

void row_batch_start(struct row_batch *batch)
{
    for (int table = 0; table < ROW_TABLES; table++)
        copy_row_start(&batch->rows[table]);
}

size_t row_batch_bytes(const struct row_batch *batch)
{
    size_t sum = 0;
    for (int table = 0; table < ROW_TABLES; table++)
        sum += batch->rows[table].used;
    return sum;
}

enum status row_batch_copy(struct row_batch *batch, enum row_table table, struct database *database)
{
    struct copy_rows *rows = &batch->rows[table];
    char sql[128];
    if (rows->row_count == 0) return STATUS_OK;
    if (table == ROW_ORDERS || table == ROW_ENTRIES) row_sort_apply(&batch->sorts[table], rows);
    snprintf(sql, sizeof(sql), "COPY %s FROM STDIN BINARY", copy_targets[table]);
    copy_row_finish(rows);
    return database_copy(database, sql, rows->bytes, rows->used);
}

/* Begins a row, with room for it. Memory for rows is taken as it is needed and kept. */
static struct copy_rows *begin_row(struct row_batch *batch, enum row_table table,
                                   uint16_t field_count)
{
    struct copy_rows *rows = &batch->rows[table];
    if (rows->capacity - rows->used < 2 * COPY_ROW_MAX) {
        const size_t capacity = rows->capacity * 2;
        uint8_t *bytes = realloc(rows->bytes, capacity);
        ASSERT(bytes != NULL);
        rows->bytes = bytes;
        rows->capacity = capacity;
    }
    copy_row_begin(rows, field_count);
    return rows;
}

/* The same, of a table that goes by account, then by `second`. */
static struct copy_rows *begin_sorted_row(struct row_batch *batch, enum row_table table,
                                          uint16_t field_count, uint32_t account, uint32_t second)
{
    row_sort_next(&batch->sorts[table], &batch->rows[table], (uint64_t)account << 32 | second);
    return begin_row(batch, table, field_count);
}

static void on_asset(void *context, uint16_t index, const struct asset *asset)
{
    struct copy_rows *rows = begin_row(context, ROW_ASSETS, 3);
    copy_row_i32(rows, index);
    copy_row_text(rows, asset->symbol);
    copy_row_i32(rows, asset->decimals);
}

static void on_market(void *context, uint16_t index, const struct market *market)
{
    struct copy_rows *rows = begin_row(context, ROW_MARKETS, 12);
    copy_row_i32(rows, index);
    copy_row_text(rows, market->symbol);
    copy_row_i32(rows, market->base);
    copy_row_i32(rows, market->quote);
    copy_row_i64(rows, market->tick_units);
    copy_row_i64(rows, market->lot_units);
    copy_row_i64(rows, market->price_min.ticks);
    copy_row_i64(rows, market->price_max.ticks);
    copy_row_i64(rows, market->qty_min.lots);
    copy_row_i64(rows, market->qty_max.lots);
    copy_row_i64(rows, market->notional_min.units);
    copy_row_i64(rows, market->account_orders_max);
}

static void on_account(void *context, const struct account_row *row)
{
    struct copy_rows *rows = begin_row(context, ROW_ACCOUNTS, 4);
    copy_row_i32(rows, (int32_t)row->created.account);
    copy_row_bytes(rows, row->created.public_key, PUBLIC_KEY_BYTES);
    copy_row_i32(rows, row->created.tier);
    copy_row_i64(rows, (int64_t)row->time_ns);
}

static void on_block(void *context, const struct block_row *row)
{
    struct copy_rows *rows = begin_row(context, ROW_BLOCKS, 7);
    copy_row_i64(rows, (int64_t)row->header.height);
    copy_row_i64(rows, (int64_t)row->header.time_ns);
    copy_row_bytes(rows, row->hash.bytes, HASH_BYTES);
    copy_row_bytes(rows, row->header_bytes, BLOCK_HEADER_BYTES);
    copy_row_i64(rows, (int64_t)row->header.first_command);
    copy_row_i64(rows, (int64_t)row->header.last_command);
    copy_row_i32(rows, (int32_t)row->header.fill_count);
}

/* The list of a fill's order: null, of none. */
static void row_list(struct copy_rows *rows, uint64_t list_id)
{
    if (list_id == 0)
        copy_row_null(rows);
    else
        copy_row_i64(rows, (int64_t)list_id);
}

static void on_fill(void *context, const struct fill_row *row)
{
    const struct fill_event *fill = &row->fill;
    struct copy_rows *rows = begin_row(context, ROW_FILLS, 18);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, (int32_t)row->ordinal);
    copy_row_i32(rows, fill->market);
    copy_row_i64(rows, (int64_t)fill->trade_id);
    copy_row_i64(rows, (int64_t)fill->aggregate_id);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, fill->price.ticks);
    copy_row_i64(rows, fill->qty.lots);
    copy_row_i64(rows, (int64_t)fill->maker_order);
    copy_row_i64(rows, (int64_t)fill->taker_order);
    copy_row_i32(rows, (int32_t)fill->maker_account);
    copy_row_i32(rows, (int32_t)fill->taker_account);
    copy_row_i64(rows, row->maker_fee.units);
    copy_row_i64(rows, row->taker_fee.units);
    copy_row_i32(rows, fill->taker_side);
    copy_row_i64(rows, row->maker_rebate.units);
    row_list(rows, row->maker_list);
    row_list(rows, row->taker_list);
}

static void on_order(void *context, const struct order_row *row)
{
    const struct order_done_event *done = &row->done;
    struct copy_rows *rows = begin_sorted_row(context, ROW_ORDERS, 26, done->account, done->market);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, done->market);
    copy_row_i64(rows, (int64_t)done->order_id);
    copy_row_i32(rows, (int32_t)done->account);
    copy_row_text(rows, row->client_id);
    copy_row_i32(rows, done->side);
    copy_row_i32(rows, done->type);
    copy_row_i32(rows, done->time_in_force);
    copy_row_i32(rows, done->status);
    copy_row_i32(rows, done->reason);
    copy_row_i64(rows, done->price.ticks);
    copy_row_i64(rows, done->qty.lots);
    copy_row_i64(rows, done->executed.lots);
    copy_row_i64(rows, done->quote_qty.units);
    copy_row_i64(rows, done->quote_executed.units);
    copy_row_i64(rows, (int64_t)done->created_ns);
    copy_row_i64(rows, (int64_t)row->closed_ns);
    copy_row_i32(rows, done->self_trade);
    copy_row_i64(rows, (int64_t)row->terms.list_id);
    copy_row_i64(rows, row->terms.stop_price.ticks);
    copy_row_i64(rows, row->terms.iceberg_qty.lots);
    copy_row_i64(rows, row->terms.prevented.lots);
    copy_row_i64(rows, row->terms.trailing_delta);
    copy_row_i64(rows, (int64_t)row->tagged.strategy_id);
    copy_row_i32(rows, (int32_t)row->tagged.strategy_type);
    copy_row_i32(rows, row->tagged.flags);
}

static void on_prevented(void *context, const struct prevented_row *row)
{
    const struct prevented_event *prevented = &row->prevented;
    struct copy_rows *rows = begin_row(context, ROW_PREVENTED, 13);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, (int32_t)row->ordinal);
    copy_row_i32(rows, prevented->market);
    copy_row_i64(rows, (int64_t)prevented->prevented_id);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i32(rows, (int32_t)prevented->taker_account);
    copy_row_i64(rows, prevented->price.ticks);
    copy_row_i64(rows, (int64_t)prevented->maker_order);
    copy_row_i64(rows, (int64_t)prevented->taker_order);
    copy_row_i64(rows, prevented->maker_qty.lots);
    copy_row_i64(rows, prevented->taker_qty.lots);
    copy_row_i32(rows, prevented->taker_side);
    copy_row_i32(rows, prevented->mode);
}

static void on_amended(void *context, const struct amended_row *row)
{
    const struct order_amended_event *amended = &row->amended;
    struct copy_rows *rows = begin_row(context, ROW_AMENDMENTS, 10);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, (int32_t)row->ordinal);
    copy_row_i32(rows, amended->market);
    copy_row_i64(rows, (int64_t)amended->order_id);
    copy_row_i32(rows, (int32_t)amended->account);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_text(rows, row->former_client_id);
    copy_row_text(rows, row->client_id);
    copy_row_i64(rows, amended->qty_before.lots);
    copy_row_i64(rows, amended->qty.lots);
}

static void on_list(void *context, const struct list_row *row)
{
    const struct list_accepted_event *accepted = &row->accepted;
    struct copy_rows *rows = begin_row(context, ROW_LISTS, 11);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, accepted->market);
    copy_row_i64(rows, (int64_t)accepted->list_id);
    copy_row_i32(rows, (int32_t)accepted->account);
    copy_row_text(rows, row->client_id);
    copy_row_i32(rows, accepted->kind);
    copy_row_i64(rows, (int64_t)accepted->a_order);
    copy_row_i64(rows, (int64_t)accepted->b_order);
    copy_row_i64(rows, (int64_t)accepted->c_order);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, 0);
}

static void on_list_end(void *context, const struct list_end_row *row)
{
    struct copy_rows *rows = begin_row(context, ROW_LIST_ENDS, 3);
    copy_row_i32(rows, row->market);
    copy_row_i64(rows, (int64_t)row->list_id);
    copy_row_i64(rows, (int64_t)row->time_ns);
}

/* A field padded with zero bytes, of the letters that chains have. */
static void row_chain(struct copy_rows *rows, const uint8_t chain[CHAIN_BYTES])
{
    char text[CHAIN_BYTES + 1] = {0};
    memcpy(text, chain, CHAIN_BYTES);
    copy_row_text(rows, text);
}

/* Begins a row of what became of something: by which event, and when. */
static struct copy_rows *begin_change(struct row_batch *batch, enum row_table table,
                                      uint16_t field_count, uint64_t command, uint32_t ordinal,
                                      uint64_t time_ns)
{
    struct copy_rows *rows = begin_row(batch, table, field_count);
    copy_row_i64(rows, (int64_t)command);
    copy_row_i32(rows, (int32_t)ordinal);
    copy_row_i64(rows, (int64_t)time_ns);
    return rows;
}

static void on_deposit(void *context, const struct deposit_row *row)
{
    const struct deposit_changed_event *deposit = &row->deposit;
    struct copy_rows *rows = begin_row(context, ROW_DEPOSITS, 14);
    copy_row_i64(rows, (int64_t)deposit->deposit);
    copy_row_i32(rows, (int32_t)deposit->account);
    copy_row_i32(rows, deposit->asset);
    row_chain(rows, deposit->chain);
    copy_row_bytes(rows, deposit->txid, TXID_BYTES);
    copy_row_i64(rows, deposit->output);
    copy_row_i64(rows, deposit->amount.units);
    copy_row_i64(rows, deposit->credited.units);
    copy_row_i64(rows, (int64_t)deposit->height);
    copy_row_i64(rows, deposit->confirmations);
    copy_row_i32(rows, deposit->state);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->command);

    rows = begin_change(context, ROW_DEPOSIT_CHANGES, 11, row->command, row->ordinal, row->time_ns);
    copy_row_i64(rows, (int64_t)deposit->deposit);
    copy_row_i32(rows, (int32_t)deposit->account);
    copy_row_i32(rows, deposit->asset);
    copy_row_i32(rows, deposit->state);
    copy_row_i64(rows, deposit->confirmations);
    copy_row_i64(rows, (int64_t)deposit->height);
    copy_row_i64(rows, deposit->credited.units);
    copy_row_i64(rows, deposit->moved.units);
}

static void on_withdrawal(void *context, const struct withdrawal_row *row)
{
    const struct withdrawal_moved_event *withdrawal = &row->withdrawal;
    struct copy_rows *rows = begin_row(context, ROW_WITHDRAWALS, 15);
    copy_row_i64(rows, (int64_t)withdrawal->withdrawal);
    copy_row_i32(rows, (int32_t)withdrawal->account);
    copy_row_i32(rows, withdrawal->asset);
    row_chain(rows, withdrawal->chain);
    copy_row_text(rows, row->address);
    copy_row_text(rows, row->client_id);
    copy_row_i64(rows, withdrawal->amount.units);
    copy_row_i32(rows, withdrawal->state);
    copy_row_i32(rows, withdrawal->approvers);
    copy_row_i64(rows, (int64_t)withdrawal->block);
    copy_row_bytes(rows, withdrawal->txid, TXID_BYTES);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i64(rows, withdrawal->fee.units);

    rows =
        begin_change(context, ROW_WITHDRAWAL_CHANGES, 9, row->command, row->ordinal, row->time_ns);
    copy_row_i64(rows, (int64_t)withdrawal->withdrawal);
    copy_row_i32(rows, (int32_t)withdrawal->account);
    copy_row_i32(rows, withdrawal->state);
    copy_row_i32(rows, withdrawal->approvers);
    copy_row_i64(rows, (int64_t)withdrawal->block);
    copy_row_bytes(rows, withdrawal->txid, TXID_BYTES);
}

static void on_address(void *context, const struct address_row *row)
{
    const struct address_changed_event *address = &row->address;
    struct copy_rows *rows = begin_row(context, ROW_ADDRESSES, 8);
    copy_row_i32(rows, address->kind);
    row_chain(rows, address->chain);
    copy_row_text(rows, row->text);
    copy_row_i32(rows, (int32_t)address->account);
    copy_row_i64(rows, (int64_t)address->active_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->command);

    rows = begin_change(context, ROW_ADDRESS_CHANGES, 8, row->command, row->ordinal, row->time_ns);
    copy_row_i32(rows, (int32_t)address->account);
    copy_row_i32(rows, address->kind);
    row_chain(rows, address->chain);
    copy_row_text(rows, row->text);
    copy_row_i64(rows, (int64_t)address->active_ns);
}

static void on_entry(void *context, const struct entry_row *row)
{
    struct copy_rows *rows = begin_sorted_row(context, ROW_ENTRIES, 8, (uint32_t)row->account, 0);
    copy_row_i64(rows, (int64_t)row->height);
    copy_row_i64(rows, (int64_t)row->command);
    copy_row_i32(rows, row->account);
    copy_row_i32(rows, row->asset);
    copy_row_i32(rows, row->kind);
    copy_row_i64(rows, row->available.units);
    copy_row_i64(rows, row->held.units);
    copy_row_i32(rows, (int32_t)row->event_count);
}

static void on_candle(void *context, const struct candle_row *row)
{
    struct copy_rows *rows = begin_row(context, ROW_CANDLES, 12);
    copy_row_i32(rows, row->market);
    copy_row_i32(rows, row->interval);
    copy_row_i64(rows, (int64_t)row->open_ns);
    copy_row_i64(rows, row->open.ticks);
    copy_row_i64(rows, row->high.ticks);
    copy_row_i64(rows, row->low.ticks);
    copy_row_i64(rows, row->close.ticks);
    copy_row_numeric(rows, row->volume);
    copy_row_numeric(rows, row->quote_volume);
    copy_row_i64(rows, (int64_t)row->fill_count);
    copy_row_numeric(rows, row->taker_volume);
    copy_row_numeric(rows, row->taker_quote_volume);
}

static void on_balance(void *context, const struct balance_row *row)
{
    struct copy_rows *rows = begin_row(context, ROW_BALANCES, 5);
    copy_row_i32(rows, (int32_t)row->account);
    copy_row_i32(rows, row->asset);
    copy_row_i64(rows, row->available.units);
    copy_row_i64(rows, row->held.units);
    copy_row_i64(rows, (int64_t)row->height);
}

struct store_sink row_batch_sink(struct row_batch *batch)
{
    return (struct store_sink){.context = batch,
                               .block = on_block,
                               .fill = on_fill,
                               .order = on_order,
                               .entry = on_entry,
                               .account = on_account,
                               .asset = on_asset,
                               .market = on_market,
                               .candle = on_candle,
                               .balance = on_balance,
                               .prevented = on_prevented,
                               .list = on_list,
                               .list_end = on_list_end,
                               .deposit = on_deposit,
                               .withdrawal = on_withdrawal,
                               .address = on_address,
                               .amended = on_amended};
}
