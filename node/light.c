#include "node/light.h"

#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/light_check.h"
#include "node/light_follow.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS        10000 /* with one server, while it has more */
#define ROUNDS_IN_VAIN_MAX 3     /* of --once, without an answer or progress */
#define LINE_BLOCKS        256   /* that a line of progress is worth before its time */
#define LINE_MS            1000
#define LINE_IDLE_MS       30000

struct light_options {
    const char *genesis, *directory, *trust;
    bool once;
    unsigned interval_s;
};

struct run {
    struct light_options options;
    struct genesis genesis;
    struct trusted trusted;
    bool word_is_new; /* the operator's: it is not in the folder yet */
    struct light_servers servers;
    struct light_follow follow;
    bool is_stopped;
    uint64_t said_height, said_ms;
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "quorex light: %s: %s\n", what, why);
    return false;
}

/* ---- Signals and lines ---- */

static void take_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Waits, at most until a signal to stop comes. */
static bool wait_ms(struct run *run, uint64_t milliseconds)
{
    const struct timespec pause = {.tv_sec = (time_t)(milliseconds / 1000),
                                   .tv_nsec = (long)(milliseconds % 1000 * 1000000)};
    sigset_t signals;
    take_signals(&signals);
    if (!run->is_stopped) run->is_stopped = sigtimedwait(&signals, NULL, &pause) > 0;
    return run->is_stopped;
}

static bool stop(void *context)
{
    return wait_ms(context, 0);
}

static void progress(void *context, const struct light *light)
{
    struct run *run = context;
    const uint64_t now_ms = light_servers_now_ms(), height = light->certified.height;
    const uint64_t passed_ms = now_ms - run->said_ms;
    if (passed_ms < LINE_MS ||
        (passed_ms < LINE_IDLE_MS && height < run->said_height + LINE_BLOCKS))
        return;
    printf("block %" PRIu64 " certified\n", height);
    fflush(stdout);
    run->said_height = height;
    run->said_ms = now_ms;
}

static void print_hash(const char *name, hash_t hash)
{
    char hex[2 * HASH_BYTES + 1];
    hash_hex(hash.bytes, HASH_BYTES, hex);
    printf("%-14s %s\n", name, hex);
}

static void print_state(const struct run *run)
{
    const struct light *light = &run->follow.light;
    const struct light_point *point = &light->certified;
    print_hash("chain id", light->chain_id);
    printf("%-14s %" PRIu64 "\n", "certified", point->height);
    if (point->height == 0) return;
    print_hash("hash", point->hash);
    print_hash("state root", point->header.state_root);
    printf("%-14s %" PRIu64 "\n", "epoch", point->header.epoch);
    printf("%-14s %" PRIu64 "\n", "first block", light->first);
    if (light_is_whole(light)) print_hash("history root", history_root(&point->history));
    printf("%-14s", "voters");
    for (uint32_t i = 0; i < point->set.count; i++)
        printf(" %" PRIu32, point->set.members[i].node);
    printf(" (%" PRIu32 " must sign)\n", validator_set_quorum(&point->set));
    printf("%-14s %" PRIu64 "\n", "uncertified", light_pending(light));
    printf("%-14s %" PRIu32 " of %" PRIu32 "\n", "servers", light_servers_left(&run->servers),
           run->servers.count);
}

/* ---- What it begins with ---- */

/* The genesis that is given, or the one that the folder was begun with; they must be of one chain. */
static bool read_genesis(struct run *run)
{
    char path[FILE_PATH_MAX];
    char *text = NULL;
    size_t byte_count;
    const char *directory = run->options.directory, *given = run->options.genesis;
    if (!file_path(path, directory, LIGHT_GENESIS_FILE)) return fail(directory, "too long");
    if (given == NULL && !file_exists(path)) return fail("--genesis", "a new folder needs it");
    if (genesis_read(given != NULL ? given : path, &run->genesis) != STATUS_OK)
        return fail(given != NULL ? given : path, "no genesis");
    if (file_exists(path)) {
        struct genesis *here = calloc(1, sizeof(*here));
        const bool same = here != NULL && genesis_read(path, here) == STATUS_OK &&
                          hash_equal(genesis_chain_id(here), genesis_chain_id(&run->genesis));
        free(here);
        return same || fail(path, "the genesis of another chain, or damaged");
    }
    enum status status = file_read(given, &text, &byte_count);
    if (status == STATUS_OK) status = file_create(path, text, byte_count, 0644);
    free(text);
    return status == STATUS_OK || fail(path, status_text(status));
}

/* An operator's word, and who they are that it is about: anybody may say that, the hash decides. */
static bool read_trusted(struct run *run)
{
    char path[FILE_PATH_MAX];
    hash_t hash;
    struct trusted word = {0};
    if (!file_path(path, run->options.directory, TRUSTED_FILE) ||
        trusted_read(path, &run->trusted) != STATUS_OK)
        return fail(TRUSTED_FILE, "cannot be read");
    if (run->options.trust == NULL) return true;
    const bool is_word = trusted_word(run->options.trust, &word.height, &hash);
    ASSERT(is_word); /* read_options has looked */
    if (run->trusted.height > 0)
        return (run->trusted.height == word.height &&
                hash_equal(validator_set_hash(&run->trusted.set), hash)) ||
               fail("--trust", "this folder was begun with another word");
    if (hash_equal(validator_set_hash(&run->genesis.validators), hash))
        word.set = run->genesis.validators;
    else if (!light_follow_voters(&run->servers, NULL, hash, &word.set))
        return fail("--trust", "no server knows voters with that hash");
    run->trusted = word;
    run->word_is_new = true;
    return true;
}

/* Kept when it does not contradict what is here. */
static bool keep_trusted(const struct run *run)
{
    char path[FILE_PATH_MAX];
    if (!run->word_is_new) return true;
    if (!file_path(path, run->options.directory, TRUSTED_FILE)) return false;
    const enum status status = trusted_write(path, &run->trusted);
    return status == STATUS_OK || fail(path, status_text(status));
}

static bool open_folder(struct run *run)
{
    const struct light_store_options options = {.directory = run->options.directory,
                                                .genesis = &run->genesis,
                                                .trusted = &run->trusted,
                                                .writes = true};
    const enum status folder = file_make_folder(run->options.directory, 0755);
    if (folder != STATUS_OK) return fail(run->options.directory, status_text(folder));
    if (!read_genesis(run) || !read_trusted(run)) return false;
    const enum status status = light_store_open(&options, &run->follow.store, &run->follow.light);
    return status == STATUS_OK ? keep_trusted(run)
                               : fail(run->options.directory, status_text(status));
}

/* ---- Rounds ---- */

/* Until somebody may be asked again. */
static uint64_t pause_ms(const struct run *run)
{
    const uint64_t now_ms = light_servers_now_ms();
    uint64_t soonest = UINT64_MAX;
    for (uint32_t i = 0; i < run->servers.count; i++) {
        const struct light_server *server = &run->servers.list[i];
        if (!server->is_dropped && server->rests_until_ms < soonest)
            soonest = server->rests_until_ms;
    }
    const uint64_t interval_ms = run->options.interval_s * UINT64_C(1000);
    if (soonest == UINT64_MAX || soonest < now_ms + interval_ms) return interval_ms;
    return soonest - now_ms;
}

static int say_gap(const struct run *run)
{
    fprintf(stderr,
            "quorex light: block %" PRIu64 " hands over to other voters, and no server shows that "
            "its own signed it.\nIf they could not, this goes on with an operator's word: "
            "--trust HEIGHT:HASH\n",
            run->follow.gap);
    return LIGHT_EXIT_GAP;
}

static int say_fork(const struct run *run)
{
    char path[FILE_PATH_MAX];
    light_store_fork(run->follow.store, path, sizeof(path));
    fprintf(stderr,
            "quorex light: two chains are certified: a third of the voters or more lied.\n"
            "Nothing above block %" PRIu64
            " is to be believed before that is settled. Evidence: %s\n",
            run->follow.light.certified.height, path);
    return LIGHT_EXIT_FORK;
}

/* Returns an exit code, or -1 to go on. `in_vain`: rounds in a row that gave nothing. */
static int after_round(struct run *run, enum light_round round, uint32_t *in_vain, uint64_t before)
{
    const bool moved = run->follow.light.certified.height > before;
    *in_vain = round == LIGHT_ROUND_NOTHING && !moved ? *in_vain + 1 : 0;
    if (round == LIGHT_ROUND_FORK) return say_fork(run);
    if (round == LIGHT_ROUND_FAILED) return LIGHT_EXIT_FAILED;
    if (round == LIGHT_ROUND_STOPPED) return LIGHT_EXIT_DONE;
    if (run->options.once && round == LIGHT_ROUND_DONE && run->follow.gap == 0 && !run->follow.more)
        return LIGHT_EXIT_DONE;
    if (light_servers_left(&run->servers) == 0) {
        fail("servers", "each of them has said what is not so; nobody is left to ask");
        return LIGHT_EXIT_FAILED;
    }
    if (run->options.once && run->follow.gap > 0) return say_gap(run);
    if (run->options.once && *in_vain >= ROUNDS_IN_VAIN_MAX) {
        fail("servers", "none of them answers with anything new");
        return LIGHT_EXIT_FAILED;
    }
    return -1;
}

static int follow_chain(struct run *run)
{
    char path[FILE_PATH_MAX];
    uint32_t in_vain = 0;
    uint64_t gap = 0;
    light_store_fork(run->follow.store, path, sizeof(path));
    if (path[0] != '\0') return say_fork(run);
    for (;;) {
        const uint64_t before = run->follow.light.certified.height;
        const enum light_round round = light_follow_round(&run->follow);
        const int code = after_round(run, round, &in_vain, before);
        if (code >= 0) return code;
        if (run->follow.gap != gap && run->follow.gap > 0) say_gap(run);
        gap = run->follow.gap;
        if (wait_ms(run, run->follow.more ? 0 : pause_ms(run))) return LIGHT_EXIT_DONE;
    }
}

/* ---- The command ---- */

static void print_usage(FILE *to)
{
    fputs("usage: quorex light --genesis FILE --data DIR --url URL [--url URL ...] [options]\n"
          "       quorex light check --help\n"
          "Follows a chain by headers and certificates, and trusts no server.\n"
          "  --genesis FILE       where all trust begins; a folder that was begun keeps it\n"
          "  --data DIR           what is known so far; made if it is not there\n"
          "  --url URL            a server, http://host:port; give several, up to 16\n"
          "  --trust HEIGHT:HASH  your word for the validatorsHash of a block: begins there, or "
          "leads\n"
          "                       on where voters could not sign the next ones over\n"
          "  --once               ends when it has what the servers have, and says what that is\n"
          "  --interval SECONDS   between questions, 1 to 3600 (default: 1)\n"
          "  --help\n"
          "Exit code: 0 done, 1 nobody left to ask or the folder cannot be used, 2 wrong usage,\n"
          "3 --trust is needed, 4 two chains are certified (DIR/evidence)\n",
          to);
}

static int wrong_usage(const char *what)
{
    fprintf(stderr, "quorex light: %s\n", what);
    print_usage(stderr);
    return LIGHT_EXIT_USAGE;
}

static bool read_interval(const char *text, unsigned *interval_s)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    *interval_s = (unsigned)value;
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && value <= LIGHT_INTERVAL_MAX_S;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct run *run)
{
    static const struct option known[] = {
        {"genesis", required_argument, NULL, 'g'}, {"data", required_argument, NULL, 'd'},
        {"url", required_argument, NULL, 'u'},     {"trust", required_argument, NULL, 't'},
        {"once", no_argument, NULL, 'o'},          {"interval", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    struct light_options *options = &run->options;
    uint64_t height;
    hash_t hash;
    options->interval_s = LIGHT_INTERVAL_S;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h') print_usage(stdout);
        if (option == 'h') return LIGHT_EXIT_DONE;
        if (option == '?') return wrong_usage("what is that?");
        if (option == 'u' && !light_servers_add(&run->servers, optarg))
            return wrong_usage("--url: http://host:port, 16 of them at most");
        if (option == 'i' && !read_interval(optarg, &options->interval_s))
            return wrong_usage("--interval: 1 to 3600");
        if (option == 't' && !trusted_word(optarg, &height, &hash))
            return wrong_usage("--trust: HEIGHT:HASH");
        if (option == 'g') options->genesis = optarg;
        if (option == 'd') options->directory = optarg;
        if (option == 't') options->trust = optarg;
        if (option == 'o') options->once = true;
    }
    if (optind != argc) return wrong_usage("too many arguments");
    if (options->directory == NULL || run->servers.count == 0)
        return wrong_usage("--data and --url are needed");
    return -1;
}

int light_main(int argc, char **argv)
{
    sigset_t signals;
    if (argc > 1 && strcmp(argv[1], "check") == 0) return light_check_main(argc - 1, argv + 1);
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) return LIGHT_EXIT_FAILED;
    int code = read_options(argc, argv, run);
    if (code < 0) {
        take_signals(&signals);
        run->follow.servers = &run->servers;
        run->follow.stop = stop;
        run->follow.progress = progress;
        run->follow.patience_ms = PATIENCE_MS;
        run->follow.context = run;
        run->said_ms = light_servers_now_ms();
        code = open_folder(run) ? follow_chain(run) : LIGHT_EXIT_FAILED;
        if (run->follow.store != NULL && (code == LIGHT_EXIT_DONE || code == LIGHT_EXIT_GAP))
            print_state(run);
    }
    light_store_close(run->follow.store);
    light_servers_free(&run->servers);
    free(run);
    return code;
}
