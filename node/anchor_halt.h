/* The anchor finds a difference, and stops signing: node/anchor.h says what that means.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_HALT_H
#define NODE_ANCHOR_HALT_H

#include "node/anchor_state.h"
#include "node/evidence.h"

/* From here on nothing is compared, signed or written. `found->facts` has both figures. */
void anchor_halt(struct anchor *anchor, struct evidence_halt found);

/* The same, for two hashes that should be one; `found`'s facts are made here. */
void anchor_halt_hashes(struct anchor *anchor, struct evidence_halt found, const char *field,
                        hash_t ours, hash_t theirs);

#endif /* NODE_ANCHOR_HALT_H */
