/* A market to test views and streams with: BTCUSDT, tick 0.01, lot 0.00001, and ETHBTC beside it.
 */

#ifndef TESTS_UNIT_GATEWAY_MARKET_FIXTURE_H
#define TESTS_UNIT_GATEWAY_MARKET_FIXTURE_H

#include "gateway/market_view.h"

#include "tests/harness.h"

#ifndef FIXTURE_MARKETS
#define FIXTURE_MARKETS 4 /* there may be */
#endif

#define FIXTURE_START_NS (1700000040ull * 1000000000ull) /* a whole minute */

static struct genesis fixture_genesis;
static struct arena fixture_arena;
static struct market_views *fixture_views;

static inline struct market fixture_market(const char *symbol, uint16_t base, uint16_t quote,
                                           int64_t tick, int64_t lot)
{
    struct market market = {
        .base = base,
        .quote = quote,
        .status = MARKET_TRADING,
        .tick_units = tick,
        .lot_units = lot,
        .units_per_step = tick * lot / 100000000,
        .price_min = {1},
        .price_max = {1000000000},
        .qty_min = {1},
        .qty_max = {900000000},
        .notional_min = {1},
        .account_orders_max = 200,
    };
    memcpy(market.symbol, symbol, strlen(symbol) + 1);
    market.filters = market_filters_default(&market);
    return market;
}

static inline void fixture_open(size_t more_bytes)
{
    arena_unmap(&fixture_arena);
    memset(&fixture_genesis, 0, sizeof(fixture_genesis));
    struct params *params = &fixture_genesis.params;
    params->levels_max = 20000;
    params->assets_max = params->asset_count = 3;
    params->markets_max = FIXTURE_MARKETS;
    params->market_count = 2;
    params->assets[0] = (struct asset){"BTC", 8};
    params->assets[1] = (struct asset){"USDT", 8};
    params->assets[2] = (struct asset){"ETH", 8};
    params->markets[0] = fixture_market("BTCUSDT", 0, 1, 1000000, 1000);
    params->markets[1] = fixture_market("ETHBTC", 2, 0, 1000, 100000);
    assert_true(arena_map(&fixture_arena, market_view_bytes(&fixture_genesis) + more_bytes));
    fixture_views = market_views_new(&fixture_arena, &fixture_genesis);
    assert_non_null(fixture_views);
}

/* An event in a buffer of its own, as if it had come with a command stamped `stamp_ns`. */
static uint8_t fixture_bytes[EVENT_HEADER_BYTES + EVENT_PAYLOAD_MAX];

static inline struct event fixture_fill(uint16_t market, uint64_t id, uint64_t aggregate,
                                        int64_t price, int64_t lots, enum side taker)
{
    struct event_writer writer = {.at = fixture_bytes,
                                  .end = fixture_bytes + sizeof(fixture_bytes)};
    const struct fill_event fill = {.trade_id = id,
                                    .aggregate_id = aggregate,
                                    .price = {price},
                                    .qty = {lots},
                                    .market = market,
                                    .taker_side = (uint8_t)taker};
    struct event event;
    const uint8_t *at = fixture_bytes;
    event_write_fill(&writer, &fill);
    assert_true(event_next(&at, writer.at, &event));
    return event;
}

static inline struct event fixture_level(uint16_t market, uint64_t update_id, enum side side,
                                         int64_t price, int64_t lots)
{
    struct event_writer writer = {.at = fixture_bytes,
                                  .end = fixture_bytes + sizeof(fixture_bytes)};
    const struct level_event level = {.update_id = update_id,
                                      .price = {price},
                                      .qty = {lots},
                                      .market = market,
                                      .side = (uint8_t)side};
    struct event event;
    const uint8_t *at = fixture_bytes;
    event_write_level(&writer, &level);
    assert_true(event_next(&at, writer.at, &event));
    return event;
}

static inline struct applied fixture_applied(uint64_t stamp_ns)
{
    return (struct applied){
        .number = 1, .stamp_ns = stamp_ns, .flags = APPLIED_FIRST | APPLIED_LAST};
}

#endif /* TESTS_UNIT_GATEWAY_MARKET_FIXTURE_H */
