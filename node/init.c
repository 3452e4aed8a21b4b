#include "node/init.h"

#include "common/log.h"
#include "node/demo.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NODE_ID        1
#define NODE_FOLDER    "node-0"
#define SECRET_VERSION 1

void init_params(struct params *params)
{
    *params = (struct params){
        .rules = PARAMS_RULES,
        .accounts_max = 65536,
        .keys_max = 65536,
        .orders_max = 262144,
        .levels_max = 262144,
        .assets_max = 16,
        .markets_max = 64,
        .block_ms = 100,
        .idle_block_ms = 1000,
        .stamp_step_ms = 10000,
        .uncertified_blocks_max = 600,
        .checkpoint_blocks = 10000,
        .origin_lost_ms = 10000,
        .gateway_secret_version = SECRET_VERSION,
        .tree_secret_version = SECRET_VERSION,
        .tier_count = 1,
        .tiers = {{.maker_ppm = 1000, .taker_ppm = 1000}},
    };
}

/* Makes the file, unless an earlier run that was cut off has made it. */
static enum status make_secret(const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    uint8_t secret[HASH_BYTES];
    if (!file_path(path, folder, name)) return STATUS_MALFORMED;
    randombytes_buf(secret, sizeof(secret));
    const enum status status = key_file_write(path, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* As make_secret, for an Ed25519 pair; gives back the public half of what is there now. */
static enum status make_pair(const char *folder, const char *name,
                             uint8_t public_key[PUBLIC_KEY_BYTES])
{
    char path[FILE_PATH_MAX];
    uint8_t secret_key[SECRET_KEY_BYTES];
    if (!file_path(path, folder, name)) return STATUS_MALFORMED;
    crypto_sign_keypair(public_key, secret_key);
    enum status status = key_file_write(path, secret_key, sizeof(secret_key));
    if (status == STATUS_EXISTS) {
        status = key_file_read_ed25519(path, secret_key);
        memcpy(public_key, key_file_public(secret_key), PUBLIC_KEY_BYTES);
    }
    sodium_memzero(secret_key, sizeof(secret_key));
    return status;
}

static enum status make_folders(const char *node_folder)
{
    static const char *const names[] = {"wal", "chain", "keys"};
    char path[FILE_PATH_MAX];
    enum status status = file_make_folder(node_folder, 0755);
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        if (!file_path(path, node_folder, names[i])) return STATUS_MALFORMED;
        status = file_make_folder(path, 0700);
    }
    return status;
}

/* A value in double quotes may hold anything but a quote or a line's end. */
static bool plain_text(const char *text)
{
    return strpbrk(text, "\"\n\r") == NULL;
}

static enum status write_config(const char *node_folder, const struct init_options *options)
{
    char path[FILE_PATH_MAX], text[4096];
    if (!file_path(path, node_folder, "quorex.conf")) return STATUS_MALFORMED;
    if (!plain_text(options->database) || !plain_text(options->host)) {
        log_error("node", "value refused",
                  "reason=\"a quote or line end in --database or --host\"");
        return STATUS_MALFORMED;
    }
    const int length =
        snprintf(text, sizeof(text),
                 "# This node's own settings: paths, ports, database. What all nodes\n"
                 "# must agree on is in genesis.json.  quorex node --help\n"
                 "host = %s\n"
                 "port = %u\n"
                 "database = \"%s\"\n",
                 options->host, (unsigned)options->port, options->database);
    if (length < 0 || (size_t)length >= sizeof(text)) return STATUS_MALFORMED;
    const enum status status = file_create(path, text, (size_t)length, 0644);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* The nonce: the chain's name, then 16 random bytes. */
static void fill_nonce(uint8_t nonce[32], const char *chain_name)
{
    ASSERT(strlen(chain_name) <= INIT_NAME_MAX);
    memset(nonce, 0, INIT_NAME_MAX);
    memcpy(nonce, chain_name, strlen(chain_name));
    randombytes_buf(nonce + INIT_NAME_MAX, 32 - INIT_NAME_MAX);
}

static enum status write_genesis(const char *path, const struct init_options *options,
                                 const uint8_t node_key[PUBLIC_KEY_BYTES],
                                 const uint8_t operator_key[PUBLIC_KEY_BYTES])
{
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    if (genesis == NULL) return STATUS_NO_MEMORY;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    genesis->time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    fill_nonce(genesis->nonce, options->chain_name);
    genesis->validators.count = 1;
    genesis->validators.members[0].node = NODE_ID;
    memcpy(genesis->validators.members[0].public_key, node_key, PUBLIC_KEY_BYTES);
    genesis->operator_count = 1;
    memcpy(genesis->operators[0], operator_key, PUBLIC_KEY_BYTES);
    init_params(&genesis->params);
    if (options->demo) demo_list(&genesis->params);

    const enum status status = genesis_write(path, genesis);
    free(genesis);
    return status;
}

enum status init_node(const struct init_options *options)
{
    char node_folder[FILE_PATH_MAX], keys[FILE_PATH_MAX], genesis[FILE_PATH_MAX];
    uint8_t node_key[PUBLIC_KEY_BYTES], operator_key[PUBLIC_KEY_BYTES];
    if (!file_path(node_folder, options->directory, NODE_FOLDER) ||
        !file_path(keys, node_folder, "keys") || !file_path(genesis, node_folder, "genesis.json"))
        return STATUS_MALFORMED;
    if (file_exists(genesis)) return STATUS_EXISTS;

    /* The genesis comes last: its presence says that everything else is there. */
    enum status status = make_folders(node_folder);
    if (status == STATUS_OK) status = make_pair(keys, "node.key", node_key);
    if (status == STATUS_OK) status = make_secret(keys, "gateway-secret-1");
    if (status == STATUS_OK) status = make_secret(keys, "tree-secret-1");
    if (status == STATUS_OK) status = make_pair(options->directory, "operator.key", operator_key);
    if (status == STATUS_OK) status = write_config(node_folder, options);
    if (status == STATUS_OK) status = write_genesis(genesis, options, node_key, operator_key);
    return status;
}

/* ---- command line ---- */

static void print_usage(FILE *to)
{
    fputs("usage: quorex init --data DIR [options]\n"
          "Makes DIR/operator.key and DIR/node-0 with config, genesis, keys; overwrites nothing.\n"
          "  --chain-name NAME    at most 16 bytes (default: quorex)\n"
          "  --nodes 1            nodes of the chain; more come with replicated nodes\n"
          "  --host ADDRESS       address the node listens on (default: 127.0.0.1)\n"
          "  --port P             port the node listens on (default: 8080)\n"
          "  --database CONNINFO  PostgreSQL, as libpq takes it (default: none)\n"
          "  --demo               list BTC, ETH, USDT and their three markets\n"
          "  --help\n",
          to);
}

static int wrong_usage(const char *what)
{
    fprintf(stderr, "quorex init: %s\n", what);
    print_usage(stderr);
    return 2;
}

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 || value > 65535) return false;
    *port = (uint16_t)value;
    return true;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct init_options *options)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},
        {"chain-name", required_argument, NULL, 'c'},
        {"nodes", required_argument, NULL, 'n'},
        {"database", required_argument, NULL, 'b'},
        {"host", required_argument, NULL, 'a'},
        {"port", required_argument, NULL, 'p'},
        {"demo", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'd':
            options->directory = optarg;
            break;
        case 'c':
            options->chain_name = optarg;
            break;
        case 'b':
            options->database = optarg;
            break;
        case 'a':
            options->host = optarg;
            break;
        case 'm':
            options->demo = true;
            break;
        case 'p':
            if (!parse_port(optarg, &options->port)) return wrong_usage("--port: 1 to 65535");
            break;
        case 'n':
            if (strcmp(optarg, "1") == 0) break;
            fputs("quorex init: replicated nodes are not built yet; use --nodes 1\n", stderr);
            return 2;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    if (optind != argc) return wrong_usage("too many arguments");
    if (options->directory == NULL) return wrong_usage("--data is missing");
    if (strlen(options->chain_name) > INIT_NAME_MAX) return wrong_usage("--chain-name: 16 bytes");
    return -1;
}

int init_main(int argc, char **argv)
{
    struct init_options options = {
        .chain_name = "quorex", .host = "127.0.0.1", .database = "", .port = 8080};
    const int code = read_options(argc, argv, &options);
    if (code >= 0) return code;

    const enum status status = init_node(&options);
    if (status == STATUS_EXISTS) {
        fprintf(stderr,
                "quorex init: %s/" NODE_FOLDER " has a genesis already; nothing was changed\n",
                options.directory);
        return 1;
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "quorex init: %s\n", status_text(status));
        return 1;
    }
    printf("made %s/" NODE_FOLDER " (node) and %s/operator.key (keep it secret)\n",
           options.directory, options.directory);
    return 0;
}
