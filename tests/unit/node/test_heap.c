#include "node/heap.h"

#include "tests/harness.h"

#include <assert.h>
#include <malloc.h>

#define PIECES      128
#define PIECE_BYTES (64 * 1024)

/* A batch's memory is there again for the next batch; by itself the heap gives it back to the system. */
TEST(heap, what_is_freed_is_kept)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* another heap */
#endif
    static void *pieces[PIECES];
    heap_keep();
    for (int at = 0; at < PIECES; at++) {
        pieces[at] = malloc(PIECE_BYTES);
        assert_non_null(pieces[at]);
    }
    for (int at = 0; at < PIECES; at++)
        free(pieces[at]);
    assert_true(mallinfo2().fordblks >= PIECES * PIECE_BYTES);
    static_assert(PIECES * PIECE_BYTES < HEAP_KEPT_BYTES, "as much as is kept");
}

/* But not without a bound: what is large goes at once. */
TEST(heap, what_is_large_goes_back)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    heap_keep();
    const size_t mapped = mallinfo2().hblks;
    void *large = malloc(HEAP_KEPT_BYTES);
    assert_non_null(large);
    assert_int_equal(mallinfo2().hblks, mapped + 1);
    free(large);
    assert_int_equal(mallinfo2().hblks, mapped);
}
