#include "common/log.h"

#include "tests/harness.h"

#include <regex.h>
#include <unistd.h>

static char text[8192];

/* Standard error goes to a file between the two calls. */
static int saved = -1;
static FILE *file;

static void capture(void)
{
    file = tmpfile();
    assert_non_null(file);
    saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
}

static const char *captured(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    const size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static bool looks_like(const char *line, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    const bool matches = regexec(&regex, line, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

#define STAMP "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z "

TEST(log, a_line_has_time_level_folder_event_and_facts)
{
    capture();
    log_info("ledger", "segment opened", "index=%d path=\"%s\"", 12, "wal/0001");
    assert_true(looks_like(captured(),
                           STAMP "info ledger \"segment opened\" index=12 path=\"wal/0001\"\n$"));
    capture();
    log_warn("node", "stopping", "%s", "");
    assert_true(looks_like(captured(), STAMP "warn node \"stopping\" ?\n$"));
}

TEST(log, lines_below_the_level_are_dropped)
{
    log_set_level(LOG_WARN);
    capture();
    log_info("node", "quiet", "a=%d", 1);
    log_debug("node", "quiet", "a=%d", 1);
    log_error("node", "loud", "a=%d", 1);
    log_set_level(LOG_INFO);
    assert_null(strstr(captured(), "quiet"));
    assert_non_null(strstr(text, "error node \"loud\" a=1\n"));
}

TEST(log, a_long_line_is_cut_and_still_ends)
{
    static char fact[4000];
    memset(fact, 'x', sizeof(fact) - 1);
    capture();
    log_info("node", "long", "fact=%s", fact);
    log_info("node", "next", "a=%d", 1);
    captured();
    const char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_true(end - text <= 2048);
    assert_non_null(strstr(end, "\"next\" a=1\n"));

    capture();
    log_info("node", fact, "a=%d", 1); /* an event name that fills the line by itself */
    captured();
    end = strchr(text, '\n');
    assert_non_null(end);
    assert_true(end - text <= 2048);
}
