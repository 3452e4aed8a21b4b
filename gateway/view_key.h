/* API keys by their id.
 *
 * A key that was removed keeps its place, without a permission, until another of the same account takes it.
 *
 * Owner    one gateway loop; view.c moves it forward
 * Memory   from an arena at start
 * Limits   keys_max as replicated
 * Cost     O(1)
 */

#ifndef GATEWAY_VIEW_KEY_H
#define GATEWAY_VIEW_KEY_H

#include "common/arena.h"
#include "common/ip_list.h"
#include "common/params.h"

struct view_key {
    uint8_t key_id[32];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint32_t account;
    uint16_t permissions; /* enum key_permission */
    uint16_t secret_version;
    bool has_public_key;
    uint32_t changes;   /* how often its place was another key's before */
    struct ip_list ips; /* from where it may be used */
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

/* What its account did with it. Needs: the key is there, or is not, as the event's command left it. */
void view_key_created(struct view_keys *keys, const struct key_created_event *created);
void view_key_limited(struct view_keys *keys, const struct key_limited_event *limited);
void view_key_removed(struct view_keys *keys, const struct key_removed_event *removed);

/* Index of the key with this id, or -1. */
int64_t view_key_find(const struct view_keys *keys, const uint8_t key_id[32]);

#endif /* GATEWAY_VIEW_KEY_H */
