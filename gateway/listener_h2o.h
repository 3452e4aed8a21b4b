/* The port, and the connections that come through it, up to a bound, until libh2o has them: at once, or after a TLS
 * handshake (tls_h2o.h).
 *
 * Owner    the server's loop
 * Memory   malloc for connections, freed as they close
 * Limits   connections_max at once, HTTP and WebSocket together, and limits.address_connections_max of one address, over
 *          all loops of the node (hall.h); one more is refused (503, 429; without a word when it would speak TLS) and closed. Both may change at any
 *          time: connections that are there stay. An address that is banned gets no TLS handshake: it is closed without a
 *          word; without TLS its request is told (418)
 */

#ifndef GATEWAY_LISTENER_H2O_H
#define GATEWAY_LISTENER_H2O_H

#include "gateway/desk.h"
#include "gateway/gateway.h"
#include "gateway/tls_h2o.h"

#include <h2o.h>

struct listener {
    const struct gateway_options *options;
    uv_loop_t *loop;
    h2o_accept_ctx_t *accept; /* where connections go */
    struct desk *desk;        /* knows who is banned, and the hall who is there */
    uv_tcp_t *handle;
    int descriptor; /* bound, not listening yet; -1 otherwise */
    uint32_t connection_count;
    struct tls_door door;
};

void listener_init(struct listener *listener, const struct gateway_options *options,
                   uv_loop_t *loop, h2o_accept_ctx_t *accept, struct desk *desk);

/* Takes the address, without answering anybody yet. Only the first loop of a node does: as long as none of its sockets
 * may share the port, a port that another process has is refused. */
MUST_CHECK enum status listener_bind(struct listener *listener);

/* Connections from now on are shown this identity, which may go afterwards. Needs: options.identity, or no connection
 * yet. */
void listener_show(struct listener *listener, const struct tls_identity *identity);

/* Opens the port. The first loop's socket lets others join from then on (SO_REUSEPORT), and the system deals connections
 * out among them. Needs, of another loop: hall_port_is_open. */
MUST_CHECK enum status listener_open(struct listener *listener);

/* Ends handshakes that take longer than that. Some times a second. */
void listener_sweep(struct listener *listener, uint64_t handshake_ms);

/* Takes no more connections. Those that are there stay, but for handshakes. */
void listener_close(struct listener *listener);

/* Needs: closed, and no connection left. */
void listener_free(struct listener *listener);

#endif /* GATEWAY_LISTENER_H2O_H */
