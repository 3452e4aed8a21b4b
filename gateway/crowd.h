/* How many of something each has: connections of an address, orders under way of an account.
 *
 * Owner    one gateway loop
 * Memory   the caller's: crowd_bytes for the most there may be that have any
 * Limits   as many at once as that
 * Cost     O(1)
 */

#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include "common/assert.h"

#include <stddef.h>
#include <stdint.h>

struct crowd_place {
    uint64_t who; /* its low bits find it: an address is mixed (address.h), accounts are numbered */
    uint32_t count; /* 0: the place is free */
};

struct crowd {
    struct crowd_place *places; /* open addressing, twice as many as may be in or more */
    uint32_t mask;
};

size_t crowd_bytes(uint32_t in_max);

/* `places` is crowd_bytes(in_max) of zeros, and stays the caller's. */
void crowd_init(struct crowd *crowd, struct crowd_place *places, uint32_t in_max);

/* One more of `who`; returns how many it has now. Needs: it is in, or fewer than in_max are. */
uint32_t crowd_enter(struct crowd *crowd, uint64_t who);

/* One less. Needs: it has one. */
void crowd_leave(struct crowd *crowd, uint64_t who);

/* The same by so many, which may be none. */
void crowd_add(struct crowd *crowd, uint64_t who, uint32_t count);
void crowd_take(struct crowd *crowd, uint64_t who, uint32_t count);

uint32_t crowd_count(const struct crowd *crowd, uint64_t who);

#endif /* GATEWAY_CROWD_H */
