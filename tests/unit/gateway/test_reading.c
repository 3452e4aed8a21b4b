#include "gateway/reading.h"
#include "tests/harness.h"

#include <stdlib.h>

/* What is taken stays, one piece behind the other, when the source's memory is another's. */
TEST(reading, what_is_taken_is_of_its_own)
{
    char source[] = "abc";
    struct reading reading = {.status = STATUS_OK};
    reading_take(&reading, source, 3);
    source[0] = 'x';
    reading_take(&reading, source, 2);
    reading_take(&reading, source, 0);
    assert_int_equal(reading.status, STATUS_OK);
    assert_ptr_equal(reading.bytes.bytes, reading.taken);
    assert_int_equal(reading.bytes.byte_count, 5);
    assert_memory_equal(reading.bytes.bytes, "abcxb", 5);
    free(reading.taken);
}

/* Nothing is something too: memory to free, and no bytes. */
TEST(reading, nothing_can_be_taken)
{
    struct reading reading = {.status = STATUS_OK};
    reading_take(&reading, NULL, 0);
    assert_int_equal(reading.status, STATUS_OK);
    assert_non_null(reading.taken);
    assert_int_equal(reading.bytes.byte_count, 0);
    free(reading.taken);
}
