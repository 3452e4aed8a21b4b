/* The tools on folders of stopped nodes: what they refuse, what they leave behind, and how two logs that contradict each
 * other become one again. */

#include "node/epoch.h"

#include "common/batch.h"
#include "common/log.h"
#include "ledger/epoch.h"
#include "ledger/sign_once.h"
#include "ledger/wal.h"
#include "node/epoch_state.h"
#include "node/init.h"
#include "tests/harness.h"

#include <ftw.h>
#include <unistd.h>

#define NODES 4

static char folder[64];

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static char *path_of(int number, const char *name)
{
    static char paths[16][256];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof(paths[0]), "%s/node-%d/%s", folder, number, name);
    return path;
}

static char *report_of(int number)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/report-%d", folder, number);
    return path;
}

static char *decision(void)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/decision", folder);
    return path;
}

static void four_folders(void)
{
    memcpy(folder, "/tmp/quorex-epoch-XXXXXX", 25);
    assert_true(hash_start());
    log_set_level((enum log_level)(LOG_ERROR + 1));
    assert_non_null(mkdtemp(folder));
    const struct init_options options = {.directory = folder,
                                         .chain_name = "epoch",
                                         .host = "127.0.0.1",
                                         .database = "",
                                         .nodes = NODES,
                                         .checkpoint_blocks = 100,
                                         .port = 21090};
    assert_int_equal(init_chain(&options), STATUS_OK);
}

static void remove_folders(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void load(int number, struct config *config)
{
    struct config_error error;
    char *arguments[] = {"--config", path_of(number, "quorex.conf")};
    assert_true(config_load(config, 2, arguments, environ, &error));
}

static void state_open(int number, struct epoch_state *state)
{
    static struct config config;
    load(number, &config);
    assert_int_equal(epoch_state_open(state, &config), STATUS_OK);
}

/* One entry for each letter, two commands in each, the letter telling entries apart; all committed. */
static void log_make(int number, const char *letters)
{
    static struct epoch_state state;
    struct wal *wal;
    struct wal_damage damage;
    state_open(number, &state);
    struct wal_disk *disk = wal_disk_directory(state.files.wal);
    const struct wal_options options = {
        .disk = disk, .chain_id = state.chain_id, .node = state.files.id};
    assert_int_equal(wal_open(&options, &wal, &damage), STATUS_OK);
    assert_int_equal(wal_set_vote(wal, 1, 1), STATUS_OK);
    for (uint64_t i = 1; letters[i - 1] != '\0'; i++) {
        uint8_t batch[BATCH_HEADER_BYTES + 1];
        batch_header_put(batch, &(struct batch_header){2, i});
        batch[BATCH_HEADER_BYTES] = (uint8_t)letters[i - 1];
        const struct wal_entry entry = {
            .index = i, .term = 1, .type = WAL_COMMANDS, .length = sizeof(batch), .bytes = batch};
        assert_int_equal(wal_append(wal, &entry, 1, i), STATUS_OK);
    }
    wal_close(wal);
    wal_disk_free(disk);
    epoch_state_close(&state);
}

/* A block for each letter, each with two commands more. */
static void chain_make(int number, const char *letters)
{
    static struct epoch_state state;
    struct chain *chain;
    state_open(number, &state);
    assert_int_equal(chain_open(state.files.chain, &chain), STATUS_OK);
    for (uint64_t i = 1; letters[i - 1] != '\0'; i++) {
        uint8_t bytes[BLOCK_HEADER_BYTES];
        const hash_t voters = validator_set_hash(&state.voters);
        const struct block_header header = {
            .version = BLOCK_HEADER_VERSION,
            .height = i,
            .first_command = 2 * i - 1,
            .last_command = 2 * i,
            .chain_id = state.chain_id,
            .state_root = hash_of(&letters[i - 1], 1),
            .validators_hash = voters,
            .next_validators_hash = voters,
        };
        block_header_encode(&header, bytes);
        assert_int_equal(chain_append_block(chain, bytes, NULL, 0), STATUS_OK);
    }
    chain_close(chain);
    epoch_state_close(&state);
}

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
