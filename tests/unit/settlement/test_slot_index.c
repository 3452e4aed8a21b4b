#include "settlement/slot_index.h"

#include "common/arena.h"
#include "tests/harness.h"

/* Few hashes, many numbers: every number is found under its hash as long as it is in, and once. */
TEST(slot_index, agrees_with_a_plain_list)
{
    enum { NUMBERS = 100 };
    struct arena arena;
    struct slot_index index;
    uint32_t hashes[NUMBERS + 1] = {0}; /* plus one; 0: not in */
    uint64_t seed = 0x51de;
    if (!arena_map(&arena, slot_index_bytes(NUMBERS))) abort();
    assert_true(slot_index_init(&index, &arena, NUMBERS));
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 50000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint32_t number = 1 + (uint32_t)(seed >> 33) % NUMBERS;
        const uint32_t hash = (uint32_t)(seed >> 45) % 40 * 7;
        if (hashes[number] == 0) {
            slot_index_add(&index, hash, number);
            hashes[number] = hash + 1;
        } else {
            slot_index_remove(&index, hashes[number] - 1, number);
            hashes[number] = 0;
        }
        uint32_t found = 0, expected = 0, at;
        struct slot_search search = {0};
        while ((at = slot_index_next(&index, hash, &search)) != 0) {
            assert_int_equal(hashes[at], hash + 1);
            found++;
        }
        for (uint32_t n = 1; n <= NUMBERS; n++)
            expected += hashes[n] == hash + 1;
        assert_int_equal(found, expected);
    }
    arena_unmap(&arena);
}
