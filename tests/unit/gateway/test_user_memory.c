#include "gateway/user_memory.h"

#include "tests/harness.h"

#include <stdlib.h>

#define ACCOUNTS   7
#define PLACES     40
#define NAIVE_STEP 20000

static struct arena arena;
static struct user_memory memory;

static void open_memory(uint32_t accounts, uint32_t capacity)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, user_memory_bytes(accounts, capacity)));
    assert_true(user_memory_init(&memory, &arena, accounts, capacity));
}

/* As its user does: the newest entry comes, and where there is no room somebody gives. */
static uint32_t remember(uint32_t account)
{
    if (memory.count == memory.capacity)
        (void)user_memory_give(&memory, user_memory_who_gives(&memory));
    return user_memory_take(&memory, account);
}

TEST(user_memory, account_gives_its_oldest_first)
{
    open_memory(2, 4);
    const uint32_t first = user_memory_take(&memory, 1), other = user_memory_take(&memory, 2);
    const uint32_t second = user_memory_take(&memory, 1);
    assert_int_equal(memory.owners[1].oldest, first);
    assert_int_equal(memory.places[first].newer, second);
    assert_int_equal(user_memory_give(&memory, 1), first);
    assert_int_equal(memory.owners[1].oldest, second);
    assert_int_equal(memory.oldest, other);
    assert_int_equal(user_memory_give(&memory, 1), second);
    assert_int_equal(memory.owners[1].newest, 0);
    assert_true(user_memory_check(&memory));
}

/* One who is busy takes what nobody else has, and not what others have: of three that share 12 places each keeps 4. */
TEST(user_memory, who_has_the_most_gives)
{
    open_memory(3, 12);
    for (uint32_t at = 0; at < 4; at++) {
        (void)remember(2);
        (void)remember(3);
    }
    for (uint32_t at = 0; at < 1000; at++)
        (void)remember(1);
    assert_int_equal(memory.owners[1].count, 4);
    assert_int_equal(memory.owners[2].count, 4);
    assert_int_equal(memory.owners[3].count, 4);
    assert_true(user_memory_check(&memory));
}

/* Of several that have as many, the one whose count changed last: who has been quiet longest gives last. */
TEST(user_memory, quiet_one_of_equals_gives_last)
{
    open_memory(4, 6);
    for (uint32_t at = 0; at < 2; at++)
        for (uint32_t account = 1; account <= 3; account++)
            (void)remember(account);
    assert_int_equal(user_memory_who_gives(&memory), 3);
    (void)remember(4);
    assert_int_equal(memory.owners[3].count, 1);
    assert_int_equal(user_memory_who_gives(&memory), 2);
    (void)remember(4);
    assert_int_equal(memory.owners[2].count, 1);
    assert_int_equal(user_memory_who_gives(&memory), 4);
}

/* ---- the same, written plainly ---- */

struct naive_entry {
    uint32_t account, place;
};

static struct naive_entry naive[PLACES]; /* by age */
static uint32_t naive_count;
static uint64_t naive_since[ACCOUNTS + 1]; /* when the account's count changed last */
static uint64_t naive_time;

static uint32_t naive_entries(uint32_t account)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < naive_count; at++)
        count += naive[at].account == account;
    return count;
}

static uint32_t naive_who_gives(void)
{
    uint32_t who = 1;
    for (uint32_t account = 2; account <= ACCOUNTS; account++) {
        const uint32_t has = naive_entries(account), most = naive_entries(who);
        if (has > most || (has == most && naive_since[account] > naive_since[who])) who = account;
    }
    return who;
}

static uint32_t naive_give(uint32_t account)
{
    uint32_t at = 0;
    while (naive[at].account != account)
        at++;
    const uint32_t place = naive[at].place;
    for (; at + 1 < naive_count; at++)
        naive[at] = naive[at + 1];
    naive_count--;
    naive_since[account] = ++naive_time;
    return place;
}

static void naive_take(uint32_t account, uint32_t place)
{
    naive[naive_count++] = (struct naive_entry){account, place};
    naive_since[account] = ++naive_time;
}

/* Both orders, walked from both ends. */
static void assert_same(void)
{
    uint32_t of[ACCOUNTS + 1], at = memory.oldest;
    assert_int_equal(memory.count, naive_count);
    for (uint32_t account = 1; account <= ACCOUNTS; account++)
        of[account] = memory.owners[account].oldest;
    for (uint32_t index = 0; index < naive_count; index++) {
        const struct naive_entry *entry = &naive[index];
        assert_int_equal(at, entry->place);
        assert_int_equal(of[entry->account], entry->place);
        at = memory.places[at].behind;
        of[entry->account] = memory.places[entry->place].newer;
    }
    assert_int_equal(at, 0);
    assert_true(user_memory_check(&memory));
}

/* Accounts of very different business, and entries that leave because they are old. */
TEST(user_memory, is_what_a_plain_one_is)
{
    uint32_t random = 20261122;
    print_message("seed %u\n", random);
    open_memory(ACCOUNTS, PLACES);
    naive_count = 0;
    for (uint32_t step = 0; step < NAIVE_STEP; step++) {
        random = random * 1664525 + 1013904223;
        const uint32_t dice = random >> 16;
        uint32_t account = 1;
        while (account < ACCOUNTS && (dice >> account) % 2 == 0)
            account++;
        if (dice % 16 == 15 && naive_count > 0) {
            const uint32_t old = memory.places[memory.oldest].account;
            assert_int_equal(user_memory_give(&memory, old), naive_give(old));
        }
        if (naive_count == PLACES) {
            const uint32_t who = naive_who_gives();
            assert_int_equal(user_memory_who_gives(&memory), who);
            assert_int_equal(user_memory_give(&memory, who), naive_give(who));
        }
        naive_take(account, user_memory_take(&memory, account));
        assert_same();
    }
    assert_int_equal(naive_count, PLACES);
}
