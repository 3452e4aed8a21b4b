#include "common/ring.h"

#include "tests/harness.h"

#define CAPACITY 4096

static struct ring *new_ring(void)
{
    static _Alignas(64) uint8_t memory[CAPACITY + 1024];
    assert_true(ring_bytes(CAPACITY) <= sizeof(memory));
    memset(memory, 0xee, sizeof(memory)); /* ring_new owes nothing to what was there */
    return ring_new(memory, CAPACITY);
}

/* Puts a record whose bytes all are `mark`; false when the ring is full. */
static bool put(struct ring *ring, size_t byte_count, uint8_t mark)
{
    uint8_t *bytes = ring_reserve(ring, byte_count);
    if (bytes == NULL) return false;
    assert_int_equal((uintptr_t)bytes & 7, 0);
    memset(bytes, mark, byte_count);
    ring_commit(ring, byte_count);
    return true;
}

static void publish(struct ring *ring)
{
    assert_false(ring_publish(ring)); /* nobody sleeps in these tests unless it says so */
    assert_true(ring_check(ring));
}

/* Takes a record and expects its size and mark. */
static void take(struct ring *ring, size_t byte_count, uint8_t mark)
{
    size_t got = 0;
    const uint8_t *bytes = ring_peek(ring, &got);
    assert_non_null(bytes);
    assert_int_equal(got, byte_count);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], mark);
    ring_pop(ring);
}

TEST(ring, records_come_out_in_order_and_whole)
{
    struct ring *ring = new_ring();
    size_t got;
    assert_null(ring_peek(ring, &got));
    assert_true(put(ring, 1, 1));
    assert_true(put(ring, 100, 2));
    assert_true(put(ring, ring_record_max(ring), 3));
    publish(ring);
    take(ring, 1, 1);
    take(ring, 100, 2);
    take(ring, ring_record_max(ring), 3);
    assert_null(ring_peek(ring, &got));
}

TEST(ring, nothing_is_seen_before_publish)
{
    struct ring *ring = new_ring();
    size_t got;
    assert_true(put(ring, 8, 1));
    assert_null(ring_peek(ring, &got));
    publish(ring);
    assert_true(put(ring, 8, 2));
    take(ring, 8, 1);
    assert_null(ring_peek(ring, &got));
}

TEST(ring, a_peek_repeats_until_the_pop)
{
    struct ring *ring = new_ring();
    size_t got;
    assert_true(put(ring, 8, 1));
    publish(ring);
    const uint8_t *first = ring_peek(ring, &got);
    assert_ptr_equal(ring_peek(ring, &got), first);
    ring_pop(ring);
    assert_null(ring_peek(ring, &got));
}

TEST(ring, a_commit_may_be_shorter_than_its_reserve)
{
    struct ring *ring = new_ring();
    uint8_t *bytes = ring_reserve(ring, 1000);
    memset(bytes, 7, 10);
    ring_commit(ring, 10);
    assert_true(put(ring, 5, 8));
    publish(ring);
    take(ring, 10, 7);
    take(ring, 5, 8);
}

TEST(ring, a_second_reserve_replaces_the_first)
{
    struct ring *ring = new_ring();
    uint8_t *first = ring_reserve(ring, 1000);
    uint8_t *second = ring_reserve(ring, 10);
    assert_ptr_equal(first, second);
    memset(second, 9, 10);
    ring_commit(ring, 10);
    publish(ring);
    take(ring, 10, 9);
}

/* 8 bytes of prefix and 56 of payload: exactly 64 records fill 4,096 bytes. */
TEST(ring, full_is_an_answer_at_exactly_its_capacity)
{
    struct ring *ring = new_ring();
    for (int i = 0; i < CAPACITY / 64; i++)
        assert_true(put(ring, 56, (uint8_t)i));
    assert_false(put(ring, 1, 0));
    publish(ring);
    assert_int_equal(ring_used(ring), CAPACITY);
    take(ring, 56, 0);
    assert_false(put(ring, 1, 0)); /* popped is not released */
    ring_release(ring);
    assert_int_equal(ring_used(ring), CAPACITY - 64);
    assert_true(put(ring, 56, 64));
    assert_false(put(ring, 1, 0));
    publish(ring);
    for (int i = 1; i <= CAPACITY / 64; i++)
        take(ring, 56, (uint8_t)i);
    ring_release(ring);
    assert_int_equal(ring_used(ring), 0);
}

/* Whoever looks ahead sees the records that he will peek, in their order and up to what is published, around every wrap. */
TEST(ring, looking_ahead_shows_what_will_be_peeked)
{
    struct ring *ring = new_ring();
    uint32_t put_count = 0, taken = 0;
    while (taken < 20000) {
        while (put(ring, 1 + put_count * 37 % 1000, (uint8_t)put_count))
            put_count++;
        const uint32_t published = put_count;
        publish(ring);
        if (put(ring, 9, (uint8_t)put_count)) put_count++; /* committed, not published */
        while (taken < published) {
            size_t byte_count;
            const uint8_t *at = ring_peek(ring, &byte_count);
            uint32_t seen = taken;
            for (; at != NULL; at = ring_peek_after(ring, at, &byte_count), seen++) {
                assert_int_equal(byte_count, 1 + seen * 37 % 1000);
                assert_int_equal(at[0], (uint8_t)seen);
                assert_int_equal(at[byte_count - 1], (uint8_t)seen);
            }
            assert_int_equal(seen, published);
            take(ring, 1 + taken * 37 % 1000, (uint8_t)taken);
            taken++;
        }
        ring_release(ring);
        publish(ring);
        if (taken < put_count) {
            take(ring, 9, (uint8_t)taken);
            taken++;
        }
        ring_release(ring);
    }
}

/* Sizes that do not divide the lap, through many laps: each record stays contiguous. */
TEST(ring, records_survive_every_wrap)
{
    struct ring *ring = new_ring();
    uint32_t put_count = 0, taken = 0;
    while (taken < 20000) {
        while (put(ring, 1 + put_count * 37 % ring_record_max(ring), (uint8_t)put_count))
            put_count++;
        publish(ring);
        assert_true(put_count > taken);
        for (; taken < put_count; taken++)
            take(ring, 1 + taken * 37 % ring_record_max(ring), (uint8_t)taken);
        ring_release(ring);
        assert_int_equal(ring_used(ring), 0);
    }
}

/* An empty ring takes its largest record wherever the last one ended. */
TEST(ring, the_largest_record_fits_an_empty_ring_at_every_place)
{
    struct ring *ring = new_ring();
    for (int i = 0; i < 3 * CAPACITY / 16; i++) {
        assert_true(put(ring, 8, 1));
        publish(ring);
        take(ring, 8, 1);
        ring_release(ring);
        assert_true(put(ring, ring_record_max(ring), 2));
        publish(ring);
        take(ring, ring_record_max(ring), 2);
        ring_release(ring);
    }
}

TEST(ring, a_sleeper_is_woken_once)
{
    struct ring *ring = new_ring();
    assert_true(ring_sleepy(ring));
    assert_false(ring_publish(ring)); /* nothing new: nobody to wake */
    assert_true(put(ring, 8, 1));
    assert_true(ring_publish(ring));
    assert_true(put(ring, 8, 2));
    assert_false(ring_publish(ring)); /* the first publish has claimed the wake */
    assert_false(ring_sleepy(ring));  /* there are records: do not sleep */
    take(ring, 8, 1);
    take(ring, 8, 2);
    ring_release(ring);
    assert_true(ring_sleepy(ring));
    ring_awake(ring);
    assert_true(put(ring, 8, 3));
    assert_false(ring_publish(ring));
}
