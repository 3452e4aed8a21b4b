#include "common/form.h"

#include "tests/harness.h"

static struct form form;

static bool parse(const char *query, const char *body)
{
    return form_parse(&form, query, strlen(query), body, strlen(body));
}

static const char *value(const char *name)
{
    const struct form_field *field = form_find(&form, name);
    return field == NULL ? "(none)" : field->value;
}

TEST(form, query_and_body_are_one_set_of_names)
{
    assert_true(parse("symbol=BTCUSDT&side=BUY", "price=1.5"));
    assert_int_equal(form.field_count, 3);
    assert_string_equal(value("symbol"), "BTCUSDT");
    assert_string_equal(value("side"), "BUY");
    assert_string_equal(value("price"), "1.5");
    assert_null(form_find(&form, "quantity"));
}

TEST(form, nothing_is_an_empty_form)
{
    assert_true(form_parse(&form, NULL, 0, NULL, 0));
    assert_int_equal(form.field_count, 0);
}

/* The API's rule for mixed requests. */
TEST(form, query_wins_over_body)
{
    assert_true(parse("price=1", "price=2&side=SELL"));
    assert_string_equal(value("price"), "1");
    assert_string_equal(value("side"), "SELL");
}

TEST(form, a_name_twice_in_one_part_is_malformed)
{
    assert_false(parse("price=1&price=1", ""));
    assert_int_equal(form.field_count, 0);
    assert_int_equal(form.fault, FORM_REPEATED);
    assert_false(parse("", "price=1&a=b&price=2"));
    assert_false(parse("p%72ice=1&price=2", ""));
    assert_int_equal(form.fault, FORM_REPEATED);
    assert_false(parse("p%7", "a=1"));
    assert_int_equal(form.fault, FORM_MALFORMED);
    assert_true(parse("price=1", "price=2"));
    assert_int_equal(form.fault, FORM_GOOD);
}

TEST(form, percent_and_plus_are_decoded)
{
    assert_true(parse("symbols=%5B%22BTCUSDT%22%5d&a+b=c+d", "e+f=g+h"));
    assert_string_equal(value("symbols"), "[\"BTCUSDT\"]");
    assert_string_equal(value("a+b"), "c+d"); /* a plus is itself in a query */
    assert_string_equal(value("e f"), "g h"); /* and a space in a form body */
}

TEST(form, bad_percent_encoding_is_malformed)
{
    static const char *const bad[] = {"a=%", "a=%4", "a=%4g", "a=%zz", "%=1", "a=%00", "a=1%0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse(bad[i], ""));
    assert_true(parse("a=%41", ""));
    assert_string_equal(value("a"), "A");
}

TEST(form, empty_values_are_present_and_empty_names_are_not)
{
    assert_true(parse("a=&b&&c=1&", ""));
    assert_int_equal(form.field_count, 3);
    assert_int_equal(form_find(&form, "a")->value_bytes, 0);
    assert_int_equal(form_find(&form, "b")->value_bytes, 0);
    assert_string_equal(value("c"), "1");
    assert_false(parse("=1", ""));
}

TEST(form, an_equals_sign_in_a_value_is_the_value)
{
    assert_true(parse("signature=abc==", ""));
    assert_string_equal(value("signature"), "abc==");
}

TEST(form, as_many_fields_as_fit_and_no_more)
{
    char query[FORM_FIELDS_MAX * 8 + 16];
    size_t length = 0;
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        length += (size_t)snprintf(query + length, sizeof(query) - length, "k%d=v&", i);
    assert_true(form_parse(&form, query, length, NULL, 0));
    assert_int_equal(form.field_count, FORM_FIELDS_MAX);
    memcpy(query + length, "x=y", 4);
    assert_false(form_parse(&form, query, length + 3, NULL, 0));
    assert_int_equal(form.field_count, 0);
    assert_int_equal(form.fault, FORM_FULL);
}

/* "a" and its terminator take 2 bytes, the value's terminator 1. */
TEST(form, as_many_bytes_as_fit_and_no_more)
{
    static char query[FORM_BYTES_MAX + 16];
    memset(query, 'v', sizeof(query));
    memcpy(query, "a=", 2);
    assert_true(form_parse(&form, query, 2 + FORM_BYTES_MAX - 3, NULL, 0));
    assert_int_equal(form_find(&form, "a")->value_bytes, FORM_BYTES_MAX - 3);
    assert_false(form_parse(&form, query, 2 + FORM_BYTES_MAX - 2, NULL, 0));
    query[2 + FORM_BYTES_MAX - 3] = '&';
    assert_false(form_parse(&form, query, 2 + FORM_BYTES_MAX - 1, NULL, 0));
}

TEST(form, whole_numbers_have_one_to_nineteen_digits)
{
    uint64_t number = 7;
    assert_true(parse("a=0&b=9999999999999999999&c=10000000000000000000&d=&e=1x&f=-1&g=%2B1", ""));
    assert_true(form_u64(form_find(&form, "a"), &number));
    assert_int_equal(number, 0);
    assert_true(form_u64(form_find(&form, "b"), &number));
    assert_true(number == 9999999999999999999u);
    number = 7;
    for (const char *name = "cdefg"; *name != '\0'; name++)
        assert_false(form_u64(form_find(&form, (char[]){*name, '\0'}), &number));
    assert_int_equal(number, 7);
}

/* What nobody asked for is counted; of two of a name the one that gives way counts as the other does. */
TEST(form, what_nobody_asked_for_is_known)
{
    uint64_t found = 0;
    assert_true(parse("symbol=BTCUSDT&side=BUY&foo=1", "side=SELL&foo=2&price=3"));
    assert_null(form.found);
    assert_non_null(form_find(&form, "symbol")); /* nobody wants to know */
    form.found = &found;
    assert_int_equal(form_unread(&form), 6);
    assert_non_null(form_find(&form, "symbol"));
    assert_non_null(form_find(&form, "symbol"));
    assert_null(form_find(&form, "nothing"));
    assert_int_equal(form_unread(&form), 5);
    assert_non_null(form_find(&form, "side"));
    assert_int_equal(form_unread(&form), 3);
    assert_non_null(form_find(&form, "price"));
    assert_non_null(form_find(&form, "foo"));
    assert_int_equal(form_unread(&form), 0);
}

/* As many as there may be are told apart. */
TEST(form, the_last_field_counts_like_the_first)
{
    char query[FORM_FIELDS_MAX * 6 + 1];
    size_t used = 0;
    uint64_t found = 0;
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        used += (size_t)snprintf(query + used, sizeof(query) - used, "&n%d=1", i);
    assert_true(parse(query, ""));
    form.found = &found;
    assert_int_equal(form_unread(&form), FORM_FIELDS_MAX);
    assert_non_null(form_find(&form, "n47"));
    assert_int_equal(form_unread(&form), FORM_FIELDS_MAX - 1);
}

/* A look-up passes over most names by how they begin: those that begin alike, or as good as alike ('!' and 'a', 'A' and a byte
 * 0x81), are still told apart by all of their letters. */
TEST(form, names_that_begin_alike_are_told_apart)
{
    uint64_t found = 0;
    assert_true(parse("stopPrice=1&side=2&symbol=3&%81=4&!b=5", "sidE=6&A=7"));
    form.found = &found;
    assert_string_equal(value("stopPrice"), "1");
    assert_string_equal(value("side"), "2");
    assert_string_equal(value("symbol"), "3");
    assert_string_equal(value("sidE"), "6");
    assert_string_equal(value("A"), "7");
    assert_string_equal(value("\x81"), "4");
    assert_int_equal(form_unread(&form), 1);
    assert_string_equal(value("!b"), "5");
    assert_int_equal(form_unread(&form), 0);
    const char *const others[] = {"s", "sideX", "stopprice", "a", "!", "b", "Side", "\x82", ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_null(form_find(&form, others[i]));
    assert_false(parse("!b=1&!b=2", ""));
    assert_int_equal(form.fault, FORM_REPEATED);
    assert_true(parse("!b=1&a=2&%81=3&A=4", ""));
}

static bool begins_with_s(const char *name)
{
    return name[0] == 's';
}

/* A copy has what is not dropped, in its order and with what it hides, whatever was in its memory. */
TEST(form, a_copy_is_the_form_without_what_is_dropped)
{
    static struct form copy;
    const char *const query = "side=BUY&price=1&symbol=BTCUSDT", *const body =
                                                                     "price=2&stopPrice=3&qty=4";
    for (int paint = 0; paint <= 0xff; paint += 0xff) {
        uint64_t found = 0;
        assert_true(parse(query, body));
        form.found = &found;
        memset(&copy, paint, sizeof(copy));
        form_copy_but(&form, begins_with_s, &copy);
        assert_int_equal(found, 0);
        assert_int_equal(copy.fault, FORM_GOOD);
        assert_null(copy.found);
        assert_int_equal(copy.used_bytes, 0);
        assert_int_equal(copy.field_count, 3);
        assert_string_equal(copy.fields[1].value, "2");
        assert_string_equal(form_find(&copy, "price")->value, "1");
        assert_string_equal(form_find(&copy, "qty")->value, "4");
        assert_int_equal(form_find(&copy, "qty")->value_bytes, 1);
        assert_null(form_find(&copy, "side"));
        assert_null(form_find(&copy, "stopPrice"));
        assert_int_equal(found, 0);
        const uint64_t initials = copy.initials;
        assert_true(parse("price=1", "price=2&qty=4"));
        assert_int_equal(initials, form.initials);
    }
}
