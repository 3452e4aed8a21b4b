/* A hash index over numbered entries that lie elsewhere: hash in, numbers out.
 *
 * Open addressing with backward shift, so that removing leaves no graves. The owner compares what it
 * finds with what it looks for.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 8 bytes a cell, 1.5 to 3 cells an entry, touched as entries come
 * Limits   entry_count entries; numbers from 1
 * Cost     O(1)
 */

#ifndef SETTLEMENT_SLOT_INDEX_H
#define SETTLEMENT_SLOT_INDEX_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct slot_cell {
    uint32_t hash;
    uint32_t number; /* 0: free */
};

struct slot_index {
    struct slot_cell *cells;
    uint32_t mask;
};

/* Where a search stands; zero at its start. */
struct slot_search {
    uint32_t steps;
};

size_t slot_index_bytes(uint32_t entry_count);
MUST_CHECK bool slot_index_init(struct slot_index *index, struct arena *arena,
                                uint32_t entry_count);

/* The next number with this hash, 0 when there is none left. */
uint32_t slot_index_next(const struct slot_index *index, uint32_t hash, struct slot_search *search);

/* Asks for the memory in which a search for the hash begins. */
static inline void slot_index_expect(const struct slot_index *index, uint32_t hash)
{
    __builtin_prefetch(&index->cells[hash & index->mask]);
}

/* The number of the first with this hash, or 0, when it lies where a search begins: a guess. */
static inline uint32_t slot_index_guess(const struct slot_index *index, uint32_t hash)
{
    const struct slot_cell *cell = &index->cells[hash & index->mask];
    return cell->hash == hash ? cell->number : 0;
}

/* Needs: at most entry_count are in it. */
void slot_index_add(struct slot_index *index, uint32_t hash, uint32_t number);

/* Needs: it is there. */
void slot_index_remove(struct slot_index *index, uint32_t hash, uint32_t number);

/* As it began. O(cells). */
void slot_index_clear(struct slot_index *index);

/* Spreads numbers that count up over all hashes. */
static inline uint32_t slot_index_hash(uint64_t high, uint64_t low)
{
    uint64_t mixed = low ^ high * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(mixed >> 32 ^ mixed);
}

#endif /* SETTLEMENT_SLOT_INDEX_H */
