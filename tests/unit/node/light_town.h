/* Servers for a light node's tests: each a thread that answers HTTP on loopback from a hand-made chain, and lies as it is
 * told.
 */

#ifndef TESTS_NODE_LIGHT_TOWN_H
#define TESTS_NODE_LIGHT_TOWN_H

#include "tests/unit/ledger/light_chain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOWN_TEXT_BYTES  (8u << 20)
#define TOWN_PIECE_BYTES 4096u

enum town_lie {
    TOWN_HONEST,
    TOWN_FLIPPED,   /* a byte of a header */
    TOWN_FEW,       /* a signature less than it needs */
    TOWN_STRANGERS, /* certificates by others */
    TOWN_NO_TURN,   /* the certificate of a hand-over is kept back */
    TOWN_OTHER_SET, /* voters whom nobody signed over */
    TOWN_SHIFTED,   /* another block than was asked for */
    TOWN_GARBAGE,
    TOWN_TRUNCATED, /* the connection ends in the middle */
    TOWN_ENDLESS,
    TOWN_HTTP_500,
    TOWN_BUSY,        /* 429, for seven seconds */
    TOWN_UNCERTIFIED, /* no certificate at all */
};

struct town_server {
    const struct light_chain *chain;
    _Atomic uint64_t tip; /* up to where it shows */
    _Atomic int lie;      /* enum town_lie */
    _Atomic uint32_t asked;
    uint32_t signers;            /* of every certificate: those of the mask who vote */
    uint64_t every;              /* block that this divides has a certificate */
    uint64_t mute_from, mute_to; /* but none of these */
    int listener;
    char url[64];
    pthread_t thread;
    char *text;
};

/* Writes a piece of text; returns its length. */
__attribute__((format(printf, 2, 3))) static inline size_t town_put(char *at, const char *format,
                                                                    ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(at, TOWN_PIECE_BYTES, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= TOWN_PIECE_BYTES) abort();
    return (size_t)length;
}

/* Any three of the voters, from the lowest. */
static inline uint32_t town_quorum(uint32_t voters, uint32_t count)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < LIGHT_CHAIN_NODES && count > 0; i++) {
        if ((voters >> i & 1) == 0) continue;
        mask |= 1u << i;
        count--;
    }
    return mask;
}

static inline size_t town_row(const struct town_server *server, uint64_t height, int lie, char *at)
{
    const struct light_chain *chain = server->chain;
    uint8_t header[BLOCK_HEADER_BYTES];
    char hex[2 * BLOCK_HEADER_BYTES + 1], hash[2 * HASH_BYTES + 1];
    struct block_header facts;
    memcpy(header, chain->headers[height], sizeof(header));
    if (!block_header_decode(header, &facts)) abort();
    const bool turns = !hash_equal(facts.validators_hash, facts.next_validators_hash);
    if (lie == TOWN_FLIPPED && height == server->tip) header[300] ^= 1;
    hash_hex(header, sizeof(header), hex);
    size_t length = town_put(at, "{\"header\":\"%s\",\"certificate\":", hex);
    if (lie == TOWN_UNCERTIFIED || (turns && lie == TOWN_NO_TURN) ||
        (!turns && height % server->every != 0) ||
        (height >= server->mute_from && height <= server->mute_to))
        return length + town_put(at + length, "null}");
    uint32_t signers = town_quorum(chain->masks[height], lie == TOWN_FEW ? 2 : 3);
    if (lie == TOWN_STRANGERS) signers = 0xe0;
    const struct certificate made = light_chain_sign(chain, chain->headers[height], signers);
    hash_hex(made.header_hash.bytes, HASH_BYTES, hash);
    length +=
        town_put(at + length, "{\"height\":%lu,\"epoch\":%lu,\"headerHash\":\"%s\",\"votes\":[",
                 made.height, made.epoch, hash);
    for (uint32_t i = 0; i < made.vote_count; i++) {
        hash_hex(made.votes[i].signature, SIGNATURE_BYTES, hex);
        length += town_put(at + length, "%s{\"node\":%u,\"signature\":\"%s\"}", i > 0 ? "," : "",
                           made.votes[i].node, hex);
    }
    return length + town_put(at + length, "]}}");
}

static inline size_t town_page(const struct town_server *server, const char *request, int lie)
{
    const uint64_t tip = server->tip;
    const char *from_at = strstr(request, "from="), *limit_at = strstr(request, "limit=");
    uint64_t from = from_at != NULL ? strtoull(from_at + 5, NULL, 10) : tip;
    const uint64_t limit = limit_at != NULL ? strtoull(limit_at + 6, NULL, 10) : 64;
    if (from > tip) return 0;
    if (lie == TOWN_SHIFTED && from > 1) from--;
    size_t length = town_put(server->text, "[");
    for (uint64_t height = from; height <= tip && height < from + limit; height++) {
        if (height > from) server->text[length++] = ',';
        length += town_row(server, height, lie, server->text + length);
    }
    server->text[length++] = ']';
    return length;
}

/* The set with the hash in the request, of all sets that there can be. */
static inline size_t town_voters(const struct town_server *server, const char *request, int lie)
{
    const char *hash = strstr(request, "hash=");
    for (uint32_t mask = 1; hash != NULL && mask < 1u << LIGHT_CHAIN_NODES; mask++) {
        char hex[2 * HASH_BYTES + 1];
        struct validator_set set = light_chain_set(server->chain, mask);
        hash_hex(validator_set_hash(&set).bytes, HASH_BYTES, hex);
        if (strncmp(hex, hash + 5, 2 * HASH_BYTES) != 0) continue;
        if (lie == TOWN_OTHER_SET) set = light_chain_set(server->chain, 0xe0);
        size_t length = town_put(server->text, "{\"validators\":[");
        for (uint32_t i = 0; i < set.count; i++) {
            hash_hex(set.members[i].public_key, PUBLIC_KEY_BYTES, hex);
            length += town_put(server->text + length, "%s{\"node\":%u,\"publicKey\":\"%s\"}",
                               i > 0 ? "," : "", set.members[i].node, hex);
        }
        return length + town_put(server->text + length, "]}");
    }
    return 0;
}

static inline void town_send(int connection, const char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        const ssize_t sent = send(connection, bytes, byte_count, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent;
        byte_count -= (size_t)sent;
    }
}

static inline void town_answer(struct town_server *server, int connection, const char *request)
{
    static const char ahead[] = "{\"code\":-9001,\"msg\":\"\"}", unknown[] = "{\"code\":-9008}";
    char head[160];
    const int lie = server->lie;
    const bool page = strstr(request, "/quorex/v1/headers") != NULL;
    size_t length = page ? town_page(server, request, lie) : town_voters(server, request, lie);
    int status = 200;
    if (length == 0) {
        length = town_put(server->text, "%s", page ? ahead : unknown);
        status = 404;
    }
    if (lie == TOWN_HTTP_500) status = 500;
    if (lie == TOWN_BUSY) status = 429;
    if (lie == TOWN_GARBAGE) length = town_put(server->text, "<html>[[[{\"header\":1");
    if (lie == TOWN_ENDLESS) {
        memset(server->text, '[', TOWN_TEXT_BYTES);
        length = TOWN_TEXT_BYTES;
    }
    const int head_bytes = snprintf(
        head, sizeof(head), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, lie == TOWN_BUSY ? "Retry-After: 7\r\n" : "", length);
    town_send(connection, head, (size_t)head_bytes);
    town_send(connection, server->text, lie == TOWN_TRUNCATED ? length / 2 : length);
}

static inline void *town_serve(void *context)
{
    struct town_server *server = context;
    for (int connection; (connection = accept(server->listener, NULL, NULL)) >= 0;) {
        char request[2048];
        size_t filled = 0;
        while (filled + 1 < sizeof(request)) {
            const ssize_t got = recv(connection, request + filled, sizeof(request) - 1 - filled, 0);
            if (got <= 0) break;
            filled += (size_t)got;
            request[filled] = '\0';
            if (strstr(request, "\r\n\r\n") != NULL) break;
        }
        server->asked++;
        if (filled > 0) town_answer(server, connection, request);
        close(connection);
    }
    return NULL;
}

static inline void town_start(struct town_server *server, const struct light_chain *chain,
                              uint64_t tip)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->chain = chain;
    server->tip = tip;
    server->every = 1;
    server->text = malloc(TOWN_TEXT_BYTES + TOWN_PIECE_BYTES);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->text == NULL || bind(server->listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    if (pthread_create(&server->thread, NULL, town_serve, server) != 0) abort();
}

static inline void town_end(struct town_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    close(server->listener);
    pthread_join(server->thread, NULL);
    free(server->text);
}

#endif /* TESTS_NODE_LIGHT_TOWN_H */
