#include "settlement/merge.h"

#include "tests/unit/settlement/batches.h"

static void candle(struct row_batch *batch, int64_t high, int64_t close, __int128 volume)
{
    const struct store_sink sink = row_batch_sink(batch);
    const struct candle_row row = {.market = 0,
                                   .interval = 3,
                                   .open_ns = 180000000000,
                                   .open = {50},
                                   .high = {high},
                                   .low = {close},
                                   .close = {close},
                                   .volume = volume,
                                   .fill_count = 2};
    sink.candle(sink.context, &row);
}

static void address(struct row_batch *batch, uint64_t command, uint64_t active_ns)
{
    const struct store_sink sink = row_batch_sink(batch);
    struct address_row row = {.command = command, .time_ns = command * 10, .text = "there"};
    row.address = (struct address_changed_event){.account = 1, .kind = 2, .active_ns = active_ns};
    memcpy(row.address.chain, "ETH", 3);
    sink.address(sink.context, &row);
}

static void merge(struct row_batch *batch, struct database *database)
{
    assert_int_equal(database_run(database, "BEGIN"), STATUS_OK);
    for (int table = 0; table < ROW_TABLES; table++)
        assert_int_equal(row_batch_copy(batch, (enum row_table)table, database), STATUS_OK);
    assert_int_equal(merge_rows(batch, database), STATUS_OK);
    assert_int_equal(database_run(database, "COMMIT"), STATUS_OK);
    row_batch_start(batch);
}

/* Candles are added to, addresses replaced by the newest of a batch, and when one began stays; what one session copied aside is
 * gone with its transaction. */
TEST(merge, candles_add_up_and_the_newest_address_counts)
{
    struct database *database = batches_open("merged", 1000);
    struct row_batch batch;
    assert_true(row_batch_open(&batch));
    assert_int_equal(merge_begin(database), STATUS_OK);
    candle(&batch, 90, 60, 7);
    address(&batch, 5, 500);
    address(&batch, 6, 0);
    address(&batch, 7, 700);
    merge(&batch, database);
    candle(&batch, 80, 40, (__int128)1 << 70);
    address(&batch, 9, 0);
    merge(&batch, database);
    merge(&batch, database); /* nothing: nothing changes */

    assert_string_equal(cluster_ask("merged", "SELECT open || ' ' || high || ' ' || low || ' ' ||"
                                              " close || ' ' || volume || ' ' || fill_count"
                                              " FROM quorex.candles"),
                        "50 90 40 40 1180591620717411303431 4");
    assert_string_equal(cluster_ask("merged",
                                    "SELECT string_agg(address || ' ' || active_ns || ' ' ||"
                                    " created_ns || ' ' || command, ',') FROM quorex.addresses"),
                        "there 0 50 9");
    assert_int_equal(batches_number("merged", "SELECT count(*) FROM quorex.address_changes"), 4);
    row_batch_close(&batch);
    database_free(database);
}
