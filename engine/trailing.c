#include "engine/trailing.h"

#include "common/arena.h"

#define DELTA_MAX 9999u
#define DELTA_ONE 10000

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t trailing_bytes(uint32_t capacity, uint32_t market_count)
{
    const size_t slots = (size_t)capacity + 1;
    return rounded(slots * sizeof(struct follower)) +
           rounded(slots * sizeof(struct trailing_class)) +
           rounded(market_count * sizeof(struct trailing_market));
}

bool trailing_init(struct trailing *trailing, struct arena *arena, uint32_t capacity,
                   uint32_t market_count)
{
    const size_t slots = (size_t)capacity + 1;
    *trailing = (struct trailing){.capacity = capacity, .market_count = market_count};
    trailing->followers = arena_take_array(arena, slots, sizeof(struct follower));
    trailing->classes = arena_take_array(arena, slots, sizeof(struct trailing_class));
    trailing->markets = arena_take_array(arena, market_count, sizeof(struct trailing_market));
    if (trailing->followers == NULL || trailing->classes == NULL || trailing->markets == NULL)
        return false;
    for (uint32_t market = 0; market < market_count; market++)
        trailing->markets[market].quiet = QUIET_ALWAYS;
    return true;
}

static uint32_t follower_take(struct trailing *trailing)
{
    ASSERT(trailing->follower_count < trailing->capacity);
    uint32_t slot = trailing->follower_free;
    if (slot == NO_SLOT)
        slot = ++trailing->follower_used;
    else
        trailing->follower_free = trailing->followers[slot].newer;
    trailing->follower_count++;
    return slot;
}

static void follower_give(struct trailing *trailing, uint32_t slot)
{
    trailing->followers[slot] = (struct follower){.newer = trailing->follower_free};
    trailing->follower_free = slot;
    trailing->follower_count--;
}

/* Whether the classes of (side, delta) come before `class`. */
static bool comes_before(enum side side, uint32_t delta, const struct trailing_class *class)
{
    if (side != class->side) return side == SELL;
    return delta < class->delta;
}

/* A class of its own for (side, delta), between two neighbours. */
static uint32_t class_take(struct trailing *trailing, struct trailing_class class)
{
    /* They cannot run out: none is empty, and there are as many as followers. */
    uint32_t slot = trailing->class_free;
    if (slot == NO_SLOT)
        slot = ++trailing->class_used;
    else
        trailing->class_free = trailing->classes[slot].next;
    trailing->class_count++;
    ASSERT(slot <= trailing->capacity);

    trailing->classes[slot] = class;
    if (class.next != NO_SLOT) trailing->classes[class.next].previous = slot;
    if (class.previous != NO_SLOT)
        trailing->classes[class.previous].next = slot;
    else
        trailing->markets[class.market].first = slot;
    return slot;
}

static void class_give(struct trailing *trailing, uint32_t slot)
{
    const struct trailing_class class = trailing->classes[slot];
    if (class.next != NO_SLOT) trailing->classes[class.next].previous = class.previous;
    if (class.previous != NO_SLOT)
        trailing->classes[class.previous].next = class.next;
    else
        trailing->markets[class.market].first = class.next;
    trailing->classes[slot] = (struct trailing_class){.next = trailing->class_free};
    trailing->class_free = slot;
    trailing->class_count--;
}

/* The class used last, if that of (market, side, delta) is it or comes after it; or NO_SLOT. Who starts many
 * in their order, as a restored snapshot does, never walks far. */
static uint32_t class_recent(const struct trailing *trailing, uint16_t market, enum side side,
                             uint32_t delta)
{
    const struct trailing_class *class = &trailing->classes[trailing->recent];
    if (class->oldest == NO_SLOT || class->market != market) return NO_SLOT;
    return comes_before(side, delta, class) ? NO_SLOT : trailing->recent;
}

/* The class of (market, side, delta), made when there is none. */
static uint32_t class_of(struct trailing *trailing, uint16_t market, enum side side, uint32_t delta)
{
    const uint32_t recent = class_recent(trailing, market, side, delta);
    uint32_t previous = recent == NO_SLOT ? NO_SLOT : trailing->classes[recent].previous;
    uint32_t next = recent == NO_SLOT ? trailing->markets[market].first : recent;
    while (next != NO_SLOT && !comes_before(side, delta, &trailing->classes[next])) {
        const struct trailing_class *class = &trailing->classes[next];
        if (class->side == side && class->delta == delta) return next;
        previous = next;
        next = class->next;
    }
    return class_take(trailing, (struct trailing_class){.previous = previous,
                                                        .next = next,
                                                        .market = market,
                                                        .delta = (uint16_t)delta,
                                                        .side = (uint8_t)side});
}

/* Whether `price` is a better extreme. */
static bool improves(enum side side, price_t price, price_t extreme)
{
    if (extreme.ticks == 0) return true;
    return side == SELL ? price.ticks > extreme.ticks : price.ticks < extreme.ticks;
}

/* The extreme x (10000 - delta) or x (10000 + delta): where a follower fires, in ten-thousandths of a
 * tick. */
static __int128 fires_at(const struct trailing_class *class, price_t extreme)
{
    const int64_t part = class->side == SELL ? DELTA_ONE - class->delta : DELTA_ONE + class->delta;
    return (__int128)extreme.ticks * part;
}

/* Whether `price` fires a follower with this extreme. Needs: a price has set it. */
static bool fires(const struct trailing_class *class, price_t extreme, price_t price)
{
    const __int128 bound = fires_at(class, extreme);
    const __int128 asked = (__int128)price.ticks * DELTA_ONE;
    return class->side == SELL ? asked <= bound : asked >= bound;
}

/* The prices that neither move the class's worst extreme nor fire at its best one. */
static struct quiet_range class_quiet(const struct trailing *trailing,
                                      const struct trailing_class *class)
{
    const price_t worst = trailing->followers[class->group_newest].extreme;
    const price_t best = trailing->followers[class->oldest].extreme;
    if (worst.ticks == 0) return QUIET_NEVER;

    /* Below 2 x 2^63 when divided: it fits. */
    const __int128 bound = fires_at(class, best);
    if (class->side == SELL)
        return (struct quiet_range){(uint64_t)(bound / DELTA_ONE) + 1, (uint64_t)worst.ticks};
    return (struct quiet_range){(uint64_t)worst.ticks, (uint64_t)((bound - 1) / DELTA_ONE)};
}

/* No price in the market's quiet range touches this class. */
static void quiet_respect(struct trailing *trailing, const struct trailing_class *class)
{
    trailing_quiet_narrow(&trailing->markets[class->market].quiet, class_quiet(trailing, class));
}

/* Makes the newest follower, which is in no group yet, the head of one. */
static void group_open(struct trailing *trailing, struct trailing_class *class, price_t extreme)
{
    struct follower *head = &trailing->followers[class->newest];
    head->head = true;
    head->extreme = extreme;
    head->group_older = class->group_newest;
    if (class->group_newest != NO_SLOT)
        trailing->followers[class->group_newest].group_newer = class->newest;
    class->group_newest = class->newest;
}

/* The newest group's followers go over to the group before it, if there is one. */
static void group_newest_close(struct trailing *trailing, struct trailing_class *class)
{
    struct follower *head = &trailing->followers[class->group_newest];
    class->group_newest = head->group_older;
    if (class->group_newest != NO_SLOT)
        trailing->followers[class->group_newest].group_newer = NO_SLOT;
    head->head = false;
    head->group_older = NO_SLOT;
    head->extreme.ticks = 0;
}

/* Puts `slot` to the back. One with the extreme of the newest group joins it. */
static void class_push(struct trailing *trailing, uint32_t class_slot, uint32_t slot,
                       price_t extreme)
{
    struct trailing_class *class = &trailing->classes[class_slot];
    struct follower *followers = trailing->followers;
    followers[slot].class = class_slot;
    followers[slot].older = class->newest;
    if (class->newest == NO_SLOT)
        class->oldest = slot;
    else
        followers[class->newest].newer = slot;
    class->newest = slot;

    if (class->group_newest == NO_SLOT) {
        group_open(trailing, class, extreme);
        return;
    }
    const price_t newest = followers[class->group_newest].extreme;
    if (newest.ticks == extreme.ticks) return;
    ASSERT(newest.ticks != 0 && extreme.ticks != 0 && !improves(class->side, extreme, newest));
    group_open(trailing, class, extreme); /* TL3 holds by the line above */
}

uint32_t trailing_start(struct trailing *trailing, uint16_t market, uint32_t order, enum side side,
                        uint32_t delta, price_t extreme)
{
    ASSERT(market < trailing->market_count);
    ASSERT(order != NO_SLOT);
    ASSERT(delta >= 1 && delta <= DELTA_MAX);
    ASSERT(extreme.ticks >= 0);

    const uint32_t slot = follower_take(trailing);
    trailing->followers[slot] = (struct follower){.order = order};
    const uint32_t class = class_of(trailing, market, side, delta);
    trailing->recent = class;
    class_push(trailing, class, slot, extreme);
    quiet_respect(trailing, &trailing->classes[class]);
    return slot;
}

/* The head leaves: the next of its group is head in its place, or the group is gone. */
static void head_leave(struct trailing *trailing, struct trailing_class *class, uint32_t slot)
{
    struct follower *followers = trailing->followers;
    const struct follower head = followers[slot];
    const bool alone = head.newer == NO_SLOT || followers[head.newer].head;
    if (!alone) {
        followers[head.newer].head = true;
        followers[head.newer].extreme = head.extreme;
        followers[head.newer].group_older = head.group_older;
        followers[head.newer].group_newer = head.group_newer;
    }
    const uint32_t older = alone ? head.group_older : head.newer;
    const uint32_t newer = alone ? head.group_newer : head.newer;
    if (head.group_older != NO_SLOT) followers[head.group_older].group_newer = newer;
    if (head.group_newer != NO_SLOT)
        followers[head.group_newer].group_older = older;
    else
        class->group_newest = older;
}

void trailing_end(struct trailing *trailing, uint32_t slot)
{
    ASSERT(slot - 1 < trailing->follower_used); /* NO_SLOT is not */
    struct follower *followers = trailing->followers;
    const struct follower *follower = &followers[slot];
    ASSERT(follower->class != NO_SLOT);

    const uint32_t class_slot = follower->class;
    struct trailing_class *class = &trailing->classes[class_slot];
    if (follower->head) head_leave(trailing, class, slot);
    if (follower->older == NO_SLOT)
        class->oldest = follower->newer;
    else
        followers[follower->older].newer = follower->newer;
    if (follower->newer == NO_SLOT)
        class->newest = follower->older;
    else
        followers[follower->newer].older = follower->older;
    follower_give(trailing, slot);
    if (class->oldest == NO_SLOT) class_give(trailing, class_slot);
}

/* Groups that `price` improves become one, which it may share with the group before them. */
static void class_move(struct trailing *trailing, struct trailing_class *class, price_t price)
{
    struct follower *followers = trailing->followers;
    const uint32_t newest = class->group_newest;
    if (!improves(class->side, price, followers[newest].extreme)) return;

    /* Ends: each pass closes a group, and the oldest one stays. */
    for (;;) {
        const uint32_t older = followers[class->group_newest].group_older;
        if (older == NO_SLOT || improves(class->side, followers[older].extreme, price)) break;
        group_newest_close(trailing, class);
    }
    followers[class->group_newest].extreme = price;
}

uint32_t trailing_move(struct trailing *trailing, uint16_t market, price_t price)
{
    ASSERT(market < trailing->market_count);
    ASSERT(price.ticks > 0);
    struct trailing_market *here = &trailing->markets[market];
    if (trailing_quiet_has(&here->quiet, price)) return NO_SLOT;

    /* trailing_next narrows it again by each class that it has done with. */
    here->quiet = QUIET_ALWAYS;
    for (uint32_t slot = here->first; slot != NO_SLOT; slot = trailing->classes[slot].next)
        class_move(trailing, &trailing->classes[slot], price);
    return here->first;
}

uint32_t trailing_next(struct trailing *trailing, price_t price, uint32_t *class_slot)
{
    while (*class_slot != NO_SLOT) {
        const struct trailing_class *class = &trailing->classes[*class_slot];
        const uint32_t oldest = class->oldest;
        const struct follower *follower = &trailing->followers[oldest];
        if (!fires(class, follower->extreme, price)) {
            quiet_respect(trailing, class);
            *class_slot = class->next;
            continue;
        }
        const uint32_t order = follower->order;
        if (follower->newer == NO_SLOT) *class_slot = class->next; /* it ends with its last */
        trailing_end(trailing, oldest);
        return order;
    }
    return NO_SLOT;
}

price_t trailing_extreme(const struct trailing *trailing, uint32_t follower)
{
    ASSERT(follower - 1 < trailing->follower_used);
    ASSERT(trailing->followers[follower].class != NO_SLOT);
    while (!trailing->followers[follower].head) /* ends: a class begins with a head */
        follower = trailing->followers[follower].older;
    return trailing->followers[follower].extreme;
}

uint32_t trailing_walk_first(const struct trailing *trailing, uint16_t market)
{
    ASSERT(market < trailing->market_count);
    return trailing->classes[trailing->markets[market].first].oldest; /* class 0 has none */
}

uint32_t trailing_walk_next(const struct trailing *trailing, uint32_t follower)
{
    const struct follower *at = &trailing->followers[follower];
    if (at->newer != NO_SLOT) return at->newer;
    return trailing->classes[trailing->classes[at->class].next].oldest;
}

/* Asserts TL3 between two neighbouring heads, the first one's `older` being NO_SLOT. */
static void head_check(const struct trailing *trailing, const struct trailing_class *class,
                       uint32_t older, uint32_t slot)
{
    const struct follower *head = &trailing->followers[slot];
    ASSERT(head->group_older == older);
    ASSERT(head->extreme.ticks >= 0);
    if (older == NO_SLOT) return;
    const struct follower *before = &trailing->followers[older];
    ASSERT(before->group_newer == slot);
    ASSERT(before->extreme.ticks != 0 && head->extreme.ticks != 0);
    ASSERT(improves(class->side, before->extreme, head->extreme)); /* TL3 */
}

/* Asserts TL2 and TL3 for one class; returns its followers. */
static uint32_t class_check(const struct trailing *trailing, uint32_t class_slot)
{
    const struct trailing_class *class = &trailing->classes[class_slot];
    uint32_t count = 0, older = NO_SLOT, head = NO_SLOT;
    ASSERT(class->oldest != NO_SLOT && trailing->followers[class->oldest].head); /* TL1, TL3 */
    for (uint32_t slot = class->oldest; slot != NO_SLOT; slot = trailing->followers[slot].newer) {
        const struct follower *follower = &trailing->followers[slot];
        ASSERT(follower->class == class_slot && follower->older == older); /* TL2 */
        ASSERT(follower->order != NO_SLOT);
        ASSERT(++count <= trailing->follower_count);
        if (follower->head) {
            head_check(trailing, class, head, slot);
            head = slot;
        }
        older = slot;
    }
    ASSERT(class->newest == older);
    ASSERT(class->group_newest == head && trailing->followers[head].group_newer == NO_SLOT);
    return count;
}

/* Asserts TL4 for one class. */
static void quiet_check(const struct trailing *trailing, const struct trailing_class *class)
{
    const struct quiet_range *quiet = &trailing->markets[class->market].quiet;
    if (quiet->low > quiet->high) return;
    const struct quiet_range own = class_quiet(trailing, class);
    ASSERT(own.low <= quiet->low && quiet->high <= own.high); /* TL4 */
}

static uint32_t market_check(const struct trailing *trailing, uint16_t market,
                             uint32_t *class_count)
{
    uint32_t followers = 0, previous = NO_SLOT;
    uint32_t slot = trailing->markets[market].first;
    for (; slot != NO_SLOT; slot = trailing->classes[slot].next) {
        const struct trailing_class *class = &trailing->classes[slot];
        ASSERT(class->market == market && class->previous == previous);
        ASSERT(class->delta >= 1 && class->delta <= DELTA_MAX);
        if (previous != NO_SLOT) { /* TL1 */
            const struct trailing_class *before = &trailing->classes[previous];
            ASSERT(comes_before(before->side, before->delta, class));
        }
        followers += class_check(trailing, slot);
        quiet_check(trailing, class);
        ++*class_count;
        previous = slot;
    }
    return followers;
}

bool trailing_check(const struct trailing *trailing)
{
    uint32_t followers = 0, classes = 0;
    for (uint32_t market = 0; market < trailing->market_count; market++)
        followers += market_check(trailing, (uint16_t)market, &classes);
    ASSERT(followers == trailing->follower_count); /* TL2 */
    ASSERT(classes == trailing->class_count);

    uint32_t free = 0;
    for (uint32_t slot = trailing->follower_free; slot != NO_SLOT;
         slot = trailing->followers[slot].newer) {
        ASSERT(trailing->followers[slot].class == NO_SLOT);
        free++;
    }
    ASSERT(free + trailing->follower_count == trailing->follower_used);
    for (uint32_t slot = trailing->class_free; slot != NO_SLOT; slot = trailing->classes[slot].next)
        classes++;
    ASSERT(classes == trailing->class_used);
    return true;
}
