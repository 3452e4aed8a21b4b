#include "gateway/view_index.h"

#include "tests/harness.h"

#define ENTRIES 64

/* Whatever comes and goes, what is there is found and what is not is not. Seeded. */
TEST(view_index, finds_what_is_there_under_churn)
{
    static uint8_t memory[1 << 16] __attribute__((aligned(64)));
    static uint64_t ids[ENTRIES];
    struct view_index index;
    struct arena arena;
    uint64_t seed = 0x5eed15, next_id = 1;
    uint32_t count = 0;
    arena_init(&arena, memory, sizeof(memory));
    assert_true(view_index_init(&index, &arena, ENTRIES));
    for (int round = 0; round < 100000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint32_t dice = (uint32_t)(seed >> 33);
        if (count < ENTRIES && (count == 0 || dice % 2 == 0)) {
            view_index_add(&index, (uint16_t)(next_id % 3), next_id, (uint32_t)next_id);
            ids[count++] = next_id++;
        } else {
            const uint32_t victim = dice / 2 % count;
            const uint64_t id = ids[victim];
            assert_int_equal(view_index_remove(&index, (uint16_t)(id % 3), id), id);
            assert_int_equal(view_index_find(&index, (uint16_t)(id % 3), id), 0);
            ids[victim] = ids[--count];
        }
        if (round % 100 != 0) continue;
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(view_index_find(&index, (uint16_t)(ids[i] % 3), ids[i]), ids[i]);
            assert_int_equal(view_index_find(&index, (uint16_t)((ids[i] + 1) % 3), ids[i]), 0);
        }
    }
}

TEST(view_index, an_arena_that_is_too_small_is_no_index)
{
    static uint8_t memory[1024] __attribute__((aligned(64)));
    struct view_index index;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    assert_true(view_index_bytes(ENTRIES) > sizeof(memory));
    assert_false(view_index_init(&index, &arena, ENTRIES));
}
