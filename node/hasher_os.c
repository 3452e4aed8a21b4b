#include "node/hasher.h"

#include "common/log.h"
#include "common/park.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define ASK_BYTES \
    (128u * 1024)       /* of a body are asked for at a time; fewer the caller hashes itself */
#define LOOKS      400  /* at what another thread will do soon, before one sleeps */
#define PARK_MS    1000 /* how long a wake could go unnoticed; none does */
#define INDEX_BITS 16   /* of a ticket: the next part; then as many for their count */

/* A thread that waits for the other to move on. */
struct sleeper {
    struct park park;
    _Atomic uint32_t sleeping; /* set by the sleeper, taken by whoever wakes it */
};

struct hasher {
    struct sharing sharing;
    pthread_t thread;
    bool has_thread;

    /* Written by the caller, read by the thread once `asked` or `ticket` says so. */
    alignas(64) struct seal *seal;
    const uint8_t *body;
    uint64_t body_begin; /* what `asked` was when the body began */
    sharing_part part;
    void *work;
    uint64_t given; /* whole records of the body, in bytes; the caller's alone */
    _Atomic uint64_t asked;
    _Atomic uint64_t
        ticket; /* shared: parts of the job and the next of them; above, the job's number */
    _Atomic uint32_t stopping;
    struct sleeper caller;

    /* Written by the thread. */
    alignas(64) _Atomic uint64_t done;
    _Atomic uint32_t parts_done; /* shared */
    struct sleeper worker;
};

/* ---- Sleeping and waking ---- */

/* Called after something was stored, seq_cst, that the sleeper looks at. Either it sees that, or this sees it sleep. */
static void sleeper_wake(struct sleeper *sleeper)
{
    if (atomic_load_explicit(&sleeper->sleeping, memory_order_seq_cst) == 0) return;
    if (atomic_exchange_explicit(&sleeper->sleeping, 0, memory_order_relaxed) != 0)
        park_wake(&sleeper->park);
}

/* Waits until `ready`, whose loads are seq_cst. */
static void sleeper_wait(struct sleeper *sleeper, bool (*ready)(struct hasher *),
                         struct hasher *hasher)
{
    for (int i = 0; i < LOOKS; i++) {
        if (ready(hasher)) return;
        park_pause();
    }
    for (;;) {
        /* seq_cst: pairs with the load in sleeper_wake, as `ready` does with the store before it. */
        atomic_store_explicit(&sleeper->sleeping, 1, memory_order_seq_cst);
        const bool is_ready = ready(hasher);
        if (!is_ready) park_sleep(&sleeper->park, PARK_MS);
        atomic_store_explicit(&sleeper->sleeping, 0, memory_order_relaxed);
        if (is_ready) return;
    }
}

/* ---- Parts ---- */

static uint32_t ticket_index(uint64_t ticket)
{
    return ticket & ((1u << INDEX_BITS) - 1);
}

static uint32_t ticket_count(uint64_t ticket)
{
    return ticket >> INDEX_BITS & ((1u << INDEX_BITS) - 1);
}

static_assert(SHARING_PARTS_MAX < 1u << INDEX_BITS, "a ticket holds every count of parts");

static bool parts_left(uint64_t ticket)
{
    return ticket_index(ticket) < ticket_count(ticket);
}

/* Takes parts until none is left to take. The job cannot change meanwhile: it has parts that are not done. */
static void take_parts(struct hasher *hasher)
{
    /* acquire: part and work of the job are there. Pairs with the store in run. */
    uint64_t ticket = atomic_load_explicit(&hasher->ticket, memory_order_acquire);
    while (parts_left(ticket)) {
        if (!atomic_compare_exchange_weak_explicit(&hasher->ticket, &ticket, ticket + 1,
                                                   memory_order_acquire, memory_order_acquire))
            continue;
        hasher->part(hasher->work, ticket_index(ticket));
        /* release, and more: what the part wrote is there for who sees that it is done; and as sleeper_wake wants. */
        atomic_fetch_add_explicit(&hasher->parts_done, 1, memory_order_seq_cst);
        ticket = atomic_load_explicit(&hasher->ticket, memory_order_acquire);
    }
}

static bool parts_are_done(struct hasher *hasher)
{
    const uint64_t ticket = atomic_load_explicit(&hasher->ticket, memory_order_relaxed);
    /* acquire, and more: as above. */
    return atomic_load_explicit(&hasher->parts_done, memory_order_seq_cst) == ticket_count(ticket);
}

static void run(void *context, sharing_part part, void *work, uint32_t count)
{
    struct hasher *hasher = context;
    const uint64_t last = atomic_load_explicit(&hasher->ticket, memory_order_relaxed);
    const uint64_t number = (last >> 2 * INDEX_BITS) + 1;
    ASSERT(!parts_left(last) && parts_are_done(hasher));
    hasher->part = part;
    hasher->work = work;
    atomic_store_explicit(&hasher->parts_done, 0, memory_order_relaxed);
    /* release, and more: as in take_parts and sleeper_wake. */
    atomic_store_explicit(&hasher->ticket, number << 2 * INDEX_BITS | (uint64_t)count << INDEX_BITS,
                          memory_order_seq_cst);
    sleeper_wake(&hasher->worker);
    take_parts(hasher);
    sleeper_wait(&hasher->caller, parts_are_done, hasher);
}

/* ---- The thread ---- */

static bool has_work(struct hasher *hasher)
{
    return atomic_load_explicit(&hasher->asked, memory_order_seq_cst) !=
               atomic_load_explicit(&hasher->done, memory_order_relaxed) ||
           parts_left(atomic_load_explicit(&hasher->ticket, memory_order_seq_cst)) ||
           atomic_load_explicit(&hasher->stopping, memory_order_seq_cst) != 0;
}

/* Takes what was asked for into the seal. */
static void take_records(struct hasher *hasher)
{
    const uint64_t done = atomic_load_explicit(&hasher->done, memory_order_relaxed);
    /* acquire: the records, the seal and where they lie are there. Pairs with the store in ask. */
    const uint64_t asked = atomic_load_explicit(&hasher->asked, memory_order_acquire);
    if (asked == done) return;
    seal_records(hasher->seal, hasher->body + (done - hasher->body_begin), asked - done);
    /* release, and more: the seal is as far. Pairs with the load in is_quiet; and as sleeper_wake wants. */
    atomic_store_explicit(&hasher->done, asked, memory_order_seq_cst);
    sleeper_wake(&hasher->caller);
}

static void *work(void *context)
{
    struct hasher *hasher = context;
    while (atomic_load_explicit(&hasher->stopping, memory_order_acquire) == 0) {
        sleeper_wait(&hasher->worker, has_work, hasher);
        take_records(hasher);
        take_parts(hasher);
        sleeper_wake(&hasher->caller);
    }
    return NULL;
}

static bool may_run_beside(void)
{
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof(processors), &processors) == 0 && CPU_COUNT(&processors) > 1;
}

static bool start_thread(struct hasher *hasher)
{
    if (!park_open(&hasher->caller.park) || !park_open(&hasher->worker.park)) return false;
    if (pthread_create(&hasher->thread, NULL, work, hasher) != 0) return false;
    pthread_setname_np(hasher->thread, "hasher");
    hasher->has_thread = true;
    return true;
}

enum status hasher_open(enum hasher_kind kind, struct hasher **opened)
{
    const size_t bytes = (sizeof(struct hasher) + 63) / 64 * 64;
    struct hasher *hasher = aligned_alloc(64, bytes);
    *opened = hasher;
    if (hasher == NULL) {
        log_error("hasher", "no memory", "bytes=%zu", bytes);
        return STATUS_NO_MEMORY;
    }
    *hasher = (struct hasher){.sharing = {run, hasher}};
    hasher->caller.park.descriptor = hasher->worker.park.descriptor = -1;
    if (kind == HASHER_ALONE || (kind == HASHER_BESIDE && !may_run_beside())) return STATUS_OK;
    if (start_thread(hasher)) return STATUS_OK;
    log_error("hasher", "thread not started", "thread=hasher");
    hasher_close(hasher);
    *opened = NULL;
    return STATUS_NO_MEMORY;
}

void hasher_close(struct hasher *hasher)
{
    if (hasher == NULL) return;
    if (hasher->has_thread) {
        hasher_pause(hasher);
        atomic_store_explicit(&hasher->stopping, 1, memory_order_seq_cst);
        sleeper_wake(&hasher->worker);
        pthread_join(hasher->thread, NULL);
    }
    park_close(&hasher->caller.park);
    park_close(&hasher->worker.park);
    free(hasher);
}

/* ---- The caller ---- */

static bool is_quiet(struct hasher *hasher)
{
    /* acquire, and more: pairs with the store in take_records. */
    return atomic_load_explicit(&hasher->done, memory_order_seq_cst) ==
           atomic_load_explicit(&hasher->asked, memory_order_relaxed);
}

void hasher_pause(struct hasher *hasher)
{
    if (hasher->has_thread) sleeper_wait(&hasher->caller, is_quiet, hasher);
}

/* Bytes of the body that have been asked for. */
static uint64_t asked_of_body(const struct hasher *hasher)
{
    return atomic_load_explicit(&hasher->asked, memory_order_relaxed) - hasher->body_begin;
}

/* All that was given is asked for, or without a thread done. */
static void ask(struct hasher *hasher)
{
    const uint64_t asked = hasher->body_begin + hasher->given;
    if (!hasher->has_thread) {
        const uint64_t begin = asked_of_body(hasher);
        seal_records(hasher->seal, hasher->body + begin, hasher->given - begin);
        atomic_store_explicit(&hasher->done, asked, memory_order_relaxed);
    }
    /* release, and more: pairs with the load in take_records; and as sleeper_wake wants. */
    atomic_store_explicit(&hasher->asked, asked, memory_order_seq_cst);
    if (hasher->has_thread) sleeper_wake(&hasher->worker);
}

void hasher_give(struct hasher *hasher, struct seal *seal, const uint8_t *body, size_t byte_count)
{
    ASSERT(byte_count >= hasher->given);
    ASSERT(hasher->given == 0 || hasher->seal == seal);
    if (hasher->seal != seal || hasher->body != body) {
        ASSERT(is_quiet(hasher));
        hasher->seal = seal;
        hasher->body = body;
    }
    hasher->given = byte_count;
    if (byte_count - asked_of_body(hasher) >= ASK_BYTES) ask(hasher);
}

void hasher_moved(struct hasher *hasher, const uint8_t *body)
{
    ASSERT(is_quiet(hasher));
    if (hasher->given > 0) hasher->body = body;
}

void hasher_finish(struct hasher *hasher)
{
    hasher_pause(hasher);
    const uint64_t asked = asked_of_body(hasher);
    if (hasher->given > asked)
        seal_records(hasher->seal, hasher->body + asked, hasher->given - asked);
    hasher->body_begin = atomic_load_explicit(&hasher->asked, memory_order_relaxed);
    hasher->given = 0;
}

const struct sharing *hasher_sharing(const struct hasher *hasher)
{
    return hasher->has_thread ? &hasher->sharing : NULL;
}

uint64_t hasher_worked_ns(const struct hasher *hasher)
{
    clockid_t clock;
    struct timespec worked;
    if (!hasher->has_thread || pthread_getcpuclockid(hasher->thread, &clock) != 0 ||
        clock_gettime(clock, &worked) != 0)
        return 0;
    return (uint64_t)worked.tv_sec * 1000000000u + (uint64_t)worked.tv_nsec;
}
