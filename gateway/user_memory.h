/* Which account's entries are remembered, and whose oldest goes when there is no room: places, numbered from 1.
 *
 *     all          oldest ─► ... ─► newest
 *     by account   oldest ─► ... ─► newest, and how many
 *     ranks        by how many they have: the accounts that have so many, who has had them longest first
 *
 * Who has the most gives, of several the one whose count changed last: he is the busiest. So nobody gives to others while
 * he has fewer than capacity / accounts that have any.
 *
 * Owner    one gateway loop
 * Memory   the caller's arena: 40 bytes a place, 20 an account; untouched until used
 * Limits   `capacity` places. An account's entries leave oldest first
 * Cost     O(1) each
 *
 * Invariants, all asserted by user_memory_check:
 *   U1  every place in use is in both its lists once, linked both ways
 *   U2  both go by age: an account's oldest is the oldest of all that are its
 *   U3  counts are what is there
 *   U4  who has any is in the rank of its count and in no other; `most` is the highest that has somebody
 */

#ifndef GATEWAY_USER_MEMORY_H
#define GATEWAY_USER_MEMORY_H

#include "common/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct user_place {
    uint32_t older, newer;   /* of its account; 0: none */
    uint32_t before, behind; /* of all; of a free one `behind` is the next free one */
    uint32_t account;        /* 0: free */
    uint64_t age;            /* rises from place to place that is taken */
};

struct user_owner {
    uint32_t oldest, newest; /* 0: none */
    uint32_t count;
    uint32_t left, right; /* beside it in its rank; 0: none */
};

struct user_rank {
    uint32_t first, last; /* accounts; 0: none */
};

struct user_memory {
    struct user_place *places; /* 1 .. used */
    struct user_owner *owners; /* by account */
    struct user_rank *ranks;   /* by count, 1 .. capacity */
    uint64_t taken;            /* ever */
    uint32_t accounts_max;
    uint32_t capacity, used, count;
    uint32_t free;
    uint32_t oldest, newest;
    uint32_t most;
};

size_t user_memory_bytes(uint32_t accounts_max, uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool user_memory_init(struct user_memory *memory, struct arena *arena,
                                 uint32_t accounts_max, uint32_t capacity);

/* The account whose oldest goes next. Needs: somebody has any. */
uint32_t user_memory_who_gives(const struct user_memory *memory);

/* A place for the account's newest entry. Needs: one is free. */
uint32_t user_memory_take(struct user_memory *memory, uint32_t account);

/* The account's oldest entry leaves; returns its place, which is free now. Needs: it has one. */
uint32_t user_memory_give(struct user_memory *memory, uint32_t account);

/* Asserts U1 to U4. O(places + accounts). */
bool user_memory_check(const struct user_memory *memory);

#endif /* GATEWAY_USER_MEMORY_H */
