#include "common/arena.h"

#include <sys/mman.h>

_Bool arena_map(struct arena *arena, size_t capacity)
{
    void *memory = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return 0;
    arena_init(arena, memory, capacity);
    return 1;
}

void arena_unmap(struct arena *arena)
{
    if (arena->bytes != NULL) munmap(arena->bytes, arena->capacity);
    *arena = (struct arena){0};
}
