/* Several nodes' anchors over one log, in one thread: each has its own files and rings, and what they propose
 * goes into the log that all of them read.
 *
 *     journal (commands, engine) ─► record ─► every anchor's ring ─► votes ─► journal
 *
 * A node that is down reads nothing; one that is mute reads, and its votes are lost.
 */

#ifndef TESTS_NODE_COUNCIL_H
#define TESTS_NODE_COUNCIL_H

#include "common/log.h"
#include "ledger/lineage.h"
#include "ledger/sign_once.h"
#include "node/anchor.h"
#include "node/evidence.h"
#include "node/file_os.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/journal.h"

#include <dirent.h>

#define COUNCIL_NODES   7
#define COUNCIL_RECORDS 4096 /* of the whole log, to be read again by a node that starts anew */

struct council_node {
    uint32_t id;
    bool mute;
    uint8_t secret[SECRET_KEY_BYTES], public_key[PUBLIC_KEY_BYTES];
    struct chain_folder folder; /* chain files, and beside them the rest */
    char sign_once[128], lineage[128], evidence[128], epoch_change[128];
    struct ring *applied, *votes, *changes, *notices, *certificates, *liabilities;
    struct metrics metrics;
    struct progress progress;
    struct anchor_options options;
    struct anchor *anchor; /* NULL: it is down */
    uint64_t votes_taken;
    uint64_t changes_proposed; /* of the epoch */
    uint64_t checkpoint;       /* height of the last one that it was told to make */
    uint64_t liabilities_due;  /* of the last one whose liabilities were due */
};

struct council {
    struct journal journal;
    struct council_node nodes[COUNCIL_NODES]; /* by id - 1 */
    uint32_t record_count;
    struct {
        size_t at, byte_count;
    } records[COUNCIL_RECORDS];
    uint8_t *bytes; /* of all records */
    size_t byte_count;
    uint64_t now_ns;
};

static inline struct ring *council_ring(size_t bytes)
{
    return ring_new(aligned_alloc(64, ring_bytes(bytes)), bytes);
}

static inline void council_turn(struct council *council, struct council_node *node)
{
    while (node->anchor != NULL && anchor_turn(node->anchor, council->now_ns))
        ;
}

static inline void council_hand_out(struct council *council, struct council_node *node,
                                    uint32_t record)
{
    if (node->anchor == NULL) return;
    const size_t byte_count = council->records[record].byte_count;
    uint8_t *room = ring_reserve(node->applied, byte_count);
    ASSERT(room != NULL);
    memcpy(room, council->bytes + council->records[record].at, byte_count);
    ring_commit(node->applied, byte_count);
    (void)!ring_publish(node->applied);
    council_turn(council, node);
}

static inline void council_take(void *context, const struct applied *record,
                                const struct command *command)
{
    struct council *council = context;
    (void)command;
    const size_t byte_count = APPLIED_HEADER_BYTES + record->command_length + record->events_length;
    ASSERT(council->record_count < COUNCIL_RECORDS);
    council->bytes = realloc(council->bytes, council->byte_count + byte_count);
    uint8_t *at = council->bytes + council->byte_count;
    applied_header_put(at, record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, record->command, record->command_length);
    le_put_bytes(at, record->events, record->events_length);
    council->records[council->record_count].at = council->byte_count;
    council->records[council->record_count].byte_count = byte_count;
    council->byte_count += byte_count;
    const uint32_t number = council->record_count++;
    for (uint32_t i = 0; i < COUNCIL_NODES; i++)
        council_hand_out(council, &council->nodes[i], number);
}

static inline void council_checkpoint(void *context, uint64_t height, const struct digest *digest,
                                      const uint8_t *header, bool liabilities)
{
    struct council_node *node = context;
    struct block_header decoded;
    const bool whole = block_header_decode(header, &decoded);
    ASSERT(whole && decoded.height == height && digest->height == height);
    node->checkpoint = height;
    if (liabilities) node->liabilities_due = height;
}

/* Beside the chain's folder, which goes with all in it that is known to be a chain's. */
static inline void council_path(const struct council_node *node, const char *ending, char path[128])
{
    const size_t length = strlen(node->folder.path);
    ASSERT(length + strlen(ending) < 128);
    memcpy(path, node->folder.path, length);
    memcpy(path + length, ending, strlen(ending) + 1);
}

static inline void council_node_make(struct council *council, uint32_t id)
{
    struct council_node *node = &council->nodes[id - 1];
    const uint8_t seed[32] = {'n', (uint8_t)id};
    node->id = id;
    crypto_sign_seed_keypair(node->public_key, node->secret, seed);
    chain_folder_make(&node->folder);
    council_path(node, ".sign-once", node->sign_once);
    council_path(node, ".lineage", node->lineage);
    council_path(node, ".evidence", node->evidence);
    council_path(node, ".epoch-change", node->epoch_change);
    if (file_make_folder(node->lineage, 0700) != STATUS_OK) abort();
    node->options = (struct anchor_options){.genesis = &council->journal.genesis,
                                            .node = id,
                                            .secret_key = node->secret,
                                            .tree_secret = journal_tree_secret,
                                            .chain_directory = node->folder.path,
                                            .sign_once_path = node->sign_once,
                                            .lineage_directory = node->lineage,
                                            .evidence_directory = node->evidence,
                                            .epoch_change_path = node->epoch_change,
                                            .checkpoint = council_checkpoint,
                                            .checkpoint_context = node,
                                            .metrics = &node->metrics,
                                            .progress = &node->progress};
}

/* `voters` nodes in the genesis, ids from 1, each new. */
static inline void council_make(struct council *council, uint32_t voters,
                                uint32_t checkpoint_blocks)
{
    memset(council, 0, sizeof(*council));
    log_set_level(LOG_ERROR + 1);
    struct journal *journal = &council->journal;
    journal_begin(journal);
    struct genesis *genesis = &journal->genesis;
    genesis->params.checkpoint_blocks = checkpoint_blocks;
    genesis->validators.count = voters;
    for (uint32_t id = 1; id <= COUNCIL_NODES; id++) {
        council_node_make(council, id);
        if (id > voters) continue;
        struct validator *validator = &genesis->validators.members[id - 1];
        *validator = (struct validator){.node = id, .address = "host:7000"};
        validator->address[8] = (char)('0' + id);
        memcpy(validator->public_key, council->nodes[id - 1].public_key, PUBLIC_KEY_BYTES);
        if (sign_once_create(council->nodes[id - 1].sign_once) != STATUS_OK) abort();
    }
    arena_unmap(&journal->arena);
    if (!arena_map(&journal->arena, engine_bytes(genesis))) abort();
    journal->engine = engine_new(&journal->arena, genesis);
    journal->take = council_take;
    journal->context = council;
}

/* Starts a node; it reads the log from its beginning. */
static inline enum status council_start(struct council *council, uint32_t id)
{
    struct council_node *node = &council->nodes[id - 1];
    node->applied = council_ring(1u << 20);
    node->votes = council_ring(64u << 10);
    node->changes = council_ring(64u << 10);
    node->notices = council_ring(1u << 20);
    node->certificates = council_ring(64u << 10);
    node->liabilities = council_ring(64u << 10);
    node->options.applied = node->applied;
    node->options.votes = node->votes;
    node->options.changes = node->changes;
    node->options.notices[0] = node->notices;
    node->options.notice_count = 1;
    node->options.certificates = node->certificates;
    node->options.liabilities = node->liabilities;
    memset(&node->progress, 0, sizeof(node->progress));
    atomic_store(&node->progress.replay_command, council->record_count + 1);
    atomic_store(&node->progress.leader, 1);
    const enum status status = anchor_open(&node->options, &node->anchor);
    for (uint32_t i = 0; i < council->record_count; i++)
        council_hand_out(council, node, i);
    return status != STATUS_OK ? status : anchor_status(node->anchor);
}

static inline void council_stop(struct council *council, uint32_t id)
{
    struct council_node *node = &council->nodes[id - 1];
    anchor_close(node->anchor);
    node->anchor = NULL;
    free(node->applied);
    free(node->votes);
    free(node->changes);
    free(node->notices);
    free(node->certificates);
    free(node->liabilities);
    node->applied = node->votes = node->changes = node->notices = node->certificates = NULL;
    node->liabilities = NULL;
}

static inline void council_folder_remove(const char *path)
{
    char file[512];
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(folder);
    rmdir(path);
}

static inline void council_end(struct council *council)
{
    for (uint32_t id = 1; id <= COUNCIL_NODES; id++) {
        struct council_node *node = &council->nodes[id - 1];
        council_stop(council, id);
        unlink(node->sign_once);
        unlink(node->epoch_change);
        council_folder_remove(node->lineage);
        council_folder_remove(node->evidence);
        chain_folder_remove(&node->folder);
    }
    free(council->bytes);
    journal_end(&council->journal);
}

/* Takes what one node proposes into the log. False: it had nothing. */
static inline bool council_votes_of(struct council *council, struct council_node *node)
{
    size_t byte_count;
    const uint8_t *bytes;
    struct command command;
    struct vote_command vote;
    if (node->votes == NULL || (bytes = ring_peek(node->votes, &byte_count)) == NULL) return false;
    const bool whole = command_decode(bytes, byte_count, &command);
    ASSERT(whole && (command.header.type == T_VOTE || command.header.type == T_EPOCH_CHANGE));
    uint8_t copy[COMMAND_BYTES_MAX]; /* the ring's bytes go with the release */
    memcpy(copy, bytes, byte_count);
    ring_pop(node->votes);
    ring_release(node->votes);
    if (command.header.type == T_EPOCH_CHANGE) {
        node->changes_proposed++;
        if (!node->mute)
            journal_apply(&council->journal, command.header, copy + COMMAND_HEADER_BYTES,
                          copy + COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES);
        return true;
    }
    vote_command_get(copy + COMMAND_HEADER_BYTES, &vote);
    node->votes_taken++;
    if (!node->mute) journal_vote(&council->journal, &vote);
    return true;
}

/* Until nobody has anything to propose. */
static inline void council_settle(struct council *council)
{
    bool more = true;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < COUNCIL_NODES; i++) {
            council_turn(council, &council->nodes[i]);
            more |= council_votes_of(council, &council->nodes[i]);
        }
    }
}

/* A block, and every vote for it. */
static inline void council_seal(struct council *council)
{
    journal_seal(&council->journal);
    council_settle(council);
}

static inline uint64_t council_certified(struct council *council, uint32_t id)
{
    return atomic_load(&council->nodes[id - 1].progress.certified_height);
}

/* An operator's command, signed. */
static inline void council_add(struct council *council, uint32_t id)
{
    uint8_t payload[256];
    char hex[65], text[512];
    struct node_add_command add = {.nonce = ++council->journal.nonce, .node = id};
    memcpy(add.public_key, council->nodes[id - 1].public_key, sizeof(add.public_key));
    memcpy(add.address, "host:7000", 9);
    add.address[8] = (uint8_t)('0' + id);
    node_add_command_put(payload, &add);
    hash_hex(add.public_key, sizeof(add.public_key), hex);
    snprintf(text, sizeof(text), "action=node-add&node=%u&publicKey=%s&address=host:700%u", id, hex,
             id);
    journal_operate(&council->journal, T_NODE_ADD, payload, text);
}

static inline void council_role(struct council *council, uint32_t id, enum node_role role)
{
    uint8_t payload[64];
    char text[128];
    const struct node_role_command change = {
        .nonce = ++council->journal.nonce, .node = id, .role = (uint8_t)role};
    node_role_command_put(payload, &change);
    snprintf(text, sizeof(text), "action=node-role&node=%u&role=%s", id,
             role == NODE_VOTER ? "VOTER" : "STANDBY");
    journal_operate(&council->journal, T_NODE_ROLE, payload, text);
}

static inline void council_remove(struct council *council, uint32_t id)
{
    uint8_t payload[64];
    char text[128];
    const struct node_remove_command remove = {.nonce = ++council->journal.nonce, .node = id};
    node_remove_command_put(payload, &remove);
    snprintf(text, sizeof(text), "action=node-remove&node=%u", id);
    journal_operate(&council->journal, T_NODE_REMOVE, payload, text);
}

static inline void council_swap(struct council *council, uint32_t old, uint32_t new)
{
    uint8_t payload[64];
    char text[128];
    const struct node_swap_command swap = {
        .nonce = ++council->journal.nonce, .old_node = old, .new_node = new};
    node_swap_command_put(payload, &swap);
    snprintf(text, sizeof(text), "action=node-swap&oldNode=%u&newNode=%u", old, new);
    journal_operate(&council->journal, T_NODE_SWAP, payload, text);
}

/* The node says HELLO, through the log. */
static inline void council_hello(struct council *council, uint32_t id)
{
    uint8_t payload[64];
    const struct hello_command hello = {.nonce = council->record_count, .node = id};
    if (id == 1) {
        journal_hello(&council->journal);
        return;
    }
    hello_command_put(payload, &hello);
    journal_apply(&council->journal, (struct command_header){.type = T_HELLO}, payload, NULL);
}

/* The next change that a node passed on to its log. */
static inline bool council_change(struct council *council, uint32_t id,
                                  struct node_changed_event *changed)
{
    struct ring *ring = council->nodes[id - 1].changes;
    size_t byte_count;
    const uint8_t *bytes = ring_peek(ring, &byte_count);
    if (bytes == NULL) return false;
    ASSERT(le_get_u16(bytes) == T_NODE_CHANGED &&
           byte_count == EVENT_HEADER_BYTES + NODE_CHANGED_BYTES);
    node_changed_event_get(bytes + EVENT_HEADER_BYTES, changed);
    ring_pop(ring);
    ring_release(ring);
    return true;
}

#endif /* TESTS_NODE_COUNCIL_H */
