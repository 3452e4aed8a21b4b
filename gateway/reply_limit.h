/* Limits as the Binance Spot API prints them, and as we do: with what is left and when all of it is there again. */

#ifndef GATEWAY_REPLY_LIMIT_H
#define GATEWAY_REPLY_LIMIT_H

#include "gateway/order_tally.h"
#include "gateway/quota.h"
#include "gateway/writer.h"

enum reply_limit {
    LIMIT_WEIGHT,
    LIMIT_ORDERS_TEN_SECONDS,
    LIMIT_ORDERS_DAY,
    LIMIT_REQUESTS,
    LIMIT_HANDSHAKES, /* none of the API's, there: */
    REPLY_LIMITS
};

/* The array of the API's limits. */
void reply_limits(struct writer *json);

/* The members of one limit, of an object that is open: with `count`, how much of it is used; and with what remains and
 * when, in units of `time_unit_ns`, it is whole again. */
void reply_limit(struct writer *json, enum reply_limit limit);
void reply_limit_count(struct writer *json, enum reply_limit limit, uint32_t count);
void reply_limit_left(struct writer *json, enum reply_limit limit, uint32_t count, uint64_t now_ns,
                      uint64_t time_unit_ns);

#endif /* GATEWAY_REPLY_LIMIT_H */
