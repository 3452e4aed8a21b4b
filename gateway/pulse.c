#include "gateway/pulse.h"

#include "gateway/text.h"

#include <string.h>

#define SECOND_NS 1000000000ull

struct pulse_limits pulse_limits_default(void)
{
    return (struct pulse_limits){.ping_ns = 20 * SECOND_NS,
                                 .pong_ns = 60 * SECOND_NS,
                                 .life_ns = 24 * 3600 * SECOND_NS,
                                 .notice_ns = 600 * SECOND_NS,
                                 .messages_per_second = 5};
}

void pulse_start(struct pulse *pulse, const struct pulse_limits *limits, uint64_t now_ns)
{
    ASSERT(limits->messages_per_second > 0);
    *pulse = (struct pulse){.state = PULSE_OPEN,
                            .opened_ns = now_ns,
                            .credit_ns = PULSE_BURST * SECOND_NS,
                            .credited_ns = now_ns,
                            .asked_ns = now_ns};
}

bool pulse_admits(struct pulse *pulse, const struct pulse_limits *limits, uint64_t now_ns)
{
    /* Time saved up, at most a burst's worth; a message costs its share of a second. */
    const uint64_t message_ns = SECOND_NS / limits->messages_per_second;
    if (now_ns > pulse->credited_ns) pulse->credit_ns += now_ns - pulse->credited_ns;
    pulse->credited_ns = now_ns;
    if (pulse->credit_ns > PULSE_BURST * SECOND_NS) pulse->credit_ns = PULSE_BURST * SECOND_NS;
    if (pulse->credit_ns < message_ns) return false;
    pulse->credit_ns -= message_ns;
    return true;
}

static size_t ping_text(uint64_t said_ms, char text[PULSE_PING_BYTES])
{
    struct text digits = text_over(text, PULSE_PING_BYTES);
    text_u64(&digits, said_ms);
    return digits.used;
}

static void forget_pings(struct pulse *pulse, uint32_t first, uint32_t count)
{
    pulse->ping_count = (uint8_t)(pulse->ping_count - count);
    memmove(pulse->pings + first, pulse->pings + first + count,
            (pulse->ping_count - first) * sizeof(pulse->pings[0]));
}

bool pulse_pong(struct pulse *pulse, const uint8_t *payload, size_t payload_bytes)
{
    for (uint32_t i = pulse->ping_count; i-- > 0;) {
        char text[PULSE_PING_BYTES];
        const size_t bytes = ping_text(pulse->pings[i].said_ms, text);
        if (bytes != payload_bytes || memcmp(text, payload, bytes) != 0) continue;
        forget_pings(pulse, 0, i + 1); /* an answer to a ping answers those before it */
        return true;
    }
    return false;
}

void pulse_excuse(struct pulse *pulse, uint64_t silent_ns)
{
    for (uint32_t i = 0; i < pulse->ping_count; i++)
        pulse->pings[i].asked_ns += silent_ns;
}

/* The oldest stays, because silence is counted from it. */
static void remember_ping(struct pulse *pulse, uint64_t now_ns, uint64_t wall_ms)
{
    if (pulse->ping_count == PULSE_PINGS_MAX) forget_pings(pulse, 1, 1);
    pulse->pings[pulse->ping_count++] = (struct pulse_ping){now_ns, wall_ms};
    pulse->asked_ns = now_ns;
}

enum pulse_due pulse_tick(struct pulse *pulse, const struct pulse_limits *limits, uint64_t now_ns,
                          uint64_t wall_ms, char ping[PULSE_PING_BYTES], size_t *ping_bytes)
{
    const uint64_t age_ns = now_ns - pulse->opened_ns;
    *ping_bytes = 0;
    if (pulse->state == PULSE_CLOSING) return PULSE_DUE_NOTHING;
    if (age_ns >= limits->life_ns) return PULSE_DUE_OLD;
    if (pulse->ping_count > 0 && now_ns - pulse->pings[0].asked_ns >= limits->pong_ns) {
        return PULSE_DUE_SILENT;
    }
    if (!pulse->has_notice && age_ns + limits->notice_ns >= limits->life_ns) {
        pulse->has_notice = true;
        return PULSE_DUE_NOTICE;
    }
    if (now_ns - pulse->asked_ns < limits->ping_ns) return PULSE_DUE_NOTHING;
    remember_ping(pulse, now_ns, wall_ms);
    *ping_bytes = ping_text(wall_ms, ping);
    return PULSE_DUE_PING;
}

void pulse_end(struct pulse *pulse, uint64_t now_ns)
{
    ASSERT(pulse->state == PULSE_OPEN);
    pulse->state = PULSE_CLOSING;
    pulse->closing_ns = now_ns;
}
