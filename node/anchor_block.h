/* The end of a block as the anchor sees it: compared with what is known, written, and what follows from it.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_BLOCK_H
#define NODE_ANCHOR_BLOCK_H

#include "node/anchor_state.h"

/* The header of a block that was sealed, the last one's from memory; statuses as chain_read_header. */
MUST_CHECK enum status anchor_block_header(struct anchor *anchor, uint64_t height,
                                           uint8_t bytes[BLOCK_HEADER_BYTES]);

/* Its hash, likewise. */
MUST_CHECK enum status anchor_block_hash(struct anchor *anchor, uint64_t height, hash_t *hash);

/* `last` has been sealed and `body` is its body: compares both with the engine's balances and the chain files, or
 * appends them, and passes on what follows. Failures of the chain's files have been logged. */
MUST_CHECK enum status anchor_block_end(struct anchor *anchor);

#endif /* NODE_ANCHOR_BLOCK_H */
