#include "settlement/slot_index.h"

#include "common/arena.h"

#include <string.h>

/* A power of two that keeps the index at most two thirds full. */
static size_t cell_count(uint32_t entry_count)
{
    const size_t wanted = (size_t)entry_count * 3 / 2 + 1;
    size_t count = 16;
    while (count < wanted)
        count *= 2;
    return count;
}

size_t slot_index_bytes(uint32_t entry_count)
{
    return cell_count(entry_count) * sizeof(struct slot_cell) + 64;
}

bool slot_index_init(struct slot_index *index, struct arena *arena, uint32_t entry_count)
{
    const size_t count = cell_count(entry_count);
    ASSERT(count - 1 <= UINT32_MAX);
    index->mask = (uint32_t)(count - 1);
    index->cells = arena_take_array(arena, count, sizeof(struct slot_cell));
    return index->cells != NULL;
}

/* Ends: one cell in three is free. */
uint32_t slot_index_next(const struct slot_index *index, uint32_t hash, struct slot_search *search)
{
    for (;;) {
        const struct slot_cell *cell = &index->cells[(hash + search->steps) & index->mask];
        if (cell->number == 0) return 0;
        search->steps++;
        if (cell->hash == hash) return cell->number;
    }
}

void slot_index_add(struct slot_index *index, uint32_t hash, uint32_t number)
{
    ASSERT(number != 0);
    uint32_t at = hash & index->mask;
    while (index->cells[at].number != 0)
        at = (at + 1) & index->mask;
    index->cells[at] = (struct slot_cell){hash, number};
}

void slot_index_remove(struct slot_index *index, uint32_t hash, uint32_t number)
{
    uint32_t hole = hash & index->mask;
    while (index->cells[hole].number != number) {
        ASSERT(index->cells[hole].number != 0);
        hole = (hole + 1) & index->mask;
    }

    /* Each later cell of the run moves into the hole unless its home lies behind it. */
    for (uint32_t at = (hole + 1) & index->mask; index->cells[at].number != 0;
         at = (at + 1) & index->mask) {
        const uint32_t home = index->cells[at].hash & index->mask;
        if (((at - home) & index->mask) < ((at - hole) & index->mask)) continue;
        index->cells[hole] = index->cells[at];
        hole = at;
    }
    index->cells[hole] = (struct slot_cell){0};
}

void slot_index_clear(struct slot_index *index)
{
    memset(index->cells, 0, ((size_t)index->mask + 1) * sizeof(struct slot_cell));
}
