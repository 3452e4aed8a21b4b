#include "node/view_restore.h"

#include "common/log.h"
#include "engine/order.h"
#include "engine/sections.h"
#include "gateway/restore.h"
#include "settlement/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct start *start;
    const struct membership *membership;
    struct restore *restore;
    struct sections engine;
    struct section_records settled[SETTLED_SECTIONS];
    struct params params;
    uint64_t last_command;
};

static bool read_params(struct reading *reading)
{
    return params_decode(reading->engine.begins[SNAPSHOT_PARAMS],
                         reading->engine.left[SNAPSHOT_PARAMS], &reading->params) &&
           restore_params(reading->restore, &reading->params);
}

/* ---- Accounts ---- */

static bool read_account(struct reading *reading, uint32_t number)
{
    struct snapshot_account account;
    struct snapshot_account_key key = {0};
    struct snapshot_balance balance;
    if (!sections_account(&reading->engine, &account)) return false;
    if (account.has_key && !sections_account_key(&reading->engine, &key)) return false;
    if (!restore_account(reading->restore, number, key.public_key, account.tier)) return false;
    if ((account.frozen & SNAPSHOT_FROZEN) != 0 && !restore_frozen(reading->restore, number))
        return false;
    if ((account.frozen & SNAPSHOT_PENDING) != 0 && !restore_pending(reading->restore, number))
        return false;
    for (uint8_t i = 0; i < account.balances; i++) {
        if (!sections_balance(&reading->engine, &balance) ||
            !restore_balance(reading->restore, number, balance.asset,
                             (struct view_balance){balance.available, balance.held}))
            return false;
    }
    return true;
}

static bool read_accounts(struct reading *reading)
{
    const uint64_t count = reading->engine.left[SNAPSHOT_ACCOUNTS];
    for (uint64_t i = 1; i <= count; i++)
        if (!read_account(reading, (uint32_t)i)) return false;
    return true;
}

/* The engine knows keys by their ids; who may do what with one is settlement's. */
static bool read_keys(struct reading *reading)
{
    const struct section_records *keys = &reading->settled[SETTLED_KEYS];
    const struct section_records *rights = &reading->settled[SETTLED_KEY_RIGHTS];
    struct settled_key key;
    struct settled_key_right right;
    for (uint64_t i = 0; i < keys->count; i++) {
        settled_key_get(keys->begin + i * SETTLED_KEYS_BYTES, &key);
        struct key_added_event added = {.account = key.account,
                                        .permissions = key.permissions,
                                        .secret_version = key.secret_version};
        memcpy(added.key_id, key.key_id, sizeof(added.key_id));
        memcpy(added.public_key, key.public_key, sizeof(added.public_key));
        if (!restore_key(reading->restore, &added)) return false;
        if (i >= rights->count) continue; /* rules 7 have not come */
        settled_key_right_get(rights->begin + i * SETTLED_KEY_RIGHTS_BYTES, &right);
        const struct ip_list ips = ip_list_of(right.ip_count, right.ips);
        if (!restore_key_ips(reading->restore, key.key_id, &ips)) return false;
    }
    return true;
}

/* ---- Deposits and withdrawals ---- */

static bool read_addresses(struct reading *reading)
{
    struct snapshot_address record;
    while (sections_address(&reading->engine, &record)) {
        struct address_changed_event address = {
            .active_ns = record.active_ns, .account = record.account, .kind = record.kind};
        memcpy(address.chain, record.chain, CHAIN_BYTES);
        memcpy(address.address, record.address, CHAIN_ADDRESS_BYTES);
        if (!restore_address(reading->restore, &address)) return false;
    }
    return true;
}

static bool read_deposits(struct reading *reading, uint64_t last)
{
    struct snapshot_deposit record;
    uint64_t number = last + 1 - reading->engine.left[SNAPSHOT_DEPOSITS];
    for (; sections_deposit(&reading->engine, &record); number++) {
        const struct deposit_changed_event deposit = sections_deposit_facts(&record, number);
        if (!restore_deposit(reading->restore, &deposit)) return false;
    }
    return true;
}

static bool read_withdrawals(struct reading *reading, uint64_t last)
{
    struct snapshot_withdrawal record;
    uint64_t number = last + 1 - reading->engine.left[SNAPSHOT_WITHDRAWALS];
    for (; sections_withdrawal(&reading->engine, &record); number++) {
        struct withdrawal_moved_event withdrawal = sections_withdrawal_facts(&record, number);
        struct snapshot_charge charge;
        if (sections_charge(&reading->engine, &charge)) {
            withdrawal.fee = charge.fee;
            withdrawal.paid.units = withdrawal.amount.units - charge.fee.units;
        }
        if (!restore_withdrawal(reading->restore, &withdrawal)) return false;
    }
    return true;
}

static bool read_custody(struct reading *reading)
{
    struct snapshot_transfer transfer;
    return sections_transfer(&reading->engine, &transfer) && read_addresses(reading) &&
           read_deposits(reading, transfer.deposit_last) &&
           read_withdrawals(reading, transfer.withdrawal_last);
}

/* ---- Orders ---- */

static enum order_status status_of(const struct snapshot_order *order, qty_t executed)
{
    if ((order->flags & ORDER_PENDING) != 0) return ORDER_PENDING_NEW;
    return executed.lots > 0 ? ORDER_PARTIALLY_FILLED : ORDER_NEW;
}

static bool read_order(struct reading *reading, uint16_t market)
{
    struct snapshot_order order;
    struct snapshot_name name = {0};
    struct snapshot_extra extra = {0};
    struct snapshot_tag tag = {0};
    if (!sections_order(&reading->engine, &order)) return false;
    if ((order.has & SNAPSHOT_HAS_NAME) != 0 && !sections_name(&reading->engine, &name))
        return false;
    if ((order.has & SNAPSHOT_HAS_EXTRA) != 0 && !sections_extra(&reading->engine, &extra))
        return false;
    if ((order.has & SNAPSHOT_HAS_TAG) != 0 && !sections_tag(&reading->engine, &tag)) return false;
    const qty_t executed = {order.qty.lots - order.left.lots - extra.hidden.lots -
                            extra.prevented.lots};
    struct view_order seen = {
        .order_id = order.id,
        .created_ns = order.created_ns,
        .price = order.price,
        .qty = order.qty,
        .executed = executed,
        .quote_executed = order.quote_executed,
        .stop_price = extra.stop_price,
        .iceberg_qty = extra.iceberg_qty,
        .prevented = extra.prevented,
        .trailing_delta = extra.trailing_delta,
        .strategy_id = tag.strategy_id,
        .strategy_type = tag.strategy_type,
        .tag_flags = tag.flags,
        .account = order.account,
        .market = market,
        .side = order.side,
        .type = order.type,
        .time_in_force = order.time_in_force,
        .self_trade = order.self_trade,
        .status = (uint8_t)status_of(&order, executed),
    };
    memcpy(seen.client_id, name.client_id, sizeof(seen.client_id));
    return restore_order(reading->restore, &seen);
}

/* An order by its place, without moving on. */
static bool order_at(const struct reading *reading, uint32_t place, uint64_t order_count,
                     struct snapshot_order *order)
{
    if (place == 0 || place > order_count) return false;
    snapshot_order_get(reading->engine.begins[SNAPSHOT_ORDERS] +
                           (place - 1) * (size_t)SNAPSHOT_ORDERS_BYTES,
                       order);
    return true;
}

/* The levels of one side: runs of one price in its queue. What orders show adds up. */
static bool read_levels(struct reading *reading, uint16_t market, enum side side, uint32_t queued,
                        uint64_t order_count)
{
    struct snapshot_queued place;
    struct snapshot_order order;
    price_t price = {0};
    qty_t shown = {0};
    for (uint32_t i = 0; i < queued; i++) {
        if (!sections_queued(&reading->engine, &place) ||
            !order_at(reading, place.order, order_count, &order))
            return false;
        if (order.price.ticks != price.ticks && shown.lots != 0 &&
            !restore_level(reading->restore, market, side, price, shown))
            return false;
        if (order.price.ticks != price.ticks) shown.lots = 0;
        price = order.price;
        shown.lots += order.left.lots;
    }
    return shown.lots == 0 || restore_level(reading->restore, market, side, price, shown);
}

static bool read_markets(struct reading *reading)
{
    const uint64_t count = reading->engine.left[SNAPSHOT_MARKETS];
    const uint64_t order_count = reading->engine.left[SNAPSHOT_ORDERS];
    struct snapshot_market market;
    for (uint64_t i = 0; i < count; i++) {
        const uint16_t index = (uint16_t)i;
        if (!sections_market(&reading->engine, &market) ||
            !restore_book(reading->restore, index, market.last_update) ||
            !read_levels(reading, index, BUY, market.bids, order_count) ||
            !read_levels(reading, index, SELL, market.asks, order_count))
            return false;
        for (uint32_t k = 0; k < market.orders; k++)
            if (!read_order(reading, index)) return false;
    }
    return true;
}

/* ---- Nodes ---- */

static bool read_nodes(struct reading *reading)
{
    const struct membership *membership = reading->membership;
    struct snapshot_origin origin;
    while (sections_origin(&reading->engine, &origin))
        restore_origin(reading->restore, origin.node, origin.epoch);
    if (!restore_nodes(reading->restore, reading->start->height + 1, &membership->nodes))
        return false;
    if (membership->change_height == 0) return true;
    /* Who is otherwise in the set to come. */
    for (uint32_t i = 0; i < membership->next.count; i++) {
        const struct node_member *member = &membership->next.members[i];
        const struct node_member *now = node_set_find(&membership->nodes, member->node);
        if (now != NULL && node_member_equal(now, member)) continue;
        struct node_changed_event changed = {
            .height = membership->change_height, .node = member->node, .role = member->role};
        memcpy(changed.public_key, member->public_key, sizeof(changed.public_key));
        memcpy(changed.address, member->address, sizeof(changed.address));
        if (!restore_node_change(reading->restore, &changed)) return false;
    }
    for (uint32_t i = 0; i < membership->nodes.count; i++) {
        const struct node_member *member = &membership->nodes.members[i];
        if (node_set_find(&membership->next, member->node) != NULL) continue;
        const struct node_changed_event gone = {
            .height = membership->change_height, .node = member->node, .role = NODE_GONE};
        if (!restore_node_change(reading->restore, &gone)) return false;
    }
    return true;
}

/* ---- All of it ---- */

static const char *read_all(struct reading *reading)
{
    const struct start *start = reading->start;
    struct snapshot_state state;
    if (!sections_state(&reading->engine, &state)) return "state";
    if (!read_params(reading)) return "parameters";
    if (!read_accounts(reading)) return "accounts";
    if (!read_keys(reading)) return "keys";
    if (!read_custody(reading)) return "deposits and withdrawals";
    if (!read_markets(reading)) return "markets and orders";
    if (!read_nodes(reading)) return "nodes";
    if (!restore_load(reading->restore, start->sections[CHECKPOINT_MARKETS],
                      start->section_bytes[CHECKPOINT_MARKETS]))
        return "market data";
    return restore_end(reading->restore, state.last_command) ? NULL : "command";
}

bool view_restore(const struct start *start, const struct membership *membership,
                  struct restore *restore)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    const char *wrong = "memory";
    if (reading != NULL) {
        *reading = (struct reading){.start = start, .membership = membership, .restore = restore};
        wrong = "form";
        if (sections_open(&reading->engine, start->genesis, start->sections[CHECKPOINT_ENGINE],
                          start->section_bytes[CHECKPOINT_ENGINE]) == STATUS_OK &&
            settlement_snapshot_find(start->genesis, start->sections[CHECKPOINT_SETTLEMENT],
                                     start->section_bytes[CHECKPOINT_SETTLEMENT],
                                     reading->settled) == STATUS_OK)
            wrong = read_all(reading);
    }
    free(reading);
    if (wrong == NULL) return true;
    log_error("node", "the checkpoint gives no views", "height=%" PRIu64 " what=\"%s\"",
              start->height, wrong);
    return false;
}
