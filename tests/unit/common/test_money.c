#include "common/money.h"

#include "tests/harness.h"

/* A decimal text as units, or the negated result when it is refused. */
static int64_t parsed(const char *text, int decimals)
{
    int64_t value = -99;
    const enum decimal_result result = decimal_parse(text, strlen(text), decimals, &value);
    if (result == DECIMAL_OK) return value;
    assert_int_equal(value, -99); /* a refusal writes nothing */
    return -(int64_t)result;
}

static const char *formatted(int64_t value, int decimals)
{
    static char text[DECIMAL_TEXT_MAX];
    const size_t length = decimal_format(value, decimals, text);
    assert_int_equal(length, strlen(text));
    return text;
}

TEST(money, decimal_text_is_read_exactly)
{
    assert_int_equal(parsed("0", 8), 0);
    assert_int_equal(parsed("1", 0), 1);
    assert_int_equal(parsed("1", 8), 100000000);
    assert_int_equal(parsed("0.00000001", 8), 1);
    assert_int_equal(parsed("12.5", 2), 1250);
    assert_int_equal(parsed("007.10", 1), 71);
    assert_int_equal(parsed("1.0000", 0), 1); /* trailing zeros say nothing new */
    assert_int_equal(parsed("0.123456789012345678", 18), 123456789012345678);
}

TEST(money, other_text_is_malformed)
{
    static const char *const bad[] = {"",    ".",   "1.", ".5", "1e3",   "+1",  "-1",
                                      "NaN", "1,5", " 1", "1 ", "1.2.3", "0x1", "1_0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parsed(bad[i], 8), -DECIMAL_MALFORMED);
}

TEST(money, digits_beyond_the_decimals_are_too_precise)
{
    assert_int_equal(parsed("0.12", 2), 12);
    assert_int_equal(parsed("0.123", 2), -DECIMAL_TOO_PRECISE);
    assert_int_equal(parsed("0.1200", 2), 12);
    assert_int_equal(parsed("0.1201", 2), -DECIMAL_TOO_PRECISE);
    assert_int_equal(parsed("0.1", 0), -DECIMAL_TOO_PRECISE);
}

TEST(money, the_largest_value_is_63_bits)
{
    assert_true(parsed("9223372036854775807", 0) == INT64_MAX);
    assert_int_equal(parsed("9223372036854775808", 0), -DECIMAL_TOO_LARGE);
    assert_true(parsed("92233720368.54775807", 8) == INT64_MAX);
    assert_int_equal(parsed("92233720368.54775808", 8), -DECIMAL_TOO_LARGE);
    assert_int_equal(parsed("92233720369", 8), -DECIMAL_TOO_LARGE);
    assert_int_equal(parsed("999999999999999999999999999999", 8), -DECIMAL_TOO_LARGE);
    assert_int_equal(parsed("9", 18), 9000000000000000000);
    assert_int_equal(parsed("10", 18), -DECIMAL_TOO_LARGE);
}

TEST(money, values_are_printed_with_all_decimals)
{
    assert_string_equal(formatted(0, 8), "0.00000000");
    assert_string_equal(formatted(1, 8), "0.00000001");
    assert_string_equal(formatted(-1, 8), "-0.00000001");
    assert_string_equal(formatted(150000000, 8), "1.50000000");
    assert_string_equal(formatted(0, 0), "0");
    assert_string_equal(formatted(-120, 1), "-12.0");
    assert_string_equal(formatted(INT64_MAX, 8), "92233720368.54775807");
    assert_string_equal(formatted(INT64_MIN, 18), "-9.223372036854775808");
    assert_string_equal(formatted(INT64_MIN, 0), "-9223372036854775808");
}

/* What is printed reads back as itself, at every scale. */
TEST(money, print_and_read_are_inverse)
{
    uint64_t seed = 0x5eed;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const int64_t value = (int64_t)(seed >> (1 + seed % 60));
        const int decimals = i % 19;
        assert_true(parsed(formatted(value, decimals), decimals) == value);
    }
}

TEST(money, powers_of_ten_reach_18)
{
    assert_int_equal(decimal_power(0), 1);
    assert_int_equal(decimal_power(8), 100000000);
    assert_int_equal(decimal_power(18), 1000000000000000000);
}

TEST(money, sums_that_overflow_are_refused_and_write_nothing)
{
    amount_t result = {5};
    assert_true(amount_add((amount_t){INT64_MAX - 1}, (amount_t){1}, &result));
    assert_true(result.units == INT64_MAX);
    result.units = 5;
    assert_false(amount_add((amount_t){INT64_MAX}, (amount_t){1}, &result));
    assert_false(amount_add((amount_t){INT64_MIN}, (amount_t){-1}, &result));
    assert_false(amount_subtract((amount_t){INT64_MIN}, (amount_t){1}, &result));
    assert_int_equal(result.units, 5);
    assert_true(amount_subtract((amount_t){INT64_MIN + 1}, (amount_t){1}, &result));
    assert_true(result.units == INT64_MIN);
    assert_true(amount_subtract((amount_t){3}, (amount_t){5}, &result));
    assert_int_equal(result.units, -2);
}

TEST(money, notionals_that_overflow_are_refused_and_write_nothing)
{
    amount_t result = {5};
    assert_true(amount_of((price_t){5000001}, (qty_t){150000}, 10, &result));
    assert_int_equal(result.units, 7500001500000);
    result.units = 5;
    assert_true(amount_of((price_t){INT64_MAX}, (qty_t){1}, 1, &result));
    assert_true(result.units == INT64_MAX);
    result.units = 5;
    assert_false(amount_of((price_t){INT64_MAX / 2 + 1}, (qty_t){2}, 1, &result));
    assert_false(amount_of((price_t){INT64_MAX / 2}, (qty_t){1}, 3, &result));
    assert_int_equal(result.units, 5);
}

TEST(money, quantities_have_a_smaller_one_and_a_rest)
{
    assert_int_equal(qty_min((qty_t){2}, (qty_t){3}).lots, 2);
    assert_int_equal(qty_min((qty_t){3}, (qty_t){2}).lots, 2);
    assert_int_equal(qty_less((qty_t){3}, (qty_t){3}).lots, 0);
    assert_int_equal(opposite(BUY), SELL);
    assert_int_equal(opposite(SELL), BUY);
}
