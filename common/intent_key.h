/* What the owner of an account asks of its keys: parameters in, one command's payload out. From rules 7 on.
 *
 * Each names its action, so that no signed text means another thing elsewhere:
 *
 *   action=key-create   permissions (some of READ,TRADE,WITHDRAW) [publicKey (64 hex; none: the key has an HMAC secret)]
 *                       [ipList (networks with commas, as 192.0.2.7,2001:db8::/32; none: from anywhere)]
 *   action=key-limit    keyId (64 hex) permissions [ipList]; both as they are to be from now on
 *   action=key-remove   keyId
 *
 * The timestamp of each, which is mandatory, goes into the command: it must be above that of the account's last.
 */

#ifndef COMMON_INTENT_KEY_H
#define COMMON_INTENT_KEY_H

#include "common/intent.h"

MUST_CHECK bool intent_key_create(const struct form *form, const struct params *params,
                                  struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_key_limit(const struct form *form, struct intent *intent,
                                 struct refusal *refusal);
MUST_CHECK bool intent_key_remove(const struct form *form, struct intent *intent,
                                  struct refusal *refusal);

/* `permissions`, mandatory: names joined by commas, each once. */
MUST_CHECK bool intent_key_permissions(const struct form *form, uint16_t *permissions,
                                       struct refusal *refusal);

/* `publicKey`, if it was sent; otherwise all zero. What is as long as an RSA key's text is refused as one. */
MUST_CHECK bool intent_key_public(const struct form *form, uint8_t public_key[PUBLIC_KEY_BYTES],
                                  struct refusal *refusal);

#endif /* COMMON_INTENT_KEY_H */
