#include "gateway/reply_limit.h"

#include "tests/harness.h"

static char bytes[1024];
static struct writer json;

/* exchangeInfo lists what is enforced, and no more. */
TEST(reply_limit, all_limits_are_listed)
{
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_limits(&json);
    bytes[json.used] = 0;
    assert_string_equal(bytes, "[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
                               "\"intervalNum\":1,\"limit\":6000},"
                               "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
                               "\"intervalNum\":10,\"limit\":100},"
                               "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\","
                               "\"intervalNum\":1,\"limit\":200000},"
                               "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\","
                               "\"intervalNum\":5,\"limit\":300000}]");
}

/* More than all is nothing left, not a wrapped number. */
TEST(reply_limit, nothing_is_left_of_what_is_overdrawn)
{
    writer_start(&json, bytes, sizeof(bytes) - 1);
    writer_object(&json);
    reply_limit_left(&json, LIMIT_WEIGHT, 6001, 1700000099999000000u, 1000);
    writer_object_end(&json);
    bytes[json.used] = 0;
    assert_non_null(strstr(bytes, "\"count\":6001,\"remaining\":0,\"reset\":1700000100000000}"));
}
