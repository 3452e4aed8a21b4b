/* Files of liabilities and openings come from anybody: what is taken is exactly what would be written, sums do not
 * wrap, and nothing holds that nobody signed.
 */

#include "node/liabilities_check.h"
#include "node/proof_check.h"
#include "settlement/liability_check.h"
#include "settlement/liability_proof.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

struct input {
    const uint8_t *bytes;
    size_t byte_count;
};

static bool read_input(void *context, uint64_t offset, void *bytes, size_t byte_count)
{
    const struct input *input = context;
    if (offset > input->byte_count || byte_count > input->byte_count - offset) return false;
    memcpy(bytes, input->bytes + offset, byte_count);
    return true;
}

/* Leaves as the head has them, as far as the bytes go. */
static void leaves(const struct liabilities_head *head, const uint8_t *bytes, size_t byte_count)
{
    struct liability_check check;
    unsigned __int128 sum = 0;
    liability_check_begin(&check, head);
    for (size_t at = 0; at + LIABILITIES_LEAF_BYTES <= byte_count; at += LIABILITIES_LEAF_BYTES) {
        if (liability_check_leaf(&check, bytes + at) != NULL) return;
        if (check.tree.leaf_count == 0) sum = 0;
        if (check.tree.leaf_count > 0) {
            const struct liabilities_node root = liability_leaf_tree_root(&check.tree);
            ASSERT(root.sum >= sum);
            sum = root.sum;
        }
    }
}

static void head(const uint8_t *bytes, size_t byte_count)
{
    static struct liabilities_head read;
    static uint8_t again[LIABILITIES_HEAD_BYTES_MAX];
    const size_t head_bytes = liabilities_head_get(bytes, byte_count, &read);
    if (head_bytes == 0) return;
    ASSERT(liabilities_head_put(&read, again) == head_bytes &&
           memcmp(again, bytes, head_bytes) == 0);
    leaves(&read, bytes + head_bytes, byte_count - head_bytes);
}

static void opening(const uint8_t *bytes, size_t byte_count)
{
    static struct liabilities_opening read;
    static uint8_t again[PROOF_LIABILITY_BYTES_MAX];
    struct block_header header = {0};
    if (!liabilities_opening_get(bytes, byte_count, &read)) return;
    ASSERT(liabilities_opening_put(&read, again) == byte_count &&
           memcmp(again, bytes, byte_count) == 0);
    header.height = read.head.height;
    header.chain_id = read.head.chain_id;
    const struct liabilities_row *row = &read.head.assets[read.asset];
    if (liability_proof_fault(&read, &header, read.head.header_hash, NULL) == NULL)
        ASSERT(liability_proof_amount(&read) <= 3 * row->sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    const struct validator_set nobody = {.count = 1, .members = {{.node = 1}}};
    static struct liabilities_check check;
    static struct proof_check proved;
    struct input input = {bytes, byte_count};
    const struct liabilities_check_input file = {&input, read_input, byte_count};
    const hash_t chain = {{0}};
    struct proof proof;
    if (!hash_start()) return 0;
    head(bytes, byte_count);
    opening(bytes, byte_count);
    if (proof_get(bytes, byte_count, &proof)) opening(proof.subject, proof.subject_bytes);
    ASSERT(liabilities_check_fault(&file, chain, &nobody, &check) != NULL);
    ASSERT(proof_check_fault(bytes, byte_count, chain, &nobody, NULL, &proved) != NULL);
    return 0;
}
