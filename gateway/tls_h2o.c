#include "gateway/tls_h2o.h"

#include <string.h>

/* ---- libh2o's faults ----
 *
 * libuv tells a reader "0 bytes" when there was nothing to read after all: each time that a read has filled the whole
 * buffer and no more had come. libh2o takes that for the end of a TLS connection and cuts it, in the middle of a
 * request. And after a read that failed, as a client's reset makes it, libuv takes no more writes; libh2o wants to say
 * farewell, does not hear that it cannot, and waits for ever: the connection keeps its place and its descriptor.
 *
 * And it does not hear of each end of a TLS connection: what came with the handshake's last word and is no TLS is
 * passed over, and a client's fatal alert, or half a message of TLS itself, is "nothing came". OpenSSL writes no more
 * then; libh2o has libuv write nothing, and libuv takes that for a bug and ends the process. So an answer to a
 * connection that cannot be written to is never begun: we look before anybody hears of what came.
 *
 * And what OpenSSL says to a client whose handshake has failed, why, it drops.
 *
 * So ours stands in front of libh2o's function, and of whoever hears from it. libh2o sets its own anew whenever it goes
 * on reading: ours is put back before libuv looks at the connection, and after each call of theirs.
 */

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes);

static void stand_in_front(struct tls_peer *peer)
{
    if (peer->tcp.read_cb == NULL || peer->tcp.read_cb == on_read) return;
    peer->read = peer->tcp.read_cb;
    peer->tcp.read_cb = on_read;
}

static void on_nothing(h2o_socket_t *socket, const char *error)
{
    (void)socket;
    (void)error;
}

/* A socket that is writing is closed without farewell: this one seems to be. */
static void tell_failure(struct tls_peer *peer, ssize_t failure, const uv_buf_t *bytes)
{
    h2o_socket_t *socket = peer->tcp.data;
    if (!h2o_socket_is_writing(socket)) socket->_cb.write = on_nothing;
    peer->read((uv_stream_t *)&peer->tcp, failure, bytes);
    if (!uv_is_closing((uv_handle_t *)&peer->tcp) && socket->_cb.write == on_nothing)
        socket->_cb.write = NULL;
}

/* Whether OpenSSL would refuse to write: after a fatal error, and while it wants to hear the rest of a message. */
static bool is_mute(const struct tls_peer *peer)
{
    return SSL_in_init(peer->ssl) != 0;
}

/* What came has been decoded. */
static void on_decoded(h2o_socket_t *socket, const char *error)
{
    const struct tls_peer *peer = socket->on_close.data;
    socket->_cb.read = peer->hears;
    peer->hears(socket, error == NULL && is_mute(peer) ? h2o_socket_error_io : error);
}

/* Bytes behind a client's farewell are none of the connection's (RFC 8446, 6.1), and OpenSSL does not take them: libh2o
 * would keep them all. */
static bool has_left(const struct tls_peer *peer)
{
    return (SSL_get_shutdown(peer->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static void take_bytes(struct tls_peer *peer, ssize_t count, const uv_buf_t *bytes)
{
    h2o_socket_t *socket = peer->tcp.data;
    if (peer->is_shaken && has_left(peer)) {
        peer->read((uv_stream_t *)&peer->tcp, UV_EOF, bytes);
        return;
    }
    if (peer->is_shaken) {
        peer->hears = socket->_cb.read;
        socket->_cb.read = on_decoded;
    }
    peer->read((uv_stream_t *)&peer->tcp, count, bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct tls_peer *peer = container_of((uv_tcp_t *)stream, struct tls_peer, tcp);
    if (count == 0) return;
    if (count > 0)
        take_bytes(peer, count, bytes);
    else if (count == UV_EOF)
        peer->read(stream, count, bytes);
    else
        tell_failure(peer, count, bytes);
    stand_in_front(peer); /* its memory is there until its close is told of, later */
}

/* What libuv calls when something happened to the connection. */
static void on_io(uv_loop_t *loop, uv__io_t *watcher, unsigned events)
{
    struct tls_peer *peer = container_of(watcher, struct tls_peer, tcp.io_watcher);
    stand_in_front(peer);
    peer->said_bytes = 0; /* what was said before has been sent */
    peer->io(loop, watcher, events);
}

/* ---- handshakes ---- */

void tls_door_init(struct tls_door *door, struct metrics *metrics, tls_opened *opened)
{
    *door = (struct tls_door){.metrics = metrics, .opened = opened};
    h2o_linklist_init_anchor(&door->shaking);
}

/* Keeps the end of a handshake: all that is said in a step, if that may be an alert alone. */
static long on_say(BIO *bio, int operation, const char *bytes, size_t byte_count, int number,
                   long other, int result, size_t *done)
{
    struct tls_peer *peer = (struct tls_peer *)BIO_get_callback_arg(bio);
    (void)number;
    (void)other;
    (void)done;
    if (operation != BIO_CB_WRITE || peer->said_bytes > TLS_SAID_MAX) return result;
    const size_t used = peer->said_bytes;
    if (byte_count > TLS_SAID_MAX - used) {
        peer->said_bytes = TLS_SAID_MAX + 1;
        return result;
    }
    memcpy(peer->said + used, bytes, byte_count);
    peer->said_bytes = (uint8_t)(used + byte_count);
    return result;
}

static void listen_to(struct tls_peer *peer, BIO *bio)
{
    BIO_set_callback_arg(bio, (char *)peer);
    BIO_set_callback_ex(bio, on_say);
}

/* The last word of a handshake that has failed. */
static void say_why(struct tls_peer *peer)
{
    uv_buf_t text = uv_buf_init((char *)peer->said, peer->said_bytes);
    if (peer->said_bytes == 0 || peer->said_bytes > TLS_SAID_MAX) return;
    (void)uv_try_write((uv_stream_t *)&peer->tcp, &text, 1);
}

/* libh2o does not tell what it made for a connection; its first word does. */
int tls_door_hello(SSL *ssl, int *alert, void *context)
{
    const h2o_socket_t *socket = BIO_get_data(SSL_get_rbio(ssl));
    struct tls_peer *peer = socket->data;
    (void)alert;
    (void)context;
    peer->ssl = ssl;
    listen_to(peer, SSL_get_rbio(ssl));
    return SSL_CLIENT_HELLO_SUCCESS;
}

void tls_door_show(struct tls_door *door, const struct tls_identity *identity)
{
    SSL_CTX *context = tls_identity_context(identity);
    SSL_CTX_up_ref(context);
    SSL_CTX_free(door->context);
    door->context = context;
}

static void end_handshake(struct tls_peer *peer)
{
    h2o_linklist_unlink(&peer->link);
    peer->socket->data = NULL;
}

static void on_shaken(h2o_socket_t *socket, const char *error)
{
    struct tls_peer *peer = socket->data;
    struct tls_door *door = peer->door;
    end_handshake(peer);
    /* libh2o has decoded what came behind the handshake, and does not say how that went. */
    if (error != NULL || is_mute(peer)) {
        metric_add(&door->metrics->tls_failed_total, 1);
        say_why(peer);
        h2o_socket_close(socket);
        return;
    }
    BIO_set_callback_ex(SSL_get_rbio(peer->ssl), NULL);
    peer->is_shaken = true;
    socket->on_close.data = peer;
    metric_add(&door->metrics->tls_handshakes_total, 1);
    door->opened(peer, socket);
}

void tls_door_take(struct tls_door *door, struct tls_peer *peer, h2o_socket_t *socket,
                   uint64_t now_ms)
{
    ASSERT(door->context != NULL && peer->door == NULL);
    peer->door = door;
    peer->socket = socket;
    peer->since_ms = now_ms;
    /* libh2o keeps the bare pointer until the first byte comes. */
    peer->context = door->context;
    SSL_CTX_up_ref(peer->context);
    peer->io = peer->tcp.io_watcher.cb;
    peer->tcp.io_watcher.cb = on_io;
    socket->data = peer;
    h2o_linklist_insert(&door->shaking, &peer->link);
    h2o_socket_ssl_handshake(socket, peer->context, NULL, on_shaken);
}

void tls_peer_free(struct tls_peer *peer)
{
    SSL_CTX_free(peer->context);
    peer->context = NULL;
}

static struct tls_peer *oldest(struct tls_door *door)
{
    if (h2o_linklist_is_empty(&door->shaking)) return NULL;
    return H2O_STRUCT_FROM_MEMBER(struct tls_peer, link, door->shaking.next);
}

static void cut(struct tls_peer *peer)
{
    end_handshake(peer);
    h2o_socket_close(peer->socket);
}

void tls_door_sweep(struct tls_door *door, uint64_t now_ms, uint64_t patience_ms)
{
    struct tls_peer *peer;
    while ((peer = oldest(door)) != NULL && now_ms - peer->since_ms >= patience_ms) {
        metric_add(&door->metrics->tls_slow_closed_total, 1);
        cut(peer);
    }
}

void tls_door_cut(struct tls_door *door)
{
    struct tls_peer *peer;
    while ((peer = oldest(door)) != NULL)
        cut(peer);
}

void tls_door_free(struct tls_door *door)
{
    ASSERT(h2o_linklist_is_empty(&door->shaking));
    SSL_CTX_free(door->context);
    door->context = NULL;
}
