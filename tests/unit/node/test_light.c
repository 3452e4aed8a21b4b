#include "node/light.h"

#include "common/log.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/init.h"
#include "tests/harness.h"
#include "tests/unit/node/light_town.h"

#include <ftw.h>
#include <getopt.h>
#include <jansson.h>

#define FOUR  0x0fu
#define LATER 0x1eu

#define ARGUMENTS_MAX 16

static struct light_chain chain, other;
static struct genesis genesis;
static struct town_server town[2];
static char folder[32], genesis_path[64], data[64];

/* Runs the command with what is printed kept in a file. */
static int run(const char *const *words)
{
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    char path[64];
    int count = 0;
    while (words[count] != NULL) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count] = strdup(words[count]);
        count++;
    }
    snprintf(path, sizeof(path), "%s/printed", folder);
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    optind = 0;
    const int code = light_main(count, arguments);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    for (int i = 0; i < count; i++)
        free(arguments[i]);
    return code;
}

#define RUN(...) run((const char *const[]){"light", __VA_ARGS__, NULL})
#define FOLLOW(...) \
    RUN("--genesis", genesis_path, "--data", data, "--once", "--url", town[0].url, __VA_ARGS__)

static bool printed(const char *words)
{
    char path[64], *text;
    size_t byte_count;
    snprintf(path, sizeof(path), "%s/printed", folder);
    assert_int_equal(file_read(path, &text, &byte_count), STATUS_OK);
    const bool found = strstr(text, words) != NULL;
    free(text);
    return found;
}

/* A genesis as `quorex init` makes it, but with our validators. */
static void make_genesis(void)
{
    char made[96];
    const char *const words[] = {"init",    "--data", data,     "--demo",
                                 "--nodes", "1",      "--port", "25150"};
    char *arguments[9] = {NULL};
    for (size_t i = 0; i < 8; i++)
        arguments[i] = strdup(words[i]);
    optind = 0;
    assert_int_equal(init_main(8, arguments), 0);
    for (size_t i = 0; i < 8; i++)
        free(arguments[i]);
    snprintf(made, sizeof(made), "%s/node-0/genesis.json", data);
    json_t *root = json_load_file(made, 0, NULL), *validators = json_array();
    for (uint32_t i = 0; i < 4; i++) {
        char key[2 * PUBLIC_KEY_BYTES + 1];
        hash_hex(chain.keys[i], PUBLIC_KEY_BYTES, key);
        json_array_append_new(validators, json_pack("{s:i,s:s,s:s}", "node", (int)i + 1,
                                                    "publicKey", key, "address",
                                                    i == 0   ? "127.0.0.1:1"
                                                    : i == 1 ? "127.0.0.1:2"
                                                    : i == 2 ? "127.0.0.1:3"
                                                             : "127.0.0.1:4"));
    }
    json_object_set_new(root, "validators", validators);
    assert_int_equal(json_dump_file(root, genesis_path, 0), 0);
    json_decref(root);
    assert_int_equal(genesis_read(genesis_path, &genesis), STATUS_OK);
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static void clean(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A chain of 400 blocks that hands over in block 300, and two servers that have it. */
static void begin(void)
{
    memcpy(folder, "/tmp/light-XXXXXX", 18);
    assert_non_null(mkdtemp(folder));
    snprintf(genesis_path, sizeof(genesis_path), "%s/genesis", folder);
    snprintf(data, sizeof(data), "%s/data", folder);
    light_chain_begin(&chain, FOUR);
    make_genesis();
    clean(data);
    chain.chain_id = genesis_chain_id(&genesis);
    other = chain;
    while (chain.height < 400) {
        if (chain.height == 299)
            light_chain_turn(&chain, LATER);
        else
            light_chain_next(&chain);
    }
    for (int i = 0; i < 2; i++)
        town_start(&town[i], &chain, 400);
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        town_end(&town[i]);
    clean(folder);
}

TEST(light_command, wrong_usage_is_said)
{
    begin();
    assert_int_equal(RUN("--help"), LIGHT_EXIT_DONE);
    assert_true(printed("usage: quorex light --genesis FILE"));
    assert_int_equal(RUN("--data", data), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("--url", town[0].url), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("--what"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("--interval", "0"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("--interval", "3601"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("--interval", "1x"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("--url", "ftp://a"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("more"), LIGHT_EXIT_USAGE);
    assert_int_equal(FOLLOW("--trust", "7"), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("check", "--help"), LIGHT_EXIT_DONE);
    assert_int_equal(RUN("check", "--data", data), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("check", "--data", data, "--header", "7"), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("check", "--data", data, "--url", town[0].url), LIGHT_EXIT_USAGE);
    assert_int_equal(RUN("check", "--data", data, "--url", town[0].url, "--header", "0"),
                     LIGHT_EXIT_USAGE);
    end();
}

/* Once: as far as the servers go, said in words; the folder keeps the genesis. */
TEST(light_command, once_says_what_is_certified)
{
    char hex[2 * HASH_BYTES + 1];
    begin();
    assert_int_equal(RUN("--data", data, "--once", "--url", town[0].url), LIGHT_EXIT_FAILED);
    assert_int_equal(FOLLOW("--interval", "1"), LIGHT_EXIT_DONE);
    assert_true(printed("certified      400\n"));
    assert_true(printed("voters         2 3 4 5 (3 must sign)\n"));
    hash_hex(chain.last_hash.bytes, HASH_BYTES, hex);
    assert_true(printed(hex));
    assert_int_equal(RUN("--data", data, "--once", "--url", town[1].url), LIGHT_EXIT_DONE);
    assert_true(printed("certified      400\n"));
    /* Another genesis is not that of this folder. */
    json_t *root = json_load_file(genesis_path, 0, NULL);
    json_object_set_new(root, "time", json_integer(5));
    assert_int_equal(json_dump_file(root, genesis_path, 0), 0);
    json_decref(root);
    assert_int_equal(FOLLOW("--interval", "1"), LIGHT_EXIT_FAILED);
    end();
}

/* Who the voters are that an operator means may be asked of anybody, and nobody is believed. */
TEST(light_command, operator_s_word_is_about_those_voters_alone)
{
    char word[96], path[96];
    const struct validator_set later = light_chain_set(&chain, LATER);
    begin();
    const size_t length = (size_t)snprintf(word, sizeof(word), "350:");
    hash_hex(validator_set_hash(&later).bytes, HASH_BYTES, word + length);
    town[0].lie = TOWN_OTHER_SET;
    assert_int_equal(FOLLOW("--trust", word), LIGHT_EXIT_FAILED);
    snprintf(path, sizeof(path), "%s/trusted", data);
    assert_false(file_exists(path));
    assert_int_equal(FOLLOW("--trust", word, "--url", town[1].url), LIGHT_EXIT_DONE);
    assert_true(file_exists(path));
    assert_true(printed("first block    350\n"));
    assert_true(printed("certified      400\n"));
    end();
}

/* Each end has its own exit code. */
TEST(light_command, exit_code_says_why_it_ended)
{
    char word[96];
    begin();
    town[0].lie = TOWN_NO_TURN;
    assert_int_equal(FOLLOW("--interval", "1"), LIGHT_EXIT_GAP);
    assert_true(printed("certified      299\n"));
    /* An operator's word: of a height below what is known it must fit, above it leads over the gap. */
    const struct validator_set first = light_chain_set(&chain, FOUR),
                               later = light_chain_set(&chain, LATER);
    size_t length = (size_t)snprintf(word, sizeof(word), "200:");
    hash_hex(validator_set_hash(&later).bytes, HASH_BYTES, word + length);
    assert_int_equal(FOLLOW("--trust", word), LIGHT_EXIT_FAILED);
    length = (size_t)snprintf(word, sizeof(word), "301:");
    hash_hex(validator_set_hash(&later).bytes, HASH_BYTES, word + length);
    assert_int_equal(FOLLOW("--trust", word), LIGHT_EXIT_DONE);
    assert_true(printed("certified      400\n"));
    assert_int_equal(FOLLOW("--trust", word), LIGHT_EXIT_DONE);
    hash_hex(validator_set_hash(&first).bytes, HASH_BYTES, word + length);
    assert_int_equal(FOLLOW("--trust", word), LIGHT_EXIT_FAILED); /* one a folder */
    town[0].lie = TOWN_GARBAGE;
    assert_int_equal(FOLLOW("--interval", "1"), LIGHT_EXIT_FAILED);

    while (other.height < 60) {
        struct block_header header = light_chain_header(&other, FOUR);
        header.tx_count = 3;
        light_chain_take(&other, &header, FOUR);
    }
    town_end(&town[0]);
    town_start(&town[0], &other, 60);
    assert_int_equal(FOLLOW("--url", town[1].url), LIGHT_EXIT_FORK);
    town[0].lie = TOWN_GARBAGE;
    assert_int_equal(FOLLOW("--url", town[1].url), LIGHT_EXIT_FORK); /* it is not forgotten */
    assert_int_equal(RUN("check", "--data", data, "--proof", genesis_path), LIGHT_EXIT_FAILED);
    end();
}
