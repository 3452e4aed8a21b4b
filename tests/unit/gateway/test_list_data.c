#include "gateway/recall.h"
#include "tests/unit/gateway/desk_fixture.h"

#define OCO_SHOWN \
    "{\"orderListId\":1,\"contingencyType\":\"OCO\",\"listStatusType\":\"EXEC_STARTED\"," \
    "\"listOrderStatus\":\"EXECUTING\",\"listClientOrderId\":\"oco\"," \
    "\"transactionTime\":1700000040001,\"symbol\":\"BTCUSDT\",\"orders\":[" \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":11,\"clientOrderId\":\"above\"}," \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":12,\"clientOrderId\":\"below\"}]}"

static struct recall *recall;

/* Asks `path` as `account`; what goes to history is answered from memory, which has it all. Returns the
 * refusal, or REJECT_NONE with the answer in desk_answer. */
static enum reject asked(const char *path, const char *query, uint32_t account)
{
    const enum outcome outcome = desk_ask(METHOD_GET, path, query, account);
    if (outcome == OUTCOME_REFUSED) return desk_request.refusal.reject;
    if (outcome == OUTCOME_ANSWERED) return REJECT_NONE;
    assert_int_equal(outcome, OUTCOME_HISTORY);
    assert_true(recall_is_whole(&desk_request.history, desk_view, fixture_views));
    const struct printing printing = request_printing(&desk_request, &desk_facts);
    const bool given = recall_answer(recall, &desk_request.history, NULL, desk_view, fixture_views,
                                     &printing, &desk_request.json, &desk_request.refusal);
    desk_answer[desk_request.json.used] = 0;
    return given ? REJECT_NONE : desk_request.refusal.reject;
}

static void assert_shown(const char *path, const char *query, uint32_t account,
                         const char *expected)
{
    assert_int_equal(asked(path, query, account), REJECT_NONE);
    assert_string_equal(desk_answer, expected);
}

static void open_lists(void)
{
    static uint8_t memory[8 << 20] __attribute__((aligned(64)));
    struct arena arena;
    desk_open();
    arena_init(&arena, memory, sizeof(memory));
    recall = recall_new(&arena);
    assert_non_null(recall);
    desk_account(1);
    desk_account(2);
    desk_oco();
}

TEST(list_data, a_list_is_found_by_either_name_open_or_done)
{
    const char *path = "/api/v3/orderList";
    open_lists();
    assert_shown(path, "orderListId=1", 1, OCO_SHOWN);
    assert_shown(path, "origClientOrderId=oco", 1, OCO_SHOWN);
    assert_shown(path, "orderListId=1&symbol=BTCUSDT", 1, OCO_SHOWN);
    assert_int_equal(asked(path, "", 1), REJECT_MANDATORY_EITHER);
    assert_int_equal(asked(path, "orderListId=2", 1), REJECT_NO_SUCH_LIST);
    assert_int_equal(asked(path, "orderListId=1&symbol=ETHBTC", 1), REJECT_NO_SUCH_LIST);
    assert_int_equal(asked(path, "orderListId=1", 2), REJECT_NO_SUCH_LIST);
    desk_list_done(1, 1);
    desk_apply();
    assert_int_equal(asked(path, "orderListId=1", 1), REJECT_NONE);
    assert_non_null(strstr(desk_answer, "\"listOrderStatus\":\"ALL_DONE\""));
}

TEST(list_data, open_lists_are_the_accounts_own)
{
    open_lists();
    assert_shown("/api/v3/openOrderList", "", 1, "[" OCO_SHOWN "]");
    assert_shown("/api/v3/openOrderList", "", 2, "[]");
    desk_list_done(1, 1);
    desk_apply();
    assert_shown("/api/v3/openOrderList", "", 1, "[]");
}

/* The ids in `desk_answer`, in order, as text. */
static const char *ids_shown(const char *name)
{
    static char ids[256];
    size_t used = 0;
    ids[0] = 0;
    for (const char *at = desk_answer; (at = strstr(at, name)) != NULL; at++)
        used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%s%lu", used > 0 ? " " : "",
                                 strtoul(at + strlen(name), NULL, 10));
    return ids;
}

static const char *all_lists(const char *query)
{
    assert_int_equal(asked("/api/v3/allOrderList", query, 1), REJECT_NONE);
    return ids_shown("\"orderListId\":");
}

/* Oldest first: of those that fit, the last ones, or with a beginning the first ones. */
TEST(list_data, all_lists_come_by_age_and_range)
{
    open_lists();
    for (uint64_t id = 2; id <= 9; id++) {
        desk_list(id, 1, LIST_OCO, 100 + id, 200 + id, 0, "more");
        if (id % 2 == 0) desk_list_done(id, 1);
        desk_apply();
    }
    assert_string_equal(all_lists(""), "1 2 3 4 5 6 7 8 9");
    assert_string_equal(all_lists("limit=3"), "7 8 9");
    assert_string_equal(all_lists("fromId=4&limit=3"), "4 5 6");
    assert_string_equal(all_lists("startTime=1700000040003&limit=2"), "3 4");
    assert_string_equal(all_lists("startTime=1700000040003&endTime=1700000040005"), "3 4 5");
    assert_string_equal(all_lists("endTime=1700000040005&limit=2"), "4 5");
    assert_refused(METHOD_GET, "/api/v3/allOrderList", "fromId=1&startTime=1",
                   REJECT_OPTIONAL_COMBINATION);
    assert_refused(METHOD_GET, "/api/v3/allOrderList",
                   "startTime=1700000000000&endTime=1700086400001", REJECT_TIME_RANGE);
}

static void prevent(uint64_t id, uint64_t maker, uint64_t taker)
{
    const struct prevented_event prevented = {.prevented_id = id,
                                              .maker_order = maker,
                                              .taker_order = taker,
                                              .price = {5000000},
                                              .maker_qty = {1},
                                              .maker_account = 1,
                                              .taker_account = 1,
                                              .mode = SELF_TRADE_EXPIRE_MAKER};
    event_write_prevented(&desk_events, &prevented);
    desk_apply();
}

TEST(list_data, prevented_matches_are_found_by_id_or_order)
{
    const char *path = "/api/v3/myPreventedMatches";
    open_lists();
    desk_accept(0, 20, 1, SELL, 5000000, 9, "a");
    desk_accept(0, 21, 1, BUY, 5000000, 9, "b");
    desk_apply();
    for (uint64_t id = 1; id <= 4; id++)
        prevent(id, 20, 21);
    assert_shown(path, "symbol=BTCUSDT&preventedMatchId=1", 1,
                 "[{\"symbol\":\"BTCUSDT\",\"preventedMatchId\":1,\"takerOrderId\":21,"
                 "\"makerSymbol\":\"BTCUSDT\",\"makerOrderId\":20,\"tradeGroupId\":-1,"
                 "\"selfTradePreventionMode\":\"EXPIRE_MAKER\",\"price\":\"50000.00000000\","
                 "\"makerPreventedQuantity\":\"0.00001000\",\"transactTime\":1700000040003}]");
    assert_int_equal(asked(path, "symbol=BTCUSDT&orderId=21", 1), REJECT_NONE);
    assert_string_equal(ids_shown("\"preventedMatchId\":"), "1 2 3 4");
    assert_int_equal(asked(path, "symbol=BTCUSDT&orderId=20&fromPreventedMatchId=2&limit=2", 1),
                     REJECT_NONE);
    assert_string_equal(ids_shown("\"preventedMatchId\":"), "2 3");
    assert_shown(path, "symbol=BTCUSDT&orderId=99", 1, "[]");
    assert_shown(path, "symbol=ETHBTC&orderId=20", 1, "[]");
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT", REJECT_MANDATORY_EITHER);
}

/* An order's amendments, oldest first, from an execution on; the other accounts' are theirs. */
TEST(list_data, amendments_of_an_order)
{
    const char *path = "/api/v3/order/amendments";
    open_lists();
    desk_accept(0, 20, 1, SELL, 5000000, 5, "first");
    desk_apply();
    for (int64_t qty = 4; qty >= 2; qty--) {
        struct order_amended_event amended = {
            .order_id = 20, .qty_before = {qty + 1}, .qty = {qty}, .account = 1};
        snprintf((char *)amended.client_id, 36, "n%d", (int)qty);
        event_write_order_amended(&desk_events, &amended);
        desk_apply();
    }
    char shown[256], query[64];
    snprintf(shown, sizeof(shown),
             "[{\"symbol\":\"BTCUSDT\",\"orderId\":20,\"executionId\":%llu,"
             "\"origClientOrderId\":\"n3\",\"newClientOrderId\":\"n2\","
             "\"origQty\":\"0.00003000\",\"newQty\":\"0.00002000\",\"time\":%llu}]",
             (unsigned long long)desk_number, (unsigned long long)desk_stamp / DESK_MS_NS);
    snprintf(query, sizeof(query), "symbol=BTCUSDT&orderId=20&fromExecutionId=%llu",
             (unsigned long long)desk_number);
    assert_shown(path, query, 1, shown);
    assert_int_equal(asked(path, "symbol=BTCUSDT&orderId=20&limit=2", 1), REJECT_NONE);
    assert_non_null(strstr(desk_answer, "\"first\""));
    assert_null(strstr(desk_answer, "\"n2\""));
    assert_shown(path, "symbol=BTCUSDT&orderId=20", 2, "[]");
    assert_shown(path, "symbol=BTCUSDT&orderId=21", 1, "[]");
    assert_shown(path, "symbol=ETHBTC&orderId=20", 1, "[]");
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT", REJECT_MANDATORY);
    assert_refused(METHOD_GET, path, "orderId=20", REJECT_MANDATORY);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT&orderId=20&limit=0", REJECT_DATA);
}
