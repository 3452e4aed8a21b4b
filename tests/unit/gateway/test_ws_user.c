#include "gateway/desk_state.h"
#include "gateway/ws_call_h2o.h"
#include "tests/unit/gateway/asker_fixture.h"
#include "tests/unit/gateway/user_fixture.h"

#include <time.h>

static char said[1 << 16]; /* what the connection was told, one line a message */
static bool is_open, has_room;
static struct ws_calls calls;
static const char *certified; /* JSON of that parameter; NULL: without */
static uint32_t sends_left;   /* then the connection closes, as one that is too slow */

static void caller_send(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    (void)context;
    assert_true(is_open);
    if (sends_left-- == 0) {
        is_open = false;
        ws_user_close(&calls);
        return;
    }
    size_t used = strlen(said);
    for (size_t i = 0; i < part_count; i++) {
        assert_true(used + parts[i].len + 2 < sizeof(said));
        memcpy(said + used, parts[i].base, parts[i].len);
        used += parts[i].len;
    }
    memcpy(said + used, "\n", 2);
}

static bool caller_is_open(void *context)
{
    (void)context;
    return is_open;
}

static bool caller_takes_more(void *context)
{
    (void)context;
    return is_open && has_room;
}

static const char *ended_for; /* NULL: it was not ended */

static void caller_end(void *context, const char *reason)
{
    (void)context;
    ended_for = reason;
    is_open = false;
    ws_user_close(&calls);
}

static void caller_lost(void *context)
{
    caller_end(context, USER_LOST);
}

static void open_calls(const char *query)
{
    static const struct ws_caller caller = {.answer = caller_send,
                                            .send = caller_send,
                                            .is_open = caller_is_open,
                                            .takes_more = caller_takes_more,
                                            .end = caller_end,
                                            .lost = caller_lost};
    asker_open();
    user_attach();
    desk_account(2);
    user_apply();
    said[0] = 0;
    is_open = has_room = true;
    ended_for = certified = NULL;
    sends_left = UINT32_MAX;
    assert_true(ws_call_open(&calls, asker_desk, &caller, &(struct request){.address = 7}, query,
                             strlen(query)));
    calls.user.stream = users;
}

static void close_calls(void)
{
    ws_call_close(&calls);
    asker_close();
}

static void take(const char *message)
{
    said[0] = 0;
    ws_call_take(&calls, message, strlen(message));
}

/* A method signed by account 1's key; `from` NULL: without that. */
static void take_signed(const char *method, const char *from)
{
    uint8_t key_id[32], mac[32];
    char secret[65], hex[65], text[512], message[1024];
    char signed_from[64] = "", member[64] = "", signed_wish[64] = "", wish[64] = "";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (from != NULL) snprintf(signed_from, sizeof(signed_from), "&from=%s", from);
    if (certified != NULL) snprintf(signed_wish, sizeof(signed_wish), "&certified=%s", certified);
    if (certified != NULL) snprintf(wish, sizeof(wish), ",\"certified\":%s", certified);
    if (from != NULL) snprintf(member, sizeof(member), ",\"from\":\"%s\"", from);
    snprintf(text, sizeof(text), "apiKey=" ASKER_KEY "%s%s&returnRateLimits=false&timestamp=%lld",
             signed_wish, signed_from, now_ms);
    memset(key_id, 0xaa, sizeof(key_id));
    auth_secret_of(asker_secret, key_id, secret);
    const struct auth_payload payload = {.pieces = {{text, strlen(text)}}};
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    snprintf(message, sizeof(message),
             "{\"id\":1,\"method\":\"%s\",\"params\":{\"apiKey\":\"" ASKER_KEY
             "\"%s%s,\"timestamp\":%lld,\"signature\":\"%s\",\"returnRateLimits\":false}}",
             method, wish, member, now_ms, hex);
    take(message);
}

static void subscribe(void)
{
    take_signed("userDataStream.subscribe.signature", NULL);
}

/* Account `account`'s balance of BTC becomes so many units. */
static void move(uint32_t account, int64_t units)
{
    desk_balance(account, 0, units, 0);
    user_apply();
}

static void assert_said(const char *part)
{
    if (strstr(said, part) == NULL) fail_msg("%s\nis not in\n%s", part, said);
}

/* The answer says by which number events come; then they come, of that account alone, in their wrapping. */
TEST(ws_user, subscription_is_told_of_its_account)
{
    open_calls("");
    subscribe();
    char answer[128];
    snprintf(answer, sizeof(answer),
             "{\"id\":1,\"status\":200,\"result\":{\"subscriptionId\":0,\"sequence\":\"%llu-"
             "4294967295\"}}\n",
             (unsigned long long)desk_number);
    assert_string_equal(said, answer);
    said[0] = 0;
    move(2, 3);
    assert_string_equal(said, "");
    move(1, 5);
    assert_said("{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",");
    assert_said(
        "\"B\":[{\"a\":\"BTC\",\"f\":\"0.00000005\",\"l\":\"0.00000000\"}],\"sequence\":\"");
    assert_said("\"}}\n");
    close_calls();
}

/* Who has asked for it is told behind his events, once a certificate covers them, that they are final; others are not. */
TEST(ws_user, who_asks_is_told_what_is_final)
{
    char expected[128];
    open_calls("");
    certified = "true";
    subscribe();
    move(1, 5);
    user_seal(1);
    said[0] = 0;
    user_certify(1);
    assert_said(
        "{\"subscriptionId\":0,\"event\":{\"e\":\"certified\",\"E\":1700000041000,\"height\":1,");
    snprintf(expected, sizeof(expected), "\"from\":\"%llu-0\",\"to\":\"%llu-0\"}}\n",
             (unsigned long long)desk_number - 1, (unsigned long long)desk_number - 1);
    assert_said(expected);
    close_calls();
    open_calls("");
    certified = "false";
    subscribe();
    move(1, 5);
    user_seal(1);
    said[0] = 0;
    user_certify(1);
    assert_string_equal(said, "");
    close_calls();
    open_calls("");
    certified = "1";
    subscribe();
    assert_said("\"status\":400,\"error\":{\"code\":-1130,");
    assert_null(calls.user.first);
    close_calls();
}

/* Who resumes is told of what he has heard elsewhere, too. */
TEST(ws_user, who_resumes_is_told_what_is_final)
{
    char from[USER_NUMBER_TEXT], expected[128];
    open_calls("");
    move(1, 5);
    from[user_number_put((struct user_number){desk_number, 0}, from)] = 0;
    user_seal(1);
    user_certify(1);
    certified = "true";
    take_signed("userDataStream.resume", from);
    snprintf(expected, sizeof(expected), "\"from\":\"%s\",\"to\":\"%s\"}}\n", from, from);
    assert_said(expected);
    close_calls();
}

/* Without a signature nobody is told anything. */
TEST(ws_user, subscription_wants_a_signature)
{
    open_calls("");
    take("{\"id\":1,\"method\":\"userDataStream.subscribe.signature\",\"params\":{\"apiKey\":"
         "\"" ASKER_KEY "\",\"timestamp\":1}}");
    assert_said("\"status\":400,\"error\":{\"code\":-1102,");
    said[0] = 0;
    move(1, 5);
    assert_string_equal(said, "");
    close_calls();
}

/* An account is listened to once on a connection. */
TEST(ws_user, second_subscription_of_an_account_is_refused)
{
    open_calls("");
    subscribe();
    subscribe();
    assert_said(
        "\"error\":{\"code\":-2035,\"msg\":\"User Data Stream subscription already active.\"}");
    close_calls();
}

/* Its end is answered first, and then said in the stream; nothing comes behind it. */
TEST(ws_user, subscription_ends_when_it_is_asked_to)
{
    open_calls("");
    subscribe();
    take("{\"id\":2,\"method\":\"session.subscriptions\",\"params\":{\"returnRateLimits\":false}}");
    assert_string_equal(said, "{\"id\":2,\"status\":200,\"result\":[{\"subscriptionId\":0}]}\n");
    take("{\"id\":3,\"method\":\"userDataStream.unsubscribe\",\"params\":{\"subscriptionId\":7}}");
    assert_said("\"error\":{\"code\":-2036,");
    take("{\"id\":4,\"method\":\"userDataStream.unsubscribe\",\"params\":{\"subscriptionId\":0,"
         "\"returnRateLimits\":false}}");
    const char *end = "{\"id\":4,\"status\":200,\"result\":{}}\n"
                      "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":";
    assert_memory_equal(said, end, strlen(end));
    said[0] = 0;
    move(1, 5);
    assert_string_equal(said, "");
    take("{\"id\":5,\"method\":\"userDataStream.unsubscribe\"}");
    assert_said("\"code\":-2036,");
    subscribe();
    assert_said("\"subscriptionId\":1");
    take("{\"id\":6,\"method\":\"userDataStream.unsubscribe\"}");
    assert_said("\"subscriptionId\":1,\"event\":{\"e\":\"eventStreamTerminated\"");
    close_calls();
}

/* What was missed comes behind the answer, and before what happens. */
TEST(ws_user, who_resumes_is_told_what_he_missed)
{
    char from[64];
    open_calls("");
    move(1, 1);
    snprintf(from, sizeof(from), "%llu-0", (unsigned long long)desk_number);
    move(1, 2);
    move(2, 3);
    move(1, 4);
    take_signed("userDataStream.resume", from);
    char answer[256];
    snprintf(answer, sizeof(answer),
             "{\"id\":1,\"status\":200,\"result\":{\"subscriptionId\":0,\"sequence\":\"%s\"}}\n"
             "{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\",",
             from);
    assert_memory_equal(said, answer, strlen(answer));
    assert_null(strstr(said, "\"f\":\"0.00000001\""));
    assert_null(strstr(said, "\"f\":\"0.00000003\""));
    assert_true(strstr(said, "\"f\":\"0.00000002\"") < strstr(said, "\"f\":\"0.00000004\""));
    move(1, 5);
    assert_said("\"f\":\"0.00000005\"");
    close_calls();
}

/* Who has heard nothing yet may go on from where his subscription began. */
TEST(ws_user, subscription_says_where_it_begins)
{
    char from[64];
    open_calls("");
    move(1, 1);
    subscribe();
    const char *number = strstr(said, "\"sequence\":\"") + 12;
    snprintf(from, sizeof(from), "%.*s", (int)strcspn(number, "\""), number);
    ws_user_close(&calls);
    move(1, 2);
    take_signed("userDataStream.resume", from);
    assert_said("\"f\":\"0.00000002\"");
    assert_null(strstr(said, "\"f\":\"0.00000001\""));
    close_calls();
}

/* What is forgotten cannot be gone on from: he reads anew, and knows it. */
TEST(ws_user, who_has_missed_too_much_is_refused)
{
    open_calls("");
    for (uint32_t at = 0; at < USER_EVENTS_KEPT + 8; at++)
        move(1, at + 1);
    take_signed("userDataStream.resume", "0-0");
    assert_said("\"status\":400,\"error\":{\"code\":-9026,");
    take_signed("userDataStream.resume", "x");
    assert_said("\"code\":-1102,");
    take_signed("userDataStream.resume", NULL);
    assert_said("\"code\":-1102,");
    subscribe();
    assert_said("\"subscriptionId\":0");
    close_calls();
}

/* However much was missed, no more is told than there is room for; then it goes on, and what happens comes behind it. */
TEST(ws_user, what_was_missed_waits_for_room)
{
    open_calls("");
    move(1, 1);
    move(1, 2);
    has_room = false;
    take_signed("userDataStream.resume", "0-0");
    assert_said("\"subscriptionId\":0");
    assert_null(strstr(said, "\"event\""));
    move(1, 3);
    assert_null(strstr(said, "\"event\""));
    has_room = true;
    ws_user_go_on(&calls);
    const char *first = strstr(said, "\"f\":\"0.00000001\"");
    const char *last = strstr(said, "\"f\":\"0.00000003\"");
    assert_true(first != NULL && last != NULL && first < last);
    move(1, 4);
    assert_said("\"f\":\"0.00000004\"");
    close_calls();
}

/* The reader comes back when what comes next has been forgotten: his connection ends, and he is told why. */
TEST(ws_user, who_reads_too_slowly_is_told_so)
{
    open_calls("");
    subscribe();
    has_room = false;
    for (uint32_t at = 0; at < USER_EVENTS_KEPT + 8; at++)
        move(1, at + 1);
    assert_null(ended_for);
    said[0] = 0;
    has_room = true;
    ws_user_go_on(&calls);
    assert_string_equal(ended_for, USER_LOST);
    assert_string_equal(said, "");
    assert_int_equal(calls.user.count, 0);
    close_calls();
}

/* A reader who is too slow loses his connection in the middle of what he missed, and everything else he listens to. */
TEST(ws_user, connection_may_close_while_it_is_told)
{
    open_calls("");
    move(1, 1);
    move(1, 2);
    move(1, 3);
    sends_left = 2; /* the answer, and one event */
    take_signed("userDataStream.resume", "0-0");
    assert_false(is_open);
    assert_int_equal(calls.user.count, 0);
    move(1, 4);
    assert_null(strstr(said, "0.00000004"));
    close_calls();
}

/* A connection that is closing has had its last word. */
TEST(ws_user, closing_connection_is_not_told)
{
    open_calls("");
    subscribe();
    said[0] = 0;
    is_open = false;
    move(1, 5);
    assert_string_equal(said, "");
    close_calls();
}

/* Who has logged on signs no more to be told of his account, until he logs out: that ends what he began so, and not what he
 * has signed for. */
TEST(ws_user, session_is_told_without_another_signature)
{
    const char *subscribe_session =
        "{\"id\":2,\"method\":\"userDataStream.subscribe\",\"params\":{}}";
    open_calls("returnRateLimits=false");
    calls.user.opened_ns = 77000000;
    take(subscribe_session);
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    take("{\"id\":3,\"method\":\"session.status\"}");
    assert_said("\"result\":{\"apiKey\":null,\"authorizedSince\":null,\"connectedSince\":77,"
                "\"returnRateLimits\":false,\"serverTime\":");
    assert_said("\"userDataStream\":false}");
    take_signed("session.logon", NULL);
    assert_said("\"result\":{\"apiKey\":\"" ASKER_KEY "\",\"authorizedSince\":1");
    take(subscribe_session);
    assert_said("\"result\":{\"subscriptionId\":0,");
    said[0] = 0;
    move(1, 5);
    assert_said("{\"subscriptionId\":0,\"event\":{\"e\":\"outboundAccountPosition\"");
    take("{\"id\":3,\"method\":\"session.status\"}");
    assert_said("\"userDataStream\":true}");
    take("{\"id\":4,\"method\":\"session.logout\"}");
    assert_said("\"result\":{\"apiKey\":null,");
    assert_said("\"userDataStream\":false}");
    assert_said("{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\"");
    take(subscribe_session);
    assert_said("\"code\":-2015,");
    subscribe();
    take("{\"id\":5,\"method\":\"session.logout\"}");
    assert_said("\"userDataStream\":true}");
    assert_null(strstr(said, "eventStreamTerminated"));
    close_calls();
}

/* A method with the time that it is, its other parameters as JSON with a comma behind them, and nothing signed. */
static void take_timed(const char *method, const char *params)
{
    char message[512];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(message, sizeof(message),
             "{\"id\":9,\"method\":\"%s\",\"params\":{%s\"timestamp\":%lld}}", method, params,
             (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    take(message);
}

/* What nobody has signed, neither now nor by logging on, is refused as ever. */
TEST(ws_user, session_signs_questions)
{
    open_calls("returnRateLimits=false");
    take_timed("account.status", "");
    assert_said("\"status\":401,\"error\":{\"code\":-2014,");
    take_signed("session.logon", NULL);
    take_timed("account.status", "");
    assert_said("\"status\":200,\"result\":{\"makerCommission\":");
    take_timed("userDataStream.subscribe.signature", "");
    assert_said("\"result\":{\"subscriptionId\":0,");
    take("{\"id\":2,\"method\":\"account.status\",\"params\":{\"timestamp\":1}}");
    assert_said("\"code\":-1021,");
    take("{\"id\":2,\"method\":\"account.status\",\"params\":{}}");
    assert_said("\"code\":-1102,\"msg\":\"Mandatory parameter 'timestamp' was not sent,");
    take_timed("account.status", "\"apiKey\":\"" ASKER_KEY "\",");
    assert_said("\"code\":-1102,\"msg\":\"Mandatory parameter 'signature' was not sent,");
    take_timed("account.status", "\"signature\":\"00\",");
    assert_said("\"code\":-2014,");
    take_timed("session.logon", "");
    assert_said("\"code\":-1102,\"msg\":\"Mandatory parameter 'signature' was not sent,");
    take("{\"id\":4,\"method\":\"session.logout\"}");
    take_timed("account.status", "");
    assert_said("\"code\":-2014,");
    close_calls();
}

/* The asker's key is now one of those that only sign. */
static void take_back_secret(void)
{
    uint8_t id[HASH_BYTES];
    memset(id, 0xaa, sizeof(id));
    const int64_t index = view_find_key(desk_view, id);
    ((struct view_key *)(uintptr_t)view_key(desk_view, (uint32_t)index))->secret_version = 0;
}

static const char session_order[] = "\"symbol\":\"BTCUSDT\",\"side\":\"SELL\",\"type\":\"LIMIT\","
                                    "\"timeInForce\":\"GTC\",\"quantity\":1,\"price\":100,";

/* Every node takes a gateway's word for what a key with an HMAC secret orders, signed or not: so a session may order by it. */
TEST(ws_user, session_orders_by_a_key_with_a_secret)
{
    open_calls("returnRateLimits=false");
    move(1, 1000000000);
    take_signed("session.logon", NULL);
    take_timed("order.test", session_order);
    assert_string_equal(said, "{\"id\":9,\"status\":200,\"result\":{}}\n");
    take_timed("order.place", session_order);
    struct command_header header = asker_next_command();
    assert_int_equal(header.type, T_ORDER_PLACE);
    assert_int_equal(header.auth_kind, AUTH_HMAC);
    assert_int_equal(header.auth_length, HASH_BYTES);
    take_timed("openOrders.cancelAll", "\"symbol\":\"BTCUSDT\",");
    header = asker_next_command();
    assert_int_equal(header.type, T_CANCEL_ALL);
    assert_int_equal(header.auth_kind, AUTH_HMAC);
    close_calls();
}

/* What a key without one has not signed no other node would believe: it goes nowhere. */
TEST(ws_user, session_orders_by_no_other_key)
{
    open_calls("returnRateLimits=false");
    move(1, 1000000000);
    take_signed("session.logon", NULL);
    take_back_secret();
    take_timed("order.test", session_order);
    assert_string_equal(said, "{\"id\":9,\"status\":200,\"result\":{}}\n");
    take_timed("order.place", session_order);
    assert_said(
        "\"status\":400,\"error\":{\"code\":-1102,\"msg\":\"Mandatory parameter 'signature' was "
        "not sent: a session asks");
    take_timed("openOrders.cancelAll", "\"symbol\":\"BTCUSDT\",");
    assert_said("\"msg\":\"Mandatory parameter 'signature' was not sent: a session asks");
    assert_int_equal(asker_next_command().length, 0);
    close_calls();
}

/* A key that may not read any more reads nothing by an older session. */
TEST(ws_user, session_is_as_good_as_its_key)
{
    open_calls("returnRateLimits=false");
    take_signed("session.logon", NULL);
    memset(calls.user.session.key, 'b', sizeof(calls.user.session.key)); /* as if it were gone */
    take_timed("account.status", "");
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    close_calls();
}

TEST(ws_user, times_are_in_the_connections_unit)
{
    open_calls("timeUnit=MICROSECOND");
    subscribe();
    move(1, 5);
    const char *time = strstr(said, "\"E\":");
    assert_non_null(time);
    assert_true(strtoull(time + 4, NULL, 10) > 1000000000000000ull);
    close_calls();
}

/* A key that may not read any more takes along what was begun by it, signed or in a session, with a last word. */
TEST(ws_user, subscription_ends_with_its_key)
{
    open_calls("");
    subscribe();
    user_stream_end_key(users, 1, 7, desk_stamp); /* another */
    assert_int_equal(calls.user.count, 1);
    said[0] = 0;
    user_stream_end_key(users, 1, 0, desk_stamp);
    char word[128];
    snprintf(word, sizeof(word),
             "{\"subscriptionId\":0,\"event\":{\"e\":\"eventStreamTerminated\",\"E\":%llu}}\n",
             (unsigned long long)(desk_stamp / DESK_MS_NS));
    assert_string_equal(said, word);
    assert_int_equal(calls.user.count, 0);
    take_signed("session.logon", NULL);
    take("{\"id\":2,\"method\":\"userDataStream.subscribe\",\"params\":{}}");
    assert_int_equal(calls.user.count, 1);
    user_stream_end_key(users, 1, 0, desk_stamp);
    assert_int_equal(calls.user.count, 0);
    close_calls();
}

/* A session listens by the key that has logged on, whichever the request names. */
TEST(ws_user, session_listens_by_its_own_key)
{
    static const char *const named[] = {
        "x", "aaaa", "zzzz", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    char message[256];
    struct key_added_event other = {.account = 2, .permissions = KEY_READ};
    open_calls("");
    memset(other.key_id, 0xbb, sizeof(other.key_id));
    event_write_key_added(&desk_events, &other);
    user_apply();
    take_signed("session.logon", NULL);
    for (size_t at = 0; at < sizeof(named) / sizeof(named[0]); at++) {
        snprintf(
            message, sizeof(message),
            "{\"id\":2,\"method\":\"userDataStream.subscribe\",\"params\":{\"apiKey\":\"%s\"}}",
            named[at]);
        take(message);
        assert_said("\"result\":{\"subscriptionId\":");
        user_stream_end_key(users, 2, 1, desk_stamp);
        assert_int_equal(calls.user.count, 1);
        user_stream_end_key(users, 1, 0, desk_stamp);
        assert_int_equal(calls.user.count, 0);
    }
    close_calls();
}

/* A key that is gone, or is for another address, listens no more: not by an older session either. */
TEST(ws_user, session_listens_no_longer_than_its_key)
{
    const char *subscribe_session =
        "{\"id\":2,\"method\":\"userDataStream.subscribe\",\"params\":{}}";
    struct key_limited_event limited = {
        .account = 1, .permissions = KEY_READ, .ip_count = 1, .ips = {[16] = 128, [15] = 9}};
    struct key_removed_event removed = {.account = 1};
    memset(limited.key_id, 0xaa, sizeof(limited.key_id));
    memset(removed.key_id, 0xaa, sizeof(removed.key_id));
    open_calls("");
    take_signed("session.logon", NULL);
    take(subscribe_session);
    assert_int_equal(calls.user.count, 1);
    event_write_key_limited(&desk_events, &limited);
    user_apply();
    assert_int_equal(calls.user.count, 0);
    take(subscribe_session);
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    limited.ip_count = 0;
    event_write_key_limited(&desk_events, &limited);
    user_apply();
    take(subscribe_session);
    assert_int_equal(calls.user.count, 1);
    event_write_key_removed(&desk_events, &removed);
    user_apply();
    take(subscribe_session);
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    struct key_created_event created = {.account = 1, .permissions = KEY_READ, .replaces = 1};
    memset(created.replaced_id, 0xaa, sizeof(created.replaced_id));
    memset(created.key_id, 0xcc, sizeof(created.key_id));
    event_write_key_created(&desk_events, &created); /* in its place */
    user_apply();
    take(subscribe_session);
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    created.account = 2; /* under its name */
    created.replaces = 0;
    memset(created.key_id, 0xaa, sizeof(created.key_id));
    event_write_key_created(&desk_events, &created);
    user_apply();
    take(subscribe_session);
    assert_said("\"status\":401,\"error\":{\"code\":-2015,");
    close_calls();
}

static uint64_t used_weight(void)
{
    take("{\"id\":7,\"method\":\"ping\"}");
    const char *count = strstr(said, "\"count\":");
    assert_non_null(count);
    return strtoull(count + 8, NULL, 10);
}

/* Who has missed much weighs more: it is found and told again. */
TEST(ws_user, resume_weighs_what_was_missed)
{
    char from[64];
    open_calls("");
    for (uint32_t at = 0; at < 1024; at++)
        move(1, at + 1);
    has_room = false; /* enough is said */
    const uint64_t before = used_weight();
    take_signed("userDataStream.resume", "0-0");
    assert_said("\"subscriptionId\":0");
    const uint64_t behind = used_weight();
    ws_user_close(&calls);
    snprintf(from, sizeof(from), "%llu-0", (unsigned long long)desk_number - 1);
    take_signed("userDataStream.resume", from);
    assert_said("\"subscriptionId\":1");
    const uint64_t close_by = used_weight();
    assert_int_equal(behind - before, close_by - behind + 1024 / 256);
    close_calls();
}
