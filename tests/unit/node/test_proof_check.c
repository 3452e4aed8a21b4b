#include "node/proof_check.h"

#include "tests/harness.h"
#include "tests/unit/node/owed.h"
#include "tests/unit/node/proved.h"

static struct proved proved;
static struct proof_check check;
static uint8_t first[PROOF_BYTES_MAX], second[PROOF_BYTES_MAX], mixed[PROOF_BYTES_MAX];

static const char *fault(const uint8_t *bytes, size_t byte_count, const uint8_t *key)
{
    const struct genesis *genesis = &proved.story.journal.genesis;
    return proof_check_fault(bytes, byte_count, genesis_chain_id(genesis), &genesis->validators,
                             key, &check);
}

static size_t account(uint32_t number, uint64_t height, uint8_t *out)
{
    struct proof_bytes bytes;
    assert_int_equal(proved.source->account(proved.source->context, number, height, &bytes),
                     STATUS_OK);
    memcpy(out, bytes.bytes, bytes.byte_count);
    return bytes.byte_count;
}

/* The subject of one proof in the frame of another. */
static size_t mix(const uint8_t *subject_of, const uint8_t *frame_of)
{
    struct proof left, right;
    const size_t any = PROOF_BYTES_MAX;
    for (size_t bytes = 0; bytes <= any && !proof_get(subject_of, bytes, &left); bytes++)
        ;
    for (size_t bytes = 0; bytes <= any && !proof_get(frame_of, bytes, &right); bytes++)
        ;
    right.subject = left.subject;
    right.subject_bytes = left.subject_bytes;
    return proof_put(&right, mixed);
}

/* Two accounts shown one leaf: only its owner takes it for his. */
TEST(proof_check, one_leaf_is_not_shown_to_two)
{
    proved_begin(&proved, UINT32_MAX);
    uint8_t ann[PUBLIC_KEY_BYTES], bob[PUBLIC_KEY_BYTES];
    const size_t bytes = account(1, 6, first);
    assert_null(fault(first, bytes, NULL));
    memcpy(ann, check.account.public_key, sizeof(ann));
    assert_null(fault(first, bytes, ann));
    const size_t others = account(2, 6, second);
    assert_null(fault(second, others, NULL));
    memcpy(bob, check.account.public_key, sizeof(bob));
    assert_string_equal(fault(first, bytes, bob), "its leaf is another account's");
    proved_end(&proved);
}

/* Real leaf, real path, real certificate: but of two heights. */
TEST(proof_check, of_another_height_is_refused)
{
    proved_begin(&proved, UINT32_MAX);
    account(1, 4, first);
    account(1, 6, second);
    assert_string_equal(fault(mixed, mix(first, second), NULL),
                        "its path does not lead to state_root");
    proved_end(&proved);
}

TEST(proof_check, of_another_chain_or_by_other_voters_is_refused)
{
    proved_begin(&proved, UINT32_MAX);
    const size_t bytes = account(1, 6, first);
    const struct genesis *genesis = &proved.story.journal.genesis;
    struct validator_set set = genesis->validators;
    assert_string_equal(proof_check_fault(first, bytes, hash_of("other", 5), &set, NULL, &check),
                        "it is of another chain");
    set.members[0].public_key[5] ^= 1;
    assert_string_equal(
        proof_check_fault(first, bytes, genesis_chain_id(genesis), &set, NULL, &check),
        "its validators are not those you trust");
    proved_end(&proved);
}

/* A forged total, and one block's totals shown as another's. */
TEST(proof_check, a_forged_total_is_refused)
{
    proved_begin(&proved, UINT32_MAX);
    struct proof_bytes bytes;
    struct proof proof;
    struct proof_totals totals;
    uint8_t subject[PROOF_TOTALS_BYTES_MAX];
    assert_int_equal(proved.source->totals(proved.source->context, 6, &bytes), STATUS_OK);
    assert_null(fault(bytes.bytes, bytes.byte_count, NULL));
    assert_true(proof_get(bytes.bytes, bytes.byte_count, &proof));
    assert_true(proof_totals_get(proof.subject, proof.subject_bytes, &totals));
    totals.assets[0].users -= 5;
    totals.assets[0].external -= 5;
    proof.subject_bytes = proof_totals_put(&totals, subject);
    proof.subject = subject;
    assert_string_equal(fault(mixed, proof_put(&proof, mixed), NULL),
                        "its totals do not lead to totals_root");
    assert_string_equal(fault(bytes.bytes, bytes.byte_count, subject),
                        "it is not about an account");
    proved_end(&proved);
}

static void every_byte(const struct proof_bytes *bytes)
{
    memcpy(first, bytes->bytes, bytes->byte_count);
    assert_null(fault(first, bytes->byte_count, NULL));
    for (size_t i = 0; i < bytes->byte_count; i++) {
        const uint8_t byte = first[i];
        for (int bit = 0; bit < 8; bit++) {
            first[i] = (uint8_t)(byte ^ 1 << bit);
            if (fault(first, bytes->byte_count, NULL) == NULL) fail_msg("byte %zu bit %d", i, bit);
        }
        first[i] = byte;
    }
}

/* Of each kind. */
TEST(proof_check, every_bit_counts)
{
    struct proof_bytes bytes;
    uint64_t height = 0;
    proved_begin(&proved, 1u << 5);
    void *context = proved.source->context;
    assert_int_equal(proved.source->account(context, 2, 5, &bytes), STATUS_OK);
    every_byte(&bytes);
    assert_int_equal(proved.source->totals(context, 6, &bytes), STATUS_OK);
    every_byte(&bytes);
    assert_int_equal(proved.source->trade_height(context, 0, 1, &height), STATUS_OK);
    assert_int_equal(proved.source->trade(context, 0, 1, height, &bytes), STATUS_OK);
    every_byte(&bytes);
    proved_end(&proved);
}

static struct owed owed;

static const char *owed_fault(size_t byte_count, const uint8_t *key)
{
    const struct genesis *genesis = &owed.proved.story.journal.genesis;
    return proof_check_fault(first, byte_count, genesis_chain_id(genesis), &genesis->validators,
                             key, &check);
}

/* A holder's leaves under the root that the nodes signed, to the last bit, and to his key only. */
TEST(proof_check, openings_hold_and_every_bit_of_them_counts)
{
    static struct liabilities_opening opening;
    uint8_t other[PUBLIC_KEY_BYTES] = {3};
    owed_begin(&owed);
    owed_open(&owed, 2, 1, &opening);
    const size_t byte_count = owed_frame(&owed, &opening, first);
    assert_null(owed_fault(byte_count, NULL));
    assert_null(owed_fault(byte_count, opening.public_key));
    assert_int_equal(check.kind, PROOF_LIABILITY);
    assert_string_equal(owed_fault(byte_count, other), "its leaves are another account's");
    for (size_t i = 0; i < byte_count; i++)
        for (int bit = 0; bit < 8; bit++) {
            first[i] ^= (uint8_t)(1 << bit);
            if (owed_fault(byte_count, NULL) == NULL) fail_msg("byte %zu bit %d", i, bit);
            first[i] ^= (uint8_t)(1 << bit);
        }
    owed_end(&owed);
}
