/* What a bench says: one JSON object, and percentiles of a clock that is read round every command.
 *
 * Owner    the measuring thread
 * Memory   four bytes a measured command, from the heap
 */

#ifndef NODE_BENCH_REPORT_OS_H
#define NODE_BENCH_REPORT_OS_H

#include "benchmarks/flow.h"
#include "common/assert.h"

#include <stdbool.h>
#include <stdio.h>

/* What a book has done with a flow. */
struct bench_outcome {
    uint64_t trades;
    uint64_t quantity;
    uint64_t digest;
    uint64_t end_orders;
    uint64_t end_quantity;
};

/* Whether it is what the flow's header says. */
bool bench_outcome_matches(const struct bench_outcome *outcome, const struct flow_header *header);

/* Nanoseconds of a clock that only goes forward. */
uint64_t bench_now_ns(void);

/* Puts the calling thread on one processor: BENCH_CPU, 1 when it is not set. Where there is no such
 * processor the thread stays where it is. */
void bench_pin(void);

/* One tick count for each measured command. */
struct bench_latency {
    uint32_t *ticks;
    uint64_t count;
    uint64_t capacity;
    uint64_t start_ns;
    uint64_t start_ticks;
};

/* False when there is no memory. */
MUST_CHECK bool bench_latency_open(struct bench_latency *latency, uint64_t capacity);
void bench_latency_close(struct bench_latency *latency);

#if defined(__x86_64__)
#include <x86intrin.h>

/* The processor's own clock, fenced: what is measured begins after the first and ends before the
 * second. */
static inline uint64_t bench_ticks_begin(void)
{
    _mm_lfence();
    const uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}

static inline uint64_t bench_ticks_end(void)
{
    unsigned processor;
    return __rdtscp(&processor);
}
#else
static inline uint64_t bench_ticks_begin(void)
{
    return bench_now_ns();
}

static inline uint64_t bench_ticks_end(void)
{
    return bench_now_ns();
}
#endif

/* Needs: fewer than `capacity` were noted. */
static inline void bench_latency_note(struct bench_latency *latency, uint64_t ticks)
{
    latency->ticks[latency->count++] = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

struct bench_report {
    uint64_t commands;
    uint64_t took_ns;
    struct bench_outcome outcome;
    bool ok;
    const char *more;                    /* further members, ", \"name\": value ...", or NULL */
    const struct bench_latency *latency; /* NULL: none was taken */
    const struct flow_record *records;   /* of the measured commands; with latency */
};

/* Writes the object and a line end. False when there is no memory to sort in, or `to` failed. */
MUST_CHECK bool bench_report_write(const struct bench_report *report, FILE *to);

#endif /* NODE_BENCH_REPORT_OS_H */
