#include "engine/slot_table.h"

#include "common/arena.h"
#include "common/le.h"

uint32_t slot_table_places(uint32_t capacity)
{
    uint32_t places = 16;
    while (places < 2 * (uint64_t)capacity)
        places *= 2;
    return places;
}

size_t slot_table_bytes(uint32_t capacity)
{
    return slot_table_places(capacity) * sizeof(struct slot_table_entry);
}

bool slot_table_init(struct slot_table *table, struct arena *arena, uint32_t capacity)
{
    const uint32_t places = slot_table_places(capacity);
    *table = (struct slot_table){.mask = places - 1, .capacity = capacity};
    table->entries = arena_take_array(arena, places, sizeof(struct slot_table_entry));
    return table->entries != NULL;
}

#define SEED_A 0xa0761d6478bd642fu
#define SEED_B 0xe7037ed1a0b428dbu

/* Sixteen bytes a multiplication. What is left at the end is padded with zeros; the length is part of
 * the last product. */
uint32_t slot_table_hash_bytes(uint64_t seed, const uint8_t *bytes, size_t byte_count)
{
    uint64_t hash = slot_table_fold(seed ^ SEED_A, SEED_B);
    size_t at = 0;
    for (; at + 16 <= byte_count; at += 16)
        hash = slot_table_fold(le_get_u64(bytes + at) ^ hash, le_get_u64(bytes + at + 8) ^ SEED_B);
    uint64_t rest[2] = {0, 0};
    for (unsigned i = 0; at < byte_count; at++, i++)
        rest[i / 8] |= (uint64_t)bytes[at] << (i % 8 * 8);
    hash = slot_table_fold(rest[0] ^ hash, rest[1] ^ SEED_A ^ byte_count);
    return (uint32_t)(slot_table_fold(hash, SEED_B) >> 32);
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
