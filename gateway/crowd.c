#include "gateway/crowd.h"

#include <stdbool.h>

static uint32_t place_count(uint32_t connections_max)
{
    uint32_t count = 2;
    while (count < 2 * connections_max)
        count *= 2;
    return count;
}

size_t crowd_bytes(uint32_t connections_max)
{
    return place_count(connections_max) * sizeof(struct crowd_place);
}

void crowd_init(struct crowd *crowd, struct crowd_place *places, uint32_t connections_max)
{
    *crowd = (struct crowd){.places = places, .mask = place_count(connections_max) - 1};
}

static uint32_t home_of(const struct crowd *crowd, uint64_t address)
{
    return (uint32_t)address & crowd->mask; /* it is mixed: address.h */
}

/* Where the address is, or the free place where it would be. */
static uint32_t find(const struct crowd *crowd, uint64_t address)
{
    uint32_t at = home_of(crowd, address);
    /* Ends: half of the places are free. */
    while (crowd->places[at].count > 0 && crowd->places[at].address != address)
        at = (at + 1) & crowd->mask;
    return at;
}

uint32_t crowd_enter(struct crowd *crowd, uint64_t address)
{
    struct crowd_place *place = &crowd->places[find(crowd, address)];
    place->address = address;
    return ++place->count;
}

/* Moves up whoever was pushed past the place that has become free, so that find needs no tombstones. */
static void close_gap(struct crowd *crowd, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & crowd->mask; crowd->places[at].count > 0;
         at = (at + 1) & crowd->mask) {
        const uint32_t home = home_of(crowd, crowd->places[at].address);
        const bool is_past_gap = ((at - home) & crowd->mask) >= ((at - gap) & crowd->mask);
        if (!is_past_gap) continue;
        crowd->places[gap] = crowd->places[at];
        crowd->places[at].count = 0;
        gap = at;
    }
}

void crowd_leave(struct crowd *crowd, uint64_t address)
{
    const uint32_t at = find(crowd, address);
    ASSERT(crowd->places[at].count > 0);
    if (--crowd->places[at].count == 0) close_gap(crowd, at);
}

uint32_t crowd_count(const struct crowd *crowd, uint64_t address)
{
    return crowd->places[find(crowd, address)].count;
}
