#include "node/reconciliation.h"

#include "tests/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct reconciliation reconciliation;

/* What it says to a person goes nowhere until `hush_end`. */
static int hush_begin(void)
{
    const int error = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(nowhere, STDERR_FILENO) >= 0);
    close(nowhere);
    return error;
}

static void hush_end(int error)
{
    dup2(error, STDERR_FILENO);
    close(error);
}

static bool read_pair(const char *pair)
{
    char *pairs[] = {(char *)(uintptr_t)pair};
    const int error = hush_begin();
    const bool read = reconciliation_read(1, pairs, &reconciliation);
    hush_end(error);
    return read;
}

TEST(reconciliation, pairs_are_read_strictly)
{
    assert_true(reconciliation_read(0, NULL, &reconciliation));
    assert_int_equal(reconciliation.seconds, RECONCILIATION_SECONDS);
    assert_true(reconciliation.database);
    assert_true(read_pair("seconds=86400"));
    assert_int_equal(reconciliation.seconds, 86400);
    assert_true(read_pair("database=false"));
    assert_false(reconciliation.database);
    assert_false(read_pair("seconds=0"));
    assert_false(read_pair("seconds=86401"));
    assert_false(read_pair("seconds=5s"));
    assert_false(read_pair("seconds="));
    assert_false(read_pair("database=maybe"));
    assert_false(read_pair("account=1"));
}

/* Nobody there: no answer is told as that, not as a good end. */
TEST(reconciliation, no_answer_is_not_a_good_one)
{
    const uint8_t seed[32] = {1};
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES];
    assert_true(hash_start());
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    struct client *client = client_new("http://127.0.0.1:25999");
    assert_non_null(client);
    reconciliation = (struct reconciliation){.seconds = 1};
    assert_int_equal(reconciliation_perform(client, secret_key, &reconciliation), 3);
    client_free(client);
}

/* ---- exit codes ---- */

/* A node that gives each request the next of its answers, and the last for ever. */
struct node {
    int listener;
    const char *const *answers; /* what its JSON is; "": it refuses */
    char url[64];
    pthread_t thread;
};

static void give(int connection, const char *json)
{
    char asked[8192], answer[1024];
    size_t filled = 0;
    ssize_t got;
    do {
        got = recv(connection, asked + filled, sizeof(asked) - 1 - filled, 0);
        filled += got > 0 ? (size_t)got : 0;
        asked[filled] = '\0';
    } while (got > 0 && strstr(asked, "\r\n\r\n") == NULL);
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             *json == '\0' ? "401 No" : "200 OK", strlen(json), json);
    send(connection, answer, strlen(answer), MSG_NOSIGNAL);
    shutdown(connection, SHUT_WR);
    while (recv(connection, asked, sizeof(asked), 0) > 0)
        ; /* or what was not read would reset what was sent */
    close(connection);
}

static void *serve(void *context)
{
    struct node *node = context;
    const char *const *answer = node->answers;
    for (int connection; (connection = accept(node->listener, NULL, NULL)) >= 0;) {
        give(connection, *answer);
        if (answer[1] != NULL) answer++;
    }
    return NULL;
}

/* The exit code for a node that answers so: the first is to the request for a pass. */
static int exit_code(const char *const *answers, const struct reconciliation *asked)
{
    const uint8_t seed[32] = {1};
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    struct node node = {.answers = answers, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(hash_start());
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    assert_int_equal(bind(node.listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(node.listener, 8), 0);
    assert_int_equal(getsockname(node.listener, (struct sockaddr *)&address, &length), 0);
    snprintf(node.url, sizeof(node.url), "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&node.thread, NULL, serve, &node), 0);
    struct client *client = client_new(node.url);
    assert_non_null(client);
    const int error = hush_begin();
    const int code = reconciliation_perform(client, secret_key, asked);
    hush_end(error);
    client_free(client);
    shutdown(node.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(node.thread, NULL), 0);
    close(node.listener);
    return code;
}

#define STATE(halted, wrong, own, database) \
    "{\"asked\":2,\"halted\":" halted ",\"databaseWrong\":" wrong ",\"state\":{\"answered\":" own \
    "},\"database\":{\"answered\":" database "}}"

static const struct reconciliation all = {.seconds = 20, .database = true}, own = {.seconds = 20},
                                   brief = {.seconds = 1, .database = true};

/* 1: something differs. A node that has halted has found that by itself: before the pass was asked for, in the middle of
 * it, or though its passes are all said to be over. */
TEST(reconciliation, a_halted_node_is_exit_code_1)
{
    static const char *const before[] = {STATE("true", "false", "0", "0"), NULL};
    static const char *const amid[] = {STATE("false", "false", "1", "1"),
                                       STATE("false", "false", "1", "1"),
                                       STATE("true", "false", "1", "1"), NULL};
    static const char *const after[] = {STATE("true", "false", "2", "2"), NULL};
    assert_int_equal(exit_code(before, &all), 1);
    assert_int_equal(exit_code(amid, &all), 1);
    assert_int_equal(exit_code(after, &all), 1);
    assert_int_equal(exit_code(after, &own), 1);
}

/* A wrong database is 1 to whoever asks for it; who is refused gets 1; what is not over in time is unknown, 3. */
TEST(reconciliation, other_ends_have_their_codes)
{
    static const char *const fine[] = {STATE("false", "false", "1", "1"),
                                       STATE("false", "false", "2", "1"),
                                       STATE("false", "false", "2", "2"), NULL};
    static const char *const wrong[] = {STATE("false", "true", "2", "1"), NULL};
    static const char *const slow[] = {STATE("false", "false", "2", "1"), NULL};
    static const char *const refused[] = {"", NULL};
    assert_int_equal(exit_code(fine, &all), 0);
    assert_int_equal(exit_code(wrong, &all), 1);
    assert_int_equal(exit_code(wrong, &own), 0);
    assert_int_equal(exit_code(slow, &own), 0);
    assert_int_equal(exit_code(slow, &brief), 3);
    assert_int_equal(exit_code(refused, &all), 1);
}
