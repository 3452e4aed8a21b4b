#include "common/config.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_BYTES 1000
#define HELP_BYTES 16384

/* The file while inih reads it: it tells its handler no line, so the reader counts. */
struct source {
    FILE *file;
    struct config *config;
    struct config_error *error;
    int line;
    bool failed;
};

static void set_reason(struct config_error *error, const char *key, const char *reason)
{
    snprintf(error->key, sizeof(error->key), "%s", key);
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
}

/* Reads one whole line, or as much of it as tells inih that it is too long. */
static char *read_line(char *text, int capacity, void *context)
{
    struct source *source = context;
    if (source->failed) return NULL;
    char *line = fgets(text, capacity, source->file);
    if (line != NULL) source->line++;
    if (line != NULL && strchr(line, '\n') == NULL && !feof(source->file)) {
        set_reason(source->error, "", "the line is too long");
        source->failed = true;
    }
    return line;
}

/* The value without the double quotes around it. */
static void strip_quotes(const char *value, char text[LINE_BYTES])
{
    size_t length = strnlen(value, LINE_BYTES - 1);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    memcpy(text, value, length);
    text[length] = '\0';
}

static int on_setting(void *context, const char *section, const char *key, const char *value)
{
    struct source *source = context;
    char text[LINE_BYTES];
    if (source->failed) return 0;

    strip_quotes(value, text);
    if (section[0] != '\0') {
        set_reason(source->error, section, "sections are not used here");
        source->failed = true;
    } else if (!config_set(source->config, key, text, source->error)) {
        source->failed = true;
    }
    return !source->failed;
}

bool config_file(struct config *config, const char *path, struct config_error *error)
{
    struct source source = {.config = config, .error = error};
    struct stat facts;
    snprintf(error->source, sizeof(error->source), "%s", path);
    error->line = 0;

    source.file = fopen(path, "r");
    if (source.file == NULL || fstat(fileno(source.file), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        if (source.file != NULL) fclose(source.file);
        set_reason(error, "", "the file cannot be read");
        return false;
    }
    /* inih's settings: long lines, and no more syntax than "key = value". */
    ini_use_stack = false;
    ini_max_line = LINE_BYTES + 3;
    ini_initial_alloc = LINE_BYTES + 3;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    const int result = ini_parse_stream(read_line, &source, on_setting, &source);
    fclose(source.file);
    if (source.failed) {
        error->line = source.line;
    } else if (result != 0) {
        set_reason(error, "", "a line must be: key = value");
        error->line = result;
    }
    return result == 0 && !source.failed;
}

/* The value of --config, else of QUOREX_CONFIG, else NULL. */
static const char *config_path(int count, char *const arguments[], char *const environment[])
{
    const char *path = NULL;
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, "QUOREX_CONFIG=", 14) == 0) path = *environment + 14;
    for (int i = 0; i < count; i++) {
        if (strncmp(arguments[i], "--config=", 9) == 0) path = arguments[i] + 9;
        if (strcmp(arguments[i], "--config") == 0 && i + 1 < count) path = arguments[i + 1];
    }
    return path;
}

/* Fills what follows from the file's place. False when a path becomes too long. */
static bool fill_paths(struct config *config, const char *path, struct config_error *error)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const int folder_bytes = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    int length = 0;
    if (config->directory[0] == '\0')
        length = snprintf(config->directory, sizeof(config->directory), "%.*s", folder_bytes,
                          slash == NULL ? "." : path);
    if (length >= 0 && (size_t)length < sizeof(config->directory) && config->genesis[0] == '\0') {
        char genesis[2 * sizeof(config->genesis)];
        length = snprintf(genesis, sizeof(genesis), "%s/genesis.json", config->directory);
        if (length >= 0 && (size_t)length < sizeof(config->genesis))
            memcpy(config->genesis, genesis, (size_t)length + 1);
    }
    if (length >= 0 && (size_t)length < sizeof(config->genesis)) return true;
    set_reason(error, "directory", "the path is too long");
    return false;
}

bool config_load(struct config *config, int count, char *const arguments[],
                 char *const environment[], struct config_error *error)
{
    const char *path = config_path(count, arguments, environment);
    config_defaults(config);
    *error = (struct config_error){0};
    return (path == NULL || config_file(config, path, error)) &&
           config_environment(config, environment, error) &&
           config_arguments(config, count, arguments, error) && fill_paths(config, path, error);
}

void config_print_error(const struct config_error *error)
{
    char line[16] = "";
    if (error->line > 0) snprintf(line, sizeof(line), ":%d", error->line);
    fprintf(stderr, "quorex: %s%s: %s%s%s\n", error->source, line, error->key,
            error->key[0] == '\0' ? "" : ": ", error->reason);
}

void config_print_help(void)
{
    static char help[HELP_BYTES];
    config_help(help, sizeof(help));
    fputs(help, stdout);
}
