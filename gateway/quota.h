/* Request weight per client address, in clock-aligned minutes.
 *
 * Owner    one gateway loop
 * Memory   QUOTA_ADDRESSES entries from an arena
 * Limits   when more addresses come within a minute than their part of the table holds, the one with
 *          the least weight is forgotten
 */

#ifndef GATEWAY_QUOTA_H
#define GATEWAY_QUOTA_H

#include "common/arena.h"

#define QUOTA_WEIGHT_MAX 6000u /* a minute */
#define QUOTA_ADDRESSES  16384u
#define QUOTA_MINUTE_NS  60000000000ull

struct quota_entry {
    uint64_t address; /* a hash; 0: nobody */
    uint32_t minute;
    uint32_t used;
};

struct quota {
    struct quota_entry *entries;
};

MUST_CHECK _Bool quota_init(struct quota *quota, struct arena *arena);

/* Adds `weight` to what `address` used in the minute of `now_ns`; returns the sum. */
uint32_t quota_charge(struct quota *quota, uint64_t address, uint32_t weight, uint64_t now_ns);

/* Seconds until the next minute, 1 to 60. */
uint32_t quota_retry_after(uint64_t now_ns);

#endif /* GATEWAY_QUOTA_H */
