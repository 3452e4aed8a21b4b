/* Epoch changes: what nodes state when a chain is stuck, and what may be concluded from it.
 *
 * A statement is one node's, signed by its identity: it signs no header of this epoch any more; this is its
 * highest certificate, this the highest header it signed in the epoch, this is where its log ends. q of them, of
 * different voters, by rising node id, are the authentication field of an EPOCH_CHANGE:
 *
 *     statement   tag 16 | chain_id 32 | epoch u64 | node u32 | zero u32 |
 *                 certified height u64, hash 32 | signed height u64, hash 32 |
 *                 log index u64, term u64, hash 32 | signature 64                       256 bytes
 *     height 0    nothing is certified, or nothing was signed in this epoch; its hash is zero
 *
 * The rule (epoch_decide). Of n voters, k >= q have made a statement. One is *off* a chain when the header it
 * signed last, or the one it has a certificate for, is not a block of that chain. The chain may be kept if
 *
 *     off + (n - k) < q
 *
 * Then no header off this chain can have a certificate. For say that y, off the chain, had one: q voters signed
 * y. Each of them is silent (at most n - k), or its statement names as its last a header at y's height or
 * above, and a node signs only headers of one chain: so y is an ancestor of that header, which then is off our
 * chain too, or y would be on it. So q <= off + (n - k), against the rule. What is on the chain stays, all of
 * it. So a certified header is never dropped, and two chains that both may be kept can differ only in headers
 * that nobody can have a certificate for. This takes statements at their word: who lies in one has signed the
 * lie, and a vote of his above what he stated proves it.
 *
 * The kept header, which the EPOCH_CHANGE names, is the highest block of the chain that a statement names and that
 * is certified, or can be: at most the silent voters, those whose last header it is, and those whose last header
 * is above can have signed it. It ties the command to the chain; what is above it stays as well.
 *
 * Whose statements count is said by the node set of the block that the command stands in. A leader that puts
 * one with false statements into the log stops every node; that power over the chain it has anyway, and nobody
 * else: whoever leads checks what others send before it proposes it (epoch_change_fault).
 *
 * Owner    the caller; pure
 * Limits   EPOCH_STATEMENTS_MAX statements, so the largest set that can change the epoch has 23 voters, 16 of
 *          whom are a quorum
 */

#ifndef LEDGER_EPOCH_H
#define LEDGER_EPOCH_H

#include "common/genesis.h"
#include "common/messages.h"

#define EPOCH_STATEMENT_BYTES 256
#define EPOCH_STATEMENTS_MAX  (COMMAND_AUTH_MAX / EPOCH_STATEMENT_BYTES)
#define EPOCH_COMMAND_BYTES_MAX \
    (COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES + EPOCH_STATEMENTS_MAX * EPOCH_STATEMENT_BYTES)

struct epoch_header {
    uint64_t height; /* 0: none */
    hash_t hash;
};

struct epoch_statement {
    uint64_t epoch; /* the one that ends */
    uint32_t node;
    struct epoch_header certified; /* of its own certificate, of whatever epoch */
    struct epoch_header signed_last;
    uint64_t log_index;
    uint64_t log_term;
    hash_t log_hash; /* running, at log_index */
};

/* Signs and writes a statement. */
void epoch_statement_sign(const struct epoch_statement *statement, hash_t chain_id,
                          const uint8_t secret_key[SECRET_KEY_BYTES],
                          uint8_t bytes[EPOCH_STATEMENT_BYTES]);

/* False for anything but a statement of this chain. Says nothing of its signature. */
MUST_CHECK bool epoch_statement_decode(const uint8_t bytes[EPOCH_STATEMENT_BYTES], hash_t chain_id,
                                       struct epoch_statement *statement);

/* Whether the statement's node is one of `voters` and has signed it.
 * Needs: epoch_statement_decode has passed it. */
MUST_CHECK bool epoch_statement_valid(const uint8_t bytes[EPOCH_STATEMENT_BYTES],
                                      const struct validator_set *voters);

/* A chain to be judged by. */
enum epoch_known {
    EPOCH_HAS_BLOCK, /* `hash` is its header's */
    EPOCH_NO_BLOCK,  /* the chain does not reach there */
    EPOCH_BELOW      /* it begins above, behind a checkpoint that q nodes signed */
};
struct epoch_chain {
    void *context;
    enum epoch_known (*header)(void *context, uint64_t height, hash_t *hash);
};

struct epoch_decision {
    struct epoch_header kept; /* the highest one that can have been certified */
    uint32_t off_count;
    bool off[EPOCH_STATEMENTS_MAX]; /* by statement */
};

/* Judges a chain by statements of different voters. NULL, or why it may not be kept; `decision` says in both cases
 * whose statements are off it.
 * Needs: 0 < count <= EPOCH_STATEMENTS_MAX. */
const char *epoch_decide(const struct epoch_statement *statements, uint32_t count,
                         const struct validator_set *voters, const struct epoch_chain *chain,
                         struct epoch_decision *decision);

/* What is wrong with the statements that an EPOCH_CHANGE brings, as far as `voters` say: NULL when at least q of
 * them, by rising node id, have stated that they are done with the epoch before the one it names. */
const char *epoch_change_fault(const struct command *command, hash_t chain_id,
                               const struct validator_set *voters);

/* The same, and what is wrong with it on this chain: it may not be kept, or the header that the command names is
 * none of its blocks, or above the kept one. (Below it may lie: what was stated of blocks that the chain had not
 * reached yet when the command was made counts once it has.) */
const char *epoch_change_objection(const struct command *command, hash_t chain_id,
                                   const struct validator_set *voters,
                                   const struct epoch_chain *chain);

/* Writes the command: `count` statements, EPOCH_STATEMENT_BYTES each, by rising node id. Returns its length.
 * Needs: count <= EPOCH_STATEMENTS_MAX. */
size_t epoch_change_put(uint64_t epoch, const struct epoch_header *kept, const uint8_t *statements,
                        uint32_t count, uint8_t bytes[EPOCH_COMMAND_BYTES_MAX]);

#endif /* LEDGER_EPOCH_H */
