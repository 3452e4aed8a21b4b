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

/* Needs: slot != 0, count < capacity, and the pair is not in the table. */
void slot_table_add(struct slot_table *table, uint32_t hash, uint32_t slot);

/* Needs: the pair is in the table. */
void slot_table_remove(struct slot_table *table, uint32_t hash, uint32_t slot);

/* Hashes of what the callers' keys are made of. The same on every machine. */
uint32_t slot_table_hash_pair(uint64_t first, uint64_t second);
uint32_t slot_table_hash_bytes(uint64_t seed, const uint8_t *bytes, size_t byte_count);

/* Asserts T1 and T2. O(places). */
bool slot_table_check(const struct slot_table *table);

#endif /* ENGINE_SLOT_TABLE_H */
