#include "common/intent.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

/* Reads `query` as an order; the answer is "ok" or "code text", as a client would see it. */
static const char *answer(bool accepted)
{
    static char line[REFUSAL_TEXT_MAX + 16];
    char text[REFUSAL_TEXT_MAX];
    if (accepted) return "ok";
    refusal_text(&refusal, text);
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), text);
    return line;
}

static uint32_t rules; /* 0: the world's */

static void read_form(const char *query)
{
    world_params(&params);
    if (rules != 0) params.rules = rules;
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
}

static const char *place(const char *query)
{
    read_form(query);
    return answer(intent_order_place(&form, &params, &intent, &refusal));
}

static const char *cancel(const char *query)
{
    read_form(query);
    return answer(intent_order_cancel(&form, &params, &intent, &refusal));
}

static const char *cancel_all(const char *query)
{
    read_form(query);
    return answer(intent_cancel_all(&form, &params, &intent, &refusal));
}

#define ILLEGAL(name) \
    "-1100 Illegal characters found in parameter '" name \
    "'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
#define MISSING(name) \
    "-1102 Mandatory parameter '" name "' was not sent, was empty/null, or malformed."
#define SUPERFLUOUS(name) "-1106 Parameter '" name "' sent when not required."
#define LIMIT_BUY         "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1.5&price=50000.01"
#define MARKET_SELL       "symbol=BTCUSDT&side=SELL&type=MARKET"

TEST(intent, a_limit_order_becomes_ticks_and_lots)
{
    assert_string_equal(place("symbol=ETHBTC&side=SELL&type=LIMIT&timeInForce=FOK&quantity=2.5&"
                              "price=0.03125&newClientOrderId=x-1:a/b&selfTradePreventionMode="
                              "EXPIRE_MAKER&strategyId=7&strategyType=1000000&unknown=1"),
                        "ok");
    const struct order_place_command *order = &intent.order_place;
    assert_int_equal(intent.type, T_ORDER_PLACE);
    assert_int_equal(order->market, ETHBTC);
    assert_int_equal(order->side, SELL);
    assert_int_equal(order->type, LIMIT);
    assert_int_equal(order->time_in_force, FOK);
    assert_int_equal(order->qty.lots, 2500);
    assert_int_equal(order->price.ticks, 3125);
    assert_int_equal(order->quote_qty.units, 0);
    assert_int_equal(order->self_trade, SELF_TRADE_EXPIRE_MAKER);
    assert_int_equal(order->account, 0);
    assert_memory_equal(order->client_id, "x-1:a/b\0\0", 9);
}

TEST(intent, a_market_order_has_a_quantity_or_a_quote_amount)
{
    assert_string_equal(place(MARKET_SELL "&quantity=0.00001"), "ok");
    assert_int_equal(intent.order_place.qty.lots, 1);
    assert_int_equal(intent.order_place.time_in_force, GTC);
    assert_string_equal(place(MARKET_SELL "&quoteOrderQty=12.34567891"), "ok");
    assert_int_equal(intent.order_place.quote_qty.units, 1234567891);
    assert_int_equal(intent.order_place.qty.lots, 0);

    assert_string_equal(place(MARKET_SELL), "-1102 Param 'quantity' or 'quoteOrderQty' must be "
                                            "sent, but both were empty/null!");
    assert_string_equal(place(MARKET_SELL "&quantity=1&quoteOrderQty=1"),
                        SUPERFLUOUS("quoteOrderQty"));
    assert_string_equal(place(MARKET_SELL "&quantity=1&price=1"), SUPERFLUOUS("price"));
    assert_string_equal(place(MARKET_SELL "&quantity=1&timeInForce=GTC"),
                        SUPERFLUOUS("timeInForce"));
    assert_string_equal(place(MARKET_SELL "&quoteOrderQty=0"), "-1013 Filter failure: NOTIONAL");
    assert_string_equal(place(MARKET_SELL "&quoteOrderQty=99999999999999999999"),
                        "-1013 Filter failure: NOTIONAL");
}

TEST(intent, symbol_side_and_type_are_checked_in_this_order)
{
    assert_string_equal(place(""), MISSING("symbol"));
    assert_string_equal(place("symbol="), "-1105 Parameter 'symbol' was empty.");
    assert_string_equal(place("symbol=NOPE"), "-1121 Invalid symbol.");
    assert_string_equal(place("symbol=btcusdt"),
                        "-1100 Illegal characters found in parameter 'symbol'; legal range is "
                        "'^[A-Z0-9-_.]{1,20}$'.");
    assert_string_equal(place("symbol=AAAAAAAAAAAAAAAAAAAA"), "-1121 Invalid symbol.");
    assert_int_equal(strncmp(place("symbol=AAAAAAAAAAAAAAAAAAAAA"), "-1100", 5), 0);
    assert_string_equal(place("symbol=BTCUSDT"), MISSING("side"));
    assert_string_equal(place("symbol=BTCUSDT&side=buy"), "-1117 Invalid side.");
    assert_string_equal(place("symbol=BTCUSDT&side=BUY"), MISSING("type"));
    assert_string_equal(place("symbol=BTCUSDT&side=BUY&type=limit"), "-1116 Invalid orderType.");
}

TEST(intent, each_type_names_what_it_misses)
{
#define BUY_OF(type) "symbol=BTCUSDT&side=BUY&type=" type
    assert_string_equal(place(BUY_OF("LIMIT")), MISSING("timeInForce"));
    assert_string_equal(place(BUY_OF("LIMIT&timeInForce=GTC")), MISSING("quantity"));
    assert_string_equal(place(BUY_OF("LIMIT&timeInForce=GTC&quantity=1")), MISSING("price"));
    assert_string_equal(place(BUY_OF("LIMIT_MAKER&price=1")), MISSING("quantity"));
    assert_string_equal(place(BUY_OF("LIMIT_MAKER&quantity=1")), MISSING("price"));
    assert_string_equal(place(BUY_OF("STOP_LOSS&quantity=1")),
                        "-1102 Param 'stopPrice' or 'trailingDelta' must be sent, but both were "
                        "empty/null!");
    assert_string_equal(place(BUY_OF("TAKE_PROFIT_LIMIT&quantity=1&stopPrice=1&timeInForce=GTC")),
                        MISSING("price"));
}

TEST(intent, each_type_names_what_it_does_not_take)
{
    assert_string_equal(place(LIMIT_BUY "&stopPrice=1"), SUPERFLUOUS("stopPrice"));
    assert_string_equal(place(LIMIT_BUY "&trailingDelta=1"), SUPERFLUOUS("trailingDelta"));
    assert_string_equal(place(LIMIT_BUY "&quoteOrderQty=1"), SUPERFLUOUS("quoteOrderQty"));
    assert_string_equal(place(LIMIT_BUY "&pegPriceType=PRIMARY_PEG"), SUPERFLUOUS("pegPriceType"));
    assert_string_equal(place(BUY_OF("LIMIT_MAKER&quantity=1&price=1&timeInForce=GTC")),
                        SUPERFLUOUS("timeInForce"));
    assert_string_equal(place(MARKET_SELL "&quantity=1&icebergQty=1"), SUPERFLUOUS("icebergQty"));
}

/* The engine decides about types it does not know; it needs their fields to be faithful. */
TEST(intent, conditional_orders_keep_their_fields)
{
    assert_string_equal(place(BUY_OF("STOP_LOSS_LIMIT&timeInForce=IOC&quantity=1&price=2&"
                                     "stopPrice=3.01&trailingDelta=250")),
                        "ok");
    assert_int_equal(intent.order_place.type, STOP_LOSS_LIMIT);
    assert_int_equal(intent.order_place.stop_price.ticks, 301);
    assert_int_equal(intent.order_place.trailing_delta, 250);
    assert_string_equal(place(BUY_OF("STOP_LOSS&quantity=1&trailingDelta=0")),
                        "-1130 Data sent for parameter 'trailingDelta' is not valid.");
    assert_string_equal(place(LIMIT_BUY "&icebergQty=0.5"), "ok");
    assert_int_equal(intent.order_place.iceberg_qty.lots, 50000);
    assert_string_equal(place(BUY_OF("LIMIT&timeInForce=IOC&quantity=1&price=2&icebergQty=0.5")),
                        "-1014 Unsupported order combination.");
}

TEST(intent, malformed_numbers_are_illegal_characters)
{
    static const char *const bad[] = {
        "1e3", "%2B1", "-1", "NaN", "1.", ".5", "1%202", "0x1", "123456789012345678901234567890"};
    char query[256];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(query, sizeof(query), BUY_OF("LIMIT&timeInForce=GTC&price=1&quantity=%s"), bad[i]);
        assert_string_equal(place(query), ILLEGAL("quantity"));
        snprintf(query, sizeof(query), BUY_OF("LIMIT&timeInForce=GTC&price=%s&quantity=1"), bad[i]);
        assert_string_equal(place(query), ILLEGAL("price"));
        snprintf(query, sizeof(query), MARKET_SELL "&quoteOrderQty=%s", bad[i]);
        assert_string_equal(place(query), ILLEGAL("quoteOrderQty"));
    }
    assert_string_equal(place(BUY_OF("LIMIT&timeInForce=GTC&price=&quantity=1")),
                        "-1105 Parameter 'price' was empty.");
}

TEST(intent, prices_are_on_a_tick_and_above_zero)
{
#define PRICED(price) BUY_OF("LIMIT&timeInForce=GTC&quantity=1&price=") price
    assert_string_equal(place(PRICED("0.01")), "ok");
    assert_int_equal(intent.order_place.price.ticks, 1);
    assert_string_equal(place(PRICED("0.0100000000")), "ok");
    assert_string_equal(place(PRICED("0")), "-1013 Filter failure: PRICE_FILTER");
    assert_string_equal(place(PRICED("0.00")), "-1013 Filter failure: PRICE_FILTER");
    assert_string_equal(place(PRICED("0.011")), "-1013 Filter failure: PRICE_FILTER");
    assert_string_equal(place(PRICED("99999999999999999999")),
                        "-1013 Filter failure: PRICE_FILTER");
    assert_string_equal(place(PRICED("0.010000001")),
                        "-1111 Parameter 'price' has too much precision.");
}

TEST(intent, quantities_are_whole_lots_above_zero)
{
#define SIZED(qty) BUY_OF("LIMIT&timeInForce=GTC&price=1&quantity=") qty
    assert_string_equal(place(SIZED("0.00001")), "ok");
    assert_int_equal(intent.order_place.qty.lots, 1);
    assert_string_equal(place(SIZED("0")), "-1013 Filter failure: LOT_SIZE");
    assert_string_equal(place(SIZED("0.000001")), "-1013 Filter failure: LOT_SIZE");
    assert_string_equal(place(SIZED("0.000011")), "-1013 Filter failure: LOT_SIZE");
    assert_string_equal(place(SIZED("92233720369")), "-1013 Filter failure: LOT_SIZE");
    assert_string_equal(place(SIZED("1.000000001")),
                        "-1111 Parameter 'quantity' has too much precision.");
}

TEST(intent, other_words_have_their_own_codes)
{
    assert_string_equal(place(BUY_OF("LIMIT&timeInForce=GTX&quantity=1&price=1")),
                        "-1115 Invalid timeInForce.");
    assert_string_equal(place(LIMIT_BUY "&selfTradePreventionMode=SOME"),
                        "-1130 Data sent for parameter 'selfTradePreventionMode' is not valid.");
    assert_string_equal(place(LIMIT_BUY "&newClientOrderId=a%20b"),
                        "-1100 Illegal characters found in parameter 'newClientOrderId'; legal "
                        "range is '^[a-zA-Z0-9-_.:/]{1,36}$'.");
    assert_string_equal(place(LIMIT_BUY "&strategyType=999999"),
                        "-1134 `strategyType` was less than 1000000.");
    assert_int_equal(strncmp(place(LIMIT_BUY "&strategyId=x"), "-1100", 5), 0);
}

TEST(intent, response_type_follows_the_order_type)
{
    enum response_type response;
    read_form("symbol=BTCUSDT");
    assert_true(intent_response_type(&form, LIMIT, &response, &refusal));
    assert_int_equal(response, RESPONSE_FULL);
    assert_true(intent_response_type(&form, MARKET, &response, &refusal));
    assert_int_equal(response, RESPONSE_FULL);
    assert_true(intent_response_type(&form, LIMIT_MAKER, &response, &refusal));
    assert_int_equal(response, RESPONSE_ACK);
    read_form("newOrderRespType=RESULT");
    assert_true(intent_response_type(&form, LIMIT_MAKER, &response, &refusal));
    assert_int_equal(response, RESPONSE_RESULT);
    read_form("newOrderRespType=full");
    assert_string_equal(answer(intent_response_type(&form, LIMIT, &response, &refusal)),
                        "-1136 Invalid newOrderRespType.");
}

TEST(intent, a_cancel_names_its_order_by_either_id)
{
    assert_string_equal(cancel("symbol=BTCUSDT&orderId=12&origClientOrderId=a&newClientOrderId=b&"
                               "cancelRestrictions=ONLY_NEW"),
                        "ok");
    assert_int_equal(intent.order_cancel.order_id, 12);
    assert_int_equal(intent.order_cancel.restriction, CANCEL_ONLY_NEW);
    assert_memory_equal(intent.order_cancel.orig_client_id, "a\0", 2);
    assert_memory_equal(intent.order_cancel.client_id, "b\0", 2);
    assert_string_equal(cancel("symbol=BTCUSDT&origClientOrderId=a"), "ok");
    assert_int_equal(intent.order_cancel.order_id, 0);
    assert_int_equal(intent.order_cancel.restriction, CANCEL_ANY);

    assert_string_equal(cancel("symbol=BTCUSDT"),
                        "-1102 Param 'origClientOrderId' or 'orderId' must be sent, but both were "
                        "empty/null!");
    assert_string_equal(cancel("symbol=BTCUSDT&orderId=0"), "-2011 Unknown order sent.");
    assert_int_equal(strncmp(cancel("symbol=BTCUSDT&orderId=-1"), "-1100", 5), 0);
    assert_string_equal(cancel("symbol=BTCUSDT&orderId=1&cancelRestrictions=ANY"),
                        "-1145 Invalid cancelRestrictions");
    assert_string_equal(cancel("orderId=1"), MISSING("symbol"));
}

/* A signature covers the text but not the path, so the text of one request must not do for another. */
TEST(intent, an_orders_text_is_no_cancel)
{
    assert_string_equal(cancel(LIMIT_BUY "&orderId=1"), SUPERFLUOUS("side"));
    assert_string_equal(cancel_all(LIMIT_BUY), SUPERFLUOUS("side"));
    assert_string_equal(cancel_all("symbol=BTCUSDT&orderId=1"), SUPERFLUOUS("orderId"));
    assert_string_equal(cancel_all("symbol=BTCUSDT&origClientOrderId=1"),
                        SUPERFLUOUS("origClientOrderId"));
    assert_string_equal(cancel_all("symbol=ETHBTC"), "ok");
    assert_int_equal(intent.cancel_all.market, ETHBTC);
}

static const char *deadline(const char *query, uint64_t *timestamp_ns, uint64_t *deadline_ns)
{
    read_form(query);
    return answer(intent_deadline(&form, timestamp_ns, deadline_ns, &refusal));
}

TEST(intent, a_deadline_is_timestamp_plus_window)
{
    uint64_t at, end;
    assert_string_equal(deadline("timestamp=1700000000000", &at, &end), "ok");
    assert_true(at == 1700000000000000000u && end == at + 5000000000u);
    assert_string_equal(deadline("timestamp=1700000000000123&recvWindow=0.5", &at, &end), "ok");
    assert_true(at == 1700000000000123000u && end == at + 500000u);
    assert_string_equal(deadline("timestamp=999999999999999&recvWindow=1", &at, &end),
                        "-1021 Timestamp for this request was 1000ms ahead of the server's time.");
    assert_string_equal(deadline("timestamp=1000000000000000&recvWindow=60000", &at, &end), "ok");
    assert_true(at == 1000000000000000000u && end == at + 60000000000u);

    assert_string_equal(deadline("timestamp=1&recvWindow=60000.001", &at, &end),
                        "-1131 recvWindow must be less than 60000.");
    assert_string_equal(deadline("timestamp=1&recvWindow=60000.000", &at, &end), "ok");
    assert_string_equal(deadline("timestamp=1&recvWindow=99999999999999999999", &at, &end),
                        "-1131 recvWindow must be less than 60000.");
    assert_string_equal(deadline("timestamp=1&recvWindow=1.0001", &at, &end),
                        "-1111 Parameter 'recvWindow' has too much precision.");
    assert_string_equal(deadline("timestamp=1&recvWindow=-1", &at, &end), ILLEGAL("recvWindow"));
    assert_string_equal(deadline("recvWindow=1", &at, &end), MISSING("timestamp"));
    assert_int_equal(strncmp(deadline("timestamp=abc", &at, &end), "-1100", 5), 0);
    assert_string_equal(deadline("timestamp=99999999999999999999", &at, &end),
                        "-1021 Timestamp for this request was 1000ms ahead of the server's time.");
}

/* ---- What a signature proves ---- */

static uint8_t bytes[COMMAND_BYTES_MAX];
static struct command command;

/* The command a gateway would make of `intent`, for account 7 with the given deadline. */
static void make_command(uint64_t deadline_ns)
{
    uint8_t *payload = bytes + COMMAND_HEADER_BYTES;
    const size_t payload_bytes = intent_put(&intent, payload);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes),
        .type = intent.type,
        .auth_kind = AUTH_ED25519,
        .deadline_ns = deadline_ns,
    };
    command_header_put(bytes, &header);
    assert_true(command_decode(bytes, header.length, &command));
}

#define SIGNED      LIMIT_BUY "&timestamp=1700000000000"
#define SIGNED_ENDS 1700000005000000000u

static bool matches(const char *query)
{
    read_form(query);
    return intent_matches(&form, &params, &command);
}

TEST(intent, a_command_matches_the_text_it_came_from)
{
    assert_string_equal(place(SIGNED), "ok");
    intent.order_place.account = 7;
    memcpy(intent.order_place.client_id, "made-up", 7);
    make_command(SIGNED_ENDS);
    assert_true(matches(SIGNED));
}

/* Each field that a dishonest gateway might change, changed. */
TEST(intent, a_changed_command_does_not_match)
{
    struct order_place_command changes[9];
    const char *text = SIGNED "&newClientOrderId=mine&selfTradePreventionMode=NONE";
    assert_string_equal(place(text), "ok");
    for (size_t i = 0; i < 9; i++)
        changes[i] = intent.order_place;
    changes[0].price.ticks++;
    changes[1].qty.lots--;
    changes[2].side = SELL;
    changes[3].type = LIMIT_MAKER;
    changes[4].time_in_force = IOC;
    changes[5].market = ETHBTC;
    changes[6].client_id[0] = 'y';
    changes[7].self_trade = SELF_TRADE_EXPIRE_BOTH;
    changes[8].quote_qty.units = 1;

    make_command(SIGNED_ENDS);
    assert_true(matches(text));
    for (size_t i = 0; i < 9; i++) {
        intent = (struct intent){.type = T_ORDER_PLACE, .order_place = changes[i]};
        make_command(SIGNED_ENDS);
        assert_false(matches(text));
    }
}

/* The market's own mode may change while an order is on its way: a text without a mode is that of an
 * order with whichever mode the gateway found. */
TEST(intent, a_mode_left_to_the_market_is_not_held_against_a_later_one)
{
    assert_string_equal(place(SIGNED), "ok");
    assert_int_equal(intent.order_place.self_trade, SELF_TRADE_NONE);
    intent.order_place.self_trade = SELF_TRADE_EXPIRE_MAKER;
    make_command(SIGNED_ENDS);
    assert_true(matches(SIGNED));
    assert_false(matches(SIGNED "&selfTradePreventionMode=NONE"));
}

TEST(intent, a_changed_deadline_does_not_match)
{
    assert_string_equal(place(SIGNED), "ok");
    make_command(SIGNED_ENDS + 1);
    assert_false(matches(SIGNED));
    make_command(0);
    assert_false(matches(SIGNED));
    make_command(SIGNED_ENDS);
    assert_true(matches(SIGNED));
    assert_false(matches(SIGNED "&recvWindow=5001"));
    assert_true(matches(SIGNED "&recvWindow=5000"));
}

TEST(intent, a_command_of_another_type_does_not_match)
{
    intent = (struct intent){.type = T_CANCEL_ALL, .cancel_all = {.account = 7}};
    make_command(SIGNED_ENDS);
    assert_true(matches("symbol=BTCUSDT&timestamp=1700000000000"));
    assert_false(matches("symbol=ETHBTC&timestamp=1700000000000"));
    assert_false(matches(SIGNED));

    const struct seal_command seal = {.height = 1};
    const struct command_header header = {.length = COMMAND_HEADER_BYTES + SEAL_BYTES,
                                          .type = T_SEAL};
    command_header_put(bytes, &header);
    seal_command_put(bytes + COMMAND_HEADER_BYTES, &seal);
    assert_true(command_decode(bytes, header.length, &command));
    assert_false(matches(SIGNED));
}

TEST(intent, a_switch_is_a_market_and_a_time)
{
    const char *text = "symbol=ETHBTC&countdownTime=5000&timestamp=1700000000000";
    read_form(text);
    assert_true(intent_switch_set(&form, &params, &intent, &refusal));
    assert_int_equal(intent.switch_set.timeout_ms, 5000);
    assert_int_equal(intent.switch_set.market, ETHBTC);
    intent.switch_set.account = 7;
    make_command(SIGNED_ENDS);
    assert_true(matches(text));
    assert_false(matches("symbol=ETHBTC&countdownTime=5001&timestamp=1700000000000"));
    assert_false(matches("symbol=ETHBTC&countdownTime=5000&orderId=1&timestamp=1700000000000"));
    read_form("symbol=ETHBTC");
    assert_string_equal(answer(intent_switch_set(&form, &params, &intent, &refusal)),
                        MISSING("countdownTime"));
    read_form("symbol=ETHBTC&countdownTime=4294967296");
    assert_string_equal(answer(intent_switch_set(&form, &params, &intent, &refusal)),
                        "-1130 Data sent for parameter 'countdownTime' is not valid.");
}

/* Filters that an operator does not name are as they were when the gateway looked; those that he names
 * are his. */
TEST(intent, an_operators_filters_match_what_he_names)
{
    const char *text = "action=market-filters&nonce=5&symbol=BTCUSDT&bandPpm=1000";
    read_form(text);
    assert_true(intent_admin(&form, &params, &intent, &refusal));
    intent.market_filters.operator_index = 1;
    intent.market_filters.iceberg_parts_max = 7;
    make_command(0);
    assert_true(matches(text));
    intent.market_filters.band_ppm++;
    make_command(0);
    assert_false(matches(text));
}

TEST(intent, an_operators_command_matches_its_text)
{
    read_form("action=credit&nonce=5&account=3&asset=BTC&amount=1.5");
    assert_true(intent_admin(&form, &params, &intent, &refusal));
    intent.credit.operator_index = 2;
    make_command(0);
    assert_true(matches("action=credit&nonce=5&account=3&asset=BTC&amount=1.5"));
    assert_false(matches("action=credit&nonce=6&account=3&asset=BTC&amount=1.5"));
    assert_false(matches("action=credit&nonce=5&account=4&asset=BTC&amount=1.5"));
    assert_false(matches("action=credit&nonce=5&account=3&asset=BTC&amount=1.6"));
    assert_false(matches("action=debit&nonce=5&account=3&asset=BTC&amount=1.5"));
    assert_false(matches("action=credit&nonce=5&account=3&asset=BTC&amount=1.5&timestamp=1"));
    make_command(5000000000u + 1000000u);
    assert_true(matches("action=credit&nonce=5&account=3&asset=BTC&amount=1.5&timestamp=1"));
    assert_false(matches("action=credit&nonce=5&account=3&asset=BTC&amount=1.5"));
}

/* Rules 5 keep what a client calls its orders by, up to its bounds; below, the same text is the same order as ever. */
TEST(intent, strategy_numbers_are_kept_from_their_rules_on)
{
    static const char text[] = LIMIT_BUY "&strategyId=7&strategyType=1000002";
    assert_string_equal(place(text), "ok");
    assert_int_equal(intent.type, T_ORDER_PLACE);
    rules = PARAMS_RULES_API;
    assert_string_equal(place(text), "ok");
    assert_int_equal(intent.type, T_ORDER_SUBMIT);
    assert_int_equal(intent.order_place.qty.lots, 150000);
    assert_int_equal(intent.order_submit.strategy_id, 7);
    assert_int_equal(intent.order_submit.strategy_type, 1000002);
    assert_int_equal(intent.order_submit.flags, ORDER_TAG_NUMBERS);
    assert_string_equal(place(LIMIT_BUY "&strategyId=0"), "ok");
    assert_int_equal(intent.order_submit.flags, ORDER_TAG_ID);
    assert_string_equal(place(LIMIT_BUY), "ok");
    assert_int_equal(intent.type, T_ORDER_PLACE);
    assert_int_equal(strncmp(place(LIMIT_BUY "&strategyId=9223372036854775808"), "-1130", 5), 0);
    assert_int_equal(strncmp(place(LIMIT_BUY "&strategyType=2147483648"), "-1130", 5), 0);
    rules = PARAMS_RULES_API - 1;
    assert_string_equal(place(LIMIT_BUY "&strategyId=9223372036854775808"), "ok");
    assert_string_equal(place(LIMIT_BUY "&idempotent=maybe"), "ok"); /* no parameter yet */
    assert_int_equal(intent.type, T_ORDER_PLACE);
    rules = 0;
}

/* Who may ask again must say for what; and of lists each leg is called by itself. */
TEST(intent, an_idempotent_order_has_a_name)
{
    rules = PARAMS_RULES_API;
    assert_string_equal(place(LIMIT_BUY "&idempotent=true"), MISSING("newClientOrderId"));
    assert_string_equal(place(LIMIT_BUY "&idempotent=true&newClientOrderId=a"), "ok");
    assert_int_equal(intent.type, T_ORDER_SUBMIT);
    assert_int_equal(intent.order_submit.flags, ORDER_TAG_IDEMPOTENT);
    assert_string_equal(place(LIMIT_BUY "&idempotent=false&newClientOrderId=a"), "ok");
    assert_int_equal(intent.type, T_ORDER_PLACE);
    assert_int_equal(strncmp(place(LIMIT_BUY "&idempotent=yes&newClientOrderId=a"), "-1130", 5), 0);

    read_form("symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=60000&"
              "belowType=STOP_LOSS&belowStopPrice=40000&belowStrategyId=8");
    assert_true(intent_list_oco(&form, &params, &intent, &refusal));
    assert_int_equal(intent.type, T_LIST_SUBMIT);
    assert_int_equal(intent.list_place.kind, LIST_OCO);
    assert_int_equal(intent.list_submit.a_flags, 0);
    assert_int_equal(intent.list_submit.b_strategy_id, 8);
    assert_int_equal(intent.list_submit.b_flags, ORDER_TAG_ID);
    assert_int_equal(intent.list_submit.c_flags, 0);

    read_form(LIMIT_BUY "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=4&strategyId=8");
    assert_true(intent_order_replace(&form, &params, &intent, &refusal));
    assert_int_equal(intent.type, T_ORDER_RESUBMIT);
    assert_int_equal(intent.order_replace.cancel_order_id, 4);
    assert_int_equal(intent.order_resubmit.strategy_id, 8);
    rules = 0;
}

/* Whether the text asks, when `later` rules hold, for the command that it becomes now when `type` is what the log has. */
static bool matches_later(const char *query, uint16_t type, uint32_t later)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    uint64_t timestamp_ns, deadline_ns;
    read_form(query);
    assert_true(intent_order_place(&form, &params, &intent, &refusal));
    assert_true(intent_deadline(&form, &timestamp_ns, &deadline_ns, &refusal));
    intent.type = type;
    (void)intent_put(&intent, payload);
    const struct command sent = {.header = {.type = type, .deadline_ns = deadline_ns},
                                 .payload = payload};
    params.rules = later;
    return intent_matches(&form, &params, &sent);
}

static bool matches_as(const char *query, uint16_t type)
{
    return matches_later(query, type, rules);
}

/* The rules may change while a command is on its way: what it was called is lost then, whatever stood there, of which
 * earlier rules took anything. Nothing is called what its owner did not say. */
TEST(intent, a_name_may_be_lost_and_is_never_made_up)
{
    static const char *const taken_before[] = {
        LIMIT_BUY "&strategyId=9223372036854775808&timestamp=1700000000000",
        LIMIT_BUY "&strategyType=3000000000&timestamp=1700000000000",
        LIMIT_BUY "&idempotent=perhaps&timestamp=1700000000000",
        LIMIT_BUY "&idempotent=true&timestamp=1700000000000",
        LIMIT_BUY "&strategyId=0&strategyType=1000000&timestamp=1700000000000",
    };
    static const char plain[] = LIMIT_BUY "&timestamp=1700000000000";
    static const char called[] = LIMIT_BUY "&strategyId=7&timestamp=1700000000000";
    static const char once[] =
        LIMIT_BUY "&newClientOrderId=a&idempotent=true&timestamp=1700000000000";
    rules = PARAMS_RULES_API;
    assert_true(matches_as(called, T_ORDER_SUBMIT));
    assert_true(matches_as(called, T_ORDER_PLACE));
    assert_true(matches_as(plain, T_ORDER_PLACE));
    assert_false(matches_as(plain, T_ORDER_SUBMIT));
    assert_true(matches_as(once, T_ORDER_SUBMIT));
    assert_true(matches_as(once, T_ORDER_PLACE)); /* for vetting to object to */
    rules = PARAMS_RULES_API - 1;
    assert_true(matches_as(once, T_ORDER_PLACE));
    assert_false(matches_as(called, T_ORDER_SUBMIT));
    for (size_t i = 0; i < sizeof(taken_before) / sizeof(taken_before[0]); i++)
        assert_true(matches_later(taken_before[i], T_ORDER_PLACE, PARAMS_RULES_API));
    rules = 0;
}
