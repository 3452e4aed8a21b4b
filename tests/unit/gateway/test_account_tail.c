#include "gateway/account_tail.h"

#include "tests/harness.h"

#define KEPT 64u

struct entry {
    struct account_tail_link link;
    uint64_t id;
};

static struct arena arena;

static struct account_tail open_tail(void)
{
    const struct params params = {.accounts_max = 3};
    struct account_tail tail;
    assert_true(arena_map(&arena, account_tail_bytes(&params, KEPT, sizeof(struct entry))));
    assert_true(account_tail_init(&tail, &arena, &params, KEPT, sizeof(struct entry)));
    return tail;
}

static void add(struct account_tail *tail, uint64_t id, uint32_t account)
{
    struct entry *entry = account_tail_add(tail, account, 10 * id);
    assert_int_equal(entry->id, 0);
    entry->id = id;
}

static uint64_t id_of(const void *entry)
{
    const struct entry *known = entry;
    return known == NULL ? 0 : known->id;
}

/* Each account walks its own from the newest, and learns when older ones are gone. */
TEST(account_tail, accounts_walk_their_own)
{
    struct account_tail tail = open_tail();
    add(&tail, 1, 1);
    for (uint64_t id = 2; id <= KEPT; id++)
        add(&tail, id, 2 + (uint32_t)(id % 2));

    const void *entry = account_tail_next(&tail, 2, NULL);
    assert_int_equal(id_of(entry), KEPT);
    assert_int_equal(id_of(account_tail_next(&tail, 2, entry)), KEPT - 2);
    assert_int_equal(id_of(account_tail_next(&tail, 1, NULL)), 1);
    assert_false(account_tail_lost(&tail, 1));
    assert_int_equal(tail.dropped, 0);

    add(&tail, KEPT + 1, 3);
    assert_null(account_tail_next(&tail, 1, NULL));
    assert_true(account_tail_lost(&tail, 1));
    assert_false(account_tail_lost(&tail, 2));
    assert_int_equal(tail.dropped, 10);
    assert_null(account_tail_next(&tail, 4, NULL));
    arena_unmap(&arena);
}

/* What was before a checkpoint is not here: of the accounts that there were something may be missing. */
TEST(account_tail, what_was_before_is_forgotten)
{
    struct account_tail tail = open_tail();
    account_tail_forget(&tail, 77, 2);
    assert_true(account_tail_lost(&tail, 1));
    assert_true(account_tail_lost(&tail, 2));
    assert_false(account_tail_lost(&tail, 3));
    assert_int_equal(tail.dropped, 77);
    add(&tail, 8, 2);
    assert_int_equal(id_of(account_tail_next(&tail, 2, NULL)), 8);
    assert_true(account_tail_lost(&tail, 2));
    arena_unmap(&arena);
}
