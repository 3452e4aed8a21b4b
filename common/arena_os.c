#include "common/arena.h"

#include <sys/mman.h>

#define HUGE_BYTES ((size_t)64 * 1024 * 1024)

_Bool arena_map(struct arena *arena, size_t capacity)
{
    void *memory = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
    /* Large tables are read at random: fewer pages mean fewer misses on the way to them. */
    if (capacity >= HUGE_BYTES) (void)madvise(memory, capacity, MADV_HUGEPAGE);
#endif
    arena_init(arena, memory, capacity);
    return 1;
}

void arena_unmap(struct arena *arena)
{
    if (arena->bytes != NULL) munmap(arena->bytes, arena->capacity);
    *arena = (struct arena){0};
}
