#include "node/verify.h"

#include "common/log.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct chain_folder folder;
static struct verify_result result;

static enum status audit_certified(uint32_t certified)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    story_write(&story, folder.path, certified);
    return verify_chain(folder.path, &story.journal.genesis, journal_tree_secret, &result);
}

static enum status audit(void)
{
    return audit_certified(UINT32_MAX);
}

static void done(void)
{
    story_end(&story);
    chain_folder_remove(&folder);
}

static void assert_wrong(uint64_t height, const char *reason)
{
    if (result.bad_height != height || strstr(result.reason, reason) == NULL)
        print_error("block %lu: %s\n", result.bad_height, result.reason);
    assert_int_equal(result.bad_height, height);
    assert_non_null(strstr(result.reason, reason));
}

TEST(verify, honest_chain_is_right)
{
    story_tell(&story, 0);
    assert_int_equal(audit(), STATUS_OK);
    assert_int_equal(result.height, 6);
    assert_int_equal(result.certified_height, 6);
    assert_int_equal(result.command_count, story.journal.number);
    assert_true(result.fill_count >= 5);
    assert_int_equal(result.bad_height, 0);
    done();
}

/* The last blocks wait for their certificate: said, and no fault. So is a gap that a later certificate
 * covers. */
TEST(verify, uncertified_end_is_said_and_right)
{
    story_tell(&story, 0);
    assert_int_equal(audit_certified(0x9), STATUS_OK);
    assert_int_equal(result.height, 6);
    assert_int_equal(result.certified_height, 4);
    done();
}

/* The forger changes one after-balance and makes every hash, link, vote and certificate anew. */
TEST(verify, altered_balance_with_everything_made_anew_is_refused)
{
    story_tell(&story, 0);
    uint8_t *balance = story_event(&story, 4, T_BALANCE, 1);
    le_put_i64(balance, le_get_i64(balance) + 1);
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(4, "conservation: what is owed is not what came in: asset");
    assert_non_null(strstr(result.reason, "by 1 units"));
    assert_true(result.bad_command > 0);
    assert_int_equal(result.height, 3);
    done();
}

/* He makes no money: what is held becomes available. Only who executes the block finds out. */
TEST(verify, altered_hold_is_refused_by_execution)
{
    story_tell(&story, 0);
    uint8_t *balance = story_event(&story, 4, T_BALANCE, 0);
    assert_true(le_get_i64(balance + 8) > 0);
    le_put_i64(balance, le_get_i64(balance) + 1);
    le_put_i64(balance + 8, le_get_i64(balance + 8) - 1);
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(4, "BALANCE");
    assert_int_equal(result.height, 3);
    done();
}

/* He leaves the events alone and certifies an account tree with another balance in it. */
TEST(verify, altered_state_root_is_refused)
{
    story_tell(&story, 0);
    story.blocks[2].header.state_root.bytes[17] ^= 1;
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(3, "state_root");
    done();
}

TEST(verify, altered_totals_and_parameters_are_refused)
{
    story_tell(&story, 0);
    story.blocks[4].header.totals_root.bytes[0] ^= 1;
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(5, "totals_root");
    chain_folder_remove(&folder);
    story_end(&story);

    story_tell(&story, 0);
    story.blocks[5].header.params_hash.bytes[0] ^= 1;
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(6, "params_hash");
    done();
}

/* He credits himself one unit more than the operator signed, and lets the real engine go on from there:
 * command, events and all later balances agree with one another, and with no signature. */
TEST(verify, altered_credit_with_everything_made_anew_is_refused)
{
    story_tell(&story, 1);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(1, "settlement differs");
    done();
}

/* A fill at a better price for one side. */
TEST(verify, altered_fill_is_refused)
{
    story_tell(&story, 0);
    uint8_t *fill = story_event(&story, 2, T_FILL, 0);
    le_put_i64(fill + 32, le_get_i64(fill + 32) - 1);
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(2, "conservation: what is owed is not what came in"); /* the fee is another */
    chain_folder_remove(&folder);
    story_end(&story);

    story_tell(&story, 0);
    fill = story_event(&story, 2, T_FILL, 0);
    le_put_u64(fill, le_get_u64(fill) + 1); /* its trade id: no money hangs on it */
    story_seal(&story);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(2, "FILL");
    done();
}

/* A validator's key that signed another header. */
TEST(verify, certificate_for_another_header_is_refused)
{
    story_tell(&story, 0);
    story.blocks[3].hash.bytes[0] ^= 1; /* what is signed and named, not what links */
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(4, "certificate");
    done();
}

TEST(verify, certificate_by_another_key_is_refused)
{
    story_tell(&story, 0);
    uint8_t seed[32] = "not a validator", public_key[32];
    crypto_sign_seed_keypair(public_key, story.journal.node_secret, seed);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_wrong(1, "certificate");
    done();
}

/* A chain of other operators or validators is another chain. */
TEST(verify, chain_of_another_genesis_is_refused)
{
    story_tell(&story, 0);
    story.journal.genesis.nonce[31] ^= 1;
    chain_folder_make(&folder);
    story_write(&story, folder.path, 0);
    assert_int_equal(
        verify_chain(folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_MISMATCH);
    assert_wrong(1, "chain_id");
    done();
}

/* The salts are the tree secret's: with another one no leaf is the same. */
TEST(verify, other_tree_secret_is_not_right)
{
    static const uint8_t other[32] = "not the secret";
    story_tell(&story, 0);
    chain_folder_make(&folder);
    story_write(&story, folder.path, UINT32_MAX);
    assert_int_equal(verify_chain(folder.path, &story.journal.genesis, other, &result),
                     STATUS_MISMATCH);
    assert_wrong(1, "state_root");
    done();
}

/* A byte changed in a file, without anything made anew, is named with file and offset. */
TEST(verify, changed_byte_is_named_with_its_file)
{
    story_tell(&story, 0);
    assert_int_equal(audit(), STATUS_OK);
    const off_t bytes = chain_folder_bytes(&folder, "00000001.segment");
    for (off_t offset = 0; offset < bytes; offset += 97) {
        chain_folder_flip(&folder, "00000001.segment", offset, 1);
        assert_int_equal(
            verify_chain(folder.path, &story.journal.genesis, journal_tree_secret, &result),
            STATUS_DAMAGED);
        assert_non_null(strstr(result.reason, "00000001.segment, byte "));
        assert_true(result.bad_height > 0);
        chain_folder_flip(&folder, "00000001.segment", offset, 1);
    }
    chain_folder_flip(&folder, "index", 70, 1);
    assert_int_equal(
        verify_chain(folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_DAMAGED);
    assert_wrong(1, "index, byte 64");
    done();
}

/* A shorter history is a right one: what is missing at the end cannot be known from the chain alone. */
TEST(verify, empty_chain_is_right)
{
    story_tell(&story, 0);
    story.height = 0;
    assert_int_equal(audit(), STATUS_OK);
    assert_int_equal(result.height, 0);
    done();
}

/* The command's own words and exit status. */
TEST(verify, command_says_how_to_use_it)
{
    char *no_chain[] = {"verify", NULL}, *help[] = {"verify", "--help", NULL};
    char *unknown[] = {"verify", "--chain", "/nonexistent/chain", NULL};
    assert_int_equal(verify_main(1, no_chain), 2);
    assert_int_equal(verify_main(2, help), 0);
    assert_int_equal(verify_main(3, unknown), 2);
    char *from[] = {"verify", "--chain", "/nonexistent/chain", "--from-checkpoint", "last", NULL};
    assert_int_equal(verify_main(5, from), 2);
}
