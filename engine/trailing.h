/* Trailing stops that have started: how far the price has come for each, and whom a price fires.
 *
 * A follower of side SELL knows the highest price since it started, one of side BUY the lowest: its
 * extreme. Followers of one market, side and delta are a class, in the order in which they started. Who
 * started later has seen less, so that from the oldest to the newest extremes never get better; those
 * with the same extreme are a group, and only its oldest follower, its head, knows it.
 *
 *     SELL, delta 700   45500: a b c │ 45100: d │ 44800: e f        oldest first
 *     a price of 45200  45500: a b c │ 45200: d e f                 the weaker groups merge
 *     a price of 42315  fires a, b, c; the head of the next group bounds all that follow
 *
 * A new extreme thus takes from the back, a price that fires takes from the front, and neither looks at
 * any follower between. For each market there is a range of prices that do neither.
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 40 bytes a follower, 28 a class, 24 a market
 * Limits   `capacity` followers in all markets; each may be in a class of its own. Deltas are 1 .. 9999
 *          ten-thousandths, prices 1 .. 2^63 - 1.
 * Cost     a price in the market's quiet range: O(1). Any other: O(classes of the market), O(1) for each
 *          follower that it fires, amortised O(1) for groups that merge. Start: O(classes of the market),
 *          O(1) in the class of the last start or the one after it. End: O(1).
 *
 * Invariants, all asserted by trailing_check:
 *   TL1  a market's classes are SELL before BUY, deltas rising, each once, and none is empty
 *   TL2  every follower in use is in one class, linked both ways
 *   TL3  a class begins with a head; from head to head extremes fall strictly for SELL and rise for BUY,
 *        and one that no price has set yet is alone in its class
 *   TL4  no price in the market's quiet range moves an extreme or fires a follower
 */

#ifndef ENGINE_TRAILING_H
#define ENGINE_TRAILING_H

#include "engine/order.h"

struct arena;

struct follower {
    price_t extreme; /* of a head; 0: no price yet */
    uint32_t order;
    uint32_t older;       /* in its class */
    uint32_t newer;       /* of a free one: the next free one */
    uint32_t class;       /* NO_SLOT: free */
    uint32_t group_older; /* of a head: the heads beside it */
    uint32_t group_newer;
    bool head;
};
static_assert(sizeof(struct follower) == 40, "as the header says");

struct trailing_class {
    uint32_t oldest;
    uint32_t newest;
    uint32_t group_newest; /* head of the newest group */
    uint32_t previous;     /* in its market */
    uint32_t next;         /* of a free one: the next free one */
    uint16_t market;
    uint16_t delta; /* ten-thousandths */
    uint8_t side;
};
static_assert(sizeof(struct trailing_class) == 28, "as the header says");

/* The prices that change nothing, both ends included, in ticks; low > high: there are none. Unsigned, so
 * that one above the highest price is a number. */
struct quiet_range {
    uint64_t low;
    uint64_t high;
};

#define QUIET_ALWAYS ((struct quiet_range){0, UINT64_MAX})
#define QUIET_NEVER  ((struct quiet_range){UINT64_MAX, 0})

static inline bool trailing_quiet_has(const struct quiet_range *quiet, price_t price)
{
    return quiet->low <= (uint64_t)price.ticks && (uint64_t)price.ticks <= quiet->high;
}

/* Makes `quiet` what it shares with `other`. */
static inline void trailing_quiet_narrow(struct quiet_range *quiet, struct quiet_range other)
{
    if (other.low > quiet->low) quiet->low = other.low;
    if (other.high < quiet->high) quiet->high = other.high;
}

struct trailing_market {
    struct quiet_range quiet; /* may be narrower than it could be, never wider */
    uint32_t first;           /* class */
};

struct trailing {
    struct follower *followers;
    struct trailing_class *classes;
    struct trailing_market *markets;
    uint32_t capacity;
    uint32_t market_count;
    uint32_t follower_count; /* in use */
    uint32_t follower_used;  /* slots taken at least once */
    uint32_t follower_free;
    uint32_t class_count;
    uint32_t class_used;
    uint32_t class_free;
    uint32_t recent; /* class in which a follower started last; it may be free since */
};

size_t trailing_bytes(uint32_t capacity, uint32_t market_count);

/* False when the arena is too small. */
MUST_CHECK bool trailing_init(struct trailing *trailing, struct arena *arena, uint32_t capacity,
                              uint32_t market_count);

/* Starts to follow the price for `order`, as the last of its class; returns the follower, never 0.
 * Needs: follower_count < capacity; `extreme` is 0, or a price that every other follower here has seen. */
MUST_CHECK uint32_t trailing_start(struct trailing *trailing, uint16_t market, uint32_t order,
                                   enum side side, uint32_t delta, price_t extreme);

/* Takes a follower out. Needs: it is in use. */
void trailing_end(struct trailing *trailing, uint32_t follower);

/* A price in this market: moves the extremes that it improves. Returns where trailing_next begins, NO_SLOT
 * when it would find nobody. */
MUST_CHECK uint32_t trailing_move(struct trailing *trailing, uint16_t market, price_t price);

/* The order of the next follower that `price` fires, taken out; NO_SLOT at the end. SELL before BUY, a
 * smaller delta first, then as they started.
 * Needs: *class is what trailing_move returned for this price or the call before left; it is called to
 * the end, and meanwhile no follower ends. Those that start meanwhile are not fired. */
MUST_CHECK uint32_t trailing_next(struct trailing *trailing, price_t price, uint32_t *class);

/* The follower's extreme, 0 when no price has set it yet. O(followers of its group). */
price_t trailing_extreme(const struct trailing *trailing, uint32_t follower);

/* Walks the market's followers in the order in which one price would fire them; NO_SLOT at the end. */
uint32_t trailing_walk_first(const struct trailing *trailing, uint16_t market);
uint32_t trailing_walk_next(const struct trailing *trailing, uint32_t follower);

/* Asserts TL1 to TL4. O(followers + markets). */
bool trailing_check(const struct trailing *trailing);

#endif /* ENGINE_TRAILING_H */
