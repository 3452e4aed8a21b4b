/* The offline auditor: trusts no byte of a chain but its genesis, and re-executes all of it that it can.
 *
 * Every record of the chain files is read, every header, link, root and signature checked, and every
 * command executed again through engine and settlement; events, roots and totals must come out as
 * the blocks say. A chain in which one figure was altered and every hash and signature made anew is
 * refused at the block where it was.
 *
 * A chain that begins above block 1, or whose older bodies went, is executed from the lowest checkpoint that its first
 * bodies lead on from; any other from the checkpoint that is asked for, to save time. What that rests on is said, never
 * passed over:
 *
 *     blocks below the checkpoint    headers and certificates; of bodies what their bytes alone decide, and while none
 *                                    lacks from block 1 on, that they make and lose no money, and lead to its balances
 *     the checkpoint                 q signatures under its root, by voters whom somebody's word makes voters (voters.h)
 *     blocks above                   everything
 *
 * That no block makes or loses money is counted apart from engine and settlement, before they execute it
 * (node/conservation.h).
 *
 * verify_execute.h has the blocks that are executed, verify_checkpoint.h what lies below them, verify_main.h the command.
 *
 * Owner    a command of its own; may run beside the node that writes the chain, and changes nothing
 * Memory   as much as a node: the engine and settlement of the genesis parameters
 */

#ifndef NODE_VERIFY_H
#define NODE_VERIFY_H

#include "common/genesis.h"
#include "common/status.h"
#include "node/verify_fault.h"
#include "node/voters.h"

#include <stdint.h>

struct verify_options {
    const char *chain;       /* folders */
    const char *checkpoints; /* with the lineage; NULL: none */
    const struct genesis *genesis;
    const uint8_t *tree_secret; /* HASH_BYTES */
    /* An operator's word: the validators_hash of this block; 0: nobody has given one. */
    uint64_t trusted_height;
    hash_t trusted;
    uint64_t
        from_checkpoint; /* execute from the lowest checkpoint at or above this height; 0: as far back as can be */
};

struct verify_result {
    uint64_t height;           /* the last block that is right */
    uint64_t certified_height; /* the last one that a certificate covers */
    uint64_t command_count;    /* executed */
    uint64_t fill_count;       /* of them */
    /* Where not all could be executed: blocks first_height to executed_from - 1 were looked at without. */
    uint64_t first_height;  /* the first header that is here */
    uint64_t executed_from; /* 1: everything; 0: nothing */
    uint64_t body_count;    /* bodies below executed_from whose bytes are right */
    uint64_t
        conserved_height; /* blocks 1 to this one, below executed_from: no money made or lost */
    uint64_t certificate_count;
    enum voters_word headers_word; /* the weakest word of those who signed these blocks */
    uint64_t unknown_count, unknown_first,
        unknown_last;           /* certificates by voters whom nobody knows */
    uint64_t checkpoint_height; /* executed from its state; 0: from the genesis, or not at all */
    uint32_t signer_count, voter_count, quorum; /* of the checkpoint */
    enum voters_word checkpoint_word;
    struct verify_fault fault;
};

/* Audits a chain. STATUS_OK when all that could be checked is right: executed_from says how much that is.
 * STATUS_MISMATCH or STATUS_DAMAGED with the first wrong block in result->fault, or another failure, with its reason there
 * too.
 * Needs: hash_start was called. */
MUST_CHECK enum status verify_audit(const struct verify_options *options,
                                    struct verify_result *result);

/* The same, of a chain alone. */
MUST_CHECK enum status verify_chain(const char *directory, const struct genesis *genesis,
                                    const uint8_t tree_secret[32], struct verify_result *result);

#endif /* NODE_VERIFY_H */
