#include "ledger/release.h"

#include "common/le.h"
#include "common/withdrawal_event.h"
#include "ledger/block.h"
#include "ledger/merkle.h"
#include "ledger/seal.h"

static_assert(PROOF_RELEASE_LEAF_MAX == SEAL_LEAF_BYTES_MAX, "a leaf is the same here and there");

/* The root that the leaf, its place and the path lead to must be the one that events_hash binds: the root is not in
 * the proof, it follows from it. */
static bool leads_to_header(const struct proof_release *release, const struct block_header *header)
{
    const hash_t leaf = merkle_leaf(release->leaf, release->leaf_bytes);
    struct merkle_path path = {.count = release->path_count};
    memcpy(path.hashes, release->path, release->path_count * sizeof(hash_t));
    hash_t root;
    return merkle_root_of_path(leaf, release->index, release->count, &path, &root) &&
           hash_equal(seal_releases_hash(release->events, release->count, root),
                      header->events_hash);
}

const char *release_fault(const struct proof_release *release, const struct block_header *header)
{
    const struct withdrawal_moved_event *withdrawal = &release->withdrawal;
    if ((header->flags & BLOCK_RELEASES) == 0) return "no withdrawal was approved in the block";
    if (release->command < header->first_command || release->command > header->last_command)
        return "its command is not of the block";
    if (!leads_to_header(release, header)) return "its path does not lead to events_hash";
    if (withdrawal->state != WITHDRAWAL_APPROVED || withdrawal->block != header->height)
        return "it is not approved by this block";
    if (withdrawal->fee.units < 0 || withdrawal->paid.units <= 0 ||
        withdrawal->amount.units - withdrawal->fee.units != withdrawal->paid.units)
        return "what is paid and its fee are not its amount";
    return NULL;
}

/* Adds the leaf of a record's release, if it has one; notes the one that is looked for. False: more than there is
 * room for. */
static bool take_releases(const struct applied *record, struct seal *seal, uint64_t wanted,
                          uint32_t leaf_max, hash_t *leaves, uint32_t *leaf_count,
                          struct proof_release *release)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    uint8_t leaf[SEAL_LEAF_BYTES_MAX];
    seal_command(seal, record);
    for (uint32_t ordinal = 0; event_next(&at, end, &event); ordinal++) {
        struct withdrawal_moved_event changed;
        seal_event(seal, &event);
        if (!seal_is_release(&event)) continue;
        if (*leaf_count == leaf_max) return false;
        const size_t leaf_bytes = seal_leaf(record->number, ordinal, &event, leaf);
        withdrawal_event_get(&event, &changed);
        if (changed.withdrawal == wanted) {
            release->index = *leaf_count;
            release->command = record->number;
            release->ordinal = ordinal;
            release->withdrawal = changed;
            release->leaf_bytes = (uint32_t)leaf_bytes;
            memcpy(release->leaf, leaf, leaf_bytes);
        }
        leaves[(*leaf_count)++] = merkle_leaf(leaf, leaf_bytes);
    }
    return true;
}

/* The path of the leaf that was found, and whether all of it leads to the header. */
static enum status prove(const struct block_header *header, const hash_t *leaves,
                         struct proof_release *release)
{
    struct merkle_path path;
    merkle_prove_inclusion(leaves, release->count, release->index, &path);
    ASSERT(path.count <= PROOF_PATH_MAX);
    release->path_count = path.count;
    memcpy(release->path, path.hashes, path.count * sizeof(hash_t));
    return release_fault(release, header) == NULL ? STATUS_OK : STATUS_DAMAGED;
}

enum status release_make(const struct block_header *header, const uint8_t *body, size_t body_bytes,
                         uint64_t withdrawal, hash_t *leaves, struct proof_release *release)
{
    const uint8_t *at = body, *const end = body + body_bytes;
    struct applied record;
    struct command command;
    struct seal seal;
    *release = (struct proof_release){.index = UINT32_MAX};
    if ((header->flags & BLOCK_RELEASES) == 0) return STATUS_NOT_FOUND;
    if (header->first_command == 0) return STATUS_DAMAGED;
    seal_begin(&seal, header->first_command);
    while (block_next(&at, end, &record, &command))
        if (record.number != seal.last_command + 1 ||
            !take_releases(&record, &seal, withdrawal, header->tx_count, leaves, &release->count,
                           release))
            return STATUS_DAMAGED;
    if (at != end) return STATUS_DAMAGED;
    if (release->index == UINT32_MAX) return STATUS_NOT_FOUND;
    release->events = hash_stream_end(&seal.events);
    return prove(header, leaves, release);
}

/* ---- What is kept. */

#define KEPT_HEAD_BYTES (HASH_BYTES + 4)
#define KEPT_LEAF_BYTES (2 + SEAL_LEAF_BYTES_MAX)

/* A command approves one withdrawal at most. */
size_t release_kept_bytes_max(const struct block_header *header)
{
    return KEPT_HEAD_BYTES + (size_t)header->tx_count * KEPT_LEAF_BYTES;
}

/* Appends the record's leaves; false: more than there is room for. */
static bool keep_releases(const struct applied *record, struct seal *seal, uint8_t **next,
                          const uint8_t *limit)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    seal_command(seal, record);
    for (uint32_t ordinal = 0; event_next(&at, end, &event); ordinal++) {
        seal_event(seal, &event);
        if (!seal_is_release(&event)) continue;
        if ((size_t)(limit - *next) < KEPT_LEAF_BYTES) return false;
        const size_t leaf_bytes = seal_leaf(record->number, ordinal, &event, *next + 2);
        *next = le_put_u16(*next, (uint16_t)leaf_bytes) + leaf_bytes;
    }
    return at == end;
}

enum status release_keep(const struct block_header *header, const uint8_t *body, size_t body_bytes,
                         uint8_t *kept, size_t *byte_count)
{
    const uint8_t *at = body, *const end = body + body_bytes;
    const uint8_t *const limit = kept + release_kept_bytes_max(header);
    uint8_t *next = kept + KEPT_HEAD_BYTES;
    struct applied record;
    struct command command;
    struct seal seal;
    if ((header->flags & BLOCK_RELEASES) == 0) return STATUS_NOT_FOUND;
    if (header->first_command == 0) return STATUS_DAMAGED;
    seal_begin(&seal, header->first_command);
    while (block_next(&at, end, &record, &command))
        if (record.number != seal.last_command + 1 || !keep_releases(&record, &seal, &next, limit))
            return STATUS_DAMAGED;
    const hash_t events = hash_stream_end(&seal.events);
    const uint32_t count = (uint32_t)seal.releases.leaf_count;
    if (at != end || !hash_equal(seal_releases_hash(events, count, merkle_root(&seal.releases)),
                                 header->events_hash))
        return STATUS_DAMAGED;
    le_put_u32(le_put_bytes(kept, events.bytes, HASH_BYTES), count);
    *byte_count = (size_t)(next - kept);
    return STATUS_OK;
}

enum status release_of_kept(const struct block_header *header, const uint8_t *kept,
                            size_t byte_count, uint64_t withdrawal, hash_t *leaves,
                            struct proof_release *release)
{
    *release = (struct proof_release){.index = UINT32_MAX};
    if (byte_count < KEPT_HEAD_BYTES) return STATUS_DAMAGED;
    memcpy(release->events.bytes, kept, HASH_BYTES);
    release->count = le_get_u32(kept + HASH_BYTES);
    if (release->count > header->tx_count) return STATUS_DAMAGED;
    const uint8_t *at = kept + KEPT_HEAD_BYTES, *const end = kept + byte_count;
    for (uint32_t i = 0; i < release->count; i++) {
        const size_t left = (size_t)(end - at);
        const size_t leaf_bytes = left < 2 ? 0 : le_get_u16(at);
        struct proof_release leaf;
        if (left < 2 + leaf_bytes || leaf_bytes > SEAL_LEAF_BYTES_MAX ||
            !proof_release_leaf_get(at + 2, leaf_bytes, &leaf) || leaf.leaf_bytes != leaf_bytes)
            return STATUS_DAMAGED;
        leaves[i] = merkle_leaf(at + 2, leaf_bytes);
        at += 2 + leaf_bytes;
        if (leaf.withdrawal.withdrawal != withdrawal) continue;
        release->index = i;
        release->command = leaf.command;
        release->ordinal = leaf.ordinal;
        release->withdrawal = leaf.withdrawal;
        release->leaf_bytes = leaf.leaf_bytes;
        memcpy(release->leaf, leaf.leaf, leaf_bytes);
    }
    if (at != end) return STATUS_DAMAGED;
    if (release->index == UINT32_MAX) return STATUS_NOT_FOUND;
    return prove(header, leaves, release);
}
