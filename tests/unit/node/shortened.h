/* Chains that begin later than block 1, or lack their older bodies, beside real checkpoints of theirs, and audits of them. */

#ifndef TESTS_UNIT_NODE_SHORTENED_H
#define TESTS_UNIT_NODE_SHORTENED_H

#include "ledger/chain_files.h"
#include "node/verify.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/workshop.h"

#define SHORTENED_TIP         14
#define SHORTENED_CHECKPOINT  9 /* the lower of the two that are kept */
#define SHORTENED_BLOCK_BYTES (64 * 1024)

struct kept_block {
    uint8_t header[BLOCK_HEADER_BYTES];
    uint8_t body[SHORTENED_BLOCK_BYTES];
    size_t body_bytes;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
};

static struct workshop shop;
static struct chain_folder folder;
static struct kept_block blocks[SHORTENED_TIP + 2]; /* by height */
static struct verify_result result;
static struct verify_options options;

static inline void shortened_certify(struct kept_block *block, uint64_t height)
{
    struct vote_command vote;
    struct certificate certificate = {
        .height = height, .header_hash = block_header_hash(block->header), .vote_count = 1};
    certificate_sign(shop.journal.node_secret, genesis_chain_id(&shop.journal.genesis), 0, height,
                     certificate.header_hash, 1, &vote);
    certificate.votes[0].node = 1;
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    block->certificate_bytes = certificate_encode(&certificate, block->certificate);
}

static inline void shortened_keep(void *context, const struct applied *record,
                                  const struct command *command)
{
    const bool sealed = command->header.type == T_SEAL;
    const uint64_t height = shop.journal.height + (sealed ? 0 : 1);
    struct kept_block *block = &blocks[height];
    (void)context;
    uint8_t *at = block->body + block->body_bytes;
    applied_header_put(at, record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, record->command, record->command_length);
    at = le_put_bytes(at, record->events, record->events_length);
    block->body_bytes = (size_t)(at - block->body);
    assert_true(block->body_bytes <= SHORTENED_BLOCK_BYTES);
    if (!sealed) return;
    memcpy(block->header, shop.state.block.bytes, BLOCK_HEADER_BYTES);
    shortened_certify(block, height);
}

/* SHORTENED_TIP blocks of a real engine and settlement, with real checkpoints of the last two of their heights. */
static inline void shortened_begin(void)
{
    memset(blocks, 0, sizeof(blocks));
    workshop_begin(&shop);
    workshop_start(&shop);
    shop.follow = shortened_keep;
    for (uint64_t at = WORKSHOP_EVERY; at < SHORTENED_TIP; at += WORKSHOP_EVERY)
        workshop_checkpoint(&shop, at);
    workshop_trade_to(&shop, SHORTENED_TIP);
    chain_folder_make(&folder);
    options = (struct verify_options){.chain = folder.path,
                                      .checkpoints = shop.checkpoints,
                                      .genesis = &shop.journal.genesis,
                                      .tree_secret = journal_tree_secret};
}

static inline void shortened_end(void)
{
    chain_folder_remove(&folder);
    workshop_end(&shop);
}

static inline void shortened_append(struct chain *chain, uint64_t height)
{
    const struct kept_block *block = &blocks[height];
    assert_int_equal(chain_append_block(chain, block->header, block->body, block->body_bytes),
                     STATUS_OK);
    if (block->certificate_bytes > 0)
        assert_int_equal(
            chain_append_certificate(chain, height, block->certificate, block->certificate_bytes),
            STATUS_OK);
}

/* All blocks, a segment each, and the bodies below `below` taken away. */
static inline void shortened_write_pruned(uint64_t below)
{
    struct chain *chain;
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = 1;
    for (uint64_t height = 1; height <= SHORTENED_TIP; height++)
        shortened_append(chain, height);
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, below, &more), STATUS_OK);
    assert_int_equal(chain_first_body(chain), below);
    chain_close(chain);
}

/* What a node has that joined at block `base`. */
static inline void shortened_write_joined(uint64_t base)
{
    struct chain *chain;
    assert_int_equal(chain_begin_at(folder.path, blocks[base].header, blocks[base].certificate,
                                    blocks[base].certificate_bytes),
                     STATUS_OK);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    for (uint64_t height = base + 1; height <= SHORTENED_TIP; height++)
        shortened_append(chain, height);
    chain_close(chain);
}

static inline enum status shortened_audit(void)
{
    return verify_audit(&options, &result);
}

static inline void shortened_wrong(uint64_t height, const char *reason)
{
    assert_int_equal(shortened_audit(), STATUS_MISMATCH);
    if (result.fault.height != height || strstr(result.fault.reason, reason) == NULL)
        print_error("block %lu: %s\n", result.fault.height, result.fault.reason);
    assert_int_equal(result.fault.height, height);
    assert_non_null(strstr(result.fault.reason, reason));
}

/* The header's fields that follow from the body's bytes. */
static inline void shortened_remake(struct block_header *header, const struct chain_block *block)
{
    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct block_header made = *header;
    struct applied record;
    struct seal seal;
    seal_begin(&seal, header->first_command);
    while (applied_next(&at, end, &record)) {
        const uint8_t *events = record.events;
        struct event event;
        seal_command(&seal, &record);
        while (event_next(&events, record.events + record.events_length, &event))
            seal_event(&seal, &event);
    }
    const struct seal_facts facts = {.height = header->height,
                                     .time_ns = header->time_ns,
                                     .epoch = header->epoch,
                                     .chain_id = header->chain_id,
                                     .prev_hash = header->prev_hash,
                                     .history_root = header->history_root,
                                     .state_root = header->state_root,
                                     .totals_root = header->totals_root,
                                     .validators_hash = header->validators_hash,
                                     .next_validators_hash = header->next_validators_hash,
                                     .params_hash = header->params_hash};
    seal_step(&seal, &facts, &made);
    *header = made;
}

static inline void shortened_part(uint64_t first, uint64_t executed_from, uint64_t body_count)
{
    const enum status status = shortened_audit();
    if (status != STATUS_OK)
        print_error("block %lu: %s\n", result.fault.height, result.fault.reason);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(result.height, SHORTENED_TIP);
    assert_int_equal(result.certified_height, SHORTENED_TIP);
    assert_int_equal(result.first_height, first);
    assert_int_equal(result.executed_from, executed_from);
    assert_int_equal(result.body_count, body_count);
    assert_int_equal(result.unknown_count, 0);
    assert_int_equal(result.headers_word, VOTERS_GENESIS);
}

#endif /* TESTS_UNIT_NODE_SHORTENED_H */
