#include "tests/harness.h"

#include "ledger/peers_uv.h"

#include "ledger/link.h"

#include "common/le.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define PORT        19100
#define NODES       4
#define BOUND_MS    20000
#define HEARD_MAX   64
#define MESSAGE_MAX PEERS_MESSAGE_MAX

/* One node of the tests, all on one loop. What it hears is checked as it comes: the messages of each
 * sender are numbered from 1, and their bytes follow from the number. */
struct node {
    struct peers_uv *peers;
    struct peers table;
    struct metrics metrics;
    uint32_t id;
    uint64_t received[NODES + 1];
    uint64_t sent[NODES + 1];
    char changes[HEARD_MAX]; /* "+2-2+2": up and down, and of whom */
    bool free_at_message;
    bool answers;
};

static uv_loop_t loop;
static uv_timer_t ticker;
static struct node nodes[NODES + 1];
static struct node_set set;
static hash_t chain_id = {{1}};
static uint8_t secret_keys[10][SECRET_KEY_BYTES];
static uint16_t
    port_shift; /* each test has ports of its own: none waits for another's to be free */

static uint16_t port_of(uint32_t node)
{
    return (uint16_t)(PORT + port_shift + node);
}

/* ---- Messages whose bytes follow from sender and number ---- */

static uint8_t content[MESSAGE_MAX + 256];

static size_t length_of(uint64_t number)
{
    static const size_t lengths[] = {9, 100, 1000, 65536, 40, MESSAGE_MAX, 300000};
    return lengths[number % 7];
}

static bool send_next(struct node *from, uint32_t to)
{
    const uint64_t number = from->sent[to] + 1;
    const size_t rest = length_of(number) - 8;
    uint8_t head[8];
    le_put_u64(head, number);
    const struct peers_piece pieces[] = {{head, 8},
                                         {content + number % 256, rest / 3},
                                         {content + number % 256 + rest / 3, rest - rest / 3}};
    if (!from->table.send(from->table.context, to, pieces, 3)) return false;
    from->sent[to] = number;
    return true;
}

static void on_message(void *context, uint32_t from, const uint8_t *bytes, size_t byte_count)
{
    struct node *node = context;
    assert_true(from >= 1 && from <= NODES);
    const uint64_t number = ++node->received[from];
    assert_int_equal(le_get_u64(bytes), number);
    assert_int_equal(byte_count, length_of(number));
    assert_memory_equal(bytes + 8, content + number % 256, byte_count - 8);
    if (node->answers) assert_true(send_next(node, from));
    if (node->free_at_message) {
        peers_uv_free(node->peers);
        node->peers = NULL;
    }
}

static void on_changed(void *context, uint32_t of, bool up)
{
    struct node *node = context;
    const size_t length = strlen(node->changes);
    assert_true(length + 3 < HEARD_MAX);
    node->changes[length] = up ? '+' : '-';
    node->changes[length + 1] = (char)('0' + of);
    node->changes[length + 2] = '\0';
    assert_int_equal(node->table.is_up(node->table.context, of), up);
    /* What was sent on an older link may be lost: numbers begin anew. */
    node->received[of] = node->sent[of] = 0;
}

/* ---- The world ---- */

static void on_ticker(uv_timer_t *timer)
{
    (void)timer;
}

static void set_up(uint16_t test)
{
    assert_true(hash_start());
    signal(SIGPIPE, SIG_IGN);
    randombytes_buf_deterministic(content, sizeof(content), (const uint8_t[32]){9});
    port_shift = (uint16_t)(test * (NODES + 1));
    memset(nodes, 0, sizeof(nodes));
    set = (struct node_set){.count = NODES};
    for (uint32_t id = 1; id < 10; id++) {
        uint8_t seed[32] = {(uint8_t)id}, public_key[PUBLIC_KEY_BYTES];
        crypto_sign_seed_keypair(public_key, secret_keys[id], seed);
        if (id > NODES) continue;
        struct node_member *member = &set.members[id - 1];
        member->node = id;
        member->role = NODE_VOTER;
        memcpy(member->public_key, public_key, PUBLIC_KEY_BYTES);
        snprintf(member->address, NODE_ADDRESS_BYTES, "127.0.0.1:%u", port_of(id));
    }
    uv_loop_init(&loop);
    uv_timer_init(&loop, &ticker);
    uv_timer_start(&ticker, on_ticker, 5, 5);
}

static void start(uint32_t id)
{
    struct node *node = &nodes[id];
    const struct peers_options options = {
        .loop = &loop,
        .host = "127.0.0.1",
        .port = port_of(id),
        .node = id,
        .secret_key = secret_keys[id],
        .chain_id = chain_id,
        .handler = {node, on_message, on_changed},
        .metrics = &node->metrics,
    };
    node->id = id;
    node->peers = peers_uv_new(&options);
    assert_non_null(node->peers);
    node->table = peers_uv_table(node->peers);
    assert_int_equal(peers_uv_listen(node->peers), STATUS_OK);
    peers_uv_set_nodes(node->peers, &set);
}

static void stop(uint32_t id)
{
    if (nodes[id].peers != NULL) peers_uv_free(nodes[id].peers);
    nodes[id].peers = NULL;
}

static void tear_down(void)
{
    for (uint32_t id = 1; id <= NODES; id++)
        stop(id);
    uv_close((uv_handle_t *)&ticker, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing of ours is left in it */
}

/* Turns the loop until `fact` holds, at most BOUND_MS. */
#define UNTIL(fact) \
    do { \
        const uint64_t until_begun = uv_hrtime(); \
        while (!(fact)) { \
            uv_run(&loop, UV_RUN_ONCE); \
            if (uv_hrtime() - until_begun > UINT64_C(1000000) * BOUND_MS) \
                fail_msg("not within %d ms: %s", BOUND_MS, #fact); \
        } \
    } while (0)

static bool is_up(uint32_t id, uint32_t to)
{
    return nodes[id].table.is_up(nodes[id].table.context, to);
}

static bool both_up(uint32_t one, uint32_t other)
{
    return is_up(one, other) && is_up(other, one);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* ---- A plain socket ---- */

static int plain_connect(uint32_t to)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_of(to))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(descriptor >= 0);
    const int failed = connect(descriptor, (struct sockaddr *)&address, sizeof(address));
    assert_true(failed == 0 || errno == EINPROGRESS);
    return descriptor;
}

static void plain_send(int descriptor, const uint8_t *bytes, size_t byte_count)
{
    UNTIL(send(descriptor, bytes, byte_count, MSG_NOSIGNAL) == (ssize_t)byte_count);
}

/* Whether the other side has closed; any byte from it fails the test. */
static bool is_closed_in_silence(int descriptor)
{
    uint8_t byte;
    const ssize_t count = recv(descriptor, &byte, 1, 0);
    assert_true(count <= 0);
    return count == 0 || errno == ECONNRESET;
}

/* As many bytes as are wanted have come into `bytes`. */
static bool plain_read(int descriptor, uint8_t *bytes, size_t wanted, size_t *have)
{
    const ssize_t count = recv(descriptor, bytes + *have, wanted - *have, 0);
    if (count > 0) *have += (size_t)count;
    return *have == wanted;
}

/* A link over a plain socket, held by the test: node `from`, called `to`. */
struct held {
    struct link_identity identity;
    struct link_members members;
    struct link link;
    int descriptor;
};

static void held_first(struct held *held, uint32_t from, uint32_t to,
                       uint8_t first[LINK_FIRST_BYTES])
{
    uint8_t ephemeral[NOISE_KEY_BYTES];
    randombytes_buf(ephemeral, sizeof(ephemeral));
    assert_true(link_identity_init(&held->identity, &chain_id, from, secret_keys[from]));
    link_members_set(&held->members, &set, from);
    assert_true(link_call(&held->link, &held->identity, link_members_find(&held->members, to),
                          ephemeral, first));
}

static void held_up(struct held *held, uint32_t from, uint32_t to)
{
    uint8_t first[LINK_FIRST_BYTES], second[LINK_SECOND_BYTES];
    struct link_taken taken;
    size_t have = 0;
    held_first(held, from, to, first);
    held->descriptor = plain_connect(to);
    plain_send(held->descriptor, first, sizeof(first));
    UNTIL(plain_read(held->descriptor, second, sizeof(second), &have));
    assert_int_equal(link_take(&held->link, second, sizeof(second), &taken), LINK_UP);
    plain_send(held->descriptor, taken.answer, taken.answer_bytes);
}

/* ---- Links and messages ---- */

/* Two nodes, messages from 9 bytes to a mebibyte both ways, in order and whole. */
TEST(peers, messages_arrive_in_order_both_ways)
{
    set_up(0);
    start(1);
    start(2);
    assert_false(send_next(&nodes[1], 2));
    UNTIL(both_up(1, 2));
    assert_string_equal(nodes[1].changes, "+2");
    assert_string_equal(nodes[2].changes, "+1");
    while (nodes[1].sent[2] < 300 || nodes[2].sent[1] < 300) {
        if (nodes[1].sent[2] < 300) send_next(&nodes[1], 2);
        if (nodes[2].sent[1] < 300) send_next(&nodes[2], 1);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    UNTIL(nodes[1].received[2] == 300 && nodes[2].received[1] == 300);
    assert_string_equal(nodes[1].changes, "+2");
    assert_int_equal(metric_get(&nodes[1].metrics.peer_links), 1);
    const uint64_t sent = metric_get(&nodes[1].metrics.peer_bytes_sent_total);
    assert_int_equal(sent, metric_get(&nodes[2].metrics.peer_bytes_received_total));
    assert_true(sent > UINT64_C(300) / 7 * MESSAGE_MAX);
    assert_int_equal(metric_get(&nodes[2].metrics.peer_refused_total), 0);
    tear_down();
}

/* A message from within the handler, and one turn of the loop for many of them. */
TEST(peers, three_nodes_answer_each_other)
{
    set_up(1);
    for (uint32_t id = 1; id <= 3; id++) {
        start(id);
        nodes[id].answers = id != 1;
    }
    UNTIL(both_up(1, 2) && both_up(1, 3) && both_up(2, 3));
    assert_int_equal(metric_get(&nodes[2].metrics.peer_links), 2);
    for (int i = 0; i < 20; i++) {
        assert_true(send_next(&nodes[1], 2));
        assert_true(send_next(&nodes[1], 3));
        UNTIL(nodes[1].received[2] == nodes[1].sent[2] && nodes[1].received[3] == nodes[1].sent[3]);
    }
    assert_false(send_next(&nodes[1], 4)); /* a member that is not there */
    assert_false(nodes[1].table.is_up(nodes[1].table.context, 77));
    tear_down();
}

/* A queue that is full refuses the message whole; what was taken arrives, and then there is room. */
TEST(peers, queue_is_bounded)
{
    set_up(2);
    start(1);
    start(2);
    UNTIL(both_up(1, 2));
    uint64_t bytes = 0;
    while (bytes < 2 * PEERS_QUEUE_MAX && send_next(&nodes[1], 2))
        bytes += link_frame_bytes(length_of(nodes[1].sent[2]));
    const uint64_t next = link_frame_bytes(length_of(nodes[1].sent[2] + 1));
    assert_true(bytes <= PEERS_QUEUE_MAX && bytes + next > PEERS_QUEUE_MAX);
    const uint64_t taken = nodes[1].sent[2];
    UNTIL(nodes[2].received[1] == taken);
    assert_true(send_next(&nodes[1], 2));
    UNTIL(nodes[2].received[1] == taken + 1);
    tear_down();
}

/* Written at once, without a turn of the loop. */
TEST(peers, flush_writes_now)
{
    set_up(3);
    start(1);
    start(2);
    UNTIL(both_up(1, 2));
    const uint64_t before = metric_get(&nodes[1].metrics.peer_bytes_sent_total);
    for (int i = 0; i < 3; i++)
        assert_true(send_next(&nodes[1], 2));
    assert_int_equal(metric_get(&nodes[1].metrics.peer_bytes_sent_total), before);
    peers_uv_flush(nodes[1].peers);
    assert_true(metric_get(&nodes[1].metrics.peer_bytes_sent_total) > before + 1000);
    UNTIL(nodes[2].received[1] == 3);
    tear_down();
}

/* ---- Links come and go ---- */

/* Whichever of the two starts again, both hear that the link went down and came up anew. */
TEST(peers, link_comes_again_after_either_node_starts_anew)
{
    set_up(4);
    start(1);
    start(2);
    UNTIL(both_up(1, 2));
    stop(2);
    UNTIL(!is_up(1, 2));
    start(2);
    UNTIL(both_up(1, 2));
    UNTIL(strcmp(nodes[1].changes, "+2-2+2") == 0);
    stop(1);
    UNTIL(!is_up(2, 1));
    start(1);
    UNTIL(both_up(1, 2));
    UNTIL(strcmp(nodes[2].changes, "+1+1-1+1") == 0);
    assert_true(send_next(&nodes[1], 2));
    UNTIL(nodes[2].received[1] == 1);
    tear_down();
}

/* The caller lost its link and the called node has not noticed: the new one takes the old one's place. */
TEST(peers, newer_link_takes_the_place_of_an_older)
{
    static struct held one, other;
    set_up(5);
    start(2);
    held_up(&one, 1, 2);
    UNTIL(is_up(2, 1));
    held_up(&other, 1, 2);
    UNTIL(strcmp(nodes[2].changes, "+1-1+1") == 0);
    assert_int_equal(metric_get(&nodes[2].metrics.peer_links), 1);
    uint8_t byte;
    UNTIL(recv(one.descriptor, &byte, 1, 0) == 0);
    close(one.descriptor);
    close(other.descriptor);
    UNTIL(!is_up(2, 1));
    tear_down();
}

/* Nodes that have nothing to say stay linked; one that says nothing at all does not. */
TEST(peers, silence_ends_a_link_and_beats_prevent_it)
{
    static struct held held;
    set_up(6);
    start(2);
    start(3);
    UNTIL(both_up(2, 3));
    held_up(&held, 1, 2);
    UNTIL(is_up(2, 1));
    const uint64_t begun = now_ms();
    UNTIL(!is_up(2, 1));
    UNTIL(strcmp(nodes[2].changes, "+3+1-1") == 0);
    assert_true(now_ms() - begun >= PEERS_SILENCE_MS - 200);
    assert_true(both_up(2, 3));
    assert_string_equal(nodes[3].changes, "+2");
    close(held.descriptor);
    tear_down();
}

TEST(peers, host_names_are_resolved)
{
    set_up(7);
    memset(set.members[1].address, 0, NODE_ADDRESS_BYTES);
    snprintf(set.members[1].address, NODE_ADDRESS_BYTES, "localhost:%u", port_of(2));
    start(1);
    start(2);
    UNTIL(both_up(1, 2));
    tear_down();
}

/* ---- The node set ---- */

/* A member that is expelled loses its links at once and is a stranger; taken in again, it is linked. */
TEST(peers, node_set_decides)
{
    const struct node_changed_event gone = {.node = 3, .role = NODE_GONE};
    struct node_set without;
    set_up(0);
    for (uint32_t id = 1; id <= 3; id++)
        start(id);
    UNTIL(both_up(1, 2) && both_up(1, 3) && both_up(2, 3));
    without = set;
    assert_true(node_set_apply(&without, &gone));
    peers_uv_set_nodes(nodes[1].peers, &without);
    assert_false(is_up(1, 3));
    assert_false(send_next(&nodes[1], 3));
    assert_null(strchr(nodes[1].changes, '-')); /* told later, from the loop */
    UNTIL(strchr(nodes[1].changes, '-') != NULL && !is_up(3, 1));

    /* 2 calls 3, which does not know it any more: refused, for as long as that lasts. */
    const struct node_changed_event two = {.node = 2, .role = NODE_GONE};
    without = set;
    assert_true(node_set_apply(&without, &two));
    peers_uv_set_nodes(nodes[3].peers, &without);
    UNTIL(!is_up(2, 3));
    UNTIL(metric_get(&nodes[3].metrics.peer_refused_total) >= 2);
    assert_false(is_up(3, 2));
    assert_false(is_up(2, 3));

    peers_uv_set_nodes(nodes[1].peers, &set);
    peers_uv_set_nodes(nodes[3].peers, &set);
    UNTIL(both_up(1, 3) && both_up(2, 3));
    assert_true(both_up(1, 2));
    tear_down();
}

/* A member that moved is called at its new address. */
TEST(peers, new_address_is_called)
{
    set_up(1);
    struct node_set moved = set;
    snprintf(set.members[1].address, NODE_ADDRESS_BYTES, "127.0.0.1:%u", port_of(0));
    start(1);
    start(2);
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_ONCE);
    assert_false(is_up(1, 2));
    peers_uv_set_nodes(nodes[1].peers, &moved);
    UNTIL(both_up(1, 2));
    tear_down();
}

/* ---- Strangers ---- */

/* Nothing, garbage, another chain, a key that is no member's, a replay: not a byte comes back. */
TEST(peers, stranger_gets_not_a_byte)
{
    static struct held held;
    uint8_t bytes[4096] = {0}, first[LINK_FIRST_BYTES];
    set_up(2);
    start(2);

    const int silent = plain_connect(2);
    const int slow = plain_connect(2);
    plain_send(slow, bytes, 1);
    const uint64_t begun = now_ms();

    memset(bytes, 'G', sizeof(bytes));
    int descriptor = plain_connect(2);
    plain_send(descriptor, bytes, sizeof(bytes));
    UNTIL(is_closed_in_silence(descriptor));
    close(descriptor);

    held_first(&held, 9, 2, first);
    descriptor = plain_connect(2);
    plain_send(descriptor, first, sizeof(first));
    UNTIL(is_closed_in_silence(descriptor));
    close(descriptor);

    chain_id.bytes[0] = 2;
    held_first(&held, 1, 2, first);
    chain_id.bytes[0] = 1;
    descriptor = plain_connect(2);
    plain_send(descriptor, first, sizeof(first));
    UNTIL(is_closed_in_silence(descriptor));
    close(descriptor);
    assert_int_equal(metric_get(&nodes[2].metrics.peer_refused_total), 3);

    UNTIL(is_closed_in_silence(silent));
    UNTIL(is_closed_in_silence(slow));
    assert_true(now_ms() - begun >= PEERS_HANDSHAKE_MS - 200);
    assert_string_equal(nodes[2].changes, "");
    assert_int_equal(metric_get(&nodes[2].metrics.peer_bytes_sent_total), 0);
    close(silent);
    close(slow);
    tear_down();
}

/* A member's first message, recorded and sent again while its link is up: no answer, no disturbance. */
TEST(peers, replayed_first_message_gets_not_a_byte)
{
    static struct held held;
    uint8_t first[LINK_FIRST_BYTES], second[LINK_SECOND_BYTES];
    struct link_taken taken;
    size_t have = 0;
    set_up(3);
    start(2);
    held_first(&held, 1, 2, first);
    held.descriptor = plain_connect(2);
    plain_send(held.descriptor, first, sizeof(first));
    UNTIL(plain_read(held.descriptor, second, sizeof(second), &have));
    assert_int_equal(link_take(&held.link, second, sizeof(second), &taken), LINK_UP);
    assert_false(is_up(2, 1)); /* it may be a recording until the caller's first frame has come */
    plain_send(held.descriptor, taken.answer, taken.answer_bytes);
    UNTIL(is_up(2, 1));

    const int replay = plain_connect(2);
    plain_send(replay, first, sizeof(first));
    UNTIL(is_closed_in_silence(replay));
    assert_string_equal(nodes[2].changes, "+1");
    close(replay);
    close(held.descriptor);
    tear_down();
}

/* A changed byte on the way ends the link. */
TEST(peers, changed_frame_ends_the_link)
{
    static struct held held;
    uint8_t frame[64];
    const struct peers_piece piece = {content, 9};
    set_up(4);
    start(2);
    held_up(&held, 1, 2);
    UNTIL(is_up(2, 1));
    const size_t count = link_seal(&held.link, &piece, 1, frame);
    frame[count - 1] ^= 1;
    plain_send(held.descriptor, frame, count);
    UNTIL(!is_up(2, 1));
    UNTIL(strcmp(nodes[2].changes, "+1-1") == 0);
    assert_int_equal(nodes[2].received[1], 0);
    assert_int_equal(metric_get(&nodes[2].metrics.peer_refused_total), 1);
    close(held.descriptor);
    tear_down();
}

/* Connections that prove nothing do not pile up, and members get in beside them. */
TEST(peers, unproved_connections_are_bounded)
{
    int descriptors[PEERS_ACCEPTED_MAX + 4];
    set_up(5);
    start(2);
    for (size_t i = 0; i < PEERS_ACCEPTED_MAX + 4; i++) {
        descriptors[i] = plain_connect(2);
        uv_run(&loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < 4; i++)
        UNTIL(is_closed_in_silence(descriptors[i]));
    for (size_t i = 4; i < PEERS_ACCEPTED_MAX + 4; i++)
        assert_false(is_closed_in_silence(descriptors[i]));
    start(1);
    UNTIL(both_up(1, 2));
    for (size_t i = 0; i < PEERS_ACCEPTED_MAX + 4; i++)
        close(descriptors[i]);
    tear_down();
}

/* Strangers that know the chain cost more: so many a second are looked at, links that are up do not
 * notice, and the next second members are let in again. */
TEST(peers, flood_of_strangers_is_bounded)
{
    static struct held held;
    uint8_t first[LINK_FIRST_BYTES];
    const uint64_t tries = 3 * PEERS_STRANGERS_MAX;
    set_up(6);
    start(2);
    start(3);
    UNTIL(both_up(2, 3));
    const uint64_t begun = now_ms();
    held_first(&held, 9, 2, first);
    for (uint64_t i = 0; i < tries; i++) {
        const int descriptor = plain_connect(2);
        plain_send(descriptor, first, sizeof(first));
        UNTIL(is_closed_in_silence(descriptor));
        close(descriptor);
    }
    const uint64_t seconds = (now_ms() - begun) / 1000 + 2; /* begun in one, ended in another */
    const uint64_t refused = metric_get(&nodes[2].metrics.peer_refused_total);
    assert_true(refused >= PEERS_STRANGERS_MAX && refused <= seconds * PEERS_STRANGERS_MAX);
    assert_string_equal(nodes[2].changes, "+3");
    start(1);
    UNTIL(both_up(1, 2));
    tear_down();
}

/* ---- Begin and end ---- */

TEST(peers, address_that_cannot_be_is_said)
{
    set_up(7);
    start(1);
    struct peers_options options = {
        .loop = &loop,
        .host = "127.0.0.1",
        .port = port_of(1),
        .node = 2,
        .secret_key = secret_keys[2],
        .chain_id = chain_id,
        .handler = {&nodes[2], on_message, on_changed},
    };
    struct peers_uv *second = peers_uv_new(&options);
    assert_non_null(second);
    assert_int_equal(peers_uv_listen(second), STATUS_ADDRESS_IN_USE);
    peers_uv_free(second);
    options.host = "example.test";
    second = peers_uv_new(&options);
    assert_non_null(second);
    assert_int_equal(peers_uv_listen(second), STATUS_MALFORMED);
    peers_uv_free(second);
    tear_down();
}

/* The end may come from within a handler. */
TEST(peers, may_be_freed_by_its_handler)
{
    set_up(0);
    start(1);
    start(2);
    UNTIL(both_up(1, 2));
    nodes[2].free_at_message = true;
    for (int i = 0; i < 5; i++)
        assert_true(send_next(&nodes[1], 2));
    UNTIL(nodes[2].peers == NULL);
    UNTIL(!is_up(1, 2));
    assert_int_equal(nodes[2].received[1], 1);
    assert_string_equal(nodes[2].changes, "+1");
    tear_down();
}
