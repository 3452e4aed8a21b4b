#include "node/bench_case.h"
#include "tests/harness.h"

/* What a case draws is a flow: ids rise by one, cancels name what was given, prices and quantities are
 * there, and its markets are within the count it names. */
TEST(bench_case, every_case_is_a_flow)
{
    static const char *const names[] = {"sparse", "sweep", "markets"};
    for (size_t n = 0; n < 3; n++) {
        struct bench_case made;
        uint64_t last_id = 0, cancels = 0, takes = 0;
        assert_true(bench_case_make(&made, names[n]));
        const uint64_t count = made.flow.header.preload_count + made.flow.header.command_count;
        for (uint64_t i = 0; i < count; i++) {
            const struct flow_record *record = &made.flow.records[i];
            assert_true(record->market < made.market_count);
            cancels += record->op == FLOW_CANCEL;
            takes += record->op == FLOW_TAKE;
            if (record->op == FLOW_CANCEL) {
                assert_true(record->id >= 1 && record->id <= last_id);
            } else {
                assert_true(record->price > 0 && record->qty > 0 && record->side <= 1);
                assert_true(record->id == ++last_id);
            }
        }
        assert_true(takes > 0);
        assert_true(cancels > 0 || strcmp(names[n], "sweep") == 0);
        flow_free(&made.flow);
    }
}

TEST(bench_case, an_unknown_name_is_no_case)
{
    struct bench_case made;
    assert_false(bench_case_make(&made, "dense"));
}
