/* Sealing: the commands of a block and their events in, its header out.
 *
 * For each command in order: seal_command, then seal_event for each of its events. At the end of the
 * block seal_step adds what the chain so far and settlement know, and gives the header.
 *
 *     body         per command one applied record (common/applied.h), APPLIED_FIRST | APPLIED_LAST
 *     tx_root      tree over the commands' bytes as they were logged
 *     fills_root   tree over the fills: command number u64 | ordinal u32 | event bytes
 *     events_hash  per command its number u64, then its events' bytes; in a block with BLOCK_RELEASES the hash of
 *                  ("quorex/releases/1" | that hash | count u32 | root of the releases)
 *     releases     tree over the events that approved a withdrawal, leaves as those of fills: whoever pays out can be
 *                  shown that one is there without the others' events
 *     body_hash    SHA-256 of the body
 *
 * Owner    the caller; pure
 * Memory   struct seal is the caller's, about 5 KiB whatever the block's size
 * Limits   2^32 - 1 commands and fills a block
 * Cost     every byte of the body is hashed about three times, some 2 GB/s with SHA instructions; seal_records needs
 *          some 30 KiB of stack
 */

#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H

#include "common/applied.h"
#include "common/block_header.h"
#include "ledger/merkle.h"

struct seal {
    uint64_t first_command;
    uint64_t last_command; /* first_command - 1 when there is none yet */
    uint64_t body_length;
    uint32_t ordinal; /* of the next event of the last command */
    struct merkle commands;
    struct merkle fills;
    struct merkle releases;
    struct hash_stream events;
    struct hash_stream body;
};

/* What the body does not say. */
struct seal_facts {
    uint64_t height;
    uint64_t time_ns;
    uint64_t epoch;
    hash_t chain_id;
    hash_t prev_hash;
    hash_t history_root;
    hash_t state_root;
    hash_t totals_root;
    hash_t validators_hash;
    hash_t next_validators_hash;
    hash_t params_hash;
    bool releases; /* the chain's rules have them (PARAMS_RULES_RELEASE) */
};

/* A leaf of fills_root, or of the releases: where the event is, and its bytes. */
#define SEAL_LEAF_BYTES_MAX (8 + 4 + EVENT_HEADER_BYTES + WITHDRAWAL_MOVED_BYTES)
size_t seal_leaf(uint64_t command, uint32_t ordinal, const struct event *event,
                 uint8_t leaf[SEAL_LEAF_BYTES_MAX]);

/* Whether the event approves a withdrawal. */
bool seal_is_release(const struct event *event);

/* events_hash of a block with releases. `events`: what it would be without. */
hash_t seal_releases_hash(hash_t events, uint32_t count, hash_t root);

/* Begins the block whose first command is `first_command`. */
void seal_begin(struct seal *seal, uint64_t first_command);

/* Adds one whole record to the body, its command to tx_root and its events to events_hash.
 * Needs: its number is the next, its flags are APPLIED_FIRST | APPLIED_LAST. */
void seal_command(struct seal *seal, const struct applied *record);

/* Counts the next event of the command added last, and adds a fill to fills_root. */
void seal_event(struct seal *seal, const struct event *event);

/* Adds whole records as they lie in a body, one after the other: seal_command and seal_event for all that they hold, two
 * hashes at a time where one by one would take nearly twice as long.
 * Needs: as seal_command of each. */
void seal_records(struct seal *seal, const uint8_t *bytes, size_t byte_count);

/* The header of the block. Needs: at least one command, the last of which is the SEAL. */
void seal_step(const struct seal *seal, const struct seal_facts *facts,
               struct block_header *header);

#endif /* LEDGER_SEAL_H */
