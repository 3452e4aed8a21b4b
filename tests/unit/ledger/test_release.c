#include "ledger/release.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

#define APPROVALS 5

static struct blocks blocks;
static struct proof_release release;
static hash_t leaves[16];
static uint8_t subject[PROOF_RELEASE_BYTES_MAX];

static void record(uint16_t type, const struct withdrawal_changed_event *changed)
{
    uint8_t payload[512] = {0}, events[512];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    const struct balance_event balance = {.account = 7};
    event_write_balance(&writer, &balance);
    event_write_withdrawal_changed(&writer, changed);
    blocks_record(&blocks, type, payload, &writer, events);
}

static struct withdrawal_changed_event changed_of(uint64_t number, uint8_t before, uint8_t state)
{
    return (struct withdrawal_changed_event){.withdrawal = number,
                                             .block = state == WITHDRAWAL_APPROVED ? 1 : 0,
                                             .amount = {(int64_t)number * 1000},
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
        const struct withdrawal_changed_event changed =
            changed_of(number, before, WITHDRAWAL_APPROVED);
        record(before == 0 ? T_WITHDRAW : T_WITHDRAWAL_APPROVE, &changed);
    }
    const struct withdrawal_changed_event others[] = {
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

/* Another address, amount, place or number of approvals: whatever bit changes, it does not hold any more. */
TEST(release, every_bit_counts)
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
