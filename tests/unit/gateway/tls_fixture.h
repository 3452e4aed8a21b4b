/* Certificates made on the spot, and a TLS client for the loop of loop_fixture.h.
 */

#ifndef TESTS_UNIT_GATEWAY_TLS_FIXTURE_H
#define TESTS_UNIT_GATEWAY_TLS_FIXTURE_H

#include "gateway/tls_identity.h"
#include "tests/unit/gateway/loop_fixture.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define TLS_DAY_S 86400

/* PEM texts, to be freed. */
struct tls_texts {
    char *chain, *key;
};

static inline char *tls_text_of(BIO *bio)
{
    char *bytes;
    const long byte_count = BIO_get_mem_data(bio, &bytes);
    char *text = malloc((size_t)byte_count + 1);
    memcpy(text, bytes, (size_t)byte_count);
    text[byte_count] = '\0';
    BIO_free(bio);
    return text;
}

static inline X509 *tls_sign(EVP_PKEY *key, const char *name, long begins_s, long expires_s)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), expires_s);
    X509_set_version(certificate, 2);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* A certificate of `name`, good from now + begins_s to now + expires_s, and its key. */
static inline struct tls_texts tls_make_for(const char *name, long begins_s, long expires_s)
{
    struct tls_texts texts;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = tls_sign(key, name, begins_s, expires_s);
    BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(chain, certificate), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL), 1);
    texts.chain = tls_text_of(chain);
    texts.key = tls_text_of(secret);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return texts;
}

static inline struct tls_texts tls_make(const char *name)
{
    return tls_make_for(name, -TLS_DAY_S, TLS_DAY_S);
}

static inline void tls_texts_free(struct tls_texts *texts)
{
    free(texts->chain);
    free(texts->key);
}

static inline struct tls_identity *tls_identity_of(const char *name)
{
    char reason[TLS_REASON_MAX] = "";
    struct tls_texts texts = tls_make(name);
    struct tls_identity *identity =
        tls_identity_new(texts.chain, strlen(texts.chain), texts.key, strlen(texts.key), reason);
    tls_texts_free(&texts);
    assert_string_equal(reason, "");
    assert_non_null(identity);
    return identity;
}

/* ---- a client ---- */

struct tls_client {
    int descriptor;
    SSL_CTX *context;
    SSL *ssl;
};

static inline struct tls_client tls_client_over(int descriptor)
{
    struct tls_client client = {.descriptor = descriptor};
    client.context = SSL_CTX_new(TLS_client_method());
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, descriptor);
    return client;
}

static inline void tls_client_close(struct tls_client *client)
{
    (void)SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->descriptor);
    ERR_clear_error();
}

static inline struct tls_client tls_connect(void)
{
    struct tls_client client = tls_client_over(loop_connect_when_open());
    assert_int_equal(SSL_connect(client.ssl), 1);
    return client;
}

static inline void tls_say(struct tls_client *client, const char *text)
{
    assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

/* As loop_receive. */
static inline const char *tls_hear(struct tls_client *client)
{
    size_t used = 0;
    for (;;) {
        const int got =
            SSL_read(client->ssl, loop_text + used, (int)(sizeof(loop_text) - 1 - used));
        if (got <= 0) break;
        used += (size_t)got;
        loop_text[used] = 0;
        if (loop_is_whole(loop_text, used)) break;
    }
    loop_text[used] = 0;
    return loop_text;
}

static inline const char *tls_ask(struct tls_client *client, const char *text)
{
    tls_say(client, text);
    return tls_hear(client);
}

/* Whose certificate the client was shown. */
static inline const char *tls_shown(const struct tls_client *client)
{
    static char name[64];
    X509 *shown = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(shown);
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof(name));
    X509_free(shown);
    return name;
}

#endif /* TESTS_UNIT_GATEWAY_TLS_FIXTURE_H */
