#include "gateway/reply_key.h"

#include "common/messages.h"
#include "tests/harness.h"

/* What is told of a key; its secret only where there is one to tell. */
TEST(reply_key, tells_kind_rights_and_networks)
{
    char bytes[1024];
    struct writer json;
    struct view_key key = {.key_id = {1},
                           .permissions = KEY_READ | KEY_WITHDRAW,
                           .public_key = {2},
                           .has_public_key = true};
    assert_true(ip_list_parse("192.0.2.7,2001:db8::/32", &key.ips));
    writer_start(&json, bytes, sizeof(bytes));
    reply_key(&json, &key, NULL);
    bytes[json.used] = '\0';
    assert_string_equal(
        bytes, "{\"keyId\":\"0100000000000000000000000000000000000000000000000000000000000000\","
               "\"publicKey\":\"0200000000000000000000000000000000000000000000000000000000000000\","
               "\"hmac\":false,\"permissions\":[\"READ\",\"WITHDRAW\"],\"ipRestrict\":true,"
               "\"ipList\":[\"192.0.2.7\",\"2001:db8::/32\"]}");
    key = (struct view_key){.permissions = KEY_TRADE, .secret_version = 1};
    writer_start(&json, bytes, sizeof(bytes));
    reply_key(&json, &key, "abc");
    bytes[json.used] = '\0';
    assert_non_null(strstr(bytes, "\"publicKey\":null,\"hmac\":true,\"permissions\":[\"TRADE\"],"
                                  "\"ipRestrict\":false,\"ipList\":[],\"secretKey\":\"abc\"}"));
}
