/* Plays random commands through the engine and the model and compares every byte and balance.
 *
 *     model_run [--seed N] [--commands N] [--seconds N] [--length N] [--check N] [--hash] [--demand]
 *               [--out FILE] [--damage N]
 *     model_run --replay FILE [--events]
 *
 * A run is many worlds, one after the other, each of `length` commands and a seed of its own. It ends at
 * the first difference, or when who plays dies of an assertion or hangs: then the commands of that world
 * are shrunk to the fewest that still show it, printed, and written to `--out`. Exit 0: no difference.
 * `--hash` prints a hash over all events; `--demand` fails when some event, refusal or reason never came;
 * `--damage N` alters a bit of the engine's events from the Nth command on, which must be found.
 */

#include "common/hash.h"
#include "common/le.h"
#include "tests/model/dice.h"
#include "tests/model/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH_MAX      20000
#define SHRINK_SECONDS  120
#define WORLD_SECONDS   120 /* one that takes longer hangs */
#define ATTEMPT_SECONDS 20
#define TYPES           64
#define FIRST_EVENT     T_NOOP

struct options {
    uint64_t seed, commands, seconds, length, check, damage;
    bool hash, demand, events;
    const char *out, *replay;
};

/* Shared with the process that plays, so that it is there when that dies. */
struct tape {
    uint64_t world_seed, worlds, commands;
    uint64_t events[TYPES], rejects[256], reasons[32];
    uint32_t count;
    uint8_t hash[HASH_BYTES];
    struct genesis genesis;
    struct trial_command script[LENGTH_MAX];
};

/* ---- What a run met ---- */

/* Everything that must come in a long run. Not: what no command of these worlds can bring about. */
static const uint16_t demanded_events[] = {
    T_NOOP,
    T_REFUSED,
    T_HELLO_ACCEPTED,
    T_SEALED,
    T_ASSET_CREATED,
    T_MARKET_CREATED,
    T_MARKET_FILTERED,
    T_ACCOUNT_CREATED,
    T_KEY_ADDED,
    T_KEY_CREATED,
    T_KEY_LIMITED,
    T_KEY_REMOVED,
    T_ACCOUNT_PENDING,
    T_OPENING_CHANGED,
    T_CREDITED,
    T_DEBITED,
    T_ORDER_ACCEPTED,
    T_FILL,
    T_ORDER_DONE,
    T_LEVEL,
    T_BALANCE,
    T_ORDER_TERMS,
    T_ORDER_TAGGED,
    T_ORDER_REPEATED,
    T_ORDER_TRIGGERED,
    T_ORDER_RELEASED,
    T_PREVENTED,
    T_ORDER_AMENDED,
    T_ORDER_REPLACED,
    T_LIST_ACCEPTED,
    T_LIST_DONE,
    T_SWITCH_ARMED,
    T_SWITCH_FIRED,
    T_TIER_CHANGED,
    T_TIER_SET,
    T_MARKET_STATUS_CHANGED,
    T_NODE_CHANGED,
    T_EPOCH_CHANGED,
    T_RULES_CHANGED,
    T_ROUTE_CHANGED,
    T_ACCOUNT_FROZEN,
    T_ADDRESS_CHANGED,
    T_DEPOSIT_CHANGED,
    T_WITHDRAWAL_CHANGED,
    T_WITHDRAWAL_MOVED,
    T_ROUTE_FEE_CHANGED,
    T_LIABILITIES_ORDERED,
    T_CONNECTOR_ADDED,
};

static void count_met(struct tape *tape, const uint8_t *at, const uint8_t *end)
{
    struct event event;
    while (event_next(&at, end, &event)) {
        tape->events[event.type - FIRST_EVENT]++;
        if (event.type == T_REFUSED || event.type == T_NOOP) {
            tape->rejects[le_get_u16(event.payload) & 255]++;
        } else if (event.type == T_ORDER_REPLACED) {
            tape->rejects[le_get_u16(event.payload) & 255]++;
            tape->rejects[le_get_u16(event.payload + 2) & 255]++;
        } else if (event.type == T_ORDER_DONE) {
            struct order_done_event done;
            order_done_event_get(event.payload, &done);
            tape->reasons[done.reason & 31]++;
        }
    }
}

static void print_met(const struct tape *tape)
{
    for (int i = 0; i < TYPES; i++)
        if (tape->events[i] > 0)
            printf("  %-24s %12" PRIu64 "\n", message_name((uint16_t)(FIRST_EVENT + i)),
                   tape->events[i]);
    for (int i = 1; i < 256; i++)
        if (tape->rejects[i] > 0)
            printf("  %-24s %12" PRIu64 "\n", reject_name((enum reject)i), tape->rejects[i]);
    for (int i = 1; i < 32; i++)
        if (tape->reasons[i] > 0) printf("  reason %-17d %12" PRIu64 "\n", i, tape->reasons[i]);
}

static bool met_everything(const struct tape *tape)
{
    bool all = true;
    print_met(tape);
    for (size_t i = 0; i < sizeof(demanded_events) / sizeof(*demanded_events); i++) {
        if (tape->events[demanded_events[i] - FIRST_EVENT] > 0) continue;
        printf("never met: event %s\n", message_name(demanded_events[i]));
        all = false;
    }
    for (int reject = REJECT_STALE_SEQUENCE; reject <= REJECT_SWITCH_TIMEOUT; reject++) {
        if (tape->rejects[reject] > 0) continue;
        printf("never met: %s\n", reject_name((enum reject)reject));
        all = false;
    }
    /* 32 keys of one account are more than a world has. */
    for (int reject = REJECT_KEY_PERMISSION; reject < REJECT_ACCOUNT_KEYS; reject++) {
        if (tape->rejects[reject] > 0) continue;
        printf("never met: %s\n", reject_name((enum reject)reject));
        all = false;
    }
    for (int reject = REJECT_OPENING_CLOSED; reject <= REJECT_NOT_PENDING; reject++) {
        if (tape->rejects[reject] > 0) continue;
        printf("never met: %s\n", reject_name((enum reject)reject));
        all = false;
    }
    for (int reject = REJECT_UNKNOWN_NODE; reject <= REJECT_EPOCH; reject++) {
        /* 64 members are more than a world's length brings together. */
        if (tape->rejects[reject] > 0 || reject == REJECT_NODES_FULL) continue;
        printf("never met: %s\n", reject_name((enum reject)reject));
        all = false;
    }
    for (int reject = REJECT_RULES; reject <= REJECT_NOT_CERTIFIED; reject++) {
        if (tape->rejects[reject] > 0) continue;
        printf("never met: %s\n", reject_name((enum reject)reject));
        all = false;
    }
    for (int reason = DONE_FILLED; reason <= DONE_REPLACED; reason++) {
        if (tape->reasons[reason] > 0) continue;
        printf("never met: reason %d\n", reason);
        all = false;
    }
    return all;
}

/* ---- Playing ---- */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Steps both; every `check`th command, their invariants. */
static bool play_one(struct trial *trial, const struct options *options,
                     const struct trial_command *command, uint64_t nth)
{
    bool same = trial_step(trial, command);
    if (options->damage != 0 && nth >= options->damage && trial->engine_out.count > 0) {
        trial->engine_out.begin[EVENT_HEADER_BYTES] ^= 1;
        same = trial_same(trial);
    }
    if (same && nth % options->check == 0) trial_check(trial);
    return same;
}

static bool play_world(struct tape *tape, const struct options *options, struct hash_stream *hash,
                       uint64_t commands)
{
    struct trial *trial = malloc(sizeof(*trial));
    struct dice dice;
    bool same = true;
    ASSERT(trial != NULL);
    script_genesis(&tape->genesis);
    dice_open(&dice, tape->world_seed, &tape->genesis);
    trial_open(trial, &tape->genesis);
    for (tape->count = 0; same && tape->count < commands; tape->commands++) {
        struct trial_command *command = &tape->script[tape->count];
        dice_next(&dice, trial->model, command);
        trial_regulate(trial, command);
        tape->count++;
        same = play_one(trial, options, command, tape->commands + 1);
        count_met(tape, trial->engine_out.begin, trial->engine_out.at);
        if (options->hash)
            hash_stream_add(hash, trial->engine_out.begin, event_writer_mark(&trial->engine_out));
    }
    if (same) trial_check(trial);
    trial_close(trial);
    free(trial);
    return same;
}

static bool play_all(struct tape *tape, const struct options *options)
{
    struct hash_stream hash;
    const double start = seconds_now();
    hash_stream_begin(&hash);
    for (uint64_t world = 0; tape->commands < options->commands; world++) {
        const uint64_t rest = options->commands - tape->commands;
        if (options->seconds != 0 && seconds_now() - start > (double)options->seconds) break;
        tape->world_seed = options->seed + world;
        alarm(WORLD_SECONDS);
        tape->worlds++;
        if (!play_world(tape, options, &hash, rest < options->length ? rest : options->length))
            return false;
    }
    const double seconds = seconds_now() - start;
    const hash_t sum = hash_stream_end(&hash);
    memcpy(tape->hash, sum.bytes, HASH_BYTES);
    printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " commands, %" PRIu64 " fills, %" PRIu64
           " refusals, %.1f s, %.0f a second\n",
           options->seed, options->seed + tape->worlds - 1, tape->commands,
           tape->events[T_FILL - FIRST_EVENT], tape->events[T_REFUSED - FIRST_EVENT], seconds,
           (double)tape->commands / seconds);
    return true;
}

/* Plays what the tape holds. False at a difference, which is printed when `say`. */
static bool play_script(struct tape *tape, bool say, bool events)
{
    struct trial *trial = malloc(sizeof(*trial));
    bool same = true;
    ASSERT(trial != NULL);
    trial_open(trial, &tape->genesis);
    for (uint32_t i = 0; same && i < tape->count; i++) {
        struct trial_command *command = &tape->script[i];
        trial_regulate(trial, command);
        if (events) {
            printf("%" PRIu32 ": ", i + 1);
            script_print_command(stdout, command);
            putchar('\n');
            fflush(stdout);
        }
        same = trial_step(trial, command);
        if (events) script_print_events(stdout, trial->model_events.bytes, trial->model_out.at);
        if (same) trial_check(trial);
        if (same || !say) continue;
        printf("command %" PRIu32 " differs at stamp %" PRIu64 ": ", i + 1, command->stamp_ns);
        script_print_command(stdout, command);
        printf("\n  the model says\n");
        script_print_events(stdout, trial->model_events.bytes, trial->model_out.at);
        printf("  the engine says\n");
        script_print_events(stdout, trial->engine_out.begin, trial->engine_out.at);
    }
    trial_close(trial);
    free(trial);
    return same;
}

/* ---- Shrinking ---- */

/* Whether these commands show a difference, or kill who plays them, tried in a process of its own. */
static bool script_differs(struct tape *tape, bool say)
{
    fflush(stdout);
    const pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        alarm(ATTEMPT_SECONDS);
        if (!say && freopen("/dev/null", "w", stderr) == NULL) _exit(2);
        const bool same = play_script(tape, say, false);
        fflush(stdout);
        _exit(same ? 0 : 1);
    }
    int status;
    const pid_t ended = waitpid(child, &status, 0);
    ASSERT(ended == child);
    if (WIFSIGNALED(status) && say) printf("who plays it dies of signal %d\n", WTERMSIG(status));
    return status != 0;
}

/* Drops `count` commands at `at`; puts them back when the difference goes with them. */
static bool drop_if_needless(struct tape *tape, uint32_t at, uint32_t count,
                             struct trial_command *kept)
{
    const uint32_t before = tape->count;
    memcpy(kept, tape->script, before * sizeof(*kept));
    memmove(&tape->script[at], &tape->script[at + count], (before - at - count) * sizeof(*kept));
    tape->count = before - count;
    if (script_differs(tape, false)) return true;
    memcpy(tape->script, kept, before * sizeof(*kept));
    tape->count = before;
    return false;
}

static void shrink(struct tape *tape)
{
    struct trial_command *kept = malloc(LENGTH_MAX * sizeof(*kept));
    const double end = seconds_now() + SHRINK_SECONDS;
    ASSERT(kept != NULL);
    uint32_t chunk = tape->count / 2;
    while (chunk > 0 && seconds_now() < end) {
        bool dropped = false;
        for (uint32_t at = 0; at + chunk <= tape->count && seconds_now() < end;) {
            if (drop_if_needless(tape, at, chunk, kept))
                dropped = true;
            else
                at += chunk;
        }
        if (chunk > 1)
            chunk /= 2;
        else if (!dropped)
            break;
    }
    free(kept);
}

static void report(struct tape *tape, const struct options *options)
{
    char remark[128];
    printf("world %" PRIu64 " (seed %" PRIu64 "), command %" PRIu32 " of it, %" PRIu64
           " in all, differs\n",
           tape->world_seed, options->seed, tape->count, tape->commands);
    if (!script_differs(tape, true)) {
        printf("and does not when it is played again\n");
        return;
    }
    shrink(tape);
    printf("shrunk to %" PRIu32 " commands:\n", tape->count);
    for (uint32_t i = 0; i < tape->count; i++) {
        printf("%4" PRIu32 " ", i + 1);
        script_print_command(stdout, &tape->script[i]);
        putchar('\n');
    }
    (void)script_differs(tape, true);
    if (options->out == NULL) return;
    const struct script script = {
        .genesis = tape->genesis, .commands = tape->script, .count = tape->count};
    snprintf(remark, sizeof(remark), "shrunk from the world of seed %" PRIu64, tape->world_seed);
    if (script_write(&script, options->out, remark)) printf("written to %s\n", options->out);
}

/* ---- The program ---- */

static int replay(struct tape *tape, const struct options *options)
{
    struct script script;
    if (!script_read(&script, options->replay)) return 2;
    if (script.count > LENGTH_MAX) {
        fprintf(stderr, "%s: more than %d commands\n", options->replay, LENGTH_MAX);
        return 2;
    }
    tape->genesis = script.genesis;
    tape->count = script.count;
    memcpy(tape->script, script.commands, script.count * sizeof(*script.commands));
    script_free(&script);
    const bool same = play_script(tape, true, options->events);
    printf("%s: %" PRIu32 " commands, %s\n", options->replay, tape->count,
           same ? "no difference" : "a difference");
    return same ? 0 : 1;
}

static int run(struct tape *tape, const struct options *options)
{
    printf("seed %" PRIu64 ", %" PRIu64 " commands\n", options->seed, options->commands);
    fflush(stdout);
    const pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        const bool same = play_all(tape, options);
        fflush(stdout);
        _exit(same ? 0 : 1);
    }
    int status;
    const pid_t ended = waitpid(child, &status, 0);
    ASSERT(ended == child);
    if (status != 0) {
        if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
        report(tape, options);
        return 1;
    }
    char hex[2 * HASH_BYTES + 1];
    hash_hex(tape->hash, HASH_BYTES, hex);
    if (options->hash) printf("hash %s\n", hex);
    return options->demand && !met_everything(tape) ? 1 : 0;
}

static bool read_option(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {
        {"--seed", &options->seed},       {"--commands", &options->commands},
        {"--seconds", &options->seconds}, {"--length", &options->length},
        {"--check", &options->check},     {"--damage", &options->damage},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (strcmp(name, numbers[i].name) != 0 || value == NULL) continue;
        char *end;
        *numbers[i].number = strtoull(value, &end, 0);
        return end != value && *end == '\0';
    }
    if (strcmp(name, "--out") == 0) options->out = value;
    if (strcmp(name, "--replay") == 0) options->replay = value;
    return value != NULL && (strcmp(name, "--out") == 0 || strcmp(name, "--replay") == 0);
}

static bool read_options(struct options *options, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--hash") == 0)
            options->hash = true;
        else if (strcmp(words[i], "--demand") == 0)
            options->demand = true;
        else if (strcmp(words[i], "--events") == 0)
            options->events = true;
        else if (!read_option(options, words[i], i + 1 < count ? words[i + 1] : NULL))
            return false;
        else
            i++;
    }
    return options->length > 0 && options->length <= LENGTH_MAX && options->check > 0;
}

int main(int count, char **words)
{
    struct options options = {.seed = 1, .commands = 1000000, .length = 5000, .check = 64};
    if (!read_options(&options, count, words)) {
        fprintf(stderr,
                "usage: %s [--seed N] [--commands N] [--seconds N] [--length N] "
                "[--check N] [--hash] [--demand] [--damage N] [--out FILE] | "
                "--replay FILE [--events]\n",
                words[0]);
        return 2;
    }
    ASSERT(hash_start());
    struct tape *tape =
        mmap(NULL, sizeof(*tape), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tape == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    const int status = options.replay != NULL ? replay(tape, &options) : run(tape, &options);
    munmap(tape, sizeof(*tape));
    return status;
}
