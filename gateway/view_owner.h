/* Accounts by their owners' public keys.
 *
 * Owner    one gateway loop; view.c moves it forward
 * Memory   from an arena at start: 8 to 16 bytes an account, touched as they come
 * Limits   accounts_max as replicated
 * Cost     O(1)
 */

#ifndef GATEWAY_VIEW_OWNER_H
#define GATEWAY_VIEW_OWNER_H

#include "common/arena.h"
#include "common/hash.h"

struct view_account;

struct view_owners {
    uint32_t *table; /* account numbers, by public key */
    uint32_t mask;
};

size_t view_owner_bytes(uint32_t accounts_max);

/* False when the arena cannot hold them. */
MUST_CHECK bool view_owner_init(struct view_owners *owners, struct arena *arena,
                                uint32_t accounts_max);

/* `accounts`: by number; the account has its public key. One without a key is nobody's. */
void view_owner_add(struct view_owners *owners, const struct view_account *accounts,
                    uint32_t account);

/* The account of this public key, or 0. */
uint32_t view_owner_find(const struct view_owners *owners, const struct view_account *accounts,
                         const uint8_t public_key[PUBLIC_KEY_BYTES]);

#endif /* GATEWAY_VIEW_OWNER_H */
