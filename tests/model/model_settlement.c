/* A settlement that is thrown away and restored from its snapshot again and again settles what the engine
 * makes of random worlds as the one that runs on: the same roots at every block, and the same snapshot,
 * byte for byte.
 *
 *     model_settlement [--seed N] [--commands N] [--length N] [--hash]
 *
 * Each world has intervals of its own, in commands to a SEAL and in SEALs to a restart. At the end of an
 * interval the twin's snapshot is compared with that of the settlement, and with that of an image at
 * another address; the twin is restored from it, checked, and its snapshot and roots compared once more.
 * `--hash` prints a hash over all snapshots: the same for every compiler.
 *
 * Random commands are signed by nobody, so here whoever asks for one may.
 */

#define authority_objection settlement_authority_objection
#include "settlement/authority.c"
#undef authority_objection

#include "settlement/image.h"
#include "settlement/restore.h"
#include "settlement/settle.h"
#include "settlement/snapshot.h"
#include "tests/model/dice.h"
#include "tests/model/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    (void)authority, (void)command;
    return NULL;
}

struct options {
    uint64_t seed, commands, length;
    bool hash;
};

/* What a snapshot is written to. */
struct bytes {
    uint8_t *bytes;
    size_t count, room;
};

/* One of the two. */
struct half {
    struct arena arena;
    struct settlement *settlement;
    struct settle_roots roots;
};

struct pair {
    struct trial trial;
    struct genesis genesis;
    struct half whole, twin;
    struct arena scratch;
    struct bytes whole_bytes, twin_bytes;
    struct hash_stream hash;
    uint64_t height;
    uint64_t restored, largest;
    uint64_t seen[SETTLED_SECTIONS]; /* records */
};

static const uint8_t tree_secret[32] = "thirty-two bytes of tree secret";

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

static void write_to(struct pair *pair, const struct settlement *settlement, struct bytes *bytes)
{
    const struct snapshot_sink sink = {bytes_take, bytes};
    bytes->count = 0;
    const enum status status =
        settlement_snapshot_write(settlement, &pair->genesis, &pair->scratch, &sink);
    ASSERT(status == STATUS_OK && pair->scratch.used == 0);
}

static bool bytes_equal(const struct pair *pair, const char *what)
{
    if (pair->whole_bytes.count == pair->twin_bytes.count &&
        memcmp(pair->whole_bytes.bytes, pair->twin_bytes.bytes, pair->whole_bytes.count) == 0)
        return true;
    printf("command %" PRIu64 ": the snapshot of %s differs\n", pair->trial.number, what);
    return false;
}

static bool roots_equal(const struct pair *pair, const struct settle_roots *one,
                        const struct settle_roots *other)
{
    if (hash_equal(one->state_root, other->state_root) &&
        hash_equal(one->totals_root, other->totals_root) &&
        hash_equal(one->params_hash, other->params_hash))
        return true;
    printf("command %" PRIu64 ": the roots differ\n", pair->trial.number);
    return false;
}

/* The same from a copy of the arena. */
static bool image_equal(struct pair *pair)
{
    const struct arena *arena = &pair->whole.arena;
    struct arena image, copy;
    ASSERT(arena_map(&image, arena->capacity) && arena_map(&copy, image_settlement_bytes()));
    memcpy(image.bytes, arena->bytes, arena->capacity);
    const struct settlement *settlement =
        image_settlement(&copy, image.bytes, arena->bytes, pair->whole.settlement);
    ASSERT(settlement != NULL);
    write_to(pair, settlement, &pair->twin_bytes);
    arena_unmap(&copy);
    arena_unmap(&image);
    return bytes_equal(pair, "an image");
}

static void sections_see(struct pair *pair)
{
    struct section_records records[SETTLED_SECTIONS];
    const enum status status = settlement_snapshot_find(&pair->genesis, pair->whole_bytes.bytes,
                                                        pair->whole_bytes.count, records);
    ASSERT(status == STATUS_OK);
    for (int i = 0; i < SETTLED_SECTIONS; i++)
        pair->seen[i] += records[i].count;
}

/* Throws the twin away and restores it. */
static bool twin_renew(struct pair *pair)
{
    struct settle_roots roots;
    write_to(pair, pair->whole.settlement, &pair->whole_bytes);
    write_to(pair, pair->twin.settlement, &pair->twin_bytes);
    if (!bytes_equal(pair, "the twin")) return false;
    if (pair->restored % 16 == 0 && !image_equal(pair)) return false;

    arena_unmap(&pair->twin.arena);
    ASSERT(arena_map(&pair->twin.arena, settlement_bytes(&pair->genesis)));
    const enum status status =
        restore_settlement(&pair->twin.arena, &pair->genesis, tree_secret, pair->whole_bytes.bytes,
                           pair->whole_bytes.count, &pair->twin.settlement);
    if (status != STATUS_OK) {
        printf("command %" PRIu64 ": not restored: %s\n", pair->trial.number, status_text(status));
        return false;
    }
    ASSERT(settle_check(pair->twin.settlement));
    settlement_roots(pair->twin.settlement, &roots);
    write_to(pair, pair->twin.settlement, &pair->twin_bytes);
    hash_stream_add(&pair->hash, pair->whole_bytes.bytes, pair->whole_bytes.count);
    sections_see(pair);
    pair->restored++;
    if (pair->whole_bytes.count > pair->largest) pair->largest = pair->whole_bytes.count;
    return roots_equal(pair, &roots, &pair->whole.roots) && bytes_equal(pair, "the restored twin");
}

/* ---- Commands. */

static bool half_differs(const struct pair *pair, const struct half *half)
{
    const struct settle_mismatch *found = settlement_mismatch(half->settlement);
    printf("command %" PRIu64 ": %s finds: %s (account %u order %" PRIu64 " ours %" PRId64
           " theirs %" PRId64 ")\n",
           pair->trial.number, half == &pair->twin ? "the twin" : "settlement",
           found == NULL ? "?" : found->what, found == NULL ? 0 : found->account,
           found == NULL ? 0 : found->order_id, found == NULL ? 0 : found->ours,
           found == NULL ? 0 : found->theirs);
    return false;
}

/* Settles what the model, and with it the engine, made of the command. *sealed: it ended a block. */
static bool half_step(struct pair *pair, struct half *half, const struct command *command,
                      uint64_t stamp_ns, bool *sealed)
{
    const uint8_t *at = pair->trial.model_events.bytes;
    struct event event;
    *sealed = false;
    if (settle_command(half->settlement, pair->trial.number, stamp_ns, command) != STATUS_OK)
        return half_differs(pair, half);
    while (event_next(&at, pair->trial.model_out.at, &event)) {
        if (settle_event(half->settlement, &event) != STATUS_OK) return half_differs(pair, half);
        *sealed = *sealed || event.type == T_SEALED;
    }
    if (*sealed && settle_block(half->settlement, pair->height + 1, &half->roots) != STATUS_OK)
        return half_differs(pair, half);
    return true;
}

static bool pair_step(struct pair *pair, const struct trial_command *bytes, bool *sealed)
{
    struct command command;
    if (!trial_step(&pair->trial, bytes)) {
        printf("command %" PRIu64 ": model and engine differ; model_run says how\n",
               pair->trial.number);
        return false;
    }
    const bool decoded = command_decode(bytes->bytes, bytes->byte_count, &command);
    ASSERT(decoded);
    if (!half_step(pair, &pair->whole, &command, bytes->stamp_ns, sealed) ||
        !half_step(pair, &pair->twin, &command, bytes->stamp_ns, sealed))
        return false;
    if (!*sealed) return true;
    pair->height++;
    return roots_equal(pair, &pair->whole.roots, &pair->twin.roots);
}

static bool seal(struct pair *pair, uint64_t stamp_ns, bool *sealed)
{
    struct trial_command command = {
        .stamp_ns = stamp_ns, .byte_count = COMMAND_HEADER_BYTES + SEAL_BYTES, .regular = true};
    const struct command_header header = {.length = command.byte_count, .type = T_SEAL};
    const struct seal_command asked = {0};
    command_header_put(command.bytes, &header);
    seal_command_put(command.bytes + COMMAND_HEADER_BYTES, &asked);
    trial_regulate(&pair->trial, &command);
    return pair_step(pair, &command, sealed);
}

/* ---- Worlds. */

static void half_open(struct half *half, const struct genesis *genesis)
{
    ASSERT(arena_map(&half->arena, settlement_bytes(genesis)));
    half->settlement = settlement_new(&half->arena, genesis, tree_secret);
    ASSERT(half->settlement != NULL);
}

/* The dice give accounts no public key: here every other one has one, its own. */
static void key_give(struct trial_command *command, uint64_t number)
{
    struct account_create_command create;
    uint8_t *payload = command->bytes + COMMAND_HEADER_BYTES;
    if (le_get_u16(command->bytes + 4) != T_ACCOUNT_CREATE || number % 2 == 0) return;
    account_create_command_get(payload, &create);
    le_put_u64(create.public_key, number);
    account_create_command_put(payload, &create);
}

static bool play_world(struct pair *pair, uint64_t seed, uint64_t commands)
{
    static const uint32_t block_lengths[] = {1, 2, 7, 20, 50}, block_counts[] = {1, 1, 2, 5};
    const uint32_t block_length = block_lengths[seed % 5], block_count = block_counts[seed % 4];
    struct dice dice;
    struct trial_command command;
    bool same = true, sealed;
    uint64_t blocks = 0;
    script_genesis(&pair->genesis);
    /* Every other world begins with an account of the house; the others never have one. */
    if (seed % 2 == 0) pair->genesis.params.rules = PARAMS_RULES_HOUSE;
    dice_open(&dice, seed, &pair->genesis);
    trial_open(&pair->trial, &pair->genesis);
    half_open(&pair->whole, &pair->genesis);
    half_open(&pair->twin, &pair->genesis);
    pair->height = 0;
    for (uint64_t i = 1; same && i <= commands; i++) {
        dice_next(&dice, pair->trial.model, &command);
        key_give(&command, i);
        trial_regulate(&pair->trial, &command);
        same = pair_step(pair, &command, &sealed);
        if (same && !sealed && i % block_length == 0) same = seal(pair, command.stamp_ns, &sealed);
        if (same && sealed && ++blocks % block_count == 0) same = twin_renew(pair);
    }
    trial_close(&pair->trial);
    arena_unmap(&pair->whole.arena);
    arena_unmap(&pair->twin.arena);
    return same;
}

/* Worlds in which a section is empty prove nothing of it. */
static bool saw_everything(const struct pair *pair)
{
    bool everything = true;
    for (int i = 0; i < SETTLED_SECTIONS; i++) {
        if (pair->seen[i] != 0) continue;
        printf("no world had anything in section %d\n", i);
        everything = false;
    }
    return everything;
}

static int run(struct pair *pair, const struct options *options)
{
    uint64_t played = 0;
    hash_stream_begin(&pair->hash);
    for (uint64_t world = 0; played < options->commands; world++) {
        const uint64_t seed = options->seed + world, rest = options->commands - played;
        const uint64_t commands = rest < options->length ? rest : options->length;
        if (!play_world(pair, seed, commands)) {
            printf("in the world of seed %" PRIu64 "\n", seed);
            return 1;
        }
        played += commands;
    }
    char hex[2 * HASH_BYTES + 1];
    hash_hex(hash_stream_end(&pair->hash).bytes, HASH_BYTES, hex);
    printf("seed %" PRIu64 ": %" PRIu64 " commands, restored %" PRIu64
           " times, largest snapshot %" PRIu64 " bytes\n",
           options->seed, played, pair->restored, pair->largest);
    if (options->hash) printf("hash %s\n", hex);
    return saw_everything(pair) ? 0 : 1;
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
    static struct pair pair;
    struct options options = {.seed = 1, .commands = 200000, .length = 2000};
    if (!read_options(&options, count, words)) {
        fprintf(stderr, "usage: %s [--seed N] [--commands N] [--length N] [--hash]\n", words[0]);
        return 2;
    }
    ASSERT(hash_start());
    ASSERT(arena_map(&pair.scratch, 16 * 1024 * 1024));
    const int code = run(&pair, &options);
    arena_unmap(&pair.scratch);
    free(pair.whole_bytes.bytes);
    free(pair.twin_bytes.bytes);
    return code;
}
