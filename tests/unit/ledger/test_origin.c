#include "ledger/origin.h"

#include "ledger/sequence.h"
#include "tests/harness.h"
#include "tests/unit/ledger/commands.h"

#define NODE  7
#define NONCE 0xabc
#define ALL   (4 * 1024 * 1024)

static uint8_t memory[ORIGIN_BYTES];
static struct origin_entry entries[ORIGIN_COMMANDS];

/* Where the log stands with our stream. */
static struct sequence_origin log_at(uint64_t epoch, uint64_t last)
{
    return (struct sequence_origin){.node = NODE,
                                    .epoch = epoch,
                                    .nonce = epoch != 0 ? NONCE : 0,
                                    .last = last,
                                    .expected = last + 1};
}

static void delivered(struct origin_stream *origin, struct sequence_origin now)
{
    origin_delivered(origin, &now);
    assert_true(origin_check(origin));
}

static struct origin_stream some_origin(void)
{
    struct origin_stream origin;
    origin_init(&origin, NODE, NONCE, memory, entries);
    return origin;
}

/* One whose HELLO was command 17. */
static struct origin_stream open_origin(void)
{
    struct origin_stream origin = some_origin();
    const struct origin_run hello = origin_run(&origin, ALL);
    origin_sent(&origin, &hello, hello.byte_count);
    delivered(&origin, log_at(17, 0));
    return origin;
}

static bool take(struct origin_stream *origin, uint64_t ticket, uint16_t auth_bytes)
{
    static uint8_t command[COMMAND_BYTES_MAX];
    return origin_take(origin, command, command_make(command, T_ORDER_PLACE, auth_bytes, ticket));
}

static void take_many(struct origin_stream *origin, uint64_t first_ticket, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(take(origin, first_ticket + i, 0));
    assert_true(origin_check(origin));
}

/* Sends what there is, `room` at a time, and expects the commands with these tickets under these numbers. */
static void expect_sent(struct origin_stream *origin, uint64_t epoch, uint64_t first_sequence,
                        uint64_t first_ticket, uint32_t count, size_t room)
{
    uint32_t seen = 0;
    for (struct origin_run run; (run = origin_run(origin, room)).bytes != NULL;) {
        struct command command;
        const uint8_t *at = run.bytes, *const end = run.bytes + run.byte_count;
        assert_true(run.byte_count <= room && run.count > 0);
        assert_int_equal(run.first_sequence, first_sequence + seen);
        for (uint32_t i = 0; i < run.count; i++, seen++) {
            assert_true(batch_next(&at, end, &command));
            assert_int_equal(command.header.origin, NODE);
            assert_int_equal(command.header.origin_epoch, epoch);
            assert_int_equal(command.header.origin_sequence, first_sequence + seen);
            assert_int_equal(command.header.ticket, first_ticket + seen);
        }
        assert_ptr_equal(at, end);
        origin_sent(origin, &run, run.byte_count);
    }
    assert_int_equal(seen, count);
    assert_true(origin_check(origin));
}

/* Who we are comes first: until the log has our HELLO, nothing is taken, and the HELLO is sent to each leader
 * once. */
TEST(origin, hello_comes_first)
{
    struct origin_stream origin = some_origin();
    assert_false(take(&origin, 1, 0));
    for (int leader = 0; leader < 2; leader++) {
        const struct origin_run run = origin_run(&origin, ALL);
        struct command command;
        struct hello_command hello;
        assert_int_equal(run.count, 1);
        assert_true(command_decode(run.bytes, run.byte_count, &command));
        assert_int_equal(command.header.type, T_HELLO);
        assert_int_equal(command.header.origin, 0);
        hello_command_get(command.payload, &hello);
        assert_int_equal(hello.node, NODE);
        assert_int_equal(hello.nonce, NONCE);
        origin_sent(&origin, &run, 0); /* the link was full */
        assert_ptr_equal(origin_run(&origin, ALL).bytes, run.bytes);
        origin_sent(&origin, &run, run.byte_count);
        assert_null(origin_run(&origin, ALL).bytes);
        origin_rewind(&origin);
    }
    origin_delivered(&origin, NULL); /* the log knows nothing of us */
    assert_false(take(&origin, 1, 0));
    struct sequence_origin earlier = log_at(9, 4); /* of the process before */
    earlier.nonce = 1;
    delivered(&origin, earlier);
    assert_false(take(&origin, 1, 0));
    delivered(&origin, log_at(17, 0));
    assert_null(origin_run(&origin, ALL).bytes);
    take_many(&origin, 100, 3);
    expect_sent(&origin, 17, 1, 100, 3, ALL);
}

/* Sent once to a leader; all that was not delivered again to the next. */
TEST(origin, what_was_not_delivered_is_sent_to_the_next_leader)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 10);
    expect_sent(&origin, 17, 1, 1, 10, COMMAND_BYTES_MAX);
    take_many(&origin, 11, 2);
    expect_sent(&origin, 17, 11, 11, 2, ALL);
    delivered(&origin, log_at(17, 4));
    assert_int_equal(origin_count(&origin), 8);
    expect_sent(&origin, 17, 13, 13, 0, ALL);
    origin_rewind(&origin);
    expect_sent(&origin, 17, 5, 5, 8, ALL);
    origin_rewind(&origin);
    delivered(&origin, log_at(17, 6)); /* meanwhile; the first unsent one is gone */
    expect_sent(&origin, 17, 7, 7, 6, ALL);
    delivered(&origin, log_at(17, 12));
    origin_rewind(&origin);
    assert_null(origin_run(&origin, ALL).bytes);
    assert_int_equal(origin_count(&origin), 0);
}

/* A part of a run may have gone out. */
TEST(origin, a_part_of_a_run_counts)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 10);
    const struct origin_run run = origin_run(&origin, ALL);
    origin_sent(&origin, &run, run.byte_count / 10 * 3);
    expect_sent(&origin, 17, 4, 4, 7, ALL);
}

/* The leader says what it expects: from there on, be it back or ahead. What it says of another epoch, of what
 * the log has had since, or of what we never made, moves nothing to where there is nothing. */
TEST(origin, sends_what_the_leader_expects)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 10);
    expect_sent(&origin, 17, 1, 1, 10, ALL);
    origin_expected(&origin, 17, 4);
    expect_sent(&origin, 17, 4, 4, 7, ALL);
    origin_expected(&origin, 16, 2);
    origin_expected(&origin, 0, 0);
    origin_expected(&origin, 17, 12);
    expect_sent(&origin, 17, 11, 11, 0, ALL);
    origin_rewind(&origin);
    origin_expected(&origin, 17, 9);
    expect_sent(&origin, 17, 9, 9, 2, ALL);
    origin_expected(&origin, 17, 11); /* it has everything */
    expect_sent(&origin, 17, 11, 11, 0, ALL);
    delivered(&origin, log_at(17, 6));
    origin_expected(&origin, 17, 3);
    expect_sent(&origin, 17, 7, 7, 4, ALL);
}

/* A closed epoch: what the log had of it is done with, the rest gets new numbers in the next, in order. */
TEST(origin, what_is_left_of_a_lost_epoch_is_numbered_anew)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 10);
    expect_sent(&origin, 17, 1, 1, 10, ALL);
    delivered(&origin, log_at(17, 2));
    struct sequence_origin now = log_at(0, 0);
    now.closed_epoch = 17;
    now.closed_last = 5; /* three more before it was closed, in the same batch */
    delivered(&origin, now);
    assert_int_equal(origin_count(&origin), 5);
    assert_false(take(&origin, 99, 0));
    const struct origin_run hello = origin_run(&origin, ALL);
    assert_int_equal(hello.first_sequence, 0);
    origin_sent(&origin, &hello, hello.byte_count);
    delivered(&origin, now); /* batch after batch: said once */
    assert_null(origin_run(&origin, ALL).bytes);
    /* A leader that had not delivered yet what closed our epoch took it for one said twice. */
    origin_expected(&origin, 0, 0);
    assert_ptr_equal(origin_run(&origin, ALL).bytes, hello.bytes);
    origin_sent(&origin, &hello, hello.byte_count);
    origin_expected(&origin, 33, 1); /* a late HELLO of the process before did */
    assert_ptr_equal(origin_run(&origin, ALL).bytes, hello.bytes);
    origin_sent(&origin, &hello, hello.byte_count);

    now.epoch = 40;
    now.nonce = NONCE;
    delivered(&origin, now);
    take_many(&origin, 11, 1);
    expect_sent(&origin, 40, 1, 6, 6, ALL);
    now.last = 6;
    delivered(&origin, now);
    assert_int_equal(origin_count(&origin), 0);
}

/* Closed and opened within one batch, and closed by a late HELLO of the process before. */
TEST(origin, an_epoch_may_change_within_a_batch)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 4);
    struct sequence_origin now = log_at(30, 0);
    now.closed_epoch = 17;
    now.closed_last = 1;
    delivered(&origin, now);
    expect_sent(&origin, 30, 1, 2, 3, ALL);

    now.nonce = 1;
    now.epoch = 50;
    now.closed_epoch = 17; /* nothing of 30 had come */
    delivered(&origin, now);
    assert_int_equal(origin_count(&origin), 3);
    assert_int_equal(origin_run(&origin, ALL).first_sequence, 0);
    now.nonce = NONCE;
    now.epoch = 51;
    delivered(&origin, now);
    expect_sent(&origin, 51, 1, 2, 3, ALL);
}

/* Numbers that a leader has used up in our name are gone; we go on behind them. */
TEST(origin, more_delivered_than_made_does_no_harm)
{
    struct origin_stream origin = open_origin();
    take_many(&origin, 1, 2);
    delivered(&origin, log_at(17, 9));
    assert_int_equal(origin_count(&origin), 0);
    take_many(&origin, 3, 1);
    expect_sent(&origin, 17, 10, 3, 1, ALL);
}

/* Bytes and places are bounded, and used again when the log has delivered what was there: round and round,
 * with commands of every length, and never a run over the end. */
TEST(origin, room_comes_back_when_commands_are_delivered)
{
    struct origin_stream origin = open_origin();
    uint64_t taken = 0, last = 0, full = 0;
    while (taken < 20000) {
        const uint16_t auth_bytes = (uint16_t)(taken * 7919 % (COMMAND_AUTH_MAX + 1));
        if (take(&origin, taken + 1, auth_bytes)) {
            taken++;
            continue;
        }
        assert_true(origin.head - origin.tail > ORIGIN_BYTES - 2 * COMMAND_BYTES_MAX);
        full++;
        expect_sent(&origin, 17, origin.unsent, origin.unsent,
                    (uint32_t)(taken + 1 - origin.unsent), 256 * 1024);
        origin_rewind(&origin);
        expect_sent(&origin, 17, last + 1, last + 1, (uint32_t)(taken - last), COMMAND_BYTES_MAX);
        last += (taken - last) / 3;
        delivered(&origin, log_at(17, last));
    }
    assert_true(full > 10);
    delivered(&origin, log_at(17, taken));

    /* As many as there are places, of the smallest kind. */
    uint8_t command[COMMAND_BYTES_MAX];
    const size_t byte_count = command_make(command, T_CANCEL_ALL, 0, 0);
    uint32_t count = 0;
    while (origin_take(&origin, command, byte_count))
        count++;
    assert_int_equal(count, byte_count * ORIGIN_COMMANDS <= ORIGIN_BYTES - COMMAND_BYTES_MAX
                                ? ORIGIN_COMMANDS
                                : origin_count(&origin));
    assert_true(count > ORIGIN_COMMANDS / 2);
    assert_true(origin_check(&origin));
}
