/* The last amendments of orders, in an account's tail.
 *
 * Owner    one gateway loop; view.c moves it forward
 */

#ifndef GATEWAY_VIEW_AMENDED_H
#define GATEWAY_VIEW_AMENDED_H

#include "common/applied.h"
#include "gateway/account_tail.h"

#define VIEW_AMENDED_KEPT 65536u

struct view_amended {
    struct account_tail_link
        link; /* its command's number is the execution id, as the amend's answer says it */
    uint64_t order_id;
    uint64_t time_ns;
    qty_t qty_before, qty;
    uint16_t market;
    uint8_t former_client_id[36]; /* all zero: PostgreSQL's row does not know it */
    uint8_t client_id[36];
};

/* Needs: the tail's entries are of this kind. */
void view_amended_add(struct account_tail *tail, const struct order_amended_event *amended,
                      const uint8_t former_client_id[36], const struct applied *applied);

#endif /* GATEWAY_VIEW_AMENDED_H */
