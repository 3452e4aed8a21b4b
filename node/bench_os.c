#include "node/bench.h"

#include "common/arena.h"
#include "engine/engine.h"
#include "engine/match.h"
#include "node/demo.h"
#include "node/init.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_MARKET 0 /* BTCUSDT */
#define TRADERS      2
#define COMMANDS     (1u << 21)
#define AHEAD        4 /* levels on which orders wait */

/* The engine alone: commands are made before the clock starts. */
struct bench {
    struct arena arena;
    struct genesis genesis;
    struct engine *engine;
    struct event_writer writer;
    uint8_t *events;
    size_t events_bytes;
    uint64_t number;
    uint64_t random;
};

static uint64_t whim(struct bench *bench, uint64_t below)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random % below;
}

/* Steps one command of the node itself. Returns the type of its first event. */
static uint16_t step(struct bench *bench, uint16_t type, const uint8_t *payload)
{
    const struct command command = {
        .header = {.length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
                   .type = type},
        .payload = payload,
    };
    bench->writer = (struct event_writer){bench->events, bench->events + bench->events_bytes, 0};
    bench->number++;
    match_step(bench->engine, &command, bench->number, bench->number, &bench->writer);
    const uint8_t *at = bench->events;
    struct event first = {0};
    return event_next(&at, bench->writer.at, &first) ? first.type : 0;
}

static bool make_traders(struct bench *bench)
{
    uint8_t payload[256];
    uint64_t nonce = 0;
    for (uint32_t account = 1; account <= TRADERS; account++) {
        struct account_create_command create = {.nonce = ++nonce};
        memset(create.public_key, (int)account, sizeof(create.public_key));
        account_create_command_put(payload, &create);
        if (step(bench, T_ACCOUNT_CREATE, payload) != T_ACCOUNT_CREATED) return false;
        for (uint16_t asset = 0; asset < DEMO_ASSET_COUNT; asset++) {
            const struct credit_command credit = {
                .nonce = ++nonce, .account = account, .asset = asset, .amount = {INT64_MAX / 4}};
            credit_command_put(payload, &credit);
            if (step(bench, T_CREDIT, payload) == T_REFUSED) return false;
        }
    }
    return true;
}

/* One account sells, the other buys, near one price: about half of the orders meet another. */
static void make_order(struct bench *bench, uint8_t *payload)
{
    const bool sells = whim(bench, 2) == 1;
    const int64_t away = (int64_t)whim(bench, 2 * AHEAD) - AHEAD;
    const struct order_place_command place = {
        .price = {demo_markets[BENCH_MARKET].price_ticks + (sells ? away : -away)},
        .qty = {(int64_t)(1000 + whim(bench, 1000))},
        .account = sells ? 1 : 2,
        .market = BENCH_MARKET,
        .side = sells ? SELL : BUY,
        .type = LIMIT,
        .time_in_force = GTC,
    };
    order_place_command_put(payload, &place);
    snprintf((char *)payload + ORDER_PLACE_BYTES - sizeof(place.client_id), sizeof(place.client_id),
             "%" PRIu64, bench->random);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool prepare(struct bench *bench)
{
    bench->genesis.operator_count = 1;
    bench->random = 0x5eed;
    init_params(&bench->genesis.params);
    demo_list(&bench->genesis.params);
    bench->genesis.params.orders_max = COMMANDS;
    bench->genesis.params.markets[BENCH_MARKET].account_orders_max = COMMANDS;
    if (!arena_map(&bench->arena, engine_bytes(&bench->genesis))) return false;
    bench->engine = engine_new(&bench->arena, &bench->genesis);
    if (bench->engine == NULL) return false;
    bench->events_bytes = engine_event_bytes_max(bench->engine);
    struct arena events;
    if (!arena_map(&events, bench->events_bytes)) return false;
    bench->events = events.bytes;
    return make_traders(bench);
}

static int measure(struct bench *bench, uint64_t count)
{
    uint8_t *orders = malloc(count * ORDER_PLACE_BYTES);
    if (orders == NULL) return 1;
    for (uint64_t i = 0; i < count; i++)
        make_order(bench, orders + i * ORDER_PLACE_BYTES);

    const struct engine_counts before = engine_counts(bench->engine);
    const uint64_t begin = now_ns();
    for (uint64_t i = 0; i < count; i++)
        (void)step(bench, T_ORDER_PLACE, orders + i * ORDER_PLACE_BYTES);
    const uint64_t took = now_ns() - begin;
    const struct engine_counts after = engine_counts(bench->engine);
    free(orders);
    if (!engine_check(bench->engine)) return 1;
    printf("%" PRIu64 " orders in %" PRIu64 " ms: %" PRIu64 " orders/s, %" PRIu64
           " ns each; %" PRIu64 " fills, %" PRIu64 " refused, %u resting\n",
           count, took / 1000000, count * 1000000000u / (took + 1), took / count,
           after.fills - before.fills, after.refusals - before.refusals,
           (unsigned)after.open_orders);
    return 0;
}

int bench_main(int argc, char **argv)
{
    static const struct option known[] = {{"orders", required_argument, NULL, 'n'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static const char usage[] =
        "usage: quorex bench [--orders N]\n"
        "Matches N random orders (default 1000000, at most 2097152) on one thread.\n";
    uint64_t count = 1000000;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'n':
            count = strtoull(optarg, NULL, 10);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || count == 0 || count > COMMANDS) {
        fputs(usage, stderr);
        return 2;
    }
    struct bench *bench = calloc(1, sizeof(*bench));
    int code = 1;
    if (bench != NULL && prepare(bench)) code = measure(bench, count);
    if (bench != NULL) arena_unmap(&bench->arena);
    free(bench);
    return code;
}
