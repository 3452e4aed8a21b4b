/* Proofs come from anybody: what is taken is exactly what would be written, and nothing holds that nobody signed.
 */

#include "ledger/attestation.h"
#include "ledger/receipt.h"
#include "ledger/release.h"
#include "ledger/trade_index.h"
#include "settlement/account_proof.h"
#include "settlement/totals_proof.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static uint8_t again[PROOF_BYTES_MAX];
static const struct block_header none;

static void account(const uint8_t *bytes, size_t byte_count)
{
    static struct proof_account read;
    if (!proof_account_get(bytes, byte_count, &read)) return;
    ASSERT(proof_account_put(&read, again) == byte_count && memcmp(again, bytes, byte_count) == 0);
    ASSERT(account_proof_fault(&read, none.state_root, NULL) != NULL);
}

static void trade(const uint8_t *bytes, size_t byte_count)
{
    static struct proof_trade read;
    const struct block_header header = {.last_command = UINT64_MAX, .fill_count = UINT32_MAX};
    if (!proof_trade_get(bytes, byte_count, &read)) return;
    ASSERT(proof_trade_put(&read, again) == byte_count && memcmp(again, bytes, byte_count) == 0);
    ASSERT(receipt_fault(&read, &header) != NULL);
}

static void release(const uint8_t *bytes, size_t byte_count)
{
    static struct proof_release read;
    const struct block_header header = {
        .flags = BLOCK_RELEASES, .height = 1, .last_command = UINT64_MAX};
    if (!proof_release_get(bytes, byte_count, &read)) return;
    ASSERT(proof_release_put(&read, again) == byte_count && memcmp(again, bytes, byte_count) == 0);
    ASSERT(release_fault(&read, &header) != NULL);
}

static void totals(const uint8_t *bytes, size_t byte_count)
{
    static struct proof_totals read;
    if (!proof_totals_get(bytes, byte_count, &read)) return;
    ASSERT(proof_totals_put(&read, again) == byte_count && memcmp(again, bytes, byte_count) == 0);
    ASSERT(totals_proof_fault(&read, none.totals_root) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    const struct validator_set nobody = {.count = 1, .members = {{.node = 1}}};
    struct block_header header;
    struct proof proof;
    struct trade_span span;
    uint64_t height;
    if (!hash_start()) return 0;
    account(bytes, byte_count);
    trade(bytes, byte_count);
    release(bytes, byte_count);
    totals(bytes, byte_count);
    if (byte_count == TRADE_INDEX_RECORD_BYTES) (void)!trade_index_get(bytes, &height, &span);
    if (!proof_get(bytes, byte_count, &proof)) return 0;
    ASSERT(proof_put(&proof, again) == byte_count && memcmp(again, bytes, byte_count) == 0);
    ASSERT(attestation_fault(&proof, none.chain_id, &nobody, &header) != NULL);
    account(proof.subject, proof.subject_bytes);
    trade(proof.subject, proof.subject_bytes);
    release(proof.subject, proof.subject_bytes);
    totals(proof.subject, proof.subject_bytes);
    return 0;
}
