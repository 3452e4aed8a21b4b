/* How many connections each address has open.
 *
 * Owner    one gateway loop
 * Memory   the caller's: crowd_bytes for the most connections there may be
 * Limits   as many addresses at once as there may be connections
 * Cost     O(1)
 */

#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include "common/assert.h"

#include <stddef.h>
#include <stdint.h>

struct crowd_place {
    uint64_t address; /* address.h; 0: free */
    uint32_t count;
};

struct crowd {
    struct crowd_place *places; /* open addressing, twice as many as addresses or more */
    uint32_t mask;
};

size_t crowd_bytes(uint32_t connections_max);

/* `places` is crowd_bytes(connections_max) of zeros, and stays the caller's. */
void crowd_init(struct crowd *crowd, struct crowd_place *places, uint32_t connections_max);

/* One more from `address`; returns how many it has now. Needs: fewer than connections_max are in. */
uint32_t crowd_enter(struct crowd *crowd, uint64_t address);

/* One less. Needs: it has one. */
void crowd_leave(struct crowd *crowd, uint64_t address);

uint32_t crowd_count(const struct crowd *crowd, uint64_t address);

#endif /* GATEWAY_CROWD_H */
