/* Keys and secrets as files: lower-case hex and a newline, for their owner's eyes only. A second line tells a file
 * that has rotted from one that is right: "check " and 16 hex digits of a hash of the key. One that was written by
 * hand may lack it.
 *
 *     keys/node.key           Ed25519 secret key (64 bytes: seed and public key)
 *     keys/gateway-secret-V   32 bytes; HMAC secrets are derived from version V
 *     keys/tree-secret-V      32 bytes; leaf salts are derived from version V
 *     operator.key            Ed25519 secret key, not on any node
 */

#ifndef NODE_KEY_FILE_H
#define NODE_KEY_FILE_H

#include "common/hash.h"
#include "common/status.h"

#define KEY_FILE_BYTES_MAX 64

/* Writes a new file of mode 0600. STATUS_EXISTS when there is one; it is left as it is.
 * Needs: byte_count <= KEY_FILE_BYTES_MAX. */
MUST_CHECK enum status key_file_write(const char *path, const uint8_t *bytes, size_t byte_count);

/* Reads exactly `byte_count` bytes. Refuses, in the log, a file that is missing, malformed, not what its
 * check says, or open to its group or others. */
MUST_CHECK enum status key_file_read(const char *path, uint8_t *bytes, size_t byte_count);

/* As key_file_read for an Ed25519 secret key; also refuses one whose halves do not belong together. */
MUST_CHECK enum status key_file_read_ed25519(const char *path,
                                             uint8_t secret_key[SECRET_KEY_BYTES]);

/* The public half of an Ed25519 secret key. */
static inline const uint8_t *key_file_public(const uint8_t secret_key[SECRET_KEY_BYTES])
{
    return secret_key + SECRET_KEY_BYTES - PUBLIC_KEY_BYTES;
}

#endif /* NODE_KEY_FILE_H */
