/* A node's own settings: from defaults, a file, the environment and the command line, in this order.
 *
 * Expanded from config.def. Every source goes through one setter, so a value is checked alike
 * wherever it comes from; what comes later wins. Unknown keys of the file and the command line, and
 * bad values anywhere, are errors that name their place.
 *
 * Owner    the main thread, before any other starts
 * Memory   all texts live in struct config
 * Limits   CONFIG_TEXT_MAX bytes of text; a line of the file may have 1,000 bytes
 */

#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_TEXT_MAX 511

struct config {
#define TEXT(name, when, standard, help)                char name[CONFIG_TEXT_MAX + 1];
#define NUMBER(name, when, standard, least, most, help) uint64_t name;
#define POWER(name, when, standard, least, most, help)  uint64_t name;
#define WORD(name, when, standard, words, help)         uint32_t name;
#include "common/config.def"
#undef TEXT
#undef NUMBER
#undef POWER
#undef WORD
};

/* What is wrong, and where. */
struct config_error {
    char source[CONFIG_TEXT_MAX + 1]; /* the file, "environment" or "command line" */
    int line;                         /* of the file; 0 elsewhere */
    char key[64];
    char reason[128];
};

void config_defaults(struct config *config);

/* Sets `key`, with _ or - between its words. False: unknown or a bad value; `error` has key and
 * reason then, and nothing is changed. */
MUST_CHECK bool config_set(struct config *config, const char *key, const char *value,
                           struct config_error *error);

/* Sets what QUOREX_KEY=value entries of a NULL-terminated environment say; other entries are not
 * ours. */
MUST_CHECK bool config_environment(struct config *config, char *const environment[],
                                   struct config_error *error);

/* Sets what --key value and --key=value say. --config and its value are skipped; anything else is an
 * error. The array does not hold the program's name. */
MUST_CHECK bool config_arguments(struct config *config, int count, char *const arguments[],
                                 struct config_error *error);

/* Called with the name of a setting that differs, and whether it was taken. */
typedef void config_told(void *context, const char *name, bool is_taken);

/* Takes from `fresh` the settings that may change while a node runs; the others stay as they are. Each that differs is
 * told of. */
void config_take(struct config *config, const struct config *fresh, config_told *told,
                 void *context);

/* One line a setting, with default and range; returns the length, cut at `capacity`. */
size_t config_help(char *text, size_t capacity);

/* In config_ini.c: */

/* Sets what the lines "key = value" of a file say; # and ; start a comment. A value may be enclosed
 * in double quotes. */
MUST_CHECK bool config_file(struct config *config, const char *path, struct config_error *error);

/* All sources in order; the file is the one named by --config or QUOREX_CONFIG, if any. An empty
 * `directory` and `genesis` are filled in from the file's place. */
MUST_CHECK bool config_load(struct config *config, int count, char *const arguments[],
                            char *const environment[], struct config_error *error);

/* Writes "source:line: key: reason" to standard error. */
void config_print_error(const struct config_error *error);

/* Writes config_help to standard output. */
void config_print_help(void);

#endif /* COMMON_CONFIG_H */
