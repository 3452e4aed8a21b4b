#include "tests/unit/gateway/desk_fixture.h"

#define ACCOUNT   "/quorex/v1/account"
#define PREVENTED "/quorex/v1/account/preventedMatches"

static void put_key(uint32_t account, uint8_t byte, uint16_t permissions)
{
    struct key_added_event key = {
        .account = account, .permissions = permissions, .secret_version = byte == 0xaa};
    memset(key.key_id, byte, sizeof(key.key_id));
    if (byte != 0xaa) memset(key.public_key, 0xcd, sizeof(key.public_key));
    event_write_key_added(&desk_events, &key);
}

static void assert_told(const char *part)
{
    if (strstr(desk_answer, part) == NULL) fail_msg("%s\nis not in\n%s", part, desk_answer);
}

/* All that is kept of who asks, and nothing of anybody else. */
TEST(export_data, account_is_told_all_of_itself)
{
    desk_open();
    desk_one_fill();
    desk_oco();
    put_key(1, 0xaa, KEY_READ | KEY_TRADE);
    put_key(1, 0xbb, KEY_WITHDRAW);
    put_key(2, 0xee, KEY_READ);
    struct address_changed_event address = {
        .active_ns = 1, .account = 1, .kind = ADDRESS_DEPOSIT, .chain = "ETH", .address = "anns"};
    event_write_address_changed(&desk_events, &address);
    address.account = 2;
    memcpy(address.address, "bobs", 4);
    event_write_address_changed(&desk_events, &address);
    desk_apply();
    view_freeze(desk_view, 1);
    assert_int_equal(desk_ask(METHOD_GET, ACCOUNT, "", 1), OUTCOME_ANSWERED);
    char expected[64];
    snprintf(expected, sizeof(expected), ",\"command\":%llu,\"keys\":[{\"keyId\":\"aaaa",
             (unsigned long long)desk_number);
    assert_told("{\"account\":1,\"publicKey\":\"0101");
    assert_told("\"frozen\":true,");
    assert_told(expected);
    assert_told("aa\",\"publicKey\":null,\"hmac\":true,\"permissions\":[\"READ\",\"TRADE\"],"
                "\"ipRestrict\":false,\"ipList\":[]},{\"keyId\":");
    assert_told("bb\",\"publicKey\":\"cdcd");
    assert_told("cd\",\"hmac\":false,\"permissions\":[\"WITHDRAW\"],\"ipRestrict\":false,"
                "\"ipList\":[]}],\"balances\":[");
    assert_told("{\"asset\":\"BTC\",\"free\":\"0.00997000\",\"locked\":\"0.00003000\"}");
    assert_told("\"openOrders\":[{\"symbol\":\"BTCUSDT\",\"orderId\":1,");
    assert_told("\"openOrderLists\":[{\"orderListId\":1,");
    assert_told("\"addresses\":[{\"account\":1,");
    assert_null(strstr(desk_answer, "bob"));
    assert_null(strstr(desk_answer, "eeee"));
    assert_int_equal(desk_ask(METHOD_GET, ACCOUNT, "", 2), OUTCOME_ANSWERED);
    assert_told("\"openOrders\":[{\"symbol\":\"BTCUSDT\",\"orderId\":3,");
    assert_null(strstr(desk_answer, "ann"));
}

/* The value of a name behind `at`. */
static const char *value_of(const char *at, const char *name, char *value, size_t capacity)
{
    char key[32];
    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = strstr(at, key);
    assert_non_null(at);
    at += strlen(key);
    snprintf(value, capacity, "%.*s", (int)strcspn(at, "\""), at);
    return at;
}

/* Whatever the answer says where the past is, is there, and is asked for as it says: oldest first, or down from the newest. */
TEST(export_data, past_is_where_it_is_said_to_be)
{
    static char told[1 << 16];
    char path[128], first[64], query[160];
    int count = 0;
    desk_open();
    desk_one_fill();
    assert_int_equal(desk_ask(METHOD_GET, ACCOUNT, "", 1), OUTCOME_ANSWERED);
    snprintf(told, sizeof(told), "%s", strstr(desk_answer, "\"history\":["));
    for (const char *at = told; strstr(at, "\"path\":") != NULL; count++) {
        at = value_of(at, "path", path, sizeof(path));
        at = value_of(at, "first", first, sizeof(first));
        const char *symbols = strstr(at, "\"symbols\":[\"");
        const char *end = strchr(at, '}');
        const bool is_by_symbol = symbols != NULL && symbols < end;
        snprintf(query, sizeof(query), "%s%s", first, is_by_symbol ? "&symbol=BTCUSDT" : "");
        const enum outcome outcome = desk_ask(METHOD_GET, path, query, 1);
        assert_true(outcome == OUTCOME_HISTORY ||
                    (outcome == OUTCOME_ANSWERED && strcmp(desk_answer, "[]") == 0));
        assert_int_equal(desk_request.history.newest, strstr(at, "\"next\":\"toId\"") != NULL &&
                                                          strstr(at, "\"next\":\"toId\"") < end);
        assert_int_equal(desk_request.history.account, 1);
    }
    assert_int_equal(count, 8);
}

TEST(export_data, prevented_matches_of_a_market_are_paged)
{
    desk_open();
    desk_one_fill();
    assert_int_equal(desk_ask(METHOD_GET, PREVENTED, "symbol=BTCUSDT&fromId=7&limit=3", 1),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.kind, HISTORY_PREVENTED);
    assert_int_equal(desk_request.history.id_min, 7);
    assert_int_equal(desk_request.history.limit, 3);
    assert_false(desk_request.history.newest);
    assert_refused(METHOD_GET, PREVENTED, "", REJECT_MANDATORY);
    assert_refused(METHOD_GET, PREVENTED, "symbol=BTCUSDT&limit=0", REJECT_DATA);
}
