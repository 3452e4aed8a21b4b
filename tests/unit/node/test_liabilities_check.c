#include "node/liabilities_check.h"

#include "tests/harness.h"
#include "tests/unit/node/owed.h"

static struct owed owed;
static struct liabilities_check check;

static bool read_memory(void *context, uint64_t offset, void *bytes, size_t byte_count)
{
    const struct owed *from = context;
    if (offset > from->file_bytes || byte_count > from->file_bytes - offset) return false;
    memcpy(bytes, from->file + offset, byte_count);
    return true;
}

static const char *fault_by(const struct validator_set *set)
{
    const struct genesis *genesis = &owed.proved.story.journal.genesis;
    const struct liabilities_check_input input = {&owed, read_memory, owed.file_bytes};
    return liabilities_check_fault(&input, genesis_chain_id(genesis), set, &check);
}

static const char *fault(void)
{
    return fault_by(&owed.proved.story.journal.genesis.validators);
}

/* The leaf of the asset with the largest amount. */
static uint8_t *largest(uint16_t asset)
{
    uint8_t *at = owed.file + owed_leaves_at(&owed.head), *best;
    for (uint16_t i = 0; i < asset; i++)
        at += owed.head.assets[i].leaf_count * LIABILITIES_LEAF_BYTES;
    best = at;
    for (uint64_t i = 0; i < owed.head.assets[asset].leaf_count; i++, at += LIABILITIES_LEAF_BYTES)
        if (le_get_u64(at) > le_get_u64(best)) best = at;
    return best;
}

TEST(liabilities_check, a_published_file_holds)
{
    owed_begin(&owed);
    assert_null(fault());
    assert_int_equal(check.header.height, owed_height(&owed));
    assert_true(check.leaf_count >= 32 && check.empty_count > 16);
    assert_true(check.totals.assets[0].users > 0);
    owed_end(&owed);
}

/* No byte of the file, from the first to the last, may be another; none may lack, none be added. */
TEST(liabilities_check, every_bit_counts)
{
    owed_begin(&owed);
    const size_t whole = owed.file_bytes;
    for (size_t i = 0; i < whole; i++) {
        const uint8_t byte = owed.file[i];
        for (int bit = 0; bit < 8; bit++) {
            owed.file[i] = (uint8_t)(byte ^ 1 << bit);
            if (fault() == NULL) fail_msg("byte %zu bit %d", i, bit);
        }
        owed.file[i] = byte;
    }
    for (owed.file_bytes = 0; owed.file_bytes < whole; owed.file_bytes++)
        assert_non_null(fault());
    owed.file[whole] = 0;
    owed.file_bytes = whole + 1;
    assert_string_equal(fault(), "its length is not what its parts add up to");
    owed.file_bytes = whole;
    assert_null(fault());
    owed_end(&owed);
}

/* All validators together cannot leave an account out: the sum is not what the block says. Nor can they hide it by a
 * balance below zero. */
TEST(liabilities_check, what_all_validators_forge_is_refused)
{
    owed_begin(&owed);
    le_put_u64(largest(0), 0);
    struct liabilities_head forged = owed_add_up(&owed);
    owed_forge(&owed, &forged);
    assert_string_equal(fault(), "an asset's sum is not what users are owed of it");
    owed_forge(&owed, &owed.head);
    assert_string_equal(fault(), "an asset's leaves do not add up to its sum");
    owed_end(&owed);

    owed_begin(&owed);
    uint8_t *leaf = largest(1);
    le_put_u64(leaf, (uint64_t) - (int64_t)le_get_u64(leaf));
    owed_forge(&owed, &owed.head);
    assert_string_equal(fault(), "a leaf is below zero");
    owed_end(&owed);

    owed_begin(&owed);
    forged = owed.head;
    forged.asset_count--;
    owed_forge(&owed, &forged);
    assert_string_equal(fault(), "an asset is left out");
    owed_end(&owed);
}

/* A leaf moved to another place; one shown twice, its owner's and another's place alike. */
TEST(liabilities_check, leaves_are_where_they_are)
{
    uint8_t leaf[LIABILITIES_LEAF_BYTES];
    owed_begin(&owed);
    uint8_t *first = owed.file + owed_leaves_at(&owed.head);
    memcpy(leaf, first, sizeof(leaf));
    memcpy(first, first + 5 * sizeof(leaf), sizeof(leaf));
    memcpy(first + 5 * sizeof(leaf), leaf, sizeof(leaf));
    assert_string_equal(fault(), "an asset's leaves do not lead to its root");
    owed_end(&owed);
}

/* Another's certificate: of a block, of a checkpoint, of another height, of nobody one trusts, of too few. */
TEST(liabilities_check, other_certificates_are_refused)
{
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    owed_begin(&owed);
    const uint64_t height = owed_height(&owed);
    const hash_t root = liabilities_root(&owed.head);
    const size_t count = owed_certificate(&owed, CERTIFICATE_OF_CHECKPOINT, height, root, bytes);
    uint8_t *certificate = owed.file + owed.file_bytes - count;
    memcpy(certificate, bytes, count);
    assert_string_equal(fault(), "one of its signatures is wrong");
    owed_certificate(&owed, CERTIFICATE_OF_BLOCK, height, root, certificate);
    assert_string_equal(fault(), "one of its signatures is wrong");
    owed_certificate(&owed, CERTIFICATE_OF_LIABILITIES, height - 1, root, certificate);
    assert_string_equal(fault(), "its certificate of votes is of other liabilities");
    owed_certificate(&owed, CERTIFICATE_OF_LIABILITIES, height, hash_of("other", 5), certificate);
    assert_string_equal(fault(), "its certificate of votes is of other liabilities");
    owed_certificate(&owed, CERTIFICATE_OF_LIABILITIES, height, root, certificate);
    assert_null(fault());
    le_put_u32(owed.file + owed.file_bytes - count - owed.totals.byte_count - 4,
               CERTIFICATE_HEADER_BYTES);
    le_put_u32(certificate + 48, 0);
    owed.file_bytes -= count - CERTIFICATE_HEADER_BYTES;
    assert_string_equal(fault(), "it has too few votes");
    struct validator_set set = owed.proved.story.journal.genesis.validators;
    set.members[0].public_key[5] ^= 1;
    assert_string_equal(fault_by(&set), "its validators are not those you trust");
    owed_end(&owed);
}

/* The totals of another block, or a proof of something else: each by itself right. */
TEST(liabilities_check, another_blocks_totals_are_refused)
{
    struct proof_bytes other;
    owed_begin(&owed);
    struct liabilities_head forged = owed.head;
    forged.header_hash.bytes[7] ^= 1; /* another block of this height: signed, too */
    owed_forge(&owed, &forged);
    assert_string_equal(fault(), "its liabilities are of another block");
    const struct proof_source *source = owed.proved.source;
    assert_int_equal(source->totals(source->context, owed_height(&owed) - 1, &other), STATUS_OK);
    owed.totals = other;
    owed_forge(&owed, &owed.head);
    assert_string_equal(fault(), "its liabilities are of another block");
    assert_int_equal(source->account(source->context, 1, owed_height(&owed), &other), STATUS_OK);
    owed.totals = other;
    owed_forge(&owed, &owed.head);
    assert_string_equal(fault(), "its proof is not one of totals");
    owed_end(&owed);
}
