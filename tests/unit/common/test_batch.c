#include "common/batch.h"

#include "tests/harness.h"

static uint8_t bytes[BATCH_BYTES_MAX + COMMAND_BYTES_MAX];

/* Appends a SEAL for `height`. */
static size_t add_seal(size_t at, uint64_t height)
{
    const struct command_header header = {.length = COMMAND_HEADER_BYTES + SEAL_BYTES,
                                          .type = T_SEAL};
    const struct seal_command seal = {.height = height};
    command_header_put(bytes + at, &header);
    seal_command_put(bytes + at + COMMAND_HEADER_BYTES, &seal);
    return at + header.length;
}

static size_t make_batch(uint32_t command_count)
{
    const struct batch_header header = {command_count, 0x0102030405060708};
    size_t byte_count = BATCH_HEADER_BYTES;
    batch_header_put(bytes, &header);
    for (uint32_t i = 0; i < command_count; i++)
        byte_count = add_seal(byte_count, i + 1);
    return byte_count;
}

TEST(batch, the_header_is_its_golden_bytes)
{
    static const uint8_t golden[] = {'Q', 'X', 'B', '1', 2, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    make_batch(2);
    assert_memory_equal(bytes, golden, sizeof(golden));
}

TEST(batch, commands_come_back_in_order)
{
    struct batch_header header;
    struct command command;
    struct seal_command seal;
    const size_t byte_count = make_batch(3);
    assert_true(batch_check(bytes, byte_count, &header));
    assert_int_equal(header.command_count, 3);
    assert_true(header.stamp_ns == 0x0102030405060708);

    const uint8_t *at = bytes + BATCH_HEADER_BYTES;
    for (uint64_t height = 1; height <= 3; height++) {
        assert_true(batch_next(&at, bytes + byte_count, &command));
        seal_command_get(command.payload, &seal);
        assert_int_equal(seal.height, height);
    }
    assert_false(batch_next(&at, bytes + byte_count, &command));
    assert_ptr_equal(at, bytes + byte_count);
}

TEST(batch, the_count_and_the_bytes_must_agree)
{
    struct batch_header header;
    const size_t byte_count = make_batch(3);
    for (size_t cut = 0; cut < byte_count; cut++)
        assert_false(batch_check(bytes, cut, &header));
    assert_false(batch_check(bytes, byte_count + 1, &header));
    bytes[4]++;
    assert_false(batch_check(bytes, byte_count, &header));
    bytes[4] -= 2;
    assert_false(batch_check(bytes, byte_count, &header));
    bytes[4]++;
    assert_true(batch_check(bytes, byte_count, &header));
    bytes[0]++;
    assert_false(batch_check(bytes, byte_count, &header));
}

TEST(batch, an_empty_batch_is_a_batch)
{
    struct batch_header header;
    assert_true(batch_check(bytes, make_batch(0), &header));
    assert_int_equal(header.command_count, 0);
}

TEST(batch, a_command_of_another_kind_spoils_the_batch)
{
    struct batch_header header;
    const size_t byte_count = make_batch(2);
    bytes[BATCH_HEADER_BYTES + 5] = 0x01; /* the first command's type becomes an event's */
    assert_false(batch_check(bytes, byte_count, &header));
}

TEST(batch, no_batch_is_longer_than_its_bound)
{
    const uint32_t seal_bytes = COMMAND_HEADER_BYTES + SEAL_BYTES;
    const uint32_t most = (BATCH_BYTES_MAX - BATCH_HEADER_BYTES) / seal_bytes;
    struct batch_header header;
    assert_true(batch_check(bytes, make_batch(most), &header));
    assert_int_equal(header.command_count, most);
    assert_false(batch_check(bytes, make_batch(most + 1), &header));
}
