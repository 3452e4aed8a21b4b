/* Dead-man's switches: per account and market, when its orders end unless the switch is set again.
 *
 *     heap       deadline, account, market of the earliest first      ─► switch
 *     by_owner   hash of (account, market), slot                      ─► switch, which knows its
 *                                                                        place in the heap
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 44 to 60 bytes a switch, touched as far as they are used; 2 an account
 * Limits   orders_max switches
 * Cost     "nothing is due": one comparison. Set, clear, due: O(log switches).
 *
 * Invariants, all asserted by switches_check:
 *   W1  no switch in the heap fires before the one above it
 *   W2  every switch in the heap knows its place there and is found by its account and market, once
 *   W3  next_ns is the first deadline
 *   W4  owned[account] is the number of the account's switches
 */

#ifndef ENGINE_SWITCHES_H
#define ENGINE_SWITCHES_H

#include "common/params.h"
#include "engine/slot_table.h"

#include <assert.h>

struct arena;

/* A switch: when it fires, and for whom. */
struct switch_due {
    uint64_t deadline_ns;
    uint32_t account;
    uint16_t market;
};

struct switch_entry {
    struct switch_due due;
    uint32_t place; /* in the heap; of a free slot: the next free one */
};
static_assert(sizeof(struct switch_entry) == 24, "as the memory line says");

struct switches {
    struct switch_entry *entries; /* slots 1 .. used */
    uint32_t *heap;               /* slots */
    uint16_t *owned;              /* by account: how many it has */
    struct slot_table by_owner;
    uint64_t next_ns; /* the first deadline, UINT64_MAX when there is none */
    uint32_t capacity;
    uint32_t accounts_max;
    uint32_t count;
    uint32_t used;
    uint32_t free;
};

size_t switches_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool switches_init(struct switches *switches, struct arena *arena,
                              const struct params *params);

/* Whether the account has one there. */
bool switches_has(const struct switches *switches, uint32_t account, uint16_t market);

/* Arms a switch, in place of the one that the account has there. False, and nothing done, when it has
 * none and there are as many as there may be. Needs: account <= accounts_max. */
MUST_CHECK bool switches_set(struct switches *switches, uint32_t account, uint16_t market,
                             uint64_t deadline_ns);

/* Disarms the account's switch there, if it has one. */
void switches_clear(struct switches *switches, uint32_t account, uint16_t market);

/* switches_due when one may be due. */
bool switches_take(struct switches *switches, struct switch_due *due);

/* Takes the first switch whose deadline is not above the stamp, in order of (deadline, account,
 * market). False when none is due. */
static inline bool switches_due(struct switches *switches, uint64_t stamp_ns,
                                struct switch_due *due)
{
    if (__builtin_expect(stamp_ns < switches->next_ns, 1)) return false;
    return switches_take(switches, due);
}

/* Writes all switches, in the order in which they fire. Set one by one in switches that have none, they
 * make the same again. Needs: room for `count` of them. O(count log count). */
void switches_list(const struct switches *switches, struct switch_due *list);

/* Asserts W1 to W4. O(switches + accounts). */
bool switches_check(const struct switches *switches);

#endif /* ENGINE_SWITCHES_H */
