#include "gateway/account_tail.h"

#include <string.h>

size_t account_tail_bytes(const struct params *params, uint32_t kept, uint32_t entry_bytes)
{
    return (size_t)kept * entry_bytes + ((size_t)params->accounts_max + 1) * sizeof(uint64_t) +
           2 * 64;
}

bool account_tail_init(struct account_tail *tail, struct arena *arena, const struct params *params,
                       uint32_t kept, uint32_t entry_bytes)
{
    ASSERT(kept > 0 && entry_bytes >= sizeof(struct account_tail_link));
    *tail = (struct account_tail){
        .kept = kept, .entry_bytes = entry_bytes, .accounts_max = params->accounts_max};
    tail->entries = arena_take_array(arena, kept, entry_bytes);
    tail->last = arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(*tail->last));
    return tail->entries != NULL && tail->last != NULL;
}

static void *place_of(const struct account_tail *tail, uint64_t number)
{
    return tail->entries + (size_t)(number % tail->kept) * tail->entry_bytes;
}

void *account_tail_add(struct account_tail *tail, uint32_t account, uint64_t command)
{
    ASSERT(account >= 1 && account <= tail->accounts_max);
    struct account_tail_link *link = place_of(tail, tail->end);
    if (link->command > tail->dropped) tail->dropped = link->command;
    memset(link, 0, tail->entry_bytes);
    *link = (struct account_tail_link){command, tail->last[account]};
    tail->last[account] = ++tail->end;
    return link;
}

void account_tail_forget(struct account_tail *tail, uint64_t command, uint32_t account_count)
{
    ASSERT(tail->end == 0 && account_count <= tail->accounts_max);
    /* Entry 0 is what every account had before, and all places have been used since. */
    tail->end = (uint64_t)tail->kept + 1;
    tail->dropped = command;
    for (uint32_t account = 1; account <= account_count; account++)
        tail->last[account] = 1;
}

/* The entry with this number + 1, or NULL when there is none or it is gone. */
static const struct account_tail_link *entry_at(const struct account_tail *tail, uint64_t number)
{
    if (number == 0 || tail->end - (number - 1) > tail->kept) return NULL;
    return place_of(tail, number - 1);
}

const void *account_tail_next(const struct account_tail *tail, uint32_t account, const void *entry)
{
    const struct account_tail_link *link = entry;
    if (account == 0 || account > tail->accounts_max) return NULL;
    return entry_at(tail, link == NULL ? tail->last[account] : link->previous);
}

bool account_tail_lost(const struct account_tail *tail, uint32_t account)
{
    if (account == 0 || account > tail->accounts_max) return false;
    uint64_t number = tail->last[account];
    const struct account_tail_link *link;
    while ((link = entry_at(tail, number)) != NULL)
        number = link->previous;
    return number != 0;
}
