#include "common/applied.h"

#include "common/hash.h"
#include "tests/harness.h"

static uint8_t bytes[256];

static size_t make_record(void)
{
    const struct applied applied = {
        .number = 0x0102030405060708,
        .stamp_ns = 0x1112131415161718,
        .command_length = 3,
        .events_length = 5,
        .event_count = 2,
        .flags = APPLIED_FIRST | APPLIED_LAST,
    };
    applied_header_put(bytes, &applied);
    memcpy(bytes + APPLIED_HEADER_BYTES, "cmdevent", 8);
    return APPLIED_HEADER_BYTES + 8;
}

TEST(applied, the_record_is_its_golden_bytes)
{
    char text[2 * sizeof(bytes) + 1];
    const size_t byte_count = make_record();
    hash_hex(bytes, byte_count, text);
    assert_string_equal(text, "0807060504030201"
                              "1817161514131211"
                              "03000000"
                              "05000000"
                              "02000000"
                              "03000000"
                              "636d64"
                              "6576656e74");
}

TEST(applied, records_are_walked_to_the_end)
{
    struct applied applied;
    const size_t byte_count = make_record();
    memcpy(bytes + byte_count, bytes, byte_count);
    const uint8_t *at = bytes, *const end = bytes + 2 * byte_count;
    for (int i = 0; i < 2; i++) {
        assert_true(applied_next(&at, end, &applied));
        assert_true(applied.number == 0x0102030405060708);
        assert_memory_equal(applied.command, "cmd", 3);
        assert_memory_equal(applied.events, "event", 5);
        assert_int_equal(applied.event_count, 2);
    }
    assert_ptr_equal(at, end);
    assert_false(applied_next(&at, end, &applied));
}

TEST(applied, a_cut_record_is_refused_at_every_byte)
{
    struct applied applied;
    const size_t byte_count = make_record();
    for (size_t cut = 0; cut < byte_count; cut++) {
        const uint8_t *at = bytes;
        assert_false(applied_next(&at, bytes + cut, &applied));
        assert_ptr_equal(at, bytes);
    }
}

/* Lengths that would wrap a 32-bit sum, and flags nobody writes. */
TEST(applied, lengths_and_flags_are_not_believed)
{
    struct applied applied;
    const size_t byte_count = make_record();
    const uint8_t *at = bytes;
    memset(bytes + 16, 0xff, 8);
    assert_false(applied_next(&at, bytes + byte_count, &applied));
    make_record();
    memset(bytes + 20, 0xff, 4); /* 3 + 0xffffffff = 2 in 32 bits */
    assert_false(applied_next(&at, bytes + byte_count, &applied));
    make_record();
    bytes[28] = 4;
    assert_false(applied_next(&at, bytes + byte_count, &applied));
    make_record();
    assert_true(applied_next(&at, bytes + byte_count, &applied));
}
