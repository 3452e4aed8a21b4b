/* Statements, reports and decisions are carried by people: what is taken is exactly what would be written, and nothing
 * counts that no voter signed.
 */

#include "ledger/epoch_report.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static struct epoch_report reports[EPOCH_STATEMENTS_MAX];
    const struct validator_set nobody = {.count = 1, .members = {{.node = 1}}};
    struct epoch_statement statement;
    struct epoch_header kept;
    hash_t chain_id = {{0}};
    uint32_t count;
    if (!hash_start()) return 0;
    if (byte_count >= 48) memcpy(chain_id.bytes, bytes + 16, HASH_BYTES);
    if (byte_count == EPOCH_STATEMENT_BYTES &&
        epoch_statement_decode(bytes, chain_id, &statement)) {
        ASSERT(statement.node != 0 && !epoch_statement_valid(bytes, &nobody));
        uint8_t secret[SECRET_KEY_BYTES], public[PUBLIC_KEY_BYTES], again[EPOCH_STATEMENT_BYTES];
        const uint8_t seed[32] = {1};
        crypto_sign_seed_keypair(public, secret, seed);
        epoch_statement_sign(&statement, chain_id, secret, again);
        ASSERT(memcmp(bytes, again, EPOCH_STATEMENT_BYTES - SIGNATURE_BYTES) == 0);
    }
    ASSERT(epoch_report_get(bytes, byte_count, chain_id, &nobody, &reports[0]) != NULL);
    ASSERT(epoch_decision_get(bytes, byte_count, chain_id, &nobody, &kept, reports, &count) !=
           NULL);
    return 0;
}
