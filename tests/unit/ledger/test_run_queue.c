#include "ledger/run_queue.h"

#include "tests/harness.h"

/* Whatever is put in comes out in order, whole or in pieces, while memory wraps round and grows. */
TEST(run_queue, keeps_order_through_pieces_and_growth)
{
    uint32_t seed = 3;
    struct run_queue queue = {.bytes = malloc(4096), .capacity = 4096};
    uint8_t put = 0, got = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        const size_t byte_count = 8 + (seed >> 16) % 900;
        uint8_t run[1024];
        for (size_t i = 0; i < byte_count; i++)
            run[i] = put++;
        if (!run_queue_add(&queue, run, byte_count)) {
            assert_true(run_queue_bytes(&queue) + byte_count + 4 > queue.capacity);
            put = (uint8_t)(put - byte_count);
            if (queue.capacity < 32768) {
                uint8_t *old = queue.bytes;
                run_queue_move(&queue, malloc(queue.capacity * 2), queue.capacity * 2);
                free(old);
            }
        }
        for (uint32_t i = 0; i < (seed >> 28) % 4; i++) {
            size_t length;
            const uint8_t *first = run_queue_first(&queue, &length);
            if (first == NULL) break;
            const size_t take = (seed >> 27) % 2 == 0 || length < 9 ? length : 4 + length / 2;
            for (size_t j = 0; j < take; j++)
                assert_int_equal(first[j], got++);
            run_queue_take(&queue, take);
        }
    }
    run_queue_clear(&queue);
    size_t length;
    assert_null(run_queue_first(&queue, &length));
    assert_int_equal(run_queue_bytes(&queue), 0);
    free(queue.bytes);
}

/* One without memory is empty and full at once. */
TEST(run_queue, without_memory_nothing_fits)
{
    struct run_queue queue = {0};
    size_t length;
    const uint8_t byte = 1;
    assert_null(run_queue_first(&queue, &length));
    assert_false(run_queue_add(&queue, &byte, 1));
}
