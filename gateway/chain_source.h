/* The chain's files, as a gateway reads them: a table of functions that node/ fills.
 *
 * Owner    one gateway loop, or one of its readers (readers_uv.h): the context is its own
 * Memory   what a call gives is good until the next call of the same table
 * Cost     a header, a certificate: two reads each of bytes that are mostly in the page cache. A proof, a root: as many as
 *          the tree has levels. A body: one read of all of it. Evidence: the folder, and the file
 * Errors   STATUS_NOT_FOUND: not there yet, or not any more. Any other failure was logged. A function
 *          that is NULL is as one that always says STATUS_NOT_FOUND.
 */

#ifndef GATEWAY_CHAIN_SOURCE_H
#define GATEWAY_CHAIN_SOURCE_H

#include "common/block_header.h"
#include "common/genesis.h"
#include "common/status.h"

#define CHAIN_PROOF_MAX 65 /* hashes of the longest proof (RFC 9162 in a tree of 2^64 leaves) */

struct chain_vote {
    uint32_t node;
    uint8_t signature[SIGNATURE_BYTES];
};

/* ledger/certificate.h, for who may not include it. */
struct chain_certificate {
    uint64_t height;
    uint64_t epoch;
    hash_t header_hash;
    uint32_t vote_count;
    struct chain_vote votes[GENESIS_VALIDATORS_LIMIT]; /* by rising node id */
};

struct chain_proof {
    uint32_t count;
    hash_t hashes[CHAIN_PROOF_MAX];
};

struct chain_evidence {
    const char *name; /* of the file, "halt-12.json" */
    const char *text; /* what is in it: one JSON object */
    size_t text_bytes;
};

struct chain_source {
    void *context;

    /* The lowest height whose header is there, and the lowest whose body is. */
    uint64_t (*base)(void *context);
    uint64_t (*first_body)(void *context);

    enum status (*header)(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES]);
    enum status (*certificate)(void *context, uint64_t height,
                               struct chain_certificate *certificate);
    enum status (*body)(void *context, uint64_t height, const uint8_t **bytes, size_t *byte_count);

    /* That the tree of the first `from` headers grew into that of the first `to`; that header `height` is
     * in the tree of the first `at`. The sizes are 1 .. sealed height, from <= to, height <= at. */
    enum status (*consistency)(void *context, uint64_t from, uint64_t to,
                               struct chain_proof *proof);
    enum status (*inclusion)(void *context, uint64_t height, uint64_t at,
                             struct chain_proof *proof);
    /* Root of the first `size` headers. */
    enum status (*root)(void *context, uint64_t size, hash_t *root);

    /* The set of voters with this hash that once signed blocks, without addresses. */
    enum status (*voters)(void *context, hash_t hash, struct validator_set *set);

    /* The index-th file of evidence by name; STATUS_NOT_FOUND behind the last. */
    enum status (*evidence)(void *context, uint32_t index, struct chain_evidence *evidence);
};

#endif /* GATEWAY_CHAIN_SOURCE_H */
