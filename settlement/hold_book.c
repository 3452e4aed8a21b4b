#include "settlement/hold_book.h"

#include "common/arena.h"

#include <string.h>

struct hold_book {
    struct hold_entry *slots;
    size_t mask;
    uint32_t count;
    uint32_t count_max;
};

/* A power of two that keeps the book at most two thirds full. */
static size_t slot_count(uint32_t orders_max)
{
    const size_t wanted = ((size_t)orders_max + 1) * 3 / 2 + 1;
    size_t count = 16;
    while (count < wanted)
        count *= 2;
    return count;
}

size_t hold_book_bytes(uint32_t orders_max)
{
    return slot_count(orders_max) * sizeof(struct hold_entry) + sizeof(struct hold_book) + 128;
}

struct hold_book *hold_book_new(struct arena *arena, uint32_t orders_max)
{
    struct hold_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->mask = slot_count(orders_max) - 1;
    book->count_max = orders_max + 1;
    book->slots = arena_take_array(arena, book->mask + 1, sizeof(struct hold_entry));
    return book->slots == NULL ? NULL : book;
}

/* Order ids count up in each market: spread them over the slots. */
static size_t home_of(const struct hold_book *book, uint16_t market, uint64_t order_id)
{
    uint64_t mixed = order_id ^ (uint64_t)market << 48;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (size_t)(mixed ^ mixed >> 31) & book->mask;
}

/* The order's slot, or the free one where it would go. Ends: one slot in three is free. */
static struct hold_entry *slot_of(struct hold_book *book, uint16_t market, uint64_t order_id)
{
    for (size_t at = home_of(book, market, order_id);; at = (at + 1) & book->mask) {
        struct hold_entry *slot = &book->slots[at];
        if (slot->account == 0) return slot;
        if (slot->order_id == order_id && slot->market == market) return slot;
    }
}

struct hold_entry *hold_book_add(struct hold_book *book, const struct hold_entry *entry)
{
    ASSERT(entry->account != 0);
    if (book->count == book->count_max) return NULL;
    struct hold_entry *slot = slot_of(book, entry->market, entry->order_id);
    if (slot->account != 0) return NULL;
    *slot = *entry;
    book->count++;
    return slot;
}

struct hold_entry *hold_book_find(struct hold_book *book, uint16_t market, uint64_t order_id)
{
    struct hold_entry *slot = slot_of(book, market, order_id);
    return slot->account == 0 ? NULL : slot;
}

void hold_book_remove(struct hold_book *book, struct hold_entry *entry)
{
    size_t hole = (size_t)(entry - book->slots);
    ASSERT(hole <= book->mask && entry->account != 0 && book->count > 0);

    /* Each later entry of the run moves into the hole unless its home lies behind it. */
    for (size_t at = (hole + 1) & book->mask; book->slots[at].account != 0;
         at = (at + 1) & book->mask) {
        const size_t home = home_of(book, book->slots[at].market, book->slots[at].order_id);
        if (((at - home) & book->mask) < ((at - hole) & book->mask)) continue;
        book->slots[hole] = book->slots[at];
        hole = at;
    }
    memset(&book->slots[hole], 0, sizeof(book->slots[hole]));
    book->count--;
}

uint32_t hold_book_count(const struct hold_book *book)
{
    return book->count;
}

const struct hold_entry *hold_book_next(const struct hold_book *book, size_t *slot)
{
    while (*slot <= book->mask) {
        const struct hold_entry *entry = &book->slots[(*slot)++];
        if (entry->account != 0) return entry;
    }
    return NULL;
}
