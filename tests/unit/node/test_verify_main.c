#include "node/verify_main.h"

#include "tests/harness.h"

/* The command's own words and exit status. */
TEST(verify_main, command_says_how_to_use_it)
{
    char *no_chain[] = {"verify", NULL}, *help[] = {"verify", "--help", NULL};
    char *unknown[] = {"verify", "--chain", "/nonexistent/chain", NULL};
    assert_int_equal(verify_main(1, no_chain), 2);
    assert_int_equal(verify_main(2, help), 0);
    assert_int_equal(verify_main(3, unknown), 2);
    char *from[] = {"verify", "--chain", "/nonexistent/chain", "--from-checkpoint", "last", NULL};
    assert_int_equal(verify_main(5, from), 2);
}
