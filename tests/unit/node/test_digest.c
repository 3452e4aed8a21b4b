#include "node/digest.h"

#include "tests/harness.h"
#include "tests/unit/node/journal.h"

static struct journal journal;
static struct digest digest;
static struct digest_block last;
static struct arena arena;
static enum status status;
static uint64_t plant_command;  /* whose first BALANCE is one unit too high */
static uint64_t skip_command;   /* which is not digested */
static uint64_t silent_command; /* whose last event, a BALANCE, is kept back */

static void take(void *context, const struct applied *record, const struct command *command)
{
    bool sealed;
    (void)context;
    if (status != STATUS_OK || record->number == skip_command) return;
    if (record->number == plant_command) {
        const uint8_t *at = record->events;
        struct event event = {0};
        while (event.type != T_BALANCE)
            assert_true(event_next(&at, record->events + record->events_length, &event));
        ((uint8_t *)(uintptr_t)event.payload)[0] ^= 1;
    }
    struct applied altered = *record;
    if (record->number == silent_command) {
        altered.events_length -= EVENT_HEADER_BYTES + BALANCE_BYTES;
        altered.event_count--;
    }
    status = digest_record(&digest, &altered, command, &last, &sealed);
}

static void begin(void)
{
    journal_begin(&journal);
    journal.take = take;
    status = STATUS_OK;
    plant_command = skip_command = silent_command = 0;
    assert_true(arena_map(&arena, settlement_bytes(&journal.genesis)));
    struct settlement *settlement = settlement_new(&arena, &journal.genesis, journal_tree_secret);
    assert_non_null(settlement);
    digest_begin(&digest, &journal.genesis, settlement);
}

static void end(void)
{
    journal_end(&journal);
    arena_unmap(&arena);
}

/* Headers follow one another by every link, and end with the SEALs. */
TEST(digest, makes_a_header_at_every_seal)
{
    begin();
    struct block_header previous;
    hash_t previous_hash = {{0}};
    struct block_fault fault;
    for (uint64_t height = 1; height <= 8; height++) {
        if (height == 1)
            journal_open(&journal);
        else
            journal_trade(&journal, 5000000);
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(last.header.height, height);
        assert_int_equal(last.header.last_command, journal.number);
        assert_int_equal(last.header.time_ns, journal.stamp_ns);
        assert_true(
            block_link_check(height == 1 ? NULL : &previous, previous_hash, &last.header, &fault));
        previous = last.header;
        previous_hash = last.hash;
    }
    assert_true(last.header.fill_count > 0);
    end();
}

/* The same log gives the same bytes, whoever digests it. */
TEST(digest, gives_the_same_headers_for_the_same_log)
{
    hash_t hashes[2];
    for (int run = 0; run < 2; run++) {
        begin();
        journal_open(&journal);
        for (int i = 0; i < 5; i++)
            journal_trade(&journal, 5000000 + 7 * i);
        assert_int_equal(status, STATUS_OK);
        hashes[run] = last.hash;
        end();
    }
    assert_true(hash_equal(hashes[0], hashes[1]));
}

/* A balance in the engine's events that the facts do not give stops it, at the latest at the block's
 * end, and says which and by how much. */
TEST(digest, stops_at_a_balance_that_does_not_follow)
{
    begin();
    journal_open(&journal);
    plant_command = journal.number + 2;
    journal_trade(&journal, 5000000);
    assert_int_equal(status, STATUS_MISMATCH);
    assert_non_null(strstr(digest.fault, "ours="));
    assert_non_null(strstr(digest.fault, "theirs="));
    end();
}

/* A balance that changed and that the engine does not mention is missed at the block's end: it is
 * settlement's own list of what was touched that is gone through there. */
TEST(digest, stops_at_a_balance_kept_back)
{
    begin();
    journal_open(&journal);
    silent_command = journal.number + 1;
    journal_order(&journal, 1, SELL, 5000000, 1000);
    assert_int_equal(status, STATUS_OK);
    const uint64_t height = last.header.height;
    journal_seal(&journal);
    assert_int_equal(status, STATUS_MISMATCH);
    assert_int_equal(last.header.height, height);
    end();
}

/* A command that was left out is noticed by its number. */
TEST(digest, stops_at_a_missing_command)
{
    begin();
    journal_open(&journal);
    skip_command = journal.number + 1;
    journal_trade(&journal, 5000000);
    assert_int_equal(status, STATUS_MISMATCH);
    assert_non_null(strstr(digest.fault, "command number"));
    end();
}

static void apply_trade(uint16_t type, const uint8_t *payload, uint32_t account)
{
    uint8_t auth[32];
    struct command_header header = journal_header(&journal, type);
    journal_key_id(account, auth);
    header.auth_kind = AUTH_HMAC;
    header.auth_length = sizeof(auth);
    journal_apply(&journal, header, payload, auth);
}

/* A gateway that lies may put anything behind the zero that begins an empty client id: to engine and settlement alike
 * it is none. Where one of them took it for a name, every node halted. */
TEST(digest, what_is_behind_an_empty_client_id_is_nothing)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    begin();
    journal_open(&journal);
    journal_order(&journal, 1, SELL, 60000, 3000);
    journal_order(&journal, 1, SELL, 60001, 3000);
    const struct order_amend_command amend = {
        .order_id = 2, .qty = {2000}, .account = 1, .orig_client_id = {0, 4}, .client_id = {0, 5}};
    order_amend_command_put(payload, &amend);
    apply_trade(T_ORDER_AMEND, payload, 1);
    const struct order_cancel_command cancel = {
        .order_id = 1, .account = 1, .orig_client_id = {0, 4}, .client_id = {0, 5}};
    order_cancel_command_put(payload, &cancel);
    apply_trade(T_ORDER_CANCEL, payload, 1);
    journal_seal(&journal);
    assert_int_equal(engine_counts(journal.engine).open_orders, 1);
    assert_int_equal(status, STATUS_OK);
    end();
}
