/* Checkpoints as node/checkpoint_maker.c makes them, but written at once: engine and settlement at the very moment
 * their block ends, the files a little later. The section of market data is empty: there is no gateway. */

#include "tests/sim/cluster.h"

#include "common/le.h"
#include "engine/snapshot.h"
#include "ledger/certificate.h"
#include "ledger/checkpoint.h"
#include "ledger/root_vote.h"
#include "node/chain_section.h"
#include "settlement/snapshot.h"

#include <stdlib.h>
#include <string.h>

#define VOTE_AGAIN_NS (5 * SECOND)
#define LOOK_NS       (200 * MS) /* until its block is certified */
#define KEPT          2

static bool bytes_take(void *context, const uint8_t *from, size_t byte_count)
{
    struct bytes *bytes = context;
    if (bytes->count + byte_count > bytes->room) {
        bytes->room = 2 * (bytes->count + byte_count);
        bytes->at = realloc(bytes->at, bytes->room);
        ASSERT(bytes->at != NULL);
    }
    memcpy(bytes->at + bytes->count, from, byte_count);
    bytes->count += byte_count;
    return true;
}

static void schedule(struct node *node)
{
    const uint64_t at =
        node->cluster->now_ns + random_below(&node->cluster->machine, 1 + node->lag_ns);
    if (at < node->maker_ns) node->maker_ns = at;
}

/* One that comes while another is in hand takes its place. */
static struct making *in_hand(struct node *node, uint64_t height)
{
    struct making *making = &node->making;
    if (making->height == height) return making;
    if (making->height > height) return NULL;
    making->height = height;
    making->engine_done = making->anchor_done = false;
    return making;
}

void maker_mark(void *context, const struct replica_mark *mark)
{
    struct node *node = context;
    struct record *old = node->making.marks.first;
    uint8_t bytes[REPLICA_MARK_BYTES_MAX];
    const size_t byte_count = replica_mark_put(mark, bytes);
    if (old != NULL && node->making.marks.count > 8) queue_drop(&node->making.marks);
    queue_add(&node->making.marks, mark->height, bytes, byte_count);
}

void maker_engine_sealed(void *context, uint64_t height)
{
    struct node *node = context;
    const uint32_t every = node->cluster->genesis.params.checkpoint_blocks;
    if (every == 0 || height % every != 0) return;
    struct making *making = in_hand(node, height);
    if (making == NULL) return;
    struct arena scratch;
    const struct snapshot_sink sink = {.take = bytes_take, .context = &making->engine};
    making->engine.count = 0;
    const bool mapped = arena_map(&scratch, snapshot_scratch_bytes(node->engine) + 4096);
    ASSERT(mapped);
    const enum status status =
        snapshot_write(node->engine, &node->cluster->genesis, &scratch, &sink);
    ASSERT(status == STATUS_OK);
    arena_unmap(&scratch);
    making->engine_done = true;
}

void maker_anchor_ended(void *context, uint64_t height, const struct digest *digest,
                        const uint8_t *header, bool liabilities)
{
    struct node *node = context;
    struct making *making = &node->making;
    struct arena scratch;
    checks_liabilities(node, height, liabilities);
    if (making->height != height || !making->engine_done) return;
    const struct snapshot_sink sink = {.take = bytes_take, .context = &making->settlement};
    making->settlement.count = 0;
    const bool mapped =
        arena_map(&scratch, settlement_snapshot_scratch_bytes(node->settlement) + 4096);
    ASSERT(mapped);
    const enum status status =
        settlement_snapshot_write(node->settlement, &node->cluster->genesis, &scratch, &sink);
    ASSERT(status == STATUS_OK);
    arena_unmap(&scratch);
    static_assert(sizeof(making->digest) >= DIGEST_SNAPSHOT_BYTES_MAX, "a digest fits");
    making->digest_bytes = digest_snapshot_put(digest, making->digest);
    memcpy(making->header, header, BLOCK_HEADER_BYTES);
    making->anchor_done = true;
    making->liabilities_due = liabilities;
    schedule(node);
}

static bool take_mark(struct making *making, struct replica_mark *mark)
{
    while (making->marks.first != NULL) {
        const struct record *record = making->marks.first;
        const bool found = record->index == making->height;
        if (record->index > making->height) return false;
        if (found) {
            memcpy(making->mark, record->bytes, record->byte_count);
            making->mark_bytes = record->byte_count;
            const bool whole = replica_mark_get(making->mark, making->mark_bytes, mark);
            ASSERT(whole);
        }
        queue_drop(&making->marks);
        if (found) return true;
    }
    return false;
}

static enum status write_files(struct node *node, uint64_t epoch, hash_t *root)
{
    struct making *making = &node->making;
    static uint8_t section[CHAIN_SECTION_BYTES_MAX];
    struct checkpoint_writer *writer;
    enum status status = checkpoint_writer_open(node->checkpoints, making->height, &writer);
    if (status != STATUS_OK) return status;
    checkpoint_writer_section(writer, CHECKPOINT_ENGINE);
    status = checkpoint_writer_put(writer, making->engine.at, making->engine.count);
    if (status == STATUS_OK) {
        checkpoint_writer_section(writer, CHECKPOINT_SETTLEMENT);
        status = checkpoint_writer_put(writer, making->settlement.at, making->settlement.count);
    }
    if (status == STATUS_OK) {
        const size_t byte_count = chain_section_put(making->digest, making->digest_bytes,
                                                    making->mark, making->mark_bytes, section);
        checkpoint_writer_section(writer, CHECKPOINT_CHAIN);
        status = checkpoint_writer_put(writer, section, byte_count);
    }
    if (status == STATUS_OK) checkpoint_writer_section(writer, CHECKPOINT_MARKETS);
    if (status == STATUS_OK)
        status =
            checkpoint_writer_finish(writer, epoch, node->cluster->chain_id, making->header, root);
    checkpoint_writer_close(writer);
    return status;
}

/* Nothing is voted for before its block is certified. */
static bool may_vote(const struct node *node)
{
    return atomic_load(&node->progress->certified_height) >= node->making.vote.height;
}

static void propose(struct node *node)
{
    uint8_t bytes[ROOT_VOTE_BYTES];
    node->making.voted_ns = may_vote(node) ? node->cluster->now_ns : 0;
    if (!may_vote(node)) return;
    if (atomic_load(&node->progress->role) != NODE_VOTER) return;
    root_vote_put(bytes, CERTIFICATE_OF_CHECKPOINT, &node->making.vote);
    queue_add(&node->votes, 0, bytes, sizeof(bytes));
    node->poke_ns = node->cluster->now_ns;
}

/* ---- Liabilities ---- */

/* Another function of the block than any of its hashes is. */
static hash_t liabilities_of(const uint8_t header[BLOCK_HEADER_BYTES])
{
    return hash_tagged("simulated liabilities", header, BLOCK_HEADER_BYTES);
}

static void propose_liabilities(struct node *node)
{
    uint8_t bytes[ROOT_VOTE_BYTES];
    if (!node->making.liabilities_wait || !may_vote(node) ||
        atomic_load(&node->progress->role) != NODE_VOTER)
        return;
    root_vote_put(bytes, CERTIFICATE_OF_LIABILITIES, &node->making.liabilities);
    queue_add(&node->votes, 0, bytes, sizeof(bytes));
    node->poke_ns = node->cluster->now_ns;
}

static void make_liabilities(struct node *node, const struct block_header *header)
{
    struct making *making = &node->making;
    if (!making->liabilities_due) return;
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, node->secret_key,
                               node->cluster->chain_id, header->epoch, header->height,
                               liabilities_of(making->header), node->id, &making->liabilities);
    making->liabilities_wait = true;
    propose_liabilities(node);
}

static void take_liabilities(struct node *node)
{
    struct making *making = &node->making;
    const uint8_t *record;
    struct certificate certificate;
    for (size_t byte_count; (record = ring_peek(node->liabilities, &byte_count)) != NULL;
         ring_pop(node->liabilities)) {
        const bool whole = certificate_decode(record + 8, byte_count - 8, &certificate);
        ASSERT(whole && certificate.height == le_get_u64(record));
        figures.liabilities_certified++;
        if (!making->liabilities_wait || making->liabilities.height != certificate.height) continue;
        making->liabilities_wait = false;
        if (memcmp(certificate.header_hash.bytes, making->liabilities.header_hash, HASH_BYTES) != 0)
            cluster_fail(node->cluster, "node %u made other liabilities than the certified ones",
                         node->id);
    }
    ring_release(node->liabilities);
}

/* ---- The checkpoint itself ---- */

static enum status make(struct node *node)
{
    struct making *making = &node->making;
    struct replica_mark mark;
    struct block_header header;
    hash_t root;
    making->engine_done = making->anchor_done = false;
    if (!take_mark(making, &mark)) return STATUS_OK;
    const bool whole = block_header_decode(making->header, &header);
    ASSERT(whole);
    const enum status status = write_files(node, header.epoch, &root);
    if (status != STATUS_OK) return status;
    figures.checkpoints++;
    checks_root(node, making->height, root);
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, node->secret_key, node->cluster->chain_id,
                               header.epoch, making->height, root, node->id, &making->vote);
    making->vote_index = mark.base.index;
    making->waits = true;
    propose(node);
    make_liabilities(node, &header);
    return STATUS_OK;
}

static void forget(struct node *node, uint64_t height, uint64_t index)
{
    atomic_store(&node->progress->checkpoint_height, height);
    atomic_store(&node->progress->forget_index, index);
    node->poke_ns = node->cluster->now_ns;
}

static enum status certify(struct node *node)
{
    struct making *making = &node->making;
    struct certificate certificate;
    if (!making->waits || making->certified != making->vote.height) return STATUS_OK;
    const bool whole =
        certificate_decode(making->certificate, making->certificate_bytes, &certificate);
    ASSERT(whole);
    making->waits = false;
    if (memcmp(certificate.header_hash.bytes, making->vote.header_hash, HASH_BYTES) != 0) {
        cluster_fail(node->cluster, "node %u made another checkpoint than the certified one",
                     node->id);
        return STATUS_OK;
    }
    enum status status = checkpoint_certify(node->checkpoints, certificate.height,
                                            making->certificate, making->certificate_bytes);
    if (status == STATUS_NOT_FOUND || status == STATUS_MISMATCH) return status;
    if (status == STATUS_OK) status = checkpoint_prune(node->checkpoints, KEPT);
    if (status != STATUS_OK) return status;
    figures.checkpoints_certified++;
    node->certified_index = making->vote_index;
    cluster_trace(node->cluster, "certified", node->id, certificate.height, making->vote_index);
    forget(node, certificate.height, making->vote_index);
    return STATUS_OK;
}

static void take_certificates(struct node *node)
{
    struct making *making = &node->making;
    const uint8_t *record;
    for (size_t byte_count; (record = ring_peek(node->certificates, &byte_count)) != NULL;
         ring_pop(node->certificates)) {
        making->certified = le_get_u64(record);
        making->certificate_bytes = byte_count - 8;
        memcpy(making->certificate, record + 8, byte_count - 8);
    }
    ring_release(node->certificates);
}

void maker_turn(struct node *node)
{
    struct making *making = &node->making;
    files_owner = node;
    take_certificates(node);
    take_liabilities(node);
    enum status status = certify(node);
    if (status == STATUS_OK && node->maker_ns <= node->cluster->now_ns) {
        node->maker_ns = NEVER;
        if (making->engine_done && making->anchor_done) status = make(node);
        if (making->waits &&
            (making->voted_ns == 0 || node->cluster->now_ns - making->voted_ns > VOTE_AGAIN_NS)) {
            propose(node);
            propose_liabilities(node);
        }
        const uint64_t rest_ns = making->voted_ns == 0 ? LOOK_NS : VOTE_AGAIN_NS + MS;
        if (making->waits) node->maker_ns = node->cluster->now_ns + rest_ns;
        if (status == STATUS_OK) status = certify(node);
    }
    files_owner = NULL;
    if (status != STATUS_OK) node_ended(node, status);
}

void maker_clear(struct node *node)
{
    struct making *making = &node->making;
    free(making->engine.at);
    free(making->settlement.at);
    queue_clear(&making->marks);
    memset(making, 0, sizeof(*making));
}
