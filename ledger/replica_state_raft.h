/* A replica from the inside, for the files that it is made of.
 *
 *     replica_raft.c          the engine's events and updates, turns, who leads
 *     replica_open_raft.c     a replica begins from its log and what it is given, and ends
 *     replica_receive_raft.c  messages in, judged before the engine has them
 *     replica_entries_raft.c  entries: read, written in groups, delivered
 *     replica_stream_raft.c   the leader's stream of entries to each follower
 *     replica_propose_raft.c  commands: from here and from origins, into batches or to the leader
 *     replica_vet_raft.c      what others send: may it stand?
 *     replica_member_raft.c   the other nodes: pings, clocks, the configuration, giving leadership away
 *
 * Invariants, asserted by replica_check:
 *   R1  delivered <= commit, delivered <= stored
 *   R2  entries that wait to be written follow each other and end where the log ends
 *   R3  a follower's stream: begin <= next <= until + 1
 */

#ifndef LEDGER_REPLICA_STATE_RAFT_H
#define LEDGER_REPLICA_STATE_RAFT_H

#include "ledger/configuration.h"
#include "ledger/origin.h"
#include "ledger/peer_clock.h"
#include "ledger/peer_message.h"
#include "ledger/replica.h"
#include "ledger/replica_cache.h"
#include "ledger/run_queue.h"

#include <raft.h>

#define REPLICA_HEARTBEAT_MS      20
#define REPLICA_ELECTION_MS       300 /* the engine draws from this to twice this */
#define REPLICA_IN_FLIGHT_ENTRIES 1024
#define REPLICA_TICK_NS           100000000u /* pings, clocks, progress */
#define REPLICA_DISK_CAPACITY     60000      /* the engine's own notion of free disk: not used */
#define REPLICA_SUBMIT_MAX        256        /* entries proposed at once */
#define REPLICA_PENDING_MAX       512        /* entries that wait for one write */
#define REPLICA_PENDING_BYTES     (1024 * 1024)
#define REPLICA_PEERS             NODE_SET_LIMIT
#define REPLICA_KEPT              32 /* samples of where the log's bytes lie */
#ifndef REPLICA_KEPT_BYTES           /* the simulator forgets sooner */
#define REPLICA_KEPT_BYTES (16 * 1024 * 1024)
#endif
#define REPLICA_LOOSE_BYTES 16384
#define REPLICA_BARRED_NS   10000000000u /* so long nothing is taken of who sent a false run */

/* How far the oldest run that waits has come. */
enum replica_vet_state {
    REPLICA_VET_NEW,
    REPLICA_VET_LATE, /* it did not stand by what was known */
    REPLICA_VET_ASKED /* its answer is under way */
};

/* A member's runs before they may go into a batch. */
struct replica_vet {
    enum replica_vet_state state;
    struct run_queue waiting;
    uint64_t number;       /* of the question that is under way */
    uint64_t late_index;   /* what the log held when the run came */
    uint64_t late_command; /* and its last command; 0: not delivered yet */
    uint64_t stands_ns;    /* the oldest is not asked about before the log's stamp is above */
    uint64_t epoch, last; /* of the newest that waits: its epoch, and its last command's sequence */
    uint64_t barred_ns;   /* nothing is taken until then; 0: it is */
    uint32_t false_runs;
};

/* A follower as the leader feeds it. Entries below `next` were put on the link, those up to `until` are to be. */
struct replica_stream {
    uint64_t begin, next, until;
    uint64_t begun_ns;
    uint64_t sent_ns; /* anything */
    uint64_t commit;  /* told */
    uint64_t back;    /* how far the next step back goes while the logs do not meet */
    bool catching;    /* from below the engine's own memory of the log, up to `until` */
    bool blocked;     /* the link was full */
    bool rejected;    /* since `begin` */
};

struct replica_peer {
    uint32_t node; /* 0: the place is free */
    bool up;
    bool lost;         /* not heard of for origin_lost_ms */
    bool left;         /* the node set; the log's configuration may still have it */
    bool told_differs; /* said in the log */
    bool told_lost;    /* lost what it acknowledged to this leader */
    uint64_t heard_ns;
    uint64_t needs_ns; /* told that it needs a checkpoint */
    struct replica_stream stream;
    struct run_queue runs; /* that may go into batches */
    struct replica_vet vet;
    struct peer_clock clock;
    struct peer_ping ping; /* its last */
    uint64_t ping_ns;      /* when that came; 0: none */
};

struct replica {
    struct replica_options options;
    struct sequence_time now;
    enum status status; /* the first failure */

    struct raft raft;
    struct raft_tracer tracer;
    struct raft_entry entries[REPLICA_SUBMIT_MAX];
    struct wal *wal;
    bool started;
    bool quiet;      /* the append at hand wants no answer if all is well */
    bool unflushed;  /* something was sent that has not left */
    bool timeout_at; /* the engine's timer was seen to have run out once */
    uint64_t dropped;

    uint64_t stored;                  /* last entry on our disk */
    uint64_t commit;                  /* largest the engine ever reported */
    uint64_t delivered;               /* last entry handed on */
    bool full;                        /* there was no room for the next */
    uint64_t floor_index, floor_term; /* the engine knows no terms below */
    struct {
        uint64_t first;
        uint32_t count;
        uint64_t bytes;
    } pending; /* entries in the cache that are not on disk */
    struct {
        uint64_t index; /* 0: nothing is due */
        uint64_t term;
        hash_t hash;
    } due; /* the leader's hash at a pending entry: compared when that is written, before it is handed on */
    struct {
        uint64_t index;
        uint32_t byte_count;
        uint8_t bytes[CONFIGURATION_BYTES_MAX];
    } configuration; /* the last one delivered */

    struct sequence sequence;
    struct origin_stream origin;
    uint64_t led_height;   /* sealed when we began to lead */
    uint64_t led_index;    /* the log's end then */
    uint32_t first_peer;   /* whose runs come first in the next batch */
    uint64_t origin_ns;    /* when our stream last moved on */
    uint64_t origin_first; /* where it stood then */
    uint64_t origin_epoch;
    bool forward_blocked;   /* the link to the leader was full */
    uint64_t vet_asked;     /* questions so far */
    bool vet_waits;         /* for what nobody tells us of */
    struct run_queue loose; /* votes: ours and forwarded ones */

    struct node_set nodes;
    struct node_set links; /* and others to be listened to */
    struct replica_peer peers[REPLICA_PEERS];
    uint32_t leader; /* as last seen */
    uint64_t leader_term;
    uint64_t append_term; /* of the last leader's append */
    uint64_t append_ns;   /* when that came */
    uint64_t leader_ns;   /* when there was one last */
    uint64_t tick_ns;     /* when the next tick is due */
    bool barred;          /* our clock is off: may not lead */
    bool released;        /* a cut of the tail is no reason any more to withhold votes */
    bool resigning;
    uint64_t resign_ns;   /* when giving up is due */
    uint64_t transfer_ns; /* when the next attempt may begin */

    struct {
        uint64_t index, bytes;
    } kept[REPLICA_KEPT];
    uint32_t kept_next;
    uint64_t kept_bytes; /* appended since the start */
    uint64_t kept_marked;
    uint64_t forgotten;

    struct replica_cache cache;
    uint8_t *cache_bytes;
    uint8_t *origin_bytes;
    struct origin_entry *origin_entries;
    uint8_t *frame; /* PEERS_MESSAGE_MAX: a message of many pieces is put together here */
    uint8_t loose_bytes[REPLICA_LOOSE_BYTES];
};

/* ---- replica_raft.c ---- */

bool replica_leads(const struct replica *replica);
void replica_fail(struct replica *replica, enum status status);
void replica_step(struct replica *replica, struct raft_event *event);
void replica_send(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                  size_t byte_count);
void replica_drop(struct replica *replica, uint32_t node, const char *what);

/* Looks who leads, as far as we know: after whatever the engine has heard. */
void replica_leader_watch(struct replica *replica);

/* A node's number as the engine's address of it. */
void replica_node_text(uint32_t node, char text[16]);

/* The configuration in force: the last one of the log, committed or not. */
void replica_configuration(const struct replica *replica, struct configuration *configuration);

/* ---- replica_receive_raft.c ---- */

/* Two logs that have the same entry at an index are equal up to there: whether the hash says otherwise. */
bool replica_differs(struct replica *replica, uint64_t index, uint64_t term, const hash_t *hash);

/* ---- replica_entries_raft.c ---- */

/* An entry that is here, written or not. Bytes are good until the next call. */
enum status replica_entries_read(struct replica *replica, uint64_t index, struct wal_entry *entry);
/* Its term; 0: not known. */
uint64_t replica_entries_term(struct replica *replica, uint64_t index);
/* Term and running hash of what is stored; far below the end of the log that is a read. */
bool replica_entries_hash(struct replica *replica, uint64_t index, uint64_t *term, hash_t *hash);
/* The end of the log, written or not. */
uint64_t replica_entries_last(const struct replica *replica);
/* The engine wants these written. */
void replica_entries_pend(struct replica *replica, const struct raft_update *update);
/* Writes what waits, and says so to the engine. */
void replica_entries_write(struct replica *replica);
/* Hands on what is committed and stored. */
void replica_entries_deliver(struct replica *replica);
/* Lets the log forget what a checkpoint holds. */
void replica_entries_forget(struct replica *replica);

/* ---- replica_stream_raft.c ---- */

void replica_stream_reset(struct replica_peer *peer);
/* The engine wants to send these. */
void replica_stream_ask(struct replica *replica, struct replica_peer *peer,
                        const struct raft_append_entries *append);
/* The engine wants to send a snapshot: what it does not remember comes from the log, up to `until`. */
void replica_stream_catch_up(struct replica *replica, struct replica_peer *peer, uint64_t until);
/* What the follower answered, before the engine hears it. */
void replica_stream_result(struct replica *replica, struct replica_peer *peer,
                           const struct peer_result *result);
/* Puts on the links what they take. True: there is more, and room for it. */
bool replica_stream_pump(struct replica *replica);
/* Tells followers how far is committed. */
void replica_stream_announce(struct replica *replica);
bool replica_stream_blocked(const struct replica *replica);

/* ---- replica_propose_raft.c ---- */

/* Takes what arrived and proposes it or sends it to the leader. True: there may be more at once. */
bool replica_propose(struct replica *replica);
void replica_propose_forwarded(struct replica *replica, struct replica_peer *peer,
                               const struct peer_forward *forward);
void replica_propose_loose(struct replica *replica, const struct peer_loose *loose);
/* Somebody else leads, or nobody, or a link to him is new. */
void replica_propose_anew(struct replica *replica);
/* A batch was delivered. */
void replica_propose_delivered(struct replica *replica);

/* ---- replica_vet_raft.c ---- */

/* A run of another member's, to who leads: it comes to peer->runs when it may stand, or never. */
void replica_vet_take(struct replica *replica, struct replica_peer *peer,
                      const struct peer_forward *forward);
/* Goes on with what waits. */
void replica_vet_turn(struct replica *replica);
/* Forgets all runs of the peer. */
void replica_vet_clear(struct replica_peer *peer);
void replica_vet_free(struct replica_peer *peer);

/* ---- replica_member_raft.c ---- */

struct replica_peer *replica_member_find(struct replica *replica, uint32_t node);
void replica_member_ping(struct replica *replica, struct replica_peer *peer,
                         const struct peer_ping *ping);
/* Timers, once in REPLICA_TICK_NS: pings, clocks, progress, the configuration. */
void replica_member_tick(struct replica *replica);
/* progress.term, leader, role, is_leader, admitting. */
void replica_member_progress(struct replica *replica);
/* A cut of the tail may have cost what this node acknowledged. */
bool replica_member_withholds(const struct replica *replica);
/* Whether this node may campaign or be given leadership. */
bool replica_member_may_lead(const struct replica *replica);
/* Gives leadership to who holds the most of the log. False: there is nobody. */
bool replica_member_transfer(struct replica *replica);

#endif /* LEDGER_REPLICA_STATE_RAFT_H */
