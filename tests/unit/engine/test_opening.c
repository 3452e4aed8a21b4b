#include "engine/opening.h"

#include "tests/harness.h"
#include "tests/unit/engine/snapshots.h"

#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)

static struct world world;

/* A world without accounts, in the first second of an hour. */
static void open_under(uint32_t rules, uint32_t accounts_max)
{
    assert_true(hash_start());
    world_prepare(&world);
    world.genesis.params.rules = rules;
    world.genesis.params.accounts_max = accounts_max;
    world_open(&world);
    world.stamp_ns = 1000 * HOUR;
}

static unsigned set(uint32_t per_hour, uint8_t approval)
{
    return world_opening_set(&world, (struct opening_set_command){.nonce = ++world.nonce,
                                                                  .per_hour = per_hour,
                                                                  .approval = approval});
}

static unsigned open_account(uint8_t key)
{
    return world_account_open(&world, (struct account_open_command){.public_key = {key}});
}

static unsigned approve(uint32_t account)
{
    return world_account_approve(
        &world, (struct account_approve_command){.nonce = ++world.nonce, .account = account});
}

static unsigned place(uint32_t account)
{
    return world_order_place(&world, world_limit(account, BUY, 1, 10));
}

/* Nobody opens an account by himself until operators let him; then he has the next one, of the lowest tier. */
TEST(opening, is_what_operators_let)
{
    open_under(PARAMS_RULES_OPENING, 8);
    assert_int_equal(open_account(1), REJECT_OPENING_CLOSED);
    assert_int_equal(set(2, 0), 0);
    struct event event;
    struct opening_changed_event changed;
    assert_true(world_event(&world, 0, &event) && event.type == T_OPENING_CHANGED);
    opening_changed_event_get(event.payload, &changed);
    assert_true(changed.per_hour == 2 && changed.approval == 0);
    assert_int_equal(engine_params(world.engine)->open_per_hour, 2);

    assert_int_equal(open_account(1), 0);
    struct account_created_event created;
    assert_int_equal(world.out.count, 1);
    assert_true(world_event(&world, 0, &event) && event.type == T_ACCOUNT_CREATED);
    account_created_event_get(event.payload, &created);
    assert_true(created.account == 1 && created.tier == 0 && created.public_key[0] == 1);
    assert_int_equal(set(0, 0), 0);
    assert_int_equal(open_account(2), REJECT_OPENING_CLOSED);
    assert_int_equal(set(1, 2), REJECT_OPENING_SPEC);
    world_close(&world);
}

/* A key has one account, and is told so even where no more are opened; no key is nobody's. */
TEST(opening, a_key_has_one_account)
{
    open_under(PARAMS_RULES_OPENING, 8);
    assert_int_equal(set(9, 0), 0);
    assert_int_equal(open_account(1), 0);
    assert_int_equal(open_account(1), REJECT_ALREADY_EXISTS);
    assert_int_equal(open_account(0), REJECT_KEY_SPEC);
    assert_int_equal(set(0, 0), 0);
    assert_int_equal(open_account(1), REJECT_ALREADY_EXISTS);
    assert_int_equal(engine_counts(world.engine).accounts, 1);
    world_close(&world);
}

/* So many in an hour of the log's time; who is refused does not count. */
TEST(opening, an_hour_has_so_many)
{
    open_under(PARAMS_RULES_OPENING, 16);
    assert_int_equal(set(2, 0), 0);
    assert_int_equal(open_account(1), 0);
    assert_int_equal(open_account(1), REJECT_ALREADY_EXISTS);
    assert_int_equal(open_account(2), 0);
    assert_int_equal(open_account(3), REJECT_OPENINGS_MANY);
    world.stamp_ns = 1001 * HOUR - 1;
    assert_int_equal(open_account(3), REJECT_OPENINGS_MANY);
    world.stamp_ns = 1001 * HOUR;
    assert_int_equal(open_account(3), 0);
    assert_int_equal(open_account(4), 0);
    assert_int_equal(open_account(5), REJECT_OPENINGS_MANY);
    assert_int_equal(set(3, 0), 0);
    assert_int_equal(open_account(5), 0);
    assert_int_equal(open_account(6), REJECT_OPENINGS_MANY);
    world_close(&world);
}

/* One account in eight is left to operators, however many strangers come. */
TEST(opening, strangers_do_not_take_all)
{
    open_under(PARAMS_RULES_OPENING, 16);
    assert_int_equal(set(1000, 0), 0);
    for (uint8_t key = 1; key <= 14; key++)
        assert_int_equal(open_account(key), 0);
    assert_int_equal(open_account(15), REJECT_ACCOUNTS_FULL);
    assert_int_equal(world_account(&world, 0, 0, 0), 15);
    assert_int_equal(world_account(&world, 0, 0, 0), 16);
    world_close(&world);
}

/* Where operators ask for it, an account can do nothing until one of them has approved of it, whatever it has. */
TEST(opening, who_waits_can_do_nothing)
{
    open_under(PARAMS_RULES_OPENING, 8);
    assert_int_equal(set(9, 1), 0);
    assert_int_equal(open_account(1), 0);
    assert_int_equal(world_events_of(&world, T_ACCOUNT_CREATED), 1);
    assert_int_equal(world_events_of(&world, T_ACCOUNT_PENDING), 1);
    const struct credit_command money = {
        .nonce = ++world.nonce, .account = 1, .asset = USD, .amount = {1000}};
    assert_int_equal(world_credit(&world, money), 0);
    assert_int_equal(place(1), REJECT_ACCOUNT_PENDING);
    assert_int_equal(world_cancel_all(&world, (struct cancel_all_command){.account = 1}),
                     REJECT_ACCOUNT_PENDING);
    assert_int_equal(world_withdraw(&world, (struct withdraw_command){.account = 1}),
                     REJECT_ACCOUNT_PENDING);
    assert_int_equal(world_key_create(&world, (struct key_create_command){.account = 1}),
                     REJECT_ACCOUNT_PENDING);
    assert_int_equal(place(2), REJECT_UNKNOWN_ACCOUNT);
    assert_int_equal(approve(2), REJECT_UNKNOWN_ACCOUNT);
    assert_int_equal(approve(1), 0);
    assert_int_equal(world_events_of(&world, T_ACCOUNT_PENDING), 1);
    assert_int_equal(approve(1), REJECT_NOT_PENDING);
    assert_int_equal(place(1), 0);
    world_close(&world);
}

/* Whoever was there before, or was made by an operator, does not wait. */
TEST(opening, only_those_who_open_themselves_wait)
{
    open_under(PARAMS_RULES_OPENING, 8);
    assert_int_equal(set(9, 1), 0);
    assert_int_equal(world_account(&world, 0, 0, 1000), 1);
    assert_int_equal(open_account(1), 0);
    assert_int_equal(set(9, 0), 0);
    assert_int_equal(open_account(2), 0);
    assert_int_equal(approve(1), REJECT_NOT_PENDING);
    assert_int_equal(approve(3), REJECT_NOT_PENDING);
    assert_int_equal(place(1), 0);
    assert_int_equal(place(2), REJECT_ACCOUNT_PENDING);
    world_close(&world);
}

/* Who waits, and how many there were in the hour, is in the snapshot; what cannot be is refused. */
TEST(opening, is_in_the_snapshot)
{
    static struct world twin;
    static const struct {
        enum snapshot_section section;
        size_t offset;
        uint8_t value;
    } lies[] = {
        {SNAPSHOT_OPENINGS, 2, 1},                       /* an hour to come */
        {SNAPSHOT_OPENINGS, 4, 9},                       /* more than there are accounts */
        {SNAPSHOT_OPENINGS, 4, 0},                       /* none, and an hour */
        {SNAPSHOT_ACCOUNTS, SNAPSHOT_ACCOUNTS_BYTES, 4}, /* neither frozen nor waiting */
    };
    open_under(PARAMS_RULES_OPENING, 16);
    assert_int_equal(set(2, 1), 0);
    assert_int_equal(open_account(1), 0);
    assert_int_equal(open_account(2), 0);
    assert_int_equal(approve(1), 0);
    struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    twin = world;
    assert_int_equal(snapshots_restore(&twin, &snapshot), STATUS_OK);
    assert_true(engine_check(twin.engine));
    const struct snapshot_bytes again = snapshots_of(twin.engine, &world.genesis);
    assert_int_equal(again.count, snapshot.count);
    assert_memory_equal(again.bytes, snapshot.bytes, again.count);
    free(again.bytes);
    const struct order_place_command order = world_limit(2, BUY, 1, 10);
    assert_int_equal(world_order_place(&twin, order), REJECT_ACCOUNT_PENDING);
    assert_int_equal(world_account_open(&twin, (struct account_open_command){.public_key = {3}}),
                     REJECT_OPENINGS_MANY);
    world_close(&twin);

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, lies[i].section, 0) + lies[i].offset;
        if (lies[i].section == SNAPSHOT_ACCOUNTS) at--; /* the last byte */
        const uint8_t kept = *at;
        *at = lies[i].value;
        snapshots_rehash(&snapshot);
        assert_int_equal(snapshots_restore(&twin, &snapshot), STATUS_MALFORMED);
        *at = kept;
    }
    free(snapshot.bytes);
    world_close(&world);
}

/* Below rules 8 nothing of it is there. */
TEST(opening, comes_with_rules_8)
{
    open_under(PARAMS_RULES_OPENING - 1, 8);
    assert_int_equal(set(9, 1), REJECT_RULES);
    assert_int_equal(open_account(1), REJECT_RULES);
    assert_int_equal(approve(1), REJECT_RULES);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_OPENING};
    assert_int_equal(world_rules_set(&world, rules), 0);
    assert_int_equal(set(9, 1), 0);
    assert_int_equal(open_account(1), 0);
    world_close(&world);
}
