/* How many signed orders a second does a running node acknowledge, how long does one take, and what does it cost the
 * gateway's thread?
 *
 *     bench_orders --port P --accounts DIR/accounts.json [--traffic matching|book|batch] [--connections 64] [--seconds 10]
 *                  [--rate N] [--constant PATH] [--thread PID:NAME] [--scheme http|https]
 *
 * Keep-alive connections, one request in flight on each.
 *
 * matching   LIMIT orders, alternating between the two demo accounts and between sides at one price: about half match.
 * book       of 20 requests 9 rest (POST), 9 cancel what the one before rested (DELETE), 2 take and fill whole. The orders
 *            of both accounts rest at 90,000 ticks a side; what is taken are two large orders of the first account, between.
 * batch      POST /quorex/v1/orders of 100 lines each, in the proportions of `book`.
 *
 * --constant sends plain GETs of PATH instead: the yardstick, against the same server or bench_constant's.
 * --rate is an open loop: so many requests a second are due at even times, whatever the answers do, and a request's time is
 * counted from when it was due. Without it each connection sends its next request when it has its answer.
 * --scheme https speaks TLS and does not check the certificate; handshakes are over before the time begins.
 * --thread says the processor time that the thread NAME of process PID took a request.
 *
 * Prints one JSON object: requests, errors, seconds, per_second, p50_us, p99_us, p999_us, max_us; with batches orders and
 * orders_per_second, with --rate late_p99_us (how long after it was due a request left), with --thread thread_us.
 * Exit 1 when any answer was not 200.
 */

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SAMPLES_MAX     8000000
#define BATCH_LINES     100
#define TEXT_MAX        32768 /* a batch's lines */
#define ANSWER_MAX      262144
#define CYCLE           20 /* requests of `book` before it starts over */

enum traffic { MATCHING, BOOK, BATCH };

struct account {
    char key[128];
    EVP_MAC_CTX *mac; /* with the secret set */
};

struct connection {
    int descriptor;
    SSL *ssl; /* NULL: plain */
    bool is_waiting;
    uint32_t index, step;
    uint64_t order_id; /* what rests, 0: nothing */
    uint64_t sent_ns;  /* or was due */
    size_t received;
    char answer[ANSWER_MAX];
};

struct run {
    int port, connection_count, seconds, rate;
    enum traffic traffic;
    const char *constant; /* NULL: orders */
    const char *thread;   /* PID:NAME, NULL: none */
    SSL_CTX *tls;         /* NULL: plain */
    struct account accounts[2];
    uint64_t order_count, error_count, random;
    uint32_t *samples; /* microseconds x 10 */
    size_t sample_count;
    uint32_t *late; /* the same, of --rate */
    size_t late_count;
};

struct text {
    char bytes[TEXT_MAX];
    size_t byte_count;
};

static struct connection connections[CONNECTIONS_MAX];

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

/* ---- requests ---- */

static EVP_MAC_CTX *mac_new(const char *secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
    if (mac == NULL ||
        EVP_MAC_init(mac, (const unsigned char *)secret, strlen(secret), params) != 1)
        fail("HMAC");
    EVP_MAC_free(algorithm);
    return mac;
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
        run->accounts[i].mac = mac_new(secret);
    }
    json_decref(root);
}

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int put =
        vsnprintf(text->bytes + text->byte_count, TEXT_MAX - text->byte_count, format, arguments);
    va_end(arguments);
    if (put < 0 || (size_t)put >= TEXT_MAX - text->byte_count) fail("a request too long");
    text->byte_count += (size_t)put;
}

static void put_time(struct text *text)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put(text, "timestamp=%lld", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* The whole request: `query` is signed with `body` behind it. */
static void put_signed(struct text *request, const struct account *account, const char *target,
                       const struct text *query, const struct text *body)
{
    unsigned char mac[32];
    size_t mac_bytes = 0;
    char hex[65];
    EVP_MAC_init(account->mac, NULL, 0, NULL);
    EVP_MAC_update(account->mac, (const unsigned char *)query->bytes, query->byte_count);
    EVP_MAC_update(account->mac, (const unsigned char *)body->bytes, body->byte_count);
    EVP_MAC_final(account->mac, mac, &mac_bytes, sizeof(mac));
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[mac[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
    }
    hex[64] = '\0';
    put(request,
        "%s?%.*s&signature=%s HTTP/1.1\r\nHost: bench\r\nX-MBX-APIKEY: %s\r\nContent-Length: "
        "%zu\r\n\r\n%.*s",
        target, (int)query->byte_count, query->bytes, hex, account->key, body->byte_count,
        (int)body->byte_count, body->bytes);
}

static uint64_t random_below(struct run *run, uint64_t bound)
{
    run->random = run->random * 6364136223846793005u + 1442695040888963407u;
    return (run->random >> 33) % bound;
}

static void put_resting(struct run *run, struct text *text)
{
    const bool is_buy = random_below(run, 2) == 0;
    const uint64_t cents = (is_buy ? 4900000 : 5010000) + random_below(run, 90000);
    put(text,
        "symbol=BTCUSDT&side=%s&type=LIMIT&timeInForce=GTC&quantity=0.00100&price=%llu.%02llu",
        is_buy ? "BUY" : "SELL", (unsigned long long)cents / 100, (unsigned long long)cents % 100);
}

static void put_taking(struct run *run, struct text *text)
{
    const bool is_buy = (run->order_count++ & 1) == 0;
    put(text, "symbol=BTCUSDT&side=%s&type=LIMIT&timeInForce=GTC&quantity=0.00020&price=%s",
        is_buy ? "BUY" : "SELL", is_buy ? "50001.00" : "49999.00");
}

static void put_matching(struct run *run, struct text *request)
{
    static const struct text none;
    struct text query = {.byte_count = 0};
    const uint64_t n = run->order_count++;
    /* Each account sells, then buys, so that neither runs dry. */
    const bool is_buy = ((n ^ n >> 1) & 1) != 0;
    put(&query,
        "symbol=BTCUSDT&side=%s&type=LIMIT&timeInForce=GTC&quantity=0.00100&price=50000.00&"
        "newOrderRespType=RESULT&",
        is_buy ? "BUY" : "SELL");
    put_time(&query);
    put_signed(request, &run->accounts[n & 1], "POST /api/v3/order", &query, &none);
}

static void put_book(struct run *run, struct connection *connection, struct text *request)
{
    static const struct text none;
    struct text query;
    query.byte_count = 0;
    const uint32_t step = connection->step++ % CYCLE;
    const bool takes = step >= CYCLE - 2, cancels = !takes && step % 2 == 1;
    if (takes)
        put_taking(run, &query);
    else if (cancels)
        put(&query, "symbol=BTCUSDT&orderId=%llu", (unsigned long long)connection->order_id);
    else
        put_resting(run, &query);
    put(&query, "&");
    put_time(&query);
    put_signed(request, &run->accounts[takes ? 1 : connection->index & 1],
               cancels ? "DELETE /api/v3/order" : "POST /api/v3/order", &query, &none);
}

/* An order is cancelled by the line after it: so few of an account are open at a time (MAX_NUM_ORDERS). */
static void put_batch(struct run *run, const struct connection *connection, struct text *request)
{
    struct text query, lines;
    query.byte_count = lines.byte_count = 0;
    for (uint32_t line = 0; line < BATCH_LINES; line++) {
        const uint32_t step = line % CYCLE;
        if (step >= CYCLE - 2)
            put_taking(run, &lines);
        else if (step % 2 == 0) {
            put_resting(run, &lines);
            put(&lines, "&newClientOrderId=b%u-%u", connection->index, line);
        } else
            put(&lines, "symbol=BTCUSDT&origClientOrderId=b%u-%u", connection->index, line - 1);
        put(&lines, "\n");
    }
    put_time(&query);
    /* The second account's: the first one's large orders are what is taken. */
    put_signed(request, &run->accounts[1], "POST /quorex/v1/orders", &query, &lines);
}

/* ---- connections ---- */

static void send_whole(const struct connection *connection, const char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        const ssize_t sent = connection->ssl != NULL
                                 ? SSL_write(connection->ssl, bytes, (int)byte_count)
                                 : send(connection->descriptor, bytes, byte_count, MSG_NOSIGNAL);
        if (sent <= 0) fail("send");
        bytes += sent;
        byte_count -= (size_t)sent;
    }
}

static void send_next(struct run *run, struct connection *connection, uint64_t due_ns)
{
    static struct text request;
    request.byte_count = 0;
    if (run->constant != NULL)
        put(&request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", run->constant);
    else if (run->traffic == MATCHING)
        put_matching(run, &request);
    else if (run->traffic == BOOK)
        put_book(run, connection, &request);
    else
        put_batch(run, connection, &request);
    connection->received = 0;
    connection->is_waiting = true;
    connection->sent_ns = now_ns();
    if (due_ns != 0) {
        if (run->late_count < SAMPLES_MAX)
            run->late[run->late_count++] = (uint32_t)((connection->sent_ns - due_ns) / 100);
        connection->sent_ns = due_ns;
    }
    send_whole(connection, request.bytes, request.byte_count);
}

static void check_answer(struct run *run, struct connection *connection, const char *body)
{
    bool is_good = strncmp(connection->answer, "HTTP/1.1 200", 12) == 0;
    if (is_good && run->constant == NULL && run->traffic == BATCH)
        is_good = strstr(body, "\"error\":") == NULL;
    if (!is_good && run->error_count++ == 0)
        fprintf(stderr, "first error: %.1000s\n", connection->answer);
    const char *id = strstr(body, "\"orderId\":");
    connection->order_id = id == NULL ? 0 : strtoull(id + 10, NULL, 10);
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

    connection->is_waiting = false;
    check_answer(run, connection, body + 4);
    if (run->sample_count < SAMPLES_MAX)
        run->samples[run->sample_count++] = (uint32_t)((now_ns() - connection->sent_ns) / 100);
    return true;
}

/* Waits for bytes, or, with MSG_DONTWAIT, returns false when there are none. A record of TLS comes whole: its rest is waited
 * for. */
static bool hear(struct connection *connection, int flags)
{
    char *to = connection->answer + connection->received, byte;
    const size_t room = sizeof(connection->answer) - 1 - connection->received;
    ssize_t got;
    if (connection->ssl == NULL) {
        got = recv(connection->descriptor, to, room, flags);
    } else {
        if (recv(connection->descriptor, &byte, 1, flags | MSG_PEEK) < 0 && errno == EAGAIN)
            return false;
        got = SSL_read(connection->ssl, to, (int)room);
        if (got <= 0 && SSL_get_error(connection->ssl, (int)got) == SSL_ERROR_WANT_READ)
            return false; /* a ticket */
    }
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) fail("the server closed a connection");
    connection->received += (size_t)got;
    return true;
}

static bool receive(struct run *run, struct connection *connection)
{
    return hear(connection, MSG_DONTWAIT) && answer_complete(run, connection);
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

static SSL_CTX *new_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL) fail("OpenSSL");
    SSL_CTX_clear_mode(tls, SSL_MODE_AUTO_RETRY); /* a ticket is no reason to wait for more */
    return tls;
}

static void connect_to(const struct run *run, struct connection *connection)
{
    connection->descriptor = connect_one(run->port);
    if (run->tls == NULL) return;
    connection->ssl = SSL_new(run->tls);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, connection->descriptor) != 1 ||
        SSL_connect(connection->ssl) != 1)
        fail("the handshake");
}

static void disconnect(struct connection *connection)
{
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    close(connection->descriptor);
}

/* ---- the book before and after ---- */

static void ask(struct run *run, const struct account *account, const char *target,
                const char *parameters, bool may_fail)
{
    static struct text request, query;
    static const struct text none;
    static struct connection one;
    const uint64_t errors = run->error_count;
    const size_t samples = run->sample_count;
    request.byte_count = query.byte_count = 0;
    put(&query, "%s&", parameters);
    put_time(&query);
    put_signed(&request, account, target, &query, &none);
    connect_to(run, &one);
    one.received = 0;
    one.sent_ns = now_ns();
    if (may_fail) run->error_count = 1; /* an error of this one is not told */
    send_whole(&one, request.bytes, request.byte_count);
    do
        (void)hear(&one, 0);
    while (!answer_complete(run, &one));
    disconnect(&one);
    if (may_fail)
        run->error_count = errors;
    else if (run->error_count != errors)
        fail("the book before the run");
    run->sample_count = samples;
}

/* No account has an order open; there may be none (-2011). */
static void clear_book(struct run *run)
{
    for (int index = 0; index < 2; index++)
        ask(run, &run->accounts[index], "DELETE /api/v3/openOrders", "symbol=BTCUSDT", true);
}

/* 100 BTC a side are 500,000 fills. */
static void place_makers(struct run *run)
{
    clear_book(run);
    ask(run, &run->accounts[0], "POST /api/v3/order",
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=100&price=50001.00", false);
    ask(run, &run->accounts[0], "POST /api/v3/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=100&price=49999.00", false);
}

/* ---- the run ---- */

static struct connection *free_connection(struct run *run)
{
    static int next;
    for (int tried = 0; tried < run->connection_count; tried++) {
        struct connection *connection = &connections[next++ % run->connection_count];
        if (!connection->is_waiting) return connection;
    }
    return NULL;
}

/* Sends what is due; returns how long to wait for the next, in ns. */
static uint64_t send_due(struct run *run, uint64_t start, uint64_t *due_count)
{
    for (;;) {
        const uint64_t due = start + *due_count * 1000000000u / (uint64_t)run->rate;
        const uint64_t now = now_ns();
        if (now < due) return due - now;
        struct connection *connection = free_connection(run);
        if (connection == NULL) return 100000000u; /* an answer comes first */
        send_next(run, connection, due);
        (*due_count)++;
    }
}

static uint64_t play(struct run *run)
{
    const int poller = epoll_create1(0);
    for (int i = 0; i < run->connection_count; i++) {
        struct connection *connection = &connections[i];
        connect_to(run, connection);
        connection->index = (uint32_t)i;
        connection->step = (uint32_t)i % (CYCLE / 2) * 2;
        struct epoll_event watch = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &watch);
    }
    const uint64_t start = now_ns(), end = start + (uint64_t)run->seconds * 1000000000u;
    uint64_t due_count = 0, now = start, wait = 100000000u;
    for (int i = 0; i < run->connection_count && run->rate == 0; i++)
        send_next(run, &connections[i], 0);
    while (now < end) {
        struct epoll_event events[64];
        if (run->rate != 0) wait = send_due(run, start, &due_count);
        const struct timespec timeout = {.tv_sec = 0, .tv_nsec = (long)wait};
        const int count = epoll_pwait2(poller, events, 64, &timeout, NULL);
        now = now_ns();
        for (int i = 0; i < count; i++)
            if (receive(run, events[i].data.ptr) && run->rate == 0 && now < end)
                send_next(run, events[i].data.ptr, 0);
    }
    return now - start;
}

/* ---- figures ---- */

/* Processor time of the thread so far, ns. */
static uint64_t thread_time(const char *thread)
{
    char path[300], name[64], word[64];
    const long process = strtol(thread, NULL, 10);
    const char *wanted = strchr(thread, ':');
    if (wanted == NULL) fail("--thread PID:NAME");
    snprintf(path, sizeof(path), "/proc/%ld/task", process);
    DIR *tasks = opendir(path);
    if (tasks == NULL) fail(path);
    uint64_t sum = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/%ld/task/%s/comm", process, task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        const bool is_wanted = fgets(name, sizeof(name), file) != NULL &&
                               strncmp(name, wanted + 1, strcspn(name, "\n")) == 0 &&
                               strlen(wanted + 1) == strcspn(name, "\n");
        fclose(file);
        if (!is_wanted) continue;
        snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", process, task->d_name);
        file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%63s", word) != 1) fail(path);
        fclose(file);
        sum += strtoull(word, NULL, 10);
    }
    closedir(tasks);
    if (sum == 0) fail("--thread: no such thread");
    return sum;
}

static int compare(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static unsigned quantile(const uint32_t *samples, size_t sample_count, unsigned per_10000)
{
    if (sample_count == 0) return 0;
    return samples[(sample_count - 1) * per_10000 / 10000] / 10;
}

static void print(struct run *run, uint64_t elapsed, uint64_t thread_ns)
{
    const double count = (double)run->sample_count, rate = count * 1e9 / (double)elapsed;
    qsort(run->samples, run->sample_count, sizeof(*run->samples), compare);
    qsort(run->late, run->late_count, sizeof(*run->late), compare);
    printf("{\"requests\":%zu,\"errors\":%llu,\"seconds\":%.2f,\"per_second\":%.0f,\"p50_us\":%u,"
           "\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u",
           run->sample_count, (unsigned long long)run->error_count, (double)elapsed / 1e9, rate,
           quantile(run->samples, run->sample_count, 5000),
           quantile(run->samples, run->sample_count, 9900),
           quantile(run->samples, run->sample_count, 9990),
           quantile(run->samples, run->sample_count, 10000));
    if (run->constant == NULL && run->traffic == BATCH)
        printf(",\"orders\":%zu,\"orders_per_second\":%.0f", run->sample_count * BATCH_LINES,
               rate * BATCH_LINES);
    if (run->rate != 0) printf(",\"late_p99_us\":%u", quantile(run->late, run->late_count, 9900));
    if (run->thread != NULL) printf(",\"thread_us\":%.2f", (double)thread_ns / count / 1e3);
    printf("}\n");
}

static enum traffic traffic_of(const char *name)
{
    if (strcmp(name, "matching") == 0) return MATCHING;
    if (strcmp(name, "book") == 0) return BOOK;
    if (strcmp(name, "batch") == 0) return BATCH;
    errno = EINVAL;
    fail("--traffic");
    return MATCHING;
}

static void read_arguments(struct run *run, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--port") == 0)
            run->port = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--accounts") == 0)
            read_accounts(run, value);
        else if (strcmp(argv[i], "--traffic") == 0)
            run->traffic = traffic_of(value);
        else if (strcmp(argv[i], "--connections") == 0)
            run->connection_count = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            run->seconds = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--rate") == 0)
            run->rate = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--constant") == 0)
            run->constant = value;
        else if (strcmp(argv[i], "--thread") == 0)
            run->thread = value;
        else if (strcmp(argv[i], "--scheme") == 0)
            run->tls = strcmp(value, "https") == 0 ? new_tls() : NULL;
        else
            fail(argv[i]);
    }
    if (run->connection_count < 1 || run->connection_count > CONNECTIONS_MAX) fail("--connections");
    if (run->constant == NULL && run->accounts[0].mac == NULL) fail("--accounts or --constant");
}

int main(int argc, char **argv)
{
    struct run run = {.port = 8080, .connection_count = 64, .seconds = 10, .random = 1};
    read_arguments(&run, argc, argv);
    run.samples = malloc(SAMPLES_MAX * sizeof(*run.samples));
    run.late = malloc(SAMPLES_MAX * sizeof(*run.late));
    if (run.samples == NULL || run.late == NULL) fail("memory");
    prctl(PR_SET_TIMERSLACK, 1000ul); /* ns: a request is to leave when it is due */

    const bool has_book = run.constant == NULL && run.traffic != MATCHING;
    if (has_book) place_makers(&run);
    const uint64_t before = run.thread == NULL ? 0 : thread_time(run.thread);
    const uint64_t elapsed = play(&run);
    const uint64_t thread_ns = run.thread == NULL ? 0 : thread_time(run.thread) - before;
    if (has_book) clear_book(&run);
    print(&run, elapsed, thread_ns);
    return run.error_count == 0 ? 0 : 1;
}
