#include "gateway/latch.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleeps while it is waited for; whoever lets it go wakes one, who says so anew: there may be more of them. */
void latch_wait(struct latch *latch)
{
    while (atomic_exchange_explicit(&latch->state, LATCH_WAITED_FOR, memory_order_acquire) !=
           LATCH_FREE)
        syscall(SYS_futex, &latch->state, FUTEX_WAIT_PRIVATE, (uint32_t)LATCH_WAITED_FOR, NULL,
                NULL, 0);
}

void latch_wake(struct latch *latch)
{
    syscall(SYS_futex, &latch->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
