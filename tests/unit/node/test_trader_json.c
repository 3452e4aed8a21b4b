#include "node/trader.h"

#include "node/file_os.h"
#include "tests/harness.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t gateway_secret[HASH_BYTES] = {7, 7, 7};
static char folder[32];
static char path[FILE_PATH_MAX];
static struct trader traders[2], found[2];

static void start(void)
{
    assert_true(hash_start());
    memcpy(folder, "/tmp/quorex-trader-XXXXXX", 26);
    assert_non_null(mkdtemp(folder));
    assert_true(file_path(path, folder, "accounts.json"));
    trader_make(&traders[0], "ann", gateway_secret);
    trader_make(&traders[1], "bob", gateway_secret);
    traders[0].account = 1;
    traders[1].account = 2;
}

static void finish(void)
{
    unlink(path);
    rmdir(folder);
}

TEST(trader, list_reads_back_for_its_owner_alone)
{
    size_t count = 0;
    struct stat facts;
    start();
    assert_int_equal(trader_write_all(path, traders, 2), STATUS_OK);
    assert_int_equal(trader_write_all(path, traders, 1), STATUS_EXISTS);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(trader_read_all(path, found, 2, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(found, traders, sizeof(found));
    assert_int_equal(trader_read_all(path, found, 1, &count), STATUS_MALFORMED);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(trader_read_all(path, found, 2, &count), STATUS_MALFORMED);
    finish();
}

/* The secret is never stored: any gateway with the secret file derives the same one. */
TEST(trader, hmac_secret_is_derived_from_the_key_id)
{
    char text[2 * HASH_BYTES + 1];
    start();
    const hash_t secret = hash_derive(gateway_secret, "quorex/hmac/1", traders[0].key_id, 32);
    hash_hex(secret.bytes, HASH_BYTES, text);
    assert_string_equal(traders[0].secret_key, text);
    finish();
}

/* Any client's library must read the PEM: here OpenSSL signs with one and checks with the other. */
TEST(trader, pem_is_what_openssl_reads)
{
    char private_pem[TRADER_PEM_MAX], public_pem[TRADER_PEM_MAX];
    uint8_t signature[SIGNATURE_BYTES];
    size_t signature_bytes = sizeof(signature);
    start();
    trader_private_pem(&traders[0], private_pem);
    trader_public_pem(&traders[0], public_pem);

    BIO *bio = BIO_new_mem_buf(private_pem, -1);
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    bio = BIO_new_mem_buf(public_pem, -1);
    EVP_PKEY *public_key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(private_key);
    assert_non_null(public_key);
    assert_int_equal(EVP_PKEY_id(private_key), EVP_PKEY_ED25519);
    assert_int_equal(EVP_PKEY_eq(private_key, public_key), 1);

    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, private_key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &signature_bytes, (const uint8_t *)"text", 4), 1);
    assert_true(hash_verify(traders[0].public_key, "text", 4, signature));
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(private_key);
    EVP_PKEY_free(public_key);
    finish();
}
