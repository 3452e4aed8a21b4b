#include "gateway/tls_identity.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHAIN_MAX 16 /* certificates up to the authority */

struct tls_identity {
    SSL_CTX *context;
    int64_t begins_s, expires_s;
};

static bool fail(char reason[TLS_REASON_MAX], const char *what)
{
    const unsigned long error = ERR_peek_last_error();
    const char *why = error == 0 ? NULL : ERR_reason_error_string(error);
    (void)snprintf(reason, TLS_REASON_MAX, "%s%s%s", what, why != NULL ? ": " : "",
                   why != NULL ? why : "");
    ERR_clear_error();
    return false;
}

/* Nobody is there to be asked for one. */
static int no_password(char *text, int capacity, int writes, void *context)
{
    (void)text;
    (void)capacity;
    (void)writes;
    (void)context;
    return -1;
}

static BIO *text_bio(const char *text, size_t text_bytes)
{
    return text_bytes > INT_MAX ? NULL : BIO_new_mem_buf(text, (int)text_bytes);
}

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
    *seconds = (int64_t)timegm(&parts);
    return true;
}

static bool take_leaf(struct tls_identity *identity, BIO *texts, char reason[TLS_REASON_MAX])
{
    X509 *leaf = PEM_read_bio_X509(texts, NULL, no_password, NULL);
    if (leaf == NULL) return fail(reason, "the certificate cannot be read");
    bool is_taken = SSL_CTX_use_certificate(identity->context, leaf) == 1;
    if (!is_taken)
        fail(reason, "the certificate is refused");
    else if (!seconds_of(X509_get0_notBefore(leaf), &identity->begins_s) ||
             !seconds_of(X509_get0_notAfter(leaf), &identity->expires_s))
        is_taken = fail(reason, "the certificate's times cannot be read");
    X509_free(leaf);
    return is_taken;
}

/* Whether the text came to its end, and not to something malformed. */
static bool is_at_end(void)
{
    const unsigned long error = ERR_peek_last_error();
    const bool ended =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (ended) ERR_clear_error();
    return ended;
}

static bool take_chain(struct tls_identity *identity, const char *chain, size_t chain_bytes,
                       char reason[TLS_REASON_MAX])
{
    X509 *issuer;
    BIO *texts = text_bio(chain, chain_bytes);
    if (texts == NULL) return fail(reason, "the certificate cannot be read");
    bool is_taken = take_leaf(identity, texts, reason);
    for (int count = 1; is_taken; count++) {
        issuer = PEM_read_bio_X509(texts, NULL, no_password, NULL);
        if (issuer == NULL) break;
        /* Taken over when it succeeds. */
        if (count == CHAIN_MAX || SSL_CTX_add0_chain_cert(identity->context, issuer) != 1) {
            X509_free(issuer);
            is_taken = fail(reason, "a certificate of the chain is refused");
        }
    }
    if (is_taken && !is_at_end())
        is_taken = fail(reason, "a certificate of the chain cannot be read");
    BIO_free(texts);
    return is_taken;
}

static bool take_key(struct tls_identity *identity, const char *key, size_t key_bytes,
                     char reason[TLS_REASON_MAX])
{
    BIO *text = text_bio(key, key_bytes);
    EVP_PKEY *parsed = text == NULL ? NULL : PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
    BIO_free(text);
    if (parsed == NULL) return fail(reason, "the key cannot be read");
    const bool is_taken = SSL_CTX_use_PrivateKey(identity->context, parsed) == 1 &&
                          SSL_CTX_check_private_key(identity->context) == 1;
    EVP_PKEY_free(parsed);
    return is_taken || fail(reason, "the key is not the certificate's");
}

/* HTTP/1.1, or nothing: the handshake of who speaks only another protocol fails. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_bytes,
                           const unsigned char *offered, unsigned offered_bytes, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&found, chosen_bytes, ours, sizeof(ours) - 1, offered,
                              offered_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* An idle connection gives its buffers back; tickets keep sessions with their clients, not here. */
static bool set_up(SSL_CTX *context)
{
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(context, tls_door_hello, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1;
}

struct tls_identity *tls_identity_new(const char *chain, size_t chain_bytes, const char *key,
                                      size_t key_bytes, char reason[TLS_REASON_MAX])
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));
    ERR_clear_error();
    if (identity == NULL) {
        fail(reason, "no memory");
        return NULL;
    }
    identity->context = SSL_CTX_new(TLS_server_method());
    bool is_whole = identity->context != NULL && set_up(identity->context);
    if (!is_whole) fail(reason, "OpenSSL does not speak TLS 1.3");
    is_whole = is_whole && take_chain(identity, chain, chain_bytes, reason) &&
               take_key(identity, key, key_bytes, reason);
    if (is_whole) return identity;
    tls_identity_free(identity);
    return NULL;
}

struct tls_identity *tls_identity_share(const struct tls_identity *identity)
{
    struct tls_identity *other = malloc(sizeof(*other));
    if (other == NULL) return NULL;
    *other = *identity;
    SSL_CTX_up_ref(other->context);
    return other;
}

void tls_identity_free(struct tls_identity *identity)
{
    if (identity == NULL) return;
    SSL_CTX_free(identity->context);
    free(identity);
}

int64_t tls_identity_begins_s(const struct tls_identity *identity)
{
    return identity->begins_s;
}

int64_t tls_identity_expires_s(const struct tls_identity *identity)
{
    return identity->expires_s;
}

struct ssl_ctx_st *tls_identity_context(const struct tls_identity *identity)
{
    return identity->context;
}
