#include "gateway/byte_stream.h"

#include "tests/harness.h"

static uint8_t taken[3 * BYTE_WRITER_BYTES];
static size_t taken_bytes, taken_max;
static int calls;

static bool take(void *context, const uint8_t *bytes, size_t byte_count)
{
    (void)context;
    calls++;
    if (taken_bytes + byte_count > taken_max) return false;
    memcpy(taken + taken_bytes, bytes, byte_count);
    taken_bytes += byte_count;
    return true;
}

/* What is written comes out in order, whole, in few pieces. */
TEST(byte_stream, pieces_join_to_what_was_written)
{
    static struct byte_writer writer;
    taken_bytes = 0;
    taken_max = sizeof(taken);
    calls = 0;
    byte_writer_begin(&writer, take, NULL);
    for (uint64_t i = 0; i < 20000; i++)
        le_put_u64(byte_writer_room(&writer, 8), i);
    assert_true(byte_writer_end(&writer));
    assert_int_equal(taken_bytes, 160000);
    assert_int_equal(calls, 3);
    struct byte_reader reader = byte_reader_over(taken, taken_bytes);
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(byte_reader_u64(&reader), i);
    assert_true(byte_reader_whole(&reader));
    assert_ptr_equal(reader.at, reader.end);
}

/* A taker that refuses is not asked again, and the end says so. */
TEST(byte_stream, refusal_ends_the_writing)
{
    static struct byte_writer writer;
    taken_bytes = 0;
    taken_max = 10;
    calls = 0;
    byte_writer_begin(&writer, take, NULL);
    for (uint64_t i = 0; i < 20000; i++)
        le_put_u64(byte_writer_room(&writer, 8), i);
    assert_false(byte_writer_end(&writer));
    assert_int_equal(calls, 1);
}

/* What is not there reads as zero, and never again as whole. */
TEST(byte_stream, reading_too_far_is_noticed)
{
    const uint8_t bytes[] = {1, 2, 0, 3, 0, 0, 0, 4};
    struct byte_reader reader = byte_reader_over(bytes, sizeof(bytes));
    assert_int_equal(byte_reader_u8(&reader), 1);
    assert_int_equal(byte_reader_u16(&reader), 2);
    assert_int_equal(byte_reader_u32(&reader), 3);
    assert_true(byte_reader_whole(&reader));
    assert_int_equal(byte_reader_u16(&reader), 0);
    assert_false(byte_reader_whole(&reader));
    assert_null(byte_reader_take(&reader, 1)); /* although one byte is left */
    assert_int_equal(byte_reader_i64(&reader), 0);
}
