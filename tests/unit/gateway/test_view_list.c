#include "gateway/view_list.h"

#include "tests/unit/gateway/desk_fixture.h"

static uint32_t open_of(uint32_t account)
{
    uint32_t count = 0;
    const struct view_list *list = NULL;
    while ((list = view_list_next_open(view_lists(desk_view), account, list)) != NULL)
        count++;
    return count;
}

static void accept_list(uint64_t id, uint32_t account)
{
    desk_list(id, account, LIST_OCO, 2 * id, 2 * id + 1, 0, "list");
}

TEST(view_list, a_list_lives_from_accepted_to_done)
{
    desk_open();
    desk_account(1);
    desk_oco();
    const struct view_lists *lists = view_lists(desk_view);
    assert_int_equal(open_of(1), 1);
    const struct view_list *list = view_list_open(lists, 0, 1);
    assert_non_null(list);
    assert_int_equal(list->created_ns, desk_stamp);
    assert_null(view_list_open(lists, 1, 1)); /* ids are each market's own */
    assert_null(view_list_next_done(lists, 1, NULL));
    desk_list_done(1, 1);
    desk_apply();
    assert_int_equal(open_of(1), 0);
    assert_null(view_list_open(lists, 0, 1));
    list = view_list_next_done(lists, 1, NULL);
    assert_non_null(list);
    assert_int_equal(list->command, desk_number);
    assert_int_equal(list->list_id, 1);
    assert_string_equal((const char *)list->orders[0].client_id, "above");
    assert_null(view_list_next_done(lists, 1, list));
    assert_true(view_list_check(lists));
}

/* Lists end in any order; the chains stay whole. */
TEST(view_list, chains_are_whole_under_churn)
{
    desk_open();
    for (uint32_t account = 1; account <= 3; account++)
        desk_account(account);
    desk_apply();
    for (uint64_t id = 1; id <= 300; id++)
        accept_list(id, (uint32_t)(id % 3) + 1), desk_apply();
    for (uint64_t id = 300; id >= 1; id -= 7) {
        desk_list_done(id, (uint32_t)(id % 3) + 1);
        desk_apply();
        if (id < 8) break;
    }
    assert_true(view_list_check(view_lists(desk_view)));
    assert_int_equal(open_of(1) + open_of(2) + open_of(3), 300 - 43);
}

/* The tail forgets the oldest, and says so to the account that they were of. */
TEST(view_list, a_full_tail_says_whose_lists_it_lost)
{
    uint64_t first_ended = 0;
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_apply();
    for (uint64_t id = 1; id <= VIEW_LISTS_KEPT + 1; id++) {
        const uint32_t account = id == 1 ? 1 : 2;
        accept_list(id, account);
        desk_list_done(id, account);
        desk_apply();
        if (id == 1) first_ended = desk_number;
        if (id <= VIEW_LISTS_KEPT) assert_false(view_list_lost(view_lists(desk_view), 1));
    }
    assert_true(view_list_lost(view_lists(desk_view), 1));
    assert_false(view_list_lost(view_lists(desk_view), 2));
    assert_int_equal(view_list_dropped(view_lists(desk_view)), first_ended);
}
