#include "settlement/copy_row.h"

#include "tests/harness.h"

/* The bytes as PostgreSQL's manual lays them out; test_store_pg has the server read them. */
TEST(copy_row, bytes_are_as_the_format_says)
{
    uint8_t bytes[4096];
    struct copy_rows rows = {.bytes = bytes, .capacity = sizeof(bytes)};
    copy_row_start(&rows);
    copy_row_begin(&rows, 5);
    copy_row_null(&rows);
    copy_row_i32(&rows, -2);
    copy_row_i64(&rows, 258);
    copy_row_text(&rows, "ab");
    copy_row_numeric(&rows, (__int128)-1230004567);
    copy_row_finish(&rows);
    static const uint8_t expected[] = {'P', 'G', 'C',  'O',  'P',  'Y',  '\n', 0xff, '\r', '\n',
                                       0,   0,   0,    0,    0,    0,    0,    0,    0, /* */
                                       0,   5,   0xff, 0xff, 0xff, 0xff,                /* */
                                       0,   0,   0,    4,    0xff, 0xff, 0xff, 0xfe,    /* */
                                       0,   0,   0,    8,    0,    0,    0,    0,    0,    0,
                                       1,   2,                          /* */
                                       0,   0,   0,    2,    'a',  'b', /* */
                                       0,   0,   0,    14,   0,    3,    0,    2,    0x40, 0,
                                       0,   0,   0,    12,   0x0b, 0xb8, 0x11, 0xd7, 0xff, 0xff};
    assert_int_equal(rows.used, sizeof(expected));
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_int_equal(rows.row_count, 1);
    copy_row_start(&rows);
    assert_int_equal(rows.row_count, 0);
    copy_row_begin(&rows, 1);
    copy_row_numeric(&rows, 0);
    assert_int_equal(rows.used, 19 + 2 + 4 + 8);
}
