#include "engine/directory.h"

#include "common/arena.h"

#include <string.h>

static size_t roster_bytes(uint32_t order_capacity)
{
    return slot_table_places(order_capacity) * sizeof(struct roster);
}

size_t directory_bytes(uint32_t order_capacity)
{
    return 2 * slot_table_bytes(order_capacity) + roster_bytes(order_capacity);
}

bool directory_init(struct directory *directory, struct arena *arena, struct order_pool *pool)
{
    *directory =
        (struct directory){.pool = pool, .roster_mask = slot_table_places(pool->capacity) - 1};
    if (!slot_table_init(&directory->by_id, arena, pool->capacity)) return false;
    if (!slot_table_init(&directory->by_client, arena, pool->capacity)) return false;
    directory->rosters = arena_take(arena, roster_bytes(pool->capacity));
    return directory->rosters != NULL;
}

uint32_t directory_find_client_hashed(const struct directory *directory, uint32_t account,
                                      uint16_t market, const uint8_t client_id[CLIENT_ID_BYTES],
                                      uint32_t hash)
{
    const struct slot_table *table = &directory->by_client;
    uint32_t place = slot_table_home(table, hash), slot;
    while ((slot = slot_table_next(table, hash, &place)) != NO_SLOT) {
        const struct order *order = &directory->pool->orders[slot];
        if (order->account == account && order->market == market &&
            memcmp(order->client_id, client_id, CLIENT_ID_BYTES) == 0)
            return slot;
    }
    return NO_SLOT;
}

uint32_t directory_find_client(const struct directory *directory, uint32_t account, uint16_t market,
                               const uint8_t client_id[CLIENT_ID_BYTES])
{
    return directory_find_client_hashed(directory, account, market, client_id,
                                        directory_client_hash(account, market, client_id));
}

static uint32_t roster_home(const struct directory *directory, uint32_t account, uint16_t market)
{
    return slot_table_hash_pair(directory_owner_key(account, market), 0) & directory->roster_mask;
}

/* The place of the roster, or the empty place where it would go. */
static uint32_t roster_place(const struct directory *directory, uint32_t account, uint16_t market)
{
    uint32_t place = roster_home(directory, account, market);
    for (;; place = (place + 1) & directory->roster_mask) { /* ends: half of the places are empty */
        const struct roster *roster = &directory->rosters[place];
        if (roster->account == 0) return place;
        if (roster->account == account && roster->market == market) return place;
    }
}

struct roster *directory_roster(const struct directory *directory, uint32_t account,
                                uint16_t market)
{
    struct roster *roster = &directory->rosters[roster_place(directory, account, market)];
    return roster->account == 0 ? NULL : roster;
}

void directory_hint_roster(const struct directory *directory, uint32_t account, uint16_t market)
{
    __builtin_prefetch(&directory->rosters[roster_home(directory, account, market)], 1);
}

/* Takes an empty roster out; what follows moves back into the gap, as in a slot_table. */
static void roster_close(struct directory *directory, uint32_t gap)
{
    struct roster *rosters = directory->rosters;
    const uint32_t mask = directory->roster_mask;
    for (uint32_t place = (gap + 1) & mask; rosters[place].account != 0;
         place = (place + 1) & mask) {
        const uint32_t home = roster_home(directory, rosters[place].account, rosters[place].market);
        if (!slot_table_may_move(mask, home, place, gap)) continue;
        rosters[gap] = rosters[place];
        gap = place;
    }
    rosters[gap] = (struct roster){.account = 0};
    directory->roster_count--;
}

static struct roster *roster_join(struct directory *directory, uint32_t slot, struct roster *roster)
{
    struct order *orders = directory->pool->orders, *order = &orders[slot];
    ASSERT(order->account != 0);
    if (roster->account == 0) {
        ASSERT(directory->roster_count <
               directory->pool->capacity); /* each has an order, at least */
        *roster = (struct roster){.account = order->account, .market = order->market};
        directory->roster_count++;
    }
    order->roster_older = roster->newest;
    order->roster_newer = NO_SLOT;
    if (roster->newest == NO_SLOT) {
        roster->oldest = slot;
    } else {
        INVARIANT(orders[roster->newest].id < order->id); /* D2 */
        orders[roster->newest].roster_newer = slot;
    }
    roster->newest = slot;
    roster->open++;
    if (order->side == BUY) roster->buy_lots += order_open(directory->pool, slot).lots;
    return roster;
}

static void roster_leave(struct directory *directory, uint32_t slot, int64_t open_lots)
{
    struct order *orders = directory->pool->orders;
    const struct order *order = &orders[slot];
    const uint32_t place = roster_place(directory, order->account, order->market);
    struct roster *roster = &directory->rosters[place];
    ASSERT(roster->open > 0);
    if (order->side == BUY) roster->buy_lots -= open_lots;

    if (order->roster_older == NO_SLOT)
        roster->oldest = order->roster_newer;
    else
        orders[order->roster_older].roster_newer = order->roster_newer;
    if (order->roster_newer == NO_SLOT)
        roster->newest = order->roster_older;
    else
        orders[order->roster_newer].roster_older = order->roster_older;
    if (--roster->open == 0) roster_close(directory, place);
}

struct roster *directory_place(const struct directory *directory, uint32_t account, uint16_t market)
{
    return &directory->rosters[roster_place(directory, account, market)];
}

struct roster *directory_add(struct directory *directory, uint32_t slot)
{
    const struct order *order = &directory->pool->orders[slot];
    return directory_add_at(directory, slot,
                            directory_place(directory, order->account, order->market));
}

struct roster *directory_add_at(struct directory *directory, uint32_t slot, struct roster *place)
{
    struct order *order = &directory->pool->orders[slot];
    ASSERT(place->account == 0 ||
           (place->account == order->account && place->market == order->market));

    directory_add_id(directory, slot);
    if (order_has_client_id(order->client_id)) {
        if (order->client_hash == 0)
            order->client_hash =
                directory_client_hash(order->account, order->market, order->client_id);
        slot_table_add(&directory->by_client, order->client_hash, slot);
    }
    return roster_join(directory, slot, place);
}

void directory_remove(struct directory *directory, uint32_t slot, int64_t open_lots)
{
    const struct order *order = &directory->pool->orders[slot];

    directory_remove_id(directory, slot);
    if (order_has_client_id(order->client_id))
        slot_table_remove(&directory->by_client, order->client_hash, slot);
    roster_leave(directory, slot, open_lots);
}

void directory_rename(struct directory *directory, uint32_t slot,
                      const uint8_t client_id[CLIENT_ID_BYTES])
{
    struct order *order = &directory->pool->orders[slot];
    if (order_has_client_id(order->client_id))
        slot_table_remove(&directory->by_client, order->client_hash, slot);
    memcpy(order->client_id, client_id, CLIENT_ID_BYTES);
    order->client_hash = directory_client_hash(order->account, order->market, client_id);
    slot_table_add(&directory->by_client, order->client_hash, slot);
}

void directory_hint_newest(const struct directory *directory, uint32_t account, uint16_t market)
{
    const struct roster *roster = &directory->rosters[roster_home(directory, account, market)];
    __builtin_prefetch(&directory->pool->orders[roster->newest].roster_newer, 1);
}

void directory_hint_order(const struct directory *directory, uint32_t slot)
{
    if (slot == NO_SLOT) return;
    const struct order *order = &directory->pool->orders[slot];
    slot_table_hint(&directory->by_client, order->client_hash);
    __builtin_prefetch(&directory->pool->orders[order->roster_older].roster_newer, 1);
    __builtin_prefetch(&directory->pool->orders[order->roster_newer].roster_older, 1);
}

/* Asserts D2 for one roster and D1 for its orders; returns its count. */
static uint32_t roster_check(const struct directory *directory, const struct roster *roster)
{
    uint32_t count = 0, older = NO_SLOT;
    int64_t buy_lots = 0;
    for (uint32_t slot = roster->oldest; slot != NO_SLOT;
         slot = directory->pool->orders[slot].roster_newer) {
        const struct order *order = &directory->pool->orders[slot];
        ASSERT(order->account == roster->account && order->market == roster->market);
        ASSERT(order->roster_older == older);
        ASSERT(older == NO_SLOT || directory->pool->orders[older].id < order->id);
        ASSERT(directory_find(directory, order->market, order->id) == slot);
        if (order_has_client_id(order->client_id))
            ASSERT(directory_find_client(directory, order->account, order->market,
                                         order->client_id) == slot);
        if (order->side == BUY) buy_lots += order_open(directory->pool, slot).lots;
        older = slot;
        count++;
    }
    ASSERT(buy_lots == roster->buy_lots);
    ASSERT(count == roster->open && count > 0);
    ASSERT(older == roster->newest);
    return count;
}

bool directory_check(const struct directory *directory)
{
    ASSERT(slot_table_check(&directory->by_id));
    ASSERT(slot_table_check(&directory->by_client));

    uint32_t count = 0, rosters = 0;
    for (uint32_t i = 0; i <= directory->roster_mask; i++) {
        const struct roster *roster = &directory->rosters[i];
        if (roster->account == 0) continue;
        ASSERT(directory_roster(directory, roster->account, roster->market) == roster); /* D3 */
        count += roster_check(directory, roster);
        rosters++;
    }
    ASSERT(rosters == directory->roster_count);
    ASSERT(count == directory->by_id.count); /* D1: each once */
    ASSERT(count == directory->pool->count);
    return true;
}
