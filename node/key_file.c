#include "node/key_file.h"

#include "common/log.h"
#include "node/file_os.h"

#include <stdlib.h>
#include <string.h>

enum status key_file_write(const char *path, const uint8_t *bytes, size_t byte_count)
{
    char text[2 * KEY_FILE_BYTES_MAX + 2];
    ASSERT(byte_count <= KEY_FILE_BYTES_MAX);
    hash_hex(bytes, byte_count, text);
    text[2 * byte_count] = '\n';
    const enum status status = file_create(path, text, 2 * byte_count + 1, 0600);
    sodium_memzero(text, sizeof(text));
    return status;
}

enum status key_file_read(const char *path, uint8_t *bytes, size_t byte_count)
{
    char *text;
    size_t length;
    enum status status = file_read_secret(path, &text, &length);
    if (status == STATUS_NOT_FOUND) log_error("node", "no such key", "path=\"%s\"", path);
    if (status != STATUS_OK) return status;

    if (length > 0 && text[length - 1] == '\n') length--;
    if (!hash_from_hex(text, length, bytes, byte_count)) {
        log_error("node", "key refused", "path=\"%s\" reason=\"not %zu hex digits\"", path,
                  2 * byte_count);
        status = STATUS_MALFORMED;
    }
    sodium_memzero(text, length);
    free(text);
    return status;
}

enum status key_file_read_ed25519(const char *path, uint8_t secret_key[SECRET_KEY_BYTES])
{
    const enum status status = key_file_read(path, secret_key, SECRET_KEY_BYTES);
    if (status != STATUS_OK) return status;

    uint8_t seed[crypto_sign_SEEDBYTES], again[SECRET_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
    memcpy(seed, secret_key, sizeof(seed));
    crypto_sign_seed_keypair(public_key, again, seed);
    const bool whole = sodium_memcmp(again, secret_key, sizeof(again)) == 0;
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(again, sizeof(again));
    if (whole) return STATUS_OK;
    log_error("node", "key refused", "path=\"%s\" reason=\"its two halves do not match\"", path);
    return STATUS_MALFORMED;
}
