#include "common/genesis.h"

#include "common/le.h"

hash_t validator_set_hash(const struct validator_set *set)
{
    uint8_t bytes[4 + GENESIS_VALIDATORS_LIMIT * (4 + PUBLIC_KEY_BYTES)];
    uint8_t *at = le_put_u32(bytes, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        at = le_put_u32(at, set->members[i].node);
        at = le_put_bytes(at, set->members[i].public_key, PUBLIC_KEY_BYTES);
    }
    return hash_tagged("quorex/validators/1", bytes, (size_t)(at - bytes));
}

const struct validator *validator_set_find(const struct validator_set *set, uint32_t node)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->members[i].node == node) return &set->members[i];
    return NULL;
}

uint32_t validator_set_quorum(const struct validator_set *set)
{
    return set->count * 2 / 3 + 1;
}

hash_t genesis_chain_id(const struct genesis *genesis)
{
    const hash_t validators = validator_set_hash(&genesis->validators);
    const hash_t params = params_hash(&genesis->params);
    uint8_t counts[12];
    le_put_u64(le_put_u32(counts, genesis->operator_count), genesis->time_ns);

    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, "quorex/genesis/1", 16);
    hash_stream_add(&stream, genesis->nonce, sizeof(genesis->nonce));
    hash_stream_add(&stream, counts, sizeof(counts));
    for (uint32_t i = 0; i < genesis->operator_count; i++)
        hash_stream_add(&stream, genesis->operators[i], PUBLIC_KEY_BYTES);
    hash_stream_add(&stream, validators.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < genesis->validators.count; i++)
        hash_stream_add(&stream, genesis->validators.members[i].address, NODE_ADDRESS_BYTES);
    hash_stream_add(&stream, params.bytes, HASH_BYTES);
    return hash_stream_end(&stream);
}
