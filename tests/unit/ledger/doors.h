/* Nodes that one can join at, over real sockets: each a thread with links, the real supply and its own directory. */

#ifndef TESTS_LEDGER_DOORS_H
#define TESTS_LEDGER_DOORS_H

#include "ledger/join_uv.h"
#include "ledger/peers_uv.h"
#include "ledger/roster.h"
#include "ledger/supply_files.h"
#include "tests/unit/ledger/checkpoints.h"

#include <pthread.h>
#include <uv.h>

#define DOORS_MAX  3
#define DOORS_NODE 4 /* the one who joins */

struct door {
    uint32_t node;
    bool open;
    const struct node_set *nodes;
    struct checkpoints folder;
    struct progress progress;
    struct supply_source source; /* instead of the files'; context NULL: the files' */
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_prepare_t round;
    uv_idle_t again;
    struct peers_uv *links;
    struct supply_files *files;
    struct supply supply;
};

struct doors {
    uint16_t port; /* of node K: port + K */
    struct genesis genesis;
    uint8_t secrets[DOORS_NODE][SECRET_KEY_BYTES];
    struct node_set nodes;
    struct checkpoints own;
    struct door list[DOORS_MAX];
    struct metrics metrics;
    struct progress progress;
};

static inline void doors_message(void *context, uint32_t node, const uint8_t *bytes,
                                 size_t byte_count)
{
    struct door *door = context;
    supply_receive(&door->supply, node, bytes, byte_count);
}

static inline void doors_changed(void *context, uint32_t node, bool up)
{
    struct door *door = context;
    uint8_t bytes[ROSTER_BYTES_MAX];
    if (!up) return;
    const struct peers_piece piece = {bytes, roster_encode(door->nodes, bytes)};
    const struct peers links = peers_uv_table(door->links);
    if (!links.send(links.context, node, &piece, 1)) abort();
}

static inline void doors_again(uv_idle_t *again)
{
    (void)again;
}

static inline void doors_round(uv_prepare_t *round)
{
    struct door *door = round->data;
    bool more = true;
    for (int i = 0; i < 4 && more; i++)
        more = supply_turn(&door->supply);
    peers_uv_flush(door->links);
    if (more)
        uv_idle_start(&door->again, doors_again);
    else
        uv_idle_stop(&door->again);
}

static inline void doors_stop(uv_async_t *stop)
{
    struct door *door = stop->data;
    peers_uv_free(door->links);
    uv_close((uv_handle_t *)&door->stop, NULL);
    uv_close((uv_handle_t *)&door->round, NULL);
    uv_close((uv_handle_t *)&door->again, NULL);
}

static inline void *doors_run(void *context)
{
    struct door *door = context;
    uv_run(&door->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&door->loop) != 0) abort();
    return NULL;
}

static inline void doors_open(struct doors *doors, uint32_t node)
{
    struct door *door = &doors->list[node - 1];
    uv_loop_init(&door->loop);
    door->stop.data = door->round.data = door->again.data = door;
    uv_async_init(&door->loop, &door->stop, doors_stop);
    uv_prepare_init(&door->loop, &door->round);
    uv_idle_init(&door->loop, &door->again);
    uv_prepare_start(&door->round, doors_round);
    const struct peers_options links = {
        .loop = &door->loop,
        .host = "127.0.0.1",
        .port = (uint16_t)(doors->port + node),
        .node = node,
        .secret_key = doors->secrets[node - 1],
        .chain_id = genesis_chain_id(&doors->genesis),
        .handler = {.context = door, .message = doors_message, .changed = doors_changed}};
    const struct supply_files_options files = {.checkpoint_directory = door->folder.path,
                                               .progress = &door->progress};
    door->nodes = &doors->nodes;
    door->links = peers_uv_new(&links);
    door->files = supply_files_new(&files);
    if (door->links == NULL || door->files == NULL) abort();
    supply_begin(&door->supply, peers_uv_table(door->links),
                 door->source.context != NULL ? door->source : supply_files_source(door->files));
    if (peers_uv_listen(door->links) != STATUS_OK) abort();
    peers_uv_set_nodes(door->links, &doors->nodes);
    if (pthread_create(&door->thread, NULL, doors_run, door) != 0) abort();
    door->open = true;
}

static inline void doors_shut(struct doors *doors, uint32_t node)
{
    struct door *door = &doors->list[node - 1];
    if (!door->open) return;
    uv_async_send(&door->stop);
    pthread_join(door->thread, NULL);
    supply_files_free(door->files);
    door->open = false;
}

static inline void doors_begin(struct doors *doors, uint16_t port)
{
    memset(doors, 0, sizeof(*doors));
    if (!hash_start()) abort();
    doors->port = port;
    doors->genesis.validators.count = doors->nodes.count = DOORS_NODE;
    for (uint32_t i = 0; i < DOORS_NODE; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)}; /* as checkpoints.h has it */
        struct validator *validator = &doors->genesis.validators.members[i];
        validator->node = i + 1;
        crypto_sign_seed_keypair(validator->public_key, doors->secrets[i], seed);
        snprintf(validator->address, sizeof(validator->address), "127.0.0.1:%u", port + i + 1);
    }
    node_set_of_genesis(&doors->genesis, &doors->nodes);
    checkpoints_begin(&doors->own);
    for (uint32_t i = 0; i < DOORS_MAX; i++) {
        doors->list[i].node = i + 1;
        checkpoints_begin(&doors->list[i].folder);
        doors->list[i].folder.chain_id = genesis_chain_id(&doors->genesis);
    }
}

/* It has, and offers, a checkpoint with sections of these lengths. */
static inline void doors_give(struct doors *doors, uint32_t node, uint64_t height,
                              const uint64_t section_bytes[CHECKPOINT_SECTIONS])
{
    struct door *door = &doors->list[node - 1];
    hash_t root;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    if (checkpoints_write_of(&door->folder, height, height, section_bytes, &root) != STATUS_OK)
        abort();
    const size_t byte_count = checkpoints_sign(&door->folder, height, root, 3, bytes);
    if (checkpoint_certify(door->folder.path, height, bytes, byte_count) != STATUS_OK) abort();
    atomic_store(&door->progress.checkpoint_height, height);
}

static inline void doors_end(struct doors *doors)
{
    for (uint32_t node = 1; node <= DOORS_MAX; node++) {
        doors_shut(doors, node);
        checkpoints_end(&doors->list[node - 1].folder);
    }
    checkpoints_end(&doors->own);
}

static inline struct join_options doors_options(struct doors *doors)
{
    return (struct join_options){.genesis = &doors->genesis,
                                 .node = DOORS_NODE,
                                 .secret_key = doors->secrets[DOORS_NODE - 1],
                                 .host = "127.0.0.1",
                                 .port = (uint16_t)(doors->port + DOORS_NODE),
                                 .nodes = &doors->nodes,
                                 .checkpoint_directory = doors->own.path,
                                 .metrics = &doors->metrics,
                                 .progress = &doors->progress};
}

#endif /* TESTS_LEDGER_DOORS_H */
