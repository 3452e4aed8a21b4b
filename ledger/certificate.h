/* Votes and certificates: how a header becomes one that more than two thirds of the nodes signed.
 *
 * A vote is a VOTE command of the log (struct vote_command). The first q valid votes for one hash, in
 * log order, are the certificate of that height; the rest are no-ops. A certificate certifies every
 * ancestor too, because a header names the one before it.
 *
 *     height u64 | epoch u64 | header_hash 32 | vote_count u32 |
 *     vote_count x (node u32 | signature 64), by rising node id
 *
 * Votes for the roots of checkpoints (checkpoint.h) are counted in the same way: what was signed is then
 * another statement, and header_hash is the root.
 *
 * Owner    the caller; pure
 * Memory   struct certificate_tally is the caller's, some 400 KiB
 * Limits   GENESIS_VALIDATORS_LIMIT votes. The tally remembers CERTIFICATE_WINDOW heights: a vote for a
 *          height whose place a higher one has taken is a no-op, for the higher certifies it as well.
 * Cost     a vote: one signature check, about 50 us
 */

#ifndef LEDGER_CERTIFICATE_H
#define LEDGER_CERTIFICATE_H

#include "common/block_header.h"
#include "common/genesis.h"
#include "common/messages.h"

#define CERTIFICATE_HEADER_BYTES 52
#define CERTIFICATE_VOTE_BYTES   (4 + SIGNATURE_BYTES)
#define CERTIFICATE_BYTES_MAX \
    (CERTIFICATE_HEADER_BYTES + GENESIS_VALIDATORS_LIMIT * CERTIFICATE_VOTE_BYTES)
#define CERTIFICATE_WINDOW 64

/* What the nodes say of a hash: it is the header of this height; it is the root of its checkpoint. */
enum certificate_statement { CERTIFICATE_OF_BLOCK, CERTIFICATE_OF_CHECKPOINT };

struct certificate_vote {
    uint32_t node;
    uint8_t signature[SIGNATURE_BYTES];
};

struct certificate {
    uint64_t height;
    uint64_t epoch;
    hash_t header_hash;
    uint32_t vote_count;
    struct certificate_vote votes[GENESIS_VALIDATORS_LIMIT]; /* by rising node id */
};

/* Writes the bytes of `certificate`; returns their count. */
size_t certificate_encode(const struct certificate *certificate,
                          uint8_t bytes[CERTIFICATE_BYTES_MAX]);

/* False for anything but exactly one encoded certificate, votes by rising node id. */
MUST_CHECK bool certificate_decode(const uint8_t *bytes, size_t byte_count,
                                   struct certificate *certificate);

/* What is wrong with `certificate` under `set`: NULL when q members signed its hash, otherwise the
 * reason. Checks every signature it holds. */
const char *certificate_fault(const struct certificate *certificate, hash_t chain_id,
                              const struct validator_set *set);

/* The same for a certificate that says `statement`. */
const char *certificate_statement_fault(enum certificate_statement statement,
                                        const struct certificate *certificate, hash_t chain_id,
                                        const struct validator_set *set);

/* Signs a header: `vote` is complete afterwards. */
void certificate_sign(const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id, uint64_t epoch,
                      uint64_t height, hash_t header_hash, uint32_t node,
                      struct vote_command *vote);

/* The same for another statement. */
void certificate_statement_sign(enum certificate_statement statement,
                                const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id,
                                uint64_t epoch, uint64_t height, hash_t hash, uint32_t node,
                                struct vote_command *vote);

/* Whether a member of `set` signed what `vote` says. */
MUST_CHECK bool certificate_vote_valid(const struct vote_command *vote, hash_t chain_id,
                                       const struct validator_set *set);
MUST_CHECK bool certificate_statement_valid(enum certificate_statement statement,
                                            const struct vote_command *vote, hash_t chain_id,
                                            const struct validator_set *set);

/* ---- Counting the votes of the log. ---- */

struct certificate_ballot {
    uint64_t height; /* 0: nobody voted here yet */
    uint32_t vote_count;
    struct vote_command votes[GENESIS_VALIDATORS_LIMIT]; /* in log order, one a node */
};

struct certificate_tally {
    hash_t chain_id;
    uint64_t epoch;
    uint64_t certified_height;
    const struct validator_set *set;
    enum certificate_statement statement;
    uint32_t stride; /* votes come for heights that it divides */
    struct certificate_ballot
        ballots[CERTIFICATE_WINDOW]; /* by height / stride modulo the window */
};

enum certificate_count {
    CERTIFICATE_NOOP,    /* not a valid vote, or one too many */
    CERTIFICATE_COUNTED, /* valid; more are needed */
    CERTIFICATE_MADE,    /* this vote completed the certificate */
};

/* Of blocks, each height; statement and stride may be set afterwards, before the first vote.
 * Needs: `set` outlives the tally. */
void certificate_tally_begin(struct certificate_tally *tally, hash_t chain_id, uint64_t epoch,
                             const struct validator_set *set);

/* Counts one vote of the log. A vote for a height above `sealed_height` was not honestly signed at
 * this place of the log, and is a no-op. CERTIFICATE_MADE fills `certificate`, and every lower height
 * counts as certified from there on. */
MUST_CHECK enum certificate_count certificate_tally_add(struct certificate_tally *tally,
                                                        const struct vote_command *vote,
                                                        uint64_t sealed_height,
                                                        struct certificate *certificate);

#endif /* LEDGER_CERTIFICATE_H */
