#include "node/light_check.h"

#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/light.h"
#include "node/light_servers.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOFS_MAX 64

/* ---- Proofs ---- */

static bool not_proved(char words[LIGHT_CHECK_REASON_MAX], const char *why)
{
    snprintf(words, LIGHT_CHECK_REASON_MAX, "%s", why);
    return false;
}

/* The root of the first `size` headers, from what is certified. */
static bool certified_root(const struct light_known *known, uint64_t size, hash_t *root)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    const struct light *light = &known->light;
    if (size == light->certified.height && light_is_whole(light)) {
        *root = history_root(&light->certified.history);
        return true;
    }
    if (size >= light->certified.height || size + 1 < light->first) return false;
    if (light_store_header(known->store, size + 1, bytes) != STATUS_OK ||
        !block_header_decode(bytes, &header))
        return false;
    *root = header.history_root;
    return true;
}

static bool check_inclusion(const struct light_known *known, const struct light_proof *proof,
                            char words[LIGHT_CHECK_REASON_MAX])
{
    char hex[2 * HASH_BYTES + 1];
    (void)known;
    if (!merkle_included(history_leaf(proof->low_hash), proof->low - 1, proof->high, proof->root,
                         &proof->path))
        return not_proved(words, "the path does not lead from this header to the root");
    hash_hex(proof->low_hash.bytes, HASH_BYTES, hex);
    snprintf(words, LIGHT_CHECK_REASON_MAX,
             "block %" PRIu64 " of the certified chain has the header %s", proof->low, hex);
    return true;
}

static bool check_consistency(const struct light_known *known, const struct light_proof *proof,
                              char words[LIGHT_CHECK_REASON_MAX])
{
    char hex[2 * HASH_BYTES + 1];
    hash_t root;
    if (!merkle_consistent(proof->low, proof->low_hash, proof->high, proof->root, &proof->path))
        return not_proved(words, "the path does not lead from the older root to the newer");
    if (certified_root(known, proof->low, &root) && !hash_equal(root, proof->low_hash))
        return not_proved(words, "the older root is not that of the certified chain");
    hash_hex(proof->low_hash.bytes, HASH_BYTES, hex);
    snprintf(words, LIGHT_CHECK_REASON_MAX,
             "the chain of %" PRIu64
             " headers with the root %s is the beginning of the certified one",
             proof->low, hex);
    return true;
}

/* By kind. */
static bool (*const checks[])(const struct light_known *known, const struct light_proof *proof,
                              char words[LIGHT_CHECK_REASON_MAX]) = {
    [LIGHT_PROOF_INCLUSION] = check_inclusion,
    [LIGHT_PROOF_CONSISTENCY] = check_consistency,
};

bool light_check_proof(const struct light_known *known, const struct light_proof *proof,
                       char words[LIGHT_CHECK_REASON_MAX])
{
    hash_t root;
    if (!certified_root(known, proof->high, &root)) {
        snprintf(words, LIGHT_CHECK_REASON_MAX,
                 "the root of %" PRIu64 " headers is not known here: blocks %" PRIu64 " to %" PRIu64
                 " are",
                 proof->high, known->light.first, known->light.certified.height);
        return false;
    }
    if (!hash_equal(root, proof->root))
        return not_proved(words, "its root is not that of the certified chain");
    return checks[proof->kind](known, proof, words);
}

bool light_check_is_asked(const struct light_proof *proof, const struct light_asked *asked)
{
    return proof->kind == asked->kind && proof->low == asked->low && proof->high == asked->high;
}

/* ---- The command ---- */

struct check {
    const char *directory, *genesis_file, *url;
    const char *files[PROOFS_MAX];
    uint32_t file_count;
    uint64_t header, at, from, to; /* 0: not given */
    struct genesis genesis;
    struct trusted trusted;
    struct light_known known;
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "quorex light check: %s: %s\n", what, why);
    return false;
}

static bool open_known(struct check *check)
{
    char path[FILE_PATH_MAX];
    const struct light_store_options options = {
        .directory = check->directory, .genesis = &check->genesis, .trusted = &check->trusted};
    if (!file_path(path, check->directory, LIGHT_GENESIS_FILE)) return fail("--data", "too long");
    if (genesis_read(check->genesis_file != NULL ? check->genesis_file : path, &check->genesis) !=
        STATUS_OK)
        return fail("--genesis", "it cannot be read");
    if (!file_path(path, check->directory, TRUSTED_FILE) ||
        trusted_read(path, &check->trusted) != STATUS_OK)
        return fail(TRUSTED_FILE, "it cannot be read");
    const enum status status = light_store_open(&options, &check->known.store, &check->known.light);
    if (status != STATUS_OK) return fail(check->directory, status_text(status));
    light_store_fork(check->known.store, path, sizeof(path));
    if (path[0] != '\0') return fail(path, "two chains are certified: nothing is proved by either");
    return check->known.light.certified.height > 0 ||
           fail(check->directory, "nothing is certified");
}

/* `asked`: what it must be about; NULL: whatever it says. */
static bool check_text(struct check *check, const char *name, const char *text, size_t byte_count,
                       const struct light_asked *asked)
{
    struct light_proof proof;
    char words[LIGHT_CHECK_REASON_MAX];
    const char *fault = light_page_proof(text, byte_count, &proof);
    if (fault != NULL) return fail(name, fault);
    if (asked != NULL && !light_check_is_asked(&proof, asked))
        return fail(name, "it proves something else than was asked for");
    if (!light_check_proof(&check->known, &proof, words)) return fail(name, words);
    printf("proved: %s\n", words);
    return true;
}

static bool check_file(struct check *check, const char *path)
{
    char *text;
    size_t byte_count;
    const enum status status = file_read(path, &text, &byte_count);
    if (status != STATUS_OK) return fail(path, status_text(status));
    const bool proved = check_text(check, path, text, byte_count, NULL);
    free(text);
    return proved;
}

/* Asks a server for a proof that ends in a root we know. `high` 0: the newest but one. */
static bool check_asked(struct check *check, struct light_server *server, struct light_asked asked)
{
    /* By kind. */
    static const struct {
        const char *path, *low, *high;
    } questions[] = {
        [LIGHT_PROOF_INCLUSION] = {"/quorex/v1/proofs/header", "height", "at"},
        [LIGHT_PROOF_CONSISTENCY] = {"/quorex/v1/proofs/consistency", "from", "to"},
    };
    char query[128];
    struct client_answer answer;
    const uint64_t certified = check->known.light.certified.height;
    if (asked.high == 0) asked.high = certified > asked.low ? certified - 1 : certified;
    snprintf(query, sizeof(query), "%s=%" PRIu64 "&%s=%" PRIu64, questions[asked.kind].low,
             asked.low, questions[asked.kind].high, asked.high);
    if (light_servers_ask(server, questions[asked.kind].path, query, &answer) != LIGHT_REPLY_GIVEN)
        return fail(server->url, "it gives no such proof");
    return check_text(check, server->url, answer.body, answer.body_bytes, &asked);
}

static bool ask_all(struct check *check)
{
    struct light_servers servers = {0};
    if (check->url == NULL) return true;
    if (!light_servers_add(&servers, check->url)) return fail("--url", "http://host:port");
    bool proved = true;
    if (check->header > 0)
        proved = check_asked(check, &servers.list[0],
                             (struct light_asked){LIGHT_PROOF_INCLUSION, check->header, check->at});
    if (check->from > 0)
        proved =
            check_asked(check, &servers.list[0],
                        (struct light_asked){LIGHT_PROOF_CONSISTENCY, check->from, check->to}) &&
            proved;
    light_servers_free(&servers);
    return proved;
}

static void print_usage(FILE *to)
{
    fputs(
        "usage: quorex light check --data DIR --proof FILE [--proof FILE ...]\n"
        "       quorex light check --data DIR --url URL --header H [--at N]\n"
        "       quorex light check --data DIR --url URL --from A [--to B]\n"
        "Says what a proof proves to whoever has followed the chain into DIR.\n"
        "  --proof FILE    an answer of /quorex/v1/proofs/header or /quorex/v1/proofs/consistency\n"
        "  --header H      asks for the proof that header H is in the history of N headers\n"
        "  --from A        asks for the proof that the history of A headers grew into that of B\n"
        "  --genesis FILE  instead of DIR/genesis.json\n"
        "  --help\n"
        "Exit code: 0 all is proved, 1 something is not, 2 wrong usage\n",
        to);
}

static int wrong_usage(const char *what)
{
    fprintf(stderr, "quorex light check: %s\n", what);
    print_usage(stderr);
    return LIGHT_EXIT_USAGE;
}

static bool read_number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && *value < INT64_MAX;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct check *check)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},   {"genesis", required_argument, NULL, 'g'},
        {"url", required_argument, NULL, 'u'},    {"proof", required_argument, NULL, 'p'},
        {"header", required_argument, NULL, 'H'}, {"at", required_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'f'},   {"to", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        uint64_t *const numbers[] = {
            ['H'] = &check->header, ['a'] = &check->at, ['f'] = &check->from, ['t'] = &check->to};
        const bool is_number = strchr("Haft", option) != NULL;
        if (option == 'h') print_usage(stdout);
        if (option == 'h') return LIGHT_EXIT_DONE;
        if (option == '?') return wrong_usage("what is that?");
        if (is_number && !read_number(optarg, numbers[option]))
            return wrong_usage("heights and sizes are numbers from 1 on");
        if (option == 'd') check->directory = optarg;
        if (option == 'g') check->genesis_file = optarg;
        if (option == 'u') check->url = optarg;
        if (option == 'p' && check->file_count == PROOFS_MAX) return wrong_usage("too many proofs");
        if (option == 'p') check->files[check->file_count++] = optarg;
    }
    if (optind != argc) return wrong_usage("too many arguments");
    if (check->directory == NULL) return wrong_usage("--data is needed");
    const bool asks = check->header > 0 || check->from > 0;
    if (asks != (check->url != NULL)) return wrong_usage("--url goes with --header or --from");
    if (!asks && check->file_count == 0) return wrong_usage("--proof, --header or --from");
    return -1;
}

int light_check_main(int argc, char **argv)
{
    struct check *check = calloc(1, sizeof(*check));
    if (check == NULL) return LIGHT_EXIT_FAILED;
    int code = read_options(argc, argv, check);
    if (code < 0) {
        bool proved = open_known(check);
        for (uint32_t i = 0; proved && i < check->file_count; i++)
            proved = check_file(check, check->files[i]);
        proved = proved && ask_all(check);
        code = proved ? LIGHT_EXIT_DONE : LIGHT_EXIT_FAILED;
    }
    light_store_close(check->known.store);
    free(check);
    return code;
}
