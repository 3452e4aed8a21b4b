#include "node/view_restore.h"

#include "tests/unit/node/heir.h"

static struct workshop shop;
static struct heir heir;

static void begin(uint64_t height)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 2);
    workshop_checkpoint(&shop, height);
    heir_begin(&heir, &shop);
}

static void end(void)
{
    heir_end(&heir);
    workshop_end(&shop);
}

static void same_order(const struct view_order *one, const struct view_order *other)
{
    assert_int_equal(one->order_id, other->order_id);
    assert_int_equal(one->created_ns, other->created_ns);
    assert_int_equal(one->updated_ns, other->updated_ns);
    assert_int_equal(one->working_ns, other->working_ns);
    assert_int_equal(one->price.ticks, other->price.ticks);
    assert_int_equal(one->qty.lots, other->qty.lots);
    assert_int_equal(one->executed.lots, other->executed.lots);
    assert_int_equal(one->quote_executed.units, other->quote_executed.units);
    assert_int_equal(one->account, other->account);
    assert_int_equal(one->side, other->side);
    assert_int_equal(one->type, other->type);
    assert_int_equal(one->time_in_force, other->time_in_force);
    assert_int_equal(one->status, other->status);
    assert_memory_equal(one->client_id, other->client_id, sizeof(one->client_id));
}

/* Returns how many orders are open. */
static uint32_t same_account(uint32_t account)
{
    const struct view *restored = heir.state.view, *stayed = shop.state.view;
    const struct view_order *one = NULL, *other = NULL;
    uint32_t count = 0;
    assert_memory_equal(view_account(restored, account)->public_key,
                        view_account(stayed, account)->public_key, PUBLIC_KEY_BYTES);
    for (uint16_t asset = 0; asset < 2; asset++) {
        const struct view_balance was = view_balance(stayed, account, asset);
        const struct view_balance is = view_balance(restored, account, asset);
        assert_int_equal(is.available.units, was.available.units);
        assert_int_equal(is.held.units, was.held.units);
        assert_true(was.available.units > 0);
    }
    for (;; count++) {
        one = view_next_open(restored, account, one);
        other = view_next_open(stayed, account, other);
        assert_int_equal(one == NULL, other == NULL);
        if (one == NULL) return count;
        same_order(one, other);
    }
}

static void same_depth(void)
{
    const struct depth *restored = &market_views_at(heir.state.markets, 0)->depth;
    const struct depth *stayed = &market_views_at(shop.state.markets, 0)->depth;
    static struct depth_level one[64], other[64];
    assert_int_equal(restored->update_id, stayed->update_id);
    for (int side = BUY; side <= SELL; side++) {
        const uint32_t count = depth_top(stayed, (enum side)side, other, 64);
        assert_int_equal(depth_top(restored, (enum side)side, one, 64), count);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(one[i].price.ticks, other[i].price.ticks);
            assert_int_equal(one[i].qty.lots, other[i].qty.lots);
        }
    }
}

static void same_keys(void)
{
    for (uint32_t account = 1; account <= 2; account++) {
        uint8_t key_id[32];
        journal_key_id(account, key_id);
        const int64_t is = view_find_key(heir.state.view, key_id);
        const int64_t was = view_find_key(shop.state.view, key_id);
        assert_true(is >= 0 && was >= 0);
        const struct view_key *one = view_key(heir.state.view, (uint32_t)is);
        const struct view_key *other = view_key(shop.state.view, (uint32_t)was);
        assert_int_equal(one->account, account);
        assert_int_equal(one->permissions, other->permissions);
        assert_int_equal(one->secret_version, other->secret_version);
    }
}

static void same_nodes(uint64_t height)
{
    struct node_set one, other;
    uint64_t since;
    assert_true(members_at(view_members(heir.state.view), height, &one, &since));
    assert_true(members_at(view_members(shop.state.view), height, &other, &since));
    assert_int_equal(one.count, other.count);
    for (uint32_t i = 0; i < one.count; i++)
        assert_true(node_member_equal(&one.members[i], &other.members[i]));
}

static void same_views(void)
{
    assert_int_equal(view_command(heir.state.view), view_command(shop.state.view));
    assert_int_equal(view_epoch(heir.state.view), view_epoch(shop.state.view));
    assert_true(same_account(1) > 0);
    assert_true(same_account(2) > 0);
    assert_null(view_account(heir.state.view, 3));
    same_depth();
    same_keys();
    same_nodes(shop.journal.height + 1);
    heir_same(&heir);
    assert_true(view_check(heir.state.view));
}

/* A client cannot tell views that were restored from views that stayed. */
TEST(view_restore, views_are_those_that_stayed)
{
    begin(3);
    same_views();
    end();
}

/* Nor later, when the same commands have come to both. */
TEST(view_restore, views_go_on_alike)
{
    begin(3);
    workshop_trade_to(&shop, 11);
    assert_int_equal(heir.blocks, 8);
    same_views();
    end();
}

/* A node that was decided on before the checkpoint and counts after it is known on both sides of that height. */
TEST(view_restore, node_that_comes_later_is_known)
{
    uint8_t payload[256];
    char hex[65], text[512];
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 2);
    struct node_add_command add = {.nonce = ++shop.journal.nonce, .node = 2};
    memset(add.public_key, 0x51, sizeof(add.public_key));
    memcpy(add.address, "host:7002", 9);
    node_add_command_put(payload, &add);
    hash_hex(add.public_key, sizeof(add.public_key), hex);
    snprintf(text, sizeof(text), "action=node-add&node=2&publicKey=%s&address=host:7002", hex);
    journal_operate(&shop.journal, T_NODE_ADD, payload, text);
    workshop_checkpoint(&shop, 3);
    heir_begin(&heir, &shop);
    assert_int_equal(heir.start.nodes.count, 2);
    const uint64_t change = heir.state.digest.membership.change_height;
    assert_int_equal(change, 5);
    same_nodes(change - 1);
    same_nodes(change);
    struct node_set set;
    uint64_t since;
    assert_true(members_at(view_members(heir.state.view), change, &set, &since));
    assert_int_equal(set.count, 2);
    assert_true(members_at(view_members(heir.state.view), change - 1, &set, &since));
    assert_int_equal(set.count, 1);
    end();
}

/* Bytes that are not what engine and gateway write give no views, and no crash. */
TEST(view_restore, sections_that_cannot_be_are_refused)
{
    begin(3);
    static const enum checkpoint_section parts[] = {CHECKPOINT_ENGINE, CHECKPOINT_SETTLEMENT,
                                                    CHECKPOINT_MARKETS};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct start less = heir.start;
        struct workshop_state empty;
        struct restore views;
        less.section_bytes[parts[i]]--;
        workshop_state_map(&empty, &shop.journal.genesis);
        restore_begin(&views, empty.view, empty.markets);
        assert_false(view_restore(&less, &heir.state.digest.membership, &views));
        workshop_state_end(&empty);
    }
    end();
}
