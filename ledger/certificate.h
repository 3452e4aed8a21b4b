/* Votes and certificates: how a header becomes one that more than two thirds of the nodes signed.
 *
 * A vote is a VOTE command of the log (struct vote_command). The first q valid votes for one hash, in
 * log order, are the certificate of that height; the rest are no-ops. A certificate certifies every
 * ancestor too, because a header names the one before it. Who may vote at a height is said when its
 * ballot is opened: the node set changes with heights (node_set.h).
 *
 *     height u64 | epoch u64 | header_hash 32 | vote_count u32 |
 *     vote_count x (node u32 | signature 64), by rising node id
 *
 * Votes for the roots of checkpoints and of liabilities (root_vote.h) are counted in the same way: what was signed is
 * then another statement, and header_hash is the root.
 *
 * Owner    the caller; pure
 * Memory   struct certificate_tally is the caller's, some 900 KiB
 * Limits   GENESIS_VALIDATORS_LIMIT votes. The tally remembers the last CERTIFICATE_WINDOW ballots: a vote
 *          for a height below is a no-op, for a higher one certifies it as well.
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

/* What the nodes say of a hash: it is the header of this height; it is the root of its checkpoint; it is the root of
 * its liabilities. */
enum certificate_statement {
    CERTIFICATE_OF_BLOCK,
    CERTIFICATE_OF_CHECKPOINT,
    CERTIFICATE_OF_LIABILITIES
};

/* "block", "checkpoint", "liabilities". */
const char *certificate_statement_name(enum certificate_statement statement);

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

/* The bytes that are signed. */
void certificate_statement_message(enum certificate_statement statement, hash_t chain_id,
                                   uint64_t epoch, uint64_t height, hash_t hash,
                                   uint8_t message[BLOCK_VOTE_BYTES]);

/* Whether a member of `set` signed what `vote` says. */
MUST_CHECK bool certificate_vote_valid(const struct vote_command *vote, hash_t chain_id,
                                       const struct validator_set *set);
MUST_CHECK bool certificate_statement_valid(enum certificate_statement statement,
                                            const struct vote_command *vote, hash_t chain_id,
                                            const struct validator_set *set);

/* ---- Counting the votes of the log. ---- */

struct certificate_ballot {
    uint64_t height; /* 0: none is open here */
    uint64_t epoch;
    bool turns; /* the next block has another set: this one's own signs its header, however late */
    bool made;
    struct validator_set set;
    uint32_t vote_count;
    struct vote_command votes[GENESIS_VALIDATORS_LIMIT]; /* in log order, one a node */
};

struct certificate_tally {
    enum certificate_statement statement;
    uint32_t stride; /* ballots are opened for heights that it divides */
    hash_t chain_id;
    uint64_t epoch; /* votes of others are no-ops */
    uint64_t certified_height;
    struct vote_command
        twice[2]; /* after CERTIFICATE_TWICE: the two votes, each with its signature */
    struct certificate_ballot
        ballots[CERTIFICATE_WINDOW]; /* by height / stride modulo the window */
};

enum certificate_count {
    CERTIFICATE_NOOP,    /* not a valid vote, or the same again */
    CERTIFICATE_COUNTED, /* valid and the node's first for this height; no certificate came of it */
    CERTIFICATE_MADE,    /* this vote completed the certificate */
    CERTIFICATE_TWICE,   /* valid, and the node has signed another hash before */
};

/* Of blocks, each height; statement and stride may be set afterwards, before the first ballot is opened.
 * `certified_height` and what lies below needs no votes any more. */
void certificate_tally_begin(struct certificate_tally *tally, hash_t chain_id, uint64_t epoch,
                             uint64_t certified_height);

/* Votes for `height` may come from here on, by this set and in this epoch, which is the tally's from here
 * on. With `turns` it gets a certificate of its own even when a higher one is there already.
 * Needs: a height above all before. */
void certificate_tally_open(struct certificate_tally *tally, uint64_t height, uint64_t epoch,
                            const struct validator_set *set, bool turns);

/* A later epoch has begun: votes of older ones are no-ops from here on. */
void certificate_tally_end_epoch(struct certificate_tally *tally, uint64_t epoch);

/* Counts one vote of the log. One for a height without a ballot was not honestly signed at this place of
 * the log, or comes too late to matter. CERTIFICATE_MADE fills `certificate`, and every lower height counts
 * as certified from there on. */
MUST_CHECK enum certificate_count certificate_tally_add(struct certificate_tally *tally,
                                                        const struct vote_command *vote,
                                                        struct certificate *certificate);

/* The set of the ballot of this height, NULL when there is none. */
const struct validator_set *certificate_tally_set(const struct certificate_tally *tally,
                                                  uint64_t height);

/* Whether no hash can get q votes at this height any more, whoever else votes. */
bool certificate_tally_stuck(const struct certificate_tally *tally, uint64_t height);

#endif /* LEDGER_CERTIFICATE_H */
