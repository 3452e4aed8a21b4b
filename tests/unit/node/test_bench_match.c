#include "node/bench.h"
#include "tests/unit/node/flow_file.h"

static int replay(struct flow_file *file, char *option)
{
    flow_file_write(file, 0);
    char *argv[] = {"match", "--flow", file->path, option, NULL};
    const int code = bench_match_main(option == NULL ? 3 : 4, argv);
    unlink(file->path);
    return code;
}

/* The book does with the flow what its header says, with the clock in it and without. */
TEST(bench_match, a_correct_flow_is_ok)
{
    struct flow_file file;
    flow_file_prepare(&file);
    assert_int_equal(replay(&file, NULL), 0);
    assert_int_equal(replay(&file, "--latency"), 0);
}

/* Each figure of the header is compared: one that is off by one is a failure. */
TEST(bench_match, a_header_that_says_otherwise_is_a_failure)
{
    struct flow_file file;
    for (int i = 0; i < 5; i++) {
        flow_file_prepare(&file);
        file.header.trade_count += i == 0;
        file.header.trade_qty += i == 1;
        file.header.digest += i == 2;
        file.header.end_orders += i == 3;
        file.header.end_qty += i == 4;
        assert_int_equal(replay(&file, NULL), 1);
    }
}

TEST(bench_match, wrong_usage_is_2_and_a_bad_file_1)
{
    char *nothing[] = {"match", NULL};
    char *both[] = {"match", "--flow", "x", "--case", "sweep", NULL};
    char *unknown[] = {"match", "--frequency", NULL};
    char *no_file[] = {"match", "--flow", "/tmp/quorex-no-such-flow", NULL};
    char *no_case[] = {"match", "--case", "nonsense", NULL};
    assert_int_equal(bench_match_main(1, nothing), 2);
    assert_int_equal(bench_match_main(5, both), 2);
    assert_int_equal(bench_match_main(2, unknown), 2);
    assert_int_equal(bench_match_main(3, no_file), 1);
    assert_int_equal(bench_match_main(3, no_case), 1);
}
