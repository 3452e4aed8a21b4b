#include "engine/repeats.h"

#include "common/arena.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t repeats_bytes(const struct params *params)
{
    const size_t capacity = repeats_capacity(params);
    return rounded((capacity + 1) * sizeof(struct repeat)) +
           rounded(((size_t)params->accounts_max + 1) * sizeof(struct repeats_owner)) +
           rounded(((size_t)params->accounts_max + 1) * sizeof(uint32_t)) +
           slot_table_bytes((uint32_t)capacity);
}

bool repeats_init(struct repeats *repeats, struct arena *arena, const struct params *params)
{
    const uint32_t capacity = repeats_capacity(params);
    *repeats = (struct repeats){.capacity = capacity, .accounts_max = params->accounts_max};
    repeats->records = arena_take_array(arena, (size_t)capacity + 1, sizeof(struct repeat));
    repeats->owners =
        arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(struct repeats_owner));
    repeats->heap = arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(uint32_t));
    return repeats->records != NULL && repeats->owners != NULL && repeats->heap != NULL &&
           slot_table_init(&repeats->by_name, arena, capacity);
}

static uint32_t name_hash(uint32_t account, uint16_t market, const uint8_t client_id[36])
{
    return slot_table_hash_text((uint64_t)account << 16 | market, client_id);
}

static uint32_t find(const struct repeats *repeats, uint32_t account, uint16_t market,
                     const uint8_t client_id[36], uint32_t hash)
{
    uint32_t place = slot_table_home(&repeats->by_name, hash), slot;
    while ((slot = slot_table_next(&repeats->by_name, hash, &place)) != 0) {
        const struct order_repeated_event *result = &repeats->records[slot].result;
        if (result->account == account && result->market == market &&
            memcmp(result->client_id, client_id, sizeof(result->client_id)) == 0)
            return slot;
    }
    return 0;
}

const struct order_repeated_event *repeats_find(const struct repeats *repeats, uint32_t account,
                                                uint16_t market, const uint8_t client_id[36])
{
    const uint32_t hash = name_hash(account, market, client_id);
    const uint32_t slot = find(repeats, account, market, client_id, hash);
    return slot == 0 ? NULL : &repeats->records[slot].result;
}

static uint32_t take_slot(struct repeats *repeats)
{
    const uint32_t slot = repeats->free;
    if (slot == 0) return ++repeats->used;
    repeats->free = repeats->records[slot].newer;
    return slot;
}

/* ---- Who has the most. */

static bool has_more(const struct repeats *repeats, uint32_t account, uint32_t than)
{
    const struct repeats_owner *one = &repeats->owners[account], *other = &repeats->owners[than];
    if (one->count != other->count) return one->count > other->count;
    return repeats->records[one->oldest].result.command <
           repeats->records[other->oldest].result.command;
}

static void heap_put(struct repeats *repeats, uint32_t place, uint32_t account)
{
    repeats->heap[place] = account;
    repeats->owners[account].place = place;
}

static void heap_rise(struct repeats *repeats, uint32_t account)
{
    uint32_t place = repeats->owners[account].place;
    while (place > 1 && has_more(repeats, account, repeats->heap[place / 2])) {
        heap_put(repeats, place, repeats->heap[place / 2]);
        place /= 2;
    }
    heap_put(repeats, place, account);
}

static void heap_sink(struct repeats *repeats, uint32_t account)
{
    const uint32_t *heap = repeats->heap;
    uint32_t place = repeats->owners[account].place;
    for (uint32_t below; (below = 2 * place) <= repeats->heap_count; place = below) {
        if (below < repeats->heap_count && has_more(repeats, heap[below + 1], heap[below])) below++;
        if (!has_more(repeats, heap[below], account)) break;
        heap_put(repeats, place, heap[below]);
    }
    heap_put(repeats, place, account);
}

static void heap_add(struct repeats *repeats, uint32_t account)
{
    heap_put(repeats, ++repeats->heap_count, account);
}

/* The last one comes into its place, and belongs further up or further down. */
static void heap_remove(struct repeats *repeats, uint32_t account)
{
    const uint32_t place = repeats->owners[account].place;
    const uint32_t last = repeats->heap[repeats->heap_count--];
    repeats->owners[account].place = 0;
    if (last == account) return;
    heap_put(repeats, place, last);
    heap_rise(repeats, last);
    heap_sink(repeats, last);
}

/* ---- Coming and going. */

/* Forgets the account's oldest, which may lie anywhere among all. */
static void forget(struct repeats *repeats, uint32_t account)
{
    struct repeats_owner *owner = &repeats->owners[account];
    const uint32_t slot = owner->oldest;
    struct repeat *record = &repeats->records[slot];
    ASSERT(slot != 0 && record->result.account == account);

    owner->oldest = record->next;
    if (--owner->count == 0) owner->newest = 0;
    if (record->older == 0)
        repeats->oldest = record->newer;
    else
        repeats->records[record->older].newer = record->newer;
    if (record->newer == 0)
        repeats->newest = record->older;
    else
        repeats->records[record->newer].older = record->older;
    slot_table_remove(&repeats->by_name, record->hash, slot);
    record->newer = repeats->free;
    repeats->free = slot;
    repeats->count--;
    if (owner->count == 0)
        heap_remove(repeats, account);
    else
        heap_sink(repeats, account); /* it has fewer, and its oldest is a younger one */
}

/* Puts the record behind all others, and behind those of its account. */
static void append(struct repeats *repeats, uint32_t slot)
{
    struct repeat *record = &repeats->records[slot];
    struct repeats_owner *owner = &repeats->owners[record->result.account];
    record->older = repeats->newest;
    record->newer = record->next = 0;
    if (repeats->newest == 0)
        repeats->oldest = slot;
    else
        repeats->records[repeats->newest].newer = slot;
    repeats->newest = slot;
    if (owner->newest == 0)
        owner->oldest = slot;
    else
        repeats->records[owner->newest].next = slot;
    owner->newest = slot;
    if (owner->count++ == 0) heap_add(repeats, record->result.account);
    heap_rise(repeats, record->result.account);
    repeats->count++;
}

/* Who gives up its oldest, so that `account` has room for one more. Needs: all are full. */
static uint32_t who_gives(const struct repeats *repeats, uint32_t account, enum repeats_share share)
{
    if (share == REPEATS_OLDEST) return repeats->records[repeats->oldest].result.account;
    const uint32_t most = repeats->heap[1];
    return repeats->owners[account].count == repeats->owners[most].count ? account : most;
}

void repeats_add(struct repeats *repeats, const struct order_repeated_event *result,
                 enum repeats_share share)
{
    ASSERT(result->account >= 1 && result->account <= repeats->accounts_max);
    if (repeats->owners[result->account].count == REPEATS_OF_ACCOUNT)
        forget(repeats, result->account);
    else if (repeats->count == repeats->capacity)
        forget(repeats, who_gives(repeats, result->account, share));

    const uint32_t slot = take_slot(repeats);
    struct repeat *record = &repeats->records[slot];
    record->result = *result;
    record->hash = name_hash(result->account, result->market, result->client_id);
    append(repeats, slot);
    slot_table_add(&repeats->by_name, record->hash, slot);
}

/* Asserts R4 for one account. */
static void place_check(const struct repeats *repeats, uint32_t account)
{
    const uint32_t place = repeats->owners[account].place;
    ASSERT((place != 0) == (repeats->owners[account].count != 0));
    if (place == 0) return;
    ASSERT(place <= repeats->heap_count && repeats->heap[place] == account);
    ASSERT(place == 1 || has_more(repeats, repeats->heap[place / 2], account));
}

/* Asserts R2 to R4 for one account; returns how many it has. */
static uint32_t owner_check(const struct repeats *repeats, uint32_t account)
{
    const struct repeats_owner *owner = &repeats->owners[account];
    uint32_t count = 0, last = 0;
    for (uint32_t slot = owner->oldest; slot != 0; slot = repeats->records[slot].next) {
        const struct order_repeated_event *result = &repeats->records[slot].result;
        ASSERT(result->account == account);
        ASSERT(last == 0 || repeats->records[last].result.command < result->command); /* R2 */
        last = slot;
        count++;
    }
    ASSERT(owner->newest == last && owner->count == count); /* R3 */
    ASSERT(count <= REPEATS_OF_ACCOUNT);
    place_check(repeats, account);
    return count;
}

bool repeats_check(const struct repeats *repeats)
{
    uint32_t count = 0, last = 0, owned = 0, owners = 0;
    for (uint32_t slot = repeats->oldest; slot != 0; slot = repeats->records[slot].newer) {
        const struct repeat *record = &repeats->records[slot];
        const struct order_repeated_event *result = &record->result;
        ASSERT(record->older == last);
        ASSERT(last == 0 || repeats->records[last].result.command < result->command); /* R2 */
        ASSERT(find(repeats, result->account, result->market, result->client_id, record->hash) ==
               slot); /* R1 */
        last = slot;
        count++;
    }
    for (uint32_t account = 1; account <= repeats->accounts_max; account++) {
        owned += owner_check(repeats, account);
        owners += repeats->owners[account].place != 0;
    }
    ASSERT(repeats->heap_count == owners);                                        /* R4 */
    ASSERT(repeats->newest == last && repeats->count == count && owned == count); /* R3 */
    ASSERT(repeats->by_name.count == count && count <= repeats->capacity);
    return slot_table_check(&repeats->by_name);
}
