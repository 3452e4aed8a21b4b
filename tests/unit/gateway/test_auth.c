#include "gateway/auth.h"

#include "tests/unit/gateway/desk_fixture.h"

static const uint8_t gateway_secret[HASH_BYTES] = {7, 7, 7};
static struct auth *auth;
static uint8_t auth_memory[1 << 16] __attribute__((aligned(64)));
static uint8_t owner_public[32], owner_secret[64];

static struct auth_payload payload_of(const char *query, const char *body)
{
    return auth_payload_of(query, strlen(query), body, strlen(body));
}

static void assert_payload(const char *query, const char *body, const char *expected,
                           const char *signature)
{
    uint8_t bytes[512] = {0};
    const struct auth_payload payload = payload_of(query, body);
    assert_int_equal(auth_payload_bytes(&payload), strlen(expected));
    auth_payload_put(&payload, bytes);
    assert_string_equal((char *)bytes, expected);
    assert_int_equal(payload.signature.byte_count, strlen(signature));
    assert_memory_equal(payload.signature.bytes, signature, strlen(signature));
}

/* The signature may stand anywhere in query or body; what is left is signed as it was received. */
TEST(auth, payload_is_everything_but_the_signature)
{
    assert_payload("a=1&b=2&signature=xy", "", "a=1&b=2", "xy");
    assert_payload("signature=xy&a=1&b=2", "", "a=1&b=2", "xy");
    assert_payload("a=1&signature=xy&b=2", "", "a=1&b=2", "xy");
    assert_payload("a=1", "b=2&signature=xy", "a=1b=2", "xy");
    assert_payload("a=%20+&signature=", "b=2", "a=%20+b=2", "");
    assert_payload("signature=xy", "", "", "xy");
    assert_int_equal(payload_of("a=1&xsignature=2", "").signature_count, 0);
    assert_int_equal(payload_of("signature=1&signature=2", "").signature_count, 2);
    assert_int_equal(payload_of("signature=1", "signature=2").signature_count, 2);
}

static void assert_hmac(const char *secret, const char *query, const char *body,
                        const char *expected)
{
    uint8_t mac[32];
    char hex[65];
    const struct auth_payload payload = payload_of(query, body);
    assert_true(auth_hmac(secret, strlen(secret), &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    assert_string_equal(hex, expected);
}

/* The published vectors of the Binance Spot API. */
TEST(auth, hmac_gives_the_published_signatures)
{
    static const char secret[] = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    assert_hmac(secret,
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
                "recvWindow=5000&timestamp=1499827319559&signature=00",
                "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    assert_hmac(secret, "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
                "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=00",
                "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77");
    assert_hmac(secret,
                "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&"
                "price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&"
                "timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
                "", "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24");
}

/* Account 1 with two keys: key 0 is for HMAC and reads only, key 1 is Ed25519 by the account's key. */
static void open_with_keys(void)
{
    struct arena arena;
    desk_open();
    assert_true(hash_start());
    assert_int_equal(crypto_sign_keypair(owner_public, owner_secret), 0);
    struct account_created_event created = {.account = 1};
    memcpy(created.public_key, owner_public, 32);
    event_write_account_created(&desk_events, &created);
    struct key_added_event key = {.account = 1, .permissions = KEY_READ, .secret_version = 1};
    memset(key.key_id, 0xa1, sizeof(key.key_id));
    event_write_key_added(&desk_events, &key);
    key.permissions = KEY_READ | KEY_TRADE;
    key.secret_version = 0;
    memset(key.key_id, 0xb2, sizeof(key.key_id));
    event_write_key_added(&desk_events, &key);
    desk_apply();
    memset(auth_memory, 0, sizeof(auth_memory));
    arena_init(&arena, auth_memory, sizeof(auth_memory));
    auth = auth_new(&arena, &fixture_genesis, gateway_secret);
    assert_non_null(auth);
}

static const uint8_t anywhere[IP_BYTES] = {[15] = 1};

static void assert_key(const char *text, uint16_t permission, enum reject reject)
{
    struct refusal refusal;
    uint32_t index;
    const bool found = auth_find_key(desk_view, text, text == NULL ? 0 : strlen(text), permission,
                                     anywhere, &index, &refusal);
    assert_int_equal(found, reject == REJECT_NONE);
    if (!found) assert_int_equal(refusal.reject, reject);
}

#define HEX_A1 "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define HEX_B2 "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

/* What is no key at all is -2014; a well-formed one that is unknown or may not do this is -2015. */
TEST(auth, keys_are_told_apart_by_form_then_by_right)
{
    open_with_keys();
    assert_key(NULL, KEY_READ, REJECT_KEY_FORMAT);
    assert_key("short", KEY_READ, REJECT_KEY_FORMAT);
    assert_key("!1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", KEY_READ,
               REJECT_KEY_FORMAT);
    assert_key("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", KEY_READ,
               REJECT_KEY);
    assert_key("c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3", KEY_READ,
               REJECT_KEY);
    assert_key(HEX_A1, KEY_READ, REJECT_NONE);
    assert_key(HEX_A1, KEY_TRADE, REJECT_KEY);
    assert_key(HEX_B2, KEY_TRADE, REJECT_NONE);
    auth_free(auth);
}

static bool verify(uint32_t key, const char *query)
{
    struct auth_proof proof;
    const struct auth_payload payload = payload_of(query, "");
    return auth_verify(auth, desk_view, key, &payload, &proof);
}

/* Hex of either case is HMAC with the derived secret; a digit changed, a byte changed, a second
 * signature, or a key without a secret is refused. */
TEST(auth, hmac_signature_is_checked)
{
    char secret[65], query[256], hex[65];
    uint8_t key_id[32], mac[32];
    open_with_keys();
    memset(key_id, 0xa1, sizeof(key_id));
    auth_secret_of(gateway_secret, key_id, secret);
    const struct auth_payload payload = payload_of("timestamp=1", "");
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, 32, hex);

    snprintf(query, sizeof(query), "timestamp=1&signature=%s", hex);
    assert_true(verify(0, query));
    assert_true(verify(0, query)); /* the prepared context starts over each time */
    assert_false(verify(1, query));
    for (char *at = strchr(query, '&'); (at = strpbrk(at, "abcdef")) != NULL;) {
        if (at > strstr(query, "signature=") + 9) *at = (char)(*at - 'a' + 'A');
        at++;
    }
    assert_true(verify(0, query));
    query[strlen(query) - 1] ^= 1;
    assert_false(verify(0, query));
    snprintf(query, sizeof(query), "timestamp=2&signature=%s", hex);
    assert_false(verify(0, query));
    snprintf(query, sizeof(query), "timestamp=1&signature=%s&signature=%s", hex, hex);
    assert_false(verify(0, query));
    assert_false(verify(0, "timestamp=1&signature="));
    assert_false(verify(0, "timestamp=1&signature=%"));
    auth_free(auth);
}

/* Base64, percent-encoded or not, is Ed25519 by the key's own public key or its account's. */
TEST(auth, ed25519_signature_is_checked)
{
    char base64[128], query[512];
    uint8_t signature[64];
    open_with_keys();
    hash_sign(owner_secret, "symbol=X&timestamp=1", 20, signature);
    sodium_bin2base64(base64, sizeof(base64), signature, 64, sodium_base64_VARIANT_ORIGINAL);
    snprintf(query, sizeof(query), "symbol=X&timestamp=1&signature=%s", base64);
    assert_true(verify(1, query));
    char *end = query + strlen(query) - 2;
    assert_string_equal(end, "==");
    memcpy(end, "%3D%3d", 7);
    assert_true(verify(1, query));
    query[7] = 'Y';
    assert_false(verify(1, query));
    auth_free(auth);
}

/* timestamp < now + 1 s, and now - timestamp <= recvWindow: both sides of both bounds. */
TEST(auth, window_is_closed_behind_and_open_ahead)
{
    struct refusal refusal;
    const uint64_t now = 1000000000000, second = 1000000000;
    assert_true(auth_check_time(now, now, now, &refusal));
    assert_false(auth_check_time(now - second, now - 1, now, &refusal));
    assert_int_equal(refusal.reject, REJECT_TOO_LATE);
    assert_true(auth_check_time(now + second - 1, now + 6 * second, now, &refusal));
    assert_false(auth_check_time(now + second, now + 6 * second, now, &refusal));
    assert_int_equal(refusal.reject, REJECT_TIMESTAMP_AHEAD);
}

/* An operator is one of the genesis' keys, and signs in hex or base64. */
TEST(auth, only_operators_of_the_genesis_are_operators)
{
    char hex[129], query[256];
    uint8_t signature[64];
    struct auth_proof proof;
    open_with_keys();
    hash_sign(owner_secret, "action=x&nonce=1", 16, signature);
    hash_hex(signature, 64, hex);
    snprintf(query, sizeof(query), "action=x&nonce=1&signature=%s", hex);
    const struct auth_payload payload = payload_of("", query);
    assert_false(auth_verify_operator(&fixture_genesis, NULL, owner_public, &payload, &proof));
    fixture_genesis.operator_count = 1;
    memcpy(fixture_genesis.operators[0], owner_public, 32);
    assert_true(auth_verify_operator(&fixture_genesis, NULL, owner_public, &payload, &proof));
    assert_int_equal(proof.kind, AUTH_OPERATOR);

    /* A connector is one where connectors may ask, and nowhere else. */
    fixture_genesis.operator_count = 0;
    fixture_genesis.params.connector_count = 1;
    memcpy(fixture_genesis.params.connectors[0], owner_public, 32);
    const struct params *params = &fixture_genesis.params;
    assert_true(auth_verify_operator(&fixture_genesis, params, owner_public, &payload, &proof));
    assert_false(auth_verify_operator(&fixture_genesis, NULL, owner_public, &payload, &proof));
    assert_int_equal(auth_signer(&fixture_genesis, params, owner_public), PARAMS_CONNECTOR_FIRST);
    assert_int_equal(auth_signer(&fixture_genesis, NULL, owner_public), -1);
    auth_free(auth);
}

/* ---- operators and connectors ---- */

static const char order_text[] = "action=credit&account=1&nonce=1";
static uint8_t connector_public[PUBLIC_KEY_BYTES], connector_secret[SECRET_KEY_BYTES];

/* One operator (the owner's keys) and one connector, each with keys of its own. */
static void open_with_signers(void)
{
    open_with_keys();
    assert_int_equal(crypto_sign_keypair(connector_public, connector_secret), 0);
    fixture_genesis.operator_count = 1;
    memcpy(fixture_genesis.operators[0], owner_public, PUBLIC_KEY_BYTES);
    fixture_genesis.params.connector_count = 1;
    memcpy(fixture_genesis.params.connectors[0], connector_public, PUBLIC_KEY_BYTES);
}

static bool is_by(const uint8_t public_key[PUBLIC_KEY_BYTES], const char *body)
{
    struct auth_proof proof;
    const struct auth_payload payload = payload_of("", body);
    return auth_verify_operator(&fixture_genesis, &fixture_genesis.params, public_key, &payload,
                                &proof);
}

/* `text` with these 64 bytes as its signature, in hex or in base64. */
static const char *body_of(const char *text, const uint8_t signature[SIGNATURE_BYTES],
                           bool in_base64)
{
    static char body[512];
    char spelt[2 * SIGNATURE_BYTES + 1];
    if (in_base64)
        sodium_bin2base64(spelt, sizeof(spelt), signature, SIGNATURE_BYTES,
                          sodium_base64_VARIANT_ORIGINAL);
    else
        hash_hex(signature, SIGNATURE_BYTES, spelt);
    snprintf(body, sizeof(body), "%s&signature=%s", text, spelt);
    return body;
}

/* By the key, over the text: any bit of the signature or byte of the text that is another is refused. */
static void every_bit_is_checked(const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 const uint8_t secret[SECRET_KEY_BYTES], bool in_base64)
{
    uint8_t signature[SIGNATURE_BYTES];
    char text[sizeof(order_text)];
    memcpy(text, order_text, sizeof(text));
    hash_sign(secret, text, strlen(text), signature);
    assert_true(is_by(public_key, body_of(text, signature, in_base64)));
    for (size_t bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (is_by(public_key, body_of(text, signature, in_base64))) fail_msg("bit %zu", bit);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t at = 0; at < strlen(order_text); at++) {
        text[at] ^= 1;
        if (is_by(public_key, body_of(text, signature, in_base64))) fail_msg("byte %zu", at);
        text[at] ^= 1;
    }
    assert_true(is_by(public_key, body_of(text, signature, in_base64)));
}

TEST(auth, every_bit_of_an_operators_or_connectors_signature_counts)
{
    open_with_signers();
    for (int in_base64 = 0; in_base64 < 2; in_base64++) {
        every_bit_is_checked(owner_public, owner_secret, in_base64 != 0);
        every_bit_is_checked(connector_public, connector_secret, in_base64 != 0);
    }
    auth_free(auth);
}

/* A known key with a good signature of something else, of somebody else, with none, two, or half of one. */
TEST(auth, a_known_key_alone_says_nothing)
{
    uint8_t by_owner[SIGNATURE_BYTES], by_connector[SIGNATURE_BYTES], of_other[SIGNATURE_BYTES];
    char twice[1024], half[512];
    open_with_signers();
    hash_sign(owner_secret, order_text, strlen(order_text), by_owner);
    hash_sign(connector_secret, order_text, strlen(order_text), by_connector);
    hash_sign(owner_secret, "action=credit&account=2&nonce=1", 31, of_other);
    assert_true(is_by(owner_public, body_of(order_text, by_owner, false)));
    assert_true(is_by(connector_public, body_of(order_text, by_connector, false)));
    for (int in_base64 = 0; in_base64 < 2; in_base64++) {
        assert_false(is_by(owner_public, body_of(order_text, of_other, in_base64 != 0)));
        assert_false(is_by(owner_public, body_of(order_text, by_connector, in_base64 != 0)));
        assert_false(is_by(connector_public, body_of(order_text, by_owner, in_base64 != 0)));
    }
    assert_false(is_by(owner_public, order_text));
    snprintf(half, sizeof(half), "%s&signature=", order_text);
    assert_false(is_by(owner_public, half));
    snprintf(half, sizeof(half), "%s", body_of(order_text, by_owner, false));
    snprintf(twice, sizeof(twice), "%s%s", half, strstr(half, "&signature="));
    assert_false(is_by(owner_public, twice));
    half[strlen(half) - 2] = '\0';
    assert_false(is_by(owner_public, half));
    auth_free(auth);
}

/* An RSA key's signature is known by its length, however it is encoded; the client reads what to do about it. */
TEST(auth, rsa_signatures_are_called_that)
{
    static const struct {
        int letters;
        bool is_rsa;
    } cases[] = {{64, false}, {88, false}, {340, false}, {343, false},
                 {344, true}, {512, true}, {684, true},  {688, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char query[1024] = "timestamp=1&signature=";
        const size_t from = strlen(query);
        const size_t letters = (size_t)cases[i].letters;
        memset(query + from, 'A', letters);
        memcpy(query + from + letters - 1, "%3D", 4); /* one letter: the padding */
        const struct auth_payload payload = payload_of(query, "");
        assert_int_equal(auth_refusal(&payload).reject,
                         cases[i].is_rsa ? REJECT_RSA : REJECT_SIGNATURE);
    }
    const struct auth_payload none = payload_of("timestamp=1", "");
    assert_int_equal(auth_refusal(&none).reject, REJECT_SIGNATURE);
}
