#include "common/arena.h"

#include "tests/harness.h"

static _Alignas(64) uint8_t memory[1024];

static struct arena new_arena(size_t capacity)
{
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, capacity);
    return arena;
}

TEST(arena, takes_are_aligned_and_apart)
{
    struct arena arena = new_arena(1024);
    uint8_t *first = arena_take(&arena, 1), *second = arena_take(&arena, 65);
    uint8_t *third = arena_take(&arena, 64);
    assert_ptr_equal(first, memory);
    assert_ptr_equal(second, memory + 64);
    assert_ptr_equal(third, memory + 192);
}

TEST(arena, the_last_byte_can_be_taken_and_no_more)
{
    struct arena arena = new_arena(100);
    assert_null(arena_take(&arena, 101));
    assert_non_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, 37));
    assert_non_null(arena_take(&arena, 36));
    assert_null(arena_take(&arena, 1));
    assert_non_null(arena_take(&arena, 0));
}

/* A refused take takes nothing. */
TEST(arena, a_refusal_leaves_the_rest)
{
    struct arena arena = new_arena(128);
    assert_null(arena_take(&arena, 129));
    assert_int_equal(arena.used, 0);
    assert_non_null(arena_take(&arena, 128));
}

TEST(arena, an_array_whose_size_overflows_is_refused)
{
    struct arena arena = new_arena(1024);
    assert_null(arena_take_array(&arena, SIZE_MAX / 2 + 2, 2)); /* 2 bytes, modulo 2^64 */
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_non_null(arena_take_array(&arena, 16, 64));
    assert_null(arena_take_array(&arena, 1, 1));
}

TEST(arena, mapped_memory_is_zero_and_goes_back)
{
    struct arena arena;
    assert_true(arena_map(&arena, (size_t)1 << 30));
    const uint8_t *taken = arena_take(&arena, (size_t)1 << 30);
    assert_non_null(taken);
    assert_int_equal(taken[0], 0);
    assert_int_equal(taken[((size_t)1 << 30) - 1], 0);
    arena_unmap(&arena);
    assert_null(arena.bytes);
    arena_unmap(&arena); /* twice is harmless */
}

TEST(arena, more_than_the_system_has_is_an_answer)
{
    struct arena arena;
    assert_false(arena_map(&arena, (size_t)1 << 62));
}
