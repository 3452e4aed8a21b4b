#include "ledger/root_vote.h"

#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder;
static struct certificate_tally tally;
static struct certificate certificate;

static const enum certificate_statement statements[] = {CERTIFICATE_OF_CHECKPOINT,
                                                        CERTIFICATE_OF_LIABILITIES};

static struct vote_command vote_of(enum certificate_statement statement, uint32_t node,
                                   uint64_t epoch, uint64_t height, hash_t root)
{
    struct vote_command vote;
    certificate_statement_sign(statement, folder.secrets[node - 1], folder.chain_id, epoch, height,
                               root, node, &vote);
    return vote;
}

static enum certificate_count count(uint32_t node, uint64_t epoch, uint64_t height, hash_t root)
{
    const struct vote_command vote = vote_of(tally.statement, node, epoch, height, root);
    return certificate_tally_add(&tally, &vote, &certificate);
}

/* The first q votes for one root, of a height whose ballot is open, in this epoch. */
TEST(root_vote, q_of_them_are_a_certificate)
{
    const hash_t root = hash_of("root", 4), other = hash_of("other", 5);
    checkpoints_keys(&folder);
    for (int i = 0; i < 2; i++) {
        root_vote_tally_begin(&tally, statements[i], folder.chain_id, 0, 0, 10);
        certificate_tally_open(&tally, 40, 0, &folder.set, false);
        assert_int_equal(count(1, 0, 40, root), CERTIFICATE_COUNTED);
        assert_int_equal(count(1, 0, 40, root), CERTIFICATE_NOOP);
        assert_int_equal(count(1, 0, 40, other), CERTIFICATE_TWICE);
        assert_int_equal(count(2, 0, 40, other), CERTIFICATE_COUNTED);
        assert_int_equal(count(3, 0, 30, root), CERTIFICATE_NOOP); /* not due */
        assert_int_equal(count(3, 0, 45, root), CERTIFICATE_NOOP); /* never */
        assert_int_equal(count(3, 1, 40, root), CERTIFICATE_NOOP); /* another epoch's */
        assert_int_equal(count(3, 0, 40, root), CERTIFICATE_COUNTED);
        assert_int_equal(count(4, 0, 40, root), CERTIFICATE_MADE);
        assert_int_equal(certificate.height, 40);
        assert_int_equal(certificate.vote_count, 3);
        assert_true(hash_equal(certificate.header_hash, root));
        const hash_t chain_id = folder.chain_id;
        assert_null(
            certificate_statement_fault(statements[i], &certificate, chain_id, &folder.set));
        assert_non_null(
            certificate_statement_fault(statements[i], &certificate, root, &folder.set));
        certificate.votes[1].signature[7] ^= 1;
        assert_non_null(
            certificate_statement_fault(statements[i], &certificate, chain_id, &folder.set));
    }
}

/* Votes come long after the SEAL, when the next checkpoints' heights have come: each has its place. */
TEST(root_vote, several_heights_are_counted_side_by_side)
{
    const hash_t root = hash_of("root", 4);
    checkpoints_keys(&folder);
    root_vote_tally_begin(&tally, CERTIFICATE_OF_CHECKPOINT, folder.chain_id, 0, 0,
                          CERTIFICATE_WINDOW);
    for (uint64_t i = 1; i <= 3; i++)
        certificate_tally_open(&tally, i * CERTIFICATE_WINDOW, 0, &folder.set, false);
    for (uint32_t node = 1; node <= 2; node++)
        for (uint64_t i = 1; i <= 3; i++)
            assert_int_equal(count(node, 0, i * CERTIFICATE_WINDOW, root), CERTIFICATE_COUNTED);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(count(3, 0, i * CERTIFICATE_WINDOW, root), CERTIFICATE_MADE);
}

/* One that comes when a higher root is certified counts, and nobody needs it any more. */
TEST(root_vote, lower_heights_need_no_certificate_any_more)
{
    const hash_t root = hash_of("root", 4);
    checkpoints_keys(&folder);
    root_vote_tally_begin(&tally, CERTIFICATE_OF_CHECKPOINT, folder.chain_id, 0, 0, 10);
    certificate_tally_open(&tally, 30, 0, &folder.set, false);
    certificate_tally_open(&tally, 40, 0, &folder.set, false);
    for (uint32_t node = 1; node <= 3; node++)
        assert_int_equal(count(node, 0, 40, root),
                         node == 3 ? CERTIFICATE_MADE : CERTIFICATE_COUNTED);
    for (uint32_t node = 1; node <= 4; node++)
        assert_int_equal(count(node, 0, 30, root), CERTIFICATE_COUNTED);
}

/* What is signed of one thing says nothing of another: a block, a checkpoint, its liabilities. */
TEST(root_vote, is_no_other_statement)
{
    static const enum certificate_statement all[] = {
        CERTIFICATE_OF_BLOCK, CERTIFICATE_OF_CHECKPOINT, CERTIFICATE_OF_LIABILITIES};
    checkpoints_keys(&folder);
    for (int said = 0; said < 3; said++)
        for (int read = 0; read < 3; read++) {
            const struct vote_command vote = vote_of(all[said], 1, 0, 40, hash_of("root", 4));
            assert_int_equal(
                certificate_statement_valid(all[read], &vote, folder.chain_id, &folder.set),
                said == read);
        }
}

/* The bytes under the signature, once and for all: verifiers elsewhere make them too. */
TEST(root_vote, signs_its_own_tag)
{
    uint8_t message[BLOCK_VOTE_BYTES], block[BLOCK_VOTE_BYTES];
    const hash_t chain_id = hash_of("chain", 5), root = hash_of("root", 4);
    const char *const tags[] = {"quorex/chkpt/1\0", "quorex/liabs/1\0"};
    block_vote_message(chain_id, 2, 40, root, block);
    for (int i = 0; i < 2; i++) {
        certificate_statement_message(statements[i], chain_id, 2, 40, root, message);
        assert_memory_equal(message, tags[i], 16);
        assert_memory_equal(message + 16, block + 16, BLOCK_VOTE_BYTES - 16);
    }
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_LIABILITIES), "liabilities");
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_CHECKPOINT), "checkpoint");
    assert_string_equal(certificate_statement_name(CERTIFICATE_OF_BLOCK), "block");
}

/* Each in a command of its own, whose payload is what messages.def says of it, to the byte. */
TEST(root_vote, comes_back_from_its_command)
{
    uint8_t bytes[ROOT_VOTE_BYTES], payload[VOTE_BYTES];
    struct command command;
    struct vote_command back;
    uint8_t fields[VOTE_BYTES], fields_back[VOTE_BYTES];
    checkpoints_keys(&folder);
    for (int i = 0; i < 2; i++) {
        const struct vote_command vote = vote_of(statements[i], 2, 5, 40, hash_of("root", 4));
        root_vote_put(bytes, statements[i], &vote);
        assert_true(command_decode(bytes, sizeof(bytes), &command));
        assert_int_equal(command.header.type, i == 0 ? T_CHECKPOINT_VOTE : T_LIABILITIES_VOTE);
        assert_int_equal(command.header.type, root_vote_type(statements[i]));
        assert_int_equal(command.header.auth_kind, AUTH_NONE);
        struct checkpoint_vote_command of_checkpoint = {.height = 40, .epoch = 5, .node = 2};
        struct liabilities_vote_command of_liabilities = {.height = 40, .epoch = 5, .node = 2};
        const hash_t root = root_vote_root(&vote);
        memcpy(of_checkpoint.root, root.bytes, HASH_BYTES);
        memcpy(of_liabilities.root, root.bytes, HASH_BYTES);
        memcpy(of_checkpoint.signature, vote.signature, SIGNATURE_BYTES);
        memcpy(of_liabilities.signature, vote.signature, SIGNATURE_BYTES);
        if (i == 0)
            checkpoint_vote_command_put(payload, &of_checkpoint);
        else
            liabilities_vote_command_put(payload, &of_liabilities);
        assert_memory_equal(command.payload, payload, VOTE_BYTES);
        root_vote_get(&command, &back);
        vote_command_put(fields, &vote);
        vote_command_put(fields_back, &back); /* the structures have padding */
        assert_memory_equal(fields_back, fields, VOTE_BYTES);
    }
}
