#include "node/digest.h"

#include "common/intent.h"
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
static uint64_t newest_order;

static void take(void *context, const struct applied *record, const struct command *command)
{
    bool sealed;
    (void)context;
    const uint8_t *next = record->events;
    for (struct event event; event_next(&next, record->events + record->events_length, &event);)
        newest_order += event.type == T_ORDER_ACCEPTED;
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
    plant_command = skip_command = silent_command = newest_order = 0;
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

static uint64_t dice_state;

static uint64_t dice(uint64_t bound)
{
    dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (dice_state >> 33) % bound;
}

/* Something that could be meant; returns the payload's length. */
static size_t put_some_trade(uint16_t type, uint32_t account, uint64_t seed, uint8_t *payload)
{
    const struct session_end_command over = {.account = account, .session = 1};
    struct intent intent = {.type = type};
    dice_state = seed;
    const price_t price = {50000 + (int64_t)dice(200) * 10};
    const qty_t qty = {1000 + (int64_t)dice(3000)};
    const uint64_t id = newest_order - dice(newest_order < 20 ? newest_order + 1 : 20);
    const uint8_t side = dice(2) == 0 ? BUY : SELL;
    if (type == T_ORDER_PLACE)
        intent.order_place = (struct order_place_command){.price = price,
                                                          .qty = qty,
                                                          .account = account,
                                                          .session = (uint32_t)dice(2),
                                                          .side = side,
                                                          .type = (uint8_t)dice(8),
                                                          .time_in_force = (uint8_t)(1 + dice(3)),
                                                          .self_trade = (uint8_t)(1 + dice(3)),
                                                          .client_id = {(uint8_t)dice(6)}};
    if (type == T_ORDER_CANCEL)
        intent.order_cancel = (struct order_cancel_command){.order_id = id, .account = account};
    if (type == T_CANCEL_ALL) intent.cancel_all.account = account;
    if (type == T_ORDER_AMEND)
        intent.order_amend =
            (struct order_amend_command){.order_id = id, .qty = qty, .account = account};
    if (type == T_ORDER_REPLACE)
        intent.order_replace = (struct order_replace_command){.price = price,
                                                              .qty = qty,
                                                              .cancel_order_id = id,
                                                              .account = account,
                                                              .side = side,
                                                              .type = LIMIT,
                                                              .time_in_force = GTC};
    if (type == T_LIST_CANCEL)
        intent.list_cancel = (struct list_cancel_command){.list_id = id, .account = account};
    if (type == T_LIST_PLACE)
        intent.list_place = (struct list_place_command){.a_price = {price.ticks + 50},
                                                        .a_qty = qty,
                                                        .b_price = {price.ticks - 60},
                                                        .b_qty = qty,
                                                        .b_stop_price = {price.ticks - 50},
                                                        .account = account,
                                                        .kind = (uint8_t)(1 + dice(3)),
                                                        .a_side = SELL,
                                                        .a_type = (uint8_t)dice(8),
                                                        .a_time_in_force = GTC,
                                                        .b_side = SELL,
                                                        .b_type = (uint8_t)dice(8),
                                                        .b_time_in_force = GTC};
    if (type == T_SWITCH_SET) {
        intent.switch_set.account = account;
        intent.switch_set.timeout_ms = (uint32_t)dice(3000);
    }
    if (type != T_SESSION_END) return intent_put(&intent, payload);
    return (size_t)(session_end_command_put(payload, &over) - payload);
}

/* Changes up to three bytes of the payload, but none of the account, whose key vouches for it. */
static void garble(uint16_t type, uint32_t account, uint64_t seed, uint8_t *payload)
{
    uint8_t other[COMMAND_PAYLOAD_MAX];
    const size_t byte_count = put_some_trade(type, account, seed, payload);
    put_some_trade(type, account + 1, seed, other);
    for (uint64_t left = dice(4); left > 0; left--) {
        const size_t at = (size_t)dice(byte_count);
        bool is_account = false;
        for (size_t i = 0; i < 4 && i <= at; i++)
            is_account |= payload[at - i] != other[at - i];
        if (!is_account) payload[at] = (uint8_t)(dice(3) > 0 ? dice(12) : dice(256));
    }
}

/* Whatever a gateway vouches for under a good key, the engine takes or refuses, and settlement follows. */
TEST(digest, settles_whatever_a_gateway_vouches_for)
{
    /* Those at the end leave little to cancel: they are rare. */
    static const uint16_t types[] = {T_ORDER_PLACE,   T_ORDER_CANCEL, T_ORDER_AMEND,
                                     T_ORDER_REPLACE, T_LIST_PLACE,   T_LIST_CANCEL,
                                     T_CANCEL_ALL,    T_SWITCH_SET,   T_SESSION_END};
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const char *given = getenv("QUOREX_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 0x5eed;
    print_message("seed %#lx\n", seed);
    begin();
    journal_open(&journal);
    for (int i = 0; i < 20000 && status == STATUS_OK; i++) {
        dice_state = seed += UINT64_C(0x9e3779b97f4a7c15);
        const uint32_t account = 1 + (uint32_t)dice(2);
        const uint16_t type = types[dice(20) == 0 ? 6 + dice(3) : dice(6)];
        const int64_t ticks = 50000 + (int64_t)dice(200) * 10;
        if (dice(40) == 0) journal_seal(&journal);
        if (dice(3) == 0) {
            journal_order(&journal, account, dice(2) == 0 ? BUY : SELL, ticks, 1500);
            continue;
        }
        garble(type, account, seed, payload);
        apply_trade(type, payload, account);
    }
    if (status != STATUS_OK) print_message("%s\n", digest.fault);
    assert_int_equal(status, STATUS_OK);
    assert_true(engine_counts(journal.engine).fills > 500);
    end();
}
