/* A flow file (benchmarks/flow.h), read whole and checked: it is input from outside.
 *
 * Owner    whoever measures
 * Memory   from the heap, the size of the file
 * Limits   files below 2^40 bytes
 */

#ifndef NODE_FLOW_OS_H
#define NODE_FLOW_OS_H

#include "benchmarks/flow.h"
#include "common/assert.h"

#include <stdbool.h>

struct flow {
    struct flow_header header;
    struct flow_record *records; /* preload_count, then command_count */
    uint8_t *bytes;
};

/* Reads and checks the file. False, and `reason` says why in words, when it is not to be had or is not a
 * flow: sizes and counts that do not add up, a record with an unknown operation, side or market, without
 * price or quantity, or with an id that is not the next one (ADD, TAKE) or was not given yet (CANCEL).
 * Whether the orders do what their operations say is for the book to tell. */
MUST_CHECK bool flow_read(struct flow *flow, const char *path, const char **reason);

void flow_free(struct flow *flow);

#endif /* NODE_FLOW_OS_H */
