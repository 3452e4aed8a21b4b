#include "settlement/expect.h"

#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

/* Settles a block's body, asking for memory beforehand or not. Returns the roots. */
static struct settle_roots settled(const struct world *world, bool expects)
{
    struct settle_roots roots = {0};
    struct arena arena;
    assert_true(arena_map(&arena, settlement_bytes(&world->genesis)));
    struct settlement *settlement = settlement_new(&arena, &world->genesis, world_secret);
    assert_non_null(settlement);
    for (uint64_t height = 1; height <= world->height; height++) {
        const struct world_block *block = &world->blocks[height - 1];
        const uint8_t *at = block->body, *const end = at + block->body_bytes;
        struct applied record;
        while (applied_next(&at, end, &record)) {
            struct command command;
            struct event event;
            const uint8_t *next = record.events, *const last = next + record.events_length;
            assert_true(command_decode(record.command, record.command_length, &command));
            if (expects) {
                struct expect_named named;
                expect_record(settlement, &command, next, record.events_length, &named);
                expect_named(settlement, &named);
            }
            assert_int_equal(settle_command(settlement, record.number, record.stamp_ns, &command),
                             STATUS_OK);
            while (event_next(&next, last, &event))
                assert_int_equal(settle_event(settlement, &event), STATUS_OK);
        }
        assert_int_equal(settle_block(settlement, height, &roots), STATUS_OK);
    }
    arena_unmap(&arena);
    return roots;
}

/* Whoever asks beforehand gets what he would have got. */
TEST(expect, nothing_hangs_on_it)
{
    struct world *world = world_new();
    uint64_t seed = 0xe4ec;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 300; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(world, seed >> 20);
        if (i % 20 == 19) assert_int_equal(world_seal(world), STATUS_OK);
    }
    const struct settle_roots with = settled(world, true), without = settled(world, false);
    assert_memory_equal(&with, &without, sizeof(with));
    assert_true(hash_equal(with.state_root, world->roots.state_root));
    world_free(world);
}

/* A record that names nobody, markets that there are none of, more than there is room to remember: it is passed over here,
 * and is a mismatch when it is settled. */
TEST(expect, what_cannot_be_is_passed_over)
{
    static uint8_t events[1 << 14];
    struct world *world = world_new();
    struct event_writer out = {.at = events, .end = events + sizeof(events)};
    uint8_t auth[32] = {0xff};
    const struct command command = {
        .header = {.type = T_ORDER_PLACE, .auth_kind = AUTH_HMAC, .auth_length = 32}, .auth = auth};
    for (uint32_t i = 0; i < 40; i++) {
        event_write_balance(&out, &(struct balance_event){{1}, {2}, i * 0x10000001u, (uint16_t)i});
        event_write_fill(&out, &(struct fill_event){.maker_order = i, .market = (uint16_t)~i});
        event_write_order_accepted(
            &out, &(struct order_accepted_event){.order_id = ~(uint64_t)i, .account = ~i});
    }
    event_write_balance(&out, &(struct balance_event){{1}, {2}, 1, 0});
    struct expect_named named;
    expect_record(world->settlement, &command, events, (size_t)(out.at - events), &named);
    assert_int_equal(named.order_count, EXPECT_NAMED_MAX);
    expect_named(world->settlement, &named);
    expect_record(world->settlement, &command, events, 3, &named); /* cut off */
    assert_int_equal(named.order_count, 0);
    expect_named(world->settlement, &named);
    expect_leaf(world->settlement, 1);
    assert_true(settle_check(world->settlement));
    assert_int_equal(world_seal(world), STATUS_OK);
    world_free(world);
}
