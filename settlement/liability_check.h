/* Whether the leaves of a liabilities file are what its head says, and its head what users are owed: leaf by leaf.
 *
 *     begin ─► leaf ─► leaf ─► ... ─► end
 *                each asset's, in the order of the head
 *
 * Owner    the caller; pure
 * Memory   struct liability_check is the caller's, about 2 KiB whatever the number of leaves
 * Cost     two hashes a leaf
 */

#ifndef SETTLEMENT_LIABILITY_CHECK_H
#define SETTLEMENT_LIABILITY_CHECK_H

#include "settlement/liability_leaf.h"

struct liability_check {
    const struct liabilities_head *head;
    uint32_t asset; /* the one whose leaves come */
    struct liability_tree tree;
};

/* The head stays while it is used. */
void liability_check_begin(struct liability_check *check, const struct liabilities_head *head);

/* The next leaf. NULL, or what is wrong: after which nothing more is asked. */
const char *liability_check_leaf(struct liability_check *check,
                                 const uint8_t leaf[LIABILITIES_LEAF_BYTES]);

/* NULL: every asset's leaves came, and lead to its sum and root. */
const char *liability_check_end(const struct liability_check *check);

/* What is wrong with a head beside the totals of its block: NULL: no asset is left out, and each sum is what users have
 * of it. */
const char *liability_check_totals(const struct liabilities_head *head,
                                   const struct proof_totals *totals);

#endif /* SETTLEMENT_LIABILITY_CHECK_H */
