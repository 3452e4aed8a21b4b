#include "node/verify_liabilities.h"

#include "node/genesis_json.h"
#include "node/liabilities_check.h"
#include "node/proof_check.h"
#include "node/verify_proof.h"
#include "settlement/liability_proof.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: quorex verify --liabilities FILE --genesis FILE [--validators FILE]\n"
    "       quorex verify --opening FILE ... --account KEY --genesis FILE [--validators FILE]\n"
    "                     [--proof FILE] [--liabilities FILE]\n"
    "\n"
    "Checks offline what the exchange says that it owes: a whole file of liabilities, and a "
    "holder's\n"
    "leaves in it.\n"
    "\n"
    "  --liabilities FILE  a file of /quorex/v1/liabilities/file: every leaf is added up, each "
    "asset's\n"
    "                      sum is what users are owed in its block, and the nodes signed its root\n"
    "  --opening FILE      of one asset, of /quorex/v1/proofs/liability: leaves under the root "
    "that\n"
    "                      the nodes signed, opened to the key; any number of these\n"
    "  --account KEY       the holder's public key\n"
    "  --proof FILE        the account's proof of the same height: every asset in it must be "
    "opened,\n"
    "                      and the leaves must add up to its balance\n"
    "  --genesis FILE      the chain's genesis\n"
    "  --validators FILE   the block's voters, as somebody you trust says them at\n"
    "                      /quorex/v1/validators?height=HEIGHT (default: those of the genesis)\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 all of it holds, 1 something is wrong, 2 it cannot be told.\n";

struct asked {
    const char *liabilities, *genesis, *validators, *proof;
    const char *account; /* 64 hex digits */
    const char *openings[PROOF_ASSETS_MAX];
    uint32_t opening_count;
};

/* What it is checked against, and what was found. */
struct trust {
    struct genesis genesis;
    struct validator_set set;
    hash_t chain_id;
    uint8_t key[PUBLIC_KEY_BYTES];
    struct liabilities_opening openings[PROOF_ASSETS_MAX];
};

bool verify_liabilities_asked(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--liabilities", 13) == 0 || strncmp(argv[i], "--opening", 9) == 0)
            return true;
    return false;
}

/* The exit status with which to end now, or -1 to go on. */
static int read_flags(int argc, char **argv, struct asked *asked)
{
    static const struct option options[] = {{"liabilities", optional_argument, NULL, 'l'},
                                            {"opening", required_argument, NULL, 'o'},
                                            {"account", required_argument, NULL, 'a'},
                                            {"proof", required_argument, NULL, 'p'},
                                            {"genesis", required_argument, NULL, 'g'},
                                            {"validators", required_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool known = true;
    int option;
    *asked = (struct asked){0};
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l' && optarg == NULL && optind < argc && argv[optind][0] != '-')
            optarg = argv[optind++];
        if (option == 'l') asked->liabilities = optarg;
        if (option == 'a') asked->account = optarg;
        if (option == 'p') asked->proof = optarg;
        if (option == 'g') asked->genesis = optarg;
        if (option == 'v') asked->validators = optarg;
        if (option == 'o' && asked->opening_count == PROOF_ASSETS_MAX) known = false;
        if (option == 'o' && known) asked->openings[asked->opening_count++] = optarg;
        if (option == 'h') fputs(help, stdout);
        if (option == 'h') return 0;
        if (option == '?') known = false;
    }
    const bool holder = asked->opening_count > 0 || asked->proof != NULL;
    if (known && optind == argc && asked->genesis != NULL && holder == (asked->account != NULL) &&
        (holder || asked->liabilities != NULL))
        return -1;
    fputs(help, stderr);
    return 2;
}

static int cannot_tell(const char *what, const char *path)
{
    fprintf(stderr, "quorex verify: %s: %s\n", path, what);
    return 2;
}

static int wrong(const char *path, const char *fault)
{
    printf("wrong: %s: %s\n", path, fault);
    return 1;
}

/* ---- The file ---- */

static bool read_file(void *context, uint64_t offset, void *bytes, size_t byte_count)
{
    FILE *file = context;
    return fseeko(file, (off_t)offset, SEEK_SET) == 0 &&
           fread(bytes, 1, byte_count, file) == byte_count;
}

static void print_file(const struct liabilities_check *check)
{
    char root[2 * HASH_BYTES + 1];
    const hash_t hash = liabilities_root(&check->head);
    hash_hex(hash.bytes, HASH_BYTES, root);
    printf("right: liabilities at block %lu, certified: root %s\n", check->head.height, root);
    for (uint32_t i = 0; i < check->head.asset_count; i++) {
        printf("  asset %u: %lu leaves,", i, check->head.assets[i].leaf_count);
        verify_proof_print_units("together", (__int128)check->head.assets[i].sum);
        puts(" units: what users are owed");
    }
}

static int check_file(const char *path, const struct trust *trust, struct liabilities_check *check)
{
    struct stat found;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &found) != 0) {
        if (file != NULL) fclose(file);
        return cannot_tell("it cannot be read", path);
    }
    const struct liabilities_check_input input = {file, read_file, (uint64_t)found.st_size};
    const char *fault = liabilities_check_fault(&input, trust->chain_id, &trust->set, check);
    fclose(file);
    if (fault != NULL) return wrong(path, fault);
    print_file(check);
    return 0;
}

/* ---- A holder ---- */

/* A proof of this kind, by the holder's key; its block's hash. */
static int check_proof(const char *path, enum proof_kind kind, const char *otherwise,
                       const struct trust *trust, struct proof_check *check, hash_t *block)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    struct proof proof;
    size_t byte_count;
    if (verify_proof_read(path, bytes, &byte_count) != STATUS_OK)
        return cannot_tell("no proof can be read", path);
    const char *fault =
        proof_check_fault(bytes, byte_count, trust->chain_id, &trust->set, trust->key, check);
    if (fault != NULL) return wrong(path, fault);
    if (check->kind != kind || !proof_get(bytes, byte_count, &proof)) return wrong(path, otherwise);
    *block = block_header_hash(proof.headers);
    return 0;
}

static int check_opening(const char *path, const struct trust *trust,
                         const struct liabilities_head *head, struct liabilities_opening *opening)
{
    static struct proof_check check;
    hash_t block;
    const int code = check_proof(path, PROOF_LIABILITY, "it is no opening", trust, &check, &block);
    if (code != 0) return code;
    *opening = check.opening;
    if (head != NULL && !hash_equal(liabilities_root(head), liabilities_root(&opening->head)))
        return wrong(path, "it is of other liabilities than the file");
    printf("right: %s: block %lu, asset %u: %u leaves,", path, opening->head.height, opening->asset,
           opening->part_count);
    verify_proof_print_units("together", (__int128)liability_proof_amount(opening));
    puts(" units, opened to the key");
    return 0;
}

/* That nothing of the account was left out. */
static int check_account(const struct asked *asked, const struct trust *trust)
{
    static struct proof_check check;
    hash_t block;
    uint16_t asset = 0;
    const int code =
        check_proof(asked->proof, PROOF_ACCOUNT, "it is no account's proof", trust, &check, &block);
    if (code != 0) return code;
    const char *fault = liability_proof_holder_fault(trust->openings, asked->opening_count,
                                                     &check.account, block, &asset);
    if (fault != NULL) {
        printf("wrong: asset %u: %s\n", asset, fault);
        return 1;
    }
    printf("right: all that the account has at block %lu, %u assets, is in the sum\n",
           check.header.height, check.account.count);
    return 0;
}

static int check_all(const struct asked *asked, struct trust *trust)
{
    static struct liabilities_check check;
    const bool whole = asked->liabilities != NULL;
    int code = whole ? check_file(asked->liabilities, trust, &check) : 0;
    for (uint32_t i = 0; i < asked->opening_count && code == 0; i++)
        code = check_opening(asked->openings[i], trust, whole ? &check.head : NULL,
                             &trust->openings[i]);
    if (code == 0 && asked->proof != NULL) code = check_account(asked, trust);
    if (code == 0 && asked->proof == NULL && asked->opening_count > 0)
        puts("without --proof it is not known whether this is all that the account has");
    return code;
}

static int read_trust(const struct asked *asked, struct trust *trust)
{
    if (genesis_read(asked->genesis, &trust->genesis) != STATUS_OK) return 2;
    trust->set = trust->genesis.validators;
    trust->chain_id = genesis_chain_id(&trust->genesis);
    if (!verify_proof_validators(asked->validators, &trust->set))
        return cannot_tell("no validators can be read", asked->validators);
    if (asked->account != NULL &&
        !hash_from_hex(asked->account, strlen(asked->account), trust->key, sizeof(trust->key)))
        return cannot_tell("no public key of 64 hex digits", asked->account);
    return 0;
}

int verify_liabilities_main(int argc, char **argv)
{
    struct asked asked;
    const int early = read_flags(argc, argv, &asked);
    if (early >= 0) return early;
    struct trust *trust = hash_start() ? calloc(1, sizeof(*trust)) : NULL;
    if (trust == NULL) return 2;
    int code = read_trust(&asked, trust);
    if (code == 0) code = check_all(&asked, trust);
    free(trust);
    return code;
}
