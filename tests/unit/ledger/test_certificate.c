#include "ledger/certificate.h"

#include "tests/harness.h"

#define NODES 4

static uint8_t secrets[NODES][SECRET_KEY_BYTES];
static struct validator_set set;
static hash_t chain_id, hash;
static struct certificate_tally tally;
static struct certificate certificate;

/* Four validators: three signatures are more than two thirds. */
static void four_nodes(void)
{
    assert_true(hash_start());
    set.count = NODES;
    for (uint32_t i = 0; i < NODES; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        set.members[i].node = i + 1;
        crypto_sign_seed_keypair(set.members[i].public_key, secrets[i], seed);
    }
    chain_id = hash_of("chain", 5);
    hash = hash_of("header", 6);
    certificate_tally_begin(&tally, chain_id, 0, &set);
}

static struct vote_command vote_of(uint32_t node, uint64_t height, hash_t header_hash)
{
    struct vote_command vote;
    certificate_sign(secrets[node - 1], chain_id, 0, height, header_hash, node, &vote);
    return vote;
}

static enum certificate_count count(uint32_t node, uint64_t height, hash_t header_hash)
{
    const struct vote_command vote = vote_of(node, height, header_hash);
    return certificate_tally_add(&tally, &vote, 100, &certificate);
}

TEST(certificate, is_made_by_the_first_quorum_of_votes)
{
    four_nodes();
    assert_int_equal(count(4, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(2, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_MADE);
    assert_int_equal(count(3, 7, hash), CERTIFICATE_NOOP); /* one too many */
    assert_int_equal(certificate.height, 7);
    assert_int_equal(certificate.vote_count, 3);
    assert_int_equal(certificate.votes[0].node, 1);
    assert_int_equal(certificate.votes[1].node, 2);
    assert_int_equal(certificate.votes[2].node, 4);
    assert_null(certificate_fault(&certificate, chain_id, &set));
}

/* One node is its own quorum: the same road, one vote long. */
TEST(certificate, of_a_single_node_is_its_own_vote)
{
    four_nodes();
    set.count = 1;
    assert_int_equal(count(1, 1, hash), CERTIFICATE_MADE);
    assert_null(certificate_fault(&certificate, chain_id, &set));
}

/* Two of three are two thirds, and more than two thirds are needed. */
TEST(certificate, needs_more_than_two_thirds)
{
    four_nodes();
    set.count = 3;
    assert_int_equal(count(1, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(2, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(3, 7, hash), CERTIFICATE_MADE);
    struct certificate two = certificate;
    two.vote_count = 2;
    assert_non_null(certificate_fault(&two, chain_id, &set));
}

/* A node counts once a height, whatever it signs, and votes for two hashes do not add up. */
TEST(certificate, needs_as_many_nodes_for_one_hash)
{
    four_nodes();
    const hash_t other = hash_of("other", 5);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 7, other), CERTIFICATE_NOOP);
    assert_int_equal(count(2, 7, other), CERTIFICATE_COUNTED);
    assert_int_equal(count(3, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 7, hash), CERTIFICATE_MADE);
    assert_int_equal(certificate.vote_count, 3);
}

/* A vote is nothing when its signer is no validator, or signed another chain, epoch, height or hash. */
TEST(certificate, does_not_count_a_vote_that_is_not_what_was_signed)
{
    four_nodes();
    for (int field = 0; field < 6; field++) {
        struct vote_command vote = vote_of(1, 7, hash);
        if (field == 0) vote.height = 8;
        if (field == 1) vote.epoch = 1;
        if (field == 2) vote.node = 2;
        if (field == 3) vote.node = 9;
        if (field == 4) vote.header_hash[0] ^= 1;
        if (field == 5) vote.signature[0] ^= 1;
        assert_int_equal(certificate_tally_add(&tally, &vote, 100, &certificate), CERTIFICATE_NOOP);
        assert_false(certificate_vote_valid(&vote, chain_id, &set));
    }
    const struct vote_command vote = vote_of(1, 7, hash);
    assert_false(certificate_vote_valid(&vote, hash_of("another", 7), &set));
    assert_true(certificate_vote_valid(&vote, chain_id, &set));
}

/* Nobody has computed block 101 yet at this place of the log. */
TEST(certificate, does_not_count_a_vote_above_the_sealed_height)
{
    four_nodes();
    assert_int_equal(count(1, 101, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 100, hash), CERTIFICATE_COUNTED);
}

/* A certificate certifies every ancestor: nothing below it is counted any more. */
TEST(certificate, covers_the_heights_below)
{
    four_nodes();
    set.count = 1;
    assert_int_equal(count(1, 9, hash), CERTIFICATE_MADE);
    assert_int_equal(count(1, 8, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 10, hash), CERTIFICATE_MADE);
}

/* A higher ballot takes the place of a lower one; a forged vote does not. */
TEST(certificate, ballots_give_way_to_higher_ones_only)
{
    four_nodes();
    assert_int_equal(count(1, 2, hash), CERTIFICATE_COUNTED);
    struct vote_command forged = vote_of(1, 2 + CERTIFICATE_WINDOW, hash);
    forged.signature[1] ^= 1;
    assert_int_equal(certificate_tally_add(&tally, &forged, 100, &certificate), CERTIFICATE_NOOP);
    assert_int_equal(count(2, 2, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(3, 2, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(2, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_MADE);
}

TEST(certificate, comes_back_from_its_bytes)
{
    four_nodes();
    for (uint32_t node = 1; node <= 3; node++)
        (void)!count(node, 7, hash);
    uint8_t bytes[CERTIFICATE_BYTES_MAX], again[CERTIFICATE_BYTES_MAX];
    struct certificate decoded;
    const size_t byte_count = certificate_encode(&certificate, bytes);
    assert_int_equal(byte_count, 52 + 3 * 68);
    assert_true(certificate_decode(bytes, byte_count, &decoded));
    assert_int_equal(certificate_encode(&decoded, again), byte_count);
    assert_memory_equal(bytes, again, byte_count);
    assert_false(certificate_decode(bytes, byte_count - 1, &decoded));
    assert_false(certificate_decode(bytes, byte_count + 1, &decoded));

    /* Any other bytes are no certificate, or one that is not valid. */
    for (size_t i = 0; i < byte_count; i++) {
        bytes[i] ^= 0x10;
        assert_true(!certificate_decode(bytes, byte_count, &decoded) ||
                    certificate_fault(&decoded, chain_id, &set) != NULL);
        bytes[i] ^= 0x10;
    }
}

TEST(certificate, with_too_few_or_repeated_votes_is_not_valid)
{
    four_nodes();
    for (uint32_t node = 1; node <= 3; node++)
        (void)!count(node, 7, hash);
    struct certificate wrong = certificate;
    wrong.vote_count = 2;
    assert_non_null(certificate_fault(&wrong, chain_id, &set));
    wrong = certificate;
    wrong.votes[1] = wrong.votes[0];
    assert_non_null(certificate_fault(&wrong, chain_id, &set));
}
