#include "engine/loop.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/batch.h"
#include "common/le.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/ring.h"
#include "engine/ahead.h"
#include "engine/match.h"

#include <inttypes.h>

#define IDLE_SLEEP_MS   100 /* how soon a stop is noticed when nobody wakes us */
#define OUTPUT_SLEEP_MS 1
#define OUTPUT_SPINS    20000 /* some 300 us: a consumer at work has made room by then */

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
    if (!ring_publish(loop->outputs[output])) return;
    loop->parks++;
    park_wake(loop->output_parks[output]);
}

/* Waits for room on an output. NULL: the node stops, and the consumer has not moved for
 * OUTPUT_PATIENCE_MS. */
static uint8_t *output_wait(struct engine_loop *loop, uint32_t output, size_t byte_count)
{
    struct ring *ring = loop->outputs[output];
    size_t used = ring_used(ring);
    uint32_t patience_ms = OUTPUT_PATIENCE_MS, spins = 0;
    uint8_t *record;

    output_publish(loop, output); /* what is full must be seen, or nobody would empty it */
    while ((record = ring_reserve(ring, byte_count)) == NULL) {
        if (spins++ < OUTPUT_SPINS) {
            park_pause();
            continue;
        }
        loop->parks++;
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

static uint8_t *output_reserve(struct engine_loop *loop, uint32_t output, size_t byte_count)
{
    uint8_t *record = ring_reserve(loop->outputs[output], byte_count);
    return record != NULL ? record : output_wait(loop, output, byte_count);
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

/* Copies the part to the outputs from `output` on. */
static bool part_hand_out(struct engine_loop *loop, uint32_t output, const struct applied *part)
{
    for (; output < loop->output_count; output++) {
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

/* Hands out a command whose events did not fit into one record, in parts. */
static bool parts_hand_out(struct engine_loop *loop, const struct applied *whole)
{
    struct parting parting = {
        .part = *whole,
        .at = whole->events,
        .end = whole->events + whole->events_length,
    };
    parting.part.flags = APPLIED_FIRST;
    do { /* ends: each part takes an event, at least */
        part_fill(&parting);
        if (!part_hand_out(loop, 0, &parting.part)) return false;
        parting.part.command_length = 0;
        parting.part.flags = 0;
    } while (parting.at != parting.end);
    return true;
}

bool engine_loop_step(struct engine_loop *loop, const struct command *command, uint64_t stamp_ns,
                      uint32_t client_hash)
{
    /* The first output's record is written in place, the others are copies of it. */
    uint8_t *record = output_reserve(loop, 0, APPLIED_PART_MAX);
    if (record == NULL) return false;
    struct applied whole = {
        .number = engine_last_command(loop->engine) + 1,
        .stamp_ns = stamp_ns,
        .command_length = command->header.length,
        .flags = APPLIED_FIRST | APPLIED_LAST,
        .command = command->payload - COMMAND_HEADER_BYTES,
    };
    uint8_t *at = record + APPLIED_HEADER_BYTES;
    uint8_t *const events = le_put_bytes(at, whole.command, whole.command_length);
    struct event_writer out = {
        .at = events,
        .end = record + APPLIED_PART_MAX,
        .begin = events,
        .overflow = loop->overflow.bytes,
        .overflow_end = loop->overflow.bytes + loop->overflow.capacity,
    };
    match_step_ahead(loop->engine, command, whole.number, stamp_ns, client_hash, &out);

    whole.events = out.begin;
    whole.events_length = (uint32_t)(out.at - out.begin);
    whole.event_count = out.count;
    if (out.overflow == NULL) return parts_hand_out(loop, &whole);
    applied_header_put(record, &whole);
    ring_commit(loop->outputs[0], part_bytes(&whole));
    return part_hand_out(loop, 1, &whole);
}

/* From the last one on: clients wait for what gateways answer, and a wake of the anchor would keep them waiting. */
void engine_loop_publish(struct engine_loop *loop)
{
    for (uint32_t output = loop->output_count; output > 0; output--)
        output_publish(loop, output - 1);
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

/* Tells of a SEAL, unless it was for another height and thus nothing. */
static void block_ended(const struct engine_loop *loop)
{
    const uint64_t height = engine_sealed_height(loop->engine);
    if (loop->sealed != NULL &&
        engine_last_command(loop->engine) == engine_sealed_command(loop->engine))
        loop->sealed(loop->sealed_context, height);
}

/* Steps the batch's commands; some way ahead of them, asks for what they will touch. A batch that does
 * not end where it says is damage: what was stepped before it is what the log says, too. */
static enum status commands_step(struct engine_loop *loop, const struct batch_header *header,
                                 const uint8_t *at, const uint8_t *end)
{
    struct ahead ahead = ahead_begin(loop->engine, at, end);
    for (uint32_t i = 0; i < header->command_count; i++) {
        struct command command;
        if (!batch_next(&at, end, &command)) return STATUS_DAMAGED;
        const uint32_t client_hash = ahead_next(&ahead);
        if (!engine_loop_step(loop, &command, header->stamp_ns, client_hash))
            return STATUS_STOPPING;
        if (command.header.type == T_SEAL) block_ended(loop);
    }
    return at == end ? STATUS_OK : STATUS_DAMAGED;
}

enum status engine_loop_batch(struct engine_loop *loop, const uint8_t *record, size_t record_bytes)
{
    struct batch_header header;
    const uint8_t *bytes = record + sizeof(uint64_t);
    enum status status = STATUS_DAMAGED;
    if (record_bytes >= sizeof(uint64_t) + BATCH_HEADER_BYTES &&
        batch_header_get(bytes, record_bytes - sizeof(uint64_t), &header))
        status = commands_step(loop, &header, bytes + BATCH_HEADER_BYTES, record + record_bytes);
    if (status == STATUS_DAMAGED)
        log_error("engine", "a delivered log entry is no batch", "bytes=%zu after_command=%" PRIu64,
                  record_bytes, engine_last_command(loop->engine));
    engine_loop_publish(loop);
    figures_update(loop, engine_last_command(loop->engine));
    return status;
}

/* Sleeps until there may be a batch. */
static void batch_await(struct engine_loop *loop)
{
    if (!ring_sleepy(loop->batches)) return;
    loop->parks++;
    park_sleep(loop->park, IDLE_SLEEP_MS);
    ring_awake(loop->batches);
}

static enum status batches_run(struct engine_loop *loop)
{
    for (;;) {
        /* Read before the ring: what was delivered before the stop is still applied. */
        const bool stopping = is_stopping(loop);
        size_t record_bytes;
        const uint8_t *record = ring_peek(loop->batches, &record_bytes);
        if (record != NULL) {
            const enum status status = engine_loop_batch(loop, record, record_bytes);
            if (status != STATUS_OK) return status;
            ring_pop(loop->batches);
            ring_release(loop->batches);
            park_busy(loop->park);
        } else if (stopping) {
            return STATUS_OK;
        } else if (!park_looks(loop->park)) {
            batch_await(loop);
        }
    }
}

bool engine_loop_open(struct engine_loop *loop)
{
    ASSERT(loop->output_count >= 1 && loop->output_count <= ENGINE_OUTPUTS_LIMIT);
    for (uint32_t output = 0; output < loop->output_count; output++)
        ASSERT(ring_record_max(loop->outputs[output]) >= APPLIED_PART_MAX);

    if (arena_map(&loop->overflow, engine_event_bytes_max(loop->engine))) return true;
    log_error("engine", "no memory for events", "bytes=%zu", engine_event_bytes_max(loop->engine));
    return false;
}

void engine_loop_close(struct engine_loop *loop)
{
    arena_unmap(&loop->overflow);
}

enum status engine_loop_run(struct engine_loop *loop)
{
    if (!engine_loop_open(loop)) return STATUS_NO_MEMORY;
    const enum status status = batches_run(loop);
    engine_loop_close(loop);
    return status;
}
