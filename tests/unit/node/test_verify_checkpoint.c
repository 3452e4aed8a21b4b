#include "node/verify_checkpoint.h"

#include "tests/unit/node/shortened.h"

/* From the first body on everything is executed, over the state that the checkpoint has; what is below is looked at. */
TEST(verify_checkpoint, pruned_chain_is_executed_from_its_checkpoint)
{
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    shortened_part(1, SHORTENED_CHECKPOINT + 1, 0);
    assert_int_equal(result.certificate_count, SHORTENED_CHECKPOINT);
    assert_int_equal(result.checkpoint_height, SHORTENED_CHECKPOINT);
    assert_int_equal(result.signer_count, 1);
    assert_int_equal(result.voter_count, 1);
    assert_int_equal(result.quorum, 1);
    assert_int_equal(result.checkpoint_word, VOTERS_GENESIS);
    assert_true(result.command_count > 0 && result.fill_count > 0);
    shortened_end();
}

/* Bodies below the lowest checkpoint are looked at as far as bytes go; the newest is not taken where a lower one does. */
TEST(verify_checkpoint, lowest_checkpoint_of_use_is_taken)
{
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT - 3);
    shortened_part(1, SHORTENED_CHECKPOINT + 1, 4);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    shortened_write_pruned(SHORTENED_CHECKPOINT + 2);
    shortened_part(1, SHORTENED_CHECKPOINT + 4, 2);
    assert_int_equal(result.checkpoint_height, SHORTENED_CHECKPOINT + 3);
    shortened_end();
}

TEST(verify_checkpoint, joined_chain_is_executed_from_its_beginning)
{
    shortened_begin();
    shortened_write_joined(SHORTENED_CHECKPOINT);
    shortened_part(SHORTENED_CHECKPOINT, SHORTENED_CHECKPOINT + 1, 0);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    shortened_write_joined(SHORTENED_CHECKPOINT - 3); /* its first checkpoint has gone since */
    shortened_part(SHORTENED_CHECKPOINT - 3, SHORTENED_CHECKPOINT + 1, 3);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    shortened_write_pruned(1);
    shortened_part(1, 1, 0); /* all bodies are here: the genesis alone is needed */
    assert_int_equal(result.checkpoint_height, 0);
    shortened_end();
}

/* All bodies are here, and the auditor asks for a checkpoint: below it money is counted, above it everything executed. */
TEST(verify_checkpoint, checkpoint_that_is_asked_for_is_where_it_begins)
{
    shortened_begin();
    shortened_write_pruned(1);
    options.from_checkpoint = 1;
    shortened_part(1, SHORTENED_CHECKPOINT + 1, SHORTENED_CHECKPOINT);
    assert_int_equal(result.conserved_height, SHORTENED_CHECKPOINT);
    assert_int_equal(result.checkpoint_height, SHORTENED_CHECKPOINT);
    const uint64_t commands = result.command_count;
    options.from_checkpoint = SHORTENED_CHECKPOINT + 1;
    shortened_part(1, SHORTENED_CHECKPOINT + 4, SHORTENED_CHECKPOINT + 3);
    assert_int_equal(result.conserved_height, SHORTENED_CHECKPOINT + 3);
    assert_true(result.command_count < commands);
    options.from_checkpoint = SHORTENED_TIP + 1;
    assert_int_equal(shortened_audit(), STATUS_NOT_FOUND);
    assert_non_null(strstr(result.fault.reason, "no checkpoint at or above block"));
    shortened_end();
}

/* Above the checkpoint the forger makes header and certificate anew: execution finds him. */
TEST(verify_checkpoint, altered_state_above_the_checkpoint_is_refused)
{
    struct block_header header;
    shortened_begin();
    assert_true(block_header_decode(blocks[SHORTENED_TIP].header, &header));
    header.state_root.bytes[0] ^= 1;
    block_header_encode(&header, blocks[SHORTENED_TIP].header);
    shortened_certify(&blocks[SHORTENED_TIP], SHORTENED_TIP);
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    shortened_wrong(SHORTENED_TIP, "state_root");
    assert_int_equal(result.height, SHORTENED_TIP - 1);
    shortened_end();
}

static void rot(const char *name, off_t offset)
{
    char path[256];
    uint8_t byte;
    snprintf(path, sizeof(path), "%s/%d/%s", shop.checkpoints, SHORTENED_CHECKPOINT, name);
    const int file = open(path, O_RDWR);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

/* Rotten in whatever file: named, and left as it is, for an auditor changes nothing. */
TEST(verify_checkpoint, rotten_checkpoint_is_named_and_left)
{
    static const struct {
        const char *name;
        off_t offset;
    } places[] = {{"00000.chunk", 50},
                  {"manifest", 20},
                  {"manifest", 300},
                  {"certificate", 20},
                  {"certificate", CERTIFICATE_HEADER_BYTES + 10}};
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        rot(places[i].name, places[i].offset);
        shortened_wrong(SHORTENED_CHECKPOINT, "its checkpoint");
        rot(places[i].name, places[i].offset);
        shortened_part(1, SHORTENED_CHECKPOINT + 1, 0);
    }
    shortened_end();
}

/* One of another history, whole and signed by the right voter: the chain does not have its header. */
TEST(verify_checkpoint, checkpoint_of_another_history_is_refused)
{
    static struct workshop other;
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    static struct genesis genesis;
    genesis = shop.journal.genesis;
    options.genesis = &genesis;
    workshop_end(&shop);
    workshop_begin(&other);
    workshop_start(&other);
    workshop_trade_to(&other, 2);
    journal_trade(&other.journal, 4000000);
    struct vote_command vote;
    assert_true(workshop_vote(&other, &vote));
    workshop_certify(&other, WORKSHOP_EVERY, root_vote_root(&vote));
    workshop_await_certified(&other, WORKSHOP_EVERY);
    workshop_ready(&other);
    for (uint64_t at = 2 * WORKSHOP_EVERY; at <= SHORTENED_CHECKPOINT; at += WORKSHOP_EVERY)
        workshop_checkpoint(&other, at);
    options.checkpoints = other.checkpoints;
    shortened_wrong(SHORTENED_CHECKPOINT, "another header");
    workshop_end(&other);
    chain_folder_remove(&folder);
}

/* Signed, but by nobody who votes. */
TEST(verify_checkpoint, checkpoint_signed_by_a_stranger_is_refused)
{
    char path[256];
    uint8_t bytes[CERTIFICATE_BYTES_MAX], seed[32] = "nobody", secret[SECRET_KEY_BYTES], key[32];
    static struct certificate certificate;
    struct vote_command vote;
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    snprintf(path, sizeof(path), "%s/%d/certificate", shop.checkpoints, SHORTENED_CHECKPOINT);
    const int file = open(path, O_RDWR);
    const ssize_t count = read(file, bytes, sizeof(bytes));
    assert_true(certificate_decode(bytes, (size_t)count, &certificate));
    crypto_sign_seed_keypair(key, secret, seed);
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, secret,
                               genesis_chain_id(&shop.journal.genesis), 0, SHORTENED_CHECKPOINT,
                               certificate.header_hash, 1, &vote);
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    assert_int_equal(pwrite(file, bytes, certificate_encode(&certificate, bytes), 0), count);
    close(file);
    shortened_wrong(SHORTENED_CHECKPOINT, "certificate is not valid");
    shortened_end();
}

/* With another tree secret the state is not the one that the header names. */
TEST(verify_checkpoint, other_tree_secret_is_not_right)
{
    static const uint8_t other[32] = "not the secret";
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    options.tree_secret = other;
    shortened_wrong(SHORTENED_CHECKPOINT, "state is not that of the block");
    shortened_end();
}
