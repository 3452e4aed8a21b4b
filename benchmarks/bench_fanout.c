/* How many stream messages a second does one gateway loop deliver, how late are they, and what does a connection cost?
 *
 *     bench_fanout [flood | paced | stalled | idle | floor | ws]...   [--connections N] [--seconds S] [--loops L]
 *
 *     flood    2,000 connections read one stream as fast as it is written
 *     paced    2,000 connections, 50 events a second: from the ring to the bytes at each reader, open loop (an event is
 *              due at its time whether or not the last has arrived). A second of it goes before and does not count: the
 *              first sixteen segments of a connection are acknowledged one by one, by the server's processor
 *     stalled  100 connections under flood, 50 of which never read: memory, and whether the others lose anything
 *     idle     10,000 connections with a stream each and nothing to say: memory of the server for each
 *     floor    paced, with a process in the gateway's place that does nothing but send(2) to each reader in turn: what is
 *              the machine's of it. Only when it is asked for
 *     ws       flood, with npm ws in a process of Node (fanout_ws.mjs) in the gateway's place: the yardstick. Only when it is
 *              asked for, and from the root of the tree
 *
 * A child process runs the gateway as it is (gateway_run) on the first core, or with --loops several of its loops wherever
 * there is room; this one plays the engine, writing fills into their rings, and all clients by epoll, on the second. Messages are aggTrade in the combined form, about 200 bytes.
 * Every reader checks that the ids come without a gap.
 *
 * Prints one JSON object a question. Exit 1 when a message was lost.
 */

#include "common/applied.h"
#include "common/hash.h"
#include "gateway/gateway.h"
#include "gateway/hall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT            18290
#define CONNECTIONS_MAX 12000
#define RING_BYTES      (1u << 20)
#define STAMP_NS        1700000040000000000ull
#define FIRST_ID        1000000001ull /* all ids have ten digits, so that messages are of one length */
#define TABLE_FILLS     300000        /* more than a gateway remembers */
#define WINDOW          1024          /* messages fed and not yet at the slowest reader */
#define WINDOW_WS       64 /* the same of npm ws: it keeps each for each reader; 8 to 512 give one rate */
#define CARRY_MAX       512          /* more than a message */
#define HEARD_MAX       (256 * 1024) /* by one recv */
#define SAMPLE_MAX_US   2000000
#define PACED_EVERY_NS  20000000ull
#define WARM_EVENTS     50  /* paced ones that do not count */
#define FLOOR_BYTES     205 /* of a message, as the gateway's */

struct shared {
    struct metrics metrics;
    struct progress progress;
    struct park parks[HALL_LOOPS_MAX], log_park;
};

/* The rings of a gateway loop. */
struct loop_rings {
    struct ring *submissions, *applied, *notices;
};

struct client {
    int descriptor;
    bool is_stalled;
    uint64_t next_id;
    size_t carried;
    uint8_t carry[CARRY_MAX];
};

static struct shared *shared;
static struct genesis genesis;
static struct loop_rings loops[HALL_LOOPS_MAX];
static uint32_t loop_count = 1;
static const uint8_t secret[HASH_BYTES] = {5};
static pid_t server;
static int asking =
    -1; /* the pipe by which another server is asked for messages; -1: the gateway serves */
static struct client clients[CONNECTIONS_MAX];
static int connection_count;
static int poller;
static uint64_t command_number, next_id, delivered, lost, message_bytes;
static uint64_t fed_ns[1 << 16]; /* by id */
static uint32_t *histogram;      /* microseconds; NULL: not measured */

static void fail(const char *what)
{
    fprintf(stderr, "bench_fanout: %s: %s\n", what, strerror(errno));
    if (server > 0) kill(server, SIGKILL);
    exit(2);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((size_t)core, &cores);
    (void)sched_setaffinity(0, sizeof(cores), &cores);
}

static void *shared_bytes(size_t byte_count)
{
    void *bytes = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) fail("memory");
    return bytes;
}

/* ---- the engine's part ---- */

static void make_genesis(void)
{
    struct params *params = &genesis.params;
    *params = (struct params){.rules = PARAMS_RULES,
                              .accounts_max = 16,
                              .keys_max = 16,
                              .orders_max = 1024,
                              .levels_max = 1024,
                              .assets_max = 2,
                              .markets_max = 1,
                              .block_ms = 100,
                              .idle_block_ms = 1000,
                              .stamp_step_ms = 10000,
                              .uncertified_blocks_max = 100,
                              .gateway_secret_version = 1,
                              .tier_count = 1,
                              .asset_count = 2,
                              .market_count = 1};
    params->tiers[0] = (struct fee_tier){1000, 1000, {0}};
    params->assets[0] = (struct asset){"BTC", 8};
    params->assets[1] = (struct asset){"USDT", 8};
    params->markets[0] = (struct market){.symbol = "BTCUSDT",
                                         .quote = 1,
                                         .status = MARKET_TRADING,
                                         .tick_units = 1000000,
                                         .lot_units = 1000,
                                         .units_per_step = 10,
                                         .price_min = {1},
                                         .price_max = {1000000000},
                                         .qty_min = {1},
                                         .qty_max = {900000000},
                                         .notional_min = {1},
                                         .account_orders_max = 200};
}

static bool has_room(size_t byte_count)
{
    for (uint32_t i = 0; i < loop_count; i++)
        if (ring_reserve(loops[i].applied, byte_count) == NULL) return false;
    return true;
}

/* One command with `events`, to every loop; false when a ring is full. */
static bool apply(const uint8_t *events, const struct event_writer *writer)
{
    uint8_t command[COMMAND_HEADER_BYTES + SEAL_BYTES] = {0};
    const struct command_header header = {.length = sizeof(command), .type = T_SEAL};
    const size_t event_bytes = (size_t)(writer->at - events);
    const size_t byte_count = APPLIED_HEADER_BYTES + sizeof(command) + event_bytes;
    if (!has_room(byte_count)) return false;
    command_header_put(command, &header);
    command_number++;
    const struct applied record = {.number = command_number,
                                   .stamp_ns = STAMP_NS + command_number,
                                   .command_length = sizeof(command),
                                   .events_length = (uint32_t)event_bytes,
                                   .event_count = writer->count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST};
    for (uint32_t i = 0; i < loop_count; i++) {
        uint8_t *at = ring_reserve(loops[i].applied, byte_count);
        applied_header_put(at, &record);
        memcpy(at + APPLIED_HEADER_BYTES, command, sizeof(command));
        memcpy(at + APPLIED_HEADER_BYTES + sizeof(command), events, event_bytes);
        ring_commit(loops[i].applied, byte_count);
    }
    return true;
}

static void wake_all(void)
{
    for (uint32_t i = 0; i < loop_count; i++)
        park_wake(&shared->parks[i]);
}

static void publish(void)
{
    if (asking >= 0) return;
    for (uint32_t i = 0; i < loop_count; i++)
        if (ring_publish(loops[i].applied)) park_wake(&shared->parks[i]);
}

static size_t unread_bytes(void)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < loop_count; i++)
        bytes += ring_used(loops[i].applied);
    return bytes;
}

/* Two accounts, an order of each that never ends, and the node's HELLO. */
static void begin_world(void)
{
    uint8_t events[2048];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    for (uint32_t account = 1; account <= 2; account++) {
        const struct account_created_event created = {.account = account};
        const struct order_accepted_event accepted = {.order_id = account,
                                                      .price = {1234567},
                                                      .qty = {INT64_MAX / 4},
                                                      .account = account,
                                                      .side = account == 1 ? SELL : BUY};
        event_write_account_created(&writer, &created);
        event_write_order_accepted(&writer, &accepted);
    }
    if (!apply(events, &writer)) fail("ring");
    writer = (struct event_writer){.at = events, .end = events + sizeof(events)};
    const struct hello_accepted_event hello = {.epoch = command_number + 1, .node = 1};
    event_write_hello_accepted(&writer, &hello);
    atomic_store(&shared->progress.replay_command, command_number + 1);
    if (!apply(events, &writer)) fail("ring");
    publish();
}

/* One fill; false when the ring is full. */
static bool feed_ring(void)
{
    uint8_t events[EVENT_HEADER_BYTES + EVENT_PAYLOAD_MAX];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    const struct fill_event fill = {.trade_id = next_id,
                                    .aggregate_id = next_id,
                                    .maker_order = 1,
                                    .taker_order = 2,
                                    .price = {1234567},
                                    .qty = {1000},
                                    .maker_account = 1,
                                    .taker_account = 2,
                                    .taker_side = BUY};
    event_write_fill(&writer, &fill);
    return apply(events, &writer);
}

static bool feed(void)
{
    if (asking < 0 ? !feed_ring() : write(asking, "", 1) != 1) return false;
    fed_ns[next_id % (1 << 16)] = now_ns();
    next_id++;
    return true;
}

/* ---- the server ---- */

static struct hall *hall;

static void *run_loop(void *context)
{
    const uint32_t loop = (uint32_t)(uintptr_t)context;
    const struct gateway_options options = {.host = "127.0.0.1",
                                            .port = PORT,
                                            .loop_index = loop,
                                            .hall = hall,
                                            .genesis = &genesis,
                                            .node = 1,
                                            .gateway_secret = secret,
                                            .submissions = loops[loop].submissions,
                                            .submissions_park = &shared->log_park,
                                            .applied = loops[loop].applied,
                                            .notices = loops[loop].notices,
                                            .park = &shared->parks[loop],
                                            .metrics = hall_metrics(hall, loop),
                                            .progress = &shared->progress,
                                            .connections_max = CONNECTIONS_MAX};
    if (gateway_run(&options) != STATUS_OK) _exit(1);
    return NULL;
}

/* One loop has a core to itself; several share both with the clients. */
static void run_server(void)
{
    static struct arena arena;
    pthread_t threads[HALL_LOOPS_MAX];
    if (loop_count == 1) pin(0);
    if (!arena_map(&arena, hall_bytes(loop_count))) exit(1);
    hall = hall_new(&arena, loop_count, &shared->metrics);
    if (hall == NULL) exit(1);
    for (uintptr_t loop = 1; loop < loop_count; loop++)
        if (pthread_create(&threads[loop], NULL, run_loop, (void *)loop) != 0) exit(1);
    run_loop(NULL);
    for (uint32_t loop = 1; loop < loop_count; loop++)
        pthread_join(threads[loop], NULL);
    exit(0);
}

static void run_ws(int asked)
{
    char port[16], first[24];
    pin(0);
    if (dup2(asked, 0) < 0 || close(asking) != 0) exit(1);
    snprintf(port, sizeof(port), "%d", PORT);
    snprintf(first, sizeof(first), "%llu", FIRST_ID);
    execlp("node", "node", "benchmarks/fanout_ws.mjs", port, first, (char *)NULL);
    exit(1);
}

/* ---- the server that only sends ---- */

static int listen_bare(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, SOMAXCONN) != 0)
        _exit(1);
    return listener;
}

/* A reader, whatever he asks for. */
static int take_reader(int listener)
{
    static const char answer[] = "HTTP/1.1 101 \r\n\r\n";
    char request[1024];
    const int on = 1, reader = accept(listener, NULL, NULL);
    if (reader < 0 || setsockopt(reader, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        recv(reader, request, sizeof(request), 0) <= 0 ||
        send(reader, answer, sizeof(answer) - 1, MSG_NOSIGNAL) != sizeof(answer) - 1)
        _exit(1);
    return reader;
}

static void send_bare(const int *readers, int reader_count, uint64_t id)
{
    static uint8_t frame[4 + FLOOR_BYTES] = {0x81, 126, FLOOR_BYTES >> 8, FLOOR_BYTES & 255};
    const int used = snprintf((char *)frame + 4, FLOOR_BYTES, "{\"a\":%lu,", id);
    memset(frame + 4 + used, ' ', FLOOR_BYTES - (size_t)used);
    for (int i = 0; i < reader_count; i++)
        if (send(readers[i], frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(frame))
            _exit(1);
}

/* Sends a message for each byte of the pipe, until it is closed. */
static void run_floor(int asked)
{
    static int readers[CONNECTIONS_MAX];
    int reader_count = 0;
    char byte;
    pin(0);
    close(asking);
    const int listener = listen_bare();
    struct pollfd watched[] = {{.fd = asked, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
    for (uint64_t id = FIRST_ID; poll(watched, 2, -1) > 0;) {
        if (watched[1].revents != 0) readers[reader_count++] = take_reader(listener);
        if (watched[0].revents == 0) continue;
        if (read(asked, &byte, 1) != 1) break;
        send_bare(readers, reader_count, id++);
    }
    _exit(0);
}

/* ---- which of them ---- */

/* A server that writes a message for each byte that it reads from a pipe. */
static void start_asked(void (*run)(int asked))
{
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    asking = ends[1];
    next_id = FIRST_ID;
    delivered = lost = 0;
    server = fork();
    if (server < 0) fail("fork");
    if (server == 0) run(ends[0]);
    close(ends[0]);
    pin(1);
}

static void start_server(void)
{
    const size_t bytes = (ring_bytes(RING_BYTES) + 4095) / 4096 * 4096;
    shared = shared_bytes(sizeof(*shared));
    if (!park_open(&shared->log_park)) fail("park");
    for (uint32_t i = 0; i < loop_count; i++) {
        if (!park_open(&shared->parks[i])) fail("park");
        loops[i].submissions = ring_new(shared_bytes(bytes), RING_BYTES);
        loops[i].applied = ring_new(shared_bytes(bytes), RING_BYTES);
        loops[i].notices = ring_new(shared_bytes(bytes), RING_BYTES);
    }
    command_number = 0;
    next_id = FIRST_ID;
    delivered = lost = 0;
    server = fork();
    if (server < 0) fail("fork");
    if (server == 0) run_server();
    pin(1);
    begin_world();
}

static void stop_server(void)
{
    for (int i = 0; i < connection_count; i++)
        close(clients[i].descriptor);
    close(poller);
    if (asking >= 0) {
        close(asking);
        asking = -1;
    } else {
        atomic_store(&shared->progress.stopping, 1);
        wake_all();
    }
    int status;
    waitpid(server, &status, 0);
    server = 0;
}

/* A figure of the server's /proc/PID/status, in KiB. */
static long server_kib(const char *key)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) kib = strtol(line + strlen(key) + 1, NULL, 10);
    }
    fclose(file);
    return kib;
}

/* Seconds of processor that the server has taken. */
static double server_seconds(void)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)server);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof(text), file) == NULL) fail(path);
    fclose(file);
    char *at = strrchr(text, ')') + 2, *end;
    for (int field = 3; field < 14; field++)
        at = strchr(at, ' ') + 1;
    const double user = strtod(at, &end), system = strtod(end, NULL);
    return (user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- the clients ---- */

static int connect_once(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) fail("socket");
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static void open_client(struct client *client, bool is_stalled)
{
    static const char ask[] =
        "GET /stream?streams=btcusdt@aggTrade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    char answer[1024];
    size_t used = 0;
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; (client->descriptor = connect_once()) < 0; i++) {
        if (i == 10000) fail("connect");
        nanosleep(&moment, NULL);
    }
    if (send(client->descriptor, ask, sizeof(ask) - 1, 0) != sizeof(ask) - 1) fail("send");
    do {
        const ssize_t got = recv(client->descriptor, answer + used, sizeof(answer) - 1 - used, 0);
        if (got <= 0) fail("handshake");
        used += (size_t)got;
        answer[used] = 0;
    } while (strstr(answer, "\r\n\r\n") == NULL);
    if (strstr(answer, " 101 ") == NULL) fail(answer);
    client->is_stalled = is_stalled;
    client->next_id = next_id;
    client->carried = 0;
}

/* The loops behind the first one join its port within a tick of theirs; who connects before is the first one's. */
static void await_loops(void)
{
    const struct timespec second = {.tv_sec = 1};
    if (loop_count > 1) nanosleep(&second, NULL);
}

static void open_clients(int count, int stalled_count)
{
    await_loops();
    poller = epoll_create1(0);
    connection_count = count;
    for (int i = 0; i < count; i++) {
        open_client(&clients[i], i < stalled_count);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (!clients[i].is_stalled &&
            epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].descriptor, &event) != 0)
            fail("epoll");
    }
}

static void sample(uint64_t id, uint64_t now)
{
    uint64_t us = (now - fed_ns[id % (1 << 16)]) / 1000;
    if (us >= SAMPLE_MAX_US) us = SAMPLE_MAX_US - 1;
    histogram[us]++;
}

static void take_message(struct client *client, const uint8_t *payload, size_t byte_count,
                         uint64_t now)
{
    static const char key[] = "\"a\":";
    const uint8_t *at = memmem(payload, byte_count, key, sizeof(key) - 1);
    const uint64_t id = at == NULL ? 0 : strtoull((const char *)at + sizeof(key) - 1, NULL, 10);
    if (id != client->next_id) lost++;
    client->next_id = id + 1;
    message_bytes = byte_count;
    delivered++;
    if (histogram != NULL) sample(id, now);
}

/* Takes all whole frames; returns how many bytes they had. */
static size_t take_frames(struct client *client, const uint8_t *bytes, size_t byte_count)
{
    const uint64_t now = histogram != NULL ? now_ns() : 0;
    size_t at = 0;
    while (byte_count - at >= 4) {
        const size_t short_length = bytes[at + 1];
        const size_t head = short_length < 126 ? 2 : 4;
        const size_t length =
            short_length < 126 ? short_length : (size_t)(bytes[at + 2] << 8 | bytes[at + 3]);
        if (byte_count - at < head + length) break;
        if (bytes[at] == 0x81) take_message(client, bytes + at + head, length, now);
        at += head + length;
    }
    return at;
}

static void read_client(struct client *client)
{
    static uint8_t bytes[CARRY_MAX + HEARD_MAX];
    memcpy(bytes, client->carry, client->carried);
    const ssize_t got = recv(client->descriptor, bytes + client->carried, HEARD_MAX, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("a reader was closed");
    const size_t byte_count = client->carried + (size_t)got;
    const size_t taken = take_frames(client, bytes, byte_count);
    client->carried = byte_count - taken;
    if (client->carried > CARRY_MAX) fail("frame");
    memcpy(client->carry, bytes + taken, client->carried);
}

static void read_clients(int timeout_ms)
{
    static struct epoll_event events[CONNECTIONS_MAX];
    const int count = epoll_wait(poller, events, CONNECTIONS_MAX, timeout_ms);
    for (int i = 0; i < count; i++)
        read_client(events[i].data.ptr);
}

/* The id that the slowest reader waits for. */
static uint64_t slowest(void)
{
    uint64_t least = next_id;
    for (int i = 0; i < connection_count; i++) {
        if (!clients[i].is_stalled && clients[i].next_id < least) least = clients[i].next_id;
    }
    return least;
}

static void drain(void)
{
    const uint64_t end_ns = now_ns() + 10000000000ull;
    while (slowest() < next_id) {
        if (now_ns() > end_ns) fail("messages are missing");
        read_clients(10);
    }
}

/* Feeds as fast as the slowest reader takes, for so long. */
static void flood(uint64_t duration_ns)
{
    const uint64_t end_ns = now_ns() + duration_ns;
    while (now_ns() < end_ns) {
        const uint64_t until = slowest() + (asking < 0 ? WINDOW : WINDOW_WS);
        while (next_id < until && feed())
            ;
        publish();
        read_clients(1);
    }
}

/* ---- the questions ---- */

static void ask_flood(const char *question, int count, uint64_t seconds)
{
    if (strcmp(question, "ws") == 0)
        start_asked(run_ws);
    else
        start_server();
    open_clients(count, 0);
    flood(1000000000ull);
    const uint64_t before = delivered, begin_ns = now_ns();
    const double cpu = server_seconds();
    flood(seconds * 1000000000ull);
    const double took = (double)(now_ns() - begin_ns) / 1e9;
    const uint64_t messages = delivered - before;
    const double server_cpu = server_seconds() - cpu;
    drain();
    printf("{\"question\":\"%s\",\"loops\":%u,\"connections\":%d,\"bytes\":%lu,\"seconds\":%.2f,"
           "\"delivered\":%lu,\"per_second\":%.0f,\"server_ns_each\":%.0f,\"lost\":%lu}\n",
           question, loop_count, count, message_bytes, took, messages, (double)messages / took,
           server_cpu * 1e9 / (double)messages, lost);
    stop_server();
}

static uint64_t percentile(uint64_t total, double part)
{
    uint64_t seen = 0, us = 0;
    for (; us < SAMPLE_MAX_US; us++) {
        seen += histogram[us];
        if ((double)seen >= (double)total * part) break;
    }
    return us;
}

/* Events at their times, the first of them due at `due_ns`; returns when the next one is. */
static uint64_t pace(uint64_t events, uint64_t due_ns)
{
    for (; events > 0; events--, due_ns += PACED_EVERY_NS) {
        for (uint64_t now; (now = now_ns()) < due_ns;)
            read_clients((int)((due_ns - now) / 1000000u));
        if (!feed()) fail("ring");
        fed_ns[(next_id - 1) % (1 << 16)] = due_ns;
        publish();
    }
    return due_ns;
}

static void ask_paced(const char *question, int count, uint64_t seconds)
{
    static uint32_t counts[SAMPLE_MAX_US];
    if (strcmp(question, "floor") == 0)
        start_asked(run_floor);
    else
        start_server();
    open_clients(count, 0);
    const uint64_t events = seconds * 1000000000ull / PACED_EVERY_NS;
    const uint64_t due_ns = pace(WARM_EVENTS, now_ns() + PACED_EVERY_NS);
    drain();
    histogram = memset(counts, 0, sizeof(counts));
    const uint64_t before = delivered;
    const double cpu = server_seconds();
    (void)pace(events, due_ns);
    drain();
    const double server_cpu = server_seconds() - cpu;
    const uint64_t messages = delivered - before;
    printf("{\"question\":\"%s\",\"loops\":%u,\"connections\":%d,\"bytes\":%lu,\"events\":%lu,"
           "\"delivered\":%lu,\"p50_us\":%lu,\"p99_us\":%lu,\"max_us\":%lu,"
           "\"server_ns_each\":%.0f,\"lost\":%lu}\n",
           question, loop_count, count, message_bytes, events, messages, percentile(messages, 0.5),
           percentile(messages, 0.99), percentile(messages, 1.0),
           server_cpu * 1e9 / (double)messages, lost);
    histogram = NULL;
    stop_server();
}

/* Fills that nobody reads, until the gateway's tables of recent ones are full: they are not what is measured. */
static void fill_tables(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (uint64_t end = next_id + TABLE_FILLS; next_id < end || unread_bytes() > 0;) {
        while (next_id < end && feed())
            ;
        publish();
        nanosleep(&moment, NULL);
    }
}

static void ask_stalled(int count, uint64_t seconds)
{
    start_server();
    fill_tables();
    open_clients(count, count / 2);
    const long before = server_kib("VmRSS:");
    flood(seconds * 1000000000ull);
    drain();
    const long peak = server_kib("VmHWM:");
    printf("{\"question\":\"stalled\",\"connections\":%d,\"stalled\":%d,\"delivered\":%lu,"
           "\"closed_slow\":%lu,\"memory_more_mb\":%.1f,\"lost\":%lu}\n",
           count, count / 2, delivered, metric_get(&shared->metrics.ws_slow_closed_total),
           (double)(peak - before) / 1024, lost);
    stop_server();
}

static void ask_idle(int count)
{
    start_server();
    open_clients(1, 0); /* what is taken once */
    close(poller);
    const long before = server_kib("VmRSS:");
    const int first = clients[0].descriptor;
    open_clients(count, 0);
    const long after = server_kib("VmRSS:");
    printf("{\"question\":\"idle\",\"connections\":%d,\"bytes_each\":%.0f}\n", count,
           (double)(after - before) * 1024 / count);
    close(first);
    stop_server();
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("rlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("rlimit");
}

static void ask(const char *question, int connections, uint64_t seconds)
{
    uint64_t lost_before = lost;
    if (strcmp(question, "flood") == 0 || strcmp(question, "ws") == 0)
        ask_flood(question, connections > 0 ? connections : 2000, seconds);
    else if (strcmp(question, "paced") == 0 || strcmp(question, "floor") == 0)
        ask_paced(question, connections > 0 ? connections : 2000, seconds);
    else if (strcmp(question, "stalled") == 0)
        ask_stalled(connections > 0 ? connections : 100, seconds);
    else if (strcmp(question, "idle") == 0)
        ask_idle(connections > 0 ? connections : 10000);
    else
        fail(question);
    fflush(stdout);
    if (lost > lost_before) exit(1);
}

int main(int argc, char **argv)
{
    int connections = 0;
    uint64_t seconds = 5;
    bool has_question = false;
    if (!hash_start()) fail("libsodium");
    raise_file_limit();
    make_genesis();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc)
            connections = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--loops") == 0 && i + 1 < argc)
            loop_count = (uint32_t)strtoul(argv[++i], NULL, 10);
    }
    if (loop_count < 1 || loop_count > HALL_LOOPS_MAX) fail("--loops");
    if (connections > CONNECTIONS_MAX - 10) fail("--connections");
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            i++;
            continue;
        }
        has_question = true;
        ask(argv[i], connections, seconds);
    }
    if (has_question) return 0;
    for (int i = 0; i < 4; i++)
        ask((const char *[]){"flood", "paced", "stalled", "idle"}[i], connections, seconds);
    return 0;
}
