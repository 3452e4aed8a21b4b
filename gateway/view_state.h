/* What a view consists of, for view.c, view_restore.c and account_keys.c alone.
 *
 * Slots of open orders begin at 1; a tail's entries are numbered from 0 on, and named by number + 1.
 */

#ifndef GATEWAY_VIEW_STATE_H
#define GATEWAY_VIEW_STATE_H

#include "gateway/view.h"

#define NO_SLOT 0u

struct view {
    const struct params *markets;
    struct view_account *accounts; /* 1 .. accounts_max */
    struct view_balance *balances; /* account x assets_max + asset */
    struct view_keys keys;
    struct view_owners owners;
    struct view_order *open; /* slots 1 .. orders_max */
    struct view_index index; /* of open orders */
    struct view_lists *lists;
    struct account_tail preventions; /* of struct view_prevented */
    struct account_tail amendments;  /* of struct view_amended */
    struct members members;
    struct custody_view *custody;
    uint32_t *free_slots;
    struct view_order *done; /* by number modulo VIEW_ORDERS_KEPT */
    struct view_fill *fills; /* by number modulo VIEW_FILLS_KEPT */
    uint64_t *market_fills;  /* newest entry of each market, number + 1 */
    uint64_t
        *traded_ns; /* of each market: its first trade's stamp, or as late as that can have been */
    uint64_t done_begin, done_end;
    uint64_t fill_begin, fill_end;
    uint64_t dropped;
    uint64_t command;
    uint64_t epoch;
    uint32_t node;
    uint32_t accounts_max, assets_max, orders_max /* slots */, markets_max;
    uint32_t open_used, free_count, open_count;
    uint32_t waiting_count; /* of the accounts, those that are pending */
    uint8_t former_client_id[36];
};

/* An order that is or was a stop when it came. */
static inline bool view_is_stop(uint8_t type)
{
    return type >= STOP_LOSS;
}

/* An open order, or NULL. */
struct view_order *view_find_open(const struct view *view, uint16_t market, uint64_t order_id);

/* A free slot, or NO_SLOT when all are taken. */
uint32_t view_take_slot(struct view *view);

/* The order in `slot` becomes the newest of its account. */
void view_link(struct view *view, uint32_t slot);

#endif /* GATEWAY_VIEW_STATE_H */
