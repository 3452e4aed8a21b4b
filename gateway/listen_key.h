/* Listen keys: names of user data streams, for clients that know of no other way.
 *
 * Whoever has the name may listen, so it is as long as a secret. An account has one at a time, for LISTEN_KEY_LIFE_NS from
 * when it was last asked for or extended. A node knows its own alone, and none after a restart.
 *
 * Owner    one gateway loop, or any of those that share them: each call takes the latch
 * Memory   from an arena at start, untouched until used
 * Limits   LISTEN_KEYS_MAX accounts. Accounts whose numbers are LISTEN_KEY_SETS apart share LISTEN_KEY_WAYS places: so of the first
 *          LISTEN_KEYS_MAX accounts each has its own, and beyond those the one of its places ends that would have ended first
 * Cost     O(LISTEN_KEY_WAYS) a call
 */

#ifndef GATEWAY_LISTEN_KEY_H
#define GATEWAY_LISTEN_KEY_H

#include "common/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define LISTEN_KEY_SETS    8192
#define LISTEN_KEY_WAYS    8
#define LISTEN_KEYS_MAX    (LISTEN_KEY_SETS * LISTEN_KEY_WAYS)
#define LISTEN_KEY_LETTERS 64
#define LISTEN_KEY_LIFE_NS (3600ull * 1000000000ull)

struct listen_keys;

size_t listen_key_bytes(void);

/* NULL when the arena cannot hold them. */
MUST_CHECK struct listen_keys *listen_key_new(struct arena *arena);

/* For several loops, before any of them begins. */
void listen_key_share(struct listen_keys *keys);

/* Writes the account's key, good for LISTEN_KEY_LIFE_NS from now: the one it has, or one made of `random`. `number` is the last
 * command that the caller has applied. */
void listen_key_take(struct listen_keys *keys, uint32_t account, uint64_t now_ns, uint64_t number,
                     const uint8_t random[LISTEN_KEY_LETTERS], char letters[LISTEN_KEY_LETTERS]);

/* Makes the account's key last from now on. False when this is not its key, or not any more. */
MUST_CHECK bool listen_key_extend(struct listen_keys *keys, uint32_t account, const char *key,
                                  size_t key_bytes, uint64_t now_ns);

/* Ends the account's key. False likewise. */
MUST_CHECK bool listen_key_end(struct listen_keys *keys, uint32_t account, const char *key,
                               size_t key_bytes, uint64_t now_ns);

/* Ends the account's key, whichever it is, if it was made where command `number` was not applied yet. Each loop that
 * applies this command says so in its own time: a key that was made after it stays. */
void listen_key_drop(struct listen_keys *keys, uint32_t account, uint64_t number);

/* Whose key this is; 0: nobody's, or not any more. */
uint32_t listen_key_account(struct listen_keys *keys, const char *key, size_t key_bytes,
                            uint64_t now_ns);

#endif /* GATEWAY_LISTEN_KEY_H */
