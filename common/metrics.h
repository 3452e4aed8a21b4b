/* What the node counts about itself. Expanded from metrics.def.
 *
 * Owner    each metric has one writer thread; anyone reads
 * Cost     a relaxed store
 */

#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct metrics {
#define COUNTER(name, help) _Atomic uint64_t name;
#define GAUGE(name, help)   _Atomic uint64_t name;
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
};

static inline void metric_set(_Atomic uint64_t *metric, uint64_t value)
{
    atomic_store_explicit(metric, value, memory_order_relaxed);
}

/* Needs: the caller is the metric's only writer. */
static inline void metric_add(_Atomic uint64_t *metric, uint64_t by)
{
    atomic_store_explicit(metric, atomic_load_explicit(metric, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static inline uint64_t metric_get(const _Atomic uint64_t *metric)
{
    return atomic_load_explicit(metric, memory_order_relaxed);
}

/* Adds all of `part` to what `sum` has, each for itself: a gauge, too, is then the sum of two loops'. */
void metrics_add(struct metrics *sum, const struct metrics *part);

/* Prometheus text format; returns the length, cut at `capacity`. */
size_t metrics_print(const struct metrics *metrics, char *text, size_t capacity);

#endif /* COMMON_METRICS_H */
