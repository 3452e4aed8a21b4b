/* One request on its way through the gateway, and what a handler may know when it answers it.
 *
 * A handler reads parameters, and says how the request goes on: with the JSON it has written, with a
 * refusal, with a command for the log, with a question about the past, or with one to files.
 */

#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include "common/genesis.h"
#include "common/metrics.h"
#include "common/progress.h"
#include "gateway/auth.h"
#include "gateway/block_list.h"
#include "gateway/chain_source.h"
#include "gateway/history.h"
#include "gateway/market_view.h"
#include "gateway/proof_source.h"
#include "gateway/reading.h"
#include "gateway/reply.h"

enum method {
    METHOD_GET,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OTHER,
};

enum security {
    SECURITY_NONE,
    SECURITY_USER_DATA,
    SECURITY_USER_STREAM, /* a key that may read, by its name alone: nothing is signed */
    SECURITY_TRADE,
    SECURITY_WITHDRAW, /* a key that may withdraw */
    SECURITY_OWNER,    /* the account's own key, by its public key: no API key will do */
    SECURITY_OPENER, /* who has no account yet: the key that is to have one, which the text names */
    SECURITY_OPERATOR,
    SECURITY_CONNECTOR, /* an operator, or a connector that was added */
    SECURITY_READER,    /* members and granted auditors: grant.h */
    SECURITY_BATCH, /* as TRADE, by an HMAC key: the body is lines, not a form (order_batch.h) */
    SECURITY_ITEMS, /* likewise, each line signed for itself */
};

enum outcome {
    OUTCOME_ANSWERED,
    OUTCOME_REFUSED,
    OUTCOME_COMMAND,
    OUTCOME_HISTORY,
    OUTCOME_READING,
    OUTCOME_ITEMS, /* the body's lines are asked for one by one */
};

struct hall;
struct quota;
struct route;
struct user_stream;

/* What a handler may know: all of it belongs to the loop, but for the quota, the listen keys and the hall, which lock. */
struct facts {
    const struct genesis *genesis;
    const struct params *params; /* moved forward by events */
    struct view *view;
    struct market_views *markets;
    const struct block_list *blocks;
    const struct chain_source *chain;  /* NULL: only what `blocks` has */
    const struct proof_source *proofs; /* NULL: none are given */
    const char *genesis_text;          /* NULL: not served */
    size_t genesis_text_bytes;
    hash_t chain_id;
    const struct metrics *metrics;
    const struct progress *progress;
    _Atomic uint64_t
        *reconcile_wanted;     /* the one field of it that handlers change; NULL: none asks here */
    struct quota *quota;       /* NULL: nobody counts */
    struct user_stream *users; /* its listen keys */
    struct hall *hall; /* orders on their way to the log, what other loops count; NULL: none */
    uint32_t node;
    bool history_is_up;
    bool limits_on; /* counted limits refuse */
};

struct request {
    enum method method;
    const char *path; /* without the query */
    size_t path_bytes;
    struct auth_piece path_value; /* where the route's path has a name in braces */
    const char *query;
    size_t query_bytes;
    const char *body;
    size_t body_bytes;
    const struct route *route;
    struct form *form; /* the loop's; good until the handler returns */
    struct writer json;
    struct refusal refusal;
    uint64_t address;      /* the peer: address.h */
    uint8_t ip[IP_BYTES];  /* the peer's own address, for whom a key's list of them names */
    uint64_t now_ns;       /* wall clock when it came */
    uint64_t time_unit_ns; /* of times in the answer */
    uint64_t deadline_ns;
    uint32_t weight;
    uint32_t retry_after_s; /* of a refusal that says so; 0: it does not */
    uint32_t account;       /* signed requests: whose; 0 otherwise */
    uint32_t order_count;   /* that its command places */
    uint32_t key_index;     /* of its key in the view, when it came by one */
    uint16_t permissions;   /* of its key: enum key_permission */
    int http_status;
    const char *content_type; /* NULL: JSON */
    struct auth_payload payload;
    struct auth_proof proof;
    struct intent intent; /* OUTCOME_COMMAND */
    enum reply_kind reply_kind;
    enum response_type response;
    uint8_t client_id[36];        /* a random one, for what has none */
    struct history_query history; /* OUTCOME_HISTORY */
    struct reading
        reading; /* OUTCOME_READING; when it is there, with its answer, the request goes on: */
    enum outcome (*resume)(struct request *request, const struct facts *facts); /* without a form */
    bool sends_taken; /* the answer is what the reading has taken, not `json` */
};

/* Whether commands may be taken: not while no header can be certified, nor above the parameters' bound of
 * blocks without a certificate. An election is no reason: what comes waits for the new leader. */
bool request_admits(const struct facts *facts);

/* The node set that counts for the next block. */
void request_members(const struct facts *facts, struct node_set *set);

/* Numbers as the request wants them printed. */
struct printing request_printing(const struct request *request, const struct facts *facts);

/* Returns OUTCOME_READING, for `return request_read(...)`. */
enum outcome request_read(struct request *request, const struct reading *reading,
                          enum outcome (*resume)(struct request *request,
                                                 const struct facts *facts));

/* Returns OUTCOME_REFUSED, for `return request_refuse(...)`. */
enum outcome request_refuse(struct request *request, enum reject reject, const char *first,
                            const char *second);

/* The mandatory `symbol`. */
MUST_CHECK bool request_market(struct request *request, const struct facts *facts,
                               uint16_t *market);

/* `symbol`, or `symbols` (a JSON array), or neither: then all. Fills `markets`, which has room for
 * PARAMS_MARKETS_LIMIT; `single` says that the answer is an object. */
MUST_CHECK bool request_markets(struct request *request, const struct facts *facts,
                                uint16_t *markets, uint32_t *count, bool *single);

/* Whether every parameter was looked up: on paths of /api/v3 and /quorex/v1, where one that says nothing is refused. A handler
 * that does something itself asks before that; for the others the desk does when they have read. What ccxt says of a new order
 * in its own words and in the API's is read by the latter, if both say the same. */
MUST_CHECK bool request_is_read(struct request *request, const struct facts *facts);

/* An optional whole number; `value` keeps what it has when it was not sent. */
MUST_CHECK bool request_u64(struct request *request, const char *name, uint64_t *value,
                            bool *is_sent);

/* The number in the path. */
MUST_CHECK bool request_path_u64(struct request *request, const char *name, uint64_t *value);

/* `limit`: 1 to `limit_max`; larger ones are cut, 0 is refused. */
MUST_CHECK bool request_limit(struct request *request, uint32_t limit_default, uint32_t limit_max,
                              uint32_t *limit);

/* startTime and endTime (ms or us) as the whole range when not sent. */
MUST_CHECK bool request_range(struct request *request, uint64_t *start_ns, bool *has_start,
                              uint64_t *end_ns, bool *has_end);

/* "balances": what the account has of every asset; `omit_zero`: of those of which it has any. */
void request_put_balances(struct request *request, const struct facts *facts, bool omit_zero);

#endif /* GATEWAY_REQUEST_H */
