#include "ledger/sequence.h"

#include "tests/harness.h"
#include "tests/unit/ledger/commands.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define NODE   7
#define OTHER  9

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
    sequence_init(&sequence, some_genesis(), NULL);
    return sequence;
}

/* Adds a vote, or the next command of NODE. */
static enum sequence_taken add(struct sequence *sequence, uint16_t type, uint16_t auth_bytes)
{
    static uint8_t bytes[COMMAND_BYTES_MAX];
    const size_t byte_count = command_make(bytes, type, auth_bytes, 99);
    if (type >= T_ASSET_CREATE) {
        uint64_t epoch, expected;
        sequence_expected(sequence, NODE, &epoch, &expected);
        le_put_u64(le_put_u64(le_put_u32(bytes + 8, NODE) + 4, epoch), expected);
    }
    return sequence_add(sequence, bytes, byte_count);
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

/* Proposes a node's HELLO, alone; returns the batch's length. */
static size_t propose_hello(struct sequence *sequence, uint32_t node, uint64_t nonce,
                            struct sequence_time now)
{
    uint8_t hello[COMMAND_BYTES_MAX];
    size_t byte_count;
    assert_int_equal(sequence_turn(sequence, now, space, &byte_count), SEQUENCE_ARRIVED);
    byte_count = command_hello(hello, node, nonce);
    assert_int_equal(sequence_add(sequence, hello, byte_count), SEQUENCE_TAKEN);
    return sequence_close(sequence);
}

/* Leads, and NODE has said HELLO. */
static void say_hello(struct sequence *sequence, struct sequence_time now)
{
    sequence_lead(sequence, now);
    deliver(sequence, propose_hello(sequence, NODE, 0xabc, now));
}

/* Proposes one batch with one order; returns its length. */
static size_t propose_order(struct sequence *sequence, struct sequence_time now)
{
    size_t byte_count;
    assert_int_equal(sequence_turn(sequence, now, space, &byte_count), SEQUENCE_ARRIVED);
    assert_int_equal(add(sequence, T_CANCEL_ALL, 0), SEQUENCE_TAKEN);
    return sequence_close(sequence);
}

/* A run of NODE's commands of this epoch, `first` to `last`; returns its length. */
static size_t run_make(uint8_t *run, uint64_t epoch, uint64_t first, uint64_t last)
{
    size_t used = 0;
    for (uint64_t number = first; number <= last; number++)
        used += command_numbered(run + used, T_ORDER_CANCEL, NODE, epoch, number);
    return used;
}

static void open_batch(struct sequence *sequence, struct sequence_time now)
{
    size_t byte_count;
    assert_int_equal(sequence_turn(sequence, now, space, &byte_count), SEQUENCE_ARRIVED);
}

static uint64_t expected_of(const struct sequence *sequence, uint32_t node)
{
    uint64_t epoch, expected;
    sequence_expected(sequence, node, &epoch, &expected);
    return expected;
}

/* A HELLO opens its node's epoch when it is delivered, named by its command number; before, and for nodes
 * that have said none, no command is taken. */
TEST(sequence, hello_opens_the_epoch_when_it_is_delivered)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t byte_count, taken;
    assert_int_equal(sequence_turn(&sequence, at(0), space, &byte_count), SEQUENCE_WAIT);
    sequence_lead(&sequence, at(0));
    deliver(&sequence, propose_hello(&sequence, OTHER, 1, at(0)));
    const size_t hello = propose_hello(&sequence, NODE, 1, at(0));
    struct batch_header header;
    assert_int_equal(only(hello, &header).header.origin, 0);
    assert_null(sequence_find(&sequence, NODE));
    deliver(&sequence, hello);
    assert_int_equal(sequence_find(&sequence, OTHER)->epoch, 1);
    assert_int_equal(sequence_find(&sequence, NODE)->epoch, 2);
    assert_int_equal(expected_of(&sequence, NODE), 1);
    assert_true(sequence_find(&sequence, NODE)->tell);

    open_batch(&sequence, at(1));
    byte_count = run_make(run, 1, 1, 1);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    byte_count = run_make(run, 2, 1, 1);
    assert_int_equal(sequence_add_run(&sequence, 8, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(sequence_add_run(&sequence, OTHER, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    assert_int_equal(taken, byte_count);
}

/* The nonce tells a HELLO sent again from that of another process: while its epoch is open the leader does
 * not take it, and when the log has it nevertheless the epoch goes on where it was. */
TEST(sequence, a_hello_said_twice_is_nothing)
{
    struct sequence sequence = some_sequence();
    uint8_t hello[COMMAND_BYTES_MAX];
    sequence_lead(&sequence, at(0));
    const size_t twice = propose_hello(&sequence, NODE, 5, at(0));
    deliver(&sequence, propose_hello(&sequence, NODE, 5, at(0)));
    deliver(&sequence, propose_order(&sequence, at(1)));
    const size_t byte_count = command_hello(hello, NODE, 5);
    open_batch(&sequence, at(1));
    assert_int_equal(sequence_add(&sequence, hello, byte_count), SEQUENCE_REFUSED);
    sequence_close(&sequence);

    struct sequence *const follower = &sequence;
    sequence_lose(follower);
    static uint8_t again[512];
    batch_header_put(again, &(struct batch_header){1, at(2).clock_ns});
    memcpy(again + BATCH_HEADER_BYTES, hello, byte_count);
    assert_int_equal(twice, BATCH_HEADER_BYTES + byte_count);
    assert_true(sequence_delivered(follower, again, twice));
    assert_int_equal(sequence_find(follower, NODE)->epoch, 1);
    assert_int_equal(sequence_find(follower, NODE)->last, 1);

    command_hello(again + BATCH_HEADER_BYTES, NODE, 6);
    assert_true(sequence_delivered(follower, again, twice));
    assert_int_equal(sequence_find(follower, NODE)->epoch, 4);
    assert_int_equal(sequence_find(follower, NODE)->last, 0);
}

/* What the log has, or will have, of a run is passed over; the rest is taken if it follows. */
TEST(sequence, a_run_sent_again_is_taken_from_where_the_log_stands)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t taken, byte_count;
    struct batch_header header;
    say_hello(&sequence, at(0));
    open_batch(&sequence, at(1));
    byte_count = run_make(run, 1, 1, 4);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    deliver(&sequence, sequence_close(&sequence));
    open_batch(&sequence, at(1));
    byte_count = run_make(run, 1, 5, 6);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);

    /* 1 to 4 are delivered, 5 and 6 in the open batch. */
    byte_count = run_make(run, 1, 3, 8);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    assert_int_equal(taken, byte_count);
    byte_count = run_make(run, 1, 2, 5);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    assert_int_equal(taken, byte_count);
    assert_int_equal(expected_of(&sequence, NODE), 9);
    byte_count = sequence_close(&sequence);
    assert_true(batch_check(space, byte_count, &header));
    assert_int_equal(header.command_count, 4);
    deliver(&sequence, byte_count);
    assert_int_equal(sequence_find(&sequence, NODE)->last, 8);
}

/* A gap is refused, and its origin is to be told, once for as many runs as came. */
TEST(sequence, a_run_behind_a_gap_is_refused_and_its_origin_told)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t taken, byte_count;
    say_hello(&sequence, at(0));
    sequence.origins[0].tell = false;
    open_batch(&sequence, at(1));
    byte_count = run_make(run, 1, 2, 3);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(taken, 0);
    assert_true(sequence.origins[0].tell);
    assert_int_equal(expected_of(&sequence, NODE), 1);

    /* A gap within a run, and a step back: what is before it counts. */
    sequence.origins[0].tell = false;
    byte_count = run_make(run, 1, 1, 2);
    const size_t good = byte_count;
    byte_count += run_make(run + byte_count, 1, 4, 5);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(taken, good);
    assert_true(sequence.origins[0].tell);
    byte_count = run_make(run, 1, 3, 4);
    byte_count += run_make(run + byte_count, 1, 4, 5);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(expected_of(&sequence, NODE), 5);
    sequence_dropped(&sequence, OTHER); /* nobody we know */

    /* One by one, the same again is no use to anybody. */
    uint8_t command[COMMAND_BYTES_MAX];
    byte_count = command_numbered(command, T_CANCEL_ALL, NODE, 1, 4);
    assert_int_equal(sequence_add(&sequence, command, byte_count), SEQUENCE_REFUSED);
    byte_count = command_numbered(command, T_CANCEL_ALL, NODE, 1, 5);
    assert_int_equal(sequence_add(&sequence, command, byte_count), SEQUENCE_TAKEN);
}

/* What does not belong into a stream is not taken from one, nor anything behind it: another node's command,
 * a SEAL, a vote, bytes that are none. */
TEST(sequence, what_is_not_its_nodes_is_refused)
{
    static uint8_t run[4096];
    static const uint16_t bare[] = {T_SEAL,        T_VOTE, T_CHECKPOINT_VOTE, T_LIABILITIES_VOTE,
                                    T_ORIGIN_LOST, T_HELLO};
    struct sequence sequence = some_sequence();
    size_t taken;
    say_hello(&sequence, at(0));
    deliver(&sequence, propose_hello(&sequence, OTHER, 1, at(0)));
    sequence.origins[0].tell = false;
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        open_batch(&sequence, at(1));
        const uint64_t first = expected_of(&sequence, NODE);
        size_t good = run_make(run, 1, first, first), byte_count = good;
        byte_count += command_numbered(run + byte_count, bare[i], NODE, 1, first + 1);
        assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken),
                         SEQUENCE_REFUSED);
        assert_int_equal(taken, good);
        assert_int_equal(sequence_add_run(&sequence, NODE, run + good, byte_count - good, &taken),
                         SEQUENCE_REFUSED);
        assert_int_equal(sequence_add(&sequence, run + good, byte_count - good), SEQUENCE_REFUSED);
        deliver(&sequence, sequence_close(&sequence));
    }
    open_batch(&sequence, at(1));
    const uint64_t first = expected_of(&sequence, NODE);
    size_t byte_count = run_make(run, 1, first, first + 1);
    assert_int_equal(sequence_add_run(&sequence, OTHER, run, byte_count, &taken), SEQUENCE_REFUSED);
    const size_t whole = byte_count / 2;
    uint8_t forged[COMMAND_BYTES_MAX]; /* all that OTHER's next one has, but its node */
    const size_t forged_bytes = command_numbered(forged, T_CANCEL_ALL, NODE, 2, 1);
    assert_int_equal(sequence_add_run(&sequence, OTHER, forged, forged_bytes, &taken),
                     SEQUENCE_REFUSED);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count - 1, &taken),
                     SEQUENCE_REFUSED);
    assert_int_equal(taken, whole);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, 47, &taken), SEQUENCE_REFUSED);
    assert_false(sequence.origins[0].tell); /* it would say the same again */

    /* A HELLO in another's name, with an origin, or with a deadline, and a vote with an origin. */
    byte_count = command_hello(run, OTHER, 2);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    le_put_u64(run + 32, 1);
    assert_int_equal(sequence_add(&sequence, run, byte_count), SEQUENCE_REFUSED);
    byte_count = command_hello(run, 0, 2);
    assert_int_equal(sequence_add(&sequence, run, byte_count), SEQUENCE_REFUSED);
    byte_count = command_make(run, T_VOTE, 0, 0);
    le_put_u32(run + 8, NODE);
    assert_int_equal(sequence_add(&sequence, run, byte_count), SEQUENCE_REFUSED);
    byte_count = command_make(run, T_SEAL, 0, 0);
    assert_int_equal(sequence_add(&sequence, run, byte_count), SEQUENCE_REFUSED);
    byte_count = command_make(run, T_ORIGIN_LOST, 0, 0);
    assert_int_equal(sequence_add(&sequence, run, byte_count), SEQUENCE_REFUSED);
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
    sequence_lead(&sequence, at(0));
    struct batch_header header;
    only(propose_hello(&sequence, NODE, 1, at(0)), &header);
    assert_int_equal(header.stamp_ns, at(0).clock_ns);

    sequence = some_sequence();
    sequence_lead(&sequence, at(0));
    const struct sequence_time before = {.clock_ns = 3, .monotonic_ns = 3};
    only(propose_hello(&sequence, NODE, 1, before), &header);
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
    sequence_lead(&sequence, now);
    int empty = 0;
    while (sequence_turn(&sequence, now, space, &byte_count) == SEQUENCE_OWN) {
        assert_true(batch_check(space, byte_count, &header));
        assert_int_equal(header.command_count, 0);
        assert_int_equal(header.stamp_ns, last + 10 * SECOND);
        last = header.stamp_ns;
        empty++;
    }
    assert_int_equal(empty, 359); /* the rest, a step exactly, is the order's */
    for (int i = 0; i < empty; i++)
        deliver(&sequence, BATCH_HEADER_BYTES);
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
    sequence_lead(&new_one, at(800 * MS));
    struct batch_header header;
    only(propose_hello(&new_one, OTHER, 2, at(800 * MS)), &header);
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
    assert_int_equal(add(&sequence, T_VOTE, 0), SEQUENCE_TAKEN);
    deliver(&sequence, sequence_close(&sequence));
    assert_int_equal(sequence_due(&sequence), at(1000 * MS).monotonic_ns);
    deliver(&sequence, propose_order(&sequence, at(2)));
    assert_int_equal(sequence_due(&sequence), at(100 * MS).monotonic_ns);
}

/* A HELLO that closes an open epoch is something: it ends the orders of that epoch's sessions. */
TEST(sequence, a_hello_that_closes_an_epoch_hurries_a_seal)
{
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    assert_int_equal(sequence_due(&sequence), at(1000 * MS).monotonic_ns);
    deliver(&sequence, propose_hello(&sequence, NODE, 0x77, at(1)));
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
    while (add(&sequence, T_ORDER_PLACE, COMMAND_AUTH_MAX) == SEQUENCE_TAKEN)
        count++;
    while (add(&sequence, T_CANCEL_ALL, 0) == SEQUENCE_TAKEN)
        count++;
    assert_int_equal(add(&sequence, T_CANCEL_ALL, 0), SEQUENCE_FULL);
    assert_int_equal(add(&sequence, T_VOTE, 0), SEQUENCE_FULL);
    byte_count = sequence_close(&sequence);
    struct batch_header header;
    assert_true(byte_count <= BATCH_BYTES_MAX && byte_count > BATCH_BYTES_MAX - 64);
    assert_true(batch_check(space, byte_count, &header));
    assert_int_equal(header.command_count, count);
    assert_int_equal(sequence_find(&sequence, NODE)->expected, count + 1);
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

/* A run larger than what is left of a batch: whole commands up to its end, the others for the next one. */
TEST(sequence, a_run_goes_on_in_the_next_batch)
{
    static uint8_t run[2 * BATCH_BYTES_MAX];
    struct sequence sequence = some_sequence();
    struct batch_header header;
    size_t taken, used = 0, batches = 0;
    uint64_t commands = 0;
    say_hello(&sequence, at(0));
    const size_t byte_count = run_make(run, 1, 1, 3000);
    assert_true(byte_count > BATCH_BYTES_MAX && byte_count < sizeof(run));
    enum sequence_taken result = SEQUENCE_FULL;
    for (; result == SEQUENCE_FULL; batches++) {
        open_batch(&sequence, at(1));
        result = sequence_add_run(&sequence, NODE, run + used, byte_count - used, &taken);
        used += taken;
        const size_t length = sequence_close(&sequence);
        assert_true(length <= BATCH_BYTES_MAX && batch_check(space, length, &header));
        commands += header.command_count;
        deliver(&sequence, length);
    }
    assert_int_equal(result, SEQUENCE_TAKEN);
    assert_int_equal(used, byte_count);
    assert_int_equal(batches, 2);
    assert_int_equal(commands, 3000);
    assert_int_equal(sequence_find(&sequence, NODE)->last, 3000);
}

/* A new leader knows nothing of what an old one had proposed and the log has not: it expects what follows
 * the last one delivered, and says so to everybody. */
TEST(sequence, a_new_leader_expects_what_follows_the_delivered)
{
    static uint8_t run[4096], kept[4096];
    struct sequence old = some_sequence(), new_one = some_sequence();
    size_t taken, byte_count;
    sequence_lead(&old, at(0));
    byte_count = propose_hello(&old, NODE, 1, at(0));
    deliver(&old, byte_count);
    deliver(&new_one, byte_count);
    open_batch(&old, at(1));
    byte_count = run_make(run, 1, 1, 3);
    assert_int_equal(sequence_add_run(&old, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    const size_t delivered = sequence_close(&old);
    memcpy(kept, space, delivered);
    open_batch(&old, at(1));
    byte_count = run_make(run, 1, 4, 6);
    assert_int_equal(sequence_add_run(&old, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
    sequence_close(&old); /* and lost */

    assert_true(sequence_delivered(&new_one, kept, delivered));
    sequence_lead(&new_one, at(2));
    assert_true(new_one.origins[0].tell);
    assert_int_equal(expected_of(&new_one, NODE), 4);
    sequence_lose(&old);
    assert_true(sequence_delivered(&old, kept, delivered));
    sequence_lead(&old, at(3));
    assert_int_equal(expected_of(&old, NODE), 4);
}

/* ORIGIN_LOST is proposed once for an open epoch, and closes that one: from then on, on every node, nothing
 * of it is expected, and how far it came is known to whoever had sent something. */
TEST(sequence, a_lost_origin_has_no_epoch)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t taken, byte_count;
    struct batch_header header;
    say_hello(&sequence, at(0));
    deliver(&sequence, propose_order(&sequence, at(1)));
    open_batch(&sequence, at(1));
    assert_int_equal(sequence_lost(&sequence, OTHER), SEQUENCE_REFUSED);
    assert_int_equal(sequence_lost(&sequence, NODE), SEQUENCE_TAKEN);
    assert_int_equal(sequence_lost(&sequence, NODE), SEQUENCE_REFUSED);
    sequence.origins[0].tell = false;
    byte_count = run_make(run, 1, 2, 3);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_false(sequence.origins[0].tell); /* it is when it is lost */
    byte_count = sequence_close(&sequence);
    const struct command command = only(byte_count, &header);
    struct origin_lost_command lost;
    assert_int_equal(command.header.type, T_ORIGIN_LOST);
    origin_lost_command_get(command.payload, &lost);
    assert_int_equal(lost.node, NODE);
    assert_int_equal(lost.epoch, 1);
    deliver(&sequence, byte_count);

    const struct sequence_origin *origin = sequence_find(&sequence, NODE);
    uint64_t epoch, expected;
    sequence_expected(&sequence, NODE, &epoch, &expected);
    assert_int_equal(epoch, 0);
    assert_int_equal(expected, 0);
    assert_true(origin->tell);
    assert_int_equal(origin->closed_epoch, 1);
    assert_int_equal(origin->closed_last, 1);
    open_batch(&sequence, at(2));
    byte_count = run_make(run, 1, 2, 3);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(sequence_lost(&sequence, NODE), SEQUENCE_REFUSED);
    sequence_close(&sequence);

    /* The very HELLO again opens the next. */
    deliver(&sequence, propose_hello(&sequence, NODE, 0xabc, at(2)));
    assert_int_equal(sequence_find(&sequence, NODE)->epoch, 4);
    assert_int_equal(sequence_find(&sequence, NODE)->closed_epoch, 1);

    /* Lost to another process's HELLO on the way, it is nothing. */
    open_batch(&sequence, at(2));
    assert_int_equal(sequence_lost(&sequence, NODE), SEQUENCE_TAKEN);
    static uint8_t kept[512];
    const size_t late = sequence_close(&sequence);
    memcpy(kept, space, late);
    sequence_lose(&sequence);
    uint8_t hello[COMMAND_BYTES_MAX];
    byte_count = command_hello(hello, NODE, 7);
    batch_header_put(space, &(struct batch_header){1, at(3).clock_ns});
    memcpy(space + BATCH_HEADER_BYTES, hello, byte_count);
    deliver(&sequence, BATCH_HEADER_BYTES + byte_count);
    assert_true(sequence_delivered(&sequence, kept, late));
    assert_int_equal(sequence_find(&sequence, NODE)->epoch, 5);
}

/* A node's own command that the engine finds to be nothing, being of another group, too late, or not the
 * next of its origin, is nothing here as well. */
TEST(sequence, what_the_engine_ignores_is_ignored)
{
    struct sequence sequence = some_sequence();
    uint8_t *const command = space + BATCH_HEADER_BYTES;
    const size_t byte_count = BATCH_HEADER_BYTES + command_hello(command, NODE, 5);
    batch_header_put(space, &(struct batch_header){1, 1000});
    le_put_u16(command + 6, 1);
    deliver(&sequence, byte_count);
    le_put_u16(command + 6, 0);
    le_put_u64(command + 32, 999);
    deliver(&sequence, byte_count);
    le_put_u64(command + 32, 0);
    le_put_u32(command + 8, OTHER);
    deliver(&sequence, byte_count);
    assert_null(sequence_find(&sequence, NODE));
    le_put_u32(command + 8, 0);
    le_put_u64(command + 32, 1000);
    deliver(&sequence, byte_count);
    assert_int_equal(sequence_find(&sequence, NODE)->epoch, 4);
}

/* Nobody's commands when too much is not certified; votes, SEALs and HELLOs go on, and afterwards every
 * origin is told where it may go on. */
TEST(sequence, admits_only_votes_seals_and_hellos_when_told_to)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t taken, byte_count;
    say_hello(&sequence, at(0));
    sequence.origins[0].tell = false;
    sequence_admit(&sequence, false);
    open_batch(&sequence, at(1));
    byte_count = run_make(run, 1, 1, 2);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_REFUSED);
    assert_int_equal(add(&sequence, T_CANCEL_ALL, 0), SEQUENCE_REFUSED);
    assert_int_equal(sequence_lost(&sequence, NODE), SEQUENCE_REFUSED);
    assert_int_equal(add(&sequence, T_VOTE, 0), SEQUENCE_TAKEN);
    assert_int_equal(add(&sequence, T_CHECKPOINT_VOTE, 0), SEQUENCE_TAKEN);
    assert_int_equal(add(&sequence, T_LIABILITIES_VOTE, 0), SEQUENCE_TAKEN);
    assert_false(sequence.origins[0].tell);
    deliver(&sequence, sequence_close(&sequence));
    deliver(&sequence, propose_hello(&sequence, OTHER, 3, at(1)));
    assert_int_equal(sequence_find(&sequence, OTHER)->epoch, 5);
    assert_int_equal(sequence_turn(&sequence, at(SECOND), space, &byte_count), SEQUENCE_OWN);
    deliver(&sequence, byte_count);

    sequence_admit(&sequence, true);
    assert_true(sequence.origins[0].tell);
    open_batch(&sequence, at(SECOND));
    byte_count = run_make(run, 1, 1, 2);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, byte_count, &taken), SEQUENCE_TAKEN);
}

/* A sequence that begins at a base goes on as one that has followed the whole log: what is in flight is not
 * in it, nor stamps that were only proposed. */
TEST(sequence, goes_on_from_its_base)
{
    static uint8_t kept[512];
    struct sequence sequence = some_sequence(), restored;
    struct sequence_base base, again;
    size_t byte_count;
    sequence_lead(&sequence, at(0));
    deliver(&sequence, propose_hello(&sequence, OTHER, 1, at(0)));
    deliver(&sequence, propose_hello(&sequence, NODE, 2, at(0)));
    deliver(&sequence, propose_order(&sequence, at(1)));
    assert_int_equal(sequence_turn(&sequence, at(SECOND), space, &byte_count), SEQUENCE_OWN);
    const uint64_t stamp_ns = at(SECOND).clock_ns;
    deliver(&sequence, byte_count);
    byte_count = propose_order(&sequence, at(2 * SECOND - 1));
    memcpy(kept, space, byte_count);

    sequence_base_of(&sequence, &base);
    assert_int_equal(base.stamp_ns, stamp_ns);
    assert_int_equal(base.command_count, 4);
    assert_int_equal(base.sealed_height, 1);
    assert_int_equal(base.origin_count, 2);
    assert_int_equal(base.origins[0].node, NODE); /* by node, not as they came */
    assert_int_equal(base.origins[0].last, 1);
    assert_int_equal(base.origins[0].expected, 2);
    sequence_init(&restored, some_genesis(), &base);
    assert_int_equal(expected_of(&restored, NODE), 2);
    assert_true(sequence_delivered(&restored, kept, byte_count));
    assert_true(sequence_delivered(&sequence, kept, byte_count));
    sequence_base_of(&sequence, &base);
    sequence_base_of(&restored, &again);
    assert_memory_equal(&base, &again, sizeof(base));
    sequence_lead(&restored, at(3 * SECOND));
    struct batch_header header;
    only(propose_order(&restored, at(0)), &header);
    assert_int_equal(header.stamp_ns, at(2 * SECOND - 1).clock_ns);
}

/* Who is no member is forgotten; with every place in use the oldest HELLO gives way. */
TEST(sequence, places_are_used_again)
{
    struct sequence sequence = some_sequence();
    sequence_lead(&sequence, at(0));
    for (uint32_t node = 1; node <= SEQUENCE_ORIGINS_MAX; node++)
        deliver(&sequence, propose_hello(&sequence, node, node, at(0)));
    assert_int_equal(sequence.origin_count, SEQUENCE_ORIGINS_MAX);
    sequence_forget(&sequence, 3);
    sequence_forget(&sequence, 3);
    assert_null(sequence_find(&sequence, 3));
    assert_int_equal(sequence.origin_count, SEQUENCE_ORIGINS_MAX - 1);
    deliver(&sequence, propose_hello(&sequence, 1000, 1, at(0)));
    assert_non_null(sequence_find(&sequence, 1));
    deliver(&sequence, propose_hello(&sequence, 1001, 1, at(0)));
    assert_null(sequence_find(&sequence, 1));
    assert_non_null(sequence_find(&sequence, 2));
    assert_int_equal(sequence_find(&sequence, 1001)->epoch, SEQUENCE_ORIGINS_MAX + 2);
    assert_true(sequence_check(&sequence));
}

/* A change of the epoch passes when nothing else does, is nobody's, and never comes in a stream, where nobody would
 * have judged its statements. */
TEST(sequence, a_change_of_the_epoch_is_nobodys)
{
    static uint8_t run[4096];
    struct sequence sequence = some_sequence();
    size_t byte_count, taken;
    say_hello(&sequence, at(0));
    sequence_admit(&sequence, false);
    struct command_header header = {.length = COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES + 8,
                                    .type = T_EPOCH_CHANGE,
                                    .auth_kind = AUTH_STATEMENTS,
                                    .auth_length = 8};
    memset(run, 0, sizeof(run));
    command_header_put(run, &header);
    open_batch(&sequence, at(1));
    assert_int_equal(sequence_add(&sequence, run, header.length), SEQUENCE_TAKEN);
    byte_count = sequence_close(&sequence);
    deliver(&sequence, byte_count);
    sequence_admit(&sequence, true);

    header.origin = NODE;
    header.origin_epoch = sequence_find(&sequence, NODE)->epoch;
    header.origin_sequence = 1;
    command_header_put(run, &header);
    open_batch(&sequence, at(2));
    assert_int_equal(sequence_add(&sequence, run, header.length), SEQUENCE_REFUSED);
    assert_int_equal(sequence_add_run(&sequence, NODE, run, header.length, &taken),
                     SEQUENCE_REFUSED);
    assert_int_equal(taken, 0);
    assert_int_equal(expected_of(&sequence, NODE), 1);
}

/* A vote or a HELLO that somebody else is said to vouch for would stop every node that settles it. */
TEST(sequence, what_is_nobodys_has_no_authentication)
{
    static const uint16_t bare[] = {T_VOTE, T_CHECKPOINT_VOTE, T_LIABILITIES_VOTE, T_HELLO};
    static const uint16_t kinds[] = {AUTH_HMAC, AUTH_ED25519, AUTH_OPERATOR, AUTH_STATEMENTS};
    uint8_t bytes[COMMAND_BYTES_MAX];
    size_t taken;
    struct sequence sequence = some_sequence();
    say_hello(&sequence, at(0));
    open_batch(&sequence, at(1));
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
        for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++)
            for (uint16_t auth_bytes = 0; auth_bytes <= 32; auth_bytes += 32) {
                const size_t byte_count = command_make(bytes, bare[i], auth_bytes, 0);
                if (bare[i] == T_HELLO) le_put_u32(bytes + COMMAND_HEADER_BYTES + 8, NODE);
                le_put_u16(bytes + 12, kinds[j]);
                assert_int_equal(sequence_add(&sequence, bytes, byte_count), SEQUENCE_REFUSED);
                assert_int_equal(sequence_add_run(&sequence, NODE, bytes, byte_count, &taken),
                                 SEQUENCE_REFUSED);
            }
    assert_int_equal(sequence_close(&sequence), 0);
}
