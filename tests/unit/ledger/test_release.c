#include "ledger/release.h"

#include "common/params.h"
#include "common/withdrawal_event.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

#define APPROVALS 5

static uint32_t rules = PARAMS_RULES_CHARGES;
static struct blocks blocks;
static struct proof_release release;
static hash_t leaves[16];
static uint8_t subject[PROOF_RELEASE_BYTES_MAX];

static void record(uint16_t type, const struct withdrawal_moved_event *changed)
{
    uint8_t payload[512] = {0}, events[512];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    const struct balance_event balance = {.account = 7};
    event_write_balance(&writer, &balance);
    withdrawal_event_write(&writer, rules, changed);
    blocks_record(&blocks, type, payload, &writer, events);
}

static struct withdrawal_moved_event changed_of(uint64_t number, uint8_t before, uint8_t state)
{
    return (struct withdrawal_moved_event){
        .withdrawal = number,
        .block = state == WITHDRAWAL_APPROVED ? 1 : 0,
        .amount = {(int64_t)number * 1000},
        .fee = {rules < PARAMS_RULES_CHARGES ? 0 : 7},
        .paid = {(int64_t)number * 1000 - (rules < PARAMS_RULES_CHARGES ? 0 : 7)},
        .account = 4,
        .before = before,
        .state = state,
        .chain = "ETH",
        .address = "0xabc"};
}

/* A block that approves withdrawals 1 to 5; 6 is held, 7 denied, and 3's approval is said again. */
static void five(bool releases)
{
    assert_true(hash_start());
    blocks_begin(&blocks);
    blocks.height = 1;
    seal_begin(&blocks.seal, 1);
    for (uint64_t number = 1; number <= APPROVALS; number++) {
        const uint8_t before = number % 2 == 0 ? WITHDRAWAL_HELD : 0;
        const struct withdrawal_moved_event changed =
            changed_of(number, before, WITHDRAWAL_APPROVED);
        record(before == 0 ? T_WITHDRAW : T_WITHDRAWAL_APPROVE, &changed);
    }
    const struct withdrawal_moved_event others[] = {
        changed_of(6, 0, WITHDRAWAL_HELD), changed_of(7, WITHDRAWAL_HELD, WITHDRAWAL_DENIED),
        changed_of(3, WITHDRAWAL_APPROVED, WITHDRAWAL_APPROVED)};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        record(T_WITHDRAWAL_APPROVE, &others[i]);
    const struct seal_facts facts = {.height = 1, .time_ns = 1, .releases = releases};
    seal_step(&blocks.seal, &facts, &blocks.header);
}

static enum status make(uint64_t withdrawal)
{
    return release_make(&blocks.header, blocks.body, blocks.body_bytes, withdrawal, leaves,
                        &release);
}

TEST(release, of_every_approval_leads_to_events_hash)
{
    five(true);
    assert_int_equal(blocks.header.flags, BLOCK_RELEASES);
    for (uint64_t number = 1; number <= APPROVALS; number++) {
        assert_int_equal(make(number), STATUS_OK);
        assert_int_equal(release.withdrawal.withdrawal, number);
        assert_int_equal(release.withdrawal.amount.units, number * 1000);
        assert_int_equal(release.withdrawal.paid.units, number * 1000 - 7);
        assert_int_equal(release.index, number - 1);
        assert_int_equal(release.count, APPROVALS);
        assert_int_equal(release.ordinal, 1); /* behind a balance */
        assert_null(release_fault(&release, &blocks.header));
    }
}

/* What waits, was denied, or does not exist has none; nor has anything in a block of older rules, whose events_hash is
 * what it always was. */
TEST(release, of_what_is_not_approved_is_not_found)
{
    five(true);
    const hash_t bound = blocks.header.events_hash;
    assert_int_equal(make(6), STATUS_NOT_FOUND);
    assert_int_equal(make(7), STATUS_NOT_FOUND);
    assert_int_equal(make(8), STATUS_NOT_FOUND);
    assert_int_equal(make(3), STATUS_OK);
    const struct proof_release third = release;
    five(false);
    assert_int_equal(blocks.header.flags, 0);
    assert_false(hash_equal(blocks.header.events_hash, bound));
    assert_true(hash_equal(blocks.header.events_hash, third.events));
    assert_int_equal(make(3), STATUS_NOT_FOUND);
    assert_string_equal(release_fault(&third, &blocks.header),
                        "no withdrawal was approved in the block");
}

/* Another address, amount, fee, place or number of approvals: whatever bit changes, it does not hold any more. */
static void every_bit_counts(void)
{
    five(true);
    for (uint64_t number = 1; number <= APPROVALS; number++) {
        assert_int_equal(make(number), STATUS_OK);
        const size_t byte_count = proof_release_put(&release, subject);
        struct proof_release read;
        assert_true(proof_release_get(subject, byte_count, &read));
        assert_null(release_fault(&read, &blocks.header));
        assert_false(proof_release_get(subject, byte_count - 1, &read));
        assert_false(proof_release_get(subject, byte_count + 1, &read));
        for (size_t bit = 0; bit < 8 * byte_count; bit++) {
            subject[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (proof_release_get(subject, byte_count, &read) &&
                release_fault(&read, &blocks.header) == NULL)
                fail_msg("withdrawal %u, bit %zu", (unsigned)number, bit);
            subject[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

TEST(release, every_bit_counts)
{
    every_bit_counts();
}

/* Of a block of rules 3, whose leaves know of no fee: they are shorter, and all of the amount is paid. */
TEST(release, every_bit_counts_of_one_without_a_fee)
{
    rules = PARAMS_RULES_RELEASE;
    every_bit_counts();
    assert_int_equal(release.leaf_bytes, 8 + 4 + EVENT_HEADER_BYTES + WITHDRAWAL_CHANGED_BYTES);
    assert_int_equal(release.withdrawal.fee.units, 0);
    assert_int_equal(release.withdrawal.paid.units, release.withdrawal.amount.units);
    rules = PARAMS_RULES_CHARGES;
}

/* What goes to the chain and the fee are in the leaf, and are its amount: a block that says otherwise releases nothing,
 * whoever signed it. */
TEST(release, of_what_is_not_its_fee_and_what_is_paid_is_refused)
{
    five(true);
    assert_int_equal(make(2), STATUS_OK);
    assert_int_equal(release.withdrawal.fee.units, 7);
    assert_int_equal(release.withdrawal.paid.units, 1993);
    assert_null(release_fault(&release, &blocks.header));
    release.withdrawal.paid.units++;
    assert_string_equal(release_fault(&release, &blocks.header),
                        "what is paid and its fee are not its amount");
    release.withdrawal.amount.units++;
    assert_null(release_fault(&release, &blocks.header));
    release.withdrawal.fee.units = -1;
    release.withdrawal.amount.units = release.withdrawal.paid.units - 1;
    assert_string_equal(release_fault(&release, &blocks.header),
                        "what is paid and its fee are not its amount");
}

/* A header of another range of commands, or another height: a block before that has the same events. */
TEST(release, of_another_block_is_refused)
{
    five(true);
    assert_int_equal(make(2), STATUS_OK);
    struct block_header header = blocks.header;
    header.first_command = 3;
    assert_string_equal(release_fault(&release, &header), "its command is not of the block");
    header = blocks.header;
    header.height = 2;
    assert_string_equal(release_fault(&release, &header), "it is not approved by this block");
    header = blocks.header;
    header.events_hash.bytes[7] ^= 1;
    assert_string_equal(release_fault(&release, &header), "its path does not lead to events_hash");
}

/* A body that is not the header's gives no release, and no crash. */
TEST(release, of_a_body_that_is_not_the_headers_is_damage)
{
    five(true);
    struct block_header header = blocks.header;
    header.events_hash.bytes[0] ^= 1;
    assert_int_equal(release_make(&header, blocks.body, blocks.body_bytes, 2, leaves, &release),
                     STATUS_DAMAGED);
    assert_int_equal(
        release_make(&blocks.header, blocks.body, blocks.body_bytes - 1, 2, leaves, &release),
        STATUS_DAMAGED);
    header = blocks.header;
    header.tx_count = 4; /* room for four */
    assert_int_equal(release_make(&header, blocks.body, blocks.body_bytes, 2, leaves, &release),
                     STATUS_DAMAGED);
    header = blocks.header;
    header.first_command = 2;
    assert_int_equal(release_make(&header, blocks.body, blocks.body_bytes, 2, leaves, &release),
                     STATUS_DAMAGED);
}

/* What is kept of a block gives every release that its body gave, to the byte, and no other. */
TEST(release, out_of_what_is_kept_it_is_the_same)
{
    static uint8_t kept[4096];
    size_t byte_count;
    struct proof_release made;
    five(true);
    assert_true(release_kept_bytes_max(&blocks.header) <= sizeof(kept));
    assert_int_equal(
        release_keep(&blocks.header, blocks.body, blocks.body_bytes, kept, &byte_count), STATUS_OK);
    for (uint64_t number = 1; number <= APPROVALS + 3; number++) {
        const enum status status = make(number);
        made = release;
        assert_int_equal(
            release_of_kept(&blocks.header, kept, byte_count, number, leaves, &release), status);
        if (status != STATUS_OK) continue;
        uint8_t again[PROOF_RELEASE_BYTES_MAX];
        const size_t subject_bytes = proof_release_put(&made, subject);
        assert_int_equal(proof_release_put(&release, again), subject_bytes);
        assert_memory_equal(again, subject, subject_bytes);
    }
    for (size_t bit = 0; bit < 8 * byte_count; bit++) {
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
        for (uint64_t number = 1; number <= APPROVALS; number++)
            assert_int_not_equal(
                release_of_kept(&blocks.header, kept, byte_count, number, leaves, &release),
                STATUS_OK);
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(release_of_kept(&blocks.header, kept, byte_count - 1, 1, leaves, &release),
                     STATUS_DAMAGED);
    struct block_header header = blocks.header;
    header.events_hash.bytes[3] ^= 1;
    assert_int_equal(release_keep(&header, blocks.body, blocks.body_bytes, kept, &byte_count),
                     STATUS_DAMAGED);
    five(false);
    assert_int_equal(
        release_keep(&blocks.header, blocks.body, blocks.body_bytes, kept, &byte_count),
        STATUS_NOT_FOUND);
}
