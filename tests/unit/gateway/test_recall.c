#include "gateway/recall.h"

#include "tests/unit/gateway/desk_fixture.h"

#define ORDERS    60
#define ROWS_MAX  1100
#define COLUMNS   27
#define CELL_TEXT 48

/* PostgreSQL as a table of texts: what a statement would return at some cursor. */
static char cells[ROWS_MAX][COLUMNS][CELL_TEXT];
static bool nothing_matched;
static struct recall *recall;
static char answer[1 << 20], expected[1 << 20];

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    (void)context;
    return nothing_matched && column >= 2 ? NULL : cells[row][column];
}

static void set(uint32_t row, uint32_t column, uint64_t value)
{
    snprintf(cells[row][column], CELL_TEXT, "%llu", (unsigned long long)value);
}

static void open_recall(void)
{
    static uint8_t memory[8 << 20] __attribute__((aligned(64)));
    struct arena arena;
    desk_open();
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    recall = recall_new(&arena);
    assert_non_null(recall);
}

static bool in_range(const struct history_query *query, uint64_t id, uint64_t time_ns)
{
    return id >= query->id_min && id <= query->id_max && time_ns >= query->start_ns &&
           time_ns <= query->end_ns;
}

/* ---- a history: ann's orders, each ended or filled by bob some commands later ---- */

struct past_order {
    uint64_t ended; /* command; 0: open */
    uint64_t created_ns;
};
static struct past_order past[ORDERS + 1];
static struct view_fill fills[ORDERS * 2];
static uint32_t fill_count;

static void end_order(uint64_t id, bool filled)
{
    if (filled) {
        const uint64_t taker = 1000 + id;
        desk_accept(0, taker, 2, BUY, 5000000, 2, "bob");
        for (int half = 0; half < 2; half++) {
            fills[fill_count] = (struct view_fill){.command = desk_number + 1,
                                                   .trade_id = fill_count + 1,
                                                   .aggregate_id = id,
                                                   .time_ns = desk_stamp + DESK_MS_NS,
                                                   .maker_order = id,
                                                   .taker_order = taker};
            fill_count++;
            desk_fill(0, fill_count, id, id, 1, taker, 2, BUY, 5000000, 1);
        }
        desk_done(0, id, 1, SELL, 5000000, 2, 2, 100000000, ORDER_FILLED, "ann");
        desk_done(0, taker, 2, BUY, 5000000, 2, 2, 100000000, ORDER_FILLED, "bob");
    } else {
        desk_done(0, id, 1, SELL, 5000000, 2, 0, 0, ORDER_CANCELED, "ann");
    }
    past[id].ended = desk_number + 1;
    desk_apply();
}

static void make_past(void)
{
    uint64_t seed = 0x5eed;
    open_recall();
    fill_count = 0;
    memset(past, 0, sizeof(past));
    desk_account(1);
    desk_account(2);
    desk_apply();
    for (uint64_t id = 1; id <= ORDERS; id++) {
        desk_accept(0, id, 1, SELL, 5000000, 2, "ann");
        past[id].created_ns = desk_stamp + DESK_MS_NS;
        desk_apply();
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint64_t victim = 1 + (seed >> 33) % id;
        if (past[victim].ended == 0) end_order(victim, seed >> 40 & 1);
    }
}

static void row_of_order(uint32_t row, uint64_t id)
{
    bool filled = false;
    for (uint32_t index = 0; index < fill_count; index++)
        filled |= fills[index].maker_order == id;
    const uint64_t values[] = {id,
                               past[id].ended,
                               0,
                               SELL,
                               LIMIT,
                               GTC,
                               filled ? ORDER_FILLED : ORDER_CANCELED,
                               1,
                               5000000,
                               2,
                               filled ? 2u : 0u,
                               0,
                               filled ? 100000000u : 0u,
                               past[id].created_ns,
                               FIXTURE_START_NS + past[id].ended * DESK_MS_NS,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0};
    for (uint32_t column = 0; column < 25; column++)
        set(row, column + 2, values[column]);
    memcpy(cells[row][4], "ann", 4);
}

static void row_of_fill(uint32_t row, const struct view_fill *fill)
{
    const uint64_t values[] = {fill->trade_id,
                               fill->command,
                               fill->aggregate_id,
                               fill->time_ns,
                               5000000,
                               1,
                               fill->maker_order,
                               fill->taker_order,
                               1,
                               2,
                               50000,
                               1,
                               BUY,
                               0,
                               0};
    for (uint32_t column = 0; column < 15; column++)
        set(row, column + 2, values[column]);
}

static void row_of_aggregate(uint32_t row, uint32_t first)
{
    const uint64_t values[] = {fills[first].aggregate_id,
                               fills[first].trade_id,
                               fills[first].trade_id + 1,
                               fills[first].time_ns,
                               5000000,
                               2,
                               BUY};
    for (uint32_t column = 0; column < 7; column++)
        set(row, column + 2, values[column]);
}

/* The ids that match among those PostgreSQL has at `cursor` (or, at UINT64_MAX, among all), rising. */
static uint32_t matching(const struct history_query *query, uint64_t cursor, uint64_t *ids)
{
    uint32_t count = 0;
    const bool all = cursor == UINT64_MAX;
    if (query->kind == HISTORY_ORDERS) {
        for (uint64_t id = 1; id <= ORDERS; id++) {
            const bool stored = past[id].ended != 0 && past[id].ended <= cursor;
            if ((all || stored) && in_range(query, id, past[id].created_ns)) ids[count++] = id;
        }
        return count;
    }
    /* A maker's orders fill in any order: aggregates rise by trade, not by their test's id. */
    for (uint32_t index = 0; index < fill_count; index++) {
        const bool first = index % 2 == 0;
        const uint64_t id =
            query->kind == HISTORY_AGGREGATES ? fills[index].aggregate_id : fills[index].trade_id;
        if (query->kind == HISTORY_AGGREGATES && !first) continue;
        if (fills[index].command <= cursor && in_range(query, id, fills[index].time_ns))
            ids[count++] = id;
    }
    return count;
}

static void cut(const struct history_query *query, uint64_t *ids, uint32_t *count)
{
    if (*count <= query->limit) return;
    if (query->newest) memmove(ids, ids + *count - query->limit, query->limit * sizeof(*ids));
    *count = query->limit;
}

/* Fills `cells` as the statement would. */
static struct history_rows rows_at(const struct history_query *query, uint64_t cursor)
{
    uint64_t ids[ROWS_MAX];
    uint32_t count = matching(query, cursor, ids);
    cut(query, ids, &count);
    nothing_matched = count == 0;
    for (uint32_t row = 0; row < count || row == 0; row++) {
        set(row, 0, cursor);
        set(row, 1, FIXTURE_START_NS + cursor * DESK_MS_NS);
        if (nothing_matched) break;
        if (query->kind == HISTORY_ORDERS) row_of_order(row, ids[row]);
        if (query->kind == HISTORY_FILLS || query->kind == HISTORY_TRADES)
            row_of_fill(row, &fills[ids[row] - 1]);
    }
    struct history_rows rows = {.row_count = count == 0 ? 1 : count, .cell = cell_of};
    assert_true(query_read_cursor(&rows));
    return rows;
}

static bool recalled(const struct history_query *query, const struct history_rows *rows, char *text)
{
    struct writer json;
    struct refusal refusal;
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS, desk_view};
    writer_start(&json, text, sizeof(answer) - 1);
    const bool given =
        recall_answer(recall, query, rows, desk_view, fixture_views, &printing, &json, &refusal);
    assert_false(json.overflow);
    text[json.used] = 0;
    return given;
}

static void assert_ids(const struct history_query *query, const char *key, const char *text)
{
    uint64_t ids[ROWS_MAX];
    uint32_t count = matching(query, UINT64_MAX, ids);
    cut(query, ids, &count);
    for (uint32_t index = 0; index < count; index++) {
        text = strstr(text, key);
        assert_non_null(text);
        text += strlen(key);
        assert_int_equal(strtoull(text, NULL, 10), ids[index]);
    }
    assert_null(strstr(text, key));
}

/* H1 and H2: whatever PostgreSQL has of it, and however it is cut, the same list comes out. */
static void assert_same_at_every_cursor(struct history_query query, const char *key)
{
    static const uint32_t limits[] = {1, 7, 1000};
    for (int newest = 0; newest < 2; newest++) {
        for (size_t limit = 0; limit < 3; limit++) {
            query.newest = newest;
            query.limit = limits[limit];
            assert_true(recalled(&query, NULL, expected));
            assert_ids(&query, key, expected);
            for (uint64_t cursor = 0; cursor <= desk_number; cursor += 3) {
                const struct history_rows rows = rows_at(&query, cursor);
                assert_true(recalled(&query, &rows, answer));
                assert_string_equal(answer, expected);
            }
        }
    }
}

static struct history_query all_of(enum history_kind kind)
{
    return (struct history_query){
        .kind = kind, .account = 1, .limit = 1000, .id_max = INT64_MAX, .end_ns = INT64_MAX};
}

TEST(recall, orders_are_the_same_wherever_the_cursor_stands)
{
    make_past();
    assert_same_at_every_cursor(all_of(HISTORY_ORDERS), "\"orderId\":");
    struct history_query query = all_of(HISTORY_ORDERS);
    query.id_min = 20;
    assert_same_at_every_cursor(query, "\"orderId\":");
    query.start_ns = past[30].created_ns;
    query.end_ns = past[50].created_ns;
    assert_same_at_every_cursor(query, "\"orderId\":");
}

TEST(recall, fills_are_the_same_wherever_the_cursor_stands)
{
    make_past();
    assert_true(fill_count > 10);
    assert_same_at_every_cursor(all_of(HISTORY_FILLS), "\"id\":");
    assert_same_at_every_cursor(all_of(HISTORY_TRADES), "\"id\":");
    struct history_query query = all_of(HISTORY_TRADES);
    query.id_min = 5;
    query.end_ns = fills[fill_count - 4].time_ns;
    assert_same_at_every_cursor(query, "\"id\":");
}

/* An order's trades are its owner's alone: who met it does not learn its number by asking for it, nor sees what he himself
 * traded under another one. */
TEST(recall, fills_of_an_order_are_told_to_its_owner_alone)
{
    make_past();
    for (uint32_t account = 1; account <= 2; account++) {
        struct history_query query = all_of(HISTORY_FILLS);
        query.account = account;
        query.order_id = fills[0].maker_order; /* ann's: account 1 */
        assert_true(recalled(&query, NULL, answer));
        assert_int_equal(strcmp(answer, "[]") == 0, account == 2);
        query.order_id = fills[0].taker_order; /* bob's */
        assert_true(recalled(&query, NULL, answer));
        assert_int_equal(strcmp(answer, "[]") == 0, account == 1);
    }
}

/* Fills of one taker order at one price are one aggregate, from memory as from PostgreSQL. */
TEST(recall, aggregates_of_memory_are_merged)
{
    open_recall();
    desk_account(1);
    desk_account(2);
    desk_apply();
    fill_count = 0;
    for (uint64_t id = 1; id <= 5; id++) {
        desk_accept(0, id, 1, SELL, 5000000, 2, "ann");
        desk_apply();
        end_order(id, true);
    }
    struct history_query query = all_of(HISTORY_AGGREGATES);
    query.newest = true;
    query.limit = 2;
    assert_true(recalled(&query, NULL, answer));
    assert_non_null(strstr(answer, "{\"a\":4,\"p\":\"50000.00000000\",\"q\":\"0.00002000\""));
    assert_null(strstr(answer, "\"a\":3,"));
    query.newest = false;
    query.id_min = 2;
    assert_true(recalled(&query, NULL, answer));
    assert_non_null(strstr(answer, "[{\"a\":2,"));
    assert_non_null(strstr(answer, "{\"a\":3,"));
    assert_null(strstr(answer, "\"a\":4,"));

    /* The first two from PostgreSQL: the list stays the same. */
    query.limit = 1000;
    query.id_min = 0;
    assert_true(recalled(&query, NULL, expected));
    set(0, 0, 5);
    set(0, 1, 0);
    set(1, 0, 5);
    nothing_matched = false;
    row_of_aggregate(0, 0);
    row_of_aggregate(1, 2);
    struct history_rows rows = {.row_count = 2, .cell = cell_of};
    assert_true(query_read_cursor(&rows));
    assert_true(recalled(&query, &rows, answer));
    assert_string_equal(answer, expected);
}

/* A question that begins with what retention has dropped is refused, by a code of its own. */
TEST(recall, dropped_history_is_refused)
{
    make_past();
    struct writer json;
    struct refusal refusal;
    struct history_query query = all_of(HISTORY_FILLS);
    view_trim(desk_view, desk_number / 2, desk_stamp + TAIL_GRACE_NS);
    struct history_rows rows = rows_at(&query, view_dropped(desk_view));
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS, desk_view};
    writer_start(&json, answer, sizeof(answer) - 1);
    assert_true(recalled(&query, &rows, answer));
    rows.gone = true;
    assert_false(
        recall_answer(recall, &query, &rows, desk_view, fixture_views, &printing, &json, &refusal));
    assert_int_equal(refusal.reject, REJECT_HISTORY_DROPPED);
}

/* What memory has let go and PostgreSQL does not have yet is nowhere: a refusal, not a gap. */
TEST(recall, a_gap_is_refused)
{
    make_past();
    struct history_query query = all_of(HISTORY_ORDERS);
    view_trim(desk_view, desk_number / 2, desk_stamp + TAIL_GRACE_NS);
    const uint64_t dropped = view_dropped(desk_view);
    assert_true(dropped > 0);
    assert_false(recall_is_whole(&query, desk_view, fixture_views));
    assert_false(recalled(&query, NULL, answer));
    struct history_rows rows = rows_at(&query, dropped - 1);
    assert_false(recalled(&query, &rows, answer));
    rows = rows_at(&query, dropped);
    assert_true(recalled(&query, &rows, answer));
    assert_ids(&query, "\"orderId\":", answer);
}

/* A row that is not what its column holds is not an answer. */
TEST(recall, a_broken_row_is_refused)
{
    make_past();
    struct history_query query = all_of(HISTORY_ORDERS);
    struct history_rows rows = rows_at(&query, desk_number);
    memcpy(cells[0][10], "12x", 4);
    assert_false(recalled(&query, &rows, answer));
}

/* One order is an object, or it does not exist. */
TEST(recall, single_order_is_an_object)
{
    make_past();
    struct history_query query = all_of(HISTORY_ORDERS);
    query.single = true;
    query.limit = 1;
    query.id_min = query.id_max = 5;
    assert_true(recalled(&query, NULL, answer));
    assert_memory_equal(answer, "{\"symbol\":\"BTCUSDT\",\"orderId\":5,", 32);
    memcpy(query.client_id, "other", 6);
    assert_false(recalled(&query, NULL, answer));
    memcpy(query.client_id, "ann", 4);
    assert_true(recalled(&query, NULL, answer));
    query.id_min = query.id_max = ORDERS + 1;
    assert_false(recalled(&query, NULL, answer));
}

/* Candles with fills older than memory keeps come from PostgreSQL, and the list has no seam. */
TEST(recall, candles_join_without_a_seam)
{
    open_recall();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 1, SELL, 1, 2000, "ann");
    desk_accept(0, 2, 2, BUY, 1, 2000, "bob");
    desk_apply();
    const uint64_t second = 1000000000;
    const uint64_t first_ns = FIXTURE_START_NS + second;
    for (uint64_t index = 0; index < CANDLE_KEPT + 50; index++) {
        desk_stamp = first_ns + index * second - DESK_MS_NS;
        desk_fill(0, index + 1, index + 1, 1, 1, 2, 2, BUY, (int64_t)index + 1, 1);
        desk_apply();
    }
    struct history_query query = all_of(HISTORY_CANDLES);
    query.interval = INTERVAL_1S;
    query.start_ns = first_ns;
    query.limit = 60;
    assert_false(recall_is_whole(&query, desk_view, fixture_views));
    assert_false(recalled(&query, NULL, answer));
    for (uint32_t row = 0; row < 60; row++) {
        const uint64_t values[] = {
            desk_number, desk_stamp, first_ns + row * second, row + 1, row + 1, row + 1,
            row + 1,     1,          10 * (row + 1),          1,       1,       10 * (row + 1)};
        for (uint32_t column = 0; column < 12; column++)
            set(row, column, values[column]);
    }
    nothing_matched = false;
    struct history_rows rows = {.row_count = 60, .cell = cell_of};
    assert_true(query_read_cursor(&rows));
    assert_true(recalled(&query, &rows, answer));
    const char *at = answer + 1;
    for (uint64_t index = 0; index < 60; index++) {
        assert_int_equal(strtoull(at + 1, NULL, 10), (first_ns + index * second) / DESK_MS_NS);
        at = strchr(at, ']') + 2;
    }
    /* The newest ones are whole in memory. */
    query.newest = true;
    query.start_ns = 0;
    assert_true(recall_is_whole(&query, desk_view, fixture_views));
    assert_true(recalled(&query, NULL, answer));
}

/* ---- order lists and prevented matches ---- */

static void row_of_list(uint32_t row, uint64_t id, uint64_t created_ns)
{
    const uint64_t values[] = {id, 0, LIST_OCO, 0, 2 * id, 2 * id + 1, 0, 0, 0, 0, created_ns, 77};
    for (uint32_t column = 0; column < 12; column++)
        set(row, column + 2, values[column]);
    memcpy(cells[row][5], "stored", 7);
    cells[row][9][0] = cells[row][10][0] = cells[row][11][0] = 0;
}

/* What the tail has let go of comes from the rows, once PostgreSQL has reached it. */
TEST(recall, lists_beyond_the_tail_come_from_rows)
{
    uint64_t created_ns[8] = {0};
    struct history_rows rows = {.row_count = 3, .cell = cell_of};
    struct history_query query = {.kind = HISTORY_LISTS,
                                  .account = 1,
                                  .any_market = true,
                                  .limit = 3,
                                  .id_max = INT64_MAX,
                                  .end_ns = INT64_MAX};
    open_recall();
    desk_account(1);
    desk_apply();
    for (uint64_t id = 1; id <= VIEW_LISTS_KEPT + 2; id++) {
        desk_list(id, 1, LIST_OCO, 2 * id, 2 * id + 1, 0, "memory");
        if (id < 8) created_ns[id] = desk_stamp + DESK_MS_NS;
        desk_list_done(id, 1);
        desk_apply();
        assert_int_equal(recall_is_whole(&query, desk_view, fixture_views), id <= VIEW_LISTS_KEPT);
    }
    nothing_matched = false;
    for (uint64_t id = 1; id <= 3; id++)
        row_of_list((uint32_t)id - 1, id, created_ns[id]);
    rows.cursor = view_list_dropped(view_lists(desk_view));
    assert_true(recalled(&query, &rows, answer));
    assert_non_null(strstr(answer, "{\"orderListId\":1,\"contingencyType\":\"OCO\","
                                   "\"listStatusType\":\"ALL_DONE\",\"listOrderStatus\":"
                                   "\"ALL_DONE\",\"listClientOrderId\":\"stored\""));
    assert_non_null(strstr(answer, "{\"orderListId\":2,"));
    assert_non_null(strstr(answer, "{\"orderListId\":3,"));
    assert_null(strstr(answer, "{\"orderListId\":4,"));
    rows.cursor--;
    assert_false(recalled(&query, &rows, answer));
}

/* ---- amendments ---- */

static void amend(uint64_t id, int64_t from, int64_t to, const char *name)
{
    struct order_amended_event amended = {
        .order_id = id, .qty_before = {from}, .qty = {to}, .account = 1};
    snprintf((char *)amended.client_id, sizeof(amended.client_id), "%s", name);
    event_write_order_amended(&desk_events, &amended);
    desk_apply();
}

static void row_of_amendment(uint32_t row, uint64_t command, const char *former, const char *name,
                             uint64_t from, uint64_t to)
{
    set(row, 2, command);
    set(row, 3, FIXTURE_START_NS + command * DESK_MS_NS);
    snprintf(cells[row][4], CELL_TEXT, "%s", former);
    snprintf(cells[row][5], CELL_TEXT, "%s", name);
    set(row, 6, from);
    set(row, 7, to);
}

static const struct history_query amendments_of_seven = {.kind = HISTORY_AMENDMENTS,
                                                         .account = 1,
                                                         .order_id = 7,
                                                         .limit = 500,
                                                         .id_max = INT64_MAX,
                                                         .end_ns = INT64_MAX};

/* Orders 6 and 7 of account 1, of which 7 is amended four times; returns the command that accepted them. */
static uint64_t amend_seven(void)
{
    open_recall();
    desk_account(1);
    desk_accept(0, 6, 1, SELL, 5000000, 9, "other");
    desk_accept(0, 7, 1, SELL, 5000000, 9, "first");
    desk_apply();
    const uint64_t accepted = desk_number;
    for (int64_t step = 1; step <= 4; step++) {
        char name[8];
        snprintf(name, sizeof(name), "n%d", (int)step);
        amend(7, 10 - step, 9 - step, name);
    }
    return accepted;
}

/* The same list comes out wherever the cursor stands; a name that a row does not know is memory's. */
TEST(recall, amendments_are_the_same_at_every_cursor)
{
    struct history_query query = amendments_of_seven;
    const uint64_t accepted = amend_seven();
    amend(6, 9, 8, "other");
    assert_true(recall_is_whole(&query, desk_view, fixture_views));
    assert_true(recalled(&query, NULL, expected));
    assert_non_null(strstr(expected, "[{\"symbol\":\"BTCUSDT\",\"orderId\":7,\"executionId\":"));
    assert_non_null(strstr(expected, "\"origClientOrderId\":\"first\",\"newClientOrderId\":\"n1\","
                                     "\"origQty\":\"0.00009000\",\"newQty\":\"0.00008000\","
                                     "\"time\":17000000"));
    assert_non_null(strstr(expected, "\"origClientOrderId\":\"n3\",\"newClientOrderId\":\"n4\""));
    assert_null(strstr(expected, "other"));
    for (uint32_t stored = 1; stored <= 4; stored++) {
        struct history_rows rows = {
            .row_count = stored, .cell = cell_of, .cursor = accepted + stored};
        nothing_matched = false;
        for (uint32_t row = 0; row < stored; row++) {
            char former[8], name[8];
            snprintf(former, sizeof(former), row == 0 ? "" : "n%u", row);
            snprintf(name, sizeof(name), "n%u", row + 1);
            row_of_amendment(row, accepted + 1 + row, former, name, 9 - row, 8 - row);
        }
        assert_true(recalled(&query, &rows, answer));
        assert_string_equal(answer, expected);
    }
    query.id_min = accepted + 3;
    query.limit = 1;
    assert_true(recalled(&query, NULL, answer));
    assert_non_null(strstr(answer, "\"newClientOrderId\":\"n3\""));
    assert_null(strstr(answer, "\"newClientOrderId\":\"n4\""));
}

/* Memory's entry of the account before this one. */
static struct view_amended *before(struct view_amended *entry)
{
    struct account_tail *tail = (struct account_tail *)view_amendments(desk_view);
    return (struct view_amended *)account_tail_next(tail, 1, entry);
}

/* Only a row without a former name gets memory's, and memory is gone through no further than for the oldest such row: what
 * lies behind it is of no use, and may be much. */
TEST(recall, memory_is_walked_to_the_oldest_row_without_a_name)
{
    const struct history_query query = amendments_of_seven;
    const uint64_t accepted = amend_seven();
    /* The oldest entry would give the third row a name of its own if it were looked at. */
    struct view_amended *third = before(before(NULL)), *oldest = before(before(third));
    oldest->link.command = third->link.command;
    snprintf((char *)oldest->former_client_id, sizeof(oldest->former_client_id), "behind");

    struct history_rows rows = {.row_count = 4, .cell = cell_of, .cursor = accepted + 4};
    nothing_matched = false;
    row_of_amendment(0, accepted + 1, "first", "n1", 9, 8);
    row_of_amendment(1, accepted + 2, "stored", "n2", 8, 7);
    row_of_amendment(2, accepted + 3, "", "n3", 7, 6);
    row_of_amendment(3, accepted + 4, "n3", "n4", 6, 5);
    assert_true(recalled(&query, &rows, answer));
    assert_non_null(strstr(answer, "\"origClientOrderId\":\"n2\",\"newClientOrderId\":\"n3\""));
    assert_non_null(strstr(answer, "\"origClientOrderId\":\"stored\",\"newClientOrderId\":\"n2\""));
    assert_null(strstr(answer, "behind"));
}
