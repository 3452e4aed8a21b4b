#include "common/assert.h"

#include "tests/harness.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs ASSERT(value == 1) in a child: its wait status, and what it wrote to standard error. */
static int run(int value, char text[512])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        ASSERT(value == 1);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < 511 && (got = read(ends[0], text + length, 511 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

TEST(assert, a_bug_stops_the_process_and_names_the_fact)
{
    char text[512];
    const int status = run(2, text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "test_assert.c:"));
    assert_non_null(strstr(text, "this must hold: value == 1"));
}

TEST(assert, a_fact_that_holds_costs_nothing)
{
    char text[512];
    const int status = run(1, text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(text, "");
}

TEST(assert, container_of_finds_the_whole)
{
    struct whole {
        int first;
        int part;
    } whole;
    assert_ptr_equal(container_of(&whole.part, struct whole, part), &whole);
}
