#include "settlement/row_sort.h"

#include "tests/harness.h"

static void add(struct row_sort *sort, struct copy_rows *rows, uint64_t key, const char *text)
{
    if (rows->capacity - rows->used < COPY_ROW_MAX) {
        rows->capacity += 8 * COPY_ROW_MAX;
        rows->bytes = realloc(rows->bytes, rows->capacity);
        assert_non_null(rows->bytes);
    }
    row_sort_next(sort, rows, key);
    copy_row_begin(rows, 1);
    copy_row_text(rows, text);
}

static void start(struct copy_rows *rows)
{
    if (rows->bytes == NULL) {
        rows->capacity = 8 * COPY_ROW_MAX;
        rows->bytes = malloc(rows->capacity);
        assert_non_null(rows->bytes);
    }
    copy_row_start(rows);
}

static void close_all(struct row_sort *sort, struct copy_rows *rows)
{
    row_sort_close(sort);
    free(rows->bytes);
}

/* Rows of several lengths: what is there afterwards is what these bytes would be had they come in this order. */
TEST(row_sort, rows_go_by_key_and_else_as_they_came)
{
    struct row_sort sort = {0}, unused = {0};
    struct copy_rows rows = {0}, expected = {0};
    for (int round = 0; round < 2; round++) { /* the second with what the first left behind */
        start(&rows);
        add(&sort, &rows, 7, "seven, the first");
        add(&sort, &rows, UINT64_MAX, "the last");
        add(&sort, &rows, 7, "seven");
        add(&sort, &rows, 0, "");
        add(&sort, &rows, 7, "seven again");
        row_sort_apply(&sort, &rows);
        copy_row_finish(&rows);
        start(&expected);
        add(&unused, &expected, 0, "");
        add(&unused, &expected, 0, "seven, the first");
        add(&unused, &expected, 0, "seven");
        add(&unused, &expected, 0, "seven again");
        add(&unused, &expected, 0, "the last");
        copy_row_finish(&expected);
        assert_int_equal(rows.used, expected.used);
        assert_memory_equal(rows.bytes, expected.bytes, expected.used);
        assert_int_equal(rows.row_count, 5);
    }
    close_all(&sort, &rows);
    close_all(&unused, &expected);
}

/* Many rows, more than there was room for at first; the bytes grow after a sort too. */
TEST(row_sort, many_rows_lose_nothing)
{
    struct row_sort sort = {0};
    struct copy_rows rows = {0};
    char text[32];
    for (uint32_t count = 100; count <= 10000; count *= 100) {
        start(&rows);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(text, sizeof(text), "%05u", i * 7919 % count);
            add(&sort, &rows, i * 7919 % count, text);
        }
        row_sort_apply(&sort, &rows);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(text, sizeof(text), "%05u", i);
            const size_t row = rows.used - (size_t)(count - i) * (2 + 4 + 5);
            assert_memory_equal(rows.bytes + row + 6, text, 5);
        }
    }
    close_all(&sort, &rows);
}

TEST(row_sort, none_and_one_are_left_alone)
{
    struct row_sort sort = {0};
    struct copy_rows rows = {0};
    start(&rows);
    const size_t empty = rows.used;
    row_sort_apply(&sort, &rows);
    assert_int_equal(rows.used, empty);
    add(&sort, &rows, 5, "one");
    row_sort_apply(&sort, &rows);
    assert_int_equal(rows.used, empty + 2 + 4 + 3);
    close_all(&sort, &rows);
}
