#include "ledger/liabilities_vote.h"

#include "ledger/checkpoint.h"
#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder;
static struct certificate_tally tally;
static struct certificate certificate;

static enum certificate_count count(uint32_t node, uint64_t epoch, uint64_t height, hash_t root)
{
    struct liabilities_vote_command vote;
    liabilities_vote_sign(folder.secrets[node - 1], folder.chain_id, epoch, height, root, node,
                          &vote);
    return liabilities_vote_tally_add(&tally, &vote, &certificate);
}

/* The first q votes for one root, of a height whose ballot is open, in this epoch. */
TEST(liabilities_vote, q_of_them_are_a_certificate)
{
    checkpoints_keys(&folder);
    liabilities_vote_tally_begin(&tally, folder.chain_id, 0, 0, 10);
    certificate_tally_open(&tally, 40, 0, &folder.set, false);
    const hash_t root = hash_of("root", 4), other = hash_of("other", 5);
    assert_int_equal(count(1, 0, 40, root), CERTIFICATE_COUNTED);
    assert_int_equal(count(1, 0, 40, root), CERTIFICATE_NOOP);
    assert_int_equal(count(1, 0, 40, other), CERTIFICATE_TWICE);
    assert_int_equal(count(2, 0, 40, other), CERTIFICATE_COUNTED);
    assert_int_equal(count(3, 0, 30, root), CERTIFICATE_NOOP); /* not due */
    assert_int_equal(count(3, 1, 40, root), CERTIFICATE_NOOP); /* another epoch's */
    assert_int_equal(count(3, 0, 40, root), CERTIFICATE_COUNTED);
    assert_int_equal(count(4, 0, 40, root), CERTIFICATE_MADE);
    assert_int_equal(certificate.height, 40);
    assert_int_equal(certificate.vote_count, 3);
    assert_true(hash_equal(certificate.header_hash, root));
    assert_null(liabilities_vote_fault(&certificate, folder.chain_id, &folder.set));
    assert_non_null(liabilities_vote_fault(&certificate, root, &folder.set));
    certificate.votes[1].signature[7] ^= 1;
    assert_non_null(liabilities_vote_fault(&certificate, folder.chain_id, &folder.set));
}

/* What is signed of a block or a checkpoint says nothing of liabilities, and the other way round. */
TEST(liabilities_vote, is_no_other_statement)
{
    checkpoints_keys(&folder);
    const hash_t root = hash_of("root", 4);
    struct liabilities_vote_command vote;
    struct checkpoint_vote_command checkpoint;
    struct vote_command block;
    liabilities_vote_sign(folder.secrets[0], folder.chain_id, 0, 40, root, 1, &vote);
    checkpoint_sign(folder.secrets[0], folder.chain_id, 0, 40, root, 1, &checkpoint);
    certificate_sign(folder.secrets[0], folder.chain_id, 0, 40, root, 1, &block);
    assert_true(liabilities_vote_valid(&vote, folder.chain_id, &folder.set));
    const struct checkpoint_vote_command own = checkpoint;
    memcpy(checkpoint.signature, vote.signature, SIGNATURE_BYTES);
    assert_false(checkpoint_vote_valid(&checkpoint, folder.chain_id, &folder.set));
    memcpy(vote.signature, own.signature, SIGNATURE_BYTES);
    assert_false(liabilities_vote_valid(&vote, folder.chain_id, &folder.set));
    memcpy(vote.signature, block.signature, SIGNATURE_BYTES);
    assert_false(liabilities_vote_valid(&vote, folder.chain_id, &folder.set));
}

/* The bytes under the signature, once and for all: verifiers elsewhere make them too. */
TEST(liabilities_vote, signs_its_own_tag)
{
    uint8_t message[BLOCK_VOTE_BYTES], block[BLOCK_VOTE_BYTES];
    const hash_t chain_id = hash_of("chain", 5), root = hash_of("root", 4);
    certificate_statement_message(CERTIFICATE_OF_LIABILITIES, chain_id, 2, 40, root, message);
    block_vote_message(chain_id, 2, 40, root, block);
    assert_memory_equal(message, "quorex/liabs/1\0", 16);
    assert_memory_equal(message + 16, block + 16, BLOCK_VOTE_BYTES - 16);
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_LIABILITIES), "liabilities");
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_CHECKPOINT), "checkpoint");
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_BLOCK), "block");
}
