/* Worlds with something in every section of settlement's snapshot, what their snapshots are written to
 * and read from, and lies: changes that are hashed again, so that what they say is looked at.
 */

#ifndef TESTS_UNIT_SETTLEMENT_SNAPSHOTS_H
#define TESTS_UNIT_SETTLEMENT_SNAPSHOTS_H

#include "settlement/restore.h"
#include "settlement/snapshot.h"
#include "tests/unit/settlement/world_custody.h"

#define SNAPSHOTS_ROOM  ((size_t)1024 * 1024)
#define SNAPSHOTS_PRICE 3000000 /* around which they trade */

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

/* The settlement's snapshot; its memory is the caller's to free. */
static inline struct snapshot_bytes snapshots_of(const struct settlement *settlement,
                                                 const struct genesis *genesis)
{
    struct arena scratch;
    struct snapshot_bytes to = {.bytes = malloc(SNAPSHOTS_ROOM), .limit = SNAPSHOTS_ROOM};
    const struct snapshot_sink sink = {snapshots_take, &to};
    ASSERT(to.bytes != NULL && arena_map(&scratch, settlement_snapshot_scratch_bytes(settlement)));
    const enum status status = settlement_snapshot_write(settlement, genesis, &scratch, &sink);
    ASSERT(status == STATUS_OK && scratch.used == 0);
    arena_unmap(&scratch);
    return to;
}

/* Makes the hash fit the bytes again. */
static inline void snapshots_rehash(const struct snapshot_bytes *snapshot)
{
    struct hash_stream stream;
    section_hash_begin(settlement_snapshot_form(PARAMS_RULES), &stream);
    hash_stream_add(&stream, snapshot->bytes, snapshot->count - HASH_BYTES);
    const hash_t hash = hash_stream_end(&stream);
    memcpy(snapshot->bytes + snapshot->count - HASH_BYTES, hash.bytes, HASH_BYTES);
}

/* The header of a section, whose records follow it. */
static inline uint8_t *snapshots_section(const struct snapshot_bytes *snapshot,
                                         enum settled_section section)
{
    uint8_t *at = snapshot->bytes + SECTION_FILE_BYTES;
    for (enum settled_section before = 0; before < section; before++)
        at += SECTION_HEADER_BYTES + le_get_u64(at + 8) * le_get_u32(at + 4);
    return at;
}

static inline uint64_t snapshots_count(const struct snapshot_bytes *snapshot,
                                       enum settled_section section)
{
    return le_get_u64(snapshots_section(snapshot, section) + 8);
}

static inline uint8_t *snapshots_record(const struct snapshot_bytes *snapshot,
                                        enum settled_section section, uint64_t index)
{
    return snapshots_section(snapshot, section) + SECTION_HEADER_BYTES +
           index * settlement_snapshot_form(PARAMS_RULES)->record_bytes[section];
}

/* Restores into `arena`, which is unmapped when there is none. */
static inline enum status snapshots_restore(struct arena *arena, const struct genesis *genesis,
                                            const struct snapshot_bytes *snapshot,
                                            struct settlement **settlement)
{
    ASSERT(arena_map(arena, settlement_bytes(genesis)));
    const enum status status = restore_settlement(arena, genesis, world_secret, snapshot->bytes,
                                                  snapshot->count, settlement);
    if (status != STATUS_OK) arena_unmap(arena);
    return status;
}

/* The world goes on with a settlement that was restored. */
static inline void snapshots_restart(struct world *world)
{
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    struct settlement *settlement;
    struct arena arena;
    const enum status status = snapshots_restore(&arena, &world->genesis, &snapshot, &settlement);
    ASSERT(status == STATUS_OK);
    free(snapshot.bytes);
    arena_unmap(&world->arena);
    world->arena = arena;
    world->settlement = settlement;
}

/* ---- The world. */

/* Three tiers: the second by volume in quote, the third with a rebate, by grace. */
static inline void snapshots_adjust_houseless(struct genesis *genesis)
{
    genesis->params.volume_asset = USDT;
    genesis->params.tier_count = 3;
    genesis->params.tiers[0] = (struct fee_tier){1000, 2000, {0}};
    genesis->params.tiers[1] = (struct fee_tier){333, 777, {300000000}};
    genesis->params.tiers[2] = (struct fee_tier){-500, 500, {INT64_MAX}};
    genesis->params.orders_max = 60;
}

/* The same, and the house has an account. */
static inline void snapshots_adjust(struct genesis *genesis)
{
    snapshots_adjust_houseless(genesis);
    genesis->params.rules = PARAMS_RULES_HOUSE;
}

static inline void snapshots_touch(struct world *world, int64_t price)
{
    world_sell(world, 1, price, 1);
    world_buy(world, 2, price, 1);
}

#define ENTER(...) world_enter(world, &(struct world_order){__VA_ARGS__})

/* Trades on several days, of which some count and one has passed. */
static inline void snapshots_trade(struct world *world)
{
    snapshots_touch(world, SNAPSHOTS_PRICE);
    world->stamp_ns += 25 * WORLD_DAY_NS;
    for (int i = 0; i < 4; i++) {
        snapshots_touch(world, SNAPSHOTS_PRICE + i);
        world->stamp_ns += 2 * WORLD_DAY_NS;
    }
    snapshots_touch(world, SNAPSHOTS_PRICE);
    world_grade(world, 4, 2);
}

static inline void snapshots_book(struct world *world)
{
    const int64_t p = SNAPSHOTS_PRICE;
    for (int i = 0; i < 3; i++) {
        world_buy(world, (uint32_t)(1 + i), p - 900 - i, 3 + i);
        world_sell(world, (uint32_t)(2 + i), p + 900 + i, 4 + i);
    }
    ENTER(.account = 2, .side = SELL, .type = LIMIT, .price = p + 800, .qty = 20, .iceberg = 6);
    ENTER(.account = 1, .side = SELL, .type = LIMIT, .price = p + 950, .qty = 9, .iceberg = 4);
    world_buy(world, 3, p + 800, 4); /* some of the slice */
    ENTER(.account = 4, .side = SELL, .type = LIMIT, .price = p + 901, .qty = 2, .session = 5);
    ENTER(.account = 4, .side = BUY, .type = LIMIT, .price = p - 905, .qty = 2, .session = 6);
    /* Meets its own, of which something is left. */
    ENTER(.account = 3, .side = BUY, .type = LIMIT, .price = p - 800, .qty = 7);
    ENTER(.account = 3, .side = SELL, .type = LIMIT, .price = p - 800, .qty = 2,
          .mode = SELF_TRADE_DECREMENT);
}

static inline void snapshots_stops(struct world *world)
{
    const int64_t p = SNAPSHOTS_PRICE;
    ENTER(.account = 3, .side = BUY, .type = STOP_LOSS, .stop = p + 600, .qty = 2);
    ENTER(.account = 4, .side = SELL, .type = STOP_LOSS, .stop = p - 600, .qty = 2);
    ENTER(.account = 2, .side = BUY, .type = STOP_LOSS_LIMIT, .stop = p + 601, .price = p + 650,
          .qty = 3);
    /* Trailing: one that starts at its price, two at once, of which one holds by the last price. */
    ENTER(.account = 3, .side = SELL, .type = TAKE_PROFIT, .stop = p + 300, .delta = 10, .qty = 4);
    ENTER(.account = 4, .side = SELL, .type = STOP_LOSS_LIMIT, .price = p - 950, .delta = 20,
          .qty = 4);
    ENTER(.account = 1, .side = BUY, .type = STOP_LOSS, .delta = 30, .qty = 5);
    snapshots_touch(world, p + 9);
    snapshots_touch(world, p + 5);
    snapshots_touch(world, p - 7);
    snapshots_touch(world, p + 2);
}

static inline void snapshots_lists(struct world *world)
{
    const int64_t p = SNAPSHOTS_PRICE;
    const struct world_order pair[] = {
        {.account = 2, .side = SELL, .type = LIMIT_MAKER, .price = p + 700, .qty = 3},
        {.account = 2,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = p - 650,
         .price = p - 700,
         .qty = 3}};
    const struct world_order chain[] = {
        {.account = 1, .side = BUY, .type = LIMIT, .price = p - 850, .qty = 2, .session = 5},
        {.account = 1, .side = SELL, .type = LIMIT, .price = p + 750, .qty = 2, .session = 5}};
    const struct world_order whole[] = {
        {.account = 3, .side = BUY, .type = LIMIT, .price = p - 860, .qty = 2},
        {.account = 3, .side = SELL, .type = LIMIT_MAKER, .price = p + 760, .qty = 2},
        {.account = 3, .side = SELL, .type = STOP_LOSS, .stop = p - 870, .qty = 2}};
    world_place_list(world, LIST_OCO, pair);
    world_place_list(world, LIST_OTO, chain);
    world_place_list(world, LIST_OTOCO, whole);
    /* One whose working order is filled: its pair is in force. */
    struct world_order filled[3];
    memcpy(filled, whole, sizeof(filled));
    filled[0].account = filled[1].account = filled[2].account = 4;
    filled[0].price = p + 3;
    world_sell(world, 1, p + 3, 2);
    world_place_list(world, LIST_OTOCO, filled);
}

/* A deposit credited, one on its way; a withdrawal that waits, one in flight. At the day of the requests. */
static inline void snapshots_custody(struct world *world)
{
    struct custody custody;
    custody_open(&custody, world);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
    custody_told(&custody, custody_deposit_of(2, 30, 1), 1, 0);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
}

/* Everything of the above, sealed. */
static inline struct world *snapshots_world_with(void (*adjust)(struct genesis *genesis))
{
    struct world *world = world_new_with(adjust);
    (void)world_seal(world);
    snapshots_trade(world);
    snapshots_book(world);
    (void)world_seal(world);
    snapshots_stops(world);
    snapshots_lists(world);
    world_arm(world, 1, 5000000);
    world_arm(world, 2, 9000000);
    world_debit(world, 3, BTC, 5);
    snapshots_custody(world);
    (void)world_seal(world);
    return world;
}

static inline struct world *snapshots_world(void)
{
    return snapshots_world_with(snapshots_adjust);
}

/* What waits has its say: books are swept, stops wake, switches fire, what is left ends. */
static inline void snapshots_live_on(struct world *world)
{
    const int64_t p = SNAPSHOTS_PRICE;
    snapshots_touch(world, p + 299);
    world_buy(world, 2, p + 300, 1);
    world_sell(world, 1, p + 300, 1);
    snapshots_touch(world, p + 290);
    world->stamp_ns += WORLD_DAY_NS / 24;
    world_buy(world, 4, p + 820, 30);
    (void)world_seal(world);
    world_sell(world, 2, p - 880, 40);
    world_end_session(world, 4, 6);
    world_buy(world, 1, p + 955, 60);
    world->stamp_ns += WORLD_DAY_NS;
    snapshots_touch(world, p + 1000);
    (void)world_seal(world);
    snapshots_touch(world, p + 2000);
    (void)world_seal(world);
}

/* ---- Lies. */

struct lying {
    struct world *world;
    struct snapshot_bytes snapshot;
    uint32_t stood; /* lies that made a settlement */
};

static inline void lying_open(struct lying *lying)
{
    *lying = (struct lying){.world = snapshots_world()};
    lying->snapshot = snapshots_of(lying->world->settlement, &lying->world->genesis);
}

static inline void lying_close(struct lying *lying)
{
    free(lying->snapshot.bytes);
    world_free(lying->world);
}

/* Restores what was changed: it is refused, or it is a settlement that holds every invariant and is what
 * the bytes said. */
static inline bool lying_refused(struct lying *lying)
{
    const struct genesis *genesis = &lying->world->genesis;
    struct settlement *settlement;
    struct arena arena;
    snapshots_rehash(&lying->snapshot);
    const enum status status = snapshots_restore(&arena, genesis, &lying->snapshot, &settlement);
    ASSERT(status == STATUS_OK || status == STATUS_MALFORMED);
    if (status != STATUS_OK) return true;
    ASSERT(settle_check(settlement));
    const struct snapshot_bytes again = snapshots_of(settlement, genesis);
    ASSERT(again.count == lying->snapshot.count &&
           memcmp(again.bytes, lying->snapshot.bytes, again.count) == 0);
    free(again.bytes);
    arena_unmap(&arena);
    lying->stood++;
    return false;
}

/* Changes a field of the section's record and expects that it is refused; then puts it back. */
#define LIE(SECTION, name, index, change) \
    do { \
        struct settled_##name record, kept; \
        uint8_t *at = snapshots_record(&lying.snapshot, SETTLED_##SECTION, index); \
        settled_##name##_get(at, &record); \
        kept = record; \
        change; \
        settled_##name##_put(at, &record); \
        if (!lying_refused(&lying)) fail_msg("%s %d: %s", #SECTION, (int)(index), #change); \
        settled_##name##_put(at, &kept); \
    } while (0)

#endif /* TESTS_UNIT_SETTLEMENT_SNAPSHOTS_H */
