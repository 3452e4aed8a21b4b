#include "engine/origins.h"

void origins_init(struct origins *origins, const struct validator_set *validators)
{
    *origins = (struct origins){0};
    for (uint32_t i = 0; i < validators->count; i++)
        origins_add(origins, validators->members[i].node);
}

static struct origin *origin_of(struct origins *origins, uint32_t node)
{
    for (uint32_t i = 0; i < origins->count; i++)
        if (origins->members[i].node == node) return &origins->members[i];
    return NULL;
}

void origins_add(struct origins *origins, uint32_t node)
{
    ASSERT(node != 0 && origins->count < ORIGINS_LIMIT);
    uint32_t at = origins->count;
    for (; at > 0 && origins->members[at - 1].node > node; at--)
        origins->members[at] = origins->members[at - 1];
    ASSERT(at == 0 || origins->members[at - 1].node < node);
    origins->members[at] = (struct origin){.node = node};
    origins->count++;
}

void origins_remove(struct origins *origins, uint32_t node)
{
    const struct origin *origin = origin_of(origins, node);
    ASSERT(origin != NULL);
    origins->count--;
    for (uint32_t at = (uint32_t)(origin - origins->members); at < origins->count; at++)
        origins->members[at] = origins->members[at + 1];
}

bool origins_hello(struct origins *origins, uint32_t node, uint64_t nonce, uint64_t epoch)
{
    struct origin *origin = origin_of(origins, node);
    if (origin == NULL) return false;
    if (origin->epoch != 0 && origin->nonce == nonce) return false;
    ASSERT(epoch > origin->epoch);
    *origin = (struct origin){.node = node, .epoch = epoch, .nonce = nonce};
    return true;
}

uint64_t origins_epoch(const struct origins *origins, uint32_t node)
{
    for (uint32_t i = 0; i < origins->count; i++)
        if (origins->members[i].node == node) return origins->members[i].epoch;
    return 0;
}

bool origins_lose(struct origins *origins, uint32_t node, uint64_t epoch)
{
    struct origin *origin = origin_of(origins, node);
    if (origin == NULL || epoch == 0 || origin->epoch != epoch) return false;
    *origin = (struct origin){.node = node};
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
