#include "settlement/switch_book.h"

#include "common/arena.h"
#include "settlement/image.h"
#include "settlement/pairing.h"
#include "settlement/slot_index.h"

struct owner {
    uint64_t next_free; /* of a free one: the number given back before it */
    uint32_t account;   /* 0: free */
    uint16_t market;
};

struct switch_book {
    struct owner *owners;       /* by number, from 1 */
    struct pairing_node *nodes; /* likewise: their deadlines */
    struct slot_index index;
    uint32_t *counts; /* by account */
    uint32_t first;   /* of the heap */
    uint32_t count_max;
    uint32_t used;
    uint32_t free;
    uint32_t count;
};

size_t switch_book_bytes(uint32_t orders_max, uint32_t accounts_max)
{
    return ((size_t)orders_max + 1) * (sizeof(struct owner) + sizeof(struct pairing_node)) +
           ((size_t)accounts_max + 1) * sizeof(uint32_t) + slot_index_bytes(orders_max) +
           sizeof(struct switch_book) + 256;
}

struct switch_book *switch_book_new(struct arena *arena, uint32_t orders_max, uint32_t accounts_max)
{
    struct switch_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->count_max = orders_max;
    book->owners = arena_take_array(arena, (size_t)orders_max + 1, sizeof(struct owner));
    book->nodes = arena_take_array(arena, (size_t)orders_max + 1, sizeof(struct pairing_node));
    book->counts = arena_take_array(arena, (size_t)accounts_max + 1, sizeof(uint32_t));
    if (book->owners == NULL || book->nodes == NULL || book->counts == NULL ||
        !slot_index_init(&book->index, arena, orders_max))
        return NULL;
    return book;
}

static uint32_t find(const struct switch_book *book, uint32_t account, uint16_t market)
{
    struct slot_search search = {0};
    const uint32_t hash = slot_index_hash(market, account);
    uint32_t number;
    while ((number = slot_index_next(&book->index, hash, &search)) != 0) {
        const struct owner *owner = &book->owners[number];
        if (owner->account == account && owner->market == market) break;
    }
    return number;
}

bool switch_book_set(struct switch_book *book, uint32_t account, uint16_t market,
                     uint64_t deadline_ns)
{
    ASSERT(account != 0 && deadline_ns > 0 && deadline_ns <= INT64_MAX);
    switch_book_clear(book, account, market);
    if (book->count == book->count_max) return false;

    uint32_t number = book->free;
    if (number != 0)
        book->free = (uint32_t)book->owners[number].next_free;
    else
        number = ++book->used;
    book->owners[number] = (struct owner){.account = account, .market = market};
    slot_index_add(&book->index, slot_index_hash(market, account), number);
    pairing_add(book->nodes, &book->first, number, (int64_t)deadline_ns);
    book->counts[account]++;
    book->count++;
    return true;
}

void switch_book_clear(struct switch_book *book, uint32_t account, uint16_t market)
{
    const uint32_t number = find(book, account, market);
    if (number == 0) return;
    pairing_remove(book->nodes, &book->first, number);
    slot_index_remove(&book->index, slot_index_hash(market, account), number);
    book->owners[number] = (struct owner){.next_free = book->free};
    book->free = number;
    book->counts[account]--;
    book->count--;
}

uint64_t switch_book_deadline(const struct switch_book *book, uint32_t account, uint16_t market)
{
    const uint32_t number = find(book, account, market);
    return number == 0 ? 0 : (uint64_t)book->nodes[number].key;
}

uint64_t switch_book_next(const struct switch_book *book)
{
    return book->first == 0 ? UINT64_MAX : (uint64_t)book->nodes[book->first].key;
}

uint32_t switch_book_count(const struct switch_book *book)
{
    return book->count;
}

uint32_t switch_book_count_of(const struct switch_book *book, uint32_t account)
{
    return book->counts[account];
}

bool switch_book_walk(const struct switch_book *book, uint32_t *slot, struct switch_armed *armed)
{
    while (*slot < book->used) {
        const uint32_t number = ++*slot;
        const struct owner *owner = &book->owners[number];
        if (owner->account == 0) continue;
        *armed = (struct switch_armed){.deadline_ns = (uint64_t)book->nodes[number].key,
                                       .account = owner->account,
                                       .market = owner->market};
        return true;
    }
    return false;
}

struct switch_book *switch_book_image(struct arena *arena, const struct switch_book *book,
                                      const struct image_move *move)
{
    struct switch_book *copy = image_take(arena, move, book, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->owners = image_at(move, copy->owners);
    copy->nodes = image_at(move, copy->nodes);
    copy->counts = image_at(move, copy->counts);
    copy->index.cells = image_at(move, copy->index.cells);
    return copy;
}
