#include "common/config.h"

#include "tests/harness.h"

#include <unistd.h>

static struct config config;
static struct config_error error;
static char *const nothing[] = {NULL};

/* "ok", or "source:line key: reason". */
static const char *outcome(bool accepted)
{
    static char line[1024];
    if (accepted) return "ok";
    snprintf(line, sizeof(line), "%s:%d %s: %s", error.source, error.line, error.key, error.reason);
    return line;
}

static const char *set(const char *key, const char *value)
{
    error = (struct config_error){0};
    return outcome(config_set(&config, key, value, &error));
}

/* A file with this text, named by its path; the caller unlinks it. */
static const char *file_with(const char *text)
{
    static char path[] = "/tmp/quorex-config-XXXXXX";
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    const size_t text_bytes = strlen(text);
    assert_int_equal(write(descriptor, text, text_bytes), text_bytes);
    close(descriptor);
    return path;
}

static const char *read_file(const char *text)
{
    const char *path = file_with(text);
    config_defaults(&config);
    error = (struct config_error){0};
    const bool accepted = config_file(&config, path, &error);
    unlink(path);
    if (!accepted) {
        assert_string_equal(error.source, path);
        memcpy(error.source, "FILE", 5);
    }
    return outcome(accepted);
}

TEST(config, defaults_come_from_the_table)
{
    config_defaults(&config);
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.port, 8080);
    assert_int_equal(config.limits, 1);
    assert_string_equal(config.database, "");
}

TEST(config, one_setter_checks_every_kind)
{
    config_defaults(&config);
    assert_string_equal(set("port", "1"), "ok");
    assert_string_equal(set("port", "65535"), "ok");
    assert_int_equal(config.port, 65535);
    assert_string_equal(set("port", "0"), ":0 port: must be a whole number from 1 to 65535");
    assert_string_equal(set("port", "65536"), ":0 port: must be a whole number from 1 to 65535");
    assert_string_equal(set("port", "80 "), ":0 port: must be a whole number from 1 to 65535");
    assert_string_equal(set("port", "-1"), ":0 port: must be a whole number from 1 to 65535");
    assert_string_equal(set("port", ""), ":0 port: must be a whole number from 1 to 65535");
    assert_string_equal(set("port", "99999999999999999999"),
                        ":0 port: must be a whole number from 1 to 65535");
    assert_int_equal(config.port, 65535); /* a bad value changes nothing */

    assert_string_equal(set("ring_bytes", "8M"), "ok");
    assert_int_equal(config.ring_bytes, 8 << 20);
    assert_string_equal(set("ring-bytes", "2097152"), "ok");
    assert_int_equal(config.ring_bytes, 2097152);
    assert_string_equal(set("ring_bytes", "3M"),
                        ":0 ring_bytes: must be a power of two from 2097152 to 1073741824");
    assert_string_equal(set("ring_bytes", "99999999999999G"),
                        ":0 ring_bytes: must be a power of two from 2097152 to 1073741824");

    assert_string_equal(set("limits", "off"), "ok");
    assert_int_equal(config.limits, 0);
    assert_string_equal(set("limits", "of"), ":0 limits: must be one of off|on");
    assert_string_equal(set("limits", "off|on"), ":0 limits: must be one of off|on");
    assert_string_equal(set("prot", "1"), ":0 prot: no such setting");
    assert_string_equal(set("", "1"), ":0 : no such setting");
}

TEST(config, texts_have_a_longest)
{
    char text[CONFIG_TEXT_MAX + 2];
    memset(text, 'x', sizeof(text));
    text[CONFIG_TEXT_MAX] = '\0';
    assert_string_equal(set("host", text), "ok");
    text[CONFIG_TEXT_MAX] = 'x';
    text[CONFIG_TEXT_MAX + 1] = '\0';
    assert_string_equal(set("host", text), ":0 host: at most 511 bytes");
}

TEST(config, a_file_is_flat_lines_of_key_and_value)
{
    assert_string_equal(read_file("# a comment\n\nport = 99\nlimits=off\n"
                                  "database = \"host=/run/x dbname=y\"\n  ; another\n"),
                        "ok");
    assert_int_equal(config.port, 99);
    assert_int_equal(config.limits, 0);
    assert_string_equal(config.database, "host=/run/x dbname=y");
    assert_string_equal(read_file("database = password='a ;b' dbname=y\n"), "ok");
    assert_string_equal(config.database, "password='a ;b' dbname=y");
    assert_string_equal(read_file(""), "ok");
    assert_string_equal(read_file("port = 99"), "ok"); /* no line end */
    assert_int_equal(config.port, 99);
}

TEST(config, an_error_names_file_line_and_key)
{
    assert_string_equal(read_file("# a comment\n\nprot = 99\nport = x\n"),
                        "FILE:3 prot: no such setting");
    assert_string_equal(read_file("host = a\nport = x\n"),
                        "FILE:2 port: must be a whole number from 1 to 65535");
    assert_string_equal(read_file("host = a\nport\n"), "FILE:2 : a line must be: key = value");
    assert_string_equal(read_file("[node]\nport = 1\n"), "FILE:2 node: sections are not used here");
    error = (struct config_error){0};
    assert_string_equal(outcome(config_file(&config, "/nowhere/x", &error)),
                        "/nowhere/x:0 : the file cannot be read");
    assert_string_equal(outcome(config_file(&config, "/tmp", &error)),
                        "/tmp:0 : the file cannot be read");
}

TEST(config, a_long_line_is_read_whole_or_refused)
{
    char text[4096] = "\ndatabase = ";
    memset(text + strlen(text), 'x', CONFIG_TEXT_MAX);
    assert_string_equal(read_file(text), "ok");
    assert_int_equal(strlen(config.database), CONFIG_TEXT_MAX);
    memset(text + 12, 'x', 3000);
    assert_string_equal(read_file(text), "FILE:2 : the line is too long");
}

TEST(config, the_environment_says_quorex_key)
{
    char *const good[] = {"PORT=1",        "QUOREX_PORT=77", "QUOREX_LOG_LEVEL=warn",
                          "QUOREX_TEST=1", "PATH=/bin",      NULL};
    char *const bad[] = {"QUOREX_PORT=x", NULL};
    config_defaults(&config);
    error = (struct config_error){0};
    assert_string_equal(outcome(config_environment(&config, good, &error)), "ok");
    assert_int_equal(config.port, 77);
    assert_int_equal(config.log_level, 2);
    assert_string_equal(outcome(config_environment(&config, bad, &error)),
                        "environment:0 QUOREX_PORT: must be a whole number from 1 to 65535");
}

static const char *arguments(int count, char *const list[])
{
    config_defaults(&config);
    error = (struct config_error){0};
    return outcome(config_arguments(&config, count, list, &error));
}

TEST(config, options_have_a_value_behind_or_joined)
{
    char *const good[] = {"--port", "77",         "--log-level=error", "--config",
                          "x",      "--config=y", "--database",        "a=b"};
    assert_string_equal(arguments(8, good), "ok");
    assert_int_equal(config.port, 77);
    assert_int_equal(config.log_level, 3);
    assert_string_equal(config.database, "a=b");
    assert_string_equal(arguments(1, good), "command line:0 --port: needs a value");
    assert_string_equal(arguments(1, (char *[]){"port"}),
                        "command line:0 port: is not an option; try --help");
    assert_string_equal(arguments(1, (char *[]){"--"}),
                        "command line:0 --: is not an option; try --help");
    assert_string_equal(arguments(2, (char *[]){"--prot", "1"}),
                        "command line:0 prot: no such setting");
    assert_string_equal(arguments(1, (char *[]){"--port="}),
                        "command line:0 port: must be a whole number from 1 to 65535");
}

TEST(config, later_sources_win)
{
    const char *path = file_with("host = file\nport = 1\nnode = 3\n");
    char option[64];
    snprintf(option, sizeof(option), "--config=%s", path);
    char *const list[] = {option, "--port", "3"};
    char *const environment[] = {"QUOREX_PORT=2", "QUOREX_HOST=environment", NULL};
    const bool loaded = config_load(&config, 3, list, environment, &error);
    unlink(path);
    assert_string_equal(outcome(loaded), "ok");
    assert_int_equal(config.port, 3);
    assert_string_equal(config.host, "environment");
    assert_int_equal(config.node, 3);
    assert_string_equal(config.directory, "/tmp"); /* where the file is */
    assert_string_equal(config.genesis, "/tmp/genesis.json");
}

TEST(config, paths_follow_from_the_directory)
{
    assert_true(config_load(&config, 0, nothing, nothing, &error));
    assert_string_equal(config.directory, ".");
    assert_string_equal(config.genesis, "./genesis.json");
    char *const list[] = {"--directory", "/d", "--genesis", "/g"};
    assert_true(config_load(&config, 2, list, nothing, &error));
    assert_string_equal(config.genesis, "/d/genesis.json");
    assert_true(config_load(&config, 4, list, nothing, &error));
    assert_string_equal(config.genesis, "/g");
}

TEST(config, help_names_every_setting)
{
    static char text[16384], cut[16384];
    const size_t length = config_help(text, sizeof(text));
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "  --log-level           lines below it are dropped "
                                 "(debug|info|warn|error, info)\n"));
    assert_non_null(strstr(text, "--port "));
    assert_non_null(strstr(text, "(1 to 65535, 8080)\n"));
    for (size_t capacity = 1; capacity <= length + 1; capacity += 7) {
        memset(cut, 0x7f, sizeof(cut));
        assert_int_equal(config_help(cut, capacity), capacity - 1 < length ? capacity - 1 : length);
        assert_int_equal(cut[capacity], 0x7f);
    }
}

/* ---- settings read again ---- */

static char heard[256];

static void hear(void *context, const char *name, bool is_taken)
{
    assert_ptr_equal(context, &config);
    const size_t used = strlen(heard);
    snprintf(heard + used, sizeof(heard) - used, "%s%s ", is_taken ? "+" : "-", name);
}

/* What the table lets change is taken, of each kind; the rest stays, and is told of. */
TEST(config, what_may_change_is_taken)
{
    struct config fresh;
    config_defaults(&config);
    config_defaults(&fresh);
    heard[0] = '\0';
    config_take(&config, &fresh, hear, &config);
    assert_string_equal(heard, "");

    assert_true(config_set(&fresh, "port", "9000", &error));
    assert_true(config_set(&fresh, "tls_key", "/new", &error));
    assert_true(config_set(&fresh, "database", "dbname=x", &error));
    assert_true(config_set(&fresh, "limits", "off", &error));
    assert_true(config_set(&fresh, "header_s", "3", &error));
    assert_true(config_set(&fresh, "ring_bytes", "8M", &error));
    config_take(&config, &fresh, hear, &config);
    assert_string_equal(heard, "-port +tls_key -database +limits +header_s -ring_bytes ");
    assert_int_equal(config.port, 8080);
    assert_string_equal(config.tls_key, "/new");
    assert_string_equal(config.database, "");
    assert_int_equal(config.limits, 0);
    assert_int_equal(config.header_s, 3);
    assert_int_equal(config.ring_bytes, 4194304);

    /* A text that becomes shorter, or empty. */
    assert_true(config_set(&fresh, "tls_key", "", &error));
    heard[0] = '\0';
    config_take(&config, &fresh, hear, &config);
    assert_string_equal(heard, "-port +tls_key -database -ring_bytes ");
    assert_string_equal(config.tls_key, "");
}
