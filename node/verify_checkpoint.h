/* An audit that executes from a checkpoint: headers up to it, its signatures and its state, and everything above it.
 *
 * Failures are said in the audit's result.
 */

#ifndef NODE_VERIFY_CHECKPOINT_H
#define NODE_VERIFY_CHECKPOINT_H

#include "node/verify_state.h"

/* Audits up to block `tip`, from the lowest checkpoint that is of use; when none is, headers alone. */
MUST_CHECK enum status verify_checkpoint_audit(struct audit *audit, uint64_t tip);

#endif /* NODE_VERIFY_CHECKPOINT_H */
