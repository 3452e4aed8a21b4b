#include "node/proof_check.h"

#include "ledger/attestation.h"
#include "ledger/certificate.h"
#include "ledger/receipt.h"
#include "ledger/release.h"
#include "settlement/account_proof.h"
#include "settlement/liability_proof.h"
#include "settlement/totals_proof.h"

const char *proof_check_liabilities(const struct liabilities_head *head,
                                    const struct block_header *header, const uint8_t *bytes,
                                    size_t byte_count, const struct validator_set *set)
{
    struct certificate certificate;
    if (!certificate_decode(bytes, byte_count, &certificate))
        return "its certificate of votes is malformed";
    if (certificate.height != head->height || certificate.epoch != header->epoch ||
        !hash_equal(certificate.header_hash, liabilities_root(head)))
        return "its certificate of votes is of other liabilities";
    if (!hash_equal(validator_set_hash(set), header->validators_hash))
        return "its validators are not those you trust";
    return certificate_statement_fault(CERTIFICATE_OF_LIABILITIES, &certificate, header->chain_id,
                                       set);
}

static const char *opening_fault(const struct proof *proof, const struct validator_set *set,
                                 const uint8_t *public_key, struct proof_check *check)
{
    struct liabilities_opening *opening = &check->opening;
    if (!liabilities_opening_get(proof->subject, proof->subject_bytes, opening))
        return "its opening is malformed";
    const char *fault = liability_proof_fault(opening, &check->header,
                                              block_header_hash(proof->headers), public_key);
    if (fault != NULL) return fault;
    return proof_check_liabilities(&opening->head, &check->header, opening->certificate,
                                   opening->certificate_bytes, set);
}

static const char *subject_fault(const struct proof *proof, const struct validator_set *set,
                                 const uint8_t *public_key, struct proof_check *check)
{
    const uint8_t *bytes = proof->subject;
    const size_t byte_count = proof->subject_bytes;
    if (public_key != NULL && proof->kind != PROOF_ACCOUNT && proof->kind != PROOF_LIABILITY)
        return "it is not about an account";
    switch (proof->kind) {
    case PROOF_ACCOUNT:
        if (!proof_account_get(bytes, byte_count, &check->account)) return "its leaf is malformed";
        return account_proof_fault(&check->account, check->header.state_root, public_key);
    case PROOF_TRADE:
        if (!proof_trade_get(bytes, byte_count, &check->trade)) return "its receipt is malformed";
        return receipt_fault(&check->trade, &check->header);
    case PROOF_RELEASE:
        if (!proof_release_get(bytes, byte_count, &check->release))
            return "its release is malformed";
        return release_fault(&check->release, &check->header);
    case PROOF_TOTALS:
        if (!proof_totals_get(bytes, byte_count, &check->totals)) return "its totals are malformed";
        return totals_proof_fault(&check->totals, check->header.totals_root);
    case PROOF_LIABILITY:
        return opening_fault(proof, set, public_key, check);
    }
    return "it is of a kind that is not known";
}

const char *proof_check_fault(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                              const struct validator_set *set, const uint8_t *public_key,
                              struct proof_check *check)
{
    struct proof proof;
    if (!proof_get(bytes, byte_count, &proof)) return "it is no proof";
    const char *fault = attestation_fault(&proof, chain_id, set, &check->header);
    if (fault != NULL) return fault;
    check->kind = proof.kind;
    return subject_fault(&proof, set, public_key, check);
}
