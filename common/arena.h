/* Memory taken once at start and never given back piece by piece.
 *
 * Owner    one thread while it builds; afterwards nobody calls it
 * Memory   a range the caller provides, zeroed; what is taken lives as long as the range
 * Limits   arena_take returns NULL when the range is used up
 */

#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include "common/assert.h"

#include <stdint.h>

struct arena {
    uint8_t *bytes;
    size_t capacity;
    size_t used;
};

/* Makes an arena over `memory`. Needs: aligned to 64, all zero. */
void arena_init(struct arena *arena, void *memory, size_t capacity);

/* `byte_count` zero bytes aligned to 64, or NULL. */
MUST_CHECK void *arena_take(struct arena *arena, size_t byte_count);

/* Room for `count` items of `item_bytes`; NULL also when the product overflows. */
MUST_CHECK void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes);

/* Maps `capacity` zero bytes from the system, touched only as they are used, and makes an arena over
 * them. False when the system refuses. In arena_os.c. */
MUST_CHECK _Bool arena_map(struct arena *arena, size_t capacity);
void arena_unmap(struct arena *arena);

#endif /* COMMON_ARENA_H */
