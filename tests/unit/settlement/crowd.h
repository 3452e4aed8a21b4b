/* A settlement of many accounts whose balances are moved as if events had moved them: enough for a block's end to be
 * worked at in parts. */

#ifndef TESTS_SETTLEMENT_CROWD_H
#define TESTS_SETTLEMENT_CROWD_H

#include "common/arena.h"
#include "common/sharing.h"
#include "settlement/state.h"
#include "tests/unit/settlement/world.h"

#define CROWD_ACCOUNTS 5000u

struct crowd {
    struct genesis genesis;
    struct arena arena;
    struct settlement *settlement;
    uint64_t height;
};

/* With the assets that the world has listed. */
static inline void crowd_make(struct crowd *crowd, const struct world *world)
{
    *crowd = (struct crowd){.genesis = world->genesis};
    crowd->genesis.params = world->settlement->params;
    ASSERT(crowd->genesis.params.asset_count >= 2);
    crowd->genesis.params.accounts_max = CROWD_ACCOUNTS;
    ASSERT(arena_map(&crowd->arena, settlement_bytes(&crowd->genesis)));
    crowd->settlement = settlement_new(&crowd->arena, &crowd->genesis, world_secret);
    ASSERT(crowd->settlement != NULL);
    for (uint32_t i = 1; i <= CROWD_ACCOUNTS; i++) {
        uint8_t key[PUBLIC_KEY_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
        ASSERT(balance_sheet_open(crowd->settlement->accounts, key, 0) == i);
    }
}

static inline void crowd_free(struct crowd *crowd)
{
    arena_unmap(&crowd->arena);
}

/* Gives `count` accounts from `first` on a unit more of every asset, from outside. */
static inline void crowd_move(struct crowd *crowd, uint32_t first, uint32_t count)
{
    struct settlement *s = crowd->settlement;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t account = 1 + (first + i) % CROWD_ACCOUNTS;
        settle_touch(s, account);
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
            struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
            cell->available.units++;
            cell->engine_available.units++;
            s->totals[asset].users++;
            s->totals[asset].external++;
        }
    }
}

static inline enum status crowd_seal(struct crowd *crowd, struct settle_roots *roots)
{
    return settle_block(crowd->settlement, ++crowd->height, roots);
}

#endif /* TESTS_SETTLEMENT_CROWD_H */
