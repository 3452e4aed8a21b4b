/* The first thing that an audit finds wrong: where, and what.
 *
 * Memory   the caller's
 */

#ifndef NODE_VERIFY_FAULT_H
#define NODE_VERIFY_FAULT_H

#include "common/status.h"

#include <stdint.h>

#define VERIFY_FAULT_REASON_MAX 512

struct verify_fault {
    uint64_t height;                      /* the first wrong block; 0: it is no block's */
    uint64_t command;                     /* where in it; 0: not at a command */
    char reason[VERIFY_FAULT_REASON_MAX]; /* what differs; empty: nothing is wrong */
};

/* Says what is wrong. Returns STATUS_MISMATCH. */
enum status verify_fault_set(struct verify_fault *fault, uint64_t height, uint64_t command,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif /* NODE_VERIFY_FAULT_H */
