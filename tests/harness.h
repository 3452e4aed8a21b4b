/* Test cases that name a rule: TEST(match, older_order_fills_first_at_equal_price) { ... }
 *
 * A file of TESTs is one program; cmocka runs them in order and prints what failed. Compare with
 * cmocka's assert_int_equal, assert_string_equal, assert_memory_equal and so on.
 */

#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What ThreadSanitizer is not to look into. libuv closes descriptors by a way that it does not see, so that a later
 * one of the same number seems to be the same; libraft keeps a buffer for texts of its own, which replicas in one
 * process share and nobody reads. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libuv.so\ncalled_from_lib:libraft.so\nrace:libraft.so\nrace:libsodium."
           "so\n";
}

#define TESTS_MAX 256

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

#define TEST(group, claim) \
    static void group##_##claim(void **state); \
    __attribute__((constructor)) static void add_##group##_##claim(void) \
    { \
        tests[test_count++] = \
            (struct CMUnitTest){#group "." #claim, group##_##claim, NULL, NULL, NULL}; \
    } \
    static void group##_##claim(__attribute__((unused)) void **state)

int main(void)
{
    return _cmocka_run_group_tests("quorex", tests, test_count, NULL, NULL);
}

#endif /* TESTS_HARNESS_H */
