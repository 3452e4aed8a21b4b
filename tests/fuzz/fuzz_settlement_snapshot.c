/* Bytes as settlement's snapshot: refused, or a settlement that stands.
 *
 * The first byte says how the rest is read: as the bytes themselves; or as changes to the snapshot of a world
 * that has something of everything, hashed again so that what they say is looked at. What is restored
 * must hold every invariant, be its own snapshot, and settle what comes next, or say what differs. */

#include "tests/unit/settlement/snapshots.h"

#define CHANGE_BYTES 4 /* where u16, what u8, how u8 */

static struct world *origin;
static struct snapshot_bytes origin_bytes;

static void origin_make(void)
{
    if (origin != NULL) return;
    origin = snapshots_world();
    ASSERT(origin->status == STATUS_OK);
    origin_bytes = snapshots_of(origin->settlement, &origin->genesis);
}

static void change(uint8_t *at, uint8_t with, uint8_t how)
{
    switch (how % 4) {
    case 0:
        *at = with;
        break;
    case 1:
        *at ^= (uint8_t)(1 << with % 8);
        break;
    case 2:
        *at = (uint8_t)(*at + 1);
        break;
    default:
        *at = (uint8_t)(*at - 1);
    }
}

static struct snapshot_bytes changed(const uint8_t *bytes, size_t byte_count)
{
    struct snapshot_bytes snapshot = {.bytes = malloc(origin_bytes.count),
                                      .count = origin_bytes.count};
    ASSERT(snapshot.bytes != NULL);
    memcpy(snapshot.bytes, origin_bytes.bytes, snapshot.count);
    for (; byte_count >= CHANGE_BYTES; bytes += CHANGE_BYTES, byte_count -= CHANGE_BYTES)
        change(snapshot.bytes + le_get_u16(bytes) % snapshot.count, bytes[2], bytes[3]);
    snapshots_rehash(&snapshot);
    return snapshot;
}

/* The world goes on as if nothing was changed; what was differs sooner or later, or has no bearing. */
static void live_on(struct settlement *settlement)
{
    struct world *world = malloc(sizeof(*world));
    jmp_buf escape;
    ASSERT(world != NULL);
    *world = *origin;
    world->out =
        (struct event_writer){.at = world->events, .end = world->events + sizeof(world->events)};
    world->settlement = settlement;
    world->number = settlement_command(settlement);
    world->blocks = calloc(WORLD_BLOCKS, sizeof(struct world_block));
    ASSERT(world->blocks != NULL);
    world->escape = &escape;
    if (setjmp(escape) == 0) snapshots_live_on(world);
    ASSERT(world->status == STATUS_MISMATCH || settle_check(settlement));
    for (uint64_t i = 0; i < WORLD_BLOCKS; i++)
        free(world->blocks[i].body);
    free(world->blocks);
    free(world);
}

static void restored_check(struct settlement *settlement, const struct snapshot_bytes *snapshot)
{
    ASSERT(settle_check(settlement));
    const struct snapshot_bytes again = snapshots_of(settlement, &origin->genesis);
    ASSERT(again.count == snapshot->count &&
           memcmp(again.bytes, snapshot->bytes, again.count) == 0);
    free(again.bytes);

    struct settled_state state;
    settled_state_get(snapshots_record(snapshot, SETTLED_STATE, 0), &state);
    /* Stamps never fall. */
    if (state.stamp_ns <= origin->stamp_ns) live_on(settlement);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct snapshot_bytes snapshot;
    struct settlement *settlement;
    struct arena arena;
    origin_make();
    if (byte_count == 0) return 0;
    if (bytes[0] % 8 == 0) {
        snapshot = (struct snapshot_bytes){.bytes = malloc(byte_count), .count = byte_count - 1};
        ASSERT(snapshot.bytes != NULL);
        memcpy(snapshot.bytes, bytes + 1, byte_count - 1);
        if (bytes[0] % 16 == 0 && snapshot.count > HASH_BYTES) snapshots_rehash(&snapshot);
    } else {
        snapshot = changed(bytes + 1, byte_count - 1);
    }
    if (snapshots_restore(&arena, &origin->genesis, &snapshot, &settlement) == STATUS_OK) {
        restored_check(settlement, &snapshot);
        arena_unmap(&arena);
    }
    free(snapshot.bytes);
    return 0;
}
