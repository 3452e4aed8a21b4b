#include "node/chain_section.h"

#include "common/le.h"

size_t chain_section_put(const uint8_t *digest, size_t digest_bytes, const uint8_t *mark,
                         size_t mark_bytes, uint8_t *bytes)
{
    ASSERT(digest_bytes <= DIGEST_SNAPSHOT_BYTES_MAX && mark_bytes <= REPLICA_MARK_BYTES_MAX);
    uint8_t *at = le_put_u32(bytes, (uint32_t)digest_bytes);
    at = le_put_bytes(at, digest, digest_bytes);
    at = le_put_bytes(at, mark, mark_bytes);
    return (size_t)(at - bytes);
}

bool chain_section_get(const uint8_t *bytes, size_t byte_count, struct chain_section *section)
{
    if (byte_count < 4) return false;
    section->digest_bytes = le_get_u32(bytes);
    section->digest = bytes + 4;
    byte_count -= 4;
    return section->digest_bytes <= byte_count &&
           replica_mark_get(section->digest + section->digest_bytes,
                            byte_count - section->digest_bytes, &section->mark);
}
