/* The CHAIN section of a checkpoint: where headers and log have come to.
 *
 *     digest_length u32 | digest (digest_snapshot.h) | mark (replica_mark.h)
 *
 * Owner    the caller; pure
 * Memory   what is read points into the bytes
 */

#ifndef NODE_CHAIN_SECTION_H
#define NODE_CHAIN_SECTION_H

#include "ledger/replica_mark.h"
#include "node/digest_snapshot.h"

#define CHAIN_SECTION_BYTES_MAX (4 + DIGEST_SNAPSHOT_BYTES_MAX + REPLICA_MARK_BYTES_MAX)

struct chain_section {
    const uint8_t *digest;
    size_t digest_bytes;
    struct replica_mark mark;
};

/* Needs: CHAIN_SECTION_BYTES_MAX. Returns the bytes' count. */
size_t chain_section_put(const uint8_t *digest, size_t digest_bytes, const uint8_t *mark,
                         size_t mark_bytes, uint8_t *bytes);

/* False for anything but exactly one section. */
MUST_CHECK bool chain_section_get(const uint8_t *bytes, size_t byte_count,
                                  struct chain_section *section);

#endif /* NODE_CHAIN_SECTION_H */
