/* Which keys speak for which accounts, as the log's KEY_ADDED facts say.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena; entries stay where they are
 * Limits   keys_max keys
 * Cost     O(1)
 */

#ifndef SETTLEMENT_KEYRING_H
#define SETTLEMENT_KEYRING_H

#include "common/messages.h"

struct arena;
struct keyring;

size_t keyring_bytes(uint32_t keys_max);
MUST_CHECK struct keyring *keyring_new(struct arena *arena, uint32_t keys_max);

/* False when the ring is full or has a key with this id. Needs: key->account != 0. */
MUST_CHECK bool keyring_add(struct keyring *ring, const struct key_added_event *key);

/* NULL when there is none. */
const struct key_added_event *keyring_find(const struct keyring *ring, const uint8_t key_id[32]);

uint32_t keyring_count(const struct keyring *ring);

#endif /* SETTLEMENT_KEYRING_H */
