/* Which keys speak for which accounts, as the log's KEY_ADDED facts say.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 72 bytes a key and 12 to 24 for finding it, touched as keys come; entries
 *          stay where they are
 * Limits   keys_max keys
 * Cost     O(1)
 */

#ifndef SETTLEMENT_KEYRING_H
#define SETTLEMENT_KEYRING_H

#include "common/messages.h"

struct arena;
struct image_move;
struct keyring;

size_t keyring_bytes(uint32_t keys_max);
MUST_CHECK struct keyring *keyring_new(struct arena *arena, uint32_t keys_max);

/* False when the ring is full or has a key with this id. Needs: key->account != 0. */
MUST_CHECK bool keyring_add(struct keyring *ring, const struct key_added_event *key);

/* Asks for the memory in which keyring_find begins; then, when that is there, of the key (expect.h). */
void keyring_expect(const struct keyring *ring, const uint8_t key_id[32]);
void keyring_expect_key(const struct keyring *ring, const uint8_t key_id[32]);

/* NULL when there is none. */
const struct key_added_event *keyring_find(const struct keyring *ring, const uint8_t key_id[32]);

uint32_t keyring_count(const struct keyring *ring);

/* The keys as they were added. Needs: index < keyring_count. */
const struct key_added_event *keyring_at(const struct keyring *ring, uint32_t index);

/* The ring in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct keyring *keyring_image(struct arena *arena, const struct keyring *ring,
                                         const struct image_move *move);

#endif /* SETTLEMENT_KEYRING_H */
