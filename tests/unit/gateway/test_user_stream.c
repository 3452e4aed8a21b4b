#include "gateway/listen_key.h"
#include "tests/unit/gateway/user_fixture.h"

/* Who listens to one account hears nothing of another. */
TEST(user_stream, listener_hears_its_account_alone)
{
    user_open();
    user_join(&user_bob, 2);
    desk_accept(0, 7, 1, SELL, 5000000, 3, "a");
    desk_balance(1, 0, 1, 1);
    user_apply();
    assert_string_equal(user_heard, "");
    desk_accept(0, 8, 2, SELL, 5000000, 3, "b");
    user_apply();
    user_assert_told("bob {\"e\":\"executionReport\"");
    user_stream_leave(users, &user_bob);
    user_silence();
    desk_accept(0, 9, 2, SELL, 5000000, 3, "c");
    user_apply();
    assert_string_equal(user_heard, "");
}

/* Balances of one command are one message, whoever else's are between them; who was first in the command is told first. */
TEST(user_stream, positions_of_a_command_are_one_message)
{
    user_open();
    user_join(&user_ann, 1);
    user_join(&user_bob, 2);
    desk_balance(1, 0, 1, 2);
    desk_balance(2, 0, 3, 4);
    desk_balance(1, 1, 5, 6);
    user_apply();
    assert_string_equal(
        user_heard,
        "ann {\"e\":\"outboundAccountPosition\",\"E\":1700000040002,\"u\":1700000040002,\"B\":["
        "{\"a\":\"BTC\",\"f\":\"0.00000001\",\"l\":\"0.00000002\"},"
        "{\"a\":\"USDT\",\"f\":\"0.00000005\",\"l\":\"0.00000006\"}],\"sequence\":\"2-8\"}\n"
        "bob {\"e\":\"outboundAccountPosition\",\"E\":1700000040002,\"u\":1700000040002,\"B\":["
        "{\"a\":\"BTC\",\"f\":\"0.00000003\",\"l\":\"0.00000004\"}],\"sequence\":\"2-4\"}\n");
}

/* Two listen to one account, each in his unit of time. */
TEST(user_stream, each_hears_times_in_his_unit)
{
    user_open();
    user_join(&user_ann, 1);
    user_join(&user_bob, 1);
    user_bob.time_unit_ns = 1000;
    desk_balance(1, 0, 1, 2);
    user_apply();
    user_assert_told("ann {\"e\":\"outboundAccountPosition\",\"E\":1700000040002,");
    user_assert_told("bob {\"e\":\"outboundAccountPosition\",\"E\":1700000040002000,");
}

static bool leave_both(struct user_listener *listener, const char *message, size_t byte_count)
{
    const bool has_room = user_hear(listener, message, byte_count);
    user_stream_leave(users, &user_ann);
    user_stream_leave(users, &user_bob);
    return has_room;
}

/* A reader that is too slow is closed while it is told, and takes what else it has with it. */
TEST(user_stream, listeners_may_leave_while_they_are_told)
{
    user_open();
    user_join(&user_ann, 1);
    user_join(&user_bob, 1);
    user_ann.hear = user_bob.hear = leave_both;
    desk_balance(1, 0, 1, 2);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"2-0\"");
    desk_balance(1, 0, 1, 2);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"2-0\"");
}

/* Who comes back with the last number he has heard is told what followed, and then what happens. */
TEST(user_stream, what_was_missed_is_told_again)
{
    user_open();
    desk_accept(0, 7, 1, SELL, 5000000, 3, "a");
    desk_balance(1, 0, 1, 2);
    desk_balance(1, 1, 1, 2);
    user_apply();
    desk_done(0, 7, 1, SELL, 5000000, 3, 0, 0, ORDER_CANCELED, "a");
    desk_balance(1, 0, 3, 0);
    desk_balance(1, 1, 3, 0);
    user_apply();
    assert_true(user_stream_may_resume(users, 1, (struct user_number){2, 0}));
    user_join_from(&user_ann, 1, (struct user_number){2, 0});
    assert_true(user_ann.is_waiting);
    user_stream_go_on(users, &user_ann);
    assert_false(user_ann.is_waiting);
    assert_string_equal(user_values("sequence"), "\"2-8\" \"3-0\" \"3-8\"");
    desk_balance(1, 0, 4, 0);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"2-8\" \"3-0\" \"3-8\" \"4-0\"");
}

/* He has heard a node that is ahead of this one: what it has told him is not told twice. */
TEST(user_stream, what_was_heard_elsewhere_is_not_told_twice)
{
    user_open();
    assert_true(user_stream_may_resume(users, 1, (struct user_number){2, 0}));
    user_join_from(&user_ann, 1, (struct user_number){2, 0});
    assert_false(user_ann.is_waiting);
    desk_balance(1, 0, 4, 0);
    user_apply();
    assert_string_equal(user_heard, "");
    desk_balance(1, 0, 5, 0);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"3-0\"");
}

/* A reader takes what he has room for; the rest waits for him, and what happens meanwhile comes behind it. */
TEST(user_stream, who_has_no_room_is_told_later)
{
    user_open();
    user_join(&user_ann, 1);
    user_room = 2;
    for (uint32_t asset = 0; asset < 2; asset++)
        desk_accept(0, 7 + asset, 1, SELL, 5000000, 3, "a");
    desk_balance(1, 0, 1, 0);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"2-0\" \"2-4\"");
    assert_true(user_ann.is_waiting);
    desk_balance(1, 0, 2, 0);
    user_apply();
    user_room = 1;
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("sequence"), "\"2-0\" \"2-4\" \"2-8\"");
    assert_true(user_ann.is_waiting);
    user_room = 100;
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("sequence"), "\"2-0\" \"2-4\" \"2-8\" \"3-0\"");
    assert_false(user_ann.is_waiting);
    desk_balance(1, 0, 3, 0);
    user_apply();
    assert_string_equal(user_values("sequence"), "\"2-0\" \"2-4\" \"2-8\" \"3-0\" \"4-0\"");
}

/* Much that was missed comes in pages, so that others have their turn. */
TEST(user_stream, what_was_missed_comes_in_pages)
{
    user_open();
    for (uint32_t at = 0; at < USER_PAGE + 1; at++) {
        desk_balance(1, 0, at, 0);
        user_apply();
    }
    user_join_from(&user_ann, 1, (struct user_number){0, 0});
    user_room = 1000;
    user_stream_go_on(users, &user_ann);
    assert_int_equal(user_room, 1000 - USER_PAGE);
    assert_true(user_ann.is_waiting);
    user_stream_go_on(users, &user_ann);
    assert_int_equal(user_room, 1000 - USER_PAGE - 1);
    assert_false(user_ann.is_waiting);
}

/* One waits, the others of the account hear. */
TEST(user_stream, who_waits_keeps_nobody_waiting)
{
    user_open();
    user_join(&user_ann, 1);
    user_room = 1;
    desk_balance(1, 0, 1, 0);
    user_apply();
    user_join(&user_bob, 1);
    user_room = 10;
    desk_balance(1, 0, 2, 0);
    user_apply();
    assert_true(user_ann.is_waiting);
    assert_string_equal(user_values("sequence"), "\"2-0\" \"3-0\"");
    user_assert_told("bob {");
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("sequence"), "\"2-0\" \"3-0\" \"3-0\"");
}

static bool leave_one(struct user_listener *listener, const char *message, size_t byte_count)
{
    const bool has_room = user_hear(listener, message, byte_count);
    user_stream_leave(users, listener);
    return has_room;
}

TEST(user_stream, listener_may_leave_while_it_is_told_what_it_missed)
{
    user_open();
    for (uint32_t at = 0; at < 3; at++) {
        desk_balance(1, 0, at, 0);
        user_apply();
    }
    user_join_from(&user_ann, 1, (struct user_number){0, 0});
    user_ann.hear = leave_one;
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("sequence"), "\"2-0\"");
}

/* Who joins in the middle of a command hears it whole, though nobody listened when it began. */
TEST(user_stream, command_in_hand_is_told_to_who_joins)
{
    user_open();
    desk_balance(1, 0, 1, 2);
    const struct applied whole = desk_apply();
    struct applied part = whole;
    part.flags = APPLIED_FIRST;
    user_stream_end(users, &part);
    user_join_from(&user_ann, 1, (struct user_number){1, UINT32_MAX});
    assert_false(user_ann.is_waiting); /* for what may still change */
    part.flags = APPLIED_LAST;
    user_stream_end(users, &part);
    assert_string_equal(user_values("sequence"), "\"2-0\"");
}

/* A command in parts is told at its end: only then is it known which trade was an order's last. */
TEST(user_stream, command_in_parts_is_told_at_its_end)
{
    user_open();
    user_join(&user_ann, 1);
    desk_balance(1, 0, 1, 2);
    const struct applied first = desk_apply();
    struct applied part = first;
    part.flags = APPLIED_FIRST;
    user_stream_end(users, &part);
    assert_string_equal(user_heard, "");
    part.flags = APPLIED_LAST;
    user_stream_end(users, &part);
    assert_string_equal(user_values("sequence"), "\"2-0\"");
}

static uint32_t heard_count;

static bool count(struct user_listener *listener, const char *message, size_t byte_count)
{
    (void)listener;
    assert_true(byte_count > 0 && message[0] == '{');
    heard_count++;
    return true;
}

/* A command may be longer than all that is remembered: then it is told in part before its end, and each of it once. */
TEST(user_stream, longest_command_is_told_whole)
{
    user_open();
    user_join(&user_ann, 1);
    user_ann.hear = count;
    heard_count = 0;
    user_credit(APPLIED_FIRST, 1, 1000);
    assert_int_equal(heard_count, 0);
    for (uint32_t parts = 1; parts < 200; parts++)
        user_credit(0, 1, 1000);
    assert_true(heard_count > 100000 && heard_count < 200000);
    user_credit(APPLIED_LAST, 1, 1);
    assert_int_equal(heard_count, 200001);
    assert_int_equal(user_lost_count, 0);
}

/* Where others have filled the memory, a command of one who is listened to is told whole all the same. */
TEST(user_stream, long_command_is_told_whole_in_a_full_memory)
{
    user_open();
    for (uint32_t account = 3; account <= 64; account++)
        desk_account(account);
    user_apply();
    for (uint32_t round = 0; round < 2 * USER_EVENTS_KEPT / 62; round++)
        for (uint32_t account = 3; account <= 64; account++, desk_number++)
            user_credit(APPLIED_FIRST | APPLIED_LAST, account, 1);
    user_join_from(&user_ann, 1, (struct user_number){desk_number, 0});
    user_ann.hear = count;
    heard_count = 0;
    user_credit(APPLIED_FIRST, 1, 5000);
    assert_true(heard_count > 0 && heard_count < 5000); /* its share is less */
    user_credit(APPLIED_LAST, 1, 5000);
    assert_int_equal(heard_count, 10000);
    assert_int_equal(user_lost_count, 0);
}

/* Who waits until what comes next is forgotten is told that, and nothing else any more. */
TEST(user_stream, who_waits_too_long_is_lost)
{
    user_open();
    user_join(&user_ann, 1);
    user_room = 1;
    user_credit(APPLIED_FIRST | APPLIED_LAST, 1, 2);
    assert_true(user_ann.is_waiting);
    desk_number++;
    for (uint32_t commands = 0; commands < 140; commands++, desk_number++)
        user_credit(APPLIED_FIRST | APPLIED_LAST, 1, 1000);
    assert_false(user_stream_may_resume(users, 1, user_ann.from));
    user_room = 10;
    user_stream_go_on(users, &user_ann);
    assert_int_equal(user_lost_count, 1);
    assert_false(user_ann.is_joined);
    assert_int_equal(user_room, 10);
}

/* With a key go those who listen by it, and nobody else. */
TEST(user_stream, who_listens_by_a_key_ends_with_it)
{
    user_open();
    user_join(&user_ann, 1);
    user_join(&user_bob, 1);
    user_ann.key = 3;
    user_bob.key = 4;
    static const uint8_t noise[LISTEN_KEY_LETTERS];
    char letters[LISTEN_KEY_LETTERS];
    listen_key_take(user_stream_keys(users), 1, desk_stamp, view_command(desk_view), noise,
                    letters);
    user_stream_end_key(users, 2, 3, desk_stamp); /* of another account */
    assert_int_equal(
        listen_key_account(user_stream_keys(users), letters, sizeof(letters), desk_stamp), 1);
    user_stream_end_key(users, 1, 3, desk_stamp);
    assert_string_equal(user_heard, "ann ended\n");
    assert_int_equal(
        listen_key_account(user_stream_keys(users), letters, sizeof(letters), desk_stamp), 0);
    user_silence();
    desk_balance(1, 0, 1, 0);
    user_apply();
    user_assert_told("bob {");
    assert_null(strstr(user_heard, "ann"));
}

static struct arena late_arena;
static struct view *late_view;
static struct user_stream *late;

/* Another loop's, which shares the listen keys, and is as far as the first. */
static void open_late(void)
{
    arena_unmap(&late_arena);
    assert_true(arena_map(&late_arena,
                          view_bytes(&fixture_genesis) + user_stream_bytes(&fixture_genesis) + 64));
    late_view = view_new(&late_arena, &fixture_genesis, market_views_params(fixture_views));
    assert_non_null(late_view);
    late =
        user_stream_new(&late_arena, &fixture_genesis, late_view,
                        market_views_params(fixture_views), user_stream_keys(users), &desk_blocks);
    assert_non_null(late);
}

/* The other loop takes what happened last. */
static void apply_late(const uint8_t *end)
{
    const struct applied applied = {
        .number = desk_number, .stamp_ns = desk_stamp, .flags = APPLIED_FIRST | APPLIED_LAST};
    const uint8_t *at = desk_bytes;
    struct event event;
    while (event_next(&at, end, &event)) {
        view_apply(late_view, &applied, &event);
        user_stream_event(late, &applied, &event);
    }
    view_finish(late_view, &applied);
    user_stream_end(late, &applied);
}

static uint32_t account_of_key(const char *letters)
{
    return listen_key_account(user_stream_keys(users), letters, LISTEN_KEY_LETTERS, desk_stamp);
}

/* An API key loses the right to read, and then goes. Each loop ends the account's listen key when it comes to that: the one that
 * was made since, by who may read still, stays; one that was handed out where it was not known yet goes. */
TEST(user_stream, late_loop_ends_no_key_made_since)
{
    uint8_t noise[LISTEN_KEY_LETTERS] = {0};
    char letters[LISTEN_KEY_LETTERS];
    struct key_added_event key = {.account = 1, .permissions = KEY_READ};
    struct key_limited_event limited = {.account = 1};
    struct key_removed_event removed = {.account = 1};
    memset(key.key_id, 0xaa, sizeof(key.key_id));
    memcpy(limited.key_id, key.key_id, sizeof(key.key_id));
    memcpy(removed.key_id, key.key_id, sizeof(key.key_id));
    desk_open();
    user_attach();
    open_late();
    desk_account(1);
    event_write_key_added(&desk_events, &key);
    const uint8_t *end = desk_events.at;
    user_apply();
    apply_late(end);

    listen_key_take(user_stream_keys(users), 1, desk_stamp, desk_number, noise, letters);
    event_write_key_limited(&desk_events, &limited);
    end = desk_events.at;
    user_apply();
    assert_int_equal(account_of_key(letters), 0);
    listen_key_take(user_stream_keys(users), 1, desk_stamp, desk_number, noise, letters);
    apply_late(end);
    assert_int_equal(account_of_key(letters), 1);

    event_write_key_removed(&desk_events, &removed);
    end = desk_events.at;
    user_apply();
    assert_int_equal(account_of_key(letters), 0);
    listen_key_take(user_stream_keys(users), 1, desk_stamp, view_command(late_view), noise,
                    letters);
    apply_late(end);
    assert_int_equal(account_of_key(letters), 0);
}

/* Who listens, what they are told, who resumes and who cannot, and who is lost, each counted. */
TEST(user_stream, what_it_does_is_counted)
{
    static struct metrics counted;
    user_open();
    memset(&counted, 0, sizeof(counted));
    user_stream_measure(users, &counted);
    user_join(&user_ann, 1);
    user_join(&user_bob, 2);
    assert_int_equal(metric_get(&counted.user_listeners), 2);
    user_stream_leave(users, &user_bob);
    assert_int_equal(metric_get(&counted.user_listeners), 1);
    user_room = 1;
    user_credit(APPLIED_FIRST | APPLIED_LAST, 1, 2);
    assert_int_equal(metric_get(&counted.user_messages_total), 1);
    assert_true(user_stream_may_resume(users, 1, user_ann.from));
    desk_number++;
    for (uint32_t commands = 0; commands < 140; commands++, desk_number++)
        user_credit(APPLIED_FIRST | APPLIED_LAST, 1, 1000);
    assert_false(user_stream_may_resume(users, 1, user_ann.from));
    assert_int_equal(metric_get(&counted.user_resumes_total), 1);
    assert_int_equal(metric_get(&counted.user_resumes_refused_total), 1);
    user_stream_go_on(users, &user_ann);
    assert_int_equal(metric_get(&counted.user_lost_total), 1);
    assert_int_equal(metric_get(&counted.user_listeners), 0);
}

/* What was missed is counted and found once; whoever joins with the place goes on right behind it, also when what is there
 * has another number, is not the account's, or was forgotten. */
TEST(user_stream, what_was_missed_is_found_once)
{
    uint32_t place;
    user_open();
    for (uint32_t at = 0; at < 5; at++) {
        desk_balance(1, 0, at, 0);
        user_apply();
    }
    assert_int_equal(user_stream_missed(users, 1, (struct user_number){0, 0}, &place), 5);
    assert_int_equal(place, 0);
    const struct user_number between = {4, 7}; /* nothing has it */
    assert_int_equal(user_stream_missed(users, 1, between, &place), 2);
    assert_true(place != 0);
    assert_int_equal(user_stream_missed(users, 1, user_stream_number(users), &place), 0);
    for (uint32_t guess = 0; guess < 5; guess++) {
        user_silence();
        user_ann = (struct user_listener){.account = 1,
                                          .time_unit_ns = DESK_MS_NS,
                                          .from = between,
                                          .key = USER_NO_KEY,
                                          .place = guess,
                                          .hear = user_hear,
                                          .lost = user_lose,
                                          .ended = user_end};
        user_stream_join(users, &user_ann);
        assert_true(user_ann.is_waiting);
        user_stream_go_on(users, &user_ann);
        assert_string_equal(user_values("sequence"), "\"5-0\" \"6-0\"");
        user_stream_leave(users, &user_ann);
    }
}
