#include "engine/directory.h"

#include "common/arena.h"

#include <string.h>

static size_t roster_bytes(uint32_t order_capacity)
{
    return (((size_t)order_capacity + 1) * sizeof(struct roster) + 63) & ~(size_t)63;
}

size_t directory_bytes(uint32_t order_capacity)
{
    return 3 * slot_table_bytes(order_capacity) + roster_bytes(order_capacity);
}

bool directory_init(struct directory *directory, struct arena *arena, struct order_pool *pool)
{
    *directory = (struct directory){.pool = pool};
    if (!slot_table_init(&directory->by_id, arena, pool->capacity)) return false;
    if (!slot_table_init(&directory->by_client, arena, pool->capacity)) return false;
    if (!slot_table_init(&directory->by_owner, arena, pool->capacity)) return false;
    directory->rosters = arena_take(arena, roster_bytes(pool->capacity));
    return directory->rosters != NULL;
}

static uint32_t id_hash(uint16_t market, uint64_t id)
{
    return slot_table_hash_pair(id, market);
}

/* Account and market as one number: the key of a roster, and the seed of its client ids. */
static uint64_t owner_key(uint32_t account, uint32_t market)
{
    return (uint64_t)account << 32 | market;
}

static uint32_t owner_hash(uint32_t account, uint32_t market)
{
    return slot_table_hash_pair(owner_key(account, market), 0);
}

static uint32_t client_hash(uint32_t account, uint16_t market, const uint8_t *client_id)
{
    return slot_table_hash_bytes(owner_key(account, market), client_id, CLIENT_ID_BYTES);
}

uint32_t directory_find(const struct directory *directory, uint16_t market, uint64_t id)
{
    const struct slot_table *table = &directory->by_id;
    const uint32_t hash = id_hash(market, id);
    uint32_t place = slot_table_home(table, hash), slot;
    while ((slot = slot_table_next(table, hash, &place)) != NO_SLOT) {
        const struct order *order = &directory->pool->orders[slot];
        if (order->id == id && order->market == market) return slot;
    }
    return NO_SLOT;
}

uint32_t directory_find_client(const struct directory *directory, uint32_t account, uint16_t market,
                               const uint8_t client_id[CLIENT_ID_BYTES])
{
    const struct slot_table *table = &directory->by_client;
    const uint32_t hash = client_hash(account, market, client_id);
    uint32_t place = slot_table_home(table, hash), slot;
    while ((slot = slot_table_next(table, hash, &place)) != NO_SLOT) {
        const struct order *order = &directory->pool->orders[slot];
        if (order->account == account && order->market == market &&
            memcmp(directory->pool->terms[slot].client_id, client_id, CLIENT_ID_BYTES) == 0)
            return slot;
    }
    return NO_SLOT;
}

static uint32_t roster_find(const struct directory *directory, uint32_t account, uint32_t market)
{
    const struct slot_table *table = &directory->by_owner;
    const uint32_t hash = owner_hash(account, market);
    uint32_t place = slot_table_home(table, hash), slot;
    while ((slot = slot_table_next(table, hash, &place)) != NO_SLOT) {
        const struct roster *roster = &directory->rosters[slot];
        if (roster->account == account && roster->market == market) return slot;
    }
    return NO_SLOT;
}

const struct roster *directory_roster(const struct directory *directory, uint32_t account,
                                      uint16_t market)
{
    const uint32_t slot = roster_find(directory, account, market);
    return slot == NO_SLOT ? NULL : &directory->rosters[slot];
}

static uint32_t roster_open(struct directory *directory, uint32_t account, uint32_t market)
{
    uint32_t slot = directory->roster_free;
    if (slot == NO_SLOT)
        slot = ++directory->roster_used;
    else
        directory->roster_free = directory->rosters[slot].newest;
    ASSERT(slot <= directory->pool->capacity); /* each roster has an order, at least */

    directory->rosters[slot] = (struct roster){.account = account, .market = market};
    slot_table_add(&directory->by_owner, owner_hash(account, market), slot);
    return slot;
}

static void roster_close(struct directory *directory, uint32_t slot)
{
    struct roster *roster = &directory->rosters[slot];
    slot_table_remove(&directory->by_owner, owner_hash(roster->account, roster->market), slot);
    roster->newest = directory->roster_free;
    directory->roster_free = slot;
}

static void roster_join(struct directory *directory, uint32_t slot, uint32_t order)
{
    struct roster *roster = &directory->rosters[slot];
    struct order_terms *terms = directory->pool->terms;
    const struct order *orders = directory->pool->orders;
    ASSERT(roster->newest == NO_SLOT || orders[roster->newest].id < orders[order].id); /* D2 */

    terms[order].roster = slot;
    terms[order].roster_older = roster->newest;
    terms[order].roster_newer = NO_SLOT;
    if (roster->newest == NO_SLOT)
        roster->oldest = order;
    else
        terms[roster->newest].roster_newer = order;
    roster->newest = order;
    roster->count++;
}

static void roster_leave(struct directory *directory, uint32_t order)
{
    struct order_terms *terms = directory->pool->terms;
    const uint32_t slot = terms[order].roster;
    const uint32_t older = terms[order].roster_older, newer = terms[order].roster_newer;
    struct roster *roster = &directory->rosters[slot];

    if (older == NO_SLOT)
        roster->oldest = newer;
    else
        terms[older].roster_newer = newer;
    if (newer == NO_SLOT)
        roster->newest = older;
    else
        terms[newer].roster_older = older;
    roster->count--;
    if (roster->count == 0) roster_close(directory, slot);
}

void directory_add(struct directory *directory, uint32_t order)
{
    const struct order *added = &directory->pool->orders[order];
    const uint8_t *client_id = directory->pool->terms[order].client_id;

    slot_table_add(&directory->by_id, id_hash(added->market, added->id), order);
    if (order_has_client_id(client_id))
        slot_table_add(&directory->by_client, client_hash(added->account, added->market, client_id),
                       order);

    uint32_t roster = roster_find(directory, added->account, added->market);
    if (roster == NO_SLOT) roster = roster_open(directory, added->account, added->market);
    roster_join(directory, roster, order);
}

void directory_remove(struct directory *directory, uint32_t order)
{
    const struct order *removed = &directory->pool->orders[order];
    const uint8_t *client_id = directory->pool->terms[order].client_id;

    slot_table_remove(&directory->by_id, id_hash(removed->market, removed->id), order);
    if (order_has_client_id(client_id))
        slot_table_remove(&directory->by_client,
                          client_hash(removed->account, removed->market, client_id), order);
    roster_leave(directory, order);
}

/* Asserts D2 for one roster and D1 for its orders; returns its count. */
static uint32_t roster_check(const struct directory *directory, const struct roster *roster)
{
    uint32_t count = 0, older = NO_SLOT;
    for (uint32_t slot = roster->oldest; slot != NO_SLOT;
         slot = directory->pool->terms[slot].roster_newer) {
        const struct order *order = &directory->pool->orders[slot];
        const struct order_terms *terms = &directory->pool->terms[slot];
        ASSERT(order->account == roster->account && order->market == roster->market);
        ASSERT(terms->roster_older == older);
        ASSERT(older == NO_SLOT || directory->pool->orders[older].id < order->id);
        ASSERT(directory_find(directory, order->market, order->id) == slot);
        if (order_has_client_id(terms->client_id))
            ASSERT(directory_find_client(directory, order->account, order->market,
                                         terms->client_id) == slot);
        older = slot;
        count++;
    }
    ASSERT(count == roster->count && count > 0);
    ASSERT(older == roster->newest);
    return count;
}

bool directory_check(const struct directory *directory)
{
    ASSERT(slot_table_check(&directory->by_id));
    ASSERT(slot_table_check(&directory->by_client));
    ASSERT(slot_table_check(&directory->by_owner));

    uint32_t count = 0;
    for (uint32_t i = 0; i <= directory->by_owner.mask; i++) {
        const uint32_t slot = directory->by_owner.entries[i].slot;
        if (slot == NO_SLOT) continue;
        const struct roster *roster = &directory->rosters[slot];
        ASSERT(roster_find(directory, roster->account, roster->market) == slot);
        count += roster_check(directory, roster);
    }
    ASSERT(count == directory->by_id.count); /* D1: each once */
    ASSERT(count == directory->pool->count);
    return true;
}
