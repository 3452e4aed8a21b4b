#include "node/key_file.h"

#include "common/log.h"
#include "node/file_os.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_WORD       "check "
#define CHECK_WORD_BYTES (sizeof(CHECK_WORD) - 1)
#define CHECK_DIGITS     16

/* The second line of a key's file, without its end: so little of a hash tells nothing of the key. */
static void check_line(const uint8_t *bytes, size_t byte_count,
                       char line[CHECK_WORD_BYTES + CHECK_DIGITS + 1])
{
    const hash_t hash = hash_tagged("quorex key file\n", bytes, byte_count);
    memcpy(line, CHECK_WORD, CHECK_WORD_BYTES);
    hash_hex(hash.bytes, CHECK_DIGITS / 2, line + CHECK_WORD_BYTES);
}

enum status key_file_write(const char *path, const uint8_t *bytes, size_t byte_count)
{
    char text[2 * KEY_FILE_BYTES_MAX + 1 + CHECK_WORD_BYTES + CHECK_DIGITS + 1];
    ASSERT(byte_count <= KEY_FILE_BYTES_MAX);
    hash_hex(bytes, byte_count, text);
    char *const check = text + 2 * byte_count + 1;
    check[-1] = '\n';
    check_line(bytes, byte_count, check);
    char *const end = check + CHECK_WORD_BYTES + CHECK_DIGITS;
    *end = '\n';
    const enum status status = file_create(path, text, (size_t)(end + 1 - text), 0600);
    sodium_memzero(text, sizeof(text));
    return status;
}

/* What is wrong with a file's text; NULL: nothing, and `bytes` are the key. */
static const char *take_text(const char *text, size_t length, uint8_t *bytes, size_t byte_count)
{
    char check[CHECK_WORD_BYTES + CHECK_DIGITS + 1];
    if (length > 0 && text[length - 1] == '\n') length--;
    const char *const end = length == 0 ? NULL : memchr(text, '\n', length);
    const size_t digits = end == NULL ? length : (size_t)(end - text);
    if (!hash_from_hex(text, digits, bytes, byte_count)) return "not that many hex digits";
    if (end == NULL) return NULL;

    check_line(bytes, byte_count, check);
    const size_t rest = length - digits - 1;
    if (rest == strlen(check) && memcmp(end + 1, check, rest) == 0) return NULL;
    return "it is not what its check says: it has been changed, or has rotted";
}

enum status key_file_read(const char *path, uint8_t *bytes, size_t byte_count)
{
    char *text;
    size_t length;
    enum status status = file_read_secret(path, &text, &length);
    if (status == STATUS_NOT_FOUND) log_error("node", "no such key", "path=\"%s\"", path);
    if (status != STATUS_OK) return status;

    const char *const fault = take_text(text, length, bytes, byte_count);
    if (fault != NULL) {
        log_error("node", "key refused", "path=\"%s\" hex_digits=%zu reason=\"%s\"", path,
                  2 * byte_count, fault);
        sodium_memzero(bytes, byte_count);
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
