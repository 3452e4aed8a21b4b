/* A manifest and a lineage come from peers: what is taken is exactly what would be written, and nothing is followed
 * that nobody signed.
 */

#include "ledger/checkpoint.h"
#include "ledger/lineage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void manifest(const uint8_t *bytes, size_t byte_count)
{
    static hash_t chunks[CHECKPOINT_CHUNKS_MAX];
    struct checkpoint_manifest manifest;
    if (!checkpoint_manifest_decode(bytes, byte_count, &manifest, chunks)) return;
    ASSERT(checkpoint_manifest_bytes(&manifest) == byte_count);
    uint8_t *again = malloc(byte_count);
    ASSERT(again != NULL && checkpoint_manifest_encode(&manifest, again) == byte_count);
    ASSERT(memcmp(bytes, again, byte_count) == 0);
    free(again);
    uint64_t total = 0;
    for (uint32_t i = 0; i < manifest.chunk_count; i++) {
        enum checkpoint_section section;
        const uint32_t length = checkpoint_chunk_bytes(&manifest, i, &section);
        ASSERT(length > 0 && length <= CHECKPOINT_CHUNK_BYTES && section < CHECKPOINT_SECTIONS);
        total += length;
    }
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        total -= manifest.section_bytes[section];
    ASSERT(total == 0);
    struct certificate certificate = {.height = manifest.height, .epoch = manifest.epoch};
    const struct validator_set nobody = {.count = 1, .members = {{.node = 1}}};
    ASSERT(checkpoint_fault(&manifest, bytes, byte_count, &certificate, manifest.chain_id,
                            &nobody) != NULL);
}

static void steps(const uint8_t *bytes, size_t byte_count)
{
    static uint8_t again[LINEAGE_STEP_BYTES_MAX];
    const struct validator_set trusted = {.count = 1, .members = {{.node = 1}}};
    struct lineage lineage;
    struct lineage_step step;
    lineage_begin(&lineage, hash_of("", 0), &trusted, 0);
    /* Ends: each step has a length. */
    for (size_t length; (length = lineage_step_decode(bytes, byte_count, &step)) > 0;
         bytes += length, byte_count -= length) {
        ASSERT(length <= byte_count);
        ASSERT(lineage_step_encode(step.header, &step.certificate, &step.next, again) == length);
        ASSERT(memcmp(bytes, again, length) == 0);
        ASSERT(lineage_follow(&lineage, &step) != LINEAGE_FOLLOWED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    if (!hash_start()) return 0;
    manifest(bytes, byte_count);
    steps(bytes, byte_count);
    return 0;
}
