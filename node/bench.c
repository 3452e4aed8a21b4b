#include "node/bench.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} parts[] = {
    {"match", bench_match_main, "the book and matching alone"},
    {"engine", bench_engine_main, "the whole engine, as the node runs it"},
    {"snapshot", bench_snapshot_main, "a snapshot of the engine while commands go on"},
};

static void print_usage(FILE *to)
{
    fputs("usage: quorex bench PART [options]\n", to);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        fprintf(to, "  %-14s %s\n", parts[i].name, parts[i].help);
    fputs("Each part takes --help.\n", to);
}

int bench_main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(parts[i].name, argv[1]) == 0) return parts[i].run(argc - 1, argv + 1);
    print_usage(stderr);
    return 2;
}
