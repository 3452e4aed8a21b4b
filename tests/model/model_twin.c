/* An engine that is thrown away and restored from its snapshot again and again answers every command of
 * random worlds as the one that runs on, and has the same snapshot, byte for byte.
 *
 *     model_twin [--seed N] [--commands N] [--length N] [--hash]
 *
 * Each world has an interval of its own, from every command to every 100th. At its end the twin's snapshot is
 * compared with that of the engine, and with that of an image of the engine at another address; the twin
 * is restored from it, checked, and its snapshot compared once more. `--hash` prints a hash over all
 * snapshots: the same for every compiler.
 */

#include "common/hash.h"
#include "engine/image.h"
#include "engine/restore.h"
#include "engine/snapshot.h"
#include "tests/model/dice.h"
#include "tests/model/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t seed, commands, length;
    bool hash;
};

/* What a snapshot is written to. */
struct bytes {
    uint8_t *bytes;
    size_t count, room;
};

struct twin {
    struct trial trial;
    struct engine *engine;
    struct arena arena, events, scratch;
    struct bytes whole, other;
    struct hash_stream hash;
    uint64_t restored, largest;
};

static bool bytes_take(void *context, const uint8_t *from, size_t byte_count)
{
    struct bytes *bytes = context;
    while (bytes->count + byte_count > bytes->room) {
        bytes->room = bytes->room == 0 ? 65536 : 2 * bytes->room;
        bytes->bytes = realloc(bytes->bytes, bytes->room);
        ASSERT(bytes->bytes != NULL);
    }
    memcpy(bytes->bytes + bytes->count, from, byte_count);
    bytes->count += byte_count;
    return true;
}

static void write_to(struct twin *twin, const struct genesis *genesis, const struct engine *engine,
                     struct bytes *bytes)
{
    const struct snapshot_sink sink = {bytes_take, bytes};
    bytes->count = 0;
    const enum status status = snapshot_write(engine, genesis, &twin->scratch, &sink);
    ASSERT(status == STATUS_OK);
}

static bool bytes_equal(const struct twin *twin, const char *what)
{
    if (twin->whole.count == twin->other.count &&
        memcmp(twin->whole.bytes, twin->other.bytes, twin->whole.count) == 0)
        return true;
    printf("command %" PRIu64 ": the snapshot of %s differs\n", twin->trial.number, what);
    return false;
}

/* The same from a copy of the arena. */
static bool image_equal(struct twin *twin, const struct genesis *genesis)
{
    const struct arena *arena = &twin->trial.arena;
    struct arena image, copy;
    ASSERT(arena_map(&image, arena->capacity) && arena_map(&copy, image_bytes()));
    memcpy(image.bytes, arena->bytes, arena->capacity);
    const struct engine *engine =
        image_engine(&copy, image.bytes, arena->bytes, twin->trial.engine);
    ASSERT(engine != NULL);
    write_to(twin, genesis, engine, &twin->other);
    arena_unmap(&copy);
    arena_unmap(&image);
    return bytes_equal(twin, "an image");
}

/* Throws the twin away and restores it. */
static bool twin_renew(struct twin *twin, const struct genesis *genesis)
{
    write_to(twin, genesis, twin->trial.engine, &twin->whole);
    write_to(twin, genesis, twin->engine, &twin->other);
    if (!bytes_equal(twin, "the twin")) return false;
    if (twin->restored % 16 == 0 && !image_equal(twin, genesis)) return false;

    arena_unmap(&twin->arena);
    ASSERT(arena_map(&twin->arena, engine_bytes(genesis)));
    const enum status status =
        restore_engine(&twin->arena, genesis, twin->whole.bytes, twin->whole.count, &twin->engine);
    if (status != STATUS_OK) {
        printf("command %" PRIu64 ": not restored: %s\n", twin->trial.number, status_text(status));
        return false;
    }
    ASSERT(engine_check(twin->engine));
    write_to(twin, genesis, twin->engine, &twin->other);
    hash_stream_add(&twin->hash, twin->whole.bytes, twin->whole.count);
    twin->restored++;
    if (twin->whole.count > twin->largest) twin->largest = twin->whole.count;
    return bytes_equal(twin, "the restored twin");
}

static bool twin_step(struct twin *twin, const struct trial_command *bytes)
{
    struct command command;
    struct event_writer out = {.at = twin->events.bytes,
                               .end = twin->events.bytes + twin->events.capacity};
    if (!trial_step(&twin->trial, bytes)) {
        printf("command %" PRIu64 ": model and engine differ; model_run says how\n",
               twin->trial.number);
        return false;
    }
    const bool decoded = command_decode(bytes->bytes, bytes->byte_count, &command);
    ASSERT(decoded);
    match_step(twin->engine, &command, twin->trial.number, bytes->stamp_ns, &out);
    const size_t byte_count = (size_t)(out.at - twin->events.bytes);
    if (out.count == twin->trial.model_out.count &&
        byte_count == (size_t)(twin->trial.model_out.at - twin->trial.model_events.bytes) &&
        memcmp(twin->events.bytes, twin->trial.model_events.bytes, byte_count) == 0)
        return true;
    printf("command %" PRIu64 ": the twin's events differ\n", twin->trial.number);
    return false;
}

static void twin_open(struct twin *twin, const struct genesis *genesis)
{
    trial_open(&twin->trial, genesis);
    ASSERT(arena_map(&twin->arena, engine_bytes(genesis)));
    twin->engine = engine_new(&twin->arena, genesis);
    ASSERT(twin->engine != NULL);
    ASSERT(arena_map(&twin->events, engine_event_bytes_max(twin->engine)));
}

static void twin_close(struct twin *twin)
{
    trial_close(&twin->trial);
    arena_unmap(&twin->events);
    arena_unmap(&twin->arena);
}

static bool play_world(struct twin *twin, uint64_t seed, uint64_t commands)
{
    static const uint32_t intervals[] = {1, 2, 7, 20, 20, 50, 100};
    const uint32_t interval = intervals[seed % (sizeof(intervals) / sizeof(*intervals))];
    struct genesis genesis;
    struct dice dice;
    struct trial_command command;
    bool same = true;
    script_genesis(&genesis);
    dice_open(&dice, seed, &genesis);
    twin_open(twin, &genesis);
    for (uint64_t i = 1; same && i <= commands; i++) {
        dice_next(&dice, twin->trial.model, &command);
        trial_regulate(&twin->trial, &command);
        same = twin_step(twin, &command);
        if (same && i % interval == 0) same = twin_renew(twin, &genesis);
    }
    twin_close(twin);
    return same;
}

static int run(struct twin *twin, const struct options *options)
{
    uint64_t played = 0;
    hash_stream_begin(&twin->hash);
    for (uint64_t world = 0; played < options->commands; world++) {
        const uint64_t seed = options->seed + world, rest = options->commands - played;
        const uint64_t commands = rest < options->length ? rest : options->length;
        if (!play_world(twin, seed, commands)) {
            printf("in the world of seed %" PRIu64 "\n", seed);
            return 1;
        }
        played += commands;
    }
    char hex[2 * HASH_BYTES + 1];
    hash_hex(hash_stream_end(&twin->hash).bytes, HASH_BYTES, hex);
    printf("seed %" PRIu64 ": %" PRIu64 " commands, restored %" PRIu64
           " times, largest snapshot %" PRIu64 " bytes\n",
           options->seed, played, twin->restored, twin->largest);
    if (options->hash) printf("hash %s\n", hex);
    return 0;
}

static bool read_options(struct options *options, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        char *end = NULL;
        if (strcmp(words[i], "--hash") == 0) {
            options->hash = true;
            continue;
        }
        uint64_t *number = strcmp(words[i], "--seed") == 0       ? &options->seed
                           : strcmp(words[i], "--commands") == 0 ? &options->commands
                           : strcmp(words[i], "--length") == 0   ? &options->length
                                                                 : NULL;
        if (number == NULL || ++i == count) return false;
        *number = strtoull(words[i], &end, 0);
        if (end == words[i] || *end != '\0') return false;
    }
    return options->length > 0;
}

int main(int count, char **words)
{
    static struct twin twin;
    struct options options = {.seed = 1, .commands = 200000, .length = 2000};
    if (!read_options(&options, count, words)) {
        fprintf(stderr, "usage: %s [--seed N] [--commands N] [--length N] [--hash]\n", words[0]);
        return 2;
    }
    ASSERT(hash_start());
    ASSERT(arena_map(&twin.scratch, 16 * 1024 * 1024));
    const int code = run(&twin, &options);
    arena_unmap(&twin.scratch);
    free(twin.whole.bytes);
    free(twin.other.bytes);
    return code;
}
