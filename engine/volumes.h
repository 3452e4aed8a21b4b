/* What each account traded by UTC day, for its tier.
 *
 * Only the day of the last fill is summed beside the account; the 30 days before it lie in a slot that
 * the account gets with its second day, by day % 30:
 *
 *     account    day | what it traded that day | slot
 *     slot       30 days before it
 *
 * There is no sweep at midnight: an account's days pass when it trades again, and who asks counts
 * only the days asked for.
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 16 bytes an account, and 248 for each that traded on two days; what is
 *          not used is not touched
 * Limits   a day and a sum of days hold at most 2^63 - 1 and stay there. Days never fall.
 * Cost     add: O(1), one cache line; the day's first: up to 30 places. Before: 30 places.
 *
 * Invariants, all asserted by volumes_check:
 *   V1  every slot belongs to one account, and that account knows it
 *   V2  no day is below 0
 *   V3  an account that traded has something on the day it knows
 */

#ifndef ENGINE_VOLUMES_H
#define ENGINE_VOLUMES_H

#include "engine/averages.h"

#define VOLUMES_DAYS   30 /* that count for a tier, before the present one */
#define VOLUMES_DAY_NS 86400000000000u

struct volumes_account {
    amount_t today;
    uint32_t day;
    uint32_t slot; /* 0: none yet */
};
static_assert(sizeof(struct volumes_account) == 16, "four in a cache line");

struct volumes_slot {
    amount_t days[VOLUMES_DAYS];
    uint32_t account;
};

/* The market that prices an asset in the volume asset, as far as it has been looked for. */
struct volumes_reference {
    uint16_t markets_seen;
    uint16_t found; /* index + 1; 0: none among those seen */
};

struct volumes {
    struct volumes_account *accounts; /* by number; 0 is nobody */
    struct volumes_slot *slots;       /* 1 .. used */
    struct volumes_reference references[PARAMS_ASSETS_LIMIT];
    uint32_t accounts_max;
    uint32_t used;
};

/* One day of an account on which it traded. */
struct volumes_day {
    uint32_t account;
    uint32_t day;
    amount_t value;
};

/* The UTC day of a stamp, since the epoch. */
static inline uint32_t volumes_day_of(uint64_t stamp_ns)
{
    return (uint32_t)(stamp_ns / VOLUMES_DAY_NS);
}

size_t volumes_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool volumes_init(struct volumes *volumes, struct arena *arena,
                             const struct params *params);

/* Whether some tier asks for volume. */
bool volumes_counted(const struct params *params);

/* What a fill of this market is worth in the volume asset: the side that is in it, or else the quote
 * amount at the last price of the first market that has the quote asset as base and the volume asset
 * as quote. Rounded down, at most 2^63 - 1, 0 without such a price.
 * Needs: markets are added to the parameters and never taken away. */
amount_t volumes_value(struct volumes *volumes, const struct params *params,
                       const struct averages *averages, uint16_t market, amount_t base,
                       amount_t quote);

/* Begins `day` for an account that knows an earlier one. */
void volumes_turn(struct volumes *volumes, uint32_t account, uint32_t day);

/* Adds to the account's day. Needs: value >= 0, days that never fall. */
static inline void volumes_add(struct volumes *volumes, uint32_t account, uint32_t day,
                               amount_t value)
{
    ASSERT(value.units >= 0);
    struct volumes_account *entry = &volumes->accounts[account];
    if (value.units == 0) return;
    if (__builtin_expect(entry->day != day, 0)) volumes_turn(volumes, account, day);
    if (!amount_add(entry->today, value, &entry->today)) entry->today.units = INT64_MAX;
}

/* What the account traded on the 30 days before `day`. Needs: its last fill was not after `day`. */
amount_t volumes_before(const struct volumes *volumes, uint32_t account, uint32_t day);

/* The account's tier on `day`: the highest whose volume it traded before, `floor_tier` at least. While
 * no tier asks for volume: `floor_tier`. */
uint16_t volumes_tier(const struct params *params, const struct volumes *volumes, uint32_t account,
                      uint32_t day, uint16_t floor_tier);

/* Walks everything there is in rising (account, day): start with *day all zero; false at the end. Added
 * in this order to volumes that have nothing yet, it makes the same again. */
MUST_CHECK bool volumes_next(const struct volumes *volumes, struct volumes_day *day);

/* Asserts V1 to V3. O(accounts). */
bool volumes_check(const struct volumes *volumes);

#endif /* ENGINE_VOLUMES_H */
