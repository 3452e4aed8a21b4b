#include "node/anchor.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/le.h"
#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/history_store.h"
#include "ledger/liabilities_vote.h"
#include "ledger/lineage.h"
#include "ledger/sign_once.h"
#include "ledger/trade_index.h"
#include "ledger/vote.h"
#include "node/change_queue.h"
#include "node/epoch_chain.h"
#include "node/evidence.h"
#include "node/file_os.h"
#include "settlement/mandate_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAKE_MAX              64  /* records taken before votes and notices get their turn */
#define REST_MS               500 /* how long a stop may go unnoticed when nobody wakes the park */
#define RETRY_MS              5   /* something waits for room in its ring */
#define VOTE_REST_MS          100 /* a vote may have to go out again */
#define BODY_BYTES_MIN        (1u << 20)
#define CHANGE_PATIENCE_NS    UINT64_C(1000000000) /* then an EPOCH_CHANGE goes out again */
#define LIABILITIES_PERIOD_NS UINT64_C(3600000000000)
#define VOTE_COMMAND_BYTES    (COMMAND_HEADER_BYTES + VOTE_BYTES)

struct anchor {
    const struct anchor_options *options;
    struct arena arena; /* of a settlement that is made here */
    struct digest own_digest;
    struct digest *digest;
    struct digest_block last;    /* the block sealed last */
    struct validator_set voters; /* of the block that is being built */
    struct chain *chain;
    struct history_store *history; /* NULL: not wanted */
    struct sign_once once;
    struct vote_state voting;
    struct certificate_tally tally;
    struct certificate_tally checkpoints;
    struct certificate checkpoint; /* the newest of one; height 0: it was handed on */
    struct certificate_tally liabilities;
    struct certificate liability; /* likewise */
    uint64_t liabilities_ordered; /* the checkpoint's height of which an operator wants them */
    uint64_t marked_ns;           /* of the last checkpoint's block; 0: there was none */
    struct change_queue changes;
    uint64_t turned;    /* last block that handed over to another set and is certified by itself */
    uint64_t stuck;     /* where no header can get enough votes; 0: nowhere */
    enum status status; /* of the first failure */
    bool votes;         /* there is a sign-once file, and a ring for this node's votes */
    bool halted;
    bool facts_full; /* nothing is taken until there is room for what may come of it */

    /* The body of the block under way: whole records, then the one being put together. */
    uint8_t *body;
    size_t body_bytes, body_capacity;
    size_t record_start;

    /* Heights up to which the gateway was told. */
    uint64_t sealed_noticed, certified_noticed;

    /* The EPOCH_CHANGE that operators have left here; no bytes: none. */
    struct {
        uint8_t bytes[EPOCH_COMMAND_BYTES_MAX];
        size_t byte_count;
        struct command command;
        uint64_t epoch;
        bool considered; /* at considered_ns */
        uint64_t considered_ns;
        const char *objection; /* that was logged last */
    } change;

    uint64_t pruned; /* no body below this height can go any more, but with others above */
};

/* ---- Halting ---- */

/* From here on nothing is compared, signed or written. `found->facts` has both figures. */
static void halt(struct anchor *anchor, struct evidence_halt found)
{
    const struct anchor_options *options = anchor->options;
    log_error("anchor", "halted", "reason=\"%s\" height=%lu command=%lu %s", found.what,
              anchor->digest->height, anchor->digest->command, found.facts);
    anchor->halted = true;
    found.chain_id = anchor->digest->chain_id;
    /* What cannot be kept has been logged; the halt stands all the same. */
    if (options->evidence_directory != NULL)
        (void)!evidence_keep_halt(options->evidence_directory, &found);
    metric_set(&options->metrics->halted, 1);
    /* release: whoever sees it finds the log line and the evidence written. Pairs with the readers'
     * acquire. */
    atomic_store_explicit(&options->progress->halted, 1, memory_order_release);
}

static void halt_hashes(struct anchor *anchor, struct evidence_halt found, const char *field,
                        hash_t ours, hash_t theirs)
{
    char ours_text[2 * HASH_BYTES + 1], theirs_text[2 * HASH_BYTES + 1], facts[256];
    hash_hex(ours.bytes, HASH_BYTES, ours_text);
    hash_hex(theirs.bytes, HASH_BYTES, theirs_text);
    snprintf(facts, sizeof(facts), "at_height=%lu differs=%s ours=%s theirs=%s", found.height,
             field, ours_text, theirs_text);
    found.facts = facts;
    halt(anchor, found);
}

/* ---- Sealing ---- */

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
    halt_hashes(anchor, found, field, ours->hash, block_header_hash(bytes));
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

/* Passes on what may be passed on by now. */
static void send_changes(struct anchor *anchor)
{
    struct ring *ring = anchor->options->changes;
    const struct node_changed_event *changed;
    if (ring == NULL) return;
    while ((changed = change_queue_next(&anchor->changes, anchor->turned, anchor->voting.sealed)) !=
           NULL) {
        uint8_t *room = ring_reserve(ring, EVENT_HEADER_BYTES + NODE_CHANGED_BYTES);
        if (room == NULL) break;
        struct event_writer writer = {.at = room,
                                      .end = room + EVENT_HEADER_BYTES + NODE_CHANGED_BYTES};
        event_write_node_changed(&writer, changed);
        ring_commit(ring, (size_t)(writer.at - room));
        change_queue_sent(&anchor->changes, changed);
    }
    if (ring_publish(ring)) park_wake(anchor->options->consensus_park);
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
        halt(anchor, found);
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

static enum status end_block(struct anchor *anchor)
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
    send_changes(anchor);
    metric_set(&anchor->options->metrics->height, height);
    atomic_store_explicit(&anchor->options->progress->epoch, anchor->last.header.epoch,
                          memory_order_relaxed);
    /* release: the block is in the chain files, and what it changes of the node set is on its way,
     * before its height is here. Pairs with readers' acquire. */
    atomic_store_explicit(&anchor->options->progress->sealed_height, height, memory_order_release);
    return STATUS_OK;
}

/* ---- The node set and the epoch ---- */

/* What may be signed in the present epoch, after what was signed last. */
static void signed_update(struct anchor *anchor)
{
    const struct sign_once_record *last = &anchor->once.last;
    const uint64_t epoch = anchor->digest->membership.next_epoch;
    if (last->epoch < epoch)
        anchor->voting.signed_to = 0;
    else if (last->epoch == epoch && !last->closed)
        anchor->voting.signed_to = last->height;
    else
        anchor->voting.signed_to = UINT64_MAX; /* nothing, until the log is where the file is */
}

static enum status open_once(struct anchor *anchor)
{
    const char *path = anchor->options->sign_once_path;
    const enum status status = sign_once_open(&anchor->once, path);
    if (status != STATUS_OK) return status;
    signed_update(anchor);
    anchor->votes = anchor->options->votes != NULL;
    return STATUS_OK;
}

static enum status amnesiac(const struct anchor *anchor, const char *what, uint64_t height)
{
    log_error("anchor", "what this node signed is not known: it may not sign",
              "reason=\"%s\" height=%lu path=\"%s\"", what, height,
              anchor->options->sign_once_path);
    return STATUS_AMNESIAC;
}

/* This node votes from block `height` on. One that never sealed that block has signed nothing there, and
 * may begin a file. */
static enum status begin_voting(struct anchor *anchor, uint64_t height)
{
    anchor->voting.first = height;
    anchor->voting.last = 0;
    if (anchor->votes || anchor->options->votes == NULL) return STATUS_OK;
    enum status status = open_once(anchor);
    if (status != STATUS_NOT_FOUND) return status;
    if (chain_tip(anchor->chain) >= height) return amnesiac(anchor, "no sign-once file", height);
    status = sign_once_create(anchor->options->sign_once_path);
    return status == STATUS_OK ? open_once(anchor) : status;
}

static enum status take_node(struct anchor *anchor, const struct event *event)
{
    struct node_changed_event changed;
    node_changed_event_get(event->payload, &changed);
    if (anchor->options->changes != NULL) change_queue_add(&anchor->changes, &changed);
    if (changed.node != anchor->options->node) return STATUS_OK;
    log_info("anchor", "this node's role changes", "role=%s from_height=%lu",
             changed.role == NODE_VOTER     ? "voter"
             : changed.role == NODE_STANDBY ? "standby"
                                            : "none",
             changed.height);
    if (changed.role == NODE_VOTER) return begin_voting(anchor, changed.height);
    if (anchor->voting.first != 0) anchor->voting.last = changed.height - 1;
    return STATUS_OK;
}

static void stuck_set(struct anchor *anchor, uint64_t height)
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

/* Headers are of the new epoch from the next block on: only they are signed in it. */
static void take_epoch(struct anchor *anchor)
{
    const uint64_t epoch = anchor->digest->membership.next_epoch;
    const uint64_t first = anchor->digest->height + 2;
    log_info("anchor", "the epoch changes", "epoch=%lu from_height=%lu", epoch, first);
    certificate_tally_end_epoch(&anchor->tally, epoch);
    certificate_tally_end_epoch(&anchor->checkpoints, epoch);
    certificate_tally_end_epoch(&anchor->liabilities, epoch);
    if (anchor->voting.first != 0 && anchor->voting.first < first) anchor->voting.first = first;
    signed_update(anchor);
    stuck_set(anchor, 0);
}

/* What a command's events change of the chain itself. */
static enum status take_events(struct anchor *anchor, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && event_next(&at, end, &event)) {
        if (event.type == T_NODE_CHANGED) status = take_node(anchor, &event);
        if (event.type == T_EPOCH_CHANGED) take_epoch(anchor);
    }
    return status;
}

/* ---- Votes out of the log ---- */

static enum status header_of_block(struct anchor *anchor, uint64_t height,
                                   uint8_t bytes[BLOCK_HEADER_BYTES])
{
    if (height != anchor->last.header.height)
        return chain_read_header(anchor->chain, height, bytes);
    memcpy(bytes, anchor->last.bytes, BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

static enum status hash_of_block(struct anchor *anchor, uint64_t height, hash_t *hash)
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
    halt_hashes(anchor, found, "hash", ours, certificate->header_hash);
}

static enum status take_certificate(struct anchor *anchor, const struct certificate *certificate)
{
    const uint64_t height = certificate->height;
    uint8_t header[BLOCK_HEADER_BYTES];
    enum status status = header_of_block(anchor, height, header);
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
    if (height >= anchor->stuck) stuck_set(anchor, 0);
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

/* A vote of this node's own, out of the log. One above what its file says was signed shows that the file is
 * not the one it was signed with. In an epoch that the file says is over for this node nothing is left to be signed
 * wrongly: then somebody else has the key, and in the next epoch the file is what is asked again. */
static enum status take_own_vote(struct anchor *anchor, const struct vote_command *vote)
{
    const struct sign_once_record *last = &anchor->once.last;
    if (anchor->votes && last->closed && vote->epoch <= last->epoch) {
        if (vote->epoch == last->epoch && vote->height > last->height)
            log_error("anchor", "a vote with this node's key that it did not sign",
                      "epoch=%lu height=%lu", vote->epoch, vote->height);
        return STATUS_OK;
    }
    if (anchor->votes &&
        (vote->epoch > last->epoch || (vote->epoch == last->epoch && vote->height > last->height)))
        return amnesiac(anchor, "the log has a later vote than the sign-once file", vote->height);
    vote_logged(&anchor->voting, vote->height);
    return STATUS_OK;
}

/* Notes when another node has computed something else. */
static enum status compare_vote(struct anchor *anchor, const struct vote_command *vote)
{
    hash_t ours, theirs;
    const enum status status = hash_of_block(anchor, vote->height, &ours);
    memcpy(theirs.bytes, vote->header_hash, HASH_BYTES);
    if (status != STATUS_OK || hash_equal(ours, theirs)) return status;
    log_warn("anchor", "a vote is for another header than ours", "node=%u epoch=%lu height=%lu",
             vote->node, vote->epoch, vote->height);
    metric_add(&anchor->options->metrics->votes_differing_total, 1);
    return STATUS_OK;
}

static enum status take_vote(struct anchor *anchor, const struct command *command)
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
        status = take_own_vote(anchor, &vote);
    if (status == STATUS_OK && counted == CERTIFICATE_MADE)
        status = take_certificate(anchor, &certificate);
    if (anchor->stuck == 0 && certificate_tally_stuck(&anchor->tally, vote.height))
        stuck_set(anchor, vote.height);
    return status;
}

static void take_checkpoint_vote(struct anchor *anchor, const struct command *command)
{
    struct checkpoint_vote_command vote;
    struct certificate certificate;
    checkpoint_vote_command_get(command->payload, &vote);
    const enum certificate_count counted =
        checkpoint_tally_add(&anchor->checkpoints, &vote, &certificate);
    if (counted == CERTIFICATE_TWICE) take_double(anchor, &anchor->checkpoints);
    if (counted == CERTIFICATE_MADE) anchor->checkpoint = certificate;
}

static void take_liabilities_vote(struct anchor *anchor, const struct command *command)
{
    struct liabilities_vote_command vote;
    struct certificate certificate;
    liabilities_vote_command_get(command->payload, &vote);
    const enum certificate_count counted =
        liabilities_vote_tally_add(&anchor->liabilities, &vote, &certificate);
    if (counted == CERTIFICATE_TWICE) take_double(anchor, &anchor->liabilities);
    if (counted == CERTIFICATE_MADE) anchor->liability = certificate;
}

static void take_liabilities_order(struct anchor *anchor, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct liabilities_ordered_event ordered;
    struct event event;
    while (event_next(&at, end, &event)) {
        if (event.type != T_LIABILITIES_ORDERED) continue;
        liabilities_ordered_event_get(event.payload, &ordered);
        anchor->liabilities_ordered = ordered.height;
    }
}

/* ---- Facts for who looks at what other members send ---- */

/* Whether there is room for the one fact that a command can bring. */
static bool facts_have_room(struct anchor *anchor)
{
    struct ring *facts = anchor->options->facts;
    anchor->facts_full =
        facts != NULL && ring_reserve(facts, EVENT_HEADER_BYTES + EVENT_PAYLOAD_MAX) == NULL;
    return !anchor->facts_full;
}

static void add_facts(struct anchor *anchor, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct ring *facts = anchor->options->facts;
    struct event event;
    if (facts == NULL) return;
    for (const uint8_t *begin = at; event_next(&at, end, &event); begin = at) {
        if (!mandate_book_needs(event.type)) continue;
        uint8_t *room = ring_reserve(facts, (size_t)(at - begin));
        ASSERT(room != NULL); /* facts_have_room, and a command lists, opens or adds one thing */
        memcpy(room, begin, (size_t)(at - begin));
        ring_commit(facts, (size_t)(at - begin));
    }
}

static void send_facts(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (options->facts == NULL || anchor->halted) return;
    const bool sleeps = ring_publish(options->facts);
    /* release: the facts up to this command are published. Pairs with the acquire of who takes them. */
    atomic_store_explicit(&options->progress->settled_command, anchor->digest->command,
                          memory_order_release);
    if (sleeps) park_wake(options->consensus_park);
}

/* ---- Records ---- */

static enum status take_record(struct anchor *anchor, const struct applied *record)
{
    struct command command;
    bool sealed;
    const bool whole = command_decode(record->command, record->command_length, &command);
    ASSERT(whole); /* the engine decoded it before us */
    enum status status = digest_record(anchor->digest, record, &command, &anchor->last, &sealed);
    if (status == STATUS_MISMATCH) {
        const struct evidence_halt found = {.height = anchor->digest->height + 1,
                                            .what = "engine and settlement differ",
                                            .facts = anchor->digest->fault};
        halt(anchor, found);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    if (mandate_book_concerns(command.header.type)) add_facts(anchor, record);
    if (sealed) return end_block(anchor);
    switch (command.header.type) {
    case T_VOTE:
        return take_vote(anchor, &command);
    case T_CHECKPOINT_VOTE:
        take_checkpoint_vote(anchor, &command);
        return STATUS_OK;
    case T_LIABILITIES_VOTE:
        take_liabilities_vote(anchor, &command);
        return STATUS_OK;
    case T_LIABILITIES_ORDER:
        take_liabilities_order(anchor, record);
        return STATUS_OK;
    case T_NODE_ADD:
    case T_NODE_ROLE:
    case T_NODE_REMOVE:
    case T_NODE_SWAP:
    case T_EPOCH_CHANGE:
        return take_events(anchor, record);
    default:
        return STATUS_OK;
    }
}

static enum status body_reserve(struct anchor *anchor, size_t more)
{
    size_t wanted = anchor->body_capacity == 0 ? BODY_BYTES_MIN : anchor->body_capacity;
    while (wanted - anchor->body_bytes < more)
        wanted *= 2;
    if (wanted == anchor->body_capacity) return STATUS_OK;
    uint8_t *grown = realloc(anchor->body, wanted);
    if (grown == NULL) {
        log_error("anchor", "no memory for a block's body", "bytes=%zu", wanted);
        return STATUS_NO_MEMORY;
    }
    anchor->body = grown;
    anchor->body_capacity = wanted;
    return STATUS_OK;
}

static void body_add(struct anchor *anchor, const uint8_t *bytes, size_t byte_count)
{
    if (byte_count == 0) return;
    memcpy(anchor->body + anchor->body_bytes, bytes, byte_count);
    anchor->body_bytes += byte_count;
}

/* Puts the parts of a command's record together at the end of the body, where it rests. */
static enum status take_part(struct anchor *anchor, const struct applied *part)
{
    const size_t most = APPLIED_HEADER_BYTES + (size_t)part->command_length + part->events_length;
    const enum status status = body_reserve(anchor, most);
    if (status != STATUS_OK) return status;

    struct applied record = *part;
    if ((part->flags & APPLIED_FIRST) != 0) {
        anchor->record_start = anchor->body_bytes;
        anchor->body_bytes += APPLIED_HEADER_BYTES;
        body_add(anchor, part->command, part->command_length);
    } else {
        const uint8_t *at = anchor->body + anchor->record_start;
        const bool began = applied_next(&at, anchor->body + anchor->body_bytes, &record);
        ASSERT(began && record.number == part->number && part->command_length == 0);
        record.events_length += part->events_length;
        record.event_count += part->event_count;
    }
    body_add(anchor, part->events, part->events_length);
    record.flags = APPLIED_FIRST | APPLIED_LAST;
    applied_header_put(anchor->body + anchor->record_start, &record);
    if ((part->flags & APPLIED_LAST) == 0) return STATUS_OK;

    const uint8_t *at = anchor->body + anchor->record_start;
    const bool whole = applied_next(&at, anchor->body + anchor->body_bytes, &record);
    ASSERT(whole && at == anchor->body + anchor->body_bytes);
    return take_record(anchor, &record);
}

/* Takes what the ring has, at most TAKE_MAX records. A halted anchor only drains. */
static enum status take_parts(struct anchor *anchor, uint32_t *taken)
{
    struct ring *ring = anchor->options->applied;
    enum status status = STATUS_OK;
    const uint8_t *bytes;
    size_t byte_count;
    *taken = 0;
    while (status == STATUS_OK && *taken < TAKE_MAX && facts_have_room(anchor) &&
           (bytes = ring_peek(ring, &byte_count)) != NULL) {
        const uint8_t *at = bytes;
        struct applied part;
        const bool whole = applied_next(&at, bytes + byte_count, &part);
        ASSERT(whole && at == bytes + byte_count);
        if (!anchor->halted) status = take_part(anchor, &part);
        ring_pop(ring);
        ++*taken;
    }
    ring_release(ring);
    send_facts(anchor);
    return status;
}

/* ---- Own votes into the log ---- */

static void vote_put(uint8_t bytes[VOTE_COMMAND_BYTES], const struct vote_command *vote)
{
    const struct command_header header = {
        .length = VOTE_COMMAND_BYTES, .type = T_VOTE, .auth_kind = AUTH_NONE};
    command_header_put(bytes, &header);
    vote_command_put(bytes + COMMAND_HEADER_BYTES, vote);
}

/* Signs `height` and hands the vote to the log; the sign-once file comes before the signature. */
static enum status propose(struct anchor *anchor, uint64_t height, uint8_t *room)
{
    const struct anchor_options *options = anchor->options;
    const uint64_t epoch = anchor->tally.epoch;
    struct sign_once_record wanted = {.epoch = epoch, .height = height};
    enum status status = hash_of_block(anchor, height, &wanted.header_hash);
    if (status == STATUS_OK) status = sign_once_claim(&anchor->once, &wanted);
    if (status == STATUS_MISMATCH) {
        const struct evidence_halt found = {
            .height = height, .what = "another header of this height was signed before"};
        halt_hashes(anchor, found, "hash", wanted.header_hash, anchor->once.last.header_hash);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;

    struct vote_command vote;
    certificate_sign(options->secret_key, anchor->digest->chain_id, epoch, height,
                     wanted.header_hash, options->node, &vote);
    vote_put(room, &vote);
    ring_commit(options->votes, VOTE_COMMAND_BYTES);
    vote_proposed(&anchor->voting, height);
    return STATUS_OK;
}

/* Which leader a vote goes to; while there is none it is the last one's. */
static void term_update(struct anchor *anchor)
{
    const struct progress *progress = anchor->options->progress;
    if (atomic_load_explicit(&progress->leader, memory_order_relaxed) != 0)
        anchor->voting.term = atomic_load_explicit(&progress->term, memory_order_relaxed);
}

static enum status propose_votes(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (!anchor->votes || anchor->halted) return STATUS_OK;
    /* 0 until the log is replayed up to this node's own HELLO. acquire: pairs with the release in the
     * consensus loop, after which it takes what we propose. */
    const uint64_t replay =
        atomic_load_explicit(&options->progress->replay_command, memory_order_acquire);
    term_update(anchor);
    anchor->voting.replaying = replay == 0 || anchor->digest->command < replay;

    enum status status = STATUS_OK;
    uint64_t height;
    while (status == STATUS_OK && !anchor->halted && (height = vote_next(&anchor->voting)) != 0) {
        uint8_t *room = ring_reserve(options->votes, VOTE_COMMAND_BYTES);
        if (room == NULL) break; /* the log is busy; by then a newer block may be the one */
        status = propose(anchor, height, room);
    }
    if (ring_publish(options->votes)) park_wake(options->consensus_park);
    return status;
}

/* ---- A change of the epoch ---- */

/* Reads what operators have left. What is no EPOCH_CHANGE is named and let be: it is nothing to stop for. */
static enum status load_change(struct anchor *anchor)
{
    char *bytes;
    size_t byte_count;
    struct epoch_change_command change;
    const char *path = anchor->options->epoch_change_path;
    if (path == NULL) return STATUS_OK;
    const enum status status = file_read(path, &bytes, &byte_count);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (byte_count <= sizeof(anchor->change.bytes)) memcpy(anchor->change.bytes, bytes, byte_count);
    free(bytes);
    if (byte_count > sizeof(anchor->change.bytes) ||
        !command_decode(anchor->change.bytes, byte_count, &anchor->change.command) ||
        anchor->change.command.header.type != T_EPOCH_CHANGE) {
        log_warn("anchor", "no change of the epoch is in this file", "path=\"%s\"", path);
        return STATUS_OK;
    }
    epoch_change_command_get(anchor->change.command.payload, &change);
    anchor->change.byte_count = byte_count;
    anchor->change.epoch = change.epoch;
    return STATUS_OK;
}

/* Whether it is time: the log is replayed, and has come to where nothing is to be said against it. */
static bool change_is_due(struct anchor *anchor)
{
    const struct digest *digest = anchor->digest;
    const uint64_t replay =
        atomic_load_explicit(&anchor->options->progress->replay_command, memory_order_acquire);
    if (anchor->change.byte_count == 0 || anchor->options->votes == NULL || anchor->halted)
        return false;
    if (replay == 0 || digest->command < replay) return false;
    if (anchor->change.epoch != digest->membership.next_epoch + 1) return false;
    if (digest->membership.change_height != 0) return false; /* the engine would refuse it */
    const uint64_t now_ns = anchor->voting.now_ns;
    if (anchor->change.considered && now_ns - anchor->change.considered_ns < CHANGE_PATIENCE_NS)
        return false;
    anchor->change.considered = true;
    anchor->change.considered_ns = now_ns;
    const char *objection = digest_epoch_objection(digest, &anchor->change.command);
    if (objection != NULL && objection != anchor->change.objection)
        log_warn("anchor", "the change of the epoch is not proposed", "what=\"%s\" height=%lu",
                 objection, digest->height);
    anchor->change.objection = objection;
    return objection == NULL;
}

static void propose_change(struct anchor *anchor)
{
    if (!change_is_due(anchor)) return;
    uint8_t *room = ring_reserve(anchor->options->votes, anchor->change.byte_count);
    if (room == NULL) return; /* when it is due again */
    memcpy(room, anchor->change.bytes, anchor->change.byte_count);
    ring_commit(anchor->options->votes, anchor->change.byte_count);
    log_info("anchor", "a change of the epoch is proposed", "epoch=%lu height=%lu",
             anchor->change.epoch, anchor->digest->height);
    if (ring_publish(anchor->options->votes)) park_wake(anchor->options->consensus_park);
}

/* ---- Notices to the gateway ---- */

/* STATUS_NO_SPACE when the ring is full. */
static enum status notice_sealed(struct anchor *anchor, uint64_t height)
{
    struct ring *ring = anchor->options->notices;
    struct block_sealed_notice notice;
    uint8_t *room = ring_reserve(ring, EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES);
    if (room == NULL) return STATUS_NO_SPACE;
    const enum status status = chain_read_header(anchor->chain, height, notice.header);
    if (status != STATUS_OK) return status;
    const hash_t hash = block_header_hash(notice.header);
    memcpy(notice.hash, hash.bytes, HASH_BYTES);
    struct event_writer writer = {.at = room,
                                  .end = room + EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES};
    notice_write_block_sealed(&writer, &notice);
    ring_commit(ring, (size_t)(writer.at - room));
    return STATUS_OK;
}

static enum status notice_certified(struct anchor *anchor, uint64_t height)
{
    struct ring *ring = anchor->options->notices;
    const uint8_t *bytes;
    size_t byte_count;
    struct certificate certificate;
    uint8_t *room = ring_reserve(ring, EVENT_HEADER_BYTES + BLOCK_CERTIFIED_BYTES);
    if (room == NULL) return STATUS_NO_SPACE;
    const enum status status = chain_read_certificate(anchor->chain, height, &bytes, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* a later one covers it */
    if (status != STATUS_OK) return status;
    if (!certificate_decode(bytes, byte_count, &certificate)) return STATUS_DAMAGED;

    struct block_certified_notice notice = {.height = height, .vote_count = certificate.vote_count};
    memcpy(notice.hash, certificate.header_hash.bytes, HASH_BYTES);
    struct event_writer writer = {.at = room,
                                  .end = room + EVENT_HEADER_BYTES + BLOCK_CERTIFIED_BYTES};
    notice_write_block_certified(&writer, &notice);
    ring_commit(ring, (size_t)(writer.at - room));
    return STATUS_OK;
}

/* Tells the gateway what it does not know yet, as far as there is room; the chain files remember the
 * rest. A block is sealed there before it is certified. */
static enum status send_notices(struct anchor *anchor)
{
    if (anchor->options->notices == NULL || anchor->halted) return STATUS_OK;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && anchor->sealed_noticed < anchor->voting.sealed) {
        status = notice_sealed(anchor, anchor->sealed_noticed + 1);
        if (status == STATUS_OK) anchor->sealed_noticed++;
    }
    while (status == STATUS_OK && anchor->certified_noticed < anchor->voting.certified) {
        status = notice_certified(anchor, anchor->certified_noticed + 1);
        if (status == STATUS_OK) anchor->certified_noticed++;
    }
    if (ring_publish(anchor->options->notices)) park_wake(anchor->options->gateway_park);
    return status == STATUS_NO_SPACE ? STATUS_OK : status;
}

/* Hands the maker the certificate of a checkpoint, when all that lies below it is on the disk. */
static enum status send_checkpoint(struct anchor *anchor)
{
    struct ring *ring = anchor->options->certificates;
    if (ring == NULL || anchor->checkpoint.height == 0 || anchor->halted) return STATUS_OK;
    uint8_t *room = ring_reserve(ring, sizeof(uint64_t) + CERTIFICATE_BYTES_MAX);
    if (room == NULL) return STATUS_OK; /* in a later turn; a newer one takes its place */
    enum status status = chain_sync(anchor->chain);
    if (status == STATUS_OK && anchor->options->trades_directory != NULL)
        status = trade_index_sync(anchor->options->trades_directory);
    if (status != STATUS_OK) return status;
    uint8_t *at = le_put_u64(room, anchor->checkpoint.height);
    ring_commit(ring, sizeof(uint64_t) + certificate_encode(&anchor->checkpoint, at));
    anchor->checkpoint.height = 0;
    if (ring_publish(ring)) park_wake(anchor->options->maker_park);
    return STATUS_OK;
}

/* Hands it the certificate of liabilities. */
static void send_liability(struct anchor *anchor)
{
    struct ring *ring = anchor->options->liabilities;
    if (ring == NULL || anchor->liability.height == 0 || anchor->halted) return;
    uint8_t *room = ring_reserve(ring, sizeof(uint64_t) + CERTIFICATE_BYTES_MAX);
    if (room == NULL) return; /* as above */
    uint8_t *at = le_put_u64(room, anchor->liability.height);
    ring_commit(ring, sizeof(uint64_t) + certificate_encode(&anchor->liability, at));
    anchor->liability.height = 0;
    if (ring_publish(ring)) park_wake(anchor->options->maker_park);
}

/* Takes one file of old bodies away, if there is one. */
static enum status prune(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    struct progress *progress = options->progress;
    const uint64_t checkpoint =
        atomic_load_explicit(&progress->checkpoint_height, memory_order_relaxed);
    if (options->bodies_kept == 0 || checkpoint <= options->bodies_kept || anchor->halted)
        return STATUS_OK;
    uint64_t below = checkpoint - options->bodies_kept;
    if (options->projects) {
        /* acquire: pairs with the writer's release; its rows are committed. */
        const uint64_t projected =
            atomic_load_explicit(&progress->projected_height, memory_order_acquire);
        if (below > projected + 1) below = projected + 1;
    }
    if (below <= anchor->pruned) return STATUS_OK;
    bool more = false;
    const enum status status = chain_prune_bodies(anchor->chain, below, &more);
    if (status == STATUS_OK && !more) anchor->pruned = below;
    return status;
}

static bool notices_wait(const struct anchor *anchor)
{
    return anchor->options->notices != NULL && !anchor->halted &&
           (anchor->sealed_noticed < anchor->voting.sealed ||
            anchor->certified_noticed < anchor->voting.certified);
}

/* ---- The start ---- */

/* The member with this node's id, whose key must be this node's. */
static enum status find_self(const struct anchor *anchor, const struct node_set *set,
                             const struct node_member **self)
{
    const struct anchor_options *options = anchor->options;
    *self = node_set_find(set, options->node);
    /* The second half of an Ed25519 secret key is its public key. */
    if (*self == NULL ||
        memcmp((*self)->public_key, options->secret_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES) == 0)
        return STATUS_OK;
    log_error("anchor", "the node's key is not the member's", "node=%u", options->node);
    return STATUS_MALFORMED;
}

/* From which block on and up to which this node votes, as things stand, and the file it needs for that. */
static enum status open_signing(struct anchor *anchor)
{
    const struct membership *membership = &anchor->digest->membership;
    const struct node_member *self, *next;
    enum status status = find_self(anchor, &membership->nodes, &self);
    if (status == STATUS_OK) status = find_self(anchor, &membership->next, &next);
    if (status != STATUS_OK) return status;
    const bool votes = self != NULL && self->role == NODE_VOTER;
    const bool will_vote = next != NULL && next->role == NODE_VOTER;
    if (votes || will_vote) anchor->voting.first = votes ? 1 : membership->change_height;
    if (votes && !will_vote) anchor->voting.last = membership->change_height - 1;

    if (anchor->options->votes == NULL) return STATUS_OK;
    status = open_once(anchor);
    if (status != STATUS_NOT_FOUND) return status;
    return votes || will_vote ? amnesiac(anchor, "no sign-once file", anchor->digest->height)
                              : STATUS_OK;
}

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

/* Where the state stands: what is at or below its height was certified with it. */
static void begin_at_state(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    const struct digest *digest = anchor->digest;
    const uint64_t height = digest->height, epoch = digest->membership.epoch;
    const uint32_t every = options->genesis->params.checkpoint_blocks;
    node_set_voters(&digest->membership.nodes, &anchor->voters);
    certificate_tally_begin(&anchor->tally, digest->chain_id, epoch, height);
    checkpoint_tally_begin(&anchor->checkpoints, digest->chain_id, epoch, height,
                           every == 0 ? 1 : every);
    liabilities_vote_tally_begin(&anchor->liabilities, digest->chain_id, epoch,
                                 height == 0 ? 0 : height - 1, every == 0 ? 1 : every);
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
    const enum status status = hash_of_block(anchor, height, &hash);
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

static enum status start(struct anchor *anchor)
{
    enum status status = make_state(anchor);
    if (status != STATUS_OK) return status;
    begin_at_state(anchor);
    status = chain_open(anchor->options->chain_directory, &anchor->chain);
    if (status == STATUS_OK) status = check_chain(anchor);
    if (status == STATUS_OK) status = resume_liabilities(anchor);
    if (status == STATUS_OK) anchor->digest->chain = epoch_chain_of(anchor->chain);
    if (status == STATUS_OK) status = load_change(anchor);
    if (status == STATUS_OK) status = open_history(anchor);
    if (status == STATUS_OK) status = open_signing(anchor);
    if (status == STATUS_OK)
        log_info("anchor", "chain opened", "height=%lu certified=%lu state=%lu signed=%lu",
                 chain_tip(anchor->chain), chain_certified(anchor->chain), anchor->digest->height,
                 anchor->once.last.height);
    return status;
}

/* ---- The thread ---- */

enum status anchor_open(const struct anchor_options *options, struct anchor **opened)
{
    struct anchor *anchor = calloc(1, sizeof(*anchor));
    *opened = anchor;
    if (anchor == NULL) {
        log_error("anchor", "no memory for the anchor", "bytes=%zu", sizeof(*anchor));
        return STATUS_NO_MEMORY;
    }
    anchor->options = options;
    anchor->once.descriptor = -1;
    anchor->status = start(anchor);
    if (anchor->status == STATUS_OK) return STATUS_OK;
    const enum status status = anchor->status;
    anchor_close(anchor);
    *opened = NULL;
    return status;
}

void anchor_close(struct anchor *anchor)
{
    if (anchor == NULL) return;
    sign_once_close(&anchor->once);
    history_store_close(anchor->history);
    chain_close(anchor->chain);
    if (anchor->arena.bytes != NULL) arena_unmap(&anchor->arena);
    free(anchor->body);
    free(anchor);
}

bool anchor_turn(struct anchor *anchor, uint64_t now_ns)
{
    uint32_t taken = 0;
    anchor->voting.now_ns = now_ns;
    enum status *status = &anchor->status;
    if (*status == STATUS_OK) *status = take_parts(anchor, &taken);
    anchor->voting.busy = taken == TAKE_MAX;
    if (*status == STATUS_OK) *status = propose_votes(anchor);
    if (*status == STATUS_OK) propose_change(anchor);
    if (*status == STATUS_OK) send_changes(anchor);
    if (*status == STATUS_OK) *status = send_checkpoint(anchor);
    if (*status == STATUS_OK) send_liability(anchor);
    if (*status == STATUS_OK) *status = send_notices(anchor);
    if (*status == STATUS_OK && taken < TAKE_MAX) *status = prune(anchor);
    return taken > 0;
}

enum status anchor_status(const struct anchor *anchor)
{
    return anchor->status;
}

static int rest_ms(const struct anchor *anchor)
{
    if (notices_wait(anchor) || anchor->facts_full) return RETRY_MS;
    return vote_waits(&anchor->voting) ? VOTE_REST_MS : REST_MS;
}

static void rest(struct anchor *anchor)
{
    if (!ring_sleepy(anchor->options->applied) && !anchor->facts_full) return;
    park_sleep(anchor->options->park, rest_ms(anchor));
    ring_awake(anchor->options->applied);
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void work(struct anchor *anchor)
{
    for (;;) {
        /* Read before the ring: what was published before the stop is still taken. */
        const bool stopping =
            atomic_load_explicit(&anchor->options->progress->stopping, memory_order_acquire) != 0;
        const bool worked = anchor_turn(anchor, monotonic_ns());
        if (anchor->status != STATUS_OK) return;
        if (worked) continue;
        if (stopping) return;
        rest(anchor);
    }
}

enum status anchor_run(const struct anchor_options *options)
{
    struct anchor *anchor;
    enum status status = anchor_open(options, &anchor);
    if (status != STATUS_OK) return status;
    work(anchor);
    status = anchor_status(anchor);
    anchor_close(anchor);
    return status;
}
