#include "gateway/view_prevented.h"

size_t view_prevented_bytes(const struct params *params)
{
    return VIEW_PREVENTED_KEPT * sizeof(struct view_prevented) +
           ((size_t)params->accounts_max + 1) * sizeof(uint64_t) + 2 * 64;
}

bool view_prevented_init(struct view_preventions *preventions, struct arena *arena,
                         const struct params *params)
{
    preventions->accounts_max = params->accounts_max;
    preventions->end = 0;
    preventions->dropped = 0;
    preventions->entries =
        arena_take_array(arena, VIEW_PREVENTED_KEPT, sizeof(*preventions->entries));
    preventions->last =
        arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(*preventions->last));
    return preventions->entries != NULL && preventions->last != NULL;
}

void view_prevented_add(struct view_preventions *preventions,
                        const struct prevented_event *prevented, const struct applied *applied)
{
    /* Only orders of one account are kept from each other. */
    const uint32_t account = prevented->taker_account;
    ASSERT(account >= 1 && account <= preventions->accounts_max);
    struct view_prevented *entry = &preventions->entries[preventions->end % VIEW_PREVENTED_KEPT];
    if (entry->command > preventions->dropped) preventions->dropped = entry->command;
    *entry = (struct view_prevented){
        .prevented_id = prevented->prevented_id,
        .command = applied->number,
        .maker_order = prevented->maker_order,
        .taker_order = prevented->taker_order,
        .time_ns = applied->stamp_ns,
        .previous = preventions->last[account],
        .price = prevented->price,
        .maker_qty = prevented->maker_qty,
        .taker_qty = prevented->taker_qty,
        .market = prevented->market,
        .mode = prevented->mode,
    };
    preventions->last[account] = ++preventions->end;
}

void view_prevented_forget(struct view_preventions *preventions, uint64_t command,
                           uint32_t account_count)
{
    ASSERT(preventions->end == 0 && account_count <= preventions->accounts_max);
    /* Entry 0 is what every account had before, and all places have been used since. */
    preventions->end = VIEW_PREVENTED_KEPT + 1;
    preventions->dropped = command;
    for (uint32_t account = 1; account <= account_count; account++)
        preventions->last[account] = 1;
}

/* The entry with this number + 1, or NULL when there is none or it is gone. */
static const struct view_prevented *entry_at(const struct view_preventions *preventions,
                                             uint64_t number)
{
    if (number == 0 || preventions->end - (number - 1) > VIEW_PREVENTED_KEPT) return NULL;
    return &preventions->entries[(number - 1) % VIEW_PREVENTED_KEPT];
}

const struct view_prevented *view_prevented_next(const struct view_preventions *preventions,
                                                 uint32_t account,
                                                 const struct view_prevented *entry)
{
    if (account == 0 || account > preventions->accounts_max) return NULL;
    return entry_at(preventions, entry == NULL ? preventions->last[account] : entry->previous);
}

bool view_prevented_lost(const struct view_preventions *preventions, uint32_t account)
{
    if (account == 0 || account > preventions->accounts_max) return false;
    uint64_t number = preventions->last[account];
    const struct view_prevented *entry;
    while ((entry = entry_at(preventions, number)) != NULL)
        number = entry->previous;
    return number != 0;
}
