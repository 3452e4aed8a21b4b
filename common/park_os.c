#include "common/park.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_US 1000u

bool park_open(struct park *park)
{
    *park = (struct park){.descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    return park->descriptor >= 0;
}

void park_close(struct park *park)
{
    if (park->descriptor >= 0) close(park->descriptor);
    park->descriptor = -1;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void park_spin_for(struct park *park, uint32_t microseconds)
{
    park->spin_ns = (uint64_t)microseconds * NS_PER_US;
}

void park_busy(struct park *park)
{
    if (park->spin_ns > 0) park->looks_until_ns = now_ns() + park->spin_ns;
}

bool park_looks(const struct park *park)
{
    if (park->spin_ns == 0 || now_ns() >= park->looks_until_ns) return false;
    /* Where threads that spin outnumber the processors, who has work would wait for a time slice to end. */
    (void)sched_yield();
    return true;
}

void park_sleep(struct park *park, int milliseconds)
{
    struct pollfd poll_for = {.fd = park->descriptor, .events = POLLIN};
    if (poll(&poll_for, 1, milliseconds) > 0) park_clear(park);
}

void park_wake(struct park *park)
{
    const uint64_t one = 1;
    /* Fails only when 2^64 - 2 wakes are waiting, and then the sleeper is awake anyway. */
    const ssize_t written = write(park->descriptor, &one, sizeof(one));
    (void)written;
}

int park_descriptor(const struct park *park)
{
    return park->descriptor;
}

void park_clear(struct park *park)
{
    uint64_t count;
    const ssize_t got = read(park->descriptor, &count, sizeof(count));
    (void)got;
}
