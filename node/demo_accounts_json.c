#include "node/demo_accounts.h"

#include "node/admin.h"
#include "node/demo.h"
#include "node/file_os.h"
#include "node/key_file.h"
#include "node/trader.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DECIMALS 8

struct bootstrap {
    struct client *client;
    const char *directory;
    uint8_t operator_key[SECRET_KEY_BYTES];
    uint8_t gateway_secret[HASH_BYTES];
    bool deposits; /* ways are opened, and who is listed in accounts.json has addresses */
    struct trader traders[DEMO_ACCOUNT_COUNT]; /* those with an account number exist */
};

/* The two lists. */
static const char *const list_names[2] = {"accounts.json", "flow-accounts.json"};

static bool failed(const char *what, const struct client_answer *answer)
{
    fprintf(stderr, "quorex demo-accounts: %s: %s (HTTP %ld)\n", what, answer->body,
            answer->http_status);
    return false;
}

/* Puts the traders of one list, in the demo's order, into `list`; returns their count. */
static size_t collect(const struct bootstrap *bootstrap, bool flow, struct trader *list)
{
    size_t count = 0;
    for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
        if (demo_accounts[i].flow == flow) list[count++] = bootstrap->traders[i];
    return count;
}

/* What exists is in the part file: only traders whose account number is known. */
static bool save_part(const struct bootstrap *bootstrap, const char *path)
{
    struct trader known[DEMO_ACCOUNT_COUNT];
    char beside[FILE_PATH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
        if (bootstrap->traders[i].account != 0) known[count++] = bootstrap->traders[i];
    if (!file_path(beside, bootstrap->directory, "demo-accounts.new")) return false;
    unlink(beside);
    return trader_write_all(beside, known, count) == STATUS_OK && rename(beside, path) == 0;
}

static bool load_list(struct bootstrap *bootstrap, const char *path)
{
    struct trader known[TRADER_COUNT_MAX];
    size_t count = 0;
    if (!file_exists(path)) return true;
    if (trader_read_all(path, known, TRADER_COUNT_MAX, &count) != STATUS_OK) return false;
    for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
        for (size_t k = 0; k < count; k++)
            if (strcmp(known[k].name, demo_accounts[i].name) == 0) bootstrap->traders[i] = known[k];
    return true;
}

static bool create_account(struct bootstrap *bootstrap, struct trader *trader, const char *name)
{
    char text[CLIENT_TEXT_MAX], public_hex[2 * PUBLIC_KEY_BYTES + 1];
    trader_make(trader, name, bootstrap->gateway_secret);
    hash_hex(trader->public_key, sizeof(trader->public_key), public_hex);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", public_hex);

    const struct client_answer answer =
        admin_send(bootstrap->client, bootstrap->operator_key, text);
    if (answer.http_status != 200) return failed("no account made", &answer);
    json_t *root = json_loadb(answer.body, answer.body_bytes, 0, NULL);
    const json_int_t account = json_integer_value(json_object_get(root, "account"));
    json_decref(root);
    if (account < 1 || account > UINT32_MAX) return failed("no account number", &answer);
    trader->account = (uint32_t)account;
    return true;
}

/* A key that an earlier run has added is refused as existing, and that is well. */
static bool add_key(struct bootstrap *bootstrap, const struct trader *trader)
{
    char text[CLIENT_TEXT_MAX], key_hex[2 * HASH_BYTES + 1], public_hex[2 * PUBLIC_KEY_BYTES + 1];
    hash_hex(trader->key_id, sizeof(trader->key_id), key_hex);
    hash_hex(trader->public_key, sizeof(trader->public_key), public_hex);
    snprintf(text, sizeof(text),
             "action=key-add&account=%u&keyId=%s&publicKey=%s&hmac=true&permissions=READ%%2CTRADE",
             (unsigned)trader->account, key_hex, public_hex);

    const struct client_answer answer =
        admin_send(bootstrap->client, bootstrap->operator_key, text);
    if (answer.http_status == 200 || strstr(answer.body, "exists already") != NULL) return true;
    return failed("no key added", &answer);
}

static int64_t units_of(const char *text)
{
    int64_t units = 0;
    if (text == NULL || decimal_parse(text, strlen(text), DECIMALS, &units) != DECIMAL_OK) return 0;
    return units;
}

static bool read_balances(struct bootstrap *bootstrap, const struct trader *trader,
                          int64_t balances[DEMO_ASSET_COUNT])
{
    struct client_key key;
    hash_hex(trader->key_id, sizeof(trader->key_id), key.api_key);
    memcpy(key.secret_key, trader->secret_key, sizeof(key.secret_key));
    const struct client_answer answer =
        client_send_signed(bootstrap->client, "GET", "/api/v3/account", "", &key);
    if (answer.http_status != 200) return failed("account not readable", &answer);

    json_t *root = json_loadb(answer.body, answer.body_bytes, 0, NULL), *item;
    size_t index;
    memset(balances, 0, sizeof(int64_t) * DEMO_ASSET_COUNT);
    json_array_foreach(json_object_get(root, "balances"), index, item)
    {
        const char *asset = json_string_value(json_object_get(item, "asset"));
        for (int i = 0; asset != NULL && i < DEMO_ASSET_COUNT; i++)
            if (strcmp(asset, demo_assets[i]) == 0)
                balances[i] = units_of(json_string_value(json_object_get(item, "free"))) +
                              units_of(json_string_value(json_object_get(item, "locked")));
    }
    json_decref(root);
    return true;
}

/* Credits what the account lacks. Nobody else knows its key yet, so what it has is what earlier
 * runs have credited. */
static bool fund(struct bootstrap *bootstrap, const struct trader *trader,
                 const struct demo_account *wanted)
{
    int64_t balances[DEMO_ASSET_COUNT];
    if (!read_balances(bootstrap, trader, balances)) return false;
    for (int i = 0; i < DEMO_ASSET_COUNT; i++) {
        const int64_t lacking = units_of(wanted->amounts[i]) - balances[i];
        if (lacking <= 0) continue;

        char text[CLIENT_TEXT_MAX], amount[DECIMAL_TEXT_MAX];
        decimal_format(lacking, DECIMALS, amount);
        snprintf(text, sizeof(text), "action=credit&account=%u&asset=%s&amount=%s",
                 (unsigned)trader->account, demo_assets[i], amount);
        const struct client_answer answer =
            admin_send(bootstrap->client, bootstrap->operator_key, text);
        if (answer.http_status != 200) return failed("no credit", &answer);
    }
    return true;
}

/* Whoever has a key pair may have an account in a demo. A chain of older rules refuses that, and is as good a demo. */
static bool let_open(struct bootstrap *bootstrap)
{
    const struct client_answer answer =
        admin_send(bootstrap->client, bootstrap->operator_key,
                   "action=opening-set&perHour=1000&approval=false");
    return answer.http_status == 200 || strstr(answer.body, "-9101") != NULL ||
           failed("accounts do not open themselves", &answer);
}

/* No connector watches these chains: who tries a deposit or a withdrawal reports as the operator (docs/custody.md).
 * No such address exists on any chain, so nothing can be sent there. */
static bool open_deposits(struct bootstrap *bootstrap)
{
    char text[CLIENT_TEXT_MAX];
    for (int i = 0; i < DEMO_WAY_COUNT; i++) {
        const struct demo_way *way = &demo_ways[i];
        snprintf(text, sizeof(text),
                 "action=route-set&chain=%s&asset=%s&decimals=%d&confirmations=%d&connector=0"
                 "&withdrawMin=%s&withdrawMax=%s&withdrawDayMax=%s&approvalAbove=%s&approvals=1"
                 "&addressDelay=0&status=OPEN",
                 way->chain, demo_assets[way->asset], way->decimals, way->confirmations,
                 way->withdrawal_min, way->withdrawal_max, way->withdrawal_max,
                 way->withdrawal_max);
        const struct client_answer answer =
            admin_send(bootstrap->client, bootstrap->operator_key, text);
        if (answer.http_status != 200) return failed("no way opened", &answer);
    }
    return true;
}

static bool assign_address(struct bootstrap *bootstrap, const struct trader *trader,
                           const char *chain)
{
    char text[CLIENT_TEXT_MAX];
    snprintf(text, sizeof(text),
             "action=deposit-address&account=%u&chain=%s&address=demo-%s-%s-nothing-to-send-to",
             (unsigned)trader->account, chain, chain, trader->name);
    const struct client_answer answer =
        admin_send(bootstrap->client, bootstrap->operator_key, text);
    return answer.http_status == 200 || failed("no deposit address", &answer);
}

static bool assign_addresses(struct bootstrap *bootstrap)
{
    for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
        for (int k = 0; k < DEMO_WAY_COUNT; k++)
            if (!demo_accounts[i].flow &&
                !assign_address(bootstrap, &bootstrap->traders[i], demo_ways[k].chain))
                return false;
    return true;
}

static bool make_trader(struct bootstrap *bootstrap, size_t index, const char *part_path)
{
    struct trader *trader = &bootstrap->traders[index];
    if (trader->account == 0) {
        if (!create_account(bootstrap, trader, demo_accounts[index].name)) return false;
        if (!save_part(bootstrap, part_path)) return false;
    }
    return add_key(bootstrap, trader) && fund(bootstrap, trader, &demo_accounts[index]);
}

/* The traders of a finished list must be known to this exchange: a list left over from another chain
 * is worth a plain word. */
static bool check_list(struct bootstrap *bootstrap, const char *path)
{
    struct trader known[TRADER_COUNT_MAX];
    int64_t balances[DEMO_ASSET_COUNT];
    size_t count = 0;
    if (trader_read_all(path, known, TRADER_COUNT_MAX, &count) != STATUS_OK) return false;
    for (size_t i = 0; i < count; i++)
        if (!read_balances(bootstrap, &known[i], balances)) {
            fprintf(stderr, "quorex demo-accounts: is %s of another chain? Then move it away.\n",
                    path);
            return false;
        }
    return true;
}

static bool make_lists(struct bootstrap *bootstrap)
{
    char part[FILE_PATH_MAX], paths[2][FILE_PATH_MAX];
    if (!file_path(part, bootstrap->directory, "demo-accounts.part")) return false;
    if (!load_list(bootstrap, part)) return false;

    for (int flow = 0; flow < 2; flow++) {
        struct trader list[DEMO_ACCOUNT_COUNT];
        if (!file_path(paths[flow], bootstrap->directory, list_names[flow])) return false;
        if (file_exists(paths[flow])) {
            if (!check_list(bootstrap, paths[flow])) return false;
            continue;
        }
        for (size_t i = 0; i < DEMO_ACCOUNT_COUNT; i++)
            if (demo_accounts[i].flow == flow && !make_trader(bootstrap, i, part)) return false;
        if (flow == 0 && !let_open(bootstrap)) return false;
        if (flow == 0 && bootstrap->deposits &&
            !(open_deposits(bootstrap) && assign_addresses(bootstrap)))
            return false;
        const size_t count = collect(bootstrap, flow, list);
        if (trader_write_all(paths[flow], list, count) != STATUS_OK) return false;
        printf("made %s\n", paths[flow]);
    }
    unlink(part);
    return true;
}

static bool load_keys(struct bootstrap *bootstrap)
{
    char path[FILE_PATH_MAX];
    return file_path(path, bootstrap->directory, "operator.key") &&
           key_file_read_ed25519(path, bootstrap->operator_key) == STATUS_OK &&
           file_path(path, bootstrap->directory, "node-0/keys/gateway-secret-1") &&
           key_file_read(path, bootstrap->gateway_secret, HASH_BYTES) == STATUS_OK;
}

static void print_usage(FILE *to)
{
    fputs("usage: quorex demo-accounts --data DIR [--url URL] [--deposits]\n"
          "Makes and funds the demo's accounts: DIR/accounts.json and DIR/flow-accounts.json. "
          "Others may open\n"
          "their own then, with a key pair.\n"
          "  --data DIR   made by quorex init --demo\n"
          "  --url URL    of its node (default: http://127.0.0.1:8080)\n"
          "  --deposits   opens deposits and withdrawals, too, over chains that nobody watches\n"
          "  --help\n",
          to);
}

int demo_accounts_main(int argc, char **argv)
{
    static const struct option known[] = {{"url", required_argument, NULL, 'u'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"deposits", no_argument, NULL, 'D'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct bootstrap bootstrap = {0};
    const char *url = "http://127.0.0.1:8080";
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'u':
            url = optarg;
            break;
        case 'd':
            bootstrap.directory = optarg;
            break;
        case 'D':
            bootstrap.deposits = true;
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    if (bootstrap.directory == NULL || optind != argc) {
        fputs("quorex demo-accounts: --data is missing, or too many arguments\n", stderr);
        print_usage(stderr);
        return 2;
    }
    bootstrap.client = client_new(url);
    const bool made = bootstrap.client != NULL && load_keys(&bootstrap) && make_lists(&bootstrap);
    client_free(bootstrap.client);
    sodium_memzero(&bootstrap, sizeof(bootstrap));
    return made ? 0 : 1;
}
