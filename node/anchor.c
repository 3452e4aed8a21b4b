#include "node/anchor.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/log.h"
#include "ledger/certificate.h"
#include "ledger/chain.h"
#include "ledger/sign_once.h"
#include "ledger/vote.h"
#include "node/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAKE_MAX           64  /* records taken before votes and notices get their turn */
#define REST_MS            500 /* how long a stop may go unnoticed when nobody wakes the park */
#define RETRY_MS           5   /* a notice waits for room in its ring */
#define BODY_BYTES_MIN     (1u << 20)
#define VOTE_COMMAND_BYTES (COMMAND_HEADER_BYTES + VOTE_BYTES)

struct anchor {
    const struct anchor_options *options;
    struct arena arena;
    struct digest digest;
    struct digest_block last; /* the block sealed last */
    struct chain *chain;
    struct sign_once once;
    struct vote_state voting;
    struct certificate_tally tally;
    enum status status; /* of the first failure */
    bool votes;         /* this node is a validator and has a ring for its votes */
    bool halted;

    /* The body of the block under way: whole records, then the one being put together. */
    uint8_t *body;
    size_t body_bytes, body_capacity;
    size_t record_start;

    /* Heights up to which the gateway was told. */
    uint64_t sealed_noticed, certified_noticed;
};

/* ---- Halting ---- */

/* From here on nothing is compared, signed or written. `facts` has both figures. */
static void halt(struct anchor *anchor, const char *what, const char *facts)
{
    log_error("anchor", "halted", "reason=\"%s\" height=%lu command=%lu %s", what,
              anchor->digest.height, anchor->digest.command, facts);
    anchor->halted = true;
    metric_set(&anchor->options->metrics->halted, 1);
    /* release: whoever sees it finds the log line written. Pairs with the readers' acquire. */
    atomic_store_explicit(&anchor->options->progress->halted, 1, memory_order_release);
}

static void halt_hashes(struct anchor *anchor, const char *what, uint64_t height, const char *field,
                        hash_t ours, hash_t theirs)
{
    char ours_text[2 * HASH_BYTES + 1], theirs_text[2 * HASH_BYTES + 1], facts[256];
    hash_hex(ours.bytes, HASH_BYTES, ours_text);
    hash_hex(theirs.bytes, HASH_BYTES, theirs_text);
    snprintf(facts, sizeof(facts), "at_height=%lu differs=%s ours=%s theirs=%s", height, field,
             ours_text, theirs_text);
    halt(anchor, what, facts);
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
    halt_hashes(anchor, "the header differs from the stored one", ours->header.height, field,
                ours->hash, block_header_hash(bytes));
    return STATUS_OK;
}

static enum status append_block(struct anchor *anchor)
{
    const enum status status =
        chain_append_block(anchor->chain, anchor->last.bytes, anchor->body, anchor->body_bytes);
    if (status != STATUS_OK) return status;
    metric_add(&anchor->options->metrics->blocks_sealed_total, 1);
    if (anchor->options->store_park != NULL) park_wake(anchor->options->store_park);
    return STATUS_OK;
}

static enum status end_block(struct anchor *anchor)
{
    const uint64_t height = anchor->last.header.height;
    ASSERT(anchor->last.header.body_length == anchor->body_bytes);
    const bool stored = height <= chain_tip(anchor->chain);
    const enum status status = stored ? compare_block(anchor) : append_block(anchor);
    anchor->body_bytes = 0;
    if (status != STATUS_OK || anchor->halted) return status;

    anchor->voting.sealed = height;
    metric_set(&anchor->options->metrics->height, height);
    /* release: the block is in the chain files before its height is here. Pairs with readers'
     * acquire. */
    atomic_store_explicit(&anchor->options->progress->sealed_height, height, memory_order_release);
    return STATUS_OK;
}

/* ---- Votes out of the log ---- */

static enum status hash_of_block(struct anchor *anchor, uint64_t height, hash_t *hash)
{
    if (height == anchor->last.header.height) {
        *hash = anchor->last.hash;
        return STATUS_OK;
    }
    uint8_t bytes[BLOCK_HEADER_BYTES];
    const enum status status = chain_read_header(anchor->chain, height, bytes);
    if (status == STATUS_OK) *hash = block_header_hash(bytes);
    return status;
}

static enum status take_certificate(struct anchor *anchor, const struct certificate *certificate)
{
    const uint64_t height = certificate->height;
    hash_t ours;
    enum status status = hash_of_block(anchor, height, &ours);
    if (status != STATUS_OK) return status;
    if (!hash_equal(ours, certificate->header_hash)) {
        halt_hashes(anchor, "the header differs from the certified one", height, "hash", ours,
                    certificate->header_hash);
        return STATUS_OK;
    }
    if (height > chain_certified(anchor->chain)) {
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        const size_t byte_count = certificate_encode(certificate, bytes);
        status = chain_append_certificate(anchor->chain, height, bytes, byte_count);
        if (status != STATUS_OK) return status;
    }
    anchor->voting.certified = height;
    metric_set(&anchor->options->metrics->certified_height, height);
    /* release: as sealed_height. */
    atomic_store_explicit(&anchor->options->progress->certified_height, height,
                          memory_order_release);
    return STATUS_OK;
}

static enum status take_vote(struct anchor *anchor, const struct command *command)
{
    struct vote_command vote;
    struct certificate certificate;
    vote_command_get(command->payload, &vote);
    const enum certificate_count counted =
        certificate_tally_add(&anchor->tally, &vote, anchor->voting.sealed, &certificate);
    if (counted != CERTIFICATE_NOOP && vote.node == anchor->options->node)
        vote_logged(&anchor->voting, vote.height);
    return counted == CERTIFICATE_MADE ? take_certificate(anchor, &certificate) : STATUS_OK;
}

/* ---- Records ---- */

static enum status take_record(struct anchor *anchor, const struct applied *record)
{
    struct command command;
    bool sealed;
    const bool whole = command_decode(record->command, record->command_length, &command);
    ASSERT(whole); /* the engine decoded it before us */
    const enum status status =
        digest_record(&anchor->digest, record, &command, &anchor->last, &sealed);
    if (status == STATUS_MISMATCH) {
        halt(anchor, "engine and settlement differ", anchor->digest.fault);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    if (command.header.type == T_VOTE) return take_vote(anchor, &command);
    return sealed ? end_block(anchor) : STATUS_OK;
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
    while (status == STATUS_OK && *taken < TAKE_MAX &&
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
    struct sign_once_record wanted = {.epoch = 0, .height = height};
    enum status status = hash_of_block(anchor, height, &wanted.header_hash);
    if (status == STATUS_OK) status = sign_once_claim(&anchor->once, &wanted);
    if (status == STATUS_MISMATCH) {
        halt_hashes(anchor, "another header of this height was signed before", height, "hash",
                    wanted.header_hash, anchor->once.last.header_hash);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;

    struct vote_command vote;
    certificate_sign(options->secret_key, anchor->digest.chain_id, 0, height, wanted.header_hash,
                     options->node, &vote);
    vote_put(room, &vote);
    ring_commit(options->votes, VOTE_COMMAND_BYTES);
    vote_proposed(&anchor->voting, height);
    return STATUS_OK;
}

static enum status propose_votes(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (!anchor->votes || anchor->halted) return STATUS_OK;
    /* 0 until the log is replayed up to this node's own HELLO. acquire: pairs with the release in the
     * consensus loop, after which it takes what we propose. */
    const uint64_t replay =
        atomic_load_explicit(&options->progress->replay_command, memory_order_acquire);
    anchor->voting.replaying = replay == 0 || anchor->digest.command < replay;

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

static bool notices_wait(const struct anchor *anchor)
{
    return anchor->options->notices != NULL && !anchor->halted &&
           (anchor->sealed_noticed < anchor->voting.sealed ||
            anchor->certified_noticed < anchor->voting.certified);
}

/* ---- The thread ---- */

static enum status open_signing(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    const struct validator *self = validator_set_find(&options->genesis->validators, options->node);
    anchor->once.descriptor = -1;
    if (self == NULL || options->votes == NULL) return STATUS_OK;
    /* The second half of an Ed25519 secret key is its public key. */
    if (memcmp(self->public_key, options->secret_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES) != 0) {
        log_error("anchor", "the node's key is not the validator's", "node=%u", options->node);
        return STATUS_MALFORMED;
    }
    const uint64_t tip = chain_tip(anchor->chain);
    const enum status status = sign_once_open(&anchor->once, options->sign_once_path, tip == 0);
    if (status == STATUS_NOT_FOUND)
        log_error("anchor", "what this node signed is not known: it may not sign",
                  "height=%lu path=\"%s\"", tip, options->sign_once_path);
    anchor->voting.signed_to = anchor->once.last.height;
    anchor->votes = status == STATUS_OK;
    return status;
}

static enum status start(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    const size_t bytes = settlement_bytes(options->genesis);
    struct settlement *settlement = NULL;
    if (arena_map(&anchor->arena, bytes))
        settlement = settlement_new(&anchor->arena, options->genesis, options->tree_secret);
    if (settlement == NULL) {
        log_error("anchor", "no memory for settlement", "bytes=%zu", bytes);
        return STATUS_NO_MEMORY;
    }
    digest_begin(&anchor->digest, options->genesis, settlement);
    certificate_tally_begin(&anchor->tally, anchor->digest.chain_id, 0,
                            &options->genesis->validators);
    enum status status = chain_open(options->chain_directory, &anchor->chain);
    if (status == STATUS_OK) status = open_signing(anchor);
    if (status == STATUS_OK)
        log_info("anchor", "chain opened", "height=%lu certified=%lu signed=%lu",
                 chain_tip(anchor->chain), chain_certified(anchor->chain),
                 anchor->voting.signed_to);
    return status;
}

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
    chain_close(anchor->chain);
    if (anchor->arena.bytes != NULL) arena_unmap(&anchor->arena);
    free(anchor->body);
    free(anchor);
}

bool anchor_turn(struct anchor *anchor, uint64_t now_ns)
{
    (void)now_ns;
    uint32_t taken = 0;
    enum status *status = &anchor->status;
    if (*status == STATUS_OK) *status = take_parts(anchor, &taken);
    anchor->voting.busy = taken == TAKE_MAX;
    if (*status == STATUS_OK) *status = propose_votes(anchor);
    if (*status == STATUS_OK) *status = send_notices(anchor);
    return taken > 0;
}

enum status anchor_status(const struct anchor *anchor)
{
    return anchor->status;
}

static void rest(struct anchor *anchor)
{
    if (!ring_sleepy(anchor->options->applied)) return;
    park_sleep(anchor->options->park, notices_wait(anchor) ? RETRY_MS : REST_MS);
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
