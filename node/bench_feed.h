/* An order flow as the commands of a log, in batches as the engine thread takes them.
 *
 * The commands are what a node would log for the same orders: HMAC-vouched, with client ids, deadlines
 * and origin sequences, spread over many accounts that are funded so that none is refused, in markets with
 * every filter on.
 *
 * Memory   from the heap, as long as the log
 */

#ifndef NODE_BENCH_FEED_H
#define NODE_BENCH_FEED_H

#include "common/genesis.h"
#include "node/flow_os.h"

struct bench_feed {
    uint8_t *bytes;
    size_t capacity;
    size_t length;
    size_t *records; /* where each record (log index, batch) begins; one more at the end */
    size_t record_count;
    size_t record_capacity;
    size_t first_measured; /* record with which the measured commands begin */
    uint64_t command_count;
    uint64_t batch_stamp_ns;
    size_t batch_start;
    uint32_t batch_commands;
    uint32_t account_count;
    bool by_name; /* cancels name client ids: order ids are per market, the flow's are not */
    uint64_t sequence;
    uint64_t epoch;
};

/* The exchange of the bench: `markets` markets of one base and one quote, `accounts` accounts, room for
 * `orders` orders at a time. `anywhere`: prices may lie so far apart that no filter of prices would let
 * them pass; those two are off. */
void bench_feed_genesis(struct genesis *genesis, uint32_t markets, uint32_t accounts,
                        uint32_t orders, bool anywhere);

/* Makes the log: listings' filters, accounts, credits, then the flow. False: there is no memory. */
MUST_CHECK bool bench_feed_make(struct bench_feed *feed, const struct flow *flow, uint32_t markets,
                                uint32_t accounts);
void bench_feed_free(struct bench_feed *feed);

#endif /* NODE_BENCH_FEED_H */
