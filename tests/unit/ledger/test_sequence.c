#include "ledger/sequence.h"

#include "tests/harness.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define NODE   7

static uint8_t space[BATCH_BYTES_MAX];

static const struct genesis *some_genesis(void)
{
    static struct genesis genesis;
    genesis.time_ns = 500 * SECOND;
    genesis.params.block_ms = 100;
    genesis.params.idle_block_ms = 1000;
    genesis.params.stamp_step_ms = 10000;
    return &genesis;
}

static struct sequence_time at(uint64_t ns)
{
    return (struct sequence_time){.clock_ns = 1000 * SECOND + ns, .monotonic_ns = 1 + ns};
}

static struct sequence some_sequence(void)
{
    struct sequence sequence;
    sequence_init(&sequence, some_genesis(), NODE);
    return sequence;
}

static size_t command_of(uint8_t *bytes, uint16_t type, uint16_t auth_bytes)
{
    memset(bytes, 0, COMMAND_BYTES_MAX);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type) + auth_bytes),
        .type = type,
        .auth_kind = auth_bytes > 0 ? AUTH_ED25519 : AUTH_NONE,
        .auth_length = auth_bytes,
        .ticket = 99,
        .deadline_ns = 12345,
    };
    command_header_put(bytes, &header);
    return header.length;
}

static bool add(struct sequence *sequence, uint16_t type, uint16_t auth_bytes)
{
    static uint8_t bytes[COMMAND_BYTES_MAX];
    return sequence_add(sequence, bytes, command_of(bytes, type, auth_bytes));
}

/* The only command of the batch in `space`. */
static struct command only(size_t byte_count, struct batch_header *header)
{
    assert_true(batch_check(space, byte_count, header));
    assert_int_equal(header->command_count, 1);
    const uint8_t *position = space + BATCH_HEADER_BYTES;
    struct command command;
    assert_true(batch_next(&position, space + byte_count, &command));
    return command;
}

static void deliver(struct sequence *sequence, size_t byte_count)
{
    assert_true(sequence_delivered(sequence, space, byte_count));
}

/* Proposes and delivers the HELLO of a new leader. */
static void say_hello(struct sequence *sequence, struct sequence_time now)
{
    size_t byte_count;
    sequence_lead(sequence, 0xabc, now);
    assert_int_equal(sequence_turn(sequence, now, space, &byte_count), SEQUENCE_OWN);
    deliver(sequence, byte_count);
}

/* Proposes one batch with one order; returns its length. */
static size_t propose_order(struct sequence *sequence, struct sequence_time now)
{
    size_t byte_count;
    assert_int_equal(sequence_turn(sequence, now, space, &byte_count), SEQUENCE_ARRIVED);
    assert_true(add(sequence, T_CANCEL_ALL, 0));
    return sequence_close(sequence);
}

/* Nothing of ours is in the log before the node said who it is: its HELLO, alone, comes first, and
 * the HELLO's command number is the epoch of all that follows. */
TEST(sequence, hello_comes_first_and_gives_the_epoch)
{
    struct sequence sequence = some_sequence();
    size_t byte_count;
    assert_int_equal(sequence_turn(&sequence, at(0), space, &byte_count), SEQUENCE_WAIT);

    /* The log already holds two commands. */
    sequence_lead(&sequence, 5, at(0));
    sequence.epoch = 1;
    const size_t order = propose_order(&sequence, at(0));
    deliver(&sequence, order);
    deliver(&sequence, order);

    sequence_lead(&sequence, 0xabc, at(1));
    assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_OWN);
    struct batch_header header;
    const struct command command = only(byte_count, &header);
    assert_int_equal(command.header.type, T_HELLO);
    assert_int_equal(command.header.origin, 0);
    assert_int_equal(sequence_turn(&sequence, at(1), space + 4096, &byte_count), SEQUENCE_WAIT);
    deliver(&sequence, BATCH_HEADER_BYTES + command.header.length);
    assert_int_equal(sequence.epoch, 3);

    byte_count = propose_order(&sequence, at(2));
    const struct command first = only(byte_count, &header);
    assert_int_equal(first.header.origin, NODE);
    assert_int_equal(first.header.origin_epoch, 3);
    assert_int_equal(first.header.origin_sequence, 1);
    assert_int_equal(first.header.ticket, 99);
    assert_int_equal(first.header.deadline_ns, 12345);
}

/* Another node's HELLO, or an older one of ours, is not our epoch. */
TEST(sequence, another_hello_gives_no_epoch)
{
    struct sequence sequence = some_sequence(), other = some_sequence();
    size_t byte_count;
    sequence_lead(&other, 0xdef, at(0));
    assert_int_equal(sequence_turn(&other, at(0), space, &byte_count), SEQUENCE_OWN);
    sequence_lead(&sequence, 0xabc, at(0));
    deliver(&sequence, byte_count);
    assert_int_equal(sequence.epoch, 0);
    assert_int_equal(sequence.command_count, 1);
}

/* Origin sequences are 1, 2, 3 ... over batches; votes are a node's own and have none. */
TEST(sequence, numbers_what_arrived_without_gaps)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    uint64_t expected = 1;
    for (int batch = 0; batch < 3; batch++) {
        size_t byte_count;
        assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_ARRIVED);
        for (int i = 0; i < 5; i++)
            assert_true(add(&sequence, i == 2 ? T_VOTE : T_ORDER_PLACE, 0));
        byte_count = sequence_close(&sequence);
        struct batch_header header;
        assert_true(batch_check(space, byte_count, &header));
        assert_int_equal(header.command_count, 5);
        const uint8_t *position = space + BATCH_HEADER_BYTES;
        struct command command;
        while (batch_next(&position, space + byte_count, &command)) {
            const bool vote = command.header.type == T_VOTE;
            assert_int_equal(command.header.origin, vote ? 0 : NODE);
            assert_int_equal(command.header.origin_epoch, vote ? 0 : 1);
            assert_int_equal(command.header.origin_sequence, vote ? 0 : expected++);
        }
        deliver(&sequence, byte_count);
    }
}

/* A stamp is the clock's time, never below the last one, never more than a step above it. */
TEST(sequence, stamps_follow_the_clock_and_never_fall)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    struct batch_header header;
    only(propose_order(&sequence, at(5)), &header);
    assert_int_equal(header.stamp_ns, at(5).clock_ns);

    /* The clock steps back: time stands still. */
    struct sequence_time back = at(5);
    back.clock_ns -= 3 * SECOND;
    only(propose_order(&sequence, back), &header);
    assert_int_equal(header.stamp_ns, at(5).clock_ns);

    /* Exactly one step ahead is taken whole. */
    struct sequence_time ahead = at(5);
    ahead.clock_ns += 10 * SECOND;
    only(propose_order(&sequence, ahead), &header);
    assert_int_equal(header.stamp_ns, at(5).clock_ns + 10 * SECOND);
}

/* The first batch of a chain has nothing to be a step above: it takes the time of day, and not less
 * than the genesis. */
TEST(sequence, first_stamp_is_the_time_of_day)
{
    struct sequence sequence = some_sequence();
    size_t byte_count;
    sequence_lead(&sequence, 1, at(0));
    assert_int_equal(sequence_turn(&sequence, at(0), space, &byte_count), SEQUENCE_OWN);
    struct batch_header header;
    only(byte_count, &header);
    assert_int_equal(header.stamp_ns, at(0).clock_ns);

    sequence = some_sequence();
    sequence_lead(&sequence, 1, at(0));
    const struct sequence_time before = {.clock_ns = 3, .monotonic_ns = 3};
    assert_int_equal(sequence_turn(&sequence, before, space, &byte_count), SEQUENCE_OWN);
    only(byte_count, &header);
    assert_int_equal(header.stamp_ns, 500 * SECOND);
}

/* A node that was down for an hour: empty batches carry engine time forward, 10 s each, before
 * anything else, and the first order it takes has the time of day. */
TEST(sequence, catches_up_after_an_hour_before_it_takes_an_order)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    const struct sequence_time now = at(3600 * SECOND);
    uint64_t last = at(0).clock_ns;
    size_t byte_count;
    struct batch_header header;
    sequence_lead(&sequence, 0xbcd, now);
    int empty = 0;
    while (sequence_turn(&sequence, now, space, &byte_count) == SEQUENCE_OWN) {
        assert_true(batch_check(space, byte_count, &header));
        assert_int_equal(header.command_count, 0);
        assert_int_equal(header.stamp_ns, last + 10 * SECOND);
        last = header.stamp_ns;
        empty++;
    }
    assert_int_equal(empty, 359); /* the rest, a step exactly, is for the HELLO */
    for (int i = 0; i < empty; i++)
        deliver(&sequence, BATCH_HEADER_BYTES);
    assert_int_equal(sequence_turn(&sequence, now, space, &byte_count), SEQUENCE_OWN);
    assert_int_equal(only(byte_count, &header).header.type, T_HELLO);
    assert_int_equal(header.stamp_ns, now.clock_ns);
    deliver(&sequence, byte_count);
    only(propose_order(&sequence, now), &header);
    assert_int_equal(header.stamp_ns, now.clock_ns);
}

/* The stamp of what the log delivers counts too: a new leader does not fall behind the old one. */
TEST(sequence, stamps_start_from_what_was_delivered)
{
    struct sequence old = some_sequence(), new_one = some_sequence();
    say_hello(&old, at(0));
    const size_t order = propose_order(&old, at(900 * MS));
    deliver(&new_one, order);
    size_t byte_count;
    sequence_lead(&new_one, 2, at(800 * MS));
    assert_int_equal(sequence_turn(&new_one, at(800 * MS), space, &byte_count), SEQUENCE_OWN);
    struct batch_header header;
    only(byte_count, &header);
    assert_int_equal(header.stamp_ns, at(900 * MS).clock_ns);
}

/* When nothing happens a SEAL comes every idle interval; when something did, every block interval.
 * Both sides of each boundary. */
TEST(sequence, seals_when_due_and_not_before)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    size_t byte_count;
    assert_int_equal(sequence_turn(&sequence, at(1000 * MS - 1), space, &byte_count),
                     SEQUENCE_ARRIVED);
    assert_int_equal(sequence_close(&sequence), 0);
    assert_int_equal(sequence_turn(&sequence, at(1000 * MS), space, &byte_count), SEQUENCE_OWN);
    struct batch_header header;
    const struct command command = only(byte_count, &header);
    assert_int_equal(command.header.type, T_SEAL);
    struct seal_command seal;
    seal_command_get(command.payload, &seal);
    assert_int_equal(seal.height, 1);
    deliver(&sequence, byte_count);

    deliver(&sequence, propose_order(&sequence, at(1001 * MS)));
    assert_int_equal(sequence_turn(&sequence, at(1100 * MS - 1), space, &byte_count),
                     SEQUENCE_ARRIVED);
    sequence_close(&sequence);
    assert_int_equal(sequence_turn(&sequence, at(1100 * MS), space, &byte_count), SEQUENCE_OWN);
    seal_command_get(only(byte_count, &header).payload, &seal);
    assert_int_equal(seal.height, 2);
}

/* Votes and HELLO are not "something": they alone bring no early SEAL. */
TEST(sequence, votes_do_not_hurry_a_seal)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    size_t byte_count;
    assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_ARRIVED);
    assert_true(add(&sequence, T_VOTE, 0));
    deliver(&sequence, sequence_close(&sequence));
    assert_int_equal(sequence_due(&sequence), at(1000 * MS).monotonic_ns);
    deliver(&sequence, propose_order(&sequence, at(2)));
    assert_int_equal(sequence_due(&sequence), at(100 * MS).monotonic_ns);
}

/* At most one SEAL is in flight: the next is proposed after the last was delivered, for the height
 * after it. */
TEST(sequence, next_seal_waits_for_the_last)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    size_t seal_bytes, byte_count;
    static uint8_t seal_batch[256];
    assert_int_equal(sequence_turn(&sequence, at(SECOND), space, &seal_bytes), SEQUENCE_OWN);
    memcpy(seal_batch, space, seal_bytes);
    assert_int_equal(sequence_due(&sequence), 0);
    assert_int_equal(sequence_turn(&sequence, at(5 * SECOND), space, &byte_count),
                     SEQUENCE_ARRIVED);
    sequence_close(&sequence);
    assert_true(sequence_delivered(&sequence, seal_batch, seal_bytes));
    assert_int_equal(sequence.sealed_height, 1);
    assert_int_equal(sequence_turn(&sequence, at(5 * SECOND), space, &byte_count), SEQUENCE_OWN);

    /* A SEAL for another height ends no block. */
    assert_true(sequence_delivered(&sequence, seal_batch, seal_bytes));
    assert_int_equal(sequence.sealed_height, 1);
}

/* Four batches may be in flight; the fifth waits until one was delivered. */
TEST(sequence, holds_back_at_four_in_flight)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    size_t byte_count, order = 0;
    for (int i = 0; i < SEQUENCE_IN_FLIGHT_MAX; i++)
        order = propose_order(&sequence, at(1));
    assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_WAIT);
    deliver(&sequence, order);
    assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_ARRIVED);
}

/* What does not fit stays with the caller, and a batch is never above its bound. */
TEST(sequence, a_command_that_does_not_fit_is_left)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    size_t byte_count;
    assert_int_equal(sequence_turn(&sequence, at(1), space, &byte_count), SEQUENCE_ARRIVED);
    uint32_t count = 0;
    while (add(&sequence, T_ORDER_PLACE, COMMAND_AUTH_MAX))
        count++;
    while (add(&sequence, T_CANCEL_ALL, 0))
        count++;
    byte_count = sequence_close(&sequence);
    struct batch_header header;
    assert_true(byte_count <= BATCH_BYTES_MAX && byte_count > BATCH_BYTES_MAX - 64);
    assert_true(batch_check(space, byte_count, &header));
    assert_int_equal(header.command_count, count);
    assert_int_equal(sequence.next_sequence, count + 1);
}

/* What is not a batch is said to be none, whatever is wrong with it. */
TEST(sequence, a_delivered_entry_that_is_no_batch_is_refused)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    const size_t order = propose_order(&sequence, at(1));
    assert_false(sequence_delivered(&sequence, space, order - 1));
    assert_false(sequence_delivered(&sequence, space, BATCH_HEADER_BYTES - 1));
    space[0] ^= 1;
    assert_false(sequence_delivered(&sequence, space, order));
}
