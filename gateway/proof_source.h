/* Proofs as a gateway hands them out: a table of functions that node/ fills.
 *
 * What it gives are the bytes of common/proof.h, checked against the block's header; who may have them is the
 * gateway's to say.
 *
 * Owner    one gateway loop: the context is its own
 * Memory   what a call gives is good until the next call of the same table
 * Cost     account: some 2,000 hashes at 2^20 accounts. trade: the block's body is read and hashed. totals: little
 * Errors   STATUS_NOT_FOUND: not there any more, or not yet; account: it was not there then. Any other failure was
 *          logged. A function that is NULL is as one that always says STATUS_NOT_FOUND.
 */

#ifndef GATEWAY_PROOF_SOURCE_H
#define GATEWAY_PROOF_SOURCE_H

#include "common/proof.h"
#include "common/status.h"

struct proof_bytes {
    const uint8_t *bytes;
    size_t byte_count;
};

struct proof_source {
    void *context;

    /* The block must be certified: itself, or one at most 64 above it. */
    enum status (*account)(void *context, uint32_t account, uint64_t height,
                           struct proof_bytes *proof);
    enum status (*totals)(void *context, uint64_t height, struct proof_bytes *proof);

    /* Where a market's trade is, and its receipt in that block. */
    enum status (*trade_height)(void *context, uint16_t market, uint64_t trade_id,
                                uint64_t *height);
    enum status (*trade)(void *context, uint16_t market, uint64_t trade_id, uint64_t height,
                         struct proof_bytes *proof);
};

#endif /* GATEWAY_PROOF_SOURCE_H */
