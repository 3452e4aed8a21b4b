#include "node/init.h"

#include "common/log.h"
#include "common/node_set.h"
#include "ledger/sign_once.h"
#include "ledger/wal.h"
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

#define SECRET_VERSION 1
#define NODES_MAX      GENESIS_VALIDATORS_LIMIT
#define DATABASE_MAX   512

void init_params(struct params *params)
{
    *params = (struct params){
        .rules = PARAMS_RULES,
        .accounts_max = 65536,
        .keys_max = 4 * 65536, /* common/share.h: each account has one, whatever others do */
        .orders_max = 262144,
        .levels_max = 262144,
        .assets_max = 16,
        .markets_max = 64,
        .block_ms = 100,
        .idle_block_ms = 1000,
        .stamp_step_ms = 10000,
        .uncertified_blocks_max = 600,
        .checkpoint_blocks = INIT_CHECKPOINT_BLOCKS,
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

static bool node_path(char path[FILE_PATH_MAX], const char *directory, uint32_t number,
                      const char *name)
{
    char inner[128];
    snprintf(inner, sizeof(inner), "node-%" PRIu32 "%s%s", number, name[0] == '\0' ? "" : "/",
             name);
    return file_path(path, directory, inner);
}

static enum status make_folders(const char *directory, uint32_t number)
{
    static const char *const names[] = {"wal", "chain", "keys"};
    char path[FILE_PATH_MAX];
    if (!node_path(path, directory, number, "")) return STATUS_MALFORMED;
    enum status status = file_make_folder(path, 0755);
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        if (!node_path(path, directory, number, names[i])) return STATUS_MALFORMED;
        status = file_make_folder(path, 0700);
    }
    return status;
}

/* Writes `text` with %K replaced by the node's number. */
static bool fill_number(char *filled, size_t filled_max, const char *text, uint32_t number)
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        char digits[16] = {*text};
        if (text[0] == '%' && text[1] == 'K') {
            snprintf(digits, sizeof(digits), "%" PRIu32, number);
            text++;
        }
        const size_t digit_count = strlen(digits);
        if (digit_count >= filled_max - length) return false;
        memcpy(filled + length, digits, digit_count + 1);
        length += digit_count;
    }
    filled[length] = '\0';
    return true;
}

/* A value in double quotes may hold anything but a quote or a line's end. */
static bool plain_text(const char *text)
{
    return strpbrk(text, "\"\n\r") == NULL;
}

static enum status write_config(const struct init_options *options, uint32_t number)
{
    char path[FILE_PATH_MAX], text[4096], database[DATABASE_MAX];
    if (!node_path(path, options->directory, number, "quorex.conf")) return STATUS_MALFORMED;
    if (!plain_text(options->database) || !plain_text(options->host) ||
        !fill_number(database, sizeof(database), options->database, number)) {
        log_error("node", "value refused",
                  "reason=\"a quote or line end in --database or --host, or too long\"");
        return STATUS_MALFORMED;
    }
    const int length =
        snprintf(text, sizeof(text),
                 "# This node's own settings: paths, ports, database. What all nodes\n"
                 "# must agree on is in genesis.json.  quorex node --help\n"
                 "node = %" PRIu32 "\n"
                 "host = %s\n"
                 "port = %" PRIu32 "\n"
                 "peer_host = %s\n"
                 "peer_port = %" PRIu32 "\n"
                 "database = \"%s\"\n",
                 number + 1, options->host, options->port + number, options->host,
                 options->port + INIT_PEER_PORTS + number, database);
    if (length < 0 || (size_t)length >= sizeof(text)) return STATUS_MALFORMED;
    const enum status status = file_create(path, text, (size_t)length, 0644);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* ---- The genesis ---- */

/* The nonce: the chain's name, then 16 random bytes. */
static void fill_nonce(uint8_t nonce[32], const char *chain_name)
{
    ASSERT(strlen(chain_name) <= INIT_NAME_MAX);
    memset(nonce, 0, INIT_NAME_MAX);
    memcpy(nonce, chain_name, strlen(chain_name));
    randombytes_buf(nonce + INIT_NAME_MAX, 32 - INIT_NAME_MAX);
}

/* The peer address of node `number`; of a list, the next one at `*list`. */
static bool fill_address(const struct init_options *options, uint32_t number, const char **list,
                         char address[NODE_ADDRESS_BYTES])
{
    memset(address, 0, NODE_ADDRESS_BYTES);
    if (*list == NULL) {
        const int length = snprintf(address, NODE_ADDRESS_BYTES, "%s:%" PRIu32, options->host,
                                    options->port + INIT_PEER_PORTS + number);
        return length > 0 && length < NODE_ADDRESS_BYTES && node_address_valid(address);
    }
    const size_t length = strcspn(*list, ",");
    if (length >= NODE_ADDRESS_BYTES) return false;
    memcpy(address, *list, length);
    *list += length + ((*list)[length] == ',');
    return node_address_valid(address);
}

static bool fill_validators(const struct init_options *options, uint8_t keys[][PUBLIC_KEY_BYTES],
                            struct genesis *genesis)
{
    const char *list = options->addresses;
    genesis->validators.count = options->nodes;
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct validator *validator = &genesis->validators.members[i];
        validator->node = i + 1;
        memcpy(validator->public_key, keys[i], PUBLIC_KEY_BYTES);
        if (options->nodes > 1 && !fill_address(options, i, &list, validator->address))
            return false;
    }
    return list == NULL || *list == '\0';
}

/* The operator whose key was made here is the first; the others keep theirs where they are. */
static bool fill_operators(const char *list, const uint8_t first[PUBLIC_KEY_BYTES],
                           struct genesis *genesis)
{
    memcpy(genesis->operators[0], first, PUBLIC_KEY_BYTES);
    genesis->operator_count = 1;
    while (list != NULL) {
        uint8_t key[PUBLIC_KEY_BYTES];
        const char *comma = strchr(list, ',');
        const size_t length = comma == NULL ? strlen(list) : (size_t)(comma - list);
        if (genesis->operator_count == GENESIS_OPERATORS_LIMIT ||
            !hash_from_hex(list, length, key, sizeof(key)))
            return false;
        for (uint32_t i = 0; i < genesis->operator_count; i++)
            if (memcmp(genesis->operators[i], key, sizeof(key)) == 0) return false;
        memcpy(genesis->operators[genesis->operator_count++], key, sizeof(key));
        list = comma == NULL ? NULL : comma + 1;
    }
    return true;
}

static enum status make_genesis(const struct init_options *options, const char *path,
                                uint8_t node_keys[][PUBLIC_KEY_BYTES],
                                const uint8_t operator_key[PUBLIC_KEY_BYTES])
{
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    if (genesis == NULL) return STATUS_NO_MEMORY;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    genesis->time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    fill_nonce(genesis->nonce, options->chain_name);
    init_params(&genesis->params);
    genesis->params.checkpoint_blocks = options->checkpoint_blocks;
    if (options->demo) demo_list(&genesis->params);
    enum status status = STATUS_MALFORMED;
    if (!fill_validators(options, node_keys, genesis))
        log_error("node", "value refused",
                  "reason=\"--addresses: host:port for each node, with commas\"");
    else if (!fill_operators(options->operators, operator_key, genesis))
        log_error(
            "node", "value refused",
            "reason=\"--operators: up to 15 other public keys of 64 hex digits, with commas\"");
    else
        status = genesis_write(path, genesis);
    free(genesis);
    return status;
}

/* Every node gets the same bytes. Node 0's come last: their presence says that everything else is there. */
static enum status copy_genesis(const char *directory, const char *path, uint32_t nodes)
{
    char *bytes, copy[FILE_PATH_MAX];
    size_t byte_count;
    enum status status = file_read(path, &bytes, &byte_count);
    if (status != STATUS_OK) return status;
    for (uint32_t i = nodes; i-- > 0 && status == STATUS_OK;) {
        status = node_path(copy, directory, i, "genesis.json")
                     ? file_create(copy, bytes, byte_count, 0644)
                     : STATUS_MALFORMED;
        if (status == STATUS_EXISTS) status = STATUS_OK;
    }
    free(bytes);
    return status;
}

/* ---- What a node has voted for and signed: nothing ---- */

enum status init_memory(const char *node_folder, hash_t chain_id, uint32_t node)
{
    char wal[FILE_PATH_MAX], sign_once[FILE_PATH_MAX];
    if (!file_path(wal, node_folder, "wal") || !file_path(sign_once, node_folder, "sign-once"))
        return STATUS_MALFORMED;
    struct wal_disk *disk = wal_disk_directory(wal);
    if (disk == NULL) return STATUS_IO;
    const struct wal_options options = {.disk = disk, .chain_id = chain_id, .node = node};
    enum status status = wal_create(&options);
    wal_disk_free(disk);
    if (status == STATUS_EXISTS) status = STATUS_OK;
    if (status == STATUS_OK) status = sign_once_create(sign_once);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status make_memories(const char *directory, const char *genesis_path, uint32_t nodes)
{
    char folder[FILE_PATH_MAX];
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    if (genesis == NULL) return STATUS_NO_MEMORY;
    enum status status = genesis_read(genesis_path, genesis);
    for (uint32_t i = 0; i < nodes && status == STATUS_OK; i++)
        status = node_path(folder, directory, i, "")
                     ? init_memory(folder, genesis_chain_id(genesis), i + 1)
                     : STATUS_MALFORMED;
    free(genesis);
    return status;
}

/* ---- Secrets ---- */

/* Gives every node the same secret: the one that node 0 has. */
static enum status share_secret(const char *directory, uint32_t nodes, const char *name)
{
    char path[FILE_PATH_MAX], keys[FILE_PATH_MAX], inner[64];
    uint8_t secret[HASH_BYTES];
    snprintf(inner, sizeof(inner), "keys/%s", name);
    if (!node_path(keys, directory, 0, "keys") || !node_path(path, directory, 0, inner))
        return STATUS_MALFORMED;
    enum status status = make_secret(keys, name);
    if (status == STATUS_OK) status = key_file_read(path, secret, sizeof(secret));
    for (uint32_t i = 1; i < nodes && status == STATUS_OK; i++) {
        if (!node_path(path, directory, i, inner)) return STATUS_MALFORMED;
        status = key_file_write(path, secret, sizeof(secret));
        if (status == STATUS_EXISTS) status = STATUS_OK;
    }
    sodium_memzero(secret, sizeof(secret));
    return status;
}

static enum status make_node(const struct init_options *options, uint32_t number,
                             uint8_t public_key[PUBLIC_KEY_BYTES])
{
    char keys[FILE_PATH_MAX];
    if (!node_path(keys, options->directory, number, "keys")) return STATUS_MALFORMED;
    enum status status = make_folders(options->directory, number);
    if (status == STATUS_OK) status = make_pair(keys, "node.key", public_key);
    if (status == STATUS_OK) status = write_config(options, number);
    return status;
}

enum status init_chain(const struct init_options *options)
{
    static uint8_t node_keys[NODES_MAX][PUBLIC_KEY_BYTES];
    uint8_t operator_key[PUBLIC_KEY_BYTES];
    char first[FILE_PATH_MAX], genesis[FILE_PATH_MAX];
    const char *const directory = options->directory;
    ASSERT(options->nodes >= 1 && options->nodes <= NODES_MAX);
    if (!node_path(first, directory, 0, "genesis.json") ||
        !file_path(genesis, directory, "genesis.json"))
        return STATUS_MALFORMED;
    if (file_exists(first)) return STATUS_EXISTS;

    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < options->nodes && status == STATUS_OK; i++)
        status = make_node(options, i, node_keys[i]);
    if (status == STATUS_OK) status = share_secret(directory, options->nodes, "gateway-secret-1");
    if (status == STATUS_OK) status = share_secret(directory, options->nodes, "tree-secret-1");
    if (status == STATUS_OK) status = make_pair(directory, "operator.key", operator_key);
    if (status == STATUS_OK) status = make_genesis(options, genesis, node_keys, operator_key);
    if (status == STATUS_EXISTS) status = STATUS_OK;
    if (status == STATUS_OK) status = make_memories(directory, genesis, options->nodes);
    if (status == STATUS_OK) status = copy_genesis(directory, genesis, options->nodes);
    return status;
}

/* ---- command line ---- */

static void print_usage(FILE *to)
{
    fputs("usage: quorex init --data DIR [options]\n"
          "Makes DIR/operator.key, DIR/genesis.json and DIR/node-K with config, genesis, keys;\n"
          "overwrites nothing.\n"
          "  --chain-name NAME    at most 16 bytes (default: quorex)\n"
          "  --nodes N            nodes of the chain: 1, or 4 and more (default: 1)\n"
          "  --host ADDRESS       address the nodes listen on (default: 127.0.0.1)\n"
          "  --port P             port of node 0; node K has P + K, and P + 500 + K for the\n"
          "                       other nodes (default: 8080)\n"
          "  --addresses LIST     host:port of each node for the others, with commas\n"
          "                       (default: the above)\n"
          "  --database CONNINFO  PostgreSQL, as libpq takes it, %K for the node's number\n"
          "                       (default: none)\n"
          "  --operators LIST     public keys of further operators, hex with commas; where\n"
          "                       withdrawals are approved by several, it takes several\n"
          "                       (default: none but the one whose key is made)\n"
          "  --checkpoint-blocks N  a checkpoint every so many blocks; 0: none (default: 3600)\n"
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

static bool parse_number(const char *text, uint32_t most, uint32_t *number)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > most) return false;
    *number = (uint32_t)value;
    return true;
}

static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t value;
    if (!parse_number(text, 65535, &value) || value == 0) return false;
    *port = (uint16_t)value;
    return true;
}

static bool parse_nodes(const char *text, uint32_t *nodes)
{
    return parse_number(text, NODES_MAX, nodes) && (*nodes == 1 || *nodes > 3);
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct init_options *options)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},
        {"chain-name", required_argument, NULL, 'c'},
        {"nodes", required_argument, NULL, 'n'},
        {"database", required_argument, NULL, 'b'},
        {"addresses", required_argument, NULL, 'l'},
        {"operators", required_argument, NULL, 'o'},
        {"checkpoint-blocks", required_argument, NULL, 'k'},
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
            if (!parse_nodes(optarg, &options->nodes))
                return wrong_usage("--nodes: 1, or 4 to 64. With 2 or 3, \"more than two thirds\" "
                                   "are all of them");
            break;
        case 'l':
            options->addresses = optarg;
            break;
        case 'o':
            options->operators = optarg;
            break;
        case 'k':
            if (!parse_number(optarg, UINT32_MAX, &options->checkpoint_blocks))
                return wrong_usage("--checkpoint-blocks: a number");
            break;
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
    if (options->port + INIT_PEER_PORTS + options->nodes > 65536)
        return wrong_usage("--port: too high for the ports of the other nodes");
    return -1;
}

int init_main(int argc, char **argv)
{
    struct init_options options = {.chain_name = "quorex",
                                   .host = "127.0.0.1",
                                   .database = "",
                                   .nodes = 1,
                                   .port = 8080,
                                   .checkpoint_blocks = INIT_CHECKPOINT_BLOCKS};
    const int code = read_options(argc, argv, &options);
    if (code >= 0) return code;

    const enum status status = init_chain(&options);
    if (status == STATUS_EXISTS) {
        fprintf(stderr, "quorex init: %s/node-0 has a genesis already; nothing was changed\n",
                options.directory);
        return 1;
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "quorex init: %s\n", status_text(status));
        return 1;
    }
    printf("made %s/node-0", options.directory);
    if (options.nodes > 1) printf(" to node-%" PRIu32, options.nodes - 1);
    printf(" and %s/operator.key (keep it secret)\n", options.directory);
    return 0;
}
