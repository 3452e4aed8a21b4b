#include "gateway/view_restore.h"

#include "gateway/view_state.h"

#include <string.h>

#define ACCOUNT_BYTES   16
#define ORDER_BYTES     34
#define LIST_BYTES      56
#define LIST_LEG_BYTES  44
#define CLIENT_ID_BYTES 36

/* ---- Out. ---- */

uint32_t view_account_count(const struct view *view)
{
    uint32_t low = 0, high = view->accounts_max;
    /* Accounts are numbered without a gap. */
    while (low < high) {
        const uint32_t middle = high - (high - low) / 2;
        if (view->accounts[middle].exists)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void save_order(const struct view_order *order, struct byte_writer *writer)
{
    uint8_t *at = byte_writer_room(writer, ORDER_BYTES);
    at = le_put_u16(at, order->market);
    at = le_put_u64(at, order->order_id);
    at = le_put_u64(at, order->updated_ns);
    at = le_put_u64(at, order->working_ns);
    (void)le_put_u64(at, order->prevented_id);
}

static void save_list(const struct view_list *list, struct byte_writer *writer)
{
    uint8_t *at = byte_writer_room(writer, LIST_BYTES + list->order_count * LIST_LEG_BYTES);
    at = le_put_u16(at, list->market);
    at = le_put_u64(at, list->list_id);
    at = le_put_u64(at, list->created_ns);
    at = le_put_u8(at, list->kind);
    at = le_put_u8(at, (uint8_t)list->order_count);
    at = le_put_bytes(at, list->client_id, CLIENT_ID_BYTES);
    for (uint32_t leg = 0; leg < list->order_count; leg++) {
        at = le_put_u64(at, list->orders[leg].order_id);
        at = le_put_bytes(at, list->orders[leg].client_id, CLIENT_ID_BYTES);
    }
}

static uint32_t list_count(const struct view *view, uint32_t account)
{
    uint32_t count = 0;
    const struct view_list *list = NULL;
    while ((list = view_list_next_open(view->lists, account, list)) != NULL)
        count++;
    return count;
}

void view_save(const struct view *view, struct byte_writer *writer)
{
    const uint32_t count = view_account_count(view);
    for (uint32_t account = 1; account <= count; account++) {
        const struct view_account *owner = &view->accounts[account];
        const struct view_order *order = NULL;
        const struct view_list *list = NULL;
        uint8_t *at = byte_writer_room(writer, ACCOUNT_BYTES);
        at = le_put_u64(at, owner->updated_ns);
        at = le_put_u32(at, owner->open_count);
        (void)le_put_u32(at, list_count(view, account));
        while ((order = view_next_open(view, account, order)) != NULL)
            save_order(order, writer);
        while ((list = view_list_next_open(view->lists, account, list)) != NULL)
            save_list(list, writer);
    }
}

/* ---- In. ---- */

void view_restore_account(struct view *view, uint32_t account,
                          const uint8_t public_key[PUBLIC_KEY_BYTES], uint16_t tier)
{
    ASSERT(account >= 1 && account <= view->accounts_max);
    struct view_account *restored = &view->accounts[account];
    memcpy(restored->public_key, public_key, PUBLIC_KEY_BYTES);
    restored->tier = tier;
    restored->exists = true;
    view_owner_add(&view->owners, view->accounts, account);
}

void view_restore_balance(struct view *view, uint32_t account, uint16_t asset,
                          struct view_balance balance)
{
    ASSERT(account <= view->accounts_max && asset < view->assets_max);
    view->balances[(size_t)account * view->assets_max + asset] = balance;
}

bool view_restore_key(struct view *view, const struct key_added_event *key)
{
    if (view->keys.key_count == view->keys.keys_max) return false;
    if (view_key_find(&view->keys, key->key_id) >= 0) return false;
    view_key_add(&view->keys, key);
    return true;
}

bool view_restore_key_ips(struct view *view, const uint8_t key_id[32], const struct ip_list *ips)
{
    const int64_t index = view_key_find(&view->keys, key_id);
    if (index < 0 || !ip_list_valid(ips)) return false;
    view->keys.keys[index].ips = *ips;
    return true;
}

bool view_restore_order(struct view *view, const struct view_order *order)
{
    if (view_find_open(view, order->market, order->order_id) != NULL) return false;
    const uint32_t slot = view_take_slot(view);
    if (slot == NO_SLOT) return false;
    struct view_order *restored = &view->open[slot];
    *restored = *order;
    /* The section has these; updated_ns 0 marks an order that it has not named yet. */
    restored->updated_ns = restored->working_ns = 0;
    restored->prevented_id = restored->list_id = 0;
    restored->command = restored->previous = 0;
    view_index_add(&view->index, order->market, order->order_id, slot);
    view_link(view, slot);
    return true;
}

void view_restore_nodes(struct view *view, uint64_t height, const struct node_set *nodes)
{
    members_restart(&view->members, height, nodes);
}

bool view_restore_change(struct view *view, const struct node_changed_event *changed)
{
    return members_apply(&view->members, changed);
}

void view_restore_origin(struct view *view, uint32_t node, uint64_t epoch)
{
    if (node == view->node) view->epoch = epoch;
}

static bool order_possible(const struct view_order *order, uint64_t now_ns)
{
    const bool may_work = order->status != ORDER_PENDING_NEW;
    const bool may_sleep = order->status == ORDER_PENDING_NEW ||
                           (view_is_stop(order->type) && order->executed.lots == 0);
    if (order->updated_ns < order->created_ns || order->updated_ns > now_ns) return false;
    if (order->working_ns == 0 ? !may_sleep : !may_work) return false;
    if (order->working_ns != 0 &&
        (order->working_ns < order->created_ns || order->working_ns > order->updated_ns))
        return false;
    return (order->prevented_id == 0) == (order->prevented.lots == 0);
}

static bool load_order(struct view *view, uint32_t account, uint64_t now_ns,
                       struct byte_reader *reader)
{
    const uint16_t market = byte_reader_u16(reader);
    const uint64_t order_id = byte_reader_u64(reader);
    const uint64_t updated_ns = byte_reader_u64(reader);
    const uint64_t working_ns = byte_reader_u64(reader);
    const uint64_t prevented_id = byte_reader_u64(reader);
    if (!byte_reader_whole(reader)) return false;
    const uint32_t slot = view_index_find(&view->index, market, order_id);
    if (slot == NO_SLOT) return false;
    struct view_order *order = &view->open[slot];
    if (order->account != account || order->updated_ns != 0) return false;
    order->updated_ns = updated_ns;
    order->working_ns = working_ns;
    order->prevented_id = prevented_id;
    view_link(view, slot);
    return updated_ns != 0 && order_possible(order, now_ns);
}

/* Every leg that is open is the account's, and in no other list. */
static bool name_legs(struct view *view, const struct view_list *list)
{
    uint32_t open_count = 0;
    for (uint32_t leg = 0; leg < list->order_count; leg++) {
        struct view_order *order = view_find_open(view, list->market, list->orders[leg].order_id);
        if (order == NULL) continue;
        if (order->account != list->account || order->list_id != 0) return false;
        if (memcmp(order->client_id, list->orders[leg].client_id, CLIENT_ID_BYTES) != 0)
            return false;
        order->list_id = list->list_id;
        open_count++;
    }
    return open_count > 0;
}

static bool load_list(struct view *view, uint32_t account, uint64_t now_ns,
                      struct byte_reader *reader)
{
    struct view_list list = {.account = account};
    list.market = byte_reader_u16(reader);
    list.list_id = byte_reader_u64(reader);
    list.created_ns = byte_reader_u64(reader);
    list.kind = byte_reader_u8(reader);
    list.order_count = byte_reader_u8(reader);
    const uint8_t *client_id = byte_reader_take(reader, CLIENT_ID_BYTES);
    if (client_id == NULL || list.list_id == 0 || list.created_ns > now_ns) return false;
    if (list.kind < LIST_OCO || list.kind > LIST_OTOCO) return false;
    if (list.order_count != (list.kind == LIST_OTOCO ? 3 : 2)) return false;
    memcpy(list.client_id, client_id, CLIENT_ID_BYTES);
    for (uint32_t leg = 0; leg < list.order_count; leg++) {
        list.orders[leg].order_id = byte_reader_u64(reader);
        client_id = byte_reader_take(reader, CLIENT_ID_BYTES);
        if (client_id == NULL) return false;
        memcpy(list.orders[leg].client_id, client_id, CLIENT_ID_BYTES);
    }
    return name_legs(view, &list) && view_list_restore(view->lists, &list);
}

static bool load_account(struct view *view, uint32_t account, uint64_t now_ns,
                         struct byte_reader *reader)
{
    struct view_account *owner = &view->accounts[account];
    owner->updated_ns = byte_reader_u64(reader);
    const uint32_t order_count = byte_reader_u32(reader);
    const uint32_t lists = byte_reader_u32(reader);
    if (!byte_reader_whole(reader) || order_count != owner->open_count) return false;
    if (owner->updated_ns > now_ns) return false;
    /* They were restored in any order; they are linked by age now. */
    owner->first_open = owner->last_open = NO_SLOT;
    owner->open_count = 0;
    view->open_count -= order_count;
    for (uint32_t count = 0; count < order_count; count++) {
        if (!load_order(view, account, now_ns, reader)) return false;
    }
    for (uint32_t count = 0; count < lists; count++) {
        if (!load_list(view, account, now_ns, reader)) return false;
    }
    return true;
}

bool view_load(struct view *view, uint64_t now_ns, struct byte_reader *reader)
{
    const uint32_t count = view_account_count(view);
    for (uint32_t account = 1; account <= count; account++) {
        if (!load_account(view, account, now_ns, reader)) return false;
    }
    return true;
}

void view_restore_end(struct view *view, uint64_t command)
{
    const uint32_t count = view_account_count(view);
    view->command = command;
    view->dropped = command;
    view_list_forget(view->lists, command, count);
    custody_view_restored(view->custody, command);
    account_tail_forget(&view->preventions, command, count);
    account_tail_forget(&view->amendments, command, count);
    INVARIANT(view_check(view));
}

void view_restore_traded(struct view *view, uint16_t market, uint64_t stamp_ns)
{
    ASSERT(market < view->markets_max && view->fill_end <= 1);
    /* Entry 0 of the tail is what there was before, and it is gone. */
    view->fill_begin = view->fill_end = 1;
    view->market_fills[market] = 1;
    view->traded_ns[market] = stamp_ns;
}
