/* quorex: one program, its parts as subcommands. */

#include "common/hash.h"
#include "node/admin.h"
#include "node/bench.h"
#include "node/demo_accounts.h"
#include "node/demo_flow.h"
#include "node/epoch.h"
#include "node/heap.h"
#include "node/init.h"
#include "node/join.h"
#include "node/light.h"
#include "node/node.h"
#include "node/verify_main.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"node", node_main, "run a node"},
    {"init", init_main, "make a new chain and its first nodes"},
    {"join", join_main, "make a new node for a chain that runs"},
    {"light", light_main, "follow a chain by headers and certificates, trusting no server"},
    {"admin", admin_main, "operators: list, open accounts, credit, halt"},
    {"epoch", epoch_main, "operators: the way out of a stuck chain"},
    {"verify", verify_main, "audit a chain offline, re-executing every block"},
    {"bench", bench_main, "measure the matching engine on this machine"},
    {"demo-accounts", demo_accounts_main, "make and fund the demo's accounts"},
    {"demo-flow", demo_flow_main, "trade on the demo's markets"},
};

static void print_usage(FILE *to)
{
    fputs("usage: quorex COMMAND [options]\n", to);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].help);
    fputs("  --version\n"
          "Each command takes --help.\n",
          to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("quorex " QUOREX_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (!hash_start()) {
        fputs("quorex: this machine gives no randomness\n", stderr);
        return 1;
    }
    heap_keep();
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, argv[1]) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "quorex: no command is called \"%s\"\n", argv[1]);
    print_usage(stderr);
    return 2;
}
