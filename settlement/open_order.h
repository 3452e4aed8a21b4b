/* What the projection knows of open orders: what they are called, and which list they are of.
 *
 * Fills and amendments do not say so themselves. An order is known from its acceptance on. Of those that were open already
 * when the store began to read, the orders of lists are told from the database (store_load.h), without their names; the others
 * are not known until they are amended.
 *
 * Owner    the store's thread
 * Memory   the caller's arena, touched as orders come: some 70 bytes each
 * Limits   orders_max and the one that is being matched
 * Cost     O(1)
 */

#ifndef SETTLEMENT_OPEN_ORDER_H
#define SETTLEMENT_OPEN_ORDER_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct open_orders;

struct open_order {
    uint64_t order_id;
    uint64_t list_id; /* 0: of none */
    uint32_t next;    /* free place, while it is free */
    uint16_t market;
    uint8_t client_id[36]; /* all zero: not known */
};

size_t open_order_bytes(uint32_t orders_max);
MUST_CHECK struct open_orders *open_order_new(struct arena *arena, uint32_t orders_max);

/* Forgets all. */
void open_order_reset(struct open_orders *orders);

/* NULL when it is not known. Good until it is removed. */
struct open_order *open_order_find(const struct open_orders *orders, uint16_t market,
                                   uint64_t order_id);

/* The order, taken in when it was not known: all zero but for its market and id. NULL when there are more than can be. */
MUST_CHECK struct open_order *open_order_take(struct open_orders *orders, uint16_t market,
                                              uint64_t order_id);

/* It has ended; nothing happens when it was not known. */
void open_order_remove(struct open_orders *orders, uint16_t market, uint64_t order_id);

#endif /* SETTLEMENT_OPEN_ORDER_H */
