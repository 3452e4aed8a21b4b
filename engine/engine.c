#include "engine/state.h"

#include "common/arena.h"
#include "engine/done.h"
#include "engine/holds.h"

#include <string.h>

static size_t engine_struct_bytes(void)
{
    return (sizeof(struct engine) + 63) & ~(size_t)63;
}

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

static size_t print_slots(const struct params *params)
{
    return (size_t)params->levels_max + 1; /* a run trades once at each level, price by price */
}

size_t engine_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const uint32_t orders = book_order_slots(params);
    return engine_struct_bytes() + accounts_bytes(params) + book_all_bytes(params) +
           directory_bytes(orders) + lists_bytes(orders) + triggers_bytes(params) +
           averages_bytes(params) + volumes_bytes(params) + switches_bytes(params) +
           repeats_bytes(params) + keys_bytes(params->keys_max, params->accounts_max) +
           custody_bytes(params) + rounded(params->markets_max * sizeof(struct market_ids)) +
           rounded(print_slots(params) * sizeof(price_t));
}

static bool engine_take(struct engine *engine, struct arena *arena, const struct params *params)
{
    if (!accounts_init(&engine->accounts, arena, params)) return false;
    if (!book_all_init(&engine->books, arena, params)) return false;
    if (!directory_init(&engine->directory, arena, &engine->books.orders)) return false;
    if (!lists_init(&engine->lists, arena, book_order_slots(params))) return false;
    if (!triggers_init(&engine->triggers, arena, params)) return false;
    if (!averages_init(&engine->averages, arena, params)) return false;
    if (!volumes_init(&engine->volumes, arena, params)) return false;
    if (!switches_init(&engine->switches, arena, params)) return false;
    if (!repeats_init(&engine->repeats, arena, params)) return false;
    if (!keys_init(&engine->keys, arena, params->keys_max, params->accounts_max)) return false;
    if (!custody_init(&engine->custody, arena, params)) return false;
    engine->ids = arena_take_array(arena, params->markets_max, sizeof(struct market_ids));
    engine->prints = arena_take_array(arena, print_slots(params), sizeof(price_t));
    return engine->ids != NULL && engine->prints != NULL;
}

struct engine *engine_new(struct arena *arena, const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const char *reason;
    ASSERT(params_valid(params, &reason));
    if (engine_bytes(genesis) > arena->capacity - arena->used) return NULL;

    struct engine *engine = arena_take(arena, sizeof(struct engine));
    const bool taken = engine != NULL && engine_take(engine, arena, params);
    ASSERT(taken); /* engine_bytes has counted them all */

    engine->params = *params;
    engine->chain_id = genesis_chain_id(genesis);
    engine->volumes_counted = volumes_counted(params);
    engine->operator_count = genesis->operator_count;
    origins_init(&engine->origins, &genesis->validators);
    nodes_init(&engine->nodes, genesis);
    return engine;
}

#define EVENT_BYTES(name) ((size_t)EVENT_HEADER_BYTES + name##_BYTES)

size_t engine_event_bytes_max(const struct engine *engine)
{
    /* The longest command sweeps every order, slice by slice, each as a taker once, and ends it. */
    const size_t orders = (size_t)engine->params.orders_max + 1;
    const size_t fills = (MARKET_ICEBERG_PARTS_MAX + 1) * EVENT_BYTES(FILL);
    const size_t ends = EVENT_BYTES(PREVENTED) + EVENT_BYTES(ORDER_TERMS) +
                        EVENT_BYTES(ORDER_TAGGED) + EVENT_BYTES(ORDER_DONE) +
                        EVENT_BYTES(LIST_DONE);
    const size_t begins = EVENT_BYTES(ORDER_RELEASED) + EVENT_BYTES(ORDER_TRIGGERED);
    const size_t own =
        EVENT_BYTES(LIST_ACCEPTED) + EVENT_BYTES(TIER_CHANGED) + EVENT_BYTES(ORDER_REPLACED) +
        LIST_LEGS *
            (EVENT_BYTES(ORDER_ACCEPTED) + EVENT_BYTES(ORDER_TERMS) + EVENT_BYTES(ORDER_TAGGED));
    const size_t levels = ((size_t)engine->params.levels_max + 1) * EVENT_BYTES(LEVEL);
    const size_t balances = engine->accounts.touches_max * EVENT_BYTES(BALANCE);
    return own + orders * (fills + ends + begins + EVENT_BYTES(SWITCH_FIRED)) + levels + balances;
}

struct engine_counts engine_counts(const struct engine *engine)
{
    struct engine_counts counts = engine->counts;
    counts.open_orders = engine->books.orders.count;
    counts.levels = engine->books.levels.level_count;
    counts.accounts = engine->accounts.count;
    return counts;
}

uint64_t engine_last_command(const struct engine *engine)
{
    return engine->last_command;
}

uint64_t engine_sealed_height(const struct engine *engine)
{
    return engine->sealed_height;
}

uint64_t engine_sealed_command(const struct engine *engine)
{
    return engine->sealed_command;
}

uint64_t engine_stamp(const struct engine *engine)
{
    return engine->stamp_ns;
}

const struct origins *engine_origins(const struct engine *engine)
{
    return &engine->origins;
}

const struct nodes *engine_nodes(const struct engine *engine)
{
    return &engine->nodes;
}

const struct params *engine_params(const struct engine *engine)
{
    return &engine->params;
}

/* What this order adds to what its account holds: of a pair, the first leg speaks for both. */
static int64_t held_by_order(struct engine *engine, uint32_t slot)
{
    const struct order *order = &engine->books.orders.orders[slot];
    const uint32_t sibling = lists_sibling(&engine->lists, &engine->books.orders, slot);
    if (sibling != NO_SLOT && engine->books.orders.orders[sibling].id < order->id) return 0;
    return done_hold(engine, slot).units;
}

/* What withdrawals that wait for approval hold. */
static int64_t held_by_withdrawals(const struct custody *custody, uint32_t account, uint16_t asset)
{
    int64_t held = 0;
    for (uint64_t i = 0; i < custody->withdrawal_count; i++) {
        const struct withdrawal_moved_event *facts =
            &custody_withdrawal_at(custody, custody->withdrawal_last - i)->facts;
        if (facts->state == WITHDRAWAL_HELD && facts->account == account && facts->asset == asset)
            held += facts->amount.units;
    }
    return held;
}

/* What the account's open orders hold of the asset, over all markets. */
static int64_t held_by_orders(struct engine *engine, uint32_t account, uint16_t asset)
{
    int64_t held = 0;
    for (uint16_t i = 0; i < engine->params.market_count; i++) {
        const struct market *market = &engine->params.markets[i];
        const struct roster *roster = directory_roster(&engine->directory, account, i);
        if (roster == NULL) continue;
        for (uint32_t slot = roster->oldest; slot != NO_SLOT;
             slot = engine->books.orders.orders[slot].roster_newer)
            if (holds_asset(market, engine->books.orders.orders[slot].side) == asset)
                held += held_by_order(engine, slot);
    }
    return held;
}

static void holds_check(struct engine *engine)
{
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
            ASSERT(accounts_balance(&engine->accounts, account, asset)->held.units ==
                   held_by_orders(engine, account, asset) +
                       held_by_withdrawals(&engine->custody, account, asset)); /* E1 */
}

/* Asserts E4; returns how many orders are dormant. */
static uint32_t dormant_check(const struct engine *engine)
{
    uint32_t dormant = 0, asleep = 0;
    for (uint32_t slot = 1; slot <= engine->books.orders.used; slot++) {
        const struct order *order = &engine->books.orders.orders[slot];
        if (order->id == 0) continue;
        const bool sleeps = (order->flags & ORDER_ASLEEP) != 0;
        const bool pending = (order->flags & ORDER_PENDING) != 0;
        ASSERT((order->flags & ORDER_QUEUED) == 0);
        ASSERT((sleeps || pending) == ((order->flags & ORDER_DORMANT) != 0)); /* E4 */
        dormant += sleeps || pending;
        asleep += sleeps;
    }
    ASSERT(dormant == engine->dormant_count && asleep == triggers_count(&engine->triggers));
    return dormant;
}

bool engine_check(struct engine *engine)
{
    ASSERT(engine->work.first == NO_SLOT);
    ASSERT(accounts_check(&engine->accounts)); /* E2 */
    ASSERT(directory_check(&engine->directory));
    ASSERT(order_pool_check(&engine->books.orders));
    uint32_t resting = 0, levels = 0;
    for (uint16_t market = 0; market < engine->params.market_count; market++) {
        const struct book *book = &engine->books.markets[market];
        resting += book_check(&engine->books, market);
        levels += book->sides[BUY].level_count + book->sides[SELL].level_count;
    }
    /* E3: directory_check has counted the same. */
    ASSERT(resting + dormant_check(engine) == engine->books.orders.count);
    ASSERT(levels == engine->books.levels.level_count);
    ASSERT(engine->books.change_count == 0);
    ASSERT(lists_check(&engine->lists, &engine->books.orders));
    ASSERT(triggers_check(&engine->triggers));
    ASSERT(averages_check(&engine->averages));
    ASSERT(volumes_check(&engine->volumes));
    ASSERT(switches_check(&engine->switches));
    ASSERT(repeats_check(&engine->repeats));
    ASSERT(keys_check(&engine->keys));
    ASSERT(nodes_check(&engine->nodes));
    ASSERT(custody_check(&engine->custody, engine->accounts.in_flight));
    holds_check(engine);
    return true;
}
