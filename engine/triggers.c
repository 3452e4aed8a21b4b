#include "engine/triggers.h"

#include "common/arena.h"
#include "common/params.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t triggers_bytes(const struct params *params)
{
    const size_t slots = (size_t)params->orders_max + 1;
    const size_t markets = params->markets_max;
    return rounded(markets * sizeof(struct trigger_market)) +
           2 * rounded(markets * sizeof(struct ladder)) + ladder_pool_bytes(params->orders_max) +
           rounded(slots * sizeof(struct sleeper)) +
           trailing_bytes(params->orders_max, params->markets_max);
}

bool triggers_init(struct triggers *triggers, struct arena *arena, const struct params *params)
{
    const size_t slots = (size_t)params->orders_max + 1;
    const uint32_t markets = params->markets_max;
    ASSERT(params->orders_max < TRIGGERS_TRAILING);
    *triggers = (struct triggers){.capacity = params->orders_max};
    triggers->markets = arena_take_array(arena, markets, sizeof(struct trigger_market));
    triggers->rising = arena_take_array(arena, markets, sizeof(struct ladder));
    triggers->falling = arena_take_array(arena, markets, sizeof(struct ladder));
    triggers->sleepers = arena_take_array(arena, slots, sizeof(struct sleeper));
    if (triggers->markets == NULL || triggers->rising == NULL || triggers->falling == NULL ||
        triggers->sleepers == NULL)
        return false;
    for (uint32_t market = 0; market < markets; market++) {
        triggers->markets[market].quiet = QUIET_ALWAYS;
        triggers->rising[market].side = SELL; /* its best is the lowest price */
        triggers->falling[market].side = BUY;
    }
    return ladder_pool_init(&triggers->levels, arena, params->orders_max) &&
           trailing_init(&triggers->trailing, arena, params->orders_max, markets);
}

static uint32_t sleeper_take(struct triggers *triggers)
{
    uint32_t slot = triggers->sleeper_free;
    if (slot == NO_SLOT)
        slot = ++triggers->sleeper_used;
    else
        triggers->sleeper_free = triggers->sleepers[slot].newer;
    triggers->sleeper_count++;
    return slot;
}

static void sleeper_give(struct triggers *triggers, uint32_t slot)
{
    triggers->sleepers[slot] = (struct sleeper){.newer = triggers->sleeper_free};
    triggers->sleeper_free = slot;
    triggers->sleeper_count--;
}

static struct ladder *ladder_of(const struct triggers *triggers, uint16_t market, bool rising)
{
    return rising ? &triggers->rising[market] : &triggers->falling[market];
}

/* The prices that do not wake a stop. */
static struct quiet_range stop_quiet(bool rising, price_t stop)
{
    const uint64_t ticks = (uint64_t)stop.ticks;
    return rising ? (struct quiet_range){0, ticks - 1}
                  : (struct quiet_range){ticks + 1, UINT64_MAX};
}

/* The range as wide as the sleepers of `market` and the followers' own range let it be. */
static struct quiet_range quiet_of(const struct triggers *triggers, uint16_t market)
{
    const struct level *levels = triggers->levels.levels;
    const uint32_t rising = triggers->rising[market].best;
    const uint32_t falling = triggers->falling[market].best;
    struct quiet_range quiet = triggers->trailing.markets[market].quiet;
    if (rising != NO_SLOT) trailing_quiet_narrow(&quiet, stop_quiet(true, levels[rising].price));
    if (falling != NO_SLOT) trailing_quiet_narrow(&quiet, stop_quiet(false, levels[falling].price));
    return quiet;
}

/* Puts a sleeper to the back of its level. */
static void level_push(struct triggers *triggers, uint32_t level_slot, uint32_t slot)
{
    struct level *level = &triggers->levels.levels[level_slot];
    struct sleeper *sleepers = triggers->sleepers;
    sleepers[slot].level = level_slot;
    sleepers[slot].older = level->newest;
    sleepers[slot].newer = NO_SLOT;
    if (level->newest == NO_SLOT)
        level->oldest = slot;
    else
        sleepers[level->newest].newer = slot;
    level->newest = slot;
}

uint32_t triggers_sleep(struct triggers *triggers, uint16_t market, uint32_t order, bool rising,
                        price_t stop)
{
    ASSERT(triggers->round.stage == STAGE_CLOSED);
    ASSERT(market < triggers->trailing.market_count);
    ASSERT(order != NO_SLOT && stop.ticks > 0);
    ASSERT(triggers_count(triggers) < triggers->capacity);

    struct ladder *ladder = ladder_of(triggers, market, rising);
    const uint32_t level = ladder_add(&triggers->levels, ladder, stop);
    const uint32_t slot = sleeper_take(triggers);
    triggers->sleepers[slot] = (struct sleeper){.order = order, .market = market, .rising = rising};
    if (triggers->levels.levels[level].oldest == NO_SLOT)
        ladder_wake(&triggers->levels, ladder, level);
    level_push(triggers, level, slot);

    triggers->markets[market].count++;
    trailing_quiet_narrow(&triggers->markets[market].quiet, stop_quiet(rising, stop));
    return slot;
}

uint32_t triggers_trail(struct triggers *triggers, uint16_t market, uint32_t order, enum side side,
                        uint32_t delta, price_t extreme)
{
    const struct trigger_round *round = &triggers->round;
    ASSERT(market < triggers->trailing.market_count);
    ASSERT(round->stage == STAGE_CLOSED ||
           (round->market == market && round->price.ticks == extreme.ticks));
    ASSERT(triggers_count(triggers) < triggers->capacity);

    const uint32_t follower =
        trailing_start(&triggers->trailing, market, order, side, delta, extreme);
    triggers->markets[market].count++;
    triggers->markets[market].quiet = quiet_of(triggers, market);
    return follower | TRIGGERS_TRAILING;
}

/* Takes a plain stop out of its level, and an empty level out of its ladder. */
static void sleeper_leave(struct triggers *triggers, uint32_t slot)
{
    struct sleeper *sleepers = triggers->sleepers;
    const struct sleeper *sleeper = &sleepers[slot];
    struct level *level = &triggers->levels.levels[sleeper->level];
    if (sleeper->older == NO_SLOT)
        level->oldest = sleeper->newer;
    else
        sleepers[sleeper->older].newer = sleeper->newer;
    if (sleeper->newer == NO_SLOT)
        level->newest = sleeper->older;
    else
        sleepers[sleeper->newer].older = sleeper->older;

    if (level->oldest == NO_SLOT) {
        struct ladder *ladder = ladder_of(triggers, sleeper->market, sleeper->rising);
        ladder_sleep(&triggers->levels, ladder, sleeper->level);
        ladder_remove(&triggers->levels, ladder, sleeper->level);
    }
    triggers->markets[sleeper->market].count--;
    sleeper_give(triggers, slot);
}

static uint16_t follower_market(const struct triggers *triggers, uint32_t follower)
{
    return triggers->trailing.classes[triggers->trailing.followers[follower].class].market;
}

/* The quiet range stays: what no longer bounds it bounds it until the next round. */
void triggers_wake(struct triggers *triggers, uint32_t sleeper)
{
    ASSERT(triggers->round.stage == STAGE_CLOSED);
    if ((sleeper & TRIGGERS_TRAILING) == 0) {
        ASSERT(sleeper - 1 < triggers->sleeper_used); /* NO_SLOT is not */
        ASSERT(triggers->sleepers[sleeper].level != NO_SLOT);
        sleeper_leave(triggers, sleeper);
        return;
    }
    const uint32_t follower = sleeper & ~TRIGGERS_TRAILING;
    ASSERT(follower - 1 < triggers->trailing.follower_used);
    const uint16_t market = follower_market(triggers, follower);
    trailing_end(&triggers->trailing, follower); /* asserts that it is in use */
    triggers->markets[market].count--;
}

/* The oldest sleeper at the best price, if the round's price reaches it; its order, taken out. */
static uint32_t ladder_next_woken(struct triggers *triggers, bool rising)
{
    const struct trigger_round *round = &triggers->round;
    const uint32_t best = ladder_of(triggers, round->market, rising)->best;
    if (best == NO_SLOT) return NO_SLOT;
    const struct level *level = &triggers->levels.levels[best];
    const bool reached = rising ? round->price.ticks >= level->price.ticks
                                : round->price.ticks <= level->price.ticks;
    if (!reached) return NO_SLOT;

    const uint32_t slot = level->oldest;
    const uint32_t order = triggers->sleepers[slot].order;
    sleeper_leave(triggers, slot);
    return order;
}

static uint32_t trailing_next_woken(struct triggers *triggers)
{
    struct trigger_round *round = &triggers->round;
    const uint32_t order = trailing_next(&triggers->trailing, round->price, &round->class);
    if (order != NO_SLOT) triggers->markets[round->market].count--;
    return order;
}

static uint32_t stage_next(struct triggers *triggers)
{
    if (triggers->round.stage == STAGE_TRAILING) return trailing_next_woken(triggers);
    return ladder_next_woken(triggers, triggers->round.stage == STAGE_RISING);
}

uint32_t triggers_round_next(struct triggers *triggers, uint16_t market, price_t price)
{
    struct trigger_round *round = &triggers->round;
    if (round->stage == STAGE_CLOSED) {
        const uint32_t class = trailing_move(&triggers->trailing, market, price);
        *round = (struct trigger_round){price, class, market, STAGE_RISING};
    }
    ASSERT(round->market == market && round->price.ticks == price.ticks);

    for (; round->stage <= STAGE_TRAILING; round->stage++) {
        const uint32_t order = stage_next(triggers);
        if (order != NO_SLOT) return order;
    }
    round->stage = STAGE_CLOSED;
    triggers->markets[market].quiet = quiet_of(triggers, market);
    return NO_SLOT;
}

price_t triggers_extreme(const struct triggers *triggers, uint32_t sleeper)
{
    ASSERT((sleeper & TRIGGERS_TRAILING) != 0);
    return trailing_extreme(&triggers->trailing, sleeper & ~TRIGGERS_TRAILING);
}

static bool asleep_plain(const struct triggers *triggers, struct asleep *asleep, uint32_t slot)
{
    const struct sleeper *sleeper = &triggers->sleepers[slot];
    *asleep = (struct asleep){
        .stop = triggers->levels.levels[sleeper->level].price,
        .sleeper = slot,
        .order = sleeper->order,
        .market = sleeper->market,
        .kind = sleeper->rising ? ASLEEP_RISING : ASLEEP_FALLING,
    };
    return true;
}

/* `extreme` is that of the follower walked before, whose group this one may be in. */
static bool asleep_follower(const struct triggers *triggers, struct asleep *asleep, uint32_t slot,
                            price_t extreme)
{
    if (slot == NO_SLOT) return false;
    const struct follower *follower = &triggers->trailing.followers[slot];
    const struct trailing_class *class = &triggers->trailing.classes[follower->class];
    *asleep = (struct asleep){
        .extreme = follower->head ? follower->extreme : extreme,
        .sleeper = slot | TRIGGERS_TRAILING,
        .order = follower->order,
        .delta = class->delta,
        .market = class->market,
        .kind = ASLEEP_TRAILING,
        .side = class->side,
    };
    return true;
}

/* The first one of a kind in this market, or of the kinds after it. */
static bool asleep_kind_first(const struct triggers *triggers, uint16_t market,
                              enum asleep_kind kind, struct asleep *asleep)
{
    const struct level *levels = triggers->levels.levels;
    const uint32_t rising = triggers->rising[market].best;
    const uint32_t falling = triggers->falling[market].best;
    if (kind == ASLEEP_RISING && rising != NO_SLOT)
        return asleep_plain(triggers, asleep, levels[rising].oldest);
    if (kind != ASLEEP_TRAILING && falling != NO_SLOT)
        return asleep_plain(triggers, asleep, levels[falling].oldest);
    return asleep_follower(triggers, asleep, trailing_walk_first(&triggers->trailing, market),
                           (price_t){0});
}

bool triggers_asleep_first(const struct triggers *triggers, uint16_t market, struct asleep *asleep)
{
    ASSERT(triggers->round.stage == STAGE_CLOSED);
    ASSERT(market < triggers->trailing.market_count);
    return asleep_kind_first(triggers, market, ASLEEP_RISING, asleep);
}

bool triggers_asleep_next(const struct triggers *triggers, struct asleep *asleep)
{
    if (asleep->kind == ASLEEP_TRAILING) {
        const uint32_t follower = asleep->sleeper & ~TRIGGERS_TRAILING;
        const uint32_t next = trailing_walk_next(&triggers->trailing, follower);
        return asleep_follower(triggers, asleep, next, asleep->extreme);
    }
    const struct sleeper *sleeper = &triggers->sleepers[asleep->sleeper];
    if (sleeper->newer != NO_SLOT) return asleep_plain(triggers, asleep, sleeper->newer);
    const bool rising = asleep->kind == ASLEEP_RISING;
    const struct ladder *ladder = ladder_of(triggers, asleep->market, rising);
    const uint32_t level = ladder_next(&triggers->levels, ladder, sleeper->level);
    if (level != NO_SLOT)
        return asleep_plain(triggers, asleep, triggers->levels.levels[level].oldest);
    return asleep_kind_first(triggers, asleep->market, rising ? ASLEEP_FALLING : ASLEEP_TRAILING,
                             asleep);
}

/* Asserts TR1 for one level; returns its sleepers. */
static uint32_t level_check(const struct triggers *triggers, uint16_t market, bool rising,
                            uint32_t level_slot)
{
    const struct level *level = &triggers->levels.levels[level_slot];
    uint32_t count = 0, older = NO_SLOT;
    ASSERT(level->oldest != NO_SLOT);
    for (uint32_t slot = level->oldest; slot != NO_SLOT; slot = triggers->sleepers[slot].newer) {
        const struct sleeper *sleeper = &triggers->sleepers[slot];
        ASSERT(sleeper->level == level_slot && sleeper->older == older); /* TR1 */
        ASSERT(sleeper->market == market && sleeper->rising == rising);
        ASSERT(sleeper->order != NO_SLOT);
        ASSERT(++count <= triggers->sleeper_count);
        older = slot;
    }
    ASSERT(level->newest == older);
    return count;
}

/* Asserts TR1 for one direction of a market; returns its sleepers. */
static uint32_t direction_check(const struct triggers *triggers, uint16_t market, bool rising)
{
    const struct ladder *ladder = ladder_of(triggers, market, rising);
    ASSERT(ladder->side == (rising ? SELL : BUY));
    ASSERT(ladder_check(&triggers->levels, ladder));
    uint32_t count = 0, levels = 0;
    uint32_t level = ladder->best;
    for (; level != NO_SLOT; level = ladder_next(&triggers->levels, ladder, level)) {
        count += level_check(triggers, market, rising, level);
        levels++;
    }
    ASSERT(levels == ladder->level_count); /* none is asleep */
    return count;
}

/* Asserts TR3. */
static void quiet_check(const struct triggers *triggers, uint16_t market)
{
    const struct quiet_range *quiet = &triggers->markets[market].quiet;
    if (quiet->low > quiet->high) return;
    const struct quiet_range widest = quiet_of(triggers, market);
    ASSERT(widest.low <= quiet->low && quiet->high <= widest.high);
}

bool triggers_check(const struct triggers *triggers)
{
    uint32_t sleepers = 0, followers = 0;
    ASSERT(triggers->round.stage == STAGE_CLOSED); /* TR4 */
    ASSERT(trailing_check(&triggers->trailing));
    for (uint32_t i = 0; i < triggers->trailing.market_count; i++) {
        const uint16_t market = (uint16_t)i;
        const uint32_t plain =
            direction_check(triggers, market, true) + direction_check(triggers, market, false);
        uint32_t follower = trailing_walk_first(&triggers->trailing, market), here = 0;
        for (; follower != NO_SLOT; follower = trailing_walk_next(&triggers->trailing, follower))
            here++;
        ASSERT(triggers->markets[market].count == plain + here); /* TR2 */
        quiet_check(triggers, market);
        sleepers += plain;
        followers += here;
    }
    ASSERT(sleepers == triggers->sleeper_count); /* TR2 */
    ASSERT(followers == triggers->trailing.follower_count);
    for (uint32_t slot = triggers->sleeper_free; slot != NO_SLOT;
         slot = triggers->sleepers[slot].newer)
        sleepers++;
    ASSERT(sleepers == triggers->sleeper_used);
    return true;
}
