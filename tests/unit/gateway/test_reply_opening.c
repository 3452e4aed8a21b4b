#include "gateway/reply_opening.h"

#include "tests/harness.h"
#include "tests/unit/gateway/desk_fixture.h"

static const char *told(uint32_t account)
{
    static char text[256];
    struct writer json;
    writer_start(&json, text, sizeof(text) - 1);
    reply_opening(&json, desk_view, account);
    assert_false(json.overflow);
    text[json.used] = '\0';
    return text;
}

/* Who waits is told that before all else: an operator who freezes an account has not approved of it. */
TEST(reply_opening, tells_whether_an_account_waits)
{
    char expected[256], hex[65];
    desk_open();
    desk_account(1);
    desk_apply();
    hash_hex(view_account(desk_view, 1)->public_key, 32, hex);
    snprintf(expected, sizeof(expected), "{\"account\":1,\"publicKey\":\"%s\",\"status\":\"OPEN\"}",
             hex);
    assert_string_equal(told(1), expected);
    event_write_account_frozen(&desk_events, &(struct account_frozen_event){1, 1});
    desk_apply();
    assert_non_null(strstr(told(1), "\"status\":\"FROZEN\""));
    event_write_account_pending(&desk_events, &(struct account_pending_event){1, 1});
    desk_apply();
    assert_non_null(strstr(told(1), "\"status\":\"PENDING\""));
    event_write_account_frozen(&desk_events, &(struct account_frozen_event){1, 0});
    event_write_account_pending(&desk_events, &(struct account_pending_event){1, 0});
    desk_apply();
    assert_string_equal(told(1), expected);
}
