#include "node/bench_report_os.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool bench_outcome_matches(const struct bench_outcome *outcome, const struct flow_header *header)
{
    return outcome->trades == header->trade_count && outcome->quantity == header->trade_qty &&
           outcome->digest == header->digest && outcome->end_orders == header->end_orders &&
           outcome->end_quantity == header->end_qty;
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_pin(void)
{
    const char *wanted = getenv("BENCH_CPU");
    const unsigned long processor = wanted == NULL ? 1 : strtoul(wanted, NULL, 10);
    cpu_set_t set;
    if (processor >= CPU_SETSIZE) return;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    (void)sched_setaffinity(0, sizeof(set), &set); /* elsewhere is slower, not wrong */
}

bool bench_latency_open(struct bench_latency *latency, uint64_t capacity)
{
    *latency = (struct bench_latency){.capacity = capacity};
    latency->ticks = malloc((size_t)capacity * sizeof(*latency->ticks));
    if (latency->ticks == NULL) return false;
    /* Touched now, so that no page fault falls into a command. */
    memset(latency->ticks, 1, (size_t)capacity * sizeof(*latency->ticks));
    latency->start_ns = bench_now_ns();
    latency->start_ticks = bench_ticks_begin();
    return true;
}

void bench_latency_close(struct bench_latency *latency)
{
    free(latency->ticks);
    *latency = (struct bench_latency){.ticks = NULL};
}

static int ticks_compare(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

#define EMPTY_COUNT 4096

/* Median ticks of a measurement with nothing in it. */
static uint32_t empty_ticks(void)
{
    static uint32_t ticks[EMPTY_COUNT];
    for (size_t i = 0; i < EMPTY_COUNT; i++) {
        const uint64_t begin = bench_ticks_begin();
        ticks[i] = (uint32_t)(bench_ticks_end() - begin);
    }
    qsort(ticks, EMPTY_COUNT, sizeof(ticks[0]), ticks_compare);
    return ticks[EMPTY_COUNT / 2];
}

static void percentiles_write(const char *name, const uint32_t *sorted, uint64_t count,
                              double ns_per_tick, FILE *to)
{
    if (count == 0) return;
    fprintf(to,
            ", \"%s\": {\"p50_ns\": %.0f, \"p99_ns\": %.0f, \"p999_ns\": %.0f, \"max_ns\": %.0f}",
            name, sorted[count / 2] * ns_per_tick, sorted[count * 99 / 100] * ns_per_tick,
            sorted[count * 999 / 1000] * ns_per_tick, sorted[count - 1] * ns_per_tick);
}

static bool latency_write(const struct bench_report *report, FILE *to)
{
    static const char *const names[] = {"all", "add", "cancel", "take"}; /* by enum flow_op */
    const struct bench_latency *latency = report->latency;
    uint32_t *ticks = malloc((size_t)latency->count * sizeof(*ticks) + 1);
    if (ticks == NULL) return false;
    const double ns_per_tick = (double)(bench_now_ns() - latency->start_ns) /
                               (double)(bench_ticks_begin() - latency->start_ticks);
    fprintf(to, ", \"clock_ns\": %.0f", empty_ticks() * ns_per_tick);
    for (int op = 0; op <= FLOW_TAKE; op++) {
        uint64_t count = 0;
        for (uint64_t i = 0; i < latency->count; i++)
            if (op == 0 || report->records[i].op == op) ticks[count++] = latency->ticks[i];
        qsort(ticks, count, sizeof(*ticks), ticks_compare);
        percentiles_write(names[op], ticks, count, ns_per_tick, to);
    }
    free(ticks);
    return true;
}

bool bench_report_write(const struct bench_report *report, FILE *to)
{
    const struct bench_outcome *outcome = &report->outcome;
    const double ns = (double)report->took_ns;
    fprintf(to,
            "{\"commands\": %" PRIu64 ", \"seconds\": %.6f, \"ns_per_command\": %.2f"
            ", \"trades\": %" PRIu64 ", \"quantity\": %" PRIu64 ", \"digest\": \"%016" PRIx64 "\""
            ", \"end_orders\": %" PRIu64 ", \"end_quantity\": %" PRIu64 ", \"ok\": %s",
            report->commands, ns / 1e9, report->commands == 0 ? 0.0 : ns / (double)report->commands,
            outcome->trades, outcome->quantity, outcome->digest, outcome->end_orders,
            outcome->end_quantity, report->ok ? "true" : "false");
    if (report->more != NULL) fputs(report->more, to);
    const bool written = report->latency == NULL || latency_write(report, to);
    fputs("}\n", to);
    return fflush(to) == 0 && !ferror(to) && written;
}
