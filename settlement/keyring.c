#include "settlement/keyring.h"

#include "common/arena.h"
#include "common/le.h"
#include "settlement/image.h"
#include "settlement/slot_index.h"

struct keyring {
    struct key_added_event *keys; /* as they were added */
    struct slot_index index;      /* of their places there, from 1 */
    uint32_t count;
    uint32_t count_max;
};

static_assert(sizeof(struct key_added_event) == 72, "as the memory line says");

size_t keyring_bytes(uint32_t keys_max)
{
    return keys_max * sizeof(struct key_added_event) + slot_index_bytes(keys_max) +
           sizeof(struct keyring) + 128;
}

struct keyring *keyring_new(struct arena *arena, uint32_t keys_max)
{
    struct keyring *ring = arena_take(arena, sizeof(*ring));
    if (ring == NULL) return NULL;
    ring->count_max = keys_max;
    ring->keys = arena_take_array(arena, keys_max, sizeof(struct key_added_event));
    if (ring->keys == NULL || !slot_index_init(&ring->index, arena, keys_max)) return NULL;
    return ring;
}

static uint32_t hash_of_id(const uint8_t key_id[32])
{
    return slot_index_hash(le_get_u64(key_id) ^ le_get_u64(key_id + 16),
                           le_get_u64(key_id + 8) ^ le_get_u64(key_id + 24));
}

bool keyring_add(struct keyring *ring, const struct key_added_event *key)
{
    ASSERT(key->account != 0);
    if (ring->count == ring->count_max || keyring_find(ring, key->key_id) != NULL) return false;
    ring->keys[ring->count++] = *key;
    slot_index_add(&ring->index, hash_of_id(key->key_id), ring->count);
    return true;
}

void keyring_expect(const struct keyring *ring, const uint8_t key_id[32])
{
    slot_index_expect(&ring->index, hash_of_id(key_id));
}

void keyring_expect_key(const struct keyring *ring, const uint8_t key_id[32])
{
    const uint32_t number = slot_index_guess(&ring->index, hash_of_id(key_id));
    if (number == 0) return;
    __builtin_prefetch(&ring->keys[number - 1]);
    __builtin_prefetch((const uint8_t *)&ring->keys[number] - 1); /* it may lie in two lines */
}

const struct key_added_event *keyring_find(const struct keyring *ring, const uint8_t key_id[32])
{
    const uint32_t hash = hash_of_id(key_id);
    struct slot_search search = {0};
    uint32_t number;
    while ((number = slot_index_next(&ring->index, hash, &search)) != 0) {
        const struct key_added_event *key = &ring->keys[number - 1];
        if (memcmp(key->key_id, key_id, 32) == 0) return key;
    }
    return NULL;
}

uint32_t keyring_count(const struct keyring *ring)
{
    return ring->count;
}

const struct key_added_event *keyring_at(const struct keyring *ring, uint32_t index)
{
    ASSERT(index < ring->count);
    return &ring->keys[index];
}

struct keyring *keyring_image(struct arena *arena, const struct keyring *ring,
                              const struct image_move *move)
{
    struct keyring *copy = image_take(arena, move, ring, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->keys = image_at(move, copy->keys);
    copy->index.cells = image_at(move, copy->index.cells);
    return copy;
}
