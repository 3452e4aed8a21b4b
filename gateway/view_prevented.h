/* The last matches that self-trade prevention did not let happen, per account.
 *
 * Owner    one gateway loop; view.c moves it forward
 * Memory   from an arena at start
 * Limits   VIEW_PREVENTED_KEPT over all accounts; view_prevented_lost says whether an account's walk
 *          ended early
 */

#ifndef GATEWAY_VIEW_PREVENTED_H
#define GATEWAY_VIEW_PREVENTED_H

#include "common/applied.h"
#include "common/arena.h"
#include "common/params.h"

#define VIEW_PREVENTED_KEPT 65536u /* a power of 2 */

struct view_prevented {
    uint64_t prevented_id;
    uint64_t command;
    uint64_t maker_order, taker_order;
    uint64_t time_ns;
    uint64_t previous; /* the account's entry before, number + 1 */
    price_t price;
    qty_t maker_qty, taker_qty;
    uint16_t market;
    uint8_t mode; /* enum self_trade */
};

struct view_preventions {
    struct view_prevented *entries; /* by number modulo VIEW_PREVENTED_KEPT */
    uint64_t *last;                 /* of each account, number + 1 */
    uint64_t end;
    uint64_t dropped; /* those of this command or before may be missing */
    uint32_t accounts_max;
};

size_t view_prevented_bytes(const struct params *params);

/* False when the arena cannot hold them. */
MUST_CHECK bool view_prevented_init(struct view_preventions *preventions, struct arena *arena,
                                    const struct params *params);

void view_prevented_add(struct view_preventions *preventions,
                        const struct prevented_event *prevented, const struct applied *applied);

/* Those of `command` and before are not in memory, of any account up to `account_count`. Needs: there were
 * none yet. */
void view_prevented_forget(struct view_preventions *preventions, uint64_t command,
                           uint32_t account_count);

/* Walks an account's from the newest: NULL starts; NULL at the end. */
const struct view_prevented *view_prevented_next(const struct view_preventions *preventions,
                                                 uint32_t account,
                                                 const struct view_prevented *entry);

/* Whether the account had older ones than the last that the walk gives. */
bool view_prevented_lost(const struct view_preventions *preventions, uint32_t account);

#endif /* GATEWAY_VIEW_PREVENTED_H */
