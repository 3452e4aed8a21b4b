#include "tests/unit/gateway/user_fixture.h"

/* What user_stream.h says of blocks: who wants it is told which of his events have become final. */

static struct finality_marks ann_marks, bob_marks;

static void join_certified(struct user_listener *listener, uint32_t account,
                           struct user_number from, struct finality_marks *marks)
{
    *listener = (struct user_listener){.account = account,
                                       .time_unit_ns = DESK_MS_NS,
                                       .from = from,
                                       .key = USER_NO_KEY,
                                       .marks = marks,
                                       .hear = user_hear,
                                       .lost = user_lose,
                                       .ended = user_end};
    user_stream_join(users, listener);
}

static void open_certified(void)
{
    user_open();
    ann_marks = bob_marks = (struct finality_marks){0};
    join_certified(&user_ann, 1, user_stream_number(users), &ann_marks);
    user_silence();
}

/* Account `account`'s balance of BTC becomes so many units. */
static void move(uint32_t account)
{
    desk_balance(account, 0, 7, 0);
    user_apply();
}

#define HASH "abababababababababababababababababababababababababababababababab"

/* Of a block that is certified one message says which of his events were in it; what came behind it is not meant. */
TEST(user_certified, events_of_a_block_become_final)
{
    char expected[256];
    open_certified();
    user_join(&user_bob, 1); /* has not asked for it */
    const uint64_t first = desk_number + 1;
    move(1);
    move(2);
    move(1);
    user_seal(1);
    move(1);
    user_silence();
    user_certify(1);
    snprintf(expected, sizeof(expected),
             "ann {\"e\":\"certified\",\"E\":1700000041000,\"height\":1,\"headerHash\":\"" HASH
             "\",\"from\":\"%llu-0\",\"to\":\"%llu-0\"}\n",
             (unsigned long long)first, (unsigned long long)first + 2);
    assert_string_equal(user_heard, expected);
    user_silence();
    user_seal(2);
    user_certify(2);
    assert_string_equal(user_values("height"), "2");
    user_silence();
    user_certify(2);
    assert_string_equal(user_heard, "");
}

/* Trading goes on without certificates; the next one is for all that is below it. */
TEST(user_certified, one_message_covers_blocks_without_certificates)
{
    char expected[64];
    open_certified();
    const uint64_t first = desk_number + 1;
    for (uint64_t height = 1; height <= 3; height++) {
        move(1);
        user_seal(height);
    }
    user_silence();
    user_certify(3);
    assert_string_equal(user_values("height"), "3");
    snprintf(expected, sizeof(expected), "\"%llu-0\"", (unsigned long long)first);
    assert_string_equal(user_values("from"), expected);
    snprintf(expected, sizeof(expected), "\"%llu-0\"", (unsigned long long)first + 4);
    assert_string_equal(user_values("to"), expected);
}

/* A block that has nothing of the account is no news for it. */
TEST(user_certified, empty_blocks_are_not_told)
{
    open_certified();
    move(2);
    user_seal(1);
    user_certify(1);
    assert_string_equal(user_heard, "");
}

/* Notices may come before what they are about: first the events, then that they are final. */
TEST(user_certified, certificate_waits_for_the_events)
{
    open_certified();
    user_tell_sealed(1, desk_number + 2);
    user_certify(1);
    move(1);
    assert_string_equal(user_values("e"), "\"outboundAccountPosition\"");
    (void)user_apply_seal(1);
    assert_string_equal(user_values("e"), "\"outboundAccountPosition\" \"certified\"");
}

/* A loop that lags knows of certificates for blocks whose events it has not come to: what has ended is told all the same,
 * when its block ends here and when the notices come. */
TEST(user_certified, who_lags_is_told_of_the_blocks_that_have_ended)
{
    open_certified();
    const uint64_t first = desk_number + 1; /* each block: a move and its SEAL */
    for (uint64_t height = 1; height <= 3; height++)
        user_tell_sealed(height, first + 2 * height - 1);
    user_certify(3);
    move(1);
    (void)user_apply_seal(1);
    assert_string_equal(user_values("height"), "1");
    move(1);
    (void)user_apply_seal(2);
    assert_string_equal(user_values("height"), "1 2");
    move(1);
    user_tell_sealed(4, first + 7);
    user_certify(4);
    assert_string_equal(user_values("height"), "1 2");
    (void)user_apply_seal(3);
    assert_string_equal(user_values("height"), "1 2 3");

    move(1);
    (void)user_apply_seal(4);
    move(1);
    (void)user_apply_seal(5);
    move(1); /* of block 6, which has not ended */
    user_silence();
    user_tell_sealed(6, desk_number + 1);
    user_tell_sealed(5, desk_number - 1);
    user_certify(6);
    assert_string_equal(user_values("height"), "5");
}

/* Who has no room is told when he has: behind the events that waited too. */
TEST(user_certified, slow_reader_is_told_behind_his_events)
{
    open_certified();
    user_room = 1;
    move(1);
    move(1);
    user_seal(1);
    user_certify(1);
    assert_string_equal(user_values("e"), "\"outboundAccountPosition\"");
    assert_true(user_ann.is_waiting);
    user_room = UINT32_MAX;
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("e"),
                        "\"outboundAccountPosition\" \"outboundAccountPosition\" \"certified\"");
    assert_false(user_ann.is_waiting);
}

/* Who comes back is told what of that which he has heard, and of what he has missed, is final by now; and later the rest. */
TEST(user_certified, who_resumes_is_told_what_is_final)
{
    char expected[64];
    user_open();
    move(1);
    const struct user_number heard = {desk_number, 0};
    user_seal(1);
    move(1);
    user_seal(2);
    move(1);
    user_certify(2);
    ann_marks = (struct finality_marks){0};
    finality_begin(&ann_marks, heard);
    join_certified(&user_ann, 1, heard, &ann_marks);
    assert_true(user_ann.is_waiting);
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("e"),
                        "\"outboundAccountPosition\" \"outboundAccountPosition\" \"certified\"");
    snprintf(expected, sizeof(expected), "\"%llu-0\"", (unsigned long long)heard.command);
    assert_string_equal(user_values("from"), expected);
    snprintf(expected, sizeof(expected), "\"%llu-0\"", (unsigned long long)heard.command + 2);
    assert_string_equal(user_values("to"), expected);
    user_silence();
    user_seal(3);
    user_certify(3);
    assert_string_equal(user_values("height"), "3");
}

/* Also when he has missed nothing. */
TEST(user_certified, what_was_heard_before_has_become_final)
{
    user_open();
    move(1);
    const struct user_number heard = {desk_number, 0};
    user_seal(1);
    user_certify(1);
    ann_marks = (struct finality_marks){0};
    finality_begin(&ann_marks, heard);
    join_certified(&user_ann, 1, heard, &ann_marks);
    assert_true(user_ann.is_waiting);
    user_stream_go_on(users, &user_ann);
    assert_string_equal(user_values("e"), "\"certified\"");
    assert_false(user_ann.is_waiting);
}

static bool leave_both(struct user_listener *listener, const char *message, size_t byte_count)
{
    (void)user_hear(listener, message, byte_count);
    user_stream_leave(users, &user_ann);
    user_stream_leave(users, &user_bob);
    return false;
}

/* What is said may close connections, with all that listens on them. */
TEST(user_certified, listeners_may_leave_while_they_are_told)
{
    open_certified();
    join_certified(&user_bob, 1, user_stream_number(users), &bob_marks);
    move(1);
    user_seal(1);
    user_silence();
    user_ann.hear = user_bob.hear = leave_both;
    user_certify(1);
    assert_string_equal(user_values("e"), "\"certified\"");
    user_certify(2);
    assert_string_equal(user_values("e"), "\"certified\"");
}
