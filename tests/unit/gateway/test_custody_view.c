#include "gateway/custody_view.h"

#include "common/arena.h"
#include "tests/harness.h"

static struct genesis genesis;
static struct arena arena;

static struct custody_view *open_view(void)
{
    genesis.params = (struct params){.accounts_max = 2, .assets_max = 1, .orders_max = 3};
    assert_true(arena_map(&arena, custody_view_bytes(&genesis)));
    struct custody_view *view = custody_view_new(&arena, &genesis);
    assert_non_null(view);
    return view;
}

/* As long as the engine's ring: an older number is gone, not another's. */
TEST(custody_view, the_newest_are_kept_by_number)
{
    struct custody_view *view = open_view();
    for (uint64_t number = 1; number <= 4; number++) {
        const struct deposit_changed_event deposit = {.deposit = number, .height = number};
        const struct withdrawal_moved_event withdrawal = {.withdrawal = number};
        custody_view_deposit_put(view, &deposit);
        custody_view_withdrawal_put(view, &withdrawal);
    }
    const struct deposit_changed_event again = {.deposit = 2, .height = 77};
    custody_view_deposit_put(view, &again);
    assert_int_equal(custody_view_deposit_last(view), 4);
    assert_null(custody_view_deposit(view, 1));
    assert_null(custody_view_deposit(view, 5));
    assert_null(custody_view_deposit(view, 0));
    assert_int_equal(custody_view_deposit(view, 2)->height, 77);
    assert_null(custody_view_withdrawal(view, 1));
    assert_int_equal(custody_view_withdrawal(view, 4)->withdrawal, 4);
    arena_unmap(&arena);
}

/* By the name that an account gave it: the account's own, the newest, and none that is gone. */
TEST(custody_view, a_withdrawal_is_found_by_its_name)
{
    static const uint8_t ours[36] = "ours", theirs[36] = "theirs", first[36] = "first";
    struct custody_view *view = open_view();
    assert_null(custody_view_withdrawal_named(view, 1, ours));
    const struct withdrawal_moved_event all[] = {
        {.withdrawal = 1, .account = 1, .client_id = "first"},
        {.withdrawal = 2, .account = 1, .client_id = "ours"},
        {.withdrawal = 3, .account = 2, .client_id = "ours"},
        {.withdrawal = 4, .account = 2, .client_id = "theirs"},
    };
    for (size_t i = 0; i < 3; i++)
        custody_view_withdrawal_put(view, &all[i]);
    assert_int_equal(custody_view_withdrawal_named(view, 1, first)->withdrawal, 1);
    custody_view_withdrawal_put(view, &all[3]);
    assert_null(custody_view_withdrawal_named(view, 1, first));
    assert_int_equal(custody_view_withdrawal_named(view, 1, ours)->withdrawal, 2);
    assert_int_equal(custody_view_withdrawal_named(view, 2, ours)->withdrawal, 3);
    assert_int_equal(custody_view_withdrawal_named(view, 2, theirs)->withdrawal, 4);
    assert_null(custody_view_withdrawal_named(view, 1, theirs));
    arena_unmap(&arena);
}

TEST(custody_view, an_address_is_kept_once_as_it_is_now)
{
    struct custody_view *view = open_view();
    struct address_changed_event address = {
        .active_ns = 5, .account = 1, .kind = ADDRESS_WITHDRAWAL, .chain = "ETH", .address = "a"};
    custody_view_address_put(view, &address);
    address.active_ns = 0;
    custody_view_address_put(view, &address);
    assert_int_equal(custody_view_address_count(view), 1);
    assert_int_equal(custody_view_address(view, 0)->active_ns, 0);
    address.account = 2;
    custody_view_address_put(view, &address);
    address.kind = ADDRESS_DEPOSIT;
    custody_view_address_put(view, &address);
    address.account = 1; /* of the same name: whose it is, is not part of it */
    custody_view_address_put(view, &address);
    assert_int_equal(custody_view_address_count(view), 3);
    arena_unmap(&arena);
}
