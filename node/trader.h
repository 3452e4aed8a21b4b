/* A trader's credentials, as accounts.json lists them.
 *
 *     [{"name", "account", "apiKey", "secretKey", "publicKey", "privateKey"}, ...]
 *
 * One API key takes either kind of signature: HMAC-SHA256 with secretKey, or Ed25519 with privateKey
 * (PKCS#8 PEM; publicKey is its SubjectPublicKeyInfo PEM). The file is for its owner alone.
 *
 * Limits   TRADER_COUNT_MAX in one file
 */

#ifndef NODE_TRADER_H
#define NODE_TRADER_H

#include "common/hash.h"
#include "common/status.h"

#define TRADER_COUNT_MAX 64
#define TRADER_NAME_MAX  32
#define TRADER_PEM_MAX   160

struct trader {
    char name[TRADER_NAME_MAX + 1];
    uint32_t account;                    /* from 1 */
    uint8_t key_id[HASH_BYTES];          /* the API key is its hex */
    char secret_key[2 * HASH_BYTES + 1]; /* of HMAC signatures */
    uint8_t seed[crypto_sign_SEEDBYTES]; /* of the Ed25519 pair */
    uint8_t public_key[PUBLIC_KEY_BYTES];
};

/* A new Ed25519 pair, a new key id, and the HMAC secret that gateways derive for it. */
void trader_make(struct trader *trader, const char *name, const uint8_t gateway_secret[HASH_BYTES]);

/* Writes a new file. STATUS_EXISTS when there is one; it is left as it is. */
MUST_CHECK enum status trader_write_all(const char *path, const struct trader *traders,
                                        size_t trader_count);

/* Reads up to `trader_max` traders. Refuses, in the log, what trader_write_all would not write. */
MUST_CHECK enum status trader_read_all(const char *path, struct trader *traders, size_t trader_max,
                                       size_t *trader_count);

/* The Ed25519 pair as PEM text, PKCS#8 and SubjectPublicKeyInfo. */
void trader_private_pem(const struct trader *trader, char pem[TRADER_PEM_MAX]);
void trader_public_pem(const struct trader *trader, char pem[TRADER_PEM_MAX]);

#endif /* NODE_TRADER_H */
