/* The sets of voters that a node's own files know, each by its hash, and whose word it is.
 *
 *     the genesis                its validators
 *     checkpoint/lineage         steps, each set signed over by the one before (ledger/lineage.h)
 *     an operator                the hash of a set that steps may go on from, where a set had lost its quorum
 *     a checkpoint               the sets that it carries: nobody's word but its own
 *
 * A header names the set that signs it by hash, so whoever has the set can check the signatures. What they are worth
 * is the other question: `enum voters_word`.
 *
 * Owner    one thread: of a node before its others start, of the auditor
 * Memory   voters_new gives, voters_free takes; a set found is good until voters_free
 * Limits   VOTERS_SETS_MAX sets; those of later steps are not known then
 * Cost     voters_new: q signatures a step
 */

#ifndef NODE_VOTERS_H
#define NODE_VOTERS_H

#include "common/genesis.h"
#include "common/node_set.h"
#include "common/status.h"

#define VOTERS_SETS_MAX 65536

enum voters_word {
    VOTERS_OWN,      /* only what carries the set says that it is right */
    VOTERS_OPERATOR, /* it follows from the set whose hash an operator gave */
    VOTERS_GENESIS,  /* it follows from the genesis */
};

struct voters;

/* Reads the lineage in a checkpoint folder; none is no failure. `trusted`: the hash of a set that an operator vouches
 * for, or NULL. STATUS_NO_MEMORY otherwise. */
MUST_CHECK enum status voters_new(const char *directory, const struct genesis *genesis,
                                  const hash_t *trusted, struct voters **voters);
void voters_free(struct voters *voters);

/* Takes a set at its own word; one that is known stays what it is. */
MUST_CHECK enum status voters_add(struct voters *voters, const struct validator_set *set);

/* The set with this hash, or NULL. */
const struct validator_set *voters_find(const struct voters *voters, hash_t hash,
                                        enum voters_word *word);

#endif /* NODE_VOTERS_H */
