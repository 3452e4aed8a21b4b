/* What a node's vetter does, without its thread (node/vetter.h): everything but signatures in place; with
 * cluster_liars, signatures are answered some time later. And the liars: a member's command changes on its way to the
 * leader into one that nobody asked for, as if the member had sent it so. */

#include "tests/sim/cluster.h"

#include "common/batch.h"
#include "common/le.h"
#include "ledger/peer_message.h"
#include "settlement/mandate_book.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_NS_MAX   (20 * MS)
#define DEADLINE_OFFSET 32 /* in a command */
#define KEY_ID_BYTES    32

bool cluster_liars;

struct later {
    uint64_t at_ns;
    struct vetting_answer answer;
};

void vetting_open(struct node *node)
{
    const struct genesis *genesis = &node->cluster->genesis;
    const bool mapped = arena_map(&node->vetting_arena, mandate_book_bytes(genesis));
    ASSERT(mapped);
    node->mandates = mandate_book_new(&node->vetting_arena, genesis);
    ASSERT(node->mandates != NULL);
    mandate_book_copy(node->mandates, node->settlement);
    node->vetting_reached = settlement_command(node->settlement);
}

void vetting_close(struct node *node)
{
    queue_clear(&node->answers);
    if (node->vetting_arena.bytes != NULL) arena_unmap(&node->vetting_arena);
    node->vetting_arena = (struct arena){0};
    node->mandates = NULL;
}

void vetting_turn(struct node *node)
{
    const uint64_t settled = atomic_load(&node->progress->settled_command);
    const uint8_t *bytes;
    for (size_t byte_count; (bytes = ring_peek(node->facts, &byte_count)) != NULL;
         ring_pop(node->facts)) {
        struct event event;
        const uint8_t *at = bytes;
        const bool whole = event_next(&at, bytes + byte_count, &event);
        ASSERT(whole);
        const bool follows = mandate_book_apply(node->mandates, &event);
        ASSERT(follows);
    }
    ring_release(node->facts);
    if (settled > node->vetting_reached) node->vetting_reached = settled;
}

uint64_t vetting_due(const struct node *node)
{
    struct later later;
    if (node->answers.first == NULL) return NEVER;
    memcpy(&later, node->answers.first->bytes, sizeof(later));
    return later.at_ns;
}

static uint64_t reached(void *context)
{
    return ((const struct node *)context)->vetting_reached;
}

/* In the order they were asked, as of one thread. */
static void answer_later(struct node *node, uint64_t number, bool stands,
                         const struct vetting_fault *fault)
{
    static uint64_t last_ns;
    struct cluster *cluster = node->cluster;
    struct later later = {.answer = {number, stands, *fault}};
    later.at_ns = cluster->now_ns + random_below(&cluster->machine, ANSWER_NS_MAX);
    if (node->answers.first != NULL && later.at_ns < last_ns) later.at_ns = last_ns;
    last_ns = later.at_ns;
    queue_add(&node->answers, 0, (const uint8_t *)&later, sizeof(later));
}

static enum vetting_result ask(void *context, const struct vetting_run *run,
                               struct vetting_fault *fault)
{
    struct node *node = context;
    const uint8_t *at = run->bytes, *const end = at + run->byte_count;
    bool asked = false, stands = true;
    struct vetting_fault wrong = {.what = "signature"};
    struct command command;
    struct authority_signature by;
    while (at < end) {
        *fault = (struct vetting_fault){.what = "form", .offset = (uint32_t)(at - run->bytes)};
        if (!batch_next(&at, end, &command)) return VETTING_FALSE;
        fault->what = mandate_book_objection(node->mandates, &command, &by);
        if (fault->what != NULL) {
            if (mandate_book_late(node->mandates, &command, run->stamp_ns, run->clock_ns,
                                  &fault->stands_ns)) {
                figures.late_taken++;
                continue;
            }
            figures.late++;
            return VETTING_LATE;
        }
        if (by.public_key == NULL) continue;
        asked = true;
        if (!stands || hash_verify(by.public_key, by.text, by.text_bytes, by.signature)) continue;
        stands = false;
        wrong.offset = fault->offset;
    }
    if (asked && cluster_liars) {
        answer_later(node, run->number, stands, &wrong);
        return VETTING_ASKED;
    }
    *fault = wrong;
    return stands ? VETTING_STANDS : VETTING_FALSE;
}

static bool answer(void *context, struct vetting_answer *given)
{
    struct node *node = context;
    struct later later;
    if (vetting_due(node) > node->cluster->now_ns) return false;
    memcpy(&later, node->answers.first->bytes, sizeof(later));
    *given = later.answer;
    queue_drop(&node->answers);
    return true;
}

/* Nobody is named a liar who did not lie. */
static void convict(void *context, const struct vetting_run *run, const struct vetting_fault *fault)
{
    struct node *node = context;
    figures.lies_found++;
    cluster_trace(node->cluster, "lie found", node->id, run->node, fault->offset);
    if (!cluster_node(node->cluster, run->node)->lied)
        cluster_fail(node->cluster, "node %u says that node %u lied, who did not: %s", node->id,
                     run->node, fault->what);
}

struct vetting vetting_of(struct node *node)
{
    return (struct vetting){
        .context = node, .reached = reached, .ask = ask, .answer = answer, .convict = convict};
}

/* ---- Liars ---- */

/* A bit of what says who asked for the command. By a key that nobody knows, with a deadline that is over or soon will be, as
 * a node may have it that was cut off while the key's place became another's: then it waits, stands, and nobody has lied. */
static bool lie_in(struct cluster *cluster, uint8_t *command, bool *is_late)
{
    const uint16_t auth_bytes = le_get_u16(command + 14);
    const uint32_t length = le_get_u32(command);
    if (auth_bytes < KEY_ID_BYTES) return false;
    uint8_t *auth = command + length - auth_bytes;
    *is_late = auth_bytes == KEY_ID_BYTES && cluster_chance(cluster, 40);
    if (*is_late) {
        const uint64_t from_ns = cluster->base_ns + cluster->now_ns - 5000 * MS;
        le_put_u64(command + DEADLINE_OFFSET, from_ns + cluster_below(cluster, 10000 * MS));
        memset(auth, 0xee, KEY_ID_BYTES);
        return true;
    }
    const uint64_t byte = cluster_below(cluster, auth_bytes < 96 ? auth_bytes : 96);
    auth[byte] ^= (uint8_t)(1 << cluster_below(cluster, 8));
    return true;
}

bool vetting_lie(struct cluster *cluster, uint32_t from, uint8_t *bytes, size_t byte_count)
{
    struct peer_forward forward;
    bool is_late;
    if (!cluster->lies) return false;
    if (bytes[0] == PEER_LOOSE && le_get_u16(bytes + PEER_LOOSE_BYTES + 4) == T_VOTE &&
        cluster_chance(cluster, 20)) {
        bytes[PEER_LOOSE_BYTES + 12] = AUTH_HMAC; /* that nobody can have vouched for */
        cluster->lies = false;
        return true;
    }
    if (bytes[0] != PEER_FORWARD || !peer_message_get_forward(bytes, byte_count, from, &forward) ||
        forward.epoch == 0)
        return false;
    uint8_t *command = bytes + (forward.run - bytes);
    for (uint64_t skip = cluster_below(cluster, forward.count); skip > 0; skip--)
        command += le_get_u32(command);
    if (!lie_in(cluster, command, &is_late)) return false;
    cluster->lies = false;
    if (!is_late) cluster_node(cluster, from)->lied = true;
    return true;
}
