#include "tests/unit/gateway/desk_fixture.h"

#define ORDER     "/api/v3/order"
#define LIMIT_BUY "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

/* What the text says is in the command; whose it is comes from the key, and an id is made up when
 * none is given. */
TEST(trading, order_becomes_a_command)
{
    desk_open();
    desk_one_fill();
    assert_int_equal(desk_ask(METHOD_POST, ORDER, LIMIT_BUY, 2), OUTCOME_COMMAND);
    const struct order_place_command *order = &desk_request.intent.order_place;
    assert_int_equal(desk_request.intent.type, T_ORDER_PLACE);
    assert_int_equal(order->account, 2);
    assert_int_equal(order->price.ticks, 10000);
    assert_int_equal(order->qty.lots, 100000);
    assert_memory_equal(order->client_id, "ABCDEFGHIJKLMNOPQRSTUV", 23);
    assert_int_equal(desk_request.response, RESPONSE_FULL);
    assert_int_equal(
        desk_ask(METHOD_POST, ORDER, LIMIT_BUY "&newClientOrderId=mine&newOrderRespType=ACK", 2),
        OUTCOME_COMMAND);
    assert_memory_equal(order->client_id, "mine", 5);
    assert_int_equal(desk_request.response, RESPONSE_ACK);
}

TEST(trading, cancels_become_commands)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_DELETE, ORDER, "symbol=ETHBTC&orderId=7", 2), OUTCOME_COMMAND);
    assert_int_equal(desk_request.intent.order_cancel.order_id, 7);
    assert_int_equal(desk_request.intent.order_cancel.account, 2);
    assert_int_equal(desk_request.intent.order_cancel.market, 1);
    assert_int_equal(desk_request.reply_kind, REPLY_CANCEL);
    assert_int_equal(desk_ask(METHOD_DELETE, "/api/v3/openOrders", "symbol=BTCUSDT", 2),
                     OUTCOME_COMMAND);
    assert_int_equal(desk_request.intent.cancel_all.account, 2);
    assert_refused(METHOD_DELETE, ORDER, "symbol=NOPE&orderId=7", REJECT_UNKNOWN_MARKET);
}

/* A test order is judged like one, and changes nothing. */
TEST(trading, test_order_is_only_tested)
{
    const char *path = "/api/v3/order/test";
    desk_open();
    desk_one_fill();
    desk_balance(2, 1, 10000000000, 0);
    desk_apply();
    assert_int_equal(desk_ask(METHOD_POST, path, LIMIT_BUY, 2), OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, "{}");
    assert_refused(METHOD_POST, path,
                   "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=101",
                   REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(desk_ask(METHOD_POST, path, LIMIT_BUY "&computeCommissionRates=true", 2),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "standardCommissionForOrder"));
    assert_int_equal(desk_request.weight, 20);
}

/* Nor does one of a frozen account pass, whatever it has. */
TEST(trading, test_order_of_a_frozen_account_is_refused)
{
    desk_open();
    desk_one_fill();
    desk_balance(2, 1, 10000000000, 0);
    const struct account_frozen_event frozen = {.account = 2, .frozen = 1};
    event_write_account_frozen(&desk_events, &frozen);
    desk_apply();
    assert_int_equal(desk_ask(METHOD_POST, "/api/v3/order/test", LIMIT_BUY, 2), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, REJECT_ACCOUNT_FROZEN);
    const struct account_frozen_event let_go = {.account = 2};
    event_write_account_frozen(&desk_events, &let_go);
    desk_apply();
    assert_int_equal(desk_ask(METHOD_POST, "/api/v3/order/test", LIMIT_BUY, 2), OUTCOME_ANSWERED);
}

/* An operator's command carries the operator's place in the genesis. */
TEST(trading, admin_names_its_operator)
{
    desk_open();
    fixture_genesis.operator_count = 2;
    memset(fixture_genesis.operators[1], 9, 32);
    struct auth_piece value;
    bool path_exists;
    memset(&desk_request, 0, sizeof(desk_request));
    desk_request.route = route_find(METHOD_POST, "/quorex/v1/admin", 16, &value, &path_exists);
    desk_request.form = &desk_form;
    memset(desk_request.proof.key_id, 9, 32);
    const char *text = "action=credit&account=1&asset=BTC&amount=1.5&nonce=4";
    assert_true(form_parse(&desk_form, "", 0, text, strlen(text)));
    assert_int_equal(trading_admin(&desk_request, &desk_facts), OUTCOME_COMMAND);
    assert_int_equal(desk_request.intent.type, T_CREDIT);
    assert_int_equal(desk_request.intent.credit.operator_index, 1);
    assert_int_equal(desk_request.intent.credit.amount.units, 150000000);
    assert_int_equal(desk_request.intent.credit.nonce, 4);
}

/* Whoever runs an older build would stop at it. */
TEST(trading, liabilities_are_ordered_from_rules_3_on)
{
    const char *text = "action=liabilities-order&nonce=4";
    for (uint32_t rules = 1; rules <= 3; rules++) {
        desk_open();
        fixture_genesis.operator_count = 2;
        fixture_genesis.params.rules = rules;
        memset(fixture_genesis.operators[1], 9, 32);
        desk_reopen();
        memset(&desk_request, 0, sizeof(desk_request));
        desk_request.form = &desk_form;
        memset(desk_request.proof.key_id, 9, 32);
        assert_true(form_parse(&desk_form, "", 0, text, strlen(text)));
        assert_int_equal(trading_admin(&desk_request, &desk_facts),
                         rules < PARAMS_RULES_LIABILITIES ? OUTCOME_REFUSED : OUTCOME_COMMAND);
        if (rules < PARAMS_RULES_LIABILITIES)
            assert_int_equal(desk_request.refusal.reject, REJECT_RULES);
        else
            assert_int_equal(desk_request.intent.liabilities_order.operator_index, 1);
    }
}

/* Each path reads its own parameters and becomes its own command. */
TEST(trading, every_new_path_becomes_its_command)
{
#define OCO_TEXT \
    "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=60000&" \
    "belowType=STOP_LOSS&belowStopPrice=40000"
#define WORKING_TEXT \
    "symbol=BTCUSDT&workingType=LIMIT_MAKER&workingSide=BUY&workingPrice=50000&" \
    "workingQuantity=1&pendingSide=SELL&pendingQuantity=1&"
    static const struct {
        enum method method;
        const char *path, *text;
        uint16_t type;
        enum reply_kind kind;
    } paths[] = {
        {METHOD_POST, "/api/v3/order/cancelReplace",
         LIMIT_BUY "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=1", T_ORDER_REPLACE,
         REPLY_REPLACE},
        {METHOD_PUT, "/api/v3/order/amend/keepPriority", "symbol=BTCUSDT&orderId=1&newQty=1",
         T_ORDER_AMEND, REPLY_AMEND},
        {METHOD_PUT, "/fapi/v1/order/amend/keepPriority", "symbol=BTCUSDT&orderId=1&newQty=1",
         T_ORDER_AMEND, REPLY_AMEND},
        {METHOD_POST, "/api/v3/orderList/oco", OCO_TEXT, T_LIST_PLACE, REPLY_LIST},
        {METHOD_POST, "/api/v3/orderList/oto", WORKING_TEXT "pendingType=MARKET", T_LIST_PLACE,
         REPLY_LIST},
        {METHOD_POST, "/api/v3/orderList/otoco",
         WORKING_TEXT "pendingAboveType=LIMIT_MAKER&pendingAbovePrice=60000&"
                      "pendingBelowType=STOP_LOSS&pendingBelowStopPrice=40000",
         T_LIST_PLACE, REPLY_LIST},
        {METHOD_POST, "/api/v3/order/oco",
         "symbol=BTCUSDT&side=SELL&quantity=1&price=60000&stopPrice=40000", T_LIST_PLACE,
         REPLY_LIST},
        {METHOD_DELETE, "/api/v3/orderList", "symbol=BTCUSDT&orderListId=1", T_LIST_CANCEL,
         REPLY_LIST_CANCEL},
        {METHOD_POST, "/quorex/v1/switch", "symbol=BTCUSDT&countdownTime=0", T_SWITCH_SET,
         REPLY_SWITCH},
    };
    desk_open();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(desk_ask(paths[i].method, paths[i].path, paths[i].text, 2),
                         OUTCOME_COMMAND);
        assert_int_equal(desk_request.intent.type, paths[i].type);
        assert_int_equal(desk_request.reply_kind, paths[i].kind);
        assert_int_equal(desk_request.route->security, SECURITY_TRADE);
    }
}

TEST(trading, a_list_answers_with_results_and_names_every_order)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_POST, "/api/v3/orderList/oco", OCO_TEXT, 2), OUTCOME_COMMAND);
    const struct list_place_command *list = &desk_request.intent.list_place;
    assert_int_equal(desk_request.response, RESPONSE_RESULT);
    assert_int_equal(list->account, 2);
    assert_int_not_equal(list->client_id[0], 0);
    assert_memory_not_equal(list->a_client_id, list->b_client_id, 36);
    assert_refused(METHOD_POST, "/api/v3/orderList/oco", "symbol=BTCUSDT&side=SELL&quantity=1",
                   REJECT_MANDATORY);
    assert_refused(METHOD_POST, "/api/v3/orderList/oco", OCO_TEXT "&idempotent=true",
                   REJECT_NOT_REQUIRED);
    assert_refused(METHOD_POST, "/api/v3/orderList/oco",
                   "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=60000&"
                   "belowType=TAKE_PROFIT&belowStopPrice=40000",
                   REJECT_OCO_SELL_PROFIT);
    assert_refused(METHOD_POST, "/api/v3/orderList/otoco",
                   WORKING_TEXT "pendingAboveType=STOP_LOSS&pendingAboveStopPrice=60000&"
                                "pendingBelowType=STOP_LOSS&pendingBelowStopPrice=40000",
                   REJECT_OCO_SELL_STOP);
    assert_refused(METHOD_POST, "/api/v3/order/cancelReplace",
                   LIMIT_BUY "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=1&idempotent=true",
                   REJECT_NOT_REQUIRED);
}
