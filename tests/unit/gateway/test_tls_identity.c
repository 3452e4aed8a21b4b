#include "tests/unit/gateway/tls_fixture.h"

static char reason[TLS_REASON_MAX];

/* "" when it is taken, otherwise why not. */
static const char *refusal(const char *chain, const char *key)
{
    reason[0] = '\0';
    struct tls_identity *identity =
        tls_identity_new(chain, strlen(chain), key, strlen(key), reason);
    assert_true((identity == NULL) == (reason[0] != '\0'));
    tls_identity_free(identity);
    assert_int_equal(ERR_peek_error(), 0); /* whoever uses OpenSSL next sees none of ours */
    return reason;
}

TEST(tls_identity, certificate_and_key_are_taken)
{
    struct tls_texts texts = tls_make("a");
    struct tls_identity *identity =
        tls_identity_new(texts.chain, strlen(texts.chain), texts.key, strlen(texts.key), reason);
    assert_non_null(identity);
    const int64_t now_s = (int64_t)time(NULL);
    assert_in_range(tls_identity_begins_s(identity), now_s - TLS_DAY_S - 60, now_s - TLS_DAY_S);
    assert_in_range(tls_identity_expires_s(identity), now_s + TLS_DAY_S - 60, now_s + TLS_DAY_S);
    assert_int_equal(SSL_CTX_get_min_proto_version(tls_identity_context(identity)), TLS1_3_VERSION);
    tls_identity_free(identity);
    tls_texts_free(&texts);
}

/* As it happens while somebody renews them: the one is new already, the other old. */
TEST(tls_identity, key_of_another_certificate_is_refused)
{
    struct tls_texts one = tls_make("a"), other = tls_make("a");
    assert_non_null(strstr(refusal(one.chain, other.key), "the key is not the certificate's"));
    assert_string_equal(refusal(other.chain, other.key), "");
    tls_texts_free(&one);
    tls_texts_free(&other);
}

TEST(tls_identity, what_is_no_pem_is_refused)
{
    struct tls_texts texts = tls_make("a");
    char cut[8192];
    assert_non_null(strstr(refusal("", texts.key), "the certificate cannot be read"));
    assert_non_null(strstr(refusal("nothing\n", texts.key), "the certificate cannot be read"));
    assert_non_null(strstr(refusal(texts.chain, ""), "the key cannot be read"));
    assert_non_null(strstr(refusal(texts.chain, texts.chain), "the key cannot be read"));
    /* A file that is being written. */
    snprintf(cut, sizeof(cut), "%.*s", (int)strlen(texts.chain) / 2, texts.chain);
    assert_non_null(strstr(refusal(cut, texts.key), "the certificate cannot be read"));
    tls_texts_free(&texts);
}

/* Those up to the authority are sent along; a damaged one is not left out silently. */
TEST(tls_identity, chain_is_whole)
{
    struct tls_texts texts = tls_make("a"), issuer = tls_make("authority");
    STACK_OF(X509) *sent = NULL;
    char chain[8192];
    snprintf(chain, sizeof(chain), "%s%s", texts.chain, issuer.chain);
    struct tls_identity *identity =
        tls_identity_new(chain, strlen(chain), texts.key, strlen(texts.key), reason);
    assert_non_null(identity);
    SSL_CTX_get0_chain_certs(tls_identity_context(identity), &sent);
    assert_int_equal(sk_X509_num(sent), 1);
    tls_identity_free(identity);

    snprintf(chain, sizeof(chain), "%s%.*s", texts.chain, (int)strlen(issuer.chain) / 2,
             issuer.chain);
    assert_non_null(strstr(refusal(chain, texts.key), "a certificate of the chain cannot be read"));
    tls_texts_free(&issuer);
    tls_texts_free(&texts);
}

/* A password is asked of nobody: a node has no terminal. */
TEST(tls_identity, key_with_a_password_is_refused)
{
    struct tls_texts texts = tls_make("a");
    BIO *plain = BIO_new_mem_buf(texts.key, -1), *secret = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(plain, NULL, NULL, NULL);
    assert_int_equal(PEM_write_bio_PrivateKey(secret, key, EVP_aes_128_cbc(),
                                              (const unsigned char *)"word", 4, NULL, NULL),
                     1);
    char *locked = tls_text_of(secret);
    assert_non_null(strstr(refusal(texts.chain, locked), "the key cannot be read"));
    free(locked);
    EVP_PKEY_free(key);
    BIO_free(plain);
    tls_texts_free(&texts);
}

/* Loops share one: it is good until the last of them lets it go, and its sessions are the same everywhere. */
TEST(tls_identity, shared_one_outlives_the_other)
{
    struct tls_texts texts = tls_make("a");
    struct tls_identity *identity =
        tls_identity_new(texts.chain, strlen(texts.chain), texts.key, strlen(texts.key), reason);
    assert_non_null(identity);
    const int64_t expires_s = tls_identity_expires_s(identity);
    struct tls_identity *other = tls_identity_share(identity);
    assert_non_null(other);
    assert_ptr_equal(tls_identity_context(other), tls_identity_context(identity));
    tls_identity_free(identity);
    assert_int_equal(tls_identity_expires_s(other), expires_s);
    assert_int_equal(SSL_CTX_check_private_key(tls_identity_context(other)), 1);
    tls_identity_free(other);
    tls_texts_free(&texts);
}
