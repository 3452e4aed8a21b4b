#include "engine/keys.h"

#include "common/arena.h"
#include "common/le.h"
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
           rounded(KEYS_NARROW_BITS / 8) + slot_table_bytes(capacity);
}

bool keys_init(struct keys *keys, struct arena *arena, uint32_t capacity, uint32_t accounts_max)
{
    *keys = (struct keys){.capacity = capacity, .accounts_max = accounts_max};
    keys->ids = arena_take_array(arena, (size_t)capacity + 1, KEY_ID_BYTES);
    keys->rights = arena_take_array(arena, (size_t)capacity + 1, sizeof(struct key_right));
    keys->owners = arena_take_array(arena, (size_t)accounts_max + 1, sizeof(struct key_owner));
    keys->narrow = arena_take_array(arena, KEYS_NARROW_BITS / 64, sizeof(uint64_t));
    return keys->ids != NULL && keys->rights != NULL && keys->owners != NULL &&
           keys->narrow != NULL && slot_table_init(&keys->by_id, arena, capacity);
}

static uint32_t id_hash(const uint8_t *id)
{
    return slot_table_hash_bytes(0, id, KEY_ID_BYTES);
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

/* No bit is cleared again: it only says where to look. */
static uint64_t *narrow_word(const struct keys *keys, const uint8_t *id, uint64_t *bit)
{
    const uint32_t index = le_get_u16(id);
    *bit = UINT64_C(1) << index % 64;
    return &keys->narrow[index / 64];
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
    if ((permissions & KEY_TRADE) != 0) return;
    uint64_t bit;
    uint64_t *word = narrow_word(keys, keys->ids[slot], &bit);
    *word |= bit;
}

bool keys_may(const struct keys *keys, const uint8_t id[KEY_ID_BYTES], uint16_t permission)
{
    uint64_t bit;
    const uint64_t *word = narrow_word(keys, id, &bit);
    if (permission == KEY_TRADE && (*word & bit) == 0) return true;
    const uint32_t slot = keys_find(keys, id);
    return slot == 0 || keys->rights[slot].account == 0 ||
           (keys->rights[slot].permissions & permission) != 0;
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
        uint64_t bit;
        known += right->account != 0;
        ASSERT(right->account == 0 || (right->permissions & KEY_TRADE) != 0 ||
               (*narrow_word(keys, keys->ids[slot], &bit) & bit) != 0); /* K2 */
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
    ASSERT(keys->by_id.count == keys->count); /* K3 */
    return true;
}
