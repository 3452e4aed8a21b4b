/* An account's book out of a real database, by the very statements and readers of the gateway: every entry once,
 * however it is paged, sums that are the balances, and changes that are what was told. */

#include "gateway/account_book.h"
#include "gateway/query.h"
#include "gateway/recall_custody.h"

#include "tests/harness.h"
#include "tests/unit/settlement/retention_rig.h"

#define ENTRIES_MAX 100000

static PGconn *reader;
static PGresult *result;
static struct history_rows rows;
static struct params params;
static char answer[1 << 20];

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    (void)context;
    if (PQgetisnull(result, (int)row, (int)column)) return NULL;
    return PQgetvalue(result, (int)row, (int)column);
}

static void ask(const struct history_query *query)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PQclear(result);
    result = PQexecParams(reader, query_sql(query_statement(query)), parameters.count, NULL, values,
                          NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    rows = (struct history_rows){.row_count = (uint32_t)PQntuples(result), .cell = cell_of};
    assert_true(query_read_cursor(&rows));
    assert_false(rows.gone);
}

/* What the world has listed, as the gateway hears of it. */
static void learn_params(void)
{
    struct applied applied;
    struct event event;
    params = world->genesis.params;
    const uint8_t *at = world->blocks[0].body;
    while (applied_next(&at, world->blocks[0].body + world->blocks[0].body_bytes, &applied)) {
        const uint8_t *next = applied.events;
        while (event_next(&next, applied.events + applied.events_length, &event))
            if (params_follows(&params, &event)) params_apply(&params, &event);
    }
    assert_int_equal(params.asset_count, 2);
    assert_int_equal(params.route_count, 1);
}

static const char *book_of(const struct history_query *query)
{
    struct writer json;
    const struct printing printing = {&params, 1000000, NULL};
    ask(query);
    writer_start(&json, answer, sizeof(answer) - 1);
    assert_true(account_book_answer(query, &rows, &printing, &json));
    assert_false(json.overflow);
    answer[json.used] = '\0';
    return answer;
}

static void open_books(void)
{
    filled(0);
    rig_stop();
    reader = PQconnectdb(cluster_conninfo("kept"));
    learn_params();
}

static uint64_t block_time(uint64_t height)
{
    struct block_header header;
    assert_true(block_header_decode(world->blocks[height - 1].header, &header));
    return header.time_ns;
}

static struct history_query ledger_of(uint32_t account, uint32_t limit, bool newest)
{
    return (struct history_query){.kind = HISTORY_LEDGER,
                                  .newest = newest,
                                  .account = account,
                                  .limit = limit,
                                  .id_max = INT64_MAX,
                                  .end_ns = INT64_MAX,
                                  .place = HISTORY_NO_PLACE};
}

/* What a walk over all pages met. */
struct walk {
    int64_t count;
    __int128 available[2], held[2];
};

/* Goes on where a page ended, until there is none left; entries rise within a page, and from page to page. */
static struct walk walk_over(uint32_t account, uint32_t limit, bool newest)
{
    struct walk walk = {0};
    struct history_query query = ledger_of(account, limit, newest);
    for (;;) {
        struct ledger_entry entry, first = {0}, before = {0};
        ask(&query);
        if (rows.row_count == 0) return walk;
        assert_true(rows.row_count <= limit);
        for (uint32_t row = 0; row < rows.row_count; row++, before = entry) {
            assert_true(query_read_entry(&rows, row, &entry));
            assert_true(entry.height > before.height || query_place(entry.asset, entry.kind) >
                                                            query_place(before.asset, before.kind));
            assert_int_equal(entry.time_ns, block_time(entry.height));
            if (row == 0) first = entry;
            assert_true(++walk.count < ENTRIES_MAX); /* or it goes round and round */
            walk.available[entry.asset] += entry.available;
            walk.held[entry.asset] += entry.held;
        }
        if (newest) {
            query.id_max = first.height;
            query.place = query_place(first.asset, first.kind);
        } else {
            query.id_min = entry.height;
            query.place = query_place(entry.asset, entry.kind);
        }
    }
}

/* Whatever a page's length and whichever way it goes, every entry comes once, and all of them are the balance. */
TEST(history_books, pages_of_a_ledger_are_whole)
{
    static const uint32_t limits[] = {1, 7, 1000};
    open_books();
    for (uint32_t account = 1; account <= 4; account++)
        for (size_t i = 0; i < 3; i++)
            for (int newest = 0; newest < 2; newest++) {
                char sql[256];
                snprintf(sql, sizeof(sql),
                         "SELECT count(DISTINCT (height, asset, kind)) FROM quorex.ledger_entries"
                         " WHERE account = %u",
                         account);
                const struct walk walk = walk_over(account, limits[i], newest != 0);
                assert_int_equal(walk.count, number(sql));
                for (uint16_t asset = 0; asset < 2; asset++) {
                    assert_true(walk.available[asset] == world->available[account][asset]);
                    assert_true(walk.held[asset] == world->held[account][asset]);
                }
            }
    PQfinish(reader);
}

/* A time is the height of the first block at or after it, or of the last one at or before it. */
TEST(history_books, a_ledger_is_found_by_time)
{
    struct ledger_entry entry;
    open_books();
    struct history_query query = ledger_of(2, 1000, false);
    query.start_ns = block_time(20);
    query.end_ns = block_time(23) + 1;
    ask(&query);
    assert_true(rows.row_count > 4);
    assert_true(query_read_entry(&rows, 0, &entry));
    assert_int_equal(entry.height, 20);
    assert_true(query_read_entry(&rows, rows.row_count - 1, &entry));
    assert_int_equal(entry.height, 23);
    query.start_ns = block_time(20) + 1;
    query.end_ns = block_time(23) - 1;
    ask(&query);
    assert_true(query_read_entry(&rows, 0, &entry));
    assert_int_equal(entry.height, 21);
    assert_true(query_read_entry(&rows, rows.row_count - 1, &entry));
    assert_int_equal(entry.height, 22);
    query.start_ns = query.end_ns = INT64_MAX - 1;
    ask(&query);
    assert_int_equal(rows.row_count, 0);
    PQfinish(reader);
}

/* Changes are the owner's to see; a transfer reads back as it was told, whoever of the two asks. */
TEST(history_books, transfers_read_back_as_they_were_told)
{
    struct deposit_changed_event deposit;
    struct withdrawal_moved_event withdrawal;
    open_books();
    struct history_query query = {
        .kind = HISTORY_DEPOSIT_CHANGES, .account = 1, .subject = 1, .limit = 10};
    assert_non_null(strstr(book_of(&query), "\"status\":\"CONFIRMING\",\"confirmations\":2"));
    assert_non_null(strstr(answer, "\"status\":\"CREDITED\",\"confirmations\":3,\"height\":901,"
                                   "\"credited\":\"0.00007000\",\"moved\":\"0.00007000\""));
    query.account = 2;
    assert_non_null(strstr(book_of(&query), "\"changes\":[]"));
    query = (struct history_query){
        .kind = HISTORY_WITHDRAWAL_CHANGES, .account = 3, .subject = 1, .limit = 10};
    assert_non_null(
        strstr(book_of(&query), "\"status\":\"APPROVED\",\"approvals\":0,\"block\":1,"));
    query = (struct history_query){
        .kind = HISTORY_ADDRESS_CHANGES, .account = 3, .limit = 10, .id_max = INT64_MAX};
    assert_non_null(strstr(book_of(&query), "\"address\":\"w3\",\"allowed\":true"));

    static const uint32_t owners[] = {1, 0};
    struct transfer_times times;
    for (int i = 0; i < 2; i++) {
        query = (struct history_query){
            .kind = HISTORY_DEPOSITS, .account = owners[i], .limit = 10, .id_min = 1, .id_max = 5};
        ask(&query);
        assert_int_equal(rows.row_count, 1);
        assert_true(query_read_deposit(&rows, 0, &deposit));
        const struct deposit_changed_event told = custody_deposit_of(1, 7000, 3);
        assert_memory_equal(deposit.txid, told.txid, TXID_BYTES);
        assert_memory_equal(deposit.chain, told.chain, CHAIN_BYTES);
        assert_int_equal(deposit.height, told.height);
        assert_int_equal(deposit.credited.units, 7000);
        assert_true(query_read_times(&rows, 0, HISTORY_DEPOSITS, &times));
        assert_true(times.created_ns > 0 && times.changed_ns >= times.created_ns);
        query.kind = HISTORY_WITHDRAWALS;
        query.account = owners[i] == 0 ? 0 : 3;
        query.state = WITHDRAWAL_APPROVED;
        ask(&query);
        assert_int_equal(rows.row_count, 1);
        assert_true(query_read_withdrawal(&rows, 0, &withdrawal));
        assert_int_equal(withdrawal.amount.units, 4000);
        assert_true(query_read_times(&rows, 0, HISTORY_WITHDRAWALS, &times));
        assert_true(times.created_ns > 0 && times.changed_ns >= times.created_ns);
        assert_string_equal((const char *)withdrawal.address, "w3");
        query.state = WITHDRAWAL_FINAL;
        ask(&query);
        assert_int_equal(rows.row_count, 0);
        query.state = HISTORY_ANY_STATE;
        ask(&query);
        assert_int_equal(rows.row_count, 1);
    }
    PQfinish(reader);
}
