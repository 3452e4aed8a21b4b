#include "ledger/crc32c.h"

#include "tests/harness.h"

/* RFC 3720, appendix B.4: the published check values. */
TEST(crc32c, gives_the_published_values)
{
    uint8_t bytes[32];
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc32c_add(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c_add(0, bytes, 32), 0x62a8ab43u);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc32c_add(0, bytes, 32), 0x46dd794eu);
    assert_int_equal(crc32c_add(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c_add(0, bytes, 0), 0);
}

/* A log written on one processor is read on another. */
TEST(crc32c, table_and_instruction_agree_at_every_length_and_offset)
{
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 73 + 11);
    for (size_t from = 0; from < 16; from++)
        for (size_t count = 0; from + count <= sizeof(bytes); count++)
            assert_int_equal(crc32c_add((uint32_t)from, bytes + from, count),
                             crc32c_add_portable((uint32_t)from, bytes + from, count));
}

/* A record's checksum is taken piece by piece. */
TEST(crc32c, pieces_add_up_to_the_whole)
{
    const char *text = "the oldest order fills first at equal price";
    const size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++)
        assert_int_equal(crc32c_add(crc32c_add(0, text, cut), text + cut, length - cut),
                         crc32c_add(0, text, length));
}
