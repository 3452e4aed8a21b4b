#include "gateway/view_list.h"

#include <string.h>

#define NO_SLOT 0u

struct chain {
    uint32_t first_open, last_open; /* slots, by age */
    uint32_t open_count;
    uint64_t last_done; /* newest entry of the tail, number + 1; 0: none */
};

struct view_lists {
    struct view_index index;
    struct chain *accounts; /* 1 .. accounts_max */
    struct view_list *open; /* slots 1 .. lists_max */
    uint32_t *free_slots;
    struct view_list *done; /* by number modulo VIEW_LISTS_KEPT */
    uint64_t done_begin, done_end;
    uint64_t dropped;
    uint32_t accounts_max, lists_max;
    uint32_t open_used, free_count, open_count;
};

static size_t rounded(size_t count, size_t item_bytes)
{
    return (count * item_bytes + 63) / 64 * 64;
}

size_t view_list_bytes(const struct params *params)
{
    const size_t slots = (size_t)params->orders_max + 1;
    return rounded(1, sizeof(struct view_lists)) + view_index_bytes(params->orders_max) +
           rounded((size_t)params->accounts_max + 1, sizeof(struct chain)) +
           rounded(slots, sizeof(struct view_list)) + rounded(slots, sizeof(uint32_t)) +
           rounded(VIEW_LISTS_KEPT, sizeof(struct view_list));
}

struct view_lists *view_list_new(struct arena *arena, const struct params *params)
{
    const size_t slots = (size_t)params->orders_max + 1;
    struct view_lists *lists = arena_take(arena, sizeof(*lists));
    if (lists == NULL) return NULL;
    lists->accounts_max = params->accounts_max;
    lists->lists_max = params->orders_max; /* an open list has an open order */
    lists->accounts =
        arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(*lists->accounts));
    lists->open = arena_take_array(arena, slots, sizeof(*lists->open));
    lists->free_slots = arena_take_array(arena, slots, sizeof(*lists->free_slots));
    lists->done = arena_take_array(arena, VIEW_LISTS_KEPT, sizeof(*lists->done));
    if (!view_index_init(&lists->index, arena, lists->lists_max)) return NULL;
    const bool whole = lists->accounts != NULL && lists->open != NULL &&
                       lists->free_slots != NULL && lists->done != NULL;
    return whole ? lists : NULL;
}

static void link_open(struct view_lists *lists, uint32_t slot)
{
    struct view_list *list = &lists->open[slot];
    struct chain *chain = &lists->accounts[list->account];
    list->next_open = NO_SLOT;
    list->previous_open = chain->last_open;
    if (chain->last_open == NO_SLOT)
        chain->first_open = slot;
    else
        lists->open[chain->last_open].next_open = slot;
    chain->last_open = slot;
    chain->open_count++;
    lists->open_count++;
}

static void unlink_open(struct view_lists *lists, uint32_t slot)
{
    const struct view_list *list = &lists->open[slot];
    struct chain *chain = &lists->accounts[list->account];
    if (list->previous_open == NO_SLOT)
        chain->first_open = list->next_open;
    else
        lists->open[list->previous_open].next_open = list->next_open;
    if (list->next_open == NO_SLOT)
        chain->last_open = list->previous_open;
    else
        lists->open[list->next_open].previous_open = list->previous_open;
    chain->open_count--;
    lists->open_count--;
}

/* A free slot, or NO_SLOT. */
static uint32_t take_slot(struct view_lists *lists)
{
    if (lists->free_count > 0) return lists->free_slots[--lists->free_count];
    return lists->open_used < lists->lists_max ? ++lists->open_used : NO_SLOT;
}

static void on_accepted(struct view_lists *lists, const struct applied *applied,
                        const struct event *event)
{
    struct list_accepted_event accepted;
    list_accepted_event_get(event->payload, &accepted);
    ASSERT(accepted.account >= 1 && accepted.account <= lists->accounts_max);

    const uint32_t slot = take_slot(lists);
    ASSERT(slot != NO_SLOT);
    struct view_list *list = &lists->open[slot];
    *list = (struct view_list){
        .list_id = accepted.list_id,
        .created_ns = applied->stamp_ns,
        .updated_ns = applied->stamp_ns,
        .orders = {{.order_id = accepted.a_order},
                   {.order_id = accepted.b_order},
                   {.order_id = accepted.c_order}},
        .account = accepted.account,
        .order_count = accepted.c_order == 0 ? 2 : 3,
        .market = accepted.market,
        .kind = accepted.kind,
    };
    memcpy(list->client_id, accepted.client_id, sizeof(list->client_id));
    view_index_add(&lists->index, list->market, list->list_id, slot);
    link_open(lists, slot);
}

static void on_done(struct view_lists *lists, const struct applied *applied,
                    const struct event *event)
{
    struct list_done_event ended;
    list_done_event_get(event->payload, &ended);
    const uint32_t slot = view_index_remove(&lists->index, ended.market, ended.list_id);
    unlink_open(lists, slot);
    lists->free_slots[lists->free_count++] = slot;

    if (lists->done_end - lists->done_begin == VIEW_LISTS_KEPT)
        lists->dropped = lists->done[lists->done_begin++ % VIEW_LISTS_KEPT].command;
    struct chain *chain = &lists->accounts[ended.account];
    struct view_list *list = &lists->done[lists->done_end % VIEW_LISTS_KEPT];
    *list = lists->open[slot];
    list->command = applied->number;
    list->updated_ns = applied->stamp_ns;
    list->previous = chain->last_done;
    chain->last_done = ++lists->done_end;
}

void view_list_apply(struct view_lists *lists, const struct applied *applied,
                     const struct event *event)
{
    if (event->type == T_LIST_ACCEPTED) {
        on_accepted(lists, applied, event);
    } else if (event->type == T_LIST_DONE) {
        on_done(lists, applied, event);
    }
}

void view_list_name(struct view_lists *lists, uint16_t market, uint64_t list_id, uint64_t order_id,
                    const uint8_t client_id[36])
{
    const uint32_t slot = view_index_find(&lists->index, market, list_id);
    ASSERT(slot != NO_SLOT);
    struct view_list *list = &lists->open[slot];
    for (uint32_t i = 0; i < list->order_count; i++)
        if (list->orders[i].order_id == order_id) memcpy(list->orders[i].client_id, client_id, 36);
}

bool view_list_restore(struct view_lists *lists, const struct view_list *list)
{
    ASSERT(list->account >= 1 && list->account <= lists->accounts_max);
    if (view_index_find(&lists->index, list->market, list->list_id) != NO_SLOT) return false;
    const uint32_t slot = take_slot(lists);
    if (slot == NO_SLOT) return false;
    lists->open[slot] = *list;
    lists->open[slot].updated_ns = list->created_ns;
    view_index_add(&lists->index, list->market, list->list_id, slot);
    link_open(lists, slot);
    return true;
}

void view_list_forget(struct view_lists *lists, uint64_t command, uint32_t account_count)
{
    ASSERT(lists->done_end == 0 && account_count <= lists->accounts_max);
    /* Entry 0 is what every account had before, and it is gone. */
    lists->done_begin = lists->done_end = 1;
    lists->dropped = command;
    for (uint32_t account = 1; account <= account_count; account++)
        lists->accounts[account].last_done = 1;
}

const struct view_list *view_list_open(const struct view_lists *lists, uint16_t market,
                                       uint64_t list_id)
{
    const uint32_t slot = view_index_find(&lists->index, market, list_id);
    return slot == NO_SLOT ? NULL : &lists->open[slot];
}

const struct view_list *view_list_next_open(const struct view_lists *lists, uint32_t account,
                                            const struct view_list *list)
{
    if (account == 0 || account > lists->accounts_max) return NULL;
    const uint32_t slot = list == NULL ? lists->accounts[account].first_open : list->next_open;
    return slot == NO_SLOT ? NULL : &lists->open[slot];
}

/* The tail's entry with this number + 1, or NULL when there is none or it is gone. */
static const struct view_list *done_at(const struct view_lists *lists, uint64_t number)
{
    if (number == 0 || number - 1 < lists->done_begin) return NULL;
    return &lists->done[(number - 1) % VIEW_LISTS_KEPT];
}

const struct view_list *view_list_next_done(const struct view_lists *lists, uint32_t account,
                                            const struct view_list *list)
{
    if (account == 0 || account > lists->accounts_max) return NULL;
    return done_at(lists, list == NULL ? lists->accounts[account].last_done : list->previous);
}

uint64_t view_list_dropped(const struct view_lists *lists)
{
    return lists->dropped;
}

bool view_list_lost(const struct view_lists *lists, uint32_t account)
{
    if (account == 0 || account > lists->accounts_max) return false;
    uint64_t number = lists->accounts[account].last_done;
    const struct view_list *list;
    while ((list = done_at(lists, number)) != NULL)
        number = list->previous;
    return number != 0;
}

bool view_list_check(const struct view_lists *lists)
{
    uint32_t listed = 0;
    for (uint32_t account = 1; account <= lists->accounts_max; account++) {
        uint32_t own = 0;
        const struct view_list *list = NULL;
        while ((list = view_list_next_open(lists, account, list)) != NULL) {
            ASSERT(list->account == account && list->command == 0);
            ASSERT(view_list_open(lists, list->market, list->list_id) == list);
            own++;
        }
        ASSERT(own == lists->accounts[account].open_count);
        listed += own;
    }
    ASSERT(listed == lists->open_count);
    ASSERT(lists->open_used - lists->free_count == lists->open_count);
    ASSERT(lists->done_end - lists->done_begin <= VIEW_LISTS_KEPT);
    return true;
}
