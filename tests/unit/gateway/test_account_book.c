#include "gateway/account_book.h"

#include "tests/unit/gateway/desk_fixture.h"

static const char *row[16];

static const char *cell_of(const void *context, uint32_t index, uint32_t column)
{
    (void)context, (void)index;
    return row[column];
}

static bool answered(enum history_kind kind, uint64_t subject)
{
    struct writer json;
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS, desk_view};
    const struct history_query query = {.kind = kind, .account = 2, .subject = subject};
    const struct history_rows rows = {
        .cursor = 17, .cursor_time_ns = 3 * DESK_MS_NS, .row_count = 1, .cell = cell_of};
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    const bool given = account_book_answer(&query, &rows, &printing, &json);
    desk_answer[json.used] = 0;
    return given;
}

static void set(const char *const *texts, size_t count)
{
    memcpy(row + 2, texts, count * sizeof(row[0]));
}

/* An entry is read whole, the sum of many rows may be wider than 64 bits, and its id leads back to its place. */
TEST(account_book, entry_is_shown_with_its_place)
{
    static const char *const entry[] = {"57", "1", "5", "250000000", "-50000000", "3", "9000000"};
    uint64_t height, place;
    desk_open();
    set(entry, 7);
    assert_true(answered(HISTORY_LEDGER, 0));
    assert_string_equal(desk_answer,
                        "{\"toCommand\":17,\"toTime\":3,\"entries\":[{\"id\":\"57-1-5\","
                        "\"height\":57,\"time\":9,\"asset\":\"USDT\",\"kind\":\"TRADE\","
                        "\"free\":\"2.50000000\",\"locked\":\"-0.50000000\",\"count\":3}]}");
    assert_true(account_book_read_id("57-1-5", 6, &height, &place));
    assert_int_equal(height, 57);
    assert_int_equal(place, query_place(1, 5));
    row[5] = "20000000000000000000";
    assert_true(answered(HISTORY_LEDGER, 0));
    assert_non_null(strstr(desk_answer, "\"200000000000.00000000\""));
}

TEST(account_book, ids_are_read_whole_or_not_at_all)
{
    static const char *const bad[] = {
        "",       "57",      "57-",     "57-1",       "57-1-",      "-1-5",
        "57--5",  "57-1-5 ", "57-1-5-", "57-70000-5", "57-1-70000", "99999999999999999999-1-5",
        "+5-1-5", "57-1-x"};
    uint64_t height, place;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(account_book_read_id(bad[i], strlen(bad[i]), &height, &place));
    assert_true(account_book_read_id("9223372036854775807-65535-65535", 31, &height, &place));
    assert_int_equal(height, INT64_MAX);
}

/* What became of a deposit, a withdrawal and an address; a row that cannot be is no answer. */
TEST(account_book, changes_are_shown_as_they_were)
{
    static const char *const deposit[] = {"5", "9000000", "7",  "2",        "0",
                                          "2", "3",       "90", "50000000", "50000000"};
    static const char *const withdrawal[] = {
        "5", "9000000", "7",  "2",
        "2", "5",       "31", "0000000000000000000000000000000000000000000000000000000000000000"};
    static const char *const address[] = {"5", "9000000", "2", "1", "ETH", "d1", "4000000"};
    desk_open();
    set(deposit, 10);
    assert_true(answered(HISTORY_DEPOSIT_CHANGES, 7));
    assert_string_equal(desk_answer,
                        "{\"id\":7,\"toCommand\":17,\"toTime\":3,\"changes\":[{\"command\":5,"
                        "\"time\":9,\"status\":\"CREDITED\",\"confirmations\":3,\"height\":90,"
                        "\"credited\":\"0.50000000\",\"moved\":\"0.50000000\"}]}");
    row[7] = "9";
    assert_false(answered(HISTORY_DEPOSIT_CHANGES, 7));
    set(withdrawal, 8);
    assert_true(answered(HISTORY_WITHDRAWAL_CHANGES, 7));
    assert_non_null(strstr(desk_answer, "{\"command\":5,\"time\":9,\"status\":\"APPROVED\","
                                        "\"approvals\":2,\"block\":31,\"txid\":null}"));
    row[6] = "0";
    assert_false(answered(HISTORY_WITHDRAWAL_CHANGES, 7));
    set(address, 7);
    assert_true(answered(HISTORY_ADDRESS_CHANGES, 0));
    assert_non_null(strstr(desk_answer, "\"chain\":\"ETH\",\"address\":\"d1\",\"allowed\":true,"
                                        "\"activeFrom\":4"));
    row[2] = NULL;
    assert_false(answered(HISTORY_ADDRESS_CHANGES, 0));
}

/* An entry of an asset that is not listed, or of a kind that nobody knows, is no answer. */
TEST(account_book, entries_that_cannot_be_are_refused)
{
    static const char *const entry[] = {"57", "1", "5", "250000000", "-50000000", "3", "9000000"};
    static const char *const wrong[][2] = {{"3", "99"}, {"4", "0"}, {"4", "13"}, {"5", "1.5"}};
    desk_open();
    for (size_t i = 0; i < 4; i++) {
        set(entry, 7);
        row[wrong[i][0][0] - '0'] = wrong[i][1];
        assert_false(answered(HISTORY_LEDGER, 0));
    }
}
