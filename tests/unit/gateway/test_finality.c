#include "gateway/finality.h"

#include "tests/harness.h"

static struct finality finality;
static struct finality_marks marks;
static struct finality_range range;

static void begin(void)
{
    finality = (struct finality){0};
    marks = (struct finality_marks){0};
}

static void hear(uint64_t command, uint32_t ordinal)
{
    finality_hear(&finality, &marks, (struct user_number){command, ordinal});
}

/* Block `height` has the commands up to 10 times that. */
static void seal(uint64_t height)
{
    finality_seal(&finality, 10 * height);
}

static void assert_taken(uint64_t last_command, uint64_t from, uint32_t from_ordinal, uint64_t to,
                         uint32_t to_ordinal)
{
    assert_true(finality_take(&marks, last_command, &range));
    assert_int_equal(range.from.command, from);
    assert_int_equal(range.from.ordinal, from_ordinal);
    assert_int_equal(range.to.command, to);
    assert_int_equal(range.to.ordinal, to_ordinal);
}

static void assert_none(uint64_t last_command)
{
    assert_false(finality_take(&marks, last_command, &range));
}

/* A block's events become final together, those of the next one with the next; nothing twice. */
TEST(finality, blocks_become_final_one_after_the_other)
{
    begin();
    hear(3, 0);
    hear(3, 4);
    hear(10, 0); /* a timer's, by the SEAL itself */
    seal(1);
    hear(11, 0);
    assert_none(9);
    assert_taken(10, 3, 0, 10, 0);
    assert_none(10);
    seal(2);
    assert_taken(20, 11, 0, 11, 0);
    assert_none(1000);
}

/* One certificate covers all blocks below it. */
TEST(finality, later_certificate_covers_what_is_below)
{
    begin();
    for (uint64_t height = 1; height <= 5; height++) {
        hear(10 * height - 5, 1);
        seal(height);
    }
    assert_taken(30, 5, 1, 25, 1);
    assert_taken(50, 35, 1, 45, 1);
}

/* Of more blocks without a certificate than are told apart, the last ones become final together: with the latest of
 * them, and not before. */
TEST(finality, more_blocks_than_marks_wait_for_the_last)
{
    begin();
    for (uint64_t height = 1; height <= FINALITY_MARKS_MAX + 2; height++) {
        hear(10 * height, 0);
        seal(height);
    }
    assert_int_equal(marks.count, FINALITY_MARKS_MAX);
    const uint64_t last = 10 * FINALITY_MARKS_MAX;
    assert_taken(last, 10, 0, last - 10, 0);
    assert_none(last + 19);
    assert_taken(last + 20, last, 0, last + 20, 0);
}

/* What is heard again after a break finds the block that it is in. */
TEST(finality, missed_events_find_their_blocks)
{
    begin();
    for (uint64_t height = 1; height <= 100; height++)
        seal(height);
    hear(305, 0);
    hear(310, 9);
    hear(311, 0);
    hear(500, 0);
    hear(1005, 0);
    assert_int_equal(marks.count, 4);
    assert_none(309);
    assert_taken(310, 305, 0, 310, 9);
    assert_taken(320, 311, 0, 311, 0);
    assert_taken(1000, 500, 0, 500, 0);
    assert_none(1004);
}

/* Where the end of a block is forgotten, what stood on both sides becomes final with the later. */
TEST(finality, forgotten_ends_of_blocks_part_nothing)
{
    begin();
    for (uint64_t height = 1; height <= FINALITY_SEALS_KEPT + 10; height++)
        seal(height);
    hear(95, 0);
    hear(105, 0); /* the end of block 10 is forgotten */
    hear(115, 0); /* that of 11 is known */
    assert_int_equal(marks.count, 2);
    assert_none(104);
    assert_taken(110, 95, 0, 105, 0);
}

/* A block ends by its SEAL and by nothing else. */
TEST(finality, newest_seal_ends_a_block)
{
    begin();
    assert_false(finality_is_seal(&finality, 0));
    seal(1);
    assert_true(finality_is_seal(&finality, 10));
    assert_false(finality_is_seal(&finality, 11));
    seal(2);
    assert_false(finality_is_seal(&finality, 10));
    assert_true(finality_is_seal(&finality, 20));
}

TEST(finality, message_names_block_and_range)
{
    char bytes[512];
    struct writer json;
    struct block_entry block = {.header = {.height = 7, .time_ns = 1700000040007000000u}};
    memset(block.hash.bytes, 7, sizeof(block.hash.bytes));
    range = (struct finality_range){{68, 4}, {70, 0}};
    writer_start(&json, bytes, sizeof(bytes));
    finality_put(&json, &block, &range, 1000);
    assert_false(json.overflow);
    bytes[json.used] = 0;
    assert_string_equal(bytes,
                        "{\"e\":\"certified\",\"E\":1700000040007000,\"height\":7,\"headerHash\":\""
                        "0707070707070707070707070707070707070707070707070707070707070707\","
                        "\"from\":\"68-4\",\"to\":\"70-0\"}");
}
