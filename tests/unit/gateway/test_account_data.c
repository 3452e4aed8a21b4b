#include "tests/unit/gateway/desk_fixture.h"

#define BOB2 \
    "{\"symbol\":\"BTCUSDT\",\"orderId\":3,\"orderListId\":-1,\"clientOrderId\":\"bob-2\"," \
    "\"price\":\"49000.00000000\",\"origQty\":\"0.00001000\",\"executedQty\":\"0.00000000\"," \
    "\"origQuoteOrderQty\":\"0.00000000\",\"cummulativeQuoteQty\":\"0.00000000\"," \
    "\"status\":\"NEW\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\"," \
    "\"stopPrice\":\"0.00000000\",\"icebergQty\":\"0.00000000\",\"time\":1700000040004," \
    "\"updateTime\":1700000040004,\"isWorking\":true,\"workingTime\":1700000040004," \
    "\"selfTradePreventionMode\":\"NONE\"}"

TEST(account_data, balances_are_listed_for_every_asset)
{
    desk_open();
    desk_one_fill();
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"makerCommission\":10,\"takerCommission\":10,"));
    assert_non_null(strstr(desk_answer, "{\"asset\":\"BTC\",\"free\":\"0.00997000\","
                                        "\"locked\":\"0.00003000\"},{\"asset\":\"USDT\""));
    assert_non_null(strstr(desk_answer, "\"uid\":1}"));
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "omitZeroBalances=true", 1),
                     OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "USDT"));
}

TEST(account_data, open_orders_are_the_accounts_own)
{
    desk_open();
    desk_one_fill();
    assert_answer("/api/v3/openOrders", "symbol=BTCUSDT", 2, "[" BOB2 "]");
    assert_int_equal(desk_request.weight, 6);
    assert_answer("/api/v3/openOrders", "", 2, "[" BOB2 "]");
    assert_int_equal(desk_request.weight, 80);
    assert_answer("/api/v3/openOrders", "symbol=ETHBTC", 2, "[]");
}

static void assert_refused_by(uint32_t account, const char *path, const char *query,
                              enum reject reject)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, account), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, reject);
}

/* Memory answers for what it has; both names given must agree; nobody sees another's order. */
TEST(account_data, order_is_found_by_either_name)
{
    const char *path = "/api/v3/order";
    desk_open();
    desk_one_fill();
    assert_answer(path, "symbol=BTCUSDT&orderId=3", 2, BOB2);
    assert_answer(path, "symbol=BTCUSDT&origClientOrderId=bob-2", 2, BOB2);
    assert_answer(path, "symbol=BTCUSDT&orderId=3&origClientOrderId=bob-2", 2, BOB2);
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&orderId=2", 2), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"status\":\"FILLED\""));
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&orderId=3", 1), OUTCOME_HISTORY);
    assert_refused_by(2, path, "symbol=BTCUSDT&orderId=3&origClientOrderId=bob-1",
                      REJECT_CLIENT_ORDER_ID);
    assert_refused_by(2, path, "symbol=BTCUSDT&orderId=2&origClientOrderId=bob-2",
                      REJECT_CLIENT_ORDER_ID); /* it has ended */
    assert_int_equal(
        desk_ask(METHOD_GET, path, "symbol=BTCUSDT&orderId=9&origClientOrderId=bob-2", 2),
        OUTCOME_HISTORY);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT", REJECT_MANDATORY_EITHER);
}

TEST(account_data, history_queries_carry_range_and_end)
{
    const char *orders = "/api/v3/allOrders", *fills = "/api/v3/myTrades";
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, orders, "symbol=BTCUSDT", 1), OUTCOME_HISTORY);
    assert_true(desk_request.history.newest);
    assert_int_equal(desk_ask(METHOD_GET, orders, "symbol=BTCUSDT&orderId=5&limit=9", 1),
                     OUTCOME_HISTORY);
    assert_false(desk_request.history.newest);
    assert_int_equal(desk_request.history.id_min, 5);
    assert_int_equal(desk_request.history.limit, 9);
    assert_int_equal(desk_ask(METHOD_GET, fills, "symbol=BTCUSDT&orderId=5", 1), OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.order_id, 5);
    assert_int_equal(desk_request.weight, 5);
    assert_refused(METHOD_GET, fills, "symbol=BTCUSDT&fromId=1&startTime=1",
                   REJECT_OPTIONAL_COMBINATION);
}

/* A day between the two is allowed, a millisecond more is not. */
TEST(account_data, range_is_at_most_a_day)
{
    const char *path = "/api/v3/allOrders";
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, path,
                              "symbol=BTCUSDT&startTime=1700000000000&endTime=1700086400000", 1),
                     OUTCOME_HISTORY);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT&startTime=1700000000000&endTime=1700086400001",
                   REJECT_TIME_RANGE);
}

TEST(account_data, fees_are_those_of_the_accounts_tier)
{
    desk_open();
    desk_one_fill();
    assert_answer("/sapi/v1/asset/tradeFee", "symbol=ETHBTC", 1,
                  "[{\"symbol\":\"ETHBTC\",\"makerCommission\":\"0.00100000\","
                  "\"takerCommission\":\"0.00100000\"}]");
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account/commission", "symbol=BTCUSDT", 1),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"standardCommission\":{\"maker\":\"0.00100000\""));
    assert_int_equal(desk_ask(METHOD_GET, "/sapi/v1/capital/config/getall", "", 1),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"coin\":\"ETH\""));
}

/* Fees follow the tier of the moment; a maker's may be below zero. */
TEST(account_data, fees_follow_a_new_tier)
{
    desk_open();
    struct params *params = (struct params *)(uintptr_t)desk_facts.params;
    params->tier_count = 2;
    params->tiers[1] = (struct fee_tier){-150, 500, {0}};
    desk_one_fill();
    const struct tier_changed_event changed = {.account = 1, .tier = 1};
    event_write_tier_changed(&desk_events, &changed);
    desk_apply();
    assert_answer("/sapi/v1/asset/tradeFee", "symbol=ETHBTC", 1,
                  "[{\"symbol\":\"ETHBTC\",\"makerCommission\":\"-0.00015000\","
                  "\"takerCommission\":\"0.00050000\"}]");
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account/commission", "symbol=BTCUSDT", 1),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"standardCommission\":{\"maker\":\"-0.00015000\""));
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"makerCommission\":-1,\"takerCommission\":5,"));
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 2), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"makerCommission\":10,\"takerCommission\":10,"));
}

/* An order's fills weigh less than all of them. */
TEST(account_data, fills_weigh_by_what_is_asked_for)
{
    const char *path = "/api/v3/myTrades";
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&orderId=5", 1), OUTCOME_HISTORY);
    assert_int_equal(desk_request.weight, 5);
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT", 1), OUTCOME_HISTORY);
    assert_int_equal(desk_request.weight, 20);
    assert_answer("/api/v3/myAllocations", "symbol=BTCUSDT", 1, "[]");
    assert_refused(METHOD_GET, "/api/v3/myAllocations", "", REJECT_MANDATORY);
}

/* What may come and go follows the ways that there are, and a frozen account sends nothing. */
TEST(account_data, account_may_move_money_where_there_is_a_way)
{
    desk_open();
    desk_one_fill();
    struct params *params = (struct params *)(uintptr_t)desk_facts.params;
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"canWithdraw\":false,\"canDeposit\":false"));
    params->route_count = 1;
    params->routes[0] = (struct route_changed_event){.status = ROUTE_CLOSED, .chain = "ETH"};
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"canWithdraw\":false,\"canDeposit\":true"));
    params->routes[0].status = ROUTE_OPEN;
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"canWithdraw\":true,\"canDeposit\":true"));
    view_freeze(desk_view, 1);
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/account", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"canTrade\":false,\"canWithdraw\":false"));
}
