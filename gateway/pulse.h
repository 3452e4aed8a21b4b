/* A WebSocket connection's life: asked for signs of it, metered, told ahead of its end, and ended.
 *
 *     OPEN ──our close frame is queued──► CLOSING ──socket gone──► (freed)
 *
 * A client is sent a ping every ping_ns with the time in it, and is closed when one has gone unanswered for pong_ns.
 * After life_ns the connection ends; notice_ns before that the client is told. What it sends is metered: up to
 * PULSE_BURST seconds' worth at once, messages_per_second in the long run.
 *
 * Owner    one gateway loop
 * Memory   embedded by the caller
 */

#ifndef GATEWAY_PULSE_H
#define GATEWAY_PULSE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PULSE_BURST      2  /* seconds' worth of messages */
#define PULSE_PINGS_MAX  4  /* remembered while they are not answered: the oldest and the newest */
#define PULSE_PING_BYTES 20 /* digits of a time */

struct pulse_limits {
    uint64_t ping_ns;
    uint64_t pong_ns;
    uint64_t life_ns;
    uint64_t notice_ns;
    uint32_t messages_per_second; /* at least 1 */
};

/* 20 s, 60 s, 24 hours with 10 minutes' notice; 5 messages a second. */
struct pulse_limits pulse_limits_default(void);

enum pulse_state { PULSE_OPEN, PULSE_CLOSING };

struct pulse_ping {
    uint64_t asked_ns;
    uint64_t said_ms; /* the time in it */
};

/* Times in ns of a clock that never steps back. */
struct pulse {
    uint8_t state; /* enum pulse_state */
    bool has_notice;
    uint8_t ping_count;
    uint64_t opened_ns;
    uint64_t closing_ns;
    uint64_t credit_ns;                       /* message allowance, as time saved up */
    uint64_t credited_ns;                     /* when it was last topped up */
    uint64_t asked_ns;                        /* the last ping */
    struct pulse_ping pings[PULSE_PINGS_MAX]; /* not answered, oldest first */
};

void pulse_start(struct pulse *pulse, const struct pulse_limits *limits, uint64_t now_ns);

/* Counts an incoming message; false when there were too many: close with 1008. */
MUST_CHECK bool pulse_admits(struct pulse *pulse, const struct pulse_limits *limits,
                             uint64_t now_ns);

/* A pong came; whether it answers one of our pings. RFC 6455 5.5.3 allows others: they change nothing. */
bool pulse_pong(struct pulse *pulse, const uint8_t *payload, size_t payload_bytes);

/* So long nothing was read of what it sent: no pong was missed in that time. */
void pulse_excuse(struct pulse *pulse, uint64_t silent_ns);

enum pulse_due {
    PULSE_DUE_NOTHING,
    PULSE_DUE_PING,   /* send `ping` */
    PULSE_DUE_NOTICE, /* say that the end comes; once */
    PULSE_DUE_SILENT, /* close: no pong */
    PULSE_DUE_OLD,    /* close: its time is over */
};

/* What time has made due. `wall_ms` is the time to say in a ping, since the epoch. */
enum pulse_due pulse_tick(struct pulse *pulse, const struct pulse_limits *limits, uint64_t now_ns,
                          uint64_t wall_ms, char ping[PULSE_PING_BYTES], size_t *ping_bytes);

/* Our close frame is on its way. */
void pulse_end(struct pulse *pulse, uint64_t now_ns);

#endif /* GATEWAY_PULSE_H */
