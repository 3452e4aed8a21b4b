/* How long does a holder wait for a proof of his account, or for any other GET?
 *
 *     bench_proofs --port P [--rate 200] [--seconds 20] [--connections 32] --path /quorex/v1/status
 *     bench_proofs --port P … --seed HEX --key HEX --first HEIGHT --last HEIGHT
 *
 * Open loop: requests leave at set times, whether or not those before were answered, each on a connection of its own
 * for as long as it takes, and are timed from when they were due. The second form asks for the account's proof at a
 * random height from `first` to `last`, signed by the Ed25519 key of the seed; what is sent next is signed before it
 * is due.
 *
 * Prints one JSON object, milliseconds: p50, p99, p999, max; `late`, the p99 of how long after it was due a request left,
 * which is this client's own part; and its processor time per request. Exit 1 when any answer was not 200. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define ANSWER_MAX      (256 * 1024)

struct connection {
    struct connection *next_free;
    int descriptor;
    uint64_t due_ns;
    size_t received;
    char answer[ANSWER_MAX];
};

static struct {
    unsigned long port, rate, seconds, connections, first, last;
    const char *path, *key;
    bool has_seed;
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
} run = {.rate = 200, .seconds = 20, .connections = 32};

static struct connection *first_free;
static uint64_t *waits, *lates;
static size_t wait_count, sent_count, error_count;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "bench_proofs: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int write_plain(char *request, size_t capacity)
{
    return snprintf(request, capacity, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", run.path);
}

static int write_signed(char *request, size_t capacity)
{
    char text[128], base64[128], escaped[3 * sizeof(base64)], *at = escaped;
    unsigned char signature[crypto_sign_BYTES];
    const uint64_t height = run.first + randombytes_uniform((uint32_t)(run.last - run.first + 1));
    const int text_bytes =
        snprintf(text, sizeof(text), "height=%llu&timestamp=%llu", (unsigned long long)height,
                 (unsigned long long)(now_ns(CLOCK_REALTIME) / 1000000));
    crypto_sign_detached(signature, NULL, (const unsigned char *)text,
                         (unsigned long long)text_bytes, run.secret);
    sodium_bin2base64(base64, sizeof(base64), signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    for (const char *from = base64; *from != '\0'; from++) {
        const bool plain = *from != '+' && *from != '/' && *from != '=';
        if (plain)
            *at++ = *from;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned)*from);
    }
    *at = '\0';
    return snprintf(request, capacity,
                    "GET /quorex/v1/proofs/account?%s&signature=%s HTTP/1.1\r\nHost: bench\r\n"
                    "X-MBX-APIKEY: %s\r\n\r\n",
                    text, escaped, run.key);
}

/* Whether the answer is there whole. */
static bool is_whole(const struct connection *connection)
{
    const char *body = strstr(connection->answer, "\r\n\r\n");
    if (body == NULL) return false;
    const char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (length == NULL || length > body) fail("an answer without Content-Length");
    const size_t body_bytes = strtoul(length + 17, NULL, 10);
    return connection->received >= (size_t)(body + 4 - connection->answer) + body_bytes;
}

static void receive(struct connection *connection)
{
    const ssize_t got = recv(connection->descriptor, connection->answer + connection->received,
                             sizeof(connection->answer) - 1 - connection->received, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("the server closed a connection");
    connection->received += (size_t)got;
    connection->answer[connection->received] = '\0';
    if (!is_whole(connection)) return;
    if (strncmp(connection->answer, "HTTP/1.1 200", 12) != 0 && error_count++ == 0)
        fprintf(stderr, "bench_proofs: first error: %s\n", connection->answer);
    waits[wait_count++] = now_ns(CLOCK_MONOTONIC) - connection->due_ns;
    connection->next_free = first_free;
    first_free = connection;
}

static void receive_until(int poller, uint64_t until_ns)
{
    struct epoll_event events[64];
    for (uint64_t now = now_ns(CLOCK_MONOTONIC); now < until_ns; now = now_ns(CLOCK_MONOTONIC)) {
        const struct timespec left = {.tv_sec = (time_t)((until_ns - now) / 1000000000u),
                                      .tv_nsec = (long)((until_ns - now) % 1000000000u)};
        const int count = epoll_pwait2(poller, events, 64, &left, NULL);
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr);
    }
}

static void connect_all(int poller)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)run.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    struct connection *connections = calloc(run.connections, sizeof(*connections));
    if (connections == NULL) fail("memory");
    for (size_t i = 0; i < run.connections; i++) {
        struct connection *connection = &connections[i];
        connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection->descriptor, (const struct sockaddr *)&address, sizeof(address)) !=
            0)
            fail("connect");
        setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct epoll_event watch = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &watch);
        connection->next_free = first_free;
        first_free = connection;
    }
}

static void play(size_t count)
{
    char request[1024];
    const int poller = epoll_create1(0);
    connect_all(poller);
    const uint64_t begin = now_ns(CLOCK_MONOTONIC) + 10000000u;
    for (size_t number = 0; number < count; number++) {
        const int length = run.has_seed ? write_signed(request, sizeof(request))
                                        : write_plain(request, sizeof(request));
        const uint64_t due = begin + number * 1000000000u / run.rate;
        receive_until(poller, due);
        while (first_free == NULL)
            receive_until(poller, now_ns(CLOCK_MONOTONIC) + 100000u);
        struct connection *connection = first_free;
        first_free = connection->next_free;
        connection->due_ns = due;
        connection->received = 0;
        lates[sent_count++] = now_ns(CLOCK_MONOTONIC) - due;
        if (send(connection->descriptor, request, (size_t)length, MSG_NOSIGNAL) != length)
            fail("send");
    }
    for (int tries = 0; wait_count < count && tries < 1000; tries++)
        receive_until(poller, now_ns(CLOCK_MONOTONIC) + 10000000u);
    if (wait_count < count) fail("an answer did not come");
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double quantile(const uint64_t *samples, size_t count, size_t per_10000)
{
    return count == 0 ? 0 : (double)samples[(count - 1) * per_10000 / 10000] / 1e6;
}

static double processor_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void read_seed(const char *hex)
{
    unsigned char seed[crypto_sign_SEEDBYTES], public_key[crypto_sign_PUBLICKEYBYTES];
    size_t byte_count;
    errno = EINVAL;
    if (sodium_hex2bin(seed, sizeof(seed), hex, strlen(hex), NULL, &byte_count, NULL) != 0 ||
        byte_count != sizeof(seed))
        fail("--seed");
    crypto_sign_seed_keypair(public_key, run.secret, seed);
    run.has_seed = true;
}

static void read_options(int argc, char **argv)
{
    const struct {
        const char *name;
        unsigned long *number;
        const char **text;
    } options[] = {{"--port", &run.port, NULL},       {"--rate", &run.rate, NULL},
                   {"--seconds", &run.seconds, NULL}, {"--connections", &run.connections, NULL},
                   {"--first", &run.first, NULL},     {"--last", &run.last, NULL},
                   {"--path", NULL, &run.path},       {"--key", NULL, &run.key}};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) read_seed(argv[i + 1]);
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
            if (strcmp(argv[i], options[k].name) != 0) continue;
            if (options[k].number != NULL) *options[k].number = strtoul(argv[i + 1], NULL, 10);
            if (options[k].text != NULL) *options[k].text = argv[i + 1];
        }
    }
    errno = EINVAL;
    if (run.has_seed ? run.key == NULL || run.last < run.first : run.path == NULL)
        fail("--path, or --seed, --key, --first and --last");
    if (run.connections < 1 || run.connections > CONNECTIONS_MAX || run.rate < 1) fail("options");
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) fail("libsodium");
    read_options(argc, argv);
    const size_t count = run.rate * run.seconds;
    waits = calloc(count + 1, sizeof(*waits));
    lates = calloc(count + 1, sizeof(*lates));
    if (waits == NULL || lates == NULL) fail("memory");
    prctl(PR_SET_TIMERSLACK, 1000ul); /* ns: a request is to leave when it is due */
    const double before = processor_us();
    play(count);
    qsort(waits, wait_count, sizeof(*waits), compare);
    qsort(lates, sent_count, sizeof(*lates), compare);
    printf("{\"requests\":%zu,\"errors\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f,"
           "\"late\":%.3f,\"client_us\":%.1f}\n",
           wait_count, error_count, quantile(waits, wait_count, 5000),
           quantile(waits, wait_count, 9900), quantile(waits, wait_count, 9990),
           quantile(waits, wait_count, 10000), quantile(lates, sent_count, 9900),
           (processor_us() - before) / (double)(count > 0 ? count : 1));
    return error_count == 0 ? 0 : 1;
}
