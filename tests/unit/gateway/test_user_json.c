#include "gateway/user_json.h"

#include "gateway/made_id.h"

#include "tests/unit/gateway/user_fixture.h"

static void open_both(void)
{
    user_open();
    user_join(&user_ann, 1);
    user_join(&user_bob, 2);
}

/* Every member of a resting order's first report, by its bytes: 3 lots of 0.00001 at 50,000.00. */
TEST(user_json, new_order_is_reported_whole)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    desk_balance(1, 0, 99997000, 3000);
    user_apply();
    assert_string_equal(
        user_heard,
        "ann {\"e\":\"executionReport\",\"E\":1700000040002,\"s\":\"BTCUSDT\",\"c\":\"mine\","
        "\"C\":\"\",\"S\":\"SELL\",\"o\":\"LIMIT\",\"f\":\"GTC\",\"q\":\"0.00003000\","
        "\"p\":\"50000.00000000\",\"P\":\"0.00000000\",\"F\":\"0.00000000\",\"g\":-1,"
        "\"x\":\"NEW\",\"X\":\"NEW\",\"r\":\"NONE\",\"i\":7,\"z\":\"0.00000000\","
        "\"Z\":\"0.00000000\",\"Q\":\"0.00000000\",\"w\":true,\"l\":\"0.00000000\","
        "\"L\":\"0.00000000\",\"Y\":\"0.00000000\",\"n\":\"0\",\"N\":null,\"t\":-1,"
        "\"T\":1700000040002,\"O\":1700000040002,\"I\":2,\"m\":false,\"M\":false,"
        "\"W\":1700000040002,\"V\":\"NONE\",\"sequence\":\"2-0\"}\n"
        "ann {\"e\":\"outboundAccountPosition\",\"E\":1700000040002,\"u\":1700000040002,"
        "\"B\":[{\"a\":\"BTC\",\"f\":\"0.99997000\",\"l\":\"0.00003000\"}],"
        "\"sequence\":\"2-4\"}\n");
}

/* A fill is told to both of its sides, each with its own fee in what it received; the one that ends with it says FILLED. */
TEST(user_json, fill_is_reported_to_both_sides)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    user_apply();
    user_silence();
    desk_accept(0, 8, 2, BUY, 5000000, 2, "his");
    desk_fill(0, 21, 1, 7, 1, 8, 2, BUY, 5000000, 2);
    desk_done(0, 8, 2, BUY, 5000000, 2, 2, 100000000, ORDER_FILLED, "his");
    user_apply();
    assert_string_equal(user_values("x"), "\"NEW\" \"TRADE\" \"TRADE\"");
    assert_string_equal(user_values("X"), "\"NEW\" \"FILLED\" \"PARTIALLY_FILLED\"");
    assert_string_equal(user_values("w"), "true false true");
    assert_string_equal(user_values("m"), "false false true");
    assert_string_equal(user_values("t"), "-1 21 21");
    assert_string_equal(user_values("n"), "\"0\" \"0.00000002\" \"0.00100000\"");
    assert_string_equal(user_values("N"), "null \"BTC\" \"USDT\"");
    assert_string_equal(user_values("l"), "\"0.00000000\" \"0.00002000\" \"0.00002000\"");
    assert_string_equal(user_values("L"), "\"0.00000000\" \"50000.00000000\" \"50000.00000000\"");
    assert_string_equal(user_values("Y"), "\"0.00000000\" \"1.00000000\" \"1.00000000\"");
    assert_string_equal(user_values("z"), "\"0.00000000\" \"0.00002000\" \"0.00002000\"");
    assert_string_equal(user_values("sequence"), "\"3-0\" \"3-4\" \"3-5\"");
}

/* A cancel's id is c, the order's C. */
TEST(user_json, canceled_order_has_two_names)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    user_apply();
    user_silence();
    user_cancels("cancel-1");
    desk_done(0, 7, 1, SELL, 5000000, 3, 0, 0, ORDER_CANCELED, "mine");
    user_apply();
    user_assert_told("\"c\":\"cancel-1\",\"C\":\"mine\"");
    user_assert_told("\"x\":\"CANCELED\",\"X\":\"CANCELED\"");
    assert_string_equal(user_values("w"), "false");
}

/* Who cancels all has the name that his answer has, the same on every node. */
TEST(user_json, cancel_of_all_has_the_name_that_its_answer_has)
{
    uint8_t id[36] = {0};
    char expected[64];
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    user_apply();
    user_silence();
    user_cancels_all();
    desk_end(7, 1, SELL, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_CANCELED_ALL, "mine");
    user_apply();
    made_id_cancel(desk_number, id);
    snprintf(expected, sizeof(expected), "\"c\":\"%.36s\",\"C\":\"mine\"", (const char *)id);
    user_assert_told(expected);
}

/* A switch that fires before the command it comes with is not that command's cancel. */
TEST(user_json, what_another_reason_ended_has_not_the_cancels_name)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    desk_accept(0, 8, 1, SELL, 5000000, 3, "other");
    user_apply();
    user_silence();
    user_cancels("cancel-1");
    desk_end(7, 1, SELL, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_SWITCH, "mine");
    desk_end(8, 1, SELL, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_CANCELED, "other");
    user_apply();
    assert_string_equal(user_values("c"), "\"mine\" \"cancel-1\"");
    assert_string_equal(user_values("C"), "\"mine\" \"other\"");
}

TEST(user_json, expired_order_says_why)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    desk_end(7, 1, SELL, LIMIT, 5000000, 3, ORDER_EXPIRED, DONE_IOC_UNFILLED, "mine");
    user_apply();
    assert_string_equal(user_values("x"), "\"NEW\" \"EXPIRED\"");
    assert_string_equal(user_values("eR"), "\"UNFILLED_IOC_QUANTITY_EXPIRED\"");
}

/* A stop's terms come behind its acceptance; its report has them all the same, and another when it fires. */
TEST(user_json, stop_is_reported_with_its_terms_and_when_it_fires)
{
    open_both();
    desk_accept_type(7, 1, SELL, STOP_LOSS_LIMIT, 4900000, 3, "stop");
    const struct order_terms_event terms = {
        .order_id = 7, .stop_price = {4950000}, .iceberg_qty = {1}, .account = 1};
    event_write_order_terms(&desk_events, &terms);
    const struct order_tagged_event tagged = {
        .order_id = 7, .strategy_id = 5, .strategy_type = 1000001, .account = 1, .flags = 3};
    event_write_order_tagged(&desk_events, &tagged);
    user_apply();
    user_assert_told("\"P\":\"49500.00000000\",\"F\":\"0.00001000\"");
    user_assert_told("\"w\":false");
    user_assert_told("\"M\":false,\"j\":5,\"J\":1000001,\"V\"");
    user_silence();
    const struct order_triggered_event fired = {.order_id = 7, .account = 1};
    event_write_order_triggered(&desk_events, &fired);
    user_apply();
    user_assert_told("\"x\":\"NEW\",\"X\":\"NEW\"");
    user_assert_told("\"w\":true");
    user_assert_told("\"W\":1700000040003");
}

/* It follows from the start when it names no stop price and the market has a price, and each of its reports says since when. */
TEST(user_json, trailing_stop_says_when_it_follows)
{
    open_both();
    struct order_terms_event terms = {.order_id = 7, .trailing_delta = 100, .account = 1};
    desk_accept_type(7, 1, SELL, STOP_LOSS, 0, 3, "early");
    event_write_order_terms(&desk_events, &terms);
    user_apply();
    assert_string_equal(user_values("d"), "100");
    assert_string_equal(user_values("D"), "");
    desk_accept(0, 8, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 9, 2, BUY, 5000000, 3, "b");
    desk_fill(0, 1, 1, 8, 1, 9, 2, BUY, 5000000, 1);
    user_apply();
    user_silence();
    desk_end(7, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_CANCELED, "early");
    user_apply();
    assert_string_equal(user_values("x"), "\"CANCELED\"");
    assert_string_equal(user_values("D"), ""); /* it has followed since the first trade */
    user_silence();
    terms.order_id = 10;
    desk_accept_type(10, 1, SELL, STOP_LOSS, 0, 3, "late");
    event_write_order_terms(&desk_events, &terms);
    user_apply();
    assert_string_equal(user_values("D"), "1700000040005");
    user_silence();
    const struct order_triggered_event fired = {.order_id = 10, .account = 1};
    event_write_order_triggered(&desk_events, &fired);
    desk_end(10, 1, SELL, STOP_LOSS, 0, 3, ORDER_EXPIRED, DONE_NO_LIQUIDITY, "late");
    user_apply();
    assert_string_equal(user_values("x"), "\"NEW\" \"EXPIRED\"");
    assert_string_equal(user_values("D"), "1700000040005 1700000040005");
    user_silence();
    terms.order_id = 11;
    terms.stop_price.ticks = 4000000;
    desk_accept_type(11, 1, SELL, STOP_LOSS, 0, 3, "waits");
    event_write_order_terms(&desk_events, &terms);
    user_apply();
    assert_string_equal(user_values("D"), "");
}

/* A maker of `maker_lots`, and 5 of the same account that meet it: what each loses by that. */
static void meet_own(int64_t maker_lots, int64_t maker_loses, int64_t taker_loses,
                     enum self_trade mode)
{
    const struct prevented_event prevented = {.prevented_id = 4,
                                              .maker_order = 7,
                                              .taker_order = 8,
                                              .price = {5000000},
                                              .maker_qty = {maker_loses},
                                              .taker_qty = {taker_loses},
                                              .maker_account = 1,
                                              .taker_account = 1,
                                              .taker_side = BUY,
                                              .mode = (uint8_t)mode};
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, maker_lots, "maker");
    user_apply();
    user_silence();
    desk_accept(0, 8, 1, BUY, 5000000, 5, "taker");
    event_write_prevented(&desk_events, &prevented);
}

/* 5 lots meet 3 of the same account's, DECREMENT: both lose 3; the maker ends by it, and the taker says what it has lost. */
TEST(user_json, prevented_match_is_reported_to_each_that_lost)
{
    meet_own(3, 3, 3, SELF_TRADE_DECREMENT);
    desk_end(7, 1, SELL, LIMIT, 5000000, 3, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE, "maker");
    user_apply();
    assert_string_equal(user_values("x"), "\"NEW\" \"TRADE_PREVENTION\" \"TRADE_PREVENTION\"");
    assert_string_equal(user_values("X"), "\"NEW\" \"NEW\" \"EXPIRED_IN_MATCH\"");
    user_assert_told("\"v\":4,\"A\":\"0.00003000\",\"B\":\"0.00003000\",\"u\":-1,\"U\":7,"
                     "\"Cs\":\"BTCUSDT\",\"pl\":\"0.00003000\",\"pL\":\"50000.00000000\","
                     "\"pY\":\"1.50000000\"");
    assert_string_equal(user_values("U"), "7 8");
}

/* An iceberg of 9 shows 2: those alone are what a match with it would have traded. */
TEST(user_json, prevented_match_with_an_iceberg_is_of_what_it_shows)
{
    meet_own(9, 2, 2, SELF_TRADE_DECREMENT);
    user_apply();
    assert_string_equal(user_values("pl"), "\"0.00002000\" \"0.00002000\"");
}

/* Who gave way alone is told alone; they would have traded what the smaller one had. */
TEST(user_json, who_gave_way_alone_is_told_alone)
{
    meet_own(3, 0, 5, SELF_TRADE_EXPIRE_TAKER);
    desk_end(8, 1, BUY, LIMIT, 5000000, 5, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE, "taker");
    user_apply();
    assert_string_equal(user_values("X"), "\"NEW\" \"EXPIRED_IN_MATCH\"");
    assert_string_equal(user_values("B"), "\"0.00005000\"");
    assert_string_equal(user_values("pl"), "\"0.00003000\"");
}

/* An amended order keeps its place under another name. */
TEST(user_json, amended_order_is_replaced)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    user_apply();
    user_silence();
    const struct order_amended_event amended = {
        .order_id = 7, .qty_before = {3}, .qty = {2}, .account = 1, .client_id = "new-name"};
    event_write_order_amended(&desk_events, &amended);
    user_apply();
    user_assert_told("\"c\":\"new-name\",\"C\":\"mine\"");
    user_assert_told("\"q\":\"0.00002000\"");
    user_assert_told("\"x\":\"REPLACED\",\"X\":\"NEW\"");
}

/* The cancel of a replace went, its order did not: both are told, in that order, ahead of the balance. */
TEST(user_json, second_half_of_a_replace_is_rejected)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "mine");
    user_apply();
    user_silence();
    user_replaces("cancel-1", "never");
    const struct order_replaced_event replaced = {.place_reject = REJECT_INSUFFICIENT_BALANCE,
                                                  .attempted = 1};
    event_write_order_replaced(&desk_events, &replaced);
    desk_end(7, 1, SELL, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_REPLACED, "mine");
    desk_balance(1, 0, 100000000, 0);
    user_apply();
    assert_string_equal(user_values("e"), "\"executionReport\" \"executionReport\" "
                                          "\"outboundAccountPosition\"");
    assert_string_equal(user_values("X"), "\"CANCELED\" \"REJECTED\"");
    assert_string_equal(user_values("c"), "\"cancel-1\" \"never\"");
    assert_string_equal(user_values("r"), "\"NONE\" \"INSUFFICIENT_BALANCES\"");
    assert_string_equal(user_values("i"), "7 -1");
    assert_string_equal(user_values("sequence"), "\"3-4\" \"3-8\" \"3-9\"");
}

/* A replace that canceled nothing changed nothing, whether it tried to place or not: its answer says so, and no event. */
TEST(user_json, a_replace_that_changed_nothing_is_not_told)
{
    open_both();
    user_replaces("cancel-1", "never");
    struct order_replaced_event replaced = {.cancel_reject = REJECT_UNKNOWN_ORDER};
    event_write_order_replaced(&desk_events, &replaced);
    user_apply();
    user_replaces("cancel-1", "never");
    replaced.attempted = 1;
    replaced.place_reject = REJECT_INSUFFICIENT_BALANCE;
    event_write_order_replaced(&desk_events, &replaced);
    user_apply();
    assert_string_equal(user_heard, "");
}

/* A list is told when it begins and when it ends, with the names that its orders got later in the command. */
TEST(user_json, list_is_told_when_it_begins_and_ends)
{
    open_both();
    desk_list(1, 1, LIST_OCO, 11, 12, 0, "oco");
    desk_accept_type(11, 1, SELL, LIMIT_MAKER, 6000000, 3, "above");
    desk_terms(0, 11, 1, 1, 0, false);
    desk_accept_type(12, 1, SELL, STOP_LOSS, 0, 3, "below");
    desk_terms(0, 12, 1, 1, 4000000, false);
    user_apply();
    user_assert_told("{\"e\":\"listStatus\",\"E\":1700000040002,\"s\":\"BTCUSDT\",\"g\":1,"
                     "\"c\":\"OCO\",\"l\":\"EXEC_STARTED\",\"L\":\"EXECUTING\",\"r\":\"NONE\","
                     "\"C\":\"oco\",\"T\":1700000040002,\"O\":["
                     "{\"s\":\"BTCUSDT\",\"i\":11,\"c\":\"above\"},"
                     "{\"s\":\"BTCUSDT\",\"i\":12,\"c\":\"below\"}],\"sequence\":\"2-0\"}");
    assert_string_equal(user_values("g"), "1 1 1");
    user_silence();
    user_cancels("cancel-1");
    desk_terms(0, 11, 1, 1, 0, false);
    desk_end(11, 1, SELL, LIMIT_MAKER, 6000000, 3, ORDER_CANCELED, DONE_CANCELED, "above");
    desk_terms(0, 12, 1, 1, 4000000, false);
    desk_end(12, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_LIST_CANCELED, "below");
    desk_list_done(1, 1);
    user_apply();
    assert_string_equal(user_values("l"), "\"0.00000000\" \"0.00000000\" \"ALL_DONE\"");
    assert_string_equal(user_values("x"), "\"CANCELED\" \"CANCELED\"");
    user_assert_told("\"c\":\"cancel-1\",\"C\":\"below\"");
}

/* What comes from outside and leaves again is a balanceUpdate; a withdrawal has left once it is approved. */
TEST(user_json, money_from_outside_is_told_by_how_much)
{
    open_both();
    const struct credited_event credited = {.amount = {500}, .account = 1, .asset = 1};
    event_write_credited(&desk_events, &credited);
    const struct debited_event debited = {.amount = {200}, .account = 1, .asset = 1};
    event_write_debited(&desk_events, &debited);
    user_apply();
    assert_string_equal(user_values("d"), "\"0.00000500\" \"-0.00000200\"");
    user_assert_told("ann {\"e\":\"balanceUpdate\",\"E\":1700000040002,\"a\":\"USDT\","
                     "\"d\":\"0.00000500\",\"T\":1700000040002,\"sequence\":\"2-0\"}");
}

static void withdraw(uint8_t before, uint8_t state)
{
    const struct withdrawal_moved_event withdrawal = {.withdrawal = 1,
                                                      .amount = {700},
                                                      .paid = {700},
                                                      .account = 1,
                                                      .before = before,
                                                      .state = state};
    user_silence();
    event_write_withdrawal_moved(&desk_events, &withdrawal);
    user_apply();
}

TEST(user_json, withdrawal_is_told_when_it_leaves_and_when_it_comes_back)
{
    open_both();
    withdraw(0, WITHDRAWAL_HELD);
    assert_string_equal(user_heard, "");
    withdraw(WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    assert_string_equal(user_values("d"), "\"-0.00000700\"");
    withdraw(WITHDRAWAL_APPROVED, WITHDRAWAL_BROADCAST);
    assert_string_equal(user_heard, "");
    withdraw(WITHDRAWAL_BROADCAST, WITHDRAWAL_FAILED);
    assert_string_equal(user_values("d"), "\"0.00000700\"");
}

/* A MARKET order by quote amount has no quantity to be filled by: its last trade says FILLED because it was the last. */
TEST(user_json, order_by_quote_amount_is_filled_by_its_last_trade)
{
    open_both();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "a");
    user_apply();
    user_silence();
    const struct order_accepted_event by_quote = {
        .order_id = 8, .quote_qty = {150000000}, .account = 2, .side = BUY, .type = MARKET};
    event_write_order_accepted(&desk_events, &by_quote);
    desk_fill(0, 21, 1, 7, 1, 8, 2, BUY, 5000000, 1);
    desk_fill(0, 22, 1, 7, 1, 8, 2, BUY, 5000000, 2);
    desk_done(0, 7, 1, SELL, 5000000, 3, 3, 150000000, ORDER_FILLED, "a");
    desk_done(0, 8, 2, BUY, 0, 3, 3, 150000000, ORDER_FILLED, "");
    user_apply();
    assert_string_equal(user_values("X"), "\"NEW\" \"PARTIALLY_FILLED\" \"FILLED\" "
                                          "\"PARTIALLY_FILLED\" \"FILLED\"");
    assert_string_equal(user_values("Q"), "\"1.50000000\" \"1.50000000\" \"1.50000000\" "
                                          "\"0.00000000\" \"0.00000000\"");
}

TEST(user_json, terminated_stream_says_so)
{
    char bytes[128];
    struct writer json;
    writer_start(&json, bytes, sizeof(bytes) - 1);
    user_json_terminated(&json, 12);
    bytes[json.used] = 0;
    assert_string_equal(bytes, "{\"e\":\"eventStreamTerminated\",\"E\":12}");
}
