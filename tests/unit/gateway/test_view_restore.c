#include "gateway/view_restore.h"

#include "tests/unit/gateway/restore_fixture.h"

static uint8_t bytes[4096];
static size_t byte_count;

static bool take(void *context, const uint8_t *more, size_t more_bytes)
{
    (void)context;
    if (byte_count + more_bytes > sizeof(bytes)) return false;
    memcpy(bytes + byte_count, more, more_bytes);
    byte_count += more_bytes;
    return true;
}

static void save(void)
{
    static struct byte_writer writer;
    byte_count = 0;
    byte_writer_begin(&writer, take, NULL);
    view_save(desk_view, &writer);
    assert_true(byte_writer_end(&writer));
}

static bool load(void)
{
    struct byte_reader reader = byte_reader_over(bytes, byte_count);
    restore_state();
    return view_load(desk_view, desk_stamp, &reader) && reader.at == reader.end;
}

static void open_busy(void)
{
    desk_busy();
    keep_state();
    save();
}

/* Accounts are counted without a walk, and are as many as there are. */
TEST(view_restore, accounts_are_counted)
{
    desk_open();
    assert_int_equal(view_account_count(desk_view), 0);
    for (uint32_t account = 1; account <= 64; account++) {
        desk_account(account);
        desk_apply();
        assert_int_equal(view_account_count(desk_view), account);
    }
}

/* ann has the OCO's two orders and one of her own; bob rests in both markets, in the order they came in. */
TEST(view_restore, orders_come_back_by_age_with_their_times)
{
    open_busy();
    assert_true(load());
    const struct view_order *order = view_next_open(desk_view, 1, NULL);
    assert_int_equal(order->order_id, 11);
    assert_int_equal(order->list_id, 1);
    assert_int_equal(order->working_ns, order->created_ns);
    order = view_next_open(desk_view, 1, order);
    assert_int_equal(order->order_id, 12);
    assert_int_equal(order->working_ns, 0); /* it sleeps */
    order = view_next_open(desk_view, 1, order);
    assert_int_equal(order->order_id, 13);
    assert_null(view_next_open(desk_view, 1, order));
    order = view_next_open(desk_view, 2, NULL);
    assert_int_equal(order->market, 0);
    order = view_next_open(desk_view, 2, order);
    assert_int_equal(order->market, 1);
    const struct view_list *list = view_list_open(view_lists(desk_view), 0, 1);
    assert_int_equal(list->orders[0].order_id, 11);
    assert_string_equal((const char *)list->orders[1].client_id, "below");
    assert_true(view_check(desk_view));
}

/* Places in the bytes: ann's account (16), her orders of 34, her list; market u16, id u64, updated u64,
 * working u64, prevented u64. */
#define ORDER_AT(index) (16u + 34u * (index))
#define LIST_AT         ORDER_AT(3u)

static void assert_refused_with(size_t at, const void *changed, size_t changed_bytes)
{
    uint8_t before[64];
    assert_true(load());
    memcpy(before, bytes + at, changed_bytes);
    memcpy(bytes + at, changed, changed_bytes);
    assert_false(load());
    memcpy(bytes + at, before, changed_bytes);
}

static void assert_refused_u64(size_t at, uint64_t value)
{
    assert_refused_with(at, &value, sizeof(value));
}

TEST(view_restore, impossible_orders_and_lists_are_refused)
{
    open_busy();
    assert_refused_u64(0, desk_stamp + 1);                /* an account of the future */
    assert_refused_u64(8, 2);                             /* orders and lists: not as many */
    assert_refused_u64(ORDER_AT(0) + 2, 12);              /* one twice, another not at all */
    assert_refused_u64(ORDER_AT(0) + 2, 77);              /* nobody's */
    assert_refused_u64(ORDER_AT(0) + 10, 0);              /* never updated */
    assert_refused_u64(ORDER_AT(0) + 10, 1);              /* updated before it was made */
    assert_refused_u64(ORDER_AT(0) + 10, desk_stamp + 1); /* in the future */
    assert_refused_u64(ORDER_AT(0) + 18, 0);              /* a LIMIT_MAKER that sleeps */
    assert_refused_u64(ORDER_AT(0) + 18, 1);              /* that worked before it was made */
    assert_refused_u64(ORDER_AT(0) + 26, 5);              /* prevented, and nothing was */
    assert_refused_u64(LIST_AT + 2, 0);                   /* a list without an id */
    assert_refused_u64(LIST_AT + 10, desk_stamp + 1);     /* of the future */
    assert_refused_with(LIST_AT + 18, "\x00", 1);         /* kinds and counts of orders */
    assert_refused_with(LIST_AT + 18, "\x03", 1);
    assert_refused_with(LIST_AT + 19, "\x03", 1);
    assert_refused_u64(LIST_AT + 56, 12);          /* an order of it twice */
    assert_refused_with(LIST_AT + 64, "other", 5); /* by another name */
}

/* Two lists cannot have one order, nor can one list be there twice. */
TEST(view_restore, list_comes_once)
{
    open_busy();
    const size_t list_bytes = 56 + 2 * 44, behind = LIST_AT + list_bytes;
    assert_true(load());
    memmove(bytes + behind + list_bytes, bytes + behind, byte_count - behind);
    memcpy(bytes + behind, bytes + LIST_AT, list_bytes);
    byte_count += list_bytes;
    le_put_u32(bytes + 12, 2);
    assert_false(load());
    le_put_u64(bytes + behind + 2, 2);
    assert_false(load());
}

/* Only the watched node's epoch is of use. */
TEST(view_restore, epoch_is_the_watched_nodes)
{
    desk_open();
    view_watch_node(desk_view, 1);
    view_restore_origin(desk_view, 2, 40);
    assert_int_equal(view_epoch(desk_view), 0);
    view_restore_origin(desk_view, 1, 41);
    assert_int_equal(view_epoch(desk_view), 41);
}
