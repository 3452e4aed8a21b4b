#include "gateway/session.h"

#include "gateway/session_json.h"
#include "tests/unit/gateway/market_fixture.h"

static struct session session;
static struct session_changes changes;
static char reply[96 * 1024 + 1];

static void *resize(void *memory, size_t byte_count)
{
    if (byte_count > 0) return realloc(memory, byte_count);
    free(memory);
    return NULL;
}

static bool open_path(const char *path, const char *query)
{
    fixture_open(0);
    session.resize = resize;
    session_free(&session);
    return session_open_path(&session, fixture_views, path, strlen(path), query, strlen(query),
                             &changes);
}

static const char *ask(const char *json)
{
    static struct session_request request;
    struct text text = text_over(reply, sizeof(reply) - 1);
    session_request_read(&request, json, strlen(json));
    session_answer(&session, fixture_views, &request, &text, &changes);
    session_request_free(&request);
    assert_false(text_full(&text));
    reply[text.used] = '\0';
    return reply;
}

/* Raw and combined addresses, plain and percent-encoded; names that are none of ours are taken too. */
TEST(session, urls_open_streams)
{
    assert_true(open_path("/ws", ""));
    assert_false(session.is_combined);
    assert_int_equal(session.stream_count, 0);
    assert_true(open_path("/ws/btcusdt@trade/ethbtc@depth", ""));
    assert_int_equal(changes.count, 2);
    assert_true(open_path("/ws/17", ""));
    assert_int_equal(changes.count, 0);
    assert_int_equal(session.stream_count, 1);
    assert_true(open_path("/ws/%21miniTicker%40arr", ""));
    assert_int_equal(changes.count, 1);
    assert_true(open_path("/stream", "x=1&streams=btcusdt@trade/ethbtc@depth"));
    assert_true(session.is_combined);
    assert_int_equal(changes.count, 2);
    assert_true(open_path("/stream", "streams=btcusdt%40trade%2Fethbtc%40depth&y=2"));
    assert_int_equal(changes.count, 2);
    assert_true(open_path("/stream", ""));
    assert_true(open_path("/stream/", ""));
    assert_false(open_path("/ws/%4", ""));
    assert_false(open_path("/ws/%zz", ""));
    assert_false(open_path("/ws/a%00b", ""));
    assert_true(open_path("/ws/%c3%a4", ""));
    assert_false(
        open_path("/ws/%c3", "")); /* half a letter: LIST_SUBSCRIPTIONS could not tell it */
    assert_false(open_path("/ws/a/%ff", ""));
    assert_false(open_path("/stream", "streams=btcusdt@trade/%c3%28"));
    assert_false(open_path("/wsx", ""));
    assert_false(open_path("/stream/btcusdt@trade", ""));
}

/* Times are in the unit the URL names, of the streams in it and of those that come later. */
TEST(session, url_names_the_time_unit)
{
    assert_true(open_path("/ws/btcusdt@trade", "timeUnit=MICROSECOND"));
    assert_int_equal(channel_of(changes.changes[0].channel, 4).unit, CHANNEL_US);
    assert_true(open_path("/stream", "timeUnit=microsecond&streams=btcusdt@trade"));
    assert_int_equal(channel_of(changes.changes[0].channel, 4).unit, CHANNEL_US);
    assert_string_equal(ask("{\"method\":\"SUBSCRIBE\",\"params\":[\"ethbtc@kline_1m\"],\"id\":1}"),
                        "{\"result\":null,\"id\":1}");
    assert_int_equal(channel_of(changes.changes[0].channel, 4).unit, CHANNEL_US);
    assert_string_equal(ask("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":2}"),
                        "{\"result\":[\"btcusdt@trade\",\"ethbtc@kline_1m\"],\"id\":2}");
    assert_string_equal(ask("{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusdt@trade\"],\"id\":3}"),
                        "{\"result\":null,\"id\":3}");
    assert_int_equal(changes.count, 1);
    assert_int_equal(channel_of(changes.changes[0].channel, 4).unit, CHANNEL_US);
    assert_true(open_path("/ws/btcusdt@trade", "timeUnit=MILLISECOND"));
    assert_int_equal(channel_of(changes.changes[0].channel, 4).unit, CHANNEL_MS);
    assert_false(open_path("/ws/btcusdt@trade", "timeUnit=SECOND"));
    assert_false(open_path("/ws/btcusdt@trade", "timeUnit="));
}

/* On our own path a name that is no stream is an error, and the request changes nothing. */
TEST(session, own_path_refuses_unknown_streams)
{
    assert_true(open_path(SESSION_OWN_PATH, "streams=btcusdt@trade"));
    assert_true(session.is_combined);
    assert_int_equal(changes.count, 1);
    assert_string_equal(
        ask("{\"method\":\"SUBSCRIBE\",\"params\":[\"ethbtc@trade\",\"btcusdt@tr\\\"de\"],"
            "\"id\":4}"),
        "{\"code\":2,\"msg\":\"Invalid request: unknown stream btcusdt@tr\\\"de\",\"id\":4}");
    assert_int_equal(changes.count, 0);
    assert_int_equal(session.stream_count, 1);
    assert_string_equal(ask("{\"method\":\"UNSUBSCRIBE\",\"params\":[\"nothing\"],\"id\":5}"),
                        "{\"result\":null,\"id\":5}");
    assert_false(open_path(SESSION_OWN_PATH, "streams=btcusdt@trade/btcusdt@trad"));
    assert_true(open_path(SESSION_OWN_PATH, ""));
    assert_false(open_path("/quorex/v1/streams", ""));
    assert_false(open_path("/quorex/v1/stream/btcusdt@trade", ""));
}

/* Replies echo the id with its own type, and repeat nothing twice. */
TEST(session, subscribe_unsubscribe_and_list)
{
    assert_true(open_path("/ws/0", ""));
    assert_string_equal(ask("{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\","
                            "\"btcusdt@trade\",\"ethbtc@depth@100ms\"],\"id\":7}"),
                        "{\"result\":null,\"id\":7}");
    assert_int_equal(changes.count, 2);
    assert_true(changes.changes[0].is_subscribed);
    assert_string_equal(ask("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":\"a-1\"}"),
                        "{\"result\":[\"0\",\"btcusdt@trade\",\"ethbtc@depth@100ms\"],"
                        "\"id\":\"a-1\"}");
    assert_string_equal(ask("{\"method\":\"UNSUBSCRIBE\",\"params\":[\"0\",\"btcusdt@trade\","
                            "\"never@there\"],\"id\":null}"),
                        "{\"result\":null,\"id\":null}");
    assert_int_equal(changes.count, 1);
    assert_false(changes.changes[0].is_subscribed);
    assert_string_equal(ask("{\"method\":\"LIST_SUBSCRIPTIONS\",\"params\":[],"
                            "\"id\":-9223372036854775808}"),
                        "{\"result\":[\"ethbtc@depth@100ms\"],\"id\":-9223372036854775808}");
    assert_int_equal(session.names_used, 0);
}

/* Unknown names are listed as they came, escaped, and the right one goes. */
TEST(session, unknown_names_are_kept_apart)
{
    assert_true(open_path("/ws", ""));
    ask("{\"method\":\"SUBSCRIBE\",\"params\":[\"one\",\"t\\\"wo\",\"three\"],\"id\":1}");
    assert_string_equal(ask("{\"method\":\"UNSUBSCRIBE\",\"params\":[\"one\"],\"id\":1}"),
                        "{\"result\":null,\"id\":1}");
    assert_string_equal(ask("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}"),
                        "{\"result\":[\"t\\\"wo\",\"three\"],\"id\":1}");
}

TEST(session, properties)
{
    assert_true(open_path("/ws", ""));
    assert_string_equal(ask("{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":2}"),
                        "{\"result\":false,\"id\":2}");
    assert_string_equal(
        ask("{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",true],\"id\":3}"),
        "{\"result\":null,\"id\":3}");
    assert_true(session.is_combined);
    assert_string_equal(ask("{\"method\":\"SET_PROPERTY\",\"params\":[\"combined\",1],\"id\":4}"),
                        "{\"code\":1,\"msg\":\"Invalid value type: expected Boolean\",\"id\":4}");
    assert_string_equal(ask("{\"method\":\"GET_PROPERTY\",\"params\":[\"colour\"],\"id\":5}"),
                        "{\"code\":0,\"msg\":\"Unknown property\",\"id\":5}");
    assert_string_equal(ask("{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\",1],\"id\":6}"),
                        "{\"code\":2,\"msg\":\"Invalid request: too many parameters\",\"id\":6}");
    assert_string_equal(
        ask("{\"method\":\"GET_PROPERTY\",\"params\":[1],\"id\":6}"),
        "{\"code\":2,\"msg\":\"Invalid request: property name must be a string\",\"id\":6}");
}

/* What is no request is answered with code 2, what is no JSON with code 3; neither changes anything. */
TEST(session, bad_requests)
{
    static const struct {
        const char *json, *begins;
    } cases[] = {
        {"{", "{\"code\":3,\"msg\":\"Invalid JSON: "},
        {"", "{\"code\":3,"},
        {"{\"id\":1}", "{\"code\":2,\"msg\":\"Invalid request: missing field `method`\",\"id\":1}"},
        {"[]", "{\"code\":2,\"msg\":\"Invalid request: expected an object\",\"id\":null}"},
        {"5", "{\"code\":2,"},
        {"{\"method\":\"subscribe\",\"params\":[],\"id\":1}",
         "{\"code\":2,\"msg\":\"Invalid request: unknown variant"},
        {"{\"method\":5,\"id\":1}", "{\"code\":2,\"msg\":\"Invalid request: unknown variant"},
        {"{\"method\":\"SUBSCRIBE\",\"id\":1}",
         "{\"code\":2,\"msg\":\"Invalid request: missing field `params`\",\"id\":1}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":{},\"id\":1}", "{\"code\":2,"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[1],\"id\":1}", "{\"code\":2,"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[],\"id\":1.5}", "{\"code\":2,"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[],\"id\":{}}", "{\"code\":2,"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[],\"id\":"
         "\"0123456789012345678901234567890123456\"}",
         "{\"code\":2,"},
    };
    assert_true(open_path("/ws", ""));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = ask(cases[i].json);
        assert_memory_equal(answer, cases[i].begins, strlen(cases[i].begins));
        assert_int_equal(changes.count, 0);
        assert_int_equal(session.stream_count, 0);
    }
}

/* 1,024 streams fit; one more is refused, and the whole request with it. */
TEST(session, streams_are_bounded)
{
    static char json[64 * 1024];
    assert_true(open_path("/ws", ""));
    for (int i = 0; i < 2; i++) {
        for (int batch = 0; batch < SESSION_STREAMS_MAX; batch += 32) {
            struct text text = text_over(json, sizeof(json) - 1);
            text_add(&text, "{\"method\":\"SUBSCRIBE\",\"id\":1,\"params\":[");
            for (int j = 0; j < 32; j++) {
                text_add(&text, j == 0 ? "\"" : ",\"");
                text_u64(&text, (uint64_t)(batch + j));
                text_add(&text, "\"");
            }
            text_add(&text, "]}");
            json[text.used] = '\0';
            ask(json);
        }
    }
    /* Names of 1 to 3 digits and their terminators: 2048 bytes hold 10 x 2 + 90 x 3 + 439 x 4. The
     * batch in which they ran out left nothing behind. */
    assert_true(session.stream_count < SESSION_STREAMS_MAX);
    assert_int_equal(session.stream_count % 32, 0);
    const uint32_t count = session.stream_count;
    assert_memory_equal(
        ask("{\"method\":\"SUBSCRIBE\",\"id\":1,\"params\":[\"btcusdt@trade\",\"1111111111111111111"
            "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
            "1111111111111111111111111111111111111111111111111111111111111111111111111111\"]}"),
        "{\"code\":2", 9);
    assert_int_equal(session.stream_count, count);
    assert_int_equal(changes.count, 0);
    assert_true(changes.is_full);
    ask("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    assert_false(changes.is_full);
}
