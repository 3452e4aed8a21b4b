/* Balance slices: what is taken is read within its bytes, in bounded time, and is what would be written again. */

#include "common/balance_slice.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* Every figure of it, added up; 0 accounts have no figures. */
static uint64_t read_all(const struct balance_slice *slice, uint64_t *count)
{
    uint64_t sum = 0;
    for (uint16_t asset = 0; asset < slice->asset_count; asset++, ++*count)
        sum += (uint64_t)balance_slice_total(slice, asset).units;
    for (uint32_t place = 0; place < slice->count; place++)
        for (uint16_t asset = 0; asset < slice->asset_count; asset++, *count += 2) {
            const struct balance_pair pair = balance_slice_pair(slice, place, asset);
            sum += (uint64_t)pair.available.units + (uint64_t)pair.held.units;
        }
    return sum;
}

static uint64_t sum_of(const uint8_t *at, size_t byte_count)
{
    uint64_t sum = 0;
    for (; byte_count >= 8; at += 8, byte_count -= 8) {
        uint64_t value = 0;
        for (int i = 7; i >= 0; i--)
            value = value << 8 | at[i];
        sum += value;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct balance_slice slice;
    uint64_t figures = 0;
    /* Bytes of their own: a read behind them is seen. */
    uint8_t *own = malloc(byte_count + 1), *again = malloc(byte_count + BALANCE_SLICE_HEADER);
    ASSERT(own != NULL && again != NULL);
    if (byte_count > 0) memcpy(own + 1, bytes, byte_count); /* at an odd place */
    if (balance_slice_get(own + 1, byte_count, &slice)) {
        ASSERT(slice.count <= BALANCE_SLICE_HURRIED);
        ASSERT(byte_count == balance_slice_bytes(slice.count, slice.asset_count));
        ASSERT(read_all(&slice, &figures) ==
               sum_of(own + 1 + BALANCE_SLICE_HEADER, byte_count - BALANCE_SLICE_HEADER));
        ASSERT(figures * 8 == byte_count - BALANCE_SLICE_HEADER);
        ASSERT(balance_slice_ends(&slice) ==
               ((uint64_t)slice.first + slice.count == (uint64_t)slice.total + 1));
        ASSERT(balance_slice_put(again, &slice) == again + BALANCE_SLICE_HEADER);
        ASSERT(memcmp(again, own + 1, BALANCE_SLICE_HEADER) == 0);
    }
    free(again);
    free(own);
    return 0;
}
