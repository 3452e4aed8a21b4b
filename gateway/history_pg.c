#include "gateway/history.h"

#include "gateway/query.h"
#include "gateway/query_read.h"

#include "common/log.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define TICK_MS        100
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

/*        connect            established          question           statement known
 *  DOWN ─────────► CONNECTING ─────────► IDLE ─────────► PREPARING ─────────► RUNNING ──► IDLE
 *    ▲                 │                 │ ▲  nothing to do  │                   │
 *    │                 │                 │ └─────────────────┤ (statement known) │
 *    └─────────────────┴─────────────────┴───────────────────┴───────────────────┘  any failure
 */
enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_IDLE, LINK_PREPARING, LINK_RUNNING };

struct link {
    struct history *history;
    PGconn *pg;
    uv_poll_t *poll; /* freed by its close callback */
    enum link_state state;
    uint64_t prepared;  /* bit a statement */
    uint32_t statement; /* that is PREPARING */
    uint64_t prepare_by_ms;
    bool waits_to_ask; /* nothing is prepared ahead: one was refused */
    struct history_request *request;
    PGresult *result; /* the last one of the running statement */
    uint64_t retry_at_ms;
    uint32_t backoff_ms;
    bool complained;
};

struct history_request {
    struct history *history;
    struct history_request *next; /* in the queue */
    struct link *link;            /* that runs it; NULL in the queue */
    history_done *done;           /* NULL: forgotten */
    void *context;
    uint64_t deadline_ms;
    struct history_query query;
};

struct history {
    uv_loop_t *loop;
    uv_timer_t *timer;
    char *conninfo;
    struct history_request *first, *last;
    uint32_t queued;
    bool closing;
    struct link links[HISTORY_CONNECTIONS];
};

static_assert(QUERY_STATEMENTS <= 64, "link.prepared has a bit a statement");

static void link_step(struct link *link);
static void dispatch(struct history *history);

/* ---- answers ---- */

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    const PGresult *result = context;
    if (PQgetisnull(result, (int)row, (int)column)) return NULL;
    return PQgetvalue(result, (int)row, (int)column);
}

static void finish(struct history_request *request, enum status status, const PGresult *result)
{
    struct history_rows rows = {.status = status, .context = result, .cell = cell_of};
    if (request->link != NULL) request->link->request = NULL;
    if (status == STATUS_OK) {
        rows.row_count = (uint32_t)PQntuples(result);
        if (!query_read_cursor(&rows)) rows.status = STATUS_DB_REFUSED;
    }
    if (request->done != NULL) request->done(request->context, &rows);
    free(request);
}

/* ---- connections ---- */

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void drop_poll(struct link *link)
{
    if (link->poll == NULL) return;
    uv_poll_stop(link->poll);
    uv_close((uv_handle_t *)link->poll, free_poll);
    link->poll = NULL;
}

/* Ends the connection; what it was asked is answered, and the next try comes after a while. */
static void link_fail(struct link *link, const char *what)
{
    struct history_request *request = link->request;
    if (!link->complained && !link->history->closing) {
        char reason[200] = "";
        if (link->pg != NULL) strncpy(reason, PQerrorMessage(link->pg), sizeof(reason) - 1);
        reason[strcspn(reason, "\n")] = 0;
        log_warn("gateway", what, "reason=\"%s\"", reason);
        link->complained = true;
    }
    drop_poll(link);
    PQclear(link->result);
    link->result = NULL;
    if (link->pg != NULL) PQfinish(link->pg);
    link->pg = NULL;
    link->prepared = 0;
    link->waits_to_ask = false;
    link->state = LINK_DOWN;
    link->retry_at_ms = uv_now(link->history->loop) + link->backoff_ms;
    link->backoff_ms =
        link->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : link->backoff_ms * 2;
    if (request != NULL) finish(request, STATUS_DB_UNAVAILABLE, NULL);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct link *link = poll->data;
    (void)events;
    if (status < 0)
        link_fail(link, "history connection failed");
    else
        link_step(link);
    dispatch(link->history);
}

/* Watches the connection's socket, which may change while it is being established. */
static bool watch(struct link *link, int events)
{
    const int socket = PQsocket(link->pg);
    uv_os_fd_t watched;
    if (socket < 0) return false;
    if (link->poll != NULL &&
        (uv_fileno((const uv_handle_t *)link->poll, &watched) != 0 || watched != socket))
        drop_poll(link);
    if (link->poll == NULL) {
        uv_poll_t *poll = calloc(1, sizeof(*poll));
        if (poll == NULL) return false;
        if (uv_poll_init(link->history->loop, poll, socket) != 0) {
            free(poll);
            return false;
        }
        poll->data = link;
        link->poll = poll;
    }
    return uv_poll_start(link->poll, events, on_poll) == 0;
}

static void link_connect(struct link *link)
{
    /* Read-only, and no statement outlives its question by much. Every question has an index: a run of five hundred ids
     * whose ends are not known yet seems to the planner to be a ninth of the table, which it would read from end to end.
     * Generic plans alone, for the same reason: from a question's own values the planner guesses how many rows there are, and it
     * reads and sorts all of an account's orders where five hundred are asked for. By itself it tries that five times a
     * statement and connection, before it compares. */
    static const char *const names[] = {"dbname", "application_name", "options", NULL};
    const char *const values[] = {
        link->history->conninfo, "quorex gateway",
        "-c default_transaction_read_only=on -c statement_timeout=5000 -c jit=off"
        " -c enable_seqscan=off -c plan_cache_mode=force_generic_plan",
        NULL};
    link->pg = PQconnectStartParams(names, values, 1);
    link->state = LINK_CONNECTING;
    if (link->pg == NULL || PQstatus(link->pg) == CONNECTION_BAD ||
        PQsetnonblocking(link->pg, 1) != 0 || !watch(link, UV_WRITABLE))
        link_fail(link, "history connection refused");
}

static void step_connecting(struct link *link)
{
    switch (PQconnectPoll(link->pg)) {
    case PGRES_POLLING_READING:
        if (!watch(link, UV_READABLE)) link_fail(link, "history connection failed");
        break;
    case PGRES_POLLING_WRITING:
        if (!watch(link, UV_WRITABLE)) link_fail(link, "history connection failed");
        break;
    case PGRES_POLLING_OK:
        link->state = LINK_IDLE;
        link->backoff_ms = BACKOFF_MIN_MS;
        if (link->complained) log_info("gateway", "history connected again", " ");
        link->complained = false;
        PQsetnonblocking(link->pg, 1);
        if (!watch(link, UV_READABLE)) link_fail(link, "history connection failed");
        break;
    default:
        link_fail(link, "history connection refused");
        break;
    }
}

/* ---- statements ---- */

/* Watches for what libpq needs next: it may still have bytes to write. */
static void watch_exchange(struct link *link)
{
    const int left = PQflush(link->pg);
    if (left < 0 || !watch(link, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE))
        link_fail(link, "history statement failed");
}

static void end_sending(struct link *link, int sent)
{
    if (sent != 1)
        link_fail(link, "history statement failed");
    else
        watch_exchange(link);
}

static void prepare(struct link *link, uint32_t statement)
{
    char name[8];
    query_statement_name(statement, name);
    link->state = LINK_PREPARING;
    link->statement = statement;
    link->prepare_by_ms = uv_now(link->history->loop) + HISTORY_TIMEOUT_MS;
    end_sending(link, PQsendPrepare(link->pg, name, query_sql(statement), 0, NULL));
}

static bool is_prepared(const struct link *link, uint32_t statement)
{
    return (link->prepared & (uint64_t)1 << statement) != 0;
}

static void send_statement(struct link *link)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    const uint32_t statement = query_statement(&link->request->query);
    char name[8];
    if (!is_prepared(link, statement)) {
        prepare(link, statement);
        return;
    }
    query_statement_name(statement, name);
    query_parameters_of(&link->request->query, &parameters);
    for (int index = 0; index < parameters.count; index++)
        values[index] = parameters.texts[index];
    link->state = LINK_RUNNING;
    end_sending(link, PQsendQueryPrepared(link->pg, name, parameters.count, values, NULL, NULL, 0));
}

/* Nobody asks: what may be asked is made known, one statement after the other, so that no question waits for the server to
 * read the tables' descriptions. One that is refused (no schema yet) waits
 * until something is asked and is not refused. */
static void prepare_ahead(struct link *link)
{
    for (uint32_t statement = 0; statement < QUERY_STATEMENTS && !link->waits_to_ask; statement++) {
        if (is_prepared(link, statement)) continue;
        prepare(link, statement);
        return;
    }
}

static void prepared(struct link *link, bool good)
{
    PQclear(link->result);
    link->result = NULL;
    link->state = LINK_IDLE;
    if (good) link->prepared |= (uint64_t)1 << link->statement;
    link->waits_to_ask = !good;
    if (link->request != NULL) send_statement(link);
}

static void statement_ended(struct link *link)
{
    const bool prepares = link->state == LINK_PREPARING;
    const bool good =
        PQresultStatus(link->result) == (prepares ? PGRES_COMMAND_OK : PGRES_TUPLES_OK);
    if (prepares && (good || link->request == NULL)) {
        prepared(link, good);
        return;
    }
    if (!good) {
        /* A refused statement (no schema yet, or made anew under us) makes every prepared one suspect:
         * start over with a new connection. */
        link_fail(link, "history statement refused");
        return;
    }
    PGresult *result = link->result;
    link->result = NULL;
    link->state = LINK_IDLE;
    finish(link->request, STATUS_OK, result);
    PQclear(result);
}

static void step_exchange(struct link *link)
{
    if (PQconsumeInput(link->pg) != 1) {
        link_fail(link, "history connection lost");
        return;
    }
    if (link->state == LINK_IDLE) return;
    while (!PQisBusy(link->pg)) {
        PGresult *result = PQgetResult(link->pg);
        if (result == NULL) {
            statement_ended(link);
            return;
        }
        PQclear(link->result);
        link->result = result;
    }
    watch_exchange(link);
}

static void link_step(struct link *link)
{
    if (link->state == LINK_CONNECTING)
        step_connecting(link);
    else if (link->state != LINK_DOWN)
        step_exchange(link);
}

/* ---- the queue ---- */

static struct history_request *queue_take(struct history *history)
{
    struct history_request *request = history->first;
    if (request == NULL) return NULL;
    history->first = request->next;
    if (history->first == NULL) history->last = NULL;
    history->queued--;
    return request;
}

/* Whether it was waiting there. */
static bool queue_remove(struct history *history, const struct history_request *request)
{
    struct history_request **at = &history->first, *before = NULL;
    while (*at != NULL && *at != request) {
        before = *at;
        at = &before->next;
    }
    if (*at == NULL) return false;
    *at = request->next;
    if (history->last == request) history->last = before;
    history->queued--;
    return true;
}

static void dispatch(struct history *history)
{
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS && history->first != NULL; index++) {
        struct link *link = &history->links[index];
        if (link->state != LINK_IDLE) continue;
        link->request = queue_take(history);
        link->request->link = link;
        send_statement(link);
    }
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS && history->first == NULL; index++)
        if (history->links[index].state == LINK_IDLE) prepare_ahead(&history->links[index]);
}

static bool is_up(const struct history *history)
{
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS; index++) {
        if (history->links[index].state >= LINK_IDLE) return true;
    }
    return false;
}

/* Connects what is due, and answers what has waited too long; without any connection nothing waits. */
static void on_tick(uv_timer_t *timer)
{
    struct history *history = timer->data;
    const uint64_t now_ms = uv_now(history->loop);
    bool connecting = false;
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS; index++) {
        struct link *link = &history->links[index];
        if (link->state == LINK_DOWN && now_ms >= link->retry_at_ms) link_connect(link);
        if ((link->request != NULL && now_ms >= link->request->deadline_ms) ||
            (link->state == LINK_PREPARING && now_ms >= link->prepare_by_ms))
            link_fail(link, "history statement took too long");
        connecting |= link->state == LINK_CONNECTING;
    }
    dispatch(history);
    while (history->first != NULL &&
           (now_ms >= history->first->deadline_ms || (!connecting && !is_up(history))))
        finish(queue_take(history), STATUS_DB_UNAVAILABLE, NULL);
}

struct history *history_new(struct uv_loop_s *loop, const char *conninfo)
{
    struct history *history = calloc(1, sizeof(*history));
    uv_timer_t *timer = calloc(1, sizeof(*timer));
    char *copy = strdup(conninfo);
    if (history == NULL || timer == NULL || copy == NULL || uv_timer_init(loop, timer) != 0) {
        free(history);
        free(timer);
        free(copy);
        return NULL;
    }
    history->loop = loop;
    history->timer = timer;
    history->conninfo = copy;
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS; index++)
        history->links[index] = (struct link){
            .history = history, .backoff_ms = BACKOFF_MIN_MS, .complained = index > 0};
    timer->data = history;
    uv_timer_start(timer, on_tick, 0, TICK_MS);
    return history;
}

struct history_request *history_ask(struct history *history, const struct history_query *query,
                                    history_done *done, void *context)
{
    if (history->queued >= HISTORY_QUEUE_MAX) return NULL;
    struct history_request *request = calloc(1, sizeof(*request));
    if (request == NULL) return NULL;
    *request = (struct history_request){
        .history = history,
        .done = done,
        .context = context,
        .deadline_ms = uv_now(history->loop) + HISTORY_TIMEOUT_MS,
        .query = *query,
    };
    if (history->last == NULL)
        history->first = request;
    else
        history->last->next = request;
    history->last = request;
    history->queued++;
    /* Sent from the timer or a socket, so that `done` cannot come before this returns; when a
     * connection is idle, at once: only sending happens here. */
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS; index++) {
        struct link *link = &history->links[index];
        if (link->state != LINK_IDLE || history->first != request) continue;
        link->request = queue_take(history);
        request->link = link;
        history_done *kept = request->done;
        request->done = NULL;
        send_statement(link);
        if (link->request != request) return NULL; /* it failed at once, and is freed */
        request->done = kept;
        break;
    }
    return request;
}

void history_forget(struct history_request *request)
{
    request->done = NULL; /* its answer goes to nobody; what was not sent is not asked */
    if (queue_remove(request->history, request)) free(request);
}

bool history_is_up(const struct history *history)
{
    return is_up(history);
}

void history_free(struct history *history)
{
    if (history == NULL) return;
    history->closing = true;
    for (uint32_t index = 0; index < HISTORY_CONNECTIONS; index++) {
        struct link *link = &history->links[index];
        if (link->request != NULL) link->request->done = NULL;
        link_fail(link, "");
    }
    struct history_request *request;
    while ((request = queue_take(history)) != NULL)
        free(request);
    uv_timer_stop(history->timer);
    uv_close((uv_handle_t *)history->timer, free_poll);
    free(history->conninfo);
    free(history);
}
