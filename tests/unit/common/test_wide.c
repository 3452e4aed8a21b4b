#include "common/wide.h"

#include "tests/harness.h"

#include <string.h>

#define LARGEST "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define BEYOND  "115792089237316195423570985008687907853269984665640564039457584007913129639936"

/* The digits of `text` as an amount of 10^-from, in units of 10^-to; -1: refused. */
static int64_t units(const char *text, int from, int to)
{
    uint8_t wide[WIDE_BYTES];
    amount_t amount;
    assert_true(wide_parse(text, strlen(text), wide));
    return wide_units(wide, from, to, &amount) ? amount.units : -1;
}

TEST(wide, digits_are_read_and_printed_up_to_256_bits)
{
    static const char *const good[] = {"0", "1", "10", "18446744073709551616", LARGEST};
    static const char *const bad[] = {"",    "01", "00",   "-1",       "1.5",
                                      "1e3", " 1", BEYOND, LARGEST "0"};
    uint8_t wide[WIDE_BYTES];
    char text[WIDE_TEXT_MAX];
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_true(wide_parse(good[i], strlen(good[i]), wide));
        assert_int_equal(wide_print(wide, text), strlen(good[i]));
        assert_string_equal(text, good[i]);
    }
    for (int i = 0; i < WIDE_BYTES; i++)
        assert_int_equal(wide[i], 0xff); /* the last one read */
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(wide_parse(bad[i], strlen(bad[i]), wide));
}

/* One ether is 10^18 there and 10^8 here; a wei more is no whole unit and refused, not rounded. */
TEST(wide, amounts_are_scaled_exactly_or_refused)
{
    assert_int_equal(units("1000000000000000000", 18, 8), 100000000);
    assert_int_equal(units("1000000000000000001", 18, 8), -1);
    assert_int_equal(units("999999999", 18, 8), -1);
    assert_int_equal(units("10000000000", 18, 8), 1);
    assert_int_equal(units("5", 0, 8), 500000000);
    assert_int_equal(units("0", 36, 0), 0);
    assert_int_equal(units(LARGEST, 0, 36), -1); /* does not fit 256 bits */
}

TEST(wide, the_largest_amount_fits_and_one_more_does_not)
{
    assert_int_equal(units("9223372036854775807", 8, 8), INT64_MAX);
    assert_int_equal(units("9223372036854775808", 8, 8), -1);
    assert_int_equal(units("18446744073709551616", 8, 8), -1);
    assert_int_equal(units("92233720368547758070000000000", 18, 8), INT64_MAX);
}

TEST(wide, units_become_the_chains_own)
{
    uint8_t wide[WIDE_BYTES];
    char text[WIDE_TEXT_MAX];
    assert_true(wide_of_units((amount_t){123}, 8, 18, wide));
    wide_print(wide, text);
    assert_string_equal(text, "1230000000000");
    assert_true(wide_of_units((amount_t){500}, 8, 6, wide));
    wide_print(wide, text);
    assert_string_equal(text, "5");
    assert_false(wide_of_units((amount_t){501}, 8, 6, wide));
    assert_false(wide_of_units((amount_t){-1}, 8, 8, wide));
}
