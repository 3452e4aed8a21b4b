#include "settlement/audit.h"

#include "common/balance_slice.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/progress.h"
#include "common/ring.h"
#include "settlement/database.h"
#include "settlement/store.h"

#include <inttypes.h>
#include <stdio.h>

#define TOLD_MAX 16 /* differences of one pass in the log; all are counted */

struct difference {
    const char *what;
    uint32_t account;
    uint16_t asset;
    int64_t chain;
    int64_t database;
};

static void raise_alarm(struct audit *audit)
{
    audit->found++;
    metric_set(&audit->metrics->database_wrong, 1);
    /* release: the log has it. Pairs with the gateway's acquire. */
    atomic_store_explicit(&audit->progress->projection_wrong, 1, memory_order_release);
}

static void tell(struct audit *audit, uint64_t height, const struct difference *found)
{
    raise_alarm(audit);
    if (audit->found > TOLD_MAX) return;
    log_error("settlement", "PostgreSQL differs from the chain",
              "what=\"%s\" account=%u asset=%u height=%" PRIu64 " chain=%" PRId64
              " database=%" PRId64,
              found->what, found->account, found->asset, height, found->chain, found->database);
}

void audit_alarm(struct audit *audit, const char *what, uint64_t height)
{
    raise_alarm(audit);
    log_error("settlement", "PostgreSQL differs from the chain", "what=\"%s\" height=%" PRIu64,
              what, height);
}

void audit_begin(struct audit *audit)
{
    audit->under_way = false;
    audit->slices_to = 0;
    audit->dropped_command = 0;
}

/* ---- With settlement ---- */

static void tell_slice(struct audit *audit, uint64_t height, const struct difference *found)
{
    audit->slices_found++;
    audit->slices_wrong = true;
    tell(audit, height, found);
}

static void compare_pair(struct audit *audit, const struct store *store,
                         const struct balance_slice *slice, uint32_t place, uint16_t asset)
{
    const uint32_t account = slice->first + place;
    const struct balance_pair chain = balance_slice_pair(slice, place, asset);
    const struct balance_pair ours = store_balance(store, account, asset);
    if (ours.available.units != chain.available.units)
        tell_slice(audit, slice->height,
                   &(struct difference){"available balance", account, asset, chain.available.units,
                                        ours.available.units});
    if (ours.held.units != chain.held.units)
        tell_slice(audit, slice->height,
                   &(struct difference){"held balance", account, asset, chain.held.units,
                                        ours.held.units});
}

static void compare_slice(struct audit *audit, const struct store *store,
                          const struct balance_slice *slice)
{
    if (slice->first == 1) audit->slices_found = 0;
    for (uint32_t place = 0; place < slice->count; place++)
        for (uint16_t asset = 0; asset < slice->asset_count; asset++)
            compare_pair(audit, store, slice, place, asset);
    metric_add(&audit->metrics->audited_balances_total,
               (uint64_t)slice->count * slice->asset_count);
    /* Slices that could not be handed on leave a gap: then it takes the next pass. */
    if (slice->first == 1 || slice->first == audit->slices_to + 1)
        audit->slices_to = slice->first + slice->count - 1;
    if (!balance_slice_ends(slice) || audit->slices_to != slice->total) return;
    audit->slices_wanted = slice->wanted;
    audit->slices_wrong = audit->slices_found > 0;
}

void audit_block(struct audit *audit, const struct store *store, uint64_t height)
{
    const uint8_t *bytes;
    size_t byte_count;
    if (audit->compared == NULL) return;
    while ((bytes = ring_peek(audit->compared, &byte_count)) != NULL) {
        struct balance_slice slice;
        const bool whole = balance_slice_get(bytes, byte_count, &slice);
        ASSERT(whole);
        if (slice.height > height) break;
        if (slice.height == height) compare_slice(audit, store, &slice);
        ring_pop(audit->compared);
    }
    ring_release(audit->compared);
}

/* ---- With the balance table ---- */

/* Balances between the last row and this one that are not zero have no row. */
static void find_missing(struct audit *audit, const struct store *store, uint64_t height,
                         int64_t to_account, int64_t to_asset)
{
    const int64_t assets = store_params(store)->asset_count;
    int64_t account = audit->account, asset = audit->asset + 1;
    for (; account < to_account || (account == to_account && asset < to_asset); asset++) {
        if (asset >= assets) {
            account++;
            asset = -1;
            continue;
        }
        if (account == 0) continue;
        const struct balance_pair due = store_balance(store, (uint32_t)account, (uint16_t)asset);
        if (due.available.units == 0 && due.held.units == 0) continue;
        tell(audit, height,
             &(struct difference){"balance without a row", (uint32_t)account, (uint16_t)asset,
                                  due.available.units + due.held.units, 0});
    }
}

static void compare_row(struct audit *audit, const struct store *store,
                        const struct database *database, uint64_t height, int row)
{
    const int64_t account = database_number(database, row, 0);
    const int64_t asset = database_number(database, row, 1);
    const int64_t available = database_number(database, row, 2);
    const int64_t held = database_number(database, row, 3);
    struct balance_pair due = {0};
    find_missing(audit, store, height, account, asset);
    audit->account = account;
    audit->asset = asset;
    audit->balances++;
    if (account >= 1 && account <= store_accounts(store) && asset >= 0 &&
        asset < store_params(store)->asset_count)
        due = store_balance(store, (uint32_t)account, (uint16_t)asset);
    if (due.available.units != available)
        tell(audit, height,
             &(struct difference){"available balance of a row", (uint32_t)account, (uint16_t)asset,
                                  due.available.units, available});
    if (due.held.units != held)
        tell(audit, height,
             &(struct difference){"held balance of a row", (uint32_t)account, (uint16_t)asset,
                                  due.held.units, held});
}

static enum status compare_rows(struct audit *audit, const struct store *store,
                                struct database *database, uint64_t height)
{
    const enum status status = database_run(
        database,
        "SELECT account, asset, available, held FROM quorex.balances"
        " WHERE (account, asset) > (%" PRId64 ", %" PRId64 ") ORDER BY account, asset LIMIT %d",
        audit->account, audit->asset, AUDIT_ROWS);
    if (status != STATUS_OK) return status;
    const int row_count = database_rows(database);
    for (int row = 0; row < row_count; row++)
        compare_row(audit, store, database, height, row);
    metric_add(&audit->metrics->audited_balances_total, (uint64_t)row_count);
    if (row_count == AUDIT_ROWS) return STATUS_OK;
    find_missing(audit, store, height, (int64_t)store_accounts(store) + 1, -1);
    audit->rows_done = true;
    return STATUS_OK;
}

/* ---- Trade ids ---- */

static void tell_trades(struct audit *audit, uint64_t height, const char *what, int64_t chain,
                        int64_t database)
{
    raise_alarm(audit);
    if (audit->found > TOLD_MAX) return;
    log_error("settlement", "PostgreSQL differs from the chain",
              "what=\"%s\" market=%u height=%" PRIu64 " chain=%" PRId64 " database=%" PRId64, what,
              audit->market, height, chain, database);
}

/* The lowest and highest trade id that the market's rows have. */
static enum status read_ends(struct audit *audit, struct database *database, uint64_t *first,
                             uint64_t *last)
{
    const enum status status = database_run(
        database,
        "SELECT coalesce(min(trade_id), 0), coalesce(max(trade_id), 0) FROM quorex.fills"
        " WHERE market = %u",
        audit->market);
    if (status != STATUS_OK) return status;
    *first = (uint64_t)database_number(database, 0, 0);
    *last = (uint64_t)database_number(database, 0, 1);
    return STATUS_OK;
}

static enum status count_trades(struct audit *audit, struct database *database, uint64_t height,
                                uint64_t to)
{
    const enum status status = database_run(
        database,
        AUDIT_PLAN_SQL "SELECT count(*), count(DISTINCT trade_id) FROM quorex.fills"
                       " WHERE market = %u AND trade_id BETWEEN %" PRIu64 " AND %" PRIu64,
        audit->market, audit->trade + 1, to);
    if (status != STATUS_OK) return status;
    const int64_t due = (int64_t)(to - audit->trade);
    const int64_t rows = database_number(database, 0, 0), ids = database_number(database, 0, 1);
    if (ids != due) tell_trades(audit, height, "gap in trade ids", due, ids);
    if (rows != ids) tell_trades(audit, height, "trade that is there twice", ids, rows);
    audit->trade = to;
    return STATUS_OK;
}

/* A run of the market's trade ids: none missing, none twice, and the last one is the chain's. */
static enum status compare_trades(struct audit *audit, const struct store *store,
                                  struct database *database, uint64_t height)
{
    uint64_t first, last;
    enum status status = read_ends(audit, database, &first, &last);
    if (status != STATUS_OK) return status;
    const uint64_t known = store_trades(store, (uint16_t)audit->market);
    if (known != 0 && known != last)
        tell_trades(audit, height, "last trade id", (int64_t)known, (int64_t)last);
    if (audit->trade == 0 && first > 1 && audit->dropped_command == 0) {
        tell_trades(audit, height, "first trade id", 1, (int64_t)first);
        audit->trade = first - 1;
    }
    /* What retention has dropped since is no gap. */
    if (audit->dropped_command > 0 && first > audit->trade + 1) audit->trade = first - 1;
    if (audit->trade < last) {
        const uint64_t most = audit->trade + AUDIT_TRADES;
        status = count_trades(audit, database, height, most < last ? most : last);
    }
    if (status != STATUS_OK || audit->trade < last) return status;
    audit->market++;
    audit->trade = 0;
    return STATUS_OK;
}

/* ---- Deposits and withdrawals ---- */

/* Of the rows from $1 to $2: how many there are, how many are not as the last of their changes says, and how many have
 * another amount in the account than came by all of them, or a fee that is not of their amount. Changes that were dropped, or are older than their table,
 * say nothing. */
#define SINCE \
    " (SELECT greatest(dropped_command, changes_command) AS command," \
    " greatest(dropped_ns, changes_ns) AS time_ns FROM quorex.cursor) since"

static const struct {
    const char *name;
    const char *ends, *compare;
    uint64_t (*last)(const struct store *store);
} transfers[] = {
    {"deposits", "SELECT coalesce(max(deposit), 0) FROM quorex.deposits",
     "SELECT count(*), count(*) FILTER (WHERE d.command > since.command AND NOT EXISTS (SELECT FROM"
     " quorex.deposit_changes c WHERE c.deposit = d.deposit AND c.command = d.command AND"
     " (c.account, c.asset, c.state, c.confirmations, c.chain_height, c.credited, c.time_ns) ="
     " (d.account, d.asset, d.state, d.confirmations, d.chain_height, d.credited, d.changed_ns))"
     " OR EXISTS (SELECT FROM quorex.deposit_changes c WHERE c.deposit = d.deposit"
     " AND c.command > d.command)),"
     " count(*) FILTER (WHERE d.created_ns > since.time_ns AND d.credited <> (SELECT"
     " coalesce(sum(c.moved), 0) FROM quorex.deposit_changes c WHERE c.deposit = d.deposit)"
     " OR d.credited > d.amount)"
     " FROM quorex.deposits d," SINCE " WHERE d.deposit BETWEEN %" PRIu64 " AND %" PRIu64,
     store_deposits},
    {"withdrawals", "SELECT coalesce(max(withdrawal), 0) FROM quorex.withdrawals",
     "SELECT count(*), count(*) FILTER (WHERE w.command > since.command AND NOT EXISTS (SELECT FROM"
     " quorex.withdrawal_changes c WHERE c.withdrawal = w.withdrawal AND c.command = w.command AND"
     " (c.account, c.state, c.approvers, c.block, c.txid, c.time_ns) ="
     " (w.account, w.state, w.approvers, w.block, w.txid, w.changed_ns))"
     " OR EXISTS (SELECT FROM quorex.withdrawal_changes c WHERE c.withdrawal = w.withdrawal"
     " AND c.command > w.command)),"
     " count(*) FILTER (WHERE w.fee < 0 OR w.fee >= w.amount)"
     " FROM quorex.withdrawals w," SINCE " WHERE w.withdrawal BETWEEN %" PRIu64 " AND %" PRIu64,
     store_withdrawals},
};

#define TRANSFER_TABLES (sizeof(transfers) / sizeof(transfers[0]))

static void tell_transfers(struct audit *audit, uint64_t height, const char *what, int64_t chain,
                           int64_t database)
{
    raise_alarm(audit);
    if (audit->found > TOLD_MAX) return;
    log_error("settlement", "PostgreSQL differs from the chain",
              "what=\"%s\" table=%s to=%" PRIu64 " height=%" PRIu64 " chain=%" PRId64
              " database=%" PRId64,
              what, transfers[audit->transfers].name, audit->transfer, height, chain, database);
}

/* A run of numbers: none missing, and each row is what its changes lead to. */
static enum status compare_run(struct audit *audit, struct database *database, uint64_t height,
                               uint64_t to)
{
    char sql[1536];
    const int length =
        snprintf(sql, sizeof(sql), transfers[audit->transfers].compare, audit->transfer + 1, to);
    ASSERT(length > 0 && (size_t)length < sizeof(sql));
    const enum status status = database_run_text(database, sql);
    if (status != STATUS_OK) return status;
    const int64_t due = (int64_t)(to - audit->transfer), rows = database_number(database, 0, 0);
    const int64_t stale = database_number(database, 0, 1), wrong = database_number(database, 0, 2);
    audit->transfer = to;
    if (rows != due) tell_transfers(audit, height, "gap in numbers", due, rows);
    if (stale != 0) tell_transfers(audit, height, "rows that are not the last change", 0, stale);
    if (wrong != 0) tell_transfers(audit, height, "credited is not what came", 0, wrong);
    return STATUS_OK;
}

static enum status compare_transfers(struct audit *audit, const struct store *store,
                                     struct database *database, uint64_t height)
{
    enum status status = database_run_text(database, transfers[audit->transfers].ends);
    if (status != STATUS_OK) return status;
    const uint64_t last = (uint64_t)database_number(database, 0, 0);
    const uint64_t known = transfers[audit->transfers].last(store);
    if (known != 0 && known != last)
        tell_transfers(audit, height, "last number", (int64_t)known, (int64_t)last);
    if (audit->transfer < last) {
        const uint64_t most = audit->transfer + AUDIT_TRANSFERS;
        status = compare_run(audit, database, height, most < last ? most : last);
    }
    if (status != STATUS_OK || audit->transfer < last) return status;
    audit->transfers++;
    audit->transfer = 0;
    return STATUS_OK;
}

/* ---- Postings ---- */

/* Of a run of commands: the blocks and assets whose postings do not sum to zero. All entries of a block have its last
 * command, so no run cuts a block. */
static enum status compare_entries(struct audit *audit, struct database *database)
{
    enum status status = database_run_text(database, "SELECT command FROM quorex.cursor");
    if (status != STATUS_OK) return status;
    const uint64_t last = (uint64_t)database_number(database, 0, 0);
    const uint64_t most = audit->entries_command + AUDIT_COMMANDS;
    const uint64_t to = most < last ? most : last;
    status = database_run(database, AUDIT_PLAN_SQL AUDIT_ENTRIES_SQL, audit->entries_command, to,
                          TOLD_MAX);
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++)
        tell(audit, (uint64_t)database_number(database, row, 0),
             &(struct difference){"sum of a block's postings", 0,
                                  (uint16_t)database_number(database, row, 1), 0,
                                  database_number(database, row, 2)});
    audit->entries_command = to;
    audit->entries_done = to == last;
    return STATUS_OK;
}

/* What goes by numbers: trades of every market, then transfers, then postings. */
static bool has_numbers(const struct audit *audit, const struct store *store)
{
    return audit->market < store_params(store)->market_count ||
           audit->transfers < TRANSFER_TABLES || !audit->entries_done;
}

static enum status compare_numbers(struct audit *audit, const struct store *store,
                                   struct database *database, uint64_t height)
{
    if (audit->market < store_params(store)->market_count)
        return compare_trades(audit, store, database, height);
    if (audit->transfers < TRANSFER_TABLES)
        return compare_transfers(audit, store, database, height);
    return compare_entries(audit, database);
}

/* ---- A pass ---- */

static void start_pass(struct audit *audit, uint64_t height, uint64_t wanted)
{
    audit->under_way = true;
    audit->rows_done = false;
    audit->wanted = wanted;
    audit->from_height = height;
    audit->balances = 0;
    audit->account = 0;
    audit->asset = -1;
    audit->market = 0;
    audit->trade = 0;
    audit->transfers = 0;
    audit->transfer = 0;
    audit->entries_command = 0;
    audit->entries_done = false;
    audit->found = 0;
}

static void end_pass(struct audit *audit, const struct store *store, uint64_t height)
{
    struct progress_pass *last = &audit->progress->projection;
    const uint64_t count = atomic_load_explicit(&last->count, memory_order_relaxed);
    const uint64_t wanted = audit->compared == NULL || audit->wanted < audit->slices_wanted
                                ? audit->wanted
                                : audit->slices_wanted;
    audit->under_way = false;
    atomic_store_explicit(&last->wanted, wanted, memory_order_relaxed);
    atomic_store_explicit(&last->from_height, audit->from_height, memory_order_relaxed);
    atomic_store_explicit(&last->to_height, height, memory_order_relaxed);
    atomic_store_explicit(&last->balances, audit->balances, memory_order_relaxed);
    atomic_store_explicit(&last->accounts, store_accounts(store), memory_order_relaxed);
    if (audit->found == 0 && !audit->slices_wrong) {
        metric_set(&audit->metrics->database_wrong, 0);
        atomic_store_explicit(&audit->progress->projection_wrong, 0, memory_order_release);
        metric_add(&audit->metrics->audited_passes_total, 1);
    } else {
        log_error("settlement", "PostgreSQL is not the chain's: docs/operations.md says what to do",
                  "differences=%u from_height=%" PRIu64 " to_height=%" PRIu64, audit->found,
                  audit->from_height, height);
    }
    /* release: the figures above are of this pass. Pairs with who reads them. */
    atomic_store_explicit(&last->count, count + 1, memory_order_release);
}

static uint64_t wanted_of(const struct audit *audit)
{
    return atomic_load_explicit(&audit->progress->reconcile_wanted, memory_order_relaxed);
}

bool audit_hurries(const struct audit *audit)
{
    return wanted_of(audit) >
           atomic_load_explicit(&audit->progress->projection.wanted, memory_order_relaxed);
}

/* What operators asked for since the present pass began is for a new one. */
static bool begins_anew(const struct audit *audit)
{
    return !audit->under_way || (audit_hurries(audit) && audit->wanted < wanted_of(audit));
}

bool audit_is_due(const struct audit *audit, const struct store *store, bool has_balances,
                  uint64_t now_ms)
{
    if (now_ms < audit->due_ms && !audit_hurries(audit)) return false;
    return begins_anew(audit) || has_numbers(audit, store) || has_balances;
}

enum status audit_step(struct audit *audit, const struct store *store, struct database *database,
                       uint64_t height, bool has_balances, uint64_t now_ms, bool *did)
{
    *did = false;
    if (height == 0 || !audit_is_due(audit, store, has_balances, now_ms)) return STATUS_OK;
    if (begins_anew(audit)) start_pass(audit, height, wanted_of(audit));
    if (!has_numbers(audit, store) && !has_balances) return STATUS_OK; /* only balances are left */
    *did = true;
    audit->due_ms = now_ms + AUDIT_MS;
    enum status status = STATUS_OK;
    if (!audit->rows_done && has_balances) status = compare_rows(audit, store, database, height);
    if (status == STATUS_OK && has_numbers(audit, store))
        status = compare_numbers(audit, store, database, height);
    if (status == STATUS_OK && audit->rows_done && !has_numbers(audit, store))
        end_pass(audit, store, height);
    return status;
}
