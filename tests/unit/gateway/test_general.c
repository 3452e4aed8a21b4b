#include "tests/unit/gateway/desk_fixture.h"

#define INFO "/api/v3/exchangeInfo"

TEST(general, ping_and_time_and_lists_have_their_shapes)
{
    desk_open();
    assert_answer("/api/v3/ping", "", 0, "{}");
    assert_answer("/api/v3/time", "", 0, "{\"serverTime\":1700000040000}");
    assert_answer("/sapi/v1/margin/allPairs", "", 0, "[]");
    assert_answer("/sapi/v1/system/status", "", 0, "{\"status\":0,\"msg\":\"normal\"}");
    assert_int_equal(desk_ask(METHOD_GET, "/fapi/v1/exchangeInfo", "", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"symbols\":[]"));
}

/* Clients build orders from these: names, filters and order types are what the engine enforces. */
TEST(general, exchange_info_lists_what_the_engine_takes)
{
    static const char *const parts[] = {
        "\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"baseAsset\":\"BTC\"",
        "\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"]",
        "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01000000\","
        "\"maxPrice\":\"10000000.00000000\",\"tickSize\":\"0.01000000\"}",
        "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00001000\",\"maxQty\":\"9000.00000000\","
        "\"stepSize\":\"0.00001000\"}",
        "\"filterType\":\"NOTIONAL\",\"minNotional\":\"0.00000001\"",
        "{\"filterType\":\"MAX_NUM_ORDERS\",\"maxNumOrders\":200}",
        "\"permissions\":[],\"permissionSets\":[[\"SPOT\"]]",
    };
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, INFO, "symbol=BTCUSDT", 0), OUTCOME_ANSWERED);
    for (size_t index = 0; index < sizeof(parts) / sizeof(parts[0]); index++)
        assert_non_null(strstr(desk_answer, parts[index]));
    assert_null(strstr(desk_answer, "ETHBTC"));
}

TEST(general, exchange_info_is_chosen_by_symbol_permission_and_status)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, INFO, "permissions=SPOT", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "ETHBTC"));
    assert_int_equal(desk_ask(METHOD_GET, INFO, "permissions=MARGIN", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"symbols\":[]"));
    assert_int_equal(desk_ask(METHOD_GET, INFO, "symbolStatus=HALT", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"symbols\":[]"));
    assert_int_equal(desk_ask(METHOD_GET, INFO, "showPermissionSets=false", 0), OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "permissionSets"));
    assert_refused(METHOD_GET, INFO, "symbol=NOPE", REJECT_UNKNOWN_MARKET);
    assert_refused(METHOD_GET, INFO, "symbolStatus=OPEN", REJECT_SYMBOL_STATUS);
    assert_refused(METHOD_GET, INFO, "symbol=BTCUSDT&symbolStatus=HALT",
                   REJECT_OPTIONAL_COMBINATION);
}
