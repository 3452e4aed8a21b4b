#include "gateway/desk_state.h"
#include "gateway/listen_key.h"
#include "tests/unit/gateway/asker_fixture.h"
#include "tests/unit/gateway/user_fixture.h"

#define PATH "/api/v3/userDataStream"

static struct asker asker;
static char key_query[128];

static void open_desk(void)
{
    asker_open();
    user_attach();
    asker_desk->facts.users = users;
}

/* Account 1 has got a key. */
static const char *start(void)
{
    static char key[LISTEN_KEY_LETTERS + 1];
    asker_ask(&asker, METHOD_POST, PATH, "");
    assert_int_equal(asker.question.answer.http_status, 200);
    assert_memory_equal(asker.text, "{\"listenKey\":\"", 14);
    memcpy(key, asker.text + 14, LISTEN_KEY_LETTERS);
    assert_string_equal(asker.text + 14 + LISTEN_KEY_LETTERS, "\"}");
    snprintf(key_query, sizeof(key_query), "listenKey=%s", key);
    return key;
}

static void assert_answered(const char *part)
{
    if (strstr(asker.text, part) == NULL) fail_msg("%s\nis not in\n%s", part, asker.text);
}

/* The key's name is enough; nothing is signed. The stream is the account's of that key. */
TEST(listen_data, key_is_given_extended_and_ended)
{
    open_desk();
    const char *key = start();
    assert_int_equal(
        listen_key_account(user_stream_keys(users), key, LISTEN_KEY_LETTERS, desk_stamp), 1);
    desk_stamp += LISTEN_KEY_LIFE_NS - 1;
    asker_ask(&asker, METHOD_PUT, PATH, key_query);
    assert_string_equal(asker.text, "{}");
    desk_stamp += LISTEN_KEY_LIFE_NS - 1;
    assert_int_equal(
        listen_key_account(user_stream_keys(users), key, LISTEN_KEY_LETTERS, desk_stamp), 1);
    asker_ask(&asker, METHOD_DELETE, PATH, key_query);
    assert_string_equal(asker.text, "{}");
    asker_ask(&asker, METHOD_PUT, PATH, key_query);
    assert_answered("{\"code\":-1125,\"msg\":\"This listenKey does not exist.\"}");
    asker_ask(&asker, METHOD_DELETE, PATH, key_query);
    assert_answered("\"code\":-1125");
    asker_close();
}

TEST(listen_data, key_is_asked_for_again_and_is_the_same)
{
    char key[LISTEN_KEY_LETTERS + 1];
    open_desk();
    memcpy(key, start(), sizeof(key));
    assert_string_equal(start(), key);
    asker_close();
}

TEST(listen_data, what_is_missing_is_said)
{
    open_desk();
    asker_ask(&asker, METHOD_PUT, PATH, "");
    assert_answered("\"code\":-1102,\"msg\":\"Mandatory parameter 'listenKey' was not sent");
    asker_ask(&asker, METHOD_DELETE, PATH, "");
    assert_answered("\"code\":-1102");
    asker_begin(&asker, METHOD_POST, PATH, "");
    desk_take(&asker.question);
    assert_answered("\"code\":-2014");
    asker_close();
}

/* Everything else wants a signature as before. */
TEST(listen_data, other_questions_are_signed)
{
    open_desk();
    asker_ask(&asker, METHOD_GET, "/api/v3/account", "");
    assert_answered("\"code\":-1102,\"msg\":\"Mandatory parameter 'timestamp'");
    asker_close();
}
