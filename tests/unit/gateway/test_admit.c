#include "gateway/admit.h"

#include "common/intent_key.h"
#include "tests/unit/gateway/desk_fixture.h"

static uint8_t bytes[COMMAND_BYTES_MAX];
static struct intent intent;
static struct auth_proof proof;
static struct auth_payload payload;

static struct admission admission_of(const char *text, enum auth_kind kind)
{
    struct refusal refusal;
    uint64_t timestamp_ns, deadline_ns;
    assert_true(form_parse(&desk_form, text, strlen(text), NULL, 0));
    assert_true(intent_order_place(&desk_form, desk_facts.params, &intent, &refusal));
    assert_true(intent_deadline(&desk_form, &timestamp_ns, &deadline_ns, &refusal));
    admit_account(&intent, 7);
    proof.kind = kind;
    memset(proof.key_id, 0x11, 32);
    memset(proof.signature, 0x22, 64);
    payload = auth_payload_of(text, strlen(text), NULL, 0);
    return (struct admission){&intent, &proof, &payload, deadline_ns, 99, 3};
}

#define TEXT \
    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100&timestamp=1000"

/* With HMAC the gateway vouches: only the key's id goes along. */
TEST(admit, hmac_command_carries_the_key_id)
{
    struct command command;
    desk_open();
    const struct admission admission = admission_of(TEXT "&signature=x", AUTH_HMAC);
    admit_put(&admission, bytes);
    assert_true(command_decode(bytes, admit_bytes(&admission), &command));
    assert_int_equal(command.header.type, T_ORDER_PLACE);
    assert_int_equal(command.header.origin, 3);
    assert_int_equal(command.header.ticket, 99);
    assert_int_equal(command.header.deadline_ns, 6000000000);
    assert_int_equal(command.header.auth_kind, AUTH_HMAC);
    assert_int_equal(command.header.auth_length, 32);
    assert_int_equal(command.auth[0], 0x11);
    assert_true(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));
}

/* With Ed25519 the signed bytes go along, and ask for exactly this command. */
TEST(admit, ed25519_command_proves_itself)
{
    struct command command;
    desk_open();
    const struct admission admission = admission_of(TEXT "&signature=x", AUTH_ED25519);
    admit_put(&admission, bytes);
    assert_true(command_decode(bytes, admit_bytes(&admission), &command));
    assert_int_equal(command.header.auth_length, 32 + 64 + strlen(TEXT));
    assert_memory_equal(command.auth + 96, TEXT, strlen(TEXT));
    assert_true(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));

    /* Another price in the command than in the text: no node would sign it. */
    intent.order_place.price.ticks++;
    admit_put(&admission, bytes);
    assert_false(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));
}

/* A client may write its parameters as URLs have them: it has signed those bytes, which say the same. */
TEST(admit, encoded_text_proves_the_same_command)
{
#define ENCODED \
    "symbol=%42TCUSDT&side=%42%55%59&type=LIMIT&timeInForce=GTC&quantity=1%2E0&%70rice=100" \
    "&newClientOrderId=a%3A%2fb&timestamp=1000"
    struct command command;
    desk_open();
    const struct admission admission = admission_of(ENCODED "&signature=x%3D", AUTH_ED25519);
    assert_memory_equal(intent.order_place.client_id, "a:/b", 5);
    admit_put(&admission, bytes);
    assert_true(command_decode(bytes, admit_bytes(&admission), &command));
    assert_int_equal(command.header.auth_length, 32 + 64 + strlen(ENCODED));
    assert_memory_equal(command.auth + 96, ENCODED, strlen(ENCODED));
    assert_true(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));

    /* The name as it is written is not the one that it says. */
    memcpy(intent.order_place.client_id, "a%3A%2fb", 8);
    admit_put(&admission, bytes);
    assert_false(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));
#undef ENCODED
}

/* Query and body are one text to whoever signs and to the engine, and two to the gateway. Where they make another chain's name
 * together, it goes no further; below the rules that want the name it may. */
TEST(admit, a_chain_named_to_the_gateway_alone_is_not_named)
{
    static char query[256];
    const char *const bodies[] = {"", "&x=1", "x=1"};
    struct refusal refusal;
    char hex[65];
    desk_open();
    hash_hex(desk_facts.chain_id.bytes, HASH_BYTES, hex);
    const int length = snprintf(query, sizeof(query),
                                "action=key-remove&keyId=%s&timestamp=1000&chainId=%s", hex, hex);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const size_t query_bytes = (size_t)length, body_bytes = strlen(bodies[i]);
        assert_true(form_parse(&desk_form, query, query_bytes, bodies[i], body_bytes));
        assert_true(intent_key_remove(&desk_form, &intent, &refusal));
        assert_true(intent_chain(&desk_form, &desk_facts.chain_id, &refusal));
        payload = auth_payload_of(query, query_bytes, bodies[i], body_bytes);
        proof.kind = AUTH_ED25519;
        const struct admission admission = {&intent, &proof, &payload, 6000000000, 99, 3};
        admit_put(&admission, bytes);
        assert_int_equal(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form),
                         i < 2);
    }
    fixture_genesis.params.rules = PARAMS_RULES_CHAIN - 1;
    desk_reopen();
    const struct admission admission = {&intent, &proof, &payload, 6000000000, 99, 3};
    assert_true(admit_provable(bytes, admit_bytes(&admission), &desk_facts, &desk_form));
}

/* More signed bytes than the authentication field holds cannot become a command. */
TEST(admit, too_long_a_text_is_no_command)
{
    static char text[8192];
    desk_open();
    memcpy(text, TEXT "&x=", sizeof(TEXT "&x=") - 1);
    memset(text + sizeof(TEXT "&x=") - 1, 'y', COMMAND_AUTH_MAX);
    const struct admission admission = admission_of(text, AUTH_ED25519);
    assert_int_equal(admit_bytes(&admission), 0);
}

TEST(admit, client_ids_are_letters_and_digits)
{
    uint8_t random[ADMIT_CLIENT_ID_LETTERS], client_id[36];
    for (int round = 0; round < 256; round++) {
        memset(random, round, sizeof(random));
        admit_client_id(client_id, random);
        assert_int_equal(strspn((char *)client_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                   "abcdefghijklmnopqrstuvwxyz0123456789"),
                         ADMIT_CLIENT_ID_LETTERS);
        assert_int_equal(client_id[ADMIT_CLIENT_ID_LETTERS], 0);
    }
}

/* Two orders of one command must not share an id; what the client has named keeps its name. */
TEST(admit, ids_are_made_for_what_has_none)
{
    static const uint8_t random[36] = "ABCDEFGHIJKLMNOPQRSTUV";
    struct intent list = {.type = T_LIST_PLACE, .list_place = {.kind = LIST_OTOCO}};
    memcpy(list.list_place.b_client_id, "mine", 4);
    admit_ids(&list, random);
    assert_string_equal((char *)list.list_place.client_id, "ABCDEFGHIJKLMNOPQRSTUV");
    assert_string_equal((char *)list.list_place.a_client_id, "ABCDEFGHIJKLMNOPQRSTUVb");
    assert_string_equal((char *)list.list_place.b_client_id, "mine");
    assert_string_equal((char *)list.list_place.c_client_id, "ABCDEFGHIJKLMNOPQRSTUVd");

    list = (struct intent){.type = T_LIST_PLACE, .list_place = {.kind = LIST_OCO}};
    admit_ids(&list, random);
    assert_int_equal(list.list_place.c_client_id[0], 0); /* there is no such leg */

    struct intent replace = {.type = T_ORDER_REPLACE};
    admit_ids(&replace, random);
    assert_memory_not_equal(replace.order_replace.client_id, replace.order_replace.cancel_client_id,
                            36);
}

TEST(admit, accounts_come_from_the_key)
{
    static const uint16_t types[] = {T_ORDER_PLACE,   T_ORDER_CANCEL, T_CANCEL_ALL,  T_ORDER_AMEND,
                                     T_ORDER_REPLACE, T_LIST_PLACE,   T_LIST_CANCEL, T_SWITCH_SET};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct intent made = {.type = types[i]}, empty = made;
        admit_account(&made, 7);
        assert_memory_not_equal(&made, &empty, sizeof(made));
    }
}
