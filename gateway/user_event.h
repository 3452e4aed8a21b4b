/* What happens to accounts, entry by entry: of this the user data streams are made.
 *
 * Whatever the engine tells of an account's orders and funds is an entry, whether somebody listens or not. An entry holds all
 * that its message says, so that it can be told again to who was away. USER_EVENTS_KEPT entries of all accounts are
 * remembered, and of each account from when on that is all. Where there is no room one goes whose stamp is
 * USER_EVENT_OLD_NS ago; when there is none, the oldest of who has the most (user_memory.h).
 *
 * An entry's number is (command, ordinal). It follows from the log alone: it is the same on every node, and rises with
 * each entry of an account.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start, untouched until used. Entries are good until user_event_apply or _end
 * Limits   USER_EVENTS_KEPT entries
 * Cost     apply: O(1) an event; the end of an order that its command filled looks back over few entries
 */

#ifndef GATEWAY_USER_EVENT_H
#define GATEWAY_USER_EVENT_H

#include "gateway/view.h"

#define USER_EVENTS_KEPT   131072u
#define USER_EVENT_OLD_NS  (3600ull * 1000000000ull)
#define USER_NUMBER_TEXT   32
#define USER_POSITIONS_MAX PARAMS_ASSETS_LIMIT

/* In the middle of a command so many of the newest entries may still change: what ends an order changes its last report, a
 * few entries back. */
#define USER_EVENTS_OPEN 64

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
    uint16_t reject;   /* rejected: enum reject */
    price_t last_price;    /* trade, prevented: at which */
    qty_t last_qty;        /* trade: how much; prevented: what it took from this order */
    qty_t prevented_match; /* prevented: how much the two would have traded */
    amount_t fee;          /* trade: below 0, a rebate */
    uint64_t trade_id;
    uint64_t counter_order; /* prevented: the other */
    uint64_t
        follows_ns; /* since when a trailing stop follows the price; 0: it does not, or nobody knows */
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
    uint64_t index;   /* rises by 1 from entry to entry, of whomever */
    uint64_t time_ns; /* the stamp */
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

/* Makes room for one more event. False when an entry with an index from `untold` on would be forgotten for it: tell it, and
 * go on. */
MUST_CHECK bool user_event_fits(struct user_events *events, const struct applied *applied,
                                uint64_t untold);

/* One event of `applied`, which the view has just taken; `user_event_end` after the last of a record. */
void user_event_apply(struct user_events *events, const struct applied *applied,
                      const struct event *event);
void user_event_end(struct user_events *events, const struct applied *applied);

/* The index that the next entry gets. */
uint64_t user_event_count(const struct user_events *events);

/* Entries lie at places, which are used again. Needs: there is one. */
const struct user_event *user_event_at(const struct user_events *events, uint32_t place);

/* Whether all of the account's entries behind `from` are remembered. */
bool user_event_remembers(const struct user_events *events, uint32_t account,
                          struct user_number from);

/* The place of the account's last entry that is not behind `from`, 0: none is remembered. Goes through all behind it, which
 * are `behind_count`. Needs: they are remembered. */
uint32_t user_event_find(const struct user_events *events, uint32_t account,
                         struct user_number from, uint32_t *behind_count);

/* The place of the account's first entry behind `from`, 0: there is none. `guess`, when it is what user_event_find gives,
 * saves the search. Needs: they are remembered. */
uint32_t user_event_behind(const struct user_events *events, uint32_t account,
                           struct user_number from, uint32_t guess);

/* The account's next entry when it belongs into this one's message, as positions of a command do; else 0. */
uint32_t user_event_joined(const struct user_events *events, uint32_t place);

/* The positions of one account and command up to this entry, oldest first: returns how many. Needs: it is one. */
uint32_t user_event_positions(const struct user_events *events, uint32_t place,
                              const struct user_event *positions[USER_POSITIONS_MAX]);

/* Of watched accounts it is known which have new entries since user_event_forget_touched: the first after `account`, 0
 * begins; 0: no more. In the order in which they got the first. Whoever is watched from now on has, when it has one with an
 * index from `untold` on. */
void user_event_watch(struct user_events *events, uint32_t account, uint64_t untold);
void user_event_unwatch(struct user_events *events, uint32_t account);
uint32_t user_event_touched(const struct user_events *events, uint32_t account);
void user_event_forget_touched(struct user_events *events);

/* -1, 0, 1: left is before, is, is after right. */
int user_number_compare(struct user_number left, struct user_number right);

/* Behind all entries of the command, and before those of the next. */
struct user_number user_number_whole(uint64_t command);

/* "command-ordinal", both in decimal; returns the length. */
size_t user_number_put(struct user_number number, char text[USER_NUMBER_TEXT]);

/* False when the text is no such thing. */
MUST_CHECK bool user_number_read(const char *text, size_t text_bytes, struct user_number *number);

#endif /* GATEWAY_USER_EVENT_H */
