/* SHA-256, keyed derivation and Ed25519: the only places where bytes become proofs.
 *
 * Hashes are tagged by their first bytes (RFC 9162 for trees, a domain string for headers and
 * votes), so that one kind can never be shown as another. Built on libsodium; SHA-256 by the processor's
 * own instructions where it has them.
 *
 * Needs: hash_start was called once, before anything else here.
 * Cost   SHA-256 about 0.2 us for 65 bytes, 1.2 GB/s for many; 0.4 us and 0.2 GB/s where the processor has no
 *        instructions for it; sign 17 us; verify 48 us
 */

#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include "common/assert.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#define HASH_BYTES       32
#define SIGNATURE_BYTES  64
#define PUBLIC_KEY_BYTES 32
#define SECRET_KEY_BYTES 64

typedef struct {
    uint8_t bytes[HASH_BYTES];
} hash_t;

struct hash_stream {
    crypto_hash_sha256_state state;
};

/* Starts the library. False when the machine gives no randomness. */
MUST_CHECK bool hash_start(void);

hash_t hash_of(const void *bytes, size_t byte_count);

/* Hashes of two texts of the same length: little more than one of them takes, where the processor has
 * instructions. */
void hash_of_two(const uint8_t *const texts[2], size_t byte_count, hash_t hashes[2]);

/* Hashes of two texts of any lengths, likewise as long as both last. Each has room for HASH_PAD_BYTES after it, which
 * are overwritten. */
#define HASH_PAD_BYTES 72
void hash_of_pair(uint8_t *const texts[2], const size_t byte_counts[2], hash_t hashes[2]);

/* Hash of a domain string and the bytes after it. */
hash_t hash_tagged(const char *domain, const void *bytes, size_t byte_count);

void hash_stream_begin(struct hash_stream *stream);
void hash_stream_add(struct hash_stream *stream, const void *bytes, size_t byte_count);
hash_t hash_stream_end(struct hash_stream *stream);

/* Bytes into either of two streams: while both last little more than into one, as in hash_of_two. */
void hash_streams_add(struct hash_stream *const streams[2], const uint8_t *const texts[2],
                      const size_t byte_counts[2]);

bool hash_equal(hash_t left, hash_t right);

/* KDF(secret, domain, bytes): BLAKE2b keyed with `secret`. For HMAC secrets and leaf salts. */
hash_t hash_derive(const uint8_t secret[HASH_BYTES], const char *domain, const void *bytes,
                   size_t byte_count);

void hash_sign(const uint8_t secret_key[SECRET_KEY_BYTES], const void *bytes, size_t byte_count,
               uint8_t signature[SIGNATURE_BYTES]);

MUST_CHECK bool hash_verify(const uint8_t public_key[PUBLIC_KEY_BYTES], const void *bytes,
                            size_t byte_count, const uint8_t signature[SIGNATURE_BYTES]);

/* Lower-case hex of `byte_count` bytes and a terminator. */
void hash_hex(const uint8_t *bytes, size_t byte_count, char *text);

/* Reads exactly 2 x byte_count hex digits, either case. */
MUST_CHECK bool hash_from_hex(const char *text, size_t text_bytes, uint8_t *bytes,
                              size_t byte_count);

#endif /* COMMON_HASH_H */
