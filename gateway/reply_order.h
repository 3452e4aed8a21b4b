/* How a client sees an order, a fill and an order list: the JSON shapes of the Binance Spot API.
 */

#ifndef GATEWAY_REPLY_ORDER_H
#define GATEWAY_REPLY_ORDER_H

#include "common/intent.h"
#include "gateway/view.h"
#include "gateway/writer.h"

/* How numbers and times are printed, and what is known of orders. */
struct printing {
    const struct params *params;
    uint64_t time_unit_ns; /* 1,000,000: milliseconds; 1,000: microseconds */
    const struct view *view;
};

/* One order as GET order, openOrders and allOrders show it. */
void reply_order(struct writer *json, const struct printing *printing,
                 const struct view_order *order);

/* One that a command at `stamp_ns` has placed. `fills` are elements of RESPONSE_FULL's array. */
void reply_placed(struct writer *json, const struct printing *printing,
                  const struct view_order *order, enum response_type response,
                  const struct writer *fills, uint64_t stamp_ns);

/* One that a command with the id `cancel_id` has canceled. */
void reply_canceled(struct writer *json, const struct printing *printing,
                    const struct view_order *order, const uint8_t cancel_id[36], uint64_t stamp_ns);

/* One that was amended, as the member amendedOrder shows it. */
void reply_amended(struct writer *json, const struct printing *printing,
                   const struct view_order *order, const uint8_t former_client_id[36]);

/* One element of a FULL answer's fills: what the fill was to `order_id`, one of its two. */
void reply_own_fill(struct writer *json, const struct printing *printing,
                    const struct fill_event *fill, uint64_t order_id);

/* The same of a fill that the view keeps. */
void reply_kept_fill(struct writer *json, const struct printing *printing,
                     const struct view_fill *fill, uint64_t order_id);

/* One fill as myTrades shows it to `account`. A fill of an account with itself is two elements; of `order_id` alone, unless
 * that is 0, it is one. */
void reply_fill(struct writer *json, const struct printing *printing, const struct view_fill *fill,
                uint32_t account, uint64_t order_id);

/* An order list: the members that every answer about it has, without the braces. */
void reply_list_members(struct writer *json, const struct printing *printing,
                        const struct view_list *list, uint64_t time_ns);

/* One list as GET orderList shows it. */
void reply_list(struct writer *json, const struct printing *printing, const struct view_list *list);

/* One element of myPreventedMatches. */
void reply_prevented(struct writer *json, const struct printing *printing,
                     const struct view_prevented *entry);

/* listStatus of an amended order: the same without times. */
void reply_list_status(struct writer *json, const struct printing *printing,
                       const struct view_list *list);

/* The words for an order's numbers; "" for one that is none. */
const char *reply_side_name(uint8_t side);
const char *reply_type_name(uint8_t type);
const char *reply_status_name(uint8_t status);
const char *reply_time_in_force_name(uint8_t time_in_force);
const char *reply_contingency_name(uint8_t list_kind);

/* Why the order ended EXPIRED, or NULL. */
const char *reply_expiry_name(const struct view_order *order);

/* In which asset the order on `side` is charged, or gets its rebate. */
const struct asset *reply_commission_asset(const struct params *params, uint16_t market,
                                           enum side side, amount_t fee);

/* Prices, quantities and amounts of a market as 8-decimal strings under a key. */
void reply_price(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, price_t price);
void reply_qty(struct writer *json, const struct params *params, uint16_t market, const char *name,
               qty_t qty);
void reply_quote(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, __int128 units);

/* One element of order/amendments. */
void reply_amendment(struct writer *json, const struct printing *printing,
                     const struct view_amended *entry);

#endif /* GATEWAY_REPLY_ORDER_H */
