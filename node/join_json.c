#include "node/join.h"

#include "common/genesis.h"
#include "node/admin.h"
#include "node/client.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/init.h"
#include "node/key_file.h"
#include "node/neighbours.h"
#include "node/trusted.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDS_TRIED 64 /* ids above the present members' that members of the past may have had */
#define PAUSE_MS  200
#define PAUSES    150

struct join {
    const char *directory, *from, *secrets, *operator_key;
    const char *host, *address, *database;
    hash_t trusted_hash; /* of `trusted`, as the operator says */
    struct trusted trusted;
    long number;
    unsigned port;
    uint32_t node;
    char folder[FILE_PATH_MAX];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    struct client *client;
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "quorex join: %s: %s\n", what, why);
    return false;
}

static bool in_folder(const struct join *join, char path[FILE_PATH_MAX], const char *name)
{
    return file_path(path, join->folder, name);
}

/* ---- What the exchange says ---- */

static bool get(struct join *join, const char *path, struct client_answer *answer)
{
    *answer = client_send(join->client, "GET", path, "", NULL);
    return answer->http_status == 200 || fail(path, answer->body);
}

static void largest_id(const json_t *list, uint32_t *largest)
{
    size_t i;
    const json_t *member;
    json_array_foreach(list, i, member)
    {
        const json_int_t node = json_integer_value(json_object_get(member, "node"));
        if (node > *largest && node < UINT32_MAX) *largest = (uint32_t)node;
    }
}

/* The first id that no present member has. */
static bool choose_id(struct join *join)
{
    struct client_answer answer;
    uint32_t largest = 0;
    if (!get(join, "/quorex/v1/validators", &answer)) return false;
    json_t *root = json_loadb(answer.body, answer.body_bytes, 0, NULL);
    largest_id(json_object_get(root, "validators"), &largest);
    largest_id(json_object_get(root, "standbys"), &largest);
    json_decref(root);
    if (largest == 0) return fail(join->from, "says no validators");
    join->node = largest + 1;
    return true;
}

/* Who the validators are that the operator vouches for: anybody may say it, the hash decides. */
static bool ask_trusted(struct join *join)
{
    char text[64];
    if (join->trusted.height == 0) return true;
    snprintf(text, sizeof(text), "height=%" PRIu64, join->trusted.height);
    const struct client_answer answer =
        client_send(join->client, "GET", "/quorex/v1/validators", text, NULL);
    if (answer.http_status != 200) return fail("--trust", answer.body);
    if (!trusted_set(answer.body, answer.body_bytes, &join->trusted.set) ||
        !hash_equal(validator_set_hash(&join->trusted.set), join->trusted_hash))
        return fail("--trust", "this node says other validators of that block");
    return true;
}

/* Whom to ask later: the members of the genesis may all have gone by then. */
static bool keep_members(struct join *join)
{
    char path[FILE_PATH_MAX];
    struct client_answer answer;
    if (!in_folder(join, path, NEIGHBOURS_FILE) || !get(join, "/quorex/v1/validators", &answer))
        return false;
    const enum status status = file_create(path, answer.body, answer.body_bytes, 0644);
    return status == STATUS_OK || fail(path, status_text(status));
}

static bool keep_trusted(const struct join *join)
{
    char path[FILE_PATH_MAX];
    if (join->trusted.height == 0) return true;
    if (!in_folder(join, path, TRUSTED_FILE)) return false;
    const enum status status = trusted_write(path, &join->trusted);
    return status == STATUS_OK || fail(path, status_text(status));
}

/* Keeps the genesis as it was served, if it is one. */
static bool fetch_genesis(struct join *join, const char *path)
{
    struct client_answer answer;
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    if (genesis == NULL) return fail(path, "no memory");
    enum status status = STATUS_MALFORMED;
    if (get(join, "/quorex/v1/genesis", &answer))
        status = file_create(path, answer.body, answer.body_bytes, 0644);
    if (status == STATUS_OK) status = genesis_read(path, genesis);
    if (status == STATUS_OK) {
        char chain_id[2 * HASH_BYTES + 1];
        hash_hex(genesis_chain_id(genesis).bytes, HASH_BYTES, chain_id);
        printf("chain id %s (compare it with what you were told)\n", chain_id);
        status = init_memory(join->folder, genesis_chain_id(genesis), join->node);
    }
    free(genesis);
    return status == STATUS_OK || fail(path, status_text(status));
}

/* ---- The folder ---- */

static bool copy_secret(const struct join *join, const char *name)
{
    char from[FILE_PATH_MAX], inner[64], to[FILE_PATH_MAX];
    uint8_t secret[HASH_BYTES];
    snprintf(inner, sizeof(inner), "keys/%s", name);
    if (!file_path(from, join->secrets, name) || !in_folder(join, to, inner)) return false;
    enum status status = key_file_read(from, secret, sizeof(secret));
    if (status == STATUS_OK) status = key_file_write(to, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    return status == STATUS_OK || fail(from, status_text(status));
}

static bool make_folders(struct join *join)
{
    static const char *const names[] = {"keys", "wal", "chain", "checkpoint"};
    char path[FILE_PATH_MAX], inner[64];
    snprintf(inner, sizeof(inner), "node-%ld", join->number);
    if (!file_path(join->folder, join->directory, inner)) return fail(join->directory, "too long");
    if (file_exists(join->folder)) return fail(join->folder, "is there already");
    enum status status = file_make_folder(join->folder, 0755);
    for (size_t i = 0; i < 4 && status == STATUS_OK; i++)
        status = in_folder(join, path, names[i]) ? file_make_folder(path, 0700) : STATUS_MALFORMED;
    return status == STATUS_OK || fail(join->folder, status_text(status));
}

static bool make_key(struct join *join)
{
    char path[FILE_PATH_MAX];
    uint8_t secret_key[SECRET_KEY_BYTES];
    if (!in_folder(join, path, "keys/node.key")) return false;
    crypto_sign_keypair(join->public_key, secret_key);
    const enum status status = key_file_write(path, secret_key, sizeof(secret_key));
    sodium_memzero(secret_key, sizeof(secret_key));
    return status == STATUS_OK || fail(path, status_text(status));
}

/* host:port of the peer port; of no --address, one that no earlier identity had. */
static void peer_address(const struct join *join, char address[NODE_ADDRESS_BYTES], unsigned *port)
{
    *port = join->port - (unsigned)join->number + INIT_PEER_PORTS + join->node - 1;
    if (join->address != NULL) {
        snprintf(address, NODE_ADDRESS_BYTES, "%s", join->address);
        const char *colon = strrchr(address, ':');
        if (colon != NULL) *port = (unsigned)strtoul(colon + 1, NULL, 10);
    } else {
        snprintf(address, NODE_ADDRESS_BYTES, "%s:%u", join->host, *port);
    }
}

static bool write_config(const struct join *join)
{
    char path[FILE_PATH_MAX], text[4096], address[NODE_ADDRESS_BYTES];
    unsigned peer_port;
    peer_address(join, address, &peer_port);
    if (strpbrk(join->database, "\"\n\r") != NULL || strpbrk(join->host, "\"\n\r") != NULL)
        return fail("--database or --host", "a quote or line end");
    const int length =
        snprintf(text, sizeof(text),
                 "# This node's own settings: paths, ports, database. What all nodes\n"
                 "# must agree on is in genesis.json.  quorex node --help\n"
                 "node = %" PRIu32 "\n"
                 "host = %s\n"
                 "port = %u\n"
                 "peer_host = %s\n"
                 "peer_port = %u\n"
                 "database = \"%s\"\n",
                 join->node, join->host, join->port, join->host, peer_port, join->database);
    if (length < 0 || (size_t)length >= sizeof(text)) return fail("--database", "too long");
    if (!in_folder(join, path, "quorex.conf")) return false;
    const enum status status = file_create(path, text, (size_t)length, 0644);
    return status == STATUS_OK || fail(path, status_text(status));
}

/* ---- Becoming known ---- */

static void print_command(const struct join *join)
{
    char key[2 * PUBLIC_KEY_BYTES + 1], address[NODE_ADDRESS_BYTES];
    unsigned port;
    peer_address(join, address, &port);
    hash_hex(join->public_key, PUBLIC_KEY_BYTES, key);
    printf("an operator has to say now:\n"
           "  quorex admin --url %s --operator-key FILE add-node node=%" PRIu32
           " publicKey=%s address=%s\n",
           join->from, join->node, key, address);
}

/* An id that a member of the past had is refused: the next one is tried. So is everything until the last
 * change of the node set counts: the same is tried again. */
static struct client_answer add_node(struct join *join, const char *key,
                                     const uint8_t operator_key[SECRET_KEY_BYTES])
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    char text[512], address[NODE_ADDRESS_BYTES];
    struct client_answer answer = {0};
    unsigned port;
    for (int ids = 0, pauses = 0; ids < IDS_TRIED && pauses < PAUSES;) {
        peer_address(join, address, &port);
        snprintf(text, sizeof(text), "action=node-add&node=%" PRIu32 "&publicKey=%s&address=%s",
                 join->node, key, address);
        answer = admin_send(join->client, operator_key, text);
        if (strstr(answer.body, "node id") != NULL) {
            join->node++;
            ids++;
        } else if (strstr(answer.body, "does not count yet") != NULL) {
            nanosleep(&pause, NULL);
            pauses++;
        } else {
            break;
        }
    }
    return answer;
}

static bool become_known(struct join *join)
{
    char key[2 * PUBLIC_KEY_BYTES + 1];
    uint8_t operator_key[SECRET_KEY_BYTES];
    if (join->operator_key == NULL) {
        print_command(join);
        return true;
    }
    if (key_file_read_ed25519(join->operator_key, operator_key) != STATUS_OK)
        return fail(join->operator_key, "no operator's key");
    hash_hex(join->public_key, PUBLIC_KEY_BYTES, key);
    const struct client_answer answer = add_node(join, key, operator_key);
    sodium_memzero(operator_key, sizeof(operator_key));
    if (answer.http_status != 200) return fail("add-node", answer.body);
    printf("node %" PRIu32 " stands by\n", join->node);
    return true;
}

/* ---- All of it ---- */

static bool join_chain(struct join *join)
{
    char genesis[FILE_PATH_MAX];
    return choose_id(join) && ask_trusted(join) && make_folders(join) && make_key(join) &&
           keep_trusted(join) && keep_members(join) && copy_secret(join, "gateway-secret-1") &&
           copy_secret(join, "tree-secret-1") && become_known(join) && write_config(join) &&
           in_folder(join, genesis, "genesis.json") && fetch_genesis(join, genesis);
}

static void print_usage(FILE *to)
{
    fputs(
        "usage: quorex join --data DIR --number K --from URL --secrets KEYS [options]\n"
        "Makes DIR/node-K, a new member of the chain that URL serves; overwrites nothing.\n"
        "  --secrets KEYS       keys folder of another node: the secrets that all share\n"
        "  --operator-key FILE  makes it known to the exchange at once, as a standby\n"
        "  --trust HEIGHT:HASH  your word for the validatorsHash of a block, where a set lost its\n"
        "                       quorum and could not sign the next one over\n"
        "  --host ADDRESS       address it listens on (default: 127.0.0.1)\n"
        "  --port P             port it listens on (default: 8080 + K)\n"
        "  --address HOST:PORT  where the other nodes find it (default: host, a port of its own)\n"
        "  --database CONNINFO  PostgreSQL, as libpq takes it (default: none)\n"
        "  --help\n",
        to);
}

static int wrong_usage(const char *what)
{
    fprintf(stderr, "quorex join: %s\n", what);
    print_usage(stderr);
    return 2;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct join *join)
{
    static const struct option known[] = {{"data", required_argument, NULL, 'd'},
                                          {"number", required_argument, NULL, 'n'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"secrets", required_argument, NULL, 's'},
                                          {"operator-key", required_argument, NULL, 'k'},
                                          {"host", required_argument, NULL, 'a'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"address", required_argument, NULL, 'l'},
                                          {"database", required_argument, NULL, 'b'},
                                          {"trust", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *number = NULL, *port = NULL, *trust = NULL;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        const char **const texts[] = {['d'] = &join->directory,
                                      ['n'] = &number,
                                      ['f'] = &join->from,
                                      ['s'] = &join->secrets,
                                      ['k'] = &join->operator_key,
                                      ['a'] = &join->host,
                                      ['p'] = &port,
                                      ['l'] = &join->address,
                                      ['t'] = &trust,
                                      ['b'] = &join->database};
        if (option == 'h') {
            print_usage(stdout);
            return 0;
        }
        if (option == '?') {
            print_usage(stderr);
            return 2;
        }
        *texts[option] = optarg;
    }
    if (optind != argc) return wrong_usage("too many arguments");
    if (join->directory == NULL || number == NULL || join->from == NULL || join->secrets == NULL)
        return wrong_usage("--data, --number, --from and --secrets are needed");
    if (trust != NULL && !trusted_word(trust, &join->trusted.height, &join->trusted_hash))
        return wrong_usage("--trust: HEIGHT:HASH");
    char *end;
    join->number = strtol(number, &end, 10);
    if (*end != '\0' || end == number || join->number < 0 || join->number > 999)
        return wrong_usage("--number: 0 to 999");
    const unsigned long value =
        port != NULL ? strtoul(port, &end, 10) : 8080ul + (unsigned long)join->number;
    if (value == 0 || value > 65535 || (port != NULL && *end != '\0'))
        return wrong_usage("--port: 1 to 65535");
    join->port = (unsigned)value;
    return -1;
}

int join_main(int argc, char **argv)
{
    struct join join = {.host = "127.0.0.1", .database = ""};
    const int code = read_options(argc, argv, &join);
    if (code >= 0) return code;
    join.client = client_new(join.from);
    const bool joined = join.client != NULL && join_chain(&join);
    client_free(join.client);
    if (joined) printf("made %s\n", join.folder);
    return joined ? 0 : 1;
}
