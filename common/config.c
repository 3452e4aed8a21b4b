#include "common/config.h"

#include <stddef.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_NUMBER, KIND_POWER, KIND_WORD };

struct row {
    const char *name;
    enum kind kind;
    bool is_live;  /* may change while the node runs */
    size_t offset; /* in struct config */
    const char *text;
    uint64_t number;
    uint64_t least, most;
    const char *words;
    const char *help;
};

/* clang-format off */
static const struct row rows[] = {
#define START false
#define LIVE  true
#define TEXT(name, when, standard, help) \
    {#name, KIND_TEXT, when, offsetof(struct config, name), standard, 0, 0, 0, NULL, help},
#define NUMBER(name, when, standard, least, most, help) \
    {#name, KIND_NUMBER, when, offsetof(struct config, name), NULL, standard, least, most, NULL, help},
#define POWER(name, when, standard, least, most, help) \
    {#name, KIND_POWER, when, offsetof(struct config, name), NULL, standard, least, most, NULL, help},
#define WORD(name, when, standard, words, help) \
    {#name, KIND_WORD, when, offsetof(struct config, name), NULL, standard, 0, 0, words, help},
#include "common/config.def"
#undef TEXT
#undef NUMBER
#undef POWER
#undef WORD
#undef START
#undef LIVE
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Text that grows up to its capacity and stays terminated. */
struct text {
    char *bytes;
    size_t capacity;
    size_t length;
};

static void append(struct text *text, const char *more)
{
    while (*more != '\0' && text->length + 1 < text->capacity)
        text->bytes[text->length++] = *more++;
    if (text->capacity > 0) text->bytes[text->length] = '\0';
}

static void append_number(struct text *text, uint64_t number)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(text, digits + at);
}

/* Appends a setting's name as the command line spells it. */
static void append_flag(struct text *text, const char *name)
{
    for (; *name != '\0'; name++)
        append(text, (char[]){*name == '_' ? '-' : *name, '\0'});
}

static struct text reason_of(struct config_error *error)
{
    error->reason[0] = '\0';
    return (struct text){error->reason, sizeof(error->reason), 0};
}

/* Whether `key`, of `key_bytes`, spells `name`; letters may be upper-case in the environment. */
static bool key_is(const char *key, size_t key_bytes, const char *name, bool upper)
{
    if (strlen(name) != key_bytes) return false;
    for (size_t i = 0; i < key_bytes; i++) {
        char byte = key[i] == '-' ? '_' : key[i];
        if (upper && byte >= 'A' && byte <= 'Z') byte = (char)(byte - 'A' + 'a');
        if (byte != name[i]) return false;
    }
    return true;
}

static const struct row *find_row(const char *key, size_t key_bytes, bool upper)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (key_is(key, key_bytes, rows[i].name, upper)) return &rows[i];
    return NULL;
}

/* Digits with at most one of K, M, G behind them. */
static bool parse_number(const char *value, uint64_t *number)
{
    uint64_t parsed = 0;
    const size_t digits = strspn(value, "0123456789");
    if (digits == 0) return false;
    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(parsed, (uint64_t)10, &parsed) ||
            __builtin_add_overflow(parsed, (uint64_t)(value[i] - '0'), &parsed))
            return false;

    int shift = 0;
    if (value[digits] != '\0') {
        const char *const suffix = strchr("KMG", value[digits]);
        if (suffix == NULL || value[digits + 1] != '\0') return false;
        shift = 10 * (1 + (int)(suffix - strchr("KMG", 'K')));
    }
    if (parsed > UINT64_MAX >> shift) return false;
    *number = parsed << shift;
    return true;
}

static bool set_text(void *field, const char *value, struct config_error *error)
{
    const size_t length = strlen(value);
    if (length > CONFIG_TEXT_MAX) {
        struct text reason = reason_of(error);
        append(&reason, "at most ");
        append_number(&reason, CONFIG_TEXT_MAX);
        append(&reason, " bytes");
        return false;
    }
    memcpy(field, value, length + 1);
    return true;
}

static bool set_number(const struct row *row, void *field, const char *value,
                       struct config_error *error)
{
    uint64_t number;
    const bool power = row->kind == KIND_POWER;
    if (!parse_number(value, &number) || number < row->least || number > row->most ||
        (power && (number & (number - 1)) != 0)) {
        struct text reason = reason_of(error);
        append(&reason, power ? "must be a power of two from " : "must be a whole number from ");
        append_number(&reason, row->least);
        append(&reason, " to ");
        append_number(&reason, row->most);
        return false;
    }
    memcpy(field, &number, sizeof(number));
    return true;
}

static bool set_word(const struct row *row, void *field, const char *value,
                     struct config_error *error)
{
    const size_t value_bytes = strlen(value);
    uint32_t place = 0;
    for (const char *at = row->words;; place++) {
        const size_t word_bytes = strcspn(at, "|");
        if (word_bytes == value_bytes && memcmp(at, value, word_bytes) == 0) break;
        at += word_bytes;
        if (*at == '\0') {
            struct text reason = reason_of(error);
            append(&reason, "must be one of ");
            append(&reason, row->words);
            return false;
        }
        at++;
    }
    memcpy(field, &place, sizeof(place));
    return true;
}

/* The one setter behind every source. */
static bool set_row(struct config *config, const struct row *row, const char *value,
                    struct config_error *error)
{
    void *const field = (char *)config + row->offset;
    switch (row->kind) {
    case KIND_TEXT:
        return set_text(field, value, error);
    case KIND_NUMBER:
    case KIND_POWER:
        return set_number(row, field, value, error);
    case KIND_WORD:
        return set_word(row, field, value, error);
    }
    return false;
}

static void name_key(struct config_error *error, const char *key, size_t key_bytes)
{
    if (key_bytes >= sizeof(error->key)) key_bytes = sizeof(error->key) - 1;
    memcpy(error->key, key, key_bytes);
    error->key[key_bytes] = '\0';
}

static void name_source(struct config_error *error, const char *source)
{
    struct text text = {error->source, sizeof(error->source), 0};
    append(&text, source);
    error->line = 0;
}

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const uint32_t place = (uint32_t)rows[i].number;
        void *const field = (char *)config + rows[i].offset;
        if (rows[i].kind == KIND_TEXT)
            memcpy(field, rows[i].text, strlen(rows[i].text) + 1);
        else if (rows[i].kind == KIND_WORD)
            memcpy(field, &place, sizeof(place));
        else
            memcpy(field, &rows[i].number, sizeof(rows[i].number));
    }
}

static bool set_key(struct config *config, const char *key, size_t key_bytes, const char *value,
                    struct config_error *error)
{
    const struct row *row = find_row(key, key_bytes, false);
    name_key(error, key, key_bytes);
    if (row == NULL) {
        struct text reason = reason_of(error);
        append(&reason, "no such setting");
        return false;
    }
    return set_row(config, row, value, error);
}

bool config_set(struct config *config, const char *key, const char *value,
                struct config_error *error)
{
    return set_key(config, key, strlen(key), value, error);
}

bool config_environment(struct config *config, char *const environment[],
                        struct config_error *error)
{
    static const char prefix[] = "QUOREX_";
    name_source(error, "environment");
    for (; *environment != NULL; environment++) {
        const char *const entry = *environment, *const equals = strchr(entry, '=');
        if (equals == NULL || strncmp(entry, prefix, sizeof(prefix) - 1) != 0) continue;
        const char *const key = entry + sizeof(prefix) - 1;
        const struct row *row = find_row(key, (size_t)(equals - key), true);
        if (row == NULL) continue;
        name_key(error, entry, (size_t)(equals - entry));
        if (!set_row(config, row, equals + 1, error)) return false;
    }
    return true;
}

static bool argument_error(struct config_error *error, const char *argument, const char *why)
{
    struct text reason = reason_of(error);
    name_key(error, argument, strlen(argument));
    append(&reason, why);
    return false;
}

bool config_arguments(struct config *config, int count, char *const arguments[],
                      struct config_error *error)
{
    name_source(error, "command line");
    for (int i = 0; i < count; i++) {
        const char *const argument = arguments[i];
        if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
            return argument_error(error, argument, "is not an option; try --help");

        const char *const key = argument + 2;
        const size_t key_bytes = strcspn(key, "=");
        const bool joined = key[key_bytes] == '=';
        if (!joined && i + 1 == count) return argument_error(error, argument, "needs a value");
        const char *const value = joined ? key + key_bytes + 1 : arguments[++i];
        if (key_is(key, key_bytes, "config", false)) continue;
        if (!set_key(config, key, key_bytes, value, error)) return false;
    }
    return true;
}

/* Bytes of its value that count. */
static size_t value_bytes(const struct row *row, const void *value)
{
    if (row->kind == KIND_TEXT) return strlen(value) + 1;
    return row->kind == KIND_WORD ? sizeof(uint32_t) : sizeof(uint64_t);
}

void config_take(struct config *config, const struct config *fresh, config_told *told,
                 void *context)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        void *const field = (char *)config + rows[i].offset;
        const void *const other = (const char *)fresh + rows[i].offset;
        const size_t bytes = value_bytes(&rows[i], other);
        if (value_bytes(&rows[i], field) == bytes && memcmp(field, other, bytes) == 0) continue;
        if (rows[i].is_live) memcpy(field, other, bytes);
        told(context, rows[i].name, rows[i].is_live);
    }
}

static void append_default(struct text *text, const struct row *row)
{
    append(text, " (");
    if (row->kind == KIND_TEXT) {
        append(text, row->text[0] == '\0' ? "empty" : row->text);
    } else if (row->kind == KIND_WORD) {
        append(text, row->words);
        append(text, ", ");
        const char *word = row->words;
        for (uint64_t i = 0; i < row->number; i++)
            word = strchr(word, '|') + 1;
        for (; *word != '\0' && *word != '|'; word++)
            append(text, (char[]){*word, '\0'});
    } else {
        append_number(text, row->least);
        append(text, " to ");
        append_number(text, row->most);
        append(text, ", ");
        append_number(text, row->number);
    }
    append(text, ")\n");
}

size_t config_help(char *text, size_t capacity)
{
    struct text help = {text, capacity, 0};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const size_t start = help.length;
        append(&help, "  --");
        append_flag(&help, rows[i].name);
        while (help.length - start < 24 && help.length + 1 < capacity)
            append(&help, " ");
        append(&help, rows[i].help);
        append_default(&help, &rows[i]);
    }
    return help.length;
}
