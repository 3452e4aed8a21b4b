/* Flows made for a bench that ask what an even flow near one price does not: sparse prices, a sweep of
 * many levels, many markets in turn. Each is the same whenever it is made.
 *
 *     sparse    one market, some 100,000 orders spread evenly over 10^9 prices
 *     sweep     10,000 orders at 10,000 prices, then one that takes them all; again on the other side
 *     markets   1,000 markets taking turns, some 100 orders in each
 */

#ifndef NODE_BENCH_CASE_H
#define NODE_BENCH_CASE_H

#include "node/flow_os.h"

struct bench_case {
    struct flow flow; /* its header has counts and a depth, but not what a book makes of it */
    uint32_t market_count;
};

/* False when no case has this name, or there is no memory. `flow` is freed by flow_free. */
MUST_CHECK bool bench_case_make(struct bench_case *made, const char *name);

#endif /* NODE_BENCH_CASE_H */
