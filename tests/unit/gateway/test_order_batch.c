#include "gateway/order_batch.h"

#include "gateway/order_tally.h"
#include "gateway/quota.h"
#include "tests/unit/gateway/asker_fixture.h"

#define BATCH    "/quorex/v1/orders"
#define SIGNED   "/quorex/v1/orders/signed"
#define ORDER    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"
#define CANCEL   "symbol=BTCUSDT&orderId=5"
#define NO_ORDER "{\"status\":400,\"error\":{\"code\":-2011,\"msg\":\"Unknown order sent.\"}}"
#define NO_SYMBOL \
    "{\"status\":400,\"error\":{\"code\":-1102,\"msg\":\"Mandatory parameter 'symbol' was not " \
    "sent, was " \
    "empty/null, or malformed.\"}}"

static struct asker ann;

/* Account 1's signature over the query and the lines. */
static void sign_text(const char *query, const char *body, char hex[65])
{
    uint8_t key_id[32], mac[32];
    char secret[65];
    memset(key_id, 0xaa, sizeof(key_id));
    auth_secret_of(asker_secret, key_id, secret);
    const struct auth_payload payload = auth_payload_of(query, strlen(query), body, strlen(body));
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
}

/* The same, put behind the query. */
static void sign(char *query, size_t capacity, const char *body)
{
    char hex[65];
    sign_text(query, body, hex);
    const size_t used = strlen(query);
    snprintf(query + used, capacity - used, "%ssignature=%s", used == 0 ? "" : "&", hex);
}

/* The lines behind the time and `more`, signed. */
static void ask_batch_with(struct asker *asker, const char *more, const char *body)
{
    char query[512];
    snprintf(query, sizeof(query), "timestamp=%llu%s",
             (unsigned long long)(desk_stamp / DESK_MS_NS), more);
    sign(query, sizeof(query), body);
    asker_ask_body(asker, METHOD_POST, BATCH, query, body);
}

static void ask_batch(struct asker *asker, const char *body)
{
    ask_batch_with(asker, "", body);
}

static void refuse_command(const struct command_header *header)
{
    event_write_refused(&desk_events, &(struct refused_event){.reject = REJECT_UNKNOWN_ORDER});
    asker_return(header);
}

static void accept_command(const struct command_header *header, uint64_t order_id)
{
    desk_accept(0, order_id, 1, BUY, 10000, 100000, "mine");
    asker_return(header);
}

/* Each line becomes the command that its parameters ask for, in the order of the lines, and the answers stand in that
 * order whichever comes first. What succeeded weighs nothing, what did not what its own route weighs. */
TEST(order_batch, each_line_is_a_command_of_its_own)
{
    static const uint16_t types[] = {T_ORDER_PLACE, T_ORDER_CANCEL, T_ORDER_REPLACE, T_ORDER_AMEND};
    struct command_header headers[4];
    asker_open();
    ask_batch(&ann,
              ORDER "\n" CANCEL "\n" ORDER "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=5\n"
                    "symbol=BTCUSDT&newQty=1&orderId=5\n");
    for (int i = 0; i < 4; i++) {
        headers[i] = asker_next_command();
        assert_int_equal(headers[i].type, types[i]);
        assert_int_equal(headers[i].auth_kind, AUTH_HMAC);
        assert_int_equal(headers[i].deadline_ns, (desk_stamp / DESK_MS_NS + 5000) * DESK_MS_NS);
    }
    assert_int_equal(asker_next_command().type, 0);
    for (int i = 3; i > 0; i--)
        refuse_command(&headers[i]);
    assert_int_equal(ann.answer_count, 0);
    accept_command(&headers[0], 77);
    assert_int_equal(ann.answer_count, 1);
    assert_int_equal(ann.question.answer.http_status, 200);
    assert_memory_equal(ann.text,
                        "[{\"status\":200,\"result\":{\"symbol\":\"BTCUSDT\",\"orderId\":77,", 56);
    assert_non_null(strstr(ann.text, "}}," NO_ORDER "," NO_ORDER "," NO_ORDER "]"));
    assert_true(ann.question.answer.counts_orders);
    assert_int_equal(ann.question.answer.orders_day, 1);
    assert_int_equal(ann.question.answer.used_weight, 1 + 1 + 4);
    desk_forget(&ann.question);
    asker_close();
}

/* What is wrong with a line is that line's; when no line is good the answer is there at once. */
TEST(order_batch, refused_line_leaves_the_others)
{
    asker_open();
    ask_batch(&ann, "side=BUY\n" ORDER "\n\n" ORDER "&price=2\n");
    const struct command_header header = asker_next_command();
    assert_int_equal(header.type, T_ORDER_PLACE);
    assert_int_equal(asker_next_command().type, 0);
    assert_int_equal(ann.answer_count, 0);
    accept_command(&header, 78);
    assert_ptr_equal(strstr(ann.text, "[" NO_SYMBOL ",{\"status\":200,"), ann.text);
    assert_non_null(
        strstr(ann.text, "}}," NO_SYMBOL ",{\"status\":400,\"error\":{\"code\":-1101,"));
    desk_forget(&ann.question);

    ask_batch(&ann, "side=BUY\nside=SELL\n");
    assert_int_equal(ann.answer_count, 1);
    assert_string_equal(ann.text, "[" NO_SYMBOL "," NO_SYMBOL "]");
    assert_false(ann.question.answer.counts_orders);
    desk_forget(&ann.question);
    asker_close();
}

static const char *lines(uint32_t count)
{
    static char body[16384];
    size_t used = 0;
    body[0] = 0;
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(body + used, sizeof(body) - used, "%s", CANCEL "\n");
    return body;
}

TEST(order_batch, bounds_are_one_and_a_hundred_lines)
{
    static const char refusal[] =
        "{\"code\":-1130,\"msg\":\"Data sent for parameter 'body' is not valid.\"}";
    assert_int_equal(order_batch_count(NULL, 0), 0);
    assert_int_equal(order_batch_count("a\nb", 3), 2);
    assert_int_equal(order_batch_count("a\nb\n", 4), 2);
    assert_int_equal(order_batch_count("\n\n", 2), 2);
    asker_open();
    ask_batch(&ann, "");
    assert_string_equal(ann.text, refusal);
    desk_forget(&ann.question);
    ask_batch(&ann, lines(ORDER_BATCH_ITEMS_MAX + 1));
    assert_string_equal(ann.text, refusal);
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    ask_batch(&ann, lines(ORDER_BATCH_ITEMS_MAX));
    assert_int_equal(ann.answer_count, 0);
    for (uint32_t i = 0; i < ORDER_BATCH_ITEMS_MAX; i++) {
        const struct command_header header = asker_next_command();
        refuse_command(&header);
    }
    assert_int_equal(ann.answer_count, 1);
    desk_forget(&ann.question);
    asker_close();
}

/* An Ed25519 key of account 1's, named by ASKER_KEY's letters but for thirty-two 0xed bytes. */
static uint8_t signing_key[64];
static char signing_name[65];

static void add_signing_key(void)
{
    struct key_added_event key = {.account = 1, .permissions = KEY_READ | KEY_TRADE};
    memset(key.key_id, 0xed, sizeof(key.key_id));
    hash_hex(key.key_id, sizeof(key.key_id), signing_name);
    crypto_sign_keypair(key.public_key, signing_key);
    event_write_key_added(&desk_events, &key);
    desk_apply();
}

/* `text` with its time and the key's signature; behind what `body` has. */
static void add_signed(char *body, size_t capacity, const char *text)
{
    uint8_t signature[SIGNATURE_BYTES];
    char hex[256], *at = body + strlen(body);
    snprintf(at, capacity - strlen(body), "%s&timestamp=%llu", text,
             (unsigned long long)(desk_stamp / DESK_MS_NS));
    hash_sign(signing_key, (const uint8_t *)at, strlen(at), signature);
    sodium_bin2base64(hex, sizeof(hex), signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(at + strlen(at), capacity - strlen(body), "&signature=%s\n", hex);
}

static void ask_signed(struct asker *asker, const char *body)
{
    asker_begin(asker, METHOD_POST, SIGNED, "");
    snprintf(asker->body, sizeof(asker->body), "%s", body);
    asker->question.headers[DESK_API_KEY] = (struct auth_piece){signing_name, 64};
    asker->question.request.body = asker->body;
    asker->question.request.body_bytes = strlen(asker->body);
    desk_take(&asker->question);
}

/* Every node checks an Ed25519 key's orders by their own text: so each line brings its own, and its command carries that and
 * no other. A line that was changed after it was signed is refused alone. */
TEST(order_batch, lines_that_are_signed_prove_themselves)
{
    char body[2048] = "";
    asker_open();
    add_signing_key();
    add_signed(body, sizeof(body), ORDER);
    add_signed(body, sizeof(body), CANCEL);
    add_signed(body, sizeof(body), ORDER "&newClientOrderId=a");
    body[strlen(body) - 1] = 0;
    *strstr(body, "orderId=5") = 'O';
    ask_signed(&ann, body);
    struct command_header headers[2];
    for (int i = 0; i < 2; i++) {
        headers[i] = asker_next_command();
        assert_int_equal(headers[i].type, T_ORDER_PLACE);
        assert_int_equal(headers[i].auth_kind, AUTH_ED25519);
        assert_int_equal(headers[i].auth_length, 32 + SIGNATURE_BYTES +
                                                     strlen(ORDER "&timestamp=1700000040000") +
                                                     (i == 1 ? strlen("&newClientOrderId=a") : 0));
    }
    assert_int_equal(asker_next_command().type, 0);
    accept_command(&headers[0], 80);
    accept_command(&headers[1], 81);
    assert_non_null(strstr(ann.text, "\"orderId\":80,"));
    assert_non_null(strstr(ann.text,
                           "}},{\"status\":400,\"error\":{\"code\":-1022,\"msg\":\"Signature for "
                           "this request is not valid.\"}},{\"status\":200,"));
    desk_forget(&ann.question);
    asker_close();
}

/* One signature over all lines is none over any of them: no other node could check the orders by it. */
TEST(order_batch, ed25519_signs_each_line)
{
    char query[512] = "";
    uint8_t signature[SIGNATURE_BYTES];
    char signed_text[1024], text[128];
    asker_open();
    add_signing_key();
    snprintf(query, sizeof(query), "timestamp=%llu", (unsigned long long)(desk_stamp / DESK_MS_NS));
    snprintf(signed_text, sizeof(signed_text), "%s" CANCEL "\n" CANCEL "\n", query);
    hash_sign(signing_key, (const uint8_t *)signed_text, strlen(signed_text), signature);
    sodium_bin2base64(text, sizeof(text), signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(query + strlen(query), sizeof(query) - strlen(query), "&signature=%s", text);
    asker_begin(&ann, METHOD_POST, BATCH, query);
    ann.question.headers[DESK_API_KEY] = (struct auth_piece){signing_name, 64};
    ann.question.request.body = CANCEL "\n" CANCEL "\n";
    ann.question.request.body_bytes = strlen(ann.question.request.body);
    desk_take(&ann.question);
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_non_null(strstr(ann.text, "-1022"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    /* And lines without a signature are signed by nobody. */
    ask_signed(&ann, CANCEL "\n");
    assert_non_null(strstr(ann.text, "[{\"status\":400,\"error\":{\"code\":-1102,"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* The signature covers every byte of every line. */
TEST(order_batch, lines_cannot_be_changed_behind_the_signature)
{
    char query[1024];
    asker_open();
    ask_batch(&ann, ORDER "\n" CANCEL "\n");
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(asker_next_command().type, 0);
    memcpy(query, ann.query, sizeof(query));
    desk_forget(&ann.question);
    asker_ask_body(&ann, METHOD_POST, BATCH, query, ORDER "\n" CANCEL "0\n");
    assert_non_null(strstr(ann.text, "-1022"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* Lines signed together do not pass for the one request that their first parameters are: the path is not signed. */
TEST(order_batch, lines_are_no_form)
{
    char query[1024];
    asker_open();
    static const char body[] = "symbol=BTCUSDT&apiKey=1\nsymbol=BTCUSDT&orderId=5&nonce=1\n";
    ask_batch(&ann, body);
    assert_int_equal(asker_next_command().type, T_ORDER_CANCEL);
    memcpy(query, ann.query, sizeof(query));
    desk_forget(&ann.question);
    asker_ask_body(&ann, METHOD_DELETE, "/api/v3/order", query, body);
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_non_null(strstr(ann.text, "-1100"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* The reverse: one request that was signed does not pass for lines, wherever its text is cut in two; what stands before the
 * lines would be dropped. Its signature is right all the time. */
TEST(order_batch, form_is_no_lines)
{
    char text[512], query[1024];
    asker_open();
    snprintf(text, sizeof(text),
             "timestamp=%llu&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=5&" ORDER,
             (unsigned long long)(desk_stamp / DESK_MS_NS));
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        snprintf(query, sizeof(query), "%.*s", (int)cut, text);
        sign(query, sizeof(query), text + cut);
        asker_ask_body(&ann, METHOD_POST, BATCH, query, text + cut);
        assert_int_equal(ann.answer_count, 1);
        assert_int_equal(ann.question.answer.http_status, 400);
        assert_null(strstr(ann.text, "-1022"));
        assert_int_equal(asker_next_command().type, 0);
        desk_forget(&ann.question);
    }
    asker_close();
}

/* Each of the rules by itself, where no other would refuse. */
TEST(order_batch, query_signs_and_lines_end)
{
    static const struct {
        const char *more, *body, *refusal;
    } cases[] = {
        {"&symbol=BTCUSDT", ORDER "\n", "{\"code\":-1106,"},
        {"&recvWindow=5000&other=1", ORDER "\n", "{\"code\":-1106,"},
        {"&", ORDER "\n", "{\"code\":-1100,"},
        {"&&recvWindow=5000", ORDER "\n", "{\"code\":-1100,"},
        {"", ORDER, "{\"code\":-1130,"},
        {"", ORDER "\n" ORDER, "{\"code\":-1130,"},
        {"", "&" ORDER "\n", "[{\"status\":400,\"error\":{\"code\":-1100,"},
        {"", ORDER "&\n", "[{\"status\":400,\"error\":{\"code\":-1100,"},
        {"", "symbol=BTCUSDT&&orderId=5\n", "[{\"status\":400,\"error\":{\"code\":-1100,"},
    };
    asker_open();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_batch_with(&ann, cases[i].more, cases[i].body);
        assert_int_equal(ann.answer_count, 1);
        assert_ptr_equal(strstr(ann.text, cases[i].refusal), ann.text);
        assert_int_equal(asker_next_command().type, 0);
        desk_forget(&ann.question);
    }
    ask_batch_with(&ann, "&recvWindow=5000", ORDER "\n");
    assert_int_equal(asker_next_command().type, T_ORDER_PLACE);
    desk_forget(&ann.question);
    asker_close();
}

/* A signature that stands in a line is cut out of it: what was signed are no lines then. */
TEST(order_batch, signature_stands_in_the_query)
{
    char query[64], body[512], hex[65];
    asker_open();
    snprintf(query, sizeof(query), "timestamp=%llu", (unsigned long long)(desk_stamp / DESK_MS_NS));
    snprintf(body, sizeof(body), ORDER "&signature=%064d&other=1\n", 0);
    sign_text(query, body, hex);
    memcpy(strstr(body, "&signature=") + strlen("&signature="), hex, 64);
    asker_ask_body(&ann, METHOD_POST, BATCH, query, body);
    assert_int_equal(ann.answer_count, 1);
    assert_ptr_equal(strstr(ann.text, "{\"code\":-1022,"), ann.text);
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* A newline in a query is none of a form's either. */
TEST(order_batch, newline_in_a_query_is_refused)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_DELETE, "/api/v3/order", CANCEL "&other=1\n");
    assert_int_equal(ann.answer_count, 1);
    assert_non_null(strstr(ann.text, "{\"code\":-1100,"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* All that have gone to the log: nobody waits for them any more. */
static void refuse_commands(void)
{
    for (;;) {
        const struct command_header header = asker_next_command();
        if (header.type == 0) return;
        refuse_command(&header);
    }
}

/* Orders of one batch count before the log has them: the hundredth of ten seconds is the last. */
TEST(order_batch, orders_count_one_by_one)
{
    asker_open_limited();
    for (uint64_t id = 1; id <= ORDER_TALLY_TEN_SECONDS_MAX - 2; id++)
        desk_accept(0, id, 1, BUY, 10000, 1, "a");
    desk_apply();
    ask_batch(&ann, ORDER "\n" CANCEL "\n" ORDER "\n" ORDER "\n" CANCEL "\n");
    struct command_header headers[4];
    for (int i = 0; i < 4; i++)
        headers[i] = asker_next_command();
    assert_int_equal(headers[3].type, T_ORDER_CANCEL);
    assert_int_equal(asker_next_command().type, 0);
    accept_command(&headers[0], 1001);
    refuse_command(&headers[1]);
    accept_command(&headers[2], 1002);
    refuse_command(&headers[3]);
    assert_non_null(strstr(ann.text, "{\"status\":429,\"error\":{\"code\":-1015,"));
    assert_int_equal(ann.question.answer.orders_ten_seconds, ORDER_TALLY_TEN_SECONDS_MAX);
    desk_forget(&ann.question);
    asker_close();
}

#define ONCE "&idempotent=true&newClientOrderId="

/* The order of that command was placed before, as 5. */
static void repeat_command(const struct command_header *header, const char *client_id)
{
    struct order_repeated_event repeated = {.command = 1,
                                            .stamp_ns = desk_stamp,
                                            .order_id = 5,
                                            .price = {10000},
                                            .qty = {100000},
                                            .account = 1,
                                            .side = BUY,
                                            .type = LIMIT,
                                            .time_in_force = GTC,
                                            .status = ORDER_NEW};
    memcpy(repeated.client_id, client_id, strlen(client_id));
    event_write_order_repeated(&desk_events, &repeated);
    asker_return(header);
}

/* A client that got no answer sends all again: what was placed is told as it was, though no order may be placed any more;
 * by another name, in another market, or without the wish, it would be a new one. */
TEST(order_batch, lines_asked_for_again_need_no_room)
{
    static const char *const refused = ",{\"status\":429,\"error\":{\"code\":-1015,";
    struct command_header headers[2];
    asker_open_limited();
    desk_accept(0, 1, 1, BUY, 10000, 1, "open");
    desk_accept(0, 2, 1, BUY, 10000, 1, "done");
    for (uint64_t id = 3; id <= ORDER_TALLY_TEN_SECONDS_MAX; id++)
        desk_accept(0, id, 1, BUY, 10000, 1, "a");
    desk_done(0, 2, 1, BUY, 10000, 1, 0, 0, ORDER_CANCELED, "done");
    desk_apply();
    ask_batch(&ann,
              ORDER ONCE "open\n" ORDER ONCE "done\n" ORDER ONCE "other\n" ORDER
                         "&newClientOrderId=done\n" ORDER "&strategyId=7&newClientOrderId=open\n"
                         "symbol=ETHBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1"
                         "&price=0.1" ONCE "done\n");
    for (int i = 0; i < 2; i++) {
        headers[i] = asker_next_command();
        assert_int_equal(headers[i].type, T_ORDER_SUBMIT);
    }
    assert_int_equal(asker_next_command().type, 0);
    repeat_command(&headers[0], "open");
    repeat_command(&headers[1], "done");
    assert_int_equal(ann.answer_count, 1);
    assert_non_null(strstr(ann.text, "\"clientOrderId\":\"open\""));
    const char *at = strstr(ann.text, "\"clientOrderId\":\"done\"");
    for (int i = 0; i < 4; i++) {
        assert_non_null(at);
        at = strstr(at + 1, refused);
    }
    assert_non_null(at);
    assert_null(strstr(at + 1, refused));
    desk_forget(&ann.question);
    asker_close();
}

/* What is told is what counts when the last of them is answered, whichever window the first ones were in. */
TEST(order_batch, counts_are_those_of_the_last_answer)
{
    struct command_header headers[3];
    asker_open();
    ask_batch(&ann, ORDER "\n" ORDER "\n" ORDER "\n");
    for (int i = 0; i < 3; i++)
        headers[i] = asker_next_command();
    accept_command(&headers[2], 1001);
    accept_command(&headers[1], 1002);
    desk_stamp += order_tally_length_ns(TALLY_TEN_SECONDS);
    accept_command(&headers[0], 1003);
    assert_int_equal(ann.answer_count, 1);
    assert_int_equal(ann.question.answer.orders_ten_seconds, 1);
    assert_int_equal(ann.question.answer.orders_day, 3);
    desk_forget(&ann.question);
    asker_close();
}

/* All lines weigh before one is asked: a batch that is too heavy is refused whole, once. */
TEST(order_batch, lines_weigh_before_they_are_asked)
{
    asker_open_limited();
    ask_batch(&ann, lines(100));
    desk_forget(&ann.question);
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(ann.question.answer.used_weight, 101);
    desk_forget(&ann.question);
    refuse_commands();
    for (int round = 0; round < 58; round++) {
        ask_batch(&ann, lines(100));
        assert_int_equal(ann.answer_count, 0);
        desk_forget(&ann.question);
        refuse_commands();
    }
    ask_batch(&ann, lines(100));
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_non_null(strstr(ann.text, "{\"code\":-1003,"));
    assert_int_equal(asker_next_command().type, 0);
    desk_forget(&ann.question);
    asker_close();
}

/* Who leaves waits for none of them any more; those on their way harm nobody. */
TEST(order_batch, asker_may_leave_meanwhile)
{
    asker_open();
    ask_batch(&ann, ORDER "\n" ORDER "\n");
    const struct command_header first = asker_next_command(), second = asker_next_command();
    accept_command(&first, 90);
    assert_true(desk_waits(asker_desk));
    desk_forget(&ann.question);
    assert_false(desk_waits(asker_desk));
    memset(&ann, 0xff, sizeof(ann));
    accept_command(&second, 91);
    asker_close();
}

/* A node that stops knows of each what it knows. */
TEST(order_batch, lines_that_wait_too_long_have_an_unknown_outcome)
{
    asker_open();
    ask_batch(&ann, ORDER "\n" ORDER "\n");
    const struct command_header first = asker_next_command();
    accept_command(&first, 92);
    desk_abandon(asker_desk);
    assert_int_equal(ann.answer_count, 1);
    assert_non_null(strstr(ann.text, "\"orderId\":92,"));
    assert_non_null(strstr(ann.text, ",{\"status\":504,\"error\":{\"code\":-1007,"));
    desk_forget(&ann.question);
    asker_close();
}
