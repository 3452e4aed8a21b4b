#include "common/metrics.h"

#include <inttypes.h>
#include <stdio.h>

static size_t print_one(char *text, size_t capacity, const char *name, const char *kind,
                        const char *help, uint64_t value)
{
    const int length = snprintf(text, capacity,
                                "# HELP quorex_%s %s\n# TYPE quorex_%s %s\nquorex_%s %" PRIu64 "\n",
                                name, help, name, kind, name, value);
    return length > 0 && (size_t)length < capacity ? (size_t)length : 0;
}

void metrics_add(struct metrics *sum, const struct metrics *part)
{
#define COUNTER(name, help) metric_add(&sum->name, metric_get(&part->name));
#define GAUGE(name, help)   metric_add(&sum->name, metric_get(&part->name));
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
}

size_t metrics_print(const struct metrics *metrics, char *text, size_t capacity)
{
    size_t length = 0;
#define COUNTER(name, help) \
    length += print_one(text + length, capacity - length, #name, "counter", help, \
                        metric_get(&metrics->name));
#define GAUGE(name, help) \
    length += print_one(text + length, capacity - length, #name, "gauge", help, \
                        metric_get(&metrics->name));
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
    return length;
}
