/* Bytes as a snapshot: refused, or an engine that stands.
 *
 * The first byte says how the rest is read: as the bytes themselves; or as changes to the snapshot of a world
 * that has something of everything, hashed again so that what they say is looked at. What is restored
 * must hold every invariant, be its own snapshot, and live through some commands. */

#include "tests/unit/engine/snapshots.h"

#include "common/le.h"

#define CHANGE_BYTES 4 /* where u16, what u8, how u8 */

static struct world origin;
static struct snapshot_bytes origin_bytes;

static void origin_make(void)
{
    if (origin_bytes.bytes != NULL) return;
    snapshots_prepare(&origin);
    world_open(&origin);
    snapshots_fill(&origin);
    origin_bytes = snapshots_of(origin.engine, &origin.genesis);
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

/* Its orders trade, its stops fire, what is left ends. */
static void live_on(struct world *world)
{
    world->number = engine_last_command(world->engine);
    for (uint16_t i = 0; i < 8; i++) {
        struct order_place_command place =
            world_limit(1 + i % 5u, i % 2 ? SELL : BUY, 1 + i * 5, i % 2 ? 40 : 160);
        place.market = i % 3 == 2;
        world->stamp_ns += UINT64_C(500000000);
        (void)world_order_place(world, place);
    }
    for (uint16_t i = 0; i < 10; i++)
        (void)world_cancel_all(world,
                               (struct cancel_all_command){.account = 1 + i % 5u, .market = i / 5});
    ASSERT(engine_check(world->engine));
}

static void restored_check(struct world *world, const struct snapshot_bytes *snapshot)
{
    ASSERT(engine_check(world->engine));
    const struct snapshot_bytes again = snapshots_of(world->engine, &world->genesis);
    ASSERT(again.count == snapshot->count &&
           memcmp(again.bytes, snapshot->bytes, again.count) == 0);
    free(again.bytes);

    struct snapshot_state state;
    snapshot_state_get(snapshots_record(snapshot, SNAPSHOT_STATE, 0), &state);
    world->stamp_ns = state.stamp_ns;
    /* Stamps are the leader's, and years away from their end. */
    if (state.stamp_ns < UINT64_MAX / 2) live_on(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    origin_make();
    if (byte_count == 0) return 0;
    struct world world = origin;
    struct snapshot_bytes snapshot;
    if (bytes[0] % 8 == 0) {
        snapshot = (struct snapshot_bytes){.bytes = malloc(byte_count), .count = byte_count - 1};
        ASSERT(snapshot.bytes != NULL);
        memcpy(snapshot.bytes, bytes + 1, byte_count - 1);
        if (bytes[0] % 16 == 0 && snapshot.count > HASH_BYTES) snapshots_rehash(&snapshot);
    } else {
        snapshot = changed(bytes + 1, byte_count - 1);
    }
    if (snapshots_restore(&world, &snapshot) == STATUS_OK) {
        restored_check(&world, &snapshot);
        world_close(&world);
    }
    free(snapshot.bytes);
    return 0;
}
