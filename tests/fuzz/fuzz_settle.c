/* Any bytes as orders: whatever the real engine makes of them, settlement derives the same figures.
 *
 * Eight bytes a command: what, whose, side, type, price, quantity. Both sides start each input from the
 * state after a listed market and four funded accounts, copied back in one piece.
 */

#include "engine/match.h"
#include "tests/unit/settlement/world.h"

#define COMMANDS_MAX 512

static struct world *world;
static struct engine *engine;
static struct arena engine_arena;
static uint8_t *engine_start, *settlement_start;
static uint8_t *events;
static size_t events_max;
static uint64_t number, height, stamp_ns;

static void expect(enum status status)
{
    if (status == STATUS_OK) return;
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    fprintf(stderr, "%s: command %llu order %llu account %u asset %u ours %lld theirs %lld\n",
            found->what, (unsigned long long)found->command, (unsigned long long)found->order_id,
            found->account, found->asset, (long long)found->ours, (long long)found->theirs);
    abort();
}

static void step(const struct command *command)
{
    struct event_writer out = {.at = events, .end = events + events_max};
    const uint8_t *at = events;
    struct event event;
    match_step(engine, command, ++number, stamp_ns, &out);
    expect(settle_command(world->settlement, number, stamp_ns, command));
    while (event_next(&at, out.at, &event))
        expect(settle_event(world->settlement, &event));
    if (at != out.at) abort();
    if (command->header.type != T_SEAL) return;
    struct settle_roots roots;
    expect(settle_block(world->settlement, ++height, &roots));
}

static void send(uint16_t type, uint32_t account, const uint8_t *payload)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    const size_t payload_bytes = message_payload_bytes(type);
    const bool own = type == T_SEAL;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + (own ? 0 : 32)),
        .type = type,
        .auth_kind = own ? AUTH_NONE : AUTH_HMAC,
        .auth_length = own ? 0 : 32};
    command_header_put(bytes, &header);
    memcpy(bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    if (!own) world_key_id(account, bytes + COMMAND_HEADER_BYTES + payload_bytes);
    if (!command_decode(bytes, header.length, &command)) abort();
    step(&command);
}

static void seal(void)
{
    uint8_t payload[SEAL_BYTES];
    const struct seal_command command = {height + 1};
    seal_command_put(payload, &command);
    send(T_SEAL, 0, payload);
}

/* The engine plays the world's first block, so that both stand at the same command. */
static void prepare(void)
{
    world = world_new();
    if (world_seal(world) != STATUS_OK) abort();
    if (!arena_map(&engine_arena, engine_bytes(&world->genesis))) abort();
    engine = engine_new(&engine_arena, &world->genesis);
    events_max = engine_event_bytes_max(engine);
    events = malloc(events_max);

    const struct world_block *block = &world->blocks[0];
    const uint8_t *at = block->body;
    struct applied applied;
    while (applied_next(&at, block->body + block->body_bytes, &applied)) {
        struct command command;
        struct event_writer out = {.at = events, .end = events + events_max};
        if (!command_decode(applied.command, applied.command_length, &command)) abort();
        command.header.origin = 0; /* no HELLO has opened one */
        match_step(engine, &command, applied.number, applied.stamp_ns, &out);
    }
    engine_start = malloc(engine_arena.used);
    settlement_start = malloc(world->arena.used);
    memcpy(engine_start, engine_arena.bytes, engine_arena.used);
    memcpy(settlement_start, world->arena.bytes, world->arena.used);
}

static void place(const uint8_t *at, uint32_t account)
{
    static const uint8_t types[] = {LIMIT, LIMIT, LIMIT, LIMIT_MAKER, MARKET, MARKET, LIMIT, LIMIT};
    static const uint8_t times[] = {GTC, IOC, FOK, 0, 0, 0, GTC, GTC};
    uint8_t payload[ORDER_PLACE_BYTES];
    struct order_place_command order = {.account = account,
                                        .side = at[2] & 1,
                                        .type = types[at[3] % 8],
                                        .time_in_force = times[at[3] % 8]};
    if (order.type != MARKET) order.price.ticks = 3000000 + at[4] % 32;
    if (order.type == MARKET && (at[4] & 1))
        order.quote_qty.units = 1 + le_get_u16(at + 5) * (int64_t)100001;
    else
        order.qty.lots = 1 + at[5] % 64;
    order_place_command_put(payload, &order);
    send(T_ORDER_PLACE, account, payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count)
{
    if (world == NULL) prepare();
    memcpy(engine_arena.bytes, engine_start, engine_arena.used);
    memcpy(world->arena.bytes, settlement_start, world->arena.used);
    number = world->number;
    height = 1;
    stamp_ns = world->stamp_ns;

    for (size_t i = 0; i + 8 <= byte_count && i < COMMANDS_MAX * 8; i += 8) {
        const uint8_t *at = data + i;
        const uint32_t account = 1 + at[1] % 4;
        uint8_t payload[256];
        stamp_ns += at[7];
        if (at[0] < 200) {
            place(at, account);
        } else if (at[0] < 240) {
            const struct order_cancel_command cancel = {.order_id = at[5], .account = account};
            order_cancel_command_put(payload, &cancel);
            send(T_ORDER_CANCEL, account, payload);
        } else if (at[0] < 246) {
            const struct cancel_all_command cancel = {.account = account};
            cancel_all_command_put(payload, &cancel);
            send(T_CANCEL_ALL, account, payload);
        } else {
            seal();
        }
    }
    seal();
    if (!settle_check(world->settlement)) abort();
    return 0;
}
