#include "common/intent_key.h"

#include "common/ip_list.h"
#include "tests/harness.h"
#include "tests/unit/common/world.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

static void parse(const char *text)
{
    world_params(&params);
    params.rules = PARAMS_RULES_KEYS;
    params.gateway_secret_version = 3;
    assert_true(form_parse(&form, text, strlen(text), NULL, 0));
}

/* "ok", or the code as a client sees it, and what it names. */
static const char *create(const char *text)
{
    static char line[64];
    parse(text);
    if (intent_key_create(&form, &params, &intent, &refusal)) return "ok";
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), refusal.first);
    return line;
}

TEST(intent_key, a_key_is_of_one_kind)
{
    assert_string_equal(create("action=key-create&permissions=READ,TRADE&timestamp=7"), "ok");
    assert_int_equal(intent.type, T_KEY_CREATE);
    assert_int_equal(intent.key_create.time_ns, 7000000);
    assert_int_equal(intent.key_create.permissions, KEY_READ | KEY_TRADE);
    assert_int_equal(intent.key_create.secret_version, 3);
    assert_int_equal(intent.key_create.ip_count, 0);
    assert_string_equal(create("action=key-create&permissions=WITHDRAW&timestamp=7&publicKey=" KEY
                               "&ipList=192.0.2.7,::1"),
                        "ok");
    assert_int_equal(intent.key_create.secret_version, 0);
    assert_int_equal(intent.key_create.public_key[1], 0x11);
    assert_int_equal(intent.key_create.ip_count, 2);
}

TEST(intent_key, what_is_wrong_is_said)
{
    assert_string_equal(create("permissions=READ&timestamp=7"), "-1102 action");
    assert_string_equal(create("action=key-add&permissions=READ&timestamp=7"), "-1130 ");
    assert_string_equal(create("action=key-create&permissions=READ"), "-1102 timestamp");
    assert_string_equal(create("action=key-create&timestamp=7"), "-1102 permissions");
    assert_string_equal(create("action=key-create&timestamp=7&permissions=READ,READ"),
                        "-1130 permissions");
    assert_string_equal(create("action=key-create&timestamp=7&permissions=READ,WITHDRAW"),
                        "-9124 ");
    assert_string_equal(create("action=key-create&timestamp=7&permissions=READ&ipList=1.2.3"),
                        "-1130 ipList");
    assert_string_equal(create("action=key-create&timestamp=7&permissions=READ&publicKey=12"),
                        "-1100 publicKey");
    /* All zero is no key, though 64 digits. */
    char text[256] = "action=key-create&timestamp=7&permissions=READ&publicKey=";
    memset(text + strlen(text), '0', 64);
    assert_string_equal(create(text), "-9124 ");
}

/* An RSA key is named as one, wherever a key can be given. */
TEST(intent_key, rsa_is_refused_by_name)
{
    static const char *const requests[] = {
        "action=key-create&timestamp=7&permissions=READ&publicKey=",
        "action=key-add&nonce=1&account=1&permissions=READ&keyId=" KEY "&publicKey=",
        "action=account-create&nonce=1&tier=0&publicKey="};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char text[600];
        snprintf(text, sizeof(text), "%s", requests[i]);
        memset(text + strlen(text), 0, sizeof(text) - strlen(text));
        memset(text + strlen(text), 'M', 392);
        parse(text);
        const bool taken = i == 0 ? intent_key_create(&form, &params, &intent, &refusal)
                                  : intent_admin(&form, &params, &intent, &refusal);
        assert_false(taken);
        assert_int_equal(refusal.reject, REJECT_RSA);
    }
}

/* The command is the one of the text: of its time, its rights, its networks, and of no other action. */
TEST(intent_key, a_command_is_the_texts_own)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    parse("action=key-limit&timestamp=7&permissions=READ&keyId=" KEY "&ipList=10.0.0.0/8");
    assert_true(intent_key_limit(&form, &intent, &refusal));
    intent.key_limit.account = 4;
    (void)intent_put(&intent, payload);
    struct command command = {.header = {.type = T_KEY_LIMIT, .deadline_ns = 5007000000},
                              .payload = payload};
    assert_true(intent_matches(&form, &params, &command));
    for (size_t at = 0; at < KEY_LIMIT_BYTES; at++) {
        const bool is_account = at >= 8 && at < 12; /* who signs decides it */
        payload[at] ^= 1;
        assert_int_equal(intent_matches(&form, &params, &command), is_account);
        payload[at] ^= 1;
    }
    command.header.deadline_ns++;
    assert_false(intent_matches(&form, &params, &command));

    parse("action=key-remove&timestamp=7&keyId=" KEY);
    assert_true(intent_key_remove(&form, &intent, &refusal));
    assert_false(intent_key_limit(&form, &intent, &refusal));
    parse("action=key-create&timestamp=7&permissions=READ&keyId=" KEY);
    assert_false(intent_key_remove(&form, &intent, &refusal));
}

/* ---- Which exchange a text is for. */

static hash_t here(void)
{
    return (hash_t){.bytes = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                              0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                              0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
}

static int chain_under(uint32_t rules, const char *text)
{
    const hash_t chain_id = here();
    parse(text);
    params.rules = rules;
    return intent_key_chain(&form, &params, &chain_id, &refusal) ? 0 : reject_code(refusal.reject);
}

/* From their rules on it is mandatory; one that is named must be the right one before, too. */
TEST(intent_key, a_text_names_its_chain)
{
    const uint32_t before = PARAMS_RULES_CHAIN - 1;
    char other[] = "timestamp=7&chainId=" KEY;
    assert_int_equal(chain_under(PARAMS_RULES_CHAIN, "timestamp=7"), -1102);
    assert_int_equal(chain_under(PARAMS_RULES_CHAIN, "chainId="), -1105);
    assert_int_equal(chain_under(PARAMS_RULES_CHAIN, "chainId=0011"), -1100);
    assert_int_equal(chain_under(PARAMS_RULES_CHAIN, other), 0);
    assert_int_equal(chain_under(before, other), 0);
    assert_int_equal(chain_under(before, "timestamp=7"), 0);
    other[sizeof(other) - 2] = 'e';
    assert_int_equal(chain_under(PARAMS_RULES_CHAIN, other), -9130);
    assert_int_equal(chain_under(before, other), -9130);
}

static bool names(const char *text)
{
    uint8_t auth[PUBLIC_KEY_BYTES + SIGNATURE_BYTES + 256] = {0};
    const hash_t chain_id = here();
    const size_t text_bytes = strlen(text);
    memcpy(auth + PUBLIC_KEY_BYTES + SIGNATURE_BYTES, text, text_bytes);
    const struct command command = {
        .header = {.type = T_KEY_REMOVE,
                   .auth_length = (uint16_t)(PUBLIC_KEY_BYTES + SIGNATURE_BYTES + text_bytes)},
        .auth = auth};
    return intent_key_names(&command, &chain_id);
}

/* What an engine reads of a command: its text, if there is one, whatever stands in it. */
TEST(intent_key, a_commands_text_names_its_chain)
{
    char other[] = "chainId=" KEY;
    assert_true(names("action=key-remove&timestamp=7&chainId=" KEY));
    assert_true(names("%63hainId=" KEY "&timestamp=7"));
    assert_false(names(""));
    assert_false(names("action=key-remove&timestamp=7"));
    assert_false(names("chainId=" KEY "0"));
    assert_false(names("chainId=" KEY "&chainId=" KEY)); /* malformed */
    other[8] = '1';
    assert_false(names(other));
    const struct command hmac = {.header = {.type = T_KEY_REMOVE, .auth_length = 32}};
    const hash_t chain_id = here();
    assert_false(intent_key_names(&hmac, &chain_id));
}
