#include "node/bench_report_os.h"
#include "tests/harness.h"

#include <jansson.h>

static json_t *written(const struct bench_report *report)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *to = open_memstream(&text, &text_bytes);
    assert_non_null(to);
    assert_true(bench_report_write(report, to));
    fclose(to);
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    free(text);
    return object;
}

static double number(const json_t *object, const char *kind, const char *name)
{
    return json_number_value(json_object_get(json_object_get(object, kind), name));
}

/* It is JSON, and has the figures under the names that the documentation gives. */
TEST(bench_report, an_object_with_every_figure)
{
    const struct bench_report report = {
        .commands = 4,
        .took_ns = 100,
        .outcome =
            {.trades = 2, .quantity = 6, .digest = 0xabc, .end_orders = 1, .end_quantity = 3},
        .ok = true,
        .more = ", \"system_calls\": 5",
    };
    json_t *object = written(&report);
    assert_int_equal(json_integer_value(json_object_get(object, "commands")), 4);
    assert_true(json_number_value(json_object_get(object, "ns_per_command")) == 25.0);
    assert_int_equal(json_integer_value(json_object_get(object, "trades")), 2);
    assert_int_equal(json_integer_value(json_object_get(object, "quantity")), 6);
    assert_string_equal(json_string_value(json_object_get(object, "digest")), "0000000000000abc");
    assert_int_equal(json_integer_value(json_object_get(object, "end_orders")), 1);
    assert_int_equal(json_integer_value(json_object_get(object, "end_quantity")), 3);
    assert_int_equal(json_integer_value(json_object_get(object, "system_calls")), 5);
    assert_true(json_is_true(json_object_get(object, "ok")));
    json_decref(object);
}

/* A thousand ticks from 1 up, every tenth a cancel, in no order: percentiles are those of each kind. */
TEST(bench_report, percentiles_are_of_each_kind)
{
    enum { COUNT = 1000 };
    static struct flow_record records[COUNT];
    struct bench_latency latency;
    assert_true(bench_latency_open(&latency, COUNT));
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint32_t ticks = i * 7 % COUNT + 1;
        records[i].op = ticks % 10 == 0 ? FLOW_CANCEL : FLOW_ADD;
        bench_latency_note(&latency, ticks * 1000000);
    }
    const struct bench_report report = {
        .commands = COUNT, .took_ns = 1, .ok = true, .latency = &latency, .records = records};
    json_t *object = written(&report);
    const double tick = number(object, "all", "max_ns") / COUNT;
    assert_true(number(object, "all", "p50_ns") / tick > 500 && tick > 0);
    assert_true(number(object, "all", "p50_ns") / tick < 502);
    assert_true(number(object, "all", "p99_ns") / tick > 990);
    assert_true(number(object, "all", "p99_ns") / tick < 992);
    assert_true(number(object, "cancel", "p50_ns") / tick > 509);
    assert_true(number(object, "cancel", "p50_ns") / tick < 511);
    assert_true(number(object, "add", "max_ns") / tick < 999.5);
    assert_null(json_object_get(object, "take"));
    json_decref(object);
    bench_latency_close(&latency);
}
