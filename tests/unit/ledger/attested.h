/* A short chain whose blocks four nodes sign, and the frames of proofs over it. */

#ifndef TESTS_LEDGER_ATTESTED_H
#define TESTS_LEDGER_ATTESTED_H

#include "common/proof.h"
#include "ledger/certificate.h"

#include <string.h>

#define ATTESTED_NODES  4
#define ATTESTED_BLOCKS 4

struct attested {
    uint8_t secrets[ATTESTED_NODES][SECRET_KEY_BYTES];
    struct validator_set set;
    hash_t chain_id;
    struct block_header decoded[ATTESTED_BLOCKS];
    uint8_t headers[ATTESTED_BLOCKS][BLOCK_HEADER_BYTES]; /* heights 11 .. 14 */
    uint8_t certificate[CERTIFICATE_BYTES_MAX];           /* of the last */
    size_t certificate_bytes;
};

/* Makes the headers anew, each linked to the one before it, and signs the last by `votes` nodes. */
static inline void attested_sign(struct attested *chain, uint32_t votes)
{
    struct certificate certificate = {.height = 10 + ATTESTED_BLOCKS, .vote_count = votes};
    hash_t hash = hash_of("before", 6);
    for (uint32_t i = 0; i < ATTESTED_BLOCKS; i++) {
        struct block_header *header = &chain->decoded[i];
        header->version = BLOCK_HEADER_VERSION;
        header->height = 11 + i;
        header->chain_id = chain->chain_id;
        header->prev_hash = hash;
        header->validators_hash = validator_set_hash(&chain->set);
        block_header_encode(header, chain->headers[i]);
        hash = block_header_hash(chain->headers[i]);
    }
    certificate.header_hash = hash;
    for (uint32_t i = 0; i < votes; i++) {
        struct vote_command vote;
        certificate_sign(chain->secrets[i], chain->chain_id, 0, certificate.height, hash, i + 1,
                         &vote);
        certificate.votes[i].node = i + 1;
        memcpy(certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
    chain->certificate_bytes = certificate_encode(&certificate, chain->certificate);
}

static inline void attested_begin(struct attested *chain)
{
    memset(chain, 0, sizeof(*chain));
    chain->set.count = ATTESTED_NODES;
    for (uint32_t i = 0; i < ATTESTED_NODES; i++) {
        const uint8_t seed[32] = {(uint8_t)(i + 1)};
        chain->set.members[i].node = i + 1;
        crypto_sign_seed_keypair(chain->set.members[i].public_key, chain->secrets[i], seed);
    }
    chain->chain_id = hash_of("chain", 5);
    attested_sign(chain, 3);
}

/* The frame of a proof about the block at `place`. */
static inline struct proof attested_proof(const struct attested *chain, uint32_t place)
{
    return (struct proof){.kind = PROOF_TOTALS,
                          .headers = chain->headers[place],
                          .header_count = ATTESTED_BLOCKS - place,
                          .certificate = chain->certificate,
                          .certificate_bytes = chain->certificate_bytes};
}

#endif /* TESTS_LEDGER_ATTESTED_H */
