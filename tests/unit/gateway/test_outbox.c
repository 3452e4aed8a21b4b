#include "gateway/outbox_h2o.h"
#include "tests/harness.h"

static struct outbox outbox;

static void add(const char *text)
{
    const h2o_iovec_t parts[] = {{(char *)(uintptr_t)text, 1},
                                 {(char *)(uintptr_t)text + 1, strlen(text) - 1}};
    struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, parts, 2);
    outbox_add(&outbox, frame);
    outbox_frame_release(frame);
}

/* Bytes go in the order they came, so many frames at once, behind their heads; and are counted until they are written. */
TEST(outbox, frames_go_in_their_order)
{
    h2o_iovec_t parts[64];
    char text[3] = "aa";
    for (int i = 0; i < 26; i++, text[0]++)
        add(text);
    assert_int_equal(outbox.byte_count, 26 * 4);
    assert_int_equal(outbox_begin(&outbox, parts, 20), 20);
    assert_int_equal(parts[19].len, 4);
    assert_memory_equal(parts[19].base, "\x81\x02ta", 4);
    assert_int_equal(outbox.byte_count, 26 * 4);
    outbox_written(&outbox);
    assert_int_equal(outbox.byte_count, 6 * 4);
    add("zz"); /* beyond the first room's end */
    assert_int_equal(outbox_begin(&outbox, parts, 64), 7);
    assert_memory_equal(parts[0].base + 2, "ua", 2);
    assert_memory_equal(parts[6].base + 2, "zz", 2);
    outbox_free(&outbox);
    outbox = (struct outbox){0};
}

/* What is being written stays; the rest can be taken back. */
TEST(outbox, what_waits_can_be_cut)
{
    h2o_iovec_t parts[64];
    add("ab");
    add("cd");
    assert_int_equal(outbox_begin(&outbox, parts, 1), 1);
    outbox_cut(&outbox, outbox.in_flight);
    assert_int_equal(outbox_count(&outbox), 1);
    assert_int_equal(outbox.byte_count, 4);
    outbox_written(&outbox);
    assert_int_equal(outbox.byte_count, 0);
    assert_int_equal(outbox_begin(&outbox, parts, 64), 0);
    outbox_free(&outbox);
    outbox = (struct outbox){0};
}

/* A long message goes in parts, each counted as it is written; cut in its midst, it is finished all the same. */
TEST(outbox, long_message_goes_in_parts)
{
    static char bytes[OUTBOX_WRITE_MAX + 100];
    const h2o_iovec_t part = {bytes, sizeof(bytes)};
    h2o_iovec_t parts[64];
    memset(bytes, 'a', sizeof(bytes));
    struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, &part, 1);
    frame->is_user = true;
    add("ab");
    outbox_add(&outbox, frame);
    add("cd");
    assert_int_equal(outbox_begin(&outbox, parts, 64), 2);
    assert_int_equal(parts[0].len, 4);
    assert_int_equal(parts[1].len, OUTBOX_WRITE_MAX - 4);
    outbox_written(&outbox);
    const size_t rest = frame->byte_count - (OUTBOX_WRITE_MAX - 4);
    assert_int_equal(outbox.user_bytes, rest);
    assert_int_equal(outbox.byte_count, rest + 4);
    outbox_cut(&outbox, 0);
    assert_int_equal(outbox.byte_count, rest);
    add("ef");
    assert_int_equal(outbox_begin(&outbox, parts, 64), 2);
    assert_ptr_equal(parts[0].base, frame->bytes + OUTBOX_WRITE_MAX - 4);
    assert_int_equal(parts[0].len, rest);
    assert_memory_equal(parts[1].base + 2, "ef", 2);
    outbox_written(&outbox);
    assert_int_equal(outbox.byte_count + outbox.user_bytes, 0);
    assert_int_equal(outbox_count(&outbox), 0);
    outbox_free(&outbox);
    outbox = (struct outbox){0};
    outbox_frame_release(frame);
}

/* What was taken in part goes on where it stopped, in the midst of a frame, before what came later. */
TEST(outbox, what_is_left_over_goes_first)
{
    h2o_iovec_t parts[64];
    add("ab");
    add("cd");
    assert_int_equal(outbox_begin(&outbox, parts, 64), 2);
    assert_false(outbox_taken(&outbox, 7));
    assert_int_equal(outbox_count(&outbox), 1);
    assert_int_equal(outbox.byte_count, 1);
    add("ef");
    assert_int_equal(outbox_begin(&outbox, parts, 64), 2);
    assert_int_equal(parts[0].len, 1);
    assert_int_equal(parts[0].base[0], 'd');
    assert_false(outbox_taken(&outbox, 0));
    assert_int_equal(outbox.byte_count, 5);
    assert_int_equal(outbox_begin(&outbox, parts, 64), 2);
    assert_true(outbox_taken(&outbox, 5));
    assert_int_equal(outbox_count(&outbox), 0);
    assert_int_equal(outbox.byte_count, 0);
    outbox_free(&outbox);
    outbox = (struct outbox){0};
}

/* One frame for two readers is freed with the second. */
TEST(outbox, readers_share_a_frame)
{
    static struct outbox other;
    const h2o_iovec_t part = {H2O_STRLIT("ab")};
    struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, &part, 1);
    outbox_add(&outbox, frame);
    outbox_add(&other, frame);
    assert_int_equal(frame->reference_count, 3);
    outbox_frame_release(frame);
    outbox_free(&outbox);
    assert_int_equal(frame->reference_count, 1);
    outbox_free(&other);
    outbox = (struct outbox){0};
}
