#include "node/proof_check.h"

#include "ledger/attestation.h"
#include "ledger/receipt.h"
#include "settlement/account_proof.h"
#include "settlement/totals_proof.h"

static const char *subject_fault(const struct proof *proof, const uint8_t *public_key,
                                 struct proof_check *check)
{
    const uint8_t *bytes = proof->subject;
    const size_t byte_count = proof->subject_bytes;
    if (public_key != NULL && proof->kind != PROOF_ACCOUNT) return "it is not about an account";
    switch (proof->kind) {
    case PROOF_ACCOUNT:
        if (!proof_account_get(bytes, byte_count, &check->account)) return "its leaf is malformed";
        return account_proof_fault(&check->account, check->header.state_root, public_key);
    case PROOF_TRADE:
        if (!proof_trade_get(bytes, byte_count, &check->trade)) return "its receipt is malformed";
        return receipt_fault(&check->trade, &check->header);
    case PROOF_TOTALS:
        if (!proof_totals_get(bytes, byte_count, &check->totals)) return "its totals are malformed";
        return totals_proof_fault(&check->totals, check->header.totals_root);
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
    return subject_fault(&proof, public_key, check);
}
