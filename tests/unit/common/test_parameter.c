#include "common/parameter.h"

#include "tests/harness.h"

static struct form form;
static struct refusal refusal;

static const struct form_field *sent(const char *value)
{
    static char query[256];
    snprintf(query, sizeof(query), "quantity=%s", value);
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    return form_find(&form, "quantity");
}

static const char *text(void)
{
    static char text[REFUSAL_TEXT_MAX];
    refusal_text(&refusal, text);
    return text;
}

TEST(parameter, missing_and_empty_are_refused_apart)
{
    const struct form_field *field;
    sent("");
    assert_false(parameter_mandatory(&form, "quantity", &field, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1105);
    assert_string_equal(text(), "Parameter 'quantity' was empty.");
    assert_false(parameter_optional(&form, "quantity", &field, &refusal));
    assert_int_equal(refusal.reject, REJECT_EMPTY);

    assert_false(parameter_mandatory(&form, "price", &field, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1102);
    assert_string_equal(text(),
                        "Mandatory parameter 'price' was not sent, was empty/null, or malformed.");
    assert_true(parameter_optional(&form, "price", &field, &refusal));
    assert_null(field);
    sent("1");
    assert_true(parameter_mandatory(&form, "quantity", &field, &refusal));
    assert_string_equal(field->value, "1");
}

/* The API's own range, character by character: what clients send by mistake most often. */
TEST(parameter, numbers_are_digits_with_at_most_one_point)
{
    static const char *const legal[] = {
        "0", "1", "1.5", "00.10", "12345678901234567890", "1.12345678901234567890",
    };
    static const char *const illegal[] = {
        "1e3",
        "+1",
        "-1",
        "NaN",
        "Infinity",
        "1.",
        ".5",
        "1,5",
        "1.2.3",
        "0x10",
        "1%20",
        "%201",
        "1_0",
        "123456789012345678901",
        "1.123456789012345678901",
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
        assert_true(parameter_number(sent(legal[i]), &refusal));
    for (size_t i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++) {
        refusal.reject = REJECT_NONE;
        assert_false(parameter_number(sent(illegal[i]), &refusal));
        assert_int_equal(reject_code(refusal.reject), -1100);
        assert_string_equal(text(), "Illegal characters found in parameter 'quantity'; legal range "
                                    "is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.");
    }
}

TEST(parameter, units_are_exact_or_refused)
{
    int64_t units = -1;
    assert_true(parameter_units(sent("1.00000001"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_int_equal(units, 100000001);
    assert_true(parameter_units(sent("1.0000000100"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_int_equal(units, 100000001);
    assert_true(
        parameter_units(sent("92233720368.54775807"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_true(units == INT64_MAX);

    assert_false(parameter_units(sent("1.000000001"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1111);
    assert_string_equal(text(), "Parameter 'quantity' has too much precision.");
    assert_false(
        parameter_units(sent("92233720368.54775808"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_string_equal(text(), "Filter failure: LOT_SIZE");
    assert_false(parameter_units(sent("1e3"), 8, REJECT_LOT_SIZE, &units, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1100);
}

/* The API speaks 8 decimals whatever the asset has, so fewer are a filter's matter. */
TEST(parameter, an_asset_with_fewer_decimals_fails_the_filter)
{
    int64_t units;
    assert_true(parameter_units(sent("1.12"), 2, REJECT_PRICE_FILTER, &units, &refusal));
    assert_int_equal(units, 112);
    assert_false(parameter_units(sent("1.123"), 2, REJECT_PRICE_FILTER, &units, &refusal));
    assert_int_equal(refusal.reject, REJECT_PRICE_FILTER);
    assert_false(parameter_units(sent("1.123456789"), 2, REJECT_PRICE_FILTER, &units, &refusal));
    assert_int_equal(refusal.reject, REJECT_PRECISION);
}

TEST(parameter, whole_numbers_saturate_instead_of_wrapping)
{
    uint64_t number;
    assert_true(parameter_u64(sent("18446744073709551615"), &number, &refusal));
    assert_true(number == UINT64_MAX);
    assert_true(parameter_u64(sent("18446744073709551616"), &number, &refusal));
    assert_true(number == UINT64_MAX);
    assert_true(parameter_u64(sent("18446744073709551614"), &number, &refusal));
    assert_true(number == UINT64_MAX - 1);
    assert_false(parameter_u64(sent("123456789012345678901"), &number, &refusal));
    assert_false(parameter_u64(sent("-1"), &number, &refusal));
    assert_false(parameter_u64(sent("1.0"), &number, &refusal));
    assert_string_equal(text(), "Illegal characters found in parameter 'quantity'; legal range is "
                                "'^[0-9]{1,20}$'.");
}

TEST(parameter, client_ids_are_1_to_36_plain_characters)
{
    uint8_t id[CLIENT_ID_BYTES];
    static const uint8_t none[CLIENT_ID_BYTES];

    sent("x-Ab9_.:/");
    assert_true(parameter_client_id(&form, "quantity", id, &refusal));
    assert_memory_equal(id, "x-Ab9_.:/\0\0", 11);
    assert_true(parameter_client_id(&form, "absent", id, &refusal));
    assert_memory_equal(id, none, sizeof(id));

    sent("123456789012345678901234567890123456");
    assert_true(parameter_client_id(&form, "quantity", id, &refusal));
    assert_memory_equal(id, "123456789012345678901234567890123456", 36);
    sent("1234567890123456789012345678901234567");
    assert_false(parameter_client_id(&form, "quantity", id, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1100);
    sent("a%20b");
    assert_false(parameter_client_id(&form, "quantity", id, &refusal));
    sent("%C3%A9");
    assert_false(parameter_client_id(&form, "quantity", id, &refusal));
    sent("");
    assert_false(parameter_client_id(&form, "quantity", id, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1105);
}

/* Each byte that a client can send, and nothing but what the range names. */
TEST(parameter, client_ids_have_the_letters_of_their_range)
{
    static const char legal[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/";
    for (int letter = 1; letter < 256; letter++) {
        uint8_t client_id[CLIENT_ID_BYTES];
        char sent_as[8];
        snprintf(sent_as, sizeof(sent_as), "x%%%02x", (unsigned)letter);
        sent(sent_as);
        assert_int_equal(parameter_client_id(&form, "quantity", client_id, &refusal),
                         strchr(legal, letter) != NULL);
    }
}

TEST(parameter, words_are_matched_exactly)
{
    static const struct parameter_word words[] = {{"BUY", 4}, {"SELL", 5}};
    uint8_t value = 0;
    assert_true(parameter_word(sent("SELL"), words, 2, REJECT_SIDE, &value, &refusal));
    assert_int_equal(value, 5);
    assert_false(parameter_word(sent("sell"), words, 2, REJECT_SIDE, &value, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1117);
    assert_false(parameter_word(sent("SELLS"), words, 2, REJECT_SIDE, &value, &refusal));
}

TEST(parameter, keys_are_64_hex_digits)
{
    uint8_t key[32];
    assert_true(parameter_hex32(
        sent("00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"), key, &refusal));
    assert_int_equal(key[1], 0x11);
    assert_int_equal(key[16], 0xff);
    assert_int_equal(key[31], 0x00);
    assert_false(parameter_hex32(
        sent("00112233445566778899aabbccddeeffFFEEDDCCBBAA9988776655443322110"), key, &refusal));
    assert_false(parameter_hex32(
        sent("0g112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"), key, &refusal));
    assert_int_equal(reject_code(refusal.reject), -1100);
}

TEST(parameter, words_are_mandatory_or_keep_what_there_was)
{
    static const struct parameter_word words[] = {{"ONE", 1}, {"TWO", 2}};
    uint8_t value = 9;
    sent("TWO");
    assert_true(
        parameter_mandatory_word(&form, "quantity", words, 2, REJECT_DATA, &value, &refusal));
    assert_int_equal(value, 2);
    assert_false(parameter_mandatory_word(&form, "price", words, 2, REJECT_DATA, &value, &refusal));
    assert_int_equal(refusal.reject, REJECT_MANDATORY);
    assert_true(parameter_optional_word(&form, "price", words, 2, REJECT_DATA, &value, &refusal));
    assert_int_equal(value, 2);
    sent("THREE");
    assert_false(
        parameter_optional_word(&form, "quantity", words, 2, REJECT_DATA, &value, &refusal));
    assert_int_equal(refusal.reject, REJECT_DATA);
}

TEST(parameter, what_must_not_be_sent_is_refused_by_name)
{
    sent("1");
    assert_true(parameter_absent(&form, "price", &refusal));
    assert_false(parameter_absent(&form, "quantity", &refusal));
    assert_int_equal(reject_code(refusal.reject), -1106);
    assert_string_equal(text(), "Parameter 'quantity' sent when not required.");
}
