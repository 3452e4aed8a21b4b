/* Settlement in a copy of its arena that lies somewhere else, to be read there.
 *
 * Everything in the arena is numbers, which mean the same anywhere, but for the pointers by which its parts
 * find their arrays. An image of the arena (common/freeze.h) thus becomes readable by parts of its own
 * that point into the image.
 *
 * Owner    whoever holds the image
 * Memory   the parts from the caller's arena; the image is not written to
 */

#ifndef SETTLEMENT_IMAGE_H
#define SETTLEMENT_IMAGE_H

#include "common/assert.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct settlement;

/* What was at `memory` is now at `image`. */
struct image_move {
    const uint8_t *memory;
    const uint8_t *image;
};

/* Where in the image that lies which lay at `pointer`. */
static inline void *image_at(const struct image_move *move, const void *pointer)
{
    return (void *)((uintptr_t)move->image + (uintptr_t)pointer - (uintptr_t)move->memory);
}

/* A copy, in the arena, of what lay at `pointer`; NULL when the arena is too small. */
MUST_CHECK void *image_take(struct arena *arena, const struct image_move *move, const void *pointer,
                            size_t byte_count);

/* Bytes that image_settlement takes. */
size_t image_settlement_bytes(void);

/* The settlement that `image` is a copy of, made where `memory` had `settlement`; NULL when the arena is too
 * small. `memory` and `settlement` are addresses: what lies there is not read; `settlement`'s genesis lies
 * elsewhere and must still be there. Good for whatever takes a const struct settlement, as long as the
 * image is. */
MUST_CHECK const struct settlement *image_settlement(struct arena *arena, const void *image,
                                                     const void *memory,
                                                     const struct settlement *settlement);

#endif /* SETTLEMENT_IMAGE_H */
