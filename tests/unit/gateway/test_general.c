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
        "\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\",\"STOP_LOSS\","
        "\"STOP_LOSS_LIMIT\",\"TAKE_PROFIT\",\"TAKE_PROFIT_LIMIT\"],\"icebergAllowed\":true,"
        "\"ocoAllowed\":true,\"otoAllowed\":true,\"opoAllowed\":false",
        "\"allowTrailingStop\":true,\"cancelReplaceAllowed\":true,\"amendAllowed\":true",
        "{\"filterType\":\"MARKET_LOT_SIZE\",\"minQty\":\"0.00001000\","
        "\"maxQty\":\"9000.00000000\",\"stepSize\":\"0.00001000\"}",
        "{\"filterType\":\"ICEBERG_PARTS\",\"limit\":100}",
        "{\"filterType\":\"TRAILING_DELTA\",\"minTrailingAboveDelta\":10,"
        "\"maxTrailingAboveDelta\":2000,\"minTrailingBelowDelta\":10,"
        "\"maxTrailingBelowDelta\":2000}",
        "{\"filterType\":\"MAX_NUM_ORDER_LISTS\",\"maxNumOrderLists\":20}",
        "{\"filterType\":\"MAX_NUM_ALGO_ORDERS\",\"maxNumAlgoOrders\":5}",
        "{\"filterType\":\"MAX_NUM_ICEBERG_ORDERS\",\"maxNumIcebergOrders\":10}",
        "\"defaultSelfTradePreventionMode\":\"NONE\",\"allowedSelfTradePreventionModes\":["
        "\"NONE\",\"EXPIRE_TAKER\",\"EXPIRE_MAKER\",\"EXPIRE_BOTH\",\"DECREMENT\"]",
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

/* An operator's new filters are shown from the next command on; what is unbounded is not shown. */
TEST(general, exchange_info_follows_the_filters)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, INFO, "symbol=BTCUSDT", 0), OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "PERCENT_PRICE_BY_SIDE"));
    assert_null(strstr(desk_answer, "PRICE_BAND"));
    assert_null(strstr(desk_answer, "MAX_POSITION"));
    const struct market_filtered_event filtered = {
        .market_qty_min = {2},
        .market_qty_max = {70},
        .notional_max = {500000000},
        .position_max = {250000000},
        .bid_up = 50000,
        .bid_down = 2000,
        .ask_down = 1,
        .band_ppm = 70000,
        .average_minutes = 7,
        .algo_orders_max = 1,
        .iceberg_orders_max = 2,
        .iceberg_parts_max = 3,
        .order_lists_max = 4,
        .trailing_min = 5,
        .trailing_max = 6,
        .self_trade_modes = 1 << SELF_TRADE_DECREMENT,
        .self_trade_default = SELF_TRADE_DECREMENT,
    };
    event_write_market_filtered(&desk_events, &filtered);
    desk_apply();
    static const char *const parts[] = {
        "\"MARKET_LOT_SIZE\",\"minQty\":\"0.00002000\",\"maxQty\":\"0.00070000\"",
        "\"maxNotional\":\"5.00000000\",\"applyMaxToMarket\":true",
        "{\"filterType\":\"MAX_POSITION\",\"maxPosition\":\"2.50000000\"}",
        ("{\"filterType\":\"PERCENT_PRICE_BY_SIDE\",\"bidMultiplierUp\":\"5.0000\","
         "\"bidMultiplierDown\":\"0.2000\",\"askMultiplierUp\":\"100000.0000\","
         "\"askMultiplierDown\":\"0.0001\",\"avgPriceMins\":7}"),
        "{\"filterType\":\"PRICE_BAND\",\"bandPpm\":70000}",
        "\"maxNumAlgoOrders\":1}",
        "\"maxTrailingBelowDelta\":6}",
        ("\"defaultSelfTradePreventionMode\":\"DECREMENT\","
         "\"allowedSelfTradePreventionModes\":[\"DECREMENT\"]"),
    };
    assert_int_equal(desk_ask(METHOD_GET, INFO, "symbol=BTCUSDT", 0), OUTCOME_ANSWERED);
    for (size_t index = 0; index < sizeof(parts) / sizeof(parts[0]); index++)
        if (strstr(desk_answer, parts[index]) == NULL) fail_msg("not shown: %s", parts[index]);
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/myFilters", "symbol=BTCUSDT", 1),
                     OUTCOME_ANSWERED);
    assert_ptr_equal(strstr(desk_answer, "{\"exchangeFilters\":[],\"symbolFilters\":[{"),
                     desk_answer);
    assert_non_null(strstr(desk_answer, "\"maxNumAlgoOrders\":1}"));
}
