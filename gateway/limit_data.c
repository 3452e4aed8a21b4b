#include "gateway/reply_limit.h"
#include "gateway/route.h"

/* Orders are by the log's clock, all else by the gateway's. */
static bool is_of_orders(enum reply_limit limit)
{
    return limit == LIMIT_ORDERS_TEN_SECONDS || limit == LIMIT_ORDERS_DAY;
}

static uint32_t orders_of(const struct request *request, const struct facts *facts,
                          enum reply_limit limit)
{
    return order_tally_placed(&view_account(facts->view, request->account)->tally,
                              limit == LIMIT_ORDERS_DAY ? TALLY_DAY : TALLY_TEN_SECONDS,
                              market_views_now_ns(facts->markets));
}

/* What the request's address has used. */
static uint32_t used_of(const struct request *request, const struct facts *facts,
                        enum reply_limit limit)
{
    const enum quota_kind kind = limit == LIMIT_WEIGHT     ? QUOTA_WEIGHT
                                 : limit == LIMIT_REQUESTS ? QUOTA_REQUESTS
                                                           : QUOTA_HANDSHAKES;
    if (facts->quota == NULL) return 0;
    return quota_charge(facts->quota, kind, request->address, 0, request->now_ns);
}

enum outcome limit_data_orders(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    writer_array(json);
    for (enum reply_limit limit = 0; limit < REPLY_LIMITS; limit++) {
        if (!is_of_orders(limit)) continue;
        writer_object(json);
        reply_limit_count(json, limit, orders_of(request, facts, limit));
        writer_object_end(json);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome limit_data_all(struct request *request, const struct facts *facts)
{
    const uint64_t log_ns = market_views_now_ns(facts->markets);
    const uint64_t unit_ns = request->time_unit_ns;
    struct writer *json = &request->json;
    writer_object(json);
    writer_key_u64(json, "serverTime", request->now_ns / unit_ns);
    writer_key_bool(json, "enforced", facts->limits_on);
    writer_key(json, "rateLimits");
    writer_array(json);
    for (enum reply_limit limit = 0; limit < REPLY_LIMITS; limit++) {
        writer_object(json);
        if (is_of_orders(limit))
            reply_limit_left(json, limit, orders_of(request, facts, limit), log_ns, unit_ns);
        else
            reply_limit_left(json, limit, used_of(request, facts, limit), request->now_ns, unit_ns);
        writer_object_end(json);
    }
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}
