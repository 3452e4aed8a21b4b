#include "node/admin.h"

#include "node/auditor.h"
#include "node/epoch.h"
#include "node/key_file.h"
#include "node/reconciliation.h"
#include "node/replacement.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADMIN_PATH "/quorex/v1/admin"

/* What the operator types, what the log's text says, and what a key left out stands for. */
static const struct action {
    const char *name;
    const char *text;
    const char *keys; /* for the help */
    const char *defaults[3][2];
} actions[] = {
    {"create-asset", "action=asset-create", "symbol= [decimals=8]", {{"decimals", "8"}}},
    {"create-market",
     "action=market-create",
     "symbol= base= quote= tick= lot= minPrice= maxPrice= minQty= maxQty= minNotional= "
     "[maxOrders=200]",
     {{"maxOrders", "200"}}},
    {"halt-market", "action=market-status&status=HALT", "symbol=", {{NULL, NULL}}},
    {"resume-market", "action=market-status&status=TRADING", "symbol=", {{NULL, NULL}}},
    {"break-market", "action=market-status&status=BREAK", "symbol=", {{NULL, NULL}}},
    {"create-account",
     "action=account-create",
     "publicKey=HEX (Ed25519, 32 bytes) [tier=0]",
     {{"tier", "0"}}},
    {"add-key",
     "action=key-add",
     "account= keyId=HEX (32 bytes, becomes the API key) [publicKey=HEX] [hmac=true] "
     "[permissions=READ,TRADE]",
     {{"hmac", "true"}, {"permissions", "READ,TRADE"}}},
    {"credit", "action=credit", "account= asset= amount=", {{NULL, NULL}}},
    {"debit", "action=debit", "account= asset= amount=", {{NULL, NULL}}},
    {"set-tier", "action=account-tier", "account= tier= (the lowest it may have)", {{NULL, NULL}}},
    {"set-filters",
     "action=market-filters",
     "symbol= [marketMinQty=] [marketMaxQty=] [maxNotional=] [maxPosition=] [bidMultiplierUp=] "
     "[bidMultiplierDown=] [askMultiplierUp=] [askMultiplierDown=] [avgPriceMins=] [bandPpm=] "
     "[maxNumAlgoOrders=] [maxNumIcebergOrders=] [icebergParts=] [maxNumOrderLists=] "
     "[minTrailingDelta=] [maxTrailingDelta=] [selfTradeModes=NONE,DECREMENT,...] "
     "[selfTradeDefault=]",
     {{NULL, NULL}}},
    {"add-node",
     "action=node-add",
     "node= publicKey=HEX address=HOST:PORT (it stands by; the id is above every one ever used)",
     {{NULL, NULL}}},
    {"promote-node", "action=node-role&role=VOTER", "node=", {{NULL, NULL}}},
    {"demote-node", "action=node-role&role=STANDBY", "node=", {{NULL, NULL}}},
    {"remove-node", "action=node-remove", "node=", {{NULL, NULL}}},
    {"swap-nodes", "action=node-swap", "oldNode= newNode=", {{NULL, NULL}}},
    {"set-rules",
     "action=rules-set",
     "rules= (the next number; every node must know it)",
     {{NULL, NULL}}},
    {"set-route",
     "action=route-set",
     "chain= asset= decimals= confirmations= connector=NUMBER withdrawMin= withdrawMax= "
     "withdrawDayMax= approvalAbove= approvals= addressDelay=SECONDS [status=OPEN]",
     {{"status", "OPEN"}}},
    {"set-withdraw-fee",
     "action=route-fee-set",
     "chain= asset= withdrawFee= (from when the route's addressDelay is over)",
     {{NULL, NULL}}},
    {"add-connector",
     "action=connector-add",
     "publicKey=HEX (may report and ask of the routes that name it, and nothing else)",
     {{NULL, NULL}}},
    {"open-accounts",
     "action=opening-set",
     "perHour= (accounts that may open themselves with a key pair in an hour; 0: none) "
     "[approval=true] (each waits for approve-account)",
     {{"approval", "true"}}},
    {"approve-account", "action=account-approve", "account=", {{NULL, NULL}}},
    {"freeze-account", "action=account-freeze&frozen=true", "account=", {{NULL, NULL}}},
    {"unfreeze-account", "action=account-freeze&frozen=false", "account=", {{NULL, NULL}}},
    {"assign-address", "action=deposit-address", "account= chain= address=", {{NULL, NULL}}},
    {"report-deposit",
     "action=deposit-report",
     "chain= txid=HEX [output=0] asset= amount=WHOLE (in the chain's unit) address= height= "
     "confirmations=",
     {{"output", "0"}}},
    {"report-reorg", "action=deposit-reorg", "chain= txid=HEX [output=0]", {{"output", "0"}}},
    {"approve-withdrawal",
     "action=withdrawal-approve",
     "withdrawal= asset= amount= address= (as they were seen)",
     {{NULL, NULL}}},
    {"deny-withdrawal", "action=withdrawal-deny", "withdrawal=", {{NULL, NULL}}},
    {"report-withdrawal",
     "action=withdrawal-report",
     "withdrawal= status=BROADCAST|FINAL|FAILED [txid=HEX]",
     {{NULL, NULL}}},
    {"liabilities",
     "action=liabilities-order",
     "(of the next checkpoint, published as docs/liabilities.md has it)",
     {{NULL, NULL}}},
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

struct client_answer admin_send(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                                const char *text)
{
    char full[CLIENT_TEXT_MAX];
    const uint64_t now_us = client_now_us();
    if (snprintf(full, sizeof(full), "%s&nonce=%" PRIu64 "&timestamp=%" PRIu64, text, now_us,
                 now_us / 1000) >= (int)sizeof(full))
        return (struct client_answer){.body = "the request is too long"};
    return client_send_operator(client, ADMIN_PATH, full, secret_key);
}

static void print_usage(FILE *to)
{
    fputs("usage: quorex admin --operator-key FILE [--url URL] ACTION key=value...\n"
          "  --url URL            of any node (default: http://127.0.0.1:8080)\n"
          "  --operator-key FILE  made by quorex init\n"
          "  --help\n"
          "actions:\n",
          to);
    for (size_t i = 0; i < ACTION_COUNT; i++)
        fprintf(to, "  %-18s %s\n", actions[i].name, actions[i].keys);
    fprintf(to, "  %-18s %s\n", REPLACEMENT_ACTION, REPLACEMENT_KEYS);
    fprintf(to, "  %-18s %s\n", AUDITOR_ACTION, AUDITOR_KEYS);
    fprintf(to, "  %-15s %s\n", RECONCILIATION_ACTION, RECONCILIATION_KEYS);
    fputs("  epoch           of stopped nodes, without a key: as quorex epoch\n", to);
}

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (strcmp(actions[i].name, name) == 0) return &actions[i];
    return NULL;
}

struct text {
    size_t length;
    char bytes[CLIENT_TEXT_MAX - 256];
};

static bool text_add(struct text *text, const char *bytes, size_t byte_count)
{
    if (byte_count >= sizeof(text->bytes) - text->length) return false;
    memcpy(text->bytes + text->length, bytes, byte_count);
    text->length += byte_count;
    text->bytes[text->length] = '\0';
    return true;
}

/* Adds `value` percent-encoded: only what needs no encoding anywhere stays as it is. */
static bool text_add_value(struct text *text, const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (; *value != '\0'; value++) {
        char encoded[4];
        snprintf(encoded, sizeof(encoded), "%%%02X", (unsigned char)*value);
        const bool added =
            strchr(plain, *value) != NULL ? text_add(text, value, 1) : text_add(text, encoded, 3);
        if (!added) return false;
    }
    return true;
}

static bool text_add_pair(struct text *text, const char *key, size_t key_bytes, const char *value)
{
    return text_add(text, "&", 1) && text_add(text, key, key_bytes) && text_add(text, "=", 1) &&
           text_add_value(text, value);
}

static bool given(const char *key, int pair_count, char **pairs)
{
    for (int i = 0; i < pair_count; i++)
        if (strncmp(pairs[i], key, strlen(key)) == 0 && pairs[i][strlen(key)] == '=') return true;
    return false;
}

/* The action's text: what it always says, the pairs given, and the defaults of the others. */
static bool compose(const struct action *action, int pair_count, char **pairs, struct text *text)
{
    bool fits = text_add(text, action->text, strlen(action->text));
    for (int i = 0; i < pair_count; i++) {
        const char *equals = strchr(pairs[i], '=');
        if (equals == NULL || equals == pairs[i]) {
            fprintf(stderr, "quorex admin: \"%s\" is not key=value\n", pairs[i]);
            return false;
        }
        fits = fits && text_add_pair(text, pairs[i], (size_t)(equals - pairs[i]), equals + 1);
    }
    for (size_t i = 0; i < 3 && action->defaults[i][0] != NULL; i++)
        if (!given(action->defaults[i][0], pair_count, pairs))
            fits = fits && text_add_pair(text, action->defaults[i][0],
                                         strlen(action->defaults[i][0]), action->defaults[i][1]);
    if (!fits) fputs("quorex admin: the request is too long\n", stderr);
    return fits;
}

static int report(const struct client_answer *answer, const char *url)
{
    if (answer->http_status == 0) {
        fprintf(stderr, "quorex admin: no answer from %s: %s\n", url, answer->body);
        return 3;
    }
    printf("%s\n", answer->body);
    if (answer->http_status == 200) return 0;
    if (answer->http_status == 404)
        fprintf(stderr, "quorex admin: %s is not a quorex node\n", url);
    else if (answer->http_status == 504)
        fputs("quorex admin: the outcome is unknown; look before you repeat it\n", stderr);
    else
        fprintf(stderr, "quorex admin: refused (HTTP %ld)\n", answer->http_status);
    return answer->http_status == 504 ? 3 : 1;
}

/* What is more than one signed command. */
enum errand { ERRAND_NONE, ERRAND_REPLACEMENT, ERRAND_GRANT, ERRAND_RECONCILIATION };

struct errands {
    enum errand which;
    struct replacement replacement;
    struct auditor auditor;
    struct reconciliation reconciliation;
};

static enum errand find_errand(const char *name)
{
    if (strcmp(name, REPLACEMENT_ACTION) == 0) return ERRAND_REPLACEMENT;
    if (strcmp(name, RECONCILIATION_ACTION) == 0) return ERRAND_RECONCILIATION;
    return strcmp(name, AUDITOR_ACTION) == 0 ? ERRAND_GRANT : ERRAND_NONE;
}

static bool read_errand(struct errands *errands, int pair_count, char **pairs)
{
    if (errands->which == ERRAND_RECONCILIATION)
        return reconciliation_read(pair_count, pairs, &errands->reconciliation);
    return errands->which == ERRAND_GRANT
               ? auditor_read(pair_count, pairs, &errands->auditor)
               : replacement_read(pair_count, pairs, &errands->replacement);
}

/* Needs: an action, or NULL for the errand. */
static int perform(const char *url, const char *key_path, const struct action *action,
                   enum errand errand, int pair_count, char **pairs)
{
    uint8_t secret_key[SECRET_KEY_BYTES];
    struct text text = {0};
    struct errands errands = {.which = errand};
    if (action == NULL && !read_errand(&errands, pair_count, pairs)) return 2;
    if (action != NULL && !compose(action, pair_count, pairs, &text)) return 2;
    if (key_file_read_ed25519(key_path, secret_key) != STATUS_OK) return 1;

    struct client *client = client_new(url);
    int code = 1;
    if (client != NULL && action != NULL) {
        const struct client_answer answer = admin_send(client, secret_key, text.bytes);
        code = report(&answer, url);
    } else if (client != NULL && errand == ERRAND_GRANT) {
        code = auditor_grant(client, secret_key, &errands.auditor);
    } else if (client != NULL && errand == ERRAND_RECONCILIATION) {
        code = reconciliation_perform(client, secret_key, &errands.reconciliation);
    } else if (client != NULL) {
        code = replacement_perform(client, secret_key, &errands.replacement);
    }
    client_free(client);
    sodium_memzero(secret_key, sizeof(secret_key));
    return code;
}

int admin_main(int argc, char **argv)
{
    static const struct option known[] = {{"url", required_argument, NULL, 'u'},
                                          {"operator-key", required_argument, NULL, 'k'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *url = "http://127.0.0.1:8080", *key_path = NULL;
    /* Of stopped nodes: no address, no nonce. */
    if (argc > 1 && strcmp(argv[1], "epoch") == 0) return epoch_main(argc - 1, argv + 1);
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'u':
            url = optarg;
            break;
        case 'k':
            key_path = optarg;
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    const struct action *action = optind < argc ? find_action(argv[optind]) : NULL;
    const enum errand errand = optind < argc ? find_errand(argv[optind]) : ERRAND_NONE;
    const bool known_word = action != NULL || errand != ERRAND_NONE;
    if (!known_word || key_path == NULL) {
        if (optind < argc && !known_word)
            fprintf(stderr, "quorex admin: no action is called \"%s\"\n", argv[optind]);
        else
            fputs("quorex admin: an action and --operator-key are needed\n", stderr);
        print_usage(stderr);
        return 2;
    }
    return perform(url, key_path, action, errand, argc - optind - 1, argv + optind + 1);
}
