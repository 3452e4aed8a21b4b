/* Prints the documents that are lists, from the tables and headers they come from.
 *
 *     reference tables             docs/reference.md: routes, refusals, failures, settings, metrics, messages
 *     reference invariants ROOT    docs/invariants.md: every numbered invariant, by header
 *
 * ctest's tidy.reference and tidy.invariants compare; to renew a document, run this into it.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_routes(void)
{
    puts("## Routes\n\n| Method | Path | Weight | Security |\n|---|---|---|---|");
#define ROUTE(method, path, weight, security, handler) \
    printf("| %s | %s | %d | %s |\n", #method, path, weight, #security);
#include "gateway/routes.def"
#undef ROUTE
}

static void print_refusals(void)
{
    puts("\n## Refusals\n\nAn answer `{\"code\":…,\"msg\":…}`; the market or the gateway says no, "
         "and "
         "nothing has changed.\n\n| Name | Code | HTTP | Text |\n|---|---|---|---|");
#define REJECT(NAME, number, code, http, text) \
    if (number > 0) printf("| %s | %d | %d | %s |\n", #NAME, code, http, text);
#include "common/reject.def"
#undef REJECT
}

static void print_failures(void)
{
    puts("\n## Failures\n\nWhat the world can do to a node; in its log.\n\n| Name | Meaning "
         "|\n|---|---|");
#define STATUS(NAME, text) printf("| %s | %s |\n", #NAME, text);
#include "common/status.def"
#undef STATUS
}

/* `value` is the place of the default among the words. */
static void print_word(const char *name, const char *when, int value, const char *words,
                       const char *help)
{
    const char *at = words;
    for (int i = 0; i < value; i++)
        at = strchr(at, '|') + 1;
    printf("| %s | %.*s | %s | %s (", name, (int)strcspn(at, "|"), at, when, help);
    for (const char *letter = words; *letter != '\0'; letter++)
        fputs(*letter == '|' ? ", " : (char[]){*letter, '\0'}, stdout);
    puts(") |");
}

static void print_settings(void)
{
    puts(
        "\n## Settings of a node\n\nA key of quorex.conf, `QUOREX_KEY` in the environment, "
        "`--key` on "
        "the command line; the later wins.\nWhat counts at once does so when the node is told to "
        "read them again (SIGHUP); the rest\nwhen it starts.\n\n| Key | Default | Counts | Meaning "
        "|\n|---|---|---|---|");
#define START "at a start"
#define LIVE  "at once"
#define TEXT(name, when, value, help) \
    printf("| %s | \"%s\" | " when " | %s |\n", #name, value, help);
#define NUMBER(name, when, value, least, most, help) \
    printf("| %s | %d | " when " | %s |\n", #name, value, help);
#define POWER(name, when, value, least, most, help) \
    printf("| %s | %d | " when " | %s |\n", #name, value, help);
#define WORD(name, when, value, words, help) print_word(#name, when, value, words, help);
#include "common/config.def"
#undef TEXT
#undef NUMBER
#undef POWER
#undef WORD
#undef START
#undef LIVE
}

static void print_metrics(void)
{
    puts("\n## Metrics\n\nAt `/metrics`, Prometheus text.\n\n| Name | Kind | Meaning "
         "|\n|---|---|---|");
#define COUNTER(name, help) printf("| quorex_%s | counter | %s |\n", #name, help);
#define GAUGE(name, help)   printf("| quorex_%s | gauge | %s |\n", #name, help);
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
}

static void print_messages(void)
{
    puts("\n## Messages\n\nCommands, events and notices, with the fields of common/messages.def; "
         "little-endian, no padding.\n");
#define MESSAGE(kind, id, NAME, name) printf("- %s %d `%s`:", #kind, id, #NAME);
#define FIELD(type, name)             printf(" %s %s,", #type, #name);
#define BYTES(name, count)            printf(" bytes[%d] %s,", count, #name);
#define END(kind, NAME, name)         puts("");
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
}

static void print_tables(void)
{
    puts("# Reference\n\nPrinted from the tables in the source; a test compares. "
         "`build/release/reference tables` prints it anew.\n");
    print_routes();
    print_refusals();
    print_failures();
    print_settings();
    print_metrics();
    print_messages();
}

/* The lines of a header's Invariants paragraph, without the comment's stars. */
static void print_invariants_of(const char *root, const char *relative)
{
    char path[1024], line[512];
    bool inside = false;
    snprintf(path, sizeof(path), "%s/%s", root, relative);
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, " * Invariants", 13) == 0) {
            inside = true;
            printf("\n## %s\n\n", relative);
        }
        if (inside && (strncmp(line, " */", 3) == 0 || strcmp(line, " *\n") == 0)) break;
        if (inside) printf("    %s", line + 3);
    }
    fclose(file);
}

static int ends_in_h(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 2 && strcmp(entry->d_name + length - 2, ".h") == 0;
}

static void print_invariants(const char *root)
{
    static const char *const folders[] = {"common", "ledger", "engine", "settlement", "gateway"};
    puts("# Invariants\n\nWhat must hold, by the header that says so, with the function that "
         "asserts it."
         " Collected from the headers;\na test compares. `build/release/reference invariants .` "
         "prints it"
         " anew.");
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        struct dirent **names;
        char folder[1024];
        snprintf(folder, sizeof(folder), "%s/%s", root, folders[i]);
        const int count = scandir(folder, &names, ends_in_h, alphasort);
        for (int name = 0; name < count; name++) {
            char relative[512];
            snprintf(relative, sizeof(relative), "%s/%s", folders[i], names[name]->d_name);
            print_invariants_of(root, relative);
            free(names[name]);
        }
        if (count >= 0) free(names);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "tables") == 0) {
        print_tables();
    } else if (argc == 3 && strcmp(argv[1], "invariants") == 0) {
        print_invariants(argv[2]);
    } else {
        fputs("usage: reference tables | invariants ROOT\n", stderr);
        return 2;
    }
    return 0;
}
