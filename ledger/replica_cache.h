/* The newest log entries in memory: batches are built here, sent, written and delivered from here, without a
 * copy. What is no longer here is read from the log.
 *
 * Owner    the replica; pure
 * Memory   the caller gives REPLICA_CACHE_BYTES; the bytes of an entry that is found stay good until room is
 *          taken for another
 * Limits   REPLICA_CACHE_ENTRIES entries, REPLICA_CACHE_BYTES bytes; the oldest give way
 */

#ifndef LEDGER_REPLICA_CACHE_H
#define LEDGER_REPLICA_CACHE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLICA_CACHE_ENTRIES 4096
#define REPLICA_CACHE_BYTES   (16 * 1024 * 1024)

struct replica_cache_entry {
    uint64_t index;    /* 0: none */
    uint64_t position; /* where its bytes begin, counted over all that was ever added */
    uint32_t length;
    uint32_t type;
    uint64_t term;
};

struct replica_cache {
    uint8_t *bytes;
    uint64_t head; /* where the next entry's bytes begin, never falling */
    struct replica_cache_entry entries[REPLICA_CACHE_ENTRIES];
};

void replica_cache_init(struct replica_cache *cache, uint8_t *bytes);

/* Contiguous room for `byte_count` bytes. Entries that lay there are gone.
 * Needs: byte_count <= REPLICA_CACHE_BYTES / 4. */
uint8_t *replica_cache_room(struct replica_cache *cache, uint32_t byte_count);

/* Makes the first `length` bytes of the room taken last an entry. */
void replica_cache_add(struct replica_cache *cache, uint64_t index, uint64_t term, uint32_t type,
                       uint32_t length);

/* The entry with this index, or NULL; `*bytes` are its bytes. */
const struct replica_cache_entry *replica_cache_find(const struct replica_cache *cache,
                                                     uint64_t index, const uint8_t **bytes);

/* Forgets entries from `index` on: they are replaced. */
void replica_cache_truncate(struct replica_cache *cache, uint64_t index);

#endif /* LEDGER_REPLICA_CACHE_H */
