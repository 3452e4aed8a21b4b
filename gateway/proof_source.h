/* Proofs as a gateway hands them out: a table of functions that node/ fills.
 *
 * What it gives are the bytes of common/proof.h, checked against the block's header; who may have them is the
 * gateway's to say.
 *
 * Owner    one gateway loop, or one of its readers (readers_uv.h): the context is its own
 * Memory   what a call gives is good until the next call of the same table
 * Cost     account: at 2^20 accounts up to 2,500 hashes, of the newest block some 30 (proof_journal.h); of a file, all.
 *          liability: some 3,000 hashes, and its file's pages. trade, release: the block's body is read and hashed.
 *          totals: little
 * Errors   STATUS_NOT_FOUND: not there any more, or not yet; account: it was not there then. Any other failure was
 *          logged. A function that is NULL is as one that always says STATUS_NOT_FOUND.
 */

#ifndef GATEWAY_PROOF_SOURCE_H
#define GATEWAY_PROOF_SOURCE_H

#include "common/liabilities.h"
#include "common/proof.h"
#include "common/status.h"

#define PROOF_PUBLISHED_MAX 5 /* liabilities that are kept, certified or not */
#define PROOF_PIECE_MAX     (1u << 20)

struct proof_bytes {
    const uint8_t *bytes;
    size_t byte_count;
};

/* Liabilities of one height (docs/liabilities.md). */
struct proof_published {
    uint64_t height;
    uint64_t time_ns; /* of the block */
    uint64_t bytes;   /* of the file; 0 until it is certified */
    bool is_certified;
    hash_t sha256; /* of the file, once it is certified */
    struct liabilities_head head;
};

struct proof_source {
    void *context;

    /* What is in memory of the last blocks, likewise: for a loop that waits for no file but the header's and the
     * certificate's few bytes. STATUS_NOT_FOUND: ask the two below, elsewhere. */
    enum status (*account_kept)(void *context, uint32_t account, uint64_t height,
                                struct proof_bytes *proof);
    enum status (*totals_kept)(void *context, uint64_t height, struct proof_bytes *proof);

    /* The block must be certified: itself, or one at most 64 above it. */
    enum status (*account)(void *context, uint32_t account, uint64_t height,
                           struct proof_bytes *proof);
    enum status (*totals)(void *context, uint64_t height, struct proof_bytes *proof);

    /* Where a market's trade is, and its receipt in that block. */
    enum status (*trade_height)(void *context, uint16_t market, uint64_t trade_id,
                                uint64_t *height);
    enum status (*trade)(void *context, uint16_t market, uint64_t trade_id, uint64_t height,
                         struct proof_bytes *proof);

    /* That the block approves the withdrawal. */
    enum status (*release)(void *context, uint64_t withdrawal, uint64_t height,
                           struct proof_bytes *proof);

    /* Liabilities that this node has, the newest first; returns how many. */
    uint32_t (*published)(void *context, struct proof_published list[PROOF_PUBLISHED_MAX]);
    /* Of a certified file, from `offset` on, up to `wanted` bytes, at most PROOF_PIECE_MAX; none behind its end. */
    enum status (*published_piece)(void *context, uint64_t height, uint64_t offset, uint64_t wanted,
                                   struct proof_bytes *piece);
    /* The account's leaves of one asset in it. */
    enum status (*liability)(void *context, uint32_t account, uint16_t asset, uint64_t height,
                             struct proof_bytes *proof);
};

#endif /* GATEWAY_PROOF_SOURCE_H */
