#include "node/verify.h"

#include "tests/unit/node/audited.h"

TEST(verify, honest_chain_is_right)
{
    story_tell(&story, 0);
    assert_int_equal(audited(), STATUS_OK);
    assert_int_equal(result.height, 6);
    assert_int_equal(result.certified_height, 6);
    assert_int_equal(result.command_count, story.journal.number);
    assert_true(result.fill_count >= 5);
    assert_int_equal(result.fault.height, 0);
    audited_end();
}

/* The last blocks wait for their certificate: said, and no fault. So is a gap that a later certificate
 * covers. */
TEST(verify, uncertified_end_is_said_and_right)
{
    story_tell(&story, 0);
    assert_int_equal(audited_certified(0x9), STATUS_OK);
    assert_int_equal(result.height, 6);
    assert_int_equal(result.certified_height, 4);
    audited_end();
}

/* A validator's key that signed another header. */
TEST(verify, certificate_for_another_header_is_refused)
{
    story_tell(&story, 0);
    story.blocks[3].hash.bytes[0] ^= 1; /* what is signed and named, not what links */
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(4, "certificate");
    audited_end();
}

TEST(verify, certificate_by_another_key_is_refused)
{
    story_tell(&story, 0);
    uint8_t seed[32] = "not a validator", public_key[32];
    crypto_sign_seed_keypair(public_key, story.journal.node_secret, seed);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(1, "certificate");
    audited_end();
}

/* A chain of other operators or validators is another chain. */
TEST(verify, chain_of_another_genesis_is_refused)
{
    story_tell(&story, 0);
    story.journal.genesis.nonce[31] ^= 1;
    chain_folder_make(&audited_folder);
    story_write(&story, audited_folder.path, 0);
    assert_int_equal(
        verify_chain(audited_folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_MISMATCH);
    audited_wrong(1, "chain_id");
    audited_end();
}

/* The salts are the tree secret's: with another one no leaf is the same. */
TEST(verify, other_tree_secret_is_not_right)
{
    static const uint8_t other[32] = "not the secret";
    story_tell(&story, 0);
    chain_folder_make(&audited_folder);
    story_write(&story, audited_folder.path, UINT32_MAX);
    assert_int_equal(verify_chain(audited_folder.path, &story.journal.genesis, other, &result),
                     STATUS_MISMATCH);
    audited_wrong(1, "state_root");
    audited_end();
}

/* A byte changed in a file, without anything made anew, is named with file and offset. */
TEST(verify, changed_byte_is_named_with_its_file)
{
    story_tell(&story, 0);
    assert_int_equal(audited(), STATUS_OK);
    const off_t bytes = chain_folder_bytes(&audited_folder, "00000001.segment");
    for (off_t offset = 0; offset < bytes; offset += 97) {
        chain_folder_flip(&audited_folder, "00000001.segment", offset, 1);
        assert_int_equal(
            verify_chain(audited_folder.path, &story.journal.genesis, journal_tree_secret, &result),
            STATUS_DAMAGED);
        assert_non_null(strstr(result.fault.reason, "00000001.segment, byte "));
        assert_true(result.fault.height > 0);
        chain_folder_flip(&audited_folder, "00000001.segment", offset, 1);
    }
    chain_folder_flip(&audited_folder, "index", 70, 1);
    assert_int_equal(
        verify_chain(audited_folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_DAMAGED);
    audited_wrong(1, "index, byte 64");
    audited_end();
}

/* A shorter history is a right one: what is missing at the end cannot be known from the chain alone. */
TEST(verify, empty_chain_is_right)
{
    story_tell(&story, 0);
    story.height = 0;
    assert_int_equal(audited(), STATUS_OK);
    assert_int_equal(result.height, 0);
    audited_end();
}
