/* Which ring carries 64-byte messages between two threads faster: ours or Concurrency Kit's?
 *
 *     bench_ring [SECONDS-PER-MEASUREMENT]
 *
 * Prints one JSON line a measurement, and the time one cache line takes to go to the other thread and
 * back: on small virtual machines that figure changes within minutes, and the others with it.
 *
 * Ours takes records of any size and publishes when it is told to; CK's has slots of one size and
 * publishes each. "in batches of 16" is: publish and release once for 16 messages, which CK's ring
 * does not offer, so there the 16 are only looked at together.
 */

#include "common/ring.h"

#include <ck_ring.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE_BYTES  64
#define OUR_CAPACITY   (256 * 1024)
#define CK_SLOTS       4096 /* the same bytes of messages */
#define ROUND_MESSAGES 2000000u
#define LINE_ROUNDS    1000000u

struct message {
    uint64_t number;
    uint8_t rest[MESSAGE_BYTES - sizeof(uint64_t)];
};

CK_RING_PROTOTYPE(message, message)

static struct ring *our_ring;
static ck_ring_t ck_ring;
static struct message *ck_slots;
static unsigned batch_count;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_a_moment(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_ring: %s\n", what);
    exit(1);
}

static void *produce_ours(void *unused)
{
    struct message message = {0};
    unsigned unpublished = 0;
    for (uint64_t number = 1; number <= ROUND_MESSAGES; number++) {
        uint8_t *bytes;
        while ((bytes = ring_reserve(our_ring, sizeof(message))) == NULL)
            wait_a_moment();
        message.number = number;
        memcpy(bytes, &message, sizeof(message));
        ring_commit(our_ring, sizeof(message));
        if (++unpublished < batch_count && number < ROUND_MESSAGES) continue;
        if (ring_publish(our_ring)) fail("a wake for nobody");
        unpublished = 0;
    }
    return unused;
}

static void consume_ours(void)
{
    unsigned unreleased = 0;
    for (uint64_t number = 1; number <= ROUND_MESSAGES;) {
        size_t byte_count;
        struct message message;
        const uint8_t *bytes = ring_peek(our_ring, &byte_count);
        if (bytes == NULL) {
            wait_a_moment();
            continue;
        }
        memcpy(&message, bytes, sizeof(message));
        if (message.number != number++) fail("our ring lost a message");
        ring_pop(our_ring);
        if (++unreleased < batch_count) continue;
        ring_release(our_ring);
        unreleased = 0;
    }
    ring_release(our_ring);
}

static void *produce_ck(void *unused)
{
    struct message message = {0};
    for (uint64_t number = 1; number <= ROUND_MESSAGES; number++) {
        message.number = number;
        while (!CK_RING_ENQUEUE_SPSC(message, &ck_ring, ck_slots, &message))
            wait_a_moment();
    }
    return unused;
}

static void consume_ck(void)
{
    for (uint64_t number = 1; number <= ROUND_MESSAGES;) {
        struct message messages[16];
        unsigned got = 0;
        while (got < batch_count &&
               CK_RING_DEQUEUE_SPSC(message, &ck_ring, ck_slots, &messages[got]))
            got++;
        if (got == 0) wait_a_moment();
        for (unsigned i = 0; i < got; i++)
            if (messages[i].number != number++) fail("CK's ring lost a message");
    }
}

/* Million messages a second, over as many rounds as fit the time. */
static void measure(const char *name, void *(*produce)(void *), void (*consume)(void),
                    double seconds)
{
    double best = 0, total = 0;
    unsigned rounds = 0;
    for (const double start = seconds_now(); seconds_now() - start < seconds;) {
        pthread_t producer;
        const double begun = seconds_now();
        if (pthread_create(&producer, NULL, produce, NULL) != 0) fail("no thread");
        consume();
        pthread_join(producer, NULL);
        const double rate = ROUND_MESSAGES / (seconds_now() - begun) / 1e6;
        best = rate > best ? rate : best;
        total += rate;
        rounds++;
    }
    printf("{\"bench\":\"ring\",\"ring\":\"%s\",\"messageBytes\":%d,\"batch\":%u,\"rounds\":%u,"
           "\"millionPerSecond\":%.1f,\"best\":%.1f}\n",
           name, MESSAGE_BYTES, batch_count, rounds, total / rounds, best);
}

/* ---- one cache line between two threads ---- */

static _Alignas(64) _Atomic uint64_t line;

static void *bounce_odd(void *unused)
{
    for (uint64_t turn = 1; turn < LINE_ROUNDS; turn += 2) {
        /* acquire and release: each turn is seen before the next is written. */
        while (atomic_load_explicit(&line, memory_order_acquire) != turn)
            wait_a_moment();
        atomic_store_explicit(&line, turn + 1, memory_order_release);
    }
    return unused;
}

static void measure_line(void)
{
    pthread_t other;
    atomic_store(&line, 0);
    if (pthread_create(&other, NULL, bounce_odd, NULL) != 0) fail("no thread");
    const double begun = seconds_now();
    for (uint64_t turn = 0; turn < LINE_ROUNDS; turn += 2) {
        while (atomic_load_explicit(&line, memory_order_acquire) != turn)
            wait_a_moment();
        atomic_store_explicit(&line, turn + 1, memory_order_release);
    }
    pthread_join(other, NULL);
    printf("{\"bench\":\"line\",\"oneWayNs\":%.0f}\n", (seconds_now() - begun) * 1e9 / LINE_ROUNDS);
}

static void *take_memory(size_t byte_count)
{
    void *memory = aligned_alloc(64, (byte_count + 63) & ~(size_t)63);
    if (memory == NULL) fail("no memory");
    return memory;
}

int main(int argc, char **argv)
{
    const double seconds = argc == 2 ? strtod(argv[1], NULL) : 3;
    our_ring = ring_new(take_memory(ring_bytes(OUR_CAPACITY)), OUR_CAPACITY);
    ck_slots = take_memory(CK_SLOTS * sizeof(struct message));
    ck_ring_init(&ck_ring, CK_SLOTS);

    static const unsigned batches[] = {1, 16};
    for (size_t i = 0; i < 2; i++) {
        batch_count = batches[i];
        measure_line();
        measure("ours", produce_ours, consume_ours, seconds);
        measure_line();
        measure("ck", produce_ck, consume_ck, seconds);
    }
    measure_line();
    free(our_ring);
    free(ck_slots);
    return 0;
}
