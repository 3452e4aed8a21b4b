/* Work in parts that may be done side by side, by whoever has threads for it.
 *
 * A core cuts its work into parts that have nothing to do with one another; a shell that has a second thread lets
 * both take parts until none is left. Without one they are done one after the other: the result is the same.
 *
 * Owner    one thread calls sharing_run; parts run on any
 * Memory   `work` is the caller's until sharing_run returns
 * Cost     with a second thread some microseconds to wake it: a part should take longer than that
 */

#ifndef COMMON_SHARING_H
#define COMMON_SHARING_H

#include "common/assert.h"

#include <stddef.h>
#include <stdint.h>

#define SHARING_PARTS_MAX 65535

typedef void (*sharing_part)(void *work, uint32_t index);

struct sharing {
    void (*run)(void *context, sharing_part part, void *work, uint32_t count);
    void *context;
};

/* Calls part(work, index) once for each index below `count`. At its return all have returned, and what they wrote is
 * there for the caller. `sharing` NULL: the caller's thread does all of it.
 * Needs: count <= SHARING_PARTS_MAX; no part reads what another writes. */
static inline void sharing_run(const struct sharing *sharing, sharing_part part, void *work,
                               uint32_t count)
{
    ASSERT(count <= SHARING_PARTS_MAX);
    if (sharing != NULL && count > 1) {
        sharing->run(sharing->context, part, work, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        part(work, i);
}

#endif /* COMMON_SHARING_H */
