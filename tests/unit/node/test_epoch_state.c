/* What is read from a stopped node's files. */

#include "node/epoch_state.h"

#include "tests/harness.h"
#include "tests/unit/node/epoch_folders.h"

/* A mark for every entry, counted in commands; the chain's end; and nobody else may have the folder meanwhile. */
TEST(epoch_state, reads_log_and_chain)
{
    static struct epoch_state one, other;
    static struct config config;
    four_folders();
    log_make(1, "abcd");
    chain_make(1, "abc");
    state_open(1, &one);
    assert_int_equal(one.log_index, 4);
    assert_int_equal(one.mark_count, 4);
    assert_int_equal(one.marks[3].commands, 8);
    assert_true(hash_equal(one.marks[3].hash, one.log_hash));
    assert_int_equal(one.tip, 3);
    assert_int_equal(one.voters.count, NODES);
    assert_int_equal(epoch_state_height_of(&one, 8), 3);
    assert_int_equal(epoch_state_height_of(&one, 5), 2);
    assert_int_equal(epoch_state_height_of(&one, 1), 0);
    load(1, &config);
    assert_int_equal(epoch_state_open(&other, &config), STATUS_EXISTS);
    epoch_state_close(&other);
    epoch_state_close(&one);
    remove_folders();
}
