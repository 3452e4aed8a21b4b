#include "common/metrics.h"

#include "tests/harness.h"

static struct metrics metrics;

TEST(metrics, every_metric_is_printed_with_help_and_type)
{
    static char text[65536];
    metric_set(&metrics.height, 12);
    metric_add(&metrics.fills_total, 3);
    metric_add(&metrics.fills_total, 4);
    assert_int_equal(metric_get(&metrics.fills_total), 7);
    const size_t length = metrics_print(&metrics, text, sizeof(text));
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "# HELP quorex_height Height of the last sealed block\n"
                                 "# TYPE quorex_height gauge\n"
                                 "quorex_height 12\n"));
    assert_non_null(strstr(text, "# TYPE quorex_fills_total counter\nquorex_fills_total 7\n"));
#define COUNTER(name, help) assert_non_null(strstr(text, "\nquorex_" #name " "));
#define GAUGE(name, help)   assert_non_null(strstr(text, "\nquorex_" #name " "));
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
}

/* Cut between metrics, never inside one, at any capacity. */
TEST(metrics, a_small_buffer_is_never_overrun)
{
    static char whole[65536], text[65536];
    const size_t length = metrics_print(&metrics, whole, sizeof(whole));
    for (size_t capacity = 1; capacity <= length + 1; capacity++) {
        memset(text, 0x7f, sizeof(text));
        const size_t got = metrics_print(&metrics, text, capacity);
        assert_true(got < capacity);
        assert_int_equal(text[capacity], 0x7f);
        if (got > 0) assert_int_equal(text[got - 1], '\n');
    }
}
