#include "common/intent_filters.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct market_filters_command command;
static struct refusal refusal;

static const char *ask(const char *query)
{
    static char line[64];
    world_params(&params);
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    command = (struct market_filters_command){.market = ETHBTC};
    if (intent_filters_read(&form, &params, &command, &refusal)) return "ok";
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), refusal.first);
    return line;
}

TEST(intent_filters, what_is_not_named_keeps_its_value)
{
    assert_string_equal(ask(""), "ok");
    const struct market_filters *present = &params.markets[ETHBTC].filters;
    assert_int_equal(command.market_qty_max.lots, present->market_qty_max.lots);
    assert_int_equal(command.iceberg_parts_max, present->iceberg_parts_max);
    assert_int_equal(command.self_trade_modes, present->self_trade_modes);
    assert_string_equal(ask("bandPpm=50000"), "ok");
    assert_int_equal(command.band_ppm, 50000);
    assert_int_equal(command.iceberg_parts_max, present->iceberg_parts_max);
}

/* ETHBTC: lot 0.001, both assets of 8 decimals. */
TEST(intent_filters, each_has_a_name_and_a_unit)
{
    assert_string_equal(
        ask("marketMinQty=0.002&marketMaxQty=5&maxNotional=100&maxPosition=7.5&bidMultiplierUp=5&"
            "bidMultiplierDown=0.2&askMultiplierUp=1.0001&askMultiplierDown=0.5&avgPriceMins=7&"
            "bandPpm=1&maxNumAlgoOrders=2&maxNumIcebergOrders=3&icebergParts=4&maxNumOrderLists=6&"
            "minTrailingDelta=8&maxTrailingDelta=9&selfTradeModes=NONE,DECREMENT&"
            "selfTradeDefault=DECREMENT"),
        "ok");
    assert_int_equal(command.market_qty_min.lots, 2);
    assert_int_equal(command.market_qty_max.lots, 5000);
    assert_int_equal(command.notional_max.units, 10000000000);
    assert_int_equal(command.position_max.units, 750000000);
    assert_int_equal(command.bid_up, 50000);
    assert_int_equal(command.bid_down, 2000);
    assert_int_equal(command.ask_up, 10001);
    assert_int_equal(command.ask_down, 5000);
    assert_int_equal(command.average_minutes, 7);
    assert_int_equal(command.band_ppm, 1);
    assert_int_equal(command.algo_orders_max, 2);
    assert_int_equal(command.iceberg_orders_max, 3);
    assert_int_equal(command.iceberg_parts_max, 4);
    assert_int_equal(command.order_lists_max, 6);
    assert_int_equal(command.trailing_min, 8);
    assert_int_equal(command.trailing_max, 9);
    assert_int_equal(command.self_trade_modes, 1 << SELF_TRADE_NONE | 1 << SELF_TRADE_DECREMENT);
    assert_int_equal(command.self_trade_default, SELF_TRADE_DECREMENT);
}

TEST(intent_filters, what_does_not_fit_is_refused)
{
    assert_string_equal(ask("marketMinQty=0.0005"), "-1130 ");
    assert_string_equal(ask("bidMultiplierUp=1.00001"), "-1130 bidMultiplierUp");
    assert_string_equal(ask("bandPpm=4294967295"), "ok");
    assert_string_equal(ask("bandPpm=4294967296"), "-1130 bandPpm");
    assert_string_equal(ask("bandPpm=-1"), "-1100 bandPpm");
    assert_string_equal(ask("bidMultiplierUp=429496.7296"), "-1130 bidMultiplierUp");
    assert_string_equal(ask("selfTradeModes=NONE,NONE"), "-1130 selfTradeModes");
    assert_string_equal(ask("selfTradeModes=NONE,"), "-1130 selfTradeModes");
    assert_string_equal(ask("selfTradeDefault=SOME"), "-1130 selfTradeDefault");
}

/* Every filter is found by its place, and setting one leaves the others. */
TEST(intent_filters, each_place_is_its_own)
{
    struct market_filters filters = {0};
    for (int i = 0; i < FILTER_COUNT; i++)
        assert_true(intent_filter_set(&filters, i, i + 1));
    for (int i = 0; i < FILTER_COUNT; i++)
        assert_int_equal(intent_filter_get(&filters, i), i + 1);
    assert_int_equal(filters.market_qty_min.lots, 1);
    assert_int_equal(filters.self_trade_default, FILTER_COUNT);
    assert_false(intent_filter_set(&filters, FILTER_COUNT - 1, 256));
    assert_false(intent_filter_set(&filters, 4, -1));
}

TEST(intent_filters, unnamed_ones_come_from_the_command)
{
    struct market_filters_command given;
    assert_string_equal(ask("bandPpm=1"), "ok");
    given = command;
    given.band_ppm = 2;
    given.iceberg_parts_max = 77;
    intent_filters_fill(&form, &command, &given);
    assert_int_equal(command.band_ppm, 1);
    assert_int_equal(command.iceberg_parts_max, 77);
}
