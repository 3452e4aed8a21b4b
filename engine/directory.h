/* Who is open: finds every open order by id, by client id, and by account and market.
 *
 * The open orders of one account in one market are its roster: a list in rising id, counted for
 * MAX_NUM_ORDERS and walked by cancel-all. Rosters lie in their table, not behind it.
 *
 *     by_id      hash, slot | hash, slot |          ─► orders
 *     by_client  hash, slot | hash, slot |          ─► orders
 *     rosters    account, market, counts, oldest, newest |        oldest ─► orders, linked
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 96 to 192 bytes a slot of the pool; the orders themselves are the pool's
 * Limits   as many orders, and rosters, as the pool has slots. Accounts are numbered from 1.
 * Cost     O(1) expected; an account chooses its client ids, but has account_orders_max of them at most
 *
 * Invariants, all asserted by directory_check:
 *   D1  an order in the directory is found by (market, id), and by (account, market, client id) if it
 *       has one, once each
 *   D2  a roster's list rises in id, belongs to one account and market, and has its count and its BUY
 *       orders' open lots; none is empty
 *   D3  every roster is reached from its home without crossing an empty place
 */

#ifndef ENGINE_DIRECTORY_H
#define ENGINE_DIRECTORY_H

#include "engine/order.h"
#include "engine/slot_table.h"

/* What one account has open in one market. */
struct roster {
    uint32_t account; /* 0: empty place */
    uint32_t open;
    uint32_t oldest; /* order with the lowest id */
    uint32_t newest;
    uint16_t market;
    uint8_t unused[6];
    int64_t buy_lots; /* what its BUY orders have open, shown and hidden */
};
static_assert(sizeof(struct roster) == 32, "two in a cache line");

struct directory {
    struct order_pool *pool;
    struct slot_table by_id;
    struct slot_table by_client;
    struct roster *rosters; /* open addressing, by account and market */
    uint32_t roster_mask;
    uint32_t roster_count;
};

size_t directory_bytes(uint32_t order_capacity);

/* False when the arena is too small. `pool` outlives the directory. */
MUST_CHECK bool directory_init(struct directory *directory, struct arena *arena,
                               struct order_pool *pool);

/* Account and market as one number: the key of a roster, and the seed of its client ids. */
static inline uint64_t directory_owner_key(uint32_t account, uint16_t market)
{
    return (uint64_t)account << 32 | market;
}

/* The hash of a client id of this account and market; never 0. */
static inline uint32_t directory_client_hash(uint32_t account, uint16_t market,
                                             const uint8_t client_id[CLIENT_ID_BYTES])
{
    const uint32_t hash = slot_table_hash_text(directory_owner_key(account, market), client_id);
    return hash == 0 ? 1 : hash;
}

/* Enters an order of the pool, whose client_hash is either 0 or directory_client_hash of it, and
 * returns its roster, good until the next change of the directory.
 * Needs: its ids are not taken, and its id is above all others of its account and market. */
struct roster *directory_add(struct directory *directory, uint32_t order);

/* The same, where its roster is known: `place` is directory_place of its account and market, and the
 * directory has not changed since. */
struct roster *directory_add_at(struct directory *directory, uint32_t order, struct roster *place);

/* Where the account's roster in this market is, or (account 0) would be. */
struct roster *directory_place(const struct directory *directory, uint32_t account,
                               uint16_t market);

/* Needs: the order is in the directory, and `open_lots` is what it has open as far as the directory was
 * told. Its roster is gone with its last order. */
void directory_remove(struct directory *directory, uint32_t order, int64_t open_lots);

/* The account's roster in this market, or NULL when it has no open order there. Good until the next
 * change of the directory. */
struct roster *directory_roster(const struct directory *directory, uint32_t account,
                                uint16_t market);

/* What an order of the directory has open is about to fall by so many lots. */
static inline void directory_reduce(struct directory *directory, const struct order *order,
                                    int64_t lots)
{
    if (order->side == BUY)
        directory_roster(directory, order->account, order->market)->buy_lots -= lots;
}

/* Gives an order of the directory another client id. Needs: no other has it here. */
void directory_rename(struct directory *directory, uint32_t order,
                      const uint8_t client_id[CLIENT_ID_BYTES]);

static inline uint32_t directory_id_hash(uint16_t market, uint64_t id)
{
    return slot_table_hash_serial(market, id);
}

/* The order, or NO_SLOT. */
static inline uint32_t directory_find(const struct directory *directory, uint16_t market,
                                      uint64_t id)
{
    const struct slot_table *table = &directory->by_id;
    const uint32_t hash = directory_id_hash(market, id);
    uint32_t place = slot_table_home(table, hash), slot;
    while ((slot = slot_table_next(table, hash, &place)) != NO_SLOT) {
        const struct order *order = &directory->pool->orders[slot];
        if (order->id == id && order->market == market) return slot;
    }
    return NO_SLOT;
}

uint32_t directory_find_client(const struct directory *directory, uint32_t account, uint16_t market,
                               const uint8_t client_id[CLIENT_ID_BYTES]);

/* The same, by a hash already made. */
uint32_t directory_find_client_hashed(const struct directory *directory, uint32_t account,
                                      uint16_t market, const uint8_t client_id[CLIENT_ID_BYTES],
                                      uint32_t hash);

/* The part of directory_add and directory_remove that concerns ids: enough where orders have neither
 * accounts nor client ids. */
static inline void directory_add_id(struct directory *directory, uint32_t order)
{
    const struct order *added = &directory->pool->orders[order];
    slot_table_add(&directory->by_id, directory_id_hash(added->market, added->id), order);
}

static inline void directory_remove_id(struct directory *directory, uint32_t order)
{
    const struct order *removed = &directory->pool->orders[order];
    slot_table_remove(&directory->by_id, directory_id_hash(removed->market, removed->id), order);
}

/* Hints: they ask for cache lines ahead of their use and change nothing. */

/* A command will name this id. */
static inline void directory_hint_cancel(const struct directory *directory, uint16_t market,
                                         uint64_t id)
{
    slot_table_hint(&directory->by_id, directory_id_hash(market, id));
}

/* After directory_hint_cancel: the slot that probably has this id, for book_hint_order, or NO_SLOT. */
static inline uint32_t directory_guess(const struct directory *directory, uint16_t market,
                                       uint64_t id)
{
    const uint32_t hash = directory_id_hash(market, id);
    uint32_t place = slot_table_home(&directory->by_id, hash);
    return slot_table_next(&directory->by_id, hash, &place);
}

/* After directory_hint_cancel and once the order is near: what else finds it. */
void directory_hint_order(const struct directory *directory, uint32_t order);

/* After directory_hint_roster: the order that a new one will follow in its roster. */
void directory_hint_newest(const struct directory *directory, uint32_t account, uint16_t market);

/* A command will concern this account in this market. */
void directory_hint_roster(const struct directory *directory, uint32_t account, uint16_t market);

/* A command will name this client id, whose hash it is. */
static inline void directory_hint_client(const struct directory *directory, uint32_t hash)
{
    slot_table_hint(&directory->by_client, hash);
}

/* Asserts D1 to D3. O(orders). */
bool directory_check(const struct directory *directory);

#endif /* ENGINE_DIRECTORY_H */
