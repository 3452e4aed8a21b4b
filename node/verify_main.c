#include "node/verify_main.h"

#include "common/genesis.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"
#include "node/trusted.h"
#include "node/verify.h"
#include "node/verify_liabilities.h"
#include "node/verify_proof.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: quorex verify --chain DIR [--checkpoint DIR] [--from-checkpoint HEIGHT]\n"
    "                     [--genesis FILE] [--tree-secret FILE] [--trust HEIGHT:HASH]\n"
    "       quorex verify --proof FILE --genesis FILE [--validators FILE] [--account PUBLICKEY]\n"
    "       quorex verify --liabilities FILE --genesis FILE ...  (--liabilities --help says more)\n"
    "\n"
    "Audits a chain without trusting it: reads every byte, checks every hash, link, root and\n"
    "signature, counts the money of every block, and executes every command again from the\n"
    "genesis. The first block that is wrong is named. A chain that lacks the first bodies is\n"
    "executed from the lowest checkpoint that the others lead on from; what that rests on is "
    "said.\n"
    "\n"
    "  --chain DIR         the folder with the chain files (a node's chain/)\n"
    "  --checkpoint DIR    the folder with checkpoints and lineage (default: DIR/../checkpoint)\n"
    "  --from-checkpoint HEIGHT\n"
    "                      execute from the lowest checkpoint at or above this height, to save "
    "time\n"
    "  --genesis FILE      the chain's genesis (default: DIR/../genesis.json)\n"
    "  --tree-secret FILE  the secret of the account tree (default: DIR/../keys/tree-secret-V, V\n"
    "                      being the genesis' version)\n"
    "  --trust HEIGHT:HASH an operator's word: the validatorsHash of a block, where the voters\n"
    "                      before could not sign the next ones over\n"
    "  --proof FILE        instead of a chain: one proof of an account, a trade or the totals, as "
    "the\n"
    "                      exchange answers it or its bytes alone\n"
    "  --validators FILE   of a proof: its block's voters, as somebody you trust says them at\n"
    "                      /quorex/v1/validators?height=HEIGHT (default: those of the genesis)\n"
    "  --account KEY       of an account's proof: the public key that must be in it\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 the chain is right from the genesis on, 1 it is wrong, 2 it cannot be told,\n"
    "3 it is right as far as it goes: blocks below a checkpoint were not executed.\n";

struct verify_flags {
    const char *chain;
    const char *checkpoints;
    const char *from;
    const char *trust;
    const char *genesis;
    const char *tree_secret;
    struct verify_proof_options proof;
};

/* The exit status with which to end now, or -1 to go on. */
static int read_flags(int argc, char **argv, struct verify_flags *flags)
{
    static const struct option options[] = {{"chain", required_argument, NULL, 'c'},
                                            {"checkpoint", required_argument, NULL, 'k'},
                                            {"from-checkpoint", required_argument, NULL, 'f'},
                                            {"trust", required_argument, NULL, 'w'},
                                            {"genesis", required_argument, NULL, 'g'},
                                            {"tree-secret", required_argument, NULL, 't'},
                                            {"proof", required_argument, NULL, 'p'},
                                            {"validators", required_argument, NULL, 'v'},
                                            {"account", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *flags = (struct verify_flags){0};
    optind = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') flags->chain = optarg;
        if (option == 'k') flags->checkpoints = optarg;
        if (option == 'f') flags->from = optarg;
        if (option == 'w') flags->trust = optarg;
        if (option == 'g') flags->genesis = optarg;
        if (option == 't') flags->tree_secret = optarg;
        if (option == 'p') flags->proof.proof = optarg;
        if (option == 'v') flags->proof.validators = optarg;
        if (option == 'a') flags->proof.account = optarg;
        if (option == 'h') fputs(help, stdout);
        if (option == 'h') return 0;
        if (option == '?') return 2;
    }
    const bool proves = flags->proof.proof != NULL && flags->genesis != NULL;
    flags->proof.genesis = flags->genesis;
    if ((flags->chain != NULL) != proves && optind == argc) return -1;
    fputs(help, stderr);
    return 2;
}

static bool read_height(const char *text, uint64_t *height)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *height = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && *height > 0;
}

static int read_inputs(const struct verify_flags *flags, struct genesis *genesis,
                       uint8_t tree_secret[32])
{
    char path[FILE_PATH_MAX], name[64];
    if (flags->genesis == NULL && !file_path(path, flags->chain, "../genesis.json")) return 2;
    if (genesis_read(flags->genesis != NULL ? flags->genesis : path, genesis) != STATUS_OK)
        return 2;
    snprintf(name, sizeof(name), "../keys/tree-secret-%u", genesis->params.tree_secret_version);
    if (flags->tree_secret == NULL && !file_path(path, flags->chain, name)) return 2;
    const char *secret = flags->tree_secret != NULL ? flags->tree_secret : path;
    return key_file_read(secret, tree_secret, 32) == STATUS_OK ? 0 : 2;
}

static const char *word_text(enum voters_word word)
{
    switch (word) {
    case VOTERS_GENESIS:
        return "whom the genesis leads to";
    case VOTERS_OPERATOR:
        return "whom the operator's word leads to";
    case VOTERS_OWN:
        break;
    }
    return "of whom only the checkpoint itself, or a step that nobody signed, says that they vote";
}

static void print_certified(const struct verify_result *result)
{
    if (result->certified_height == result->height)
        printf("all certified\n");
    else
        printf("certified to block %lu, the %lu after it not yet\n", result->certified_height,
               result->height - result->certified_height);
}

static void print_all(const struct verify_result *result)
{
    printf("right: %lu blocks, %lu commands, %lu fills; ", result->height, result->command_count,
           result->fill_count);
    if (result->height == 0)
        printf("the chain is empty\n");
    else
        print_certified(result);
}

static void print_part(const struct verify_result *result)
{
    const uint64_t last =
        result->checkpoint_height > 0 ? result->checkpoint_height : result->height;
    printf("right as far as it goes:\n");
    printf("  blocks %lu to %lu: headers, and the bytes of %lu bodies; not executed\n",
           result->first_height, last, result->body_count);
    printf("    %lu certificates%s%s\n", result->certificate_count,
           result->certificate_count > 0 ? ", by voters " : "",
           result->certificate_count > 0 ? word_text(result->headers_word) : "");
    if (result->unknown_count > 0)
        printf(
            "    %lu more, of blocks %lu to %lu, cannot be checked: nothing here says who voted\n",
            result->unknown_count, result->unknown_first, result->unknown_last);
    if (result->conserved_height > 0)
        printf("    money of blocks 1 to %lu: none made or lost, by their events\n",
               result->conserved_height);
    if (result->checkpoint_height > 0)
        printf("  block %lu: state of a checkpoint that %u of %u voters (%u needed) signed,\n"
               "    %s\n",
               result->checkpoint_height, result->signer_count, result->voter_count, result->quorum,
               word_text(result->checkpoint_word));
    else
        printf("  no checkpoint here leads on to the bodies: nothing was executed\n");
    if (result->executed_from > 0)
        printf("  blocks %lu to %lu: everything, executed again: %lu commands, %lu fills\n",
               result->executed_from, result->height, result->command_count, result->fill_count);
    printf("  ");
    print_certified(result);
}

static int audit_and_print(const struct verify_options *options)
{
    struct verify_result result;
    const enum status status = verify_audit(options, &result);
    if (status == STATUS_OK && result.executed_from == 1) {
        print_all(&result);
        return 0;
    }
    if (status == STATUS_OK) {
        print_part(&result);
        return 3;
    }
    if (result.fault.height > 0)
        printf("wrong: block %lu: %s\n", result.fault.height, result.fault.reason);
    else
        fprintf(stderr, "quorex verify: %s\n", result.fault.reason);
    return result.fault.height > 0 ? 1 : 2;
}

int verify_main(int argc, char **argv)
{
    struct verify_flags flags;
    uint8_t tree_secret[32];
    char checkpoints[FILE_PATH_MAX];
    if (verify_liabilities_asked(argc, argv)) return verify_liabilities_main(argc, argv);
    const int early = read_flags(argc, argv, &flags);
    if (early >= 0) return early;
    if (flags.proof.proof != NULL) return hash_start() ? verify_proof(&flags.proof) : 2;

    struct genesis *genesis = calloc(1, sizeof(*genesis));
    struct verify_options options = {.chain = flags.chain,
                                     .checkpoints = flags.checkpoints,
                                     .genesis = genesis,
                                     .tree_secret = tree_secret};
    int code = genesis == NULL || !hash_start() ? 2 : 0;
    if (code == 0 && flags.trust != NULL &&
        !trusted_word(flags.trust, &options.trusted_height, &options.trusted)) {
        fputs("quorex verify: --trust takes HEIGHT:HASH\n", stderr);
        code = 2;
    }
    if (code == 0 && flags.from != NULL && !read_height(flags.from, &options.from_checkpoint)) {
        fputs("quorex verify: --from-checkpoint takes a height\n", stderr);
        code = 2;
    }
    if (code == 0) code = read_inputs(&flags, genesis, tree_secret);
    if (options.checkpoints == NULL && file_path(checkpoints, flags.chain, "../checkpoint"))
        options.checkpoints = checkpoints;
    if (code == 0) code = audit_and_print(&options);
    sodium_memzero(tree_secret, sizeof(tree_secret));
    free(genesis);
    return code;
}
