#include "common/reject.h"

#include "tests/harness.h"

static const char *text_of(enum reject reject, const char *first, const char *second)
{
    static char text[REFUSAL_TEXT_MAX];
    const struct refusal refusal = refusal_of(reject, first, second);
    const size_t length = refusal_text(&refusal, text);
    assert_int_equal(length, strlen(text));
    return text;
}

TEST(reject, a_refusal_has_code_status_name_and_text)
{
    assert_int_equal(reject_code(REJECT_INSUFFICIENT_BALANCE), -2010);
    assert_int_equal(reject_http_status(REJECT_INSUFFICIENT_BALANCE), 400);
    assert_string_equal(reject_name(REJECT_INSUFFICIENT_BALANCE), "INSUFFICIENT_BALANCE");
    assert_string_equal(text_of(REJECT_INSUFFICIENT_BALANCE, NULL, NULL),
                        "Account has insufficient balance for requested action.");
    assert_int_equal(reject_http_status(REJECT_TOO_MUCH_WEIGHT), 429);
}

TEST(reject, details_fill_their_places_in_order)
{
    assert_string_equal(text_of(REJECT_MANDATORY_EITHER, "a", "b"),
                        "Param 'a' or 'b' must be sent, but both were empty/null!");
    assert_string_equal(text_of(REJECT_EMPTY, "price", NULL), "Parameter 'price' was empty.");
    assert_string_equal(text_of(REJECT_EMPTY, NULL, NULL), "Parameter '' was empty.");
}

/* A detail is data: a %s in it stays text. */
TEST(reject, details_are_not_formats)
{
    assert_string_equal(text_of(REJECT_MANDATORY_EITHER, "%s", "%n"),
                        "Param '%s' or '%n' must be sent, but both were empty/null!");
}

TEST(reject, long_details_are_cut)
{
    char longest[64];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const struct refusal refusal = refusal_of(REJECT_EMPTY, longest, longest);
    assert_int_equal(strlen(refusal.first), sizeof(refusal.first) - 1);
    assert_int_equal(strlen(refusal.second), sizeof(refusal.second) - 1);
}

/* Every row: refusals have a code, a text and a status of an error; the longest text fits. */
TEST(reject, every_row_can_be_shown)
{
    char detail[40];
    memset(detail, 'x', sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = '\0';
#define REJECT(NAME, number, code, http, text) \
    if (REJECT_##NAME != REJECT_NONE) { \
        assert_true(reject_code(REJECT_##NAME) <= -1000); \
        assert_true(reject_http_status(REJECT_##NAME) >= 400); \
        assert_true(reject_http_status(REJECT_##NAME) < 600); \
        assert_true(strlen(text_of(REJECT_##NAME, detail, detail)) < REFUSAL_TEXT_MAX - 1); \
    }
#include "common/reject.def"
#undef REJECT
}

/* Numbers are on the wire: these must never move. */
TEST(reject, numbers_stay)
{
    assert_int_equal(REJECT_STALE_SEQUENCE, 1);
    assert_int_equal(REJECT_INSUFFICIENT_BALANCE, 8);
    assert_int_equal(REJECT_UNKNOWN_ORDER, 16);
    assert_int_equal(REJECT_SELF_TRADE_MODE, 23);
    assert_int_equal(REJECT_NONCE_USED, 40);
    assert_int_equal(REJECT_KEYS_FULL, 50);
}

TEST(reject, an_unknown_number_is_still_an_answer)
{
    assert_int_equal(reject_code((enum reject)9999), -1000);
    assert_string_equal(reject_name((enum reject)9999), "UNKNOWN");
}
