/* Where orders and lists are, by market and id: open addressing, backward-shift deletion.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start, twice the entries it may hold
 * Limits   the entries named at start; slots are 1 and up, 0 says that there is none
 * Cost     O(1)
 */

#ifndef GATEWAY_VIEW_INDEX_H
#define GATEWAY_VIEW_INDEX_H

#include "common/arena.h"

#include <stdbool.h>

struct view_index_entry {
    uint64_t id;
    uint32_t slot; /* 0: free */
    uint16_t market;
};

struct view_index {
    struct view_index_entry *entries;
    uint32_t mask;
};

size_t view_index_bytes(uint32_t entry_count);

/* False when the arena cannot hold it. */
MUST_CHECK bool view_index_init(struct view_index *index, struct arena *arena,
                                uint32_t entry_count);

/* The slot, or 0. */
uint32_t view_index_find(const struct view_index *index, uint16_t market, uint64_t id);

/* Needs: it is not there, and there is room. */
void view_index_add(struct view_index *index, uint16_t market, uint64_t id, uint32_t slot);

/* Needs: it is there. Returns its slot. */
uint32_t view_index_remove(struct view_index *index, uint16_t market, uint64_t id);

#endif /* GATEWAY_VIEW_INDEX_H */
