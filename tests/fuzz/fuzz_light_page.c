/* What a server says to a light node is bytes from anywhere: pages and proofs are read or refused, and what is read is
 * within its bounds. Nothing of it moves a light node that has seen no signature.
 */

#include "ledger/light.h"
#include "node/light_page.h"
#include "node/trusted.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void try_page(const struct light_page *page)
{
    static struct light light;
    const struct validator_set nobody = {.count = 1, .members = {{.node = 1}}};
    struct block_header first;
    const char *what;
    if (!block_header_decode(page->rows[0].header, &first)) return;
    light_begin(&light, first.chain_id, &nobody);
    for (uint32_t i = 0; i < page->count; i++) {
        const struct light_row *row = &page->rows[i];
        const struct light_step step = {.header = row->header,
                                        .certificate = row->is_signed ? &row->certificate : NULL};
        if (row->is_signed) ASSERT(row->certificate.vote_count <= GENESIS_VALIDATORS_LIMIT);
        const enum light_answer answer = light_take(&light, &step, &what);
        ASSERT(answer == LIGHT_PENDING || answer == LIGHT_FALSE || answer == LIGHT_GAP);
        if (answer != LIGHT_PENDING) break;
    }
    ASSERT(light.certified.height == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static struct light_page page;
    struct light_proof proof;
    struct validator_set set;
    if (!hash_start()) return 0;
    if (light_page_read((const char *)bytes, byte_count, &page) == NULL) {
        ASSERT(page.count > 0 && page.count <= LIGHT_PAGE_MAX);
        try_page(&page);
    } else {
        ASSERT(page.count == 0);
    }
    if (light_page_proof((const char *)bytes, byte_count, &proof) == NULL) {
        ASSERT(proof.low > 0 && proof.low <= proof.high);
        ASSERT(proof.path.count <= MERKLE_DEPTH_MAX + 1);
        ASSERT(!merkle_included(proof.low_hash, proof.low - 1, proof.high, (hash_t){{0}},
                                &proof.path));
    }
    if (trusted_set((const char *)bytes, byte_count, &set))
        ASSERT(set.count > 0 && set.count <= GENESIS_VALIDATORS_LIMIT);
    const int code = light_page_refusal((const char *)bytes, byte_count);
    ASSERT(code <= 0);
    return 0;
}
