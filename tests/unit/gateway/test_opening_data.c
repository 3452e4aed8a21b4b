#include "gateway/reply_opening.h"

#include "gateway/view_restore.h"
#include "tests/harness.h"
#include "tests/unit/gateway/asker_fixture.h"

#define PATH    "/quorex/v1/accounts"
#define WAITING PATH "/pending"

/* Somebody with a key pair and nothing else. Account 1 is the fixture's; accounts 2 and on are made here. */
static uint8_t key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
static uint8_t operator_secret[SECRET_KEY_BYTES];
static char hex[65], operator_hex[65], chain[65], own_chain[65];
static uint64_t time_ms;

static void become(uint8_t number)
{
    const uint8_t seed[32] = {number};
    crypto_sign_seed_keypair(key, secret, seed);
    hash_hex(key, 32, hex);
}

static void let_open(uint32_t per_hour, uint8_t approval)
{
    event_write_opening_changed(&desk_events, &(struct opening_changed_event){per_hour, approval});
    desk_apply();
}

static void open_fixture(uint32_t per_hour, uint8_t approval)
{
    const uint8_t seed[32] = {77};
    asker_open();
    hash_hex(genesis_chain_id(&fixture_genesis).bytes, HASH_BYTES, chain);
    memcpy(own_chain, chain, sizeof(chain));
    crypto_sign_seed_keypair(fixture_genesis.operators[0], operator_secret, seed);
    fixture_genesis.operator_count = 1;
    hash_hex(fixture_genesis.operators[0], 32, operator_hex);
    become(9);
    let_open(per_hour, approval);
    time_ms = desk_stamp / DESK_MS_NS;
}

/* Asks by the text and the time, signed with this key; `name`: the header's, or NULL. */
static void ask_by(struct asker *asker, const uint8_t *signing_key, const char *name,
                   enum method method, const char *path, const char *text)
{
    char query[ASKER_QUERY_MAX];
    asker_sign_ed25519(query, signing_key, "%s%stimestamp=%llu", text, text[0] == 0 ? "" : "&",
                       (unsigned long long)++time_ms);
    asker_begin(asker, method, path, query);
    if (name != NULL) asker->question.headers[DESK_API_KEY] = (struct auth_piece){name, 64};
    desk_take(&asker->question);
}

static void ask_open(struct asker *asker)
{
    char text[256];
    snprintf(text, sizeof(text), "action=account-open&publicKey=%s&chainId=%s", hex, chain);
    ask_by(asker, secret, NULL, METHOD_POST, PATH, text);
}

static void ask_own(struct asker *asker)
{
    char text[128];
    snprintf(text, sizeof(text), "chainId=%s", chain);
    ask_by(asker, secret, hex, METHOD_GET, PATH, text);
}

static void assert_says(struct asker *asker, const char *text)
{
    assert_int_equal(asker->answer_count, 1);
    if (strstr(asker->text, text) == NULL) fail_msg("%s", asker->text);
    desk_forget(&asker->question);
}

/* The command comes back with the account, which waits or does not. */
static void come_back(struct asker *asker, uint32_t account, bool waits)
{
    const struct command_header header = asker_next_command();
    assert_int_equal(header.type, T_ACCOUNT_OPEN);
    assert_int_equal(header.auth_kind, AUTH_ED25519);
    struct account_created_event created = {.account = account};
    memcpy(created.public_key, key, sizeof(key));
    event_write_account_created(&desk_events, &created);
    if (waits)
        event_write_account_pending(&desk_events, &(struct account_pending_event){account, 1});
    asker_return(&header);
    assert_int_equal(asker->answer_count, 1);
}

/* Who signs with a key has an account for it; asked again, and by the log's refusal, it is the same one. */
TEST(opening_data, a_key_pair_is_enough)
{
    static struct asker asker;
    open_fixture(5, 0);
    ask_open(&asker);
    come_back(&asker, 2, false);
    char told[160];
    snprintf(told, sizeof(told), "{\"account\":2,\"publicKey\":\"%s\",\"status\":\"OPEN\"}", hex);
    assert_says(&asker, told);
    ask_open(&asker);
    assert_int_equal(asker_next_command().type, 0);
    assert_says(&asker, told);
    ask_own(&asker);
    assert_says(&asker, told);
    ask_by(&asker, secret, hex, METHOD_GET, PATH, ""); /* asked of whom? */
    assert_says(&asker, "Mandatory parameter 'chainId'");
    chain[0] ^= 1;
    ask_own(&asker);
    assert_says(&asker, "\"code\":-9130");
    chain[0] ^= 1;

    become(10); /* two ask at once, over two nodes: the other's was first */
    ask_open(&asker);
    const struct command_header header = asker_next_command();
    struct account_created_event created = {.account = 3};
    memcpy(created.public_key, key, sizeof(key));
    event_write_account_created(&desk_events, &created);
    desk_apply();
    event_write_refused(&desk_events, &(struct refused_event){REJECT_ALREADY_EXISTS});
    asker_return(&header);
    assert_says(&asker, "{\"account\":3,");
    asker_close();
}

/* What the log refuses is told so. */
TEST(opening_data, an_hour_may_be_full)
{
    static struct asker asker;
    open_fixture(5, 0);
    ask_open(&asker);
    const struct command_header header = asker_next_command();
    event_write_refused(&desk_events, &(struct refused_event){REJECT_OPENINGS_MANY});
    asker_return(&header);
    assert_int_equal(asker.question.answer.http_status, 400);
    assert_says(&asker, "\"code\":-9127");
    asker_close();
}

/* Neither a signature by another key, nor for another exchange or another account, nor none; and where operators let
 * nobody, nothing goes to the log. */
TEST(opening_data, nothing_else_is_enough)
{
    static struct asker asker;
    char text[256];
    open_fixture(5, 0);
    secret[0] ^= 1;
    ask_open(&asker);
    assert_says(&asker, "\"code\":-1022");
    become(9);
    chain[9] = chain[9] == '0' ? '1' : '0';
    ask_open(&asker);
    assert_says(&asker, "\"code\":-9130");
    snprintf(text, sizeof(text), "action=account-open&publicKey=%s", hex);
    ask_by(&asker, secret, NULL, METHOD_POST, PATH, text);
    assert_says(&asker, "Mandatory parameter 'chainId'");
    memcpy(chain, own_chain, sizeof(chain));
    snprintf(text, sizeof(text), "action=account-open&chainId=%s", chain);
    ask_by(&asker, secret, NULL, METHOD_POST, PATH, text);
    assert_says(&asker, "Mandatory parameter 'publicKey'");
    snprintf(text, sizeof(text), "action=key-create&publicKey=%s&chainId=%s", hex, chain);
    ask_by(&asker, secret, NULL, METHOD_POST, PATH, text);
    assert_says(&asker, "\"code\":-1130");
    snprintf(text, sizeof(text), "action=account-open&publicKey=%s&chainId=%s&extra=1", hex, chain);
    ask_by(&asker, secret, NULL, METHOD_POST, PATH, text);
    assert_says(&asker, "\"code\":-1104");
    snprintf(text, sizeof(text), "action=account-open&publicKey=%s&chainId=%s&timestamp=%llu", hex,
             chain, (unsigned long long)time_ms);
    asker_ask(&asker, METHOD_POST, PATH, text);
    assert_says(&asker, "Mandatory parameter 'signature'");
    let_open(0, 0);
    ask_open(&asker);
    assert_says(&asker, "\"code\":-9126");
    assert_int_equal(asker_next_command().type, 0);
    asker_close();
}

/* An account that waits asks about itself, and no command of it goes to the log; then an operator approves of it. */
TEST(opening_data, who_waits_only_asks)
{
    static struct asker asker;
    char text[256];
    open_fixture(5, 1);
    ask_open(&asker);
    come_back(&asker, 2, true);
    assert_says(&asker, "\"status\":\"PENDING\"");
    ask_own(&asker);
    assert_says(&asker, "\"status\":\"PENDING\"");
    snprintf(text, sizeof(text), "action=key-create&permissions=READ&chainId=%s", chain);
    ask_by(&asker, secret, hex, METHOD_POST, "/quorex/v1/keys", text);
    assert_int_equal(asker.question.answer.http_status, 403);
    assert_says(&asker, "\"code\":-9128");
    assert_int_equal(asker_next_command().type, 0);

    assert_int_equal(view_waiting_count(desk_view), 1);
    view_make_wait(desk_view, 2); /* as a snapshot says it: it is one, and stays one */
    assert_int_equal(view_waiting_count(desk_view), 1);
    ask_by(&asker, operator_secret, operator_hex, METHOD_GET, WAITING, "fromAccount=0");
    assert_says(&asker, "[{\"account\":2,");
    ask_by(&asker, operator_secret, operator_hex, METHOD_GET, WAITING, "fromAccount=3");
    assert_says(&asker, "[]");
    ask_by(&asker, operator_secret, operator_hex, METHOD_GET, WAITING, "limit=0");
    assert_says(&asker, "\"code\":-1130");
    ask_by(&asker, secret, hex, METHOD_GET, WAITING, "");
    assert_says(&asker, "\"code\":-2015");

    ask_by(&asker, operator_secret, operator_hex, METHOD_POST, "/quorex/v1/admin",
           "action=account-approve&account=2&nonce=1");
    const struct command_header header = asker_next_command();
    assert_int_equal(header.type, T_ACCOUNT_APPROVE);
    event_write_account_pending(&desk_events, &(struct account_pending_event){2, 0});
    asker_return(&header);
    assert_says(&asker, "\"result\":\"account-approved\",\"account\":2");
    assert_int_equal(view_waiting_count(desk_view), 0);
    ask_by(&asker, operator_secret, operator_hex, METHOD_GET, WAITING, "");
    assert_says(&asker, "[]");
    ask_by(&asker, secret, hex, METHOD_POST, "/quorex/v1/keys", text);
    assert_int_equal(asker_next_command().type, T_KEY_CREATE);
    desk_forget(&asker.question);
    asker_close();
}

/* Its weight is such that one address asks six times a minute. */
TEST(opening_data, one_address_asks_seldom)
{
    static struct asker asker;
    asker_limits_on = true;
    open_fixture(5, 0);
    asker_limits_on = false;
    secret[0] ^= 1;
    for (int i = 0; i < 6; i++) {
        ask_open(&asker);
        assert_says(&asker, "\"code\":-1022");
    }
    ask_open(&asker);
    assert_int_equal(asker.question.answer.http_status, 429);
    assert_says(&asker, "\"code\":-1003");
    asker_close();
}
