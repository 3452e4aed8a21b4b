#include "gateway/crc32.h"

#include "tests/harness.h"

/* The check value of the standard, what nothing gives, and every value of a byte. */
TEST(crc32, is_the_one_of_zlib)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    assert_true(crc32_of("123456789", 9) == 0xcbf43926);
    assert_true(crc32_of("", 0) == 0);
    assert_true(crc32_of(bytes, 256) == 0x29058c73);
}
