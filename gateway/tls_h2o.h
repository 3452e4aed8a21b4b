/* TLS between a port and libh2o: handshakes of accepted connections, bounded in time and counted.
 *
 *     accepted ─► tls_door_take ─► handshake ─┬─► opened: HTTP
 *                                             └─► failed, or late: closed
 *
 * libh2o's own way (h2o_accept) neither counts handshakes nor holds on to a certificate that is replaced between a
 * connection's beginning and its first byte. Its sockets have three faults that are mended here: see tls_h2o.c.
 *
 * Owner    one gateway loop
 * Memory   embedded by the caller; OpenSSL's for each connection
 * Limits   a handshake has patience_ms from the connection's beginning (tls_door_sweep). One that fails ends with the alert
 *          that says why
 */

#ifndef GATEWAY_TLS_H2O_H
#define GATEWAY_TLS_H2O_H

#include "common/metrics.h"
#include "gateway/tls_identity.h"

#include <h2o.h>
#include <stdbool.h>

#define TLS_SAID_MAX 32 /* an alert, encrypted or not */

/* A connection, with TLS or without: all zeros but `tcp`. */
struct tls_peer {
    uv_tcp_t tcp;
    struct tls_door *door; /* NULL: without */
    h2o_socket_t *socket;
    SSL_CTX *context;    /* a reference to what it began with */
    h2o_linklist_t link; /* while its handshake is under way */
    uint64_t since_ms;
    SSL *ssl; /* libh2o's for this connection, from the client's first word to the socket's close */
    bool is_shaken;             /* the handshake is done */
    uint8_t said_bytes;         /* of `said`; above TLS_SAID_MAX: more than is kept */
    uint8_t said[TLS_SAID_MAX]; /* what OpenSSL has said in this step of the handshake */
    h2o_socket_cb hears;        /* who is told of bytes that are being decoded */
    uv__io_cb io;               /* libuv's, which ours stands in front of */
    uv_read_cb read;            /* libh2o's, likewise */
};

/* The handshake is done: the socket is whoever's is called. */
typedef void tls_opened(struct tls_peer *peer, h2o_socket_t *socket);

struct tls_door {
    SSL_CTX *context;       /* new connections begin with it; NULL: no TLS here */
    h2o_linklist_t shaking; /* by age */
    tls_opened *opened;
    struct metrics *metrics;
};

void tls_door_init(struct tls_door *door, struct metrics *metrics, tls_opened *opened);

/* Connections from now on begin with this identity, which may go afterwards. */
void tls_door_show(struct tls_door *door, const struct tls_identity *identity);

/* Begins a handshake on a socket made from the peer's `tcp`. Needs: an identity is shown. */
void tls_door_take(struct tls_door *door, struct tls_peer *peer, h2o_socket_t *socket,
                   uint64_t now_ms);

/* The connection is closed. */
void tls_peer_free(struct tls_peer *peer);

/* Closes handshakes that are older. Some times a second. */
void tls_door_sweep(struct tls_door *door, uint64_t now_ms, uint64_t patience_ms);

/* Closes all handshakes that are under way. */
void tls_door_cut(struct tls_door *door);

/* Needs: no handshake under way. */
void tls_door_free(struct tls_door *door);

#endif /* GATEWAY_TLS_H2O_H */
