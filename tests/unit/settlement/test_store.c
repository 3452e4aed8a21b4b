#include "settlement/store.h"

#include "settlement/posting.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world_custody.h"

#define ROWS_MAX 4096

/* Keeps every row it is given. */
struct kept {
    struct fill_row fills[ROWS_MAX];
    struct order_row orders[ROWS_MAX];
    struct entry_row entries[ROWS_MAX];
    struct candle_row candles[ROWS_MAX];
    struct balance_row balances[ROWS_MAX];
    struct prevented_row prevented[ROWS_MAX];
    struct amended_row amended[ROWS_MAX];
    struct list_row lists[ROWS_MAX];
    struct list_end_row list_ends[ROWS_MAX];
    struct deposit_row deposits[ROWS_MAX];
    struct withdrawal_row withdrawals[ROWS_MAX];
    struct address_row addresses[ROWS_MAX];
    uint32_t deposit_count, withdrawal_count, address_count;
    uint32_t fill_count, order_count, entry_count, candle_count, balance_count, block_count,
        account_count, asset_count, market_count, prevented_count, amended_count, list_count,
        list_end_count;
};

static void on_block(void *context, const struct block_row *row)
{
    (void)row;
    ((struct kept *)context)->block_count++;
}
static void on_fill(void *context, const struct fill_row *row)
{
    struct kept *kept = context;
    kept->fills[kept->fill_count++] = *row;
}
static void on_order(void *context, const struct order_row *row)
{
    struct kept *kept = context;
    kept->orders[kept->order_count++] = *row;
}
static void on_entry(void *context, const struct entry_row *row)
{
    struct kept *kept = context;
    kept->entries[kept->entry_count++] = *row;
}
static void on_account(void *context, const struct account_row *row)
{
    (void)row;
    ((struct kept *)context)->account_count++;
}
static void on_asset(void *context, uint16_t index, const struct asset *asset)
{
    (void)asset;
    assert_int_equal(index, ((struct kept *)context)->asset_count++);
}
static void on_market(void *context, uint16_t index, const struct market *market)
{
    (void)market;
    assert_int_equal(index, ((struct kept *)context)->market_count++);
}
static void on_candle(void *context, const struct candle_row *row)
{
    struct kept *kept = context;
    kept->candles[kept->candle_count++] = *row;
}
static void on_balance(void *context, const struct balance_row *row)
{
    struct kept *kept = context;
    kept->balances[kept->balance_count++] = *row;
}

static void on_prevented(void *context, const struct prevented_row *row)
{
    struct kept *kept = context;
    kept->prevented[kept->prevented_count++] = *row;
}
static void on_list(void *context, const struct list_row *row)
{
    struct kept *kept = context;
    kept->lists[kept->list_count++] = *row;
}
static void on_list_end(void *context, const struct list_end_row *row)
{
    struct kept *kept = context;
    kept->list_ends[kept->list_end_count++] = *row;
}

static void on_deposit(void *context, const struct deposit_row *row)
{
    struct kept *kept = context;
    kept->deposits[kept->deposit_count++] = *row;
}
static void on_withdrawal(void *context, const struct withdrawal_row *row)
{
    struct kept *kept = context;
    kept->withdrawals[kept->withdrawal_count++] = *row;
}
static void on_address(void *context, const struct address_row *row)
{
    struct kept *kept = context;
    kept->addresses[kept->address_count++] = *row;
}

static void on_amended(void *context, const struct amended_row *row)
{
    struct kept *kept = context;
    assert_true(kept->amended_count < ROWS_MAX);
    kept->amended[kept->amended_count++] = *row;
}

static struct store_sink sink_of(struct kept *kept)
{
    return (struct store_sink){kept,         on_block,  on_fill,     on_order,   on_entry,
                               on_account,   on_asset,  on_market,   on_candle,  on_balance,
                               on_prevented, on_list,   on_list_end, on_deposit, on_withdrawal,
                               on_address,   on_amended};
}

struct fixture {
    struct world *world;
    struct arena arena;
    struct store *store;
    struct kept *kept;
    struct store_sink sink;
};

static struct fixture setup_with(void (*adjust)(struct genesis *))
{
    struct fixture f = {.world = world_new_with(adjust), .kept = calloc(1, sizeof(struct kept))};
    if (!arena_map(&f.arena, store_bytes(&f.world->genesis))) abort();
    f.store = store_new(&f.arena, &f.world->genesis);
    f.sink = sink_of(f.kept);
    assert_non_null(f.store);
    return f;
}

static struct fixture setup(void)
{
    return setup_with(NULL);
}

static void teardown(struct fixture *f)
{
    arena_unmap(&f->arena);
    world_free(f->world);
    free(f->kept);
}

static enum status project(struct fixture *f, uint64_t height)
{
    struct block_bytes block;
    assert_int_equal(world_read(f->world, height, &block), STATUS_OK);
    f->kept->asset_count = f->kept->market_count = 0;
    return store_block(f->store, &block, &f->sink);
}

static int64_t entry_sum(const struct kept *kept, int32_t account, uint16_t asset, bool held)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < kept->entry_count; i++) {
        const struct entry_row *row = &kept->entries[i];
        if (row->account == account && row->asset == asset)
            sum += held ? row->held.units : row->available.units;
    }
    return sum;
}

/* Deposits and withdrawals: a row each time one changed, and entries that sum to what the balances say. */
TEST(store, custody_is_booked_by_what_moved)
{
    struct fixture f = setup_with(world_with_house);
    struct custody custody;
    custody_open(&custody, f.world);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 0);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    custody_approve(&custody, 1);
    custody_tell(&custody, 2, WITHDRAWAL_FAILED);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    custody_tell(&custody, 1, WITHDRAWAL_BROADCAST);
    custody_tell(&custody, 1, WITHDRAWAL_FINAL);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    for (uint64_t height = 1; height <= 3; height++)
        assert_int_equal(project(&f, height), STATUS_OK);

    assert_int_equal(f.kept->address_count, 2);
    assert_string_equal(f.kept->addresses[1].text, "w3");
    assert_int_equal(f.kept->addresses[1].address.kind, ADDRESS_WITHDRAWAL);
    assert_int_equal(f.kept->addresses[1].time_ns, f.world->stamp_ns);
    assert_int_equal(store_deposits(f.store), 1);
    assert_int_equal(store_withdrawals(f.store), 2);
    assert_int_equal(f.kept->deposit_count, 2);
    assert_int_equal(f.kept->deposits[1].deposit.credited.units, 7000);
    assert_int_equal(f.kept->withdrawal_count, 6);
    assert_int_equal(f.kept->withdrawals[5].withdrawal.state, WITHDRAWAL_FINAL);
    assert_string_equal(f.kept->withdrawals[5].address, "w3");
    assert_string_equal(f.kept->withdrawals[5].client_id, "1");
    assert_int_equal(entry_sum(f.kept, POSTING_IN_FLIGHT, BTC, false), 0);
    assert_int_equal(entry_sum(f.kept, 1, BTC, false), 100000000000 + 7000);
    assert_int_equal(entry_sum(f.kept, 3, BTC, false), 100000000000 - 9000);
    assert_int_equal(entry_sum(f.kept, 3, BTC, true), 0);
    assert_int_equal(entry_sum(f.kept, POSTING_EXTERNAL, BTC, false), -7000 + 9000);
    assert_int_equal(entry_sum(f.kept, POSTING_HOUSE, BTC, false), -400000000000);
    teardown(&f);
}

/* Of one that is final its fee is in fees, by a kind of its own; of one that failed it came back. Its row has it. */
TEST(store, a_withdrawals_fee_is_booked_when_it_is_final)
{
    struct fixture f = setup_with(world_with_house);
    struct custody custody;
    custody_open(&custody, f.world);
    if (settlement_rules(f.world->settlement) < PARAMS_RULES_RELEASE)
        custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    custody_charges(&custody, 70);
    custody_withdraw(&custody, 4000);
    custody_withdraw(&custody, 3000);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    for (uint64_t number = 1; number <= 2; number++)
        custody_tell(&custody, number, WITHDRAWAL_BROADCAST);
    custody_tell(&custody, 1, WITHDRAWAL_FINAL);
    custody_tell(&custody, 2, WITHDRAWAL_FAILED);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    for (uint64_t height = 1; height <= 2; height++)
        assert_int_equal(project(&f, height), STATUS_OK);
    assert_int_equal(f.kept->withdrawals[0].withdrawal.fee.units, 70);
    assert_int_equal(f.kept->withdrawals[0].withdrawal.paid.units, 3930);
    assert_int_equal(entry_sum(f.kept, POSTING_FEES, BTC, false), 70);
    assert_int_equal(entry_sum(f.kept, POSTING_IN_FLIGHT, BTC, false), 0);
    assert_int_equal(entry_sum(f.kept, POSTING_EXTERNAL, BTC, false), 3930);
    assert_int_equal(entry_sum(f.kept, 3, BTC, false), 100000000000 - 4000);
    int64_t charged = 0;
    for (uint32_t i = 0; i < f.kept->entry_count; i++)
        if (f.kept->entries[i].kind == POSTING_CHARGE)
            charged += llabs(f.kept->entries[i].available.units);
    assert_int_equal(charged, 2 * 70);
    teardown(&f);
}

/* One block, every kind of row, each figure by hand. */
TEST(store, known_block_gives_known_rows)
{
    struct fixture f = setup();
    world_sell(f.world, 1, 3000001, 3);
    f.world->stamp_ns += 1500000000;
    world_buy(f.world, 2, 3000100, 3);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);

    assert_int_equal(f.kept->block_count, 1);
    assert_int_equal(f.kept->account_count, 4);
    assert_int_equal(f.kept->asset_count, 2);
    assert_int_equal(f.kept->market_count, 1);
    assert_int_equal(f.kept->fill_count, 1);
    const struct fill_row *fill = &f.kept->fills[0];
    assert_int_equal(fill->fill.price.ticks, 3000001);
    assert_int_equal(fill->maker_fee.units, 90001);
    assert_int_equal(fill->taker_fee.units, 3);
    assert_int_equal(fill->ordinal, 1);
    assert_int_equal(fill->time_ns, 1700000001500000000u);
    assert_int_equal(f.kept->order_count, 2);
    assert_string_equal(f.kept->orders[0].client_id, "c1");
    assert_int_equal(f.kept->orders[0].closed_ns, 1700000001500000000u);
    assert_int_equal(f.kept->orders[1].done.status, ORDER_FILLED);

    store_flush(f.store, &f.sink);
    assert_int_equal(f.kept->candle_count, INTERVAL_COUNT);
    assert_int_equal(f.kept->candles[0].open_ns, 1700000001000000000u);
    assert_int_equal(f.kept->candles[0].volume, 3);
    assert_int_equal(f.kept->candles[0].quote_volume, 90000030);
    assert_int_equal(f.kept->candles[0].taker_volume, 3);
    store_flush(f.store, &f.sink);
    assert_int_equal(f.kept->candle_count, INTERVAL_COUNT); /* once */

    assert_int_equal(store_dirty_accounts(f.store), 4);
    store_balances(f.store, &f.sink);
    assert_int_equal(f.kept->balance_count, 8);
    assert_int_equal(store_dirty_accounts(f.store), 0);
    teardown(&f);
}

/* Ledger entries tell the whole story without any state carried over: by account they add up to its
 * balances, by asset to zero, whatever happened to an order in whichever block. */
TEST(store, entries_add_up_to_balances_and_to_zero)
{
    struct fixture f = setup();
    uint64_t seed = 0x57042e;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 600; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(f.world, seed >> 20);
        if ((seed >> 33) % 23 == 0) assert_int_equal(world_seal(f.world), STATUS_OK);
    }
    assert_int_equal(world_seal(f.world), STATUS_OK);
    for (uint64_t height = 1; height <= f.world->height; height++) {
        /* A store that was born a moment ago does the same: nothing is remembered but listings and
         * balances. */
        const struct params params = *store_params(f.store);
        store_reset(f.store);
        for (uint16_t i = 0; i < params.asset_count; i++)
            assert_true(store_list_asset(f.store, i, &params.assets[i]));
        for (uint16_t i = 0; i < params.market_count; i++) {
            const struct market *market = &params.markets[i];
            struct market_create_command listing = {.base = market->base,
                                                    .quote = market->quote,
                                                    .tick_units = market->tick_units,
                                                    .lot_units = market->lot_units,
                                                    .price_min = market->price_min,
                                                    .price_max = market->price_max,
                                                    .qty_min = market->qty_min,
                                                    .qty_max = market->qty_max,
                                                    .notional_min = market->notional_min,
                                                    .account_orders_max =
                                                        market->account_orders_max};
            memcpy(listing.symbol, market->symbol, sizeof(listing.symbol));
            assert_true(store_list_market(f.store, i, &listing));
        }
        for (uint32_t i = 0; i < f.kept->balance_count; i++)
            assert_true(store_load_balance(f.store, &f.kept->balances[i]));
        assert_int_equal(project(&f, height), STATUS_OK);
        store_balances(f.store, &f.sink);
    }
    assert_true(f.world->trade_id > 100);
    assert_int_equal(f.kept->fill_count, f.world->trade_id);
    for (uint16_t asset = 0; asset < 2; asset++) {
        int64_t sum = 0;
        for (int32_t account = POSTING_EXTERNAL; account <= 4; account++) {
            sum +=
                entry_sum(f.kept, account, asset, false) + entry_sum(f.kept, account, asset, true);
            if (account < 1) continue;
            assert_int_equal(entry_sum(f.kept, account, asset, false),
                             f.world->available[account][asset]);
            assert_int_equal(entry_sum(f.kept, account, asset, true),
                             f.world->held[account][asset]);
        }
        assert_int_equal(sum, 0);
    }
    teardown(&f);
}

static void with_rebate(struct genesis *genesis)
{
    genesis->params.tiers[0].maker_ppm = -500;
}

/* What is not plain: a stop's terms, a prevented match, a list from its first order to its end, and a
 * rebate in the asset that the maker gave. */
TEST(store, terms_lists_prevention_and_rebates_have_rows)
{
    struct fixture f = setup_with(with_rebate);
    const struct world_order taker = {.account = 3,
                                      .side = BUY,
                                      .type = LIMIT,
                                      .price = 3000000,
                                      .qty = 5,
                                      .mode = SELF_TRADE_DECREMENT};
    const struct world_order pair[] = {
        {.account = 4, .side = SELL, .type = LIMIT_MAKER, .price = 3000100, .qty = 2},
        {.account = 4,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = 2999900,
         .price = 2999000,
         .qty = 2}};
    world_sell(f.world, 3, 3000000, 3);
    world_enter(f.world, &taker);
    world_sell(f.world, 2, 3000000, 2); /* into what is left: account 3 makes, with a rebate */
    f.world->stamp_ns += 5;
    const uint64_t first = world_place_list(f.world, LIST_OCO, pair);
    f.world->stamp_ns += 7;
    world_buy(f.world, 1, 3000100, 2);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);

    assert_int_equal(f.kept->prevented_count, 1);
    assert_int_equal(f.kept->prevented[0].prevented.maker_qty.lots, 3);
    assert_int_equal(f.kept->prevented[0].prevented.taker_qty.lots, 3);
    assert_int_equal(f.kept->prevented[0].time_ns, 1700000000000000000u);
    assert_int_equal(f.kept->orders[0].terms.prevented.lots, 3);
    assert_int_equal(f.kept->orders[0].done.reason, DONE_SELF_TRADE);

    /* 60,000,000 of quote given at -0.05%. */
    assert_int_equal(f.kept->fills[0].maker_fee.units, 0);
    assert_int_equal(f.kept->fills[0].maker_rebate.units, 30000);
    assert_true(f.kept->fills[0].taker_fee.units >= 30000);

    assert_int_equal(f.kept->list_count, 1);
    assert_int_equal(f.kept->lists[0].accepted.kind, LIST_OCO);
    assert_int_equal(f.kept->lists[0].accepted.a_order, first);
    assert_int_equal(f.kept->lists[0].time_ns, 1700000000000000005u);
    assert_int_equal(f.kept->list_end_count, 1);
    assert_int_equal(f.kept->list_ends[0].list_id, 1);
    assert_int_equal(f.kept->list_ends[0].time_ns, 1700000000000000012u);
    const struct order_row *stop = &f.kept->orders[3];
    assert_int_equal(stop->done.reason, DONE_OCO);
    assert_int_equal(stop->terms.list_id, 1);
    assert_int_equal(stop->terms.stop_price.ticks, 2999900);
    assert_int_equal(f.kept->orders[2].terms.order_id, 0); /* a plain order */
    teardown(&f);
}

/* As a store that begins where one that gave out its balances stood: open orders are not known. */
static void begin_anew(struct fixture *f)
{
    store_reset(f->store);
    assert_int_equal(project(f, 1), STATUS_OK); /* what is listed, and no order */
    for (uint32_t i = 0; i < f->kept->balance_count; i++)
        assert_true(store_load_balance(f->store, &f->kept->balances[i]));
}

static void assert_fill_lists(const struct kept *kept, uint32_t fill, uint64_t maker_list,
                              uint64_t taker_list)
{
    assert_int_equal(kept->fills[fill].maker_list, maker_list);
    assert_int_equal(kept->fills[fill].taker_list, taker_list);
}

/* A fill's row says of which list each side's order is: known from its acceptance on, or told when the store began. */
TEST(store, fills_say_of_which_list_their_orders_are)
{
    struct fixture f = setup();
    const struct world_order pair[] = {
        {.account = 4, .side = SELL, .type = LIMIT_MAKER, .price = 3000100, .qty = 3},
        {.account = 4,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = 2999900,
         .price = 2999000,
         .qty = 3}};
    assert_int_equal(world_seal(f.world), STATUS_OK);
    world_sell(f.world, 2, 3000000, 1);
    world_buy(f.world, 1, 3000000, 1); /* a last price for the stop */
    const uint64_t maker = world_place_list(f.world, LIST_OCO, pair);
    world_buy(f.world, 1, 3000100, 1);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    world_buy(f.world, 1, 3000100, 1);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);
    assert_int_equal(project(&f, 2), STATUS_OK);
    store_balances(f.store, &f.sink);
    assert_int_equal(project(&f, 3), STATUS_OK);
    assert_fill_lists(f.kept, 0, 0, 0);
    assert_fill_lists(f.kept, 1, 1, 0);
    assert_fill_lists(f.kept, 2, 1, 0);

    begin_anew(&f);
    assert_int_equal(project(&f, 3), STATUS_OK);
    assert_fill_lists(f.kept, 3, 0, 0);
    begin_anew(&f);
    assert_true(store_load_order(f.store, 0, maker, 1));
    assert_int_equal(project(&f, 3), STATUS_OK);
    assert_fill_lists(f.kept, 4, 1, 0);
    teardown(&f);
}

static void assert_amended(const struct kept *kept, uint32_t index, const char *former,
                           const char *name, int64_t before, int64_t qty)
{
    const struct amended_row *row = &kept->amended[index];
    assert_string_equal(row->former_client_id, former);
    assert_string_equal(row->client_id, name);
    assert_int_equal(row->amended.qty_before.lots, before);
    assert_int_equal(row->amended.qty.lots, qty);
}

/* What an order was called is known from its acceptance or its amendment before, or from the command; of an order that was
 * open already when the store began, and was asked for by its id alone, it is not. */
TEST(store, amendments_have_rows_with_both_names)
{
    struct fixture f = setup();
    assert_int_equal(world_seal(f.world), STATUS_OK);
    const uint64_t order = world_sell(f.world, 2, 3000000, 9);
    f.world->amends_unnamed = true;
    assert_int_equal(world_seal(f.world), STATUS_OK);
    f.world->stamp_ns += 5;
    world_amend(f.world, order, 8);
    world_amend(f.world, order, 7);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    f.world->amends_unnamed = false;
    world_amend(f.world, order, 6);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);
    assert_int_equal(project(&f, 2), STATUS_OK);
    store_balances(f.store, &f.sink);
    assert_int_equal(project(&f, 3), STATUS_OK);
    assert_amended(f.kept, 0, "c1", "c1", 9, 8);
    assert_amended(f.kept, 1, "c1", "c1", 8, 7);
    assert_int_equal(f.kept->amended[1].time_ns, 1700000000000000005u);
    assert_int_equal(f.kept->amended[1].command, f.kept->amended[0].command + 1);
    assert_int_equal(f.kept->amended[1].amended.order_id, order);
    assert_int_equal(f.kept->amended[1].amended.account, 2);

    begin_anew(&f);
    assert_int_equal(project(&f, 3), STATUS_OK);
    assert_amended(f.kept, 2, "", "c1", 9, 8);
    assert_amended(f.kept, 3, "c1", "c1", 8, 7);
    store_balances(f.store, &f.sink);
    begin_anew(&f);
    assert_int_equal(project(&f, 4), STATUS_OK);
    assert_amended(f.kept, 4, "c1", "c1", 7, 6);
    teardown(&f);
}

/* Orders that have ended make room: more come one after another than may be open at once. */
TEST(store, orders_that_have_ended_are_forgotten)
{
    struct fixture f = setup();
    const uint32_t orders_max = f.world->genesis.params.orders_max;
    while (f.world->order_id <= 2 * (uint64_t)orders_max) {
        world_sell(f.world, 1, 3000000, 1);
        world_buy(f.world, 2, 3000000, 1);
        if (f.world->order_id % 20 != 0) continue;
        assert_int_equal(world_seal(f.world), STATUS_OK);
        assert_int_equal(project(&f, f.world->height), STATUS_OK);
        memset(f.kept, 0, sizeof(*f.kept));
    }
    teardown(&f);
}

/* A balance that is not what the facts and a move between its two amounts make of the one before. */
TEST(store, balances_that_do_not_follow_are_malformed)
{
    struct fixture f = setup();
    assert_int_equal(world_seal(f.world), STATUS_OK);
    world_sell(f.world, 1, 3000001, 3);
    world_buy(f.world, 2, 3000100, 3);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);
    assert_int_equal(project(&f, 2), STATUS_OK);

    store_reset(f.store);
    assert_int_equal(project(&f, 1), STATUS_OK);
    const struct balance_row wrong = {.account = 2, .asset = BTC, .available = {99999999999}};
    assert_true(store_load_balance(f.store, &wrong));
    assert_int_equal(project(&f, 2), STATUS_MALFORMED);

    struct balance_row impossible = wrong;
    impossible.held.units = -1;
    assert_false(store_load_balance(f.store, &impossible));
    impossible = (struct balance_row){.account = 101};
    assert_false(store_load_balance(f.store, &impossible));
    teardown(&f);
}

/* A candle comes out once a flush, with all that fell into it, and the next minute is another. */
TEST(store, candles_are_increments_cut_at_each_interval)
{
    struct fixture f = setup();
    const int64_t prices[] = {3000000, 3000500, 2999500, 3000100};
    for (size_t i = 0; i < 4; i++) {
        world_sell(f.world, 1, prices[i], 2);
        world_buy(f.world, 2, prices[i], 2);
        if (i == 2) f.world->stamp_ns += 61000000000;
    }
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(project(&f, 1), STATUS_OK);
    store_flush(f.store, &f.sink);
    uint32_t minutes = 0;
    for (uint32_t i = 0; i < f.kept->candle_count; i++) {
        const struct candle_row *row = &f.kept->candles[i];
        if (row->interval == INTERVAL_1M && minutes++ == 0) {
            assert_int_equal(row->open.ticks, 3000000);
            assert_int_equal(row->high.ticks, 3000500);
            assert_int_equal(row->low.ticks, 2999500);
            assert_int_equal(row->close.ticks, 2999500);
            assert_int_equal(row->fill_count, 3);
            assert_int_equal(row->volume, 6);
        }
        if (row->interval == INTERVAL_1D) assert_int_equal(row->fill_count, 4);
    }
    assert_int_equal(minutes, 2);
    teardown(&f);
}

/* A body whose events do not follow one another gives a status, never a wrong row unnoticed. */
TEST(store, altered_bodies_are_malformed)
{
    struct fixture f = setup();
    world_sell(f.world, 1, 3000001, 3);
    world_buy(f.world, 2, 3000100, 3);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    struct world_block *block = &f.world->blocks[0];
    uint8_t *bytes = block->body;
    const size_t byte_count = block->body_bytes;

    block->body_bytes--;
    assert_int_equal(project(&f, 1), STATUS_MALFORMED);
    block->body_bytes = byte_count;
    store_reset(f.store);
    bytes[0] ^= 1; /* the first command's number */
    assert_int_equal(project(&f, 1), STATUS_MALFORMED);
    bytes[0] ^= 1;
    store_reset(f.store);
    bytes[24]++; /* its event count */
    assert_int_equal(project(&f, 1), STATUS_MALFORMED);
    bytes[24]--;
    store_reset(f.store);
    block->header[52]++; /* fill_count */
    assert_int_equal(project(&f, 1), STATUS_MALFORMED);
    block->header[52]--;
    store_reset(f.store);
    assert_int_equal(project(&f, 1), STATUS_OK);
    teardown(&f);
}

/* After a restart the balances between table and cursor are read again, and nothing else. */
TEST(store, balances_alone_can_be_read_again)
{
    struct fixture f = setup();
    world_seal(f.world);
    assert_int_equal(project(&f, 1), STATUS_OK);
    store_balances(f.store, &f.sink);
    world_credit(f.world, 3, USDT, 5);
    world_seal(f.world);
    f.kept->balance_count = f.kept->entry_count = 0;
    struct block_bytes block;
    assert_int_equal(world_read(f.world, 2, &block), STATUS_OK);
    assert_int_equal(store_block_balances(f.store, &block), STATUS_OK);
    store_balances(f.store, &f.sink);
    assert_int_equal(f.kept->entry_count, 0);
    assert_int_equal(f.kept->balance_count, 1);
    assert_int_equal(f.kept->balances[0].account, 3);
    assert_int_equal(f.kept->balances[0].available.units, 10000000000000005);
    assert_int_equal(f.kept->balances[0].height, 2);
    teardown(&f);
}
