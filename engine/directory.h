/* Who is open: finds every open order by id, by client id, and by account and market.
 *
 * The open orders of one account in one market are its roster: a list in rising id, counted for
 * MAX_NUM_ORDERS and walked by cancel-all.
 *
 * Owner    the engine thread
 * Memory   the caller's arena; the orders themselves are the pool's
 * Limits   as many orders, and rosters, as the pool has slots
 * Cost     O(1) expected; an account chooses its client ids, but has account_orders_max of them at most
 *
 * Invariants, all asserted by directory_check:
 *   D1  an order in the directory is found by (market, id), and by (account, market, client id) if it
 *       has one, once each
 *   D2  a roster's list rises in id, belongs to one account and market, and has its count; none is empty
 */

#ifndef ENGINE_DIRECTORY_H
#define ENGINE_DIRECTORY_H

#include "engine/order.h"
#include "engine/slot_table.h"

struct roster {
    uint32_t account;
    uint32_t market;
    uint32_t count;
    uint32_t oldest; /* order with the lowest id */
    uint32_t newest; /* a free roster: the next free one */
};

struct directory {
    struct order_pool *pool;
    struct slot_table by_id;
    struct slot_table by_client;
    struct slot_table by_owner; /* (account, market) to roster */
    struct roster *rosters;
    uint32_t roster_used;
    uint32_t roster_free;
};

size_t directory_bytes(uint32_t order_capacity);

/* False when the arena is too small. `pool` outlives the directory. */
MUST_CHECK bool directory_init(struct directory *directory, struct arena *arena,
                               struct order_pool *pool);

/* Enters an order of the pool. Needs: its ids are not taken, and its id is above all others of its
 * market. */
void directory_add(struct directory *directory, uint32_t order);

/* Needs: the order is in the directory. */
void directory_remove(struct directory *directory, uint32_t order);

/* The order, or NO_SLOT. */
uint32_t directory_find(const struct directory *directory, uint16_t market, uint64_t id);
uint32_t directory_find_client(const struct directory *directory, uint32_t account, uint16_t market,
                               const uint8_t client_id[CLIENT_ID_BYTES]);

/* The account's roster in this market, or NULL when it has no open order there. Good until the next
 * change of the directory. */
const struct roster *directory_roster(const struct directory *directory, uint32_t account,
                                      uint16_t market);

/* Asserts D1 and D2. O(orders). */
bool directory_check(const struct directory *directory);

#endif /* ENGINE_DIRECTORY_H */
