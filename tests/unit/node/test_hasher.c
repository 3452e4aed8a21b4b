#include "node/hasher.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define BODY_BYTES (8u << 20)
#define RECORDS    20000
#define PARTS      500

static uint8_t body[BODY_BYTES];
static size_t ends[RECORDS + 1]; /* of record i, from 1 */

/* Records of fills and balances, no two alike, as a body has them. */
static void make_body(void)
{
    uint8_t events[2048];
    size_t at = 0;
    for (uint64_t number = 1; number <= RECORDS; number++) {
        struct event_writer writer = {.at = events, .end = events + sizeof(events)};
        for (uint64_t i = 0; i < number % 4; i++) {
            const struct fill_event fill = {.trade_id = number, .price = {7}, .qty = {(int64_t)i}};
            event_write_fill(&writer, &fill);
        }
        const struct applied record = {.number = number,
                                       .command_length = (uint32_t)(number % 200),
                                       .events_length = (uint32_t)(writer.at - events),
                                       .event_count = writer.count,
                                       .flags = APPLIED_FIRST | APPLIED_LAST};
        applied_header_put(body + at, &record);
        at += APPLIED_HEADER_BYTES;
        memset(body + at, (int)number, record.command_length);
        at += record.command_length;
        memcpy(body + at, events, record.events_length);
        at += record.events_length;
        ends[number] = at;
        assert_true(at + 4096 < sizeof(body));
    }
}

static struct block_header header_of(const struct seal *seal)
{
    const struct seal_facts facts = {.height = 1};
    struct block_header header;
    seal_step(seal, &facts, &header);
    return header;
}

/* Blocks of these records, given one by one, have the headers that they have without the hasher; the body moves when it
 * has to, as the anchor's does. */
static void assert_hashes(enum hasher_kind kind, uint64_t block_records)
{
    struct hasher *hasher;
    static uint8_t copies[2][BODY_BYTES];
    assert_int_equal(hasher_open(kind, &hasher), STATUS_OK);
    for (uint64_t first = 1; first + block_records <= RECORDS; first += block_records) {
        struct seal seal, expected;
        const size_t begin = ends[first - 1];
        const uint64_t last = first + block_records - 1;
        const uint8_t *now = copies[0];
        seal_begin(&expected, first);
        seal_records(&expected, body + begin, ends[last] - begin);
        seal_begin(&seal, first);
        for (uint64_t number = first; number <= last; number++) {
            if (number == first + block_records / 2) {
                hasher_pause(hasher);
                memcpy(copies[1], copies[0], ends[number - 1] - begin);
                memset(copies[0], 0, ends[number - 1] - begin);
                now = copies[1];
            }
            memcpy((uint8_t *)(uintptr_t)now + ends[number - 1] - begin, body + ends[number - 1],
                   ends[number] - ends[number - 1]);
            hasher_give(hasher, &seal, now, ends[number] - begin);
        }
        hasher_finish(hasher);
        const struct block_header found = header_of(&seal), wanted = header_of(&expected);
        assert_null(block_header_difference(&found, &wanted));
        assert_int_equal(seal.last_command, last);
    }
    hasher_close(hasher);
}

/* Large blocks go to the thread in many pieces, small ones never. */
TEST(hasher, gives_the_headers_that_come_without_it)
{
    make_body();
    const enum hasher_kind kinds[] = {HASHER_ALONE, HASHER_BESIDE, HASHER_FORCED};
    for (size_t i = 0; i < 3; i++) {
        assert_hashes(kinds[i], 1);
        assert_hashes(kinds[i], 30);
        assert_hashes(kinds[i], 9000);
    }
}

struct parts {
    uint32_t done[PARTS];
    _Atomic uint32_t running;
    pthread_t threads[PARTS];
};

static void do_part(void *work, uint32_t index)
{
    struct parts *parts = work;
    atomic_fetch_add(&parts->running, 1);
    parts->done[index]++;
    parts->threads[index] = pthread_self();
}

/* However often and however many: each part is done once, and is done when the call returns. */
TEST(hasher, does_each_part_once)
{
    static struct parts parts;
    struct hasher *hasher;
    assert_int_equal(hasher_open(HASHER_FORCED, &hasher), STATUS_OK);
    const struct sharing *sharing = hasher_sharing(hasher);
    assert_non_null(sharing);
    for (uint32_t round = 0; round < 3000; round++) {
        const uint32_t count = round % PARTS;
        memset(&parts, 0, sizeof(parts));
        sharing_run(sharing, do_part, &parts, count);
        assert_int_equal(atomic_load(&parts.running), count);
        for (uint32_t i = 0; i < PARTS; i++)
            assert_int_equal(parts.done[i], i < count ? 1 : 0);
    }
    hasher_close(hasher);
}

static void wait_for_the_other(void *work, uint32_t index)
{
    struct parts *parts = work;
    atomic_fetch_add(&parts->running, 1);
    parts->threads[index] = pthread_self();
    while (atomic_load(&parts->running) < 2)
        sched_yield();
}

/* Two parts that wait for one another: they are on two threads. */
TEST(hasher, works_beside_its_caller)
{
    static struct parts parts;
    struct hasher *hasher;
    assert_int_equal(hasher_open(HASHER_FORCED, &hasher), STATUS_OK);
    sharing_run(hasher_sharing(hasher), wait_for_the_other, &parts, 2);
    assert_int_equal(atomic_load(&parts.running), 2);
    assert_false(pthread_equal(parts.threads[0], parts.threads[1]));
    assert_true(hasher_worked_ns(hasher) > 0);
    hasher_close(hasher);
}

/* Without a thread all is the caller's, and nobody is told of help. */
TEST(hasher, may_be_alone)
{
    struct hasher *hasher;
    assert_int_equal(hasher_open(HASHER_ALONE, &hasher), STATUS_OK);
    assert_null(hasher_sharing(hasher));
    assert_int_equal(hasher_worked_ns(hasher), 0);
    hasher_close(hasher);
    hasher_close(NULL);
}

/* The body grows for a record that never becomes whole: what was given before is read where it is now. */
TEST(hasher, body_may_move_between_the_last_record_and_the_end)
{
    const enum hasher_kind kinds[] = {HASHER_ALONE, HASHER_FORCED};
    make_body();
    for (int i = 0; i < 2; i++) {
        struct hasher *hasher;
        struct seal seal, expected;
        seal_begin(&seal, 1);
        seal_begin(&expected, 1);
        seal_records(&expected, body, ends[1]);
        assert_int_equal(hasher_open(kinds[i], &hasher), STATUS_OK);
        uint8_t *first = malloc(ends[1]), *second = malloc(ends[1]);
        memcpy(first, body, ends[1]);
        memcpy(second, body, ends[1]);
        hasher_give(hasher, &seal, first, ends[1]);
        hasher_pause(hasher);
        memset(first, 0, ends[1]);
        free(first);
        hasher_moved(hasher, second);
        hasher_finish(hasher);
        const struct block_header found = header_of(&seal), wanted = header_of(&expected);
        assert_null(block_header_difference(&found, &wanted));
        free(second);
        hasher_close(hasher);
    }
}

/* Records and parts at once, as at a block's end: the body's last piece may still be on its way. */
TEST(hasher, parts_may_come_before_the_body_is_finished)
{
    static struct parts parts;
    struct hasher *hasher;
    make_body();
    assert_int_equal(hasher_open(HASHER_FORCED, &hasher), STATUS_OK);
    for (uint32_t round = 0; round < 10; round++) {
        struct seal seal, expected;
        seal_begin(&seal, 1);
        seal_begin(&expected, 1);
        seal_records(&expected, body, ends[RECORDS]);
        for (uint64_t number = 1; number <= RECORDS; number++)
            hasher_give(hasher, &seal, body, ends[number]);
        memset(&parts, 0, sizeof(parts));
        sharing_run(hasher_sharing(hasher), do_part, &parts, PARTS);
        assert_int_equal(atomic_load(&parts.running), PARTS);
        hasher_finish(hasher);
        const struct block_header found = header_of(&seal), wanted = header_of(&expected);
        assert_null(block_header_difference(&found, &wanted));
    }
    hasher_close(hasher);
}
