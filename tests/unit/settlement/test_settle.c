#include "settlement/settle.h"

#include "tests/harness.h"
#include "tests/unit/settlement/crowd.h"
#include "tests/unit/settlement/world.h"

static int64_t available(const struct world *world, uint32_t account, uint16_t asset)
{
    return settlement_available(world->settlement, account, asset).units;
}

static int64_t held(const struct world *world, uint32_t account, uint16_t asset)
{
    return settlement_held(world->settlement, account, asset).units;
}

static void expect_agreement(struct world *world)
{
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    if (found != NULL)
        fail_msg("%s: account %u asset %u ours %lld theirs %lld command %llu", found->what,
                 found->account, found->asset, (long long)found->ours, (long long)found->theirs,
                 (unsigned long long)found->command);
    assert_int_equal(world->status, STATUS_OK);
    for (uint32_t account = 1; account <= world->account_count; account++)
        for (uint16_t asset = 0; asset < 2; asset++) {
            assert_int_equal(available(world, account, asset), world->available[account][asset]);
            assert_int_equal(held(world, account, asset), world->held[account][asset]);
        }
    assert_true(settle_check(world->settlement));
}

/* A fill at the maker's price: each pays in the asset received, rounded up; the buyer's surplus hold
 * is free at once. 3 lots at 30,000.01: 90,000,030,000... in units. */
TEST(settle, fill_moves_base_quote_and_fees)
{
    struct world *world = world_new();
    world_sell(world, 1, 3000001, 3);
    assert_int_equal(held(world, 1, BTC), 3000);
    world_buy(world, 2, 3000100, 5);

    /* 3 x 3,000,001 x 10 = 90,000,030 units of USDT change hands; 2 lots at the limit stay held. */
    assert_int_equal(held(world, 2, USDT), 2 * 3000100 * 10);
    assert_int_equal(available(world, 2, USDT), 10000000000000000 - 90000030 - 2 * 3000100 * 10);
    /* maker rate 0.1% of 90,000,030 = 90,000.03 -> 90,001; taker rate 0.0777% of 3,000 = 2.331 -> 3 */
    assert_int_equal(available(world, 1, USDT), 10000000000000000 + 90000030 - 90001);
    assert_int_equal(available(world, 2, BTC), 100000000000 + 3000 - 3);

    const struct totals btc = settlement_totals(world->settlement, BTC);
    const struct totals usdt = settlement_totals(world->settlement, USDT);
    assert_int_equal(btc.fees, 2);
    assert_int_equal(btc.rounding, 1);
    assert_int_equal(usdt.fees, 90000);
    assert_int_equal(usdt.rounding, 1);
    assert_int_equal(btc.external, 400000000000);
    assert_int_equal(world_seal(world), STATUS_OK);
    expect_agreement(world);
    world_free(world);
}

/* What operators credit is the house's promise: it shows in the totals as what the house lacks, while deposits minus
 * withdrawals stay what chains brought in. The root binds both. */
TEST(settle, credits_and_debits_are_the_houses)
{
    struct world *world = world_new_with(world_with_house);
    const struct totals before = settlement_totals(world->settlement, BTC);
    assert_int_equal(before.external, 0);
    assert_int_equal(before.house, -400000000000);
    assert_int_equal(before.users, 400000000000);
    assert_int_equal(world_seal(world), STATUS_OK);
    const struct settle_roots roots = world->roots;
    world_debit(world, 3, BTC, 12345);
    const struct totals after = settlement_totals(world->settlement, BTC);
    assert_int_equal(after.house, before.house + 12345);
    assert_int_equal(after.external, 0);
    assert_int_equal(world_seal(world), STATUS_OK);
    assert_false(hash_equal(world->roots.totals_root, roots.totals_root));
    expect_agreement(world);
    world_free(world);
}

/* Every way an order can go, against a matcher that shares no arithmetic with settlement. */
TEST(settle, agrees_with_a_naive_exchange_on_every_kind_of_order)
{
    struct world *world = world_new();
    const uint64_t low = world_buy(world, 1, 2999900, 7);
    world_sell(world, 2, 3000000, 4);
    world_sell(world, 3, 3000000, 5);
    world_sell(world, 4, 3000777, 9);
    world_buy(world, 1, 3000500, 6);                     /* two makers, one in part */
    world_place(world, 2, BUY, MARKET, 0, 5, 0);         /* by quantity */
    world_place(world, 3, BUY, MARKET, 0, 0, 123456789); /* by quote amount: a rest */
    world_place(world, 4, SELL, MARKET, 0, 3, 0);        /* into the bid */
    world_place(world, 4, SELL, MARKET, 0, 30, 0);       /* more than the book has */
    world_place(world, 1, SELL, LIMIT_MAKER, 3100000, 2, 0);
    world_sell(world, 1, 3000000, 2);
    world_buy(world, 1, 3000000, 2); /* with itself */
    assert_int_equal(world_seal(world), STATUS_OK);
    world_cancel(world, 1, low);
    world_cancel(world, 1, world_buy(world, 1, 2900000, 10));
    world_debit(world, 3, BTC, 12345);
    assert_int_equal(world_seal(world), STATUS_OK);
    expect_agreement(world);
    assert_int_equal(world->trade_id, 8);
    world_free(world);
}

/* Two thousand random commands in a hundred blocks. */
TEST(settle, agrees_with_a_naive_exchange_on_random_orders)
{
    struct world *world = world_new();
    uint64_t seed = 0x5eed15;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 2000 && world->status == STATUS_OK; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint64_t r = seed >> 33;
        const uint32_t account = (uint32_t)(1 + r % 4);
        const int64_t price = 3000000 + (int64_t)(r / 4 % 41) - 20,
                      qty = 1 + (int64_t)(r / 200 % 9);
        int open = 0;
        for (int k = 0; k < WORLD_ORDERS; k++)
            open += world->orders[k].account != 0;
        struct world_order *any = &world->orders[r / 7 % WORLD_ORDERS];
        if (open > 40 && any->account != 0)
            world_cancel(world, any->account, any->id);
        else if (open > 60)
            continue;
        else if (r % 11 == 0)
            world_place(world, account, r % 2 ? BUY : SELL, MARKET, 0, qty, 0);
        else
            world_place(world, account, r % 2 ? BUY : SELL, LIMIT, price, qty, 0);
        if (r % 20 == 0) world_seal(world);
    }
    world_seal(world);
    expect_agreement(world);
    assert_true(world->trade_id > 300);
    assert_true(world->height > 50);
    world_free(world);
}

/* And two thousand of every kind: stops that fire, icebergs, prevention, lists, amends. */
TEST(settle, agrees_with_a_naive_exchange_on_random_orders_of_every_kind)
{
    struct world *world = world_new();
    uint64_t seed = 0xa11;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 2000 && world->status == STATUS_OK; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(world, seed >> 20);
        if (i % 20 == 0) world_seal(world);
    }
    world_seal(world);
    expect_agreement(world);
    assert_true(world->trade_id > 300);
    assert_true(world->prevented_id > 20);
    assert_true(world->list_id > 50);
    world_free(world);
}

/* What the engine may get wrong, one thing at a time. Each must be found before the block ends. */
static const char *const plant_names[PLANT_SIMPLE_COUNT] = {
    [PLANT_HOLD] = "hold",
    [PLANT_HOLD_ASSET] = "asset held",
    [PLANT_NO_RELEASE] = "no release",
    [PLANT_DONE_KEEPS_HOLD] = "hold kept",
    [PLANT_FEE_SIDE] = "fee side",
    [PLANT_FEE_PAYER] = "fee payer",
    [PLANT_ROUNDING] = "rounding",
    [PLANT_RATE] = "rate",
    [PLANT_TRADE_ID] = "trade id",
    [PLANT_AGGREGATE_ID] = "aggregate id",
    [PLANT_ORDER_ID] = "order id",
    [PLANT_PRICE] = "price",
    [PLANT_OVERFILL] = "overfill",
    [PLANT_EXECUTED] = "executed",
    [PLANT_SILENT] = "silent",
    [PLANT_BALANCE] = "balance",
    [PLANT_CREDIT] = "credit",
    [PLANT_CREDIT_ACCOUNT] = "credit account",
    [PLANT_CANCEL_OTHER] = "cancel other",
};

static enum status play_with(struct world *world, enum plant plant)
{
    const uint64_t resting = world_buy(world, 3, 2900000, 4);
    world_sell(world, 1, 3000001, 3);
    if (world_seal(world) != STATUS_OK) return STATUS_OK; /* not the plant: fails the test below */
    world->plant = plant;
    world_buy(world, 2, 3000100, 5); /* two lots stay: the release is on its own */
    world_cancel(world, 3, resting);
    world_credit(world, 1, USDT, 500);
    return world_seal(world);
}

TEST(settle, every_planted_bug_of_the_engine_is_a_mismatch)
{
    for (enum plant plant = PLANT_NONE; plant < PLANT_SIMPLE_COUNT; plant++) {
        struct world *world = world_new();
        if (plant == PLANT_CANCEL_OTHER) world_sell(world, 4, 3900000, 1);
        const enum status status = play_with(world, plant);
        const struct settle_mismatch *found = settlement_mismatch(world->settlement);
        struct settle_roots roots;
        if (plant == PLANT_NONE) {
            assert_int_equal(status, STATUS_OK);
            assert_null(found);
        } else {
            if (status != STATUS_MISMATCH || found == NULL)
                fail_msg("not found: %s", plant_names[plant]);
            assert_true(found->command > 0);
            /* It stays: nothing makes this settlement sign again. */
            assert_int_equal(settle_block(world->settlement, world->height, &roots),
                             STATUS_MISMATCH);
        }
        world_free(world);
    }
}

/* The line with which a node stops names account, asset, both figures and the command. */
TEST(settle, mismatch_names_account_asset_figures_and_command)
{
    struct world *world = world_new();
    world_seal(world);
    world->plant = PLANT_BALANCE;
    world_credit(world, 2, USDT, 700);
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    assert_non_null(found);
    assert_string_equal(found->what, "available balance");
    assert_int_equal(found->account, 2);
    assert_int_equal(found->asset, USDT);
    assert_int_equal(found->ours, 10000000000000700);
    assert_int_equal(found->theirs, 10000000000000701);
    assert_int_equal(found->command, world->number);
    world_free(world);
}

/* Two settlements of one log have one root; another tree secret hides the same state otherwise, and
 * leaves totals and parameters alone. */
TEST(settle, roots_follow_from_log_and_secret)
{
    struct world *one = world_new(), *two = world_new(), *other = world_new();
    const uint8_t secret[32] = "another secret of thirty-two byt";
    arena_unmap(&other->arena);
    if (!arena_map(&other->arena, settlement_bytes(&other->genesis))) abort();
    other->settlement = settlement_new(&other->arena, &other->genesis, secret);
    const uint64_t plays = 3;
    /* `other` starts anew: play its commands again from the first. */
    struct world *worlds[] = {one, two};
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t k = 0; k < plays; k++)
            world_sell(worlds[i], 1, 3000000 + (int64_t)k, 2);
        assert_int_equal(world_seal(worlds[i]), STATUS_OK);
    }
    assert_memory_equal(&one->roots, &two->roots, sizeof(one->roots));

    struct settle_roots roots;
    const struct world_block *block = &one->blocks[0];
    const uint8_t *at = block->body;
    struct applied applied;
    while (applied_next(&at, block->body + block->body_bytes, &applied)) {
        struct command command;
        struct event event;
        assert_true(command_decode(applied.command, applied.command_length, &command));
        assert_int_equal(
            settle_command(other->settlement, applied.number, applied.stamp_ns, &command),
            STATUS_OK);
        const uint8_t *next = applied.events;
        while (event_next(&next, applied.events + applied.events_length, &event))
            assert_int_equal(settle_event(other->settlement, &event), STATUS_OK);
    }
    assert_int_equal(settle_block(other->settlement, 1, &roots), STATUS_OK);
    assert_false(hash_equal(roots.state_root, one->roots.state_root));
    assert_true(hash_equal(roots.totals_root, one->roots.totals_root));
    assert_true(hash_equal(roots.params_hash, one->roots.params_hash));

    /* A block that changes nothing keeps all three. */
    assert_int_equal(world_seal(one), STATUS_OK);
    assert_memory_equal(&one->roots, &two->roots, sizeof(one->roots));
    world_free(one);
    world_free(two);
    world_free(other);
}

/* The signature on an operator's credit is checked again here: another amount than was signed for,
 * or a signature of nobody, stops the node. */
TEST(settle, command_that_its_signer_did_not_ask_for_is_a_mismatch)
{
    struct world *world = world_new();
    uint8_t payload[256];
    const struct credit_command credit = {
        .nonce = ++world->nonce, .account = 1, .asset = BTC, .amount = {1000}};
    credit_command_put(payload, &credit);
    world_operate(world, T_CREDIT, payload, "action=credit&account=1&asset=BTC&amount=0.00000999");
    assert_int_equal(world->status, STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(world->settlement)->what, "signed text");
    assert_int_equal(settlement_mismatch(world->settlement)->command, world->number);
    world_free(world);

    world = world_new();
    world->operator_secret[40] ^= 1;
    world_credit(world, 1, BTC, 1000);
    assert_string_equal(settlement_mismatch(world->settlement)->what, "signature");
    world_free(world);
}

/* Where settlement stands is the last block's command and height, and its roots can be asked for again. */
TEST(settle, the_last_blocks_roots_can_be_asked_for)
{
    struct world *world = world_new();
    struct settle_roots roots;
    assert_int_equal(settlement_height(world->settlement), 0);
    assert_int_equal(world_seal(world), STATUS_OK);
    world_buy(world, 1, 3000000, 2);
    assert_int_equal(world_seal(world), STATUS_OK);
    assert_int_equal(settlement_height(world->settlement), 2);
    assert_int_equal(settlement_command(world->settlement), world->number);
    settlement_roots(world->settlement, &roots);
    assert_memory_equal(&roots, &world->roots, sizeof(roots));
    world_free(world);
}

/* Does the parts from the last to the first. */
static void backwards(void *context, sharing_part part, void *work, uint32_t count)
{
    *(uint32_t *)context += count;
    for (uint32_t i = count; i > 0; i--)
        part(work, i - 1);
}

/* A block's end in parts, taken in whatever order, has the roots that it has in one; and so has each block after it. */
TEST(settle, a_block_may_be_ended_in_parts)
{
    struct world *world = world_new();
    struct crowd parts, whole;
    uint32_t part_count = 0;
    const struct sharing sharing = {backwards, &part_count};
    crowd_make(&parts, world);
    crowd_make(&whole, world);
    settlement_share(parts.settlement, &sharing);
    const uint32_t moved[] = {CROWD_ACCOUNTS, 1, 0, 255, 256, 257, 2001, 4000};
    for (uint32_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        struct settle_roots left, right;
        crowd_move(&parts, i * 777, moved[i]);
        crowd_move(&whole, i * 777, moved[i]);
        const uint32_t before = part_count;
        assert_int_equal(crowd_seal(&parts, &left), STATUS_OK);
        assert_int_equal(crowd_seal(&whole, &right), STATUS_OK);
        assert_memory_equal(&left, &right, sizeof(left));
        assert_true(moved[i] < 256 ? part_count == before : part_count > before);
        for (uint32_t account = 1; account <= CROWD_ACCOUNTS; account += 97) {
            hash_t found;
            assert_true(account_tree_holds(parts.settlement->tree, account,
                                           settle_leaf_hash(parts.settlement, account), &found));
        }
    }
    crowd_free(&parts);
    crowd_free(&whole);
    world_free(world);
}

/* What differs in several parts is told of the account that moved first, whichever part was looked at first. */
TEST(settle, parts_tell_of_the_first_difference)
{
    struct world *world = world_new();
    struct crowd crowd;
    struct settle_roots roots;
    uint32_t part_count = 0;
    const struct sharing sharing = {backwards, &part_count};
    crowd_make(&crowd, world);
    settlement_share(crowd.settlement, &sharing);
    crowd_move(&crowd, 0, CROWD_ACCOUNTS);
    balance_sheet_cell(crowd.settlement->accounts, 4711, 0)->engine_held.units += 3;
    balance_sheet_cell(crowd.settlement->accounts, 1234, 1)->engine_available.units += 2;
    assert_int_equal(crowd_seal(&crowd, &roots), STATUS_MISMATCH);
    const struct settle_mismatch *found = settlement_mismatch(crowd.settlement);
    assert_int_equal(found->account, 1234);
    assert_int_equal(found->asset, 1);
    assert_string_equal(found->what, "available balance");
    assert_int_equal(found->theirs - found->ours, 2);
    assert_int_equal(found->height, 1);
    crowd_free(&crowd);
    world_free(world);
}

/* FNV-1a over all 36 bytes, which checkpoints have kept since there are client ids, wherever a name has zeros. */
TEST(settle, a_client_id_has_the_hash_it_always_had)
{
    uint64_t seed = 0xc11e;
    for (int i = 0; i < 20000; i++) {
        uint8_t id[36] = {0};
        uint64_t expected = 0xcbf29ce484222325u;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const size_t length = (seed >> 33) % 37;
        for (size_t k = 0; k < length; k++)
            id[k] = (uint8_t)((seed >> (k % 40)) % 3 == 0 ? 0 : seed >> (k % 50));
        for (size_t k = 0; k < sizeof(id); k++)
            expected = (expected ^ id[k]) * 0x100000001b3u;
        assert_true(client_hash(id) == expected);
    }
}
