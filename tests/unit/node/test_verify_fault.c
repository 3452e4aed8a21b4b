#include "node/verify_fault.h"

#include "tests/harness.h"

/* What is wrong has a place and words; words that are too long are cut, and nothing behind them is touched. */
TEST(verify_fault, says_where_and_what)
{
    struct {
        struct verify_fault fault;
        char behind;
    } held = {.behind = 7};
    char longest[2 * VERIFY_FAULT_REASON_MAX];
    assert_int_equal(verify_fault_set(&held.fault, 9, 4, "%s is not %d", "one", 2),
                     STATUS_MISMATCH);
    assert_int_equal(held.fault.height, 9);
    assert_int_equal(held.fault.command, 4);
    assert_string_equal(held.fault.reason, "one is not 2");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(verify_fault_set(&held.fault, 1, 0, "%s", longest), STATUS_MISMATCH);
    assert_int_equal(strlen(held.fault.reason), VERIFY_FAULT_REASON_MAX - 1);
    assert_int_equal(held.fault.command, 0);
    assert_int_equal(held.behind, 7);
}
