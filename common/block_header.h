/* The header of a block: 448 bytes that every node computes alike and signs.
 *
 *     magic u32 "QXBH" | version u16 | flags u16 | height u64 | time_ns u64 | epoch u64 |
 *     first_command u64 | last_command u64 | tx_count u32 | fill_count u32 | body_len u64 |
 *     chain_id | prev_hash | history_root | tx_root | fills_root | state_root | events_hash |
 *     totals_root | validators_hash | next_validators_hash | params_hash | body_hash (32 bytes each)
 *
 * Little-endian, fixed. Its hash is SHA-256 over a domain tag and the bytes.
 */

#ifndef COMMON_BLOCK_HEADER_H
#define COMMON_BLOCK_HEADER_H

#include "common/hash.h"

#define BLOCK_HEADER_BYTES   448
#define BLOCK_HEADER_MAGIC   0x48425851u
#define BLOCK_HEADER_VERSION 1

/* A flag: withdrawals were approved in the block, and events_hash binds the tree of them (ledger/seal.h). */
#define BLOCK_RELEASES 1u

struct block_header {
    uint16_t version;
    uint16_t flags;
    uint64_t height;        /* from 1 */
    uint64_t time_ns;       /* the SEAL's stamp */
    uint64_t epoch;         /* 0 until the operators change it */
    uint64_t first_command; /* first and last command number; last is the SEAL */
    uint64_t last_command;
    uint32_t tx_count;
    uint32_t fill_count;
    uint64_t body_length;
    hash_t chain_id;
    hash_t prev_hash;    /* all zero at height 1 */
    hash_t history_root; /* of the hashes of all headers below this one */
    hash_t tx_root;      /* of the block's commands */
    hash_t fills_root;   /* of its fills */
    hash_t state_root;   /* of all accounts after it */
    hash_t events_hash;  /* of its events, in order */
    hash_t totals_root;  /* of the per-asset totals after it */
    hash_t validators_hash;
    hash_t next_validators_hash;
    hash_t params_hash;
    hash_t body_hash;
};

void block_header_encode(const struct block_header *header, uint8_t bytes[BLOCK_HEADER_BYTES]);

/* False when magic or version is not ours. */
MUST_CHECK bool block_header_decode(const uint8_t bytes[BLOCK_HEADER_BYTES],
                                    struct block_header *header);

hash_t block_header_hash(const uint8_t bytes[BLOCK_HEADER_BYTES]);

/* What a validator signs for a header: (tag, chain id, epoch, height, header hash). */
#define BLOCK_VOTE_BYTES 96
void block_vote_message(hash_t chain_id, uint64_t epoch, uint64_t height, hash_t header_hash,
                        uint8_t bytes[BLOCK_VOTE_BYTES]);

#endif /* COMMON_BLOCK_HEADER_H */
