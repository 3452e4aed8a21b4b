#include "common/intent.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;
static const struct list_place_command *const list = &intent.list_place;

typedef bool reader(const struct form *form, const struct params *params, struct intent *intent,
                    struct refusal *refusal);

static const char *ask(reader *read, const char *query)
{
    static char line[REFUSAL_TEXT_MAX + 16];
    char text[REFUSAL_TEXT_MAX];
    world_params(&params);
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    if (read(&form, &params, &intent, &refusal)) return "ok";
    refusal_text(&refusal, text);
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), text);
    return line;
}

#define MISSING(name) \
    "-1102 Mandatory parameter '" name "' was not sent, was empty/null, or malformed."
#define SUPERFLUOUS(name) "-1106 Parameter '" name "' sent when not required."

#define OCO \
    "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=60000&" \
    "aboveIcebergQty=0.1&aboveClientOrderId=up&belowType=STOP_LOSS_LIMIT&belowPrice=39000&" \
    "belowStopPrice=40000&belowTimeInForce=IOC"

TEST(intent_list, oco_has_an_order_above_and_one_below)
{
    assert_string_equal(
        ask(intent_list_oco, OCO "&listClientOrderId=l&selfTradePreventionMode=EXPIRE_BOTH"), "ok");
    assert_int_equal(intent.type, T_LIST_PLACE);
    assert_int_equal(list->kind, LIST_OCO);
    assert_int_equal(list->market, BTCUSDT);
    assert_int_equal(list->self_trade, SELF_TRADE_EXPIRE_BOTH);
    assert_memory_equal(list->client_id, "l\0", 2);
    assert_int_equal(list->a_side, SELL);
    assert_int_equal(list->a_type, LIMIT_MAKER);
    assert_int_equal(list->a_price.ticks, 6000000);
    assert_int_equal(list->a_qty.lots, 100000);
    assert_int_equal(list->a_iceberg_qty.lots, 10000);
    assert_int_equal(list->a_time_in_force, GTC);
    assert_memory_equal(list->a_client_id, "up\0", 3);
    assert_int_equal(list->b_side, SELL);
    assert_int_equal(list->b_type, STOP_LOSS_LIMIT);
    assert_int_equal(list->b_price.ticks, 3900000);
    assert_int_equal(list->b_stop_price.ticks, 4000000);
    assert_int_equal(list->b_qty.lots, 100000);
    assert_int_equal(list->b_time_in_force, IOC);
    assert_int_equal(list->b_client_id[0], 0);
    assert_int_equal(list->c_type, 0);
    assert_int_equal(list->c_qty.lots, 0);
}

TEST(intent_list, a_legs_parameters_are_refused_by_their_own_names)
{
#define SELL_ONE "symbol=BTCUSDT&side=SELL&quantity=1"
    assert_string_equal(ask(intent_list_oco, SELL_ONE), MISSING("aboveType"));
    assert_string_equal(ask(intent_list_oco, SELL_ONE "&aboveType=LIMIT_MAKER"),
                        MISSING("abovePrice"));
    assert_string_equal(ask(intent_list_oco, SELL_ONE "&aboveType=SOON"),
                        "-1116 Invalid orderType.");
    assert_string_equal(ask(intent_list_oco, SELL_ONE "&aboveType=LIMIT_MAKER&abovePrice=9"),
                        MISSING("belowType"));
    assert_string_equal(
        ask(intent_list_oco, SELL_ONE "&aboveType=LIMIT_MAKER&abovePrice=9&belowType=STOP_LOSS"),
        "-1102 Param 'belowStopPrice' or 'belowTrailingDelta' must be sent, but both were "
        "empty/null!");
    assert_string_equal(ask(intent_list_oco, OCO "&aboveStopPrice=1"),
                        SUPERFLUOUS("aboveStopPrice"));
    assert_string_equal(ask(intent_list_oco, OCO "&abovePegPriceType=PRIMARY_PEG"),
                        SUPERFLUOUS("abovePegPriceType"));
    assert_string_equal(ask(intent_list_oco, "symbol=BTCUSDT&quantity=1"), MISSING("side"));
    assert_string_equal(ask(intent_list_oco, "symbol=BTCUSDT&side=SELL&aboveType=LIMIT_MAKER&"
                                             "abovePrice=9"),
                        MISSING("quantity"));
}

#define WORKING \
    "symbol=BTCUSDT&workingType=LIMIT&workingSide=BUY&workingPrice=50000&workingQuantity=2&" \
    "workingTimeInForce=GTC&workingClientOrderId=w&"

TEST(intent_list, oto_has_a_working_and_a_pending_order)
{
    assert_string_equal(ask(intent_list_oto, WORKING "pendingType=MARKET&pendingSide=SELL&"
                                                     "pendingQuantity=1.5"),
                        "ok");
    assert_int_equal(list->kind, LIST_OTO);
    assert_int_equal(list->a_side, BUY);
    assert_int_equal(list->a_type, LIMIT);
    assert_int_equal(list->a_qty.lots, 200000);
    assert_memory_equal(list->a_client_id, "w\0", 2);
    assert_int_equal(list->b_side, SELL);
    assert_int_equal(list->b_type, MARKET);
    assert_int_equal(list->b_qty.lots, 150000);
    assert_int_equal(list->b_price.ticks, 0);
    assert_string_equal(ask(intent_list_oto, WORKING "pendingType=MARKET&pendingSide=SELL"),
                        MISSING("pendingQuantity"));
}

TEST(intent_list, otoco_has_a_pair_behind_its_working_order)
{
    assert_string_equal(ask(intent_list_otoco,
                            WORKING "pendingSide=SELL&pendingQuantity=2&"
                                    "pendingAboveType=LIMIT_MAKER&pendingAbovePrice=60000&"
                                    "pendingBelowType=STOP_LOSS&pendingBelowTrailingDelta=50&"
                                    "pendingBelowClientOrderId=b"),
                        "ok");
    assert_int_equal(list->kind, LIST_OTOCO);
    assert_int_equal(list->b_type, LIMIT_MAKER);
    assert_int_equal(list->b_side, SELL);
    assert_int_equal(list->b_qty.lots, 200000);
    assert_int_equal(list->c_type, STOP_LOSS);
    assert_int_equal(list->c_side, SELL);
    assert_int_equal(list->c_qty.lots, 200000);
    assert_int_equal(list->c_trailing_delta, 50);
    assert_memory_equal(list->c_client_id, "b\0", 2);
}

/* The old form names no sides of the price: who sells has the limit above, who buys below. */
TEST(intent_list, old_form_of_oco_finds_above_and_below)
{
#define OLD "&quantity=1&price=50000&stopPrice=40000&limitClientOrderId=l&stopClientOrderId=s"
    assert_string_equal(ask(intent_list_old_oco, "symbol=BTCUSDT&side=SELL" OLD), "ok");
    assert_int_equal(list->a_type, LIMIT_MAKER);
    assert_int_equal(list->a_price.ticks, 5000000);
    assert_memory_equal(list->a_client_id, "l\0", 2);
    assert_int_equal(list->b_type, STOP_LOSS);
    assert_int_equal(list->b_stop_price.ticks, 4000000);
    assert_memory_equal(list->b_client_id, "s\0", 2);
    assert_string_equal(ask(intent_list_old_oco, "symbol=BTCUSDT&side=BUY" OLD
                                                 "&stopLimitPrice=41000&stopLimitTimeInForce=GTC"),
                        "ok");
    assert_int_equal(list->a_type, STOP_LOSS_LIMIT);
    assert_int_equal(list->a_price.ticks, 4100000);
    assert_int_equal(list->b_type, LIMIT_MAKER);
    assert_string_equal(
        ask(intent_list_old_oco, "symbol=BTCUSDT&side=BUY" OLD "&stopLimitPrice=41000"),
        MISSING("stopLimitTimeInForce"));
    assert_string_equal(ask(intent_list_old_oco, "symbol=BTCUSDT&side=BUY&quantity=1&price=1"),
                        "-1102 Param 'stopPrice' or 'trailingDelta' must be sent, but both were "
                        "empty/null!");
}

TEST(intent_list, a_cancel_names_its_list_by_either_id)
{
    assert_string_equal(ask(intent_list_cancel, "symbol=ETHBTC&orderListId=3&"
                                                "listClientOrderId=l&newClientOrderId=n"),
                        "ok");
    assert_int_equal(intent.type, T_LIST_CANCEL);
    assert_int_equal(intent.list_cancel.list_id, 3);
    assert_int_equal(intent.list_cancel.market, ETHBTC);
    assert_memory_equal(intent.list_cancel.orig_client_id, "l\0", 2);
    assert_memory_equal(intent.list_cancel.client_id, "n\0", 2);
    assert_string_equal(ask(intent_list_cancel, "symbol=ETHBTC"),
                        "-1102 Param 'orderListId' or 'listClientOrderId' must be sent, but both "
                        "were empty/null!");
    assert_string_equal(ask(intent_list_cancel, "symbol=ETHBTC&orderListId=0"),
                        "-2011 Unknown order sent.");
}

/* What every node checks before it signs: each leg, changed, no longer matches. */
TEST(intent_list, a_changed_list_does_not_match)
{
    static uint8_t bytes[COMMAND_BYTES_MAX];
    const char *text = WORKING "pendingSide=SELL&pendingQuantity=2&pendingAboveType=LIMIT_MAKER&"
                               "pendingAbovePrice=60000&pendingBelowType=STOP_LOSS&"
                               "pendingBelowStopPrice=40000&timestamp=1700000000000";
    struct command command;
    assert_string_equal(ask(intent_list_otoco, text), "ok");
    intent.list_place.account = 7;
    memcpy(intent.list_place.c_client_id, "made-up", 7);
    const struct command_header header = {
        .length = COMMAND_HEADER_BYTES + LIST_PLACE_BYTES,
        .type = T_LIST_PLACE,
        .deadline_ns = 1700000005000000000u,
    };
    command_header_put(bytes, &header);
    assert_int_equal(intent_put(&intent, bytes + COMMAND_HEADER_BYTES), LIST_PLACE_BYTES);
    assert_true(command_decode(bytes, header.length, &command));
    assert_true(intent_matches(&form, &params, &command));

    struct list_place_command changes[6];
    for (int i = 0; i < 6; i++)
        changes[i] = intent.list_place;
    changes[0].a_client_id[0] = 'x';
    changes[1].b_price.ticks++;
    changes[2].c_stop_price.ticks++;
    changes[3].kind = LIST_OTO;
    changes[4].b_side = BUY;
    changes[5].session = 1;
    for (int i = 0; i < 6; i++) {
        list_place_command_put(bytes + COMMAND_HEADER_BYTES, &changes[i]);
        assert_false(intent_matches(&form, &params, &command));
    }
}
