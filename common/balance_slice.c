#include "common/balance_slice.h"

#include "common/le.h"

size_t balance_slice_bytes(uint32_t count, uint16_t asset_count)
{
    return BALANCE_SLICE_HEADER + (size_t)asset_count * sizeof(int64_t) +
           (size_t)count * asset_count * BALANCE_SLICE_CELL;
}

uint8_t *balance_slice_put(uint8_t *bytes, const struct balance_slice *slice)
{
    uint8_t *at = le_put_u64(bytes, slice->height);
    at = le_put_u64(at, slice->wanted);
    at = le_put_u32(at, slice->first);
    at = le_put_u32(at, slice->count);
    at = le_put_u32(at, slice->total);
    at = le_put_u16(at, slice->asset_count);
    return le_put_u16(at, 0);
}

bool balance_slice_get(const uint8_t *bytes, size_t byte_count, struct balance_slice *slice)
{
    if (byte_count < BALANCE_SLICE_HEADER) return false;
    *slice = (struct balance_slice){
        .height = le_get_u64(bytes),
        .wanted = le_get_u64(bytes + 8),
        .first = le_get_u32(bytes + 16),
        .count = le_get_u32(bytes + 20),
        .total = le_get_u32(bytes + 24),
        .asset_count = le_get_u16(bytes + 28),
        .totals = bytes + BALANCE_SLICE_HEADER,
    };
    slice->cells = slice->totals + (size_t)slice->asset_count * sizeof(int64_t);
    return le_get_u16(bytes + 30) == 0 && slice->first >= 1 &&
           (uint64_t)slice->first + slice->count <= (uint64_t)slice->total + 1 &&
           (slice->count > 0 || slice->total == 0) && slice->count <= BALANCE_SLICE_HURRIED &&
           byte_count == balance_slice_bytes(slice->count, slice->asset_count);
}

amount_t balance_slice_total(const struct balance_slice *slice, uint16_t asset)
{
    ASSERT(asset < slice->asset_count);
    return (amount_t){le_get_i64(slice->totals + (size_t)asset * sizeof(int64_t))};
}

struct balance_pair balance_slice_pair(const struct balance_slice *slice, uint32_t place,
                                       uint16_t asset)
{
    ASSERT(place < slice->count && asset < slice->asset_count);
    const uint8_t *at =
        slice->cells + ((size_t)place * slice->asset_count + asset) * BALANCE_SLICE_CELL;
    return (struct balance_pair){{le_get_i64(at)}, {le_get_i64(at + 8)}};
}
