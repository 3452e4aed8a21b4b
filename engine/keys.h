/* API keys: which ids are taken, whose they are, and what they may do.
 *
 * The engine knows an account only of keys that were added, changed or removed under rules 7 or later; of the others it
 * looks at nothing, and settlement alone does (settlement/authority.h). A key that was removed keeps its slot and its id,
 * without a permission (common/key_rights.h).
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by keys_init; 72 to 88 bytes a key, 16 an account
 * Limits   `capacity` keys; needs of keys_add
 * Cost     O(1); keys_spare O(keys of the account)
 *
 * Invariants, asserted by keys_check:
 *   K1  a key with an account is on that account's list, once, and no other is
 *   K2  each key is found by one id, its own
 */

#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "engine/slot_table.h"

#define KEY_ID_BYTES 32

struct arena;

struct key_right {
    uint64_t removed_ns; /* 0: it was not */
    uint32_t account;    /* 0: not known here */
    uint32_t next;       /* of the account's */
    uint16_t permissions;
};

struct key_owner {
    uint64_t last_ns; /* of its last request about its keys */
    uint32_t first;
    uint32_t count;
};

struct keys {
    uint8_t (*ids)[KEY_ID_BYTES]; /* 1 .. count */
    struct key_right *rights;     /* likewise */
    struct key_owner *owners;     /* by account */
    struct slot_table by_id;
    uint32_t count;
    uint32_t capacity;
    uint32_t accounts_max;
};

size_t keys_bytes(uint32_t capacity, uint32_t accounts_max);

/* False when the arena is too small. */
MUST_CHECK bool keys_init(struct keys *keys, struct arena *arena, uint32_t capacity,
                          uint32_t accounts_max);

/* The key's slot, or 0. */
uint32_t keys_find(const struct keys *keys, const uint8_t id[KEY_ID_BYTES]);

/* Its slot; the account is not known yet. Needs: count < capacity, and the id is not there. */
uint32_t keys_add(struct keys *keys, const uint8_t id[KEY_ID_BYTES]);

/* The slot's key is gone, and another one of the same account has it. Needs: the slot's account is known; the id is not
 * there. */
void keys_rename(struct keys *keys, uint32_t slot, const uint8_t id[KEY_ID_BYTES]);

/* The key is the account's, and may do that from now on. Needs: it was nobody's else; removed_ns == 0 or no permission. */
void keys_allow(struct keys *keys, uint32_t slot, uint32_t account, uint16_t permissions,
                uint64_t removed_ns);

/* Asks for the table's line of the key, ahead of its use. Changes nothing. */
void keys_hint(const struct keys *keys, const uint8_t id[KEY_ID_BYTES]);

/* Whether the slot's key may: not when the engine knows that it has none of the permissions. */
bool keys_may(const struct keys *keys, uint32_t slot, uint16_t permission);

/* The slot of the account's key that was removed first, at or before `removed_ns`; 0: there is none. */
uint32_t keys_spare(const struct keys *keys, uint32_t account, uint64_t removed_ns);

/* Asserts K1 and K2. O(capacity). */
bool keys_check(const struct keys *keys);

#endif /* ENGINE_KEYS_H */
