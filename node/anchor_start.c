#include "node/anchor_start.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/root_vote.h"
#include "node/anchor_block.h"
#include "node/anchor_council.h"
#include "node/anchor_signing.h"
#include "node/epoch_chain.h"

/* The state at the genesis, unless the caller has one. */
static enum status make_state(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    anchor->digest = options->digest;
    if (anchor->digest != NULL) return STATUS_OK;
    const size_t bytes = settlement_bytes(options->genesis);
    struct settlement *settlement = NULL;
    if (arena_map(&anchor->arena, bytes))
        settlement = settlement_new(&anchor->arena, options->genesis, options->tree_secret);
    if (settlement == NULL) {
        log_error("anchor", "no memory for settlement", "bytes=%zu", bytes);
        return STATUS_NO_MEMORY;
    }
    anchor->digest = &anchor->own_digest;
    digest_begin(anchor->digest, options->genesis, settlement);
    return STATUS_OK;
}

/* The record at the end of the body goes into the seal with the others. */
static void hash_record(void *context)
{
    struct anchor *anchor = context;
    hasher_give(anchor->hasher, &anchor->digest->seal, anchor->body, anchor->body_bytes);
}

static void hash_finish(void *context)
{
    struct anchor *anchor = context;
    hasher_finish(anchor->hasher);
}

static enum status open_hasher(struct anchor *anchor)
{
    const struct digest_hashing hashing = {hash_record, hash_finish, anchor};
    const enum status status = hasher_open(anchor->options->hasher, &anchor->hasher);
    if (status != STATUS_OK) return status;
    digest_hash_aside(anchor->digest, &hashing);
    settlement_share(anchor->digest->settlement, hasher_sharing(anchor->hasher));
    return STATUS_OK;
}

static void close_hasher(struct anchor *anchor)
{
    if (anchor->hasher == NULL) return;
    hasher_finish(anchor->hasher);
    digest_hash_aside(anchor->digest, NULL);
    settlement_share(anchor->digest->settlement, NULL);
    hasher_close(anchor->hasher);
}

/* Where the state stands: what is at or below its height was certified with it. */
static void begin_at_state(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    const struct digest *digest = anchor->digest;
    const uint64_t height = digest->height, epoch = digest->membership.epoch;
    const uint32_t blocks = options->genesis->params.checkpoint_blocks;
    const uint32_t every = blocks == 0 ? 1 : blocks;
    node_set_voters(&digest->membership.nodes, &anchor->voters);
    certificate_tally_begin(&anchor->tally, digest->chain_id, epoch, height);
    root_vote_tally_begin(&anchor->checkpoints, CERTIFICATE_OF_CHECKPOINT, digest->chain_id, epoch,
                          height, every);
    root_vote_tally_begin(&anchor->liabilities, CERTIFICATE_OF_LIABILITIES, digest->chain_id, epoch,
                          height == 0 ? 0 : height - 1, every);
    change_queue_begin(&anchor->changes, &digest->membership.next);
    anchor->voting.sealed = height;
    anchor->voting.certified = height;
    anchor->sealed_noticed = height;
    anchor->certified_noticed = height;
    metric_set(&options->metrics->height, height);
    metric_set(&options->metrics->certified_height, height);
    atomic_store_explicit(&options->progress->epoch, epoch, memory_order_relaxed);
    atomic_store_explicit(&options->progress->settled_command, digest->command,
                          memory_order_release);
    /* release: as in end_block. */
    atomic_store_explicit(&options->progress->sealed_height, height, memory_order_release);
    atomic_store_explicit(&options->progress->certified_height, height, memory_order_release);
}

/* The chain must go on where the state does. */
static enum status check_chain(struct anchor *anchor)
{
    const uint64_t height = anchor->digest->height;
    hash_t hash;
    if (height == 0) return STATUS_OK;
    const enum status status = anchor_block_hash(anchor, height, &hash);
    if (status == STATUS_OK && hash_equal(hash, anchor->digest->last_hash)) return STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    log_error("anchor", "the chain files do not go on where the state does",
              "height=%lu chain_tip=%lu", height, chain_tip(anchor->chain));
    return STATUS_MISMATCH;
}

/* The state is that of a checkpoint. Whether its liabilities were due need not be known: their votes may come after it in
 * the log, and count if the set that signs them is still the present one. */
static enum status resume_liabilities(struct anchor *anchor)
{
    const uint64_t height = anchor->digest->height;
    const uint32_t every = anchor->options->genesis->params.checkpoint_blocks;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    if (height == 0 || every == 0 || height % every != 0) return STATUS_OK;
    const enum status status = chain_read_header(anchor->chain, height, bytes);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (!block_header_decode(bytes, &header)) return STATUS_DAMAGED;
    anchor->marked_ns = header.time_ns;
    if (header.epoch == anchor->liabilities.epoch &&
        hash_equal(header.validators_hash, validator_set_hash(&anchor->voters)))
        certificate_tally_open(&anchor->liabilities, height, header.epoch, &anchor->voters, false);
    return STATUS_OK;
}

static enum status header_of_chain(void *context, uint64_t height,
                                   uint8_t header[BLOCK_HEADER_BYTES])
{
    return chain_read_header(context, height, header);
}

/* The tree of all headers, as far as the chain goes. A chain that begins above a checkpoint has proofs from
 * there on. */
static enum status open_history(struct anchor *anchor)
{
    const struct history_headers headers = {.context = anchor->chain, .header = header_of_chain};
    struct history none;
    if (anchor->options->history_path == NULL) return STATUS_OK;
    history_begin(&none);
    const enum status status = history_store_open(anchor->options->history_path, &anchor->history);
    if (status != STATUS_OK) return status;
    return history_store_follow(anchor->history,
                                chain_base(anchor->chain) == 0 ? &none : &anchor->digest->history,
                                chain_tip(anchor->chain), &headers);
}

enum status anchor_start(struct anchor *anchor)
{
    enum status status = make_state(anchor);
    if (status == STATUS_OK) status = open_hasher(anchor);
    if (status != STATUS_OK) return status;
    begin_at_state(anchor);
    status = chain_open(anchor->options->chain_directory, &anchor->chain);
    if (status == STATUS_OK) status = check_chain(anchor);
    if (status == STATUS_OK) status = resume_liabilities(anchor);
    if (status == STATUS_OK) anchor->digest->chain = epoch_chain_of(anchor->chain);
    if (status == STATUS_OK) status = anchor_council_load(anchor);
    if (status == STATUS_OK) status = open_history(anchor);
    if (status == STATUS_OK) status = anchor_signing_open(anchor);
    if (status == STATUS_OK)
        log_info("anchor", "chain opened", "height=%lu certified=%lu state=%lu signed=%lu",
                 chain_tip(anchor->chain), chain_certified(anchor->chain), anchor->digest->height,
                 anchor->once.last.height);
    return status;
}

void anchor_start_undo(struct anchor *anchor)
{
    close_hasher(anchor);
    sign_once_close(&anchor->once);
    history_store_close(anchor->history);
    chain_close(anchor->chain);
    if (anchor->arena.bytes != NULL) arena_unmap(&anchor->arena);
}
