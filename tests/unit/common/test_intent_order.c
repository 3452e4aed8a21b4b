#include "common/intent_order.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

typedef bool reader(const struct form *form, const struct params *params, struct intent *intent,
                    struct refusal *refusal);

/* "ok", or the code and the detail that a client sees. */
static const char *ask(reader *read, const char *query)
{
    static char line[REFUSAL_TEXT_MAX + 16];
    char text[REFUSAL_TEXT_MAX];
    world_params(&params);
    params.markets[ETHBTC].filters.self_trade_default = SELF_TRADE_EXPIRE_TAKER;
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    if (read(&form, &params, &intent, &refusal)) return "ok";
    refusal_text(&refusal, text);
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), text);
    return line;
}

#define MISSING(name) \
    "-1102 Mandatory parameter '" name "' was not sent, was empty/null, or malformed."
#define SUPERFLUOUS(name) "-1106 Parameter '" name "' sent when not required."
#define BUY_ONE           "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50000"

/* An order that names no mode has its market's. */
TEST(intent_order, self_trade_mode_is_the_markets_unless_named)
{
#define SELL_ETH "symbol=ETHBTC&side=SELL&type=LIMIT_MAKER&quantity=1&price=0.05"
    assert_string_equal(ask(intent_order_place, BUY_ONE), "ok");
    assert_int_equal(intent.order_place.self_trade, SELF_TRADE_NONE);
    assert_string_equal(ask(intent_order_place, SELL_ETH), "ok");
    assert_int_equal(intent.order_place.self_trade, SELF_TRADE_EXPIRE_TAKER);
    assert_string_equal(ask(intent_order_place, SELL_ETH "&selfTradePreventionMode=DECREMENT"),
                        "ok");
    assert_int_equal(intent.order_place.self_trade, SELF_TRADE_DECREMENT);
}

TEST(intent_order, every_conditional_type_takes_its_fields)
{
#define BUY_OF(type) "symbol=BTCUSDT&side=BUY&type=" type
    assert_string_equal(ask(intent_order_place, BUY_OF("STOP_LOSS&quantity=1&stopPrice=3")), "ok");
    assert_int_equal(intent.order_place.stop_price.ticks, 300);
    assert_int_equal(intent.order_place.time_in_force, GTC);
    assert_string_equal(ask(intent_order_place, BUY_OF("TAKE_PROFIT&quantity=1&trailingDelta=100")),
                        "ok");
    assert_int_equal(intent.order_place.trailing_delta, 100);
    assert_string_equal(
        ask(intent_order_place, BUY_OF("TAKE_PROFIT_LIMIT&quantity=1&price=2&timeInForce=FOK&"
                                       "stopPrice=3&trailingDelta=5")),
        "ok");
    assert_int_equal(intent.order_place.time_in_force, FOK);
    assert_string_equal(
        ask(intent_order_place, BUY_OF("STOP_LOSS_LIMIT&quantity=1&price=2&timeInForce=GTC&"
                                       "stopPrice=3&icebergQty=0.1")),
        "ok");
    assert_int_equal(intent.order_place.iceberg_qty.lots, 10000);
    assert_string_equal(
        ask(intent_order_place, BUY_OF("STOP_LOSS&quantity=1&stopPrice=3&icebergQty=0.1")),
        SUPERFLUOUS("icebergQty"));
}

TEST(intent_order, amend_names_an_order_and_its_new_quantity)
{
    assert_string_equal(ask(intent_order_amend, "symbol=BTCUSDT&orderId=9&origClientOrderId=a&"
                                                "newClientOrderId=b&newQty=0.5"),
                        "ok");
    assert_int_equal(intent.type, T_ORDER_AMEND);
    assert_int_equal(intent.order_amend.order_id, 9);
    assert_int_equal(intent.order_amend.qty.lots, 50000);
    assert_memory_equal(intent.order_amend.orig_client_id, "a\0", 2);
    assert_memory_equal(intent.order_amend.client_id, "b\0", 2);
    assert_string_equal(ask(intent_order_amend, "symbol=BTCUSDT&orderId=9"), MISSING("newQty"));
    assert_string_equal(ask(intent_order_amend, "symbol=BTCUSDT&newQty=1"),
                        "-1102 Param 'origClientOrderId' or 'orderId' must be sent, but both were "
                        "empty/null!");
    assert_string_equal(ask(intent_order_amend, "symbol=BTCUSDT&orderId=9&newQty=0"),
                        "-1013 Filter failure: LOT_SIZE");
    assert_string_equal(ask(intent_order_amend, "symbol=BTCUSDT&orderId=9&newQty=0.000001"),
                        "-1013 Filter failure: LOT_SIZE");
}

#define REPLACE \
    BUY_ONE "&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId=4&cancelNewClientOrderId=c&" \
            "newClientOrderId=n&cancelRestrictions=ONLY_NEW"

TEST(intent_order, replace_is_a_cancel_and_an_order)
{
    assert_string_equal(ask(intent_order_replace, REPLACE), "ok");
    const struct order_replace_command *replace = &intent.order_replace;
    assert_int_equal(intent.type, T_ORDER_REPLACE);
    assert_int_equal(replace->mode, REPLACE_ALLOW_FAILURE);
    assert_int_equal(replace->cancel_order_id, 4);
    assert_int_equal(replace->restriction, CANCEL_ONLY_NEW);
    assert_memory_equal(replace->cancel_client_id, "c\0", 2);
    assert_memory_equal(replace->client_id, "n\0", 2);
    assert_int_equal(replace->price.ticks, 5000000);
    assert_int_equal(replace->qty.lots, 100000);
    assert_int_equal(replace->side, BUY);
    assert_int_equal(replace->type, LIMIT);
    assert_int_equal(replace->time_in_force, GTC);

    assert_string_equal(ask(intent_order_replace, BUY_ONE "&cancelOrderId=4"),
                        MISSING("cancelReplaceMode"));
    assert_string_equal(ask(intent_order_replace, BUY_ONE "&cancelReplaceMode=MAYBE"),
                        "-1130 Data sent for parameter 'cancelReplaceMode' is not valid.");
    assert_string_equal(ask(intent_order_replace, BUY_ONE "&cancelReplaceMode=STOP_ON_FAILURE"),
                        "-1102 Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, "
                        "but both were empty/null!");
    assert_string_equal(ask(intent_order_replace, "symbol=BTCUSDT&cancelReplaceMode="
                                                  "STOP_ON_FAILURE&cancelOrderId=4"),
                        MISSING("side"));
}

/* No text is good for two requests: whoever holds a signed one cannot use it for anything else. */
TEST(intent_order, a_text_is_good_for_one_request)
{
    static reader *const readers[] = {
        intent_order_place,  intent_order_replace, intent_order_cancel, intent_cancel_all,
        intent_order_amend,  intent_list_oco,      intent_list_oto,     intent_list_otoco,
        intent_list_old_oco, intent_list_cancel,   intent_switch_set,
    };
#define WORKING \
    "symbol=BTCUSDT&workingType=LIMIT_MAKER&workingSide=BUY&workingPrice=1&workingQuantity=1&" \
    "pendingSide=SELL&pendingQuantity=1&"
    static const char *const texts[] = {
        BUY_ONE,
        REPLACE,
        "symbol=BTCUSDT&orderId=1",
        "symbol=BTCUSDT",
        "symbol=BTCUSDT&orderId=1&newQty=1",
        "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=9&"
        "belowType=STOP_LOSS&belowStopPrice=2",
        WORKING "pendingType=MARKET",
        WORKING "pendingAboveType=LIMIT_MAKER&pendingAbovePrice=9&pendingBelowType=STOP_LOSS&"
                "pendingBelowStopPrice=2",
        "symbol=BTCUSDT&side=SELL&quantity=1&price=9&stopPrice=2&listClientOrderId=l",
        "symbol=BTCUSDT&orderListId=1&listClientOrderId=l",
        "symbol=BTCUSDT&countdownTime=0",
    };
    for (size_t text = 0; text < 11; text++)
        for (size_t by = 0; by < 11; by++) {
            const bool taken = strcmp(ask(readers[by], texts[text]), "ok") == 0;
            if (taken != (by == text)) fail_msg("text %zu taken by %zu: %d", text, by, taken);
        }
}

TEST(intent_order, self_trade_words_go_both_ways)
{
    uint8_t mode;
    for (uint8_t each = SELF_TRADE_NONE; each <= SELF_TRADE_TRANSFER; each++) {
        const char *word = intent_self_trade_name(each);
        assert_true(intent_self_trade(word, strlen(word), &mode));
        assert_int_equal(mode, each);
    }
    assert_string_equal(intent_self_trade_name(99), "");
    assert_false(intent_self_trade("NON", 3, &mode));
    assert_false(intent_self_trade("NONES", 5, &mode));
}
