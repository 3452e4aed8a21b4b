#include "engine/state.h"

#include "common/arena.h"
#include "engine/holds.h"

#include <string.h>

static size_t engine_struct_bytes(void)
{
    return (sizeof(struct engine) + 63) & ~(size_t)63;
}

size_t engine_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return engine_struct_bytes() + accounts_bytes(params) + book_all_bytes(params) +
           directory_bytes(params->orders_max) + keys_bytes(params->keys_max);
}

struct engine *engine_new(struct arena *arena, const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const char *reason;
    ASSERT(params_valid(params, &reason));
    if (engine_bytes(genesis) > arena->capacity - arena->used) return NULL;

    struct engine *engine = arena_take(arena, sizeof(struct engine));
    const bool taken = engine != NULL && accounts_init(&engine->accounts, arena, params) &&
                       book_all_init(&engine->books, arena, params) &&
                       directory_init(&engine->directory, arena, &engine->books.orders) &&
                       keys_init(&engine->keys, arena, params->keys_max);
    ASSERT(taken); /* engine_bytes has counted them all */

    engine->params = *params;
    engine->operator_count = genesis->operator_count;
    origins_init(&engine->origins, &genesis->validators);
    return engine;
}

#define EVENT_BYTES(payload_bytes) ((size_t)EVENT_HEADER_BYTES + (payload_bytes))

size_t engine_event_bytes_max(const struct engine *engine)
{
    /* The longest command sweeps every order of every level, and touches what a command can. */
    const size_t fills = (size_t)engine->params.orders_max *
                         (EVENT_BYTES(FILL_BYTES) + EVENT_BYTES(ORDER_DONE_BYTES));
    const size_t own = EVENT_BYTES(ORDER_ACCEPTED_BYTES) + EVENT_BYTES(ORDER_DONE_BYTES);
    const size_t levels = ((size_t)engine->params.levels_max + 1) * EVENT_BYTES(LEVEL_BYTES);
    const size_t balances = engine->accounts.touches_max * EVENT_BYTES(BALANCE_BYTES);
    return own + fills + levels + balances;
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

const struct params *engine_params(const struct engine *engine)
{
    return &engine->params;
}

/* What the account's open orders hold of the asset, over all markets. */
static int64_t held_by_orders(const struct engine *engine, uint32_t account, uint16_t asset)
{
    int64_t held = 0;
    for (uint16_t i = 0; i < engine->params.market_count; i++) {
        const struct market *market = &engine->params.markets[i];
        const struct roster *roster = directory_roster(&engine->directory, account, i);
        if (roster == NULL) continue;
        for (uint32_t slot = roster->oldest; slot != NO_SLOT;
             slot = engine->books.orders.orders[slot].roster_newer) {
            const struct order *order = &engine->books.orders.orders[slot];
            if (holds_asset(market, (enum side)order->side) == asset)
                held += holds_resting(market, order).units;
        }
    }
    return held;
}

static void holds_check(const struct engine *engine)
{
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
            ASSERT(accounts_balance(&engine->accounts, account, asset)->held.units ==
                   held_by_orders(engine, account, asset)); /* E1 */
}

bool engine_check(const struct engine *engine)
{
    ASSERT(accounts_check(&engine->accounts)); /* E2 */
    ASSERT(directory_check(&engine->directory));
    ASSERT(order_pool_check(&engine->books.orders));
    uint32_t resting = 0, levels = 0;
    for (uint16_t market = 0; market < engine->params.market_count; market++) {
        const struct book *book = &engine->books.markets[market];
        resting += book_check(&engine->books, market);
        levels += book->sides[BUY].level_count + book->sides[SELL].level_count;
    }
    ASSERT(resting == engine->books.orders.count); /* E3: directory_check has counted the same */
    ASSERT(levels == engine->books.levels.level_count);
    ASSERT(engine->books.change_count == 0);
    holds_check(engine);
    return true;
}
