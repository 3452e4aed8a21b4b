#include "gateway/listen_stream_h2o.h"

#include "gateway/listen_key.h"
#include "tests/unit/gateway/user_fixture.h"

#define NOW_NS 1700000000000000000ull

static char said[1 << 14];
static struct session session;
static struct listen_streams streams;
static char names[256];
static char key[LISTEN_KEY_LETTERS + 1];
static bool has_room, was_ended;
static uint32_t room; /* messages that are still taken where there is no other room */
static bool closes;   /* what is sent closes the connection, as of a reader that is too slow */

static void send_said(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    (void)context;
    size_t used = strlen(said);
    for (size_t i = 0; i < part_count; i++) {
        assert_true(used + parts[i].len + 2 < sizeof(said));
        memcpy(said + used, parts[i].base, parts[i].len);
        used += parts[i].len;
    }
    memcpy(said + used, "\n", 2);
    if (room > 0) room--;
    if (closes) listen_stream_close(&streams);
}

static bool take_more(void *context)
{
    (void)context;
    return has_room || room > 0;
}

static void lose_connection(void *context)
{
    (void)context;
    was_ended = true;
    listen_stream_close(&streams);
}

/* The session's names are these two, or one; account 1 has a key. */
static void name(const char *first, const char *second)
{
    session.names = names;
    session.names_used = (uint32_t)strlen(first) + 1;
    memcpy(names, first, session.names_used);
    if (second == NULL) return;
    memcpy(names + session.names_used, second, strlen(second) + 1);
    session.names_used += (uint32_t)strlen(second) + 1;
}

static void open_streams(void)
{
    static const uint8_t noise[LISTEN_KEY_LETTERS] = {3, 1, 4, 1, 5};
    user_open();
    said[0] = 0;
    closes = was_ended = false;
    room = 0;
    has_room = true;
    session = (struct session){0};
    streams = (struct listen_streams){.users = users,
                                      .session = &session,
                                      .send = send_said,
                                      .takes_more = take_more,
                                      .lost = lose_connection};
    listen_key_take(user_stream_keys(users), 1, NOW_NS, view_command(desk_view), noise, key);
}

static void move(uint32_t account, int64_t units)
{
    said[0] = 0;
    desk_balance(account, 0, units, 0);
    user_apply();
}

/* A name that is a key is its account's stream; other names stay silent. */
TEST(listen_stream, name_that_is_a_key_is_listened_to)
{
    open_streams();
    name("nothing", key);
    listen_stream_follow(&streams, NOW_NS);
    move(2, 5);
    assert_string_equal(said, "");
    move(1, 5);
    assert_memory_equal(said, "{\"e\":\"outboundAccountPosition\",", 31);
    session.is_combined = true;
    move(1, 6);
    char wrapped[128];
    snprintf(wrapped, sizeof(wrapped), "{\"stream\":\"%s\",\"data\":{\"e\":\"outbound", key);
    assert_memory_equal(said, wrapped, strlen(wrapped));
    assert_non_null(strstr(said, "\"}}\n"));
    name("nothing", NULL);
    listen_stream_follow(&streams, NOW_NS);
    move(1, 7);
    assert_string_equal(said, "");
    listen_stream_close(&streams);
}

/* A connection of other things has nothing to end. */
TEST(listen_stream, connection_without_keys_has_nothing_to_do)
{
    struct listen_streams none = {0};
    listen_stream_tick(&none, NOW_NS);
    listen_stream_close(&none);
    assert_null(none.first);
}

/* Asked for again while it is there, it is still told once. */
TEST(listen_stream, key_is_listened_to_once)
{
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    listen_stream_follow(&streams, NOW_NS);
    move(1, 5);
    assert_null(strstr(strchr(said, '\n') + 1, "outbound"));
    listen_stream_close(&streams);
}

/* A key that is over is told so, once, and its account is not told of any more. */
TEST(listen_stream, stream_ends_with_its_key)
{
    char told[256];
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    listen_stream_tick(&streams, NOW_NS + LISTEN_KEY_LIFE_NS - 1);
    assert_string_equal(said, "");
    listen_stream_tick(&streams, NOW_NS + LISTEN_KEY_LIFE_NS);
    snprintf(told, sizeof(told),
             "{\"e\":\"listenKeyExpired\",\"E\":1700003600000,\"listenKey\":\"%s\"}\n", key);
    assert_string_equal(said, told);
    listen_stream_tick(&streams, NOW_NS + LISTEN_KEY_LIFE_NS);
    assert_string_equal(said, told);
    move(1, 5);
    assert_string_equal(said, "");
    listen_stream_follow(&streams, NOW_NS + LISTEN_KEY_LIFE_NS);
    assert_string_equal(said, "");
    listen_stream_close(&streams);
}

TEST(listen_stream, stream_ends_when_its_key_is_ended)
{
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    assert_true(listen_key_end(user_stream_keys(users), 1, key, LISTEN_KEY_LETTERS, NOW_NS));
    listen_stream_tick(&streams, NOW_NS);
    assert_non_null(strstr(said, "listenKeyExpired"));
    listen_stream_close(&streams);
}

/* A name of a key's form that is none is told so, once, and is all that is said of it; a name of another form is silent. */
TEST(listen_stream, key_that_is_not_good_is_told_so)
{
    static const char *const silent[] = {
        "0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    open_streams();
    for (size_t at = 0; at < sizeof(silent) / sizeof(silent[0]); at++) {
        name(silent[at], NULL);
        listen_stream_follow(&streams, NOW_NS);
        assert_string_equal(said, "");
        assert_false(listen_stream_is_dead(&streams));
    }
    const char *other = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz9";
    name(other, key);
    session.stream_count = 2;
    listen_stream_follow(&streams, NOW_NS);
    assert_string_equal(said,
                        "{\"e\":\"listenKeyExpired\",\"E\":1700000000000,\"listenKey\":"
                        "\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz9\"}\n");
    assert_false(listen_stream_is_dead(&streams));
    said[0] = 0;
    listen_stream_follow(&streams, NOW_NS);
    assert_string_equal(said, "");
    move(1, 5);
    assert_memory_equal(said, "{\"e\":\"outboundAccountPosition\",", 31);
    name(other, NULL);
    session.stream_count = 1;
    listen_stream_follow(&streams, NOW_NS);
    assert_true(listen_stream_is_dead(&streams));
    listen_stream_close(&streams);
}

TEST(listen_stream, connection_may_close_while_it_is_told)
{
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    closes = true;
    move(1, 5);
    assert_null(streams.first);
    move(1, 6);
    assert_string_equal(said, "");
    listen_stream_follow(&streams, NOW_NS);
    listen_stream_tick(&streams, NOW_NS + LISTEN_KEY_LIFE_NS);
    assert_non_null(strstr(said, "listenKeyExpired"));
    assert_null(streams.first);
}

/* A slow reader is told when he has room again; one who is so slow that it is forgotten loses his connection. */
TEST(listen_stream, slow_reader_is_told_later)
{
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    has_room = false;
    move(1, 5);
    move(1, 6);
    assert_string_equal(said, "");
    listen_stream_go_on(&streams);
    assert_string_equal(said, "");
    has_room = true;
    listen_stream_go_on(&streams);
    assert_non_null(strstr(said, "0.00000006"));
    has_room = false;
    for (uint32_t at = 0; at < USER_EVENTS_KEPT + 10; at++)
        move(1, at);
    has_room = true;
    listen_stream_go_on(&streams);
    assert_true(was_ended);
    assert_null(streams.first);
}

/* With a key ends what has waited for room behind it: that may not be heard any more. */
TEST(listen_stream, key_ends_while_its_reader_is_behind)
{
    open_streams();
    name(key, NULL);
    listen_stream_follow(&streams, NOW_NS);
    has_room = false;
    move(1, 5);
    move(1, 6);
    assert_true(listen_key_end(user_stream_keys(users), 1, key, LISTEN_KEY_LETTERS, NOW_NS));
    listen_stream_tick(&streams, NOW_NS);
    assert_non_null(strstr(said, "listenKeyExpired"));
    said[0] = 0;
    has_room = true;
    listen_stream_go_on(&streams);
    assert_string_equal(said, "");
    listen_stream_close(&streams);
}

/* A key for another account than the first one's. */
static void take_key(uint32_t account, char *letters)
{
    static const uint8_t noise[LISTEN_KEY_LETTERS] = {2, 7, 1, 8, 2};
    listen_key_take(user_stream_keys(users), account, NOW_NS, view_command(desk_view), noise,
                    letters);
}

/* Loops share keys, and their views are not equally far: an account may have a key before it is there. */
TEST(listen_stream, account_that_is_not_there_yet_is_waited_for)
{
    char early[LISTEN_KEY_LETTERS + 1] = {0};
    open_streams();
    take_key(3, early);
    name(early, NULL);
    listen_stream_follow(&streams, NOW_NS);
    listen_stream_tick(&streams, NOW_NS);
    assert_string_equal(said, "");
    desk_account(3);
    move(3, 5);
    assert_string_equal(said, "");
    listen_stream_tick(&streams, NOW_NS);
    assert_non_null(strstr(said, "\"f\":\"0.00000005\""));
    listen_stream_tick(&streams, NOW_NS);
    assert_null(strstr(strchr(said, '\n') + 1, "outbound")); /* once */
    move(3, 6);
    assert_non_null(strstr(said, "\"f\":\"0.00000006\""));
    listen_stream_close(&streams);
}

/* Of two that wait each gets its turn, one page after the other. */
TEST(listen_stream, keys_that_wait_take_turns)
{
    char other[LISTEN_KEY_LETTERS + 1] = {0};
    open_streams();
    take_key(2, other);
    name(key, other);
    listen_stream_follow(&streams, NOW_NS);
    has_room = false;
    for (int64_t units = 1; units <= 3; units++) {
        move(1, 10 + units);
        move(2, 20 + units);
    }
    said[0] = 0;
    room = 1;
    listen_stream_go_on(&streams);
    room = 1;
    listen_stream_go_on(&streams);
    assert_non_null(strstr(said, "0.00000012"));
    assert_non_null(strstr(said, "0.00000022"));
    listen_stream_close(&streams);
}
