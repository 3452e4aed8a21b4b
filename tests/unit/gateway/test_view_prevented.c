#include "gateway/view_prevented.h"

#include "tests/harness.h"

static struct arena arena;

static void add(struct view_preventions *preventions, uint64_t id, uint32_t account)
{
    const struct prevented_event prevented = {
        .prevented_id = id, .maker_account = account, .taker_account = account};
    const struct applied applied = {.number = 10 * id, .stamp_ns = id};
    view_prevented_add(preventions, &prevented, &applied);
}

/* Each account walks its own from the newest, and learns when older ones are gone. */
TEST(view_prevented, accounts_walk_their_own)
{
    const struct params params = {.accounts_max = 3};
    struct view_preventions preventions;
    assert_true(arena_map(&arena, view_prevented_bytes(&params)));
    assert_true(view_prevented_init(&preventions, &arena, &params));
    add(&preventions, 1, 1);
    for (uint64_t id = 2; id <= VIEW_PREVENTED_KEPT; id++)
        add(&preventions, id, 2 + (uint32_t)(id % 2));

    const struct view_prevented *entry = view_prevented_next(&preventions, 2, NULL);
    assert_int_equal(entry->prevented_id, VIEW_PREVENTED_KEPT);
    entry = view_prevented_next(&preventions, 2, entry);
    assert_int_equal(entry->prevented_id, VIEW_PREVENTED_KEPT - 2);
    assert_int_equal(view_prevented_next(&preventions, 1, NULL)->prevented_id, 1);
    assert_false(view_prevented_lost(&preventions, 1));
    assert_int_equal(preventions.dropped, 0);

    add(&preventions, VIEW_PREVENTED_KEPT + 1, 3);
    assert_null(view_prevented_next(&preventions, 1, NULL));
    assert_true(view_prevented_lost(&preventions, 1));
    assert_false(view_prevented_lost(&preventions, 2));
    assert_int_equal(preventions.dropped, 10);
    arena_unmap(&arena);
}
