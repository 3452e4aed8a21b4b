/* How many signed orders a second does a running node acknowledge, and how long does one take?
 *
 *     bench_orders --port P --accounts DIR/accounts.json [--connections 64] [--seconds 10]
 *                  [--constant PATH]
 *
 * Keep-alive connections, one request in flight on each. Orders are LIMIT, alternating between the two
 * demo accounts and between sides at one price, so that about half of them match. --constant sends
 * plain GETs of PATH instead: the yardstick, against the same server or bench_constant's.
 *
 * Prints one JSON object: requests, errors, seconds, per_second, p50_us, p99_us, p999_us, max_us.
 * Exit 1 when any answer was not 200.
 */

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SAMPLES_MAX     8000000

struct account {
    char key[128];
    char secret[128];
};

struct connection {
    int descriptor;
    uint64_t sent_ns;
    size_t received;
    char answer[16384];
};

struct run {
    int port, connection_count, seconds;
    const char *constant; /* NULL: orders */
    struct account accounts[2];
    uint64_t order_count, error_count;
    uint32_t *samples; /* microseconds x 10 */
    size_t sample_count;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_orders: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void read_accounts(struct run *run, const char *path)
{
    json_t *root = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < 2; i++) {
        const json_t *item = json_array_get(root, i);
        const char *key = json_string_value(json_object_get(item, "apiKey"));
        const char *secret = json_string_value(json_object_get(item, "secretKey"));
        if (key == NULL || secret == NULL) fail(path);
        snprintf(run->accounts[i].key, sizeof(run->accounts[i].key), "%s", key);
        snprintf(run->accounts[i].secret, sizeof(run->accounts[i].secret), "%s", secret);
    }
    json_decref(root);
}

static int order_request(struct run *run, char *request, size_t capacity)
{
    const uint64_t n = run->order_count++;
    const struct account *account = &run->accounts[n & 1];
    /* Each account sells, then buys, so that neither runs dry. */
    const bool is_buy = ((n ^ n >> 1) & 1) != 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);

    char text[512];
    const int text_bytes = snprintf(
        text, sizeof(text),
        "symbol=BTCUSDT&side=%s&type=LIMIT&timeInForce=GTC&quantity=0.00100&price=50000.00&"
        "newOrderRespType=RESULT&timestamp=%lld",
        is_buy ? "BUY" : "SELL", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);

    unsigned char mac[32];
    unsigned int mac_bytes = sizeof(mac);
    HMAC(EVP_sha256(), account->secret, (int)strlen(account->secret), (unsigned char *)text,
         (size_t)text_bytes, mac, &mac_bytes);
    char hex[65];
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);

    return snprintf(request, capacity,
                    "POST /api/v3/order?%s&signature=%s HTTP/1.1\r\nHost: bench\r\n"
                    "X-MBX-APIKEY: %s\r\nContent-Length: 0\r\n\r\n",
                    text, hex, account->key);
}

static void send_next(struct run *run, struct connection *connection)
{
    char request[2048];
    const int length = run->constant != NULL
                           ? snprintf(request, sizeof(request),
                                      "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", run->constant)
                           : order_request(run, request, sizeof(request));
    connection->received = 0;
    connection->sent_ns = now_ns();
    if (send(connection->descriptor, request, (size_t)length, MSG_NOSIGNAL) != length) fail("send");
}

/* Whether a whole answer has arrived; counts it. */
static bool answer_complete(struct run *run, struct connection *connection)
{
    connection->answer[connection->received] = '\0';
    const char *body = strstr(connection->answer, "\r\n\r\n");
    if (body == NULL) return false;
    const char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (length == NULL || length > body) fail("an answer without Content-Length");
    const size_t body_bytes = strtoul(length + 17, NULL, 10);
    if (connection->received < (size_t)(body + 4 - connection->answer) + body_bytes) return false;

    if (strncmp(connection->answer, "HTTP/1.1 200", 12) != 0) {
        if (run->error_count++ == 0) fprintf(stderr, "first error: %s\n", connection->answer);
    }
    if (run->sample_count < SAMPLES_MAX)
        run->samples[run->sample_count++] = (uint32_t)((now_ns() - connection->sent_ns) / 100);
    return true;
}

static void receive(struct run *run, struct connection *connection, bool more)
{
    const ssize_t got = recv(connection->descriptor, connection->answer + connection->received,
                             sizeof(connection->answer) - 1 - connection->received, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("the server closed a connection");
    connection->received += (size_t)got;
    if (answer_complete(run, connection) && more) send_next(run, connection);
}

static int connect_one(int port)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) fail("connect");
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return descriptor;
}

static uint64_t play(struct run *run)
{
    static struct connection connections[CONNECTIONS_MAX];
    const int poller = epoll_create1(0);
    for (int i = 0; i < run->connection_count; i++) {
        connections[i].descriptor = connect_one(run->port);
        struct epoll_event watch = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].descriptor, &watch);
    }
    const uint64_t start = now_ns(), end = start + (uint64_t)run->seconds * 1000000000u;
    for (int i = 0; i < run->connection_count; i++)
        send_next(run, &connections[i]);
    uint64_t now = start;
    while (now < end) {
        struct epoll_event events[64];
        const int count = epoll_wait(poller, events, 64, 100);
        now = now_ns();
        for (int i = 0; i < count; i++)
            receive(run, events[i].data.ptr, now < end);
    }
    return now - start;
}

static int compare(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static unsigned quantile(const struct run *run, unsigned per_10000)
{
    if (run->sample_count == 0) return 0;
    return run->samples[(run->sample_count - 1) * per_10000 / 10000] / 10;
}

int main(int argc, char **argv)
{
    struct run run = {.port = 8080, .connection_count = 64, .seconds = 10};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            run.port = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--accounts") == 0)
            read_accounts(&run, argv[i + 1]);
        else if (strcmp(argv[i], "--connections") == 0)
            run.connection_count = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            run.seconds = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--constant") == 0)
            run.constant = argv[i + 1];
    }
    if (run.connection_count < 1 || run.connection_count > CONNECTIONS_MAX) fail("--connections");
    if (run.constant == NULL && run.accounts[0].key[0] == '\0') fail("--accounts or --constant");

    run.samples = malloc(SAMPLES_MAX * sizeof(*run.samples));
    if (run.samples == NULL) fail("memory");
    const uint64_t elapsed = play(&run);
    qsort(run.samples, run.sample_count, sizeof(*run.samples), compare);
    printf("{\"requests\":%zu,\"errors\":%llu,\"seconds\":%.2f,\"per_second\":%.0f,\"p50_us\":%u,"
           "\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u}\n",
           run.sample_count, (unsigned long long)run.error_count, (double)elapsed / 1e9,
           (double)run.sample_count * 1e9 / (double)elapsed, quantile(&run, 5000),
           quantile(&run, 9900), quantile(&run, 9990), quantile(&run, 10000));
    return run.error_count == 0 ? 0 : 1;
}
