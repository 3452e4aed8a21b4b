#include "node/gateways.h"

#include "gateway/view.h"
#include "tests/harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define LOOPS          3
#define LOOP_READERS   2
#define PATIENCE_S     20
#define NEEDED_AT_ONCE (LOOPS * LOOP_READERS + 1) /* and a name that is looked up */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_there = PTHREAD_COND_INITIALIZER;
static uint32_t there, met;

/* Keeps its thread until all are there at the same time. */
static void wait_for_all(uv_work_t *work)
{
    struct timespec deadline;
    (void)work;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&mutex);
    if (++there == NEEDED_AT_ONCE) pthread_cond_broadcast(&all_there);
    while (there < NEEDED_AT_ONCE && pthread_cond_timedwait(&all_there, &mutex, &deadline) == 0)
        continue;
    met += there == NEEDED_AT_ONCE; /* one that had no thread comes when the first has given up */
    pthread_mutex_unlock(&mutex);
}

static void note_end(uv_work_t *work, int status)
{
    (void)work;
    assert_int_equal(status, 0);
}

/* However many readers wait for their disks, no loop waits for another's, nor consensus for any. What the operator has said
 * stays. */
TEST(gateways, no_reader_waits_for_another_loops)
{
    static uv_work_t works[NEEDED_AT_ONCE];
    const struct config config = {.gateway_loops = LOOPS};
    uv_loop_t loop;
    assert_int_equal(setenv("UV_THREADPOOL_SIZE", "5", true), 0);
    gateways_prepare(&config);
    assert_string_equal(getenv("UV_THREADPOOL_SIZE"), "5");
    assert_int_equal(unsetenv("UV_THREADPOOL_SIZE"), 0);
    gateways_prepare(&config);
    assert_int_equal(uv_loop_init(&loop), 0);
    for (uint32_t i = 0; i < NEEDED_AT_ONCE; i++)
        assert_int_equal(uv_queue_work(&loop, &works[i], wait_for_all, note_end), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    pthread_mutex_lock(&mutex);
    assert_int_equal(met, NEEDED_AT_ONCE);
    pthread_mutex_unlock(&mutex);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* The memory that a node wants at its start grows with its loops: each has all views to itself. */
TEST(gateways, each_loop_counts_in_the_memory_of_the_node)
{
    static struct genesis genesis;
    struct config config = {.gateway_loops = 1};
    genesis.params = (struct params){
        .accounts_max = 1000, .keys_max = 1000, .orders_max = 100000, .levels_max = 1000};
    const size_t one = gateways_view_bytes(&config, &genesis);
    assert_true(one > view_bytes(&genesis));
    config.gateway_loops = 8;
    assert_int_equal(gateways_view_bytes(&config, &genesis), 8 * one);
    genesis.params.orders_max *= 2;
    assert_true(gateways_view_bytes(&config, &genesis) > 8 * one);
}
