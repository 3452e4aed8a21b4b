/* The stops asleep in all markets, and whom a trade's price wakes, in the order of docs/matching.md.
 *
 * A rising stop is woken by its price and all above, a falling one by its price and all below: two
 * ladders a market, first in first out at a price. Trailing stops that have started follow the price in
 * trailing.h. No policy is here: what a woken order does, and that a stop with a delta starts to trail
 * instead, is the caller's.
 *
 *     rising   43000 ─ 43500 ─ 47000     a price at or above the best wakes it
 *     quiet    (41000, 43000)            a price in between wakes nobody: one look
 *     falling  41000 ─ 40250 ─ 12000     a price at or below the best wakes it
 *
 * A price begins a round: triggers_next is called with it until it answers NO_SLOT. Within the round the
 * caller may start trailing stops, which this round does not wake; nothing else.
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by triggers_init: 20 bytes a plain stop, and a level of the ladder for each
 *          stop price; trailing ones as trailing.h says; 24 bytes and two ladders a market. Pages of what
 *          sleeps are touched as they are used.
 * Limits   orders_max sleepers in all markets
 * Cost     a price that wakes nobody: O(1) while it is in the market's quiet range. A sleeper woken or
 *          taken out: O(1) and, for the last at its price, the ladder's. For trailing stops see trailing.h.
 *
 * Invariants, all asserted by triggers_check:
 *   TR1  every level in the ladders has sleepers, linked both ways, who know it, their market and direction
 *   TR2  every sleeper in use is in a level, and a market's count is that of its sleepers and followers
 *   TR3  no price in a market's quiet range wakes a sleeper, moves an extreme or fires a follower
 *   TR4  no round is open
 */

#ifndef ENGINE_TRIGGERS_H
#define ENGINE_TRIGGERS_H

#include "engine/ladder.h"
#include "engine/trailing.h"

struct params;

/* Marks the handle of a trailing stop; without it, it is a plain one. */
#define TRIGGERS_TRAILING 0x80000000u

/* A stop that waits for its price. */
struct sleeper {
    uint32_t order;
    uint32_t older; /* at its price */
    uint32_t newer; /* of a free one: the next free one */
    uint32_t level; /* NO_SLOT: free */
    uint16_t market;
    bool rising;
};
static_assert(sizeof(struct sleeper) == 20, "as the header says");

struct trigger_market {
    struct quiet_range quiet; /* may be narrower than it could be, never wider */
    uint32_t count;           /* asleep here, trailing ones included */
};

enum trigger_stage { STAGE_CLOSED, STAGE_RISING, STAGE_FALLING, STAGE_TRAILING };

struct trigger_round {
    price_t price;
    uint32_t class; /* where trailing_next goes on */
    uint16_t market;
    uint8_t stage; /* enum trigger_stage */
};

struct triggers {
    struct trigger_market *markets;
    struct ladder *rising; /* by market; best is the lowest price */
    struct ladder *falling;
    struct ladder_pool levels;
    struct sleeper *sleepers;
    struct trailing trailing;
    struct trigger_round round;
    uint32_t capacity;
    uint32_t sleeper_count; /* in use */
    uint32_t sleeper_used;  /* slots taken at least once */
    uint32_t sleeper_free;
};

size_t triggers_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool triggers_init(struct triggers *triggers, struct arena *arena,
                              const struct params *params);

/* Puts `order` to sleep until a price is at or above (rising) or at or below (falling) `stop`, last at
 * that price. Returns the sleeper, never 0.
 * Needs: fewer than orders_max asleep, stop > 0, no round is open. */
MUST_CHECK uint32_t triggers_sleep(struct triggers *triggers, uint16_t market, uint32_t order,
                                   bool rising, price_t stop);

/* Starts a trailing stop, the last of its side and delta. `extreme` is the price that it starts from, 0
 * when the market has had none: then the next one sets it. Returns the sleeper, never 0.
 * Needs: fewer than orders_max asleep, 1 <= delta <= 9999; extreme is the market's last price, or, in a
 * round, the round's: every other trailing stop has seen it. */
MUST_CHECK uint32_t triggers_trail(struct triggers *triggers, uint16_t market, uint32_t order,
                                   enum side side, uint32_t delta, price_t extreme);

/* Takes a sleeper out before its price has come. Needs: it is asleep, no round is open. */
void triggers_wake(struct triggers *triggers, uint32_t sleeper);

/* Of triggers_next, when the price may wake somebody. */
uint32_t triggers_round_next(struct triggers *triggers, uint16_t market, price_t price);

/* A price of a run that is over: the order of the next sleeper that it wakes, taken out; NO_SLOT when
 * none is left. Rising stops lowest first, falling stops highest first, each first in first out at a
 * price; then the trailing ones that had started before, SELL before BUY, a smaller delta first, then as
 * they started. The first call moves the extremes that the price improves.
 * Needs: price > 0; called until NO_SLOT with the same market and price. */
MUST_CHECK static inline uint32_t triggers_next(struct triggers *triggers, uint16_t market,
                                                price_t price)
{
    if (triggers->round.stage == STAGE_CLOSED &&
        trailing_quiet_has(&triggers->markets[market].quiet, price))
        return NO_SLOT;
    return triggers_round_next(triggers, market, price);
}

/* Whether anything sleeps here. */
static inline bool triggers_pending(const struct triggers *triggers, uint16_t market)
{
    return triggers->markets[market].count != 0;
}

/* Sleepers in all markets. */
static inline uint32_t triggers_count(const struct triggers *triggers)
{
    return triggers->sleeper_count + triggers->trailing.follower_count;
}

/* A trailing stop's extreme, 0 when no price has set it yet. O(followers of its group).
 * Needs: the sleeper came from triggers_trail and is asleep. */
price_t triggers_extreme(const struct triggers *triggers, uint32_t sleeper);

enum asleep_kind { ASLEEP_RISING, ASLEEP_FALLING, ASLEEP_TRAILING };

/* One sleeper as a snapshot writes it. */
struct asleep {
    price_t stop;     /* of a plain stop */
    price_t extreme;  /* of a trailing one; 0: none yet */
    uint32_t sleeper; /* handle */
    uint32_t order;
    uint32_t delta; /* of a trailing one */
    uint16_t market;
    uint8_t kind; /* enum asleep_kind */
    uint8_t side; /* of a trailing one */
};

/* Walks a market's sleepers: rising stops lowest first, falling stops highest first, trailing ones in
 * their order. Whoever adds them in this order to an empty market has the same again. False at the end.
 * Needs: no round is open; triggers_asleep_next gets what the call before filled, nothing changed since. */
MUST_CHECK bool triggers_asleep_first(const struct triggers *triggers, uint16_t market,
                                      struct asleep *asleep);
MUST_CHECK bool triggers_asleep_next(const struct triggers *triggers, struct asleep *asleep);

/* Asserts TR1 to TR4 and what the ladders and the trailing stops assert. O(sleepers + markets). */
bool triggers_check(const struct triggers *triggers);

#endif /* ENGINE_TRIGGERS_H */
