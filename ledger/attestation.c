#include "ledger/attestation.h"

#include "ledger/certificate.h"

/* Each header is one of this chain and names the hash of the one before it. Leaves the last one. */
static const char *headers_fault(const struct proof *proof, hash_t chain_id,
                                 struct block_header *header, struct block_header *last,
                                 hash_t *last_hash)
{
    for (uint32_t i = 0; i < proof->header_count; i++) {
        const uint8_t *bytes = proof->headers + (size_t)i * BLOCK_HEADER_BYTES;
        const uint64_t below = last->height;
        if (!block_header_decode(bytes, last)) return "a header is none of ours";
        if (!hash_equal(last->chain_id, chain_id)) return "it is of another chain";
        if (i == 0) *header = *last;
        if (i > 0 && (last->height != below + 1 || !hash_equal(last->prev_hash, *last_hash)))
            return "a header does not name the one before it";
        *last_hash = block_header_hash(bytes);
    }
    return NULL;
}

const char *attestation_fault(const struct proof *proof, hash_t chain_id,
                              const struct validator_set *set, struct block_header *header)
{
    struct block_header last = {0};
    struct certificate certificate;
    hash_t hash = {{0}};
    const char *fault = headers_fault(proof, chain_id, header, &last, &hash);
    if (fault != NULL) return fault;
    if (!certificate_decode(proof->certificate, proof->certificate_bytes, &certificate))
        return "its certificate is malformed";
    if (!hash_equal(certificate.header_hash, hash) || certificate.height != last.height ||
        certificate.epoch != last.epoch)
        return "its certificate is of another block";
    if (!hash_equal(validator_set_hash(set), last.validators_hash))
        return "its validators are not those you trust";
    return certificate_fault(&certificate, chain_id, set);
}
