#include "settlement/switch_book.h"

#include "common/arena.h"
#include "tests/harness.h"

/* Armed, armed anew and disarmed at random: deadlines and the first of them are those of a table. */
TEST(switch_book, agrees_with_a_plain_table)
{
    enum { SWITCHES = 40, ACCOUNTS = 20, MARKETS = 4 };
    struct arena arena;
    uint64_t deadlines[ACCOUNTS + 1][MARKETS] = {0};
    uint32_t count = 0;
    uint64_t seed = 0x50ff;
    if (!arena_map(&arena, switch_book_bytes(SWITCHES, ACCOUNTS))) abort();
    struct switch_book *book = switch_book_new(&arena, SWITCHES, ACCOUNTS);
    assert_non_null(book);
    assert_int_equal(switch_book_next(book), UINT64_MAX);
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint32_t account = 1 + (uint32_t)(seed >> 33) % ACCOUNTS;
        const uint16_t market = (uint16_t)((seed >> 40) % MARKETS);
        uint64_t *deadline = &deadlines[account][market];
        if ((seed >> 50) % 3 == 0) {
            count -= *deadline != 0;
            *deadline = 0;
            switch_book_clear(book, account, market);
        } else {
            const uint64_t due = 1 + (seed >> 44) % 1000;
            const bool fits = *deadline != 0 || count < SWITCHES;
            assert_int_equal(switch_book_set(book, account, market, due), fits);
            count += fits && *deadline == 0;
            if (fits) *deadline = due;
        }
        uint64_t first = UINT64_MAX;
        for (uint32_t a = 1; a <= ACCOUNTS; a++)
            for (uint16_t m = 0; m < MARKETS; m++)
                if (deadlines[a][m] != 0 && deadlines[a][m] < first) first = deadlines[a][m];
        assert_int_equal(switch_book_next(book), first);
        assert_int_equal(switch_book_deadline(book, account, market), *deadline);
        assert_int_equal(switch_book_count(book), count);
        uint32_t own = 0;
        for (uint16_t m = 0; m < MARKETS; m++)
            own += deadlines[account][m] != 0;
        assert_int_equal(switch_book_count_of(book, account), own);
        if (i % 100 != 0) continue;
        struct switch_armed armed;
        uint32_t slot = 0, walked = 0;
        for (; switch_book_walk(book, &slot, &armed); walked++)
            assert_int_equal(armed.deadline_ns, deadlines[armed.account][armed.market]);
        assert_int_equal(walked, count);
    }
    arena_unmap(&arena);
}
