#include "gateway/quota.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct quota quota;

static void open_counted(void)
{
    static uint8_t memory[1 << 20] __attribute__((aligned(64)));
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    assert_true(quota_init(&quota, &arena));
    desk_open();
    desk_facts.quota = &quota;
    desk_account(1);
    desk_accept(0, 1, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 2, 1, SELL, 5100000, 3, "b");
    desk_apply();
}

TEST(limit_data, order_count_is_the_accounts_own)
{
    open_counted();
    desk_account(2);
    desk_apply();
    assert_answer("/api/v3/rateLimit/order", "", 1,
                  "[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                  "\"limit\":100,\"count\":2},{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\","
                  "\"intervalNum\":1,\"limit\":200000,\"count\":2}]");
    assert_int_equal(desk_request.weight, 40);
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/rateLimit/order", "", 2), OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "\"count\":2"));
}

/* What is left of each, and when it is whole again: the minute, the ten seconds, the day. */
TEST(limit_data, limits_say_what_is_left_and_until_when)
{
    open_counted();
    quota_charge(&quota, QUOTA_WEIGHT, 0, 70, desk_stamp);
    quota_charge(&quota, QUOTA_REQUESTS, 0, 5, desk_stamp);
    quota_charge(&quota, QUOTA_HANDSHAKES, 0, 2, desk_stamp);
    assert_answer("/quorex/v1/limits", "", 1,
                  "{\"serverTime\":1700000040001,\"enforced\":false,\"rateLimits\":["
                  "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
                  "\"limit\":6000,\"count\":70,\"remaining\":5930,\"reset\":1700000100000},"
                  "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,"
                  "\"limit\":100,\"count\":2,\"remaining\":98,\"reset\":1700000050000},"
                  "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,"
                  "\"limit\":200000,\"count\":2,\"remaining\":199998,\"reset\":1700006400000},"
                  "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,"
                  "\"limit\":300000,\"count\":5,\"remaining\":299995,\"reset\":1700000100000},"
                  "{\"rateLimitType\":\"CONNECTIONS\",\"interval\":\"MINUTE\",\"intervalNum\":5,"
                  "\"limit\":300,\"count\":2,\"remaining\":298,\"reset\":1700000100000}]}");
}
