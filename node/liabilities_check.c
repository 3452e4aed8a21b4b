#include "node/liabilities_check.h"

#include "common/le.h"
#include "node/proof_check.h"
#include "settlement/liability_check.h"

#define LEAVES_AT_ONCE 1024u

static const char unread[] = "it cannot be read";

static const char *head_fault(const struct liabilities_check_input *input,
                              struct liabilities_check *check, uint64_t *leaves_at)
{
    uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX];
    const size_t byte_count =
        input->byte_count < sizeof(bytes) ? (size_t)input->byte_count : sizeof(bytes);
    if (!input->read(input->context, 0, bytes, byte_count)) return unread;
    *leaves_at = liabilities_head_get(bytes, byte_count, &check->head);
    return *leaves_at > 0 ? NULL : "it is no liabilities file";
}

/* The totals of the block that it is about, and the votes for its root. */
static const char *tail_fault(const struct liabilities_check_input *input, uint64_t tail_at,
                              hash_t chain_id, const struct validator_set *set,
                              struct liabilities_check *check)
{
    uint8_t lengths[LIABILITIES_TAIL_FIXED], proof[PROOF_BYTES_MAX];
    uint8_t certificate[LIABILITIES_VOTES_BYTES_MAX];
    struct proof_check totals;
    struct proof parts;
    if (input->byte_count < tail_at + sizeof(lengths)) return "it is cut short";
    if (!input->read(input->context, tail_at, lengths, sizeof(lengths))) return unread;
    const uint32_t proof_bytes = le_get_u32(lengths), certificate_bytes = le_get_u32(lengths + 4);
    const uint64_t proof_at = tail_at + sizeof(lengths);
    if (proof_bytes > sizeof(proof) || certificate_bytes > sizeof(certificate) ||
        input->byte_count != proof_at + proof_bytes + certificate_bytes)
        return "its length is not what its parts add up to";
    if (!input->read(input->context, proof_at, proof, proof_bytes) ||
        !input->read(input->context, proof_at + proof_bytes, certificate, certificate_bytes))
        return unread;
    const char *fault = proof_check_fault(proof, proof_bytes, chain_id, set, NULL, &totals);
    if (fault != NULL) return fault;
    if (totals.kind != PROOF_TOTALS || !proof_get(proof, proof_bytes, &parts))
        return "its proof is not one of totals";
    check->header = totals.header;
    check->totals = totals.totals;
    if (check->head.height != check->header.height || !hash_equal(check->head.chain_id, chain_id) ||
        !hash_equal(check->head.header_hash, block_header_hash(parts.headers)))
        return "its liabilities are of another block";
    return proof_check_liabilities(&check->head, &check->header, certificate, certificate_bytes,
                                   set);
}

static const char *leaves_fault(const struct liabilities_check_input *input, uint64_t at,
                                uint64_t end, struct liabilities_check *check)
{
    struct liability_check sums;
    uint8_t bytes[LEAVES_AT_ONCE * LIABILITIES_LEAF_BYTES];
    liability_check_begin(&sums, &check->head);
    while (at < end) {
        const size_t now = end - at < sizeof(bytes) ? (size_t)(end - at) : sizeof(bytes);
        if (!input->read(input->context, at, bytes, now)) return unread;
        for (size_t i = 0; i < now; i += LIABILITIES_LEAF_BYTES) {
            const char *fault = liability_check_leaf(&sums, bytes + i);
            if (fault != NULL) return fault;
            check->leaf_count++;
            check->empty_count += le_get_u64(bytes + i) == 0;
        }
        at += now;
    }
    return liability_check_end(&sums);
}

const char *liabilities_check_fault(const struct liabilities_check_input *input, hash_t chain_id,
                                    const struct validator_set *set,
                                    struct liabilities_check *check)
{
    uint64_t leaves_at, tail_at;
    const char *fault = head_fault(input, check, &leaves_at);
    if (fault != NULL) return fault;
    check->leaf_count = check->empty_count = 0;
    tail_at = leaves_at;
    for (uint32_t i = 0; i < check->head.asset_count; i++)
        tail_at += check->head.assets[i].leaf_count * LIABILITIES_LEAF_BYTES;
    fault = tail_fault(input, tail_at, chain_id, set, check);
    if (fault == NULL) fault = liability_check_totals(&check->head, &check->totals);
    return fault != NULL ? fault : leaves_fault(input, leaves_at, tail_at, check);
}
