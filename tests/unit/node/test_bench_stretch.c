#include "node/bench_stretch.h"

#include "common/batch.h"
#include "common/le.h"
#include "ledger/block.h"
#include "tests/harness.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct bench_stretch stretch;

static void open(void)
{
    story_tell(&story, 0);
    assert_true(bench_stretch_open(&stretch));
    for (uint32_t i = 0; i < story.height; i++)
        assert_int_equal(
            bench_stretch_add(&stretch, story.blocks[i].body, story.blocks[i].body_bytes),
            STATUS_OK);
}

static void done(void)
{
    bench_stretch_close(&stretch);
    story_end(&story);
}

/* Gives back every record of the bodies; its events in two parts when there are several and `in_parts`. */
static void redo_all(bool in_parts)
{
    const uint8_t *at = stretch.bodies;
    struct applied record;
    while (applied_next(&at, stretch.bodies + stretch.body_bytes, &record)) {
        uint8_t part[STORY_BODY];
        const uint8_t *events = record.events, *const end = events + record.events_length;
        struct event event;
        struct applied first = record, second = record;
        if (in_parts && record.event_count > 1 && event_next(&events, end, &event)) {
            first.events_length = (uint32_t)(events - record.events);
            first.event_count = 1;
            first.flags = APPLIED_FIRST;
        }
        applied_header_put(part, &first);
        uint8_t *to =
            le_put_bytes(part + APPLIED_HEADER_BYTES, record.command, record.command_length);
        to = le_put_bytes(to, record.events, first.events_length);
        bench_stretch_redo(&stretch, part, (size_t)(to - part));
        if ((first.flags & APPLIED_LAST) != 0) continue;
        second.command_length = 0;
        second.events_length -= first.events_length;
        second.event_count--;
        second.flags = APPLIED_LAST;
        applied_header_put(part, &second);
        to = le_put_bytes(part + APPLIED_HEADER_BYTES, events, second.events_length);
        bench_stretch_redo(&stretch, part, (size_t)(to - part));
    }
}

/* Every command of the bodies is in the log once, in order; a batch has one stamp, and a SEAL is alone. */
TEST(bench_stretch, commands_come_in_the_batches_of_their_stamps)
{
    open();
    const uint8_t *at = stretch.bodies;
    struct applied record;
    uint64_t commands = 0;
    for (size_t i = 0; i < stretch.record_count; i++) {
        const uint8_t *bytes = stretch.log + stretch.records[i] + 8;
        const uint8_t *const end = stretch.log + stretch.records[i + 1];
        struct batch_header header;
        struct command command;
        assert_true(batch_check(bytes, (size_t)(end - bytes), &header));
        assert_int_equal(le_get_u64(bytes - 8), i + 1);
        for (bytes += BATCH_HEADER_BYTES; batch_next(&bytes, end, &command); commands++) {
            assert_true(applied_next(&at, stretch.bodies + stretch.body_bytes, &record));
            assert_int_equal(record.stamp_ns, header.stamp_ns);
            assert_int_equal(record.command_length, command.header.length);
            assert_memory_equal(record.command, command.payload - COMMAND_HEADER_BYTES,
                                command.header.length);
            if (command.header.type == T_SEAL) assert_int_equal(header.command_count, 1);
        }
    }
    assert_int_equal(commands, story.journal.number);
    assert_int_equal(stretch.first_command, 1);
    assert_int_equal(stretch.last_command, commands);
    assert_true(at == stretch.bodies + stretch.body_bytes);
    done();
}

/* Commands under one stamp are one batch until it is full. */
TEST(bench_stretch, equal_stamps_share_a_batch_up_to_its_bound)
{
    enum { COMMANDS = 3 * BATCH_BYTES_MAX / (COMMAND_HEADER_BYTES + VOTE_BYTES) };
    const size_t record_bytes = APPLIED_HEADER_BYTES + COMMAND_HEADER_BYTES + VOTE_BYTES;
    uint8_t *body = calloc(COMMANDS, record_bytes);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        uint8_t *at = body + i * record_bytes;
        const struct command_header header = {.length = COMMAND_HEADER_BYTES + VOTE_BYTES,
                                              .type = T_VOTE};
        const struct applied record = {.number = i + 1,
                                       .stamp_ns = 7,
                                       .command_length = header.length,
                                       .flags = APPLIED_FIRST | APPLIED_LAST};
        applied_header_put(at, &record);
        command_header_put(at + APPLIED_HEADER_BYTES, &header);
    }
    assert_true(bench_stretch_open(&stretch));
    assert_int_equal(bench_stretch_add(&stretch, body, COMMANDS * record_bytes), STATUS_OK);
    uint32_t commands = 0;
    for (size_t i = 0; i < stretch.record_count; i++) {
        struct batch_header header;
        const size_t byte_count = stretch.records[i + 1] - stretch.records[i] - 8;
        assert_true(batch_check(stretch.log + stretch.records[i] + 8, byte_count, &header));
        commands += header.command_count;
    }
    assert_int_equal(commands, COMMANDS);
    assert_int_equal(stretch.record_count, 4);
    bench_stretch_close(&stretch);
    free(body);
}

TEST(bench_stretch, what_is_the_same_again_does_not_differ)
{
    struct applied theirs, ours;
    for (int in_parts = 0; in_parts < 2; in_parts++) {
        open();
        redo_all(in_parts != 0);
        assert_int_equal(stretch.redone_bytes, stretch.body_bytes);
        assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), 0);
        done();
    }
}

/* One byte anywhere, in what is redone or in the bodies, is found at its command. */
TEST(bench_stretch, changed_byte_is_found_at_its_command)
{
    struct applied record, theirs, ours;
    open();
    redo_all(true);
    const uint8_t *at = stretch.bodies, *const end = at + stretch.body_bytes;
    for (const uint8_t *start = at; applied_next(&at, end, &record); start = at) {
        const size_t offset = (size_t)(start - stretch.bodies);
        const size_t byte_count = (size_t)(at - start);
        stretch.redone[offset + byte_count - 1] ^= 1;
        assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), record.number);
        stretch.redone[offset + byte_count - 1] ^= 1;
        stretch.redone[offset + 8] ^= 1; /* its stamp */
        assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), record.number);
        assert_int_equal(ours.number, record.number);
        stretch.redone[offset + 8] ^= 1;
    }
    assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), 0);
    done();
}

/* Fewer commands than there were, or more. */
TEST(bench_stretch, missing_end_and_surplus_are_found)
{
    struct applied theirs, ours;
    uint8_t part[APPLIED_HEADER_BYTES];
    open();
    redo_all(false);
    stretch.redone_bytes--;
    assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), stretch.last_command);
    stretch.redone_bytes++;
    const struct applied surplus = {.number = stretch.last_command + 1,
                                    .flags = APPLIED_FIRST | APPLIED_LAST};
    applied_header_put(part, &surplus);
    bench_stretch_redo(&stretch, part, sizeof(part));
    assert_int_equal(bench_stretch_difference(&stretch, &theirs, &ours), stretch.last_command);
    done();
}

TEST(bench_stretch, bytes_that_are_no_body_are_refused)
{
    story_tell(&story, 0);
    assert_true(bench_stretch_open(&stretch));
    const struct story_block *block = &story.blocks[0];
    assert_int_equal(bench_stretch_add(&stretch, block->body, block->body_bytes - 1),
                     STATUS_MALFORMED);
    done();
}
