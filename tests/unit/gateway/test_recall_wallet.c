#include "gateway/recall_wallet.h"

#include "tests/unit/gateway/desk_fixture.h"

#define COLUMNS 15
#define KEPT    8

static char cells[WALLET_LOOK_MAX][COLUMNS][72];
static char bytes[1 << 20];
static struct refusal refusal;
static uint32_t read_count; /* of rows, by their number */

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    (void)context;
    assert_true(row < WALLET_LOOK_MAX && column < COLUMNS);
    read_count += column == 2;
    return cells[row][column];
}

static void tell(uint64_t number)
{
    const struct deposit_changed_event deposit = {
        .deposit = number, .amount = {5}, .account = 2, .state = DEPOSIT_CREDITED, .chain = "ETH"};
    event_write_deposit_changed(&desk_events, &deposit);
    desk_apply();
}

/* Memory remembers eight. */
static void open_past(void)
{
    desk_open();
    fixture_genesis.params.orders_max = KEPT;
    desk_reopen();
    desk_account(1);
    desk_account(2);
    const struct route_changed_event route = {
        .confirmations = 3, .decimals = 18, .status = ROUTE_OPEN, .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
}

/* PostgreSQL's rows of the deposits from `first` to `last`, each of the second after the one before. */
static struct history_rows rows_of(uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        const char *const texts[COLUMNS] = {"9",
                                            "9",
                                            "",
                                            "2",
                                            "0",
                                            "ETH",
                                            "0000000000000000000000000000000000000000000000000000"
                                            "000000000000",
                                            "0",
                                            "5",
                                            "5",
                                            "1",
                                            "3",
                                            "2",
                                            "",
                                            ""};
        char(*row)[72] = cells[number - first];
        for (int column = 0; column < COLUMNS; column++)
            snprintf(row[column], sizeof(row[column]), "%s", texts[column]);
        snprintf(row[2], sizeof(row[2]), "%llu", (unsigned long long)number);
        for (int column = 13; column < COLUMNS; column++)
            snprintf(row[column], sizeof(row[column]), "%llu000000000", (unsigned long long)number);
    }
    return (struct history_rows){.status = STATUS_OK,
                                 .cursor = desk_number,
                                 .row_count = (uint32_t)(last - first + 1),
                                 .cell = cell_of};
}

static struct history_query question(uint32_t limit)
{
    return (struct history_query){
        .kind = HISTORY_DEPOSITS,
        .newest = true,
        .account = 2,
        .limit = WALLET_LOOK_MAX,
        .connector = -1,
        .id_min = 1,
        .id_max = INT64_MAX,
        .end_ns = INT64_MAX,
        .wallet = {.is_asked = true, .status = -1, .limit = limit},
    };
}

static bool answer(const struct history_query *query, const struct history_rows *rows)
{
    struct writer json;
    const struct printing printing = {desk_facts.params, DESK_MS_NS, desk_view};
    writer_start(&json, bytes, sizeof(bytes) - 1);
    const bool given = recall_wallet_answer(query, rows, desk_view, &printing, &json, &refusal);
    assert_false(json.overflow);
    bytes[json.used] = 0;
    return given;
}

static int count_listed(void)
{
    int found = 0;
    for (const char *at = bytes; (at = strstr(at, "{\"id\":\"")) != NULL; at++)
        found++;
    return found;
}

/* What memory has put out comes from PostgreSQL, each once, newest first. */
TEST(recall_wallet, memory_and_rows_are_one_list)
{
    open_past();
    for (uint64_t number = 1; number <= 20; number++)
        tell(number);
    const struct history_query query = question(1000);
    assert_false(recall_wallet_is_whole(&query, desk_view));
    struct history_rows rows = rows_of(1, 20);
    assert_true(answer(&query, &rows));
    assert_int_equal(count_listed(), 20);
    const char *at = bytes;
    for (int number = 20; number > 0; number--) {
        char id[24];
        snprintf(id, sizeof(id), "{\"id\":\"%d\",", number);
        assert_non_null(at = strstr(at, id));
    }
    rows.cursor = 1;
    assert_false(answer(&query, &rows));
    assert_int_equal(refusal.reject, REJECT_HISTORY_UNAVAILABLE);
    assert_false(answer(&query, NULL));
}

/* One that was restored is told with its row's time; without a row it is told to nobody. */
TEST(recall_wallet, restored_ones_have_their_rows_time)
{
    open_past();
    const struct deposit_changed_event deposit = {
        .deposit = 1, .amount = {5}, .account = 2, .state = DEPOSIT_CREDITED, .chain = "ETH"};
    custody_view_deposit_put(view_custody(desk_view), &deposit);
    const struct history_query query = question(1000);
    assert_false(recall_wallet_is_whole(&query, desk_view));
    struct history_rows rows = rows_of(1, 1);
    assert_true(answer(&query, &rows));
    assert_int_equal(count_listed(), 1);
    assert_non_null(strstr(bytes, "\"insertTime\":1000,\"completeTime\":1000,"));
    rows = rows_of(5, 5);
    assert_false(answer(&query, &rows));
    assert_int_equal(refusal.reject, REJECT_HISTORY_UNAVAILABLE);
}

/* However many were restored, their rows are looked at once for their times and once as rows. */
TEST(recall_wallet, each_row_is_read_once_for_all_times)
{
    open_past();
    for (uint64_t number = 993; number <= 1000; number++) {
        const struct deposit_changed_event deposit = {.deposit = number,
                                                      .amount = {5},
                                                      .account = 2,
                                                      .state = DEPOSIT_CREDITED,
                                                      .chain = "ETH"};
        custody_view_deposit_put(view_custody(desk_view), &deposit);
    }
    const struct history_query query = question(1000);
    struct history_rows rows = rows_of(1, 1000);
    read_count = 0;
    assert_true(answer(&query, &rows));
    assert_int_equal(count_listed(), 1000);
    assert_true(read_count <= 2 * (1000 + KEPT)); /* reading one reads its number twice */
    assert_non_null(strstr(bytes, "\"insertTime\":993000,"));
}

static void own(uint8_t name, uint32_t account, const char *chain)
{
    struct address_changed_event address = {.kind = ADDRESS_DEPOSIT, .account = account};
    memcpy(address.chain, chain, strlen(chain));
    address.address[0] = name;
    event_write_address_changed(&desk_events, &address);
}

/* A deposit shows the account's one address on its chain; of two it is not known which. */
TEST(recall_wallet, deposits_show_the_one_address)
{
    const struct history_query query = question(1000);
    open_past();
    own('x', 1, "ETH");
    own('y', 2, "BTC");
    own('z', 2, "ETH");
    tell(1);
    assert_true(answer(&query, NULL));
    assert_non_null(strstr(bytes, "\"address\":\"z\","));
    own('w', 2, "ETH");
    desk_apply();
    assert_true(answer(&query, NULL));
    assert_non_null(strstr(bytes, "\"address\":\"\","));
}

/* A thousand are looked through. Where more may fit below them the answer says so; it has no gap. */
TEST(recall_wallet, what_may_lie_deeper_is_said)
{
    open_past();
    for (uint64_t number = 2001; number <= 2010; number++)
        tell(number);
    struct history_rows rows = rows_of(1011, 2010);
    struct history_query query = question(1000);
    query.wallet.offset = 1;
    assert_false(answer(&query, &rows));
    assert_int_equal(refusal.reject, REJECT_TRANSFERS_MANY);
    query.wallet.limit = 999;
    assert_true(answer(&query, &rows));
    assert_int_equal(count_listed(), 999);
    query.wallet = (struct history_wallet){.is_asked = true, .status = 0, .limit = 10};
    assert_false(answer(&query, &rows));
    query.start_ns = 1012 * 1000000000ull; /* the lowest of them is older */
    assert_true(answer(&query, &rows));
    assert_int_equal(count_listed(), 0);
}
