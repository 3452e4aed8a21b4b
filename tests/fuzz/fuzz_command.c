/* Raw bytes as a run of commands: whatever decodes is stepped, and the engine must stand.
 *
 * The input is a run of (command type, payload) with the payload's numbers taken as they come, after a
 * byte that says how: raw command bytes through command_decode, or payloads folded into a small range so
 * that they meet accounts, markets and orders that exist. Every event must decode, and every invariant and
 * the conservation of each asset must hold at the end. */

#include "common/le.h"
#include "engine/match.h"
#include "tests/unit/engine/world.h"

/* What the rest of an input is read as. */
struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static void world_ready(struct world *world)
{
    world_prepare(world);
    world->genesis.params.orders_max = 24;
    world->genesis.params.levels_max = 12;
    world->genesis.params.accounts_max = 6;
    world->genesis.params.assets_max = 3;
    world->genesis.params.markets[0].notional_min.units = 20;
    world->genesis.params.markets[0].account_orders_max = 6;
    world_open(world);
    for (uint16_t i = 0; i < 3; i++)
        world_account(world, i % 2, 1000 + 10 * i, 100000);
}

static void events_read(const struct world *world)
{
    const uint8_t *at = world->events.bytes;
    struct event event;
    uint32_t count = 0;
    while (event_next(&at, world->out.at, &event))
        count++;
    ASSERT(at == world->out.at && count == world->out.count);
}

/* Raw: the bytes are a command with its header, as a peer or a damaged log would have it. */
static void raw_step(struct world *world, struct input *input)
{
    struct command command;
    uint32_t length = 0;
    if (input->end - input->at >= COMMAND_HEADER_BYTES) length = le_get_u32(input->at);
    if (length > (size_t)(input->end - input->at) || !command_decode(input->at, length, &command)) {
        input->at = input->end;
        return;
    }
    input->at += length;
    world->out = (struct event_writer){.at = world->events.bytes,
                                       .end = world->events.bytes + world->events.capacity};
    match_step(world->engine, &command, ++world->number, world->stamp_ns, &world->out);
}

static uint8_t byte_next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

/* Near: small numbers, so that orders meet. */
static void near_step(struct world *world, struct input *input)
{
    const uint8_t choice = byte_next(input), account = byte_next(input) % 5;
    const uint8_t low = byte_next(input), high = byte_next(input);
    if (choice < 40) {
        (void)world_order_cancel(world,
                                 (struct order_cancel_command){.account = account,
                                                               .order_id = low % 32,
                                                               .restriction = high % 4,
                                                               .orig_client_id = {high / 64}});
    } else if (choice < 45) {
        (void)world_cancel_all(world, (struct cancel_all_command){.account = account});
    } else if (choice < 50) {
        (void)world_market_status(
            world, (struct market_status_command){.nonce = ++world->nonce, .status = low % 5});
    } else {
        struct order_place_command place =
            world_limit(account, choice % 2, low % 16, 50 + high % 16);
        place.type = (uint8_t)(1 + choice / 2 % 3);
        place.time_in_force = (uint8_t)(1 + choice / 8 % 3);
        if (place.type != LIMIT) place.time_in_force = GTC;
        if (place.type == MARKET) place.price.ticks = 0;
        if (place.type == MARKET && choice >= 150) {
            place.quote_qty.units = (int64_t)low * high;
            place.qty.lots = 0;
        }
        place.client_id[0] = high / 32;
        (void)world_order_place(world, place);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct world world;
    world_ready(&world);
    struct input input = {bytes, bytes + byte_count};
    while (input.at < input.end) {
        if (byte_next(&input) % 4 == 0)
            raw_step(&world, &input);
        else
            near_step(&world, &input);
        events_read(&world);
        world.stamp_ns++;
    }
    ASSERT(engine_check(world.engine));
    world_close(&world);
    return 0;
}
