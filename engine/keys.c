#include "engine/keys.h"

#include "common/arena.h"
#include "common/messages.h"

#include <string.h>

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) / 64 * 64;
}

size_t keys_bytes(uint32_t capacity, uint32_t accounts_max)
{
    return rounded(((size_t)capacity + 1) * KEY_ID_BYTES) +
           rounded(((size_t)capacity + 1) * sizeof(struct key_right)) +
           rounded(((size_t)accounts_max + 1) * sizeof(struct key_owner)) +
           slot_table_bytes(capacity);
}

bool keys_init(struct keys *keys, struct arena *arena, uint32_t capacity, uint32_t accounts_max)
{
    *keys = (struct keys){.capacity = capacity, .accounts_max = accounts_max};
    keys->ids = arena_take_array(arena, (size_t)capacity + 1, KEY_ID_BYTES);
    keys->rights = arena_take_array(arena, (size_t)capacity + 1, sizeof(struct key_right));
    keys->owners = arena_take_array(arena, (size_t)accounts_max + 1, sizeof(struct key_owner));
    return keys->ids != NULL && keys->rights != NULL && keys->owners != NULL &&
           slot_table_init(&keys->by_id, arena, capacity);
}

static uint32_t id_hash(const uint8_t *id)
{
    return slot_table_hash_bytes(0, id, KEY_ID_BYTES);
}

void keys_hint(const struct keys *keys, const uint8_t id[KEY_ID_BYTES])
{
    slot_table_hint(&keys->by_id, id_hash(id));
}

uint32_t keys_find(const struct keys *keys, const uint8_t id[KEY_ID_BYTES])
{
    const uint32_t hash = id_hash(id);
    uint32_t place = slot_table_home(&keys->by_id, hash), slot;
    while ((slot = slot_table_next(&keys->by_id, hash, &place)) != 0)
        if (memcmp(keys->ids[slot], id, KEY_ID_BYTES) == 0) return slot;
    return 0;
}

uint32_t keys_add(struct keys *keys, const uint8_t id[KEY_ID_BYTES])
{
    ASSERT(keys->count < keys->capacity);
    ASSERT(keys_find(keys, id) == 0);
    const uint32_t slot = ++keys->count;
    memcpy(keys->ids[slot], id, KEY_ID_BYTES);
    slot_table_add(&keys->by_id, id_hash(id), slot);
    return slot;
}

void keys_rename(struct keys *keys, uint32_t slot, const uint8_t id[KEY_ID_BYTES])
{
    ASSERT(keys->rights[slot].account != 0);
    ASSERT(keys_find(keys, id) == 0);
    slot_table_remove(&keys->by_id, id_hash(keys->ids[slot]), slot);
    memcpy(keys->ids[slot], id, KEY_ID_BYTES);
    slot_table_add(&keys->by_id, id_hash(id), slot);
}

void keys_allow(struct keys *keys, uint32_t slot, uint32_t account, uint16_t permissions,
                uint64_t removed_ns)
{
    struct key_right *right = &keys->rights[slot];
    ASSERT(slot >= 1 && slot <= keys->count && account >= 1 && account <= keys->accounts_max);
    ASSERT(right->account == 0 || right->account == account);
    ASSERT(removed_ns == 0 || permissions == 0);
    if (right->account == 0) {
        struct key_owner *owner = &keys->owners[account];
        right->account = account;
        right->next = owner->first;
        owner->first = slot;
        owner->count++;
    }
    right->permissions = permissions;
    right->removed_ns = removed_ns;
}

bool keys_may(const struct keys *keys, uint32_t slot, uint16_t permission)
{
    const struct key_right *right = &keys->rights[slot];
    return right->account == 0 || (right->permissions & permission) != 0;
}

uint32_t keys_spare(const struct keys *keys, uint32_t account, uint64_t removed_ns)
{
    uint32_t spare = 0;
    for (uint32_t slot = keys->owners[account].first; slot != 0; slot = keys->rights[slot].next) {
        const uint64_t removed = keys->rights[slot].removed_ns;
        if (removed == 0 || removed > removed_ns) continue;
        if (spare == 0 || removed < keys->rights[spare].removed_ns ||
            (removed == keys->rights[spare].removed_ns && slot < spare))
            spare = slot;
    }
    return spare;
}

bool keys_check(const struct keys *keys)
{
    uint32_t known = 0, listed = 0;
    for (uint32_t slot = 1; slot <= keys->count; slot++) {
        const struct key_right *right = &keys->rights[slot];
        known += right->account != 0;
    }
    for (uint32_t account = 1; account <= keys->accounts_max; account++) {
        uint32_t count = 0;
        for (uint32_t slot = keys->owners[account].first; slot != 0;
             slot = keys->rights[slot].next) {
            ASSERT(keys->rights[slot].account == account && count < keys->count); /* K1 */
            count++;
        }
        ASSERT(count == keys->owners[account].count);
        listed += count;
    }
    ASSERT(known == listed);                  /* K1 */
    ASSERT(keys->by_id.count == keys->count); /* K2 */
    return true;
}
