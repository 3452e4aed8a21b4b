#include "node/anchor_vote.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/lineage.h"
#include "ledger/root_vote.h"
#include "ledger/vote.h"
#include "node/anchor_block.h"
#include "node/anchor_halt.h"
#include "node/anchor_signing.h"

#include <string.h>

void anchor_vote_stuck(struct anchor *anchor, uint64_t height)
{
    if (height == 0 && anchor->stuck == 0) return;
    if (height != 0)
        log_error("anchor", "no header can get enough votes any more", "height=%lu epoch=%lu",
                  height, anchor->tally.epoch);
    anchor->stuck = height;
    metric_set(&anchor->options->metrics->stuck, height != 0);
    /* release: as halted. */
    atomic_store_explicit(&anchor->options->progress->stuck, height != 0, memory_order_release);
}

/* The old set has signed a header that hands over to a new one: kept for those who follow the sets. */
static enum status take_turn(struct anchor *anchor, const struct certificate *certificate,
                             const uint8_t bytes[BLOCK_HEADER_BYTES])
{
    const struct validator_set *next =
        certificate_tally_set(&anchor->tally, certificate->height + 1);
    struct block_header header;
    const bool whole = block_header_decode(bytes, &header);
    ASSERT(whole);
    if (hash_equal(header.validators_hash, header.next_validators_hash)) return STATUS_OK;
    if (certificate->height > anchor->turned) anchor->turned = certificate->height;
    if (anchor->options->lineage_directory == NULL) return STATUS_OK;
    if (next == NULL) next = &anchor->voters; /* its block is being built */
    ASSERT(hash_equal(validator_set_hash(next), header.next_validators_hash));
    return lineage_append(anchor->options->lineage_directory, bytes, certificate, next);
}

static void halt_certified(struct anchor *anchor, const struct certificate *certificate,
                           const uint8_t bytes[BLOCK_HEADER_BYTES], hash_t ours)
{
    const struct evidence_halt found = {.height = certificate->height,
                                        .what = "the header differs from the certified one",
                                        .ours = bytes,
                                        .certificate = certificate};
    anchor_halt_hashes(anchor, found, "hash", ours, certificate->header_hash);
}

static enum status take_certificate(struct anchor *anchor, const struct certificate *certificate)
{
    const uint64_t height = certificate->height;
    uint8_t header[BLOCK_HEADER_BYTES];
    enum status status = anchor_block_header(anchor, height, header);
    if (status != STATUS_OK) return status;
    const hash_t ours = block_header_hash(header);
    if (!hash_equal(ours, certificate->header_hash)) {
        halt_certified(anchor, certificate, header, ours);
        return STATUS_OK;
    }
    if (height > chain_certified(anchor->chain)) {
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        const size_t byte_count = certificate_encode(certificate, bytes);
        status = chain_append_certificate(anchor->chain, height, bytes, byte_count);
    }
    if (status == STATUS_OK) status = take_turn(anchor, certificate, header);
    if (status != STATUS_OK) return status;
    vote_certified(&anchor->voting, height);
    if (anchor->voting.certified > height) return STATUS_OK; /* it is an older one's own */
    if (height >= anchor->stuck) anchor_vote_stuck(anchor, 0);
    metric_set(&anchor->options->metrics->certified_height, height);
    /* release: as sealed_height. */
    atomic_store_explicit(&anchor->options->progress->certified_height, height,
                          memory_order_release);
    return STATUS_OK;
}

/* Two signatures that one honest node never gives: kept, so that anyone can check them. */
static void take_double(struct anchor *anchor, const struct certificate_tally *tally)
{
    const struct vote_command *vote = &tally->twice[0];
    const struct validator_set *set = certificate_tally_set(tally, vote->height);
    const char *directory = anchor->options->evidence_directory;
    const struct validator *member = validator_set_find(set, vote->node);
    log_error("anchor", "a validator signed two hashes of one height",
              "node=%u epoch=%lu height=%lu statement=%s", vote->node, vote->epoch, vote->height,
              certificate_statement_name(tally->statement));
    metric_add(&anchor->options->metrics->double_votes_total, 1);
    if (directory != NULL) /* a failure has been logged */
        (void)!evidence_keep_double(directory, tally->statement, tally->chain_id,
                                    member->public_key, tally->twice);
}

/* Notes when another node has computed something else. */
static enum status compare_vote(struct anchor *anchor, const struct vote_command *vote)
{
    hash_t ours, theirs;
    const enum status status = anchor_block_hash(anchor, vote->height, &ours);
    memcpy(theirs.bytes, vote->header_hash, HASH_BYTES);
    if (status != STATUS_OK || hash_equal(ours, theirs)) return status;
    log_warn("anchor", "a vote is for another header than ours", "node=%u epoch=%lu height=%lu",
             vote->node, vote->epoch, vote->height);
    metric_add(&anchor->options->metrics->votes_differing_total, 1);
    return STATUS_OK;
}

enum status anchor_vote_take(struct anchor *anchor, const struct command *command)
{
    struct vote_command vote;
    struct certificate certificate;
    vote_command_get(command->payload, &vote);
    const enum certificate_count counted =
        certificate_tally_add(&anchor->tally, &vote, &certificate);
    if (counted == CERTIFICATE_NOOP) return STATUS_OK;
    if (counted == CERTIFICATE_TWICE) {
        take_double(anchor, &anchor->tally);
        return STATUS_OK;
    }
    enum status status = compare_vote(anchor, &vote);
    if (status == STATUS_OK && vote.node == anchor->options->node)
        status = anchor_signing_logged(anchor, &vote);
    if (status == STATUS_OK && counted == CERTIFICATE_MADE)
        status = take_certificate(anchor, &certificate);
    if (anchor->stuck == 0 && certificate_tally_stuck(&anchor->tally, vote.height))
        anchor_vote_stuck(anchor, vote.height);
    return status;
}

void anchor_vote_take_root(struct anchor *anchor, const struct command *command)
{
    const bool is_checkpoint = command->header.type == T_CHECKPOINT_VOTE;
    struct certificate_tally *tally = is_checkpoint ? &anchor->checkpoints : &anchor->liabilities;
    struct vote_command vote;
    struct certificate certificate;
    root_vote_get(command, &vote);
    const enum certificate_count counted = certificate_tally_add(tally, &vote, &certificate);
    if (counted == CERTIFICATE_TWICE) take_double(anchor, tally);
    if (counted == CERTIFICATE_MADE)
        *(is_checkpoint ? &anchor->checkpoint : &anchor->liability) = certificate;
}
