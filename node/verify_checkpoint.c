#include "node/verify_checkpoint.h"

#include "engine/engine.h"
#include "ledger/checkpoint.h"
#include "node/chain_section.h"
#include "node/epoch_chain.h"
#include "node/start.h"
#include "node/verify_execute.h"
#include "node/verify_headers.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES_MAX 8 /* of a node beside us that takes checkpoints away */

/* One that is of use, without those who vote for it: the lowest that the first bodies lead on from. Height 0: there is
 * none. One that is damaged is wrong, unless it was being taken away while we read. */
static enum status find_checkpoint(struct audit *audit, uint64_t lowest, uint64_t tip,
                                   struct start *start)
{
    const char *directory = audit->options->checkpoints;
    *start = (struct start){.genesis = audit->genesis};
    for (int tries = 0; directory != NULL && tries < TRIES_MAX; tries++) {
        uint64_t height, again;
        enum status status = checkpoint_lowest(directory, lowest, &height);
        if (status != STATUS_OK || height == 0 || height > tip) return status;
        status = start_audit(start, directory, audit->genesis, height);
        if (status == STATUS_OK) return status;
        start_close(start);
        *start = (struct start){.genesis = audit->genesis};
        if (checkpoint_lowest(directory, lowest, &again) != STATUS_OK || again == height)
            return verify_fault_set(&audit->result->fault, height, 0,
                                    "its checkpoint is not right: %s", status_text(status));
    }
    return STATUS_OK;
}

/* What the checkpoint says of voters is known by its own word. */
static enum status add_voters(const struct start *start, struct voters *voters)
{
    struct chain_section section;
    struct membership membership;
    struct validator_set set;
    if (!chain_section_get(start->sections[CHECKPOINT_CHAIN],
                           start->section_bytes[CHECKPOINT_CHAIN], &section) ||
        !digest_snapshot_membership(start->genesis, section.digest, section.digest_bytes,
                                    &membership))
        return STATUS_MALFORMED;
    node_set_voters(&membership.nodes, &set);
    const enum status status = voters_add(voters, &set);
    if (status != STATUS_OK) return status;
    node_set_voters(&membership.next, &set);
    return voters_add(voters, &set);
}

/* Whose signatures the checkpoint has, and what they are worth. STATUS_NOT_FOUND: nobody knows its voters. */
static enum status check_signatures(struct audit *audit, const struct start *start,
                                    const struct voters *voters)
{
    struct verify_result *result = audit->result;
    const struct checkpoint_manifest *manifest = checkpoint_reader_manifest(start->reader);
    const struct certificate *certificate = checkpoint_reader_certificate(start->reader);
    struct block_header header;
    size_t byte_count;
    const uint8_t *bytes = checkpoint_reader_manifest_bytes(start->reader, &byte_count);
    if (!block_header_decode(manifest->header, &header))
        return verify_fault_set(&audit->result->fault, start->height, 0,
                                "its checkpoint has no header");
    const struct validator_set *set =
        voters_find(voters, header.validators_hash, &result->checkpoint_word);
    if (set == NULL) return STATUS_NOT_FOUND;
    const char *fault = checkpoint_fault(manifest, bytes, byte_count, certificate,
                                         genesis_chain_id(audit->genesis), set);
    if (fault != NULL)
        return verify_fault_set(&audit->result->fault, start->height, 0,
                                "its checkpoint's certificate is not valid: %s", fault);
    result->checkpoint_height = start->height;
    result->signer_count = certificate->vote_count;
    result->voter_count = set->count;
    result->quorum = validator_set_quorum(set);
    return STATUS_OK;
}

static enum status check_trusted(struct audit *audit, const struct verify_headers *headers)
{
    const struct verify_options *options = audit->options;
    if (headers->height != options->trusted_height ||
        hash_equal(headers->header.validators_hash, options->trusted))
        return STATUS_OK;
    return verify_fault_set(&audit->result->fault, headers->height, 0,
                            "its voters are not those whom the operator named");
}

static enum status walk_headers(struct audit *audit, struct verify_headers *headers, uint64_t first,
                                uint64_t last)
{
    struct verify_result *result = audit->result;
    enum status status = STATUS_OK;
    for (uint64_t height = first; height <= last && status == STATUS_OK; height++) {
        status = verify_headers_next(headers, height);
        if (status == STATUS_OK) status = check_trusted(audit, headers);
    }
    result->first_height = first;
    result->height = headers->height;
    result->body_count = headers->body_count;
    result->conserved_height = headers->conserved_height;
    result->certificate_count = headers->certified_count;
    result->certified_height = headers->certified_height;
    result->headers_word = headers->word;
    result->unknown_count = headers->unknown_count;
    result->unknown_first = headers->unknown_first;
    result->unknown_last = headers->unknown_last;
    if (status != STATUS_OK && headers->fault.reason[0] != '\0') result->fault = headers->fault;
    return status;
}

/* Money is counted on from the checkpoint: from what the blocks below it came to, when all of them were here. */
static enum status go_on(struct audit *audit, uint64_t height, bool counted,
                         const struct settlement *settlement)
{
    struct conservation_fault fault;
    char text[sizeof(audit->result->fault.reason) / 2];
    if (!counted) {
        /* Some bodies may have been counted, and the next one lacked. */
        arena_unmap(&audit->conservation_arena);
        if (!verify_execute_money(audit)) return verify_execute_no_memory(audit);
        conservation_begin(audit->conservation, settlement, engine_params(audit->engine));
        return STATUS_OK;
    }
    if (conservation_meets(audit->conservation, settlement, &fault)) return STATUS_OK;
    conservation_print(&fault, text, sizeof(text));
    return verify_fault_set(&audit->result->fault, height, 0, "%s", text);
}

/* The state of the checkpoint, when it is that of the chain's own block. */
static enum status restore(struct audit *audit, struct start *start,
                           const struct verify_headers *headers)
{
    const uint64_t height = start->height;
    struct settlement *settlement = NULL;
    const uint8_t *header = checkpoint_reader_manifest(start->reader)->header;
    if (!hash_equal(block_header_hash(header), headers->hash))
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its checkpoint is of another header");
    enum status status = start_engine(start, &audit->engine_arena, &audit->engine);
    if (status == STATUS_OK)
        status = start_settlement(start, &audit->settlement_arena, audit->options->tree_secret,
                                  &settlement, &audit->digest);
    if (status == STATUS_NO_MEMORY) return verify_execute_no_memory(audit);
    if (status != STATUS_OK)
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its checkpoint's state is not that of the block: %s",
                                status_text(status));
    if (headers->from_first &&
        !hash_equal(history_root(&headers->history), history_root(&audit->digest.history)))
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its checkpoint's history is not that of the chain");
    status = go_on(audit, height, headers->conserved_height == height, settlement);
    if (status != STATUS_OK) return status;
    audit->digest.chain = epoch_chain_of(audit->headers);
    audit->previous = headers->header;
    audit->previous_hash = headers->hash;
    return verify_execute_events(audit);
}

static enum status no_checkpoint(struct audit *audit)
{
    snprintf(audit->result->fault.reason, sizeof(audit->result->fault.reason),
             "no checkpoint at or above block %lu is whole and signed by voters whom anybody knows",
             audit->options->from_checkpoint);
    return STATUS_NOT_FOUND;
}

enum status verify_checkpoint_audit(struct audit *audit, uint64_t tip)
{
    const struct verify_options *options = audit->options;
    const uint64_t base = chain_base(audit->chain), body = chain_first_body(audit->chain);
    const uint64_t first = base > 0 ? base : 1, least = body - 1 > first ? body - 1 : first;
    const uint64_t lowest = options->from_checkpoint > least ? options->from_checkpoint : least;
    struct verify_headers *headers = malloc(sizeof(*headers));
    struct voters *voters = NULL;
    struct start start = {0};
    enum status status = headers == NULL ? verify_execute_no_memory(audit) : STATUS_OK;
    if (status == STATUS_OK)
        status =
            voters_new(options->checkpoints != NULL ? options->checkpoints : "", audit->genesis,
                       options->trusted_height > 0 ? &options->trusted : NULL, &voters);
    if (status == STATUS_OK) status = find_checkpoint(audit, lowest, tip, &start);
    const bool found = start.reader != NULL;
    if (status == STATUS_OK && found) status = add_voters(&start, voters);
    if (status == STATUS_OK && found) status = check_signatures(audit, &start, voters);
    const bool starts = found && status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) status = STATUS_OK; /* without its voters it is of no use */
    if (status == STATUS_OK && !starts && options->from_checkpoint > 0)
        status = no_checkpoint(audit);
    if (status == STATUS_OK) {
        verify_headers_begin(headers, audit->chain, voters, genesis_chain_id(audit->genesis),
                             audit->conservation);
        status = walk_headers(audit, headers, first, starts ? start.height : tip);
    }
    if (status == STATUS_OK && starts) status = restore(audit, &start, headers);
    if (status == STATUS_OK && starts) status = verify_execute(audit, start.height + 1, tip);
    start_close(&start);
    voters_free(voters);
    free(headers);
    return status;
}
