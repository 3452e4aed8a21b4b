/* Checks of the tree that a compiler does not make. Reads each file once; every message names the line
 * and the remedy.
 *
 *     tidy ROOT          checks the tree; exit 1 when something is wrong
 *     tidy --self-test   checks one planted violation of each rule; exit 1 when one is missed
 */

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FUNCTION_LINES_MAX 70

/* Includes go down: a folder may include these folders, its own is always allowed. */
static const struct {
    const char *folder, *may_include;
} directions[] = {
    {"common", ""},           {"engine", "common"},
    {"settlement", "common"}, {"ledger", "common"},
    {"gateway", "common"},    {"node", "common engine settlement ledger gateway"},
};

/* A file with one of these suffixes is a shell and may talk to the world. */
static const char *const shell_suffixes[] = {"_raft", "_pg",  "_h2o", "_uv", "_fs",
                                             "_json", "_ini", "_os",  "_ssl"};

/* Foreign headers, and the suffixes of the files that may include them. */
static const struct {
    const char *header, *suffixes;
} foreign_headers[] = {
    {"raft.h", "_raft"},
    {"uv.h", "_uv _raft _h2o _pg"},
    {"h2o", "_h2o"},
    {"libpq-fe.h", "_pg"},
    {"ini.h", "_ini"},
    {"unistd.h", "_fs _os _h2o _pg _raft _uv log"},
    {"fcntl.h", "_fs _os _h2o _pg _raft _uv"},
    {"poll.h", "_fs _os _h2o _pg _raft _uv"},
    {"sys/socket.h", "_os _h2o _pg _raft _uv"},
    {"sys/mman.h", "_os _fs"},
    {"sys/stat.h", "_os _fs _ini"},
    {"pthread.h", "_os _h2o _pg _raft _uv"},
    {"time.h", "_os _h2o _pg _raft _uv _fs _ssl log"},
};

/* What a verb or noun may not call: memory, clocks, text formatting and I/O belong to shells. */
static const char *const impure_calls[] = {
    "malloc", "calloc",       "realloc", "free",      "time",      "clock",  "clock_gettime",
    "printf", "gettimeofday", "fprintf", "snprintf",  "vsnprintf", "fopen",  "fread",
    "fwrite", "open",         "read",    "write",     "pread",     "pwrite", "send",
    "recv",   "socket",       "usleep",  "nanosleep", "getenv",    "strdup", "asprintf",
};

/* Nowhere. */
static const char *const banned_calls[] = {"strcpy", "strcat", "sprintf", "vsprintf",
                                           "atoi",   "atol",   "rand",    "gets"};

static const char *const banned_words[] = {"util", "misc", "helper", "manager"};

/* Files that are neither verb nor noun without having a shell's suffix, each with its reason. */
static const struct {
    const char *path, *reason;
} impure_files[] = {
    {"common/assert.c", "a broken fact is printed before the process stops"},
    {"common/log.c", "the log is where text is made and a clock is read"},
    {"common/metrics.c", "prints Prometheus text"},
};

/* Files whose functions carry other nouns than the file's own name, as their headers say. */
static const struct {
    const char *path, *nouns;
} file_nouns[] = {
    {"common/money.c", "amount qty decimal price"},
    {"common/messages.c", "message command event notice"},
    {"common/reject.c", "reject refusal"},
    {"common/genesis.c", "genesis validator"},
    {"engine/loop.c", "engine loop"},
    {"settlement/snapshot.c", "settlement"},
};

struct file {
    const char *path; /* relative to the root */
    const char *text; /* as it is */
    char *code;       /* comments and literals blanked, same length */
    char folder[32];
    char stem[64]; /* file name without extension */
};

static const char *root = ".";
static int finding_count;
static bool quiet;
static char last_finding[1024];

__attribute__((format(printf, 3, 4))) static void finding(const struct file *file, int line,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_finding, sizeof(last_finding), format, arguments);
    va_end(arguments);
    finding_count++;
    if (!quiet) fprintf(stderr, "%s:%d: %s\n", file->path, line, last_finding);
}

static bool word_in(const char *word, const char *words)
{
    const size_t length = strlen(word);
    if (length == 0) return false;
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t text_bytes = strlen(text), end_bytes = strlen(end);
    return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

static bool identifier_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_';
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    while (text < at)
        if (*text++ == '\n') line++;
    return line;
}

/* Blanks the literal that starts at *at and returns the byte after it. */
static char *blank_literal(char *at)
{
    const char quote = *at++;
    while (*at != '\0' && *at != quote) {
        if (*at == '\\' && at[1] != '\0') *at++ = ' ';
        if (*at != '\n') *at = ' ';
        at++;
    }
    return *at == '\0' ? at : at + 1;
}

static char *blank_comment(char *at)
{
    const bool line_comment = at[1] == '/';
    while (*at != '\0') {
        if (line_comment && *at == '\n') return at;
        if (!line_comment && at[0] == '*' && at[1] == '/') {
            at[0] = at[1] = ' ';
            return at + 2;
        }
        if (*at != '\n') *at = ' ';
        at++;
    }
    return at;
}

static void blank_all(char *code)
{
    for (char *at = code; *at != '\0';) {
        if (at[0] == '#' && strncmp(at, "#include", 8) == 0) {
            while (*at != '\0' && *at != '\n')
                at++; /* its quotes name a file */
        } else if (*at == '"' || *at == '\'') {
            at = blank_literal(at);
        } else if (at[0] == '/' && (at[1] == '*' || at[1] == '/')) {
            at = blank_comment(at);
        } else {
            at++;
        }
    }
}

static bool core_folder(const struct file *file)
{
    return word_in(file->folder, "common engine settlement ledger gateway");
}

static bool shell_file(const struct file *file)
{
    for (size_t i = 0; i < sizeof(shell_suffixes) / sizeof(*shell_suffixes); i++)
        if (ends_with(file->stem, shell_suffixes[i])) return true;
    return false;
}

static bool pure_file(const struct file *file)
{
    for (size_t i = 0; i < sizeof(impure_files) / sizeof(*impure_files); i++)
        if (strcmp(file->path, impure_files[i].path) == 0) return false;
    return core_folder(file) && !shell_file(file);
}

/* The first place from `at` where `name` is called, or NULL. */
static const char *find_call(const char *at, const char *name)
{
    const char *const start = at;
    const size_t length = strlen(name);
    for (; (at = strstr(at, name)) != NULL; at += length)
        if ((at == start || (!identifier_byte(at[-1]) && at[-1] != '.' && at[-1] != '>')) &&
            at[length] == '(')
            return at;
    return NULL;
}

static const char *find_word(const char *at, const char *word)
{
    const char *const start = at;
    const size_t length = strlen(word);
    for (; (at = strstr(at, word)) != NULL; at += length)
        if ((at == start || !identifier_byte(at[-1])) && !identifier_byte(at[length])) return at;
    return NULL;
}

static void check_include(const struct file *file, const char *at, const char *name)
{
    const int line = line_of(file->code, at);
    const char *slash = strchr(name, '/');
    char folder[32] = "";
    if (slash != NULL) snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);

    for (size_t i = 0; i < sizeof(directions) / sizeof(*directions); i++) {
        if (strcmp(directions[i].folder, file->folder) != 0) continue;
        if (strcmp(folder, file->folder) == 0 || word_in(folder, directions[i].may_include))
            continue;
        if (word_in(folder, "common engine settlement ledger gateway node tests"))
            finding(file, line, "%s/ may not include %s: they meet in common/", file->folder, name);
    }
    if (!core_folder(file)) return;
    for (size_t i = 0; i < sizeof(foreign_headers) / sizeof(*foreign_headers); i++) {
        const char *header = foreign_headers[i].header;
        const bool same = strcmp(name, header) == 0 ||
                          (strcmp(header, "h2o") == 0 &&
                           (strcmp(name, "h2o.h") == 0 || strncmp(name, "h2o/", 4) == 0)) ||
                          (ends_with(header, "/") && strncmp(name, header, strlen(header)) == 0);
        if (!same) continue;
        char suffixes[128];
        snprintf(suffixes, sizeof(suffixes), "%s", foreign_headers[i].suffixes);
        bool allowed = false;
        for (char *suffix = strtok(suffixes, " "); suffix != NULL; suffix = strtok(NULL, " "))
            if (ends_with(file->stem, suffix)) allowed = true;
        if (!allowed)
            finding(file, line, "<%s> belongs to files named %s: move the I/O to a shell", name,
                    foreign_headers[i].suffixes);
    }
}

static void check_includes(const struct file *file)
{
    for (const char *at = file->code; (at = strstr(at, "#include ")) != NULL; at += 9) {
        char name[128];
        if (sscanf(at, "#include \"%127[^\"]\"", name) == 1 ||
            sscanf(at, "#include <%127[^>]>", name) == 1)
            check_include(file, at, name);
    }
}

static void check_calls(const struct file *file)
{
    for (size_t i = 0; i < sizeof(banned_calls) / sizeof(*banned_calls); i++) {
        const char *at = find_call(file->code, banned_calls[i]);
        if (at != NULL)
            finding(file, line_of(file->code, at), "%s has no bound: use the checked form",
                    banned_calls[i]);
    }
    if (!pure_file(file)) return;
    for (size_t i = 0; i < sizeof(impure_calls) / sizeof(*impure_calls); i++) {
        const char *at = find_call(file->code, impure_calls[i]);
        if (at != NULL)
            finding(file, line_of(file->code, at),
                    "%s in a verb or noun: take it as an input, or move it to a shell",
                    impure_calls[i]);
    }
}

static void check_floats(const struct file *file)
{
    static const char *const words[] = {"float", "double"};
    if (!core_folder(file)) return;
    for (size_t i = 0; i < 2; i++) {
        const char *at = find_word(file->code, words[i]);
        if (at != NULL)
            finding(file, line_of(file->code, at), "%s near money: use whole numbers (money.h)",
                    words[i]);
    }
}

static void check_name(const struct file *file)
{
    for (size_t i = 0; i < sizeof(banned_words) / sizeof(*banned_words); i++)
        if (strstr(file->stem, banned_words[i]) != NULL)
            finding(file, 1, "a file is named after its noun, never \"%s\"", banned_words[i]);
}

static void check_header(const struct file *file)
{
    char guard[128];
    size_t length = 0;
    for (const char *at = file->path; *at != '\0' && length + 1 < sizeof(guard); at++)
        guard[length++] = identifier_byte(*at) ? (char)toupper((unsigned char)*at) : '_';
    guard[length] = '\0';

    if (strncmp(file->text, "/* ", 3) != 0 || strchr(file->text, '.') == NULL)
        finding(file, 1, "a header opens with a comment whose first sentence says what it is");
    char wanted[320], short_guard[320];
    snprintf(wanted, sizeof(wanted), "#ifndef %s\n#define %s\n", guard, guard);
    /* A test's own header is known by its last two names. */
    const char *folder = strrchr(file->path, '/');
    while (folder > file->path && folder[-1] != '/')
        folder--;
    snprintf(short_guard, sizeof(short_guard), "#ifndef TESTS_%s", guard + (folder - file->path));
    if (strcmp(file->folder, "tests") == 0 && strstr(file->text, short_guard) != NULL) return;
    if (strstr(file->text, wanted) == NULL) finding(file, 1, "the include guard is %s", guard);
}

/* The function name of a definition whose signature ends before `brace`; false when it is static or
 * not a function. */
static bool external_name(const char *code, const char *brace, char *name, size_t capacity)
{
    const char *start = brace;
    while (start > code && !(start[-1] == '\n' && (start - 1 == code || start[-2] == '\n' ||
                                                   start[-2] == '}' || start[-2] == ';')))
        start--;
    const char *open = memchr(start, '(', (size_t)(brace - start));
    if (open == NULL || find_word(start, "static") != NULL) {
        const char *is_static = find_word(start, "static");
        if (open == NULL || (is_static != NULL && is_static < brace)) return false;
    }
    const char *end = open;
    while (end > start && end[-1] == ' ')
        end--;
    const char *first = end;
    while (first > start && identifier_byte(first[-1]))
        first--;
    snprintf(name, capacity, "%.*s", (int)(end - first), first);
    return first < end;
}

static void check_external_name(const struct file *file, const char *brace)
{
    char name[128], noun[64];
    if (!core_folder(file) || !external_name(file->code, brace, name, sizeof(name))) return;
    for (size_t i = 0; i < sizeof(file_nouns) / sizeof(*file_nouns); i++) {
        if (strcmp(file->path, file_nouns[i].path) != 0) continue;
        char first[128];
        snprintf(first, sizeof(first), "%s", name);
        first[strcspn(first, "_")] = '\0';
        if (word_in(first, file_nouns[i].nouns)) return;
    }
    snprintf(noun, sizeof(noun), "%s", file->stem);
    noun[strcspn(noun, "_")] = '\0';
    const size_t length = strlen(noun);
    if (length > 3 && noun[length - 1] == 's') noun[length - 1] = '\0'; /* accounts.c: account_ */
    if (strncmp(name, noun, strlen(noun)) != 0 && strcmp(name, "LLVMFuzzerTestOneInput") != 0)
        finding(file, line_of(file->code, brace),
                "%s: an external name starts with its file's noun", name);
}

static void check_functions(const struct file *file)
{
    for (const char *at = file->code; (at = strstr(at, "\n{\n")) != NULL;) {
        const char *end = strstr(at + 2, "\n}");
        if (end == NULL) return;
        const int first = line_of(file->code, at + 1), last = line_of(file->code, end + 1);
        if (last - first - 1 > FUNCTION_LINES_MAX)
            finding(file, first,
                    "a body of %d lines: split it where the reader would pause (max %d)",
                    last - first - 1, FUNCTION_LINES_MAX);
        check_external_name(file, at + 1);
        at = end;
    }
}

static bool exists(const char *format, ...)
{
    char relative[512], path[1024];
    struct stat status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(relative, sizeof(relative), format, arguments);
    va_end(arguments);
    snprintf(path, sizeof(path), "%s/%s", root, relative);
    return stat(path, &status) == 0;
}

static void check_has_test(const struct file *file)
{
    char noun[64];
    snprintf(noun, sizeof(noun), "%s", file->stem);
    for (size_t i = 0; i < sizeof(shell_suffixes) / sizeof(*shell_suffixes); i++)
        if (ends_with(noun, shell_suffixes[i]))
            noun[strlen(noun) - strlen(shell_suffixes[i])] = '\0';
    if (!exists("tests/unit/%s/test_%s.c", file->folder, file->stem) &&
        !exists("tests/unit/%s/test_%s.c", file->folder, noun))
        finding(file, 1, "its test tests/unit/%s/test_%s.c is missing", file->folder, noun);
}

static void check_text(const char *path, const char *text, bool on_disk)
{
    struct file file = {.path = path, .text = text, .code = strdup(text)};
    const char *slash = strchr(path, '/'), *name = strrchr(path, '/') + 1;
    snprintf(file.folder, sizeof(file.folder), "%.*s", (int)(slash - path), path);
    snprintf(file.stem, sizeof(file.stem), "%.*s", (int)strcspn(name, "."), name);
    blank_all(file.code);

    check_name(&file);
    check_includes(&file);
    check_calls(&file);
    check_floats(&file);
    if (ends_with(path, ".h")) check_header(&file);
    if (ends_with(path, ".c")) check_functions(&file);
    if (on_disk && core_folder(&file) && ends_with(path, ".c")) check_has_test(&file);
    free(file.code);
}

static void check_file(const char *relative)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", root, relative);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return;
    fseek(stream, 0, SEEK_END);
    const long size = ftell(stream);
    rewind(stream);
    char *text = calloc(1, (size_t)size + 1);
    if (text != NULL && fread(text, 1, (size_t)size, stream) == (size_t)size)
        check_text(relative, text, true);
    free(text);
    fclose(stream);
}

static int check_folder(const char *relative)
{
    char path[1024];
    int file_count = 0;
    snprintf(path, sizeof(path), "%s/%s", root, relative);
    DIR *folder = opendir(path);
    if (folder == NULL) return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char inner[768];
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0) continue;
        snprintf(inner, sizeof(inner), "%s/%s", relative, entry->d_name);
        if (entry->d_type == DT_DIR) {
            file_count += check_folder(inner);
        } else if (ends_with(inner, ".c") || ends_with(inner, ".h")) {
            check_file(inner);
            file_count++;
        }
    }
    closedir(folder);
    return file_count;
}

/* One violation of each rule, and a part of the message that must come. */
static const struct {
    const char *path, *text, *expected;
} plants[] = {
    {"engine/a.c", "#include \"gateway/admit.h\"\n", "may not include"},
    {"common/a.c", "#include \"engine/book.h\"\n", "may not include"},
    {"ledger/wal.c", "#include <raft.h>\n", "belongs to files named"},
    {"gateway/a.c", "#include <h2o/http1.h>\n", "belongs to files named"},
    {"settlement/store.c", "#include <libpq-fe.h>\n", "belongs to files named"},
    {"engine/a.c", "int a = 1;\nvoid *b = malloc(1);\n", "malloc in a verb or noun"},
    {"engine/a.c", "long a = clock_gettime(0, 0);\n", "clock_gettime in a verb or noun"},
    {"settlement/a.c", "int a = snprintf(b, 1, c);\n", "snprintf in a verb or noun"},
    {"engine/a.c", "static double price;\n", "double near money"},
    {"node/a.c", "int a = atoi(b);\n", "atoi has no bound"},
    {"common/string_utils.c", "\n", "never \"util\""},
    {"common/a.h", "#ifndef COMMON_A_H\n#define COMMON_A_H\n#endif\n", "first sentence"},
    {"common/a.h", "/* A thing. */\n#ifndef A_H\n#define A_H\n#endif\n", "COMMON_A_H"},
    {"engine/book.c", "\nint add_order(void)\n{\n    return 1;\n}\n",
     "starts with its file's noun"},
};

/* What looks like a violation and is none. */
static const struct {
    const char *path, *text;
} innocents[] = {
    {"engine/a.c", "/* malloc(1) and double are words */\nconst char *a = \"atoi(b)\";\n"},
    {"engine/book.c", "\nint book_add(void)\n{\n    return out->write(1);\n}\n"},
    {"engine/book.c", "\nstatic int add_order(void)\n{\n    return 1;\n}\n"},
    {"ledger/wal_fs.c", "#include <fcntl.h>\nvoid *wal_a = malloc(1);\n"},
    {"node/a.c", "#include \"gateway/admit.h\"\nvoid *a = malloc(1);\n"},
};

static bool long_function_found(void)
{
    char text[4096] = "\nint book_a(void)\n{\n";
    for (int i = 0; i <= FUNCTION_LINES_MAX; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "    a();\n");
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "}\n");
    check_text("engine/book.c", text, false);
    return strstr(last_finding, "split it") != NULL;
}

static int self_test(void)
{
    int missed = 0;
    quiet = true;
    for (size_t i = 0; i < sizeof(plants) / sizeof(*plants); i++) {
        finding_count = 0;
        last_finding[0] = '\0';
        check_text(plants[i].path, plants[i].text, false);
        if (finding_count > 0 && strstr(last_finding, plants[i].expected) != NULL) continue;
        fprintf(stderr, "missed: %s in %s (found: %s)\n", plants[i].expected, plants[i].path,
                last_finding);
        missed++;
    }
    for (size_t i = 0; i < sizeof(innocents) / sizeof(*innocents); i++) {
        finding_count = 0;
        check_text(innocents[i].path, innocents[i].text, false);
        if (finding_count == 0) continue;
        fprintf(stderr, "false alarm in %s: %s\n", innocents[i].path, last_finding);
        missed++;
    }
    if (!long_function_found()) missed++;
    printf("%d missed or false\n", missed);
    return missed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"common",  "engine", "settlement", "ledger",
                                          "gateway", "node",   "tests",      "benchmarks"};
    if (argc == 2 && strcmp(argv[1], "--self-test") == 0) return self_test();
    if (argc != 2) {
        fprintf(stderr, "usage: tidy ROOT | --self-test\n");
        return 2;
    }
    root = argv[1];
    int file_count = 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        file_count += check_folder(folders[i]);
    printf("%d files, %d findings\n", file_count, finding_count);
    return finding_count == 0 && file_count > 0 ? 0 : 1;
}
