/* One thread settles, block after block; the other copies what the first has frozen, and writes the
 * snapshot of that moment while blocks go on. It must be the snapshot that the first wrote then, and restore.
 *
 *     race_settlement [--late]
 *
 * `--late` freezes a block after the snapshot was written: exit 0 only when that is noticed.
 */

#include "common/freeze.h"
#include "settlement/image.h"
#include "tests/unit/settlement/snapshots.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ROUNDS     60
#define BLOCK_ACTS 8
#define BLOCKS_MAX 30 /* of half a round */

static_assert(2 * ROUNDS * (BLOCKS_MAX + 1) < WORLD_BLOCKS, "the world keeps them all");

/* What the other thread is to do; it moves on to the next. */
enum stage { IDLE, WISH_PREPARE, PREPARED, WISH_COPY, WRITTEN, WISH_END };

static struct world *world;
static struct freeze freeze;
static struct snapshot_bytes expected, actual;
static uint64_t seed = 0x5e771e;
static _Atomic int stage; /* release and acquire, either way: what was done before is seen */

static int stage_now(void)
{
    return atomic_load_explicit(&stage, memory_order_acquire);
}

static void stage_set(int next)
{
    atomic_store_explicit(&stage, next, memory_order_release);
}

static int stage_await(int low)
{
    while (stage_now() < low || stage_now() == PREPARED || stage_now() == WRITTEN)
        sched_yield();
    return stage_now();
}

static void image_write(void)
{
    struct arena copy;
    ASSERT(arena_map(&copy, image_settlement_bytes()));
    freeze_copy_all(&freeze);
    const struct settlement *settlement =
        image_settlement(&copy, freeze_image(&freeze), world->arena.bytes, world->settlement);
    ASSERT(settlement != NULL);
    actual = snapshots_of(settlement, &world->genesis);
    arena_unmap(&copy);
    freeze_end(&freeze);
}

static void *writer_main(void *argument)
{
    (void)argument;
    for (;;) {
        switch (stage_await(WISH_PREPARE)) {
        case WISH_PREPARE:
            freeze_prepare(&freeze);
            stage_set(PREPARED);
            break;
        case WISH_COPY:
            image_write();
            stage_set(WRITTEN);
            break;
        default:
            return NULL;
        }
    }
}

static void settle_a_block(void)
{
    for (int i = 0; i < BLOCK_ACTS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(world, seed >> 20);
        world->stamp_ns += 1000000;
    }
    ASSERT(world_seal(world) == STATUS_OK);
    free(world->blocks[world->height - 1].body); /* nobody projects it */
    world->blocks[world->height - 1].body = NULL;
}

/* Settles until the other thread is there, or long enough for this round. */
static uint32_t settle_until(int done)
{
    uint32_t blocks = 0;
    do {
        settle_a_block();
        blocks++;
    } while (stage_now() != done && blocks < BLOCKS_MAX);
    while (stage_now() != done)
        sched_yield();
    return blocks;
}

static bool snapshots_equal(void)
{
    struct settlement *settlement;
    struct arena arena;
    const bool equal =
        expected.count == actual.count && memcmp(expected.bytes, actual.bytes, expected.count) == 0;
    if (equal) {
        const enum status status = snapshots_restore(&arena, &world->genesis, &actual, &settlement);
        ASSERT(status == STATUS_OK);
        arena_unmap(&arena);
    }
    free(expected.bytes);
    free(actual.bytes);
    return equal;
}

/* Rounds in which the two were equal. */
static uint32_t play(bool late, uint64_t *copies, uint32_t *blocks)
{
    uint32_t equal = 0;
    for (int round = 0; round < ROUNDS; round++) {
        stage_set(WISH_PREPARE);
        *blocks += settle_until(PREPARED);
        expected = snapshots_of(world->settlement, &world->genesis);
        if (late) settle_a_block();
        const bool frozen = freeze_begin(&freeze);
        ASSERT(frozen);
        stage_set(WISH_COPY);
        *blocks += settle_until(WRITTEN);
        *copies += freeze.owner_copies;
        equal += snapshots_equal();
    }
    return equal;
}

int main(int count, char **words)
{
    const bool late = count > 1 && strcmp(words[1], "--late") == 0;
    pthread_t writer;
    uint64_t copies = 0;
    uint32_t blocks = 0;
    world = world_new_with(snapshots_adjust);
    const bool ready =
        freeze_init(&freeze, world->arena.bytes, world->arena.capacity, FREEZE_CHUNK_MIN);
    ASSERT(ready && pthread_create(&writer, NULL, writer_main, NULL) == 0);
    const uint32_t equal = play(late, &copies, &blocks);
    stage_set(WISH_END);
    pthread_join(writer, NULL);
    freeze_close(&freeze);
    printf("%u of %u snapshots equal, %u blocks meanwhile, %llu chunks copied by their owner\n",
           equal, ROUNDS, blocks, (unsigned long long)copies);
    world_free(world);
    if (late) return equal < ROUNDS ? 0 : 1;
    return equal == ROUNDS && copies > 0 ? 0 : 1;
}
