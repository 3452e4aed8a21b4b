/* PostgreSQL's rows as the gateway's own structures: what the columns of each statement (query_sql.c) mean.
 *
 * Owner    anybody; nothing is kept
 * Errors   false: a cell is not what its column holds; what was read is not to be used
 */

#ifndef GATEWAY_QUERY_READ_H
#define GATEWAY_QUERY_READ_H

#include "gateway/candle.h"
#include "gateway/history.h"
#include "gateway/trades.h"
#include "gateway/view.h"

/* Reads the cursor into `rows` from its first row. False when a cell is not a number. */
MUST_CHECK bool query_read_cursor(struct history_rows *rows);

/* Read one row. Of stops and of orders of a list it is not known since when they worked. False when a cell is not what the column holds. */
MUST_CHECK bool query_read_order(const struct history_rows *rows, uint32_t row,
                                 const struct history_query *query, struct view_order *order);
MUST_CHECK bool query_read_list(const struct history_rows *rows, uint32_t row,
                                const struct history_query *query, struct view_list *list);
MUST_CHECK bool query_read_prevented(const struct history_rows *rows, uint32_t row,
                                     const struct history_query *query,
                                     struct view_prevented *prevented);
MUST_CHECK bool query_read_amended(const struct history_rows *rows, uint32_t row,
                                   const struct history_query *query, struct view_amended *amended);
MUST_CHECK bool query_read_fill(const struct history_rows *rows, uint32_t row,
                                const struct history_query *query, struct view_fill *fill);
MUST_CHECK bool query_read_aggregate(const struct history_rows *rows, uint32_t row,
                                     struct aggregate_trade *aggregate);
MUST_CHECK bool query_read_candle(const struct history_rows *rows, uint32_t row,
                                  struct candle *candle);

MUST_CHECK bool query_read_deposit(const struct history_rows *rows, uint32_t row,
                                   struct deposit_changed_event *deposit);
MUST_CHECK bool query_read_withdrawal(const struct history_rows *rows, uint32_t row,
                                      struct withdrawal_moved_event *withdrawal);

/* Since when a deposit or withdrawal is there, and since when as it is. */
MUST_CHECK bool query_read_times(const struct history_rows *rows, uint32_t row,
                                 enum history_kind kind, struct transfer_times *times);

/* An account's net movement of one kind in one asset and block. */
struct ledger_entry {
    uint64_t height;
    uint64_t time_ns;
    uint64_t event_count;
    __int128 available;
    __int128 held;
    uint16_t asset;
    uint16_t kind;
};
MUST_CHECK bool query_read_entry(const struct history_rows *rows, uint32_t row,
                                 struct ledger_entry *entry);

/* Where an entry stands among those of its height. */
static inline uint64_t query_place(uint16_t asset, uint16_t kind)
{
    return (uint64_t)asset << 16 | kind;
}

/* What a command made of a deposit, a withdrawal or an address: of the event, what the row has. */
struct ledger_change {
    uint64_t command;
    uint64_t time_ns;
    struct deposit_changed_event deposit; /* one of these, by the question's kind */
    struct withdrawal_moved_event withdrawal;
    struct address_changed_event address;
};
MUST_CHECK bool query_read_change(const struct history_rows *rows, uint32_t row,
                                  enum history_kind kind, struct ledger_change *change);

#endif /* GATEWAY_QUERY_READ_H */
