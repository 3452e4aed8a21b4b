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

/* Key ids are chosen by operators, or are hashes: their own first bytes are hash enough. */
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

/* Puts the key at this place into the table. */
static void link_key(struct view_keys *keys, uint32_t index)
{
    uint32_t at = home_of(keys, keys->keys[index].key_id);
    while (keys->table[at] != 0)
        at = (at + 1) & keys->mask;
    keys->table[at] = index + 1;
}

/* Each later one of the run moves into the gap unless its home lies behind it. */
static void unlink_key(struct view_keys *keys, uint32_t index)
{
    uint32_t gap = home_of(keys, keys->keys[index].key_id);
    while (keys->table[gap] != index + 1) {
        ASSERT(keys->table[gap] != 0); /* it is there */
        gap = (gap + 1) & keys->mask;
    }
    for (uint32_t at = (gap + 1) & keys->mask; keys->table[at] != 0; at = (at + 1) & keys->mask) {
        const uint32_t home = home_of(keys, keys->keys[keys->table[at] - 1].key_id);
        if (((at - home) & keys->mask) < ((at - gap) & keys->mask)) continue;
        keys->table[gap] = keys->table[at];
        gap = at;
    }
    keys->table[gap] = 0;
}

static void fill_key(struct view_key *key, const struct key_added_event *added)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    memcpy(key->key_id, added->key_id, sizeof(key->key_id));
    memcpy(key->public_key, added->public_key, sizeof(key->public_key));
    key->account = added->account;
    key->permissions = added->permissions;
    key->secret_version = added->secret_version;
    key->has_public_key = memcmp(key->public_key, none, sizeof(none)) != 0;
    key->ips = (struct ip_list){0};
}

void view_key_add(struct view_keys *keys, const struct key_added_event *added)
{
    ASSERT(keys->key_count < keys->keys_max);
    ASSERT(view_key_find(keys, added->key_id) < 0);
    const uint32_t index = keys->key_count++;
    fill_key(&keys->keys[index], added);
    link_key(keys, index);
}

/* Needs: it is there. */
static struct view_key *key_named(struct view_keys *keys, const uint8_t key_id[32])
{
    const int64_t index = view_key_find(keys, key_id);
    ASSERT(index >= 0);
    return &keys->keys[index];
}

void view_key_created(struct view_keys *keys, const struct key_created_event *created)
{
    struct key_added_event added = {.account = created->account,
                                    .permissions = created->permissions,
                                    .secret_version = created->secret_version};
    memcpy(added.key_id, created->key_id, sizeof(added.key_id));
    memcpy(added.public_key, created->public_key, sizeof(added.public_key));
    if (created->replaces == 0) {
        view_key_add(keys, &added);
    } else {
        struct view_key *key = key_named(keys, created->replaced_id);
        const uint32_t index = (uint32_t)(key - keys->keys);
        unlink_key(keys, index);
        fill_key(key, &added);
        key->changes++;
        link_key(keys, index);
    }
    key_named(keys, added.key_id)->ips = ip_list_of(created->ip_count, created->ips);
}

void view_key_limited(struct view_keys *keys, const struct key_limited_event *limited)
{
    struct view_key *key = key_named(keys, limited->key_id);
    key->permissions = limited->permissions;
    key->ips = ip_list_of(limited->ip_count, limited->ips);
}

void view_key_removed(struct view_keys *keys, const struct key_removed_event *removed)
{
    struct view_key *key = key_named(keys, removed->key_id);
    key->permissions = 0;
    key->ips = (struct ip_list){0};
}
