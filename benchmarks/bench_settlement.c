/* What does a snapshot of settlement cost, and what a new settlement from it?
 *
 *     bench_settlement [ACCOUNTS [ORDERS [OUT [ASSETS [ASSETS_MAX]]]]]
 *
 * An engine and a settlement are filled with ORDERS open orders (100000) of ACCOUNTS accounts (1000000), each
 * with a key and ASSETS (2) of at most ASSETS_MAX (16) assets, in 4 markets. Then commands go on: orders placed, taken and cancelled, a
 * block every 2,000. Meanwhile another thread prepares, copies what was frozen, and writes the snapshot;
 * last, a settlement is restored from it. Prints one JSON object: settlement's longest command and longest
 * block, alone and during both; what freezing took; bytes; seconds of copying, writing and restoring;
 * whether the restored settlement has the same roots and bytes. Exit 1 when not. How much of
 * settlement's memory has pages is looked at before. OUT: the snapshot is written to that file, too; "-": to none.
 *
 * Commands are signed by nobody, so here whoever asks for one may: signatures are not what is measured.
 */

#define authority_objection settlement_authority_objection
#include "settlement/authority.c"
#undef authority_objection

#include "common/arena.h"
#include "common/freeze.h"
#include "engine/match.h"
#include "settlement/image.h"
#include "settlement/restore.h"
#include "settlement/settle.h"
#include "settlement/snapshot.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define START_NS       (UINT64_C(1700000000) * 1000000000)
#define STEP_NS        10000u
#define FUNDS          INT64_C(1000000000000) /* of either asset, an account */
#define MARKETS        4
#define ASSETS_MAX     16 /* as many as the demo has room for */
#define PRICE_MIDDLE   2000000
#define SPREAD         5000 /* passive prices are up to this far from the middle */
#define BLOCK_COMMANDS 2000
#define ALONE_BLOCKS   100

enum stage { IDLE, WISH_PREPARE, PREPARED, WISH_COPY, WRITTEN };

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    (void)authority, (void)command;
    return NULL;
}

/* An order that rests. */
struct place {
    uint64_t id;
    uint32_t account;
    uint16_t market;
};

struct snapshot_bytes {
    uint8_t *bytes;
    size_t count, room;
};

/* How settlement went while something else was going on. */
struct pace {
    uint64_t commands, settle_ns, longest_ns, blocks, longest_block_ns;
};

static struct {
    struct genesis genesis;
    struct arena engine_arena, arena, events, bytes;
    struct engine *engine;
    struct settlement *settlement;
    struct settle_roots roots;
    struct freeze freeze;
    struct place *places;
    uint32_t accounts, orders;
    uint16_t assets, assets_max;
    uint64_t number, height, nonce, random, key;
    struct pace *pace;
    struct snapshot_bytes snapshot, again;
    uint64_t prepare_ns, copy_ns, write_ns, begin_ns, restore_ns;
    enum status status;
    _Atomic int stage; /* release and acquire, either way: what was done before is seen */
} rig;

static const uint8_t tree_secret[32] = "thirty-two bytes of tree secret";

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t below(uint32_t bound)
{
    rig.random = rig.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((rig.random >> 32) * bound >> 32);
}

static void fail(const char *what)
{
    const struct settle_mismatch *found =
        rig.settlement == NULL ? NULL : settlement_mismatch(rig.settlement);
    fprintf(stderr, "bench_settlement: %s %s\n", what, found == NULL ? "" : found->what);
    exit(1);
}

/* ---- Commands. */

/* Steps the engine and settles what it did. Returns the order that was accepted, or 0. */
static uint64_t step(uint16_t type, const uint8_t *payload)
{
    const struct command command = {
        .header = {.length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
                   .type = type},
        .payload = payload,
    };
    struct event_writer out = {.at = rig.events.bytes,
                               .end = rig.events.bytes + rig.events.capacity};
    const uint64_t stamp_ns = START_NS + ++rig.number * STEP_NS;
    uint64_t accepted = 0;
    match_step(rig.engine, &command, rig.number, stamp_ns, &out);

    const uint8_t *at = rig.events.bytes;
    struct event event;
    const uint64_t begin_ns = now_ns();
    enum status status = settle_command(rig.settlement, rig.number, stamp_ns, &command);
    while (status == STATUS_OK && event_next(&at, out.at, &event)) {
        status = settle_event(rig.settlement, &event);
        if (event.type != T_ORDER_ACCEPTED) continue;
        struct order_accepted_event order;
        order_accepted_event_get(event.payload, &order);
        accepted = order.order_id;
    }
    const uint64_t took_ns = now_ns() - begin_ns;
    if (status != STATUS_OK) fail("settlement differs:");
    rig.pace->commands++;
    rig.pace->settle_ns += took_ns;
    if (took_ns > rig.pace->longest_ns) rig.pace->longest_ns = took_ns;
    return accepted;
}

static void seal(void)
{
    uint8_t payload[SEAL_BYTES];
    const struct seal_command asked = {.height = rig.height + 1};
    seal_command_put(payload, &asked);
    (void)step(T_SEAL, payload);
    const uint64_t begin_ns = now_ns();
    if (settle_block(rig.settlement, ++rig.height, &rig.roots) != STATUS_OK) fail("block differs:");
    const uint64_t took_ns = now_ns() - begin_ns;
    rig.pace->blocks++;
    if (took_ns > rig.pace->longest_block_ns) rig.pace->longest_block_ns = took_ns;
}

/* Rests at one side of the middle, or takes from the other. */
static void order_place(uint32_t place, bool takes)
{
    uint8_t payload[ORDER_PLACE_BYTES];
    struct order_place_command order = {
        .account = 1 + below(rig.accounts),
        .market = (uint16_t)below(MARKETS),
        .side = (uint8_t)below(2),
        .type = LIMIT,
        .time_in_force = takes ? IOC : GTC,
        .qty = {1 + below(100)},
    };
    const int64_t distance = takes ? SPREAD : 1 + below(SPREAD - 1);
    order.price.ticks = PRICE_MIDDLE + ((order.side == BUY) != takes ? -distance : distance);
    le_put_u64(order.client_id, rig.number + 1);
    order_place_command_put(payload, &order);
    const uint64_t id = step(T_ORDER_PLACE, payload);
    if (!takes) rig.places[place] = (struct place){id, order.account, order.market};
}

/* One of 12 takes; otherwise an order makes room for another. */
static void traffic(void)
{
    uint8_t payload[ORDER_CANCEL_BYTES];
    const uint32_t at = below(rig.orders);
    if (below(12) == 0) {
        order_place(0, true);
        return;
    }
    const struct place *place = &rig.places[at];
    const struct order_cancel_command cancel = {
        .order_id = place->id, .account = place->account, .market = place->market};
    order_cancel_command_put(payload, &cancel);
    (void)step(T_ORDER_CANCEL, payload); /* refused when it was filled */
    order_place(at, false);
}

static void traffic_block(void)
{
    for (uint32_t i = 0; i < BLOCK_COMMANDS / 2; i++)
        traffic();
    seal();
}

static void person_make(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct account_create_command create = {.nonce = ++rig.nonce};
    struct key_add_command key = {
        .account = account, .permissions = KEY_READ | KEY_TRADE, .secret_version = 1};
    le_put_u32(create.public_key, account);
    account_create_command_put(payload, &create);
    (void)step(T_ACCOUNT_CREATE, payload);
    key.nonce = ++rig.nonce;
    le_put_u64(key.key_id, account * 0x9e3779b97f4a7c15u);
    key_add_command_put(payload, &key);
    (void)step(T_KEY_ADD, payload);
    for (uint16_t asset = 0; asset < rig.assets; asset++) {
        const struct credit_command credit = {
            .nonce = ++rig.nonce, .account = account, .asset = asset, .amount = {FUNDS}};
        credit_command_put(payload, &credit);
        (void)step(T_CREDIT, payload);
    }
    if (account % 10000 == 0) seal();
}

/* ---- The other thread. */

static int stage_now(void)
{
    return atomic_load_explicit(&rig.stage, memory_order_acquire);
}

static void stage_set(int stage)
{
    atomic_store_explicit(&rig.stage, stage, memory_order_release);
}

static void stage_await(int stage)
{
    while (stage_now() != stage)
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

static bool bytes_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct snapshot_bytes *to = context;
    if (byte_count > to->room - to->count) return false;
    memcpy(to->bytes + to->count, bytes, byte_count);
    to->count += byte_count;
    return true;
}

static enum status written(const struct settlement *settlement, struct snapshot_bytes *to)
{
    const struct snapshot_sink sink = {bytes_take, to};
    struct arena scratch;
    if (!arena_map(&scratch, settlement_snapshot_scratch_bytes(settlement)))
        return STATUS_NO_MEMORY;
    const enum status status = settlement_snapshot_write(settlement, &rig.genesis, &scratch, &sink);
    arena_unmap(&scratch);
    return status;
}

static void *writer_main(void *argument)
{
    struct arena copy;
    stage_await(WISH_PREPARE);
    uint64_t begin_ns = now_ns();
    freeze_prepare(&rig.freeze);
    rig.prepare_ns = now_ns() - begin_ns;
    stage_set(PREPARED);
    stage_await(WISH_COPY);

    begin_ns = now_ns();
    freeze_copy_all(&rig.freeze);
    rig.copy_ns = now_ns() - begin_ns;
    if (!arena_map(&copy, image_settlement_bytes())) fail("no memory");
    begin_ns = now_ns();
    const struct settlement *settlement =
        image_settlement(&copy, freeze_image(&rig.freeze), rig.arena.bytes, rig.settlement);
    rig.status = settlement == NULL ? STATUS_NO_MEMORY : written(settlement, &rig.snapshot);
    rig.write_ns = now_ns() - begin_ns;
    freeze_end(&rig.freeze);
    arena_unmap(&copy);
    stage_set(WRITTEN);
    return argument;
}

/* ---- The measurement. */

static void genesis_make(void)
{
    static const struct market_create_command listing = {.base = 0,
                                                         .quote = 1,
                                                         .tick_units = 1000,
                                                         .lot_units = 1000000,
                                                         .price_min = {1},
                                                         .price_max = {100000000},
                                                         .qty_min = {1},
                                                         .qty_max = {1000000},
                                                         .notional_min = {1},
                                                         .account_orders_max = 200};
    struct params *params = &rig.genesis.params;
    rig.genesis.validators.count = 1;
    rig.genesis.validators.members[0].node = 1;
    rig.genesis.operator_count = 1;
    *params = (struct params){
        .rules = PARAMS_RULES,
        .accounts_max = rig.accounts,
        .keys_max = rig.accounts,
        .orders_max = rig.orders + 1024,
        .levels_max = rig.orders + 1024,
        .assets_max = rig.assets_max,
        .markets_max = MARKETS,
        .block_ms = 1000,
        .idle_block_ms = 1000,
        .stamp_step_ms = 1000,
        .uncertified_blocks_max = 1,
        .gateway_secret_version = 1,
        .tree_secret_version = 1,
        .tier_count = 1,
        .tiers = {{.maker_ppm = 100, .taker_ppm = 200}},
        .asset_count = rig.assets,
        .assets = {{.symbol = "BASE", .decimals = 8}, {.symbol = "QUOTE", .decimals = 8}},
        .market_count = MARKETS,
    };
    for (uint16_t i = 2; i < rig.assets; i++) {
        params->assets[i].decimals = 8;
        memcpy(params->assets[i].symbol, "OTHER", 6);
        params->assets[i].symbol[5] = (char)('A' + i);
    }
    for (uint16_t i = 0; i < MARKETS; i++) {
        struct market_create_command market = listing;
        memcpy(market.symbol, "BASEQUOTE", 9);
        market.symbol[9] = (uint8_t)('A' + i);
        if (!market_list(&market, params->assets, &params->markets[i])) fail("no market");
    }
}

static void rig_open(void)
{
    const size_t room = (size_t)rig.orders * 512 +
                        (size_t)rig.accounts * (512 + 18 * (size_t)rig.assets) + 1024 * 1024;
    genesis_make();
    rig.places = calloc(rig.orders, sizeof(*rig.places));
    if (rig.places == NULL || !arena_map(&rig.engine_arena, engine_bytes(&rig.genesis)) ||
        !arena_map(&rig.arena, settlement_bytes(&rig.genesis)) || !arena_map(&rig.bytes, 2 * room))
        fail("no memory");
    rig.engine = engine_new(&rig.engine_arena, &rig.genesis);
    rig.settlement = settlement_new(&rig.arena, &rig.genesis, tree_secret);
    if (rig.engine == NULL || rig.settlement == NULL ||
        !arena_map(&rig.events, engine_event_bytes_max(rig.engine)))
        fail("no memory");
    rig.snapshot = (struct snapshot_bytes){.bytes = rig.bytes.bytes, .room = room};
    rig.again = (struct snapshot_bytes){.bytes = rig.bytes.bytes + room, .room = room};
    if (!freeze_init(&rig.freeze, rig.arena.bytes, rig.arena.capacity, 0)) fail("cannot freeze");
}

static void fill(void)
{
    for (uint32_t account = 1; account <= rig.accounts; account++)
        person_make(account);
    for (uint32_t i = 0; i < rig.orders; i++)
        order_place(i, false);
    seal();
}

/* Blocks until the other thread is there. */
static void run_until(struct pace *pace, int stage)
{
    rig.pace = pace;
    do
        traffic_block();
    while (stage_now() != stage);
}

/* A new settlement: whether it has the roots of that block and the same bytes. */
static bool restored_check(const struct settle_roots *roots)
{
    struct settlement *settlement;
    struct settle_roots ours;
    struct arena arena;
    if (!arena_map(&arena, settlement_bytes(&rig.genesis))) fail("no memory");
    const uint64_t begin_ns = now_ns();
    const enum status status = restore_settlement(
        &arena, &rig.genesis, tree_secret, rig.snapshot.bytes, rig.snapshot.count, &settlement);
    rig.restore_ns = now_ns() - begin_ns;
    if (status != STATUS_OK) fail("not restored");
    settlement_roots(settlement, &ours);
    const bool same = written(settlement, &rig.again) == STATUS_OK &&
                      rig.again.count == rig.snapshot.count &&
                      memcmp(rig.again.bytes, rig.snapshot.bytes, rig.again.count) == 0 &&
                      hash_equal(ours.state_root, roots->state_root) &&
                      hash_equal(ours.totals_root, roots->totals_root) &&
                      hash_equal(ours.params_hash, roots->params_hash);
    arena_unmap(&arena);
    return same;
}

/* Of the settlement's memory, what has pages. */
static size_t resident_bytes(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE),
                 pages = (rig.arena.capacity + page - 1) / page;
    unsigned char *there = malloc(pages);
    size_t count = 0;
    if (there == NULL || mincore(rig.arena.bytes, rig.arena.capacity, there) != 0) fail("mincore");
    for (size_t i = 0; i < pages; i++)
        count += there[i] & 1;
    free(there);
    return count * page;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void pace_print(const char *name, const struct pace *pace)
{
    printf(", \"%s\": {\"commands\": %" PRIu64 ", \"ns_a_command\": %" PRIu64
           ", \"longest_ms\": %.3f, \"blocks\": %" PRIu64 ", \"longest_block_ms\": %.3f}",
           name, pace->commands, pace->settle_ns / (pace->commands + (pace->commands == 0)),
           ms(pace->longest_ns), pace->blocks, ms(pace->longest_block_ns));
}

static bool file_write(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return false;
    const bool whole =
        fwrite(rig.snapshot.bytes, 1, rig.snapshot.count, file) == rig.snapshot.count;
    return fclose(file) == 0 && whole;
}

int main(int count, char **words)
{
    static struct pace filling, alone, preparing, during;
    pthread_t writer;
    rig.accounts = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 1000000;
    rig.orders = count > 2 ? (uint32_t)strtoul(words[2], NULL, 10) : 100000;
    if (rig.accounts == 0 || rig.orders == 0 || !hash_start()) return 2;
    rig.assets = count > 4 ? (uint16_t)strtoul(words[4], NULL, 10) : 2;
    rig.assets_max = count > 5 ? (uint16_t)strtoul(words[5], NULL, 10) : ASSETS_MAX;
    if (rig.assets < 2 || rig.assets > rig.assets_max || rig.assets_max > PARAMS_ASSETS_LIMIT)
        return 2;
    rig.random = 0x5eed;
    rig_open();
    rig.pace = &filling;
    fill();
    rig.pace = &alone;
    for (int i = 0; i < ALONE_BLOCKS; i++)
        traffic_block();
    const size_t resident = resident_bytes();
    if (pthread_create(&writer, NULL, writer_main, NULL) != 0) fail("no thread");
    stage_set(WISH_PREPARE);
    run_until(&preparing, PREPARED);

    const struct settle_roots roots = rig.roots;
    const uint64_t begin_ns = now_ns();
    if (!freeze_begin(&rig.freeze)) fail("not frozen");
    rig.begin_ns = now_ns() - begin_ns;
    stage_set(WISH_COPY);
    run_until(&during, WRITTEN);
    pthread_join(writer, NULL);
    if (rig.status != STATUS_OK) fail("not written");
    const bool same = restored_check(&roots);
    const bool stored = count <= 3 || strcmp(words[3], "-") == 0 || file_write(words[3]);
    printf("{\"accounts\": %u, \"assets\": %u, \"assets_max\": %u, \"orders\": %u, "
           "\"state_bytes\": %zu"
           ", \"resident_bytes\": %zu, \"snapshot_bytes\": %zu",
           rig.accounts, rig.assets, rig.assets_max, rig.orders, rig.arena.capacity, resident,
           rig.snapshot.count);
    pace_print("filling", &filling);
    pace_print("alone", &alone);
    pace_print("preparing", &preparing);
    pace_print("during", &during);
    printf(", \"freeze_begin_ms\": %.3f, \"owner_copies\": %" PRIu64
           ", \"prepare_seconds\": %.3f, \"copy_seconds\": %.3f, \"write_seconds\": %.3f"
           ", \"restore_seconds\": %.3f, \"same\": %s}\n",
           ms(rig.begin_ns), rig.freeze.owner_copies, ms(rig.prepare_ns) / 1e3,
           ms(rig.copy_ns) / 1e3, ms(rig.write_ns) / 1e3, ms(rig.restore_ns) / 1e3,
           same ? "true" : "false");
    return same && stored ? 0 : 1;
}
