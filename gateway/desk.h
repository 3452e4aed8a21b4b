/* The desk: what is asked of an exchange, answered at once or later, whoever carries the question.
 *
 *     transport ─► desk_admits ─► desk_take ─► identify ─► handler ─┬─► answered
 *                                                                   ├─► submit ─► the log ─► answered
 *                                                                   └─► history, files ─► answered
 *
 * A transport (HTTP, the WebSocket API) embeds struct desk_question in what it keeps of a request, says what is asked,
 * and hears the answer by desk_asker.answered: from within desk_take, or when the log, PostgreSQL or a file has spoken.
 *
 * Owner    one thread: every call, and every call back
 * Memory   the desk is in its arena. A question is its transport's, zeroed, and stays until desk_forget; the texts it
 *          points to likewise. What answers are written into is desk_asker.grow's
 * Limits   GATEWAY_WAITING_MAX questions wait for the log, DESK_WAIT_MS each, a quarter of them of one address; of
 *          those that wait for PostgreSQL or files 64 are of one address; an answer is at most DESK_ANSWER_MAX. Beyond
 *          any the answer is a refusal. Per address: quota.h
 * Cost     nothing is copied: the answer's bytes are sent from where they were written
 */

#ifndef GATEWAY_DESK_H
#define GATEWAY_DESK_H

#include "gateway/request.h"

#define DESK_ANSWER_MAX (16 * 1024 * 1024)
#define DESK_WAIT_MS    10000 /* for a command's events */

struct desk;
struct desk_question;
struct gateway_options;
struct hall;
struct history;
struct order_batch;
struct readers;
struct waiter;

/* What a client may say beside its parameters: HTTP's headers. */
enum desk_header {
    DESK_API_KEY,
    DESK_TIME_UNIT,
    DESK_OPERATOR,
    DESK_READER_KEY,
    DESK_READER_TIME,
    DESK_READER_SIGNATURE,
    DESK_READER_GRANT,
    DESK_HEADERS
};

struct desk_answer {
    int http_status;
    const char *content_type;
    const char *bytes; /* good until the question's memory goes */
    size_t byte_count;
    uint32_t used_weight;   /* of this minute, by the question's address */
    uint32_t retry_after_s; /* 0: at once */
    bool counts_orders;     /* it placed some: */
    uint32_t orders_ten_seconds, orders_day;
    bool ends_connection; /* what comes behind the question cannot be trusted, or is not wanted */
};

/* A transport's functions. */
struct desk_asker {
    /* Once for each question that was not forgotten: its answer is there. It may be forgotten from within. */
    void (*answered)(struct desk_question *question);
    /* Whether somebody still listens. Asked of questions that wait for a reader of files. */
    bool (*is_heard)(const struct desk_question *question);
    /* As writer.grow; `question` is the question. */
    char *(*grow)(void *question, const char *bytes, size_t used, size_t capacity);
    bool nests_details; /* what a refusal says beside code and text goes into its "data" */
};

/* One request between its arrival and its answer. The transport fills in: asker, headers, target, and of `request` the
 * address, method, path, query, body, route, now_ns. */
struct desk_question {
    const struct desk_asker *asker;
    struct auth_piece headers[DESK_HEADERS]; /* as sent; NULL where there was none */
    struct auth_piece target;                /* path and query as they were sent */
    const struct auth_payload *payload;      /* what was signed; NULL: query and body as they are */
    const struct auth_payload *encoded; /* or this, the same as URLs have it; NULL: there is none */
    const struct request *principal;    /* who asks is who asked that one; NULL: who signed */
    bool
        by_session; /* nothing is signed: the key is a session's, and may ask, but command nothing */
    struct request request;
    struct desk_answer answer;
    struct desk *desk;
    struct reply reply;
    struct history_request *asked;
    struct readers_question *reading;                    /* what it wants to know from files */
    struct order_batch *items;                           /* the questions of which it is made */
    struct desk_question *next_behind, *previous_behind; /* waits for the view */
    uint64_t needs_command;
    uint32_t slot; /* in the table of who waits for a command */
    bool is_behind;
};

struct desk_options {
    const struct gateway_options *gateway;
    struct view *view;
    struct market_views *markets;
    const struct block_list *blocks;
    struct user_stream *users; /* NULL: there are no listen keys to be had */
    struct history *history;   /* NULL: history is what memory holds */
    struct readers *readers;   /* NULL: files are read by the desk's own thread */
    uint64_t now_ms;
};

/* Bytes of arena. */
size_t desk_arena_bytes(const struct genesis *genesis);

/* NULL when the arena or OpenSSL cannot. Needs: options.gateway->hall. */
MUST_CHECK struct desk *desk_new(struct arena *arena, const struct desk_options *options);
void desk_free(struct desk *desk);

/* What the desk has in common with those of the node's other loops. */
struct hall *desk_hall(const struct desk *desk);

/* Before anything else is done with a question that the transport has filled in. */
void desk_begin(struct desk *desk, struct desk_question *question);

/* Answers the question, now or later. Needs: its route. */
void desk_take(struct desk_question *question);

/* What a transport does first, before it reads more of a question than whose it is: counts a request. False, and
 * answered, when the address is banned or has sent as many as it may. */
MUST_CHECK bool desk_admits(struct desk_question *question);

/* For a question that has no route: adds `weight` to the address' minute; false, and answered, when that is over the
 * limit. */
MUST_CHECK bool desk_charge(struct desk_question *question, uint32_t weight);

/* The same for a WebSocket handshake, which is counted too. */
MUST_CHECK bool desk_connects(struct desk_question *question, uint32_t weight);

/* For what comes on a connection that is open, before it is read: whether the address is banned, with what to say. */
MUST_CHECK bool desk_is_banned(struct desk *desk, uint64_t address, uint64_t now_ns,
                               struct refusal *refusal);

/* Answers with these bytes, which stay as long as the question; or with a refusal. */
void desk_send(struct desk_question *question, int http_status, const char *content_type,
               const char *bytes, size_t byte_count);
void desk_refuse(struct desk_question *question, enum reject reject);
void desk_refuse_for(struct desk_question *question, const struct refusal *refusal);

/* The same for questions after which a connection cannot be trusted. */
void desk_refuse_and_end(struct desk_question *question, enum reject reject);

/* Nobody waits any more: lets go of all that the question has. Once, answered or not. */
void desk_forget(struct desk_question *question);

/* For a command that has come back: who waits for it, or NULL. Then its events, then its end: the answer, unless it was
 * nothing for its place in our stream. Then our node has it still, under this or another number, and who waits goes on
 * waiting for that. */
struct waiter *desk_waiter(struct desk *desk, const struct command_header *header);
void desk_event(struct waiter *waiter, const struct applied *applied, const struct event *event);
void desk_finish(struct desk *desk, struct waiter *waiter, const struct applied *applied);

/* The view has moved: questions that waited for it go on, and no other loop answers from an older one. Before anything of
 * it leaves. */
void desk_moved(struct desk *desk);

/* Hands the round's commands to the log: one publish, at most one wake. Returns whether there were any. */
bool desk_flush(struct desk *desk);

/* Answers what has waited too long. About ten times a second. */
void desk_tick(struct desk *desk, uint64_t now_ms);

/* Takes no more commands. */
void desk_stop(struct desk *desk);

/* History and readers are about to go: nothing is asked of them any more. */
void desk_cut(struct desk *desk);

/* Answers everybody who still waits that the outcome is unknown. */
void desk_abandon(struct desk *desk);

/* Whether somebody waits for the outcome of a command. */
bool desk_waits(const struct desk *desk);

#endif /* GATEWAY_DESK_H */
