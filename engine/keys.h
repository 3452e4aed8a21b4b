/* API keys: which ids are taken. Who may do what with them is the gateway's and settlement's.
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by keys_init; 48 to 64 bytes a key
 * Limits   `capacity` keys; needs of keys_add
 */

#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "engine/slot_table.h"

#define KEY_ID_BYTES 32

struct arena;

struct keys {
    uint8_t (*ids)[KEY_ID_BYTES]; /* 1 .. count */
    struct slot_table by_id;
    uint32_t count;
    uint32_t capacity;
};

size_t keys_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool keys_init(struct keys *keys, struct arena *arena, uint32_t capacity);

bool keys_has(const struct keys *keys, const uint8_t id[KEY_ID_BYTES]);

/* Needs: count < capacity, and the id is not there. */
void keys_add(struct keys *keys, const uint8_t id[KEY_ID_BYTES]);

#endif /* ENGINE_KEYS_H */
