#include "gateway/oco_shape.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

/* The code that a pair is refused with; 0: it may be one. */
static int code_of(const char *side, const char *above, const char *below)
{
    static const struct oco_names names = {"pendingSide", "aboveType", "belowType"};
    struct refusal refusal = {.reject = REJECT_NONE};
    static struct form form;
    char text[128];
    snprintf(text, sizeof(text), "pendingSide=%s&aboveType=%s&belowType=%s", side, above, below);
    assert_true(form_parse(&form, text, strlen(text), NULL, 0));
    const bool fits = oco_shape_check(&form, &names, &refusal);
    assert_int_equal(fits, refusal.reject == REJECT_NONE);
    return fits ? 0 : reject_code(refusal.reject);
}

/* Profit above and the stop below for who sells, the other way round for who buys. */
TEST(oco_shape, a_pair_is_a_profit_and_a_stop)
{
    static const char *const profits[] = {"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"};
    static const char *const stops[] = {"STOP_LOSS", "STOP_LOSS_LIMIT"};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(code_of("SELL", profits[i / 2], stops[i % 2]), 0);
        assert_int_equal(code_of("BUY", stops[i % 2], profits[i / 2]), 0);
    }
}

/* Each other pair has a code of the API's own. */
TEST(oco_shape, what_is_wrong_with_a_pair_is_said)
{
    assert_int_equal(code_of("SELL", "LIMIT", "STOP_LOSS"), -1158);
    assert_int_equal(code_of("BUY", "STOP_LOSS", "MARKET"), -1158);
    assert_int_equal(code_of("SELL", "LIMIT_MAKER", "LIMIT_MAKER"), -1168);
    assert_int_equal(code_of("BUY", "LIMIT_MAKER", "LIMIT_MAKER"), -1168);
    assert_int_equal(code_of("BUY", "LIMIT_MAKER", "TAKE_PROFIT"), -1165);
    assert_int_equal(code_of("SELL", "TAKE_PROFIT", "LIMIT_MAKER"), -1166);
    assert_int_equal(code_of("BUY", "STOP_LOSS", "STOP_LOSS_LIMIT"), -1196);
    assert_int_equal(code_of("SELL", "STOP_LOSS", "STOP_LOSS_LIMIT"), -1197);
    assert_int_equal(code_of("BUY", "TAKE_PROFIT", "LIMIT_MAKER"), -1198);
    assert_int_equal(code_of("SELL", "LIMIT_MAKER", "TAKE_PROFIT_LIMIT"), -1199);
}

/* What is no word is for who reads the orders. */
TEST(oco_shape, what_is_not_sent_is_left_to_the_reader)
{
    assert_int_equal(code_of("HOLD", "LIMIT", "LIMIT"), 0);
    assert_int_equal(code_of("SELL", "GUESS", "LIMIT"), 0);
    assert_int_equal(code_of("SELL", "LIMIT", ""), 0);
}
