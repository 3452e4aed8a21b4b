#include "node/verify_execute.h"

#include "common/messages.h"
#include "engine/match.h"
#include "ledger/block.h"
#include "ledger/certificate.h"

#include <stdio.h>
#include <string.h>

/* Names the first event in which the block and its re-execution differ. */
static enum status events_differ(struct audit *audit, uint64_t height, const struct applied *record,
                                 const uint8_t *ours_end)
{
    const uint8_t *ours = audit->events, *theirs = record->events;
    const uint8_t *const theirs_end = theirs + record->events_length;
    struct event our_event = {0}, their_event = {0};
    for (uint32_t ordinal = 0;; ordinal++) {
        const uint8_t *our_start = ours, *their_start = theirs;
        const bool our_more = event_next(&ours, ours_end, &our_event);
        const bool their_more = event_next(&theirs, theirs_end, &their_event);
        const size_t our_bytes = (size_t)(ours - our_start);
        const bool same = our_more && their_more && our_bytes == (size_t)(theirs - their_start) &&
                          memcmp(our_start, their_start, our_bytes) == 0;
        if (same) continue;
        return verify_fault_set(
            &audit->result->fault, height, record->number,
            "event %u of command %lu is %s in the block, but the command gives %s%s", ordinal,
            record->number, their_more ? message_name(their_event.type) : "none",
            our_more ? message_name(our_event.type) : "none",
            our_more && their_more && our_event.type == their_event.type ? " with other figures"
                                                                         : "");
    }
}

static enum status execute(struct audit *audit, uint64_t height, const struct applied *record,
                           const struct command *command)
{
    struct event_writer writer = {.at = audit->events, .end = audit->events + audit->events_bytes};
    match_step(audit->engine, command, record->number, record->stamp_ns, &writer);
    const size_t written = (size_t)(writer.at - audit->events);
    if (written != record->events_length || memcmp(audit->events, record->events, written) != 0)
        return events_differ(audit, height, record, writer.at);
    return STATUS_OK;
}

/* Money before anything else: it is the plainest thing to say of a block that has it wrong. */
static enum status check_money(struct audit *audit, uint64_t height,
                               const struct chain_block *block)
{
    struct conservation_fault fault;
    char text[sizeof(audit->result->fault.reason) / 2];
    if (conservation_block(audit->conservation, block->body, block->body_bytes, &fault))
        return STATUS_OK;
    conservation_print(&fault, text, sizeof(text));
    return verify_fault_set(&audit->result->fault, height, fault.command, "%s", text);
}

/* Executes every command of a body whose bytes were checked. */
static enum status execute_body(struct audit *audit, uint64_t height,
                                const struct chain_block *block, struct digest_block *derived)
{
    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct applied record;
    struct command command;
    bool sealed = false;
    while (block_next(&at, end, &record, &command)) {
        enum status status = execute(audit, height, &record, &command);
        if (status != STATUS_OK) return status;
        status = digest_record(&audit->digest, &record, &command, derived, &sealed);
        if (status == STATUS_MISMATCH)
            return verify_fault_set(&audit->result->fault, height, record.number,
                                    "settlement differs: %s", audit->digest.fault);
        if (status != STATUS_OK) return status;
        audit->result->command_count++;
    }
    return sealed ? STATUS_OK
                  : verify_fault_set(&audit->result->fault, height, 0, "no SEAL ends it");
}

/* ---- Blocks ---- */

static enum status check_certificate(struct audit *audit, uint64_t height, hash_t hash)
{
    const uint8_t *bytes;
    size_t byte_count;
    struct certificate certificate;
    const enum status status = chain_read_certificate(audit->chain, height, &bytes, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK)
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its certificate cannot be read: %s", status_text(status));
    if (!certificate_decode(bytes, byte_count, &certificate))
        return verify_fault_set(&audit->result->fault, height, 0, "its certificate is malformed");
    if (certificate.height != height || certificate.epoch != audit->previous.epoch ||
        !hash_equal(certificate.header_hash, hash))
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its certificate is for another header");
    const char *fault = certificate_fault(&certificate, audit->digest.chain_id, &audit->voters);
    if (fault != NULL)
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its certificate is not valid: %s", fault);
    audit->result->certified_height = height;
    return STATUS_OK;
}

/* What can be said of the block without executing it. */
static enum status check_bytes(struct audit *audit, uint64_t height,
                               const struct chain_block *block, struct block_header *header)
{
    struct block_fault fault;
    const struct block_header *previous = height == 1 ? NULL : &audit->previous;
    if (!block_header_decode(block->header, header))
        return verify_fault_set(&audit->result->fault, height, 0, "its header is not one of ours");
    if (!hash_equal(header->chain_id, audit->digest.chain_id))
        return verify_fault_set(&audit->result->fault, height, 0,
                                "chain_id is not that of the genesis");
    if (!block_link_check(previous, audit->previous_hash, header, &fault) ||
        !block_body_check(header, block->body, block->body_bytes, &fault)) {
        if (fault.command == 0)
            return verify_fault_set(&audit->result->fault, height, 0, "%s is wrong", fault.what);
        return verify_fault_set(&audit->result->fault, height, fault.command, "%s at command %lu",
                                fault.what, fault.command);
    }
    return STATUS_OK;
}

static enum status check_block(struct audit *audit, uint64_t height)
{
    struct chain_block block;
    struct block_header header;
    struct digest_block derived;
    enum status status = chain_read_block(audit->chain, height, &block);
    if (status == STATUS_NOT_FOUND && chain_first_body(audit->chain) > height) {
        snprintf(audit->result->fault.reason, sizeof(audit->result->fault.reason),
                 "the body of block %lu was taken away meanwhile: audit again", height);
        return status;
    }
    if (status != STATUS_OK)
        return verify_fault_set(&audit->result->fault, height, 0, "it cannot be read: %s",
                                status_text(status));
    node_set_voters(&audit->digest.membership.nodes, &audit->voters);
    status = check_bytes(audit, height, &block, &header);
    if (status == STATUS_OK) status = check_money(audit, height, &block);
    if (status == STATUS_OK) status = execute_body(audit, height, &block, &derived);
    if (status != STATUS_OK) return status;
    const char *field = block_header_difference(&header, &derived.header);
    if (field != NULL)
        return verify_fault_set(&audit->result->fault, height, 0,
                                "%s is not what its commands give", field);
    if (!hash_equal(conservation_root(audit->conservation), header.totals_root))
        return verify_fault_set(&audit->result->fault, height, 0,
                                "totals_root is not what its events add up to");
    /* The fields are equal, so the bytes are unless the codec lost one. */
    if (memcmp(block.header, derived.bytes, BLOCK_HEADER_BYTES) != 0)
        return verify_fault_set(&audit->result->fault, height, 0,
                                "its header's bytes are not canonical");

    audit->previous = header;
    audit->previous_hash = derived.hash;
    audit->result->height = height;
    audit->result->fill_count += header.fill_count;
    return check_certificate(audit, height, derived.hash);
}

/* ---- An audit's own ---- */

enum status verify_execute_no_memory(struct audit *audit)
{
    verify_fault_set(&audit->result->fault, 0, 0, "not enough memory for the genesis parameters");
    return STATUS_NO_MEMORY;
}

bool verify_execute_money(struct audit *audit)
{
    if (!arena_map(&audit->conservation_arena, conservation_bytes(audit->genesis))) return false;
    audit->conservation = conservation_new(&audit->conservation_arena, audit->genesis);
    return audit->conservation != NULL;
}

enum status verify_execute_events(struct audit *audit)
{
    audit->events_bytes = engine_event_bytes_max(audit->engine);
    if (!arena_map(&audit->events_arena, audit->events_bytes))
        return verify_execute_no_memory(audit);
    audit->events = audit->events_arena.bytes;
    return STATUS_OK;
}

enum status verify_execute(struct audit *audit, uint64_t first, uint64_t tip)
{
    enum status status = STATUS_OK;
    for (uint64_t height = first; height <= tip && status == STATUS_OK; height++)
        status = check_block(audit, height);
    if (status == STATUS_OK && first <= tip) audit->result->executed_from = first;
    return status;
}
