/* How many connections each address has open.
 *
 * Owner    one gateway loop
 * Memory   calloc at crowd_open, for the most connections there may be; crowd_close frees it
 * Limits   connections_max addresses at once, given at crowd_open
 * Cost     O(1)
 */

#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct crowd_place {
    uint64_t address; /* address.h; 0: free */
    uint32_t count;
};

struct crowd {
    struct crowd_place *places; /* open addressing, twice as many as addresses or more */
    uint32_t mask;
};

/* False when there is no memory. */
MUST_CHECK bool crowd_open(struct crowd *crowd, uint32_t connections_max);
void crowd_close(struct crowd *crowd);

/* One more from `address`; returns how many it has now. Needs: fewer than connections_max are in. */
uint32_t crowd_enter(struct crowd *crowd, uint64_t address);

/* One less. Needs: it has one. */
void crowd_leave(struct crowd *crowd, uint64_t address);

uint32_t crowd_count(const struct crowd *crowd, uint64_t address);

#endif /* GATEWAY_CROWD_H */
