#include "node/init.h"

#include "common/config.h"
#include "node/demo.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"
#include "tests/harness.h"

#include <sys/wait.h>
#include <unistd.h>

static char folder[32];
static struct genesis first, second;

static void start(void)
{
    assert_true(hash_start());
    memcpy(folder, "/tmp/quorex-init-XXXXXX", 24);
    assert_non_null(mkdtemp(folder));
}

static void finish(void)
{
    const pid_t child = fork();
    if (child == 0) execlp("rm", "rm", "-rf", folder, (char *)NULL);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static const char *inside(const char *name)
{
    static char path[FILE_PATH_MAX];
    assert_true(file_path(path, folder, name));
    return path;
}

static struct init_options demo_options(void)
{
    return (struct init_options){.directory = folder,
                                 .chain_name = "demo",
                                 .host = "127.0.0.1",
                                 .database = "host=/run/x y=z; #",
                                 .nodes = 1,
                                 .checkpoint_blocks = 77,
                                 .port = 18099,
                                 .demo = true};
}

/* What the demo promises: names, steps and smallest notionals. */
TEST(init, demo_lists_three_markets)
{
    const struct init_options options = demo_options();
    start();
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &first), STATUS_OK);
    const struct params *params = &first.params;
    assert_int_equal(params->asset_count, 3);
    assert_int_equal(params->market_count, 3);
    static const struct {
        const char *symbol;
        int64_t tick, lot, notional;
    } promised[] = {{"BTCUSDT", 1000000, 1000, 500000000},
                    {"ETHUSDT", 1000000, 10000, 500000000},
                    {"ETHBTC", 1000, 100000, 10000}};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(params->markets[i].symbol, promised[i].symbol);
        assert_int_equal(params->markets[i].tick_units, promised[i].tick);
        assert_int_equal(params->markets[i].lot_units, promised[i].lot);
        assert_int_equal(params->markets[i].notional_min.units, promised[i].notional);
    }
    assert_int_equal(params->checkpoint_blocks, 77);
    assert_int_equal(params->tiers[0].maker_ppm, 1000);
    assert_int_equal(params->tiers[0].taker_ppm, 1000);
    assert_memory_equal(first.nonce, "demo\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    finish();
}

/* The keys in the folder are those of the genesis, or the node could not sign its first block. */
TEST(init, genesis_names_the_keys_it_made)
{
    const struct init_options options = demo_options();
    uint8_t key[SECRET_KEY_BYTES];
    start();
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &first), STATUS_OK);
    assert_int_equal(key_file_read_ed25519(inside("node-0/keys/node.key"), key), STATUS_OK);
    assert_memory_equal(first.validators.members[0].public_key, key_file_public(key), 32);
    assert_int_equal(first.validators.members[0].node, 1);
    assert_int_equal(key_file_read_ed25519(inside("operator.key"), key), STATUS_OK);
    assert_memory_equal(first.operators[0], key_file_public(key), 32);
    assert_int_equal(key_file_read(inside("node-0/keys/gateway-secret-1"), key, 32), STATUS_OK);
    assert_int_equal(key_file_read(inside("node-0/keys/tree-secret-1"), key, 32), STATUS_OK);
    finish();
}

#define KEY_A "aa00000000000000000000000000000000000000000000000000000000000001"
#define KEY_B "bb00000000000000000000000000000000000000000000000000000000000002"

/* Others' keys follow the one that is made here, in the order they are given; none twice, none malformed. */
TEST(init, genesis_names_further_operators)
{
    struct init_options options = demo_options();
    const char *const refused[] = {"", "aa", KEY_A ",", "," KEY_A, KEY_A "," KEY_A, KEY_A "x"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        start();
        options.operators = refused[i];
        assert_int_equal(init_chain(&options), STATUS_MALFORMED);
        finish();
    }
    start();
    options.operators = KEY_B "," KEY_A;
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &first), STATUS_OK);
    assert_int_equal(first.operator_count, 3);
    assert_int_equal(first.operators[1][0], 0xbb);
    assert_int_equal(first.operators[2][0], 0xaa);
    finish();
}

TEST(init, config_is_what_config_reads)
{
    const struct init_options options = demo_options();
    static struct config config;
    struct config_error error;
    start();
    assert_int_equal(init_chain(&options), STATUS_OK);
    config_defaults(&config);
    assert_true(config_file(&config, inside("node-0/quorex.conf"), &error));
    assert_int_equal(config.port, 18099);
    assert_string_equal(config.host, "127.0.0.1");
    assert_string_equal(config.database, "host=/run/x y=z; #");
    finish();
}

/* A second init of a live chain must change nothing; one after a cut-off first keeps keys and genesis. */
TEST(init, overwrites_nothing)
{
    const struct init_options options = demo_options();
    start();
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &first), STATUS_OK);
    assert_int_equal(init_chain(&options), STATUS_EXISTS);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &second), STATUS_OK);
    assert_memory_equal(&first, &second, sizeof(first));

    unlink(inside("node-0/genesis.json"));
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &second), STATUS_OK);
    assert_memory_equal(&first, &second, sizeof(first));

    unlink(inside("node-0/genesis.json"));
    unlink(inside("genesis.json"));
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-0/genesis.json"), &second), STATUS_OK);
    assert_memory_equal(first.validators.members, second.validators.members,
                        sizeof(first.validators.members));
    assert_memory_equal(first.operators, second.operators, sizeof(first.operators));
    assert_memory_not_equal(first.nonce, second.nonce, 32);
    finish();
}

/* The nodes of a cluster: one genesis, keys of their own, shared secrets, ports one after the other. */
TEST(init, four_nodes_agree_on_everything_but_themselves)
{
    struct init_options options = demo_options();
    static struct config config;
    struct config_error error;
    uint8_t key[SECRET_KEY_BYTES], secret[2][32];
    char name[64];
    options.nodes = 4;
    options.database = "dbname=quorex_%K user=%%Kx";
    start();
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("genesis.json"), &first), STATUS_OK);
    assert_int_equal(first.validators.count, 4);
    assert_int_equal(key_file_read(inside("node-0/keys/gateway-secret-1"), secret[0], 32),
                     STATUS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        const struct validator *validator = &first.validators.members[i];
        assert_int_equal(validator->node, i + 1);
        snprintf(name, sizeof(name), "127.0.0.1:%u", 18599 + i);
        assert_string_equal(validator->address, name);
        snprintf(name, sizeof(name), "node-%u/genesis.json", i);
        assert_int_equal(genesis_read(inside(name), &second), STATUS_OK);
        assert_memory_equal(&first, &second, sizeof(first));
        snprintf(name, sizeof(name), "node-%u/keys/node.key", i);
        assert_int_equal(key_file_read_ed25519(inside(name), key), STATUS_OK);
        assert_memory_equal(validator->public_key, key_file_public(key), PUBLIC_KEY_BYTES);
        snprintf(name, sizeof(name), "node-%u/wal/vote", i);
        assert_int_equal(access(inside(name), R_OK), 0);
        snprintf(name, sizeof(name), "node-%u/sign-once", i);
        assert_int_equal(access(inside(name), R_OK), 0);
        snprintf(name, sizeof(name), "node-%u/keys/gateway-secret-1", i);
        assert_int_equal(key_file_read(inside(name), secret[1], 32), STATUS_OK);
        assert_memory_equal(secret[0], secret[1], 32);

        config_defaults(&config);
        snprintf(name, sizeof(name), "node-%u/quorex.conf", i);
        assert_true(config_file(&config, inside(name), &error));
        assert_int_equal(config.node, i + 1);
        assert_int_equal(config.port, 18099 + i);
        assert_int_equal(config.peer_port, 18599 + i);
        snprintf(name, sizeof(name), "dbname=quorex_%u user=%%%ux", i, i);
        assert_string_equal(config.database, name);
    }
    finish();
}

TEST(init, addresses_are_one_for_each_node)
{
    struct init_options options = demo_options();
    options.nodes = 4;
    start();
    options.addresses = "a:1,b:2,c:3";
    assert_int_equal(init_chain(&options), STATUS_MALFORMED);
    options.addresses = "a:1,b:2,c:3,d:4,e:5";
    assert_int_equal(init_chain(&options), STATUS_MALFORMED);
    options.addresses = "a:1,b:2,c,d:4";
    assert_int_equal(init_chain(&options), STATUS_MALFORMED);
    options.addresses = "a:1,b:2,c:3,d:4";
    assert_int_equal(init_chain(&options), STATUS_OK);
    assert_int_equal(genesis_read(inside("node-3/genesis.json"), &first), STATUS_OK);
    assert_string_equal(first.validators.members[0].address, "a:1");
    assert_string_equal(first.validators.members[3].address, "d:4");
    finish();
}

/* Every demo account must be able to hold what it is given, several times over. */
TEST(demo, amounts_fit)
{
    for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
        for (size_t k = 0; k < DEMO_ASSET_COUNT; k++) {
            const char *text = demo_accounts[i].amounts[k];
            int64_t units;
            assert_int_equal(decimal_parse(text, strlen(text), 8, &units), DECIMAL_OK);
            assert_true(units > 0 && units < INT64_MAX / 8);
        }
}
