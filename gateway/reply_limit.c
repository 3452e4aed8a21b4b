#include "gateway/reply_limit.h"

static const struct {
    const char *type;
    const char *interval;
    uint32_t interval_count;
    uint32_t limit;
    uint64_t length_ns;
} limits[REPLY_LIMITS] = {
    [LIMIT_WEIGHT] = {"REQUEST_WEIGHT", "MINUTE", 1, QUOTA_WEIGHT_MAX, QUOTA_MINUTE_NS},
    [LIMIT_ORDERS_TEN_SECONDS] = {"ORDERS", "SECOND", 10, ORDER_TALLY_TEN_SECONDS_MAX,
                                  10000000000u},
    [LIMIT_ORDERS_DAY] = {"ORDERS", "DAY", 1, ORDER_TALLY_DAY_MAX, 86400000000000u},
    [LIMIT_REQUESTS] = {"RAW_REQUESTS", "MINUTE", 5, QUOTA_REQUESTS_MAX, 5 * QUOTA_MINUTE_NS},
    [LIMIT_HANDSHAKES] = {"CONNECTIONS", "MINUTE", 5, QUOTA_HANDSHAKES_MAX, 5 * QUOTA_MINUTE_NS},
};

void reply_limit(struct writer *json, enum reply_limit limit)
{
    writer_key_string(json, "rateLimitType", limits[limit].type);
    writer_key_string(json, "interval", limits[limit].interval);
    writer_key_u64(json, "intervalNum", limits[limit].interval_count);
    writer_key_u64(json, "limit", limits[limit].limit);
}

void reply_limit_count(struct writer *json, enum reply_limit limit, uint32_t count)
{
    reply_limit(json, limit);
    writer_key_u64(json, "count", count);
}

void reply_limit_left(struct writer *json, enum reply_limit limit, uint32_t count, uint64_t now_ns,
                      uint64_t time_unit_ns)
{
    const uint64_t length_ns = limits[limit].length_ns;
    reply_limit_count(json, limit, count);
    writer_key_u64(json, "remaining",
                   count < limits[limit].limit ? limits[limit].limit - count : 0);
    writer_key_u64(json, "reset", (now_ns / length_ns + 1) * length_ns / time_unit_ns);
}

void reply_limits(struct writer *json)
{
    writer_array(json);
    for (enum reply_limit limit = 0; limit < LIMIT_HANDSHAKES; limit++) {
        writer_object(json);
        reply_limit(json, limit);
        writer_object_end(json);
    }
    writer_array_end(json);
}
