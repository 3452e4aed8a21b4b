#include "gateway/user_event.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct arena arena;
static struct user_events *events;
static uint64_t indices[8];

static void take(const struct applied *applied, const struct event *event)
{
    user_event_apply(events, applied, event);
}

static void apply(void)
{
    const struct applied applied = desk_apply();
    user_event_end(events, &applied);
}

static void open_events(void)
{
    desk_open();
    arena_unmap(&arena);
    assert_true(arena_map(&arena, user_event_bytes(&fixture_genesis)));
    events =
        user_event_new(&arena, &fixture_genesis, desk_view, market_views_params(fixture_views));
    assert_non_null(events);
    desk_listener = take;
    desk_account(1);
    desk_account(2);
    apply();
}

static bool since(uint32_t account, uint64_t command, uint32_t ordinal, uint32_t *count)
{
    return user_event_since(events, account, (struct user_number){command, ordinal},
                            user_event_count(events), indices, 8, count);
}

/* Two decimals, written one way: no sign, no zero ahead, nothing behind, nothing that does not fit. */
TEST(user_event, number_is_read_as_it_is_written)
{
    static const char *const wrong[] = {
        "",     "-",    "1",    "1-",    "-1",           "01-2",
        "1-02", "1-2 ", "+1-2", "1-2-3", "1-4294967296", "18446744073709551616-0",
        "a-1"};
    char text[USER_NUMBER_TEXT];
    struct user_number number;
    const size_t byte_count = user_number_put((struct user_number){UINT64_MAX, UINT32_MAX}, text);
    assert_int_equal(byte_count, strlen("18446744073709551615-4294967295"));
    assert_memory_equal(text, "18446744073709551615-4294967295", byte_count);
    assert_true(user_number_read(text, byte_count, &number));
    assert_true(number.command == UINT64_MAX && number.ordinal == UINT32_MAX);
    assert_true(user_number_read("0-0", 3, &number));
    for (size_t at = 0; at < sizeof(wrong) / sizeof(wrong[0]); at++)
        if (user_number_read(wrong[at], strlen(wrong[at]), &number)) fail_msg("%s", wrong[at]);
}

/* What is behind a number is that account's alone, oldest first. */
TEST(user_event, an_account_has_its_own_entries_behind_a_number)
{
    uint32_t count;
    open_events();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 8, 2, SELL, 5000000, 3, "b");
    desk_balance(1, 0, 1, 1);
    desk_balance(2, 0, 2, 2);
    desk_balance(1, 1, 3, 3);
    apply();
    assert_true(since(1, 0, 0, &count));
    assert_int_equal(count, 3);
    assert_int_equal(user_event_at(events, indices[0])->report.order.order_id, 7);
    assert_int_equal(user_event_at(events, indices[2])->position.asset, 1);
    assert_true(user_event_is_last(events, indices[2]));
    assert_false(user_event_is_last(events, indices[1]));
    assert_true(since(1, 2, 0, &count)); /* its first has 2-0 */
    assert_int_equal(count, 2);
    assert_true(since(1, 2, 16, &count));
    assert_int_equal(count, 0);
    assert_true(since(2, 1, 0, &count));
    assert_int_equal(count, 2);

    const struct user_event *positions[USER_POSITIONS_MAX];
    assert_true(since(1, 2, 0, &count));
    assert_int_equal(user_event_positions(events, indices[1], positions), 2);
    assert_int_equal(positions[0]->position.asset, 0);
    assert_int_equal(positions[1]->position.asset, 1);
}

/* The memory is everybody's; whose entries it has dropped is known for each, to the number. */
TEST(user_event, an_account_knows_what_of_it_is_forgotten)
{
    uint32_t count;
    open_events();
    desk_balance(1, 1, 9, 0); /* 2-0 */
    for (uint32_t at = 0; at < 3; at++) {
        desk_balance(1, 0, at, 0); /* 2-4, 3-0, 4-0 */
        apply();
    }
    for (uint32_t at = 0; at < USER_EVENTS_KEPT - 2; at++) {
        desk_balance(2, 0, at, 0);
        apply();
    }
    assert_int_equal(user_event_count(events) - user_event_first(events), USER_EVENTS_KEPT);
    assert_false(since(1, 1, 99, &count));
    assert_false(since(1, 2, 0, &count)); /* 2-4 is gone, as is 2-0 */
    assert_true(since(1, 2, 4, &count));
    assert_int_equal(count, 2);
    assert_false(since(2, 0, 0, &count)); /* all are there, but more than asked for */
    const uint64_t last = desk_number;
    assert_true(since(2, last - 8, 0, &count));
    assert_int_equal(count, 8);
    assert_false(since(2, last - 9, 0, &count));
}

/* After a restart from a checkpoint nothing up to it is known, of anybody. */
TEST(user_event, what_was_before_a_checkpoint_is_not_known)
{
    uint32_t count;
    open_events();
    arena_unmap(&arena);
    assert_true(arena_map(&arena, user_event_bytes(&fixture_genesis)));
    events =
        user_event_new(&arena, &fixture_genesis, desk_view, market_views_params(fixture_views));
    user_event_restart(events);
    desk_balance(1, 0, 5, 0);
    apply();
    assert_false(since(1, 0, 0, &count));
    assert_false(since(1, 1, UINT32_MAX - 1, &count)); /* a switch may have fired with it */
    assert_true(since(1, 1, UINT32_MAX, &count));
    assert_int_equal(count, 1);
}

/* Entries from `end` on are left out: they may still change. */
TEST(user_event, entries_of_a_command_in_hand_are_left_out)
{
    uint32_t count;
    open_events();
    desk_balance(1, 0, 5, 0);
    apply();
    const uint64_t end = user_event_count(events);
    desk_balance(1, 0, 6, 0);
    apply();
    assert_true(user_event_since(events, 1, (struct user_number){0, 0}, end, indices, 8, &count));
    assert_int_equal(count, 1);
}
