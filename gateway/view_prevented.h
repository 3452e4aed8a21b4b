/* The last matches that self-trade prevention did not let happen, in an account's tail.
 *
 * Owner    one gateway loop; view.c moves it forward
 */

#ifndef GATEWAY_VIEW_PREVENTED_H
#define GATEWAY_VIEW_PREVENTED_H

#include "common/applied.h"
#include "gateway/account_tail.h"

#define VIEW_PREVENTED_KEPT 65536u

struct view_prevented {
    struct account_tail_link link;
    uint64_t prevented_id;
    uint64_t maker_order, taker_order;
    uint64_t time_ns;
    price_t price;
    qty_t maker_qty, taker_qty;
    uint16_t market;
    uint8_t mode; /* enum self_trade */
};

/* Needs: the tail's entries are of this kind. */
void view_prevented_add(struct account_tail *tail, const struct prevented_event *prevented,
                        const struct applied *applied);

#endif /* GATEWAY_VIEW_PREVENTED_H */
