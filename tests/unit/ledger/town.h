/* Peers in memory for those who fetch: each has a directory of checkpoints and the real supply over it; messages
 * pass through a list, where a test may lose or change them. Time is a number.
 */

#ifndef TESTS_LEDGER_TOWN_H
#define TESTS_LEDGER_TOWN_H

#include "ledger/fetch.h"
#include "ledger/lineage.h"
#include "ledger/supply_files.h"
#include "tests/unit/ledger/checkpoints.h"

#define TOWN_PEERS    3
#define TOWN_NODE     4 /* the one who fetches */
#define TOWN_MESSAGES 4096

struct town;

struct townsman {
    struct town *town;
    uint32_t node;
    bool up;
    bool silent;          /* hears and says nothing */
    int64_t rotten_chunk; /* of which he sends a wrong byte; -1: none */
    uint32_t answers;     /* a step */
    struct checkpoints folder;
    struct progress progress;
    struct supply_files *files;
    struct supply supply;
    uint64_t sent_chunk_bytes;
};

struct town_message {
    uint32_t node;
    size_t byte_count;
    uint8_t *bytes;
};

struct town {
    uint64_t now_ms;
    struct townsman men[TOWN_PEERS];
    struct node_set nodes;
    struct checkpoints keys; /* validators 1 to 4, and an empty directory for what is fetched */
    struct arena arena;
    struct fetch *fetch;
    struct checkpoint_part *part;
    uint32_t message_count;
    struct town_message messages[TOWN_MESSAGES];
    /* What was heard. */
    uint32_t blamed_node, blame_count;
    uint32_t blamed_chunk;
    uint32_t proved;
    uint32_t leaves;
    enum status keep_status;
};

static struct town town;

static inline size_t town_flatten(const struct peers_piece *pieces, uint32_t count, uint8_t *bytes)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (bytes != NULL && pieces[i].byte_count > 0)
            memcpy(bytes + at, pieces[i].bytes, pieces[i].byte_count);
        at += pieces[i].byte_count;
    }
    return at;
}

static inline struct townsman *town_man(uint32_t node)
{
    return node >= 1 && node <= TOWN_PEERS ? &town.men[node - 1] : NULL;
}

static inline bool town_is_up(void *context, uint32_t node)
{
    (void)context;
    return node == TOWN_NODE || (town_man(node) != NULL && town_man(node)->up);
}

/* From the one who fetches to a townsman. */
static inline bool town_ask(void *context, uint32_t node, const struct peers_piece *pieces,
                            uint32_t count)
{
    uint8_t bytes[256];
    struct townsman *man = town_man(node);
    (void)context;
    if (man == NULL || !man->up) return false;
    const size_t byte_count = town_flatten(pieces, count, NULL);
    if (byte_count > sizeof(bytes)) abort();
    town_flatten(pieces, count, bytes);
    if (!man->silent) supply_receive(&man->supply, TOWN_NODE, bytes, byte_count);
    return true;
}

/* And back. */
static inline bool town_answer(void *context, uint32_t node, const struct peers_piece *pieces,
                               uint32_t count)
{
    struct townsman *man = context;
    if (node != TOWN_NODE || town.message_count == TOWN_MESSAGES) return false;
    struct town_message *message = &town.messages[town.message_count++];
    message->node = man->node;
    message->byte_count = town_flatten(pieces, count, NULL);
    message->bytes = malloc(message->byte_count);
    if (message->bytes == NULL) abort();
    town_flatten(pieces, count, message->bytes);
    struct fetch_piece piece;
    if (fetch_piece_decode(message->bytes, message->byte_count, &piece) &&
        piece.object.kind == FETCH_CHUNK) {
        man->sent_chunk_bytes += piece.byte_count;
        if ((int64_t)piece.object.part == man->rotten_chunk)
            message->bytes[message->byte_count - 1] ^= 1;
    }
    return true;
}

static inline enum status town_begin(void *context, const struct checkpoint_proof *proof)
{
    (void)context;
    return checkpoint_part_open(town.keys.path, proof, &town.part);
}

static inline enum status town_read(void *context, uint32_t chunk, uint8_t *bytes,
                                    uint32_t byte_count)
{
    (void)context;
    return checkpoint_part_read(town.part, chunk, bytes, byte_count);
}

static inline enum status town_keep(void *context, uint32_t chunk, const uint8_t *bytes,
                                    uint32_t byte_count)
{
    (void)context;
    if (town.keep_status != STATUS_OK) return town.keep_status;
    return checkpoint_part_keep(town.part, chunk, bytes, byte_count);
}

static inline void town_leave(void *context)
{
    (void)context;
    checkpoint_part_close(town.part);
    town.part = NULL;
    town.leaves++;
}

static inline enum status town_finish(void *context)
{
    (void)context;
    return checkpoint_part_finish(town.part);
}

static inline void town_blame(void *context, uint32_t node, const char *what, uint64_t height,
                              uint32_t chunk)
{
    (void)context;
    (void)what;
    (void)height;
    town.blamed_node = node;
    town.blamed_chunk = chunk;
    town.blame_count++;
}

static inline void town_proved(void *context, const struct lineage_step *step)
{
    (void)context;
    (void)step;
    town.proved++;
}

static inline void town_link(uint32_t node, bool up)
{
    town_man(node)->up = up;
    fetch_link(town.fetch, town.now_ms, node, up);
}

/* A townsman's process starts, or starts again: nothing of what he was asked is known to him. */
static inline void town_start(uint32_t node)
{
    struct townsman *man = town_man(node);
    const struct supply_files_options options = {.checkpoint_directory = man->folder.path,
                                                 .progress = &man->progress};
    supply_files_free(man->files);
    man->files = supply_files_new(&options);
    if (man->files == NULL) abort();
    supply_begin(&man->supply, (struct peers){man, town_answer, town_is_up},
                 supply_files_source(man->files));
}

/* He has, and offers, a checkpoint. */
static inline void town_give(uint32_t node, uint64_t height)
{
    struct townsman *man = town_man(node);
    checkpoints_make(&man->folder, height);
    atomic_store(&man->progress.checkpoint_height, height);
    atomic_store(&man->progress.sealed_height, height + 3);
}

/* The one who fetches starts, or starts again. */
static inline void town_fetch(void)
{
    const struct fetch_options options = {
        .node = TOWN_NODE,
        .nodes = &town.nodes,
        .chain_id = town.keys.chain_id,
        .trusted = &town.keys.set,
        .peers = {&town, town_ask, town_is_up},
        .store = {&town, town_begin, town_read, town_keep, town_finish, town_leave},
        .hooks = {&town, town_blame, town_proved}};
    for (uint32_t i = 0; i < town.message_count; i++)
        free(town.messages[i].bytes);
    town.message_count = 0;
    if (town.arena.bytes != NULL) arena_unmap(&town.arena);
    if (!arena_map(&town.arena, fetch_memory())) abort();
    checkpoint_part_close(town.part);
    town.part = NULL;
    town.fetch = fetch_new(&town.arena, &options);
    if (town.fetch == NULL) abort();
}

static inline void town_open(void)
{
    memset(&town, 0, sizeof(town));
    checkpoints_begin(&town.keys);
    town.nodes.count = TOWN_PEERS + 1;
    for (uint32_t i = 0; i <= TOWN_PEERS; i++) {
        town.nodes.members[i].node = i + 1;
        town.nodes.members[i].role = NODE_VOTER;
        memcpy(town.nodes.members[i].public_key, town.keys.set.members[i].public_key,
               PUBLIC_KEY_BYTES);
    }
    for (uint32_t i = 0; i < TOWN_PEERS; i++) {
        struct townsman *man = &town.men[i];
        *man = (struct townsman){
            .town = &town, .node = i + 1, .up = true, .rotten_chunk = -1, .answers = 4};
        checkpoints_begin(&man->folder);
        town_start(i + 1);
    }
    town_fetch();
}

static inline void town_links_up(void)
{
    for (uint32_t node = 1; node <= TOWN_PEERS; node++)
        if (town_man(node)->up) town_link(node, true);
}

/* 10 ms: everybody answers some questions, then the answers come. */
static inline void town_step(void)
{
    town.now_ms += 10;
    for (uint32_t i = 0; i < TOWN_PEERS; i++) {
        struct townsman *man = &town.men[i];
        if (!man->up || man->silent) continue;
        for (uint32_t j = 0; j < man->answers; j++)
            (void)!supply_turn(&man->supply);
    }
    const uint32_t count = town.message_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct town_message *message = &town.messages[i];
        if (town_man(message->node)->up)
            fetch_receive(town.fetch, town.now_ms, message->node, message->bytes,
                          message->byte_count);
        free(message->bytes);
    }
    town.message_count = 0;
    while (fetch_turn(town.fetch, town.now_ms)) {
    }
    if (!fetch_check(town.fetch)) abort();
}

static inline enum fetch_phase town_phase(void)
{
    return fetch_facts(town.fetch).phase;
}

/* Until it is over, or for so long. */
static inline enum fetch_phase town_run(uint64_t ms)
{
    for (const uint64_t until = town.now_ms + ms; town.now_ms < until && town_phase() < FETCH_DONE;)
        town_step();
    return town_phase();
}

static inline void town_close(void)
{
    for (uint32_t i = 0; i < town.message_count; i++)
        free(town.messages[i].bytes);
    for (uint32_t i = 0; i < TOWN_PEERS; i++) {
        supply_files_free(town.men[i].files);
        checkpoints_end(&town.men[i].folder);
    }
    checkpoint_part_close(town.part);
    checkpoints_end(&town.keys);
    arena_unmap(&town.arena);
}

#endif /* TESTS_LEDGER_TOWN_H */
