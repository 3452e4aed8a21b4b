/* What must hold at every moment, whatever went wrong, and what must hold at the end. */

#include "tests/sim/cluster.h"

#include "common/le.h"
#include "engine/engine.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/peer_message.h"
#include "node/verify.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_LIMIT  65536
#define COMMANDS_LIMIT 131072
#define TREE_SECRET    ((const uint8_t *)"a tree secret of thirty-two byte")

void checks_open(struct cluster *cluster)
{
    cluster->tickets = calloc(CLUSTER_TICKETS, sizeof(*cluster->tickets));
    cluster->batches = calloc(BATCHES_LIMIT, sizeof(*cluster->batches));
    cluster->commands = calloc(COMMANDS_LIMIT, sizeof(*cluster->commands));
    cluster->blocks = calloc(CLUSTER_BLOCKS, sizeof(*cluster->blocks));
    ASSERT(cluster->tickets != NULL && cluster->batches != NULL && cluster->commands != NULL &&
           cluster->blocks != NULL);
}

void checks_close(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_BLOCKS; i++)
        free(cluster->blocks[i].set);
    free(cluster->tickets);
    free(cluster->batches);
    free(cluster->commands);
    free(cluster->blocks);
}

/* ---- The log ---- */

/* Whoever hands on an entry hands on what everybody else does at this index, for ever. */
void checks_batch(struct node *node, uint64_t index, const uint8_t *bytes, size_t byte_count)
{
    struct cluster *cluster = node->cluster;
    ASSERT(index < BATCHES_LIMIT);
    struct agreed_batch *batch = &cluster->batches[index];
    const hash_t hash = hash_of(bytes, byte_count);
    if (!batch->known) {
        *batch = (struct agreed_batch){hash, true};
        if (index > cluster->batch_count) cluster->batch_count = index;
        return;
    }
    if (!hash_equal(batch->hash, hash))
        cluster_fail(cluster, "node %u delivers another batch at index %lu", node->id, index);
}

void checks_command(struct node *node, uint64_t number, uint64_t hash,
                    const struct command_header *header, bool is_void)
{
    struct cluster *cluster = node->cluster;
    ASSERT(number < COMMANDS_LIMIT);
    struct agreed_command *command = &cluster->commands[number];
    if (command->known) {
        if (command->hash != hash)
            cluster_fail(cluster, "node %u applies command %lu otherwise", node->id, number);
        return;
    }
    *command = (struct agreed_command){hash, true};
    if (number > cluster->command_count) cluster->command_count = number;
    figures.commands++;
    if (header->ticket == 0 || is_void) return;
    struct ticket *ticket = &cluster->tickets[header->ticket];
    if (++ticket->applied > 1)
        cluster_fail(cluster, "ticket %lu was applied twice, again as command %lu", header->ticket,
                     number);
}

/* The node set as the log says it, from whoever hears of it first. */
void checks_nodes(struct node *node, uint64_t number, const struct node_changed_event *changed)
{
    struct cluster *cluster = node->cluster;
    const uint32_t place = ++node->record_changes;
    if (number < cluster->set_command) return;
    if (number == cluster->set_command && place <= cluster->set_changes) return;
    struct node_set next = cluster->set;
    if (!node_set_apply(&next, changed)) {
        cluster_fail(cluster, "command %lu changes the node set as it cannot be", number);
        return;
    }
    cluster->set = next;
    cluster->set_changes = place;
    cluster->set_ns = cluster->now_ns;
    cluster->set_command = number;
    cluster_trace(cluster, "nodes", number, changed->node, changed->role);
}

/* ---- Votes of the log's own kind ---- */

/* No node grants its vote twice in a term, nor goes back in terms, over all its lives. */
void checks_sent(struct node *node, uint32_t to, const uint8_t *bytes, size_t byte_count)
{
    struct peer_vote_result result;
    if (bytes[0] != PEER_VOTE_RESULT || !peer_message_get_vote_result(bytes, byte_count, &result) ||
        result.pre_vote || !result.granted)
        return;
    if (node->voted_term > result.term)
        cluster_fail(node->cluster, "node %u votes in term %lu, after one in term %lu", node->id,
                     result.term, node->voted_term);
    if (node->voted_term == result.term && node->voted_for != to)
        cluster_fail(node->cluster, "node %u votes for %u in term %lu, after %lu", node->id, to,
                     result.term, node->voted_for);
    node->voted_term = result.term;
    node->voted_for = to;
}

/* ---- Blocks ---- */

static struct agreed_block *block_at(struct cluster *cluster, uint64_t height)
{
    ASSERT(height > 0 && height < CLUSTER_BLOCKS);
    return &cluster->blocks[height];
}

/* What a node lets out of its signatures: one hash a height. */
void checks_vote(struct node *node, const uint8_t *bytes, size_t byte_count)
{
    struct cluster *cluster = node->cluster;
    struct command command;
    struct vote_command vote;
    const bool whole = command_decode(bytes, byte_count, &command);
    ASSERT(whole);
    if (command.header.type != T_VOTE) return;
    vote_command_get(command.payload, &vote);
    if (vote.node != node->id) return; /* a stranger's, put there on purpose */
    struct agreed_block *block = block_at(cluster, vote.height);
    hash_t hash;
    memcpy(hash.bytes, vote.header_hash, HASH_BYTES);
    if (block->is_signed[vote.node] && !hash_equal(block->signed_hash[vote.node], hash))
        cluster_fail(cluster, "node %u signs two headers of height %lu", node->id, vote.height);
    block->is_signed[vote.node] = true;
    block->signed_hash[vote.node] = hash;
}

void checks_root(struct node *node, uint64_t height, hash_t root)
{
    struct agreed_block *block = block_at(node->cluster, height);
    if (block->checkpoint && !hash_equal(block->root, root))
        cluster_fail(node->cluster, "node %u makes another checkpoint of height %lu", node->id,
                     height);
    block->checkpoint = true;
    block->root = root;
}

/* When they are due follows from the chain alone, wherever a node began. */
void checks_liabilities(struct node *node, uint64_t height, bool due)
{
    struct agreed_block *block = block_at(node->cluster, height);
    if (block->ended && block->liabilities_due != due)
        cluster_fail(node->cluster, "node %u has other words for when liabilities are due: %lu",
                     node->id, height);
    if (!block->ended && due) figures.liabilities++;
    block->ended = true;
    block->liabilities_due = due;
}

static void check_sealed(struct node *node, const uint8_t *payload)
{
    struct cluster *cluster = node->cluster;
    struct block_sealed_notice notice;
    struct block_header header;
    hash_t hash;
    block_sealed_notice_get(payload, &notice);
    const bool whole = block_header_decode(notice.header, &header);
    ASSERT(whole);
    memcpy(hash.bytes, notice.hash, HASH_BYTES);
    struct agreed_block *block = block_at(cluster, header.height);
    if (block->sealed && !hash_equal(block->hash, hash))
        cluster_fail(cluster, "node %u seals another block %lu", node->id, header.height);
    if (block->sealed) return;
    block->sealed = true;
    block->hash = hash;
    if (header.height > cluster->sealed) cluster->sealed = header.height;
    figures.blocks++;
}

static void check_certificate(struct node *node, uint64_t height)
{
    struct cluster *cluster = node->cluster;
    struct agreed_block *block = block_at(cluster, height);
    struct certificate certificate;
    const uint8_t *bytes;
    size_t byte_count;
    struct chain *chain;
    if (block->set == NULL || chain_open_reader(node->chain, &chain) != STATUS_OK) return;
    if (chain_read_certificate(chain, height, &bytes, &byte_count) == STATUS_OK &&
        certificate_decode(bytes, byte_count, &certificate)) {
        const char *fault = certificate_fault(&certificate, cluster->chain_id, block->set);
        if (fault != NULL)
            cluster_fail(cluster, "node %u: the certificate of %lu is none: %s", node->id, height,
                         fault);
    }
    chain_close(chain);
    figures.certificates++;
}

static void check_certified(struct node *node, const uint8_t *payload)
{
    struct cluster *cluster = node->cluster;
    struct block_certified_notice notice;
    hash_t hash;
    block_certified_notice_get(payload, &notice);
    memcpy(hash.bytes, notice.hash, HASH_BYTES);
    struct agreed_block *block = block_at(cluster, notice.height);
    if (!block->sealed || !hash_equal(block->hash, hash))
        cluster_fail(cluster, "node %u: height %lu is certified by another hash", node->id,
                     notice.height);
    if (!block->certified) figures.certified++;
    block->certified = true;
    if (notice.height > cluster->certified) cluster->certified = notice.height;
    check_certificate(node, notice.height);
}

/* The voters of the next block, as this node's digest has them. */
static void note_set(struct node *node)
{
    struct cluster *cluster = node->cluster;
    const uint64_t height = node->digest->height + 1;
    struct agreed_block *block = block_at(cluster, height);
    if (block->set != NULL) return;
    block->set = calloc(1, sizeof(*block->set));
    ASSERT(block->set != NULL);
    node_set_voters(&node->digest->membership.nodes, block->set);
}

void checks_notices(struct node *node)
{
    const uint8_t *bytes;
    for (size_t byte_count; (bytes = ring_peek(node->notices, &byte_count)) != NULL;
         ring_pop(node->notices)) {
        const uint8_t *payload = bytes + EVENT_HEADER_BYTES;
        if (le_get_u16(bytes) == T_BLOCK_SEALED)
            check_sealed(node, payload);
        else if (le_get_u16(bytes) == T_BLOCK_CERTIFIED)
            check_certified(node, payload);
    }
    ring_release(node->notices);
    if (anchor_status(node->anchor) == STATUS_OK) note_set(node);
}

/* ---- A node now and then ---- */

void checks_turn(struct node *node)
{
    struct cluster *cluster = node->cluster;
    const struct replica_facts facts = replica_facts(node->replica);
    if (facts.term < node->term_seen)
        cluster_fail(cluster, "node %u goes back to term %lu", node->id, facts.term);
    node->term_seen = facts.term;
    if (facts.leads && facts.term > cluster->elected_term) {
        cluster->elected_term = facts.term;
        cluster_trace(cluster, "leads", node->id, facts.term, facts.stored);
        figures.elections++;
    }
    if (facts.base > node->base_seen) {
        figures.recycled++;
        node->base_seen = facts.base;
        cluster_trace(cluster, "forgets", node->id, facts.base, 0);
    }
    if (facts.base > node->certified_index && facts.base > node->start.base.index)
        cluster_fail(cluster, "node %u forgets its log up to %lu, its checkpoint holds %lu",
                     node->id, facts.base, node->certified_index);
    if (cluster_below(cluster, 256) == 0) {
        ASSERT(engine_check(node->engine));
        ASSERT(replica_check(node->replica));
        ASSERT(settle_check(node->settlement));
    }
}

/* ---- The end ---- */

bool checks_all_acknowledge(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node *node = &cluster->nodes[cluster->set.members[i].node - 1];
        if (node->life != LIFE_DEAD && !node->acknowledges) return false;
    }
    return true;
}

bool checks_settled(struct cluster *cluster, uint64_t height)
{
    uint64_t seen = 0;
    if (!clients_idle(cluster) || !checks_all_acknowledge(cluster)) return false;
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node *node = cluster_node(cluster, cluster->set.members[i].node);
        if (node->life == LIFE_DEAD) continue;
        if (node->life != LIFE_UP || !node->open) return false;
        const uint64_t sealed = atomic_load(&node->progress->sealed_height);
        const uint64_t certified = atomic_load(&node->progress->certified_height);
        if (sealed < height || certified < height) return false;
        if (seen != 0 && sealed != seen) return false;
        seen = sealed;
    }
    return seen != 0;
}

static void check_tickets(struct cluster *cluster)
{
    for (uint64_t i = 1; i <= cluster->ticket_count; i++) {
        const struct ticket *ticket = &cluster->tickets[i];
        if (ticket->outcome == OUTCOME_ACKNOWLEDGED && ticket->applied != 1)
            cluster_fail(cluster, "ticket %lu was acknowledged and is not in the log", i);
    }
    for (uint64_t i = 1; i <= cluster->command_count; i++)
        if (!cluster->commands[i].known)
            cluster_fail(cluster, "command %lu was applied by nobody", i);
}

/* One whole chain played again by the auditor, who has nothing but the bytes. */
static void check_chain(struct cluster *cluster, struct node *node)
{
    struct verify_result result;
    struct chain *chain;
    if (chain_open_reader(node->chain, &chain) != STATUS_OK) return;
    const bool whole = chain_base(chain) == 0 && chain_first_body(chain) == 1;
    chain_close(chain);
    if (!whole) return;
    const enum status status = verify_chain(node->chain, &cluster->genesis, TREE_SECRET, &result);
    if (status != STATUS_OK)
        cluster_fail(cluster, "node %u: the auditor says at height %lu: %s", node->id,
                     result.fault.height, result.fault.reason);
    figures.verified_chains++;
}

void checks_end(struct cluster *cluster)
{
    check_tickets(cluster);
    bool audited = cluster->seed % 8 != 0;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->life != LIFE_UP) continue;
        ASSERT(engine_check(node->engine));
        ASSERT(settle_check(node->settlement));
        if (!audited) check_chain(cluster, node);
        audited = true;
    }
}
