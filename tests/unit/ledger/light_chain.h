/* A chain of headers and certificates made by hand, by eight nodes of whom any may be the voters.
 *
 * A set of voters is a mask: bit i is node i + 1. All nodes' keys follow from their number.
 */

#ifndef TESTS_LEDGER_LIGHT_CHAIN_H
#define TESTS_LEDGER_LIGHT_CHAIN_H

#include "ledger/certificate.h"
#include "ledger/history.h"

#include <string.h>

#define LIGHT_CHAIN_NODES 8
#define LIGHT_CHAIN_MAX   1024

struct light_chain {
    hash_t chain_id;
    uint8_t secrets[LIGHT_CHAIN_NODES][SECRET_KEY_BYTES];
    uint8_t keys[LIGHT_CHAIN_NODES][PUBLIC_KEY_BYTES];
    uint64_t height;
    uint64_t epoch;
    uint32_t voters; /* of the next header */
    struct history history;
    struct block_header last;
    hash_t last_hash;
    uint8_t headers[LIGHT_CHAIN_MAX + 1][BLOCK_HEADER_BYTES];
    uint32_t masks[LIGHT_CHAIN_MAX + 1]; /* who signs each */
};

static inline struct validator_set light_chain_set(const struct light_chain *chain, uint32_t mask)
{
    struct validator_set set = {0};
    for (uint32_t i = 0; i < LIGHT_CHAIN_NODES; i++) {
        if ((mask >> i & 1) == 0) continue;
        set.members[set.count].node = i + 1;
        memcpy(set.members[set.count++].public_key, chain->keys[i], PUBLIC_KEY_BYTES);
    }
    return set;
}

static inline void light_chain_begin(struct light_chain *chain, uint32_t voters)
{
    memset(chain, 0, sizeof(*chain));
    if (!hash_start()) abort();
    chain->chain_id = hash_of("light chain", 11);
    chain->voters = voters;
    history_begin(&chain->history);
    for (uint32_t i = 0; i < LIGHT_CHAIN_NODES; i++) {
        const uint8_t seed[32] = {(uint8_t)(i + 1)};
        crypto_sign_seed_keypair(chain->keys[i], chain->secrets[i], seed);
    }
}

/* The header that comes next, not taken yet; `next`: to whom it hands over. */
static inline struct block_header light_chain_header(const struct light_chain *chain, uint32_t next)
{
    const struct validator_set set = light_chain_set(chain, chain->voters),
                               other = light_chain_set(chain, next);
    return (struct block_header){
        .version = BLOCK_HEADER_VERSION,
        .height = chain->height + 1,
        .time_ns = 1000 + chain->height,
        .epoch = chain->epoch,
        .first_command = chain->last.last_command + 1,
        .last_command = chain->last.last_command + 3,
        .chain_id = chain->chain_id,
        .prev_hash = chain->last_hash,
        .history_root = history_root(&chain->history),
        .validators_hash = validator_set_hash(&set),
        .next_validators_hash = validator_set_hash(&other),
    };
}

/* Appends it. Returns its bytes. */
static inline const uint8_t *light_chain_take(struct light_chain *chain,
                                              const struct block_header *header, uint32_t next)
{
    chain->height++;
    uint8_t *bytes = chain->headers[chain->height];
    block_header_encode(header, bytes);
    chain->last = *header;
    chain->last_hash = block_header_hash(bytes);
    chain->masks[chain->height] = chain->voters;
    chain->voters = next;
    history_add(&chain->history, chain->height, chain->last_hash);
    return bytes;
}

static inline const uint8_t *light_chain_next(struct light_chain *chain)
{
    const struct block_header header = light_chain_header(chain, chain->voters);
    return light_chain_take(chain, &header, chain->voters);
}

/* The next header hands over to `next`. */
static inline const uint8_t *light_chain_turn(struct light_chain *chain, uint32_t next)
{
    const struct block_header header = light_chain_header(chain, next);
    return light_chain_take(chain, &header, next);
}

/* The nodes of `signers` sign these bytes. */
static inline struct certificate light_chain_sign(const struct light_chain *chain,
                                                  const uint8_t header[BLOCK_HEADER_BYTES],
                                                  uint32_t signers)
{
    struct certificate certificate = {0};
    struct block_header facts;
    if (!block_header_decode(header, &facts)) abort();
    certificate.height = facts.height;
    certificate.epoch = facts.epoch;
    certificate.header_hash = block_header_hash(header);
    for (uint32_t i = 0; i < LIGHT_CHAIN_NODES; i++) {
        struct vote_command vote;
        if ((signers >> i & 1) == 0) continue;
        certificate_sign(chain->secrets[i], chain->chain_id, facts.epoch, facts.height,
                         certificate.header_hash, i + 1, &vote);
        certificate.votes[certificate.vote_count].node = i + 1;
        memcpy(certificate.votes[certificate.vote_count++].signature, vote.signature,
               SIGNATURE_BYTES);
    }
    return certificate;
}

#endif /* TESTS_LEDGER_LIGHT_CHAIN_H */
