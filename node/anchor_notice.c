#include "node/anchor_notice.h"

#include "common/le.h"
#include "ledger/chain.h"
#include "ledger/trade_index.h"
#include "settlement/mandate_book.h"

#include <string.h>

bool anchor_notice_room(struct anchor *anchor)
{
    struct ring *facts = anchor->options->facts;
    anchor->facts_full =
        facts != NULL && ring_reserve(facts, EVENT_HEADER_BYTES + EVENT_PAYLOAD_MAX) == NULL;
    return !anchor->facts_full;
}

void anchor_notice_add_facts(struct anchor *anchor, const struct applied *record)
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

void anchor_notice_send_facts(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (options->facts == NULL || anchor->halted) return;
    const bool sleeps = ring_publish(options->facts);
    /* release: the facts up to this command are published. Pairs with the acquire of who takes them. */
    atomic_store_explicit(&options->progress->settled_command, anchor->digest->command,
                          memory_order_release);
    if (sleeps) park_wake(options->consensus_park);
}

/* Whether each gateway loop can be told so much: they are all told of a block, or none is yet. */
static bool loops_have_room(const struct anchor *anchor, size_t byte_count)
{
    const struct anchor_options *options = anchor->options;
    for (uint32_t i = 0; i < options->notice_count; i++)
        if (ring_reserve(options->notices[i], byte_count) == NULL) return false;
    return true;
}

static void tell_loops(const struct anchor *anchor, const uint8_t *bytes, size_t byte_count)
{
    const struct anchor_options *options = anchor->options;
    for (uint32_t i = 0; i < options->notice_count; i++) {
        uint8_t *room = ring_reserve(options->notices[i], byte_count);
        ASSERT(room != NULL); /* loops_have_room */
        memcpy(room, bytes, byte_count);
        ring_commit(options->notices[i], byte_count);
    }
}

/* STATUS_NO_SPACE when a ring is full. */
static enum status notice_sealed(struct anchor *anchor, uint64_t height)
{
    struct block_sealed_notice notice;
    uint8_t bytes[EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES];
    if (!loops_have_room(anchor, sizeof(bytes))) return STATUS_NO_SPACE;
    const enum status status = chain_read_header(anchor->chain, height, notice.header);
    if (status != STATUS_OK) return status;
    const hash_t hash = block_header_hash(notice.header);
    memcpy(notice.hash, hash.bytes, HASH_BYTES);
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    notice_write_block_sealed(&writer, &notice);
    tell_loops(anchor, bytes, (size_t)(writer.at - bytes));
    return STATUS_OK;
}

static enum status notice_certified(struct anchor *anchor, uint64_t height)
{
    const uint8_t *signatures;
    size_t byte_count;
    struct certificate certificate;
    uint8_t bytes[EVENT_HEADER_BYTES + BLOCK_CERTIFIED_BYTES];
    if (!loops_have_room(anchor, sizeof(bytes))) return STATUS_NO_SPACE;
    const enum status status =
        chain_read_certificate(anchor->chain, height, &signatures, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* a later one covers it */
    if (status != STATUS_OK) return status;
    if (!certificate_decode(signatures, byte_count, &certificate)) return STATUS_DAMAGED;

    struct block_certified_notice notice = {.height = height, .vote_count = certificate.vote_count};
    memcpy(notice.hash, certificate.header_hash.bytes, HASH_BYTES);
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    notice_write_block_certified(&writer, &notice);
    tell_loops(anchor, bytes, (size_t)(writer.at - bytes));
    return STATUS_OK;
}

enum status anchor_notice_send(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (options->notice_count == 0 || anchor->halted) return STATUS_OK;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && anchor->sealed_noticed < anchor->voting.sealed) {
        status = notice_sealed(anchor, anchor->sealed_noticed + 1);
        if (status == STATUS_OK) anchor->sealed_noticed++;
    }
    while (status == STATUS_OK && anchor->certified_noticed < anchor->voting.certified) {
        status = notice_certified(anchor, anchor->certified_noticed + 1);
        if (status == STATUS_OK) anchor->certified_noticed++;
    }
    for (uint32_t i = 0; i < options->notice_count; i++)
        if (ring_publish(options->notices[i])) park_wake(options->gateway_parks[i]);
    return status == STATUS_NO_SPACE ? STATUS_OK : status;
}

enum status anchor_notice_send_checkpoint(struct anchor *anchor)
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

void anchor_notice_send_liability(struct anchor *anchor)
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

bool anchor_notice_waits(const struct anchor *anchor)
{
    return anchor->options->notice_count > 0 && !anchor->halted &&
           (anchor->sealed_noticed < anchor->voting.sealed ||
            anchor->certified_noticed < anchor->voting.certified);
}
