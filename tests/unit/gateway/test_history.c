#include "gateway/history.h"

#include "tests/harness.h"

#include <uv.h>

/* Nobody listens there: every question is answered, none is lost, none answered twice. The road with a
 * real PostgreSQL is walked by tests/integration. */
#define NOWHERE "host=/nonexistent-quorex-test dbname=x connect_timeout=1"

static uv_loop_t loop;
static int answered;

static void on_answer(void *context, const struct history_rows *rows)
{
    assert_int_equal(rows->status, STATUS_DB_UNAVAILABLE);
    (*(int *)context)++;
    answered++;
}

/* Runs the loop until all are answered; bounded by the questions' own deadline. */
static void run_until(int count)
{
    const uint64_t begin = uv_hrtime();
    while (answered < count) {
        uv_run(&loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() - begin < (HISTORY_TIMEOUT_MS + 1000) * 1000000ull);
    }
}

static void end(struct history *history)
{
    history_free(history);
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

TEST(history, without_a_database_every_question_is_refused_once)
{
    int first = 0, second = 0;
    const struct history_query query = {.kind = HISTORY_TRADES, .limit = 1};
    answered = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct history *history = history_new(&loop, NOWHERE);
    assert_non_null(history);
    assert_non_null(history_ask(history, &query, on_answer, &first));
    assert_non_null(history_ask(history, &query, on_answer, &second));
    assert_int_equal(answered, 0); /* never from within */
    run_until(2);
    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    assert_false(history_is_up(history));
    end(history);
}

TEST(history, forgotten_question_is_not_answered)
{
    int forgotten = 0, kept = 0;
    const struct history_query query = {.kind = HISTORY_TRADES, .limit = 1};
    answered = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct history *history = history_new(&loop, NOWHERE);
    struct history_request *request = history_ask(history, &query, on_answer, &forgotten);
    assert_non_null(request);
    history_forget(request);
    assert_non_null(history_ask(history, &query, on_answer, &kept));
    run_until(1);
    assert_int_equal(forgotten, 0);
    assert_int_equal(kept, 1);
    end(history);
}

/* The queue has an end, and saying so is the answer. */
TEST(history, full_queue_refuses)
{
    static int counts[HISTORY_QUEUE_MAX];
    const struct history_query query = {.kind = HISTORY_TRADES, .limit = 1};
    answered = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct history *history = history_new(&loop, NOWHERE);
    for (int index = 0; index < HISTORY_QUEUE_MAX; index++)
        assert_non_null(history_ask(history, &query, on_answer, &counts[index]));
    assert_null(history_ask(history, &query, on_answer, &counts[0]));
    run_until(HISTORY_QUEUE_MAX);
    for (int index = 0; index < HISTORY_QUEUE_MAX; index++)
        assert_int_equal(counts[index], 1);
    end(history);
}
