/* A view as bytes and back: what only the view knows of accounts, the second part of a checkpoint's
 * MARKETS section (restore.h), and the calls that set what the engine and settlement know too.
 *
 *     account   updated_ns u64 | order_count u32 | list_count u32 | orders | lists
 *     order     market u16 | order_id u64 | updated_ns u64 | working_ns u64 | prevented_id u64
 *     list      market u16 | list_id u64 | created_ns u64 | kind u8 | order_count u8 | client_id 36 |
 *               order_count x (order_id u64 | client_id 36)
 *
 * Accounts by number, from 1; open orders and open lists by age.
 *
 * Owner    the gateway's thread
 * Errors   false: what was given cannot be, and the view is of no use any more
 */

#ifndef GATEWAY_VIEW_RESTORE_H
#define GATEWAY_VIEW_RESTORE_H

#include "gateway/byte_stream.h"
#include "gateway/view.h"

/* Accounts there are: numbers 1 .. count. */
uint32_t view_account_count(const struct view *view);

/* How many accounts wait for an operator. */
uint32_t view_waiting_count(const struct view *view);

void view_save(const struct view *view, struct byte_writer *writer);

/* restore.h says what each takes. Needs: the account of a balance, key or order is there. */
void view_restore_account(struct view *view, uint32_t account,
                          const uint8_t public_key[PUBLIC_KEY_BYTES], uint16_t tier);
void view_restore_balance(struct view *view, uint32_t account, uint16_t asset,
                          struct view_balance balance);
MUST_CHECK bool view_restore_key(struct view *view, const struct key_added_event *key);
MUST_CHECK bool view_restore_key_ips(struct view *view, const uint8_t key_id[32],
                                     const struct ip_list *ips);
MUST_CHECK bool view_restore_order(struct view *view, const struct view_order *order);
void view_restore_nodes(struct view *view, uint64_t height, const struct node_set *nodes);
MUST_CHECK bool view_restore_change(struct view *view, const struct node_changed_event *changed);
void view_restore_origin(struct view *view, uint32_t node, uint64_t epoch);

/* The bytes of all accounts; the reader stands behind them then. Needs: every open order was restored. */
MUST_CHECK bool view_load(struct view *view, uint64_t now_ns, struct byte_reader *reader);

/* The view has taken `command` whole, and its tails nothing. */
void view_restore_end(struct view *view, uint64_t command);

/* The market has had a trade, which is not in the tail, at `stamp_ns` or before. */
void view_restore_traded(struct view *view, uint16_t market, uint64_t stamp_ns);

#endif /* GATEWAY_VIEW_RESTORE_H */
