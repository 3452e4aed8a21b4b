#include "node/bench_case.h"

#include <stdlib.h>
#include <string.h>

#define PRICE_MIDDLE 500000000
#define COMMANDS     4000000u

/* An even mix of orders that come and go: each of `width` places a market is empty or has an order. */
struct mix {
    uint32_t markets;
    uint32_t width;  /* about twice the orders that rest in a market */
    uint32_t spread; /* passive prices are up to this far from the middle */
};

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

static struct flow_record order_record(uint8_t op, uint8_t side, uint64_t id, int64_t distance,
                                       uint32_t qty)
{
    /* Passive: below the middle to buy. Taking: the other way. */
    const bool below = (side == 0) == (op == FLOW_ADD);
    return (struct flow_record){.op = op,
                                .side = side,
                                .qty = qty,
                                .id = id,
                                .price = PRICE_MIDDLE + (below ? -distance : distance)};
}

static struct flow_record mix_record(const struct mix *mix, uint64_t *places, uint64_t *state,
                                     uint64_t *last_id, uint16_t market, bool preload)
{
    struct flow_record record;
    uint64_t *place = &places[(size_t)market * mix->width + random_below(state, mix->width)];
    const uint8_t side = (uint8_t)random_below(state, 2);
    if (!preload && random_below(state, 1000) < 80) {
        record =
            order_record(FLOW_TAKE, side, ++*last_id, mix->spread, 1 + random_below(state, 100));
    } else if (*place == 0) {
        record = order_record(FLOW_ADD, side, ++*last_id, 1 + random_below(state, mix->spread - 1),
                              1 + random_below(state, 100));
        *place = *last_id;
    } else {
        record = (struct flow_record){.op = FLOW_CANCEL, .id = *place};
        *place = 0;
    }
    record.market = market;
    return record;
}

static bool mix_make(struct flow *flow, const struct mix *mix)
{
    uint64_t *places = calloc((size_t)mix->markets * mix->width, sizeof(*places));
    if (places == NULL) return false;
    uint64_t state = 0x5eed, last_id = 0;
    const uint64_t preload = flow->header.preload_count;
    for (uint64_t i = 0; i < preload + flow->header.command_count; i++)
        flow->records[i] =
            mix_record(mix, places, &state, &last_id, (uint16_t)(i % mix->markets), i < preload);
    free(places);
    return true;
}

#define SWEEP_LEVELS 10000u

static void sweep_make(struct flow *flow)
{
    uint64_t last_id = 0;
    for (uint64_t i = 0; i < flow->header.command_count; i++) {
        const uint64_t round = i / (SWEEP_LEVELS + 1), at = i % (SWEEP_LEVELS + 1);
        const uint8_t side = round % 2;
        flow->records[i] =
            at < SWEEP_LEVELS
                ? order_record(FLOW_ADD, side, ++last_id,
                               /* not in the order of their prices: 7919 is prime */
                               1 + (int64_t)(at * 7919 % SWEEP_LEVELS), 1)
                : order_record(FLOW_TAKE, !side, ++last_id, SWEEP_LEVELS, SWEEP_LEVELS);
    }
}

static bool flow_reserve(struct flow *flow, uint64_t preload, uint64_t commands, uint64_t depth)
{
    const size_t byte_count = (size_t)(preload + commands) * sizeof(struct flow_record);
    *flow = (struct flow){
        .header = {.preload_count = preload, .command_count = commands, .target_depth = depth},
        .bytes = malloc(byte_count)};
    flow->records = (struct flow_record *)(void *)flow->bytes;
    return flow->bytes != NULL;
}

bool bench_case_make(struct bench_case *made, const char *name)
{
    *made = (struct bench_case){.market_count = 1};
    if (strcmp(name, "sweep") == 0) {
        const uint64_t rounds = COMMANDS / (SWEEP_LEVELS + 1);
        if (!flow_reserve(&made->flow, 0, rounds * (SWEEP_LEVELS + 1), SWEEP_LEVELS)) return false;
        sweep_make(&made->flow);
        return true;
    }
    struct mix mix = {.markets = 1, .width = 200000, .spread = PRICE_MIDDLE - 1};
    if (strcmp(name, "markets") == 0)
        mix = (struct mix){.markets = 1000, .width = 200, .spread = 300};
    else if (strcmp(name, "sparse") != 0)
        return false;
    made->market_count = mix.markets;
    const uint64_t places = (uint64_t)mix.markets * mix.width;
    return flow_reserve(&made->flow, 2 * places, COMMANDS, places) && mix_make(&made->flow, &mix);
}
