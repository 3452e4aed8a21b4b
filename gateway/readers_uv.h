/* Threads that read files for a gateway loop: each with sources of its own, one question after the other.
 *
 * The threads are those of libuv's pool. What cannot be read at once waits in turn.
 *
 * Owner    the loop; only a reading's `read` runs elsewhere
 * Memory   malloc for each question
 * Limits   READERS_WAITING_MAX questions wait; one more is refused
 */

#ifndef GATEWAY_READERS_UV_H
#define GATEWAY_READERS_UV_H

#include "common/assert.h"
#include "gateway/gateway.h"
#include "gateway/reading.h"

#include <uv.h>

#define READERS_WAITING_MAX 256

struct readers;
struct readers_question;

/* As many readers as there are sources. NULL when there is no memory. */
MUST_CHECK struct readers *readers_new(uv_loop_t *loop, const struct gateway_reader *sources,
                                       uint32_t count);

/* Who asks: both are called on the loop. */
struct readers_asker {
    /* The answer, whose `taken` is the asker's now; or NULL, when it was not wanted any more or nothing is read any more. Never from within
     * readers_ask. */
    void (*done)(void *context, const struct reading *reading);
    /* Whether the answer is wanted still: asked of a question that has waited. */
    bool (*is_wanted)(void *context);
    void *context;
};

/* NULL: too many wait, or readers_free has begun; nobody is told. */
MUST_CHECK struct readers_question *readers_ask(struct readers *readers,
                                                const struct reading *reading,
                                                struct readers_asker asker);

/* Ends the waiting of those whose answers are not wanted any more. Some ten times a second. */
void readers_sweep(struct readers *readers);

/* Nobody wants to know any more: `done` is not called. What waits is never read. */
void readers_forget(struct readers_question *question);

/* Waits for what is being read. Whoever asked is told NULL. Needs: the loop is not running. */
void readers_free(struct readers *readers);

#endif /* GATEWAY_READERS_UV_H */
