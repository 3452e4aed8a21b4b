#include "gateway/user_reader_h2o.h"

#include "gateway/listen_key.h"
#include "gateway/user_json.h"
#include "tests/unit/gateway/user_fixture.h"

#define WROTE_FRAMES 64

static struct socket_hub hub;
static struct metrics reader_metrics;
static uint64_t reader_now_ns;
static struct connection *ann_reader, *bob_reader;
static uint64_t heard_count;   /* events that were written to ann's reader */
static uint64_t heard_ordinal; /* of the last */
static char closed_for[FRAME_CONTROL_MAX];

static uint64_t now(void)
{
    return reader_now_ns;
}

/* A connection that listens to the account, and no socket: what waits for it is written by `write`. */
static struct connection *open_reader(uint32_t account)
{
    static char names[3][LISTEN_KEY_LETTERS + 1];
    const uint8_t random[LISTEN_KEY_LETTERS] = {(uint8_t)account};
    struct connection *connection = connection_new(&hub);
    assert_non_null(connection);
    listen_key_take(user_stream_keys(users), account, desk_stamp, view_command(desk_view), random,
                    names[account]);
    connection->session.names = names[account];
    connection->session.names_used = LISTEN_KEY_LETTERS + 1;
    connection->listens = (struct listen_streams){.users = users,
                                                  .session = &connection->session,
                                                  .send = connection_tell,
                                                  .takes_more = user_reader_takes_more,
                                                  .lost = connection_end_lost,
                                                  .context = connection};
    listen_stream_follow(&connection->listens, desk_stamp);
    assert_non_null(connection->listens.first);
    return connection;
}

static void close_reader(struct connection *connection)
{
    connection->session.names = NULL; /* not its own */
    connection_free(connection);
}

static void open_readers(void)
{
    user_open();
    memset(&reader_metrics, 0, sizeof(reader_metrics));
    reader_now_ns = 1000000000000ull;
    hub = (struct socket_hub){.metrics = &reader_metrics};
    hub.options = (struct socket_options){.pulse = pulse_limits_default(), .now_ns = now};
    list_init(&hub.all);
    list_init(&hub.dirty);
    list_init(&hub.skipping);
    list_init(&hub.behind);
    ann_reader = open_reader(1);
    bob_reader = open_reader(2);
    heard_count = heard_ordinal = 0;
    closed_for[0] = 0;
}

static void close_readers(void)
{
    close_reader(ann_reader);
    close_reader(bob_reader);
}

static void hear_frame(const h2o_iovec_t *frame)
{
    const char *sequence = memmem(frame->base, frame->len, "\"sequence\":\"", 12);
    if (sequence == NULL) {
        assert_int_equal((uint8_t)frame->base[0], 0x88);
        memcpy(closed_for, frame->base + 4, frame->len - 4);
        closed_for[frame->len - 4] = 0;
        return;
    }
    const uint64_t ordinal = strtoull(memchr(sequence + 12, '-', 24) + 1, NULL, 10);
    assert_true(heard_count == 0 || ordinal > heard_ordinal);
    heard_ordinal = ordinal;
    heard_count++;
}

/* What is written at once leaves the outbox of ann's reader. False: nothing waits. */
static bool take_some(void)
{
    h2o_iovec_t parts[WROTE_FRAMES];
    const uint32_t count = outbox_begin(&ann_reader->outbox, parts, WROTE_FRAMES);
    for (uint32_t at = 0; at < count; at++)
        hear_frame(&parts[at]);
    outbox_written(&ann_reader->outbox);
    return count > 0;
}

/* And the connection knows. */
static bool write_some(void)
{
    const bool has_taken = take_some();
    if (has_taken) user_reader_written(ann_reader);
    return has_taken;
}

/* One command that credits the account so often. */
static void credit(uint32_t account, uint32_t credits)
{
    user_credit(APPLIED_FIRST | APPLIED_LAST, account, credits);
    desk_number++;
}

/* A command of ten times what may wait: a reader who reads gets each of its events, in order, and never more than a little
 * waits for him. */
TEST(user_reader, one_who_reads_is_told_all)
{
    open_readers();
    credit(1, 50000);
    assert_true(user_reader_is_behind(ann_reader));
    while (outbox_count(&ann_reader->outbox) > 0) {
        assert_true(ann_reader->outbox.byte_count < SOCKET_USER_ABOVE + USER_JSON_MAX);
        while (write_some())
            ;
        user_reader_tick(&hub);
    }
    assert_int_equal(heard_count, 50000);
    assert_false(user_reader_is_behind(ann_reader));
    assert_false(connection_is_closing(ann_reader));
    credit(1, 3);
    assert_int_equal(outbox_count(&ann_reader->outbox), 3);
    close_readers();
}

/* What happens while he is behind comes behind what he has missed. */
TEST(user_reader, what_happens_meanwhile_waits_too)
{
    open_readers();
    credit(1, 5000);
    const uint32_t waiting = outbox_count(&ann_reader->outbox);
    assert_true(waiting < 5000);
    credit(1, 1);
    credit(2, 1);
    assert_int_equal(outbox_count(&ann_reader->outbox), waiting);
    assert_int_equal(outbox_count(&bob_reader->outbox), 1);
    close_readers();
}

/* Who takes nothing for so long is closed, and told why; what is remembered he may still hear on another connection. */
TEST(user_reader, one_who_stalls_is_closed_by_name)
{
    open_readers();
    credit(1, 5000);
    const struct user_number last = {desk_number, 0};
    reader_now_ns += SOCKET_STALL_NS - 1;
    user_reader_tick(&hub);
    assert_false(connection_is_closing(ann_reader));
    reader_now_ns++;
    user_reader_tick(&hub);
    assert_true(connection_is_closing(ann_reader));
    assert_false(user_reader_is_behind(ann_reader));
    assert_null(ann_reader->listens.first);
    while (write_some())
        ;
    assert_string_equal(closed_for, "too slow: user data waits, and nothing was taken for 30 s");
    assert_int_equal(metric_get(&reader_metrics.ws_slow_closed_total), 1);
    assert_true(user_stream_may_resume(users, 1, last));
    close_readers();
}

/* Whoever takes a page in time is not stalled, however much is left. */
TEST(user_reader, a_page_in_time_is_enough)
{
    open_readers();
    credit(1, 20000);
    for (uint32_t pages = 0; pages < 3; pages++) {
        reader_now_ns += SOCKET_STALL_NS - 1;
        const uint64_t before = heard_count;
        while (ann_reader->outbox.byte_count > SOCKET_USER_ABOVE / 2)
            assert_true(take_some());
        assert_true(heard_count > before);
        user_reader_tick(&hub);
        assert_false(connection_is_closing(ann_reader));
        assert_true(user_reader_is_behind(ann_reader));
    }
    close_readers();
}

/* A round has an end for all together; the next one goes on. */
TEST(user_reader, a_round_is_bounded)
{
    open_readers();
    credit(1, 5000);
    hub.told_bytes = SOCKET_USER_ROUND;
    while (write_some())
        ;
    assert_true(user_reader_is_behind(ann_reader));
    assert_true(heard_count < 5000);
    user_reader_tick(&hub);
    assert_true(outbox_count(&ann_reader->outbox) > 0);
    close_readers();
}

/* Who comes back when what is next for him has been forgotten is closed by that name, and counted as slow. */
TEST(user_reader, one_who_is_lost_is_counted_as_slow)
{
    open_readers();
    credit(1, 5000);
    for (uint32_t commands = 0; commands < 140; commands++)
        credit(1, 1000);
    while (write_some() && !connection_is_closing(ann_reader))
        ;
    assert_true(connection_is_closing(ann_reader));
    while (write_some())
        ;
    assert_string_equal(closed_for, USER_LOST);
    assert_int_equal(metric_get(&reader_metrics.ws_slow_closed_total), 1);
    close_readers();
}

/* As write_some, whatever is written. */
static bool write_anything(void)
{
    h2o_iovec_t parts[WROTE_FRAMES];
    const uint32_t count = outbox_begin(&ann_reader->outbox, parts, WROTE_FRAMES);
    outbox_written(&ann_reader->outbox);
    if (count > 0) user_reader_written(ann_reader);
    return count > 0;
}

static void queue_others(uint32_t frames)
{
    static char bytes[130];
    const h2o_iovec_t part = {bytes, sizeof(bytes)};
    for (uint32_t at = 0; at < frames; at++) {
        struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, &part, 1);
        connection_queue(ann_reader, frame);
        outbox_frame_release(frame);
    }
}

/* Market data that waits on the same connection takes no room of user data, and a steady reader of both is not closed. */
TEST(user_reader, market_data_takes_no_room)
{
    open_readers();
    queue_others(200 * 1024 / 130);
    const uint32_t waiting = outbox_count(&ann_reader->outbox);
    credit(1, 1);
    assert_int_equal(outbox_count(&ann_reader->outbox), waiting + 1);
    assert_false(user_reader_is_behind(ann_reader));
    for (uint32_t seconds = 0; seconds <= 31; seconds++) {
        assert_true(write_anything());
        queue_others(WROTE_FRAMES);
        reader_now_ns += 1000000000ull;
        user_reader_tick(&hub);
        assert_false(connection_is_closing(ann_reader));
    }
    close_readers();
}

/* Who takes a long answer a part at a time has taken something, though what is behind it waits. */
TEST(user_reader, one_who_takes_a_long_answer_is_not_stalled)
{
    static char bytes[2 * 1024 * 1024];
    const h2o_iovec_t answer = {bytes, sizeof(bytes)};
    open_readers();
    connection_answer(ann_reader, &answer, 1);
    credit(1, 5000);
    assert_true(user_reader_is_behind(ann_reader));
    for (uint32_t parts = 0; parts < sizeof(bytes) / OUTBOX_WRITE_MAX; parts++) {
        reader_now_ns += SOCKET_STALL_NS - 1;
        assert_true(write_anything());
        user_reader_tick(&hub);
        assert_false(connection_is_closing(ann_reader));
        assert_true(user_reader_is_behind(ann_reader));
    }
    reader_now_ns += SOCKET_STALL_NS;
    user_reader_tick(&hub);
    assert_true(connection_is_closing(ann_reader));
    close_readers();
}

/* Who has ended what he was behind with waits for nothing. */
TEST(user_reader, one_who_listens_no_more_is_not_behind)
{
    open_readers();
    credit(1, 5000);
    assert_true(user_reader_is_behind(ann_reader));
    ann_reader->session.names_used = 0;
    listen_stream_follow(&ann_reader->listens, desk_stamp);
    user_reader_tick(&hub);
    assert_false(user_reader_is_behind(ann_reader));
    reader_now_ns += SOCKET_STALL_NS;
    user_reader_tick(&hub);
    assert_false(connection_is_closing(ann_reader));
    close_readers();
}

/* However many listen to an account, a command of its is not told to all of them in one round; nothing is lost by that. */
TEST(user_reader, one_command_for_many_is_bounded)
{
    enum { READERS = 100 };
    static struct connection *readers[READERS];
    size_t queued = 0;
    open_readers();
    for (uint32_t at = 0; at < READERS; at++)
        readers[at] = open_reader(2);
    credit(2, 5000);
    for (uint32_t at = 0; at < READERS; at++)
        queued += readers[at]->outbox.byte_count;
    assert_true(queued >= SOCKET_USER_ROUND / 2);
    assert_true(queued <= SOCKET_USER_ROUND + READERS * USER_JSON_MAX);
    user_reader_tick(&hub);
    for (uint32_t at = 0; at < READERS; at++) {
        assert_true(readers[at]->outbox.byte_count > SOCKET_USER_ABOVE / 2);
        close_reader(readers[at]);
    }
    close_readers();
}
