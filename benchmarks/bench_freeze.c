/* How long does a writer wait while an image of its memory is made?
 *
 *     bench_freeze [MEGABYTES [CHUNK-KIB [huge|small [cpu]]]]
 *
 * One thread writes 64 bytes at random places at full speed: alone, while another prepares, and from
 * freeze_begin until the other has copied everything. Prints one JSON line a round: how long freeze_begin,
 * the copy and the preparation took; for each of the three the longest single write, the longest 20 writes
 * in a row (as many as a large command makes) and writes a second; how many chunks the writer copied
 * itself; and whether the image has the checksum that the memory had. "huge" asks for huge pages.
 *
 * The writer's clock is read at every write. What others on the machine take from it shows in the longest
 * write alone: compare with that, or ask for "cpu", and its clock stands still while it does not run.
 */

#include "common/freeze.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define ROUNDS      5
#define WRITE_BYTES 64
#define RUN_WRITES  20
#define ALONE_NS    200000000u
/* What the other thread is to do; it moves on from DO_ to the next. */
enum { NOTHING, DO_PREPARE, PREPARED, DO_COPY, COPIED, END };

#define MEGABYTE   ((size_t)1024 * 1024)
#define HUGE_BYTES (2 * MEGABYTE)

static uint8_t *memory;
static size_t byte_count;
static struct freeze freeze;
static _Atomic int stage;
static double copy_ms;
static clockid_t write_clock = CLOCK_MONOTONIC;
static uint64_t random_state = 0x5eed;

static uint64_t time_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return time_ns(CLOCK_MONOTONIC);
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_freeze: %s\n", what);
    exit(1);
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t checksum(const uint8_t *bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < byte_count; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    }
    return sum;
}

static void *copy(void *unused)
{
    int now;
    while ((now = atomic_load_explicit(&stage, memory_order_acquire)) != END) {
        if (now != DO_PREPARE && now != DO_COPY) {
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
            continue;
        }
        const uint64_t start = now_ns();
        if (now == DO_PREPARE)
            freeze_prepare(&freeze);
        else
            freeze_copy_all(&freeze);
        copy_ms = (double)(now_ns() - start) / 1e6;
        atomic_store_explicit(&stage, now + 1, memory_order_release);
    }
    return unused;
}

struct writes {
    uint64_t count, longest_ns, longest_run_ns, elapsed_ns;
};

static bool go_on(int until, uint64_t start, uint64_t now)
{
    if (until == NOTHING) return now - start < ALONE_NS;
    return atomic_load_explicit(&stage, memory_order_acquire) != until;
}

/* Until the other thread is done; without work for it, for a while. */
static struct writes write_on(int until)
{
    struct writes writes = {0};
    const uint64_t start = time_ns(write_clock);
    uint64_t run_start = start, before = start, now = start;
    while (go_on(until, start, now)) {
        const uint64_t random = next_random();
        memset(memory + random % (byte_count / WRITE_BYTES) * WRITE_BYTES, (int)(random >> 56),
               WRITE_BYTES);
        now = time_ns(write_clock);
        if (now - before > writes.longest_ns) writes.longest_ns = now - before;
        before = now;
        if (++writes.count % RUN_WRITES != 0) continue;
        if (now - run_start > writes.longest_run_ns) writes.longest_run_ns = now - run_start;
        run_start = now;
    }
    writes.elapsed_ns = now - start;
    return writes;
}

static void print_writes(const char *when, const struct writes *writes)
{
    printf("\"%s\":{\"longest_write_us\":%.0f,\"longest_run_us\":%.0f,\"million_writes_s\":%.3f},",
           when, (double)writes->longest_ns / 1e3, (double)writes->longest_run_ns / 1e3,
           (double)writes->count * 1e3 / (double)writes->elapsed_ns);
}

static void play_round(void)
{
    const struct writes alone = write_on(NOTHING);
    atomic_store_explicit(&stage, DO_PREPARE, memory_order_release);
    const struct writes preparing = write_on(PREPARED);
    const double prepare_ms = copy_ms;
    const uint64_t sum = checksum(memory);
    const uint64_t start = now_ns();
    if (!freeze_begin(&freeze)) fail("the system refuses to freeze");
    const double begin_ms = (double)(now_ns() - start) / 1e6;
    atomic_store_explicit(&stage, DO_COPY, memory_order_release);
    const struct writes copying = write_on(COPIED);
    const bool equal = checksum(freeze_image(&freeze)) == sum;
    printf("{\"begin_ms\":%.2f,\"copy_ms\":%.1f,\"prepare_ms\":%.1f,", begin_ms, copy_ms,
           prepare_ms);
    print_writes("copying", &copying);
    print_writes("preparing", &preparing);
    print_writes("alone", &alone);
    printf("\"chunks\":%zu,\"owner_copies\":%llu,\"image_equal\":%s}\n", freeze.chunk_count,
           (unsigned long long)freeze.owner_copies, equal ? "true" : "false");
    freeze_end(&freeze);
    if (!equal) fail("the image is not the memory of the beginning");
}

int main(int count, char **arguments)
{
    byte_count = (count > 1 ? strtoul(arguments[1], NULL, 10) : 600) * MEGABYTE;
    const size_t chunk_bytes = count > 2 ? strtoul(arguments[2], NULL, 10) * 1024 : 0;
    if (byte_count == 0) fail("usage: bench_freeze [MEGABYTES [CHUNK-KIB [huge|small [cpu]]]]");

    uint8_t *mapping = mmap(NULL, byte_count + HUGE_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) fail("no memory");
    memory = mapping + (HUGE_BYTES - (uintptr_t)mapping % HUGE_BYTES);
    if (count > 4) write_clock = CLOCK_THREAD_CPUTIME_ID;
    if (count > 3 && strcmp(arguments[3], "huge") == 0) madvise(memory, byte_count, MADV_HUGEPAGE);
    for (size_t i = 0; i < byte_count; i += sizeof(uint64_t))
        memcpy(memory + i, &(uint64_t){next_random()}, sizeof(uint64_t));
    if (!freeze_init(&freeze, memory, byte_count, chunk_bytes)) fail("cannot be frozen");

    pthread_t copier;
    if (pthread_create(&copier, NULL, copy, NULL) != 0) fail("no thread");
    for (int round = 0; round < ROUNDS; round++)
        play_round();
    atomic_store_explicit(&stage, END, memory_order_release);
    pthread_join(copier, NULL);
    freeze_close(&freeze);
    return 0;
}
