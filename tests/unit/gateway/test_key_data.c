#include "gateway/reply_key.h"

#include "common/key_rights.h"
#include "tests/harness.h"
#include "tests/unit/gateway/asker_fixture.h"

#define PATH "/quorex/v1/keys"

/* Account 2 has a key pair of its own. */
static uint8_t owner[PUBLIC_KEY_BYTES], owner_secret[SECRET_KEY_BYTES];
static char owner_hex[65];
static uint64_t time_ms;
static char chain[80]; /* the parameter that all have */

static void open_with_owner(void)
{
    const uint8_t seed[32] = {2};
    struct account_created_event created = {.account = 2};
    asker_open();
    crypto_sign_seed_keypair(owner, owner_secret, seed);
    hash_hex(owner, 32, owner_hex);
    memcpy(created.public_key, owner, sizeof(owner));
    event_write_account_created(&desk_events, &created);
    desk_apply();
    time_ms = desk_stamp / DESK_MS_NS;
    memcpy(chain, "chainId=", 9);
    hash_hex(genesis_chain_id(&fixture_genesis).bytes, HASH_BYTES, chain + 8);
    chain[72] = '&';
}

/* Asks by the text, signed with the owner's key at a later time than before. */
static void ask_as(struct asker *asker, const char *name, enum method method, const char *text)
{
    char query[ASKER_QUERY_MAX];
    asker_sign_ed25519(query, owner_secret, "%s%s%stimestamp=%llu", text, text[0] == 0 ? "" : "&",
                       chain, (unsigned long long)++time_ms);
    asker_begin(asker, method, PATH, query);
    asker->question.headers[DESK_API_KEY] = (struct auth_piece){name, 64};
    desk_take(&asker->question);
}

static void ask(struct asker *asker, enum method method, const char *text)
{
    ask_as(asker, owner_hex, method, text);
}

/* The command that has gone to the log comes back with this event, and who asked has an answer. */
static void come_back(uint16_t type, const struct key_created_event *created)
{
    const struct command_header header = asker_next_command();
    assert_int_equal(header.type, type);
    assert_int_equal(header.auth_kind, AUTH_ED25519);
    event_write_key_created(&desk_events, created);
    asker_return(&header);
}

static struct key_created_event made(uint16_t permissions, uint16_t secret_version)
{
    struct key_created_event created = {.time_ns = time_ms * DESK_MS_NS,
                                        .account = 2,
                                        .permissions = permissions,
                                        .secret_version = secret_version,
                                        .key_id = {[0] = 0xc0, [31] = (uint8_t)time_ms}};
    if (secret_version == 0) memset(created.public_key, 7, sizeof(created.public_key));
    return created;
}

static void assert_says(const struct asker *asker, const char *text)
{
    assert_int_equal(asker->answer_count, 1);
    if (strstr(asker->text, text) == NULL) fail_msg("%s", asker->text);
}

/* Who signs with the account's own key makes a key, is told its secret in that answer, and in no other. */
TEST(key_data, a_secret_is_told_once)
{
    static struct asker asker;
    char secret[65], text[128];
    open_with_owner();
    ask(&asker, METHOD_POST, "action=key-create&permissions=READ,TRADE&ipList=192.0.2.0/24");
    struct key_created_event created = made(KEY_READ | KEY_TRADE, 1);
    struct ip_list ips;
    assert_true(ip_list_parse("192.0.2.0/24", &ips));
    created.ip_count = ips.count;
    memcpy(created.ips, ips.ranges, sizeof(created.ips));
    come_back(T_KEY_CREATE, &created);
    auth_secret_of(asker_secret, created.key_id, secret);
    snprintf(text, sizeof(text), "\"secretKey\":\"%s\"", secret);
    assert_int_equal(asker.answer_count, 1);
    assert_non_null(strstr(asker.text, text));
    assert_non_null(strstr(asker.text, "\"ipRestrict\":true,\"ipList\":[\"192.0.2.0/24\"]"));
    assert_non_null(strstr(asker.text, "\"permissions\":[\"READ\",\"TRADE\"]"));
    desk_forget(&asker.question);

    ask(&asker, METHOD_GET, "");
    assert_int_equal(asker.answer_count, 1);
    assert_non_null(strstr(asker.text, "\"keyId\":\"c0"));
    assert_null(strstr(asker.text, "secretKey"));
    desk_forget(&asker.question);
    asker_close();
}

/* A key that has a public key has no secret to tell. */
TEST(key_data, an_ed25519_key_has_no_secret)
{
    static struct asker asker;
    open_with_owner();
    ask(&asker, METHOD_POST,
        "action=key-create&permissions=WITHDRAW&publicKey="
        "0707070707070707070707070707070707070707070707070707070707070707");
    const struct key_created_event created = made(KEY_WITHDRAW, 0);
    come_back(T_KEY_CREATE, &created);
    assert_non_null(strstr(asker.text, "\"publicKey\":\"0707"));
    assert_null(strstr(asker.text, "secretKey"));
    desk_forget(&asker.question);
    asker_close();
}

/* What is about keys is for no key: neither by its name, nor by its signature; nor without any. */
TEST(key_data, api_keys_change_no_keys)
{
    static struct asker asker;
    open_with_owner();
    ask_as(&asker, ASKER_KEY, METHOD_POST, "action=key-create&permissions=READ");
    assert_says(&asker, "\"code\":-2015");
    desk_forget(&asker.question);
    asker_begin(&asker, METHOD_GET, PATH, "timestamp=1");
    asker.question.headers[DESK_API_KEY] = (struct auth_piece){owner_hex, 64};
    desk_take(&asker.question);
    assert_says(&asker, "Mandatory parameter 'signature'");
    desk_forget(&asker.question);
    owner_secret[0] ^= 1;
    ask(&asker, METHOD_GET, "");
    assert_says(&asker, "\"code\":-1022");
    desk_forget(&asker.question);
    assert_int_equal(asker_next_command().type, 0);
    asker_close();
}

/* What is no key, or no key of the account, goes no further; RSA's by its name. */
TEST(key_data, refuses_what_cannot_be)
{
    static struct asker asker;
    static char rsa[600] = "action=key-create&permissions=READ&publicKey=";
    static const struct {
        enum method method;
        const char *text, *says;
    } wrong[] = {
        {METHOD_POST, "action=key-create&permissions=READ,WITHDRAW", "\"code\":-9124"},
        {METHOD_POST, "action=key-create&permissions=FLY", "permissions"},
        {METHOD_POST, "action=key-create&permissions=READ&ipList=192.0.2.1/24", "ipList"},
        {METHOD_POST, "action=key-remove&permissions=READ", "Invalid action"},
        {METHOD_POST, rsa, "RSA keys are not taken here"},
        {METHOD_DELETE, "action=key-remove&keyId=" ASKER_KEY, "\"code\":-9122"},
        {METHOD_PUT, "action=key-limit&permissions=READ&keyId=" ASKER_KEY, "\"code\":-9122"},
    };
    open_with_owner();
    memset(rsa + strlen(rsa), 'A', 392);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ask(&asker, wrong[i].method, wrong[i].text);
        assert_says(&asker, wrong[i].says);
        desk_forget(&asker.question);
    }
    asker_close();
}

/* What is signed for another exchange, or for none, tells nobody a secret here, nor which keys there are. */
TEST(key_data, what_is_asked_of_another_exchange_goes_no_further)
{
    static struct asker asker;
    open_with_owner();
    chain[8] = chain[8] == '0' ? '1' : '0';
    ask(&asker, METHOD_POST, "action=key-create&permissions=READ");
    assert_says(&asker, "\"code\":-9130");
    desk_forget(&asker.question);
    ask(&asker, METHOD_GET, "");
    assert_says(&asker, "\"code\":-9130");
    desk_forget(&asker.question);
    chain[0] = 0;
    ask(&asker, METHOD_GET, "");
    assert_says(&asker, "Mandatory parameter 'chainId'");
    desk_forget(&asker.question);
    ask(&asker, METHOD_POST, "action=key-create&permissions=READ");
    assert_says(&asker, "Mandatory parameter 'chainId'");
    desk_forget(&asker.question);
    ask(&asker, METHOD_PUT, "action=key-limit&permissions=READ&keyId=" ASKER_KEY);
    assert_says(&asker, "Mandatory parameter 'chainId'");
    desk_forget(&asker.question);
    ask(&asker, METHOD_DELETE, "action=key-remove&keyId=" ASKER_KEY);
    assert_says(&asker, "Mandatory parameter 'chainId'");
    desk_forget(&asker.question);
    assert_int_equal(asker_next_command().type, 0);
    asker_close();
}

/* A key works from its networks, and not at all once it is removed. */
TEST(key_data, a_key_is_for_its_networks)
{
    static struct asker asker;
    const uint8_t inside[IP_BYTES] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 9};
    struct key_limited_event limited = {.account = 1, .permissions = KEY_READ};
    struct key_removed_event removed = {.account = 1};
    struct ip_list ips;
    char query[1024];
    asker_open();
    assert_true(ip_list_parse("192.0.2.0/24", &ips));
    memset(limited.key_id, 0xaa, sizeof(limited.key_id));
    memset(removed.key_id, 0xaa, sizeof(removed.key_id));
    limited.ip_count = ips.count;
    memcpy(limited.ips, ips.ranges, sizeof(limited.ips));
    event_write_key_limited(&desk_events, &limited);
    desk_apply();
    asker_sign(query, sizeof(query), "omitZeroBalances=true");
    asker_ask(&asker, METHOD_GET, "/api/v3/account", query);
    assert_says(&asker, "\"code\":-2015");
    desk_forget(&asker.question);
    for (int tries = 0; tries < 2; tries++) {
        asker_sign(query, sizeof(query), "");
        asker_begin(&asker, METHOD_GET, "/sapi/v1/account/apiRestrictions", query);
        memcpy(asker.question.request.ip, inside, sizeof(inside));
        asker.question.headers[DESK_API_KEY] = (struct auth_piece){ASKER_KEY, 64};
        desk_take(&asker.question);
        assert_says(&asker, tries == 0 ? "\"ipRestrict\":true,\"ipList\":[\"192.0.2.0/24\"]"
                                       : "\"code\":-2015");
        desk_forget(&asker.question);
        event_write_key_removed(&desk_events, &removed);
        desk_apply();
    }
    asker_close();
}
