#include "gateway/auth.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#define PROOF_TEXT_MAX  256 /* a signature's text after percent-decoding */
#define RSA_LETTERS_MIN 344 /* 256 bytes in base64 */
#define RSA_LETTERS_MAX 684 /* 512 */

/* Of the key at one place of the view. */
struct context {
    EVP_MAC_CTX *mac; /* NULL until the key is first used */
    uint32_t changes; /* the view_key's, when it was made */
};

struct auth {
    EVP_MAC *algorithm;
    struct context *contexts; /* by key index */
    uint32_t keys_max;
    uint16_t secret_version;
    uint8_t secret[HASH_BYTES];
};

size_t auth_bytes(const struct genesis *genesis)
{
    return 64 + sizeof(struct auth) + 64 +
           (size_t)genesis->params.keys_max * sizeof(struct context);
}

struct auth *auth_new(struct arena *arena, const struct genesis *genesis,
                      const uint8_t secret[HASH_BYTES])
{
    struct auth *auth = arena_take(arena, sizeof(*auth));
    struct context *contexts =
        arena_take_array(arena, genesis->params.keys_max, sizeof(struct context));
    if (auth == NULL || contexts == NULL) return NULL;
    auth->algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (auth->algorithm == NULL) return NULL;
    auth->contexts = contexts;
    auth->keys_max = genesis->params.keys_max;
    auth->secret_version = genesis->params.gateway_secret_version;
    memcpy(auth->secret, secret, HASH_BYTES);
    return auth;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL) return;
    for (uint32_t index = 0; index < auth->keys_max; index++)
        EVP_MAC_CTX_free(auth->contexts[index].mac);
    EVP_MAC_free(auth->algorithm);
    sodium_memzero(auth->secret, sizeof(auth->secret));
}

/* ---- the signed payload ---- */

/* Cuts the first signature parameter out of `text`; what is before and after it are the pieces. */
static void cut_signature(const char *text, size_t text_bytes, struct auth_piece pieces[2],
                          struct auth_payload *payload)
{
    static const char name[] = "signature=";
    const size_t name_bytes = sizeof(name) - 1;
    pieces[0] = (struct auth_piece){text, text_bytes};
    pieces[1] = (struct auth_piece){NULL, 0};

    size_t from = 0;
    while (from < text_bytes) {
        const char *next = memchr(text + from, '&', text_bytes - from);
        const size_t end = next == NULL ? text_bytes : (size_t)(next - text);
        if (end - from >= name_bytes && memcmp(text + from, name, name_bytes) == 0) {
            if (payload->signature_count++ == 0) {
                payload->signature =
                    (struct auth_piece){text + from + name_bytes, end - from - name_bytes};
                /* One of the two separators goes with it: the one before, if there is one. */
                const size_t after = from == 0 && end < text_bytes ? end + 1 : end;
                pieces[0].byte_count = from == 0 ? 0 : from - 1;
                pieces[1] = (struct auth_piece){text + after, text_bytes - after};
            }
        }
        from = end + 1;
    }
}

struct auth_payload auth_payload_of(const char *query, size_t query_bytes, const char *body,
                                    size_t body_bytes)
{
    struct auth_payload payload = {0};
    cut_signature(query, query_bytes, &payload.pieces[0], &payload);
    cut_signature(body, body_bytes, &payload.pieces[2], &payload);
    return payload;
}

size_t auth_payload_bytes(const struct auth_payload *payload)
{
    size_t byte_count = 0;
    for (int index = 0; index < 4; index++)
        byte_count += payload->pieces[index].byte_count;
    return byte_count;
}

void auth_payload_put(const struct auth_payload *payload, uint8_t *bytes)
{
    for (int index = 0; index < 4; index++) {
        const struct auth_piece *piece = &payload->pieces[index];
        if (piece->byte_count > 0) memcpy(bytes, piece->bytes, piece->byte_count);
        bytes += piece->byte_count;
    }
}

/* ---- keys and time ---- */

/* The 32 bytes that a header names. False: it is malformed, or nothing that anybody has. */
static bool read_name(const char *text, size_t text_bytes, uint8_t name[32],
                      struct refusal *refusal)
{
    *refusal = refusal_of(REJECT_KEY_FORMAT, NULL, NULL);
    if (text == NULL || text_bytes != AUTH_API_KEY_BYTES) return false;
    for (size_t at = 0; at < text_bytes; at++) {
        const char letter = text[at];
        if (!((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
              (letter >= 'A' && letter <= 'Z')))
            return false;
    }

    /* A key of this form that is not hex cannot be one of ours: unknown, not malformed. */
    *refusal = refusal_of(REJECT_KEY, NULL, NULL);
    return hash_from_hex(text, text_bytes, name, 32);
}

bool auth_find_key(const struct view *view, const char *text, size_t text_bytes,
                   uint16_t permission, const uint8_t ip[IP_BYTES], uint32_t *key_index,
                   struct refusal *refusal)
{
    uint8_t key_id[32];
    if (!read_name(text, text_bytes, key_id, refusal)) return false;
    const int64_t index = view_find_key(view, key_id);
    if (index < 0) return false;
    const struct view_key *key = view_key(view, (uint32_t)index);
    if ((key->permissions & permission) != permission || !ip_list_holds(&key->ips, ip))
        return false;
    *key_index = (uint32_t)index;
    return true;
}

bool auth_find_owner(const struct view *view, const char *text, size_t text_bytes,
                     uint32_t *account, struct refusal *refusal)
{
    uint8_t public_key[PUBLIC_KEY_BYTES];
    if (!read_name(text, text_bytes, public_key, refusal)) return false;
    *account = view_find_owner(view, public_key);
    return *account != 0;
}

bool auth_check_time(uint64_t timestamp_ns, uint64_t deadline_ns, uint64_t now_ns,
                     struct refusal *refusal)
{
    if (timestamp_ns >= now_ns + AUTH_AHEAD_NS) {
        *refusal = refusal_of(REJECT_TIMESTAMP_AHEAD, NULL, NULL);
        return false;
    }
    if (now_ns > deadline_ns) {
        *refusal = refusal_of(REJECT_TOO_LATE, NULL, NULL);
        return false;
    }
    return true;
}

/* ---- signatures ---- */

void auth_secret_of(const uint8_t gateway_secret[HASH_BYTES], const uint8_t key_id[32],
                    char secret[65])
{
    const hash_t derived = hash_derive(gateway_secret, "quorex/hmac/1", key_id, 32);
    hash_hex(derived.bytes, HASH_BYTES, secret);
}

bool auth_tell_secret(const struct auth *auth, const struct view_key *key, char secret[65])
{
    if (key->secret_version == 0 || key->secret_version != auth->secret_version) return false;
    auth_secret_of(auth->secret, key->key_id, secret);
    return true;
}

static EVP_MAC_CTX *context_of(EVP_MAC *algorithm, const char *secret, size_t secret_bytes)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    if (context == NULL) return NULL;
    if (EVP_MAC_init(context, (const unsigned char *)secret, secret_bytes, params) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

/* The key was set when the context was made; init without one starts over with it. */
static bool mac_of(EVP_MAC_CTX *context, const struct auth_payload *payload, uint8_t mac[32])
{
    size_t mac_bytes = 0;
    if (EVP_MAC_init(context, NULL, 0, NULL) != 1) return false;
    for (int index = 0; index < 4; index++) {
        const struct auth_piece *piece = &payload->pieces[index];
        if (piece->byte_count == 0) continue;
        if (EVP_MAC_update(context, (const unsigned char *)piece->bytes, piece->byte_count) != 1)
            return false;
    }
    return EVP_MAC_final(context, mac, &mac_bytes, 32) == 1 && mac_bytes == 32;
}

bool auth_hmac(const char *secret, size_t secret_bytes, const struct auth_payload *payload,
               uint8_t mac[32])
{
    bool made = false;
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = algorithm == NULL ? NULL : context_of(algorithm, secret, secret_bytes);
    if (context != NULL) made = mac_of(context, payload, mac);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return made;
}

static bool verify_hmac(struct auth *auth, const struct view_key *key, uint32_t key_index,
                        const struct auth_payload *payload, const uint8_t claimed[32])
{
    ASSERT(key_index < auth->keys_max);
    if (key->secret_version == 0 || key->secret_version != auth->secret_version) return false;
    struct context *context = &auth->contexts[key_index];
    if (context->mac == NULL || context->changes != key->changes) {
        char secret[65];
        EVP_MAC_CTX_free(context->mac);
        auth_secret_of(auth->secret, key->key_id, secret);
        *context = (struct context){context_of(auth->algorithm, secret, 64), key->changes};
        sodium_memzero(secret, sizeof(secret));
        if (context->mac == NULL) return false;
    }

    uint8_t mac[32];
    return mac_of(context->mac, payload, mac) && sodium_memcmp(mac, claimed, 32) == 0;
}

/* Undoes percent-encoding; false when it is broken or too long. A `+` is itself: base64 has it, and a
 * client that sends it unencoded means it. */
static bool decode_percent(const struct auth_piece *piece, char text[PROOF_TEXT_MAX],
                           size_t *text_bytes)
{
    size_t used = 0;
    for (size_t at = 0; at < piece->byte_count; at++) {
        if (used == PROOF_TEXT_MAX) return false;
        char letter = piece->bytes[at];
        if (letter == '%') {
            uint8_t byte;
            if (at + 2 >= piece->byte_count) return false;
            if (!hash_from_hex(piece->bytes + at + 1, 2, &byte, 1)) return false;
            letter = (char)byte;
            at += 2;
        }
        text[used++] = letter;
    }
    *text_bytes = used;
    return true;
}

static bool decode_base64(const char *text, size_t text_bytes, uint8_t signature[SIGNATURE_BYTES])
{
    size_t byte_count = 0;
    const char *end = NULL;
    return sodium_base642bin(signature, SIGNATURE_BYTES, text, text_bytes, NULL, &byte_count, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           byte_count == SIGNATURE_BYTES && end == text + text_bytes;
}

/* Whether `signature` is of the joined pieces; they are signed as one string. */
static bool verify_ed25519(const uint8_t public_key[PUBLIC_KEY_BYTES],
                           const struct auth_payload *payload,
                           const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t bytes[COMMAND_AUTH_MAX];
    const size_t byte_count = auth_payload_bytes(payload);
    if (byte_count > sizeof(bytes) - 32 - SIGNATURE_BYTES) return false;
    auth_payload_put(payload, bytes);
    return hash_verify(public_key, bytes, byte_count, signature);
}

bool auth_verify(struct auth *auth, const struct view *view, uint32_t key_index,
                 const struct auth_payload *payload, struct auth_proof *proof)
{
    const struct view_key *key = view_key(view, key_index);
    char text[PROOF_TEXT_MAX];
    size_t text_bytes;
    uint8_t claimed[32];
    memcpy(proof->key_id, key->key_id, 32);
    if (payload->signature_count != 1) return false;
    if (!decode_percent(&payload->signature, text, &text_bytes)) return false;

    if (text_bytes == 64 && hash_from_hex(text, text_bytes, claimed, sizeof(claimed))) {
        proof->kind = AUTH_HMAC;
        return verify_hmac(auth, key, key_index, payload, claimed);
    }
    if (!decode_base64(text, text_bytes, proof->signature)) return false;
    const struct view_account *account = view_account(view, key->account);
    if (account == NULL) return false;
    proof->kind = AUTH_ED25519;
    /* Settlement finds the signer by this: the key, or the owner. */
    if (!key->has_public_key) memcpy(proof->key_id, account->public_key, PUBLIC_KEY_BYTES);
    return verify_ed25519(key->has_public_key ? key->public_key : account->public_key, payload,
                          proof->signature);
}

bool auth_verify_public(const uint8_t public_key[PUBLIC_KEY_BYTES],
                        const struct auth_payload *payload, struct auth_proof *proof)
{
    char text[PROOF_TEXT_MAX];
    size_t text_bytes;
    if (payload->signature_count != 1 || !decode_percent(&payload->signature, text, &text_bytes) ||
        !decode_base64(text, text_bytes, proof->signature))
        return false;
    proof->kind = AUTH_ED25519;
    memcpy(proof->key_id, public_key, PUBLIC_KEY_BYTES);
    return verify_ed25519(public_key, payload, proof->signature);
}

bool auth_verify_owner(const struct view *view, uint32_t account,
                       const struct auth_payload *payload, struct auth_proof *proof)
{
    const struct view_account *owner = view_account(view, account);
    return owner != NULL && auth_verify_public(owner->public_key, payload, proof);
}

/* Base64 of 256 to 512 bytes, RSA's of 2048 to 4096 bits, in letters that may be percent-encoded. */
struct refusal auth_refusal(const struct auth_payload *payload)
{
    const struct auth_piece *text = &payload->signature;
    size_t letters = 0;
    for (size_t at = 0; at < text->byte_count; at++) {
        const bool is_encoded = text->bytes[at] == '%' && at + 2 < text->byte_count;
        if (is_encoded) at += 2;
        letters++;
    }
    const bool is_rsa =
        letters % 4 == 0 && letters >= RSA_LETTERS_MIN && letters <= RSA_LETTERS_MAX;
    return refusal_of(is_rsa ? REJECT_RSA : REJECT_SIGNATURE, NULL, NULL);
}

int auth_signer(const struct genesis *genesis, const struct params *params,
                const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    for (uint32_t index = 0; index < genesis->operator_count; index++)
        if (memcmp(genesis->operators[index], public_key, PUBLIC_KEY_BYTES) == 0) return (int)index;
    return params == NULL ? -1 : params_find_connector(params, public_key);
}

bool auth_verify_operator(const struct genesis *genesis, const struct params *params,
                          const uint8_t public_key[PUBLIC_KEY_BYTES],
                          const struct auth_payload *payload, struct auth_proof *proof)
{
    char text[PROOF_TEXT_MAX];
    size_t text_bytes;
    if (auth_signer(genesis, params, public_key) < 0 || payload->signature_count != 1) return false;
    if (!decode_percent(&payload->signature, text, &text_bytes)) return false;
    if (!hash_from_hex(text, text_bytes, proof->signature, SIGNATURE_BYTES) &&
        !decode_base64(text, text_bytes, proof->signature))
        return false;

    proof->kind = AUTH_OPERATOR;
    memcpy(proof->key_id, public_key, PUBLIC_KEY_BYTES);
    return verify_ed25519(public_key, payload, proof->signature);
}
