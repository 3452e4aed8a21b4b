#include "engine/origins.h"

void origins_init(struct origins *origins, const struct validator_set *validators)
{
    ASSERT(validators->count <= GENESIS_VALIDATORS_LIMIT);
    *origins = (struct origins){.count = validators->count};
    for (uint32_t i = 0; i < validators->count; i++)
        origins->members[i].node = validators->members[i].node;
}

static struct origin *origin_of(struct origins *origins, uint32_t node)
{
    for (uint32_t i = 0; i < origins->count; i++)
        if (origins->members[i].node == node) return &origins->members[i];
    return NULL;
}

bool origins_hello(struct origins *origins, uint32_t node, uint64_t epoch)
{
    struct origin *origin = origin_of(origins, node);
    if (origin == NULL) return false;
    ASSERT(epoch > origin->epoch);
    origin->epoch = epoch;
    origin->last_sequence = 0;
    return true;
}

bool origins_lose(struct origins *origins, uint32_t node, uint64_t epoch)
{
    struct origin *origin = origin_of(origins, node);
    if (origin == NULL || epoch == 0 || origin->epoch != epoch) return false;
    origin->epoch = 0;
    return true;
}

bool origins_advance(struct origins *origins, const struct command_header *header)
{
    if (header->origin == 0) return true;
    struct origin *origin = origin_of(origins, header->origin);
    if (origin == NULL || origin->epoch == 0) return false;
    if (header->origin_epoch != origin->epoch) return false;
    if (header->origin_sequence != origin->last_sequence + 1) return false;
    origin->last_sequence++;
    return true;
}
