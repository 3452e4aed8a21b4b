/* What does a link cost? Sealing and opening frames by cipher and size, handshakes, and two nodes' links
 * over loopback on one thread.   bench_link [seconds a figure] */

#include "common/log.h"
#include "ledger/link.h"
#include "ledger/peers_uv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define PORT        19138
#define MESSAGE_MAX 65536

static struct link_identity identities[2];
static struct link_members rooms[2];
static struct node_set set = {.count = 2};
static uint8_t secret_keys[2][SECRET_KEY_BYTES];
static struct link caller, called;
static uint8_t message[MESSAGE_MAX], frame[LINK_FRAME_MAX];
static const hash_t chain_id = {{1}};
static double seconds = 1;

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_up(void)
{
    if (!hash_start()) abort();
    for (uint32_t i = 0; i < 2; i++) {
        struct node_member *member = &set.members[i];
        member->node = i + 1;
        member->role = NODE_VOTER;
        crypto_sign_keypair(member->public_key, secret_keys[i]);
        snprintf(member->address, NODE_ADDRESS_BYTES, "127.0.0.1:%u", PORT + i);
        if (!link_identity_init(&identities[i], &chain_id, i + 1, secret_keys[i])) abort();
    }
    for (uint32_t i = 0; i < 2; i++)
        link_members_set(&rooms[i], &set, i + 1);
    randombytes_buf(message, sizeof(message));
}

static void shake(void)
{
    uint8_t ephemeral[NOISE_KEY_BYTES], first[LINK_FIRST_BYTES];
    struct link_taken taken;
    randombytes_buf(ephemeral, sizeof(ephemeral));
    if (!link_call(&caller, &identities[0], &rooms[0].members[0], ephemeral, first)) abort();
    randombytes_buf(ephemeral, sizeof(ephemeral));
    link_await(&called, &identities[1], &rooms[1], ephemeral);
    if (link_take(&called, first, sizeof(first), &taken) != LINK_MORE) abort();
    if (link_take(&caller, taken.answer, taken.answer_bytes, &taken) != LINK_UP) abort();
    if (link_take(&called, taken.answer, taken.answer_bytes, &taken) != LINK_UP) abort();
}

/* Times by the thread's processor time: other work on the machine does not count. */
static void measure_frames(uint8_t ciphers, size_t length, uint32_t piece_count)
{
    struct peers_piece pieces[PEERS_PIECES_MAX];
    double sealing = 0, opening = 0;
    uint64_t frames = 0;
    identities[0].ciphers = ciphers;
    shake();
    for (uint32_t i = 0; i < piece_count; i++)
        pieces[i] =
            (struct peers_piece){message + i * (length / piece_count), length / piece_count};
    while (sealing + opening < seconds) {
        /* As many frames as a loop's round may have, so that the clock costs nothing. */
        const size_t count = LINK_FRAME_MAX / link_frame_bytes(length);
        const size_t frame_bytes = link_frame_bytes(length);
        const double begun = cpu_now();
        for (size_t i = 0; i < count; i++)
            link_seal(&caller, pieces, piece_count, frame + i * frame_bytes);
        const double sealed = cpu_now();
        for (size_t i = 0; i < count; i++) {
            struct link_taken taken;
            if (link_take(&called, frame + i * frame_bytes, frame_bytes, &taken) != LINK_MESSAGE)
                abort();
        }
        sealing += sealed - begun;
        opening += cpu_now() - sealed;
        frames += count;
    }
    const double bytes = (double)frames * (double)length;
    printf("{\"bench\":\"link\",\"cipher\":\"%s\",\"messageBytes\":%zu,\"pieces\":%u,"
           "\"sealNs\":%.0f,\"openNs\":%.0f,\"sealMBs\":%.0f,\"openMBs\":%.0f}\n",
           link_cipher_text((enum link_cipher)caller.cipher), length, piece_count,
           sealing * 1e9 / (double)frames, opening * 1e9 / (double)frames, bytes / sealing / 1e6,
           bytes / opening / 1e6);
}

static void measure_handshakes(void)
{
    uint64_t count = 0;
    const double begun = cpu_now();
    while (cpu_now() - begun < seconds) {
        shake();
        count++;
    }
    const double both = (cpu_now() - begun) / (double)count;
    printf("{\"bench\":\"link\",\"handshake\":\"both sides\",\"us\":%.0f,\"perSecond\":%.0f}\n",
           both * 1e6, 1 / both);
}

/* What a stranger costs the called node, by how much it knows. */
static void measure_stranger(const char *who, uint32_t version, uint32_t node)
{
    uint8_t first[LINK_FIRST_BYTES], ephemeral[NOISE_KEY_BYTES] = {7};
    struct link_identity stranger = identities[0];
    uint64_t count = 0;
    if (node == 0) {
        uint8_t secret[NOISE_KEY_BYTES] = {9};
        noise_pair_of(secret, &stranger.pair);
    }
    stranger.version = version;
    if (!link_call(&caller, &stranger, &rooms[0].members[0], ephemeral, first)) abort();
    double spent = 0;
    while (spent < seconds) {
        struct link_taken taken;
        link_await(&called, &identities[1], &rooms[1], ephemeral);
        const double begun = cpu_now();
        if (link_take(&called, first, sizeof(first), &taken) != LINK_REFUSED) abort();
        spent += cpu_now() - begun;
        count++;
    }
    printf("{\"bench\":\"link\",\"stranger\":\"%s\",\"us\":%.1f}\n", who,
           spent * 1e6 / (double)count);
}

/* ---- Over loopback ---- */

static uint64_t received_bytes;

static void on_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    (void)context;
    (void)node;
    (void)bytes;
    received_bytes += byte_count;
}

static void on_changed(void *context, uint32_t node, bool up)
{
    (void)context;
    (void)node;
    (void)up;
}

static struct peers_uv *node_new(uv_loop_t *loop, uint32_t node)
{
    const struct peers_options options = {
        .loop = loop,
        .host = "127.0.0.1",
        .port = (uint16_t)(PORT + node - 1),
        .node = node,
        .secret_key = secret_keys[node - 1],
        .chain_id = chain_id,
        .handler = {NULL, on_message, on_changed},
    };
    struct peers_uv *peers = peers_uv_new(&options);
    if (peers == NULL || peers_uv_listen(peers) != STATUS_OK) abort();
    peers_uv_set_nodes(peers, &set);
    return peers;
}

static void measure_loopback(size_t length)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct peers_uv *one = node_new(&loop, 1), *other = node_new(&loop, 2);
    const struct peers table = peers_uv_table(one), other_table = peers_uv_table(other);
    const struct peers_piece piece = {message, length};
    while (!table.is_up(table.context, 2) || !other_table.is_up(other_table.context, 1))
        uv_run(&loop, UV_RUN_ONCE);
    received_bytes = 0;
    const double begun = cpu_now();
    while (cpu_now() - begun < seconds) {
        for (int i = 0; i < 16 && table.send(table.context, 2, &piece, 1); i++)
            ;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    const double spent = cpu_now() - begun;
    printf("{\"bench\":\"link\",\"loopback\":\"both ends on one thread\",\"messageBytes\":%zu,"
           "\"MBs\":%.0f,\"messagesPerSecond\":%.0f}\n",
           length, (double)received_bytes / spent / 1e6,
           (double)received_bytes / (double)length / spent);
    peers_uv_free(one);
    peers_uv_free(other);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

int main(int argc, char **argv)
{
    static const size_t lengths[] = {64, 1024, 65536};
    if (argc == 2) seconds = strtod(argv[1], NULL);
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_WARN);
    set_up();
    const uint8_t can = identities[0].ciphers;
    for (size_t i = 0; i < 3; i++) {
        if ((can & LINK_AES256GCM) != 0) measure_frames(can, lengths[i], 1);
        measure_frames(LINK_CHACHA20POLY1305, lengths[i], 1);
    }
    measure_frames(can, 65536, 4);
    identities[0].ciphers = can;
    measure_handshakes();
    measure_stranger("does not know the chain", LINK_VERSION + 1, 1);
    measure_stranger("knows the chain", LINK_VERSION, 0);
    measure_loopback(65536);
    measure_loopback(200);
    return 0;
}
