#include "node/join.h"

#include "common/log.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/init.h"
#include "node/key_file.h"
#include "node/trusted.h"
#include "tests/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

static char folder[32], url[64], secrets[64];
static char *genesis_text;
static size_t genesis_bytes;
static const char *validators;
static int listener;
static pthread_t thread;
static uint32_t asked; /* paths that are known */

/* ---- The exchange: says who its validators are and what its genesis is. ---- */

static void answer(int connection)
{
    static char request[8192];
    char head[128];
    size_t filled = 0;
    request[0] = '\0';
    while (strstr(request, "\r\n\r\n") == NULL && filled + 1 < sizeof(request)) {
        const ssize_t got = recv(connection, request + filled, sizeof(request) - 1 - filled, 0);
        if (got <= 0) return;
        filled += (size_t)got;
        request[filled] = '\0';
    }
    const bool wants_genesis = strncmp(request, "GET /quorex/v1/genesis ", 23) == 0;
    const bool wants_validators = strncmp(request, "GET /quorex/v1/validators", 25) == 0;
    const char *body = wants_genesis ? genesis_text : wants_validators ? validators : "{}";
    const size_t body_bytes = wants_genesis ? genesis_bytes : strlen(body);
    asked += wants_genesis || wants_validators;
    const int length =
        snprintf(head, sizeof(head),
                 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", body_bytes);
    send(connection, head, (size_t)length, MSG_NOSIGNAL);
    send(connection, body, body_bytes, MSG_NOSIGNAL);
}

static void *serve(void *context)
{
    (void)context;
    for (int connection; (connection = accept(listener, NULL, NULL)) >= 0; close(connection))
        answer(connection);
    return NULL;
}

static void exchange_begin(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    asked = 0;
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

/* A chain of four nodes, whose genesis is served. */
static void begin(const char *said)
{
    char path[FILE_PATH_MAX];
    assert_true(hash_start());
    log_set_level(LOG_ERROR + 1);
    memcpy(folder, "/tmp/quorex-join-XXXXXX", 24);
    assert_non_null(mkdtemp(folder));
    const struct init_options options = {.directory = folder,
                                         .chain_name = "join",
                                         .host = "127.0.0.1",
                                         .database = "",
                                         .nodes = 4,
                                         .checkpoint_blocks = 10,
                                         .port = 18080,
                                         .demo = true};
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_true(file_path(path, folder, "genesis.json"));
    assert_int_equal(file_read(path, &genesis_text, &genesis_bytes), STATUS_OK);
    snprintf(secrets, sizeof(secrets), "%s/node-0/keys", folder);
    validators = said;
    exchange_begin();
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static void end(void)
{
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    free(genesis_text);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Without what it prints. */
static int join(const char *const arguments[])
{
    char *argv[ARGUMENTS_MAX];
    int argc = 0;
    for (argv[argc++] = "join"; *arguments != NULL; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    argv[argc] = NULL;
    optind = 0; /* another command line */
    fflush(NULL);
    const int nowhere = open("/dev/null", O_WRONLY);
    const int out = dup(STDOUT_FILENO), error = dup(STDERR_FILENO);
    assert_true(dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    const int code = join_main(argc, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    close(nowhere);
    close(out);
    close(error);
    return code;
}

static const char *inside(const char *name)
{
    static char path[FILE_PATH_MAX];
    assert_true(file_path(path, folder, name));
    return path;
}

static const char four[] = "{\"validators\":[{\"node\":1},{\"node\":2},{\"node\":3},{\"node\":4}],"
                           "\"standbys\":[{\"node\":9}]}";

/* Wrong words change nothing and ask nobody. */
TEST(join, wrong_usage_is_two)
{
    begin(four);
    assert_int_equal(join((const char *[]){NULL}), 2);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from", url, NULL}),
                     2);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "four", "--from", url,
                                           "--secrets", secrets, NULL}),
                     2);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "1000", "--from", url,
                                           "--secrets", secrets, NULL}),
                     2);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from", url,
                                           "--secrets", secrets, "--port", "70000", NULL}),
                     2);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from", url,
                                           "--secrets", secrets, "more", NULL}),
                     2);
    assert_int_equal(join((const char *[]){"--unknown", NULL}), 2);
    assert_int_equal(join((const char *[]){"--help", NULL}), 0);
    assert_int_equal(asked, 0);
    assert_int_not_equal(access(inside("node-4"), F_OK), 0);
    end();
}

/* A new folder: a key of its own, an id nobody has, the chain's genesis and the secrets that all share, and the
 * files of a node that has neither voted nor signed. */
TEST(join, makes_a_new_identity)
{
    uint8_t ours[HASH_BYTES], theirs[HASH_BYTES], key[SECRET_KEY_BYTES];
    char *text;
    size_t byte_count;
    static struct genesis genesis;
    begin(four);
    const char *const arguments[] = {"--data", folder,      "--number", "4", "--from",
                                     url,      "--secrets", secrets,    NULL};
    assert_int_equal(join(arguments), 0);
    assert_int_equal(genesis_read(inside("node-4/genesis.json"), &genesis), STATUS_OK);
    assert_int_equal(file_read(inside("node-4/genesis.json"), &text, &byte_count), STATUS_OK);
    assert_int_equal(byte_count, genesis_bytes);
    assert_memory_equal(text, genesis_text, byte_count);
    free(text);
    assert_int_equal(file_read(inside("node-4/quorex.conf"), &text, &byte_count), STATUS_OK);
    assert_non_null(strstr(text, "\nnode = 10\n"));
    assert_non_null(strstr(text, "\nport = 8084\n"));
    assert_non_null(strstr(text, "\npeer_port = 8589\n")); /* of the id, so that no other had it */
    free(text);
    static const char *const names[][2] = {
        {"node-4/keys/tree-secret-1", "node-0/keys/tree-secret-1"},
        {"node-4/keys/gateway-secret-1", "node-0/keys/gateway-secret-1"}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(key_file_read(inside(names[i][0]), ours, sizeof(ours)), STATUS_OK);
        assert_int_equal(key_file_read(inside(names[i][1]), theirs, sizeof(theirs)), STATUS_OK);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
    assert_int_equal(key_file_read_ed25519(inside("node-4/keys/node.key"), key), STATUS_OK);
    for (uint32_t i = 0; i < genesis.validators.count; i++)
        assert_memory_not_equal(key_file_public(key), genesis.validators.members[i].public_key,
                                PUBLIC_KEY_BYTES);
    assert_int_equal(access(inside("node-4/sign-once"), F_OK), 0);
    assert_int_equal(file_read(inside("node-4/members"), &text, &byte_count), STATUS_OK);
    assert_string_equal(text, four); /* whom to ask */
    free(text);

    /* Again: what is there is an identity, and stays. */
    uint8_t again[SECRET_KEY_BYTES];
    assert_int_equal(join(arguments), 1);
    assert_int_equal(key_file_read_ed25519(inside("node-4/keys/node.key"), again), STATUS_OK);
    assert_memory_equal(again, key, sizeof(key));
    end();
}

/* An exchange that says nothing of use ends it, with the folder not made or said to be wrong. */
TEST(join, answers_are_outside_input)
{
    static const char *const said[] = {"", "[]", "{}", "{\"validators\":[]}",
                                       "{\"validators\":[{\"node\":-3}]}"};
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        begin(said[i]);
        assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from", url,
                                               "--secrets", secrets, NULL}),
                         1);
        assert_int_not_equal(access(inside("node-4"), F_OK), 0);
        end();
    }
    begin(four);
    memset(genesis_text, ' ', genesis_bytes);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from", url,
                                           "--secrets", secrets, NULL}),
                     1);
    end();
}

TEST(join, nobody_answers)
{
    begin(four);
    assert_int_equal(join((const char *[]){"--data", folder, "--number", "4", "--from",
                                           "http://127.0.0.1:1", "--secrets", secrets, NULL}),
                     1);
    assert_int_not_equal(access(inside("node-4"), F_OK), 0);
    end();
}

/* An operator's word is a hash; whoever answers must show the validators that have it, and the node keeps them. */
TEST(join, operator_s_word_is_kept_when_the_hash_is_right)
{
    static struct trusted trusted;
    static struct genesis genesis;
    char word[128], said[4096], key[2 * PUBLIC_KEY_BYTES + 1];
    begin(four);
    assert_int_equal(genesis_read(inside("genesis.json"), &genesis), STATUS_OK);
    size_t used = (size_t)snprintf(said, sizeof(said), "{\"validators\":[");
    for (uint32_t i = 0; i < 4; i++) {
        hash_hex(genesis.validators.members[i].public_key, PUBLIC_KEY_BYTES, key);
        used +=
            (size_t)snprintf(said + used, sizeof(said) - used,
                             "%s{\"node\":%u,\"publicKey\":\"%s\"}", i > 0 ? "," : "", i + 1, key);
    }
    snprintf(said + used, sizeof(said) - used, "]}");
    validators = said;
    hash_hex(validator_set_hash(&genesis.validators).bytes, HASH_BYTES, key);
    snprintf(word, sizeof(word), "77:%s", key);
    const char *const arguments[] = {"--data",    folder,  "--number", "4",  "--from", url,
                                     "--secrets", secrets, "--trust",  word, NULL};
    word[3] = word[3] == '0' ? '1' : '0'; /* another hash */
    assert_int_equal(join(arguments), 1);
    assert_int_not_equal(access(inside("node-4"), F_OK), 0);
    snprintf(word, sizeof(word), "77:%s", key);
    assert_int_equal(join(arguments), 0);
    assert_int_equal(trusted_read(inside("node-4/trusted"), &trusted), STATUS_OK);
    assert_int_equal(trusted.height, 77);
    assert_true(
        hash_equal(validator_set_hash(&trusted.set), validator_set_hash(&genesis.validators)));
    snprintf(word, sizeof(word), "77");
    assert_int_equal(join(arguments), 2);
    end();
}
