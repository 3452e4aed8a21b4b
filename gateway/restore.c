#include "gateway/restore.h"

#include "gateway/market_restore.h"
#include "gateway/view_restore.h"

#define MAGIC   0x4b4d5851u /* "QXMK" */
#define VERSION 1

bool restore_save(const struct restore *restore, const struct restore_sink *sink)
{
    struct byte_writer writer;
    byte_writer_begin(&writer, sink->take, sink->context);
    uint8_t *at = byte_writer_room(&writer, RESTORE_HEADER_BYTES);
    at = le_put_u32(at, MAGIC);
    at = le_put_u32(at, VERSION);
    at = le_put_u64(at, view_command(restore->view));
    at = le_put_u64(at, market_views_now_ns(restore->markets));
    at = le_put_u32(at, market_views_count(restore->markets));
    (void)le_put_u32(at, view_account_count(restore->view));
    market_views_save(restore->markets, &writer);
    view_save(restore->view, &writer);
    return byte_writer_end(&writer);
}

void restore_begin(struct restore *restore, struct view *view, struct market_views *markets)
{
    *restore = (struct restore){.view = view, .markets = markets};
}

static const struct params *params_of(const struct restore *restore)
{
    return market_views_params(restore->markets);
}

bool restore_params(struct restore *restore, const struct params *params)
{
    if (restore->has_params || !market_views_adopt(restore->markets, params)) return false;
    restore->has_params = true;
    return true;
}

bool restore_account(struct restore *restore, uint32_t account,
                     const uint8_t public_key[PUBLIC_KEY_BYTES], uint16_t tier)
{
    if (!restore->has_params || account != restore->account_count + 1) return false;
    if (account > params_of(restore)->accounts_max || tier >= params_of(restore)->tier_count)
        return false;
    view_restore_account(restore->view, account, public_key, tier);
    restore->account_count = account;
    return true;
}

static bool account_there(const struct restore *restore, uint32_t account)
{
    return account >= 1 && account <= restore->account_count;
}

bool restore_balance(struct restore *restore, uint32_t account, uint16_t asset,
                     struct view_balance balance)
{
    if (!account_there(restore, account) || asset >= params_of(restore)->asset_count) return false;
    if (balance.available.units < 0 || balance.held.units < 0) return false;
    view_restore_balance(restore->view, account, asset, balance);
    return true;
}

bool restore_key(struct restore *restore, const struct key_added_event *key)
{
    return account_there(restore, key->account) && view_restore_key(restore->view, key);
}

bool restore_key_ips(struct restore *restore, const uint8_t key_id[32], const struct ip_list *ips)
{
    return view_restore_key_ips(restore->view, key_id, ips);
}

bool restore_frozen(struct restore *restore, uint32_t account)
{
    if (!account_there(restore, account)) return false;
    view_freeze(restore->view, account);
    return true;
}

bool restore_pending(struct restore *restore, uint32_t account)
{
    if (!account_there(restore, account)) return false;
    view_make_wait(restore->view, account);
    return true;
}

static bool route_there(const struct restore *restore, const uint8_t *chain, uint16_t asset)
{
    return restore->has_params &&
           params_find_route(market_views_params(restore->markets), chain, asset) >= 0;
}

bool restore_deposit(struct restore *restore, const struct deposit_changed_event *deposit)
{
    struct custody_view *view = view_custody(restore->view);
    if (!account_there(restore, deposit->account) ||
        !route_there(restore, deposit->chain, deposit->asset) ||
        deposit->deposit <= custody_view_deposit_last(view) ||
        deposit->state < DEPOSIT_CONFIRMING || deposit->state > DEPOSIT_OWED)
        return false;
    custody_view_deposit_put(view, deposit);
    return true;
}

bool restore_withdrawal(struct restore *restore, const struct withdrawal_moved_event *withdrawal)
{
    struct custody_view *view = view_custody(restore->view);
    if (!account_there(restore, withdrawal->account) ||
        !route_there(restore, withdrawal->chain, withdrawal->asset) ||
        withdrawal->withdrawal <= custody_view_withdrawal_last(view) ||
        withdrawal->state < WITHDRAWAL_HELD || withdrawal->state > WITHDRAWAL_CANCELED)
        return false;
    custody_view_withdrawal_put(view, withdrawal);
    return true;
}

bool restore_address(struct restore *restore, const struct address_changed_event *address)
{
    const uint32_t most = params_addresses_max(market_views_params(restore->markets));
    struct custody_view *view = view_custody(restore->view);
    if (!account_there(restore, address->account) || custody_view_address_count(view) >= most)
        return false;
    custody_view_address_put(view, address);
    return true;
}

static bool market_there(const struct restore *restore, uint16_t market)
{
    return restore->has_params && market < market_views_count(restore->markets);
}

bool restore_book(struct restore *restore, uint16_t market, uint64_t last_update)
{
    if (!market_there(restore, market)) return false;
    struct depth *depth = &market_views_at(restore->markets, market)->depth;
    if (depth->update_id != 0) return false;
    depth_restart(depth, last_update);
    return true;
}

bool restore_level(struct restore *restore, uint16_t market, enum side side, price_t price,
                   qty_t qty)
{
    if (!market_there(restore, market) || (side != BUY && side != SELL)) return false;
    struct depth *depth = &market_views_at(restore->markets, market)->depth;
    if (price.ticks <= 0 || price.ticks > params_of(restore)->markets[market].price_max.ticks)
        return false;
    return depth->update_id != 0 && depth_load(depth, side, price, qty);
}

/* What the answers about an order and its sums rely on. */
static bool order_possible(const struct view_order *order)
{
    if (order->order_id == 0 || (order->side != BUY && order->side != SELL)) return false;
    if (order->type < LIMIT || order->type > TAKE_PROFIT_LIMIT) return false;
    if (order->time_in_force < GTC || order->time_in_force > FOK) return false;
    if (order->self_trade > SELF_TRADE_TRANSFER) return false;
    if (order->qty.lots < 0 || order->executed.lots < 0 || order->prevented.lots < 0) return false;
    if (order->executed.lots > order->qty.lots || order->price.ticks < 0) return false;
    if (order->status == ORDER_PARTIALLY_FILLED) return order->executed.lots > 0;
    return (order->status == ORDER_NEW || order->status == ORDER_PENDING_NEW) &&
           order->executed.lots == 0;
}

bool restore_order(struct restore *restore, const struct view_order *order)
{
    return market_there(restore, order->market) && account_there(restore, order->account) &&
           order_possible(order) && view_restore_order(restore->view, order);
}

bool restore_nodes(struct restore *restore, uint64_t height, const struct node_set *nodes)
{
    if (nodes->count == 0 || nodes->count > NODE_SET_LIMIT) return false;
    for (uint32_t index = 0; index < nodes->count; index++) {
        const struct node_member *member = &nodes->members[index];
        if (member->role != NODE_STANDBY && member->role != NODE_VOTER) return false;
        if (member->node <= (index == 0 ? 0 : nodes->members[index - 1].node)) return false;
    }
    view_restore_nodes(restore->view, height, nodes);
    return true;
}

bool restore_node_change(struct restore *restore, const struct node_changed_event *changed)
{
    return view_restore_change(restore->view, changed);
}

void restore_origin(struct restore *restore, uint32_t node, uint64_t epoch)
{
    view_restore_origin(restore->view, node, epoch);
}

bool restore_load(struct restore *restore, const uint8_t *bytes, size_t byte_count)
{
    struct byte_reader reader = byte_reader_over(bytes, byte_count);
    const uint32_t magic = byte_reader_u32(&reader), version = byte_reader_u32(&reader);
    const uint64_t command = byte_reader_u64(&reader), now_ns = byte_reader_u64(&reader);
    const uint32_t markets = byte_reader_u32(&reader), accounts = byte_reader_u32(&reader);
    if (!byte_reader_whole(&reader) || magic != MAGIC || version != VERSION) return false;
    if (!restore->has_params || restore->has_section || command == 0) return false;
    if (markets != market_views_count(restore->markets) || accounts != restore->account_count)
        return false;
    if (!market_views_load(restore->markets, now_ns, &reader)) return false;
    if (!view_load(restore->view, now_ns, &reader)) return false;
    if (!byte_reader_whole(&reader) || reader.at != reader.end) return false;
    for (uint16_t market = 0; market < markets; market++) {
        if (market_views_at(restore->markets, market)->trades.trade_count > 0)
            view_restore_traded(restore->view, market, now_ns);
    }
    restore->command = command;
    restore->has_section = true;
    return true;
}

bool restore_end(struct restore *restore, uint64_t command)
{
    if (!restore->has_section || command != restore->command) return false;
    view_restore_end(restore->view, command);
    return true;
}
