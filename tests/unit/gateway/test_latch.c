#include "gateway/latch.h"

#include "tests/harness.h"

#include <pthread.h>
#include <sched.h>

#define THREADS 4
#define ROUNDS  20000

static struct latch latch;
static uint64_t counted; /* under the latch */
static bool is_inside;
static _Atomic uint32_t met;

static void *count_main(void *unused)
{
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        latch_take(&latch);
        if (is_inside) atomic_fetch_add(&met, 1);
        is_inside = true;
        if (round % 64 == 0) sched_yield(); /* so that others come, and sleep */
        counted++;
        is_inside = false;
        latch_release(&latch);
    }
    return NULL;
}

/* One at a time is inside, and whoever sleeps is woken: all come to their end. */
TEST(latch, one_thread_at_a_time_has_it)
{
    pthread_t threads[THREADS];
    latch_init(&latch, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_main, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counted, THREADS * ROUNDS);
    assert_int_equal(atomic_load(&met), 0);
    assert_int_equal(atomic_load(&latch.state), LATCH_FREE);
}

/* Where one thread is alone nothing is written. */
TEST(latch, lone_thread_takes_nothing)
{
    latch_init(&latch, false);
    latch_take(&latch);
    assert_int_equal(atomic_load(&latch.state), LATCH_FREE);
    latch_release(&latch);
    assert_int_equal(atomic_load(&latch.state), LATCH_FREE);
}
