#include "node/verify_execute.h"

#include "tests/unit/node/audited.h"

/* The forger changes one after-balance and makes every hash, link, vote and certificate anew. */
TEST(verify_execute, altered_balance_with_everything_made_anew_is_refused)
{
    story_tell(&story, 0);
    uint8_t *balance = story_event(&story, 4, T_BALANCE, 1);
    le_put_i64(balance, le_get_i64(balance) + 1);
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(4, "conservation: what is owed is not what came in: asset");
    assert_non_null(strstr(result.fault.reason, "by 1 units"));
    assert_true(result.fault.command > 0);
    assert_int_equal(result.height, 3);
    audited_end();
}

/* He makes no money: what is held becomes available. Only who executes the block finds out. */
TEST(verify_execute, altered_hold_is_refused_by_execution)
{
    story_tell(&story, 0);
    uint8_t *balance = story_event(&story, 4, T_BALANCE, 0);
    assert_true(le_get_i64(balance + 8) > 0);
    le_put_i64(balance, le_get_i64(balance) + 1);
    le_put_i64(balance + 8, le_get_i64(balance + 8) - 1);
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(4, "BALANCE");
    assert_int_equal(result.height, 3);
    audited_end();
}

/* He leaves the events alone and certifies an account tree with another balance in it. */
TEST(verify_execute, altered_state_root_is_refused)
{
    story_tell(&story, 0);
    story.blocks[2].header.state_root.bytes[17] ^= 1;
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(3, "state_root");
    audited_end();
}

TEST(verify_execute, altered_totals_and_parameters_are_refused)
{
    story_tell(&story, 0);
    story.blocks[4].header.totals_root.bytes[0] ^= 1;
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(5, "totals_root");
    chain_folder_remove(&audited_folder);
    story_end(&story);

    story_tell(&story, 0);
    story.blocks[5].header.params_hash.bytes[0] ^= 1;
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(6, "params_hash");
    audited_end();
}

/* He credits himself one unit more than the operator signed, and lets the real engine go on from there:
 * command, events and all later balances agree with one another, and with no signature. */
TEST(verify_execute, altered_credit_with_everything_made_anew_is_refused)
{
    story_tell(&story, 1);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(1, "settlement differs");
    audited_end();
}

/* A fill at a better price for one side. */
TEST(verify_execute, altered_fill_is_refused)
{
    story_tell(&story, 0);
    uint8_t *fill = story_event(&story, 2, T_FILL, 0);
    le_put_i64(fill + 32, le_get_i64(fill + 32) - 1);
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(2, "conservation: what is owed is not what came in"); /* the fee is another */
    chain_folder_remove(&audited_folder);
    story_end(&story);

    story_tell(&story, 0);
    fill = story_event(&story, 2, T_FILL, 0);
    le_put_u64(fill, le_get_u64(fill) + 1); /* its trade id: no money hangs on it */
    story_seal(&story);
    assert_int_equal(audited(), STATUS_MISMATCH);
    audited_wrong(2, "FILL");
    audited_end();
}
