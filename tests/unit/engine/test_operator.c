#include "tests/harness.h"

#include "common/reject.h"
#include "engine/operator.h"
#include "tests/unit/engine/world.h"

static struct asset_create_command asset(uint64_t nonce, const char *symbol, uint8_t decimals)
{
    struct asset_create_command create = {.nonce = nonce, .decimals = decimals};
    memcpy(create.symbol, symbol, strlen(symbol));
    return create;
}

static struct market_create_command listing(uint64_t nonce, const char *symbol)
{
    struct market_create_command create = {.nonce = nonce,
                                           .base = COIN,
                                           .quote = USD,
                                           .tick_units = 1,
                                           .lot_units = 1,
                                           .price_min = {1},
                                           .price_max = {100},
                                           .qty_min = {1},
                                           .qty_max = {100},
                                           .account_orders_max = 5};
    memcpy(create.symbol, symbol, strlen(symbol));
    return create;
}

/* A nonce rises per operator; the same again and a lower one are refused, another operator's is its own. */
TEST(operator, a_nonce_is_used_once)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    struct account_create_command create = {.nonce = 5};
    assert_int_equal(world_account_create(&world, create), REJECT_NONE);
    assert_int_equal(world_account_create(&world, create), REJECT_NONCE_USED);
    create.nonce = 4;
    assert_int_equal(world_account_create(&world, create), REJECT_NONCE_USED);
    create.operator_index = 1;
    assert_int_equal(world_account_create(&world, create), REJECT_NONE);
    create.operator_index = 2; /* there are two */
    assert_int_equal(world_account_create(&world, create), REJECT_UNKNOWN_OPERATOR);
    assert_int_equal(engine_counts(world.engine).accounts, 2);
    world_close(&world);
}

/* A refused command changes nothing, its nonce included. */
TEST(operator, a_refused_command_keeps_its_nonce)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(world_asset_create(&world, asset(7, "coin", 8)), REJECT_UNKNOWN_ASSET);
    assert_int_equal(world_asset_create(&world, asset(7, "GOLD", 8)), REJECT_NONE);
    world_close(&world);
}

TEST(operator, assets_are_refused_by_form_name_and_count)
{
    struct world world;
    world_prepare(&world);
    world_open(&world); /* two of four assets are there */
    assert_int_equal(world_asset_create(&world, asset(1, "A", 9)), REJECT_UNKNOWN_ASSET);
    assert_int_equal(world_asset_create(&world, asset(1, "", 8)), REJECT_UNKNOWN_ASSET);
    assert_int_equal(world_asset_create(&world, asset(1, "USD", 8)), REJECT_ALREADY_EXISTS);
    assert_int_equal(world_asset_create(&world, asset(1, "ABCDEFGHIJKL", 8)), REJECT_NONE);
    assert_int_equal(world_asset_create(&world, asset(2, "B", 0)), REJECT_NONE);
    assert_int_equal(world_asset_create(&world, asset(3, "C", 0)), REJECT_ASSETS_FULL);
    assert_int_equal(engine_params(world.engine)->asset_count, 4);
    assert_string_equal(engine_params(world.engine)->assets[2].symbol, "ABCDEFGHIJKL");
    world_close(&world);
}

TEST(operator, markets_are_refused_by_form_name_and_count)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.markets_max = 2;
    world_open(&world);
    struct market_create_command bad = listing(1, "X");
    bad.base = 2;
    assert_int_equal(world_market_create(&world, bad), REJECT_UNKNOWN_ASSET);
    bad = listing(1, "X");
    bad.quote = COIN;
    assert_int_equal(world_market_create(&world, bad), REJECT_MARKET_SPEC);
    bad = listing(1, "X");
    bad.price_max.ticks = INT64_MAX; /* the largest notional would overflow */
    assert_int_equal(world_market_create(&world, bad), REJECT_MARKET_SPEC);
    assert_int_equal(world_market_create(&world, listing(1, "COINUSD")), REJECT_ALREADY_EXISTS);
    assert_int_equal(world_market_create(&world, listing(1, "COINUSD2")), REJECT_NONE);
    assert_int_equal(world_market_create(&world, listing(2, "Y")), REJECT_MARKETS_FULL);

    world.nonce = 10;
    const uint32_t ann = world_account(&world, 0, 100, 0);
    struct order_place_command place = world_limit(ann, SELL, 1, 100);
    place.market = 1;
    assert_int_equal(world_order_place(&world, place), REJECT_NONE); /* the new one trades */
    world_close(&world);
}

static uint64_t liabilities_height(struct world *world)
{
    struct liabilities_ordered_event ordered;
    struct event event;
    assert_int_equal(
        world_liabilities_order(world, (struct liabilities_order_command){.nonce = ++world->nonce}),
        REJECT_NONE);
    assert_int_equal(world->out.count, 1);
    assert_true(world_event(world, 0, &event));
    assert_int_equal(event.type, T_LIABILITIES_ORDERED);
    liabilities_ordered_event_get(event.payload, &ordered);
    return ordered.height;
}

/* The block under way ends at the height that it will have: an order in a checkpoint's own block is for it. */
TEST(operator, liabilities_are_of_the_next_checkpoint)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.rules = 3;
    world.genesis.params.checkpoint_blocks = 2;
    world_open(&world);
    assert_int_equal(liabilities_height(&world), 2);
    assert_int_equal(world_seal(&world, (struct seal_command){1}), REJECT_NONE);
    assert_int_equal(liabilities_height(&world), 2);
    assert_int_equal(world_seal(&world, (struct seal_command){2}), REJECT_NONE);
    assert_int_equal(liabilities_height(&world), 4);
    const struct liabilities_order_command again = {.nonce = world.nonce};
    assert_int_equal(world_liabilities_order(&world, again), REJECT_NONCE_USED);
    world_close(&world);
}

TEST(operator, liabilities_need_rules_3_and_checkpoints)
{
    struct world world;
    for (uint32_t rules = 2; rules <= 3; rules++) {
        world_prepare(&world);
        world.genesis.params.rules = rules;
        world.genesis.params.checkpoint_blocks = rules == 2 ? 2 : 0;
        world_open(&world);
        const struct liabilities_order_command order = {.nonce = 1};
        assert_int_equal(world_liabilities_order(&world, order),
                         rules == 2 ? REJECT_RULES : REJECT_NO_CHECKPOINTS);
        world_close(&world);
    }
}

TEST(operator, market_status_is_one_of_three)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    struct market_status_command change = {.nonce = 1, .status = 0};
    assert_int_equal(world_market_status(&world, change), REJECT_MARKET_SPEC);
    change.status = 4;
    assert_int_equal(world_market_status(&world, change), REJECT_MARKET_SPEC);
    change.market = 1;
    change.status = MARKET_HALT;
    assert_int_equal(world_market_status(&world, change), REJECT_UNKNOWN_MARKET);
    change.market = 0;
    assert_int_equal(world_market_status(&world, change), REJECT_NONE);
    assert_int_equal(engine_params(world.engine)->markets[0].status, MARKET_HALT);
    world_close(&world);
}

TEST(operator, accounts_and_keys_are_refused_by_count_and_name)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.accounts_max = 2;
    world.genesis.params.keys_max = 1;
    world_open(&world);
    struct account_create_command create = {.nonce = 1, .tier = 2, .public_key = {1}};
    assert_int_equal(world_account_create(&world, create), REJECT_TIER);
    create.tier = 1;
    assert_int_equal(world_account_create(&world, create), REJECT_NONE);
    create.nonce = 2;
    assert_int_equal(world_account_create(&world, create), REJECT_ALREADY_EXISTS);
    create.public_key[31] = 1;
    assert_int_equal(world_account_create(&world, create), REJECT_NONE);
    create.nonce = 3;
    create.public_key[31] = 2;
    assert_int_equal(world_account_create(&world, create), REJECT_ACCOUNTS_FULL);

    struct key_add_command add = {.nonce = 3, .account = 3, .key_id = {1}};
    assert_int_equal(world_key_add(&world, add), REJECT_UNKNOWN_ACCOUNT);
    add.account = 2;
    assert_int_equal(world_key_add(&world, add), REJECT_NONE);
    add.nonce = 4;
    assert_int_equal(world_key_add(&world, add), REJECT_ALREADY_EXISTS);
    add.key_id[0] = 2;
    assert_int_equal(world_key_add(&world, add), REJECT_KEYS_FULL);
    world_close(&world);
}

TEST(operator, credits_name_an_account_and_an_asset)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    struct credit_command credit = {.nonce = 1, .account = 1, .asset = COIN, .amount = {1}};
    assert_int_equal(world_credit(&world, credit), REJECT_UNKNOWN_ACCOUNT);
    world_account(&world, 0, 0, 0);
    credit.nonce = 2; /* world_account has used 1 */
    credit.account = 0;
    assert_int_equal(world_credit(&world, credit), REJECT_UNKNOWN_ACCOUNT);
    credit.account = 1;
    credit.asset = 2;
    assert_int_equal(world_credit(&world, credit), REJECT_UNKNOWN_ASSET);
    credit.asset = COIN;
    assert_int_equal(world_credit(&world, credit), REJECT_NONE);
    struct debit_command debit = {.nonce = 3, .account = 1, .asset = COIN, .amount = {2}};
    assert_int_equal(world_debit(&world, debit), REJECT_INSUFFICIENT_BALANCE);
    debit.amount.units = 1;
    assert_int_equal(world_debit(&world, debit), REJECT_NONE);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* A new market starts with the filters that follow from its listing; a change sets every one of them. */
TEST(operator, filters_are_set_as_a_whole)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(world_market_create(&world, listing(1, "NEW")), REJECT_NONE);
    const struct market *market = &engine_params(world.engine)->markets[1];
    assert_int_equal(market->filters.market_qty_max.lots, 100);
    assert_int_equal(market->filters.algo_orders_max, 5);

    const struct market_filters_command set = {.nonce = 2,
                                               .market_qty_min = {2},
                                               .market_qty_max = {3},
                                               .notional_max = {4},
                                               .position_max = {5},
                                               .bid_up = 10006,
                                               .bid_down = 7,
                                               .ask_up = 10008,
                                               .ask_down = 9,
                                               .band_ppm = 10,
                                               .average_minutes = 11,
                                               .algo_orders_max = 12,
                                               .iceberg_orders_max = 13,
                                               .iceberg_parts_max = 14,
                                               .order_lists_max = 15,
                                               .trailing_min = 16,
                                               .trailing_max = 17,
                                               .market = 1,
                                               .self_trade_modes = 1 << SELF_TRADE_EXPIRE_BOTH,
                                               .self_trade_default = SELF_TRADE_EXPIRE_BOTH};
    static struct params expected;
    expected = *engine_params(world.engine);
    assert_int_equal(world_market_filters(&world, set), REJECT_NONE);
    expected.markets[1].filters =
        (struct market_filters){.market_qty_min = {2},
                                .market_qty_max = {3},
                                .notional_max = {4},
                                .position_max = {5},
                                .bid_up = 10006,
                                .bid_down = 7,
                                .ask_up = 10008,
                                .ask_down = 9,
                                .band_ppm = 10,
                                .average_minutes = 11,
                                .algo_orders_max = 12,
                                .iceberg_orders_max = 13,
                                .iceberg_parts_max = 14,
                                .order_lists_max = 15,
                                .trailing_min = 16,
                                .trailing_max = 17,
                                .self_trade_modes = 1 << SELF_TRADE_EXPIRE_BOTH,
                                .self_trade_default = SELF_TRADE_EXPIRE_BOTH};
    const hash_t now = params_hash(engine_params(world.engine)), then = params_hash(&expected);
    assert_memory_equal(&now, &then, sizeof(now));
    world_close(&world);
}

/* The two younger commands are operators' like the others: index, nonce, and a refusal keeps the nonce. */
TEST(operator, filters_and_tiers_need_their_nonce)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 0, 0);
    struct account_tier_command tier = {.nonce = 1, .account = ann, .tier = 1};
    assert_int_equal(world_account_tier(&world, tier), REJECT_NONCE_USED);
    tier.operator_index = 2;
    assert_int_equal(world_account_tier(&world, tier), REJECT_UNKNOWN_OPERATOR);
    tier = (struct account_tier_command){.nonce = 5, .account = ann, .tier = 2};
    assert_int_equal(world_account_tier(&world, tier), REJECT_TIER);
    tier.tier = 1;
    assert_int_equal(world_account_tier(&world, tier), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_TIER_SET), 1);
    assert_int_equal(world_events_of(&world, T_TIER_CHANGED), 1);
    struct market_filters_command filters = {.nonce = 5};
    assert_int_equal(world_market_filters(&world, filters), REJECT_NONCE_USED);
    filters.nonce = 6;
    assert_int_equal(world_market_filters(&world, filters), REJECT_MARKET_SPEC); /* all zero */
    tier.nonce = 6;
    assert_int_equal(world_account_tier(&world, tier), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_TIER_CHANGED), 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

static struct node_add_command node_eight(uint64_t nonce)
{
    struct node_add_command add = {.nonce = nonce, .node = 8, .public_key = {8}};
    memcpy(add.address, "host:7008", 9);
    return add;
}

static void seal_and_vote(struct world *world, uint64_t height, uint32_t voters)
{
    static const uint32_t nodes[] = {1, 7, 8};
    ASSERT(world_seal(world, (struct seal_command){height}) == REJECT_NONE);
    for (uint32_t i = 0; i < voters; i++)
        ASSERT(world_vote(world, (struct vote_command){.height = height, .node = nodes[i]}) == 0);
}

static struct node_changed_event changed_at(const struct world *world, uint32_t ordinal)
{
    struct event event;
    struct node_changed_event changed;
    ASSERT(world_event(world, ordinal, &event) && event.type == T_NODE_CHANGED);
    node_changed_event_get(event.payload, &changed);
    return changed;
}

/* Added, heard, promoted, one change at a time; each event says what the node is from which block on. */
TEST(operator, a_node_is_added_and_promoted)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(world_hello(&world, (struct hello_command){1, 8}), REJECT_STALE_SEQUENCE);
    struct node_add_command add = node_eight(1);
    add.operator_index = 2;
    assert_int_equal(world_node_add(&world, add), REJECT_UNKNOWN_OPERATOR);
    assert_int_equal(world_node_add(&world, node_eight(1)), REJECT_NONE);
    struct node_changed_event changed = changed_at(&world, 0);
    assert_int_equal(changed.height, 3); /* block 1 is being built */
    assert_int_equal(changed.node, 8);
    assert_int_equal(changed.role, NODE_STANDBY);
    assert_int_equal(changed.public_key[0], 8);
    assert_string_equal((const char *)changed.address, "host:7008");

    struct node_role_command promote = {.nonce = 1, .node = 8, .role = NODE_VOTER};
    assert_int_equal(world_node_role(&world, promote), REJECT_NONCE_USED);
    promote.nonce = 2;
    assert_int_equal(world_node_role(&world, promote), REJECT_NODE_PENDING);
    seal_and_vote(&world, 1, 2);
    assert_int_equal(world_node_role(&world, promote), REJECT_NODE_PENDING);
    seal_and_vote(&world, 2, 2);
    assert_int_equal(world_node_role(&world, promote), REJECT_NODE_SILENT);
    assert_int_equal(world_hello(&world, (struct hello_command){1, 8}), REJECT_NONE);
    assert_int_equal(world_node_role(&world, promote), REJECT_NONE);
    changed = changed_at(&world, 0);
    assert_int_equal(changed.height, 5);
    assert_int_equal(changed.role, NODE_VOTER);
    assert_int_equal(changed.public_key[0], 8);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* Who goes takes its sessions along and is not heard any more; who stays keeps its own. */
TEST(operator, a_node_that_goes_takes_its_sessions)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 100, 0);
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t node = i == 0 ? 1 : 7;
        assert_int_equal(world_hello(&world, (struct hello_command){1, node}), REJECT_NONE);
        world.header = (struct command_header){
            .origin = node, .origin_epoch = world.number, .origin_sequence = 1};
        struct order_place_command place = world_limit(ann, SELL, 1, 100);
        place.session = 5;
        assert_int_equal(world_order_place(&world, place), REJECT_NONE);
        if (i == 0) world.header = (struct command_header){0};
    }
    const struct command_header of_seven = world.header;
    world.header = (struct command_header){0};
    const struct node_remove_command remove = {.nonce = 90, .node = 7};
    assert_int_equal(world_node_remove(&world, remove), REJECT_QUORUM_LOST);
    seal_and_vote(&world, 1, 1);
    assert_int_equal(world_node_remove(&world, remove), REJECT_NONE);
    const struct node_changed_event changed = changed_at(&world, 0);
    assert_int_equal(changed.role, NODE_GONE);
    assert_int_equal(changed.height, 4);
    assert_int_equal(world_events_of(&world, T_ORDER_DONE), 1);
    assert_int_equal(engine_counts(world.engine).open_orders, 1);

    world.header = of_seven;
    world.header.origin_sequence = 2;
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)),
                     REJECT_STALE_SEQUENCE);
    world.header = (struct command_header){0};
    assert_int_equal(world_hello(&world, (struct hello_command){2, 7}), REJECT_STALE_SEQUENCE);
    struct node_add_command again = node_eight(91);
    again.node = 7; /* its id is used up */
    seal_and_vote(&world, 2, 1);
    seal_and_vote(&world, 3, 1);
    assert_int_equal(world_node_add(&world, again), REJECT_NODE_ID);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* A swap is one change of two nodes at one height: the new one first, so that there is always a voter. */
TEST(operator, a_swap_is_one_change_of_two_nodes)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(world_node_add(&world, node_eight(1)), REJECT_NONE);
    assert_int_equal(world_hello(&world, (struct hello_command){1, 8}), REJECT_NONE);
    seal_and_vote(&world, 1, 1);
    const struct node_swap_command swap = {.nonce = 2, .old_node = 7, .new_node = 8};
    assert_int_equal(world_node_swap(&world, swap), REJECT_NODE_PENDING);
    seal_and_vote(&world, 2, 1);
    assert_int_equal(world_node_swap(&world, swap), REJECT_NONE);
    const struct node_changed_event first = changed_at(&world, 0), second = changed_at(&world, 1);
    assert_int_equal(first.node, 8);
    assert_int_equal(first.role, NODE_VOTER);
    assert_int_equal(second.node, 7);
    assert_int_equal(second.role, NODE_GONE);
    assert_int_equal(first.height, 5);
    assert_int_equal(second.height, 5);
    assert_int_equal(world.out.count, 2);
    world_close(&world);
}

/* The epoch is the engine's to count and nobody's answer is forgotten: who asks for another is told. */
TEST(operator, epochs_change_one_by_one)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    seal_and_vote(&world, 1, 2);
    struct epoch_change_command change = {.epoch = 2, .height = 1};
    assert_int_equal(world_epoch_change(&world, change), REJECT_EPOCH);
    assert_int_equal(world_events_of(&world, T_REFUSED), 1);
    change.epoch = 1;
    assert_int_equal(world_epoch_change(&world, change), REJECT_NONE);
    struct event event;
    struct epoch_changed_event changed;
    assert_true(world_event(&world, 0, &event));
    epoch_changed_event_get(event.payload, &changed);
    assert_int_equal(changed.epoch, 1);
    assert_int_equal(world.out.count, 1);
    assert_int_equal(world_epoch_change(&world, change), REJECT_EPOCH);
    world_close(&world);
}
