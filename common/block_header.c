#include "common/block_header.h"

#include "common/le.h"

/* 4 + 2 + 2 + 5 x 8 + 2 x 4 + 8 + 12 x 32 = 448 */
static_assert(4 + 2 + 2 + 5 * 8 + 2 * 4 + 8 + 12 * HASH_BYTES == BLOCK_HEADER_BYTES,
              "the header's fields fill it");

static uint8_t *put_hash(uint8_t *at, hash_t hash)
{
    return le_put_bytes(at, hash.bytes, HASH_BYTES);
}

static const uint8_t *get_hash(const uint8_t *at, hash_t *hash)
{
    memcpy(hash->bytes, at, HASH_BYTES);
    return at + HASH_BYTES;
}

void block_header_encode(const struct block_header *header, uint8_t bytes[BLOCK_HEADER_BYTES])
{
    uint8_t *at = le_put_u32(bytes, BLOCK_HEADER_MAGIC);
    at = le_put_u16(at, header->version);
    at = le_put_u16(at, header->flags);
    at = le_put_u64(at, header->height);
    at = le_put_u64(at, header->time_ns);
    at = le_put_u64(at, header->epoch);
    at = le_put_u64(at, header->first_command);
    at = le_put_u64(at, header->last_command);
    at = le_put_u32(at, header->tx_count);
    at = le_put_u32(at, header->fill_count);
    at = le_put_u64(at, header->body_length);
    at = put_hash(at, header->chain_id);
    at = put_hash(at, header->prev_hash);
    at = put_hash(at, header->history_root);
    at = put_hash(at, header->tx_root);
    at = put_hash(at, header->fills_root);
    at = put_hash(at, header->state_root);
    at = put_hash(at, header->events_hash);
    at = put_hash(at, header->totals_root);
    at = put_hash(at, header->validators_hash);
    at = put_hash(at, header->next_validators_hash);
    at = put_hash(at, header->params_hash);
    at = put_hash(at, header->body_hash);
    ASSERT(at - bytes == BLOCK_HEADER_BYTES);
}

bool block_header_decode(const uint8_t bytes[BLOCK_HEADER_BYTES], struct block_header *header)
{
    if (le_get_u32(bytes) != BLOCK_HEADER_MAGIC) return false;
    header->version = le_get_u16(bytes + 4);
    if (header->version != BLOCK_HEADER_VERSION) return false;
    header->flags = le_get_u16(bytes + 6);
    header->height = le_get_u64(bytes + 8);
    header->time_ns = le_get_u64(bytes + 16);
    header->epoch = le_get_u64(bytes + 24);
    header->first_command = le_get_u64(bytes + 32);
    header->last_command = le_get_u64(bytes + 40);
    header->tx_count = le_get_u32(bytes + 48);
    header->fill_count = le_get_u32(bytes + 52);
    header->body_length = le_get_u64(bytes + 56);
    const uint8_t *at = bytes + 64;
    at = get_hash(at, &header->chain_id);
    at = get_hash(at, &header->prev_hash);
    at = get_hash(at, &header->history_root);
    at = get_hash(at, &header->tx_root);
    at = get_hash(at, &header->fills_root);
    at = get_hash(at, &header->state_root);
    at = get_hash(at, &header->events_hash);
    at = get_hash(at, &header->totals_root);
    at = get_hash(at, &header->validators_hash);
    at = get_hash(at, &header->next_validators_hash);
    at = get_hash(at, &header->params_hash);
    get_hash(at, &header->body_hash);
    return true;
}

hash_t block_header_hash(const uint8_t bytes[BLOCK_HEADER_BYTES])
{
    return hash_tagged("quorex/header/1", bytes, BLOCK_HEADER_BYTES);
}

void block_vote_message(hash_t chain_id, uint64_t epoch, uint64_t height, hash_t header_hash,
                        uint8_t bytes[BLOCK_VOTE_BYTES])
{
    uint8_t *at = le_put_bytes(bytes, "quorex/vote/1\0\0", 16);
    at = put_hash(at, chain_id);
    at = le_put_u64(at, epoch);
    at = le_put_u64(at, height);
    at = put_hash(at, header_hash);
    ASSERT(at - bytes == BLOCK_VOTE_BYTES);
}
