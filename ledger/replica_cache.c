#include "ledger/replica_cache.h"

#include <string.h>

void replica_cache_init(struct replica_cache *cache, uint8_t *bytes)
{
    memset(cache, 0, sizeof(*cache));
    cache->bytes = bytes;
    /* One lap ahead, so that position 0 is already too old to be found. */
    cache->head = REPLICA_CACHE_BYTES;
}

uint8_t *replica_cache_room(struct replica_cache *cache, uint32_t byte_count)
{
    ASSERT(byte_count <= REPLICA_CACHE_BYTES / 4);
    const uint64_t left = REPLICA_CACHE_BYTES - cache->head % REPLICA_CACHE_BYTES;
    if (byte_count > left) cache->head += left;
    return cache->bytes + cache->head % REPLICA_CACHE_BYTES;
}

void replica_cache_add(struct replica_cache *cache, uint64_t index, uint64_t term, uint32_t type,
                       uint32_t length)
{
    ASSERT(index > 0 && length <= REPLICA_CACHE_BYTES / 4);
    cache->entries[index % REPLICA_CACHE_ENTRIES] =
        (struct replica_cache_entry){index, cache->head, length, type, term};
    cache->head += (length + 7) & ~7u;
}

const struct replica_cache_entry *replica_cache_find(const struct replica_cache *cache,
                                                     uint64_t index, const uint8_t **bytes)
{
    const struct replica_cache_entry *entry = &cache->entries[index % REPLICA_CACHE_ENTRIES];
    if (index == 0 || entry->index != index) return NULL;
    /* Overwritten, or about to be by whoever holds the room at the head. */
    if (entry->position + REPLICA_CACHE_BYTES < cache->head + REPLICA_CACHE_BYTES / 4) return NULL;
    *bytes = cache->bytes + entry->position % REPLICA_CACHE_BYTES;
    return entry;
}

void replica_cache_truncate(struct replica_cache *cache, uint64_t index)
{
    for (uint32_t i = 0; i < REPLICA_CACHE_ENTRIES; i++)
        if (cache->entries[i].index >= index) cache->entries[i].index = 0;
}
