#include "gateway/query_read.h"

#include "tests/harness.h"

static const char *row[27];

static const char *cell_of(const void *context, uint32_t index, uint32_t column)
{
    (void)context;
    (void)index;
    assert_true(column < 27);
    return row[column];
}

static struct history_rows rows_of(void)
{
    return (struct history_rows){.row_count = 1, .cell = cell_of};
}

TEST(query_read, cursor_without_rows_is_an_empty_answer)
{
    struct history_rows rows = rows_of();
    row[0] = "17";
    row[1] = "1000";
    row[2] = NULL;
    assert_true(query_read_cursor(&rows));
    assert_int_equal(rows.cursor, 17);
    assert_int_equal(rows.cursor_time_ns, 1000);
    assert_int_equal(rows.row_count, 0);
    row[0] = "x";
    rows = rows_of();
    assert_false(query_read_cursor(&rows));
    rows.row_count = 0;
    assert_false(query_read_cursor(&rows));
}

/* Below zero: the question begins with what was dropped. */
TEST(query_read, dropped_history_is_read_from_the_sign)
{
    struct history_rows rows = rows_of();
    row[0] = "-17";
    row[1] = "1000";
    row[2] = NULL;
    assert_true(query_read_cursor(&rows));
    assert_int_equal(rows.cursor, 17);
    assert_true(rows.gone);
    row[0] = "17";
    rows = rows_of();
    assert_true(query_read_cursor(&rows));
    assert_false(rows.gone);
}

/* Volumes are wider than 64 bits; anything that is not a whole number is refused. */
TEST(query_read, candle_is_read_whole_or_not_at_all)
{
    static const char *const good[] = {"1", "1", "60", "5", "9", "4", "7", "20000000000000000000",
                                       "3", "2", "-1", "0"};
    struct candle candle;
    struct history_rows rows = rows_of();
    memcpy(row, good, sizeof(good));
    assert_true(query_read_candle(&rows, 0, &candle));
    assert_int_equal(candle.high.ticks, 9);
    assert_true(candle.volume_lots == (__int128)2 * 10000000000000000000u);
    assert_true(candle.taker_volume_lots == -1);
    row[8] = "3.5";
    assert_false(query_read_candle(&rows, 0, &candle));
    row[8] = NULL;
    assert_false(query_read_candle(&rows, 0, &candle));
}

/* What a plain order has not comes last, and is 0 there; since when a stop worked is not kept. */
TEST(query_read, order_is_read_with_its_terms)
{
    static const char *const stop[] = {"9", "1",  "4", "8", "me", "1",  "5",    "1",       "5",
                                       "8", "90", "5", "2", "0",  "77", "1000", "2000",    "4",
                                       "3", "95", "1", "2", "50", "6",  "70",   "1000001", "3"};
    const struct history_query query = {.kind = HISTORY_ORDERS, .account = 7, .market = 1};
    struct history_rows rows = rows_of();
    struct view_order order;
    memcpy(row, stop, sizeof(stop));
    assert_true(query_read_order(&rows, 0, &query, &order));
    assert_int_equal(order.order_id, 4);
    assert_int_equal(order.type, STOP_LOSS_LIMIT);
    assert_int_equal(order.self_trade, SELF_TRADE_DECREMENT);
    assert_int_equal(order.list_id, 3);
    assert_int_equal(order.stop_price.ticks, 95);
    assert_int_equal(order.iceberg_qty.lots, 1);
    assert_int_equal(order.prevented.lots, 2);
    assert_int_equal(order.trailing_delta, 50);
    assert_int_equal(order.prevented_id, 6);
    assert_int_equal(order.strategy_id, 70);
    assert_int_equal(order.strategy_type, 1000001);
    assert_int_equal(order.tag_flags, 3);
    assert_int_equal(order.working_ns, 0);
    row[6] = "1";
    row[18] = "0";
    assert_true(query_read_order(&rows, 0, &query, &order));
    assert_int_equal(order.working_ns, 1000);
    row[26] = NULL;
    assert_false(query_read_order(&rows, 0, &query, &order));
}
