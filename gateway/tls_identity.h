/* Who a node is to its clients: a certificate, those up to its authority, and the key, ready for TLS connections.
 *
 * TLS 1.3 alone is spoken, HTTP/1.1 alone is offered, nothing is taken before a handshake is done (no early data), and
 * nobody is asked for a certificate of his own. An identity does not change: a new certificate is a new identity, and
 * connections that began with the old one keep it.
 *
 * Owner    whoever has it, one thread at a time, but several may show it to their clients; connections that began with it
 *          hold what they need of it
 * Memory   OpenSSL's, until tls_identity_free
 * Cost     tls_identity_new: a millisecond or so; not on a loop that serves clients
 */

#ifndef GATEWAY_TLS_IDENTITY_H
#define GATEWAY_TLS_IDENTITY_H

#include "common/assert.h"

#include <stdint.h>

#define TLS_REASON_MAX 160

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct ssl_st;     /* and SSL */
struct tls_identity;

/* From texts in PEM: the certificate and those up to its authority, one after the other; the key, without a password.
 * NULL, and `reason` says why: malformed, a key of another certificate, a key that is too weak. */
MUST_CHECK struct tls_identity *tls_identity_new(const char *chain, size_t chain_bytes,
                                                 const char *key, size_t key_bytes,
                                                 char reason[TLS_REASON_MAX]);

/* Another of the same, whose connections' sessions go on here and there alike; NULL when there is no memory. */
MUST_CHECK struct tls_identity *tls_identity_share(const struct tls_identity *identity);

/* NULL is nobody. */
void tls_identity_free(struct tls_identity *identity);

/* When the certificate begins and ends to be good, seconds since 1970. */
int64_t tls_identity_begins_s(const struct tls_identity *identity);
int64_t tls_identity_expires_s(const struct tls_identity *identity);

/* For connections; good as long as the identity, or a reference to it. */
struct ssl_ctx_st *tls_identity_context(const struct tls_identity *identity);

/* In tls_h2o.c: what OpenSSL calls at a client's first word. Set when an identity is made, since loops may share one. */
int tls_door_hello(struct ssl_st *ssl, int *alert, void *context);

#endif /* GATEWAY_TLS_IDENTITY_H */
