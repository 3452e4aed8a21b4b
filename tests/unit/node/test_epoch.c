/* The tools on folders of stopped nodes: what they refuse, what they leave behind, and how two logs that contradict each
 * other become one again. */

#include "node/epoch.h"

#include "ledger/epoch.h"
#include "ledger/sign_once.h"
#include "tests/harness.h"
#include "tests/unit/node/epoch_folders.h"

static int report(int number)
{
    char *argv[] = {"epoch", "report",          "--config", path_of(number, "quorex.conf"),
                    "--out", report_of(number), NULL};
    return epoch_main(6, argv);
}

static int decide(int on, int first, int count)
{
    char *argv[16] = {"epoch", "decide",  "--config", path_of(on, "quorex.conf"),
                      "--out", decision()};
    for (int i = 0; i < count; i++)
        argv[6 + i] = report_of(first + i);
    return epoch_main(6 + count, argv);
}

static int apply(int number)
{
    char *argv[] = {"epoch",      "apply",    "--config", path_of(number, "quorex.conf"),
                    "--decision", decision(), NULL};
    return epoch_main(6, argv);
}

/* The log's end, the chain's, and whether a change of the epoch lies ready that the node's own judgement passes. */
static void check_node(int number, uint64_t log_index, uint64_t tip)
{
    static struct epoch_state state;
    char *bytes;
    size_t byte_count;
    struct command command;
    state_open(number, &state);
    assert_int_equal(state.log_index, log_index);
    assert_true(state.log_commit <= log_index && state.log_commit + 1 >= log_index);
    assert_int_equal(state.tip, tip);
    assert_int_equal(file_read(path_of(number, "epoch-change"), &bytes, &byte_count), STATUS_OK);
    assert_true(command_decode((const uint8_t *)bytes, byte_count, &command));
    assert_null(epoch_change_fault(&command, state.chain_id, &state.voters));
    free(bytes);
    epoch_state_close(&state);
}

/* Logs that only differ in length stay as they are; a report closes the epoch in the node's file, and says the same when
 * it is asked again; without a quorum nothing is decided. */
TEST(epoch, agreeing_logs_are_left_alone)
{
    struct sign_once once;
    four_folders();
    for (int i = 0; i < 3; i++) {
        log_make(i, i == 1 ? "abcdef" : "abcd");
        chain_make(i, "abcd");
        assert_int_equal(report(i), 0);
    }
    assert_int_equal(sign_once_open(&once, path_of(1, "sign-once")), STATUS_OK);
    assert_true(once.last.closed && once.last.epoch == 0 && once.last.height == 0);
    sign_once_close(&once);
    assert_int_equal(decide(0, 0, 2), 1);
    assert_false(file_exists(decision()));
    assert_int_equal(decide(0, 0, 3), 0);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(apply(i), 0);
    check_node(0, 4, 4);
    check_node(1, 6, 4);
    check_node(3, 0, 0);
    assert_false(file_exists(path_of(1, "quarantine")));
    remove_folders();
}

/* The statement's file is asked before the statement is made: without it there is none; and when the statement cannot
 * be written, the epoch is closed all the same. */
TEST(epoch, the_file_comes_before_the_statement)
{
    struct sign_once once;
    four_folders();
    char *nowhere[] = {"epoch", "report",          "--config", path_of(2, "quorex.conf"),
                       "--out", "/no/such/folder", NULL};
    assert_int_equal(epoch_main(6, nowhere), 1);
    assert_int_equal(sign_once_open(&once, path_of(2, "sign-once")), STATUS_OK);
    assert_true(once.last.closed);
    sign_once_close(&once);
    assert_int_equal(unlink(path_of(2, "sign-once")), 0);
    assert_int_equal(report(2), 1);
    assert_false(file_exists(report_of(2)));
    remove_folders();
}

/* Two logs that contradict each other: all are cut behind what a quorum has alike, chain and log; what was cut is
 * kept aside; a node that has less is left alone. */
TEST(epoch, contradicting_logs_are_cut)
{
    four_folders();
    for (int i = 0; i < 3; i++) {
        log_make(i, i == 2 ? "abcdxyz" : "abcdef");
        chain_make(i, i == 2 ? "abcdxy" : "abcdef");
        assert_int_equal(report(i), 0);
    }
    log_make(3, "abc");
    chain_make(3, "abc");
    assert_int_equal(decide(2, 0, 3), 0);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(apply(i), 0);
    check_node(0, 4, 4);
    check_node(1, 4, 4);
    check_node(2, 4, 4);
    check_node(3, 3, 3);
    static struct epoch_state now;
    hash_t hash = {{0}};
    for (int i = 0; i < 3; i++) {
        state_open(i, &now);
        assert_int_equal(now.log_term, 1);
        if (i > 0) assert_true(hash_equal(hash, now.log_hash));
        hash = now.log_hash;
        epoch_state_close(&now);
        assert_true(file_exists(path_of(i, "quarantine/wal.cut.1/vote")));
        assert_true(file_exists(path_of(i, "quarantine/chain.cut.1/index")));
        assert_false(file_exists(path_of(i, "wal.cut")));
        assert_int_equal(apply(i), 0); /* once more: nothing is left to be cut */
        assert_false(file_exists(path_of(i, "quarantine/wal.cut.2")));
    }
    assert_false(file_exists(path_of(3, "quarantine")));
    remove_folders();
}
