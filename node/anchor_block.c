#include "node/anchor_block.h"

#include "common/log.h"
#include "ledger/trade_index.h"
#include "node/anchor_council.h"
#include "node/anchor_halt.h"

#include <string.h>

#define LIABILITIES_PERIOD_NS UINT64_C(3600000000000)

enum status anchor_block_header(struct anchor *anchor, uint64_t height,
                                uint8_t bytes[BLOCK_HEADER_BYTES])
{
    if (height != anchor->last.header.height)
        return chain_read_header(anchor->chain, height, bytes);
    memcpy(bytes, anchor->last.bytes, BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

enum status anchor_block_hash(struct anchor *anchor, uint64_t height, hash_t *hash)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    if (height == anchor->last.header.height) {
        *hash = anchor->last.hash;
        return STATUS_OK;
    }
    const enum status status = chain_read_header(anchor->chain, height, bytes);
    if (status == STATUS_OK) *hash = block_header_hash(bytes);
    return status;
}

/* A height the chain holds already: the same header, or this node is wrong now or was then. */
static enum status compare_block(struct anchor *anchor)
{
    const struct digest_block *ours = &anchor->last;
    struct block_header stored;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    const enum status status = chain_read_header(anchor->chain, ours->header.height, bytes);
    if (status != STATUS_OK) return status;
    if (memcmp(bytes, ours->bytes, sizeof(bytes)) == 0) return STATUS_OK;
    const char *field = block_header_decode(bytes, &stored)
                            ? block_header_difference(&ours->header, &stored)
                            : "version";
    const struct evidence_halt found = {.height = ours->header.height,
                                        .what = "the header differs from the stored one",
                                        .ours = ours->bytes,
                                        .theirs = bytes};
    anchor_halt_hashes(anchor, found, field, ours->hash, block_header_hash(bytes));
    return STATUS_OK;
}

static enum status append_block(struct anchor *anchor)
{
    const enum status status =
        chain_append_block(anchor->chain, anchor->last.bytes, anchor->body, anchor->body_bytes);
    if (status != STATUS_OK) return status;
    metric_add(&anchor->options->metrics->blocks_sealed_total, 1);
    if (anchor->options->store_park != NULL) park_wake(anchor->options->store_park);
    if (anchor->history == NULL) return STATUS_OK;
    return history_store_add(anchor->history, anchor->last.header.height, anchor->last.hash);
}

/* Votes for the block may come from here on, by the set of its height. */
static void open_ballots(struct anchor *anchor, const struct block_header *header, bool turns)
{
    const uint32_t every = anchor->options->genesis->params.checkpoint_blocks;
    /* A block in which the epoch changed: the nodes have said that they sign nothing more of its epoch. */
    if (header->epoch < anchor->tally.epoch) return;
    certificate_tally_open(&anchor->tally, header->height, header->epoch, &anchor->voters, turns);
    if (every != 0 && header->height % every == 0)
        certificate_tally_open(&anchor->checkpoints, header->height, header->epoch, &anchor->voters,
                               false);
}

/* Whether the liabilities of this checkpoint are to be published. It follows from the chain alone: an order of before a
 * checkpoint is for it or an earlier one, so that whoever begins at one has missed none. */
static bool liabilities_are_due(struct anchor *anchor, const struct block_header *header)
{
    const uint64_t hour = header->time_ns / LIABILITIES_PERIOD_NS;
    const bool is_new_hour =
        anchor->marked_ns == 0 || anchor->marked_ns / LIABILITIES_PERIOD_NS != hour;
    anchor->marked_ns = header->time_ns;
    if (settlement_rules(anchor->digest->settlement) < PARAMS_RULES_LIABILITIES) return false;
    return is_new_hour || anchor->liabilities_ordered == header->height;
}

static void checkpoint_ended(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    const struct block_header *header = &anchor->last.header;
    const bool liabilities = liabilities_are_due(anchor, header);
    if (liabilities && header->epoch >= anchor->liabilities.epoch)
        certificate_tally_open(&anchor->liabilities, header->height, header->epoch, &anchor->voters,
                               false);
    if (options->checkpoint != NULL)
        options->checkpoint(options->checkpoint_context, header->height, anchor->digest,
                            anchor->last.bytes, liabilities);
}

/* What follows from a block that is in the chain files. */
static void block_ended(struct anchor *anchor)
{
    const struct block_header *header = &anchor->last.header;
    const uint32_t every = anchor->options->genesis->params.checkpoint_blocks;
    const bool turns = !hash_equal(header->validators_hash, header->next_validators_hash);
    open_ballots(anchor, header, turns);
    vote_sealed(&anchor->voting, header->height, turns);
    if (every != 0 && header->height % every == 0) checkpoint_ended(anchor);
    if (turns) node_set_voters(&anchor->digest->membership.nodes, &anchor->voters);
}

static void pass_ended(struct anchor *anchor, const struct reconcile_pass *pass)
{
    struct progress_pass *last = &anchor->options->progress->reconciled;
    const uint64_t count = atomic_load_explicit(&last->count, memory_order_relaxed);
    atomic_store_explicit(&last->wanted, pass->wanted, memory_order_relaxed);
    atomic_store_explicit(&last->from_height, pass->from_height, memory_order_relaxed);
    atomic_store_explicit(&last->to_height, pass->to_height, memory_order_relaxed);
    atomic_store_explicit(&last->balances, pass->balances, memory_order_relaxed);
    atomic_store_explicit(&last->accounts, pass->accounts, memory_order_relaxed);
    /* release: the figures above are of this pass. Pairs with who reads them. */
    atomic_store_explicit(&last->count, count + 1, memory_order_release);
    metric_set(&anchor->options->metrics->reconciled_passes_total, count + 1);
    metric_set(&anchor->options->metrics->reconciled_height, pass->to_height);
}

/* Passes a slice that was right on to the PostgreSQL writer; one that is behind misses it. */
static void pass_slice_on(struct anchor *anchor, const uint8_t *bytes, size_t byte_count)
{
    struct ring *ring = anchor->options->compared;
    uint8_t *room = ring == NULL ? NULL : ring_reserve(ring, byte_count);
    if (room == NULL) return;
    memcpy(room, bytes, byte_count);
    ring_commit(ring, byte_count);
    (void)!ring_publish(ring); /* the block wakes it */
}

static void compare_slice(struct anchor *anchor, const uint8_t *bytes, size_t byte_count)
{
    struct balance_slice slice;
    struct reconcile_pass pass;
    bool ended;
    const bool whole = balance_slice_get(bytes, byte_count, &slice);
    ASSERT(whole);
    if (slice.height != anchor->last.header.height) return;
    if (digest_reconcile(anchor->digest, &slice, &ended, &pass) != STATUS_OK) {
        const struct evidence_halt found = {
            .height = slice.height, .what = "balances differ", .facts = anchor->digest->fault};
        anchor_halt(anchor, found);
        return;
    }
    metric_add(&anchor->options->metrics->reconciled_balances_total,
               (uint64_t)slice.count * slice.asset_count);
    if (ended) pass_ended(anchor, &pass);
    pass_slice_on(anchor, bytes, byte_count);
}

/* What the engine told of the block that has just ended; it told it before the block's SEAL. */
static void reconcile(struct anchor *anchor)
{
    struct ring *ring = anchor->options->slices;
    const uint8_t *bytes;
    size_t byte_count;
    if (ring == NULL) return;
    while (!anchor->halted && (bytes = ring_peek(ring, &byte_count)) != NULL) {
        struct balance_slice slice;
        if (balance_slice_get(bytes, byte_count, &slice) &&
            slice.height > anchor->last.header.height)
            break;
        compare_slice(anchor, bytes, byte_count);
        ring_pop(ring);
    }
    ring_release(ring);
}

/* Where the block's trades are, for their receipts. */
static enum status index_trades(struct anchor *anchor)
{
    const char *directory = anchor->options->trades_directory;
    if (directory == NULL) return STATUS_OK;
    return trade_index_add(directory, anchor->last.header.height, &anchor->digest->trades);
}

enum status anchor_block_end(struct anchor *anchor)
{
    const uint64_t height = anchor->last.header.height;
    reconcile(anchor);
    if (anchor->halted) return STATUS_OK;
    ASSERT(anchor->last.header.body_length == anchor->body_bytes);
    const bool stored = height <= chain_tip(anchor->chain);
    enum status status = stored ? compare_block(anchor) : append_block(anchor);
    anchor->body_bytes = 0;
    if (status == STATUS_OK && !anchor->halted) status = index_trades(anchor);
    if (status != STATUS_OK || anchor->halted) return status;

    block_ended(anchor);
    anchor_council_send(anchor);
    metric_set(&anchor->options->metrics->height, height);
    atomic_store_explicit(&anchor->options->progress->epoch, anchor->last.header.epoch,
                          memory_order_relaxed);
    /* release: the block is in the chain files, and what it changes of the node set is on its way,
     * before its height is here. Pairs with readers' acquire. */
    atomic_store_explicit(&anchor->options->progress->sealed_height, height, memory_order_release);
    return STATUS_OK;
}
