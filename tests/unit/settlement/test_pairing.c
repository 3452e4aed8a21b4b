#include "settlement/pairing.h"

#include "tests/harness.h"

enum { NUMBERS = 300 };

static uint64_t seed = 0x9a1e;

static uint32_t draw(uint32_t bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % bound;
}

/* Two heaps over one array, numbers added and removed at random: the first is always the smallest. */
TEST(pairing, first_is_the_smallest_of_a_plain_list)
{
    static struct pairing_node nodes[NUMBERS + 1];
    uint32_t first[2] = {0}, count[2] = {0};
    int64_t keys[NUMBERS + 1] = {0};
    int in[NUMBERS + 1] = {0}; /* heap + 1; 0: in none */
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 20000; i++) {
        const uint32_t number = 1 + draw(NUMBERS), heap = draw(2);
        if (in[number] == 0) {
            keys[number] = (int64_t)draw(100) - 50;
            in[number] = (int)heap + 1;
            pairing_add(nodes, &first[heap], number, keys[number]);
            count[heap]++;
        } else if (draw(3) == 0 && first[heap] != 0) {
            in[first[heap]] = 0;
            pairing_remove(nodes, &first[heap], first[heap]);
            count[heap]--;
        } else {
            const uint32_t of = (uint32_t)in[number] - 1;
            in[number] = 0;
            pairing_remove(nodes, &first[of], number);
            count[of]--;
        }
        for (uint32_t h = 0; h < 2; h++) {
            int64_t smallest = INT64_MAX;
            for (uint32_t n = 1; n <= NUMBERS; n++)
                if (in[n] == (int)h + 1 && keys[n] < smallest) smallest = keys[n];
            assert_int_equal(first[h] == 0, count[h] == 0);
            if (first[h] != 0) assert_int_equal(nodes[first[h]].key, smallest);
            if (i % 50 == 0) assert_int_equal(pairing_check(nodes, first[h]), count[h]);
        }
    }
}

/* Rising keys make a heap as deep as it is large: its check and its end need no stack for that. */
TEST(pairing, deep_heap_comes_out_in_order)
{
    enum { DEEP = 200000 };
    struct pairing_node *nodes = calloc(DEEP + 1, sizeof(*nodes));
    uint32_t first = 0;
    for (uint32_t number = DEEP; number > 0; number--)
        pairing_add(nodes, &first, number, number);
    assert_int_equal(pairing_check(nodes, first), DEEP);
    for (uint32_t number = 1; number <= DEEP; number++) {
        assert_int_equal(first, number);
        pairing_remove(nodes, &first, first);
    }
    assert_int_equal(first, 0);
    free(nodes);
}
