#include "node/heap.h"

#include <malloc.h>

#define MAPPED_ALONE_BYTES \
    (4 * 1024 * 1024) /* what is larger is mapped, and goes when it is freed */

void heap_keep(void)
{
    /* Both: setting one alone ends the heap's own choice of the other. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_ALONE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
}
