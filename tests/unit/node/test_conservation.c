/* The auditor's own count of money, by blocks that a real engine made and by forged ones. */

#include "common/withdrawal_event.h"
#include "node/conservation.h"

#include "engine/engine.h"
#include "tests/harness.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct arena arena;
static struct conservation *count;
static struct conservation_fault fault;

static void begin(void)
{
    story_tell(&story, 0);
    assert_true(arena_map(&arena, conservation_bytes(&story.journal.genesis)));
    count = conservation_new(&arena, &story.journal.genesis);
    assert_non_null(count);
}

static void end(void)
{
    arena_unmap(&arena);
    story_end(&story);
}

static bool block(uint32_t height)
{
    const struct story_block *told = &story.blocks[height - 1];
    return conservation_block(count, told->body, told->body_bytes, &fault);
}

static void assert_wrong(uint32_t height, const char *what)
{
    for (uint32_t before = 1; before < height; before++)
        assert_true(block(before));
    assert_false(block(height));
    assert_string_equal(fault.what, what);
}

/* Every block of an honest chain, and its header's totals_root, which settlement made. */
TEST(conservation, honest_blocks_lead_to_their_roots)
{
    begin();
    for (uint32_t height = 1; height <= story.height; height++) {
        assert_true(block(height));
        assert_true(
            hash_equal(conservation_root(count), story.blocks[height - 1].header.totals_root));
    }
    end();
}

/* From a checkpoint's state on it counts as from the genesis. */
TEST(conservation, a_state_goes_on_like_the_blocks_below_it)
{
    begin();
    for (uint32_t height = 1; height <= story.height; height++)
        assert_true(block(height));
    const hash_t root = conservation_root(count);
    const struct settlement *settlement = story.digest.settlement;
    assert_true(conservation_meets(count, settlement, &fault));
    arena_unmap(&arena);
    assert_true(arena_map(&arena, conservation_bytes(&story.journal.genesis)));
    count = conservation_new(&arena, &story.journal.genesis);
    assert_false(conservation_meets(count, settlement, &fault)); /* nothing was told yet */
    assert_int_equal(fault.account, 1);
    conservation_begin(count, settlement, engine_params(story.journal.engine));
    assert_true(conservation_meets(count, settlement, &fault));
    assert_true(hash_equal(conservation_root(count), root));
    end();
}

/* A unit too many or too few, told by any BALANCE event of any block, is found at its command. */
TEST(conservation, a_unit_made_or_lost_is_found_wherever_it_is)
{
    for (uint32_t height = 1; height <= 6; height++)
        for (uint32_t place = 0; place < 6; place++) {
            begin();
            uint8_t *balance = story_event(&story, height, T_BALANCE, place % 4);
            const int64_t by = place % 2 == 0 ? 1 : -1;
            uint8_t *figure = balance + (le_get_i64(balance + 8) > 0 && place > 2 ? 8 : 0);
            le_put_i64(figure, le_get_i64(figure) + by);
            assert_wrong(height, "what is owed is not what came in");
            assert_int_equal(fault.units, by);
            assert_true(fault.command > 0);
            end();
        }
}

TEST(conservation, a_balance_below_zero_is_found)
{
    begin();
    le_put_i64(story_event(&story, 3, T_BALANCE, 1), -1);
    assert_wrong(3, "a balance below zero");
    assert_true(fault.account > 0);
    end();
}

/* Money that an operator did not give, and a fee that nobody paid. */
TEST(conservation, altered_facts_are_found)
{
    begin();
    uint8_t *credit = story_event(&story, 1, T_CREDITED, 1);
    struct credited_event credited;
    credited_event_get(credit, &credited);
    credited.amount.units -= 7;
    credited_event_put(credit, &credited);
    assert_wrong(1, "what is owed is not what came in");
    assert_int_equal(fault.units, 7);
    assert_int_equal(fault.asset, credited.asset);
    end();

    begin();
    uint8_t *filled = story_event(&story, 2, T_FILL, 0);
    struct fill_event fill;
    fill_event_get(filled, &fill);
    fill.taker_rate_ppm = 0;
    fill_event_put(filled, &fill);
    assert_wrong(2, "what is owed is not what came in");
    assert_true(fault.units < 0);
    end();

    begin();
    filled = story_event(&story, 2, T_FILL, 0);
    fill_event_get(filled, &fill);
    fill.qty.lots = INT64_MAX;
    fill_event_put(filled, &fill);
    assert_wrong(2, "a fill of amounts that cannot be");
    end();
}

/* ---- What the journal does not do: blocks written by hand. ---- */

static uint8_t body[4096], events[1024];
static struct event_writer out;

/* One command of these events. */
static bool told(void)
{
    uint8_t bytes[COMMAND_HEADER_BYTES + SEAL_BYTES] = {0};
    const struct command_header header = {.length = sizeof(bytes), .type = T_SEAL};
    command_header_put(bytes, &header);
    const struct applied record = {.number = 1,
                                   .command_length = sizeof(bytes),
                                   .events_length = (uint32_t)(out.at - events),
                                   .event_count = out.count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST};
    applied_header_put(body, &record);
    uint8_t *at = le_put_bytes(body + APPLIED_HEADER_BYTES, bytes, sizeof(bytes));
    at = le_put_bytes(at, events, record.events_length);
    out = (struct event_writer){.at = events, .end = events + sizeof(events)};
    return conservation_block(count, body, (size_t)(at - body), &fault);
}

static void tell_balance(int64_t available, int64_t held)
{
    event_write_balance(&out, &(struct balance_event){{available}, {held}, 1, 0});
}

static void tell_withdrawal(uint8_t before, uint8_t state)
{
    const struct withdrawal_moved_event changed = {
        .amount = {40}, .account = 1, .before = before, .state = state};
    withdrawal_event_write(&out, PARAMS_RULES_RELEASE, &changed);
}

/* The same with a fee; `paid` of the 40 leaves. */
static void tell_charged(int64_t fee, int64_t paid, uint8_t before, uint8_t state)
{
    const struct withdrawal_moved_event moved = {.amount = {40},
                                                 .fee = {fee},
                                                 .paid = {paid},
                                                 .account = 1,
                                                 .before = before,
                                                 .state = state};
    withdrawal_event_write(&out, PARAMS_RULES_CHARGES, &moved);
}

static void begin_by_hand(uint32_t rules)
{
    begin();
    arena_unmap(&arena);
    story.journal.genesis.params.rules = rules;
    assert_true(arena_map(&arena, conservation_bytes(&story.journal.genesis)));
    count = conservation_new(&arena, &story.journal.genesis);
    out = (struct event_writer){.at = events, .end = events + sizeof(events)};
    event_write_deposit_changed(
        &out, &(struct deposit_changed_event){.account = 1, .credited = {100}, .moved = {100}});
    tell_balance(100, 0);
    assert_true(told());
    tell_withdrawal(0, WITHDRAWAL_HELD);
    tell_balance(60, 40);
    assert_true(told());
}

/* A deposit comes in; a withdrawal is in flight from its approval on, and gone when it is final. */
TEST(conservation, custody_is_counted_step_by_step)
{
    begin_by_hand(2);
    tell_withdrawal(WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    tell_balance(60, 0);
    assert_true(told());
    tell_withdrawal(WITHDRAWAL_APPROVED, WITHDRAWAL_BROADCAST);
    assert_true(told());
    tell_withdrawal(WITHDRAWAL_BROADCAST, WITHDRAWAL_FINAL);
    assert_true(told());
    tell_withdrawal(WITHDRAWAL_FINAL, WITHDRAWAL_FINAL); /* told twice moves nothing */
    assert_true(told());
    end();

    begin_by_hand(2);
    tell_withdrawal(WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    tell_balance(60, 0);
    assert_true(told());
    tell_withdrawal(WITHDRAWAL_APPROVED, WITHDRAWAL_FAILED);
    tell_balance(100, 0);
    assert_true(told());
    end();
}

/* A fee is in flight with the rest, and stays when the rest has gone; one that is not what is not paid makes money. */
TEST(conservation, a_fee_is_counted)
{
    hash_t roots[2];
    for (uint32_t i = 0; i < 2; i++) {
        begin_by_hand(4);
        const int64_t fee = 3 * i;
        tell_charged(fee, 40 - fee, WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
        tell_balance(60, 0);
        assert_true(told());
        tell_charged(fee, 40 - fee, WITHDRAWAL_BROADCAST, WITHDRAWAL_FINAL);
        assert_true(told());
        roots[i] = conservation_root(count);
        end();
    }
    assert_false(hash_equal(roots[0], roots[1]));

    begin_by_hand(4);
    tell_charged(3, 38, WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    tell_balance(60, 0);
    assert_false(told());
    assert_string_equal(fault.what, "a withdrawal that is not its fee and what is paid");
    end();
    begin_by_hand(4);
    tell_charged(-1, 41, WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    tell_balance(60, 0);
    assert_false(told());
    assert_string_equal(fault.what, "a withdrawal that is not its fee and what is paid");
    end();
}

TEST(conservation, custody_that_makes_or_loses_money_is_found)
{
    begin_by_hand(2);
    tell_withdrawal(WITHDRAWAL_HELD, WITHDRAWAL_APPROVED);
    tell_balance(60, 40); /* gone and still here */
    assert_false(told());
    assert_string_equal(fault.what, "what is owed is not what came in");
    assert_int_equal(fault.units, 40);
    end();

    begin_by_hand(2);
    tell_withdrawal(WITHDRAWAL_HELD, WITHDRAWAL_DENIED);
    tell_balance(60, 0); /* nobody has it */
    assert_false(told());
    assert_int_equal(fault.units, -40);
    end();

    begin_by_hand(2);
    tell_withdrawal(WITHDRAWAL_BROADCAST, WITHDRAWAL_FINAL); /* that never departed */
    assert_false(told());
    assert_string_equal(fault.what, "withdrawals in flight below zero");
    end();
}

/* A credit is the house's from rules 3 of the genesis on, and nothing but the root tells it from a deposit. */
TEST(conservation, a_credit_is_the_houses_where_it_has_an_account)
{
    hash_t roots[2];
    for (uint32_t i = 0; i < 2; i++) {
        begin_by_hand(2 + i);
        event_write_credited(&out, &(struct credited_event){.amount = {5}, .account = 1});
        tell_balance(65, 40);
        assert_true(told());
        event_write_debited(&out, &(struct debited_event){.amount = {2}, .account = 1});
        tell_balance(63, 40);
        assert_true(told());
        roots[i] = conservation_root(count);
        end();
    }
    assert_false(hash_equal(roots[0], roots[1]));
}

TEST(conservation, a_fault_reads_as_a_sentence)
{
    char text[160];
    fault = (struct conservation_fault){.what = "a balance below zero", .account = 7, .asset = 2};
    conservation_print(&fault, text, sizeof(text));
    assert_string_equal(text, "conservation: a balance below zero: asset 2, account 7");
    fault = (struct conservation_fault){.what = "w", .asset = 1, .units = -3};
    conservation_print(&fault, text, sizeof(text));
    assert_string_equal(text, "conservation: w: asset 1, by -3 units");
}
