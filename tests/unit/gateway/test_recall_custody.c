#include "common/withdrawal_event.h"
#include "gateway/recall_custody.h"

#include "tests/unit/gateway/desk_fixture.h"

#define COLUMNS   14
#define CELL_TEXT 72
#define TOLD      20
#define KEPT      8

/* What PostgreSQL would answer: a table of texts. */
static char cells[TOLD + 2][COLUMNS][CELL_TEXT];

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    (void)context;
    assert_true(row < TOLD + 2 && column < COLUMNS);
    return cells[row][column];
}

static uint32_t owner_of(uint64_t number)
{
    return number % 3 == 0 ? 3 : 2;
}

static uint8_t state_of(uint64_t number)
{
    return number % 2 == 0 ? WITHDRAWAL_FINAL : WITHDRAWAL_DENIED;
}

static void tell(uint64_t number)
{
    const struct deposit_changed_event deposit = {.deposit = number,
                                                  .amount = {5},
                                                  .credited = {5},
                                                  .account = owner_of(number),
                                                  .state = DEPOSIT_CREDITED,
                                                  .chain = "ETH",
                                                  .txid = {1}};
    const struct withdrawal_moved_event withdrawal = {.withdrawal = number,
                                                      .amount = {5},
                                                      .account = owner_of(number),
                                                      .state = state_of(number),
                                                      .chain = "ETH",
                                                      .address = "a",
                                                      .client_id = "x"};
    event_write_deposit_changed(&desk_events, &deposit);
    withdrawal_event_write(&desk_events, PARAMS_RULES_RELEASE, &withdrawal);
    desk_apply();
}

/* Memory remembers eight of each; twenty of each were told. */
static void open_past(void)
{
    desk_open();
    fixture_genesis.params.orders_max = KEPT;
    desk_reopen();
    for (uint32_t account = 1; account <= 3; account++)
        desk_account(account);
    const struct route_changed_event route = {.confirmations = 3,
                                              .decimals = 18,
                                              .approvals = 2,
                                              .connector = 5,
                                              .status = ROUTE_OPEN,
                                              .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
    for (uint64_t number = 1; number <= TOLD; number++)
        tell(number);
    assert_int_equal(custody_view_kept(view_custody(desk_view)), KEPT);
}

static struct history_query question(enum history_kind kind, uint32_t account)
{
    return (struct history_query){.kind = kind,
                                  .newest = account != 0,
                                  .account = account,
                                  .connector = -1,
                                  .state = HISTORY_ANY_STATE,
                                  .limit = 100,
                                  .id_min = 1,
                                  .id_max = recall_custody_last(kind, desk_view)};
}

static bool fits(const struct history_query *query, uint64_t number)
{
    if (query->account != 0 && owner_of(number) != query->account) return false;
    if (query->kind == HISTORY_WITHDRAWALS && query->state != HISTORY_ANY_STATE &&
        state_of(number) != query->state)
        return false;
    return number >= query->id_min && number <= query->id_max;
}

/* The row as the statement's columns are; what memory has of it too is another amount there, to tell them apart. */
static void row_of(const struct history_query *query, uint32_t row, uint64_t number)
{
    char id[24], account[24], state[24];
    const bool is_deposit = query->kind == HISTORY_DEPOSITS;
    snprintf(id, sizeof(id), "%d", (int)number);
    snprintf(account, sizeof(account), "%u", owner_of(number));
    snprintf(state, sizeof(state), "%u", is_deposit ? DEPOSIT_CREDITED : state_of(number));
    const char *txid = "0100000000000000000000000000000000000000000000000000000000000000";
    const char *amount = number > TOLD - KEPT ? "777" : "5";
    const char *const deposit[] = {id,     account, "0", "ETH", txid, "0",
                                   amount, "5",     "9", "3",   state};
    const char *const withdrawal[] = {id,     account, "0", "ETH", "a",  "x",
                                      amount, state,   "0", "0",   txid, "0"};
    for (uint32_t column = 0; column < (is_deposit ? 11 : 12); column++)
        snprintf(cells[row][column + 2], CELL_TEXT, "%s",
                 is_deposit ? deposit[column] : withdrawal[column]);
}

/* What the statement would give at a cursor: of what fits, the first or the last `limit`, rising. */
static struct history_rows rows_at(const struct history_query *query, uint64_t cursor)
{
    uint64_t found[TOLD];
    uint32_t count = 0, skipped = 0;
    for (uint64_t number = 1; number <= TOLD; number++)
        if (fits(query, number)) found[count++] = number;
    if (query->newest && count > query->limit) skipped = count - query->limit;
    if (count - skipped > query->limit) count = query->limit;
    for (uint32_t i = skipped; i < count; i++)
        row_of(query, i - skipped, found[i]);
    return (struct history_rows){.cursor = cursor, .row_count = count - skipped, .cell = cell_of};
}

static bool recalled(const struct history_query *query, const struct history_rows *rows)
{
    struct writer json;
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS, desk_view};
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    const bool given = recall_custody_answer(query, rows, desk_view, &printing, &json);
    assert_false(json.overflow);
    desk_answer[json.used] = 0;
    return given;
}

/* Every number that fits, once, in the order that is asked for, at most `limit`; none with the row's other amount. */
static void assert_list(const struct history_query *query)
{
    uint32_t left = query->limit;
    const char *at = desk_answer;
    for (uint64_t i = 1; i <= TOLD && left > 0; i++) {
        const uint64_t number = query->newest ? TOLD + 1 - i : i;
        if (!fits(query, number)) continue;
        at = strstr(at, "\"id\":");
        assert_non_null(at);
        at += strlen("\"id\":");
        assert_int_equal(strtoull(at, NULL, 10), number);
        left--;
    }
    assert_null(strstr(at, "\"id\":"));
    assert_null(strstr(desk_answer, "0.00000777"));
}

static void assert_recalled(struct history_query query)
{
    static const uint32_t limits[] = {1, 3, 9, 100};
    for (size_t i = 0; i < 4; i++) {
        query.limit = limits[i];
        const bool whole = recall_custody_is_whole(&query, desk_view, desk_facts.params);
        const struct history_rows rows = rows_at(&query, desk_number);
        assert_true(recalled(&query, &rows));
        assert_list(&query);
        if (!whole) continue;
        assert_true(recalled(&query, NULL));
        assert_list(&query);
    }
}

/* Old and new are one list, whoever asks and wherever it begins: nothing twice, nothing left out. */
TEST(recall_custody, old_and_new_are_one_list)
{
    static const enum history_kind kinds[] = {HISTORY_DEPOSITS, HISTORY_WITHDRAWALS};
    open_past();
    for (size_t i = 0; i < 2; i++)
        for (uint32_t account = 0; account <= 3; account++)
            for (uint64_t from = 1; from <= TOLD + 1; from += 2) {
                struct history_query query = question(kinds[i], account);
                query.id_min = from;
                assert_recalled(query);
                query.id_max = from + 6 < TOLD ? from + 6 : TOLD;
                assert_recalled(query);
                if (kinds[i] == HISTORY_DEPOSITS) continue;
                query.state = WITHDRAWAL_DENIED;
                assert_recalled(query);
            }
}

/* PostgreSQL that has not seen what memory put out last cannot fill the gap: that is a refusal. */
TEST(recall_custody, a_gap_is_refused)
{
    open_past();
    const struct history_query query = question(HISTORY_DEPOSITS, 2);
    const uint64_t put_out = custody_view_put_out(view_custody(desk_view));
    assert_int_equal(put_out, desk_number);
    struct history_rows rows = rows_at(&query, put_out - 1);
    assert_false(recalled(&query, &rows));
    rows = rows_at(&query, put_out);
    assert_true(recalled(&query, &rows));
    assert_false(recalled(&query, NULL));
}

/* What a connector works with never waits for PostgreSQL: what is under way is in memory. */
TEST(recall_custody, what_is_under_way_needs_no_postgresql)
{
    open_past();
    struct history_query query = question(HISTORY_WITHDRAWALS, 0);
    assert_false(recall_custody_is_whole(&query, desk_view, desk_facts.params));
    static const uint8_t states[] = {0, WITHDRAWAL_HELD, WITHDRAWAL_APPROVED, WITHDRAWAL_BROADCAST};
    for (size_t i = 0; i < 4; i++) {
        query.state = states[i];
        assert_true(recall_custody_is_whole(&query, desk_view, desk_facts.params));
    }
    query.state = WITHDRAWAL_FINAL;
    assert_false(recall_custody_is_whole(&query, desk_view, desk_facts.params));
    query.connector = 5; /* sees what the log remembers, of its own routes */
    query.state = HISTORY_ANY_STATE;
    assert_true(recall_custody_is_whole(&query, desk_view, desk_facts.params));
    assert_true(recalled(&query, NULL));
    assert_non_null(strstr(desk_answer, "\"id\":13,"));
    assert_null(strstr(desk_answer, "\"id\":12,"));
    query.connector = 4;
    assert_true(recalled(&query, NULL));
    assert_string_equal(desk_answer, "[]");
}

/* A row that somebody changed into what cannot be is no answer, and stops nobody. */
TEST(recall_custody, rows_that_cannot_be_are_refused)
{
    static const struct {
        uint32_t column;
        const char *text;
    } wrong[] = {{4, "9"},  {5, "DOGE"}, {5, "ETHETHETHETHETH"},
                 {6, "zz"}, {8, "-1"},   {12, "0"},
                 {12, "5"}, {12, "300"}, {3, "x"}};
    open_past();
    const struct history_query query = question(HISTORY_DEPOSITS, 2);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct history_rows rows = rows_at(&query, desk_number);
        assert_true(recalled(&query, &rows));
        snprintf(cells[0][wrong[i].column], CELL_TEXT, "%s", wrong[i].text);
        assert_false(recalled(&query, &rows));
    }
}
