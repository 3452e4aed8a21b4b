/* Reconciliation: what the engine has, what settlement has and what the state root says, compared for every account
 * again and again, also for those that nothing happens to.
 *
 * At each block's end the engine tells what some accounts have (common/balance_slice.h). Each of their balances must
 * be settlement's; their leaves, made anew, must be those in the account tree; each node of the tree must follow
 * from the two below it. Of each asset the users' total must be the engine's, and over a whole pass the sum of all
 * accounts must be the total that the root was made of. A difference is a mismatch like any other: it stays, and
 * the node halts before it signs that block.
 *
 * Owner    the thread of the settlement
 * Cost     a balance compared, some 5 ns; an account a leaf and one or two nodes hashed, some 1 us
 */

#ifndef SETTLEMENT_RECONCILE_H
#define SETTLEMENT_RECONCILE_H

#include "common/balance_slice.h"
#include "common/params.h"
#include "common/status.h"

struct settlement;

/* How far the pass under way has come. */
struct reconcile_sweep {
    uint32_t to;                         /* accounts up to it have been compared */
    uint64_t from_height;                /* of its first slice */
    uint64_t balances;                   /* compared */
    __int128 users[PARAMS_ASSETS_LIMIT]; /* what those accounts have, moved on with every posting */
};

/* A pass that is over: every balance was the same everywhere. */
struct reconcile_pass {
    uint64_t wanted; /* of its slices */
    uint64_t from_height;
    uint64_t to_height;
    uint64_t balances;
    uint32_t accounts;
};

/* Compares. *ended says whether a pass ended well with this slice, and `pass` is it then.
 * Needs: settlement stands right behind block slice->height, its roots are made. */
MUST_CHECK enum status reconcile_slice(struct settlement *settlement,
                                       const struct balance_slice *slice, bool *ended,
                                       struct reconcile_pass *pass);

#endif /* SETTLEMENT_RECONCILE_H */
