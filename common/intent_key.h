/* What the owner of an account asks of its keys: parameters in, one command's payload out. From rules 7 on.
 *
 * Each names its action, so that no signed text means another thing elsewhere:
 *
 *   action=key-create   permissions (some of READ,TRADE,WITHDRAW) [publicKey (64 hex; none: the key has an HMAC secret)]
 *                       [ipList (networks with commas, as 192.0.2.7,2001:db8::/32; none: from anywhere)]
 *   action=key-limit    keyId (64 hex) permissions [ipList]; both as they are to be from now on
 *   action=key-remove   keyId
 *
 * The timestamp of each, which is mandatory, goes into the command: it must be above that of the account's last. From
 * PARAMS_RULES_CHAIN on each has a `chainId` too (64 hex: the genesis' hash), so that what is signed for one exchange is good on
 * no other where the same public key has an account.
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

/* The mandatory `chainId`, which must be this one. */
MUST_CHECK bool intent_chain(const struct form *form, const hash_t *chain_id,
                             struct refusal *refusal);

/* The same of a request about keys: below PARAMS_RULES_CHAIN it may be missing. */
MUST_CHECK bool intent_key_chain(const struct form *form, const struct params *params,
                                 const hash_t *chain_id, struct refusal *refusal);

/* Whether the signed text of a command about keys names that chain. A text that was taken below PARAMS_RULES_CHAIN may come behind
 * the change and name none, so engines refuse such a command, and nobody stops for it. */
bool intent_key_names(const struct command *command, const hash_t *chain_id);

#endif /* COMMON_INTENT_KEY_H */
