#include "ledger/replica_mark.h"

#include "common/le.h"

#define FIXED_BYTES (REPLICA_MARK_BYTES_MAX - WAL_CONFIGURATION_BYTES_MAX)

size_t replica_mark_put(const struct replica_mark *mark, uint8_t *bytes)
{
    const struct replica_base *base = &mark->base;
    ASSERT(base->configuration_bytes <= WAL_CONFIGURATION_BYTES_MAX);
    uint8_t *at = le_put_u64(bytes, mark->height);
    at = le_put_u64(at, base->index);
    at = le_put_u64(at, base->term);
    at = le_put_bytes(at, base->hash.bytes, HASH_BYTES);
    at = le_put_u64(at, base->configuration_index);
    at = le_put_u32(at, base->configuration_bytes);
    at = le_put_bytes(at, base->configuration, base->configuration_bytes);
    return (size_t)(at - bytes);
}

bool replica_mark_get(const uint8_t *bytes, size_t byte_count, struct replica_mark *mark)
{
    if (byte_count < FIXED_BYTES) return false;
    memset(mark, 0, sizeof(*mark));
    struct replica_base *base = &mark->base;
    mark->height = le_get_u64(bytes);
    base->index = le_get_u64(bytes + 8);
    base->term = le_get_u64(bytes + 16);
    memcpy(base->hash.bytes, bytes + 24, HASH_BYTES);
    base->configuration_index = le_get_u64(bytes + 56);
    base->configuration_bytes = le_get_u32(bytes + 64);
    base->configuration = bytes + FIXED_BYTES;
    return base->configuration_bytes > 0 &&
           base->configuration_bytes <= WAL_CONFIGURATION_BYTES_MAX &&
           byte_count == FIXED_BYTES + base->configuration_bytes && base->configuration_index > 0 &&
           base->configuration_index <= base->index && base->term > 0;
}
