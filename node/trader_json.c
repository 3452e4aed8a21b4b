#include "node/trader.h"

#include "common/log.h"
#include "node/file_os.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8410: what stands before the 32 key bytes, always the same for Ed25519. */
static const uint8_t private_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                         0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

void trader_make(struct trader *trader, const char *name, const uint8_t gateway_secret[HASH_BYTES])
{
    *trader = (struct trader){0};
    snprintf(trader->name, sizeof(trader->name), "%s", name);
    randombytes_buf(trader->seed, sizeof(trader->seed));
    randombytes_buf(trader->key_id, sizeof(trader->key_id));

    uint8_t pair[SECRET_KEY_BYTES];
    crypto_sign_seed_keypair(trader->public_key, pair, trader->seed);
    sodium_memzero(pair, sizeof(pair));
    const hash_t secret =
        hash_derive(gateway_secret, "quorex/hmac/1", trader->key_id, sizeof(trader->key_id));
    hash_hex(secret.bytes, sizeof(secret.bytes), trader->secret_key);
}

/* 48 bytes or fewer: their base64 is one line of PEM. */
static void put_pem(char pem[TRADER_PEM_MAX], const char *label, const uint8_t *prefix,
                    size_t prefix_bytes, const uint8_t key[32])
{
    uint8_t der[48];
    char base64[65];
    ASSERT(prefix_bytes + 32 <= sizeof(der));
    memcpy(der, prefix, prefix_bytes);
    memcpy(der + prefix_bytes, key, 32);
    sodium_bin2base64(base64, sizeof(base64), der, prefix_bytes + 32,
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(pem, TRADER_PEM_MAX, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, base64,
             label);
    sodium_memzero(der, sizeof(der));
}

void trader_private_pem(const struct trader *trader, char pem[TRADER_PEM_MAX])
{
    put_pem(pem, "PRIVATE KEY", private_prefix, sizeof(private_prefix), trader->seed);
}

void trader_public_pem(const struct trader *trader, char pem[TRADER_PEM_MAX])
{
    put_pem(pem, "PUBLIC KEY", public_prefix, sizeof(public_prefix), trader->public_key);
}

static json_t *trader_json(const struct trader *trader)
{
    char api_key[2 * HASH_BYTES + 1], public_pem[TRADER_PEM_MAX], private_pem[TRADER_PEM_MAX];
    hash_hex(trader->key_id, sizeof(trader->key_id), api_key);
    trader_public_pem(trader, public_pem);
    trader_private_pem(trader, private_pem);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "name", trader->name, "account",
                     (json_int_t)trader->account, "apiKey", api_key, "secretKey",
                     trader->secret_key, "publicKey", public_pem, "privateKey", private_pem);
}

enum status trader_write_all(const char *path, const struct trader *traders, size_t trader_count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trader_count; i++)
        json_array_append_new(list, trader_json(&traders[i]));
    char *text = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    if (text == NULL) return STATUS_NO_MEMORY;

    const enum status status = file_create(path, text, strlen(text), 0600);
    free(text);
    return status;
}

/* The seed in a PEM that put_pem made. */
static bool read_private_pem(const char *pem, uint8_t seed[32])
{
    static const char head[] = "-----BEGIN PRIVATE KEY-----\n";
    uint8_t der[48];
    size_t length;
    if (strncmp(pem, head, strlen(head)) != 0) return false;
    const char *base64 = pem + strlen(head);
    if (sodium_base642bin(der, sizeof(der), base64, strcspn(base64, "\n"), NULL, &length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    if (length != sizeof(der) || memcmp(der, private_prefix, sizeof(private_prefix)) != 0)
        return false;
    memcpy(seed, der + sizeof(private_prefix), 32);
    return true;
}

static bool read_trader(json_t *item, struct trader *trader)
{
    const char *name, *api_key, *secret_key, *public_key, *private_key;
    json_int_t account;
    uint8_t pair[SECRET_KEY_BYTES];
    if (json_unpack(item, "{s:s, s:I, s:s, s:s, s:s, s:s}", "name", &name, "account", &account,
                    "apiKey", &api_key, "secretKey", &secret_key, "publicKey", &public_key,
                    "privateKey", &private_key) != 0)
        return false;
    if (strlen(name) > TRADER_NAME_MAX || strlen(secret_key) >= sizeof(trader->secret_key) ||
        account < 1 || account > UINT32_MAX ||
        !hash_from_hex(api_key, strlen(api_key), trader->key_id, sizeof(trader->key_id)) ||
        !read_private_pem(private_key, trader->seed))
        return false;
    memcpy(trader->name, name, strlen(name) + 1);
    memcpy(trader->secret_key, secret_key, strlen(secret_key) + 1);
    trader->account = (uint32_t)account;
    crypto_sign_seed_keypair(trader->public_key, pair, trader->seed);
    sodium_memzero(pair, sizeof(pair));
    return true;
}

enum status trader_read_all(const char *path, struct trader *traders, size_t trader_max,
                            size_t *trader_count)
{
    char *text;
    size_t length;
    enum status status = file_read_secret(path, &text, &length);
    if (status == STATUS_NOT_FOUND) log_error("node", "no accounts file", "path=\"%s\"", path);
    if (status != STATUS_OK) return status;

    json_t *list = json_loadb(text, length, 0, NULL);
    sodium_memzero(text, length);
    free(text);
    *trader_count = json_array_size(list);
    if (!json_is_array(list) || *trader_count > trader_max) status = STATUS_MALFORMED;
    for (size_t i = 0; status == STATUS_OK && i < *trader_count; i++) {
        traders[i] = (struct trader){0};
        if (!read_trader(json_array_get(list, i), &traders[i])) status = STATUS_MALFORMED;
    }
    if (status != STATUS_OK) log_error("node", "accounts file refused", "path=\"%s\"", path);
    json_decref(list);
    return status;
}
