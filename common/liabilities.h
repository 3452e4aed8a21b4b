/* What a liabilities file says at its head, and the opening of one holder's leaves in it, as bytes.
 *
 *     head      magic u32 "QXLB" | version u16 | asset count u16 | height u64 | chain id 32 | header hash 32 |
 *               count x (asset u16, leaves u64, sum u128, root 32)
 *     opening   public key 32 | asset u16 | part count u16 | head | certificate bytes u32 | certificate |
 *               part count x (position u32 | amount u64 | nonce 32 | path count u16 | path count x (sum u128, hash 32))
 *
 * The nodes sign the head's hash, the root of the liabilities of one height. A file is its head, the leaves (amount
 * u64, commitment 32) of each asset in order, and a tail: proof bytes u32 | certificate bytes u32 | a totals proof of
 * the height (common/proof.h) | the certificate of the root. An opening is the subject of a proof of kind
 * PROOF_LIABILITY. Little-endian, no padding; docs/liabilities.md draws them. What they prove is checked in
 * settlement/liability_check.h and settlement/liability_proof.h.
 *
 * Owner    the caller; pure
 * Limits   PROOF_ASSETS_MAX assets, LIABILITIES_LEAVES_MAX leaves each, LIABILITIES_PARTS_MAX parts of an account
 */

#ifndef COMMON_LIABILITIES_H
#define COMMON_LIABILITIES_H

#include "common/proof.h"

#define LIABILITIES_MAGIC      0x424c5851u
#define LIABILITIES_VERSION    1
#define LIABILITIES_LEAVES_MAX ((uint64_t)1 << 27)
#define LIABILITIES_LEAF_BYTES 40
#define LIABILITIES_PARTS_MAX  3
#define LIABILITIES_PATH_MAX   32
#define LIABILITIES_HEAD_FIXED 80 /* before the rows of assets */
#define LIABILITIES_ROW_BYTES  58
#define LIABILITIES_HEAD_BYTES_MAX \
    (LIABILITIES_HEAD_FIXED + PROOF_ASSETS_MAX * LIABILITIES_ROW_BYTES)
#define LIABILITIES_TAIL_FIXED      8    /* the lengths of proof and certificate */
#define LIABILITIES_VOTES_BYTES_MAX 4608 /* of a certificate: 64 votes and more than its header */

/* What one asset's leaves are together. */
struct liabilities_row {
    uint16_t asset;
    uint64_t leaf_count;
    unsigned __int128 sum;
    hash_t root; /* of its sum tree (settlement/liability_tree.h) */
};

struct liabilities_head {
    uint64_t height;
    hash_t chain_id;
    hash_t header_hash; /* of the block of that height */
    uint32_t asset_count;
    struct liabilities_row assets[PROOF_ASSETS_MAX]; /* 0 .. asset_count - 1 */
};

/* One side of a node of the sum tree. */
struct liabilities_node {
    unsigned __int128 sum;
    hash_t hash;
};

/* One of a holder's leaves, and the way from it to its asset's root. */
struct liabilities_part {
    uint32_t position;
    uint64_t amount;
    hash_t nonce;
    uint32_t path_count;
    struct liabilities_node path[LIABILITIES_PATH_MAX];
};

struct liabilities_opening {
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint16_t asset;
    struct liabilities_head head;
    uint32_t certificate_bytes;
    uint8_t certificate[LIABILITIES_VOTES_BYTES_MAX];
    uint32_t part_count;
    struct liabilities_part parts[LIABILITIES_PARTS_MAX]; /* part i is parts[i] */
};

/* Writes the head; returns its bytes. */
size_t liabilities_head_put(const struct liabilities_head *head,
                            uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX]);

/* Reads the head that `bytes` begin with, of whatever comes after; returns its bytes, 0 when there is none. */
size_t liabilities_head_get(const uint8_t *bytes, size_t byte_count, struct liabilities_head *head);

/* What the nodes sign. */
hash_t liabilities_root(const struct liabilities_head *head);

/* put: returns the bytes. get: false for anything but exactly one. */
size_t liabilities_opening_put(const struct liabilities_opening *opening,
                               uint8_t bytes[PROOF_LIABILITY_BYTES_MAX]);
MUST_CHECK bool liabilities_opening_get(const uint8_t *bytes, size_t byte_count,
                                        struct liabilities_opening *opening);

#endif /* COMMON_LIABILITIES_H */
