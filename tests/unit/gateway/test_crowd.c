#include "gateway/crowd.h"

#include "tests/harness.h"

/* Each address counts for itself, up and down. */
TEST(crowd, counts_each_address)
{
    static struct crowd_place places[8];
    struct crowd crowd;
    assert_int_equal(crowd_bytes(4), sizeof(places));
    crowd_init(&crowd, places, 4);
    assert_int_equal(crowd_enter(&crowd, 7), 1);
    assert_int_equal(crowd_enter(&crowd, 7), 2);
    assert_int_equal(crowd_enter(&crowd, 8), 1);
    crowd_leave(&crowd, 7);
    assert_int_equal(crowd_count(&crowd, 7), 1);
    crowd_leave(&crowd, 7);
    assert_int_equal(crowd_count(&crowd, 7), 0);
    assert_int_equal(crowd_count(&crowd, 8), 1);
}

/* Four begin at each of 16 places, which lie side by side and round the end. */
static uint64_t address_of_index(uint32_t index)
{
    return (uint64_t)(index / 16 + 1) << 32 | (120 + index % 16) % 128;
}

/* Full of addresses that come and go at random and are in one another's way, it says what a plain array of counts says. */
TEST(crowd, agrees_with_a_plain_count)
{
    enum { ADDRESSES = 64, OPEN_MAX = 48, ROUNDS = 200000 };
    static uint32_t counts[ADDRESSES];
    uint32_t random = 11, open = 0;
    static struct crowd_place places[128];
    struct crowd crowd;
    print_message("seed %u\n", random);
    assert_int_equal(crowd_bytes(OPEN_MAX), sizeof(places));
    crowd_init(&crowd, places, OPEN_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1664525u + 1013904223u;
        const uint32_t address = (random >> 8) % ADDRESSES;
        if ((random >> 20) % 2 == 0 && open < OPEN_MAX) {
            assert_int_equal(crowd_enter(&crowd, address_of_index(address)), ++counts[address]);
            open++;
        } else if (counts[address] > 0) {
            crowd_leave(&crowd, address_of_index(address));
            counts[address]--;
            open--;
        }
        const uint32_t other = (random >> 4) % ADDRESSES;
        assert_int_equal(crowd_count(&crowd, address_of_index(other)), counts[other]);
    }
}

/* Some that count for several, and some that count for none. */
TEST(crowd, counts_many_at_once)
{
    static struct crowd_place places[8];
    struct crowd crowd;
    crowd_init(&crowd, places, 4);
    crowd_add(&crowd, 7, 3);
    crowd_add(&crowd, 15, 2); /* begins at the same place */
    crowd_add(&crowd, 23, 0);
    crowd_take(&crowd, 7, 2);
    assert_int_equal(crowd_count(&crowd, 7), 1);
    crowd_take(&crowd, 23, 0);
    crowd_take(&crowd, 7, 1);
    assert_int_equal(crowd_count(&crowd, 7), 0);
    assert_int_equal(crowd_count(&crowd, 15), 2);
    assert_int_equal(crowd_count(&crowd, 23), 0);
}
