#include "ledger/release.h"

#include "ledger/block.h"
#include "ledger/merkle.h"
#include "ledger/seal.h"

static_assert(PROOF_RELEASE_LEAF_BYTES == SEAL_LEAF_BYTES_MAX, "a leaf is the same here and there");

/* The root that the leaf, its place and the path lead to must be the one that events_hash binds: the root is not in
 * the proof, it follows from it. */
static bool leads_to_header(const struct proof_release *release, const struct block_header *header)
{
    const hash_t leaf = merkle_leaf(release->leaf, PROOF_RELEASE_LEAF_BYTES);
    struct merkle_path path = {.count = release->path_count};
    memcpy(path.hashes, release->path, release->path_count * sizeof(hash_t));
    hash_t root;
    return merkle_root_of_path(leaf, release->index, release->count, &path, &root) &&
           hash_equal(seal_releases_hash(release->events, release->count, root),
                      header->events_hash);
}

const char *release_fault(const struct proof_release *release, const struct block_header *header)
{
    const struct withdrawal_changed_event *withdrawal = &release->withdrawal;
    if ((header->flags & BLOCK_RELEASES) == 0) return "no withdrawal was approved in the block";
    if (release->command < header->first_command || release->command > header->last_command)
        return "its command is not of the block";
    if (!leads_to_header(release, header)) return "its path does not lead to events_hash";
    if (withdrawal->state != WITHDRAWAL_APPROVED || withdrawal->block != header->height)
        return "it is not approved by this block";
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
        struct withdrawal_changed_event changed;
        seal_event(seal, &event);
        if (!seal_is_release(&event)) continue;
        if (*leaf_count == leaf_max) return false;
        const size_t leaf_bytes = seal_leaf(record->number, ordinal, &event, leaf);
        withdrawal_changed_event_get(event.payload, &changed);
        if (changed.withdrawal == wanted) {
            release->index = *leaf_count;
            release->command = record->number;
            release->ordinal = ordinal;
            release->withdrawal = changed;
            memcpy(release->leaf, leaf, leaf_bytes);
        }
        leaves[(*leaf_count)++] = merkle_leaf(leaf, leaf_bytes);
    }
    return true;
}

enum status release_make(const struct block_header *header, const uint8_t *body, size_t body_bytes,
                         uint64_t withdrawal, hash_t *leaves, struct proof_release *release)
{
    const uint8_t *at = body, *const end = body + body_bytes;
    struct applied record;
    struct command command;
    struct merkle_path path;
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
    merkle_prove_inclusion(leaves, release->count, release->index, &path);
    ASSERT(path.count <= PROOF_PATH_MAX);
    release->path_count = path.count;
    memcpy(release->path, path.hashes, path.count * sizeof(hash_t));
    return release_fault(release, header) == NULL ? STATUS_OK : STATUS_DAMAGED;
}
