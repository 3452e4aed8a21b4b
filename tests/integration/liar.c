/* A member that lies: it sends the leader commands that nobody asked for, with its own key and its own stream.
 *
 *     liar GENESIS HOST PORT NODE KEY KIND
 *
 * It stands in for the node at that node's peer port, says HELLO, and as soon as it is told which of its commands is
 * expected it sends that one, of a KIND that would halt whoever finds it in the log:
 *
 *     key        an order of account 1, by an HMAC key that there is not
 *     signature  a credit to account 1 that names the operator and bears no signature of his
 *     withdrawal a withdrawal from account 1, by the liar's own key
 *     vote       a VOTE with an authentication field
 *
 * and, of kind "forged", a VOTE whose signature is wrong, which would halt nobody. It says "told" when it is told, and
 * sends its lie again every time, and every half second. Runs until it is killed.
 */

#include "common/le.h"
#include "ledger/certificate.h"
#include "ledger/peer_message.h"
#include "ledger/peers_uv.h"
#include "node/genesis_json.h"
#include "node/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define AGAIN_MS 500

struct liar {
    struct genesis genesis;
    struct node_set nodes;
    uint32_t node;
    uint8_t key[SECRET_KEY_BYTES];
    const char *kind;
    struct peers_uv *links;
    uint64_t nonce, epoch, sequence; /* as it was told last */
};

static struct liar liar;

static void send_to_all(const uint8_t *head, size_t head_bytes, const uint8_t *command)
{
    const struct peers_piece pieces[] = {{head, head_bytes}, {command, le_get_u32(command)}};
    const struct peers peers = peers_uv_table(liar.links);
    for (uint32_t i = 0; i < liar.nodes.count; i++)
        if (liar.nodes.members[i].node != liar.node)
            (void)peers.send(peers.context, liar.nodes.members[i].node, pieces, 2);
}

static void send_run(uint64_t epoch, uint64_t sequence, const uint8_t *command)
{
    uint8_t head[PEER_FORWARD_BYTES];
    const struct peer_forward forward = {.count = 1, .epoch = epoch, .first_sequence = sequence};
    send_to_all(head, peer_message_put_forward(head, &forward), command);
}

static void send_loose(const uint8_t *command)
{
    uint8_t head[PEER_LOOSE_BYTES];
    const struct peer_loose loose = {.count = 1};
    send_to_all(head, peer_message_put_loose(head, &loose), command);
}

/* Returns the place of the payload; behind it comes the authentication field. */
static uint8_t *put_header(uint8_t *bytes, uint16_t type, uint16_t auth_kind, size_t auth_bytes)
{
    const bool bare = type == T_VOTE || type == T_HELLO;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type) + auth_bytes),
        .type = type,
        .origin = bare ? 0 : liar.node,
        .auth_kind = auth_kind,
        .auth_length = (uint16_t)auth_bytes,
        .origin_epoch = bare ? 0 : liar.epoch,
        .origin_sequence = bare ? 0 : liar.sequence,
    };
    command_header_put(bytes, &header);
    return bytes + COMMAND_HEADER_BYTES;
}

static void say_hello(void)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    const struct hello_command hello = {.node = liar.node, .nonce = liar.nonce};
    hello_command_put(put_header(bytes, T_HELLO, AUTH_NONE, 0), &hello);
    send_run(0, 0, bytes);
}

static void lie_about_a_key(uint8_t *bytes)
{
    const struct order_place_command order = {.price = {100},
                                              .qty = {100},
                                              .account = 1,
                                              .side = BUY,
                                              .type = LIMIT,
                                              .time_in_force = GTC,
                                              .client_id = "lie"};
    uint8_t *at = order_place_command_put(put_header(bytes, T_ORDER_PLACE, AUTH_HMAC, 32), &order);
    memset(at, 0xee, 32);
    send_run(liar.epoch, liar.sequence, bytes);
}

static void lie_about_a_signature(uint8_t *bytes)
{
    char text[128];
    const uint64_t nonce = UINT64_MAX / 2;
    const int length =
        snprintf(text, sizeof(text), "action=credit&account=1&asset=%s&amount=1&nonce=%llu",
                 liar.genesis.params.assets[0].symbol, (unsigned long long)nonce);
    int64_t units = 1;
    for (int i = 0; i < liar.genesis.params.assets[0].decimals; i++)
        units *= 10;
    const struct credit_command credit = {.nonce = nonce, .account = 1, .amount = {units}};
    uint8_t *at = credit_command_put(
        put_header(bytes, T_CREDIT, AUTH_OPERATOR, 96 + (size_t)length), &credit);
    at = le_put_bytes(at, liar.genesis.operators[0], PUBLIC_KEY_BYTES);
    hash_sign(liar.key, text, (size_t)length, at); /* by another key than it says */
    le_put_bytes(at + SIGNATURE_BYTES, text, (size_t)length);
    send_run(liar.epoch, liar.sequence, bytes);
}

static void lie_about_a_withdrawal(uint8_t *bytes)
{
    char text[256];
    const int length = snprintf(text, sizeof(text),
                                "action=withdraw&chain=ETH&asset=%s&amount=1&address=thief&"
                                "withdrawOrderId=lie&timestamp=1700000000000",
                                liar.genesis.params.assets[0].symbol);
    int64_t units = 1;
    for (int i = 0; i < liar.genesis.params.assets[0].decimals; i++)
        units *= 10;
    const struct withdraw_command ask = {
        .amount = {units}, .account = 1, .chain = "ETH", .address = "thief", .client_id = "lie"};
    uint8_t *at = withdraw_command_put(
        put_header(bytes, T_WITHDRAW, AUTH_ED25519, 96 + (size_t)length), &ask);
    at = le_put_bytes(at, liar.key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES);
    hash_sign(liar.key, text, (size_t)length, at);
    le_put_bytes(at + SIGNATURE_BYTES, text, (size_t)length);
    send_run(liar.epoch, liar.sequence, bytes);
}

static void lie_in_a_vote(uint8_t *bytes, bool forged)
{
    struct vote_command vote;
    const size_t auth_bytes = forged ? 0 : 32;
    certificate_sign(liar.key, genesis_chain_id(&liar.genesis), 0, 1, hash_of("", 0), liar.node,
                     &vote);
    if (forged) vote.signature[5] ^= 1;
    uint8_t *at = put_header(bytes, T_VOTE, forged ? AUTH_NONE : AUTH_HMAC, auth_bytes);
    at = vote_command_put(at, &vote);
    memset(at, 0xee, auth_bytes);
    send_loose(bytes);
}

static void lie(void)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    if (liar.epoch == 0) return;
    if (strcmp(liar.kind, "key") == 0)
        lie_about_a_key(bytes);
    else if (strcmp(liar.kind, "signature") == 0)
        lie_about_a_signature(bytes);
    else if (strcmp(liar.kind, "withdrawal") == 0)
        lie_about_a_withdrawal(bytes);
    else
        lie_in_a_vote(bytes, strcmp(liar.kind, "forged") == 0);
}

static void on_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct peer_expected expected;
    (void)context;
    if (bytes[0] != PEER_EXPECTED || !peer_message_get_expected(bytes, byte_count, &expected))
        return;
    liar.epoch = expected.epoch;
    liar.sequence = expected.sequence;
    if (liar.epoch != 0)
        printf("told by %u: epoch %llu sequence %llu\n", (unsigned)node,
               (unsigned long long)liar.epoch, (unsigned long long)liar.sequence);
    lie();
}

static void on_changed(void *context, uint32_t node, bool up)
{
    (void)context;
    if (up) printf("linked %u\n", (unsigned)node);
    if (up) say_hello();
}

static void on_again(uv_timer_t *timer)
{
    (void)timer;
    say_hello();
    lie();
}

static int read_arguments(char **argv)
{
    liar.node = (uint32_t)strtoul(argv[4], NULL, 10);
    liar.kind = argv[6];
    randombytes_buf(&liar.nonce, sizeof(liar.nonce));
    if (genesis_read(argv[1], &liar.genesis) != STATUS_OK) return 2;
    return key_file_read_ed25519(argv[5], liar.key) == STATUS_OK ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc != 7 || !hash_start() || read_arguments(argv) != 0) {
        fputs("usage: liar GENESIS HOST PORT NODE KEY key|signature|vote|forged\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    node_set_of_genesis(&liar.genesis, &liar.nodes);
    uv_timer_t timer;
    uv_loop_t *loop = uv_default_loop();
    const struct peers_options options = {
        .loop = loop,
        .host = argv[2],
        .port = (uint16_t)strtoul(argv[3], NULL, 10),
        .node = liar.node,
        .secret_key = liar.key,
        .chain_id = genesis_chain_id(&liar.genesis),
        .handler = {.message = on_message, .changed = on_changed},
    };
    liar.links = peers_uv_new(&options);
    if (liar.links == NULL || peers_uv_listen(liar.links) != STATUS_OK) return 1;
    peers_uv_set_nodes(liar.links, &liar.nodes);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_again, AGAIN_MS, AGAIN_MS);
    return uv_run(loop, UV_RUN_DEFAULT);
}
