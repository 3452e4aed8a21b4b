/* How idempotent orders went, so that one that is asked for again is answered again and not placed again.
 *
 *     all          oldest ─► ... ─► newest            in the order of their commands
 *     by account   oldest ─► ... ─► newest, and how many
 *     heap         the account that has the most first; of several, whose oldest is the oldest
 *     by_name      hash of (account, market, client id), slot  ─► record
 *
 * Only accepted orders are here: a refused one changed nothing, and may be tried again.
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 176 bytes a record and 16 to 32 of its table, touched as far as they are used, and 20 an account
 * Limits   REPEATS_OF_ACCOUNT of an account, repeats_capacity of all. Beyond the first its own oldest is forgotten; beyond
 *          the second one of who has the most (from rules 6 on; below, the oldest of all)
 * Cost     O(1) to find, O(log accounts) to add
 *
 * Invariants, all asserted by repeats_check:
 *   R1  every record is found by its account, market and client id, once
 *   R2  both orders are those of the commands; an account's oldest is the oldest of all that are its
 *   R3  counts are what is there, and within their limits
 *   R4  who has any is in the heap once, knows its place, and comes behind the one above it
 */

#ifndef ENGINE_REPEATS_H
#define ENGINE_REPEATS_H

#include "common/params.h"
#include "engine/slot_table.h"

#include <assert.h>

#define REPEATS_OF_ACCOUNT 1000
#define REPEATS_MAX        (1u << 18)

struct arena;

struct repeat {
    struct order_repeated_event result;
    uint32_t hash;
    uint32_t older; /* of all */
    uint32_t newer; /* likewise; of a free slot: the next free one */
    uint32_t next;  /* newer one of the account */
};

static_assert(sizeof(struct repeat) == 176, "as the memory line says");

struct repeats_owner {
    uint32_t oldest;
    uint32_t newest;
    uint32_t count;
    uint32_t place; /* in the heap, from 1 on; 0: it has none */
};

struct repeats {
    struct repeat *records;       /* slots 1 .. used */
    struct repeats_owner *owners; /* by account */
    uint32_t *heap;               /* accounts, 1 .. heap_count */
    struct slot_table by_name;
    uint32_t accounts_max;
    uint32_t heap_count;
    uint32_t capacity;
    uint32_t count;
    uint32_t used;
    uint32_t free;
    uint32_t oldest;
    uint32_t newest;
};

/* As many as there may be orders at once, and REPEATS_MAX at most. */
static inline uint32_t repeats_capacity(const struct params *params)
{
    return params->orders_max < REPEATS_MAX ? params->orders_max : REPEATS_MAX;
}

size_t repeats_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool repeats_init(struct repeats *repeats, struct arena *arena,
                             const struct params *params);

/* How the account's order of this name went, or NULL. Valid until the next repeats_add. */
const struct order_repeated_event *repeats_find(const struct repeats *repeats, uint32_t account,
                                                uint16_t market, const uint8_t client_id[36]);

/* Who gives up its oldest where there is no room for all. */
enum repeats_share {
    REPEATS_OLDEST, /* whose is the oldest of all */
    REPEATS_FAIR    /* who has the most; the one that asks for room when nobody has more */
};

static inline enum repeats_share repeats_share_of(uint32_t rules)
{
    return rules >= PARAMS_RULES_ONCE ? REPEATS_FAIR : REPEATS_OLDEST;
}

/* Remembers one; another goes where there is no room.
 * Needs: the account exists, its command is above all that are here, and it is not here. */
void repeats_add(struct repeats *repeats, const struct order_repeated_event *result,
                 enum repeats_share share);

/* Asserts R1 to R4. O(records + accounts). */
bool repeats_check(const struct repeats *repeats);

#endif /* ENGINE_REPEATS_H */
