/* A whole cluster in one process, from one seed, in virtual time.
 *
 *     clients ─► node: replica ─► engine ─► anchor ─► (votes back into the log)
 *                  │    └──────────── checkpoints, rings, all the node's own code
 *                  └─► links of the simulated network ─► other nodes
 *
 * Everything that is replicated is the real code; what is simulated is the world round it: the clock, the links,
 * the disk under the log (power_disk.h), what of the other files survives (cluster_files.c), and the threads, whose
 * turns come in a random but repeatable order. The same seed gives the same trace, bit for bit.
 *
 *     cluster.c          one seed from its first event to its last
 *     cluster_net.c      links: delay, loss with the link, stalls, queues
 *     cluster_files.c    files besides the log: failing calls, what is lost with the power, bits that rot
 *     cluster_node.c     a node: its turns
 *     cluster_start.c    a node's start, and mending what it cannot start with
 *     cluster_vetting.c  what members send their leader, and who lies there
 *     cluster_maker.c    checkpoints, at once instead of on a thread
 *     cluster_clients.c  who sends commands, and what was answered
 *     cluster_faults.c   what goes wrong and when
 *     cluster_checks.c   what must hold
 *
 * Memory   one cluster at a time; cluster_play frees all of it
 */

#ifndef TESTS_SIM_CLUSTER_H
#define TESTS_SIM_CLUSTER_H

#include "common/arena.h"
#include "common/metrics.h"
#include "common/ring.h"
#include "engine/loop.h"
#include "ledger/fetch.h"
#include "ledger/fetch_log.h"
#include "ledger/replica.h"
#include "ledger/roster.h"
#include "ledger/supply_files.h"
#include "ledger/wal_record.h"
#include "ledger/wal_repair.h"
#include "node/anchor.h"
#include "node/start.h"
#include "tests/sim/power_disk.h"
#include "tests/sim/random.h"

#define CLUSTER_NODES    12 /* identities in one run, newcomers included; node id: place + 1 */
#define CLUSTER_CLIENTS  6
#define CLUSTER_ACCOUNTS 4
#define CLUSTER_BLOCKS   4096
#define CLUSTER_TICKETS  65536
#define MS               UINT64_C(1000000)
#define SECOND           (1000 * MS)
#define NEVER            UINT64_MAX
#define SEGMENT_BYTES    ((size_t)64 * 1024)
#define PATH_BYTES       128

struct cluster;

/* ---- The network ---- */

struct letter {
    struct letter *next;
    uint64_t at_ns;
    size_t byte_count;
    uint8_t bytes[];
};

/* One direction of a link. */
struct line {
    struct letter *first, **last;
    uint32_t count;
    uint64_t last_ns;    /* when the last one arrives: order is kept */
    uint64_t stalled_ns; /* nothing arrives before */
};

struct link {
    bool up;
    bool cut;       /* cannot come up */
    uint64_t up_ns; /* when it comes up; NEVER */
};

/* ---- A node ---- */

enum life {
    LIFE_NONE,      /* an identity nobody has yet */
    LIFE_DOWN,      /* may start again at start_ns */
    LIFE_UP,        /* all its threads run */
    LIFE_FETCHING,  /* a checkpoint */
    LIFE_REPAIRING, /* its log */
    LIFE_DEAD       /* forgot what it signed, or was expelled: never starts again */
};

/* A record on its way from one part of a node to another. */
struct record {
    struct record *next;
    uint64_t index; /* of a batch */
    size_t byte_count;
    uint8_t bytes[];
};

struct queue {
    struct record *first, **last;
    uint32_t count;
    size_t byte_count;
};

struct bytes {
    uint8_t *at;
    size_t count, room;
};

/* The checkpoint in hand. */
struct making {
    uint64_t height; /* 0: none */
    bool engine_done, anchor_done;
    struct queue marks;
    struct bytes engine, settlement;
    uint8_t digest[32768];
    size_t digest_bytes;
    uint8_t header[BLOCK_HEADER_BYTES];
    uint8_t mark[REPLICA_MARK_BYTES_MAX];
    size_t mark_bytes;

    /* Made last, waiting for its certificate. */
    bool waits;
    struct vote_command vote;
    uint64_t vote_index, voted_ns;
    uint64_t certified;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;

    /* Liabilities, of which only the root is made here. */
    bool liabilities_due; /* of `height` */
    bool liabilities_wait;
    struct vote_command liabilities;
};

struct node {
    struct cluster *cluster;
    uint32_t id;
    enum life life;
    uint64_t start_ns;
    uint32_t starts, mended;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t secret_key[SECRET_KEY_BYTES];
    char folder[PATH_BYTES], chain[PATH_BYTES], checkpoints[PATH_BYTES], sign_once[PATH_BYTES],
        evidence[PATH_BYTES];

    /* Its machine. */
    struct power_disk *disk;
    uint64_t monotonic_ns; /* added to the world's time */
    int64_t clock_off_ns;
    uint64_t disk_ns; /* a write to the log takes so long */
    uint64_t busy_ns; /* it waits for its disk until then */
    uint64_t calls_seen;
    uint64_t lag_ns; /* its other threads are up to so late */
    bool full;
    bool begins_empty; /* nobody has a checkpoint yet */
    bool needs_word;   /* of operators: the lineage does not lead to the voters of today */
    bool emptied;      /* and may not start */
    bool damaged;      /* bits of its files were flipped and it has not mended that yet */
    uint64_t gone_ns;  /* since when it is no member any more; 0: it is */
    bool altered;      /* a bit of its memory was flipped: it must stop by itself */
    bool lied;         /* to a leader */

    /* Its process. */
    struct metrics metrics;
    struct progress *progress;
    struct start start;
    struct arena engine_arena, settlement_arena, fetch_arena;
    struct engine *engine;
    struct engine_loop loop;
    struct settlement *settlement;
    struct digest *digest;
    struct replica *replica;
    struct anchor *anchor;
    struct anchor_options anchor_options;
    struct node_set nodes; /* as its consensus loop knows them */
    struct node_set
        introduced; /* whom the exchange named when it joined; nobody: it is of the genesis */
    struct roster *roster;
    bool roster_news;
    struct node_set reach; /* whom it would link to */
    struct queue batches, commands, votes;
    struct ring *applied, *seen, *anchor_votes, *changes, *notices, *certificates, *facts,
        *liabilities;
    void *ring_memory[8];
    struct arena vetting_arena;
    struct mandate_book *mandates;
    uint64_t vetting_reached;
    struct queue answers;
    uint64_t engine_ns, anchor_ns, maker_ns;
    struct supply_files *supply;
    struct consensus_supply supply_hooks;
    struct making making;
    uint64_t certified_index; /* the log may forget up to here: of any of its processes */
    uint64_t poke_ns;         /* something was given to it: a turn is due */
    uint64_t resign_ns;       /* stops cleanly: until then */

    /* Fetching and repairing. */
    struct fetch *fetch;
    struct checkpoint_part *part;
    struct fetch_log *fetch_log;
    struct wal_patch *patch;
    uint64_t fetch_ns, fetch_until_ns;

    /* What its gateway has seen. */
    uint64_t view_epoch, view_command;
    uint64_t record_hash;
    bool record_void;
    uint16_t record_reject;
    uint32_t record_changes;       /* of the node set */
    bool open;                     /* its clients are answered */
    uint64_t shown_command;        /* the last one that its clients could see, over all its lives */
    uint64_t floor_command;        /* acknowledged anywhere before this process began */
    uint64_t term_seen, base_seen; /* over all its lives */
    bool acknowledges;             /* has done so since the calm */
    uint64_t voted_term, voted_for;
};

/* ---- Clients ---- */

enum outcome { OUTCOME_NONE, OUTCOME_WAITING, OUTCOME_ACKNOWLEDGED, OUTCOME_UNKNOWN };

struct ticket {
    uint8_t outcome;
    uint8_t applied; /* times */
    bool was_void;
};

struct client {
    uint32_t account; /* 0: the operator's */
    uint64_t next_ns;
    uint64_t ticket; /* waits for it; 0: none */
    uint32_t node;   /* there */
    uint32_t start;  /* of that process */
    uint64_t deadline_ns;
    struct order_submit_command
        once; /* its last order that may be asked for twice; of no account: none yet */
};

/* ---- What all nodes must agree on ---- */

struct agreed_batch {
    hash_t hash;
    bool known;
};

struct agreed_command {
    uint64_t hash;
    bool known;
};

struct agreed_block {
    bool sealed, certified, checkpoint;
    bool ended, liabilities_due; /* once it has ended for some node, the same for all */
    hash_t hash, certified_hash, root;
    struct validator_set *set; /* of this height */
    hash_t signed_hash[CLUSTER_NODES + 1];
    bool is_signed[CLUSTER_NODES + 1];
};

struct figures {
    uint64_t seeds, failures, virtual_ns;
    uint64_t crashes, power_cuts, kills, stops, cluster_crashes, partitions, stalls, breaks,
        slow_disks, clock_jumps, resigns, disk_full;
    uint64_t elections, commands, acknowledged, unknown, blocks, certified, certificates, messages;
    uint64_t checkpoints, checkpoints_certified, installs, repairs, chain_rot, wal_rot,
        wal_beheaded, checkpoint_rot, recycled;
    uint64_t added, promoted, demoted, removed, swapped, refused, emptied, altered, stranger_votes;
    uint64_t liabilities, liabilities_certified;
    uint64_t verified_chains, file_cuts, by_hand;
    uint64_t lies, lies_found, late, late_taken;
    uint64_t repeated, other_repeats; /* as each node applies them */
};
extern struct figures figures;

struct cluster {
    uint64_t seed;
    struct random random;
    struct random machine; /* of what nodes draw for themselves */
    uint64_t now_ns, base_ns;
    uint64_t trace_hash, trace_count;
    bool is_traced;
    const char *failure;
    char failure_text[320];

    struct genesis genesis;
    hash_t chain_id;
    uint8_t operator_secret[SECRET_KEY_BYTES];
    uint32_t first_count; /* of the genesis */
    char folder[64];
    struct node nodes[CLUSTER_NODES];
    struct node_set set;              /* as decided, by the newest of what nodes have applied */
    uint64_t set_command, set_ns;     /* of the last change, and when it was heard of */
    uint32_t set_changes;             /* of that command, so far */
    uint64_t lost[CLUSTER_NODES + 1]; /* command that closed the node's stream last */

    struct link links[CLUSTER_NODES][CLUSTER_NODES]; /* left below right */
    struct line lines[CLUSTER_NODES][CLUSTER_NODES];
    uint64_t delay_ns, jitter_ns;
    uint32_t line_letters_max;

    struct client clients[CLUSTER_CLIENTS];
    uint32_t client_count;
    bool clients_rest;
    uint64_t ticket_count, nonce;
    struct ticket *tickets;
    uint32_t setup_done;
    uint64_t acked_command; /* the last one that anybody was told of */

    uint64_t fault_ns; /* the next one */
    uint64_t calm_ns;  /* from then on nothing goes wrong any more */
    uint64_t end_ns;
    uint32_t profile; /* which faults: a bit each */
    bool calm;
    uint64_t rot_height; /* when a chunk was last spoilt on a node that runs */
    bool alters;         /* a bit of the next batch on its way flips */
    bool lies;           /* the next command on its way to a leader is a lie */

    struct agreed_batch *batches;
    uint64_t batch_count;
    struct agreed_command *commands;
    uint64_t command_count;
    struct agreed_block *blocks;
    uint64_t sealed, certified;
    uint64_t elected_term;
};

/* cluster.c */
const char *cluster_play(struct cluster *cluster, uint64_t seed, const char *folder);
void cluster_trace(struct cluster *cluster, const char *what, uint64_t a, uint64_t b, uint64_t c);
bool cluster_fail(struct cluster *cluster, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct node *cluster_node(struct cluster *cluster, uint32_t id);
static inline uint64_t cluster_below(struct cluster *cluster, uint64_t bound)
{
    return random_below(&cluster->random, bound);
}
static inline bool cluster_chance(struct cluster *cluster, uint64_t percent)
{
    return cluster_below(cluster, 100) < percent;
}
bool cluster_runs(const struct node *node);
/* The node that leads in the highest term, or NULL. */
struct node *cluster_leader(struct cluster *cluster);

/* cluster_net.c */
void net_open(struct cluster *cluster);
void net_close(struct cluster *cluster);
/* Links follow what nodes run and whom they know. */
void net_refresh(struct cluster *cluster);
void net_break(struct cluster *cluster, uint32_t left, uint32_t right);
void net_cut(struct cluster *cluster, uint32_t left, uint32_t right, bool cut);
void net_stall(struct cluster *cluster, uint32_t from, uint32_t to, uint64_t until_ns);
bool net_is_up(struct cluster *cluster, uint32_t left, uint32_t right);
struct peers net_peers(struct node *node);
uint64_t net_due(const struct cluster *cluster);
void net_deliver(struct cluster *cluster);

/* cluster_files.c */
extern struct node *files_owner; /* whose calls they are now; NULL: nobody's */
void files_open(struct cluster *cluster);
void files_close(void);
/* The power goes during the `calls`th changing call from now. */
void files_cut_after(uint32_t node, uint64_t calls);
bool files_off(uint32_t node);
void files_fail(uint32_t node, bool fail); /* every changing call fails */
void files_full(uint32_t node, bool full);
/* What was not synchronised is lost, in part or whole. */
void files_restore(struct cluster *cluster, uint32_t node);
/* Flips a bit of some file below the folder whose name contains `part`. */
bool files_flip(struct cluster *cluster, const char *folder, const char *part);
void files_remove_tree(const char *folder);

/* cluster_signatures.c */
void signatures_open(void);

/* cluster_node.c */
void node_run(struct node *node);
uint64_t node_due(const struct node *node);
struct sequence_time node_time(const struct node *node);
void node_receive(struct node *node, uint32_t from, const uint8_t *bytes, size_t byte_count);
void node_link(struct node *node, uint32_t peer, bool up);
void node_links(struct node *node); /* follow what its roster says */
bool queue_add(struct queue *queue, uint64_t index, const uint8_t *bytes, size_t byte_count);
void queue_drop(struct queue *queue);
void queue_clear(struct queue *queue);
void node_other(void *context, uint32_t peer, const uint8_t *bytes, size_t byte_count);
struct replica_world node_world(struct node *node);

/* cluster_vetting.c */
extern bool cluster_liars; /* in this run members lie, and vetters take their time */
void vetting_open(struct node *node);
void vetting_close(struct node *node);
void vetting_turn(struct node *node);
uint64_t vetting_due(const struct node *node);
struct vetting vetting_of(struct node *node);
/* Whether a message became a lie on its way to a leader. */
bool vetting_lie(struct cluster *cluster, uint32_t from, uint8_t *bytes, size_t byte_count);

/* cluster_start.c */
void node_identity(struct cluster *cluster, uint32_t id); /* its id and keys */
void node_free(struct node *node);
void node_make(struct node *node);
void node_start(struct node *node);
void node_mend_turn(struct node *node);
uint64_t node_mend_due(const struct node *node);
/* The process ends: with the power (what was not synchronised may be lost), or alone. */
void node_crash(struct node *node, bool power, uint64_t back_ns);
void node_stop(struct node *node);  /* cleanly */
void node_dies(struct node *node);  /* for ever */
void node_empty(struct node *node); /* its disks are new ones */
void node_ended(struct node *node, enum status status);

/* cluster_maker.c */
void maker_engine_sealed(void *context, uint64_t height);
void maker_anchor_ended(void *context, uint64_t height, const struct digest *digest,
                        const uint8_t *header, bool liabilities);
void maker_mark(void *context, const struct replica_mark *mark);
void maker_turn(struct node *node);
void maker_clear(struct node *node);

/* cluster_clients.c */
void clients_open(struct cluster *cluster);
uint64_t clients_due(const struct cluster *cluster);
void clients_turn(struct cluster *cluster);
/* A command of this ticket was applied on the node its client waits at. */
void clients_applied(struct node *node, const struct command_header *header, uint64_t number,
                     bool is_void);
void clients_lost(struct node *node);
bool clients_idle(const struct cluster *cluster);
/* An operator's command about the node set; false: nobody takes it now. */
bool clients_operate(struct cluster *cluster, uint16_t type, const uint8_t *payload,
                     const char *text);

/* cluster_faults.c */
void faults_open(struct cluster *cluster);
uint64_t faults_due(const struct cluster *cluster);
void faults_turn(struct cluster *cluster);
void faults_heal(struct cluster *cluster);
/* A node begins to fetch a checkpoint: the worst moment for somebody's copy to rot. */
void faults_fetching(struct node *node);
/* Whether a message was altered on its way. */
bool faults_alter(struct cluster *cluster, uint32_t from, uint32_t to, uint8_t *bytes,
                  size_t byte_count);

/* cluster_checks.c */
void checks_open(struct cluster *cluster);
void checks_close(struct cluster *cluster);
void checks_batch(struct node *node, uint64_t index, const uint8_t *bytes, size_t byte_count);
void checks_command(struct node *node, uint64_t number, uint64_t hash,
                    const struct command_header *header, bool is_void);
void checks_vote(struct node *node, const uint8_t *command, size_t byte_count);
void checks_notices(struct node *node);
void checks_turn(struct node *node);
void checks_sent(struct node *node, uint32_t to, const uint8_t *bytes, size_t byte_count);
void checks_liabilities(struct node *node, uint64_t height, bool due);
void checks_root(struct node *node, uint64_t height, hash_t root);
void checks_nodes(struct node *node, uint64_t number, const struct node_changed_event *changed);
void checks_end(struct cluster *cluster);
/* Whether every member has answered a client since the calm. */
bool checks_all_acknowledge(const struct cluster *cluster);
bool checks_settled(struct cluster *cluster, uint64_t height);

#endif /* TESTS_SIM_CLUSTER_H */
