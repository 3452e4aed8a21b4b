#include "node/anchor.h"

#include "common/applied.h"
#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/release_shelf.h"
#include "node/anchor_block.h"
#include "node/anchor_council.h"
#include "node/anchor_halt.h"
#include "node/anchor_notice.h"
#include "node/anchor_signing.h"
#include "node/anchor_start.h"
#include "node/anchor_state.h"
#include "node/anchor_vote.h"
#include "settlement/mandate_book.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAKE_MAX        64  /* records taken before votes and notices get their turn */
#define REST_MS         500 /* how long a stop may go unnoticed when nobody wakes the park */
#define RETRY_MS        5   /* something waits for room in its ring */
#define VOTE_REST_MS    100 /* a vote may have to go out again */
#define BODY_BYTES_MIN  (1u << 20)
#define SHELVE_AGAIN_NS UINT64_C(60000000000) /* between tries to keep what releases need */

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
        anchor_halt(anchor, found);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    if (mandate_book_concerns(command.header.type)) anchor_notice_add_facts(anchor, record);
    if (sealed) return anchor_block_end(anchor);
    switch (command.header.type) {
    case T_VOTE:
        return anchor_vote_take(anchor, &command);
    case T_CHECKPOINT_VOTE:
    case T_LIABILITIES_VOTE:
        anchor_vote_take_root(anchor, &command);
        return STATUS_OK;
    case T_LIABILITIES_ORDER:
        take_liabilities_order(anchor, record);
        return STATUS_OK;
    case T_NODE_ADD:
    case T_NODE_ROLE:
    case T_NODE_REMOVE:
    case T_NODE_SWAP:
    case T_EPOCH_CHANGE:
        return anchor_council_take(anchor, record);
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
    hasher_pause(anchor->hasher);
    uint8_t *grown = realloc(anchor->body, wanted);
    if (grown == NULL) {
        log_error("anchor", "no memory for a block's body", "bytes=%zu", wanted);
        return STATUS_NO_MEMORY;
    }
    hasher_moved(anchor->hasher, grown);
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

/* Announces what comes after the part at `bytes`, as far as it has come. */
static void look_ahead(struct anchor *anchor, const uint8_t *bytes)
{
    size_t byte_count;
    for (int i = 0; i < DIGEST_AHEAD; i++) {
        bytes = ring_peek_after(anchor->options->applied, bytes, &byte_count);
        if (bytes == NULL) return;
        const uint8_t *at = bytes;
        struct applied part;
        struct command command;
        if (applied_next(&at, bytes + byte_count, &part) && (part.flags & APPLIED_FIRST) != 0 &&
            command_decode(part.command, part.command_length, &command))
            digest_expect(anchor->digest, &part, &command);
    }
}

/* Takes what the ring has, at most TAKE_MAX records. A halted anchor only drains. */
static enum status take_parts(struct anchor *anchor, uint32_t *taken)
{
    struct ring *ring = anchor->options->applied;
    enum status status = STATUS_OK;
    const uint8_t *bytes;
    size_t byte_count;
    *taken = 0;
    while (status == STATUS_OK && *taken < TAKE_MAX && anchor_notice_room(anchor) &&
           (bytes = ring_peek(ring, &byte_count)) != NULL) {
        const uint8_t *at = bytes;
        struct applied part;
        const bool whole = applied_next(&at, bytes + byte_count, &part);
        ASSERT(whole && at == bytes + byte_count);
        if (!anchor->halted) {
            look_ahead(anchor, bytes);
            status = take_part(anchor, &part);
        }
        ring_pop(ring);
        ++*taken;
    }
    ring_release(ring);
    anchor_notice_send_facts(anchor);
    return status;
}

/* A shelf that cannot be written stops no trading: bodies stay, and it is tried again in a while. */
static void shelve_later(struct anchor *anchor, enum status status)
{
    if (anchor->shelve_again_ns == 0)
        log_error("anchor", "releases cannot be kept: old bodies stay until they can",
                  "reason=\"%s\" height=%lu again_s=%lu", status_text(status), anchor->shelved + 1,
                  SHELVE_AGAIN_NS / UINT64_C(1000000000));
    metric_add(&anchor->options->metrics->releases_failed_total, 1);
    anchor->shelve_again_ns = anchor->voting.now_ns + SHELVE_AGAIN_NS;
}

/* Keeps what releases need of the bodies that are to go; false: not of all of them yet. */
static bool shelve(struct anchor *anchor, uint64_t below)
{
    const char *directory = anchor->options->releases_directory;
    if (directory == NULL) return true;
    if (anchor->voting.now_ns < anchor->shelve_again_ns) return false;
    /* Not chain_first_body: bodies below one that was lost go too. */
    const uint64_t first = chain_kept_from(anchor->chain);
    if (anchor->shelved + 1 < first) anchor->shelved = first - 1; /* the bodies below went before */
    const enum status status =
        release_shelf_take(directory, anchor->chain, &anchor->shelved, below);
    if (status != STATUS_OK) {
        shelve_later(anchor, status);
        return false;
    }
    if (anchor->shelve_again_ns != 0)
        log_info("anchor", "releases are kept again", "height=%lu", anchor->shelved);
    anchor->shelve_again_ns = 0;
    return anchor->shelved + 1 >= below;
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
        const uint64_t base =
            atomic_load_explicit(&progress->projection_base, memory_order_acquire);
        if (below > base + 1) below = base + 1;
    }
    if (below <= anchor->pruned) return STATUS_OK;
    bool more = false;
    if (!shelve(anchor, below)) return STATUS_OK;
    const enum status status = chain_prune_bodies(anchor->chain, below, &more);
    if (status == STATUS_OK && !more) anchor->pruned = below;
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
    anchor->status = anchor_start(anchor);
    if (anchor->status == STATUS_OK) return STATUS_OK;
    const enum status status = anchor->status;
    anchor_close(anchor);
    *opened = NULL;
    return status;
}

void anchor_close(struct anchor *anchor)
{
    if (anchor == NULL) return;
    anchor_start_undo(anchor);
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
    if (*status == STATUS_OK) *status = anchor_signing_propose(anchor);
    if (*status == STATUS_OK) anchor_council_propose(anchor);
    if (*status == STATUS_OK) anchor_council_send(anchor);
    if (*status == STATUS_OK) *status = anchor_notice_send_checkpoint(anchor);
    if (*status == STATUS_OK) anchor_notice_send_liability(anchor);
    if (*status == STATUS_OK) *status = anchor_notice_send(anchor);
    if (*status == STATUS_OK && taken < TAKE_MAX) *status = prune(anchor);
    return taken > 0;
}

enum status anchor_status(const struct anchor *anchor)
{
    return anchor->status;
}

static int rest_ms(const struct anchor *anchor)
{
    if (anchor_notice_waits(anchor) || anchor->facts_full) return RETRY_MS;
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
