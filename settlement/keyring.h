/* Which keys speak for which accounts, and what of them, as the log's facts say: KEY_ADDED, KEY_CREATED, KEY_LIMITED,
 * KEY_REMOVED.
 *
 * A key that was removed keeps its place, without a permission, until another of the same account takes it.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 72 bytes a key, 160 more for one that its account made or changed, 12 to 24 for finding it,
 *          and 16 an account, touched as keys come; entries stay where they are
 * Limits   keys_max keys
 * Cost     O(1); keyring_spare O(keys of the account)
 */

#ifndef SETTLEMENT_KEYRING_H
#define SETTLEMENT_KEYRING_H

#include "common/ip_list.h"
#include "common/messages.h"

struct arena;
struct image_move;
struct keyring;

/* What is known beside the facts by which the key came. */
struct keyring_right {
    uint64_t removed_ns; /* 0: it was not */
    uint32_t next;       /* place of another of the account's, from 1 */
    bool
        is_shared; /* the engine knows account and permissions too, and refuses what the key may not do */
    struct ip_list ips;
};

size_t keyring_bytes(uint32_t keys_max, uint32_t accounts_max);
MUST_CHECK struct keyring *keyring_new(struct arena *arena, uint32_t keys_max,
                                       uint32_t accounts_max);

/* False when the ring is full or has a key with this id. Needs: key->account is an account's number. */
MUST_CHECK bool keyring_add(struct keyring *ring, const struct key_added_event *key);

/* From here on the engine knows the key; right->next is the ring's to set. Needs: the key is in the ring. */
void keyring_share(struct keyring *ring, const uint8_t key_id[32],
                   const struct keyring_right *right);

/* Moves the ring by KEY_CREATED, KEY_LIMITED or KEY_REMOVED of a command with this stamp. False, and nothing done: that
 * cannot be, since a key is not there, not the account's or there already. */
MUST_CHECK bool keyring_apply(struct keyring *ring, const struct event *event, uint64_t stamp_ns);

/* Asks for the memory in which keyring_find begins; then, when that is there, of the key (expect.h). */
void keyring_expect(const struct keyring *ring, const uint8_t key_id[32]);
void keyring_expect_key(const struct keyring *ring, const uint8_t key_id[32]);

/* NULL when there is none. */
const struct key_added_event *keyring_find(const struct keyring *ring, const uint8_t key_id[32]);

/* Needs: `key` is the ring's. */
const struct keyring_right *keyring_right_of(const struct keyring *ring,
                                             const struct key_added_event *key);

uint32_t keyring_count(const struct keyring *ring);

/* The keys by place. Needs: index < keyring_count. */
const struct key_added_event *keyring_at(const struct keyring *ring, uint32_t index);

/* How many places the account has of those that the engine knows; which key of these was removed first, at or before
 * `removed_ns`, or NULL. */
uint32_t keyring_count_of(const struct keyring *ring, uint32_t account);
const struct key_added_event *keyring_spare(const struct keyring *ring, uint32_t account,
                                            uint64_t removed_ns);

/* The time of the account's last request about its keys; 0: there was none. */
uint64_t keyring_time(const struct keyring *ring, uint32_t account);
void keyring_set_time(struct keyring *ring, uint32_t account, uint64_t time_ns);

/* The ring in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct keyring *keyring_image(struct arena *arena, const struct keyring *ring,
                                         const struct image_move *move);

#endif /* SETTLEMENT_KEYRING_H */
