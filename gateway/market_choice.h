/* Which markets a request is about: by `symbol`, by `symbols`, or all; and of which status. */

#ifndef GATEWAY_MARKET_CHOICE_H
#define GATEWAY_MARKET_CHOICE_H

#include "gateway/request.h"

struct market_choice {
    uint32_t asked_count; /* that were named, or all there are: what a request is charged for */
    uint32_t count;       /* of those, the ones of the status that was asked for */
    bool is_single;       /* the answer is an object */
    bool is_all;          /* none was named */
    uint16_t markets[PARAMS_MARKETS_LIMIT];
};

/* One market that is named must have the status that is; of several, those that have it are left. */
MUST_CHECK bool market_choice_read(struct request *request, const struct facts *facts,
                                   struct market_choice *choice);

/* The optional `symbolStatus`; 0 where it was not sent. */
MUST_CHECK bool market_choice_read_status(struct request *request, uint8_t *status);

/* The same for a request about one market: refused where the market has another status. */
MUST_CHECK bool market_choice_status(struct request *request, const struct facts *facts,
                                     uint16_t market);

#endif /* GATEWAY_MARKET_CHOICE_H */
