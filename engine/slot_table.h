/* From a hash to slots: the open-addressing table under every lookup by id.
 *
 * The table keeps (hash, slot) pairs; what a slot means, and whether it is the one sought, is the
 * caller's to compare. Linear probing; a removal shifts what follows back into the gap, so there are
 * no tombstones and a table that lives for years probes no further than a new one.
 *
 * Owner    the engine thread
 * Memory   the caller's arena; 16 to 32 bytes an entry it was sized for
 * Limits   `capacity` entries, in at least twice as many places. Needs of slot_table_add.
 * Cost     O(1) expected. The same hash many times over makes it linear in those: callers bound how
 *          many keys one party can choose.
 *
 * Invariants, all asserted by slot_table_check:
 *   T1  every entry is reached from its home without crossing an empty place
 *   T2  count is the number of entries
 */

#ifndef ENGINE_SLOT_TABLE_H
#define ENGINE_SLOT_TABLE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct slot_table_entry {
    uint32_t hash;
    uint32_t slot; /* 0: empty place */
};

struct slot_table {
    struct slot_table_entry *entries;
    uint32_t mask;
    uint32_t capacity;
    uint32_t count;
};

/* Places of a table for so many entries: a power of two, at least twice as many. */
uint32_t slot_table_places(uint32_t capacity);

size_t slot_table_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool slot_table_init(struct slot_table *table, struct arena *arena, uint32_t capacity);

/* Walks the slots under `hash`: start with *place = slot_table_home(table, hash); returns 0 at the
 * end. The table must not change during a walk. */
static inline uint32_t slot_table_home(const struct slot_table *table, uint32_t hash)
{
    return hash & table->mask;
}

static inline uint32_t slot_table_next(const struct slot_table *table, uint32_t hash,
                                       uint32_t *place)
{
    /* Ends: at least half of the places are empty. */
    for (;;) {
        const struct slot_table_entry *entry = &table->entries[*place];
        *place = (*place + 1) & table->mask;
        if (entry->slot == 0 || entry->hash == hash) return entry->slot;
    }
}

/* Asks for the cache line of a hash, ahead of its use. Changes nothing. */
static inline void slot_table_hint(const struct slot_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->entries[slot_table_home(table, hash)], 1);
}

/* Needs: slot != 0, count < capacity, and the pair is not in the table. */
static inline void slot_table_add(struct slot_table *table, uint32_t hash, uint32_t slot)
{
    ASSERT(slot != 0);
    ASSERT(table->count < table->capacity);

    uint32_t place = slot_table_home(table, hash);
    while (table->entries[place].slot != 0)
        place = (place + 1) & table->mask;
    table->entries[place] = (struct slot_table_entry){hash, slot};
    table->count++;
}

/* Whether what homes at `home` and lies at `place` may move back to `gap`: when the gap is not before
 * its home. Distances go round the end of the table, so unsigned arithmetic under the mask compares
 * them. */
static inline bool slot_table_may_move(uint32_t mask, uint32_t home, uint32_t place, uint32_t gap)
{
    return ((place - home) & mask) >= ((place - gap) & mask);
}

/* Needs: the pair is in the table. */
static inline void slot_table_remove(struct slot_table *table, uint32_t hash, uint32_t slot)
{
    struct slot_table_entry *entries = table->entries;
    const uint32_t mask = table->mask;
    uint32_t gap = slot_table_home(table, hash);
    while (entries[gap].slot != slot) {
        ASSERT(entries[gap].slot != 0); /* the caller promised that the pair is here */
        gap = (gap + 1) & mask;
    }
    for (uint32_t place = (gap + 1) & mask; entries[place].slot != 0; place = (place + 1) & mask) {
        if (!slot_table_may_move(mask, entries[place].hash & mask, place, gap)) continue;
        entries[gap] = entries[place];
        gap = place;
    }
    entries[gap] = (struct slot_table_entry){0, 0};
    table->count--;
}

/* Hashes of what the callers' keys are made of. The same on every machine. */

/* Of a number that somebody hands out one after the other. Four in a row share a cache line of the
 * table, so that adding the newest and removing a young one mostly find it in cache; they lie two
 * places apart, so that a line is half empty as long as no other four share it. */
static inline uint32_t slot_table_hash_serial(uint64_t owner, uint64_t number)
{
    const uint64_t four = (number >> 2) + (owner << 46);
    const uint32_t line = (uint32_t)((four * 0x9e3779b97f4a7c15u) >> 32) & ~7u;
    return line | ((uint32_t)number << 1 & 6);
}

static inline uint32_t slot_table_hash_pair(uint64_t first, uint64_t second)
{
    uint64_t hash = (first ^ (second * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (hash >> 32)) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash >> 32);
}

/* Both halves of the product, and the factors again: a factor of zero does not hide the other. */
static inline uint64_t slot_table_fold(uint64_t left, uint64_t right)
{
    const unsigned __int128 product = (unsigned __int128)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ left ^ right;
}

/* Of the 36 bytes of a client id. */
static inline uint32_t slot_table_hash_text(uint64_t seed, const uint8_t text[36])
{
    uint64_t words[4];
    uint32_t last;
    memcpy(words, text, sizeof(words));
    memcpy(&last, text + sizeof(words), sizeof(last));
    const uint64_t first = slot_table_fold(words[0] ^ seed, words[1] ^ 0xa0761d6478bd642fu);
    const uint64_t second =
        slot_table_fold(words[2] ^ 0xe7037ed1a0b428dbu, words[3] ^ 0x8ebc6af09c88c6e3u);
    const uint64_t hash = slot_table_fold(first ^ last, second ^ 0x589965cc75374cc3u);
    return (uint32_t)(hash >> 32);
}

uint32_t slot_table_hash_bytes(uint64_t seed, const uint8_t *bytes, size_t byte_count);

/* Asserts T1 and T2. O(places). */
bool slot_table_check(const struct slot_table *table);

#endif /* ENGINE_SLOT_TABLE_H */
