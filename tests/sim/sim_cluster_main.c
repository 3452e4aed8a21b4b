/* Plays clusters from seeds (cluster.h).
 *
 *     sim_cluster [--seeds N] [--first S] [--twice] [--expect-failure] [--liars] [--list FILE]
 *     QUOREX_SEED=S sim_cluster       plays seed S alone, with a trace and the nodes' own log
 *
 * --twice plays each seed twice and compares the traces. --list plays the seeds of a file, one a line. --expect-failure
 * is for planted builds: it succeeds only when a seed failed, and stops there. --liars: members lie to their leaders
 * (cluster_vetting.c), which makes another run of every seed.
 */

#include "common/log.h"
#include "tests/sim/cluster.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    uint64_t first, seeds;
    const char *list;
    bool twice, expect_failure;
};

static struct cluster cluster;
static struct random system_random;

/* What libsodium draws comes from the seed as well. */
static const char *random_name(void)
{
    return "simulation";
}

static uint32_t random_word(void)
{
    return (uint32_t)random_next(&system_random);
}

static void random_fill(void *const bytes, const size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)random_next(&system_random);
}

static struct randombytes_implementation drawn = {
    .implementation_name = random_name, .random = random_word, .buf = random_fill};

static const char *play(const struct options *options, uint64_t seed)
{
    char folder[64];
    snprintf(folder, sizeof(folder), "%s/quorex-sim-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    random_seed(&system_random, seed);
    const char *failure = cluster_play(&cluster, seed, folder);
    if (!options->twice || failure != NULL) return failure;
    const uint64_t hash = cluster.trace_hash, count = cluster.trace_count;
    random_seed(&system_random, seed);
    failure = cluster_play(&cluster, seed, folder);
    if (failure != NULL) return failure;
    return hash == cluster.trace_hash && count == cluster.trace_count
               ? NULL
               : "the same seed plays another way";
}

/* An assertion that a planted bug meets has caught it. */
static void on_abort(int number)
{
    static const char text[] = "caught by an assertion\n";
    (void)number;
    if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0) _exit(3);
    _exit(0);
}

/* True: go on. */
static bool play_one(const struct options *options, uint64_t seed)
{
    const char *failure = play(options, seed);
    if (++figures.seeds % 1000 == 0) {
        printf("%" PRIu64 " seeds, %" PRIu64 " failed\n", figures.seeds, figures.failures);
        fflush(stdout);
    }
    if (failure == NULL) return true;
    if (++figures.failures <= 20) {
        printf("seed %" PRIu64 ": %s\n", seed, failure);
        fflush(stdout);
    }
    return !options->expect_failure;
}

static void print_totals(void)
{
    printf("seeds %" PRIu64 " failed %" PRIu64 " virtual_hours %.2f\n", figures.seeds,
           figures.failures, (double)figures.virtual_ns / 3.6e12);
#define SHOW(name) printf("  %s %" PRIu64 "\n", #name, figures.name)
    SHOW(crashes), SHOW(power_cuts), SHOW(kills), SHOW(file_cuts), SHOW(stops);
    SHOW(cluster_crashes), SHOW(partitions), SHOW(stalls), SHOW(breaks), SHOW(slow_disks);
    SHOW(clock_jumps), SHOW(resigns), SHOW(disk_full), SHOW(elections), SHOW(commands);
    SHOW(acknowledged), SHOW(unknown), SHOW(blocks), SHOW(certified), SHOW(certificates);
    SHOW(messages), SHOW(checkpoints), SHOW(checkpoints_certified), SHOW(recycled);
    SHOW(installs), SHOW(by_hand), SHOW(repairs), SHOW(chain_rot), SHOW(wal_rot),
        SHOW(wal_beheaded), SHOW(checkpoint_rot);
    SHOW(added), SHOW(removed), SHOW(emptied), SHOW(altered), SHOW(stranger_votes);
    SHOW(liabilities), SHOW(liabilities_certified), SHOW(verified_chains), SHOW(lies),
        SHOW(lies_found), SHOW(late), SHOW(late_taken), SHOW(repeated), SHOW(other_repeats);
#undef SHOW
}

static void play_list(const struct options *options)
{
    char line[64];
    FILE *list = fopen(options->list, "r");
    if (list == NULL) {
        printf("cannot read %s\n", options->list);
        figures.failures++;
        return;
    }
    while (fgets(line, sizeof(line), list) != NULL)
        if (line[0] >= '0' && line[0] <= '9' && !play_one(options, strtoull(line, NULL, 10))) break;
    fclose(list);
}

static struct options read_options(int argument_count, char **arguments)
{
    struct options options = {.first = 1, .seeds = 100};
    for (int i = 1; i < argument_count; i++) {
        const bool more = i + 1 < argument_count;
        if (strcmp(arguments[i], "--twice") == 0) options.twice = true;
        if (strcmp(arguments[i], "--expect-failure") == 0) options.expect_failure = true;
        if (strcmp(arguments[i], "--liars") == 0) cluster_liars = true;
        if (strcmp(arguments[i], "--seeds") == 0 && more)
            options.seeds = strtoull(arguments[++i], NULL, 10);
        if (strcmp(arguments[i], "--first") == 0 && more)
            options.first = strtoull(arguments[++i], NULL, 10);
        if (strcmp(arguments[i], "--list") == 0 && more) options.list = arguments[++i];
    }
    return options;
}

int main(int argument_count, char **arguments)
{
    struct options options = read_options(argument_count, arguments);
    const char *given = getenv("QUOREX_SEED");
    randombytes_set_implementation(&drawn);
    if (!hash_start()) return 2;
    if (given != NULL && given[0] != '\0') {
        options.first = strtoull(given, NULL, 0);
        options.seeds = 1;
        cluster.is_traced = true;
    } else
        log_set_level((enum log_level)(LOG_ERROR + 1)); /* crashes are no news here */
    if (options.expect_failure) signal(SIGABRT, on_abort);
    if (options.list != NULL)
        play_list(&options);
    else
        for (uint64_t seed = options.first; seed < options.first + options.seeds; seed++)
            if (!play_one(&options, seed)) break;
    print_totals();
    return (figures.failures > 0) != options.expect_failure;
}
