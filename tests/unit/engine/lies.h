/* A world with something of everything, its snapshot, and lies: changes to the snapshot that are hashed
 * again, so that what they say is looked at.
 *
 * Include tests/harness.h first.
 */

#ifndef TESTS_UNIT_ENGINE_LIES_H
#define TESTS_UNIT_ENGINE_LIES_H

#include "tests/unit/engine/snapshots.h"

struct pair {
    struct world world;
    struct world twin;
    struct snapshot_bytes snapshot;
};

static inline void pair_open(struct pair *pair)
{
    snapshots_prepare(&pair->world);
    world_open(&pair->world);
    snapshots_fill(&pair->world);
    pair->snapshot = snapshots_of(pair->world.engine, &pair->world.genesis);
    pair->twin = pair->world;
}

/* The same under rules 5, with orders that are called something. */
static inline void pair_open_named(struct pair *pair)
{
    pair_open(pair);
    snapshots_named(&pair->world);
    free(pair->snapshot.bytes);
    pair->snapshot = snapshots_of(pair->world.engine, &pair->world.genesis);
    pair->twin = pair->world;
}

static inline void pair_close(struct pair *pair)
{
    free(pair->snapshot.bytes);
    world_close(&pair->world);
}

/* The twin's snapshot is that of which it was made. */
static inline void twin_is_whole(struct pair *pair)
{
    assert_true(engine_check(pair->twin.engine));
    const struct snapshot_bytes again = snapshots_of(pair->twin.engine, &pair->twin.genesis);
    assert_int_equal(again.count, pair->snapshot.count);
    assert_memory_equal(again.bytes, pair->snapshot.bytes, again.count);
    free(again.bytes);
}

/* Restores what was changed: it is refused, or it is an engine that holds every invariant and is what the
 * bytes said. */
static inline bool refused(struct pair *pair)
{
    snapshots_rehash(&pair->snapshot);
    const enum status status = snapshots_restore(&pair->twin, &pair->snapshot);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_MALFORMED);
        return true;
    }
    twin_is_whole(pair);
    world_close(&pair->twin);
    return false;
}

/* Changes a field of the section's record and expects that it is refused; then puts it back. */
#define LIE(section, name, index, change) \
    do { \
        struct snapshot_##name record, kept; \
        uint8_t *at = snapshots_record(&pair.snapshot, SNAPSHOT_##section, index); \
        snapshot_##name##_get(at, &record); \
        kept = record; \
        change; \
        snapshot_##name##_put(at, &record); \
        if (!refused(&pair)) fail_msg("%s %s: %s", #section, #index, #change); \
        snapshot_##name##_put(at, &kept); \
    } while (0)

#endif /* TESTS_UNIT_ENGINE_LIES_H */
