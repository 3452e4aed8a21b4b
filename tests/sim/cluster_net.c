/* Links as TCP gives them: order is kept, a break loses what was under way, a stall holds it up. */

#include "tests/sim/cluster.h"

#include "ledger/crc32c.h"

#include <stdlib.h>
#include <string.h>

static struct link *link_of(struct cluster *cluster, uint32_t left, uint32_t right)
{
    return left < right ? &cluster->links[left][right] : &cluster->links[right][left];
}

static void line_clear(struct line *line)
{
    while (line->first != NULL) {
        struct letter *letter = line->first;
        line->first = letter->next;
        free(letter);
    }
    line->last = &line->first;
    line->count = 0;
    line->stalled_ns = 0;
}

void net_open(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = 0; j < CLUSTER_NODES; j++) {
            cluster->lines[i][j].last = &cluster->lines[i][j].first;
            cluster->links[i][j].up_ns = NEVER;
        }
    cluster->delay_ns = 50000 + cluster_below(cluster, 3 * MS);
    cluster->jitter_ns = 1 + cluster_below(cluster, cluster_chance(cluster, 20) ? 30 * MS : MS);
    cluster->line_letters_max = cluster_chance(cluster, 25) ? 8 : 4096;
}

void net_close(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = 0; j < CLUSTER_NODES; j++)
            line_clear(&cluster->lines[i][j]);
}

static void set_up(struct cluster *cluster, uint32_t left, uint32_t right, bool up)
{
    struct link *link = link_of(cluster, left, right);
    line_clear(&cluster->lines[left][right]);
    line_clear(&cluster->lines[right][left]);
    link->up = up;
    link->up_ns = NEVER;
    cluster_trace(cluster, up ? "link up" : "link down", left + 1, right + 1, 0);
    node_link(&cluster->nodes[left], right + 1, up);
    node_link(&cluster->nodes[right], left + 1, up);
    if (up) net_refresh(cluster);
}

bool net_is_up(struct cluster *cluster, uint32_t left, uint32_t right)
{
    return left != right && link_of(cluster, left, right)->up;
}

static bool knows(const struct node *node, uint32_t other)
{
    return node_set_find(node->life == LIFE_UP ? &node->reach : &node->nodes, other) != NULL;
}

static bool wanted(struct cluster *cluster, uint32_t left, uint32_t right)
{
    const struct node *one = &cluster->nodes[left], *other = &cluster->nodes[right];
    return cluster_runs(one) && cluster_runs(other) && knows(one, other->id) &&
           knows(other, one->id) && !link_of(cluster, left, right)->cut;
}

void net_refresh(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = i + 1; j < CLUSTER_NODES; j++) {
            struct link *link = &cluster->links[i][j];
            const bool want = wanted(cluster, i, j);
            if (link->up && !want) set_up(cluster, i, j, false);
            if (!want) link->up_ns = NEVER;
            if (want && !link->up && link->up_ns == NEVER)
                link->up_ns = cluster->now_ns + MS + cluster_below(cluster, 80 * MS);
        }
}

void net_break(struct cluster *cluster, uint32_t left, uint32_t right)
{
    if (!link_of(cluster, left, right)->up) return;
    figures.breaks++;
    set_up(cluster, left, right, false);
    net_refresh(cluster);
}

void net_cut(struct cluster *cluster, uint32_t left, uint32_t right, bool cut)
{
    link_of(cluster, left, right)->cut = cut;
    net_refresh(cluster);
}

void net_stall(struct cluster *cluster, uint32_t from, uint32_t to, uint64_t until_ns)
{
    cluster->lines[from][to].stalled_ns = until_ns;
}

/* ---- What nodes see ---- */

/* What a write to the log that came before it in this turn has cost. */
static uint64_t waited_ns(struct node *node)
{
    return (power_disk_calls(node->disk) - node->calls_seen) * node->disk_ns;
}

static bool peers_send(void *context, uint32_t to, const struct peers_piece *pieces, uint32_t count)
{
    struct node *node = context;
    struct cluster *cluster = node->cluster;
    if (to == 0 || to > CLUSTER_NODES || to == node->id) return false;
    struct line *line = &cluster->lines[node->id - 1][to - 1];
    if (!link_of(cluster, node->id - 1, to - 1)->up || line->count >= cluster->line_letters_max)
        return false;
    size_t byte_count = 0;
    for (uint32_t i = 0; i < count; i++)
        byte_count += pieces[i].byte_count;
    ASSERT(byte_count <= PEERS_MESSAGE_MAX);
    struct letter *letter = malloc(sizeof(*letter) + byte_count);
    ASSERT(letter != NULL);
    uint8_t *at = letter->bytes;
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].byte_count > 0) {
            memcpy(at, pieces[i].bytes, pieces[i].byte_count);
            at += pieces[i].byte_count;
        }
    checks_sent(node, to, letter->bytes, byte_count);
    uint64_t at_ns = cluster->now_ns + waited_ns(node) + cluster->delay_ns +
                     cluster_below(cluster, cluster->jitter_ns);
    if (at_ns < line->last_ns) at_ns = line->last_ns;
    letter->next = NULL;
    letter->at_ns = line->last_ns = at_ns;
    letter->byte_count = byte_count;
    *line->last = letter;
    line->last = &letter->next;
    line->count++;
    figures.messages++;
    return true;
}

static bool peers_is_up(void *context, uint32_t to)
{
    struct node *node = context;
    return to > 0 && to <= CLUSTER_NODES && to != node->id &&
           link_of(node->cluster, node->id - 1, to - 1)->up;
}

struct peers net_peers(struct node *node)
{
    return (struct peers){.context = node, .send = peers_send, .is_up = peers_is_up};
}

/* ---- Time ---- */

/* When the line's first letter can be taken. */
static uint64_t letter_due(const struct cluster *cluster, uint32_t from, uint32_t to)
{
    const struct line *line = &cluster->lines[from][to];
    if (line->first == NULL) return NEVER;
    uint64_t due = line->first->at_ns;
    if (line->stalled_ns > due) due = line->stalled_ns;
    if (cluster->nodes[to].busy_ns > due) due = cluster->nodes[to].busy_ns;
    return due;
}

uint64_t net_due(const struct cluster *cluster)
{
    uint64_t due = NEVER;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = 0; j < CLUSTER_NODES; j++) {
            const uint64_t letter = letter_due(cluster, i, j);
            if (letter < due) due = letter;
            if (i < j && cluster->links[i][j].up_ns < due) due = cluster->links[i][j].up_ns;
        }
    return due;
}

static void deliver_first(struct cluster *cluster, uint32_t from, uint32_t to)
{
    struct line *line = &cluster->lines[from][to];
    struct letter *letter = line->first;
    line->first = letter->next;
    line->count--;
    if (line->first == NULL) line->last = &line->first;
    if (faults_alter(cluster, from + 1, to + 1, letter->bytes, letter->byte_count))
        figures.altered++;
    if (vetting_lie(cluster, from + 1, letter->bytes, letter->byte_count)) figures.lies++;
    cluster_trace(cluster, "letter", (uint64_t)(from + 1) << 8 | (to + 1), letter->byte_count,
                  crc32c_add(0, letter->bytes, letter->byte_count));
    node_receive(&cluster->nodes[to], from + 1, letter->bytes, letter->byte_count);
    free(letter);
}

void net_deliver(struct cluster *cluster)
{
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = i + 1; j < CLUSTER_NODES; j++)
            if (cluster->links[i][j].up_ns <= cluster->now_ns) {
                if (wanted(cluster, i, j))
                    set_up(cluster, i, j, true);
                else
                    cluster->links[i][j].up_ns = NEVER;
            }
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        for (uint32_t j = 0; j < CLUSTER_NODES; j++)
            while (letter_due(cluster, i, j) <= cluster->now_ns && cluster->failure == NULL)
                deliver_first(cluster, i, j);
}
