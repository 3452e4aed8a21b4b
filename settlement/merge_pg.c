#include "settlement/merge.h"

#include "settlement/database.h"
#include "settlement/row_batch.h"

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
    " i.changed_ns, i.command, i.fee"
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
    enum row_table table;
    const char *sql;
} merges[] = {
    {ROW_CANDLES, merge_candles_sql},         {ROW_BALANCES, merge_balances_sql},
    {ROW_LIST_ENDS, merge_list_ends_sql},     {ROW_DEPOSITS, merge_deposits_sql},
    {ROW_WITHDRAWALS, merge_withdrawals_sql}, {ROW_ADDRESSES, merge_addresses_sql},
};

enum status merge_begin(struct database *database)
{
    return database_run_text(database, staging_sql);
}

enum status merge_rows(const struct row_batch *batch, struct database *database)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]) && status == STATUS_OK; i++)
        if (batch->rows[merges[i].table].row_count > 0)
            status = database_run_text(database, merges[i].sql);
    return status;
}
