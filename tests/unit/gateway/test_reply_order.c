#include "gateway/reply_order.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct writer json;

static struct printing printing(void)
{
    desk_open();
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    return (struct printing){market_views_params(fixture_views), DESK_MS_NS, desk_view};
}

static void assert_told(const char *part)
{
    desk_answer[json.used] = 0;
    if (strstr(desk_answer, part) == NULL) fail_msg("%s\nis not in\n%s", part, desk_answer);
}

/* A fill of an account with itself. */
static const struct view_fill own_fill = {.trade_id = 1,
                                          .maker_order = 3,
                                          .taker_order = 4,
                                          .price = {100},
                                          .qty = {1},
                                          .maker_account = 1,
                                          .taker_account = 1,
                                          .taker_side = SELL};

/* It is two of its trades. */
TEST(reply_order, own_fill_is_shown_once_per_side)
{
    const struct printing shown = printing();
    reply_fill(&json, &shown, &own_fill, 1, 0);
    assert_told("\"isBuyer\":true,\"isMaker\":true");
    assert_told("\"isBuyer\":false,\"isMaker\":false");
    assert_null(strstr(desk_answer, "\"orderId\":0"));
}

/* Of one order, one: the other side is the other order's. */
TEST(reply_order, an_own_fill_of_one_order_is_shown_once)
{
    for (uint64_t order_id = 3; order_id <= 4; order_id++) {
        const struct printing shown = printing();
        reply_fill(&json, &shown, &own_fill, 1, order_id);
        assert_told(order_id == 3 ? "\"orderId\":3," : "\"orderId\":4,");
        assert_null(strstr(desk_answer, order_id == 3 ? "\"orderId\":4," : "\"orderId\":3,"));
    }
}

/* What is told of it when it is asked for, and then when it is canceled. */
static const char *told_by(const struct printing *shown, const struct view_order *order)
{
    static const uint8_t cancel_id[36] = "c";
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    reply_order(&json, shown, order);
    reply_canceled(&json, shown, order, cancel_id, 9 * DESK_MS_NS);
    desk_answer[json.used] = 0;
    return desk_answer;
}

static const char *told_of(const struct view_order *order)
{
    const struct printing shown = printing();
    return told_by(&shown, order);
}

/* Since when a trailing stop follows the price is told as long as it is remembered, where it is known: since it was placed, once
 * there is a price. */
TEST(reply_order, a_trailing_stop_says_since_when_it_follows)
{
    struct view_order order = {.order_id = 1,
                               .created_ns = 7 * DESK_MS_NS,
                               .qty = {1},
                               .trailing_delta = 50,
                               .side = SELL,
                               .type = STOP_LOSS,
                               .time_in_force = GTC,
                               .status = ORDER_NEW};
    const char *text = strstr(told_of(&order), "\"trailingTime\":-1,\"trailingDelta\":50");
    assert_non_null(text); /* nothing has traded */
    assert_non_null(strstr(text + 1, "\"trailingTime\":-1,\"trailingDelta\":50"));
    order.stop_price = (price_t){5000};
    assert_null(strstr(told_of(&order), "trailingTime"));
    order.stop_price = (price_t){0};
    order.list_id = 3;
    assert_null(strstr(told_of(&order), "trailingTime"));
}

/* Without a price it begins with the market's first trade, and not when it was placed: that is then not said of it. */
TEST(reply_order, a_trailing_stop_from_before_the_first_trade_does_not_say_that_it_followed)
{
    struct view_order order = {.order_id = 1,
                               .qty = {1},
                               .trailing_delta = 50,
                               .side = SELL,
                               .type = STOP_LOSS,
                               .time_in_force = GTC,
                               .status = ORDER_NEW};
    const struct printing shown = printing();
    desk_accept(0, 8, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 9, 2, BUY, 5000000, 3, "b");
    desk_fill(0, 1, 1, 8, 1, 9, 2, BUY, 5000000, 1);
    desk_apply();
    const uint64_t first_ns = desk_stamp;
    desk_fill(0, 2, 2, 8, 1, 9, 2, BUY, 5000000, 1);
    desk_apply();
    order.created_ns = first_ns - 1;
    assert_null(strstr(told_by(&shown, &order), "trailingTime"));
    order.created_ns = first_ns;
    const char *text = strstr(told_by(&shown, &order), "\"trailingTime\":1700000040");
    assert_non_null(text);
    assert_non_null(strstr(text + 1, "\"trailingTime\":1700000040"));
}

/* A maker that buys is charged in base; its rebate is of the quote it paid. */
TEST(reply_order, a_rebate_is_a_commission_below_zero_in_what_was_paid)
{
    const struct printing shown = printing();
    const struct view_fill fill = {.trade_id = 1,
                                   .maker_order = 3,
                                   .taker_order = 4,
                                   .price = {100},
                                   .qty = {1},
                                   .maker_fee = {-5},
                                   .maker_account = 1,
                                   .taker_account = 2,
                                   .taker_side = SELL};
    reply_fill(&json, &shown, &fill, 1, 0);
    assert_told("\"commission\":\"-0.00000005\",\"commissionAsset\":\"USDT\"");
}

/* 2 lots at 50,000.00: 100,000,000 units of USDT, of which 0.02% is 20,000. */
TEST(reply_order, a_fill_is_charged_or_rebated_by_its_rate)
{
    const struct printing shown = printing();
    const struct fill_event fill = {.trade_id = 1,
                                    .maker_order = 3,
                                    .taker_order = 4,
                                    .price = {5000000},
                                    .qty = {2},
                                    .maker_rate_ppm = -200,
                                    .taker_rate_ppm = 1000,
                                    .taker_side = SELL};
    reply_own_fill(&json, &shown, &fill, 3);
    assert_told("\"commission\":\"-0.00020000\",\"commissionAsset\":\"USDT\"");
    reply_own_fill(&json, &shown, &fill, 4);
    assert_told("\"commission\":\"0.00100000\",\"commissionAsset\":\"USDT\"");
}

TEST(reply_order, an_expired_order_says_why)
{
    const struct printing shown = printing();
    struct view_order order = {.order_id = 1,
                               .list_id = 7,
                               .price = {100},
                               .qty = {5},
                               .iceberg_qty = {2},
                               .stop_price = {90},
                               .type = STOP_LOSS_LIMIT,
                               .time_in_force = GTC,
                               .status = ORDER_EXPIRED,
                               .reason = DONE_OCO};
    reply_order(&json, &shown, &order);
    assert_told("\"orderListId\":7");
    assert_told("\"stopPrice\":\"0.90000000\",\"icebergQty\":\"0.00002000\"");
    assert_told("\"isWorking\":false,\"workingTime\":-1,\"expiryReason\":\"OCO_TRIGGER\"");
    order.status = ORDER_CANCELED;
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    reply_order(&json, &shown, &order);
    desk_answer[json.used] = 0;
    assert_null(strstr(desk_answer, "expiryReason"));
}
