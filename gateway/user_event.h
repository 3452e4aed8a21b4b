/* What happens to accounts, entry by entry: of this the user data streams are made.
 *
 * Whatever the engine tells of an account's orders and funds is an entry, whether somebody listens or not. An entry holds all
 * that its message says, so that it can be told again to who was away: the newest USER_EVENTS_KEPT of all accounts are
 * remembered, and of each account from when on that is all.
 *
 * An entry's number is (command, ordinal). It follows from the log alone: it is the same on every node, and rises with
 * each entry of an account.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start, untouched until used. Entries are good until user_event_apply or _end
 * Limits   USER_EVENTS_KEPT entries; the oldest goes for the newest
 * Cost     apply: O(1) an event; the end of an order that its command filled looks back over few entries
 */

#ifndef GATEWAY_USER_EVENT_H
#define GATEWAY_USER_EVENT_H

#include "gateway/view.h"

#define USER_EVENTS_KEPT   131072u /* a power of 2 */
#define USER_NUMBER_TEXT   32
#define USER_POSITIONS_MAX PARAMS_ASSETS_LIMIT

struct user_number {
    uint64_t command;
    uint32_t ordinal;
};

enum user_event_kind {
    USER_REPORT,   /* of an order */
    USER_LIST,     /* of an order list */
    USER_POSITION, /* one asset as it is now; those of one command are one message */
    USER_DELTA,    /* what came to, or left, the account from or to the outside */
};

enum user_execution {
    USER_NEW,
    USER_CANCELED,
    USER_REPLACED, /* amended */
    USER_REJECTED, /* the second half of a replace */
    USER_TRADE,
    USER_EXPIRED,
    USER_PREVENTED,
};

struct user_report {
    struct view_order order; /* as the execution left it */
    uint8_t
        other_id[36];  /* canceled: the cancel's id; replaced: the order's former one; zero: none */
    uint8_t execution; /* enum user_execution */
    bool is_maker;     /* trade */
    bool follows;      /* a trailing stop that has begun to follow the price */
    uint16_t reject;   /* rejected: enum reject */
    price_t last_price;    /* trade, prevented: at which */
    qty_t last_qty;        /* trade: how much; prevented: what it took from this order */
    qty_t prevented_match; /* prevented: how much the two would have traded */
    amount_t fee;          /* trade: below 0, a rebate */
    uint64_t trade_id;
    uint64_t counter_order; /* prevented: the other */
};

enum user_list_status { USER_LIST_STARTED, USER_LIST_UPDATED, USER_LIST_DONE };

struct user_list {
    uint64_t list_id;
    struct view_list_order orders[LIST_ORDERS_MAX];
    uint32_t order_count;
    uint16_t market;
    uint8_t kind;   /* enum list_kind */
    uint8_t status; /* enum user_list_status */
    uint8_t client_id[36];
};

struct user_position {
    amount_t available, held;
    uint16_t asset;
};

struct user_delta {
    amount_t amount; /* below 0: it left */
    uint16_t asset;
};

struct user_event {
    struct user_number number;
    uint64_t time_ns;  /* the stamp */
    uint64_t previous; /* the account's entry before, index + 1; 0: none */
    uint32_t account;
    uint8_t kind; /* enum user_event_kind */
    union {
        struct user_report report;
        struct user_list list;
        struct user_position position;
        struct user_delta delta;
    };
};

struct user_events;

size_t user_event_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold them. Needs: the view outlives them, and gets each event first. */
MUST_CHECK struct user_events *user_event_new(struct arena *arena, const struct genesis *genesis,
                                              const struct view *view, const struct params *params);

/* The view was restored: of what was up to its command nothing is remembered. */
void user_event_restart(struct user_events *events);

/* One event of `applied`, which the view has just taken; `user_event_end` after the last of a record. */
void user_event_apply(struct user_events *events, const struct applied *applied,
                      const struct event *event);
void user_event_end(struct user_events *events, const struct applied *applied);

/* Entries are [begin, end): indices rise from 0, and an entry keeps its own. */
uint64_t user_event_first(const struct user_events *events);
uint64_t user_event_count(const struct user_events *events);
const struct user_event *user_event_at(const struct user_events *events, uint64_t index);

/* Whether the account has another entry behind this one. */
bool user_event_is_last(const struct user_events *events, uint64_t index);

/* The positions of one account and command up to this entry, oldest first: returns how many. Needs: it is one. */
uint32_t user_event_positions(const struct user_events *events, uint64_t index,
                              const struct user_event *positions[USER_POSITIONS_MAX]);

/* The account's entries behind `from` and with an index below `end`, oldest first: writes their indices, at most `max`,
 * and how many there are. False when some of them are not remembered any more, or they are more than `max`. */
MUST_CHECK bool user_event_since(const struct user_events *events, uint32_t account,
                                 struct user_number from, uint64_t end, uint64_t *indices,
                                 uint32_t max, uint32_t *count);

/* -1, 0, 1: left is before, is, is after right. */
int user_number_compare(struct user_number left, struct user_number right);

/* Behind all entries of the command, and before those of the next. */
struct user_number user_number_whole(uint64_t command);

/* "command-ordinal", both in decimal; returns the length. */
size_t user_number_put(struct user_number number, char text[USER_NUMBER_TEXT]);

/* False when the text is no such thing. */
MUST_CHECK bool user_number_read(const char *text, size_t text_bytes, struct user_number *number);

#endif /* GATEWAY_USER_EVENT_H */
