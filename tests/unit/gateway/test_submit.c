#include "gateway/desk.h"
#include "tests/unit/gateway/loop_fixture.h"

#define ORDER "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

static char request[2048];
static uint8_t command[COMMAND_BYTES_MAX];

/* The answer waits for the command's events, and then is raised as acknowledged. */
TEST(submit, order_is_answered_when_its_events_come)
{
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_int_equal(recv(descriptor, loop_text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(atomic_load(&loop_progress.acked_command), 0);
    loop_accept(command, byte_count, 77);
    const char *text = loop_receive(descriptor);
    loop_assert_status(text, "200", "\"orderId\":77,");
    assert_non_null(strstr(text, "X-MBX-ORDER-COUNT-10S: 1\r\n"));
    assert_int_equal(atomic_load(&loop_progress.acked_command), loop_number);
    close(descriptor);

    loop_sign(request, sizeof(request), "GET", "/api/v3/openOrders", "symbol=BTCUSDT");
    loop_assert_status(loop_exchange(request), "200", "\"orderId\":77,");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* The ticket alone does not make a command ours: its epoch must be the running one. */
TEST(submit, command_of_an_older_epoch_answers_nobody)
{
    struct command decoded;
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_true(command_decode(command, byte_count, &decoded));
    struct command_header header = decoded.header;
    header.origin_epoch--;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 1);
    header.origin_epoch++;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 2);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":2,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A command that came too late for its number in our stream is sent again under its next one: who waits for it
 * hears how that went, and nothing of switches that fired before the first. */
TEST(submit, stale_command_is_waited_for_until_it_comes_again)
{
    uint8_t events[256];
    struct command decoded;
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    for (int times = 0; times < 2; times++) {
        struct event_writer writer = loop_writer(events, sizeof(events));
        event_write_switch_fired(&writer, &(struct switch_fired_event){.account = 1});
        event_write_noop(&writer, &(struct noop_event){REJECT_STALE_SEQUENCE});
        loop_apply(command, byte_count, events, &writer);
        loop_hello(); /* the epoch was closed over our heads */
        assert_true(command_decode(command, byte_count, &decoded));
        struct command_header header = decoded.header;
        header.origin_epoch = loop_epoch;
        command_header_put(command, &header);
    }
    loop_await_taken();
    assert_int_equal(recv(descriptor, loop_text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(atomic_load(&loop_progress.acked_command), 0);
    loop_accept(command, byte_count, 7);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":7,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What only a later version understands is nothing, and does not come again. */
TEST(submit, command_of_a_later_version_has_an_unknown_outcome)
{
    uint8_t events[256];
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    struct event_writer writer = loop_writer(events, sizeof(events));
    event_write_noop(&writer, &(struct noop_event){REJECT_LATER_VERSION});
    /* Well before a request has waited for as long as it may. */
    const struct timeval bound = {.tv_sec = DESK_WAIT_MS / 2000};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    loop_apply(command, byte_count, events, &writer);
    loop_assert_status(loop_receive(descriptor), "504", "-1007");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Nor does an epoch and a ticket: two nodes' epochs and tickets may be the same numbers. */
TEST(submit, command_of_another_node_answers_nobody)
{
    struct command decoded;
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_true(command_decode(command, byte_count, &decoded));
    struct command_header header = decoded.header;
    assert_int_equal(header.origin, 1);
    header.origin = 2;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 1);
    header.origin = 1;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 2);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":2,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* While nothing can be certified an order is refused at once, with a word that says so; reads go on. One
 * that waits for an election is not refused: without a leader it is taken as ever. */
TEST(submit, orders_are_refused_at_once_without_certificates)
{
    loop_open();
    atomic_store(&loop_progress.sealed_height, 101);
    loop_sign(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    loop_assert_status(loop_exchange(request), "503",
                       "{\"code\":-1016,\"msg\":\"No orders are taken");
    loop_sign(request, sizeof(request), "GET", "/api/v3/openOrders", "symbol=BTCUSDT");
    loop_assert_status(loop_exchange(request), "200", "[]");
    atomic_store(&loop_progress.certified_height, 1);
    atomic_store(&loop_progress.stuck, 1);
    loop_sign(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    loop_assert_status(loop_exchange(request), "503", "-1016");
    atomic_store(&loop_progress.stuck, 0);
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    loop_accept(command, byte_count, 5);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":5,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Clients that leave while their order is in the log harm nobody, and the next is served. */
TEST(submit, clients_may_leave_while_they_wait)
{
    loop_open();
    for (int round = 0; round < 20; round++) {
        const int descriptor =
            loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
        const size_t byte_count = loop_next_command(command);
        const struct linger at_once = {1, 0};
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(descriptor);
        loop_accept(command, byte_count, (uint64_t)round + 1);
    }
    loop_sign(request, sizeof(request), "GET", "/api/v3/order", "symbol=BTCUSDT&orderId=20");
    loop_assert_status(loop_exchange(request), "200", "\"orderId\":20,");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A full ring is an answer: 503, for one client, while those before it go on waiting. */
TEST(submit, full_ring_is_answered_busy)
{
    int clients[40];
    loop_submission_bytes = 4096;
    loop_open();
    loop_submission_bytes = LOOP_RING_BYTES;
    for (int index = 0; index < 40; index++)
        clients[index] = loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    loop_assert_status(loop_receive(clients[39]), "503", "{\"code\":-1008,");
    assert_true(metric_get(&loop_metrics.admission_full_total) > 0);
    const size_t byte_count = loop_next_command(command);
    loop_accept(command, byte_count, 9);
    loop_assert_status(loop_receive(clients[0]), "200", "\"orderId\":9,");
    /* Whoever waits when the node stops without an outcome is told so. */
    assert_int_equal(loop_stop(), STATUS_OK);
    loop_assert_status(loop_receive(clients[1]), "504", "{\"code\":-1007,");
    for (int index = 0; index < 40; index++)
        close(clients[index]);
}
