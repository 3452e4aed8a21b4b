#include "settlement/hold_book.h"

#include "common/arena.h"
#include "tests/harness.h"

/* Adding and removing at random leaves exactly what a plain list has: backward shift loses nothing
 * and leaves nothing behind. */
TEST(hold_book, agrees_with_a_plain_list)
{
    enum { ORDERS = 200 };
    struct arena arena;
    if (!arena_map(&arena, hold_book_bytes(ORDERS))) abort();
    struct hold_book *book = hold_book_new(&arena, ORDERS);
    bool open[2][600] = {0};
    uint32_t count = 0;
    uint64_t seed = 0x401d;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint16_t market = (uint16_t)(seed >> 63);
        const uint64_t id = (seed >> 33) % 600;
        struct hold_entry *found = hold_book_find(book, market, id);
        assert_int_equal(found != NULL, open[market][id]);
        if (found != NULL) {
            assert_int_equal(found->order_id, id);
            hold_book_remove(book, found);
            open[market][id] = false;
            count--;
        } else {
            const struct hold_entry entry = {.order_id = id, .market = market, .account = 1};
            const bool added = hold_book_add(book, &entry) != NULL;
            assert_int_equal(added, count <= ORDERS);
            if (!added) continue;
            assert_null(hold_book_add(book, &entry)); /* once only */
            open[market][id] = true;
            count++;
        }
        assert_int_equal(hold_book_count(book), count);
    }
    size_t slot = 0;
    uint32_t walked = 0;
    while (hold_book_next(book, &slot) != NULL)
        walked++;
    assert_int_equal(walked, count);
    arena_unmap(&arena);
}
