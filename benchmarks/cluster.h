/* What bench_cluster and its nodes share: a page of memory for wishes and figures, and the traffic.
 *
 * Each node is a process that runs `quorex node` as it is, but with a feeder in the gateway's place
 * (cluster_feeder.c): commands go into the ring to the log and come back from the engine without HTTP. The
 * driver (bench_cluster.c) says what it wants in struct cluster_node and reads there what was seen.
 *
 * Owner    wishes: the driver writes; figures: the node's feeder writes; anyone reads
 * Memory   one file, mapped by all of them; it outlives a node that is killed
 */

#ifndef BENCHMARKS_CLUSTER_H
#define BENCHMARKS_CLUSTER_H

#include "common/messages.h"

#include <stdalign.h>
#include <stdatomic.h>

#define CLUSTER_NODES_MAX 8
#define CLUSTER_BUCKETS   2560                /* 64 for each power of two of nanoseconds */
#define CLUSTER_FILE      "QUOREX_BENCH_FILE" /* environment: the mapped file */

enum cluster_work {
    WORK_NONE,
    WORK_ACCOUNTS, /* accounts with a key and funds, each once: one node's alone */
    WORK_ORDERS,   /* orders that rest far from the middle, each once: likewise */
    WORK_MATCH,    /* orders at one price, the sides taking turns: half of them match */
    WORK_BOOK      /* 46 of 100 rest, 46 cancel, 8 take */
};

enum cluster_histogram {
    COMMITS,            /* a command from the ring to the log until the engine's answer is back */
    COMMITS_CHECKPOINT, /* the same while this node makes a checkpoint */
    CERTIFICATES,       /* a block from sealed to certified, as the gateway hears of it */
    HISTOGRAMS
};

struct cluster_node {
    /* Wishes. */
    alignas(64) _Atomic uint32_t work; /* enum cluster_work */
    _Atomic uint64_t in_flight;        /* commands under way at most; 0: rest */
    _Atomic uint64_t watch_ns;         /* set, then first_ns of a command sent later is told */

    /* Figures. */
    alignas(64) _Atomic uint32_t pid;
    _Atomic uint32_t is_open; /* replayed, and its own HELLO is back */
    _Atomic uint32_t leader;
    _Atomic uint64_t under_way;
    _Atomic uint64_t done;       /* commands that came back */
    _Atomic uint64_t refused;    /* of them: a REFUSED, or a NOOP */
    _Atomic uint64_t work_count; /* of ACCOUNTS or ORDERS: commands that came back */
    _Atomic uint64_t first_ns;
    _Atomic uint64_t height, certified_height, checkpoint_height;
    _Atomic uint64_t histograms[HISTOGRAMS][CLUSTER_BUCKETS];
};

struct cluster {
    uint32_t accounts, orders, rest_ms;
    bool with_anchor, with_views;
    struct cluster_node nodes[CLUSTER_NODES_MAX]; /* by node id - 1 */
};

/* Mapped by cluster_map; NULL in a process that is no node of a benchmark. */
extern struct cluster *cluster;

/* False when the file cannot be mapped. `create`: makes it, all zero. */
bool cluster_map(const char *path, bool create);

uint64_t cluster_now_ns(void);

static inline uint32_t cluster_bucket(uint64_t ns)
{
    if (ns < 64) return (uint32_t)ns;
    const uint32_t power = 63u - (uint32_t)__builtin_clzll(ns);
    const uint32_t at = (power - 6) * 64 + (uint32_t)(ns >> (power - 6));
    return at < CLUSTER_BUCKETS ? at : CLUSTER_BUCKETS - 1;
}

/* The middle of a bucket. */
static inline uint64_t cluster_bucket_ns(uint32_t bucket)
{
    if (bucket < 128) return bucket;
    const uint32_t power = bucket / 64 - 1 + 6;
    return ((uint64_t)(bucket % 64 + 64) << (power - 6)) + (UINT64_C(1) << (power - 6)) / 2;
}

/* ---- Traffic. */

#define TRAFFIC_SLOTS 4096

struct traffic {
    uint32_t node, accounts, orders;
    uint64_t random, count; /* commands made so far of the work in hand */
    uint64_t client;        /* last client id given */
    uint32_t work;
    struct {
        uint64_t client;
        uint32_t account;
        uint16_t market;
    } slots[TRAFFIC_SLOTS]; /* orders that rest, of WORK_BOOK */
};

/* Accounts are 1 .. accounts, each with a key named after it. */
void traffic_begin(struct traffic *traffic, uint32_t node, uint32_t accounts, uint32_t orders);

/* Commands of a work that ends; 0: it does not. */
uint64_t traffic_total(const struct traffic *traffic, uint32_t work);

/* Writes the next command of `work`, with `ticket`, to `at`, which has room for COMMAND_BYTES_MAX. Returns its
 * length, 0 when the work is done. */
size_t traffic_next(struct traffic *traffic, uint32_t work, uint64_t ticket, uint8_t *at);

#endif /* BENCHMARKS_CLUSTER_H */
