/* The inside of the desk, for the files that make it up: desk.c, identify.c, submit.c, order_batch.c.
 *
 * Owner    the desk's thread
 */

#ifndef GATEWAY_DESK_STATE_H
#define GATEWAY_DESK_STATE_H

#include "gateway/desk.h"
#include "gateway/gateway.h"
#include "gateway/hall.h"
#include "gateway/quota.h"
#include "gateway/recall.h"

#define DESK_RANDOM_BYTES 4096

/* What of the waiting places one address may have, when limits are on. */
#define DESK_COMMANDS_SHARE (GATEWAY_WAITING_MAX / 4)
#define DESK_LOOKUPS_SHARE  64 /* of those that wait for PostgreSQL or for files */
#define DESK_LOOKUPS_MAX    1024

struct desk {
    const struct gateway_options *options;
    struct facts facts;
    struct auth *auth;
    struct recall *recall;
    struct history *history;
    struct readers *readers;
    struct hall *hall;      /* all loops' */
    struct quota *quota;    /* the hall's */
    struct waiter *waiters; /* submit.c: slots 1 .. GATEWAY_WAITING_MAX; 0 heads the list by age */
    uint32_t free_waiter;
    uint32_t waiting_count;
    uint32_t returning; /* the slot whose command's parts are coming; 0: none */
    uint64_t ticket_count;
    uint64_t now_ms;                                  /* of the last tick */
    struct desk_question *first_behind, *last_behind; /* who waits for the view: desk.c */
    struct desk_question *walked_behind; /* the next one that is looked at; NULL: nobody looks */
    bool has_committed;                  /* commands since the last flush */
    bool is_stopping;
    uint32_t random_used;
    uint8_t random[DESK_RANDOM_BYTES];
    struct form form;
    uint64_t form_found; /* which of its fields were looked up */
};

/* Answers one of the questions that another is made of: its weight is charged, and the view is as new as that one needs. */
void desk_take_item(struct desk_question *question);

/* Sends what the handler has written, or what its reading has taken; or the request's refusal. */
void desk_send_written(struct desk_question *question);
void desk_send_refusal(struct desk_question *question);

/* Refuses, since as many of its address wait as may. */
void desk_refuse_queued(struct desk_question *question);

#endif /* GATEWAY_DESK_STATE_H */
