/* What a node of a benchmark does otherwise than `quorex node`, beside its gateway (cluster_feeder.c):
 * operators' commands need no signature, so that a million accounts are made in no time (commands that
 * trade are checked as ever); and the anchor may be left out, to see what log and engine do alone. */

#define authority_objection     settlement_authority_objection
#define authority_but_signature settlement_authority_but_signature
#include "settlement/authority.c"
#undef authority_objection
#undef authority_but_signature

#define anchor_run node_anchor_run
#include "node/anchor.c"
#undef anchor_run

#include "benchmarks/cluster.h"

enum status anchor_run(const struct anchor_options *options);
const char *authority_objection(const struct authority *authority, const struct command *command);
const char *authority_but_signature(const struct authority *authority,
                                    const struct command *command,
                                    struct authority_signature *signature);

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    if (is_operators(command->header.type)) return NULL;
    return settlement_authority_objection(authority, command);
}

/* What the leader asks of what others send. Without an anchor nobody tells it of accounts. */
const char *authority_but_signature(const struct authority *authority,
                                    const struct command *command,
                                    struct authority_signature *signature)
{
    *signature = (struct authority_signature){0};
    if (!cluster->with_anchor || is_operators(command->header.type)) return NULL;
    return settlement_authority_but_signature(authority, command, signature);
}

/* Takes what the engine hands on, and drops it. */
static enum status anchor_drain(const struct anchor_options *options)
{
    size_t byte_count;
    while (atomic_load_explicit(&options->progress->stopping, memory_order_acquire) == 0) {
        bool any = false;
        for (; ring_peek(options->applied, &byte_count) != NULL; any = true)
            ring_pop(options->applied);
        ring_release(options->applied);
        if (!any && ring_sleepy(options->applied)) park_sleep(options->park, 100);
        ring_awake(options->applied);
    }
    return STATUS_OK;
}

enum status anchor_run(const struct anchor_options *options)
{
    return cluster->with_anchor ? node_anchor_run(options) : anchor_drain(options);
}
