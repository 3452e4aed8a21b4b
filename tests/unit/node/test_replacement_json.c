#include "node/replacement.h"

#include "tests/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 16

/* What the exchange answers, in order; it must be asked exactly that. */
struct line {
    const char *asked; /* found in the request */
    int http_status;
    const char *body;
};

struct exchange {
    int listener;
    const struct line *lines;
    uint32_t line_count;
    uint32_t wrong; /* requests that were others */
    char url[64];
    pthread_t thread;
};

static void answer_one(struct exchange *exchange, int connection, const struct line *line)
{
    static char request[16384], answer[8192];
    size_t filled = 0, wanted = SIZE_MAX;
    while (filled < wanted && filled + 1 < sizeof(request)) {
        const ssize_t got = recv(connection, request + filled, sizeof(request) - 1 - filled, 0);
        if (got <= 0) break;
        filled += (size_t)got;
        request[filled] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "content-length:");
        if (end != NULL)
            wanted =
                (size_t)(end + 4 - request) + (length == NULL ? 0 : strtoul(length + 15, NULL, 10));
    }
    exchange->wrong += strstr(request, line->asked) == NULL;
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 %d OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             line->http_status, strlen(line->body), line->body);
    send(connection, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *serve(void *context)
{
    struct exchange *exchange = context;
    for (uint32_t i = 0; i < exchange->line_count; i++) {
        const int connection = accept(exchange->listener, NULL, NULL);
        answer_one(exchange, connection, &exchange->lines[i]);
        close(connection);
    }
    return NULL;
}

static const struct replacement wanted = {.old_node = 2,
                                          .new_node = 5,
                                          .public_key = "aa",
                                          .address = "host:7001",
                                          .wait_ms = 20,
                                          .ask_ms = 1};

/* Runs the replacement against these answers; all must have been asked for. */
static int play(const struct line *lines, uint32_t line_count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES];
    struct exchange exchange = {
        .lines = lines, .line_count = line_count, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(hash_start());
    crypto_sign_keypair(public_key, secret_key);
    assert_int_equal(bind(exchange.listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(exchange.listener, 4), 0);
    assert_int_equal(getsockname(exchange.listener, (struct sockaddr *)&address, &length), 0);
    snprintf(exchange.url, sizeof(exchange.url), "http://127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&exchange.thread, NULL, serve, &exchange), 0);
    struct client *client = client_new(exchange.url);
    const int code = replacement_perform(client, secret_key, &wanted);
    client_free(client);
    assert_int_equal(pthread_join(exchange.thread, NULL), 0);
    close(exchange.listener);
    assert_int_equal(exchange.wrong, 0);
    return code;
}

#define ADD  "action=node-add&node=5&publicKey=aa&address=host%3A7001&nonce="
#define SWAP "action=node-swap&oldNode=2&newNode=5&nonce="
#define ASK  "GET /quorex/v1/status"
#define PENDING \
    "{\"code\":-1008,\"msg\":\"The last change of the node set does not count yet. Please try " \
    "again.\"}"
#define SILENT \
    "{\"code\":-1130,\"msg\":\"The node has not said HELLO: it must run before it can vote.\"}"
#define USED "{\"code\":-1130,\"msg\":\"A node id must be above every one that was ever used.\"}"
#define LOST \
    "{\"code\":-1130,\"msg\":\"Too few of the voters that would remain have voted of late: the " \
    "chain would stop.\"}"
#define NEWS(height, role, up) \
    "{\"height\":1000,\"peers\":[{\"node\":3,\"role\":\"leader\",\"up\":true,\"height\":1000}," \
    "{\"node\":5,\"role\":\"" role "\",\"up\":" up ",\"height\":" #height "}]}"

/* Added, waited for, swapped; what is not its time yet is asked again. */
TEST(replacement, goes_step_by_step)
{
    static const struct line lines[] = {
        {ADD, 400, PENDING},
        {ADD, 200, "{}"},
        {ASK, 200, NEWS(0, "standby", "false")},
        {ASK, 200, NEWS(900, "standby", "true")},
        {ASK, 200, NEWS(990, "standby", "true")},
        {SWAP, 400, SILENT},
        {SWAP, 200, "{}"},
    };
    assert_int_equal(play(lines, 7), 0);
}

/* A second run goes on where the first one was cut off, also behind the swap. */
TEST(replacement, goes_on_where_it_was)
{
    static const struct line again[] = {
        {ADD, 400, USED}, {ASK, 200, NEWS(999, "standby", "true")}, {SWAP, 200, "{}"}};
    assert_int_equal(play(again, 3), 0);
    static const struct line over[] = {{ADD, 400, USED}, {ASK, 200, NEWS(999, "follower", "true")}};
    assert_int_equal(play(over, 2), 0);
}

/* What is refused for good is said and ends it; so does time. */
TEST(replacement, ends_at_a_refusal)
{
    static const struct line lines[] = {
        {ADD, 200, "{}"}, {ASK, 200, NEWS(999, "standby", "true")}, {SWAP, 400, LOST}};
    assert_int_equal(play(lines, 3), 1);
    static struct line late[23] = {{ADD, 200, "{}"}};
    for (uint32_t i = 1; i < 22; i++)
        late[i] = (struct line){ASK, 200, NEWS(100, "standby", "true")};
    assert_int_equal(play(late, 22), 1); /* 20 ms, and one question before them */
}

TEST(replacement, reads_what_a_status_says)
{
    assert_int_equal(replacement_news(NEWS(979, "standby", "true"), 5), REPLACEMENT_BEHIND);
    assert_int_equal(replacement_news(NEWS(980, "standby", "true"), 5), REPLACEMENT_FOLLOWS);
    assert_int_equal(replacement_news(NEWS(1001, "standby", "true"), 5), REPLACEMENT_FOLLOWS);
    assert_int_equal(replacement_news(NEWS(999, "standby", "false"), 5), REPLACEMENT_UNKNOWN);
    assert_int_equal(replacement_news(NEWS(999, "standby", "true"), 6), REPLACEMENT_UNKNOWN);
    assert_int_equal(replacement_news(NEWS(999, "leader", "true"), 5), REPLACEMENT_VOTES);
    assert_int_equal(replacement_news("{}", 5), REPLACEMENT_NONSENSE);
    assert_int_equal(replacement_news("no json", 5), REPLACEMENT_NONSENSE);
}

TEST(replacement, needs_all_its_keys)
{
    char *pairs[] = {"oldNode=2", "newNode=5", "publicKey=00ff", "address=host:7001", "wait=9"};
    struct replacement replacement;
    assert_true(replacement_read(5, pairs, &replacement));
    assert_int_equal(replacement.old_node, 2);
    assert_int_equal(replacement.new_node, 5);
    assert_string_equal(replacement.public_key, "00ff");
    assert_string_equal(replacement.address, "host:7001");
    assert_int_equal(replacement.wait_ms, 9000);
    assert_true(replacement_read(4, pairs, &replacement));
    assert_int_equal(replacement.wait_ms, 1000 * REPLACEMENT_WAIT_S);
    for (int missing = 1; missing < 4; missing++)
        assert_false(replacement_read(missing, pairs, &replacement));
    pairs[0] = "oldNode=two";
    assert_false(replacement_read(5, pairs, &replacement));
    pairs[0] = "oldNode=2";
    pairs[2] = "publicKey=xy";
    assert_false(replacement_read(5, pairs, &replacement));
    pairs[2] = "publicKey=00";
    pairs[3] = "address=a&b";
    assert_false(replacement_read(5, pairs, &replacement));
}
