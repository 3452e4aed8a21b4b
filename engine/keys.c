#include "engine/keys.h"

#include "common/arena.h"

#include <string.h>

size_t keys_bytes(uint32_t capacity)
{
    return (((size_t)capacity + 1) * KEY_ID_BYTES + 63) / 64 * 64 + slot_table_bytes(capacity);
}

bool keys_init(struct keys *keys, struct arena *arena, uint32_t capacity)
{
    *keys = (struct keys){.capacity = capacity};
    keys->ids = arena_take_array(arena, (size_t)capacity + 1, KEY_ID_BYTES);
    return keys->ids != NULL && slot_table_init(&keys->by_id, arena, capacity);
}

static uint32_t id_hash(const uint8_t *id)
{
    return slot_table_hash_bytes(0, id, KEY_ID_BYTES);
}

bool keys_has(const struct keys *keys, const uint8_t id[KEY_ID_BYTES])
{
    const uint32_t hash = id_hash(id);
    uint32_t place = slot_table_home(&keys->by_id, hash), slot;
    while ((slot = slot_table_next(&keys->by_id, hash, &place)) != 0)
        if (memcmp(keys->ids[slot], id, KEY_ID_BYTES) == 0) return true;
    return false;
}

void keys_add(struct keys *keys, const uint8_t id[KEY_ID_BYTES])
{
    ASSERT(keys->count < keys->capacity);
    ASSERT(!keys_has(keys, id));
    memcpy(keys->ids[++keys->count], id, KEY_ID_BYTES);
    slot_table_add(&keys->by_id, id_hash(id), keys->count);
}
