#include "gateway/crowd.h"

#include <stdbool.h>

static uint32_t place_count(uint32_t in_max)
{
    uint32_t count = 2;
    while (count < 2 * in_max)
        count *= 2;
    return count;
}

size_t crowd_bytes(uint32_t in_max)
{
    return place_count(in_max) * sizeof(struct crowd_place);
}

void crowd_init(struct crowd *crowd, struct crowd_place *places, uint32_t in_max)
{
    *crowd = (struct crowd){.places = places, .mask = place_count(in_max) - 1};
}

static uint32_t home_of(const struct crowd *crowd, uint64_t who)
{
    return (uint32_t)who & crowd->mask;
}

/* Where it is, or the free place where it would be. */
static uint32_t find(const struct crowd *crowd, uint64_t who)
{
    uint32_t at = home_of(crowd, who);
    /* Ends: half of the places are free. */
    while (crowd->places[at].count > 0 && crowd->places[at].who != who)
        at = (at + 1) & crowd->mask;
    return at;
}

static uint32_t count_more(struct crowd *crowd, uint64_t who, uint32_t count)
{
    struct crowd_place *place = &crowd->places[find(crowd, who)];
    place->who = who;
    return place->count += count;
}

/* Moves up whoever was pushed past the place that has become free, so that find needs no tombstones. */
static void close_gap(struct crowd *crowd, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & crowd->mask; crowd->places[at].count > 0;
         at = (at + 1) & crowd->mask) {
        const uint32_t home = home_of(crowd, crowd->places[at].who);
        const bool is_past_gap = ((at - home) & crowd->mask) >= ((at - gap) & crowd->mask);
        if (!is_past_gap) continue;
        crowd->places[gap] = crowd->places[at];
        crowd->places[at].count = 0;
        gap = at;
    }
}

static void count_less(struct crowd *crowd, uint64_t who, uint32_t count)
{
    const uint32_t at = find(crowd, who);
    ASSERT(crowd->places[at].count >= count);
    crowd->places[at].count -= count;
    if (crowd->places[at].count == 0) close_gap(crowd, at);
}

uint32_t crowd_enter(struct crowd *crowd, uint64_t who)
{
    return count_more(crowd, who, 1);
}

void crowd_leave(struct crowd *crowd, uint64_t who)
{
    count_less(crowd, who, 1);
}

void crowd_add(struct crowd *crowd, uint64_t who, uint32_t count)
{
    if (count > 0) (void)count_more(crowd, who, count);
}

void crowd_take(struct crowd *crowd, uint64_t who, uint32_t count)
{
    if (count > 0) count_less(crowd, who, count);
}

uint32_t crowd_count(const struct crowd *crowd, uint64_t who)
{
    return crowd->places[find(crowd, who)].count;
}
