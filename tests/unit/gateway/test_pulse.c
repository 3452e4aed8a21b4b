#include "gateway/pulse.h"

#include "tests/harness.h"

#define SECOND_NS 1000000000ull
#define T0        (1000 * SECOND_NS)
#define WALL_MS   1700000000000ull

static struct pulse pulse;
static struct pulse_limits limits;

static void start(void)
{
    limits = pulse_limits_default();
    pulse_start(&pulse, &limits, T0);
}

/* Ten messages at once, then five a second. */
TEST(pulse, messages_are_metered)
{
    uint64_t now = T0;
    start();
    for (int i = 0; i < 10; i++)
        assert_true(pulse_admits(&pulse, &limits, now));
    assert_false(pulse_admits(&pulse, &limits, now));
    assert_false(pulse_admits(&pulse, &limits, now += SECOND_NS / 5 - 1));
    assert_true(pulse_admits(&pulse, &limits, now += 1));
    now += 100 * SECOND_NS;
    for (int i = 0; i < 10; i++)
        assert_true(pulse_admits(&pulse, &limits, now));
    assert_false(pulse_admits(&pulse, &limits, now));
}

/* How many is configured. */
TEST(pulse, messages_per_second_are_configured)
{
    start();
    limits.messages_per_second = 1;
    assert_true(pulse_admits(&pulse, &limits, T0) && pulse_admits(&pulse, &limits, T0));
    assert_false(pulse_admits(&pulse, &limits, T0));
    assert_false(pulse_admits(&pulse, &limits, T0 + SECOND_NS - 1));
    assert_true(pulse_admits(&pulse, &limits, T0 + SECOND_NS));
}

/* At `after_ns` since the beginning, when the wall clock shows as much. */
static enum pulse_due tick(uint64_t after_ns, char ping[PULSE_PING_BYTES + 1])
{
    size_t byte_count;
    const enum pulse_due due =
        pulse_tick(&pulse, &limits, T0 + after_ns, WALL_MS + after_ns / 1000000, ping, &byte_count);
    ping[byte_count] = '\0';
    return due;
}

static bool pong(const char *text)
{
    return pulse_pong(&pulse, (const uint8_t *)text, strlen(text));
}

/* A ping every 20 s with the time in it; one unanswered for 60 s ends it. A pong to nothing does not help. */
TEST(pulse, silence_ends_it)
{
    char ping[PULSE_PING_BYTES + 1];
    start();
    assert_int_equal(tick(20 * SECOND_NS - 1, ping), PULSE_DUE_NOTHING);
    assert_int_equal(tick(20 * SECOND_NS, ping), PULSE_DUE_PING);
    assert_string_equal(ping, "1700000020000");
    assert_false(pong(""));
    assert_false(pong("1"));
    assert_int_equal(tick(40 * SECOND_NS, ping), PULSE_DUE_PING);
    assert_int_equal(tick(60 * SECOND_NS, ping), PULSE_DUE_PING);
    assert_int_equal(tick(80 * SECOND_NS - 1, ping), PULSE_DUE_NOTHING);
    assert_int_equal(tick(80 * SECOND_NS, ping), PULSE_DUE_SILENT);
}

/* What was not listened to is not held against a client: that time is not counted. */
TEST(pulse, pause_is_no_silence)
{
    char ping[PULSE_PING_BYTES + 1];
    start();
    assert_int_equal(tick(20 * SECOND_NS, ping), PULSE_DUE_PING);
    pulse_excuse(&pulse, 50 * SECOND_NS);
    assert_int_equal(tick(80 * SECOND_NS, ping), PULSE_DUE_PING);
    assert_int_equal(tick(130 * SECOND_NS - 1, ping), PULSE_DUE_PING);
    assert_int_equal(tick(130 * SECOND_NS, ping), PULSE_DUE_SILENT);
}

/* However many pings fit into the minute, it is counted from the oldest, and the newest may be answered. */
TEST(pulse, more_pings_than_are_remembered)
{
    char ping[PULSE_PING_BYTES + 1];
    start();
    limits.ping_ns = SECOND_NS;
    for (uint64_t second = 1; second <= 60; second++)
        assert_int_equal(tick(second * SECOND_NS, ping), PULSE_DUE_PING);
    assert_int_equal(tick(61 * SECOND_NS, ping), PULSE_DUE_SILENT);
    assert_true(pong("1700000060000"));
    assert_int_equal(tick(61 * SECOND_NS, ping), PULSE_DUE_PING);
    assert_int_equal(pulse.ping_count, 1);
}

/* An answer to the newest ping answers the older ones; it may go on until 24 hours are over, and ten minutes before
 * that the client is told, once. */
TEST(pulse, pongs_keep_it_alive_for_24_hours)
{
    char ping[PULSE_PING_BYTES + 1];
    uint64_t notices = 0, after_ns = 40 * SECOND_NS;
    start();
    assert_int_equal(tick(20 * SECOND_NS, ping), PULSE_DUE_PING);
    for (; after_ns < limits.life_ns; after_ns += 20 * SECOND_NS) {
        enum pulse_due due = tick(after_ns, ping);
        if (due == PULSE_DUE_NOTICE) {
            notices++;
            assert_int_equal(after_ns, limits.life_ns - 600 * SECOND_NS);
            due = tick(after_ns, ping);
        }
        assert_int_equal(due, PULSE_DUE_PING);
        assert_true(pong(ping));
        assert_int_equal(pulse.ping_count, 0);
    }
    assert_int_equal(notices, 1);
    assert_int_equal(tick(after_ns, ping), PULSE_DUE_OLD);
    pulse_end(&pulse, T0 + after_ns);
    assert_int_equal(tick(after_ns, ping), PULSE_DUE_NOTHING);
}

/* A life shorter than its notice: told at once, ended in time. */
TEST(pulse, short_lives_are_noticed_at_once)
{
    char ping[PULSE_PING_BYTES + 1];
    start();
    limits.life_ns = 5 * SECOND_NS;
    assert_int_equal(tick(0, ping), PULSE_DUE_NOTICE);
    assert_int_equal(tick(5 * SECOND_NS - 1, ping), PULSE_DUE_NOTHING);
    assert_int_equal(tick(5 * SECOND_NS, ping), PULSE_DUE_OLD);
}
