/* A small exchange for tests: an engine over a genesis of the test's own, stepped command by command.
 *
 * The defaults: assets COIN and USD without decimals, one market COINUSD where a tick and a lot are one
 * unit, 0.1% maker and 0.2% taker fee in tier 0. Change `world.genesis` between world_prepare and
 * world_open for others.
 */

#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

#include "common/arena.h"
#include "common/order_tag.h"
#include "engine/match.h"

#include <stdlib.h>
#include <string.h>

#define COIN 0
#define USD  1

struct world {
    struct genesis genesis;
    struct arena arena;
    struct arena events; /* of the last command */
    struct engine *engine;
    struct event_writer out;
    struct command_header header; /* origin, group, deadline of the next command */
    uint64_t number;
    uint64_t stamp_ns;
    uint64_t nonce;
};

static inline void world_add_asset(struct params *params, const char *symbol)
{
    struct asset *asset = &params->assets[params->asset_count++];
    ASSERT(strlen(symbol) <= ASSET_SYMBOL_BYTES);
    memcpy(asset->symbol, symbol, strlen(symbol));
}

static inline void world_add_market(struct params *params, const char *symbol)
{
    struct market *market = &params->markets[params->market_count++];
    *market = (struct market){
        .base = COIN,
        .quote = USD,
        .status = MARKET_TRADING,
        .tick_units = 1,
        .lot_units = 1,
        .units_per_step = 1,
        .price_min = {1},
        .price_max = {1000000},
        .qty_min = {1},
        .qty_max = {1000000},
        .account_orders_max = 200,
    };
    market->filters = market_filters_default(market);
    ASSERT(strlen(symbol) <= MARKET_SYMBOL_BYTES);
    memcpy(market->symbol, symbol, strlen(symbol));
}

static inline void world_prepare(struct world *world)
{
    *world = (struct world){.stamp_ns = 1000};
    struct params *params = &world->genesis.params;
    params->rules = 1;
    params->accounts_max = 16;
    params->keys_max = 16;
    params->orders_max = 256;
    params->levels_max = 256;
    params->assets_max = 4;
    params->markets_max = 4;
    params->block_ms = 100;
    params->idle_block_ms = 1000;
    params->stamp_step_ms = 10000;
    params->uncertified_blocks_max = 64;
    params->tier_count = 2;
    params->tiers[0] = (struct fee_tier){.maker_ppm = 1000, .taker_ppm = 2000};
    params->tiers[1] = (struct fee_tier){.maker_ppm = 0};
    world_add_asset(params, "COIN");
    world_add_asset(params, "USD");
    world_add_market(params, "COINUSD");
    world->genesis.operator_count = 2;
    world->genesis.validators.count = 2;
    world->genesis.validators.members[0].node = 1;
    world->genesis.validators.members[1].node = 7;
}

/* A test that moved a bound of its market need not move what was taken from it. */
static inline void world_market_fit(struct market *market)
{
    struct market_filters *filters = &market->filters;
    if (filters->market_qty_min.lots < market->qty_min.lots)
        filters->market_qty_min = market->qty_min;
    filters->market_qty_max = qty_min(filters->market_qty_max, market->qty_max);
    ASSERT(market_filters_valid(market, filters));
}

static inline void world_open(struct world *world)
{
    const char *reason;
    ASSERT(params_valid(&world->genesis.params, &reason));
    for (uint16_t i = 0; i < world->genesis.params.market_count; i++)
        world_market_fit(&world->genesis.params.markets[i]);
    ASSERT(arena_map(&world->arena, engine_bytes(&world->genesis)));
    world->engine = engine_new(&world->arena, &world->genesis);
    ASSERT(world->engine != NULL);
    ASSERT(arena_map(&world->events, engine_event_bytes_max(world->engine)));
}

static inline void world_close(struct world *world)
{
    arena_unmap(&world->events);
    arena_unmap(&world->arena);
}

/* Steps one command with this payload; its events are in world->events.bytes .. out.at. */
static inline void world_step(struct world *world, uint16_t type, const uint8_t *payload)
{
    struct command command = {.header = world->header, .payload = payload, .auth = payload};
    command.header.type = type;
    command.header.length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type));
    world->out = (struct event_writer){.at = world->events.bytes,
                                       .end = world->events.bytes + world->events.capacity};
    match_step(world->engine, &command, ++world->number, world->stamp_ns, &world->out);
}

/* The `ordinal`th event of the last command. False when there are fewer. */
static inline bool world_event(const struct world *world, uint32_t ordinal, struct event *event)
{
    const uint8_t *at = world->events.bytes;
    for (uint32_t i = 0; event_next(&at, world->out.at, event); i++)
        if (i == ordinal) return true;
    return false;
}

/* How many events of this type the last command has. */
static inline uint32_t world_events_of(const struct world *world, uint16_t type)
{
    const uint8_t *at = world->events.bytes;
    uint32_t count = 0;
    struct event event;
    while (event_next(&at, world->out.at, &event))
        count += event.type == type;
    return count;
}

/* REJECT_NONE unless the last command was refused or a no-op; then it has that event alone, behind what
 * switches that were due have caused. */
static inline unsigned world_reject(const struct world *world)
{
    struct event event;
    for (uint32_t i = 0; world_event(world, i, &event); i++) {
        if (event.type != T_REFUSED && event.type != T_NOOP) continue;
        struct refused_event refused;
        refused_event_get(event.payload, &refused);
        ASSERT(world_event(world, 0, &event));
        ASSERT(world->out.count == 1 || event.type == T_SWITCH_FIRED);
        return refused.reject;
    }
    return 0;
}

#define WORLD_COMMAND(NAME, name) \
    static inline unsigned world_##name(struct world *world, struct name##_command command) \
    { \
        uint8_t payload[NAME##_BYTES]; \
        name##_command_put(payload, &command); \
        world_step(world, T_##NAME, payload); \
        return world_reject(world); \
    }
WORLD_COMMAND(HELLO, hello)
WORLD_COMMAND(SEAL, seal)
WORLD_COMMAND(VOTE, vote)
WORLD_COMMAND(CHECKPOINT_VOTE, checkpoint_vote)
WORLD_COMMAND(LIABILITIES_VOTE, liabilities_vote)
WORLD_COMMAND(ASSET_CREATE, asset_create)
WORLD_COMMAND(MARKET_CREATE, market_create)
WORLD_COMMAND(MARKET_STATUS, market_status)
WORLD_COMMAND(ACCOUNT_CREATE, account_create)
WORLD_COMMAND(KEY_ADD, key_add)
WORLD_COMMAND(CREDIT, credit)
WORLD_COMMAND(DEBIT, debit)
WORLD_COMMAND(ORDER_PLACE, order_place)
WORLD_COMMAND(ORDER_CANCEL, order_cancel)
WORLD_COMMAND(CANCEL_ALL, cancel_all)
WORLD_COMMAND(ORDER_AMEND, order_amend)
WORLD_COMMAND(ORDER_REPLACE, order_replace)
WORLD_COMMAND(LIST_PLACE, list_place)
WORLD_COMMAND(LIST_CANCEL, list_cancel)
WORLD_COMMAND(SWITCH_SET, switch_set)
WORLD_COMMAND(SESSION_END, session_end)
WORLD_COMMAND(ORIGIN_LOST, origin_lost)
WORLD_COMMAND(MARKET_FILTERS, market_filters)
WORLD_COMMAND(ACCOUNT_TIER, account_tier)
WORLD_COMMAND(NODE_ADD, node_add)
WORLD_COMMAND(NODE_ROLE, node_role)
WORLD_COMMAND(NODE_REMOVE, node_remove)
WORLD_COMMAND(NODE_SWAP, node_swap)
WORLD_COMMAND(EPOCH_CHANGE, epoch_change)
WORLD_COMMAND(RULES_SET, rules_set)
WORLD_COMMAND(LIABILITIES_ORDER, liabilities_order)
WORLD_COMMAND(ROUTE_SET, route_set)
WORLD_COMMAND(ACCOUNT_FREEZE, account_freeze)
WORLD_COMMAND(DEPOSIT_ADDRESS, deposit_address)
WORLD_COMMAND(DEPOSIT_REPORT, deposit_report)
WORLD_COMMAND(DEPOSIT_REORG, deposit_reorg)
WORLD_COMMAND(WITHDRAWAL_APPROVE, withdrawal_approve)
WORLD_COMMAND(WITHDRAWAL_DENY, withdrawal_deny)
WORLD_COMMAND(WITHDRAWAL_REPORT, withdrawal_report)
WORLD_COMMAND(WITHDRAW, withdraw)
WORLD_COMMAND(ADDRESS_ALLOW, address_allow)
WORLD_COMMAND(WITHDRAWAL_CANCEL, withdrawal_cancel)
WORLD_COMMAND(CONNECTOR_ADD, connector_add)
WORLD_COMMAND(ROUTE_FEE_SET, route_fee_set)
WORLD_COMMAND(ORDER_SUBMIT, order_submit)
WORLD_COMMAND(ORDER_RESUBMIT, order_resubmit)
WORLD_COMMAND(LIST_SUBMIT, list_submit)
WORLD_COMMAND(KEY_CREATE, key_create)
WORLD_COMMAND(KEY_LIMIT, key_limit)
WORLD_COMMAND(KEY_REMOVE, key_remove)
WORLD_COMMAND(ACCOUNT_OPEN, account_open)
WORLD_COMMAND(ACCOUNT_APPROVE, account_approve)
WORLD_COMMAND(OPENING_SET, opening_set)

/* A new account of tier `tier` with so much of both assets; returns its number. */
static inline uint32_t world_account(struct world *world, uint16_t tier, int64_t coin, int64_t usd)
{
    ASSERT(world_account_create(
               world, (struct account_create_command){.nonce = ++world->nonce, .tier = tier}) == 0);
    const uint32_t account = engine_counts(world->engine).accounts;
    struct credit_command credit = {.account = account, .asset = COIN, .amount = {coin}};
    credit.nonce = ++world->nonce;
    if (coin > 0) ASSERT(world_credit(world, credit) == 0);
    credit = (struct credit_command){.account = account, .asset = USD, .amount = {usd}};
    credit.nonce = ++world->nonce;
    if (usd > 0) ASSERT(world_credit(world, credit) == 0);
    return account;
}

static inline struct order_place_command world_limit(uint32_t account, enum side side, int64_t lots,
                                                     int64_t ticks)
{
    return (struct order_place_command){.account = account,
                                        .side = (uint8_t)side,
                                        .type = LIMIT,
                                        .time_in_force = GTC,
                                        .qty = {lots},
                                        .price = {ticks}};
}

static inline struct order_place_command world_stop(uint32_t account, enum side side, int64_t lots,
                                                    int64_t ticks)
{
    return (struct order_place_command){.account = account,
                                        .side = (uint8_t)side,
                                        .type = STOP_LOSS,
                                        .qty = {lots},
                                        .stop_price = {ticks}};
}

/* A seller's pair: an offer at `above`, a stop at `below`. */
static inline struct list_place_command world_oco(uint32_t account, int64_t lots, int64_t above,
                                                  int64_t below)
{
    return (struct list_place_command){.account = account,
                                       .kind = LIST_OCO,
                                       .a_side = SELL,
                                       .a_type = LIMIT_MAKER,
                                       .a_qty = {lots},
                                       .a_price = {above},
                                       .b_side = SELL,
                                       .b_type = STOP_LOSS,
                                       .b_qty = {lots},
                                       .b_stop_price = {below}};
}

/* Buys at `bid`, then sells the same at `ask`. */
static inline struct list_place_command world_oto(uint32_t account, int64_t lots, int64_t bid,
                                                  int64_t ask)
{
    return (struct list_place_command){.account = account,
                                       .kind = LIST_OTO,
                                       .a_side = BUY,
                                       .a_type = LIMIT,
                                       .a_time_in_force = GTC,
                                       .a_qty = {lots},
                                       .a_price = {bid},
                                       .b_side = SELL,
                                       .b_type = LIMIT,
                                       .b_time_in_force = GTC,
                                       .b_qty = {lots},
                                       .b_price = {ask}};
}

/* A seeded stream of numbers (xorshift64*). */
static inline uint64_t world_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1du;
}

static inline uint64_t world_below(uint64_t *seed, uint64_t bound)
{
    return world_random(seed) % bound;
}

/* QUOREX_SEED, or `otherwise`. */
static inline uint64_t world_seed(uint64_t otherwise)
{
    const char *text = getenv("QUOREX_SEED");
    const uint64_t seed = text == NULL ? otherwise : strtoull(text, NULL, 0);
    return seed == 0 ? 1 : seed;
}

#endif /* TESTS_UNIT_ENGINE_WORLD_H */
