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
    certificate_tally_begin(&tally, chain_id, 0, 0);
}

/* Blocks up to `height` are sealed, each by the set as it is now. */
static void seal_to(uint64_t height)
{
    uint64_t from = 1;
    for (uint64_t i = 0; i < CERTIFICATE_WINDOW; i++)
        if (tally.ballots[i].height >= from) from = tally.ballots[i].height + 1;
    for (; from <= height; from++)
        certificate_tally_open(&tally, from, 0, &set, false);
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
    return certificate_tally_add(&tally, &vote, &certificate);
}

TEST(certificate, is_made_by_the_first_quorum_of_votes)
{
    four_nodes();
    seal_to(7);
    assert_int_equal(count(4, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(2, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_MADE);
    assert_int_equal(count(3, 7, hash),
                     CERTIFICATE_COUNTED); /* one too many, and kept all the same */
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
    seal_to(1);
    assert_int_equal(count(1, 1, hash), CERTIFICATE_MADE);
    assert_null(certificate_fault(&certificate, chain_id, &set));
}

/* Two of three are two thirds, and more than two thirds are needed. */
TEST(certificate, needs_more_than_two_thirds)
{
    four_nodes();
    set.count = 3;
    seal_to(7);
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
    seal_to(7);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 7, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 7, other), CERTIFICATE_TWICE);
    assert_int_equal(count(2, 7, other), CERTIFICATE_COUNTED);
    assert_int_equal(count(3, 7, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 7, hash), CERTIFICATE_MADE);
    assert_int_equal(certificate.vote_count, 3);
}

/* A vote is nothing when its signer is no validator, or signed another chain, epoch, height or hash. */
TEST(certificate, does_not_count_a_vote_that_is_not_what_was_signed)
{
    four_nodes();
    seal_to(8);
    for (int field = 0; field < 6; field++) {
        struct vote_command vote = vote_of(1, 7, hash);
        if (field == 0) vote.height = 8;
        if (field == 1) vote.epoch = 1;
        if (field == 2) vote.node = 2;
        if (field == 3) vote.node = 9;
        if (field == 4) vote.header_hash[0] ^= 1;
        if (field == 5) vote.signature[0] ^= 1;
        assert_int_equal(certificate_tally_add(&tally, &vote, &certificate), CERTIFICATE_NOOP);
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
    seal_to(100);
    assert_int_equal(count(1, 101, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 100, hash), CERTIFICATE_COUNTED);
}

/* A certificate certifies every ancestor: nothing below it makes another. */
TEST(certificate, covers_the_heights_below)
{
    four_nodes();
    set.count = 1;
    seal_to(10);
    assert_int_equal(count(1, 9, hash), CERTIFICATE_MADE);
    assert_int_equal(count(1, 8, hash), CERTIFICATE_COUNTED);
    assert_int_equal(tally.certified_height, 9);
    assert_int_equal(count(1, 10, hash), CERTIFICATE_MADE);
}

/* A higher ballot takes the place of a lower one when its block is sealed; no vote moves anything. */
TEST(certificate, ballots_give_way_to_higher_ones_only)
{
    four_nodes();
    seal_to(1 + CERTIFICATE_WINDOW);
    assert_int_equal(count(1, 1, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 2, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(2, 2, hash), CERTIFICATE_COUNTED);
    seal_to(2 + CERTIFICATE_WINDOW);
    assert_int_equal(count(3, 2, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(2, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 2 + CERTIFICATE_WINDOW, hash), CERTIFICATE_MADE);
}

/* Each height has the voters of its own set: 1 to 3 until block 7, 2 to 4 from block 8 on. */
TEST(certificate, each_height_is_certified_by_its_own_set)
{
    four_nodes();
    struct validator_set old = set, new = set;
    old.count = 3;
    new.count = 3;
    memmove(&new.members[0], &new.members[1], 3 * sizeof(new.members[0]));
    certificate_tally_open(&tally, 7, 0, &old, true);
    certificate_tally_open(&tally, 8, 0, &new, false);
    assert_int_equal(count(4, 7, hash), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 8, hash), CERTIFICATE_NOOP);
    for (uint32_t node = 2; node <= 3; node++) {
        assert_int_equal(count(node, 7, hash), CERTIFICATE_COUNTED);
        assert_int_equal(count(node, 8, hash), CERTIFICATE_COUNTED);
    }
    assert_int_equal(count(4, 8, hash), CERTIFICATE_MADE);
    assert_null(certificate_fault(&certificate, chain_id, &new));
    assert_non_null(certificate_fault(&certificate, chain_id, &old));

    /* Block 7 hands over to the new set: the old one signs that, even when 8 was faster. */
    assert_int_equal(count(1, 7, hash), CERTIFICATE_MADE);
    assert_int_equal(certificate.height, 7);
    assert_null(certificate_fault(&certificate, chain_id, &old));
    assert_int_equal(tally.certified_height, 8);
}

/* Two signatures of one node on two hashes of one height are kept, whichever comes first and however
 * late: also when nobody needs the vote any more. */
TEST(certificate, a_node_that_signs_twice_is_caught)
{
    four_nodes();
    seal_to(9);
    const hash_t other = hash_of("other", 5);
    for (uint32_t node = 1; node <= 3; node++)
        (void)!count(node, 9, hash);
    assert_int_equal(count(4, 9, other), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 9, hash), CERTIFICATE_TWICE);
    assert_int_equal(count(2, 9, other), CERTIFICATE_TWICE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tally.twice[i].node, 2);
        assert_true(certificate_vote_valid(&tally.twice[i], chain_id, &set));
    }
    assert_memory_equal(tally.twice[0].header_hash, hash.bytes, HASH_BYTES);
    assert_memory_equal(tally.twice[1].header_hash, other.bytes, HASH_BYTES);

    struct vote_command forged = vote_of(1, 9, other); /* what was not signed proves nothing */
    forged.signature[3] ^= 1;
    assert_int_equal(certificate_tally_add(&tally, &forged, &certificate), CERTIFICATE_NOOP);
}

/* Of four, two and two for two hashes leave nothing to wait for; two and one do. */
TEST(certificate, is_stuck_when_no_hash_can_get_a_quorum)
{
    four_nodes();
    seal_to(8);
    const hash_t other = hash_of("other", 5);
    assert_false(certificate_tally_stuck(&tally, 7));
    (void)!count(1, 7, hash);
    (void)!count(2, 7, hash);
    (void)!count(3, 7, other);
    assert_false(certificate_tally_stuck(&tally, 7));
    (void)!count(4, 7, other);
    assert_true(certificate_tally_stuck(&tally, 7));
    for (uint32_t node = 1; node <= 3; node++)
        (void)!count(node, 8, hash);
    assert_false(certificate_tally_stuck(&tally, 7)); /* block 8 certifies it as well */
}

/* What nodes signed in an epoch that is over makes no certificates any more. */
TEST(certificate, votes_of_an_epoch_that_is_over_are_nothing)
{
    four_nodes();
    seal_to(7);
    (void)!count(1, 7, hash);
    certificate_tally_end_epoch(&tally, 1);
    assert_int_equal(count(2, 7, hash), CERTIFICATE_NOOP);
    struct vote_command vote;
    certificate_sign(secrets[1], chain_id, 1, 7, hash, 2, &vote);
    assert_int_equal(certificate_tally_add(&tally, &vote, &certificate), CERTIFICATE_NOOP);
    certificate_tally_open(&tally, 8, 1, &set, false);
    certificate_sign(secrets[1], chain_id, 1, 8, hash, 2, &vote);
    assert_int_equal(certificate_tally_add(&tally, &vote, &certificate), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 8, hash), CERTIFICATE_NOOP); /* epoch 0 */
}

/* A node that began above a certified block asks nobody for it again. */
TEST(certificate, begins_above_what_is_certified)
{
    four_nodes();
    certificate_tally_begin(&tally, chain_id, 0, 7);
    seal_to(8);
    for (uint32_t node = 1; node <= 4; node++)
        assert_int_equal(count(node, 7, hash), CERTIFICATE_COUNTED);
    (void)!count(1, 8, hash);
    (void)!count(2, 8, hash);
    assert_int_equal(count(3, 8, hash), CERTIFICATE_MADE);
}

TEST(certificate, comes_back_from_its_bytes)
{
    four_nodes();
    seal_to(7);
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
    seal_to(7);
    for (uint32_t node = 1; node <= 3; node++)
        (void)!count(node, 7, hash);
    struct certificate wrong = certificate;
    wrong.vote_count = 2;
    assert_non_null(certificate_fault(&wrong, chain_id, &set));
    wrong = certificate;
    wrong.votes[1] = wrong.votes[0];
    assert_non_null(certificate_fault(&wrong, chain_id, &set));
}
