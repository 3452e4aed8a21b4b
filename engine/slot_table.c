#include "engine/slot_table.h"

#include "common/arena.h"
#include "common/le.h"

static uint32_t place_count(uint32_t capacity)
{
    uint32_t places = 16;
    while (places < 2 * (uint64_t)capacity)
        places *= 2;
    return places;
}

size_t slot_table_bytes(uint32_t capacity)
{
    return place_count(capacity) * sizeof(struct slot_table_entry);
}

bool slot_table_init(struct slot_table *table, struct arena *arena, uint32_t capacity)
{
    const uint32_t places = place_count(capacity);
    *table = (struct slot_table){.mask = places - 1, .capacity = capacity};
    table->entries = arena_take_array(arena, places, sizeof(struct slot_table_entry));
    return table->entries != NULL;
}

void slot_table_add(struct slot_table *table, uint32_t hash, uint32_t slot)
{
    ASSERT(slot != 0);
    ASSERT(table->count < table->capacity);

    uint32_t place = slot_table_home(table, hash);
    while (table->entries[place].slot != 0)
        place = (place + 1) & table->mask;
    table->entries[place] = (struct slot_table_entry){hash, slot};
    table->count++;
}

static uint32_t place_of(const struct slot_table *table, uint32_t hash, uint32_t slot)
{
    uint32_t place = slot_table_home(table, hash);
    while (table->entries[place].slot != slot) {
        ASSERT(table->entries[place].slot != 0); /* the caller promised that the pair is here */
        place = (place + 1) & table->mask;
    }
    ASSERT(table->entries[place].hash == hash);
    return place;
}

void slot_table_remove(struct slot_table *table, uint32_t hash, uint32_t slot)
{
    uint32_t gap = place_of(table, hash, slot);

    /* An entry may move back into the gap when the gap is not before its home. Distances are taken
     * round the end of the table, so unsigned arithmetic under the mask compares them. */
    for (uint32_t place = (gap + 1) & table->mask; table->entries[place].slot != 0;
         place = (place + 1) & table->mask) {
        const uint32_t home = slot_table_home(table, table->entries[place].hash);
        const uint32_t from_home = (place - home) & table->mask;
        const uint32_t from_gap = (place - gap) & table->mask;
        if (from_home < from_gap) continue;
        table->entries[gap] = table->entries[place];
        gap = place;
    }
    table->entries[gap] = (struct slot_table_entry){0, 0};
    table->count--;
}

/* The finaliser of MurmurHash3 on 64 bits: every input bit reaches every output bit. */
static uint64_t mixed(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdu;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53u;
    return value ^ (value >> 33);
}

uint32_t slot_table_hash_pair(uint64_t first, uint64_t second)
{
    return (uint32_t)mixed(first ^ (second * 0x9e3779b97f4a7c15u));
}

uint32_t slot_table_hash_bytes(uint64_t seed, const uint8_t *bytes, size_t byte_count)
{
    uint64_t hash = mixed(seed + byte_count);
    size_t at = 0;
    for (; at + 8 <= byte_count; at += 8)
        hash = mixed(hash ^ le_get_u64(bytes + at));
    uint64_t rest = 0;
    for (unsigned shift = 0; at < byte_count; at++, shift += 8)
        rest |= (uint64_t)bytes[at] << shift;
    return (uint32_t)mixed(hash ^ rest);
}

bool slot_table_check(const struct slot_table *table)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i <= table->mask; i++) {
        const struct slot_table_entry *entry = &table->entries[i];
        if (entry->slot == 0) continue;
        count++;
        for (uint32_t place = slot_table_home(table, entry->hash); place != i;
             place = (place + 1) & table->mask)
            ASSERT(table->entries[place].slot != 0); /* T1 */
    }
    ASSERT(count == table->count); /* T2 */
    return true;
}
