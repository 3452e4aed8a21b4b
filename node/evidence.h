/* Evidence: what a node keeps when somebody signed twice, sent what may not stand, or when it had to halt.
 *
 *     DIR/double-NODE-EPOCH-HEIGHT.json       both votes whole: what was signed, by which key, and the signatures, so
 *                                       that anyone can check them
 *     DIR/halt-HEIGHT.json              the header that this node computed, the other one as far as it is known, the
 *                                       certificate, and what differs
 *
 *     DIR/lie-NODE-EPOCH-SEQUENCE-HASH.json   a command that a member sent to this node as its leader and that may not
 *                                       stand: this node's word, for links prove nothing to others
 *
 * A file that is there stays as it is: a log that is replayed finds the same again.
 *
 * Owner    the anchor; of false commands the vetter
 * Memory   nothing is kept
 */

#ifndef NODE_EVIDENCE_H
#define NODE_EVIDENCE_H

#include "common/status.h"
#include "ledger/certificate.h"

struct evidence_halt {
    hash_t chain_id;
    uint64_t height;
    const char *what;
    const char *facts;                     /* as in the log line */
    const uint8_t *ours;                   /* BLOCK_HEADER_BYTES, or NULL */
    const uint8_t *theirs;                 /* likewise */
    const struct certificate *certificate; /* of the other header, or NULL */
};

struct evidence_command {
    hash_t chain_id;
    uint32_t node; /* that sent it */
    const char *what;
    const uint8_t *bytes; /* of the command, as far as it is one */
    size_t byte_count;
};

/* Keeps it; makes the directory. STATUS_OK also when it was kept before. Failures are logged. */
MUST_CHECK enum status evidence_keep_double(const char *directory,
                                            enum certificate_statement statement, hash_t chain_id,
                                            const uint8_t public_key[PUBLIC_KEY_BYTES],
                                            const struct vote_command votes[2]);
MUST_CHECK enum status evidence_keep_halt(const char *directory, const struct evidence_halt *halt);
MUST_CHECK enum status evidence_keep_command(const char *directory,
                                             const struct evidence_command *command);

#endif /* NODE_EVIDENCE_H */
