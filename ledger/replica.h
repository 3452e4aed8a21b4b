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
#include "ledger/replica_mark.h"
#include "ledger/vetting.h"

struct replica;

/* Where commands of this node come from. */
enum replica_source { REPLICA_VOTES, REPLICA_COMMANDS, REPLICA_SOURCES };

struct replica_world {
    void *context;
    struct peers peers;
    /* What was sent should leave before a write to the disk; or NULL. */
    void (*flush)(void *context);
    /* The next committed batch. False: there is no room; it comes again in a later turn. */
    bool (*deliver)(void *context, uint64_t index, const uint8_t *batch, size_t byte_count);
    /* What was delivered in this turn may be looked at: once a turn, and now and then in a long one. */
    void (*delivered)(void *context);
    /* A SEAL of a checkpoint's height was just delivered; what `mark` points to is good until the call
     * returns. */
    void (*mark)(void *context, const struct replica_mark *mark);
    /* The next command of this node that has arrived, or NULL; then it is done with. Votes, which have no
     * origin, come from a source of their own: they pass when commands have to wait. */
    const uint8_t *(*arrived)(void *context, enum replica_source source, size_t *byte_count);
    void (*taken)(void *context, enum replica_source source);
    /* A message of a peer that is not the log's (its first byte is above PEER_MESSAGE_LAST); or NULL. */
    void (*other)(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count);
    uint64_t (*random)(void *context);
    struct vetting vetting; /* of what other members send */
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
    struct progress *progress; /* writer of the consensus loop's fields; reads sealed_height,
                                * certified_height, stuck and forget_index */
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

/* The node set that the state has come to; copied. The leader drives the configuration of the log to it, but
 * only while progress.sealed_height says that no change from before its time is still to come. */
void replica_change_nodes(struct replica *replica, const struct node_set *nodes);

/* Others that there are links with, as other members say (roster.h): they are listened to as well, and are no
 * part of what the configuration is driven to. Holds until it is called again. */
void replica_change_links(struct replica *replica, const struct node_set *links);

/* Whether the log's configuration has the node, the one in force or the one before it: links with such a node stay
 * while it runs, although the node set has it no more. */
bool replica_counts(const struct replica *replica, uint32_t node);

/* Certified checkpoint on disk: progress.forget_index says up to which entry the log may forget, and each turn
 * looks at it. A while's worth of entries is kept for peers that are a little behind. */

/* An entry of the log, for who repairs his; its bytes are good until the next call of anything here.
 * STATUS_NOT_FOUND: at or below the log's base, or above what is stored. */
MUST_CHECK enum status replica_read(struct replica *replica, uint64_t index,
                                    struct wal_entry *entry);

/* Gives leadership away, if it has it, and takes no more commands. True when it is over: somebody else leads, or
 * it has taken too long. Call it after every turn until then. */
bool replica_resign(struct replica *replica, struct sequence_time now);

struct replica_facts {
    bool leads;
    bool withholds;  /* votes for nobody: it may have lost what it acknowledged (wal_cut_index) */
    uint8_t role;    /* enum node_role of this node in the log's configuration */
    uint32_t leader; /* 0: not known */
    uint64_t term, base, stored, commit, delivered;
    hash_t stored_hash;
    uint64_t dropped; /* messages that could not be right */
};
struct replica_facts replica_facts(const struct replica *replica);

/* Asserts what holds between calls: delivered <= commit and stored, marks and windows in order. */
bool replica_check(const struct replica *replica);

#endif /* LEDGER_REPLICA_H */
