/* Who asks: API keys, and the signatures over the bytes as they were received.
 *
 * The signed payload is the query string followed by the body, each exactly as received and without
 * its `signature` parameter. 64 hex digits are HMAC-SHA256 with the key's derived secret; base64 of 64
 * bytes is Ed25519 with the key's public key, or its account's.
 *
 * Owner    one gateway loop
 * Memory   an arena for one pointer a key; OpenSSL allocates a prepared context at a key's first use
 * Cost     HMAC about 0.3 us for 200 bytes; Ed25519 48 us
 */

#ifndef GATEWAY_AUTH_H
#define GATEWAY_AUTH_H

#include "common/reject.h"
#include "gateway/view.h"

#define AUTH_API_KEY_BYTES 64
#define AUTH_AHEAD_NS      1000000000ull /* how far ahead of us a client's clock may be */

struct auth;

struct auth_piece {
    const char *bytes;
    size_t byte_count;
};

/* What was signed, in pieces of the received bytes, and the signature's text (percent-encoded). */
struct auth_payload {
    struct auth_piece pieces[4];
    struct auth_piece signature;
    uint32_t signature_count; /* `signature` parameters seen */
};

/* How a request proved itself; goes into the command's authentication field. */
struct auth_proof {
    enum auth_kind kind;
    uint8_t key_id[32]; /* or the operator's public key */
    uint8_t signature[SIGNATURE_BYTES];
};

size_t auth_bytes(const struct genesis *genesis);

/* NULL when the arena or OpenSSL cannot. `secret` is the gateway secret of the genesis' version. */
MUST_CHECK struct auth *auth_new(struct arena *arena, const struct genesis *genesis,
                                 const uint8_t secret[HASH_BYTES]);
void auth_free(struct auth *auth);

/* Splits query and body at their signature parameters. */
struct auth_payload auth_payload_of(const char *query, size_t query_bytes, const char *body,
                                    size_t body_bytes);

size_t auth_payload_bytes(const struct auth_payload *payload);
/* Copies the pieces, joined. Needs: room for auth_payload_bytes. */
void auth_payload_put(const struct auth_payload *payload, uint8_t *bytes);

/* The key named by an X-MBX-APIKEY header, if it may be used so from this address. REJECT_KEY_FORMAT or REJECT_KEY. `text`
 * may be NULL. */
MUST_CHECK bool auth_find_key(const struct view *view, const char *text, size_t text_bytes,
                              uint16_t permission, const uint8_t ip[IP_BYTES], uint32_t *key_index,
                              struct refusal *refusal);

/* The account whose owner's public key an X-MBX-APIKEY header is: 64 hex digits. As auth_find_key. */
MUST_CHECK bool auth_find_owner(const struct view *view, const char *text, size_t text_bytes,
                                uint32_t *account, struct refusal *refusal);

/* Whether `now_ns` lies in the request's window. */
MUST_CHECK bool auth_check_time(uint64_t timestamp_ns, uint64_t deadline_ns, uint64_t now_ns,
                                struct refusal *refusal);

/* Whether the payload's signature is the key's. Fills `proof`. Needs: exactly one signature. */
MUST_CHECK bool auth_verify(struct auth *auth, const struct view *view, uint32_t key_index,
                            const struct auth_payload *payload, struct auth_proof *proof);

/* The same by an account's owner, whose signature is Ed25519. */
MUST_CHECK bool auth_verify_owner(const struct view *view, uint32_t account,
                                  const struct auth_payload *payload, struct auth_proof *proof);

/* The same by any Ed25519 key, whether anybody knows it or not. */
MUST_CHECK bool auth_verify_public(const uint8_t public_key[PUBLIC_KEY_BYTES],
                                   const struct auth_payload *payload, struct auth_proof *proof);

/* What a signature that auth_verify refused is refused for: an RSA key's, by its length, or no good one. */
struct refusal auth_refusal(const struct auth_payload *payload);

/* The number by which commands name an operator, or, with `params`, a connector with this key; -1: there is none. */
int auth_signer(const struct genesis *genesis, const struct params *params,
                const uint8_t public_key[PUBLIC_KEY_BYTES]);

/* The same for whom auth_signer knows: `signature` is 128 hex digits (or base64) by `public_key`. */
MUST_CHECK bool auth_verify_operator(const struct genesis *genesis, const struct params *params,
                                     const uint8_t public_key[PUBLIC_KEY_BYTES],
                                     const struct auth_payload *payload, struct auth_proof *proof);

/* The secret of a key that has one. False: it has none, or of a version that is not known here. */
MUST_CHECK bool auth_tell_secret(const struct auth *auth, const struct view_key *key,
                                 char secret[65]);

/* HMAC-SHA256 of the payload with `secret`; for one key's first use and for tests. */
MUST_CHECK bool auth_hmac(const char *secret, size_t secret_bytes,
                          const struct auth_payload *payload, uint8_t mac[32]);

/* The HMAC secret of a key: 64 hex digits and a terminator. */
void auth_secret_of(const uint8_t gateway_secret[HASH_BYTES], const uint8_t key_id[32],
                    char secret[65]);

#endif /* GATEWAY_AUTH_H */
