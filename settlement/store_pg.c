#include "settlement/store.h"

#include "common/arena.h"
#include "common/log.h"
#include "settlement/audit.h"
#include "settlement/copy_row.h"
#include "settlement/database.h"
#include "settlement/retention.h"
#include "settlement/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_BLOCKS_MAX 512
#define BATCH_BYTES_MAX  (16u << 20) /* of rows; a batch ends with the block that passes it */
#define SLEEP_MS         200
#define BACKOFF_MS_MIN   50
#define BACKOFF_MS_MAX   2000
#define BALANCES_AT_ONCE 10000
#define BEHIND_BLOCKS    100   /* ten seconds of trading: from there on the log tells of it */
#define TELL_MS          10000 /* and how often */
#define MIGRATION_LOCK   0x71756f726578 /* "quorex": one writer migrates at a time */

enum table {
    TABLE_ASSETS,
    TABLE_MARKETS,
    TABLE_ACCOUNTS,
    TABLE_BLOCKS,
    TABLE_FILLS,
    TABLE_ORDERS,
    TABLE_ENTRIES,
    TABLE_CANDLES,
    TABLE_BALANCES,
    TABLE_PREVENTED,
    TABLE_LISTS,
    TABLE_LIST_ENDS,
    TABLE_DEPOSITS,
    TABLE_WITHDRAWALS,
    TABLE_ADDRESSES,
    TABLE_DEPOSIT_CHANGES,
    TABLE_WITHDRAWAL_CHANGES,
    TABLE_ADDRESS_CHANGES,
    TABLE_COUNT
};

/* Where each table's rows are copied to; those of pg_temp are merged from there. */
static const char *const copy_targets[TABLE_COUNT] = {
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
    "quorex.order_lists",
    "pg_temp.list_ends_in",
    "pg_temp.deposits_in",
    "pg_temp.withdrawals_in",
    "pg_temp.addresses_in",
    "quorex.deposit_changes",
    "quorex.withdrawal_changes",
    "quorex.address_changes",
};

static const char *const partitioned[] = {
    "fills",       "orders",          "ledger_entries",     "prevented_matches",
    "order_lists", "deposit_changes", "withdrawal_changes", "address_changes"};

static const char staging_sql[] =
    "CREATE TEMP TABLE candles_in (LIKE quorex.candles) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE balances_in (LIKE quorex.balances) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE list_ends_in (market int NOT NULL, list_id bigint NOT NULL,"
    " closed_ns bigint NOT NULL) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE deposits_in (LIKE quorex.deposits) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE withdrawals_in (LIKE quorex.withdrawals) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE addresses_in (LIKE quorex.addresses) ON COMMIT DELETE ROWS";

static const char merge_candles_sql[] =
    "INSERT INTO quorex.candles AS c SELECT * FROM pg_temp.candles_in"
    " ON CONFLICT (market, \"interval\", open_ns) DO UPDATE SET"
    " high = greatest(c.high, excluded.high), low = least(c.low, excluded.low),"
    " close = excluded.close, volume = c.volume + excluded.volume,"
    " quote_volume = c.quote_volume + excluded.quote_volume,"
    " fill_count = c.fill_count + excluded.fill_count,"
    " taker_volume = c.taker_volume + excluded.taker_volume,"
    " taker_quote_volume = c.taker_quote_volume + excluded.taker_quote_volume";

static const char merge_balances_sql[] =
    "INSERT INTO quorex.balances SELECT * FROM pg_temp.balances_in"
    " ON CONFLICT (account, asset) DO UPDATE SET"
    " available = excluded.available, held = excluded.held, height = excluded.height";

/* After the lists themselves: one may begin and end in one batch. */
static const char merge_list_ends_sql[] =
    "UPDATE quorex.order_lists l SET closed_ns = e.closed_ns FROM pg_temp.list_ends_in e"
    " WHERE l.market = e.market AND l.list_id = e.list_id";

/* Of one that changed more than once in a batch the newest row counts; when it began stays. */
static const char merge_deposits_sql[] =
    "INSERT INTO quorex.deposits AS d SELECT i.deposit, i.account, i.asset, i.chain, i.txid, "
    "i.output,"
    " i.amount, i.credited, i.chain_height, i.confirmations, i.state,"
    " (SELECT min(f.created_ns) FROM pg_temp.deposits_in f WHERE f.deposit = i.deposit),"
    " i.changed_ns, i.command"
    " FROM pg_temp.deposits_in i JOIN (SELECT deposit, max(command) AS command"
    " FROM pg_temp.deposits_in GROUP BY deposit) last USING (deposit, command)"
    " ON CONFLICT (deposit) DO UPDATE SET credited = excluded.credited,"
    " chain_height = excluded.chain_height, confirmations = excluded.confirmations,"
    " state = excluded.state, changed_ns = excluded.changed_ns, command = excluded.command";

static const char merge_withdrawals_sql[] =
    "INSERT INTO quorex.withdrawals AS w SELECT i.withdrawal, i.account, i.asset, i.chain, "
    "i.address,"
    " i.client_id, i.amount, i.state, i.approvers, i.block, i.txid,"
    " (SELECT min(f.created_ns) FROM pg_temp.withdrawals_in f WHERE f.withdrawal = i.withdrawal),"
    " i.changed_ns, i.command"
    " FROM pg_temp.withdrawals_in i JOIN (SELECT withdrawal, max(command) AS command"
    " FROM pg_temp.withdrawals_in GROUP BY withdrawal) last USING (withdrawal, command)"
    " ON CONFLICT (withdrawal) DO UPDATE SET state = excluded.state,"
    " approvers = excluded.approvers, block = excluded.block, txid = excluded.txid,"
    " changed_ns = excluded.changed_ns, command = excluded.command";

static const char merge_addresses_sql[] =
    "INSERT INTO quorex.addresses AS a SELECT i.kind, i.chain, i.address, i.account, i.active_ns,"
    " (SELECT min(f.created_ns) FROM pg_temp.addresses_in f WHERE f.kind = i.kind"
    " AND f.chain = i.chain AND f.address = i.address AND f.account = i.account),"
    " i.changed_ns, i.command"
    " FROM pg_temp.addresses_in i JOIN (SELECT kind, chain, address, account,"
    " max(command) AS command FROM pg_temp.addresses_in GROUP BY kind, chain, address, account) "
    "last"
    " USING (kind, chain, address, account, command)"
    " ON CONFLICT (kind, chain, address, account) DO UPDATE SET"
    " active_ns = excluded.active_ns, changed_ns = excluded.changed_ns,"
    " command = excluded.command";

/* What was copied aside is merged in this order, when there is any. */
static const struct {
    enum table table;
    const char *sql;
} merges[] = {
    {TABLE_CANDLES, merge_candles_sql},         {TABLE_BALANCES, merge_balances_sql},
    {TABLE_LIST_ENDS, merge_list_ends_sql},     {TABLE_DEPOSITS, merge_deposits_sql},
    {TABLE_WITHDRAWALS, merge_withdrawals_sql}, {TABLE_ADDRESSES, merge_addresses_sql},
};

/* Up to where the database has the chain. */
struct cursor {
    uint64_t height;
    uint64_t command;
    uint64_t balances_height;
    hash_t hash; /* of the block at `height` */
};

/* Since PostgreSQL was found to be behind the chain. */
struct catching_up {
    bool is_behind;
    uint64_t began_ms, told_ms;
    uint64_t from_height;
    uint64_t fills; /* written since */
};

struct writer {
    const struct store_options *options;
    struct database *database;
    struct arena arena;
    struct store *store;
    hash_t chain_id;
    uint64_t partition_commands;

    bool has_complained;      /* about what only an operator can mend; once until it goes on */
    bool has_told_gap;        /* likewise, of blocks that will not come */
    struct cursor cursor;     /* as committed */
    uint64_t balances_known;  /* the store has all changes up to this height, at least */
    uint64_t partitions_to;   /* partitions exist for all commands below */
    uint64_t balances_due_ms; /* when balances are refreshed next */
    struct copy_rows rows[TABLE_COUNT];
    struct audit audit;
    struct retention retention;
    struct catching_up catching;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_stopping(const struct writer *writer)
{
    return atomic_load_explicit(&writer->options->progress->stopping, memory_order_relaxed) != 0;
}

/* Whether a complaint is news: the same one comes back with every attempt. */
static bool is_news(struct writer *writer)
{
    const bool news = !writer->has_complained;
    writer->has_complained = true;
    return news;
}

/* Begins a row, with room for it. Memory for rows is taken as it is needed and kept. */
static struct copy_rows *begin_row(struct writer *writer, enum table table, uint16_t field_count)
{
    struct copy_rows *rows = &writer->rows[table];
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

static void on_asset(void *context, uint16_t index, const struct asset *asset)
{
    struct copy_rows *rows = begin_row(context, TABLE_ASSETS, 3);
    copy_row_i32(rows, index);
    copy_row_text(rows, asset->symbol);
    copy_row_i32(rows, asset->decimals);
}

static void on_market(void *context, uint16_t index, const struct market *market)
{
    struct copy_rows *rows = begin_row(context, TABLE_MARKETS, 12);
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
    struct copy_rows *rows = begin_row(context, TABLE_ACCOUNTS, 4);
    copy_row_i32(rows, (int32_t)row->created.account);
    copy_row_bytes(rows, row->created.public_key, PUBLIC_KEY_BYTES);
    copy_row_i32(rows, row->created.tier);
    copy_row_i64(rows, (int64_t)row->time_ns);
}

static void on_block(void *context, const struct block_row *row)
{
    struct copy_rows *rows = begin_row(context, TABLE_BLOCKS, 7);
    copy_row_i64(rows, (int64_t)row->header.height);
    copy_row_i64(rows, (int64_t)row->header.time_ns);
    copy_row_bytes(rows, row->hash.bytes, HASH_BYTES);
    copy_row_bytes(rows, row->header_bytes, BLOCK_HEADER_BYTES);
    copy_row_i64(rows, (int64_t)row->header.first_command);
    copy_row_i64(rows, (int64_t)row->header.last_command);
    copy_row_i32(rows, (int32_t)row->header.fill_count);
}

static void on_fill(void *context, const struct fill_row *row)
{
    const struct fill_event *fill = &row->fill;
    struct copy_rows *rows = begin_row(context, TABLE_FILLS, 16);
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
}

static void on_order(void *context, const struct order_row *row)
{
    const struct order_done_event *done = &row->done;
    struct copy_rows *rows = begin_row(context, TABLE_ORDERS, 23);
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
}

static void on_prevented(void *context, const struct prevented_row *row)
{
    const struct prevented_event *prevented = &row->prevented;
    struct copy_rows *rows = begin_row(context, TABLE_PREVENTED, 13);
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

static void on_list(void *context, const struct list_row *row)
{
    const struct list_accepted_event *accepted = &row->accepted;
    struct copy_rows *rows = begin_row(context, TABLE_LISTS, 11);
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
    struct copy_rows *rows = begin_row(context, TABLE_LIST_ENDS, 3);
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
static struct copy_rows *begin_change(struct writer *writer, enum table table, uint16_t field_count,
                                      uint64_t command, uint32_t ordinal, uint64_t time_ns)
{
    struct copy_rows *rows = begin_row(writer, table, field_count);
    copy_row_i64(rows, (int64_t)command);
    copy_row_i32(rows, (int32_t)ordinal);
    copy_row_i64(rows, (int64_t)time_ns);
    return rows;
}

static void on_deposit(void *context, const struct deposit_row *row)
{
    const struct deposit_changed_event *deposit = &row->deposit;
    struct copy_rows *rows = begin_row(context, TABLE_DEPOSITS, 14);
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

    rows =
        begin_change(context, TABLE_DEPOSIT_CHANGES, 11, row->command, row->ordinal, row->time_ns);
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
    const struct withdrawal_changed_event *withdrawal = &row->withdrawal;
    struct copy_rows *rows = begin_row(context, TABLE_WITHDRAWALS, 14);
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

    rows = begin_change(context, TABLE_WITHDRAWAL_CHANGES, 9, row->command, row->ordinal,
                        row->time_ns);
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
    struct copy_rows *rows = begin_row(context, TABLE_ADDRESSES, 8);
    copy_row_i32(rows, address->kind);
    row_chain(rows, address->chain);
    copy_row_text(rows, row->text);
    copy_row_i32(rows, (int32_t)address->account);
    copy_row_i64(rows, (int64_t)address->active_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->time_ns);
    copy_row_i64(rows, (int64_t)row->command);

    rows =
        begin_change(context, TABLE_ADDRESS_CHANGES, 8, row->command, row->ordinal, row->time_ns);
    copy_row_i32(rows, (int32_t)address->account);
    copy_row_i32(rows, address->kind);
    row_chain(rows, address->chain);
    copy_row_text(rows, row->text);
    copy_row_i64(rows, (int64_t)address->active_ns);
}

static void on_entry(void *context, const struct entry_row *row)
{
    struct copy_rows *rows = begin_row(context, TABLE_ENTRIES, 8);
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
    struct copy_rows *rows = begin_row(context, TABLE_CANDLES, 12);
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
    struct copy_rows *rows = begin_row(context, TABLE_BALANCES, 5);
    copy_row_i32(rows, (int32_t)row->account);
    copy_row_i32(rows, row->asset);
    copy_row_i64(rows, row->available.units);
    copy_row_i64(rows, row->held.units);
    copy_row_i64(rows, (int64_t)row->height);
}

static struct store_sink sink_of(struct writer *writer)
{
    return (struct store_sink){.context = writer,
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
                               .address = on_address};
}

/* Brings the schema to the newest number, in one transaction. */
static enum status migrate(struct writer *writer)
{
    struct database *database = writer->database;
    enum status status = database_run(
        database,
        "BEGIN; SELECT pg_advisory_xact_lock(%" PRIu64 ");"
        "CREATE SCHEMA IF NOT EXISTS quorex;"
        "CREATE TABLE IF NOT EXISTS quorex.migrations"
        " (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL);"
        "SELECT coalesce(sum(1::bigint << number), 0)::bigint FROM quorex.migrations",
        (uint64_t)MIGRATION_LOCK);
    if (status != STATUS_OK) return status;

    const uint64_t have = (uint64_t)database_number(database, 0, 0);
    for (uint32_t i = 0; i < schema_migration_count && status == STATUS_OK; i++) {
        const struct schema_migration *migration = &schema_migrations[i];
        ASSERT(migration->number < 63);
        if ((have >> migration->number & 1) != 0) continue;
        status = database_run_text(database, migration->sql);
        if (status != STATUS_OK) break;
        status = database_run(database, "INSERT INTO quorex.migrations VALUES (%u, '%s', now())",
                              migration->number, migration->name);
        if (status == STATUS_OK)
            log_info("settlement", "database migrated", "to=\"%s\"", migration->name);
    }
    return status == STATUS_OK ? database_run(database, "COMMIT") : status;
}

/* Makes an empty database this chain's; leaves one of another chain alone. */
static enum status claim(struct writer *writer)
{
    char ours[2 * HASH_BYTES + 1];
    hash_hex(writer->chain_id.bytes, HASH_BYTES, ours);
    enum status status =
        database_run(writer->database,
                     "INSERT INTO quorex.chain VALUES (1, '\\x%s') ON CONFLICT (id) DO NOTHING;"
                     "SELECT encode(chain_id, 'hex') FROM quorex.chain",
                     ours);
    if (status != STATUS_OK) return status;
    const char *theirs = database_text(writer->database, 0, 0);
    if (strcmp(ours, theirs) == 0) return STATUS_OK;
    if (is_news(writer))
        log_error("settlement", "the database belongs to another chain; nothing is written to it",
                  "chain=%s database=%s", ours, theirs);
    return STATUS_MISMATCH;
}

static enum status load_assets(struct writer *writer)
{
    struct database *database = writer->database;
    const enum status status =
        database_run(database, "SELECT asset, symbol, decimals FROM quorex.assets ORDER BY asset");
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++) {
        struct asset asset = {.decimals = (uint8_t)database_number(database, row, 2)};
        snprintf(asset.symbol, sizeof(asset.symbol), "%s", database_text(database, row, 1));
        if (!store_list_asset(writer->store, (uint16_t)database_number(database, row, 0), &asset))
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

static enum status load_markets(struct writer *writer)
{
    struct database *database = writer->database;
    const enum status status =
        database_run(database, "SELECT market, symbol, base, quote, tick_units, lot_units,"
                               " price_min, price_max, qty_min, qty_max, notional_min,"
                               " account_orders_max FROM quorex.markets ORDER BY market");
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++) {
        struct market_create_command listing = {
            .base = (uint16_t)database_number(database, row, 2),
            .quote = (uint16_t)database_number(database, row, 3),
            .tick_units = database_number(database, row, 4),
            .lot_units = database_number(database, row, 5),
            .price_min = {database_number(database, row, 6)},
            .price_max = {database_number(database, row, 7)},
            .qty_min = {database_number(database, row, 8)},
            .qty_max = {database_number(database, row, 9)},
            .notional_min = {database_number(database, row, 10)},
            .account_orders_max = (uint32_t)database_number(database, row, 11),
        };
        const char *symbol = database_text(database, row, 1);
        memcpy(listing.symbol, symbol, strnlen(symbol, sizeof(listing.symbol)));
        if (!store_list_market(writer->store, (uint16_t)database_number(database, row, 0),
                               &listing))
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

/* Shows how far the database is; also when it fell back because it was dropped. */
static void publish(const struct writer *writer)
{
    struct progress *progress = writer->options->progress;
    /* release: the rows are committed before anyone trims what they replace.
     * Pairs with the gateway's acquire. */
    atomic_store_explicit(&progress->projected_command, writer->cursor.command,
                          memory_order_release);
    atomic_store_explicit(&progress->projected_height, writer->cursor.height, memory_order_release);
    metric_set(&writer->options->metrics->projected_height, writer->cursor.height);
}

static enum status load_cursor(struct writer *writer)
{
    struct database *database = writer->database;
    const enum status status =
        database_run(database, "SELECT c.height, c.command, c.balances_height,"
                               " encode(b.hash, 'hex') FROM quorex.cursor c"
                               " LEFT JOIN quorex.blocks b ON b.height = c.height");
    if (status != STATUS_OK) return status;
    if (database_rows(database) != 1) {
        if (is_news(writer))
            log_error("settlement", "the database has no cursor", "rows=%d",
                      database_rows(database));
        return STATUS_MALFORMED;
    }
    writer->cursor = (struct cursor){.height = (uint64_t)database_number(database, 0, 0),
                                     .command = (uint64_t)database_number(database, 0, 1),
                                     .balances_height = (uint64_t)database_number(database, 0, 2)};
    const char *hash = database_text(database, 0, 3);
    if (writer->cursor.height > 0 &&
        !hash_from_hex(hash, strlen(hash), writer->cursor.hash.bytes, HASH_BYTES)) {
        if (is_news(writer))
            log_error("settlement", "the database has no block at its cursor", "height=%" PRIu64,
                      writer->cursor.height);
        return STATUS_MALFORMED;
    }
    writer->balances_known = writer->cursor.balances_height;
    writer->partitions_to = 0;
    return STATUS_OK;
}

/* The whole of the balance table, which is true at balances_height, a part at a time. After the cursor:
 * whoever changes the table from here on moves the cursor too, and then nothing of ours is committed. */
static enum status load_balances(struct writer *writer)
{
    struct database *database = writer->database;
    int64_t account = 0, asset = -1;
    for (;;) {
        const enum status status = database_run(
            database,
            "SELECT account, asset, available, held, height FROM quorex.balances"
            " WHERE (account, asset) > (%" PRId64 ", %" PRId64 ") ORDER BY account, asset LIMIT %d",
            account, asset, BALANCES_AT_ONCE);
        if (status != STATUS_OK) return status;
        const int row_count = database_rows(database);
        for (int row = 0; row < row_count; row++) {
            account = database_number(database, row, 0);
            asset = database_number(database, row, 1);
            const struct balance_row balance = {
                .account = (uint32_t)account,
                .asset = (uint16_t)asset,
                .available = {database_number(database, row, 2)},
                .held = {database_number(database, row, 3)},
                .height = (uint64_t)database_number(database, row, 4),
            };
            if (store_load_balance(writer->store, &balance)) continue;
            if (is_news(writer))
                log_error("settlement", "the database has a balance that cannot be",
                          "account=%" PRId64 " asset=%" PRId64, account, asset);
            return STATUS_MALFORMED;
        }
        if (row_count < BALANCES_AT_ONCE) return STATUS_OK;
    }
}

/* From nothing to a store that stands where the database's cursor stands. */
static enum status resume(struct writer *writer)
{
    enum status status = database_connect(writer->database);
    if (status == STATUS_OK) status = migrate(writer);
    if (status == STATUS_OK) status = claim(writer);
    if (status == STATUS_OK) status = database_run_text(writer->database, staging_sql);
    store_reset(writer->store);
    audit_begin(&writer->audit);
    if (status == STATUS_OK) status = load_assets(writer);
    if (status == STATUS_OK) status = load_markets(writer);
    if (status == STATUS_MALFORMED && is_news(writer))
        log_error("settlement", "the database lists what this chain does not", "%s", "");
    if (status == STATUS_OK) status = load_cursor(writer);
    if (status == STATUS_OK) status = load_balances(writer);
    if (status == STATUS_OK) status = retention_load(&writer->retention, writer->database);
    if (status != STATUS_OK) return status;
    writer->audit.dropped_command = writer->retention.dropped_command;

    publish(writer);
    writer->balances_due_ms = now_ms();
    metric_set(&writer->options->metrics->database_up, 1);
    log_info("settlement", "database ready", "height=%" PRIu64 " command=%" PRIu64,
             writer->cursor.height, writer->cursor.command);
    return STATUS_OK;
}

/* Reads again the balances between the table's height and the cursor: they were not in it yet.
 * NOT_FOUND: the chain is not that far, because it is being built anew. */
static enum status catch_balances_up(struct writer *writer)
{
    const struct block_source *source = &writer->options->source;
    while (writer->balances_known < writer->cursor.height) {
        struct block_bytes block;
        enum status status = source->read(source->context, writer->balances_known + 1, &block);
        if (status == STATUS_OK) status = store_block_balances(writer->store, &block);
        if (status != STATUS_OK) return status;
        writer->balances_known++;
    }
    return STATUS_OK;
}

/* Makes the partitions that commands up to `last` need and one ahead, so that no batch waits for one.
 * Attaching an empty table does not wait for readers. */
static enum status make_partitions(struct writer *writer, uint64_t first, uint64_t last)
{
    const uint64_t span = writer->partition_commands;
    uint64_t from = writer->partitions_to > 0 ? writer->partitions_to : first / span * span;
    for (; from <= last + span; from += span) {
        for (size_t i = 0; i < sizeof(partitioned) / sizeof(partitioned[0]); i++) {
            const char *table = partitioned[i];
            const uint64_t number = from / span;
            enum status status = database_run(
                writer->database, "SELECT to_regclass('quorex.%s_p%" PRIu64 "')", table, number);
            if (status != STATUS_OK) return status;
            if (!database_is_null(writer->database, 0, 0)) continue;
            status = database_run(writer->database,
                                  "BEGIN; CREATE TABLE quorex.%s_p%" PRIu64
                                  " (LIKE quorex.%s INCLUDING ALL);"
                                  "ALTER TABLE quorex.%s ATTACH PARTITION quorex.%s_p%" PRIu64
                                  " FOR VALUES FROM (%" PRIu64 ") TO (%" PRIu64 "); COMMIT",
                                  table, number, table, table, table, number, from, from + span);
            if (status != STATUS_OK) return status;
        }
        writer->partitions_to = from + span;
    }
    return STATUS_OK;
}

/* Whether the block goes on where `at` ends. */
static bool block_follows(const struct writer *writer, const struct cursor *at,
                          const struct block_header *header)
{
    return header->height == at->height + 1 && header->first_command == at->command + 1 &&
           hash_equal(header->prev_hash, at->hash) &&
           hash_equal(header->chain_id, writer->chain_id);
}

/* Turns the next block into rows and moves `at` past it. */
static enum status take_block(struct writer *writer, struct cursor *at)
{
    const struct block_source *source = &writer->options->source;
    const struct store_sink sink = sink_of(writer);
    struct block_bytes block;
    struct block_header header;
    enum status status = source->read(source->context, at->height + 1, &block);
    if (status != STATUS_OK) return status;

    if (!block_header_decode(block.header, &header) || !block_follows(writer, at, &header)) {
        if (is_news(writer))
            log_error("settlement", "the chain does not go on where the database ends",
                      "height=%" PRIu64 " command=%" PRIu64, at->height, at->command);
        return STATUS_MISMATCH;
    }
    status = store_block(writer->store, &block, &sink);
    if (status != STATUS_OK) {
        /* Most likely they do, and a balance that was read from the database is not the chain's. */
        if (is_news(writer))
            audit_alarm(&writer->audit, "events of a block on top of the database's balances",
                        header.height);
        return status;
    }
    audit_block(&writer->audit, writer->store, header.height);
    at->height = header.height;
    at->command = header.last_command;
    at->hash = block_header_hash(block.header);
    return STATUS_OK;
}

static size_t row_bytes(const struct writer *writer)
{
    size_t sum = 0;
    for (int table = 0; table < TABLE_COUNT; table++)
        sum += writer->rows[table].used;
    return sum;
}

/* As many blocks as are there, up to the bounds of a batch. NOT_FOUND: none. */
static enum status take_blocks(struct writer *writer, struct cursor *at)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        copy_row_start(&writer->rows[table]);
    for (int count = 0; count < BATCH_BLOCKS_MAX && row_bytes(writer) < BATCH_BYTES_MAX; count++) {
        const enum status status = take_block(writer, at);
        if (status == STATUS_NOT_FOUND && count > 0) break;
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status copy_tables(struct writer *writer)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        struct copy_rows *rows = &writer->rows[table];
        if (rows->row_count == 0) continue;
        char sql[128];
        snprintf(sql, sizeof(sql), "COPY %s FROM STDIN BINARY", copy_targets[table]);
        copy_row_finish(rows);
        const enum status status = database_copy(writer->database, sql, rows->bytes, rows->used);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* Rows and cursor in one transaction. The cursor comes first: whoever else holds it, an orphaned
 * backend of an earlier connection for one, has to end before we see it, moved or not. */
static enum status commit(struct writer *writer, const struct cursor *to)
{
    struct database *database = writer->database;
    const struct cursor *from = &writer->cursor;
    enum status status =
        database_run(database,
                     "BEGIN; UPDATE quorex.cursor SET height = %" PRIu64 ", command = %" PRIu64
                     ", balances_height = %" PRIu64 " WHERE id = 1 AND height = %" PRIu64
                     " AND command = %" PRIu64 " AND balances_height = %" PRIu64,
                     to->height, to->command, to->balances_height, from->height, from->command,
                     from->balances_height);
    if (status != STATUS_OK) return status;
    if (database_affected(database) != 1) {
        log_warn("settlement", "another writer moved the cursor", "height=%" PRIu64, from->height);
        return STATUS_DB_CONFLICT;
    }
    status = copy_tables(writer);
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]) && status == STATUS_OK; i++)
        if (writer->rows[merges[i].table].row_count > 0)
            status = database_run_text(database, merges[i].sql);
    return status == STATUS_OK ? database_run(database, "COMMIT") : status;
}

/* What is to be done beside writing, when it is time to: old partitions go, and what is there is compared. NOT_FOUND:
 * nothing. */
static enum status look_after(struct writer *writer, uint64_t now)
{
    const bool has_balances =
        store_dirty_accounts(writer->store) == 0 && writer->balances_known == writer->cursor.height;
    bool did;
    enum status status = retention_step(&writer->retention, writer->database, now);
    if (status != STATUS_OK) return status;
    writer->audit.dropped_command = writer->retention.dropped_command;
    status = audit_step(&writer->audit, writer->store, writer->database, writer->cursor.height,
                        has_balances, now, &did);
    return status == STATUS_OK && !did ? STATUS_NOT_FOUND : status;
}

/* How many blocks PostgreSQL lacks; also while it is away. */
static uint64_t measure_behind(struct writer *writer)
{
    const uint64_t sealed =
        atomic_load_explicit(&writer->options->progress->sealed_height, memory_order_relaxed);
    const uint64_t at = writer->cursor.height;
    const uint64_t behind = sealed > at ? sealed - at : 0;
    metric_set(&writer->options->metrics->projection_behind, behind);
    return behind;
}

/* How far behind the chain PostgreSQL is: in the metrics always, in the log while it catches up, every TELL_MS. */
static void tell_progress(struct writer *writer, uint64_t now, uint64_t fill_count)
{
    struct catching_up *catching = &writer->catching;
    const uint64_t at = writer->cursor.height, behind = measure_behind(writer);
    catching->fills += fill_count;
    if (!catching->is_behind) {
        if (behind < BEHIND_BLOCKS) return;
        *catching = (struct catching_up){
            .is_behind = true, .began_ms = now, .told_ms = now, .from_height = at};
        log_info("settlement", "PostgreSQL is behind the chain and catches up",
                 "height=%" PRIu64 " behind=%" PRIu64, at, behind);
        return;
    }
    const bool is_over = behind == 0;
    if (!is_over && now - catching->told_ms < TELL_MS) return;
    catching->told_ms = now;
    const uint64_t took = now - catching->began_ms;
    log_info("settlement",
             is_over ? "PostgreSQL has caught up with the chain" : "PostgreSQL catches up",
             "height=%" PRIu64 " behind=%" PRIu64 " blocks=%" PRIu64 " fills=%" PRIu64
             " seconds=%" PRIu64 " fills_per_s=%" PRIu64,
             at, behind, at - catching->from_height, catching->fills, took / 1000,
             catching->fills * 1000 / (took + 1));
    catching->is_behind = !is_over;
}

/* Rows went in: whatever disk was full has room again. */
static void tell_room(struct writer *writer)
{
    struct metrics *metrics = writer->options->metrics;
    if (metric_get(&metrics->database_full) == 0) return;
    metric_set(&metrics->database_full, 0);
    log_info("settlement", "PostgreSQL has room again", "height=%" PRIu64, writer->cursor.height);
}

/* One batch. NOT_FOUND: nothing to do. Any other failure ends the session, and with it everything
 * that is not committed, here and there. */
static enum status step(struct writer *writer)
{
    const struct store_sink sink = sink_of(writer);
    struct cursor to = writer->cursor;
    enum status status = catch_balances_up(writer);
    if (status == STATUS_OK) status = take_blocks(writer, &to);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    const bool idle = status == STATUS_NOT_FOUND;
    if (idle && writer->balances_known < writer->cursor.height) return STATUS_NOT_FOUND;

    const uint64_t now = now_ms();
    const bool due = now >= writer->balances_due_ms || audit_hurries(&writer->audit);
    const bool refresh = due && store_dirty_accounts(writer->store) > 0;
    if (idle && !refresh) return look_after(writer, now);
    if (refresh) {
        store_balances(writer->store, &sink);
        to.balances_height = to.height;
    }
    store_flush(writer->store, &sink);
    const uint64_t fill_count = writer->rows[TABLE_FILLS].row_count;
    status = make_partitions(writer, writer->cursor.command + 1, to.command);
    if (status == STATUS_OK) status = commit(writer, &to);
    if (status != STATUS_OK) return status;

    writer->cursor = to;
    writer->balances_known = to.height;
    if (refresh) writer->balances_due_ms = now + writer->options->balances_ms;
    metric_add(&writer->options->metrics->projected_fills_total, fill_count);
    publish(writer);
    tell_progress(writer, now, fill_count);
    tell_room(writer);
    database_forget_failure(writer->database);
    writer->has_complained = false;
    status = look_after(writer, now);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A node that joined by a checkpoint waits for blocks that it will never have: somebody should know. */
static void tell_gap(struct writer *writer)
{
    const struct block_source *source = &writer->options->source;
    if (source->first == NULL || writer->has_told_gap) return;
    const uint64_t known = writer->balances_known, at = writer->cursor.height;
    const uint64_t next = (known < at ? known : at) + 1;
    const uint64_t first = source->first(source->context);
    if (first <= next) return;
    writer->has_told_gap = true;
    log_error("settlement",
              "the database lacks blocks that are not here, and stays as it is: give it a copy of "
              "another node's",
              "missing_first=%" PRIu64 " missing_last=%" PRIu64 " history_begins=%" PRIu64, next,
              first - 1, first);
}

/* Fills the database until something fails or the node stops. */
static enum status session(struct writer *writer)
{
    enum status status = resume(writer);
    while (!is_stopping(writer) && (status == STATUS_OK || status == STATUS_NOT_FOUND)) {
        status = step(writer);
        if (status != STATUS_NOT_FOUND) continue;
        tell_gap(writer);
        park_sleep(writer->options->park, SLEEP_MS);
    }
    return status;
}

/* Sleeps, whatever the chain does meanwhile. */
static void back_off(struct writer *writer, uint64_t milliseconds)
{
    const uint64_t until = now_ms() + milliseconds;
    while (!is_stopping(writer)) {
        const uint64_t now = now_ms();
        (void)measure_behind(writer);
        if (now >= until) return;
        park_sleep(writer->options->park, (int)(until - now < SLEEP_MS ? until - now : SLEEP_MS));
    }
}

static bool writer_open(struct writer *writer, const struct store_options *options)
{
    writer->chain_id = genesis_chain_id(options->genesis);
    writer->partition_commands = options->partition_commands;
    writer->retention = (struct retention){.kept_ns = options->kept_ns,
                                           .span = options->partition_commands,
                                           .progress = options->progress};
    writer->audit = (struct audit){
        .metrics = options->metrics, .progress = options->progress, .compared = options->compared};
    writer->database = database_new(options->conninfo, &options->progress->stopping);
    if (writer->database == NULL) return false;
    if (!arena_map(&writer->arena, store_bytes(options->genesis))) return false;
    writer->store = store_new(&writer->arena, options->genesis);
    if (writer->store == NULL) return false;
    for (int table = 0; table < TABLE_COUNT; table++) {
        writer->rows[table].capacity = 8 * COPY_ROW_MAX;
        writer->rows[table].bytes = malloc(writer->rows[table].capacity);
        if (writer->rows[table].bytes == NULL) return false;
    }
    return true;
}

static void writer_close(struct writer *writer)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        free(writer->rows[table].bytes);
    arena_unmap(&writer->arena);
    database_free(writer->database);
}

static void run(struct writer *writer)
{
    struct metrics *metrics = writer->options->metrics;
    uint64_t wait_ms = BACKOFF_MS_MIN;
    while (!is_stopping(writer)) {
        const uint64_t before = writer->cursor.height;
        const enum status status = session(writer);
        database_disconnect(writer->database);
        metric_set(&metrics->database_up, 0);
        if (is_stopping(writer)) return;

        metric_add(&metrics->database_failures_total, 1);
        if (database_is_full(writer->database)) metric_set(&metrics->database_full, 1);
        if (writer->cursor.height != before || status == STATUS_DB_CONFLICT)
            wait_ms = BACKOFF_MS_MIN; /* it worked until now */
        back_off(writer, wait_ms);
        wait_ms = wait_ms * 2 < BACKOFF_MS_MAX ? wait_ms * 2 : BACKOFF_MS_MAX;
    }
}

void store_run(const struct store_options *options)
{
    struct store_options settled = *options;
    if (settled.partition_commands == 0) settled.partition_commands = STORE_PARTITION_COMMANDS;
    if (settled.balances_ms == 0) settled.balances_ms = STORE_BALANCES_MS;

    struct writer writer = {.options = &settled};
    if (writer_open(&writer, &settled))
        run(&writer);
    else
        log_error("settlement", "no memory for the projection; PostgreSQL is not filled", "%s", "");
    writer_close(&writer);
}
