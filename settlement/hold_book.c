#include "settlement/hold_book.h"

#include "common/arena.h"
#include "settlement/image.h"
#include "settlement/slot_index.h"

#include <string.h>

struct hold_book {
    struct hold_entry *entries; /* by number; 0 is nobody's */
    struct slot_index index;
    uint32_t count;
    uint32_t count_max;
    uint32_t used; /* numbers that were ever given out */
    uint32_t free; /* the number given back last; its order_id is the one before; 0: none */
};

size_t hold_book_bytes(uint32_t orders_max)
{
    return ((size_t)orders_max + 2) * sizeof(struct hold_entry) + slot_index_bytes(orders_max + 1) +
           sizeof(struct hold_book) + 128;
}

struct hold_book *hold_book_new(struct arena *arena, uint32_t orders_max)
{
    struct hold_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->count_max = orders_max + 1;
    book->entries = arena_take_array(arena, (size_t)book->count_max + 1, sizeof(struct hold_entry));
    if (book->entries == NULL || !slot_index_init(&book->index, arena, book->count_max))
        return NULL;
    return book;
}

static uint32_t hash_of_order(uint16_t market, uint64_t order_id)
{
    return slot_index_hash(market, order_id);
}

void hold_book_expect(const struct hold_book *book, uint16_t market, uint64_t order_id)
{
    slot_index_expect(&book->index, hash_of_order(market, order_id));
}

void hold_book_expect_entry(const struct hold_book *book, uint16_t market, uint64_t order_id)
{
    const uint32_t number = slot_index_guess(&book->index, hash_of_order(market, order_id));
    if (number == 0) return;
    const uint8_t *entry = (const uint8_t *)&book->entries[number];
    for (size_t at = 0; at < sizeof(struct hold_entry); at += 64)
        __builtin_prefetch(entry + at, 1);
}

struct hold_entry *hold_book_find(struct hold_book *book, uint16_t market, uint64_t order_id)
{
    const uint32_t hash = hash_of_order(market, order_id);
    struct slot_search search = {0};
    uint32_t number;
    while ((number = slot_index_next(&book->index, hash, &search)) != 0) {
        struct hold_entry *entry = &book->entries[number];
        if (entry->order_id == order_id && entry->market == market) return entry;
    }
    return NULL;
}

struct hold_entry *hold_book_add(struct hold_book *book, const struct hold_entry *entry)
{
    ASSERT(entry->account != 0);
    if (book->count == book->count_max) return NULL;
    if (hold_book_find(book, entry->market, entry->order_id) != NULL) return NULL;

    uint32_t number = book->free;
    if (number != 0)
        book->free = (uint32_t)book->entries[number].order_id;
    else
        number = ++book->used;
    book->entries[number] = *entry;
    slot_index_add(&book->index, hash_of_order(entry->market, entry->order_id), number);
    book->count++;
    return &book->entries[number];
}

void hold_book_remove(struct hold_book *book, struct hold_entry *entry)
{
    const uint32_t number = hold_book_number(book, entry);
    ASSERT(book->count > 0);
    slot_index_remove(&book->index, hash_of_order(entry->market, entry->order_id), number);
    memset(entry, 0, sizeof(*entry));
    entry->order_id = book->free;
    book->free = number;
    book->count--;
}

uint32_t hold_book_count(const struct hold_book *book)
{
    return book->count;
}

uint32_t hold_book_number(const struct hold_book *book, const struct hold_entry *entry)
{
    const ptrdiff_t number = entry - book->entries;
    ASSERT(number >= 1 && number <= book->used && entry->account != 0);
    return (uint32_t)number;
}

struct hold_entry *hold_book_at(struct hold_book *book, uint32_t number)
{
    ASSERT(number >= 1 && number <= book->used && book->entries[number].account != 0);
    return &book->entries[number];
}

const struct hold_entry *hold_book_next(const struct hold_book *book, size_t *slot)
{
    while (*slot < book->used) {
        const struct hold_entry *entry = &book->entries[++*slot];
        if (entry->account != 0) return entry;
    }
    return NULL;
}

struct hold_book *hold_book_image(struct arena *arena, const struct hold_book *book,
                                  const struct image_move *move)
{
    struct hold_book *copy = image_take(arena, move, book, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->entries = image_at(move, copy->entries);
    copy->index.cells = image_at(move, copy->index.cells);
    return copy;
}
