/* Views from a checkpoint: what a gateway that does not see the log from its first command starts from.
 *
 *     saving     after the SEAL of a checkpoint's height: restore_save ─► the MARKETS section
 *     starting   restore_params ─► accounts, balances, keys, markets, levels, orders, nodes ─►
 *                restore_load (the MARKETS section) ─► restore_end
 *
 * What the engine and settlement keep too is set call by call, by whoever reads their sections (node/).
 * What only the views know is in the MARKETS section: last trades, minutes, candles; when orders and
 * accounts last changed, in which order an account's orders came, and open order lists.
 *
 * The section follows from the log alone: every gateway writes the same bytes after the same command,
 * whether it saw the log from the beginning or was restored itself.
 *
 *     header    magic u32 "QXMK" | version u32 | command u64 | stamp_ns u64 | market_count u32 |
 *               account_count u32
 *     markets   market_bytes.h
 *     accounts  view_facts.h
 *
 * Owner    the gateway's thread, from within the hooks of gateway_options
 * Memory   the views' own; bytes are read in place and not kept
 * Errors   everything is outside input: each call checks what it is given against the parameters and
 *          what came before, and returns false when it cannot be. The views are then of no use.
 * Cost     restore_save: O(accounts + open orders + markets), about 2 MB a busy market
 */

#ifndef GATEWAY_RESTORE_H
#define GATEWAY_RESTORE_H

#include "common/node_set.h"
#include "gateway/market_view.h"
#include "gateway/view.h"

#define RESTORE_HEADER_BYTES 32

/* Where the section's bytes go, some 64 KiB at a time. `take` returns false when it cannot: saving ends. */
struct restore_sink {
    bool (*take)(void *context, const uint8_t *bytes, size_t byte_count);
    void *context;
};

/* The views of one loop. */
struct restore {
    struct view *view;
    struct market_views *markets;
    uint64_t command;       /* the section's */
    uint32_t account_count; /* restored so far */
    bool has_params;
    bool has_section;
};

/* ---- Saving. ---- */

/* Writes the section as it is after the last command the views took whole. False when the sink did not
 * take all of it. */
MUST_CHECK bool restore_save(const struct restore *restore, const struct restore_sink *sink);

/* ---- Starting. ---- */

/* Needs: both views are new. */
void restore_begin(struct restore *restore, struct view *view, struct market_views *markets);

/* First. The bounds (accounts_max and so on) must be the genesis': memory was taken by them. */
MUST_CHECK bool restore_params(struct restore *restore, const struct params *params);

/* Accounts 1, 2, 3 ... one after the other. */
MUST_CHECK bool restore_account(struct restore *restore, uint32_t account,
                                const uint8_t public_key[PUBLIC_KEY_BYTES], uint16_t tier);
/* The last of them is frozen. */
MUST_CHECK bool restore_frozen(struct restore *restore, uint32_t account);
/* Likewise: it waits for an operator. */
MUST_CHECK bool restore_pending(struct restore *restore, uint32_t account);
MUST_CHECK bool restore_balance(struct restore *restore, uint32_t account, uint16_t asset,
                                struct view_balance balance);
/* Deposits, withdrawals and addresses that are remembered: the first two by rising number. */
MUST_CHECK bool restore_deposit(struct restore *restore,
                                const struct deposit_changed_event *deposit);
MUST_CHECK bool restore_withdrawal(struct restore *restore,
                                   const struct withdrawal_moved_event *withdrawal);
MUST_CHECK bool restore_address(struct restore *restore,
                                const struct address_changed_event *address);

/* By place. Then from where one may be used: anywhere, where this is not said. */
MUST_CHECK bool restore_key(struct restore *restore, const struct key_added_event *key);
MUST_CHECK bool restore_key_ips(struct restore *restore, const uint8_t key_id[32],
                                const struct ip_list *ips);

/* The update id of the market's book; then its levels, each price of a side once, in any order: what rests
 * there in total, as LEVEL events say it. */
MUST_CHECK bool restore_book(struct restore *restore, uint16_t market, uint64_t last_update);
MUST_CHECK bool restore_level(struct restore *restore, uint16_t market, enum side side,
                              price_t price, qty_t qty);

/* An open order. Of `order` these count: order_id, created_ns, price, qty (the whole quantity), executed,
 * quote_qty, quote_executed, stop_price, iceberg_qty, prevented, trailing_delta, account, market, side, type,
 * time_in_force, self_trade, status (ORDER_NEW, ORDER_PARTIALLY_FILLED or ORDER_PENDING_NEW), client_id. The
 * section has the rest. In any order. */
MUST_CHECK bool restore_order(struct restore *restore, const struct view_order *order);

/* The node set that counts from block `height` on, and each change of it that was decided and counts
 * later, by rising height. */
MUST_CHECK bool restore_nodes(struct restore *restore, uint64_t height,
                              const struct node_set *nodes);
MUST_CHECK bool restore_node_change(struct restore *restore,
                                    const struct node_changed_event *changed);

/* The epoch of a node's origin: only the watched node's is kept. */
void restore_origin(struct restore *restore, uint32_t node, uint64_t epoch);

/* The MARKETS section, exactly. After all of the above. */
MUST_CHECK bool restore_load(struct restore *restore, const uint8_t *bytes, size_t byte_count);

/* Last: the views have taken `command` whole, and nothing of ended orders, lists and fills up to it is in
 * memory (view_dropped). False when something is missing or `command` is not the section's. */
MUST_CHECK bool restore_end(struct restore *restore, uint64_t command);

#endif /* GATEWAY_RESTORE_H */
