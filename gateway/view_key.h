/* API keys by their id.
 *
 * Owner    one gateway loop; view.c moves it forward
 * Memory   from an arena at start
 * Limits   keys_max as replicated
 * Cost     O(1)
 */

#ifndef GATEWAY_VIEW_KEY_H
#define GATEWAY_VIEW_KEY_H

#include "common/arena.h"
#include "common/params.h"

struct view_key {
    uint8_t key_id[32];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint32_t account;
    uint16_t permissions; /* enum key_permission */
    uint16_t secret_version;
    bool has_public_key;
};

struct view_keys {
    struct view_key *keys;
    uint32_t *table; /* index + 1 into keys, by key id */
    uint32_t key_count, keys_max, mask;
};

size_t view_key_bytes(uint32_t keys_max);

/* False when the arena cannot hold them. */
MUST_CHECK bool view_key_init(struct view_keys *keys, struct arena *arena, uint32_t keys_max);

/* Needs: it is not there, and there is room. */
void view_key_add(struct view_keys *keys, const struct key_added_event *added);

/* Index of the key with this id, or -1. */
int64_t view_key_find(const struct view_keys *keys, const uint8_t key_id[32]);

#endif /* GATEWAY_VIEW_KEY_H */
