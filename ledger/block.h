/* A block: its header, and a body whose bytes decide half of it.
 *
 * What can be said of a block without executing it is said here: whether its body is well formed and
 * is the one the header commits to, and whether the header follows the one before. A light reader
 * stops there; an auditor goes on and executes the commands.
 *
 * Owner    the caller; pure
 * Memory   nothing is kept; records point into the body
 */

#ifndef LEDGER_BLOCK_H
#define LEDGER_BLOCK_H

#include "common/applied.h"
#include "common/block_header.h"

/* What is wrong with a block, in words that follow "block 17: ". */
struct block_fault {
    const char *what;
    uint64_t command; /* command number where it was found, or 0 */
};

/* Walks a body: the next command, whole, with its events. False at the end of it, or when the bytes
 * are not a record of a well-formed command and exactly event_count well-formed events. */
MUST_CHECK bool block_next(const uint8_t **at, const uint8_t *end, struct applied *record,
                           struct command *command);

/* Whether `body` is the body of `header`: commands first to last by number, stamps that never fall, a
 * SEAL that sealed this height at the end and nowhere else, and the lengths, counts, roots and hashes
 * that follow from these bytes. */
MUST_CHECK bool block_body_check(const struct block_header *header, const uint8_t *body,
                                 size_t body_bytes, struct block_fault *fault);

/* Whether `header` follows `previous`, whose hash is `previous_hash`; NULL for the first block. */
MUST_CHECK bool block_link_check(const struct block_header *previous, hash_t previous_hash,
                                 const struct block_header *header, struct block_fault *fault);

/* The name of the first field in which two headers differ, or NULL. */
const char *block_header_difference(const struct block_header *left,
                                    const struct block_header *right);

#endif /* LEDGER_BLOCK_H */
