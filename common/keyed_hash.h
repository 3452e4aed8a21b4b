/* hash_derive (hash.h) with one secret, over and over: BLAKE2b (RFC 7693) of a short text, whose first block, the key's, is
 * taken once. Half of the work, and none of the general case's setting up.
 *
 * Owner    the caller; pure
 * Memory   the caller's; it is as secret as the secret
 * Limits   KEYED_HASH_TEXT_MAX bytes: domain, a zero, and the bytes after it
 */

#ifndef COMMON_KEYED_HASH_H
#define COMMON_KEYED_HASH_H

#include "common/hash.h"

#define KEYED_HASH_TEXT_MAX 128

struct keyed_hash {
    uint64_t words[8]; /* after the key's block */
};

void keyed_hash_begin(struct keyed_hash *keyed, const uint8_t secret[HASH_BYTES]);

/* What hash_derive gives with that secret. Needs: the text is no longer than KEYED_HASH_TEXT_MAX. */
hash_t keyed_hash_of(const struct keyed_hash *keyed, const char *domain, const void *bytes,
                     size_t byte_count);

#endif /* COMMON_KEYED_HASH_H */
