#include "gateway/user_event.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct arena arena;
static struct user_events *events;
static uint32_t places[8]; /* what `since` found, oldest first */

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

/* How many entries of the account are behind a number, and where; -1: they are not all remembered. */
static int since(uint32_t account, uint64_t command, uint32_t ordinal)
{
    struct user_number from = {command, ordinal};
    uint32_t place = 0;
    int count = 0;
    if (!user_event_remembers(events, account, from)) return -1;
    while ((place = user_event_behind(events, account, from, place)) != 0) {
        places[count++ % 8] = place;
        from = user_event_at(events, place)->number;
    }
    return count;
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
    open_events();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "a");
    desk_accept(0, 8, 2, SELL, 5000000, 3, "b");
    desk_balance(1, 0, 1, 1);
    desk_balance(2, 0, 2, 2);
    desk_balance(1, 1, 3, 3);
    apply();
    assert_int_equal(since(1, 0, 0), 3);
    assert_int_equal(user_event_at(events, places[0])->report.order.order_id, 7);
    assert_int_equal(user_event_at(events, places[2])->position.asset, 1);
    assert_int_equal(since(1, 2, 0), 2); /* its first has 2-0 */
    assert_int_equal(since(1, 2, 16), 0);
    assert_int_equal(since(2, 1, 0), 2);
}

/* Positions of a command are one message, whoever else's are between them. */
TEST(user_event, positions_of_a_command_belong_together)
{
    const struct user_event *positions[USER_POSITIONS_MAX];
    open_events();
    desk_balance(1, 0, 1, 1);
    desk_balance(2, 0, 2, 2);
    desk_balance(1, 1, 3, 3);
    apply();
    desk_balance(1, 0, 4, 4);
    apply();
    assert_int_equal(since(1, 0, 0), 3);
    assert_int_equal(user_event_joined(events, places[0]), places[1]);
    assert_int_equal(user_event_joined(events, places[1]), 0);
    assert_int_equal(user_event_positions(events, places[1], positions), 2);
    assert_int_equal(positions[0]->position.asset, 0);
    assert_int_equal(positions[1]->position.asset, 1);
}

/* A place that another entry has taken is no guess. */
TEST(user_event, wrong_guess_is_no_guess)
{
    open_events();
    for (uint32_t at = 0; at < 3; at++) {
        desk_balance(1, 0, at, 0);
        desk_balance(2, 0, at, 0);
        apply();
    }
    assert_int_equal(since(1, 0, 0), 3);
    const uint32_t last = places[2], first = places[0];
    const struct user_number from = {3, 0};
    assert_int_equal(user_event_behind(events, 1, from, first), last);
    assert_int_equal(since(2, 0, 0), 3);
    assert_int_equal(user_event_behind(events, 1, from, places[1]), last);
}

/* So many entries of an account, each of a command of its own. */
static void fill(uint32_t account, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        desk_balance(account, 0, at, 0);
        apply();
    }
}

/* Who is busy wipes out his own past, and not that of others; whose entries are forgotten is known for each, to the
 * number. */
TEST(user_event, busy_account_forgets_its_own)
{
    open_events();
    fill(1, 3);
    fill(2, USER_EVENTS_KEPT + 50);
    assert_int_equal(since(1, 0, 0), 3);
    assert_int_equal(since(2, 0, 0), -1);
    const uint64_t last = desk_number;
    const int kept = since(2, last - 1000, 0);
    assert_int_equal(kept, 1000);
    const uint64_t first = last - USER_EVENTS_KEPT + 3; /* of its own that is remembered */
    assert_int_equal(since(2, first - 2, UINT32_MAX), -1);
    assert_true(since(2, first, 0) >= (int)USER_EVENTS_KEPT - 4);
}

/* Two that are busy share what there is: neither has less than his half. */
TEST(user_event, busy_accounts_share)
{
    open_events();
    fill(1, USER_EVENTS_KEPT);
    const uint64_t first = desk_number;
    fill(2, USER_EVENTS_KEPT / 2);
    assert_int_equal(since(2, first, 0), USER_EVENTS_KEPT / 2);
    fill(1, USER_EVENTS_KEPT);
    assert_int_equal(since(2, first, 0), USER_EVENTS_KEPT / 2);
}

/* What is older than an hour goes first, whosever it is; as long as there is room it stays. */
TEST(user_event, old_entries_go_first)
{
    open_events();
    fill(1, 3);
    desk_stamp += USER_EVENT_OLD_NS + 3 * 1000000000ull;
    fill(2, 1000);
    assert_int_equal(since(1, 0, 0), 3);
    fill(2, USER_EVENTS_KEPT);
    assert_int_equal(since(1, 0, 0), -1);
}

/* After a restart from a checkpoint nothing up to it is known, of anybody. */
TEST(user_event, what_was_before_a_checkpoint_is_not_known)
{
    open_events();
    arena_unmap(&arena);
    assert_true(arena_map(&arena, user_event_bytes(&fixture_genesis)));
    events =
        user_event_new(&arena, &fixture_genesis, desk_view, market_views_params(fixture_views));
    user_event_restart(events);
    desk_balance(1, 0, 5, 0);
    apply();
    assert_int_equal(since(1, 0, 0), -1);
    assert_int_equal(since(1, 1, UINT32_MAX - 1), -1); /* a switch may have fired with it */
    assert_int_equal(since(1, 1, UINT32_MAX), 1);
}

/* Of those who are watched it is known who has something new, each once, in the order of their first. */
TEST(user_event, watched_accounts_are_known_when_they_have_something_new)
{
    open_events();
    user_event_forget_touched(events);
    user_event_watch(events, 1, user_event_count(events));
    desk_balance(2, 0, 1, 0);
    apply();
    assert_int_equal(user_event_touched(events, 0), 0);
    user_event_watch(events, 2, user_event_count(events));
    assert_int_equal(user_event_touched(events, 0), 0);
    desk_balance(2, 0, 2, 0);
    desk_balance(1, 0, 2, 0);
    desk_balance(2, 1, 2, 0);
    apply();
    assert_int_equal(user_event_touched(events, 0), 2);
    assert_int_equal(user_event_touched(events, 2), 1);
    assert_int_equal(user_event_touched(events, 1), 0);
    user_event_forget_touched(events);
    assert_int_equal(user_event_touched(events, 0), 0);
    user_event_unwatch(events, 2);
    desk_balance(2, 0, 3, 0);
    apply();
    assert_int_equal(user_event_touched(events, 0), 0);
    user_event_watch(events, 2, user_event_count(events) - 1); /* not told yet */
    assert_int_equal(user_event_touched(events, 0), 2);
}
