/* What servers answer a light node, out of their JSON: pages of headers, proofs, refusals. Nothing is believed here; it
 * is only read.
 *
 *     GET /quorex/v1/headers              a page
 *     GET /quorex/v1/proofs/header        an inclusion proof
 *     GET /quorex/v1/proofs/consistency   a consistency proof
 *
 * Fields that nobody asked for are passed over; one that is missing, of another kind or too long is not.
 *
 * Owner    the caller
 * Memory   the caller's; nothing is kept
 * Limits   LIGHT_PAGE_MAX headers a page
 */

#ifndef NODE_LIGHT_PAGE_H
#define NODE_LIGHT_PAGE_H

#include "ledger/certificate.h"
#include "ledger/merkle.h"

#define LIGHT_PAGE_MAX 256

struct light_row {
    uint8_t header[BLOCK_HEADER_BYTES];
    bool is_signed;                 /* it came with a certificate, */
    struct certificate certificate; /* which may be worth nothing */
};

struct light_page {
    uint32_t count;
    struct light_row rows[LIGHT_PAGE_MAX];
};

/* Reads a page. NULL, or what is wrong with it. */
const char *light_page_read(const char *text, size_t byte_count, struct light_page *page);

enum light_proof_kind { LIGHT_PROOF_INCLUSION, LIGHT_PROOF_CONSISTENCY };

/* What a proof says: that header `low`, or the tree of the first `low` headers, is in that of the first `high`. */
struct light_proof {
    enum light_proof_kind kind;
    uint64_t low, high;
    hash_t low_hash; /* of the header; or the older root */
    hash_t root;     /* the newer root */
    struct merkle_path path;
};

/* Reads a proof of either kind. NULL, or what is wrong with it. */
const char *light_page_proof(const char *text, size_t byte_count, struct light_proof *proof);

/* The code of a refusal ({"code":-9001,...}), 0 when it is none. */
int light_page_refusal(const char *text, size_t byte_count);

#endif /* NODE_LIGHT_PAGE_H */
