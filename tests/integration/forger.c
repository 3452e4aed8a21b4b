/* Votes for headers that nobody computed, with the keys of two nodes: what a chain gets stuck on.
 *
 *     forger GENESIS HOST PORT NODE KEY NODE KEY
 *
 * It stands in for the first of the two nodes at that node's peer port. For each height that another node says it
 * has sealed it signs a made-up hash with both keys, and with its own the same height once more for yet another
 * hash, and sends the votes to all who are linked. Says "linked" on standard output once somebody is. Runs until it is
 * killed.
 */

#include "ledger/certificate.h"
#include "ledger/peer_message.h"
#include "ledger/peers_uv.h"
#include "node/genesis_json.h"
#include "node/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define COMMAND_BYTES (COMMAND_HEADER_BYTES + VOTE_BYTES)
#define KEYS          2

struct forger {
    struct genesis genesis;
    struct node_set nodes;
    uint32_t node[KEYS];
    uint8_t key[KEYS][SECRET_KEY_BYTES];
    struct peers_uv *links;
    uint64_t height; /* the last one that was voted for */
};

static struct forger forger;

static void send_vote(int key, uint64_t height, const char *what)
{
    uint8_t bytes[PEER_LOOSE_BYTES + COMMAND_BYTES];
    struct vote_command vote;
    const struct peer_loose loose = {.count = 1};
    const struct command_header header = {.length = COMMAND_BYTES, .type = T_VOTE};
    certificate_sign(forger.key[key], genesis_chain_id(&forger.genesis), 0, height,
                     hash_of(what, strlen(what)), forger.node[key], &vote);
    uint8_t *at = bytes + peer_message_put_loose(bytes, &loose);
    command_header_put(at, &header);
    vote_command_put(at + COMMAND_HEADER_BYTES, &vote);
    const struct peers_piece piece = {bytes, sizeof(bytes)};
    const struct peers peers = peers_uv_table(forger.links);
    for (uint32_t i = 0; i < forger.nodes.count; i++)
        if (forger.nodes.members[i].node != forger.node[0])
            (void)peers.send(peers.context, forger.nodes.members[i].node, &piece, 1);
}

static void on_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct peer_ping ping;
    (void)context;
    (void)node;
    if (bytes[0] != PEER_PING || !peer_message_get_ping(bytes, byte_count, &ping)) return;
    if (forger.height == 0) forger.height = ping.height; /* what is certified stays so */
    while (forger.height < ping.height) {
        forger.height++;
        for (int key = 0; key < KEYS; key++)
            send_vote(key, forger.height, "another header");
        send_vote(0, forger.height, "and another");
    }
}

static void on_changed(void *context, uint32_t node, bool up)
{
    (void)context;
    if (up) printf("linked %u\n", (unsigned)node);
}

static int read_arguments(char **argv)
{
    forger.node[0] = (uint32_t)strtoul(argv[4], NULL, 10);
    forger.node[1] = (uint32_t)strtoul(argv[6], NULL, 10);
    if (genesis_read(argv[1], &forger.genesis) != STATUS_OK) return 2;
    if (key_file_read_ed25519(argv[5], forger.key[0]) != STATUS_OK) return 2;
    return key_file_read_ed25519(argv[7], forger.key[1]) == STATUS_OK ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc != 8 || !hash_start() || read_arguments(argv) != 0) {
        fputs("usage: forger GENESIS HOST PORT NODE KEY NODE KEY\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    node_set_of_genesis(&forger.genesis, &forger.nodes);
    uv_loop_t *loop = uv_default_loop();
    const struct peers_options options = {
        .loop = loop,
        .host = argv[2],
        .port = (uint16_t)strtoul(argv[3], NULL, 10),
        .node = forger.node[0],
        .secret_key = forger.key[0],
        .chain_id = genesis_chain_id(&forger.genesis),
        .handler = {.message = on_message, .changed = on_changed},
    };
    forger.links = peers_uv_new(&options);
    if (forger.links == NULL || peers_uv_listen(forger.links) != STATUS_OK) return 1;
    peers_uv_set_nodes(forger.links, &forger.nodes);
    return uv_run(loop, UV_RUN_DEFAULT);
}
