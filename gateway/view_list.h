/* What the gateway knows of order lists: the open ones, and those that ended last.
 *
 * Owner    one gateway loop; view.c moves it forward, readers get const pointers
 * Memory   from an arena at start: as many open lists as there may be open orders, and
 *          VIEW_LISTS_KEPT in the tail; untouched until used
 * Limits   a tail entry is dropped when the tail is full: view_list_lost then says whether an account's
 *          walk ended early
 */

#ifndef GATEWAY_VIEW_LIST_H
#define GATEWAY_VIEW_LIST_H

#include "common/applied.h"
#include "common/genesis.h"
#include "gateway/view_index.h"

#define VIEW_LISTS_KEPT 16384u /* a power of 2 */
#define LIST_ORDERS_MAX 3

struct view_list_order {
    uint64_t order_id;
    uint8_t client_id[36];
};

/* A list, open or done. */
struct view_list {
    uint64_t list_id;
    uint64_t command; /* that ended it; 0 while open */
    uint64_t created_ns;
    uint64_t updated_ns;
    uint64_t previous; /* tail: the account's entry before, number + 1 */
    struct view_list_order orders[LIST_ORDERS_MAX];
    uint32_t account;
    uint32_t next_open, previous_open; /* open: the account's, by slot */
    uint32_t order_count;
    uint16_t market;
    uint8_t kind; /* enum list_kind */
    uint8_t client_id[36];
};

struct view_lists;

size_t view_list_bytes(const struct params *params);

/* NULL when the arena cannot hold them. */
MUST_CHECK struct view_lists *view_list_new(struct arena *arena, const struct params *params);

/* Moves the lists forward by LIST_ACCEPTED and LIST_DONE; other events are ignored. */
void view_list_apply(struct view_lists *lists, const struct applied *applied,
                     const struct event *event);

/* An order of an open list has this client id from now on. */
void view_list_name(struct view_lists *lists, uint16_t market, uint64_t list_id, uint64_t order_id,
                    const uint8_t client_id[36]);

/* An open list read from elsewhere becomes the newest of its account. Of `list` these count: list_id,
 * created_ns, orders, order_count, account, market, kind, client_id. False: there is one with this id, or no
 * room. */
MUST_CHECK bool view_list_restore(struct view_lists *lists, const struct view_list *list);

/* Lists that ended with `command` or before are not in memory, of any account up to `account_count`. Needs:
 * none has ended yet. */
void view_list_forget(struct view_lists *lists, uint64_t command, uint32_t account_count);

/* An open list, or NULL. */
const struct view_list *view_list_open(const struct view_lists *lists, uint16_t market,
                                       uint64_t list_id);

/* Walks an account's open lists: NULL starts; NULL at the end. Oldest first. */
const struct view_list *view_list_next_open(const struct view_lists *lists, uint32_t account,
                                            const struct view_list *list);

/* Walks an account's ended lists from the one that ended last. */
const struct view_list *view_list_next_done(const struct view_lists *lists, uint32_t account,
                                            const struct view_list *list);

/* Lists that ended with this command or before may be missing from the tail. */
uint64_t view_list_dropped(const struct view_lists *lists);

/* Whether the account had ended lists before the last one that the walk gives. */
bool view_list_lost(const struct view_lists *lists, uint32_t account);

/* Asserts that chains, slots and index agree. O(everything). */
bool view_list_check(const struct view_lists *lists);

#endif /* GATEWAY_VIEW_LIST_H */
