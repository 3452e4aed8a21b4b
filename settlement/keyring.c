#include "settlement/keyring.h"

#include "common/arena.h"
#include "common/le.h"
#include "settlement/image.h"
#include "settlement/slot_index.h"

#include <string.h>

/* Of an account. */
struct keyring_owner {
    uint64_t time_ns; /* of its last request */
    uint32_t first;   /* place of a key that is shared, from 1 */
    uint32_t count;
};

struct keyring {
    struct key_added_event *keys;
    struct keyring_right *rights; /* by place, as keys */
    struct keyring_owner *owners; /* by account */
    struct slot_index index;      /* of places, from 1 */
    uint32_t count;
    uint32_t count_max;
    uint32_t accounts_max;
};

static_assert(sizeof(struct key_added_event) == 72, "as the memory line says");
static_assert(sizeof(struct keyring_right) <= 160, "as the memory line says");
static_assert(sizeof(struct keyring_owner) == 16, "as the memory line says");

size_t keyring_bytes(uint32_t keys_max, uint32_t accounts_max)
{
    return keys_max * (sizeof(struct key_added_event) + sizeof(struct keyring_right)) +
           ((size_t)accounts_max + 1) * sizeof(struct keyring_owner) + slot_index_bytes(keys_max) +
           sizeof(struct keyring) + 256;
}

struct keyring *keyring_new(struct arena *arena, uint32_t keys_max, uint32_t accounts_max)
{
    struct keyring *ring = arena_take(arena, sizeof(*ring));
    if (ring == NULL) return NULL;
    ring->count_max = keys_max;
    ring->accounts_max = accounts_max;
    ring->keys = arena_take_array(arena, keys_max, sizeof(struct key_added_event));
    ring->rights = arena_take_array(arena, keys_max, sizeof(struct keyring_right));
    ring->owners = arena_take_array(arena, (size_t)accounts_max + 1, sizeof(struct keyring_owner));
    if (ring->keys == NULL || ring->rights == NULL || ring->owners == NULL ||
        !slot_index_init(&ring->index, arena, keys_max))
        return NULL;
    return ring;
}

static uint32_t hash_of_id(const uint8_t key_id[32])
{
    return slot_index_hash(le_get_u64(key_id) ^ le_get_u64(key_id + 16),
                           le_get_u64(key_id + 8) ^ le_get_u64(key_id + 24));
}

bool keyring_add(struct keyring *ring, const struct key_added_event *key)
{
    ASSERT(key->account != 0 && key->account <= ring->accounts_max);
    if (ring->count == ring->count_max || keyring_find(ring, key->key_id) != NULL) return false;
    ring->keys[ring->count++] = *key;
    slot_index_add(&ring->index, hash_of_id(key->key_id), ring->count);
    return true;
}

static uint32_t place_of(const struct keyring *ring, const uint8_t key_id[32])
{
    const struct key_added_event *key = keyring_find(ring, key_id);
    return key == NULL ? 0 : (uint32_t)(key - ring->keys) + 1;
}

void keyring_share(struct keyring *ring, const uint8_t key_id[32],
                   const struct keyring_right *right)
{
    const uint32_t place = place_of(ring, key_id);
    ASSERT(place != 0);
    struct keyring_owner *owner = &ring->owners[ring->keys[place - 1].account];
    struct keyring_right *own = &ring->rights[place - 1];
    const bool was_shared = own->is_shared;
    const uint32_t next = was_shared ? own->next : owner->first;
    *own = *right;
    own->is_shared = true;
    own->next = next;
    if (was_shared) return;
    owner->first = place;
    owner->count++;
}

/* The place of a key of the account that was not removed, or 0. */
static uint32_t own_place(const struct keyring *ring, const uint8_t key_id[32], uint32_t account)
{
    const uint32_t place = place_of(ring, key_id);
    if (place == 0 || ring->keys[place - 1].account != account) return 0;
    return ring->rights[place - 1].removed_ns == 0 ? place : 0;
}

static bool apply_created(struct keyring *ring, const struct key_created_event *created)
{
    struct key_added_event key = {.account = created->account,
                                  .permissions = created->permissions,
                                  .secret_version = created->secret_version};
    const struct keyring_right right = {.ips = ip_list_of(created->ip_count, created->ips)};
    memcpy(key.key_id, created->key_id, sizeof(key.key_id));
    memcpy(key.public_key, created->public_key, sizeof(key.public_key));
    if (created->replaces == 0) {
        if (!keyring_add(ring, &key)) return false;
    } else {
        const uint32_t place = place_of(ring, created->replaced_id);
        if (place == 0 || ring->keys[place - 1].account != key.account ||
            ring->rights[place - 1].removed_ns == 0 || keyring_find(ring, key.key_id) != NULL)
            return false;
        slot_index_remove(&ring->index, hash_of_id(created->replaced_id), place);
        ring->keys[place - 1] = key;
        slot_index_add(&ring->index, hash_of_id(key.key_id), place);
    }
    keyring_share(ring, key.key_id, &right);
    keyring_set_time(ring, key.account, created->time_ns);
    return true;
}

static bool apply_limited(struct keyring *ring, const struct key_limited_event *limited)
{
    const uint32_t place = own_place(ring, limited->key_id, limited->account);
    const struct keyring_right right = {.ips = ip_list_of(limited->ip_count, limited->ips)};
    if (place == 0) return false;
    ring->keys[place - 1].permissions = limited->permissions;
    keyring_share(ring, limited->key_id, &right);
    keyring_set_time(ring, limited->account, limited->time_ns);
    return true;
}

static bool apply_removed(struct keyring *ring, const struct key_removed_event *removed,
                          uint64_t stamp_ns)
{
    const uint32_t place = own_place(ring, removed->key_id, removed->account);
    if (place == 0) return false;
    const struct keyring_right right = {.removed_ns = stamp_ns};
    ring->keys[place - 1].permissions = 0;
    keyring_share(ring, removed->key_id, &right);
    keyring_set_time(ring, removed->account, removed->time_ns);
    return true;
}

bool keyring_apply(struct keyring *ring, const struct event *event, uint64_t stamp_ns)
{
    if (event->type == T_KEY_CREATED) {
        struct key_created_event created;
        key_created_event_get(event->payload, &created);
        return apply_created(ring, &created);
    }
    if (event->type == T_KEY_LIMITED) {
        struct key_limited_event limited;
        key_limited_event_get(event->payload, &limited);
        return apply_limited(ring, &limited);
    }
    ASSERT(event->type == T_KEY_REMOVED);
    struct key_removed_event removed;
    key_removed_event_get(event->payload, &removed);
    return apply_removed(ring, &removed, stamp_ns);
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

const struct keyring_right *keyring_right_of(const struct keyring *ring,
                                             const struct key_added_event *key)
{
    ASSERT(key >= ring->keys && key < ring->keys + ring->count);
    return &ring->rights[key - ring->keys];
}

uint32_t keyring_count_of(const struct keyring *ring, uint32_t account)
{
    ASSERT(account <= ring->accounts_max);
    return ring->owners[account].count;
}

const struct key_added_event *keyring_spare(const struct keyring *ring, uint32_t account,
                                            uint64_t removed_ns)
{
    uint32_t spare = 0;
    for (uint32_t place = ring->owners[account].first; place != 0;
         place = ring->rights[place - 1].next) {
        const uint64_t removed = ring->rights[place - 1].removed_ns;
        if (removed == 0 || removed > removed_ns) continue;
        const uint64_t first = spare == 0 ? UINT64_MAX : ring->rights[spare - 1].removed_ns;
        if (removed < first || (removed == first && place < spare)) spare = place;
    }
    return spare == 0 ? NULL : &ring->keys[spare - 1];
}

uint64_t keyring_time(const struct keyring *ring, uint32_t account)
{
    ASSERT(account <= ring->accounts_max);
    return ring->owners[account].time_ns;
}

void keyring_set_time(struct keyring *ring, uint32_t account, uint64_t time_ns)
{
    ASSERT(account <= ring->accounts_max);
    ring->owners[account].time_ns = time_ns;
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
    copy->rights = image_at(move, copy->rights);
    copy->owners = image_at(move, copy->owners);
    copy->index.cells = image_at(move, copy->index.cells);
    return copy;
}
