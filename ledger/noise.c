#include "ledger/noise.h"

#include "common/le.h"

#include <string.h>

static_assert(NOISE_KEY_BYTES == crypto_scalarmult_BYTES, "X25519");
static_assert(NOISE_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "ChaCha20-Poly1305");
static_assert(NOISE_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "Poly1305");

#define NONCE_BYTES crypto_aead_chacha20poly1305_ietf_NPUBBYTES

/* Exactly as long as a hash, so that it is the first transcript itself. */
static const char protocol[] = "Noise_IK_25519_ChaChaPoly_SHA256";
static_assert(sizeof(protocol) - 1 == HASH_BYTES, "the name is the first hash");

void noise_pair_of(const uint8_t secret[NOISE_KEY_BYTES], struct noise_pair *pair)
{
    memcpy(pair->secret, secret, NOISE_KEY_BYTES);
    const int failed = crypto_scalarmult_base(pair->public_key, secret);
    ASSERT(failed == 0);
}

/* ---- The symmetric state ---- */

static void mix_hash(struct noise *noise, const void *bytes, size_t byte_count)
{
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, noise->transcript.bytes, HASH_BYTES);
    hash_stream_add(&stream, bytes, byte_count);
    noise->transcript = hash_stream_end(&stream);
}

/* HKDF (RFC 5869) with SHA-256, two blocks, no info. */
static void derive(const uint8_t chaining_key[HASH_BYTES], const void *input, size_t input_bytes,
                   uint8_t first[HASH_BYTES], uint8_t second[HASH_BYTES])
{
    uint8_t extracted[HASH_BYTES], block[HASH_BYTES + 1];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, chaining_key, HASH_BYTES);
    crypto_auth_hmacsha256_update(&state, input, input_bytes);
    crypto_auth_hmacsha256_final(&state, extracted);

    block[0] = 1;
    crypto_auth_hmacsha256(block, block, 1, extracted);
    memcpy(first, block, HASH_BYTES);
    block[HASH_BYTES] = 2;
    crypto_auth_hmacsha256(second, block, HASH_BYTES + 1, extracted);
    sodium_memzero(extracted, sizeof(extracted));
    sodium_memzero(block, sizeof(block));
    sodium_memzero(&state, sizeof(state));
}

/* False: `public_key` is of small order, so that the product would be known to everybody. */
MUST_CHECK static bool mix_product(struct noise *noise, const uint8_t secret[NOISE_KEY_BYTES],
                                   const uint8_t public_key[NOISE_KEY_BYTES])
{
    uint8_t product[NOISE_KEY_BYTES];
    const bool good = crypto_scalarmult(product, secret, public_key) == 0;
    derive(noise->chaining_key, product, sizeof(product), noise->chaining_key, noise->key);
    noise->nonce = 0;
    sodium_memzero(product, sizeof(product));
    return good;
}

static void next_nonce(struct noise *noise, uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES - sizeof(noise->nonce));
    le_put_u64(nonce + NONCE_BYTES - sizeof(noise->nonce), noise->nonce++);
}

static void seal_and_mix(struct noise *noise, const void *bytes, size_t byte_count, uint8_t *sealed)
{
    uint8_t nonce[NONCE_BYTES];
    next_nonce(noise, nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, bytes, byte_count,
                                              noise->transcript.bytes, HASH_BYTES, NULL, nonce,
                                              noise->key);
    mix_hash(noise, sealed, byte_count + NOISE_TAG_BYTES);
}

MUST_CHECK static bool open_and_mix(struct noise *noise, const uint8_t *sealed, size_t byte_count,
                                    void *bytes)
{
    uint8_t nonce[NONCE_BYTES];
    next_nonce(noise, nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(
            bytes, NULL, NULL, sealed, byte_count + NOISE_TAG_BYTES, noise->transcript.bytes,
            HASH_BYTES, nonce, noise->key) != 0)
        return false;
    mix_hash(noise, sealed, byte_count + NOISE_TAG_BYTES);
    return true;
}

/* ---- The handshake ---- */

static void begin(struct noise *noise, const struct noise_pair *own,
                  const uint8_t ephemeral[NOISE_KEY_BYTES], const void *prologue,
                  size_t prologue_bytes, const uint8_t called_key[NOISE_KEY_BYTES])
{
    memcpy(noise->transcript.bytes, protocol, HASH_BYTES);
    memcpy(noise->chaining_key, protocol, HASH_BYTES);
    memset(noise->key, 0, NOISE_KEY_BYTES);
    noise->nonce = 0;
    noise->own = *own;
    noise_pair_of(ephemeral, &noise->ephemeral);
    memset(noise->remote_ephemeral, 0, NOISE_KEY_BYTES);
    mix_hash(noise, prologue, prologue_bytes);
    mix_hash(noise, called_key, NOISE_KEY_BYTES);
}

void noise_begin_caller(struct noise *noise, const struct noise_pair *own,
                        const uint8_t remote[NOISE_KEY_BYTES],
                        const uint8_t ephemeral[NOISE_KEY_BYTES], const void *prologue,
                        size_t prologue_bytes)
{
    begin(noise, own, ephemeral, prologue, prologue_bytes, remote);
    memcpy(noise->remote, remote, NOISE_KEY_BYTES);
}

void noise_begin_called(struct noise *noise, const struct noise_pair *own,
                        const uint8_t ephemeral[NOISE_KEY_BYTES], const void *prologue,
                        size_t prologue_bytes)
{
    begin(noise, own, ephemeral, prologue, prologue_bytes, own->public_key);
    memset(noise->remote, 0, NOISE_KEY_BYTES);
}

bool noise_write_first(struct noise *noise, const void *payload, size_t payload_bytes,
                       uint8_t *message)
{
    uint8_t *at = le_put_bytes(message, noise->ephemeral.public_key, NOISE_KEY_BYTES);
    mix_hash(noise, message, NOISE_KEY_BYTES);
    if (!mix_product(noise, noise->ephemeral.secret, noise->remote)) return false;
    seal_and_mix(noise, noise->own.public_key, NOISE_KEY_BYTES, at);
    if (!mix_product(noise, noise->own.secret, noise->remote)) return false;
    seal_and_mix(noise, payload, payload_bytes, at + NOISE_KEY_BYTES + NOISE_TAG_BYTES);
    return true;
}

bool noise_read_caller(struct noise *noise, const uint8_t *message)
{
    memcpy(noise->remote_ephemeral, message, NOISE_KEY_BYTES);
    mix_hash(noise, message, NOISE_KEY_BYTES);
    return mix_product(noise, noise->own.secret, noise->remote_ephemeral) &&
           open_and_mix(noise, message + NOISE_KEY_BYTES, NOISE_KEY_BYTES, noise->remote);
}

bool noise_read_first(struct noise *noise, const uint8_t *message, void *payload,
                      size_t payload_bytes)
{
    const uint8_t *sealed = message + NOISE_KEY_BYTES + NOISE_KEY_BYTES + NOISE_TAG_BYTES;
    return mix_product(noise, noise->own.secret, noise->remote) &&
           open_and_mix(noise, sealed, payload_bytes, payload);
}

bool noise_write_second(struct noise *noise, const void *payload, size_t payload_bytes,
                        uint8_t *message)
{
    uint8_t *at = le_put_bytes(message, noise->ephemeral.public_key, NOISE_KEY_BYTES);
    mix_hash(noise, message, NOISE_KEY_BYTES);
    if (!mix_product(noise, noise->ephemeral.secret, noise->remote_ephemeral)) return false;
    if (!mix_product(noise, noise->ephemeral.secret, noise->remote)) return false;
    seal_and_mix(noise, payload, payload_bytes, at);
    return true;
}

bool noise_read_second(struct noise *noise, const uint8_t *message, void *payload,
                       size_t payload_bytes)
{
    memcpy(noise->remote_ephemeral, message, NOISE_KEY_BYTES);
    mix_hash(noise, message, NOISE_KEY_BYTES);
    return mix_product(noise, noise->ephemeral.secret, noise->remote_ephemeral) &&
           mix_product(noise, noise->own.secret, noise->remote_ephemeral) &&
           open_and_mix(noise, message + NOISE_KEY_BYTES, payload_bytes, payload);
}

void noise_split(const struct noise *noise, const void *bytes, size_t byte_count,
                 uint8_t caller_key[NOISE_KEY_BYTES], uint8_t called_key[NOISE_KEY_BYTES])
{
    derive(noise->chaining_key, bytes, byte_count, caller_key, called_key);
}

void noise_wipe(struct noise *noise)
{
    sodium_memzero(noise, sizeof(*noise));
}
