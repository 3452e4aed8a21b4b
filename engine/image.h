/* The engine in a copy of its arena that lies somewhere else, to be read there.
 *
 * Everything in the arena is slots, which mean the same anywhere, but for what struct engine itself points
 * to. An image of the arena (common/freeze.h) thus becomes readable by a struct engine of its own, that
 * points into the image.
 *
 * Owner    whoever holds the image
 * Memory   struct engine from the caller's arena; the image is not written to
 */

#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "common/assert.h"

#include <stddef.h>

struct arena;
struct engine;

/* Bytes that image_engine takes. */
size_t image_bytes(void);

/* The engine that `image` is a copy of, made where `memory` had `engine`; NULL when the arena is too small.
 * `memory` and `engine` are addresses: what lies there is not read. Good for whatever takes a const struct
 * engine, as long as the image is. */
MUST_CHECK const struct engine *image_engine(struct arena *arena, const void *image,
                                             const void *memory, const struct engine *engine);

#endif /* ENGINE_IMAGE_H */
