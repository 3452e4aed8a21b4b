/* Slices of a world's balances, as its engine would tell them. */

#ifndef TESTS_UNIT_SETTLEMENT_SLICES_H
#define TESTS_UNIT_SETTLEMENT_SLICES_H

#include "common/balance_slice.h"
#include "tests/unit/settlement/world.h"

/* Writes accounts first to first + count - 1; returns the bytes. The plain numbers of the world, not settlement's. */
static inline size_t world_slice(const struct world *world, uint32_t first, uint32_t count,
                                 uint64_t wanted, uint8_t *bytes)
{
    const struct balance_slice slice = {.height = world->height,
                                        .wanted = wanted,
                                        .first = first,
                                        .count = count,
                                        .total = world->account_count,
                                        .asset_count = 2};
    uint8_t *at = balance_slice_put(bytes, &slice);
    for (uint16_t asset = 0; asset < 2; asset++) {
        int64_t all = 0;
        for (uint32_t account = 1; account <= world->account_count; account++)
            all += world->available[account][asset] + world->held[account][asset];
        at = le_put_i64(at, all);
    }
    for (uint32_t account = first; account < first + count; account++)
        for (uint16_t asset = 0; asset < 2; asset++) {
            at = le_put_i64(at, world->available[account][asset]);
            at = le_put_i64(at, world->held[account][asset]);
        }
    return (size_t)(at - bytes);
}

#endif /* TESTS_UNIT_SETTLEMENT_SLICES_H */
