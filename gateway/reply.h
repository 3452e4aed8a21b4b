/* What a client reads of its orders, fills and refusals: the JSON shapes of the Binance Spot API.
 *
 * A reply to a command is built from the command's events as they come: reply_begin, reply_event for
 * each, then reply_finish.
 */

#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "common/intent.h"
#include "gateway/view.h"
#include "gateway/writer.h"

/* How numbers and times are printed. */
struct printing {
    const struct params *params;
    uint64_t time_unit_ns; /* 1,000,000: milliseconds; 1,000: microseconds */
};

enum reply_kind { REPLY_ORDER, REPLY_CANCEL, REPLY_CANCEL_ALL, REPLY_ADMIN };

struct reply {
    enum reply_kind kind;
    enum response_type response; /* of a REPLY_ORDER */
    bool accepted;
    bool done;
    enum reject reject; /* REJECT_NONE unless the command was refused or void */
    bool is_void;       /* NOOP: the outcome is for another try to find out */
    uint8_t cancel_id[36];
    uint64_t stamp_ns;
    uint64_t command;
    struct order_accepted_event order;
    struct order_done_event end;
    qty_t executed;
    amount_t quote_executed;
    uint32_t created;   /* account, asset or market that an operator's command made, or credited */
    const char *result; /* REPLY_ADMIN: what happened, from the event */
    struct writer list; /* fills of an order, reports of a cancel-all */
};

/* `list` is a growing buffer of the request. `cancel_id` (36 bytes) may be NULL. */
void reply_begin(struct reply *reply, enum reply_kind kind, enum response_type response,
                 const uint8_t *cancel_id, struct writer list);
void reply_event(struct reply *reply, const struct printing *printing,
                 const struct applied *applied, const struct event *event);

/* Writes the answer. False with `refusal` filled when it is one. */
MUST_CHECK bool reply_finish(struct reply *reply, const struct printing *printing,
                             struct writer *json, struct refusal *refusal);

/* One order as GET order, openOrders and allOrders show it. */
void reply_order(struct writer *json, const struct printing *printing,
                 const struct view_order *order);

/* One fill as myTrades shows it to `account`. A fill of an account with itself is two elements. */
void reply_fill(struct writer *json, const struct printing *printing, const struct view_fill *fill,
                uint32_t account);

/* {"code":...,"msg":...} */
void reply_refusal(struct writer *json, const struct refusal *refusal);

/* Prices, quantities and amounts of a market as 8-decimal strings under a key. */
void reply_price(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, price_t price);
void reply_qty(struct writer *json, const struct params *params, uint16_t market, const char *name,
               qty_t qty);
void reply_quote(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, __int128 units);

#endif /* GATEWAY_REPLY_H */
