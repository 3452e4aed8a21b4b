#include "node/digest_snapshot.h"

#include "common/le.h"

#include <string.h>

/* One for each set bit of the number of leaves. */
static uint32_t peak_count_of(uint64_t height)
{
    return (uint32_t)__builtin_popcountll(height);
}

size_t digest_snapshot_put(const struct digest *digest, uint8_t *bytes)
{
    const struct merkle *tree = &digest->history.tree;
    ASSERT(digest->seal.first_command == digest->command + 1 &&
           digest->seal.last_command == digest->command);
    ASSERT(tree->leaf_count == digest->height && tree->peak_count == peak_count_of(digest->height));
    uint8_t *at = le_put_u32(bytes, DIGEST_SNAPSHOT_VERSION);
    at = le_put_u64(at, digest->height);
    at = le_put_u64(at, digest->command);
    at = le_put_bytes(at, digest->last_hash.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < tree->peak_count; i++)
        at = le_put_bytes(at, tree->peaks[i].bytes, HASH_BYTES);
    return (size_t)(at - bytes);
}

/* Whether the last header's hash can be that: of an odd number of headers the last is a peak. */
static bool last_hash_valid(const struct digest *digest)
{
    static const hash_t none;
    const struct merkle *tree = &digest->history.tree;
    if (digest->height == 0) return digest->command == 0 && hash_equal(digest->last_hash, none);
    return digest->height % 2 == 0 ||
           hash_equal(tree->peaks[tree->peak_count - 1], history_leaf(digest->last_hash));
}

enum status digest_snapshot_get(struct digest *digest, const struct genesis *genesis,
                                struct settlement *settlement, const uint8_t *bytes,
                                size_t byte_count)
{
    if (byte_count < DIGEST_SNAPSHOT_HEAD_BYTES) return STATUS_MALFORMED;
    if (le_get_u32(bytes) != DIGEST_SNAPSHOT_VERSION) return STATUS_UNSUPPORTED;
    digest_begin(digest, genesis, settlement);
    digest->height = le_get_u64(bytes + 4);
    digest->command = le_get_u64(bytes + 12);
    memcpy(digest->last_hash.bytes, bytes + 20, HASH_BYTES);

    struct merkle *tree = &digest->history.tree;
    tree->leaf_count = digest->height;
    tree->peak_count = peak_count_of(digest->height);
    if (byte_count != DIGEST_SNAPSHOT_HEAD_BYTES + (size_t)tree->peak_count * HASH_BYTES ||
        digest->height > digest->command || digest->command == UINT64_MAX)
        return STATUS_MALFORMED;
    memcpy(tree->peaks, bytes + DIGEST_SNAPSHOT_HEAD_BYTES, (size_t)tree->peak_count * HASH_BYTES);
    if (!last_hash_valid(digest)) return STATUS_MALFORMED;
    if (settlement_command(settlement) != digest->command ||
        settlement_height(settlement) != digest->height)
        return STATUS_MISMATCH;
    seal_begin(&digest->seal, digest->command + 1);
    return STATUS_OK;
}
