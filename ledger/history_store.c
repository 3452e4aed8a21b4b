#include "ledger/history_store.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#define MAGIC   0x54485851u /* "QXHT" */
#define VERSION 1
#define CRC_AT  (HISTORY_STORE_HEADER_BYTES - 4)

uint64_t history_store_nodes(uint64_t leaf_count)
{
    ASSERT(leaf_count < UINT64_C(1) << 62);
    return 2 * leaf_count - (uint64_t)__builtin_popcountll(leaf_count);
}

/* A leaf is written after all nodes of the leaves before it, and the subtrees it completes right after it,
 * smallest first. */
uint64_t history_store_place(uint64_t last, uint32_t level)
{
    ASSERT(last > 0 && level < 62 && (last & ((UINT64_C(1) << level) - 1)) == 0);
    return history_store_nodes(last - 1) + level;
}

void history_store_header_put(uint8_t at[HISTORY_STORE_HEADER_BYTES], uint64_t base,
                              uint64_t synced)
{
    memset(at, 0, HISTORY_STORE_HEADER_BYTES);
    uint8_t *next = le_put_u32(at, MAGIC);
    next = le_put_u32(next, VERSION);
    next = le_put_u64(next, base);
    (void)le_put_u64(next, synced);
    (void)le_put_u32(at + CRC_AT, crc32c_add(0, at, CRC_AT));
}

bool history_store_header_get(const uint8_t at[HISTORY_STORE_HEADER_BYTES], uint64_t *base,
                              uint64_t *synced)
{
    if (le_get_u32(at) != MAGIC || le_get_u32(at + 4) != VERSION) return false;
    if (le_get_u32(at + CRC_AT) != crc32c_add(0, at, CRC_AT)) return false;
    *base = le_get_u64(at + 8);
    *synced = le_get_u64(at + 16);
    return *base <= *synced && *synced < UINT64_C(1) << 61;
}

/* ---- Parts of the tree. ---- */

/* The largest power of two below `count`: where RFC 9162 splits. Needs: count > 1. */
static uint64_t split_of(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

/* Root of the `count` leaves from `first` (from 0) on: its complete subtrees, joined from the right. Needs:
 * `first` is a multiple of a power of two that is not below `count`'s largest. */
static enum status root_of(const struct history_nodes *nodes, uint64_t first, uint64_t count,
                           hash_t *root)
{
    hash_t peaks[MERKLE_DEPTH_MAX];
    uint32_t peak_count = 0;
    for (uint64_t left = count, last = first; left > 0;) {
        const uint32_t level = 63u - (uint32_t)__builtin_clzll(left);
        last += UINT64_C(1) << level;
        left -= UINT64_C(1) << level;
        const enum status status = nodes->node(nodes->context, last, level, &peaks[peak_count++]);
        if (status != STATUS_OK) return status;
    }
    *root = peaks[peak_count - 1];
    for (uint32_t i = peak_count - 1; i > 0; i--)
        *root = merkle_node(peaks[i - 1], *root);
    return STATUS_OK;
}

enum status history_nodes_root(const struct history_nodes *nodes, uint64_t size, hash_t *root)
{
    ASSERT(size > 0);
    return root_of(nodes, 0, size, root);
}

enum status history_nodes_peaks(const struct history_nodes *nodes, uint64_t size,
                                struct history *history)
{
    history_begin(history);
    struct merkle *tree = &history->tree;
    for (uint64_t left = size, last = 0; left > 0;) {
        const uint32_t level = 63u - (uint32_t)__builtin_clzll(left);
        last += UINT64_C(1) << level;
        left -= UINT64_C(1) << level;
        const enum status status =
            nodes->node(nodes->context, last, level, &tree->peaks[tree->peak_count++]);
        if (status != STATUS_OK) return status;
    }
    tree->leaf_count = size;
    return STATUS_OK;
}

/* Adds the root of a part to the path. */
static enum status path_add(const struct history_nodes *nodes, uint64_t first, uint64_t count,
                            struct merkle_path *path)
{
    ASSERT(path->count <= MERKLE_DEPTH_MAX);
    return root_of(nodes, first, count, &path->hashes[path->count++]);
}

/* The RFC states a proof from the leaf upwards; going down we meet the same hashes in the other order. */
static void path_reverse(struct merkle_path *path)
{
    for (uint32_t low = 0, high = path->count; low + 1 < high; low++, high--) {
        const hash_t swapped = path->hashes[low];
        path->hashes[low] = path->hashes[high - 1];
        path->hashes[high - 1] = swapped;
    }
}

enum status history_nodes_inclusion(const struct history_nodes *nodes, uint64_t index,
                                    uint64_t size, struct merkle_path *path)
{
    enum status status = STATUS_OK;
    uint64_t first = 0, count = size;
    ASSERT(index < size);
    path->count = 0;
    /* Ends: each pass leaves a part of fewer leaves. */
    while (status == STATUS_OK && count > 1) {
        const uint64_t split = split_of(count);
        if (index - first < split) {
            status = path_add(nodes, first + split, count - split, path);
            count = split;
        } else {
            status = path_add(nodes, first, split, path);
            first += split;
            count -= split;
        }
    }
    path_reverse(path);
    return status;
}

enum status history_nodes_consistency(const struct history_nodes *nodes, uint64_t old_size,
                                      uint64_t size, struct merkle_path *path)
{
    enum status status = STATUS_OK;
    uint64_t first = 0, count = size;
    bool whole = true; /* the part at hand is the whole old tree so far: its root is known */
    ASSERT(old_size > 0 && old_size <= size);
    path->count = 0;
    /* Ends: each pass leaves a part of fewer leaves, and the old tree's end stays within it. */
    while (status == STATUS_OK && old_size - first != count) {
        const uint64_t split = split_of(count);
        if (old_size - first <= split) {
            status = path_add(nodes, first + split, count - split, path);
            count = split;
        } else {
            status = path_add(nodes, first, split, path);
            first += split;
            count -= split;
            whole = false;
        }
    }
    if (status == STATUS_OK && !whole) status = path_add(nodes, first, count, path);
    path_reverse(path);
    return status;
}
