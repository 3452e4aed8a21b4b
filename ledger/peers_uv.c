#include "ledger/peers_uv.h"

#include "ledger/link.h"

#include "common/le.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define TICK_MS         50
#define KEEPALIVE_S     10
#define BACKLOG         64
#define READ_BYTES      (128 * 1024)
#define STRANGE_BYTES   512 /* buffer of a connection that has proved nothing */
#define CHUNK_BYTES     (320 * 1024)
#define CHUNKS_KEPT     32
#define WRITE_PARTS_MAX 64
#define ADDRESS_BYTES   80

/* A part of a queue, sealed: [sent, used) waits for the socket. Memory never moves, as a write may be
 * reading it. */
struct chunk {
    struct chunk *next;
    size_t capacity;
    size_t sent;
    size_t used;
    uint8_t bytes[];
};

/* One TCP connection. */
struct wire {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct peers_uv *peers;
    struct wire *next; /* in peers->wires, newest first */
    struct peer *peer; /* whom we call, or who has proved itself; NULL: not known */
    struct link link;
    struct chunk *first;
    struct chunk *last;
    size_t queued_bytes;
    size_t writing_bytes; /* of the write under way */
    uint8_t *in;
    size_t in_capacity;
    size_t in_used;
    uint32_t age_ms;    /* while it is not up */
    uint32_t silent_ms; /* since something came */
    uint32_t quiet_ms;  /* since a frame was sealed */
    bool is_writing;
    bool is_closing;
};

/* Another node. One that is no member any more stays until its end has been told. */
struct peer {
    struct peer *next;
    struct peers_uv *peers;
    uint32_t node;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char address[NODE_ADDRESS_BYTES];
    struct wire *up;
    struct wire *calling;
    const struct wire *told; /* the link the handler believes in; only compared */
    uint32_t wire_count;     /* that point here */
    uint32_t retry_ms;
    uint32_t wait_ms; /* until the next call */
    uint32_t attempts;
    uv_getaddrinfo_t resolve;
    bool is_resolving;
    bool is_member;
    bool is_failing; /* said so already */
};

struct peers_uv {
    uv_loop_t *loop;
    struct peers_handler handler;
    struct metrics *metrics;
    struct link_identity identity;
    struct link_members members;
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_prepare_t round;
    struct peer *peers;
    struct wire *wires;
    struct chunk *chunks; /* kept for the next */
    uint32_t chunk_count;
    uint32_t open_count;      /* handles and requests the loop still has */
    uint32_t second_ms;       /* since the strangers were counted anew */
    uint32_t strangers;       /* refused in this second, told in one line */
    uint32_t strangers_known; /* of them, those who know the chain */
    const char *stranger_reason;
    char stranger_address[ADDRESS_BYTES];
    char host[ADDRESS_BYTES];
    uint16_t port;
    bool is_closing;
};

/* ---- Memory ---- */

static void free_all(struct peers_uv *peers)
{
    ASSERT(peers->wires == NULL);
    for (struct peer *peer = peers->peers, *next; peer != NULL; peer = next) {
        next = peer->next;
        free(peer);
    }
    for (struct chunk *chunk = peers->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    link_identity_wipe(&peers->identity);
    free(peers);
}

static void opened(struct peers_uv *peers)
{
    peers->open_count++;
}

static void closed(struct peers_uv *peers)
{
    ASSERT(peers->open_count > 0);
    if (--peers->open_count == 0 && peers->is_closing) free_all(peers);
}

static struct chunk *chunk_take(struct peers_uv *peers, size_t byte_count)
{
    struct chunk *chunk = peers->chunks;
    if (byte_count <= CHUNK_BYTES && chunk != NULL) {
        peers->chunks = chunk->next;
        peers->chunk_count--;
    } else {
        const size_t capacity = byte_count > CHUNK_BYTES ? byte_count : CHUNK_BYTES;
        if ((chunk = malloc(sizeof(*chunk) + capacity)) == NULL) return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->sent = chunk->used = 0;
    return chunk;
}

static void chunk_give(struct peers_uv *peers, struct chunk *chunk)
{
    if (chunk->capacity != CHUNK_BYTES || peers->chunk_count == CHUNKS_KEPT) {
        free(chunk);
        return;
    }
    chunk->next = peers->chunks;
    peers->chunks = chunk;
    peers->chunk_count++;
}

/* Where so many bytes go, or NULL; `queued` follows. */
static uint8_t *queue_room(struct wire *wire, size_t byte_count)
{
    if (wire->last == NULL || wire->last->capacity - wire->last->used < byte_count) {
        struct chunk *chunk = chunk_take(wire->peers, byte_count);
        if (chunk == NULL) return NULL;
        if (wire->last == NULL)
            wire->first = chunk;
        else
            wire->last->next = chunk;
        wire->last = chunk;
    }
    return wire->last->bytes + wire->last->used;
}

static void queued(struct wire *wire, size_t byte_count)
{
    wire->last->used += byte_count;
    wire->queued_bytes += byte_count;
    wire->quiet_ms = 0;
}

/* The socket has taken so many bytes. */
static void dequeue(struct wire *wire, size_t byte_count)
{
    ASSERT(byte_count <= wire->queued_bytes);
    wire->queued_bytes -= byte_count;
    if (wire->peers->metrics != NULL)
        metric_add(&wire->peers->metrics->peer_bytes_sent_total, byte_count);
    while (wire->first != NULL) {
        struct chunk *chunk = wire->first;
        const size_t waiting = chunk->used - chunk->sent;
        if (byte_count < waiting) {
            chunk->sent += byte_count;
            return;
        }
        byte_count -= waiting;
        wire->first = chunk->next;
        if (wire->first == NULL) wire->last = NULL;
        chunk_give(wire->peers, chunk);
    }
}

/* ---- What the handler hears ---- */

static void count_links(struct peers_uv *peers)
{
    uint64_t count = 0;
    for (const struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        count += peer->up != NULL;
    if (peers->metrics != NULL) metric_set(&peers->metrics->peer_links, count);
}

/* Brings what the handler believes to what is. It may call everything here meanwhile. */
static void tell(struct peer *peer)
{
    const struct peers_handler *handler = &peer->peers->handler;
    if (peer->told != NULL && peer->told != peer->up) {
        peer->told = NULL;
        if (!peer->peers->is_closing) handler->changed(handler->context, peer->node, false);
    }
    if (peer->up != NULL && peer->told == NULL) {
        peer->told = peer->up;
        if (!peer->peers->is_closing) handler->changed(handler->context, peer->node, true);
    }
}

static struct peer *peer_find(const struct peers_uv *peers, uint32_t node)
{
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->node == node) return peer;
    return NULL;
}

/* ---- One connection's life ---- */

static void address_put(const struct wire *wire, char text[ADDRESS_BYTES])
{
    struct sockaddr_storage address;
    int length = sizeof(address);
    char host[64] = "?";
    uint16_t port = 0;
    if (uv_tcp_getpeername(&wire->tcp, (struct sockaddr *)&address, &length) == 0) {
        uv_ip_name((const struct sockaddr *)&address, host, sizeof(host));
        port = address.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
                                             : ((const struct sockaddr_in *)&address)->sin_port;
    }
    snprintf(text, ADDRESS_BYTES, "%s:%u", host, (unsigned)__builtin_bswap16(port));
}

static void on_wire_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    struct peers_uv *peers = wire->peers;
    struct wire **at = &peers->wires;
    while (*at != wire)
        at = &(*at)->next;
    *at = wire->next;

    if (wire->peer != NULL) {
        tell(wire->peer);
        wire->peer->wire_count--;
    }
    for (struct chunk *chunk = wire->first, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        chunk_give(peers, chunk);
    }
    free(wire->in);
    free(wire);
    closed(peers);
}

/* The next call: sooner after a link that was up. */
static void call_later(struct peer *peer)
{
    peer->wait_ms = peer->retry_ms / 2 + randombytes_uniform(peer->retry_ms / 2 + 1);
    peer->retry_ms *= 2;
    if (peer->retry_ms > PEERS_RETRY_MS_MAX) peer->retry_ms = PEERS_RETRY_MS_MAX;
}

/* A call that came to nothing; said once, not at every try. */
static void call_failed(struct peer *peer, const char *why)
{
    if (!peer->is_failing && !peer->peers->is_closing)
        log_info("ledger", "no link yet", "node=%u address=%s reason=\"%s\"", peer->node,
                 peer->address, why);
    peer->is_failing = true;
    call_later(peer);
}

/* Begins the end; the handler hears of it when the loop has closed the handle. */
static void wire_close(struct wire *wire, const char *why)
{
    struct peer *peer = wire->peer;
    if (wire->is_closing) return;
    wire->is_closing = true;
    if (peer != NULL && peer->up == wire) {
        peer->up = NULL;
        log_info("ledger", "link down", "node=%u reason=\"%s\"", peer->node, why);
        count_links(wire->peers);
        call_later(peer);
    } else if (peer != NULL && peer->calling == wire) {
        peer->calling = NULL;
        call_failed(peer, why);
    }
    link_end(&wire->link);
    uv_close((uv_handle_t *)&wire->tcp, on_wire_closed);
}

static struct wire *wire_new(struct peers_uv *peers, struct peer *peer)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    if (wire == NULL) return NULL;
    if (uv_tcp_init(peers->loop, &wire->tcp) != 0) {
        free(wire);
        return NULL;
    }
    opened(peers);
    wire->tcp.data = wire->connect.data = wire->write.data = wire;
    wire->peers = peers;
    wire->peer = peer;
    if (peer != NULL) peer->wire_count++;
    wire->next = peers->wires;
    peers->wires = wire;
    return wire;
}

/* ---- Writing ---- */

static void wire_flush(struct wire *wire);

static void on_written(uv_write_t *write, int status)
{
    struct wire *wire = write->data;
    wire->is_writing = false;
    if (wire->is_closing) return;
    if (status < 0) {
        wire_close(wire, uv_strerror(status));
        return;
    }
    dequeue(wire, wire->writing_bytes);
    wire_flush(wire);
}

static uint32_t parts_of(const struct wire *wire, uv_buf_t parts[WRITE_PARTS_MAX],
                         size_t *byte_count)
{
    uint32_t count = 0;
    *byte_count = 0;
    for (struct chunk *chunk = wire->first; chunk != NULL && count < WRITE_PARTS_MAX;
         chunk = chunk->next) {
        const size_t waiting = chunk->used - chunk->sent;
        parts[count++] = uv_buf_init((char *)chunk->bytes + chunk->sent, (unsigned)waiting);
        *byte_count += waiting;
    }
    return count;
}

/* One system call for all that waits; what the socket does not take at once, the loop writes. */
static void wire_flush(struct wire *wire)
{
    uv_buf_t parts[WRITE_PARTS_MAX];
    size_t byte_count;
    if (wire->is_closing || wire->is_writing || wire->queued_bytes == 0) return;
    uint32_t count = parts_of(wire, parts, &byte_count);
    const int written = uv_try_write((uv_stream_t *)&wire->tcp, parts, count);
    if (written < 0 && written != UV_EAGAIN) {
        wire_close(wire, uv_strerror(written));
        return;
    }
    if (written > 0) dequeue(wire, (size_t)written);
    if (wire->queued_bytes == 0) return;

    count = parts_of(wire, parts, &wire->writing_bytes);
    const int status = uv_write(&wire->write, (uv_stream_t *)&wire->tcp, parts, count, on_written);
    if (status < 0)
        wire_close(wire, uv_strerror(status));
    else
        wire->is_writing = true;
}

/* Bytes of the handshake, and empty frames, whatever else waits. */
static void wire_answer(struct wire *wire, const uint8_t *bytes, size_t byte_count)
{
    uint8_t *room = queue_room(wire, byte_count);
    if (room == NULL) {
        wire_close(wire, "no memory");
        return;
    }
    le_put_bytes(room, bytes, byte_count);
    queued(wire, byte_count);
}

static void wire_beat(struct wire *wire)
{
    uint8_t frame[LINK_HEAD_BYTES];
    const size_t byte_count = link_seal(&wire->link, NULL, 0, frame);
    wire_answer(wire, frame, byte_count);
}

/* ---- Reading ---- */

/* The end of an older link is told before the newer one is there; its handler may do anything. */
static bool take_place(struct wire *wire, struct peer *peer)
{
    if (wire->peer == NULL) {
        wire->peer = peer;
        peer->wire_count++;
    }
    if (peer->calling == wire) peer->calling = NULL;
    if (peer->up != NULL) wire_close(peer->up, "a newer one took its place");
    tell(peer);
    if (!peer->is_member) wire_close(wire, "a member no more");
    if (wire->is_closing) return false;
    peer->up = wire;
    return true;
}

/* The link is proved: it is the one to this node now. */
static void wire_up(struct wire *wire)
{
    struct peer *peer = peer_find(wire->peers, wire->link.node);
    char address[ADDRESS_BYTES];
    if (peer == NULL) {
        wire_close(wire, "a member no more");
        return;
    }
    if (!take_place(wire, peer)) return;
    peer->retry_ms = PEERS_RETRY_MS_MIN;
    peer->wait_ms = 0;
    peer->is_failing = false;
    address_put(wire, address);
    log_info("ledger", "link up", "node=%u address=%s cipher=%s", peer->node, address,
             link_cipher_text((enum link_cipher)wire->link.cipher));
    count_links(wire->peers);
    tell(peer);
}

static bool is_strange(const struct wire *wire)
{
    return wire->peer == NULL;
}

static void wire_refused(struct wire *wire)
{
    struct peers_uv *peers = wire->peers;
    const enum link_refusal why = (enum link_refusal)wire->link.refusal;
    if (peers->metrics != NULL) metric_add(&peers->metrics->peer_refused_total, 1);
    if (is_strange(wire)) {
        peers->strangers++;
        peers->strangers_known += why != LINK_NO_MARK;
        peers->stranger_reason = link_refusal_text(why);
        address_put(wire, peers->stranger_address);
    }
    wire_close(wire, link_refusal_text(why));
}

static void wire_perform(struct wire *wire, enum link_event event, const struct link_taken *taken)
{
    const struct peers_handler *handler = &wire->peers->handler;
    switch (event) {
    case LINK_UP:
        wire_up(wire);
        break;
    case LINK_MESSAGE:
        handler->message(handler->context, wire->link.node, taken->message, taken->message_bytes);
        break;
    case LINK_REFUSED:
        wire_refused(wire);
        break;
    case LINK_MORE:
    case LINK_BEAT:
        break;
    }
}

/* Takes all that is whole in the buffer. A handler may close the wire, or everything. */
static void wire_take(struct wire *wire)
{
    size_t at = 0;
    enum link_event event;
    do {
        struct link_taken taken;
        event = link_take(&wire->link, wire->in + at, wire->in_used - at, &taken);
        at += taken.consumed;
        if (taken.answer_bytes > 0) wire_answer(wire, taken.answer, taken.answer_bytes);
        if (!wire->is_closing) wire_perform(wire, event, &taken);
    } while (event != LINK_MORE && !wire->is_closing);
    wire->in_used -= at;
    memmove(wire->in, wire->in + at, wire->in_used);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct wire *wire = handle->data;
    (void)suggested;
    *room = uv_buf_init(NULL, 0); /* for libuv: no memory */
    const bool is_open = wire->link.state == LINK_OPEN;
    const size_t wanted = is_open ? link_wants(&wire->link) + READ_BYTES : STRANGE_BYTES;
    if (wire->in_capacity < wanted) {
        uint8_t *larger = realloc(wire->in, wanted);
        if (larger == NULL) return;
        wire->in = larger;
        wire->in_capacity = wanted;
    }
    *room = uv_buf_init((char *)wire->in + wire->in_used,
                        (unsigned)(wire->in_capacity - wire->in_used));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct wire *wire = stream->data;
    struct peers_uv *peers = wire->peers;
    (void)room;
    if (wire->is_closing || count == 0) return;
    if (count < 0) {
        wire_close(wire, count == UV_EOF ? "closed by the other node" : uv_strerror((int)count));
        return;
    }
    if (peers->metrics != NULL)
        metric_add(&peers->metrics->peer_bytes_received_total, (uint64_t)count);
    wire->silent_ms = 0;
    wire->in_used += (size_t)count;
    /* Looking at one costs two multiplications on a curve: a flood must not take the loop's time. */
    if (is_strange(wire) && peers->strangers_known >= PEERS_STRANGERS_MAX) {
        wire_close(wire, "too many strangers");
        return;
    }
    wire_take(wire);
}

static void wire_start(struct wire *wire)
{
    uv_tcp_nodelay(&wire->tcp, 1);
    uv_tcp_keepalive(&wire->tcp, 1, KEEPALIVE_S);
    const int status = uv_read_start((uv_stream_t *)&wire->tcp, on_room, on_read);
    if (status != 0) wire_close(wire, uv_strerror(status));
}

/* ---- Being called ---- */

/* There is room for so many that have proved nothing; then the oldest goes. */
static void close_oldest_stranger(struct peers_uv *peers)
{
    struct wire *oldest = NULL;
    uint32_t count = 0;
    for (struct wire *wire = peers->wires; wire != NULL; wire = wire->next) {
        if (wire->is_closing || !is_strange(wire)) continue;
        oldest = wire;
        count++;
    }
    if (count > PEERS_ACCEPTED_MAX) wire_close(oldest, "too many strangers");
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peers_uv *peers = listener->data;
    uint8_t ephemeral[NOISE_KEY_BYTES];
    if (status < 0 || peers->is_closing) return;
    struct wire *wire = wire_new(peers, NULL);
    if (wire == NULL) return;
    if (uv_accept(listener, (uv_stream_t *)&wire->tcp) != 0) {
        wire_close(wire, "gone before it was accepted");
        return;
    }
    randombytes_buf(ephemeral, sizeof(ephemeral));
    link_await(&wire->link, &peers->identity, &peers->members, ephemeral);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    wire_start(wire);
    close_oldest_stranger(peers);
}

/* ---- Calling ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct wire *wire = connect->data;
    struct peers_uv *peers = wire->peers;
    uint8_t ephemeral[NOISE_KEY_BYTES], first[LINK_FIRST_BYTES];
    if (wire->is_closing) return;
    if (status < 0) {
        wire_close(wire, uv_strerror(status));
        return;
    }
    const struct link_member *member = link_members_find(&peers->members, wire->peer->node);
    randombytes_buf(ephemeral, sizeof(ephemeral));
    const bool good =
        member != NULL && link_call(&wire->link, &peers->identity, member, ephemeral, first);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    if (!good) {
        wire_close(wire, "its key is none");
        return;
    }
    wire_answer(wire, first, LINK_FIRST_BYTES);
    wire_start(wire);
}

static void connect_to(struct peer *peer, const struct sockaddr *address)
{
    struct wire *wire = wire_new(peer->peers, peer);
    if (wire == NULL) {
        call_failed(peer, "no memory");
        return;
    }
    peer->calling = wire;
    const int status = uv_tcp_connect(&wire->connect, &wire->tcp, address, on_connected);
    if (status != 0) wire_close(wire, uv_strerror(status));
}

/* Of several addresses another at each try. */
static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct peer *peer = container_of(resolve, struct peer, resolve);
    struct peers_uv *peers = peer->peers;
    uint32_t count = 0;
    peer->is_resolving = false;
    for (const struct addrinfo *at = found; status == 0 && at != NULL; at = at->ai_next)
        count++;
    if (!peers->is_closing && peer->is_member && peer->up == NULL && peer->calling == NULL) {
        if (count == 0) {
            call_failed(peer, status != 0 ? uv_strerror(status) : "no such host");
        } else {
            const struct addrinfo *at = found;
            for (uint32_t i = 0; i < peer->attempts % count; i++)
                at = at->ai_next;
            connect_to(peer, at->ai_addr);
        }
    }
    uv_freeaddrinfo(found);
    closed(peers);
}

/* "host:port" taken apart; brackets round a host are not part of it. */
static void address_split(const char address[NODE_ADDRESS_BYTES], char host[NODE_ADDRESS_BYTES],
                          char port[8])
{
    const char *colon = strrchr(address, ':');
    size_t host_bytes = (size_t)(colon - address);
    const bool in_brackets = host_bytes >= 2 && address[0] == '[' && colon[-1] == ']';
    if (in_brackets) host_bytes -= 2;
    memcpy(host, address + in_brackets, host_bytes);
    host[host_bytes] = '\0';
    snprintf(port, 8, "%s", colon + 1);
}

static void call(struct peer *peer)
{
    char host[NODE_ADDRESS_BYTES], port[8];
    struct sockaddr_storage address;
    if (!node_address_valid(peer->address)) {
        call_failed(peer, "no address");
        return;
    }
    address_split(peer->address, host, port);
    const int number = (int)strtol(port, NULL, 10);
    peer->attempts++;
    if (uv_ip4_addr(host, number, (struct sockaddr_in *)&address) == 0 ||
        uv_ip6_addr(host, number, (struct sockaddr_in6 *)&address) == 0) {
        connect_to(peer, (const struct sockaddr *)&address);
        return;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const int status =
        uv_getaddrinfo(peer->peers->loop, &peer->resolve, on_resolved, host, port, &hints);
    if (status != 0) {
        call_failed(peer, uv_strerror(status));
        return;
    }
    peer->is_resolving = true;
    opened(peer->peers);
}

/* ---- Time ---- */

static void peer_tick(struct peer *peer)
{
    const bool is_ours = peer->is_member && peer->peers->identity.node < peer->node;
    if (!is_ours || peer->up != NULL || peer->calling != NULL || peer->is_resolving) return;
    peer->wait_ms -= peer->wait_ms < TICK_MS ? peer->wait_ms : TICK_MS;
    if (peer->wait_ms == 0) call(peer);
}

static void wire_tick(struct wire *wire)
{
    if (wire->is_closing) return;
    if (wire->peer == NULL || wire->peer->up != wire) {
        wire->age_ms += TICK_MS;
        if (wire->age_ms >= PEERS_HANDSHAKE_MS) wire_close(wire, "no answer in time");
        return;
    }
    wire->silent_ms += TICK_MS;
    wire->quiet_ms += TICK_MS;
    if (wire->silent_ms >= PEERS_SILENCE_MS) {
        wire_close(wire, "silence");
        return;
    }
    if (wire->quiet_ms >= PEERS_BEAT_MS && wire->queued_bytes == 0) wire_beat(wire);
}

/* Those that have gone and of whose end the handler knows. */
static void forget_peers(struct peers_uv *peers)
{
    for (struct peer **at = &peers->peers; *at != NULL;) {
        struct peer *peer = *at;
        if (peer->is_member || peer->wire_count > 0 || peer->is_resolving || peer->told != NULL) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        free(peer);
    }
}

static void strangers_tick(struct peers_uv *peers)
{
    peers->second_ms += TICK_MS;
    if (peers->second_ms < 1000) return;
    if (peers->strangers > 0)
        log_warn("ledger", "strangers refused", "count=%u last=%s reason=\"%s\"", peers->strangers,
                 peers->stranger_address, peers->stranger_reason);
    peers->second_ms = peers->strangers = peers->strangers_known = 0;
}

static void on_tick(uv_timer_t *timer)
{
    struct peers_uv *peers = timer->data;
    for (struct wire *wire = peers->wires; wire != NULL; wire = wire->next)
        wire_tick(wire);
    forget_peers(peers);
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        peer_tick(peer);
    strangers_tick(peers);
}

static void on_round(uv_prepare_t *round)
{
    peers_uv_flush(round->data);
}

/* ---- The table ---- */

static bool peers_send(void *context, uint32_t node, const struct peers_piece *pieces,
                       uint32_t count)
{
    struct peer *peer = peer_find(context, node);
    size_t byte_count = 0;
    ASSERT(count <= PEERS_PIECES_MAX);
    for (uint32_t i = 0; i < count; i++)
        byte_count += pieces[i].byte_count;
    ASSERT(byte_count > 0 && byte_count <= PEERS_MESSAGE_MAX);
    if (peer == NULL || peer->up == NULL) return false;

    struct wire *wire = peer->up;
    const size_t frame_bytes = link_frame_bytes(byte_count);
    if (wire->queued_bytes + frame_bytes > PEERS_QUEUE_MAX) return false;
    uint8_t *room = queue_room(wire, frame_bytes);
    if (room == NULL) return false;
    const size_t sealed_bytes = link_seal(&wire->link, pieces, count, room);
    ASSERT(sealed_bytes == frame_bytes);
    queued(wire, frame_bytes);
    return true;
}

static bool peers_is_up(void *context, uint32_t node)
{
    const struct peer *peer = peer_find(context, node);
    return peer != NULL && peer->up != NULL;
}

struct peers peers_uv_table(struct peers_uv *peers)
{
    return (struct peers){.context = peers, .send = peers_send, .is_up = peers_is_up};
}

void peers_uv_flush(struct peers_uv *peers)
{
    for (struct wire *wire = peers->wires; wire != NULL; wire = wire->next)
        wire_flush(wire);
}

/* ---- The node set ---- */

static void peer_close(struct peer *peer, const char *why)
{
    if (peer->up != NULL) wire_close(peer->up, why);
    if (peer->calling != NULL) wire_close(peer->calling, why);
}

/* Makes the peer what the member is. */
static void peer_set(struct peer *peer, const struct node_member *member)
{
    if (memcmp(peer->public_key, member->public_key, PUBLIC_KEY_BYTES) != 0)
        peer_close(peer, "another key");
    if (memcmp(peer->address, member->address, NODE_ADDRESS_BYTES) != 0 && peer->calling != NULL)
        wire_close(peer->calling, "another address");
    memcpy(peer->public_key, member->public_key, PUBLIC_KEY_BYTES);
    memcpy(peer->address, member->address, NODE_ADDRESS_BYTES);
    peer->is_member = true;
}

static struct peer *peer_new(struct peers_uv *peers, uint32_t node)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL) return NULL;
    peer->peers = peers;
    peer->node = node;
    peer->retry_ms = PEERS_RETRY_MS_MIN;
    peer->next = peers->peers;
    peers->peers = peer;
    return peer;
}

void peers_uv_set_nodes(struct peers_uv *peers, const struct node_set *set)
{
    link_members_set(&peers->members, set, peers->identity.node);
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next) {
        peer->is_member = node_set_find(set, peer->node) != NULL;
        if (!peer->is_member) peer_close(peer, "a member no more");
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *member = &set->members[i];
        if (member->node == peers->identity.node) continue;
        struct peer *peer = peer_find(peers, member->node);
        if (peer == NULL) peer = peer_new(peers, member->node);
        if (peer == NULL) {
            log_error("ledger", "no memory for a link", "node=%u", member->node);
            continue;
        }
        peer_set(peer, member);
    }
}

/* ---- Begin and end ---- */

struct peers_uv *peers_uv_new(const struct peers_options *options)
{
    ASSERT(options->handler.message != NULL && options->handler.changed != NULL);
    struct peers_uv *peers = calloc(1, sizeof(*peers));
    if (peers == NULL) return NULL;
    peers->loop = options->loop;
    peers->handler = options->handler;
    peers->metrics = options->metrics;
    peers->port = options->port;
    snprintf(peers->host, sizeof(peers->host), "%s", options->host);
    if (!link_identity_init(&peers->identity, &options->chain_id, options->node,
                            options->secret_key)) {
        log_error("ledger", "the node's secret key is none", " ");
        free(peers);
        return NULL;
    }
    uv_tcp_init(peers->loop, &peers->listener);
    uv_timer_init(peers->loop, &peers->timer);
    uv_prepare_init(peers->loop, &peers->round);
    peers->listener.data = peers->timer.data = peers->round.data = peers;
    peers->open_count = 3;
    uv_timer_start(&peers->timer, on_tick, 0, TICK_MS);
    uv_prepare_start(&peers->round, on_round);
    return peers;
}

enum status peers_uv_listen(struct peers_uv *peers)
{
    struct sockaddr_storage address;
    if (uv_ip4_addr(peers->host, peers->port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(peers->host, peers->port, (struct sockaddr_in6 *)&address) != 0) {
        log_error("ledger", "the address for other nodes is not numeric", "host=%s", peers->host);
        return STATUS_MALFORMED;
    }
    int failed = uv_tcp_bind(&peers->listener, (const struct sockaddr *)&address, 0);
    if (failed == 0) failed = uv_listen((uv_stream_t *)&peers->listener, BACKLOG, on_connection);
    if (failed == 0) return STATUS_OK;
    log_error("ledger", "cannot listen for other nodes", "host=%s port=%u error=\"%s\"",
              peers->host, peers->port, uv_strerror(failed));
    return failed == UV_EADDRINUSE ? STATUS_ADDRESS_IN_USE : STATUS_IO;
}

static void on_closed(uv_handle_t *handle)
{
    closed(handle->data);
}

void peers_uv_free(struct peers_uv *peers)
{
    ASSERT(!peers->is_closing);
    peers_uv_flush(peers);
    peers->is_closing = true;
    for (struct wire *wire = peers->wires; wire != NULL; wire = wire->next)
        wire_close(wire, "this node stops");
    for (struct peer *peer = peers->peers; peer != NULL; peer = peer->next)
        if (peer->is_resolving) uv_cancel((uv_req_t *)&peer->resolve);
    uv_close((uv_handle_t *)&peers->listener, on_closed);
    uv_close((uv_handle_t *)&peers->timer, on_closed);
    uv_close((uv_handle_t *)&peers->round, on_closed);
}
