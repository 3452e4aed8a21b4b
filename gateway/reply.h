/* What a client reads after a command: its answer, built from the command's events as they come.
 *
 * reply_begin, reply_event for each event after the view has taken it, then reply_finish. A command's
 * events may begin with those of switches that fired before it, and may hold the fills and ends of
 * orders that others placed: an answer tells only of the orders that the command is about.
 */

#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "gateway/reply_order.h"

enum reply_kind {
    REPLY_ORDER,
    REPLY_CANCEL,
    REPLY_CANCEL_ALL,
    REPLY_AMEND,
    REPLY_REPLACE,
    REPLY_LIST,
    REPLY_LIST_CANCEL,
    REPLY_SWITCH,
    REPLY_ADMIN,
    REPLY_CUSTODY,
    REPLY_APPLY, /* the withdrawal's id, as the wallet API tells it */
    REPLY_KEY,
    REPLY_OPENING
};

/* An order that the command has placed. */
struct reply_placement {
    struct view_order order;
    struct writer fills;
    bool done; /* `order` is its last state */
};

/* So many fills of an order that is asked for again are looked for. */
#define REPLY_REPEATED_FILLS_MAX 1000
#define REPLY_REPEATED_SEEN_MAX  4096 /* the account's newest, among which they are looked for */

struct reply {
    enum reply_kind kind;
    enum response_type response; /* of what is placed */
    int http_status;             /* 200, or what a half-done replace has */
    enum reject reject;          /* REJECT_NONE unless the command was refused */
    bool is_void;                /* NOOP: the outcome is for another try to find out */
    bool is_stale;     /* NOOP for its place in its origin's stream: its node sends it again */
    bool canceling;    /* the command's own cancels have begun */
    bool has_canceled; /* `canceled` is the order of no list that was canceled */
    bool has_list;     /* `list` is the one that was placed or canceled */
    bool has_replaced, has_amended, has_armed;
    uint32_t account;
    uint32_t element_count; /* of REPLY_CANCEL_ALL */
    uint32_t created;   /* account, asset or market that an operator's command made, or credited */
    uint16_t connector; /* that an operator's command added */
    uint16_t market;
    uint32_t placement_count;
    uint64_t stamp_ns;
    uint64_t repeated_ns; /* when an order was placed that was now asked for again; 0: it was not */
    uint64_t command;
    uint64_t list_id;          /* of the list that was placed */
    uint64_t effective_height; /* from which block on a changed node set counts */
    uint64_t effective_ns;     /* from when on a changed fee counts */
    const char *result;        /* REPLY_ADMIN: what happened, from the event */
    struct reply_placement placements[LIST_ORDERS_MAX];
    struct view_order canceled;
    struct view_order amended;
    struct view_list list;
    uint16_t custody; /* type of the event that is kept below; 0: none came */
    struct deposit_changed_event deposit;
    struct withdrawal_moved_event withdrawal;
    struct address_changed_event address;
    struct order_replaced_event replaced;
    struct switch_armed_event armed;
    struct switch_set_command asked_switch;
    struct writer elements; /* of REPLY_CANCEL_ALL */
    struct writer reports;  /* orderReports of the list that is ending */
    struct writer empty;
    uint16_t key_change; /* type of the event about a key; 0: none came */
    uint8_t key_id[32];  /* which one */
    char key_secret[65]; /* of one that was made and has one: filled in by who may tell it */
    uint8_t owner[PUBLIC_KEY_BYTES]; /* of the account that is asked for */
    uint8_t cancel_id[36];
    uint8_t former_client_id[36];
    uint8_t withdrawal_id[36]; /* what the account calls the withdrawal that it asks for */
};

/* `intent` is the command's; `own_id` (36 bytes) names a cancel that has no id. `empty` is a growing
 * writer of the request that nothing was written to. */
void reply_begin(struct reply *reply, enum reply_kind kind, enum response_type response,
                 const struct intent *intent, const uint8_t own_id[36], struct writer empty);
void reply_event(struct reply *reply, const struct printing *printing,
                 const struct applied *applied, const struct event *event);

/* Writes the answer; reply->http_status is its status. A withdrawal that was asked for before is refused with an answer: the
 * one that there is. False with `refusal` filled when it is one. */
MUST_CHECK bool reply_finish(struct reply *reply, const struct printing *printing,
                             struct writer *json, struct refusal *refusal);

/* How many orders the command has placed. */
uint32_t reply_placed_count(const struct reply *reply);

/* {"code":...,"msg":...} */
void reply_refusal(struct writer *json, const struct refusal *refusal);

/* The same, with `serverTime` where a time was refused: what the client's clock is to be set by. `nested`: within
 * "data", as the WebSocket API has what is beside code and text. */
void reply_refusal_at(struct writer *json, const struct refusal *refusal, uint64_t server_time,
                      bool nested);

#endif /* GATEWAY_REPLY_H */
