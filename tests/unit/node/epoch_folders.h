/* Folders of four stopped nodes, with logs and chains that a test writes in letters. */

#ifndef TESTS_NODE_EPOCH_FOLDERS_H
#define TESTS_NODE_EPOCH_FOLDERS_H

#include "common/batch.h"
#include "common/log.h"
#include "ledger/wal.h"
#include "node/epoch_state.h"
#include "node/init.h"
#include "tests/harness.h"

#include <ftw.h>
#include <unistd.h>

#define NODES 4

static char folder[64];

static inline int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline char *path_of(int number, const char *name)
{
    static char paths[16][256];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof(paths[0]), "%s/node-%d/%s", folder, number, name);
    return path;
}

static inline char *report_of(int number)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/report-%d", folder, number);
    return path;
}

static inline char *decision(void)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/decision", folder);
    return path;
}

static inline void four_folders(void)
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

static inline void remove_folders(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void load(int number, struct config *config)
{
    struct config_error error;
    char *arguments[] = {"--config", path_of(number, "quorex.conf")};
    assert_true(config_load(config, 2, arguments, environ, &error));
}

static inline void state_open(int number, struct epoch_state *state)
{
    static struct config config;
    load(number, &config);
    assert_int_equal(epoch_state_open(state, &config), STATUS_OK);
}

/* One entry for each letter, two commands in each, the letter telling entries apart; all committed. */
static inline void log_make(int number, const char *letters)
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
static inline void chain_make(int number, const char *letters)
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

#endif /* TESTS_NODE_EPOCH_FOLDERS_H */
