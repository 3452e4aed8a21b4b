/* The replicated log of one node, without loop, sockets, clock or thread: commands and messages of peers
 * in, agreed batches out.
 *
 *     commands ─► origin ─► (leader: here; else: forwarded) ─► sequence ─► raft_step() ─► WAL ─► deliver
 *
 * Everything of the world is handed in (struct replica_world), so that consensus_uv.c runs it on a loop and
 * tests/sim runs many in virtual time. Nothing is handed on, acknowledged to a leader or voted that is not on this
 * node's disk. The order of agreement is libraft's; the filters round its known defects are listed in
 * docs/decisions/.
 *
 *     while (there is something) { replica_receive ...; replica_turn }   sleep until replica_due
 *
 * Owner    one thread; every call gets the time, which never falls
 * Memory   its own from replica_new to replica_free
 * Limits   PEERS_MESSAGE_MAX a message; batches in flight as sequence.h has it
 * Progress blocks in writes to the log; one write for everything that came in one turn
 */

#ifndef LEDGER_REPLICA_H
#define LEDGER_REPLICA_H

#include "common/metrics.h"
#include "common/node_set.h"
#include "common/progress.h"
#include "common/status.h"
#include "ledger/peers.h"
#include "ledger/sequence.h"
#include "ledger/wal.h"

struct replica;

/* Where a replica's log and state begin: after entry `index`, which the state has taken in. All zero: at the
 * genesis. */
struct replica_base {
    uint64_t index;
    uint64_t term;
    hash_t hash; /* running hash of the log at `index` */
    uint64_t configuration_index;
    const uint8_t *configuration; /* as the log holds it */
    uint32_t configuration_bytes;
    struct sequence_base sequence;
};

/* What a checkpoint must know of the log at the SEAL that it is taken at. Good until the call returns. */
struct replica_mark {
    uint64_t height;
    struct replica_base base;
};

struct replica_world {
    void *context;
    struct peers peers;
    /* The next committed batch. False: there is no room; it comes again in a later turn. */
    bool (*deliver)(void *context, uint64_t index, const uint8_t *batch, size_t byte_count);
    /* A SEAL of a checkpoint's height has just been delivered. */
    void (*mark)(void *context, const struct replica_mark *mark);
    /* The next command of this node that has arrived, or NULL; then it is done with. */
    const uint8_t *(*arrived)(void *context, size_t *byte_count);
    void (*taken)(void *context);
    uint64_t (*random)(void *context);
};

struct replica_options {
    const struct genesis *genesis;
    uint32_t node;
    const struct node_set *nodes;    /* at the base; copied */
    const struct replica_base *base; /* NULL: from the genesis */
    const struct wal_disk *disk;
    uint64_t segment_bytes;
    struct replica_world world;
    struct metrics *metrics;
    struct progress
        *progress; /* writer of the consensus loop's fields; reads certified_height, stuck */
};

/* Opens the log. STATUS_DAMAGED (repair first: wal.h), STATUS_AMNESIAC, STATUS_BEHIND (the log does not reach
 * the base, or begins above it), STATUS_MISMATCH, STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY: logged. */
MUST_CHECK enum status replica_new(const struct replica_options *options, struct sequence_time now,
                                   struct replica **replica);

/* Closes the log. NULL is nothing. */
void replica_free(struct replica *replica);

/* A message of a peer. One that cannot be right is dropped and counted; it never harms. */
void replica_receive(struct replica *replica, struct sequence_time now, uint32_t node,
                     const uint8_t *bytes, size_t byte_count);

/* A link came up anew or went down. */
void replica_link(struct replica *replica, struct sequence_time now, uint32_t node, bool up);

/* Does all that can be done now: timers, what arrived, writes, messages, deliveries. True: call again at once.
 * After a failure it does nothing. */
bool replica_turn(struct replica *replica, struct sequence_time now);

/* Monotonic time at which a turn is due although nothing came. */
uint64_t replica_due(const struct replica *replica);

/* STATUS_OK while it works. STATUS_BEHIND: the leader's log begins above our end: a checkpoint is needed. Others
 * as replica_new; all have been logged. */
enum status replica_status(const struct replica *replica);

/* The node set from block `height` on. The leader drives the configuration of the log to it. */
void replica_change_nodes(struct replica *replica, const struct node_set *nodes);

/* A checkpoint with this base is certified and on disk, with all that lies below it: the log may forget
 * what is at or below `index`. A while's worth of entries is kept for peers that are a little behind. */
void replica_forget(struct replica *replica, uint64_t index);

/* Gives leadership away, if it has it, and takes no more commands. True when it is over: somebody else leads, or
 * it has taken too long. Call it after every turn until then. */
bool replica_resign(struct replica *replica, struct sequence_time now);

/* For repair and joining, answered from the log: entries of peers' questions are handled inside
 * replica_receive; this is what else one may ask. */
struct replica_facts {
    bool leads;
    uint32_t leader; /* 0: not known */
    uint64_t term, stored, commit, delivered;
    hash_t stored_hash;
};
struct replica_facts replica_facts(const struct replica *replica);

/* Asserts what holds between calls: delivered <= commit and stored, marks and windows in order. */
bool replica_check(const struct replica *replica);

#endif /* LEDGER_REPLICA_H */
