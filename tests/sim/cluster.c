#include "tests/sim/cluster.h"

#include "common/le.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SETTLE_NS  (60 * SECOND) /* after the calm: so long until all is well */
#define EVENTS_MAX 4000000       /* more in one seed, and something spins */

struct figures figures;

/* ---- Trace and failures ---- */

void cluster_trace(struct cluster *cluster, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t words[] = {cluster->now_ns, (uint64_t)what[0] << 8 | (uint64_t)what[1], a, b, c};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cluster->trace_hash = (cluster->trace_hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        cluster->trace_hash ^= cluster->trace_hash >> 31;
    }
    cluster->trace_count++;
    if (cluster->is_traced && (what[0] != 'l' || what[2] != 't'))
        fprintf(stderr, "%12.6f  %-14s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                (double)cluster->now_ns / 1e9, what, a, b, c);
}

bool cluster_fail(struct cluster *cluster, const char *format, ...)
{
    if (cluster->failure != NULL) return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cluster->failure_text, sizeof(cluster->failure_text), format, arguments);
    va_end(arguments);
    cluster->failure = cluster->failure_text;
    return false;
}

/* ---- Who ---- */

struct node *cluster_node(struct cluster *cluster, uint32_t id)
{
    ASSERT(id > 0 && id <= CLUSTER_NODES);
    return &cluster->nodes[id - 1];
}

bool cluster_runs(const struct node *node)
{
    return node->life == LIFE_UP || node->life == LIFE_FETCHING || node->life == LIFE_REPAIRING;
}

struct node *cluster_leader(struct cluster *cluster)
{
    struct node *leader = NULL;
    uint64_t term = 0;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->life != LIFE_UP) continue;
        const struct replica_facts facts = replica_facts(node->replica);
        if (!facts.leads || facts.term <= term) continue;
        leader = node;
        term = facts.term;
    }
    return leader;
}

/* ---- The world ---- */

static void open_market(struct params *params)
{
    const struct market_create_command listing = {.base = 0,
                                                  .quote = 1,
                                                  .tick_units = 1000000,
                                                  .lot_units = 100000,
                                                  .price_min = {1},
                                                  .price_max = {1000000},
                                                  .qty_min = {1},
                                                  .qty_max = {1000000},
                                                  .notional_min = {1},
                                                  .account_orders_max = 40,
                                                  .symbol = "BTCUSDT"};
    const bool listed = market_list(&listing, params->assets, &params->markets[0]);
    ASSERT(listed);
}

static void open_genesis(struct cluster *cluster)
{
    static const uint64_t counts[] = {4, 4, 4, 4, 4, 4, 5, 5, 7, 1};
    struct genesis *genesis = &cluster->genesis;
    uint8_t seed[32] = "operator of the simulation";
    memcpy(genesis->nonce, &cluster->seed, sizeof(cluster->seed));
    genesis->time_ns = UINT64_C(1700000000) * SECOND;
    cluster->base_ns = genesis->time_ns + SECOND;
    genesis->operator_count = 1;
    crypto_sign_seed_keypair(genesis->operators[0], cluster->operator_secret, seed);
    cluster->first_count =
        (uint32_t)counts[cluster_below(cluster, sizeof(counts) / sizeof(counts[0]))];
    genesis->validators.count = cluster->first_count;
    for (uint32_t i = 0; i < cluster->first_count; i++) {
        struct validator *member = &genesis->validators.members[i];
        member->node = i + 1;
        memcpy(member->public_key, cluster->nodes[i].public_key, PUBLIC_KEY_BYTES);
        snprintf(member->address, sizeof(member->address), "sim:%u", 1000 + i + 1);
    }
    genesis->params =
        (struct params){.rules = PARAMS_RULES,
                        .accounts_max = 8,
                        .keys_max = 8,
                        .orders_max = 200,
                        .levels_max = 200,
                        .assets_max = 2,
                        .markets_max = 1,
                        .block_ms = 150 + (uint32_t)cluster_below(cluster, 500),
                        .idle_block_ms = 1000,
                        .stamp_step_ms = 10000,
                        .uncertified_blocks_max = 20 + (uint32_t)cluster_below(cluster, 100),
                        .checkpoint_blocks = 4 + (uint32_t)cluster_below(cluster, 12),
                        .origin_lost_ms = cluster_chance(cluster, 50) ? 3000 : 0,
                        .gateway_secret_version = 1,
                        .tree_secret_version = 1,
                        .tier_count = 1,
                        .asset_count = 2,
                        .market_count = 1,
                        .tiers = {{1000, 1000, {0}}},
                        .assets = {{"BTC", 8}, {"USDT", 8}}};
    open_market(&genesis->params);
    const char *reason = NULL;
    if (!params_valid(&genesis->params, &reason)) {
        fprintf(stderr, "parameters: %s\n", reason);
        abort();
    }
    cluster->chain_id = genesis_chain_id(genesis);
}

static void cluster_open(struct cluster *cluster, uint64_t seed, const char *folder)
{
    cluster->seed = seed;
    random_seed(&cluster->random, seed * UINT64_C(0x2545f4914f6cdd1d) + 1);
    random_seed(&cluster->machine, seed ^ UINT64_C(0x6d616368696e65));
    snprintf(cluster->folder, sizeof(cluster->folder), "%s", folder);
    files_remove_tree(folder);
    const int made = mkdir(folder, 0700);
    ASSERT(made == 0);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        node_identity(cluster, i + 1);
    open_genesis(cluster);
    node_set_of_genesis(&cluster->genesis, &cluster->set);
    checks_open(cluster);
    files_open(cluster);
    signatures_open();
    net_open(cluster);
    for (uint32_t i = 0; i < cluster->first_count; i++)
        node_make(&cluster->nodes[i]);
    clients_open(cluster);
    faults_open(cluster);
}

static void cluster_close(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        node_free(&cluster->nodes[i]);
    net_close(cluster);
    files_close();
    checks_close(cluster);
    files_remove_tree(cluster->folder);
}

/* ---- Time ---- */

static uint64_t next_event(const struct cluster *cluster)
{
    uint64_t next = net_due(cluster);
    const uint64_t others[] = {clients_due(cluster), faults_due(cluster)};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (others[i] < next) next = others[i];
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        const uint64_t due = node_due(&cluster->nodes[i]);
        if (due < next) next = due;
    }
    return next;
}

static void nodes_turn(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES && cluster->failure == NULL; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->life == LIFE_DOWN && node->start_ns <= cluster->now_ns) node_start(node);
        if (cluster_runs(node) && node->busy_ns <= cluster->now_ns) node_run(node);
    }
}

static void step(struct cluster *cluster)
{
    const uint64_t next = next_event(cluster);
    /* Two turns in one moment differ by a little, so that nothing spins. */
    cluster->now_ns = next > cluster->now_ns ? next : cluster->now_ns + 1000;
    net_deliver(cluster);
    nodes_turn(cluster);
    clients_turn(cluster);
    faults_turn(cluster);
}

/* Who is still missing, for people. */
static void tell_unsettled(struct cluster *cluster, uint64_t height)
{
    char text[280];
    int at = 0;
    for (uint32_t i = 0; i < cluster->set.count && at < 200; i++) {
        const struct node *node = cluster_node(cluster, cluster->set.members[i].node);
        at += snprintf(text + at, sizeof(text) - (size_t)at, " %u:%d/%lu/%lu%s", node->id,
                       (int)node->life, atomic_load(&node->progress->sealed_height),
                       atomic_load(&node->progress->certified_height), node->open ? "" : "-");
    }
    cluster_fail(cluster, "no progress after the calm: height %lu wanted, %s%s", height,
                 clients_idle(cluster) ? "" : "clients wait, ", text);
}

static void play_out(struct cluster *cluster)
{
    uint64_t events = 0;
    while (cluster->failure == NULL && cluster->now_ns < cluster->calm_ns) {
        step(cluster);
        if (++events > EVENTS_MAX) cluster_fail(cluster, "events without an end");
    }
    if (cluster->failure != NULL) return;
    faults_heal(cluster);
    const uint64_t height = cluster->sealed + 3, until_ns = cluster->now_ns + SETTLE_NS;
    cluster_trace(cluster, "calm", height, 0, 0);
    while (cluster->failure == NULL && !checks_settled(cluster, height)) {
        step(cluster);
        cluster->clients_rest = checks_all_acknowledge(cluster);
        if (cluster->now_ns > until_ns || ++events > EVENTS_MAX) tell_unsettled(cluster, height);
    }
}

const char *cluster_play(struct cluster *cluster, uint64_t seed, const char *folder)
{
    const bool is_traced = cluster->is_traced;
    memset(cluster, 0, sizeof(*cluster));
    cluster->is_traced = is_traced;
    cluster_open(cluster, seed, folder);
    play_out(cluster);
    if (cluster->failure == NULL) checks_end(cluster);
    figures.virtual_ns += cluster->now_ns;
    cluster_close(cluster);
    return cluster->failure;
}
