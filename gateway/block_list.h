/* The last blocks, as the anchor's notices told of them: for who asks, for streams of blocks, and for what has become final.
 *
 * Owner    one gateway loop
 * Memory   BLOCK_LIST_KEPT entries from an arena
 * Limits   the newest BLOCK_LIST_KEPT; of older ones nothing is known
 */

#ifndef GATEWAY_BLOCK_LIST_H
#define GATEWAY_BLOCK_LIST_H

#include "common/arena.h"
#include "common/block_header.h"

#include <stdbool.h>

#define BLOCK_LIST_KEPT 1024 /* a power of 2 */

struct block_entry {
    struct block_header header;
    hash_t hash;
    uint32_t vote_count; /* 0 until certified */
};

struct block_list {
    struct block_entry *entries; /* by height modulo BLOCK_LIST_KEPT */
    uint64_t height;             /* the newest; 0: none yet */
    uint64_t certified_height;
};

MUST_CHECK bool block_list_init(struct block_list *list, struct arena *arena);

/* One notice: T_BLOCK_SEALED, of heights that rise, or T_BLOCK_CERTIFIED, which may come before the block's own; others change
 * nothing. A certificate certifies every block below. */
void block_list_apply(struct block_list *list, uint16_t type, const uint8_t *payload);

/* The block at `height`, or NULL when it is not kept. */
const struct block_entry *block_list_at(const struct block_list *list, uint64_t height);

/* The highest block above the height `above` that a certificate covers and whose last command is not behind `command`;
 * NULL: none is known. O(blocks from there to the last one covered). */
const struct block_entry *block_list_ended(const struct block_list *list, uint64_t above,
                                           uint64_t command);

#endif /* GATEWAY_BLOCK_LIST_H */
