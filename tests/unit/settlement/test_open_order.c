#include "settlement/open_order.h"

#include "common/arena.h"
#include "tests/harness.h"

#define ORDERS  50
#define MARKETS 3

static struct arena arena;

static struct open_orders *open_orders(void)
{
    assert_true(arena_map(&arena, open_order_bytes(ORDERS)));
    struct open_orders *orders = open_order_new(&arena, ORDERS);
    assert_non_null(orders);
    return orders;
}

/* An order is found from its taking in to its end, in its own market, as it was left. */
TEST(open_order, agrees_with_a_plain_table)
{
    struct open_orders *orders = open_orders();
    uint64_t lists[MARKETS][ORDERS] = {0}; /* plus one; 0: not in */
    uint32_t count = 0;
    uint64_t seed = 0x0de5;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 50000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint16_t market = (uint16_t)((seed >> 33) % MARKETS);
        const uint64_t id = (seed >> 40) % ORDERS;
        uint64_t *list = &lists[market][id];
        const struct open_order *known = open_order_find(orders, market, id);
        assert_int_equal(known != NULL, *list != 0);
        if (*list != 0) assert_int_equal(known->list_id, *list - 1);
        if (*list != 0 && seed >> 63) {
            open_order_remove(orders, market, id);
            *list = 0;
            count--;
        } else if (*list != 0 || count <= ORDERS) { /* one more than rest is being matched */
            struct open_order *order = open_order_take(orders, market, id);
            assert_non_null(order);
            if (*list == 0) {
                assert_int_equal(order->list_id, 0);
                count++;
            }
            order->list_id = (uint64_t)i;
            *list = (uint64_t)i + 1;
        }
    }
    arena_unmap(&arena);
}

/* The boundary from both sides: one more than orders_max, and no more; after a reset none is known. */
TEST(open_order, there_are_as_many_as_can_be_open)
{
    struct open_orders *orders = open_orders();
    for (int round = 0; round < 2; round++) {
        for (uint64_t id = 1; id <= ORDERS + 1; id++)
            assert_non_null(open_order_take(orders, 0, id));
        assert_null(open_order_take(orders, 0, ORDERS + 2));
        open_order_remove(orders, 0, ORDERS + 2); /* is not known: nothing happens */
        open_order_remove(orders, 0, 7);
        assert_non_null(open_order_take(orders, 0, ORDERS + 2));
        open_order_reset(orders);
        for (uint64_t id = 1; id <= ORDERS + 2; id++)
            assert_null(open_order_find(orders, 0, id));
    }
    arena_unmap(&arena);
}
