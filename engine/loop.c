#include "engine/loop.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/batch.h"
#include "common/le.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/ring.h"
#include "engine/match.h"

#include <inttypes.h>

#define IDLE_SLEEP_MS   100 /* how soon a stop is noticed when nobody wakes us */
#define OUTPUT_SLEEP_MS 1

/* What leaves the loop for one command, cut into parts. */
struct parting {
    struct applied part; /* header of the part in hand */
    const uint8_t *at;   /* events not yet handed out */
    const uint8_t *end;
};

static bool is_stopping(const struct engine_loop *loop)
{
    /* acquire: pairs with the release of whoever stops the node. */
    return atomic_load_explicit(&loop->progress->stopping, memory_order_acquire) != 0;
}

static void output_publish(struct engine_loop *loop, uint32_t output)
{
    if (ring_publish(loop->outputs[output])) park_wake(loop->output_parks[output]);
}

/* Room on an output, waited for. NULL: the node stops, and the consumer has not moved for
 * OUTPUT_PATIENCE_MS. */
static uint8_t *output_reserve(struct engine_loop *loop, uint32_t output, size_t byte_count)
{
    struct ring *ring = loop->outputs[output];
    size_t used = ring_used(ring);
    uint32_t patience_ms = OUTPUT_PATIENCE_MS;
    uint8_t *record;

    while ((record = ring_reserve(ring, byte_count)) == NULL) {
        output_publish(loop, output); /* what is full must be seen, or nobody would empty it */
        park_sleep(loop->park, OUTPUT_SLEEP_MS);
        const size_t used_now = ring_used(ring);
        if (used_now != used || !is_stopping(loop))
            patience_ms = OUTPUT_PATIENCE_MS;
        else if (patience_ms-- == 0)
            return NULL;
        used = used_now;
    }
    return record;
}

static size_t part_bytes(const struct applied *part)
{
    return APPLIED_HEADER_BYTES + part->command_length + part->events_length;
}

/* Moves the part to the next run of whole events that fits. */
static void part_fill(struct parting *parting)
{
    struct applied *part = &parting->part;
    part->events = parting->at;
    part->events_length = 0;
    part->event_count = 0;

    const size_t room = APPLIED_PART_MAX - part_bytes(part);
    struct event event;
    for (const uint8_t *next = parting->at; event_next(&next, parting->end, &event);) {
        if ((size_t)(next - part->events) > room) break;
        parting->at = next;
        part->event_count++;
    }
    part->events_length = (uint32_t)(parting->at - part->events);
    if (parting->at == parting->end) part->flags |= APPLIED_LAST;
    ASSERT(part->event_count > 0 || parting->at == parting->end);
}

static bool part_hand_out(struct engine_loop *loop, const struct applied *part)
{
    for (uint32_t output = 0; output < loop->output_count; output++) {
        uint8_t *record = output_reserve(loop, output, part_bytes(part));
        if (record == NULL) return false;
        applied_header_put(record, part);
        uint8_t *at = record + APPLIED_HEADER_BYTES;
        at = le_put_bytes(at, part->command, part->command_length);
        le_put_bytes(at, part->events, part->events_length);
        ring_commit(loop->outputs[output], part_bytes(part));
    }
    return true;
}

/* Hands the command in hand and the events in [events, end) to every output. */
static bool applied_hand_out(struct engine_loop *loop, const struct command *command,
                             uint64_t number, uint64_t stamp_ns, const uint8_t *events,
                             const uint8_t *end)
{
    struct parting parting = {
        .part = {.number = number,
                 .stamp_ns = stamp_ns,
                 .command_length = command->header.length,
                 .flags = APPLIED_FIRST,
                 .command = command->payload - COMMAND_HEADER_BYTES},
        .at = events,
        .end = end,
    };
    do { /* ends: each part takes an event, at least */
        part_fill(&parting);
        if (!part_hand_out(loop, &parting.part)) return false;
        parting.part.command_length = 0;
        parting.part.flags = 0;
    } while (parting.at != end);
    return true;
}

static void figures_update(struct engine_loop *loop, uint64_t number)
{
    const struct engine_counts counts = engine_counts(loop->engine);
    metric_set(&loop->metrics->commands_total, counts.commands);
    metric_set(&loop->metrics->refusals_total, counts.refusals);
    metric_set(&loop->metrics->fills_total, counts.fills);
    metric_set(&loop->metrics->open_orders, counts.open_orders);
    metric_set(&loop->metrics->last_command, number);
    /* release: the batch's parts were published before. Pairs with the acquire of who waits for a
     * command to be applied. */
    atomic_store_explicit(&loop->progress->applied_command, number, memory_order_release);
}

static enum status batch_apply(struct engine_loop *loop, struct arena *events,
                               const uint8_t *record, size_t record_bytes)
{
    struct batch_header header;
    const uint8_t *bytes = record + sizeof(uint64_t);
    if (record_bytes < sizeof(uint64_t) ||
        !batch_check(bytes, record_bytes - sizeof(uint64_t), &header)) {
        log_error("engine", "a delivered log entry is no batch", "bytes=%zu after_command=%" PRIu64,
                  record_bytes, engine_last_command(loop->engine));
        return STATUS_DAMAGED;
    }

    const uint8_t *at = bytes + BATCH_HEADER_BYTES, *const end = record + record_bytes;
    struct command command;
    while (batch_next(&at, end, &command)) {
        const uint64_t number = engine_last_command(loop->engine) + 1;
        struct event_writer out = {.at = events->bytes, .end = events->bytes + events->capacity};
        match_step(loop->engine, &command, number, header.stamp_ns, &out);
        if (!applied_hand_out(loop, &command, number, header.stamp_ns, events->bytes, out.at))
            return STATUS_STOPPING;
    }
    for (uint32_t output = 0; output < loop->output_count; output++)
        output_publish(loop, output);
    figures_update(loop, engine_last_command(loop->engine));
    return STATUS_OK;
}

/* Sleeps until there may be a batch. */
static void batch_await(struct engine_loop *loop)
{
    if (!ring_sleepy(loop->batches)) return;
    park_sleep(loop->park, IDLE_SLEEP_MS);
    ring_awake(loop->batches);
}

static enum status batches_run(struct engine_loop *loop, struct arena *events)
{
    for (;;) {
        /* Read before the ring: what was delivered before the stop is still applied. */
        const bool stopping = is_stopping(loop);
        size_t record_bytes;
        const uint8_t *record = ring_peek(loop->batches, &record_bytes);
        if (record != NULL) {
            const enum status status = batch_apply(loop, events, record, record_bytes);
            if (status != STATUS_OK) return status;
            ring_pop(loop->batches);
            ring_release(loop->batches);
        } else if (stopping) {
            return STATUS_OK;
        } else {
            batch_await(loop);
        }
    }
}

enum status engine_loop_run(struct engine_loop *loop)
{
    ASSERT(loop->output_count <= ENGINE_OUTPUTS_LIMIT);
    for (uint32_t output = 0; output < loop->output_count; output++)
        ASSERT(ring_record_max(loop->outputs[output]) >= APPLIED_PART_MAX);

    struct arena events;
    if (!arena_map(&events, engine_event_bytes_max(loop->engine))) {
        log_error("engine", "no memory for events", "bytes=%zu",
                  engine_event_bytes_max(loop->engine));
        return STATUS_NO_MEMORY;
    }
    const enum status status = batches_run(loop, &events);
    arena_unmap(&events);
    return status;
}
