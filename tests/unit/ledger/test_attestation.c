#include "ledger/attestation.h"

#include "tests/harness.h"
#include "tests/unit/ledger/attested.h"

static struct attested chain;
static struct block_header header;

static const char *fault_of(const struct proof *proof)
{
    return attestation_fault(proof, chain.chain_id, &chain.set, &header);
}

static void begin(void)
{
    assert_true(hash_start());
    attested_begin(&chain);
}

/* A certificate speaks for every header that leads up to it. */
TEST(attestation, a_certificate_covers_the_blocks_below_it)
{
    begin();
    for (uint32_t place = 0; place < ATTESTED_BLOCKS; place++) {
        const struct proof proof = attested_proof(&chain, place);
        assert_null(fault_of(&proof));
        assert_int_equal(header.height, 11 + place);
    }
}

TEST(attestation, too_few_votes_are_none)
{
    begin();
    attested_sign(&chain, 2);
    const struct proof proof = attested_proof(&chain, 3);
    assert_string_equal(fault_of(&proof), "it has too few votes");
}

TEST(attestation, another_chain_other_validators_and_another_block_are_named)
{
    begin();
    struct proof proof = attested_proof(&chain, 1);
    struct validator_set others = chain.set;
    others.members[3].public_key[0] ^= 1;
    assert_string_equal(attestation_fault(&proof, hash_of("other", 5), &chain.set, &header),
                        "it is of another chain");
    assert_string_equal(attestation_fault(&proof, chain.chain_id, &others, &header),
                        "its validators are not those you trust");
    proof.header_count--; /* the certificate is of the header left out */
    assert_string_equal(fault_of(&proof), "its certificate is of another block");
    uint8_t skipped[2][BLOCK_HEADER_BYTES];
    memcpy(skipped[0], chain.headers[0], BLOCK_HEADER_BYTES);
    memcpy(skipped[1], chain.headers[3], BLOCK_HEADER_BYTES);
    proof.headers = skipped[0];
    proof.header_count = 2;
    assert_string_equal(fault_of(&proof), "a header does not name the one before it");
}

/* Every byte of the headers and the certificate counts. */
TEST(attestation, any_other_byte_is_refused)
{
    begin();
    const struct proof proof = attested_proof(&chain, 2);
    for (size_t i = 0; i < 2 * BLOCK_HEADER_BYTES; i++) {
        uint8_t *byte = &chain.headers[2][0] + i;
        *byte ^= 0x10;
        assert_non_null(fault_of(&proof));
        *byte ^= 0x10;
    }
    for (size_t i = 0; i < chain.certificate_bytes; i++) {
        chain.certificate[i] ^= 0x10;
        assert_non_null(fault_of(&proof));
        chain.certificate[i] ^= 0x10;
    }
    assert_null(fault_of(&proof));
}
