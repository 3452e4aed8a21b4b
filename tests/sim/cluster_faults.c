/* What goes wrong: drawn from the seed, until the calm. Never more at once than is promised to be survived: bytes
 * that rot and memories that are lost count as the one fault that a small cluster stands beside crashes. */

#include "tests/sim/cluster.h"

#include "common/le.h"
#include "ledger/certificate.h"
#include "ledger/peer_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum profile {
    WITH_CRASHES = 1,
    WITH_PARTITIONS = 2,
    WITH_BREAKS = 4,
    WITH_SLOW = 8,
    WITH_CLOCKS = 16,
    WITH_MEMBERS = 32,
    WITH_RESIGNS = 64,
    WITH_ROT = 128,
    WITH_ABSENCE = 256,
    WITH_EMPTIED = 512,
    WITH_FULL = 1024,
    WITH_CLUSTER_CRASH = 2048,
    WITH_ALTERED = 4096,
    WITH_STRANGERS = 8192,
    WITH_LIARS = 16384,
};

void faults_open(struct cluster *cluster)
{
    cluster->profile = (uint32_t)random_next(&cluster->random) & (WITH_ALTERED - 1);
    if (cluster_chance(cluster, 10)) cluster->profile = WITH_ALTERED;
    if (cluster_chance(cluster, 20)) cluster->profile |= WITH_STRANGERS;
    if (cluster_chance(cluster, 5)) cluster->profile = 0;
    if (cluster_liars) cluster->profile |= WITH_LIARS;
    cluster->fault_ns = cluster->now_ns + 2 * SECOND;
    cluster->calm_ns = cluster->now_ns + (5 + cluster_below(cluster, 20)) * SECOND;
}

uint64_t faults_due(const struct cluster *cluster)
{
    return cluster->calm ? NEVER : cluster->fault_ns;
}

/* ---- Who ---- */

static uint32_t voters_up(struct cluster *cluster, uint32_t *all)
{
    uint32_t up = 0;
    *all = 0;
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node_member *member = &cluster->set.members[i];
        if (member->role != NODE_VOTER) continue;
        ++*all;
        up += cluster_node(cluster, member->node)->life == LIFE_UP;
    }
    return up;
}

/* Something of some member is spoilt: until it is mended nothing else of that kind happens. */
static bool is_spoilt(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        const struct node *node = &cluster->nodes[i];
        if (node->life == LIFE_NONE || node_set_find(&cluster->set, node->id) == NULL) continue;
        if (node->life == LIFE_UP && replica_facts(node->replica).withholds) return true;
        if (node->damaged || node->altered || node->life == LIFE_DEAD ||
            node->life == LIFE_REPAIRING || node->life == LIFE_FETCHING)
            return true;
    }
    return false;
}

/* Whether the log's configuration has come to what the node set says. */
static bool has_moved(struct cluster *cluster)
{
    if (cluster->set_ns != 0 && cluster->now_ns < cluster->set_ns + 5 * SECOND) return false;
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node_member *member = &cluster->set.members[i];
        const struct node *node = cluster_node(cluster, member->node);
        if (node->life == LIFE_UP && replica_facts(node->replica).role != member->role)
            return false;
    }
    return true;
}

static bool all_up(struct cluster *cluster)
{
    uint32_t all;
    return voters_up(cluster, &all) == all && all >= 4 && !is_spoilt(cluster) && has_moved(cluster);
}

static struct node *some_member(struct cluster *cluster)
{
    if (cluster->set.count == 0) return NULL;
    const uint64_t place = cluster_below(cluster, cluster->set.count);
    return cluster_node(cluster, cluster->set.members[place].node);
}

static struct node *some_running(struct cluster *cluster)
{
    struct node *node = some_member(cluster);
    if (cluster_chance(cluster, 40) && cluster_leader(cluster) != NULL)
        node = cluster_leader(cluster);
    return node != NULL && node->life == LIFE_UP ? node : NULL;
}

/* ---- What ---- */

static void crash(struct cluster *cluster)
{
    struct node *node = some_running(cluster);
    if (node == NULL) return;
    const uint64_t back_ns = cluster_below(cluster, 4 * SECOND);
    switch (cluster_below(cluster, 4)) {
    case 0:
        node_crash(node, false, back_ns);
        break;
    case 1:
        node_crash(node, true, back_ns);
        break;
    case 2:
        power_disk_cut_after(node->disk, 1 + cluster_below(cluster, 30));
        break;
    default:
        files_cut_after(node->id, 1 + cluster_below(cluster, 60));
    }
}

static void crash_all(struct cluster *cluster)
{
    figures.cluster_crashes++;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        if (cluster_runs(&cluster->nodes[i]))
            node_crash(&cluster->nodes[i], true, cluster_below(cluster, 2 * SECOND));
}

static void partition(struct cluster *cluster)
{
    figures.partitions++;
    const uint64_t side = random_next(&cluster->random);
    const struct node *alone = some_member(cluster);
    const bool isolates = cluster_chance(cluster, 40) && alone != NULL;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = i + 1; j < CLUSTER_NODES; j++) {
            const bool across = isolates ? (i + 1 == alone->id) != (j + 1 == alone->id)
                                         : ((side >> i) & 1) != ((side >> j) & 1);
            if (across) net_cut(cluster, i, j, true);
        }
}

static void heal_links(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = 0; j < CLUSTER_NODES; j++) {
            cluster->lines[i][j].stalled_ns = 0;
            if (i < j) net_cut(cluster, i, j, false);
        }
}

/* One direction only: nothing arrives; sooner or later the link breaks. */
static void stall(struct cluster *cluster)
{
    const struct node *from = some_member(cluster), *to = some_member(cluster);
    if (from == NULL || to == NULL || from == to) return;
    figures.stalls++;
    net_stall(cluster, from->id - 1, to->id - 1,
              cluster->now_ns + cluster_below(cluster, 3 * SECOND));
    if (cluster_chance(cluster, 50)) /* it hears nobody */
        for (uint32_t i = 0; i < CLUSTER_NODES; i++)
            net_stall(cluster, i, to->id - 1, cluster->now_ns + 2 * SECOND);
}

static void break_links(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = i + 1; j < CLUSTER_NODES; j++)
            if (cluster_chance(cluster, 25)) net_break(cluster, i, j);
}

static void slow(struct cluster *cluster)
{
    struct node *node = some_member(cluster);
    if (node == NULL) return;
    figures.slow_disks++;
    node->disk_ns =
        cluster_chance(cluster, 50) ? cluster_below(cluster, MS) : cluster_below(cluster, 150 * MS);
    node->lag_ns = cluster_chance(cluster, 50) ? cluster_below(cluster, 2 * MS)
                                               : cluster_below(cluster, 500 * MS);
}

static void clock_jump(struct cluster *cluster)
{
    struct node *node = some_member(cluster);
    uint32_t off = 0;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        off += cluster->nodes[i].clock_off_ns > (int64_t)(100 * MS) ||
               cluster->nodes[i].clock_off_ns < -(int64_t)(100 * MS);
    if (node == NULL || off > 0) return; /* the others' median must be right */
    figures.clock_jumps++;
    const int64_t by = (int64_t)cluster_below(cluster, 40 * SECOND);
    node->clock_off_ns += cluster_chance(cluster, 50) ? by : -by;
}

static void resign(struct cluster *cluster)
{
    struct node *node = cluster_leader(cluster);
    if (cluster_chance(cluster, 20)) node = some_member(cluster);
    if (node == NULL || node->life != LIFE_UP || node->resign_ns != NEVER) return;
    figures.resigns++;
    node->resign_ns = cluster->now_ns + 2 * SECOND;
    node->poke_ns = cluster->now_ns;
}

/* Down for so long that the others have forgotten what it lacks. */
static void absence(struct cluster *cluster)
{
    struct node *node = some_running(cluster);
    if (node == NULL || !all_up(cluster)) return;
    node_crash(node, cluster_chance(cluster, 50), (8 + cluster_below(cluster, 15)) * SECOND);
}

static void disk_full(struct cluster *cluster)
{
    struct node *node = some_running(cluster);
    if (node == NULL) return;
    figures.disk_full++;
    node->full = true;
    power_disk_fill(node->disk, true);
    files_full(node->id, true);
}

static void disk_freed(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        if (!node->full) continue;
        node->full = false;
        power_disk_fill(node->disk, false);
        files_full(node->id, false);
    }
}

/* A chunk on a node that runs, unless another copy of it may be rotten, too. */
static void rot_chunk(struct cluster *cluster, struct node *node)
{
    const uint64_t apart = 3 * (uint64_t)cluster->genesis.params.checkpoint_blocks;
    uint32_t all;
    if (voters_up(cluster, &all) < 4 || cluster->sealed < cluster->rot_height + apart) return;
    if (!files_flip(cluster, node->checkpoints, "chunk")) return;
    cluster->rot_height = cluster->sealed;
    figures.checkpoint_rot++;
}

/* Whether every voter stores what the leader says is committed. */
static bool all_store(struct cluster *cluster)
{
    const struct node *leader = cluster_leader(cluster);
    if (leader == NULL) return false;
    const uint64_t commit = replica_facts(leader->replica).commit;
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node *node = cluster_node(cluster, cluster->set.members[i].node);
        if (node->life != LIFE_UP || replica_facts(node->replica).stored < commit) return false;
    }
    return true;
}

/* Both headers of the newest segment: the log ends where that began, below what was acknowledged to a leader that goes
 * on. */
static bool behead(struct cluster *cluster, struct node *node)
{
    char name[32];
    if (!power_disk_newest_segment(node->disk, name)) return false;
    power_disk_flip(node->disk, name, 100);
    power_disk_flip(node->disk, name, WAL_HEADER_BYTES + 100);
    cluster_trace(cluster, "behead", node->id, 0, 0);
    figures.wal_beheaded++;
    return true;
}

/* A bit of a file, while the node is down. */
static void rot(struct cluster *cluster)
{
    struct node *node = some_running(cluster);
    char name[32];
    if (node == NULL || !all_up(cluster)) return;
    const uint64_t kind = cluster_below(cluster, 5);
    if (kind == 4) { /* while it runs: it does not notice, but who fetches from it does */
        rot_chunk(cluster, node);
        return;
    }
    const bool beheads = kind == 3 && node != cluster_leader(cluster) && all_store(cluster);
    node_crash(node, false, cluster_below(cluster, 2 * SECOND));
    bool flipped = false;
    if (beheads) {
        flipped = behead(cluster, node);
    } else if (kind == 0) {
        flipped =
            files_flip(cluster, node->chain, cluster_chance(cluster, 50) ? "segment" : "index");
        figures.chain_rot += flipped;
    } else if (kind == 1) {
        flipped = files_flip(cluster, node->checkpoints, "");
        figures.checkpoint_rot += flipped;
    } else if (power_disk_some_segment(node->disk, random_next(&cluster->random), name)) {
        const uint64_t offset = cluster_chance(cluster, 80) ? cluster_below(cluster, SEGMENT_BYTES)
                                                            : cluster_below(cluster, 4096);
        power_disk_flip(node->disk, name, offset);
        cluster_trace(cluster, "flip log", node->id, offset, 0);
        figures.wal_rot++;
        flipped = true;
    }
    node->damaged = flipped;
}

void faults_fetching(struct node *node)
{
    struct cluster *cluster = node->cluster;
    struct node *other = some_running(cluster);
    if (cluster->calm || !(cluster->profile & WITH_ROT) || other == NULL || other == node) return;
    if (cluster_chance(cluster, 70)) rot_chunk(cluster, other);
}

/* Its disks are gone: it may not come back as who it was. */
static void empty(struct cluster *cluster)
{
    struct node *node = some_running(cluster);
    if (node == NULL || !all_up(cluster)) return;
    if (node_set_find(&cluster->set, node->id)->role != NODE_VOTER) return;
    figures.emptied++;
    node_crash(node, true, cluster_below(cluster, SECOND));
    node_empty(node);
}

/* A bit of a batch flips in a leader's memory, behind the checksums of its disk and before those of the link. */
static void alter(struct cluster *cluster)
{
    if (!all_up(cluster) || cluster->alters || cluster_leader(cluster) == NULL) return;
    cluster->alters = true;
}

bool faults_alter(struct cluster *cluster, uint32_t from, uint32_t to, uint8_t *bytes,
                  size_t byte_count)
{
    struct peer_append append;
    struct peer_entry entries[PEER_ENTRIES_MAX];
    if (!cluster->alters || bytes[0] != PEER_APPEND) return false;
    if (cluster_leader(cluster) == NULL || cluster_leader(cluster)->id != from) return false;
    if (!peer_message_get_append(bytes, byte_count, &append, entries)) return false;
    for (uint32_t i = 0; i < append.count; i++) {
        const struct peer_entry *entry = &entries[i];
        if (entry->type != WAL_COMMANDS || entry->length < 16 + COMMAND_HEADER_BYTES) continue;
        if (le_get_u16(entry->bytes + 16 + 4) != T_ORDER_PLACE) continue;
        /* The last byte of the payload: of the client's id. */
        bytes[(size_t)(entry->bytes - bytes) + 16 + COMMAND_HEADER_BYTES + ORDER_PLACE_BYTES - 1] ^=
            1;
        cluster->alters = false;
        cluster_node(cluster, to)->altered = true;
        cluster_trace(cluster, "altered", from, to, append.prev_index + 1 + i);
        return true;
    }
    return false;
}

/* ---- The node set ---- */

static void address_of(uint32_t id, uint8_t address[NODE_ADDRESS_BYTES])
{
    memset(address, 0, NODE_ADDRESS_BYTES);
    snprintf((char *)address, NODE_ADDRESS_BYTES, "sim:%u", 1000 + (unsigned)id);
}

static void add(struct cluster *cluster)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char text[512], hex[65];
    struct node *node = NULL;
    for (uint32_t i = 0; i < CLUSTER_NODES && node == NULL; i++)
        if (cluster->nodes[i].life == LIFE_NONE) node = &cluster->nodes[i];
    if (node == NULL || cluster->set.count >= 8) return;
    /* One that was added and never came to be is tried again before the next. */
    struct node_add_command command = {.nonce = ++cluster->nonce, .node = node->id};
    memcpy(command.public_key, node->public_key, PUBLIC_KEY_BYTES);
    address_of(node->id, command.address);
    node_add_command_put(payload, &command);
    hash_hex(node->public_key, PUBLIC_KEY_BYTES, hex);
    snprintf(text, sizeof(text), "action=node-add&node=%u&publicKey=%s&address=%s", node->id, hex,
             (const char *)command.address);
    clients_operate(cluster, T_NODE_ADD, payload, text);
}

static void set_role(struct cluster *cluster, uint32_t id, uint8_t role)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char text[128];
    const struct node_role_command command = {.nonce = ++cluster->nonce, .node = id, .role = role};
    node_role_command_put(payload, &command);
    snprintf(text, sizeof(text), "action=node-role&node=%u&role=%s", id,
             role == NODE_VOTER ? "VOTER" : "STANDBY");
    clients_operate(cluster, T_NODE_ROLE, payload, text);
}

static void remove_node(struct cluster *cluster, uint32_t id)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char text[128];
    const struct node_remove_command command = {.nonce = ++cluster->nonce, .node = id};
    node_remove_command_put(payload, &command);
    snprintf(text, sizeof(text), "action=node-remove&node=%u", id);
    clients_operate(cluster, T_NODE_REMOVE, payload, text);
}

static void swap(struct cluster *cluster, uint32_t old, uint32_t new)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char text[128];
    const struct node_swap_command command = {
        .nonce = ++cluster->nonce, .old_node = old, .new_node = new};
    node_swap_command_put(payload, &command);
    snprintf(text, sizeof(text), "action=node-swap&oldNode=%u&newNode=%u", old, new);
    clients_operate(cluster, T_NODE_SWAP, payload, text);
}

static struct node *member_with(struct cluster *cluster, uint8_t role, bool up)
{
    const struct node *found[CLUSTER_NODES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node_member *member = &cluster->set.members[i];
        const struct node *node = cluster_node(cluster, member->node);
        if (member->role == role && (!up || (node->life == LIFE_UP && node->open)))
            found[count++] = node;
    }
    if (count == 0) return NULL;
    return cluster_node(cluster, found[cluster_below(cluster, count)]->id);
}

static struct node *dead_member(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        struct node *node = cluster_node(cluster, cluster->set.members[i].node);
        if (node->life == LIFE_DEAD) return node;
    }
    return NULL;
}

/* Who is dead is replaced; else the set grows and shrinks at random. */
static void change_members(struct cluster *cluster)
{
    uint32_t voters;
    (void)voters_up(cluster, &voters);
    const struct node *dead = dead_member(cluster);
    const struct node *standby = member_with(cluster, NODE_STANDBY, true);
    const struct node *voter = member_with(cluster, NODE_VOTER, false);
    const uint64_t kind = cluster_below(cluster, 10);
    if (dead != NULL) {
        const struct node_member *member = node_set_find(&cluster->set, dead->id);
        if (member->role == NODE_STANDBY)
            remove_node(cluster, dead->id);
        else if (standby != NULL)
            swap(cluster, dead->id, standby->id);
        else
            add(cluster);
    } else if (kind < 3 || standby == NULL) {
        add(cluster);
    } else if (kind < 6) {
        set_role(cluster, standby->id, NODE_VOTER);
    } else if (kind == 6 && (voters > 4 || voters == 2)) {
        set_role(cluster, voter->id, NODE_STANDBY);
    } else if (kind == 7 && (voters > 4 || voters == 2)) {
        remove_node(cluster, voter->id);
    } else if (kind == 8) {
        remove_node(cluster, standby->id);
    } else
        swap(cluster, voter->id, standby->id);
}

/* Whether the log of some member still has the node in its configuration. */
static bool is_counted(const struct cluster *cluster, uint32_t id)
{
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        const struct node *node = &cluster->nodes[cluster->set.members[i].node - 1];
        if (node->life == LIFE_UP && replica_counts(node->replica, id)) return true;
    }
    return false;
}

/* Nodes of the set that are not there yet come to be; those that were removed go. */
static void follow_members(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->set.count; i++) {
        struct node *node = cluster_node(cluster, cluster->set.members[i].node);
        if (node->life != LIFE_NONE) continue;
        figures.added++;
        node->introduced = cluster->set;
        node_make(node);
        net_refresh(cluster);
    }
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->life == LIFE_NONE || node->life == LIFE_DEAD ||
            node_set_find(&cluster->set, node->id) != NULL)
            continue;
        if (is_counted(cluster, node->id)) {
            node->gone_ns = 0; /* the log may still need it */
            continue;
        }
        if (node->gone_ns == 0) node->gone_ns = cluster->now_ns;
        if (cluster->now_ns < node->gone_ns + 5 * SECOND) continue;
        figures.removed++;
        node_dies(node);
    }
}

/* Someone who is no voter signs all the same: who is gone, or stands by, or a node that never was. */
static void strange_vote(struct cluster *cluster)
{
    struct node *through = some_running(cluster);
    struct node *stranger = &cluster->nodes[cluster_below(cluster, CLUSTER_NODES)];
    const struct node_member *member = node_set_find(&cluster->set, stranger->id);
    uint8_t bytes[COMMAND_HEADER_BYTES + VOTE_BYTES];
    if (through == NULL || (member != NULL && member->role == NODE_VOTER)) return;
    if (member == NULL && stranger->life != LIFE_NONE &&
        stranger->gone_ns + 3 * SECOND > cluster->now_ns)
        return; /* it is still a voter of the block at hand */
    const uint64_t height = atomic_load(&through->progress->sealed_height);
    struct vote_command vote;
    if (height == 0 || !cluster->blocks[height].sealed || cluster->blocks[height].set == NULL)
        return;
    if (validator_set_find(cluster->blocks[height].set, stranger->id) != NULL)
        return; /* no stranger there yet */
    certificate_sign(stranger->secret_key, cluster->chain_id, 0, height,
                     cluster->blocks[height].hash, stranger->id, &vote);
    const struct command_header header = {.length = sizeof(bytes), .type = T_VOTE};
    command_header_put(bytes, &header);
    vote_command_put(bytes + COMMAND_HEADER_BYTES, &vote);
    queue_add(&through->votes, 0, bytes, sizeof(bytes));
    through->poke_ns = cluster->now_ns;
    figures.stranger_votes++;
}

/* Some member lies to its leader, as soon as it sends it something. One has lied when it is found out: not
 * heard for a while, as a node that is away. */
static void lie(struct cluster *cluster)
{
    cluster->lies = true;
}

/* ---- When ---- */

struct fault {
    uint32_t profile;
    uint32_t weight;
    void (*happen)(struct cluster *cluster);
};

static const struct fault faults[] = {
    {WITH_CRASHES, 20, crash},
    {WITH_CLUSTER_CRASH, 3, crash_all},
    {WITH_PARTITIONS, 10, partition},
    {WITH_PARTITIONS, 15, heal_links},
    {WITH_PARTITIONS, 5, stall},
    {WITH_BREAKS, 15, break_links},
    {WITH_SLOW, 8, slow},
    {WITH_CLOCKS, 5, clock_jump},
    {WITH_MEMBERS, 20, change_members},
    {WITH_RESIGNS, 8, resign},
    {WITH_ROT, 6, rot},
    {WITH_ABSENCE, 6, absence},
    {WITH_EMPTIED, 3, empty},
    {WITH_FULL, 3, disk_full},
    {WITH_FULL, 10, disk_freed},
    {WITH_ALTERED, 3, alter},
    {WITH_STRANGERS, 30, strange_vote},
    {WITH_LIARS, 30, lie},
};

void faults_turn(struct cluster *cluster)
{
    follow_members(cluster);
    if (cluster->calm) return;
    if (cluster->now_ns < cluster->fault_ns) return;
    uint32_t all = 0;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (cluster->profile & faults[i].profile) all += faults[i].weight;
    cluster->fault_ns = cluster->now_ns + cluster_below(cluster, 800 * MS);
    if (all == 0) return;
    uint64_t draw = cluster_below(cluster, all);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (!(cluster->profile & faults[i].profile)) continue;
        if (draw < faults[i].weight) {
            cluster_trace(cluster, "fault", i, 0, 0);
            faults[i].happen(cluster);
            return;
        }
        draw -= faults[i].weight;
    }
}

/* The calm: everything is whole again, and stays so. The dead are replaced. */
void faults_heal(struct cluster *cluster)
{
    cluster->calm = true;
    cluster->alters = false;
    cluster->lies = false;
    heal_links(cluster);
    disk_freed(cluster);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        node->clock_off_ns = 0;
        node->disk_ns = 100000;
        node->lag_ns = MS;
        if (node->life == LIFE_DOWN && node->start_ns > cluster->now_ns + SECOND)
            node->start_ns = cluster->now_ns + SECOND;
    }
}
