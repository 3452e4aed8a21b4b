#include "node/node_files.h"

#include "common/log.h"
#include "node/init.h"
#include "node/key_file.h"
#include "tests/harness.h"

#include <ftw.h>
#include <unistd.h>

static char folder[32];
static struct node_files files;
static struct config config;

static void begin(void)
{
    assert_true(hash_start());
    log_set_level(LOG_ERROR + 1);
    memcpy(folder, "/tmp/quorex-files-XXXXXX", 25);
    assert_non_null(mkdtemp(folder));
    const struct init_options options = {.directory = folder,
                                         .chain_name = "files",
                                         .host = "127.0.0.1",
                                         .database = "",
                                         .nodes = 4,
                                         .checkpoint_blocks = 10,
                                         .port = 18080,
                                         .demo = true};
    assert_int_equal(init_chain(&options), STATUS_OK);
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static void end(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static enum status load(uint32_t number, uint32_t id)
{
    config_defaults(&config);
    config.node = id;
    snprintf(config.directory, sizeof(config.directory), "%s/node-%u", folder, number);
    snprintf(config.genesis, sizeof(config.genesis), "%s/node-%u/genesis.json", folder, number);
    return node_files_load(&files, &config);
}

/* Everything that quorex init made is found, and folders that are missing are made. */
TEST(node_files, are_those_of_the_node)
{
    char path[FILE_PATH_MAX];
    uint8_t secret[HASH_BYTES];
    begin();
    snprintf(path, sizeof(path), "%s/node-2/checkpoint", folder);
    rmdir(path);
    assert_int_equal(load(2, 3), STATUS_OK);
    assert_int_equal(files.id, 3);
    assert_true(files.in_genesis);
    assert_int_equal(files.genesis.validators.count, 4);
    assert_memory_equal(key_file_public(files.secret_key),
                        files.genesis.validators.members[2].public_key, PUBLIC_KEY_BYTES);
    assert_true(file_path(path, config.directory, "keys/gateway-secret-1"));
    assert_int_equal(key_file_read(path, secret, sizeof(secret)), STATUS_OK);
    assert_memory_equal(files.gateway_secret, secret, sizeof(secret));
    assert_true(file_path(path, config.directory, "keys/tree-secret-1"));
    assert_int_equal(key_file_read(path, secret, sizeof(secret)), STATUS_OK);
    assert_memory_equal(files.tree_secret, secret, sizeof(secret));
    assert_memory_not_equal(files.gateway_secret, files.tree_secret, sizeof(secret));
    assert_string_equal(strrchr(files.wal, '/'), "/wal");
    assert_string_equal(strrchr(files.sign_once, '/'), "/sign-once");
    assert_int_equal(access(files.wal, F_OK), 0);
    assert_int_equal(access(files.chain, F_OK), 0);
    assert_int_equal(access(files.checkpoint, F_OK), 0);
    assert_true(files.genesis_text_bytes > 100 && files.genesis_text[0] == '{');

    /* Secrets do not outlive it. */
    static const uint8_t zero[SECRET_KEY_BYTES];
    node_files_close(&files);
    assert_memory_equal(files.secret_key, zero, sizeof(files.secret_key));
    assert_memory_equal(files.tree_secret, zero, sizeof(files.tree_secret));
    end();
}

/* A voter does not start with another one's key: it would sign as somebody else. */
TEST(node_files, key_is_the_validators_own)
{
    begin();
    assert_int_equal(load(0, 2), STATUS_MISMATCH);
    node_files_close(&files);
    assert_int_equal(load(0, 1), STATUS_OK);
    node_files_close(&files);
    end();
}

/* Of a member that came later the genesis knows nothing; the log does. */
TEST(node_files, later_member_is_not_of_the_genesis)
{
    begin();
    assert_int_equal(load(0, 5), STATUS_OK);
    assert_false(files.in_genesis);
    assert_int_equal(files.id, 5);
    node_files_close(&files);
    end();
}

TEST(node_files, missing_files_are_failures)
{
    static const char *const names[] = {"keys/node.key", "keys/tree-secret-1",
                                        "keys/gateway-secret-1", "genesis.json"};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        begin();
        assert_int_equal(load(1, 2), STATUS_OK);
        node_files_close(&files);
        assert_true(file_path(path, config.directory, names[i]));
        assert_int_equal(unlink(path), 0);
        assert_int_not_equal(load(1, 2), STATUS_OK);
        node_files_close(&files);
        end();
    }
}
