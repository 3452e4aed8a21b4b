#include "ledger/peer_clock.h"

void peer_clock_take(struct peer_clock *clock, uint64_t now_ns, uint64_t clock_ns, uint64_t peer_ns,
                     uint64_t echo_ns, uint64_t held_ns)
{
    if (echo_ns == 0 || echo_ns > now_ns || held_ns > now_ns - echo_ns) return;
    const uint64_t way_ns = now_ns - echo_ns - held_ns;
    if (way_ns > PEER_CLOCK_WORST_NS) return;
    const bool fresh = clock->taken_ns != 0 && now_ns - clock->taken_ns < PEER_CLOCK_FRESH_NS;
    if (way_ns > PEER_CLOCK_GOOD_NS && fresh) return;
    clock->ahead_ns = (int64_t)(peer_ns + way_ns / 2 - clock_ns);
    clock->taken_ns = now_ns;
}

bool peer_clock_known(const struct peer_clock *clock, uint64_t now_ns)
{
    return clock->taken_ns != 0 && now_ns - clock->taken_ns < PEER_CLOCK_OLD_NS;
}

static uint64_t distance(int64_t ahead_ns)
{
    return ahead_ns < 0 ? 0 - (uint64_t)ahead_ns : (uint64_t)ahead_ns;
}

int64_t peer_clock_median(int64_t *ahead_ns, uint32_t count)
{
    ASSERT(count > 0);
    for (uint32_t i = 1; i < count; i++) {
        const int64_t value = ahead_ns[i];
        uint32_t at = i;
        for (; at > 0 && ahead_ns[at - 1] > value; at--)
            ahead_ns[at] = ahead_ns[at - 1];
        ahead_ns[at] = value;
    }
    const int64_t upper = ahead_ns[count / 2];
    if (count % 2 == 1) return upper;
    const int64_t lower = ahead_ns[count / 2 - 1];
    return distance(lower) < distance(upper) ? lower : upper;
}
