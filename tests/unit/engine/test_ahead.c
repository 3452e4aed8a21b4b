#include "engine/ahead.h"

#include "engine/directory.h"
#include "engine/match.h"
#include "tests/unit/engine/world.h"

#include "tests/harness.h"

#define COMMANDS 600
#define ACCOUNTS 4

/* A batch's commands, back to back. */
struct batch {
    uint8_t bytes[COMMANDS * (COMMAND_HEADER_BYTES + 256)];
    size_t length;
    uint32_t random;
};

static uint32_t whim(struct batch *batch, uint32_t below)
{
    batch->random = batch->random * 1664525u + 1013904223u;
    return (batch->random >> 8) % below;
}

static void put(struct batch *batch, uint16_t type, const uint8_t *payload)
{
    const size_t payload_bytes = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes), .type = type};
    command_header_put(batch->bytes + batch->length, &header);
    memcpy(batch->bytes + batch->length + COMMAND_HEADER_BYTES, payload, payload_bytes);
    batch->length += header.length;
}

static void put_order(struct batch *batch, uint32_t number)
{
    uint8_t payload[ORDER_PLACE_BYTES];
    struct order_place_command place = {
        .price = {95 + whim(batch, 10)},
        .qty = {1 + whim(batch, 5)},
        .account = 1 + whim(batch, ACCOUNTS + 1), /* one of them does not exist */
        .market = (uint16_t)(whim(batch, 20) == 0),
        .side = (uint8_t)whim(batch, 2),
        .type = LIMIT,
        .time_in_force = GTC,
    };
    if (whim(batch, 4) != 0) place.client_id[0] = (uint8_t)(1 + number % 200);
    order_place_command_put(payload, &place);
    put(batch, T_ORDER_PLACE, payload);
}

static void put_cancel(struct batch *batch)
{
    uint8_t payload[ORDER_CANCEL_BYTES];
    const struct order_cancel_command cancel = {.order_id = 1 + whim(batch, 200),
                                                .account = 1 + whim(batch, ACCOUNTS)};
    order_cancel_command_put(payload, &cancel);
    put(batch, T_ORDER_CANCEL, payload);
}

static void batch_make(struct batch *batch, uint32_t seed)
{
    batch->length = 0;
    batch->random = seed;
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (whim(batch, 3) == 0)
            put_cancel(batch);
        else
            put_order(batch, i);
}

static void world_ready(struct world *world)
{
    world_prepare(world);
    world_open(world);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        world_account(world, 0, 100000, 10000000);
}

/* Steps the command, with a hash or without, and leaves its events in world->out. */
static void step(struct world *world, const struct command *command, uint32_t hash)
{
    world->out = (struct event_writer){.at = world->events.bytes,
                                       .end = world->events.bytes + world->events.capacity};
    match_step_ahead(world->engine, command, ++world->number, world->stamp_ns, hash, &world->out);
}

/* The same commands give the same bytes whether they were looked at before or not. */
TEST(ahead, looking_changes_nothing)
{
    static struct batch batch;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct world plain, looked;
        world_ready(&plain);
        world_ready(&looked);
        batch_make(&batch, seed);
        const uint8_t *at = batch.bytes, *const end = batch.bytes + batch.length;
        struct ahead ahead = ahead_begin(looked.engine, at, end);
        ahead.on = true;
        for (uint32_t i = 0; i < COMMANDS; i++) {
            struct command command;
            assert_true(command_decode(at, le_get_u32(at), &command));
            at += command.header.length;
            step(&plain, &command, 0);
            step(&looked, &command, ahead_next(&ahead));
            const size_t written = (size_t)(plain.out.at - plain.events.bytes);
            assert_int_equal(looked.out.at - looked.events.bytes, written);
            assert_memory_equal(looked.events.bytes, plain.events.bytes, written);
        }
        assert_true(engine_check(looked.engine));
        world_close(&plain);
        world_close(&looked);
    }
}

TEST(ahead, hash_is_that_of_the_next_order_s_client_id)
{
    static struct batch batch;
    struct world world;
    uint32_t hashed = 0;
    world_ready(&world);
    batch_make(&batch, 7);
    const uint8_t *at = batch.bytes;
    struct ahead ahead = ahead_begin(world.engine, at, at + batch.length);
    assert_false(ahead.on); /* so few orders stay in the caches */
    assert_int_equal(ahead_next(&ahead), 0);
    ahead.on = true;
    for (uint32_t i = 0; i < COMMANDS; i++, at += le_get_u32(at)) {
        const uint32_t hash = ahead_next(&ahead);
        if (hash == 0) continue;
        struct order_place_command place;
        assert_int_equal(le_get_u16(at + 4), T_ORDER_PLACE);
        order_place_command_get(at + COMMAND_HEADER_BYTES, &place);
        assert_int_equal(hash, directory_client_hash(place.account, place.market, place.client_id));
        hashed++;
    }
    assert_true(hashed > COMMANDS / 3);
    world_close(&world);
}

/* The batch is not checked before it is looked at: whatever lies there, nothing beyond it is read. */
TEST(ahead, bytes_that_are_no_commands_end_the_look)
{
    static struct batch batch;
    struct world world;
    world_ready(&world);
    for (uint32_t seed = 1; seed <= 2000; seed++) {
        batch_make(&batch, seed);
        const size_t length = whim(&batch, 2000);
        uint8_t *bytes = malloc(length + 1); /* its own, for the sanitizer */
        assert_non_null(bytes);
        memcpy(bytes, batch.bytes, length);
        for (uint32_t i = 0; i < seed % 8 && length > 0; i++)
            bytes[whim(&batch, (uint32_t)length)] = (uint8_t)whim(&batch, 256);
        struct ahead ahead = ahead_begin(world.engine, bytes, bytes + length);
        ahead.on = true;
        for (uint32_t i = 0; i < 40; i++)
            (void)ahead_next(&ahead);
        free(bytes);
    }
    world_close(&world);
}
