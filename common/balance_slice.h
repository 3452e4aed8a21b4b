/* Some accounts' balances after one block, on their way from the engine to those who compare them.
 *
 * The engine says at each block's end what a few accounts have, one run of accounts after the other; after the
 * last account it begins again. One way through all of them is a pass. Settlement compares each slice with its own
 * figures of that block, and so does the PostgreSQL writer.
 *
 *     height u64 | wanted u64 | first u32 | count u32 | total u32 | assets u16 | 0 u16
 *     per asset: what all users have, available and held, i64
 *     per account, per asset: available i64, held i64
 *
 * Memory   a slice that was read points into the bytes it was read from
 * Limits   BALANCE_SLICE_CELLS balances at most, or those of one account; BALANCE_SLICE_HURRIED accounts, which no slice
 *          without assets may pass either
 */

#ifndef COMMON_BALANCE_SLICE_H
#define COMMON_BALANCE_SLICE_H

#include "common/assert.h"
#include "common/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BALANCE_SLICE_CELLS   4096         /* a block, by itself */
#define BALANCE_SLICE_HURRIED (4096u * 16) /* a block, when operators asked for a pass */
#define BALANCE_SLICE_HEADER  32
#define BALANCE_SLICE_CELL    16

struct balance_slice {
    uint64_t height;
    uint64_t wanted; /* of how many passes that were asked for its pass knew when it began */
    uint32_t first;  /* account; 1: a pass begins */
    uint32_t count;  /* 0: there is no account yet */
    uint32_t total;  /* accounts that exist; the pass ends with the last */
    uint16_t asset_count;
    const uint8_t *totals;
    const uint8_t *cells;
};

struct balance_pair {
    amount_t available;
    amount_t held;
};

size_t balance_slice_bytes(uint32_t count, uint16_t asset_count);

/* Writes header and totals' room; returns where the totals go, cells behind them. `totals` and `cells` of the
 * slice are not looked at. */
uint8_t *balance_slice_put(uint8_t *bytes, const struct balance_slice *slice);

/* False when the bytes are not exactly one slice. */
MUST_CHECK bool balance_slice_get(const uint8_t *bytes, size_t byte_count,
                                  struct balance_slice *slice);

/* Needs: asset < asset_count, place < count. */
amount_t balance_slice_total(const struct balance_slice *slice, uint16_t asset);
struct balance_pair balance_slice_pair(const struct balance_slice *slice, uint32_t place,
                                       uint16_t asset);

/* Whether the pass is over with it. */
static inline bool balance_slice_ends(const struct balance_slice *slice)
{
    return (uint64_t)slice->first + slice->count > slice->total;
}

#endif /* COMMON_BALANCE_SLICE_H */
