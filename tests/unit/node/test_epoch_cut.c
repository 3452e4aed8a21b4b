/* Cutting a log and its chain behind an entry. */

#include "node/epoch_cut.h"

#include "tests/harness.h"
#include "tests/unit/node/epoch_folders.h"

/* Log and chain end where they are cut; what was there before is aside, whole; a log is not cut below the checkpoint
 * that the node starts from. */
TEST(epoch_cut, keeps_what_is_below)
{
    static struct epoch_state now;
    four_folders();
    log_make(0, "abcdef");
    chain_make(0, "abcde");
    state_open(0, &now);
    const struct epoch_mark third = now.marks[2];
    now.base_index = 4;
    assert_int_equal(epoch_cut(&now, &third), STATUS_BEHIND);
    now.base_index = 0;
    assert_int_equal(epoch_cut(&now, &third), STATUS_OK);
    epoch_state_close(&now);
    state_open(0, &now);
    assert_int_equal(now.log_index, 3);
    assert_true(hash_equal(now.log_hash, third.hash));
    assert_int_equal(now.tip, 3);
    epoch_state_close(&now);
    assert_true(file_exists(path_of(0, "quarantine/wal.cut.1/vote")));
    assert_true(file_exists(path_of(0, "quarantine/chain.cut.1/index")));
    remove_folders();
}
