/* A chain that trades: 64 accounts, two orders a fill, 1,000 fills a second of its own time.
 *
 * The world of settlement's tests makes it, block by block; what measures PostgreSQL reads it.
 */

#ifndef BENCHMARKS_TRADING_WORLD_H
#define BENCHMARKS_TRADING_WORLD_H

#define WORLD_ACCOUNTS 64

#include "tests/unit/settlement/world.h"

#define FILLS_A_BLOCK 500
#define FILL_NS       1000000

static inline struct world *trading_world(void)
{
    struct world *world = world_new();
    for (uint32_t account = 5; account <= WORLD_ACCOUNTS; account++) {
        (void)world_account(world, account % 2 == 0);
        world_credit(world, account, BTC, 1000000000000);
        world_credit(world, account, USDT, 100000000000000000);
    }
    return world;
}

/* The next block, of so many fills. */
static inline void trading_block(struct world *world, uint64_t fills)
{
    for (const uint64_t end = world->trade_id + fills; world->trade_id < end;) {
        const uint64_t i = world->trade_id;
        const int64_t price = 3000000 + (int64_t)(i * 7919 % 101);
        world->stamp_ns += FILL_NS;
        world_sell(world, (uint32_t)(1 + i % WORLD_ACCOUNTS), price, 3);
        world_buy(world, (uint32_t)(1 + i * 31 % WORLD_ACCOUNTS), price + 5, 3);
    }
    if (world_seal(world) != STATUS_OK) abort();
}

#endif /* BENCHMARKS_TRADING_WORLD_H */
