#include "settlement/row_sort.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_FIRST 64

void row_sort_next(struct row_sort *sort, const struct copy_rows *rows, uint64_t key)
{
    ASSERT(rows->used <= UINT32_MAX);
    if (rows->row_count >= sort->capacity) {
        const size_t capacity = sort->capacity == 0 ? PLACES_FIRST : 2 * sort->capacity;
        struct row_place *places = realloc(sort->places, capacity * sizeof(*places));
        ASSERT(places != NULL);
        sort->places = places;
        sort->capacity = capacity;
    }
    sort->places[rows->row_count] = (struct row_place){.key = key, .start = (uint32_t)rows->used};
}

static int compare(const void *left, const void *right)
{
    const struct row_place *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->start < b->start ? -1 : 1;
}

void row_sort_apply(struct row_sort *sort, struct copy_rows *rows)
{
    const size_t count = rows->row_count;
    struct row_place *places = sort->places;
    if (count < 2) return;
    if (sort->byte_capacity < rows->capacity) {
        uint8_t *bytes = realloc(sort->bytes, rows->capacity);
        ASSERT(bytes != NULL);
        sort->bytes = bytes;
        sort->byte_capacity = rows->capacity;
    }
    const size_t first = places[0].start;
    for (size_t i = 0; i < count; i++)
        places[i].byte_count =
            (uint32_t)(i + 1 < count ? places[i + 1].start : rows->used) - places[i].start;
    qsort(places, count, sizeof(*places), compare);
    size_t used = first;
    memcpy(sort->bytes, rows->bytes, first);
    for (size_t i = 0; i < count; i++) {
        memcpy(sort->bytes + used, rows->bytes + places[i].start, places[i].byte_count);
        used += places[i].byte_count;
    }
    ASSERT(used == rows->used);
    uint8_t *bytes = rows->bytes;
    const size_t capacity = rows->capacity;
    rows->bytes = sort->bytes;
    rows->capacity = sort->byte_capacity;
    sort->bytes = bytes;
    sort->byte_capacity = capacity;
}

void row_sort_close(struct row_sort *sort)
{
    free(sort->places);
    free(sort->bytes);
}
