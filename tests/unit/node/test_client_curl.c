#include "node/client.h"

#include "common/form.h"
#include "node/admin.h"
#include "tests/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that takes one request, keeps it, and answers as told. */
struct peer {
    int listener;
    const char *answer;
    char request[8192];
    char url[64];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct peer *peer = context;
    const int connection = accept(peer->listener, NULL, NULL);
    size_t filled = 0, wanted = SIZE_MAX;
    while (filled < wanted && filled + 1 < sizeof(peer->request)) {
        const ssize_t got =
            recv(connection, peer->request + filled, sizeof(peer->request) - 1 - filled, 0);
        if (got <= 0) break;
        filled += (size_t)got;
        peer->request[filled] = '\0';
        const char *end = strstr(peer->request, "\r\n\r\n");
        const char *length = strcasestr(peer->request, "content-length:");
        if (end != NULL)
            wanted = (size_t)(end + 4 - peer->request) +
                     (length == NULL ? 0 : strtoul(length + 15, NULL, 10));
    }
    if (peer->answer != NULL) send(connection, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
    close(connection);
    return NULL;
}

static void peer_start(struct peer *peer, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    *peer = (struct peer){.answer = answer, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(peer->listener, 1), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%u/",
             (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_end(struct peer *peer)
{
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    close(peer->listener);
}

static const char fine[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}";

/* The text that is signed is the text that is sent, and the signature stands last. */
TEST(client, signs_the_query_as_sent)
{
    static struct peer peer;
    const struct client_key key = {.api_key = "abc", .secret_key = "secret"};
    peer_start(&peer, fine);
    struct client *client = client_new(peer.url);
    assert_non_null(client);
    const struct client_answer answer =
        client_send_signed(client, "GET", "/api/v3/order", "symbol=A&orderId=1", &key);
    assert_int_equal(answer.http_status, 200);
    assert_string_equal(answer.body, "{\"a\":1}");
    peer_end(&peer);

    assert_non_null(strstr(peer.request, "X-MBX-APIKEY: abc\r\n"));
    const char *head = "GET /api/v3/order?";
    assert_memory_equal(peer.request, head, strlen(head));
    char *query = peer.request + strlen(head);
    char *signature = strstr(query, "&signature=");
    assert_non_null(signature);
    *signature = '\0';
    signature += strlen("&signature=");
    assert_int_equal(strcspn(signature, " "), 64);

    uint8_t code[32], wanted[32];
    assert_true(hash_from_hex(signature, 64, code, 32));
    crypto_auth_hmacsha256_state hmac;
    crypto_auth_hmacsha256_init(&hmac, (const uint8_t *)"secret", 6);
    crypto_auth_hmacsha256_update(&hmac, (const uint8_t *)query, strlen(query));
    crypto_auth_hmacsha256_final(&hmac, wanted);
    assert_memory_equal(code, wanted, 32);
    client_free(client);
}

/* The operator's signature is over the form without it, and decodes from the form as base64. */
TEST(admin, signs_the_form_with_nonce_and_time)
{
    static struct peer peer;
    static struct form form;
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES], signature[SIGNATURE_BYTES];
    crypto_sign_keypair(public_key, secret_key);
    peer_start(&peer, fine);
    struct client *client = client_new(peer.url);
    assert_int_equal(admin_send(client, secret_key, "action=credit&amount=5").http_status, 200);
    peer_end(&peer);
    client_free(client);

    assert_memory_equal(peer.request, "POST /quorex/v1/admin ", 22);
    char *body = strstr(peer.request, "\r\n\r\n") + 4;
    char header[128] = "X-Quorex-Operator: ";
    hash_hex(public_key, sizeof(public_key), header + strlen(header));
    assert_non_null(strstr(peer.request, header));
    assert_true(form_parse(&form, "", 0, body, strlen(body)));
    const struct form_field *encoded = form_find(&form, "signature");
    assert_non_null(encoded);
    assert_non_null(form_find(&form, "nonce"));
    assert_non_null(form_find(&form, "timestamp"));
    size_t length;
    assert_int_equal(sodium_base642bin(signature, sizeof(signature), encoded->value,
                                       encoded->value_bytes, NULL, &length, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_true(
        hash_verify(public_key, body, (size_t)(strstr(body, "&signature=") - body), signature));
}

TEST(client, reports_how_long_to_wait)
{
    static struct peer peer;
    peer_start(&peer, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n");
    struct client *client = client_new(peer.url);
    const struct client_answer answer = client_send(client, "GET", "/", "", NULL);
    assert_int_equal(answer.http_status, 429);
    assert_int_equal(answer.retry_after_s, 17);
    peer_end(&peer);
    client_free(client);
}

/* Silence is not an answer: status 0, and a reason to show. */
TEST(client, tells_silence_from_an_answer)
{
    static struct peer peer;
    peer_start(&peer, NULL);
    struct client *client = client_new(peer.url);
    const struct client_answer answer = client_send(client, "GET", "/", "", NULL);
    assert_int_equal(answer.http_status, 0);
    assert_true(strlen(answer.body) > 0);
    peer_end(&peer);
    assert_int_equal(client_send(client, "GET", "/", "", NULL).http_status, 0);
    client_free(client);
}
