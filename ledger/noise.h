/* The handshake of two nodes: Noise_IK_25519_ChaChaPoly_SHA256, as the Noise Protocol Framework
 * (revision 34, sections 5 and 7.5) defines it, to the byte.
 *
 *     <- s                      the caller knows the called node's static key
 *     -> e, es, s, ss           first message: proves who calls
 *     <- e, ee, se              second message: proves who is called; both have fresh keys
 *
 * Pure: bytes in, bytes out, ephemeral keys handed in. Nothing of a message is used before its tag is
 * checked. What the nodes say inside it, and what follows it, is link.h's.
 *
 * Owner    one thread
 * Memory   the caller's; noise_wipe before it is let go
 * Cost     five X25519 a side, 30 us each; reading a stranger's first message takes one
 */

#ifndef LEDGER_NOISE_H
#define LEDGER_NOISE_H

#include "common/hash.h"

#define NOISE_KEY_BYTES 32
#define NOISE_TAG_BYTES 16

/* Bytes of the messages, without their payloads. */
#define NOISE_FIRST_BYTES  (NOISE_KEY_BYTES + NOISE_KEY_BYTES + NOISE_TAG_BYTES + NOISE_TAG_BYTES)
#define NOISE_SECOND_BYTES (NOISE_KEY_BYTES + NOISE_TAG_BYTES)

/* A pair of X25519 keys. */
struct noise_pair {
    uint8_t secret[NOISE_KEY_BYTES];
    uint8_t public_key[NOISE_KEY_BYTES];
};

struct noise {
    uint8_t chaining_key[HASH_BYTES];
    hash_t transcript; /* of everything both sides said and knew */
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t nonce;
    struct noise_pair own;
    struct noise_pair ephemeral;
    uint8_t remote[NOISE_KEY_BYTES];
    uint8_t remote_ephemeral[NOISE_KEY_BYTES];
};

void noise_pair_of(const uint8_t secret[NOISE_KEY_BYTES], struct noise_pair *pair);

/* `ephemeral` is fresh randomness, never used again. The prologue is what both must agree on. */
void noise_begin_caller(struct noise *noise, const struct noise_pair *own,
                        const uint8_t remote[NOISE_KEY_BYTES],
                        const uint8_t ephemeral[NOISE_KEY_BYTES], const void *prologue,
                        size_t prologue_bytes);
void noise_begin_called(struct noise *noise, const struct noise_pair *own,
                        const uint8_t ephemeral[NOISE_KEY_BYTES], const void *prologue,
                        size_t prologue_bytes);

/* The caller's first message: NOISE_FIRST_BYTES + payload_bytes. False: the remote key is no key. */
MUST_CHECK bool noise_write_first(struct noise *noise, const void *payload, size_t payload_bytes,
                                  uint8_t *message);

/* Who wrote the first message says it is noise->remote: not proved before the payload is read, so that
 * whoever is unknown costs no more than this. */
MUST_CHECK bool noise_read_caller(struct noise *noise, const uint8_t *message);

/* The rest of the first message. True: noise->remote wrote it, for us; perhaps long ago. */
MUST_CHECK bool noise_read_first(struct noise *noise, const uint8_t *message, void *payload,
                                 size_t payload_bytes);

MUST_CHECK bool noise_write_second(struct noise *noise, const void *payload, size_t payload_bytes,
                                   uint8_t *message);

/* True: noise->remote wrote it, as the answer to our first message. */
MUST_CHECK bool noise_read_second(struct noise *noise, const uint8_t *message, void *payload,
                                  size_t payload_bytes);

/* HKDF of the chaining key and `bytes`, two keys: with no bytes, Noise's Split. The first is for what the
 * caller sends. Needs: both messages are through. */
void noise_split(const struct noise *noise, const void *bytes, size_t byte_count,
                 uint8_t caller_key[NOISE_KEY_BYTES], uint8_t called_key[NOISE_KEY_BYTES]);

void noise_wipe(struct noise *noise);

#endif /* LEDGER_NOISE_H */
