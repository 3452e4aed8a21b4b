#include "tests/harness.h"

#include "tests/unit/engine/snapshots.h"

struct pair {
    struct world world;
    struct world twin;
    struct snapshot_bytes snapshot;
};

static void pair_open(struct pair *pair)
{
    snapshots_prepare(&pair->world);
    world_open(&pair->world);
    snapshots_fill(&pair->world);
    pair->snapshot = snapshots_of(pair->world.engine, &pair->world.genesis);
    pair->twin = pair->world;
}

static void pair_close(struct pair *pair)
{
    free(pair->snapshot.bytes);
    world_close(&pair->world);
}

/* The twin's snapshot is that of which it was made. */
static void twin_is_whole(struct pair *pair)
{
    assert_true(engine_check(pair->twin.engine));
    const struct snapshot_bytes again = snapshots_of(pair->twin.engine, &pair->twin.genesis);
    assert_int_equal(again.count, pair->snapshot.count);
    assert_memory_equal(again.bytes, pair->snapshot.bytes, again.count);
    free(again.bytes);
}

TEST(restore, the_restored_engine_has_the_same_snapshot)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

/* Sweeps both books, wakes every stop, ends what is left, and lets the switches fire: whatever waited
 * has its say, in both engines the same. tests/model/model_twin.c does so at random. */
TEST(restore, the_restored_engine_answers_alike)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    struct world *const worlds[2] = {&pair.world, &pair.twin};
    for (uint32_t step = 0; step < 60; step++) {
        for (int i = 0; i < 2; i++) {
            struct world *world = worlds[i];
            struct order_place_command place =
                world_limit(5, step % 2 ? BUY : SELL, 1 + step % 7, step % 2 ? 95 + step : 95);
            place.account = 1 + step % 4;
            world->stamp_ns += UINT64_C(100000000);
            if (step % 5 == 4)
                (void)world_cancel_all(world, (struct cancel_all_command){.account = step % 4 + 1});
            else if (step == 33)
                (void)world_origin_lost(world, (struct origin_lost_command){.node = 7});
            else if (step == 44)
                (void)world_seal(world, (struct seal_command){.height = 2});
            else
                (void)world_order_place(world, place);
        }
        const size_t byte_count = (size_t)(pair.world.out.at - pair.world.events.bytes);
        assert_int_equal(pair.twin.out.at - pair.twin.events.bytes, byte_count);
        assert_memory_equal(pair.twin.events.bytes, pair.world.events.bytes, byte_count);
    }
    free(pair.snapshot.bytes);
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

TEST(restore, an_engine_without_a_past_comes_back)
{
    struct pair pair;
    snapshots_prepare(&pair.world);
    world_open(&pair.world);
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    pair.twin = pair.world;
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

TEST(restore, another_chains_snapshot_is_refused)
{
    struct pair pair;
    pair_open(&pair);
    pair.twin.genesis.nonce[0]++;
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_MISMATCH);
    pair_close(&pair);
}

TEST(restore, an_arena_too_small_is_said)
{
    struct pair pair;
    struct arena arena;
    struct engine *engine;
    pair_open(&pair);
    assert_true(arena_map(&arena, engine_bytes(&pair.world.genesis) - 64));
    assert_int_equal(restore_engine(&arena, &pair.world.genesis, pair.snapshot.bytes,
                                    pair.snapshot.count, &engine),
                     STATUS_NO_MEMORY);
    arena_unmap(&arena);
    pair_close(&pair);
}

/* ---- Lies: bytes that were hashed, and say what no engine's state is. */

/* Restores what was changed: it is refused, or it is an engine that holds every invariant and is what the
 * bytes said. */
static bool refused(struct pair *pair)
{
    snapshots_rehash(&pair->snapshot);
    const enum status status = snapshots_restore(&pair->twin, &pair->snapshot);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_MALFORMED);
        return true;
    }
    twin_is_whole(pair);
    world_close(&pair->twin);
    return false;
}

/* Every byte, in three ways. Most lies are found; a name or a number that nobody can contradict is not. */
TEST(restore, no_changed_byte_makes_a_broken_engine)
{
    static const uint8_t flips[] = {0x01, 0x80, 0x1c};
    struct pair pair;
    uint32_t found = 0, all = 0;
    pair_open(&pair);
    for (size_t i = SNAPSHOT_HEADER_BYTES; i < pair.snapshot.count - HASH_BYTES; i++) {
        for (size_t flip = 0; flip < sizeof(flips); flip++) {
            pair.snapshot.bytes[i] ^= flips[flip];
            found += refused(&pair);
            pair.snapshot.bytes[i] ^= flips[flip];
            all++;
        }
    }
    print_message("%u of %u lies were found\n", found, all);
    assert_true(found > all / 2);
    snapshots_rehash(&pair.snapshot);
    pair_close(&pair);
}

/* Changes a field of the section's record and expects that it is refused; then puts it back. */
#define LIE(section, name, index, change) \
    do { \
        struct snapshot_##name record, kept; \
        uint8_t *at = snapshots_record(&pair.snapshot, SNAPSHOT_##section, index); \
        snapshot_##name##_get(at, &record); \
        kept = record; \
        change; \
        snapshot_##name##_put(at, &record); \
        if (!refused(&pair)) fail_msg("%s %s: %s", #section, #index, #change); \
        snapshot_##name##_put(at, &kept); \
    } while (0)

TEST(restore, numbers_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(STATE, state, 0, record.last_command = 0);
    LIE(STATE, state, 0, record.sealed_command = record.last_command + 1);
    LIE(STATE, state, 0, record.stamp_ns = 0); /* trades lie after it */
    LIE(PARAMS, param, 4, record.byte++);      /* accounts_max */
    LIE(PARAMS, param, 0, record.byte++);      /* rules */
    LIE(ORIGINS, origin, 0, record.node++);
    LIE(ORIGINS, origin, 1, record.epoch = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_order = 5); /* there are later ones */
    LIE(MARKETS, market, 0, record.last_list = 1);
    LIE(MARKETS, market, 0, record.last_trade = UINT64_MAX);
    LIE(MARKETS, market, 0, record.last_price.ticks = 0);
    LIE(MARKETS, market, 0, record.last_price.ticks = -1);
    LIE(MARKETS, market, 0, record.minutes--);
    LIE(MARKETS, market, 0, record.orders++);
    LIE(MARKETS, market, 0, record.orders--);
    LIE(MARKETS, market, 0, record.bids--);
    LIE(MARKETS, market, 0, record.bids++; record.asks--);
    LIE(MARKETS, market, 0, record.rising--; record.falling++);
    LIE(MARKETS, market, 0, record.trailing--; record.falling++);
    LIE(MARKETS, market, 0, record.orders = UINT32_MAX);
    LIE(MINUTES, minute, 0, record.lots_low = 0);
    LIE(MINUTES, minute, 0, record.value_low = 0);
    LIE(MINUTES, minute, 0, record.value_high = UINT64_MAX);
    LIE(MINUTES, minute, 0, record.minute = UINT64_MAX);
    LIE(MINUTES, minute, 1, record.minute = 0);
    pair_close(&pair);
}

TEST(restore, money_that_does_not_add_up_is_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(ASSETS, asset, 1, record.supply.units++);
    LIE(ASSETS, asset, 1, record.fees.units++);
    LIE(ASSETS, asset, 1, record.fees.units++; record.supply.units++;
        record.fees.units = -record.fees.units);
    LIE(BALANCES, balance, 0, record.available.units++);
    LIE(BALANCES, balance, 0, record.available.units--; record.held.units++); /* no order's */
    LIE(BALANCES, balance, 0, record.available.units = -1);
    LIE(BALANCES, balance, 0, record.asset = 1);  /* twice */
    LIE(BALANCES, balance, 0, record.asset = 99); /* there is none */
    LIE(ACCOUNTS, account, 0, record.balances++);
    LIE(ACCOUNTS, account, 0, record.tier = 7);
    LIE(ACCOUNTS, account, 1, record.floor = 1; record.tier = 0);
    LIE(ACCOUNTS, account, 0, record.has_key = 1);
    LIE(ACCOUNTS, account, 4, record.has_key = 2);
    LIE(ACCOUNT_KEYS, account_key, 0, memset(record.public_key, 0, 32));
    LIE(VOLUMES, volume, 0, record.account = 77);
    LIE(VOLUMES, volume, 0, record.value.units = 0);
    LIE(VOLUMES, volume, 1, record.day = 0; record.account = 1);
    LIE(KEYS, key, 1, record.id[0] = 1); /* twice */
    pair_close(&pair);
}

/* The orders of the world by what they are, found by their flags. */
static uint64_t order_with(const struct pair *pair, uint8_t flags, uint8_t without)
{
    const uint64_t count = snapshots_count(&pair->snapshot, SNAPSHOT_ORDERS);
    struct snapshot_order order;
    for (uint64_t i = 0; i < count; i++) {
        snapshot_order_get(snapshots_record(&pair->snapshot, SNAPSHOT_ORDERS, i), &order);
        if ((order.flags & flags) == flags && (order.flags & without) == 0) return i;
    }
    fail_msg("no order with flags %u", flags);
    return 0;
}

TEST(restore, orders_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    const uint64_t plain = order_with(&pair, 0, 0xff), asleep = order_with(&pair, 16, 4);
    const uint64_t iceberg = order_with(&pair, 1, 0), pending = order_with(&pair, 64, 0);
    LIE(ORDERS, order, 1, record.id = 1);
    LIE(ORDERS, order, plain, record.account = 0);
    LIE(ORDERS, order, plain, record.account = 6);
    LIE(ORDERS, order, plain, record.side = 2);
    LIE(ORDERS, order, plain, record.type = MARKET);
    LIE(ORDERS, order, plain, record.type = STOP_LOSS_LIMIT);
    LIE(ORDERS, order, plain, record.time_in_force = FOK);
    LIE(ORDERS, order, plain, record.self_trade = SELF_TRADE_TRANSFER);
    LIE(ORDERS, order, plain, record.flags |= 32);
    LIE(ORDERS, order, plain, record.flags |= 2);
    LIE(ORDERS, order, plain, record.flags |= 8);
    LIE(ORDERS, order, plain, record.price.ticks = 0);
    LIE(ORDERS, order, plain, record.price.ticks++); /* holds more, or waits elsewhere */
    LIE(ORDERS, order, plain, record.qty.lots = 0);
    LIE(ORDERS, order, plain, record.qty.lots = INT64_MAX);
    LIE(ORDERS, order, plain, record.left.lots = 0);
    LIE(ORDERS, order, plain, record.left.lots = record.qty.lots + 1);
    LIE(ORDERS, order, plain, record.quote_executed.units = -1);
    LIE(ORDERS, order, plain, record.quote_executed.units = INT64_MAX);
    LIE(ORDERS, order, plain, record.has = 4);
    LIE(ORDERS, order, asleep, record.flags &= (uint8_t)~2);
    LIE(ORDERS, order, asleep, record.flags |= 64);
    LIE(ORDERS, order, asleep, record.flags = 0);
    LIE(ORDERS, order, iceberg, record.flags = 0);
    LIE(ORDERS, order, pending, record.flags &= (uint8_t)~66);
    LIE(ORDERS, order, pending, record.qty.lots++); /* it has met nobody yet */
    LIE(ORDERS, order, asleep, record.time_in_force = IOC);
    LIE(NAMES, name, 0, memset(record.client_id, 0, 36));
    LIE(EXTRAS, extra, 0, record.hidden.lots = INT64_MAX);
    LIE(EXTRAS, extra, 0, record.prevented.lots = -1);
    LIE(EXTRAS, extra, 0, record.stop_price.ticks = -1);
    LIE(EXTRAS, extra, 0, record.trailing_delta = 10000);
    pair_close(&pair);
}

/* One client id, twice open in one account and market. */
TEST(restore, a_client_id_that_is_taken_is_refused)
{
    struct pair pair;
    snapshots_prepare(&pair.world);
    world_open(&pair.world);
    (void)world_account(&pair.world, 0, 100, 1000);
    for (uint8_t i = 0; i < 2; i++) {
        struct order_place_command place = world_limit(1, BUY, 1, 10);
        place.client_id[0] = (uint8_t)('a' + i);
        assert_int_equal(world_order_place(&pair.world, place), 0);
    }
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    pair.twin = pair.world;
    LIE(NAMES, name, 1, record.client_id[0] = 'a');
    assert_false(refused(&pair));
    pair_close(&pair);
}

TEST(restore, lists_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_count(&pair.snapshot, SNAPSHOT_LISTS), 3); /* OCO, OTO, OTOCO */
    LIE(LISTS, list, 0, record.kind = 0);
    LIE(LISTS, list, 0, record.kind = LIST_OTO);
    LIE(LISTS, list, 1, record.kind = LIST_OCO);
    LIE(LISTS, list, 2, record.kind = LIST_OTO);
    LIE(LISTS, list, 1, record.kind = LIST_OTOCO);
    LIE(LISTS, list, 1, record.id = 1);
    LIE(LISTS, list, 2, record.id = 4);
    LIE(LISTS, list, 0, record.a_order = 0; record.b_order = 0);
    LIE(LISTS, list, 0, record.a_order = 1); /* in no list */
    LIE(LISTS, list, 0, record.a_order = 0);
    LIE(LISTS, list, 0, record.a_order = UINT32_MAX);
    LIE(LISTS, list, 0, record.b_order = record.a_order);
    LIE(LISTS, list, 1, record.a_order = 0); /* nobody is left to release b */
    LIE(LISTS, list, 2, uint32_t other = record.b_order; record.b_order = record.c_order;
        record.c_order = other);
    pair_close(&pair);
}

TEST(restore, those_who_wait_elsewhere_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    struct snapshot_queued first, last;
    const uint64_t count = snapshots_count(&pair.snapshot, SNAPSHOT_QUEUES);
    snapshot_queued_get(snapshots_record(&pair.snapshot, SNAPSHOT_QUEUES, 0), &first);
    snapshot_queued_get(snapshots_record(&pair.snapshot, SNAPSHOT_QUEUES, count - 1), &last);
    LIE(QUEUES, queued, 0, record.order = 0);
    LIE(QUEUES, queued, 0, record.order = last.order);
    LIE(QUEUES, queued, 1, record.order = first.order);
    LIE(QUEUES, queued, 0, record.order = UINT32_MAX);
    LIE(SLEEPERS, sleeper, 1, record.order--);
    LIE(SLEEPERS, sleeper, 0, record.order = first.order);
    LIE(FOLLOWERS, follower, 0, record.order = first.order);
    LIE(FOLLOWERS, follower, 0, record.extreme.ticks = -1);
    LIE(FOLLOWERS, follower, 1, record.order--);
    LIE(BOUND, bound, 0, record.order = first.order);
    LIE(BOUND, bound, 0, record.session = 0);
    LIE(BOUND, bound, 1, record.order--);
    LIE(SWITCHES, switch, 0, record.deadline_ns = 0); /* it would have fired */
    LIE(SWITCHES, switch, 0, record.deadline_ns = UINT64_MAX);
    LIE(SWITCHES, switch, 1, record.account = 1);
    LIE(SWITCHES, switch, 0, record.market = 2);
    LIE(SWITCHES, switch, 0, record.account = 0);
    assert_false(refused(&pair));
    pair_close(&pair);
}
