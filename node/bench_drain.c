#include "node/bench_drain.h"

#include "common/applied.h"
#include "common/le.h"
#include "common/park.h"

#include <string.h>

#define LANES 4

/* Four multiplications that do not wait for one another: fast enough to keep up, and every bit counts. */
static uint64_t bytes_hash(uint64_t seed, const uint8_t *bytes, size_t byte_count)
{
    uint64_t lanes[LANES] = {seed, seed ^ 1, seed ^ 2, seed ^ byte_count};
    size_t at = 0;
    for (; at + 8 * LANES <= byte_count; at += 8 * LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] =
                (lanes[lane] ^ le_get_u64(bytes + at + 8 * lane)) * UINT64_C(0x9FB21C651E98DF25);
    uint8_t rest[8 * LANES] = {0};
    memcpy(rest, bytes + at, byte_count - at);
    uint64_t hash = 0;
    for (size_t lane = 0; lane < LANES; lane++) {
        lanes[lane] = (lanes[lane] ^ le_get_u64(rest + 8 * lane)) * UINT64_C(0x9FB21C651E98DF25);
        hash = (hash ^ lanes[lane] ^ (lanes[lane] >> 29)) * UINT64_C(0xC2B2AE3D27D4EB4F);
    }
    return hash;
}

static void fill_count(struct bench_outcome *outcome, const uint8_t *payload)
{
    struct fill_event fill;
    fill_event_get(payload, &fill);
    outcome->trades++;
    outcome->quantity += (uint64_t)fill.qty.lots;
    outcome->end_quantity -= (uint64_t)fill.qty.lots;
    outcome->digest = flow_digest(outcome->digest, fill.maker_order, fill.taker_order,
                                  (uint64_t)fill.price.ticks, (uint64_t)fill.qty.lots);
}

/* An order that may rest does, until its last word; what it trades is counted by its fills. */
static void event_count(struct bench_drain *drain, const struct event *event)
{
    struct bench_outcome *outcome = &drain->outcome;
    if (event->type == T_FILL) {
        fill_count(outcome, event->payload);
    } else if (event->type == T_ORDER_ACCEPTED) {
        struct order_accepted_event accepted;
        order_accepted_event_get(event->payload, &accepted);
        outcome->end_orders++;
        /* A taker's fills take its quantity off, and its maker's. */
        outcome->end_quantity += (uint64_t)accepted.qty.lots;
        if (accepted.time_in_force == IOC) outcome->end_quantity -= (uint64_t)accepted.qty.lots;
    } else if (event->type == T_ORDER_DONE) {
        struct order_done_event done;
        order_done_event_get(event->payload, &done);
        outcome->end_orders--;
        if (done.time_in_force != IOC)
            outcome->end_quantity -= (uint64_t)(done.qty.lots - done.executed.lots);
    } else if (event->type == T_REFUSED || event->type == T_NOOP) {
        drain->refused++;
    }
}

static void record_drain(struct bench_drain *drain, const uint8_t *record, size_t byte_count)
{
    struct applied applied;
    const uint8_t *at = record;
    const bool whole = applied_next(&at, record + byte_count, &applied);
    ASSERT(whole);
    drain->hash = bytes_hash(drain->hash, record, byte_count);
    drain->bytes += byte_count;
    drain->events += applied.event_count;
    if ((applied.flags & APPLIED_LAST) != 0) drain->commands = applied.number;

    const uint8_t *events = applied.events, *const end = events + applied.events_length;
    struct event event;
    while (event_next(&events, end, &event))
        event_count(drain, &event);
}

void bench_drain_run(struct bench_drain *drain)
{
    drain->outcome.digest = FLOW_DIGEST_START;
    uint32_t drained = 0;
    for (;;) {
        size_t byte_count;
        const uint8_t *record = ring_peek(drain->ring, &byte_count);
        if (record != NULL) {
            record_drain(drain, record, byte_count);
            ring_pop(drain->ring);
            if (++drained % 16 == 0) ring_release(drain->ring);
            continue;
        }
        ring_release(drain->ring);
        /* acquire: pairs with the producer's release when it has stepped its last command. */
        const uint64_t last = atomic_load_explicit(&drain->last_command, memory_order_acquire);
        if (last != 0 && drain->commands == last) return;
        park_pause();
    }
}
