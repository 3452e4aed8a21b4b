#include "tests/unit/gateway/loop_fixture.h"

#define ORDER "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

static char request[2048];
static uint8_t command[COMMAND_BYTES_MAX];

/* What waits when the node stops is answered, not dropped: its outcome still comes. */
TEST(server, waiting_order_is_finished_before_a_stop)
{
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    atomic_store(&loop_progress.stopping, 1);
    loop_await_closed();
    loop_accept(command, byte_count, 5);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":5,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}
