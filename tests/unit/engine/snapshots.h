/* Worlds with something in every section of a snapshot, and what their snapshots are written to and read
 * from. */

#ifndef TESTS_UNIT_ENGINE_SNAPSHOTS_H
#define TESTS_UNIT_ENGINE_SNAPSHOTS_H

#include "engine/restore.h"
#include "engine/snapshot.h"
#include "tests/unit/engine/custody_world.h"

#define SNAPSHOTS_ROOM ((size_t)1024 * 1024)

struct snapshot_bytes {
    uint8_t *bytes;
    size_t count;
    size_t limit; /* the sink takes no more */
};

static inline bool snapshots_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct snapshot_bytes *to = context;
    if (to->count + byte_count > to->limit) return false;
    memcpy(to->bytes + to->count, bytes, byte_count);
    to->count += byte_count;
    return true;
}

/* The engine's snapshot; its memory is the caller's to free. */
static inline struct snapshot_bytes snapshots_of(const struct engine *engine,
                                                 const struct genesis *genesis)
{
    struct arena scratch;
    struct snapshot_bytes to = {.bytes = malloc(SNAPSHOTS_ROOM), .limit = SNAPSHOTS_ROOM};
    const struct snapshot_sink sink = {snapshots_take, &to};
    ASSERT(to.bytes != NULL && arena_map(&scratch, snapshot_scratch_bytes(engine)));
    const enum status status = snapshot_write(engine, genesis, &scratch, &sink);
    ASSERT(status == STATUS_OK && scratch.used == 0);
    arena_unmap(&scratch);
    return to;
}

/* Makes the hash fit the bytes again, so that what they say is looked at. */
static inline void snapshots_rehash(const struct snapshot_bytes *snapshot)
{
    struct hash_stream stream;
    section_hash_begin(snapshot_form(PARAMS_RULES), &stream); /* of every version alike */
    hash_stream_add(&stream, snapshot->bytes, snapshot->count - HASH_BYTES);
    const hash_t hash = hash_stream_end(&stream);
    memcpy(snapshot->bytes + snapshot->count - HASH_BYTES, hash.bytes, HASH_BYTES);
}

/* The header of a section, whose records follow it. */
static inline uint8_t *snapshots_section(const struct snapshot_bytes *snapshot,
                                         enum snapshot_section section)
{
    uint8_t *at = snapshot->bytes + SECTION_FILE_BYTES;
    for (enum snapshot_section before = 0; before < section; before++)
        at += SECTION_HEADER_BYTES + le_get_u64(at + 8) * le_get_u32(at + 4);
    return at;
}

static inline uint64_t snapshots_count(const struct snapshot_bytes *snapshot,
                                       enum snapshot_section section)
{
    return le_get_u64(snapshots_section(snapshot, section) + 8);
}

static inline uint8_t *snapshots_record(const struct snapshot_bytes *snapshot,
                                        enum snapshot_section section, uint64_t index)
{
    return snapshots_section(snapshot, section) + SECTION_HEADER_BYTES +
           index * snapshot_record_bytes(section);
}

/* Restores into `world`, which has the genesis already. */
static inline enum status snapshots_restore(struct world *world,
                                            const struct snapshot_bytes *snapshot)
{
    ASSERT(arena_map(&world->arena, engine_bytes(&world->genesis)));
    const enum status status = restore_engine(&world->arena, &world->genesis, snapshot->bytes,
                                              snapshot->count, &world->engine);
    if (status != STATUS_OK) {
        arena_unmap(&world->arena);
        return status;
    }
    ASSERT(arena_map(&world->events, engine_event_bytes_max(world->engine)));
    return status;
}

/* ---- The world. */

static inline void snapshots_people(struct world *world)
{
    struct account_create_command create = {.public_key = {7, 7}};
    for (uint16_t i = 0; i < 4; i++)
        (void)world_account(world, i % 2, 10000, 1000000);
    create.nonce = ++world->nonce;
    ASSERT(world_account_create(world, create) == 0);
    for (uint8_t i = 1; i <= 2; i++)
        ASSERT(world_key_add(world, (struct key_add_command){.nonce = ++world->nonce,
                                                             .account = 1,
                                                             .key_id = {i, 9}}) == 0);
}

/* Trades on several days and minutes, of which some count. */
static inline void snapshots_trade(struct world *world)
{
    for (int64_t i = 0; i < 4; i++) {
        ASSERT(world_order_place(world, world_limit(1, SELL, 5 + i, 100 + i)) == 0);
        ASSERT(world_order_place(world, world_limit(2, BUY, 5 + i, 100 + i)) == 0);
        world->stamp_ns += i == 1 ? UINT64_C(90000000000000) : UINT64_C(70000000000);
    }
    struct order_place_command other = world_limit(3, SELL, 4, 20);
    other.market = 1;
    ASSERT(world_order_place(world, other) == 0);
    other.account = 4;
    other.side = BUY;
    other.qty.lots = 3;
    ASSERT(world_order_place(world, other) == 0);
}

static inline void snapshots_book(struct world *world)
{
    struct order_place_command place;
    for (int64_t i = 0; i < 6; i++) {
        place = world_limit((uint32_t)(1 + i % 4), i % 2 ? SELL : BUY, 3 + i,
                            i % 2 ? 110 + i : 90 - i / 2);
        if (i > 2) place.client_id[0] = (uint8_t)('a' + i);
        if (i == 5) place.client_id[0] = 0;
        if (i == 5) place.client_id[9] = 1;
        ASSERT(world_order_place(world, place) == 0);
    }
    place = world_limit(2, SELL, 20, 111);
    place.iceberg_qty.lots = 6;
    ASSERT(world_order_place(world, place) == 0);
    place = world_limit(3, BUY, 4, 111);
    ASSERT(world_order_place(world, place) == 0); /* some of what was there */
    place = world_limit(4, SELL, 2, 111);
    place.session = 5;
    ASSERT(world_order_place(world, place) == 0);
    place.account = 1;
    place.session = 6;
    place.market = 1;
    place.price.ticks = 30;
    ASSERT(world_order_place(world, place) == 0);
    place = world_limit(4, BUY, 1, 111); /* meets its own */
    place.self_trade = SELF_TRADE_DECREMENT;
    ASSERT(world_order_place(world, place) == 0);
}

static inline void snapshots_stops(struct world *world)
{
    struct order_place_command stop;
    for (int64_t i = 0; i < 4; i++)
        ASSERT(world_order_place(world, world_stop((uint32_t)(1 + i), i % 2 ? SELL : BUY, 2,
                                                   i % 2 ? 80 - i : 140 + i / 2)) == 0);
    for (uint32_t i = 0; i < 4; i++) {
        stop = world_stop(1 + i, i < 3 ? SELL : BUY, 1, 0);
        stop.trailing_delta = i == 1 ? 700 : 500;
        ASSERT(world_order_place(world, stop) == 0);
    }
    stop = world_stop(2, BUY, 1, 120); /* begins to trail at 120 */
    stop.trailing_delta = 100;
    ASSERT(world_order_place(world, stop) == 0);
    ASSERT(world_list_place(world, world_oco(1, 3, 150, 70)) == 0);
    ASSERT(world_list_place(world, world_oto(2, 3, 60, 200)) == 0);
    struct list_place_command list = world_oto(3, 2, 61, 210);
    list.kind = LIST_OTOCO;
    list.b_type = LIMIT_MAKER;
    list.b_time_in_force = 0;
    list.c_side = SELL;
    list.c_type = STOP_LOSS;
    list.c_qty.lots = 2;
    list.c_stop_price.ticks = 50;
    list.client_id[0] = 'l';
    ASSERT(world_list_place(world, list) == 0);
    ASSERT(world_switch_set(world, (struct switch_set_command){.account = 2, .timeout_ms = 5000}) ==
           0);
    ASSERT(world_switch_set(world, (struct switch_set_command){.account = 1, .timeout_ms = 900}) ==
           0);
}

/* A connector that has reported, and does not any more. */
static inline void snapshots_connector(struct custody_world *custody)
{
    struct world *world = custody->world;
    custody_open_releases(custody);
    ASSERT(world_connector_add(world, (struct connector_add_command){.nonce = ++world->nonce,
                                                                     .public_key = {5, 5}}) == 0);
    custody->route.connector = PARAMS_CONNECTOR_FIRST;
    ASSERT(custody_route(custody) == 0);
    struct deposit_report_command report = custody_told(custody, 2, 40, 1);
    report.operator_index = PARAMS_CONNECTOR_FIRST;
    report.nonce = 77;
    ASSERT(world_deposit_report(world, report) == 0);
    custody->route.connector = 0;
    ASSERT(custody_route(custody) == 0);
}

/* A chain, addresses, a deposit that was credited and one that is owed, a withdrawal that waits, one that
 * is on its way, and one that was taken back. */
static inline void snapshots_custody(struct world *world)
{
    struct custody_world custody = {.world = world};
    custody_open(&custody);
    ASSERT(custody_report(&custody, 1, 500, 3) == 0);
    snapshots_connector(&custody);
    ASSERT(custody_allow(&custody, 2) == 0);
    ASSERT(custody_withdraw(&custody, 2, 20, "first") == 0);
    ASSERT(custody_withdraw(&custody, 2, 5, "second") == 0);
    ASSERT(custody_withdraw(&custody, 2, 20, "third") == 0);
    ASSERT(world_withdrawal_cancel(
               world, (struct withdrawal_cancel_command){.withdrawal = 3, .account = 2}) == 0);
    ASSERT(world_account_freeze(world, (struct account_freeze_command){.nonce = ++world->nonce,
                                                                       .account = 5,
                                                                       .frozen = 1}) == 0);
}

/* For after all that: rules 5, and orders that are called something, of which two may be asked for again. */
static inline void snapshots_named(struct world *world)
{
    for (uint32_t rules = engine_params(world->engine)->rules + 1; rules <= PARAMS_RULES_API;
         rules++)
        ASSERT(world_rules_set(world, (struct rules_set_command){.nonce = ++world->nonce,
                                                                 .rules = rules}) == 0);
    for (uint8_t i = 0; i < 3; i++) {
        const struct order_submit_command named = {
            .account = 1u + i,
            .side = BUY,
            .type = LIMIT,
            .time_in_force = GTC,
            .qty = {2},
            .price = {40 - i},
            .client_id = {'n', i},
            .strategy_id = i == 0 ? 0 : 70u + i,
            .strategy_type = 1000000u + i,
            .flags = (uint8_t)((i == 0 ? ORDER_TAG_TYPE : ORDER_TAG_NUMBERS) |
                               (i == 1 ? 0 : ORDER_TAG_IDEMPOTENT)),
        };
        ASSERT(world_order_submit(world, named) == 0);
    }
}

static inline void snapshots_prepare(struct world *world)
{
    world_prepare(world);
    struct params *params = &world->genesis.params;
    params->orders_max = 64;
    params->levels_max = 64;
    params->tier_count = 2;
    params->tiers[0] = (struct fee_tier){.maker_ppm = 1000, .taker_ppm = 20000};
    params->tiers[1] =
        (struct fee_tier){.maker_ppm = -10000, .taker_ppm = 10000, .volume_min = {600}};
    params->volume_asset = USD;
    world_add_market(params, "COINUSDTWO");
    for (int i = 0; i < 2; i++)
        params->markets[i].filters.algo_orders_max = 10;
}

/* Everything of the above. */
static inline void snapshots_fill(struct world *world)
{
    snapshots_people(world);
    ASSERT(world_hello(world, (struct hello_command){.nonce = 1, .node = 7}) == 0);
    snapshots_trade(world);
    snapshots_book(world);
    snapshots_stops(world);
    snapshots_custody(world);
    ASSERT(world_seal(world, (struct seal_command){.height = 1}) == 0);
    ASSERT(world_market_status(world, (struct market_status_command){.nonce = ++world->nonce,
                                                                     .market = 1,
                                                                     .status = MARKET_HALT}) == 0);
}

#endif /* TESTS_UNIT_ENGINE_SNAPSHOTS_H */
