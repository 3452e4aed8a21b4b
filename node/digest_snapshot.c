#include "node/digest_snapshot.h"

#include "common/le.h"

#include <string.h>

/* One for each set bit of the number of leaves. */
static uint32_t peak_count_of(uint64_t height)
{
    return (uint32_t)__builtin_popcountll(height);
}

static uint8_t *set_put(uint8_t *at, const struct node_set *set)
{
    at = le_put_u32(at, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *member = &set->members[i];
        at = le_put_u32(at, member->node);
        at = le_put_u8(at, member->role);
        at = le_put_bytes(at, member->public_key, PUBLIC_KEY_BYTES);
        at = le_put_bytes(at, member->address, NODE_ADDRESS_BYTES);
    }
    return at;
}

size_t digest_snapshot_put(const struct digest *digest, uint8_t *bytes)
{
    static const struct node_set none;
    const struct membership *membership = &digest->membership;
    const struct merkle *tree = &digest->history.tree;
    ASSERT(digest->seal.first_command == digest->command + 1 &&
           digest->seal.last_command == digest->command);
    ASSERT(tree->leaf_count == digest->height && tree->peak_count == peak_count_of(digest->height));
    ASSERT(membership->next_epoch == membership->epoch);
    uint8_t *at = le_put_u32(bytes, DIGEST_SNAPSHOT_VERSION);
    at = le_put_u64(at, digest->height);
    at = le_put_u64(at, digest->command);
    at = le_put_bytes(at, digest->last_hash.bytes, HASH_BYTES);
    at = le_put_u64(at, membership->epoch);
    at = le_put_u64(at, membership->change_height);
    at = set_put(at, &membership->nodes);
    at = set_put(at, membership->change_height == 0 ? &none : &membership->next);
    for (uint32_t i = 0; i < tree->peak_count; i++)
        at = le_put_bytes(at, tree->peaks[i].bytes, HASH_BYTES);
    return (size_t)(at - bytes);
}

/* ---- Reading. */

/* The next `byte_count` bytes, or NULL. */
static const uint8_t *bytes_next(const uint8_t **at, const uint8_t *end, size_t byte_count)
{
    const uint8_t *bytes = *at;
    if ((size_t)(end - bytes) < byte_count) return NULL;
    *at = bytes + byte_count;
    return bytes;
}

/* "" is no address, but that of nodes without peers. */
static bool address_fits(const char address[NODE_ADDRESS_BYTES])
{
    static const char nowhere[NODE_ADDRESS_BYTES];
    return memcmp(address, nowhere, sizeof(nowhere)) == 0 || node_address_valid(address);
}

static bool set_get(const uint8_t **at, const uint8_t *end, struct node_set *set)
{
    const uint8_t *bytes = bytes_next(at, end, 4);
    if (bytes == NULL || le_get_u32(bytes) > NODE_SET_LIMIT) return false;
    memset(set, 0, sizeof(*set));
    set->count = le_get_u32(bytes);
    for (uint32_t i = 0; i < set->count; i++) {
        struct node_member *member = &set->members[i];
        bytes = bytes_next(at, end, DIGEST_SNAPSHOT_MEMBER_BYTES);
        if (bytes == NULL) return false;
        member->node = le_get_u32(bytes);
        member->role = bytes[4];
        memcpy(member->public_key, bytes + 5, PUBLIC_KEY_BYTES);
        memcpy(member->address, bytes + 5 + PUBLIC_KEY_BYTES, NODE_ADDRESS_BYTES);
        if (!address_fits(member->address)) return false;
    }
    return true;
}

/* Before the first block it is that of the genesis. */
static bool membership_get(struct membership *membership, uint64_t height, uint64_t epoch,
                           uint64_t change_height, const uint8_t **at, const uint8_t *end)
{
    const struct membership first = *membership;
    struct node_set nodes, next;
    if (!set_get(at, end, &nodes) || !set_get(at, end, &next)) return false;
    if ((change_height == 0) != (next.count == 0)) return false;
    if (change_height == 0) next = nodes;
    if (!membership_restore(membership, height, &nodes, &next, change_height, epoch)) return false;
    if (height != 0) return true;
    if (epoch != 0 || change_height != 0 || nodes.count != first.nodes.count) return false;
    for (uint32_t i = 0; i < nodes.count; i++)
        if (!node_member_equal(&nodes.members[i], &first.nodes.members[i])) return false;
    return true;
}

/* Of an odd number of headers the last one is a peak. */
static bool history_get(struct digest *digest, const uint8_t *at, const uint8_t *end)
{
    static const hash_t none;
    struct merkle *tree = &digest->history.tree;
    tree->leaf_count = digest->height;
    tree->peak_count = peak_count_of(digest->height);
    if ((size_t)(end - at) != (size_t)tree->peak_count * HASH_BYTES) return false;
    memcpy(tree->peaks, at, (size_t)tree->peak_count * HASH_BYTES);
    if (digest->height == 0) return hash_equal(digest->last_hash, none);
    return digest->height % 2 == 0 ||
           hash_equal(tree->peaks[tree->peak_count - 1], history_leaf(digest->last_hash));
}

enum status digest_snapshot_get(struct digest *digest, const struct genesis *genesis,
                                struct settlement *settlement, const uint8_t *bytes,
                                size_t byte_count)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    const uint8_t *head = bytes_next(&at, end, DIGEST_SNAPSHOT_HEAD_BYTES);
    if (head == NULL) return STATUS_MALFORMED;
    if (le_get_u32(head) != DIGEST_SNAPSHOT_VERSION) return STATUS_UNSUPPORTED;
    digest_begin(digest, genesis, settlement);
    digest->height = le_get_u64(head + 4);
    digest->command = le_get_u64(head + 12);
    memcpy(digest->last_hash.bytes, head + 20, HASH_BYTES);
    const uint64_t epoch = le_get_u64(head + 52), change_height = le_get_u64(head + 60);
    if (digest->height > digest->command || digest->command == UINT64_MAX ||
        (digest->height == 0 && digest->command != 0) ||
        !membership_get(&digest->membership, digest->height, epoch, change_height, &at, end) ||
        !history_get(digest, at, end))
        return STATUS_MALFORMED;
    if (settlement_command(settlement) != digest->command ||
        settlement_height(settlement) != digest->height)
        return STATUS_MISMATCH;
    seal_begin(&digest->seal, digest->command + 1);
    return STATUS_OK;
}

bool digest_snapshot_membership(const struct genesis *genesis, const uint8_t *bytes,
                                size_t byte_count, struct membership *membership)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    const uint8_t *head = bytes_next(&at, end, DIGEST_SNAPSHOT_HEAD_BYTES);
    if (head == NULL || le_get_u32(head) != DIGEST_SNAPSHOT_VERSION) return false;
    membership_begin(membership, genesis);
    return membership_get(membership, le_get_u64(head + 4), le_get_u64(head + 52),
                          le_get_u64(head + 60), &at, end);
}
