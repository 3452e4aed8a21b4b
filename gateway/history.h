/* Questions about the past, asked of PostgreSQL without ever waiting for it.
 *
 * history_pg.c keeps a few connections, sends each question as one prepared statement and calls back
 * when rows or a failure have come. Statements are made known to the server while nobody asks, and go by
 * generic plans. Rows and PostgreSQL's cursor are of one snapshot; recall.h joins them with what memory holds
 * above the cursor.
 *
 * Owner    one gateway loop
 * Memory   malloc, at history_new and per answer; rows are good until the callback returns
 * Limits   HISTORY_QUEUE_MAX questions wait; one more, or one that takes HISTORY_TIMEOUT_MS, is
 *          answered STATUS_DB_UNAVAILABLE
 */

#ifndef GATEWAY_HISTORY_H
#define GATEWAY_HISTORY_H

#include "common/interval.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_CONNECTIONS 4
#define HISTORY_QUEUE_MAX   256
#define HISTORY_TIMEOUT_MS  5000

enum history_kind {
    HISTORY_ORDERS,      /* an account's ended orders in a market, by order id */
    HISTORY_CLIENT,      /* its newest one with a client id */
    HISTORY_FILLS,       /* an account's fills in a market, by trade id */
    HISTORY_TRADES,      /* a market's fills, by trade id */
    HISTORY_AGGREGATES,  /* the same merged by aggregate id */
    HISTORY_CANDLES,     /* a market's candles of one interval, by opening time */
    HISTORY_LISTS,       /* an account's ended order lists, by their time, of one market or all */
    HISTORY_PREVENTED,   /* an account's prevented matches in a market, by id */
    HISTORY_AMENDMENTS,  /* what became of an account's order's quantity and name, by command */
    HISTORY_DEPOSITS,    /* an account's deposits, or all, by id */
    HISTORY_WITHDRAWALS, /* its withdrawals, or all, by id, of one state or any */
    HISTORY_LEDGER,      /* an account's ledger entries, by height, asset and kind */
    HISTORY_DEPOSIT_CHANGES,    /* what became of an account's deposit, by command */
    HISTORY_WITHDRAWAL_CHANGES, /* of its withdrawal */
    HISTORY_ADDRESS_CHANGES,    /* of its addresses */
    HISTORY_ZONE_CANDLES,       /* candles of a time zone, in its time, from those of UTC */
    HISTORY_ORDER_FILLS,        /* a statement's name only: HISTORY_FILLS of one order */
    HISTORY_KINDS
};

/* What the wallet API asks of an account's transfers; `limit` of the question is how far they are looked through. */
struct history_wallet {
    bool is_asked;
    bool has_asset, has_txid;
    uint16_t asset;
    int status;      /* the API's number, -1: any */
    uint32_t offset; /* of what fits, so many are passed over, */
    uint32_t limit;  /* and so many told */
    uint8_t txid[32];
};

/* HISTORY_ZONE_CANDLES: what is made of them. */
enum history_window { HISTORY_NO_WINDOW, HISTORY_WINDOW_FULL, HISTORY_WINDOW_MINI };

#define HISTORY_ANY_STATE UINT8_MAX
#define HISTORY_NO_PLACE  UINT64_MAX

/* Ranges are inclusive. `newest`: of what fits, the last `limit`; otherwise the first. */
struct history_query {
    enum history_kind kind;
    bool newest;
    bool single;     /* one order or list as an object, or that it does not exist */
    bool any_market; /* HISTORY_LISTS */
    uint16_t market;
    uint32_t account;
    uint32_t limit;
    enum interval interval;
    uint64_t id_min, id_max;
    uint64_t start_ns, end_ns;
    uint64_t
        order_id; /* HISTORY_FILLS, _PREVENTED: of this order only, unless 0; _AMENDMENTS: of this order */
    uint64_t subject; /* the deposit or withdrawal whose changes are asked for */
    uint64_t
        place; /* HISTORY_LEDGER: of id_min, or of id_max when newest, only what lies beyond this place
                        * (query_place); HISTORY_NO_PLACE: all */
    uint64_t certified; /* HISTORY_WITHDRAWALS: what is approved up to this height is released */
    int connector; /* _DEPOSITS, _WITHDRAWALS of all accounts: of the routes that name it; -1: all */
    uint8_t state; /* HISTORY_WITHDRAWALS: enum withdrawal_state, 0: released, HISTORY_ANY_STATE */
    int64_t zone_ns;              /* HISTORY_ZONE_CANDLES (zone.h): the zone's distance from UTC, */
    enum interval parts;          /* the interval that its candles are put together from, */
    uint64_t from_ns;             /* where the first one opens, */
    uint64_t span_ns;             /* how long `limit` of them are at most, */
    uint64_t cut_ns;              /* and from when on memory speaks */
    enum history_window window;   /* one ticker of all of them, not a list */
    struct history_wallet wallet; /* _DEPOSITS, _WITHDRAWALS */
    char client_id[40];
};

/* An answer. `cell` gives a value's text, NULL for SQL's null. */
struct history_rows {
    enum status status;
    uint64_t cursor;         /* PostgreSQL has every command up to this one */
    uint64_t cursor_time_ns; /* stamp of the block that ends with it */
    bool gone;               /* the question begins below what is kept */
    uint32_t row_count;
    const void *context;
    const char *(*cell)(const void *context, uint32_t row, uint32_t column);
};

struct history;
struct history_request;
struct uv_loop_s;

/* Called once for every question that was not forgotten. */
typedef void history_done(void *context, const struct history_rows *rows);

/* NULL when there is no memory. Connects in the background, for ever. */
MUST_CHECK struct history *history_new(struct uv_loop_s *loop, const char *conninfo);

/* Asks. NULL when the queue is full; `done` is not called then. It is never called from within. */
MUST_CHECK struct history_request *history_ask(struct history *history,
                                               const struct history_query *query,
                                               history_done *done, void *context);

/* Nobody waits any more: `done` will not be called, and a place in the queue is free again. */
void history_forget(struct history_request *request);

/* Whether a connection is up. */
bool history_is_up(const struct history *history);

/* Closes everything; calls no `done`. The loop must run once more before it is closed. */
void history_free(struct history *history);

#endif /* GATEWAY_HISTORY_H */
