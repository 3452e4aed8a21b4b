/* What a request wants to know from files, asked on a thread that may wait for a disk.
 *
 * A handler fills in the question and returns OUTCOME_READING; `read` runs on a thread of readers_uv.h with sources
 * that nobody else uses meanwhile; then the request's `resume` goes on, on the loop, with the answer.
 *
 * Owner    who asks, until it is asked; a reader; then who asked
 * Memory   `bytes` may be the source's: good until `resume` returns. `taken` is malloc's, and the reading's last owner
 *          frees it
 */

#ifndef GATEWAY_READING_H
#define GATEWAY_READING_H

#include "gateway/chain_source.h"
#include "gateway/proof_source.h"

struct reading {
    /* Sets status, and what belongs to it. Either source may be NULL. */
    void (*read)(struct reading *reading, const struct chain_source *chain,
                 const struct proof_source *proofs);

    /* The question: what of it counts is between the handler and its `read`. */
    uint64_t height, offset, length, id;
    uint32_t account;
    uint16_t market, asset;
    hash_t hash;

    /* The answer. */
    enum status status;
    uint64_t found; /* a height, or how many bytes there are */
    struct proof_bytes bytes;
    void *taken;
};

/* Adds `bytes` to what is in memory of the reading's own, which can be sent as it is. STATUS_NO_MEMORY when there is
 * none: then `bytes` is as before. */
void reading_take(struct reading *reading, const void *bytes, size_t byte_count);

/* Frees what was taken. Nothing else is of the reading's own. */
void reading_release(struct reading *reading);

#endif /* GATEWAY_READING_H */
