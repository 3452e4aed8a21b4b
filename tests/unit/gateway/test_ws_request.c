#include "gateway/ws_request.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

static struct ws_request request;
static struct refusal refusal;

static bool reads(const char *text)
{
    return ws_request_read(&request, text, strlen(text), &refusal);
}

static void assert_texts(const char *signed_text, const char *form)
{
    char bytes[1024];
    assert_true(ws_request_text_bytes(&request) <= sizeof(bytes));
    size_t byte_count = ws_request_put_signed(&request, bytes);
    bytes[byte_count] = 0;
    assert_string_equal(bytes, signed_text);
    byte_count = ws_request_put_form(&request, bytes);
    bytes[byte_count] = 0;
    assert_string_equal(bytes, form);
}

static void assert_id(const char *id)
{
    assert_int_equal(request.id.byte_count, strlen(id));
    assert_memory_equal(request.id.bytes, id, strlen(id));
}

/* The vector that Binance's own documents give, in whatever order it is sent. */
TEST(ws_request, signed_text_is_sorted_by_name)
{
    assert_true(reads(
        "{\"id\":\"4885f793-e5ad-4c3b-8f6c-55d891472b71\",\"method\":\"order.place\",\"params\":{"
        "\"symbol\":\"BTCUSDT\",\"side\":\"SELL\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\","
        "\"quantity\":\"0.01000000\",\"price\":\"52000.00\",\"recvWindow\":100,"
        "\"timestamp\":1645423376532,\"signature\":\"aa\","
        "\"apiKey\":\"vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A\"}}"));
    static const char text[] =
        "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&"
        "quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&"
        "timestamp=1645423376532&type=LIMIT";
    assert_texts(text, text);
    static const char secret[] = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const struct auth_payload payload = {.pieces = {{text, sizeof(text) - 1}}};
    uint8_t mac[32];
    char hex[65];
    assert_true(auth_hmac(secret, strlen(secret), &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    assert_string_equal(hex, "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24");
}

/* Signed are the values themselves; the form has them percent-encoded. Numbers keep every digit. */
TEST(ws_request, values_are_signed_raw_and_told_encoded)
{
    assert_true(reads("{\"id\":1,\"method\":\"m\",\"params\":{\"b\":0.10,\"a\":\"x+y \\u00e4%\","
                      "\"s\":[\"BTCUSDT\"],\"t\":true}}"));
    assert_texts("a=x+y \xc3\xa4%&b=0.10&s=[\"BTCUSDT\"]&t=true",
                 "a=x%2By%20%C3%A4%25&b=0.10&s=%5B%22BTCUSDT%22%5D&t=true");
}

/* An id is told as it was sent: the same type, the same digits; also when the rest is refused. */
TEST(ws_request, id_is_echoed_as_it_was_sent)
{
    assert_true(reads("{\"id\":12345678901234567890,\"method\":\"ping\"}"));
    assert_id("12345678901234567890");
    assert_true(reads("{\"method\":\"ping\",\"id\":\"a\\\"b\",\"params\":null}"));
    assert_id("\"a\\\"b\"");
    assert_true(reads("{\"id\":null,\"method\":\"ping\",\"params\":{}}"));
    assert_id("null");
    assert_true(reads("{\"method\":\"ping\"}"));
    assert_id("null");
    assert_false(reads("{\"id\":7,\"method\":5}"));
    assert_id("7");
    assert_false(reads("{\"id\":1.5,\"method\":\"ping\"}"));
    assert_id("null");
    assert_false(reads("{\"id\":{},\"method\":\"ping\"}"));
    assert_int_equal(refusal.reject, REJECT_JSON_FIELD);
}

TEST(ws_request, what_is_no_request_is_refused_by_name)
{
    assert_false(reads("{\"id\":1,\"method\":\"ping\""));
    assert_int_equal(refusal.reject, REJECT_JSON);
    assert_false(reads("[]"));
    assert_int_equal(refusal.reject, REJECT_JSON);
    assert_false(reads("{\"id\":1}"));
    assert_string_equal(refusal.first, "method");
    assert_false(reads("{\"id\":1,\"method\":\"ping\",\"params\":[]}"));
    assert_string_equal(refusal.first, "params");
    assert_string_equal(refusal.second, "an object");
}

/* Otherwise the text of one request could be read as another's. */
TEST(ws_request, signed_text_reads_one_way_only)
{
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":\"1&b=2\"}}"));
    assert_int_equal(refusal.reject, REJECT_ILLEGAL_CHARACTERS);
    assert_string_equal(refusal.first, "a");
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":\"1\\u0026b=2\"}}"));
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":\"1\\u0000\"}}"));
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":[\"&\"]}}"));
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a=1&b\":2}}"));
    assert_false(reads("{\"method\":\"m\",\"params\":{\"\":2}}"));
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":1,\"a\":2}}"));
    assert_true(reads("{\"method\":\"m\",\"params\":{\"a\":\"1\\\\u0026\",\"ab\":1,\"A\":\"=\"}}"));
    assert_texts("A==&a=1\\u0026&ab=1", "A=%3D&a=1%5Cu0026&ab=1");
}

TEST(ws_request, limits_are_shown_or_not_as_wished)
{
    assert_true(reads("{\"method\":\"m\"}"));
    assert_false(request.has_limits_wish);
    assert_true(reads("{\"method\":\"m\",\"params\":{\"returnRateLimits\":false}}"));
    assert_true(request.has_limits_wish && !request.wants_limits);
    assert_true(reads("{\"method\":\"m\",\"params\":{\"returnRateLimits\":true}}"));
    assert_true(request.has_limits_wish && request.wants_limits);
    assert_false(reads("{\"method\":\"m\",\"params\":{\"returnRateLimits\":\"no\"}}"));
    assert_int_equal(refusal.reject, REJECT_DATA);
}

/* 48 parameters, and not one more. */
TEST(ws_request, parameters_have_a_bound)
{
    char text[2048];
    for (int count = WS_REQUEST_PARAMETERS_MAX; count <= WS_REQUEST_PARAMETERS_MAX + 1; count++) {
        int used = snprintf(text, sizeof(text), "{\"method\":\"m\",\"params\":{");
        for (int index = 0; index < count; index++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%s\"p%d\":%d",
                             index > 0 ? "," : "", index, index);
        snprintf(text + used, sizeof(text) - (size_t)used, "}}");
        assert_int_equal(reads(text), count == WS_REQUEST_PARAMETERS_MAX);
    }
}

/* null is neither sent nor not sent: no parameter may be it, whatever stands beside it; params itself and the id may. */
TEST(ws_request, null_is_no_value)
{
    char shown[REFUSAL_TEXT_MAX];
    assert_false(reads("{\"id\":1,\"method\":\"order.place\",\"params\":{\"price\":null}}"));
    refusal_text(&refusal, shown);
    assert_string_equal(shown, "Parameter 'price' was empty.");
    assert_int_equal(reject_code(refusal.reject), -1105);
    assert_false(reads("{\"method\":\"m\",\"params\":{\"a\":\"1\",\"returnRateLimits\":null}}"));
    assert_true(reads("{\"id\":null,\"method\":\"ping\",\"params\":null}"));
    assert_true(reads("{\"method\":\"m\",\"params\":{\"a\":\"null\",\"b\":[null]}}"));
}
