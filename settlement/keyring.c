#include "settlement/keyring.h"

#include "common/arena.h"
#include "common/le.h"

struct keyring {
    struct key_added_event *slots; /* account 0: free */
    size_t mask;
    uint32_t count;
    uint32_t count_max;
};

/* A power of two that keeps the ring at most two thirds full. */
static size_t slot_count(uint32_t keys_max)
{
    const size_t wanted = (size_t)keys_max * 3 / 2 + 1;
    size_t count = 16;
    while (count < wanted)
        count *= 2;
    return count;
}

size_t keyring_bytes(uint32_t keys_max)
{
    return slot_count(keys_max) * sizeof(struct key_added_event) + sizeof(struct keyring) + 128;
}

struct keyring *keyring_new(struct arena *arena, uint32_t keys_max)
{
    struct keyring *ring = arena_take(arena, sizeof(*ring));
    if (ring == NULL) return NULL;
    ring->mask = slot_count(keys_max) - 1;
    ring->count_max = keys_max;
    ring->slots = arena_take_array(arena, ring->mask + 1, sizeof(struct key_added_event));
    return ring->slots == NULL ? NULL : ring;
}

/* The key's slot, or the free one where it would go. Ends: one slot in three is free. */
static struct key_added_event *slot_of(const struct keyring *ring, const uint8_t key_id[32])
{
    const uint64_t mixed = (le_get_u64(key_id) ^ le_get_u64(key_id + 8)) * 0x9e3779b97f4a7c15u;
    for (size_t at = (size_t)(mixed >> 20) & ring->mask;; at = (at + 1) & ring->mask) {
        struct key_added_event *slot = &ring->slots[at];
        if (slot->account == 0 || memcmp(slot->key_id, key_id, 32) == 0) return slot;
    }
}

bool keyring_add(struct keyring *ring, const struct key_added_event *key)
{
    ASSERT(key->account != 0);
    if (ring->count == ring->count_max) return false;
    struct key_added_event *slot = slot_of(ring, key->key_id);
    if (slot->account != 0) return false;
    *slot = *key;
    ring->count++;
    return true;
}

const struct key_added_event *keyring_find(const struct keyring *ring, const uint8_t key_id[32])
{
    const struct key_added_event *slot = slot_of(ring, key_id);
    return slot->account == 0 ? NULL : slot;
}

uint32_t keyring_count(const struct keyring *ring)
{
    return ring->count;
}
