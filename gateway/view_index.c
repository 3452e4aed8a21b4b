#include "gateway/view_index.h"

static uint32_t table_size(uint32_t entry_count)
{
    uint32_t size = 16;
    while (size < entry_count * 2ull && size < (1u << 31))
        size *= 2;
    return size;
}

size_t view_index_bytes(uint32_t entry_count)
{
    return (table_size(entry_count) * sizeof(struct view_index_entry) + 63) / 64 * 64;
}

bool view_index_init(struct view_index *index, struct arena *arena, uint32_t entry_count)
{
    const uint32_t size = table_size(entry_count);
    index->mask = size - 1;
    index->entries = arena_take_array(arena, size, sizeof(*index->entries));
    return index->entries != NULL;
}

static uint32_t home_of(const struct view_index *index, uint16_t market, uint64_t id)
{
    const uint64_t word = id * 1024 + market;
    return (uint32_t)((word * 0x9e3779b97f4a7c15u) >> 32) & index->mask;
}

/* Where it is, or the free place that ends the search. */
static uint32_t place_of(const struct view_index *index, uint16_t market, uint64_t id)
{
    /* Ends: the table is at most half full. */
    for (uint32_t at = home_of(index, market, id);; at = (at + 1) & index->mask) {
        const struct view_index_entry *entry = &index->entries[at];
        if (entry->slot == 0 || (entry->id == id && entry->market == market)) return at;
    }
}

uint32_t view_index_find(const struct view_index *index, uint16_t market, uint64_t id)
{
    return index->entries[place_of(index, market, id)].slot;
}

void view_index_add(struct view_index *index, uint16_t market, uint64_t id, uint32_t slot)
{
    struct view_index_entry *entry = &index->entries[place_of(index, market, id)];
    ASSERT(slot != 0 && entry->slot == 0);
    *entry = (struct view_index_entry){id, slot, market};
}

uint32_t view_index_remove(struct view_index *index, uint16_t market, uint64_t id)
{
    uint32_t gap = place_of(index, market, id), at = gap;
    const uint32_t slot = index->entries[gap].slot;
    ASSERT(slot != 0);
    /* Moves later entries of the same run forward into the gap, so that no tombstone is left. Ends:
     * the table is at most half full. */
    for (;;) {
        at = (at + 1) & index->mask;
        const struct view_index_entry *entry = &index->entries[at];
        if (entry->slot == 0) break;
        const uint32_t home = home_of(index, entry->market, entry->id);
        /* It may move when its home is not between the gap and where it stands. */
        if (((at - home) & index->mask) < ((at - gap) & index->mask)) continue;
        index->entries[gap] = *entry;
        gap = at;
    }
    index->entries[gap].slot = 0;
    return slot;
}
