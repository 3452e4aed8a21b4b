#include "engine/slices.h"

#include "common/balance_slice.h"
#include "common/le.h"
#include "common/ring.h"
#include "engine/state.h"

static uint32_t slice_count(const struct slices *slices, const struct engine *engine)
{
    const uint32_t cells = slices->hurried ? BALANCE_SLICE_HURRIED : BALANCE_SLICE_CELLS;
    const uint32_t assets = engine->params.asset_count > 0 ? engine->params.asset_count : 1;
    const uint32_t left = engine->accounts.count + 1 - slices->next;
    const uint32_t most = cells / assets > 0 ? cells / assets : 1;
    return most < left ? most : left;
}

static void slice_put(const struct engine *engine, const struct balance_slice *slice,
                      uint8_t *bytes)
{
    const struct accounts *accounts = &engine->accounts;
    uint8_t *at = balance_slice_put(bytes, slice);
    for (uint16_t asset = 0; asset < slice->asset_count; asset++)
        at = le_put_i64(at, accounts->supply[asset].units - accounts->fees[asset].units);
    for (uint32_t account = slice->first; account < slice->first + slice->count; account++)
        for (uint16_t asset = 0; asset < slice->asset_count; asset++) {
            const struct balance *balance = accounts_balance(accounts, account, asset);
            at = le_put_i64(at, balance->available.units);
            at = le_put_i64(at, balance->held.units);
        }
}

void slices_step(struct slices *slices, const struct engine *engine, uint64_t height,
                 uint64_t wanted)
{
    if (slices->next == 0 || slices->next > engine->accounts.count || wanted != slices->wanted) {
        slices->hurried = wanted != slices->wanted;
        slices->wanted = wanted;
        slices->next = 1;
    }
    const struct balance_slice slice = {.height = height,
                                        .wanted = wanted,
                                        .first = slices->next,
                                        .count = slice_count(slices, engine),
                                        .total = engine->accounts.count,
                                        .asset_count = (uint16_t)engine->params.asset_count};
    const size_t byte_count = balance_slice_bytes(slice.count, slice.asset_count);
    uint8_t *bytes = ring_reserve(slices->ring, byte_count);
    if (bytes == NULL) return;
    slice_put(engine, &slice, bytes);
    ring_commit(slices->ring, byte_count);
    /* Whoever waits for blocks is woken by them. */
    (void)!ring_publish(slices->ring);
    slices->next += slice.count;
}
