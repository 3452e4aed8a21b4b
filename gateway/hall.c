#include "gateway/hall.h"

#include "gateway/crowd.h"
#include "gateway/desk_state.h"
#include "gateway/latch.h"
#include "gateway/listen_key.h"
#include "gateway/quota.h"

#define PLACE_BYTES 64 /* to begin a line with */

/* Accounts whose numbers are so far apart share what is known of their last order: one then waits for the other's. */
#define PLACED_ACCOUNTS 65536

struct shared_crowd {
    struct latch latch;
    uint32_t in_count; /* of all */
    struct crowd crowd;
};

struct hall {
    /* Written by hall_new. */
    uint32_t loop_count;
    struct quota quota;       /* has a latch of its own, */
    struct listen_keys *keys; /* and so have they */
    struct metrics *metrics[HALL_LOOPS_MAX];

    struct shared_crowd crowds[HALL_CROWDS];
    _Atomic uint64_t placed[PLACED_ACCOUNTS]; /* by any loop: the maximum */
    /* By the first loop; by each loop that has answered. */
    _Atomic uint32_t port_is_open;
    _Atomic uint32_t answered;
};

/* How many may be in: a crowd finds a place for each. */
static uint32_t in_max(enum hall_crowd crowd, uint32_t loop_count)
{
    if (crowd == HALL_CONNECTIONS) return HALL_CONNECTIONS_MAX;
    return loop_count * (crowd == HALL_LOOKUPS ? DESK_LOOKUPS_MAX : GATEWAY_WAITING_MAX);
}

size_t hall_bytes(uint32_t loop_count)
{
    size_t bytes = sizeof(struct hall) + quota_bytes() + listen_key_bytes() +
                   (loop_count - 1) * (sizeof(struct metrics) + PLACE_BYTES);
    for (enum hall_crowd crowd = 0; crowd < HALL_CROWDS; crowd++)
        bytes += crowd_bytes(in_max(crowd, loop_count));
    return bytes + (HALL_CROWDS + 3) * PLACE_BYTES;
}

static bool crowds_init(struct hall *hall, struct arena *arena)
{
    for (enum hall_crowd crowd = 0; crowd < HALL_CROWDS; crowd++) {
        const uint32_t count = in_max(crowd, hall->loop_count);
        struct crowd_place *places = arena_take(arena, crowd_bytes(count));
        if (places == NULL) return false;
        crowd_init(&hall->crowds[crowd].crowd, places, count);
        latch_init(&hall->crowds[crowd].latch, hall->loop_count > 1);
    }
    return true;
}

static bool metrics_init(struct hall *hall, struct arena *arena, struct metrics *first)
{
    hall->metrics[0] = first;
    for (uint32_t loop = 1; loop < hall->loop_count; loop++) {
        hall->metrics[loop] = arena_take(arena, sizeof(struct metrics));
        if (hall->metrics[loop] == NULL) return false;
    }
    return true;
}

struct hall *hall_new(struct arena *arena, uint32_t loop_count, struct metrics *metrics)
{
    ASSERT(loop_count >= 1 && loop_count <= HALL_LOOPS_MAX);
    struct hall *hall = arena_take(arena, sizeof(*hall));
    if (hall == NULL) return NULL;
    hall->loop_count = loop_count;
    hall->keys = listen_key_new(arena);
    if (hall->keys == NULL || !quota_init(&hall->quota, arena) || !crowds_init(hall, arena) ||
        !metrics_init(hall, arena, metrics))
        return NULL;
    if (loop_count > 1) {
        quota_share(&hall->quota);
        listen_key_share(hall->keys);
    }
    return hall;
}

struct quota *hall_quota(struct hall *hall)
{
    return &hall->quota;
}

struct listen_keys *hall_keys(struct hall *hall)
{
    return hall->keys;
}

/* ---- who is there ---- */

uint32_t hall_count(struct hall *hall, enum hall_crowd crowd, uint64_t who)
{
    struct shared_crowd *shared = &hall->crowds[crowd];
    latch_take(&shared->latch);
    const uint32_t count = crowd_count(&shared->crowd, who);
    latch_release(&shared->latch);
    return count;
}

void hall_enter(struct hall *hall, enum hall_crowd crowd, uint64_t who, uint32_t count)
{
    struct shared_crowd *shared = &hall->crowds[crowd];
    latch_take(&shared->latch);
    crowd_add(&shared->crowd, who, count);
    shared->in_count += count;
    latch_release(&shared->latch);
}

void hall_leave(struct hall *hall, enum hall_crowd crowd, uint64_t who, uint32_t count)
{
    struct shared_crowd *shared = &hall->crowds[crowd];
    latch_take(&shared->latch);
    crowd_take(&shared->crowd, who, count);
    shared->in_count -= count;
    latch_release(&shared->latch);
}

enum hall_door hall_connect(struct hall *hall, uint64_t address, uint32_t all_max,
                            uint32_t address_max)
{
    struct shared_crowd *shared = &hall->crowds[HALL_CONNECTIONS];
    enum hall_door door = HALL_IN;
    ASSERT(all_max <= HALL_CONNECTIONS_MAX);
    latch_take(&shared->latch);
    if (shared->in_count >= all_max)
        door = HALL_IS_FULL;
    else if (address_max > 0 && crowd_count(&shared->crowd, address) >= address_max)
        door = HALL_ADDRESS_IS_FULL;
    if (door == HALL_IN) {
        crowd_add(&shared->crowd, address, 1);
        shared->in_count++;
    }
    latch_release(&shared->latch);
    return door;
}

/* ---- the port, and the end ---- */

void hall_open_port(struct hall *hall)
{
    /* release: the first loop's socket listens, and lets others join. Pairs with the acquire below. */
    atomic_store_explicit(&hall->port_is_open, 1, memory_order_release);
}

bool hall_port_is_open(const struct hall *hall)
{
    return atomic_load_explicit(&hall->port_is_open, memory_order_acquire) != 0;
}

bool hall_is_last_to_answer(struct hall *hall)
{
    /* acq_rel: who comes last has seen what all others have sent. */
    const uint32_t before = atomic_fetch_add_explicit(&hall->answered, 1, memory_order_acq_rel);
    ASSERT(before < hall->loop_count);
    return before + 1 == hall->loop_count;
}

/* ---- metrics ---- */

/* release: whoever finds the orders gone from the crowd finds this. Pairs with hall_placed. */
void hall_note_placed(struct hall *hall, uint32_t account, uint64_t number)
{
    if (hall->loop_count == 1) return; /* nobody would look, and the place is seldom in a cache */
    _Atomic uint64_t *placed = &hall->placed[account % PLACED_ACCOUNTS];
    uint64_t last = atomic_load_explicit(placed, memory_order_relaxed);
    while (last < number &&
           !atomic_compare_exchange_weak_explicit(placed, &last, number, memory_order_release,
                                                  memory_order_relaxed)) {
    }
}

/* acquire: pairs with hall_note_placed. */
uint64_t hall_placed(const struct hall *hall, uint32_t account)
{
    if (hall->loop_count == 1) return 0;
    return atomic_load_explicit(&hall->placed[account % PLACED_ACCOUNTS], memory_order_acquire);
}

uint32_t hall_loop_count(const struct hall *hall)
{
    return hall->loop_count;
}

struct metrics *hall_metrics(const struct hall *hall, uint32_t loop)
{
    ASSERT(loop < hall->loop_count);
    return hall->metrics[loop];
}

void hall_sum_metrics(const struct hall *hall, struct metrics *sum)
{
    *sum = (struct metrics){0};
    for (uint32_t loop = 0; loop < hall->loop_count; loop++)
        metrics_add(sum, hall->metrics[loop]);
}
