#include "tests/harness.h"

#include "engine/sections.h"
#include "tests/unit/engine/snapshots.h"

struct opened {
    struct world world;
    struct snapshot_bytes snapshot;
    struct sections sections;
};

static void opened_make(struct opened *opened)
{
    snapshots_prepare(&opened->world);
    world_open(&opened->world);
    snapshots_fill(&opened->world);
    opened->snapshot = snapshots_of(opened->world.engine, &opened->world.genesis);
}

static void opened_free(struct opened *opened)
{
    free(opened->snapshot.bytes);
    world_close(&opened->world);
}

static enum status open_first(struct opened *opened, size_t byte_count)
{
    return sections_open(&opened->sections, &opened->world.genesis, opened->snapshot.bytes,
                         byte_count);
}

TEST(sections, records_are_read_to_their_end)
{
    struct opened opened;
    struct snapshot_key key;
    struct snapshot_state numbers;
    opened_make(&opened);
    assert_int_equal(open_first(&opened, opened.snapshot.count), STATUS_OK);
    assert_true(sections_key(&opened.sections, &key));
    assert_int_equal(key.id[0], 1);
    assert_true(sections_key(&opened.sections, &key));
    assert_int_equal(key.id[0], 2);
    assert_false(sections_key(&opened.sections, &key));
    assert_true(sections_state(&opened.sections, &numbers));
    assert_int_equal(numbers.last_command, opened.world.number);
    assert_false(sections_done(&opened.sections));
    memset(opened.sections.left, 0, sizeof(opened.sections.left));
    assert_true(sections_done(&opened.sections));
    opened_free(&opened);
}

/* Cut anywhere, it is no snapshot. */
TEST(sections, a_part_is_refused)
{
    struct opened opened;
    opened_make(&opened);
    for (size_t count = 0; count < opened.snapshot.count; count++) {
        /* A copy of its own, so that a byte read behind it is found out. */
        uint8_t *part = malloc(count == 0 ? 1 : count);
        memcpy(part, opened.snapshot.bytes, count);
        assert_int_equal(sections_open(&opened.sections, &opened.world.genesis, part, count),
                         STATUS_MALFORMED);
        free(part);
    }
    opened_free(&opened);
}

/* A bit that fell over is found wherever it lies. */
TEST(sections, a_changed_byte_is_found)
{
    struct opened opened;
    opened_make(&opened);
    for (size_t i = 0; i < opened.snapshot.count; i++) {
        opened.snapshot.bytes[i] ^= 0x10;
        const enum status status = open_first(&opened, opened.snapshot.count);
        if (i < 12)
            assert_int_equal(status, STATUS_UNSUPPORTED);
        else if (i < 24)
            assert_int_equal(status, STATUS_MALFORMED);
        else if (i < SECTION_FILE_BYTES)
            assert_int_equal(status, STATUS_MISMATCH);
        else
            assert_int_equal(status, STATUS_DAMAGED);
        opened.snapshot.bytes[i] ^= 0x10;
    }
    assert_int_equal(open_first(&opened, opened.snapshot.count), STATUS_OK);
    opened_free(&opened);
}

/* A section of another kind, of other records, or of more than there are. */
TEST(sections, what_a_section_says_of_itself_must_be_so)
{
    static const struct {
        unsigned offset;
        uint8_t flip;
    } lies[] = {{0, 1}, {4, 1}, {8, 1}, {8 + 3, 1}, {8 + 7, 0x80}};
    struct opened opened;
    opened_make(&opened);
    for (enum snapshot_section section = 0; section < SNAPSHOT_CHARGES; section++) {
        uint8_t *at = snapshots_section(&opened.snapshot, section);
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
            at[lies[i].offset] ^= lies[i].flip;
            snapshots_rehash(&opened.snapshot);
            assert_int_equal(open_first(&opened, opened.snapshot.count), STATUS_MALFORMED);
            at[lies[i].offset] ^= lies[i].flip;
        }
    }
    snapshots_rehash(&opened.snapshot);
    assert_int_equal(open_first(&opened, opened.snapshot.count), STATUS_OK);
    opened_free(&opened);
}
