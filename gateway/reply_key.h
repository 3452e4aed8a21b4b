/* What is told of a key. */

#ifndef GATEWAY_REPLY_KEY_H
#define GATEWAY_REPLY_KEY_H

#include "gateway/view_key.h"
#include "gateway/writer.h"

/* keyId, publicKey, hmac, permissions, ipRestrict and ipList; and its secret, unless that is NULL. */
void reply_key(struct writer *json, const struct view_key *key, const char *secret);

/* "ipRestrict" and "ipList". */
void reply_key_ips(struct writer *json, const struct ip_list *ips);

#endif /* GATEWAY_REPLY_KEY_H */
