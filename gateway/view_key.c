#include "gateway/view_key.h"

#include <string.h>

static uint32_t table_size(uint32_t keys_max)
{
    uint32_t size = 16;
    while (size < keys_max * 2ull && size < (1u << 31))
        size *= 2;
    return size;
}

size_t view_key_bytes(uint32_t keys_max)
{
    return keys_max * sizeof(struct view_key) + table_size(keys_max) * sizeof(uint32_t) + 2 * 64;
}

bool view_key_init(struct view_keys *keys, struct arena *arena, uint32_t keys_max)
{
    const uint32_t size = table_size(keys_max);
    keys->key_count = 0;
    keys->keys_max = keys_max;
    keys->mask = size - 1;
    keys->keys = arena_take_array(arena, keys_max, sizeof(*keys->keys));
    keys->table = arena_take_array(arena, size, sizeof(*keys->table));
    return keys->keys != NULL && keys->table != NULL;
}

/* Key ids are chosen by operators, not by strangers: their own first bytes are hash enough. */
static uint32_t home_of(const struct view_keys *keys, const uint8_t key_id[32])
{
    uint64_t word;
    memcpy(&word, key_id, sizeof(word));
    return (uint32_t)((word * 0x9e3779b97f4a7c15u) >> 32) & keys->mask;
}

int64_t view_key_find(const struct view_keys *keys, const uint8_t key_id[32])
{
    /* Ends: the table is at most half full. */
    for (uint32_t at = home_of(keys, key_id);; at = (at + 1) & keys->mask) {
        const uint32_t index = keys->table[at];
        if (index == 0) return -1;
        if (memcmp(keys->keys[index - 1].key_id, key_id, 32) == 0) return (int64_t)index - 1;
    }
}

void view_key_add(struct view_keys *keys, const struct key_added_event *added)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    ASSERT(keys->key_count < keys->keys_max);
    ASSERT(view_key_find(keys, added->key_id) < 0);

    struct view_key *key = &keys->keys[keys->key_count];
    memcpy(key->key_id, added->key_id, sizeof(key->key_id));
    memcpy(key->public_key, added->public_key, sizeof(key->public_key));
    key->account = added->account;
    key->permissions = added->permissions;
    key->secret_version = added->secret_version;
    key->has_public_key = memcmp(key->public_key, none, sizeof(none)) != 0;

    uint32_t at = home_of(keys, key->key_id);
    while (keys->table[at] != 0)
        at = (at + 1) & keys->mask;
    keys->table[at] = ++keys->key_count;
}
