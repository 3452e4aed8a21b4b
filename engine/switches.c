#include "engine/switches.h"

#include "common/arena.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t switches_bytes(const struct params *params)
{
    const size_t capacity = params->orders_max;
    return rounded((capacity + 1) * sizeof(struct switch_entry)) +
           rounded(capacity * sizeof(uint32_t)) +
           rounded(((size_t)params->accounts_max + 1) * sizeof(uint16_t)) +
           slot_table_bytes(params->orders_max);
}

bool switches_init(struct switches *switches, struct arena *arena, const struct params *params)
{
    const size_t capacity = params->orders_max;
    *switches = (struct switches){.capacity = params->orders_max,
                                  .accounts_max = params->accounts_max,
                                  .next_ns = UINT64_MAX};
    switches->entries = arena_take_array(arena, capacity + 1, sizeof(struct switch_entry));
    switches->heap = arena_take_array(arena, capacity, sizeof(uint32_t));
    switches->owned = arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(uint16_t));
    return switches->entries != NULL && switches->heap != NULL && switches->owned != NULL &&
           slot_table_init(&switches->by_owner, arena, params->orders_max);
}

static bool fires_before(const struct switch_due *left, const struct switch_due *right)
{
    if (left->deadline_ns != right->deadline_ns) return left->deadline_ns < right->deadline_ns;
    if (left->account != right->account) return left->account < right->account;
    return left->market < right->market;
}

/* ---- The heap: place 0 is the earliest; above place p is place (p - 1) / 2. */

static const struct switch_due *due_at(const struct switches *switches, uint32_t place)
{
    return &switches->entries[switches->heap[place]].due;
}

static void put(struct switches *switches, uint32_t place, uint32_t slot)
{
    switches->heap[place] = slot;
    switches->entries[slot].place = place;
}

static void rise(struct switches *switches, uint32_t place)
{
    const uint32_t slot = switches->heap[place];
    while (place > 0) {
        const uint32_t above = (place - 1) / 2;
        if (!fires_before(&switches->entries[slot].due, due_at(switches, above))) break;
        put(switches, place, switches->heap[above]);
        place = above;
    }
    put(switches, place, slot);
}

static void sink(struct switches *switches, uint32_t place)
{
    const uint32_t slot = switches->heap[place];
    for (;;) {
        uint32_t below = 2 * place + 1;
        if (below >= switches->count) break;
        if (below + 1 < switches->count &&
            fires_before(due_at(switches, below + 1), due_at(switches, below)))
            below++;
        if (!fires_before(due_at(switches, below), &switches->entries[slot].due)) break;
        put(switches, place, switches->heap[below]);
        place = below;
    }
    put(switches, place, slot);
}

/* The switch at `place` has a new deadline. If it rises, what comes down to its place is no later than
 * what is below, and stays there. */
static void settle(struct switches *switches, uint32_t place)
{
    rise(switches, place);
    sink(switches, place);
    switches->next_ns = due_at(switches, 0)->deadline_ns;
}

/* ---- Switches by account and market. */

static uint32_t owner_hash(uint32_t account, uint16_t market)
{
    return slot_table_hash_pair(account, market);
}

/* The slot of the account's switch in this market, or 0. */
static uint32_t find(const struct switches *switches, uint32_t account, uint16_t market)
{
    const uint32_t hash = owner_hash(account, market);
    uint32_t place = slot_table_home(&switches->by_owner, hash), slot;
    while ((slot = slot_table_next(&switches->by_owner, hash, &place)) != 0) {
        const struct switch_due *due = &switches->entries[slot].due;
        if (due->account == account && due->market == market) return slot;
    }
    return 0;
}

static uint32_t take_slot(struct switches *switches)
{
    const uint32_t slot = switches->free;
    if (slot == 0) return ++switches->used;
    switches->free = switches->entries[slot].place;
    return slot;
}

static void disarm(struct switches *switches, uint32_t slot)
{
    struct switch_entry *entry = &switches->entries[slot];
    const uint32_t place = entry->place;
    slot_table_remove(&switches->by_owner, owner_hash(entry->due.account, entry->due.market), slot);
    switches->owned[entry->due.account]--;
    entry->place = switches->free;
    switches->free = slot;

    const uint32_t last = switches->heap[--switches->count];
    if (last != slot) {
        put(switches, place, last);
        settle(switches, place);
    }
    if (switches->count == 0) switches->next_ns = UINT64_MAX;
}

bool switches_has(const struct switches *switches, uint32_t account, uint16_t market)
{
    return find(switches, account, market) != 0;
}

bool switches_set(struct switches *switches, uint32_t account, uint16_t market,
                  uint64_t deadline_ns)
{
    uint32_t slot = find(switches, account, market);
    if (slot == 0) {
        if (switches->count == switches->capacity) return false;
        ASSERT(account <= switches->accounts_max);
        slot = take_slot(switches);
        switches->owned[account]++;
        switches->entries[slot].due = (struct switch_due){.account = account, .market = market};
        slot_table_add(&switches->by_owner, owner_hash(account, market), slot);
        put(switches, switches->count++, slot);
    }
    switches->entries[slot].due.deadline_ns = deadline_ns;
    settle(switches, switches->entries[slot].place);
    return true;
}

void switches_clear(struct switches *switches, uint32_t account, uint16_t market)
{
    const uint32_t slot = find(switches, account, market);
    if (slot != 0) disarm(switches, slot);
}

bool switches_take(struct switches *switches, struct switch_due *due)
{
    if (switches->count == 0) return false; /* the stamp is the end of time */
    *due = *due_at(switches, 0);
    disarm(switches, switches->heap[0]);
    return true;
}

/* ---- The list: a heap of the switches themselves, emptied from its end. */

static void list_sink(struct switch_due *list, uint32_t count, struct switch_due due)
{
    uint32_t place = 0;
    for (;;) {
        uint32_t below = 2 * place + 1;
        if (below >= count) break;
        if (below + 1 < count && fires_before(&list[below + 1], &list[below])) below++;
        if (!fires_before(&list[below], &due)) break;
        list[place] = list[below];
        place = below;
    }
    list[place] = due;
}

void switches_list(const struct switches *switches, struct switch_due *list)
{
    const uint32_t count = switches->count;
    for (uint32_t i = 0; i < count; i++)
        list[i] = *due_at(switches, i);
    for (uint32_t left = count; left > 1; left--) {
        const struct switch_due first = list[0];
        list_sink(list, left - 1, list[left - 1]);
        list[left - 1] = first;
    }
    for (uint32_t i = 0; i < count / 2; i++) { /* the last to fire is first now */
        const struct switch_due other = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = other;
    }
}

bool switches_check(const struct switches *switches)
{
    uint32_t owned = 0;
    ASSERT(switches->count <= switches->capacity && switches->used <= switches->capacity);
    ASSERT(switches->by_owner.count == switches->count); /* W2 */
    for (uint32_t i = 0; i < switches->count; i++) {
        const uint32_t slot = switches->heap[i];
        const struct switch_due *due = due_at(switches, i);
        ASSERT(i == 0 || fires_before(due_at(switches, (i - 1) / 2), due)); /* W1 */
        ASSERT(switches->entries[slot].place == i);                         /* W2 */
        ASSERT(find(switches, due->account, due->market) == slot);          /* W2 */
        ASSERT(switches->owned[due->account] > 0);                          /* W4 */
    }
    for (uint32_t account = 0; account <= switches->accounts_max; account++)
        owned += switches->owned[account];
    ASSERT(owned == switches->count); /* W4 */
    ASSERT(switches->next_ns ==
           (switches->count == 0 ? UINT64_MAX : due_at(switches, 0)->deadline_ns)); /* W3 */
    return slot_table_check(&switches->by_owner);
}
