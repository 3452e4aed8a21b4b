#include "engine/averages.h"

#include "common/arena.h"

#define RING_MINUTES MARKET_AVERAGE_MINUTES_MAX

size_t averages_bytes(const struct params *params)
{
    return params->markets_max * (sizeof(struct averages_line) + sizeof(struct averages_window) +
                                  RING_MINUTES * sizeof(struct averages_sum));
}

bool averages_init(struct averages *averages, struct arena *arena, const struct params *params)
{
    const size_t count = params->markets_max;
    *averages = (struct averages){.markets_max = params->markets_max};
    averages->lines = arena_take_array(arena, count, sizeof(struct averages_line));
    averages->windows = arena_take_array(arena, count, sizeof(struct averages_window));
    averages->rings = arena_take_array(arena, count, RING_MINUTES * sizeof(struct averages_sum));
    return averages->lines != NULL && averages->windows != NULL && averages->rings != NULL;
}

static uint64_t minute_of(uint64_t stamp_ns)
{
    return stamp_ns / AVERAGES_MINUTE_NS;
}

/* The minute's place in the ring. */
static struct averages_sum *place_of(const struct averages *averages, uint16_t market,
                                     uint64_t minute)
{
    return &averages->rings[(size_t)market * RING_MINUTES + minute % RING_MINUTES];
}

static void add(struct averages_sum *sum, const struct averages_sum *more)
{
    sum->value += more->value;
    sum->lots += more->lots;
}

/* The line's minute goes to the ring; what lies in the places of the minutes since then, the new one
 * included, is 60 minutes older and goes. */
void averages_turn(struct averages *averages, uint16_t market, uint64_t stamp_ns)
{
    struct averages_line *line = &averages->lines[market];
    ASSERT(market < averages->markets_max && stamp_ns >= line->minute_ns);
    const uint64_t minute = minute_of(stamp_ns);
    const uint64_t old = minute_of(line->minute_ns);

    if (line->minute.lots != 0) {
        *place_of(averages, market, old) = line->minute;
        const uint64_t passed = minute - old < RING_MINUTES ? minute - old : RING_MINUTES;
        for (uint64_t i = 1; i <= passed; i++)
            *place_of(averages, market, old + i) = (struct averages_sum){0};
    }
    line->minute = (struct averages_sum){0};
    line->minute_ns = minute * AVERAGES_MINUTE_NS;
}

/* What the ring holds of the `minutes` minutes up to `now`, which is not before the line's. */
static struct averages_sum older_sum(const struct averages *averages, uint16_t market, uint64_t now,
                                     uint32_t minutes)
{
    struct averages_sum older = {0};
    uint64_t minute = minute_of(averages->lines[market].minute_ns);
    while (minute > 0 && now - (minute - 1) < minutes)
        add(&older, place_of(averages, market, --minute));
    return older;
}

/* The average of what is kept of the window and the line's minute, where that lies in it. */
static price_t average_of(const struct averages_line *line, const struct averages_window *window)
{
    struct averages_sum sum = window->older;
    if (minute_of(window->now_ns) - minute_of(line->minute_ns) < window->minutes)
        add(&sum, &line->minute);
    if (sum.lots == 0) return line->last;
    return (price_t){(int64_t)(sum.value / sum.lots)}; /* at most the highest price */
}

price_t averages_price(struct averages *averages, uint16_t market, uint32_t minutes,
                       uint64_t stamp_ns)
{
    ASSERT(market < averages->markets_max && minutes <= RING_MINUTES);
    struct averages_line *line = &averages->lines[market];
    if (line->last.ticks == 0 || minutes == 0) return line->last;
    ASSERT(stamp_ns >= line->minute_ns);

    struct averages_window *window = &averages->windows[market];
    if (window->minutes != minutes || window->line_ns != line->minute_ns ||
        stamp_ns - window->now_ns >= AVERAGES_MINUTE_NS) {
        const uint64_t now = minute_of(stamp_ns);
        *window = (struct averages_window){
            .older = older_sum(averages, market, now, minutes),
            .now_ns = now * AVERAGES_MINUTE_NS,
            .line_ns = line->minute_ns,
            .minutes = minutes,
        };
        line->average = (price_t){0};
    }
    if (line->average.ticks == 0) line->average = average_of(line, window);
    return line->average;
}

/* The market's first minute from `from` on in which it traded; false when there is none. */
static bool find_minute(const struct averages *averages, uint16_t market, uint64_t from,
                        struct averages_minute *found)
{
    const struct averages_line *line = &averages->lines[market];
    if (line->minute.lots == 0) return false;
    const uint64_t last = minute_of(line->minute_ns);
    uint64_t minute = last < RING_MINUTES ? 0 : last - RING_MINUTES + 1;
    for (minute = minute < from ? from : minute; minute <= last; minute++) {
        const struct averages_sum *sum =
            minute == last ? &line->minute : place_of(averages, market, minute);
        if (sum->lots == 0) continue;
        *found = (struct averages_minute){
            .minute = minute, .sum = *sum, .last = line->last, .market = market};
        return true;
    }
    return false;
}

bool averages_next(const struct averages *averages, struct averages_minute *minute)
{
    uint64_t from = minute->sum.lots == 0 ? 0 : minute->minute + 1;
    for (uint32_t market = minute->market; market < averages->markets_max; market++) {
        if (find_minute(averages, (uint16_t)market, from, minute)) return true;
        from = 0;
    }
    return false;
}

void averages_restore(struct averages *averages, const struct averages_minute *minute)
{
    ASSERT(minute->sum.lots != 0);
    averages_turn(averages, minute->market, minute->minute * AVERAGES_MINUTE_NS);
    averages->lines[minute->market].minute = minute->sum;
    averages->lines[minute->market].last = minute->last;
}

static void check_sum(const struct averages_sum *sum)
{
    ASSERT((sum->lots == 0) == (sum->value == 0) && sum->value >= sum->lots); /* M1 */
}

static void check_market(const struct averages *averages, uint16_t market)
{
    const struct averages_line *line = &averages->lines[market];
    const struct averages_window *window = &averages->windows[market];
    check_sum(&line->minute);
    for (uint64_t i = 0; i < RING_MINUTES; i++)
        check_sum(place_of(averages, market, i));
    ASSERT(place_of(averages, market, minute_of(line->minute_ns))->lots == 0); /* M2 */
    ASSERT((line->last.ticks != 0) == (line->minute.lots != 0));               /* M3 */

    if (window->minutes == 0 || window->line_ns != line->minute_ns) return; /* M4 */
    const struct averages_sum older =
        older_sum(averages, market, minute_of(window->now_ns), window->minutes);
    ASSERT(window->older.value == older.value && window->older.lots == older.lots);
    ASSERT(line->average.ticks == 0 || line->average.ticks == average_of(line, window).ticks);
}

bool averages_check(const struct averages *averages)
{
    for (uint32_t market = 0; market < averages->markets_max; market++)
        check_market(averages, (uint16_t)market);
    return true;
}
