#include "gateway/order_tally.h"

static const struct {
    uint64_t length_ns;
    uint32_t limit;
} windows[TALLY_WINDOWS] = {
    [TALLY_TEN_SECONDS] = {10000000000u, ORDER_TALLY_TEN_SECONDS_MAX},
    [TALLY_DAY] = {86400000000000u, ORDER_TALLY_DAY_MAX},
};

static uint32_t number_of(enum order_tally_window window, uint64_t stamp_ns)
{
    return (uint32_t)(stamp_ns / windows[window].length_ns);
}

void order_tally_add(struct order_tally *tally, uint64_t stamp_ns)
{
    for (enum order_tally_window window = 0; window < TALLY_WINDOWS; window++) {
        const uint32_t number = number_of(window, stamp_ns);
        if (tally->number[window] != number) tally->placed[window] = 0;
        tally->number[window] = number;
        tally->placed[window]++;
    }
}

void order_tally_give_back(struct order_tally *tally, uint64_t stamp_ns)
{
    for (enum order_tally_window window = 0; window < TALLY_WINDOWS; window++)
        if (order_tally_placed(tally, window, stamp_ns) > 0) tally->placed[window]--;
}

uint32_t order_tally_placed(const struct order_tally *tally, enum order_tally_window window,
                            uint64_t stamp_ns)
{
    return tally->number[window] == number_of(window, stamp_ns) ? tally->placed[window] : 0;
}

uint32_t order_tally_limit(enum order_tally_window window)
{
    return windows[window].limit;
}

uint64_t order_tally_length_ns(enum order_tally_window window)
{
    return windows[window].length_ns;
}

bool order_tally_has_room(const struct order_tally *tally, uint32_t count, uint64_t stamp_ns,
                          enum order_tally_window *full)
{
    for (*full = 0; *full < TALLY_WINDOWS; (*full)++)
        if (order_tally_placed(tally, *full, stamp_ns) + count > windows[*full].limit) return false;
    return true;
}
