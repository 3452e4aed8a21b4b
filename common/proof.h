/* A proof as bytes: what a holder keeps, and can have checked by anybody, from a block that the nodes signed.
 *
 *     magic u32 "QXPF" | version u16 | kind u16 | subject_bytes u32 | header_count u32 |
 *     certificate_bytes u32 | subject | header_count x header 448 | certificate
 *
 * The first header is that of the block the subject is about; each of the others names the hash of the one
 * before it; the last is the one that the certificate certifies. Subjects:
 *
 *     account   position u32 | depth u32 | salt 32 | public key 32 | count u16 |
 *               count x (asset u16, available i64, held i64) | depth x sibling 32, from the leaf up
 *     trade     index u32 | path_count u32 | command u64 | ordinal u32 | FILL event | path_count x hash 32
 *     totals    count u32 | count x (asset u16, users, fees, rounding, in flight, external, house: i128 each);
 *               without `house` on a chain whose genesis is older than that account (params_has_house)
 *     release   index u32 | count u32 | path_count u32 | events hash 32 | command u64 | ordinal u32 |
 *               WITHDRAWAL_CHANGED event | path_count x hash 32
 *     liability what a holder's leaves in a liabilities file are: common/liabilities.h
 *
 * Little-endian, no padding. docs/proofs.md draws them. What they prove is checked where their trees are:
 * ledger/attestation.h, ledger/receipt.h, ledger/release.h, settlement/account_proof.h, settlement/totals_proof.h,
 * settlement/liability_proof.h.
 *
 * Owner    the caller; pure
 * Memory   what is read points into the bytes, which lie anywhere
 * Limits   PROOF_BYTES_MAX bytes, PROOF_HEADERS_MAX headers
 */

#ifndef COMMON_PROOF_H
#define COMMON_PROOF_H

#include "common/block_header.h"
#include "common/messages.h"

#define PROOF_MAGIC        0x46505851u
#define PROOF_VERSION      1
#define PROOF_HEADER_BYTES 20
#define PROOF_HEADERS_MAX  65 /* a block and at most 64 above it */
#define PROOF_ASSETS_MAX   64
#define PROOF_DEPTH_MAX    24 /* of the account tree */
#define PROOF_PATH_MAX     32 /* of a block's fills */

#define PROOF_ACCOUNT_HEADER_BYTES (4 + 4 + HASH_BYTES + PUBLIC_KEY_BYTES + 2)
#define PROOF_BALANCE_BYTES        18
#define PROOF_ACCOUNT_BYTES_MAX \
    (PROOF_ACCOUNT_HEADER_BYTES + PROOF_ASSETS_MAX * PROOF_BALANCE_BYTES + \
     PROOF_DEPTH_MAX * HASH_BYTES)
#define PROOF_FILL_BYTES       (8 + 4 + EVENT_HEADER_BYTES + FILL_BYTES) /* a leaf under fills_root */
#define PROOF_TRADE_BYTES_MAX  (4 + 4 + PROOF_FILL_BYTES + PROOF_PATH_MAX * HASH_BYTES)
#define PROOF_RELEASE_LEAF_MAX (8 + 4 + EVENT_HEADER_BYTES + WITHDRAWAL_MOVED_BYTES)
#define PROOF_RELEASE_BYTES_MAX \
    (3 * 4 + HASH_BYTES + PROOF_RELEASE_LEAF_MAX + PROOF_PATH_MAX * HASH_BYTES)
#define PROOF_TOTAL_BYTES         98
#define PROOF_TOTAL_BYTES_OLD     82 /* without the house */
#define PROOF_TOTALS_BYTES_MAX    (4 + PROOF_ASSETS_MAX * PROOF_TOTAL_BYTES)
#define PROOF_LIABILITY_BYTES_MAX (16u * 1024)
#define PROOF_SUBJECT_BYTES_MAX   PROOF_LIABILITY_BYTES_MAX
#define PROOF_BYTES_MAX           (64u * 1024)

enum proof_kind {
    PROOF_ACCOUNT = 1,
    PROOF_TRADE = 2,
    PROOF_TOTALS = 3,
    PROOF_LIABILITY = 4,
    PROOF_RELEASE = 5,
};

/* The parts of one proof. */
struct proof {
    enum proof_kind kind;
    const uint8_t *subject;
    size_t subject_bytes;
    const uint8_t *headers; /* header_count x BLOCK_HEADER_BYTES */
    uint32_t header_count;
    const uint8_t *certificate;
    size_t certificate_bytes;
};

struct proof_balance {
    uint16_t asset;
    int64_t available;
    int64_t held;
};

struct proof_account {
    uint32_t position;
    uint32_t depth;
    hash_t salt;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint16_t count;
    struct proof_balance balances[PROOF_ASSETS_MAX]; /* by rising asset */
    hash_t siblings[PROOF_DEPTH_MAX];
};

struct proof_trade {
    uint32_t index; /* among the block's fills */
    uint32_t path_count;
    uint64_t command;
    uint32_t ordinal;
    struct fill_event fill;
    uint8_t leaf[PROOF_FILL_BYTES];
    hash_t path[PROOF_PATH_MAX];
};

struct proof_release {
    uint32_t index; /* among the withdrawals approved in the block, `count` of them */
    uint32_t count;
    uint32_t path_count;
    hash_t events; /* of the block's events without the releases */
    uint64_t command;
    uint32_t ordinal;
    struct withdrawal_moved_event withdrawal;
    uint32_t
        leaf_bytes; /* by its event: WITHDRAWAL_CHANGED or, from rules 4 on, WITHDRAWAL_MOVED */
    uint8_t leaf[PROOF_RELEASE_LEAF_MAX];
    hash_t path[PROOF_PATH_MAX];
};

struct proof_total {
    uint16_t asset;
    __int128 users, fees, rounding, in_flight, external, house;
};

struct proof_totals {
    uint32_t count;
    bool has_house; /* false: no asset's house has anything; true when there is no asset */
    struct proof_total assets[PROOF_ASSETS_MAX]; /* 0 .. count - 1 */
};

/* Writes the parts as one proof; returns its bytes, 0 when they are more than PROOF_BYTES_MAX or none that
 * proof_get takes. */
size_t proof_put(const struct proof *proof, uint8_t bytes[PROOF_BYTES_MAX]);

/* False for anything but exactly one proof: its parts are there, not looked into. */
MUST_CHECK bool proof_get(const uint8_t *bytes, size_t byte_count, struct proof *proof);

/* Subjects. put: returns the bytes. get: false for anything but exactly one. */
size_t proof_account_put(const struct proof_account *account,
                         uint8_t bytes[PROOF_ACCOUNT_BYTES_MAX]);
MUST_CHECK bool proof_account_get(const uint8_t *bytes, size_t byte_count,
                                  struct proof_account *account);
/* The leaf is what is written; command, ordinal and fill follow from it. */
size_t proof_trade_put(const struct proof_trade *trade, uint8_t bytes[PROOF_TRADE_BYTES_MAX]);
MUST_CHECK bool proof_trade_get(const uint8_t *bytes, size_t byte_count, struct proof_trade *trade);
size_t proof_release_put(const struct proof_release *release,
                         uint8_t bytes[PROOF_RELEASE_BYTES_MAX]);
/* The leaf at the start of `bytes`, and what follows from it; the rest of `release` stays as it is. */
MUST_CHECK bool proof_release_leaf_get(const uint8_t *bytes, size_t byte_count,
                                       struct proof_release *release);
MUST_CHECK bool proof_release_get(const uint8_t *bytes, size_t byte_count,
                                  struct proof_release *release);
size_t proof_totals_put(const struct proof_totals *totals, uint8_t bytes[PROOF_TOTALS_BYTES_MAX]);
MUST_CHECK bool proof_totals_get(const uint8_t *bytes, size_t byte_count,
                                 struct proof_totals *totals);

#endif /* COMMON_PROOF_H */
