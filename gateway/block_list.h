/* The last blocks, as the anchor's notices told of them.
 *
 * Owner    one gateway loop
 * Memory   BLOCK_LIST_KEPT entries from an arena
 */

#ifndef GATEWAY_BLOCK_LIST_H
#define GATEWAY_BLOCK_LIST_H

#include "common/arena.h"
#include "common/block_header.h"

#include <stdbool.h>

#define BLOCK_LIST_KEPT 512

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

/* One notice: `type` is T_BLOCK_SEALED or T_BLOCK_CERTIFIED. A certificate certifies every block
 * below. */
void block_list_apply(struct block_list *list, uint16_t type, const uint8_t *payload);

/* The block at `height`, or NULL when it is not kept. */
const struct block_entry *block_list_at(const struct block_list *list, uint64_t height);

#endif /* GATEWAY_BLOCK_LIST_H */
