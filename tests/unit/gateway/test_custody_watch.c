#include "common/withdrawal_event.h"
#include "gateway/custody_watch.h"

#include "common/arena.h"
#include "gateway/custody_view.h"
#include "tests/harness.h"

#define SECOND UINT64_C(1000000000)

static struct genesis genesis;
static struct arena arena;
static struct custody_view *view;
static struct custody_watch *watch;
static struct metrics metrics;
static uint64_t command;

static void begin(uint32_t remembered)
{
    genesis = (struct genesis){.params = {.orders_max = remembered, .accounts_max = 4}};
    assert_true(arena_map(&arena, custody_view_bytes(&genesis) + custody_watch_bytes(&genesis)));
    view = custody_view_new(&arena, &genesis);
    watch = custody_watch_new(&arena, &genesis);
    assert_true(view != NULL && watch != NULL);
}

static void apply(uint64_t stamp_ns, uint8_t *bytes, struct event_writer *writer)
{
    struct event event;
    const uint8_t *at = bytes;
    assert_true(event_next(&at, writer->at, &event));
    custody_view_apply(view, ++command, 1, &event);
    custody_watch_apply(watch, stamp_ns, &event);
}

static void withdrawal(uint64_t number, uint8_t state, uint64_t block, uint64_t stamp_ns)
{
    uint8_t bytes[512];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    const struct withdrawal_moved_event changed = {
        .withdrawal = number, .block = block, .state = state};
    withdrawal_event_write(&writer, PARAMS_RULES_RELEASE, &changed);
    apply(stamp_ns, bytes, &writer);
}

static void deposit(uint64_t number, uint8_t state, uint64_t stamp_ns)
{
    uint8_t bytes[512];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    const struct deposit_changed_event changed = {.deposit = number, .state = state};
    event_write_deposit_changed(&writer, &changed);
    apply(stamp_ns, bytes, &writer);
}

static void measure(uint64_t certified, uint64_t now_ns)
{
    memset(&metrics, 0xff, sizeof(metrics));
    custody_watch_measure(watch, view, certified, now_ns, &metrics);
}

#define GAUGE_IS(name, value) assert_int_equal(metric_get(&metrics.name), value)

/* Each state has its count and the age of its oldest; a certificate makes released what was approved. */
TEST(custody_watch, counts_and_ages_of_what_is_under_way)
{
    begin(16);
    measure(0, 5 * SECOND);
    GAUGE_IS(withdrawals_held, 0);
    GAUGE_IS(withdrawals_held_s, 0);
    withdrawal(1, WITHDRAWAL_HELD, 0, 1 * SECOND);
    withdrawal(2, WITHDRAWAL_APPROVED, 7, 2 * SECOND);
    withdrawal(3, WITHDRAWAL_HELD, 0, 3 * SECOND);
    deposit(1, DEPOSIT_CONFIRMING, 4 * SECOND);
    measure(6, 10 * SECOND);
    GAUGE_IS(withdrawals_held, 2);
    GAUGE_IS(withdrawals_held_s, 9);
    GAUGE_IS(withdrawals_approved, 1);
    GAUGE_IS(withdrawals_approved_s, 8);
    GAUGE_IS(withdrawals_released, 0);
    GAUGE_IS(deposits_confirming, 1);
    GAUGE_IS(deposits_confirming_s, 6);
    measure(7, 10 * SECOND);
    GAUGE_IS(withdrawals_approved, 0);
    GAUGE_IS(withdrawals_approved_s, 0);
    GAUGE_IS(withdrawals_released, 1);
    GAUGE_IS(withdrawals_released_s, 8);

    withdrawal(2, WITHDRAWAL_BROADCAST, 7, 11 * SECOND);
    withdrawal(1, WITHDRAWAL_CANCELED, 0, 11 * SECOND);
    withdrawal(3, WITHDRAWAL_HELD, 0, 12 * SECOND); /* an approval more: it goes on waiting */
    deposit(1, DEPOSIT_CREDITED, 12 * SECOND);
    measure(9, 20 * SECOND);
    GAUGE_IS(withdrawals_held, 1);
    GAUGE_IS(withdrawals_held_s, 17);
    GAUGE_IS(withdrawals_released, 0);
    GAUGE_IS(withdrawals_broadcast, 1);
    GAUGE_IS(withdrawals_broadcast_s, 9);
    GAUGE_IS(deposits_confirming, 0);
    deposit(1, DEPOSIT_OWED, 21 * SECOND);
    withdrawal(2, WITHDRAWAL_FINAL, 7, 21 * SECOND);
    withdrawal(3, WITHDRAWAL_DENIED, 0, 21 * SECOND);
    measure(9, 20 * SECOND); /* the clock is behind the log */
    GAUGE_IS(deposits_owed, 1);
    GAUGE_IS(withdrawals_broadcast, 0);
    GAUGE_IS(withdrawals_held, 0);
    GAUGE_IS(withdrawals_held_s, 0);
    arena_unmap(&arena);
}

/* Numbers go round: a new one in the place of an old one is a new one, also in the state that the old one had. */
TEST(custody_watch, a_new_one_takes_an_old_ones_place)
{
    begin(2);
    for (uint64_t number = 1; number <= 5; number++) {
        deposit(number, DEPOSIT_CONFIRMING, number * SECOND);
        if (number < 4) deposit(number, DEPOSIT_CREDITED, number * SECOND);
    }
    measure(0, 10 * SECOND);
    GAUGE_IS(deposits_confirming, 2);
    GAUGE_IS(deposits_confirming_s, 6);
    withdrawal(1, WITHDRAWAL_FINAL, 1, SECOND);
    withdrawal(3, WITHDRAWAL_FINAL, 1, 2 * SECOND);
    withdrawal(5, WITHDRAWAL_HELD, 0, 3 * SECOND);
    measure(0, 10 * SECOND);
    GAUGE_IS(withdrawals_held, 1);
    GAUGE_IS(withdrawals_held_s, 7);
    arena_unmap(&arena);
}

/* What was there at the start is counted, from then on; what follows ends it. */
TEST(custody_watch, begins_with_what_the_view_has)
{
    begin(4);
    const struct withdrawal_moved_event held = {.withdrawal = 9, .state = WITHDRAWAL_HELD};
    const struct deposit_changed_event told = {.deposit = 6, .state = DEPOSIT_CONFIRMING};
    custody_view_withdrawal_put(view, &held);
    custody_view_deposit_put(view, &told);
    custody_watch_fill(watch, view, 100 * SECOND);
    measure(0, 103 * SECOND);
    GAUGE_IS(withdrawals_held, 1);
    GAUGE_IS(withdrawals_held_s, 3);
    GAUGE_IS(deposits_confirming, 1);
    withdrawal(9, WITHDRAWAL_CANCELED, 0, 104 * SECOND);
    deposit(6, DEPOSIT_REORGED, 104 * SECOND);
    measure(0, 105 * SECOND);
    GAUGE_IS(withdrawals_held, 0);
    GAUGE_IS(deposits_confirming, 0);
    arena_unmap(&arena);
}
