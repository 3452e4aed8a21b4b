/* How far each part of the node has come: the few numbers that threads share beside the rings.
 *
 * Owner    one writer each, named below; anyone reads. One cache line a writer.
 */

#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#define PROGRESS_PEERS 64

/* Another node, as this one last heard of it. */
struct progress_peer {
    _Atomic uint32_t node; /* 0: none here */
    _Atomic uint32_t role; /* enum node_role */
    _Atomic uint32_t is_up;
    _Atomic uint64_t stored_index; /* last entry on its disk, as far as this node knows */
    _Atomic uint64_t height;
    _Atomic uint64_t certified_height;
    _Atomic int64_t clock_ahead_ns; /* of this node's clock */
    _Atomic uint32_t false_runs;    /* that it sent to this node as its leader */
};

/* What a node does that lacks the blocks below the checkpoint it began at (ledger/backfill.h). */
enum progress_backfill {
    BACKFILL_IS_WHOLE, /* nothing lacks, or nothing more is to be had */
    BACKFILL_FETCHES_HEADERS,
    BACKFILL_FETCHES_BLOCKS,
    BACKFILL_FINDS_NOBODY, /* it waits: no peer has `backfill_missing` */
    BACKFILL_HAS_FAILED    /* the log says why; the next start tries again */
};

/* The last pass of reconciliation that ended well. `count` is written last, with release; who reads it with
 * acquire before and after the others, and finds it the same, has one pass. */
struct progress_pass {
    _Atomic uint64_t count;  /* passes so far; 0: none */
    _Atomic uint64_t wanted; /* of how many that were asked for it knew when it began */
    _Atomic uint64_t from_height;
    _Atomic uint64_t to_height;
    _Atomic uint64_t balances; /* compared */
    _Atomic uint64_t accounts;
};

struct progress {
    /* Gateway loops (atomic maximum): a command whose answer may have left this node. Raised with
     * release before the answer is written; a loop serves a read only when its view has reached the
     * value it loads with acquire when the request comes. */
    alignas(64) _Atomic uint64_t acked_command;
    _Atomic uint32_t
        answered; /* while the node closes: 1 when nobody waits for a command any more */
    _Atomic uint64_t reconcile_wanted; /* passes of reconciliation that operators have asked for */

    /* Consensus loop: last command handed to the engine, and the last one that the log held when the
     * node started (0 until known). The gateway opens when the engine has passed the latter. */
    alignas(64) _Atomic uint64_t delivered_command;
    _Atomic uint64_t replay_command;
    _Atomic uint32_t is_leader;
    _Atomic uint64_t term;
    _Atomic uint32_t leader;    /* node id; 0: not known */
    _Atomic uint32_t role;      /* enum node_role of this node, in the log's configuration */
    _Atomic uint32_t admitting; /* 1 while what arrives may become commands */
    struct progress_peer peers[PROGRESS_PEERS]; /* as far as there are members, by rising node id */

    /* Engine thread: last command applied. */
    alignas(64) _Atomic uint64_t applied_command;

    /* Anchor (settlement thread): last block sealed and certified; 1 when this node has halted. */
    alignas(64) _Atomic uint64_t sealed_height;
    _Atomic uint64_t certified_height;
    _Atomic uint32_t halted;
    _Atomic uint32_t stuck; /* 1: at a height no hash can get enough votes any more */
    _Atomic uint64_t epoch; /* of the last block */
    _Atomic uint64_t
        settled_command; /* what it changed of accounts, keys and listings is on its way */
    struct progress_pass reconciled;

    /* Checkpoint maker: a certified checkpoint on disk holds everything up to this entry of the log. */
    alignas(64) _Atomic uint64_t forget_index;
    _Atomic uint64_t checkpoint_height; /* its height */

    /* Backfill thread; the main thread before there is one. */
    alignas(64) _Atomic uint32_t backfill;  /* enum progress_backfill */
    _Atomic uint64_t backfill_base;         /* blocks up to it are fetched; 0: none */
    _Atomic uint64_t backfill_headers_from; /* headers from it to the base are proved */
    _Atomic uint64_t backfill_height;       /* blocks up to it are here */
    _Atomic uint64_t backfill_bodies_from;  /* below it, bodies are not wanted */
    _Atomic uint64_t backfill_missing;      /* 0: none */

    /* PostgreSQL writer: the block and command up to which it has committed. release after the
     * commit; pairs with the gateway's acquire when it trims its tail. */
    alignas(64) _Atomic uint64_t projected_height;
    _Atomic uint64_t projected_command;
    _Atomic uint64_t
        projection_base; /* rows and balances are there: no body up to here is needed */
    struct progress_pass projection;
    _Atomic uint64_t
        history_from_ns; /* history at or before it was dropped by retention; 0: none was */
    _Atomic uint32_t
        projection_wrong; /* 1: a figure there is not the chain's (settlement/audit.h) */

    /* Main thread: 1 when nothing more is to be taken from clients, but what is under way answered; then 1
     * when the node is to stop. */
    alignas(64) _Atomic uint32_t closing;
    _Atomic uint32_t stopping;
};

#endif /* COMMON_PROGRESS_H */
