#include "tests/harness.h"

#include "common/applied.h"
#include "common/batch.h"
#include "common/le.h"
#include "common/metrics.h"
#include "common/ring.h"
#include "engine/loop.h"
#include "tests/unit/engine/world.h"

#include <pthread.h>

#define RING_BYTES (512 * 1024)

struct loop_world {
    struct world world;
    struct arena memory;
    struct engine_loop loop;
    struct park park, output_park;
    struct metrics metrics;
    struct progress progress;
    pthread_t thread;
    enum status result;
    uint64_t index; /* of the next batch */
};

static void loop_prepare(struct loop_world *loop)
{
    *loop = (struct loop_world){.index = 1};
    world_prepare(&loop->world);
    loop->world.genesis.params.orders_max = loop->world.genesis.params.levels_max = 4001;
    loop->world.genesis.params.markets[0].account_orders_max = 4001;
    world_open(&loop->world);
    assert_true(arena_map(&loop->memory, 3 * (ring_bytes(RING_BYTES) + 64)));
    assert_true(park_open(&loop->park));
    assert_true(park_open(&loop->output_park));
    loop->loop = (struct engine_loop){
        .genesis = &loop->world.genesis,
        .engine = loop->world.engine,
        .batches = ring_new(arena_take(&loop->memory, ring_bytes(RING_BYTES)), RING_BYTES),
        .park = &loop->park,
        .outputs = {ring_new(arena_take(&loop->memory, ring_bytes(RING_BYTES)), RING_BYTES)},
        .output_parks = {&loop->output_park},
        .output_count = 1,
        .metrics = &loop->metrics,
        .progress = &loop->progress,
    };
}

static void *loop_main(void *argument)
{
    struct loop_world *loop = argument;
    loop->result = engine_loop_run(&loop->loop);
    return NULL;
}

static void loop_start(struct loop_world *loop)
{
    assert_int_equal(pthread_create(&loop->thread, NULL, loop_main, loop), 0);
}

static enum status loop_stop(struct loop_world *loop)
{
    atomic_store_explicit(&loop->progress.stopping, 1, memory_order_release);
    park_wake(&loop->park);
    assert_int_equal(pthread_join(loop->thread, NULL), 0);
    return loop->result;
}

static void loop_close(struct loop_world *loop)
{
    park_close(&loop->park);
    park_close(&loop->output_park);
    arena_unmap(&loop->memory);
    world_close(&loop->world);
}

static uint8_t *command_put(uint8_t *at, uint16_t type, const uint8_t *payload)
{
    const size_t payload_bytes = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes), .type = type};
    command_header_put(at, &header);
    return le_put_bytes(at + COMMAND_HEADER_BYTES, payload, payload_bytes);
}

/* Delivers commands that lie back to back as one batch, waiting for room. Returns whether the loop wanted to be woken. */
static bool deliver(struct loop_world *loop, const uint8_t *commands, size_t byte_count,
                    uint32_t count)
{
    const size_t record_bytes = sizeof(uint64_t) + BATCH_HEADER_BYTES + byte_count;
    uint8_t *record;
    while ((record = ring_reserve(loop->loop.batches, record_bytes)) == NULL)
        park_sleep(&loop->output_park, 1);
    uint8_t *at = le_put_u64(record, loop->index++);
    batch_header_put(at, &(struct batch_header){.command_count = count, .stamp_ns = 5});
    le_put_bytes(at + BATCH_HEADER_BYTES, commands, byte_count);
    ring_commit(loop->loop.batches, record_bytes);
    const bool sleeps = ring_publish(loop->loop.batches);
    if (sleeps) park_wake(&loop->park);
    return sleeps;
}

static size_t order_put(uint8_t *at, struct order_place_command place)
{
    uint8_t payload[ORDER_PLACE_BYTES];
    order_place_command_put(payload, &place);
    return (size_t)(command_put(at, T_ORDER_PLACE, payload) - at);
}

/* The next part on the output, waited for. It stays good until part_done. */
static struct applied part_await(struct loop_world *loop)
{
    struct applied part;
    size_t byte_count;
    const uint8_t *record;
    for (int i = 0; (record = ring_peek(loop->loop.outputs[0], &byte_count)) == NULL; i++) {
        assert_true(i < 10000);
        if (ring_sleepy(loop->loop.outputs[0])) park_sleep(&loop->output_park, 1);
        ring_awake(loop->loop.outputs[0]);
    }
    assert_true(byte_count <= APPLIED_PART_MAX);
    const uint8_t *at = record;
    assert_true(applied_next(&at, record + byte_count, &part));
    assert_ptr_equal(at, record + byte_count);
    return part;
}

static void part_done(struct loop_world *loop)
{
    ring_pop(loop->loop.outputs[0]);
    ring_release(loop->loop.outputs[0]);
}

/* Two accounts with plenty, before the loop's thread starts; numbers go on from there. */
static void loop_fund(struct loop_world *loop)
{
    world_account(&loop->world, 1, 1000000, 0);
    world_account(&loop->world, 1, 0, 100000000);
}

/* Numbers are consecutive over batches; each part carries its command; progress follows the output. */
TEST(loop, every_command_leaves_with_its_number_and_events)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    loop_prepare(&loop);
    loop_fund(&loop);
    const uint64_t before = loop.world.number;
    size_t used = order_put(bytes, world_limit(1, SELL, 5, 100));
    used += order_put(bytes + used, world_limit(2, BUY, 2, 100));
    deliver(&loop, bytes, used, 2);
    deliver(&loop, bytes, order_put(bytes, world_limit(0, BUY, 2, 100)), 1);
    loop_start(&loop);

    for (uint64_t i = 1; i <= 3; i++) {
        const struct applied part = part_await(&loop);
        assert_int_equal(part.number, before + i);
        assert_int_equal(part.stamp_ns, 5);
        assert_int_equal(part.flags, APPLIED_FIRST | APPLIED_LAST);
        struct command command;
        assert_true(command_decode(part.command, part.command_length, &command));
        assert_int_equal(command.header.type, T_ORDER_PLACE);
        assert_int_equal(part.event_count, i == 1 ? 3 : i == 2 ? 8 : 1);
        part_done(&loop);
    }
    assert_int_equal(loop_stop(&loop), STATUS_OK);
    assert_int_equal(atomic_load(&loop.progress.applied_command), before + 3);
    assert_int_equal(metric_get(&loop.metrics.fills_total), 1);
    assert_int_equal(metric_get(&loop.metrics.refusals_total), 1);
    assert_int_equal(metric_get(&loop.metrics.open_orders), 1);
    assert_int_equal(metric_get(&loop.metrics.last_command), before + 3);
    loop_close(&loop);
}

/* A command with more events than a part holds comes in several, whole events each, command first; and a
 * consumer that sleeps through a full ring loses none of them. */
TEST(loop, long_commands_come_in_parts_and_a_full_output_waits)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    loop_prepare(&loop);
    loop_fund(&loop);
    loop_start(&loop);
    enum { MAKERS = 4000, ROUNDS = 3 };
    uint64_t number = loop.world.number;
    uint32_t fills = 0, most_parts = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MAKERS; i++) {
            deliver(&loop, bytes, order_put(bytes, world_limit(1, SELL, 1, 1 + i)), 1);
            const struct applied part = part_await(&loop);
            assert_int_equal(part.number, ++number);
            part_done(&loop);
        }
        /* 820 KiB of events into a ring of 512: a batch is published at its end, so what shows before
         * was shown because the ring was full. */
        deliver(&loop, bytes, order_put(bytes, world_limit(2, BUY, MAKERS, 4000)), 1);
        for (int i = 0; ring_used(loop.loop.outputs[0]) < RING_BYTES / 2; i++) {
            assert_true(i < 10000);
            park_sleep(&loop.output_park, 1);
        }

        number++;
        uint32_t parts = 0;
        struct applied part;
        do {
            part = part_await(&loop);
            assert_int_equal(part.number, number);
            assert_int_equal((part.flags & APPLIED_FIRST) != 0, parts == 0);
            assert_int_equal(part.command_length != 0, parts == 0);
            const uint8_t *at = part.events;
            struct event event;
            uint32_t count = 0;
            for (; event_next(&at, part.events + part.events_length, &event); count++)
                fills += event.type == T_FILL;
            assert_ptr_equal(at, part.events + part.events_length);
            assert_int_equal(count, part.event_count);
            parts++;
            part_done(&loop);
        } while ((part.flags & APPLIED_LAST) == 0);
        most_parts = parts > most_parts ? parts : most_parts;
    }
    assert_int_equal(fills, ROUNDS * MAKERS);
    assert_true(most_parts > 10);
    assert_int_equal(loop_stop(&loop), STATUS_OK);
    loop_close(&loop);
}

/* What was delivered before the stop is applied; after it the loop ends. */
TEST(loop, a_stop_drains_what_was_delivered)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    loop_prepare(&loop);
    loop_fund(&loop);
    const uint64_t before = loop.world.number;
    for (int i = 0; i < 50; i++)
        deliver(&loop, bytes, order_put(bytes, world_limit(1, SELL, 1, 100)), 1);
    atomic_store(&loop.progress.stopping, 1);
    assert_int_equal(engine_loop_run(&loop.loop), STATUS_OK);
    assert_int_equal(atomic_load(&loop.progress.applied_command), before + 50);
    loop_close(&loop);
}

struct told {
    struct loop_world *loop;
    uint64_t heights[4], commands[4];
    uint32_t count;
};

static void tell(void *context, uint64_t height)
{
    struct told *told = context;
    told->heights[told->count] = height;
    told->commands[told->count++] = engine_last_command(told->loop->loop.engine);
}

static size_t seal_put(uint8_t *at, uint64_t height)
{
    uint8_t payload[SEAL_BYTES];
    seal_command_put(payload, &(struct seal_command){.height = height});
    return (size_t)(command_put(at, T_SEAL, payload) - at);
}

/* A checkpoint is the state right after its SEAL: what comes behind it in the same batch is not in it, and
 * a SEAL that sealed nothing is no end of a block. */
TEST(loop, the_end_of_a_block_is_told_between_two_commands)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    loop_prepare(&loop);
    loop_fund(&loop);
    const uint64_t before = loop.world.number;
    struct told told = {.loop = &loop};
    loop.loop.sealed = tell;
    loop.loop.sealed_context = &told;
    size_t used = order_put(bytes, world_limit(1, SELL, 1, 100));
    used += seal_put(bytes + used, 1);
    used += seal_put(bytes + used, 1);
    used += order_put(bytes + used, world_limit(1, SELL, 1, 100));
    used += seal_put(bytes + used, 2);
    used += order_put(bytes + used, world_limit(1, SELL, 1, 100));
    deliver(&loop, bytes, used, 6);
    atomic_store(&loop.progress.stopping, 1);
    assert_int_equal(engine_loop_run(&loop.loop), STATUS_OK);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.heights[0], 1);
    assert_int_equal(told.commands[0], before + 2);
    assert_int_equal(told.heights[1], 2);
    assert_int_equal(told.commands[1], before + 5);
    loop_close(&loop);
}

/* Bytes that are no batch stop the engine rather than be guessed at. */
TEST(loop, a_damaged_batch_is_named)
{
    struct loop_world loop;
    uint8_t bytes[4096] = {0};
    loop_prepare(&loop);
    deliver(&loop, bytes, 100, 1);
    assert_int_equal(engine_loop_run(&loop.loop), STATUS_DAMAGED);
    assert_int_equal(atomic_load(&loop.progress.applied_command), 0);
    loop_close(&loop);
}

/* A client waits for what a gateway answers, and nobody for the anchor: what the first output shows, the others have shown. */
TEST(loop, shows_a_batch_to_the_last_output_first)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    size_t byte_count;
    loop_prepare(&loop);
    loop_fund(&loop);
    loop.loop.outputs[1] = ring_new(arena_take(&loop.memory, ring_bytes(RING_BYTES)), RING_BYTES);
    loop.loop.output_parks[1] = &loop.output_park;
    loop.loop.output_count = 2;
    loop_start(&loop);
    for (int i = 0; i < 2000; i++) {
        deliver(&loop, bytes, order_put(bytes, world_limit(1, SELL, 1, 1 + i)), 1);
        while (ring_peek(loop.loop.outputs[0], &byte_count) == NULL)
            park_pause();
        assert_non_null(ring_peek(loop.loop.outputs[1], &byte_count));
        for (int output = 0; output < 2; output++) {
            ring_pop(loop.loop.outputs[output]);
            ring_release(loop.loop.outputs[output]);
        }
    }
    assert_int_equal(loop_stop(&loop), STATUS_OK);
    loop_close(&loop);
}

/* While it spins nobody has to wake it: no batch costs its producer a system call. And it ends when it is told to. */
TEST(loop, a_loop_that_spins_takes_batches_unwoken)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    loop_prepare(&loop);
    loop_fund(&loop);
    park_spin_for(&loop.park, 600000000);
    deliver(&loop, bytes, order_put(bytes, world_limit(1, SELL, 1, 100)), 1);
    loop_start(&loop);
    for (int i = 0; i < 1000; i++) {
        const uint64_t number = part_await(&loop).number;
        part_done(&loop);
        assert_int_equal(number, loop.world.number + 1 + (uint64_t)i);
        assert_false(deliver(&loop, bytes, order_put(bytes, world_limit(1, SELL, 1, 100)), 1));
    }
    assert_int_equal(loop_stop(&loop), STATUS_OK);
    loop_close(&loop);
}

/* After its time it sleeps, and is woken as ever: whenever the next batch comes, it is taken. */
TEST(loop, a_loop_that_has_spun_sleeps_and_is_woken)
{
    struct loop_world loop;
    uint8_t bytes[4096];
    uint32_t woken = 0, round = 0;
    loop_prepare(&loop);
    loop_fund(&loop);
    park_spin_for(&loop.park, 1);
    loop_start(&loop);
    for (; round < 500 || woken == 0; round++) {
        woken += deliver(&loop, bytes, order_put(bytes, world_limit(0, SELL, 1, 100)), 1);
        part_await(&loop);
        part_done(&loop);
    }
    assert_int_equal(loop_stop(&loop), STATUS_OK);
    loop_close(&loop);
}
