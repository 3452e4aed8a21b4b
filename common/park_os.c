#include "common/park.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool park_open(struct park *park)
{
    park->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return park->descriptor >= 0;
}

void park_close(struct park *park)
{
    if (park->descriptor >= 0) close(park->descriptor);
    park->descriptor = -1;
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
